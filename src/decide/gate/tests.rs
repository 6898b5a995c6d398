//! The gates that wait: for a moment at which everything allows it, for another day, for a person.

use jiff::SignedDuration;
use jiff::civil::{Date, Time, Weekday, date, time};
use proptest::prelude::*;

use super::*;
use crate::decide::calendar::instant;
use crate::decide::tests::{event, rule};
use crate::model::policy::{Cap, Guard, QuietHours};
use crate::model::view::Sent;
use crate::model::{Customer, Period, Topic, When};
use crate::rules::{AfterEvent, Delay, Send, SendZone, Trigger, Which};

/// Zones with a change of the clock at midnight, by half an hour, and at both ends of the world.
const ZONES: &[&str] = &[
    "UTC",
    "Europe/London",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Africa/Cairo",
];

/// Everything that says when a letter may go.
#[derive(Debug, Clone)]
struct World {
    /// Where the customer lives, where the business is, and whose clock the rule goes by.
    zones: (usize, usize),
    by_customer: bool,
    quiet: Option<(u16, u16)>,
    /// A bit a weekday, at least one.
    days: u8,
    caps: Vec<(bool, u32, i32)>,
    /// The customer asked for fewer letters.
    fewer: bool,
    late: Period,
    /// Minutes of the day.
    at: u16,
}

fn worlds() -> impl Strategy<Value = World> {
    let minutes = || 0_u16..1440;
    let quiet =
        proptest::option::of((minutes(), minutes()).prop_filter("all day", |(a, b)| a != b));
    let late = prop_oneof![
        (0_i32..20).prop_map(Period::Days),
        (0_i64..4_000).prop_map(Period::Minutes),
    ];
    (
        (0..ZONES.len(), 0..ZONES.len()),
        any::<bool>(),
        quiet,
        1_u8..128,
        proptest::collection::vec((any::<bool>(), 1_u32..4, 1_i32..10), 0..3),
        any::<bool>(),
        late,
        minutes(),
    )
        .prop_map(
            |(zones, by_customer, quiet, days, caps, fewer, late, at)| World {
                zones,
                by_customer,
                quiet,
                days,
                caps,
                fewer,
                late,
                at,
            },
        )
}

fn clock(minutes: u16) -> Time {
    let part = |n: u16| i8::try_from(n).unwrap();
    time(part(minutes / 60), part(minutes % 60), 0, 0)
}

/// A world with its rule, policy and customer.
struct Scene {
    rule: Rule,
    policy: Policy,
    view: View,
    zone: TimeZone,
}

impl World {
    fn scene(&self) -> Scene {
        let zone = |n: usize| TimeZone::get(ZONES[n]).unwrap();
        let (theirs, ours) = (zone(self.zones.0), zone(self.zones.1));
        let caps = self.caps.iter().map(|(all, count, days)| Cap {
            class: (!all).then_some(Class::Relationship),
            count: *count,
            days: *days,
        });
        let policy = Policy {
            quiet: self.quiet.map(|(from, until)| QuietHours {
                from: clock(from),
                until: clock(until),
            }),
            caps: caps.collect(),
            guard: Guard { most: 1, share: 0 },
            ..Policy::new(ours.clone(), ZONES[self.zones.1])
        };
        let mut view = View::new(
            Customer {
                id: "c".to_owned(),
                email: Some("c@mail.example".to_owned()),
                ..Customer::default()
            },
            theirs.clone(),
            ZONES[self.zones.0],
        );
        view.wishes.fewer = self.fewer;
        let zone = if self.by_customer { theirs } else { ours };
        Scene {
            rule: self.rule(),
            policy,
            view,
            zone,
        }
    }

    fn rule(&self) -> Rule {
        let send = Send {
            at: clock(self.at),
            zone: if self.by_customer {
                SendZone::Customer
            } else {
                SendZone::Business
            },
            days: (0..7_i8)
                .filter(|n| self.days & (1 << n) != 0)
                .map(|n| Weekday::from_monday_zero_offset(n).unwrap())
                .collect(),
            late: self.late,
            late_template: None,
            spread_minutes: 0,
            when_capped: WhenCapped::Defer,
        };
        Rule {
            class: Class::Relationship,
            topic: Topic::Thanks,
            send,
            ..rule(Trigger::Event(AfterEvent {
                kind: "visit".to_owned(),
                delay: Delay::After(Period::Days(0)),
                which: Which::Every,
            }))
        }
    }
}

impl Scene {
    /// An occasion that is due at this moment, whose event the records hold.
    fn due(&mut self, at: Timestamp) -> Occasion {
        let day = self.zone.to_datetime(at).date();
        let id = self.view.events.len().to_string();
        self.view.events.push(event(&id, "visit", When::Day(day)));
        Occasion {
            key: id.clone(),
            day,
            due_at: at,
            zone: "its".to_owned(),
            anchor: day,
            years: None,
            event: Some(id),
        }
    }

    fn asked(&self, occasion: &Occasion, now: Timestamp, batch: Batch) -> Answer {
        judge(&Case {
            rule: Some(&self.rule),
            class: self.rule.class,
            audience: Audience::Customer,
            occasion,
            zone: &self.zone,
            view: &self.view,
            policy: &self.policy,
            batch,
            now,
            facts: &|| minijinja::Value::UNDEFINED,
        })
    }

    fn send(&mut self, occasion: &Occasion, at: Timestamp) {
        self.view.sent.push(Sent {
            rule: "r".to_owned(),
            occasion: occasion.key.clone(),
            class: self.rule.class,
            at,
        });
    }

    fn day(&self, at: Timestamp) -> Date {
        self.policy.zone.to_datetime(at).date()
    }

    /// Plain reading of the clock on the wall.
    fn is_quiet(&self, at: Timestamp) -> bool {
        let now = self.view.zone.to_datetime(at).time();
        self.policy.quiet.is_some_and(|QuietHours { from, until }| {
            if from < until {
                from <= now && now < until
            } else {
                from <= now || now < until
            }
        })
    }
}

/// A moment in a year with all its changes of the clock, by minutes.
fn moment_of(minute: i64) -> Timestamp {
    let start = instant(date(2027, 1, 1), Time::midnight(), &TimeZone::UTC).unwrap();
    start + SignedDuration::from_mins(minute)
}

const YEAR: i64 = 365 * 24 * 60;

fn full(day_is_full: bool) -> Batch {
    Batch {
        day_is_full,
        ..Batch::default()
    }
}

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
