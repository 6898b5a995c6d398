//! The gates that wait: for a moment at which everything allows it, for another day, for a person.

mod world;

use jiff::SignedDuration;
use jiff::civil::{Date, time};
use proptest::prelude::*;

use super::*;
use crate::model::Period;
use crate::model::policy::QuietHours;
use world::{Scene, World, YEAR, full, moment_of, worlds};

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whenever a gate defers, everything allows the moment, and it is in time; whenever waiting
    /// ends a letter, there was no such moment left.
    #[test]
    fn a_letter_waits_for_a_moment_at_which_everything_allows_it(
        world in worlds(),
        due in 0..YEAR,
        waited in 0_i64..3_000,
        sent in proptest::collection::vec(0_i64..20_000, 0..5),
        is_full in any::<bool>(),
    ) {
        let mut scene = world.scene();
        let due = moment_of(due);
        for back in sent {
            let occasion = scene.due(due);
            scene.send(&occasion, due - SignedDuration::from_mins(back));
        }
        let occasion = scene.due(due);
        let now = due + SignedDuration::from_mins(waited);
        let end = deadline(scene.rule.send.late, &occasion, &scene.zone);
        // Another day has room.
        let at = |at| {
            let today = scene.day(at) == scene.day(now);
            scene.asked(&occasion, at, full(is_full && today))
        };
        match at(now) {
            Answer::Pass => {
                prop_assert!(!is_full && !scene.is_quiet(now) && now <= end);
            }
            Answer::Defer(until, reason) => {
                prop_assert!(now < until && until <= end, "{} {}", until, end);
                // What is full now may have room by then; another day certainly has.
                let limited = reason == Reason::DailyLimit && scene.day(until) == scene.day(now);
                let answer = scene.asked(&occasion, until, full(limited));
                prop_assert_eq!(answer, Answer::Pass, "{}", until);
                prop_assert!(!scene.is_quiet(until), "{}", until);
            }
            Answer::Skip(Reason::TooLate) => prop_assert!(now > end),
            Answer::Skip(_) => {
                let quarter = SignedDuration::from_mins(15);
                let mut later = now;
                while later <= end {
                    prop_assert_ne!(at(later), Answer::Pass, "{}", later);
                    later += quarter;
                }
            }
            Answer::Hold(..) => prop_assert!(false, "nothing asks a person"),
        }
    }

    /// However letters come, no stretch of days holds more than a cap allows, and none comes in the
    /// quiet hours.
    #[test]
    fn caps_hold_over_any_sequence(
        world in worlds(),
        first in 0..YEAR,
        dues in proptest::collection::vec(0_i64..30_000, 1..12),
    ) {
        let mut scene = world.scene();
        let mut queue: Vec<(Timestamp, Occasion)> = dues
            .into_iter()
            .map(|minute| {
                let at = moment_of(first + minute);
                (at, scene.due(at))
            })
            .collect();
        while let Some(next) = (0..queue.len()).min_by_key(|n| queue[*n].0) {
            let (now, occasion) = queue.swap_remove(next);
            match scene.asked(&occasion, now, Batch::default()) {
                Answer::Pass => {
                    prop_assert!(!scene.is_quiet(now));
                    scene.send(&occasion, now);
                }
                Answer::Defer(until, _) => {
                    prop_assert!(until > now);
                    queue.push((until, occasion));
                }
                Answer::Skip(_) => {}
                Answer::Hold(..) => prop_assert!(false, "nothing asks a person"),
            }
        }
        let zone = &scene.view.zone;
        let days: Vec<Date> = scene.view.sent.iter().map(|s| zone.to_datetime(s.at).date()).collect();
        let times = if world.fewer { 2 } else { 1 };
        let caps = scene.policy.caps.iter().map(|cap| (cap.count, cap.days * times));
        // Whoever asked for fewer gets one in four weeks, whatever the caps are.
        for (most, length) in caps.chain(world.fewer.then_some((1, 28))) {
            for day in &days {
                let last = Period::Days(length - 1).from_date(*day).unwrap();
                let within = days.iter().filter(|other| *day <= **other && **other <= last);
                prop_assert!(within.count() <= most as usize, "{} {} {:?}", most, length, days);
            }
        }
    }
}

fn plain() -> Scene {
    let world = World {
        zones: (0, 0),
        by_customer: true,
        quiet: None,
        days: 127,
        caps: Vec::new(),
        fewer: false,
        late: Period::Days(2),
        at: 9 * 60,
    };
    world.scene()
}

fn ts(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn the_rest_of_a_full_day_goes_at_the_rule_s_hour_on_the_next() {
    let mut scene = plain();
    let occasion = scene.due(ts("2027-03-01T09:00:00Z"));
    let at = |scene: &Scene, now| scene.asked(&occasion, ts(now), full(true));
    let tomorrow = Answer::Defer(ts("2027-03-02T09:00:00Z"), Reason::DailyLimit);
    assert_eq!(at(&scene, "2027-03-01T09:00:00Z"), tomorrow);
    assert_eq!(at(&scene, "2027-03-01T23:59:59Z"), tomorrow);
    let last = Answer::Skip(Reason::DailyLimit);
    assert_eq!(at(&scene, "2027-03-03T09:00:00Z"), last);
    // The quiet hours of that day come before it, and its first hour where the rule's is too late.
    scene.policy.quiet = Some(QuietHours {
        from: time(20, 0, 0, 0),
        until: time(10, 0, 0, 0),
    });
    let later = Answer::Defer(ts("2027-03-02T10:00:00Z"), Reason::DailyLimit);
    assert_eq!(at(&scene, "2027-03-01T11:00:00Z"), later);
    scene.policy.quiet = None;
    scene.rule.send.late = Period::Minutes(23 * 60);
    let early = Answer::Defer(ts("2027-03-02T00:00:00Z"), Reason::DailyLimit);
    assert_eq!(at(&scene, "2027-03-01T11:00:00Z"), early);
}

#[test]
fn a_batch_waits_for_a_person_until_it_is_too_late() {
    let mut scene = plain();
    let occasion = scene.due(ts("2027-03-01T09:00:00Z"));
    let now = ts("2027-03-01T09:00:00Z");
    let over = ts("2027-03-03T09:00:00.001Z");
    let large = Batch {
        too_large: true,
        ..Batch::default()
    };
    let first = Batch {
        first_letters: true,
        ..Batch::default()
    };
    for (batch, reason) in [
        (large, Reason::BatchTooLarge),
        (first, Reason::AwaitsApproval),
    ] {
        let asks = Answer::Hold(over, reason);
        assert_eq!(scene.asked(&occasion, now, batch), asks);
        let late = Answer::Skip(Reason::TooLate);
        assert_eq!(scene.asked(&occasion, over, batch), late);
        let said = |approved| Batch {
            approved: Some(approved),
            ..batch
        };
        assert_eq!(scene.asked(&occasion, now, said(true)), Answer::Pass);
        let no = Answer::Skip(Reason::Declined);
        assert_eq!(scene.asked(&occasion, now, said(false)), no);
        // First the right moment, then the person.
        let waits = Batch {
            day_is_full: true,
            ..batch
        };
        let tomorrow = Answer::Defer(ts("2027-03-02T09:00:00Z"), Reason::DailyLimit);
        assert_eq!(scene.asked(&occasion, now, waits), tomorrow);
    }
    // Whoever gets none anyway isn't asked about.
    scene.view.suppressed = true;
    let stopped = Answer::Skip(Reason::Suppressed);
    assert_eq!(scene.asked(&occasion, now, large), stopped);
}
