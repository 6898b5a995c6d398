//! What was learnt, and from whom.

use super::*;
use crate::model::policy::Learnt;

const PATTERN: &str = r#"{"scale": "log", "centre": 3.4011973816621555, "weight": 1.4918246976412703,
    "shape": 7.38905609893065, "spread": 2.153241021288183, "stopping": 0.3110548457721129,
    "staying": 1.7026978616983637,
    "once": {"centre": 4.0943445622221, "spread": 1.2214027581601699, "stop": 0.5}}"#;

/// Something learnt from so many customers on a day of May 2027.
fn learnt(day: i8, customers: u32) -> Learnt {
    Learnt {
        contact: vec!["visit".to_owned()],
        since: date(2027, 5, day),
        customers,
        pattern: serde_json::from_str(PATTERN).unwrap(),
    }
}

/// Ann visited on 1 May, Bob on the 20th, Cy called on the 20th; and one visit more.
async fn three_came(store: &Store, (who, day): (&str, i8)) {
    load(store, vec![person("ann"), person("bob"), person("cy")]).await;
    let on = |day| When::Day(date(2027, 5, day));
    let visits = vec![
        visit("1", "ann", on(1)),
        visit("2", "bob", on(20)),
        visit("3", who, on(day)),
        Event {
            kind: "call".to_owned(),
            ..visit("4", "cy", on(20))
        },
    ];
    load_events(store, visits).await;
}

pub(super) async fn what_was_learnt_stays(store: &Store) {
    three_came(store, ("bob", 21)).await;
    let batch = PlanBatch {
        clear_touched: Some(store.touch_mark().await.unwrap()),
        ..PlanBatch::default()
    };
    store.plan_write(&batch, noon()).await.unwrap();
    let known = async |by| store.learnt(date(2027, 5, by)).await.unwrap();
    assert!(known(31).await.is_empty());
    let lesson = |learnt: &Learnt, instead_of: &[i8]| Lesson {
        learnt: learnt.clone(),
        instead_of: instead_of.iter().map(|day| date(2027, 5, *day)).collect(),
    };
    let [first, second] = [learnt(10, 1), learnt(20, 2)];
    store.learn(&[lesson(&second, &[])]).await.unwrap();
    let both = [lesson(&first, &[]), lesson(&learnt(20, 99), &[])];
    store.learn(&both).await.unwrap();
    assert_eq!(known(20).await, [first.clone(), second]);
    assert_eq!(known(19).await, [first]);
    // Whose last contact began before needn't be looked at again.
    assert_eq!(store.everyone(true).await.unwrap(), ["bob"]);

    store
        .forget_ledger_from(noon(), date(2027, 5, 20))
        .await
        .unwrap();
    assert_eq!(known(31).await.len(), 2, "what was known by then stays");

    // What takes another's place changes the view of all.
    let third = learnt(20, 9);
    let takes_place = lesson(&third, &[10, 20]);
    store.learn(&[takes_place]).await.unwrap();
    assert_eq!(known(20).await, [third]);
    store
        .forget_ledger_from(noon(), date(2027, 5, 19))
        .await
        .unwrap();
    assert!(known(31).await.is_empty());
    assert_eq!(store.everyone(true).await.unwrap(), ["ann", "bob"]);
}

pub(super) async fn who_came_is_counted_where_they_are_on_record(store: &Store) {
    three_came(store, ("nobody", 2)).await;
    let kinds = ["visit".to_owned(), "call".to_owned()];
    let came = async |by, most| store.came(&kinds, date(2027, 5, by), most).await.unwrap();
    assert_eq!(came(4, 9).await, 1);
    assert_eq!(came(20, 9).await, 3);
    assert_eq!(came(20, 2).await, 2);
    let some = async |n| {
        let day = date(2027, 5, 20);
        store.every_nth_who_came(&kinds, day, n).await.unwrap()
    };
    let all = some(1).await;
    assert_eq!(all.len(), 3);
    assert_eq!(some(2).await, [all[0].as_str(), all[2].as_str()]);
    assert_eq!((some(3).await, some(0).await), (vec![all[0].clone()], all));
}
