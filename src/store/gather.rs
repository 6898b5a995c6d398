//! Rows of a file -> batches, each of records that can be written together.
//!
//! Whatever can be made ready without the store is made ready here, while the store is busy with the
//! batch before. May not run a statement.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::customers::{Ready, TOGETHER};
use super::dialect::Bulk;
use super::marks::Marks;
use super::people::{FileMeta, FileRow};
use super::refused::Refused;
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
    /// Rows of people who asked to be forgotten, which are passed over.
    pub(super) forgotten: u64,
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

/// Whether a batch takes more.
pub(super) enum Room {
    Left,
    Full,
    /// It is full, and this row begins the next.
    For(FileRow),
}

/// Rows becoming batches.
pub(super) struct Packing<'a> {
    meta: FileMeta<'a>,
    /// Who asked to be forgotten, and doesn't come back with the next file.
    pub(super) marks: Marks,
    /// Whether the customers are likely to be new.
    pub(super) expect_new: bool,
    /// Columns that no customer of this file has had a value for. Once there was one the column
    /// stays, so that there are few statements.
    empty: u32,
    /// Hashes of the ids of all records that may still wait to be written.
    waiting: HashSet<u64>,
    /// The number of the next customer, should they be new.
    pub(super) number: i64,
}

impl<'a> Packing<'a> {
    /// Nobody is known as forgotten yet, nor is the next number.
    pub(super) fn new(meta: FileMeta<'a>) -> Self {
        Self {
            meta,
            marks: Marks::default(),
            expect_new: true,
            empty: u32::MAX,
            waiting: HashSet::new(),
            number: 0,
        }
    }

    /// Adds a row to the batch. A row that is handed back fits into an empty one.
    pub(super) fn add(&mut self, batch: &mut Batch, row: FileRow) -> sqlx::Result<Room> {
        let (forgotten, id, others) = match &row {
            FileRow::Customer(one, _) => (
                self.marks.know(one),
                Some(one.id.as_str()),
                !batch.events.is_empty(),
            ),
            FileRow::Event(one) => (
                self.marks.know_whose(one),
                Some(one.id.as_str()),
                !batch.customers.is_empty(),
            ),
            FileRow::Refused(one) => (self.marks.know_refused(one), None, false),
        };
        if forgotten {
            batch.forgotten += 1;
            return Ok(Room::Left);
        }
        if others || id.is_some_and(|id| !self.waiting.insert(hash(id))) {
            batch.flush = true;
            return Ok(Room::For(row));
        }
        match row {
            FileRow::Customer(one, told) => {
                batch
                    .customers
                    .push(CustomerRow::new(*one, told, self.number)?);
                self.number += 1;
            }
            FileRow::Event(one) => batch.events.push(*one),
            FileRow::Refused(one) => batch.refusals.push(*one),
        }
        let room = batch.customers.len() < TOGETHER
            && batch.events.len() < Bulk::ROWS
            && batch.refusals.len() < REFUSALS_TOGETHER;
        Ok(if room { Room::Left } else { Room::Full })
    }

    /// Makes a batch ready to be written.
    pub(super) fn close(&mut self, batch: &mut Batch) -> sqlx::Result<()> {
        batch.flush |= batch.last || self.waiting.len() >= MOST_WAITING;
        if batch.flush {
            self.waiting.clear();
        }
        if self.expect_new && batch.customers.len() == TOGETHER {
            let ready = Ready::of(&self.meta, &batch.customers, self.empty)?;
            self.empty = ready.empty();
            batch.ready = Some(ready);
        }
        Ok(())
    }
}

/// Where rows come from.
pub(super) trait Coming: Send {
    /// What keeps them from coming.
    type Error: Send;

    /// The next row, where there is one.
    fn next(&mut self) -> impl Future<Output = NextRow<Self::Error>> + Send;
}

/// A row, or none any more.
pub(super) type NextRow<E> = Result<Option<FileRow>, Broken<E>>;

/// Rows of a file, one by one, and the records that other files of its source had and that couldn't be
/// used.
pub(super) struct OneByOne<I> {
    pub(super) rows: I,
    pub(super) refused: Refused,
}

impl<I, E> Coming for OneByOne<I>
where
    I: Iterator<Item = Result<FileRow, E>> + Send,
    E: Send,
{
    type Error = E;

    async fn next(&mut self) -> NextRow<E> {
        let row = self.rows.next().transpose().map_err(Broken::Rows)?;
        if !self.refused.is_empty() {
            let id = row.as_ref().and_then(|row| match row {
                FileRow::Customer(one, _) => Some(one.id.as_str()),
                FileRow::Event(one) => Some(one.id.as_str()),
                FileRow::Refused(one) => one.of.id.as_deref(),
            });
            if let Some(id) = id {
                self.refused.see(id);
            }
        }
        Ok(row)
    }
}

/// Rows on their way into batches.
pub(super) struct Gathering<'a, C> {
    pub(super) rows: C,
    pub(super) packing: Packing<'a>,
    /// A row that begins the next batch.
    put_off: Option<FileRow>,
}

impl<'a, C: Coming> Gathering<'a, C> {
    pub(super) const fn new(rows: C, packing: Packing<'a>) -> Self {
        Self {
            rows,
            packing,
            put_off: None,
        }
    }

    pub(super) async fn next(&mut self) -> Result<Batch, Broken<C::Error>> {
        let mut batch = Batch::default();
        for n in 1_usize.. {
            if n.is_multiple_of(TURN) {
                // So that the store's next statement can begin.
                tokio::task::yield_now().await;
            }
            let row = match self.put_off.take() {
                Some(row) => Some(row),
                None => self.rows.next().await?,
            };
            let Some(row) = row else {
                batch.last = true;
                break;
            };
            match self.packing.add(&mut batch, row).map_err(Broken::Store)? {
                Room::Left => {}
                Room::Full => break,
                Room::For(row) => {
                    self.put_off = Some(row);
                    break;
                }
            }
        }
        self.packing.close(&mut batch).map_err(Broken::Store)?;
        Ok(batch)
    }
}

fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}
