//! The writer task: group commit for everything around the dot.
//!
//! It takes what is waiting, puts it into one transaction, and wakes the waiters once that is
//! durable. May not be cancelled: it ends when told to, or when every handle is gone.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection as _;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::dialect::{BEGIN_WRITE, Connection, Pool, PoolConnection};
use super::outbox::{Claim, CommitToSend, Op, Record, Reply};
use super::phases::{self, Step, Tools};
use super::{Entry, StoreError};
use crate::model::Outcome;

/// Requests that may wait; whoever comes later waits to be let in.
pub(super) const QUEUE: usize = 1024;

/// Requests that one transaction takes.
const TOGETHER: usize = 256;

/// Transactions after which the connection goes back to the pool, for whoever else writes.
const TURNS: u32 = 16;

/// How long the connection is kept while nothing comes: giving it back and taking it again makes
/// the driver ask the database twice whether it is still there.
const SOON: Duration = Duration::from_millis(2);

/// The task.
pub(super) struct Writer {
    path: Arc<str>,
    pool: Pool,
    /// The pool's one connection, between two transactions that follow each other.
    kept: Option<PoolConnection>,
    tools: Tools,
    /// The first loss of a record for which nobody waits.
    lost: Option<StoreError>,
}

/// What one transaction does, by phase.
#[derive(Default)]
struct Batch {
    records: Vec<(Record, Option<Reply<bool>>)>,
    unclaims: Vec<(Vec<String>, Reply<()>)>,
    commits: Vec<(CommitToSend, Reply<bool>)>,
    claims: Vec<(Claim, Reply<Vec<Entry>>)>,
}

/// What came of it, in the batch's order.
struct Done {
    records: Vec<bool>,
    commits: Vec<bool>,
    claims: Vec<Vec<Entry>>,
}

impl Batch {
    fn add(&mut self, op: Op) {
        match op {
            Op::Record(record, reply) => self.records.push((record, reply)),
            Op::Unclaim(ids, reply) => self.unclaims.push((ids, reply)),
            Op::Commit(commit, reply) => self.commits.push((commit, reply)),
            Op::Claim(claim, reply) => self.claims.push((claim, reply)),
            Op::Flush(_) | Op::Stop => {}
        }
    }

    fn len(&self) -> usize {
        self.records.len() + self.unclaims.len() + self.commits.len() + self.claims.len()
    }

    /// One batch for each request.
    fn singly(self) -> impl Iterator<Item = Self> {
        let records = self.records.into_iter().map(|(a, b)| Op::Record(a, b));
        let unclaims = self.unclaims.into_iter().map(|(a, b)| Op::Unclaim(a, b));
        let commits = self.commits.into_iter().map(|(a, b)| Op::Commit(a, b));
        let claims = self.claims.into_iter().map(|(a, b)| Op::Claim(a, b));
        records
            .chain(unclaims)
            .chain(commits)
            .chain(claims)
            .map(|op| {
                let mut one = Self::default();
                one.add(op);
                one
            })
    }
}

impl Writer {
    pub(super) fn new(path: Arc<str>, pool: Pool, secret: [u8; 32]) -> Self {
        Self {
            path,
            pool,
            kept: None,
            tools: Tools::new(secret),
            lost: None,
        }
    }

    /// Works until it is stopped or every handle is gone.
    pub(super) async fn run(mut self, mut ops: mpsc::Receiver<Op>) {
        let mut waiting = Vec::with_capacity(TOGETHER);
        let mut stopped = false;
        let mut turns = 0;
        while !stopped {
            if turns == TURNS {
                (self.kept, turns) = (None, 0);
            }
            let soon = timeout(SOON, ops.recv_many(&mut waiting, TOGETHER)).await;
            let came = if let Ok(came) = soon {
                came
            } else {
                (self.kept, turns) = (None, 0);
                ops.recv_many(&mut waiting, TOGETHER).await
            };
            if came == 0 {
                break;
            }
            turns += 1;
            let mut batch = Batch::default();
            let mut flushes = Vec::new();
            for op in waiting.drain(..) {
                match op {
                    Op::Flush(reply) => flushes.push(reply),
                    Op::Stop => stopped = true,
                    work @ (Op::Commit(..) | Op::Record(..) | Op::Unclaim(..) | Op::Claim(..)) => {
                        batch.add(work);
                    }
                }
            }
            self.work(batch).await;
            for reply in flushes {
                answer(reply, self.lost.take().map_or(Ok(()), Err));
            }
        }
    }

    /// Writes a batch. One request that can't be written must not take the others with it, so then
    /// each is tried alone, unless the store itself is in trouble.
    async fn work(&mut self, batch: Batch) {
        if batch.len() == 0 {
            return;
        }
        let error = match self.write(&batch).await {
            Ok(done) => return wake(batch, done),
            Err(error) => StoreError::new(&self.path, error),
        };
        if batch.len() == 1 || error.is_of_the_store() {
            return self.fail(batch, &error);
        }
        for one in batch.singly() {
            match self.write(&one).await {
                Ok(done) => wake(one, done),
                Err(error) => self.fail(one, &StoreError::new(&self.path, error)),
            }
        }
    }

    fn fail(&mut self, batch: Batch, error: &StoreError) {
        for (_, reply) in batch.records {
            match reply {
                Some(reply) => answer(reply, Err(error.clone())),
                None => self.lost = self.lost.take().or_else(|| Some(error.clone())),
            }
        }
        for (_, reply) in batch.unclaims {
            answer(reply, Err(error.clone()));
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
        let done = write(&mut connection, &self.tools, batch).await?;
        // Only after a clean commit: what an error leaves behind is the pool's to look after.
        self.kept = Some(connection);
        Ok(done)
    }
}

/// One transaction. Records first: an address that a relay just refused stops a commit of the same
/// batch.
async fn write(connection: &mut Connection, tools: &Tools, batch: &Batch) -> sqlx::Result<Done> {
    let mut tx = connection.begin_with(BEGIN_WRITE).await?;
    let records = in_rounds(batch.records.iter().map(|(one, _)| one), |one| &one.id);
    let mut recorded = vec![false; batch.records.len()];
    let mut steps: Vec<Step<'_>> = Vec::with_capacity(batch.len());
    for round in records {
        let passed = phases::record(&mut tx, &round).await?;
        for (n, one) in round {
            if passed.contains_key(&one.id) {
                set(&mut recorded, n);
                let reply = one.reply.as_deref();
                steps.push((&one.id, one.now, one.outcome, one.reason, reply));
            }
        }
    }
    for (ids, _) in &batch.unclaims {
        phases::unclaim(&mut tx, ids).await?;
    }
    let mut committed = vec![false; batch.commits.len()];
    for round in in_rounds(batch.commits.iter().map(|(one, _)| one), |one| &one.id) {
        let passed = phases::commit(&mut tx, tools, &round).await?;
        for (n, one) in round {
            if passed.contains_key(&one.id) {
                set(&mut committed, n);
                steps.push((&one.id, one.now, Outcome::Sending, None, None));
            }
        }
    }
    phases::note(&mut tx, steps.into_iter()).await?;
    let mut claims = Vec::with_capacity(batch.claims.len());
    for (one, _) in &batch.claims {
        claims.push(phases::claim(&mut tx, *one).await?);
    }
    tx.commit().await?;
    Ok(Done {
        records: recorded,
        commits: committed,
        claims,
    })
}

/// Splits requests, with their places, into rounds in which no id comes twice.
fn in_rounds<'a, T>(
    all: impl Iterator<Item = &'a T>,
    id: impl Fn(&'a T) -> &'a String,
) -> Vec<Vec<(usize, &'a T)>> {
    let mut rounds: Vec<Vec<(usize, &T)>> = Vec::new();
    let mut seen: HashMap<&String, usize> = HashMap::new();
    for (n, one) in all.enumerate() {
        let turn = seen.entry(id(one)).or_default();
        match rounds.get_mut(*turn) {
            Some(round) => round.push((n, one)),
            None => rounds.push(vec![(n, one)]),
        }
        *turn += 1;
    }
    rounds
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

fn wake(batch: Batch, done: Done) {
    for ((_, reply), passed) in batch.records.into_iter().zip(done.records) {
        if let Some(reply) = reply {
            answer(reply, Ok(passed));
        }
    }
    for (_, reply) in batch.unclaims {
        answer(reply, Ok(()));
    }
    for ((_, reply), passed) in batch.commits.into_iter().zip(done.commits) {
        answer(reply, Ok(passed));
    }
    for ((_, reply), entries) in batch.claims.into_iter().zip(done.claims) {
        answer(reply, Ok(entries));
    }
}
