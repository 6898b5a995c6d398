//! RECORDS IN: foreign files and databases -> customers and events, or refusals that say why.
//!
//! Reads what is outside and never writes anything. May use `model` only; may not read a clock
//! (no date needs a "today") and may not know the store. A file is read row by row in constant
//! memory, but for the ids seen so far.

mod card_dates;
mod cards;
mod cell;
mod claims;
mod columns;
pub mod complete;
mod content;
mod csv_rows;
mod dates;
mod error;
mod forms;
mod garbled;
mod intake;
pub mod json;
pub mod made_up;
mod mistaken;
mod numbers;
pub mod quality;
mod raw;
mod reader;
mod rows;
mod seen;
mod serial;
mod sheet;
mod sniff;
pub mod sql;
mod stated;
mod text;
mod unpack;
mod values;
mod words;
mod workbook;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use crate::model::{Customer, Event, Refusal, Told};

pub use self::error::{SourceError, Trouble};
pub use self::numbers::Decimal;
pub use self::reader::{FileReader, Print, print};

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

/// What a source's records are, and which column means what: the same for every kind of source.
#[derive(Debug, Clone)]
pub struct Meaning {
    /// The source's name in the settings.
    pub name: String,
    /// What the rows are.
    pub feeds: Feeds,
    /// The kind of event that every row is, where no column says it.
    pub event: Option<String>,
    /// Field -> column, for columns that don't bear their field's name.
    pub columns: BTreeMap<String, String>,
    /// Attribute (without `attr.`) -> type; text where nothing is said.
    pub types: BTreeMap<String, AttrType>,
    /// The form of dates, as strptime has it, or `excel` or `excel-1904` for bare numbers of days;
    /// only ISO dates are read without it.
    pub dates: Option<String>,
    /// What stands before the decimals of numbers in text; what can be read two ways is refused
    /// without it.
    pub decimal: Option<Decimal>,
    /// The business's zone, for local times that bear no offset.
    pub zone: TimeZone,
}

/// Where files lie and how to read them.
#[derive(Debug, Clone)]
pub struct FileSource {
    /// What is in them.
    pub meaning: Meaning,
    /// A file, or a folder whose files of this format are read.
    pub path: PathBuf,
    /// The same path as the settings name it, for messages.
    pub shown: String,
    /// What kind of file they are.
    pub format: Format,
}

/// The kinds of file, each with what only it needs to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Lines of values with a sign between them.
    Csv {
        /// What stands between two values; found out where nothing is said.
        delimiter: Option<u8>,
        /// The encoding, by the name that browsers know; UTF-8 where nothing is said. A byte order
        /// mark wins.
        encoding: Option<String>,
    },
    /// A workbook: xlsx, xlsm, ods or xls.
    Sheet {
        /// The sheet's name; the only one that holds anything where nothing is said.
        sheet: Option<String>,
        /// The row of the header, from 1; the first that names what is needed where nothing is said.
        header_row: Option<u32>,
    },
    /// An address book: vCard 2.1, 3.0 or 4.0.
    Cards {
        /// As with CSV.
        encoding: Option<String>,
    },
}

impl Format {
    /// How the names of such files end.
    const fn endings(&self) -> &'static [&'static str] {
        match self {
            Self::Csv { .. } => &["csv"],
            Self::Sheet { .. } => &["xlsx", "xlsm", "ods", "xls"],
            Self::Cards { .. } => &["vcf", "vcard"],
        }
    }
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// A customer, and what the row speaks of.
    Customer(Customer, Told),
    /// An event.
    Event(Event),
    /// A row that can't be used.
    Refused(Refusal),
}

/// The files of a source: the file itself, or a folder's files of its format in the order of their
/// names. Hidden files, the spreadsheets' own marks such as `~$shop.xlsx`, and names with other endings such as `.part`, are still being written and left.
///
/// # Errors
/// When the path isn't there or can't be read.
pub fn files(source: &FileSource) -> Result<Vec<PathBuf>, SourceError> {
    list(&source.path, source.format.endings())
        .map_err(|error| Wrong::from(error).at(&source.shown, None))
}

fn list(path: &Path, endings: &[&str]) -> std::io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        if is_one(&file, endings) && fs::metadata(&file).is_ok_and(|data| data.is_file()) {
            found.push(file);
        }
    }
    found.sort();
    Ok(found)
}

fn is_one(file: &Path, endings: &[&str]) -> bool {
    let name = file.file_name().unwrap_or_default().as_encoded_bytes();
    if name.starts_with(b".") || name.starts_with(b"~$") {
        return false;
    }
    let end = file.extension().unwrap_or_default();
    endings.iter().any(|known| end.eq_ignore_ascii_case(known))
}

/// How messages name this file of the source.
pub fn shown(source: &FileSource, file: &Path) -> String {
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
