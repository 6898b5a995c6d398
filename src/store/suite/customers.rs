//! Files of many customers: what went in comes out, however new, changed and unchanged are mixed.

use super::*;

/// Customers of the shop; more than several statements take.
const MANY: u32 = 1_300;

/// One that follows from its number and from how often its record was changed.
fn drawn(n: u32, version: u32) -> Customer {
    let luck = n
        .wrapping_mul(2_654_435_761)
        .wrapping_add(version.wrapping_mul(40_503));
    let day = |luck: u32| i8::try_from(1 + luck % 28).unwrap();
    let month = |luck: u32| i8::try_from(1 + luck % 12).unwrap();
    let mut one = person(&format!("c{n}"));
    one.first_name = luck.is_multiple_of(3).then(|| format!("Ann {version}"));
    one.salutation = luck.is_multiple_of(97).then(|| "Dr".to_owned());
    if luck % 4 != 1 {
        one.birthday = PartialDate::new(None, month(luck / 7), day(luck / 11));
    }
    if luck % 5 == 2 {
        let due = PartialDate::new(Some(2027), month(luck / 3), day(luck / 13)).unwrap();
        one.attrs = BTreeMap::from([("due".to_owned(), AttrValue::Date(due))]);
    }
    one.tags = vec![format!("v{version}")];
    one
}

async fn clear(store: &Store) {
    let clear = PlanBatch {
        clear_touched: Some(store.touch_mark().await.unwrap()),
        ..PlanBatch::default()
    };
    store.plan_write(&clear, noon()).await.unwrap();
    assert!(store.everyone(true).await.unwrap().is_empty());
}

/// The store holds these people, finds each by every date, and looks again at these.
async fn holds(store: &Store, all: &BTreeMap<String, Customer>, touched: &[String]) {
    let ids: Vec<String> = all.keys().cloned().collect();
    assert_eq!(store.everyone(false).await.unwrap(), ids);
    assert_eq!(store.everyone(true).await.unwrap(), touched);
    for view in store.views(&ids, &TimeZone::UTC, "UTC").await.unwrap() {
        assert_eq!(view.customer, all[&view.customer.id]);
    }
    for month in 1..=12 {
        let days = (date(2027, month, 1), date(2027, month, 1).last_of_month());
        let born = |one: &&Customer| one.birthday.is_some_and(|day| day.month() == month);
        let born: Vec<&String> = all.values().filter(born).map(|one| &one.id).collect();
        let found = store
            .with_anniversary("birthday", days, false)
            .await
            .unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), born);
        let due = |one: &&Customer| {
            let due = one.attrs.get("due");
            matches!(due, Some(AttrValue::Date(day)) if day.month() == month)
        };
        let due: Vec<&String> = all.values().filter(due).map(|one| &one.id).collect();
        let found = store.with_date("attr.due", days, false).await.unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), due);
        let again: Vec<&String> = due.into_iter().filter(|id| touched.contains(id)).collect();
        let found = store.with_date("attr.due", days, true).await.unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), again);
    }
}

pub(super) async fn a_large_file_comes_out_as_it_went_in(store: &Store) {
    let mut all: BTreeMap<String, Customer> = BTreeMap::new();
    let mut versions: Vec<u32> = Vec::new();
    // First all are new; then some changed, in stretches and one by one, and some new between them.
    for round in 0..4_u32 {
        let known = versions.len();
        for (n, version) in versions.iter_mut().enumerate() {
            let n = u32::try_from(n).unwrap();
            let changes = match round {
                1 => n.is_multiple_of(9),
                2 => (300..900).contains(&n),
                _ => n >= 20,
            };
            *version += u32::from(changes);
        }
        let more = if round == 0 { MANY } else { 37 * round };
        versions.extend(std::iter::repeat_n(0, usize::try_from(more).unwrap()));
        let mut rows: Vec<Customer> = (0..).zip(&versions).map(|(n, v)| drawn(n, *v)).collect();
        // The new ones stand among the others.
        rows.rotate_right(known / 3);
        rows.swap(5, known.max(6) - 1);
        let differ = |one: &&Customer| all.get(&one.id) != Some(one);
        let mut touched: Vec<String> = rows
            .iter()
            .filter(differ)
            .map(|one| one.id.clone())
            .collect();
        touched.sort_unstable();
        let changed = touched.iter().filter(|id| all.contains_key(*id)).count() as u64;
        all = rows
            .iter()
            .map(|one| (one.id.clone(), one.clone()))
            .collect();
        let applied = load(store, rows.clone()).await;
        assert_eq!(
            applied,
            Applied {
                new: more.into(),
                changed,
                unchanged: rows.len() as u64 - u64::from(more) - changed,
                refused: 0,
                forgotten: 0,
            },
            "round {round}"
        );
        holds(store, &all, &touched).await;
        clear(store).await;
        assert_eq!(load(store, rows).await.unchanged, all.len() as u64);
        assert!(store.everyone(true).await.unwrap().is_empty());
    }
}

pub(super) async fn the_last_of_many_rows_with_one_id_counts(store: &Store) {
    // Old and new, near each other and far apart, back to what it was, and changed once more.
    let (mut rows, mut all) = (Vec::new(), BTreeMap::new());
    load(store, vec![drawn(1, 0), drawn(2, 0)]).await;
    for (n, version) in [(1, 1), (2, 1), (1, 0), (3, 0), (3, 1), (3, 0), (2, 2)] {
        rows.push(drawn(n, version));
        all.insert(format!("c{n}"), drawn(n, version));
    }
    for n in 10..600 {
        rows.push(drawn(n, 0));
        all.insert(format!("c{n}"), drawn(n, 0));
    }
    for (n, version) in [(11, 1), (1, 3), (3, 1), (11, 0)] {
        rows.push(drawn(n, version));
        all.insert(format!("c{n}"), drawn(n, version));
    }
    load(store, rows).await;
    let everyone: Vec<String> = all.keys().cloned().collect();
    holds(store, &all, &everyone).await;
}

pub(super) async fn a_flood_of_new_customers_comes_out_as_it_went_in(store: &Store) {
    /// More than are taken before their indexes are put aside.
    const FLOOD: u32 = 10_700;
    // Some are there already, and come again: as they were, changed, and changed back.
    load(store, (0..40).map(|n| drawn(n, 0)).collect()).await;
    clear(store).await;
    let mut rows: Vec<Customer> = (40..FLOOD).map(|n| drawn(n, 0)).collect();
    rows.extend((0..20).map(|n| drawn(n, 0)));
    rows.extend((20..40).map(|n| drawn(n, 1)));
    rows.extend((FLOOD..FLOOD + 3_000).map(|n| drawn(n, 0)));
    // Far behind the first: back to what it was, the same once more, new and changed at once.
    rows.extend([
        drawn(21, 0),
        drawn(50, 0),
        drawn(FLOOD, 1),
        drawn(51, 2),
        drawn(22, 1),
    ]);
    let all: BTreeMap<String, Customer> = rows
        .iter()
        .map(|one| (one.id.clone(), one.clone()))
        .collect();
    let applied = load(store, rows).await;
    assert_eq!(
        applied,
        Applied {
            new: u64::from(FLOOD) + 3_000 - 40,
            changed: 20 + 1 + 2,
            unchanged: 20 + 2,
            refused: 0,
            forgotten: 0,
        }
    );
    let mut touched: Vec<String> = all.keys().cloned().collect();
    let untouched: Vec<String> = (0..20).map(|n| format!("c{n}")).collect();
    touched.retain(|id| !untouched.contains(id));
    holds(store, &all, &touched).await;
    // The indexes are there again, and are used.
    let again: Vec<Customer> = all.values().cloned().collect();
    assert_eq!(load(store, again).await.unchanged, all.len() as u64);
    let customers = "SELECT COUNT(*) FROM customer INDEXED BY customer_email WHERE email_key > ''";
    let found: i64 = sqlx::query_scalar(customers)
        .fetch_one(store.reader())
        .await
        .unwrap();
    assert_eq!(found, i64::try_from(all.len()).unwrap());
}

pub(super) async fn events_in_a_flood_find_their_customers(store: &Store) {
    let customers = (0..10_300).map(|n| FileRow::Customer(Box::new(drawn(n, 0)), everything()));
    let came = visit("v1", "c10299", When::Day(date(2026, 11, 1)));
    let more = (10_300..10_600).map(|n| FileRow::Customer(Box::new(drawn(n, 0)), everything()));
    let rows = customers
        .chain([FileRow::Event(Box::new(came))])
        .chain(more);
    let rows = rows.map(Ok::<_, &'static str>);
    let applied = store.apply_file(file("both", "1"), rows).await.unwrap();
    assert_eq!(applied.new, 10_601);
    assert_eq!(view(store, "c10299").await.events.len(), 1);
}
