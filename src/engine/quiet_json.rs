//! Somebody who has gone quiet as machines read it: the contract's fields in the contract's order.

use serde_json::{Value, json};

use super::listing::{Row, four_places, row};
use super::quiet::Quiet;
use crate::model::Amount;
use crate::rhythm::Cadence;

/// The fields, in order.
pub const FIELDS: &[&str] = &[
    "customer",
    "name",
    "contacts",
    "last_contact",
    "silent_days",
    "cadence_days",
    "chance_gone",
    "value_per_year",
    "currency",
    "last_letter_rule",
    "last_letter_at",
];

/// The fields of one; `chance_gone` is from 0 to 1.
pub fn quiet_json(one: &Quiet) -> Row {
    let letter = one.last_letter.as_ref();
    let values: [Value; 11] = [
        json!(one.customer),
        json!(one.name),
        json!(one.contacts),
        json!(one.last_contact.to_string()),
        json!(one.silent_days),
        json!(one.cadence.map(Cadence::days)),
        json!(four_places(one.chance_gone)),
        json!(one.value_per_year.map(Amount::to_f64)),
        json!(one.currency),
        json!(letter.map(|(rule, _)| rule)),
        json!(letter.map(|(_, at)| at.to_string())),
    ];
    row(FIELDS, values)
}
