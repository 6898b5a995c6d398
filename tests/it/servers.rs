//! Real mail servers, Postfix and Dovecot's submission: logins, certificates, greylisting, limits of
//! rate and size, addresses of all kinds. Each time what arrived is held against the ledger.

pub(crate) mod debian;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fondly::clock::Clock;
use fondly::model::Outcome;
use fondly::store::Filter;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::outage::{Office, at, counts, thanks};
use crate::servers::debian::{PASSWORD, Servers};
use crate::shop::{Entry, Shop, files};

/// What Postfix is told of a port with TLS from the first byte, and of one with STARTTLS.
const TLS: &str = "-o smtpd_tls_wrappermode=yes";
const STARTTLS: &str = "-o smtpd_tls_security_level=encrypt";
/// Whoever isn't logged in sends nothing.
const LOGIN: &str = "-o smtpd_sasl_auth_enable=yes \
    -o smtpd_relay_restrictions=permit_sasl_authenticated,reject";

/// Nobody listens there, and nobody asks.
const NO_TOKENS: u16 = 9;

const START: &str = "2027-03-01T09:00:00Z";

fn with_login(how: &str) -> String {
    format!("{how} {LOGIN}")
}

fn with_certificate(how: &str, name: &str) -> String {
    format!("{how} {LOGIN} -o smtpd_tls_chain_files=CERTIFICATES/{name}.pem")
}

/// A business whose customers were here just now.
async fn office(clock: &Clock, addresses: &[(String, String)], relay: &str) -> Office {
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("thanks", &thanks("7 days"));
    let mut customers = String::from("id,email\n");
    let mut events = String::from("id,customer_id,kind,at\n");
    for (id, address) in addresses {
        writeln!(customers, "{id},{address}").unwrap();
        writeln!(events, "v-{id},{id},visit,{}", clock.now()).unwrap();
    }
    shop.customers(&customers);
    shop.events(&events);
    shop.write("config/password", PASSWORD);
    shop.write("config/token", "outdated\n");
    shop.settings(&format!(
        "[sending]\nquiet_hours = \"none\"\ncaps = {{}}\n\
         [business]\nowner = [\"c99@customer.example\"]\n\
         [mail]\ntransport = \"smtp\"\n[mail.smtp]\nhost = \"127.0.0.1\"\nper_second = 1000\n{relay}"
    ));
    let office = Office::open(shop, clock.clone()).await;
    office.read_records().await;
    office
}

/// Ten customers whom Postfix knows, from this number on.
fn ten(from: usize) -> Vec<(String, String)> {
    let numbers = from..from + 10;
    numbers
        .map(|n| (format!("c{n}"), format!("c{n}@customer.example")))
        .collect()
}

fn over(servers: &Servers, port: &str, security: &str) -> String {
    let (port, ca) = (servers.port(port), servers.path("ca.pem"));
    format!(
        "port = {port}\nsecurity = \"{security}\"\nca_file = \"{}\"\n",
        ca.display()
    )
}

const BY_PASSWORD: &str = "username = \"care\"\npassword_file = \"password\"\n";

/// The Message-IDs of what the ledger calls sent.
fn sent(entries: &[Entry]) -> Vec<String> {
    let sent = entries.iter().filter(|entry| entry.is_sent());
    let id = |entry: &Entry| entry.message_id.clone().unwrap();
    let mut ids: Vec<String> = sent.map(id).collect();
    ids.sort();
    ids
}

/// Says whether a token is good, as a provider of accounts does.
async fn provider() -> (u16, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = vec![0; 4_096];
            let read = stream.read(&mut asked).await.unwrap_or(0);
            asked.truncate(read);
            let good = String::from_utf8_lossy(&asked).contains("token=good ");
            let (status, body) = if good {
                ("200 OK", "{\"username\":\"care\"}")
            } else {
                ("400 Bad Request", "{\"error\":\"invalid_token\"}")
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            drop(stream.write_all(answer.as_bytes()).await);
        }
    });
    (port, tasks)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_arrive_once_at_real_servers_over_every_kind_of_connection_and_login() {
    let ports = [
        ("plain", String::new()),
        ("starttls", with_login(STARTTLS)),
        ("tls", with_login(TLS)),
    ];
    let (tokens, _provider) = provider().await;
    let Some(servers) = Servers::start(&ports, ("", tokens)).await else {
        return;
    };
    let clock = Clock::manual(at(START));
    let by_token = "username = \"care\"\ntoken_file = \"token\"\n";
    let mut ids = Vec::new();
    for (n, (port, security, login)) in [
        ("starttls", "starttls", BY_PASSWORD),
        ("tls", "tls", BY_PASSWORD),
        ("dovecot-starttls", "starttls", BY_PASSWORD),
        ("dovecot-tls", "tls", BY_PASSWORD),
        ("dovecot-tls", "tls", by_token),
        ("plain", "none", ""),
    ]
    .into_iter()
    .enumerate()
    {
        let relay = over(&servers, port, security) + login;
        let mut office = office(&clock, &ten(10 * n), &relay).await;
        if login == by_token {
            office.pass().await;
            let waiting = office.ledger().await;
            assert_eq!(counts(&waiting), ["10 thanks deferred relay-refuses-us"]);
            assert!(waiting.iter().all(|entry| entry.attempts == 0));
            // Another program renews it; whoever asks next finds the new one.
            office.shop.write("config/token", "good\n");
            clock.set(clock.now().checked_add(16.minutes()).unwrap());
        }
        office.pass().await;
        let entries = office.ledger().await;
        assert_eq!(
            counts(&entries),
            ["10 thanks sent accepted"],
            "{port} {login}"
        );
        ids.extend(sent(&entries));
        office.restart().await;
        office.pass().await;
        assert_eq!(sent(&office.ledger().await), sent(&entries));
    }
    // The letters, and a word to the owner that the outdated token's trouble is over.
    let mut arrived = servers.arrived(ids.len() + 1).await;
    assert_eq!(arrived.len(), ids.len() + 1);
    arrived.retain(|id| ids.contains(id));
    ids.sort();
    assert_eq!(arrived, ids);
    println!(
        "{} letters at Postfix and Dovecot, each once",
        arrived.len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_goes_to_a_server_whose_certificate_isn_t_trusted() {
    let ports = [
        ("plain", String::new()),
        ("good", with_login(TLS)),
        ("expired", with_certificate(TLS, "expired")),
        ("expired-starttls", with_certificate(STARTTLS, "expired")),
        ("other", with_certificate(TLS, "other")),
        ("other-starttls", with_certificate(STARTTLS, "other")),
    ];
    let Some(servers) = Servers::start(&ports, ("", NO_TOKENS)).await else {
        return;
    };
    let clock = Clock::manual(at(START));
    for (port, security, trusted, why) in [
        (
            "good",
            "tls",
            false,
            "name its issuer's certificate in `ca_file`",
        ),
        (
            "dovecot-starttls",
            "starttls",
            false,
            "name its issuer's certificate in `ca_file`",
        ),
        ("expired", "tls", true, "has expired"),
        ("expired-starttls", "starttls", true, "has expired"),
        (
            "other",
            "tls",
            true,
            "is for another name (mail.other.example)",
        ),
        (
            "other-starttls",
            "starttls",
            true,
            "is for another name (mail.other.example)",
        ),
    ] {
        let mut relay = over(&servers, port, security);
        if !trusted {
            relay = relay
                .lines()
                .filter(|line| !line.starts_with("ca_file"))
                .collect::<Vec<_>>()
                .join("\n");
            relay.push('\n');
        }
        let office = office(&clock, &ten(0), &(relay + BY_PASSWORD)).await;
        let report = office.pass().await;
        let said = report.relay_trouble.unwrap_or_default();
        assert!(said.contains(why), "{port}: {said}");
        let entries = office.ledger().await;
        assert_eq!(
            counts(&entries),
            ["10 thanks deferred relay-trouble"],
            "{port}"
        );
        assert!(entries.iter().all(|entry| entry.attempts == 0));
    }
    assert!(servers.arrived(0).await.is_empty());
    let log = std::fs::read_to_string(servers.path("log/postfix")).unwrap();
    assert!(!log.contains("sasl_username"), "somebody logged in: {log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_stops_a_real_server_and_is_told_once() {
    let ports = [("plain", String::new()), ("tls", with_login(TLS))];
    let Some(servers) = Servers::start(&ports, ("", NO_TOKENS)).await else {
        return;
    };
    let clock = Clock::manual(at(START));
    let mut ids = Vec::new();
    for (n, port) in ["tls", "dovecot-tls"].into_iter().enumerate() {
        let relay = over(&servers, port, "tls") + BY_PASSWORD;
        let mut office = office(&clock, &ten(10 * n), &relay).await;
        office.shop.write("config/password", "tulip-18");
        office.restart().await;
        for _ in 0..30 {
            office.pass().await;
            clock.set(clock.now().checked_add(1.minute()).unwrap());
        }
        let waiting = office.ledger().await;
        assert_eq!(counts(&waiting), ["10 thanks deferred relay-refuses-us"]);
        assert!(waiting.iter().all(|entry| entry.attempts == 0));
        let troubles = office.house.store.troubles().await.unwrap();
        assert_eq!(troubles.len(), 1, "{troubles:?}");
        assert_eq!(troubles[0].matter.kind(), "relay");

        office.shop.write("config/password", PASSWORD);
        office.restart().await;
        office.pass().await;
        let entries = office.ledger().await;
        assert_eq!(counts(&entries), ["10 thanks sent accepted"]);
        ids.extend(sent(&entries));
    }
    // The letters, and for each server one word to the owner that it is over.
    let mut arrived = servers.arrived(ids.len() + 2).await;
    assert_eq!(arrived.len(), ids.len() + 2);
    arrived.retain(|id| ids.contains(id));
    ids.sort();
    assert_eq!(arrived, ids);
}

/// What Postfix asks before it takes a recipient. Whoever is new waits five minutes.
async fn greylist(clock: &Clock) -> (u16, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let known: Arc<Mutex<BTreeMap<String, Timestamp>>> = Arc::default();
    let clock = clock.clone();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut guests = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let (known, clock) = (Arc::clone(&known), clock.clone());
            guests.spawn(async move {
                let mut stream = BufReader::new(stream);
                let mut who = String::new();
                loop {
                    let mut line = String::new();
                    if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                        return;
                    }
                    if ["sender=", "recipient="]
                        .iter()
                        .any(|key| line.starts_with(key))
                    {
                        who.push_str(&line);
                    }
                    if line != "\n" {
                        continue;
                    }
                    let first = *known
                        .lock()
                        .unwrap()
                        .entry(std::mem::take(&mut who))
                        .or_insert(clock.now());
                    let waited = clock.now().duration_since(first) >= SignedDuration::from_mins(5);
                    let action = if waited {
                        "DUNNO"
                    } else {
                        "450 4.7.1 Greylisted, come back in 300 seconds"
                    };
                    drop(
                        stream
                            .write_all(format!("action={action}\n\n").as_bytes())
                            .await,
                    );
                }
            });
        }
    });
    (port, tasks)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn greylisting_costs_five_minutes_and_nothing_else() {
    let clock = Clock::manual(at(START));
    let (policy, _greylist) = greylist(&clock).await;
    let asks =
        format!("-o smtpd_recipient_restrictions=check_policy_service,inet:127.0.0.1:{policy}");
    let Some(servers) = Servers::start(&[("plain", asks)], ("", NO_TOKENS)).await else {
        return;
    };
    let office = office(&clock, &ten(0), &over(&servers, "plain", "none")).await;
    for _ in 0..5 {
        office.pass().await;
        let entries = office.ledger().await;
        assert_eq!(counts(&entries), ["10 thanks deferred temporary-refusal"]);
        for entry in &entries {
            let next: Timestamp = entry.next_attempt_at.as_ref().unwrap().parse().unwrap();
            let wait = next.duration_since(at(START));
            assert_eq!(wait.as_mins(), 5, "{wait:?}");
            assert_eq!(entry.attempts, 1);
            assert!(entry.reply.as_ref().unwrap().contains("Greylisted"));
        }
        clock.set(clock.now().checked_add(1.minute()).unwrap());
    }
    office.pass().await;
    let entries = office.ledger().await;
    assert_eq!(counts(&entries), ["10 thanks sent accepted"]);
    assert!(entries.iter().all(|entry| entry.attempts == 2));
    assert_eq!(servers.arrived(10).await, sent(&entries));
    let suppressed = office.house.store.suppressions().await.unwrap();
    assert!(suppressed.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_only_so_many_a_second_gets_each_letter_once() {
    /// Postfix forgets whom it has counted after so long, by its own clock.
    const UNIT: Duration = Duration::from_secs(1);
    const LETTERS: usize = 30;
    let limits = "-o smtpd_client_message_rate_limit=5 -o smtpd_client_recipient_rate_limit=8 \
                  -o smtpd_client_event_limit_exceptions=";
    let ports = [("plain", limits.to_owned())];
    let unit = format!("anvil_rate_time_unit = {}s", UNIT.as_secs());
    let Some(servers) = Servers::start(&ports, (&unit, NO_TOKENS)).await else {
        return;
    };
    let clock = Clock::manual(at(START));
    let customers: Vec<_> = (0..LETTERS / 10).flat_map(|n| ten(10 * n)).collect();
    let office = office(&clock, &customers, &over(&servers, "plain", "none")).await;
    let mut passes = 0;
    let mut deferred = 0;
    loop {
        office.pass().await;
        passes += 1;
        let entries = office.ledger().await;
        if sent(&entries).len() == LETTERS {
            break;
        }
        let later = entries.iter().filter(|entry| entry.outcome == "deferred");
        deferred += later.clone().count();
        assert!(
            later
                .clone()
                .all(|entry| entry.reason.as_deref() == Some("temporary-refusal"))
        );
        assert!(passes < 200, "{:?}", counts(&entries));
        let next = later
            .filter_map(|entry| entry.next_attempt_at.as_ref())
            .min()
            .unwrap();
        clock.set(next.parse::<Timestamp>().unwrap().max(clock.now()));
        tokio::time::sleep(UNIT).await;
    }
    assert!(deferred > 0, "the limit was never reached");
    let entries = office.ledger().await;
    assert_eq!(servers.arrived(LETTERS).await, sent(&entries));
    let suppressed = office.house.store.suppressions().await.unwrap();
    assert!(suppressed.is_empty());
    println!("{LETTERS} letters in {passes} passes, put off {deferred} times");
}

/// Whose letter, what becomes of it, and a word of why.
type End = (&'static str, &'static str, &'static str);

/// How letters end at each port.
const ENDS: [(&str, [End; 5]); 3] = [
    (
        "ascii",
        [
            ("ann", "sent", ""),
            ("anna", "sent", ""),
            ("doerte", "rejected", "SMTPUTF8"),
            ("full", "deferred", "mailbox full"),
            ("nobody", "rejected", "User unknown"),
        ],
    ),
    (
        "plain",
        [
            ("ann", "sent", ""),
            ("anna", "sent", ""),
            ("doerte", "sent", ""),
            ("full", "deferred", "mailbox full"),
            ("nobody", "rejected", "User unknown"),
        ],
    ),
    (
        "small",
        [
            ("ann", "rejected", "at most 1000"),
            ("anna", "rejected", "at most 1000"),
            ("doerte", "rejected", "at most 1000"),
            ("full", "rejected", "at most 1000"),
            ("nobody", "rejected", "at most 1000"),
        ],
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_of_all_kinds_and_full_mailboxes_end_as_they_should() {
    let ports = [
        ("plain", String::new()),
        ("ascii", "-o smtputf8_enable=no".to_owned()),
        ("small", "-o message_size_limit=1000".to_owned()),
    ];
    let Some(servers) = Servers::start(&ports, ("", NO_TOKENS)).await else {
        return;
    };
    let clock = Clock::manual(at(START));
    let customers = |mark: &str| {
        let person = |id: &str, address: &str| (format!("{id}-{mark}"), address.to_owned());
        vec![
            person("ann", "c1@customer.example"),
            person("anna", "anna@MÜLLER.example"),
            person("doerte", "dörte@customer.example"),
            person("full", "full@customer.example"),
            person("nobody", "nobody@customer.example"),
        ]
    };
    let mut ids = Vec::new();
    for (port, expected) in ENDS {
        let office = office(&clock, &customers(port), &over(&servers, port, "none")).await;
        office.pass().await;
        let entries = office.ledger().await;
        for (id, outcome, word) in expected {
            let id = format!("{id}-{port}");
            let entry = entries.iter().find(|entry| entry.customer == id).unwrap();
            assert_eq!(entry.outcome, outcome, "{entry:#?}");
            assert!(entry.reply.as_ref().unwrap().contains(word), "{entry:#?}");
        }
        // Only who doesn't exist is written to no more.
        let suppressed = office.house.store.suppressions().await.unwrap();
        let suppressed: Vec<_> = suppressed.into_iter().map(|one| one.0).collect();
        let gone: &[&str] = if port == "small" {
            &[]
        } else {
            &["nobody@customer.example"]
        };
        assert_eq!(suppressed, gone, "{port}");
        let all = office.house.store.log(&Filter::default()).await.unwrap();
        assert!(all.iter().all(|entry| entry.outcome != Outcome::Unknown));
        ids.extend(sent(&entries));
    }
    ids.sort();
    assert_eq!(servers.arrived(ids.len()).await, ids);
    let letters = files(&servers.path("mail/all/new"));
    let has = |text: &str| {
        let has = |letter: &&Vec<u8>| String::from_utf8_lossy(letter).contains(text);
        letters.values().filter(has).count()
    };
    assert_eq!(has("\nTo: anna@xn--mller-kva.example\n"), 2);
    assert_eq!(has("\nTo: dörte@customer.example\n"), 1);
}
