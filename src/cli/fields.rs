//! How ledger entries look in listings.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The fields of a ledger entry, in the contract's order.
pub(super) const LEDGER: &[&str] = &[
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

/// What the table shows of them.
pub(super) const LOG_COLUMNS: &[(&str, &str)] = &[
    ("id", "entry"),
    ("due_at", "due"),
    ("rule", "rule"),
    ("customer", "customer"),
    ("outcome", "outcome"),
    ("reason", "reason"),
    ("recipient", "to"),
    ("subject", "subject"),
];

/// A moment as people read it, in this zone.
pub(super) fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
}
