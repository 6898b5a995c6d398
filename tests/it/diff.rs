//! What edited rules would change, against what two rehearsals show.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use fondly::clock::Clock;
use fondly::engine::diff::{Diff, diff};
use fondly::engine::rehearse::{Rehearsal, rehearse};
use fondly::engine::tick::{Pass, tick};
use fondly::engine::walk::Stretch;
use fondly::engine::{House, Plans};
use jiff::{Timestamp, ToSpan as _};
use tokio_util::sync::CancellationToken;

use crate::shop::{Entry, Shop, entries};
use crate::town;

fn plans(shop: &Shop) -> Plans {
    Plans::read(&shop.path("config/fondly.toml")).unwrap()
}

/// One pass of the real engine under this clock puts the rules in force.
async fn pass(shop: &Shop, now: Timestamp) {
    let house = House::open(plans(shop), Clock::manual(now)).await.unwrap();
    let house = Arc::new(house);
    let pass = Pass {
        sync: true,
        workers: None,
    };
    tick(&house, pass, &CancellationToken::new()).await.unwrap();
    house.store.clone().close().await.unwrap();
}

/// The ledger of a rehearsal with the rules as their files are, by rule, customer and occasion.
async fn rehearsed(shop: &Shop, stretch: &Stretch) -> BTreeMap<[String; 3], Entry> {
    let zone = || jiff::tz::TimeZone::UTC;
    let wanted = Rehearsal {
        from: stretch.from.to_zoned_datetime(zone()),
        until: stretch.until.to_zoned_datetime(zone()),
        away: Vec::new(),
        out: shop.path("rehearsal"),
    };
    rehearse(plans(shop), &wanted, |_| {}).await.unwrap();
    let text = fs::read_to_string(wanted.out.join("ledger.jsonl")).unwrap();
    let key = |entry: &Entry| {
        let Entry {
            rule,
            customer,
            occasion,
            ..
        } = entry.clone();
        [rule, customer, occasion]
    };
    entries(&text)
        .into_iter()
        .map(|entry| (key(&entry), entry))
        .collect()
}

/// `+`, `-`, `~` or ` ` for everything that differs in two ledgers.
fn differing(
    before: &BTreeMap<[String; 3], Entry>,
    after: &BTreeMap<[String; 3], Entry>,
) -> BTreeMap<[String; 3], char> {
    let mut found = BTreeMap::new();
    for key in before.keys().chain(after.keys()) {
        let (old, new) = (before.get(key), after.get(key));
        let sent = |entry: Option<&Entry>| entry.and_then(|entry| entry.sent_at.clone());
        let what = |entry: Option<&Entry>| {
            let fields = &["due_at", "outcome", "reason"];
            entry.map(|entry| entry.line(fields))
        };
        let sign = match (sent(old), sent(new)) {
            (None, Some(_)) => '+',
            (Some(_), None) => '-',
            (Some(old), Some(new)) if old != new => '~',
            (None, None) if what(old) != what(new) => ' ',
            _ => continue,
        };
        found.insert(key.clone(), sign);
    }
    found
}

fn told(diff: &Diff) -> BTreeMap<[String; 3], char> {
    use fondly::engine::diff::Change::{Fewer, More, Moved, Otherwise};
    let sign = |change| match change {
        More => '+',
        Fewer => '-',
        Moved => '~',
        Otherwise => ' ',
    };
    let differences = diff.differences.iter();
    differences
        .map(|one| {
            let key = [&one.rule, &one.customer, &one.occasion].map(Clone::clone);
            (key, sign(one.change))
        })
        .collect()
}

/// Rule, what to find in its text, and what to put there; no text removes the file.
const EDITS: &[(&str, &str, Option<&str>)] = &[
    ("birthday", "10%", Some("60%")),
    ("month-ahead", "-1 month", Some("-10 days")),
    ("thanks", "3 days", Some("5 days")),
    ("surprise", "40 days", Some("50 days")),
    ("miss-you", "60 days", Some("40 days")),
    (
        "miss-you",
        "[send]",
        Some("[only]\nwhere = \"'vip' in customer.tags\"\n[send]"),
    ),
    (
        "renewal",
        "class = \"service\"",
        Some("class = \"marketing\""),
    ),
    ("renewal", "[send]", Some("[send]\nat = \"16:00\"")),
    ("first-time", "priority = 70", Some("enabled = false")),
    ("fair", "late = \"1 day\"", Some("late = \"1 minute\"")),
    ("come-back", "06:30", Some("21:30")),
    ("thanks", "", None),
];

#[tokio::test]
async fn it_names_exactly_those_who_differ_in_two_rehearsals() {
    let shop = Shop::new();
    let mut dice = town::Dice::new(4);
    town::settle(&shop, &mut dice, 100, "2027-04-20".parse().unwrap());
    town::rules(&shop);
    shop.settings(&format!(
        "[sending]\ncaps = {{ marketing = \"1 per 14 days\", any = \"1 per 2 days\" }}\n{}",
        town::SOURCES
    ));
    let start: Timestamp = "2027-04-20T05:00:00Z".parse().unwrap();
    pass(&shop, start).await;
    let stretch = Stretch {
        from: start + 1.hour(),
        until: start + (42 * 24).hours(),
        away: Vec::new(),
    };
    let before = rehearsed(&shop, &stretch).await;
    assert!(before.len() > 60, "only {} entries", before.len());
    let none = Box::pin(diff(plans(&shop), &stretch, |_| {}))
        .await
        .unwrap();
    assert!(!none.any_edit() && none.differences.is_empty(), "{none:#?}");
    let mut signs = BTreeMap::<char, usize>::new();
    for (rule, from, to) in EDITS {
        let file = shop.path(&format!("config/rules/{rule}.toml"));
        let original = fs::read_to_string(&file).unwrap();
        match to {
            Some(to) => shop.rule(rule, &town::edited(rule, from, to)),
            None => fs::remove_file(&file).unwrap(),
        }
        let after = rehearsed(&shop, &stretch).await;
        let wanted = differing(&before, &after);
        let found = Box::pin(diff(plans(&shop), &stretch, |_| {}))
            .await
            .unwrap();
        assert!(found.any_edit());
        assert_eq!(told(&found), wanted, "{rule}: {from} -> {to:?}");
        assert!(
            !wanted.is_empty(),
            "{rule}: {from} -> {to:?} changes nothing"
        );
        for sign in wanted.into_values() {
            *signs.entry(sign).or_default() += 1;
        }
        fs::write(&file, original).unwrap();
    }
    assert_eq!(signs.len(), 4, "every kind of change: {signs:?}");
}

/// Somebody whose birthday is in so many days.
fn birthday(days: i64) -> String {
    let today = jiff::tz::TimeZone::UTC
        .to_datetime(crate::shop::now())
        .date();
    (today + days.days()).strftime("1984-%m-%d").to_string()
}

#[test]
fn it_says_rule_by_rule_who_gets_more_and_who_gets_less() {
    let shop = Shop::new();
    shop.customers(&format!(
        "id,email,first_name,birthday,tags\nann,ann@mail.example,Ann,{},vip\n\
         bob,bob@mail.example,,{},\n",
        birthday(5),
        birthday(6)
    ));
    // Nothing is in force yet.
    shop.run(&["diff"])
        .is(0)
        .says(&["no rule is in force yet", "(birthday): new", "+ 2 more"]);
    shop.tick();
    shop.run(&["diff"])
        .is(0)
        .says(&["The rules in force are those of the files: nothing would change."]);
    let file = shop.path("config/rules/birthday.toml");
    let rule = fs::read_to_string(&file).unwrap();
    shop.rule(
        "birthday",
        &format!("{rule}\n[only]\nwhere = \"'vip' in customer.tags\"\n"),
    );
    shop.run(&["diff"]).is(0).says(&[
        "Birthday greeting (birthday): edited\n  - 1 fewer\n      bob: ",
        "skipped (condition-false)",
        "In the next 30 days: 0 more, 1 fewer, 0 at another time",
    ]);
    let json = shop.run(&["diff", "--format", "json"]).is(0).out;
    let row: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(row["customer"], "bob");
    assert_eq!(row["change"], "fewer");
    assert_eq!(row["before_outcome"], "sent");
    assert_eq!(row["after_reason"], "condition-false");
    // It is nowhere in force, and a broken edit is told as `check` tells it.
    assert!(shop.ledger().is_empty());
    shop.rule("birthday", "title = 1");
    let check = shop.run(&["check"]).is(1);
    let diff = shop.run(&["diff"]).is(1);
    assert_eq!(diff.err, check.err);
    fs::remove_file(&file).unwrap();
    shop.run(&["diff"]).is(0).says(&[
        "Birthday greeting (birthday): removed",
        "- 2 fewer",
        "Ann (ann): ",
    ]);
}
