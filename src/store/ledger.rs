//! The ledger's entries, and how far each rule has come.
//!
//! May not decide what is due.

use jiff::Timestamp;
use jiff::civil::Date;

use super::columns::{Columns, day_of, json, nonsense};
use super::dialect::{Row, texts, unindexed};
use super::{Store, StoreError};
use crate::model::policy::{Audience, Class};
use crate::model::{Occasion, Outcome, Reason};

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
    /// Whom it goes to.
    pub audience: Audience,
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
    /// Where its letter was going when it was last handed over: a folder, or `smtp:` with host and
    /// port.
    pub via: Option<String>,
    /// It may have arrived there before, and is sent again: it goes nowhere else.
    pub only_via: Option<String>,
}

impl Entry {
    /// What an outcome amounts to for this entry: where it may have arrived before and was to be sent
    /// once more, nobody can say that it wasn't sent.
    #[must_use]
    pub fn amounts_to(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Skipped | Outcome::Rejected | Outcome::Expired if self.only_via.is_some() => {
                Outcome::Unknown
            }
            Outcome::Planned
            | Outcome::Held
            | Outcome::Deferred
            | Outcome::Sending
            | Outcome::Sent
            | Outcome::Unknown
            | Outcome::Skipped
            | Outcome::Rejected
            | Outcome::Expired => outcome,
        }
    }
}

/// The columns that [`read_entry`] reads, of the table `ledger`.
macro_rules! entry_columns {
    () => {
        "id, rule, rule_version, customer, occasion, due_day, due_at, zone, anchor, years, event, \
         class, audience, priority, outcome, reason, decided_at, recipient, subject, template, language, \
         message_id, attempts, next_attempt_at, reply, sent_at, via, only_via"
    };
}
pub(super) use entry_columns;

/// Reads an entry from a row.
pub(super) fn read_entry(row: &Row) -> sqlx::Result<Entry> {
    entry_of(&mut Columns::of(row))
}

/// Reads an entry.
pub(super) fn entry_of(columns: &mut Columns<'_>) -> sqlx::Result<Entry> {
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
        audience: columns.parsed(Audience::parse)?,
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
        only_via: columns.maybe_text()?,
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
    /// Whom it goes to.
    pub audience: Audience,
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
    /// What the rule was read from, as the engine keeps it; `None` while its file is away.
    pub written: Option<String>,
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

/// What is due later is little beside all that a rule ever planned. They are put in order afterwards: an
/// index in that order would lead through everything.
pub(super) const PLANNED_LATER: &str = concat!(
    "SELECT id, customer, occasion, rule_version, due_at FROM ledger WHERE ",
    unindexed!("rule"),
    " = $1 AND outcome = 'planned' AND due_at > $2"
);

impl Store {
    /// A mark for [`super::PlanBatch::clear_touched`]: what is touched later has a higher number, and
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
                     WHERE rule = $1 AND outcome = 'planned' AND due_at > $2 \
                       AND customer IN ",
                    texts!("$3")
                )
            } else {
                PLANNED_LATER
            };
            let mut query = sqlx::query(text).bind(rule).bind(after.as_millisecond());
            if let Some(customers) = customers {
                query = query.bind(json(customers)?);
            }
            let found = query.fetch_all(self.reader()).await?;
            let found = found.iter();
            let found = found
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
                .collect::<sqlx::Result<Vec<_>>>();
            let mut found = found?;
            found.sort_by(|one, other| {
                (&one.customer, &one.occasion).cmp(&(&other.customer, &other.occasion))
            });
            Ok(found)
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// Of these customers, for which occasions of this rule there are entries, whatever became of them:
    /// customer and key.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn entered(
        &self,
        rule: &str,
        customers: &[String],
    ) -> Result<Vec<(String, String)>, StoreError> {
        let read = async {
            sqlx::query_as(concat!(
                "SELECT customer, occasion FROM ledger WHERE rule = $1 AND customer IN ",
                texts!("$2")
            ))
            .bind(rule)
            .bind(json(customers)?)
            .fetch_all(self.reader())
            .await
        };
        read.await.map_err(|error: sqlx::Error| self.trouble(error))
    }

    /// Every rule that was ever seen, by id.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rule_states(&self) -> Result<Vec<RuleState>, StoreError> {
        let read = async {
            sqlx::query(
                "SELECT rule, version, first_day, planned_through, written FROM rule_state ORDER BY rule",
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
                    written: columns.maybe_text()?,
                })
            })
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }
}
