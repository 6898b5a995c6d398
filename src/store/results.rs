//! Results: of whom a letter was meant for, and of whom one was held back, how many came back.
//!
//! Counts inside the database, customer by customer by the ledger's own index: nothing is gathered
//! or sorted, however many entries there are. May not change anything, nor judge what the counts
//! mean.

use jiff::Timestamp;
use jiff::civil::Date;

use super::columns::{Columns, day_of, json};
use super::dialect::{texts, unindexed};
use super::{Store, StoreError};
use crate::model::Reason;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// What is to be counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question<'a> {
    /// The rule's id.
    pub rule: &'a str,
    /// Which kinds of event are a return.
    pub kinds: &'a [String],
    /// Days in which it counts: 24 hours each for an event with a time, civil days for one without.
    pub within_days: u16,
    /// Due at this moment or later.
    pub since: Option<Timestamp>,
    /// Due before this moment.
    pub until: Option<Timestamp>,
    /// Now: whose days aren't over by then still waits.
    pub now: Timestamp,
}

/// Customers, each counted once, with the first entry that came as far as the question of the
/// comparison group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// The first and the last due day on which somebody was held out, if anybody was: only what was
    /// due from the one to the other is counted, so that both groups lived through the same days.
    pub days: Option<(Date, Date)>,
    /// For whom a letter was meant, whatever became of it, and who came back after that was decided.
    pub meant: (u32, u32),
    /// Who was held out, and who came back after that was decided.
    pub holdout: (u32, u32),
    /// Of those for whom it was meant: whose letter was sent, and who came back after it was.
    pub sent: (u32, u32),
    /// Of those for whom it was meant: of whose letter nobody knows whether it went out.
    pub unknown: u32,
    /// Whose days aren't over: they are in no other number.
    pub waiting: u32,
}

/// The entry came as far as the comparison group's question at this moment; NULL where it didn't. A
/// later look may have ended it for an earlier gate's reason (a visit while it waited for the end of
/// the quiet hours), so its whole history is asked.
macro_rules! sorted_at {
    ($entry:literal) => {
        concat!(
            "(SELECT MIN(COALESCE(h.began_at, h.at)) FROM history h WHERE h.entry = ",
            $entry,
            ".number AND (h.outcome <> 'skipped' OR h.reason NOT IN ",
            texts!("$1"),
            "))"
        )
    };
}

/// Whether a customer came back within so many days of a moment. An event without a time counts from
/// the civil day after it: whether it was before or after on the day itself, nobody knows. That
/// day is the due day, moved by as many days as the moment lies after the due one: exact where they
/// lie close together, and never more than one day off.
macro_rules! came_back {
    ($moment:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM event v WHERE v.customer_id = x.customer AND ",
            unindexed!("v.kind"),
            " IN ",
            texts!("$2"),
            " AND v.day BETWEEN x.day_shift + ",
            $moment,
            " / $4 - 1 AND x.day_shift + ",
            $moment,
            " / $4 + $3 + 1 AND ((v.at IS NULL AND v.day > x.day_shift + ",
            $moment,
            " / $4 AND v.day <= x.day_shift + ",
            $moment,
            " / $4 + $3) OR (v.at > ",
            $moment,
            " AND v.at <= ",
            $moment,
            " + $3 * $4)))"
        )
    };
}

/// Which of the rule's entries are looked at.
macro_rules! looked_at {
    ($entry:literal) => {
        concat!(
            $entry,
            ".due_at >= $6 AND ",
            $entry,
            ".due_at < $7 AND ",
            $entry,
            ".due_day BETWEEN $8 AND $9"
        )
    };
}

/// Has a subquery worked out once a row. Left to itself, SQLite dissolves it in what is around it, and
/// asks the history anew for every mention of its column.
macro_rules! once {
    () => {
        " LIMIT 9223372036854775807"
    };
}

/// From the inside: the rule's entries with the moment at which each was sorted; of these, each
/// customer's first, with whether their days are over and whether they came back; the sums. A
/// customer's other entries are found by the customer, or a large rule would be walked through for
/// each of its entries.
pub(super) const COUNT: &str = concat!(
    "SELECT COALESCE(SUM(waits), 0), \
         COALESCE(SUM((1 - waits) * (1 - held_out)), 0), \
         COALESCE(SUM((1 - waits) * (1 - held_out) * back), 0), \
         COALESCE(SUM((1 - waits) * held_out), 0), \
         COALESCE(SUM((1 - waits) * held_out * back), 0), \
         COALESCE(SUM((1 - waits) * sent), 0), \
         COALESCE(SUM((1 - waits) * sent * sent_back), 0), \
         COALESCE(SUM((1 - waits) * unknown), 0) \
     FROM (SELECT x.held_out, x.unknown, \
             CASE WHEN x.sorted_at + $3 * $4 > $10 THEN 1 ELSE 0 END AS waits, \
             CASE WHEN x.sent_at + $3 * $4 <= $10 THEN 1 ELSE 0 END AS sent, \
             CASE WHEN ",
    came_back!("x.sorted_at"),
    " THEN 1 ELSE 0 END AS back, \
             CASE WHEN x.sent_at IS NOT NULL AND ",
    came_back!("x.sent_at"),
    " THEN 1 ELSE 0 END AS sent_back \
         FROM (SELECT l.number, l.customer, l.due_at, l.due_day - l.due_at / $4 AS day_shift, \
                 CASE WHEN l.outcome = 'sent' THEN l.sent_at END AS sent_at, \
                 CASE WHEN l.outcome = 'unknown' THEN 1 ELSE 0 END AS unknown, \
                 CASE WHEN l.outcome = 'skipped' AND l.reason = 'holdout' \
                     THEN 1 ELSE 0 END AS held_out, ",
    sorted_at!("l"),
    " AS sorted_at FROM ledger l WHERE l.rule = $5 AND ",
    looked_at!("l"),
    once!(),
    ") AS x WHERE x.sorted_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ledger e \
             WHERE e.customer = x.customer AND ",
    unindexed!("e.rule"),
    " = $5 AND ",
    looked_at!("e"),
    " AND (e.due_at < x.due_at OR (e.due_at = x.due_at AND e.number < x.number)) AND ",
    sorted_at!("e"),
    " IS NOT NULL)",
    once!(),
    ") AS subject"
);

impl Store {
    /// Counts who came back. All numbers are of one moment, beside whatever else is going on.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tally(&self, question: &Question<'_>) -> Result<Tally, StoreError> {
        self.read_tally(question)
            .await
            .map_err(|error| self.trouble(error))
    }

    async fn read_tally(&self, question: &Question<'_>) -> sqlx::Result<Tally> {
        let moment = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
        let since = moment(question.since).unwrap_or(i64::MIN);
        let until = moment(question.until).unwrap_or(i64::MAX);
        let mut tx = self.reader().begin().await?;
        let row = sqlx::query(
            "SELECT MIN(due_day), MAX(due_day) FROM ledger WHERE rule = $1 \
               AND outcome = 'skipped' AND reason = 'holdout' AND due_at >= $2 AND due_at < $3",
        )
        .bind(question.rule)
        .bind(since)
        .bind(until)
        .fetch_one(&mut *tx)
        .await?;
        let columns = &mut Columns::of(&row);
        let days = columns.maybe_number()?.zip(columns.maybe_number()?);
        let (first, last) = days.unwrap_or((i64::MIN, i64::MAX));
        let early = Reason::ALL.into_iter().filter(|r| r.precedes_holdout());
        let row = sqlx::query(COUNT)
            .bind(json(&early.map(Reason::as_str).collect::<Vec<_>>())?)
            .bind(json(question.kinds)?)
            .bind(i64::from(question.within_days))
            .bind(DAY)
            .bind(question.rule)
            .bind(since)
            .bind(until)
            .bind(first)
            .bind(last)
            .bind(question.now.as_millisecond())
            .fetch_one(&mut *tx)
            .await?;
        let columns = &mut Columns::of(&row);
        let waiting = columns.small()?;
        let mut pair = || Ok::<_, sqlx::Error>((columns.small()?, columns.small()?));
        Ok(Tally {
            days: days
                .map(|(first, last)| Ok::<_, sqlx::Error>((day_of(first)?, day_of(last)?)))
                .transpose()?,
            meant: pair()?,
            holdout: pair()?,
            sent: pair()?,
            unknown: columns.small()?,
            waiting,
        })
    }
}
