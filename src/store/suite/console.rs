//! What the console asks: the ledger page by page, users and their sessions, who decided what.

use super::*;
use crate::store::{Page, Role, Wanted, Which};

/// Every page of a listing; the entries' customers.
async fn leafed(store: &Store, wanted: &Wanted, limit: u16) -> Vec<String> {
    let (mut all, mut from) = (Vec::new(), None);
    loop {
        let Page { entries, next } = store.ledger_page(wanted, from, limit).await.unwrap();
        assert!(entries.len() <= usize::from(limit));
        all.extend(entries.into_iter().map(|entry| entry.customer));
        from = next;
        if from.is_none() {
            return all;
        }
    }
}

pub(super) async fn pages_hold_every_entry_once_the_latest_first(store: &Store) {
    // Several are due at the same moment, so that a page may end among them.
    let new = |n: i64| {
        let mut new = entry(&format!("c{n:02}"), "k", noon() + minutes(n / 4));
        if n % 3 == 0 {
            new.rule = "thanks".to_owned();
        }
        new
    };
    plan(store, (0..30).map(new).collect()).await;
    let mut names: Vec<String> = (0..30).map(|n| format!("c{n:02}")).collect();
    names.reverse();
    for limit in [1, 7, 30, 100] {
        assert_eq!(leafed(store, &Wanted::default(), limit).await, names);
    }
    let of_rule = Wanted {
        rule: Some("thanks".to_owned()),
        ..Wanted::default()
    };
    let mut thanks = leafed(store, &of_rule, 4).await;
    thanks.sort();
    thanks.dedup();
    assert_eq!(thanks.len(), 10);
    let of_one = Wanted {
        customer: Some("c05".to_owned()),
        which: Which::One(Outcome::Planned),
        ..Wanted::default()
    };
    assert_eq!(leafed(store, &of_one, 5).await, ["c05"]);
    for (day, found) in [(2, 30), (3, 0)] {
        let on = Wanted {
            day: Some(date(2027, 5, day)),
            ..Wanted::default()
        };
        assert_eq!(leafed(store, &on, 9).await.len(), found);
        let both = Wanted {
            rule: Some("thanks".to_owned()),
            ..on
        };
        assert_eq!(leafed(store, &both, 9).await.len(), found / 3);
    }
    for outcome in [Outcome::Held, Outcome::Rejected, Outcome::Sent] {
        let none = Wanted {
            which: Which::One(outcome),
            ..Wanted::default()
        };
        assert!(leafed(store, &none, 9).await.is_empty());
    }
}

/// What is rare along an index is found in several looks, and a page without any of it comes to an end.
pub(super) async fn what_is_rare_is_found_page_by_page(store: &Store) {
    // An entry a minute over six days; every hundredth is another day's, as in a far zone.
    let many = 8_000;
    let new = |n: i64| {
        let mut new = entry(&format!("c{n:04}"), "k", noon() + minutes(n));
        let rare = n % 100 == 7;
        new.occasion.day = date(2027, 5, if rare { 5 } else { 2 });
        new
    };
    plan(store, (0..many).map(new).collect()).await;
    let rare: Vec<String> = (0..many)
        .rev()
        .filter(|n| n % 100 == 7)
        .map(|n| format!("c{n:04}"))
        .collect();
    let in_reach = date(2027, 5, 3)..date(2027, 5, 8);
    let on = |day| Wanted {
        day: Some(day),
        ..Wanted::default()
    };
    let reached = rare.iter().filter(|name| {
        let n: i64 = name.trim_start_matches('c').parse().unwrap();
        let due = noon() + minutes(n);
        in_reach.contains(&jiff::tz::TimeZone::UTC.to_datetime(due).date())
    });
    let reached: Vec<String> = reached.cloned().collect();
    for limit in [3, 50] {
        assert_eq!(leafed(store, &on(date(2027, 5, 5)), limit).await, reached);
        let of_rule = Wanted {
            rule: Some("birthday".to_owned()),
            ..on(date(2027, 5, 5))
        };
        assert_eq!(leafed(store, &of_rule, limit).await, rare);
    }
    for rule in [None, Some("birthday".to_owned())] {
        let none = Wanted {
            which: Which::One(Outcome::Sent),
            rule,
            ..Wanted::default()
        };
        assert!(leafed(store, &none, 50).await.is_empty());
        let first = store.ledger_page(&none, None, 50).await.unwrap();
        assert!(first.next.is_some(), "it looked through everything at once");
    }
}

/// Held letters are looked at before they go, however many of their rule and day are over already.
pub(super) async fn held_letters_are_found_among_thousands_of_their_rule_and_day(store: &Store) {
    let new = |n: i64| entry(&format!("c{n:04}"), "k", noon() + minutes(n / 100));
    plan(store, (0..2_500).map(new).collect()).await;
    for text in [
        "UPDATE ledger SET outcome = 'skipped', reason = 'holdout'",
        "UPDATE ledger SET outcome = 'held', reason = NULL WHERE customer < 'c0003'",
        "UPDATE ledger SET outcome = 'held', reason = NULL, due_day = due_day + 1 \
         WHERE customer = 'c0004'",
    ] {
        let done = sqlx::query(text).execute(&store.inner.writer).await;
        done.unwrap();
    }
    let held = Wanted {
        rule: Some("birthday".to_owned()),
        which: Which::One(Outcome::Held),
        day: Some(date(2027, 5, 2)),
        ..Wanted::default()
    };
    let first = store.ledger_page(&held, None, 2).await.unwrap();
    assert_eq!(first.entries.len(), 2);
    assert_eq!(leafed(store, &held, 2).await, ["c0002", "c0001", "c0000"]);
}

/// However many wait, and however much that is over lies in between.
pub(super) async fn all_that_waits_is_listed_whether_few_or_many_do(store: &Store) {
    let new = |n: i64| entry(&format!("c{n:04}"), "k", noon() + minutes(n / 100));
    plan(store, (0..5_600).map(new).collect()).await;
    let waiting = Wanted {
        which: Which::Waiting,
        ..Wanted::default()
    };
    let of_rule = Wanted {
        rule: Some("birthday".to_owned()),
        ..waiting.clone()
    };
    for (over, left) in [("customer >= 'c5300'", 5_300), ("customer >= 'c0007'", 7)] {
        let text = format!("UPDATE ledger SET outcome = 'skipped' WHERE {over}");
        let done = sqlx::query(sqlx::AssertSqlSafe(text))
            .execute(&store.inner.writer)
            .await;
        done.unwrap();
        let names: Vec<String> = (0..left).rev().map(|n| format!("c{n:04}")).collect();
        assert_eq!(leafed(store, &waiting, 500).await, names);
        assert_eq!(leafed(store, &of_rule, 500).await, names);
        let counted = store.standing((noon(), noon())).await.unwrap();
        assert_eq!((counted.waiting, counted.failed), (left, 0));
    }
}

pub(super) async fn a_session_lasts_as_long_as_its_user_and_is_kept_by_its_hash(store: &Store) {
    let add = |role| store.add_user(("anna", role), "kept", noon());
    assert!(add(Role::Viewer).await.unwrap());
    assert!(!add(Role::Owner).await.unwrap());
    let begin = |name| store.begin_session(name, noon() - minutes(60), noon());
    assert_eq!(begin("ben").await.unwrap(), None);
    let token = begin("anna").await.unwrap().unwrap();
    let session = store.session(&token).await.unwrap().unwrap();
    assert_eq!((&*session.user, session.role), ("anna", Role::Viewer));
    assert_eq!(store.session("another").await.unwrap(), None);
    let kept: Vec<u8> = sqlx::query_scalar("SELECT hash FROM console_session")
        .fetch_one(store.reader())
        .await
        .unwrap();
    assert_ne!(kept, token.as_bytes());
    store
        .session_seen(&token, noon() + minutes(5))
        .await
        .unwrap();
    let session = store.session(&token).await.unwrap().unwrap();
    assert_eq!(session.seen_at, noon() + minutes(5));
    // One that began too long ago goes with the next.
    let late = noon() + minutes(120);
    let other = store.begin_session("anna", late - minutes(60), late).await;
    assert_eq!(store.session(&token).await.unwrap(), None);
    assert!(store.remove_user("anna").await.unwrap());
    assert_eq!(store.session(&other.unwrap().unwrap()).await.unwrap(), None);
    assert!(!store.remove_user("anna").await.unwrap());
}

pub(super) async fn what_was_decided_is_read_back_and_never_changes(store: &Store) {
    for n in 0..3 {
        let subject = format!("birthday 2027-05-0{n}");
        let what = ("approve", &*subject);
        store
            .audit("anna", what, noon() + minutes(n))
            .await
            .unwrap();
    }
    let latest = store.audited(None, 2).await.unwrap();
    assert_eq!(latest[0].subject, "birthday 2027-05-02");
    let rest = store.audited(Some(latest[1].number), 2).await.unwrap();
    assert_eq!(rest.len(), 1);
    for text in [
        "UPDATE audit SET who = 'ben'",
        "DELETE FROM audit WHERE seq = 1",
        "INSERT OR REPLACE INTO audit (seq, at, who, what, subject) VALUES (1, 0, '', '', '')",
    ] {
        let done = sqlx::query(text).execute(&store.inner.writer).await;
        assert!(done.is_err(), "{text}");
    }
    assert_eq!(
        store.audited(Some(latest[1].number), 2).await.unwrap(),
        rest
    );
}
