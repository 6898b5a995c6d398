//! The daemon: woken by the scheduler, stopped by a signal, never ended by a bad pass.
//!
//! tokio-cron-scheduler only says "look now": its jobs raise a flag and do nothing else, and a
//! timer of our own looks anyway should the scheduler fall silent. What is due is always a question
//! to the store. May not decide anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_cron_scheduler::{Job, JobScheduler};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::engine::alarm::Alarm;
use crate::engine::digest::Postman;
use crate::engine::learn::{Done, Learner};
use crate::engine::reload::Watch;
use crate::engine::retention::Removed;
use crate::engine::tick::{self, Pass};
use crate::engine::trust::Standstill;
use crate::engine::{EngineError, House, Report, alert, links, mishap, trust};
use crate::model::Outcome;
use crate::review::{self, OpenDoors, Pulse, ReviewError};

/// When the scheduler is this late with the next wake-up, we look by ourselves.
const SILENCE: Duration = Duration::from_secs(90);
/// How often systemd's watchdog hears of us while we wait or a pass is under way.
const SIGN_OF_LIFE: Duration = Duration::from_mins(1);
/// After a stop is asked for, a pass has this long to finish the messages on the wire; then its
/// sockets are dropped. The promise is ten seconds in all.
const GRACE: Duration = Duration::from_secs(8);

/// Trouble that ends the daemon.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The scheduler couldn't be set up.
    #[error("the scheduler can't be started: {0}")]
    Schedule(#[from] tokio_cron_scheduler::JobSchedulerError),
    /// The engine's trouble at start or at the end.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// What is reached by web can't be served.
    #[error(transparent)]
    Public(#[from] ReviewError),
}

/// What the scheduler's jobs raise.
#[derive(Debug, Default)]
struct Wakes {
    any: Notify,
    sync: AtomicBool,
}

impl Wakes {
    /// Where a file wasn't complete yet, it needn't wait for the next sync as well.
    fn look_again_after(&self, ended: &Passed) {
        if matches!(ended, Passed::Well(report) if report.unfinished_files > 0) {
            self.sync.store(true, Ordering::Relaxed);
        }
    }
}

/// Tells systemd and the log that work begins.
fn say_ready(house: &House) {
    notify(&[NotifyState::Ready]);
    let rules = house.plans.rules.iter().filter(|rule| rule.enabled).count();
    tracing::info!(rules, store = %house.store.path().display(), "watching");
}

/// Works until `stop` is raised; `opened` hears of the doors that are open.
///
/// # Errors
/// Trouble at the start; later trouble is logged and the next pass tries again.
pub async fn run(
    house: Arc<House>,
    stop: CancellationToken,
    opened: impl FnOnce(&OpenDoors),
) -> Result<(), DaemonError> {
    // Before anything is done: a port that somebody else has is told at once.
    let pulse = Arc::new(Pulse::new(house.clock.now()));
    let doors = review::open(&house, &pulse, &stop).await?;
    opened(&doors);
    let wakes = Arc::new(Wakes::default());
    // The first pass reads the sources at once.
    wakes.sync.store(true, Ordering::Relaxed);
    wakes.any.notify_one();
    let working = Arc::new(AtomicBool::new(false));
    let mut scheduler = scheduler(&house, &wakes).await?;
    scheduler.start().await?;
    say_ready(&house);
    let passes = AtomicU64::new(0);
    let mut watch = Watch::new(&house).await?;
    let mut learner = Learner::default();
    let mut alarm = Alarm::default();
    let mut postman = Postman::default();
    let mut house = house;
    while !stop.is_cancelled() {
        // A scheduler that has lost track of its jobs knows no next one.
        let next = scheduler.time_till_next_job().await.ok().flatten();
        let longest = next.unwrap_or_default() + SILENCE;
        pulse.waits(house.clock.now(), longest);
        let learnt = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            learnt = woken(&wakes, &mut learner, longest) => learnt,
        };
        if let Some(learnt) = learnt {
            match learner.keep(&house, learnt).await {
                Some(fresh) => house = Arc::new(fresh),
                None => continue,
            }
        }
        tokio::select! {
            fresh = watch.refreshed(&house) => match fresh {
                Ok(fresh) => house = fresh,
                Err(error) => tracing::error!(%error, "an edit couldn't be looked at"),
            },
            () = stop.cancelled() => break,
        }
        doors.in_force(&house);
        let sync = wakes.sync.swap(false, Ordering::Relaxed);
        let number = passes.fetch_add(1, Ordering::Relaxed) + 1;
        pulse.pass_moves(house.clock.now());
        let span = tick::span();
        let pass = pass(&house, (sync, number), &working, &stop);
        let ended = tokio::select! {
            ended = pass.instrument(span.clone()) => ended,
            () = signs_of_life(&house, &pulse) => Passed::Stopped,
        };
        wakes.look_again_after(&ended);
        ended.is_felt(&pulse, &house);
        tokio::select! {
            () = told(&ended, &house, &mut alarm).instrument(span) => {}
            () = stop.cancelled() => {}
        }
        // Under a clock that can't be right nothing is learnt either, nor written to the owner.
        if working.load(Ordering::Relaxed) {
            learner.begin(&house);
            postman.look(&house);
        }
        notify(&[NotifyState::Watchdog]);
    }
    notify(&[NotifyState::Stopping]);
    // First of all: dropping the scheduler doesn't stop it.
    scheduler.shutdown().await?;
    doors.close().await;
    postman.stop().await;
    house.store.flush().await.map_err(EngineError::from)?;
    tracing::info!("stopped");
    Ok(())
}

/// Waits until there is something to look at; what came of learning, if it is that.
async fn woken(wakes: &Wakes, learner: &mut Learner, longest: Duration) -> Option<Done> {
    tokio::select! {
        biased;
        done = learner.finished() => Some(done),
        () = wakes.any.notified() => None,
        () = idle(longest) => {
            tracing::warn!("no wake-up came; looking anyway");
            wakes.sync.store(true, Ordering::Relaxed);
            None
        }
    }
}

/// Waits this long, and lets systemd know meanwhile that we are only waiting.
async fn idle(mut left: Duration) {
    while !left.is_zero() {
        let step = left.min(SIGN_OF_LIFE);
        tokio::time::sleep(step).await;
        notify(&[NotifyState::Watchdog]);
        left -= step;
    }
}

async fn scheduler(house: &House, wakes: &Arc<Wakes>) -> Result<JobScheduler, DaemonError> {
    let scheduler = JobScheduler::new().await?;
    let schedule = &house.plans.settings.schedule;
    let wake_ups = [(&schedule.sync, true), (&schedule.tick, false)].into_iter();
    for (when, sync) in wake_ups.chain(schedule.digest.as_ref().map(|when| (when, false))) {
        let wakes = Arc::clone(wakes);
        let job = Job::new(when.as_str(), move |_, _| {
            wakes.sync.fetch_or(sync, Ordering::Relaxed);
            wakes.any.notify_one();
        })?;
        scheduler.add(job).await?;
    }
    Ok(scheduler)
}

/// How a pass ended.
enum Passed {
    Well(Box<Report>),
    /// It was asked to stop.
    Stopped,
    /// For this reason.
    Failed(String),
}

impl Passed {
    /// Whoever asks for our health hears of it.
    fn is_felt(&self, pulse: &Pulse, house: &House) {
        if let Self::Well(report) = self {
            pulse.let_in(report.standstill.as_ref().map(Standstill::in_short));
        }
        pulse.pass_ended(house.clock.now(), !matches!(self, Self::Failed(_)));
    }
}

/// One pass in a task of its own, so that even a panic ends only the pass. `working`: the last one
/// was let in, and what was open before it is settled.
async fn pass(
    house: &Arc<House>,
    (sync, number): (bool, u64),
    working: &Arc<AtomicBool>,
    stop: &CancellationToken,
) -> Passed {
    let mut task = JoinSet::new();
    let faults = crate::settings::faults();
    let (ours, theirs) = (Arc::clone(house), stop.clone());
    let at_work = Arc::clone(working);
    let work = async move {
        faults.maybe_panic(number);
        if ours.store.met_damage() {
            ours.store.check_damage().await?;
        }
        let was_at_work = at_work.swap(false, Ordering::Relaxed);
        if let Some(standstill) = trust::enter(&ours).await? {
            return Ok(Report::halted(standstill));
        }
        at_work.store(true, Ordering::Relaxed);
        let mut report = if was_at_work {
            tick::settle_open(&ours).await?
        } else {
            tick::recover(&ours).await?
        };
        links::refresh(&ours).await?;
        let pass = Pass {
            sync,
            workers: None,
        };
        report.add(Box::pin(tick::tick(&ours, pass, &theirs)).await?);
        Ok::<_, EngineError>(report)
    };
    task.spawn(work.in_current_span());
    let joined = tokio::select! {
        joined = task.join_next() => joined,
        () = too_long_after(stop) => {
            tracing::error!("the pass didn't end in time; its connections are dropped");
            task.shutdown().await;
            return Passed::Stopped;
        }
    };
    match joined {
        Some(Ok(Ok(report))) if report.standstill.is_some() => Passed::Well(Box::new(report)),
        Some(Ok(Ok(report))) => {
            tokio::select! {
                told = alert::after_pass(house, &report) => if let Err(error) = told {
                    tracing::error!(%error, "the owner couldn't be told of what needs them");
                },
                () = stop.cancelled() => {}
            }
            Passed::Well(Box::new(report))
        }
        Some(Ok(Err(error))) => {
            tracing::error!(%error, "a pass failed; the next one tries again");
            settle(house, working).await;
            Passed::Failed(error.to_string())
        }
        Some(Err(error)) if error.is_panic() => {
            let words = mishap::words(error.into_panic());
            tracing::error!(words, "a pass panicked; the next one tries again");
            settle(house, working).await;
            Passed::Failed(format!("a fault of fondly's own: {words}"))
        }
        Some(Err(_)) | None => Passed::Stopped,
    }
}

/// Gives back what a pass that broke off had claimed, and settles what it was sending.
async fn settle(house: &House, working: &AtomicBool) {
    // How far it was brought is looked up again: what failed may have been kept.
    house.store.leave();
    if working.load(Ordering::Relaxed)
        && let Err(error) = tick::recover(house).await
    {
        tracing::error!(%error, "what the pass left open can't be settled yet");
    }
}

/// While a long pass goes from letter to letter, systemd's watchdog and whoever asks for our health
/// hear of it; a pass that hangs is their business. Never ends.
async fn signs_of_life(house: &House, pulse: &Pulse) {
    let mut seen = house.progress.load(Ordering::Relaxed);
    loop {
        tokio::time::sleep(SIGN_OF_LIFE).await;
        let now = house.progress.load(Ordering::Relaxed);
        if std::mem::replace(&mut seen, now) != now {
            pulse.pass_moves(house.clock.now());
            notify(&[NotifyState::Watchdog]);
        }
    }
}

async fn too_long_after(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(GRACE).await;
}

/// Says how a pass ended to whom it concerns.
async fn told(ended: &Passed, house: &House, alarm: &mut Alarm) {
    match ended {
        Passed::Well(report) => {
            tell(report);
            alarm.well(house).await;
        }
        Passed::Stopped => {}
        Passed::Failed(why) => alarm.failed(house, why).await,
    }
}

/// A quiet pass is not worth a line.
fn tell(report: &Report) {
    if report.standstill.is_some() {
        return tracing::debug!("no pass: something is in doubt");
    }
    let removed = report.removed;
    if removed != Removed::default() {
        let Removed {
            customers,
            events,
            staying,
            texts,
            copies,
        } = removed;
        tracing::info!(
            customers,
            events,
            staying,
            texts,
            copies,
            "what was kept long enough was taken out, as [retention] says"
        );
    }
    if report.decided.is_empty() && report.planned == 0 {
        return tracing::debug!("nothing due");
    }
    tracing::info!(
        planned = report.planned,
        sent = report.total(Outcome::Sent),
        skipped = report.total(Outcome::Skipped),
        deferred = report.total(Outcome::Deferred),
        held = report.total(Outcome::Held),
        rejected = report.total(Outcome::Rejected),
        unknown = report.total(Outcome::Unknown),
        "a pass ended"
    );
}

/// Tells systemd; without it nobody listens, which is fine.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd doesn't listen");
    }
}
