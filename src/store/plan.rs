//! What the planner writes: new entries, withdrawn ones, how far its rules have come.
//!
//! May not decide what is due. One entry per rule, customer and occasion: the database says so.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::civil::Date;

use super::columns::{day_number, json, nonsense};
use super::dialect::{Bulk, Transaction, rows, texts};
use super::{NewEntry, RuleState, Store, StoreError};
use crate::model::Outcome;
use crate::model::occasion::entry_id;
use crate::points::reach;

/// Entries that one statement deletes.
const TOGETHER: usize = 1000;

/// How entries are inserted.
const INSERT_HEAD: &str = "INSERT INTO ledger (id, rule, rule_version, customer, occasion, \
     due_day, due_at, zone, anchor, years, event, class, audience, priority, \
     outcome, next_attempt_at, planned_at)";

/// What the planner writes at once.
#[derive(Debug, Clone, Default)]
pub struct PlanBatch {
    /// Occasions; those that are in the ledger already stay as they are.
    pub new: Vec<NewEntry>,
    /// Ids of entries that no longer hold. Only those still planned and not yet due are deleted.
    pub withdraw: Vec<String>,
    /// Who is to be looked at again, and when.
    pub awaited: Vec<Awaited>,
    /// Rules to note.
    pub rules: Vec<RuleState>,
    /// The [`Store::touch_mark`] taken before the planner read: touches up to it are done with.
    pub clear_touched: Option<i64>,
}

/// When a rule has to look at a customer again whose records don't change until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    /// The rule's id.
    pub rule: String,
    /// The customer's id.
    pub customer: String,
    /// The civil day; `None` for never.
    pub day: Option<Date>,
}

/// What the planner's batch changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Planned {
    /// Entries that weren't there before.
    pub new: u64,
    /// Entries that were deleted.
    pub withdrawn: u64,
}

impl Store {
    /// Writes what the planner found, in one transaction.
    ///
    /// # Errors
    /// When the store fails; then nothing was written.
    pub async fn plan_write(
        &self,
        batch: &PlanBatch,
        now: Timestamp,
    ) -> Result<Planned, StoreError> {
        let write = async {
            let mut tx = self.begin().await?;
            reach("plan-begin");
            let mut planned = Planned::default();
            for ids in batch.withdraw.chunks(TOGETHER) {
                planned.withdrawn += withdraw(&mut tx, ids, now).await?;
            }
            let bulk = Bulk::new(INSERT_HEAD, 17, "ON CONFLICT DO NOTHING");
            let gone = gone(&mut tx, batch).await?;
            let new: Vec<&NewEntry> = batch.new.iter().collect();
            let new = kept(new, &gone, |one| &one.customer);
            for entries in new.chunks(Bulk::ROWS) {
                planned.new += insert(&mut tx, &bulk, entries, now).await?;
            }
            let awaited = kept(batch.awaited.iter().collect(), &gone, |one| &one.customer);
            for some in awaited.chunks(TOGETHER) {
                await_them(&mut tx, some).await?;
            }
            for rule in &batch.rules {
                note_rule(&mut tx, rule).await?;
            }
            if let Some(mark) = batch.clear_touched {
                for text in [
                    "DELETE FROM touched WHERE seq <= $1",
                    "DELETE FROM arrived WHERE seq <= $1",
                ] {
                    sqlx::query(text).bind(mark).execute(&mut *tx).await?;
                }
            }
            reach("plan-commit");
            tx.commit().await?;
            reach("plan-durable");
            Ok(planned)
        };
        write.await.map_err(|error| self.trouble(error))
    }
}

/// Of whom the planner found something, and who was forgotten since it looked. Nothing is written
/// of them any more. Where nobody ever was forgotten, nobody is looked for.
async fn gone(tx: &mut Transaction, batch: &PlanBatch) -> sqlx::Result<HashSet<String>> {
    let anybody: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM forgotten)")
        .fetch_one(&mut **tx)
        .await?;
    if !anybody {
        return Ok(HashSet::new());
    }
    let new = batch.new.iter().map(|one| one.customer.as_str());
    let awaited = batch.awaited.iter().map(|one| one.customer.as_str());
    let asked: HashSet<&str> = new.chain(awaited).collect();
    let gone: Vec<String> = sqlx::query_scalar(
        "SELECT value FROM json_each($1) \
         WHERE NOT EXISTS (SELECT 1 FROM customer c WHERE c.id = value)",
    )
    .bind(json(&asked)?)
    .fetch_all(&mut **tx)
    .await?;
    Ok(gone.into_iter().collect())
}

/// Without those of who is gone.
fn kept<'a, T>(
    mut all: Vec<&'a T>,
    gone: &HashSet<String>,
    whose: impl Fn(&T) -> &String,
) -> Vec<&'a T> {
    if !gone.is_empty() {
        all.retain(|one| !gone.contains(whose(one)));
    }
    all
}

async fn withdraw(tx: &mut Transaction, ids: &[String], now: Timestamp) -> sqlx::Result<u64> {
    let done = sqlx::query(concat!(
        "DELETE FROM ledger WHERE outcome = 'planned' AND due_at > $2 AND id IN ",
        texts!("$1")
    ))
    .bind(json(ids)?)
    .bind(now.as_millisecond())
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

async fn insert(
    tx: &mut Transaction,
    bulk: &Bulk,
    entries: &[&NewEntry],
    now: Timestamp,
) -> sqlx::Result<u64> {
    let id = |one: &NewEntry| entry_id(&one.rule, &one.customer, &one.occasion.key);
    let mut query = bulk.query(entries.len());
    for one in entries {
        let occasion = &one.occasion;
        query = query
            .bind(id(one))
            .bind(one.rule.clone())
            .bind(one.rule_version.clone())
            .bind(one.customer.clone())
            .bind(occasion.key.clone())
            .bind(day_number(occasion.day))
            .bind(occasion.due_at.as_millisecond())
            .bind(occasion.zone.clone())
            .bind(occasion.anchor.to_string())
            .bind(occasion.years.map(i64::from))
            .bind(occasion.event.clone())
            .bind(one.class.as_str())
            .bind(one.audience.as_str())
            .bind(i64::from(one.priority))
            .bind(Outcome::Planned.as_str())
            .bind(occasion.due_at.as_millisecond())
            .bind(now.as_millisecond());
    }
    let new = query.execute(&mut **tx).await?.rows_affected();
    if new < entries.len() as u64 {
        let keys: Vec<_> = entries
            .iter()
            .map(|one| (id(one), &one.rule, &one.customer, &one.occasion.key))
            .collect();
        refuse_collisions(tx, &json(&keys)?).await?;
    }
    Ok(new)
}

/// An id is a hash: should two occasions ever share one, that must not look like "already there".
async fn refuse_collisions(tx: &mut Transaction, list: &str) -> sqlx::Result<()> {
    let collision: Option<String> = sqlx::query_scalar(concat!(
        "SELECT ledger.id FROM ",
        rows!("$1"),
        " JOIN ledger ON ledger.id = value->>0 WHERE ledger.rule <> value->>1 \
            OR ledger.customer <> value->>2 OR ledger.occasion <> value->>3 LIMIT 1"
    ))
    .bind(list)
    .fetch_optional(&mut **tx)
    .await?;
    match collision {
        Some(id) => Err(nonsense(format!("two occasions with the entry id {id}"))),
        None => Ok(()),
    }
}

async fn await_them(tx: &mut Transaction, some: &[&Awaited]) -> sqlx::Result<()> {
    let keys: Vec<_> = some.iter().map(|one| (&one.rule, &one.customer)).collect();
    sqlx::query(concat!(
        "DELETE FROM awaited WHERE (rule, customer_id) IN (SELECT value->>0, value->>1 FROM ",
        rows!("$1"),
        ")"
    ))
    .bind(json(&keys)?)
    .execute(&mut **tx)
    .await?;
    let days = some.iter().filter_map(|one| {
        let day = day_number(one.day?);
        Some((&one.rule, &one.customer, day))
    });
    sqlx::query(concat!(
        "INSERT INTO awaited (rule, customer_id, day) \
         SELECT value->>0, value->>1, CAST(value->>2 AS BIGINT) FROM ",
        rows!("$1")
    ))
    .bind(json(&days.collect::<Vec<_>>())?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn note_rule(tx: &mut Transaction, rule: &RuleState) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO rule_state (rule, version, first_day, planned_through, written) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (rule) DO UPDATE SET version = excluded.version, \
         first_day = excluded.first_day, planned_through = excluded.planned_through, \
         written = excluded.written",
    )
    .bind(&rule.rule)
    .bind(&rule.version)
    .bind(rule.first_day.to_string())
    .bind(rule.planned_through.map(day_number))
    .bind(&rule.written)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
