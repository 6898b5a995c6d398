//! A customer's letters that lie ahead, gathered from the ledger and from what the planner will
//! enter; and what the gates see of them.
//!
//! May not judge or write.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::civil::Date;

use super::books::Books;
use crate::decide;
use crate::decide::ahead::{Letter, Outlook};
use crate::engine::{EngineError, House, letter, mishap, plan};
use crate::model::occasion::entry_id;
use crate::model::{Occasion, Outcome, Reason, View};
use crate::rules::Rule;
use crate::store::{Entry, NewEntry};

pub(super) fn with_outlook<T>(books: &Books<'_>, ask: impl FnOnce(&Outlook<'_>) -> T) -> T {
    let (house, view) = (books.house, &books.view);
    let facts = |one: &Letter<'_>, at: Timestamp| {
        letter::facts_of(house, one.rule, view, &one.occasion, at)
    };
    let can_write = |one: &Letter<'_>, at: Timestamp| can_write(house, one, (view, at));
    ask(&Outlook {
        view,
        policy: house.policy(),
        now: books.now,
        facts: &facts,
        can_write: &can_write,
    })
}

fn can_write(house: &House, one: &Letter<'_>, (view, at): (&View, Timestamp)) -> bool {
    let write = |rule: &Rule| letter::write(house, rule, view, &one.occasion, at).is_ok();
    one.rule
        .is_none_or(|rule| mishap::contain(|| write(rule)).unwrap_or(false))
}

/// Everything that waits, and that will be planned for these days.
pub(super) async fn letters<'a>(
    books: &Books<'a>,
    days: (Date, Date),
    open: bool,
) -> Result<Vec<Letter<'a>>, EngineError> {
    let mut withdrawn = HashSet::new();
    let mut all = Vec::new();
    for rule in &books.house.plans.rules {
        let known = plan::Known {
            view: &books.view,
            has_news: books.has_news,
            state: books.state(&rule.id),
            entries: &books.entries,
        };
        let found = plan::of_one(books.house, rule, known, books.now, days).await?;
        withdrawn.extend(found.withdrawn);
        let new = found.new.into_iter();
        all.extend(new.map(|new| planned(books, rule, new)));
    }
    let waits = |entry: &&Entry| {
        open && !entry.outcome.is_final()
            && entry.outcome != Outcome::Sending
            && !withdrawn.contains(&entry.id)
    };
    all.extend(
        books
            .entries
            .iter()
            .filter(waits)
            .map(|entry| waiting(books, entry)),
    );
    Ok(all)
}

fn planned<'a>(books: &Books<'a>, rule: &'a Rule, new: NewEntry) -> Letter<'a> {
    Letter {
        id: entry_id(&new.rule, &new.customer, &new.occasion.key),
        rule_id: new.rule.clone(),
        rule: Some(rule),
        class: new.class,
        audience: new.audience,
        priority: new.priority,
        zone: books.house.zone(&new.occasion.zone),
        next: new.occasion.due_at,
        held: false,
        batch: books.said_of(&new.rule, new.occasion.day),
        crowded: false,
        occasion: new.occasion,
    }
}

/// What waits, and will be planned for another moment since the records moved it.
fn anew<'a>(
    books: &Books<'a>,
    rule: &'a Rule,
    (entry, occasion): (&Entry, Occasion),
) -> Letter<'a> {
    Letter {
        id: entry.id.clone(),
        rule_id: entry.rule.clone(),
        rule: Some(rule),
        class: entry.class,
        audience: entry.audience,
        priority: entry.priority,
        zone: books.house.zone(&occasion.zone),
        next: occasion.due_at,
        held: false,
        batch: books.said_of(&entry.rule, occasion.day),
        crowded: false,
        occasion,
    }
}

fn waiting<'a>(books: &Books<'a>, entry: &Entry) -> Letter<'a> {
    let rule = books.house.rule(&entry.rule);
    let batch = books.said_of(&entry.rule, entry.occasion.day);
    let decided = entry.outcome == Outcome::Held && batch.approved.is_some();
    // When a way out opens, what waits for one is due; and so is what the records have withdrawn.
    let for_a_way = matches!(
        entry.reason,
        Some(Reason::RelayTrouble | Reason::RelayRefusesUs)
    );
    let is_recalled =
        books.has_news && (entry.outcome != Outcome::Planned || entry.occasion.due_at <= books.now);
    let mut withdrawn = false;
    if is_recalled && let Some(rule) = rule.filter(|rule| rule.enabled) {
        let (view, now) = (&books.view, books.now);
        let zone = books.house.zone(&entry.occasion.zone);
        withdrawn = decide::withdrawn(rule, view, &entry.occasion, &zone, now).is_some();
        if let Some(moved) = plan::moved(books.house, rule, (entry, view), withdrawn) {
            return anew(books, rule, (entry, moved.occasion));
        }
    }
    let at_once = decided || (for_a_way && books.trouble) || withdrawn;
    let next = entry.next_attempt_at.unwrap_or(entry.occasion.due_at);
    Letter {
        id: entry.id.clone(),
        rule_id: entry.rule.clone(),
        rule,
        class: entry.class,
        audience: entry.audience,
        priority: entry.priority,
        zone: books.house.zone(&entry.occasion.zone),
        next: if at_once { books.now.min(next) } else { next },
        held: entry.outcome == Outcome::Held && !decided,
        batch,
        crowded: false,
        occasion: entry.occasion.clone(),
    }
}
