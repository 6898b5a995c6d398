//! Who came back, counted.

use super::*;
use crate::store::{Question, Tally};

/// Days from noon on 2 May 2027.
fn day(n: i64) -> Timestamp {
    noon() + SignedDuration::from_hours(24 * n)
}

/// Who came back within ten days, by this moment; only what was due in between, where it is said.
async fn counted(store: &Store, now: Timestamp, due: Option<(i64, i64)>) -> Tally {
    let question = Question {
        rule: "birthday",
        kinds: &["visit".to_owned()],
        within_days: 10,
        since: due.map(|(since, _)| day(since)),
        until: due.map(|(_, until)| day(until)),
        now,
    };
    store.tally(&question).await.unwrap()
}

/// Due at noon so many days later.
fn due(customer: &str, days: i64) -> NewEntry {
    let mut new = entry(customer, &format!("after {days}"), day(days));
    new.occasion.day = TimeZone::UTC.to_datetime(day(days)).date();
    new
}

/// Plans this entry, and then these things become of it.
pub(super) async fn went(store: &Store, new: NewEntry, steps: &[(Outcome, Reason, Timestamp)]) {
    let id = entry_id(&new.rule, &new.customer, &new.occasion.key);
    let customer = new.customer.clone();
    plan(store, vec![new]).await;
    for &(outcome, reason, at) in steps {
        store.release_claims().await.unwrap();
        store.claim(1_000, day(1_000)).await.unwrap();
        let is_handed_over = matches!(
            outcome,
            Outcome::Sent | Outcome::Unknown | Outcome::Rejected
        );
        if is_handed_over {
            let commit = CommitToSend {
                now: at,
                ..commit(&id, view(store, &customer).await.revision)
            };
            assert!(store.commit_to_send(commit).await.unwrap(), "{customer}");
        }
        let record = Record {
            sent_at: (outcome == Outcome::Sent).then_some(at),
            next_attempt_at: (outcome == Outcome::Deferred).then_some(at),
            ..Record::new(&id, outcome, Some(reason), at)
        };
        assert!(store.record_durably(record).await.unwrap(), "{customer}");
    }
}

const SENT: (Outcome, Reason) = (Outcome::Sent, Reason::Accepted);

async fn sent(store: &Store, new: NewEntry) {
    let at = new.occasion.due_at;
    went(store, new, &[(SENT.0, SENT.1, at)]).await;
}

async fn skipped(store: &Store, new: NewEntry, reason: Reason) {
    let at = new.occasion.due_at;
    went(store, new, &[(Outcome::Skipped, reason, at)]).await;
}

pub(super) async fn those_who_came_back_in_time_count(store: &Store) {
    let moment = SignedDuration::from_millis(1);
    let on = |day| When::Day(date(2027, 5, day));
    let cases = [
        ("at once", vec![When::Instant(noon() + moment)], true),
        ("just before", vec![When::Instant(noon())], false),
        ("in the end", vec![When::Instant(day(10))], true),
        ("too late", vec![When::Instant(day(10) + moment)], false),
        ("who knows when that day", vec![on(2)], false),
        ("the next day", vec![on(3)], true),
        ("the last day", vec![on(12)], true),
        ("the day after", vec![on(13)], false),
        ("never", vec![], false),
        ("twice", vec![on(4), When::Instant(day(3))], true),
        ("far east, that day", vec![on(3)], false),
        ("far east, the next day", vec![on(4)], true),
        ("far east, the last day", vec![on(13)], true),
        ("held out, back", vec![on(7)], true),
        ("held out, away", vec![on(1), on(20)], false),
    ];
    load(store, cases.iter().map(|(id, ..)| person(id)).collect()).await;
    let mut all = Vec::new();
    for (id, visits, _) in &cases {
        for (n, at) in visits.iter().enumerate() {
            all.push(visit(&format!("{id} {n}"), id, *at));
        }
        all.push(Event {
            kind: "purchase".to_owned(),
            ..visit(&format!("{id} p"), id, on(5))
        });
    }
    load_events(store, all).await;
    for (id, ..) in &cases {
        let mut new = due(id, 0);
        if id.starts_with("far east") {
            // Eight in the morning of the 3rd, there.
            new.occasion.due_at = noon() + SignedDuration::from_hours(8);
            new.occasion.day = date(2027, 5, 3);
        }
        if id.starts_with("held out") {
            skipped(store, new, Reason::Holdout).await;
        } else {
            sent(store, new).await;
        }
    }
    // The far east's due day is another one: all of them were held out or sent on it.
    load(store, vec![person("on the 3rd")]).await;
    skipped(store, due("on the 3rd", 1), Reason::Holdout).await;
    let back = |held_out: bool| {
        let of_group = cases
            .iter()
            .filter(|(id, ..)| id.starts_with("held out") == held_out);
        u32::try_from(of_group.filter(|(.., back)| *back).count()).unwrap()
    };
    let expected = Tally {
        days: Some((date(2027, 5, 2), date(2027, 5, 3))),
        meant: (13, back(false)),
        holdout: (3, back(true)),
        sent: (13, back(false)),
        unknown: 0,
        waiting: 0,
    };
    assert_eq!(counted(store, day(100), None).await, expected);
}

/// Ten days in which everything happens that may become of an entry.
async fn ten_days(store: &Store) {
    let ids = [
        "before", "h1", "kept", "no", "was-here", "bounced", "lost", "twice", "second", "h2",
        "after", "planned",
    ];
    load(store, ids.map(person).to_vec()).await;
    let visits = [
        ("kept", 1),
        ("twice", 12),
        ("second", 12),
        ("no", 1),
        ("h1", 2),
    ];
    let visits = visits.map(|(who, days)| visit(who, who, When::Instant(day(days) - minutes(60))));
    load_events(store, visits.to_vec()).await;

    sent(store, due("before", -1)).await;
    skipped(store, due("h1", 0), Reason::Holdout).await;
    // Came back by themselves while the letter waited, as one held out may as well.
    let waited = [
        (Outcome::Deferred, Reason::QuietHours, day(0)),
        (Outcome::Skipped, Reason::ContactedSince, day(1)),
    ];
    went(store, due("kept", 0), &waited).await;
    // Never came as far as the holdout's question.
    skipped(store, due("no", 0), Reason::NoConsent).await;
    skipped(store, due("was-here", 0), Reason::ContactedSince).await;
    let refused = [(Outcome::Rejected, Reason::Refused, day(0))];
    went(store, due("bounced", 0), &refused).await;
    let lost = [(Outcome::Unknown, Reason::ReplyLost, day(0))];
    went(store, due("lost", 0), &lost).await;
    // Back after the second letter only, too late for the first.
    sent(store, due("twice", 0)).await;
    sent(store, due("twice", 3)).await;
    // The first had no address, so the second is the first.
    skipped(store, due("second", 0), Reason::NoAddress).await;
    sent(store, due("second", 3)).await;
    skipped(store, due("h2", 5), Reason::Holdout).await;
    sent(store, due("after", 8)).await;
    plan(store, vec![due("planned", 4)]).await;
}

pub(super) async fn a_customer_counts_once_in_the_days_of_the_holdout(store: &Store) {
    ten_days(store).await;
    let all = Tally {
        days: Some((date(2027, 5, 2), date(2027, 5, 7))),
        meant: (5, 2),
        holdout: (2, 1),
        sent: (2, 1),
        unknown: 1,
        waiting: 0,
    };
    assert_eq!(counted(store, day(100), None).await, all);
    // The days of "second" and "h2" aren't over, although the one is back already.
    let early = Tally {
        meant: (4, 1),
        holdout: (1, 1),
        sent: (1, 0),
        waiting: 2,
        ..all.clone()
    };
    assert_eq!(counted(store, day(12), None).await, early);
    // A stretch in which somebody is held out on one day only.
    let later = Tally {
        days: Some((date(2027, 5, 7), date(2027, 5, 7))),
        ..Tally::default()
    };
    let of_one_day = counted(store, day(100), Some((2, 9))).await;
    assert_eq!(
        of_one_day,
        Tally {
            holdout: (1, 0),
            ..later
        }
    );
    // Without a holdout, all who got a letter; the second of "twice" is the first in this stretch.
    let without = counted(store, day(100), Some((2, 5))).await;
    let expected = Tally {
        meant: (2, 2),
        sent: (2, 2),
        ..Tally::default()
    };
    assert_eq!(without, expected);
}
