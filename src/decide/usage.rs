//! `usage`: a good deal less than usual, or a good deal more.
//!
//! Everything is told on the customer's own civil days. On day T, the *window* is the days from
//! T − window to T − 1, the *base* the days from T − window − versus to the day before the window,
//! and *usual* is the base scaled to the window's length. Only days that are over are added up, so
//! what lies ahead is never seen. Events without the measured number (an `amount`, a `quantity`)
//! are passed over as if they weren't there.
//!
//! The change is *reached* on T when
//! - the first event that counts lies on the base's first day or before it,
//! - amounts in window and base are of one currency,
//! - usual is more than nothing and at least `min_base`,
//! - the window lies as far from usual as `change` says, or farther, and
//! - where a year more of history is there, so it does when seen against last year's season: the
//!   same sums are made for the days 364 days earlier (52 weeks, so that Mondays meet Mondays), and
//!   window/usual now, divided by window/usual then, must be as far from 1. Last year has no say
//!   where its usual was too little as well, or in several currencies. Where a fall is looked for
//!   and last year's same days brought nothing, the season explains it all. What the season has
//!   explained stays explained when last year runs out of figures, until the change is over.
//!
//! The occasion exists on the first day on which it is reached; then not again until it hasn't
//! been reached for at least a day, nor within `window` days, so that no two windows that are told
//! of share a day. All this follows from the whole history, so any stretch of days can be asked for.
//!
//! Whole numbers only, in ten-thousandths. May not know gates.

mod tally;

use jiff::Timestamp;
use jiff::civil::Date;

use super::calendar::Desk;
use crate::model::occasion::Change;
use crate::model::{Occasion, Reason, View};
use crate::rules::Usage;

pub(crate) use tally::SEASON_DAYS;
pub(super) use tally::{Standing, Sums, Tally, amount, back, reach};

/// A send zone's civil day is at most this many behind a customer's.
const MOST_BEHIND: i32 = 2;

pub(super) fn occasions(
    desk: &Desk<'_>,
    trigger: &Usage,
    (from, to): (Date, Date),
) -> Vec<Occasion> {
    let tally = Tally::new(desk.view, trigger);
    tally
        .told_days(trigger)
        .into_iter()
        .take_while(|day| *day <= to)
        .filter_map(|day| occasion(desk, trigger, day))
        .filter(|occasion| from <= occasion.day && occasion.day <= to)
        .collect()
}

/// The occasion of a customer's day: due on that date in the send zone, or on the first one after
/// it whose hour comes when the window's last day is over where the customer lives.
fn occasion(desk: &Desk<'_>, trigger: &Usage, day: Date) -> Option<Occasion> {
    let anchor = back(day, trigger.window_days)?;
    let over = start_of(desk.view, day);
    (0..=MOST_BEHIND)
        .filter_map(|later| back(day, -later))
        .filter_map(|due| desk.on_day(anchor.to_string(), anchor, due))
        .find(|occasion| occasion.due_at >= over)
}

/// The first instant of a day where the customer lives.
fn start_of(view: &View, day: Date) -> Timestamp {
    let zone = &view.zone;
    zone.to_timestamp(day.at(0, 0, 0, 0))
        .unwrap_or(Timestamp::MAX)
}

/// The occasion's day on the customer's calendar: the one after its window.
pub(super) fn day_after_window(trigger: &Usage, occasion: &Occasion) -> Option<Date> {
    back(occasion.anchor, -trigger.window_days)
}

pub(super) fn withdrawn(view: &View, trigger: &Usage, occasion: &Occasion) -> Option<Reason> {
    let tally = Tally::new(view, trigger);
    let day = day_after_window(trigger, occasion);
    let still = day.is_some_and(|day| tally.reached(trigger, day));
    (!still).then_some(Reason::RecordChanged)
}

/// How much it was against what is usual, for letters.
pub(super) fn change(view: &View, trigger: &Usage, occasion: &Occasion) -> Option<Change> {
    let tally = Tally::new(view, trigger);
    let day = day_after_window(trigger, occasion)?;
    let Standing::Compared { now, .. } = tally.standing(trigger, day) else {
        return None;
    };
    Some(Change {
        used: amount(now.used)?,
        usual: now.usual(trigger)?,
        percent: i64::try_from(now.hundredths(trigger)? / 100).ok()?,
        days: trigger.window_days,
    })
}
