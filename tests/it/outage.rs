//! A mail server that is away for days, or refuses us, on a virtual clock: what it heard meanwhile,
//! by its own record, and what the ledger says afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fondly::clock::Clock;
use fondly::engine::tick::{self, Pass};
use fondly::engine::{House, Plans, Report, alert};
use fondly::store::Filter;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::shop::{Entry, Shop, entries};

/// What the server does with whoever comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Takes everything.
    Open,
    /// `421` and goodbye.
    Away,
    /// Lets nobody log in.
    NoLogin,
    /// Takes a letter, and is gone before it says so.
    Lost,
}

/// What it noted, by the virtual clock.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub connections: Vec<Timestamp>,
    /// When each letter's dot came, with its recipient and Message-ID.
    pub letters: Vec<(Timestamp, String, String)>,
}

/// A mail server that keeps the virtual time.
pub(crate) struct Server {
    pub port: u16,
    mood: Arc<Mutex<Mood>>,
    pub notes: Arc<Mutex<Notes>>,
    _tasks: JoinSet<()>,
}

impl Server {
    pub(crate) async fn start(clock: &Clock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mood = Arc::new(Mutex::new(Mood::Open));
        let notes = Arc::new(Mutex::new(Notes::default()));
        let mut tasks = JoinSet::new();
        let (clock, moods, theirs) = (clock.clone(), Arc::clone(&mood), Arc::clone(&notes));
        tasks.spawn(async move {
            let mut guests = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                theirs.lock().unwrap().connections.push(clock.now());
                let mood = *moods.lock().unwrap();
                let (clock, theirs) = (clock.clone(), Arc::clone(&theirs));
                // However the conversation ends, the socket is closed with it.
                guests.spawn(async move { drop(receive(stream, mood, &clock, &theirs).await) });
            }
        });
        Self {
            port,
            mood,
            notes,
            _tasks: tasks,
        }
    }

    pub(crate) fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// What it noted since it was last asked.
    pub(crate) fn noted(&self) -> Notes {
        std::mem::take(&mut *self.notes.lock().unwrap())
    }
}

async fn receive(
    stream: TcpStream,
    mood: Mood,
    clock: &Clock,
    notes: &Mutex<Notes>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut line = BufReader::new(stream);
    if mood == Mood::Away {
        return line.write_all(b"421 4.3.2 back later\r\n").await;
    }
    line.write_all(b"220 here\r\n").await?;
    let mut to = String::new();
    loop {
        let mut said = String::new();
        if line.read_line(&mut said).await? == 0 {
            return Ok(());
        }
        let verb = said.split_whitespace().next().unwrap_or("");
        let answer = match verb {
            "EHLO" => "250-here\r\n250 AUTH PLAIN LOGIN\r\n",
            "AUTH" if mood == Mood::NoLogin => "535 5.7.8 wrong password\r\n",
            "AUTH" => "235 2.7.0 welcome\r\n",
            "RCPT" if said.contains("<unwelcome@") => "550 5.1.1 no such user\r\n",
            "RCPT" if said.contains("<busy@") => "450 4.2.1 come back later\r\n",
            "RCPT" => {
                to = said.trim().to_owned();
                "250 2.1.5 ok\r\n"
            }
            "DATA" => {
                line.write_all(b"354 go on\r\n").await?;
                let mut id = String::new();
                loop {
                    let mut text = String::new();
                    if line.read_line(&mut text).await? == 0 {
                        return Ok(());
                    }
                    if let Some(rest) = text.strip_prefix("Message-ID: ") {
                        rest.trim().clone_into(&mut id);
                    }
                    if text == ".\r\n" {
                        break;
                    }
                }
                let letter = (clock.now(), to.clone(), id);
                notes.lock().unwrap().letters.push(letter);
                if mood == Mood::Lost {
                    return Ok(());
                }
                "250 2.0.0 taken\r\n"
            }
            "QUIT" => return line.write_all(b"221 bye\r\n").await,
            _ => "250 2.0.0 ok\r\n",
        };
        line.write_all(answer.as_bytes()).await?;
    }
}

/// A business on a virtual clock, which can be shut and opened again.
pub(crate) struct Office {
    pub shop: Shop,
    pub clock: Clock,
    pub house: Arc<House>,
}

impl Office {
    pub(crate) async fn open(shop: Shop, clock: Clock) -> Self {
        let house = house(&shop, &clock).await;
        Self { shop, clock, house }
    }

    /// As a restart of the daemon has it; its settings are read anew.
    pub(crate) async fn restart(&mut self) {
        self.house.store.clone().close().await.unwrap();
        self.house = house(&self.shop, &self.clock).await;
        tick::recover(&self.house).await.unwrap();
    }

    /// One pass, and what the owner is told after it.
    pub(crate) async fn pass(&self) -> Report {
        let pass = Pass {
            sync: false,
            workers: Some(1),
        };
        let stop = CancellationToken::new();
        let report = Box::pin(tick::tick(&self.house, pass, &stop)).await;
        let report = report.unwrap();
        alert::after_pass(&self.house, &report).await.unwrap();
        report
    }

    pub(crate) async fn read_records(&self) {
        let now = self.clock.now();
        fondly::engine::sync::sync(&self.house, None, now)
            .await
            .unwrap();
    }

    /// The ledger as it is.
    pub(crate) async fn ledger(&self) -> Vec<Entry> {
        let all = self.house.store.log(&Filter::default()).await.unwrap();
        let lines = all.iter().map(|entry| {
            let row = fondly::engine::entry_json::entry_json(entry);
            serde_json::Value::Object(row).to_string()
        });
        entries(&lines.collect::<Vec<_>>().join("\n"))
    }
}

async fn house(shop: &Shop, clock: &Clock) -> Arc<House> {
    let plans = Plans::read(&shop.path("config/fondly.toml"))
        .unwrap_or_else(|findings| panic!("{findings:#?}"));
    Arc::new(House::for_rehearsal(plans, clock.clone()).await.unwrap())
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// How far apart two moments that follow each other are, at least.
pub(crate) fn closest(moments: &[Timestamp]) -> SignedDuration {
    let gaps = moments.windows(2).map(|two| two[1].duration_since(two[0]));
    gaps.min().unwrap_or(SignedDuration::MAX)
}

/// How often each outcome and reason occur, by rule.
pub(crate) fn counts(entries: &[Entry]) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for entry in entries {
        let reason = entry.reason.as_deref().unwrap_or("-");
        let what = format!("{} {} {reason}", entry.rule, entry.outcome);
        *counts.entry(what).or_default() += 1;
    }
    let counts = counts.into_iter();
    counts.map(|(what, n)| format!("{n} {what}")).collect()
}

pub(crate) const MAIL: &str = "[sending]\nquiet_hours = \"none\"\ncaps = {}\n\
    [guard]\nmax_per_rule_per_day = 1000000\n\
    [business]\nunsubscribe_mailto = \"out@thorn.example\"\n[mail]\ntransport = \"smtp\"\n";

/// A rule for a thank-you after a visit, which may be so late.
pub(crate) fn thanks(late: &str) -> String {
    format!(
        "title = \"Thanks\"\ntemplate = \"thank-you\"\nclass = \"service\"\n\
         audience = \"customer\"\n[trigger.event]\nevent = \"visit\"\nafter = \"0 minutes\"\n\
         [send]\nlate = \"{late}\"\nzone = \"business\"\n[limits]\nbackfill = \"9 days\"\n"
    )
}

/// So many visitors, one every ten minutes from this moment on.
pub(crate) fn visitors(shop: &Shop, many: usize, from: Timestamp) {
    let mut customers = String::from("id,email\n");
    let mut events = String::from("id,customer_id,kind,at\n");
    for n in 0..many {
        writeln!(customers, "c{n},c{n}@mail.example").unwrap();
        let visit = from + Duration::from_secs(n as u64 * 600);
        writeln!(events, "v{n},c{n},visit,{visit}").unwrap();
    }
    shop.customers(&customers);
    shop.events(&events);
}

/// Three days without a mail server, and a restart now and then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_days_without_a_mail_server_lose_nothing_and_end_without_a_burst() {
    const VISITORS: usize = 432;
    const PER_SECOND: usize = 5;
    let start = at("2027-03-01T00:00:00Z");
    let clock = Clock::manual(start);
    let server = Server::start(&clock).await;
    server.is(Mood::Away);
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("patient", &thanks("7 days"));
    shop.rule("hasty", &thanks("1 day"));
    visitors(&shop, VISITORS, start);
    shop.settings(&format!(
        "{MAIL}[mail.smtp]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\n\
         per_second = {PER_SECOND}\n",
        server.port
    ));
    let mut office = Office::open(shop, clock.clone()).await;
    office.read_records().await;

    let passes = minute_by_minute(&mut office, 72 * 60).await;
    let away = server.noted();
    assert!(away.letters.is_empty());
    // Three troubles in a row, and from then on one letter a minute.
    let probes = away.connections.get(2..).unwrap();
    assert!(closest(probes) >= SignedDuration::from_mins(1));
    let range = 3_000..=72 * 60;
    assert!(range.contains(&probes.len()), "{} probes", probes.len());
    let waiting = office.ledger().await;
    assert!(waiting.iter().all(|entry| entry.attempts == 0));

    server.is(Mood::Open);
    clock.set(start.checked_add(72.hours()).unwrap());
    minute_by_minute(&mut office, 30).await;
    let open = server.noted();
    let taken: Vec<Timestamp> = open.letters.iter().map(|letter| letter.0).collect();
    assert!(closest(&taken) >= SignedDuration::from_millis(200));
    // One letter asks, and the others follow in the same pass, as fast as they may.
    let lasted = taken[taken.len() - 1].duration_since(taken[0]);
    let longest = Duration::from_secs((open.letters.len() / PER_SECOND + 1) as u64);
    assert!(lasted.unsigned_abs() <= longest, "{lasted:?}");

    let entries = office.ledger().await;
    assert_eq!(entries.len(), 2 * VISITORS);
    let sent = entries.iter().filter(|one| one.is_sent());
    let sent: BTreeSet<&str> = sent.filter_map(|one| one.message_id.as_deref()).collect();
    let ids: BTreeSet<&str> = open.letters.iter().map(|one| bare(&one.2)).collect();
    assert_eq!(ids.len(), open.letters.len(), "a letter came twice");
    assert_eq!(ids, sent.into_iter().map(bare).collect());
    for entry in &entries {
        assert_eq!(entry.attempts, u32::from(entry.is_sent()), "{entry:#?}");
    }
    // The hasty rule's last day of visits was still young enough.
    let wanted = [
        "143 hasty sent accepted",
        "289 hasty skipped too-late",
        "432 patient sent accepted",
    ];
    assert_eq!(counts(&entries), wanted);
    println!(
        "{} probes in {passes} passes; then {} letters in {lasted:?}",
        probes.len(),
        open.letters.len()
    );
}

/// A pass every minute from now on; every 250 minutes a restart, and another pass soon after.
async fn minute_by_minute(office: &mut Office, minutes: i64) -> usize {
    let start = office.clock.now();
    let mut passes = 0;
    for minute in 0..minutes {
        let now = start.checked_add(minute.minutes()).unwrap();
        // Letters that wait for their turn may have moved it further.
        office.clock.set(now.max(office.clock.now()));
        office.pass().await;
        passes += 1;
        if minute % 250 == 249 {
            // Neither a restart nor passes close by make it ask more often.
            office.restart().await;
            office.clock.set(now.checked_add(20.seconds()).unwrap());
            office.pass().await;
            passes += 1;
        }
    }
    passes
}

fn bare(id: &str) -> &str {
    id.trim_matches(['<', '>'])
}

/// A password that was changed at the provider: nothing is lost, nobody hammers at the door, and
/// the owner is told once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_login_stops_everything_and_is_told_once() {
    let start = at("2027-03-01T09:00:00Z");
    let clock = Clock::manual(start);
    let server = Server::start(&clock).await;
    server.is(Mood::NoLogin);
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("thanks", &thanks("7 days"));
    visitors(&shop, 12, start);
    let settings = |port: u16, password: &str| {
        format!(
            "{MAIL}[mail.smtp]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\n\
             username = \"care\"\npassword_file = \"{password}\"\n"
        )
    };
    shop.write("config/old", "old\n");
    shop.write("config/new", "new\n");
    shop.settings(&settings(server.port, "old"));
    let mut office = Office::open(shop, clock.clone()).await;
    office.read_records().await;
    let mut report = Report::default();
    for minute in 0..120 {
        clock.set(start.checked_add(minute.minutes()).unwrap());
        report = office.pass().await;
        if minute == 40 {
            // Restarted with the same settings, it doesn't ask earlier.
            office.restart().await;
        }
    }
    assert!(report.relay_trouble.unwrap().starts_with("535"));
    let asked = server.noted().connections;
    assert_eq!(asked.len(), 8);
    assert!(closest(&asked) >= SignedDuration::from_mins(15));
    let waiting = office.ledger().await;
    assert_eq!(counts(&waiting), ["12 thanks deferred relay-refuses-us"]);
    assert!(waiting.iter().all(|entry| entry.attempts == 0));
    let troubles = office.house.store.troubles().await.unwrap();
    let keys = troubles.iter().map(|trouble| &trouble.matter);
    let keys: Vec<_> = keys.map(|one| (one.kind(), one.name())).collect();
    assert_eq!(keys, [("relay", format!("127.0.0.1:{}", server.port))]);

    // Another password is tried with the next pass, not after a quarter of an hour.
    server.is(Mood::Open);
    office.shop.settings(&settings(server.port, "new"));
    office.restart().await;
    clock.set(start.checked_add(121.minutes()).unwrap());
    office.pass().await;
    let entries = office.ledger().await;
    assert_eq!(counts(&entries), ["12 thanks sent accepted"]);
    // The twelve letters, and one word to the owner that it is over and what it was.
    let letters = server.noted().letters;
    let to_owner = letters.iter().filter(|one| one.1.contains("anna@"));
    assert_eq!((letters.len(), to_owner.count()), (13, 1));
    assert!(office.house.store.troubles().await.unwrap().is_empty());
}
