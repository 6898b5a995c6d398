//! Sending: what is due is claimed, judged, written, and handed over, each on its own.
//!
//! A dispatcher claims rows and groups them by customer; a scribe asks the gates and writes ahead
//! what may go; a few workers, one connection each, take a customer at a time. The store commits
//! "about to send" only if nothing in the view that the gates saw has changed since, so the answer
//! is that of the moment before the final dot.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::batches::Batches;
use super::progress::Waiting;
use super::scribe::{self, Job};
use super::worker::Worker;
use super::{EngineError, House, Report};
use crate::deliver::Deadlines;
use crate::model::{Outcome, Reason, View};
use crate::store::Entry;

/// Entries claimed at once: enough to group commits, few enough to give back quickly.
const CLAIM: u32 = 128;
/// Jobs waiting in front of the scribe, and as many in front of the workers.
const QUEUE: usize = 64;

/// So long a pass waits, at most, for letters whose mail domain has room again soon.
const SOON: SignedDuration = SignedDuration::from_secs(5);

/// What the workers of one round share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) house: Arc<House>,
    pub(super) report: std::sync::Mutex<Report>,
    /// How the batches stand, of which something is due.
    pub(super) batches: Batches,
    /// Raised when nobody should begin another message.
    pub(super) stop: CancellationToken,
    /// Some letters were kept back because no way was open.
    pub(super) kept_back: AtomicBool,
    /// A way has opened again, and what was kept back earlier is due.
    pub(super) opened: AtomicBool,
}

impl Shared {
    /// Counts one entry's outcome.
    pub(super) fn count(&self, rule: &str, outcome: Outcome, reason: Reason) {
        tracing::debug!(%outcome, %reason, "decided");
        self.lock().count(rule, outcome, reason);
        self.house.progress.moves();
    }

    /// A letter is being handed over. A mail server has its own time for each step, and who waits for
    /// it meanwhile is alive.
    pub(super) fn on_the_wire(&self) -> Waiting<'_> {
        let longest = Deadlines::default().longest();
        self.house.progress.waits(longest)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Report> {
        self.report
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Sends what is due, until nothing is or `stop` is raised; messages on the wire are finished.
/// While no way out is open, what could go is kept back, and one letter at most asks again.
///
/// # Errors
/// The store's trouble.
pub async fn send_due(
    house: &Arc<House>,
    workers: Option<u32>,
    stop: &CancellationToken,
) -> Result<Report, EngineError> {
    let outbox = &house.outbox;
    outbox.recall(house).await?;
    let now = house.clock.now();
    if outbox.wants_probe(now) {
        house.store.pick_probe(now).await?;
    }
    let mut report = Report::default();
    let workers = workers.unwrap_or_else(|| outbox.workers()).max(1);
    let mut latest = None;
    loop {
        let more = round(house, workers, stop, &mut report).await?;
        let now = house.clock.now();
        let latest = *latest.get_or_insert(now.checked_add(SOON).unwrap_or(now));
        if !more && !soon(house, latest, stop).await {
            break;
        }
    }
    report.relay_trouble = outbox.trouble();
    Ok(report)
}

/// Sends what is due by now. `true`: a way has opened meanwhile, and so more is.
async fn round(
    house: &Arc<House>,
    workers: u32,
    stop: &CancellationToken,
    report: &mut Report,
) -> Result<bool, EngineError> {
    let shared = Arc::new(Shared {
        house: Arc::clone(house),
        report: std::sync::Mutex::default(),
        batches: Batches::default(),
        stop: stop.child_token(),
        kept_back: AtomicBool::new(false),
        opened: AtomicBool::new(false),
    });
    let (jobs, unwritten) = mpsc::channel(QUEUE);
    let (written, queue) = mpsc::channel(QUEUE);
    let queue = Arc::new(Mutex::new(queue));
    let mut team = JoinSet::new();
    let mut desk = JoinSet::new();
    desk.spawn(scribe::prepare(Arc::clone(&shared), unwritten, written));
    for number in 0..workers {
        let work = Worker::new(Arc::clone(&shared), number).work(Arc::clone(&queue));
        team.spawn(work.instrument(tracing::debug_span!("worker", number)));
    }
    // Only the workers keep the queue open: when none is left, nobody waits for one.
    drop(queue);
    let dispatched = dispatch(&shared, &jobs).await;
    drop(jobs);
    let mut ended = Ok(());
    if let Some(Err(panic)) = desk.join_next().await {
        tracing::error!(%panic, "writing letters ended unexpectedly; what is due waits for the next pass");
    }
    while let Some(worker) = team.join_next().await {
        match worker {
            Ok(result) => ended = ended.and(result),
            Err(panic) => {
                tracing::error!(%panic, "a worker ended unexpectedly; its entry is looked at again");
            }
        }
    }
    house.store.flush().await?;
    house.store.release_claims().await?;
    dispatched?;
    ended?;
    report.add(std::mem::take(&mut *shared.lock()));
    let mut more = shared.opened.load(Ordering::Relaxed);
    if shared.kept_back.load(Ordering::Relaxed) && house.outbox.is_open(&[]) {
        // It opened while they were being kept back.
        more |= house.store.release_waiting(house.clock.now()).await? > 0;
    }
    Ok(more && !stop.is_cancelled())
}

/// Claims what is due and hands it out, customer by customer.
async fn dispatch(shared: &Shared, jobs: &mpsc::Sender<Job>) -> Result<(), EngineError> {
    let house = &shared.house;
    while !shared.stop.is_cancelled() {
        let now = house.clock.now();
        let claimed = house.store.claim(CLAIM, now).await?;
        if claimed.is_empty() {
            break;
        }
        // Fewer than were asked for are all that was due.
        let all = claimed.len() < CLAIM as usize;
        shared.batches.learn(house, &claimed, now).await?;
        for job in grouped(house, claimed).await? {
            tokio::select! {
                biased;
                () = shared.stop.cancelled() => return Ok(()),
                sent = jobs.send(job) => if sent.is_err() { return Ok(()) },
            }
        }
        if all {
            break;
        }
    }
    Ok(())
}

/// Waits for a letter whose mail domain has room again in a moment, if that is before `latest`.
/// Passes come a little earlier or later than a minute after each other; what is due a breath
/// after one would lose a whole one.
async fn soon(house: &House, latest: Timestamp, stop: &CancellationToken) -> bool {
    let now = house.clock.now();
    let next = house.outbox.next_place(now).filter(|next| *next <= latest);
    let left = next.and_then(|next| Duration::try_from(next.duration_since(now)).ok());
    let Some(left) = left else {
        return false;
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => false,
        () = house.clock.wait_until(house.clock.instant() + left) => true,
    }
}

async fn grouped(house: &House, claimed: Vec<Entry>) -> Result<Vec<Job>, EngineError> {
    let mut order: Vec<String> = Vec::new();
    let mut by_customer: HashMap<String, Vec<Entry>> = HashMap::new();
    for entry in claimed {
        let entries = by_customer.entry(entry.customer.clone()).or_default();
        if entries.is_empty() {
            order.push(entry.customer.clone());
        }
        entries.push(entry);
    }
    let views = house.views(&order).await?;
    let mut views: HashMap<String, View> = views
        .into_iter()
        .map(|view| (view.customer.id.clone(), view))
        .collect();
    let jobs = order.into_iter().filter_map(|customer| {
        let entries = by_customer.remove(&customer)?;
        let view = views.remove(&customer)?;
        Some(Job {
            view,
            entries,
            first: None,
        })
    });
    Ok(jobs.collect())
}
