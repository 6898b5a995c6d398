//! Records that other programs hand in, a few at a time: all of what can be used in one transaction, and
//! each with its answer.
//!
//! They lie where those of files lie, and touch their customers in the same way. May not know HTTP.

use jiff::Timestamp;
use jiff::civil::Date;
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;

use super::columns::{hex, json};
use super::dialect::{Bulk, Transaction, rows};
use super::people::{next_touch, raise, touch};
use super::rows::{
    CUSTOMER_HEAD, CUSTOMER_PARAMETERS, CUSTOMER_TAIL, EVENT_HEAD, EVENT_PARAMETERS, EVENT_TAIL,
    bind_customer, bind_event, dates_of, month_day,
};
use super::tokens::{Token, use_token};
use super::{FileMeta, Store, StoreError};
use crate::model::{Customer, Event, Refusal};
use crate::points::reach;

/// Refused records of one source that are kept; of more the oldest go, so that a program gone wild
/// doesn't fill the disk.
const MOST_REFUSED: i64 = 1000;

/// Who hands records in, and when.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// By which token.
    pub token: &'a Token,
    /// The source that they belong to.
    pub source: &'a str,
    /// The civil day at the business.
    pub today: Date,
    /// Now.
    pub now: Timestamp,
}

/// One record.
#[derive(Debug, Clone)]
pub enum Handed {
    /// A customer, whose record it replaces.
    Customer(Box<Customer>),
    /// An event; one of the same id is replaced.
    Event(Box<Event>),
    /// One that can't be used, and the id that it claims to have.
    Refused {
        /// Customers or events.
        what: &'static str,
        /// Where it can be read.
        id: Option<String>,
        /// What is wrong with it.
        refusal: Box<Refusal>,
    },
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It wasn't there before.
    New,
    /// It was, and differs now.
    Changed,
    /// It was the same.
    Unchanged,
    /// Its customer asked to be forgotten, and it is left out.
    Forgotten,
    /// It can't be used, and is in quarantine.
    Refused,
}

impl Store {
    /// Takes records in, in their order, all in one transaction; when it returns, they are durable. A
    /// record in quarantine is replaced by the next one of its id. `None`: the token was revoked, and
    /// nothing is taken.
    ///
    /// # Errors
    /// When the store fails; then nothing is taken.
    pub async fn take_in(
        &self,
        delivery: Delivery<'_>,
        records: &[Handed],
    ) -> Result<Option<Vec<Taken>>, StoreError> {
        let take = async {
            let mut tx = self.begin().await?;
            reach("sync-begin");
            if !use_token(&mut tx, delivery.token, delivery.today).await? {
                return Ok(None);
            }
            let mut intake = Intake::begin(tx, delivery).await?;
            let mut taken = Vec::with_capacity(records.len());
            for record in records {
                taken.push(intake.take(record).await?);
            }
            intake.finish().await?;
            Ok(Some(taken))
        };
        let taken: sqlx::Result<_> = take.await;
        taken.map_err(|error| self.trouble(error))
    }

    /// Takes out of quarantine what this source handed in; how many records that were.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn clear_quarantine(&self, source: &str) -> Result<u64, StoreError> {
        let done = sqlx::query("DELETE FROM quarantine WHERE source = $1")
            .bind(source)
            .execute(&self.inner.writer)
            .await;
        let done = done.map_err(|error| self.trouble(error))?;
        Ok(done.rows_affected())
    }
}

/// Records that are being taken in.
struct Intake<'a> {
    tx: Transaction,
    meta: FileMeta<'a>,
    customer: Bulk,
    event: Bulk,
    /// Whether anything of this source may be in quarantine.
    quarantine: bool,
    /// Customers whose record changed.
    touched: Vec<String>,
    /// Customers whose events changed.
    raised: Vec<String>,
}

impl<'a> Intake<'a> {
    async fn begin(mut tx: Transaction, delivery: Delivery<'a>) -> sqlx::Result<Self> {
        let refused: i64 =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM quarantine WHERE source = $1)")
                .bind(delivery.source)
                .fetch_one(&mut *tx)
                .await?;
        Ok(Self {
            tx,
            meta: FileMeta {
                source: delivery.source,
                path: "",
                fingerprint: "",
                now: delivery.now,
            },
            customer: Bulk::new(CUSTOMER_HEAD, CUSTOMER_PARAMETERS, CUSTOMER_TAIL),
            event: Bulk::new(EVENT_HEAD, EVENT_PARAMETERS, EVENT_TAIL),
            quarantine: refused != 0,
            touched: Vec::new(),
            raised: Vec::new(),
        })
    }

    async fn take(&mut self, record: &Handed) -> sqlx::Result<Taken> {
        match record {
            Handed::Customer(one) => {
                self.mended(&format!("customers/{}", one.id)).await?;
                self.take_customer(one).await
            }
            Handed::Event(one) => {
                self.mended(&format!("events/{}", one.id)).await?;
                self.take_event(one).await
            }
            Handed::Refused { what, id, refusal } => {
                let path = match id {
                    Some(id) => format!("{what}/{id}"),
                    None => format!("{what}/?{}", hex(&Sha256::digest(&refusal.record))),
                };
                self.refuse(&path, refusal).await?;
                Ok(Taken::Refused)
            }
        }
    }

    async fn take_customer(&mut self, one: &Customer) -> sqlx::Result<Taken> {
        if self.is_forgotten(&one.id).await? {
            return Ok(Taken::Forgotten);
        }
        let query = bind_customer(self.customer.query(1), &self.meta, one)?;
        let Some(row) = query.fetch_optional(&mut *self.tx).await? else {
            return Ok(Taken::Unchanged);
        };
        let changed = row.try_get::<i64, _>(1)? > 1;
        if changed {
            sqlx::query("DELETE FROM customer_date WHERE customer_id = $1")
                .bind(&one.id)
                .execute(&mut *self.tx)
                .await?;
        }
        let dates: Vec<_> = dates_of(one)
            .into_iter()
            .map(|(field, date)| (field, date.year(), month_day(date.month(), date.day())))
            .collect();
        if !dates.is_empty() {
            sqlx::query(concat!(
                "INSERT INTO customer_date (customer_id, field, year, month_day) \
                 SELECT $2, value->>0, CAST(value->>1 AS BIGINT), CAST(value->>2 AS BIGINT) FROM ",
                rows!("$1")
            ))
            .bind(json(&dates)?)
            .bind(&one.id)
            .execute(&mut *self.tx)
            .await?;
        }
        self.touched.push(one.id.clone());
        Ok(if changed { Taken::Changed } else { Taken::New })
    }

    async fn take_event(&mut self, one: &Event) -> sqlx::Result<Taken> {
        if self.is_forgotten(&one.customer_id).await? {
            return Ok(Taken::Forgotten);
        }
        let query = bind_event(self.event.query(1), &self.meta, one)?;
        let Some(row) = query.fetch_optional(&mut *self.tx).await? else {
            return Ok(Taken::Unchanged);
        };
        self.raised.push(one.customer_id.clone());
        let Some(before) = row.try_get::<Option<String>, _>(1)? else {
            return Ok(Taken::New);
        };
        self.raised.push(before);
        Ok(Taken::Changed)
    }

    async fn is_forgotten(&mut self, customer: &str) -> sqlx::Result<bool> {
        let erased: Option<i64> = sqlx::query_scalar("SELECT erased FROM customer WHERE id = $1")
            .bind(customer)
            .fetch_optional(&mut *self.tx)
            .await?;
        Ok(erased.is_some_and(|erased| erased != 0))
    }

    /// A record of this id can be used now, whatever came before.
    async fn mended(&mut self, path: &str) -> sqlx::Result<()> {
        if self.quarantine {
            sqlx::query("DELETE FROM quarantine WHERE source = $1 AND path = $2")
                .bind(self.meta.source)
                .bind(path)
                .execute(&mut *self.tx)
                .await?;
        }
        Ok(())
    }

    async fn refuse(&mut self, path: &str, one: &Refusal) -> sqlx::Result<()> {
        self.mended(path).await?;
        self.quarantine = true;
        sqlx::query(
            "INSERT INTO quarantine \
                 (source, path, seen_at, file, line, column_name, value, reason, record) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(self.meta.source)
        .bind(path)
        .bind(self.meta.now.as_millisecond())
        .bind(&one.file)
        .bind(i64::try_from(one.line).unwrap_or(i64::MAX))
        .bind(&one.column)
        .bind(&one.value)
        .bind(&one.reason)
        .bind(&one.record)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    async fn finish(mut self) -> sqlx::Result<()> {
        // Nothing that is new waits for the planner where nothing changed.
        if !self.touched.is_empty() || !self.raised.is_empty() {
            let seq = next_touch(&mut self.tx).await?;
            self.raised.sort_unstable();
            self.raised.dedup();
            raise(&mut self.tx, &json(&self.raised)?, seq).await?;
            self.touched.sort_unstable();
            self.touched.dedup();
            touch(&mut self.tx, &json(&self.touched)?, seq).await?;
        }
        if self.quarantine {
            sqlx::query(
                "DELETE FROM quarantine WHERE id IN (SELECT id FROM quarantine \
                 WHERE source = $1 ORDER BY id DESC LIMIT 1000000 OFFSET $2)",
            )
            .bind(self.meta.source)
            .bind(MOST_REFUSED)
            .execute(&mut *self.tx)
            .await?;
        }
        reach("sync-commit");
        self.tx.commit().await?;
        reach("sync-durable");
        Ok(())
    }
}
