//! The passes of the daemon: each in a task of its own, so that nothing that goes wrong in one ends more
//! than that, and with signs of life while it moves.
//!
//! May not decide anything.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{SIGN_OF_LIFE, notify};
use crate::engine::alarm::Alarm;
use crate::engine::retention::Removed;
use crate::engine::tick::{self, Pass};
use crate::engine::trust::{self, Standstill};
use crate::engine::{EngineError, House, Report, alert, links, mishap};
use crate::model::Outcome;
use crate::review::Pulse;

/// After a stop is asked for, a pass has this long to finish the messages on the wire; then its
/// sockets are dropped. The promise is ten seconds in all.
const GRACE: Duration = Duration::from_secs(8);

/// How a pass ended.
pub(super) enum Passed {
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

    /// Says how it ended to whom it concerns.
    pub(super) async fn tell(&self, house: &House, alarm: &mut Alarm) {
        match self {
            Self::Well(report) => {
                tell(report);
                alarm.well(house).await;
            }
            Self::Stopped => {}
            Self::Failed(why) => alarm.failed(house, why).await,
        }
    }
}

/// One pass after the other.
#[derive(Debug, Default)]
pub(super) struct Passes {
    number: u64,
    /// The last one was let in, and what was open before it is settled.
    let_in: Arc<AtomicBool>,
}

impl Passes {
    /// The next one; systemd and whoever asks for our health hear of it while it moves.
    pub(super) async fn next(
        &mut self,
        house: &Arc<House>,
        sync: bool,
        pulse: &Pulse,
        stop: &CancellationToken,
    ) -> Passed {
        self.number += 1;
        pulse.pass_moves(house.clock.now());
        let ended = tokio::select! {
            ended = pass(house, (sync, self.number), &self.let_in, stop) => ended,
            never = signs_of_life(house, pulse) => match never {},
        };
        ended.is_felt(pulse, house);
        ended
    }

    /// Whether the last one was let in: nothing is in doubt.
    pub(super) fn are_let_in(&self) -> bool {
        self.let_in.load(Ordering::Relaxed)
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

/// While a long pass goes from step to step, or waits for somebody who has their own limit, systemd's
/// watchdog and whoever asks for our health hear of it; a pass that hangs is their business. Never ends.
async fn signs_of_life(house: &House, pulse: &Pulse) -> Infallible {
    let mut seen = house.progress.steps();
    loop {
        tokio::time::sleep(SIGN_OF_LIFE).await;
        if house.progress.is_alive(&mut seen) {
            pulse.pass_moves(house.clock.now());
            notify(&[NotifyState::Watchdog]);
        }
    }
}

async fn too_long_after(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(GRACE).await;
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
