//! Several mail servers in order: which of them takes a letter, and that none takes one that
//! another may have.

use std::collections::BTreeMap;

use fondly::clock::Clock;
use fondly::store::Filter;
use jiff::{Timestamp, ToSpan as _};

use crate::outage::{MAIL, Mood, Office, Server, at, thanks, visitors};
use crate::shop::Shop;

/// Two servers, and a visitor every ten minutes.
async fn office(clock: &Clock, visits: usize, servers: [&Server; 2], first: &str) -> Office {
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("thanks", &thanks("7 days"));
    visitors(&shop, visits, clock.now());
    let relay = |server: &Server, more: &str| {
        let port = server.port;
        format!("[[mail.relay]]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\n{more}")
    };
    let (first, second) = (relay(servers[0], first), relay(servers[1], ""));
    shop.settings(&format!("{MAIL}{first}{second}"));
    let office = Office::open(shop, clock.clone()).await;
    office.read_records().await;
    office
}

/// Passes minute by minute, to this moment.
async fn until(office: &Office, end: Timestamp) {
    while office.clock.now() < end {
        office.pass().await;
        let next = office.clock.now().checked_add(1.minute()).unwrap();
        office.clock.set(
            next.round(jiff::Unit::Minute)
                .unwrap()
                .max(office.clock.now()),
        );
    }
}

/// How many letters stand how, and which way they went.
async fn ways(office: &Office, servers: [&Server; 2]) -> BTreeMap<String, usize> {
    let all = office.house.store.log(&Filter::default()).await.unwrap();
    let mut ways = BTreeMap::new();
    for entry in all {
        let via = entry.via.unwrap_or_default();
        let mut number = servers.iter().enumerate();
        let number = number.find(|(_, one)| via == format!("smtp:127.0.0.1:{}", one.port));
        let number = number.map_or_else(|| "-".to_owned(), |(n, _)| (n + 1).to_string());
        *ways
            .entry(format!("{} {number}", entry.outcome))
            .or_default() += 1;
    }
    ways
}

fn wanted<const N: usize>(ways: [(&str, usize); N]) -> BTreeMap<String, usize> {
    ways.map(|(way, n)| (way.to_owned(), n)).into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_that_works_takes_the_letters() {
    let start = at("2027-03-01T00:00:00Z");
    let after = |hours: i64| start.checked_add(hours.hours()).unwrap();
    let clock = Clock::manual(start);
    let (one, two) = (Server::start(&clock).await, Server::start(&clock).await);
    let office = office(&clock, 36, [&one, &two], "").await;
    until(&office, after(2)).await;
    assert_eq!(ways(&office, [&one, &two]).await["sent 1"], 12);

    // The first goes away: the second takes what the first doesn't, within the same pass.
    one.is(Mood::Away);
    one.noted();
    until(&office, after(4)).await;
    let now = ways(&office, [&one, &two]).await;
    assert_eq!((now["sent 1"], now["sent 2"]), (12, 12));
    let late = |letters: Vec<(Timestamp, String, String)>| {
        let late = letters
            .into_iter()
            .map(|one| one.0.duration_since(start).as_secs() % 600);
        late.max().unwrap()
    };
    assert!(late(two.noted().letters) < 60);
    let asked = one.noted().connections;
    // Ten minutes apart, each letter asked once.
    assert_eq!(asked.len(), 12);

    // It is back, and takes them again.
    one.is(Mood::Open);
    until(&office, after(6)).await;
    let ways = ways(&office, [&one, &two]).await;
    assert_eq!(ways, wanted([("sent 1", 24), ("sent 2", 12)]));
    assert!(two.noted().letters.is_empty());
    assert!(office.house.store.relays().await.unwrap().is_empty());
    let sent = &office.ledger().await[0];
    let shown = office.shop.run(&["show", &sent.id]).is(0);
    shown.says(&["via              smtp:127.0.0.1:"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_that_may_have_arrived_goes_nowhere_else() {
    let start = at("2027-03-01T00:00:00Z");
    let after = |hours: i64| start.checked_add(hours.hours()).unwrap();
    let clock = Clock::manual(start);
    let (one, two) = (Server::start(&clock).await, Server::start(&clock).await);
    let mut office = office(&clock, 12, [&one, &two], "when_unknown = \"resend\"\n").await;
    // Six letters get lost on their way back from the first.
    one.is(Mood::Lost);
    until(&office, after(1)).await;
    assert_eq!(ways(&office, [&one, &two]).await["unknown 1"], 6);

    // After a restart they are sent again: to the first alone, which is away.
    one.is(Mood::Away);
    office.restart().await;
    until(&office, after(3)).await;
    let now = ways(&office, [&one, &two]).await;
    assert_eq!(now, wanted([("deferred 1", 6), ("sent 2", 6)]));
    office.restart().await;
    one.is(Mood::Open);
    until(&office, after(4)).await;
    let now = ways(&office, [&one, &two]).await;
    assert_eq!(now, wanted([("sent 1", 6), ("sent 2", 6)]));

    let ids = |server: &Server| {
        let letters = server.noted().letters.into_iter();
        // The owner hears of what is unknown, and of the server that was away.
        let letters = letters.filter(|letter| !letter.1.contains("anna@"));
        letters.map(|letter| letter.2).collect::<Vec<_>>()
    };
    let (first, second) = (ids(&one), ids(&two));
    assert_eq!(
        (first.len(), second.len()),
        (12, 6),
        "six of them twice, the same way"
    );
    assert!(second.iter().all(|id| !first.contains(id)));
}
