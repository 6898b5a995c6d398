//! `fondly suppress`: addresses that get nothing any more.

use std::path::Path;

use clap::Subcommand;
use serde_json::Value;

use super::output::{self, Format, Row};
use super::{Done, Failure, Outcome, fields, house_at_hand};
use crate::engine::House;
use crate::engine::entry_json::rfc3339;
use crate::model::Reason;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// This address gets nothing any more, but for letters about something it asked for
    Add {
        /// The address
        address: String,
    },
    /// This address may be written to again
    Remove {
        /// The address
        address: String,
    },
    /// Every suppressed address, why and since when
    List {
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

const COLUMNS: &[(&str, &str)] = &[
    ("address", "address"),
    ("reason", "reason"),
    ("at", "since"),
];
const FIELDS: &[&str] = &["address", "reason", "at"];

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let house = house_at_hand(config).await?;
    let done = match args.command {
        Command::Add { address } => add(&house, &address).await,
        Command::Remove { address } => remove(&house, &address).await,
        Command::List { format } => list(&house, format).await,
    };
    house.store.clone().close().await?;
    done?;
    Ok(Done::Well)
}

async fn add(house: &House, address: &str) -> Result<(), Failure> {
    let address = plain(address)?;
    let reason = Reason::SettledByHand.as_str();
    let new = house.store.suppress(&address, reason, house.clock.now());
    output::say(if new.await? {
        format!("{address} gets nothing any more, but for letters about something it asked for")
    } else {
        format!("{address} is suppressed already")
    })?;
    Ok(())
}

async fn remove(house: &House, address: &str) -> Result<(), Failure> {
    let address = plain(address)?;
    output::say(if house.store.unsuppress(&address).await? {
        format!("{address} may be written to again")
    } else {
        format!("{address} isn't suppressed by itself; `fondly suppress list` shows who is")
    })?;
    Ok(())
}

/// An address and nothing else.
pub(super) fn plain(address: &str) -> Result<String, Failure> {
    let address = address.trim();
    match address.parse::<lettre::Address>() {
        Ok(address) => Ok(address.to_string()),
        Err(_) => Err(Failure::Usage(format!(
            "`{address}` is no mail address; write one such as ann@mail.example"
        ))),
    }
}

async fn list(house: &House, format: Format) -> Result<(), Failure> {
    let zone = &house.policy().zone;
    let all = house.store.suppressions().await?;
    if all.is_empty() && format == Format::Table {
        output::note("No address is suppressed.");
        return Ok(());
    }
    let rows: Vec<Row> = all
        .into_iter()
        .map(|(address, reason, at)| {
            let at = match format {
                Format::Table => fields::local(at, zone),
                Format::Json | Format::Csv => rfc3339(at, zone),
            };
            let values: [Value; 3] = [address.into(), reason.into(), at.into()];
            let names = FIELDS.iter().map(|field| (*field).to_owned());
            names.zip(values).collect()
        })
        .collect();
    output::listing(format, COLUMNS, FIELDS, &rows)?;
    Ok(())
}
