//! The moments that a schedule names, in UTC.
//!
//! The schedule is read by the library that the scheduler itself uses. May not know the time.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// Days that are looked through: a schedule for 29 February comes once in eight years at worst.
const MOST_DAYS: i32 = 366 * 8 + 2;
/// Seconds of a day.
const DAY: u32 = 86_400;

/// A schedule.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Calendar(Cron);

impl Calendar {
    /// Of six fields, as the settings check them; `None` for anything else.
    pub(in crate::engine) fn new(schedule: &str) -> Option<Self> {
        let parser = CronParser::builder()
            .seconds(Seconds::Required)
            .year(Year::Disallowed)
            // As the scheduler has it: the day of the month and the weekday must both fit.
            .dom_and_dow(true)
            .build();
        parser.parse(schedule).ok().map(Self)
    }

    /// The last moment that is this one or earlier.
    pub(super) fn last_by(&self, now: Timestamp) -> Option<Timestamp> {
        let at = TimeZone::UTC.to_datetime(now);
        let mut day = at.date();
        let mut most = second_of(at.time());
        for _ in 0..MOST_DAYS {
            if self.has(day)
                && let Some(second) = self.seconds(0..=most).next_back()
            {
                return moment(day, second);
            }
            day = day.checked_sub(1.day()).ok()?;
            most = DAY - 1;
        }
        None
    }

    /// The first moment after this one.
    pub(in crate::engine) fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let at = TimeZone::UTC.to_datetime(now);
        let mut day = at.date();
        let mut least = second_of(at.time()) + 1;
        for _ in 0..MOST_DAYS {
            if self.has(day)
                && let Some(second) = self.seconds(least..=DAY - 1).next()
            {
                return moment(day, second);
            }
            day = day.checked_add(1.day()).ok()?;
            least = 0;
        }
        None
    }

    fn has(&self, day: Date) -> bool {
        let pattern = &self.0.pattern;
        let month = u32::from(day.month().unsigned_abs());
        let number = u32::from(day.day().unsigned_abs());
        pattern.month_match(month).unwrap_or(false)
            && pattern
                .day_match(day.year().into(), month, number)
                .unwrap_or(false)
    }

    /// The seconds of a day, from its beginning, that the schedule names.
    fn seconds(
        &self,
        range: std::ops::RangeInclusive<u32>,
    ) -> impl DoubleEndedIterator<Item = u32> {
        let pattern = &self.0.pattern;
        range.filter(move |second| {
            let fits = |fits: Result<bool, _>| fits.unwrap_or(false);
            fits(pattern.hour_match(second / 3_600))
                && fits(pattern.minute_match(second / 60 % 60))
                && fits(pattern.second_match(second % 60))
        })
    }
}

fn second_of(time: jiff::civil::Time) -> u32 {
    let [hour, minute, second] =
        [time.hour(), time.minute(), time.second()].map(|part| u32::from(part.unsigned_abs()));
    hour * 3_600 + minute * 60 + second
}

fn moment(day: Date, second: u32) -> Option<Timestamp> {
    let midnight = TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()?;
    midnight.checked_add(i64::from(second).seconds()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_moments_before_and_after_are_found() {
        for (schedule, now, last, next) in [
            // Mondays at seven.
            (
                "0 0 7 * * Mon",
                "2026-11-30T07:00:00Z",
                "2026-11-30T07:00:00Z",
                "2026-12-07T07:00:00Z",
            ),
            (
                "0 0 7 * * Mon",
                "2026-11-30T06:59:59Z",
                "2026-11-23T07:00:00Z",
                "2026-11-30T07:00:00Z",
            ),
            // Every two seconds.
            (
                "*/2 * * * * *",
                "2026-11-30T00:00:01Z",
                "2026-11-30T00:00:00Z",
                "2026-11-30T00:00:02Z",
            ),
            // The last day of the month.
            (
                "30 15 6 L * *",
                "2027-02-28T06:15:29Z",
                "2027-01-31T06:15:30Z",
                "2027-02-28T06:15:30Z",
            ),
            (
                "0 0 0 29 2 *",
                "2026-11-30T00:00:00Z",
                "2024-02-29T00:00:00Z",
                "2028-02-29T00:00:00Z",
            ),
            // Both have to fit, as for the scheduler: the first Monday on a 1st.
            (
                "0 0 7 1 * Mon",
                "2026-12-01T00:00:00Z",
                "2026-06-01T07:00:00Z",
                "2027-02-01T07:00:00Z",
            ),
        ] {
            let calendar = Calendar::new(schedule).unwrap();
            assert_eq!(
                calendar.last_by(at(now)),
                Some(at(last)),
                "{schedule} {now}"
            );
            assert_eq!(calendar.next_after(at(now)), Some(at(next)), "{schedule}");
        }
        let never = Calendar::new("0 0 7 31 2 *").unwrap();
        assert_eq!(never.last_by(at("2026-11-30T00:00:00Z")), None);
        assert_eq!(never.next_after(at("2026-11-30T00:00:00Z")), None);
        assert!(Calendar::new("Mondays only please").is_none());
    }
}
