//! Retention: once a day, what has been kept long enough is taken out, in small steps.
//!
//! A pass does a few steps, and the next one goes on where it ended. Nothing here makes anybody due:
//! `decide::past` says whose events may go. May not know how anything is stored.

use jiff::Timestamp;
use jiff::civil::Date;

use super::privacy::where_copied;
use super::{EngineError, House, Plans};
use crate::decide::past::{longest_wait, must_stay};
use crate::deliver::FileCourier;
use crate::model::facts;
use crate::model::{Outcome, Period, View};
use crate::store::{Entry, Progress};

/// Customers, or entries, of one step.
const STEP: u32 = 500;
/// Steps of one kind in a pass.
const STEPS: u32 = 10;
/// Events are found by their UTC day, which is at most one day off from the civil day anywhere.
const SLACK_DAYS: i32 = 1;
/// So many days before where the last round ended, it is looked again: what hadn't come to its end
/// then has now.
const LOOK_BACK: Period = Period::Days(90);

/// What was taken out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Customers whose events were.
    pub customers: u64,
    /// Their events.
    pub events: u64,
    /// Customers whose events were kept long enough, and stay since a rule still goes by them.
    pub staying: u64,
    /// Entries whose text was.
    pub texts: u64,
    /// Letters in outbox folders.
    pub copies: u64,
}

impl Removed {
    /// Adds what another step took out.
    pub const fn add(&mut self, other: Self) {
        self.customers += other.customers;
        self.events += other.events;
        self.staying += other.staying;
        self.texts += other.texts;
        self.copies += other.copies;
    }
}

/// What is to be said of `events` where a rule looks farther back: events are kept as long as it does.
#[must_use]
pub fn longer_than_asked(plans: &Plans) -> Option<String> {
    let asked = plans.settings.retention.events?;
    let waits = plans.rules.iter();
    let waits = waits.map(|rule| (longest_wait(std::slice::from_ref(rule)), &rule.id));
    let (days, rule) = waits.max()?;
    (days > asked.days_at_most()).then(|| {
        format!(
            "[retention] events = \"{asked}\": the rule {rule} looks back at an event for up to \
             {days} days, so events are kept that long"
        )
    })
}

/// Goes on with today's round, as far as a pass may.
///
/// # Errors
/// The store's trouble.
pub(super) async fn keep(house: &House, now: Timestamp) -> Result<Removed, EngineError> {
    let kept = house.plans.settings.retention;
    let mut removed = Removed::default();
    if let Some(period) = kept.events {
        removed.add(events(house, period, now).await?);
    }
    if let Some(period) = kept.ledger_text {
        let round = Round {
            what: "texts",
            period,
        };
        removed.add(round.go_on(house, now).await?);
    }
    if let Some(period) = kept.copies.filter(|_| !house.on_copy) {
        let round = Round {
            what: "copies",
            period,
        };
        removed.add(round.go_on(house, now).await?);
        if let Some(day) = before(house, period, now) {
            let day = house.policy().zone.to_timestamp(day.at(0, 0, 0, 0));
            let day = day.unwrap_or(Timestamp::MIN);
            removed.copies += super::digest::copies::let_go(house, day).await?;
        }
    }
    Ok(removed)
}

/// The day so long ago, as the business counts.
fn before(house: &House, period: Period, now: Timestamp) -> Option<Date> {
    let back = match period {
        Period::Days(n) => Period::Days(-n),
        Period::Months(n) => Period::Months(-n),
        Period::Minutes(n) => Period::Minutes(-n),
    };
    back.from_date(house.today(now))
}

async fn events(house: &House, period: Period, now: Timestamp) -> Result<Removed, EngineError> {
    let mut removed = Removed::default();
    let today = house.today(now);
    let waits = Period::Days(longest_wait(&house.plans.rules));
    let days = [before(house, period, now), before(house, waits, now)];
    let Some(before) = days.into_iter().flatten().min() else {
        return Ok(removed);
    };
    let before = Period::Days(-SLACK_DAYS)
        .from_date(before)
        .unwrap_or(before);
    let mut progress = house.store.keeping("events").await?;
    if is_done(&progress, today) {
        return Ok(removed);
    }
    for _ in 0..STEPS {
        house.progress.moves();
        let after = progress.customer.as_deref();
        let ids = house.store.silent_before(before, after, STEP).await?;
        let Some(last) = ids.last().cloned() else {
            progress = Progress {
                done_on: Some(today.to_string()),
                ..Progress::default()
            };
            house.store.keep_at("events", &progress).await?;
            break;
        };
        let going = may_go(house, &ids, now).await?;
        removed.staying += ids.len().saturating_sub(going.len()) as u64;
        let (customers, events) = house.store.let_events_go(&going, before).await?;
        removed.customers += customers;
        removed.events += events;
        progress.customer = Some(last);
        house.store.keep_at("events", &progress).await?;
    }
    Ok(removed)
}

/// Those whose events keep nobody from writing to them.
async fn may_go(house: &House, ids: &[String], now: Timestamp) -> Result<Vec<String>, EngineError> {
    let rules = &house.plans.rules;
    let see = |view: &View| facts::build(view, None, &house.plans.words, now);
    let views = house.views(ids).await?;
    let stays = |id: &String| {
        let view = views.iter().find(|view| view.customer.id == *id);
        view.is_some_and(|view| must_stay(rules, (view, house.policy()), &see, now).is_some())
    };
    Ok(ids.iter().filter(|id| !stays(id)).cloned().collect())
}

fn is_done(progress: &Progress, today: Date) -> bool {
    let done = progress
        .done_on
        .as_ref()
        .and_then(|day| day.parse::<Date>().ok());
    // A clock that went back doesn't begin anew.
    done.is_some_and(|done| done >= today)
}

/// A round through the ledger.
struct Round {
    what: &'static str,
    period: Period,
}

impl Round {
    async fn go_on(&self, house: &House, now: Timestamp) -> Result<Removed, EngineError> {
        let mut removed = Removed::default();
        let today = house.today(now);
        let mut progress = house.store.keeping(self.what).await?;
        let moment = |day: Option<Date>| {
            let zone = &house.policy().zone;
            day.and_then(|day| zone.to_timestamp(day.at(0, 0, 0, 0)).ok())
        };
        let Some(before) = moment(before(house, self.period, now)) else {
            return Ok(removed);
        };
        if is_done(&progress, today) {
            return Ok(removed);
        }
        let look_back = i64::from(LOOK_BACK.days_at_most()) * 86_400_000;
        let mut at = progress.entry.unwrap_or_else(|| {
            let from = progress
                .before
                .map(|before| before.saturating_sub(look_back));
            (from.unwrap_or(i64::MIN), i64::MIN)
        });
        for _ in 0..STEPS {
            let stretch = house.store.due_before(before, at, STEP).await?;
            removed.add(self.step(house, &stretch.entries, (before, now)).await?);
            let before = before.as_millisecond();
            let Some(next) = stretch.next else {
                progress = Progress {
                    done_on: Some(today.to_string()),
                    before: Some(progress.before.unwrap_or(before).max(before)),
                    ..Progress::default()
                };
                house.store.keep_at(self.what, &progress).await?;
                break;
            };
            at = next;
            progress.entry = Some(next);
            house.store.keep_at(self.what, &progress).await?;
        }
        Ok(removed)
    }

    async fn step(
        &self,
        house: &House,
        entries: &[Entry],
        (before, now): (Timestamp, Timestamp),
    ) -> Result<Removed, EngineError> {
        let mut removed = Removed::default();
        if self.what == "texts" {
            let ids: Vec<String> = entries.iter().map(|entry| entry.id.clone()).collect();
            if !ids.is_empty() {
                removed.texts = house.store.let_texts_go(&ids, now).await?;
            }
            return Ok(removed);
        }
        let written = |one: &&Entry| {
            one.outcome == Outcome::Sent && one.sent_at.is_some_and(|at| at < before)
        };
        for entry in entries.iter().filter(written) {
            for copy in where_copied(house, entry) {
                let folder = FileCourier::new(copy.folder.clone().into(), true);
                match folder.erase(&copy.name).await {
                    Ok(there) => removed.copies += u64::from(there),
                    Err(error) => {
                        tracing::warn!(folder = copy.folder, %error, "a letter that was kept long enough can't be taken out");
                    }
                }
            }
        }
        Ok(removed)
    }
}
