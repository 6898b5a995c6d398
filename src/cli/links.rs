//! `fondly links`: the keys that sign the links in letters.

use std::path::Path;

use clap::Subcommand;
use jiff::Timestamp;
use serde_json::Value;

use super::output::{self, Format, Row};
use super::{Done, Failure, Outcome, fields, house_at_hand};
use crate::engine::House;
use crate::engine::entry_json::rfc3339;
use crate::engine::links::{GRACE_DAYS, may_end};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Every key: since when it signs, until when it did, and whether its links still work
    List {
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Makes a new key: letters from now on are signed by it, and links of older letters go on
    /// working
    Rotate,
    /// Ends an older key: the links in its letters open nothing any more
    End {
        /// Its number
        number: u32,
        /// Although it signed letters within the last 60 days: somebody else has the key
        #[arg(long)]
        now: bool,
    },
}

const COLUMNS: &[(&str, &str)] = &[
    ("number", "key"),
    ("since", "signs since"),
    ("until", "until"),
    ("links", "its links"),
];
const FIELDS: &[&str] = &["number", "since", "until", "links", "ended_at"];

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let house = house_at_hand(config).await?;
    let done = match args.command {
        Command::List { format } => list(&house, format).await,
        Command::Rotate => rotate(&house).await,
        Command::End { number, now } => end(&house, number, now).await,
    };
    house.store.clone().close().await?;
    done?;
    Ok(Done::Well)
}

async fn rotate(house: &House) -> Result<(), Failure> {
    let number = house.store.add_link_key(house.clock.now()).await?;
    output::say(format!(
        "Key {number} signs the links of letters from now on, within a minute where `fondly run` \
         works. Links of older letters go on working."
    ))?;
    let old = number.saturating_sub(1);
    output::note(format!(
        "`fondly links end {old}` ends the one before, best in {GRACE_DAYS} days; until then \
         somebody may unsubscribe by an old letter."
    ));
    Ok(())
}

async fn end(house: &House, number: u32, at_once: bool) -> Result<(), Failure> {
    let now = house.clock.now();
    let keys = house.store.link_keys().await?;
    let place = keys.iter().position(|key| key.number == number);
    let Some((place, key)) = place.and_then(|at| Some((at, keys.get(at)?))) else {
        return trouble(format!(
            "there is no key {number}; `fondly links list` shows which there are"
        ));
    };
    if key.ended_at.is_some() {
        output::say(format!("Key {number} had ended already."))?;
        return Ok(());
    }
    let after = place.checked_sub(1).and_then(|at| keys.get(at));
    let Some(replaced_at) = after.and_then(|next| next.made_at) else {
        return trouble(format!(
            "key {number} signs the letters of today; `fondly links rotate` makes a new one first"
        ));
    };
    if !at_once && !may_end(replaced_at, now) {
        let since = fields::local(replaced_at, &house.policy().zone);
        return trouble(format!(
            "key {number} signed letters until {since}, and people look for the link in letters \
             of {GRACE_DAYS} days ago; `--now` ends it all the same, for when somebody else has it"
        ));
    }
    house.store.end_link_key(number, now).await?;
    output::say(format!(
        "Key {number} has ended: links in letters from before {} open nothing any more.",
        fields::local(replaced_at, &house.policy().zone)
    ))?;
    Ok(())
}

fn trouble(words: String) -> Result<(), Failure> {
    Err(Failure::Trouble(anyhow::anyhow!(words)))
}

async fn list(house: &House, format: Format) -> Result<(), Failure> {
    let zone = &house.policy().zone;
    let at = |moment: Option<Timestamp>, otherwise: &str| match (format, moment) {
        (Format::Table, None) => Value::from(otherwise),
        (Format::Table, Some(moment)) => fields::local(moment, zone).into(),
        (Format::Json | Format::Csv, moment) => moment.map(|at| rfc3339(at, zone)).into(),
    };
    let keys = house.store.link_keys().await?;
    let mut until = None;
    let rows: Vec<Row> = keys
        .iter()
        .map(|key| {
            let links = match key.ended_at {
                None => "work",
                Some(_) => "open nothing",
            };
            let values: [Value; 5] = [
                key.number.into(),
                at(key.made_at, "the beginning"),
                at(until, ""),
                links.into(),
                at(key.ended_at, ""),
            ];
            until = key.made_at;
            let names = FIELDS.iter().map(|field| (*field).to_owned());
            names.zip(values).collect()
        })
        .collect();
    output::listing(format, COLUMNS, FIELDS, &rows)?;
    Ok(())
}
