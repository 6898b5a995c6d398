//! `fondly tick`: one pass, then the end.

use std::path::Path;
use std::sync::Arc;

use super::{Done, Outcome, house, output, run, summary};
use crate::engine::tick::{self, Pass};
use crate::engine::{EngineError, House, alert, digest};

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
    let mut passed = Box::pin(tick::first(&house, pass, &stop)).await;
    if let Ok(report) = &passed
        && report.standstill.is_none()
        && let Err(error) = alert::after_pass(&house, report).await
    {
        passed = Err(error);
    }
    if let Ok(report) = &passed
        && report.standstill.is_none()
        && !stop.is_cancelled()
        && let Err(error) = send_digest(&house).await
    {
        passed = Err(error);
    }
    if house.store.met_damage() {
        holder.doubt();
    }
    let halted = house.store.paused().await;
    house.store.clone().close().await?;
    let report = passed?;
    let halted = summary::paused(&halted?, &house.policy().zone);
    for line in summary::lines(&house, &report).into_iter().chain(halted) {
        output::say(line)?;
    }
    Ok(if report.needs_a_person() {
        Done::NeedsAPerson
    } else {
        Done::Well
    })
}

/// Sends the owner's weekly letter, where it is due.
async fn send_digest(house: &House) -> Result<(), EngineError> {
    match digest::due(house).await? {
        Some(period) => Box::pin(digest::send_due(house, period)).await,
        None => Ok(()),
    }
}
