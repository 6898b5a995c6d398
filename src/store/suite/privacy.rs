//! Being forgotten, while others are at work.

use super::*;

fn ann() -> Whom {
    Whom::Customer("ann".to_owned())
}

/// The only entry that there is.
async fn only(store: &Store) -> Entry {
    let mut all = all_entries(store).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// It was sent, the answer got lost, and the settings say to send it again: it may have arrived.
async fn waits_once_more(store: &Store) -> String {
    let (id, revision) = claimed(store).await;
    assert!(store.commit_to_send(commit(&id, revision)).await.unwrap());
    let lost = Record::new(&id, Outcome::Unknown, Some(Reason::ReplyLost), noon());
    assert!(store.record_durably(lost).await.unwrap());
    let again = Resettle {
        id: id.clone(),
        from: Outcome::Unknown,
        outcome: Outcome::Planned,
        reason: Some(Reason::StoppedWhileSending),
        only_via: Some("smtp:relay:25".to_owned()),
        now: noon(),
    };
    assert!(store.resettle(&again).await.unwrap());
    id
}

pub(super) async fn what_may_have_arrived_ends_unknown(store: &Store) {
    waits_once_more(store).await;
    let forgot = store.forget(&ann(), &|_| Vec::new(), noon()).await.unwrap();
    let Forgot::Done(erased) = forgot else {
        panic!("{forgot:?}");
    };
    assert_eq!((erased.ended, erased.unknown), (1, 1));
    let entry = only(store).await;
    assert_eq!(
        (entry.outcome, entry.reason),
        (Outcome::Unknown, Some(Reason::Erased))
    );
    // Nobody sends it again, not even by hand.
    let again = Resettle {
        id: entry.id.clone(),
        from: Outcome::Unknown,
        outcome: Outcome::Planned,
        reason: Some(Reason::SettledByHand),
        only_via: None,
        now: noon(),
    };
    assert!(!store.resettle(&again).await.unwrap());
    let over = Resettle {
        outcome: Outcome::Skipped,
        ..again
    };
    assert!(store.resettle(&over).await.unwrap());
}

pub(super) async fn nobody_is_forgotten_at_the_dot(store: &Store) {
    let (id, revision) = claimed(store).await;
    assert!(store.commit_to_send(commit(&id, revision)).await.unwrap());
    let forget = async || store.forget(&ann(), &|_| Vec::new(), noon()).await.unwrap();
    assert_eq!(forget().await, Forgot::Sending(vec![id.clone()]));
    assert_eq!(view(store, "ann").await.customer.id, "ann");
    assert!(store.record_durably(sent(&id)).await.unwrap());
    assert!(matches!(forget().await, Forgot::Done(_)));
    assert!(matches!(forget().await, Forgot::Before(_)));
    let entry = only(store).await;
    assert_eq!(
        (entry.outcome, entry.sent_at),
        (Outcome::Sent, Some(noon()))
    );
    assert_eq!((entry.recipient, entry.message_id), (None, None));
    assert_ne!(entry.id, id);
}

/// The planner had looked at them before, and writes what it found.
pub(super) async fn nothing_is_planned_for_who_was_forgotten_meanwhile(store: &Store) {
    load(store, vec![person("ann"), person("bob")]).await;
    assert!(forget(store, "ann").await);
    let wait = |customer: &str| Awaited {
        rule: "missed".to_owned(),
        customer: customer.to_owned(),
        day: Some(date(2027, 5, 2)),
    };
    let batch = PlanBatch {
        new: vec![entry("ann", "x", noon()), entry("bob", "x", noon())],
        awaited: vec![wait("ann"), wait("bob")],
        ..PlanBatch::default()
    };
    assert_eq!(store.plan_write(&batch, noon()).await.unwrap().new, 1);
    assert_eq!(only(store).await.customer, "bob");
    let awaited = store.awaited("missed", date(2027, 5, 2)).await.unwrap();
    assert_eq!(awaited, ["bob"]);
}

/// A relay refuses the address of a letter in hand, while its customer is forgotten.
pub(super) async fn a_refused_address_of_the_forgotten_stays_a_mark(store: &Store) {
    let (id, _) = claimed(store).await;
    assert!(forget(store, "ann").await);
    let refused = Record {
        suppress: Some("ann@shop.example".to_owned()),
        ..Record::new(&id, Outcome::Rejected, Some(Reason::BadAddress), noon())
    };
    assert!(!store.record_durably(refused).await.unwrap());
    let list = store.suppressions().await.unwrap();
    assert_eq!(list.len(), 1);
    assert!(list[0].0.starts_with("forgotten:"), "{list:?}");
}

/// Pages of events are handed over one after the other, whole and in order.
pub(super) async fn a_dossier_holds_every_event_once(store: &Store) {
    load(store, vec![person("ann"), person("bob")]).await;
    let day = |n: i32| {
        date(2020, 1, 1)
            .checked_add(jiff::ToSpan::days(n / 7))
            .unwrap()
    };
    let theirs = (0..2500).map(|n| visit(&format!("a{n:04}"), "ann", When::Day(day(n))));
    let others = (0..50).map(|n| visit(&format!("b{n}"), "bob", When::Day(day(n))));
    load_events(store, theirs.chain(others).collect()).await;
    let mut found = Vec::new();
    let mut take = |piece: Piece| {
        if let Piece::Event(one) = piece {
            found.push((one.event.id, one.event.at));
        }
        Ok::<(), ()>(())
    };
    store.dossier(&ann(), &mut take).await.unwrap();
    let wanted: Vec<_> = (0..2500)
        .map(|n| (format!("a{n:04}"), When::Day(day(n))))
        .collect();
    assert_eq!(found, wanted);
    let mut seen = 0;
    let mut enough = |_| {
        seen += 1;
        if seen == 3 { Err("enough") } else { Ok(()) }
    };
    let ended = store.dossier(&ann(), &mut enough).await;
    assert!(matches!(ended, Err(ApplyError::Rows("enough"))));
    assert_eq!(seen, 3);
}

/// Numbers go on from the highest, so that the next customer gets that of the last one forgotten.
pub(super) async fn nothing_of_the_forgotten_comes_to_whoever_gets_their_number(store: &Store) {
    let mut ann = person("ann");
    ann.birthday = PartialDate::new(None, 5, 3);
    load(store, vec![person("bob"), ann.clone()]).await;
    // She is touched one by one as well.
    ann.first_name = Some("Anna".to_owned());
    load(store, vec![person("bob"), ann]).await;
    assert!(forget(store, "ann").await);
    assert_eq!(store.everyone(true).await.unwrap(), ["bob"]);
    let clear = PlanBatch {
        clear_touched: Some(store.touch_mark().await.unwrap()),
        ..PlanBatch::default()
    };
    store.plan_write(&clear, noon()).await.unwrap();
    load(store, vec![person("bob"), person("eve")]).await;
    assert_eq!(store.everyone(true).await.unwrap(), ["eve"]);
    let day = (date(2027, 5, 3), date(2027, 5, 3));
    let born = store
        .with_anniversary("birthday", day, false)
        .await
        .unwrap();
    assert_eq!(born, Vec::<String>::new());
}

/// Nothing of what was decided can be taken out, and an entry's id can be worked out by whoever knows
/// whose birthday it was about.
pub(super) async fn what_was_decided_of_their_letter_names_them_no_more(store: &Store) {
    let id = waits_once_more(store).await;
    let decision = Decision {
        who: "anna",
        what: "resolve-sent",
        subject: &id,
    };
    let over = Resettle {
        id: id.clone(),
        from: Outcome::Planned,
        outcome: Outcome::Sent,
        reason: Some(Reason::SettledByHand),
        only_via: None,
        now: noon(),
    };
    assert!(store.resettle_noted(&over, Some(decision)).await.unwrap());
    let rule = ("approve", "birthday 2027-05-02");
    store.audit("anna", rule, noon()).await.unwrap();
    let subjects = async || {
        let all = store.audited(None, 10).await.unwrap();
        let all = all.into_iter().map(|one| one.subject);
        all.collect::<Vec<String>>()
    };
    assert_eq!(subjects().await, ["birthday 2027-05-02", &id]);
    assert!(forget(store, "ann").await);
    let entry = only(store).await;
    assert_ne!(entry.id, id);
    assert_eq!(subjects().await, ["birthday 2027-05-02", &entry.id]);
    let kept: Vec<String> = sqlx::query_scalar("SELECT subject FROM audit ORDER BY seq")
        .fetch_all(store.reader())
        .await
        .unwrap();
    assert!(!kept.contains(&id), "{kept:?}");
}

pub(super) async fn how_far_keeping_has_come_names_nobody_who_was_forgotten(store: &Store) {
    load(store, vec![person("ann"), person("bob")]).await;
    let reached = |customer: &str| Progress {
        customer: Some(customer.to_owned()),
        ..Progress::default()
    };
    store.keep_at("events", &reached("ann")).await.unwrap();
    assert!(forget(store, "ann").await);
    assert_eq!(store.keeping("events").await.unwrap(), Progress::default());
    // Its step was under way while she was forgotten.
    store.keep_at("events", &reached("ann")).await.unwrap();
    assert_eq!(store.keeping("events").await.unwrap(), Progress::default());
    store.keep_at("events", &reached("bob")).await.unwrap();
    assert_eq!(store.keeping("events").await.unwrap(), reached("bob"));
}
