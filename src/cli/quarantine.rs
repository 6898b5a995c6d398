//! `fondly quarantine`: records that couldn't be used.

use std::path::Path;

use super::output::{self, Format};
use super::{Done, Outcome, house};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const COLUMNS: &[(&str, &str)] = &[
    ("file", "file"),
    ("line", "line"),
    ("column", "column"),
    ("value", "value"),
    ("reason", "reason"),
];

const FIELDS: &[&str] = &["source", "file", "line", "column", "value", "reason", "record"];

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let house = house(config).await?;
    let rows: Vec<_> =
        house.store.quarantined().await?.iter().map(|record| record.to_json()).collect();
    if rows.is_empty() && args.format == Format::Table {
        output::note("Nothing is in quarantine.");
        return Ok(Done::Well);
    }
    output::listing(args.format, COLUMNS, FIELDS, &rows)?;
    Ok(if rows.is_empty() { Done::Well } else { Done::NeedsAPerson })
}
