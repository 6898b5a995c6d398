//! How ledger entries look in listings.

use jiff::Timestamp;
use jiff::tz::TimeZone;

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
    at.to_zoned_datetime(zone.clone())
        .strftime("%Y-%m-%d %H:%M %Z")
        .to_string()
}
