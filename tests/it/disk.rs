//! Disks that fill up, fail and turn read-only, and stores that are damaged, gone or not theirs: no
//! letter leaves without an entry on the disk, what is wrong is said, and what heals goes on.
//!
//! `tests/shim/disk.c`, loaded into the real program, makes its file operations fail as told.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

use crate::daemon::{Daemon, count, shop, shop_with, visit};
use crate::relay::{Relay, Script};
use crate::shop::{Entry, Ran, Runs, Shop, until};

const STORE: &str = "var/fondly.db";
const LOG: &str = "var/fondly.db-wal";
const LOCK: &str = "var/fondly.db.lock";

/// The library that is loaded into the program; made once.
fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap().keep();
        let library = folder.join("disk.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shim/disk.c");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O2", "-o"]);
        cc.arg(&library).args([source, "-ldl"]).ran().is(0);
        library
    })
}

/// The disk under a shop's `var`.
pub(crate) struct Disk {
    control: PathBuf,
    below: PathBuf,
}

impl Disk {
    /// One without faults.
    pub(crate) fn of(shop: &Shop) -> Self {
        let disk = Self {
            control: shop.path("disk"),
            below: shop.path("").canonicalize().unwrap().join("var"),
        };
        disk.heals();
        disk
    }

    /// From now on, this happens; lines as `tests/shim/disk.c` explains them.
    pub(crate) fn does(&self, faults: &str) {
        fs::write(&self.control, faults).unwrap();
    }

    pub(crate) fn heals(&self) {
        self.does("all is well\n");
    }

    /// A command that works on it.
    pub(crate) fn under(&self, mut command: Command) -> Command {
        command
            .env("LD_PRELOAD", shim())
            .env("SHIM_BELOW", &self.below)
            .env("SHIM_MET", self.control.with_extension("met"))
            .env("SHIM_CONTROL", &self.control);
        command
    }

    /// Calls that failed so far.
    fn met(&self) -> u64 {
        fs::metadata(self.control.with_extension("met")).map_or(0, |file| file.len())
    }

    fn run(&self, shop: &Shop, args: &[&str]) -> Ran {
        self.under(shop.fondly(args)).ran()
    }
}

/// A daemon that has many letters to send, from a disk without faults so far.
async fn at_work() -> (Relay, Shop, Disk, Daemon) {
    let relay = Relay::start(Script::new()).await;
    let shop = shop_with(MANY, &relay);
    let disk = Disk::of(&shop);
    let daemon = Daemon::start_with(&shop, disk.under(shop.fondly(&["run"])));
    (relay, shop, disk, daemon)
}

/// Customers who got a letter; nobody got two. The owner isn't one of them.
fn served(relay: &Relay) -> BTreeSet<String> {
    let letters = relay.letters();
    let to = letters.iter().map(|letter| letter.to[0].clone());
    let customers: Vec<String> = to.filter(|to| to.ends_with("@mail.example")).collect();
    let served: BTreeSet<String> = customers.iter().cloned().collect();
    assert_eq!(customers.len(), served.len(), "somebody got two letters");
    served
}

/// Waits until the owner was written to with these words.
async fn owner_reads(relay: &Relay, words: &str) {
    let is_it = |letter: &crate::relay::Letter| {
        let text = String::from_utf8_lossy(&letter.message);
        letter.to[0] == "anna@thorn.example" && text.contains(words)
    };
    relay.until(|seen| seen.letters.iter().any(is_it)).await;
}

/// Like [`crate::daemon::fits`], over letters to customers only: the owner hears of trouble and of its end.
fn all_fits(entries: &[Entry], relay: &Relay) {
    let served = served(relay);
    for entry in entries {
        let there = served.contains(&format!("{}@mail.example", entry.customer));
        match entry.outcome.as_str() {
            "sent" => assert!(there, "{entry:#?} never arrived"),
            "unknown" => {}
            _ => assert!(!there, "{entry:#?} arrived"),
        }
    }
}

const MANY: usize = 300;

/// Waits until every customer has a letter.
async fn everybody_is_served(relay: &Relay) {
    relay
        .until(|seen| {
            let to = seen.letters.iter().map(|letter| &letter.to[0]);
            to.filter(|to| to.ends_with("@mail.example")).count() == MANY
        })
        .await;
}

/// The disk begins to fail in the middle of sending. While it fails, no letter leaves; the daemon
/// lives, tells the owner, and goes on by itself; nothing ends in doubt, since what the relay said
/// is kept until it can be written down.
async fn fails_while_sending(faults: &str, words: &str) {
    let (relay, shop, disk, daemon) = at_work().await;
    relay.until(|seen| seen.letters.len() >= 50).await;
    disk.does(faults);
    daemon.says("a pass failed").await;
    let before = served(&relay);
    assert!(
        before.len() < MANY,
        "everything was sent before the disk failed"
    );
    owner_reads(&relay, words).await;
    let failed = || daemon.log().matches("a pass failed").count();
    let by_now = failed();
    until("two more passes", || (failed() >= by_now + 2).then_some(())).await;
    assert_eq!(
        served(&relay),
        before,
        "letters left while nothing could be noted"
    );
    assert!(daemon.log().contains("fondly.db: "), "{}", daemon.log());

    disk.heals();
    owner_reads(&relay, "Settled: nothing is read").await;
    everybody_is_served(&relay).await;
    assert_eq!(daemon.stop().await.code(), Some(0));
    let entries = shop.ledger();
    all_fits(&entries, &relay);
    assert_eq!(count(&entries, "sent"), MANY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fills_up_while_sending_stops_it_until_there_is_room() {
    fails_while_sending("write ENOSPC .db-wal\n", "the disk is full").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_can_t_write_stops_the_sending_until_it_can() {
    fails_while_sending("write EIO .db-wal\n", "the disk fails").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_confirms_nothing_stops_the_sending_until_it_does() {
    fails_while_sending("sync EIO .db-wal\n", "the disk fails").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_turns_read_only_stops_the_sending_until_it_isn_t() {
    let read_only = "write EROFS *\nopen EROFS *\ncreate EROFS *\nunlink EROFS *\n\
        truncate EROFS *\nrename EROFS *\n";
    fails_while_sending(read_only, "read-only").await;
}

/// What is safe in the log may leave, but a database that takes nothing any more isn't kept quiet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_only_its_log_can_be_written_of_is_told() {
    let relay = Relay::start(Script::new()).await;
    let shop = shop_with(MANY, &relay);
    shop.run(&["sync"]).is(0);
    let disk = Disk::of(&shop);
    disk.does("write EIO .db\n");
    let daemon = Daemon::start_with(&shop, disk.under(shop.fondly(&["run"])));
    relay.until(|seen| seen.letters.len() >= MANY).await;
    owner_reads(&relay, "the disk fails").await;
    disk.heals();
    owner_reads(&relay, "Settled: nothing is read").await;
    assert_eq!(daemon.stop().await.code(), Some(0));
    let entries = shop.ledger();
    all_fits(&entries, &relay);
    assert_eq!(count(&entries, "sent"), MANY);
}

/// One sync fails and the next works, as Linux does it: what was written before may be lost for
/// good. The connection isn't used again, and nothing that hung on it leaves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_failed_sync_costs_no_letter_and_doubles_none() {
    let (relay, shop, disk, daemon) = at_work().await;
    for letters in [20, 80, 140] {
        relay.until(|seen| seen.letters.len() >= letters).await;
        let before = disk.met();
        disk.does(&format!("sync EIO .db-wal 0 1\n# {letters}\n"));
        until("a failed sync", || (disk.met() > before).then_some(())).await;
    }
    everybody_is_served(&relay).await;
    assert_eq!(daemon.stop().await.code(), Some(0));
    let entries = shop.ledger();
    all_fits(&entries, &relay);
    assert_eq!(count(&entries, "sent"), MANY);
}

/// Ended while the disk is full, nobody can know any more what the relay said last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_on_a_full_disk_it_doubts_a_few_and_repeats_none() {
    let (relay, shop, disk, daemon) = at_work().await;
    relay.until(|seen| seen.letters.len() >= 50).await;
    disk.does("write ENOSPC .db-wal\n");
    daemon.says("the disk is full").await;
    daemon.kill();
    // Nor can it start: said, and nothing sent.
    let before = served(&relay);
    disk.does("write ENOSPC *\ncreate ENOSPC *\n");
    disk.run(&shop, &["tick"])
        .is(1)
        .says(&[STORE, "the disk is full", "make room"]);
    assert_eq!(served(&relay), before);

    disk.heals();
    let ran = disk.run(&shop, &["tick"]);
    assert!(matches!(ran.code, Some(0 | 3)), "{ran:?}");
    let entries = shop.ledger();
    all_fits(&entries, &relay);
    let unknown = count(&entries, "unknown");
    assert!(unknown <= 4, "{unknown} unknown");
    assert_eq!(count(&entries, "sent") + unknown, MANY);
    assert_eq!(ran.code, Some(if unknown > 0 { 3 } else { 0 }));
}

/// What several commits that weren't confirmed leave in the log, one over the other, is no damage;
/// what of it counts after a kill is in doubt at most, and repeats nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_failed_syncs_it_takes_what_they_left_for_no_damage() {
    let (relay, shop, disk, daemon) = at_work().await;
    relay.until(|seen| seen.letters.len() >= 50).await;
    disk.does("sync EIO .db-wal\n");
    until("three failed passes", || {
        (daemon.log().matches("a pass failed").count() >= 3).then_some(())
    })
    .await;
    daemon.kill();
    assert!(length(&shop.path(LOG)) > 0, "there is no log to look at");
    disk.heals();
    let ran = disk.run(&shop, &["tick"]);
    assert!(matches!(ran.code, Some(0 | 3)), "{ran:?}");
    let entries = shop.ledger();
    all_fits(&entries, &relay);
    let unknown = count(&entries, "unknown");
    assert!(unknown <= 8, "{unknown} unknown");
    assert_eq!(count(&entries, "sent") + unknown, MANY);
}

/// Where a store can't be written, or not even opened, a pass says so and sends nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_can_t_be_written_sends_nothing_and_says_why() {
    let relay = Relay::start(Script::new()).await;
    let shop = shop_with(10, &relay);
    shop.run(&["sync"]).is(0);
    let disk = Disk::of(&shop);
    for (faults, words) in [
        ("open EACCES *\ncreate EACCES *\n", "read-only"),
        ("open EACCES .db\nopen EACCES .db-wal\n", "read-only"),
        (
            "open EROFS *\ncreate EROFS *\nwrite EROFS *\nunlink EROFS *\n",
            "read-only",
        ),
        ("write ENOSPC *\ncreate ENOSPC *\n", "the disk is full"),
        ("write EDQUOT *\ncreate EDQUOT *\n", "quota"),
        ("read EIO .db\n", "the disk fails"),
        ("write EIO *\n", "the disk fails"),
        ("sync EIO *\n", "the disk fails"),
    ] {
        disk.does(faults);
        let ran = disk.run(&shop, &["tick"]);
        assert_eq!(ran.code, Some(1), "{faults}{ran:?}");
        assert!(ran.err.contains(STORE), "{faults}{ran:?}");
        assert!(ran.err.contains(words), "{faults}{ran:?}");
        assert!(relay.letters().is_empty(), "{faults}{ran:?}");
    }
    disk.heals();
    disk.run(&shop, &["tick"]).is(0);
    assert_eq!(served(&relay).len(), 10);
}

/// Ten letters went out, ten more are due, and then something happens to the files.
fn ten_sent_and_ten_due(relay: &Relay) -> Shop {
    let shop = shop_with(20, relay);
    let all = fs::read_to_string(shop.path("data/events.csv")).unwrap();
    let ten: Vec<&str> = all.lines().take(11).collect();
    shop.events(&format!("{}\n", ten.join("\n")));
    shop.tick();
    assert_eq!(served(relay).len(), 10);
    shop.events(&all);
    shop
}

/// Writes this over a file, from there on.
fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = fs::File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

/// Where a table or an index begins, in bytes, and how large a page is.
async fn root_of(shop: &Shop, name: &str) -> (u64, usize) {
    let options = SqliteConnectOptions::new().filename(shop.path(STORE));
    let mut connection = options.connect().await.unwrap();
    let number = async |connection: &mut _, sql: &'static str, name: Option<&str>| -> i64 {
        let query = sqlx::query_scalar(sql).bind(name);
        query.fetch_one(connection).await.unwrap()
    };
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = $1";
    let page = number(&mut connection, root, Some(name)).await;
    let size = number(
        &mut connection,
        "SELECT page_size FROM pragma_page_size",
        None,
    )
    .await;
    sqlx::Connection::close(connection).await.unwrap();
    let size = u64::try_from(size).unwrap();
    let at = (u64::try_from(page).unwrap() - 1) * size;
    (at, usize::try_from(size).unwrap())
}

/// It refuses, says which file and what to do, sends nothing, and leaves the file as it is.
#[track_caller]
fn refuses(shop: &Shop, relay: &Relay, words: &[&str]) {
    let before = fs::read(shop.path(STORE)).ok();
    // An empty one says nothing, and may come and go.
    let entries = || fs::read(shop.path(LOG)).ok().filter(|log| !log.is_empty());
    let log = entries();
    for command in ["tick", "run"] {
        let ran = shop.run(&[command]).is(1).says(&[STORE]).says(words);
        assert!(!ran.err.contains("panicked"), "{ran:?}");
    }
    assert_eq!(served(relay).len(), 10, "letters left");
    assert_eq!(fs::read(shop.path(STORE)).ok(), before, "it was changed");
    assert_eq!(entries(), log, "its log was changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_store_is_refused_and_left_as_it_is() {
    let relay = Relay::start(Script::new()).await;
    let shop = ten_sent_and_ten_due(&relay);
    let sound = fs::read(shop.path(STORE)).unwrap();
    let store = shop.path(STORE);
    let damaged: &[&str] = &["damaged", "backup"];

    overwrite(&store, 0, &[b'x'; 100]);
    refuses(&shop, &relay, damaged);

    fs::write(&store, &sound[..sound.len() / 2]).unwrap();
    refuses(&shop, &relay, damaged);

    // SQLite takes both for a new database.
    for bytes in ["", "S"] {
        fs::write(&store, bytes).unwrap();
        refuses(&shop, &relay, damaged);
    }

    fs::write(&store, "id,email\n1,ann@mail.example\n".repeat(500)).unwrap();
    refuses(&shop, &relay, damaged);

    fs::write(&store, &sound).unwrap();
    let (at, size) = root_of(&shop, "meta").await;
    overwrite(&store, at, &vec![0xAA; size]);
    refuses(&shop, &relay, damaged);

    // What only shows once it is looked at stops the pass then.
    for name in ["ledger", "ledger_queue", "customer", "letter"] {
        fs::write(&store, &sound).unwrap();
        let (at, size) = root_of(&shop, name).await;
        overwrite(&store, at, &vec![0xAA; size]);
        shop.run(&["tick"]).is(1).says(&[STORE]).says(damaged);
        assert_eq!(served(&relay).len(), 10, "letters left");
        // Whoever comes next looks through the whole store first.
        shop.run(&["run"]).is(1).says(&[STORE]).says(damaged);
        shop.run(&["tick"]).is(1).says(&[STORE]).says(damaged);
        assert_eq!(served(&relay).len(), 10, "letters left");
        for left in ["-wal", "-shm"] {
            // They may be gone already.
            drop(fs::remove_file(shop.path(&format!("{STORE}{left}"))));
        }
    }
    fs::write(&store, &sound).unwrap();

    // In good order again, it is an older copy; once a person has looked, it goes on where it was.
    goes_on(&shop);
    assert_eq!(served(&relay).len(), 20);
}

/// A page that no pass looks at is found, too, where the machine went down under fondly: then the
/// whole store is looked through before the first letter.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_crash_of_the_machine_the_whole_store_is_looked_through() {
    let relay = Relay::start(Script::new()).await;
    let shop = ten_sent_and_ten_due(&relay);
    let store = shop.path(STORE);
    let sound = fs::read(&store).unwrap();
    let (at, size) = root_of(&shop, "suppression").await;
    overwrite(&store, at, &vec![0xAA; size]);
    let note = "held by pid 7, `fondly run`, on shop, since 2027-05-02T09:00:00Z\nboot earlier\n";
    shop.write(LOCK, note);
    refuses(&shop, &relay, &["damaged", "backup"]);
    // Who only tries again meets the same.
    refuses(&shop, &relay, &["damaged", "backup"]);
    fs::write(&store, &sound).unwrap();
    shop.run(&["tick"]).is(0);
    assert_eq!(served(&relay).len(), 20);
    assert_eq!(fs::read(shop.path(LOCK)).unwrap(), b"", "ended in peace");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_vanished_isn_t_begun_anew() {
    let relay = Relay::start(Script::new()).await;
    let shop = ten_sent_and_ten_due(&relay);
    let elsewhere = shop.path("elsewhere.db");
    fs::rename(shop.path(STORE), &elsewhere).unwrap();
    refuses(&shop, &relay, &["gone", "restore a backup"]);
    assert!(!shop.path(STORE).exists());
    fs::rename(&elsewhere, shop.path(STORE)).unwrap();
    shop.run(&["tick"]).is(0);
    assert_eq!(served(&relay).len(), 20);
}

/// After a kill the latest entries stand in the log alone. SQLite would pass over one that it can't
/// read, and those entries would be forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_log_is_refused_instead_of_passed_over() {
    let relay = Relay::start(Script::new()).await;
    let shop = shop_with(100, &relay);
    let daemon = Daemon::start(&shop);
    relay.until(|seen| seen.letters.len() >= 100).await;
    until("entries", || {
        (count(&shop.ledger_so_far(), "sent") == 100).then_some(())
    })
    .await;
    daemon.kill();
    let (store, log) = (shop.path(STORE), shop.path(LOG));
    let (sound, logged) = (fs::read(&store).unwrap(), fs::read(&log).unwrap());
    let refuses = |words: &[&str]| {
        let before = fs::read(&log).unwrap();
        let ran = shop.run(&["tick"]).is(1);
        ran.says(&[STORE, "damaged", "backup"]).says(words);
        assert_eq!(fs::read(&log).unwrap(), before, "its log was changed");
        assert_eq!(served(&relay).len(), 100);
    };
    fs::write(&log, vec![b'x'; logged.len()]).unwrap();
    refuses(&["isn't one"]);
    fs::write(&log, &logged).unwrap();
    // A single page in its middle.
    overwrite(&log, length(&log) / 2, &[0xAA; 100]);
    refuses(&["is broken at its page"]);
    // Its database is gone.
    fs::write(&log, &logged).unwrap();
    fs::remove_file(&store).unwrap();
    shop.run(&["tick"]).is(1).says(&[STORE, "gone"]);
    fs::write(&store, &sound).unwrap();
    // A tail that a power cut tore is no damage.
    let torn = logged.len() - 100;
    fs::write(&log, &logged[..torn]).unwrap();
    let ran = shop.run(&["tick"]);
    assert!(matches!(ran.code, Some(0 | 3)), "{ran:?}");
    assert_eq!(served(&relay).len(), 100);
}

/// A store from before the damage was put back: a person says that it is the only one.
fn goes_on(shop: &Shop) {
    shop.run(&["tick"]).is(3).says(&["older copy"]);
    shop.run(&["resume", "--only-copy", "--send-due"]).is(0);
    shop.run(&["tick"]).is(0);
}

/// Damage that a running daemon meets stops it for good: each pass looks through the store first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_met_while_it_runs_stops_every_letter() {
    let relay = Relay::start(Script::new()).await;
    let shop = shop_with(0, &relay);
    shop.customers("id,email\nann,ann@mail.example\nbob,bob@mail.example\n");
    shop.run(&["sync"]).is(0);
    let store = shop.path(STORE);
    let sound = fs::read(&store).unwrap();
    let (at, size) = root_of(&shop, "letter").await;
    overwrite(&store, at, &vec![0xAA; size]);
    let daemon = Daemon::start(&shop);
    daemon.says("nothing due").await;
    visit(&shop, "ann");
    daemon.says("the database is damaged").await;
    owner_reads(&relay, "the database is damaged").await;
    visit(&shop, "bob");
    let failed = || daemon.log().matches("a pass failed").count();
    let by_now = failed();
    until("two more passes", || (failed() >= by_now + 2).then_some(())).await;
    assert_eq!(served(&relay).len(), 0);
    assert_eq!(daemon.stop().await.code(), Some(0));
    shop.run(&["tick"]).is(1).says(&[STORE, "damaged"]);
    for left in ["-wal", "-shm"] {
        // Some of them may be gone already.
        drop(fs::remove_file(shop.path(&format!("{STORE}{left}"))));
    }
    fs::write(&store, sound).unwrap();
    goes_on(&shop);
    assert_eq!(served(&relay).len(), 2);
}

/// What is written to a file that has lost its name, nobody finds again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_moved_away_under_it_stops_every_letter_until_it_is_back() {
    let relay = Relay::start(Script::new()).await;
    let shop = shop_with(0, &relay);
    shop.customers("id,email\nann,ann@mail.example\n");
    let daemon = Daemon::start(&shop);
    daemon.says("nothing due").await;
    let elsewhere = shop.path("elsewhere.db");
    fs::rename(shop.path(STORE), &elsewhere).unwrap();
    visit(&shop, "ann");
    daemon.says("was moved, deleted or replaced").await;
    owner_reads(&relay, "was moved, deleted or replaced").await;
    assert_eq!(served(&relay).len(), 0);
    fs::rename(&elsewhere, shop.path(STORE)).unwrap();
    owner_reads(&relay, "Settled: nothing is read").await;
    assert_eq!(daemon.stop().await.code(), Some(0));
    let entries = shop.ledger();
    assert_eq!((entries.len(), count(&entries, "sent")), (1, 1));
    assert_eq!(served(&relay).len(), 1);
}

/// The folder that letters are written to is full: they wait.
#[tokio::test]
async fn an_outbox_without_room_defers_its_letters_and_loses_none() {
    let shop = shop(5);
    shop.run(&["sync"]).is(0);
    let disk = Disk::of(&shop);
    for faults in [
        "write ENOSPC .part\n",
        "create ENOSPC .part\n",
        "sync EIO .part\n",
        "rename EIO .eml\n",
    ] {
        disk.does(faults);
        disk.run(&shop, &["tick"]).is(3).says(&["outbox"]);
        assert!(shop.outbox().is_empty(), "{faults}");
        let left = fs::read_dir(shop.path("var/outbox"));
        let left = left.map_or(0, Iterator::count);
        assert_eq!(left, 0, "a draft was left: {faults}");
        let entries = shop.ledger();
        assert_eq!(count(&entries, "deferred"), 5, "{faults}{entries:#?}");
        // A minute later.
        shop.tamper("UPDATE ledger SET next_attempt_at = due_at; DELETE FROM relay")
            .await;
    }
    disk.heals();
    disk.run(&shop, &["tick"]).is(0);
    assert_eq!(shop.outbox().len(), 5);
    assert_eq!(count(&shop.ledger(), "sent"), 5);
}

/// A copy that doesn't get finished isn't left lying around as if it were one.
#[tokio::test]
async fn a_rehearsal_without_room_says_so_and_leaves_nothing() {
    let shop = shop(5);
    shop.run(&["sync"]).is(0);
    let disk = Disk {
        below: shop.path("").canonicalize().unwrap().join("rehearsal"),
        ..Disk::of(&shop)
    };
    disk.does("write ENOSPC *\n");
    let args = [
        "rehearse",
        "--from",
        "2027-01-01T00:00[UTC]",
        "--until",
        "2027-02-01T00:00[UTC]",
        "--out",
        "rehearsal",
    ];
    disk.run(&shop, &args).is(1).says(&["the disk is full"]);
    let mut left = Vec::new();
    for entry in fs::read_dir(shop.path("rehearsal")).unwrap() {
        let entry = entry.unwrap();
        let mut bytes = Vec::new();
        if entry.file_type().unwrap().is_file() {
            fs::File::open(entry.path())
                .unwrap()
                .read_to_end(&mut bytes)
                .unwrap();
        }
        if !bytes.is_empty() {
            left.push(entry.file_name());
        }
    }
    assert!(left.is_empty(), "{left:?}");
    disk.heals();
    disk.run(&shop, &args).is(0);
    assert_eq!(shop.run(&["log"]).is(0).code, Some(0));
}
