//! `anniversary`, `date`, `holiday` and `fixed`: triggers that look at the calendar.
//!
//! Text in, values out: no files, no clock, no store.

use jiff::civil::Date;

use crate::model::dates::civil_date;
use crate::model::period::Period;
use crate::model::tables::{Table, Value, nearest};
use crate::rules::holiday::OwnHolidays;
use crate::rules::trigger::{Anniversary, DateField, Feb29, OnDate, OnHoliday, Trigger};

/// More years than anybody has been anybody's customer, or alive.
const MOST_YEARS: u32 = 200;

pub(super) fn anniversary(mut table: Table<'_>) -> Option<Trigger> {
    let (field, offset) = field_and_offset(&mut table);
    let feb29 = table.get("feb29").and_then(|v| {
        v.one_of(&[
            ("feb28", Feb29::Feb28),
            ("mar1", Feb29::Mar1),
            ("skip", Feb29::Skip),
        ])
    });
    let years = table.get("years").map(|v| years(&v));
    table.finish(&[]);
    Some(Trigger::Anniversary(Anniversary {
        field: field?,
        offset: offset.unwrap_or(Period::Days(0)),
        feb29: feb29.unwrap_or_default(),
        years: years.unwrap_or_default(),
    }))
}

/// What is wrong has its finding, so a list in which something is missing does no harm.
fn years(value: &Value<'_>) -> Vec<i16> {
    let items = value.list("[1, 5, 10]");
    if items.as_ref().is_some_and(Vec::is_empty) {
        let help = "name the years, such as `[1, 5, 10]`, or take the line out for every year";
        value.complain(
            "without a year this rule would never send",
            Some(help.into()),
        );
    }
    let items = items.unwrap_or_default();
    let years = items.iter().filter_map(|item| item.whole(1..=MOST_YEARS));
    let mut years: Vec<i16> = years.filter_map(|n| i16::try_from(n).ok()).collect();
    years.sort_unstable();
    years.dedup();
    years
}

pub(super) fn date(mut table: Table<'_>) -> Option<Trigger> {
    let (field, offset) = field_and_offset(&mut table);
    for key in ["feb29", "years"] {
        if let Some(value) = table.get(key) {
            let message =
                format!("`{key}` is for what comes again every year, and a date comes once");
            value.complain_of_key(&message, "take it out, or make it `[trigger.anniversary]`");
        }
    }
    table.finish(&[]);
    Some(Trigger::Date(OnDate {
        field: field?,
        offset: offset.unwrap_or(Period::Days(0)),
    }))
}

pub(super) fn holiday(mut table: Table<'_>, own: &OwnHolidays) -> Option<Trigger> {
    let holiday = table.require("holiday", "\"christmas\"");
    let holiday = holiday.and_then(|v| v.read(|name| own.find(name)));
    let offset = offset(&mut table);
    table.finish(&[]);
    Some(Trigger::Holiday(OnHoliday {
        holiday: holiday?,
        offset: offset.unwrap_or(Period::Days(0)),
    }))
}

pub(super) fn fixed(mut table: Table<'_>) -> Option<Trigger> {
    let on = table.require("on", "[2027-06-01]");
    let on = on.and_then(|v| days(&v));
    table.finish(&[]);
    Some(Trigger::Fixed(on?))
}

/// Dates in order, each once.
pub(in crate::rules) fn days(value: &Value<'_>) -> Option<Vec<Date>> {
    let items = value.list("[2027-06-01]")?;
    if items.is_empty() {
        let help = "name at least one, such as `[2027-06-01]`";
        value.complain(
            "without a date there is nothing to wait for",
            Some(help.into()),
        );
    }
    let mut days: Vec<Date> = Vec::new();
    for item in &items {
        let Some(day) = item.read_moment(civil_date) else {
            continue;
        };
        if days.contains(&day) {
            item.complain(format!("{day} stands here twice"), Some("keep one".into()));
        }
        days.push(day);
    }
    days.sort_unstable();
    days.dedup();
    Some(days)
}

fn field_and_offset(table: &mut Table<'_>) -> (Option<DateField>, Option<Period>) {
    let field = table.require("field", "\"birthday\"");
    let field = field.and_then(|v| v.read(date_field));
    (field, offset(table))
}

/// How far before or after, in civil days.
fn offset(table: &mut Table<'_>) -> Option<Period> {
    table.get("offset").and_then(|v| v.read(civil))
}

/// `birthday`, `joined_on` or `attr.<name>`.
fn date_field(text: &str) -> Result<DateField, String> {
    match text {
        "birthday" => return Ok(DateField::Birthday),
        "joined_on" => return Ok(DateField::JoinedOn),
        _ => {}
    }
    if let Some(name) = text.strip_prefix("attr.")
        && !name.is_empty()
    {
        return Ok(DateField::Attr(name.to_owned()));
    }
    let help = match nearest(text, ["birthday", "joined_on"]) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write `birthday`, `joined_on`, or `attr.{text}` for a date of your own"),
    };
    Err(format!("`{text}` is no date of a customer's; {help}"))
}

fn civil(text: &str) -> Result<Period, String> {
    match Period::parse(text)? {
        Period::Minutes(_) => Err(format!(
            "`{text}` is too fine for a date; write days, weeks, months or years such as `-7 days`"
        )),
        period @ (Period::Days(_) | Period::Months(_)) => Ok(period),
    }
}
