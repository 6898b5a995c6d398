//! People: what a source gives -> the tables of customers and events, within one transaction.
//!
//! May not know where rows come from. Whatever changes marks its customer as
//! touched, so that the planner looks again, and raises the customer's revision, so that nobody
//! sends on a view from before.

use std::collections::HashSet;

use jiff::Timestamp;
use sqlx::Row as _;

use super::columns::json;
use super::customers::Intake;
use super::dialect::{Bulk, Connection, Pool, rows, texts};
use super::flood::Flood;
use super::gather::{Batch, Packing, Room};
use super::keep::past_stays_past;
use super::marks::Marks;
use super::rows::{CustomerRow, EVENT_HEAD, EVENT_PARAMETERS, EVENT_TAIL, bind_event};
use crate::model::{Customer, Event, Refusal, Told};
use crate::points::reach;

/// Customers whose changes are noted together: bounds memory, and spares customers with many
/// events in one file.
const NOTE_TOGETHER: usize = 10_000;

/// Which file is applied.
#[derive(Debug, Clone, Copy)]
pub struct FileMeta<'a> {
    /// The source's name in the settings.
    pub source: &'a str,
    /// The file's path, or what stands for it.
    pub path: &'a str,
    /// Changes whenever the file's bytes, or how they are read, change.
    pub fingerprint: &'a str,
    /// Now.
    pub now: Timestamp,
}

/// One row of a file.
#[derive(Debug, Clone)]
pub enum FileRow {
    /// A customer, and what the row speaks of.
    Customer(Box<Customer>, Told),
    /// An event.
    Event(Box<Event>),
    /// A record that can't be used.
    Refused(Box<Refusal>),
}

/// What a file changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Applied {
    /// Records that weren't there before.
    pub new: u64,
    /// Records that were, and differ now.
    pub changed: u64,
    /// Records that were the same.
    pub unchanged: u64,
    /// Records that are in quarantine now.
    pub refused: u64,
    /// Records of people who asked to be forgotten, which are passed over.
    pub forgotten: u64,
}

/// Rows that are being taken in: a file's, or what somebody hands in.
pub(super) struct Load<'a, 'c> {
    pub(super) tx: sqlx::Transaction<'c, sqlx::Sqlite>,
    pub(super) meta: FileMeta<'a>,
    /// Under which number changes are noted; 0 before the first of them.
    seq: i64,
    /// What comes row by row becomes batches here.
    pub(super) packing: Packing<'a>,
    batch: Batch,
    pub(super) intake: Intake,
    event_bulk: Bulk,
    /// Customers of changed events, whose revision hasn't been raised.
    pub(super) raised: HashSet<String>,
    pub(super) applied: Applied,
}

impl<'a, 'c> Load<'a, 'c> {
    pub(super) fn new(tx: sqlx::Transaction<'c, sqlx::Sqlite>, meta: FileMeta<'a>) -> Self {
        Self {
            tx,
            meta,
            seq: 0,
            packing: Packing::new(meta),
            batch: Batch::default(),
            intake: Intake::new(),
            event_bulk: Bulk::new(EVENT_HEAD, EVENT_PARAMETERS, EVENT_TAIL),
            raised: HashSet::new(),
            applied: Applied::default(),
        }
    }

    /// Begins with all that the source has.
    pub(super) async fn start(&mut self, key: &[u8; 32]) -> sqlx::Result<()> {
        self.start_beside(key).await?;
        sqlx::query("DELETE FROM quarantine WHERE source = $1 AND path = $2")
            .bind(self.meta.source)
            .bind(self.meta.path)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// The same, but what was refused before stays refused.
    pub(super) async fn start_beside(&mut self, key: &[u8; 32]) -> sqlx::Result<()> {
        self.number_touches().await?;
        self.know_who_is_who(key).await
    }

    /// From now on whoever asked to be forgotten is passed over, and whoever is new gets a number.
    pub(super) async fn know_who_is_who(&mut self, key: &[u8; 32]) -> sqlx::Result<()> {
        self.packing.marks = Marks::read(&mut self.tx, key).await?;
        self.packing.number =
            sqlx::query_scalar("SELECT COALESCE(MAX(number), 0) + 1 FROM customer")
                .fetch_one(&mut *self.tx)
                .await?;
        Ok(())
    }

    /// Where many new customers come, it is put up with; who was there before is looked up by these
    /// connections.
    pub(super) fn expect_floods(&mut self, readers: &Pool) {
        let before = u64::try_from(self.packing.number - 1).unwrap_or(0);
        self.intake.flood = Flood::Ahead {
            readers: readers.clone(),
            before,
        };
    }

    /// Takes a row in; it may wait for others.
    pub(super) async fn take(&mut self, row: FileRow) -> sqlx::Result<()> {
        match self.packing.add(&mut self.batch, row)? {
            Room::Left => {}
            Room::Full => self.write_batch().await?,
            Room::For(row) => {
                self.write_batch().await?;
                self.packing.add(&mut self.batch, row)?;
            }
        }
        Ok(())
    }

    /// Writes all that waits.
    pub(super) async fn write_waiting(&mut self) -> sqlx::Result<()> {
        self.batch.flush = true;
        self.write_batch().await
    }

    async fn write_batch(&mut self) -> sqlx::Result<()> {
        let mut batch = std::mem::take(&mut self.batch);
        self.packing.expect_new = self.intake.expects_new();
        self.packing.close(&mut batch)?;
        self.write(batch).await.map(drop)
    }

    /// Hands back what isn't needed any more.
    pub(super) async fn write(&mut self, batch: Batch) -> sqlx::Result<Vec<CustomerRow>> {
        let to = (&mut *self.tx, &self.meta);
        let mut spent = Vec::new();
        self.applied.forgotten += batch.forgotten;
        if !batch.customers.is_empty() {
            let some = (batch.customers, batch.ready);
            spent = self.intake.take(to, some, &mut self.applied).await?;
            if self.intake.sees_a_flood(&self.applied) {
                let to = (&mut *self.tx, &self.meta);
                self.intake.flush(to, &mut self.applied).await?;
                self.intake.begin_flood(&mut self.tx).await?;
            }
        }
        if !batch.events.is_empty() {
            self.end_flood().await?;
            self.write_events(batch.events).await?;
        }
        if !batch.refusals.is_empty() {
            self.write_refusals(self.meta.path, &batch.refusals).await?;
            self.heed(&batch.refusals).await?;
        }
        if batch.flush {
            let to = (&mut *self.tx, &self.meta);
            self.intake.flush(to, &mut self.applied).await?;
        }
        if self.intake.touched() + self.raised.len() >= NOTE_TOGETHER {
            self.note().await?;
        }
        Ok(spent)
    }

    /// Everything can be found again by its indexes.
    pub(super) async fn end_flood(&mut self) -> sqlx::Result<()> {
        if self.intake.flood.is_on() {
            let to = (&mut *self.tx, &self.meta);
            self.intake.flush(to, &mut self.applied).await?;
            let applied = &mut self.applied;
            self.intake.end_flood(&mut self.tx, applied).await?;
        }
        Ok(())
    }

    async fn write_events(&mut self, waiting: Vec<Event>) -> sqlx::Result<()> {
        let mut query = self.event_bulk.query(waiting.len());
        for one in &waiting {
            query = bind_event(query, &self.meta, one)?;
        }
        let (mut differ, mut updated) = (0_usize, 0_usize);
        for row in query.fetch_all(&mut *self.tx).await? {
            differ += 1;
            self.raised.insert(row.try_get(0)?);
            if let Some(before) = row.try_get::<Option<String>, _>(1)? {
                updated += 1;
                self.raised.insert(before);
            }
        }
        self.applied.new += (differ - updated) as u64;
        self.applied.changed += updated as u64;
        self.applied.unchanged += (waiting.len() - differ) as u64;
        Ok(())
    }

    /// Whether anything changed of which the planner hasn't been told yet.
    pub(super) fn has_news(&self) -> bool {
        self.intake.touched() > 0 || self.intake.arrived().is_some() || !self.raised.is_empty()
    }

    async fn number_touches(&mut self) -> sqlx::Result<()> {
        if self.seq == 0 {
            self.seq = next_touch(&mut self.tx).await?;
        }
        Ok(())
    }

    /// Notes whose view changed.
    async fn note(&mut self) -> sqlx::Result<()> {
        if !self.has_news() {
            return Ok(());
        }
        self.number_touches().await?;
        let raised: Vec<String> = self.raised.drain().collect();
        if !raised.is_empty() {
            let raised = json(&raised)?;
            raise(&mut self.tx, &raised, self.seq).await?;
            let known = past_stays_past(&mut self.tx, &raised).await?;
            self.applied.new = self.applied.new.saturating_sub(known);
            self.applied.unchanged += known;
        }
        let touched = self.intake.take_touched();
        if !touched.is_empty() {
            touch_numbers(&mut self.tx, &json(&touched)?, self.seq).await?;
        }
        Ok(())
    }

    /// Notes whose view changed, and who is new. Nothing may be written afterwards.
    pub(super) async fn note_all(&mut self) -> sqlx::Result<()> {
        self.note().await?;
        if let Some((first, last)) = self.intake.arrived() {
            self.number_touches().await?;
            sqlx::query("INSERT INTO arrived (seq, first, last) VALUES ($1, $2, $3)")
                .bind(self.seq)
                .bind(first)
                .bind(last)
                .execute(&mut *self.tx)
                .await?;
        }
        Ok(())
    }

    /// Writes all that waits, and what the file was.
    pub(super) async fn settle(&mut self) -> sqlx::Result<()> {
        self.write_waiting().await?;
        self.end_flood().await?;
        self.note_all().await?;
        let Applied {
            new,
            changed,
            unchanged,
            refused,
            forgotten,
        } = self.applied;
        let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        sqlx::query(
            "INSERT INTO source_file (source, path, fingerprint, applied_at, row_count, refused) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (source, path) DO UPDATE SET \
             fingerprint = excluded.fingerprint, applied_at = excluded.applied_at, \
             row_count = excluded.row_count, refused = excluded.refused",
        )
        .bind(self.meta.source)
        .bind(self.meta.path)
        .bind(self.meta.fingerprint)
        .bind(self.meta.now.as_millisecond())
        .bind(count(new + changed + unchanged + refused + forgotten))
        .bind(count(refused))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    pub(super) async fn commit(self) -> sqlx::Result<Applied> {
        reach("sync-commit");
        self.tx.commit().await?;
        reach("sync-durable");
        Ok(self.applied)
    }
}

/// The number under which this transaction's touches are noted. Raising it first also makes
/// transactions that touch wait for each other, so that numbers become visible in order.
pub(super) async fn next_touch(tx: &mut Connection) -> sqlx::Result<i64> {
    let text: String = sqlx::query_scalar(
        "INSERT INTO meta (key, value) VALUES ('touch_seq', '1') ON CONFLICT (key) DO UPDATE SET \
         value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT) RETURNING value",
    )
    .fetch_one(&mut *tx)
    .await?;
    text.parse()
        .map_err(|_| super::columns::nonsense("touch_seq"))
}

/// Notes that the planner must look at these customers (a JSON list of ids) again.
pub(super) async fn touch(tx: &mut Connection, ids: &str, seq: i64) -> sqlx::Result<()> {
    sqlx::query(concat!(
        "INSERT INTO touched (customer, seq) SELECT number, $2 FROM customer WHERE id IN ",
        texts!("$1"),
        " ON CONFLICT (customer) DO UPDATE SET seq = excluded.seq"
    ))
    .bind(ids)
    .bind(seq)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// The same of customers by their numbers.
pub(super) async fn touch_numbers(
    tx: &mut Connection,
    numbers: &str,
    seq: i64,
) -> sqlx::Result<()> {
    sqlx::query(concat!(
        "INSERT INTO touched (customer, seq) SELECT CAST(value AS BIGINT), $2 FROM ",
        rows!("$1"),
        " WHERE true ON CONFLICT (customer) DO UPDATE SET seq = excluded.seq"
    ))
    .bind(numbers)
    .bind(seq)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Raises the revisions of these customers (a JSON list of ids), and touches them.
pub(super) async fn raise(tx: &mut Connection, ids: &str, seq: i64) -> sqlx::Result<()> {
    sqlx::query(concat!(
        "UPDATE customer SET revision = revision + 1 WHERE id IN ",
        texts!("$1")
    ))
    .bind(ids)
    .execute(&mut *tx)
    .await?;
    touch(tx, ids, seq).await
}
