//! The guard: whether a batch is too large to go unasked.
//!
//! A batch is a rule's letters of one due day. Usually an indexed count says that it is small; only
//! a large one is looked at letter by letter. May not send, record or hold anything.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use jiff::civil::Date;

use super::scribe::judged;
use super::{EngineError, House};
use crate::decide;
use crate::decide::gate::{Answer, Batch};
use crate::model::{Occasion, Outcome, Reason, View};
use crate::rules::{Rule, Trigger};
use crate::store::{self, Entry};

/// Customers looked at together.
const CHUNK: usize = 512;

/// Whether more of this batch would go (or has gone) than the guard lets go unasked.
pub(super) async fn too_large(
    house: &House,
    rule: &Rule,
    batch: &store::Batch,
    now: Timestamp,
) -> Result<bool, EngineError> {
    if !exceeds(house, batch.entries).await? {
        return Ok(false);
    }
    let entries = house.store.batch(&rule.id, batch.day).await?;
    match so_far(house, rule, &entries, now).await? {
        Some(going) => exceeds(house, going).await,
        None => Ok(true),
    }
}

/// How many of these entries of a batch have gone or would go; `None` where some are held for being
/// too many: it stays so until a person has spoken, also for what comes later.
async fn so_far(
    house: &House,
    rule: &Rule,
    entries: &[Entry],
    now: Timestamp,
) -> Result<Option<u64>, EngineError> {
    if entries.iter().any(is_held) {
        return Ok(None);
    }
    let mut going = 0;
    let mut waiting: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        match entry.outcome {
            Outcome::Planned | Outcome::Deferred => {
                waiting.entry(&entry.customer).or_default().push(entry);
            }
            Outcome::Held | Outcome::Sending | Outcome::Sent | Outcome::Unknown => going += 1,
            Outcome::Skipped | Outcome::Rejected | Outcome::Expired => {}
        }
    }
    let ids: Vec<String> = waiting.keys().map(|&id| id.to_owned()).collect();
    for chunk in ids.chunks(CHUNK) {
        for view in house.views(chunk).await? {
            let theirs = waiting.get(view.customer.id.as_str()).into_iter().flatten();
            going += theirs
                .filter(|entry| would_go(house, rule, &view, &entry.occasion, now))
                .count() as u64;
        }
    }
    Ok(Some(going))
}

/// How large the batch of a day to come looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// It goes unasked.
    Fine,
    /// Some of it is held already, and so will be the rest that comes before this moment.
    Held(Timestamp),
    /// So many would go, which are too many; where they are more than twice too many, perhaps more.
    Large(u64),
}

/// How large the batch of a day to come looks, by what is planned of it and what these customers'
/// records give it besides. What else they will have been sent by then can only make it smaller.
pub(super) async fn size_of(
    house: &House,
    rule: &Rule,
    (day, customers): (Date, &[String]),
    now: Timestamp,
) -> Result<Size, EngineError> {
    let entries = house.store.batch(&rule.id, day).await?;
    let others: HashSet<&str> = entries.iter().map(|one| one.customer.as_str()).collect();
    let others = customers
        .iter()
        .filter(|one| !others.contains(one.as_str()));
    // Mostly they are few, whatever their records say.
    let at_most = (entries.len() + others.count()) as u64;
    let one_each = !matches!(rule.trigger, Trigger::Event(_));
    if one_each && !exceeds(house, at_most).await? && !entries.iter().any(is_held) {
        return Ok(Size::Fine);
    }
    let Some(mut going) = so_far(house, rule, &entries, now).await? else {
        let held = entries.iter().filter(|entry| is_held(entry));
        let until = held.filter_map(|entry| entry.next_attempt_at).max();
        return Ok(Size::Held(until.unwrap_or(now)));
    };
    let planned: HashSet<(&str, &str)> = entries
        .iter()
        .map(|entry| (entry.customer.as_str(), entry.occasion.key.as_str()))
        .collect();
    for chunk in customers.chunks(CHUNK) {
        going += house
            .views(chunk)
            .await?
            .iter()
            .flat_map(|view| would_go_on(house, rule, view, (day, day), now))
            .filter(|(customer, key)| !planned.contains(&(customer.as_str(), key.as_str())))
            .count() as u64;
        if exceeds(house, going / 2).await? {
            break;
        }
    }
    Ok(if exceeds(house, going).await? {
        Size::Large(going)
    } else {
        Size::Fine
    })
}

/// The customer with each occasion that the records give them on these days and that would go.
pub(super) fn would_go_on(
    house: &House,
    rule: &Rule,
    view: &View,
    (from, until): (Date, Date),
    now: Timestamp,
) -> Vec<(String, String)> {
    decide::occasions(rule, view, house.policy(), from, until)
        .into_iter()
        .filter(|occasion| would_go(house, rule, view, occasion, now))
        .map(|occasion| (view.customer.id.clone(), occasion.key))
        .collect()
}

fn is_held(entry: &Entry) -> bool {
    entry.outcome == Outcome::Held && entry.reason == Some(Reason::BatchTooLarge)
}

/// Whether so many letters of one rule and day are too many. Counts no more customers than it
/// needs to.
pub(super) async fn exceeds(house: &House, letters: u64) -> Result<bool, EngineError> {
    Ok(match house.policy().guard.customers_for(letters) {
        Some(0) => false,
        Some(customers) => !house.store.has_customers(customers).await?,
        None => true,
    })
}

/// Whether it would go, sooner or later, were it not for the guard: as it looks when it comes due.
pub(super) fn would_go(
    house: &House,
    rule: &Rule,
    view: &View,
    occasion: &Occasion,
    now: Timestamp,
) -> bool {
    let when = (Batch::default(), now.max(occasion.due_at));
    match judged(
        house,
        Some(rule),
        (view, occasion, (rule.class, rule.audience)),
        when,
    ) {
        Answer::Pass | Answer::Defer(..) | Answer::Hold(..) => true,
        Answer::Skip(_) => false,
    }
}

/// Whether the rule's first letters, which wait for a person, haven't all gone yet.
pub(super) async fn first_letters(house: &House, rule: &Rule) -> Result<bool, EngineError> {
    let Some(first) = rule.approve_first else {
        return Ok(false);
    };
    Ok(house.store.gone_of(&rule.id, first).await? < first)
}
