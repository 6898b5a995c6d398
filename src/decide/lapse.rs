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
use crate::model::view::moment;
use crate::model::{Occasion, Period, Reason, View};
use crate::rhythm::Cadence;
use crate::rules::{Patience, Silence};

/// Between a civil day somewhere and the same instant's elsewhere.
const SLACK_DAYS: i32 = 2;

pub(super) fn occasions(
    desk: &Desk<'_>,
    trigger: &Silence,
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
        let first = first_days(trigger, contacts.get(..=index).unwrap_or_default());
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
            if next.is_none_or(|next| next.seen_at > occasion.due_at) {
                found.push(occasion);
            }
        }
    }
    found
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

/// Civil days of silence until the first step, after contacts up to the last one.
pub(super) fn first_days(trigger: &Silence, contacts: &[Contact]) -> i32 {
    match trigger.after {
        Patience::Days(days) => days,
        Patience::Cadences(own) => cadence(contacts).map_or(own.otherwise_days, |cadence| {
            cadence
                .times(own.tenths)
                .min(own.at_most_days)
                .max(own.at_least_days)
        }),
    }
}

/// The median gap of the latest contacts; `None` while it isn't known.
pub(super) fn cadence(contacts: &[Contact]) -> Option<Cadence> {
    let latest = contacts.len().saturating_sub(Cadence::DAYS);
    let days = contacts.iter().skip(latest).map(|one| day_number(one.day));
    Cadence::of(&days.collect::<Vec<_>>())
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
