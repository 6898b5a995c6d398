//! The built-in holidays of 2000 to 2050 against a second source, and rules that follow them.
//!
//! `tests/data/holidays/holidays.csv` was written by `make.py` beside it from the Python packages
//! `holidays`, `dateutil` and `lunardate`. Every difference is listed here with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use fondly::rules::OwnHolidays;
use fondly::rules::holiday::BuiltIn;
use jiff::civil::Date;

const YEARS: std::ops::RangeInclusive<i16> = 2000..=2050;

/// Holidays whose date is their definition, which the second source doesn't have.
const SAME_DAY_EVERY_YEAR: &[(&str, i8, i8)] = &[
    ("all-souls", 11, 2),
    ("candlemas", 2, 2),
    ("europe-day", 5, 9),
    ("fathers-day-dk", 6, 5),
    ("fathers-day-es", 3, 19),
    ("fathers-day-it", 3, 19),
    ("fathers-day-pl", 6, 23),
    ("fathers-day-pt", 3, 19),
    ("guy-fawkes", 11, 5),
    ("midsummer", 6, 24),
    ("mothers-day-mx", 5, 10),
    ("mothers-day-pl", 5, 26),
    ("new-years-eve", 12, 31),
    ("reformation-day", 10, 31),
    ("st-andrews", 11, 30),
    ("st-georges", 4, 23),
    ("st-lucys", 12, 13),
    ("st-martins", 11, 11),
    ("st-nicholas", 12, 6),
];

/// For the Islamic years from 1451 (May 2029) on there are two tables of Umm al-Qura: the one that
/// KACST, which makes the calendar, calculates today, and an older forecast of the same. ICU4X has
/// the first, as browsers and Java do; the package has the second. Where they differ, KACST's month
/// begins a day later. See <https://github.com/dralshehri/hijridate/issues/26>, which tells of the
/// two tables, and <https://github.com/MenoData/Time4J/issues/501>, which asked KACST for one date.
const TWO_FORECASTS: &str = "KACST's table of today against an older forecast, from 1451 AH on";

/// Name, our date, theirs, and why.
const DIFFERENCES: &[(&str, &str, &str, &str)] = &[
    ("eid-al-adha", "2033-03-12", "2033-03-11", TWO_FORECASTS),
    ("eid-al-adha", "2035-02-19", "2035-02-18", TWO_FORECASTS),
    ("eid-al-adha", "2036-02-08", "2036-02-07", TWO_FORECASTS),
    ("eid-al-adha", "2037-01-27", "2037-01-26", TWO_FORECASTS),
    ("eid-al-adha", "2040-12-15", "2040-12-14", TWO_FORECASTS),
    ("eid-al-adha", "2044-11-01", "2044-10-31", TWO_FORECASTS),
    ("eid-al-adha", "2046-10-11", "2046-10-10", TWO_FORECASTS),
    ("eid-al-fitr", "2033-01-03", "2033-01-02", TWO_FORECASTS),
    ("eid-al-fitr", "2037-11-09", "2037-11-08", TWO_FORECASTS),
    ("eid-al-fitr", "2041-09-27", "2041-09-26", TWO_FORECASTS),
    ("eid-al-fitr", "2042-09-16", "2042-09-15", TWO_FORECASTS),
    ("eid-al-fitr", "2043-09-05", "2043-09-04", TWO_FORECASTS),
    ("eid-al-fitr", "2046-08-04", "2046-08-03", TWO_FORECASTS),
    ("eid-al-fitr", "2048-07-13", "2048-07-12", TWO_FORECASTS),
    ("eid-al-fitr", "2049-07-02", "2049-07-01", TWO_FORECASTS),
    ("eid-al-fitr", "2050-06-21", "2050-06-20", TWO_FORECASTS),
    (
        "islamic-new-year",
        "2030-05-04",
        "2030-05-03",
        TWO_FORECASTS,
    ),
    (
        "islamic-new-year",
        "2034-03-22",
        "2034-03-21",
        TWO_FORECASTS,
    ),
    (
        "islamic-new-year",
        "2036-02-29",
        "2036-02-28",
        TWO_FORECASTS,
    ),
    (
        "islamic-new-year",
        "2037-02-17",
        "2037-02-16",
        TWO_FORECASTS,
    ),
    (
        "islamic-new-year",
        "2038-02-06",
        "2038-02-05",
        TWO_FORECASTS,
    ),
    (
        "islamic-new-year",
        "2041-12-25",
        "2041-12-24",
        TWO_FORECASTS,
    ),
    (
        "islamic-new-year",
        "2045-11-11",
        "2045-11-10",
        TWO_FORECASTS,
    ),
    (
        "islamic-new-year",
        "2047-10-21",
        "2047-10-20",
        TWO_FORECASTS,
    ),
    (
        "islamic-new-year",
        "2049-09-29",
        "2049-09-28",
        TWO_FORECASTS,
    ),
    (
        "islamic-new-year",
        "2050-09-18",
        "2050-09-17",
        TWO_FORECASTS,
    ),
    ("mawlid", "2033-06-10", "2033-06-09", TWO_FORECASTS),
    ("mawlid", "2036-05-09", "2036-05-08", TWO_FORECASTS),
    ("mawlid", "2042-03-05", "2042-03-04", TWO_FORECASTS),
    ("mawlid", "2044-02-12", "2044-02-11", TWO_FORECASTS),
    ("mawlid", "2045-01-31", "2045-01-30", TWO_FORECASTS),
    ("mawlid", "2046-01-20", "2046-01-19", TWO_FORECASTS),
    ("mawlid", "2047-01-09", "2047-01-08", TWO_FORECASTS),
    ("mawlid", "2049-12-08", "2049-12-07", TWO_FORECASTS),
    ("mawlid", "2050-11-27", "2050-11-26", TWO_FORECASTS),
    ("ramadan", "2031-12-16", "2031-12-15", TWO_FORECASTS),
    ("ramadan", "2036-10-21", "2036-10-20", TWO_FORECASTS),
    ("ramadan", "2040-09-08", "2040-09-07", TWO_FORECASTS),
    ("ramadan", "2045-07-16", "2045-07-15", TWO_FORECASTS),
    ("ramadan", "2047-06-25", "2047-06-24", TWO_FORECASTS),
    ("ramadan", "2048-06-13", "2048-06-12", TWO_FORECASTS),
];

fn second_source() -> BTreeMap<String, BTreeSet<Date>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/holidays/holidays.csv");
    let text = fs::read_to_string(path).unwrap();
    let mut found: BTreeMap<String, BTreeSet<Date>> = BTreeMap::new();
    for line in text.lines().skip(2) {
        let mut parts = line.split(',');
        let (name, _source, dates) = (
            parts.next().unwrap(),
            parts.next().unwrap(),
            parts.next().unwrap(),
        );
        let dates = dates.split(' ').map(|date| date.parse::<Date>().unwrap());
        found.entry(name.to_owned()).or_default().extend(dates);
    }
    found
}

fn ours(name: &str) -> BTreeSet<Date> {
    let holiday = OwnHolidays::default().find(name).unwrap();
    YEARS.flat_map(|year| holiday.in_year(year)).collect()
}

#[test]
fn holidays_are_where_a_second_source_has_them() {
    let theirs = second_source();
    let mut got = Vec::new();
    for (name, theirs) in &theirs {
        let ours = ours(name);
        let only_ours = ours.difference(theirs);
        let mut only_theirs = theirs.difference(&ours);
        for day in only_ours {
            let theirs = only_theirs.next().map_or_else(String::new, Date::to_string);
            got.push(format!("{name} {day} {theirs}"));
        }
        got.extend(only_theirs.map(|day| format!("{name} - {day}")));
    }
    let known: Vec<String> = DIFFERENCES
        .iter()
        .map(|(name, ours, theirs, why)| {
            assert!(!why.is_empty());
            format!("{name} {ours} {theirs}")
        })
        .collect();
    assert_eq!(got, known, "\n{}", got.join("\n"));
}

#[test]
fn no_holiday_is_without_a_second_look() {
    let theirs = second_source();
    let mut unseen: BTreeSet<&str> = BuiltIn::all().map(|holiday| holiday.name).collect();
    unseen.retain(|name| !theirs.contains_key(*name));
    for (name, month, day) in SAME_DAY_EVERY_YEAR {
        let wanted = YEARS.map(|year| Date::new(year, *month, *day).unwrap());
        assert_eq!(ours(name), wanted.collect(), "{name}");
        assert!(unseen.remove(name), "{name} is in the second source");
    }
    assert!(unseen.is_empty(), "{unseen:?}");
}
