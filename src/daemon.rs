//! The daemon: woken by the scheduler, stopped by a signal, never ended by a bad pass.
//!
//! tokio-cron-scheduler only says "look now": its jobs raise a flag and do nothing else, and a
//! timer of our own looks anyway should the scheduler fall silent. What is due is always a question
//! to the store. May not decide anything.

mod passes;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::Notify;
use tokio_cron_scheduler::{Job, JobScheduler};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::engine::alarm::Alarm;
use crate::engine::digest::Postman;
use crate::engine::learn::{Done, Learner};
use crate::engine::reload::Watch;
use crate::engine::tick;
use crate::engine::{EngineError, House};
use crate::review::{self, OpenDoors, Pulse, ReviewError};
use passes::{Passed, Passes};

/// When the scheduler is this late with the next wake-up, we look by ourselves.
const SILENCE: Duration = Duration::from_secs(90);
/// How often systemd's watchdog hears of us while we wait or a pass is under way.
const SIGN_OF_LIFE: Duration = Duration::from_mins(1);

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
/// Trouble at the start or at the end, the first that there was; other trouble is logged and the next
/// pass tries again. Whatever ends it, who is inside gets an answer, and what is known is kept.
pub async fn run(
    house: Arc<House>,
    stop: CancellationToken,
    opened: impl FnOnce(&OpenDoors),
) -> Result<(), DaemonError> {
    // Before anything is done: a port that somebody else has is told at once.
    let pulse = Arc::new(Pulse::new(house.clock.now()));
    let doors = review::open(&house, &pulse, &stop).await?;
    opened(&doors);
    let mut postman = Postman::default();
    let worked = scheduled(&house, (&doors, pulse.as_ref()), &mut postman, &stop).await;
    notify(&[NotifyState::Stopping]);
    doors.close().await;
    postman.stop().await;
    let kept = house.store.flush().await;
    worked?;
    kept.map_err(EngineError::from)?;
    tracing::info!("stopped");
    Ok(())
}

/// The same between a scheduler's start and its end: dropping it doesn't stop it.
async fn scheduled(
    house: &Arc<House>,
    (doors, pulse): (&OpenDoors, &Pulse),
    postman: &mut Postman,
    stop: &CancellationToken,
) -> Result<(), DaemonError> {
    let wakes = Arc::new(Wakes::default());
    // The first pass reads the sources at once.
    wakes.sync.store(true, Ordering::Relaxed);
    wakes.any.notify_one();
    let mut scheduler = scheduler(house, &wakes).await?;
    let work = Work {
        wakes: &wakes,
        doors,
        pulse,
        stop,
    };
    let worked = Box::pin(work.go_on(house, &mut scheduler, postman)).await;
    let ended = scheduler.shutdown().await;
    worked?;
    Ok(ended?)
}

/// What passes are woken up by and tell of themselves to.
struct Work<'a> {
    wakes: &'a Wakes,
    doors: &'a OpenDoors,
    pulse: &'a Pulse,
    stop: &'a CancellationToken,
}

impl Work<'_> {
    /// One pass after the other, until the stop is raised.
    async fn go_on(
        &self,
        house: &Arc<House>,
        scheduler: &mut JobScheduler,
        postman: &mut Postman,
    ) -> Result<(), DaemonError> {
        let Self {
            wakes,
            doors,
            pulse,
            stop,
        } = self;
        scheduler.start().await?;
        say_ready(house);
        let mut watch = Watch::new(house).await?;
        let mut learner = Learner::default();
        let mut alarm = Alarm::default();
        let mut passes = Passes::default();
        let mut house = Arc::clone(house);
        while !stop.is_cancelled() {
            // A scheduler that has lost track of its jobs knows no next one.
            let next = scheduler.time_till_next_job().await.ok().flatten();
            let longest = next.unwrap_or_default() + SILENCE;
            pulse.waits(house.clock.now(), longest);
            let learnt = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                learnt = woken(wakes, &mut learner, longest) => learnt,
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
            let span = tick::span();
            let ended = passes.next(&house, sync, pulse, stop);
            let ended = ended.instrument(span.clone()).await;
            wakes.look_again_after(&ended);
            tokio::select! {
                () = ended.tell(&house, &mut alarm).instrument(span) => {}
                () = stop.cancelled() => {}
            }
            // Under a clock that can't be right nothing is learnt either, nor written to the owner.
            if passes.are_let_in() {
                learner.begin(&house);
                postman.look(&house);
            }
            notify(&[NotifyState::Watchdog]);
        }
        Ok(())
    }
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

/// Tells systemd; without it nobody listens, which is fine.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd doesn't listen");
    }
}
