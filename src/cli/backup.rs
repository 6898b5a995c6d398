//! `fondly backup`: a consistent copy of the store, while everything goes on.

use std::path::{Path, PathBuf};

use super::output;
use super::{Done, Outcome, house_at_hand};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The copy holds everything but letters written as files, settings, rules and \
                        templates. Put to work in the store's place, it waits for `fondly resume` \
                        before it sends anything."
)]
pub(super) struct Args {
    /// The copy; it must not exist yet, and only its owner may read it
    file: PathBuf,
}

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let house = house_at_hand(config).await?;
    let copied = house.store.copy_to(&args.file).await;
    house.store.clone().close().await?;
    copied?;
    let length = std::fs::metadata(&args.file)?.len();
    output::say(format!(
        "{} holds everything up to now ({} KiB); it was read through once, and is whole",
        args.file.display(),
        length.div_ceil(1024)
    ))?;
    Ok(Done::Well)
}
