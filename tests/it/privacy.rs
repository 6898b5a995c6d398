//! A customer asks what is kept of them, and to be forgotten: nothing is left out of the answer, and
//! no byte of them stays in the store's files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use sqlx::Connection as _;

use crate::daemon::Daemon;
use crate::relay::{Act, At, Relay, Script};
use crate::shop::{Shop, now, until};

/// Tables of which some rows are about a customer. Each is told of by `export` and emptied by
/// `forget`.
const ABOUT_SOMEBODY: &[&str] = &[
    "also_told",
    "awaited",
    "customer",
    "customer_date",
    "event",
    "history",
    "judged",
    "ledger",
    "letter",
    "meta",
    "past_events",
    "preference",
    "quarantine",
    "relay",
    "suppression",
    "touched",
    "trouble",
];

/// Tables that know nobody, and why.
const ABOUT_NOBODY: &[(&str, &str)] = &[
    ("_sqlx_migrations", "steps of the schema"),
    ("api_token", "programs, and hashes of their tokens"),
    ("link_key", "keys that sign links"),
    ("approval", "rules and days"),
    ("audit", "who decided about which rule or entry"),
    ("console_session", "hashes of tokens, and names of users"),
    ("console_user", "the business's own people"),
    ("arrived", "ranges of numbers"),
    (
        "digest",
        "weeks, and hashes of the owners' addresses; copies go with whoever is forgotten",
    ),
    (
        "erasing",
        "empty once the copies are out of the outbox folder",
    ),
    ("forgotten", "keyed hashes"),
    ("learnt", "sums over all customers"),
    ("paused", "rules"),
    ("presence", "who works with the store"),
    ("rule_state", "rules"),
    ("source_file", "names of files"),
    ("unfinished", "names of files"),
];

/// Every text of the customer begins with this, and nothing else does.
const MARK: &str = "zq";
/// … and is at least so long: keys are drawn by chance, and may hold two or three such letters.
const SHORTEST: usize = 4;

const SETTINGS: &str = "[sending]\nquiet_hours = \"none\"\ncaps = {}\n\
    [guard]\nmax_per_rule_per_day = 1000\nmax_share = \"100%\"\n\
    [business]\nunsubscribe_mailto = \"out@thorn.example\"\n";

const THANKS: &str = "title = \"Thanks\"\ntemplate = \"thank-you\"\nclass = \"relationship\"\n\
    audience = \"customer\"\n[trigger.event]\nevent = \"visit\"\nafter = \"0 minutes\"\n\
    [send]\nzone = \"business\"\n[limits]\nbackfill = \"3 days\"\n";

const MISSED: &str = "title = \"Missed\"\ntemplate = \"we-miss-you\"\nclass = \"relationship\"\n\
    audience = \"customer\"\n[trigger.lapsed]\ncontact = [\"visit\"]\nafter = \"2 cadences\"\n\
    otherwise = \"90 days\"\nrepeat = \"90 days\"\n";

const CUSTOMERS: &str = "id,email,first_name,last_name,salutation,language,timezone,birthday,\
    joined_on,staff_email,staff_name,tags,consent,attr.note\n";

/// A name that stands differently in a letter's body, in its headers and in capitals.
const LAST_NAME: &str = "Zqlästig";

fn person(id: &str) -> String {
    format!(
        "{id},Zqmail@Zqhost.example,Zqfirst,{LAST_NAME},Zqsalutation,en,Europe/London,1987-04-23,\
         2019-03-01,zqstaff@thorn.example,Zqstaffname,zqtag,yes,Zqnote\n"
    )
}

fn day(ago: i32) -> jiff::civil::Date {
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    let today = zone.to_datetime(now()).date();
    today.checked_sub(jiff::ToSpan::days(ago)).unwrap()
}

/// A shop that knows `zqid` and Bob, and has just thanked both.
fn shop() -> Shop {
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("thanks", THANKS);
    shop.rule("missed", MISSED);
    shop.settings(SETTINGS);
    shop.customers(&format!(
        "{CUSTOMERS}{}bob,bob@mail.example,Bob,,,,,,,,,,,\n",
        person("zqid")
    ));
    shop.events(&events(""));
    shop.tick().says(&["Thanks: 2 sent"]);
    shop
}

fn events(more: &str) -> String {
    format!(
        "id,customer_id,kind,at,attr.note\n\
         zqvisit1,zqid,visit,{},Zqwine\nzqvisit2,zqid,visit,{},\nzqvisit3,zqid,visit,{},\n\
         v4,bob,visit,{},\n{more}",
        day(60),
        day(30),
        day(0),
        day(0)
    )
}

/// Puts something of the customer wherever the store can hold it.
async fn everywhere(shop: &Shop) {
    shop.run(&["suppress", "add", "zqmail@zqhost.example"])
        .is(0);
    // Bob got an event of theirs, and two records of theirs can't be used.
    let more = |who| {
        format!(
            "m1,{who},call,{},\nzqbad,zqid,visit,31.02.2027,Zqodd\n",
            day(5)
        )
    };
    shop.events(&events(&more("zqid")));
    shop.run(&["tick"]).is(3);
    shop.events(&events(&more("bob")));
    shop.customers(&format!(
        "{CUSTOMERS}{}bob,bob@mail.example,Bob,,,,,,,,,,,\n\
         zqid2,Zqmail@Zqhost.example,Zqtwin,,,,,nonsense,,,,,,\n",
        person("zqid").replace("Zqnote", "Zqnews")
    ));
    shop.run(&["sync"]).is(3);
    // A line break before an address hides nothing.
    shop.tamper(
        "INSERT INTO also_told SELECT number, 'zqsource', x'00' FROM customer WHERE id = 'zqid';
         INSERT INTO meta VALUES ('keeping_events', '{\"done_on\":null,\"customer\":\"zqid\",\"entry\":null,\"before\":null}')
             ON CONFLICT (key) DO UPDATE SET value = excluded.value;
         INSERT INTO past_events VALUES ('zqid', 'zqkind', 3, 0, 0, 9000);
         INSERT INTO preference VALUES ('zqid', 'zqlanguage', 1, NULL, 21000, 423, '1987-04-23', 1);
         INSERT INTO trouble (kind, name, facts, since) VALUES ('complaint', 'zqid',
             '{\"about\":\"complaint\",\"customer\":\"zqid\",\"who\":\"Zqname\",\"face\":1,\"faces\":5,\"at\":\"2026-01-01T00:00:00Z\",\"rule\":\"x\",\"text\":\"zqcomplains\"}', 1);
         INSERT INTO trouble (kind, name, facts, since) VALUES ('edit', '',
             '{\"about\":\"edit\",\"findings\":\"550\\nZqmail@zqhost.example unknown\"}', 1);
         INSERT INTO judged VALUES ('customers', 0, 1, NULL, 'x', 2, 2, 'it looks odd', json_array('zqid'));
         INSERT INTO relay VALUES ('smtp:x:25', 'p', 'works', 1, 1, NULL, 'no zqmail@zqhost.example');
         UPDATE history SET reply = '250 zqmail@zqhost.example taken' WHERE reply LIKE '%zqid%'",
    )
    .await;
}

/// Every word of theirs that the store's tables hold, with the table.
async fn held(shop: &Shop) -> BTreeSet<(String, String)> {
    let mut store = shop.store().await;
    let mut held = BTreeSet::new();
    for (table, column) in columns(&mut store).await {
        let text = format!("SELECT CAST(\"{column}\" AS BLOB) FROM \"{table}\"");
        let values: Vec<Option<Vec<u8>>> = sqlx::query_scalar(sqlx::AssertSqlSafe(text))
            .fetch_all(&mut store)
            .await
            .unwrap();
        for value in values.into_iter().flatten() {
            let value = String::from_utf8_lossy(&value).to_lowercase();
            let words = value.split(|c: char| !c.is_alphanumeric());
            let theirs = words.filter(|word| word.starts_with(MARK) && word.len() >= SHORTEST);
            held.extend(theirs.map(|word| (table.clone(), word.to_owned())));
        }
    }
    store.close().await.unwrap();
    held
}

async fn columns(store: &mut sqlx::SqliteConnection) -> Vec<(String, String)> {
    sqlx::query_as(
        "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c \
         WHERE t.type = 'table' ORDER BY t.name, c.cid",
    )
    .fetch_all(store)
    .await
    .unwrap()
}

fn tables(held: &BTreeSet<(String, String)>) -> Vec<&str> {
    let tables: BTreeSet<&str> = held.iter().map(|(table, _)| table.as_str()).collect();
    tables.into_iter().collect()
}

/// Every file below the shop's `var`.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The ways in which a text may stand in a file: as it is, in small letters and in capitals, as a
/// letter's body has it, and within base64, wherever it begins there.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let quoted: String = text
        .bytes()
        .map(|byte| match byte {
            b if b.is_ascii() => char::from(b).to_string(),
            b => format!("={b:02X}"),
        })
        .collect();
    let mut forms: Vec<Vec<u8>> = [text, &text.to_lowercase(), &text.to_uppercase(), &quoted]
        .map(|form| form.as_bytes().to_vec())
        .to_vec();
    for before in 0..3 {
        let mut padded = vec![0; before];
        padded.extend(text.as_bytes());
        let coded = base64(&padded);
        // What depends on its neighbours is left away.
        let from = if before == 0 { 0 } else { 4 };
        let until = coded.len() - coded.len() % 4 - 4;
        forms.push(coded[from..until].to_vec());
    }
    forms
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut coded = Vec::new();
    for three in bytes.chunks(3) {
        let number = three
            .iter()
            .chain([0, 0].iter())
            .take(3)
            .fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
        coded.extend([18, 12, 6, 0].map(|shift| DIGITS[number >> shift & 63]));
    }
    coded
}

/// Where in the shop's files the customer stands, in whatever form.
fn traces(shop: &Shop) -> Vec<String> {
    let mut found = Vec::new();
    files(&shop.path("var"), &mut found);
    let texts = [
        "zqmail@zqhost.example",
        "Zqmail@Zqhost.example",
        "Zqfirst",
        LAST_NAME,
        "Zqvisit",
    ];
    let forms: Vec<Vec<u8>> = texts.into_iter().flat_map(forms).collect();
    let mut traces = Vec::new();
    for path in found {
        // The log goes with the last who has the database open.
        let Ok(bytes) = fs::read(&path) else { continue };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for form in &forms {
            if bytes.windows(form.len()).any(|part| part == &form[..]) {
                traces.push(format!("{name}: {}", String::from_utf8_lossy(form)));
            }
        }
        if name.to_lowercase().contains(MARK) {
            traces.push(name);
        }
    }
    traces.sort();
    traces.dedup();
    traces
}

fn export(shop: &Shop, args: &[&str]) -> Value {
    let mut all = vec!["export"];
    all.extend(args);
    serde_json::from_str(&shop.run(&all).is(0).out).unwrap()
}

/// What is held of them before, in just the tables that are said to.
async fn every_table_is_on_a_list(shop: &Shop) -> BTreeSet<(String, String)> {
    let mut known: Vec<&str> = ABOUT_NOBODY.iter().map(|(table, _)| *table).collect();
    known.extend(ABOUT_SOMEBODY);
    known.sort_unstable();
    let columns = columns(&mut shop.store().await).await;
    let all: BTreeSet<&str> = columns.iter().map(|(table, _)| table.as_str()).collect();
    assert_eq!(known, all.into_iter().collect::<Vec<_>>());
    let before = held(shop).await;
    let mut by_number = vec!["customer_date", "history", "letter", "touched"];
    by_number.extend(tables(&before));
    by_number.sort_unstable();
    by_number.dedup();
    assert_eq!(by_number, ABOUT_SOMEBODY);
    before
}

/// How many rows go by the number of a customer who isn't there.
async fn of_nobody(shop: &Shop) -> i64 {
    sqlx::query_scalar(
        "SELECT COUNT(*) FROM (SELECT customer FROM customer_date \
         UNION ALL SELECT customer FROM also_told \
         UNION ALL SELECT customer FROM touched) AS by_number \
         WHERE customer NOT IN (SELECT number FROM customer)",
    )
    .fetch_one(&mut shop.store().await)
    .await
    .unwrap()
}

fn tells_everything(shop: &Shop, before: &BTreeSet<(String, String)>) {
    let text = shop.run(&["export", "zqid"]).is(0).out.to_lowercase();
    for (table, word) in before {
        // Of the twin, whom only a record in quarantine names, only that is theirs.
        assert!(text.contains(word.as_str()), "{table}: {word} in {text}");
    }
    let document = export(shop, &["zqid"]);
    assert_eq!(document["form"], "fondly-export-1");
    assert_eq!(document["asked_for"]["customer"], "zqid");
    let customer = &document["customers"][0];
    assert_eq!(customer["last_name"], LAST_NAME);
    assert_eq!(customer["preferences"]["consent"], "yes");
    assert_eq!(customer["anniversaries"][0]["field"], "birthday");
    let count = |section: &str| document[section].as_array().unwrap().len();
    assert_eq!(count("events"), 3);
    assert_eq!(count("quarantine"), 2);
    assert_eq!(count("words"), 4);
    assert_eq!(document["planning"][0]["to_be_looked_at"], true);
    assert_eq!(document["planning"][0]["awaited"][0]["rule"], "missed");
    assert_eq!(document["suppression"][0]["reason"], "settled-by-hand");
    let mut letters = document["ledger"].as_array().unwrap().iter();
    let sent = letters.find(|entry| entry["outcome"] == "sent").unwrap();
    assert!(
        sent["message"].as_str().unwrap().contains("Zqfirst"),
        "{sent}"
    );
    assert_eq!(sent["history"][0]["outcome"], "planned");
    // By address it is the same person.
    let mut same = export(shop, &["--address", "ZQMAIL@zqhost.example"]);
    same["asked_for"] = document["asked_for"].clone();
    same["exported_at"] = document["exported_at"].clone();
    assert_eq!(same, document);
}

/// A new table has to be put into one of the two lists, and who puts it into the first will see
/// whether export and forget know of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_kept_of_a_customer_is_exported_and_then_erased() {
    let shop = shop();
    everywhere(&shop).await;
    let before = every_table_is_on_a_list(&shop).await;
    tells_everything(&shop, &before);
    let bob = export(&shop, &["bob"]);
    shop.run(&["forget", "zqid"]).is(0).says(&[
        "is forgotten",
        "1 record,",
        "1 copy in the outbox folder",
        "Out of fondly's reach",
    ]);
    assert_eq!(held(&shop).await, BTreeSet::new());
    assert_eq!(of_nobody(&shop).await, 0);
    assert_eq!(traces(&shop), Vec::<String>::new());
    let ledger = shop.ledger_so_far();
    let theirs = ledger
        .iter()
        .filter(|entry| entry.customer.starts_with("forgotten:"));
    let outcomes: Vec<&str> = theirs.map(|entry| entry.outcome.as_str()).collect();
    assert!(outcomes.contains(&"sent"), "{ledger:#?}");
    // Whose an event was doesn't concern Bob any more; all else of him is as it was.
    let mut bob_before = bob;
    for event in bob_before["events"].as_array_mut().unwrap() {
        event["moved_from"] = Value::Null;
    }
    let mut bob = export(&shop, &["bob"]);
    bob["exported_at"] = bob_before["exported_at"].clone();
    assert_eq!(bob, bob_before);

    shop.run(&["explain", "zqid"])
        .is(1)
        .says(&["zqid was forgotten on"]);
    // What is kept of them is told them, too.
    let left = export(&shop, &["zqid"]);
    assert_eq!(left["suppression"][0]["reason"], "erased");
    for section in ["customers", "events", "ledger", "quarantine", "words"] {
        assert_eq!(left[section].as_array().unwrap().len(), 0, "{section}");
    }
    shop.run(&["forget", "zqid"])
        .is(0)
        .says(&["forgotten before"]);
    shop.run(&["forget", "zqnobody"])
        .is(1)
        .says(&["there is no customer `zqnobody`"]);
    shop.run(&["forget"]).is(2);
    shop.run(&["forget", "--address", "nonsense"])
        .is(2)
        .says(&["no mail address"]);
}

/// Letters went to an address that its customer has no more: it may be somebody else's who asks.
#[test]
fn letters_to_an_address_that_was_left_are_told_of_and_erased() {
    let shop = shop();
    let moved = person("zqid").replace("Zqmail@Zqhost.example", "ann@new.example");
    shop.customers(&format!(
        "{CUSTOMERS}{moved}bob,bob@mail.example,Bob,,,,,,,,,,,\n"
    ));
    shop.run(&["sync"]).is(0);
    let old = "zqmail@ZQHOST.example";
    let told = export(&shop, &["--address", old]);
    assert_eq!(told["customers"].as_array().unwrap().len(), 0);
    let letters = told["ledger"].as_array().unwrap();
    assert_eq!(letters.len(), 1, "{told:#}");
    assert_eq!(letters[0]["customer"], "zqid");
    let message = letters[0]["message"].as_str().unwrap();
    assert!(message.contains("zqhost.example") || message.contains("Zqhost.example"));
    shop.run(&["forget", "--address", old]).is(0).says(&[
        "1 letter of somebody who has another address now",
        "1 copy in the outbox folder",
        "for: zqid, who have another one on record",
        "fondly forget",
    ]);
    let told = export(&shop, &["--address", old]);
    assert_eq!(told["ledger"].as_array().unwrap().len(), 0, "{told:#}");
    assert_eq!(told["suppression"][0]["reason"], "erased");
    let traces = traces(&shop);
    let of_address = traces
        .iter()
        .filter(|one| one.to_lowercase().contains("zqmail"));
    assert_eq!(of_address.count(), 0, "{traces:?}");
    // The customer is who they were, and so is what was sent to Bob.
    let told = export(&shop, &["zqid"]);
    assert_eq!(told["customers"][0]["email"], "ann@new.example");
    assert_eq!(told["ledger"][0]["outcome"], "sent");
    assert_eq!(told["ledger"][0]["recipient"], Value::Null);
    let bob = export(&shop, &["bob"]);
    assert_eq!(bob["ledger"][0]["recipient"], "bob@mail.example");
}

/// Where ids are small numbers, somebody's quantity may be another one's id.
#[test]
fn other_peoples_bad_records_stay_when_somebody_is_forgotten() {
    let shop = Shop::new();
    shop.no_rules();
    shop.settings(SETTINGS);
    shop.customers("id,email\n1,ann@mail.example\n2,bob@mail.example\n");
    let events = |more: &str| {
        let head = "id,customer_id,kind,at,quantity\n";
        shop.events(&format!(
            "{head}v1,2,visit,soon,1\n1,2,visit,never,3\nv3,1,visit,soon,2\n{more}"
        ));
    };
    events("");
    shop.run(&["sync"]).is(3);
    let of_bob = |shop: &Shop| {
        let listed = shop.run(&["quarantine", "--format", "json"]).is(3).out;
        let records = listed.lines().map(|line| {
            let one: Value = serde_json::from_str(line).unwrap();
            one["record"].as_str().unwrap().to_owned()
        });
        records.collect::<Vec<_>>()
    };
    assert_eq!(of_bob(&shop).len(), 3);
    shop.run(&["forget", "1"]).is(0);
    let left = ["v1,2,visit,soon,1", "1,2,visit,never,3"];
    assert_eq!(of_bob(&shop), left);
    // The next reading finds the same, and says nothing of who was forgotten.
    events("v4,2,visit,2026-01-02,1\n");
    shop.run(&["sync"]).is(3).says(&["2 refused"]);
    assert_eq!(of_bob(&shop), left);
}

/// The files still have them: under their id, under another one, with an event, and with a record that
/// can't be used.
#[test]
fn who_was_forgotten_does_not_come_back_with_the_next_file() {
    let shop = shop();
    assert!(!traces(&shop).is_empty());
    shop.run(&["forget", "zqid"]).is(0);
    let twin = person("zqtwin");
    let broken = person("zqbroken").replace("1987-04-23", "nonsense");
    shop.customers(&format!(
        "{CUSTOMERS}{}{twin}{broken}bob,bob@mail.example,Bobby,,,,,,,,,,,\n",
        person("zqid")
    ));
    shop.events(&events(&format!(
        "zqvisit5,zqid,visit,{},\nzqvisit6,zqid,visit,never,\nv7,bob,visit,{},\n",
        day(0),
        day(0)
    )));
    shop.run(&["sync"])
        .is(0)
        .says(&["1 changed", "3 passed over", "5 passed over"]);
    shop.tick().says(&["Thanks: 1 sent"]);
    assert_eq!(traces(&shop), Vec::<String>::new());
    let clear = |entry: &crate::shop::Entry| !entry.customer.starts_with("forgotten:");
    let ledger = shop.ledger_so_far();
    assert!(
        ledger
            .iter()
            .filter(|e| clear(e))
            .all(|entry| entry.customer == "bob")
    );
}

/// Two customers who share an address are two customers: one of them asks.
#[test]
fn somebody_with_the_same_address_stays_and_gets_nothing_more() {
    let shop = shop();
    let twin = person("twin")
        .replace("Zqfirst", "Tom")
        .replace(LAST_NAME, "Tomson");
    shop.customers(&format!("{CUSTOMERS}{}{twin}", person("zqid")));
    shop.run(&["sync"]).is(0);
    shop.run(&["forget", "zqid"])
        .is(0)
        .says(&["on record for: twin"]);
    shop.events(&format!(
        "id,customer_id,kind,at\nt1,twin,visit,{}\n",
        day(0)
    ));
    shop.tick().says(&["Nothing was due"]);
    assert_eq!(
        export(&shop, &["twin"])["customers"][0]["first_name"],
        "Tom"
    );
    // Asked for by the address, both are meant.
    shop.run(&["forget", "--address", "zqmail@zqhost.example"])
        .is(0)
        .says(&["1 record"]);
    assert_eq!(traces(&shop), Vec::<String>::new());
}

/// Nobody has a record of them, but their address is suppressed and a record can't be used.
#[test]
fn an_address_without_a_record_is_forgotten_too() {
    let shop = shop();
    shop.run(&["forget", "zqid"]).is(0);
    let shop = Shop::new();
    shop.customers("id,email,birthday\n7,zqmail@zqhost.example,nonsense\n");
    shop.run(&["sync"]).is(3);
    shop.run(&["suppress", "add", "zqmail@zqhost.example"])
        .is(0);
    let known = export(&shop, &["--address", "zqmail@zqhost.example"]);
    assert_eq!(known["quarantine"][0]["named_by"], "address");
    assert_eq!(known["suppression"][0]["address"], "zqmail@zqhost.example");
    let forget = [
        "forget",
        "--address",
        "zqmail@zqhost.example",
        "--format",
        "json",
    ];
    let told: Value = serde_json::from_str(&shop.run(&forget).is(0).out).unwrap();
    assert_eq!(
        (&told["quarantined"], &told["suppressed"]),
        (&1.into(), &1.into())
    );
    assert_eq!(told["scrubbed"], true);
    assert_eq!(traces(&shop), Vec::<String>::new());
}

/// The daemon has the store open, reads and writes; it goes on, and writes to whoever is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_is_forgotten_beside_a_running_daemon() {
    let shop = shop();
    shop.settings(&format!(
        "{SETTINGS}[schedule]\ntick = \"* * * * * *\"\nsync = \"* * * * * *\"\n"
    ));
    let daemon = Daemon::start(&shop);
    shop.events(&events(&format!("v8,bob,visit,{},\n", day(0))));
    let sent = |count: usize| {
        let ledger = shop.ledger_so_far();
        let bobs = ledger.iter().filter(|e| e.customer == "bob" && e.is_sent());
        (bobs.count() == count).then_some(())
    };
    until("Bob's second letter", || sent(2)).await;
    export(&shop, &["zqid"]);
    shop.run(&["forget", "zqid"]).is(0).says(&["is forgotten"]);
    assert_eq!(traces(&shop), Vec::<String>::new());
    shop.events(&events(&format!(
        "v8,bob,visit,{0},\nv9,bob,visit,{0},\n",
        day(0)
    )));
    until("Bob's third letter", || sent(3)).await;
    assert_eq!(traces(&shop), Vec::<String>::new());
    assert!(daemon.stop().await.success());
    assert_eq!(traces(&shop), Vec::<String>::new());
}

/// The folder of the copies can't be written for a while, and a command is ended before it could clean
/// up: the next pass does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_command_could_not_clean_up_the_next_pass_does() {
    let shop = shop();
    let outbox = shop.path("var/outbox");
    let away = shop.path("var/away");
    fs::rename(&outbox, &away).unwrap();
    fs::write(&outbox, "").unwrap();
    shop.run(&["forget", "zqid"])
        .is(3)
        .says(&["Not done yet", "the next pass"]);
    fs::remove_file(&outbox).unwrap();
    fs::rename(&away, &outbox).unwrap();
    assert!(!traces(&shop).is_empty());
    shop.tick();
    assert_eq!(traces(&shop), Vec::<String>::new());

    let shop = self::shop();
    // As a command leaves it that is killed after its transaction, long ago.
    shop.tamper("DELETE FROM customer WHERE id = 'zqid'").await;
    shop.tamper("INSERT INTO meta VALUES ('scrub', '1')").await;
    let held = || {
        let bytes = fs::read(shop.path("var/fondly.db")).unwrap();
        let mut parts = bytes.windows("Zqsalutation".len());
        parts.any(|part| part == b"Zqsalutation")
    };
    assert!(held());
    shop.run(&["tick", "--no-sync"]).is(0);
    assert!(!held());
}

/// At the very dot: it waits for the answer, and where none comes, nothing is erased.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_forgotten_while_a_letter_to_them_is_handed_over() {
    for (late, code) in [(Duration::from_secs(3), 0), (Duration::from_secs(30), 1)] {
        let relay = Relay::start(Script::new().at(At::Dot, Act::Late(late))).await;
        let shop = Shop::new();
        shop.no_rules();
        shop.rule("thanks", THANKS);
        let port = relay.config().port;
        shop.settings(&format!(
            "{SETTINGS}[mail]\ntransport = \"smtp\"\n[mail.smtp]\nhost = \"127.0.0.1\"\n\
             port = {port}\nsecurity = \"none\"\nper_second = 10000\n"
        ));
        shop.customers(&format!("{CUSTOMERS}{}", person("zqid")));
        shop.events(&format!(
            "id,customer_id,kind,at\nzqv,zqid,visit,{}\n",
            day(0)
        ));
        let tick = shop.fondly(&["tick"]).spawn().unwrap();
        let is_sending = || {
            let mut ledger = shop.run(&["log", "--format", "json"]).out;
            ledger.retain(|c| c != ' ');
            ledger.contains("\"outcome\":\"sending\"").then_some(())
        };
        until("the dot", is_sending).await;
        let told = shop.run(&["forget", "zqid"]).is(code);
        if code == 1 {
            told.says(&["at this very moment", "nothing was erased"]);
            assert_eq!(export(&shop, &["zqid"])["customers"][0]["id"], "zqid");
        } else {
            told.says(&["is forgotten", "1 letter"]);
        }
        let mut tick = tick;
        tick.kill().unwrap();
        tick.wait().unwrap();
        // What the killed pass left on its way is settled first.
        let left = shop.run(&["forget", "zqid"]).is(0);
        left.says(&[if code == 1 {
            "is forgotten"
        } else {
            "forgotten before"
        }]);
        let entry = shop.ledger_so_far().pop().unwrap();
        assert_eq!(entry.outcome, if code == 1 { "unknown" } else { "sent" });
        assert_eq!(traces(&shop), Vec::<String>::new());
        if code == 1 {
            shop.run(&["resolve", &entry.id, "--resend"])
                .is(1)
                .says(&["was forgotten"]);
            shop.run(&["resolve", &entry.id, "--not-sent"]).is(0);
        }
    }
}

const FIRST: &str = "title = \"First\"\ntemplate = \"thank-you\"\nclass = \"relationship\"\n\
    audience = \"customer\"\n[trigger.event]\nevent = \"purchase\"\nafter = \"0 minutes\"\n\
    which = \"first\"\n[send]\nzone = \"business\"\n[limits]\nbackfill = \"3 days\"\n";

const ASKED: &str = "title = \"Few\"\ntemplate = \"thank-you\"\nclass = \"relationship\"\n\
    audience = \"customer\"\n[trigger.fixed]\non = [\"2024-01-01\"]\n[only]\n\
    where = \"customer.count('visit') < 2\"\n";

/// Somebody hasn't come for years: what they did is taken out, and doesn't come back with the next
/// file. When they come again, it isn't their first time.
#[test]
fn who_comes_back_after_years_is_no_newcomer() {
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("first", FIRST);
    shop.rule("missed", &MISSED.replace("visit", "purchase"));
    shop.rule("asked", ASKED);
    shop.settings("[retention]\nevents = \"2 months\"\n");
    shop.run(&["check", "--no-records"])
        .is(0)
        .says(&["the rule missed looks back at an event for up to 92 days"]);
    shop.settings(&format!("{SETTINGS}[retention]\nevents = \"3 years\"\n"));
    shop.customers(
        "id,email\nzqold,zqold@mail.example\nregular,r@mail.example\nnew,n@mail.example\n\
         open,o@mail.example\ntwice,t@mail.example\n",
    );
    let past = format!(
        "id,customer_id,kind,at,attr.note\n\
         p1,zqold,purchase,{0},Zqwine\np2,zqold,purchase,{1},\n\
         p3,regular,purchase,{0},\np4,regular,purchase,{2},\n\
         p5,open,purchase,{0},\nc1,open,complaint-opened,{0},\n\
         t1,twice,visit,{0},\nt2,twice,visit,{1},\n",
        day(2000),
        day(1500),
        day(20)
    );
    shop.events(&past);
    shop.run(&["tick"]).is(0).says(&[
        "Taken out, as [retention] says: 2 events of 1 customer",
        "the events of 2 customers stay",
    ]);
    // Once a day.
    let again = shop.run(&["tick"]).is(0);
    assert!(!again.out.contains("Taken out"), "{}", again.out);
    let export = |who| export(&shop, &[who]);
    let old = export("zqold");
    assert_eq!(old["events"].as_array().unwrap().len(), 0);
    let left = &old["planning"][0]["past_events"][0];
    assert_eq!(
        (&left["kind"], &left["number"]),
        (&"purchase".into(), &2.into())
    );
    assert_eq!(left["last_day"], day(1500).to_string());
    for (who, count) in [("regular", 2), ("open", 2), ("twice", 2)] {
        assert_eq!(
            export(who)["events"].as_array().unwrap().len(),
            count,
            "{who}"
        );
    }
    // The file still has it all, and something new.
    shop.events(&format!(
        "{past}p6,zqold,purchase,{0},\np7,regular,purchase,{0},\np8,new,purchase,{0},\n",
        day(0)
    ));
    shop.run(&["sync"]).is(0).says(&["3 new"]);
    shop.tick().says(&["First: 1 sent"]);
    let sent = shop
        .ledger()
        .into_iter()
        .filter(crate::shop::Entry::is_sent);
    let whom: Vec<String> = sent.map(|entry| entry.customer).collect();
    assert_eq!(whom, ["new"]);
    let events = export("zqold")["events"].as_array().unwrap().clone();
    assert_eq!(events.len(), 1, "{events:#?}");
    shop.run(&["explain", "zqold", "--rule", "missed"])
        .is(0)
        .says(&["how often isn't kept any more"]);
}

/// A letter's text goes after a year, its copy after 90 days; that it was sent stays, so it isn't again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letters_text_goes_and_that_it_was_sent_stays() {
    let shop = shop();
    let ledger = |shop: &Shop| {
        let mut all = shop.ledger_so_far();
        all.retain(|entry| entry.rule == "thanks");
        all
    };
    let before = ledger(&shop);
    assert_eq!((before.len(), shop.outbox().len()), (2, 2));
    let kept = "[retention]\nledger_text = \"1 year\"\ncopies = \"90 days\"\n";
    shop.settings(&format!("{SETTINGS}{kept}"));
    // For a few days, nothing goes.
    shop.tick();
    assert_eq!((ledger(&shop), shop.outbox().len()), (before.clone(), 2));
    // A hundred days, and more than a year later.
    shop.tamper("DELETE FROM meta WHERE key LIKE 'keeping%'")
        .await;
    shop.tamper(
        "UPDATE ledger SET due_at = due_at - 100 * 86400000, sent_at = sent_at - 100 * 86400000",
    )
    .await;
    shop.tick()
        .says(&["Taken out", "2 letters in the outbox folder"]);
    assert!(shop.outbox().is_empty());
    assert!(ledger(&shop).iter().all(|entry| entry.recipient.is_some()));
    shop.tamper("DELETE FROM meta WHERE key LIKE 'keeping%'")
        .await;
    shop.tamper(
        "UPDATE ledger SET due_at = due_at - 300 * 86400000, sent_at = sent_at - 300 * 86400000",
    )
    .await;
    shop.run(&["tick"])
        .is(0)
        .says(&["Taken out", "the text of 2 letters"]);
    for (entry, before) in ledger(&shop).iter().zip(&before) {
        assert_eq!(
            (&entry.recipient, &entry.subject, &entry.reply),
            (&None, &None, &None)
        );
        assert_eq!(
            (&entry.id, &entry.message_id),
            (&before.id, &before.message_id)
        );
        assert!(entry.is_sent());
        let said = shop.run(&["show", &entry.id]).is(0);
        said.says(&["The text was taken out on", "ledger_text = \"12 months\""]);
        let said = shop.run(&["show", &entry.id, "--format", "json"]).is(0).out;
        let said: Value = serde_json::from_str(&said).unwrap();
        assert!(said["text_removed_at"].is_string() && said["message"].is_null());
    }
    // The records give the same occasions as ever.
    shop.events(&format!("{}v9,bob,visit,{},\n", events(""), day(400)));
    shop.run(&["tick"]).is(0);
    assert_eq!(
        ledger(&shop).iter().filter(|entry| entry.is_sent()).count(),
        2
    );
    // What was overwritten is out of the file as far as it is in nobody's record.
    let count = |word: &str| {
        let bytes = fs::read(shop.path("var/fondly.db")).unwrap();
        let mut parts = bytes.windows(word.len());
        parts.any(|part| part == word.as_bytes())
    };
    assert!(!count("With kind regards"));
    assert!(count("Zqfirst"));
}
