//! Folders into which other programs drop files: read once they are complete, and moved if wanted.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::daemon::Daemon;
use crate::shop::{Ran, Runs as _, Shop, until};

/// A folder that is read as the shipped settings say.
const FOLDER: &str = "[[source]]\nname = \"till\"\nkind = \"csv\"\npath = \"../data/in\"\n\
    feeds = \"customers\"\n";
const MOVED: &str = "after = \"move\"\n";

fn shop(more: &str) -> Shop {
    let shop = Shop::new();
    shop.no_rules();
    shop.settings(&format!("{FOLDER}{more}"));
    fs::create_dir_all(shop.path("data/in")).unwrap();
    shop
}

fn drop_file(shop: &Shop, name: &str, text: &str) {
    shop.write(&format!("data/in/{name}"), text);
}

/// The program, so many seconds from now.
fn later(shop: &Shop, seconds: i64, args: &[&str]) -> Command {
    shop.write("off", seconds.to_string());
    let mut command = shop.fondly(args);
    let off = shop.path("off").display().to_string();
    command.env("FONDLY_FAULT", format!("clock-off:{off};up:{seconds}"));
    command
}

fn sync(shop: &Shop, seconds: i64) -> Ran {
    later(shop, seconds, &["sync"]).ran()
}

#[test]
fn a_file_is_read_once_it_was_left_alone() {
    let shop = shop("");
    drop_file(&shop, "a.csv", "id,email\n1,ann@home.example\n");
    drop_file(&shop, "b.csv.part", "id,email\n2,bob@home.example\n");
    sync(&shop, 0)
        .is(0)
        .says(&["data/in/a.csv may still be written to"]);
    sync(&shop, 11).is(0).says(&["data/in/a.csv: 1 new"]);
    sync(&shop, 12).is(0).says(&["1 file hasn't changed"]);
    // Under its final name it is a file like any other, however old its times are.
    fs::rename(shop.path("data/in/b.csv.part"), shop.path("data/in/b.csv")).unwrap();
    sync(&shop, 0)
        .is(0)
        .says(&["b.csv may still be written to"]);
    sync(&shop, 11).is(0).says(&["data/in/b.csv: 1 new"]);
}

#[test]
fn half_a_file_is_never_read() {
    let shop = shop("");
    drop_file(&shop, "a.csv", "id,email\n1,ann@home.example\n2,bo");
    sync(&shop, 9).is(0).says(&["may still be written to"]);
    let whole = "id,email\n1,ann@home.example\n2,bob@home.example\n";
    drop_file(&shop, "a.csv", whole);
    sync(&shop, 9).is(0).says(&["may still be written to"]);
    let read = sync(&shop, 11).is(0).says(&["2 new"]);
    assert!(read.out.contains("0 refused"), "{}", read.out);
}

#[test]
fn a_file_from_a_clock_that_is_ahead_is_read_once_it_was_seen_twice() {
    let shop = shop("");
    drop_file(&shop, "a.csv", "id\n1\n");
    // Our clock is an hour behind that of the file.
    sync(&shop, -3600).is(0).says(&["may still be written to"]);
    sync(&shop, -3591).is(0).says(&["may still be written to"]);
    sync(&shop, -3589).is(0).says(&["data/in/a.csv: 1 new"]);
}

#[test]
fn what_was_read_is_moved_and_nothing_is_overwritten() {
    let shop = shop(MOVED);
    for text in ["id\n1\n", "id\n1\n2\n", "id\n1\n2\n"] {
        drop_file(&shop, "a.csv", text);
        sync(&shop, 11).is(0);
        assert!(!shop.path("data/in/a.csv").exists());
    }
    let read = |name: &str| fs::read_to_string(shop.path("data/in/done").join(name)).unwrap();
    assert_eq!(read("a.csv"), "id\n1\n");
    assert_eq!(read("a-2.csv"), "id\n1\n2\n");
    // The third was the second once more.
    assert_eq!(read("a-3.csv"), "id\n1\n2\n");
    sync(&shop, 11).is(0);
}

#[test]
fn what_cannot_be_read_is_left_where_it_is() {
    let shop = shop(MOVED);
    drop_file(&shop, "a.csv", "name\nAnn\n");
    drop_file(&shop, "b.csv", "id\n1\n");
    sync(&shop, 11)
        .is(3)
        .says(&["data/in/a.csv:1: ", "data/in/b.csv: 1 new"]);
    assert!(shop.path("data/in/a.csv").exists());
    assert!(shop.path("data/in/done/b.csv").exists());
}

#[test]
fn what_is_tried_on_a_copy_moves_nothing() {
    let shop = shop(MOVED);
    drop_file(&shop, "a.csv", "id,email\n1,ann@home.example\n");
    shop.run(&["check"]).is(0).says(&["1 customer"]);
    shop.run(&["forecast"]).is(0);
    shop.rehearse("2027-01-01T00:00[UTC]", "2027-01-02T00:00[UTC]");
    assert!(shop.path("data/in/a.csv").exists());
    sync(&shop, 11).is(0).says(&["data/in/a.csv: 1 new"]);
}

#[test]
fn a_file_that_is_taken_away_again_is_no_trouble() {
    let shop = shop("complete_after = \"0 seconds\"\n");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (here, away) = (shop.path("data/in/a.csv"), shop.path("data/a.csv"));
            fs::write(&here, "id\n1\n").unwrap();
            while !over.load(Ordering::Relaxed) {
                fs::rename(&here, &away).unwrap();
                fs::rename(&away, &here).unwrap();
            }
        });
        for _ in 0..20 {
            shop.run(&["sync"]).is(0);
        }
        over.store(true, Ordering::Relaxed);
    });
}

#[tokio::test]
async fn a_running_daemon_picks_up_what_is_dropped() {
    // It looks for files once in a long while, unless one was there that wasn't complete yet.
    let settings = "complete_after = \"1 second\"\n[schedule]\nsync = \"0 0 0 1 1 *\"\n\
        tick = \"* * * * * *\"\n";
    let shop = shop(&format!("{MOVED}{settings}"));
    drop_file(&shop, "a.csv", "id,email\n1,ann@home.example\n");
    let daemon = Daemon::start(&shop);
    until("a.csv among the done", || {
        shop.path("data/in/done/a.csv").exists().then_some(())
    })
    .await;
    let ended = daemon.stop().await;
    assert!(ended.success(), "{ended}");
    shop.run(&["sync", "--report"]).is(0).says(&["1 customer;"]);
}

#[test]
fn what_the_settings_cannot_mean_is_told() {
    let shop = shop("complete_after = \"soon\"\nafter = \"burn\"\n");
    shop.run(&["check"])
        .is(1)
        .says(&["`soon` is no length of time", "burn"]);
}

/// A program exports under a new name every day, and what was read is moved away: a mended record comes
/// from another file than the bad one.
#[test]
fn a_record_mended_in_the_next_file_leaves_the_quarantine() {
    let shop = shop(&format!("{MOVED}complete_after = \"0 seconds\"\n"));
    let bad = "id,email,birthday\n7,ann@home.example,31.02.1990\n8,bob@home.example,soon\n";
    drop_file(&shop, "monday.csv", bad);
    shop.run(&["tick"]).is(3).says(&["2 records can't"]);
    // Still bad: it is there once, as it stands now.
    let same = bad.replace("31.02.1990", "30.02.1990");
    drop_file(&shop, "tuesday.csv", &same);
    shop.run(&["sync"]).is(3);
    let listed = shop.run(&["quarantine", "--format", "csv"]).is(3).out;
    assert_eq!(listed.lines().count(), 3, "{listed}");
    assert!(
        listed.contains("30.02.1990") && !listed.contains("monday"),
        "{listed}"
    );
    let mended = "id,email,birthday\n7,ann@home.example,1990-02-28\n";
    drop_file(&shop, "wednesday.csv", mended);
    shop.run(&["sync"]).is(3).says(&["1 new"]);
    let listed = shop.run(&["quarantine", "--format", "csv"]).is(3).out;
    assert!(
        listed.contains(",soon,") && !listed.contains(",7,"),
        "{listed}"
    );
    // Bob never comes again; somebody says so.
    shop.run(&["quarantine", "--clear", "till", "monday.csv"])
        .is(2)
        .says(&["nothing of `monday.csv`", "fondly quarantine"]);
    shop.run(&["quarantine", "--clear", "till"])
        .is(0)
        .says(&["1 record is taken out"]);
    shop.run(&["tick"]).is(0);
}

#[test]
fn what_a_file_still_holds_is_not_cleared() {
    let shop = shop("complete_after = \"0 seconds\"\n");
    for name in ["a.csv", "b.csv"] {
        let id = name.trim_end_matches(".csv");
        drop_file(&shop, name, &format!("id,birthday\n{id},soon\n"));
    }
    shop.run(&["sync"]).is(3).says(&["1 refused"]);
    let clear = |file: &[&str]| {
        let mut args = vec!["quarantine", "--clear", "till"];
        args.extend(file);
        shop.run(&args)
    };
    let words = &["still reads", "data/in/a.csv", "mend its records"];
    clear(&["a.csv"]).is(2).says(words);
    clear(&["c.csv"]).is(2).says(&["nothing of `c.csv`"]);
    fs::remove_file(shop.path("data/in/a.csv")).unwrap();
    clear(&[])
        .is(0)
        .says(&["1 record is taken out", "b.csv", "until it is mended"]);
    clear(&[]).is(2).says(&["still reads", "b.csv"]);
}
