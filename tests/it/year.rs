//! A year of a town, three times over: forecast, rehearsed, and as it happened; and whether
//! anybody was annoyed.
//!
//! **The same** means: each (rule, customer, occasion) has the same due moment, outcome, reason
//! and moment of sending, and was decided on the same day, however it came about:
//!
//! - *happened*: the engine as `fondly run` uses it, on the real store, with eight workers and
//!   letters on the disk. Its clock is set by hand: it looks at every whole hour, and at every
//!   minute at which something is due, as a daemon does that looks every minute. Twice it is
//!   switched off for three days, and opened anew afterwards.
//! - *forecast*: made once at the start, from the books of the two months before it.
//! - *rehearsed*: from the same moment; it forgets those books from there on. Its rules start on that
//!   civil day, so where it is still the day before, what is due in its last hours isn't compared.
//!
//! Nobody can foresee when a machine will stand still, so the last two are told beforehand (for
//! tests only, [`Stretch::away`]). Nor can they foresee records: everything that the year brings is
//! in the files from the start, and comes to pass on its day.
//!
//! Whether anybody was annoyed is checked by code that knows nothing of the engine: it reads the
//! ledger's lines and the records.
//!
//! `FONDLY_YEAR_SEEDS=1,2,3 FONDLY_YEAR_CUSTOMERS=2000 FONDLY_YEAR_DAYS=365 cargo test --release
//! --test it year:: -- --nocapture` is the long form.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;

use fondly::clock::Clock;
use fondly::engine::entry_json::entry_json;
use fondly::engine::forecast::{Question, forecast};
use fondly::engine::rehearse::{Rehearsal, rehearse};
use fondly::engine::tick::{Pass, recover, tick};
use fondly::engine::walk::Stretch;
use fondly::engine::{House, Plans};
use fondly::model::{Outcome, Reason};
use fondly::store::Filter;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use tokio_util::sync::CancellationToken;

use crate::shop::{Entry, Shop, entries};
use crate::town;

const HOUR: i64 = 60 * MINUTE;
const MINUTE: i64 = 60_000;
/// The books of so many days are there when the year begins.
const BEFORE: SignedDuration = SignedDuration::from_hours(60 * 24);
const AWAY: SignedDuration = SignedDuration::from_hours(3 * 24);
const START: &str = "2027-03-20";
const HERE: &str = "Europe/London";

/// How long, how many and which.
struct Form {
    seeds: Vec<u64>,
    customers: u64,
    days: i64,
}

impl Form {
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever wants the long form says so in the environment"
    )]
    fn read() -> Self {
        let number =
            |name: &str, unless: i64| env::var(name).map_or(unless, |text| text.parse().unwrap());
        let seeds = env::var("FONDLY_YEAR_SEEDS").unwrap_or_else(|_| "1".to_owned());
        Self {
            seeds: seeds.split(',').map(|seed| seed.parse().unwrap()).collect(),
            customers: number("FONDLY_YEAR_CUSTOMERS", 150).unsigned_abs(),
            days: number("FONDLY_YEAR_DAYS", 100),
        }
    }
}

fn plans(shop: &Shop) -> Plans {
    Plans::read(&shop.path("config/fondly.toml")).unwrap()
}

fn town_of(seed: u64, customers: u64) -> Shop {
    let shop = Shop::new();
    let mut dice = town::Dice::new(seed);
    town::settle(&shop, &mut dice, customers, START.parse().unwrap());
    town::rules(&shop);
    shop.settings(&format!(
        "[sending]\nquiet_hours = \"20:00-08:00\"\nmarketing_basis = \"existing-customers\"\n\
         caps = {{ marketing = \"1 per 14 days\", any = \"1 per 2 days\" }}\n{}",
        town::SOURCES
    ));
    shop
}

/// The engine at work from this moment on until before that one.
async fn live(shop: &Shop, stretch: &Stretch) {
    let opened = async |now: Timestamp| {
        let house = House::open(plans(shop), Clock::manual(now)).await.unwrap();
        recover(&house).await.unwrap();
        Arc::new(house)
    };
    let never = CancellationToken::new();
    let mut now = stretch.from;
    let mut house = opened(now).await;
    while now < stretch.until {
        house.clock.set(now);
        let pass = Pass {
            sync: now == stretch.from || now.as_second() % 86_400 == 0,
            workers: None,
        };
        tick(&house, pass, &never).await.unwrap();
        let next_hour = (now.as_millisecond() / HOUR + 1) * HOUR;
        let due = house.store.next_due().await.unwrap();
        let due = due.map_or(i64::MAX, |due| {
            let minutes = due.as_millisecond().div_euclid(MINUTE);
            let late = due.as_millisecond() % MINUTE > 0;
            (minutes + i64::from(late)) * MINUTE
        });
        let next = if due > now.as_millisecond() {
            due.min(next_hour)
        } else {
            next_hour
        };
        now = Timestamp::from_millisecond(next).unwrap();
        let mut away = stretch.away.iter();
        if let Some((_, until)) = away.find(|(from, until)| *from <= now && now < *until) {
            now = *until;
            house.store.clone().close().await.unwrap();
            house = opened(now).await;
        }
    }
    house.store.clone().close().await.unwrap();
}

/// What the books say of everything that wasn't settled before the stretch.
async fn happened(shop: &Shop, stretch: &Stretch) -> String {
    let house = House::open(plans(shop), Clock::manual(stretch.until)).await;
    let house = house.unwrap();
    let wanted = Filter {
        until: Some(stretch.until),
        unsettled_before: Some(stretch.from),
        ..Filter::default()
    };
    let found = house.store.log(&wanted).await.unwrap();
    house.store.close().await.unwrap();
    lines(&found)
}

fn lines(found: &[fondly::store::Entry]) -> String {
    found.iter().fold(String::new(), |mut text, entry| {
        writeln!(text, "{}", serde_json::Value::Object(entry_json(entry))).unwrap();
        text
    })
}

async fn rehearsed(shop: &Shop, stretch: &Stretch) -> String {
    let wanted = Rehearsal {
        from: stretch.from.to_zoned_datetime(TimeZone::UTC),
        until: stretch.until.to_zoned_datetime(TimeZone::UTC),
        away: stretch.away.clone(),
        out: shop.path("rehearsal"),
    };
    rehearse(plans(shop), &wanted, |_| {}).await.unwrap();
    fs::read_to_string(wanted.out.join("ledger.jsonl")).unwrap()
}

/// A forecast tells of what nobody decides that it is held; here nobody does, and the year goes on.
fn undecided(told: Vec<fondly::store::Entry>, until: Timestamp) -> Vec<fondly::store::Entry> {
    let as_it_ends = |mut entry: fondly::store::Entry| {
        let ends = entry.next_attempt_at.filter(|at| *at < until);
        if entry.outcome == Outcome::Held && ends.is_some() {
            (entry.outcome, entry.reason) = (Outcome::Skipped, Some(Reason::TooLate));
            entry.decided_at = ends;
        }
        entry
    };
    told.into_iter().map(as_it_ends).collect()
}

/// One line for what has to be the same.
fn same(text: &str) -> BTreeSet<String> {
    let day = |at: &Option<String>| {
        at.as_ref()
            .map_or("-".to_owned(), |at| at.get(..10).unwrap().to_owned())
    };
    let line = |entry: &Entry| {
        let fields = [
            "rule", "customer", "occasion", "due_at", "outcome", "reason", "sent_at",
        ];
        format!("{} decided {}", entry.line(&fields), day(&entry.decided_at))
    };
    entries(text).iter().map(line).collect()
}

/// Without what came due after this moment where it was still the day before.
fn from_the_first_day(lines: &BTreeSet<String>, from: Timestamp) -> BTreeSet<String> {
    let compared = |line: &&String| {
        let due = line.split(' ').nth(3).unwrap();
        due >= START || due.parse::<Timestamp>().unwrap() < from
    };
    lines.iter().filter(compared).cloned().collect()
}

fn assert_same(name: &str, one: &BTreeSet<String>, happened: &BTreeSet<String>) {
    let mut text = String::new();
    for line in happened.difference(one).take(10) {
        writeln!(text, "  happened:  {line}").unwrap();
    }
    for line in one.difference(happened).take(10) {
        writeln!(text, "  {name}: {line}").unwrap();
    }
    let apart = happened.symmetric_difference(one).count();
    assert!(apart == 0, "{name}: {apart} lines apart\n{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_year_is_as_it_was_forecast_and_rehearsed_and_annoys_nobody() {
    let form = Form::read();
    for seed in &form.seeds {
        let shop = town_of(*seed, form.customers);
        let here = TimeZone::get(HERE).unwrap();
        let start: Date = START.parse().unwrap();
        let from = here.to_timestamp(start.at(0, 0, 0, 0)).unwrap();
        let until = from + (form.days * 24).hours();
        let away = |share: i64, hours: i64| {
            let begin = from + (form.days * 24 / 10 * share + hours).hours();
            (begin, begin + AWAY)
        };
        let year = Stretch {
            from,
            until,
            // One stands still at noon, one at night.
            away: vec![away(3, 12), away(7, 21)],
        };
        let before = Stretch {
            from: from - BEFORE,
            until: from,
            away: Vec::new(),
        };
        live(&shop, &before).await;
        let told = forecast(plans(&shop), &year, &Question::default(), |_| {}).await;
        let told = same(&lines(&undecided(told.unwrap().entries, until)));
        let played = same(&rehearsed(&shop, &year).await);
        live(&shop, &year).await;
        let text = happened(&shop, &year).await;
        let was = same(&text);
        assert_same("forecast", &told, &was);
        assert_same("rehearsed", &played, &from_the_first_day(&was, from));
        let all = shop.run(&["log", "--format", "json", "--limit", "10000000"]);
        let all = entries(&all.is(0).out);
        let watched = Watch::new(&shop).over(&all);
        summary(*seed, &was, &watched);
    }
}

/// The year has to hold what it is about.
#[expect(clippy::print_stdout, reason = "the figures of the long form")]
fn summary(seed: u64, was: &BTreeSet<String>, watched: &BTreeMap<&'static str, usize>) {
    let mut reasons = BTreeMap::<String, usize>::new();
    let mut rules = BTreeSet::new();
    for line in was {
        let words: Vec<&str> = line.split(' ').collect();
        let what = format!("{} {}", words[4], words[5]);
        *reasons.entry(what).or_default() += 1;
        if words[4] == "sent" {
            rules.insert(words[0].to_owned());
        }
    }
    println!(
        "seed {seed}: {} entries, {reasons:?}, {watched:?}",
        was.len()
    );
    for reason in [
        "sent accepted",
        "skipped capped",
        "skipped complaint-open",
        "skipped condition-false",
        "skipped holdout",
        "skipped no-address",
        "skipped no-consent",
        "skipped suppressed",
        "skipped too-late",
    ] {
        assert!(
            reasons.contains_key(reason),
            "{reason} never came: {reasons:?}"
        );
    }
    // What needs many people to come about. The letters for everybody are too many for the guard,
    // and nobody in this town approves them.
    if was.len() > 5000 {
        for reason in [
            "held awaits-approval",
            "skipped daily-limit",
            "skipped quiet-hours",
        ] {
            assert!(
                reasons.contains_key(reason),
                "{reason} never came: {reasons:?}"
            );
        }
    }
    assert!(rules.len() >= 8, "only {rules:?} sent anything");
    for (what, count) in watched {
        assert!(*count > 0, "{what}: nothing to watch");
    }
}

/// Looks at the ledger and the records as the customers would, with no code of ours.
struct Watch {
    people: HashMap<String, HashMap<String, String>>,
    /// Customer, kind and moment.
    events: Vec<(String, String, Timestamp)>,
}

impl Watch {
    fn new(shop: &Shop) -> Self {
        let read = |name: &str| -> Vec<HashMap<String, String>> {
            let text = fs::read_to_string(shop.path(name)).unwrap();
            let mut lines = text.lines();
            let head: Vec<&str> = lines.next().unwrap().split(',').collect();
            let row = |line: &str| {
                let cells = line.split(',').map(str::to_owned);
                head.iter()
                    .map(|name| (*name).to_owned())
                    .zip(cells)
                    .collect()
            };
            lines.map(row).collect()
        };
        let people: HashMap<_, _> = read("data/customers.csv")
            .into_iter()
            .map(|person| (person["id"].clone(), person))
            .collect();
        let events = read("data/events.csv")
            .into_iter()
            .map(|event| {
                let who = event["customer_id"].clone();
                let zone = zone_of(&people[&who]);
                let at = event["at"].parse().unwrap_or_else(|_| {
                    let day: Date = event["at"].parse().unwrap();
                    zone.to_timestamp(day.at(0, 0, 0, 0)).unwrap()
                });
                (who, event["kind"].clone(), at)
            })
            .collect();
        Self { people, events }
    }

    /// How much there was to watch, of each kind.
    fn over(&self, ledger: &[Entry]) -> BTreeMap<&'static str, usize> {
        let mut seen = BTreeMap::new();
        let mut count = |what| *seen.entry(what).or_default() += 1;
        let mut letters: HashMap<&str, Vec<(Date, &str)>> = HashMap::new();
        let mut kept_out = BTreeSet::new();
        let mut written = BTreeSet::new();
        for entry in ledger {
            let person = &self.people[&entry.customer];
            let group = (entry.rule.as_str(), entry.customer.as_str());
            if entry.reason.as_deref() == Some("holdout") {
                count("kept out for comparison");
                kept_out.insert(group);
            }
            let Some(sent_at) = &entry.sent_at else {
                continue;
            };
            count("letters");
            written.insert(group);
            let at: Timestamp = sent_at.parse().unwrap();
            let class = town::class(&entry.rule);
            if class != "service" {
                assert_eq!(person["unsubscribed"], "", "unsubscribed: {entry:#?}");
                assert!(
                    !self.complains(&entry.customer, at),
                    "complaint: {entry:#?}"
                );
            }
            if class == "marketing" {
                assert_ne!(person["consent"], "no", "no consent: {entry:#?}");
            }
            if town::is_note(&entry.rule) {
                continue;
            }
            let local = zone_of(person).to_datetime(at);
            assert!((8..20).contains(&local.hour()), "quiet hours: {entry:#?}");
            assert_eq!(entry.recipient.as_ref(), Some(&person["email"]));
            letters
                .entry(&entry.customer)
                .or_default()
                .push((local.date(), class));
        }
        let both: Vec<_> = kept_out.intersection(&written).collect();
        assert!(both.is_empty(), "written to although kept out: {both:?}");
        for (who, mut days) in letters {
            days.sort_unstable();
            let marketing = days.iter().filter(|(_, class)| *class == "marketing");
            far_apart(who, marketing.map(|(day, _)| *day), 14);
            far_apart(who, days.iter().map(|(day, _)| *day), 2);
            if days.len() > 1 {
                count("customers with several letters");
            }
        }
        seen
    }

    fn complains(&self, who: &str, now: Timestamp) -> bool {
        let last = |kind: &str| {
            let of_kind = self
                .events
                .iter()
                .filter(|(whose, what, at)| whose == who && what == kind && *at <= now);
            of_kind.map(|(_, _, at)| *at).max()
        };
        last("complaint-opened") > last("complaint-closed")
    }
}

/// At most one in so many days.
fn far_apart(who: &str, days: impl Iterator<Item = Date>, least: i32) {
    let days: Vec<Date> = days.collect();
    for pair in days.windows(2) {
        let gap = pair[0].until(pair[1]).unwrap().get_days();
        assert!(
            gap >= least,
            "{who} got letters on {} and {}",
            pair[0],
            pair[1]
        );
    }
}

/// Where they live, or the business where that isn't known.
fn zone_of(person: &HashMap<String, String>) -> TimeZone {
    let named = TimeZone::get(&person["timezone"]);
    named.unwrap_or_else(|_| TimeZone::get(HERE).unwrap())
}
