//! Planning: which occasions come due within the next day, one ledger row each.
//!
//! A cursor per rule says up to which civil day it was planned, so a usual pass looks at nothing
//! but customers whose records changed. Everything is a query over indexed dates; the pure core
//! decides. Writing the same occasion twice is refused by the store, so a pass that was
//! interrupted is simply done again.

mod candidates;
mod entered;
mod of_one;
mod recall;
mod turn;
mod usage;

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use candidates::Whom;
pub(super) use of_one::{Known, of_one, whom};
pub(super) use recall::moved;
use turn::first_day;

use super::{EngineError, House, learn};
use crate::decide;
use crate::decide::calendar::deadline;
use crate::model::{Occasion, Period, View};
use crate::rules::{Rule, Trigger};
use crate::store::{NewEntry, PlanBatch, PlannedKey, RuleState};

/// The civil day that is furthest ahead anywhere (UTC+14) is planned as soon as it begins there.
const FURTHEST_AHEAD: SignedDuration = SignedDuration::from_hours(14);
/// The civil day that is furthest behind (UTC-12).
const FURTHEST_BEHIND: SignedDuration = SignedDuration::from_hours(12);
/// Customers looked at together: bounds memory, and the length of a transaction.
const CHUNK: usize = 512;
/// Days of slack around a window, for events whose civil day differs from zone to zone.
const SLACK_DAYS: i32 = 2;

/// What a planning pass did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Planned {
    /// Occasions entered into the ledger.
    pub new: u64,
    /// Occasions taken out again before they came due, since the records changed.
    pub withdrawn: u64,
}

/// Plans every rule up to the civil day that has begun somewhere.
///
/// # Errors
/// The store's trouble.
pub async fn plan(house: &House, now: Timestamp) -> Result<Planned, EngineError> {
    let horizon = furthest_day(now);
    let states = house.store.rule_states().await?;
    let states: HashMap<String, RuleState> = states
        .into_iter()
        .map(|state| (state.rule.clone(), state))
        .collect();
    let mark = house.store.touch_mark().await?;
    // Asked for once somebody wants to know: after a first reading of the records it is everybody.
    let mut touched = None;
    let mut total = Planned::default();
    let mut done = Vec::new();
    for rule in &house.plans.rules {
        let state = states.get(&rule.id);
        let mut next = RuleState {
            rule: rule.id.clone(),
            version: rule.version.clone(),
            first_day: first_day(house, state, now),
            planned_through: Some(horizon),
            written: Some(rule.written.kept()),
        };
        if !rule.enabled {
            // A rule that is off starts anew when it is switched on; one that never was on hasn't
            // started.
            next.first_day = house.today(now);
            done.extend(state.map(|_| next));
            continue;
        }
        // A rule that has nothing to judge by yet begins once it has.
        if learn::is_missing(house.policy(), rule) {
            continue;
        }
        let (pass, edited) = Pass::next(house, rule, state, (now, next.first_day));
        let through = pass.through;
        if edited {
            total.withdrawn += pass.withdraw_all().await?;
        }
        total.new += pass.new_days().await?;
        if through.is_some() || edited {
            let touched = look(house, &mut touched).await?;
            let changed = pass.changes(touched, through.is_some()).await?;
            total.new += changed.new;
            total.withdrawn += changed.withdrawn;
        }
        // There is no cursor before the rule's first day: until then nobody was looked at.
        next.planned_through = Some(pass.horizon).filter(|horizon| pass.start <= *horizon);
        done.push(next);
    }
    done.extend(away(house, states.values(), now, horizon));
    let unchanged = |state: &RuleState| states.get(&state.rule) == Some(state);
    done.retain(|state| !unchanged(state));
    if !done.is_empty() || !look(house, &mut touched).await?.is_empty() {
        let batch = PlanBatch {
            rules: done,
            clear_touched: Some(mark),
            ..PlanBatch::default()
        };
        house.store.plan_write(&batch, now).await?;
    }
    Ok(total)
}

/// Whose records changed since the last pass.
async fn look<'a>(
    house: &House,
    touched: &'a mut Option<Vec<String>>,
) -> Result<&'a [String], EngineError> {
    if touched.is_none() {
        *touched = Some(house.store.everyone(true).await?);
    }
    Ok(touched.as_deref().unwrap_or_default())
}

/// The rules whose files are away: they don't catch up on the time when they come back.
fn away<'a>(
    house: &'a House,
    states: impl Iterator<Item = &'a RuleState>,
    now: Timestamp,
    horizon: Date,
) -> impl Iterator<Item = RuleState> {
    let away = states.filter(|state| house.rule(&state.rule).is_none());
    away.map(move |state| RuleState {
        first_day: house.today(now),
        planned_through: Some(horizon),
        written: None,
        ..state.clone()
    })
}

/// The first due day on which the rule's occasions exist.
pub(super) fn start_of(house: &House, rule: &Rule, first_day: Date) -> Date {
    let back = match rule.backfill {
        Period::Days(n) => Period::Days(-n),
        Period::Months(n) => Period::Months(-n),
        Period::Minutes(_) => Period::Days(0),
    };
    let start = back.from_date(first_day).unwrap_or(first_day);
    house
        .policy()
        .live_from
        .map_or(start, |live| live.max(start))
}

/// The last civil day that has begun anywhere.
pub(super) fn furthest_day(now: Timestamp) -> Date {
    civil_day(now, FURTHEST_AHEAD)
}

fn civil_day(now: Timestamp, ahead: SignedDuration) -> Date {
    TimeZone::UTC
        .to_datetime(now.checked_add(ahead).unwrap_or(now))
        .date()
}

/// One rule's turn.
struct Pass<'a> {
    house: &'a House,
    rule: &'a Rule,
    now: Timestamp,
    start: Date,
    horizon: Date,
    /// The day up to which it is planned in this version.
    through: Option<Date>,
    /// The day up to which it was planned before, in whatever version.
    planned_before: Option<Date>,
}

impl Pass<'_> {
    /// Plans the days that were never planned, for everybody.
    async fn new_days(&self) -> Result<u64, EngineError> {
        let from = self.first_new_day();
        if from > self.horizon {
            return Ok(0);
        }
        let ids = self.candidates(from, self.whom()).await?;
        let mut new = 0;
        let mut found = PlanBatch::default();
        for chunk in ids.chunks(CHUNK) {
            self.house.progress.moves();
            // The next customers are read while what was found for the last ones is written.
            let (written, views) = tokio::try_join!(
                self.enter(std::mem::take(&mut found)),
                self.house.views(chunk)
            )?;
            new += written;
            let days = (from, self.horizon);
            let entries = views.iter().flat_map(|view| self.entries(view, days));
            let news = entries.filter(|entry| self.is_news(&entry.occasion));
            found
                .new
                .extend(self.not_told_of(news.collect(), &[]).await?);
            let awaited = views.iter().filter_map(|view| self.await_next(view));
            found.awaited.extend(awaited);
        }
        Ok(new + self.enter(found).await?)
    }

    /// Enters occasions into the ledger; how many weren't there.
    async fn enter(&self, batch: PlanBatch) -> Result<u64, EngineError> {
        if batch.new.is_empty() && batch.awaited.is_empty() {
            return Ok(0);
        }
        Ok(self.house.store.plan_write(&batch, self.now).await?.new)
    }

    /// Plans anew for the customers whose records changed since the last pass.
    async fn changed_customers(&self, touched: &[String]) -> Result<Planned, EngineError> {
        if touched.is_empty() {
            return Ok(Planned::default());
        }
        let (from, until) = (self.first_changed_day(), self.last_changed_day());
        let mut total = Planned::default();
        let mut planned: HashMap<String, Vec<PlannedKey>> = HashMap::new();
        for row in self
            .house
            .store
            .planned_of(&self.rule.id, Some(touched), self.now)
            .await?
        {
            planned.entry(row.customer.clone()).or_default().push(row);
        }
        let mut ids = if from > self.horizon {
            Vec::new()
        } else {
            self.candidates(from, Whom::Touched).await?
        };
        ids.extend(planned.keys().cloned());
        ids.sort_unstable();
        ids.dedup();
        for chunk in ids.chunks(CHUNK) {
            self.house.progress.moves();
            let (mut batch, mut leaving) = (PlanBatch::default(), Vec::new());
            for view in self.house.views(chunk).await? {
                let mut entries = self.entries(&view, (from, until));
                entries.retain(|entry| self.is_news(&entry.occasion));
                let wanted: HashSet<(&str, Timestamp)> = entries
                    .iter()
                    .map(|e| (e.occasion.key.as_str(), e.occasion.due_at))
                    .collect();
                let rows = planned.remove(&view.customer.id).unwrap_or_default();
                let stale = rows
                    .into_iter()
                    .filter(|r| !wanted.contains(&(&r.occasion, r.due_at)));
                leaving.extend(stale);
                entries.retain(|entry| entry.occasion.day <= self.horizon);
                batch.new.extend(entries);
                batch.awaited.extend(self.await_next(&view));
            }
            batch.new = self.not_entered(batch.new, &leaving).await?;
            batch.withdraw = leaving.into_iter().map(|row| row.id).collect();
            batch.new = self.not_told_of(batch.new, &batch.withdraw).await?;
            total.withdrawn += batch.withdraw.len() as u64;
            total.new += self.house.store.plan_write(&batch, self.now).await?.new;
        }
        Ok(total)
    }

    /// Takes out what isn't due yet, since the rule was edited.
    async fn withdraw_all(&self) -> Result<u64, EngineError> {
        let rows = self
            .house
            .store
            .planned_of(&self.rule.id, None, self.now)
            .await?;
        let withdraw: Vec<String> = rows.into_iter().map(|row| row.id).collect();
        let count = withdraw.len() as u64;
        let batch = PlanBatch {
            withdraw,
            ..PlanBatch::default()
        };
        self.house.store.plan_write(&batch, self.now).await?;
        Ok(count)
    }

    fn earliest_not_too_late(&self) -> Date {
        let late = self.rule.send.late.days_at_most();
        let today = civil_day(self.now, -FURTHEST_BEHIND);
        Period::Days(-(late + SLACK_DAYS))
            .from_date(today)
            .unwrap_or(today)
    }

    /// Whether it looks at dates, which are what they are, and not at what happens.
    const fn is_on_the_calendar(&self) -> bool {
        match self.rule.trigger {
            Trigger::Anniversary(_)
            | Trigger::Date(_)
            | Trigger::Holiday(_)
            | Trigger::Fixed(_) => true,
            Trigger::Event(_) | Trigger::Lapsed(_) | Trigger::Usage(_) => false,
        }
    }

    fn entries(&self, view: &View, (from, to): (Date, Date)) -> Vec<NewEntry> {
        if view.erased || view.gone {
            return Vec::new();
        }
        let found = decide::occasions(self.rule, view, self.house.policy(), from, to);
        let entry = |occasion| NewEntry {
            rule: self.rule.id.clone(),
            rule_version: self.rule.version.clone(),
            customer: view.customer.id.clone(),
            class: self.rule.class,
            audience: self.rule.audience,
            priority: self.rule.priority,
            occasion,
        };
        found.into_iter().map(entry).collect()
    }

    /// Whether it belongs into the ledger: a day of the calendar that was planned before and was
    /// over when we learned of it (a birthday from yesterday's records, a date that was edited
    /// into the rule) wasn't missed. What came due while nobody looked was.
    fn is_news(&self, occasion: &Occasion) -> bool {
        let zone = self.house.zone(&occasion.zone);
        !self.is_on_the_calendar()
            || self.planned_before.is_none_or(|day| occasion.day > day)
            || deadline(self.rule.send.late, occasion, &zone) >= self.now
    }
}
