//! The form of dates that a source's `dates` states, tried on a text.
//!
//! A form that says too little, or only two digits of the year, is refused before any date is read.

use jiff::civil::Date;
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::TimeZone;

use super::dates::{BETWEEN, Reading, no_such_day, time_of_day, whole_millis, year_less};
use super::error::{Trouble, Wrong};

/// The form that the settings state.
#[derive(Debug)]
pub(super) struct Stated {
    /// As the settings have it.
    pub(super) full: String,
    /// Without the time of day.
    day: String,
    /// Without the year too, where the form can do without.
    yearless: Option<String>,
    /// Whether ISO dates could be mistaken for the stated form, such as `%Y-%d-%m`.
    pub(super) clashes_with_iso: bool,
    /// The form's look, for messages: `23/04/1990`.
    pub(super) example: String,
}

impl Stated {
    pub(super) fn new(text: &str) -> Result<Self, Wrong> {
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

    pub(super) fn read(&self, text: &str) -> Result<Option<Reading>, String> {
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
