//! From a civil day to the instant at which a message is due, and back.
//!
//! The wall clock stays across DST: a time that doesn't exist moves forward, one that exists twice
//! is the first (jiff's "compatible", as RFC 5545 §3.3.5 has it). May not know triggers or gates.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::model::occasion::stable_share;
use crate::model::{Occasion, Period, Policy, View};
use crate::rules::{Rule, SendZone};

/// A rule and a customer with the zone in which the rule sends to them.
pub(crate) struct Desk<'a> {
    pub(crate) rule: &'a Rule,
    pub(crate) view: &'a View,
    /// The send zone.
    pub(crate) zone: &'a TimeZone,
    pub(crate) zone_name: &'a str,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(rule: &'a Rule, view: &'a View, policy: &'a Policy) -> Self {
        let (zone, zone_name) = match rule.send.zone {
            SendZone::Customer => (&view.zone, view.zone_name.as_str()),
            SendZone::Business => (&policy.zone, policy.zone_name.as_str()),
        };
        Self {
            rule,
            view,
            zone,
            zone_name,
        }
    }

    /// The occasion that is due on this civil day at the rule's `at`.
    pub(crate) fn on_day(&self, key: String, anchor: Date, day: Date) -> Option<Occasion> {
        let at = instant(day, self.rule.send.at, self.zone)?;
        Some(self.build(key, anchor, day, at))
    }

    /// The occasion that is due at this instant.
    pub(crate) fn at_instant(&self, key: String, anchor: Date, at: Timestamp) -> Occasion {
        self.build(key, anchor, self.zone.to_datetime(at).date(), at)
    }

    fn build(&self, key: String, anchor: Date, day: Date, at: Timestamp) -> Occasion {
        // At the end of time, where nothing is due any more, there is no later.
        let due_at = at.checked_add(self.spread(&key)).unwrap_or(at);
        Occasion {
            key,
            day,
            due_at,
            zone: self.zone_name.to_owned(),
            anchor,
            years: None,
            event: None,
        }
    }

    /// How much later within `spread`: drawn once per occasion, always the same.
    fn spread(&self, key: &str) -> jiff::SignedDuration {
        let seconds = u64::from(self.rule.send.spread_minutes) * 60;
        if seconds == 0 {
            return jiff::SignedDuration::ZERO;
        }
        let share = stable_share(&["spread", &self.rule.id, &self.view.customer.id, key]);
        let drawn = (u64::from(share) * seconds) >> 32;
        jiff::SignedDuration::from_secs(i64::try_from(drawn).unwrap_or(0))
    }
}

/// The instant of this wall-clock time on this civil day; `None` outside the calendar's range.
pub fn instant(day: Date, at: Time, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_timestamp(day.to_datetime(at)).ok()
}

/// The last instant at which a message is not too late.
///
/// `late` in days counts civil days from the day on which it came due, to the same wall-clock
/// time. That day is a later one than the occasion's where a spread leads over midnight, or where
/// the zone skipped the day. No days at all mean that day itself, to its last moment: a message is
/// never on its way in the very moment in which it is due.
pub fn deadline(late: Period, occasion: &Occasion, zone: &TimeZone) -> Timestamp {
    if let Some(exact) = late.exact() {
        return occasion.due_at.checked_add(exact).unwrap_or(Timestamp::MAX);
    }
    let due = zone.to_datetime(occasion.due_at);
    let day = due.date().max(occasion.day);
    if late.is_zero() {
        let over = day.tomorrow().ok();
        let over = over.and_then(|next| instant(next, Time::midnight(), zone));
        return over
            .and_then(|over| over.checked_sub(jiff::SignedDuration::from_millis(1)).ok())
            .map_or(Timestamp::MAX, |end| end.max(occasion.due_at));
    }
    late.from_date(day)
        .and_then(|day| instant(day, due.time(), zone))
        .map_or(Timestamp::MAX, |end| end.max(occasion.due_at))
}
