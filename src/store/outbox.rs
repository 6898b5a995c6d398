//! The outbox: what is due, the last look before the dot, and what became of it.
//!
//! May not render, decide or deliver. Everything here goes through the one writer task (see
//! `writer`), so that hundreds of waiting changes become one durable transaction.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::columns::json;
use super::dialect::texts;
use super::ledger::{entry_columns, read_entry};
use super::{Entry, Store, StoreError};
use crate::model::policy::{Audience, Class};
use crate::model::{Outcome, Reason};

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// One request to the writer.
#[derive(Debug)]
pub(super) enum Op {
    Commit(CommitToSend, Reply<bool>),
    Record(Record, Option<Reply<bool>>),
    Claim(Claim, Reply<Vec<Entry>>),
    Release(Reply<usize>),
    Flush(Reply<()>),
    Stop,
}

/// How many due entries to take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim {
    pub(super) limit: u32,
    pub(super) now: Timestamp,
}

/// "The message is about to be handed over": must be durable before the dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitToSend {
    /// The entry.
    pub id: String,
    /// The revision of the view on which it was decided.
    pub revision: i64,
    /// The address it goes to.
    pub recipient: String,
    /// The subject.
    pub subject: String,
    /// The template's name.
    pub template: String,
    /// The letter's language.
    pub language: String,
    /// The `Message-ID`.
    pub message_id: String,
    /// The message as it is sent.
    pub message: Arc<str>,
    /// Where it goes: a folder, or `smtp:` with host and port. Kept, so that a restart knows where to look.
    pub via: String,
    /// What it is about, as its rule says now.
    pub class: Class,
    /// Whom it goes to. Only what goes to the customer is part of what later decisions about them
    /// look at.
    pub audience: Audience,
    /// A suppressed address doesn't stop it: something the customer asked for, or a note to staff
    /// or owner.
    pub service: bool,
    /// Now.
    pub now: Timestamp,
}

/// What became of a claimed entry, or of one that is being sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The entry.
    pub id: String,
    /// What became of it. `sent` and `unknown` hold only for what is being sent, and `unknown` for
    /// what may have arrived before ([`Entry::amounts_to`]); `sending` is [`CommitToSend`]'s.
    pub outcome: Outcome,
    /// Why.
    pub reason: Option<Reason>,
    /// The server's words.
    pub reply: Option<String>,
    /// When to look at it again: for `planned` and `deferred`, now where it is missing; for `held`,
    /// when waiting for a person makes no more sense.
    pub next_attempt_at: Option<Timestamp>,
    /// When the relay took it.
    pub sent_at: Option<Timestamp>,
    /// Counts as an attempt, though it never came to the dot. What came to the dot counts without
    /// it, unless it is deferred: then it was the relay's trouble, not the message's.
    pub attempted: bool,
    /// An address that gets nothing any more.
    pub suppress: Option<String>,
    /// The address it was to go to, where that is known and wasn't committed.
    pub recipient: Option<String>,
    /// The subject, likewise.
    pub subject: Option<String>,
    /// The template's name, likewise.
    pub template: Option<String>,
    /// The letter's language, likewise.
    pub language: Option<String>,
    /// The `Message-ID`, likewise.
    pub message_id: Option<String>,
    /// Now.
    pub now: Timestamp,
}

impl Record {
    /// Only the outcome; the rest is filled in where there is something to say.
    pub fn new(
        id: impl Into<String>,
        outcome: Outcome,
        reason: Option<Reason>,
        now: Timestamp,
    ) -> Self {
        Self {
            id: id.into(),
            outcome,
            reason,
            reply: None,
            next_attempt_at: None,
            sent_at: None,
            attempted: false,
            suppress: None,
            recipient: None,
            subject: None,
            template: None,
            language: None,
            message_id: None,
            now,
        }
    }
}

impl Store {
    /// Gives back what was claimed and didn't come to an end; how many entries that were. Claims
    /// are this process's own and end with it.
    ///
    /// # Errors
    /// When the store is closed.
    pub async fn release_claims(&self) -> Result<usize, StoreError> {
        self.ask(Op::Release).await
    }

    /// What an earlier process was about to hand over: the dot may have been sent.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recover_sending(&self) -> Result<Vec<Entry>, StoreError> {
        let read = async {
            sqlx::query(concat!(
                "SELECT ",
                entry_columns!(),
                " FROM ledger WHERE outcome = 'sending' \
                  AND outcome IN ('sending', 'held', 'unknown') ORDER BY due_at, id"
            ))
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(read_entry)
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// Takes up to `limit` entries that are to be looked at by `now`: higher priority first, then
    /// by the moment they were to be looked at, by due moment, customer and id. Nobody else gets them until
    /// they are recorded, unclaimed or released. What is paused isn't taken.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn claim(&self, limit: u32, now: Timestamp) -> Result<Vec<Entry>, StoreError> {
        self.ask(|reply| Op::Claim(Claim { limit, now }, reply))
            .await
    }

    /// Notes durably that the message is about to be handed over. `false`: something changed since
    /// it was decided (the customer's record, another message to them, the claim, a suppression),
    /// so look again; nothing may be sent then.
    ///
    /// # Errors
    /// When the store fails: nothing may be sent then either.
    pub async fn commit_to_send(&self, commit: CommitToSend) -> Result<bool, StoreError> {
        self.ask(|reply| Op::Commit(commit, reply)).await
    }

    /// Hands over what became of an entry, without waiting until it is durable; [`Store::flush`]
    /// does. While the store is in trouble it is kept, and written before anything else. Lost to a
    /// crash in between, the entry stays `sending`.
    ///
    /// # Errors
    /// When the store is closed.
    pub async fn record(&self, record: Record) -> Result<(), StoreError> {
        if self.inner.in_step {
            return self.record_durably(record).await.map(drop);
        }
        self.send(Op::Record(record, None)).await
    }

    /// The same, and waits until it is durable. `false`: the entry wasn't in a state from which
    /// this could become of it, and is as it was.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn record_durably(&self, record: Record) -> Result<bool, StoreError> {
        self.ask(|reply| Op::Record(record, Some(reply))).await
    }

    /// Waits until everything handed over before is durable.
    ///
    /// # Errors
    /// When something that was recorded without waiting isn't durable yet, which is told until it
    /// is, or got lost, which is told once.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.ask(Op::Flush).await
    }

    /// Ends the writer once it has done everything handed over before.
    pub(super) async fn stop_writer(&self) {
        // A writer that has stopped already is what is wanted.
        _ = self.send(Op::Stop).await;
    }

    async fn send(&self, op: Op) -> Result<(), StoreError> {
        self.inner.outbox.send(op).await.map_err(|_| self.closed())
    }

    async fn ask<T>(&self, op: impl FnOnce(Reply<T>) -> Op) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(op(reply)).await?;
        answer.await.map_err(|_| self.closed())?
    }

    fn closed(&self) -> StoreError {
        StoreError::Closed {
            path: std::sync::Arc::clone(&self.inner.path),
        }
    }

    /// The entries with these ids, in the order of ids.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn entries(&self, ids: &[String]) -> Result<Vec<Entry>, StoreError> {
        let read = async {
            sqlx::query(concat!(
                "SELECT ",
                entry_columns!(),
                " FROM ledger WHERE id IN ",
                texts!("$1"),
                " ORDER BY id"
            ))
            .bind(json(ids)?)
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(read_entry)
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }
}
