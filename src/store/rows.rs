//! How a customer and an event stand in their rows, and read back from them.
//!
//! May not run a statement.

use sha2::{Digest as _, Sha256};

use super::FileMeta;
use super::columns::{Columns, address_key, day_number, json};
use super::dialect::Query;
use crate::model::{Amount, AttrValue, Consent, Customer, Event, PartialDate, When};

/// Bytes of a row's hash: it only tells a changed row from an unchanged one.
const HASH_BYTES: usize = 16;

/// Hashes a row's values so that neither their borders nor missing ones can be mistaken.
#[derive(Default)]
struct RowHash(Sha256);

impl RowHash {
    fn text(&mut self, value: Option<&str>) {
        match value {
            Some(text) => {
                self.0.update([1]);
                self.0.update(text.len().to_be_bytes());
                self.0.update(text);
            }
            None => self.0.update([0]),
        }
    }

    fn number(&mut self, value: Option<i64>) {
        self.0.update([u8::from(value.is_some())]);
        self.0.update(value.unwrap_or(0).to_be_bytes());
    }

    fn finish(self) -> Vec<u8> {
        let mut bytes = self.0.finalize().to_vec();
        bytes.truncate(HASH_BYTES);
        bytes
    }
}

/// Parameters of one customer in the bulk statement.
pub(super) const CUSTOMER_PARAMETERS: usize = 20;
/// Its head.
pub(super) const CUSTOMER_HEAD: &str = "INSERT INTO customer (source, first_seen, \
     id, email, email_key, first_name, last_name, salutation, language, timezone, \
     staff_email, staff_name, tags, consent, attrs, birthday, joined_on, \
     consent_at, unsubscribed, row_hash)";
/// Its tail: an unchanged row is left alone.
pub(super) const CUSTOMER_TAIL: &str = "ON CONFLICT (id) DO UPDATE SET \
     source = excluded.source, email = excluded.email, email_key = excluded.email_key, \
     first_name = excluded.first_name, last_name = excluded.last_name, \
     salutation = excluded.salutation, language = excluded.language, \
     timezone = excluded.timezone, staff_email = excluded.staff_email, \
     staff_name = excluded.staff_name, tags = excluded.tags, consent = excluded.consent, \
     attrs = excluded.attrs, birthday = excluded.birthday, joined_on = excluded.joined_on, \
     consent_at = excluded.consent_at, unsubscribed = excluded.unsubscribed, \
     row_hash = excluded.row_hash, revision = customer.revision + 1 \
     WHERE customer.row_hash IS DISTINCT FROM excluded.row_hash \
     RETURNING id, revision";

fn attrs_text(
    attrs: &std::collections::BTreeMap<String, AttrValue>,
) -> sqlx::Result<Option<String>> {
    (!attrs.is_empty()).then(|| json(attrs)).transpose()
}

/// Binds one customer, read from this file.
pub(super) fn bind_customer<'q>(
    query: Query<'q>,
    file: &FileMeta<'_>,
    one: &Customer,
) -> sqlx::Result<Query<'q>> {
    let tags = (!one.tags.is_empty())
        .then(|| json(&one.tags))
        .transpose()?;
    let texts: [Option<String>; 14] = [
        one.email.clone(),
        one.email.as_deref().map(address_key),
        one.first_name.clone(),
        one.last_name.clone(),
        one.salutation.clone(),
        one.language.clone(),
        one.timezone.clone(),
        one.staff_email.clone(),
        one.staff_name.clone(),
        tags,
        Some(one.consent.as_str().to_owned()),
        attrs_text(&one.attrs)?,
        one.birthday.map(|date| date.to_string()),
        one.joined_on.map(|date| date.to_string()),
    ];
    let consent_at = one.consent_at.map(jiff::Timestamp::as_millisecond);
    let unsubscribed = i64::from(one.unsubscribed);
    let mut hash = RowHash::default();
    let mut query = query
        .bind(file.source.to_owned())
        .bind(file.now.as_millisecond())
        .bind(one.id.clone());
    for text in texts {
        hash.text(text.as_deref());
        query = query.bind(text);
    }
    hash.number(consent_at);
    hash.number(Some(unsubscribed));
    Ok(query
        .bind(consent_at)
        .bind(unsubscribed)
        .bind(hash.finish()))
}

/// The columns that [`read_customer`] reads, of a table named `c`.
macro_rules! customer_columns {
    () => {
        "c.id, c.email, c.first_name, c.last_name, c.salutation, c.language, c.timezone, \
         c.birthday, c.joined_on, c.staff_email, c.staff_name, c.tags, c.consent, c.consent_at, \
         c.unsubscribed, c.attrs"
    };
}
pub(super) use customer_columns;

/// Reads a customer.
pub(super) fn read_customer(columns: &mut Columns<'_>) -> sqlx::Result<Customer> {
    Ok(Customer {
        id: columns.text()?,
        email: columns.maybe_text()?,
        first_name: columns.maybe_text()?,
        last_name: columns.maybe_text()?,
        salutation: columns.maybe_text()?,
        language: columns.maybe_text()?,
        timezone: columns.maybe_text()?,
        birthday: columns.maybe_parsed(|text| text.parse().ok())?,
        joined_on: columns.maybe_parsed(|text| text.parse().ok())?,
        staff_email: columns.maybe_text()?,
        staff_name: columns.maybe_text()?,
        tags: columns.json()?,
        consent: columns.parsed(Consent::parse)?,
        consent_at: columns.maybe_moment()?,
        unsubscribed: columns.flag()?,
        attrs: columns.json()?,
    })
}

/// Every date of a customer's that an anniversary can start from, with the field's name.
pub(super) fn dates_of(one: &Customer) -> Vec<(String, PartialDate)> {
    let own = [
        ("birthday", one.birthday),
        ("joined_on", one.joined_on.map(PartialDate::from)),
    ];
    own.into_iter()
        .filter_map(|(name, date)| Some((name.to_owned(), date?)))
        .chain(one.attrs.iter().filter_map(|(name, value)| match value {
            AttrValue::Date(date) => Some((format!("attr.{name}"), *date)),
            AttrValue::Text(_) | AttrValue::Number(_) | AttrValue::YesNo(_) => None,
        }))
        .collect()
}

/// Month and day as one number that sorts like the calendar.
pub(super) fn month_day(month: i8, day: i8) -> i64 {
    i64::from(month) * 100 + i64::from(day)
}

/// Parameters of one event in the bulk statement.
pub(super) const EVENT_PARAMETERS: usize = 11;
/// Its head.
pub(super) const EVENT_HEAD: &str = "INSERT INTO event (source, \
     id, customer_id, kind, day, at, amount, currency, quantity, attrs, row_hash)";
/// Its tail; `moved_from` is filled exactly when the event was there before.
pub(super) const EVENT_TAIL: &str = "ON CONFLICT (source, id) DO UPDATE SET \
     customer_id = excluded.customer_id, kind = excluded.kind, day = excluded.day, \
     at = excluded.at, amount = excluded.amount, currency = excluded.currency, \
     quantity = excluded.quantity, attrs = excluded.attrs, row_hash = excluded.row_hash, \
     moved_from = event.customer_id \
     WHERE event.row_hash IS DISTINCT FROM excluded.row_hash \
     RETURNING customer_id, moved_from";

/// The day by which an event is found, and its moment where it has one.
fn when(at: When) -> (i64, Option<i64>) {
    /// Milliseconds of a day.
    const DAY: i64 = 86_400_000;
    match at {
        When::Day(day) => (day_number(day), None),
        When::Instant(at) => {
            let at = at.as_millisecond();
            (at.div_euclid(DAY), Some(at))
        }
    }
}

/// Binds one event, read from this file.
pub(super) fn bind_event<'q>(
    query: Query<'q>,
    file: &FileMeta<'_>,
    one: &Event,
) -> sqlx::Result<Query<'q>> {
    let attrs = attrs_text(&one.attrs)?;
    let (day, at) = when(one.at);
    let amount = one.amount.map(Amount::ten_thousandths);
    let quantity = one.quantity.map(Amount::ten_thousandths);
    let mut hash = RowHash::default();
    hash.text(Some(&one.customer_id));
    hash.text(Some(&one.kind));
    hash.text(one.currency.as_deref());
    hash.text(attrs.as_deref());
    hash.number(Some(day));
    hash.number(at);
    hash.number(amount);
    hash.number(quantity);
    Ok(query
        .bind(file.source.to_owned())
        .bind(one.id.clone())
        .bind(one.customer_id.clone())
        .bind(one.kind.clone())
        .bind(day)
        .bind(at)
        .bind(amount)
        .bind(one.currency.clone())
        .bind(quantity)
        .bind(attrs)
        .bind(hash.finish()))
}

/// The columns that [`read_event`] reads.
macro_rules! event_columns {
    () => {
        "id, customer_id, kind, day, at, amount, currency, quantity, attrs"
    };
}
pub(super) use event_columns;

/// Reads an event.
pub(super) fn read_event(columns: &mut Columns<'_>) -> sqlx::Result<Event> {
    let (id, customer_id, kind) = (columns.text()?, columns.text()?, columns.text()?);
    let day = columns.number()?;
    let at = match columns.maybe_moment()? {
        Some(at) => When::Instant(at),
        None => When::Day(super::columns::day_of(day)?),
    };
    Ok(Event {
        id,
        customer_id,
        kind,
        at,
        amount: columns.maybe_number()?.map(Amount::from_ten_thousandths),
        currency: columns.maybe_text()?,
        quantity: columns.maybe_number()?.map(Amount::from_ten_thousandths),
        attrs: columns.json()?,
    })
}
