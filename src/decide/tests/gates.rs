//! Each gate stops what it is for.

use super::*;

/// Judges a due lapse of a customer as `change` leaves them.
fn judged(change: impl Fn(&mut Rule, &mut View, &mut Policy), now: &str) -> Answer {
    let (mut rule, mut view, mut policy) = (lapsed(), view("UTC"), policy());
    view.events = vec![event("1", "purchase", When::Day(date(1998, 1, 5)))];
    let day = date(1998, 4, 5);
    let occasion = occasions(&rule, &view, &policy, day, day).pop().unwrap();
    change(&mut rule, &mut view, &mut policy);
    let judged = |rule: &Rule| {
        judge(&Case {
            rule: (rule.id == "r").then_some(rule),
            class: rule.class,
            audience: rule.audience,
            occasion: &occasion,
            zone: &TimeZone::UTC,
            view: &view,
            policy: &policy,
            batch: gate::Batch::default(),
            now: ts(now),
            facts: &|| minijinja::context! { customer => minijinja::context! { vip => true } },
        })
    };
    let answer = judged(&rule);
    // Were they held out, only what comes before the holdout would still be the reason.
    let earlier = matches!(answer, Answer::Skip(reason) if reason.precedes_holdout());
    let held_out = if earlier {
        answer
    } else {
        Answer::Skip(Reason::Holdout)
    };
    rule.holdout = u32::MAX;
    assert_eq!(judged(&rule), held_out);
    answer
}

const DUE: &str = "1998-04-05T09:00:00Z";

#[test]
fn every_gate_stops_what_it_is_for() {
    use Answer::{Pass, Skip};
    assert_eq!(judged(|_, _, _| {}, DUE), Pass);
    assert_eq!(judged(|_, v, _| v.erased = true, DUE), Skip(Reason::Erased));
    assert_eq!(
        judged(|_, v, _| v.customer.email = None, DUE),
        Skip(Reason::NoAddress)
    );
    assert_eq!(
        judged(|_, v, _| v.suppressed = true, DUE),
        Skip(Reason::Suppressed)
    );
    assert_eq!(
        judged(|_, v, _| v.customer.unsubscribed = true, DUE),
        Skip(Reason::Suppressed)
    );
    let service = |r: &mut Rule, v: &mut View, _: &mut Policy| {
        r.class = Class::Service;
        v.suppressed = true;
    };
    assert_eq!(judged(service, DUE), Pass);
    assert_eq!(
        judged(|_, v, _| v.customer.consent = Consent::No, DUE),
        Skip(Reason::NoConsent)
    );
    let opt_in = |_: &mut Rule, _: &mut View, p: &mut Policy| p.basis = MarketingBasis::OptIn;
    assert_eq!(judged(opt_in, DUE), Skip(Reason::NoConsent));
}

#[test]
fn rules_times_events_and_conditions_stop_what_they_are_for() {
    use Answer::{Pass, Skip};
    assert_eq!(
        judged(|r, _, _| r.id = "gone".to_owned(), DUE),
        Skip(Reason::RuleRemoved)
    );
    assert_eq!(
        judged(|r, _, _| r.enabled = false, DUE),
        Skip(Reason::RuleDisabled)
    );
    assert_eq!(judged(|_, _, _| {}, "1998-04-07T09:00:00Z"), Pass);
    assert_eq!(
        judged(|_, _, _| {}, "1998-04-07T09:00:01Z"),
        Skip(Reason::TooLate)
    );
    let came = |_: &mut Rule, v: &mut View, _: &mut Policy| {
        v.events
            .push(event("2", "visit", When::Day(date(1998, 4, 6))));
    };
    assert_eq!(judged(came, "1998-04-05T23:59:59Z"), Pass);
    assert_eq!(
        judged(came, "1998-04-06T00:00:00Z"),
        Skip(Reason::ContactedSince)
    );
    assert_eq!(
        judged(|_, v, _| v.events.clear(), DUE),
        Skip(Reason::RecordChanged)
    );
    let complaint = |_: &mut Rule, v: &mut View, _: &mut Policy| {
        v.events
            .push(event("3", "complaint-opened", When::Day(date(1998, 4, 1))));
    };
    assert_eq!(judged(complaint, DUE), Skip(Reason::ComplaintOpen));
    let closed = |r: &mut Rule, v: &mut View, p: &mut Policy| {
        complaint(r, v, p);
        v.events
            .push(event("4", "complaint-closed", When::Day(date(1998, 4, 2))));
    };
    assert_eq!(judged(closed, DUE), Pass);
    let only = |text: &'static str| {
        move |r: &mut Rule, _: &mut View, _: &mut Policy| {
            r.condition = Some(Condition::parse(text).unwrap());
        }
    };
    assert_eq!(judged(only("customer.vip"), DUE), Pass);
    assert_eq!(
        judged(only("not customer.vip"), DUE),
        Skip(Reason::ConditionFalse)
    );
    assert_eq!(
        judged(only("customer.vpi == 1"), DUE),
        Skip(Reason::ConditionFailed)
    );
    assert_eq!(
        judged(|r, _, _| r.holdout = u32::MAX, DUE),
        Skip(Reason::Holdout)
    );
}

#[test]
fn what_has_to_wait_waits_for_the_first_allowed_moment() {
    let quiet = |_: &mut Rule, _: &mut View, p: &mut Policy| {
        let hour = |h| jiff::civil::time(h, 0, 0, 0);
        p.quiet = Some(QuietHours {
            from: hour(20),
            until: hour(8),
        });
    };
    let late_evening = "1998-04-05T21:00:00Z";
    let morning = Answer::Defer(ts("1998-04-06T08:00:00Z"), Reason::QuietHours);
    assert_eq!(judged(quiet, late_evening), morning);
    assert_eq!(judged(quiet, "1998-04-06T07:59:59Z"), morning);
    assert_eq!(judged(quiet, "1998-04-06T08:00:00Z"), Answer::Pass);
    // A Sunday, and a rule that sends on Tuesdays.
    let tuesdays = |r: &mut Rule, _: &mut View, _: &mut Policy| {
        r.send.days = vec![jiff::civil::Weekday::Tuesday];
    };
    let tuesday = Answer::Defer(ts("1998-04-07T09:00:00Z"), Reason::NotThisDay);
    assert_eq!(judged(tuesdays, DUE), tuesday);
    let fridays = |r: &mut Rule, _: &mut View, _: &mut Policy| {
        r.send.days = vec![jiff::civil::Weekday::Friday];
    };
    assert_eq!(
        judged(fridays, DUE),
        Answer::Skip(Reason::NotThisDay),
        "after `late`"
    );
}

#[test]
fn caps_count_civil_days_and_the_message_waits_or_ends() {
    let sent_on = |day: i8, days: i32| {
        move |_: &mut Rule, v: &mut View, p: &mut Policy| {
            let at = date(1998, 4, day)
                .at(9, 0, 30, 0)
                .to_zoned_datetime(TimeZone::UTC)
                .unwrap();
            let (rule, occasion) = ("other".to_owned(), "x".to_owned());
            v.sent = vec![Sent {
                rule,
                occasion,
                class: Class::Service,
                at: at.timestamp(),
            }];
            p.caps = vec![Cap {
                class: None,
                count: 1,
                days,
            }];
        }
    };
    let tomorrow = Answer::Defer(ts("1998-04-06T09:00:00Z"), Reason::Capped);
    assert_eq!(judged(sent_on(4, 2), DUE), tomorrow);
    assert_eq!(
        judged(sent_on(3, 2), DUE),
        Answer::Pass,
        "a half minute doesn't cost a day"
    );
    assert_eq!(
        judged(sent_on(4, 30), DUE),
        Answer::Skip(Reason::Capped),
        "not inside `late`"
    );
    let skip = |r: &mut Rule, v: &mut View, p: &mut Policy| {
        sent_on(4, 2)(r, v, p);
        r.send.when_capped = WhenCapped::Skip;
    };
    assert_eq!(judged(skip, DUE), Answer::Skip(Reason::Capped));
    let other_class = |r: &mut Rule, v: &mut View, p: &mut Policy| {
        sent_on(4, 2)(r, v, p);
        p.caps[0].class = Some(Class::Marketing);
    };
    assert_eq!(judged(other_class, DUE), Answer::Pass);
}

proptest! {
    /// A deferral always leads to a later moment, at which the same question has an answer other
    /// than the same deferral.
    #[test]
    fn deferrals_go_forward(minute in 0_i64..4_000, from in 0_i8..24, until in 0_i8..24) {
        let now = ts(DUE) + jiff::SignedDuration::from_mins(minute);
        let change = |_: &mut Rule, _: &mut View, p: &mut Policy| {
            let hour = |h| jiff::civil::time(h, 0, 0, 0);
            p.quiet = (from != until).then(|| QuietHours { from: hour(from), until: hour(until) });
        };
        if let Answer::Defer(later, _) = judged(change, &now.to_string()) {
            prop_assert!(later > now);
            prop_assert_eq!(judged(change, &later.to_string()), Answer::Pass);
        }
    }
}
