//! Entries that wait for later, or for a person.
//!
//! May not decide what becomes of them.

use jiff::Timestamp;

use super::columns::{day_number, json};
use super::dialect::texts;
use super::history::note;
use super::ledger::{Entry, entry_columns, read_entry};
use super::{Store, StoreError};
use crate::model::{Occasion, Outcome, Reason};

/// An entry whose occasion the records have moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The entry's id.
    pub id: String,
    /// The version of the rule that gives it.
    pub rule_version: String,
    /// The occasion as it is now, of the same key.
    pub occasion: Occasion,
}

impl Store {
    /// What is held or deferred of this rule, or due by now and not yet looked at, for these
    /// customers; in the order of customers.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn waiting_of(
        &self,
        rule: &str,
        customers: &[String],
        now: Timestamp,
    ) -> Result<Vec<Entry>, StoreError> {
        let read = async {
            sqlx::query(concat!(
                "SELECT ",
                entry_columns!(),
                " FROM ledger WHERE outcome IN ('planned', 'deferred', 'held') AND rule = $1 \
                   AND (outcome <> 'planned' OR due_at <= $3) AND customer IN ",
                texts!("$2"),
                " ORDER BY customer, id"
            ))
            .bind(rule)
            .bind(json(customers)?)
            .bind(now.as_millisecond())
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(read_entry)
            .collect()
        };
        let found: sqlx::Result<Vec<Entry>> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// Those of these that still wait are looked at from now on.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn look_now(&self, entries: &[String], now: Timestamp) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        let write = async {
            sqlx::query(concat!(
                "UPDATE ledger SET next_attempt_at = $2 WHERE outcome IN ('deferred', 'held') \
                   AND next_attempt_at > $2 AND id IN ",
                texts!("$1")
            ))
            .bind(json(entries)?)
            .bind(now.as_millisecond())
            .execute(&self.inner.writer)
            .await
        };
        write.await.map(drop).map_err(|error| self.trouble(error))
    }

    /// Those of these that still wait, and can't have arrived, are planned again for the moment at
    /// which they are due now.
    ///
    /// # Errors
    /// When the store fails; then nothing was changed.
    pub async fn put_back(&self, moved: &[Moved], now: Timestamp) -> Result<(), StoreError> {
        if moved.is_empty() {
            return Ok(());
        }
        let (outcome, reason) = (Outcome::Planned, Some(Reason::RecordChanged));
        let write = async {
            let mut tx = self.begin().await?;
            let mut steps = Vec::new();
            for one in moved {
                let occasion = &one.occasion;
                let done = sqlx::query(
                    "UPDATE ledger SET outcome = $2, reason = $3, decided_at = $4, \
                         next_attempt_at = $5, due_at = $5, due_day = $6, zone = $7, anchor = $8, \
                         rule_version = $9 \
                     WHERE id = $1 AND outcome IN ('planned', 'deferred', 'held') \
                       AND only_via IS NULL",
                )
                .bind(&one.id)
                .bind(outcome.as_str())
                .bind(reason.map(Reason::as_str))
                .bind(now.as_millisecond())
                .bind(occasion.due_at.as_millisecond())
                .bind(day_number(occasion.day))
                .bind(&occasion.zone)
                .bind(occasion.anchor.to_string())
                .bind(&one.rule_version)
                .execute(&mut *tx)
                .await?;
                if done.rows_affected() > 0 {
                    steps.push((one.id.as_str(), now, outcome, reason, None));
                }
            }
            note(&mut tx, steps.into_iter()).await?;
            tx.commit().await
        };
        write.await.map_err(|error| self.trouble(error))
    }
}
