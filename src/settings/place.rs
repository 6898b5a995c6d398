//! Where a source's records lie: `kind`, and the keys that only this kind has.
//!
//! Text in, values out: whether anything is there is for `records` to see.

use std::path::{Path, PathBuf};

use super::resolved;
use crate::model::tables::{Node, Table, Value};

/// Where a source's records lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// CSV files.
    Csv {
        /// A file, or a folder of files, absolute.
        path: PathBuf,
        /// What stands between two values, always ASCII; found out where nothing is said.
        delimiter: Option<char>,
        /// The encoding's name; UTF-8 where nothing is said.
        encoding: Option<String>,
    },
    /// Workbooks.
    Xlsx {
        /// A file, or a folder of files, absolute.
        path: PathBuf,
        /// The sheet; the only one where nothing is said.
        sheet: Option<String>,
        /// The row of the header, from 1; found where nothing is said.
        header_row: Option<u32>,
    },
    /// Address books.
    Vcard {
        /// A file, or a folder of files, absolute.
        path: PathBuf,
        /// The encoding's name; UTF-8 where nothing is said.
        encoding: Option<String>,
    },
}

impl Place {
    /// The kind, as settings write it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Csv { .. } => "csv",
            Self::Xlsx { .. } => "xlsx",
            Self::Vcard { .. } => "vcard",
        }
    }
}

/// A kind of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Csv,
    Xlsx,
    Vcard,
    Sql,
}

const KINDS: &[(&str, Kind)] = &[
    ("csv", Kind::Csv),
    ("xlsx", Kind::Xlsx),
    ("vcard", Kind::Vcard),
    ("sql", Kind::Sql),
];

/// The last row that a sheet can have.
const LAST_ROW: u32 = 1_048_576;
/// Kinds that are agreed on, but not built yet.
const LATER: &[Kind] = &[Kind::Sql];

/// Reads the source's kind; one that isn't built yet is refused by name.
pub(super) fn kind(table: &mut Table<'_>) -> Option<Kind> {
    let value = table.require("kind", "\"csv\"")?;
    let kind = value.one_of(KINDS)?;
    if LATER.contains(&kind) {
        let message = format!("`{}` isn't supported yet", value.text()?);
        value.complain(message, Some("write `csv` for now".to_owned()));
        return None;
    }
    Some(kind)
}

/// Reads the keys that belong to this kind alone.
pub(super) fn place(kind: Kind, table: &mut Table<'_>, folder: &Path) -> Option<Place> {
    match kind {
        Kind::Csv => {
            let path = path(table, folder, "\"../data/customers.csv\"");
            let delimiter = table.get("delimiter").map(|v| delimiter(&v));
            Some(Place::Csv {
                path: path?,
                delimiter: match delimiter {
                    Some(delimiter) => Some(delimiter?),
                    None => None,
                },
                encoding: encoding(table),
            })
        }
        Kind::Xlsx => {
            let path = path(table, folder, "\"../data/customers.xlsx\"");
            let sheet = table.get("sheet").and_then(|v| v.text().map(str::to_owned));
            let header_row = table.get("header_row");
            let header_row = header_row.and_then(|v| v.whole(1..=LAST_ROW));
            Some(Place::Xlsx {
                path: path?,
                sheet,
                header_row,
            })
        }
        Kind::Vcard => {
            let path = path(table, folder, "\"../data/contacts.vcf\"");
            Some(Place::Vcard {
                encoding: encoding(table),
                path: path?,
            })
        }
        Kind::Sql => None,
    }
}

fn path(table: &mut Table<'_>, folder: &Path, example: &str) -> Option<PathBuf> {
    let path = table.require("path", example)?;
    path.text().map(|path| resolved(folder, path))
}

/// Whether the encoding is known is for `records` to say.
fn encoding(table: &mut Table<'_>) -> Option<String> {
    let value = table.get("encoding")?;
    value.text().map(str::to_owned)
}

fn delimiter(value: &Value<'_>) -> Option<char> {
    // A blank is a fine delimiter, so that `text` can't be asked.
    let (Node::Text(text) | Node::Loose(text)) = &value.item().node else {
        value.text()?;
        return None;
    };
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if c.is_ascii() && !"\"\r\n\0".contains(c) => Some(c),
        _ => {
            let help = "write one character such as `;`, or `\\t` for a tab";
            value.complain("this isn't a single plain character", Some(help.to_owned()));
            None
        }
    }
}
