//! Short answers for whoever looks in: how days went, who somebody is, what was taken in, what can't
//! be used.
//!
//! May not change anything.

use jiff::Timestamp;
use jiff::civil::Date;

use super::columns::{Columns, day_number, json};
use super::dialect::{Connection, Row, texts};
use super::{Store, StoreError};
use crate::model::{Outcome, Refusal};

/// How many entries of one day have one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayCount {
    /// The civil day on which they were due.
    pub day: Date,
    /// What became of them.
    pub outcome: Outcome,
    /// How many.
    pub entries: u64,
}

/// A customer as a search finds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Their id.
    pub id: String,
    /// First and last name, as far as they are known.
    pub name: String,
    /// Their address.
    pub email: Option<String>,
}

/// What was taken in of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceMark {
    /// Its name.
    pub source: String,
    /// Files of it that are in.
    pub files: u64,
    /// When one of them was taken in that was new or had changed.
    pub applied_at: Timestamp,
    /// Records in them.
    pub records: u64,
    /// Records that couldn't be used.
    pub refused: u64,
}

/// A record in quarantine, with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad {
    /// Its number, by which pages go on.
    pub number: i64,
    /// Its source.
    pub source: String,
    /// What was wrong, and where.
    pub refusal: Refusal,
    /// When it was last read.
    pub seen_at: Timestamp,
}

/// Why records are in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The column.
    pub column: String,
    /// What is wrong with it.
    pub reason: String,
    /// How many records.
    pub records: u64,
}

/// How many letters are open or failed lately, however long ago they were due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Planned, deferred or on its way; at most [`MOST_COUNTED`].
    pub waiting: u64,
    /// Refused or given up in the time that was asked for.
    pub failed: u64,
}

/// Letters that are counted; whoever has more waiting needs no other number.
pub const MOST_COUNTED: u64 = 100_000;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// What is to be looked at again, what is held among it, and what is on its way: no more than so many.
pub(super) const QUEUED: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM ledger \
    WHERE outcome IN ('planned', 'deferred', 'held') LIMIT $1) AS some";
pub(super) const HELD: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM ledger \
    WHERE outcome = 'held' AND outcome IN ('sending', 'held', 'unknown') LIMIT $1) AS some";
pub(super) const ON_THEIR_WAY: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM ledger \
    WHERE outcome = 'sending' AND outcome IN ('sending', 'held', 'unknown') LIMIT $1) AS some";
/// What failed for good from a moment on and before another.
pub(super) const FAILED_BETWEEN: &str = "SELECT COUNT(*) FROM ledger \
    WHERE outcome IN ('rejected', 'expired') AND decided_at >= $1 AND decided_at < $2";

/// One of these counts, up to this number.
pub(super) async fn at_most(
    tx: &mut Connection,
    text: &'static str,
    most: i64,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(text).bind(most).fetch_one(tx).await
}

impl Store {
    /// What became of the entries due from one civil day to another, each in its own zone, by day and
    /// outcome. Looks at each of them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn counts_of_days(
        &self,
        first: Date,
        last: Date,
    ) -> Result<Vec<DayCount>, StoreError> {
        let read = async {
            sqlx::query(
                "SELECT due_day, outcome, COUNT(*) FROM ledger WHERE due_at >= $1 AND due_at < $2 \
                   AND due_day BETWEEN $3 AND $4 \
                 GROUP BY due_day, outcome ORDER BY due_day, outcome",
            )
            // Somewhere a day begins 14 hours before it does in UTC, and elsewhere ends 12 hours after.
            .bind((day_number(first) - 1) * DAY_MS)
            .bind((day_number(last) + 2) * DAY_MS)
            .bind(day_number(first))
            .bind(day_number(last))
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(day_count)
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// How many wait, whenever they were due, and how many failed from a moment on and before another.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn standing(
        &self,
        (from, until): (Timestamp, Timestamp),
    ) -> Result<Standing, StoreError> {
        let read = async {
            let mut tx = self.reader().begin().await?;
            let held = at_most(&mut tx, HELD, i64::MAX).await?;
            let most = i64::try_from(MOST_COUNTED).unwrap_or(i64::MAX);
            let queued = at_most(&mut tx, QUEUED, most.saturating_add(held)).await?;
            let on_their_way = at_most(&mut tx, ON_THEIR_WAY, most).await?;
            let failed: i64 = sqlx::query_scalar(FAILED_BETWEEN)
                .bind(from.as_millisecond())
                .bind(until.as_millisecond())
                .fetch_one(&mut *tx)
                .await?;
            let waiting = queued.saturating_sub(held).saturating_add(on_their_way);
            Ok(Standing {
                waiting: u64::try_from(waiting).unwrap_or(0).min(MOST_COUNTED),
                failed: u64::try_from(failed).unwrap_or(0),
            })
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// What became of a rule's entries on the last day by this one on which any was due.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn last_day_of(&self, rule: &str, by: Date) -> Result<Vec<DayCount>, StoreError> {
        let read = async {
            sqlx::query(
                "SELECT due_day, outcome, COUNT(*) FROM ledger WHERE rule = $1 AND due_day = \
                 (SELECT MAX(due_day) FROM ledger WHERE rule = $1 AND due_day <= $2) \
                 GROUP BY due_day, outcome ORDER BY outcome",
            )
            .bind(rule)
            .bind(day_number(by))
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(day_count)
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// Customers with this id or address, or, where nobody has it, with these words in their name; at most
    /// so many.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_customers(&self, words: &str, limit: u16) -> Result<Vec<Named>, StoreError> {
        let escaped = words.replace('\\', "\\\\");
        let escaped = escaped.replace('%', "\\%").replace('_', "\\_");
        let read = async {
            // By index; only a name has to be looked for among all.
            let mut found = sqlx::query(
                "SELECT id, first_name, last_name, email FROM customer \
                 WHERE id = $1 OR email_key = $2 \
                 ORDER BY CASE WHEN id = $1 THEN 0 ELSE 1 END, id LIMIT $3",
            )
            .bind(words)
            .bind(super::columns::address_key(words))
            .bind(i64::from(limit))
            .fetch_all(self.reader())
            .await?;
            if found.is_empty() {
                found = sqlx::query(
                    "SELECT id, first_name, last_name, email FROM customer WHERE \
                     COALESCE(first_name, '') || ' ' || COALESCE(last_name, '') LIKE $1 ESCAPE '\\' \
                     ORDER BY number LIMIT $2",
                )
                .bind(format!("%{escaped}%"))
                .bind(i64::from(limit))
                .fetch_all(self.reader())
                .await?;
            }
            found.iter().map(named).collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// The names of these customers, as far as they are known.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn named(&self, ids: &[&str]) -> Result<Vec<Named>, StoreError> {
        let read = async {
            sqlx::query(concat!(
                "SELECT id, first_name, last_name, email FROM customer WHERE id IN ",
                texts!("$1")
            ))
            .bind(json(ids)?)
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(named)
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// What was taken in of each source, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn source_marks(&self) -> Result<Vec<SourceMark>, StoreError> {
        let read = async {
            sqlx::query(
                "SELECT source, COUNT(*), MAX(applied_at), SUM(row_count), SUM(refused) \
                 FROM source_file GROUP BY source ORDER BY source",
            )
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(|row| {
                let columns = &mut Columns::of(row);
                Ok(SourceMark {
                    source: columns.text()?,
                    files: columns.small()?,
                    applied_at: columns.moment()?,
                    records: columns.small()?,
                    refused: columns.small()?,
                })
            })
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// At most so many records in quarantine after the one with this number, of one source or of all.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn quarantine_page(
        &self,
        source: Option<&str>,
        after: i64,
        limit: u16,
    ) -> Result<Vec<Bad>, StoreError> {
        let read = async {
            sqlx::query(
                "SELECT id, source, file, line, column_name, value, reason, record, seen_at \
                 FROM quarantine WHERE id > $1 AND (CAST($3 AS TEXT) IS NULL OR source = $3) \
                 ORDER BY id LIMIT $2",
            )
            .bind(after)
            .bind(i64::from(limit))
            .bind(source)
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(bad)
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// Why records of this source are in quarantine, the commonest reasons first; at most so many.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn quarantine_reasons(
        &self,
        source: &str,
        limit: u16,
    ) -> Result<Vec<Why>, StoreError> {
        let read = async {
            sqlx::query(
                "SELECT column_name, reason, COUNT(*) AS n FROM quarantine WHERE source = $1 \
                 GROUP BY column_name, reason ORDER BY n DESC, column_name, reason LIMIT $2",
            )
            .bind(source)
            .bind(i64::from(limit))
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(|row| {
                let columns = &mut Columns::of(row);
                Ok(Why {
                    column: columns.text()?,
                    reason: columns.text()?,
                    records: columns.small()?,
                })
            })
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }
}

fn day_count(row: &Row) -> sqlx::Result<DayCount> {
    let columns = &mut Columns::of(row);
    Ok(DayCount {
        day: columns.day()?,
        outcome: columns.parsed(Outcome::parse)?,
        entries: columns.small()?,
    })
}

fn named(row: &Row) -> sqlx::Result<Named> {
    let columns = &mut Columns::of(row);
    let id = columns.text()?;
    let names = [columns.maybe_text()?, columns.maybe_text()?];
    let names: Vec<&str> = names.iter().filter_map(|name| name.as_deref()).collect();
    Ok(Named {
        id,
        name: names.join(" ").trim().to_owned(),
        email: columns.maybe_text()?,
    })
}

fn bad(row: &Row) -> sqlx::Result<Bad> {
    let columns = &mut Columns::of(row);
    Ok(Bad {
        number: columns.number()?,
        source: columns.text()?,
        refusal: columns.refusal()?,
        seen_at: columns.moment()?,
    })
}
