//! Why somebody did, didn't, will or won't get something, as the owner asks for it.

use jiff::civil::Date;
use jiff::{ToSpan as _, tz::TimeZone};

use crate::shop::{Shop, now};

fn today() -> Date {
    let zone = TimeZone::get("Europe/London").unwrap();
    zone.to_datetime(now()).date()
}

fn said(day: Date) -> String {
    day.strftime("%-d %B %Y").to_string()
}

/// A shop that is open at all hours, with one customer whose birthday is in three days.
fn shop() -> Shop {
    let shop = Shop::new();
    shop.settings("[sending]\nquiet_hours = \"none\"\ncaps = { marketing = \"1 per 14 days\" }");
    shop.no_rules();
    let trigger = "template = \"birthday\"\naudience = \"customer\"\n";
    shop.rule(
        "birthday",
        &format!(
            "title = \"Birthday\"\nclass = \"marketing\"\n{trigger}\
             [trigger.anniversary]\nfield = \"birthday\"\n"
        ),
    );
    shop.rule(
        "bought",
        &format!(
            "title = \"Bought\"\nclass = \"marketing\"\n{trigger}[trigger.event]\n\
             event = \"purchase\"\nafter = \"0 minutes\"\n[limits]\nbackfill = \"2 days\"\n"
        ),
    );
    let birthday = (today() + 3.days()).strftime("1984-%m-%d").to_string();
    shop.customers(&format!(
        "id,email,first_name,birthday,unsubscribed\nann,ann@mail.example,Ann,{birthday},\n\
         bob,bob@mail.example,,,yes\n"
    ));
    let at = now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    shop.events(&format!("id,customer_id,kind,at\ne1,ann,purchase,{at}\n"));
    shop.tick();
    shop
}

#[test]
fn it_tells_what_was_and_what_comes_with_the_arithmetic() {
    let shop = shop();
    let (today, birthday) = (today(), today() + 3.days());
    shop.run(&["explain", "ann"]).is(0).says(&[
        "Ann (ann)\n\nBirthday (birthday)\n  Born on ",
        &format!(
            "years on {0}; due on {0} at 09:00 Europe/London.",
            said(birthday)
        ),
        "It won't be sent, as things are: they had 1 marketing letter in 14 days (on ",
        &format!("the next is allowed from {} on.", said(today + 14.days())),
        "The rule's `late` of 2 days doesn't allow it to wait so long.",
        &format!("A `purchase` (e1) on {}; at once; due on ", said(today)),
        "It went out on ",
    ]);
    // Next year that letter is long forgotten.
    let next_year = birthday + 1.year();
    shop.run(&[
        "explain",
        "ann",
        "--rule",
        "birthday",
        "--on",
        &next_year.to_string(),
    ])
    .is(0)
    .says(&["Nothing stands in its way, as things are."]);
    let last_year = birthday - 1.year();
    shop.run(&[
        "explain",
        "ann",
        "--rule",
        "birthday",
        "--on",
        &last_year.to_string(),
    ])
    .is(0)
    .says(&[
        "It isn't sent: the rule counts from ",
        "the rule wasn't in force before",
    ]);
    let idle = (birthday + 50.days()).to_string();
    shop.run(&["explain", "ann", "--rule", "birthday", "--on", &idle])
        .is(0)
        .says(&["Nothing is due on ", "Born on "]);
    let bought = std::fs::read_to_string(shop.path("config/rules/bought.toml")).unwrap();
    shop.rule("bought", &format!("enabled = false\n{bought}"));
    shop.run(&["explain", "bob"])
        .is(0)
        .says(&["\n\nSwitched off: bought\n"]);
    shop.run(&["explain", "bob"]).is(0).says(&[
        "Customer bob",
        "There is no birthday on record, so nothing is due.",
    ]);
}

#[test]
fn machines_get_fields_and_mistakes_are_told() {
    let shop = shop();
    let json = shop.run(&["explain", "ann", "--format", "json"]).is(0).out;
    let rows: Vec<serde_json::Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {} {}", row["rule"], row["outcome"], row["reason"]))
        .collect();
    assert_eq!(
        told,
        [
            "\"birthday\" \"skipped\" \"capped\"",
            "\"bought\" \"sent\" \"accepted\"",
            "\"bought\" null null"
        ],
        "{json}"
    );
    assert_eq!(rows[1]["entry"], shop.ledger()[0].id.as_str());
    assert_eq!(rows[0]["day"], (today() + 3.days()).to_string());
    shop.run(&["explain", "zoe"])
        .is(1)
        .says(&["no customer `zoe`", "fondly sync"]);
    shop.run(&["explain", "ann", "--rule", "brithday"])
        .is(1)
        .says(&["no rule `brithday`", "birthday"]);
    shop.run(&["explain", "ann", "--on", "tomorrow"])
        .is(2)
        .says(&["2026-12-01"]);
}
