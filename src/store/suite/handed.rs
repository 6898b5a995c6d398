//! Records that are handed in, and the tokens by which they are.

use super::*;

/// A token that is good for everything.
async fn token(store: &Store, name: &str) -> Token {
    let words = store.add_token(name, (&Scope::ALL, None), noon()).await;
    store
        .token(&words.unwrap().unwrap())
        .await
        .unwrap()
        .unwrap()
}

async fn hand_in(store: &Store, token: &Token, records: &[Handed]) -> Vec<Taken> {
    let delivery = Delivery {
        token,
        source: "api",
        today: date(2027, 5, 2),
        now: noon(),
    };
    store.take_in(delivery, records).await.unwrap().unwrap()
}

fn customer(one: &Customer) -> Handed {
    Handed::Customer(Box::new(one.clone()), everything())
}

fn event(one: &Event) -> Handed {
    Handed::Event(Box::new(one.clone()))
}

fn refused(id: Option<&str>, record: &str) -> Handed {
    Handed::Refused {
        what: "events",
        id: id.map(str::to_owned),
        refusal: Box::new(Refusal {
            file: "POST /api/events".to_owned(),
            line: 1,
            column: "at".to_owned(),
            value: String::new(),
            reason: "it is missing".to_owned(),
            record: record.to_owned(),
            of: Claims::default(),
        }),
    }
}

pub(super) async fn what_is_handed_in_is_what_a_file_brings(store: &Store) {
    let mut ann = person("ann");
    ann.birthday = PartialDate::new(None, 2, 29);
    ann.tags = vec!["vip".to_owned()];
    let bought = visit("1", "ann", When::Instant(noon()));
    load(store, vec![ann.clone()]).await;
    load_events(store, vec![bought.clone()]).await;
    let by_file = view(store, "ann").await;

    let till = token(store, "till").await;
    // What this source said last isn't known before it has said something.
    let first = hand_in(store, &till, &[customer(&ann)]).await;
    assert_eq!(first, [Taken::Changed]);
    let told = view(store, "ann").await;
    assert_eq!(told.customer, by_file.customer);
    let again = hand_in(store, &till, &[customer(&ann)]).await;
    assert_eq!(again, [Taken::Unchanged]);
    assert_eq!(view(store, "ann").await.revision, told.revision);
    let mut bob = ann.clone();
    bob.id = "bob".to_owned();
    let theirs = visit("1", "bob", When::Instant(noon()));
    let records = [customer(&bob), event(&theirs), event(&theirs)];
    let taken = hand_in(store, &till, &records).await;
    assert_eq!(taken, [Taken::New, Taken::New, Taken::Unchanged]);
    let by_hand = view(store, "bob").await;
    assert_eq!(by_hand.events.len(), 1);
    assert_eq!(by_hand.customer.birthday, ann.birthday);
    let touched = store.everyone(true).await.unwrap();
    assert_eq!(touched, ["ann", "bob"]);
    // Found on the day, and no more once the date is gone.
    let born = async || {
        let window = (date(2028, 2, 29), date(2028, 2, 29));
        store
            .with_anniversary("birthday", window, false)
            .await
            .unwrap()
    };
    assert_eq!(born().await, ["ann", "bob"]);
    bob.birthday = None;
    assert_eq!(
        hand_in(store, &till, &[customer(&bob)]).await,
        [Taken::Changed]
    );
    assert_eq!(born().await, ["ann"]);
}

pub(super) async fn an_event_handed_in_for_another_touches_both(store: &Store) {
    let till = token(store, "till").await;
    load(store, vec![person("ann"), person("bob")]).await;
    hand_in(
        store,
        &till,
        &[event(&visit("1", "ann", When::Instant(noon())))],
    )
    .await;
    let before = [
        view(store, "ann").await.revision,
        view(store, "bob").await.revision,
    ];
    let moved = visit("1", "bob", When::Instant(noon()));
    assert_eq!(
        hand_in(store, &till, &[event(&moved)]).await,
        [Taken::Changed]
    );
    let after = [
        view(store, "ann").await.revision,
        view(store, "bob").await.revision,
    ];
    assert!(
        after[0] > before[0] && after[1] > before[1],
        "{before:?} {after:?}"
    );
}

pub(super) async fn the_forgotten_are_told_of_and_left_out(store: &Store) {
    let till = token(store, "till").await;
    load(store, vec![person("ann")]).await;
    assert!(forget(store, "ann").await);
    let records = [
        customer(&person("ann")),
        event(&visit("1", "ann", When::Day(date(2027, 5, 2)))),
    ];
    let taken = hand_in(store, &till, &records).await;
    assert_eq!(taken, [Taken::Forgotten, Taken::Forgotten]);
    let refused = refused(Some("ann"), "{\"id\": \"ann\", \"birthday\": \"soon\"}");
    assert_eq!(hand_in(store, &till, &[refused]).await, [Taken::Forgotten]);
    assert_eq!(store.count_quarantined().await.unwrap(), 0);
}

pub(super) async fn a_refused_record_waits_for_its_id(store: &Store) {
    let till = token(store, "till").await;
    let records = [
        refused(Some("1"), "a"),
        refused(None, "b"),
        refused(None, "c"),
        refused(Some("2"), "d"),
    ];
    for _ in 0..2 {
        hand_in(store, &till, &records).await;
        assert_eq!(store.count_quarantined().await.unwrap(), 4);
    }
    let good = visit("1", "ann", When::Instant(noon()));
    hand_in(store, &till, &[event(&good)]).await;
    hand_in(store, &till, &[customer(&person("2"))]).await;
    let left = store.quarantined().await.unwrap();
    let left: Vec<&str> = left.iter().map(|one| one.refusal.record.as_str()).collect();
    assert_eq!(left, ["b", "c", "d"]);
    let clear = async |source| {
        let places = store.places_in_quarantine(source).await.unwrap();
        store.clear_quarantine(source, &places).await.unwrap()
    };
    assert_eq!((clear("till").await, clear("api").await), (0, 3));
}

pub(super) async fn nothing_comes_in_by_a_revoked_token(store: &Store) {
    let made = store
        .add_token("till", (&[Scope::Events], Some("web")), noon())
        .await;
    let words = made.unwrap().unwrap();
    assert_eq!(
        store
            .add_token("till", (&Scope::ALL, None), noon())
            .await
            .unwrap(),
        None
    );
    let till = store.token(&words).await.unwrap().unwrap();
    assert_eq!(
        (till.scopes.as_slice(), till.source.as_deref()),
        (&[Scope::Events][..], Some("web"))
    );
    assert_eq!((till.made_at, till.last_day), (noon(), None));
    for other in [
        "",
        "fondly_",
        words.trim_start_matches('f'),
        &format!("{words} "),
        &words.to_lowercase(),
    ] {
        assert_eq!(store.token(other).await.unwrap(), None, "{other}");
    }
    hand_in(store, &till, &[]).await;
    let listed = store.tokens().await.unwrap();
    assert_eq!(listed[0].last_day, Some(date(2027, 5, 2)));
    // Revoked between the look and the write.
    assert!(store.revoke_token("till").await.unwrap());
    assert!(!store.revoke_token("till").await.unwrap());
    let delivery = Delivery {
        token: &till,
        source: "web",
        today: date(2027, 5, 3),
        now: noon(),
    };
    let records = [
        event(&visit("1", "ann", When::Instant(noon()))),
        refused(None, "a"),
    ];
    assert_eq!(store.take_in(delivery, &records).await.unwrap(), None);
    assert_eq!(store.count_quarantined().await.unwrap(), 0);
    assert!(store.everyone(true).await.unwrap().is_empty());
    assert_eq!(store.token(&words).await.unwrap(), None);
}

pub(super) async fn however_much_is_handed_in_at_once_nobody_is_overlooked(store: &Store) {
    /// Each takes an event from one customer and gives it to another, so that ten thousand are
    /// touched before the last comes.
    const MOVED: u32 = 5_000;
    let of = |n: u32, whose: &str| {
        let customer = format!("{whose}{n}");
        visit(&format!("v{n}"), &customer, When::Day(date(2026, 11, 1)))
    };
    load(store, vec![person("b1")]).await;
    let till = token(store, "till").await;
    let delivery = Delivery {
        token: &till,
        source: "visits",
        today: date(2027, 5, 2),
        now: noon(),
    };
    load_events(store, (0..MOVED).map(|n| of(n, "a")).collect()).await;
    // The planner looks; what comes then, it hasn't seen.
    let seen = store.touch_mark().await.unwrap();
    let moved: Vec<Handed> = (0..MOVED).map(|n| event(&of(n, "b"))).collect();
    store.take_in(delivery, &moved).await.unwrap().unwrap();
    let clear = PlanBatch {
        clear_touched: Some(seen),
        ..PlanBatch::default()
    };
    store.plan_write(&clear, noon()).await.unwrap();
    assert_eq!(store.everyone(true).await.unwrap(), ["b1"]);
}
