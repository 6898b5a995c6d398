//! A virtual clock that jumps from one moment at which something may happen to the next.
//!
//! What is rehearsed and what is forecast are passes of the engine itself, so they can't differ
//! from what is sent. One worker does everything in order. May not open, copy or remove a store.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::tick::{Pass, tick};
use super::{EngineError, House, Report, learn};
use crate::decide::ahead::next_look;

/// The planner looks ahead when a civil day begins somewhere (UTC+14, so 10:00 UTC).
const NEXT_DAY_BEGINS: SignedDuration = SignedDuration::from_hours(10);
/// One civil day in UTC.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A stretch of time, its end not included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The first moment.
    pub from: Timestamp,
    /// The moment at which it ends.
    pub until: Timestamp,
    /// Times within it during which nobody looks, as if fondly were switched off: from the first
    /// moment until before the second. In order, and apart from each other.
    pub away: Vec<(Timestamp, Timestamp)>,
}

impl Stretch {
    /// The moment itself, or the one at which somebody is back.
    fn awake(&self, at: Timestamp) -> Timestamp {
        let mut away = self.away.iter();
        away.find(|(from, until)| *from <= at && at < *until)
            .map_or(at, |(_, until)| *until)
    }
}

/// Jumps from moment to moment. The house's clock has to be a manual one.
pub(super) async fn walk(
    house: &Arc<House>,
    stretch: &Stretch,
    progress: &impl Fn(Timestamp),
) -> Result<Report, EngineError> {
    let stop = CancellationToken::new();
    let mut house = Arc::clone(house);
    let mut learnt_on = None;
    let mut total = Report::default();
    let mut now = stretch.awake(stretch.from);
    while now < stretch.until {
        house.clock.set(now);
        progress(now);
        let today = house.today(now);
        if learnt_on.replace(today) != Some(today)
            && let Some(fresh) = learn::refresh(&house, now).await?
        {
            house = Arc::new(fresh);
        }
        let pass = Pass {
            sync: false,
            workers: Some(1),
        };
        total.add(tick(&house, pass, &stop).await?);
        let next = next_day(now);
        let due = house.store.next_due().await?.map_or(next, next_look);
        // What is due already and yet waits (a failing disk, say) is looked at with the next day.
        now = stretch.awake(if due > now { due.min(next) } else { next });
    }
    Ok(total)
}

/// The next moment at which the planner's horizon moves.
fn next_day(now: Timestamp) -> Timestamp {
    let day = i64::try_from(DAY.as_millis()).unwrap_or(i64::MAX);
    let begun = now.as_millisecond() - i64::try_from(NEXT_DAY_BEGINS.as_millis()).unwrap_or(0);
    let left = day - begun.rem_euclid(day);
    now.checked_add(SignedDuration::from_millis(left))
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_look_is_at_a_whole_minute_with_somebody_there() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let stretch = Stretch {
            from: at("2027-01-01T00:00:00Z"),
            until: at("2027-02-01T00:00:00Z"),
            away: vec![(at("2027-01-05T00:00:00Z"), at("2027-01-08T00:00:00Z"))],
        };
        let (before, within) = (at("2027-01-04T23:59:59Z"), at("2027-01-05T00:00:00Z"));
        assert_eq!(stretch.awake(before), before);
        assert_eq!(stretch.awake(within), at("2027-01-08T00:00:00Z"));
        assert_eq!(next_look(before), within);
        assert_eq!(next_look(within), within);
        assert_eq!(next_day(before), at("2027-01-05T10:00:00Z"));
        assert_eq!(
            next_day(at("2027-01-05T10:00:00Z")),
            at("2027-01-06T10:00:00Z")
        );
    }
}
