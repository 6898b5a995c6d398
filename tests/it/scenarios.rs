//! Folders of `tests/scenarios`: a business, a stretch of time, and the ledger it must give.
//!
//! A folder holds `customers.csv`, `events.csv` where there are any, `rules/*.toml` and
//! `holidays/*.toml`, `local.toml` with settings on top of the shipped ones, and `script` with the
//! lines `from …` and `until …`, and before it what a person says ahead: `approve RULE DAY`,
//! `decline RULE DAY`.
//! `expected.txt` is worked out by hand from the contract: a head that names the ledger's fields,
//! then a line an entry, in any order; `#` begins a remark. A new test is a new folder.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::shop::{Files, Rehearsed, Shop, files};

fn folders() -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut folders: Vec<PathBuf> = fs::read_dir(all)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    folders
}

fn shop_of(folder: &Path) -> Shop {
    let shop = Shop::new();
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    shop.customers(&read("customers.csv").unwrap());
    if let Some(events) = read("events.csv") {
        shop.events(&events);
    }
    shop.settings(&read("local.toml").unwrap_or_default());
    shop.no_rules();
    for (name, rule) in files(&folder.join("rules")) {
        shop.write(&format!("config/rules/{name}"), rule);
    }
    if folder.join("holidays").exists() {
        for (name, holiday) in files(&folder.join("holidays")) {
            shop.write(&format!("config/holidays/{name}"), holiday);
        }
    }
    shop
}

fn rehearsed(folder: &Path) -> Rehearsed {
    let script = fs::read_to_string(folder.join("script")).unwrap();
    let line = |word: &str| {
        let mut lines = script.lines();
        lines.find_map(|line| line.strip_prefix(word)).unwrap()
    };
    let shop = shop_of(folder);
    for said in script.lines() {
        if let [command @ ("approve" | "decline"), rule, day] =
            said.split(' ').collect::<Vec<_>>()[..]
        {
            shop.run(&[command, rule, "--on", day]).is(0);
        }
    }
    let done = shop.rehearse(line("from "), line("until "));
    let sent = done.entries.iter().filter(|entry| entry.is_sent()).count();
    assert_eq!(done.mail.len(), sent, "a letter for every `sent`");
    done
}

/// The lines that differ, as in a patch.
fn difference(expected: &[String], got: &[String]) -> String {
    let mut text = String::new();
    for line in expected.iter().filter(|line| !got.contains(line)) {
        writeln!(text, "  - {line}").unwrap();
    }
    for line in got.iter().filter(|line| !expected.contains(line)) {
        writeln!(text, "  + {line}").unwrap();
    }
    text
}

#[test]
fn every_scenario_gives_the_ledger_worked_out_by_hand() {
    let folders = folders();
    assert!(folders.len() >= 10, "only {} scenarios", folders.len());
    let mut wrong = String::new();
    for folder in folders {
        let text = fs::read_to_string(folder.join("expected.txt")).unwrap();
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let fields: Vec<&str> = lines.next().unwrap().split(' ').collect();
        let mut expected: Vec<String> = lines.map(str::to_owned).collect();
        let entries = rehearsed(&folder).entries;
        let mut got: Vec<String> = entries.iter().map(|entry| entry.line(&fields)).collect();
        expected.sort();
        got.sort();
        if expected != got {
            let name = folder.file_name().unwrap().display();
            writeln!(wrong, "{name}:\n{}", difference(&expected, &got)).unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// What lies in the folders that a rehearsal must not touch.
fn real_things(shop: &Shop) -> Vec<Files> {
    ["var", "var/outbox", "config", "data"]
        .map(|folder| {
            let folder = shop.path(folder);
            let mut found = Files::new();
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                    found.insert(name, fs::read(path).unwrap());
                }
            }
            found
        })
        .to_vec()
}

#[test]
fn a_rehearsal_can_be_repeated_and_touches_nothing_real() {
    let folder = folders()
        .into_iter()
        .find(|folder| folder.ends_with("caps-and-priority"));
    let shop = shop_of(&folder.unwrap());
    let mut customers = String::from("id,email,birthday\nbusy,busy@mail.example,1980-06-10\n");
    for n in 1..=40 {
        writeln!(
            customers,
            "c{n},c{n}@mail.example,19{}-06-0{}",
            50 + n,
            1 + n % 9
        )
        .unwrap();
    }
    shop.customers(&customers);
    // A letter of the real business, sent today.
    let today = jiff::tz::TimeZone::UTC
        .to_datetime(crate::shop::now())
        .date();
    shop.rule(
        "today",
        "title = \"Today\"\ntemplate = \"thank-you\"\nclass = \"service\"\naudience = \"customer\"\n\
         [trigger.event]\nevent = \"feedback\"\nafter = \"0 minutes\"\n[limits]\nbackfill = \"3 days\"",
    );
    shop.events(&format!(
        "id,customer_id,kind,at\n1,c1,feedback,{today}\n2,busy,purchase,2027-06-07\n"
    ));
    shop.tick();
    assert_eq!(shop.outbox().len(), 1);

    let (before, ledger) = (real_things(&shop), shop.ledger());
    let june = || {
        shop.rehearse(
            "2027-06-01T00:00[Europe/London]",
            "2027-07-01T00:00[Europe/London]",
        )
    };
    let first = june();
    assert!(first.mail.len() > 30, "{}", first.ledger);
    let second = june();
    assert!(first == second, "{}\n{}", first.ledger, second.ledger);
    assert_eq!(shop.ledger(), ledger);
    for (before, after) in before.into_iter().zip(real_things(&shop)) {
        assert_eq!(
            before.keys().collect::<Vec<_>>(),
            after.keys().collect::<Vec<_>>()
        );
        for (name, bytes) in before {
            assert!(after[&name] == bytes, "{name} changed");
        }
    }
}

/// Of a time that is over, it leaves out what was settled late but had come due before.
#[test]
fn a_rehearsal_of_what_is_over_begins_with_its_first_moment() {
    let shop = Shop::new();
    shop.no_rules();
    shop.rule(
        "thanks",
        "title = \"Thanks\"\ntemplate = \"thank-you\"\nclass = \"service\"\n\
         audience = \"customer\"\n[trigger.event]\nevent = \"visit\"\nafter = \"0 minutes\"\n\
         [send]\nlate = \"3 days\"\n[limits]\nbackfill = \"3 days\"\n",
    );
    shop.settings("[sending]\nquiet_hours = \"none\"\ncaps = {}\n");
    shop.customers("id,email\nann,ann@mail.example\n");
    let ago = |hours| crate::shop::now() - jiff::SignedDuration::from_hours(hours);
    let (before, within) = (ago(9), ago(3));
    shop.events(&format!(
        "id,customer_id,kind,at\nbefore,ann,visit,{before}\nwithin,ann,visit,{within}\n"
    ));
    shop.tick();
    assert_eq!(shop.outbox().len(), 2);
    let told = |hours| {
        ago(hours)
            .to_zoned_datetime(jiff::tz::TimeZone::UTC)
            .to_string()
    };
    let done = shop.rehearse(&told(6), &told(1));
    let occasions: Vec<&str> = done.entries.iter().map(|one| &*one.occasion).collect();
    assert_eq!(occasions, ["within"], "{}", done.ledger);
}

/// Headers as a person's mail program shows them, folded lines joined.
fn headers(mail: &str) -> Vec<String> {
    let head = mail.split("\r\n\r\n").next().unwrap();
    let unfolded = head.replace("\r\n ", " ");
    unfolded.split("\r\n").map(str::to_owned).collect()
}

#[test]
fn a_letter_in_a_colleagues_name_and_notes_inside_the_house_say_who_writes_to_whom() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/staff-and-owner");
    let done = rehearsed(&folder);
    let of = |rule: &str, customer: &str| {
        let mut mail = done.mail.iter();
        let (_, text) = mail
            .find(|(name, _)| name.contains(&format!("_{rule}_{customer}_")))
            .unwrap();
        headers(&String::from_utf8(text.clone()).unwrap())
    };
    let says = |headers: &[String], line: &str| {
        assert!(
            headers.iter().any(|header| header == line),
            "{line}: {headers:#?}"
        );
    };
    let letter = of("letter", "ann");
    says(&letter, "From: \"Bea Thorn\" <hello@thorn.example>");
    says(&letter, "Reply-To: \"Bea Thorn\" <bea@thorn.example>");
    // Who has no contact gets the business's letter.
    let letter = of("letter", "cat");
    let ours = |line: &String| line.starts_with("From: ") && !line.contains("Bea");
    assert!(letter.iter().any(ours));
    says(&letter, "Reply-To: anna@thorn.example");
    assert!(
        letter
            .iter()
            .any(|line| line.starts_with("List-Unsubscribe:"))
    );
    for (rule, to) in [
        ("call", "To: \"Bea Thorn\" <bea@thorn.example>"),
        ("quiet", "To: Rose <rose@thorn.example>"),
    ] {
        let note = of(rule, "ann");
        says(&note, to);
        assert!(!note.iter().any(|line| line.starts_with("List-Unsubscribe")));
    }
}
