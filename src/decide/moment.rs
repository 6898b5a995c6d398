//! The first moment at which quiet hours, days and caps all let a message through.

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::calendar::instant;
use super::caps;
use super::gate::Case;
use crate::model::Reason;
use crate::model::policy::{Audience, QuietHours};
use crate::rules::Rule;

/// Steps from obstacle to obstacle before we give up; a year of days, and some.
const MOST_STEPS: usize = 400;

/// `None` when now is fine; otherwise when, and the first obstacle.
pub(super) fn next_allowed(case: &Case<'_>, rule: &Rule) -> Option<(Timestamp, Reason)> {
    let (mut at, first) = obstacle(case, rule, case.now)?;
    for _ in 0..MOST_STEPS {
        match obstacle(case, rule, at) {
            Some((later, _)) => at = later,
            None => return Some((at, first)),
        }
    }
    Some((Timestamp::MAX, first))
}

/// The first thing in the way at this moment, and when it is over.
fn obstacle(case: &Case<'_>, rule: &Rule, at: Timestamp) -> Option<(Timestamp, Reason)> {
    if let Some(end) = case
        .policy
        .quiet
        .and_then(|quiet| quiet_until(quiet, reader_zone(case), at))
    {
        return Some((end, Reason::QuietHours));
    }
    if let Some(day) = other_day(rule, case.zone, at) {
        return Some((day, Reason::NotThisDay));
    }
    caps::free_again(case, at).map(|free| (free, Reason::Capped))
}

/// Where the recipient lives; staff and owner are taken to live where the business is.
fn reader_zone<'a>(case: &'a Case<'_>) -> &'a TimeZone {
    match case.audience {
        Audience::Customer => &case.view.zone,
        Audience::Staff | Audience::Owner => &case.policy.zone,
    }
}

/// When the quiet hours end, on the recipient's wall clock, if it is within them.
fn quiet_until(quiet: QuietHours, zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
    let local = zone.to_datetime(at);
    let time = local.time();
    let over_midnight = quiet.from > quiet.until;
    let is_quiet = if over_midnight {
        time >= quiet.from || time < quiet.until
    } else {
        time >= quiet.from && time < quiet.until
    };
    if !is_quiet {
        return None;
    }
    let ends_tomorrow = over_midnight && time >= quiet.from;
    let day = if ends_tomorrow {
        local.date().tomorrow().ok()?
    } else {
        local.date()
    };
    // A zone may turn its clock back into the quiet hours; then they simply come again.
    instant(day, quiet.until, zone).filter(|end| *end > at)
}

/// The rule's hour on the next allowed day, unless today is one.
fn other_day(rule: &Rule, zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
    let today = zone.to_datetime(at).date();
    let allowed = |day: jiff::civil::Date| rule.send.days.contains(&day.weekday());
    if allowed(today) {
        return None;
    }
    let mut day = today;
    for _ in 0..7 {
        day = day.tomorrow().ok()?;
        if allowed(day) {
            let time: Time = rule.send.at;
            return instant(day, time, zone).filter(|start| *start > at);
        }
    }
    None
}
