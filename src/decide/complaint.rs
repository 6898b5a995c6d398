//! Complaints: whether one is open, and since when.
//!
//! Days and moments are both on record. A closing that was written down as a bare date closed something
//! on that day: what was open when it began or, if nothing was, the first complaint that came up on it.
//! Who complains again later on the same day, at a time that is known, isn't silenced by it: in doubt
//! nothing goes out. May not know what an open complaint means for a letter.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::model::event::{COMPLAINT_CLOSED, COMPLAINT_OPENED};
use crate::model::view::moment;
use crate::model::{Event, View, When};

/// One civil day's complaints.
#[derive(Debug, Default)]
struct Day {
    /// When it begins, if a complaint came up on it of which only the day is known.
    opens_at_some_time: Option<Timestamp>,
    /// What has a time; at the same moment, what opens before what closes.
    timed: Vec<(Timestamp, Step)>,
    /// Closings of which only the day is known.
    closings_at_some_time: usize,
}

/// What happens to complaints, in the order in which it counts at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Opens,
    Closes,
}

/// Since when a complaint of theirs is open, if one is, as far as it is seen by `now`.
pub fn complaint_since(view: &View, now: Timestamp) -> Option<Timestamp> {
    let mut days: BTreeMap<Date, Day> = BTreeMap::new();
    for event in &view.events {
        let Some(step) = step(event) else { continue };
        let at = moment(event, &view.zone);
        if at > now {
            continue;
        }
        let day = days.entry(event.at.civil_day(&view.zone)).or_default();
        match (step, event.at) {
            (Step::Opens, When::Day(_)) => day.opens_at_some_time = Some(at),
            (Step::Closes, When::Day(_)) => day.closings_at_some_time += 1,
            (_, When::Instant(at)) => day.timed.push((at, step)),
        }
    }
    let mut open = None;
    for mut day in days.into_values() {
        day.timed.sort_unstable();
        let mut closings = day.closings_at_some_time;
        let mut settle = |open: &mut Option<Timestamp>| {
            if open.is_some() && closings > 0 {
                (*open, closings) = (None, closings - 1);
            }
        };
        // Whatever else came up on a day of which no more is known is closed with it.
        open = day.opens_at_some_time.or(open);
        settle(&mut open);
        for (at, step) in day.timed {
            open = match step {
                Step::Opens => Some(at),
                Step::Closes => None,
            };
            settle(&mut open);
        }
    }
    open
}

/// Whether a closing on this civil day, of which only the day is known, was of another complaint than
/// the one that is open since a time on it.
pub(super) fn closed_another(view: &View, on: Date) -> bool {
    let mut events = view.events.iter();
    events.any(|event| event.kind == COMPLAINT_CLOSED && event.at == When::Day(on))
}

fn step(event: &Event) -> Option<Step> {
    match event.kind.as_str() {
        COMPLAINT_OPENED => Some(Step::Opens),
        COMPLAINT_CLOSED => Some(Step::Closes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::model::Customer;

    /// A customer with these complaints, told as `opened 2 10:00` or, for a bare date, `closed 2`; the
    /// days are those of March 2027 in Auckland.
    fn view(told: &[&str]) -> View {
        let zone = TimeZone::get("Pacific/Auckland").unwrap();
        let customer = Customer {
            id: "ann".to_owned(),
            ..Customer::default()
        };
        let mut view = View::new(customer, zone.clone(), "Pacific/Auckland");
        for one in told {
            let mut parts = one.split(' ');
            let kind = format!("complaint-{}", parts.next().unwrap());
            let day: i8 = parts.next().unwrap().parse().unwrap();
            let day = jiff::civil::date(2027, 3, day);
            let at = parts.next().map_or(When::Day(day), |time| {
                let time: jiff::civil::Time = time.parse().unwrap();
                When::Instant(zone.to_timestamp(day.to_datetime(time)).unwrap())
            });
            view.events.push(Event {
                id: (*one).to_owned(),
                customer_id: "ann".to_owned(),
                kind,
                at,
                amount: None,
                currency: None,
                quantity: None,
                attrs: BTreeMap::new(),
            });
        }
        view
    }

    /// Since when a complaint is open at the end of 5 March, if one is.
    fn since(told: &[&str]) -> Option<String> {
        let view = view(told);
        let now = view
            .zone
            .to_timestamp(jiff::civil::date(2027, 3, 5).at(23, 59, 0, 0));
        let since = complaint_since(&view, now.unwrap())?;
        let since = view.zone.to_datetime(since);
        Some(since.strftime("%-d %H:%M").to_string())
    }

    #[test]
    fn a_closing_that_bears_only_the_day_closes_what_came_up_on_it() {
        for closed in [
            &["opened 2 10:00", "closed 2"][..],
            &["opened 2", "closed 2"],
            &["opened 2", "closed 2 10:00"],
            &["opened 1", "closed 2"],
            &["opened 1 10:00", "closed 2"],
            // Late in the day, which is the day before where the clocks of the world begin.
            &["opened 2 23:59", "closed 2"],
            &["opened 1", "opened 2", "closed 2"],
            &["opened 2 00:00", "closed 2"],
            // Two came up, and two were closed.
            &["opened 2 10:00", "closed 2", "opened 2 15:00", "closed 2"],
            &["opened 1", "opened 2 10:00", "closed 2", "closed 2"],
            &["opened 1", "opened 2 10:00", "closed 2", "closed 2 11:00"],
            &["opened 1", "opened 2 10:00", "closed 2", "closed 3"],
            // Which of them stands first in the record says nothing.
            &["closed 2", "opened 2 10:00"],
            &["closed 1", "closed 3"],
        ] {
            assert_eq!(since(closed), None, "{closed:?}");
        }
    }

    #[test]
    fn what_is_known_to_have_come_up_later_stays_open() {
        for (open, at) in [
            (&["opened 3 10:00", "closed 2"][..], "3 10:00"),
            (&["opened 3", "closed 2"], "3 00:00"),
            (&["opened 3 00:00", "closed 2"], "3 00:00"),
            (&["opened 2 10:00", "closed 2 09:00"], "2 10:00"),
            // It closed the one before, or the first of the day.
            (&["opened 1", "closed 2", "opened 2 10:00"], "2 10:00"),
            (&["opened 2 10:00", "closed 2", "opened 2 15:00"], "2 15:00"),
            (&["opened 2", "closed 2", "opened 2 15:00"], "2 15:00"),
            (
                &["opened 2 10:00", "closed 2 11:00", "opened 2 15:00"],
                "2 15:00",
            ),
            (&["opened 2 10:00", "opened 2 15:00", "closed 2"], "2 15:00"),
            (&["closed 1", "opened 4 10:00"], "4 10:00"),
        ] {
            assert_eq!(since(open).as_deref(), Some(at), "{open:?}");
        }
    }

    #[test]
    fn what_lies_ahead_is_not_seen() {
        assert_eq!(since(&["opened 6"]), None);
        assert_eq!(since(&["opened 5", "closed 6"]).as_deref(), Some("5 00:00"));
        assert_eq!(since(&[]), None);
    }
}
