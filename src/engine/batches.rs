//! What a pass must know beyond one customer: how each batch stands, and which letters still fit
//! into their rule's day.
//!
//! Asked of the store once a pass, before anything goes out, so that the answers don't depend on
//! how far the couriers have come. May not send or record.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;

use super::scribe::{Job, answer};
use super::{EngineError, House, guard};
use crate::decide::gate::{Answer, Batch};
use crate::model::Period;
use crate::model::Reason;
use crate::model::policy::Audience;
use crate::model::view::Sent;
use crate::rules::Rule;
use crate::store::Entry;

/// Letters that went out today were due within so many days before, or within the rule's `late`.
const LATE_AT_LEAST: i32 = 31;

/// How the batches of a pass stand.
#[derive(Debug, Default)]
pub(super) struct Batches {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// By rule and due day.
    batches: HashMap<String, HashMap<Date, Batch>>,
    /// What is left of the day, of rules that have a measure for it.
    days: HashMap<String, Day>,
    /// What this pass lets go, by customer; kept only where some rule's day has a measure.
    going: HashMap<String, Vec<Sent>>,
}

/// A rule's civil day at the business.
#[derive(Debug)]
struct Day {
    date: Date,
    left: u32,
    /// Who asked, and whether there was room; the same answer however often they ask.
    asked: HashMap<String, bool>,
}

impl Batches {
    /// Learns how the batches stand that these entries belong to, and with them all that is due.
    pub(super) async fn learn(
        &self,
        house: &House,
        entries: &[Entry],
        now: Timestamp,
    ) -> Result<(), EngineError> {
        if entries.iter().all(|entry| self.knows(entry)) {
            return Ok(());
        }
        let due = house.store.due_batches(now).await?;
        let new: Vec<_> = due
            .into_iter()
            .filter(|batch| !self.has(&batch.rule, batch.day))
            .collect();
        let first = new.iter().map(|batch| batch.day).min();
        let approvals = match first {
            Some(first) => house.store.approvals(first).await?,
            None => Vec::new(),
        };
        for batch in new {
            let Some(rule) = house.rule(&batch.rule) else {
                self.note(batch.rule, batch.day, Batch::default());
                continue;
            };
            let said = approvals
                .iter()
                .find(|said| said.rule == batch.rule && said.day == batch.day);
            let mut stands = Batch {
                approved: said.map(|said| said.approved),
                ..Batch::default()
            };
            if stands.approved.is_none() {
                stands.too_large = guard::too_large(house, rule, &batch, now).await?;
                stands.first_letters = guard::first_letters(house, rule).await?;
            }
            if let Some(most) = rule.max_per_day
                && !self.lock().days.contains_key(&rule.id)
            {
                let day = today_of(house, rule, most, now).await?;
                self.lock().days.insert(rule.id.clone(), day);
            }
            self.note(batch.rule, batch.day, stands);
        }
        Ok(())
    }

    fn note(&self, rule: String, day: Date, stands: Batch) {
        let mut known = self.lock();
        known.batches.entry(rule).or_default().insert(day, stands);
    }

    fn knows(&self, entry: &Entry) -> bool {
        self.has(&entry.rule, entry.occasion.day)
    }

    fn has(&self, rule: &str, day: Date) -> bool {
        let known = self.lock();
        let days = known.batches.get(rule);
        days.is_some_and(|days| days.contains_key(&day))
    }

    /// How an entry's batch stands, and whether there is room for it today.
    pub(super) fn of(&self, house: &House, entry: &Entry, now: Timestamp) -> Batch {
        let mut known = self.lock();
        let days = known.batches.get(&entry.rule);
        let stands = days.and_then(|days| days.get(&entry.occasion.day));
        let mut stands = stands.copied().unwrap_or_default();
        if let Some(day) = known.day(house, &entry.rule, now) {
            let room = day.asked.get(&entry.id).copied();
            stands.day_is_full = !room.unwrap_or(day.left > 0);
        }
        stands
    }

    /// Whether an entry of a rule whose day has a measure wasn't expected to go, and so has no place
    /// in it: it is worth a fresh look at its customer before it takes one.
    pub(super) fn is_a_surprise(&self, entry: &Entry) -> bool {
        let known = self.lock();
        let day = known.days.get(&entry.rule);
        day.is_some_and(|day| !day.asked.contains_key(&entry.id))
    }

    /// Takes a place in its rule's day for an entry that may go. `false`: there is none left.
    pub(super) fn take(&self, house: &House, entry: &Entry, now: Timestamp) -> bool {
        let mut known = self.lock();
        let day = known.day(house, &entry.rule, now);
        day.is_none_or(|day| day.take(&entry.id))
    }

    /// Gives out the places in the rules' days in the order in which entries were claimed, as if
    /// everything let go before were sent.
    pub(super) fn reserve(&self, house: &House, job: &Job, now: Timestamp) {
        if self.lock().days.is_empty() {
            return;
        }
        let mut view = job.view.clone();
        let customer = &view.customer.id;
        let going = self.lock().going.get(customer).cloned();
        for sent in going.into_iter().flatten() {
            add(&mut view.sent, sent);
        }
        for entry in &job.entries {
            let batch = self.of(house, entry, now);
            match answer(house, entry, &view, (batch, now)) {
                Answer::Pass => {}
                // Its answer stays, even if somebody else's letter comes back.
                Answer::Defer(_, Reason::DailyLimit) | Answer::Skip(Reason::DailyLimit) => {
                    self.take(house, entry, now);
                    continue;
                }
                Answer::Skip(_) | Answer::Defer(..) | Answer::Hold(..) => continue,
            }
            let rule = house.rule(&entry.rule);
            let counts = rule.filter(|rule| rule.audience == Audience::Customer);
            if self.take(house, entry, now)
                && let Some(rule) = counts
            {
                let sent = Sent {
                    rule: entry.rule.clone(),
                    occasion: entry.occasion.key.clone(),
                    // As it will be noted when it goes, however it was planned.
                    class: rule.class,
                    audience: Audience::Customer,
                    at: now,
                };
                add(&mut view.sent, sent.clone());
                let mut known = self.lock();
                known
                    .going
                    .entry(entry.customer.clone())
                    .or_default()
                    .push(sent);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the store knows of already isn't counted twice.
fn add(all: &mut Vec<Sent>, one: Sent) {
    let is_it = |sent: &Sent| sent.rule == one.rule && sent.occasion == one.occasion;
    if !all.iter().any(is_it) {
        all.push(one);
    }
}

impl Known {
    /// The rule's day. Past midnight another begins, of which nothing is used up.
    fn day(&mut self, house: &House, rule: &str, now: Timestamp) -> Option<&mut Day> {
        let day = self.days.get_mut(rule)?;
        let today = house.today(now);
        if today > day.date {
            *day = Day {
                date: today,
                left: house.rule(rule)?.max_per_day?,
                asked: HashMap::new(),
            };
        }
        Some(day)
    }
}

impl Day {
    fn take(&mut self, entry: &str) -> bool {
        if let Some(room) = self.asked.get(entry) {
            return *room;
        }
        let room = self.left > 0;
        self.left = self.left.saturating_sub(1);
        self.asked.insert(entry.to_owned(), room);
        room
    }
}

/// What is left of the rule's day.
async fn today_of(
    house: &House,
    rule: &Rule,
    most: u32,
    now: Timestamp,
) -> Result<Day, EngineError> {
    Ok(Day {
        date: house.today(now),
        left: most.saturating_sub(sent_today(house, rule, now).await?),
        asked: HashMap::new(),
    })
}

/// How many letters of the rule have gone on this civil day at the business.
pub(super) async fn sent_today(
    house: &House,
    rule: &Rule,
    now: Timestamp,
) -> Result<u32, EngineError> {
    let (date, zone) = (house.today(now), &house.policy().zone);
    let begins = |day: Date| {
        zone.to_timestamp(day.at(0, 0, 0, 0))
            .unwrap_or(Timestamp::MAX)
    };
    let tomorrow = date.tomorrow().unwrap_or(date);
    let late = rule.send.late.days_at_most().max(LATE_AT_LEAST);
    let earliest = Period::Days(-late - 2).from_date(date).unwrap_or(date);
    let sent = house
        .store
        .sent_between(
            &rule.id,
            (earliest, tomorrow),
            (begins(date), begins(tomorrow)),
        )
        .await?;
    Ok(sent)
}
