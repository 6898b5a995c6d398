//! Rows of a file -> batches, each of records that can be written together.
//!
//! Whatever can be made ready without the store is made ready here, while the store is busy with the
//! batch before. May not run a statement.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::customers::{Ready, TOGETHER};
use super::dialect::Bulk;
use super::people::{FileMeta, FileRow};
use super::rows::CustomerRow;
use crate::model::{Event, Refusal};

/// Rows that are read before the store's next statement gets its turn.
const TURN: usize = 16;

/// Records that may wait to be written together with their like; each holds about a kilobyte.
const MOST_WAITING: usize = 2_000;

/// Refusals written together.
const REFUSALS_TOGETHER: usize = 500;

/// Rows that are written together.
#[derive(Default)]
pub(super) struct Batch {
    /// Either customers, …
    pub(super) customers: Vec<CustomerRow>,
    /// (the same, ready to be written as new ones, if they are likely to be)
    pub(super) ready: Option<Ready>,
    /// … or events, none of them twice.
    pub(super) events: Vec<Event>,
    pub(super) refusals: Vec<Refusal>,
    /// Whether all that waits must be written before the next: it may be about the same records.
    pub(super) flush: bool,
    /// Whether it is the last.
    pub(super) last: bool,
}

/// What kept a row from being gathered.
pub(super) enum Broken<E> {
    Rows(E),
    Store(sqlx::Error),
}

/// Rows on their way into a batch.
pub(super) struct Gathering<'a, I> {
    rows: I,
    meta: FileMeta<'a>,
    /// Whether the customers are likely to be new.
    pub(super) expect_new: bool,
    /// Columns that no customer of this file has had a value for. Once there was one the column
    /// stays, so that there are few statements.
    empty: u32,
    /// A row that begins the next batch.
    put_off: Option<FileRow>,
    /// Hashes of the ids of all records that may still wait to be written.
    waiting: HashSet<u64>,
    /// The number of the next customer, should they be new.
    number: i64,
}

impl<'a, I, E> Gathering<'a, I>
where
    I: Iterator<Item = Result<FileRow, E>> + Send,
{
    pub(super) fn new(rows: I, meta: FileMeta<'a>, first_number: i64) -> Self {
        Self {
            rows,
            meta,
            expect_new: true,
            empty: u32::MAX,
            put_off: None,
            waiting: HashSet::new(),
            number: first_number,
        }
    }

    pub(super) async fn next(&mut self) -> Result<Batch, Broken<E>> {
        let mut batch = Batch::default();
        for n in 1_usize.. {
            if n.is_multiple_of(TURN) {
                // So that the store's next statement can begin.
                tokio::task::yield_now().await;
            }
            let row = match self.put_off.take() {
                Some(row) => Some(row),
                None => self.rows.next().transpose().map_err(Broken::Rows)?,
            };
            let Some(row) = row else {
                batch.last = true;
                break;
            };
            if !self.add(&mut batch, row).map_err(Broken::Store)? {
                break;
            }
        }
        batch.flush |= batch.last || self.waiting.len() >= MOST_WAITING;
        if batch.flush {
            self.waiting.clear();
        }
        if self.expect_new && batch.customers.len() == TOGETHER {
            let ready = Ready::of(&self.meta, &batch.customers, self.empty);
            let ready = ready.map_err(Broken::Store)?;
            self.empty = ready.empty();
            batch.ready = Some(ready);
        }
        Ok(batch)
    }

    /// Whether the batch takes more.
    fn add(&mut self, batch: &mut Batch, row: FileRow) -> sqlx::Result<bool> {
        let (id, others) = match &row {
            FileRow::Refused(_) => ("", false),
            FileRow::Customer(one) => (one.id.as_str(), !batch.events.is_empty()),
            FileRow::Event(one) => (one.id.as_str(), !batch.customers.is_empty()),
        };
        let refused = matches!(row, FileRow::Refused(_));
        if others || !refused && !self.waiting.insert(hash(id)) {
            batch.flush = true;
            self.put_off = Some(row);
            return Ok(false);
        }
        match row {
            FileRow::Customer(one) => {
                batch.customers.push(CustomerRow::new(*one, self.number)?);
                self.number += 1;
            }
            FileRow::Event(one) => batch.events.push(*one),
            FileRow::Refused(one) => batch.refusals.push(*one),
        }
        Ok(batch.customers.len() < TOGETHER
            && batch.events.len() < Bulk::ROWS
            && batch.refusals.len() < REFUSALS_TOGETHER)
    }
}

fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}
