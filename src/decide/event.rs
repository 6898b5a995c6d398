//! `event`: so long after something happened.
//!
//! Days count from the event's civil date in the send zone; hours and minutes from its instant.
//! May not know gates.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::calendar::Desk;
use crate::model::occasion::stable_share;
use crate::model::view::moment;
use crate::model::{Event, Occasion, Period, Reason, View, When};
use crate::rules::{AfterEvent, Delay, Which};

pub(super) fn occasions(
    desk: &Desk<'_>,
    trigger: &AfterEvent,
    (from, to): (Date, Date),
) -> Vec<Occasion> {
    meant(desk.view, trigger, &desk.rule.id)
        .into_iter()
        .filter_map(|event| occasion(desk, event, trigger.delay))
        .filter(|occasion| from <= occasion.day && occasion.day <= to)
        .collect()
}

/// The events that the rule is for.
pub(super) fn meant<'a>(view: &'a View, trigger: &AfterEvent, rule: &str) -> Vec<&'a Event> {
    let of_kind = view.events.iter().filter(|e| e.kind == trigger.kind);
    let mut events: Vec<&Event> = of_kind.collect();
    let Which::Nth(n) = trigger.which else {
        return events;
    };
    events.sort_by_cached_key(|event| (moment(event, &view.zone), event.id.clone()));
    // Those that aren't kept any more came before all that are.
    let past = view.past.iter().filter(|past| past.kind == trigger.kind);
    let past: u32 = past.map(|past| past.number).sum();
    if past >= n {
        return Vec::new();
    }
    let before = usize::try_from(n - past)
        .unwrap_or(usize::MAX)
        .saturating_sub(1);
    let mut rest = events.into_iter().skip(before);
    let nth = rest.next();
    // Where an older event came to light after the rule had written about a later one, the n-th
    // was celebrated already.
    let celebrated = rest.any(|later| {
        let mut sent = view.sent.iter();
        sent.any(|sent| sent.rule == rule && sent.occasion == later.id)
    });
    nth.filter(|_| !celebrated).into_iter().collect()
}

fn occasion(desk: &Desk<'_>, event: &Event, delay: Delay) -> Option<Occasion> {
    let anchor = day_of(event, desk.zone);
    let mut occasion = match due(desk, event, delay, anchor)? {
        Due::After(exact) => {
            let at = moment(event, &desk.view.zone).checked_add(exact).ok()?;
            desk.at_instant(event.id.clone(), anchor, at)
        }
        Due::On(day) => desk.on_day(event.id.clone(), anchor, day)?,
    };
    // "At once" on a bare date or "0 days" at an hour before the event: due as soon as it is seen.
    occasion.due_at = occasion.due_at.max(moment(event, &desk.view.zone));
    occasion.event = Some(event.id.clone());
    Some(occasion)
}

/// When an event's occasion is due.
enum Due {
    On(Date),
    After(SignedDuration),
}

fn due(desk: &Desk<'_>, event: &Event, delay: Delay, anchor: Date) -> Option<Due> {
    let (low, high) = match delay {
        Delay::After(period) => (period, period),
        Delay::Between(low, high) => (low, high),
    };
    let draw = |count: i64| {
        let words = ["between", &desk.rule.id, &desk.view.customer.id, &event.id];
        drawn(&words, count)
    };
    Some(match (low, high) {
        (Period::Minutes(low), Period::Minutes(high)) => {
            Due::After(SignedDuration::from_mins(low + draw(high - low)))
        }
        (low, high) => {
            let (first, last) = (low.from_date(anchor)?, high.from_date(anchor)?);
            let days = i64::from(first.until(last).ok()?.get_days()).max(0);
            Due::On(Period::Days(i32::try_from(draw(days)).ok()?).from_date(first)?)
        }
    })
}

/// From 0 to `last`, each as likely as the others, and always the same for these words.
fn drawn(words: &[&str], last: i64) -> i64 {
    let (share, count) = (i128::from(stable_share(words)), i128::from(last) + 1);
    i64::try_from((share * count) >> 32).unwrap_or(0)
}

/// The occasion of this event, whenever it is due.
pub(super) fn of_key(desk: &Desk<'_>, trigger: &AfterEvent, key: &str) -> Option<Occasion> {
    let mut meant = meant(desk.view, trigger, &desk.rule.id).into_iter();
    let event = meant.find(|event| event.id == key)?;
    occasion(desk, event, trigger.delay)
}

/// Why an occasion isn't what was planned: its event isn't among those that are meant, is on another
/// day of the send zone, or lies ahead, so that nobody has seen it yet.
pub(super) fn withdrawn(
    meant: &[&Event],
    occasion: &Occasion,
    home: &TimeZone,
    (zone, now): (&TimeZone, Timestamp),
) -> Option<Reason> {
    let event = meant.iter().find(|event| event.id == occasion.key);
    let as_planned = event
        .is_some_and(|event| day_of(event, zone) == occasion.anchor && moment(event, home) <= now);
    (!as_planned).then_some(Reason::RecordChanged)
}

/// The civil day on which it happened, where the rule sends.
fn day_of(event: &Event, zone: &TimeZone) -> Date {
    match event.at {
        When::Day(day) => day,
        When::Instant(at) => zone.to_datetime(at).date(),
    }
}
