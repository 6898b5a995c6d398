//! Planning, claiming, holding, listing.

use super::*;

pub(super) async fn an_occasion_is_unique(store: &Store) {
    let one = entry("ann", "2027-05-02", noon());
    let other = entry("ann", "2028-05-02", noon());
    assert_eq!(plan(store, vec![one.clone(), one.clone()]).await, 1);
    assert_eq!(plan(store, vec![one.clone(), other]).await, 1);
    let ledger = all_entries(store).await;
    assert_eq!(ledger.len(), 2);
    assert_eq!(ledger[0].occasion, one.occasion);
    assert_eq!(ledger[0].id, entry_id("birthday", "ann", "2027-05-02"));
    assert_eq!(ledger[0].next_attempt_at, Some(noon()));
}

pub(super) async fn the_planner_withdraws_only_what_is_still_planned(store: &Store) {
    load(store, vec![person("ann")]).await;
    let soon = noon() + minutes(60);
    let new = vec![
        entry("ann", "due", noon()),
        entry("ann", "a", soon),
        entry("ann", "b", soon),
    ];
    plan(store, new).await;
    let open = store.planned_of("birthday", None, noon()).await.unwrap();
    assert_eq!(
        open.iter()
            .map(|key| key.occasion.as_str())
            .collect::<Vec<_>>(),
        ["a", "b"]
    );
    let some = store
        .planned_of("birthday", Some(&["bob".to_owned()]), noon())
        .await
        .unwrap();
    assert!(some.is_empty());
    let noted = |rule: &'static str, customer: &str| {
        let customers = [customer.to_owned()];
        async move { store.noted_of(rule, &customers).await.unwrap() }
    };
    let of_ann = noted("birthday", "ann").await;
    let keys: Vec<&str> = of_ann.iter().map(|one| one.occasion.as_str()).collect();
    assert_eq!(keys, ["a", "b", "due"]);
    assert_eq!(of_ann[0].anchor, date(1987, 5, 2));
    assert!(noted("birthday", "bob").await.is_empty());
    assert!(noted("other", "ann").await.is_empty());
    let customers = ["ann".to_owned(), "bob".to_owned()];
    let mut entered = store.entered("birthday", &customers).await.unwrap();
    entered.sort();
    let ann = |key: &str| ("ann".to_owned(), key.to_owned());
    assert_eq!(entered, [ann("a"), ann("b"), ann("due")]);
    assert!(store.entered("other", &customers).await.unwrap().is_empty());
    let state = RuleState {
        rule: "birthday".to_owned(),
        version: "v2".to_owned(),
        first_day: date(2027, 5, 1),
        planned_through: Some(date(2027, 5, 9)),
        written: Some("title = \"B\"".to_owned()),
    };
    let batch = PlanBatch {
        withdraw: vec![entry_id("birthday", "ann", "due"), open[0].id.clone()],
        rules: vec![state.clone()],
        ..PlanBatch::default()
    };
    let done = store.plan_write(&batch, noon()).await.unwrap();
    assert_eq!(done.withdrawn, 1);
    assert_eq!(store.rule_states().await.unwrap(), [state]);
    assert_eq!(all_entries(store).await.len(), 2);
}

pub(super) async fn claims_come_in_order_and_once(store: &Store) {
    let ranked = |key: &str, priority, late| NewEntry {
        priority,
        ..entry("ann", key, noon() - minutes(late))
    };
    let ahead = entry("ann", "ahead", noon() + minutes(1));
    let new = vec![
        ranked("c", 50, 5),
        ranked("b", 50, 9),
        ranked("a", 90, 1),
        ranked("d", 0, 99),
    ];
    plan(store, new.into_iter().chain([ahead]).collect()).await;
    assert_eq!(store.next_due().await.unwrap(), Some(noon() - minutes(99)));
    let keys = |taken: Vec<Entry>| -> Vec<String> {
        taken.into_iter().map(|entry| entry.occasion.key).collect()
    };
    let first = store.claim(3, noon()).await.unwrap();
    assert_eq!(keys(first), ["a", "b", "c"]);
    assert_eq!(keys(store.claim(3, noon()).await.unwrap()), ["d"]);
    assert!(store.claim(3, noon()).await.unwrap().is_empty());
    assert_eq!(store.release_claims().await.unwrap(), 4);
    assert_eq!(store.claim(9, noon()).await.unwrap().len(), 4);
}

pub(super) async fn what_is_paused_is_not_claimed(store: &Store) {
    plan(store, vec![entry("ann", "a", noon())]).await;
    for rule in [Some("birthday"), None] {
        store.pause(rule, noon()).await.unwrap();
        assert!(store.claim(9, noon()).await.unwrap().is_empty());
        assert_eq!(store.next_due().await.unwrap(), None);
        assert!(store.resume(rule).await.unwrap());
    }
    assert_eq!(store.paused().await.unwrap(), Paused::default());
    assert_eq!(store.claim(9, noon()).await.unwrap().len(), 1);
}

pub(super) async fn held_batches_wait_for_a_person(store: &Store) {
    let (id, _) = claimed(store).await;
    let held = Record::new(&id, Outcome::Held, None, noon());
    store.record_durably(held.clone()).await.unwrap();
    assert!(store.claim(9, noon()).await.unwrap().is_empty());
    let mut approval = Approval {
        rule: "birthday".to_owned(),
        day: date(2027, 5, 2),
        approved: true,
        at: noon(),
    };
    assert_eq!(store.approve(&approval, None).await.unwrap(), 1);
    assert_eq!(
        store.approvals(approval.day).await.unwrap(),
        [approval.clone()]
    );
    assert_eq!(store.claim(9, noon()).await.unwrap().len(), 1);
    // Held by a pass that hadn't heard of it.
    store.record_durably(held.clone()).await.unwrap();
    let later = noon() + minutes(1);
    let settle = async || store.settle_spoken(Reason::Declined, later).await.unwrap();
    assert_eq!((settle().await, settle().await), (1, 0));
    assert_eq!(outcome(store, &id).await, Outcome::Planned);
    assert_eq!(
        store.approvals(approval.day).await.unwrap(),
        [approval.clone()]
    );
    assert_eq!(store.claim(9, later).await.unwrap().len(), 1);
    store.record_durably(held).await.unwrap();
    approval.approved = false;
    assert_eq!(store.approve(&approval, None).await.unwrap(), 1);
    assert_eq!(outcome(store, &id).await, Outcome::Skipped);
}

/// What was handed over stays what it is, whatever the records say of it later.
pub(super) async fn only_what_waits_is_put_back(store: &Store) {
    let (id, revision) = claimed(store).await;
    let held = Record::new(&id, Outcome::Held, Some(Reason::BatchTooLarge), noon());
    assert!(store.record_durably(held).await.unwrap());
    let customers = ["ann".to_owned()];
    let waiting = store.waiting_of("birthday", &customers, noon());
    let mut occasion = waiting.await.unwrap().remove(0).occasion;
    occasion.due_at = noon() + minutes(90);
    let moved = [Moved {
        id: id.clone(),
        rule_version: "v2".to_owned(),
        occasion: occasion.clone(),
    }];
    store.put_back(&moved, noon()).await.unwrap();
    let shown = store.entry(&id).await.unwrap().unwrap();
    assert_eq!(shown.entry.outcome, Outcome::Planned);
    assert_eq!(shown.entry.occasion, occasion);
    assert_eq!(shown.entry.next_attempt_at, Some(occasion.due_at));
    let steps: Vec<Outcome> = shown.history.iter().map(|step| step.outcome).collect();
    assert!(
        steps.ends_with(&[Outcome::Held, Outcome::Planned]),
        "{steps:?}"
    );
    assert!(store.claim(9, noon()).await.unwrap().is_empty());
    assert_eq!(store.claim(9, occasion.due_at).await.unwrap().len(), 1);
    assert!(store.commit_to_send(commit(&id, revision)).await.unwrap());
    store.put_back(&moved, noon()).await.unwrap();
    assert_eq!(outcome(store, &id).await, Outcome::Sending);
    assert!(store.record_durably(sent(&id)).await.unwrap());
    store.put_back(&moved, noon()).await.unwrap();
    assert_eq!(outcome(store, &id).await, Outcome::Sent);
}

/// Held letters are looked at again when their time is over; the counts follow what becomes of each.
pub(super) async fn batches_are_counted(store: &Store) {
    load(store, ["ann", "bob", "cid"].map(person).to_vec()).await;
    let of = |customer: &str| entry(customer, "2027-05-02", noon());
    plan(store, vec![of("ann"), of("bob"), of("cid")]).await;
    let day = date(2027, 5, 2);
    let batch = Batch {
        rule: "birthday".to_owned(),
        day,
        entries: 3,
    };
    assert_eq!(store.due_batches(noon() - minutes(1)).await.unwrap(), []);
    assert_eq!(store.due_batches(noon()).await.unwrap(), [batch]);
    assert!(store.has_customers(3).await.unwrap());
    assert!(!store.has_customers(4).await.unwrap());

    let taken = store.claim(9, noon()).await.unwrap();
    let (ann, bob) = (taken[0].id.clone(), taken[1].id.clone());
    let over = noon() + minutes(90);
    for id in [&ann, &bob] {
        let held = Record {
            next_attempt_at: Some(over),
            ..Record::new(id, Outcome::Held, Some(Reason::BatchTooLarge), noon())
        };
        assert!(store.record_durably(held).await.unwrap());
    }
    let held = HeldBatch {
        rule: "birthday".to_owned(),
        day,
        reason: Some(Reason::BatchTooLarge),
        entries: 2,
    };
    assert_eq!(store.held_batches().await.unwrap(), [held]);
    store.release_claims().await.unwrap();
    assert_eq!(store.claim(9, noon()).await.unwrap().len(), 1);
    assert_eq!(store.next_due().await.unwrap(), Some(noon()));
    assert_eq!(store.claim(9, over).await.unwrap().len(), 2);
    let late = Record::new(&bob, Outcome::Skipped, Some(Reason::TooLate), over);
    assert!(store.record_durably(late).await.unwrap());
    assert_eq!(store.batch("birthday", day).await.unwrap().len(), 2);

    let moments = (noon(), noon() + minutes(1));
    let counts = async || {
        let sent = store.sent_between("birthday", (day, day), moments).await;
        (store.gone_of("birthday", 5).await.unwrap(), sent.unwrap())
    };
    assert_eq!(counts().await, (0, 0));
    let approval = Approval {
        rule: "birthday".to_owned(),
        day,
        approved: true,
        at: noon(),
    };
    assert_eq!(store.approve(&approval, None).await.unwrap(), 1);
    assert_eq!(counts().await, (2, 0), "one freed, one planned");
    let revision = view(store, "ann").await.revision;
    assert!(store.commit_to_send(commit(&ann, revision)).await.unwrap());
    assert_eq!(counts().await, (2, 1));
    assert!(store.record_durably(sent(&ann)).await.unwrap());
    assert_eq!(counts().await, (2, 1));
    assert_eq!(store.gone_of("birthday", 1).await.unwrap(), 1);
}

/// However small the pages, and however many are due at once, each is there once and in order.
pub(super) async fn the_log_read_in_pages_is_the_whole_log(store: &Store) {
    load(store, vec![person("ann"), person("bob")]).await;
    let all = [
        entry("ann", "b", noon() + minutes(2)),
        entry("ann", "a", noon() + minutes(1)),
        entry("ann", "c", noon() + minutes(3)),
        entry("ann", "d", noon() + minutes(3)),
        entry("bob", "d", noon() + minutes(3)),
        entry("bob", "c", noon() + minutes(3)),
        entry("bob", "e", noon() + minutes(9)),
    ];
    plan(store, all.to_vec()).await;
    let within = Filter {
        since: Some(noon() + minutes(2)),
        until: Some(noon() + minutes(9)),
        ..Filter::default()
    };
    let of_rule = Filter {
        rule: Some("birthday".to_owned()),
        ..Filter::default()
    };
    let of_bob = Filter {
        customer: Some("bob".to_owned()),
        outcome: Some(Outcome::Planned),
        ..within.clone()
    };
    let both = Filter {
        rule: of_rule.rule.clone(),
        ..within.clone()
    };
    for (filter, least) in [
        (Filter::default(), 7),
        (of_rule, 7),
        (within, 5),
        (both, 5),
        (of_bob, 2),
    ] {
        let whole = store.log(&filter).await.unwrap();
        assert_eq!(whole.len(), least);
        for most in 0..9 {
            let few = Filter {
                limit: Some(most),
                ..filter.clone()
            };
            let first = whole.len().saturating_sub(usize::try_from(most).unwrap());
            assert_eq!(store.log(&few).await.unwrap(), whole[first..], "{most}");
        }
        for most in 1..9 {
            let mut paged: Vec<Entry> = Vec::new();
            loop {
                let page = store.log_after(&filter, paged.last(), most).await.unwrap();
                assert!(page.len() <= usize::from(most));
                if page.is_empty() {
                    break;
                }
                paged.extend(page);
            }
            assert_eq!(paged, whole, "{most}");
        }
    }
}

pub(super) async fn the_log_filters(store: &Store) {
    load(store, vec![person("ann")]).await;
    let of = |key: &str, n| entry("ann", key, noon() + minutes(n));
    plan(store, vec![of("b", 2), of("a", 1), of("c", 3)]).await;
    let keys = async |filter: Filter| -> Vec<String> {
        let found = store.log(&filter).await.unwrap();
        found.into_iter().map(|entry| entry.occasion.key).collect()
    };
    assert_eq!(keys(Filter::default()).await, ["a", "b", "c"]);
    assert_eq!(
        keys(Filter {
            limit: Some(2),
            ..Filter::default()
        })
        .await,
        ["b", "c"]
    );
    let window = Filter {
        since: Some(noon() + minutes(1)),
        until: Some(noon() + minutes(3)),
        rule: Some("birthday".to_owned()),
        customer: Some("ann".to_owned()),
        outcome: Some(Outcome::Planned),
        ..Filter::default()
    };
    assert_eq!(keys(window.clone()).await, ["a", "b"]);
    assert!(
        keys(Filter {
            outcome: Some(Outcome::Sent),
            ..window.clone()
        })
        .await
        .is_empty()
    );
    // Nothing is settled yet, so everything still counts.
    let unsettled = Filter {
        unsettled_before: Some(noon() + minutes(60)),
        ..window
    };
    assert_eq!(keys(unsettled).await, ["a", "b"]);
    assert_eq!(
        store
            .forget_ledger_from(noon() + minutes(2), date(2027, 5, 2))
            .await
            .unwrap(),
        2
    );
    assert_eq!(keys(Filter::default()).await, ["a"]);
    assert_eq!(store.heartbeat().await.unwrap(), None);
    store.beat(noon()).await.unwrap();
    assert_eq!(store.heartbeat().await.unwrap(), Some(noon()));
    assert_eq!(store.count_customers().await.unwrap(), (1, 1));
}
