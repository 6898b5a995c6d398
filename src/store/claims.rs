//! Claims: which entries are in hand.
//!
//! Only one process sends, so they are kept in memory, and end with it. A transaction sees what
//! was claimed before it and what it changed itself; the rest is noted once it is durable.
//! May not begin or end a transaction.

use std::collections::{HashMap, HashSet};

use super::Entry;
use super::columns::{Columns, json, lists};
use super::dialect::{Connection, lists_of};
use super::ledger::{entry_columns, entry_of};
use super::outbox::Claim;

/// Entries in hand, with their numbers.
#[derive(Debug, Default)]
pub(super) struct Claims {
    numbers: HashMap<String, i64>,
}

/// What one transaction changes about them.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    before: &'a Claims,
    ended: HashSet<&'a str>,
    taken: Vec<(String, i64)>,
}

/// The same, on its own.
#[derive(Debug)]
pub(super) struct Changes {
    ended: Vec<String>,
    taken: Vec<(String, i64)>,
}

impl Claims {
    pub(super) fn turn(&self) -> Turn<'_> {
        Turn {
            before: self,
            ended: HashSet::new(),
            taken: Vec::new(),
        }
    }

    /// Notes what is durable now.
    pub(super) fn apply(&mut self, changes: Changes) {
        for id in &changes.ended {
            self.numbers.remove(id);
        }
        self.numbers.extend(changes.taken);
    }

    /// Gives everything back; how many entries that were.
    pub(super) fn release(&mut self) -> usize {
        std::mem::take(&mut self.numbers).len()
    }
}

impl<'a> Turn<'a> {
    /// The number of an entry that is in hand.
    pub(super) fn number(&self, id: &str) -> Option<i64> {
        let number = self.before.numbers.get(id).copied();
        number.filter(|_| !self.ended.contains(id))
    }

    /// The entry is sending, or something became of it.
    pub(super) fn end(&mut self, id: &'a str) {
        self.ended.insert(id);
    }

    pub(super) fn changes(self) -> Changes {
        Changes {
            ended: self.ended.into_iter().map(str::to_owned).collect(),
            taken: self.taken,
        }
    }

    /// Numbers of what is in hand by now.
    fn numbers(&self) -> Vec<i64> {
        let before = self.before.numbers.iter();
        let still = before.filter(|(id, _)| !self.ended.contains(id.as_str()));
        still
            .map(|(_, number)| *number)
            .chain(self.taken.iter().map(|(_, number)| *number))
            .collect()
    }
}

/// Takes what is due, priority by priority, so that each step reads only what it takes: sorting
/// everything that is due for every handful would make a holiday's queue quadratic.
pub(super) async fn claim(
    tx: &mut Connection,
    claim: Claim,
    turn: &mut Turn<'_>,
) -> sqlx::Result<Vec<Entry>> {
    let mut taken: Vec<Entry> = Vec::new();
    let mut below = i64::from(u8::MAX);
    while taken.len() < claim.limit as usize {
        let Some(priority) = lower_priority(tx, below).await? else {
            break;
        };
        below = priority;
        let wanted = i64::from(claim.limit) - i64::try_from(taken.len()).unwrap_or(i64::MAX);
        let some: String = sqlx::query_scalar(concat!(
            "SELECT ",
            lists_of!(concat!("number, ", entry_columns!())),
            " FROM (SELECT * FROM ledger \
                 WHERE outcome IN ('planned', 'deferred', 'held') AND priority = $1 \
                   AND next_attempt_at <= $2 AND rule NOT IN (SELECT rule FROM paused) \
                   AND NOT EXISTS (SELECT 1 FROM paused WHERE rule = '') \
                   AND number NOT IN (SELECT CAST(value AS BIGINT) FROM json_each($4)) \
                 ORDER BY next_attempt_at, due_at, customer, id LIMIT $3)"
        ))
        .bind(priority)
        .bind(claim.now.as_millisecond())
        .bind(wanted)
        .bind(json(&turn.numbers())?)
        .fetch_one(&mut *tx)
        .await?;
        for row in lists(&some)? {
            let columns = &mut Columns::of_list(row);
            let number = columns.number()?;
            let entry = entry_of(columns)?;
            turn.taken.push((entry.id.clone(), number));
            taken.push(entry);
        }
    }
    Ok(taken)
}

/// The next lower priority of anything that waits: one jump in the index.
pub(super) async fn lower_priority(tx: &mut Connection, below: i64) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar(
        "SELECT MAX(priority) FROM ledger \
         WHERE outcome IN ('planned', 'deferred', 'held') AND priority < $1",
    )
    .bind(below)
    .fetch_one(&mut *tx)
    .await
}
