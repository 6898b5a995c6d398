//! What was learnt of how customers come, with its day.
//!
//! May not judge it. What was learnt once stays as it is, since silences are judged by it, until
//! something else takes its place.

use jiff::civil::Date;

use super::columns::{Columns, day_number, json, nonsense};
use super::dialect::{Transaction, texts};
use super::people::next_touch;
use super::{Store, StoreError};
use crate::model::policy::Learnt;

/// Events are kept by UTC days, which differ from civil ones by less than this.
const ZONE_SLACK: i64 = 2;

/// The ids with an event of these kinds ($1) by that day ($2), each once. Whether somebody is on
/// record is asked once an id, not once an event.
macro_rules! who_came {
    () => {
        concat!(
            "SELECT DISTINCT customer_id FROM event WHERE day <= $2 AND kind IN ",
            texts!("$1")
        )
    };
}

/// Whether `some` of them is on record.
macro_rules! is_on_record {
    () => {
        "EXISTS (SELECT 1 FROM customer c WHERE c.id = some.customer_id)"
    };
}

/// Something learnt, and what it takes the place of.
#[derive(Debug, Clone, PartialEq)]
pub struct Lesson {
    /// What was learnt.
    pub learnt: Learnt,
    /// The days on which that was learnt, of the same kinds, which goes.
    pub instead_of: Vec<Date>,
}

impl Store {
    /// Everything that was learnt by the end of this day, the earliest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn learnt(&self, by: Date) -> Result<Vec<Learnt>, StoreError> {
        let read = async {
            sqlx::query(
                "SELECT contact, since, customers, pattern FROM learnt WHERE since <= $1 \
                 ORDER BY since, contact",
            )
            .bind(day_number(by))
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(|row| {
                let columns = &mut Columns::of(row);
                Ok(Learnt {
                    contact: columns.json()?,
                    since: columns.day()?,
                    customers: columns.small()?,
                    pattern: columns.parsed(|text| serde_json::from_str(text).ok())?,
                })
            })
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// How many customers on record had an event of these kinds by then, counted up to `most`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn came(&self, kinds: &[String], by: Date, most: u32) -> Result<u32, StoreError> {
        let read = async {
            let count: i64 = sqlx::query_scalar(concat!(
                "SELECT COUNT(*) FROM (SELECT 1 FROM (",
                who_came!(),
                ") AS some WHERE ",
                is_on_record!(),
                " LIMIT $3) AS counted"
            ))
            .bind(json(kinds)?)
            .bind(day_number(by) + ZONE_SLACK)
            .bind(i64::from(most))
            .fetch_one(self.reader())
            .await?;
            u32::try_from(count).map_err(|_| nonsense("a count"))
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// Every n-th of the customers on record who had an event of these kinds by then, in the order of their ids.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn every_nth_who_came(
        &self,
        kinds: &[String],
        by: Date,
        n: u32,
    ) -> Result<Vec<String>, StoreError> {
        let read = async {
            sqlx::query_scalar(concat!(
                "SELECT customer_id FROM (\
                     SELECT customer_id, ROW_NUMBER() OVER (ORDER BY customer_id) AS number FROM (",
                who_came!(),
                ") AS some WHERE ",
                is_on_record!(),
                ") AS numbered WHERE (number - 1) % $3 = 0 ORDER BY 1"
            ))
            .bind(json(kinds)?)
            .bind(day_number(by) + ZONE_SLACK)
            .bind(i64::from(n.max(1)))
            .fetch_all(self.reader())
            .await
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// Keeps what was learnt, and has everybody planned anew whose contacts it changes the view of:
    /// those of its day or later, or all where it takes another's place. Where something else was
    /// learnt on that day already, that stays.
    ///
    /// # Errors
    /// When the store fails; then nothing was written.
    pub async fn learn(&self, lessons: &[Lesson]) -> Result<(), StoreError> {
        let write = async {
            let mut tx = self.begin().await?;
            let seq = next_touch(&mut tx).await?;
            for one in lessons {
                keep(&mut tx, one, seq).await?;
            }
            tx.commit().await
        };
        write.await.map_err(|error| self.trouble(error))
    }
}

async fn keep(tx: &mut Transaction, lesson: &Lesson, seq: i64) -> sqlx::Result<()> {
    let one = &lesson.learnt;
    let (contact, since) = (json(&one.contact)?, day_number(one.since));
    let mut gone = 0;
    for day in &lesson.instead_of {
        let done = sqlx::query("DELETE FROM learnt WHERE contact = $1 AND since = $2")
            .bind(&contact)
            .bind(day_number(*day))
            .execute(&mut **tx)
            .await?;
        gone += done.rows_affected();
    }
    sqlx::query(
        "INSERT INTO learnt (contact, since, customers, pattern) VALUES ($1, $2, $3, $4) \
         ON CONFLICT DO NOTHING",
    )
    .bind(&contact)
    .bind(since)
    .bind(i64::from(one.customers))
    .bind(json(&one.pattern)?)
    .execute(&mut **tx)
    .await?;
    let changed_since = if gone > 0 {
        day_number(Date::MIN)
    } else {
        since - ZONE_SLACK
    };
    sqlx::query(concat!(
        "INSERT INTO touched (customer, seq) SELECT number, $3 FROM customer WHERE id IN \
         (SELECT customer_id FROM event WHERE day >= $2 AND kind IN ",
        texts!("$1"),
        ") ON CONFLICT (customer) DO UPDATE SET seq = excluded.seq"
    ))
    .bind(&contact)
    .bind(changed_since)
    .bind(seq)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
