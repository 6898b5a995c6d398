//! What the owner is told of while it goes on, and once more when it is over: each trouble once,
//! and what comes and goes as one.

use fondly::clock::Clock;
use fondly::engine::{Report, alert, opinion};
use fondly::model::Matter;
use jiff::{Timestamp, ToSpan as _};
use sqlx::{Connection as _, Executor as _};

use crate::console::Browser;
use crate::digest::{SETTINGS, Week, parsed, text, to_relay};
use crate::outage::{MAIL, Mood, Office, Server, at, thanks, visitors};
use crate::relay::{Act, At, Relay, Script};
use crate::shop::{Shop, until};

/// Subjects of what was written to the owner, in the order in which it came.
fn told_by(relay: &Relay) -> Vec<String> {
    let letters = relay.letters().into_iter();
    let to_owner = letters.filter(|letter| letter.to == ["anna@thorn.example"]);
    let subjects = to_owner.map(|letter| parsed(&letter.message).subject().unwrap().to_owned());
    // A Monday may come by in between.
    let is_alert = |subject: &String| {
        subject.starts_with("fondly needs you: ") || subject.starts_with("Settled: ")
    };
    subjects.filter(is_alert).collect()
}

/// The same of a shop whose letters are files, the older first.
fn told_in(week: &Week) -> Vec<String> {
    let outbox = week.shop.outbox().into_iter();
    let mut alerts: Vec<(i64, String, String)> = outbox
        .filter(|(name, _)| name.starts_with("alert_"))
        .map(|(_, mail)| {
            let message = parsed(&mail);
            let date = message.date().unwrap().to_timestamp();
            (date, message.subject().unwrap().to_owned(), text(&mail))
        })
        .collect();
    alerts.sort();
    alerts.into_iter().map(|(_, subject, _)| subject).collect()
}

/// What the alert with this subject says.
fn words_of(week: &Week, subject: &str) -> String {
    let outbox = week.shop.outbox();
    let mut mails = outbox.values();
    let mail = mails.find(|mail| parsed(mail).subject() == Some(subject));
    text(mail.unwrap())
}

/// A pass every minute, with the servers in these moods from minute to minute.
async fn minutes(
    office: &Office,
    start: Timestamp,
    range: std::ops::Range<i64>,
    mood: impl Fn(i64),
) {
    for minute in range {
        mood(minute);
        let now = start.checked_add(minute.minutes()).unwrap();
        office.clock.set(now.max(office.clock.now()));
        office.pass().await;
    }
}

/// When letters to the owner came.
fn to_owner(server: &Server) -> Vec<Timestamp> {
    let letters = server.noted().letters.into_iter();
    let letters = letters.filter(|one| one.1.contains("anna@"));
    letters.map(|one| one.0).collect()
}

/// What is wrong, as it is said here.
async fn subjects(office: &Office) -> Vec<String> {
    let troubles = office.house.store.troubles().await.unwrap();
    let matters = troubles.iter().map(|one| &one.matter);
    let said = matters.map(|matter| alert::in_english(&office.house, matter).0);
    said.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_is_told_through_the_next_and_once_however_it_comes_and_goes() {
    let start = at("2027-03-02T09:00:00Z");
    let clock = Clock::manual(start);
    let (first, second) = (Server::start(&clock).await, Server::start(&clock).await);
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("thanks", &thanks("7 days"));
    visitors(&shop, 72, start);
    let relay = |port: u16| {
        format!("[[mail.relay]]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\n")
    };
    shop.settings(&format!(
        "{MAIL}{}{}",
        relay(first.port),
        relay(second.port)
    ));
    let office = Office::open(shop, clock.clone()).await;
    office.read_records().await;
    // Restarted within minutes: nobody hears of it.
    minutes(&office, start, 0..60, |minute| {
        first.is(if (10..30).contains(&minute) {
            Mood::Away
        } else {
            Mood::Open
        });
    })
    .await;
    assert!(to_owner(&first).is_empty() && to_owner(&second).is_empty());
    // Away for an hour and a half, but for ten minutes now and then.
    minutes(&office, start, 60..240, |minute| {
        let away = (70..110).contains(&minute) || (120..160).contains(&minute);
        first.is(if away { Mood::Away } else { Mood::Open });
    })
    .await;
    let told = [to_owner(&first), to_owner(&second)];
    // Told by the second, and that it is over by the first, half an hour after it was back.
    assert_eq!([told[0].len(), told[1].len()], [1, 1], "{told:?}");
    let minute = |moment: Timestamp| moment.duration_since(start).as_mins();
    assert!((100..=104).contains(&minute(told[1][0])), "{told:?}");
    assert!((189..=194).contains(&minute(told[0][0])), "{told:?}");
    assert!(subjects(&office).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_only_server_s_absence_is_told_once_it_is_back() {
    let start = at("2027-03-02T09:00:00Z");
    let clock = Clock::manual(start);
    let server = Server::start(&clock).await;
    server.is(Mood::Away);
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("thanks", &thanks("7 days"));
    visitors(&shop, 72, start);
    shop.settings(&format!(
        "{MAIL}[mail.smtp]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\n",
        server.port
    ));
    let mut office = Office::open(shop, clock.clone()).await;
    office.read_records().await;
    minutes(&office, start, 0..90, |_| {}).await;
    office.restart().await;
    minutes(&office, start, 90..120, |_| {}).await;
    let wanted = format!("letters can't leave by 127.0.0.1:{}", server.port);
    assert_eq!(subjects(&office).await, [wanted.as_str()]);
    minutes(&office, start, 120..180, |_| server.is(Mood::Open)).await;
    assert_eq!(to_owner(&server).len(), 1);
    assert!(subjects(&office).await.is_empty());
}

#[test]
fn a_source_is_told_of_the_third_time_and_once_it_can_be_read_again() {
    let mut week = Week::new("");
    week.visits(&[("ann", "Ann")]);
    week.tick();
    let customers = std::fs::read(week.shop.path("data/customers.csv")).unwrap();
    let gone = || std::fs::remove_file(week.shop.path("data/customers.csv")).unwrap();
    gone();
    // A blip, which is over the next time.
    week.run(&["tick"]).is(3);
    week.shop.write("data/customers.csv", &customers);
    week.off += 300;
    week.tick();
    std::fs::remove_file(week.shop.path("data/customers.csv")).unwrap();
    for _ in 0..2 {
        week.off += 300;
        week.run(&["tick"]).is(3);
    }
    // Passes that don't read the sources say nothing new.
    week.run(&["tick", "--no-sync"]);
    assert!(told_in(&week).is_empty());
    for _ in 0..4 {
        week.off += 300;
        week.run(&["tick"]).is(3);
    }
    let begins = "fondly needs you: the source `customers` can't be read";
    assert_eq!(told_in(&week), [begins]);
    let words = words_of(&week, begins);
    for part in [
        "It began on ",
        "data/customers.csv",
        "fondly sync customers",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    week.run(&["log"])
        .is(0)
        .says(&["the source `customers` can't be read"]);

    week.shop.write("data/customers.csv", &customers);
    week.off += 300;
    week.tick();
    assert_eq!(told_in(&week).len(), 1);
    week.off += 31 * 60;
    week.tick();
    week.tick();
    let over = "Settled: the source `customers` can't be read";
    assert_eq!(told_in(&week), [begins, over]);
}

#[test]
fn a_file_of_which_most_cannot_be_used_is_told_of() {
    let mut week = Week::new("");
    week.visits(&[("ann", "Ann")]);
    week.tick();
    let rows = |birthday: &str| {
        let rows = (0..10).map(|n| format!("c{n},c{n}@mail.example,{birthday}\n"));
        format!("id,email,birthday\n{}", rows.collect::<String>())
    };
    week.shop.customers(&rows("[x](https://evil.example)"));
    for _ in 0..3 {
        week.off += 60;
        week.run(&["tick"]).is(3);
    }
    let begins = "fondly needs you: most of what the source `customers` gave can't be used";
    assert_eq!(told_in(&week), [begins]);
    let words = words_of(&week, begins);
    assert!(words.contains("10 of the 10 records"), "{words}");
    week.shop.customers(&rows("1987-04-23"));
    week.off += 60;
    week.tick();
    week.off += 31 * 60;
    week.tick();
    week.tick();
    assert_eq!(told_in(&week).len(), 2);
    assert!(told_in(&week)[1].starts_with("Settled: most of what"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_that_may_have_arrived_are_told_of_until_they_are_settled() {
    let script = Script::new().nth(At::Dot, 1, Act::Close);
    let relay = Relay::start(script).await;
    let mut week = Week::new(&to_relay(&relay));
    week.visits(&[("ann", "Ann")]);
    week.run(&["tick"]).is(3);
    week.run(&["tick"]).is(3);
    let begins = "fondly needs you: nobody knows whether some letters arrived";
    let mut wanted = vec![begins];
    assert_eq!(told_by(&relay), wanted);
    let entry = week.shop.ledger_so_far().pop().unwrap();
    assert_eq!(entry.outcome, "unknown");
    week.run(&["resolve", &entry.id, "--sent"]).is(0);
    week.off += 60;
    week.tick();
    week.tick();
    wanted.push("Settled: nobody knows whether some letters arrived");
    assert_eq!(told_by(&relay), wanted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_refusals_within_a_day_are_told_of_and_so_is_their_end() {
    let no = Act::Say("550 5.1.1 <img src=x> no such user");
    let script = Script::new().nth(At::Rcpt, 3, no).nth(At::Rcpt, 9, no);
    let relay = Relay::start(script).await;
    let mut week = Week::new(&to_relay(&relay));
    let many = |from: usize, count: usize| -> Vec<(String, String)> {
        (from..from + count)
            .map(|n| (format!("c{n}"), "Ann".to_owned()))
            .collect()
    };
    let visits = |week: &Week, all: &[(String, String)]| {
        let all: Vec<(&str, &str)> = all
            .iter()
            .map(|(id, name)| (id.as_str(), name.as_str()))
            .collect();
        week.visits(&all);
    };
    visits(&week, &many(0, 20));
    week.tick();
    week.tick();
    let begins = "fondly needs you: many letters are refused";
    assert_eq!(told_by(&relay), [begins]);
    // A day later more letters leave, and all are taken.
    week.off_for(25 * 3_600);
    visits(&week, &many(20, 25));
    week.tick();
    week.off += 30 * 60;
    week.tick();
    assert_eq!(told_by(&relay).len(), 1);
    week.off += 31 * 60;
    week.tick();
    week.tick();
    let over = "Settled: many letters are refused";
    assert_eq!(told_by(&relay), [begins, over]);
}

#[test]
fn letters_that_cant_be_written_are_told_of_until_one_can_be() {
    let mut week = Week::new("");
    let letter = "+++\nsubject = \"Thanks\"\n+++\nDear {{ customer.first_name }},\n\nthank you.\n";
    week.shop.write(
        "config/templates/thank-you.en.md",
        letter.replace("first", "last"),
    );
    week.visits(&[("ann", "Ann"), ("bob", "Bob")]);
    week.tick();
    let begins = "fondly needs you: letters of \"Thanks\" (thanks) can't be written";
    let mut wanted = vec![begins.to_owned()];
    assert_eq!(told_in(&week), wanted);
    let words = words_of(&week, begins);
    assert!(words.contains("2 letters ended unsent"), "{words}");
    week.visits(&[("ann", "Ann"), ("bob", "Bob"), ("cat", "Cat")]);
    week.off += 300;
    week.tick();
    assert_eq!(told_in(&week), wanted);
    week.shop.write("config/templates/thank-you.en.md", letter);
    week.visits(&[
        ("ann", "Ann"),
        ("bob", "Bob"),
        ("cat", "Cat"),
        ("dan", "Dan"),
    ]);
    week.off += 300;
    week.tick();
    wanted.push("Settled: letters of \"Thanks\" (thanks) can't be written".to_owned());
    assert_eq!(told_in(&week), wanted);
}

#[test]
fn a_business_reads_alerts_in_its_language_and_another_one_makes_no_trouble_new() {
    let mut week = Week::new("");
    week.visits(&[("ann", "Ann")]);
    week.tick();
    let speaks = |week: &Week, language: &str| {
        let business = format!("{SETTINGS}[business]\nlanguage = \"{language}\"\n");
        week.shop.settings(&business);
    };
    let three_times = |week: &mut Week| {
        for _ in 0..3 {
            week.off += 300;
            week.run(&["tick"]).is(3);
        }
    };
    let customers = std::fs::read(week.shop.path("data/customers.csv")).unwrap();
    std::fs::remove_file(week.shop.path("data/customers.csv")).unwrap();
    three_times(&mut week);
    let mut wanted = vec!["fondly needs you: the source `customers` can't be read"];
    assert_eq!(told_in(&week), wanted);
    // Another language, and it is the trouble that it was: neither new nor over.
    speaks(&week, "de-AT");
    week.shop.write("data/customers.csv", &customers);
    std::fs::remove_file(week.shop.path("data/customers.csv")).unwrap();
    three_times(&mut week);
    assert_eq!(told_in(&week), wanted);
    week.shop.write("data/customers.csv", &customers);
    for _ in 0..2 {
        week.off += 31 * 60;
        week.tick();
    }
    wanted.push("Erledigt: die Quelle `customers` lässt sich nicht lesen");
    assert_eq!(told_in(&week), wanted);
    let over = words_of(&week, wanted[1]);
    assert_eq!(
        over.trim(),
        "Das ist wieder in Ordnung. Sie müssen nichts tun."
    );
    // What begins in German ends in French; what the system said stays as it is.
    std::fs::remove_file(week.shop.path("data/customers.csv")).unwrap();
    three_times(&mut week);
    wanted.push("fondly braucht Sie: die Quelle `customers` lässt sich nicht lesen");
    assert_eq!(told_in(&week), wanted);
    let words = words_of(&week, wanted[2]);
    for part in [
        "Das begann am ",
        "data/customers.csv",
        "fondly sync customers",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    speaks(&week, "fr");
    week.shop.write("data/customers.csv", &customers);
    for _ in 0..2 {
        week.off += 31 * 60;
        week.tick();
    }
    wanted.push("Réglé : la source `customers` ne peut pas être lue");
    assert_eq!(told_in(&week), wanted);
}

/// Who reads them once in a while to see who is gone.
const PEOPLE: &str = "[[source]]\nname = \"people\"\nkind = \"sql\"\nfeeds = \"customers\"\n\
    url = \"sqlite:../data/people.db\"\nquery = \"select id, mail as email from person\"\n\
    ids = \"select id from person\"\nfull_every = \"1 day\"\n";

/// A database of forty people, of whom these are left.
async fn people(shop: &Shop, left: &str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(shop.path("data/people.db"))
        .create_if_missing(true);
    let mut people = sqlx::SqliteConnection::connect_with(&options)
        .await
        .unwrap();
    people
        .execute("DROP TABLE IF EXISTS person; CREATE TABLE person (id INTEGER, mail TEXT)")
        .await
        .unwrap();
    let fill = sqlx::query(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 40) \
         INSERT INTO person SELECT n, 'p' || n || '@mail.example' FROM n \
         WHERE n <= CAST($1 AS INTEGER)",
    );
    fill.bind(left).execute(&mut people).await.unwrap();
    people.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_customers_who_seem_to_be_gone_are_told_of_until_that_is_settled() {
    let mut week = Week::new("");
    let german = "[business]\nlanguage = \"de\"\n";
    week.shop.settings(&format!("{SETTINGS}{german}{PEOPLE}"));
    week.shop.write("data/people.db", b"");
    people(&week.shop, "40").await;
    week.tick();
    // A day later nine are missing.
    people(&week.shop, "31").await;
    week.off_for(25 * 3_600);
    week.run(&["tick"]).is(3);
    week.run(&["tick"]).is(3);
    let begins = "fondly braucht Sie: viele Kunden der Quelle `people` scheinen fort zu sein";
    assert_eq!(told_in(&week), [begins]);
    let words = words_of(&week, begins);
    for part in [
        "9 der 40 Kunden",
        "fondly sync people --accept-gone",
        "full_every",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    let said = "many customers of the source `people` seem to be gone";
    week.run(&["log"]).is(0).says(&[said]);
    let digest = week.run(&["digest"]).is(0).out;
    assert!(
        digest.contains("9 von 40 Kunden aus der Quelle people"),
        "{digest}"
    );
    // The database was another one by mistake: the next look settles it.
    people(&week.shop, "40").await;
    week.off_for(25 * 3_600);
    week.tick();
    let over = "Erledigt: viele Kunden der Quelle `people` scheinen fort zu sein";
    assert_eq!(told_in(&week), [begins, over]);
    // This time it is right so, and somebody says it.
    people(&week.shop, "31").await;
    week.off_for(25 * 3_600);
    week.run(&["tick"]).is(3);
    assert_eq!(told_in(&week).len(), 3);
    week.off += 60;
    week.run(&["sync", "people", "--accept-gone"]).is(0);
    week.tick();
    week.tick();
    assert_eq!(told_in(&week), [begins, over, begins, over]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_customers_who_seem_to_be_gone_are_on_the_console_until_somebody_says_it_is_right() {
    let shop = Shop::new();
    shop.no_rules();
    let console = "[console]\nbind = \"127.0.0.1:0\"\n\
        [schedule]\nsync = \"* * * * * *\"\ntick = \"* * * * * *\"\n";
    shop.settings(&format!("{SETTINGS}{console}{PEOPLE}"));
    shop.write("data/people.db", b"");
    people(&shop, "40").await;
    shop.run(&["sync"]).is(0);
    people(&shop, "31").await;
    let looked = "UPDATE meta SET value = '[0,null]' WHERE key = 'looked-through:people'";
    assert_eq!(shop.tamper(looked).await, 1, "there was a look");
    let browser = Browser::start(&shop).await;
    let said = "Many customers of the source `people` seem to be gone";
    let told = || browser.get("/").body.contains(said).then_some(());
    until("the trouble", told).await;
    browser
        .get("/health")
        .shows(&[said, "9 of the 40", "fondly sync people --accept-gone"]);
    browser.get("/sources").shows(&["many seem to be gone"]);
    let none = "Many of its customers seem to be gone";
    browser.whole("/sources/people", "").await.shows(&[none]);
    shop.run(&["sync", "people", "--accept-gone"]).is(0);
    let well = || (!browser.get("/").body.contains(said)).then_some(());
    until("its end", well).await;
    let page = browser.get("/sources").body;
    assert!(!page.contains("seem to be gone"), "{page}");
    browser.daemon.stop().await;
}

/// A bad opinion of a customer whom nobody has to look up.
fn complaint(text: &str) -> Matter {
    Matter::Complaint {
        customer: "ann".to_owned(),
        who: None,
        face: 1,
        faces: 5,
        at: at("2027-03-02T09:00:00Z"),
        rule: "thanks".to_owned(),
        text: text.to_owned(),
    }
}

/// Two tell at the same time, the first of them held up by the server. So many letters come of it.
async fn told_by_two(office: &Office, relay: &Relay) -> usize {
    let (before, connections) = (relay.letters().len(), relay.connections());
    let page = opinion::tell(&office.house);
    let pass = async {
        relay.until(|seen| seen.connections > connections).await;
        let report = Report::default();
        let pass = alert::after_pass(&office.house, &report);
        tokio::pin!(pass);
        // Whether it has nothing to tell, or waits for the server as well.
        let ended = tokio::select! {
            done = &mut pass => Some(done),
            () = relay.until(|seen| seen.connections > connections + 1) => None,
        };
        relay.let_go();
        match ended {
            Some(done) => done,
            None => pass.await,
        }
    };
    let (page, pass) = tokio::join!(page, pass);
    page.unwrap();
    pass.unwrap();
    relay.letters().len() - before
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_would_tell_at_once_send_one_letter() {
    for is_over in [false, true] {
        let script = Script::new().nth(At::Connect, if is_over { 2 } else { 1 }, Act::Wait);
        let relay = Relay::start(script).await;
        let shop = Shop::new();
        shop.no_rules();
        shop.settings(&format!("{SETTINGS}{}", to_relay(&relay)));
        let clock = Clock::manual(at("2027-03-02T09:00:00Z"));
        let office = Office::open(shop, clock.clone()).await;
        let store = &office.house.store;
        let news = complaint("Too late.");
        assert!(store.trouble_begins(&news, clock.now()).await.unwrap());
        if is_over {
            opinion::tell(&office.house).await.unwrap();
            assert_eq!(relay.letters().len(), 1);
            let key = (news.kind(), "ann");
            assert!(store.trouble_over(key, clock.now()).await.unwrap());
        }
        assert_eq!(told_by_two(&office, &relay).await, 1, "{is_over}");
        let left = store.troubles().await.unwrap();
        assert_eq!(
            left.iter().filter(|one| one.told_at.is_some()).count(),
            usize::from(!is_over)
        );
        opinion::tell(&office.house).await.unwrap();
        assert_eq!(relay.letters().len(), 1 + usize::from(is_over));
    }
}

/// What is said while the server holds up the letter about what was said before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_becomes_news_while_an_alert_leaves_is_told_as_well() {
    let relay = Relay::start(Script::new().nth(At::Connect, 1, Act::Wait)).await;
    let shop = Shop::new();
    shop.no_rules();
    shop.settings(&format!("{SETTINGS}{}", to_relay(&relay)));
    let clock = Clock::manual(at("2027-03-02T09:00:00Z"));
    let office = Office::open(shop, clock.clone()).await;
    let store = &office.house.store;
    assert!(
        store
            .trouble_begins(&complaint("Too late."), clock.now())
            .await
            .unwrap()
    );
    let news = async {
        relay.until(|seen| seen.connections == 1).await;
        let news = complaint("And cold.");
        assert!(store.trouble_begins(&news, clock.now()).await.unwrap());
        relay.let_go();
    };
    let (told, ()) = tokio::join!(opinion::tell(&office.house), news);
    told.unwrap();
    let told: Vec<String> = relay
        .letters()
        .iter()
        .map(|one| text(&one.message))
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].contains("Too late.") && told[1].contains("And cold."),
        "{told:?}"
    );
}

/// Killed on the way to the server: silence would be worse than twice, and a minute later it is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_whose_teller_was_killed_is_told_by_the_next() {
    for (moment, letters) in [("smtp-announce", 1), ("smtp-answered", 2)] {
        let relay = Relay::start(Script::new()).await;
        let mut week = Week::new(&to_relay(&relay));
        week.visits(&[("ann", "Ann")]);
        week.tick();
        let sent = relay.letters().len();
        std::fs::remove_file(week.shop.path("data/customers.csv")).unwrap();
        for _ in 0..2 {
            week.off += 300;
            week.run(&["tick"]).is(3);
        }
        week.off += 300;
        week.killed_at(moment);
        assert_eq!(relay.letters().len(), sent + letters - 1, "{moment}");
        // Its claim lapses.
        week.off += 300;
        week.run(&["tick"]).is(3);
        let told = relay.letters();
        assert_eq!(told.len(), sent + letters, "{moment}");
        // A server or a mailbox can see that it is the same.
        let ids: Vec<_> = told[sent..]
            .iter()
            .map(|one| parsed(&one.message).message_id().unwrap().to_owned())
            .collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        week.run(&["tick"]).is(3);
        assert_eq!(relay.letters().len(), sent + letters, "{moment}");
    }
}

/// One owner's server takes it, the other's puts it off: neither is left out, and nobody hears it twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_owner_hears_of_a_trouble_once_whoever_has_to_wait() {
    let later = Act::Say("451 4.2.0 mailbox busy");
    let relay = Relay::start(
        Script::new()
            .nth(At::Rcpt, 2, later)
            .nth(At::Rcpt, 4, later),
    )
    .await;
    let shop = Shop::new();
    shop.no_rules();
    let owners = "[business]\nowner = [\"rose@thorn.example\", \"bea@thorn.example\"]\n";
    shop.settings(&format!("{owners}{SETTINGS}{}", to_relay(&relay)));
    let clock = Clock::manual(at("2027-03-02T09:00:00Z"));
    let office = Office::open(shop, clock.clone()).await;
    let store = &office.house.store;
    for text in ["Too late.", "And cold."] {
        let news = complaint(text);
        assert!(store.trouble_begins(&news, clock.now()).await.unwrap());
        let before = relay.letters().len();
        let mut heard = Vec::new();
        for _ in 0..4 {
            opinion::tell(&office.house).await.unwrap();
            let letters = relay.letters();
            heard.push(
                letters[before..]
                    .iter()
                    .map(|one| one.to[0].clone())
                    .collect::<Vec<_>>(),
            );
        }
        let (first, all) = (&heard[0], &mut heard[3].clone());
        assert_eq!(first.len(), 1, "{text}");
        all.sort();
        assert_eq!(*all, ["bea@thorn.example", "rose@thorn.example"], "{text}");
    }
}
