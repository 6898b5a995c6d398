//! Small businesses drawn by a seed, each with its own rules, people, caps and hours: whatever the
//! forecast says of a letter, `explain` says too.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fondly::clock::Clock;
use fondly::engine::control;
use fondly::engine::explain::{Question, Said, explain};
use fondly::engine::forecast::{self, forecast};
use fondly::engine::walk::Stretch;
use fondly::model::Outcome;
use fondly::store::{Entry, Filter};
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use crate::outage::Office;
use crate::shop::Shop;

/// Worlds that are played every time.
const WORLDS: u64 = 20;
/// Worlds in which there once were two answers: a day that moved, a batch that grew smaller, letters
/// that were held already.
const TOLD_TWICE: [u64; 9] = [38, 45, 88, 122, 127, 160, 186, 243, 271];
/// Days that are looked ahead.
const DAYS: i64 = 24;
/// First moments: leap days, changes of the clock, the turn of a year.
const STARTS: &[&str] = &[
    "2027-02-25T06:30:00Z",
    "2028-02-26T11:00:00Z",
    "2027-03-26T23:59:30Z",
    "2027-10-29T08:00:00Z",
    "2027-12-29T20:15:00Z",
    "2027-06-14T09:59:59Z",
];

/// Draws, always the same for one seed.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> i64 {
        i64::try_from(self.next() % n).unwrap()
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    /// In so many of a hundred cases.
    fn chance(&mut self, percent: i64) -> bool {
        self.below(100) < percent
    }
}

fn settings(draw: &mut Draw) -> String {
    let quiet = draw.one(&["none", "20:00-08:00", "08:30-10:15", "none"]);
    let any = draw.one(&[
        "1 per 2 days",
        "1 per 5 days",
        "2 per 4 days",
        "1 per 1 day",
    ]);
    let marketing = draw.one(&["1 per 14 days", "1 per 3 days", "9 per 1 day"]);
    let (most, share) = draw.one(&[(200, "5%"), (1, "30%"), (2, "60%"), (200, "5%")]);
    format!(
        "[sending]\nquiet_hours = \"{quiet}\"\n\
         caps = {{ any = \"{any}\", marketing = \"{marketing}\" }}\n\
         [guard]\nmax_per_rule_per_day = {most}\nmax_share = \"{share}\"\n"
    )
}

fn rule(draw: &mut Draw, n: usize, start: Timestamp) -> String {
    let day = |days: i64| (start + SignedDuration::from_hours(24 * days)).strftime("%Y-%m-%d");
    let class = draw.one(&["service", "relationship", "marketing", "relationship"]);
    let priority = draw.one(&[20, 50, 50, 80]);
    let audience = draw.one(&["customer", "customer", "customer", "owner"]);
    let mut text = format!(
        "title = \"R{n}\"\ntemplate = \"birthday\"\nclass = \"{class}\"\n\
         audience = \"{audience}\"\npriority = {priority}\n"
    );
    let after = draw.one(&["0 minutes", "1 day", "90 minutes", "3 days"]);
    let offset = draw.one(&["0 days", "-2 days", "1 day"]);
    let (first, second) = (draw.below(20), draw.below(20));
    let trigger = match draw.below(6) {
        0 | 1 => format!("[trigger.anniversary]\nfield = \"birthday\"\noffset = \"{offset}\"\n"),
        2 => "[trigger.anniversary]\nfield = \"joined_on\"\n".to_owned(),
        3 => format!(
            "[trigger.fixed]\non = [\"{}\", \"{}\"]\n",
            day(first),
            day(21 + second)
        ),
        4 => format!("[trigger.event]\nevent = \"purchase\"\nafter = \"{after}\"\n"),
        _ => {
            "[trigger.lapsed]\ncontact = [\"purchase\"]\nafter = \"7 days\"\nrepeat = \"5 days\"\n\
              times = 2\n"
                .to_owned()
        }
    };
    text += &trigger;
    if draw.chance(20) {
        text += "[only]\nwhere = \"customer.first_name != 'Cara'\"\n";
    }
    let at = draw.one(&["09:00", "07:00", "21:30", "09:00"]);
    let zone = draw.one(&["customer", "business"]);
    let late = draw.one(&["2 days", "0 days", "5 days", "9 hours", "12 days"]);
    let capped = draw.one(&["defer", "defer", "skip"]);
    let send = format!(
        "[send]\nat = \"{at}\"\nzone = \"{zone}\"\nlate = \"{late}\"\nwhen_capped = \"{capped}\"\n"
    );
    text += &send;
    if draw.chance(30) {
        text += "days = [\"mon\", \"wed\", \"sat\"]\n";
    }
    if draw.chance(20) {
        text += "spread = \"90 minutes\"\n";
    }
    text += "[limits]\n";
    if draw.chance(15) {
        text += "approve = \"first 2\"\n";
    }
    if draw.chance(15) {
        text += "holdout = \"40%\"\n";
    }
    if draw.chance(15) {
        text += "max_per_day = 1\n";
    }
    if draw.chance(50) {
        text += "backfill = \"4 days\"\n";
    }
    text
}

/// Who there is, and what happened to them and will.
fn records(draw: &mut Draw, start: Timestamp) -> (String, String) {
    let near = |draw: &mut Draw, back: i64, span: u64| {
        start + SignedDuration::from_hours(24 * (draw.below(span) - back))
    };
    let mut people =
        String::from("id,email,first_name,birthday,joined_on,timezone,consent,unsubscribed\n");
    let mut events = String::from("id,customer_id,kind,at\n");
    let same = near(draw, 2, 12);
    let names = ["Ann", "Bob", "Cara", "Dan", "Eve"];
    for (n, name) in names.iter().enumerate() {
        let own = near(draw, 3, 24);
        let born = if draw.chance(50) { same } else { own };
        let joined = near(draw, 3, 24).strftime("2016-%m-%d");
        let born = born.strftime("1984-%m-%d");
        let zone = draw.one(&[
            "",
            "America/New_York",
            "Pacific/Kiritimati",
            "Europe/London",
        ]);
        let consent = draw.one(&["", "yes", "no", ""]);
        let out = draw.one(&["", "", "", "", "yes"]);
        let email = if draw.chance(90) {
            format!("c{n}@mail.example")
        } else {
            String::new()
        };
        writeln!(
            people,
            "c{n},{email},{name},{born},{joined},{zone},{consent},{out}"
        )
        .unwrap();
        for m in 0..draw.below(5) {
            let at = near(draw, 9, 20);
            let at = if draw.chance(40) {
                at.strftime("%Y-%m-%d").to_string()
            } else {
                (at + SignedDuration::from_mins(draw.below(1440))).to_string()
            };
            writeln!(events, "e{n}-{m},c{n},purchase,{at}").unwrap();
        }
    }
    (people, events)
}

/// A world of this seed, at the moment from which it is looked ahead.
async fn world(seed: u64) -> Office {
    let mut draw = Draw(seed);
    let start: Timestamp = draw.one(STARTS).parse().unwrap();
    let shop = Shop::new();
    shop.no_rules();
    shop.settings(&settings(&mut draw));
    for n in 0..2 + draw.below(4) {
        let n = usize::try_from(n).unwrap();
        shop.rule(&format!("r{n}"), &rule(&mut draw, n, start));
    }
    let (people, events) = records(&mut draw, start);
    shop.customers(&people);
    shop.events(&events);
    let before = start.checked_sub(96.hours()).unwrap();
    let clock = Clock::manual(before);
    let office = Office::open(shop, clock.clone()).await;
    office.read_records().await;
    if draw.chance(70) {
        // Four days of work are behind them: something was sent, something waits.
        let mut at = before;
        while at < start {
            clock.set(at);
            office.pass().await;
            at += SignedDuration::from_mins(draw.one(&[60, 240, 37]));
        }
    }
    clock.set(start);
    if draw.chance(25) {
        // Records that came in since the last pass.
        let (people, events) = records(&mut draw, start);
        office.shop.customers(&people);
        office.shop.events(&events);
        office.read_records().await;
    }
    let store = &office.house.store;
    if draw.chance(20) {
        store.pause(Some("r1"), start).await.unwrap();
    }
    for _ in 0..draw.below(4) {
        let day = (start + SignedDuration::from_hours(24 * draw.below(9))).strftime("%Y-%m-%d");
        let (day, rule) = (
            day.to_string().parse().unwrap(),
            draw.one(&["r0", "r1", "r2"]),
        );
        let approved = draw.chance(70);
        let said = control::decide(&office.house, "test", (rule, day), approved, start);
        said.await.unwrap();
    }
    office
}

async fn ask(office: &Office, customer: &str, of: Option<&Entry>) -> Vec<Said> {
    let question = Question {
        customer: customer.to_owned(),
        rule: of.map(|entry| entry.rule.clone()),
        on: of.map(|entry| entry.occasion.day),
    };
    explain(&office.house, &question).await.unwrap().said
}

/// What both answers have in common.
type Answer = (Outcome, Option<String>, Option<Timestamp>);

fn of_forecast(entry: &Entry) -> Answer {
    let reason = entry.reason.filter(|_| entry.outcome != Outcome::Sent);
    (
        entry.outcome,
        reason.map(|one| one.to_string()),
        entry.sent_at,
    )
}

fn of_explain(said: &Said) -> Option<Answer> {
    let (outcome, reason) = said.comes_to?;
    Some((outcome, reason.map(|one| one.to_string()), said.goes_at))
}

/// Whether anything in this world lets one customer's letters wait for another's.
fn may_hang_on_others(shop: &Shop) -> bool {
    let settings = std::fs::read_to_string(shop.path("config/local.toml")).unwrap();
    let rules = std::fs::read_dir(shop.path("config/rules")).unwrap();
    let mut rules = rules.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    !settings.contains("max_per_rule_per_day = 200")
        || rules.any(|text| text.contains("max_per_day") || text.contains("approve"))
}

/// How often the answers were compared, by what the forecast said; and how often `explain` left it
/// to others.
#[derive(Debug, Default)]
struct Counts {
    same: BTreeMap<String, u32>,
    left_open: u32,
}

async fn holds(seed: u64, counts: &mut Counts) -> Result<(), String> {
    let office = world(seed).await;
    let start = office.clock.now();
    let stretch = Stretch {
        from: start,
        until: start + SignedDuration::from_hours(24 * DAYS),
        away: Vec::new(),
    };
    let store = &office.house.store;
    let before = store.log(&Filter::default()).await.unwrap();
    let over = |entry: &Entry| {
        let mut known = before.iter();
        known.any(|one| one.id == entry.id && one.outcome.is_final())
    };
    let question = forecast::Question::default();
    let plans = office.house.plans.clone();
    let told = Box::pin(forecast(plans, &stretch, &question, |_| {})).await;
    let told = told.unwrap();
    let mut entries: Vec<&Entry> = told.entries.iter().collect();
    entries.retain(|entry| !over(entry));
    for entry in &entries {
        let said = ask(&office, &entry.customer, Some(entry)).await;
        let of_it = said
            .iter()
            .find(|one| one.occasion.as_ref() == Some(&entry.occasion.key));
        let Some(said) = of_it else {
            return Err(format!("not told of: {entry:#?}\n{said:#?}"));
        };
        let theirs = of_forecast(entry);
        let Some(ours) = of_explain(said) else {
            if !may_hang_on_others(&office.shop) {
                return Err(format!("left open: {entry:#?}\n{said:#?}"));
            }
            counts.left_open += 1;
            continue;
        };
        let waits = matches!(entry.outcome, Outcome::Planned | Outcome::Deferred);
        let paused = told
            .paused
            .rules
            .iter()
            .any(|(rule, _)| *rule == entry.rule);
        let agrees = if waits && !paused {
            // The stretch ends before it is settled.
            ours.2.is_none_or(|at| at >= stretch.until)
        } else {
            ours == theirs
        };
        if !agrees {
            return Err(format!(
                "{theirs:?}, and we say {ours:?}: {entry:#?}\n{said:#?}"
            ));
        }
        let what = format!("{} {}", theirs.0, theirs.1.unwrap_or_default());
        *counts.same.entry(what).or_default() += 1;
    }
    in_both(&office, &stretch, &entries).await?;
    store.clone().close().await.unwrap();
    Ok(())
}

/// What is told without being asked about a day is in the forecast, too.
async fn in_both(office: &Office, stretch: &Stretch, entries: &[&Entry]) -> Result<(), String> {
    for n in 0..5 {
        for said in ask(office, &format!("c{n}"), None).await {
            let Some((_, _, Some(at))) = of_explain(&said) else {
                continue;
            };
            let found = entries.iter().find(|entry| {
                entry.customer == format!("c{n}")
                    && entry.rule == said.rule
                    && Some(&entry.occasion.key) == said.occasion.as_ref()
            });
            if at < stretch.until && found.is_none_or(|entry| entry.sent_at != Some(at)) {
                return Err(format!("only we say that it goes: {said:#?}\n{found:#?}"));
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_worlds_of_every_kind_both_say_the_same() {
    let mut counts = Counts::default();
    let mut wrong = Vec::new();
    for seed in (1..=WORLDS).chain(TOLD_TWICE) {
        if let Err(words) = holds(seed, &mut counts).await {
            wrong.push(format!("seed {seed}: {words}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    // Otherwise it would say little.
    let same: u32 = counts.same.values().sum();
    assert!(counts.left_open * 5 < same, "{counts:#?}");
    for outcome in [
        "sent ",
        "skipped capped",
        "held ",
        "skipped too-late",
        "skipped holdout",
    ] {
        let mut kinds = counts.same.iter();
        assert!(
            kinds.any(|(what, n)| what.starts_with(outcome) && *n > 0),
            "{counts:#?}"
        );
    }
}
