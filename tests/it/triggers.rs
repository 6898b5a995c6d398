//! Triggers while the business goes on: records and rules that change after something was planned.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fondly::model::view::moment;
use fondly::model::{AttrValue, Customer, Event, PartialDate, Policy, View, When};
use fondly::{decide, rules};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::shop::{Entry, Shop, now};

const LOCAL: &str = "[sending]\nquiet_hours = \"none\"\ncaps = {}";

fn rule(title: &str, trigger: &str) -> String {
    format!(
        "title = \"{title}\"\ntemplate = \"birthday\"\nclass = \"service\"\naudience = \"customer\"\n\n{trigger}"
    )
}

fn shop() -> Shop {
    let shop = Shop::new();
    shop.no_rules();
    shop.customers("id,email\nann,ann@mail.example\n");
    shop.settings(LOCAL);
    shop
}

fn purchases(shop: &Shop, minutes_ago: &[(&str, i64)]) {
    let mut csv = String::from("id,customer_id,kind,at\n");
    for (id, minutes) in minutes_ago {
        let at: Timestamp = now() - SignedDuration::from_mins(*minutes);
        writeln!(csv, "{id},ann,purchase,{at}").unwrap();
    }
    shop.events(&csv);
}

fn keys(ledger: &[Entry]) -> Vec<(&str, &str)> {
    let pair = |entry| {
        let entry: &Entry = entry;
        (entry.occasion.as_str(), entry.outcome.as_str())
    };
    ledger.iter().map(pair).collect()
}

#[test]
fn the_first_purchase_that_is_read_later_takes_the_place_of_the_second() {
    let shop = shop();
    let trigger = "[trigger.event]\nevent = \"purchase\"\nafter = \"5 hours\"\nwhich = \"first\"";
    shop.rule("first", &rule("First", trigger));
    purchases(&shop, &[("second", 60)]);
    shop.tick();
    assert_eq!(keys(&shop.ledger()), [("second", "planned")]);
    purchases(&shop, &[("second", 60), ("first", 90)]);
    shop.tick();
    assert_eq!(keys(&shop.ledger()), [("first", "planned")]);
    shop.tick();
    assert_eq!(keys(&shop.ledger()), [("first", "planned")]);
}

#[test]
fn a_surprise_stays_where_it_was_drawn_when_the_rule_gets_another_title() {
    let shop = shop();
    let trigger = "[trigger.event]\nevent = \"purchase\"\nbetween = [\"3 hours\", \"9 hours\"]";
    shop.rule("surprise", &rule("One", trigger));
    purchases(&shop, &[("4711", 60)]);
    shop.tick();
    let before = shop.ledger();
    assert_eq!(keys(&before), [("4711", "planned")]);
    shop.rule("surprise", &rule("Two", &format!("{trigger}\nwhich = 1")));
    shop.tick();
    let after = shop.ledger();
    assert_eq!(keys(&after), [("4711", "planned")]);
    assert_eq!(before[0].due_at, after[0].due_at);
    assert_ne!(before[0].rule_version, after[0].rule_version);
}

#[test]
fn a_day_that_is_edited_in_after_it_was_over_is_not_dug_up() {
    let shop = shop();
    let days_ago = |days: i64| {
        let at = now() - SignedDuration::from_hours(24 * days);
        jiff::tz::TimeZone::UTC.to_datetime(at).date()
    };
    let (five, six) = (days_ago(5), days_ago(6));
    let limits = "[limits]\nbackfill = \"10 days\"";
    let trigger = |on: &str| rule("Fair", &format!("[trigger.fixed]\non = [{on}]\n{limits}"));
    // A new rule that looks back accounts for what it finds there …
    shop.rule("fair", &trigger(&five.to_string()));
    shop.tick();
    let five = five.to_string();
    assert_eq!(keys(&shop.ledger()), [(five.as_str(), "skipped")]);
    // … and an edited one begins nothing that could no longer be sent.
    shop.rule("fair", &trigger(&format!("{six}, {five}")));
    shop.tick();
    assert_eq!(keys(&shop.ledger()), [(five.as_str(), "skipped")]);
}

#[test]
fn check_says_of_dates_what_a_rule_can_do_with_them() {
    let shop = shop();
    shop.customers(
        "id,email,attr.renewal\nann,ann@mail.example,--03-01\nben,ben@mail.example,--03-02\n\
         cid,cid@mail.example,2099-03-03\n",
    );
    let trigger = "[trigger.date]\nfield = \"attr.renewal\"";
    shop.rule("renewal", &rule("Renewal", trigger));
    shop.run(&["check"]).is(1).says(&[
        "rules/renewal.toml: `attr.renewal` isn't read as a date",
        "types = { \"attr.renewal\" = \"date\" }",
        "(customer ann and 2 more)",
    ]);
    let source = "[[source]]\nname = \"customers\"\nkind = \"csv\"\nfeeds = \"customers\"\n\
                  path = \"../data/customers.csv\"\ntypes = { \"attr.renewal\" = \"date\" }";
    shop.settings(&format!("{LOCAL}\n{source}"));
    shop.run(&["check"]).is(0).says(&[
        "rules/renewal.toml: left out, since their `attr.renewal` has no year (customer ann and 1 more)",
    ]);
}

#[test]
fn check_says_when_the_dates_of_a_rule_run_out() {
    let shop = shop();
    let day = |days: i64| {
        let at = now() + SignedDuration::from_hours(24 * days);
        jiff::tz::TimeZone::UTC.to_datetime(at).date()
    };
    let (soon, later) = (day(50), day(70));
    let trigger = "[trigger.holiday]\nholiday = \"fair\"";
    shop.rule("fair", &rule("Fair", trigger));
    shop.rule(
        "open",
        &rule("Open", &format!("[trigger.fixed]\non = [{soon}]")),
    );
    let fair = |date| format!("title = \"Fair\"\ndates = [{date}]");
    shop.write("config/holidays/fair.toml", fair(soon));
    let holiday = format!("holidays/fair.toml: the last date is {soon}");
    let fixed = format!("rules/open.toml: the last date is {soon}");
    shop.run(&["check"]).is(0).says(&[&holiday, &fixed]);
    shop.write("config/holidays/fair.toml", fair(later));
    let ran = shop.run(&["check"]).is(0).says(&[&fixed]);
    assert!(!ran.out.contains("holidays/fair.toml"), "{}", ran.out);
}

#[test]
fn an_edited_holiday_moves_what_was_planned_for_it() {
    let shop = shop();
    // Later today, or early tomorrow, at the ends of the earth: never too late, always planned.
    let today = jiff::tz::TimeZone::UTC.to_datetime(now()).date();
    let fair = |dates: &[jiff::civil::Date]| {
        let dates: Vec<String> = dates.iter().map(ToString::to_string).collect();
        format!("title = \"Fair\"\ndates = [{}]", dates.join(", "))
    };
    shop.customers("id,email,timezone\nann,ann@mail.example,Pacific/Pago_Pago\n");
    let trigger = "[trigger.holiday]\nholiday = \"fair\"\n[send]\nat = \"23:59\"\n\
                   [limits]\nbackfill = \"2 days\"";
    shop.rule("fair", &rule("Fair", trigger));
    shop.write("config/holidays/fair.toml", fair(&[today]));
    shop.tick();
    let planned = shop.ledger();
    assert_eq!(keys(&planned), [(today.to_string().as_str(), "planned")]);
    shop.write(
        "config/holidays/fair.toml",
        fair(&[today.tomorrow().unwrap().tomorrow().unwrap()]),
    );
    shop.tick();
    assert!(shop.ledger().is_empty(), "{:?}", shop.ledger());
    shop.write("config/holidays/fair.toml", fair(&[today]));
    shop.tick();
    assert_eq!(shop.ledger()[0].due_at, planned[0].due_at);
}

/// Numbers that look drawn, and are the same on every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn day(&mut self, first: Date, days: u64) -> Date {
        let ahead = SignedDuration::from_hours(24 * i64::try_from(self.below(days)).unwrap());
        first.checked_add(ahead).unwrap()
    }
}

const SOURCES: &str = "[[source]]\nname = \"customers\"\nkind = \"csv\"\nfeeds = \"customers\"\n\
    path = \"../data/customers.csv\"\ntypes = { \"attr.renewal\" = \"date\" }\n\
    [[source]]\nname = \"events\"\nkind = \"csv\"\nfeeds = \"events\"\npath = \"../data/events.csv\"\n";

const ZONES: &[&str] = &[
    "Europe/London",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "America/Santiago",
    "Asia/Kathmandu",
];

const TRIGGERS: &[(&str, &str)] = &[
    (
        "birthday",
        "[trigger.anniversary]\nfield = \"birthday\"\nfeb29 = \"mar1\"",
    ),
    (
        "month-before",
        "[trigger.anniversary]\nfield = \"birthday\"\noffset = \"-1 month\"",
    ),
    (
        "year-before",
        "[trigger.anniversary]\nfield = \"joined_on\"\noffset = \"-1 year\"",
    ),
    (
        "half-year-on",
        "[trigger.anniversary]\nfield = \"joined_on\"\noffset = \"6 months\"\nyears = [1, 3]",
    ),
    (
        "renewal",
        "[trigger.date]\nfield = \"attr.renewal\"\noffset = \"-6 weeks\"",
    ),
    (
        "renewed",
        "[trigger.date]\nfield = \"attr.renewal\"\noffset = \"13 months\"",
    ),
    (
        "thanks",
        "[trigger.event]\nevent = \"purchase\"\nafter = \"1 month\"\nwhich = \"first\"",
    ),
    (
        "surprise",
        "[trigger.event]\nevent = \"purchase\"\nbetween = [\"10 days\", \"2 months\"]",
    ),
    (
        "soon",
        "[trigger.event]\nevent = \"visit\"\nbetween = [\"30 minutes\", \"50 hours\"]\nwhich = 2",
    ),
    (
        "missed",
        "[trigger.lapsed]\ncontact = [\"visit\", \"purchase\"]\nafter = \"20 days\"\nrepeat = \"11 days\"\ntimes = 4",
    ),
    (
        "regulars",
        "[trigger.lapsed]\ncontact = [\"visit\"]\nafter = \"45 days\"\nmin_contacts = 3\ntimes = 2",
    ),
    (
        "easter",
        "[trigger.holiday]\nholiday = \"easter\"\noffset = \"-10 days\"",
    ),
    (
        "eid",
        "[trigger.holiday]\nholiday = \"eid-al-fitr\"\noffset = \"1 month\"",
    ),
    (
        "fair",
        "[trigger.fixed]\non = [2027-01-01, 2027-10-31, 2028-02-29]",
    ),
];

/// People whose dates and events lie all over the calendar, as files and as the decision sees them.
#[derive(Default)]
struct Town {
    customers: String,
    events: String,
    views: Vec<View>,
}

impl Town {
    fn new(people: usize) -> Self {
        let mut town = Self::default();
        town.customers
            .push_str("id,email,timezone,birthday,joined_on,attr.renewal\n");
        town.events.push_str("id,customer_id,kind,at\n");
        let mut dice = Dice(7);
        for n in 0..people {
            town.move_in(n, &mut dice);
        }
        town
    }

    fn move_in(&mut self, n: usize, dice: &mut Dice) {
        let (id, zone_name) = (format!("c{n:02}"), ZONES[n % ZONES.len()].to_owned());
        let birthday = match n % 8 {
            0 => PartialDate::new(None, 2, 29).unwrap(),
            1 => PartialDate::new(Some(1988), 2, 29).unwrap(),
            _ => dice.day(jiff::civil::date(1950, 1, 1), 20_000).into(),
        };
        let joined_on = dice.day(jiff::civil::date(2023, 1, 1), 1_900);
        let renewal = dice.day(jiff::civil::date(2025, 12, 1), 900);
        // One of them can't be written to, and so has no part in what is everybody's.
        let email = (n != 13).then(|| format!("{id}@mail.example"));
        let address = email.clone().unwrap_or_default();
        writeln!(
            self.customers,
            "{id},{address},{zone_name},{birthday},{joined_on},{renewal}"
        )
        .unwrap();
        let zone = TimeZone::get(&zone_name).unwrap();
        let mut events: Vec<Event> = (0..dice.below(9))
            .map(|e| something(&id, e, dice))
            .collect();
        for event in &events {
            let at = match event.at {
                When::Day(day) => day.to_string(),
                When::Instant(at) => at.to_string(),
            };
            writeln!(self.events, "{},{id},{},{at}", event.id, event.kind).unwrap();
        }
        events.sort_by_key(|event| (moment(event, &zone), event.id.clone()));
        self.views.push(View {
            events,
            ..View::new(
                Customer {
                    id,
                    email,
                    birthday: Some(birthday),
                    joined_on: Some(joined_on),
                    attrs: BTreeMap::from([(
                        "renewal".to_owned(),
                        AttrValue::Date(renewal.into()),
                    )]),
                    ..Customer::default()
                },
                zone,
                zone_name,
            )
        });
    }
}

fn something(customer: &str, n: u64, dice: &mut Dice) -> Event {
    let day = dice.day(jiff::civil::date(2026, 10, 1), 500);
    let kind = ["visit", "purchase", "feedback"][usize::try_from(dice.below(3)).unwrap()];
    let minutes = SignedDuration::from_mins(i64::try_from(dice.below(2_880)).unwrap());
    let midnight = TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap();
    Event {
        id: format!("{customer}-{n}"),
        customer_id: customer.to_owned(),
        kind: kind.to_owned(),
        at: match dice.below(2) {
            0 => When::Day(day),
            _ => When::Instant(midnight + minutes),
        },
        amount: None,
        currency: None,
        quantity: None,
        attrs: BTreeMap::new(),
    }
}

/// Day by day, through the store's indexes, the planner finds exactly whom the rules mean when
/// they are asked about everybody and the whole time at once.
#[test]
fn planning_day_by_day_misses_nobody_and_adds_nobody() {
    let (shop, town) = (shop(), Town::new(40));
    shop.customers(&town.customers);
    shop.events(&town.events);
    shop.settings(&format!("{LOCAL}\n{SOURCES}"));
    for (id, trigger) in TRIGGERS {
        shop.rule(id, &rule(id, trigger));
    }
    let until = "2028-03-02T00:00[Europe/London]";
    let done = shop.rehearse("2027-01-01T00:00[Europe/London]", until);
    let line = |entry: &Entry| {
        let due: Timestamp = entry.due_at.parse().unwrap();
        format!("{} {} {} {due}", entry.rule, entry.customer, entry.occasion)
    };
    let mut got: Vec<String> = done.entries.iter().map(line).collect();
    let mut wanted = expected(&shop, &town.views, &until.parse().unwrap());
    got.sort();
    wanted.sort();
    let only = |these: &[String], others: &[String]| {
        let mut rest: Vec<String> = these.to_vec();
        rest.retain(|line| others.binary_search(line).is_err());
        rest
    };
    let (added, missed) = (only(&got, &wanted), only(&wanted, &got));
    assert!(
        added.is_empty() && missed.is_empty(),
        "{added:#?} {missed:#?}"
    );
    assert_eq!(got.len(), wanted.len(), "none twice");
    for (id, _) in TRIGGERS {
        let of_rule = |line: &&String| line.starts_with(&format!("{id} "));
        let count = wanted.iter().filter(of_rule).count();
        assert!(count > 3, "{id} hardly occurs: {count}");
    }
}

fn expected(shop: &Shop, views: &[View], until: &jiff::ZonedDateTime) -> Vec<String> {
    let zone = TimeZone::get("Europe/London").unwrap();
    let policy = Policy::new(zone, "Europe/London");
    let loaded = rules::load(&shop.path("config/rules"), &shop.path("config/holidays")).unwrap();
    let (first, last) = (jiff::civil::date(2027, 1, 1), jiff::civil::date(2028, 3, 3));
    let mut found = Vec::new();
    for rule in &loaded.rules {
        for view in views {
            let occasions = decide::occasions(rule, view, &policy, first, last);
            let due = occasions.iter().filter(|o| o.due_at < until.timestamp());
            found.extend(due.map(|occasion| {
                let customer = &view.customer.id;
                format!(
                    "{} {customer} {} {}",
                    rule.id, occasion.key, occasion.due_at
                )
            }));
        }
    }
    found
}

#[test]
fn whoever_was_told_of_a_silence_isnt_told_again_when_a_contact_comes_to_light() {
    for audience in ["customer", "owner"] {
        let shop = shop();
        let trigger = "[trigger.lapsed]\ncontact = [\"purchase\"]\nafter = \"3 days\"\n[send]\n\
                       at = \"00:00\"\nlate = \"9 days\"\n[limits]\nbackfill = \"9 days\"";
        let missed =
            rule("Missed", trigger).replace("= \"customer\"", &format!("= \"{audience}\""));
        shop.rule("missed", &missed);
        let days = |days: i64| days * 24 * 60;
        purchases(&shop, &[("first", days(5))]);
        shop.tick();
        purchases(&shop, &[("first", days(5)), ("read later", days(4))]);
        shop.tick();
        let sent = shop.ledger();
        assert_eq!(
            sent.iter().filter(|entry| entry.is_sent()).count(),
            1,
            "{audience}: {sent:#?}"
        );
    }
}
