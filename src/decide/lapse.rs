//! `lapsed`: nothing happened for so many days.
//!
//! Contacts count by distinct civil days in the customer's zone. Every contact starts the count
//! anew; only the first contact of a silence's end matters, not what comes later. May not know
//! gates.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::calendar::Desk;
use crate::model::view::moment;
use crate::model::{Event, Occasion, Period, Reason, View, When};

/// The only step until `repeat` is supported.
const FIRST_STEP: u32 = 1;

pub(super) fn occasions(
    desk: &Desk<'_>,
    kinds: &[String],
    after_days: i32,
    min_contacts: u32,
    (from, to): (Date, Date),
) -> Vec<Occasion> {
    let contacts = contact_days(desk.view, kinds);
    let mut found = Vec::new();
    for (index, contact) in contacts.iter().enumerate() {
        let Some(day) = Period::Days(after_days).from_date(contact.day) else {
            continue;
        };
        let known = u32::try_from(index + 1).unwrap_or(u32::MAX);
        if day < from || day > to || known < min_contacts {
            continue;
        }
        let Some(occasion) = desk.on_day(key(contact.day), contact.day, day) else {
            continue;
        };
        let next = contacts.get(index + 1);
        if next.is_none_or(|next| next.seen_at > occasion.due_at) {
            found.push(occasion);
        }
    }
    found
}

pub(super) fn withdrawn(
    view: &View,
    kinds: &[String],
    occasion: &Occasion,
    now: Timestamp,
) -> Option<Reason> {
    let contacts = contact_days(view, kinds);
    let seen = contacts.iter().filter(|contact| contact.seen_at <= now);
    match seen.map(|contact| contact.day).max() {
        Some(day) if day > occasion.anchor => Some(Reason::ContactedSince),
        Some(day) if day == occasion.anchor => None,
        Some(_) | None => Some(Reason::RecordChanged),
    }
}

/// `1998-01-05/1`: the last contact and the step.
fn key(last_contact: Date) -> String {
    format!("{last_contact}/{FIRST_STEP}")
}

/// One civil day with at least one contact.
struct Contact {
    day: Date,
    /// When the day's first contact is seen.
    seen_at: Timestamp,
}

/// The distinct contact days, the earliest first.
fn contact_days(view: &View, kinds: &[String]) -> Vec<Contact> {
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
