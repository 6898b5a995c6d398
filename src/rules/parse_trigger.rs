//! `[trigger.<kind>]` -> what makes a rule due. A new kind is one more arm of [`trigger`].
//!
//! Text in, values out: no files, no clock, no store.

use super::rule::{DateField, Feb29, Trigger};
use crate::model::period::Period;
use crate::model::tables::{Node, Table, nearest};

/// The kinds that are built.
const KINDS: &[&str] = &["anniversary", "event", "lapsed"];
/// The kinds that are agreed on but not built yet.
const LATER_KINDS: &[&str] = &["date", "holiday", "usage", "fixed"];

const EXAMPLE: &str = "add one, such as `[trigger.anniversary]` with `field = \"birthday\"`";

/// Reads the one trigger.
pub(super) fn trigger(top: &mut Table<'_>) -> Option<Trigger> {
    let Some(value) = top.get("trigger") else {
        top.complain(
            "`trigger` is missing: nothing would make this rule due",
            EXAMPLE,
        );
        return None;
    };
    if !matches!(value.item().node, Node::Table(_)) {
        value.complain("this must be a table", Some(EXAMPLE.to_owned()));
        return None;
    }
    let kinds: Vec<_> = value.table()?.all().collect();
    let mut triggers = Vec::new();
    for (kind, value) in &kinds {
        match *kind {
            "anniversary" => triggers.extend(value.table().map(anniversary)),
            "event" => triggers.extend(value.table().map(event)),
            "lapsed" => triggers.extend(value.table().map(lapsed)),
            later if LATER_KINDS.contains(&later) => value.not_yet(),
            other => {
                let help = match nearest(other, KINDS.iter().chain(LATER_KINDS).copied()) {
                    Some(near) => format!("did you mean `[trigger.{near}]`?"),
                    None => format!("there are {}", KINDS.join(", ")),
                };
                value.complain_of_key(&format!("there is no trigger `{other}`"), &help);
            }
        }
    }
    match kinds.as_slice() {
        [] => value.complain("no trigger is named", Some(EXAMPLE.to_owned())),
        [_] => {}
        [_, others @ ..] => {
            for (kind, value) in others {
                let message = format!("`trigger.{kind}` is one trigger too many");
                let help = "keep one, and give the other a rule file of its own";
                value.complain_of_key(&message, help);
            }
        }
    }
    triggers.into_iter().next().flatten()
}

fn anniversary(mut table: Table<'_>) -> Option<Trigger> {
    let field = table.require("field", "\"birthday\"");
    let field = field.and_then(|v| v.read(date_field));
    let offset = table.get("offset").and_then(|v| v.read(civil));
    let feb29 = table.get("feb29").and_then(|v| {
        v.one_of(&[
            ("feb28", Feb29::Feb28),
            ("mar1", Feb29::Mar1),
            ("skip", Feb29::Skip),
        ])
    });
    table.finish(&["years"]);
    Some(Trigger::Anniversary {
        field: field?,
        offset: offset.unwrap_or(Period::Days(0)),
        feb29: feb29.unwrap_or_default(),
    })
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

fn event(mut table: Table<'_>) -> Option<Trigger> {
    let kind = table.require("event", "\"purchase\"");
    let kind = kind.and_then(|v| v.read(event_kind));
    // `between` stands in for `after`, and is refused by name below.
    let after = if table.has("between") {
        table.get("after")
    } else {
        table.require("after", "\"3 days\"")
    };
    let after = after.and_then(|v| v.read(after_event));
    table.finish(&["between", "which"]);
    Some(Trigger::Event {
        kind: kind?,
        after: after?,
    })
}

fn event_kind(text: &str) -> Result<String, String> {
    if text.trim() != text || text.chars().any(char::is_control) {
        return Err(format!(
            "`{}` has spaces or line breaks around it; take them out",
            text.trim()
        ));
    }
    Ok(text.to_owned())
}

fn after_event(text: &str) -> Result<Period, String> {
    let period = Period::parse(text)?;
    if period.is_negative() {
        return Err(format!(
            "`{text}` lies before the event, which isn't known by then; write it without the minus"
        ));
    }
    Ok(period)
}

fn lapsed(mut table: Table<'_>) -> Option<Trigger> {
    let contact = table.require("contact", "[\"visit\", \"purchase\"]");
    let contact = contact.and_then(|value| {
        let kinds = value.list("[\"visit\", \"purchase\"]")?;
        if kinds.is_empty() {
            let help = "name the kinds of event that count, such as `[\"visit\", \"purchase\"]`";
            value.complain("without a contact nobody can be missed", Some(help.into()));
        }
        kinds.iter().map(|kind| kind.read(event_kind)).collect()
    });
    let after = table.require("after", "\"60 days\"");
    let after = after.and_then(|v| v.read(silence));
    let min_contacts = table.get("min_contacts");
    let min_contacts = min_contacts.and_then(|v| v.whole(1..=MOST_CONTACTS));
    table.finish(&[
        "otherwise",
        "repeat",
        "times",
        "at_least",
        "at_most",
        "horizon",
    ]);
    Some(Trigger::Lapsed {
        contact: contact?,
        after_days: after?,
        min_contacts: min_contacts.unwrap_or(1),
    })
}

/// More contact days than anybody has.
const MOST_CONTACTS: u32 = 10_000;

/// A silence in civil days, at least one.
fn silence(text: &str) -> Result<i32, String> {
    let mut words = text.split_whitespace();
    let unit = words.nth(1).unwrap_or("");
    if unit.starts_with("cadence") || (text.contains('%') && unit == "sure") {
        return Err(format!(
            "`{text}` isn't supported yet; write a number of days such as `60 days`"
        ));
    }
    match Period::parse(text)? {
        Period::Days(days) if days >= 1 => Ok(days),
        Period::Days(_) => Err(format!("`{text}` is no silence; write at least `1 day`")),
        Period::Months(_) | Period::Minutes(_) => Err(format!(
            "a silence is counted in days, not in `{unit}`; write days or weeks such as `60 days`"
        )),
    }
}
