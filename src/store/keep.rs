//! Keeping: what has been kept long enough is taken out, step by step, each step a transaction.
//!
//! Of events, how many there were of a kind stays, and until which day; of ledger entries, all but
//! the text. What is taken out is overwritten in the file. May not decide how long anything is kept.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::columns::{Columns, day_number, json};
use super::dialect::{self, Connection, Transaction, rows, texts};
use super::ledger::{entry_columns, entry_of};
use super::marks::forgotten_id;
use super::people::{next_touch, raise};
use super::{Entry, Store, StoreError};

/// What becomes of nothing any more.
macro_rules! is_over {
    () => {
        "outcome IN ('sent', 'skipped', 'rejected', 'expired', 'unknown')"
    };
}

/// How far one kind of keeping has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The civil day on which it last came to its end.
    pub done_on: Option<String>,
    /// Where it goes on: after this customer.
    pub customer: Option<String>,
    /// Where it goes on: after the entry that is due then (in milliseconds) and has this number.
    pub entry: Option<(i64, i64)>,
    /// Everything due before this moment was looked at, some time ago.
    pub before: Option<i64>,
}

/// Some entries, in the order in which they were due, and where to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stretch {
    /// The entries.
    pub entries: Vec<Entry>,
    /// After the last of them; nothing where there are no more.
    pub next: Option<(i64, i64)>,
}

impl Store {
    /// How far this kind of keeping has come.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keeping(&self, what: &str) -> Result<Progress, StoreError> {
        let read = async {
            let text: Option<String> = sqlx::query_scalar("SELECT value FROM meta WHERE key = $1")
                .bind(format!("keeping_{what}"))
                .fetch_optional(self.reader())
                .await?;
            // What can't be read begins anew, which does no harm.
            let progress = text.and_then(|text| serde_json::from_str(&text).ok());
            Ok(progress.unwrap_or_default())
        };
        read.await.map_err(|error| self.trouble(error))
    }

    /// Notes it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep_at(&self, what: &str, progress: &Progress) -> Result<(), StoreError> {
        let write = async {
            // Whoever was forgotten in the meantime leaves no trace here either.
            let mark = progress.customer.as_deref();
            let mark = mark.map(|customer| forgotten_id(self.hash_key(), customer));
            sqlx::query(
                "INSERT INTO meta (key, value) SELECT $1, $2 \
                 WHERE NOT EXISTS (SELECT 1 FROM forgotten WHERE mark = $3) \
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )
            .bind(format!("keeping_{what}"))
            .bind(json(progress)?)
            .bind(mark)
            .execute(&self.inner.writer)
            .await
        };
        write.await.map(drop).map_err(|error| self.trouble(error))
    }

    /// Customers after this one to whom nothing has happened since before that day, in the order of
    /// ids; those for whom something waits aren't among them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn silent_before(
        &self,
        day: Date,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        sqlx::query_scalar(concat!(
            "SELECT customer_id FROM event WHERE customer_id > $1 GROUP BY customer_id \
             HAVING MAX(day) < $2 AND NOT EXISTS (SELECT 1 FROM ledger l \
                 WHERE l.customer = customer_id AND NOT (l.",
            is_over!(),
            ")) ORDER BY customer_id LIMIT $3"
        ))
        .bind(after.unwrap_or_default())
        .bind(day_number(day))
        .bind(i64::from(limit))
        .fetch_all(self.reader())
        .await
        .map_err(|error| self.trouble(error))
    }

    /// Takes out every event of those of these customers to whom still nothing has happened since
    /// before that day, and for whom nothing waits. Returns how many customers and events that were.
    ///
    /// # Errors
    /// When the store fails; then all of them are still there.
    pub async fn let_events_go(
        &self,
        customers: &[String],
        day: Date,
    ) -> Result<(u64, u64), StoreError> {
        let write = async {
            let mut tx = self.begin().await?;
            let still: Vec<String> = sqlx::query_scalar(concat!(
                "SELECT customer_id FROM event WHERE customer_id IN ",
                texts!("$1"),
                " GROUP BY customer_id HAVING MAX(day) < $2 AND NOT EXISTS (SELECT 1 FROM ledger l \
                     WHERE l.customer = customer_id AND NOT (l.",
                is_over!(),
                "))"
            ))
            .bind(json(customers)?)
            .bind(day_number(day))
            .fetch_all(&mut *tx)
            .await?;
            let list = json(&still)?;
            sqlx::query(concat!(
                "INSERT INTO past_events (customer_id, kind, number, amounts, quantities, last_day) \
                 SELECT customer_id, kind, COUNT(*), COUNT(amount), COUNT(quantity), MAX(day) \
                 FROM event WHERE customer_id IN ",
                texts!("$1"),
                " GROUP BY customer_id, kind ON CONFLICT (customer_id, kind) DO UPDATE SET \
                 number = past_events.number + excluded.number, \
                 amounts = past_events.amounts + excluded.amounts, \
                 quantities = past_events.quantities + excluded.quantities, \
                 last_day = excluded.last_day"
            ))
            .bind(&list)
            .execute(&mut *tx)
            .await?;
            dialect::overwrite(&mut tx, true).await?;
            let gone = sqlx::query(concat!(
                "DELETE FROM event WHERE customer_id IN ",
                texts!("$1")
            ))
            .bind(&list)
            .execute(&mut *tx)
            .await?
            .rows_affected();
            let seq = next_touch(&mut tx).await?;
            raise(&mut tx, &list, seq).await?;
            done(tx).await?;
            Ok((still.len() as u64, gone))
        };
        write.await.map_err(|error| self.trouble(error))
    }

    /// Entries that were due before this moment, from where one was.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn due_before(
        &self,
        before: Timestamp,
        (due_at, number): (i64, i64),
        limit: u32,
    ) -> Result<Stretch, StoreError> {
        let read = async {
            let mut stretch = Stretch::default();
            let found = sqlx::query(concat!(
                "SELECT number, ",
                entry_columns!(),
                " FROM ledger WHERE due_at >= $1 AND due_at < $3 AND (due_at, number) > ($1, $2) \
                  ORDER BY due_at, number LIMIT $4"
            ))
            .bind(due_at)
            .bind(number)
            .bind(before.as_millisecond())
            .bind(i64::from(limit))
            .fetch_all(self.reader())
            .await?;
            let full = found.len() == usize::try_from(limit).unwrap_or(usize::MAX);
            for row in found {
                let columns = &mut Columns::of(&row);
                let number = columns.number()?;
                let entry = entry_of(columns)?;
                stretch.next = Some((entry.occasion.due_at.as_millisecond(), number));
                stretch.entries.push(entry);
            }
            stretch.next = stretch.next.filter(|_| full);
            Ok(stretch)
        };
        read.await.map_err(|error: sqlx::Error| self.trouble(error))
    }

    /// Takes the text out of those of these entries that are over: address, subject, letter and
    /// replies. Returns of how many.
    ///
    /// # Errors
    /// When the store fails; then all of it is still there.
    pub async fn let_texts_go(&self, ids: &[String], now: Timestamp) -> Result<u64, StoreError> {
        let write = async {
            let mut tx = self.begin().await?;
            dialect::overwrite(&mut tx, true).await?;
            let numbers: Vec<i64> = sqlx::query_scalar(concat!(
                "UPDATE ledger SET recipient = NULL, subject = NULL, reply = NULL, \
                     text_removed_at = $2 \
                 WHERE text_removed_at IS NULL AND ",
                is_over!(),
                " AND id IN ",
                texts!("$1"),
                " AND (recipient IS NOT NULL OR subject IS NOT NULL OR reply IS NOT NULL \
                      OR EXISTS (SELECT 1 FROM letter WHERE entry = number) \
                      OR EXISTS (SELECT 1 FROM history h \
                                 WHERE h.entry = number AND h.reply IS NOT NULL)) RETURNING number"
            ))
            .bind(json(ids)?)
            .bind(now.as_millisecond())
            .fetch_all(&mut *tx)
            .await?;
            let list: Vec<(i64,)> = numbers.iter().map(|number| (*number,)).collect();
            let list = json(&list)?;
            for text in TEXTS {
                sqlx::query(text).bind(&list).execute(&mut *tx).await?;
            }
            done(tx).await?;
            Ok(numbers.len() as u64)
        };
        write.await.map_err(|error| self.trouble(error))
    }
}

/// Where else an entry's text stands.
const TEXTS: [&str; 2] = [
    concat!(
        "DELETE FROM letter WHERE entry IN (SELECT CAST(value->>0 AS BIGINT) FROM ",
        rows!("$1"),
        ")"
    ),
    concat!(
        "UPDATE history SET reply = NULL WHERE entry IN (SELECT CAST(value->>0 AS BIGINT) FROM ",
        rows!("$1"),
        ")"
    ),
];

/// Nothing else need be overwritten.
async fn done(mut tx: Transaction) -> sqlx::Result<()> {
    dialect::overwrite(&mut tx, false).await?;
    tx.commit().await
}

/// Events that were taken out don't come back with the next file; how many came.
pub(super) async fn past_stays_past(tx: &mut Connection, customers: &str) -> sqlx::Result<u64> {
    let done = sqlx::query(concat!(
        "DELETE FROM event WHERE (source, id) IN (SELECT e.source, e.id \
             FROM past_events p CROSS JOIN event e WHERE p.customer_id IN ",
        texts!("$1"),
        " AND e.customer_id = p.customer_id AND e.day <= p.last_day AND e.kind = p.kind)"
    ))
    .bind(customers)
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}
