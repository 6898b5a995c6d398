//! The commands as people and scripts use them: exit codes, formats, and bad luck.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process::Stdio;

use mail_parser::MessageParser;

use crate::daemon::Daemon;
use crate::shop::{Entry, Ran, Runs as _, Shop, now};

const FREE: &str = "[sending]\nquiet_hours = \"none\"\ncaps = {}\n";

/// A shop that thanks everybody at once; nothing is sent before a `tick`.
fn shop() -> Shop {
    let shop = Shop::new();
    shop.no_rules();
    shop.rule(
        "thanks",
        "title = \"Thanks\"\ntemplate = \"thank-you\"\nclass = \"service\"\naudience = \"customer\"\n\
         [trigger.event]\nevent = \"visit\"\nafter = \"0 minutes\"\n[limits]\nbackfill = \"3 days\"\n",
    );
    shop.settings(FREE);
    shop.customers("id,email,first_name\nann,ann@mail.example,Ann\nbob,bob@mail.example,Bob\n");
    shop.events(&format!(
        "id,customer_id,kind,at\n1,ann,visit,{0}\n2,bob,visit,{0}\n",
        now()
    ));
    shop
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_would_be_right() {
    let shop = shop();
    let day = "2027-01-01T00:00[UTC]";
    let cases: &[(&[&str], &[&str])] = &[
        (&[], &["Usage:"]),
        (&["tik"], &["tick"]),
        (&["show"], &["<ENTRY>"]),
        (&["preview", "thanks"], &["<CUSTOMER>"]),
        (
            &["preview", "thanks", "ann", "--send-to", "Anna"],
            &["Anna", "no mail address", "anna@thorn.example"],
        ),
        (
            &["log", "--outcome", "lost"],
            &["lost", "planned", "unknown"],
        ),
        (
            &["log", "--since", "yesterday"],
            &["yesterday", "2027-05-02"],
        ),
        (&["log", "--format", "xml"], &["table", "json", "csv"]),
        (&["sync", "tll"], &["tll", "customers", "events"]),
        (
            &["rehearse", "--from", day, "--until", day, "--out", "x"],
            &["--until has to lie after --from"],
        ),
        (
            &[
                "rehearse",
                "--from",
                "2027-01-01",
                "--until",
                day,
                "--out",
                "x",
            ],
            &["--from"],
        ),
    ];
    for (args, words) in cases {
        shop.run(args).is(2).says(words);
    }
    shop.bare()
        .arg("--help")
        .ran()
        .is(0)
        .says(&["Commands:", "rehearse", "--config"]);
    shop.bare()
        .arg("--version")
        .ran()
        .is(0)
        .says(&["fondly 0."]);
}

#[test]
fn what_isn_t_there_is_named() {
    let shop = shop();
    shop.run(&["sync"]).is(0);
    shop.run(&["show", "0123456789abcdef"])
        .is(1)
        .says(&["0123456789abcdef", "fondly log"]);
    shop.run(&["preview", "tanks", "ann"])
        .is(1)
        .says(&["tanks", "thanks"]);
    shop.run(&["preview", "thanks", "eve"])
        .is(1)
        .says(&["eve", "fondly sync"]);
    shop.bare()
        .args(["--config", "elsewhere/fondly.toml", "check"])
        .ran()
        .is(1)
        .says(&["elsewhere/fondly.toml", "fondly init"]);
    shop.fondly(&["sync"])
        .env("FONDLY__MAIL__DIRR", "x")
        .ran()
        .is(1)
        .says(&["FONDLY__MAIL__DIRR", "did you mean `dir`?"]);
}

#[test]
fn a_row_that_can_t_be_used_is_put_aside_and_the_rest_go_in() {
    let shop = shop();
    shop.customers(
        "id,email,birthday\nann,ann@mail.example,1987-02-30\nbob,bob@mail.example,1987-02-28\n",
    );
    shop.run(&["sync"])
        .is(3)
        .says(&["1 new", "1 refused", "fondly quarantine"]);
    shop.run(&["check"])
        .is(3)
        .says(&["data/customers.csv:2: birthday `1987-02-30`"]);
    shop.run(&["tick"]).is(3).says(&["fondly quarantine"]);
    let sent: Vec<Entry> = shop.ledger();
    assert_eq!(sent.len(), 1, "{sent:#?}");
    assert_eq!(sent[0].customer, "bob");

    let listed = shop.run(&["quarantine", "--format", "json"]).is(3).out;
    let rows: Vec<serde_json::Value> = lines_of_json(&listed);
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!(row["source"], "customers");
    assert_eq!(row["file"], "data/customers.csv");
    assert_eq!(row["line"], 2);
    assert_eq!(row["column"], "birthday");
    assert_eq!(row["value"], "1987-02-30");
    assert!(row["reason"].as_str().unwrap().len() > 10, "{row}");
    assert_eq!(row["record"], "ann,ann@mail.example,1987-02-30");
    let table = shop.run(&["quarantine"]).is(3).out;
    assert!(
        table.contains("data/customers.csv") && table.contains("1987-02-30"),
        "{table}"
    );
    let csv = shop.run(&["quarantine", "--format", "csv"]).is(3).out;
    assert_eq!(csv_rows(&csv).len(), 1, "{csv}");

    // Mended, it goes in, and nothing is left in quarantine.
    shop.customers(
        "id,email,birthday\nann,ann@mail.example,1987-02-03\nbob,bob@mail.example,1987-02-28\n",
    );
    shop.tick();
    shop.run(&["quarantine"])
        .is(0)
        .says(&["Nothing is in quarantine"]);
    assert_eq!(shop.ledger().len(), 2);
}

#[test]
fn reading_the_same_again_changes_nothing() {
    let shop = shop();
    shop.tick();
    let (ledger, outbox) = (shop.ledger(), shop.outbox());
    assert_eq!((ledger.len(), outbox.len()), (2, 2));
    shop.run(&["sync"]).is(0).says(&["hasn't changed"]);
    shop.tick();
    // The same records in other bytes.
    let customers = fs::read_to_string(shop.path("data/customers.csv")).unwrap();
    shop.customers(&(customers.replace('\n', "\r\n") + "\r\n"));
    let ran = shop.run(&["sync"]).is(0);
    assert!(
        ran.out.contains("0 new, 0 changed, 2 unchanged, 0 refused"),
        "{ran:?}"
    );
    shop.tick();
    assert!(shop.ledger() == ledger && shop.outbox() == outbox);
}

/// Fields of the contract, in its order.
const FIELDS: &str = "id,rule,rule_version,customer,occasion,due_at,zone,outcome,reason,\
    decided_at,recipient,subject,template,language,message_id,attempts,next_attempt_at,reply,sent_at";

fn lines_of_json(text: &str) -> Vec<serde_json::Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn csv_rows(text: &str) -> Vec<Vec<String>> {
    csv::Reader::from_reader(text.as_bytes())
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

#[test]
fn the_ledger_comes_as_table_json_and_csv() {
    let shop = shop();
    shop.customers("id,email,first_name\nann,ann@mail.example,=1+1\nbob,bob@mail.example,Bob\n");
    let empty = shop.run(&["log"]).is(0);
    assert!(empty.err.contains("fondly tick"), "{empty:?}");
    for format in ["json", "csv"] {
        let Ran { out, err, .. } = shop.run(&["log", "--format", format]).is(0);
        assert!(out.lines().count() <= 1 && err.is_empty(), "{out}{err}");
    }
    shop.rule(
        "thanks",
        &fs::read_to_string(shop.path("config/rules/thanks.toml")).unwrap(),
    );
    shop.write(
        "config/templates/thank-you.en.md",
        "+++\nsubject = \"{{ customer.first_name }}, thank you\"\n+++\nThank you.\n",
    );
    shop.tick();

    let json = shop.run(&["log", "--format", "json"]).is(0).out;
    let rows = lines_of_json(&json);
    assert_eq!(rows.len(), 2);
    let keys: Vec<&str> = rows[0]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(keys.join(","), FIELDS);
    assert_eq!(rows[0]["attempts"], 1);
    assert_eq!(rows[0]["next_attempt_at"], serde_json::Value::Null);

    let csv = shop.run(&["log", "--format", "csv"]).is(0).out;
    assert_eq!(csv.lines().next(), Some(FIELDS));
    let subjects: Vec<String> = csv_rows(&csv).iter().map(|row| row[11].clone()).collect();
    assert!(
        subjects.contains(&"'=1+1, thank you".to_owned()),
        "{subjects:?}"
    );

    let table = shop.run(&["log"]).is(0).out;
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(
        table.contains("ENTRY") && table.contains("bob@mail.example"),
        "{table}"
    );
    assert!(
        !table.contains('\u{1b}'),
        "no colours where nobody sees them: {table}"
    );

    let limited = shop.run(&["log", "--limit", "1"]).is(0);
    assert!(limited.err.contains("--limit"), "{limited:?}");
    for (args, count) in [
        (["--customer", "ann"], 1),
        (["--rule", "thanks"], 2),
        (["--outcome", "skipped"], 0),
        (["--since", "2100-01-01"], 0),
        (["--until", "2000-01-01T00:00:00Z"], 0),
        (["--since", "2000-01-01"], 2),
    ] {
        let mut command = shop.fondly(&["log", "--format", "json"]);
        let out = command.args(args).ran().is(0).out;
        assert_eq!(out.lines().count(), count, "{args:?}: {out}");
    }
}

#[test]
fn one_entry_is_shown_with_its_history_and_its_letter() {
    let shop = shop();
    shop.tick();
    let id = shop.ledger()[0].id.clone();
    let table = shop.run(&["show", &id]).is(0).out;
    for words in [
        &id,
        "history",
        "sent (accepted)",
        "Subject: Thank you, Ann",
        "message_id",
    ] {
        assert!(table.contains(words), "no {words}: {table}");
    }
    let json = shop.run(&["show", &id, "--format", "json"]).is(0).out;
    let shown = &lines_of_json(&json)[0];
    let history = shown["history"].as_array().unwrap();
    assert_eq!(history.last().unwrap()["outcome"], "sent");
    let file = shop
        .outbox()
        .into_values()
        .find(|file| String::from_utf8_lossy(file).contains(shown["message_id"].as_str().unwrap()));
    assert_eq!(shown["message"].as_str().unwrap().as_bytes(), file.unwrap());
    let csv = shop.run(&["show", &id, "--format", "csv"]).is(0).out;
    assert_eq!(csv_rows(&csv).len(), 1);
}

#[test]
fn a_preview_shows_the_letter_and_leaves_no_trace() {
    let shop = shop();
    shop.run(&["sync"]).is(0);
    let ran = shop
        .run(&["preview", "thanks", "ann", "--html", "letter.html"])
        .is(0);
    assert!(ran.out.contains("Subject:  Thank you, Ann"), "{ran:?}");
    let html = fs::read_to_string(shop.path("letter.html")).unwrap();
    assert!(
        html.starts_with("<!DOCTYPE html>") || html.starts_with("<!doctype html>"),
        "{html}"
    );
    assert!(html.contains("Dear Ann,"), "{html}");
    shop.run(&["preview", "thanks", "ann", "--html", "nowhere/letter.html"])
        .is(1)
        .says(&["nowhere/letter.html"]);
    assert!(shop.ledger().is_empty() && shop.outbox().is_empty());
}

#[test]
fn a_preview_is_what_goes_out_except_that_its_link_leads_nowhere() {
    let shop = shop();
    let rule = fs::read_to_string(shop.path("config/rules/thanks.toml")).unwrap();
    shop.rule("thanks", &rule.replace("\"service\"", "\"relationship\""));
    shop.settings(&format!(
        "{FREE}[public]\nbind = \"127.0.0.1:8426\"\nbase_url = \"https://care.thorn.example\"\n"
    ));
    shop.run(&["sync"]).is(0);
    let args = ["preview", "thanks", "ann", "--html", "letter.html"];
    let shown = shop.run(&args).is(0).out;
    let html = fs::read_to_string(shop.path("letter.html")).unwrap();
    shop.tick();
    let letters = shop.outbox();
    let mut of_ann = letters.iter().filter(|(name, _)| name.contains("_ann_"));
    let letter = of_ann.next().unwrap().1;
    let letter = MessageParser::default().parse(letter).unwrap();
    let link = letter.header_raw("List-Unsubscribe").unwrap();
    let link = link.trim().trim_matches(['<', '>']);
    let example = "https://care.thorn.example/u/only-an-example";
    assert_ne!(link, example);
    let goes_out = |part: &str| {
        assert!(part.contains(link), "{part}");
        let page = "https://care.thorn.example/p/";
        let (before, rest) = part.split_once(page).unwrap();
        let end = rest.find(['"', '\r', '\n']).unwrap();
        assert_ne!(rest.split_at(end).0, "only-an-example");
        let part = format!("{before}{page}only-an-example{}", rest.split_at(end).1);
        part.replace("\r\n", "\n").replace(link, example)
    };
    assert_eq!(html, goes_out(&letter.body_html(0).unwrap()));
    let (_, text) = shown.split_once("\n\n").unwrap();
    assert_eq!(
        text.trim_end(),
        goes_out(&letter.body_text(0).unwrap()).trim_end()
    );
}

#[test]
fn init_never_writes_over_anything() {
    let shop = Shop::new();
    shop.write("config/fondly.toml", "# mine\n");
    shop.bare()
        .args(["init", "config"])
        .ran()
        .is(1)
        .says(&["config", "nothing was written"]);
    assert_eq!(
        fs::read_to_string(shop.path("config/fondly.toml")).unwrap(),
        "# mine\n"
    );

    // The settings may be gone, or elsewhere; a rule of the user's is theirs all the same.
    shop.write("other/rules/birthday.toml", "# mine too\n");
    shop.bare()
        .args(["init", "other"])
        .ran()
        .is(1)
        .says(&["other/rules/birthday.toml", "nothing was written"]);
    assert_eq!(
        fs::read_to_string(shop.path("other/rules/birthday.toml")).unwrap(),
        "# mine too\n"
    );
    assert!(!shop.path("other/fondly.toml").exists());
}

#[test]
fn the_demo_works_in_a_folder_of_its_own() {
    let shop = Shop::new();
    let demo = |dir: &str| shop.bare().args(["demo", "--once", "--dir", dir]).ran();
    demo("demo").is(0).says(&["sent", "demo/var/outbox"]);
    demo("demo").is(0);
    demo("config").is(1).says(&["config", "--dir"]);
}

/// The second one emptied the folder under the first, store and all.
#[tokio::test]
async fn a_demo_is_not_replaced_while_somebody_is_at_work_with_it() {
    let shop = Shop::new();
    let mut first = shop.bare();
    first.args(["demo", "--dir", "demo"]);
    let running = Daemon::start_with(&shop, first);
    running.says("watching").await;
    shop.write("demo/data/mine.csv", "id\n");
    let store = fs::metadata(shop.path("demo/var/fondly.db")).unwrap().ino();
    for args in [
        &["demo", "--dir", "demo"][..],
        &["demo", "--once", "--dir", "demo"],
    ] {
        let refused = shop.bare().args(args).ran().is(1);
        refused.says(&["at work in demo", "`fondly demo`", "--dir"]);
    }
    assert!(shop.path("demo/data/mine.csv").exists());
    assert_eq!(
        fs::metadata(shop.path("demo/var/fondly.db")).unwrap().ino(),
        store
    );
    assert!(running.stop().await.success());
    let again = shop.bare().args(["demo", "--once", "--dir", "demo"]).ran();
    again.is(0);
    assert!(!shop.path("demo/data/mine.csv").exists());
}

/// Whatever is wrong with a file, what was known stays known, and the other sources go on.
#[test]
fn a_file_that_can_t_be_read_loses_nothing() {
    let shop = shop();
    shop.tick();
    let ledger = shop.ledger();
    let cases: &[(&[u8], &[&str])] = &[
        (
            b"email,first_name\nann@mail.example,Ann\n",
            &["data/customers.csv:1", "`id`", "columns"],
        ),
        (
            b"id,email,first_name\nann,ann@mail.example,Zo\xeb\n",
            &["data/customers.csv", "UTF-8"],
        ),
        (b"", &["data/customers.csv", "empty"]),
    ];
    for (n, (bytes, words)) in cases.iter().enumerate() {
        shop.write("data/customers.csv", bytes);
        shop.run(&["check"]).is(1).says(words);
        shop.run(&["sync"]).is(3).says(words);
        // Bob comes again, and is still known.
        let mut events = fs::read_to_string(shop.path("data/events.csv")).unwrap();
        writeln!(events, "again{n},bob,visit,{}", now()).unwrap();
        shop.events(&events);
        shop.run(&["tick"]).is(3).says(words);
        assert_eq!(shop.ledger().len(), ledger.len() + n + 1);
    }
    fs::remove_file(shop.path("data/customers.csv")).unwrap();
    shop.run(&["sync"])
        .is(3)
        .says(&["data/customers.csv", "no such file"]);
}

#[test]
fn a_damaged_store_is_told_and_left_as_it_is() {
    let shop = shop();
    shop.tick();
    let noise: Vec<u8> = (0..20_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    shop.write("var/fondly.db", &noise);
    for command in ["tick", "run", "sync", "log", "quarantine"] {
        shop.run(&[command])
            .is(1)
            .says(&["var/fondly.db", "damaged", "backup"]);
    }
    let left = fs::read(shop.path("var/fondly.db")).unwrap();
    assert!(left == noise, "the damaged file was touched");
    assert_eq!(shop.outbox().len(), 2);
}

#[test]
fn a_folder_in_the_place_of_the_store_is_told() {
    let shop = shop();
    fs::create_dir_all(shop.path("var/fondly.db")).unwrap();
    for command in ["tick", "log"] {
        shop.run(&[command]).is(1).says(&["var/fondly.db"]);
    }
    fs::remove_dir(shop.path("var/fondly.db")).unwrap();
    shop.tick();
    assert_eq!(shop.ledger().len(), 2);
}

#[test]
fn an_outbox_that_can_t_be_written_only_delays() {
    let shop = shop();
    shop.write("var/outbox", "not a folder");
    shop.run(&["tick"])
        .is(3)
        .says(&["Letters can't leave", "var/outbox"]);
    let waiting = shop.ledger_so_far();
    assert_eq!(waiting.len(), 2);
    for entry in waiting {
        assert!(
            ["deferred", "planned"].contains(&entry.outcome.as_str()),
            "{entry:#?}"
        );
        assert_eq!(entry.attempts, 0, "no letter is to blame: {entry:#?}");
    }
}

#[test]
fn a_reader_that_closes_the_pipe_is_no_failure() {
    let shop = Shop::new();
    shop.settings(FREE);
    let mut customers = String::from("id,email,birthday\n");
    for n in 0..3000 {
        writeln!(customers, "c{n},{n},--02-30").unwrap();
    }
    shop.customers(&customers);
    shop.run(&["sync"]).is(3);
    let mut command = shop.fondly(&["quarantine", "--format", "json"]);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    drop(process.stdout.take());
    let ran = Ran::new(&process.wait_with_output().unwrap());
    assert_eq!(ran.is(3).err, "");
}

#[test]
fn every_command_of_the_help_has_a_help_of_its_own() {
    let shop = Shop::new();
    let help = shop.bare().arg("--help").ran().is(0).out;
    let list = help.split("Commands:").nth(1).unwrap();
    let commands: BTreeSet<&str> = list
        .lines()
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| *word != "help")
        .collect();
    assert!(
        commands.contains("tick") && commands.len() >= 11,
        "{commands:?}"
    );
    for command in commands {
        let told = shop.bare().args([command, "--help"]).ran().is(0).out;
        assert!(told.contains("Usage: fondly"), "{told}");
    }
}

#[test]
fn machines_get_the_whole_ledger_and_people_the_latest_of_it() {
    let shop = shop();
    let mut customers = String::from("id,email\n");
    let mut events = String::from("id,customer_id,kind,at\n");
    for n in 0..120 {
        writeln!(customers, "c{n:03},c{n}@mail.example").unwrap();
        writeln!(events, "v{n},c{n:03},visit,{}", now()).unwrap();
    }
    shop.customers(&customers);
    shop.events(&events);
    shop.settings(&format!("{FREE}[guard]\nmax_per_rule_per_day = 1000000\n"));
    shop.tick();
    let json = shop.run(&["log", "--format", "json"]).is(0);
    let whole = shop
        .run(&["log", "--format", "json", "--limit", "1000"])
        .is(0);
    assert_eq!(lines_of_json(&json.out).len(), 120);
    assert_eq!((&json.out, &json.err), (&whole.out, &whole.err));
    let csv = shop.run(&["log", "--format", "csv"]).is(0).out;
    let whole = shop
        .run(&["log", "--format", "csv", "--limit", "1000"])
        .is(0)
        .out;
    assert_eq!(csv, whole);
    assert_eq!(csv_rows(&csv).len(), 120);
    let few = shop
        .run(&["log", "--format", "json", "--limit", "3"])
        .is(0)
        .out;
    assert!(json.out.ends_with(&few));
    assert_eq!(lines_of_json(&few).len(), 3);
    let table = shop
        .run(&["log"])
        .is(0)
        .says(&["The latest 100", "--limit"]);
    assert_eq!(table.out.lines().count(), 101);
    let none = [
        "log",
        "--format",
        "csv",
        "--customer",
        "c000",
        "--outcome",
        "held",
    ];
    let none = shop.run(&none).is(0).out;
    assert!(
        none.starts_with("id,rule,") && none.lines().count() == 1,
        "{none}"
    );
    shop.run(&["log", "--format", "json", "--rule", "thank"])
        .is(1)
        .says(&["thanks"]);
}

#[test]
fn check_tries_a_condition_on_an_event_that_lies_ahead_as_of_the_day_it_matters() {
    let shop = shop();
    let rule = fs::read_to_string(shop.path("config/rules/thanks.toml")).unwrap();
    let rule = rule.replace("0 minutes", "1 day");
    shop.rule(
        "thanks",
        &format!("{rule}[only]\nwhere = \"event.amount >= 50\"\n"),
    );
    let ahead = now() + std::time::Duration::from_hours(40 * 24);
    let booked = |amount: u32| {
        shop.events(&format!(
            "id,customer_id,kind,at,amount\n1,ann,visit,{ahead},60\n2,bob,visit,{ahead},{amount}\n"
        ));
        shop.run(&["check"])
    };
    booked(40).is(0).says(&["1 letter"]);
    booked(60).is(0).says(&["2 letters"]);
    // What is wrong with it is still found.
    shop.rule(
        "thanks",
        &format!("{rule}[only]\nwhere = \"event.attr.table >= 50\"\n"),
    );
    booked(60).is(1).says(&["where"]);
}

#[test]
fn no_command_shows_a_password_that_stands_where_none_belongs() {
    let shop = shop();
    let source = |url: &str| {
        format!(
            "[[source]]\nname = \"till\"\nkind = \"sql\"\nfeeds = \"customers\"\n\
             query = \"select id from c\"\n{url}\n"
        )
    };
    let written = |query: &str| format!("url = \"postgres://u@127.0.0.1:1/db?{query}\"");
    shop.write(
        "config/shop-url",
        "postgres://u@127.0.0.1:1/db?sslpassword=s3cret\n",
    );
    let settings = [
        source(&written("password=s3cret")),
        source(&written("sslmode=require&sslpassword=s3cret")),
        source(&written("pass%77ord=s3cret")),
        source(&written("s3cret")),
        source("url = \"postgres://127.0.0.1/db#s3cret\""),
        source("url = \"postgres://u@127.0.0.1/db;password=s3cret\""),
        source("url = \"host=127.0.0.1 password=s3cret\""),
        source("url_file = \"shop-url\""),
        "[store]\nurl = \"postgres://127.0.0.1/db?password=s3cret\"\n".to_owned(),
        "[store]\nurl = \"sqlite:x.db?key=s3cret\"\n".to_owned(),
        "[mail]\npasword = \"s3cret\"\n".to_owned(),
        "[mail.smtp]\npassword = s3cret\n".to_owned(),
        "[mail]\ntransport = \"smtp\"\n[mail.smtp]\nhost = \"smtps://u:s3cret@h\"\n".to_owned(),
        "[public]\nbase_url = \"https://u:s3cret@care.example\"\n".to_owned(),
    ];
    for toml in settings {
        shop.write("config/local.toml", &toml);
        for args in [
            &["check", "--show"][..],
            &["check"],
            &["tick"],
            &["run"],
            &["sync"],
        ] {
            // What the file holds shows with the reading.
            let in_a_file = toml.contains("url_file");
            if in_a_file && args == ["run"] {
                continue;
            }
            let ran = shop.run(args);
            assert!(in_a_file || ran.code != Some(0), "{toml}: {ran:?}");
            assert!(!format!("{ran:?}").contains("s3cret"), "{toml}: {ran:?}");
        }
    }
    shop.settings(FREE);
    let variable = ("FONDLY__STORE__URL", "postgres://h/db?password=s3cret");
    let ran = shop
        .fondly(&["check"])
        .env(variable.0, variable.1)
        .ran()
        .is(1);
    assert!(!format!("{ran:?}").contains("s3cret"), "{ran:?}");
}

#[test]
fn a_letter_for_its_day_or_not_at_all_goes_on_that_day_whatever_the_hour() {
    let shop = shop();
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    let today = zone.to_datetime(now()).date();
    let yesterday = today.yesterday().unwrap();
    for (id, day) in [("today", today), ("yesterday", yesterday)] {
        shop.rule(
            id,
            &format!(
                "title = \"Today\"\ntemplate = \"birthday\"\nclass = \"service\"\n\
                 audience = \"customer\"\n[trigger.fixed]\non = [{day}]\n\
                 [send]\nat = \"00:00\"\nlate = \"0 days\"\n[limits]\nbackfill = \"3 days\"\n"
            ),
        );
    }
    fs::remove_file(shop.path("config/rules/thanks.toml")).unwrap();
    shop.tick();
    let mut told: Vec<String> = shop
        .ledger()
        .iter()
        .map(|entry| entry.line(&["rule", "customer", "outcome", "reason"]))
        .collect();
    told.sort();
    let wanted = [
        "today ann sent accepted",
        "today bob sent accepted",
        "yesterday ann skipped too-late",
        "yesterday bob skipped too-late",
    ];
    assert_eq!(told, wanted);
}

#[test]
fn check_names_a_rule_whose_hour_the_quiet_hours_outlast() {
    let shop = shop();
    shop.settings("[sending]\nquiet_hours = \"20:00-08:00\"\n");
    let said = |send: &str| {
        shop.rule(
            "xmas",
            &format!(
                "title = \"Xmas\"\ntemplate = \"thank-you\"\nclass = \"service\"\n\
                 audience = \"customer\"\n[trigger.anniversary]\nfield = \"birthday\"\n[send]\n{send}\n"
            ),
        );
        let ran = shop.run(&["check"]).is(0);
        let all = format!("{}{}", ran.out, ran.err);
        all.contains("rules/xmas.toml: no letter of it can go")
    };
    for never in [
        "at = \"06:00\"\nlate = \"1 hour\"",
        "at = \"21:00\"\nlate = \"0 days\"",
        "at = \"20:00\"\nlate = \"11 hours\"",
        "at = \"21:00\"\nlate = \"2 hours\"\nspread = \"8 hours\"",
    ] {
        assert!(said(never), "{never}");
    }
    for fine in [
        "at = \"06:00\"\nlate = \"2 hours\"",
        "at = \"06:00\"\nlate = \"0 days\"",
        "at = \"19:59\"\nlate = \"1 minute\"",
        "at = \"08:00\"\nlate = \"1 minute\"",
        "at = \"20:00\"\nlate = \"12 hours\"",
        "at = \"21:00\"\nlate = \"1 day\"",
        "at = \"21:00\"\nlate = \"2 hours\"\nspread = \"9 hours\"",
        "at = \"22:00\"\nlate = \"0 days\"\nspread = \"3 hours\"",
    ] {
        assert!(!said(fine), "{fine}");
    }
}
