//! RULES DECIDE: which occasions are due, and what becomes of them.
//!
//! Pure: no I/O, no clock, no randomness, no settings; the time, the customer's view and the
//! business's policy are handed in. The planner, the sender and the rehearsal ask the same
//! functions.

#![warn(clippy::wildcard_enum_match_arm, clippy::float_arithmetic)]

pub mod ahead;
pub(crate) mod anniversary;
pub mod calendar;
mod caps;
pub mod complaint;
mod event;
pub mod explain;
pub(crate) mod fixed;
pub mod gate;
pub(crate) mod lapse;
mod moment;
pub mod past;
pub mod trust;
pub(crate) mod usage;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::model::occasion::Change;
use crate::model::{Occasion, Policy, Reason, View};
use crate::rules::{Rule, Trigger};

/// The occasions that this rule gives this customer on due days `from..=to` (in the send zone),
/// the earliest first.
///
/// Events ahead of an occasion's due moment don't count: it is told as it will look then if
/// nothing more happens. The same day may hold two, where a zone skipped a day.
pub fn occasions(rule: &Rule, view: &View, policy: &Policy, from: Date, to: Date) -> Vec<Occasion> {
    let desk = calendar::Desk::new(rule, view, policy);
    let mut found = match &rule.trigger {
        Trigger::Anniversary(trigger) => anniversary::occasions(&desk, trigger, (from, to)),
        Trigger::Date(trigger) => anniversary::once(&desk, trigger, (from, to))
            .into_iter()
            .collect(),
        Trigger::Event(trigger) => event::occasions(&desk, trigger, (from, to)),
        Trigger::Lapsed(trigger) => lapse::occasions(&desk, (trigger, policy), (from, to)),
        Trigger::Usage(trigger) => usage::occasions(&desk, trigger, (from, to)),
        Trigger::Holiday(trigger) => fixed::holidays(&desk, trigger, (from, to)),
        Trigger::Fixed(on) => fixed::occasions(&desk, on, (from, to)),
    };
    found.sort_by(|a, b| (a.due_at, &a.key).cmp(&(b.due_at, &b.key)));
    found
}

/// Why the records no longer give an occasion as it was planned, in this send zone, if they don't.
pub(crate) fn withdrawn(
    rule: &Rule,
    view: &View,
    occasion: &Occasion,
    zone: &TimeZone,
    now: Timestamp,
) -> Option<Reason> {
    match &rule.trigger {
        Trigger::Anniversary(trigger) => anniversary::withdrawn(view, trigger, occasion),
        Trigger::Date(trigger) => anniversary::once_withdrawn(view, trigger, occasion),
        Trigger::Event(trigger) => {
            let meant = event::meant(view, trigger, &rule.id);
            event::withdrawn(&meant, occasion, &view.zone, (zone, now))
        }
        Trigger::Lapsed(trigger) => lapse::withdrawn(view, trigger, occasion, now),
        Trigger::Usage(trigger) => usage::withdrawn(view, trigger, occasion),
        Trigger::Holiday(trigger) => fixed::holiday_withdrawn(trigger, occasion),
        Trigger::Fixed(on) => fixed::withdrawn(on, occasion),
    }
}

/// Where an occasion's key outlasts its day, as an event's does: the same one as the records give it
/// now. Another moment may be its due one; `None` where there is no such occasion any more.
pub(crate) fn as_it_is(
    rule: &Rule,
    view: &View,
    policy: &Policy,
    occasion: &Occasion,
) -> Option<Occasion> {
    match &rule.trigger {
        Trigger::Event(trigger) => {
            let desk = calendar::Desk::new(rule, view, policy);
            event::of_key(&desk, trigger, &occasion.key)
        }
        Trigger::Anniversary(_)
        | Trigger::Date(_)
        | Trigger::Lapsed(_)
        | Trigger::Usage(_)
        | Trigger::Holiday(_)
        | Trigger::Fixed(_) => None,
    }
}

/// What letters may say of a change in use: the figures of the occasion's window, as the records are
/// now. `None` for every other trigger.
pub(crate) fn change(rule: &Rule, view: &View, occasion: &Occasion) -> Option<Change> {
    match &rule.trigger {
        Trigger::Usage(trigger) => usage::change(view, trigger, occasion),
        Trigger::Anniversary(_)
        | Trigger::Date(_)
        | Trigger::Event(_)
        | Trigger::Lapsed(_)
        | Trigger::Holiday(_)
        | Trigger::Fixed(_) => None,
    }
}

#[cfg(test)]
mod tests;
