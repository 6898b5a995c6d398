//! A dossier as machines and people read it: one JSON document, in sections that keep their names.
//!
//! May not leave out a piece: an unknown one wouldn't compile.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::alert::ENGLISH;
use super::entry_json::{entry_json, rfc3339};
use crate::model::{AttrValue, Customer, Matter, Reason, When, Wishes};
use crate::render::Phrases;
use crate::render::alert::{self, Voice};
use crate::store::{Happened, OnRecord, Piece, Quarantined, Said, Shown, Step, UnderId};

/// The sections, in the order in which pieces come.
pub const SECTIONS: [&str; 8] = [
    "customers",
    "said",
    "planning",
    "events",
    "ledger",
    "suppression",
    "quarantine",
    "words",
];

/// A piece's section and what it says there. Moments bear the offset of this zone.
pub fn piece_json(piece: Piece, zone: &TimeZone) -> (&'static str, Value) {
    match piece {
        Piece::Customer(one) => ("customers", customer(&one, zone)),
        Piece::Said(one) => ("said", said(&one, zone)),
        Piece::UnderId(one) => ("planning", under_id(one)),
        Piece::Event(one) => ("events", event(&one, zone)),
        Piece::Entry(one) => ("ledger", entry(*one, zone)),
        Piece::Suppressed(address, reason, at) => (
            "suppression",
            json!({ "address": address, "reason": reason, "at": rfc3339(at, zone) }),
        ),
        Piece::Quarantined(one, by) => {
            let mut said = quarantined(&one, zone);
            said.insert("named_by".to_owned(), by.as_str().into());
            ("quarantine", Value::Object(said))
        }
        Piece::Trouble(matter) => ("words", trouble(&matter, zone)),
        Piece::Words(of, words) => ("words", json!({ "of": of, "words": words })),
    }
}

/// As the owner would read of it in English; a rule goes by its id here, as in the ledger's entries.
fn trouble(matter: &Matter, zone: &TimeZone) -> Value {
    let title = |rule: &str| rule.to_owned();
    let voice = Voice {
        words: Phrases::built_in().of(ENGLISH),
        zone,
        title: &title,
    };
    json!({ "of": alert::what(matter, voice), "words": alert::body(matter, voice) })
}

fn customer(one: &OnRecord, zone: &TimeZone) -> Value {
    let moment = |at: Option<Timestamp>| at.map(|at| rfc3339(at, zone));
    let Customer {
        id,
        email,
        first_name,
        last_name,
        salutation,
        language,
        timezone,
        birthday,
        joined_on,
        staff_email,
        staff_name,
        tags,
        consent,
        consent_at,
        unsubscribed,
        attrs,
    } = &one.customer;
    let dates = one.dates.iter().map(|(field, year, month_day)| {
        json!({ "field": field, "year": year, "month": month_day / 100, "day": month_day % 100 })
    });
    json!({
        "id": id,
        "email": email,
        "first_name": first_name,
        "last_name": last_name,
        "salutation": salutation,
        "language": language,
        "timezone": timezone,
        "birthday": birthday.map(|date| date.to_string()),
        "joined_on": joined_on.map(|date| date.to_string()),
        "staff_email": staff_email,
        "staff_name": staff_name,
        "tags": tags,
        "attr": attrs.iter().map(attr).collect::<Map<_, _>>(),
        "preferences": {
            "consent": consent.as_str(),
            "consent_at": moment(*consent_at),
            "unsubscribed": unsubscribed,
            "unsubscribed_by_link_at": moment(one.stopped_at),
        },
        "anniversaries": dates.collect::<Value>(),
        "source": one.source,
        "also_told_by": one.also_told,
        "first_seen": rfc3339(one.first_seen, zone),
        "gone_from_source_at": moment(one.gone_at),
    })
}

fn attr((name, value): (&String, &AttrValue)) -> (String, Value) {
    let value = match value {
        AttrValue::Text(text) => text.as_str().into(),
        AttrValue::Number(number) => (*number).into(),
        AttrValue::Date(date) => date.to_string().into(),
        AttrValue::YesNo(yes) => (*yes).into(),
    };
    (name.clone(), value)
}

fn said(one: &Said, zone: &TimeZone) -> Value {
    let Wishes {
        language,
        fewer,
        without,
        pause_until,
        birthday,
    } = &one.wishes;
    let without = without.iter().map(|topic| topic.as_str());
    json!({
        "customer": one.customer,
        "language": language,
        "fewer": fewer,
        "without": without.collect::<Vec<_>>(),
        "pause_until": pause_until.map(|day| day.to_string()),
        "birthday": birthday.map(|told| told.day.to_string()),
        "birthday_on_record_then":
            birthday.and_then(|told| told.record_was).map(|day| day.to_string()),
        "at": rfc3339(one.at, zone),
    })
}

fn under_id(one: UnderId) -> Value {
    let awaited = one.awaited.into_iter();
    let awaited = awaited.map(|(rule, day)| json!({ "rule": rule, "day": day.to_string() }));
    let past = one.past_events.into_iter().map(|(kind, number, last_day)| {
        json!({ "kind": kind, "number": number, "last_day": last_day.to_string() })
    });
    json!({
        "customer": one.customer,
        "awaited": awaited.collect::<Value>(),
        "past_events": past.collect::<Value>(),
        "to_be_looked_at": one.to_be_looked_at,
    })
}

fn event(one: &Happened, zone: &TimeZone) -> Value {
    let event = &one.event;
    let at = match event.at {
        When::Day(day) => day.to_string(),
        When::Instant(at) => rfc3339(at, zone),
    };
    json!({
        "source": one.source,
        "id": event.id,
        "customer_id": event.customer_id,
        "kind": event.kind,
        "at": at,
        "amount": event.amount.map(|amount| amount.to_string()),
        "currency": event.currency,
        "quantity": event.quantity.map(|quantity| quantity.to_string()),
        "attr": event.attrs.iter().map(attr).collect::<Map<_, _>>(),
        "moved_from": one.moved_from,
    })
}

fn entry(one: Shown, zone: &TimeZone) -> Value {
    let mut said = entry_json(&one.entry);
    let step = |step: &Step| {
        json!({
            "at": rfc3339(step.at, zone),
            "outcome": step.outcome.as_str(),
            "reason": step.reason.map(Reason::as_str),
            "reply": step.reply,
        })
    };
    let more: [(&str, Value); 6] = [
        ("event", one.entry.occasion.event.into()),
        ("anchor", one.entry.occasion.anchor.to_string().into()),
        ("via", one.entry.via.into()),
        ("history", one.history.iter().map(step).collect()),
        ("message", one.message.into()),
        (
            "text_removed_at",
            one.text_removed_at.map(|at| rfc3339(at, zone)).into(),
        ),
    ];
    said.extend(more.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(said)
}

fn quarantined(one: &Quarantined, zone: &TimeZone) -> Map<String, Value> {
    let refusal = &one.refusal;
    let values: [(&str, Value); 8] = [
        ("source", one.source.as_str().into()),
        ("file", refusal.file.as_str().into()),
        ("line", refusal.line.into()),
        ("column", refusal.column.as_str().into()),
        ("value", refusal.value.as_str().into()),
        ("reason", refusal.reason.as_str().into()),
        ("record", refusal.record.as_str().into()),
        ("seen_at", rfc3339(one.seen_at, zone).into()),
    ];
    let values = values.map(|(name, value)| (name.to_owned(), value));
    values.into_iter().collect()
}
