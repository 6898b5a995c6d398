//! What the owner is told of while it goes on, and once more when it is over: each trouble once,
//! and what comes and goes as one.

use fondly::clock::Clock;
use jiff::{Timestamp, ToSpan as _};

use crate::digest::{Week, parsed, text, to_relay};
use crate::outage::{MAIL, Mood, Office, Server, at, thanks, visitors};
use crate::relay::{Act, At, Relay, Script};
use crate::shop::Shop;

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

async fn subjects(office: &Office) -> Vec<String> {
    let troubles = office.house.store.troubles().await.unwrap();
    troubles.into_iter().map(|one| one.subject).collect()
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
