//! What customers chose themselves, and what it stops.

use super::gates::{DUE, judged};
use super::*;

/// What a customer chose, and nothing of it stops what they asked for.
#[test]
fn what_a_customer_chose_stops_letters_that_they_did_not_ask_for() {
    let pause = |v: &mut View, day: i8| v.wishes.pause_until = Some(date(1998, 4, day));
    let until = |day| judged(move |_, v, _| pause(v, day), DUE);
    assert_eq!(until(6), Answer::Skip(Reason::CustomerPaused));
    // The day on which it ends is a day for letters.
    assert_eq!(until(5), Answer::Pass);
    // What came due in it doesn't come after it, say from a machine that was off until then.
    let late = |day| judged(move |_, v, _| pause(v, day), "1998-04-06T10:00:00Z");
    assert_eq!(late(6), Answer::Skip(Reason::CustomerPaused));
    assert_eq!(late(5), Answer::Pass);
    let without = |topic| {
        move |_: &mut Rule, v: &mut View, _: &mut Policy| {
            v.wishes.without.insert(topic);
        }
    };
    let unwanted = Answer::Skip(Reason::UnwantedKind);
    assert_eq!(judged(without(Topic::Missing), DUE), unwanted);
    assert_eq!(judged(without(Topic::Greetings), DUE), Answer::Pass);
    // A rule may be of another kind than its trigger says.
    let moved = |r: &mut Rule, v: &mut View, _: &mut Policy| {
        r.topic = Topic::Greetings;
        v.wishes.without.insert(Topic::Greetings);
    };
    assert_eq!(judged(moved, DUE), unwanted);
    // Nobody is told to call them either.
    let to_staff = |r: &mut Rule, v: &mut View, _: &mut Policy| {
        r.audience = Audience::Staff;
        v.customer.staff_email = Some("s@shop.example".to_owned());
        pause(v, 6);
    };
    assert_eq!(judged(to_staff, DUE), Answer::Skip(Reason::CustomerPaused));
    let service = |r: &mut Rule, v: &mut View, _: &mut Policy| {
        r.class = Class::Service;
        v.wishes.without.insert(Topic::Missing);
        pause(v, 6);
    };
    assert_eq!(judged(service, DUE), Answer::Pass);
    // Who wants none at all is told so first.
    let both = |_: &mut Rule, v: &mut View, _: &mut Policy| {
        v.suppressed = true;
        pause(v, 6);
    };
    assert_eq!(judged(both, DUE), Answer::Skip(Reason::Suppressed));
}

#[test]
fn whoever_wants_fewer_letters_gets_one_in_four_weeks_and_caps_count_twice() {
    let asked = |(class, sent): (Class, Class), day: Date, cap: Option<i32>| {
        let change = move |r: &mut Rule, v: &mut View, p: &mut Policy| {
            r.class = class;
            r.send.when_capped = WhenCapped::Skip;
            v.wishes.fewer = true;
            let at = day.at(9, 0, 0, 0).to_zoned_datetime(TimeZone::UTC);
            v.sent = vec![Sent {
                rule: "other".to_owned(),
                occasion: "x".to_owned(),
                class: sent,
                audience: Audience::Customer,
                at: at.unwrap().timestamp(),
            }];
            let cap = cap.map(|days| Cap {
                class: None,
                count: 1,
                days,
            });
            p.caps = cap.into_iter().collect();
        };
        judged(change, DUE)
    };
    let capped = Answer::Skip(Reason::Capped);
    let (letter, service) = (Class::Relationship, Class::Service);
    // 28 civil days lie between two letters, without any cap of the business's.
    let marketing = (letter, Class::Marketing);
    assert_eq!(asked(marketing, date(1998, 3, 9), None), capped);
    assert_eq!(asked(marketing, date(1998, 3, 8), None), Answer::Pass);
    // What they asked for counts for the business's own caps only, which count twice.
    let after_service = (letter, service);
    assert_eq!(asked(after_service, date(1998, 4, 4), None), Answer::Pass);
    assert_eq!(asked(after_service, date(1998, 3, 27), Some(5)), capped);
    assert_eq!(
        asked(after_service, date(1998, 3, 26), Some(5)),
        Answer::Pass
    );
    // And nothing that they asked for comes later for it.
    let about_an_order = (service, letter);
    assert_eq!(asked(about_an_order, date(1998, 4, 4), None), Answer::Pass);
    assert_eq!(
        asked(about_an_order, date(1998, 3, 31), Some(5)),
        Answer::Pass
    );
    assert_eq!(asked(about_an_order, date(1998, 4, 1), Some(5)), capped);
}
