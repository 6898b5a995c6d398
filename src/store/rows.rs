//! How a customer and an event stand in their rows, and read back from them.
//!
//! May not run a statement.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::FileMeta;
use super::columns::{Columns, address_key, day_number, json};
use super::dialect::{Arguments, Query, insert_many, merged, quoted};
use crate::model::{Amount, AttrValue, Consent, Customer, Event, PartialDate, Told, When};

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

/// Columns of a customer that hold texts.
const TEXTS: usize = 14;
/// Columns of a [`CustomerRow`].
pub(super) const CUSTOMER_COLUMNS: usize = TEXTS + 5;
/// The head of the statement that writes customers: for all rows the source and now, then for each
/// the columns of a [`CustomerRow`]. An address that is its own key is handed over once.
pub(super) const CUSTOMER_HEAD: &str = concat!(
    insert_many!("customer"),
    " (source, first_seen, \
     number, id, email, email_key, first_name, last_name, salutation, language, timezone, \
     staff_email, staff_name, tags, consent, attrs, birthday, joined_on, \
     consent_at, unsubscribed, row_hash) SELECT ?, ?, \
     column1, column2, column3, COALESCE(column4, column3), column5, column6, column7, column8, \
     column9, column10, column11, column12, column13, column14, column15, column16, \
     column17, column18, column19 FROM "
);
/// Its tail for customers that seem to be new.
pub(super) const CUSTOMER_NEW: &str = " WHERE true ON CONFLICT (id) DO NOTHING";
/// Its tail for customers that are new, as long as nobody can be found by id.
pub(super) const CUSTOMER_APPENDED: &str = "";
/// A customer's columns, by the fields that they hold; those of consent and of attributes apart.
const BY_FIELD: [(&str, &[&str]); 12] = [
    ("email", &["email", "email_key"]),
    ("first_name", &["first_name"]),
    ("last_name", &["last_name"]),
    ("salutation", &["salutation"]),
    ("language", &["language"]),
    ("timezone", &["timezone"]),
    ("birthday", &["birthday"]),
    ("joined_on", &["joined_on"]),
    ("staff_email", &["staff_email"]),
    ("staff_name", &["staff_name"]),
    ("tags", &["tags"]),
    ("unsubscribed", &["unsubscribed"]),
];
/// The hash is that of the source that told of them first.
const HEARD_OF: &str = "gone_at = NULL, revision = customer.revision + 1, \
     row_hash = CASE WHEN customer.source = excluded.source \
         THEN excluded.row_hash ELSE customer.row_hash END";
/// Nobody's "no" is taken back by a record that doesn't know.
const STAYS_NO: &str = "customer.consent = 'no' AND excluded.consent = 'unknown'";

/// The tail for customers that differ from what is known of them, and bear their known numbers: what
/// the record doesn't speak of stays.
pub(super) fn customer_changed(told: &Told) -> sqlx::Result<String> {
    let mut set = vec![HEARD_OF.to_owned()];
    let told_fields = BY_FIELD.iter().filter(|(field, _)| told.tells(field));
    set.extend(
        told_fields
            .flat_map(|(_, columns)| *columns)
            .map(|column| taken(column)),
    );
    // Consent and its date are one word.
    if told.tells("consent") {
        set.extend(["consent", "consent_at"].map(|column| {
            format!(
                "{column} = CASE WHEN {STAYS_NO} THEN customer.{column} ELSE excluded.{column} END"
            )
        }));
    } else if told.tells("consent_at") {
        set.push(taken("consent_at"));
    }
    match told.attrs() {
        None => set.push(taken("attrs")),
        Some(names) if names.is_empty() => {}
        Some(names) => {
            let cleared = names.into_iter().map(|name| (name.to_owned(), Value::Null));
            let cleared = quoted(&json(&cleared.collect::<Map<_, _>>())?);
            let merged = merged("customer.attrs", &cleared, "excluded.attrs");
            set.push(format!("attrs = {merged}"));
        }
    }
    let set = set.join(", ");
    Ok(format!(
        " WHERE true ON CONFLICT (number) DO UPDATE SET {set}"
    ))
}

/// The column as the record has it.
fn taken(column: &str) -> String {
    format!("{column} = excluded.{column}")
}

fn attrs_text(attrs: &BTreeMap<String, AttrValue>) -> sqlx::Result<Option<String>> {
    (!attrs.is_empty()).then(|| json(attrs)).transpose()
}

/// Source, now and these rows as the parameters of a statement, without the `empty` columns.
pub(super) fn bind_customers(
    meta: &FileMeta<'_>,
    all: &[CustomerRow],
    empty: u32,
) -> sqlx::Result<Arguments> {
    use sqlx::Arguments as _;
    let mut arguments = Arguments::default();
    arguments.reserve(all.len() * CUSTOMER_COLUMNS + 2, 0);
    let head = arguments
        .add(meta.source)
        .and_then(|()| arguments.add(meta.now.as_millisecond()));
    head.map_err(sqlx::Error::Encode)?;
    for row in all {
        row.bind(&mut arguments, empty)?;
    }
    Ok(arguments)
}

/// A customer as the row that it becomes.
pub(super) struct CustomerRow {
    /// The number that it gets if it is new.
    pub(super) number: i64,
    pub(super) id: Arc<str>,
    texts: [Option<Arc<str>>; TEXTS],
    consent_at: Option<i64>,
    unsubscribed: i64,
    pub(super) hash: Vec<u8>,
    pub(super) told: Told,
    pub(super) dates: Vec<(Cow<'static, str>, PartialDate)>,
    /// Whether it is known that another source told of them first.
    pub(super) elsewhere: bool,
}

impl CustomerRow {
    pub(super) fn new(one: Customer, told: Told, number: i64) -> sqlx::Result<Self> {
        let dates = dates_of(&one);
        let tags = (!one.tags.is_empty())
            .then(|| json(&one.tags))
            .transpose()?;
        let key = one.email.as_deref().map(address_key);
        let texts: [Option<Arc<str>>; TEXTS] = [
            one.email.as_deref().map(Arc::from),
            key.filter(|key| one.email.as_ref() != Some(key))
                .map(Arc::from),
            one.first_name.map(Arc::from),
            one.last_name.map(Arc::from),
            one.salutation.map(Arc::from),
            one.language.map(Arc::from),
            one.timezone.map(Arc::from),
            one.staff_email.map(Arc::from),
            one.staff_name.map(Arc::from),
            tags.map(Arc::from),
            Some(Arc::from(one.consent.as_str())),
            attrs_text(&one.attrs)?.map(Arc::from),
            one.birthday.map(|date| Arc::from(date.to_string())),
            one.joined_on.map(|date| Arc::from(date.to_string())),
        ];
        let consent_at = one.consent_at.map(jiff::Timestamp::as_millisecond);
        let unsubscribed = i64::from(one.unsubscribed);
        let mut hash = RowHash::default();
        // To leave something open is another word than to say that it is empty.
        hash.0.update(told.print());
        for text in &texts {
            hash.text(text.as_deref());
        }
        hash.number(consent_at);
        hash.number(Some(unsubscribed));
        Ok(Self {
            number,
            id: Arc::from(one.id),
            texts,
            consent_at,
            unsubscribed,
            hash: hash.finish(),
            told,
            dates,
            elsewhere: false,
        })
    }

    /// A bit for each column that has no value.
    pub(super) fn empty(&self) -> u32 {
        let mut bits = 0;
        for (n, text) in self.texts.iter().enumerate() {
            bits |= u32::from(text.is_none()) << (n + 2);
        }
        bits | u32::from(self.consent_at.is_none()) << (TEXTS + 2)
    }

    /// Binds the columns that aren't `empty` in all rows.
    fn bind(&self, to: &mut Arguments, empty: u32) -> sqlx::Result<()> {
        use sqlx::Arguments as _;
        let mut add = || {
            to.add(self.number)?;
            to.add(Arc::clone(&self.id))?;
            for (n, text) in self.texts.iter().enumerate() {
                if empty & (1 << (n + 2)) == 0 {
                    to.add(text.clone())?;
                }
            }
            if empty & (1 << (TEXTS + 2)) == 0 {
                to.add(self.consent_at)?;
            }
            to.add(self.unsubscribed)?;
            to.add(self.hash.as_slice())
        };
        add().map_err(sqlx::Error::Encode)
    }
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
fn dates_of(one: &Customer) -> Vec<(Cow<'static, str>, PartialDate)> {
    let own = [
        ("birthday", one.birthday),
        ("joined_on", one.joined_on.map(PartialDate::from)),
    ];
    own.into_iter()
        .filter_map(|(name, date)| Some((Cow::Borrowed(name), date?)))
        .chain(one.attrs.iter().filter_map(|(name, value)| match value {
            AttrValue::Date(date) => Some((format!("attr.{name}").into(), *date)),
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
pub(super) const EVENT_HEAD: &str = concat!(
    insert_many!("event"),
    " (source, id, customer_id, kind, day, at, amount, currency, quantity, attrs, row_hash) \
     SELECT v.* FROM ("
);
/// Its tail. What was kept long enough and let go isn't taken in again with each full export; an event that
/// is still there and gets a date as old is seen to afterwards. `moved_from` is filled exactly when the
/// event was there before.
pub(super) const EVENT_TAIL: &str = ") AS v WHERE NOT EXISTS (SELECT 1 FROM past_events p \
         WHERE p.customer_id = v.column3 AND p.kind = v.column4 AND p.last_day >= v.column5 \
           AND NOT EXISTS (SELECT 1 FROM event e \
               WHERE e.source = v.column1 AND e.id = v.column2)) \
     ON CONFLICT (source, id) DO UPDATE SET \
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
