//! `fondly run`: the daemon, and what it shares with `tick`: the hold on the store and the signals.

use std::path::Path;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Done, Failure, Outcome, house};
use crate::daemon;
use crate::engine::{House, Plans};
use crate::settings::live_sending_problems;
use crate::store::{Holder, Store};

#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) async fn run(_: Args, config: &Path) -> Outcome {
    let house = house(config).await?;
    let store = house.store.clone();
    let mut holder = None;
    let ran = work(house, &mut holder).await;
    if let Some(holder) = &mut holder
        && store.met_damage()
    {
        holder.doubt();
    }
    // Whatever ended it, the books are closed in order before anybody else may have them.
    let closed = store.close().await;
    drop(holder);
    ran?;
    closed?;
    Ok(Done::Well)
}

/// Works until the stop, with a hold on the store.
async fn work(house: House, holder: &mut Option<Holder>) -> Result<(), Failure> {
    *holder = Some(hold(&house, "fondly run").await?);
    check_live_sending(&house.plans)?;
    let stop = stop_on_signals()?;
    Ok(Box::pin(daemon::run(Arc::new(house), stop, |_| {})).await?)
}

/// Takes hold of the store, or says who has it. One that was in use when the machine went down is
/// looked through first: where the disk lost something, nothing may be sent. (Each time would be too
/// long: with a million customers it takes six seconds to half a minute.)
pub(super) async fn hold(house: &House, command: &str) -> Result<Holder, Failure> {
    let mut holder = Store::hold(house.store.path(), command, house.clock.now())?;
    if holder.after_a_crash() {
        tracing::info!("looking through the store: it wasn't closed before the machine went down");
        if let Err(error) = house.store.check_damage().await {
            holder.doubt();
            return Err(error.into());
        }
    }
    Ok(holder)
}

/// Refuses to send live what the law doesn't let out.
pub(super) fn check_live_sending(plans: &Plans) -> Result<(), Failure> {
    let classes = plans
        .rules
        .iter()
        .filter(|rule| rule.enabled)
        .map(|rule| rule.class);
    let classes: Vec<_> = classes.collect();
    let problems = live_sending_problems(&plans.settings, &classes);
    if problems.is_empty() {
        return Ok(());
    }
    Err(Failure::Trouble(anyhow::anyhow!(
        "nothing is sent yet: {}",
        problems.join("; ")
    )))
}

/// A token that SIGTERM and SIGINT raise.
pub(super) fn stop_on_signals() -> Result<CancellationToken, Failure> {
    let stop = CancellationToken::new();
    let raised = stop.clone();
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    #[expect(
        clippy::disallowed_methods,
        reason = "waits for a signal until the process ends"
    )]
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => tracing::info!("asked to stop (SIGTERM)"),
            _ = int.recv() => tracing::info!("asked to stop (interrupt)"),
        }
        raised.cancel();
    });
    Ok(stop)
}
