//! The arithmetic of a silence: how often they usually come, and how likely it is that they don't.
//!
//! Words only; what is due, [`crate::decide::lapse`] says.

use std::fmt::Write as _;

use super::{any_of, counted, date};
use crate::decide::lapse::{Contact, cadence, contact_days, first_days, lost_rhythm, outlook};
use crate::model::{Occasion, Period, Policy, View};
use crate::rules::{Patience, Rule, Silence, Sure};

/// A chance that is so many points above the wanted one wants a word of its own.
const CLEARLY: u32 = 2;

/// `Last visit on 5 January 2027; 60 days later is 6 March 2027`, with what made it 60 days.
pub(super) fn arises(
    view: &View,
    (trigger, policy): (&Silence, &Policy),
    occasion: &Occasion,
) -> String {
    let mut days = contact_days(view, &trigger.contact);
    days.retain(|one| one.day <= occasion.anchor);
    let count = days.len();
    let step = occasion.key.rsplit('/').next().unwrap_or("1");
    let first = first_days(trigger, &days, policy).unwrap_or_default();
    let silent = trigger
        .steps(first)
        .find(|(number, _)| number.to_string() == step)
        .map_or(first, |(_, days)| days);
    let mut words = format!(
        "Last {} on {}",
        any_of(&trigger.contact),
        date(occasion.anchor)
    );
    if trigger.min_contacts > 1 {
        let needed = trigger.min_contacts;
        // Writing to a String can't fail.
        _ = write!(
            words,
            " (contact day {count}, at least {needed} are needed)"
        );
    }
    words += &usually(trigger, &days);
    let (later, day) = (counted(silent, "day"), date(occasion.day));
    _ = write!(words, "; {later} later is {day}");
    if let Patience::Sure(own) = trigger.after {
        words += &how_sure(own, trigger, (&days, silent, silent == first), policy);
    }
    if trigger.times > 1 {
        _ = write!(words, ", letter {step} of {}", trigger.times);
    }
    words
}

/// `; usually every 31 days (26 to 38), 14 contact days, and the rule waits for twice that`, where
/// the rule looks at it.
fn usually(trigger: &Silence, days: &[Contact]) -> String {
    if matches!(trigger.after, Patience::Days(_)) {
        return String::new();
    }
    let count = counted(u32::try_from(days.len()).unwrap_or(u32::MAX), "contact day");
    let Some(cadence) = cadence(days) else {
        return format!("; {count}, too few to say how often they usually come");
    };
    let (few, many) = cadence.usual();
    let every = if cadence.times(10) == 1 {
        "every day".to_owned()
    } else {
        format!("every {cadence} days")
    };
    let mut words = format!("; usually {every} ({few} to {many}), {count}");
    let Patience::Cadences(own) = trigger.after else {
        return words;
    };
    let times = match (own.tenths / 10, own.tenths % 10) {
        (1, 0) => "once".to_owned(),
        (2, 0) => "twice".to_owned(),
        (whole, 0) => format!("{whole} times"),
        (whole, tenth) => format!("{whole}.{tenth} times"),
    };
    _ = write!(words, ", and the rule waits for {times} that");
    let days = cadence.times(own.tenths);
    if days < own.at_least_days {
        let least = counted(own.at_least_days, "day");
        _ = write!(words, ", at least {least}");
    } else if days > own.at_most_days {
        let most = counted(own.at_most_days, "day");
        _ = write!(words, ", at most {most}");
    }
    words
}

/// `, and of 100 customers like this, 83 don't come by themselves in the 90 days from then (learnt
/// from 1204 customers on 1 November 2026)`
fn how_sure(
    own: Sure,
    trigger: &Silence,
    (days, silent, is_first): (&[Contact], i32, bool),
    policy: &Policy,
) -> String {
    let Some((outlook, learnt)) = outlook(trigger, days, policy) else {
        return String::new();
    };
    let horizon = own.horizon_days;
    let stay = outlook.of_hundred(silent.unsigned_abs(), horizon.unsigned_abs());
    let from = counted(learnt.customers, "customer");
    let since = date(learnt.since);
    let mut words = format!(
        ", and of 100 customers like this, {stay} don't come by themselves in the {horizon} days \
         from then (learnt from {from} on {since})"
    );
    let wanted = own.percent;
    if stay < wanted {
        let why = match own.otherwise_days {
            Some(_) if cadence(days).is_none() => "`otherwise`",
            Some(_) | None if own.at_most_days.is_some() => "`at_most`",
            Some(_) | None => return words,
        };
        _ = write!(words, "; {why} doesn't wait for {wanted}");
    } else if is_first && silent > own.at_least_days && stay > wanted + CLEARLY {
        let more = "and for the day from which waiting longer tells little more";
        _ = write!(words, "; the rule waits for {wanted} of them, {more}");
    }
    words
}

/// Why the rule has no silence of theirs ahead.
pub(super) fn nothing(rule: &Rule, view: &View, (trigger, policy): (&Silence, &Policy)) -> String {
    let days = contact_days(view, &trigger.contact);
    let (kinds, needed) = (any_of(&trigger.contact), trigger.min_contacts);
    let Some(last) = days.last() else {
        return format!("There is no {kinds} on record, and nobody is missed who never came");
    };
    if lost_rhythm(view, trigger, &days) {
        return format!(
            "They came before, and how often isn't kept any more ([retention]); they are missed again \
             once a {kinds} on three days tells how often they come"
        );
    }
    if u32::try_from(days.len()).is_ok_and(|count| count < needed) {
        let count = days.len();
        return format!("Only {count} of the {needed} contact days that are needed");
    }
    let last_day = date(last.day);
    let Some(first) = first_days(trigger, &days, policy) else {
        return match (trigger.after, outlook(trigger, &days, policy)) {
            (Patience::Sure(own), Some(_)) => format!(
                "Last {kinds} on {last_day}; it never becomes {} % sure that they stay away for \
                 {} days",
                own.percent, own.horizon_days
            ),
            _ => "How this business's customers come isn't learnt yet; `fondly run` or \
                  `fondly tick` does so as soon as every source can be read"
                .to_owned(),
        };
    };
    let sent = view.sent.iter().filter(|sent| sent.rule == rule.id);
    let days = sent.map(|sent| view.zone.to_datetime(sent.at).date());
    if let Some(told) = days.filter(|day| *day > last.day).max() {
        let told = date(told);
        return format!("Last {kinds} on {last_day}, and the letter of {told} came after it");
    }
    let end = trigger.steps(first).last().map_or(first, |(_, n)| n);
    let over = Period::Days(end).from_date(last.day).map(date);
    let over = over.unwrap_or_default();
    format!("Last {kinds} on {last_day}; what comes of this silence was due until {over}")
}
