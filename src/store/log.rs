//! The log: the ledger's entries as a filter chooses them, in the order in which they were due.
//!
//! Whoever asks for a customer, a rule or a rare outcome doesn't wait until the whole ledger was looked
//! through: what is asked for decides by which index entries are found. May not change anything.

use jiff::Timestamp;

use super::columns::day_number;
use super::dialect::unindexed;
use super::ledger::{entry_columns, read_entry};
use super::{Entry, Store, StoreError};
use crate::model::Outcome;

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

/// Somewhere it is the day before, or the next, and a letter without an hour may be due on any hour of
/// its day: so many days lie between an entry's day and its moment at most.
const SLACK: i64 = 3;

/// By what entries are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The customer, whose entries are few.
    Customer,
    /// An outcome of which there are few.
    Open,
    Failed,
    /// The rule, day by day.
    Rule,
    /// When they are due, looking at each.
    Due,
}

fn by(filter: &Filter) -> By {
    match filter {
        Filter {
            customer: Some(_), ..
        } => By::Customer,
        Filter {
            outcome: Some(Outcome::Held | Outcome::Unknown | Outcome::Sending),
            ..
        } => By::Open,
        Filter {
            outcome: Some(Outcome::Rejected | Outcome::Expired),
            ..
        } => By::Failed,
        Filter { rule: Some(_), .. } => By::Rule,
        Filter { .. } => By::Due,
    }
}

/// The entries that a filter chooses: `$1` since, `$2` until, `$3` rule, `$4` customer, `$5` outcome,
/// `$6` unsettled before, and by rule from the day `$7` to `$8`.
fn chosen(filter: &Filter, by: By) -> String {
    let due = match by {
        By::Due | By::Failed => "due_at",
        By::Customer | By::Open | By::Rule => unindexed!("due_at"),
    };
    let mut text = format!(" FROM ledger WHERE {due} >= $1 AND {due} < $2");
    if filter.rule.is_some() {
        let rule = match by {
            By::Rule => " AND rule = $3 AND due_day >= $7 AND due_day <= $8",
            By::Customer | By::Open | By::Failed | By::Due => {
                concat!(" AND ", unindexed!("rule"), " = $3")
            }
        };
        text.push_str(rule);
    }
    if filter.customer.is_some() {
        text.push_str(" AND customer = $4");
    }
    if filter.outcome.is_some() {
        text.push_str(" AND outcome = $5");
    }
    text.push_str(match by {
        By::Open => " AND outcome IN ('sending', 'held', 'unknown')",
        By::Failed => " AND outcome IN ('rejected', 'expired')",
        By::Customer | By::Rule | By::Due => "",
    });
    if filter.unsettled_before.is_some() {
        text.push_str(
            " AND (outcome IN ('planned', 'deferred', 'held', 'sending') \
                OR COALESCE(decided_at, due_at) >= $6)",
        );
    }
    text
}

/// The latest of them.
pub(super) fn latest(filter: &Filter) -> String {
    let chosen = chosen(filter, by(filter));
    let columns = entry_columns!();
    format!(
        "SELECT {columns}{chosen} \
         ORDER BY due_at DESC, rule DESC, customer DESC, occasion DESC LIMIT $9"
    )
}

/// Of a rule's latest so many the first one's day.
pub(super) fn bottom(filter: &Filter) -> String {
    let chosen = chosen(filter, By::Rule);
    format!("SELECT due_day{chosen} ORDER BY due_day DESC LIMIT 1 OFFSET $9")
}

/// The next behind one, which is due at `$9`.
fn behind(filter: &Filter) -> String {
    // Page by page along one index: by rule, each page would begin with the rule's first entry.
    let by = match by(filter) {
        By::Rule | By::Due => By::Due,
        By::Customer => By::Customer,
        By::Open => By::Open,
        By::Failed => By::Failed,
    };
    let chosen = chosen(filter, by);
    let columns = entry_columns!();
    format!(
        "SELECT {columns}{chosen} \
         AND (CAST($9 AS BIGINT) IS NULL OR due_at > $9 \
              OR (rule, customer, occasion) > ($10, $11, $12)) \
         ORDER BY due_at, rule, customer, occasion LIMIT $13"
    )
}

/// A filter's parameters, with due moments from `$from` on.
macro_rules! bound {
    ($query:expr, $filter:expr, $from:expr, $days:expr) => {
        $query
            .bind($from)
            .bind(moment($filter.until).unwrap_or(i64::MAX))
            .bind(&$filter.rule)
            .bind(&$filter.customer)
            .bind($filter.outcome.map(Outcome::as_str))
            .bind(moment($filter.unsettled_before).unwrap_or(i64::MIN))
            .bind($days.0)
            .bind($days.1)
    };
}

fn moment(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_millisecond)
}

/// The days between which entries lie that are due at these moments.
fn days(filter: &Filter) -> (i64, i64) {
    let day = |at: Timestamp| day_number(jiff::tz::TimeZone::UTC.to_datetime(at).date());
    (
        filter.since.map_or(i64::MIN, |at| day(at) - SLACK),
        filter.until.map_or(i64::MAX, |at| day(at) + SLACK),
    )
}

impl Store {
    /// Entries in the order in which they were due; with a limit, the latest of them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn log(&self, filter: &Filter) -> Result<Vec<Entry>, StoreError> {
        let read = async {
            let from = moment(filter.since).unwrap_or(i64::MIN);
            let mut days = days(filter);
            let mut tx = self.reader().begin().await?;
            if let (By::Rule, Some(limit @ 1..)) = (by(filter), filter.limit) {
                let text = sqlx::AssertSqlSafe(bottom(filter));
                let first: Option<i64> = bound!(sqlx::query_scalar(text), filter, from, days)
                    .bind(i64::from(limit) - 1)
                    .fetch_optional(&mut *tx)
                    .await?;
                // Whatever is due later than one of these can't be of a much earlier day.
                days.0 = first.map_or(days.0, |first| days.0.max(first - 2 * SLACK));
            }
            let text = sqlx::AssertSqlSafe(latest(filter));
            let mut entries: Vec<Entry> = bound!(sqlx::query(text), filter, from, days)
                .bind(filter.limit.map_or(i64::MAX, i64::from))
                .fetch_all(&mut *tx)
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
        let from = moment(filter.since).unwrap_or(i64::MIN);
        let reached = last.map(|last| last.occasion.due_at.as_millisecond());
        let from = reached.map_or(from, |reached| reached.max(from));
        let read = async {
            let text = sqlx::AssertSqlSafe(behind(filter));
            bound!(sqlx::query(text), filter, from, days(filter))
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
}
