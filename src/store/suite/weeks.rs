//! What a week came to, counted, and how far the owners' letters have come.

use super::results::went;
use super::*;
use crate::model::Matter;
use crate::store::{CLAIM_LASTS, Digest, DigestState, Ended, FileMeta, Returns, Sign, Trouble};

/// Days from noon on 2 May 2027.
fn day(n: i64) -> Timestamp {
    noon() + SignedDuration::from_hours(24 * n)
}

/// Due at noon so many days later.
fn due(customer: &str, days: i64) -> NewEntry {
    let mut new = entry(customer, &format!("after {days}"), day(days));
    new.occasion.day = TimeZone::UTC.to_datetime(day(days)).date();
    new
}

/// How many ended between two days, by outcome and reason.
async fn ended(store: &Store, since: i64, until: i64) -> Vec<(Outcome, Option<Reason>, u64)> {
    let ended = store.ended_between((day(since), day(until))).await.unwrap();
    assert!(ended.iter().all(|one| one.rule == "birthday"
        && one.audience == "customer"
        && one.class == "marketing"));
    let told = |one: Ended| (one.outcome, one.reason, one.entries);
    let mut all: Vec<_> = ended.into_iter().map(told).collect();
    all.sort();
    all
}

/// What was due in one week and left in the next is told in the next; what was settled otherwise
/// afterwards is told as it is.
pub(super) async fn a_week_holds_what_ended_in_it(store: &Store) {
    use Outcome::{Deferred, Sent, Skipped, Unknown};
    use Reason::{Accepted, Capped, QuietHours, ReplyLost, TooLate};
    let names: Vec<String> = (0..6).map(|n| format!("c{n}")).collect();
    load(store, names.iter().map(|name| person(name)).collect()).await;
    went(store, due("c0", 0), &[(Sent, Accepted, day(0))]).await;
    // As in life, what comes later is written later.
    went(store, due("c4", 5), &[(Unknown, ReplyLost, day(5))]).await;
    went(store, due("c2", 6), &[(Skipped, Capped, day(6))]).await;
    went(
        store,
        due("c1", 1),
        &[(Deferred, QuietHours, day(6)), (Sent, Accepted, day(8))],
    )
    .await;
    went(store, due("c3", 6), &[(Skipped, TooLate, day(9))]).await;
    plan(store, vec![due("c5", 3)]).await;
    let first = ended(store, 0, 7).await;
    let unknown = (Unknown, Some(ReplyLost), 1);
    assert_eq!(
        first,
        [
            (Sent, Some(Accepted), 1),
            (Skipped, Some(Capped), 1),
            unknown
        ]
    );
    let second = ended(store, 7, 14).await;
    assert_eq!(
        second,
        [(Sent, Some(Accepted), 1), (Skipped, Some(TooLate), 1)]
    );
    assert_eq!(ended(store, 14, 21).await, []);
    // Settled by hand: it did arrive, and that is told in its own week.
    let how = Resettle {
        id: entry_id("birthday", "c4", "after 5"),
        from: Unknown,
        outcome: Sent,
        reason: Some(Reason::SettledByHand),
        only_via: None,
        now: day(10),
    };
    assert!(store.resettle(&how).await.unwrap());
    assert!(!ended(store, 0, 7).await.contains(&unknown));
    let settled = (Sent, Some(Reason::SettledByHand), 1);
    assert!(ended(store, 7, 14).await.contains(&settled));
    assert_eq!(store.answered_since(day(7)).await.unwrap(), (2, 0));
    assert_eq!(store.answered_since(day(0)).await.unwrap(), (3, 0));
}

pub(super) async fn who_came_back_came_first_in_that_week(store: &Store) {
    use Outcome::{Sent, Skipped};
    use Reason::{Accepted, Holdout};
    let names = ["soon", "late", "before", "bare", "never", "held", "other"];
    load(store, names.iter().map(|name| person(name)).collect()).await;
    for name in names {
        let became = if name == "held" {
            (Skipped, Holdout, day(0))
        } else {
            (Sent, Accepted, day(0))
        };
        went(store, due(name, 0), &[became]).await;
    }
    let civil = |n: i64| When::Day(TimeZone::UTC.to_datetime(day(n)).date());
    let other = Event {
        kind: "call".to_owned(),
        ..visit("v7", "other", When::Instant(day(8)))
    };
    let events = vec![
        visit("v1", "soon", When::Instant(day(8))),
        visit("v2", "late", When::Instant(day(12))),
        // In the week before already.
        visit("v3", "before", When::Instant(day(3))),
        visit("v4", "before", When::Instant(day(8))),
        visit("v5", "bare", civil(9)),
        visit("v6", "held", When::Instant(day(8))),
        other,
        // Before the letter: no answer to it.
        visit("v8", "never", When::Instant(day(-3))),
    ];
    load_events(store, events).await;
    let kinds = ["visit".to_owned()];
    let asked = |within_days| Returns {
        rule: "birthday",
        kinds: &kinds,
        within_days,
        between: (day(7), day(14)),
        days: (date(2027, 5, 9), date(2027, 5, 16)),
    };
    let back = store.came_back(&asked(30)).await.unwrap();
    assert_eq!(back, ["bare", "late", "soon"]);
    let back = store.came_back(&asked(10)).await.unwrap();
    assert_eq!(back, ["bare", "soon"]);
    let rule = Returns {
        rule: "thanks",
        ..asked(30)
    };
    assert!(store.came_back(&rule).await.unwrap().is_empty());
}

pub(super) async fn what_came_last_of_a_source_is_counted(store: &Store) {
    let refused = |n: u64| {
        FileRow::Refused(Box::new(Refusal {
            file: "f".to_owned(),
            line: n,
            column: "email".to_owned(),
            value: "x".to_owned(),
            reason: "it isn't an address".to_owned(),
            record: String::new(),
            of: Claims::default(),
        }))
    };
    let read = async |path: &str, at: i64, good: usize, bad: u64| {
        let meta = FileMeta {
            path,
            now: day(at),
            ..file("till", "1")
        };
        let good = (0..good)
            .map(|n| FileRow::Customer(Box::new(person(&format!("{path}{n}"))), everything()));
        let rows: Rows = good.chain((0..bad).map(refused)).map(Ok).collect();
        store.apply_file(meta, rows.into_iter()).await.unwrap();
    };
    read("a.csv", 0, 0, 9).await;
    read("b.csv", 1, 3, 1).await;
    read("c.csv", 1, 1, 2).await;
    let last = store.last_taken().await.unwrap();
    let told: Vec<_> = last
        .iter()
        .map(|one| (one.source.as_str(), one.at, one.records, one.refused))
        .collect();
    assert_eq!(told, [("till", day(1), 7, 3)]);
}

pub(super) async fn the_last_letters_of_the_owners_are_known(store: &Store) {
    let digest = |until: i64, reader: &str, state| Digest {
        until: day(until),
        asked: false,
        reader: reader.to_owned(),
        since: day(until - 7),
        state,
        at: day(until),
        via: None,
        name: None,
    };
    assert!(store.last_digests(day(99)).await.unwrap().is_empty());
    assert_eq!(store.last_digest_handed_over().await.unwrap(), None);
    assert_eq!(store.digest_begins(day(0)).await.unwrap(), day(0));
    assert_eq!(store.digest_begins(day(5)).await.unwrap(), day(0));
    let all = [
        digest(7, "a", DigestState::Sent),
        digest(14, "a", DigestState::Waits),
        digest(14, "b", DigestState::Unknown),
        // By a clock that was far ahead.
        digest(400, "a", DigestState::Sent),
    ];
    for one in &all {
        store.keep_digest(one).await.unwrap();
    }
    let asked = Digest {
        asked: true,
        ..digest(15, "a", DigestState::Sent)
    };
    store.keep_digest(&asked).await.unwrap();
    assert_eq!(store.last_digests(day(20)).await.unwrap(), all[1..3]);
    assert_eq!(store.last_digests(day(13)).await.unwrap(), all[..1]);
    let gone = Digest {
        state: DigestState::Sent,
        at: day(401),
        via: Some("/outbox".to_owned()),
        name: Some("digest_x".to_owned()),
        ..all[1].clone()
    };
    store.keep_digest(&gone).await.unwrap();
    assert_eq!(store.last_digests(day(20)).await.unwrap()[0], gone);
    assert_eq!(store.last_digest_handed_over().await.unwrap(), Some(gone));
    // They may name whoever is forgotten.
    load(store, vec![person("ann")]).await;
    assert!(forget(store, "ann").await);
    let copies = store.copies_to_erase().await.unwrap();
    let names: Vec<_> = copies.iter().map(|copy| copy.name.as_str()).collect();
    assert_eq!(names, ["digest_x"]);
}

fn till(said: &str) -> Matter {
    Matter::Source {
        name: "till".to_owned(),
        said: Some(said.to_owned()),
    }
}

const TILL: (&str, &str) = (Matter::SOURCE, "till");

pub(super) async fn a_sign_is_no_trouble_until_it_is_ripe(store: &Store) {
    let sign = |ripe| Sign {
        trouble: Trouble {
            matter: till("it said no"),
            since: day(0),
            told_at: None,
        },
        times: 2,
        ripe,
        well_since: None,
    };
    store.keep_sign(&sign(false)).await.unwrap();
    assert!(store.troubles().await.unwrap().is_empty());
    assert_eq!(store.signs().await.unwrap(), [sign(false)]);
    assert_eq!(store.claim_untold(day(1)).await.unwrap(), None);
    store.keep_sign(&sign(true)).await.unwrap();
    assert_eq!(store.troubles().await.unwrap(), [sign(true).trouble]);
    let claimed = store.claim_untold(day(1)).await.unwrap().unwrap();
    store.told(&claimed, day(1)).await.unwrap();
    // Who looked before that, and notes it after, doesn't undo it.
    store.keep_sign(&sign(true)).await.unwrap();
    assert_eq!(store.troubles().await.unwrap()[0].told_at, Some(day(1)));
    // The same facts are no news, others are.
    let begins = async |said| store.trouble_begins(&till(said), day(2)).await.unwrap();
    assert!(!begins("it said no").await);
    assert!(begins("it is gone").await);
    let known = store.troubles().await.unwrap();
    assert_eq!((known[0].since, known[0].told_at), (day(0), None));
    store.trouble_ends(TILL).await.unwrap();
    assert!(store.signs().await.unwrap().is_empty());
}

pub(super) async fn a_trouble_is_told_by_one_and_never_lost(store: &Store) {
    let claim = async |at| store.claim_untold(at).await.unwrap();
    assert!(store.trouble_begins(&till("no"), day(0)).await.unwrap());
    let minute = SignedDuration::from_mins(1);
    let first = claim(day(0)).await.unwrap();
    assert!(!first.is_over && !first.may_be_told);
    assert_eq!(claim(day(0)).await, None);
    assert_eq!(claim(day(0) + minute).await, None);
    // It couldn't leave; or whoever claimed it is gone, which nobody says.
    store
        .not_told(&first, &["to-ann".to_owned()])
        .await
        .unwrap();
    let second = claim(day(1)).await.unwrap();
    assert_eq!(second.trouble, first.trouble);
    assert_eq!(
        (first.heard.len(), second.heard.as_slice()),
        (0, &["to-ann".to_owned()][..])
    );
    assert_eq!(claim(day(1) + minute).await, None);
    let again = claim(day(1) + CLAIM_LASTS).await.unwrap();
    assert!(again.may_be_told);
    // A clock that has been set back doesn't keep it to itself.
    let back = claim(day(0)).await.unwrap();
    // The first one comes to its end after all, and gives back nobody else's.
    store.not_told(&again, &again.heard).await.unwrap();
    assert_eq!(claim(day(0)).await, None);
    // What became news meanwhile is still to be told.
    assert!(store.trouble_begins(&till("ever"), day(0)).await.unwrap());
    store.told(&back, day(0)).await.unwrap();
    let news = claim(day(0)).await.unwrap();
    assert_eq!(news.trouble.matter, till("ever"));
    // It is over before it is told; that it was there is told first, and then that it is over.
    assert!(store.trouble_over(TILL, day(0)).await.unwrap());
    assert!(!store.trouble_over(TILL, day(0)).await.unwrap());
    assert!(store.troubles().await.unwrap().is_empty());
    assert_eq!(claim(day(0)).await, None);
    store.told(&news, day(0)).await.unwrap();
    let over = claim(day(0)).await.unwrap();
    assert_eq!((over.is_over, over.trouble.told_at), (true, Some(day(0))));
    // Before that has left, it is there again: another trouble.
    assert!(store.trouble_begins(&till("ever"), day(3)).await.unwrap());
    store.told(&over, day(3)).await.unwrap();
    let known = store.troubles().await.unwrap();
    assert_eq!((known[0].since, known[0].told_at), (day(3), None));
    assert!(store.trouble_over(TILL, day(3)).await.unwrap());
    let over = claim(day(3)).await.unwrap();
    store.told(&over, day(3)).await.unwrap();
    assert_eq!(claim(day(4)).await, None);
    // What another version noted can be told as well, and ends as well.
    let other = Matter::Other {
        kind: "new".to_owned(),
        name: "x".to_owned(),
    };
    assert!(store.trouble_begins(&other, day(5)).await.unwrap());
    assert_eq!(store.troubles().await.unwrap()[0].matter, other);
    let claimed = claim(day(5)).await.unwrap();
    store.told(&claimed, day(5)).await.unwrap();
    assert_eq!(claim(day(6)).await, None);
}
