//! One pass: settle what a crash left open, read the sources, plan, send what is due.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::letter::file_name;
use super::sync::Synced;
use super::way::is_relay;
use super::{
    EngineError, House, Report, learn, opinion, plan, privacy, retention, send, sync, trust,
};
use crate::deliver::FileCourier;
use crate::model::{Outcome, Reason};
use crate::observe::fresh_id;
use crate::store::{Filter, Record, Resettle};

/// What a pass should do.
#[derive(Debug, Clone, Copy)]
pub struct Pass {
    /// Whether to read the sources first.
    pub sync: bool,
    /// Workers; `None` for as many as the settings say.
    pub workers: Option<u32>,
}

/// What all lines in the log of one pass are told apart by.
pub fn span() -> tracing::Span {
    tracing::info_span!("pass", id = fresh_id())
}

/// Runs one pass.
///
/// # Errors
/// The store's trouble; that of sources and of the relay is in the report.
pub async fn tick(
    house: &Arc<House>,
    pass: Pass,
    stop: &CancellationToken,
) -> Result<Report, EngineError> {
    let mut report = Report::default();
    let now = house.clock.now();
    if pass.sync {
        for synced in sync::sync(house, None, now).await? {
            report.unfinished_files += synced.unfinished.len() as u64;
            report.failing_sources.extend(needs_a_person(synced));
        }
    }
    report.quarantined = house.store.count_quarantined().await?;
    // Before the planner moves anything of it to another day, and again with what it finds.
    report.add(trust::settle_doubt(house, now).await?);
    let planned = plan::plan(house, now).await?;
    report.planned = planned.new;
    report.add(trust::settle_doubt(house, now).await?);
    house.store.settle_spoken(Reason::Declined, now).await?;
    if !stop.is_cancelled() {
        report.add(send::send_due(house, pass.workers, stop).await?);
    }
    if !stop.is_cancelled() {
        report.removed = retention::keep(house, house.clock.now()).await?;
    }
    report.held = house.store.held_batches().await?;
    report.unknown = house.store.count_unknown().await?;
    house.store.beat(house.clock.now()).await?;
    opinion::settle(house).await?;
    privacy::finish(house).await?;
    house.store.settle_log().await?;
    Ok(report)
}

/// How it is told that a source can't be read; its name and what was wrong follow.
pub(super) const UNREADABLE: &str = "A source can't be read: ";

/// What of a source needs a person, each in a sentence.
fn needs_a_person(synced: Synced) -> Vec<String> {
    let source = synced.source;
    if synced.gone > 0 {
        tracing::info!(source, gone = synced.gone, "customers are gone");
    }
    let mut words = Vec::new();
    if let Some(doubt) = synced.doubt {
        tracing::warn!(source, doubt, "customers seem to be gone");
        words.push(format!("{source}: {doubt}"));
    }
    for trouble in synced.trouble {
        tracing::warn!(source, trouble, "a source couldn't be read");
        words.push(format!("{UNREADABLE}{source}: {trouble}"));
    }
    words
}

/// One pass for real, with what an earlier process left open settled first; or why there is none.
///
/// # Errors
/// As [`tick`].
pub async fn first(
    house: &Arc<House>,
    pass: Pass,
    stop: &CancellationToken,
) -> Result<Report, EngineError> {
    let work = async {
        if let Some(standstill) = trust::enter(house).await? {
            return Ok(Report::halted(standstill));
        }
        let mut report = recover(house).await?;
        report.add(alone(house, pass, stop).await?);
        Ok(report)
    };
    Box::pin(work.instrument(span())).await
}

/// One pass by itself: where rules wait for what has to be learnt first, another one once it is. What
/// fails after the first one stands in the report, beside what it did.
///
/// # Errors
/// As [`tick`].
pub async fn alone(
    house: &Arc<House>,
    pass: Pass,
    stop: &CancellationToken,
) -> Result<Report, EngineError> {
    let mut report = tick(house, pass, stop).await?;
    if stop.is_cancelled() {
        return Ok(report);
    }
    let fresh = match learn::refresh(house, house.clock.now()).await {
        Ok(fresh) => fresh,
        Err(error) => {
            let words = "how customers come couldn't be learnt, which the next pass tries again";
            report.broke_off = Some(format!("{words}: {error}"));
            return Ok(report);
        }
    };
    let mut rules = house.plans.rules.iter().filter(|rule| rule.enabled);
    let waits = rules.any(|rule| learn::is_missing(house.policy(), rule));
    let Some(fresh) = fresh.filter(|_| waits) else {
        return Ok(report);
    };
    let again = Pass {
        sync: false,
        ..pass
    };
    match tick(&Arc::new(fresh), again, stop).await {
        Ok(more) => {
            // The second pass counts what is in quarantine once more.
            report.quarantined = 0;
            report.add(more);
        }
        Err(error) => {
            let words = "what was just learnt couldn't be gone by, which the next pass tries again";
            report.broke_off = Some(format!("{words}: {error}"));
        }
    }
    Ok(report)
}

/// Settles what a crash left open. Only the holder of the store may call it.
///
/// What was claimed is free again. What was about to be handed to a relay is unknown, and stays so
/// until a person says otherwise (or the settings say `resend`). A file either is in its place or
/// isn't, so that is looked up.
///
/// # Errors
/// The store's trouble, or an outbox that can't be read.
pub async fn recover(house: &House) -> Result<Report, EngineError> {
    let report = settle_open(house).await?;
    resend_unknown(house).await?;
    Ok(report)
}

/// The same between two passes, where a worker may have broken off: nothing is sent again.
///
/// # Errors
/// The store's trouble, or an outbox that can't be read.
pub async fn settle_open(house: &House) -> Result<Report, EngineError> {
    let mut report = Report::default();
    // What we still know of letters on the wire comes first; without it they'd be in doubt.
    house.store.flush().await?;
    house.store.release_claims().await?;
    for entry in house.store.recover_sending().await? {
        let now = house.clock.now();
        let in_place = match entry.via.as_deref() {
            Some(dir) if !is_relay(dir) => Some(is_in_place(dir, &file_name(&entry))?),
            Some(_) | None => None,
        };
        let (outcome, reason, words) = match in_place {
            Some(true) => (
                Outcome::Sent,
                Reason::Accepted,
                "found in its place after a restart",
            ),
            Some(false) => (
                Outcome::Deferred,
                Reason::StoppedWhileSending,
                "not in its place after a restart",
            ),
            None => (Outcome::Unknown, Reason::StoppedWhileSending, ""),
        };
        let mut record = Record::new(&entry.id, outcome, Some(reason), now);
        record.reply = (!words.is_empty()).then(|| words.to_owned());
        record.sent_at = in_place.filter(|there| *there).map(|_| now);
        tracing::warn!(entry = entry.id, %outcome, "settled what a stop left open");
        report.count(&entry.rule, outcome, reason);
        house.store.record(record).await?;
    }
    house.store.flush().await?;
    Ok(report)
}

pub(super) fn is_in_place(dir: &str, name: &str) -> Result<bool, EngineError> {
    FileCourier::new(dir.into(), true)
        .is_in_place(name)
        .map_err(|error| EngineError::File {
            what: format!("the outbox {dir}"),
            error,
        })
}

/// With `when_unknown = "resend"`, a relay drops repeated Message-IDs, so unknown is tried again:
/// there, and nowhere else.
async fn resend_unknown(house: &House) -> Result<(), EngineError> {
    let resending = house.outbox.resending();
    if resending.is_empty() {
        return Ok(());
    }
    let unknown = Filter {
        outcome: Some(Outcome::Unknown),
        ..Filter::default()
    };
    for entry in house.store.log(&unknown).await? {
        // What couldn't be sent once more, for another reason, is a person's to settle.
        let lost = matches!(
            entry.reason,
            Some(Reason::ReplyLost | Reason::StoppedWhileSending)
        );
        let by_one = |via: &&str| Some(*via) == entry.via.as_deref();
        if !lost || !resending.iter().any(by_one) {
            continue;
        }
        let again = Resettle {
            id: entry.id,
            from: Outcome::Unknown,
            outcome: Outcome::Planned,
            reason: Some(Reason::StoppedWhileSending),
            only_via: entry.via,
            now: house.clock.now(),
        };
        house.store.resettle(&again).await?;
    }
    Ok(())
}
