//! What may be the first sign of a trouble: letters that were refused lately, and records that
//! couldn't be used.
//!
//! May not judge how many are too many.

use jiff::Timestamp;

use super::columns::Columns;
use super::{Store, StoreError};

/// Histories are written in order, but for a clock that was set back: so many milliseconds more
/// are looked through.
pub(super) const SLACK: i64 = 86_400_000;

/// The last line of the histories before this moment, from their end: what comes after it is all
/// that can be later.
macro_rules! line_before {
    ($moment:literal) => {
        concat!(
            "COALESCE((SELECT h.seq FROM history h WHERE h.at < ",
            $moment,
            " ORDER BY h.seq DESC LIMIT 1), 0)"
        )
    };
}
pub(super) use line_before;

/// What mail servers said to letters since a moment.
pub(super) const ANSWERED: &str = concat!(
    "SELECT COALESCE(SUM(CASE WHEN outcome = 'sent' THEN 1 ELSE 0 END), 0), \
            COALESCE(SUM(CASE WHEN outcome = 'rejected' THEN 1 ELSE 0 END), 0) \
     FROM history WHERE seq > ",
    line_before!("$2"),
    " AND at >= $1"
);

/// What a source gave the last time that it gave something new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastTaken {
    /// The source's name.
    pub source: String,
    /// When.
    pub at: Timestamp,
    /// Records in it.
    pub records: u64,
    /// Those of them that couldn't be used.
    pub refused: u64,
}

impl Store {
    /// How many letters were taken since this moment, and how many were refused for good.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn answered_since(&self, since: Timestamp) -> Result<(u64, u64), StoreError> {
        let since = since.as_millisecond();
        let read = async {
            let row = sqlx::query(ANSWERED)
                .bind(since)
                .bind(since.saturating_sub(SLACK))
                .fetch_one(self.reader())
                .await?;
            let columns = &mut Columns::of(&row);
            Ok((columns.small()?, columns.small()?))
        };
        read.await.map_err(|error: sqlx::Error| self.trouble(error))
    }

    /// What was taken in last of each source, by name; of a folder, all files of that moment.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn last_taken(&self) -> Result<Vec<LastTaken>, StoreError> {
        let read = async {
            sqlx::query(
                "SELECT f.source, f.applied_at, SUM(f.row_count), SUM(f.refused) \
                 FROM (SELECT source, MAX(applied_at) AS latest FROM source_file \
                       GROUP BY source) AS l \
                 JOIN source_file f ON f.source = l.source AND f.applied_at = l.latest \
                 GROUP BY f.source, f.applied_at ORDER BY f.source",
            )
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(|row| {
                let columns = &mut Columns::of(row);
                Ok(LastTaken {
                    source: columns.text()?,
                    at: columns.moment()?,
                    records: columns.small()?,
                    refused: columns.small()?,
                })
            })
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }
}
