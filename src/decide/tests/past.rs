//! Events that are taken out never make anybody due again, nor newly.

use super::*;
use crate::decide::past::{Stay, longest_wait, must_stay};
use crate::model::Amount;
use crate::model::facts;
use crate::model::view::Past;
use crate::rules::{Cadences, Measure, Usage};

fn plus(day: Date, days: i32) -> Date {
    Period::Days(days).from_date(day).unwrap()
}

fn usage(change: i32) -> Rule {
    rule(Trigger::Usage(Usage {
        measure: Measure::Count,
        kinds: vec!["visit".to_owned()],
        window_days: 10,
        versus_days: 20,
        change,
        min_base: Amount::default(),
    }))
}

fn by_cadence() -> Rule {
    rule(Trigger::Lapsed(Silence {
        contact: vec!["visit".to_owned()],
        after: Patience::Cadences(Cadences {
            tenths: 20,
            otherwise_days: 90,
            at_least_days: 1,
            at_most_days: 300,
        }),
        min_contacts: 1,
        repeat_days: 30,
        times: 2,
    }))
}

/// Every kind of rule that looks at what happened.
fn rules() -> Vec<Rule> {
    let days = |n| Delay::After(Period::Days(n));
    vec![
        after("visit", days(5), Which::Every),
        after("visit", days(0), Which::Nth(1)),
        after("visit", days(40), Which::Nth(3)),
        after(
            "visit",
            Delay::Between(Period::Days(2), Period::Days(30)),
            Which::Nth(9),
        ),
        silence(60, 1, (90, 3)),
        silence(60, 4, (30, 1)),
        usage(-3_000),
        usage(3_300),
    ]
}

/// So many visits that were taken out.
fn past(number: usize) -> Past {
    Past {
        kind: "visit".to_owned(),
        number: number.try_into().unwrap(),
        amounts: 0,
        quantities: 0,
    }
}

fn visits(view: &mut View, days: &[Date]) {
    let visit = |day: &Date| event(&format!("v{day}"), "visit", When::Day(*day));
    view.events = days.iter().map(visit).collect();
}

fn found(rule: &Rule, view: &View, days: (Date, Date)) -> Vec<(String, String)> {
    keys_and_dues(&occasions(rule, view, &policy(), days.0, days.1))
}

/// Stretches in which somebody comes, so far apart that all before is taken out in between. Each is
/// told in the days since the visit before.
fn stretches() -> impl Strategy<Value = (i32, Vec<(i32, Vec<i32>)>)> {
    let gaps = prop_oneof![3 => 1..12_i32, 1 => 1..60_i32];
    let one = (0..300_i32, proptest::collection::vec(gaps, 0..25));
    (0..200_i32, proptest::collection::vec(one, 1..4))
}

proptest! {
    /// With everything at hand and with what is kept: what is kept gives nothing that the whole
    /// doesn't give, and what is taken out had nothing more to give.
    #[test]
    fn what_is_kept_gives_no_occasion_of_its_own((longer, stretches) in stretches()) {
        let rules = rules();
        let keep = longest_wait(&[rules.as_slice(), &[by_cadence()]].concat()) + longer;
        let mut last = date(2000, 1, 1);
        let mut whole: Vec<Date> = Vec::new();
        for (later, gaps) in stretches {
            let before = past(whole.len());
            let first = plus(last, keep + 1 + later);
            let mut kept = vec![first];
            for gap in gaps {
                kept.push(plus(*kept.last().unwrap(), gap));
            }
            last = *kept.last().unwrap();
            whole.extend(&kept);
            let (mut all, mut rest) = (view("UTC"), view("UTC"));
            visits(&mut all, &whole);
            visits(&mut rest, &kept);
            if before.number > 0 {
                rest.past.push(before.clone());
            }
            let there = (first, plus(last, keep));
            let afterwards = (plus(last, keep + 1), plus(last, keep + 2000));
            let mut gone = view("UTC");
            gone.past.push(past(whole.len()));
            for rule in &rules {
                let wanted = found(rule, &all, there);
                let kept = found(rule, &rest, there);
                if matches!(rule.trigger, Trigger::Usage(_)) {
                    prop_assert_eq!(&kept, &wanted);
                }
                for one in kept {
                    prop_assert!(wanted.contains(&one), "{one:?} by {:?}", rule.trigger);
                }
                prop_assert_eq!(found(rule, &all, afterwards), Vec::new());
                prop_assert_eq!(found(rule, &gone, afterwards), Vec::new());
            }
            // Whoever comes back is missed by how they come since, once that is known, and not before.
            let rule = by_cadence();
            prop_assert_eq!(found(&rule, &gone, afterwards), Vec::new());
            let waits = !found(&rule, &rest, afterwards).is_empty();
            prop_assert_eq!(stays(&rule, &rest, afterwards.0), waits);
            for one in occasions(&rule, &rest, &policy(), there.0, there.1) {
                let known = kept.iter().filter(|day| **day <= one.anchor).count();
                prop_assert!(before.number == 0 || known >= 3, "{one:?}");
            }
        }
    }
}

/// Whether events stay on this day since a rule waits for them.
fn stays(rule: &Rule, view: &View, day: Date) -> bool {
    let now = view.zone.to_timestamp(day.at(0, 0, 0, 0)).unwrap();
    let see = |view: &View| facts::build(view, None, &std::sync::Arc::default(), now);
    let rules = std::slice::from_ref(rule);
    match must_stay(rules, (view, &policy()), &see, now) {
        Some(stay) => {
            assert_eq!(stay, Stay::Awaited("r"));
            true
        }
        None => false,
    }
}

/// A first visit is the first of all, whether those before are still there or not.
#[test]
fn a_first_visit_stays_the_first() {
    let first = after("visit", Delay::After(Period::Days(1)), Which::Nth(1));
    let third = after("visit", Delay::After(Period::Days(1)), Which::Nth(3));
    let all = (date(2020, 1, 1), date(2030, 1, 1));
    let mut view = view("UTC");
    visits(&mut view, &[date(2027, 5, 1), date(2027, 6, 1)]);
    assert_eq!(found(&first, &view, all).len(), 1);
    assert_eq!(found(&third, &view, all).len(), 0);
    for (number, thirds) in [
        (1, vec!["v2027-06-01"]),
        (2, vec!["v2027-05-01"]),
        (3, vec![]),
    ] {
        view.past = vec![past(number)];
        assert!(found(&first, &view, all).is_empty());
        let found: Vec<String> = found(&third, &view, all)
            .into_iter()
            .map(|one| one.0)
            .collect();
        assert_eq!(found, thirds, "{number}");
    }
    // Of another kind, it says nothing.
    view.past[0].kind = "purchase".to_owned();
    assert_eq!(found(&first, &view, all).len(), 1);
}

/// What keeps somebody from a letter is kept.
#[test]
fn events_stay_that_say_no() {
    let now = ts("2030-01-01T09:00:00Z");
    let words = std::sync::Arc::default();
    let see = |view: &View| facts::build(view, None, &words, now);
    let mut one = view("UTC");
    visits(&mut one, &[date(2020, 5, 1), date(2020, 6, 1)]);
    let mut rule = birthday(Feb29::Feb28);
    rule.id = "birthday".to_owned();
    let stays = |rule: &Rule, view: &View| {
        let rules = std::slice::from_ref(rule);
        must_stay(rules, (view, &policy()), &see, now).map(|stay| format!("{stay:?}"))
    };
    assert_eq!(stays(&rule, &one), None);
    let asks = |text: &str| Rule {
        condition: Some(Condition::parse(text).unwrap()),
        ..rule.clone()
    };
    let few = asks("customer.count('visit') < 2");
    let kept = format!("{:?}", Stay::Condition("birthday"));
    assert_eq!(stays(&few, &one), Some(kept));
    assert_eq!(
        stays(
            &Rule {
                enabled: false,
                ..few.clone()
            },
            &one
        ),
        None
    );
    assert_eq!(stays(&asks("customer.count('visit') >= 2"), &one), None);
    assert_eq!(stays(&asks("customer.count('visit') < 3"), &one), None);
    one.events
        .push(event("x", "complaint-opened", When::Day(date(2020, 6, 2))));
    assert_eq!(stays(&rule, &one), Some(format!("{:?}", Stay::Complaint)));
    one.events
        .push(event("y", "complaint-closed", When::Day(date(2020, 6, 3))));
    assert_eq!(stays(&rule, &one), None);
}

/// Somebody who comes every year is missed after two, by a rule that knows them.
#[test]
fn events_stay_until_whoever_comes_seldom_was_missed() {
    let mut rule = by_cadence();
    let Trigger::Lapsed(trigger) = &mut rule.trigger else {
        panic!("another trigger");
    };
    let Patience::Cadences(own) = &mut trigger.after else {
        panic!("another patience");
    };
    own.at_most_days = 10_000;
    let mut view = view("UTC");
    visits(
        &mut view,
        &[date(2020, 5, 1), date(2021, 5, 1), date(2022, 5, 1)],
    );
    // After 730 days, and again 30 days later.
    assert!(stays(&rule, &view, date(2023, 6, 1)));
    assert!(stays(&rule, &view, date(2024, 5, 30)));
    assert!(!stays(&rule, &view, date(2024, 6, 2)));
}

/// As long as a rule may still look back at an event, it stays.
#[test]
fn events_are_kept_as_long_as_a_rule_waits() {
    let late = 2;
    let days = |n| Delay::After(Period::Days(n));
    for (rule, wait) in [
        (after("visit", days(5), Which::Every), 6 + late),
        (silence(60, 1, (90, 3)), 240 + late),
        (by_cadence(), 120 + late),
        (usage(-3_000), 394 + late),
        (birthday(Feb29::Feb28), late),
    ] {
        assert_eq!(
            longest_wait(std::slice::from_ref(&rule)),
            wait,
            "{:?}",
            rule.trigger
        );
        let off = Rule {
            enabled: false,
            ..rule
        };
        assert_eq!(longest_wait(&[off]), 0);
    }
}
