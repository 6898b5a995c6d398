//! The writer task: group commit for everything around the dot.
//!
//! It takes what is waiting, puts it into one transaction, and wakes the waiters once that is
//! durable. May not be cancelled: it ends when told to, or when every handle is gone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::StoreError;
use super::batch::{Batch, Done};
use super::claims::{self, Claims};
use super::dialect::{BEGIN_WRITE, Connection, Pool, PoolConnection};
use super::health::Health;
use super::inbox::Inbox;
use super::outbox::{Op, Record, Reply};
use super::phases::{self, Part, Tools};
use super::presence::Witnesses;
use crate::points::{committed, reach};

/// Transactions after which the connection goes back to the pool, for whoever else writes.
const TURNS: u32 = 16;

/// How long the connection is kept while nothing comes: giving it back and taking it again makes
/// the driver ask the database twice whether it is still there.
const SOON: Duration = Duration::from_millis(2);

/// Records that are kept for a store in trouble: many times what can be on the wire.
const OWED: usize = 4096;

/// Times that a transaction waits for another process's to end, half a minute each.
const PATIENCE: u32 = 10;

/// The task.
pub(super) struct Writer {
    path: Arc<str>,
    pool: Pool,
    /// The pool's one connection, between two transactions that follow each other.
    kept: Option<PoolConnection>,
    /// Whether it waits a moment for what may come next before it gives the connection back.
    keeps: bool,
    tools: Tools,
    claims: Claims,
    inbox: Inbox,
    witnesses: Arc<Witnesses>,
    health: Arc<Health>,
    /// Records for which nobody waits, and that couldn't be written yet: what the relay said of
    /// letters that it has. They go first as soon as the store takes them.
    owed: Vec<Record>,
    /// Why they couldn't be written, or the first loss of one that never can.
    lost: Option<StoreError>,
}

impl Writer {
    pub(super) fn new(
        (path, pool): (Arc<str>, Pool),
        (health, witnesses): (&Arc<Health>, &Arc<Witnesses>),
        (secret, ops): ([u8; 32], mpsc::Receiver<Op>),
    ) -> Self {
        Self {
            path,
            witnesses: Arc::clone(witnesses),
            pool,
            health: Arc::clone(health),
            owed: Vec::new(),
            kept: None,
            keeps: true,
            tools: Tools::new(secret),
            claims: Claims::default(),
            inbox: Inbox::new(ops),
            lost: None,
        }
    }

    pub(super) fn keeping_its_connection(self, keeps: bool) -> Self {
        Self { keeps, ..self }
    }

    /// Works until it is stopped or every handle is gone.
    pub(super) async fn run(mut self) {
        let mut stopped = false;
        let mut turns = 0;
        while !stopped {
            if turns == TURNS || !self.keeps {
                (self.kept, turns) = (None, 0);
            }
            let soon = if self.kept.is_some() {
                timeout(SOON, self.inbox.wait()).await
            } else {
                Ok(self.inbox.wait().await)
            };
            let came = if let Ok(came) = soon {
                came
            } else {
                (self.kept, turns) = (None, 0);
                self.inbox.wait().await
            };
            if !came {
                break;
            }
            turns += 1;
            if self.keeps {
                self.inbox.gather().await;
            }
            let mut batch = Batch::default();
            let mut flushes = Vec::new();
            let mut releases = Vec::new();
            for op in self.inbox.take() {
                match op {
                    Op::Flush(reply) => flushes.push(reply),
                    Op::Release(reply) => releases.push(reply),
                    Op::Stop => stopped = true,
                    work @ (Op::Commit(..) | Op::Record(..) | Op::Claim(..)) => {
                        batch.add(work);
                    }
                }
            }
            match self.settled().await {
                Ok(()) => self.work(batch).await,
                Err(error) => self.fail(batch, &error),
            }
            for reply in releases {
                answer(reply, Ok(self.claims.release()));
            }
            for reply in flushes {
                answer(reply, self.told());
            }
        }
    }

    /// Writes what is owed. Nothing new is begun before: a full disk has to take what is known first.
    async fn settled(&mut self) -> Result<(), StoreError> {
        if self.owed.is_empty() {
            return Ok(());
        }
        self.lost = None;
        let owed = std::mem::take(&mut self.owed);
        let batch = Batch {
            records: owed.into_iter().map(|record| (record, None)).collect(),
            ..Batch::default()
        };
        self.work(batch).await;
        self.is_owing()
    }

    /// Why something is owed, if anything is.
    fn is_owing(&self) -> Result<(), StoreError> {
        match &self.lost {
            Some(error) if !self.owed.is_empty() => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// What a flush is told: what is owed as long as it is, a loss once.
    fn told(&mut self) -> Result<(), StoreError> {
        self.is_owing()?;
        self.lost.take().map_or(Ok(()), Err)
    }

    /// Why nothing new may be begun, where somebody asks for it.
    fn refusal(&self, batch: &Batch) -> Option<StoreError> {
        if batch.is_of_records() {
            return None;
        }
        self.health.damage().or_else(|| self.health.moved())
    }

    /// Writes a batch. One request that can't be written must not take the others with it, so then
    /// each is tried alone, unless the store itself is in trouble.
    async fn work(&mut self, batch: Batch) {
        if batch.len() == 0 {
            return;
        }
        if let Some(error) = self.refusal(&batch) {
            return self.fail(batch, &error);
        }
        let mut tries = 0;
        let error = loop {
            tries += 1;
            match self.write(&batch).await {
                Ok(done) => return self.wake(batch, done),
                Err(error) => {
                    let error = StoreError::new(&self.path, error);
                    // Somebody applies a very large file. What the relay took must not get lost.
                    if !matches!(error, StoreError::Busy { .. }) || tries == PATIENCE {
                        break error;
                    }
                }
            }
        };
        if batch.len() == 1 || error.is_of_the_store() {
            return self.fail(batch, &error);
        }
        for one in batch.singly() {
            match self.write(&one).await {
                Ok(done) => self.wake(one, done),
                Err(error) => self.fail(one, &StoreError::new(&self.path, error)),
            }
        }
    }

    /// It is durable: tells everybody.
    fn wake(&mut self, batch: Batch, done: Done) {
        self.claims.apply(done.changes);
        reach("phase-durable");
        // Before anybody may send the dot, and after the store knows it.
        let committed = done.commits.iter().filter(|passed| **passed).count();
        if committed > 0 {
            self.witnesses.count(committed);
        }
        for ((_, reply), passed) in batch.records.into_iter().zip(done.records) {
            if let Some(reply) = reply {
                answer(reply, Ok(passed));
            }
        }
        for ((_, reply), passed) in batch.commits.into_iter().zip(done.commits) {
            answer(reply, Ok(passed));
        }
        for ((_, reply), entries) in batch.claims.into_iter().zip(done.claims) {
            answer(reply, Ok(entries));
        }
        reach("phase-told");
    }

    fn fail(&mut self, batch: Batch, error: &StoreError) {
        self.health.note(error);
        for (record, reply) in batch.records {
            if let Some(reply) = reply {
                answer(reply, Err(error.clone()));
                continue;
            }
            self.lost.get_or_insert_with(|| error.clone());
            if error.is_of_the_store() && self.owed.len() < OWED {
                self.owed.push(record);
            }
        }
        for (_, reply) in batch.commits {
            answer(reply, Err(error.clone()));
        }
        for (_, reply) in batch.claims {
            answer(reply, Err(error.clone()));
        }
    }

    async fn write(&mut self, batch: &Batch) -> sqlx::Result<Done> {
        let mut connection = match self.kept.take() {
            Some(connection) => connection,
            None => self.pool.acquire().await?,
        };
        let began = Instant::now();
        let done = write(&mut connection, (&self.tools, &self.claims), batch).await;
        committed().await;
        self.inbox.note(began.elapsed(), batch.commits.len());
        if done.is_ok() {
            self.kept = Some(connection);
        } else {
            // Whatever an error left behind is undone when the connection ends, and whether it
            // ends well changes nothing.
            _ = connection.close().await;
        }
        done
    }
}

/// One transaction, which the driver isn't told of: after an error, the connection must be closed.
async fn write(
    connection: &mut Connection,
    (tools, claims): (&Tools, &Claims),
    batch: &Batch,
) -> sqlx::Result<Done> {
    reach("phase-begin");
    let mut records = vec![false; batch.records.len()];
    let mut commits = vec![false; batch.commits.len()];
    let mut claimed = Vec::with_capacity(batch.claims.len());
    let mut turn = claims.turn();
    let rounds = batch.in_rounds();
    let part = if rounds.len() == 1
        && batch.claims.is_empty()
        && batch.records.iter().all(|(one, _)| one.suppress.is_none())
    {
        Part::Whole
    } else {
        Part::Within
    };
    if part == Part::Within {
        sqlx::query(BEGIN_WRITE).execute(&mut *connection).await?;
    }
    for round in rounds {
        let passed = phases::settle(connection, tools, (&round, part), &mut turn).await?;
        for n in passed.records {
            set(&mut records, n);
        }
        for n in passed.commits {
            set(&mut commits, n);
        }
    }
    for (one, _) in &batch.claims {
        claimed.push(claims::claim(connection, *one, &mut turn).await?);
    }
    if part == Part::Within {
        reach("phase-commit");
        sqlx::query("COMMIT").execute(connection).await?;
    }
    Ok(Done {
        records,
        commits,
        claims: claimed,
        changes: turn.changes(),
    })
}

fn set(list: &mut [bool], n: usize) {
    if let Some(place) = list.get_mut(n) {
        *place = true;
    }
}

fn answer<T>(reply: Reply<T>, result: Result<T, StoreError>) {
    // Whoever asked may have gone; what was written stays written.
    _ = reply.send(result);
}
