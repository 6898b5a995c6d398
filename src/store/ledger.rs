//! The ledger's entries, and how the planner writes them.
//!
//! May not decide what is due. One entry per rule, customer and occasion: the database says so.

use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::Row as _;

use super::columns::{Columns, day_number, day_of, json, nonsense};
use super::dialect::{Row, Transaction, rows, texts};
use super::{Store, StoreError};
use crate::model::occasion::entry_id;
use crate::model::policy::Class;
use crate::model::{Occasion, Outcome, Reason};

/// Entries that one statement writes.
const TOGETHER: usize = 1000;

/// One ledger entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// 16 hexadecimal digits, the same in every store.
    pub id: String,
    /// The rule's id.
    pub rule: String,
    /// The rule's version when it was planned.
    pub rule_version: String,
    /// The customer's id.
    pub customer: String,
    /// Which occasion, and when it is due.
    pub occasion: Occasion,
    /// The message's class.
    pub class: Class,
    /// 0 to 100, higher first.
    pub priority: u8,
    /// What became of it.
    pub outcome: Outcome,
    /// Why.
    pub reason: Option<Reason>,
    /// When that was decided.
    pub decided_at: Option<Timestamp>,
    /// The address it went, or was to go, to.
    pub recipient: Option<String>,
    /// The message's subject.
    pub subject: Option<String>,
    /// The template's name.
    pub template: Option<String>,
    /// The letter's language.
    pub language: Option<String>,
    /// The message's `Message-ID`.
    pub message_id: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is looked at next.
    pub next_attempt_at: Option<Timestamp>,
    /// The server's last words.
    pub reply: Option<String>,
    /// When the relay took it.
    pub sent_at: Option<Timestamp>,
    /// Where its letter was going when it was last handed over: a folder, or `smtp`.
    pub via: Option<String>,
}

/// The columns that [`read_entry`] reads, of the table `ledger`.
macro_rules! entry_columns {
    () => {
        "id, rule, rule_version, customer, occasion, due_day, due_at, zone, anchor, years, event, \
         class, priority, outcome, reason, decided_at, recipient, subject, template, language, \
         message_id, attempts, next_attempt_at, reply, sent_at, via"
    };
}
pub(super) use entry_columns;

/// Reads an entry.
pub(super) fn read_entry(row: &Row) -> sqlx::Result<Entry> {
    let columns = &mut Columns::of(row);
    Ok(Entry {
        id: columns.text()?,
        rule: columns.text()?,
        rule_version: columns.text()?,
        customer: columns.text()?,
        occasion: Occasion {
            key: columns.text()?,
            day: columns.day()?,
            due_at: columns.moment()?,
            zone: columns.text()?,
            anchor: columns.parsed(|text| text.parse().ok())?,
            years: columns
                .maybe_number()?
                .map(|years| i16::try_from(years).map_err(|_| nonsense(format!("{years} years"))))
                .transpose()?,
            event: columns.maybe_text()?,
        },
        class: columns.parsed(Class::parse)?,
        priority: columns.small()?,
        outcome: columns.parsed(Outcome::parse)?,
        reason: columns.maybe_parsed(Reason::parse)?,
        decided_at: columns.maybe_moment()?,
        recipient: columns.maybe_text()?,
        subject: columns.maybe_text()?,
        template: columns.maybe_text()?,
        language: columns.maybe_text()?,
        message_id: columns.maybe_text()?,
        attempts: columns.small()?,
        next_attempt_at: columns.maybe_moment()?,
        reply: columns.maybe_text()?,
        sent_at: columns.maybe_moment()?,
        via: columns.maybe_text()?,
    })
}

/// An occasion that the planner found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// The rule's id.
    pub rule: String,
    /// The rule's version.
    pub rule_version: String,
    /// The customer's id.
    pub customer: String,
    /// Which occasion, and when it is due.
    pub occasion: Occasion,
    /// The message's class.
    pub class: Class,
    /// 0 to 100, higher first.
    pub priority: u8,
}

/// How far a rule has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleState {
    /// The rule's id.
    pub rule: String,
    /// The version with which it was last planned.
    pub version: String,
    /// The civil day on which it was first seen, in the business's zone.
    pub first_day: Date,
    /// The last due day up to which all occasions are in the ledger.
    pub planned_through: Option<Date>,
}

/// What the planner writes at once.
#[derive(Debug, Clone, Default)]
pub struct PlanBatch {
    /// Occasions; those that are in the ledger already stay as they are.
    pub new: Vec<NewEntry>,
    /// Ids of entries that no longer hold. Only those still planned, not claimed and not yet due
    /// are deleted.
    pub withdraw: Vec<String>,
    /// Rules to note.
    pub rules: Vec<RuleState>,
    /// The [`Store::touch_mark`] taken before the planner read: touches up to it are done with.
    pub clear_touched: Option<i64>,
}

/// What the planner's batch changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Planned {
    /// Entries that weren't there before.
    pub new: u64,
    /// Entries that were deleted.
    pub withdrawn: u64,
}

/// An entry that is still only planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedKey {
    /// The entry's id.
    pub id: String,
    /// The customer's id.
    pub customer: String,
    /// The occasion's key.
    pub occasion: String,
    /// The rule's version when it was planned.
    pub rule_version: String,
    /// When it is due.
    pub due_at: Timestamp,
}

impl Store {
    /// A mark for [`PlanBatch::clear_touched`]: what is touched later has a higher number, and
    /// stays for the next time.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn touch_mark(&self) -> Result<i64, StoreError> {
        let mark: Result<Option<i64>, _> =
            sqlx::query_scalar("SELECT CAST(value AS BIGINT) FROM meta WHERE key = 'touch_seq'")
                .fetch_optional(self.reader())
                .await;
        Ok(mark.map_err(|error| self.trouble(error))?.unwrap_or(0))
    }

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
            let mut planned = Planned::default();
            for ids in batch.withdraw.chunks(TOGETHER) {
                planned.withdrawn += withdraw(&mut tx, ids, now).await?;
            }
            for entries in batch.new.chunks(TOGETHER) {
                planned.new += insert(&mut tx, entries, now).await?;
            }
            for rule in &batch.rules {
                note_rule(&mut tx, rule).await?;
            }
            if let Some(mark) = batch.clear_touched {
                sqlx::query("DELETE FROM touched WHERE seq <= $1")
                    .bind(mark)
                    .execute(&mut *tx)
                    .await?;
            }
            tx.commit().await?;
            Ok(planned)
        };
        write.await.map_err(|error| self.trouble(error))
    }

    /// What is still only planned for this rule and due after `after`, for these customers or for
    /// all; in the order of customers and occasions.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn planned_of(
        &self,
        rule: &str,
        customers: Option<&[String]>,
        after: Timestamp,
    ) -> Result<Vec<PlannedKey>, StoreError> {
        let read = async {
            let text = if customers.is_some() {
                concat!(
                    "SELECT id, customer, occasion, rule_version, due_at FROM ledger \
                     WHERE rule = $1 AND outcome = 'planned' AND claimed = 0 AND due_at > $2 \
                       AND customer IN ",
                    texts!("$3"),
                    " ORDER BY customer, occasion"
                )
            } else {
                "SELECT id, customer, occasion, rule_version, due_at FROM ledger \
                 WHERE rule = $1 AND outcome = 'planned' AND claimed = 0 AND due_at > $2 \
                 ORDER BY customer, occasion"
            };
            let mut query = sqlx::query(text).bind(rule).bind(after.as_millisecond());
            if let Some(customers) = customers {
                query = query.bind(json(customers)?);
            }
            query
                .fetch_all(self.reader())
                .await?
                .iter()
                .map(|row| {
                    let columns = &mut Columns::of(row);
                    Ok(PlannedKey {
                        id: columns.text()?,
                        customer: columns.text()?,
                        occasion: columns.text()?,
                        rule_version: columns.text()?,
                        due_at: columns.moment()?,
                    })
                })
                .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// Every rule that was ever seen, by id.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rule_states(&self) -> Result<Vec<RuleState>, StoreError> {
        let read = async {
            sqlx::query(
                "SELECT rule, version, first_day, planned_through FROM rule_state ORDER BY rule",
            )
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(|row| {
                let columns = &mut Columns::of(row);
                Ok(RuleState {
                    rule: columns.text()?,
                    version: columns.text()?,
                    first_day: columns.parsed(|text| text.parse().ok())?,
                    planned_through: columns.maybe_number()?.map(day_of).transpose()?,
                })
            })
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }
}

async fn withdraw(tx: &mut Transaction, ids: &[String], now: Timestamp) -> sqlx::Result<u64> {
    let done = sqlx::query(concat!(
        "DELETE FROM ledger WHERE outcome = 'planned' AND claimed = 0 AND due_at > $2 AND id IN ",
        texts!("$1")
    ))
    .bind(json(ids)?)
    .bind(now.as_millisecond())
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

async fn insert(tx: &mut Transaction, entries: &[NewEntry], now: Timestamp) -> sqlx::Result<u64> {
    let list: Vec<_> = entries
        .iter()
        .map(|entry| {
            let occasion = &entry.occasion;
            (
                entry_id(&entry.rule, &entry.customer, &occasion.key),
                (&entry.rule, &entry.rule_version, &entry.customer),
                (&occasion.key, day_number(occasion.day)),
                (occasion.due_at.as_millisecond(), &occasion.zone),
                (occasion.anchor.to_string(), occasion.years, &occasion.event),
                (entry.class.as_str(), entry.priority),
            )
        })
        .collect();
    let list = json(&list)?;
    let new: Vec<String> = sqlx::query(concat!(
        "INSERT INTO ledger (id, rule, rule_version, customer, occasion, due_day, due_at, zone, \
             anchor, years, event, class, priority, outcome, next_attempt_at) \
         SELECT value->>0, value->1->>0, value->1->>1, value->1->>2, value->2->>0, \
             CAST(value->2->>1 AS BIGINT), CAST(value->3->>0 AS BIGINT), value->3->>1, \
             value->4->>0, CAST(value->4->>1 AS BIGINT), value->4->>2, \
             value->5->>0, CAST(value->5->>1 AS BIGINT), 'planned', \
             CAST(value->3->>0 AS BIGINT) FROM ",
        rows!("$1"),
        " WHERE true ON CONFLICT DO NOTHING RETURNING id"
    ))
    .bind(&list)
    .fetch_all(&mut **tx)
    .await?
    .iter()
    .map(|row| row.try_get(0))
    .collect::<sqlx::Result<_>>()?;
    if new.len() < entries.len() {
        refuse_collisions(tx, &list).await?;
    }
    sqlx::query(concat!(
        "INSERT INTO history (entry_id, at, outcome) SELECT value, $2, 'planned' FROM ",
        rows!("$1")
    ))
    .bind(json(&new)?)
    .bind(now.as_millisecond())
    .execute(&mut **tx)
    .await?;
    Ok(new.len() as u64)
}

/// An id is a hash: should two occasions ever share one, that must not look like "already there".
async fn refuse_collisions(tx: &mut Transaction, list: &str) -> sqlx::Result<()> {
    let collision: Option<String> = sqlx::query_scalar(concat!(
        "SELECT ledger.id FROM ",
        rows!("$1"),
        " JOIN ledger ON ledger.id = value->>0 WHERE ledger.rule <> value->1->>0 \
            OR ledger.customer <> value->1->>2 OR ledger.occasion <> value->2->>0 LIMIT 1"
    ))
    .bind(list)
    .fetch_optional(&mut **tx)
    .await?;
    match collision {
        Some(id) => Err(nonsense(format!("two occasions with the entry id {id}"))),
        None => Ok(()),
    }
}

async fn note_rule(tx: &mut Transaction, rule: &RuleState) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO rule_state (rule, version, first_day, planned_through) \
         VALUES ($1, $2, $3, $4) ON CONFLICT (rule) DO UPDATE SET version = excluded.version, \
         first_day = excluded.first_day, planned_through = excluded.planned_through",
    )
    .bind(&rule.rule)
    .bind(&rule.version)
    .bind(rule.first_day.to_string())
    .bind(rule.planned_through.map(day_number))
    .execute(&mut **tx)
    .await?;
    Ok(())
}
