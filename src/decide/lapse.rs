//! `lapsed`: nothing happened for so many days.
//!
//! Contacts count by distinct civil days in the customer's zone. Every contact starts the count
//! anew and ends the steps of the silence before it; only the first contact of a silence's end
//! matters, not what comes later. May not know gates.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::calendar::Desk;
use crate::model::view::moment;
use crate::model::{Event, Occasion, Period, Reason, View, When};
use crate::rules::Silence;

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
        for (step, days) in trigger.steps() {
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

/// `1998-01-05/1`: the last contact and the step.
fn key(last_contact: Date, step: u32) -> String {
    format!("{last_contact}/{step}")
}

/// One civil day with at least one contact.
pub(super) struct Contact {
    pub(super) day: Date,
    /// When the day's first contact is seen.
    pub(super) seen_at: Timestamp,
}

/// The distinct contact days, the earliest first.
pub(super) fn contact_days(view: &View, kinds: &[String]) -> Vec<Contact> {
    let mut contacts: Vec<Contact> = view
        .events
        .iter()
        .filter(|event| kinds.contains(&event.kind))
        .map(|event| Contact {
            day: day_of(event, &view.zone),
            seen_at: moment(event, &view.zone),
        })
        .collect();
    contacts.sort_by_key(|contact| (contact.day, contact.seen_at));
    contacts.dedup_by_key(|contact| contact.day);
    contacts
}

/// The civil day on which an event happened, where the customer lives.
fn day_of(event: &Event, zone: &TimeZone) -> Date {
    match event.at {
        When::Day(day) => day,
        When::Instant(at) => zone.to_datetime(at).date(),
    }
}
