//! Where a source's records lie: `kind`, and the keys that only this kind has.
//!
//! Text in, values out: whether anything is there is for `records` to see.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::dropped::{Dropped, dropped};
use super::resolved;
use crate::model::Period;
use crate::model::tables::{Node, Table, Value};
use crate::records::sql::{Address, Engine, Overlap, Url};

/// The longest that a statement may take, unless a source says otherwise.
const TIMEOUT: Duration = Duration::from_mins(1);
/// How often it is looked whether anybody is gone, where only the query for that is given.
const FULL_EVERY: Duration = Duration::from_hours(24);
/// The longest that can be asked for, in minutes: a day.
const LONGEST: i64 = 24 * 60;

/// Where a source's records lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// CSV files.
    Csv {
        /// A file, or a folder of files, absolute.
        path: PathBuf,
        /// How files of a folder are taken.
        dropped: Dropped,
        /// What stands between two values, always ASCII; found out where nothing is said.
        delimiter: Option<char>,
        /// The encoding's name; UTF-8 where nothing is said.
        encoding: Option<String>,
    },
    /// Workbooks.
    Xlsx {
        /// A file, or a folder of files, absolute.
        path: PathBuf,
        /// How files of a folder are taken.
        dropped: Dropped,
        /// The sheet; the only one where nothing is said.
        sheet: Option<String>,
        /// The row of the header, from 1; found where nothing is said.
        header_row: Option<u32>,
    },
    /// Address books.
    Vcard {
        /// A file, or a folder of files, absolute.
        path: PathBuf,
        /// How files of a folder are taken.
        dropped: Dropped,
        /// The encoding's name; UTF-8 where nothing is said.
        encoding: Option<String>,
    },
    /// A query in a database.
    Sql(Box<Sql>),
}

/// A query in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sql {
    /// The address without a password, or the file that holds it.
    pub url: Url,
    /// The file of the password.
    pub password_file: Option<PathBuf>,
    /// Certificates that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// The query, as written.
    pub query: String,
    /// The column that moves `:since`.
    pub since: Option<String>,
    /// How far each reading goes back.
    pub overlap: Option<Overlap>,
    /// The longest that a statement may take.
    pub timeout: Duration,
    /// How often it is looked whether anybody is gone; never, where nothing is said.
    pub full_every: Option<Duration>,
    /// The query that gives the ids of everybody who is there.
    pub ids: Option<String>,
}

impl Place {
    /// The kind, as settings write it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Csv { .. } => "csv",
            Self::Xlsx { .. } => "xlsx",
            Self::Vcard { .. } => "vcard",
            Self::Sql(_) => "sql",
        }
    }

    /// How files of a folder are taken; databases have none.
    pub const fn dropped_mut(&mut self) -> Option<&mut Dropped> {
        match self {
            Self::Csv { dropped, .. }
            | Self::Xlsx { dropped, .. }
            | Self::Vcard { dropped, .. } => Some(dropped),
            Self::Sql(_) => None,
        }
    }
}

impl Place {
    /// The file or folder, where it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Csv { path, .. } | Self::Xlsx { path, .. } | Self::Vcard { path, .. } => {
                Some(path)
            }
            Self::Sql(_) => None,
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

/// Reads the source's kind.
pub(super) fn kind(table: &mut Table<'_>) -> Option<Kind> {
    table.require("kind", "\"csv\"")?.one_of(KINDS)
}

/// Reads the keys that belong to this kind alone.
pub(super) fn place(kind: Kind, table: &mut Table<'_>, folder: &Path) -> Option<Place> {
    match kind {
        Kind::Csv => {
            let path = path(table, folder, "\"../data/customers.csv\"");
            let delimiter = table.get("delimiter").map(|v| delimiter(&v));
            Some(Place::Csv {
                path: path?,
                dropped: dropped(table),
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
                dropped: dropped(table),
                sheet,
                header_row,
            })
        }
        Kind::Vcard => {
            let path = path(table, folder, "\"../data/contacts.vcf\"");
            Some(Place::Vcard {
                encoding: encoding(table),
                path: path?,
                dropped: dropped(table),
            })
        }
        Kind::Sql => sql(table, folder).map(|sql| Place::Sql(Box::new(sql))),
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

/// Reads the keys of a database.
fn sql(table: &mut Table<'_>, folder: &Path) -> Option<Sql> {
    if table.has("password")
        && let Some(password) = table.get("password")
    {
        password.complain_of_key(
            "passwords don't stand in settings",
            "put it into a file of its own, and name that file with `password_file`",
        );
    }
    let file = |value: Option<Value<'_>>| match value {
        None => Some(None),
        Some(value) => value.text().map(|path| Some(resolved(folder, path))),
    };
    let password_file = file(table.get("password_file"));
    let ca_file = file(table.get("ca_file"));
    let url = url(table, folder);
    let query = table.require("query", "\"select id, email, birthday from customers\"");
    let query = query.and_then(|v| v.text()).map(str::to_owned);
    let since = match table.get("since") {
        None => Some(None),
        Some(value) => value.text().map(|name| Some(name.trim().to_owned())),
    };
    let overlap = match table.get("overlap") {
        None => Some(None),
        Some(value) => overlap(&value).map(Some),
    };
    let timeout = match table.get("timeout") {
        None => Some(TIMEOUT),
        Some(value) => value
            .read(minutes)
            .map(|minutes| Duration::from_secs(minutes * 60)),
    };
    let full_every = match table.get("full_every") {
        None => Some(None),
        Some(value) => value.read(full_every).map(Some),
    };
    let ids = match table.get("ids") {
        None => Some(None),
        Some(value) => value.text().map(|text| Some(text.to_owned())),
    };
    let full_every = match (full_every?, &ids) {
        (None, Some(Some(_))) => Some(FULL_EVERY),
        (stated, _) => stated,
    };
    Some(Sql {
        url: url?,
        password_file: password_file?,
        ca_file: ca_file?,
        query: query?,
        since: since?,
        overlap: overlap?,
        timeout: timeout?,
        full_every,
        ids: ids?,
    })
}

/// An address without a password, or the file of one with or without.
fn url(table: &mut Table<'_>, folder: &Path) -> Option<Url> {
    let (text, file) = (table.get("url"), table.get("url_file"));
    match (text, file) {
        (Some(_), Some(file)) => {
            let help = "take one of them out";
            file.complain_of_key("there is `url` as well as `url_file`", help);
            None
        }
        (None, Some(file)) => Some(Url::File(resolved(folder, file.text()?))),
        (None, None) => {
            table.complain(
                "`source.url_file` is missing",
                "add `url_file = \"/etc/fondly/shop-url\"`, a file that holds an address such as \
                 postgres://fondly:password@db.example/shop, or `url`, the same without a password",
            );
            None
        }
        (Some(value), None) => {
            let address = value.read(Address::parse)?;
            if address.has_password() {
                let help = "put it into a file of its own, named by `password_file`, or the whole \
                            address into one, named by `url_file`";
                value.complain(
                    "a password doesn't stand in settings",
                    Some(help.to_owned()),
                );
                return None;
            }
            if address.engine() == Engine::Sqlite && table.has("password_file") {
                let help = "take `password_file` out";
                value.complain("files of SQLite have no password", Some(help.to_owned()));
                return None;
            }
            value.text().map(|text| Url::Text(text.trim().to_owned()))
        }
    }
}

/// `15 minutes`, or a number.
fn overlap(value: &Value<'_>) -> Option<Overlap> {
    if matches!(value.item().node, Node::Whole(_)) {
        let count = value.whole(0..=u32::MAX)?;
        return Some(Overlap::Count(i64::from(count)));
    }
    let minutes = value.read(minutes)?;
    let minutes = i64::try_from(minutes).ok()?;
    Some(Overlap::Time(jiff::SignedDuration::from_mins(minutes)))
}

/// A length of time from an hour to a year.
fn full_every(text: &str) -> Result<Duration, String> {
    const HOUR: u64 = 60 * 60;
    const DAY: u64 = 24 * HOUR;
    let seconds = match Period::parse(text)? {
        Period::Minutes(n) => u64::try_from(n).unwrap_or(0) * 60,
        Period::Days(n) => u64::try_from(n).unwrap_or(0) * DAY,
        Period::Months(n) => u64::try_from(n).unwrap_or(0) * 30 * DAY,
    };
    if (HOUR..=366 * DAY).contains(&seconds) {
        return Ok(Duration::from_secs(seconds));
    }
    Err(format!(
        "`{text}` is too much or too little; write a time from 1 hour to 1 year, such as `7 days`"
    ))
}

/// A length of time of minutes, hours or days.
fn minutes(text: &str) -> Result<u64, String> {
    let minutes = match Period::parse(text)? {
        Period::Minutes(n) => n,
        Period::Days(n) => i64::from(n) * 24 * 60,
        Period::Months(_) => LONGEST + 1,
    };
    let fits = (1..=LONGEST).contains(&minutes);
    let minutes = u64::try_from(minutes).ok().filter(|_| fits);
    minutes.ok_or_else(|| {
        format!("`{text}` is too much or too little; write a time from 1 minute to 1 day")
    })
}
