//! Lengths of time as people write them: `3 days`, `+1 month`, `2 hours`.
//!
//! Days and longer are civil; hours and minutes are exact. May not know a zone.

use std::fmt;

use jiff::civil::Date;
use jiff::{SignedDuration, Span};

/// The largest number accepted in front of a unit: a century of days.
const LARGEST: i64 = 36_525;

/// A length of time, negative for "before".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// Civil days, counted on the calendar.
    Days(i32),
    /// Civil months: one month after 31 January is the last day of February.
    Months(i32),
    /// Exact time in minutes.
    Minutes(i64),
}

impl Period {
    /// Reads `3 days`, `-1 week`, `+2 months`, `1 year`, `90 minutes`, `2 hours`.
    ///
    /// # Errors
    /// A sentence that says what is accepted.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wanted = || {
            format!(
                "`{text}` is no length of time; write a number and a unit: minutes, hours, days, weeks, months or years, such as `3 days`"
            )
        };
        let mut words = text.split_whitespace();
        let (Some(number), Some(unit), None) = (words.next(), words.next(), words.next()) else {
            return Err(wanted());
        };
        let n: i64 = number.parse().map_err(|_| wanted())?;
        if !(-LARGEST..=LARGEST).contains(&n) {
            return Err(format!("`{text}` is too long; at most {LARGEST} of a unit"));
        }
        let small = i32::try_from(n).map_err(|_| wanted())?;
        Ok(match unit.strip_suffix('s').unwrap_or(unit) {
            "minute" => Self::Minutes(n),
            "hour" => Self::Minutes(n * 60),
            "day" => Self::Days(small),
            "week" => Self::Days(small * 7),
            "month" => Self::Months(small),
            "year" => Self::Months(small * 12),
            _ => return Err(wanted()),
        })
    }

    /// Whether it lies before: `-7 days`.
    pub const fn is_negative(self) -> bool {
        match self {
            Self::Days(n) | Self::Months(n) => n < 0,
            Self::Minutes(n) => n < 0,
        }
    }

    /// Whether it is no time at all: `0 days`.
    pub const fn is_zero(self) -> bool {
        match self {
            Self::Days(n) | Self::Months(n) => n == 0,
            Self::Minutes(n) => n == 0,
        }
    }

    /// The civil date this far from `date`; an exact period leaves the date. `None` outside the
    /// calendar's range.
    pub fn from_date(self, date: Date) -> Option<Date> {
        let span = match self {
            Self::Days(n) => Span::new().try_days(n).ok()?,
            Self::Months(n) => Span::new().try_months(n).ok()?,
            Self::Minutes(_) => return Some(date),
        };
        date.checked_add(span).ok()
    }

    /// The exact length, where it is one.
    pub const fn exact(self) -> Option<SignedDuration> {
        match self {
            Self::Minutes(n) => Some(SignedDuration::from_mins(n)),
            Self::Days(_) | Self::Months(_) => None,
        }
    }

    /// The least and the most civil days between a date and the date this far from it, negative
    /// for before: for bounds of queries.
    pub fn days_between(self) -> (i32, i32) {
        match self {
            Self::Days(n) => (n, n),
            Self::Months(n) => {
                let (years, months) = (n.abs() / 12, n.abs() % 12);
                let least = years * 365 + months * 28;
                let most = years * 366 + months * 31;
                if n < 0 {
                    (-most, -least)
                } else {
                    (least, most)
                }
            }
            Self::Minutes(n) => {
                let days = n.div_euclid(24 * 60);
                let days = i32::try_from(days).unwrap_or(i32::MAX / 2);
                (days, days.saturating_add(1))
            }
        }
    }

    /// The most civil days it can span, with its sign: for bounds of queries.
    pub fn days_at_most(self) -> i32 {
        match self {
            Self::Days(n) => n,
            Self::Months(n) => n * 31,
            Self::Minutes(n) => {
                i32::try_from(n / (24 * 60)).unwrap_or(i32::MAX / 2) + i32::from(n > 0)
            }
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n, unit) = match *self {
            Self::Days(n) => (i64::from(n), "day"),
            Self::Months(n) => (i64::from(n), "month"),
            Self::Minutes(n) if n % 60 == 0 && n != 0 => (n / 60, "hour"),
            Self::Minutes(n) => (n, "minute"),
        };
        write!(f, "{n} {unit}{}", if n.abs() == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_people_write() {
        assert_eq!(Period::parse("3 days"), Ok(Period::Days(3)));
        assert_eq!(Period::parse("-2 weeks"), Ok(Period::Days(-14)));
        assert_eq!(Period::parse("+1 year"), Ok(Period::Months(12)));
        assert_eq!(Period::parse("2 hours"), Ok(Period::Minutes(120)));
        for bad in [
            "",
            "3",
            "days",
            "three days",
            "3 fortnights",
            "3 days ago",
            "9999999 days",
            "36526 days",
            "-36526 days",
            // No number has its opposite further out than this one.
            "-9223372036854775808 days",
        ] {
            assert!(Period::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Period::parse("36525 days"), Ok(Period::Days(36_525)));
        assert_eq!(Period::parse("-36525 days"), Ok(Period::Days(-36_525)));
    }

    #[test]
    fn is_written_in_the_largest_unit_that_says_it() {
        for (period, text) in [
            (Period::Days(1), "1 day"),
            (Period::Days(-7), "-7 days"),
            (Period::Months(12), "12 months"),
            (Period::Minutes(0), "0 minutes"),
            (Period::Minutes(90), "90 minutes"),
            (Period::Minutes(60), "1 hour"),
            (Period::Minutes(-120), "-2 hours"),
        ] {
            assert_eq!(period.to_string(), text);
        }
    }

    #[test]
    fn before_is_less_than_nothing() {
        assert!(Period::Days(-1).is_negative() && Period::Minutes(-1).is_negative());
        assert!(!Period::Days(0).is_negative() && !Period::Minutes(0).is_negative());
    }

    /// Wider bounds would find the same people, and read more.
    #[test]
    fn bounds_are_as_narrow_as_they_can_be() {
        /// Of all days that there are numbers for: sums with it stay in range.
        const HALF: i32 = i32::MAX / 2;
        for (period, between, at_most) in [
            (Period::Days(5), (5, 5), 5),
            (Period::Months(0), (0, 0), 0),
            (Period::Months(2), (56, 62), 62),
            (Period::Months(-1), (-31, -28), -31),
            (Period::Months(26), (786, 794), 806),
            (Period::Minutes(0), (0, 1), 0),
            (Period::Minutes(1), (0, 1), 1),
            (Period::Minutes(1_440), (1, 2), 2),
            (Period::Minutes(4_000), (2, 3), 3),
            (Period::Minutes(-1_440), (-1, 0), -1),
            (Period::Minutes(-1_441), (-2, -1), -1),
            (Period::Minutes(i64::MAX), (HALF, HALF + 1), HALF + 1),
        ] {
            assert_eq!(period.days_between(), between, "{period}");
            assert_eq!(period.days_at_most(), at_most, "{period}");
        }
    }

    #[test]
    fn months_end_on_the_last_day() {
        let date = "2027-01-31".parse().unwrap();
        assert_eq!(
            Period::Months(1).from_date(date).unwrap().to_string(),
            "2027-02-28"
        );
        assert_eq!(
            Period::Days(-31).from_date(date).unwrap().to_string(),
            "2026-12-31"
        );
    }

    proptest! {
        /// A query that reckons with these bounds misses nobody: not the 28 days of "a month
        /// before 1 March", nor the 365 of "a year before".
        #[test]
        fn the_days_of_a_period_lie_within_its_bounds(start in 0_i32..40_000, n in -300_i32..300) {
            let start = Period::Days(start).from_date(date(1950, 1, 1)).unwrap();
            for period in [Period::Days(n), Period::Months(n)] {
                let end = period.from_date(start).unwrap();
                let days = start.until(end).unwrap().get_days();
                let (least, most) = period.days_between();
                prop_assert!(least <= days && days <= most, "{start} {period}: {days}");
            }
        }
    }
}
