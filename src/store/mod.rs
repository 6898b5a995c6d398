//! LEDGER AND OUTBOX: the business's people, the ledger, what waits to be sent; all SQL that we
//! write, its transactions and migrations.
//!
//! May use `model` only: not the rules, not the letters, not the relay. Never reads a clock:
//! moments are parameters. Never repairs a damaged database.
//!
//! One connection writes, a few read. Files of the sources and the planner's entries are written
//! in one transaction each; everything around the dot goes through one writer task, which puts
//! what is waiting into one transaction and wakes the waiters once it is durable:
//!
//! ```text
//! planned ──claim──> planned, in hand ──commit_to_send──> sending ──record──> sent | unknown |
//!    ^                    │                                                  rejected | deferred
//!    └── release_claims ──┤ record: skipped | held | deferred | rejected | expired
//!    ^                    held ──approve──> planned | skipped
//!    └─────── claim, once a held entry's time is over
//! ```

#![warn(clippy::wildcard_enum_match_arm)]

mod also;
mod aside;
mod audit;
mod batch;
mod batches;
mod candidates;
mod claims;
mod columns;
mod control;
mod customers;
mod dates;
mod dialect;
mod digest;
mod dossier;
mod doubt;
mod erase;
mod error;
mod files;
mod flood;
mod gather;
mod glances;
mod gone;
mod handed;
mod happened;
mod health;
mod heed;
mod history;
mod hold;
mod inbox;
mod intact;
mod judged;
mod keep;
mod learnt;
mod ledger;
mod links;
mod log;
mod look;
mod looks;
mod marks;
mod noted;
mod open;
mod opinions;
mod outbox;
mod page_ways;
mod pages;
mod people;
mod person;
mod phases;
mod plan;
mod presence;
mod privacy;
mod quality;
mod refused;
mod relays;
mod results;
mod review;
mod rows;
mod scrub;
mod sources;
#[cfg(test)]
mod suite;
mod suppression;
mod tokens;
mod trouble;
mod users;
mod views;
mod waiting;
mod warnings;
mod wishes;
mod witness;
mod writer;

use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

pub use audit::{Audited, Decision};
pub use batches::{Batch, HeldBatch};
pub use control::{Approval, Paused, Resettle};
pub use digest::{Digest, DigestState, Ended, Returns};
pub use dossier::{Happened, OnRecord, Piece, TakePiece, UnderId};
pub use error::{ApplyError, StoreError};
pub use glances::{Bad, DayCount, MOST_COUNTED, Named, SourceMark, Standing, Why};
pub use gone::{LookedThrough, TooMany};
pub use handed::{Delivery, Handed, Taken};
pub use happened::HERE;
pub use hold::{HoldError, Holder};
pub use judged::{Found as Finding, Judged};
pub use keep::{Progress, Stretch};
pub use learnt::Lesson;
pub use ledger::{Entry, NewEntry, PlannedKey, RuleState};
pub use links::LinkKey;
pub use log::Filter;
pub use looks::Unfinished;
pub use noted::Noted;
pub use open::OpenOptions;
pub use opinions::{FEEDBACK, Mark, OpinionPage, RatingCount};
pub use outbox::{CommitToSend, Record};
pub use pages::{Page, Place, Wanted, Which};
pub use people::{Applied, FileMeta, FileRow};
pub use person::{NamedBy, Whom};
pub use plan::{Awaited, PlanBatch, Planned};
pub use presence::{Around, Standby, Waiting};
pub use privacy::{Erased, Forgot, LetterCopy, WhereCopied};
pub use quality::SharedBy;
pub use relays::HandedOver;
pub use results::{Question, Tally};
pub use review::{Quarantined, Shown, Step};
pub use sources::{PlaceOf, QUERY, QueryMark, QueryPart};
pub use tokens::{Scope, Token};
pub use trouble::{CLAIM_LASTS, Claimed, Sign, Trouble};
pub use users::{LONGEST_USER_NAME, Role, Session, User};
pub use waiting::Moved;
pub use warnings::LastTaken;
pub use wishes::{Choice, Reached, Said};
pub use witness::Found;

/// The store. Clones share it; [`Store::close`] ends it for all.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: Arc<str>,
    writer: dialect::Pool,
    readers: dialect::Pool,
    outbox: mpsc::Sender<outbox::Op>,
    tasks: TaskTracker,
    health: Arc<health::Health>,
    /// See [`OpenOptions::in_step`].
    in_step: bool,
    /// Makes the hashes of forgotten addresses and ids; drawn when the store is made.
    hash_key: [u8; 32],
    id: String,
    /// What is told of its work outside of it.
    witnesses: Arc<presence::Witnesses>,
}

impl Store {
    /// The database file.
    pub fn path(&self) -> &Path {
        Path::new(&*self.inner.path)
    }

    /// The store's own id, drawn when it was made: a copy has the same.
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// The secret that makes hashes of the forgotten.
    pub fn hash_key(&self) -> &[u8; 32] {
        &self.inner.hash_key
    }

    fn reader(&self) -> &dialect::Pool {
        &self.inner.readers
    }

    async fn begin(&self) -> sqlx::Result<dialect::Transaction> {
        self.inner.writer.begin_with(dialect::BEGIN_WRITE).await
    }

    /// Puts an error into words, with the file it is about.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "one error is looked at more closely"
    )]
    fn trouble(&self, error: sqlx::Error) -> StoreError {
        let error = StoreError::new(&self.inner.path, error);
        self.inner.health.note(&error);
        match error {
            // A connection more was wanted, and there is nothing to connect to.
            StoreError::Unreadable { .. } => self.inner.health.moved().unwrap_or(error),
            error => error,
        }
    }
}
