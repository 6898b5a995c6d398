//! Batches: a rule's letters of one due day. How many there are, what of them is held, and how
//! many letters a rule has sent.
//!
//! May not decide how many are too many.

use jiff::Timestamp;
use jiff::civil::Date;

use super::claims::lower_priority;
use super::columns::{Columns, day_number};
use super::ledger::{entry_columns, read_entry};
use super::{Entry, Store, StoreError};
use crate::model::Reason;

/// A rule's letters of one due day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The rule.
    pub rule: String,
    /// The due day.
    pub day: Date,
    /// Its entries, whatever became of them.
    pub entries: u64,
}

/// What of a batch is held for one reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeldBatch {
    /// The rule.
    pub rule: String,
    /// The due day.
    pub day: Date,
    /// Why.
    pub reason: Option<Reason>,
    /// Entries that are held for it.
    pub entries: u64,
}

/// The batches that something is due of, at one priority.
pub(super) const DUE_BATCHES: &str = "SELECT rule, due_day, \
     (SELECT COUNT(*) FROM ledger b WHERE b.rule = due.rule AND b.due_day = due.due_day) \
     FROM (SELECT DISTINCT rule, due_day FROM ledger \
         WHERE outcome IN ('planned', 'deferred', 'held') AND priority = $1 \
           AND next_attempt_at <= $2) AS due";

pub(super) const HELD_BATCHES: &str = "SELECT rule, due_day, reason, COUNT(*) FROM ledger \
     WHERE outcome = 'held' AND outcome IN ('sending', 'held', 'unknown') \
     GROUP BY rule, due_day, reason";

/// Stops counting as soon as there are enough.
pub(super) const CUSTOMERS: &str = "SELECT COUNT(*) FROM \
     (SELECT 1 FROM customer WHERE email_key IS NOT NULL LIMIT $1) AS some";

pub(super) const BATCH: &str = concat!(
    "SELECT ",
    entry_columns!(),
    " FROM ledger WHERE rule = $1 AND due_day = $2 \
      AND outcome NOT IN ('skipped', 'rejected', 'expired')"
);

/// What waits counts once a person has approved its day.
pub(super) const GONE: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM ledger WHERE rule = $1 \
     AND (outcome IN ('sent', 'sending', 'unknown') OR (outcome IN ('planned', 'deferred') \
         AND due_day IN (SELECT day FROM approval WHERE rule = $1 AND approved = 1))) \
     LIMIT $2) AS some";

pub(super) const SENT_BETWEEN: &str = "SELECT COUNT(*) FROM ledger \
     WHERE rule = $1 AND due_day >= $2 AND due_day <= $3 \
       AND ((outcome = 'sent' AND sent_at >= $4 AND sent_at < $5) \
         OR (outcome IN ('sending', 'unknown') AND decided_at >= $4 AND decided_at < $5))";

impl Store {
    /// The batches of which something is to be looked at by `now`, claimed or not.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn due_batches(&self, now: Timestamp) -> Result<Vec<Batch>, StoreError> {
        let read = async {
            let mut tx = self.reader().begin().await?;
            let mut batches = Vec::new();
            let mut below = i64::from(u8::MAX);
            while let Some(priority) = lower_priority(&mut tx, below).await? {
                below = priority;
                for row in sqlx::query(DUE_BATCHES)
                    .bind(priority)
                    .bind(now.as_millisecond())
                    .fetch_all(&mut *tx)
                    .await?
                {
                    let columns = &mut Columns::of(&row);
                    batches.push(Batch {
                        rule: columns.text()?,
                        day: columns.day()?,
                        entries: columns.small()?,
                    });
                }
            }
            Ok(batches)
        };
        read.await.map_err(|error: sqlx::Error| self.trouble(error))
    }

    /// Everything that waits for a person, by rule and due day.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn held_batches(&self) -> Result<Vec<HeldBatch>, StoreError> {
        let read = async {
            sqlx::query(HELD_BATCHES)
                .fetch_all(self.reader())
                .await?
                .iter()
                .map(|row| {
                    let columns = &mut Columns::of(row);
                    Ok(HeldBatch {
                        rule: columns.text()?,
                        day: columns.day()?,
                        reason: columns.maybe_parsed(Reason::parse)?,
                        entries: columns.small()?,
                    })
                })
                .collect()
        };
        let found: sqlx::Result<Vec<_>> = read.await;
        let mut found = found.map_err(|error| self.trouble(error))?;
        found.sort();
        Ok(found)
    }

    /// A batch's entries that weren't decided against, in the order of ids.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn batch(&self, rule: &str, day: Date) -> Result<Vec<Entry>, StoreError> {
        let read = async {
            sqlx::query(BATCH)
                .bind(rule)
                .bind(day_number(day))
                .fetch_all(self.reader())
                .await?
                .iter()
                .map(read_entry)
                .collect()
        };
        let found: sqlx::Result<Vec<Entry>> = read.await;
        let mut found = found.map_err(|error| self.trouble(error))?;
        found.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(found)
    }

    /// Whether at least so many customers have an address. Looks at no more of them than that.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn has_customers(&self, at_least: u64) -> Result<bool, StoreError> {
        let at_least = i64::try_from(at_least).unwrap_or(i64::MAX);
        let count: sqlx::Result<i64> = sqlx::query_scalar(CUSTOMERS)
            .bind(at_least)
            .fetch_one(self.reader())
            .await;
        Ok(count.map_err(|error| self.trouble(error))? >= at_least)
    }

    /// How many letters of this rule were sent (or may have been), or wait on a day that a person
    /// has approved; counted up to `at_most`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn gone_of(&self, rule: &str, at_most: u32) -> Result<u32, StoreError> {
        let count: sqlx::Result<i64> = sqlx::query_scalar(GONE)
            .bind(rule)
            .bind(i64::from(at_most))
            .fetch_one(self.reader())
            .await;
        let count = count.map_err(|error| self.trouble(error))?;
        Ok(u32::try_from(count).unwrap_or(at_most))
    }

    /// How many letters of this rule went out (or may have) from one moment to before another.
    /// They were due on one of these days, both included.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sent_between(
        &self,
        rule: &str,
        due: (Date, Date),
        (from, until): (Timestamp, Timestamp),
    ) -> Result<u32, StoreError> {
        let count: sqlx::Result<i64> = sqlx::query_scalar(SENT_BETWEEN)
            .bind(rule)
            .bind(day_number(due.0))
            .bind(day_number(due.1))
            .bind(from.as_millisecond())
            .bind(until.as_millisecond())
            .fetch_one(self.reader())
            .await;
        let count = count.map_err(|error| self.trouble(error))?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }
}
