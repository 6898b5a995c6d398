//! Other customers of a batch: for how many of them nothing can come between now and its day.
//!
//! May not decide or write.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::books::Books;
use super::letters::letters;
use crate::decide::ahead::Letter;
use crate::decide::calendar::deadline;
use crate::engine::{EngineError, guard};
use crate::model::policy::Audience;
use crate::model::{Outcome, View};
use crate::rules::Rule;

/// Customers whose other letters are looked through.
const LOOKED_THROUGH: usize = 300;

/// How many letters of this batch have gone, or go for certain: nothing else comes to their customers
/// before. `None` where there are too many to look through.
pub(super) async fn solid(
    books: &Books<'_>,
    rule: &Rule,
    (day, customers): (Date, &[String]),
) -> Result<Option<u64>, EngineError> {
    let house = books.house;
    let planned = house.store.batch(&rule.id, day).await?;
    let waits = |outcome| matches!(outcome, Outcome::Planned | Outcome::Deferred);
    let (waiting, over): (Vec<_>, Vec<_>) =
        planned.into_iter().partition(|entry| waits(entry.outcome));
    let mut ids: Vec<String> = waiting.into_iter().map(|entry| entry.customer).collect();
    ids.extend_from_slice(customers);
    ids.sort_unstable();
    ids.dedup();
    if ids.len() > LOOKED_THROUGH {
        return Ok(None);
    }
    let late = rule.send.late.days_at_most().saturating_add(1);
    let until = day.saturating_add(late.days());
    let mut all: Vec<(View, Vec<Letter<'_>>)> = Vec::new();
    for view in house.views(&ids).await? {
        let theirs = books.of_another(view).await?;
        let open = letters(&theirs, (Date::MIN, until), true).await?;
        all.push((theirs.view, open));
    }
    // What is held may end before the others are looked at.
    let of_batch =
        |one: &&Letter<'_>| one.rule_id == rule.id && one.occasion.day == day && !one.held;
    let due = all
        .iter()
        .flat_map(|(_, open)| open.iter().filter(of_batch));
    let Some(first) = due.map(|one| one.next).min() else {
        return Ok(None);
    };
    let first = first.max(books.now);
    let gone = over.iter().filter(|entry| entry.outcome != Outcome::Held);
    let mut count = gone.count() as u64;
    for (view, open) in &all {
        let is_solid = |one: &&Letter<'_>| {
            // Until the last moment at which it may still wait for its turn.
            let end = deadline(rule.send.late, &one.occasion, &one.zone);
            let mut between = open.iter().filter(|other| {
                let to_them = other
                    .rule
                    .is_none_or(|rule| rule.audience == Audience::Customer);
                to_them && other.next <= end && other.id != one.id
            });
            let alone = rule.audience != Audience::Customer || between.next().is_none();
            alone && guard::would_go(house, rule, view, &one.occasion, first)
        };
        count += open.iter().filter(of_batch).filter(is_solid).count() as u64;
    }
    Ok(Some(count))
}
