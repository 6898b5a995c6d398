//! Dates that nobody has, or that too many have.
//!
//! A spike is a date that far more customers bear than chance allows. By chance a date of birth that
//! is borne by hundreds has a neighbour that is borne by hundreds too, so that it is held against the
//! usual. May not know what a record's other fields say.

use std::collections::HashMap;

use jiff::civil::Date;

use super::{Finding, Group};
use crate::model::{Customer, PartialDate};

/// Nobody has lived for longer.
const OLDEST: i16 = 120;
/// A date is a spike from so many customers on, …
const FEWEST: u64 = 10;
/// … if it has more than so many times what is usual.
const TIMES: u64 = 10;
/// Dates that programs write where there is none, as year and `month * 100 + day`: for these a spike
/// begins earlier.
const PLACEHOLDERS: &[(i16, i64)] = &[
    (1900, 101),
    (1900, 102),
    (1901, 101),
    (1904, 101),
    (1969, 1231),
    (1970, 101),
    (1980, 101),
    (1990, 101),
    (1999, 1231),
    (2000, 101),
];
/// The same limits for them.
const FEWEST_PLACEHOLDERS: u64 = 3;
const TIMES_PLACEHOLDERS: u64 = 5;
/// Dates that are told one by one.
const MOST_SPIKES: usize = 20;
/// From so many birthdays on, their days of the month say something of all of them.
const MANY: u64 = 40;
/// Of a hundred birthdays, about sixty lie after the 12th of a month; below this, months and days have
/// been confused. With forty birthdays chance does that once in a hundred million times.
const AFTER_THE_12TH: u64 = 20;
/// Of a hundred birthdays, about three lie on the first of a month.
const ON_THE_FIRST: u64 = 30;
/// The last day that can also be a month.
const LAST_MONTH: i64 = 12;

/// On which days of the month birthdays lie.
#[derive(Debug, Clone, Copy, Default)]
struct DaysOfMonth {
    birthdays: u64,
    after_the_12th: u64,
    on_the_first: u64,
}

/// What was seen of dates.
#[derive(Debug)]
pub(super) struct Dates {
    today: Date,
    /// Customers by date of birth: at most as many as there are days in a hundred and thirty years.
    born: HashMap<(i16, i64), Group>,
    days_of_month: DaysOfMonth,
    not_yet_born: Group,
    too_old: Group,
    not_yet_joined: Group,
    joined_before_born: Group,
}

impl Dates {
    pub(super) fn new(today: Date) -> Self {
        Self {
            today,
            born: HashMap::new(),
            days_of_month: DaysOfMonth::default(),
            not_yet_born: Group::default(),
            too_old: Group::default(),
            not_yet_joined: Group::default(),
            joined_before_born: Group::default(),
        }
    }

    pub(super) fn see(&mut self, one: &Customer) {
        let born = one.birthday.and_then(PartialDate::full);
        if let Some(joined) = one.joined_on {
            if joined > self.today {
                self.not_yet_joined.add(one);
            }
            if born.is_some_and(|born| joined < born) {
                self.joined_before_born.add(one);
            }
        }
        if let Some(birthday) = one.birthday {
            self.days_of_month.add(birthday.day().into());
        }
        let Some(born) = born else {
            return;
        };
        let day = i64::from(born.month()) * 100 + i64::from(born.day());
        self.born.entry((born.year(), day)).or_default().add(one);
        if born > self.today {
            self.not_yet_born.add(one);
        } else if self.today.year() - born.year() > OLDEST {
            self.too_old.add(one);
        }
    }

    /// Dates of birth that too many have.
    pub(super) fn spikes(&self) -> impl Iterator<Item = ((i16, i64), &Group)> {
        let dates = self.born.len().max(1) as u64;
        let all: u64 = self.born.values().map(|some| some.count).sum();
        self.born.iter().filter_map(move |(day, some)| {
            let (fewest, times) = if PLACEHOLDERS.contains(day) {
                (FEWEST_PLACEHOLDERS, TIMES_PLACEHOLDERS)
            } else {
                (FEWEST, TIMES)
            };
            // The usual is reckoned without the date itself.
            let usual = (all - some.count).div_ceil(dates);
            (some.count >= fewest && some.count > usual * times).then_some((*day, some))
        })
    }

    pub(super) fn findings(self) -> Vec<Finding> {
        let mut spikes: Vec<_> = self.spikes().collect();
        spikes.sort_by_key(|(day, some)| (std::cmp::Reverse(some.count), *day));
        // What the rest says of days and months is judged without them.
        let mut rest = self.days_of_month;
        for ((_, day), some) in &spikes {
            rest.without(day % 100, some.count);
        }
        let mut findings: Vec<Finding> = Vec::new();
        for ((year, day), some) in spikes.into_iter().take(MOST_SPIKES) {
            let date = written(year, day);
            let words = format!(
                "were born on {date}, far more than on any usual day; it may stand for \"unknown\", \
                 and all of them would be greeted on it"
            );
            findings.extend(some.clone().finding("birthday-spike", words));
        }
        findings.extend(rest.confused());
        let told = [
            (
                self.not_yet_born,
                "birthday-ahead",
                "the birthday lies in the future",
            ),
            (
                self.too_old,
                "too-old",
                "they would be older than anybody has ever been",
            ),
            (
                self.not_yet_joined,
                "joined-ahead",
                "the day on which they became a customer lies in the future",
            ),
            (
                self.joined_before_born,
                "joined-before-born",
                "they became a customer before they were born; one of the two days is wrong",
            ),
        ];
        for (some, kind, words) in told {
            findings.extend(some.finding(kind, words.to_owned()));
        }
        findings
    }
}

impl DaysOfMonth {
    fn add(&mut self, day: i64) {
        self.birthdays += 1;
        self.after_the_12th += u64::from(day > LAST_MONTH);
        self.on_the_first += u64::from(day == 1);
    }

    fn without(&mut self, day: i64, some: u64) {
        self.birthdays -= some;
        self.after_the_12th -= if day > LAST_MONTH { some } else { 0 };
        self.on_the_first -= if day == 1 { some } else { 0 };
    }

    /// What all of them together say.
    fn confused(self) -> Option<Finding> {
        let Self {
            birthdays,
            after_the_12th: late,
            on_the_first: first,
        } = self;
        if birthdays < MANY {
            return None;
        }
        let (kind, words) = if first * 100 > birthdays * ON_THE_FIRST {
            let words = format!(
                "{first} of {birthdays} birthdays lie on the first of a month; the day may be \
                 unknown there"
            );
            ("birthdays-on-the-first", words)
        } else if late * 100 < birthdays * AFTER_THE_12TH {
            let words = format!(
                "only {late} of {birthdays} birthdays lie after the 12th of a month, where usually \
                 three of five do; days and months may be swapped, see `dates` of the source"
            );
            ("days-and-months-swapped", words)
        } else {
            return None;
        };
        Some(Finding {
            kind,
            customers: birthdays,
            words,
            examples: Vec::new(),
        })
    }
}

fn written(year: i16, day: i64) -> String {
    let (month, day) = (i8::try_from(day / 100), i8::try_from(day % 100));
    let date = month.ok().zip(day.ok());
    let date = date.and_then(|(month, day)| Date::new(year, month, day).ok());
    date.map(|date| date.strftime("%-d %B %Y").to_string())
        .unwrap_or_default()
}
