//! RECORDS IN: foreign CSV files -> customers and events, or refusals that say why.
//!
//! Reads outside files and never writes anything. May use `model` only; may not read a clock
//! (no date needs a "today") and may not know the store. A file is read row by row in constant
//! memory, but for the ids seen so far.

mod columns;
mod dates;
mod error;
pub mod json;
pub mod made_up;
mod raw;
mod reader;
mod rows;
mod values;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use crate::model::{Customer, Event, Refusal};

pub use self::error::{SourceError, Trouble};
pub use self::reader::FileReader;

use self::error::Wrong;

/// What a source's records are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feeds {
    /// One customer a row.
    Customers,
    /// One event a row.
    Events,
}

/// The type of one of the business's own attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AttrType {
    /// Text as it stands.
    #[default]
    Text,
    /// A number with a decimal point.
    Number,
    /// A date, with or without a year.
    Date,
    /// Yes or no.
    YesNo,
}

/// Where CSV files lie and how to read them.
#[derive(Debug, Clone)]
pub struct CsvSource {
    /// The source's name in the settings.
    pub name: String,
    /// A file, or a folder whose `*.csv` are read.
    pub path: PathBuf,
    /// The same path as the settings name it, for messages.
    pub shown: String,
    /// What the rows are.
    pub feeds: Feeds,
    /// Field -> column, for columns that don't bear their field's name.
    pub columns: BTreeMap<String, String>,
    /// Attribute (without `attr.`) -> type; text where nothing is said.
    pub types: BTreeMap<String, AttrType>,
    /// The form of dates, as strptime has it; only ISO dates are read without it.
    pub dates: Option<String>,
    /// What stands between two values, usually a comma.
    pub delimiter: u8,
    /// The business's zone, for local times that bear no offset.
    pub zone: TimeZone,
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// A customer.
    Customer(Customer),
    /// An event.
    Event(Event),
    /// A row that can't be used.
    Refused(Refusal),
}

/// The files of a source: the file itself, or a folder's `*.csv` in the order of their names.
/// Hidden files, and names with other endings such as `.part`, are still being written and left.
///
/// # Errors
/// When the path isn't there or can't be read.
pub fn files(source: &CsvSource) -> Result<Vec<PathBuf>, SourceError> {
    list(&source.path).map_err(|error| Wrong::from(error).at(&source.shown, None))
}

fn list(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        if is_csv(&file) && fs::metadata(&file).is_ok_and(|data| data.is_file()) {
            found.push(file);
        }
    }
    found.sort();
    Ok(found)
}

fn is_csv(file: &Path) -> bool {
    let hidden = file
        .file_name()
        .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    !hidden
        && file
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("csv"))
}

/// How messages name this file of the source.
fn shown(source: &CsvSource, file: &Path) -> String {
    match file.strip_prefix(&source.path) {
        Ok(rest) if !rest.as_os_str().is_empty() => {
            format!(
                "{}/{}",
                source.shown.trim_end_matches('/'),
                rest.to_string_lossy()
            )
        }
        _ => source.shown.clone(),
    }
}

#[cfg(test)]
mod examples;
