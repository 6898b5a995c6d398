//! Walks over made-up pasts, sane and not.

use proptest::prelude::*;

use super::*;

const STRETCH: Stretch = Stretch {
    from: 100,
    until: 200,
    seen: 290,
    horizon: 90,
};

fn tally(stretch: &Stretch, customers: &[Vec<i32>], after: Option<u32>) -> Tally {
    let mut tally = Tally::default();
    for days in customers {
        for silence in stretch.silences(days, 1) {
            tally.add(stretch.fate(&silence, after));
        }
    }
    tally
}

fn fates(days: &[i32], after: u32) -> Vec<Fate> {
    let silences = STRETCH.silences(days, 1);
    silences
        .map(|silence| STRETCH.fate(&silence, Some(after)))
        .collect()
}

#[test]
fn a_silence_is_judged_by_what_follows_its_letter() {
    assert_eq!(fates(&[90], 60), [Fate::Right(60)]);
    assert_eq!(fates(&[90, 241], 60), [Fate::Right(60),]);
    assert_eq!(fates(&[90, 240], 60), [Fate::Needless(60)]);
    // Back on the very day of the letter, or before it.
    assert_eq!(fates(&[90, 150], 60), [Fate::LeftAlone, Fate::Missed]);
    assert_eq!(fates(&[90, 151], 60), [Fate::Needless(60), Fate::Missed]);
    // The letter went out before the stretch, or the silence was over by then.
    assert_eq!(fates(&[10], 60), [Fate::Before]);
    assert_eq!(fates(&[10, 100], 60), [Fate::Right(60)]);
    assert_eq!(fates(&[10, 99], 60), [Fate::Right(60)]);
    // Silent without a letter on the last day, and for the days that follow it.
    assert_eq!(fates(&[150], 60), [Fate::Missed]);
    assert_eq!(fates(&[150, 290], 60), [Fate::LeftAlone]);
    assert_eq!(
        fates(&[150, 291], 60),
        [Fate::Missed],
        "after what was seen"
    );
    assert_eq!(fates(&[201], 60), []);
}

#[test]
fn a_letter_whose_days_are_not_over_is_not_judged() {
    let longer = Stretch {
        until: 280,
        ..STRETCH
    };
    assert_eq!(longer.judged_until(), 200);
    let fate = |days: &[i32], after| {
        let found = longer.silences(days, 1).next();
        found.map(|silence| longer.fate(&silence, after))
    };
    assert_eq!(fate(&[150], Some(60)), Some(Fate::Unjudged));
    // However soon they were back.
    assert_eq!(fate(&[150, 211], Some(60)), Some(Fate::Unjudged));
    assert_eq!(fate(&[150], None), Some(Fate::Missed));
    assert_eq!(fate(&[230], None), Some(Fate::LeftAlone));
    // Where nothing can be judged, nobody is missed either.
    let short = Stretch {
        seen: 150,
        ..STRETCH
    };
    let tally = tally(&short, &[vec![20], vec![90], vec![120]], Some(30));
    assert_eq!((tally.judged(), tally.missed), (0, 0));
    assert_eq!((tally.unjudged, tally.before, tally.left_alone), (2, 1, 0));
}

#[test]
fn days_of_silence_are_ranked() {
    let mut silent = Silent::default();
    assert_eq!(silent.percentile(50), None);
    for days in [9, 1, 5] {
        silent.add(days);
    }
    let at = |percent| silent.percentile(percent).unwrap();
    assert_eq!((at(0), at(50), at(90), at(100)), (1, 5, 9, 9));
}

#[test]
fn whoever_comes_every_day_for_years_is_left_alone() {
    let often: Vec<i32> = (-9_900..100).collect();
    let silences: Vec<_> = STRETCH.silences(&often, 3).collect();
    assert_eq!(silences.len(), 1, "only the last one is a silence");
    assert_eq!(silences[0].length(), None);
    assert_eq!(STRETCH.fate(&silences[0], Some(45)), Fate::Right(45));
}

#[test]
fn a_year_of_closing_is_a_silence_like_any_other() {
    let closed = Stretch {
        from: 100,
        until: 600,
        seen: 690,
        horizon: 90,
    };
    let customers = vec![vec![80, 90, 99, 464, 475, 480]; 20];
    let tally = tally(&closed, &customers, Some(60));
    assert_eq!(tally.right.count(), 40, "the year, and the end");
    assert_eq!(tally.needless_share(), Some(0.0));
}

proptest! {
    /// Each silence is counted once, whatever the rule; letters are right, needless or not judged.
    #[test]
    fn every_silence_is_counted_once(
        mut customers in proptest::collection::vec(
            proptest::collection::btree_set(-100_i32..600, 0..12), 0..20),
        (from, length, after_end) in (-50_i32..400, -10_i32..300, -50_i32..200),
        horizon in 1_u32..200,
        least in 0_usize..5,
        after in proptest::option::of(1_u32..400),
    ) {
        let until = from + length;
        let stretch = Stretch { from, until, seen: until + after_end, horizon };
        let play = |customers: &[std::collections::BTreeSet<i32>], after| {
            let (mut tally, mut count) = (Tally::default(), 0);
            for days in customers {
                let days: Vec<i32> = days.iter().copied().collect();
                let before = count;
                for silence in stretch.silences(&days, least) {
                    assert!(silence.days.len() >= least.max(1));
                    tally.add(stretch.fate(&silence, after));
                    count += 1;
                }
                assert!((count - before) as usize <= days.len());
            }
            assert_eq!(tally.silences(), count);
            tally
        };
        let tally = play(&customers, after);
        prop_assert_eq!(
            tally.letters(),
            tally.right.count() + tally.needless.count() + tally.unjudged
        );
        for share in [tally.needless_share(), tally.caught_share()].into_iter().flatten() {
            prop_assert!((0.0..=1.0).contains(&share));
        }
        prop_assert_eq!(tally.silent().count(), tally.judged());
        // The silences are the same for every rule, and the order of the customers is none.
        prop_assert_eq!(tally.silences(), play(&customers, None).silences());
        customers.reverse();
        prop_assert_eq!(tally, play(&customers, after));
    }

    /// A walk is what a plain look at each day gives.
    #[test]
    fn a_walk_is_what_a_look_at_every_day_gives(
        days in proptest::collection::btree_set(0_i32..300, 1..10),
        after in 1_u32..120,
    ) {
        let days: Vec<i32> = days.into_iter().collect();
        let got = tally(&STRETCH, std::slice::from_ref(&days), Some(after));
        let came = |from: i32, to: i32| days.iter().any(|day| (from..=to).contains(day));
        let wait = after.cast_signed();
        let (mut right, mut needless) = (0, 0);
        for today in STRETCH.from..=STRETCH.until {
            let silent = days.iter().any(|day| *day == today - wait)
                && !came(today - wait + 1, today);
            if silent && came(today + 1, today + 90) {
                needless += 1;
            } else if silent {
                right += 1;
            }
        }
        prop_assert_eq!((got.right.count(), got.needless.count()), (right, needless));
    }
}
