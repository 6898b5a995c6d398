//! A clock that can't be right: nothing is planned, sent or ended under it, it is said, and it heals.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};

use crate::daemon::Daemon;
use crate::relay::{Relay, Script};
use crate::shop::{Entry, Ran, Runs as _, Shop, now, until};

/// Seconds of a day.
const DAY: i64 = 86_400;
/// Seconds of a hundred years.
const CENTURY: i64 = 36_525 * DAY;

/// A word of thanks as soon as a visit is seen, whatever the hour of the day.
const AT_ONCE: &str = "title = \"Thanks\"\ntemplate = \"thank-you\"\nclass = \"service\"\n\
    audience = \"customer\"\n[trigger.event]\nevent = \"visit\"\nafter = \"0 minutes\"\n\
    [limits]\nbackfill = \"3 days\"\n";

/// Looks every second.
const SETTINGS: &str = "[schedule]\nsync = \"* * * * * *\"\ntick = \"* * * * * *\"\n\
    [sending]\nquiet_hours = \"none\"\ncaps = {}\n";

/// What is said where the clock is in doubt.
const HELD: &str = "Nothing is planned or sent. The machine's clock";

/// A shop whose clock can be set.
struct Clocked {
    shop: Shop,
    boot: &'static str,
}

impl Clocked {
    fn new() -> Self {
        let shop = Shop::new();
        shop.no_rules();
        shop.rule("at-once", AT_ONCE);
        shop.settings(SETTINGS);
        Self {
            shop,
            boot: "first",
        }
    }

    /// These customers were here a moment ago.
    fn visits(&self, whose: &[&str]) {
        let (mut customers, mut events) = (
            "id,email\n".to_owned(),
            "id,customer_id,kind,at\n".to_owned(),
        );
        for id in whose {
            writeln!(customers, "{id},{id}@mail.example").unwrap();
            writeln!(events, "v-{id},{id},visit,{}", now()).unwrap();
        }
        self.shop.customers(&customers);
        self.shop.events(&events);
    }

    /// The clock is off by so many seconds from now on.
    fn off_by(&self, seconds: i64) {
        self.shop.write("off", seconds.to_string());
    }

    fn fondly(&self, args: &[&str]) -> Command {
        let mut command = self.shop.fondly(args);
        let off = self.shop.path("off");
        let faults = format!("clock-off:{};boot:{};up:{DAY}", off.display(), self.boot);
        command.env("FONDLY_FAULT", faults);
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.fondly(args).ran()
    }

    /// The next pass doesn't take place.
    fn is_held(&self) {
        let before = (self.entries(), self.letters());
        self.run(&["tick"]).is(3).says(&[HELD]);
        assert_eq!((self.entries(), self.letters()), before);
    }

    /// The next pass takes place.
    fn goes(&self) {
        let ran = self.run(&["tick"]).is(0);
        assert!(!ran.out.contains(HELD), "{}", ran.out);
    }

    fn entries(&self) -> Vec<Entry> {
        self.shop.ledger_so_far()
    }

    /// Letters to customers.
    fn letters(&self) -> usize {
        let outbox = self.shop.outbox();
        outbox
            .keys()
            .filter(|name| !name.starts_with("alert") && !name.starts_with("digest"))
            .count()
    }

    /// Everybody whom the ledger knows got their letter.
    fn all_sent(&self, count: usize) {
        let entries = self.entries();
        assert!(entries.iter().all(Entry::is_sent), "{entries:#?}");
        assert_eq!((entries.len(), self.letters()), (count, count));
    }
}

#[test]
fn a_machine_that_begins_in_1970_sends_nothing_until_its_clock_is_right() {
    let shop = Clocked::new();
    shop.visits(&["ann", "bob"]);
    shop.off_by(-now().as_second());
    shop.is_held();
    assert_eq!(shop.entries(), []);
    // It is told, to the owner as well, and once.
    shop.run(&["log"])
        .is(0)
        .says(&["the clock can't be right, so nothing is sent"]);
    shop.is_held();
    let alerts = shop.shop.outbox();
    assert_eq!(alerts.len(), 1, "{:?}", alerts.keys());
    shop.off_by(0);
    shop.goes();
    shop.all_sent(2);
    let log = shop.run(&["log"]).is(0);
    assert!(!log.err.contains("can't be right"), "{}", log.err);
}

#[test]
fn nothing_ends_as_too_late_under_a_clock_a_hundred_years_off() {
    let shop = Clocked::new();
    shop.visits(&["ann"]);
    shop.goes();
    shop.visits(&["ann", "bob"]);
    for off in [CENTURY, -CENTURY, 400 * DAY, -400 * DAY, 2 * DAY, -2 * DAY] {
        shop.off_by(off);
        shop.is_held();
    }
    shop.off_by(0);
    shop.goes();
    shop.all_sent(2);
}

#[test]
fn a_first_start_a_hundred_years_ahead_is_held() {
    let shop = Clocked::new();
    shop.visits(&["ann"]);
    shop.off_by(CENTURY);
    shop.is_held();
    shop.off_by(0);
    shop.goes();
    shop.all_sent(1);
}

#[test]
fn small_steps_and_two_clocks_some_hours_apart_do_not_matter() {
    let shop = Clocked::new();
    for (off, who) in [(0, "ann"), (-3600, "bob"), (5, "cid"), (3600 * 9, "dan")] {
        shop.off_by(off);
        let all = ["ann", "bob", "cid", "dan"];
        let upto = all.iter().position(|one| *one == who).unwrap();
        shop.visits(&all[..=upto]);
        shop.goes();
    }
    shop.off_by(0);
    shop.goes();
    shop.all_sent(4);
}

#[test]
fn weeks_switched_off_are_nothing_and_after_a_year_a_person_is_asked() {
    let mut shop = Clocked::new();
    shop.visits(&["ann"]);
    shop.goes();
    shop.boot = "second";
    shop.off_by(21 * DAY);
    shop.goes();
    shop.boot = "third";
    shop.off_by((21 + 400) * DAY);
    shop.is_held();
    shop.run(&["resume"])
        .is(3)
        .says(&["has leapt ahead", "--clock-is-right"]);
    shop.is_held();
    shop.run(&["resume", "--clock-is-right"])
        .is(0)
        .says(&["The clock is right, then"]);
    shop.goes();
    shop.all_sent(1);
}

#[test]
fn a_store_that_was_touched_by_a_clock_ahead_goes_on_once_a_person_has_said_so() {
    let mut shop = Clocked::new();
    shop.boot = "wrong";
    shop.visits(&["ann"]);
    shop.goes();
    // Off by two months after a start: nothing tells that from a machine that was off.
    shop.boot = "ahead";
    shop.off_by(60 * DAY);
    shop.goes();
    shop.boot = "right";
    shop.off_by(0);
    shop.visits(&["ann", "bob"]);
    shop.is_held();
    shop.run(&["resume"])
        .is(3)
        .says(&["is behind", "--clock-is-right"]);
    shop.run(&["resume", "--clock-is-right"]).is(0);
    shop.goes();
    shop.all_sent(2);
}

#[test]
fn what_a_person_says_under_a_wrong_clock_is_not_put_off_for_a_century() {
    let shop = Clocked::new();
    let guard = "[guard]\nmax_per_rule_per_day = 1\nmax_share = \"0%\"\n";
    shop.shop.settings(&format!("{SETTINGS}{guard}"));
    shop.visits(&["ann", "bob"]);
    shop.run(&["tick"])
        .is(3)
        .says(&["2 held (batch-too-large)"]);
    shop.off_by(CENTURY);
    shop.run(&["approve", "at-once"]).is(0);
    shop.off_by(0);
    shop.goes();
    shop.all_sent(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_leaps_in_the_middle_of_a_pass_ends_nothing() {
    let relay = Relay::start(Script::new()).await;
    let shop = Clocked::new();
    let port = relay.config().port;
    // Slow enough that most letters are still to be judged when the clock leaps.
    shop.shop.settings(&format!(
        "{SETTINGS}[guard]\nmax_per_rule_per_day = 1000\n[mail]\ntransport = \"smtp\"\n[mail.smtp]\n\
         host = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\nconnections = 1\nper_second = 50\n"
    ));
    let ids: Vec<String> = (0..100).map(|n| format!("c{n}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    shop.visits(&ids);
    shop.off_by(0);
    let mut pass = shop.fondly(&["tick"]);
    let mut pass = pass.stdout(Stdio::null()).spawn().unwrap();
    relay.until(|seen| seen.letters.len() >= 3).await;
    shop.off_by(CENTURY);
    let ended = until("end", || pass.try_wait().unwrap()).await;
    assert_eq!(ended.code(), Some(0));
    let entries = shop.entries();
    assert!(entries.iter().all(Entry::is_sent), "{entries:#?}");
    assert_eq!((entries.len(), relay.letters().len()), (100, 100));
    for entry in entries {
        let sent: jiff::Timestamp = entry.sent_at.as_ref().unwrap().parse().unwrap();
        let ago = now().duration_since(sent).as_secs();
        assert!(ago < DAY, "{entry:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_leaps_under_a_running_daemon_stops_it_and_heals() {
    let shop = Clocked::new();
    shop.off_by(0);
    shop.visits(&["ann"]);
    let daemon = Daemon::start_with(&shop.shop, shop.fondly(&["run"]));
    until("letter", || (shop.letters() == 1).then_some(())).await;
    for off in [CENTURY, -CENTURY] {
        shop.off_by(off);
        let no_pass = || daemon.log().matches("no pass").count();
        let before = no_pass();
        until("standstill", || (no_pass() > before).then_some(())).await;
        // What comes now is seen by no pass.
        shop.visits(&["ann", "bob"]);
        let before = no_pass();
        until("another", || (no_pass() > before + 1).then_some(())).await;
        assert_eq!(shop.letters(), 1);
    }
    daemon.says("the clock can't be right").await;
    fs::remove_file(shop.shop.path("off")).unwrap();
    until("letter", || (shop.letters() == 2).then_some(())).await;
    assert_eq!(daemon.stop().await.code(), Some(0));
    shop.all_sent(2);
}
