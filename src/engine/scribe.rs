//! What is to be done with an entry: the gates' answer and, where they let it pass, its letter.
//!
//! A scribe works one customer ahead of the couriers, so that letters are written while others
//! are on the wire or wait for the disk. What was prepared holds for a moment only; a courier that
//! comes to it later asks again. May not send or record.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use super::letter::{self, Ready};
use super::send::Shared;
use super::{House, mishap};
use crate::decide::calendar::deadline;
use crate::decide::explain::verdict;
use crate::decide::gate::{Answer, Batch, Case, judge};
use crate::model::policy::{Audience, Class};
use crate::model::{Occasion, View};
use crate::points;
use crate::rules::Rule;
use crate::store::Entry;

/// How long a prepared answer holds. Facts that change in between are noticed by the store; this
/// is about the clock: quiet hours begin, `late` ends, a day is over.
const FRESH: SignedDuration = SignedDuration::from_secs(1);

/// The shortest time that the store tells apart.
const MOMENT: SignedDuration = SignedDuration::from_millis(1);

/// One customer's due entries, the most important first.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) view: View,
    pub(super) entries: Vec<Entry>,
    /// What is to be done with the first of them.
    pub(super) first: Option<Prepared>,
}

/// An answer with the moment it was given for.
#[derive(Debug)]
pub(super) struct Prepared {
    at: Timestamp,
    pub(super) what: What,
}

/// What is to be done with an entry.
#[derive(Debug)]
pub(super) enum What {
    /// The gates don't let it pass, now or ever.
    Stop(Answer),
    /// It can go.
    Send(Box<Ready>),
    /// It could go, but the letter can't be written, for this reason.
    NoLetter(String),
}

impl What {
    fn of(shared: &Shared, entry: &Entry, view: &View, now: Timestamp) -> Self {
        points::step("write", &entry.customer);
        let house = &shared.house;
        let rule = house.rule(&entry.rule);
        let ask = || {
            let batch = shared.batches.of(house, entry, now);
            answer(house, entry, view, (batch, now))
        };
        let mut said = ask();
        if said == Answer::Pass {
            if let Some(kept_back) = kept_back(shared, entry, rule, now) {
                said = kept_back;
            } else if !shared.batches.take(house, entry, now) {
                said = ask();
            }
        }
        match (said, rule) {
            (Answer::Pass, Some(rule)) => {
                match letter::write(house, rule, view, &entry.occasion, now) {
                    Ok(ready) => Self::Send(Box::new(ready)),
                    Err(error) => Self::NoLetter(error.to_string()),
                }
            }
            (answer, _) => Self::Stop(answer),
        }
    }
}

impl Prepared {
    /// Asks the gates and writes the letter.
    pub(super) fn new(shared: &Shared, entry: &Entry, view: &View, now: Timestamp) -> Self {
        let what = mishap::contain(|| What::of(shared, entry, view, now));
        Self {
            at: now,
            what: what.unwrap_or_else(|panic| {
                What::NoLetter(format!("fondly itself failed while writing it: {panic}"))
            }),
        }
    }

    /// Whether it still holds.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        now.duration_since(self.at).abs() <= FRESH
    }
}

/// Prepares customer after customer, until there are no more or nobody wants them.
pub(super) async fn prepare(
    shared: Arc<Shared>,
    mut jobs: mpsc::Receiver<Job>,
    ready: mpsc::Sender<Job>,
) {
    let house = &shared.house;
    while let Some(mut job) = jobs.recv().await {
        if shared.stop.is_cancelled() {
            continue;
        }
        let now = house.clock.now();
        // What can't leave takes nobody's place.
        if house.outbox.closed(now).is_none() {
            shared.batches.reserve(house, &job, now);
        }
        let first = job.entries.first();
        if let Some(entry) = first.filter(|entry| !shared.batches.is_a_surprise(entry)) {
            job.first = Some(Prepared::new(&shared, entry, &job.view, now));
        }
        if ready.send(job).await.is_err() {
            break;
        }
    }
}

/// No way out is open: the letter waits, but no longer than it may. When one opens, it is due.
pub(super) fn kept_back(
    shared: &Shared,
    entry: &Entry,
    rule: Option<&Rule>,
    now: Timestamp,
) -> Option<Answer> {
    let house = &shared.house;
    let (again, reason) = house.outbox.closed(now)?;
    shared.kept_back.store(true, Ordering::Relaxed);
    Some(Answer::Defer(no_later(house, entry, rule, again), reason))
}

/// This moment, or the one at which it is too late for the letter.
pub(super) fn no_later(
    house: &House,
    entry: &Entry,
    rule: Option<&Rule>,
    at: Timestamp,
) -> Timestamp {
    let zone = house.zone(&entry.occasion.zone);
    let over = rule
        .map(|rule| deadline(rule.send.late, &entry.occasion, &zone))
        .and_then(|end| end.checked_add(MOMENT).ok());
    over.map_or(at, |over| at.min(over))
}

/// Asks the gates about an entry, as its batch stands and at this moment.
pub(super) fn answer(
    house: &House,
    entry: &Entry,
    view: &View,
    when: (Batch, Timestamp),
) -> Answer {
    let rule = house.rule(&entry.rule);
    let kind = (entry.class, entry.audience);
    judged(house, rule, (view, &entry.occasion, kind), when)
}

/// Asks the gates about an occasion.
pub(super) fn judged(
    house: &House,
    rule: Option<&Rule>,
    about: (&View, &Occasion, (Class, Audience)),
    when: (Batch, Timestamp),
) -> Answer {
    asked(house, rule, about, when, judge)
}

/// The same with its sentence.
pub(super) fn judged_in_words(
    house: &House,
    rule: Option<&Rule>,
    about: (&View, &Occasion, (Class, Audience)),
    when: (Batch, Timestamp),
) -> (Answer, String) {
    asked(house, rule, about, when, |case| {
        let answer = judge(case);
        (answer, verdict(case, answer, &[]))
    })
}

fn asked<T>(
    house: &House,
    rule: Option<&Rule>,
    (view, occasion, (class, audience)): (&View, &Occasion, (Class, Audience)),
    (batch, now): (Batch, Timestamp),
    ask: impl FnOnce(&Case<'_>) -> T,
) -> T {
    ask(&Case {
        rule,
        class: rule.map_or(class, |rule| rule.class),
        audience: rule.map_or(audience, |rule| rule.audience),
        occasion,
        zone: &house.zone(&occasion.zone),
        view,
        policy: house.policy(),
        batch,
        now,
        facts: &|| letter::facts_of(house, rule, view, occasion, now),
    })
}
