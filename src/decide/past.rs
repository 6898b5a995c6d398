//! What is over: whether a customer's events may be taken out, who hasn't been heard of for long.
//!
//! Taking them out must never make anybody due again, nor newly. All of a customer's events go at
//! once, so that no rule judges by a part of them: without any, nobody has a rhythm, a usual amount or
//! a last contact, and what is left (see [`crate::model::view::Past`]) tells a first purchase from a
//! later one. What else might turn a no into a yes is asked here. May not know how long things are
//! kept.

use jiff::Timestamp;
use jiff::civil::Date;
use minijinja::Value;

use super::complaint::complaint_since;
use super::occasions;
use super::usage::{SEASON_DAYS, reach};
use crate::model::{Period, Policy, View};
use crate::rules::{Delay, Patience, Rule, Silence, Trigger};

/// The most civil days after an event on which one of these rules still looks back at it, whoever it
/// is about: as long, it is kept.
pub fn longest_wait(rules: &[Rule]) -> i32 {
    let enabled = rules.iter().filter(|rule| rule.enabled);
    let waits = enabled.map(|rule| wait(rule).saturating_add(rule.send.late.days_at_most()));
    waits.max().unwrap_or(0)
}

fn wait(rule: &Rule) -> i32 {
    match &rule.trigger {
        Trigger::Event(trigger) => match trigger.delay {
            Delay::After(period) | Delay::Between(_, period) => days(period),
        },
        Trigger::Lapsed(trigger) => silence(trigger),
        Trigger::Usage(trigger) => reach(trigger).saturating_add(SEASON_DAYS),
        Trigger::Anniversary(_) | Trigger::Date(_) | Trigger::Holiday(_) | Trigger::Fixed(_) => 0,
    }
}

fn days(period: Period) -> i32 {
    period.days_at_most().saturating_add(1)
}

/// Until the last step.
fn silence(trigger: &Silence) -> i32 {
    let first = match trigger.after {
        Patience::Days(days) => days,
        // Of somebody's own rhythm, `must_stay` knows.
        Patience::Cadences(own) => own.otherwise_days,
        Patience::Sure(own) => own.otherwise_days.unwrap_or(0),
    };
    let more = i32::try_from(trigger.times.saturating_sub(1)).unwrap_or(i32::MAX);
    first.saturating_add(trigger.repeat_days.saturating_mul(more))
}

/// Why their events have to stay although they were kept long enough, if they have to: a complaint of
/// theirs is open, a rule will miss them yet, or they fail a rule's `where` and wouldn't without.
pub fn must_stay<'r>(
    rules: &'r [Rule],
    (view, policy): (&View, &Policy),
    facts: &dyn Fn(&View) -> Value,
    now: Timestamp,
) -> Option<Stay<'r>> {
    if complaint_since(view, now).is_some() {
        return Some(Stay::Complaint);
    }
    let today = view.zone.to_datetime(now).date();
    let ahead = (today.yesterday().unwrap_or(today), Date::MAX);
    let misses = |rule: &&Rule| {
        rule.enabled
            && matches!(rule.trigger, Trigger::Lapsed(_))
            && !occasions(rule, view, policy, ahead.0, ahead.1).is_empty()
    };
    if let Some(rule) = rules.iter().find(misses) {
        return Some(Stay::Awaited(&rule.id));
    }
    let conditions: Vec<_> = rules
        .iter()
        .filter(|rule| rule.enabled)
        .filter_map(|rule| Some((rule, rule.condition.as_ref()?)))
        .collect();
    if conditions.is_empty() {
        return None;
    }
    let mut without = view.clone();
    without.events.clear();
    let (with, without) = (facts(view), facts(&without));
    let turned = conditions.into_iter().find(|(_, condition)| {
        // What looks at its own occasion can't be asked without one: there, a `where` that fails is
        // as good as a no.
        let holds = |facts| condition.holds(facts).unwrap_or(false);
        !holds(&with) && holds(&without)
    });
    turned.map(|(rule, _)| Stay::Condition(&rule.id))
}

/// Why events stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stay<'r> {
    /// A complaint is open.
    Complaint,
    /// This rule is to miss them on a day to come.
    Awaited(&'r str),
    /// This rule would write to them without.
    Condition(&'r str),
}
