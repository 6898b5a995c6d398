//! What is said of letters that lie ahead, of pauses and of doubts.

use super::*;

/// What no gate says, as people read it.
#[test]
fn pauses_and_doubts_are_sentences_too() {
    let since = at("2027-05-02T09:00");
    let paused = |answer, words| while_paused(since, &zone(), (answer, words));
    assert_eq!(
        paused(Answer::Pass, "Nothing stands in its way, as things are."),
        "It waits as long as sending is paused, since 2 May 2027 at 09:00 Europe/Berlin. Nothing else \
         stands in its way, as things are."
    );
    assert_eq!(
        paused(Answer::Skip(Reason::NoAddress), "It won't be sent."),
        "It waits as long as sending is paused, since 2 May 2027 at 09:00 Europe/Berlin. Were it not: \
         it won't be sent."
    );
    let day = Crowded::Day {
        most: 1,
        may_be_due: 3,
    };
    assert_eq!(
        hangs_on_others(None, day, "7"),
        "That isn't certain: `max_per_day` lets 1 letter of this rule go a day, and 3 may be due by \
         then, so that its turn may come on a later day. `fondly forecast --customer 7` works it out."
    );
    assert_eq!(
        hangs_on_others(Some("feast"), Crowded::Guard(300), "7"),
        "That isn't certain: 300 letters of `feast` may be due that day, more than [guard] lets go \
         unasked; whether so many are left hangs on what else those customers get. \
         `fondly forecast --customer 7` works it out."
    );
    assert_eq!(
        hangs_on_others(None, Crowded::First(20), "7"),
        "That isn't certain: the first 20 letters of this rule wait for you, and by then enough may \
         have gone on the days that you approved. `fondly forecast --customer 7` works it out."
    );
}

/// Of letters that go before, it is told which, and why they go first.
#[test]
fn what_goes_before_is_named_with_its_day_and_its_priority() {
    let rule = rule("[trigger.anniversary]\nfield = \"birthday\"");
    let mut view = view();
    let occasion = first(&rule, &view).unwrap();
    let now = at("2027-02-28T09:00");
    let sent = |rule: &str, at| Sent {
        rule: rule.to_owned(),
        occasion: "o".to_owned(),
        class: Class::Marketing,
        audience: Audience::Customer,
        at,
    };
    view.sent = vec![sent("old", at("2027-02-20T09:00")), sent("feast", now)];
    let case = Case {
        rule: Some(&rule),
        class: rule.class,
        audience: rule.audience,
        occasion: &occasion,
        zone: &zone(),
        view: &view,
        policy: &policy(),
        batch: Batch::default(),
        now,
        facts: &|| minijinja::Value::UNDEFINED,
    };
    let before = |priorities| {
        [Before {
            place: 0,
            rule: "feast",
            at: now,
            priorities,
        }]
    };
    let answer = judge(&case);
    let told = verdict(&case, answer, &before((80, 50)));
    assert_eq!(
        told,
        "It won't be sent, as things are: they will have had 2 marketing letters in 14 days (on \
         20 February 2027, `feast` on 28 February 2027), and 1 may go; the next is allowed from \
         14 March 2027 on. `feast` goes first: its priority is 80, and this letter's 50. The rule's \
         `late` of 2 days doesn't allow it to wait so long."
    );
    let told = next_verdict(&case, answer, &before((50, 50)));
    assert!(
        told.starts_with("Then it won't be sent: they will have had 2"),
        "{told}"
    );
    assert!(
        told.contains("of the same priority, it comes earlier in line."),
        "{told}"
    );
    let named = |answer| in_the_way(&case, answer, &before((80, 50))).len();
    assert_eq!((named(answer), named(Answer::Pass)), (1, 0));
}
