//! The same engine on a copy of the store, under a virtual clock, with letters as files.
//!
//! Touches nothing real. The clock jumps from one moment at which something may happen to the
//! next, one worker does everything in order, and links are signed with a key of no worth, so the
//! same input gives the same bytes.

use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, ZonedDateTime};
use tokio_util::sync::CancellationToken;

use super::entry_json::entry_json;
use super::scratch::Scratch;
use super::tick::{Pass, tick};
use super::{EngineError, House, Plans, Report, sync};
use crate::clock::Clock;
use crate::settings::Transport;
use crate::store::Filter;

/// Links in rehearsed letters lead nowhere.
const WORTHLESS_KEY: [u8; 32] = [0; 32];
/// The planner looks ahead when a civil day begins somewhere (UTC+14, so 10:00 UTC).
const NEXT_DAY_BEGINS: SignedDuration = SignedDuration::from_hours(10);
/// One civil day in UTC.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What to rehearse.
#[derive(Debug)]
pub struct Rehearsal {
    /// The first moment.
    pub from: ZonedDateTime,
    /// The moment at which it ends.
    pub until: ZonedDateTime,
    /// The folder for `ledger.jsonl` and `mail/`.
    pub out: PathBuf,
}

/// What came out of it.
#[derive(Debug)]
pub struct Rehearsed {
    /// Counts over the whole time.
    pub report: Report,
    /// Ledger entries written.
    pub entries: u64,
    /// Sources that couldn't be read.
    pub trouble: Vec<String>,
}

/// Rehearses.
///
/// # Errors
/// A store or folder that can't be used.
pub async fn rehearse(
    plans: Plans,
    wanted: &Rehearsal,
    progress: impl Fn(Timestamp),
) -> Result<Rehearsed, EngineError> {
    let mail = wanted.out.join("mail");
    let copy = wanted.out.join(".rehearsal.db");
    let io = |what: &Path| {
        let what = what.display().to_string();
        move |error| EngineError::File { what, error }
    };
    remove_letters(&mail).map_err(io(&mail))?;
    fs::create_dir_all(&mail).map_err(io(&mail))?;
    let from = wanted.from.timestamp();
    let mut plans = plans;
    plans.settings.mail.transport = Transport::File { dir: mail };
    let (scratch, mut house) = Scratch::open(plans, copy, Clock::manual(from)).await?;
    house.link_key = WORTHLESS_KEY;
    house.store.forget_ledger_from(from).await?;
    let synced = sync::sync(&house, None, from).await?;
    let trouble = synced
        .into_iter()
        .flat_map(|s| {
            s.trouble
                .into_iter()
                .map(move |t| format!("{}: {t}", s.source))
        })
        .collect();
    let house = Arc::new(house);
    let over = over_before(&house, from).await?;
    let report = walk(&house, wanted, &progress).await?;
    let ledger = wanted.out.join("ledger.jsonl");
    let entries = write_ledger(&house, wanted, &over, &ledger).await?;
    house.store.clone().close().await?;
    scratch.remove()?;
    Ok(Rehearsed {
        report,
        entries,
        trouble,
    })
}

/// Jumps from moment to moment.
async fn walk(
    house: &Arc<House>,
    wanted: &Rehearsal,
    progress: &impl Fn(Timestamp),
) -> Result<Report, EngineError> {
    let (until, stop) = (wanted.until.timestamp(), CancellationToken::new());
    let mut total = Report::default();
    let mut now = wanted.from.timestamp();
    while now < until {
        house.clock.set(now);
        progress(now);
        total.add(
            tick(
                house,
                Pass {
                    sync: false,
                    workers: Some(1),
                },
                &stop,
            )
            .await?,
        );
        let next = next_day(now);
        let due = house.store.next_due().await?.unwrap_or(next);
        // What is due already and yet waits (a failing disk, say) is looked at with the next day.
        now = if due > now { due.min(next) } else { next };
    }
    Ok(total)
}

/// The next moment at which the planner's horizon moves.
fn next_day(now: Timestamp) -> Timestamp {
    let day = DAY.as_millis();
    let begun = now.as_millisecond() - i64::try_from(NEXT_DAY_BEGINS.as_millis()).unwrap_or(0);
    let day = i64::try_from(day).unwrap_or(i64::MAX);
    let left = day - begun.rem_euclid(day);
    now.checked_add(SignedDuration::from_millis(left))
        .unwrap_or(Timestamp::MAX)
}

/// What was settled before the first moment, and so isn't part of the rehearsal.
async fn over_before(house: &House, from: Timestamp) -> Result<HashSet<String>, EngineError> {
    let before = Filter {
        until: Some(from),
        ..Filter::default()
    };
    let entries = house.store.log(&before).await?;
    let over = entries.into_iter().filter(|entry| entry.outcome.is_final());
    Ok(over.map(|entry| entry.id).collect())
}

/// One object a line, of what came due within the time, or was due earlier that day and waited
/// for it: every letter in `mail/` has its entry.
async fn write_ledger(
    house: &House,
    wanted: &Rehearsal,
    over: &HashSet<String>,
    path: &Path,
) -> Result<u64, EngineError> {
    let io = |error| EngineError::File {
        what: path.display().to_string(),
        error,
    };
    let mut file = std::io::BufWriter::new(fs::File::create(path).map_err(io)?);
    let mut count = 0;
    let within = Filter {
        until: Some(wanted.until.timestamp()),
        ..Filter::default()
    };
    let entries = house.store.log(&within).await?.into_iter();
    for entry in entries.filter(|entry| !over.contains(&entry.id)) {
        writeln!(file, "{}", serde_json::Value::Object(entry_json(&entry))).map_err(io)?;
        count += 1;
    }
    file.into_inner()
        .map_err(|error| io(error.into_error()))?
        .sync_all()
        .map_err(io)?;
    Ok(count)
}

/// Takes away the letters of an earlier rehearsal, and nothing else.
fn remove_letters(mail: &Path) -> std::io::Result<()> {
    if !mail.exists() {
        return Ok(());
    }
    for file in fs::read_dir(mail)? {
        let path = file?.path();
        if path.extension().is_some_and(|ending| ending == "eml") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
