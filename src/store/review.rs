//! Review: the ledger and the quarantine as people look at them.
//!
//! May not change anything.

use jiff::Timestamp;

use super::claims::lower_priority;
use super::columns::Columns;
use super::dialect::Connection;
use super::ledger::{entry_columns, entry_of};
use super::{Entry, Store, StoreError};
use crate::model::{Outcome, Reason, Refusal};

/// One step of an entry's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// What it became.
    pub outcome: Outcome,
    /// Why.
    pub reason: Option<Reason>,
    /// The server's words; ours where the customer did something.
    pub reply: Option<String>,
}

/// One entry with all that is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The entry.
    pub entry: Entry,
    /// What happened to it, the earliest first.
    pub history: Vec<Step>,
    /// The message as it was last handed over.
    pub message: Option<String>,
    /// When address, subject, letter and replies were taken out, having been kept long enough.
    pub text_removed_at: Option<Timestamp>,
}

/// A record in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Its source.
    pub source: String,
    /// What was wrong, and where.
    pub refusal: Refusal,
    /// When it was last read.
    pub seen_at: Timestamp,
}

/// The first entry of one priority. Of a paused rule, all may wait that it ever planned.
pub(super) const NEXT_DUE: &str = "SELECT next_attempt_at FROM ledger \
     WHERE outcome IN ('planned', 'deferred', 'held') AND priority = $1 \
       AND rule NOT IN (SELECT rule FROM paused) \
       AND NOT EXISTS (SELECT 1 FROM paused WHERE rule = '') \
     ORDER BY next_attempt_at LIMIT 1";

impl Store {
    /// One entry with its history and its message.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn entry(&self, id: &str) -> Result<Option<Shown>, StoreError> {
        self.read_shown(id)
            .await
            .map_err(|error| self.trouble(error))
    }

    async fn read_shown(&self, id: &str) -> sqlx::Result<Option<Shown>> {
        let mut tx = self.reader().begin().await?;
        shown(&mut tx, id).await
    }

    /// Everything in quarantine, by source, file and line.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn quarantined(&self) -> Result<Vec<Quarantined>, StoreError> {
        let read = async {
            sqlx::query(
                "SELECT source, file, line, column_name, value, reason, record, seen_at \
                 FROM quarantine ORDER BY source, file, line, id",
            )
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(|row| {
                let columns = &mut Columns::of(row);
                Ok(Quarantined {
                    source: columns.text()?,
                    refusal: columns.refusal()?,
                    seen_at: columns.moment()?,
                })
            })
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// How many records are in quarantine.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count_quarantined(&self) -> Result<u64, StoreError> {
        let count: sqlx::Result<i64> = sqlx::query_scalar("SELECT COUNT(*) FROM quarantine")
            .fetch_one(self.reader())
            .await;
        let count = count.map_err(|error| self.trouble(error))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Of how many entries nobody knows whether they went out.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count_unknown(&self) -> Result<u64, StoreError> {
        let count: sqlx::Result<i64> = sqlx::query_scalar(
            "SELECT COUNT(*) FROM ledger WHERE outcome = 'unknown' \
             AND outcome IN ('sending', 'held', 'unknown')",
        )
        .fetch_one(self.reader())
        .await;
        let count = count.map_err(|error| self.trouble(error))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// How many customers there are, and how many of them have an address and weren't forgotten.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count_customers(&self) -> Result<(u64, u64), StoreError> {
        let read = async {
            let row = sqlx::query("SELECT COUNT(*), COUNT(email) FROM customer")
                .fetch_one(self.reader())
                .await?;
            let columns = &mut Columns::of(&row);
            Ok((columns.small()?, columns.small()?))
        };
        read.await.map_err(|error: sqlx::Error| self.trouble(error))
    }

    /// When the next entry is to be looked at, paused rules aside; it may lie in the past, and may be
    /// in hand.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let read = async {
            let mut tx = self.reader().begin().await?;
            let mut next: Option<i64> = None;
            // Priority by priority, as claims go: each step is one look into the index.
            let mut below = i64::from(u8::MAX);
            while let Some(priority) = lower_priority(&mut tx, below).await? {
                below = priority;
                let first: Option<i64> = sqlx::query_scalar(NEXT_DUE)
                    .bind(priority)
                    .fetch_optional(&mut *tx)
                    .await?;
                next = next.into_iter().chain(first).min();
            }
            next.map(super::columns::moment_of).transpose()
        };
        read.await.map_err(|error| self.trouble(error))
    }
}

/// One entry with all that is known of it.
pub(super) async fn shown(tx: &mut Connection, id: &str) -> sqlx::Result<Option<Shown>> {
    let Some(row) = sqlx::query(concat!(
        "SELECT text_removed_at, ",
        entry_columns!(),
        " FROM ledger WHERE id = $1"
    ))
    .bind(id)
    .fetch_optional(&mut *tx)
    .await?
    else {
        return Ok(None);
    };
    let columns = &mut Columns::of(&row);
    let text_removed_at = columns.maybe_moment()?;
    let entry = entry_of(columns)?;
    let history = history_of(tx, &entry).await?;
    let message = sqlx::query_scalar(
        "SELECT message FROM letter WHERE entry = (SELECT number FROM ledger WHERE id = $1)",
    )
    .bind(id)
    .fetch_optional(tx)
    .await?;
    Ok(Some(Shown {
        entry,
        history,
        message,
        text_removed_at,
    }))
}

/// An entry's steps, the earliest first.
async fn history_of(tx: &mut Connection, entry: &Entry) -> sqlx::Result<Vec<Step>> {
    let bare = |at, outcome| Step {
        at,
        outcome,
        reason: None,
        reply: None,
    };
    let planned: i64 = sqlx::query_scalar("SELECT planned_at FROM ledger WHERE id = $1")
        .bind(&entry.id)
        .fetch_one(&mut *tx)
        .await?;
    let mut history = vec![bare(super::columns::moment_of(planned)?, Outcome::Planned)];
    for row in sqlx::query(
        "SELECT began_at, at, outcome, reason, reply FROM history \
         WHERE entry = (SELECT number FROM ledger WHERE id = $1) ORDER BY seq",
    )
    .bind(&entry.id)
    .fetch_all(&mut *tx)
    .await?
    {
        let columns = &mut Columns::of(&row);
        let began = columns.maybe_moment()?;
        history.extend(began.map(|at| bare(at, Outcome::Sending)));
        history.push(Step {
            at: columns.moment()?,
            outcome: columns.parsed(Outcome::parse)?,
            reason: columns.maybe_parsed(Reason::parse)?,
            reply: columns.maybe_text()?,
        });
    }
    if entry.outcome == Outcome::Sending {
        history.extend(entry.decided_at.map(|at| bare(at, Outcome::Sending)));
    }
    Ok(history)
}
