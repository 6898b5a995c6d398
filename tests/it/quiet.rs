//! `fondly quiet`: who has gone quiet.

use std::fmt::Write as _;

use serde_json::Value;

use crate::shop::Shop;

/// Forty people who come every other week; the first four stayed away from March on.
fn town() -> Shop {
    let shop = Shop::new();
    let (mut people, mut visits) = (
        "id,email,first_name\n".to_owned(),
        "id,customer_id,kind,at,amount,currency\n".to_owned(),
    );
    for n in 0..40_i32 {
        writeln!(people, "c{n:02},c{n:02}@mail.example,Person {n}").unwrap();
        let last = if n < 4 { 60 } else { 180 };
        for (visit, day) in (n % 14..last).step_by(14).enumerate() {
            let early = i32::from((n + day) % 3 == 0);
            let at = jiff::civil::date(2027, 1, 1)
                .checked_add(jiff::Span::new().days(day - early + 1))
                .unwrap();
            writeln!(visits, "e{n}-{visit},c{n:02},visit,{at},{}.50,EUR", 10 + n).unwrap();
        }
    }
    people += "once,once@mail.example,Only Once\nnever,never@mail.example,Never\n";
    visits += "o1,once,visit,2027-02-01,5,EUR\no2,once,visit,2027-02-01,7,EUR\n";
    // Nobody knows in June what comes in July.
    visits += "late,c00,visit,2027-07-20,99,EUR\n";
    shop.customers(&people);
    shop.events(&visits);
    shop.run(&["sync"]).is(0);
    shop
}

fn listed(shop: &Shop, words: &[&str]) -> Vec<Value> {
    let ran = shop.run(&[&["quiet", "--format", "json"], words].concat());
    ran.is(0)
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn who_stays_away_is_listed_with_what_they_brought() {
    let shop = town();
    let quiet = listed(&shop, &["--on", "2027-06-30"]);
    let ids: Vec<&str> = quiet
        .iter()
        .map(|one| one["customer"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["c03", "c02", "c01", "c00"], "the most valuable first");
    let first = &quiet[0];
    assert_eq!(first["contacts"], 5);
    assert_eq!(first["last_contact"], "2027-03-02");
    assert_eq!(first["silent_days"], 120);
    // Gaps of 15, 14, 13 and 15 days.
    assert_eq!(first["cadence_days"], 14.5);
    assert_eq!(first["value_per_year"], 67.5);
    assert_eq!(first["currency"], "EUR");
    assert!(first["chance_gone"].as_f64().unwrap() >= 0.8, "{first}");
    assert_eq!(first["last_letter_rule"], Value::Null);

    let all = listed(&shop, &["--on", "2027-06-30", "--all"]);
    assert_eq!(all.len(), 41, "everybody with a contact");
    let once = all.iter().find(|one| one["customer"] == "once").unwrap();
    assert_eq!(once["contacts"], 1, "two on one day are one");
    assert_eq!(once["cadence_days"], Value::Null);
    let here = all.iter().find(|one| one["customer"] == "c20").unwrap();
    assert!(here["chance_gone"].as_f64().unwrap() < 0.3, "{here}");
    // Sooner somebody comes than not at all.
    let soon = listed(
        &shop,
        &["--on", "2027-06-30", "--all", "--horizon", "1 week"],
    );
    let week = soon.iter().find(|one| one["customer"] == "c20").unwrap();
    assert!(week["chance_gone"].as_f64() > here["chance_gone"].as_f64());

    let later = listed(&shop, &["--on", "2027-07-21"]);
    assert!(later.iter().all(|one| one["customer"] != "c00"), "back");
}

#[test]
fn people_read_who_is_missing_and_what_it_comes_to() {
    let shop = town();
    let table = shop.run(&["quiet", "--on", "2027-06-30"]).is(0).out;
    assert!(table.contains("every 14.5 days"), "{table}");
    assert!(table.contains("67.50 EUR"), "{table}");
    let none = shop.run(&["quiet", "--on", "2026-06-30"]).is(0).out;
    assert_eq!(none, "", "before anybody came");
    let wrong = |words: &[&str], says: &str| {
        shop.run(&[&["quiet"], words].concat()).is(2).says(&[says]);
    };
    wrong(&["--on", "yesterday"], "year, month and day such as");
    wrong(&["--horizon", "3 months"], "such as `30 days` or `6 weeks`");
}
