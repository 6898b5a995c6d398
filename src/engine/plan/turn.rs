//! A rule's turn in a pass: how far it has come, and on which days it looks.
//!
//! May not ask the store.

use jiff::Timestamp;
use jiff::civil::Date;

use super::candidates::Whom;
use super::{Pass, furthest_day, start_of};
use crate::engine::House;
use crate::rules::{Rule, Trigger};
use crate::store::RuleState;

impl<'a> Pass<'a> {
    /// A rule's turn in the next pass, and whether what was planned no longer counts.
    pub(super) fn next(
        house: &'a House,
        rule: &'a Rule,
        state: Option<&RuleState>,
        (now, first_day): (Timestamp, Date),
    ) -> (Self, bool) {
        let horizon = furthest_day(now);
        let edited =
            state.is_some_and(|state| starts_over(state, rule) || !has_begun(state, horizon));
        let through = state
            .filter(|_| !edited)
            .and_then(|state| state.planned_through);
        let pass = Self {
            house,
            rule,
            now,
            start: start_of(house, rule, first_day),
            // A clock that went back leaves days behind that were planned already, and must not make
            // the cursor go back.
            horizon: through.max(Some(horizon)).unwrap_or(horizon),
            through,
            planned_before: state.and_then(|state| state.planned_through),
        };
        (pass, edited)
    }

    /// The first day that was never planned.
    pub(super) fn first_new_day(&self) -> Date {
        let after = self
            .through
            .and_then(|day| day.tomorrow().ok())
            .unwrap_or(self.start);
        let from = after.max(self.start);
        // What an edit moves to days that are over isn't news, so there is no need to look there.
        if let (None, Some(before), true) = (
            self.through,
            self.planned_before,
            self.edits_rewrite_the_past(),
        ) {
            let never_planned = before.tomorrow().unwrap_or(before);
            return from.max(never_planned.min(self.earliest_not_too_late()));
        }
        from
    }

    /// The first day that is planned anew for those whose records changed.
    pub(super) fn first_changed_day(&self) -> Date {
        if self.is_on_the_calendar() {
            self.earliest_not_too_late().max(self.start)
        } else {
            self.start
        }
    }

    /// The last one: what was put back to a later day is as good as what is planned for today.
    pub(super) const fn last_changed_day(&self) -> Date {
        match self.rule.trigger {
            Trigger::Event(_) => Date::MAX,
            Trigger::Lapsed(_)
            | Trigger::Usage(_)
            | Trigger::Anniversary(_)
            | Trigger::Date(_)
            | Trigger::Holiday(_)
            | Trigger::Fixed(_) => self.horizon,
        }
    }

    /// Whom new days may concern.
    pub(super) const fn whom(&self) -> Whom {
        if self.through.is_none() {
            Whom::All
        } else {
            Whom::Due
        }
    }
}

/// The day on which the rule was first seen: today, if it wasn't before.
pub(super) fn first_day(house: &House, state: Option<&RuleState>, now: Timestamp) -> Date {
    state
        .filter(|state| has_begun(state, furthest_day(now)))
        .map_or_else(|| house.today(now), |state| state.first_day)
}

/// Whether what was planned no longer counts: the rule was edited, or its file was away, and nobody
/// looked at whose records changed meanwhile.
fn starts_over(state: &RuleState, rule: &Rule) -> bool {
    state.version != rule.version || state.written.is_none()
}

/// A rule that began on a day to come did so by a wrong clock, and begins anew.
fn has_begun(state: &RuleState, horizon: Date) -> bool {
    state.first_day <= horizon
}
