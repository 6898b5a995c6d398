//! Whose turn it is, among letters of one customer.

use jiff::civil::date;
use jiff::tz::TimeZone;

use super::*;
use crate::decide::calendar::instant;
use crate::decide::tests::rule;
use crate::model::policy::Cap;
use crate::model::{Customer, Period};
use crate::rules::{Trigger, WhenCapped};

const DAY: i8 = 3;

/// A rule whose days hold whatever happens.
fn named(id: &str, priority: u8) -> Rule {
    let days = (1..28).map(|day| date(2027, 5, day)).collect();
    Rule {
        id: id.to_owned(),
        priority,
        ..rule(Trigger::Fixed(days))
    }
}

fn at(day: i8) -> Timestamp {
    let nine = jiff::civil::time(9, 0, 0, 0);
    instant(date(2027, 5, day), nine, &TimeZone::UTC).unwrap()
}

fn letter(rule: &Rule, day: i8) -> Letter<'_> {
    let on = date(2027, 5, day);
    Letter {
        id: format!("{} {on}", rule.id),
        rule_id: rule.id.clone(),
        rule: Some(rule),
        class: rule.class,
        audience: rule.audience,
        priority: rule.priority,
        occasion: Occasion {
            key: on.to_string(),
            day: on,
            due_at: at(day),
            zone: "UTC".to_owned(),
            anchor: on,
            years: None,
            event: None,
        },
        zone: TimeZone::UTC,
        next: at(day),
        held: false,
        batch: Batch::default(),
        crowded: false,
    }
}

/// One letter in so many days.
fn played(days: i32, letters: &[Letter<'_>]) -> Course {
    let policy = Policy {
        caps: vec![Cap {
            class: None,
            count: 1,
            days,
        }],
        ..Policy::new(TimeZone::UTC, "UTC")
    };
    let customer = Customer {
        id: "c".to_owned(),
        email: Some("c@mail.example".to_owned()),
        ..Customer::default()
    };
    course(
        &Outlook {
            view: &View::new(customer, TimeZone::UTC, "UTC"),
            policy: &policy,
            now: at(1),
            facts: &|_, _| minijinja::Value::UNDEFINED,
            can_write: &|letter, _| letter.rule_id != "broken",
        },
        letters,
    )
}

fn ends(course: &Course) -> Vec<End> {
    course.fates.iter().map(|fate| fate.end(false)).collect()
}

#[test]
fn the_higher_priority_goes_first_and_the_other_once_the_cap_allows() {
    let (low, high) = (named("low", 20), named("high", 80));
    let letters = [letter(&low, DAY), letter(&high, DAY)];
    let course = played(2, &letters);
    assert_eq!(ends(&course), [End::Goes(at(DAY + 2)), End::Goes(at(DAY))]);
    let looks = &course.fates[0].looks;
    assert_eq!(looks[0].answer, Answer::Defer(at(DAY + 2), Reason::Capped));
    assert_eq!((looks[0].after, looks[1].after, looks.len()), (1, 1, 2));
    // As it is at each look, and not as it is in the end.
    assert_eq!(course.view_at(&course.fates[1].looks[0]).sent.len(), 0);
    assert_eq!(course.view_at(&looks[0]).sent[0].rule, "high");
    assert_eq!(course.gone_by(&looks[0])[0].letter, 1);
}

#[test]
fn of_one_priority_what_was_to_be_looked_at_earlier_goes_first_then_the_id_decides() {
    let (one, other) = (named("one", 50), named("other", 50));
    let course = played(2, &[letter(&other, DAY), letter(&one, DAY)]);
    assert_eq!(ends(&course), [End::Goes(at(DAY + 2)), End::Goes(at(DAY))]);
    // Half a minute earlier is looked at in the same pass.
    let mut early = letter(&other, DAY);
    early.next = at(DAY) - SignedDuration::from_secs(30);
    let course = played(2, &[early, letter(&one, DAY)]);
    assert_eq!(ends(&course), [End::Goes(at(DAY)), End::Goes(at(DAY + 2))]);
}

#[test]
fn what_is_held_or_can_t_be_written_or_goes_to_others_leaves_room() {
    let (held, broken, last) = (named("held", 90), named("broken", 80), named("last", 10));
    let owners = Rule {
        audience: Audience::Owner,
        ..named("owners", 70)
    };
    let mut first = letter(&held, DAY);
    first.batch.too_large = true;
    let letters = [
        first,
        letter(&broken, DAY),
        letter(&owners, DAY),
        letter(&last, DAY),
    ];
    let course = played(9, &letters);
    assert_eq!(
        ends(&course),
        [
            End::Held(Some(Reason::BatchTooLarge)),
            End::Not(Reason::TemplateFailed),
            // The owner's address isn't known here.
            End::Not(Reason::NoAddress),
            End::Goes(at(DAY)),
        ]
    );
    // One that waited for a person already, and of which nobody said a word, is told so as well.
    let mut waits = letter(&held, DAY);
    waits.held = true;
    waits.next = at(DAY + 3);
    let course = played(9, &[waits]);
    assert_eq!(course.fates[0].end(true), End::Held(None));
    assert_eq!(course.fates[0].end(false), End::Not(Reason::TooLate));
}

#[test]
fn what_comes_after_a_letter_whose_day_may_be_full_is_as_doubtful_where_the_caps_count_it() {
    let (crowded, next, far) = (named("crowded", 50), named("next", 50), named("far", 50));
    let skips = {
        let mut rule = named("skips", 50);
        rule.send.when_capped = WhenCapped::Skip;
        rule
    };
    let mut first = letter(&crowded, DAY);
    first.crowded = true;
    let letters = [
        first,
        letter(&next, DAY + 2),
        letter(&skips, DAY + 1),
        letter(&far, DAY + 12),
    ];
    let course = played(2, &letters);
    let doubts: Vec<Option<usize>> = course.fates.iter().map(|fate| fate.hangs_on).collect();
    // It may go as late as two days after its day, and counts for two days then.
    assert_eq!(doubts, [Some(0), Some(0), Some(0), None]);
}

/// A rule's `late` may be as long as it likes; nobody looks for ever.
#[test]
fn it_comes_to_an_end_whatever_stands_in_the_way() {
    let mut patient = named("patient", 50);
    patient.send.late = Period::Days(20_000);
    patient.send.days = vec![jiff::civil::Weekday::Monday];
    let mut one = letter(&patient, DAY);
    one.batch.day_is_full = true;
    let course = played(2, &[one]);
    assert_eq!(course.fates[0].looks.len(), MOST_LOOKS);
    assert_eq!(ends(&course), [End::Waits]);
}

#[test]
fn the_next_look_is_at_a_whole_minute() {
    let moment = |text: &str| text.parse::<Timestamp>().unwrap();
    let (before, then) = (
        moment("2027-01-04T23:59:59Z"),
        moment("2027-01-05T00:00:00Z"),
    );
    assert_eq!((next_look(before), next_look(then)), (then, then));
}
