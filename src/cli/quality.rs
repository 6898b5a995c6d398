//! `fondly sync --report`: how good the records are. Judges nothing.

use serde_json::Value;

use super::output::{self, Format, Row};
use crate::records::quality::{Known, Quality};

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
    let known = quality.known;
    let mut rows: Vec<Row> = Vec::new();
    if format == Format::Table {
        for line in in_words(&known) {
            output::say(line)?;
        }
        if quality.findings.is_empty() {
            return output::say("Nothing looks wrong.");
        }
    } else {
        let facts = missing(&known);
        rows.extend(
            facts.map(|(kind, some, words)| row(format, (kind, words), (some, &known), &[])),
        );
    }
    rows.extend(quality.findings.iter().map(|one| {
        let told = (one.kind, one.words.as_str());
        row(format, told, (one.customers, &known), &one.examples)
    }));
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

/// How many lack what, for a machine.
fn missing(known: &Known) -> impl Iterator<Item = (&'static str, u64, &'static str)> {
    let all = known.customers;
    [
        ("customers", all, "customers"),
        ("without-address", all - known.address, "have no address"),
        ("without-name", all - known.name, "have no name"),
        ("without-birthday", all - known.birthday, "have no birthday"),
        (
            "without-birth-year",
            known.birthday - known.birth_year,
            "have a birthday without a year",
        ),
        (
            "without-language",
            all - known.language,
            "have no language of their own",
        ),
        (
            "without-zone",
            all - known.zone,
            "have no time zone of their own",
        ),
    ]
    .into_iter()
}

fn row(
    format: Format,
    (kind, words): (&str, &str),
    (customers, known): (u64, &Known),
    examples: &[String],
) -> Row {
    let examples: Value = match format {
        Format::Json => examples.into(),
        Format::Table | Format::Csv => examples.join(", ").into(),
    };
    let values: [Value; 5] = [
        kind.into(),
        customers.into(),
        known.customers.into(),
        words.into(),
        examples,
    ];
    FIELDS
        .iter()
        .map(|field| (*field).to_owned())
        .zip(values)
        .collect()
}
