//! Records that other programs hand in, a few at a time: all of what can be used in one transaction, and
//! each with its answer.
//!
//! They go the way of a file's rows, one by one. May not know HTTP.

use jiff::Timestamp;
use jiff::civil::Date;
use sha2::{Digest as _, Sha256};

use super::columns::hex;
use super::people::{Applied, FileRow, Load};
use super::tokens::{Token, use_token};
use super::{FileMeta, Store, StoreError};
use crate::model::{Customer, Event, Refusal, Told};
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
    /// A customer, whose record it replaces as far as it speaks of it.
    Customer(Box<Customer>, Told),
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
            let meta = FileMeta {
                source: delivery.source,
                path: "",
                fingerprint: "",
                now: delivery.now,
            };
            let mut load = Load::new(tx, meta);
            load.know_who_is_who(self.hash_key()).await?;
            let mut pile = Pile::begin(load, delivery).await?;
            let mut taken = Vec::with_capacity(records.len());
            for record in records {
                taken.push(pile.take(record).await?);
            }
            pile.finish().await?;
            Ok(Some(taken))
        };
        let taken: sqlx::Result<_> = take.await;
        taken.map_err(|error| self.trouble(error))
    }
}

/// Records that are being taken in.
struct Pile<'a> {
    load: Load<'a, 'static>,
    delivery: Delivery<'a>,
    /// Whether anything of this source may be in quarantine.
    quarantine: bool,
}

impl<'a> Pile<'a> {
    async fn begin(mut load: Load<'a, 'static>, delivery: Delivery<'a>) -> sqlx::Result<Self> {
        let refused: i64 =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM quarantine WHERE source = $1)")
                .bind(delivery.source)
                .fetch_one(&mut *load.tx)
                .await?;
        Ok(Self {
            load,
            delivery,
            quarantine: refused != 0,
        })
    }

    async fn take(&mut self, record: &Handed) -> sqlx::Result<Taken> {
        let (path, row) = match record {
            Handed::Customer(one, told) => {
                let row = FileRow::Customer(one.clone(), told.clone());
                (format!("customers/{}", one.id), row)
            }
            Handed::Event(one) => {
                let row = FileRow::Event(one.clone());
                (format!("events/{}", one.id), row)
            }
            Handed::Refused { what, id, refusal } => {
                let path = match id {
                    Some(id) => format!("{what}/{id}"),
                    None => format!("{what}/?{}", hex(&Sha256::digest(&refusal.record))),
                };
                if self.load.packing.marks.know_refused(refusal) {
                    self.mended(&path).await?;
                    return Ok(Taken::Forgotten);
                }
                self.refuse(&path, refusal).await?;
                return Ok(Taken::Refused);
            }
        };
        self.mended(&path).await?;
        let applied = self.load.take_one(row).await?;
        Ok(match applied {
            Applied { forgotten: 1.., .. } => Taken::Forgotten,
            Applied { new: 1.., .. } => Taken::New,
            Applied { changed: 1.., .. } => Taken::Changed,
            _ => Taken::Unchanged,
        })
    }

    /// A record of this id came, whatever it was before.
    async fn mended(&mut self, path: &str) -> sqlx::Result<()> {
        if self.quarantine {
            sqlx::query("DELETE FROM quarantine WHERE source = $1 AND path = $2")
                .bind(self.delivery.source)
                .bind(path)
                .execute(&mut *self.load.tx)
                .await?;
        }
        Ok(())
    }

    async fn refuse(&mut self, path: &str, one: &Refusal) -> sqlx::Result<()> {
        self.mended(path).await?;
        self.quarantine = true;
        self.load
            .write_refusals(path, std::slice::from_ref(one))
            .await
    }

    async fn finish(mut self) -> sqlx::Result<()> {
        if self.quarantine {
            sqlx::query(
                "DELETE FROM quarantine WHERE id IN (SELECT id FROM quarantine \
                 WHERE source = $1 ORDER BY id DESC LIMIT 1000000 OFFSET $2)",
            )
            .bind(self.delivery.source)
            .bind(MOST_REFUSED)
            .execute(&mut *self.load.tx)
            .await?;
        }
        self.load.conclude().await
    }
}

impl Load<'_, '_> {
    /// Takes a single record in, and says what it changed.
    async fn take_one(&mut self, row: FileRow) -> sqlx::Result<Applied> {
        let before = self.applied;
        self.take(row).await?;
        self.write_waiting().await?;
        Ok(Applied {
            new: self.applied.new - before.new,
            changed: self.applied.changed - before.changed,
            unchanged: self.applied.unchanged - before.unchanged,
            refused: self.applied.refused - before.refused,
            forgotten: self.applied.forgotten - before.forgotten,
        })
    }

    /// Ends what isn't a file's. Where nothing changed, nothing waits for the planner, nor for the
    /// disk.
    pub(super) async fn conclude(mut self) -> sqlx::Result<()> {
        self.note_all().await?;
        reach("sync-commit");
        self.tx.commit().await?;
        reach("sync-durable");
        Ok(())
    }
}
