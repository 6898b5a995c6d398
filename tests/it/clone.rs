//! A restored older store, a second copy of one: noticed, and held until a person has spoken. And
//! what only looks like one: never held.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::daemon::Daemon;
use crate::relay::{Act, At, Relay, Script};
use crate::shop::{Entry, Ran, Runs as _, Shop, now};

/// A word of thanks as soon as a visit is seen, whatever the hour of the day.
const AT_ONCE: &str = "title = \"Thanks\"\ntemplate = \"thank-you\"\nclass = \"service\"\n\
    audience = \"customer\"\n[trigger.event]\nevent = \"visit\"\nafter = \"0 minutes\"\n\
    [limits]\nbackfill = \"3 days\"\n";

const SETTINGS: &str = "[sending]\nquiet_hours = \"none\"\ncaps = {}\n";

/// What is said where a pass doesn't take place.
const HELD: &str = "Nothing is planned or sent.";
/// What the owner's address ends with, who gets alerts.
const OWNER: &str = "@thorn.example";

fn shop() -> Shop {
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("at-once", AT_ONCE);
    shop.settings(SETTINGS);
    shop
}

/// A shop whose letters go to this relay.
fn shop_with(relay: &Relay, unknown: &str) -> Shop {
    let shop = shop();
    let port = relay.config().port;
    shop.settings(&format!(
        "{SETTINGS}[mail]\ntransport = \"smtp\"\n[mail.smtp]\nhost = \"127.0.0.1\"\n\
         port = {port}\nsecurity = \"none\"\nper_second = 10000\nwhen_unknown = \"{unknown}\"\n"
    ));
    shop
}

/// These customers were here a moment ago.
fn visits(shop: &Shop, whose: &[&str]) {
    let (mut customers, mut events) = (
        "id,email\n".to_owned(),
        "id,customer_id,kind,at\n".to_owned(),
    );
    for id in whose {
        writeln!(customers, "{id},{id}@mail.example").unwrap();
        writeln!(events, "v-{id},{id},visit,{}", now()).unwrap();
    }
    shop.customers(&customers);
    shop.events(&events);
}

/// The store's files, without what stands beside it.
fn database(var: &Path) -> Vec<PathBuf> {
    let files = ["fondly.db", "fondly.db-wal", "fondly.db-shm"];
    files.map(|name| var.join(name)).to_vec()
}

/// Copies the database alone into a folder, in place of the one that is there.
fn copy_database(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for (from, to) in database(from).iter().zip(database(to)) {
        if from.exists() {
            fs::copy(from, to).unwrap();
        } else if to.exists() {
            fs::remove_file(to).unwrap();
        }
    }
}

/// Copies a whole folder.
fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The shop's folder as another machine would have it: a command there.
fn elsewhere(shop: &Shop, folder: &Path, args: &[&str]) -> Command {
    let mut command = shop.fondly(args);
    command
        .current_dir(folder)
        .env("FONDLY_FAULT", "machine:another");
    command
}

/// Letters to customers that came to the relay.
fn arrived(relay: &Relay) -> Vec<String> {
    let letters = relay
        .letters()
        .into_iter()
        .map(|letter| letter.to[0].clone());
    let mut to: Vec<String> = letters.filter(|to| !to.ends_with(OWNER)).collect();
    to.sort();
    to
}

#[track_caller]
fn is_held(ran: Ran, words: &[&str]) {
    ran.is(3).says(&[HELD]).says(words);
}

#[track_caller]
fn goes(ran: Ran) {
    assert!(!ran.out.contains(HELD), "{}", ran.out);
    ran.is(0);
}

/// Of all entries with this outcome, for whom.
fn whose(shop: &Shop, outcome: &str) -> Vec<String> {
    let entries = shop.ledger_so_far().into_iter();
    let mut ids: Vec<String> = entries
        .filter(|entry| entry.outcome == outcome)
        .map(|entry| entry.customer)
        .collect();
    ids.sort();
    ids
}

/// A shop with a backup from before its two letters went out, which is back in its place.
fn restored(relay: &Relay, unknown: &str) -> Shop {
    let shop = shop_with(relay, unknown);
    visits(&shop, &[]);
    goes(shop.run(&["tick"]));
    copy_database(&shop.path("var"), &shop.path("backup"));
    visits(&shop, &["ann", "bob"]);
    goes(shop.run(&["tick"]));
    assert_eq!(arrived(relay).len(), 2);
    copy_database(&shop.path("backup"), &shop.path("var"));
    shop
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_restored_is_held_and_repeats_nothing() {
    let relay = Relay::start(Script::new()).await;
    let shop = restored(&relay, "hold");
    for _ in 0..2 {
        is_held(
            shop.run(&["tick"]),
            &["an older copy of the store", "2 letters left since"],
        );
    }
    shop.run(&["log"]).is(0).says(&["may not be the only copy"]);
    let ways = ["--only-copy", "--send-due", "Make sure that no other copy"];
    shop.run(&["resume"]).is(3).says(&ways);
    is_held(shop.run(&["tick"]), &[]);
    shop.run(&["resume", "--only-copy"])
        .is(0)
        .says(&["counts as unknown"]);
    // What may have gone out is said to be unknown, and isn't sent again.
    shop.run(&["tick"])
        .is(3)
        .says(&["2 unknown (restored-copy)"]);
    shop.run(&["tick"]).is(3);
    assert_eq!(arrived(&relay).len(), 2);
    assert_eq!(whose(&shop, "unknown"), ["ann", "bob"]);
    // A person who looked settles it, and everything goes on as ever.
    let entries = shop.ledger_so_far();
    let entry = |who: &str| {
        entries
            .iter()
            .find(|one| one.customer == who)
            .unwrap()
            .id
            .clone()
    };
    shop.run(&["resolve", &entry("ann"), "--sent"]).is(0);
    shop.run(&["resolve", &entry("bob"), "--resend"]).is(0);
    visits(&shop, &["ann", "bob", "cid"]);
    goes(shop.run(&["tick"]));
    assert_eq!(whose(&shop, "sent"), ["ann", "bob", "cid"]);
    let to = ["ann", "bob", "bob", "cid"].map(|who| format!("{who}@mail.example"));
    assert_eq!(arrived(&relay), to);
}

/// Made beside a daemon, by the command, and put back as the documents say.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_made_while_everything_goes_on_is_whole_and_private_and_repeats_nothing() {
    use std::os::unix::fs::PermissionsExt as _;

    let relay = Relay::start(Script::new()).await;
    let shop = shop_with(&relay, "hold");
    visits(&shop, &["ann"]);
    let mut run = shop.fondly(&["run"]);
    for what in ["SYNC", "TICK"] {
        run.env(format!("FONDLY__SCHEDULE__{what}"), "* * * * * *");
    }
    let daemon = Daemon::start_with(&shop, run);
    relay.until(|seen| !seen.letters.is_empty()).await;
    let copy = shop.path("fondly-backup.db");
    let file = copy.display().to_string();
    shop.run(&["backup", &file])
        .is(0)
        .says(&["holds everything up to now"]);
    let mode = fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    shop.run(&["backup", &file])
        .is(1)
        .says(&[&file, "there is a file already"]);
    let nowhere = shop.path("nowhere/at-all.db").display().to_string();
    shop.run(&["backup", &nowhere]).is(1).says(&[&nowhere]);
    visits(&shop, &["ann", "bob"]);
    relay.until(|seen| seen.letters.len() == 2).await;
    assert_eq!(daemon.stop().await.code(), Some(0));

    let var = shop.path("var");
    for gone in ["fondly.db-wal", "fondly.db-shm"] {
        if var.join(gone).exists() {
            fs::remove_file(var.join(gone)).unwrap();
        }
    }
    fs::rename(&copy, var.join("fondly.db")).unwrap();
    is_held(shop.run(&["tick"]), &["an older copy of the store"]);
    shop.run(&["resume", "--only-copy"]).is(0);
    shop.run(&["tick"]).is(3);
    assert_eq!(whose(&shop, "sent"), ["ann"]);
    assert_eq!(whose(&shop, "unknown"), ["bob"]);
    assert_eq!(arrived(&relay).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_wants_it_sent_again_can_say_so() {
    let relay = Relay::start(Script::new()).await;
    let shop = restored(&relay, "hold");
    is_held(shop.run(&["tick"]), &[]);
    shop.run(&["resume", "--only-copy", "--send-due"]).is(0);
    goes(shop.run(&["tick"]));
    assert_eq!(arrived(&relay).len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_copy_does_not_resend_what_is_unknown() {
    // The first answer is lost, and the settings say that the relay drops repeats.
    let relay = Relay::start(Script::new().nth(At::Dot, 1, Act::Close)).await;
    let shop = shop_with(&relay, "resend");
    visits(&shop, &["ann"]);
    shop.run(&["tick"]).is(3);
    assert_eq!(whose(&shop, "unknown"), ["ann"]);
    copy_database(&shop.path("var"), &shop.path("backup"));
    goes(shop.run(&["tick"]));
    let before = arrived(&relay);
    copy_database(&shop.path("backup"), &shop.path("var"));
    is_held(shop.run(&["tick"]), &["an older copy"]);
    assert_eq!(whose(&shop, "unknown"), ["ann"]);
    assert_eq!(arrived(&relay), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_whole_folder_is_held_and_the_first_goes_on() {
    let relay = Relay::start(Script::new()).await;
    let shop = shop_with(&relay, "hold");
    visits(&shop, &["ann"]);
    goes(shop.run(&["tick"]));
    visits(&shop, &["ann", "bob"]);
    let copy = tempfile::tempdir().unwrap();
    copy_all(&shop.path(""), copy.path());
    let there = |args: &[&str]| elsewhere(&shop, copy.path(), args).ran();
    is_held(there(&["tick"]), &["was copied here"]);
    // On the same machine as well.
    is_held(there(&["tick"]), &["was copied here"]);
    goes(shop.run(&["tick"]));
    is_held(there(&["tick"]), &[]);
    there(&["resume", "--only-copy"]).is(0);
    there(&["tick"]).is(3).says(&["1 unknown (restored-copy)"]);
    assert_eq!(arrived(&relay).len(), 2);
    // The database alone.
    copy_database(&shop.path("var"), &copy.path().join("var"));
    fs::remove_file(copy.path().join("var/fondly.db.witness")).unwrap();
    is_held(there(&["tick"]), &["taken from somewhere else"]);
    goes(shop.run(&["tick"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_copies_on_a_machine_the_one_that_was_confirmed_goes_on() {
    let shop = shop();
    let state = shop.path("state");
    let run = |folder: &Path, args: &[&str]| {
        let mut command = shop.fondly(args);
        command.current_dir(folder).env("XDG_STATE_HOME", &state);
        command.ran()
    };
    let (first, copy) = (shop.path(""), tempfile::tempdir().unwrap());
    visits(&shop, &["ann"]);
    goes(run(&first, &["tick"]));
    copy_all(&first, copy.path());
    is_held(run(copy.path(), &["tick"]), &["was copied here"]);
    run(copy.path(), &["resume", "--only-copy"]).is(0);
    goes(run(copy.path(), &["tick"]));
    is_held(run(&first, &["tick"]), &["said to be the one that goes on"]);
    run(&first, &["resume", "--only-copy"]).is(0);
    goes(run(&first, &["tick"]));
    is_held(
        run(copy.path(), &["tick"]),
        &["said to be the one that goes on"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_set_back_with_its_witness_is_told_by_the_other_one() {
    let relay = Relay::start(Script::new()).await;
    let shop = shop_with(&relay, "hold");
    let state = shop.path("state");
    let run = |args: &[&str]| shop.fondly(args).env("XDG_STATE_HOME", &state).ran();
    visits(&shop, &[]);
    goes(run(&["tick"]));
    copy_all(&shop.path("var"), &shop.path("backup"));
    visits(&shop, &["ann"]);
    goes(run(&["tick"]));
    // Over the files that are there, as `cp -r` does: they stay the same files.
    copy_database(&shop.path("backup"), &shop.path("var"));
    let witness = "fondly.db.witness";
    fs::copy(
        shop.path("backup").join(witness),
        shop.path("var").join(witness),
    )
    .unwrap();
    is_held(run(&["tick"]), &["an older copy", "1 letter left since"]);
    assert_eq!(arrived(&relay).len(), 1);
}

#[test]
fn a_store_that_was_lost_does_not_send_what_lies_in_the_outbox() {
    let shop = shop();
    visits(&shop, &["ann", "bob"]);
    goes(shop.run(&["tick"]));
    for file in fs::read_dir(shop.path("var")).unwrap() {
        let file = file.unwrap();
        if file.file_name() != "outbox" {
            fs::remove_file(file.path()).unwrap();
        }
    }
    let before = shop.outbox();
    is_held(shop.run(&["tick"]), &["2 letters in the outbox"]);
    shop.run(&["resume", "--only-copy"]).is(0);
    // A file is in its place or isn't: nothing is left to guess.
    goes(shop.run(&["tick"]));
    goes(shop.run(&["tick"]));
    assert_eq!(whose(&shop, "sent"), ["ann", "bob"]);
    for (name, letter) in before {
        if !name.starts_with("alert") {
            assert!(shop.outbox()[&name] == letter, "{name} was written again");
        }
    }
}

/// Where the outbox couldn't be looked into, they stayed unknown for good although they lie there.
#[test]
fn letters_that_cannot_be_looked_for_are_looked_for_again() {
    let shop = shop();
    visits(&shop, &["ann", "bob"]);
    goes(shop.run(&["tick"]));
    for file in fs::read_dir(shop.path("var")).unwrap() {
        let file = file.unwrap();
        if file.file_name() != "outbox" {
            fs::remove_file(file.path()).unwrap();
        }
    }
    is_held(shop.run(&["tick"]), &["2 letters in the outbox"]);
    let ann = shop.path("var/outbox").join(
        shop.outbox()
            .keys()
            .find(|name| !name.starts_with("alert"))
            .unwrap(),
    );
    let kept = shop.path("kept.eml");
    fs::rename(&ann, &kept).unwrap();
    // A link to itself can't be looked behind, whoever looks.
    std::os::unix::fs::symlink(&ann, &ann).unwrap();
    shop.run(&["resume", "--only-copy"]).is(0);
    shop.run(&["tick"]).is(1).says(&["outbox"]);
    fs::rename(&kept, &ann).unwrap();
    goes(shop.run(&["tick"]));
    assert_eq!(whose(&shop, "sent"), ["ann", "bob"]);
}

#[test]
fn another_store_in_the_place_of_the_first_is_held() {
    let shop = shop();
    visits(&shop, &[]);
    goes(shop.run(&["tick"]));
    for file in database(&shop.path("var")) {
        drop(fs::remove_file(file));
    }
    // None is begun anew unasked; and where somebody asks for it, a new one is still another one.
    shop.run(&["tick"]).is(1).says(&["and it is gone"]);
    fs::remove_file(shop.path("var/fondly.db.lock")).unwrap();
    is_held(shop.run(&["tick"]), &["another store"]);
    shop.run(&["resume", "--only-copy"]).is(0);
    goes(shop.run(&["tick"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_store_where_another_was_lost_is_held() {
    let relay = Relay::start(Script::new()).await;
    let shop = shop_with(&relay, "hold");
    let state = shop.path("state");
    let run = |args: &[&str]| shop.fondly(args).env("XDG_STATE_HOME", &state).ran();
    visits(&shop, &["ann", "bob"]);
    goes(run(&["tick"]));
    fs::remove_dir_all(shop.path("var")).unwrap();
    visits(&shop, &["ann", "bob", "cid"]);
    let lost = [
        "another was at work in its place",
        "It had sent 2 letters",
        "asked by a link for no more letters",
    ];
    let advice = "Put the last backup in its place";
    is_held(run(&["tick"]), &lost);
    run(&["doctor", "--dns", "127.0.0.1:9", "--wait", "1"])
        .is(3)
        .says(&lost)
        .says(&[advice]);
    run(&["resume"]).is(3).says(&lost);
    is_held(run(&["tick"]), &[advice]);
    assert_eq!(arrived(&relay).len(), 2);
    run(&["resume", "--only-copy"]).is(0);
    run(&["tick"]).is(3).says(&["3 unknown (restored-copy)"]);
    assert_eq!(whose(&shop, "unknown"), ["ann", "bob", "cid"]);
    visits(&shop, &["ann", "bob", "cid", "dan"]);
    run(&["tick"]).is(3).says(&["1 sent"]);
    let letters = ["ann", "bob", "dan"].map(|who| format!("{who}@mail.example"));
    assert_eq!(arrived(&relay), letters);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_that_is_begun_anew_is_not_held_nor_is_going_live_after_it() {
    let relay = Relay::start(Script::new()).await;
    let live = shop_with(&relay, "hold");
    let live = fs::read(live.path("config/local.toml")).unwrap();
    let shop = shop();
    let state = shop.path("state");
    let run = |args: &[&str]| shop.fondly(args).env("XDG_STATE_HOME", &state).ran();
    visits(&shop, &["ann"]);
    for _ in 0..2 {
        goes(run(&["tick"]));
        assert_eq!(shop.outbox().len(), 1);
        // What was only written to a folder, nobody got.
        fs::remove_dir_all(shop.path("var")).unwrap();
    }
    shop.write("config/local.toml", live);
    goes(run(&["tick"]));
    assert_eq!(arrived(&relay), ["ann@mail.example"]);
}

#[test]
fn moving_after_a_pause_is_not_held() {
    let shop = shop();
    visits(&shop, &["ann"]);
    goes(shop.run(&["tick"]));
    shop.run(&["pause"]).is(0);
    visits(&shop, &["ann", "bob"]);
    let copy = tempfile::tempdir().unwrap();
    copy_all(&shop.path(""), copy.path());
    let there = |args: &[&str]| elsewhere(&shop, copy.path(), args).ran();
    there(&["resume"]).is(0).says(&["has moved here"]);
    let ran = there(&["tick"]).is(0);
    assert!(ran.out.contains("1 sent"), "{}", ran.out);
    // The old one stays as it was told to be.
    shop.run(&["tick"]).says(&["Everything is paused"]);
    assert_eq!(shop.outbox().len(), 1);
}

#[test]
fn a_container_with_another_name_at_each_start_is_not_held() {
    let shop = shop();
    let all = ["ann", "bob", "cid", "dan"];
    for (n, machine) in ["a", "b", "c", "d"].iter().enumerate() {
        visits(&shop, &all[..=n]);
        let fault = format!("machine:{machine}");
        goes(shop.fondly(&["tick"]).env("FONDLY_FAULT", fault).ran());
    }
    // Carried to another folder of the same disk it is the same store, too.
    fs::rename(shop.path("var"), shop.path("kept")).unwrap();
    fs::rename(shop.path("kept"), shop.path("var")).unwrap();
    goes(shop.run(&["tick"]));
    assert_eq!(shop.ledger().iter().filter(|one| one.is_sent()).count(), 4);
}

#[test]
fn two_machines_on_one_folder_are_held() {
    let shop = shop();
    let on = |machine: &str| {
        let fault = format!("machine:{machine}");
        shop.fondly(&["tick"]).env("FONDLY_FAULT", fault).ran()
    };
    goes(on("a"));
    goes(on("b"));
    is_held(on("a"), &["Two machines work with this store in turns"]);
    goes(on("b"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_moment_is_not_taken_for_a_copy() {
    let relay = Relay::start(Script::new()).await;
    let shop = shop_with(&relay, "hold");
    let mut all: Vec<String> = Vec::new();
    for point in fondly::points::ALL {
        all.push(format!("c{}", all.len()));
        all.push(format!("c{}", all.len()));
        let refs: Vec<&str> = all.iter().map(String::as_str).collect();
        visits(&shop, &refs);
        let fault = format!("end-at:{point}:1");
        let ran = shop.fondly(&["tick"]).env("FONDLY_FAULT", fault).ran();
        assert!(!ran.out.contains(HELD), "{point}: {}", ran.out);
        let ran = shop.run(&["tick"]);
        assert!(!ran.out.contains(HELD), "after {point}: {}", ran.out);
        assert!(matches!(ran.code, Some(0 | 3)), "{}{}", ran.out, ran.err);
    }
    let sent = shop
        .ledger_so_far()
        .iter()
        .filter(|one| Entry::is_sent(one))
        .count();
    assert!(sent > all.len() / 2, "{sent} of {}", all.len());
}

/// Root looks after a service by hand, without what systemd tells the service.
#[test]
fn whoever_speaks_by_hand_sees_what_the_service_sees() {
    let shop = shop();
    let state = shop.path("service");
    let service = || shop.fondly(&["tick"]).env("STATE_DIRECTORY", &state).ran();
    visits(&shop, &[]);
    goes(service());
    copy_all(&shop.path("var"), &shop.path("backup"));
    goes(service());
    copy_database(&shop.path("backup"), &shop.path("var"));
    let witness = "fondly.db.witness";
    fs::copy(
        shop.path("backup").join(witness),
        shop.path("var").join(witness),
    )
    .unwrap();
    is_held(service(), &["an older copy"]);
    shop.run(&["resume"]).is(3).says(&["an older copy"]);
    shop.run(&["resume", "--only-copy"]).is(0);
    goes(service());
}
