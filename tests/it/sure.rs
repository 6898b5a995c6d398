//! `after = "80% sure"`: missed as soon as it is likely enough that they stay away.

use std::fmt::Write as _;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use crate::shop::{Shop, now};

pub(crate) const MISSED: &str = "title = \"We miss you\"\ntemplate = \"we-miss-you\"\n\
    class = \"relationship\"\naudience = \"customer\"\n\
    [trigger.lapsed]\ncontact = [\"visit\"]\nafter = \"80% sure\"\nmin_contacts = 3\n";

/// Sixty people who come every other week until the end of a stretch that begins on `start`; of
/// the first four the last visit was on its 150th day.
pub(crate) fn town(start: Date, days: i32) -> Shop {
    let shop = Shop::new();
    let (mut people, mut visits) = (
        "id,email\n".to_owned(),
        "id,customer_id,kind,at\n".to_owned(),
    );
    for n in 0..60_i32 {
        writeln!(people, "c{n:02},c{n:02}@mail.example").unwrap();
        let last = if n < 4 { 150 } else { days };
        for (visit, day) in (n % 14..=last).step_by(14).enumerate() {
            let early = i32::from((n + day) % 3 == 0);
            let at = start
                .checked_add(jiff::Span::new().days(day - early))
                .unwrap();
            writeln!(visits, "e{n}-{visit},c{n:02},visit,{at}").unwrap();
        }
    }
    shop.customers(&people);
    shop.events(&visits);
    shop.no_rules();
    shop.rule("missed", MISSED);
    shop.settings(
        "[sending]\nquiet_hours = \"none\"\ncaps = {}\n[guard]\nmax_per_rule_per_day = 1000",
    );
    shop
}

#[test]
fn who_stays_away_is_missed_once_and_who_comes_is_left_alone() {
    let shop = town(date(2027, 1, 1), 365);
    // From the middle of spring, so that something is known, over two days of learning.
    let (from, until) = (
        "2027-05-01T00:00[Europe/London]",
        "2027-12-01T00:00[Europe/London]",
    );
    let done = shop.rehearse(from, until);
    let sent = done.entries.iter().filter(|entry| entry.is_sent());
    let mut missed: Vec<&str> = sent.map(|entry| entry.customer.as_str()).collect();
    missed.sort_unstable();
    assert_eq!(missed, ["c00", "c01", "c02", "c03"]);
    assert_eq!(done.entries.len(), 4, "nobody else: {:?}", done.entries);
    for entry in &done.entries {
        let (last, _) = entry.occasion.split_once('/').unwrap();
        let last: Date = last.parse().unwrap();
        let due: jiff::Timestamp = entry.due_at.parse().unwrap();
        let due = TimeZone::UTC.to_datetime(due).date();
        let silent = (due - last).get_days();
        assert!(
            (15..=28).contains(&silent),
            "after {silent} days: {entry:?}"
        );
    }
    let again = shop.rehearse(from, until);
    assert_eq!(again.ledger, done.ledger, "the same bytes");
}

#[test]
fn a_first_pass_learns_and_plans_and_explain_says_how_sure_it_is() {
    let today = TimeZone::UTC.to_datetime(now()).date();
    let start = today.checked_sub(jiff::Span::new().days(164)).unwrap();
    let shop = town(start, 164);
    shop.run(&["sync"]).is(0);
    shop.run(&["explain", "c05", "--rule", "missed"])
        .is(0)
        .says(&["isn't learnt yet"]);
    // Nobody comes in a forecast, so in time everybody would be missed.
    shop.run(&["forecast", "--days", "30"])
        .is(0)
        .says(&["We miss you (missed)", "c05"]);
    shop.tick();
    shop.run(&["explain", "c05", "--rule", "missed"])
        .is(0)
        .says(&[
            "usually every 14",
            "of 100 customers like this,",
            "don't come by themselves in the 90 days from then",
            "learnt from 60 customers on",
        ]);
    shop.run(&["check"]).is(0);
}

/// The store takes in everything but what was learnt.
#[tokio::test]
async fn a_pass_whose_learning_fails_says_what_it_did_and_what_failed() {
    let today = TimeZone::UTC.to_datetime(now()).date();
    let start = today.checked_sub(jiff::Span::new().days(164)).unwrap();
    let shop = town(start, 164);
    let thanks = "title = \"Thanks\"\ntemplate = \"thank-you\"\nclass = \"service\"\n\
        audience = \"customer\"\n[trigger.event]\nevent = \"visit\"\nafter = \"0 minutes\"\n\
        [limits]\nbackfill = \"20 days\"\n[send]\nlate = \"20 days\"\n";
    shop.rule("thanks", thanks);
    shop.run(&["sync"]).is(0);
    shop.tamper(
        "CREATE TRIGGER refused BEFORE INSERT ON learnt \
         BEGIN SELECT RAISE(ABORT, 'nothing is learnt today'); END",
    )
    .await;
    let ran = shop.run(&["tick"]).is(1);
    ran.says(&[
        "Thanks: ",
        " sent",
        "couldn't be learnt",
        "nothing is learnt today",
    ]);
    // What failed is tried again with the next pass, and what was done isn't.
    shop.tamper("DROP TRIGGER refused").await;
    let ran = shop.run(&["tick"]).is(0);
    assert!(!ran.out.contains("Thanks: "), "{}", ran.out);
}

#[test]
fn what_began_before_more_was_known_is_missed_on_its_day_all_the_same() {
    // Few customers at first; then the business grows, and learns anew, while silences go on.
    let shop = town(date(2027, 1, 1), 365);
    let until = "2027-09-01T00:00[Europe/London]";
    let missed = |from: &str| {
        let mut found: Vec<(String, String)> = shop
            .rehearse(from, until)
            .entries
            .into_iter()
            .map(|entry| (entry.customer, entry.occasion))
            .collect();
        found.sort_unstable();
        found
    };
    let begun_early = missed("2027-01-20T00:00[Europe/London]");
    let begun_late = missed("2027-06-02T00:00[Europe/London]");
    assert_eq!(begun_late.len(), 4, "{begun_late:?}");
    for one in &begun_late {
        let count = begun_early.iter().filter(|other| *other == one).count();
        assert_eq!(count, 1, "{one:?} in {begun_early:?}");
    }
}

/// Off is off, also for a rule that has nothing to judge by: what came due meanwhile isn't too late,
/// it never was.
#[tokio::test]
async fn a_rule_that_waited_to_learn_while_it_was_off_starts_anew() {
    let today = TimeZone::UTC.to_datetime(now()).date();
    let shop = town(today.checked_sub(jiff::Span::new().days(300)).unwrap(), 300);
    shop.rule("missed", &MISSED.replace("80% sure", "1000 days"));
    shop.tick();
    let long_ago = "UPDATE rule_state SET first_day = date(first_day, '-200 days')";
    assert_eq!(shop.tamper(long_ago).await, 1);
    shop.rule("missed", &format!("enabled = false\n{MISSED}"));
    shop.tick();
    shop.rule("missed", MISSED);
    shop.tick();
    let ledger = shop.ledger();
    let waits = |entry: &crate::shop::Entry| entry.outcome == "planned";
    assert!(ledger.iter().all(waits), "{ledger:?}");
}

/// Half a year of the town up to today, and letters for whoever fell silent in it.
fn town_of_today(rule: &str) -> Shop {
    let today = TimeZone::UTC.to_datetime(now()).date();
    let shop = town(today.checked_sub(jiff::Span::new().days(180)).unwrap(), 180);
    let late = "[send]\nlate = \"60 days\"\n[limits]\nbackfill = \"60 days\"\n";
    shop.rule("missed", &format!("{rule}{late}"));
    shop
}

/// What `explain` says, and who got a letter.
fn told(shop: &Shop) -> (String, Vec<String>) {
    let words = shop.run(&["explain", "c05", "--rule", "missed"]).is(0).out;
    let sent = shop
        .ledger()
        .into_iter()
        .filter(crate::shop::Entry::is_sent);
    let mut sent: Vec<String> = sent.map(|entry| entry.customer).collect();
    sent.sort_unstable();
    (words, sent)
}

/// As it is told where all the records were there at once.
fn told_at_once() -> (String, Vec<String>) {
    let shop = town_of_today(MISSED);
    shop.tick();
    let told = told(&shop);
    assert!(told.0.contains("learnt from 60 customers on"), "{}", told.0);
    assert_eq!(told.1, ["c00", "c01", "c02", "c03"]);
    told
}

fn records(shop: &Shop) -> String {
    std::fs::read_to_string(shop.path("data/customers.csv")).unwrap()
}

#[test]
fn nothing_is_learnt_while_a_source_is_away() {
    let shop = town_of_today(MISSED);
    let people = records(&shop);
    std::fs::remove_file(shop.path("data/customers.csv")).unwrap();
    shop.run(&["tick"]).is(3);
    shop.run(&["tick", "--no-sync"]).is(0);
    let waits = "rules/missed.toml: nobody is missed while a source can't be read";
    shop.run(&["check"]).is(1).says(&[waits]);
    shop.customers(&people);
    shop.tick();
    assert_eq!(told(&shop), told_at_once());
}

#[test]
fn nothing_is_learnt_while_nobody_has_come() {
    let shop = town_of_today(MISSED);
    let people = records(&shop);
    shop.customers("id,email\nnew,new@mail.example\n");
    shop.tick();
    let waits = "rules/missed.toml: nobody is missed while no customer on record has come";
    shop.run(&["check"]).is(0).says(&[waits]);
    shop.customers(&people);
    shop.tick();
    assert_eq!(told(&shop), told_at_once());
}

/// A first file with three customers, and everybody's visits: what was learnt from the three doesn't
/// judge all the others, and who was written to on its word isn't written to again.
#[test]
fn what_was_learnt_from_few_gives_way_once_the_others_are_known() {
    let shop = town_of_today(MISSED);
    let people = records(&shop);
    let few: Vec<&str> = people.split_inclusive('\n').take(4).collect();
    shop.customers(&few.concat());
    shop.tick();
    assert_eq!(told_of(&shop, "c00"), 1, "{:?}", shop.ledger());
    shop.customers(&people);
    shop.tick();
    assert_eq!(told(&shop), told_at_once());
    assert_eq!(told_of(&shop, "c00"), 1, "{:?}", shop.ledger());
}

/// Letters to this customer.
fn told_of(shop: &Shop, customer: &str) -> usize {
    let sent = shop
        .ledger()
        .into_iter()
        .filter(crate::shop::Entry::is_sent);
    sent.filter(|entry| entry.customer == customer).count()
}

#[test]
fn a_shop_with_one_customer_who_came_once_is_judged_by_what_is_usual_anywhere() {
    let shop = Shop::new();
    let today = TimeZone::UTC.to_datetime(now()).date();
    shop.customers("id,email\nann,ann@mail.example\n");
    shop.events(&format!("id,customer_id,kind,at\n1,ann,visit,{today}\n"));
    shop.no_rules();
    shop.rule(
        "missed",
        &MISSED.replace("min_contacts = 3", "min_contacts = 1"),
    );
    shop.tick();
    shop.tick();
    shop.run(&["explain", "ann", "--rule", "missed"])
        .is(0)
        .says(&[
            "too few to say how often they usually come",
            "learnt from 1 customer on",
        ]);
}

/// A clock that was ten years ahead for one pass: what was learnt then counts for nothing.
#[tokio::test]
async fn what_was_learnt_on_a_day_to_come_is_learnt_anew() {
    let shop = town_of_today(MISSED);
    shop.tick();
    let ten_years = "UPDATE learnt SET since = since + 3650, \
        pattern = json_set(pattern, '$.centre', 40.0)";
    assert_eq!(shop.tamper(ten_years).await, 1);
    let waits = "isn't learnt yet";
    let explain = ["explain", "c05", "--rule", "missed"];
    shop.run(&explain).is(0).says(&[waits]);
    shop.tick();
    assert_eq!(told(&shop), told_at_once());
    assert_eq!(
        shop.tamper("UPDATE learnt SET customers = customers").await,
        1
    );
}

/// A clock that was ten years ahead for a rule's first pass: it doesn't wait until then.
#[tokio::test]
async fn a_rule_that_began_on_a_day_to_come_begins_anew() {
    let shop = town_of_today(MISSED);
    shop.tick();
    shop.tamper(
        "DELETE FROM history; DELETE FROM letter; DELETE FROM ledger; DELETE FROM awaited; \
         UPDATE learnt SET since = since + 3650; \
         UPDATE rule_state SET first_day = date(first_day, '+10 years'), \
             planned_through = planned_through + 3650",
    )
    .await;
    // Nothing of it was ever sent.
    std::fs::remove_dir_all(shop.path("var/outbox")).unwrap();
    shop.tick();
    assert_eq!(told(&shop), told_at_once());
}

/// A rehearsal of the coming weeks goes by what the coming passes will go by.
#[tokio::test]
async fn a_rehearsal_from_now_keeps_what_was_learnt() {
    let shop = town_of_today(MISSED);
    shop.tick();
    // Three weeks ago it was something else than would be learnt now.
    let long_ago = "UPDATE learnt SET since = since - 21, \
        pattern = json_set(pattern, '$.centre', json_extract(pattern, '$.centre') * 1.3, \
            '$.weight', 9.0); DELETE FROM rule_state";
    shop.tamper(long_ago).await;
    shop.tick();
    let forecast = [
        "forecast",
        "--days",
        "40",
        "--customer",
        "c05",
        "--format",
        "json",
    ];
    let [coming] = &crate::shop::entries(&shop.run(&forecast).is(0).out)[..] else {
        panic!("one letter lies ahead");
    };
    let day = |ahead: i64| {
        let today = TimeZone::UTC.to_datetime(now()).date();
        let day = today.checked_add(jiff::Span::new().days(ahead)).unwrap();
        format!("{day}T00:00[Europe/London]")
    };
    let rehearsed = shop.rehearse(&day(1), &day(40)).entries;
    let of_them = rehearsed.iter().find(|entry| entry.customer == "c05");
    assert_eq!(of_them.map(|entry| &entry.due_at), Some(&coming.due_at));
}
