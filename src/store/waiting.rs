//! Entries that wait for later, or for a person.
//!
//! May not decide what becomes of them.

use jiff::Timestamp;

use super::columns::json;
use super::dialect::texts;
use super::ledger::{Entry, entry_columns, read_entry};
use super::{Store, StoreError};

impl Store {
    /// What is held or deferred of this rule, for these customers; in the order of customers.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn waiting_of(
        &self,
        rule: &str,
        customers: &[String],
    ) -> Result<Vec<Entry>, StoreError> {
        let read = async {
            sqlx::query(concat!(
                "SELECT ",
                entry_columns!(),
                " FROM ledger WHERE outcome IN ('deferred', 'held') AND rule = $1 \
                   AND customer IN ",
                texts!("$2"),
                " ORDER BY customer, id"
            ))
            .bind(rule)
            .bind(json(customers)?)
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
}
