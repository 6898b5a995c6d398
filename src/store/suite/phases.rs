//! What each phase leaves in the ledger, field by field.

use super::*;

/// The entry and its history.
async fn shown(store: &Store, id: &str) -> Shown {
    store.entry(id).await.unwrap().unwrap()
}

/// What became of it, a minute after each other.
fn became(id: &str, outcome: Outcome, reason: Option<Reason>, minute: i64) -> Record {
    Record::new(id, outcome, reason, noon() + minutes(minute))
}

fn described(record: Record) -> Record {
    let some = |text: &str| Some(text.to_owned());
    Record {
        recipient: some("ann@old.example"),
        subject: some("Hello"),
        template: some("hello"),
        language: some("de"),
        message_id: some("<old@fondly>"),
        ..record
    }
}

pub(super) async fn what_never_came_to_the_dot_is_described(store: &Store) {
    let (id, _) = claimed(store).await;
    let expected = ["ann@old.example", "Hello", "hello", "de", "<old@fondly>"];
    let words = async || {
        let entry = shown(store, &id).await.entry;
        let all = [
            entry.recipient,
            entry.subject,
            entry.template,
            entry.language,
            entry.message_id,
        ];
        all.map(Option::unwrap_or_default)
    };
    let trouble = Some(Reason::RelayTrouble);
    let first = described(became(&id, Outcome::Deferred, trouble, 0));
    assert!(store.record_durably(first).await.unwrap());
    assert_eq!(words().await, expected);
    // Who has less to say about the letter takes nothing back.
    let bare = || became(&id, Outcome::Deferred, trouble, 0);
    let same = |text: &str| Some(text.to_owned());
    for less in [
        bare(),
        Record {
            recipient: same(expected[0]),
            ..bare()
        },
        Record {
            subject: same(expected[1]),
            ..bare()
        },
    ] {
        store.claim(9, noon()).await.unwrap();
        assert!(store.record_durably(less).await.unwrap());
        assert_eq!(words().await, expected);
    }
    // What goes out in the end is another letter.
    store.claim(9, noon()).await.unwrap();
    let revision = view(store, "ann").await.revision;
    assert!(store.commit_to_send(commit(&id, revision)).await.unwrap());
    let entry = shown(store, &id).await.entry;
    let message_id = commit(&id, 0).message_id;
    assert_eq!(entry.recipient.as_deref(), Some("ann@shop.example"));
    assert_eq!(entry.subject.as_deref(), Some("Happy birthday"));
    assert_eq!(entry.template.as_deref(), Some("birthday"));
    assert_eq!(entry.language.as_deref(), Some("en"));
    assert_eq!(entry.message_id.as_deref(), Some(message_id.as_str()));
    assert_eq!(entry.via.as_deref(), Some("smtp"));
    assert_eq!(entry.reason, None, "the trouble is over");
}

/// An attempt is what came to the dot, or was refused before it; the relay's own trouble is none.
pub(super) async fn attempts_are_counted_once(store: &Store) {
    let (id, _) = claimed(store).await;
    let attempts = async || shown(store, &id).await.entry.attempts;
    let deferred = async |attempted| {
        let record = Record {
            attempted,
            ..became(&id, Outcome::Deferred, Some(Reason::RelayTrouble), 0)
        };
        assert!(store.record_durably(record).await.unwrap());
        assert_eq!(store.claim(9, noon()).await.unwrap().len(), 1);
        attempts().await
    };
    let go = async || {
        let revision = view(store, "ann").await.revision;
        assert!(store.commit_to_send(commit(&id, revision)).await.unwrap());
        attempts().await
    };
    assert_eq!(deferred(false).await, 0);
    assert_eq!(deferred(true).await, 1);
    assert_eq!(go().await, 2);
    assert_eq!(deferred(false).await, 1, "the dot was the relay's trouble");
    assert_eq!(go().await, 2);
    assert_eq!(deferred(true).await, 2, "it counted when it was said");
    assert_eq!(go().await, 3);
    let end = Record {
        attempted: true,
        ..sent(&id)
    };
    assert!(store.record_durably(end).await.unwrap());
    assert_eq!(attempts().await, 3);
}

pub(super) async fn moments_and_words_are_those_of_their_phase(store: &Store) {
    let (id, revision) = claimed(store).await;
    let entry = async || shown(store, &id).await.entry;
    // Held until a person has spoken, or it is too late.
    let waiting = Record {
        next_attempt_at: Some(noon() + minutes(7)),
        reply: Some("one of many".to_owned()),
        ..became(&id, Outcome::Held, Some(Reason::BatchTooLarge), 1)
    };
    assert!(store.record_durably(waiting).await.unwrap());
    let is = entry().await;
    assert_eq!(is.decided_at, Some(noon() + minutes(1)));
    assert_eq!(is.next_attempt_at, Some(noon() + minutes(7)));
    assert_eq!(is.reason, Some(Reason::BatchTooLarge));
    store.claim(9, noon() + minutes(7)).await.unwrap();
    // Planned again: due at once, where nothing else is said.
    let planned = became(&id, Outcome::Planned, None, 8);
    assert!(store.record_durably(planned).await.unwrap());
    let is = entry().await;
    assert_eq!((is.outcome, is.reason), (Outcome::Planned, None));
    assert_eq!(is.next_attempt_at, Some(noon() + minutes(8)));
    assert_eq!(is.reply.as_deref(), Some("one of many"), "the last words");
    store.claim(9, noon() + minutes(8)).await.unwrap();
    // The moment of the decision is the commit's, whenever the answer comes.
    assert!(store.commit_to_send(commit(&id, revision)).await.unwrap());
    let is = entry().await;
    assert_eq!(
        (is.outcome, is.decided_at),
        (Outcome::Sending, Some(noon()))
    );
    assert_eq!(
        (is.reason, is.reply, is.next_attempt_at),
        (None, None, None)
    );
    let lost = Record {
        reply: Some("the line was cut".to_owned()),
        ..became(&id, Outcome::Unknown, Some(Reason::ReplyLost), 9)
    };
    assert!(store.record_durably(lost).await.unwrap());
    let is = shown(store, &id).await;
    let entry = &is.entry;
    assert_eq!((entry.decided_at, entry.sent_at), (Some(noon()), None));
    assert_eq!(entry.reason, Some(Reason::ReplyLost));
    let history = is.history.iter().map(|step| (step.outcome, step.at));
    assert_eq!(
        history.collect::<Vec<_>>(),
        [
            (Outcome::Planned, noon()),
            (Outcome::Held, noon() + minutes(1)),
            (Outcome::Planned, noon() + minutes(8)),
            (Outcome::Sending, noon()),
            (Outcome::Unknown, noon() + minutes(9)),
        ]
    );
    let end = is.history.last().unwrap();
    assert_eq!(
        (end.at, end.reason, end.reply.as_deref()),
        (
            noon() + minutes(9),
            Some(Reason::ReplyLost),
            Some("the line was cut")
        )
    );
}

pub(super) async fn nothing_is_sent_or_unknown_that_never_came_to_the_dot(store: &Store) {
    let (id, revision) = claimed(store).await;
    for end in [Outcome::Sent, Outcome::Unknown, Outcome::Sending] {
        let wrong = became(&id, end, None, 0);
        assert!(!store.record_durably(wrong).await.unwrap(), "{end}");
    }
    assert_eq!(outcome(store, &id).await, Outcome::Planned);
    assert!(store.commit_to_send(commit(&id, revision)).await.unwrap());
    let again = became(&id, Outcome::Sending, None, 0);
    assert!(!store.record_durably(again).await.unwrap());
}

/// What a person says of the batch of this rule and day, while its entry is in hand.
async fn said(store: &Store, rule: &str, day: i8, approved: bool) {
    let approval = Approval {
        rule: rule.to_owned(),
        day: date(2027, 5, day),
        approved,
        at: noon(),
    };
    let reason = (!approved).then_some(Reason::Declined);
    store.approve(&approval, reason).await.unwrap();
}

/// An entry that was held, and is in hand again; with its view's revision.
async fn held(store: &Store) -> (String, i64) {
    let (id, revision) = claimed(store).await;
    let waits = Record {
        next_attempt_at: Some(noon() + minutes(7)),
        ..became(&id, Outcome::Held, Some(Reason::BatchTooLarge), 0)
    };
    assert!(store.record_durably(waits).await.unwrap());
    let taken = store.claim(9, noon() + minutes(7)).await.unwrap();
    assert_eq!(taken.len(), 1);
    (id, revision)
}

pub(super) async fn what_was_held_goes_unless_this_very_batch_is_declined(store: &Store) {
    let (id, revision) = held(store).await;
    said(store, "birthday", 3, false).await;
    said(store, "other", 2, false).await;
    assert!(store.commit_to_send(commit(&id, revision)).await.unwrap());
}

/// They changed their mind when it was over: a no that was carried out stays.
pub(super) async fn what_was_declined_in_hand_never_goes(store: &Store) {
    let (id, revision) = held(store).await;
    said(store, "birthday", 2, false).await;
    said(store, "birthday", 2, true).await;
    assert!(!store.commit_to_send(commit(&id, revision)).await.unwrap());
    assert_eq!(outcome(store, &id).await, Outcome::Skipped);
}

/// The clock was set back, the entry isn't due any more and is withdrawn; the next one gets its
/// number.
pub(super) async fn a_withdrawn_entry_in_hand_is_not_taken_for_another(store: &Store) {
    let (id, revision) = claimed(store).await;
    let batch = PlanBatch {
        withdraw: vec![id.clone()],
        ..PlanBatch::default()
    };
    let earlier = noon() - minutes(60);
    let planned = store.plan_write(&batch, earlier).await.unwrap();
    assert_eq!(planned.withdrawn, 1);
    plan(store, vec![entry("ann", "another", noon())]).await;
    assert!(!store.commit_to_send(commit(&id, revision)).await.unwrap());
    let another = entry_id("birthday", "ann", "another");
    assert_eq!(outcome(store, &another).await, Outcome::Planned);
}

/// What they asked for reaches them, whatever else they don't want to get.
pub(super) async fn a_suppressed_address_stops_no_service_letter(store: &Store) {
    let (id, _) = claimed(store).await;
    let added = store.suppress("ann@shop.example", "asked", noon()).await;
    assert!(added.unwrap());
    let revision = view(store, "ann").await.revision;
    let with = |service| CommitToSend {
        service,
        ..commit(&id, revision)
    };
    assert!(!store.commit_to_send(with(false)).await.unwrap());
    assert!(store.commit_to_send(with(true)).await.unwrap());
}

pub(super) async fn nothing_is_looked_at_again_that_is_over(store: &Store) {
    let (id, _) = claimed(store).await;
    let over = Record {
        next_attempt_at: Some(noon() + minutes(7)),
        ..became(&id, Outcome::Rejected, Some(Reason::Refused), 0)
    };
    assert!(store.record_durably(over).await.unwrap());
    assert_eq!(shown(store, &id).await.entry.next_attempt_at, None);
}

/// In hand, but somebody was forgotten before anything became of it: that ends it, and stays.
pub(super) async fn what_was_settled_meanwhile_stays_settled(store: &Store) {
    let (id, _) = claimed(store).await;
    assert!(forget(store, "ann").await);
    for end in [Outcome::Deferred, Outcome::Rejected, Outcome::Held] {
        let late = became(&id, end, Some(Reason::TemporaryRefusal), 1);
        assert!(!store.record_durably(late).await.unwrap(), "{end}");
    }
    let entry = all_entries(store).await.pop().unwrap();
    assert_eq!(
        (entry.outcome, entry.reason),
        (Outcome::Skipped, Some(Reason::Erased))
    );
}

/// Somebody else has their address now, and it is theirs no less.
pub(super) async fn the_address_of_who_was_forgotten_stops_the_commit(store: &Store) {
    let eve = Customer {
        email: Some("old@shop.example".to_owned()),
        ..person("eve")
    };
    load(store, vec![person("old"), eve]).await;
    assert!(forget(store, "old").await);
    plan(store, vec![entry("eve", "x", noon())]).await;
    let id = store.claim(9, noon()).await.unwrap()[0].id.clone();
    let revision = view(store, "eve").await.revision;
    let to = |audience| CommitToSend {
        recipient: "old@shop.example".to_owned(),
        service: true,
        audience,
        ..commit(&id, revision)
    };
    let customer = to(Audience::Customer);
    assert!(!store.commit_to_send(customer).await.unwrap());
    // Staff may have forgotten themselves as customers, and still get their notes.
    assert!(store.commit_to_send(to(Audience::Staff)).await.unwrap());
}

/// A note about a customer is no letter to them.
pub(super) async fn only_what_goes_to_the_customer_changes_their_view(store: &Store) {
    let (id, revision) = claimed(store).await;
    plan(store, vec![entry("ann", "next", noon())]).await;
    let next = store.claim(9, noon()).await.unwrap()[0].id.clone();
    let note = CommitToSend {
        audience: Audience::Staff,
        class: Class::Service,
        ..commit(&id, revision)
    };
    assert!(store.commit_to_send(note).await.unwrap());
    assert_eq!(view(store, "ann").await.revision, revision);
    let entry = shown(store, &id).await.entry;
    assert_eq!(
        (entry.audience, entry.class),
        (Audience::Staff, Class::Service)
    );
    assert!(store.commit_to_send(commit(&next, revision)).await.unwrap());
    assert_eq!(view(store, "ann").await.revision, revision + 1);
}

pub(super) async fn no_more_is_claimed_than_was_asked_for(store: &Store) {
    load(store, vec![person("ann")]).await;
    let with = |key: &str, priority| NewEntry {
        priority,
        ..entry("ann", key, noon())
    };
    let all = [("a", 50), ("b", 51), ("c", 50), ("d", 50)];
    plan(store, all.map(|(key, priority)| with(key, priority)).into()).await;
    let taken = async |limit| store.claim(limit, noon()).await.unwrap().len();
    assert_eq!([taken(2).await, taken(1).await, taken(9).await], [2, 1, 1]);
}

/// By when each may go; where that is the same, by when it came due.
pub(super) async fn who_has_waited_longest_is_claimed_first(store: &Store) {
    load(store, vec![person("ann")]).await;
    let id = |key: &str| entry_id("birthday", "ann", key);
    // The ids' order is the other way round, so that it can't be their doing.
    let (early, late) = if id("x") > id("y") {
        ("x", "y")
    } else {
        ("y", "x")
    };
    let due = |key: &str, minute| entry("ann", key, noon() - minutes(minute));
    plan(store, vec![due(early, 60), due(late, 50)]).await;
    let wait_until = async |key: &str, minute| {
        let record = Record {
            next_attempt_at: Some(noon() - minutes(minute)),
            ..became(&id(key), Outcome::Deferred, Some(Reason::QuietHours), -50)
        };
        assert!(store.record_durably(record).await.unwrap());
    };
    let next = async |minute| {
        let at = noon() - minutes(minute);
        store.claim(1, at).await.unwrap().remove(0).occasion.key
    };
    assert_eq!([next(40).await, next(40).await], [early, late]);
    wait_until(early, 30).await;
    wait_until(late, 30).await;
    assert_eq!([next(30).await, next(30).await], [early, late]);
    wait_until(early, 10).await;
    wait_until(late, 20).await;
    assert_eq!([next(10).await, next(10).await], [late, early]);
}
