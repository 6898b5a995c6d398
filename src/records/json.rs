//! JSON -> customers and events, or every flaw of a record with its place in it.
//!
//! Types are strict and nothing is guessed: a number isn't text, a date is ISO 8601 with its year (but
//! for birthdays and the like), a moment has its offset. What a value may be is otherwise what it may
//! be in a row (`values`, `dates`). May not know who sent it, nor the store.

mod body;
mod object;
mod scalars;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::value::RawValue;

use super::dates::Dates;
use super::error::SourceError;
use super::{AttrType, Feeds, values};
use crate::model::customer::CUSTOMER_FIELDS;
use crate::model::event::EVENT_FIELDS;
use crate::model::refusal::Claims;
use crate::model::{AttrValue, Customer, Event, Refusal, Told};

pub use body::{Body, NotUsable, body};
use object::Fields;
use scalars::Scalars;

/// Attributes of one record.
const MOST_ATTRS: usize = 100;
/// Labels of one customer.
const MOST_TAGS: usize = 100;
/// Characters kept of a value that can't be used.
const VALUE_KEPT: usize = 200;
/// Characters kept of a record that can't be used.
const RECORD_KEPT: usize = 2000;

/// What is wrong with a record, and with which part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The way to the value from the record, name by name; empty for the record itself.
    pub path: Vec<String>,
    /// The value as it stood; empty where it is missing.
    pub value: String,
    /// Why it can't be used, and what would mend it.
    pub reason: String,
}

/// Reads records as one source writes them.
#[derive(Debug)]
pub struct JsonReader {
    dates: Dates,
    types: BTreeMap<String, AttrType>,
}

impl JsonReader {
    /// `zone` is the business's, where a bare day begins; `types` those of its own attributes.
    ///
    /// # Errors
    /// None so far: without a stated form of dates there is nothing to go wrong.
    pub fn new(zone: TimeZone, types: BTreeMap<String, AttrType>) -> Result<Self, SourceError> {
        let dates = Dates::new(None, zone).map_err(|wrong| wrong.at("[api]", None))?;
        Ok(Self { dates, types })
    }

    /// A customer, and what the record speaks of: of everything, but for a consent or an
    /// unsubscription that it leaves open. `id`: whose record it must be, where that was said
    /// elsewhere.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn customer(
        &self,
        record: &RawValue,
        id: Option<&str>,
    ) -> Result<(Customer, Told), Vec<Flaw>> {
        let mut flaws = Vec::new();
        let Some(mut fields) = Fields::of(record, CUSTOMER_FIELDS, &mut flaws) else {
            return Err(flaws);
        };
        let mut customer = Customer::default();
        let mut read = Scalars::new(&self.dates, &mut flaws);
        if let Some(given) = fields.take("id") {
            customer.id = read.named(("id", given), scalars::id).unwrap_or_default();
            if let Some(id) = id
                && !customer.id.is_empty()
                && customer.id != id
            {
                let reason = format!("the address of the request says `{id}`; leave it out here");
                read.flaw("id", given, reason);
            }
        } else {
            match id {
                Some(id) => match scalars::id(id) {
                    Ok(id) => customer.id = id,
                    Err(reason) => read.missing("id", reason),
                },
                None => read.missing("id", missing("id")),
            }
        }
        // A name that was garbled before it was sent goes in: what is no fault of its form can't be told
        // to a program by a schema. People are told of it with what else is odd in their records.
        let mut text = |name| read.text(name, fields.take(name));
        customer.first_name = text("first_name");
        customer.last_name = text("last_name");
        customer.salutation = text("salutation");
        customer.language = text("language");
        customer.timezone = text("timezone");
        customer.staff_name = text("staff_name");
        let mut address = |name| read.maybe((name, fields.take(name)), values::address);
        customer.email = address("email");
        customer.staff_email = address("staff_email");
        customer.birthday = read.partial_date("birthday", fields.take("birthday"));
        customer.joined_on = read.date("joined_on", fields.take("joined_on"));
        customer.consent_at = read.moment("consent_at", fields.take("consent_at"));
        let consent = read.maybe(("consent", fields.take("consent")), scalars::consent);
        let unsubscribed = read.yes_no(&["unsubscribed"], fields.take("unsubscribed"));
        let undated = consent.is_none() && customer.consent_at.is_none();
        let leaves_open = [
            ("consent", consent.is_none()),
            ("consent_at", undated),
            ("unsubscribed", unsubscribed.is_none()),
        ];
        customer.consent = consent.unwrap_or_default();
        customer.unsubscribed = unsubscribed.unwrap_or_default();
        if let Some(given) = fields.take("tags") {
            customer.tags = read.tags("tags", given, MOST_TAGS);
        }
        if let Some(given) = fields.take("attr") {
            customer.attrs = self.attrs(given, &mut flaws);
        }
        let open = leaves_open.iter().filter(|(_, open)| *open);
        let told = Told::all_but(open.map(|(field, _)| *field));
        settled((customer, told), flaws)
    }

    /// An event.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn event(&self, record: &RawValue) -> Result<Event, Vec<Flaw>> {
        let mut flaws = Vec::new();
        let Some(mut fields) = Fields::of(record, EVENT_FIELDS, &mut flaws) else {
            return Err(flaws);
        };
        let mut read = Scalars::new(&self.dates, &mut flaws);
        let mut needed = |name: &'static str, how: fn(&str) -> Result<String, String>| {
            let given = fields.take(name);
            if given.is_none() {
                read.missing(name, missing(name));
            }
            given.and_then(|given| read.named((name, given), how))
        };
        let id = needed("id", scalars::id);
        let customer_id = needed("customer_id", scalars::id);
        let kind = needed("kind", scalars::kind);
        let at = fields.take("at");
        if at.is_none() {
            read.missing("at", missing("at"));
        }
        let at = read.when("at", at);
        let amount = read.amount("amount", fields.take("amount"));
        let quantity = read.amount("quantity", fields.take("quantity"));
        let currency = read.text("currency", fields.take("currency"));
        let attrs = match fields.take("attr") {
            Some(given) => self.attrs(given, &mut flaws),
            None => BTreeMap::new(),
        };
        match (id, customer_id, kind, at) {
            (Some(id), Some(customer_id), Some(kind), Some(at)) => {
                let event = Event {
                    id,
                    customer_id,
                    kind,
                    at,
                    amount,
                    currency,
                    quantity,
                    attrs,
                };
                settled(event, flaws)
            }
            _ => Err(flaws),
        }
    }

    fn attrs(&self, given: &RawValue, flaws: &mut Vec<Flaw>) -> BTreeMap<String, AttrValue> {
        let mut attrs = BTreeMap::new();
        let Some(entries) = object::entries(given, &["attr"], flaws) else {
            return attrs;
        };
        let mut read = Scalars::new(&self.dates, flaws);
        if entries.len() > MOST_ATTRS {
            let reason = format!("it has more than {MOST_ATTRS} attributes; leave the others out");
            read.flaw("attr", given, reason);
            return attrs;
        }
        for (name, value) in entries {
            let path = ["attr", &name];
            match scalars::id(&name) {
                Ok(name) => {
                    let kind = self.types.get(&name).copied();
                    let value = read.attr(&path, value, kind);
                    attrs.extend(value.map(|value| (name, value)));
                }
                Err(reason) => {
                    read.flaw_at(&path, value, format!("this can't be a name: {reason}"));
                }
            }
        }
        attrs
    }
}

fn settled<T>(record: T, flaws: Vec<Flaw>) -> Result<T, Vec<Flaw>> {
    if flaws.is_empty() {
        Ok(record)
    } else {
        Err(flaws)
    }
}

fn missing(name: &str) -> String {
    format!("`{name}` is missing, which every record needs")
}

/// A record that can't be used, as people look at it: `by` is how it came, `number` its place among
/// those that came with it (from 1).
pub fn refusal(
    (by, number): (&str, u64),
    record: &RawValue,
    flaws: &[Flaw],
    of: Claims,
) -> Refusal {
    let first = flaws.first();
    Refusal {
        file: by.to_owned(),
        line: number,
        column: first.map(|flaw| flaw.path.join(".")).unwrap_or_default(),
        value: first.map(|flaw| flaw.value.clone()).unwrap_or_default(),
        reason: first.map(|flaw| flaw.reason.clone()).unwrap_or_default(),
        record: kept(record.get(), RECORD_KEPT),
        of,
    }
}

/// Whether a record may have this id.
pub fn is_id(text: &str) -> bool {
    scalars::id(text).is_ok()
}

/// The id that a record claims to have, where it can be one.
pub fn claimed_id(record: &RawValue) -> Option<String> {
    claimed(record, "id")
}

/// The customer to whom an event claims to have happened, where it can be one.
pub fn claimed_customer(record: &RawValue) -> Option<String> {
    claimed(record, "customer_id")
}

fn claimed(record: &RawValue, field: &str) -> Option<String> {
    let entries = object::entries(record, &[], &mut Vec::new())?;
    let (_, given) = entries.iter().find(|(name, _)| name == field)?;
    let id: String = serde_json::from_str(given.get()).ok()?;
    scalars::id(&id).ok()
}

/// The beginning of a text, without what databases can't hold.
fn kept(text: &str, longest: usize) -> String {
    let kept = text.chars().take(longest);
    kept.map(|c| if c == '\0' { '\u{fffd}' } else { c })
        .collect()
}

/// What a source of this kind calls the list of its records.
const fn list_name(feeds: Feeds) -> &'static str {
    match feeds {
        Feeds::Customers => "customers",
        Feeds::Events => "events",
    }
}

#[cfg(test)]
mod tests;
