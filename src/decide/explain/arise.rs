//! How an occasion comes about, and why there is none.

use std::fmt::Write as _;

use jiff::civil::Date;

use super::{any_of, counted, date, moment, ordinal, usage};
use crate::decide::anniversary::date_of;
use crate::decide::event::meant;
use crate::decide::lapse::{Contact, cadence, contact_days, first_days};
use crate::model::policy::Audience;
use crate::model::{Occasion, PartialDate, Period, Policy, View};
use crate::rules::{
    AfterEvent, Anniversary, DateField, Delay, OnHoliday, Patience, Rule, SendZone, Silence,
    Trigger, Which,
};

/// The arithmetic of an occasion: "Born on 2 May 1984; due on 2 May 2027 at 09:00 Europe/London."
pub fn arises(rule: &Rule, view: &View, policy: &Policy, occasion: &Occasion) -> String {
    let mut words = match &rule.trigger {
        Trigger::Anniversary(trigger) => anniversary(view, trigger, occasion),
        Trigger::Date(trigger) => {
            let date = date_of(view, &trigger.field);
            let start = date.map_or_else(String::new, |date| since(&trigger.field, date));
            start + &offset(trigger.offset, occasion.anchor)
        }
        Trigger::Event(trigger) => event(trigger, occasion),
        Trigger::Lapsed(trigger) => silence(view, trigger, occasion),
        Trigger::Usage(trigger) => usage::arises(view, trigger, occasion),
        Trigger::Holiday(OnHoliday {
            holiday,
            offset: by,
        }) => {
            let (name, day) = (holiday.name(), date(occasion.anchor));
            format!("The holiday `{name}` is on {day}") + &offset(*by, occasion.anchor)
        }
        Trigger::Fixed(_) => format!("{} is one of the rule's dates", date(occasion.anchor)),
    };
    let zone = match rule.send.zone {
        SendZone::Customer => &view.zone,
        SendZone::Business => &policy.zone,
    };
    // Writing to a String can't fail.
    _ = write!(words, "; due on {}", moment(occasion.due_at, zone));
    if rule.send.spread_minutes > 0 {
        let minutes = counted(rule.send.spread_minutes, "minute");
        _ = write!(words, ", a moment drawn within {minutes}");
    }
    words + "."
}

/// `Born on 2 May 1984`
fn since(field: &DateField, date: PartialDate) -> String {
    let day = partial(date);
    match field {
        DateField::Birthday => format!("Born on {day}"),
        DateField::JoinedOn => format!("A customer since {day}"),
        DateField::Attr(name) => format!("Their `{name}` is {day}"),
    }
}

/// `2 May 1984`, `2 May`
fn partial(day: PartialDate) -> String {
    match day.full() {
        Some(full) => date(full),
        None => Date::new(2000, day.month(), day.day()).map_or_else(
            |_| day.to_string(),
            |day| day.strftime("%-d %B").to_string(),
        ),
    }
}

/// `; 7 days before 2 May 2027 is 25 April 2027`
fn offset(by: Period, from: Date) -> String {
    let day = by.from_date(from).map(date).unwrap_or_default();
    let (length, side) = match by {
        Period::Days(0) | Period::Months(0) | Period::Minutes(0) => return String::new(),
        Period::Days(n) => (Period::Days(n.abs()), n < 0),
        Period::Months(n) => (Period::Months(n.abs()), n < 0),
        Period::Minutes(n) => (Period::Minutes(n.abs()), n < 0),
    };
    let side = if side { "before" } else { "after" };
    format!("; {length} {side} {} is {day}", date(from))
}

fn anniversary(view: &View, trigger: &Anniversary, occasion: &Occasion) -> String {
    let (Some(day), anchor) = (date_of(view, &trigger.field), occasion.anchor) else {
        return format!("The anniversary is on {}", date(occasion.anchor));
    };
    let mut words = since(&trigger.field, day);
    if day.is_leap_day() && (anchor.month(), anchor.day()) != (2, 29) {
        let taken = anchor.strftime("%-d %B");
        let year = anchor.year();
        _ = write!(
            words,
            "; in {year}, a year without that day, it is taken as {taken}"
        );
    }
    if let Some(years) = occasion.years {
        _ = write!(words, "; {} on {}", counted(years, "year"), date(anchor));
    }
    words + &offset(trigger.offset, anchor)
}

fn event(trigger: &AfterEvent, occasion: &Occasion) -> String {
    let (kind, day) = (&trigger.kind, date(occasion.anchor));
    let which = match trigger.which {
        Which::Every => "A".to_owned(),
        Which::Nth(n) => format!("Their {}", ordinal(n)),
    };
    let key = &occasion.key;
    let mut words = format!("{which} `{kind}` ({key}) on {day}");
    match trigger.delay {
        Delay::After(Period::Minutes(0)) => words += "; at once",
        Delay::After(period) if period.exact().is_some() => {
            _ = write!(words, "; {period} later");
        }
        Delay::After(period) => {
            _ = write!(words, "; {period} later is {}", date(occasion.day));
        }
        Delay::Between(low, high) => {
            let drawn = date(occasion.day);
            _ = write!(
                words,
                "; {drawn} was drawn for it from {low} to {high} later"
            );
        }
    }
    words
}

fn silence(view: &View, trigger: &Silence, occasion: &Occasion) -> String {
    let mut days = contact_days(view, &trigger.contact);
    days.retain(|one| one.day <= occasion.anchor);
    let count = days.len();
    let step = occasion.key.rsplit('/').next().unwrap_or("1");
    let first = first_days(trigger, &days);
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
        _ = write!(
            words,
            " (contact day {count}, at least {needed} are needed)"
        );
    }
    words += &usually(trigger, &days);
    _ = write!(
        words,
        "; {} later is {}",
        counted(silent, "day"),
        date(occasion.day)
    );
    if trigger.times > 1 {
        _ = write!(words, ", letter {step} of {}", trigger.times);
    }
    words
}

/// `; usually every 31 days (26 to 38), 14 contact days, and the rule waits for 2 of that`, where
/// the rule looks at it.
fn usually(trigger: &Silence, days: &[Contact]) -> String {
    let Patience::Cadences(own) = trigger.after else {
        return String::new();
    };
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
    let times = match (own.tenths / 10, own.tenths % 10) {
        (1, 0) => "once".to_owned(),
        (2, 0) => "twice".to_owned(),
        (whole, 0) => format!("{whole} times"),
        (whole, tenth) => format!("{whole}.{tenth} times"),
    };
    let mut words = format!(
        "; usually {every} ({few} to {many}), {count}, and the rule waits for {times} that"
    );
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

/// Why the rule has no occasion for them from this day on, as the records are.
pub fn nothing(rule: &Rule, view: &View, from: Date) -> String {
    let words = match &rule.trigger {
        Trigger::Anniversary(trigger) => no_anniversary(view, trigger),
        Trigger::Date(trigger) => match date_of(view, &trigger.field) {
            None => no_date(&trigger.field),
            Some(day) if day.year().is_none() => {
                let since = since(&trigger.field, day);
                format!("{since}, without a year, and the rule is for one day only")
            }
            Some(day) => format!("{}; that day is over", since(&trigger.field, day)),
        },
        Trigger::Event(trigger) => no_event(rule, view, trigger),
        Trigger::Lapsed(trigger) => no_silence(view, trigger),
        Trigger::Usage(trigger) => usage::nothing(view, trigger, from),
        Trigger::Holiday(_) | Trigger::Fixed(_)
            if rule.audience == Audience::Customer && view.customer.email.is_none() =>
        {
            "There is no e-mail address on record, and the day is nobody's own".to_owned()
        }
        Trigger::Holiday(trigger) => {
            let name = trigger.holiday.name();
            format!("The holiday `{name}` has no date from {} on", date(from))
        }
        Trigger::Fixed(days) => {
            let last = days.last().map_or_else(String::new, |last| date(*last));
            format!("The last of the rule's dates is {last}")
        }
    };
    words + ", so nothing is due."
}

fn no_date(field: &DateField) -> String {
    match field {
        DateField::Birthday => "There is no birthday on record".to_owned(),
        DateField::JoinedOn => "It isn't on record since when they are a customer".to_owned(),
        DateField::Attr(name) => format!("There is no date `{name}` on record"),
    }
}

fn no_anniversary(view: &View, trigger: &Anniversary) -> String {
    let Some(day) = date_of(view, &trigger.field) else {
        return no_date(&trigger.field);
    };
    let since = since(&trigger.field, day);
    if trigger.years.is_empty() {
        return format!("{since}; no anniversary lies ahead");
    }
    let years: Vec<String> = trigger.years.iter().map(ToString::to_string).collect();
    let years = years.join(", ");
    if day.year().is_none() {
        format!("{since}, without a year, and the rule is only for these years: {years}")
    } else {
        format!("{since}; the rule is only for these years, and none lies ahead: {years}")
    }
}

fn no_event(rule: &Rule, view: &View, trigger: &AfterEvent) -> String {
    let of_kind = view.events.iter().filter(|one| one.kind == trigger.kind);
    let (count, kind) = (of_kind.count(), &trigger.kind);
    let found = meant(view, trigger, &rule.id);
    match (count, trigger.which, found.last()) {
        (0, ..) => format!("There is no `{kind}` on record"),
        (_, Which::Nth(n), None) => {
            let nth = ordinal(n);
            format!("There are {count} of `{kind}` on record; the rule is for the {nth}")
        }
        (_, Which::Nth(_), Some(_)) => format!("The `{kind}` that the rule is for is over"),
        (..) => format!("Every `{kind}` on record has had its day"),
    }
}

fn no_silence(view: &View, trigger: &Silence) -> String {
    let days = contact_days(view, &trigger.contact);
    let (kinds, needed) = (any_of(&trigger.contact), trigger.min_contacts);
    let Some(last) = days.last() else {
        return format!("There is no {kinds} on record, and nobody is missed who never came");
    };
    if u32::try_from(days.len()).is_ok_and(|count| count < needed) {
        let count = days.len();
        return format!("Only {count} of the {needed} contact days that are needed");
    }
    let last_day = date(last.day);
    let first = first_days(trigger, &days);
    let end = trigger.steps(first).last().map_or(first, |(_, n)| n);
    let over = Period::Days(end).from_date(last.day).map(date);
    let over = over.unwrap_or_default();
    format!("Last {kinds} on {last_day}; what comes of this silence was due until {over}")
}
