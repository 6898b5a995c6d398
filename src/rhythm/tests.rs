//! Rhythms of made-up customers, sane and not.

use proptest::prelude::*;

use super::cadence::gaps;
use super::pattern::above;
use super::*;

/// As many customers as wanted who come every `gap` days, a little more or less, and of whom every
/// tenth has stopped.
fn regulars(count: i32, gap: i32) -> Vec<Vec<i32>> {
    let one = |n: i32| {
        let last = if n % 10 == 0 { 120 } else { 400 };
        (0..1_000)
            .map(|visit| n % gap + visit * gap + (visit * 7 + n) % 5 - 2)
            .take_while(|day| *day <= last)
            .collect()
    };
    (0..count).map(one).collect()
}

fn fitted(customers: &[Vec<i32>], today: i32) -> Pattern {
    let mut sample = Sample::default();
    for days in customers {
        sample.add(days, today);
    }
    sample.fit()
}

fn sane(pattern: &Pattern, days: &[i32], today: i32) {
    let outlook = pattern.outlook(gaps(days));
    let silent = today.saturating_sub(*days.last().unwrap()).unsigned_abs();
    let (mut before, mut longest) = (0.0, 0.0);
    for horizon in [1, 30, 90, 365] {
        let chance = outlook.chance(silent, horizon);
        assert!((0.0..=1.0).contains(&chance), "{chance} {outlook:?}");
        if horizon > 1 {
            assert!(chance <= before + 1e-9, "longer, and yet likelier");
        }
        before = chance;
        longest = chance;
    }
    assert!(longest.is_finite());
    for percent in [50.0, 80.0, 99.0] {
        let wanted = Wanted {
            chance: percent / 100.0,
            horizon: 90,
            at_least: 7,
        };
        if let Some(day) = wanted.days(&outlook) {
            assert!(day >= 7);
            assert!(outlook.chance(day, 90) >= wanted.chance - 1e-9);
        }
    }
}

#[test]
fn a_cadence_is_the_median_of_the_latest_gaps() {
    assert_eq!(Cadence::of(&[]), None);
    assert_eq!(Cadence::of(&[1, 31]), None);
    let of = |days: &[i32]| Cadence::of(days).unwrap();
    assert_eq!(of(&[0, 30, 70]).to_string(), "35");
    assert_eq!(of(&[0, 30, 61]).to_string(), "30.5");
    assert_eq!(of(&[0, 30, 61]).times(20), 61);
    assert_eq!(of(&[0, 30, 61]).times(15), 46);
    assert_eq!(of(&[0, 1, 2]).times(1), 1);
    // Twelve gaps of two days push thirty of ten days out.
    let mut days: Vec<i32> = (0..30).map(|n| n * 10).collect();
    days.extend((1..=12).map(|n| 290 + n * 2));
    assert_eq!(of(&days).to_string(), "2");
    assert_eq!(of(&days).usual(), (2, 2));
    assert_eq!(of(&[0, 26, 57, 88, 126, 157, 188]).usual(), (31, 31));
}

#[test]
fn the_fast_way_is_as_good_as_the_exact_one() {
    // From a table of Student's t (15 degrees of freedom: 5 % and 0.5 % lie above).
    assert!((above(1.753, 15.0) - 0.05).abs() < 2e-4);
    assert!((above(1.753, 15.1) - 0.05).abs() < 2e-4);
    assert!((above(2.947, 15.1) - 0.005).abs() < 1e-4);
    assert!((above(-2.947, 15.1) - 0.995).abs() < 1e-4);
    assert!((above(1.96, f64::INFINITY) - 0.025).abs() < 1e-4);
    assert!((above(0.0, 3.0) - 0.5).abs() < 1e-12);
}

#[test]
fn a_regular_customer_is_missed_soon_and_an_irregular_one_later() {
    let pattern = fitted(&regulars(300, 14), 400);
    let wanted = Wanted {
        chance: 0.8,
        horizon: 90,
        at_least: 7,
    };
    let even = [14, 13, 15, 14, 12, 16];
    let day = wanted.days(&pattern.outlook(even)).unwrap();
    assert!((17..=26).contains(&day), "{day}");
    let outlook = pattern.outlook(even);
    assert!(outlook.chance(2, 90) < 0.2);
    assert!(outlook.chance(40, 90) > 0.85);
    let uneven = [3, 40, 8, 25, 2, 30];
    let later = wanted.days(&pattern.outlook(uneven));
    assert!(later.is_none_or(|later| later > day), "{later:?}");
}

#[test]
fn whoever_comes_more_rarely_than_before_is_missed_once_and_not_each_time() {
    let pattern = fitted(&regulars(300, 14), 400);
    let wanted = Wanted::percent(80, 90, 7);
    let mut gaps = vec![14, 13, 15, 14, 12, 16, 14, 15, 13, 14, 15, 12, 14];
    let surprised = wanted.days(&pattern.outlook(gaps.iter().copied()));
    assert!(surprised.is_some_and(|day| day < 42), "{surprised:?}");
    for _ in 0..6 {
        gaps.push(42);
        let day = wanted.days(&pattern.outlook(gaps.iter().copied()));
        assert!(day.is_none_or(|day| day > 42), "{day:?} after {gaps:?}");
    }
    // And back again: the old rhythm counts no more.
    gaps.extend([14; 6]);
    let day = wanted.days(&pattern.outlook(gaps)).unwrap();
    assert!(day < 42, "{day}");
}

#[test]
fn the_same_customers_give_the_same_pattern() {
    let customers = regulars(200, 30);
    assert_eq!(fitted(&customers, 400), fitted(&customers, 400));
}

#[test]
fn businesses_of_few_and_of_odd_customers_are_understood_sanely() {
    let often: Vec<i32> = (0..10_000).collect();
    let businesses = [
        Vec::new(),
        regulars(20, 14),
        regulars(300, 30),
        (0..50).map(|n| vec![n]).collect(),
        vec![often.clone()],
        vec![vec![5], often.clone(), vec![0, 400]],
        // A business that was closed for a year.
        (0..40).map(|n| vec![n, n + 20, n + 40, n + 420]).collect(),
        // Everything still lies ahead.
        vec![vec![900, 950], vec![1_000]],
    ];
    for customers in businesses {
        let pattern = fitted(&customers, 500);
        for days in customers.iter().chain([&often, &vec![3], &vec![0, 1]]) {
            sane(&pattern, days, 20_000);
            sane(&pattern, days, *days.last().unwrap());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever was seen, a chance is a chance.
    #[test]
    fn no_business_leads_to_nonsense(
        customers in proptest::collection::vec(
            proptest::collection::btree_set(0_i32..2_000, 1..12), 0..40),
        today in 0_i32..2_500,
    ) {
        let customers: Vec<Vec<i32>> =
            customers.into_iter().map(|days| days.into_iter().collect()).collect();
        let pattern = fitted(&customers, today);
        for days in &customers {
            sane(&pattern, days, today.max(*days.last().unwrap()));
        }
    }
}
