//! `fondly complaint`: what customers complain of, and closing it.

use std::path::Path;

use clap::Subcommand;
use serde_json::Value;

use super::output::{self, Format, Row};
use super::{Done, Failure, Outcome, fields, house_at_hand};
use crate::engine::House;
use crate::engine::entry_json::rfc3339;
use crate::engine::opinion;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Every open complaint, the oldest first
    List {
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// It is settled: from now on they get all their letters again
    Close {
        /// The customer's id
        customer: String,
    },
}

const COLUMNS: &[(&str, &str)] = &[
    ("customer", "customer"),
    ("name", "name"),
    ("since", "since"),
    ("rating", "of 5"),
    ("words", "words"),
];
const FIELDS: &[&str] = &["customer", "name", "since", "rating", "words"];

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let house = house_at_hand(config).await?;
    let done = match args.command {
        Command::List { format } => list(&house, format).await,
        Command::Close { customer } => close(&house, &customer).await,
    };
    house.store.clone().close().await?;
    done?;
    Ok(Done::Well)
}

async fn close(house: &House, customer: &str) -> Result<(), Failure> {
    output::say(if opinion::close(house, customer).await? {
        format!("The complaint of {customer} is closed; they get all their letters again.")
    } else {
        format!("No complaint of {customer} is open.")
    })?;
    Ok(())
}

async fn list(house: &House, format: Format) -> Result<(), Failure> {
    let zone = &house.policy().zone;
    let all = opinion::open(house).await?;
    if all.is_empty() && format == Format::Table {
        output::note("No complaint is open.");
        return Ok(());
    }
    let row = |one: opinion::Complaint| -> Row {
        let since = match format {
            Format::Table => fields::local(one.since, zone),
            Format::Json | Format::Csv => rfc3339(one.since, zone),
        };
        let (rating, words) = match one.opinion {
            Some(opinion) => (Some(opinion.face), Some(opinion.words)),
            None => (None, None),
        };
        let values: [Value; 5] = [
            one.customer.into(),
            one.name.into(),
            since.into(),
            rating.into(),
            words.filter(|words| !words.is_empty()).into(),
        ];
        let names = FIELDS.iter().map(|field| (*field).to_owned());
        names.zip(values).collect()
    };
    let rows: Vec<Row> = all.into_iter().map(row).collect();
    output::listing(format, COLUMNS, FIELDS, &rows)?;
    Ok(())
}
