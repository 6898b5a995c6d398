//! Pasts that are short, small or odd.

use jiff::civil::date;
use proptest::prelude::*;

use super::*;

fn silence(after: Patience, min_contacts: u32) -> Silence {
    Silence {
        contact: vec!["visit".to_owned()],
        after,
        min_contacts,
        repeat_days: 90,
        times: 1,
    }
}

fn question() -> Question {
    Question {
        rule: "r".to_owned(),
        from: None,
        until: None,
        horizon_days: None,
    }
}

fn past(customers: &[Vec<i32>]) -> Past {
    let mut past = Past::default();
    for days in customers {
        past.add(days.iter().copied());
    }
    past
}

/// The whole arithmetic, without a store.
fn played(customers: &[Vec<i32>], question: &Question) -> (Vec<Played>, Vec<Tenth>) {
    let past = past(customers);
    let Some(span) = past.span() else {
        return (Vec::new(), Vec::new());
    };
    let rule = silence(Patience::Days(75), 1);
    let stretch = stretch(span, question, question.horizon(&rule));
    let (pattern, _) = past.learn(stretch.from - 1);
    (
        past.walk(&pattern, &stretch, &rule),
        past.calibrate(&pattern, &stretch, 1),
    )
}

fn sane(customers: &[Vec<i32>], question: &Question) {
    let (played, tenths) = played(customers, question);
    assert_eq!(played.len(), if played.is_empty() { 0 } else { 12 });
    let rules = played.iter().filter(|one| one.is_rule).count();
    assert_eq!(rules, usize::from(!played.is_empty()));
    for one in &played {
        assert_eq!(one.tally.silences(), played[0].tally.silences());
        for share in [one.tally.needless_share(), one.tally.caught_share()] {
            assert!(share.is_none_or(|share| (0.0..=1.0).contains(&share)));
        }
    }
    for tenth in tenths {
        assert!((0.0..=1.0).contains(&tenth.said) && (0.0..=1.0).contains(&tenth.was));
    }
    // Whatever was seen, there is something to say.
    assert!(!Advice::of(&played).as_str().is_empty());
}

#[test]
fn the_second_half_of_the_past_is_walked_as_far_as_it_can_be_judged() {
    let (first, seen) = (date(1997, 1, 1), date(1998, 6, 30));
    let span = (day_number(first), day_number(seen));
    let days = |question: &Question| days(span.0, &stretch(span, question, HORIZON)).unwrap();
    let usual = days(&question());
    assert_eq!(usual.from, date(1997, 10, 1));
    assert_eq!(usual.until, date(1998, 4, 1));
    assert_eq!(usual.judged_until, usual.until);
    let until_end = days(&Question {
        until: Some(date(2026, 1, 1)),
        ..question()
    });
    assert_eq!(until_end.until, seen, "nothing is known of later days");
    assert_eq!(until_end.judged_until, date(1998, 4, 1));
    let old = (day_number(date(1990, 1, 1)), span.1);
    let long = stretch(old, &question(), HORIZON);
    assert_eq!(long.until - long.from, LONGEST_STRETCH - 1);
    // A past as short as this has no day that could be judged.
    let short = stretch((0, 100), &question(), HORIZON);
    assert!(short.judged_until() < short.from);
}

#[test]
fn businesses_of_few_and_of_odd_customers_are_walked_sanely() {
    let regular = |n: i32| {
        (0..30)
            .map(|visit| n % 14 + visit * 14)
            .collect::<Vec<i32>>()
    };
    let businesses = [
        Vec::new(),
        vec![Vec::new()],
        vec![vec![0]],
        (0..20).map(regular).collect(),
        (0..150).map(regular).collect(),
        (0..50).map(|n| vec![n * 7]).collect(),
        vec![(0..10_000).collect(), vec![9_000, 9_500]],
        // A business that was closed for a year.
        (0..40).map(|n| vec![n, n + 20, n + 40, n + 420]).collect(),
    ];
    for customers in &businesses {
        sane(customers, &question());
        let late = Question {
            from: numbered_day(500),
            until: numbered_day(100_000),
            ..question()
        };
        sane(customers, &late);
    }
}

#[test]
fn only_what_was_known_before_the_stretch_is_learnt() {
    let mut customers: Vec<Vec<i32>> = (0..120)
        .map(|n| (0..20).map(|visit| n % 30 + visit * 30).collect())
        .collect();
    let before = past(&customers).learn(300);
    for days in &mut customers {
        days.retain(|day| *day <= 300);
        days.extend(301..400);
    }
    assert_eq!(past(&customers).learn(300), before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_past_leads_to_nonsense(
        customers in proptest::collection::vec(
            proptest::collection::btree_set(0_i32..1_500, 0..10), 0..30),
        (from, until) in proptest::option::of((0_i32..1_500, 0_i32..1_500)).prop_map(Option::unzip),
        horizon_days in proptest::option::of(1_u32..400),
    ) {
        let customers: Vec<Vec<i32>> =
            customers.into_iter().map(|days| days.into_iter().collect()).collect();
        let asked = Question {
            from: from.and_then(numbered_day),
            until: until.and_then(numbered_day),
            horizon_days,
            ..question()
        };
        sane(&customers, &asked);
    }
}

#[test]
fn the_horizon_is_the_rules_own_unless_another_is_asked_for() {
    let sure = Patience::Sure(Sure {
        percent: 80,
        horizon_days: 30,
        otherwise_days: None,
        at_least_days: 1,
        at_most_days: None,
    });
    let other = Question {
        horizon_days: Some(45),
        ..question()
    };
    assert_eq!(question().horizon(&silence(sure, 1)), 30);
    assert_eq!(other.horizon(&silence(sure, 1)), 45);
    assert_eq!(question().horizon(&silence(Patience::Days(60), 1)), 90);
}
