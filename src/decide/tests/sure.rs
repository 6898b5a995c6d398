//! Silences that are judged by how likely they are.

use super::*;
use crate::model::policy::Learnt;
use crate::rhythm::pattern::Once;
use crate::rhythm::{Pattern, Scale};
use crate::rules::Sure;

/// How customers come: about every so many days, the logarithm of that number.
fn pattern(centre: f64) -> Pattern {
    Pattern {
        scale: Scale::Log,
        centre,
        weight: 2.0,
        shape: 3.0,
        spread: 0.5,
        stopping: 0.5,
        staying: 3.0,
        change: 0.001,
        once: Once {
            centre: 4.0,
            spread: 1.2,
            stop: 0.4,
        },
    }
}

/// Learnt on these days, with these patterns.
fn knowing(learnt: &[(Date, f64)]) -> Policy {
    let one = |(since, centre): &(Date, f64)| Learnt {
        contact: vec!["purchase".to_owned(), "visit".to_owned()],
        since: *since,
        customers: 300,
        pattern: pattern(*centre),
    };
    Policy {
        learnt: learnt.iter().map(one).collect(),
        ..policy()
    }
}

fn sure(percent: u32, bounds: (Option<i32>, i32, Option<i32>)) -> Rule {
    let mut rule = silence(1, 1, (30, 2));
    if let Trigger::Lapsed(silence) = &mut rule.trigger {
        silence.after = Patience::Sure(Sure {
            percent,
            horizon_days: 90,
            otherwise_days: bounds.0,
            at_least_days: bounds.1,
            at_most_days: bounds.2,
        });
    }
    rule
}

fn visitor(days: &[i32]) -> View {
    let mut view = view("UTC");
    let visits = days.iter().enumerate().map(|(n, day)| {
        let on = Period::Days(*day).from_date(date(2027, 1, 1)).unwrap();
        event(&n.to_string(), "visit", When::Day(on))
    });
    view.events = visits.collect();
    view
}

/// Days of silence until the first letter.
fn waits(rule: &Rule, view: &View, policy: &Policy) -> Option<i32> {
    let found = occasions(rule, view, policy, date(2027, 1, 1), date(2032, 1, 1));
    let first = found.first()?;
    Some(crate::model::dates::days_between(first.anchor, first.day))
}

const ANY: (Option<i32>, i32, Option<i32>) = (None, 1, None);

#[test]
fn somebody_is_missed_on_the_day_that_it_is_sure_enough() {
    let (view, policy) = (
        visitor(&[0, 14, 27, 42]),
        knowing(&[(date(2027, 1, 1), 3.0)]),
    );
    let outlook = pattern(3.0).outlook([14, 13, 15]);
    let days = waits(&sure(70, ANY), &view, &policy).unwrap();
    assert!(outlook.chance(days.unsigned_abs(), 90) >= 0.7);
    let surer = waits(&sure(85, ANY), &view, &policy).unwrap();
    assert!(surer > days, "{surer} is later than {days}");
    assert_eq!(
        waits(&sure(85, (None, 1, Some(20))), &view, &policy),
        Some(20)
    );
    assert_eq!(waits(&sure(70, (None, 99, None)), &view, &policy), Some(99));
    // The second letter is a fixed time later.
    let both = occasions(&sure(70, ANY), &view, &policy, date(2027, 1, 1), Date::MAX);
    assert_eq!(both.len(), 2);
    assert_eq!(
        crate::model::dates::days_between(both[0].day, both[1].day),
        30
    );
}

#[test]
fn whoever_has_no_cadence_waits_as_the_rule_says_or_is_judged_like_the_others() {
    let (once, policy) = (visitor(&[5]), knowing(&[(date(2027, 1, 1), 3.0)]));
    assert!(waits(&sure(60, ANY), &once, &policy).is_some());
    assert_eq!(
        waits(&sure(60, (Some(45), 1, None)), &once, &policy),
        Some(45)
    );
    let often = visitor(&[0, 14, 27, 42]);
    assert_eq!(
        waits(&sure(60, (Some(45), 1, None)), &often, &policy),
        waits(&sure(60, ANY), &often, &policy)
    );
}

#[test]
fn a_silence_is_judged_by_what_was_known_when_it_began() {
    let view = visitor(&[0, 14, 27, 42]);
    let (early, late) = (date(2026, 1, 1), date(2027, 3, 1));
    let day = |learnt: &[(Date, f64)]| waits(&sure(70, ANY), &view, &knowing(learnt));
    let first = day(&[(early, 3.0)]);
    assert_eq!(day(&[(early, 3.0), (late, 5.0)]), first);
    // What began before anything was known is judged by what was learnt first.
    assert_eq!(day(&[(late, 3.0), (date(2027, 6, 1), 5.0)]), first);
    let known = date(2027, 2, 12);
    assert_ne!(day(&[(early, 3.0), (known, 5.0)]), first);
    assert_eq!(day(&[(early, 3.0), (known, 5.0)]), day(&[(known, 5.0)]));
    assert_eq!(day(&[]), None, "nobody is missed while nothing was learnt");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Planning day by day finds what planning the whole span at once finds, each exactly once.
    #[test]
    fn windows_can_be_cut_anywhere_however_sure(
        days in proptest::collection::vec(0_i32..400, 0..8),
        cut in 0_i32..500,
        percent in 1_u32..100,
        learnt in 0_i32..400,
    ) {
        let start = date(2027, 1, 1);
        let day = |n: i32| Period::Days(n).from_date(start).unwrap();
        let (view, policy) = (visitor(&days), knowing(&[(start, 3.0), (day(learnt), 4.0)]));
        let rule = sure(percent, ANY);
        let all = |from, to| occasions(&rule, &view, &policy, from, to);
        let mut parts = all(day(0), day(cut));
        parts.extend(all(day(cut + 1), day(900)));
        prop_assert_eq!(&parts, &all(day(0), day(900)));
        let mut keys: Vec<_> = parts.iter().map(|o| o.key.clone()).collect();
        keys.sort();
        keys.dedup();
        prop_assert_eq!(keys.len(), parts.len());
    }
}
