//! `event`: so long after something happened.
//!
//! Days count from the event's civil date in the send zone; hours and minutes from its instant.
//! May not know gates.

use jiff::civil::Date;

use super::calendar::Desk;
use crate::model::view::moment;
use crate::model::{Event, Occasion, Period, Reason, View, When};

pub(super) fn occasions(
    desk: &Desk<'_>,
    kind: &str,
    after: Period,
    (from, to): (Date, Date),
) -> Vec<Occasion> {
    desk.view
        .events
        .iter()
        .filter(|event| event.kind == kind)
        .filter_map(|event| occasion(desk, event, after))
        .filter(|occasion| from <= occasion.day && occasion.day <= to)
        .collect()
}

fn occasion(desk: &Desk<'_>, event: &Event, after: Period) -> Option<Occasion> {
    let anchor = match event.at {
        When::Day(day) => day,
        When::Instant(at) => desk.zone.to_datetime(at).date(),
    };
    let mut occasion = if let Some(exact) = after.exact() {
        let at = moment(event, &desk.view.zone).checked_add(exact).ok()?;
        desk.at_instant(event.id.clone(), anchor, at)
    } else {
        desk.on_day(event.id.clone(), anchor, after.from_date(anchor)?)?
    };
    // "At once" on a bare date or "0 days" at an hour before the event: due as soon as it is seen.
    occasion.due_at = occasion.due_at.max(moment(event, &desk.view.zone));
    occasion.event = Some(event.id.clone());
    Some(occasion)
}

pub(super) fn withdrawn(view: &View, kind: &str, occasion: &Occasion) -> Option<Reason> {
    let there = view
        .events
        .iter()
        .any(|event| event.kind == kind && event.id == occasion.key);
    (!there).then_some(Reason::RecordChanged)
}
