//! What `explain` says of letters to come, held against what `forecast` plays through: one customer,
//! two answers, and they have to be the same.

mod worlds;

use std::fmt::Write as _;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use serde_json::Value;

use crate::shop::{Entry, Shop, entries, now};

/// Days that both look ahead.
const DAYS: &str = "60";

fn today() -> Date {
    let zone = TimeZone::get("Europe/London").unwrap();
    zone.to_datetime(now()).date()
}

fn in_days(days: i64) -> Date {
    today().checked_add(days.days()).unwrap()
}

fn said(day: Date) -> String {
    day.strftime("%-d %B %Y").to_string()
}

/// A shop with these caps and no rules yet.
fn shop(sending: &str) -> Shop {
    let shop = Shop::new();
    shop.settings(&format!("[sending]\n{sending}\n"));
    shop.no_rules();
    shop
}

/// A rule for a birthday, or for another date of the customer.
fn yearly(shop: &Shop, id: &str, field: &str, more: &str) {
    let head = "template = \"birthday\"\nclass = \"relationship\"\naudience = \"customer\"\n";
    let (top, rest) = more.split_once("---\n").unwrap_or((more, ""));
    shop.rule(
        id,
        &format!("title = \"{id}\"\n{head}{top}[trigger.anniversary]\nfield = \"{field}\"\n{rest}"),
    );
}

/// A rule for the day after a purchase.
fn thanks(shop: &Shop, more: &str) {
    let head = "template = \"thank-you\"\nclass = \"relationship\"\naudience = \"customer\"\n";
    shop.rule(
        "thanks",
        &format!(
            "title = \"Thanks\"\n{head}{more}[trigger.event]\nevent = \"purchase\"\nafter = \"1 day\"\n"
        ),
    );
}

/// Ann, whose birthday and anniversary as a customer are in so many days.
fn ann(shop: &Shop, birthday: i64, joined: i64) {
    let (birthday, joined) = (in_days(birthday), in_days(joined));
    shop.customers(&format!(
        "id,email,first_name,birthday,joined_on\nann,ann@mail.example,Ann,{},{}\n",
        birthday.strftime("1984-%m-%d"),
        joined.strftime("2015-%m-%d")
    ));
}

/// A purchase of hers this many days ahead.
fn buys(shop: &Shop, days: i64) {
    let day = in_days(days);
    shop.events(&format!("id,customer_id,kind,at\ne1,ann,purchase,{day}\n"));
}

/// What `explain` says of one occasion, as machines get it.
fn explained(shop: &Shop, entry: &Entry) -> Value {
    let day = entry.due_at.get(..10).unwrap();
    let args = [
        "explain",
        &entry.customer,
        "--rule",
        &entry.rule,
        "--on",
        day,
    ];
    let ran = shop.run(&[&args[..], &["--format", "json"]].concat()).is(0);
    let rows: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut of_it = rows
        .iter()
        .filter(|row| row["occasion"] == entry.occasion.as_str());
    of_it
        .next()
        .unwrap_or_else(|| panic!("{entry:#?}: {rows:#?}"))
        .clone()
}

/// Holds every answer of `explain` for a customer against the forecast's; the forecast, each letter
/// as "rule outcome reason".
fn agreed(shop: &Shop, customer: &str) -> Vec<String> {
    let args = [
        "forecast",
        "--customer",
        customer,
        "--days",
        DAYS,
        "--format",
        "json",
    ];
    let told = entries(&shop.run(&args).is(0).out);
    assert!(!told.is_empty());
    let mut lines = Vec::new();
    for entry in &told {
        let row = explained(shop, entry);
        assert_eq!(
            row["comes_to"],
            entry.outcome.as_str(),
            "{entry:#?}\n{row:#}"
        );
        let reason = entry.reason.as_deref().filter(|_| !entry.is_sent());
        assert_eq!(
            row["comes_to_reason"].as_str(),
            reason,
            "{entry:#?}\n{row:#}"
        );
        assert_eq!(
            row["goes_at"].as_str(),
            entry.sent_at.as_deref(),
            "{entry:#?}\n{row:#}"
        );
        lines.push(entry.line(&["rule", "outcome", "reason"]));
    }
    lines
}

#[test]
fn a_letter_waits_for_the_one_of_the_day_before_and_says_for_which() {
    let shop = shop("quiet_hours = \"none\"\ncaps = { any = \"1 per 2 days\" }");
    yearly(&shop, "birthday", "birthday", "");
    thanks(&shop, "");
    ann(&shop, 5, 100);
    buys(&shop, 3);
    shop.tick();
    assert_eq!(
        agreed(&shop, "ann"),
        ["thanks sent accepted", "birthday sent accepted"]
    );
    let told = shop.run(&["explain", "ann", "--rule", "birthday"]).is(0);
    told.says(&[
        &format!("It will wait until {} at 09:00", said(in_days(6))),
        &format!(
            "they will have had 1 letter in 2 days (`thanks` on {})",
            said(in_days(4))
        ),
        &format!("the next is allowed from {} on.", said(in_days(6))),
        "Then it goes out.",
    ]);
    shop.run(&["explain", "ann", "--rule", "thanks"])
        .is(0)
        .says(&["Nothing stands in its way, as things are."]);
    let day = in_days(5).to_string();
    let args = [
        "explain", "ann", "--rule", "birthday", "--on", &day, "--format", "json",
    ];
    let row: Value = serde_json::from_str(&shop.run(&args).is(0).out).unwrap();
    assert_eq!(row["because_of"], serde_json::json!(["thanks e1"]));
    assert_eq!(row["outcome"], "deferred");
    // It is found on the day on which it goes, too.
    shop.run(&[
        "explain",
        "ann",
        "--rule",
        "birthday",
        "--on",
        &in_days(6).to_string(),
    ])
    .is(0)
    .says(&["It will wait until "]);
}

#[test]
fn of_two_on_one_day_the_lower_priority_waits_or_is_too_late_or_is_skipped() {
    let shop = shop("quiet_hours = \"none\"\ncaps = { any = \"1 per 2 days\" }");
    yearly(&shop, "birthday", "birthday", "priority = 80\n");
    yearly(
        &shop,
        "joined",
        "joined_on",
        "---\n[send]\nlate = \"3 days\"\n",
    );
    ann(&shop, 4, 4);
    shop.tick();
    assert_eq!(
        agreed(&shop, "ann"),
        ["birthday sent accepted", "joined sent accepted"]
    );
    shop.run(&["explain", "ann", "--rule", "joined"])
        .is(0)
        .says(&[
            &format!("It will wait until {}", said(in_days(6))),
            "(`birthday` on ",
            "`birthday` goes first: its priority is 80, and this letter's 50.",
        ]);

    yearly(
        &shop,
        "joined",
        "joined_on",
        "---\n[send]\nlate = \"1 day\"\n",
    );
    assert_eq!(
        agreed(&shop, "ann"),
        ["birthday sent accepted", "joined skipped capped"]
    );
    shop.run(&["explain", "ann", "--rule", "joined"]).is(0).says(&[
        "It won't be sent, as things are: they will have had 1 letter in 2 days (`birthday` on ",
        "The rule's `late` of 1 day doesn't allow it to wait so long.",
    ]);

    yearly(
        &shop,
        "joined",
        "joined_on",
        "---\n[send]\nwhen_capped = \"skip\"\n",
    );
    assert_eq!(
        agreed(&shop, "ann"),
        ["birthday sent accepted", "joined skipped capped"]
    );
    shop.run(&["explain", "ann", "--rule", "joined"]).is(0).says(&[
        "It won't be sent, as things are: they will have had 1 letter in 2 days (`birthday` on ",
        "(`when_capped = \"skip\"`)",
    ]);
}

#[test]
fn a_letter_may_be_put_off_twice_and_then_be_too_late() {
    let shop = shop("quiet_hours = \"none\"\ncaps = { any = \"1 per 3 days\" }");
    yearly(
        &shop,
        "low",
        "birthday",
        "priority = 10\n---\n[send]\nlate = \"4 days\"\n",
    );
    yearly(&shop, "high", "birthday", "priority = 90\n");
    let day = in_days(7);
    shop.rule(
        "feast",
        &format!(
            "title = \"Feast\"\ntemplate = \"birthday\"\nclass = \"relationship\"\n\
             audience = \"customer\"\npriority = 50\n[trigger.fixed]\non = [\"{day}\"]\n"
        ),
    );
    ann(&shop, 4, 100);
    shop.tick();
    let told = agreed(&shop, "ann");
    assert!(told.contains(&"low skipped capped".to_owned()), "{told:?}");
    shop.run(&["explain", "ann", "--rule", "low"]).is(0).says(&[
        &format!("It will wait until {}", said(day)),
        "(`high` on ",
        "Then it won't be sent: they will have had 1 letter in 3 days (`feast` on ",
    ]);
}

#[test]
fn a_held_letter_holds_back_nobody_and_is_told_as_held() {
    let shop = shop("quiet_hours = \"none\"\ncaps = { any = \"1 per 2 days\" }");
    yearly(
        &shop,
        "birthday",
        "birthday",
        "priority = 80\n---\n[limits]\napprove = \"first 20\"\n",
    );
    yearly(&shop, "joined", "joined_on", "");
    ann(&shop, 4, 4);
    shop.tick();
    assert_eq!(
        agreed(&shop, "ann"),
        ["birthday held awaits-approval", "joined sent accepted"]
    );
    shop.run(&["explain", "ann", "--rule", "birthday"])
        .is(0)
        .says(&[
            "It will wait for you, at most until ",
            "the rule's first 20 letters wait until you approve them.",
        ]);
    let day = in_days(4).to_string();
    shop.run(&["approve", "birthday", "--on", &day]).is(0);
    assert_eq!(
        agreed(&shop, "ann"),
        ["birthday sent accepted", "joined sent accepted"]
    );
    shop.run(&["decline", "birthday", "--on", &day]).is(0);
    assert_eq!(
        agreed(&shop, "ann"),
        ["birthday skipped declined", "joined sent accepted"]
    );
}

/// More than the guard lets go unasked, on the birthday of most.
#[test]
fn a_batch_that_the_guard_will_hold_is_told_as_held() {
    let shop = shop(
        "quiet_hours = \"none\"\ncaps = {}\n[guard]\nmax_per_rule_per_day = 3\nmax_share = \"10%\"",
    );
    yearly(&shop, "birthday", "birthday", "");
    let mut people = String::from("id,email,birthday\n");
    for n in 1..=5 {
        let day = in_days(if n == 5 { 9 } else { 6 }).strftime("1984-%m-%d");
        writeln!(people, "p{n},p{n}@mail.example,{day}").unwrap();
    }
    shop.customers(&people);
    shop.tick();
    assert_eq!(agreed(&shop, "p1"), ["birthday held batch-too-large"]);
    assert_eq!(agreed(&shop, "p5"), ["birthday sent accepted"]);
    shop.run(&["explain", "p1"])
        .is(0)
        .says(&["It will wait for you, at most until "]);
}

#[test]
fn days_and_quiet_hours_and_pauses_are_told_as_they_will_be() {
    let shop = shop("quiet_hours = \"08:00-10:00\"\ncaps = { any = \"1 per 2 days\" }");
    let day = in_days(5);
    let only = day
        .checked_add(2.days())
        .unwrap()
        .strftime("%a")
        .to_string()
        .to_lowercase();
    yearly(&shop, "birthday", "birthday", "priority = 80\n");
    yearly(
        &shop,
        "joined",
        "joined_on",
        &format!("---\n[send]\ndays = [\"{only}\"]\nlate = \"9 days\"\n"),
    );
    ann(&shop, 5, 4);
    shop.tick();
    assert_eq!(
        agreed(&shop, "ann"),
        ["joined sent accepted", "birthday sent accepted"]
    );
    shop.run(&["pause", "birthday"]).is(0);
    assert_eq!(
        agreed(&shop, "ann"),
        ["joined sent accepted", "birthday planned -"]
    );
    shop.run(&["explain", "ann", "--rule", "birthday"])
        .is(0)
        .says(&["It waits as long as sending is paused, since "]);
}

/// Whose turn it is depends on people whom `explain` isn't asked about: it says so, and who knows.
#[test]
fn where_the_rule_sends_only_so_many_a_day_it_says_on_what_the_turn_depends() {
    let shop = shop("quiet_hours = \"none\"\ncaps = {}");
    yearly(
        &shop,
        "birthday",
        "birthday",
        "---\n[limits]\nmax_per_day = 2\n",
    );
    let mut people = String::from("id,email,birthday\n");
    for n in 1..=4 {
        let day = in_days(if n == 4 { 30 } else { 6 }).strftime("1984-%m-%d");
        writeln!(people, "p{n},p{n}@mail.example,{day}").unwrap();
    }
    shop.customers(&people);
    shop.tick();
    let told = shop.run(&["explain", "p3"]).is(0);
    told.says(&[
        "That isn't certain: `max_per_day` lets 2 letters of this rule go a day, and 3 may be due by then",
        "`fondly forecast --customer p3`",
    ]);
    let json = shop.run(&["explain", "p3", "--format", "json"]).is(0).out;
    let row: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&row["comes_to"], &row["goes_at"]),
        (&Value::Null, &Value::Null),
        "{json}"
    );
    // Alone on their day, there is no doubt.
    assert_eq!(agreed(&shop, "p4"), ["birthday sent accepted"]);
}

/// What can't be written isn't sent, and the forecast writes every letter.
#[test]
fn a_letter_that_can_t_be_written_is_told_before_its_day() {
    let shop = shop("quiet_hours = \"none\"\ncaps = {}");
    shop.write(
        "config/templates/broken.en.md",
        "+++\nsubject = \"Hello\"\n+++\nAs {{ 1 / customer.attr.zero }} says\n",
    );
    shop.rule(
        "broken",
        "title = \"Broken\"\ntemplate = \"broken\"\nclass = \"relationship\"\n\
         audience = \"customer\"\n[trigger.anniversary]\nfield = \"birthday\"\n",
    );
    ann(&shop, 4, 100);
    shop.tick();
    assert_eq!(agreed(&shop, "ann"), ["broken skipped template-failed"]);
    shop.run(&["explain", "ann"])
        .is(0)
        .says(&["the letter can't be written"]);
}

/// What waits in the ledger already competes as well.
#[test]
fn what_waits_already_is_held_against_what_comes() {
    let shop = shop("quiet_hours = \"none\"\ncaps = { any = \"1 per 5 days\" }");
    shop.rule(
        "bought",
        "title = \"Bought\"\ntemplate = \"thank-you\"\nclass = \"service\"\n\
         audience = \"customer\"\npriority = 20\n[trigger.event]\nevent = \"purchase\"\n\
         after = \"0 minutes\"\n[send]\nlate = \"30 days\"\n[limits]\nbackfill = \"2 days\"\n",
    );
    yearly(
        &shop,
        "birthday",
        "birthday",
        "priority = 80\n---\n[send]\nlate = \"9 days\"\n",
    );
    ann(&shop, 5, 100);
    let at: Timestamp = now();
    shop.events(&format!(
        "id,customer_id,kind,at\n1,ann,purchase,{at}\n2,ann,purchase,{at}\n"
    ));
    shop.tick();
    let told = agreed(&shop, "ann");
    assert_eq!(told.len(), 2, "{told:?}");
    shop.run(&["explain", "ann", "--rule", "bought"])
        .is(0)
        .says(&["(`birthday` on "]);
}

/// What waits for another day is another letter then, and that is the one to be seen.
#[test]
fn a_preview_shows_the_letter_of_the_day_on_which_it_goes() {
    let shop = shop("quiet_hours = \"none\"\ncaps = { any = \"1 per 2 days\" }");
    yearly(&shop, "thanks", "joined_on", "priority = 80\n");
    let belated = "---\n[send]\nlate = \"3 days\"\nlate_template = \"belated-birthday\"\n";
    yearly(&shop, "birthday", "birthday", belated);
    ann(&shop, 4, 4);
    shop.tick();
    let waits = shop.run(&["preview", "birthday", "ann"]).is(0);
    waits.says(&[
        &format!("Due:      {}", in_days(4)),
        &format!("Goes:     {}", in_days(6)),
        "Belated birthday wishes, Ann",
    ]);
    let first = shop.run(&["preview", "thanks", "ann"]).is(0);
    assert!(!first.out.contains("Goes:"), "{}", first.out);
}
