//! `anniversary` and `date`: what a date of the customer's own gives, every year or once.
//!
//! Every year is counted from the date itself, never from last year's anniversary, so nothing
//! drifts. May not know gates.

use jiff::civil::Date;

use super::calendar::Desk;
use crate::model::{AttrValue, Occasion, PartialDate, Reason, View};
use crate::rules::{Anniversary, DateField, Feb29, OnDate};

pub(super) fn occasions(
    desk: &Desk<'_>,
    trigger: &Anniversary,
    (from, to): (Date, Date),
) -> Vec<Occasion> {
    let Some(date) = date_of(desk.view, &trigger.field) else {
        return Vec::new();
    };
    // The anniversary lies about `offset` away from the due day, so look a year further both ways.
    let reach = i16::try_from(trigger.offset.days_at_most().abs() / 365).unwrap_or(0) + 1;
    let years = from.year().saturating_sub(reach)..=to.year().saturating_add(reach);
    years
        .filter_map(|year| {
            let anchor = in_year(date, year, trigger)?;
            let day = trigger.offset.from_date(anchor)?;
            if day < from || day > to {
                return None;
            }
            let mut occasion = desk.on_day(anchor.to_string(), anchor, day)?;
            occasion.years = date.year().map(|first| year - first);
            Some(occasion)
        })
        .collect()
}

pub(super) fn withdrawn(view: &View, trigger: &Anniversary, occasion: &Occasion) -> Option<Reason> {
    let date = date_of(view, &trigger.field);
    let now = date.and_then(|date| in_year(date, occasion.anchor.year(), trigger));
    (now != Some(occasion.anchor)).then_some(Reason::RecordChanged)
}

/// The one occasion around the date itself. A date without a year is on no day in particular.
pub(super) fn once(
    desk: &Desk<'_>,
    trigger: &OnDate,
    (from, to): (Date, Date),
) -> Option<Occasion> {
    let anchor = date_of(desk.view, &trigger.field)?.full()?;
    let day = trigger.offset.from_date(anchor)?;
    if day < from || day > to {
        return None;
    }
    desk.on_day(anchor.to_string(), anchor, day)
}

pub(super) fn once_withdrawn(view: &View, trigger: &OnDate, occasion: &Occasion) -> Option<Reason> {
    let now = date_of(view, &trigger.field).and_then(PartialDate::full);
    (now != Some(occasion.anchor)).then_some(Reason::RecordChanged)
}

/// The customer's date of this name, where they have one.
pub(crate) fn date_of(view: &View, field: &DateField) -> Option<PartialDate> {
    match field {
        DateField::Birthday => view.customer.birthday,
        DateField::JoinedOn => view.customer.joined_on.map(PartialDate::from),
        DateField::Attr(name) => match view.customer.attrs.get(name)? {
            AttrValue::Date(date) => Some(*date),
            AttrValue::Text(_) | AttrValue::Number(_) | AttrValue::YesNo(_) => None,
        },
    }
}

/// This year's anniversary of a date, where it is one of those that the rule is for. The day
/// itself is none, nor is any year before it; which one it is, isn't known without a year.
fn in_year(date: PartialDate, year: i16, trigger: &Anniversary) -> Option<Date> {
    let years = date.year().map(|first| year - first);
    if years.is_some_and(|years| years <= 0) {
        return None;
    }
    let wanted = &trigger.years;
    if !wanted.is_empty() && !years.is_some_and(|years| wanted.contains(&years)) {
        return None;
    }
    if let Ok(day) = Date::new(year, date.month(), date.day()) {
        return Some(day);
    }
    match trigger.feb29 {
        Feb29::Feb28 => Date::new(year, 2, 28).ok(),
        Feb29::Mar1 => Date::new(year, 3, 1).ok(),
        Feb29::Skip => None,
    }
}
