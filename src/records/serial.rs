//! A spreadsheet's number of days -> the day, or the moment, that it stands for.
//!
//! Spreadsheets count days from 1900, as if that year had had a 29 February, or from 1904. What
//! they disagree about is refused.

use jiff::civil::{Date, DateTime, Time, date};
use jiff::{SignedDuration, ToSpan as _};

/// Where a spreadsheet's count of days begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    /// Day 1 is 1 January 1900, as in most files.
    From1900,
    /// Day 0 is 1 January 1904, as in files of old Macs.
    From1904,
}

/// The first number in the system of 1900 that every program takes for the same day, 1 March 1900.
/// Below it `LibreOffice` is a day ahead of Excel, and 60 is a day that never was.
const FIRST_SURE: f64 = 61.0;
/// 31 December 9999, the last day that spreadsheets know.
const LAST: f64 = 2_958_465.0;
const MILLIS_A_DAY: f64 = 86_400_000.0;

/// A day, or a moment on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Serial {
    Day(Date),
    Local(DateTime),
}

/// Reads a number of days; its fraction is the time of day, to the millisecond.
pub(super) fn read(number: f64, system: System) -> Result<Serial, String> {
    let refused = |why: &str| Err(why.to_owned());
    if !number.is_finite() || !(0.0..=LAST + 1.0).contains(&number) {
        return refused("no day has such a number in a spreadsheet; mend it");
    }
    let start = match system {
        System::From1900 if number < 1.0 => {
            return refused("it is a time of day without a day; write the date");
        }
        System::From1900 if number < FIRST_SURE => {
            return refused(
                "spreadsheets disagree about days before 1 March 1900; write the date as text, such \
                 as 1900-01-31",
            );
        }
        System::From1900 => date(1899, 12, 30),
        System::From1904 => date(1904, 1, 1),
    };
    let days = number.floor();
    let millis = ((number - days) * MILLIS_A_DAY).round();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "both were checked against small bounds"
    )]
    let (days, millis) = (days as i64, millis as i64);
    let day = start.checked_add(days.days()).map_err(|_| too_far())?;
    if millis == 0 {
        return Ok(Serial::Day(day));
    }
    let at = day.to_datetime(Time::midnight());
    let at = at
        .checked_add(SignedDuration::from_millis(millis))
        .map_err(|_| too_far())?;
    Ok(Serial::Local(at))
}

fn too_far() -> String {
    "it lies outside the years that can be reckoned with".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(number: f64, system: System) -> String {
        match read(number, system) {
            Ok(Serial::Day(day)) => day.to_string(),
            Ok(Serial::Local(at)) => at.to_string(),
            Err(why) => why,
        }
    }

    #[test]
    fn days_are_those_that_spreadsheets_show() {
        // As LibreOffice, openpyxl and Excel's own documentation have them.
        for (number, day) in [
            (61.0, "1900-03-01"),
            (33_111.0, "1990-08-26"),
            (36_526.0, "2000-01-01"),
            (44_256.0, "2021-03-01"),
            (45_351.0, "2024-02-29"),
            (45_943.541, "2025-10-13T12:59:02.4"),
            (45_943.5, "2025-10-13T12:00:00"),
            (2_958_465.0, "9999-12-31"),
        ] {
            assert_eq!(said(number, System::From1900), day, "{number}");
        }
        for (number, day) in [
            (0.0, "1904-01-01"),
            (31_649.0, "1990-08-26"),
            (43_889.0, "2024-02-29"),
        ] {
            assert_eq!(said(number, System::From1904), day, "{number}");
        }
    }

    #[test]
    fn the_day_that_never_was_and_its_like_are_refused() {
        for number in [1.0, 31.0, 59.0, 60.0, 60.5] {
            assert!(
                said(number, System::From1900).contains("disagree"),
                "{number}"
            );
        }
        assert!(said(0.5, System::From1900).contains("time of day"));
        for number in [-1.0, f64::NAN, f64::INFINITY, 2_958_467.0, 19_900_423.0] {
            assert!(
                said(number, System::From1900).contains("no day"),
                "{number}"
            );
        }
    }

    #[test]
    fn a_time_a_hair_before_the_second_is_that_second() {
        // 10:30 as a fraction that no float can hold.
        assert_eq!(
            said(45_943.437_499_999_99, System::From1900),
            "2025-10-13T10:30:00"
        );
        assert_eq!(
            said(45_943.999_999_999_9, System::From1900),
            "2025-10-14T00:00:00"
        );
    }
}
