//! Changes in use, as the owner meets them: found, explained, forecast, and told once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::civil::Date;
use jiff::{ToSpan as _, tz::TimeZone};

use crate::shop::{Shop, now};
use crate::town::Dice;

fn today() -> Date {
    let zone = TimeZone::get("Europe/London").unwrap();
    zone.to_datetime(now()).date()
}

/// Somebody who came every day until `last` days ago, for so many days.
fn visits(days: i32, last: i32) -> String {
    let mut events = String::from("id,customer_id,kind,at\n");
    for n in 0..days {
        let on = today() - (last + n).days();
        writeln!(events, "v{n},ann,visit,{on}").unwrap();
    }
    events
}

/// An owner who wants to hear of a decline by half, ten days against twenty.
fn shop(change: &str) -> Shop {
    let shop = Shop::new();
    shop.settings(
        "[business]\nowner = [\"rose@thorn.example\"]\n[sending]\nquiet_hours = \"none\"",
    );
    shop.no_rules();
    shop.customers("id,email,first_name\nann,ann@mail.example,Ann\n");
    rule(&shop, change);
    shop
}

fn rule(shop: &Shop, change: &str) {
    shop.rule(
        "less",
        &format!(
            "title = \"Less\"\ntemplate = \"usage-down\"\nclass = \"service\"\naudience = \"owner\"\n\
             [trigger.usage]\nmeasure = \"count\"\nof = [\"visit\"]\nwindow = \"10 days\"\n\
             versus = \"20 days\"\nchange = \"{change}\"\n[send]\nat = \"00:00\"\nlate = \"3 days\"\n\
             [limits]\nbackfill = \"3 days\"\n"
        ),
    );
}

#[test]
fn a_decline_is_told_with_its_figures_and_explained() {
    // The last of forty daily visits six days ago: five of the last ten days.
    let shop = shop("-50%");
    shop.events(&visits(40, 6));
    shop.tick();
    let ledger = shop.ledger();
    let (start, told) = (today() - 10.days(), &ledger[0]);
    assert_eq!(ledger.len(), 1, "{ledger:#?}");
    assert!(told.is_sent());
    assert_eq!(told.occasion, start.to_string());
    shop.run(&["show", &told.id]).is(0).says(&[
        "Usual in so many days: about 10",
        "Less than usual by: 50 %",
        &format!("In the 10 days from {} on: 5", start.strftime("%-d %B %Y")),
    ]);
    shop.run(&["explain", "ann", "--rule", "less"])
        .is(0)
        .says(&[
            "5 of `visit` in the 10 days to ",
            ", against usually 10 in 10 days over the 20 days before: 50 % fewer, and the rule asks for 50 % fewer; due on ",
            "It went out on ",
            "and is told only once",
        ]);
    shop.run(&["check"])
        .is(0)
        .says(&["1 letter could be written"]);
}

#[test]
fn what_lies_ahead_is_forecast_as_if_nothing_more_happened() {
    let shop = shop("-50%");
    shop.events(&visits(40, 1));
    shop.tick();
    assert_eq!(shop.ledger(), []);
    shop.run(&["forecast", "--days", "10"])
        .is(0)
        .says(&["1 goes out: Ann (ann)"]);
    shop.run(&["explain", "ann"]).is(0).says(&[
        "5 of `visit` in the 10 days to ",
        "Nothing stands in its way, as things are.",
    ]);
}

/// A visit that is entered late moves the first day of the decline; an edit of the rule does so, too.
#[test]
fn neither_a_late_record_nor_an_edit_has_the_same_decline_told_twice() {
    let shop = shop("-50%");
    shop.events(&visits(40, 6));
    shop.tick();
    let before = shop.ledger();
    assert_eq!(before.len(), 1);
    // A second visit on a day of the base: what is usual is more, so it was half a day earlier.
    let mut events = visits(40, 6);
    for n in 0..6 {
        let on = today() - (20 + n).days();
        writeln!(events, "x{n},ann,visit,{on}").unwrap();
    }
    shop.events(&events);
    shop.tick();
    assert_eq!(shop.ledger(), before);
    rule(&shop, "-40%");
    shop.tick();
    assert_eq!(shop.ledger(), before);
}

#[test]
fn a_visit_in_time_calls_it_off() {
    let shop = shop("-50%");
    shop.events(&visits(40, 1));
    let from = today().at(0, 0, 0, 0);
    let until = (today() + 12.days()).at(0, 0, 0, 0);
    let played = |shop: &Shop| {
        let zone = "[Europe/London]";
        let (from, until) = (format!("{from}{zone}"), format!("{until}{zone}"));
        shop.rehearse(&from, &until).entries
    };
    let due = today() + 5.days();
    let entries = played(&shop);
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].occasion, (due - 10.days()).to_string());
    let mut events = visits(40, 1);
    for n in 0..12 {
        writeln!(events, "n{n},ann,visit,{}", today() + n.days()).unwrap();
    }
    shop.events(&events);
    assert_eq!(played(&shop), []);
}

/// What the definition gives for somebody's visits: the windows' first days, worked out day by day
/// with nothing of fondly's.
fn expected(visits: &BTreeMap<Date, i64>, first: Date, days: i32) -> Vec<String> {
    let Some(start) = visits.keys().next() else {
        return Vec::new();
    };
    let sum = |from: Date, until: Date| visits.range(from..until).map(|(_, n)| n).sum::<i64>();
    let sums = |day: Date| {
        let (window, base) = (day - 10.days(), day - 30.days());
        let (used, before) = (sum(window, day), sum(base, window));
        // A usual of at least two in ten days.
        (*start <= base && before >= 4).then_some((used, before))
    };
    let (mut told, mut was, mut explained) = (Vec::<Date>::new(), false, false);
    for n in 0..days {
        let day = *start + n.days();
        let now = sums(day);
        let far = now.is_some_and(|(used, before)| used * 20 * 10 <= before * 10 * 6);
        let then = sums(day - 364.days());
        let news = match (now, then) {
            (Some((used, before)), Some((used_then, before_then))) => {
                used_then > 0 && used * before_then * 10 <= before * used_then * 6
            }
            _ => !explained,
        };
        explained = far && !news;
        let is = far && news;
        let apart = told.last().is_none_or(|last| *last + 10.days() <= day);
        if is && !was && apart {
            told.push(day);
        }
        was = is;
    }
    told.retain(|day| *day >= first);
    told.iter()
        .map(|day| (*day - 10.days()).to_string())
        .collect()
}

/// The planner asks the store only for those whose sums can have changed; it must miss nobody.
#[test]
fn day_by_day_nobody_s_decline_is_missed() {
    let shop = shop("-40%");
    let rule = std::fs::read_to_string(shop.path("config/rules/less.toml")).unwrap();
    shop.rule("less", &rule.replace("change =", "min_base = 2\nchange ="));
    let (start, first): (Date, Date) =
        ("2025-09-01".parse().unwrap(), "2027-01-01".parse().unwrap());
    let mut dice = Dice::new(5);
    let (mut people, mut events) = (
        String::from("id\n"),
        String::from("id,customer_id,kind,at\n"),
    );
    let mut wanted = BTreeSet::new();
    for customer in 0..15 {
        writeln!(people, "{customer}").unwrap();
        let mut visits = BTreeMap::new();
        let (mut at, mut every) = (0, 2);
        while at < 600 {
            let day = start + at.days();
            *visits.entry(day).or_default() += 1;
            writeln!(events, "{customer}-{at}-{every},{customer},visit,{day}").unwrap();
            if dice.below(12) == 0 {
                every = 1 + i32::try_from(dice.below(9)).unwrap();
            }
            at += 1 + i32::try_from(dice.below(u64::try_from(every).unwrap())).unwrap();
        }
        let told = expected(&visits, first, 670);
        wanted.extend(told.into_iter().map(|key| (customer.to_string(), key)));
    }
    shop.customers(&people);
    shop.events(&events);
    let played = shop.rehearse(
        "2027-01-01T00:00[Europe/London]",
        "2027-07-01T00:00[Europe/London]",
    );
    let got: BTreeSet<_> = played
        .entries
        .into_iter()
        .map(|entry| (entry.customer, entry.occasion))
        .filter(|(_, key)| key.as_str() >= "2026-12-22")
        .collect();
    wanted.retain(|(_, key)| key.as_str() < "2027-06-21");
    assert!(wanted.len() > 15, "only {}", wanted.len());
    let missing: Vec<_> = wanted.difference(&got).collect();
    let surplus: Vec<_> = got.difference(&wanted).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "{missing:?} {surplus:?}"
    );
}
