//! `fondly run` as a service manager sees it: woken, panicking, stopped, killed and started again.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use fondly::clock::Clock;
use fondly::engine::plan::plan;
use fondly::engine::sync::sync;
use fondly::engine::{House, Plans};
use jiff::tz::TimeZone;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::net::UnixDatagram;

use crate::relay::{Act, At, Relay, Script};
use crate::shop::{Entry, PATIENCE, Shop, now, until};
use crate::sure::{MISSED, town};

/// The promise for a stop.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Looks every two seconds, holds nothing back.
const SETTINGS: &str = "[schedule]\nsync = \"*/2 * * * * *\"\ntick = \"*/2 * * * * *\"\n\
    [sending]\nquiet_hours = \"none\"\ncaps = {}\n";

/// No batch is too large.
const UNGUARDED: &str = "[guard]\nmax_per_rule_per_day = 1000000\n";

/// A word of thanks as soon as a visit is seen, whatever the hour of the day.
const AT_ONCE: &str = "title = \"Thank you for your visit\"\ntemplate = \"thank-you\"\n\
    class = \"service\"\naudience = \"customer\"\n\
    [trigger.event]\nevent = \"visit\"\nafter = \"0 minutes\"\n\
    [limits]\nbackfill = \"3 days\"\n";

/// A letter on the birthday.
const BIRTHDAY: &str = "title = \"Birthday\"\ntemplate = \"birthday\"\nclass = \"relationship\"\n\
    audience = \"customer\"\n[trigger.anniversary]\nfield = \"birthday\"\n";

/// A shop with so many customers, each of whom has just been there.
pub(crate) fn shop(visitors: usize) -> Shop {
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("at-once", AT_ONCE);
    let mut customers = String::from("id,email\n");
    let mut events = String::from("id,customer_id,kind,at\n");
    for n in 0..visitors {
        writeln!(customers, "c{n},c{n}@mail.example").unwrap();
        writeln!(events, "v{n},c{n},visit,{}", now()).unwrap();
    }
    shop.customers(&customers);
    shop.events(&events);
    shop.settings(&format!("{SETTINGS}{UNGUARDED}"));
    shop
}

/// The same, with its letters going to this relay.
pub(crate) fn shop_with(visitors: usize, relay: &Relay) -> Shop {
    let shop = shop(visitors);
    let port = relay.config().port;
    shop.settings(&format!(
        "{SETTINGS}{UNGUARDED}[mail]\ntransport = \"smtp\"\n[mail.smtp]\nhost = \"127.0.0.1\"\n\
         port = {port}\nsecurity = \"none\"\nper_second = 10000\n"
    ));
    shop
}

/// A running daemon; killed with the test.
pub(crate) struct Daemon {
    process: Child,
    log: PathBuf,
}

impl Daemon {
    pub(crate) fn start(shop: &Shop) -> Self {
        Self::start_with(shop, shop.fondly(&["run"]))
    }

    pub(crate) fn start_with(shop: &Shop, mut command: Command) -> Self {
        let log = shop.path("run.log");
        if !command.get_envs().any(|(name, _)| name == "FONDLY_LOG") {
            command.env("FONDLY_LOG", "warn,fondly=debug");
        }
        let process = command
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self { process, log }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until its log says this.
    pub(crate) async fn says(&self, words: &str) {
        until(words, || self.log().contains(words).then_some(())).await;
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Asks it to stop, and how it ended within the promised time.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        let kill = format!("kill -TERM {}", self.id());
        let told = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(told.success());
        let asked = Instant::now();
        let ended = until("end", || self.process.try_wait().unwrap()).await;
        let took = asked.elapsed();
        assert!(took < STOP_WITHIN, "it took {took:?}: {}", self.log());
        ended
    }

    /// Ends it the hard way.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Goes where the test's own failure goes.
            drop(std::io::stderr().write_all(self.log().as_bytes()));
        }
        // It may have ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

pub(crate) fn count(entries: &[Entry], outcome: &str) -> usize {
    entries.iter().filter(|e| e.outcome == outcome).count()
}

/// Appends a visit of today to the file that the till writes.
pub(crate) fn visit(shop: &Shop, customer: &str) {
    let mut events = fs::File::options();
    let mut events = events.append(true).open(shop.path("data/events.csv"));
    let row = format!("new-{customer},{customer},visit,{}\n", now());
    events.as_mut().unwrap().write_all(row.as_bytes()).unwrap();
}

/// A rule that has to know how customers come waits for it, and nothing else does.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_learnt_comes_into_force_while_it_runs() {
    let today = TimeZone::UTC.to_datetime(now()).date();
    let shop = town(today.checked_sub(jiff::Span::new().days(180)).unwrap(), 180);
    let late = "[send]\nlate = \"60 days\"\n[limits]\nbackfill = \"60 days\"\n";
    shop.rule("missed", &format!("{MISSED}{late}"));
    shop.settings(&format!("{SETTINGS}{UNGUARDED}"));
    let daemon = Daemon::start(&shop);
    daemon.says("learnt how customers come").await;
    // Forty days of silence are over what is usual for them.
    until("letters", || (shop.outbox().len() == 4).then_some(())).await;
    daemon.stop().await;
    let mut missed: Vec<String> = shop.ledger().into_iter().map(|one| one.customer).collect();
    missed.sort_unstable();
    assert_eq!(missed, ["c00", "c01", "c02", "c03"]);
}

/// Learning finishes when it does, and what it brings doesn't wait for the next look at the records.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_learnt_brings_a_pass_of_its_own() {
    let today = TimeZone::UTC.to_datetime(now()).date();
    let shop = town(today.checked_sub(jiff::Span::new().days(180)).unwrap(), 180);
    let late = "[send]\nlate = \"60 days\"\n[limits]\nbackfill = \"60 days\"\n";
    shop.rule("missed", &format!("{MISSED}{late}"));
    let yearly = "[schedule]\nsync = \"0 0 0 1 1 *\"\ntick = \"0 0 0 1 1 *\"\n\
        [sending]\nquiet_hours = \"none\"\ncaps = {}\n";
    shop.settings(&format!("{yearly}{UNGUARDED}"));
    let daemon = Daemon::start(&shop);
    until("letters", || (shop.outbox().len() == 4).then_some(())).await;
    daemon.stop().await;
}

/// What can't be kept (a full disk, say) isn't learnt again and again: that would take all of a
/// machine's time.
#[tokio::test(flavor = "multi_thread")]
async fn learning_that_fails_rests_and_the_passes_go_on() {
    let today = TimeZone::UTC.to_datetime(now()).date();
    let shop = town(today.checked_sub(jiff::Span::new().days(180)).unwrap(), 180);
    shop.settings(&format!("{SETTINGS}{UNGUARDED}"));
    shop.run(&["sync"]).is(0);
    shop.tamper(
        "CREATE TRIGGER full BEFORE INSERT ON learnt BEGIN SELECT RAISE(ABORT, 'no room'); END",
    )
    .await;
    let daemon = Daemon::start(&shop);
    daemon.says("no room").await;
    let before = daemon.log().matches("nothing due").count();
    until("passes", || {
        (daemon.log().matches("nothing due").count() >= before + 4).then_some(())
    })
    .await;
    let failed = daemon.log().matches("stays as it was").count();
    daemon.stop().await;
    assert_eq!(failed, 1);
}

#[tokio::test]
async fn a_row_that_comes_while_it_runs_is_answered() {
    let shop = shop(0);
    shop.customers("id,email\nann,ann@mail.example\n");
    let daemon = Daemon::start(&shop);
    daemon.says("watching").await;
    assert!(!daemon.log().contains('\u{1b}'), "no colours in a file");
    visit(&shop, "ann");
    let letters = until("letter", || {
        Some(shop.outbox()).filter(|files| !files.is_empty())
    });
    assert_eq!(letters.await.len(), 1);
    let sent = until("entry", || {
        let entries = shop.ledger_so_far();
        entries.into_iter().find(Entry::is_sent)
    });
    assert_eq!(sent.await.recipient.as_deref(), Some("ann@mail.example"));

    // Others look over its shoulder, but nobody else works on the store.
    shop.run(&["check"]).is(0).says(&["1 customer: 1 letter"]);
    shop.run(&["quarantine"]).is(0);
    for command in ["run", "tick"] {
        let pid = format!("pid {}", daemon.id());
        shop.run(&[command]).is(1).says(&[&pid, "`fondly run`"]);
    }
    assert_eq!(daemon.stop().await.code(), Some(0));
    assert_eq!(shop.ledger().len(), 1);
}

#[tokio::test]
async fn a_pass_that_panics_isn_t_the_end() {
    let shop = shop(0);
    shop.customers("id,email\nann,ann@mail.example\n");
    let mut command = shop.fondly(&["run"]);
    command.env("FONDLY_FAULT", "panic-in-pass:2");
    let daemon = Daemon::start_with(&shop, command);
    daemon.says("a pass panicked").await;
    visit(&shop, "ann");
    until("letter", || (!shop.outbox().is_empty()).then_some(())).await;
    assert_eq!(daemon.stop().await.code(), Some(0));
    assert_eq!(count(&shop.ledger(), "sent"), 1);
}

#[tokio::test]
async fn systemd_hears_when_it_is_ready_alive_and_about_to_end() {
    let shop = shop(0);
    let socket = UnixDatagram::bind(shop.path("notify")).unwrap();
    let mut command = shop.fondly(&["run"]);
    command.env("NOTIFY_SOCKET", shop.path("notify"));
    let daemon = Daemon::start_with(&shop, command);
    let hears = async |word: &str| {
        let mut told = [0; 1024];
        let listen = async {
            loop {
                let length = socket.recv(&mut told).await.unwrap();
                let text = String::from_utf8_lossy(&told[..length]).into_owned();
                if text.lines().any(|line| line == word) {
                    return;
                }
            }
        };
        let heard = tokio::time::timeout(PATIENCE, listen).await;
        assert!(heard.is_ok(), "never heard {word}");
    };
    hears("READY=1").await;
    hears("WATCHDOG=1").await;
    assert_eq!(daemon.stop().await.code(), Some(0));
    hears("STOPPING=1").await;
}

/// Trouble once the doors are open closes them, and keeps what is known, as a stop does.
#[tokio::test]
async fn what_ends_it_in_trouble_ends_it_in_order() {
    let shop = shop(0);
    shop.tick();
    shop.tamper("DROP TABLE trouble").await;
    let socket = UnixDatagram::bind(shop.path("notify")).unwrap();
    let mut command = shop.fondly(&["run"]);
    command.env("NOTIFY_SOCKET", shop.path("notify"));
    let mut daemon = Daemon::start_with(&shop, command);
    let ended = until("end", || daemon.process.try_wait().unwrap()).await;
    assert_eq!(ended.code(), Some(1), "{}", daemon.log());
    assert!(daemon.log().contains("no such table"), "{}", daemon.log());
    let mut told = Vec::new();
    let mut some = [0; 1024];
    while let Ok(length) = socket.try_recv(&mut some) {
        told.push(String::from_utf8_lossy(&some[..length]).into_owned());
    }
    let told: Vec<&str> = told.iter().flat_map(|text| text.lines()).collect();
    assert!(told.contains(&"READY=1"), "{told:?}");
    assert_eq!(told.last(), Some(&"STOPPING=1"));
}

/// Nobody got two letters, and everybody whom the ledger counts as served got one.
pub(crate) fn fits(entries: &[Entry], relay: &Relay) {
    let letters = relay.letters();
    let arrived: BTreeSet<String> = letters.iter().map(|letter| letter.to[0].clone()).collect();
    assert_eq!(arrived.len(), letters.len(), "somebody got two letters");
    for entry in entries {
        let there = arrived.contains(&format!("{}@mail.example", entry.customer));
        match entry.outcome.as_str() {
            "sent" => assert!(there, "{entry:#?} never arrived"),
            "planned" | "deferred" => assert!(!there, "{entry:#?} arrived"),
            "sending" | "unknown" => {}
            _ => panic!("{entry:#?}"),
        }
    }
}

const MANY: usize = 600;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_under_load_leaves_nothing_in_doubt() {
    let relay = Relay::start(Script::new()).await;
    let shop = shop_with(MANY, &relay);
    let daemon = Daemon::start(&shop);
    relay.until(|seen| seen.letters.len() >= 50).await;
    assert_eq!(daemon.stop().await.code(), Some(0));

    let entries = shop.ledger_so_far();
    fits(&entries, &relay);
    let (sent, waiting) = (count(&entries, "sent"), count(&entries, "planned"));
    assert_eq!(sent + waiting, MANY, "{entries:#?}");
    assert_eq!(sent, relay.letters().len());
    assert!(waiting > 0, "everything was sent before the stop");

    let again = Daemon::start(&shop);
    relay.until(|seen| seen.letters.len() == MANY).await;
    assert_eq!(again.stop().await.code(), Some(0));
    let entries = shop.ledger();
    fits(&entries, &relay);
    assert_eq!(count(&entries, "sent"), MANY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_falls_silent_doesn_t_hold_up_the_stop() {
    let script = Script::new().nth(At::Dot, 10, Act::Stall);
    let relay = Relay::start(script).await;
    let shop = shop_with(40, &relay);
    let daemon = Daemon::start(&shop);
    relay.until(|seen| seen.letters.len() == 40).await;
    assert_eq!(daemon.stop().await.code(), Some(0));

    // One letter's fate is not known, and nobody guesses.
    shop.run(&["tick"]).is(3).says(&["unknown"]);
    let entries = shop.ledger();
    fits(&entries, &relay);
    let counts = (count(&entries, "sent"), count(&entries, "unknown"));
    assert_eq!(counts, (39, 1));
    // And a word to the owner about that one.
    assert_eq!(relay.letters().len(), 40 + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_and_started_again_it_goes_on_by_itself() {
    let relay = Relay::start(Script::new()).await;
    let shop = shop_with(MANY, &relay);
    let daemon = Daemon::start(&shop);
    relay.until(|seen| seen.letters.len() >= 50).await;
    daemon.kill();
    let before = relay.letters().len();
    assert!(before < MANY, "everything was sent before the kill");

    let again = Daemon::start(&shop);
    let settled = until("end of the queue", || {
        let entries = shop.ledger_so_far();
        let open = count(&entries, "planned") + count(&entries, "sending");
        (entries.len() == MANY && open == 0).then_some(entries)
    });
    let entries = settled.await;
    fits(&entries, &relay);
    // What was on one of the four connections is in doubt, and nothing else.
    let unknown = count(&entries, "unknown");
    assert!(unknown <= 4, "{unknown} unknown");
    assert_eq!(count(&entries, "sent") + unknown, MANY);
    assert_eq!(again.stop().await.code(), Some(0));
}

#[tokio::test]
async fn letters_as_files_are_never_in_doubt() {
    let shop = shop(MANY);
    let daemon = Daemon::start(&shop);
    until("letters", || (shop.outbox().len() >= 50).then_some(())).await;
    daemon.kill();
    let again = Daemon::start(&shop);
    let sent = until("end of the queue", || {
        let entries = shop.ledger_so_far();
        (count(&entries, "sent") == MANY).then_some(entries)
    });
    assert_eq!(sent.await.len(), MANY);
    assert_eq!(shop.outbox().len(), MANY);
    assert_eq!(again.stop().await.code(), Some(0));
}

#[tokio::test]
async fn edits_come_into_force_and_mistakes_don_t() {
    let shop = shop(0);
    shop.customers("id,email\nann,ann@mail.example\nbob,bob@mail.example\ncat,cat@mail.example\n");
    let daemon = Daemon::start(&shop);
    daemon.says("watching").await;
    let titled = |word: &str| {
        let mails = shop.outbox().into_values();
        let mut texts = mails.map(|mail| String::from_utf8(mail).unwrap());
        texts.find(|text| text.contains(word))
    };

    // A mistake: the good rule goes on, and the owner hears what is wrong and where.
    shop.rule("at-once", &AT_ONCE.replace("after", "aftr"));
    let told = until("alert", || titled("fondly needs you")).await;
    assert!(told.contains("To: anna@thorn.example"), "{told}");
    assert!(
        told.contains("rules/at-once.toml:7:1") && told.contains("after"),
        "{told}"
    );
    visit(&shop, "ann");
    until("letter", || titled("ann@mail.example")).await;
    let looked = shop.run(&["log"]).is(0);
    looked.says(&[
        "ann",
        "sent",
        "your edit of the rules, letters or settings can't be used",
    ]);

    // Mended, with another letter: that is in force, and the owner is told that all is well.
    let letter = "+++\nsubject = \"So nice to see you\"\n+++\nHello!\n";
    shop.write("config/templates/thank-you.en.md", letter);
    shop.rule("at-once", AT_ONCE);
    until("end of alert", || titled("Settled:")).await;
    visit(&shop, "bob");
    until("letter", || titled("So nice to see you")).await;

    // What needs a restart is said and doesn't stop the rest.
    shop.settings(&SETTINGS.replace("sync = \"*/2", "sync = \"*/3"));
    daemon
        .says("[schedule] has changed, which comes into force with a restart")
        .await;
    visit(&shop, "cat");
    until("letter", || titled("cat@mail.example")).await;
    assert_eq!(daemon.stop().await.code(), Some(0));
    let entries = shop.ledger();
    assert_eq!((entries.len(), count(&entries, "sent")), (3, 3));
}

/// A held batch is told once, with what to type; typed beside the daemon, its letters go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_batch_is_told_once_and_approved_beside_the_daemon() {
    let shop = shop(3);
    shop.settings(&format!(
        "{SETTINGS}[guard]\nmax_per_rule_per_day = 2\nmax_share = \"0%\"\n"
    ));
    let daemon = Daemon::start(&shop);
    daemon.says("fondly approve at-once --on").await;
    // More passes come by, and say nothing of it.
    until("two quiet passes", || {
        let log = daemon.log();
        let told = log.find("fondly approve at-once")?;
        let since = log.get(told..)?;
        (since.matches("nothing due").count() >= 2).then_some(())
    })
    .await;
    assert_eq!(daemon.log().matches("fondly approve at-once").count(), 1);
    // All that went out is the word to the owner, once.
    let to_owner = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        text.contains("To: anna@thorn.example") && text.contains("fondly approve at-once --on")
    };
    let outbox = shop.outbox();
    assert!(outbox.len() == 1 && outbox.values().all(|mail| to_owner(mail)));
    shop.run(&["approve", "at-once"]).is(0);
    until("letters", || (shop.outbox().len() == 4).then_some(())).await;
    assert!(daemon.stop().await.success());
}

/// Reading and planning take as long as they take; whoever looks whether the pass hangs sees it move.
#[tokio::test]
async fn a_pass_moves_while_it_reads_and_plans_and_no_letter_has_gone_yet() {
    const PEOPLE: usize = 1_000;
    let shop = shop(0);
    let mut customers = String::from("id,email,birthday\n");
    for n in 0..PEOPLE {
        writeln!(customers, "c{n},c{n}@mail.example,1980-03-02").unwrap();
    }
    shop.customers(&customers);
    let db = SqliteConnectOptions::new().filename(shop.path("till.db"));
    let mut till = db.create_if_missing(true).connect().await.unwrap();
    let rows = "CREATE TABLE visit AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n \
                WHERE id < 1000) SELECT id, 'c' || id AS customer_id, 'visit' AS kind, \
                '2026-01-05' AS at FROM n";
    sqlx::raw_sql(rows).execute(&mut till).await.unwrap();
    shop.settings(&format!(
        "{SETTINGS}[[source]]\nname = \"customers\"\nkind = \"csv\"\nfeeds = \"customers\"\n\
         path = \"../data/customers.csv\"\n[[source]]\nname = \"till\"\nkind = \"sql\"\n\
         feeds = \"events\"\nurl = \"sqlite:../till.db\"\n\
         query = \"select id, customer_id, kind, at from visit\"\n"
    ));
    shop.rule("birthday", BIRTHDAY);
    let plans = Plans::read(&shop.path("config/fondly.toml")).unwrap();
    let clock = Clock::manual("2026-03-02T12:00Z".parse().unwrap());
    let house = House::open(plans, clock).await.unwrap();
    let now = house.clock.now();
    let moved = |before: u64| house.progress.steps() - before;
    let one = |name: &'static str| (house.progress.steps(), name);
    let (before, source) = one("customers");
    sync(&house, Some(source), now).await.unwrap();
    assert!(moved(before) >= PEOPLE as u64, "each row of a file");
    for again in [false, true] {
        // Unchanged rows are looked at, too.
        let (before, source) = one("till");
        let synced = sync(&house, Some(source), now).await.unwrap();
        assert!(synced[0].trouble.is_empty(), "{synced:?}");
        assert_eq!(synced[0].unchanged_query, again);
        assert!(moved(before) >= 10, "a hundred rows each time");
    }
    let before = house.progress.steps();
    plan(&house, now).await.unwrap();
    assert!(moved(before) > 0);
    assert!(
        !house.progress.is_alive(&mut house.progress.steps()),
        "nothing is waited for"
    );
    house.store.close().await.unwrap();
}
