//! `fixed` and `holiday`: the same dates for everybody.
//!
//! Whoever can't be written to has no part in it: a date that isn't the customer's own is no
//! occasion of theirs. May not know gates.

use jiff::civil::Date;

use super::calendar::Desk;
use crate::model::policy::Audience;
use crate::model::{Occasion, Period, Reason};
use crate::rules::OnHoliday;

pub(super) fn occasions(desk: &Desk<'_>, on: &[Date], (from, to): (Date, Date)) -> Vec<Occasion> {
    if !has_reader(desk) {
        return Vec::new();
    }
    on.iter()
        .filter(|day| from <= **day && **day <= to)
        .filter_map(|day| desk.on_day(day.to_string(), *day, *day))
        .collect()
}

/// Whether there is somebody to read it; whether the owner has an address, the settings know.
fn has_reader(desk: &Desk<'_>) -> bool {
    match desk.rule.audience {
        Audience::Customer => desk.view.customer.email.is_some(),
        Audience::Staff => desk.view.customer.staff_email.is_some(),
        Audience::Owner => true,
    }
}

pub(super) fn withdrawn(on: &[Date], occasion: &Occasion) -> Option<Reason> {
    (!on.contains(&occasion.anchor)).then_some(Reason::RecordChanged)
}

pub(super) fn holidays(
    desk: &Desk<'_>,
    trigger: &OnHoliday,
    (from, to): (Date, Date),
) -> Vec<Occasion> {
    if !has_reader(desk) {
        return Vec::new();
    }
    due_days(trigger, from, to)
        .filter_map(|(holiday, day)| desk.on_day(holiday.to_string(), holiday, day))
        .collect()
}

/// The holidays that come due on these days, each with its due day.
pub(crate) fn due_days(
    trigger: &OnHoliday,
    from: Date,
    to: Date,
) -> impl Iterator<Item = (Date, Date)> {
    let (least, most) = trigger.offset.days_between();
    let back = |days: i32, day: Date| Period::Days(-days).from_date(day).unwrap_or(day);
    (back(most, from).year()..=back(least, to).year())
        .flat_map(|year| trigger.holiday.in_year(year))
        .filter_map(|holiday| Some((holiday, trigger.offset.from_date(holiday)?)))
        .filter(move |(_, day)| from <= *day && *day <= to)
}

pub(super) fn holiday_withdrawn(trigger: &OnHoliday, occasion: &Occasion) -> Option<Reason> {
    let days = trigger.holiday.in_year(occasion.anchor.year());
    withdrawn(&days, occasion)
}
