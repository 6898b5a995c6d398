//! The first moment at which quiet hours, days and caps all let a message through, today or on
//! another day.

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
///
/// A letter that waits for another day goes at the rule's hour; where that is after `end`, as early
/// on that day as it may.
pub(super) fn next_allowed(
    case: &Case<'_>,
    rule: &Rule,
    end: Timestamp,
) -> Option<(Timestamp, Reason)> {
    let (_, first) = obstacle(case, rule, (case.now, Some(rule.send.at)))?;
    let clear = |hour| clear_from(case, rule, (case.now, hour));
    Some((in_time(rule, end, clear), first))
}

/// The same for a letter that can't go today, by the business's calendar, any more.
pub(super) fn on_another_day(case: &Case<'_>, rule: &Rule, end: Timestamp) -> Timestamp {
    in_time(rule, end, |hour| {
        let start = match hour {
            Some(hour) => another_day(case, hour),
            None => tomorrow(case),
        };
        start.map_or(Timestamp::MAX, |at| clear_from(case, rule, (at, hour)))
    })
}

/// The moment for the rule's hour or, where that is after the end, as early as it may.
fn in_time(rule: &Rule, end: Timestamp, clear: impl Fn(Option<Time>) -> Timestamp) -> Timestamp {
    let wished = clear(Some(rule.send.at));
    if wished <= end {
        return wished;
    }
    clear(None)
}

/// The first moment of the business's next day.
fn tomorrow(case: &Case<'_>) -> Option<Timestamp> {
    let business = &case.policy.zone;
    let day = business.to_datetime(case.now).date().tomorrow().ok()?;
    instant(day, Time::midnight(), business)
}

/// This hour on the first day that isn't today at the business any more.
fn another_day(case: &Case<'_>, hour: Time) -> Option<Timestamp> {
    let business = &case.policy.zone;
    let today = business.to_datetime(case.now).date();
    let mut day = case.zone.to_datetime(case.now).date();
    // The send zone may be a day ahead or behind, and a zone may leave a day out.
    for _ in 0..4 {
        let later = |at: &Timestamp| business.to_datetime(*at).date() > today;
        if let Some(at) = instant(day, hour, case.zone).filter(later) {
            return Some(at);
        }
        day = day.tomorrow().ok()?;
    }
    None
}

/// The first moment from this one on at which nothing is in the way; the end of time if there is
/// none. A letter that waits for another day goes at this hour, or as early as it may.
fn clear_from(
    case: &Case<'_>,
    rule: &Rule,
    (mut at, hour): (Timestamp, Option<Time>),
) -> Timestamp {
    for _ in 0..MOST_STEPS {
        match obstacle(case, rule, (at, hour)) {
            Some((later, _)) => at = later,
            None => return at,
        }
    }
    Timestamp::MAX
}

/// The first thing in the way at this moment, and when it is over.
fn obstacle(
    case: &Case<'_>,
    rule: &Rule,
    (at, hour): (Timestamp, Option<Time>),
) -> Option<(Timestamp, Reason)> {
    if let Some(end) = case
        .policy
        .quiet
        .and_then(|quiet| quiet_until(quiet, reader_zone(case), at))
    {
        return Some((end, Reason::QuietHours));
    }
    if let Some(day) = other_day(rule, case.zone, (at, hour)) {
        return Some((day, Reason::NotThisDay));
    }
    caps::free_again(case, at, hour).map(|free| (free, Reason::Capped))
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
    let end = zone.to_ambiguous_timestamp(day.to_datetime(quiet.until));
    // A zone may turn its clock back into the quiet hours; then they come again, and end again.
    let first = end.compatible().ok().filter(|end| *end > at);
    first.or_else(|| end.later().ok().filter(|end| *end > at))
}

/// This hour (or the first moment) of the next allowed day, unless today is one.
fn other_day(
    rule: &Rule,
    zone: &TimeZone,
    (at, hour): (Timestamp, Option<Time>),
) -> Option<Timestamp> {
    let today = zone.to_datetime(at).date();
    let allowed = |day: jiff::civil::Date| rule.send.days.contains(&day.weekday());
    if allowed(today) {
        return None;
    }
    let mut day = today;
    for _ in 0..7 {
        day = day.tomorrow().ok()?;
        if allowed(day) {
            let hour = hour.unwrap_or(Time::midnight());
            return instant(day, hour, zone);
        }
    }
    None
}
