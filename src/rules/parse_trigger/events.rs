//! `event` and `lapsed`: triggers that look at what happened, and at what didn't.
//!
//! Text in, values out: no files, no clock, no store.

use crate::model::period::Period;
use crate::model::tables::{Node, Table, Value};
use crate::rules::trigger::{AfterEvent, Cadences, Delay, Patience, Silence, Sure, Trigger, Which};

/// More contact days, or events, than anybody has.
const MOST_CONTACTS: u32 = 10_000;
/// More letters than anybody should get who doesn't answer.
const MOST_TIMES: u32 = 100;
/// The agreed days between two steps.
const DEFAULT_REPEAT: i32 = 90;
/// The agreed days while a customer's cadence isn't known.
const DEFAULT_OTHERWISE: i32 = 90;
/// Nobody is missed sooner, however often they come, unless the rule says so.
const DEFAULT_LEAST: i32 = 7;
/// Nobody is foreseen further ahead than three years.
const FARTHEST: i32 = 1_096;
/// A century: no bound.
const LONGEST: i32 = 36_525;
/// A hundred cadences.
const MOST_TENTHS: u32 = 1_000;

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

pub(super) fn event_kind(text: &str) -> Result<String, String> {
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
    let after = patience(&mut table);
    let min_contacts = table.get("min_contacts");
    let min_contacts = min_contacts.and_then(|v| v.whole(1..=MOST_CONTACTS));
    let repeat = table.get("repeat").and_then(|v| v.read(silence));
    let times = table.get("times").and_then(|v| v.whole(1..=MOST_TIMES));
    table.finish(&[]);
    Some(Trigger::Lapsed(Silence {
        contact: contact?,
        after: after?,
        min_contacts: min_contacts.unwrap_or(1),
        repeat_days: repeat.unwrap_or(DEFAULT_REPEAT),
        times: times.unwrap_or(1),
    }))
}

/// `after`, with `otherwise`, `at_least` and `at_most` where it is a customer's own, and `horizon`
/// where it is a chance.
fn patience(table: &mut Table<'_>) -> Option<Patience> {
    let after = table.require("after", "\"60 days\"");
    let after = after.and_then(|value| value.read(after_silence));
    // Beside days it says what is true anyway: they hold while the cadence isn't known, too.
    let otherwise = table.get("otherwise").and_then(|value| value.read(silence));
    let least = bound(table, "at_least", after).map(|(_, days)| days);
    let most = bound(table, "at_most", after);
    let horizon = horizon(table, after);
    let at_least_days = least.unwrap_or(DEFAULT_LEAST);
    let at_most_days = most.as_ref().map(|(_, days)| *days);
    if let Some((value, most)) = most.filter(|(_, most)| *most < at_least_days) {
        let message = format!("at most {most} days is less than at least {at_least_days} days");
        value.complain(message, Some("make `at_most` the longer one".to_owned()));
    }
    Some(match after? {
        Patience::Cadences(cadences) => Patience::Cadences(Cadences {
            otherwise_days: otherwise.unwrap_or(DEFAULT_OTHERWISE),
            at_least_days,
            at_most_days: at_most_days.unwrap_or(LONGEST),
            ..cadences
        }),
        Patience::Sure(sure) => Patience::Sure(Sure {
            horizon_days: horizon.unwrap_or(Sure::USUAL_HORIZON),
            otherwise_days: otherwise,
            at_least_days,
            at_most_days,
            ..sure
        }),
        days @ Patience::Days(_) => days,
    })
}

/// A number of days that only means something beside `after = "2 cadences"` or `"80% sure"`.
fn bound<'a>(
    table: &mut Table<'a>,
    name: &'static str,
    after: Option<Patience>,
) -> Option<(Value<'a>, i32)> {
    let value = table.get(name)?;
    if let Some(Patience::Days(days)) = after {
        let message = format!("`{name}` says nothing beside `after = \"{days} days\"`");
        let help = "take it out, or count `after` in cadences, such as `after = \"2 cadences\"`";
        value.complain_of_key(&message, help);
    }
    let days = value.read(silence)?;
    Some((value, days))
}

/// The coming days that `80% sure` speaks of.
fn horizon(table: &mut Table<'_>, after: Option<Patience>) -> Option<i32> {
    let value = table.get("horizon")?;
    if let Some(Patience::Days(_) | Patience::Cadences(_)) = after {
        let help = "take it out, or write a chance, such as `after = \"80% sure\"`";
        value.complain_of_key("`horizon` belongs to `after = \"80% sure\"`", help);
    }
    let days = value.read(silence)?;
    if days > FARTHEST {
        let message = format!("nobody can be foreseen {days} days ahead");
        let help = format!("write at most `{FARTHEST} days`; `90 days` is usual");
        value.complain(message, Some(help));
    }
    Some(days)
}

/// `60 days`, `2 cadences` or `80% sure`.
fn after_silence(text: &str) -> Result<Patience, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.last().is_some_and(|word| *word == "sure") || text.contains('%') {
        return sure(&words).ok_or_else(|| {
            format!(
                "`{text}` is no chance; write a whole percentage from 1 to 99 such as `80% sure`"
            )
        });
    }
    if !words.iter().any(|word| word.starts_with("cadence")) {
        return silence(text).map(Patience::Days);
    }
    let tenths = match words.as_slice() {
        [number, "cadence" | "cadences"] => tenths(number),
        _ => None,
    };
    let tenths = tenths.filter(|tenths| (1..=MOST_TENTHS).contains(tenths));
    let Some(tenths) = tenths else {
        return Err(format!(
            "`{text}` is no number of cadences; write one such as `2 cadences` or `1.5 cadences`"
        ));
    };
    Ok(Patience::Cadences(Cadences {
        tenths,
        otherwise_days: DEFAULT_OTHERWISE,
        at_least_days: DEFAULT_LEAST,
        at_most_days: LONGEST,
    }))
}

/// `80% sure` or `80 % sure`.
fn sure(words: &[&str]) -> Option<Patience> {
    let number = match words {
        [number, "sure"] => number.strip_suffix('%')?,
        [number, "%", "sure"] => number,
        _ => return None,
    };
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let percent = digits.then(|| number.parse().ok()).flatten()?;
    (1..=99).contains(&percent).then_some(Patience::Sure(Sure {
        percent,
        horizon_days: Sure::USUAL_HORIZON,
        otherwise_days: None,
        at_least_days: DEFAULT_LEAST,
        at_most_days: None,
    }))
}

/// `2` or `1.5`, in tenths.
fn tenths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() != 1 {
        return None;
    }
    let (whole, part): (u32, u32) = (whole.parse().ok()?, part.parse().ok()?);
    whole.checked_mul(10)?.checked_add(part)
}

/// A silence in civil days, at least one.
fn silence(text: &str) -> Result<i32, String> {
    let mut words = text.split_whitespace();
    let unit = words.nth(1).unwrap_or("");
    if unit.starts_with("cadence") {
        return Err(format!(
            "`{text}` isn't a number of days; write one such as `60 days`"
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
