//! `anniversary`: every year on a date of the customer's, with a stated 29 February.
//!
//! Every year is counted from the date itself, never from last year's anniversary, so nothing
//! drifts. May not know gates.

use jiff::civil::Date;

use super::calendar::Desk;
use crate::model::{AttrValue, Occasion, PartialDate, Period, Reason, View};
use crate::rules::{DateField, Feb29};

pub(super) fn occasions(
    desk: &Desk<'_>,
    field: &DateField,
    offset: Period,
    feb29: Feb29,
    (from, to): (Date, Date),
) -> Vec<Occasion> {
    let Some(date) = date_of(desk.view, field) else {
        return Vec::new();
    };
    // The anniversary lies about `offset` away from the due day, so look a year further both ways.
    let reach = i16::try_from(offset.days_at_most().abs() / 365).unwrap_or(0) + 1;
    let years = from.year().saturating_sub(reach)..=to.year().saturating_add(reach);
    years
        .filter_map(|year| {
            let anchor = in_year(date, year, feb29)?;
            let day = offset.from_date(anchor)?;
            if day < from || day > to {
                return None;
            }
            let mut occasion = desk.on_day(anchor.to_string(), anchor, day)?;
            occasion.years = date.year().map(|first| year - first);
            Some(occasion)
        })
        .collect()
}

pub(super) fn withdrawn(
    view: &View,
    field: &DateField,
    feb29: Feb29,
    occasion: &Occasion,
) -> Option<Reason> {
    let now = date_of(view, field).and_then(|date| in_year(date, occasion.anchor.year(), feb29));
    (now != Some(occasion.anchor)).then_some(Reason::RecordChanged)
}

fn date_of(view: &View, field: &DateField) -> Option<PartialDate> {
    match field {
        DateField::Birthday => view.customer.birthday,
        DateField::JoinedOn => view.customer.joined_on.map(PartialDate::from),
        DateField::Attr(name) => match view.customer.attrs.get(name)? {
            AttrValue::Date(date) => Some(*date),
            AttrValue::Text(_) | AttrValue::Number(_) | AttrValue::YesNo(_) => None,
        },
    }
}

/// This year's anniversary of a date. The day itself is none, nor is any year before it.
pub(super) fn in_year(date: PartialDate, year: i16, feb29: Feb29) -> Option<Date> {
    if date.year().is_some_and(|first| year <= first) {
        return None;
    }
    if let Ok(day) = Date::new(year, date.month(), date.day()) {
        return Some(day);
    }
    match feb29 {
        Feb29::Feb28 => Date::new(year, 2, 28).ok(),
        Feb29::Mar1 => Date::new(year, 3, 1).ok(),
        Feb29::Skip => None,
    }
}
