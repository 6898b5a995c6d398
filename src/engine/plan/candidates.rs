//! Whom a rule's turn has to look at: found by indexes, never by a walk through everybody.
//!
//! May return too many, never too few; the pure core decides about each.

use jiff::civil::Date;

use super::{Pass, SLACK_DAYS};
use crate::decide;
use crate::decide::fixed::due_days;
use crate::engine::EngineError;
use crate::model::policy::Audience;
use crate::model::{Period, View};
use crate::rules::{AfterEvent, Anniversary, OnDate, Patience, Silence, Trigger};
use crate::store::Awaited;

/// Of whom somebody is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whom {
    /// Of everybody: the rule was never planned in this version.
    All,
    /// Of those for whom a new day brings something.
    Due,
    /// Of those whose records changed.
    Touched,
}

impl Pass<'_> {
    /// Ids of everybody who may have an occasion due from this day to the horizon.
    pub(super) async fn candidates(
        &self,
        from: Date,
        whom: Whom,
    ) -> Result<Vec<String>, EngineError> {
        let store = &self.house.store;
        // What starts on these days may come due from this day to the horizon.
        let starts = |(least, most): (i32, i32)| {
            let first = Period::Days(-most - SLACK_DAYS).from_date(from);
            let last = Period::Days(-least + SLACK_DAYS).from_date(self.horizon);
            (first.unwrap_or(from), last.unwrap_or(self.horizon))
        };
        let touched = whom == Whom::Touched;
        Ok(match &self.rule.trigger {
            Trigger::Anniversary(Anniversary { field, offset, .. }) => {
                let days = starts(offset.days_between());
                store.with_anniversary(&field.name(), days, touched).await?
            }
            Trigger::Date(OnDate { field, offset }) => {
                let days = starts(offset.days_between());
                store.with_date(&field.name(), days, touched).await?
            }
            Trigger::Event(AfterEvent { kind, delay, .. }) => {
                let (kinds, days) = (std::slice::from_ref(kind), starts(delay.days_between()));
                store.with_event(kinds, days, touched).await?
            }
            Trigger::Lapsed(silence) => self.silent(silence, starts, whom).await?,
            Trigger::Usage(usage) => self.in_use(usage, starts, touched).await?,
            Trigger::Holiday(trigger) => {
                let mut due = due_days(trigger, from, self.horizon);
                self.everybody_if(due.next().is_some(), touched).await?
            }
            Trigger::Fixed(on) => {
                let due = |day: &Date| from <= *day && *day <= self.horizon;
                self.everybody_if(on.iter().any(due), touched).await?
            }
        })
    }

    /// Everybody for whom the rule's reader can be written to, on the days on which something is
    /// due.
    async fn everybody_if(&self, due: bool, touched: bool) -> Result<Vec<String>, EngineError> {
        if !due {
            return Ok(Vec::new());
        }
        let store = &self.house.store;
        Ok(match self.rule.audience {
            Audience::Customer => store.with_address(touched).await?,
            Audience::Staff | Audience::Owner => store.everyone(touched).await?,
        })
    }

    /// Those who were silent for any of the steps. Of the few who were touched, one question
    /// covers all steps; where everybody's silence has a length of its own, the day of each is
    /// kept.
    async fn silent(
        &self,
        silence: &Silence,
        starts: impl Fn((i32, i32)) -> (Date, Date),
        whom: Whom,
    ) -> Result<Vec<String>, EngineError> {
        let touched = whom == Whom::Touched;
        let (store, contact) = (&self.house.store, &silence.contact);
        let Patience::Days(shortest) = silence.after else {
            return Ok(match whom {
                Whom::All | Whom::Touched => store.everyone(touched).await?,
                Whom::Due => {
                    // Where a zone changed, the day may lie a little before the one that is kept.
                    let until = Period::Days(SLACK_DAYS).from_date(self.horizon);
                    let until = until.unwrap_or(self.horizon);
                    store.awaited(&self.rule.id, until).await?
                }
            });
        };
        if touched {
            let longest = silence.steps(shortest).last();
            let longest = longest.map_or(shortest, |(_, days)| days);
            let days = starts((shortest, longest));
            return Ok(store.silent_since(contact, days, shortest, touched).await?);
        }
        let mut ids = Vec::new();
        for (_, gap) in silence.steps(shortest) {
            let days = starts((gap, gap));
            ids.extend(store.silent_since(contact, days, gap, touched).await?);
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// When this customer is to be looked at again, where that is a day of their own.
    pub(super) fn await_next(&self, view: &View) -> Option<Awaited> {
        let personal = match &self.rule.trigger {
            Trigger::Lapsed(silence) => {
                matches!(silence.after, Patience::Cadences(_) | Patience::Sure(_))
            }
            Trigger::Anniversary(_)
            | Trigger::Date(_)
            | Trigger::Event(_)
            | Trigger::Usage(_)
            | Trigger::Holiday(_)
            | Trigger::Fixed(_) => false,
        };
        let next = self.horizon.tomorrow().ok().filter(|_| personal)?;
        let policy = self.house.policy();
        let ahead = decide::occasions(self.rule, view, policy, next, Date::MAX);
        Some(Awaited {
            rule: self.rule.id.clone(),
            customer: view.customer.id.clone(),
            day: ahead.iter().map(|occasion| occasion.day).min(),
        })
    }
}
