//! Text -> date, with or without a year, or a moment.
//!
//! A date that could be read two ways is never guessed: it needs the source's stated form. May
//! not know what day it is.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::error::Wrong;
use super::forms::Value;
use super::serial::{self, Serial, System};
use super::stated::Stated;
use crate::model::{PartialDate, When};

/// Nobody's customer was born before, and no event is older: such years are slips.
const FIRST_YEAR: i16 = 1900;
/// Bare numbers that may be a spreadsheet's days: from early in the first year to the year 2200.
/// Below lie days and months such as 10.1, and above dates in digits such as 230490.
const LIKELY: std::ops::Range<f64> = 100.0..109_575.0;
/// What may stand between the parts of a date.
pub(super) const BETWEEN: [char; 5] = ['/', '.', '-', ',', ' '];

/// How one source writes its dates.
#[derive(Debug)]
pub(super) struct Dates {
    stated: Option<Stated>,
    /// Whether bare numbers are days as a spreadsheet counts them.
    serial: Option<System>,
    zone: TimeZone,
}

/// What a text turned out to be.
pub(super) enum Reading {
    Day(Date),
    YearLess(PartialDate),
    Local(DateTime),
    /// An instant, and the day that was written.
    Instant(Timestamp, Date),
}

impl Dates {
    pub(super) fn new(stated: Option<&str>, zone: TimeZone) -> Result<Self, Wrong> {
        let serial = match stated {
            Some("excel") => Some(System::From1900),
            Some("excel-1904") => Some(System::From1904),
            _ => None,
        };
        let stated = stated.filter(|_| serial.is_none());
        Ok(Self {
            stated: stated.map(Stated::new).transpose()?,
            serial,
            zone,
        })
    }

    /// A full date.
    pub(super) fn date(&self, value: &Value<'_>) -> Result<Date, String> {
        match self.read(value)? {
            Reading::Day(date) => Ok(date),
            Reading::Instant(at, written) => self.day_of(at, written),
            Reading::Local(at) => Ok(at.date()),
            Reading::YearLess(_) => Err("it has no year; write the full date".to_owned()),
        }
    }

    /// A date whose year may be missing.
    pub(super) fn partial(&self, value: &Value<'_>) -> Result<PartialDate, String> {
        match self.read(value)? {
            Reading::YearLess(date) => Ok(date),
            Reading::Day(date) => Ok(date.into()),
            Reading::Instant(at, written) => self.day_of(at, written).map(PartialDate::from),
            Reading::Local(at) => Ok(at.date().into()),
        }
    }

    /// The day of an instant, which must be the same as it is written and by the source's clocks:
    /// programs that keep a day as its first moment write that in UTC, which may be the day before.
    fn day_of(&self, at: Timestamp, written: Date) -> Result<Date, String> {
        let here = self.zone.to_datetime(at).date();
        if here == written {
            return Ok(written);
        }
        Err(format!(
            "it is a moment of {written} as it is written, and of {here} by the source's clocks, so \
             the day can't be told; write the day alone, such as {here}"
        ))
    }

    /// A whole day, or a moment.
    pub(super) fn when(&self, value: &Value<'_>) -> Result<When, String> {
        match self.read(value)? {
            Reading::Day(date) => Ok(When::Day(date)),
            Reading::Local(at) => self.local(at).map(When::Instant),
            Reading::Instant(at, _) => Ok(When::Instant(at)),
            Reading::YearLess(_) => Err("it has no year; write the full date".to_owned()),
        }
    }

    /// A moment; a bare date is that day's first, in the business's zone.
    pub(super) fn moment(&self, value: &Value<'_>) -> Result<Timestamp, String> {
        match self.when(value)? {
            When::Instant(at) => Ok(at),
            When::Day(date) => self.local(date.to_datetime(Time::midnight())),
        }
    }

    /// A time that doesn't exist moves forward; one that exists twice is the first.
    fn local(&self, at: DateTime) -> Result<Timestamp, String> {
        let at = self.zone.to_timestamp(at);
        at.map(whole_millis)
            .map_err(|_| "it lies outside the years that can be reckoned with".to_owned())
    }

    fn read(&self, value: &Value<'_>) -> Result<Reading, String> {
        let reading = match *value {
            Value::Text(text) | Value::Number(text) => self.text(text)?,
            Value::Day(day) => Reading::Day(day),
            Value::Local(at) => Reading::Local(at),
            Value::Partial(date) => match date.year() {
                Some(year) => Date::new(year, date.month(), date.day())
                    .map(Reading::Day)
                    .map_err(|_| no_such_day())?,
                None => Reading::YearLess(date),
            },
            Value::Float(number) => self.number(number)?,
            Value::YesNo(_) => return Err("it is `yes` or `no`, and no date".to_owned()),
            Value::Unusable(why) => return Err(why.to_owned()),
        };
        let written = match &reading {
            Reading::Day(date) | Reading::Instant(_, date) => Some(*date),
            Reading::Local(at) => Some(at.date()),
            Reading::YearLess(_) => None,
        };
        match written.map(Date::year) {
            Some(year @ 0..100) => Err(format!(
                "the year {year} has two digits, which don't tell the century; write four"
            )),
            Some(year) if year < FIRST_YEAR => {
                Err(format!("the year {year} lies before {FIRST_YEAR}; mend it"))
            }
            _ => Ok(reading),
        }
    }

    /// A day as a spreadsheet counts it.
    fn number(&self, number: f64) -> Result<Reading, String> {
        let Some(system) = self.serial else {
            return Err(
                "it is a bare number; give the cells the format of a date, or set \
                 `dates = \"excel\"` where numbers of days are meant"
                    .to_owned(),
            );
        };
        if (1900.0..=2100.0).contains(&number) && number.fract() == 0.0 {
            return Err(
                "it can be read two ways, as a year or as a day's number; write the date \
                        out, such as 1990-04-23"
                    .to_owned(),
            );
        }
        if !LIKELY.contains(&number) {
            return Err("no likely day has such a number in a spreadsheet; mend it".to_owned());
        }
        serial::read(number, system).map(|read| match read {
            Serial::Day(day) => Reading::Day(day),
            Serial::Local(at) => Reading::Local(at),
        })
    }

    fn text(&self, text: &str) -> Result<Reading, String> {
        if self.serial.is_some()
            && let Some(number) = bare_number(text)
        {
            return self.number(number);
        }
        let reading = match &self.stated {
            None => match iso(text)? {
                None if self.serial.is_some() => vcard_yearless(text)?,
                None => iso_yearless(text)?,
                found => found,
            },
            Some(stated) => match stated.read(text)? {
                None if stated.clashes_with_iso => None,
                None => match iso(text)? {
                    None => vcard_yearless(text)?,
                    found => found,
                },
                found => found,
            },
        };
        reading.ok_or_else(|| self.unreadable(text))
    }

    fn unreadable(&self, text: &str) -> String {
        if self.serial.is_some() {
            return "it is neither a day's number in a spreadsheet, such as 33111, nor a date such as \
                    1990-08-26"
                .to_owned();
        }
        if let Some(stated) = &self.stated {
            return format!(
                "it isn't of the form that the source's `dates` states ({}, such as {})",
                stated.full, stated.example
            );
        }
        let mut numbers = text.split(BETWEEN).map(str::parse::<u8>);
        let two_ways = matches!(
            (numbers.next(), numbers.next()),
            (Some(Ok(1..=12)), Some(Ok(1..=12)))
        );
        let why = if two_ways {
            "it can be read two ways, day or month first"
        } else {
            "without a stated form only dates such as 1990-04-23 are read"
        };
        format!("{why}; state the source's form, such as dates = \"%d/%m/%Y\"")
    }
}

/// `1990-04-23`, alone or with a time, an offset and a zone (RFC 3339, RFC 9557).
fn iso(text: &str) -> Result<Option<Reading>, String> {
    let Some((year, month, day, rest)) = iso_parts(text) else {
        return Ok(None);
    };
    let date = Date::new(year, month, day).map_err(|_| no_such_day())?;
    if rest.is_empty() {
        return Ok(Some(Reading::Day(date)));
    }
    let Some(time) = rest.strip_prefix(['T', 't', ' ']) else {
        return Ok(None);
    };
    if let Some(time) = time_of_day(time) {
        return Ok(Some(Reading::Local(date.to_datetime(time))));
    }
    let at = if text.ends_with(']') {
        text.parse::<jiff::ZonedDateTime>()
            .ok()
            .map(|zoned| zoned.timestamp())
    } else {
        text.parse::<Timestamp>().ok()
    };
    match at {
        Some(at) => Ok(Some(Reading::Instant(whole_millis(at), date))),
        None => Err(
            "the day can be read, but not the time; write it as 10:30, 10:30:00 or \
                     10:30:00+01:00"
                .to_owned(),
        ),
    }
}

/// Year, month, day and what follows.
fn iso_parts(text: &str) -> Option<(i16, i8, i8, &str)> {
    let (year, rest) = text.split_at_checked(4)?;
    let (month, rest) = rest.strip_prefix('-')?.split_at_checked(2)?;
    let (day, rest) = rest.strip_prefix('-')?.split_at_checked(2)?;
    Some((digits(year)?, number(month)?, number(day)?, rest))
}

fn digits(text: &str) -> Option<i16> {
    let plain = text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

fn number(text: &str) -> Option<i8> {
    digits(text).and_then(|n| i8::try_from(n).ok())
}

/// `--04-23`, as vCard has it: it can be read one way only.
fn vcard_yearless(text: &str) -> Result<Option<Reading>, String> {
    match text.strip_prefix("--").and_then(two_numbers) {
        Some((month, day)) => year_less(Some(month), Some(day)).map(Some),
        None => Ok(None),
    }
}

/// `--04-23`, or `04-23` where it can't be a day before a month.
fn iso_yearless(text: &str) -> Result<Option<Reading>, String> {
    match two_numbers(text) {
        Some((month, day)) if day > 12 || month == day => {
            year_less(Some(month), Some(day)).map(Some)
        }
        Some(_) => Ok(None),
        None => vcard_yearless(text),
    }
}

fn two_numbers(text: &str) -> Option<(i8, i8)> {
    let (month, day) = text.split_once('-')?;
    let two = month.len() == 2 && day.len() == 2;
    if two {
        Some((number(month)?, number(day)?))
    } else {
        None
    }
}

pub(super) fn year_less(month: Option<i8>, day: Option<i8>) -> Result<Reading, String> {
    let date = PartialDate::new(None, month.unwrap_or(0), day.unwrap_or(0));
    date.map(Reading::YearLess).ok_or_else(no_such_day)
}

/// `9:30`, `10:30`, `10:30:00` or `10:30:00.123`.
pub(super) fn time_of_day(text: &str) -> Option<Time> {
    let mut parts = text.split(':');
    let hour = short(parts.next()?)?;
    let minute = short(parts.next()?)?;
    let (second, fraction) = match parts.next() {
        None => ("0", ""),
        Some(seconds) => seconds.split_once('.').unwrap_or((seconds, "0")),
    };
    let fraction_is_fine = fraction.len() <= 9 && digits_only(fraction);
    if parts.next().is_some() || !fraction_is_fine {
        return None;
    }
    let millis: String = fraction.chars().chain("000".chars()).take(3).collect();
    let nanos = millis.parse::<i32>().ok()?.checked_mul(1_000_000)?;
    Time::new(hour, minute, short(second)?, nanos).ok()
}

fn short(text: &str) -> Option<i8> {
    if text.len() > 2 { None } else { number(text) }
}

/// `33111`, or `33111.5` for noon; some countries write the comma.
fn bare_number(text: &str) -> Option<f64> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let plain =
        !whole.is_empty() && !whole.starts_with('0') && digits_only(whole) && digits_only(fraction);
    if plain {
        format!("{whole}.{fraction}").parse().ok()
    } else {
        None
    }
}

fn digits_only(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// As the store keeps instants, so that the same file read again gives the same event.
pub(super) fn whole_millis(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

pub(super) fn no_such_day() -> String {
    "there is no such day in the calendar; mend it".to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::error::Trouble;
    use super::*;

    fn dates(stated: Option<&str>) -> Dates {
        Dates::new(stated, TimeZone::get("Europe/London").unwrap()).unwrap()
    }

    fn birthday(stated: Option<&str>, text: &str) -> Result<String, String> {
        dates(stated)
            .partial(&Value::Text(text))
            .map(|date| date.to_string())
    }

    fn at(stated: Option<&str>, text: &str) -> String {
        match dates(stated).when(&Value::Text(text)) {
            Ok(When::Day(date)) => date.to_string(),
            Ok(When::Instant(at)) => at.to_string(),
            Err(reason) => reason,
        }
    }

    const DMY: Option<&str> = Some("%d/%m/%Y");

    #[test]
    fn iso_dates_are_read_whatever_is_stated() {
        for stated in [
            None,
            DMY,
            Some("%d.%m.%Y"),
            Some("%m-%d-%Y"),
            Some("%Y-%m-%d"),
        ] {
            let read = birthday(stated, "1990-04-03");
            assert_eq!(read.as_deref(), Ok("1990-04-03"), "{stated:?}");
            assert_eq!(
                birthday(stated, "--02-29").as_deref(),
                Ok("--02-29"),
                "{stated:?}"
            );
        }
    }

    #[test]
    fn iso_is_no_way_out_for_a_form_that_looks_like_it() {
        let swapped = Some("%Y-%d-%m");
        assert_eq!(birthday(swapped, "1990-04-03").as_deref(), Ok("1990-03-04"));
        assert!(
            birthday(swapped, "1990-04-23").is_err(),
            "the month would be 23"
        );
    }

    #[test]
    fn a_date_that_reads_two_ways_is_never_guessed() {
        for text in ["03/04/1990", "03.04.1990", "3-4-1990", "03/04", "03-04"] {
            let reason = birthday(None, text).unwrap_err();
            assert!(reason.contains("two ways"), "{text}: {reason}");
            assert!(reason.contains("dates = "), "{text}: {reason}");
        }
        let reason = birthday(None, "25/12/1990").unwrap_err();
        assert!(reason.contains("1990-04-23"), "{reason}");
        assert_eq!(birthday(DMY, "03/04/1990").as_deref(), Ok("1990-04-03"));
        assert_eq!(
            birthday(Some("%m/%d/%Y"), "03/04/1990").as_deref(),
            Ok("1990-03-04")
        );
    }

    #[test]
    fn a_year_may_be_missing_in_the_same_order() {
        for (stated, text) in [
            (DMY, "23/04"),
            (DMY, "23/04/"),
            (Some("%m/%d/%Y"), "04/23"),
            (Some("%d.%m.%Y"), "23.04."),
            (Some("%d.%m.%Y"), "23.4"),
            (Some("%Y-%m-%d"), "04-23"),
            (Some("%F"), "04-23"),
            (Some("%d %B %Y"), "23 April"),
            (Some("%B %d, %Y"), "April 23"),
            (Some("%d/%m/%Y %H:%M"), "23/04"),
            (None, "04-23"),
        ] {
            assert_eq!(
                birthday(stated, text).as_deref(),
                Ok("--04-23"),
                "{stated:?} {text}"
            );
        }
        assert_eq!(birthday(DMY, "29/02").as_deref(), Ok("--02-29"));
        assert!(birthday(DMY, "04-23").is_err(), "not the stated order");
        let reason = dates(DMY).date(&Value::Text("23/04")).unwrap_err();
        assert!(reason.contains("no year"), "{reason}");
        assert!(at(DMY, "23/04").contains("no year"));
    }

    #[test]
    fn impossible_dates_and_years_are_refused() {
        for (stated, text) in [
            (DMY, "31/02/1990"),
            (DMY, "29/02/1990"),
            (DMY, "31/04"),
            (None, "1990-02-31"),
            (None, "0000-00-00"),
            (None, "--02-30"),
            (DMY, "31/02/1990 10:30"),
        ] {
            let reason = birthday(stated, text).unwrap_err();
            assert!(reason.contains("no such day"), "{text}: {reason}");
        }
        assert!(
            birthday(DMY, "23/04/87")
                .unwrap_err()
                .contains("two digits")
        );
        assert!(
            birthday(DMY, "23/04/1899")
                .unwrap_err()
                .contains("before 1900")
        );
        assert!(
            birthday(None, "1066-10-14")
                .unwrap_err()
                .contains("before 1900")
        );
        for text in [
            "23/04/19900",
            "45/01/1990",
            "23/13/1990",
            "Anna",
            "23/04/1990x",
            "/",
            "-",
        ] {
            let reason = birthday(DMY, text).unwrap_err();
            assert!(reason.contains("23/04/1990"), "{text}: {reason}");
        }
    }

    #[test]
    fn a_moment_is_a_day_a_local_time_or_an_instant() {
        for (stated, text, read) in [
            (None, "2027-01-02", "2027-01-02"),
            (DMY, "02/01/2027", "2027-01-02"),
            (None, "2027-07-02 10:30", "2027-07-02T09:30:00Z"),
            (None, "2027-07-02T10:30:15", "2027-07-02T09:30:15Z"),
            (DMY, "02/07/2027 9:30", "2027-07-02T08:30:00Z"),
            (
                Some("%d/%m/%Y %H:%M"),
                "02/07/2027 09:30",
                "2027-07-02T08:30:00Z",
            ),
            (Some("%d/%m/%Y %H:%M"), "02/07/2027", "2027-07-02"),
            (
                Some("%d/%m/%Y %I:%M %p"),
                "02/07/2027 09:30 PM",
                "2027-07-02T20:30:00Z",
            ),
            (
                Some("%d/%m/%Y %H:%M %z"),
                "02/07/2027 09:30 +0200",
                "2027-07-02T07:30:00Z",
            ),
            (None, "2027-07-02T10:30:00Z", "2027-07-02T10:30:00Z"),
            (DMY, "2027-07-02 10:30:00+02:00", "2027-07-02T08:30:00Z"),
            (
                None,
                "2027-07-02T10:30:00.123456+02",
                "2027-07-02T08:30:00.123Z",
            ),
            (None, "2027-07-02T10:30[Asia/Tokyo]", "2027-07-02T01:30:00Z"),
            (
                None,
                "2027-07-02T10:30+09:00[Asia/Tokyo]",
                "2027-07-02T01:30:00Z",
            ),
            // The hour that doesn't exist, and the one that exists twice.
            (None, "2027-03-28 01:30", "2027-03-28T01:30:00Z"),
            (None, "2027-10-31 01:30", "2027-10-31T00:30:00Z"),
        ] {
            assert_eq!(at(stated, text), read, "{stated:?} {text}");
        }
        for text in [
            "2027-01-02 25:00",
            "2027-01-02T10:30+99:00",
            "2027-01-02T10:30[Mars/One]",
        ] {
            assert!(
                at(None, text).contains("not the time"),
                "{text}: {}",
                at(None, text)
            );
        }
    }

    #[test]
    fn a_bare_day_as_a_moment_is_its_first() {
        let moment = dates(None).moment(&Value::Text("2027-07-02")).unwrap();
        assert_eq!(moment.to_string(), "2027-07-01T23:00:00Z");
        let birthday = dates(None)
            .partial(&Value::Text("1990-04-23 00:00:00"))
            .unwrap();
        assert_eq!(birthday.to_string(), "1990-04-23");
    }

    /// A program that writes local midnight in UTC names the day before: whose day it is, nobody can
    /// tell from the text alone.
    #[test]
    fn an_instant_of_another_day_is_no_date() {
        let berlin = Dates::new(None, TimeZone::get("Europe/Berlin").unwrap()).unwrap();
        for text in ["1984-11-23T23:00:00.000Z", "1984-11-24T00:30:00+14:00"] {
            let value = Value::Text(text);
            for reason in [
                berlin.date(&value).unwrap_err(),
                berlin.partial(&value).unwrap_err(),
            ] {
                let day = if text.contains("23T23") { "24" } else { "23" };
                assert!(reason.contains(&format!("1984-11-{day}")), "{reason}");
                assert!(reason.contains("write the day alone"), "{reason}");
            }
            assert!(berlin.when(&value).is_ok(), "as a moment it is plain");
        }
        for text in ["1984-11-23T22:59:00Z", "1984-11-23T00:00:00+01:00"] {
            let read = berlin.partial(&Value::Text(text)).unwrap();
            assert_eq!(read.to_string(), "1984-11-23", "{text}");
        }
    }

    #[test]
    fn a_form_that_says_too_little_is_refused_at_once() {
        let zone = || TimeZone::UTC;
        for (form, part) in [
            ("%d/%m/%y", "two digits"),
            ("%D", "two digits"),
            ("%d/%m", "full date"),
            ("%Y", "full date"),
            ("%H:%M %d/%m/%Y", "full date"),
            ("", "full date"),
            ("%Q%", "can't be used"),
            ("dd/mm/yyyy", "full date"),
        ] {
            let wrong = Dates::new(Some(form), zone()).unwrap_err();
            assert!(wrong.problem.contains(part), "{form}: {}", wrong.problem);
            assert_eq!(wrong.trouble, Trouble::Settings);
        }
    }
}
