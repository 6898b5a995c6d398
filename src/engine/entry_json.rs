//! A ledger entry as machines read it: the contract's fields in the contract's order.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use crate::store::Entry;

/// The fields, in order.
pub const FIELDS: &[&str] = &[
    "id",
    "rule",
    "rule_version",
    "customer",
    "occasion",
    "due_at",
    "zone",
    "outcome",
    "reason",
    "decided_at",
    "recipient",
    "subject",
    "template",
    "language",
    "message_id",
    "attempts",
    "next_attempt_at",
    "reply",
    "sent_at",
];

/// The entry's fields; moments bear the offset of the entry's zone, and nothing is `null`ed away.
pub fn entry_json(entry: &Entry) -> Map<String, Value> {
    let zone = TimeZone::get(&entry.occasion.zone).unwrap_or(TimeZone::UTC);
    let moment = |at: Timestamp| rfc3339(at, &zone);
    let maybe = |at: Option<Timestamp>| at.map(moment).into();
    let values: [Value; 19] = [
        entry.id.as_str().into(),
        entry.rule.as_str().into(),
        entry.rule_version.as_str().into(),
        entry.customer.as_str().into(),
        entry.occasion.key.as_str().into(),
        moment(entry.occasion.due_at).into(),
        entry.occasion.zone.as_str().into(),
        entry.outcome.as_str().into(),
        entry.reason.map(crate::model::Reason::as_str).into(),
        maybe(entry.decided_at),
        entry.recipient.clone().into(),
        entry.subject.clone().into(),
        entry.template.clone().into(),
        entry.language.clone().into(),
        entry.message_id.clone().into(),
        entry.attempts.into(),
        maybe(entry.next_attempt_at),
        entry.reply.clone().into(),
        maybe(entry.sent_at),
    ];
    FIELDS
        .iter()
        .map(|field| (*field).to_owned())
        .zip(values)
        .collect()
}

/// RFC 3339 with the zone's offset at that moment: `2027-05-02T09:00:00+01:00`.
pub fn rfc3339(at: Timestamp, zone: &TimeZone) -> String {
    at.display_with_offset(zone.to_offset(at)).to_string()
}
