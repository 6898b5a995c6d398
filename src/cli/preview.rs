//! `fondly preview`: a letter as a customer would get it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::civil::Date;

use super::{Done, Outcome, house, output};
use crate::engine::preview::preview;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The rule's id: its file's name without .toml
    rule: String,
    /// The customer's id
    customer: String,
    /// For the occasion on this day, or the next one after it [default: today]
    #[arg(long, value_name = "DATE", value_parser = day)]
    on: Option<Date>,
    /// Writes the HTML part to this file, to be opened in a browser
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

fn day(text: &str) -> Result<Date, String> {
    let form = "write a day such as 2027-05-02";
    text.parse().map_err(|_| format!("it is no day; {form}"))
}

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let house = house(config).await?;
    let shown = preview(&house, &args.rule, &args.customer, args.on).await;
    house.store.close().await?;
    let shown = shown?;
    if !shown.real {
        let day = shown.occasion.day;
        output::note(format!(
            "The records give this customer no such occasion; this is how it would read on {day}."
        ));
    }
    output::say(format!("Occasion: {}", shown.occasion.key))?;
    output::say(format!(
        "Due:      {} {}",
        shown.occasion.day, shown.occasion.zone
    ))?;
    output::say(format!("Language: {}", shown.language))?;
    output::say(format!("Subject:  {}\n", shown.subject))?;
    output::lines(&shown.text)?;
    if let Some(path) = args.html {
        let what = format!("{} can't be written", path.display());
        std::fs::write(&path, &shown.html).context(what)?;
        output::note(format!("The HTML part is in {}", path.display()));
    }
    Ok(Done::Well)
}
