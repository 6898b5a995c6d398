//! Planning of changes in use: whom they may concern on a day, and who was told already.
//!
//! May not decide what a change is; `decide::usage` does.

use std::collections::HashMap;

use jiff::civil::Date;

use super::Pass;
use crate::decide::usage::SEASON_DAYS;
use crate::engine::EngineError;
use crate::model::Period;
use crate::rules::{Trigger, Usage};
use crate::store::{NewEntry, Noted};

impl Pass<'_> {
    /// Everybody whose sums may become otherwise from this day to the horizon: somebody's can only
    /// when an event of theirs enters the window, leaves it for the base or leaves the base, or
    /// when their history becomes long enough; and the same a season later.
    pub(super) async fn in_use(
        &self,
        usage: &Usage,
        starts: impl Fn((i32, i32)) -> (Date, Date),
        touched: bool,
    ) -> Result<Vec<String>, EngineError> {
        let (store, kinds) = (&self.house.store, &usage.kinds);
        let (window, reach) = (
            usage.window_days,
            usage.window_days.saturating_add(usage.versus_days),
        );
        if touched {
            // Of the few who were touched, one question covers all of it.
            let days = starts((1, reach + 1 + SEASON_DAYS));
            return Ok(store.with_event(kinds, days, touched).await?);
        }
        let mut ids = Vec::new();
        for season in [0, SEASON_DAYS] {
            for (least, most) in [(1, 1), (window + 1, window + 1), (reach, reach + 1)] {
                let days = starts((least + season, most + season));
                ids.extend(store.with_event(kinds, days, touched).await?);
            }
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// Of a usage rule's occasions, those of customers about whom nothing was noted within a
    /// window's length: a record that comes late can move the first day of a change, and would
    /// otherwise have the same change told twice. What is being withdrawn doesn't count.
    pub(super) async fn not_told_of(
        &self,
        entries: Vec<NewEntry>,
        withdraw: &[String],
    ) -> Result<Vec<NewEntry>, EngineError> {
        let Trigger::Usage(usage) = &self.rule.trigger else {
            return Ok(entries);
        };
        if entries.is_empty() {
            return Ok(entries);
        }
        let mut customers: Vec<String> = entries.iter().map(|one| one.customer.clone()).collect();
        customers.dedup();
        let noted = self.house.store.noted_of(&self.rule.id, &customers).await?;
        let mut by_customer: HashMap<String, Vec<Noted>> = HashMap::new();
        for one in noted {
            if !withdraw.contains(&one.id) {
                by_customer
                    .entry(one.customer.clone())
                    .or_default()
                    .push(one);
            }
        }
        let near = |entry: &NewEntry, noted: &Noted| {
            let (anchor, key) = (entry.occasion.anchor, &entry.occasion.key);
            let within = |days| Period::Days(days).from_date(anchor);
            let (first, last) = (within(1 - usage.window_days), within(usage.window_days - 1));
            *key != noted.occasion
                && first.is_none_or(|first| first <= noted.anchor)
                && last.is_none_or(|last| noted.anchor <= last)
        };
        let mut new = entries;
        new.retain(|entry| {
            let of_theirs = by_customer.get(&entry.customer);
            !of_theirs.is_some_and(|all| all.iter().any(|noted| near(entry, noted)))
        });
        Ok(new)
    }

    /// Whether an edit of the rule changes what days that are over would have given.
    pub(super) const fn edits_rewrite_the_past(&self) -> bool {
        self.is_on_the_calendar() || matches!(self.rule.trigger, Trigger::Usage(_))
    }
}
