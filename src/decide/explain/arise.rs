//! How an occasion comes about, and why there is none.

use std::fmt::Write as _;

use jiff::civil::Date;

use super::{counted, date, moment, ordinal, silence, usage};
use crate::decide::anniversary::date_of;
use crate::decide::event::meant;
use crate::model::policy::Audience;
use crate::model::{Occasion, PartialDate, Period, Policy, View};
use crate::rules::{
    AfterEvent, Anniversary, DateField, Delay, OnHoliday, Rule, SendZone, Trigger, Which,
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
        Trigger::Lapsed(trigger) => silence::arises(view, (trigger, policy), occasion),
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

/// Whether the customer said so themselves.
fn told(view: &View, field: &DateField) -> &'static str {
    let told = view
        .wishes
        .birthday
        .map(|told| (told.day.month(), told.day.day()));
    let counts = view.customer.birthday.map(|day| (day.month(), day.day()));
    if *field == DateField::Birthday && told.is_some() && told == counts {
        ", as they told us"
    } else {
        ""
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
    let mut words = since(&trigger.field, day) + told(view, &trigger.field);
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

/// Why the rule has no occasion for them from this day on, as the records are.
pub fn nothing(rule: &Rule, view: &View, policy: &Policy, from: Date) -> String {
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
        Trigger::Lapsed(trigger) => silence::nothing(rule, view, (trigger, policy)),
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
