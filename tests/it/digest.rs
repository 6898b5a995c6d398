//! The owner's weekly letter by the real program: once a week, also after restarts, crashes and a
//! machine that was off; in the business's language; with nothing in it that isn't words.

use std::fmt::Write as _;
use std::process::Command;

use jiff::{Timestamp, ToSpan as _};
use mail_parser::{Message, MessageParser};

use crate::daemon::Daemon;
use crate::relay::{Act, At, Relay, Script};
use crate::shop::{Ran, Runs as _, Shop, now, until};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// What the tests need of the settings; letters leave at any hour.
pub(crate) const SETTINGS: &str = "[sending]\nquiet_hours = \"none\"\ncaps = {}\n\
    [guard]\nmax_per_rule_per_day = 1000\n";

/// A word of thanks as soon as a visit is seen.
const THANKS: &str = "title = \"Thanks\"\ntemplate = \"thank-you\"\nclass = \"service\"\n\
    audience = \"customer\"\n[trigger.event]\nevent = \"visit\"\nafter = \"0 minutes\"\n\
    [limits]\nbackfill = \"3 days\"\n";

/// A shop whose clock can be set, on a machine that may be switched off in between.
pub(crate) struct Week {
    pub(crate) shop: Shop,
    /// What the clock says, as seconds after the true time.
    pub(crate) off: i64,
    boots: u32,
}

impl Week {
    /// It begins now, with one rule.
    pub(crate) fn new(settings: &str) -> Self {
        let shop = Shop::new();
        shop.no_rules();
        shop.rule("thanks", THANKS);
        shop.settings(&format!("{SETTINGS}{settings}"));
        Self {
            shop,
            off: 0,
            boots: 0,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        now() + jiff::SignedDuration::from_secs(self.off)
    }

    /// The machine is switched off until the next time that the clock says this; `weeks` more of
    /// them are passed over.
    fn off_until(&mut self, weekday: jiff::civil::Weekday, hour: i8, weeks: i64) {
        let at = jiff::tz::TimeZone::UTC.to_datetime(self.now());
        let mut next = at.date().at(hour, 0, 0, 0);
        while next <= at || next.weekday() != weekday {
            next = next.checked_add(1.day()).unwrap();
        }
        next = next.checked_add(weeks.weeks()).unwrap();
        let next = jiff::tz::TimeZone::UTC.to_timestamp(next).unwrap();
        // A whole second later at most.
        self.off_for(next.duration_since(self.now()).as_secs() + 1);
    }

    /// The machine is switched off for so many seconds.
    pub(crate) fn off_for(&mut self, seconds: i64) {
        self.off += seconds;
        self.boots += 1;
    }

    fn fondly(&self, args: &[&str]) -> Command {
        self.shop.write("off", self.off.to_string());
        let mut command = self.shop.fondly(args);
        let file = self.shop.path("off");
        let faults = format!("clock-off:{};boot:{};up:{DAY}", file.display(), self.boots);
        command.env("FONDLY_FAULT", faults);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.fondly(args).ran()
    }

    pub(crate) fn tick(&self) -> Ran {
        self.run(&["tick"]).is(0)
    }

    /// A pass that is killed at this moment.
    pub(crate) fn killed_at(&self, moment: &str) {
        let mut killed = self.fondly(&["tick"]);
        let faults = killed
            .get_envs()
            .find(|(name, _)| *name == "FONDLY_FAULT")
            .and_then(|(_, value)| value?.to_str())
            .unwrap();
        let faults = format!("{faults};end-at:{moment}:1");
        killed.env("FONDLY_FAULT", faults);
        assert!(killed.output().unwrap().status.code().is_none(), "{moment}");
    }

    /// So many customers were here just now.
    pub(crate) fn visits(&self, customers: &[(&str, &str)]) {
        let mut people = "id,email,first_name\n".to_owned();
        let mut events = "id,customer_id,kind,at\n".to_owned();
        for (id, name) in customers {
            writeln!(people, "{id},{id}@mail.example,\"{name}\"").unwrap();
            writeln!(events, "v-{id},{id},visit,{}", self.now()).unwrap();
        }
        self.shop.customers(&people);
        self.shop.events(&events);
    }

    /// The weekly letters so far, in the order of their weeks.
    fn digests(&self) -> Vec<Vec<u8>> {
        let outbox = self.shop.outbox().into_iter();
        let digests = outbox.filter(|(name, _)| name.starts_with("digest_"));
        digests.map(|(_, mail)| mail).collect()
    }
}

pub(crate) fn parsed(mail: &[u8]) -> Message<'_> {
    MessageParser::default().parse(mail).unwrap()
}

pub(crate) fn text(mail: &[u8]) -> String {
    parsed(mail).body_text(0).unwrap().into_owned()
}

use jiff::civil::Weekday::{Friday, Monday, Thursday, Wednesday};

#[test]
fn a_letter_comes_once_a_week_across_restarts_and_missed_mondays() {
    let mut week = Week::new("");
    week.off_until(Wednesday, 9, 0);
    week.visits(&[("ann", "Ann"), ("bob", "Bob")]);
    week.tick().says(&["Thanks: 2 sent"]);
    // It is asked with each pass, and there is none before its time.
    week.off_until(Friday, 9, 0);
    week.tick();
    assert!(week.digests().is_empty());
    week.off_until(Monday, 7, 0);
    for _ in 0..3 {
        week.tick();
    }
    let first = week.digests();
    assert_eq!(first.len(), 1);
    let told = text(&first[0]);
    for words in [
        "From Wednesday, ",
        " to Monday, ",
        "Thanks: 2",
        "2 of them cared, none asked",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let mail = parsed(&first[0]);
    assert_eq!(mail.subject(), Some("Thorn & Rose: 2 letters sent"));
    assert_eq!(
        mail.to().unwrap().first().unwrap().address(),
        Some("anna@thorn.example")
    );

    // Off on the next two Mondays: late, once, for all that time.
    week.off_until(Wednesday, 11, 1);
    week.tick();
    week.tick();
    let late = week.digests();
    assert_eq!(late.len(), 2);
    let told = text(&late[1]);
    assert!(
        told.contains("From Monday, ") && told.contains(" to Monday, "),
        "{told}"
    );
    assert!(
        told.contains("Nothing was sent. It was nobody's day"),
        "{told}"
    );
    week.off_until(Monday, 8, 0);
    week.tick();
    assert_eq!(week.digests().len(), 3);
    week.run(&["digest"]).is(0).says(&["The last one left on "]);
}

#[test]
fn a_store_that_began_on_the_day_itself_waits_for_a_week_with_something_in_it() {
    let mut week = Week::new("");
    week.off_until(Monday, 6, 0);
    week.tick();
    week.off_until(Monday, 7, 0);
    week.tick();
    assert!(week.digests().is_empty());
    week.off_until(Monday, 7, 0);
    week.tick();
    assert_eq!(week.digests().len(), 1);
}

#[test]
fn nobody_gets_a_letter_where_it_is_switched_off_and_both_owners_where_there_are_two() {
    let mut week = Week::new("[schedule]\ndigest = \"none\"\n");
    week.off_until(Wednesday, 9, 0);
    week.tick();
    week.off_until(Monday, 7, 0);
    week.tick();
    assert!(week.digests().is_empty());
    week.run(&["digest"])
        .is(0)
        .says(&["`[schedule] digest` is off"]);
    week.run(&["check", "--show"])
        .is(0)
        .says(&["digest = \"none\""]);

    let mut week =
        Week::new("[business]\nowner = [\"anna@thorn.example\", \"ben@thorn.example\"]\n");
    week.off_until(Thursday, 9, 0);
    week.tick();
    week.off_until(Monday, 7, 0);
    week.tick();
    week.tick();
    assert_eq!(week.digests().len(), 2);
}

#[test]
fn a_german_business_reads_german_and_what_is_held_comes_first() {
    let mut week = Week::new(
        "[business]\nlanguage = \"de-AT\"\nname = \"Dorn & Rose\"\n\
         [console]\nbind = \"127.0.0.1:8425\"\nbase_url = \"https://console.dorn.example\"\n",
    );
    week.off_until(Wednesday, 9, 0);
    week.tick();
    week.off_until(Monday, 6, 0);
    week.shop
        .rule("thanks", &format!("{THANKS}approve = \"first 20\"\n"));
    week.visits(&[("ann", "Ann")]);
    week.run(&["tick"]).is(3);
    week.off += 3_600;
    week.run(&["tick"]).is(3);
    let digests = week.digests();
    assert_eq!(digests.len(), 1);
    let mail = parsed(&digests[0]);
    assert_eq!(
        mail.subject(),
        Some("Dorn & Rose: keine Briefe verschickt, 1 Sache braucht Sie")
    );
    let (told, html) = (text(&digests[0]), mail.body_html(0).unwrap().into_owned());
    assert!(told.contains("Ihre Woche bei Dorn & Rose"), "{told}");
    assert!(told.contains("1 Brief von „Thanks“ für den "), "{told}");
    assert!(html.contains("<html lang=\"de\""), "{html}");
    assert!(
        html.contains("<a href=\"https://console.dorn.example/held/thanks/"),
        "{html}"
    );
    // A console that only this machine reaches is nothing to follow from a phone.
    week.shop.settings(&format!(
        "{SETTINGS}[business]\nlanguage = \"de\"\n[console]\nbind = \"127.0.0.1:8425\"\n"
    ));
    let told = week.run(&["digest"]).is(0).out;
    assert!(told.contains("fondly approve thanks --on "), "{told}");
    assert!(!told.contains("127.0.0.1"), "{told}");
}

/// Whoever is here again after a letter that missed them is told by name, with what they were held
/// against, once somebody can say it.
#[test]
fn who_came_back_is_told() {
    let mut week = Week::new("");
    week.off_until(Wednesday, 9, 0);
    week.shop.no_rules();
    week.shop.rule(
        "missed",
        "title = \"We miss you\"\ntemplate = \"we-miss-you\"\nclass = \"relationship\"\n\
         audience = \"customer\"\n[trigger.lapsed]\ncontact = [\"visit\"]\nafter = \"60 days\"\n\
         [send]\nat = \"00:00\"\nlate = \"20 days\"\n[limits]\nbackfill = \"30 days\"\n",
    );
    week.shop.settings(&format!(
        "{SETTINGS}[business]\nunsubscribe_mailto = \"out@thorn.example\"\n"
    ));
    let today = jiff::tz::TimeZone::UTC.to_datetime(week.now()).date();
    let before = today.checked_sub(70.days()).unwrap();
    let mut people = "id,email,first_name,last_name\n".to_owned();
    let mut events = "id,customer_id,kind,at\n".to_owned();
    for (id, first) in [("ann", "Ann"), ("bob", "Bob"), ("cid", "Cid")] {
        writeln!(people, "{id},{id}@mail.example,{first},Ames").unwrap();
        writeln!(events, "v-{id},{id},visit,{before}").unwrap();
    }
    week.shop.customers(&people);
    week.shop.events(&events);
    week.tick().says(&["We miss you: 3 sent"]);
    week.off_until(Friday, 15, 0);
    for id in ["ann", "cid"] {
        writeln!(events, "w-{id},{id},visit,{}", week.now()).unwrap();
    }
    week.shop.events(&events);
    week.tick();
    week.off_until(Monday, 7, 0);
    week.tick();
    let told = text(&week.digests()[0]);
    for words in [
        "We miss you: 3",
        "0 of them cared, 3 asked for something",
        "“We miss you”: 2 people were here again: Ann Ames and Cid Ames.",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
}

/// Names come from forms that anybody fills in.
#[test]
fn hostile_names_stay_words() {
    let mut week = Week::new("");
    week.off_until(Wednesday, 9, 0);
    let nasty = "<script>alert(1)</script> [win](https://evil.example) **x** `y`";
    // Regulars who have gone quiet.
    let mut people = "id,email,first_name\n".to_owned();
    let mut events = "id,customer_id,kind,at,amount,currency\n".to_owned();
    let today = jiff::tz::TimeZone::UTC.to_datetime(week.now()).date();
    for n in 0..8 {
        writeln!(people, "c{n},c{n}@mail.example,\"{nasty}\"").unwrap();
        for (visit, ago) in [(1, 300), (2, 290), (3, 280), (4, 270)] {
            let day = today.checked_sub((ago + n).days()).unwrap();
            writeln!(events, "v{n}-{visit},c{n},visit,{day},912.50,GBP").unwrap();
        }
    }
    // And some who come.
    for n in 8..30 {
        writeln!(people, "c{n},c{n}@mail.example,Ann").unwrap();
        for ago in (1..30).rev() {
            let day = today.checked_sub((ago * 10).days()).unwrap();
            writeln!(events, "v{n}-{ago},c{n},visit,{day},5,GBP").unwrap();
        }
    }
    week.shop.customers(&people);
    week.shop.events(&events);
    week.tick();
    week.off_until(Monday, 7, 0);
    week.tick();
    let digests = week.digests();
    assert_eq!(digests.len(), 1);
    let (told, html) = (text(&digests[0]), parsed(&digests[0]));
    let html = html.body_html(0).unwrap().into_owned();
    assert!(
        told.contains("<script>alert(1)</script> [win](https: //evil. example) **x** `y`"),
        "{told}"
    );
    for gone in ["<script", "href", "<b>", "https://evil"] {
        assert!(!html.contains(gone), "{gone}: {html}");
    }
    // Whoever is forgotten is in no copy of it any more.
    week.run(&["forget", "c0"]).is(0);
    assert!(week.digests().is_empty());
}

/// `fondly run` sends it by itself, also where it was started days late, and once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daemon_sends_it_by_itself() {
    let every_second = "[schedule]\nsync = \"* * * * * *\"\ntick = \"* * * * * *\"\n\
                        [retention]\ncopies = \"10 days\"\n";
    let mut week = Week::new(every_second);
    week.off_until(Wednesday, 9, 0);
    week.visits(&[("ann", "Ann")]);
    week.tick();
    week.off_until(Thursday, 9, 1);
    let daemon = Daemon::start_with(&week.shop, week.fondly(&["run"]));
    until("letter", || (!week.digests().is_empty()).then_some(())).await;
    daemon.says("the weekly letter went to the owner").await;
    assert_eq!(daemon.stop().await.code(), Some(0));
    let again = Daemon::start_with(&week.shop, week.fondly(&["run"]));
    until("passes", || {
        let quiet = again.log().matches("nothing due").count();
        (quiet >= 3).then_some(())
    })
    .await;
    assert_eq!(again.stop().await.code(), Some(0));
    let digests = week.digests();
    assert_eq!(digests.len(), 1);
    assert!(text(&digests[0]).contains("Thanks: 1"));
    // Its copy goes when those of letters do.
    week.off_until(Monday, 6, 1);
    week.tick();
    let digests = week.digests();
    assert_eq!(digests.len(), 1);
    assert!(!text(&digests[0]).contains("Thanks: 1"));
}

#[test]
fn a_letter_can_be_asked_for_beside_the_schedule() {
    let mut week = Week::new("");
    week.off_until(Wednesday, 9, 0);
    week.visits(&[("ann", "Ann")]);
    week.tick();
    let shown = week.run(&["digest"]).is(0);
    let shown = shown.says(&[
        "To:      anna@thorn.example",
        "Subject: Thorn & Rose: 1 letter sent",
        "Thanks: 1",
        "None has left yet.",
        "The next is due on ",
    ]);
    assert!(shown.out.contains("Your week at Thorn & Rose"));
    assert!(week.digests().is_empty());
    week.run(&["digest", "--send"])
        .is(0)
        .says(&["Sent to 1 owner"]);
    assert_eq!(week.digests().len(), 1);
    let today = jiff::tz::TimeZone::get("Europe/London").unwrap();
    let today = today.to_datetime(week.now()).date();
    let before = today.checked_sub(1.day()).unwrap().to_string();
    let past = week.run(&["digest", "--until", &before]).is(0);
    assert!(past.out.contains("Nothing was sent."), "{}", past.out);
    let ahead = today.checked_add(1.day()).unwrap().to_string();
    week.run(&["digest", "--until", &ahead])
        .is(2)
        .says(&["lies ahead"]);
    // The one of the week comes all the same, and tells of the week.
    week.off_until(Monday, 7, 0);
    week.tick();
    let digests = week.digests();
    assert_eq!(digests.len(), 2);
    let all: Vec<String> = digests.iter().map(|mail| text(mail)).collect();
    assert!(
        all.iter().all(|told| told.contains("Thanks: 1")),
        "{all:#?}"
    );
}

pub(crate) fn to_relay(relay: &Relay) -> String {
    format!(
        "[mail]\ntransport = \"smtp\"\n[mail.smtp]\nhost = \"127.0.0.1\"\nport = {}\n\
         security = \"none\"\n",
        relay.config().port
    )
}

/// Letters that reached the server's dot.
fn reached(relay: &Relay) -> usize {
    relay.letters().len()
}

/// Killed at every moment between the announcement and the server's answer: the letter comes once,
/// or, where it may have arrived, not a second time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_on_the_way_never_sends_it_twice() {
    for (moment, arrived) in [
        ("smtp-announce", false),
        ("smtp-body", false),
        ("smtp-committed", false),
        ("smtp-dot", true),
        ("smtp-answered", true),
    ] {
        let relay = Relay::start(Script::new()).await;
        let mut week = Week::new(&to_relay(&relay));
        week.off_until(Wednesday, 9, 0);
        week.tick();
        week.off_until(Monday, 7, 0);
        week.killed_at(moment);
        for _ in 0..3 {
            week.off += 16 * 60;
            week.tick();
        }
        let letters = reached(&relay);
        // What had been announced as about to leave isn't sent again, and of what never left a
        // second one goes.
        let noted = matches!(moment, "smtp-committed" | "smtp-dot" | "smtp-answered");
        let wanted = usize::from(arrived || !noted);
        assert_eq!(letters, wanted, "{moment}");
        week.off_until(Monday, 7, 0);
        week.tick();
        assert_eq!(reached(&relay), wanted + 1, "{moment}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_that_cannot_leave_comes_later_and_a_refused_one_not_again() {
    let script = Script::new().nth(At::Connect, 1, Act::SayAndClose("421 4.3.2 later"));
    let relay = Relay::start(script).await;
    let mut week = Week::new(&to_relay(&relay));
    week.off_until(Wednesday, 9, 0);
    week.tick();
    week.off_until(Monday, 7, 0);
    week.run(&["tick"]);
    week.run(&["tick"]);
    assert_eq!(reached(&relay), 0);
    week.off += 16 * 60;
    week.run(&["tick"]);
    week.tick();
    assert_eq!(reached(&relay), 1);

    let relay = Relay::start(Script::new().at(At::Rcpt, Act::Say("550 5.1.1 nobody"))).await;
    let mut week = Week::new(&to_relay(&relay));
    week.off_until(Wednesday, 9, 0);
    week.tick();
    week.off_until(Monday, 7, 0);
    for _ in 0..3 {
        week.tick();
        week.off += 16 * 60;
    }
    let said = relay.commands();
    let asked = said.iter().filter(|line| line.starts_with("RCPT"));
    assert_eq!(asked.count(), 1, "{said:?}");
}
