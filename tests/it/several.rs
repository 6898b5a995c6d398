//! One customer in several sources, and in files that change their columns: what a record doesn't speak
//! of stays, and nobody's "no" is lost.

use crate::shop::{Shop, now};

const SOURCES: &str = "[sending]\nquiet_hours = \"none\"\n\
    [[source]]\nname = \"till\"\nkind = \"csv\"\npath = \"../data/till.csv\"\nfeeds = \"customers\"\n\
    [[source]]\nname = \"list\"\nkind = \"csv\"\npath = \"../data/list.csv\"\nfeeds = \"customers\"\n";
const BIRTHDAY: &str = "title = \"Birthday\"\ntemplate = \"birthday\"\nclass = \"marketing\"\n\
    audience = \"customer\"\n[trigger.anniversary]\nfield = \"birthday\"\n[send]\nat = \"00:00\"\n";

fn shop(till: &str, list: &str) -> Shop {
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("birthday", BIRTHDAY);
    shop.settings(SOURCES);
    shop.write("data/till.csv", till);
    shop.write("data/list.csv", list);
    shop
}

/// Born today, where the shop is.
fn today() -> String {
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    zone.to_datetime(now())
        .date()
        .strftime("1990-%m-%d")
        .to_string()
}

fn became(shop: &Shop) -> Vec<String> {
    let entries = shop.ledger_so_far();
    let lines = entries.iter();
    lines
        .map(|entry| entry.line(&["customer", "outcome", "reason"]))
        .collect()
}

#[test]
fn a_source_without_the_column_takes_no_unsubscription_back() {
    let today = today();
    let shop = shop(
        "id,email,unsubscribed,consent\nann,ann@mail.example,yes,unknown\nbob,bob@mail.example,no,no\n",
        &format!("id,first_name,birthday\nann,Ann,{today}\nbob,Bob,{today}\n"),
    );
    shop.run(&["check"]).is(0);
    shop.run(&["tick"]).is(0);
    let wanted = ["ann skipped suppressed", "bob skipped no-consent"];
    assert_eq!(became(&shop), wanted);
    assert!(shop.outbox().is_empty());
}

#[test]
fn a_file_that_loses_the_column_or_the_cell_takes_none_back_either() {
    let today = today();
    let shop = shop(
        "id,unsubscribed\nann,yes\nbob,yes\ncat,yes\n",
        &format!(
            "id,email,birthday\nann,ann@mail.example,{today}\nbob,bob@mail.example,{today}\n\
             cat,cat@mail.example,{today}\n"
        ),
    );
    shop.run(&["sync"]).is(0);
    // Bob's cell is emptied, and Cat says herself that she wants letters again.
    shop.write("data/till.csv", "id,unsubscribed\nann,yes\nbob,\ncat,no\n");
    shop.run(&["sync"]).is(0);
    // Then the whole column is gone.
    shop.write("data/till.csv", "id,last_name\nann,Lee\nbob,Lee\ncat,Lee\n");
    shop.run(&["tick"]).is(0);
    let wanted = [
        "ann skipped suppressed",
        "bob skipped suppressed",
        "cat sent accepted",
    ];
    assert_eq!(became(&shop), wanted);
}

/// An id is unique in its source only.
#[test]
fn events_of_two_sources_with_one_id_are_an_occasion_each() {
    let shop = Shop::new();
    shop.no_rules();
    shop.rule(
        "thanks",
        "title = \"Thanks\"\ntemplate = \"thank-you\"\nclass = \"service\"\n\
         audience = \"customer\"\n[trigger.event]\nevent = \"purchase\"\nafter = \"1 day\"\n",
    );
    shop.settings(
        "[sending]\nquiet_hours = \"none\"\ncaps = {}\n\
         [[source]]\nname = \"customers\"\nkind = \"csv\"\npath = \"../data/customers.csv\"\n\
         feeds = \"customers\"\n\
         [[source]]\nname = \"shop\"\nkind = \"csv\"\npath = \"../data/shop.csv\"\nfeeds = \"events\"\n\
         [[source]]\nname = \"cash\"\nkind = \"csv\"\npath = \"../data/cash.csv\"\nfeeds = \"events\"\n",
    );
    shop.customers("id,email\nann,ann@mail.example\n");
    shop.write(
        "data/shop.csv",
        "id,customer_id,kind,at\n1,ann,purchase,2027-03-01\n",
    );
    shop.write(
        "data/cash.csv",
        "id,customer_id,kind,at\n1,ann,purchase,2027-03-10\n",
    );
    let rehearsed = shop.rehearse(
        "2027-02-27T00:00[Europe/London]",
        "2027-04-01T00:00[Europe/London]",
    );
    let lines: Vec<String> = rehearsed
        .entries
        .iter()
        .map(|entry| entry.line(&["occasion", "outcome"]))
        .collect();
    assert_eq!(lines, ["1 sent", "1@cash sent"]);
}

#[test]
fn each_source_speaks_for_its_own_columns() {
    let shop = shop(
        "id,email,attr.flower\nann,ann@mail.example,rose\n",
        "id,first_name,attr.cake\nann,Ann,plum\n",
    );
    shop.run(&["sync"]).is(0);
    shop.write(
        "data/till.csv",
        "id,email,attr.flower\nann,ann@new.example,\n",
    );
    shop.run(&["sync"]).is(0);
    let told = shop.run(&["export", "ann"]).is(0).out;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let ann = &told["customers"][0];
    assert_eq!(ann["email"], "ann@new.example");
    assert_eq!(ann["first_name"], "Ann");
    assert_eq!(ann["attr"], serde_json::json!({"cake": "plum"}));
    // The same again changes nothing.
    let again = shop.run(&["sync"]).is(0);
    assert!(!again.out.contains("1 changed"), "{}", again.out);
}

/// The till exports every day; what it says of Ann is older than what the shop said.
#[test]
fn a_till_that_exports_again_takes_no_newer_word_of_the_shop_back() {
    let today = today();
    let shop = shop(
        &format!("id,email,unsubscribed,birthday\nann,ann@old.example,no,{today}\n"),
        "id,email,unsubscribed\nann,ann@new.example,no\n",
    );
    shop.run(&["sync"]).is(0);
    shop.write(
        "data/list.csv",
        "id,email,unsubscribed\nann,ann@new.example,yes\n",
    );
    shop.run(&["sync"]).is(0);
    shop.write(
        "data/till.csv",
        format!(
            "id,email,unsubscribed,birthday\nann,ann@old.example,no,{today}\n\
             bob,bob@mail.example,no,{today}\n"
        ),
    );
    shop.run(&["tick"]).is(0);
    let wanted = ["ann skipped suppressed", "bob sent accepted"];
    assert_eq!(became(&shop), wanted);
    let told = shop.run(&["export", "ann"]).is(0).out;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["customers"][0]["email"], "ann@new.example");
    assert_eq!(told["customers"][0]["source"], "till");
    let also = serde_json::json!(["list"]);
    assert_eq!(told["customers"][0]["also_told_by"], also);
}

#[test]
fn an_unsubscription_can_be_taken_back_after_an_empty_cell() {
    let today = today();
    let list = |word: &str| format!("id,email,unsubscribed\nann,ann@mail.example,{word}\n");
    let shop = shop(&format!("id,birthday\nann,{today}\n"), &list("no"));
    for word in ["no", "yes", "", "no"] {
        shop.write("data/list.csv", list(word));
        shop.run(&["sync"]).is(0);
    }
    shop.run(&["tick"]).is(0);
    assert_eq!(became(&shop), ["ann sent accepted"]);
}

#[test]
fn a_record_that_cant_be_used_says_stop_all_the_same() {
    let today = today();
    let born =
        format!("id,first_name,birthday\nann,Ann,{today}\nbob,Bob,{today}\ncat,Cat,{today}\n");
    let good = "id,email,unsubscribed,consent,joined_on\nann,ann@mail.example,no,unknown,2020-01-02\n\
                bob,bob@mail.example,no,unknown,2020-01-02\ncat,cat@mail.example,no,unknown,2020-01-02\n";
    let shop = shop(good, "id\n");
    shop.run(&["sync"]).is(0);
    let bad = "id,email,unsubscribed,consent,joined_on\nann,ann@mail.example,yes,unknown,soon\n\
               bob,bob at mail,no,no,2020-01-02\ncat,cat at mail,no,unknown,2020-01-02\n\
               new,x,yes,no,soon\n";
    shop.write("data/till.csv", bad);
    shop.write("data/list.csv", born);
    shop.run(&["tick"]).is(3).says(&["4 records can't be used"]);
    let wanted = [
        "ann skipped suppressed",
        "bob skipped no-consent",
        "cat sent accepted",
    ];
    assert_eq!(became(&shop), wanted);
    // The word of before is a new one then.
    shop.write("data/till.csv", good);
    shop.run(&["sync"]).is(0);
    let ann = shop.run(&["export", "ann"]).is(0).out;
    assert!(ann.contains("\"unsubscribed\":false"), "{ann}");
    let bob = shop.run(&["export", "bob"]).is(0).out;
    assert!(bob.contains("\"consent\":\"no\""), "{bob}");
    shop.run(&["export", "new"]).is(1);
}
