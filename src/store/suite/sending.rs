//! Everything around the dot.

use super::*;

pub(super) async fn a_message_goes_its_way(store: &Store) {
    let (id, revision) = claimed(store).await;
    assert!(store.commit_to_send(commit(&id, revision)).await.unwrap());
    let going = view(store, "ann").await;
    assert_eq!((going.sent.len(), going.sent[0].at), (1, noon()));
    assert_eq!(going.revision, revision + 1);
    assert!(store.record_durably(sent(&id)).await.unwrap());
    let shown = store.entry(&id).await.unwrap().unwrap();
    assert_eq!(shown.message.as_deref(), Some(&*commit(&id, 0).message));
    let steps: Vec<_> = shown.history.iter().map(|step| step.outcome).collect();
    assert_eq!(steps, [Outcome::Planned, Outcome::Sending, Outcome::Sent]);
    assert_eq!(shown.history[2].reply.as_deref(), Some("250 2.0.0 Ok"));
    let entry = shown.entry;
    assert_eq!(
        (entry.outcome, entry.reason),
        (Outcome::Sent, Some(Reason::Accepted))
    );
    assert_eq!((entry.attempts, entry.sent_at), (1, Some(noon())));
    assert_eq!(entry.subject.as_deref(), Some("Happy birthday"));
    assert_eq!(entry.next_attempt_at, None);
    assert_eq!(entry.customer, "ann");
}

pub(super) async fn a_deferral_is_claimed_again_in_time(store: &Store) {
    let (id, _) = claimed(store).await;
    let later = noon() + minutes(5);
    let deferred = Record {
        next_attempt_at: Some(later),
        attempted: true,
        reply: Some("421 try later".to_owned()),
        ..Record::new(&id, Outcome::Deferred, Some(Reason::RelayTrouble), noon())
    };
    assert!(store.record_durably(deferred).await.unwrap());
    assert!(store.claim(9, noon()).await.unwrap().is_empty());
    let taken = store.claim(9, later).await.unwrap();
    assert_eq!((taken[0].id.as_str(), taken[0].attempts), (id.as_str(), 1));
    assert_eq!(taken[0].reply.as_deref(), Some("421 try later"));
}

pub(super) async fn a_stale_view_stops_the_commit(store: &Store) {
    let (id, revision) = claimed(store).await;
    let mut changed = person("ann");
    changed.consent = Consent::No;
    load(store, vec![changed]).await;
    assert!(!store.commit_to_send(commit(&id, revision)).await.unwrap());
    assert_eq!(outcome(store, &id).await, Outcome::Planned);
    let revision = view(store, "ann").await.revision;
    assert!(store.commit_to_send(commit(&id, revision)).await.unwrap());
    assert!(
        !store
            .commit_to_send(commit(&id, revision + 1))
            .await
            .unwrap()
    );
}

pub(super) async fn a_suppression_in_between_stops_the_commit(store: &Store) {
    let (id, revision) = claimed(store).await;
    assert!(
        store
            .suppress("ANN@shop.example ", "asked", noon())
            .await
            .unwrap()
    );
    assert!(
        !store
            .suppress("ann@shop.example", "asked", noon())
            .await
            .unwrap()
    );
    let now = view(store, "ann").await;
    assert!(now.suppressed && now.revision > revision);
    assert!(
        !store
            .commit_to_send(commit(&id, now.revision))
            .await
            .unwrap()
    );
    assert!(store.unsuppress("ann@shop.example").await.unwrap());
    let now = view(store, "ann").await;
    assert!(!now.suppressed);
    assert!(
        store
            .commit_to_send(commit(&id, now.revision))
            .await
            .unwrap()
    );
}

pub(super) async fn an_unsubscription_holds_for_the_customer_and_the_address(store: &Store) {
    let (id, revision) = claimed(store).await;
    assert!(store.commit_to_send(commit(&id, revision)).await.unwrap());
    assert!(store.record_durably(sent(&id)).await.unwrap());
    plan(store, vec![entry("ann", "next", noon())]).await;
    let next = entry_id("birthday", "ann", "next");
    store.claim(9, noon()).await.unwrap();
    let revision = view(store, "ann").await.revision;

    assert!(!store.unsubscribe("nobody's", noon()).await.unwrap());
    assert!(store.unsubscribe(&id, noon()).await.unwrap());
    assert!(!store.unsubscribe(&id, noon()).await.unwrap());
    assert!(!store.commit_to_send(commit(&next, revision)).await.unwrap());
    let shown = store.entry(&id).await.unwrap().unwrap();
    let words: Vec<_> = shown.history.iter().map(|step| &step.reply).collect();
    let by_link = "they unsubscribed by this letter's link";
    assert_eq!(words[3].as_deref(), Some(by_link));
    assert_eq!((words.len(), shown.entry.outcome), (4, Outcome::Sent));

    // Another address in the records, and somebody else with the one that the letter went to.
    let with = |id: &str, email: &str| Customer {
        email: Some(email.to_owned()),
        ..person(id)
    };
    let moved = with("ann", "Ann@new.example");
    load(store, vec![moved, with("eve", "ann@shop.example")]).await;
    assert!(view(store, "ann").await.suppressed && view(store, "eve").await.suppressed);
    let listed = async || {
        let list = store.suppressions().await.unwrap();
        assert!(list.iter().all(|(_, reason, _)| reason == "unsubscribed"));
        list.into_iter().map(|one| one.0).collect::<Vec<_>>()
    };
    assert_eq!(listed().await, ["ann@new.example", "ann@shop.example"]);

    // The owner takes the new address from the list: they asked for letters again.
    let before = view(store, "ann").await.revision;
    assert!(store.unsuppress("ann@NEW.example").await.unwrap());
    assert!(!store.unsuppress("ann@new.example").await.unwrap());
    let after = view(store, "ann").await;
    assert!(!after.suppressed && after.revision > before);
    assert_eq!(listed().await, ["ann@shop.example"]);
    assert!(view(store, "eve").await.suppressed);
}

/// What a person says while a pass is under way holds for what hasn't gone yet.
pub(super) async fn a_pause_or_a_decline_in_between_stops_the_commit(store: &Store) {
    let (id, revision) = claimed(store).await;
    let go = async || store.commit_to_send(commit(&id, revision)).await.unwrap();
    for rule in [Some("birthday"), None] {
        store.pause(rule, noon()).await.unwrap();
        assert!(!go().await);
        store.resume(rule).await.unwrap();
    }
    let mut said = Approval {
        rule: "birthday".to_owned(),
        day: date(2027, 5, 2),
        approved: false,
        at: noon(),
    };
    let declined = Some(Reason::Declined);
    store.approve(&said, declined).await.unwrap();
    assert!(!go().await);
    said.approved = true;
    store.approve(&said, None).await.unwrap();
    assert!(go().await);
}

pub(super) async fn a_refused_address_is_suppressed_with_the_record(store: &Store) {
    let (id, _) = claimed(store).await;
    let refused = Record {
        reply: Some("550 5.1.1 no such user".to_owned()),
        suppress: Some("ann@shop.example".to_owned()),
        ..Record::new(&id, Outcome::Rejected, Some(Reason::BadAddress), noon())
    };
    assert!(store.record_durably(refused).await.unwrap());
    assert!(view(store, "ann").await.suppressed);
    let list = store.suppressions().await.unwrap();
    assert_eq!(
        (list[0].0.as_str(), list[0].1.as_str()),
        ("ann@shop.example", "bad-address")
    );
}

pub(super) async fn two_entries_of_one_customer_cannot_pass_on_one_view(store: &Store) {
    load(store, vec![person("ann")]).await;
    let keys: Vec<_> = (0..20).map(|n| n.to_string()).collect();
    plan(
        store,
        keys.iter().map(|key| entry("ann", key, noon())).collect(),
    )
    .await;
    let taken = store.claim(20, noon()).await.unwrap();
    let revision = view(store, "ann").await.revision;
    let tasks = TaskTracker::new();
    let asked: Vec<_> = taken
        .into_iter()
        .map(|entry| {
            let store = store.clone();
            tasks.spawn(async move { store.commit_to_send(commit(&entry.id, revision)).await })
        })
        .collect();
    let mut passed = 0;
    for one in asked {
        passed += i32::from(one.await.unwrap().unwrap());
    }
    assert_eq!(passed, 1);
}

pub(super) async fn what_was_being_sent_is_found_after_a_crash(store: &Store) {
    let (id, revision) = claimed(store).await;
    store.commit_to_send(commit(&id, revision)).await.unwrap();
    // What a second start sees.
    assert_eq!(store.release_claims().await.unwrap(), 0);
    assert!(store.claim(9, noon()).await.unwrap().is_empty());
    let left = store.recover_sending().await.unwrap();
    assert_eq!(left.len(), 1);
    let stopped = Some(Reason::StoppedWhileSending);
    let unknown = Record::new(&left[0].id, Outcome::Unknown, stopped, noon());
    assert!(store.record_durably(unknown).await.unwrap());
    assert!(store.recover_sending().await.unwrap().is_empty());
    assert_eq!(view(store, "ann").await.sent.len(), 1);
    let mut how = Resettle {
        only_via: None,
        id: id.clone(),
        from: Outcome::Held,
        outcome: Outcome::Planned,
        reason: None,
        now: noon() + minutes(1),
    };
    assert!(!store.resettle(&how).await.unwrap());
    how.from = Outcome::Unknown;
    assert!(store.resettle(&how).await.unwrap());
    assert_eq!(store.claim(9, noon() + minutes(1)).await.unwrap()[0].id, id);
}

pub(super) async fn five_hundred_at_once_are_all_durable(store: &Store) {
    let names: Vec<_> = (0..500).map(|n| format!("c{n}")).collect();
    load(store, names.iter().map(|name| person(name)).collect()).await;
    plan(
        store,
        names.iter().map(|name| entry(name, "x", noon())).collect(),
    )
    .await;
    let taken = store.claim(1000, noon()).await.unwrap();
    assert_eq!(taken.len(), 500);
    let tasks = TaskTracker::new();
    let asked: Vec<_> = taken
        .into_iter()
        .map(|entry| {
            let store = store.clone();
            tasks.spawn(async move {
                let mut one = commit(&entry.id, 1);
                one.recipient = format!("{}@shop.example", entry.customer);
                assert!(store.commit_to_send(one).await.unwrap());
                store.record(sent(&entry.id)).await.unwrap();
            })
        })
        .collect();
    for one in asked {
        one.await.unwrap();
    }
    store.flush().await.unwrap();
    let all = all_entries(store).await;
    let sent = all.iter().filter(|one| one.outcome == Outcome::Sent);
    assert_eq!((sent.count(), all.len()), (500, 500));
}

pub(super) async fn a_closed_store_says_so(store: &Store) {
    let (id, revision) = claimed(store).await;
    store.commit_to_send(commit(&id, revision)).await.unwrap();
    store.record(sent(&id)).await.unwrap();
    store.clone().close().await.unwrap();
    let refused = store.record(sent(&id)).await;
    assert!(matches!(refused, Err(StoreError::Closed { .. })));
    let refused = store.everyone(false).await;
    assert!(matches!(refused, Err(StoreError::Closed { .. })));
}

/// What may be done to an entry, in any order.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    Claim,
    Commit,
    StaleCommit,
    Record(Outcome),
    Restart,
}

pub(super) fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => Just(Act::Claim),
        3 => Just(Act::Commit),
        1 => Just(Act::StaleCommit),
        1 => Just(Act::Restart),
        4 => prop::sample::select(Outcome::ALL.to_vec()).prop_map(Act::Record),
    ]
}

/// However claims, commits and records come: no dot without a durable row, and once there is a
/// final outcome it stays.
pub(super) async fn one_final_outcome(store: &Store, acts: Vec<Act>) {
    load(store, vec![person("ann")]).await;
    plan(store, vec![entry("ann", "x", noon())]).await;
    let id = entry_id("birthday", "ann", "x");
    let (mut state, mut claimed) = (Outcome::Planned, false);
    for act in acts {
        let waits = matches!(state, Outcome::Planned | Outcome::Deferred);
        match act {
            Act::Claim => {
                let taken = !store.claim(9, noon()).await.unwrap().is_empty();
                assert_eq!(taken, waits && !claimed, "{state} {act:?}");
                claimed |= taken;
            }
            Act::Commit | Act::StaleCommit => {
                let behind = i64::from(matches!(act, Act::StaleCommit));
                let revision = view(store, "ann").await.revision - behind;
                let passed = store.commit_to_send(commit(&id, revision)).await.unwrap();
                assert_eq!(passed, waits && claimed && behind == 0, "{state} {act:?}");
                if passed {
                    (state, claimed) = (Outcome::Sending, false);
                }
            }
            Act::Record(outcome) => {
                let record = Record::new(&id, outcome, None, noon());
                let passed = store.record_durably(record).await.unwrap();
                let dot = matches!(outcome, Outcome::Sent | Outcome::Unknown);
                let may = state == Outcome::Sending || (waits && claimed && !dot);
                assert_eq!(
                    passed,
                    may && outcome != Outcome::Sending,
                    "{state} {act:?}"
                );
                if passed {
                    (state, claimed) = (outcome, false);
                }
            }
            Act::Restart => {
                store.release_claims().await.unwrap();
                claimed = false;
            }
        }
        let shown = store.entry(&id).await.unwrap().unwrap();
        assert_eq!(shown.entry.outcome, state);
        assert_eq!(shown.history.last().unwrap().outcome, state);
        let finals = shown
            .history
            .iter()
            .filter(|step| step.outcome.is_final())
            .count();
        assert!(finals <= 1);
        assert_eq!(shown.entry.next_attempt_at.is_some(), {
            matches!(state, Outcome::Planned | Outcome::Deferred)
        });
    }
}
