//! Control: pauses, approvals, what a person settles by hand, the heartbeat.
//!
//! May not decide: it keeps what people and the engine say.

use jiff::Timestamp;
use jiff::civil::Date;

use super::audit::{Decision, note_decision};
use super::columns::{Columns, day_number, moment_of};
use super::dialect::Transaction;
use super::history::note;
use super::{Store, StoreError};
use crate::model::{Outcome, Reason};

/// What is paused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paused {
    /// Since when everything is.
    pub all: Option<Timestamp>,
    /// Rules that are, by id.
    pub rules: Vec<(String, Timestamp)>,
}

/// What a person said about a rule's batch of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The rule.
    pub rule: String,
    /// The due day.
    pub day: Date,
    /// Approved, or declined.
    pub approved: bool,
    /// When they said so.
    pub at: Timestamp,
}

/// What a person settles by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resettle {
    /// The entry.
    pub id: String,
    /// What it must be, or nothing happens.
    pub from: Outcome,
    /// What it becomes.
    pub outcome: Outcome,
    /// Why.
    pub reason: Option<Reason>,
    /// The only way that it may take, if it is to be sent again.
    pub only_via: Option<String>,
    /// Now.
    pub now: Timestamp,
}

impl Store {
    /// Pauses a rule, or everything. It lasts until [`Store::resume`].
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pause(&self, rule: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
        let done = sqlx::query(
            "INSERT INTO paused (rule, at) VALUES ($1, $2) ON CONFLICT (rule) DO NOTHING",
        )
        .bind(rule.unwrap_or(""))
        .bind(now.as_millisecond())
        .execute(&self.inner.writer)
        .await;
        done.map(drop).map_err(|error| self.trouble(error))
    }

    /// Resumes a rule; or everything, single rules included. `false`: nothing was paused.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn resume(&self, rule: Option<&str>) -> Result<bool, StoreError> {
        let query = match rule {
            Some(rule) => sqlx::query("DELETE FROM paused WHERE rule = $1").bind(rule),
            None => sqlx::query("DELETE FROM paused"),
        };
        let done = query.execute(&self.inner.writer).await;
        done.map(|done| done.rows_affected() > 0)
            .map_err(|error| self.trouble(error))
    }

    /// What is paused.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn paused(&self) -> Result<Paused, StoreError> {
        let read = async {
            let mut paused = Paused::default();
            for row in sqlx::query("SELECT rule, at FROM paused ORDER BY rule")
                .fetch_all(self.reader())
                .await?
            {
                let columns = &mut Columns::of(&row);
                let (rule, at) = (columns.text()?, columns.moment()?);
                if rule.is_empty() {
                    paused.all = Some(at);
                } else {
                    paused.rules.push((rule, at));
                }
            }
            Ok(paused)
        };
        read.await.map_err(|error: sqlx::Error| self.trouble(error))
    }

    /// Keeps what a person said about a rule's batch of a day, also ahead of it, and lets go what
    /// is held for it: approved entries are planned again, to be looked at now; declined ones are
    /// skipped with `reason` (unknown, where they may have arrived before). Returns how many entries
    /// were held.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn approve(
        &self,
        approval: &Approval,
        reason: Option<Reason>,
    ) -> Result<u64, StoreError> {
        self.approve_noted(approval, reason, None).await
    }

    /// The same, and the decision is noted with it, unless it changes nothing: neither what was said
    /// before nor any entry.
    ///
    /// # Errors
    /// When the store fails; then nothing is kept or noted.
    pub async fn approve_noted(
        &self,
        approval: &Approval,
        reason: Option<Reason>,
        decision: Option<Decision<'_>>,
    ) -> Result<u64, StoreError> {
        let (outcome, next) = if approval.approved {
            (Outcome::Planned, Some(approval.at.as_millisecond()))
        } else {
            (Outcome::Skipped, None)
        };
        let write = async {
            let mut tx = self.begin().await?;
            let before: Option<bool> =
                sqlx::query_scalar("SELECT approved FROM approval WHERE rule = $1 AND day = $2")
                    .bind(&approval.rule)
                    .bind(day_number(approval.day))
                    .fetch_optional(&mut *tx)
                    .await?;
            sqlx::query(
                "INSERT INTO approval (rule, day, approved, at) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (rule, day) DO UPDATE SET approved = excluded.approved, \
                 at = excluded.at",
            )
            .bind(&approval.rule)
            .bind(day_number(approval.day))
            .bind(i64::from(approval.approved))
            .bind(approval.at.as_millisecond())
            .execute(&mut *tx)
            .await?;
            let freed: Vec<(String, bool)> = sqlx::query_as(
                "UPDATE ledger SET outcome = CASE WHEN $3 = 'skipped' AND only_via IS NOT NULL \
                     THEN 'unknown' ELSE $3 END, reason = $4, decided_at = $5, \
                     next_attempt_at = $6 \
                 WHERE outcome = 'held' AND outcome IN ('sending', 'held', 'unknown') \
                   AND rule = $1 AND due_day = $2 RETURNING id, outcome = 'unknown'",
            )
            .bind(&approval.rule)
            .bind(day_number(approval.day))
            .bind(outcome.as_str())
            .bind(reason.map(Reason::as_str))
            .bind(approval.at.as_millisecond())
            .bind(next)
            .fetch_all(&mut *tx)
            .await?;
            let steps = freed.iter().map(|(id, unknown)| {
                let outcome = if *unknown { Outcome::Unknown } else { outcome };
                (id.as_str(), approval.at, outcome, reason, None)
            });
            note(&mut tx, steps).await?;
            if let Some(decision) = decision
                && (before != Some(approval.approved) || !freed.is_empty())
            {
                note_decision(&mut tx, decision, approval.at).await?;
            }
            tx.commit().await?;
            Ok(freed.len() as u64)
        };
        write.await.map_err(|error| self.trouble(error))
    }

    /// Lets go (or ends with `declined`) what is held although a person has spoken of its batch: they
    /// did while a pass was holding it. What they said stays as they said it, and a later word of
    /// theirs isn't missed. Returns how many entries were held.
    ///
    /// # Errors
    /// When the store fails; then nothing is changed.
    pub async fn settle_spoken(&self, declined: Reason, now: Timestamp) -> Result<u64, StoreError> {
        let write = async {
            let mut tx = self.begin().await?;
            let settled = sqlx::query(
                "UPDATE ledger SET \
                     outcome = CASE WHEN said.approved <> 0 THEN 'planned' \
                         WHEN only_via IS NOT NULL THEN 'unknown' ELSE 'skipped' END, \
                     reason = CASE WHEN said.approved <> 0 THEN NULL ELSE $1 END, \
                     next_attempt_at = CASE WHEN said.approved <> 0 THEN $2 END, \
                     decided_at = $2 \
                 FROM approval said \
                 WHERE ledger.outcome = 'held' \
                   AND ledger.outcome IN ('sending', 'held', 'unknown') \
                   AND said.rule = ledger.rule AND said.day = ledger.due_day \
                 RETURNING ledger.id, ledger.outcome, ledger.reason",
            )
            .bind(declined.as_str())
            .bind(now.as_millisecond())
            .fetch_all(&mut *tx)
            .await?;
            let settled: Vec<(String, Outcome, Option<Reason>)> = settled
                .iter()
                .map(|row| {
                    let columns = &mut Columns::of(row);
                    let id = columns.text()?;
                    let outcome = columns.parsed(Outcome::parse)?;
                    Ok((id, outcome, columns.maybe_parsed(Reason::parse)?))
                })
                .collect::<sqlx::Result<_>>()?;
            let steps = settled.iter();
            let steps = steps.map(|(id, outcome, why)| (id.as_str(), now, *outcome, *why, None));
            note(&mut tx, steps).await?;
            tx.commit().await?;
            Ok(settled.len() as u64)
        };
        write
            .await
            .map_err(|error: sqlx::Error| self.trouble(error))
    }

    /// Everything that people said about batches due on this day or later.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn approvals(&self, from: Date) -> Result<Vec<Approval>, StoreError> {
        let read = async {
            sqlx::query(
                "SELECT rule, day, approved, at FROM approval WHERE day >= $1 ORDER BY day, rule",
            )
            .bind(day_number(from))
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(|row| {
                let columns = &mut Columns::of(row);
                Ok(Approval {
                    rule: columns.text()?,
                    day: columns.day()?,
                    approved: columns.flag()?,
                    at: columns.moment()?,
                })
            })
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// Settles one entry by hand: an unknown that was sent, wasn't, or is to be sent again; a held
    /// one that may go. `false`: it isn't what it was thought to be. What is to be planned again
    /// is looked at now; to whoever was forgotten, nothing is sent again.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn resettle(&self, how: &Resettle) -> Result<bool, StoreError> {
        self.resettle_noted(how, None).await
    }

    /// The same, and where it is done, the decision is noted with it.
    ///
    /// # Errors
    /// When the store fails; then nothing is done or noted.
    pub async fn resettle_noted(
        &self,
        how: &Resettle,
        decision: Option<Decision<'_>>,
    ) -> Result<bool, StoreError> {
        let write = async {
            let mut tx = self.begin().await?;
            let done = move_entry(&mut tx, how).await?;
            if done {
                let step = (how.id.as_str(), how.now, how.outcome, how.reason, None);
                note(&mut tx, std::iter::once(step)).await?;
                if let Some(decision) = decision {
                    note_decision(&mut tx, decision, how.now).await?;
                }
            }
            tx.commit().await?;
            Ok(done)
        };
        write.await.map_err(|error| self.trouble(error))
    }

    /// Notes that the engine came round.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn beat(&self, now: Timestamp) -> Result<(), StoreError> {
        let done = sqlx::query(
            "INSERT INTO meta (key, value) VALUES ('heartbeat', CAST($1 AS TEXT)) \
             ON CONFLICT (key) DO UPDATE SET value = excluded.value; \
             UPDATE presence SET at = MAX(at, $1)",
        )
        .bind(now.as_millisecond())
        .execute(&self.inner.writer)
        .await;
        done.map(drop).map_err(|error| self.trouble(error))
    }

    /// When the engine last came round.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn heartbeat(&self) -> Result<Option<Timestamp>, StoreError> {
        let read = async {
            let at: Option<i64> = sqlx::query_scalar(
                "SELECT CAST(value AS BIGINT) FROM meta WHERE key = 'heartbeat'",
            )
            .fetch_optional(self.reader())
            .await?;
            at.map(moment_of).transpose()
        };
        read.await.map_err(|error| self.trouble(error))
    }
}

async fn move_entry(tx: &mut Transaction, how: &Resettle) -> sqlx::Result<bool> {
    let waits = matches!(how.outcome, Outcome::Planned | Outcome::Deferred);
    let done = sqlx::query(
        "UPDATE ledger SET outcome = $3, reason = $4, decided_at = $5, next_attempt_at = $6, \
             sent_at = CASE WHEN $3 = 'sent' THEN COALESCE(sent_at, decided_at) ELSE sent_at END, \
             only_via = $7 \
         WHERE id = $1 AND outcome = $2 \
           AND ($6 IS NULL OR customer IN (SELECT id FROM customer))",
    )
    .bind(&how.id)
    .bind(how.from.as_str())
    .bind(how.outcome.as_str())
    .bind(how.reason.map(Reason::as_str))
    .bind(how.now.as_millisecond())
    .bind(waits.then(|| how.now.as_millisecond()))
    .bind(&how.only_via)
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    // What was sent to the customer is part of their view.
    sqlx::query(
        "UPDATE customer SET revision = revision + 1 \
         WHERE id = (SELECT customer FROM ledger WHERE id = $1)",
    )
    .bind(&how.id)
    .execute(&mut **tx)
    .await?;
    Ok(true)
}
