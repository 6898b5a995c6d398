//! `event` and `lapsed`: triggers that look at what happened, and at what didn't.
//!
//! Text in, values out: no files, no clock, no store.

use crate::model::period::Period;
use crate::model::tables::{Node, Table, Value};
use crate::rules::trigger::{AfterEvent, Delay, Silence, Trigger, Which};

/// More contact days, or events, than anybody has.
const MOST_CONTACTS: u32 = 10_000;
/// More letters than anybody should get who doesn't answer.
const MOST_TIMES: u32 = 100;
/// The agreed days between two steps.
const DEFAULT_REPEAT: i32 = 90;

const BETWEEN: &str = "[\"10 days\", \"40 days\"]";

pub(super) fn event(mut table: Table<'_>) -> Option<Trigger> {
    let kind = table.require("event", "\"purchase\"");
    let kind = kind.and_then(|v| v.read(event_kind));
    let delay = delay(&mut table);
    let which = table.get("which").map(|v| which(&v));
    table.finish(&[]);
    Some(Trigger::Event(AfterEvent {
        kind: kind?,
        delay: delay?,
        which: which.flatten().unwrap_or_default(),
    }))
}

fn delay(table: &mut Table<'_>) -> Option<Delay> {
    let Some(range) = table.get("between") else {
        let after = table.require("after", "\"3 days\"")?;
        return after.read(after_event).map(Delay::After);
    };
    if table.get("after").is_some() {
        let help = "keep `after` for a fixed time, or `between` for a surprise";
        range.complain_of_key("`between` and `after` can't both be", help);
    }
    between(&range)
}

/// Two lengths of time of one sort, the shorter first.
fn between(value: &Value<'_>) -> Option<Delay> {
    let items = value.list(BETWEEN)?;
    let [least, most] = items.as_slice() else {
        let message = format!(
            "this must be the least and the most, but there {} {}",
            if items.len() == 1 { "is" } else { "are" },
            items.len()
        );
        value.complain(message, Some(format!("write it such as `{BETWEEN}`")));
        return None;
    };
    let (least, most) = (least.read(after_event), most.read(after_event));
    let (least, most) = (least?, most?);
    let exact = |period| matches!(period, Period::Minutes(_));
    if exact(least) != exact(most) {
        let help = "count both in days and longer, or both in hours and minutes";
        let message = format!("{least} and {most} are counted in different ways");
        value.complain(message, Some(help.into()));
        return None;
    }
    let (reversed, what, help) = match (least, most) {
        (Period::Days(a), Period::Days(b)) | (Period::Months(a), Period::Months(b)) => {
            (a > b, "is", "put the shorter first")
        }
        (Period::Minutes(a), Period::Minutes(b)) => (a > b, "is", "put the shorter first"),
        // A month has 28 to 31 days.
        (least, most) => (
            least.days_between().1 > most.days_between().0,
            "can be",
            "count both in days, or both in months",
        ),
    };
    if reversed {
        let message = format!("{least} {what} longer than {most}");
        value.complain(message, Some(help.into()));
        return None;
    }
    Some(Delay::Between(least, most))
}

/// `every`, `first`, or a number from 1.
fn which(value: &Value<'_>) -> Option<Which> {
    match &value.item().node {
        Node::Whole(_) => value.whole(1..=MOST_CONTACTS).map(Which::Nth),
        Node::Text(text) if text != "every" && text != "first" => {
            let help = "write `every`, `first`, or a number without quotes, such as `which = 3`";
            value.complain(
                format!("`{text}` doesn't say which events are meant"),
                Some(help.into()),
            );
            None
        }
        _ => value.one_of(&[("every", Which::Every), ("first", Which::Nth(1))]),
    }
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

pub(super) fn lapsed(mut table: Table<'_>) -> Option<Trigger> {
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
    let repeat = table.get("repeat").and_then(|v| v.read(silence));
    let times = table.get("times").and_then(|v| v.whole(1..=MOST_TIMES));
    table.finish(&["otherwise", "at_least", "at_most", "horizon"]);
    Some(Trigger::Lapsed(Silence {
        contact: contact?,
        after_days: after?,
        min_contacts: min_contacts.unwrap_or(1),
        repeat_days: repeat.unwrap_or(DEFAULT_REPEAT),
        times: times.unwrap_or(1),
    }))
}

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
