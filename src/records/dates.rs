//! Text -> date, with or without a year, or a moment.
//!
//! A date that could be read two ways is never guessed: it needs the source's stated form. May
//! not know what day it is.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::TimeZone;

use super::error::{Trouble, Wrong};
use crate::model::{PartialDate, When};

/// Nobody's customer was born before, and no event is older: such years are slips.
const FIRST_YEAR: i16 = 1900;
/// What may stand between the parts of a date.
const BETWEEN: [char; 5] = ['/', '.', '-', ',', ' '];

/// How one source writes its dates.
#[derive(Debug)]
pub(super) struct Dates {
    stated: Option<Stated>,
    zone: TimeZone,
}

/// The form that the settings state.
#[derive(Debug)]
struct Stated {
    /// As the settings have it.
    full: String,
    /// Without the time of day.
    day: String,
    /// Without the year too, where the form can do without.
    yearless: Option<String>,
    /// Whether ISO dates could be mistaken for the stated form, such as `%Y-%d-%m`.
    clashes_with_iso: bool,
    /// The form's look, for messages: `23/04/1990`.
    example: String,
}

/// What a text turned out to be.
enum Reading {
    Day(Date),
    YearLess(PartialDate),
    Local(DateTime),
    /// An instant, and the day that was written.
    Instant(Timestamp, Date),
}

impl Dates {
    pub(super) fn new(stated: Option<&str>, zone: TimeZone) -> Result<Self, Wrong> {
        let stated = stated.map(Stated::new).transpose()?;
        Ok(Self { stated, zone })
    }

    /// A full date.
    pub(super) fn date(&self, text: &str) -> Result<Date, String> {
        match self.read(text)? {
            Reading::Day(date) | Reading::Instant(_, date) => Ok(date),
            Reading::Local(at) => Ok(at.date()),
            Reading::YearLess(_) => Err("it has no year; write the full date".to_owned()),
        }
    }

    /// A date whose year may be missing.
    pub(super) fn partial(&self, text: &str) -> Result<PartialDate, String> {
        match self.read(text)? {
            Reading::YearLess(date) => Ok(date),
            Reading::Day(date) | Reading::Instant(_, date) => Ok(date.into()),
            Reading::Local(at) => Ok(at.date().into()),
        }
    }

    /// A whole day, or a moment.
    pub(super) fn when(&self, text: &str) -> Result<When, String> {
        match self.read(text)? {
            Reading::Day(date) => Ok(When::Day(date)),
            Reading::Local(at) => self.local(at).map(When::Instant),
            Reading::Instant(at, _) => Ok(When::Instant(at)),
            Reading::YearLess(_) => Err("it has no year; write the full date".to_owned()),
        }
    }

    /// A moment; a bare date is that day's first, in the business's zone.
    pub(super) fn moment(&self, text: &str) -> Result<Timestamp, String> {
        match self.when(text)? {
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

    fn read(&self, text: &str) -> Result<Reading, String> {
        let reading = match &self.stated {
            None => match iso(text)? {
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
        let reading = reading.ok_or_else(|| self.unreadable(text))?;
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

    fn unreadable(&self, text: &str) -> String {
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

impl Stated {
    fn new(text: &str) -> Result<Self, Wrong> {
        let full = text
            .trim()
            .replace("%F", "%Y-%m-%d")
            .replace("%T", "%H:%M:%S");
        let wrong = |problem: &str| {
            Wrong::new(
                Trouble::Settings,
                format!("`dates = {text:?}` {problem}"),
                "write the day, the month and a year of four digits, such as \"%d/%m/%Y\"",
            )
        };
        let day = without_time(&full).to_owned();
        let example =
            example(&day, 1990).ok_or_else(|| wrong("can't be used as a form of dates"))?;
        // Reading back what the form writes shows whether it says everything a date needs.
        if !reads_back(&full, 2004) || !reads_back(&day, 2004) {
            return Err(wrong("doesn't give a full date, first of all"));
        }
        if !reads_back(&day, 1935) {
            return Err(wrong(
                "has a year of two digits, which don't tell the century",
            ));
        }
        Ok(Self {
            yearless: without_year(&day),
            clashes_with_iso: day.starts_with("%Y-") && day != "%Y-%m-%d",
            full,
            day,
            example,
        })
    }

    fn read(&self, text: &str) -> Result<Option<Reading>, String> {
        if self.full != self.day
            && let Ok(read) = BrokenDownTime::parse(&self.full, text)
        {
            return moment_of(&read).map(Some).ok_or_else(no_such_day);
        }
        if let Ok((read, end)) = BrokenDownTime::parse_prefix(&self.day, text) {
            let rest = text.get(end..).unwrap_or_default();
            let time = match rest.strip_prefix(['T', ' ']) {
                _ if rest.is_empty() => None,
                Some(time) => Some(time_of_day(time.trim_start())),
                None => Some(None),
            };
            if time != Some(None) {
                let date = read.to_date().map_err(|_| no_such_day())?;
                return Ok(Some(match time.flatten() {
                    None => Reading::Day(date),
                    Some(time) => Reading::Local(date.to_datetime(time)),
                }));
            }
        }
        let Some(yearless) = &self.yearless else {
            return Ok(None);
        };
        match BrokenDownTime::parse(yearless, text.trim_end_matches(BETWEEN)) {
            Ok(read) => year_less(read.month(), read.day()).map(Some),
            Err(_) => Ok(None),
        }
    }
}

/// The form up to its first time of day.
fn without_time(form: &str) -> &str {
    let time = ["%H", "%I", "%k", "%l", "%R", "%-H", "%-I", "%M", "%p"];
    let start = time.iter().filter_map(|part| form.find(part)).min();
    let day = start.and_then(|start| form.get(..start)).unwrap_or(form);
    // What is left of "%Y-%m-%dT%H:%M".
    day.trim_end()
        .trim_end_matches('T')
        .trim_end_matches(BETWEEN)
}

/// The form without its year and what parted the year from the rest.
fn without_year(day: &str) -> Option<String> {
    let (before, after) = day.split_once("%Y")?;
    let left = match (before.is_empty(), after.is_empty()) {
        (true, false) => after.trim_start_matches(BETWEEN),
        (false, true) => before.trim_end_matches(BETWEEN),
        _ => return None,
    };
    Some(left.to_owned())
}

fn example(form: &str, year: i16) -> Option<String> {
    let day = Date::new(year, 4, 23).ok()?;
    let at = TimeZone::UTC.to_zoned_datetime(day.at(13, 47, 0, 0)).ok()?;
    strtime::format(form, &at).ok()
}

fn reads_back(form: &str, year: i16) -> bool {
    example(form, year)
        .and_then(|text| BrokenDownTime::parse(form, text).ok())
        .and_then(|read| read.to_date().ok())
        == Date::new(year, 4, 23).ok()
}

/// The moment that a form with a time of day read.
fn moment_of(read: &BrokenDownTime) -> Option<Reading> {
    let written = read.to_datetime().ok()?;
    if read.offset().is_none() {
        return Some(Reading::Local(written));
    }
    let at = whole_millis(read.to_timestamp().ok()?);
    Some(Reading::Instant(at, written.date()))
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

fn year_less(month: Option<i8>, day: Option<i8>) -> Result<Reading, String> {
    let date = PartialDate::new(None, month.unwrap_or(0), day.unwrap_or(0));
    date.map(Reading::YearLess).ok_or_else(no_such_day)
}

/// `9:30`, `10:30`, `10:30:00` or `10:30:00.123`.
fn time_of_day(text: &str) -> Option<Time> {
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

fn digits_only(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// As the store keeps instants, so that the same file read again gives the same event.
fn whole_millis(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

fn no_such_day() -> String {
    "there is no such day in the calendar; mend it".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dates(stated: Option<&str>) -> Dates {
        Dates::new(stated, TimeZone::get("Europe/London").unwrap()).unwrap()
    }

    fn birthday(stated: Option<&str>, text: &str) -> Result<String, String> {
        dates(stated).partial(text).map(|date| date.to_string())
    }

    fn at(stated: Option<&str>, text: &str) -> String {
        match dates(stated).when(text) {
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
        let reason = dates(DMY).date("23/04").unwrap_err();
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
        let moment = dates(None).moment("2027-07-02").unwrap();
        assert_eq!(moment.to_string(), "2027-07-01T23:00:00Z");
        let birthday = dates(None).partial("1990-04-23 00:00:00").unwrap();
        assert_eq!(birthday.to_string(), "1990-04-23");
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
