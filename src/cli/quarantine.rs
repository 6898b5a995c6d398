//! `fondly quarantine`: records that couldn't be used.

use std::path::Path;

use serde_json::Value;

use super::output::{self, Format, Row};
use super::{Done, Failure, Outcome, house_at_hand};
use crate::engine::House;
use crate::engine::aside::{self, Cleared};
use crate::model::Refusal;
use crate::store::Quarantined;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Takes out what programs have sent under the name of this source, and what came from files of
    /// it that are no longer there; what is still there goes by itself once it is mended
    #[arg(long, value_name = "SOURCE", conflicts_with = "format")]
    clear: Option<String>,
    /// Only of this file, as the listing names it, or by its own name
    #[arg(value_name = "FILE", requires = "clear")]
    file: Option<String>,
}

const COLUMNS: &[(&str, &str)] = &[
    ("file", "file"),
    ("line", "line"),
    ("column", "column"),
    ("value", "value"),
    ("reason", "reason"),
];

const FIELDS: &[&str] = &[
    "source", "file", "line", "column", "value", "reason", "record",
];

fn row(record: &Quarantined) -> Row {
    let Refusal {
        file,
        line,
        column,
        value,
        reason,
        record: whole,
        of: _,
    } = &record.refusal;
    let values: [Value; 7] = [
        record.source.as_str().into(),
        file.as_str().into(),
        (*line).into(),
        column.as_str().into(),
        value.as_str().into(),
        reason.as_str().into(),
        whole.as_str().into(),
    ];
    FIELDS
        .iter()
        .map(|field| (*field).to_owned())
        .zip(values)
        .collect()
}

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let house = house_at_hand(config).await?;
    if let Some(source) = &args.clear {
        return clear(house, source, args.file.as_deref()).await;
    }
    let rows: Vec<_> = house.store.quarantined().await?.iter().map(row).collect();
    house.store.close().await?;
    if rows.is_empty() && args.format == Format::Table {
        output::note("Nothing is in quarantine.");
        return Ok(Done::Well);
    }
    output::listing(args.format, COLUMNS, FIELDS, &rows)?;
    Ok(if rows.is_empty() {
        Done::Well
    } else {
        Done::NeedsAPerson
    })
}

async fn clear(house: House, source: &str, file: Option<&str>) -> Outcome {
    let Cleared { gone, still_read } = aside::clear(&house, source, file).await?;
    let mut sources = house.plans.settings.sources.iter();
    let is_in_settings = sources.any(|one| one.name == source);
    house.store.close().await?;
    if gone == 0 && (is_in_settings || file.is_some()) {
        return Err(Failure::Usage(match (file, still_read.as_slice()) {
            (Some(file), []) => format!(
                "nothing of `{file}` is in quarantine under `{source}`; `fondly quarantine` names the \
                 files"
            ),
            (None, []) => format!(
                "`{source}` is a [[source]] of fondly.toml, and nothing of it is in quarantine"
            ),
            (_, files) => format!(
                "`{source}` is a [[source]] of fondly.toml that still reads {}; mend its records there, \
                 and they go",
                files.join(", ")
            ),
        }));
    }
    let records = if gone == 1 {
        "record is"
    } else {
        "records are"
    };
    output::say(format!("{gone} {records} taken out of quarantine"))?;
    if !still_read.is_empty() {
        let files = still_read.join(", ");
        output::note(format!(
            "What {files} holds stays until it is mended there."
        ));
    }
    Ok(Done::Well)
}
