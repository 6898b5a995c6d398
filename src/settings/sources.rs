//! `[[source]]`: where the records come from, and which column means what.
//!
//! Text in, values out: whether the files are there is for `records` to see.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

use super::place::{self, Place};
use super::sections;
use crate::model::customer::CUSTOMER_FIELDS;
use crate::model::event::EVENT_FIELDS;
use crate::model::tables::{Node, Table, Value, advice, plain_name};

/// One `[[source]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name; no other source has it.
    pub name: String,
    /// What it holds.
    pub feeds: Feeds,
    /// The kind of event that every record is, where no column says it.
    pub event: Option<String>,
    /// Fields with the columns they are read from; others are read from columns of their own name.
    pub columns: BTreeMap<String, String>,
    /// How dates are written, where that isn't plain: a strftime pattern, or `excel` or
    /// `excel-1904` for a spreadsheet's bare numbers.
    pub dates: Option<String>,
    /// What stands before the decimals of numbers: `.` or `,`.
    pub decimal: Option<char>,
    /// The zone of times that bear none, where it is stated; the business's otherwise.
    pub timezone: Option<(String, TimeZone)>,
    /// The types of the business's own attributes, by name without `attr.`; the rest are text.
    pub types: BTreeMap<String, AttrType>,
    /// Where they lie, which is what the kinds of source differ in.
    pub place: Place,
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

/// As with kinds in records.
const LONGEST_KIND: usize = 200;

const TYPES: &[(&str, AttrType)] = &[
    ("text", AttrType::Text),
    ("number", AttrType::Number),
    ("date", AttrType::Date),
    ("yes-no", AttrType::YesNo),
];

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
    // Without its kind, nothing can be said of its keys.
    let kind = place::kind(&mut table)?;
    let place = place::place(kind, &mut table, folder);
    let feeds_value = table.require("feeds", "\"customers\"");
    let feeds = feeds_value
        .as_ref()
        .and_then(|v| v.one_of(&[("customers", Feeds::Customers), ("events", Feeds::Events)]));
    if let (Some(Feeds::Events), Some(Place::Sql(sql)), Some(value)) = (feeds, &place, &feeds_value)
        && sql.full_every.is_some()
    {
        let help = "take `full_every` and `ids` out, or let the source feed customers";
        value.complain("it is customers who are looked for", Some(help.to_owned()));
    }
    let event = event(&mut table, feeds);
    let columns_value = table.get("columns");
    let columns = columns_value
        .zip(feeds)
        .map(|(v, feeds)| columns(&v, feeds, event.as_deref()));
    let dates = table.get("dates").and_then(|v| v.read(date_pattern));
    let decimal = table.get("decimal");
    let decimal = decimal.and_then(|v| v.one_of(&[(".", '.'), (",", ',')]));
    let types = table.get("types").map(|v| types(&v));
    let timezone = table.get("timezone").map(|v| v.read(sections::time_zone));
    table.finish(&[]);
    Some(Source {
        name: name?,
        feeds: feeds?,
        event,
        columns: columns.unwrap_or_default(),
        dates,
        decimal,
        timezone: match timezone {
            None => None,
            Some(zone) => Some(zone?),
        },
        types: types.unwrap_or_default(),
        place: place?,
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

/// The kind of event that all records are, as rules name it in `[trigger.event] event`.
fn event(table: &mut Table<'_>, feeds: Option<Feeds>) -> Option<String> {
    let value = table.get("event")?;
    if feeds == Some(Feeds::Customers) {
        let help = "take `event` out, or let the source feed events";
        value.complain_of_key("customers are no events", help);
        return None;
    }
    let kind = value.text()?.trim();
    if kind.chars().count() > LONGEST_KIND {
        let help = "write a kind of event such as `visit`".to_owned();
        value.complain(
            format!("a kind has at most {LONGEST_KIND} characters"),
            Some(help),
        );
        return None;
    }
    Some(kind.to_owned())
}

fn columns(value: &Value<'_>, feeds: Feeds, event: Option<&str>) -> BTreeMap<String, String> {
    let mut columns = BTreeMap::new();
    for (field, value) in fields(value) {
        if attr_name(&field).is_none() && !feeds.fields().contains(&field.as_str()) {
            let help = match advice(&field, feeds.fields().iter().copied()) {
                near if near.starts_with("did you mean") => near,
                _ => format!("write `attr.{field}` (in quotes) for an attribute of your own"),
            };
            let what = feeds.as_str();
            value.complain_of_key(&format!("{what} have no field `{field}`"), &help);
        } else if let ("kind", Some(event)) = (field.as_str(), event) {
            value.complain_of_key(
                &format!("`event` says already that each of them is a `{event}`"),
                "take one of them out",
            );
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
    if text == "excel" || text == "excel-1904" {
        return Ok(text.to_owned());
    }
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
