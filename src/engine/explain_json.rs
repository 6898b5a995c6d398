//! What a rule says of a customer as machines read it: the same fields in the command and the console.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::entry_json::rfc3339;
use super::explain::Said;
use super::listing::{Row, row};
use crate::model::{Outcome, Reason};

/// The fields, in order.
pub const FIELDS: &[&str] = &[
    "rule",
    "customer",
    "entry",
    "occasion",
    "day",
    "outcome",
    "reason",
    "comes_to",
    "comes_to_reason",
    "goes_at",
    "because_of",
    "words",
];

/// The fields of one; `goes_at` in the zone in which the rule sends.
pub fn said_json(customer: &str, one: &Said) -> Row {
    let zone = one.zone.as_deref().map(TimeZone::get);
    let zone = zone.and_then(Result::ok).unwrap_or(TimeZone::UTC);
    let (comes_to, why) = one.comes_to.unzip();
    let values: [Value; 12] = [
        json!(one.rule),
        json!(customer),
        json!(one.entry),
        json!(one.occasion),
        json!(one.day.map(|day| day.to_string())),
        json!(one.outcome.map(Outcome::as_str)),
        json!(one.reason.map(Reason::as_str)),
        json!(comes_to.map(Outcome::as_str)),
        json!(why.flatten().map(Reason::as_str)),
        json!(one.goes_at.map(|at| rfc3339(at, &zone))),
        json!(one.because_of),
        json!(one.words),
    ];
    row(FIELDS, values)
}
