//! Customers of a file -> their rows, many in one statement.
//!
//! Most of a file are customers whom nobody knows yet, or customers of whom nothing changed: the
//! former are inserted without a question, the latter only looked up. A row changes hands between
//! two threads, so that no statement may answer with a row for each that it was given. May not know
//! where a file begins and ends.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::FileMeta;
use super::also::{self, Known};
use super::columns::hex;
use super::dates::{DateRow, forget_dates, write_dates_of};
use super::dialect::{Arguments, Connection, values};
use super::flood::Flood;
use super::people::Applied;
use super::rows::{
    CUSTOMER_APPENDED, CUSTOMER_COLUMNS, CUSTOMER_HEAD, CUSTOMER_NEW, CustomerRow, bind_customers,
    customer_changed, month_day,
};
use crate::model::Told;

/// Rows that one statement takes.
pub(super) const TOGETHER: usize = 250;

/// Customers on their way into the store.
pub(super) struct Intake {
    /// Whether the latest were mostly new, so that asking first is not worth it.
    expect_new: bool,
    /// Who seems to be new, and waits to be written.
    pub(super) fresh: Vec<CustomerRow>,
    /// Who differs from what is known, and waits to be written.
    changed: Vec<CustomerRow>,
    /// Dates that wait to be written, by field.
    dates: BTreeMap<Cow<'static, str>, Vec<DateRow>>,
    /// The numbers of customers who changed, for the planner.
    touched: Vec<i64>,
    /// The first and last number of those who are new.
    arrived: Option<(i64, i64)>,
    /// Statements for [`TOGETHER`] rows, by their tail and the columns that are empty.
    texts: HashMap<(String, u32), Arc<str>>,
    /// Whether so many come that the indexes are put aside.
    pub(super) flood: Flood,
}

/// Every column takes a parameter.
const EVERY_COLUMN: u32 = 0;

/// Customers as parameters of the statement that writes them.
pub(super) struct Ready {
    rows: usize,
    /// Columns of which no row has a value.
    empty: u32,
    arguments: Arguments,
}

impl Ready {
    /// Of these, where at most the `empty` columns can be left out.
    pub(super) fn of(meta: &FileMeta<'_>, rows: &[CustomerRow], empty: u32) -> sqlx::Result<Self> {
        let empty = rows.iter().fold(empty, |all, row| all & row.empty());
        let arguments = bind_customers(meta, rows, empty)?;
        let rows = rows.len();
        Ok(Self {
            rows,
            empty,
            arguments,
        })
    }

    /// The columns that are left out.
    pub(super) const fn empty(&self) -> u32 {
        self.empty
    }
}

impl Intake {
    pub(super) fn new() -> Self {
        Self {
            expect_new: true,
            fresh: Vec::new(),
            changed: Vec::new(),
            dates: BTreeMap::new(),
            touched: Vec::new(),
            arrived: None,
            texts: HashMap::new(),
            flood: Flood::Never,
        }
    }

    /// Takes customers, none of them twice and none who is still waiting. What isn't needed any
    /// more is handed back: to put it away takes time, which whoever reads the next has.
    pub(super) async fn take(
        &mut self,
        to: (&mut Connection, &FileMeta<'_>),
        (batch, ready): (Vec<CustomerRow>, Option<Ready>),
        applied: &mut Applied,
    ) -> sqlx::Result<Vec<CustomerRow>> {
        let (tx, meta) = to;
        let (many, before) = (batch.len(), applied.new + self.fresh.len() as u64);
        let mut spent = Vec::new();
        match ready {
            ready if self.flood.is_on() => {
                let some = (batch, ready);
                spent = self.take_in_flood((&mut *tx, meta), some, applied).await?;
            }
            Some(ready) if self.expect_new && self.fresh.is_empty() => {
                let written = self.execute(&mut *tx, CUSTOMER_NEW, ready).await?;
                spent = self
                    .are_written((&mut *tx, meta), batch, written, applied)
                    .await?;
            }
            _ if self.expect_new => self.fresh.extend(batch),
            _ => self.sort((&mut *tx, meta), batch, applied).await?,
        }
        while self.fresh.len() >= TOGETHER {
            let rest = self.fresh.split_off(TOGETHER);
            let some = std::mem::replace(&mut self.fresh, rest);
            self.write_fresh((&mut *tx, meta), some, applied).await?;
        }
        while self.changed.len() >= TOGETHER {
            let rest = self.changed.split_off(TOGETHER);
            let some = std::mem::replace(&mut self.changed, rest);
            self.write_changed((&mut *tx, meta), some).await?;
        }
        let new = applied.new + self.fresh.len() as u64 - before;
        self.expect_new = new * 2 > many as u64;
        self.write_dates(tx, false).await?;
        Ok(spent)
    }

    /// Writes whatever waits.
    pub(super) async fn flush(
        &mut self,
        (tx, meta): (&mut Connection, &FileMeta<'_>),
        applied: &mut Applied,
    ) -> sqlx::Result<()> {
        let some = std::mem::take(&mut self.fresh);
        self.write_fresh((&mut *tx, meta), some, applied).await?;
        let some = std::mem::take(&mut self.changed);
        self.write_changed((&mut *tx, meta), some).await?;
        self.write_dates(tx, true).await
    }

    /// Whether most are new, as far as it has been seen.
    pub(super) const fn expects_new(&self) -> bool {
        self.expect_new || self.flood.is_on()
    }

    /// The numbers of the changed since the last time.
    pub(super) fn take_touched(&mut self) -> Vec<i64> {
        std::mem::take(&mut self.touched)
    }

    /// The first and the last number of the new.
    pub(super) const fn arrived(&self) -> Option<(i64, i64)> {
        self.arrived
    }

    /// How many they are.
    pub(super) const fn touched(&self) -> usize {
        self.touched.len()
    }

    /// Looks customers up, and lets those wait who have to be written.
    async fn sort(
        &mut self,
        (tx, meta): (&mut Connection, &FileMeta<'_>),
        batch: Vec<CustomerRow>,
        applied: &mut Applied,
    ) -> sqlx::Result<()> {
        let mut found = also::look_up(tx, meta.source, &batch).await?;
        for (place, row) in batch.into_iter().enumerate() {
            match found.remove(&place) {
                None => self.fresh.push(row),
                Some(known) if known.number == row.number => self.is_new(&row, applied),
                Some(known) => self.compare(row, &known, applied),
            }
        }
        Ok(())
    }

    /// Lets a known customer wait to be written, unless their source says what it said last.
    pub(super) fn compare(&mut self, mut row: CustomerRow, known: &Known, applied: &mut Applied) {
        if known.hash.as_deref() == Some(hex(&row.hash).as_str()) {
            applied.unchanged += 1;
            return;
        }
        applied.changed += 1;
        row.number = known.number;
        row.elsewhere = known.elsewhere;
        self.changed.push(row);
    }

    /// Inserts who seems to be new. Who isn't is left as they are, and then looked at.
    async fn write_fresh(
        &mut self,
        (tx, meta): (&mut Connection, &FileMeta<'_>),
        some: Vec<CustomerRow>,
        applied: &mut Applied,
    ) -> sqlx::Result<()> {
        if some.is_empty() {
            return Ok(());
        }
        let ready = Ready::of(meta, &some, EVERY_COLUMN)?;
        let tail = if self.flood.is_on() {
            CUSTOMER_APPENDED
        } else {
            CUSTOMER_NEW
        };
        let written = self.execute(&mut *tx, tail, ready).await?;
        self.are_written((tx, meta), some, written, applied).await?;
        Ok(())
    }

    /// Of these, so many were new and are written. Hands back what isn't needed any more.
    async fn are_written(
        &mut self,
        to: (&mut Connection, &FileMeta<'_>),
        some: Vec<CustomerRow>,
        written: u64,
        applied: &mut Applied,
    ) -> sqlx::Result<Vec<CustomerRow>> {
        if written == some.len() as u64 {
            for row in &some {
                self.is_new(row, applied);
            }
            return Ok(some);
        }
        self.sort(to, some, applied).await?;
        Ok(Vec::new())
    }

    pub(super) fn is_new(&mut self, row: &CustomerRow, applied: &mut Applied) {
        applied.new += 1;
        let (first, last) = self.arrived.unwrap_or((row.number, row.number));
        self.arrived = Some((first.min(row.number), last.max(row.number)));
        self.note_dates(row);
    }

    async fn write_changed(
        &mut self,
        (tx, meta): (&mut Connection, &FileMeta<'_>),
        some: Vec<CustomerRow>,
    ) -> sqlx::Result<()> {
        if some.is_empty() {
            return Ok(());
        }
        // Mostly all of them speak of the same.
        let mut rest = some;
        while let Some(first) = rest.first() {
            let told = first.told.clone();
            let (alike, others) = rest.into_iter().partition(|row| row.told == told);
            self.write_alike((&mut *tx, meta), alike, &told).await?;
            rest = others;
        }
        Ok(())
    }

    /// Customers who changed, and whose rows speak of the same.
    async fn write_alike(
        &mut self,
        (tx, meta): (&mut Connection, &FileMeta<'_>),
        some: Vec<CustomerRow>,
        told: &Told,
    ) -> sqlx::Result<()> {
        let ready = Ready::of(meta, &some, EVERY_COLUMN)?;
        self.execute(&mut *tx, &customer_changed(told)?, ready)
            .await?;
        also::note(&mut *tx, meta.source, &some).await?;
        forget_dates(tx, &some, told).await?;
        for row in &some {
            self.touched.push(row.number);
            self.note_dates(row);
        }
        Ok(())
    }

    /// Notes which dates are to be written.
    fn note_dates(&mut self, row: &CustomerRow) {
        for (field, date) in &row.dates {
            let date = (row.number, date.year(), month_day(date.month(), date.day()));
            match self.dates.get_mut(field) {
                Some(waiting) => waiting.push(date),
                None => {
                    self.dates.insert(field.clone(), vec![date]);
                }
            }
        }
    }

    /// Writes customers; how many were written.
    pub(super) async fn execute(
        &mut self,
        tx: &mut Connection,
        tail: &str,
        ready: Ready,
    ) -> sqlx::Result<u64> {
        let text = |rows| {
            let empty = (0..CUSTOMER_COLUMNS).map(|n| ready.empty & (1 << n) != 0);
            Arc::from(format!("{CUSTOMER_HEAD}{}{tail}", values(empty, rows)))
        };
        let full = ready.rows == TOGETHER;
        let text = if full {
            let kept = self.texts.entry((tail.to_owned(), ready.empty));
            Arc::clone(kept.or_insert_with(|| text(TOGETHER)))
        } else {
            text(ready.rows)
        };
        let done = sqlx::query_with(sqlx::AssertSqlSafe(text), ready.arguments)
            .persistent(full)
            .execute(tx)
            .await?;
        Ok(done.rows_affected())
    }

    /// Writes dates; few are left to wait for more, unless it is to be `all` of them.
    async fn write_dates(&mut self, tx: &mut Connection, all: bool) -> sqlx::Result<()> {
        for (field, waiting) in &mut self.dates {
            while waiting.len() >= TOGETHER || all && !waiting.is_empty() {
                let rest = waiting.split_off(TOGETHER.min(waiting.len()));
                let some = std::mem::replace(waiting, rest);
                write_dates_of(tx, field, &some).await?;
            }
        }
        Ok(())
    }
}
