//! The ways by which pages of the ledger are read: which index leads to what is wanted, and its text.
//!
//! May not run any of them.

use jiff::civil::Date;

use super::columns::day_number;
use super::dialect::texts;
use super::ledger::entry_columns;
use super::pages::{Wanted, Which};
use crate::model::Outcome;

const DAY_MILLISECONDS: i64 = 24 * 60 * 60 * 1000;

/// What of it is wanted, beside what a way leads to.
macro_rules! wanted {
    () => {
        concat!(
            " AND (CAST($5 AS TEXT) IS NULL OR rule = $5) \
              AND (CAST($6 AS TEXT) IS NULL OR customer = $6) \
              AND (CAST($7 AS TEXT) IS NULL OR outcome IN ",
            texts!("$7"),
            ") AND (CAST($8 AS BIGINT) IS NULL OR due_day = $8) \
               AND (CAST($10 AS BIGINT) IS NULL OR (decided_at >= $10 AND decided_at < $11))"
        )
    };
}

/// Those of an index that leads to few. They are put in order by their numbers alone, so that only a
/// page of them is read whole. A plus keeps the database from another index.
macro_rules! page {
    ($found:expr) => {
        concat!(
            "SELECT ",
            entry_columns!(),
            ", number FROM ledger WHERE number IN (SELECT number FROM (\
             SELECT number FROM ledger WHERE ",
            $found,
            " AND +due_at <= $1 AND (due_at < $1 OR number < $2) AND +due_at >= $3 \
              AND CAST($4 AS BIGINT) IS NOT NULL",
            wanted!(),
            " ORDER BY +due_at DESC, number DESC LIMIT $9) AS few) \
             ORDER BY due_at DESC, number DESC"
        )
    };
}

/// So many entries from a place on, from the index alone. What is due at the same moment may be a
/// hundred thousand letters: their numbers are a part of the search, not a condition that each is
/// tried by.
macro_rules! span {
    ($key:literal, $found:literal) => {
        concat!(
            "SELECT number, key FROM (\
             SELECT number, ",
            $key,
            " AS key FROM ledger WHERE ",
            $found,
            " AND ",
            $key,
            " = $1 AND number < $2 UNION ALL SELECT number, ",
            $key,
            " AS key FROM ledger WHERE ",
            $found,
            " AND ",
            $key,
            " < $1 AND ",
            $key,
            " >= $3 ORDER BY key DESC, number DESC LIMIT $4) AS span"
        )
    };
}

/// Those of a span that are wanted.
macro_rules! along {
    ($key:literal, $found:literal) => {
        concat!(
            "SELECT ",
            entry_columns!(),
            ", number FROM ledger WHERE number IN (SELECT number FROM (",
            span!($key, $found),
            ") AS numbers)",
            wanted!(),
            " ORDER BY ",
            $key,
            " DESC, number DESC LIMIT $9"
        )
    };
}

/// The last entry of a span.
macro_rules! bottom {
    ($key:literal, $found:literal) => {
        concat!(
            "SELECT key, number FROM (",
            span!($key, $found),
            ") AS whole ORDER BY key, number LIMIT 1"
        )
    };
}

/// Of one customer: few.
pub(super) const BY_CUSTOMER: &str = page!("customer = $6");
/// What needs somebody: few.
pub(super) const BY_OPEN: &str = page!(concat!(
    "outcome IN ",
    texts!("$7"),
    " AND outcome IN ('sending', 'held', 'unknown')"
));
/// The same of one rule.
pub(super) const BY_OPEN_RULE: &str = page!(concat!(
    "outcome IN ",
    texts!("$7"),
    " AND outcome IN ('sending', 'held', 'unknown') AND rule = $5"
));
/// What failed, which is rare.
pub(super) const BY_FAILED: &str = page!("outcome IN ('rejected', 'expired')");
/// What waits, while it isn't much. What is held is in the same index.
pub(super) const BY_WAITING: &str = page!(
    "number IN (SELECT number FROM ledger WHERE outcome IN ('planned', 'deferred', 'held') \
     UNION ALL SELECT number FROM ledger WHERE outcome = 'sending' \
     AND outcome IN ('sending', 'held', 'unknown'))"
);
pub(super) const BY_RULE: &str = along!("due_day", "rule = $5");
pub(super) const RULE_BOTTOM: &str = bottom!("due_day", "rule = $5");
pub(super) const BY_DUE: &str = along!("due_at", "1 = 1");
pub(super) const DUE_BOTTOM: &str = bottom!("due_at", "1 = 1");

/// By which way the entries are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// One index leads to all of them, and to no others.
    Straight(&'static str),
    /// Along an index, looking at each; with the query for the span's end, and whether its key is a
    /// day's number.
    Along(&'static str, &'static str, bool),
}

/// The way for what is wanted, where as many wait as is said. What is open is never looked for along a
/// rule's other entries: there may be thousands of them in between.
pub(super) fn way(wanted: &Wanted, few_wait: bool) -> Way {
    if wanted.customer.is_some() {
        return Way::Straight(BY_CUSTOMER);
    }
    match (wanted.which, &wanted.rule) {
        (Which::One(Outcome::Held | Outcome::Unknown | Outcome::Sending), Some(_)) => {
            Way::Straight(BY_OPEN_RULE)
        }
        (Which::One(Outcome::Held | Outcome::Unknown | Outcome::Sending), None) => {
            Way::Straight(BY_OPEN)
        }
        (Which::One(Outcome::Rejected | Outcome::Expired) | Which::Failed, _) => {
            Way::Straight(BY_FAILED)
        }
        (Which::Waiting | Which::One(Outcome::Planned | Outcome::Deferred), _) if few_wait => {
            Way::Straight(BY_WAITING)
        }
        // By the same key as where few wait, so that a page that was begun goes on.
        (Which::Waiting | Which::One(Outcome::Planned | Outcome::Deferred), _)
        | (Which::Any | Which::One(Outcome::Sent | Outcome::Skipped), None) => {
            Way::Along(BY_DUE, DUE_BOTTOM, false)
        }
        (Which::Any | Which::One(Outcome::Sent | Outcome::Skipped), Some(_)) => {
            Way::Along(BY_RULE, RULE_BOTTOM, true)
        }
    }
}

/// The keys between which a day's entries lie.
pub(super) fn bounds(way: Way, day: Option<Date>) -> (i64, i64) {
    let Some(day) = day.map(day_number) else {
        return (i64::MIN, i64::MAX);
    };
    match way {
        Way::Along(_, _, true) => (day, day),
        // Somewhere it is that day; and a letter without an hour may be due on it anywhere.
        Way::Along(_, _, false) | Way::Straight(_) => {
            ((day - 2) * DAY_MILLISECONDS, (day + 3) * DAY_MILLISECONDS)
        }
    }
}
