//! `[[source]]`: where the records come from, and which column means what.
//!
//! Text in, values out: whether the files are there is for `records` to see.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::fmt::strtime::BrokenDownTime;

use super::resolved;
use crate::model::customer::CUSTOMER_FIELDS;
use crate::model::event::EVENT_FIELDS;
use crate::model::tables::{Node, Table, Value, advice, plain_name};

/// One `[[source]]`, of CSV files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name; no other source has it.
    pub name: String,
    /// A file, or a folder of files, absolute.
    pub path: PathBuf,
    /// What it holds.
    pub feeds: Feeds,
    /// Fields with the columns they are read from; others are read from columns of their own name.
    pub columns: BTreeMap<String, String>,
    /// How dates are written, where that isn't plain: a strftime pattern.
    pub dates: Option<String>,
    /// The types of the business's own attributes, by name without `attr.`; the rest are text.
    pub types: BTreeMap<String, AttrType>,
    /// What stands between two fields; always ASCII.
    pub delimiter: char,
}

/// What a source holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feeds {
    /// Customers.
    Customers,
    /// Events.
    Events,
}

impl Feeds {
    /// As settings write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customers => "customers",
            Self::Events => "events",
        }
    }

    const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Customers => CUSTOMER_FIELDS,
            Self::Events => EVENT_FIELDS,
        }
    }
}

/// The type of one of the business's own attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttrType {
    /// Text as it stands.
    Text,
    /// A number.
    Number,
    /// A date.
    Date,
    /// Yes or no.
    YesNo,
}

impl AttrType {
    /// As settings write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Date => "date",
            Self::YesNo => "yes-no",
        }
    }
}

const TYPES: &[(&str, AttrType)] = &[
    ("text", AttrType::Text),
    ("number", AttrType::Number),
    ("date", AttrType::Date),
    ("yes-no", AttrType::YesNo),
];

/// The kind that is built, and those that are agreed on but not built yet.
const KINDS: &[&str] = &["csv", "xlsx", "vcard", "sql"];
/// Keys of the kinds that aren't built yet.
const LATER_KEYS: &[&str] = &["url_file", "query"];

/// Reads all `[[source]]`.
pub(super) fn sources(value: &Value<'_>, folder: &Path) -> Vec<Source> {
    let Some(items) = value.tables("[[source]]") else {
        return Vec::new();
    };
    let mut sources: Vec<Source> = Vec::new();
    for mut table in items {
        let name = table.get("name");
        let Some(source) = source(table, folder) else {
            continue;
        };
        if let Some(name) = name
            && sources.iter().any(|known| known.name == source.name)
        {
            let help = "give each source a name of its own";
            let message = format!("there is another source `{}`", source.name);
            name.complain(message, Some(help.to_owned()));
        }
        sources.push(source);
    }
    sources
}

fn source(mut table: Table<'_>, folder: &Path) -> Option<Source> {
    let name = table.require("name", "\"till\"");
    let name = name.and_then(|v| v.read(plain_name));
    let kind = table.require("kind", "\"csv\"")?;
    if kind.is_first_of(KINDS) == Some(false) {
        // Its keys are its own; nothing more can be said.
        return None;
    }
    let path = table.require("path", "\"../data/customers.csv\"");
    let path = path.and_then(|v| v.text());
    let feeds = table.require("feeds", "\"customers\"");
    let feeds =
        feeds.and_then(|v| v.one_of(&[("customers", Feeds::Customers), ("events", Feeds::Events)]));
    let columns_value = table.get("columns");
    let columns = columns_value
        .zip(feeds)
        .map(|(v, feeds)| columns(&v, feeds));
    let dates = table.get("dates").and_then(|v| v.read(date_pattern));
    let types = table.get("types").map(|v| types(&v));
    let delimiter = table.get("delimiter").map(|v| delimiter(&v));
    table.finish(LATER_KEYS);
    Some(Source {
        name: name?,
        path: resolved(folder, path?),
        feeds: feeds?,
        columns: columns.unwrap_or_default(),
        dates,
        types: types.unwrap_or_default(),
        delimiter: delimiter.unwrap_or(Some(','))?,
    })
}

/// The entries of a table whose keys are fields, `attr.<name>` among them. TOML makes a table
/// `attr` of `attr.vip = …` when the key isn't quoted; both mean the same.
fn fields<'a>(value: &Value<'a>) -> Vec<(String, Value<'a>)> {
    let mut fields = Vec::new();
    for (key, value) in value.table().into_iter().flat_map(Table::all) {
        if key == "attr" && matches!(value.item().node, Node::Table(_)) {
            let attrs = value.table().into_iter().flat_map(Table::all);
            fields.extend(attrs.map(|(name, value)| (format!("attr.{name}"), value)));
        } else {
            fields.push((key.to_owned(), value));
        }
    }
    fields
}

fn attr_name(field: &str) -> Option<&str> {
    field.strip_prefix("attr.").filter(|name| !name.is_empty())
}

fn columns(value: &Value<'_>, feeds: Feeds) -> BTreeMap<String, String> {
    let mut columns = BTreeMap::new();
    for (field, value) in fields(value) {
        if attr_name(&field).is_none() && !feeds.fields().contains(&field.as_str()) {
            let help = match advice(&field, feeds.fields().iter().copied()) {
                near if near.starts_with("did you mean") => near,
                _ => format!("write `attr.{field}` (in quotes) for an attribute of your own"),
            };
            let what = feeds.as_str();
            value.complain_of_key(&format!("{what} have no field `{field}`"), &help);
        } else if let Some(column) = value.text() {
            columns.insert(field, column.to_owned());
        }
    }
    columns
}

pub(super) fn types(value: &Value<'_>) -> BTreeMap<String, AttrType> {
    let mut types = BTreeMap::new();
    for (field, value) in fields(value) {
        match attr_name(&field) {
            Some(name) => {
                types.extend(value.one_of(TYPES).map(|of| (name.to_owned(), of)));
            }
            None => value.complain_of_key(
                &format!("`{field}` can't be given a type"),
                &format!("only attributes of your own can: `\"attr.{field}\" = \"text\"`"),
            ),
        }
    }
    types
}

/// A pattern must hold at least day and month, and must read back what it writes.
fn date_pattern(text: &str) -> Result<String, String> {
    let wanted = "write how dates look with %d, %m and %Y, such as `%d/%m/%Y`";
    let sample = jiff::civil::date(2026, 11, 28).at(13, 45, 0, 0);
    let tried = sample
        .in_tz("UTC")
        .ok()
        .and_then(|zoned| BrokenDownTime::from(&zoned).to_string(text).ok())
        .and_then(|written| BrokenDownTime::parse(text, &written).ok());
    match tried {
        Some(read) if read.month() == Some(11) && read.day() == Some(28) => Ok(text.to_owned()),
        Some(_) => Err(format!(
            "`{text}` leaves out the day or the month; {wanted}"
        )),
        None => Err(format!("`{text}` is no pattern for dates; {wanted}")),
    }
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
