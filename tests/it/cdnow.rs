//! The shipped rules on the purchases of a real shop, against a plain computation of its own.
//!
//! `FONDLY_CDNOW=/path/to/folder` checks the folder's `cdnow-customers.csv` and
//! `cdnow-events.csv` instead: the whole shop, for instance.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use fondly::rhythm::cadence::gaps;
use fondly::rhythm::{Cadence, Pattern, Sample, Wanted};

use crate::shop::{Entry, Shop};

const FROM: &str = "1998-01-01T00:00[UTC]";
const UNTIL: &str = "1998-07-01T00:00[UTC]";
/// The first day on which the rules exist, and the moment at which the rehearsal ends.
const FIRST_DAY: &str = "1998-01-01";
const END: &str = "1998-07-01T00:00:00Z";

const SETTINGS: &str = r#"
[guard]
max_per_rule_per_day = 1000000

[[source]]
name = "customers"
kind = "csv"
path = "../data/customers.csv"
feeds = "customers"
dates = "%d/%m/%Y"

[source.columns]
id = "CustomerNo"
first_name = "First name"
last_name = "Last name"
email = "E-Mail"
birthday = "DOB"
language = "Language"
timezone = "Timezone"
joined_on = "Customer since"
consent = "Consent"
unsubscribed = "Unsubscribed"
tags = "Tags"

[[source]]
name = "events"
kind = "csv"
path = "../data/events.csv"
feeds = "events"

[source.columns]
id = "Order"
customer_id = "CustomerNo"
kind = "Kind"
at = "Date"
amount = "Amount"
currency = "Currency"
quantity = "Quantity"
"#;

/// Two rules under which everybody's silence has a length of its own.
const OWN: [(&str, &str); 2] = [("cadences", "2 cadences"), ("sure", "80% sure")];
/// How often it is learnt anew how customers come.
const LEARNS_EVERY: i64 = 28;

fn own_rule(after: &str) -> String {
    format!(
        "title = \"We miss you\"\ntemplate = \"we-miss-you\"\nclass = \"service\"\n\
         audience = \"customer\"\n\
         [trigger.lapsed]\ncontact = [\"purchase\"]\nafter = \"{after}\"\n"
    )
}

/// Rule, customer, occasion, due moment.
type Expected = BTreeSet<(String, String, String, String)>;

struct Plain {
    expected: Expected,
    first_day: Date,
    end: Timestamp,
}

impl Plain {
    /// Keeps what falls due at nine on this day, unless it lies outside of the stretch.
    fn due(&mut self, (rule, occasion): (&str, String), id: &str, day: Date, zone: &TimeZone) {
        if let Some(at) = self.moment(day, zone) {
            let offset = zone.to_offset(at);
            let shown = at.display_with_offset(offset).to_string();
            let key = (rule.to_owned(), id.to_owned(), occasion, shown);
            assert!(self.expected.insert(key), "twice: {rule} {id} {day}");
        }
    }

    fn moment(&self, day: Date, zone: &TimeZone) -> Option<Timestamp> {
        let at = zone.to_timestamp(day.at(9, 0, 0, 0)).unwrap();
        (day >= self.first_day && at < self.end).then_some(at)
    }
}

/// Days since the beginning of 1970.
fn number(day: Date) -> i32 {
    let start = Date::new(1970, 1, 1).unwrap();
    start.until(day).unwrap().get_days()
}

/// How customers come, as it is known on each day of learning; the latest first.
fn learnt(purchases: &[BTreeSet<Date>], plain: &Plain) -> Vec<(Date, Pattern)> {
    let end = TimeZone::UTC.to_datetime(plain.end).date();
    let mut days = vec![plain.first_day];
    while days
        .last()
        .is_some_and(|day| day_after(*day, LEARNS_EVERY) < end)
    {
        days.push(day_after(*days.last().unwrap(), LEARNS_EVERY));
    }
    let fit = |on: Date| {
        let mut sample = Sample::default();
        for bought in purchases {
            let days: Vec<i32> = bought.iter().copied().map(number).collect();
            sample.add(&days, number(on));
        }
        (on, sample.fit())
    };
    days.into_iter().rev().map(fit).collect()
}

/// The days of silence after which the two rules miss somebody who came on these days.
fn waits(days: &[Date], learnt: &[(Date, Pattern)]) -> [Option<i32>; 2] {
    let last = *days.last().unwrap();
    let numbers: Vec<i32> = days.iter().copied().map(number).collect();
    let latest = &numbers[numbers.len().saturating_sub(Cadence::DAYS)..];
    let twice = Cadence::of(latest).map_or(90, |cadence| cadence.times(20).max(7));
    // What is learnt holds from its day on; the first also for what was before.
    let (_, pattern) = learnt
        .iter()
        .find(|(on, _)| *on <= last)
        .or(learnt.last())
        .unwrap();
    let outlook = pattern.outlook(gaps(&numbers));
    let sure = Wanted::percent(80, 90, 7).days(&outlook);
    [Some(twice), sure.map(|days| days.try_into().unwrap())]
}

/// The columns of a row by their names.
fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

fn day_after(day: Date, days: i64) -> Date {
    day.checked_add(Span::new().days(days)).unwrap()
}

/// 23/04/1987 or 23/04.
fn birthday_in(text: &str, year: i16) -> Option<Date> {
    let parts: Vec<i16> = text.split('/').map(|part| part.parse().unwrap()).collect();
    if parts.get(2).is_some_and(|born| *born >= year) {
        return None;
    }
    let part = |place: usize| i8::try_from(parts[place]).unwrap();
    let day = Date::new(year, part(1), part(0));
    Some(day.unwrap_or_else(|_| Date::new(year, 2, 28).unwrap()))
}

/// What the three shipped rules and two more owe these customers, worked out customer by customer and
/// day by day, with nothing of fondly's but the arithmetic of a rhythm.
fn expected(customers: &Path, events: &Path) -> Expected {
    let mut plain = Plain {
        expected: Expected::new(),
        first_day: FIRST_DAY.parse().unwrap(),
        end: END.parse().unwrap(),
    };
    let mut purchases: BTreeMap<String, Vec<(Date, String)>> = BTreeMap::new();
    for row in rows(events) {
        assert_eq!(row["Kind"], "purchase");
        let of = purchases.entry(row["CustomerNo"].clone()).or_default();
        of.push((row["Date"].parse().unwrap(), row["Order"].clone()));
    }
    let distinct = |bought: &Vec<(Date, String)>| bought.iter().map(|(day, _)| *day).collect();
    let all: Vec<BTreeSet<Date>> = purchases.values().map(distinct).collect();
    let learnt = learnt(&all, &plain);
    for row in rows(customers) {
        let id = row["CustomerNo"].as_str();
        let zone = TimeZone::get(&row["Timezone"]);
        let zone = zone.unwrap_or_else(|_| TimeZone::get("Europe/London").unwrap());
        if !row["DOB"].is_empty() {
            for year in [1997, 1998, 1999] {
                if let Some(day) = birthday_in(&row["DOB"], year) {
                    plain.due(("birthday", day.to_string()), id, day, &zone);
                }
            }
        }
        let bought = purchases.get(id).map(Vec::as_slice).unwrap_or_default();
        for (day, order) in bought {
            plain.due(("thank-you", order.clone()), id, day_after(*day, 3), &zone);
        }
        let days: BTreeSet<Date> = bought.iter().map(|(day, _)| *day).collect();
        for day in &days {
            // Ninety days without any; a purchase on the ninetieth counts from its midnight on.
            let missed = day_after(*day, 90);
            if !days.iter().any(|other| day < other && *other <= missed) {
                plain.due(("we-miss-you", format!("{day}/1")), id, missed, &zone);
            }
        }
        let days: Vec<Date> = days.into_iter().collect();
        for count in 1..=days.len() {
            let (known, next) = (&days[..count], days.get(count));
            let last = known[count - 1];
            for ((rule, _), wait) in OWN.iter().zip(waits(known, &learnt)) {
                let missed = wait.map(|wait| day_after(last, wait.into()));
                let missed = missed.filter(|missed| next.is_none_or(|next| next > missed));
                if let Some(missed) = missed {
                    plain.due((rule, format!("{last}/1")), id, missed, &zone);
                }
            }
        }
    }
    plain.expected
}

fn check(customers: &Path, events: &Path) -> (Expected, Vec<Entry>) {
    let shop = Shop::new();
    shop.customers(&fs::read_to_string(customers).unwrap());
    shop.events(&fs::read_to_string(events).unwrap());
    shop.settings(SETTINGS);
    for (rule, after) in OWN {
        shop.rule(rule, &own_rule(after));
    }
    let done = shop.rehearse(FROM, UNTIL);
    let key = |entry: &Entry| {
        let Entry {
            rule,
            customer,
            occasion,
            due_at,
            ..
        } = entry.clone();
        (rule, customer, occasion, due_at)
    };
    let got: Expected = done.entries.iter().map(key).collect();
    assert_eq!(got.len(), done.entries.len(), "an occasion is there twice");
    let expected = expected(customers, events);
    let missing: Vec<_> = expected.difference(&got).take(20).collect();
    let surplus: Vec<_> = got.difference(&expected).take(20).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "missing: {missing:#?}, surplus: {surplus:#?}"
    );
    let sent = done.entries.iter().filter(|entry| entry.is_sent()).count();
    assert_eq!(done.mail.len(), sent, "a letter for every `sent`");
    (expected, done.entries)
}

#[test]
fn a_real_shop_s_half_year_is_what_a_plain_computation_gives() {
    #[expect(clippy::disallowed_methods, reason = "names a larger shop")]
    if let Ok(folder) = std::env::var("FONDLY_CDNOW") {
        let folder = PathBuf::from(folder);
        check(
            &folder.join("cdnow-customers.csv"),
            &folder.join("cdnow-events.csv"),
        );
        return;
    }
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cdnow");
    let (expected, entries) = check(&data.join("customers.csv"), &data.join("events.csv"));
    for rule in ["birthday", "thank-you", "we-miss-you", "cadences", "sure"] {
        let due = expected.iter().filter(|(of, ..)| of == rule).count();
        let sent = entries.iter().filter(|e| e.rule == rule && e.is_sent());
        assert!(due > 20 && sent.count() > 10, "{rule}: {due} due");
    }
}
