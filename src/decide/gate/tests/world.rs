//! The world in which the waiting gates are tried: who lives where, and everything that says when a
//! letter may go. May not judge.

use jiff::SignedDuration;
use jiff::civil::{Date, Time, Weekday, date, time};
use proptest::prelude::*;

use super::super::*;
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
pub(super) struct World {
    /// Where the customer lives, where the business is, and whose clock the rule goes by.
    pub(super) zones: (usize, usize),
    pub(super) by_customer: bool,
    pub(super) quiet: Option<(u16, u16)>,
    /// A bit a weekday, at least one.
    pub(super) days: u8,
    pub(super) caps: Vec<(bool, u32, i32)>,
    /// The customer asked for fewer letters.
    pub(super) fewer: bool,
    pub(super) late: Period,
    /// Minutes of the day.
    pub(super) at: u16,
}

pub(super) fn worlds() -> impl Strategy<Value = World> {
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
pub(super) struct Scene {
    pub(super) rule: Rule,
    pub(super) policy: Policy,
    pub(super) view: View,
    pub(super) zone: TimeZone,
}

impl World {
    pub(super) fn scene(&self) -> Scene {
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

    pub(super) fn rule(&self) -> Rule {
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
    pub(super) fn due(&mut self, at: Timestamp) -> Occasion {
        let day = self.zone.to_datetime(at).date();
        let id = self.view.events.len().to_string();
        self.view
            .events
            .push(event(&id, "visit", When::Instant(at)));
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

    pub(super) fn asked(&self, occasion: &Occasion, now: Timestamp, batch: Batch) -> Answer {
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

    pub(super) fn send(&mut self, occasion: &Occasion, at: Timestamp) {
        self.view.sent.push(Sent {
            rule: "r".to_owned(),
            occasion: occasion.key.clone(),
            class: self.rule.class,
            audience: Audience::Customer,
            at,
        });
    }

    pub(super) fn day(&self, at: Timestamp) -> Date {
        self.policy.zone.to_datetime(at).date()
    }

    /// Plain reading of the clock on the wall.
    pub(super) fn is_quiet(&self, at: Timestamp) -> bool {
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
pub(super) fn moment_of(minute: i64) -> Timestamp {
    let start = instant(date(2027, 1, 1), Time::midnight(), &TimeZone::UTC).unwrap();
    start + SignedDuration::from_mins(minute)
}

pub(super) const YEAR: i64 = 365 * 24 * 60;

pub(super) fn full(day_is_full: bool) -> Batch {
    Batch {
        day_is_full,
        ..Batch::default()
    }
}
