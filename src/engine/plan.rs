//! Planning: which occasions come due within the next day, one ledger row each.
//!
//! A cursor per rule says up to which civil day it was planned, so a usual pass looks at nothing
//! but customers whose records changed. Everything is a query over indexed dates; the pure core
//! decides. Writing the same occasion twice is refused by the store, so a pass that was
//! interrupted is simply done again.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{EngineError, House};
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
    let horizon = civil_day(now, FURTHEST_AHEAD);
    let states = house.store.rule_states().await?;
    let states: HashMap<String, RuleState> = states
        .into_iter()
        .map(|state| (state.rule.clone(), state))
        .collect();
    let mark = house.store.touch_mark().await?;
    let touched = house.store.everyone(true).await?;
    let mut total = Planned::default();
    let mut done = Vec::new();
    for rule in &house.plans.rules {
        let state = states.get(&rule.id);
        let mut next = RuleState {
            rule: rule.id.clone(),
            version: rule.version.clone(),
            first_day: state.map_or_else(|| house.today(now), |state| state.first_day),
            planned_through: Some(horizon),
        };
        if !rule.enabled {
            done.push(next);
            continue;
        }
        let edited = state.is_some_and(|state| state.version != rule.version);
        let through = state
            .filter(|_| !edited)
            .and_then(|state| state.planned_through);
        let pass = Pass {
            house,
            rule,
            now,
            start: start_of(house, rule, next.first_day),
            horizon,
        };
        if edited {
            total.withdrawn += pass.withdraw_all().await?;
        }
        total.new += pass.new_days(through).await?;
        // A rule without a cursor has just looked at everybody.
        if !touched.is_empty() && through.is_some() {
            let changed = pass.changed_customers(&touched).await?;
            total.new += changed.new;
            total.withdrawn += changed.withdrawn;
        }
        // A clock that went back must not make the cursor go back.
        next.planned_through = through.max(Some(horizon));
        done.push(next);
    }
    // A rule whose file is away doesn't catch up on the time when it comes back.
    let away = states
        .values()
        .filter(|state| house.rule(&state.rule).is_none());
    done.extend(away.map(|state| RuleState {
        planned_through: Some(horizon),
        ..state.clone()
    }));
    let unchanged = |state: &RuleState| states.get(&state.rule) == Some(state);
    done.retain(|state| !unchanged(state));
    if !touched.is_empty() || !done.is_empty() {
        let batch = PlanBatch {
            rules: done,
            clear_touched: Some(mark),
            ..PlanBatch::default()
        };
        house.store.plan_write(&batch, now).await?;
    }
    Ok(total)
}

/// The first due day on which the rule's occasions exist.
fn start_of(house: &House, rule: &Rule, first_day: Date) -> Date {
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
}

impl Pass<'_> {
    /// Plans the days that were never planned, for everybody.
    async fn new_days(&self, through: Option<Date>) -> Result<u64, EngineError> {
        let after = through
            .and_then(|day| day.tomorrow().ok())
            .unwrap_or(self.start);
        let from = after.max(self.start);
        if from > self.horizon {
            return Ok(0);
        }
        let ids = self.candidates(from, false).await?;
        let mut new = 0;
        for chunk in ids.chunks(CHUNK) {
            let views = self.house.views(chunk).await?;
            let entries = views
                .iter()
                .flat_map(|view| self.entries(view, from))
                .collect();
            let batch = PlanBatch {
                new: entries,
                ..PlanBatch::default()
            };
            new += self.house.store.plan_write(&batch, self.now).await?.new;
        }
        Ok(new)
    }

    /// Plans anew for the customers whose records changed since the last pass.
    async fn changed_customers(&self, touched: &[String]) -> Result<Planned, EngineError> {
        let from = match &self.rule.trigger {
            Trigger::Anniversary { .. } => self.earliest_not_too_late().max(self.start),
            Trigger::Event { .. } | Trigger::Lapsed { .. } => self.start,
        };
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
            self.candidates(from, true).await?
        };
        ids.extend(planned.keys().cloned());
        ids.sort_unstable();
        ids.dedup();
        for chunk in ids.chunks(CHUNK) {
            let mut batch = PlanBatch::default();
            for view in self.house.views(chunk).await? {
                let mut entries = self.entries(&view, from);
                if matches!(self.rule.trigger, Trigger::Anniversary { .. }) {
                    entries.retain(|entry| self.not_over(&entry.occasion));
                }
                let wanted: HashSet<(&str, Timestamp)> = entries
                    .iter()
                    .map(|e| (e.occasion.key.as_str(), e.occasion.due_at))
                    .collect();
                let rows = planned.remove(&view.customer.id).unwrap_or_default();
                let stale = rows
                    .into_iter()
                    .filter(|r| !wanted.contains(&(&r.occasion, r.due_at)));
                batch.withdraw.extend(stale.map(|row| row.id));
                batch.new.extend(entries);
            }
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

    /// Ids of everybody who may have an occasion due from this day to the horizon.
    async fn candidates(&self, from: Date, only_touched: bool) -> Result<Vec<String>, EngineError> {
        let store = &self.house.store;
        let around = |back: i32| {
            let first = Period::Days(-back - SLACK_DAYS)
                .from_date(from)
                .unwrap_or(from);
            let last = Period::Days(-back + SLACK_DAYS).from_date(self.horizon);
            (first, last.unwrap_or(self.horizon))
        };
        Ok(match &self.rule.trigger {
            Trigger::Anniversary { field, offset, .. } => {
                let (first, last) = around(offset.days_at_most());
                // A month has 28 to 31 days.
                let slack = match offset {
                    Period::Months(n) => Period::Days(n.abs() * 3),
                    Period::Days(_) | Period::Minutes(_) => Period::Days(0),
                };
                let last = slack.from_date(last).unwrap_or(last);
                store
                    .with_anniversary(&field.name(), (first, last), only_touched)
                    .await?
            }
            Trigger::Event { kind, after } => {
                let (first, last) = around(after.days_at_most());
                let slack = match after {
                    Period::Months(n) => Period::Days(n * 3),
                    Period::Days(_) | Period::Minutes(_) => Period::Days(0),
                };
                let last = slack.from_date(last).unwrap_or(last);
                store
                    .with_event(std::slice::from_ref(kind), (first, last), only_touched)
                    .await?
            }
            Trigger::Lapsed {
                contact,
                after_days,
                ..
            } => {
                let (first, last) = around(*after_days);
                store
                    .silent_since(contact, (first, last), *after_days, only_touched)
                    .await?
            }
        })
    }

    fn entries(&self, view: &View, from: Date) -> Vec<NewEntry> {
        if view.erased {
            return Vec::new();
        }
        let found = decide::occasions(self.rule, view, self.house.policy(), from, self.horizon);
        let entry = |occasion| NewEntry {
            rule: self.rule.id.clone(),
            rule_version: self.rule.version.clone(),
            customer: view.customer.id.clone(),
            class: self.rule.class,
            priority: self.rule.priority,
            occasion,
        };
        found.into_iter().map(entry).collect()
    }

    /// Whether it could still go out: an anniversary that was over before we learned its date
    /// wasn't missed.
    fn not_over(&self, occasion: &Occasion) -> bool {
        let zone = self.house.zone(&occasion.zone);
        deadline(self.rule.send.late, occasion, &zone) >= self.now
    }
}
