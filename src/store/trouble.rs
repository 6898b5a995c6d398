//! Troubles that outlast a pass: what the owner is told of once, and again when it is over.
//!
//! May not tell anybody.

use jiff::Timestamp;

use super::columns::Columns;
use super::{Store, StoreError};

/// Something that needs a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What sort of trouble: `edit`, …
    pub kind: String,
    /// What it is about; with the kind it names the trouble.
    pub subject: String,
    /// What a person should know.
    pub words: String,
    /// Since when.
    pub since: Timestamp,
    /// When the owner was told.
    pub told_at: Option<Timestamp>,
}

impl Store {
    /// Notes a trouble; one that is known keeps its beginning. Other words than before are news,
    /// of which the owner isn't told yet. `true`: it is new, or news.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn trouble_begins(
        &self,
        (kind, subject): (&str, &str),
        words: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "INSERT INTO trouble (kind, subject, words, since) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (kind, subject) DO UPDATE SET words = excluded.words, told_at = NULL \
             WHERE trouble.words <> excluded.words",
        )
        .bind(kind)
        .bind(subject)
        .bind(words)
        .bind(now.as_millisecond())
        .execute(&self.inner.writer)
        .await;
        let done = done.map_err(|error| self.trouble(error))?;
        Ok(done.rows_affected() > 0)
    }

    /// Notes that the owner was told.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn trouble_told(
        &self,
        (kind, subject): (&str, &str),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let done = sqlx::query("UPDATE trouble SET told_at = $3 WHERE kind = $1 AND subject = $2")
            .bind(kind)
            .bind(subject)
            .bind(now.as_millisecond())
            .execute(&self.inner.writer)
            .await;
        done.map(drop).map_err(|error| self.trouble(error))
    }

    /// Takes a trouble out, which is over.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn trouble_ends(&self, (kind, subject): (&str, &str)) -> Result<(), StoreError> {
        let done = sqlx::query("DELETE FROM trouble WHERE kind = $1 AND subject = $2")
            .bind(kind)
            .bind(subject)
            .execute(&self.inner.writer)
            .await;
        done.map(drop).map_err(|error| self.trouble(error))
    }

    /// Every trouble that isn't over, the oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn troubles(&self) -> Result<Vec<Trouble>, StoreError> {
        let read = async {
            sqlx::query(
                "SELECT kind, subject, words, since, told_at FROM trouble \
                 ORDER BY since, kind, subject",
            )
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(|row| {
                let columns = &mut Columns::of(row);
                Ok(Trouble {
                    kind: columns.text()?,
                    subject: columns.text()?,
                    words: columns.text()?,
                    since: columns.moment()?,
                    told_at: columns.maybe_moment()?,
                })
            })
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }
}
