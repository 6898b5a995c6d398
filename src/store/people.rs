//! People: taking a source's file in, whole or not at all.
//!
//! May not read the file: rows come from an iterator. Whatever changes marks its customer as
//! touched, so that the planner looks again, and raises the customer's revision, so that nobody
//! sends on a view from before.

use std::collections::HashSet;

use jiff::Timestamp;
use sqlx::Row as _;

use super::columns::json;
use super::dialect::{Bulk, Connection, Transaction, rows, texts};
use super::rows::{
    CUSTOMER_HEAD, CUSTOMER_PARAMETERS, CUSTOMER_TAIL, EVENT_HEAD, EVENT_PARAMETERS, EVENT_TAIL,
    bind_customer, bind_event, dates_of, month_day,
};
use super::{ApplyError, Store, StoreError};
use crate::model::{Customer, Event, Refusal};
use crate::points::reach;

/// Customers whose changes are noted together: bounds memory, and spares customers with many
/// events in one file.
const NOTE_TOGETHER: usize = 10_000;

/// Refusals written together.
const REFUSALS_TOGETHER: usize = 500;

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
    /// A customer.
    Customer(Box<Customer>),
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
}

impl Store {
    /// The fingerprint with which this file was last applied.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn file_fingerprint(
        &self,
        source: &str,
        path: &str,
    ) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar("SELECT fingerprint FROM source_file WHERE source = $1 AND path = $2")
            .bind(source)
            .bind(path)
            .fetch_optional(self.reader())
            .await
            .map_err(|error| self.trouble(error))
    }

    /// Applies a file's rows in one transaction: all of them, or, when the rows end in an error or
    /// the store fails, none. Its quarantined records replace those of its last reading. The later
    /// of two rows with one id counts.
    ///
    /// # Errors
    /// [`ApplyError::Rows`] with the iterator's error, or [`ApplyError::Store`].
    pub async fn apply_file<E: Send>(
        &self,
        meta: FileMeta<'_>,
        rows: impl Iterator<Item = Result<FileRow, E>> + Send,
    ) -> Result<Applied, ApplyError<E>> {
        let name = |error| ApplyError::Store(self.trouble(error));
        let mut load = Load::new(self.begin().await.map_err(name)?, meta);
        reach("sync-begin");
        load.start().await.map_err(name)?;
        for row in rows {
            // An early return drops the transaction, which rolls it back.
            load.take(row.map_err(ApplyError::Rows)?)
                .await
                .map_err(name)?;
        }
        load.finish().await.map_err(name)
    }
}

/// Rows that are being taken in: a file's, or what somebody hands in.
pub(super) struct Load<'a> {
    pub(super) tx: Transaction,
    meta: FileMeta<'a>,
    pub(super) seq: i64,
    customer_bulk: Bulk,
    event_bulk: Bulk,
    customers: Vec<Customer>,
    events: Vec<Event>,
    refusals: Vec<Refusal>,
    /// The ids that the waiting customers or events have: one statement can't take one id twice.
    waiting: HashSet<String>,
    /// Changed records, whose revision has been raised.
    pub(super) touched: HashSet<String>,
    /// Customers of changed events, whose revision hasn't.
    pub(super) raised: HashSet<String>,
    pub(super) applied: Applied,
}

impl<'a> Load<'a> {
    pub(super) fn new(tx: Transaction, meta: FileMeta<'a>) -> Self {
        Self {
            tx,
            meta,
            seq: 0,
            customer_bulk: Bulk::new(CUSTOMER_HEAD, CUSTOMER_PARAMETERS, CUSTOMER_TAIL),
            event_bulk: Bulk::new(EVENT_HEAD, EVENT_PARAMETERS, EVENT_TAIL),
            customers: Vec::with_capacity(Bulk::ROWS),
            events: Vec::with_capacity(Bulk::ROWS),
            refusals: Vec::new(),
            waiting: HashSet::with_capacity(Bulk::ROWS),
            touched: HashSet::new(),
            raised: HashSet::new(),
            applied: Applied::default(),
        }
    }

    async fn start(&mut self) -> sqlx::Result<()> {
        self.seq = next_touch(&mut self.tx).await?;
        sqlx::query("DELETE FROM quarantine WHERE source = $1 AND path = $2")
            .bind(self.meta.source)
            .bind(self.meta.path)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    pub(super) async fn take(&mut self, row: FileRow) -> sqlx::Result<()> {
        match row {
            FileRow::Customer(one) => {
                let full = self.customers.len() == Bulk::ROWS || !self.events.is_empty();
                if full || self.waiting.contains(&one.id) {
                    self.write_waiting().await?;
                }
                self.waiting.insert(one.id.clone());
                self.customers.push(*one);
            }
            FileRow::Event(one) => {
                let full = self.events.len() == Bulk::ROWS || !self.customers.is_empty();
                if full || self.waiting.contains(&one.id) {
                    self.write_waiting().await?;
                }
                self.waiting.insert(one.id.clone());
                self.events.push(*one);
            }
            FileRow::Refused(one) => {
                self.refusals.push(*one);
                if self.refusals.len() == REFUSALS_TOGETHER {
                    self.write_refusals().await?;
                }
            }
        }
        Ok(())
    }

    pub(super) async fn write_waiting(&mut self) -> sqlx::Result<()> {
        self.waiting.clear();
        if !self.customers.is_empty() {
            self.write_customers().await?;
        }
        if !self.events.is_empty() {
            self.write_events().await?;
        }
        if self.touched.len() + self.raised.len() >= NOTE_TOGETHER {
            self.note().await?;
        }
        Ok(())
    }

    async fn write_customers(&mut self) -> sqlx::Result<()> {
        let waiting = std::mem::take(&mut self.customers);
        let mut query = self.customer_bulk.query(waiting.len());
        for one in &waiting {
            query = bind_customer(query, &self.meta, one)?;
        }
        let (mut differ, mut updated) = (HashSet::new(), Vec::new());
        for row in query.fetch_all(&mut *self.tx).await? {
            let id: String = row.try_get(0)?;
            if row.try_get::<i64, _>(1)? > 1 {
                updated.push(id.clone());
            }
            differ.insert(id);
        }
        self.count(waiting.len(), differ.len(), updated.len());
        if !updated.is_empty() {
            sqlx::query(concat!(
                "DELETE FROM customer_date WHERE customer_id IN ",
                texts!("$1")
            ))
            .bind(json(&updated)?)
            .execute(&mut *self.tx)
            .await?;
        }
        let dates: Vec<_> = waiting
            .iter()
            .filter(|one| differ.contains(&one.id))
            .flat_map(|one| dates_of(one).into_iter().map(|date| (&one.id, date)))
            .map(|(id, (field, date))| {
                let month_day = month_day(date.month(), date.day());
                (id, field, date.year(), month_day)
            })
            .collect();
        if !dates.is_empty() {
            sqlx::query(concat!(
                "INSERT INTO customer_date (customer_id, field, year, month_day) \
                 SELECT value->>0, value->>1, CAST(value->>2 AS BIGINT), \
                        CAST(value->>3 AS BIGINT) FROM ",
                rows!("$1")
            ))
            .bind(json(&dates)?)
            .execute(&mut *self.tx)
            .await?;
        }
        self.touched.extend(differ);
        Ok(())
    }

    async fn write_events(&mut self) -> sqlx::Result<()> {
        let waiting = std::mem::take(&mut self.events);
        let mut query = self.event_bulk.query(waiting.len());
        for one in &waiting {
            query = bind_event(query, &self.meta, one)?;
        }
        let (mut differ, mut updated) = (0, 0);
        for row in query.fetch_all(&mut *self.tx).await? {
            differ += 1;
            self.raised.insert(row.try_get(0)?);
            if let Some(before) = row.try_get::<Option<String>, _>(1)? {
                updated += 1;
                self.raised.insert(before);
            }
        }
        self.count(waiting.len(), differ, updated);
        Ok(())
    }

    const fn count(&mut self, rows: usize, differ: usize, updated: usize) {
        self.applied.new += (differ - updated) as u64;
        self.applied.changed += updated as u64;
        self.applied.unchanged += (rows - differ) as u64;
    }

    /// Notes whose view changed.
    pub(super) async fn note(&mut self) -> sqlx::Result<()> {
        let raised: Vec<String> = self.raised.drain().collect();
        if !raised.is_empty() {
            let raised = json(&raised)?;
            raise(&mut self.tx, &raised, self.seq).await?;
            // Events of whoever asked to be forgotten don't come back with the next file.
            sqlx::query(concat!(
                "DELETE FROM event WHERE customer_id IN \
                 (SELECT id FROM customer WHERE erased = 1 AND id IN ",
                texts!("$1"),
                ")"
            ))
            .bind(raised)
            .execute(&mut *self.tx)
            .await?;
        }
        let touched: Vec<String> = self.touched.drain().collect();
        if !touched.is_empty() {
            touch(&mut self.tx, &json(&touched)?, self.seq).await?;
        }
        Ok(())
    }

    async fn write_refusals(&mut self) -> sqlx::Result<()> {
        let waiting: Vec<_> = std::mem::take(&mut self.refusals)
            .into_iter()
            .map(|one| {
                let line = i64::try_from(one.line).unwrap_or(i64::MAX);
                (
                    one.file, line, one.column, one.value, one.reason, one.record,
                )
            })
            .collect();
        self.applied.refused += waiting.len() as u64;
        sqlx::query(concat!(
            "INSERT INTO quarantine \
                 (source, path, seen_at, file, line, column_name, value, reason, record) \
             SELECT $2, $3, $4, value->>0, CAST(value->>1 AS BIGINT), value->>2, value->>3, \
                    value->>4, value->>5 FROM ",
            rows!("$1")
        ))
        .bind(json(&waiting)?)
        .bind(self.meta.source)
        .bind(self.meta.path)
        .bind(self.meta.now.as_millisecond())
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    async fn finish(mut self) -> sqlx::Result<Applied> {
        self.write_waiting().await?;
        self.note().await?;
        if !self.refusals.is_empty() {
            self.write_refusals().await?;
        }
        let Applied {
            new,
            changed,
            unchanged,
            refused,
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
        .bind(count(new + changed + unchanged + refused))
        .bind(count(refused))
        .execute(&mut *self.tx)
        .await?;
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
        "INSERT INTO touched (customer_id, seq) SELECT value, $2 FROM ",
        rows!("$1"),
        " WHERE true ON CONFLICT (customer_id) DO UPDATE SET seq = excluded.seq"
    ))
    .bind(ids)
    .bind(seq)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// The same, and raises their revisions.
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
