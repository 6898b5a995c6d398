//! What lies ahead, as the owner asks for it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::{ToSpan as _, ZonedDateTime};

use crate::shop::{Shop, entries, now};

/// Today at the business, whose zone is that of the shipped settings.
fn today() -> jiff::civil::Date {
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    zone.to_datetime(now()).date()
}

/// A day from today on as `MM-DD` of 1984.
fn birthday(days: i64) -> String {
    today()
        .checked_add(days.days())
        .unwrap()
        .strftime("1984-%m-%d")
        .to_string()
}

fn birthdays() -> Shop {
    let shop = Shop::new();
    let mut people = String::from("id,email,first_name,last_name,birthday,consent\n");
    for n in 1..=6 {
        let day = birthday(5);
        writeln!(people, "{n},p{n}@mail.example,Ann,Mill{n},{day},").unwrap();
    }
    writeln!(people, "7,,Dan,,{},", birthday(6)).unwrap();
    writeln!(people, "8,p8@mail.example,,,{},no", birthday(6)).unwrap();
    writeln!(people, "9,p9@mail.example,Far,,{},", birthday(90)).unwrap();
    shop.customers(&people);
    shop
}

#[test]
fn it_is_a_calendar_that_a_person_can_read() {
    let shop = birthdays();
    let told = shop.run(&["forecast", "--days", "10"]).is(0);
    let day = today().checked_add(5.days()).unwrap();
    told.says(&[
        &day.strftime("%A, %-d %B %Y").to_string(),
        "Birthday greeting (birthday)\n    6 go out: Ann Mill1 (1), Ann Mill2 (2), Ann Mill3 (3), \
         Ann Mill4 (4), and 2 more\n",
        "1 not sent (There is no e-mail address on record): Dan (7)\n",
        "1 not sent (They haven't consented to marketing): 8\n",
        "In all: 6 to go out, 2 not sent\n",
    ]);
    shop.run(&["forecast", "--days", "1"])
        .is(0)
        .says(&["Nothing comes due in the next 1 day."]);
}

#[test]
fn it_changes_nothing_and_says_the_same_again() {
    let shop = birthdays();
    shop.tick();
    let ask = || {
        shop.run(&["forecast", "--format", "json", "--days", "100"])
            .is(0)
    };
    let told = entries(&ask().out);
    assert_eq!(told.len(), 9, "{told:#?}");
    let sent = told.iter().filter(|entry| entry.is_sent());
    assert_eq!(sent.count(), 7);
    let key = |entry: &crate::shop::Entry| {
        entry.line(&["rule", "customer", "due_at", "outcome", "reason", "sent_at"])
    };
    let again: Vec<String> = entries(&ask().out).iter().map(key).collect();
    assert_eq!(told.iter().map(key).collect::<Vec<_>>(), again);
    assert!(shop.ledger().is_empty());
    assert!(shop.outbox().is_empty());
    let left: Vec<String> = std::fs::read_dir(shop.path("var"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("forecast"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_rule_or_a_customer_can_be_picked_and_has_to_exist() {
    let shop = birthdays();
    let picked = |args: &[&str]| {
        let ran = shop
            .fondly(&["forecast", "--format", "json", "--days", "100"])
            .args(args)
            .output()
            .unwrap();
        let entries = entries(&String::from_utf8(ran.stdout).unwrap());
        entries
            .into_iter()
            .map(|entry| entry.customer)
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(
        picked(&["--customer", "9"]),
        BTreeSet::from(["9".to_owned()])
    );
    assert!(picked(&["--rule", "miss-you"]).is_empty());
    shop.run(&["forecast", "--rule", "birthdy"])
        .is(1)
        .says(&["no rule `birthdy`", "birthday"]);
    shop.run(&["forecast", "--customer", "nobody"])
        .is(1)
        .says(&["no customer `nobody`", "fondly sync"]);
    shop.run(&["forecast", "--days", "0"]).is(2);
}

/// A rehearsal forgets the ledger from its first moment on; a forecast starts from it.
#[test]
fn it_starts_from_the_books_as_they_are() {
    let shop = Shop::new();
    shop.settings("[sending]\nquiet_hours = \"none\"\ncaps = { any = \"1 per 20 days\" }");
    shop.no_rules();
    shop.rule(
        "bought",
        "title = \"Thanks\"\ntemplate = \"thank-you\"\nclass = \"service\"\n\
         audience = \"customer\"\n[trigger.event]\nevent = \"purchase\"\nafter = \"0 minutes\"\n\
         [send]\nlate = \"30 days\"\n[limits]\nbackfill = \"2 days\"\n",
    );
    shop.customers("id,email\nann,ann@mail.example\nbob,bob@mail.example\n");
    let at = now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    shop.events(&format!("id,customer_id,kind,at\n1,ann,purchase,{at}\n"));
    shop.tick();
    assert_eq!(shop.outbox().len(), 1);
    // A second one, for which the cap has to wait, and one of somebody else's.
    shop.events(&format!(
        "id,customer_id,kind,at\n1,ann,purchase,{at}\n2,ann,purchase,{at}\n3,bob,purchase,{at}\n"
    ));
    let told = |args: &[&str]| {
        let ran = shop
            .fondly(&["forecast", "--format", "json"])
            .args(args)
            .output();
        entries(&String::from_utf8(ran.unwrap().stdout).unwrap())
    };
    let all = told(&["--days", "40"]);
    let lines: Vec<String> = all
        .iter()
        .map(|entry| entry.line(&["customer", "occasion", "outcome"]))
        .collect();
    assert_eq!(lines, ["ann 2 sent", "bob 3 sent"]);
    let later: ZonedDateTime = now()
        .to_zoned_datetime(jiff::tz::TimeZone::UTC)
        .checked_add(19.days())
        .unwrap();
    let sent_at: jiff::Timestamp = all[0].sent_at.as_ref().unwrap().parse().unwrap();
    assert!(sent_at > later.timestamp(), "{:#?}", all[0]);

    // What waits at the end is told as waiting, with its reason and its moment; so is what is
    // paused.
    let short = told(&["--days", "5", "--customer", "ann"]);
    assert_eq!(short[0].line(&["outcome", "reason"]), "deferred capped");
    assert!(short[0].next_attempt_at.is_some());
    shop.run(&["forecast", "--days", "5"]).is(0).says(&[
        "1 waiting until ",
        "They had as many messages as the frequency caps allow",
        "1 goes out: bob",
    ]);
}

/// Nobody has decided yet, and nobody knows whether they will; that isn't "too late".
#[test]
fn what_will_wait_for_a_person_is_told_as_held_on_its_day() {
    let shop = Shop::new();
    shop.no_rules();
    let day = today().checked_add(5.days()).unwrap();
    shop.rule(
        "feast",
        &format!(
            "title = \"Feast\"\ntemplate = \"birthday\"\nclass = \"relationship\"\n\
             audience = \"customer\"\n[trigger.fixed]\non = [\"{day}\"]\n\
             [limits]\napprove = \"first 20\"\n"
        ),
    );
    shop.customers("id,email\nann,ann@mail.example\nbob,bob@mail.example\n");
    let told = shop.run(&["forecast"]).is(0);
    told.says(&[
        &day.strftime("%A, %-d %B %Y\n").to_string(),
        "2 held for you (The rule's first letters wait until you approve them): ann, bob\n",
        "In all: 2 held for you\n",
        &format!(
            "What is held goes out once you approve it, and not at all if you don't in time: \
             `fondly approve feast --on {day}` does it ahead.\n"
        ),
    ]);
    let all = entries(&shop.run(&["forecast", "--format", "json"]).is(0).out);
    let held = all.iter().find(|entry| entry.customer == "ann").unwrap();
    assert_eq!(held.line(&["outcome", "reason"]), "held awaits-approval");
    let until: jiff::Timestamp = held.next_attempt_at.as_ref().unwrap().parse().unwrap();
    assert!(until > held.due_at.parse().unwrap(), "{held:#?}");
    // Once it is decided ahead, they go out.
    shop.run(&["approve", "feast", "--on", &day.to_string()])
        .is(0);
    let told = shop.run(&["forecast"]).is(0);
    told.says(&["2 go out: ann, bob\n", "In all: 2 to go out\n"]);
}

#[test]
fn letters_that_were_written_stay_though_the_days_ahead_would_let_them_go() {
    let shop = birthdays();
    shop.no_rules();
    shop.rule(
        "thanks",
        "title = \"Thanks\"\ntemplate = \"thank-you\"\nclass = \"service\"\n\
         audience = \"customer\"\n[trigger.event]\nevent = \"purchase\"\nafter = \"0 minutes\"\n\
         [limits]\nbackfill = \"2 days\"\n",
    );
    shop.settings("[sending]\nquiet_hours = \"none\"\n[retention]\ncopies = \"10 days\"\n");
    let at = now().strftime("%Y-%m-%dT%H:%M:%SZ");
    shop.events(&format!("id,customer_id,kind,at\n1,1,purchase,{at}\n"));
    shop.tick();
    let letters = shop.outbox();
    assert_eq!(letters.len(), 1);
    shop.run(&["forecast", "--days", "60"]).is(0);
    assert_eq!(shop.outbox(), letters);
}
