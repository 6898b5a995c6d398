//! The deciding core against plain expectations.

mod gates;
mod past;
mod sure;
mod triggers;
mod usage;
mod wishes;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::gate::{Answer, Case, judge};
use super::*;
use crate::model::customer::Consent;
use crate::model::policy::{Audience, Cap, Class, MarketingBasis, QuietHours};
use crate::model::view::Sent;
use crate::model::{AttrValue, Customer, Event, PartialDate, Period, Topic, When};
use crate::rules::{
    AfterEvent, Anniversary, Condition, DateField, Delay, Feb29, OnDate, Patience, Send, SendZone,
    Sender, Silence, WhenCapped, Which,
};

pub(super) fn rule(trigger: Trigger) -> Rule {
    Rule {
        id: "r".to_owned(),
        version: "v".to_owned(),
        written: std::sync::Arc::default(),
        title: "R".to_owned(),
        template: "t".to_owned(),
        class: Class::Marketing,
        topic: trigger.topic(),
        audience: Audience::Customer,
        sender: Sender::Business,
        priority: 50,
        enabled: true,
        trigger,
        condition: None,
        send: Send {
            at: jiff::civil::time(9, 0, 0, 0),
            zone: SendZone::Customer,
            days: jiff::civil::Weekday::Monday
                .cycle_forward()
                .take(7)
                .collect(),
            late: Period::Days(2),
            late_template: None,
            spread_minutes: 0,
            when_capped: WhenCapped::Defer,
        },
        holdout: 0,
        backfill: Period::Days(0),
        approve_first: None,
        max_per_day: None,
    }
}

fn birthday(feb29: Feb29) -> Rule {
    yearly(Period::Days(0), feb29, &[])
}

fn yearly(offset: Period, feb29: Feb29, years: &[i16]) -> Rule {
    rule(Trigger::Anniversary(Anniversary {
        field: DateField::Birthday,
        offset,
        feb29,
        years: years.to_vec(),
    }))
}

fn silence(after_days: i32, min_contacts: u32, (repeat_days, times): (i32, u32)) -> Rule {
    rule(Trigger::Lapsed(Silence {
        contact: vec!["visit".to_owned(), "purchase".to_owned()],
        after: Patience::Days(after_days),
        min_contacts,
        repeat_days,
        times,
    }))
}

fn lapsed() -> Rule {
    silence(90, 1, (90, 1))
}

fn after(kind: &str, delay: Delay, which: Which) -> Rule {
    let kind = kind.to_owned();
    rule(Trigger::Event(AfterEvent { kind, delay, which }))
}

fn view(zone: &str) -> View {
    View::new(
        Customer {
            id: "c".to_owned(),
            email: Some("c@mail.example".to_owned()),
            ..Customer::default()
        },
        TimeZone::get(zone).unwrap(),
        zone,
    )
}

fn policy() -> Policy {
    Policy::new(TimeZone::get("Europe/London").unwrap(), "Europe/London")
}

pub(super) fn event(id: &str, kind: &str, at: When) -> Event {
    Event {
        id: id.to_owned(),
        customer_id: "c".to_owned(),
        kind: kind.to_owned(),
        at,
        amount: None,
        currency: None,
        quantity: None,
        attrs: std::collections::BTreeMap::new(),
    }
}

fn ts(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn keys_and_dues(found: &[Occasion]) -> Vec<(String, String)> {
    found
        .iter()
        .map(|o| (o.key.clone(), o.due_at.to_string()))
        .collect()
}

#[test]
fn a_leap_day_birthday_follows_the_stated_policy_every_year() {
    let mut view = view("UTC");
    for (policy_29, common) in [
        (Feb29::Feb28, Some("02-28")),
        (Feb29::Mar1, Some("03-01")),
        (Feb29::Skip, None),
    ] {
        for year_known in [true, false] {
            view.customer.birthday = PartialDate::new(year_known.then_some(1896), 2, 29);
            for year in 1900..=2100_i16 {
                let (from, to) = (date(year, 1, 1), date(year, 12, 31));
                let found = occasions(&birthday(policy_29), &view, &policy(), from, to);
                let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
                let wanted = if leap { Some("02-29") } else { common };
                let keys: Vec<String> = found.into_iter().map(|o| o.key).collect();
                let wanted: Vec<String> = wanted
                    .map(|day| format!("{year}-{day}"))
                    .into_iter()
                    .collect();
                assert_eq!(keys, wanted, "{policy_29:?} {year}");
            }
        }
    }
}

#[test]
fn the_day_of_birth_is_no_birthday_and_years_are_counted_from_it() {
    let mut view = view("UTC");
    view.customer.birthday = PartialDate::new(Some(2000), 5, 2);
    let all = |from, to| occasions(&birthday(Feb29::Feb28), &view, &policy(), from, to);
    assert!(all(date(1998, 1, 1), date(2000, 12, 31)).is_empty());
    assert_eq!(all(date(2001, 1, 1), date(2001, 12, 31))[0].years, Some(1));
}

#[test]
fn an_offset_moves_the_day_but_not_the_key() {
    let mut view = view("UTC");
    view.customer.birthday = PartialDate::new(None, 1, 3);
    let rule = yearly(Period::Days(-7), Feb29::Feb28, &[]);
    let day = date(2026, 12, 27);
    let found = occasions(&rule, &view, &policy(), day, day);
    let wanted = ("2027-01-03".to_owned(), "2026-12-27T09:00:00Z".to_owned());
    assert_eq!(keys_and_dues(&found), [wanted]);
}

#[test]
fn the_wall_clock_stays_across_changes_of_the_clock() {
    let mut view = view("Europe/London");
    let mut rule = birthday(Feb29::Feb28);
    rule.send.at = jiff::civil::time(1, 30, 0, 0);
    // The hour that doesn't exist, the hour that exists twice, and days at both ends of the world.
    for (zone, month, day, at, due) in [
        ("Europe/London", 3, 28, (1, 30), "2027-03-28T01:30:00Z"),
        ("Europe/London", 10, 31, (1, 30), "2027-10-31T00:30:00Z"),
        ("Pacific/Kiritimati", 6, 1, (9, 0), "2027-05-31T19:00:00Z"),
        ("Pacific/Pago_Pago", 6, 1, (9, 0), "2027-06-01T20:00:00Z"),
    ] {
        view.zone = TimeZone::get(zone).unwrap();
        rule.send.at = jiff::civil::time(at.0, at.1, 0, 0);
        view.customer.birthday = PartialDate::new(None, month, day);
        let day = date(2027, month, day);
        let found = occasions(&rule, &view, &policy(), day, day);
        assert_eq!(found[0].due_at, ts(due), "{zone}");
    }
}

#[test]
fn a_thank_you_counts_civil_days_where_it_is_sent() {
    let mut view = view("America/New_York");
    // 2 January in London, still the 1st in New York.
    view.events = vec![event(
        "e1",
        "purchase",
        When::Instant(ts("2027-01-02T02:00:00Z")),
    )];
    let mut rule = after("purchase", Delay::After(Period::Days(3)), Which::Every);
    let window = (date(2027, 1, 1), date(2027, 1, 31));
    let found = occasions(&rule, &view, &policy(), window.0, window.1);
    assert_eq!(found[0].due_at, ts("2027-01-04T14:00:00Z"));
    rule.send.zone = SendZone::Business;
    let found = occasions(&rule, &view, &policy(), window.0, window.1);
    assert_eq!(found[0].due_at, ts("2027-01-05T09:00:00Z"));
    rule.trigger = after("purchase", Delay::After(Period::Minutes(120)), Which::Every).trigger;
    let found = occasions(&rule, &view, &policy(), window.0, window.1);
    assert_eq!(found[0].due_at, ts("2027-01-02T04:00:00Z"));
}

#[test]
fn a_silence_is_counted_from_the_last_contact_and_ended_by_the_next() {
    let mut view = view("UTC");
    let day = |d: Date| When::Day(d);
    view.events = vec![
        event("1", "purchase", day(date(1998, 1, 5))),
        event("2", "purchase", day(date(1998, 1, 5))),
        event("3", "visit", day(date(1998, 4, 5))),
        event("4", "feedback", day(date(1998, 5, 1))),
    ];
    let window = (date(1998, 1, 1), date(1998, 12, 31));
    let found = occasions(&lapsed(), &view, &policy(), window.0, window.1);
    // 5 January + 90 days is 5 April, on which the visit began at midnight, before nine.
    let wanted = ("1998-04-05/1".to_owned(), "1998-07-04T09:00:00Z".to_owned());
    assert_eq!(keys_and_dues(&found), [wanted]);
    let rule = silence(90, 3, (90, 1));
    assert!(occasions(&rule, &view, &policy(), window.0, window.1).is_empty());
}

const ZONES: &[&str] = &[
    "UTC",
    "Europe/London",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "America/Santiago",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/St_Johns",
];

proptest! {
    /// Planning day by day finds what planning the whole span at once finds, each exactly once.
    #[test]
    fn windows_can_be_cut_anywhere(
        days in proptest::collection::vec(0_i32..400, 0..12),
        zone in 0..ZONES.len(),
        cut in 0_i32..500,
        after in 1_i32..120,
    ) {
        let mut view = view(ZONES[zone]);
        let start = date(2027, 1, 1);
        let day = |n: i32| Period::Days(n).from_date(start).unwrap();
        view.events = days
            .iter()
            .enumerate()
            .map(|(i, n)| event(&i.to_string(), "visit", When::Day(day(*n))))
            .collect();
        view.customer.birthday = PartialDate::new(None, 2, 29);
        view.customer.joined_on = Some(day(cut));
        let thanks = |delay, which| super::tests::after("visit", delay, which);
        for rule in [
            silence(after, 1, (1 + after / 2, 3)),
            thanks(Delay::After(Period::Days(after)), Which::Every),
            thanks(Delay::Between(Period::Days(1), Period::Days(after)), Which::Every),
            thanks(Delay::Between(Period::Minutes(1), Period::Minutes(9_000)), Which::Nth(2)),
            birthday(Feb29::Mar1),
            yearly(Period::Months(-after), Feb29::Feb28, &[]),
            rule(Trigger::Date(OnDate {
                field: DateField::JoinedOn,
                offset: Period::Days(after - 60),
            })),
            rule(Trigger::Fixed(vec![day(0), day(after), day(after + 200)])),
        ] {
            let all = |from, to| occasions(&rule, &view, &policy(), from, to);
            let mut parts = all(day(0), day(cut));
            parts.extend(all(day(cut + 1), day(600)));
            prop_assert_eq!(&parts, &all(day(0), day(600)));
            let mut keys: Vec<_> = parts.iter().map(|o| o.key.clone()).collect();
            keys.sort();
            keys.dedup();
            prop_assert_eq!(keys.len(), parts.len());
        }
    }
}
