//! `fondly backtest`: a rule on the business's own past.

use std::fmt::Write as _;
use std::fs;

use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use resvg::tiny_skia::Pixmap;
use resvg::usvg::{Options, Tree};
use serde_json::Value;

use crate::shop::{Shop, now};

const RULE: &str = r#"
title = "We miss you"
template = "we-miss-you"
class = "marketing"
audience = "customer"

[trigger.lapsed]
contact = ["visit"]
after = "60 days"
min_contacts = 3

[send]
at = "00:00"
"#;

/// The first day of the town's past.
const FIRST: Date = date(2020, 1, 1);

fn day(number: i32) -> Date {
    FIRST.checked_add(number.days()).unwrap()
}

/// 240 people who come every other week for 600 days. Of every four, one stays away from some day
/// on, one stays away for 75 days and comes back.
fn town() -> Shop {
    let shop = Shop::new();
    let (mut people, mut visits) = (
        "id,email,first_name\n".to_owned(),
        "id,customer_id,kind,at\n".to_owned(),
    );
    for n in 0..240_i32 {
        writeln!(people, "c{n:03},c{n:03}@mail.example,Person {n}").unwrap();
        let gone = 310 + n * 7 % 100;
        for visit in (n % 14..600).step_by(14) {
            let away = match n % 4 {
                0 => visit > gone,
                1 => visit > gone && visit < gone + 62,
                _ => false,
            };
            if !away {
                writeln!(visits, "e{n}-{visit},c{n:03},visit,{}", day(visit)).unwrap();
            }
        }
    }
    // What lies ahead hasn't happened, and a call is no visit.
    visits += "ahead,c000,visit,2199-01-01\ncall,c000,call,2020-12-24\n";
    shop.customers(&people);
    shop.events(&visits);
    shop.rule("miss", RULE);
    shop.run(&["sync"]).is(0);
    shop
}

fn rows(shop: &Shop, words: &[&str]) -> Vec<Value> {
    let args = [&["backtest", "miss", "--format", "json"], words].concat();
    let out = shop.run(&args).is(0).out;
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn of<'a>(rows: &'a [Value], after: &str) -> &'a Value {
    rows.iter().find(|row| row["after"] == after).unwrap()
}

#[test]
fn the_past_says_what_a_rule_would_have_come_to_and_what_is_better() {
    let shop = town();
    let rows = rows(&shop, &[]);
    let own = of(&rows, "60 days");
    assert_eq!(own["part"], "threshold");
    assert_eq!(own["is_rule"], true);
    assert_eq!(own["from"], day(300).to_string(), "the second half");
    assert_eq!(own["until"], day(509).to_string(), "90 days before the end");
    assert_eq!(own["seen_until"], day(599).to_string());
    assert_eq!(own["learnt_from"], 240);
    assert_eq!(own["already_sent"], 0);
    // Each of those who left, and each of those who were back two weeks after the letter.
    assert_eq!((&own["right"], &own["needless"]), (&60.into(), &60.into()));
    assert_eq!(
        (&own["letters"], &own["unjudged"]),
        (&120.into(), &0.into())
    );
    assert_eq!(
        (&own["needless_share"], &own["caught_share"]),
        (&0.5.into(), &1.0.into())
    );
    assert_eq!((&own["missed"], &own["before"]), (&0.into(), &0.into()));
    assert_eq!(own["silent_median"], 60);
    // Nobody came back after 90 days of silence, and all who left are caught.
    let later = of(&rows, "90 days");
    assert_eq!(
        (&later["right"], &later["needless"]),
        (&60.into(), &0.into())
    );
    assert_eq!(own["verdict"], "better");
    let better: Vec<&Value> = rows
        .iter()
        .filter(|row| row["recommended"] == true)
        .collect();
    assert_eq!(better, [later]);
    // After two cadences it is 28 days.
    assert_eq!(of(&rows, "2 cadences")["silent_median"], 28);
    // The silences are the same for all.
    let thresholds = rows.iter().filter(|row| row["part"] == "threshold");
    let silences: Vec<&Value> = thresholds.map(|row| &row["silences"]).collect();
    assert_eq!(silences.len(), 11);
    assert!(
        silences.windows(2).all(|two| two[0] == two[1]),
        "{silences:?}"
    );
    let tenths: Vec<&Value> = rows.iter().filter(|row| row["part"] == "tenth").collect();
    assert_eq!(tenths.len(), 10);
    let customers: u64 = tenths
        .iter()
        .map(|row| row["customers"].as_u64().unwrap())
        .sum();
    assert_eq!(customers, 240);

    let csv = shop.run(&["backtest", "miss", "--format", "csv"]).is(0).out;
    assert_eq!(csv.lines().count(), 1 + rows.len());
    let fields: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
    assert_eq!(
        csv.lines().next().unwrap().split(',').collect::<Vec<_>>(),
        fields
    );
}

#[test]
fn people_read_what_it_comes_to() {
    let shop = town();
    let said = shop.run(&["backtest", "miss"]).is(0);
    said.says(&[
        "We miss you (miss): after 60 days, from 3 contact days on",
        "Contact means: visit. Letters from 2020-10-27 to 2021-05-24",
        "<- this rule",
        "<- better",
        "This rule would have sent 120 letters.",
        "60 of 120 customers would have come back without one within 90 days: 50 % of the letters were \
         needless.",
        "it would have caught 60 (100 %), half of them within 60 days of silence; 0 had no letter",
        "Better for this business: 90 days. It would have caught as many (100 % of those who stayed away), with 0 % of the letters \
         needless instead of 50 %.",
    ]);
    shop.rule("miss", &RULE.replace("60 days", "90 days"));
    shop.run(&["backtest", "miss"])
        .is(0)
        .says(&["The rule is fine as it is"]);
}

#[test]
fn only_letters_whose_days_are_over_are_judged() {
    let shop = town();
    let until = day(599).to_string();
    let all = rows(&shop, &["--until", &until, "--from", "2021-04-01"]);
    let own = of(&all, "60 days");
    assert_eq!(own["judged_until"], day(509).to_string());
    let short = rows(&shop, &["--from", "2021-04-01", "--horizon", "30 days"]);
    assert_eq!(of(&short, "60 days")["judged_until"], day(569).to_string());
    // The last visits are still fresh on the last day that can be judged with 180 days.
    let late = [
        "--from",
        "2021-01-01",
        "--until",
        &until,
        "--horizon",
        "180 days",
    ];
    let late = rows(&shop, &late);
    let own = of(&late, "60 days");
    assert!(own["unjudged"].as_u64().unwrap() > 20, "{own}");
    let count = |field: &str| own[field].as_u64().unwrap();
    assert_eq!(
        count("letters"),
        count("right") + count("needless") + count("unjudged")
    );
    let said = shop.run(&[
        "backtest",
        "miss",
        "--until",
        &until,
        "--horizon",
        "180 days",
    ]);
    said.is(0).says(&["can't be judged yet"]);
}

#[test]
fn where_nothing_can_be_said_nothing_is_made_up() {
    let shop = Shop::new();
    shop.rule("miss", RULE);
    shop.run(&["backtest", "miss"])
        .is(0)
        .says(&["Nobody has had a contact yet (visit)"]);
    shop.customers("id,email\na,a@mail.example\nb,b@mail.example\n");
    shop.events(
        "id,customer_id,kind,at\n1,a,visit,2020-01-05\n2,a,visit,2020-01-19\n3,a,visit,2020-02-02\n\
         4,b,visit,2020-02-10\n",
    );
    shop.run(&["sync"]).is(0);
    let short = shop.run(&["backtest", "miss"]).is(0);
    short.says(&["can be judged", "known from 2020-01-05 to 2020-02-10"]);
    let few = shop.run(&["backtest", "miss", "--horizon", "1 day"]).is(0);
    few.says(&["Too few to say", "learnt from 1 customer only"]);
    assert_eq!(of(&rows(&shop, &[]), "60 days")["verdict"], "too-short");
    let ran = shop.run(&["backtest", "miss", "--plot", "walk.png"]).is(0);
    ran.says(&["nothing to draw"]);
    assert!(!shop.path("walk.png").exists());
}

#[test]
fn only_rules_for_silences_have_such_a_past() {
    let shop = town();
    let refused = |words: &[&str], code, says: &[&str]| {
        let ran = shop.run(&[&["backtest"], words].concat()).is(code);
        assert_eq!(ran.out, "");
        ran.says(says);
    };
    refused(
        &["birthday"],
        1,
        &[
            "isn't a rule for silences",
            "fondly forecast --rule birthday",
        ],
    );
    refused(
        &["mis"],
        1,
        &["there is no rule `mis`", "did you mean `miss`?"],
    );
    refused(
        &["miss", "--plot", "walk.gif"],
        2,
        &["ends in .svg or .png"],
    );
    refused(
        &["miss", "--from", "soon"],
        2,
        &["year, month and day such as"],
    );
    refused(
        &["miss", "--from", "2021-01-01", "--until", "2020-01-01"],
        2,
        &["--until 2020-01-01 lies before --from 2021-01-01"],
    );
    let ran = shop.run(&["backtest", "miss", "--plot", "no/such/folder/walk.svg"]);
    ran.is(1).says(&["no/such/folder/walk.svg"]);
}

#[test]
fn the_picture_is_the_same_every_time_and_needs_no_fonts() {
    let shop = town();
    let drawn = |name: &str| {
        let ran = shop.run(&["backtest", "miss", "--plot", name]).is(0);
        ran.says(&["Drawn into "]);
        fs::read(shop.path(name)).unwrap()
    };
    let svg = drawn("walk.svg");
    assert_eq!(drawn("again.svg"), svg);
    let svg = String::from_utf8(svg).unwrap();
    let tree = Tree::from_str(&svg, &Options::default()).unwrap();
    for words in [
        "We miss you",
        "this rule: 60 days",
        "2 cadences",
        "sans-serif",
    ] {
        assert!(svg.contains(words), "{words}: {svg}");
    }
    let png = drawn("walk.png");
    assert_eq!(drawn("again.PNG"), png);
    let picture = Pixmap::decode_png(&png).unwrap();
    let size = tree.size().to_int_size();
    assert_eq!(
        (picture.width(), picture.height()),
        (size.width(), size.height())
    );
    // There is ink in the first line, which is only text.
    let title = picture.pixels().iter().take(1_600 * 100);
    assert!(title.filter(|dot| dot.red() < 128).count() > 1_000);
}

#[test]
fn letters_that_were_really_sent_are_told() {
    let shop = Shop::new();
    shop.settings("[sending]\nquiet_hours = \"none\"\ncaps = {}");
    shop.no_rules();
    shop.rule("miss", RULE);
    let today = jiff::tz::TimeZone::UTC.to_datetime(now()).date();
    let ago = |days: i32| today.checked_sub(days.days()).unwrap();
    shop.customers(
        "id,email,timezone,consent\na,a@mail.example,UTC,yes\nb,b@mail.example,UTC,yes\n",
    );
    let mut visits = "id,customer_id,kind,at\n".to_owned();
    for (n, days) in [200, 150, 100, 80, 60].into_iter().enumerate() {
        writeln!(visits, "a{n},a,visit,{}", ago(days)).unwrap();
    }
    writeln!(visits, "b,b,visit,{}", ago(1)).unwrap();
    shop.events(&visits);
    shop.tick();
    assert_eq!(shop.outbox().len(), 1, "the letter of today");
    let from = ago(90).to_string();
    let asked = ["--from", from.as_str(), "--horizon", "1 week"];
    // What was seen ends the day before it.
    assert_eq!(of(&rows(&shop, &asked), "60 days")["already_sent"], 0);
    writeln!(visits, "now,b,visit,{today}").unwrap();
    shop.events(&visits);
    shop.run(&["sync"]).is(0);
    assert_eq!(of(&rows(&shop, &asked), "60 days")["already_sent"], 1);
    let said = shop.run(&[&["backtest", "miss"], &asked[..]].concat());
    said.is(0)
        .says(&["1 letter of this rule was really sent in that time"]);
}
