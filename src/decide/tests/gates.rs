//! Each gate stops what it is for.

use jiff::civil::Weekday;

use super::*;

/// Judges a due lapse of a customer as `change` leaves them.
pub(super) fn judged(change: impl Fn(&mut Rule, &mut View, &mut Policy), now: &str) -> Answer {
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

pub(super) const DUE: &str = "1998-04-05T09:00:00Z";

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
                audience: Audience::Customer,
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

#[test]
fn a_complaint_is_open_until_it_is_closed_and_anew_with_the_next() {
    let told = |opened: &'static [i8], closed: &'static [i8]| {
        move |_: &mut Rule, v: &mut View, _: &mut Policy| {
            let kinds = [("complaint-opened", opened), ("complaint-closed", closed)];
            for (kind, days) in kinds {
                for day in days {
                    let at = When::Day(date(1998, 4, *day));
                    v.events.push(event(&format!("{kind}{day}"), kind, at));
                }
            }
        }
    };
    let open = Answer::Skip(Reason::ComplaintOpen);
    assert_eq!(judged(told(&[1], &[]), DUE), open);
    assert_eq!(judged(told(&[1], &[2]), DUE), Answer::Pass);
    assert_eq!(judged(told(&[1, 3], &[2]), DUE), open);
    // At the same moment: it was told when it was over.
    assert_eq!(judged(told(&[2], &[2]), DUE), Answer::Pass);
    assert_eq!(judged(told(&[6], &[]), DUE), Answer::Pass, "not yet");
}

#[test]
fn the_comparison_group_is_those_below_its_share() {
    let share = crate::model::occasion::stable_share(&["holdout", "r", "c"]);
    let below = |n: u32| move |r: &mut Rule, _: &mut View, _: &mut Policy| r.holdout = n;
    assert_eq!(judged(below(share), DUE), Answer::Pass);
    let held_out = Answer::Skip(Reason::Holdout);
    assert_eq!(judged(below(share + 1), DUE), held_out);
}

/// Quiet hours of this length, and a letter that may be as late as it likes.
fn quiet(from: (i8, i8), until: (i8, i8)) -> impl Fn(&mut Rule, &mut View, &mut Policy) {
    let clock = |(hour, minute)| jiff::civil::time(hour, minute, 0, 0);
    move |r, v, p| {
        r.send.late = Period::Days(400);
        v.zone = TimeZone::get("Europe/London").unwrap();
        p.quiet = Some(QuietHours {
            from: clock(from),
            until: clock(until),
        });
    }
}

#[test]
fn quiet_hours_at_noon_are_quiet_at_noon_only() {
    let at = |time: &str| judged(quiet((12, 0), (14, 0)), &format!("1998-04-06T{time}Z"));
    let end = Answer::Defer(ts("1998-04-06T13:00:00Z"), Reason::QuietHours);
    assert_eq!(at("10:59:59"), Answer::Pass);
    assert_eq!([at("11:00:00"), at("12:59:59")], [end, end]);
    assert_eq!(at("13:00:00"), Answer::Pass);
    let none = judged(quiet((12, 0), (12, 0)), "1998-04-06T11:00:00Z");
    assert_eq!(none, Answer::Pass, "hours without length");
}

/// At 2:00 the clock goes back to 1:00, into the quiet hours.
#[test]
fn quiet_hours_that_come_twice_end_twice() {
    let at = |time: &str| judged(quiet((20, 0), (1, 30)), &format!("1998-10-25T{time}Z"));
    let until = |time: &str| {
        let end = ts(&format!("1998-10-25T{time}Z"));
        Answer::Defer(end, Reason::QuietHours)
    };
    assert_eq!(at("00:29:59"), until("00:30:00"));
    assert_eq!([at("00:30:00"), at("00:59:59")], [Answer::Pass; 2]);
    assert_eq!(at("01:00:00"), until("01:30:00"));
    assert_eq!(at("01:30:00"), Answer::Pass);
    // The same where they begin on the day.
    let day = judged(quiet((0, 30), (1, 30)), "1998-10-25T00:30:00Z");
    assert_eq!(day, Answer::Pass);
}

/// One letter was sent at this moment, and one a day is the cap.
fn sent(rule: &str, occasion: &str, at: &str) -> impl Fn(&mut Rule, &mut View, &mut Policy) {
    let sent = Sent {
        rule: rule.to_owned(),
        occasion: occasion.to_owned(),
        class: Class::Service,
        audience: Audience::Customer,
        at: ts(at),
    };
    move |_, v, p| {
        v.sent = vec![sent.clone()];
        p.caps = vec![Cap {
            class: None,
            count: 1,
            days: 1,
        }];
    }
}

#[test]
fn a_letter_doesn_t_count_against_itself() {
    let tomorrow = Answer::Defer(ts("1998-04-06T09:00:00Z"), Reason::Capped);
    let at = |rule, occasion| judged(sent(rule, occasion, DUE), DUE);
    assert_eq!(at("r", "1998-01-05/1"), Answer::Pass);
    assert_eq!(at("r", "1997-01-05/1"), tomorrow);
    assert_eq!(at("other", "1998-01-05/1"), tomorrow);
}

/// At nine in the send zone it is still the evening before where they live.
#[test]
fn a_cap_ends_with_the_customer_s_own_day() {
    let far = |r: &mut Rule, v: &mut View, p: &mut Policy| {
        sent("other", "x", "1998-04-05T20:00:00Z")(r, v, p);
        v.zone = TimeZone::get("Pacific/Pago_Pago").unwrap();
    };
    let midnight = Answer::Defer(ts("1998-04-06T11:00:00Z"), Reason::Capped);
    assert_eq!(judged(far, "1998-04-06T09:00:00Z"), midnight);
    assert_eq!(judged(far, "1998-04-06T10:59:59Z"), midnight);
    assert_eq!(judged(far, "1998-04-06T11:00:00Z"), Answer::Pass);
    // From then on it is quiet until one o'clock on Tuesday, in the send zone; what then waits for
    // Wednesday waits for the rule's hour.
    let busy = |r: &mut Rule, v: &mut View, p: &mut Policy| {
        far(r, v, p);
        quiet((0, 0), (14, 0))(r, &mut v.clone(), p);
        r.send.days = vec![Weekday::Monday, Weekday::Wednesday];
    };
    let hour = Answer::Defer(ts("1998-04-08T09:00:00Z"), Reason::Capped);
    assert_eq!(judged(busy, "1998-04-06T09:00:00Z"), hour);
}

/// What the gates say of the thank-you for `1` on 2 May, due on the 5th, once it is at another time.
fn of_a_purchase_at(at: Option<&str>, now: &str) -> Answer {
    let (rule, mut view, policy) = (
        after("purchase", Delay::After(Period::Days(3)), Which::Every),
        view("Europe/London"),
        policy(),
    );
    view.events = vec![event("1", "purchase", When::Day(date(2027, 5, 2)))];
    let (first, last) = (date(2027, 5, 1), date(2027, 5, 31));
    let occasion = occasions(&rule, &view, &policy, first, last).remove(0);
    let at = at.map(|at| event("1", "purchase", When::Instant(ts(at))));
    view.events = at.into_iter().collect();
    judge(&Case {
        rule: Some(&rule),
        class: rule.class,
        audience: rule.audience,
        occasion: &occasion,
        zone: &view.zone,
        view: &view,
        policy: &policy,
        batch: gate::Batch::default(),
        now: ts(now),
        facts: &|| minijinja::context! {},
    })
}

#[test]
fn a_letter_about_what_lies_ahead_by_now_waits_for_its_new_day() {
    let (due, next) = ("2027-05-05T08:00:00Z", "2027-05-06T08:00:00Z");
    // The same day, by the clock of where it is sent.
    for at in ["2027-05-01T23:00:00Z", "2027-05-02T22:59:59Z"] {
        assert_eq!(of_a_purchase_at(Some(at), due), Answer::Pass, "{at}");
    }
    let moved = |until: &str| Answer::Defer(ts(until), Reason::RecordChanged);
    let ahead = of_a_purchase_at(Some("2027-05-20T12:00:00Z"), next);
    assert_eq!(ahead, moved("2027-05-23T08:00:00Z"));
    // It was earlier: the planner says so before the next letters go.
    let earlier = of_a_purchase_at(Some("2027-05-01T12:00:00Z"), due);
    assert_eq!(earlier, moved("2027-05-05T08:01:00Z"));
    // It never was.
    let never = of_a_purchase_at(None, due);
    assert_eq!(never, Answer::Skip(Reason::RecordChanged));
}
