//! The guard: whether a batch is too large to go unasked.
//!
//! A batch is a rule's letters of one due day. Usually an indexed count says that it is small; only
//! a large one is looked at letter by letter. May not send, record or hold anything.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::scribe::judged;
use super::{EngineError, House};
use crate::decide::gate::{Answer, Batch};
use crate::model::{Occasion, Outcome, Reason, View};
use crate::rules::Rule;
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
    // A batch that is held stays so until a person has spoken, also for what comes later.
    if entries.iter().any(is_held) {
        return Ok(true);
    }
    let mut going = 0;
    let mut waiting: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in &entries {
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
    exceeds(house, going).await
}

fn is_held(entry: &Entry) -> bool {
    entry.outcome == Outcome::Held && entry.reason == Some(Reason::BatchTooLarge)
}

/// Whether so many letters of one rule and day are too many. Counts no more customers than it
/// needs to.
async fn exceeds(house: &House, letters: u64) -> Result<bool, EngineError> {
    Ok(match house.policy().guard.customers_for(letters) {
        Some(0) => false,
        Some(customers) => !house.store.has_customers(customers).await?,
        None => true,
    })
}

/// Whether it would go, sooner or later, were it not for the guard: as it looks when it comes due.
fn would_go(house: &House, rule: &Rule, view: &View, occasion: &Occasion, now: Timestamp) -> bool {
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
