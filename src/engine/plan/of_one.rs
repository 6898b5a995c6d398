//! What the passes to come will enter for one customer, as things are; and whom a day of a rule may
//! concern.
//!
//! The planner's own answers, asked ahead and written nowhere.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::civil::Date;

use super::Pass;
use super::turn::first_day;
use crate::engine::{EngineError, House, learn};
use crate::model::{Outcome, View};
use crate::rules::Rule;
use crate::store::{Entry, NewEntry, RuleState};

/// One rule's part.
#[derive(Debug, Default)]
pub(in crate::engine) struct OfOne {
    /// What will be entered.
    pub(in crate::engine) new: Vec<NewEntry>,
    /// Ids of what is entered and will be taken out again before it comes due.
    pub(in crate::engine) withdrawn: HashSet<String>,
}

/// What is known of the customer and the rule.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Known<'a> {
    pub(in crate::engine) view: &'a View,
    /// Whether their records changed since the last pass.
    pub(in crate::engine) has_news: bool,
    /// How far the rule has come.
    pub(in crate::engine) state: Option<&'a RuleState>,
    /// The customer's entries of whatever rule.
    pub(in crate::engine) entries: &'a [Entry],
}

/// What will be entered for one customer by this rule, due on these days at most.
///
/// # Errors
/// The store's trouble.
pub(in crate::engine) async fn of_one(
    house: &House,
    rule: &Rule,
    known: Known<'_>,
    now: Timestamp,
    (from, until): (Date, Date),
) -> Result<OfOne, EngineError> {
    if !rule.enabled || learn::is_missing(house.policy(), rule) {
        return Ok(OfOne::default());
    }
    let Known { view, state, .. } = known;
    let (mut pass, edited) = Pass::next(house, rule, state, (now, first_day(house, state, now)));
    pass.horizon = pass.horizon.max(until);
    let anew = pass.through.is_some() && known.has_news;
    let first = if anew {
        pass.first_new_day().min(pass.first_changed_day())
    } else {
        pass.first_new_day()
    };
    let mut entries = pass.entries(view, (first.max(from), pass.last_changed_day()));
    entries.retain(|entry| pass.is_news(&entry.occasion));
    let wanted: HashSet<(&str, Timestamp)> = entries
        .iter()
        .map(|one| (one.occasion.key.as_str(), one.occasion.due_at))
        .collect();
    let theirs = || known.entries.iter().filter(|entry| entry.rule == rule.id);
    let open = theirs().filter(|one| {
        one.outcome == Outcome::Planned && one.occasion.due_at > now && one.occasion.day >= from
    });
    let stale = open.filter(|one| {
        let key = (one.occasion.key.as_str(), one.occasion.due_at);
        edited || (anew && !wanted.contains(&key))
    });
    let withdrawn: Vec<String> = stale.map(|one| one.id.clone()).collect();
    entries.retain(|entry| entry.occasion.day <= until);
    let mut new = pass.not_told_of(entries, &withdrawn).await?;
    new.retain(|entry| {
        let same = |one: &&Entry| one.occasion.key == entry.occasion.key;
        theirs().filter(same).all(|one| withdrawn.contains(&one.id))
    });
    Ok(OfOne {
        new,
        withdrawn: withdrawn.into_iter().collect(),
    })
}

/// Whom the rule may concern on these days; too many perhaps, never too few.
///
/// # Errors
/// The store's trouble.
pub(in crate::engine) async fn whom(
    house: &House,
    rule: &Rule,
    state: Option<&RuleState>,
    now: Timestamp,
    (from, until): (Date, Date),
) -> Result<Vec<String>, EngineError> {
    let (mut pass, _) = Pass::next(house, rule, state, (now, first_day(house, state, now)));
    let from = from.max(pass.start);
    if from > until || !rule.enabled {
        return Ok(Vec::new());
    }
    pass.horizon = until;
    pass.candidates(from, pass.whom()).await
}
