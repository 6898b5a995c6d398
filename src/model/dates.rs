//! Dates as businesses keep them: with or without a year, and moments given as a bare day.
//!
//! May not know what day it is.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Period;

/// A leap year, so that a year-less 29 February is valid.
const A_LEAP_YEAR: i16 = 2000;

/// Day number 0.
const EPOCH: Date = Date::constant(1970, 1, 1);

/// A calendar date whose year may be unknown, such as a birthday. Always a real date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartialDate {
    year: Option<i16>,
    month: i8,
    day: i8,
}

impl PartialDate {
    /// `None` unless the date exists (29 February without a year does).
    pub fn new(year: Option<i16>, month: i8, day: i8) -> Option<Self> {
        Date::new(year.unwrap_or(A_LEAP_YEAR), month, day).ok()?;
        Some(Self { year, month, day })
    }

    /// The year, where it is known.
    pub const fn year(self) -> Option<i16> {
        self.year
    }

    /// 1 to 12.
    pub const fn month(self) -> i8 {
        self.month
    }

    /// 1 to 31.
    pub const fn day(self) -> i8 {
        self.day
    }

    /// The full date, where the year is known.
    pub fn full(self) -> Option<Date> {
        Date::new(self.year?, self.month, self.day).ok()
    }

    /// Whether it is a 29 February.
    pub const fn is_leap_day(self) -> bool {
        self.month == 2 && self.day == 29
    }
}

impl From<Date> for PartialDate {
    fn from(date: Date) -> Self {
        Self {
            year: Some(date.year()),
            month: date.month(),
            day: date.day(),
        }
    }
}

impl fmt::Display for PartialDate {
    /// `1987-04-23`, or `--04-23` without a year (as in vCard, RFC 6350 §4.3.1).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.year {
            Some(year) => write!(f, "{year:04}-{:02}-{:02}", self.month, self.day),
            None => write!(f, "--{:02}-{:02}", self.month, self.day),
        }
    }
}

/// A text that isn't a [`PartialDate`] as it displays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a date of the form 1987-04-23 or --04-23")]
pub struct NotADate;

impl FromStr for PartialDate {
    type Err = NotADate;

    /// Reads back what `Display` writes.
    ///
    /// # Errors
    /// [`NotADate`] for everything else.
    fn from_str(text: &str) -> Result<Self, NotADate> {
        if let Some(rest) = text.strip_prefix("--") {
            let (month, day) = rest.split_once('-').ok_or(NotADate)?;
            let month = month.parse().map_err(|_| NotADate)?;
            let day = day.parse().map_err(|_| NotADate)?;
            return Self::new(None, month, day).ok_or(NotADate);
        }
        text.parse::<Date>().map(Self::from).map_err(|_| NotADate)
    }
}

/// Reads `2026-12-01` as people write it into their own files.
///
/// # Errors
/// A sentence that says what is accepted, or that there is no such day.
pub fn civil_date(text: &str) -> Result<Date, String> {
    // jiff would take the date out of a whole timestamp, and drop the rest unsaid.
    let form = "2026-12-01";
    let looks_right = text.len() == form.len()
        && text.bytes().zip(form.bytes()).all(|(given, model)| {
            if model == b'-' {
                given == b'-'
            } else {
                given.is_ascii_digit()
            }
        });
    if !looks_right {
        return Err(format!(
            "`{text}` is no date; write year, month and day such as `{form}`"
        ));
    }
    text.parse()
        .map_err(|_| format!("there is no `{text}` in the calendar; look at the day and the month"))
}

/// When something happened: an instant, or a whole civil day (in the customer's own zone).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum When {
    /// A bare date: the whole civil day, from its first moment.
    Day(Date),
    /// A moment.
    Instant(Timestamp),
}

impl When {
    /// The civil day on which it happened, in the customer's zone.
    pub fn civil_day(self, zone: &TimeZone) -> Date {
        match self {
            Self::Day(day) => day,
            Self::Instant(at) => zone.to_datetime(at).date(),
        }
    }
}

/// Whole civil days from one date to another.
pub fn days_between(from: Date, to: Date) -> i32 {
    from.until(to).map_or(0, |span| span.get_days())
}

/// Whole days since 1970-01-01.
pub fn day_number(day: Date) -> i32 {
    days_between(EPOCH, day)
}

/// The day with this number; `None` outside the calendar's range.
pub fn numbered_day(number: i32) -> Option<Date> {
    Period::Days(number).from_date(EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_is_optional_and_dates_are_real() {
        assert!(PartialDate::new(None, 2, 29).is_some());
        assert!(PartialDate::new(Some(2023), 2, 29).is_none());
        assert!(PartialDate::new(None, 4, 31).is_none());
        for text in ["1987-04-23", "--02-29"] {
            assert_eq!(text.parse::<PartialDate>().unwrap().to_string(), text);
        }
        assert!("23/04".parse::<PartialDate>().is_err());
    }

    #[test]
    fn only_one_day_is_a_leap_day() {
        let is_leap_day = |month, day| PartialDate::new(None, month, day).unwrap().is_leap_day();
        assert!(is_leap_day(2, 29));
        assert!(!is_leap_day(2, 28) && !is_leap_day(3, 29));
    }

    #[test]
    fn a_civil_date_is_written_in_one_form() {
        assert_eq!(civil_date("2028-02-29").unwrap().to_string(), "2028-02-29");
        for bad in [
            "",
            "2027-02-29",
            "2027-13-01",
            "2027-5-2",
            "02/05/2027",
            "20270502",
            "2027-05-02T09:00",
            "+27-05-020",
            "2027–05–02",
        ] {
            assert!(civil_date(bad).is_err(), "{bad}");
        }
    }
}
