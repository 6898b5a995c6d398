//! Wishes: what customers said by the pages behind a letter's links, in a table of its own, so that no
//! record overwrites it.
//!
//! A link's token names a ledger entry, and so whom its letter went to; an entry that isn't there any
//! more changes nothing. Whatever is said raises the customer's revision, so that nobody sends on a
//! view from before. May not know tokens or pages.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;

use super::columns::{Columns, address_key, day_number, day_of, json, nonsense};
use super::dialect::Connection;
use super::people::{next_touch, raise};
use super::rows::month_day;
use super::suppression::{BY_LINK_AGAIN, UNSUBSCRIBED, noted_by_link, raise_address};
use super::{Store, StoreError};
use crate::model::policy::Audience;
use crate::model::{Outcome, PartialDate, ToldBirthday, Topic, Wishes};

/// Whom a link's letter went to, and how things stand with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The customer.
    pub customer: String,
    /// The rule whose letter it was.
    pub rule: String,
    /// Their zone, as the record has it.
    pub timezone: Option<String>,
    /// What they said before.
    pub wishes: Wishes,
    /// They unsubscribed by a letter's link.
    pub stopped: bool,
    /// Something else than their own click keeps letters from them: their record, an address that
    /// doesn't exist, the business, or somebody with the same address.
    pub shut: bool,
}

/// What a customer chooses on the page of preferences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The language of letters; `None` for that of the record.
    pub language: Option<String>,
    /// Fewer letters.
    pub fewer: bool,
    /// The kinds that they could choose from; what they said of others stays.
    pub offered: BTreeSet<Topic>,
    /// Of these, what they want.
    pub wanted: BTreeSet<Topic>,
    /// Until when they want a pause (`None`: none at all); without it, as it is.
    pub pause: Option<Option<Date>>,
}

impl Choice {
    /// In place of one from just before that wasn't kept: what only that said stands.
    #[must_use]
    pub fn after(mut self, before: Self) -> Self {
        let only_then = before.wanted.difference(&self.offered).copied();
        let wanted: Vec<Topic> = only_then.collect();
        self.wanted.extend(wanted);
        self.offered.extend(before.offered);
        self.pause = self.pause.or(before.pause);
        self
    }
}

/// What a customer said, as a dossier tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Whose words.
    pub customer: String,
    /// All of it.
    pub wishes: Wishes,
    /// When they last said something.
    pub at: Timestamp,
}

/// A row as the statements read it: the columns of [`wish_columns`].
type WishRow = (
    Option<String>,
    i64,
    Option<String>,
    Option<i64>,
    Option<i64>,
    Option<String>,
);

/// What a customer said, of the row `w`.
macro_rules! wish_columns {
    () => {
        "w.language, w.fewer, w.without, w.pause_until, w.birthday, w.birthday_was"
    };
}
pub(super) use wish_columns;

/// Reads [`wish_columns`].
pub(super) fn read_wishes(row: WishRow) -> sqlx::Result<Wishes> {
    let (language, fewer, without, pause_until, birthday, was) = row;
    let without: Vec<String> = match without {
        Some(text) => serde_json::from_str(&text).map_err(|error| nonsense(error.to_string()))?,
        None => Vec::new(),
    };
    let birthday = birthday.map(|day| {
        let part = |n: i64| i8::try_from(n).unwrap_or(0);
        let day = PartialDate::new(None, part(day / 100), part(day % 100));
        day.ok_or_else(|| nonsense("a told birthday that isn't a day"))
    });
    let birthday = birthday.transpose()?;
    Ok(Wishes {
        language,
        fewer: fewer != 0,
        // A kind that a later version knew is nobody's here.
        without: without.iter().filter_map(|one| Topic::parse(one)).collect(),
        pause_until: pause_until.map(day_of).transpose()?,
        birthday: birthday.map(|day| ToldBirthday {
            day,
            record_was: was.and_then(|text| text.parse().ok()),
        }),
    })
}

impl Store {
    /// Whom this entry's letter went to; `None` where there is no such entry (any more), or it went to
    /// nobody outside.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn reached(&self, entry: &str) -> Result<Option<Reached>, StoreError> {
        let read = async {
            let mut tx = self.reader().begin().await?;
            reached(&mut tx, entry).await
        };
        read.await.map_err(|error| self.trouble(error))
    }

    /// Keeps what whoever got this entry's letter chose. `false`: it was so already, or there is no such
    /// entry.
    ///
    /// # Errors
    /// When the store fails; then nothing is kept.
    pub async fn choose(
        &self,
        entry: &str,
        choice: &Choice,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let change = |wishes: &mut Wishes, _: Option<PartialDate>| {
            wishes.language.clone_from(&choice.language);
            wishes.fewer = choice.fewer;
            wishes
                .without
                .retain(|topic| !choice.offered.contains(topic));
            let refused = choice.offered.difference(&choice.wanted);
            wishes.without.extend(refused.copied());
            if let Some(pause) = choice.pause {
                wishes.pause_until = pause;
            }
        };
        let kept = self.wish(entry, change, now).await;
        kept.map_err(|error| self.trouble(error))
    }

    /// Keeps the birthday that whoever got this entry's letter told: day and month. `false`: it was so
    /// already, or there is no such entry.
    ///
    /// # Errors
    /// When the store fails; then nothing is kept.
    pub async fn tell_birthday(
        &self,
        entry: &str,
        day: PartialDate,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let change = |wishes: &mut Wishes, record_was| {
            wishes.birthday = Some(ToldBirthday { day, record_was });
        };
        let kept = self.wish(entry, change, now).await;
        kept.map_err(|error| self.trouble(error))
    }

    /// Whoever got this entry's letter unsubscribed by a letter's link, and wants letters again.
    /// Whatever else keeps letters from them stays. `false`: they hadn't, or there is no such entry.
    ///
    /// # Errors
    /// When the store fails; then nothing is changed.
    pub async fn come_back(&self, entry: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.start_again(entry, now)
            .await
            .map_err(|error| self.trouble(error))
    }

    async fn wish(
        &self,
        entry: &str,
        change: impl FnOnce(&mut Wishes, Option<PartialDate>) + Send,
        now: Timestamp,
    ) -> sqlx::Result<bool> {
        let mut tx = self.begin().await?;
        let Some(Reached {
            customer, wishes, ..
        }) = reached(&mut tx, entry).await?
        else {
            return Ok(false);
        };
        let on_record: Option<String> =
            sqlx::query_scalar("SELECT birthday FROM customer WHERE id = $1")
                .bind(&customer)
                .fetch_one(&mut *tx)
                .await?;
        let mut wanted = wishes.clone();
        change(&mut wanted, on_record.and_then(|text| text.parse().ok()));
        if wanted == wishes {
            return Ok(false);
        }
        write(&mut tx, &customer, &wanted, now).await?;
        let seq = next_touch(&mut tx).await?;
        raise(&mut tx, &json(&[customer])?, seq).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn start_again(&self, entry: &str, now: Timestamp) -> sqlx::Result<bool> {
        let mut tx = self.begin().await?;
        let found = sqlx::query(
            "SELECT l.outcome, c.id, l.recipient, c.email FROM ledger l \
             CROSS JOIN customer c WHERE l.id = $1 AND l.audience = $2 AND c.id = l.customer \
             AND c.stopped_at IS NOT NULL",
        )
        .bind(entry)
        .bind(Audience::Customer.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = found else {
            return Ok(false);
        };
        let columns = &mut Columns::of(&row);
        let outcome = columns.parsed(Outcome::parse)?;
        let customer = columns.text()?;
        // Where the letter went, and where they are now: the same that their click had put on the
        // list.
        let addresses = [columns.maybe_text()?, columns.maybe_text()?];
        sqlx::query("UPDATE customer SET stopped_at = NULL WHERE id = $1")
            .bind(&customer)
            .execute(&mut *tx)
            .await?;
        for address in addresses.into_iter().flatten() {
            let key = address_key(&address);
            let lifted = sqlx::query("DELETE FROM suppression WHERE address = $1 AND reason = $2")
                .bind(&key)
                .bind(UNSUBSCRIBED)
                .execute(&mut *tx)
                .await?;
            if lifted.rows_affected() > 0 {
                raise_address(&mut tx, &key).await?;
            }
        }
        let seq = next_touch(&mut tx).await?;
        raise(&mut tx, &json(&[customer])?, seq).await?;
        noted_by_link(&mut tx, (entry, outcome), BY_LINK_AGAIN, now).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// What this customer said, if anything.
pub(super) async fn said(tx: &mut Connection, customer: &str) -> sqlx::Result<Option<Said>> {
    let found = sqlx::query(concat!(
        "SELECT ",
        wish_columns!(),
        ", w.changed_at FROM preference w WHERE w.customer_id = $1"
    ))
    .bind(customer)
    .fetch_optional(tx)
    .await?;
    let Some(row) = found else { return Ok(None) };
    let columns = &mut Columns::of(&row);
    Ok(Some(Said {
        customer: customer.to_owned(),
        wishes: read_wishes(wish_row(columns)?)?,
        at: columns.moment()?,
    }))
}

fn wish_row(columns: &mut Columns<'_>) -> sqlx::Result<WishRow> {
    Ok((
        columns.maybe_text()?,
        columns.maybe_number()?.unwrap_or(0),
        columns.maybe_text()?,
        columns.maybe_number()?,
        columns.maybe_number()?,
        columns.maybe_text()?,
    ))
}

async fn reached(tx: &mut Connection, entry: &str) -> sqlx::Result<Option<Reached>> {
    let found = sqlx::query(concat!(
        "SELECT c.id, l.rule, c.timezone, c.stopped_at IS NOT NULL, \
             c.unsubscribed, s.reason, ",
        wish_columns!(),
        " FROM ledger l CROSS JOIN customer c \
          LEFT JOIN preference w ON w.customer_id = c.id \
          LEFT JOIN suppression s ON s.address = c.email_key \
          WHERE l.id = $1 AND l.audience = $2 AND c.id = l.customer"
    ))
    .bind(entry)
    .bind(Audience::Customer.as_str())
    .fetch_optional(tx)
    .await?;
    let Some(row) = found else { return Ok(None) };
    let columns = &mut Columns::of(&row);
    let (customer, rule, timezone) = (columns.text()?, columns.text()?, columns.maybe_text()?);
    let (stopped, by_record) = (columns.flag()?, columns.flag()?);
    let by_address = columns.maybe_text()?;
    // What their own click put on the list goes with it.
    let shut = by_record || by_address.is_some_and(|why| why != UNSUBSCRIBED || !stopped);
    Ok(Some(Reached {
        customer,
        rule,
        timezone,
        wishes: read_wishes(wish_row(columns)?)?,
        stopped,
        shut,
    }))
}

async fn write(
    tx: &mut Connection,
    customer: &str,
    wishes: &Wishes,
    now: Timestamp,
) -> sqlx::Result<()> {
    let without: Vec<&str> = wishes.without.iter().map(|topic| topic.as_str()).collect();
    let without = (!without.is_empty()).then(|| json(&without)).transpose()?;
    let told = wishes.birthday;
    let was = told.and_then(|told| told.record_was);
    sqlx::query(
        "INSERT INTO preference (customer_id, language, fewer, without, pause_until, birthday, \
             birthday_was, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (customer_id) DO UPDATE SET language = excluded.language, \
             fewer = excluded.fewer, without = excluded.without, \
             pause_until = excluded.pause_until, birthday = excluded.birthday, \
             birthday_was = excluded.birthday_was, changed_at = excluded.changed_at",
    )
    .bind(customer)
    .bind(wishes.language.as_deref())
    .bind(i64::from(wishes.fewer))
    .bind(without)
    .bind(wishes.pause_until.map(day_number))
    .bind(told.map(|told| month_day(told.day.month(), told.day.day())))
    .bind(was.map(|day| day.to_string()))
    .bind(now.as_millisecond())
    .execute(tx)
    .await?;
    Ok(())
}
