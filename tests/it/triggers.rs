//! Triggers while the business goes on: records and rules that change after something was planned.

use std::fmt::Write as _;

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
