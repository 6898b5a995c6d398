//! `fondly sync --report`: how good the records are. Judges nothing.

use serde_json::Value;

use super::output::{self, Format, Row};
use crate::engine::listing;
use crate::engine::quality::{FACTS, told};
use crate::records::quality::{Known, Quality};
use crate::store::Finding;

const COLUMNS: &[(&str, &str)] = &[
    ("customers", "customers"),
    ("words", "what looks wrong"),
    ("examples", "such as"),
];

const FIELDS: &[&str] = &["finding", "customers", "of", "words", "examples"];

/// Prints it.
///
/// # Errors
/// Standard output can't be written.
pub(super) fn print(format: Format, quality: &Quality) -> std::io::Result<()> {
    if format == Format::Table {
        for line in in_words(&quality.known) {
            output::say(line)?;
        }
        if quality.findings.is_empty() {
            return output::say("Nothing looks wrong.");
        }
    }
    let told = told(quality);
    let skipped = if format == Format::Table { FACTS } else { 0 };
    let rows: Vec<Row> = told
        .iter()
        .skip(skipped)
        .map(|one| row(format, one))
        .collect();
    output::listing(format, COLUMNS, FIELDS, &rows)
}

/// How much is known, for a person.
fn in_words(known: &Known) -> Vec<String> {
    let all = known.customers;
    if all == 0 {
        return vec!["There are no customers yet.".to_owned()];
    }
    let customers = if all == 1 { "customer" } else { "customers" };
    let share = |some: u64| format!("{some} ({}%)", some * 100 / all);
    vec![
        format!(
            "{all} {customers}; with an address {}, a name {}, a birthday {}",
            share(known.address),
            share(known.name),
            share(known.birthday)
        ),
        format!(
            "of the birthdays {} with their year; a language of their own {}, a time zone {}",
            known.birth_year,
            share(known.language),
            share(known.zone)
        ),
    ]
}

fn row(format: Format, one: &Finding) -> Row {
    let examples: Value = match format {
        Format::Json => one.examples.as_slice().into(),
        Format::Table | Format::Csv => one.examples.join(", ").into(),
    };
    let values: [Value; 5] = [
        one.kind.as_str().into(),
        one.customers.into(),
        one.of.into(),
        one.words.as_str().into(),
        examples,
    ];
    listing::row(FIELDS, values)
}
