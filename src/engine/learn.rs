//! Learning how the business's customers come, for the rules that ask how likely a silence is.
//!
//! From time to time, on the business's own past. Learning takes seconds and so happens beside the
//! passes, never within one: what was learnt comes into force between two of them. May not decide
//! anything.

mod learner;

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
pub use learner::{Learner, Lesson};

use super::{EngineError, House};
use crate::decide::lapse::contact_days;
use crate::model::Policy;
use crate::model::dates::{day_number, days_between};
use crate::model::policy::{Learnt, in_order};
use crate::rhythm::Sample;
use crate::rules::{Patience, Rule, Trigger};

/// What was learnt holds for so many days.
const EVERY: i32 = 28;
/// A business with fewer customers than this learns anew as soon as it has grown by half.
const SMALL: u32 = 1_000;
/// Customers looked at; of a larger business, every n-th.
const MOST: u32 = 40_000;
/// Customers looked at together.
const CHUNK: usize = 512;

/// The kinds of contact for whose silences the rule wants to be sure.
fn kinds(rule: &Rule) -> Option<&[String]> {
    match &rule.trigger {
        Trigger::Lapsed(silence) if matches!(silence.after, Patience::Sure(_)) => {
            Some(&silence.contact)
        }
        Trigger::Lapsed(_)
        | Trigger::Anniversary(_)
        | Trigger::Date(_)
        | Trigger::Event(_)
        | Trigger::Usage(_)
        | Trigger::Holiday(_)
        | Trigger::Fixed(_) => None,
    }
}

/// Whether the rule has nothing to judge by yet.
pub fn is_missing(policy: &Policy, rule: &Rule) -> bool {
    kinds(rule).is_some_and(|kinds| policy.pattern(kinds, Date::MAX).is_none())
}

/// Learns what the rules want to know and nobody knows, or what was learnt too long ago. Nothing is
/// kept: see [`keep`].
///
/// # Errors
/// The store's trouble.
pub async fn learn(house: &House, now: Timestamp) -> Result<Vec<Learnt>, EngineError> {
    let rules = house.plans.rules.iter().filter(|rule| rule.enabled);
    let wanted: BTreeSet<Vec<String>> = rules.filter_map(kinds).map(in_order).collect();
    let today = house.today(now);
    let mut learnt = Vec::new();
    for contact in wanted {
        let last = house.policy().pattern(&contact, Date::MAX);
        if let Some(last) = last
            && !is_old(house, last, today).await?
        {
            continue;
        }
        learnt.push(from_the_past(house, contact, today).await?);
    }
    Ok(learnt)
}

async fn is_old(house: &House, last: &Learnt, today: Date) -> Result<bool, EngineError> {
    if today <= last.since {
        return Ok(false);
    }
    if days_between(last.since, today) >= EVERY {
        return Ok(true);
    }
    let grown = last.customers + last.customers / 2 + 1;
    Ok(last.customers < SMALL && house.store.came(&last.contact, today, grown).await? == grown)
}

async fn from_the_past(
    house: &House,
    contact: Vec<String>,
    today: Date,
) -> Result<Learnt, EngineError> {
    // A long list of ids would take more memory than all that is learnt.
    let customers = house.store.came(&contact, today, u32::MAX).await?;
    let step = customers.div_ceil(MOST);
    let some = house.store.every_nth_who_came(&contact, today, step);
    let some = some.await?;
    let mut sample = Sample::default();
    for chunk in some.chunks(CHUNK) {
        for view in house.views(chunk).await? {
            let contacts = contact_days(&view, &contact);
            let days: Vec<i32> = contacts.iter().map(|one| day_number(one.day)).collect();
            sample.add(&days, day_number(today));
        }
    }
    // A thread of its own: it neither holds up the passes nor a stop.
    let (done, pattern) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("learning".to_owned());
    let trouble = |why: String| EngineError::Other(format!("learning how customers come: {why}"));
    thread
        .spawn(move || _ = done.send(sample.fit()))
        .map_err(|error| trouble(error.to_string()))?;
    Ok(Learnt {
        contact,
        since: today,
        customers,
        pattern: pattern.await.map_err(|error| trouble(error.to_string()))?,
    })
}

/// Keeps what was learnt; a house that goes by it. Not while a pass is under way: it would plan by
/// what was known before.
///
/// # Errors
/// The store's trouble.
pub async fn keep(house: &House, learnt: &[Learnt]) -> Result<House, EngineError> {
    house.store.learn(learnt).await?;
    Ok(house.knowing(house.store.learnt().await?))
}

/// Learns and keeps at once, where no pass can be under way: a house that goes by it, or `None` if
/// there was nothing to learn.
///
/// # Errors
/// The store's trouble.
pub async fn refresh(house: &House, now: Timestamp) -> Result<Option<House>, EngineError> {
    let learnt = learn(house, now).await?;
    if learnt.is_empty() {
        return Ok(None);
    }
    keep(house, &learnt).await.map(Some)
}
