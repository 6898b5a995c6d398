//! People, files and candidates.

use super::*;

pub(super) async fn a_file_is_applied_whole_or_not_at_all(store: &Store) {
    let mut rows = people((0..250).map(|n| person(&format!("c{n}"))).collect());
    rows.push(Err("line 252 ends in the middle"));
    let failed = store
        .apply_file(file("till", "1"), rows.into_iter())
        .await
        .unwrap_err();
    assert!(matches!(
        failed,
        ApplyError::Rows("line 252 ends in the middle")
    ));
    assert!(store.everyone(false).await.unwrap().is_empty());
    assert!(store.everyone(true).await.unwrap().is_empty());
    assert_eq!(
        store.file_fingerprint("till", "file.csv").await.unwrap(),
        None
    );
}

pub(super) async fn reading_a_file_again_changes_nothing(store: &Store) {
    let mut ann = person("ann");
    ann.birthday = PartialDate::new(Some(1987), 5, 2);
    ann.attrs = BTreeMap::from([("size".to_owned(), AttrValue::Number(4.5))]);
    let rows = || {
        (0..250)
            .map(|n| person(&format!("c{n}")))
            .chain([ann.clone()])
            .collect()
    };
    assert_eq!(load(store, rows()).await.new, 251);
    let before = view(store, "ann").await.revision;
    let again = load(store, rows()).await;
    let unchanged = Applied {
        unchanged: 251,
        ..Applied::default()
    };
    assert_eq!(again, unchanged);
    assert_eq!(view(store, "ann").await.revision, before);

    let bought = visit("1", "ann", When::Instant(noon()));
    assert_eq!(load_events(store, vec![bought.clone()]).await.new, 1);
    let before = view(store, "ann").await.revision;
    assert_eq!(load_events(store, vec![bought]).await.unchanged, 1);
    assert_eq!(view(store, "ann").await.revision, before);
    let fingerprint = store.file_fingerprint("visits", "file.csv").await.unwrap();
    assert_eq!(fingerprint.as_deref(), Some("1"));
}

pub(super) async fn records_read_back_as_they_were(store: &Store) {
    let ann = Customer {
        id: "ann".to_owned(),
        email: Some("Ann@Shop.example".to_owned()),
        first_name: Some("Ann \"'\\ \u{1F381}".to_owned()),
        last_name: Some(String::new()),
        salutation: Some("Dr".to_owned()),
        language: Some("de-AT".to_owned()),
        timezone: Some("Europe/Vienna".to_owned()),
        birthday: PartialDate::new(None, 2, 29),
        joined_on: Some(date(2020, 1, 31)),
        staff_email: Some("bo@shop.example".to_owned()),
        staff_name: Some("Bo".to_owned()),
        tags: vec!["vip".to_owned(), "a,b".to_owned()],
        consent: Consent::Yes,
        consent_at: Some(noon()),
        unsubscribed: true,
        attrs: BTreeMap::from([
            ("dog".to_owned(), AttrValue::YesNo(true)),
            ("due".to_owned(), AttrValue::Date(date(2027, 1, 2).into())),
            ("note".to_owned(), AttrValue::Text("7".to_owned())),
        ]),
    };
    let order = Event {
        amount: Amount::parse("12.3456"),
        currency: Some("EUR".to_owned()),
        quantity: Amount::parse("-3"),
        attrs: BTreeMap::from([("sku".to_owned(), AttrValue::Text("x".to_owned()))]),
        ..visit("2", "ann", When::Instant(at("2027-04-30T22:30:00.5Z")))
    };
    // In Vienna the bare day begins before that moment, though it is the next UTC day.
    let day = visit("1", "ann", When::Day(date(2027, 5, 1)));
    load(store, vec![ann.clone()]).await;
    load_events(store, vec![order.clone(), day.clone()]).await;
    let view = view(store, "ann").await;
    assert_eq!(view.customer, ann);
    assert_eq!(view.zone_name, "Europe/Vienna");
    assert_eq!(view.events, [day, order]);
    assert!(!view.suppressed && !view.erased && view.sent.is_empty());
}

pub(super) async fn an_event_that_moves_touches_both_customers(store: &Store) {
    load(store, vec![person("ann"), person("bob"), person("cy")]).await;
    load_events(store, vec![visit("1", "ann", When::Instant(noon()))]).await;
    let mark = store.touch_mark().await.unwrap();
    let clear = PlanBatch {
        clear_touched: Some(mark),
        ..PlanBatch::default()
    };
    store.plan_write(&clear, noon()).await.unwrap();
    assert!(store.everyone(true).await.unwrap().is_empty());
    let before = (
        view(store, "ann").await.revision,
        view(store, "bob").await.revision,
    );
    let moved = load_events(store, vec![visit("1", "bob", When::Instant(noon()))]).await;
    assert_eq!((moved.changed, moved.new), (1, 0));
    assert_eq!(store.everyone(true).await.unwrap(), ["ann", "bob"]);
    let after = (
        view(store, "ann").await.revision,
        view(store, "bob").await.revision,
    );
    assert_eq!(after, (before.0 + 1, before.1 + 1));
    // What is touched after the mark was taken stays for the next time.
    store.plan_write(&clear, noon()).await.unwrap();
    assert_eq!(store.everyone(true).await.unwrap(), ["ann", "bob"]);
}

pub(super) async fn the_later_of_two_rows_with_one_id_counts(store: &Store) {
    let mut later = person("ann");
    later.first_name = Some("Ann".to_owned());
    later.birthday = PartialDate::new(None, 5, 2);
    let applied = load(store, vec![person("ann"), later.clone()]).await;
    assert_eq!((applied.new, applied.changed), (1, 1));
    assert_eq!(view(store, "ann").await.customer, later);
}

pub(super) async fn quarantine_shows_the_last_reading(store: &Store) {
    let refusal = |line| Refusal {
        file: "till.csv".to_owned(),
        line,
        column: "DOB".to_owned(),
        value: "31.2.1990".to_owned(),
        reason: "there is no such day".to_owned(),
        record: "7,31.2.1990".to_owned(),
        of: Claims::default(),
    };
    let refused = |lines: &[u64]| -> Rows {
        lines
            .iter()
            .map(|line| Ok(FileRow::Refused(Box::new(refusal(*line)))))
            .collect()
    };
    let first = store
        .apply_file(file("till", "1"), refused(&[2, 9]).into_iter())
        .await
        .unwrap();
    assert_eq!(first.refused, 2);
    store
        .apply_file(file("till", "2"), refused(&[9]).into_iter())
        .await
        .unwrap();
    let found = store.quarantined().await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].source.as_str(), &found[0].refusal),
        ("till", &refusal(9))
    );
}

pub(super) async fn candidates_are_found(store: &Store) {
    let born = |id: &str, month, day| Customer {
        birthday: PartialDate::new(None, month, day),
        attrs: BTreeMap::from([(
            "due".to_owned(),
            AttrValue::Date(PartialDate::new(None, month, day).unwrap()),
        )]),
        ..person(id)
    };
    load(
        store,
        vec![
            born("leap", 2, 29),
            born("feb", 2, 28),
            born("dec", 12, 31),
            person("x"),
        ],
    )
    .await;
    for touched in [false, true] {
        for field in ["birthday", "attr.due"] {
            let of = |from, to| store.with_anniversary(field, (from, to), touched);
            let day = date(2027, 3, 1);
            assert_eq!(of(day, day).await.unwrap(), ["leap"]);
            let feb = of(date(2027, 2, 20), date(2027, 2, 28)).await.unwrap();
            assert_eq!(feb, ["feb", "leap"]);
            assert_eq!(
                of(date(2027, 12, 1), date(2028, 1, 3)).await.unwrap(),
                ["dec"]
            );
            let all = of(date(2027, 1, 1), date(2028, 3, 1)).await.unwrap();
            assert_eq!(all, ["dec", "feb", "leap"]);
        }
        assert_eq!(store.everyone(touched).await.unwrap().len(), 4);
    }
    let day = |n: i8| When::Day(date(2027, 4, n));
    load_events(
        store,
        vec![
            visit("1", "leap", day(1)),
            visit("2", "feb", day(1)),
            visit("3", "feb", day(20)),
            visit("4", "dec", day(12)),
        ],
    )
    .await;
    let kinds = ["visit".to_owned(), "call".to_owned()];
    for touched in [false, true] {
        let window = (date(2027, 3, 30), date(2027, 4, 5));
        let found = store.with_event(&kinds, window, touched).await.unwrap();
        assert_eq!(found, ["feb", "leap"]);
        let silent = store
            .silent_since(&kinds, window, 30, touched)
            .await
            .unwrap();
        assert_eq!(silent, ["leap"]);
        let none = store
            .with_event(&["call".to_owned()], window, touched)
            .await
            .unwrap();
        assert!(none.is_empty());
    }
}

pub(super) async fn who_is_awaited_is_found_on_the_day(store: &Store) {
    let awaited = |rule: &str, customer: &str, day: Option<jiff::civil::Date>| Awaited {
        rule: rule.to_owned(),
        customer: customer.to_owned(),
        day,
    };
    let write = async |awaited: Vec<Awaited>| {
        let batch = PlanBatch {
            awaited,
            ..PlanBatch::default()
        };
        store.plan_write(&batch, noon()).await.unwrap();
    };
    let (may, june) = (date(2027, 5, 2), date(2027, 6, 2));
    write(vec![
        awaited("missed", "ben", Some(may)),
        awaited("missed", "ann", Some(may)),
        awaited("missed", "cleo", Some(june)),
        awaited("other", "dora", Some(may)),
    ])
    .await;
    let until = async |day| store.awaited("missed", day).await.unwrap();
    assert!(until(date(2027, 5, 1)).await.is_empty());
    assert_eq!(until(may).await, ["ann", "ben"]);
    assert_eq!(until(june).await, ["ann", "ben", "cleo"]);
    // One day a customer and rule: the last word counts, and it may be none.
    write(vec![
        awaited("missed", "ann", Some(june)),
        awaited("missed", "ben", None),
    ])
    .await;
    assert!(until(may).await.is_empty());
    assert_eq!(until(june).await, ["ann", "cleo"]);
}

pub(super) async fn dates_and_addresses_are_found(store: &Store) {
    let due = |id: &str, date| Customer {
        attrs: BTreeMap::from([("due".to_owned(), AttrValue::Date(date))]),
        ..person(id)
    };
    let on = |year, month, day| PartialDate::new(year, month, day).unwrap();
    let nowhere = Customer {
        email: None,
        ..person("nowhere")
    };
    load(
        store,
        vec![
            due("this", on(Some(2027), 12, 31)),
            due("next", on(Some(2028), 1, 1)),
            due("leap", on(Some(2028), 2, 29)),
            due("past", on(Some(2026), 12, 31)),
            due("yearless", on(None, 12, 31)),
            nowhere,
        ],
    )
    .await;
    for touched in [false, true] {
        let of = |from, to| store.with_date("attr.due", (from, to), touched);
        let year_end = of(date(2027, 12, 30), date(2028, 1, 2)).await.unwrap();
        assert_eq!(year_end, ["next", "this"]);
        let leap_day = date(2028, 2, 29);
        assert_eq!(of(leap_day, leap_day).await.unwrap(), ["leap"]);
        let first = date(2028, 3, 1);
        assert!(of(first, first).await.unwrap().is_empty());
        let all = of(date(2026, 1, 1), date(2028, 12, 31)).await.unwrap();
        assert_eq!(all, ["leap", "next", "past", "this"]);
        let birthday = store.with_date("birthday", (leap_day, leap_day), touched);
        assert!(birthday.await.unwrap().is_empty());
        let reachable = store.with_address(touched).await.unwrap();
        assert_eq!(reachable, ["leap", "next", "past", "this", "yearless"]);
    }
}

pub(super) async fn the_forgotten_stay_forgotten(store: &Store) {
    let (id, revision) = claimed(store).await;
    load_events(store, vec![visit("1", "ann", When::Instant(noon()))]).await;
    assert!(forget(store, "ann").await);
    assert!(!forget(store, "nobody").await);
    assert_eq!(store.entry(&id).await.unwrap(), None);
    let entry = all_entries(store).await.pop().unwrap();
    assert_eq!(entry.reason, Some(Reason::Erased));
    assert!(!store.commit_to_send(commit(&id, revision)).await.unwrap());
    // The next files still hold them, once under another id.
    load(
        store,
        vec![
            person("ann"),
            Customer {
                id: "ann2".to_owned(),
                ..person("ann")
            },
        ],
    )
    .await;
    load_events(store, vec![visit("1", "ann", When::Day(date(2027, 5, 3)))]).await;
    let zone = TimeZone::UTC;
    let ids = ["ann".to_owned(), "ann2".to_owned()];
    assert!(store.views(&ids, &zone, "UTC").await.unwrap().is_empty());
    let list = format!("{:?}", store.suppressions().await.unwrap());
    assert!(!list.contains("ann@"), "{list}");
}

/// Numbers to the last bit.
pub(super) async fn a_source_is_unread_until_all_of_it_was_read(store: &Store) {
    let unread = async || store.unread_sources().await.unwrap();
    assert!(unread().await.is_empty());
    for source in ["till", "a_b%", "till"] {
        store.source_read(source, false).await.unwrap();
    }
    assert_eq!(unread().await, ["a_b%", "till"]);
    store.source_read("a_b%", true).await.unwrap();
    store.source_read("never", true).await.unwrap();
    assert_eq!(unread().await, ["till"]);
}

/// A till that exports everything every day exports what was let go as well.
pub(super) async fn what_was_let_go_wakes_nobody_when_it_is_read_again(store: &Store) {
    load(store, vec![person("ann"), person("bob")]).await;
    let old = |id: &str, day| visit(id, "ann", When::Day(date(2020, 1, day)));
    let all = vec![
        old("v1", 1),
        old("v2", 2),
        visit("v3", "bob", When::Day(date(2020, 1, 3))),
    ];
    load_events(store, all.clone()).await;
    let ann = ["ann".to_owned()];
    let gone = store.let_events_go(&ann, date(2021, 1, 1)).await;
    assert_eq!(gone.unwrap(), (1, 2));
    let before = view(store, "ann").await;
    let again = load_events(store, all.clone()).await;
    assert_eq!((again.new, again.changed, again.unchanged), (0, 0, 3));
    assert_eq!(view(store, "ann").await.revision, before.revision);
    // What is still there may be mended to a day that is as old; then it goes, too.
    let new = visit("v4", "ann", When::Day(date(2026, 1, 1)));
    assert_eq!(load_events(store, vec![new.clone()]).await.new, 1);
    let mended = Event {
        at: When::Day(date(2020, 1, 2)),
        ..new
    };
    load_events(store, vec![mended]).await;
    assert_eq!(view(store, "ann").await.events, []);
}
