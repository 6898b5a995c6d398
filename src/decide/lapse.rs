//! `lapsed`: nothing happened for so many days, the same for all or as a customer's own cadence has
//! it.
//!
//! Contacts count by distinct civil days in the customer's zone. Every contact starts the count
//! anew and ends the steps of the silence before it; only the first contact of a silence's end
//! matters, not what comes later. May not know gates.

use jiff::Timestamp;
use jiff::civil::Date;

use super::calendar::Desk;
use crate::model::dates::day_number;
use crate::model::policy::Learnt;
use crate::model::view::{Sent, moment};
use crate::model::{Occasion, Period, Policy, Reason, View};
use crate::rhythm::cadence::gaps;
use crate::rhythm::{Cadence, Outlook, Wanted};
use crate::rules::{Patience, Silence, Sure};

/// Between a civil day somewhere and the same instant's elsewhere.
const SLACK_DAYS: i32 = 2;

pub(super) fn occasions(
    desk: &Desk<'_>,
    (trigger, policy): (&Silence, &Policy),
    (from, to): (Date, Date),
) -> Vec<Occasion> {
    let contacts = contact_days(desk.view, &trigger.contact);
    let mut found = Vec::new();
    for (index, contact) in contacts.iter().enumerate() {
        let known = u32::try_from(index + 1).unwrap_or(u32::MAX);
        if known < trigger.min_contacts {
            continue;
        }
        let next = contacts.get(index + 1);
        // What came of a silence that was over well before is of no interest.
        if next.is_some_and(|next| Period::Days(SLACK_DAYS).from_date(next.day) < Some(from)) {
            continue;
        }
        // Nor what can't be due yet, however soon they were missed.
        if Period::Days(least_days(trigger)).from_date(contact.day) > Some(to) {
            continue;
        }
        let contacts = contacts.get(..=index).unwrap_or_default();
        if lost_rhythm(desk.view, trigger, contacts) {
            continue;
        }
        let Some(first) = first_days(trigger, contacts, policy) else {
            continue;
        };
        for (step, days) in trigger.steps(first) {
            let Some(day) = Period::Days(days).from_date(contact.day) else {
                break;
            };
            if day < from {
                continue;
            }
            if day > to {
                break;
            }
            let Some(occasion) = desk.on_day(key(contact.day, step), contact.day, day) else {
                break;
            };
            // Any contact ends the series.
            if next.is_none_or(|next| next.seen_at > occasion.due_at)
                && told_already(desk.view, &desk.rule.id, &occasion, next).is_none()
            {
                found.push(occasion);
            }
        }
    }
    found
}

/// Whether they came before what is kept, and how often isn't known again: a new customer's
/// `otherwise` isn't meant for them, since they may be missed too soon.
pub(super) fn lost_rhythm(view: &View, trigger: &Silence, contacts: &[Contact]) -> bool {
    let mut past = view.past.iter();
    let by_rhythm = match trigger.after {
        Patience::Days(_) => false,
        Patience::Cadences(_) | Patience::Sure(_) => true,
    };
    by_rhythm
        && cadence(contacts).is_none()
        && past.any(|past| trigger.contact.contains(&past.kind))
}

/// The letter of this step that went out, or may have, within this very silence, for a last contact
/// of which the records say something else now: corrected, or followed by one that nobody knew of. It
/// stays the silence's only one.
pub(super) fn told_already<'a>(
    view: &'a View,
    rule: &str,
    occasion: &Occasion,
    next: Option<&Contact>,
) -> Option<&'a Sent> {
    let step = |key: &str| key.rsplit('/').next().map(str::to_owned);
    let wanted = step(&occasion.key);
    view.sent.iter().find(|sent| {
        let day = view.zone.to_datetime(sent.at).date();
        sent.rule == rule
            && sent.occasion != occasion.key
            && step(&sent.occasion) == wanted
            && day > occasion.anchor
            && next.is_none_or(|next| day <= next.day)
    })
}

pub(super) fn withdrawn(
    view: &View,
    trigger: &Silence,
    occasion: &Occasion,
    now: Timestamp,
) -> Option<Reason> {
    let contacts = contact_days(view, &trigger.contact);
    let seen = contacts.iter().filter(|contact| contact.seen_at <= now);
    match seen.map(|contact| contact.day).max() {
        Some(day) if day > occasion.anchor => Some(Reason::ContactedSince),
        Some(day) if day == occasion.anchor => None,
        Some(_) | None => Some(Reason::RecordChanged),
    }
}

/// Civil days of silence until the first step at the soonest.
const fn least_days(trigger: &Silence) -> i32 {
    match trigger.after {
        Patience::Days(days) => days,
        Patience::Cadences(_) | Patience::Sure(_) => 1,
    }
}

/// Civil days of silence until the first step, after contacts up to the last one; `None` if it
/// never comes.
pub(super) fn first_days(trigger: &Silence, contacts: &[Contact], policy: &Policy) -> Option<i32> {
    match trigger.after {
        Patience::Days(days) => Some(days),
        Patience::Cadences(_) => patience(trigger.after, &numbers(contacts), None),
        Patience::Sure(_) => {
            let (outlook, _) = outlook(trigger, contacts, policy)?;
            patience(trigger.after, &numbers(contacts), Some(&outlook))
        }
    }
}

/// Civil days of silence until the first step, after contacts on these days, in order and each once;
/// `None` if it never comes, or if an outlook is wanted and there is none.
pub(crate) fn patience(after: Patience, days: &[i32], outlook: Option<&Outlook>) -> Option<i32> {
    let cadence = of_the_latest(days);
    match after {
        Patience::Days(days) => Some(days),
        Patience::Cadences(own) => Some(cadence.map_or(own.otherwise_days, |cadence| {
            cadence
                .times(own.tenths)
                .min(own.at_most_days)
                .max(own.at_least_days)
        })),
        Patience::Sure(own) => match own.otherwise_days {
            Some(otherwise) if cadence.is_none() => Some(otherwise),
            Some(_) | None => sure_days(own, outlook?),
        },
    }
}

/// Civil days after which it is as sure as wanted, within the rule's bounds.
fn sure_days(own: Sure, outlook: &Outlook) -> Option<i32> {
    let (horizon, least) = (own.horizon_days.unsigned_abs(), own.at_least_days);
    let wanted = Wanted::percent(own.percent, horizon, least.unsigned_abs());
    let days = wanted.days(outlook).and_then(|days| days.try_into().ok());
    let most = own.at_most_days.map(|most| most.max(least));
    match (days, most) {
        (Some(days), Some(most)) => Some(most.min(days)),
        (days, most) => days.or(most),
    }
}

fn numbers(contacts: &[Contact]) -> Vec<i32> {
    contacts.iter().map(|one| day_number(one.day)).collect()
}

/// What may come after these contacts, by what was known at the last one; `None` while nothing was
/// learnt.
pub(super) fn outlook<'a>(
    trigger: &Silence,
    contacts: &[Contact],
    policy: &'a Policy,
) -> Option<(Outlook, &'a Learnt)> {
    let learnt = policy.pattern(&trigger.contact, contacts.last()?.day)?;
    let pattern = learnt.pattern;
    Some((pattern.outlook(gaps(&numbers(contacts))), learnt))
}

/// The median gap of the latest contacts; `None` while it isn't known.
pub(super) fn cadence(contacts: &[Contact]) -> Option<Cadence> {
    of_the_latest(&numbers(contacts))
}

fn of_the_latest(days: &[i32]) -> Option<Cadence> {
    let latest = days.get(days.len().saturating_sub(Cadence::DAYS)..);
    Cadence::of(latest.unwrap_or_default())
}

/// `1998-01-05/1`: the last contact and the step.
fn key(last_contact: Date, step: u32) -> String {
    format!("{last_contact}/{step}")
}

/// One civil day with at least one contact.
pub(crate) struct Contact {
    pub(crate) day: Date,
    /// When the day's first contact is seen.
    pub(crate) seen_at: Timestamp,
}

/// The distinct contact days, the earliest first.
pub(crate) fn contact_days(view: &View, kinds: &[String]) -> Vec<Contact> {
    let mut contacts: Vec<Contact> = view
        .events
        .iter()
        .filter(|event| kinds.contains(&event.kind))
        .map(|event| Contact {
            day: event.at.civil_day(&view.zone),
            seen_at: moment(event, &view.zone),
        })
        .collect();
    contacts.sort_by_key(|contact| (contact.day, contact.seen_at));
    contacts.dedup_by_key(|contact| contact.day);
    contacts
}
