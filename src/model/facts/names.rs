//! The names that exist, and what to say of one that doesn't.
//!
//! May not know values. A new field is added here and in the `field` function beside it; a test
//! compares the two.

use minijinja::value::Value;
use minijinja::{Error, ErrorKind};

use crate::model::customer::CUSTOMER_FIELDS;
use crate::model::event::EVENT_FIELDS;

/// How alike two words must be (0 to 1) before one is offered for the other.
const ALIKE: f64 = 0.7;

/// The five names, and the functions that come with the template language.
pub(super) const TOP: &[&str] = &["customer", "event", "occasion", "business", "links"];
/// Names that the template language itself brings along.
const LANGUAGE_OWN: &[&str] = &[
    "range",
    "dict",
    "namespace",
    "loop",
    "self",
    "super",
    "caller",
    "true",
    "false",
    "none",
];
/// Fields of `customer` beyond the record's own.
const CUSTOMER_MORE: &[&str] = &[
    "name",
    "age",
    "years_with_us",
    "attr",
    "last_contact",
    "last_contacts",
    "visits",
    "purchases",
];
/// Questions that `customer` answers.
const CUSTOMER_METHODS: &[&str] = &["spend", "count", "last"];
/// Fields of `event` beyond the record's own.
const EVENT_MORE: &[&str] = &["date", "attr"];
/// Fields of each of `customer.last_contacts`.
const CONTACT: &[&str] = &["kind", "date", "amount", "currency"];
/// Fields of `occasion`.
const OCCASION: &[&str] = &[
    "key",
    "date",
    "day",
    "years",
    "days_silent",
    "used",
    "usual",
    "percent",
    "window_days",
];
/// Fields of `links`.
const LINKS: &[&str] = &["preferences", "birthday", "opinion"];
/// Fields of `business`.
const BUSINESS: &[&str] = &["name", "postal_address", "email", "language", "timezone"];

/// A name that no letter can see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    /// What is wrong, in one line.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// Whether a dotted name such as `customer.first_name` can exist.
///
/// # Errors
/// What is wrong with it, and the nearest name that exists.
pub fn check_name(path: &str) -> Result<(), UnknownName> {
    let mut parts = path.split('.');
    let top = parts.next().unwrap_or(path);
    if LANGUAGE_OWN.contains(&top) {
        return Ok(());
    }
    if !TOP.contains(&top) {
        return Err(UnknownName {
            message: format!("there is no `{top}`"),
            help: nearest(top, TOP).map_or_else(
                || format!("letters and conditions see {}", listed(TOP)),
                |near| format!("did you mean `{near}`?"),
            ),
        });
    }
    let Some(field) = parts.next() else {
        return Ok(());
    };
    if fields(top).any(|known| known == field) {
        return Ok(());
    }
    Err(UnknownName {
        message: format!("`{top}` has no `{field}`"),
        help: advice(top, field),
    })
}

/// The most similar of the known words, if any is similar enough.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), *candidate))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

/// A value that turns into an error as soon as it is touched, for fields that don't exist; `None`
/// for those that do (the record just has no value).
pub(super) fn unknown(top: &str, field: &str) -> Option<Value> {
    if fields(top).any(|known| known == field) {
        return None;
    }
    Some(Value::from(Error::new(
        ErrorKind::InvalidOperation,
        format!("`{top}` has no `{field}`; {}", advice(top, field)),
    )))
}

/// The error for `customer.spent(…)`.
pub(super) fn unknown_method(method: &str) -> Error {
    let help = nearest(method, CUSTOMER_METHODS).map_or_else(
        || format!("it answers {}", listed(CUSTOMER_METHODS)),
        |near| format!("did you mean `{near}`?"),
    );
    Error::new(
        ErrorKind::InvalidOperation,
        format!("`customer` can't be asked `{method}(…)`; {help}"),
    )
}

/// Every field of one of the four names, or of a contact.
pub(super) fn fields(top: &str) -> impl Iterator<Item = &'static str> {
    let lists: [&[&str]; 3] = match top {
        "customer" => [CUSTOMER_FIELDS, CUSTOMER_MORE, CUSTOMER_METHODS],
        "event" => [EVENT_FIELDS, EVENT_MORE, &[]],
        "occasion" => [OCCASION, &[], &[]],
        "contact" => [CONTACT, &[], &[]],
        "links" => [LINKS, &[], &[]],
        _ => [BUSINESS, &[], &[]],
    };
    lists.into_iter().flatten().copied()
}

fn advice(top: &str, field: &str) -> String {
    let known: Vec<&str> = fields(top).collect();
    match nearest(field, &known) {
        Some(near) => format!("did you mean `{near}`?"),
        None if top == "customer" || top == "event" => {
            format!("the business's own fields are written `{top}.attr.{field}`")
        }
        None => format!("it has {}", listed(&known)),
    }
}

fn listed(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
