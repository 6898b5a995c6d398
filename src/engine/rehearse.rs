//! The same engine on a copy of the store, under a virtual clock, with letters as files.
//!
//! Touches nothing real. The clock is a virtual one, and links are signed with a key of no worth,
//! so the same input gives the same bytes.

use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{Timestamp, ZonedDateTime};

use super::entry_json::entry_json;
use super::scratch::Scratch;
use super::walk::{Stretch, walk};
use super::{EngineError, House, Plans, Report, sync};
use crate::clock::Clock;
use crate::render::links::Links;
use crate::settings::Transport;
use crate::store::Filter;

/// Links in rehearsed letters lead nowhere.
const WORTHLESS_KEY: [u8; 32] = [0; 32];

/// Ledger entries in hand at once.
const PAGE: u16 = 1024;

/// What to rehearse.
#[derive(Debug)]
pub struct Rehearsal {
    /// The first moment.
    pub from: ZonedDateTime,
    /// The moment at which it ends.
    pub until: ZonedDateTime,
    /// Times within it during which nobody looks; see [`Stretch::away`].
    pub away: Vec<(Timestamp, Timestamp)>,
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
    // What it is for is to be read, however long ago in its time.
    plans.settings.retention.ledger_text = None;
    plans.settings.retention.copies = None;
    let (scratch, mut house) = Scratch::open(plans, copy, Clock::manual(from)).await?;
    house.links = Arc::new(Links::by(WORTHLESS_KEY));
    let today = house.today(from);
    house.store.forget_ledger_from(from, today).await?;
    let learnt = &mut house.plans.settings.policy.learnt;
    learnt.retain(|one| one.since <= today);
    let synced = Box::pin(sync::sync(&house, None, from)).await?;
    let trouble = sync::troubles(synced);
    let house = Arc::new(house);
    let over = over_before(&house, from).await?;
    let stretch = Stretch {
        from,
        until: wanted.until.timestamp(),
        away: wanted.away.clone(),
    };
    let report = Box::pin(walk(&house, &stretch, &progress)).await?;
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

/// What came due before the first moment, and is settled although that was decided after it, since
/// the rehearsal is of a time that is over: no part of it. What was decided before as well isn't
/// asked for.
async fn over_before(house: &House, from: Timestamp) -> Result<HashSet<String>, EngineError> {
    let before = Filter {
        until: Some(from),
        unsettled_before: Some(from),
        ..Filter::default()
    };
    let (mut over, mut last) = (HashSet::new(), None);
    loop {
        let page = house.store.log_after(&before, last.as_ref(), PAGE).await?;
        let settled = page.iter().filter(|entry| entry.outcome.is_final());
        over.extend(settled.map(|entry| entry.id.clone()));
        last = page.into_iter().last();
        if last.is_none() {
            return Ok(over);
        }
    }
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
        unsettled_before: Some(wanted.from.timestamp()),
        ..Filter::default()
    };
    let mut last = None;
    loop {
        let page = house.store.log_after(&within, last.as_ref(), PAGE).await?;
        for entry in page.iter().filter(|entry| !over.contains(&entry.id)) {
            writeln!(file, "{}", serde_json::Value::Object(entry_json(entry))).map_err(io)?;
            count += 1;
        }
        last = page.into_iter().last();
        if last.is_none() {
            break;
        }
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
