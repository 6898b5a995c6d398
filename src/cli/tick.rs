//! `fondly tick`: one pass, then the end.

use std::path::Path;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Done, Failure, Outcome, house, output, run, summary};
use crate::engine::tick::{self, Pass};
use crate::engine::{EngineError, House, Report, alert, digest};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Don't read the sources
    #[arg(long)]
    no_sync: bool,
}

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let house = house(config).await?;
    let mut holder = run::hold(&house, "fondly tick").await?;
    run::check_live_sending(&house.plans)?;
    let house = Arc::new(house);
    let stop = run::stop_on_signals()?;
    let pass = Pass {
        sync: !args.no_sync,
        workers: None,
    };
    let passed = Box::pin(tick::first(&house, pass, &stop)).await;
    let afterwards = match &passed {
        Ok(report) if report.standstill.is_none() => after(&house, report, &stop).await,
        Ok(_) | Err(_) => Ok(()),
    };
    if house.store.met_damage() {
        holder.doubt();
    }
    let halted = house.store.paused().await;
    let closed = house.store.clone().close().await;
    let report = passed?;
    // What was done is told, whatever failed after it.
    for line in summary::lines(&house, &report) {
        output::say(line)?;
    }
    for line in summary::paused(&halted?, &house.policy().zone) {
        output::say(line)?;
    }
    if let Some(words) = &report.broke_off {
        return Err(Failure::Trouble(anyhow::anyhow!(words.clone())));
    }
    afterwards?;
    closed?;
    Ok(if report.needs_a_person() {
        Done::NeedsAPerson
    } else {
        Done::Well
    })
}

/// Tells the owner of what a pass left, and sends the weekly letter.
async fn after(
    house: &House,
    report: &Report,
    stop: &CancellationToken,
) -> Result<(), EngineError> {
    alert::after_pass(house, report).await?;
    if stop.is_cancelled() {
        return Ok(());
    }
    send_digest(house).await
}

/// Sends the owner's weekly letter, where it is due.
async fn send_digest(house: &House) -> Result<(), EngineError> {
    match digest::due(house).await? {
        Some(period) => Box::pin(digest::send_due(house, period)).await,
        None => Ok(()),
    }
}
