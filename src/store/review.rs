//! Review: the ledger and the quarantine as people look at them.
//!
//! May not change anything.

use jiff::Timestamp;

use super::claims::lower_priority;
use super::columns::Columns;
use super::dialect::Connection;
use super::ledger::{entry_columns, entry_of, read_entry};
use super::{Entry, Store, StoreError};
use crate::model::{Outcome, Reason, Refusal};

/// Which entries to list; everything where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Due at this moment or later.
    pub since: Option<Timestamp>,
    /// Due before this moment.
    pub until: Option<Timestamp>,
    /// Of this rule.
    pub rule: Option<String>,
    /// Of this customer.
    pub customer: Option<String>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// Not settled for good before this moment: what still waits, or was decided since.
    pub unsettled_before: Option<Timestamp>,
    /// At most so many, the latest due.
    pub limit: Option<u32>,
}

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

/// The entries that a [`Filter`] chooses: since, until, rule, customer, outcome, unsettled before. Casts
/// give the parameters a type where a database asks for one.
macro_rules! chosen {
    ($of:literal) => {
        concat!(
            " FROM ledger WHERE ",
            $of,
            " >= $1 AND due_at < $2 AND (CAST($3 AS TEXT) IS NULL OR rule = $3) \
              AND (CAST($5 AS TEXT) IS NULL OR outcome = $5) \
              AND (outcome IN ('planned', 'deferred', 'held', 'sending') \
                   OR COALESCE(decided_at, due_at) >= $6)"
        )
    };
}

/// The latest of what is chosen; of one customer, only theirs are looked at.
macro_rules! latest {
    ($of:literal) => {
        concat!(
            "SELECT ",
            entry_columns!(),
            chosen!($of),
            " ORDER BY due_at DESC, rule DESC, customer DESC, occasion DESC LIMIT $7"
        )
    };
}
const LOG: &str = latest!("(CAST($4 AS TEXT) IS NULL OR customer = $4) AND due_at");
pub(super) const LOG_OF_CUSTOMER: &str = latest!("customer = $4 AND +due_at");

impl Store {
    /// Entries in the order in which they were due; with a limit, the latest of them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn log(&self, filter: &Filter) -> Result<Vec<Entry>, StoreError> {
        let read = async {
            let moment = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
            let of_one = filter.customer.as_ref();
            let text = of_one.map_or(LOG, |_| LOG_OF_CUSTOMER);
            let mut entries: Vec<Entry> = sqlx::query(text)
                .bind(moment(filter.since).unwrap_or(i64::MIN))
                .bind(moment(filter.until).unwrap_or(i64::MAX))
                .bind(&filter.rule)
                .bind(&filter.customer)
                .bind(filter.outcome.map(Outcome::as_str))
                .bind(moment(filter.unsettled_before).unwrap_or(i64::MIN))
                .bind(filter.limit.map_or(i64::MAX, i64::from))
                .fetch_all(self.reader())
                .await?
                .iter()
                .map(read_entry)
                .collect::<sqlx::Result<_>>()?;
            entries.reverse();
            Ok(entries)
        };
        read.await.map_err(|error| self.trouble(error))
    }

    /// The next entries behind this one, or the first, in the order of [`Store::log`]; however many
    /// there are, no more than a page is in hand. The filter's limit isn't asked.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn log_after(
        &self,
        filter: &Filter,
        last: Option<&Entry>,
        most: u16,
    ) -> Result<Vec<Entry>, StoreError> {
        let moment = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
        let from = moment(filter.since).unwrap_or(i64::MIN);
        let reached = last.map(|last| last.occasion.due_at.as_millisecond());
        let read = async {
            sqlx::query(concat!(
                "SELECT ",
                entry_columns!(),
                chosen!("(CAST($4 AS TEXT) IS NULL OR customer = $4) AND due_at"),
                " AND (CAST($7 AS BIGINT) IS NULL OR due_at > $7 \
                       OR (rule, customer, occasion) > ($8, $9, $10)) \
                 ORDER BY due_at, rule, customer, occasion LIMIT $11"
            ))
            .bind(reached.map_or(from, |reached| reached.max(from)))
            .bind(moment(filter.until).unwrap_or(i64::MAX))
            .bind(&filter.rule)
            .bind(&filter.customer)
            .bind(filter.outcome.map(Outcome::as_str))
            .bind(moment(filter.unsettled_before).unwrap_or(i64::MIN))
            .bind(reached)
            .bind(last.map(|last| last.rule.as_str()))
            .bind(last.map(|last| last.customer.as_str()))
            .bind(last.map(|last| last.occasion.key.as_str()))
            .bind(i64::from(most))
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(read_entry)
            .collect::<sqlx::Result<_>>()
        };
        read.await.map_err(|error| self.trouble(error))
    }

    /// The whole ledger by due moment, rule, customer and occasion.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn dump_ledger(&self) -> Result<Vec<Entry>, StoreError> {
        self.log(&Filter::default()).await
    }

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

    /// Whose entry it is.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn customer_of_entry(&self, id: &str) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar("SELECT customer FROM ledger WHERE id = $1")
            .bind(id)
            .fetch_optional(self.reader())
            .await
            .map_err(|error| self.trouble(error))
    }

    /// How many entries due at `since` or later have each outcome, in the contract's order;
    /// outcomes that none has are left out.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn counts_by_outcome(
        &self,
        since: Option<Timestamp>,
    ) -> Result<Vec<(Outcome, u64)>, StoreError> {
        let read = async {
            let mut counts = sqlx::query(
                "SELECT outcome, COUNT(*) FROM ledger WHERE due_at >= $1 GROUP BY outcome",
            )
            .bind(since.map_or(i64::MIN, Timestamp::as_millisecond))
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(|row| {
                let columns = &mut Columns::of(row);
                Ok((columns.parsed(Outcome::parse)?, columns.small()?))
            })
            .collect::<sqlx::Result<Vec<_>>>()?;
            counts.sort_by_key(|(outcome, _)| *outcome);
            Ok(counts)
        };
        read.await.map_err(|error| self.trouble(error))
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
                let first: Option<i64> = sqlx::query_scalar(
                    "SELECT next_attempt_at FROM ledger \
                     WHERE outcome IN ('planned', 'deferred', 'held') AND priority = $1 \
                       AND rule NOT IN (SELECT rule FROM paused) \
                       AND NOT EXISTS (SELECT 1 FROM paused WHERE rule = '') \
                     ORDER BY next_attempt_at LIMIT 1",
                )
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
