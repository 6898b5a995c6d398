//! A large file of customers of whom most are new: the indexes of their table are put aside while it
//! comes in, and made anew at the end, each in one go.
//!
//! Ids and addresses come without any order, so that every row changes a page of each index
//! somewhere else; once the indexes outgrow the memory for them, that costs more than everything
//! else together. Without an index nobody can be found by id: who was there before the file is looked
//! up in the store as it was then, through a connection of its own, which sees nothing of what this
//! one has written. All of it is part of the file's transaction. May not know how a customer becomes
//! a row.

use std::collections::HashMap;

use super::FileMeta;
use super::also::{Known, hashes_of, look_up};
use super::columns::json;
use super::customers::{Intake, Ready};
use super::dialect::{Connection, Pool, Transaction, calm, lists_of, put_aside, texts};
use super::people::Applied;
use super::rows::{CUSTOMER_APPENDED, CustomerRow};

/// New customers of a file from which on more are expected. For fewer the indexes needn't be made
/// anew.
const MANY: u64 = 10_000;

/// The indexes hold those who were there before as well: so many of them to each new one are worth
/// it.
const BEFORE_TO_EACH: u64 = 8;

/// Whether there is to be a flood, and is one.
pub(super) enum Flood {
    /// There is none, nor will there be.
    Never,
    /// There may come one, into a store with so many customers.
    Ahead {
        /// Where the store is looked at as it was before.
        readers: Pool,
        /// About how many were there before.
        before: u64,
    },
    /// Now.
    Now(Aside),
}

/// What is put aside.
pub(super) struct Aside {
    /// The texts that make the indexes again.
    indexes: Vec<String>,
    /// The store as it was before; without it, it held nobody.
    before: Option<Transaction>,
}

impl Flood {
    /// Whether it goes on.
    pub(super) const fn is_on(&self) -> bool {
        matches!(self, Self::Now(_))
    }
}

impl Intake {
    /// Whether a flood seems to begin.
    pub(super) fn sees_a_flood(&self, applied: &Applied) -> bool {
        match &self.flood {
            Flood::Ahead { before, .. } => {
                let many = applied.new >= MANY && applied.new * BEFORE_TO_EACH >= *before;
                many && self.expects_new()
            }
            Flood::Never | Flood::Now(_) => false,
        }
    }

    /// Puts the indexes aside. Nothing may wait to be written.
    pub(super) async fn begin_flood(&mut self, tx: &mut Connection) -> sqlx::Result<()> {
        let Flood::Ahead { readers, before } = &self.flood else {
            return Ok(());
        };
        // This transaction is the only one that writes, so whenever the other one begins, it sees
        // what was there before this one.
        let before = if *before > 0 {
            Some(readers.begin().await?)
        } else {
            None
        };
        calm(tx).await?;
        let indexes = put_aside(tx, "customer").await?;
        self.flood = Flood::Now(Aside { indexes, before });
        Ok(())
    }

    /// Takes customers while the indexes are aside. What isn't needed any more is handed back.
    pub(super) async fn take_in_flood(
        &mut self,
        (tx, meta): (&mut Connection, &FileMeta<'_>),
        (batch, ready): (Vec<CustomerRow>, Option<Ready>),
        applied: &mut Applied,
    ) -> sqlx::Result<Vec<CustomerRow>> {
        let known = self.known_before((&mut *tx, meta), &batch);
        let mut found = known.await?;
        if found.is_empty() {
            let ready = match ready {
                Some(ready) => ready,
                None => Ready::of(meta, &batch, 0)?,
            };
            self.execute(tx, CUSTOMER_APPENDED, ready).await?;
            for row in &batch {
                self.is_new(row, applied);
            }
            return Ok(batch);
        }
        for (place, row) in batch.into_iter().enumerate() {
            match found.remove(&place) {
                None => self.fresh.push(row),
                Some(known) => self.compare(row, &known, applied),
            }
        }
        Ok(Vec::new())
    }

    /// Makes the indexes again. Nothing may wait to be written.
    pub(super) async fn end_flood(
        &mut self,
        tx: &mut Connection,
        applied: &mut Applied,
    ) -> sqlx::Result<()> {
        let flood = std::mem::replace(&mut self.flood, Flood::Never);
        let Flood::Now(Aside { indexes, before }) = flood else {
            self.flood = flood;
            return Ok(());
        };
        if let Some(before) = before {
            before.rollback().await?;
        }
        for text in indexes {
            let made = make(&mut *tx, &text).await;
            if made.as_ref().is_err_and(is_double) {
                keep_the_last(&mut *tx, applied).await?;
                make(&mut *tx, &text).await?;
            } else {
                made?;
            }
        }
        Ok(())
    }

    /// What is known of these customers, by their place. Who they are is told by the store as it was
    /// before, and what their rows are now by this one: the file may have changed them already.
    async fn known_before(
        &mut self,
        (tx, meta): (&mut Connection, &FileMeta<'_>),
        batch: &[CustomerRow],
    ) -> sqlx::Result<HashMap<usize, Known>> {
        let Flood::Now(Aside {
            before: Some(before),
            ..
        }) = &mut self.flood
        else {
            return Ok(HashMap::new());
        };
        let mut found = look_up(before, meta.source, batch).await?;
        if found.is_empty() {
            return Ok(found);
        }
        let numbers: Vec<i64> = found.values().map(|known| known.number).collect();
        let hashes = hashes_of(tx, meta.source, &numbers).await?;
        for known in found.values_mut() {
            known.hash = hashes.get(&known.number).cloned().flatten();
        }
        Ok(found)
    }
}

async fn make(tx: &mut Connection, index: &str) -> sqlx::Result<()> {
    sqlx::query(sqlx::AssertSqlSafe(index.to_owned()))
        .persistent(false)
        .execute(tx)
        .await?;
    Ok(())
}

fn is_double(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// Of customers who came more than once with this file, only the last row stays. Readers of files
/// refuse a second row with an id, so hardly anybody gets here.
async fn keep_the_last(tx: &mut Connection, applied: &mut Applied) -> sqlx::Result<()> {
    let list: String = sqlx::query_scalar(concat!(
        "SELECT ",
        lists_of!("number, same"),
        " FROM (SELECT number, LEAD(number) OVER w AS next, \
         row_hash IS NOT DISTINCT FROM LEAD(row_hash) OVER w AS same FROM customer \
         WINDOW w AS (PARTITION BY id ORDER BY number)) AS doubles WHERE next IS NOT NULL"
    ))
    .fetch_one(&mut *tx)
    .await?;
    let earlier: Vec<(i64, u8)> = super::columns::listed(&list)?;
    let same = earlier.iter().filter(|(_, same)| *same == 1).count() as u64;
    let many = earlier.len() as u64;
    applied.new -= many;
    applied.unchanged += same;
    applied.changed += many - same;
    let numbers: Vec<i64> = earlier.into_iter().map(|(number, _)| number).collect();
    let numbers = json(&numbers)?;
    for text in [
        concat!("DELETE FROM customer_date WHERE customer IN ", texts!("$1")),
        concat!("DELETE FROM customer WHERE number IN ", texts!("$1")),
    ] {
        sqlx::query(text).bind(&numbers).execute(&mut *tx).await?;
    }
    Ok(())
}
