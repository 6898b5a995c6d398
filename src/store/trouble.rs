//! Troubles that outlast a pass: what the owner is told of once, and again when it is over; and
//! signs of such that may still pass by themselves.
//!
//! May not tell anybody, nor decide when a sign has become a trouble.

use jiff::Timestamp;

use super::columns::Columns;
use super::dialect::Row;
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

/// A trouble, or what may become one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    /// What it is.
    pub trouble: Trouble,
    /// How often in a row it was seen.
    pub times: u32,
    /// It has lasted, and people are told.
    pub ripe: bool,
    /// Since when it seems to be over.
    pub well_since: Option<Timestamp>,
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
             ON CONFLICT (kind, subject) DO UPDATE SET words = excluded.words, told_at = NULL, \
                 ripe = 1, well_since = NULL \
             WHERE trouble.words <> excluded.words OR trouble.ripe = 0",
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

    /// Keeps a sign as it is, new or known.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep_sign(&self, sign: &Sign) -> Result<(), StoreError> {
        let trouble = &sign.trouble;
        let done = sqlx::query(
            "INSERT INTO trouble (kind, subject, words, since, told_at, times, ripe, well_since) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (kind, subject) DO UPDATE SET \
             words = excluded.words, since = excluded.since, told_at = excluded.told_at, \
             times = excluded.times, ripe = excluded.ripe, well_since = excluded.well_since",
        )
        .bind(&trouble.kind)
        .bind(&trouble.subject)
        .bind(&trouble.words)
        .bind(trouble.since.as_millisecond())
        .bind(trouble.told_at.map(Timestamp::as_millisecond))
        .bind(i64::from(sign.times))
        .bind(i64::from(sign.ripe))
        .bind(sign.well_since.map(Timestamp::as_millisecond))
        .execute(&self.inner.writer)
        .await;
        done.map(drop).map_err(|error| self.trouble(error))
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

    /// Every trouble that isn't over, the oldest first; signs that may still pass are none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn troubles(&self) -> Result<Vec<Trouble>, StoreError> {
        let signs = self.signs().await?.into_iter();
        Ok(signs
            .filter(|sign| sign.ripe)
            .map(|sign| sign.trouble)
            .collect())
    }

    /// Every trouble and every sign of one, the oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn signs(&self) -> Result<Vec<Sign>, StoreError> {
        let read = async {
            sqlx::query(
                "SELECT kind, subject, words, since, told_at, times, ripe, well_since \
                 FROM trouble ORDER BY since, kind, subject",
            )
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(sign)
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }
}

fn sign(row: &Row) -> sqlx::Result<Sign> {
    let columns = &mut Columns::of(row);
    Ok(Sign {
        trouble: Trouble {
            kind: columns.text()?,
            subject: columns.text()?,
            words: columns.text()?,
            since: columns.moment()?,
            told_at: columns.maybe_moment()?,
        },
        times: columns.small()?,
        ripe: columns.flag()?,
        well_since: columns.maybe_moment()?,
    })
}
