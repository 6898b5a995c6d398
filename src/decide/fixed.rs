//! `fixed`: the same dates for everybody.
//!
//! Whoever can't be written to has no part in it: a date that isn't the customer's own is no
//! occasion of theirs. May not know gates.

use jiff::civil::Date;

use super::calendar::Desk;
use crate::model::{Occasion, Reason};

pub(super) fn occasions(desk: &Desk<'_>, on: &[Date], (from, to): (Date, Date)) -> Vec<Occasion> {
    if desk.view.customer.email.is_none() {
        return Vec::new();
    }
    on.iter()
        .filter(|day| from <= **day && **day <= to)
        .filter_map(|day| desk.on_day(day.to_string(), *day, *day))
        .collect()
}

pub(super) fn withdrawn(on: &[Date], occasion: &Occasion) -> Option<Reason> {
    (!on.contains(&occasion.anchor)).then_some(Reason::RecordChanged)
}
