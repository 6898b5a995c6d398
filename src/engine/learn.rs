//! Learning how the business's customers come, for the rules that ask how likely a silence is.
//!
//! From time to time, on the business's own past. Learning takes seconds and so happens beside the
//! passes, never within one: what was learnt comes into force between two of them. May not decide
//! anything.

mod learner;

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
pub use learner::{Done, Learner};

use super::plan::furthest_day;
use super::{EngineError, House, sync};
use crate::decide::lapse::contact_days;
use crate::model::Policy;
use crate::model::dates::{day_number, days_between};
use crate::model::policy::{Learnt, in_order};
use crate::rhythm::Sample;
use crate::rules::{Patience, Rule, Trigger};
use crate::store::Lesson;

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

/// Learns what the rules want to know and nobody knows, or what was learnt too long ago or from too
/// few. What bears a day that hasn't begun was learnt by a wrong clock, and counts for nothing. Not
/// while a source can't be read: what is on record may be but a part. Nothing is kept: see [`keep`].
///
/// # Errors
/// The store's trouble.
pub async fn learn(house: &House, now: Timestamp) -> Result<Vec<Lesson>, EngineError> {
    let rules = house.plans.rules.iter().filter(|rule| rule.enabled);
    let wanted: BTreeSet<Vec<String>> = rules.filter_map(kinds).map(in_order).collect();
    if wanted.is_empty() || !sync::is_complete(house).await? {
        return Ok(Vec::new());
    }
    let (today, latest) = (house.today(now), furthest_day(now));
    let known = house.store.learnt(Date::MAX).await?;
    let mut lessons = Vec::new();
    for contact in wanted {
        let of_kind = |one: &&Learnt| one.contact == contact;
        let begun = known.iter().filter(of_kind);
        let begun: Vec<&Learnt> = begun.filter(|one| one.since <= latest).collect();
        if let Some(last) = begun.last()
            && !is_old(house, last, today).await?
        {
            // While its clock was wrong, the house may have gone by more, or by less.
            if !house
                .policy()
                .learnt
                .iter()
                .filter(of_kind)
                .eq(begun.iter().copied())
            {
                lessons.push(Lesson {
                    learnt: (*last).clone(),
                    instead_of: vec![last.since],
                });
            }
            continue;
        }
        if let Some(learnt) = from_the_past(house, contact, today).await? {
            let instead_of = void(&known, &learnt, latest);
            lessons.push(Lesson { learnt, instead_of });
        }
    }
    Ok(lessons)
}

/// The days of what counts no longer. What was learnt from less than half of the customers who are
/// known now (from a first file with some of them, or in the first weeks of a business) says little
/// of those whom it would judge; what bears a day later than `latest` was learnt by a wrong clock.
fn void(known: &[Learnt], fresh: &Learnt, latest: Date) -> Vec<Date> {
    let of_kind = known.iter().filter(|one| one.contact == fresh.contact);
    let from_few = |one: &Learnt| u64::from(one.customers) * 2 < u64::from(fresh.customers);
    of_kind
        .filter(|one| one.since > latest || from_few(one))
        .map(|one| one.since)
        .collect()
}

async fn is_old(house: &House, last: &Learnt, today: Date) -> Result<bool, EngineError> {
    if days_between(last.since, today) >= EVERY {
        return Ok(true);
    }
    if last.customers >= SMALL {
        return Ok(false);
    }
    // One day takes a second look only if what came of the first is outgrown.
    let more = if today <= last.since {
        last.customers
    } else {
        last.customers / 2
    };
    let grown = last.customers + more + 1;
    Ok(house.store.came(&last.contact, today, grown).await? == grown)
}

/// `None` while nobody has come.
async fn from_the_past(
    house: &House,
    contact: Vec<String>,
    today: Date,
) -> Result<Option<Learnt>, EngineError> {
    // A long list of ids would take more memory than all that is learnt.
    let customers = house.store.came(&contact, today, u32::MAX).await?;
    let step = customers.div_ceil(MOST);
    let some = house.store.every_nth_who_came(&contact, today, step);
    let some = some.await?;
    let mut sample = Sample::default();
    for chunk in some.chunks(CHUNK) {
        for view in house.views(chunk).await?.iter().filter(|one| !one.erased) {
            let contacts = contact_days(view, &contact);
            let days: Vec<i32> = contacts.iter().map(|one| day_number(one.day)).collect();
            sample.add(&days, day_number(today));
        }
    }
    if sample.is_empty() {
        return Ok(None);
    }
    // A thread of its own: it neither holds up the passes nor a stop.
    let (done, pattern) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("learning".to_owned());
    let trouble = |why: String| EngineError::Other(format!("learning how customers come: {why}"));
    thread
        .spawn(move || _ = done.send(sample.fit()))
        .map_err(|error| trouble(error.to_string()))?;
    Ok(Some(Learnt {
        contact,
        since: today,
        customers,
        pattern: pattern.await.map_err(|error| trouble(error.to_string()))?,
    }))
}

/// Keeps what was learnt; a house that goes by it. Not while a pass is under way: it would plan by
/// what was known before.
///
/// # Errors
/// The store's trouble.
pub async fn keep(house: &House, lessons: &[Lesson]) -> Result<House, EngineError> {
    house.store.learn(lessons).await?;
    let by = furthest_day(house.clock.now());
    Ok(house.knowing(house.store.learnt(by).await?))
}

/// Learns and keeps at once, where no pass can be under way: a house that goes by it, or `None` if
/// there was nothing to learn.
///
/// # Errors
/// The store's trouble.
pub async fn refresh(house: &House, now: Timestamp) -> Result<Option<House>, EngineError> {
    let lessons = learn(house, now).await?;
    if lessons.is_empty() {
        return Ok(None);
    }
    keep(house, &lessons).await.map(Some)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn learnt(kind: &str, day: i8, customers: u32) -> Learnt {
        Learnt {
            contact: vec![kind.to_owned()],
            since: date(2027, 5, day),
            customers,
            pattern: Sample::default().fit(),
        }
    }

    #[test]
    fn what_was_learnt_from_less_than_half_or_on_a_day_to_come_is_void() {
        let known = [
            learnt("visit", 1, 49),
            learnt("call", 1, 2),
            learnt("visit", 2, 50),
            learnt("visit", 3, 1),
        ];
        let by = |day, customers| {
            let fresh = learnt("visit", day, customers);
            void(&known, &fresh, date(2027, 5, day))
        };
        let gone = |customers| by(9, customers);
        assert_eq!(gone(100), [date(2027, 5, 1), date(2027, 5, 3)]);
        assert_eq!(by(1, 2), [date(2027, 5, 2), date(2027, 5, 3)]);
        assert_eq!(gone(2), []);
        assert_eq!(gone(u32::MAX).len(), 3);
    }
}
