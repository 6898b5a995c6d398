//! `fondly resolve`: a person says what became of a letter of which nobody knew.

use std::path::Path;

use super::{Done, Failure, Outcome, house_at_hand, output};
use crate::engine::House;
use crate::engine::control::{self, Word};
use crate::model;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Look for the entry's message_id in your mail provider's log first: `fondly show \
                        ENTRY` prints it."
)]
pub(super) struct Args {
    /// The entry's id, as `fondly log --outcome unknown` prints it
    entry: String,
    #[command(flatten)]
    word: Said,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Said {
    /// It arrived: it counts as sent
    #[arg(long)]
    sent: bool,
    /// It didn't arrive, and isn't sent any more
    #[arg(long)]
    not_sent: bool,
    /// It didn't arrive: the next pass decides about it anew, and sends it if it isn't too late
    #[arg(long)]
    resend: bool,
}

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let house = house_at_hand(config).await?;
    let done = settle(&house, &args).await;
    house.store.clone().close().await?;
    done?;
    Ok(Done::Well)
}

async fn settle(house: &House, args: &Args) -> Result<(), Failure> {
    let entry = args.entry.as_str();
    let Some(told) = house.store.entry(entry).await? else {
        let words =
            format!("there is no entry `{entry}`; `fondly log --outcome unknown` lists them");
        return Err(Failure::Trouble(anyhow::anyhow!(words)));
    };
    let (word, words) = match &args.word {
        Said { sent: true, .. } => (Word::Sent, "counts as sent"),
        Said { resend: true, .. } => (Word::Resend, "is decided about anew by the next pass"),
        Said { .. } => (Word::NotSent, "counts as not sent, and isn't sent any more"),
    };
    let now = house.clock.now();
    if !control::resolve(house, control::BY_COMMAND, entry, word, now).await? {
        if word == Word::Resend && told.entry.outcome == model::Outcome::Unknown {
            let words = format!(
                "{entry} can't be sent again: whom it was for was forgotten; `--sent` or \
                 `--not-sent` settles it"
            );
            return Err(Failure::Trouble(anyhow::anyhow!(words)));
        }
        let outcome = told.entry.outcome;
        let unknown = model::Outcome::Unknown;
        let words = format!("{entry} is {outcome}, not {unknown}; there is nothing to settle");
        return Err(Failure::Trouble(anyhow::anyhow!(words)));
    }
    output::say(format!("{entry} {words}"))?;
    Ok(())
}
