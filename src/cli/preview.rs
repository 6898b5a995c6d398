//! `fondly preview`: a letter as a customer would get it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::civil::Date;
use lettre::Address;

use super::{Done, Failure, Outcome, house, output};
use crate::engine::House;
use crate::engine::preview::{Preview, preview};
use crate::engine::specimen::{self, Specimen};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "It leaves no trace: nothing is noted in the ledger, no cap counts it, and the customer \
    gets nothing. The links in it are examples that open and change nothing. With --send-to it leaves by \
    the way that letters take ([mail] in fondly.toml), beside a running daemon too: a mail server gets it \
    for ADDRESS, with \"[Preview]\" before the subject; where letters are written as files, it is a file \
    in the same folder, whose name begins with preview_; delete it when you have seen it. `fondly forget` \
    of anybody takes all of those files out."
)]
pub(super) struct Args {
    /// The rule's id: its file's name without .toml
    rule: String,
    /// The customer's id
    customer: String,
    /// For the occasion on this day, or the next one after it [default: today]
    #[arg(long, value_name = "DATE", value_parser = day)]
    on: Option<Date>,
    /// Sends it to this address, to be read in a real mail program
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    send_to: Option<Address>,
    /// Writes the HTML part to this file, to be opened in a browser
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

fn day(text: &str) -> Result<Date, String> {
    let form = "write a day such as 2027-05-02";
    text.parse().map_err(|_| format!("it is no day; {form}"))
}

fn address(text: &str) -> Result<Address, String> {
    let form = "write one such as anna@thorn.example";
    let text = text.trim();
    text.parse()
        .map_err(|_| format!("it is no mail address; {form}"))
}

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let house = house(config).await?;
    let done = shown_and_sent(&house, &args).await;
    house.store.close().await?;
    done
}

async fn shown_and_sent(house: &House, args: &Args) -> Outcome {
    let shown = preview(house, &args.rule, &args.customer, args.on).await?;
    show(&shown, args)?;
    let Some(address) = &args.send_to else {
        return Ok(Done::Well);
    };
    let what = Specimen {
        rule: &args.rule,
        customer: &args.customer,
        occasion: &shown.occasion,
        at: shown.at,
    };
    let left = specimen::send(house, what, address).await?;
    output::note(format!(
        "Handed over for {address} to {}: {}\nIts links are examples: they open and change nothing.",
        left.via, left.reply
    ));
    Ok(Done::Well)
}

fn show(shown: &Preview, args: &Args) -> Result<(), Failure> {
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
    if let Some(day) = shown.goes_on_another_day() {
        output::say(format!("Goes:     {day} {}", shown.occasion.zone))?;
    }
    output::say(format!("Language: {}", shown.language))?;
    output::say(format!("Subject:  {}\n", shown.subject))?;
    output::lines(&shown.text)?;
    if let Some(path) = &args.html {
        let what = format!("{} can't be written", path.display());
        std::fs::write(path, &shown.html).context(what)?;
        output::note(format!("The HTML part is in {}", path.display()));
    }
    Ok(())
}
