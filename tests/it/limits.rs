//! How fast letters go: for each mail server, and for each mail domain; across passes and restarts,
//! by the server's own record and the virtual clock.

use std::fmt::Write as _;
use std::time::Duration;

use fondly::clock::Clock;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use crate::outage::{MAIL, Office, Server, at, closest, thanks};
use crate::shop::Shop;

/// So many who were here just now, at each of these mail domains.
fn visitors(shop: &Shop, at: Timestamp, domains: &[(&str, usize)]) {
    let mut customers = String::from("id,email\n");
    let mut events = String::from("id,customer_id,kind,at\n");
    for (domain, many) in domains {
        for n in 0..*many {
            writeln!(customers, "{domain}-{n},c{n}@{domain}").unwrap();
            writeln!(events, "v-{domain}-{n},{domain}-{n},visit,{at}").unwrap();
        }
    }
    shop.customers(&customers);
    shop.events(&events);
}

async fn office(clock: &Clock, server: &Server, domains: &[(&str, usize)], more: &str) -> Office {
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("thanks", &thanks("7 days"));
    visitors(&shop, clock.now(), domains);
    shop.settings(&format!(
        "{MAIL}[mail.smtp]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\n{more}",
        server.port
    ));
    let office = Office::open(shop, clock.clone()).await;
    office.read_records().await;
    office
}

/// When letters to this domain came.
fn to(letters: &[(Timestamp, String, String)], domain: &str) -> Vec<Timestamp> {
    let to = letters.iter().filter(|one| one.1.contains(domain));
    to.map(|one| one.0).collect()
}

/// The most that came within so long.
fn most_within(moments: &[Timestamp], within: SignedDuration) -> usize {
    let since = |from: &Timestamp| {
        let here = moments.iter().filter(|at| *at >= from);
        here.filter(|at| at.duration_since(*from) < within).count()
    };
    moments.iter().map(since).max().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pace_of_a_server_outlasts_passes_and_restarts() {
    let clock = Clock::manual(at("2027-03-01T09:00:00Z"));
    let server = Server::start(&clock).await;
    let domains = [("mail.example", 5)];
    let mut office = office(&clock, &server, &domains, "per_second = 2\n").await;
    for round in 0..6 {
        // Nobody moves the clock but those who wait for their turn.
        visitors(&office.shop, clock.now(), &[("mail.example", 5 + round)]);
        office.read_records().await;
        office.pass().await;
        office.pass().await;
        office.restart().await;
    }
    let letters = server.noted().letters;
    assert_eq!(letters.len(), 10);
    let moments = to(&letters, "@");
    assert!(closest(&moments) >= SignedDuration::from_millis(500));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_domain_gets_no_more_than_its_limit_whatever_is_restarted() {
    let start = at("2027-03-01T09:00:00Z");
    let clock = Clock::manual(start);
    let server = Server::start(&clock).await;
    let domains = [("GMail.com", 70), ("mail.example", 30)];
    let limits = "per_second = 10\n[mail.smtp.per_domain]\n\"gmail.com\" = \"20 per 1 minute\"\n";
    let mut office = office(&clock, &server, &domains, limits).await;

    office.pass().await;
    let first = server.noted().letters;
    assert_eq!(to(&first, "GMail").len(), 20);
    assert_eq!(to(&first, "mail.example").len(), 30);
    let waiting = office.ledger().await;
    let mut waiting: Vec<_> = waiting.iter().filter(|one| !one.is_sent()).collect();
    assert_eq!(waiting.len(), 50);
    for entry in &waiting {
        let why = (
            entry.outcome.as_str(),
            entry.reason.as_deref(),
            entry.attempts,
        );
        assert_eq!(why, ("deferred", Some("domain-limit"), 0));
    }
    // Each got a place of its own in the line, so that it has to ask only once more.
    waiting.sort_by_key(|one| one.next_attempt_at.clone());
    let (next, last) = (waiting[0], waiting[49]);
    let next: Timestamp = next.next_attempt_at.as_ref().unwrap().parse().unwrap();
    let last: Timestamp = last.next_attempt_at.as_ref().unwrap().parse().unwrap();
    assert!(next >= start + Duration::from_mins(1) && last < start + Duration::from_mins(4));
    let who = &waiting[0].customer;
    office
        .shop
        .run(&["explain", who])
        .is(0)
        .says(&["as many letters as `per_domain` allows"]);

    let mut letters = first;
    for second in (10..600).step_by(10) {
        clock.set(
            clock
                .now()
                .max(start.checked_add(second.seconds()).unwrap()),
        );
        office.restart().await;
        office.pass().await;
        letters.extend(server.noted().letters);
    }
    let gmail = to(&letters, "GMail");
    assert_eq!((letters.len(), gmail.len()), (100, 70));
    assert_eq!(most_within(&gmail, SignedDuration::from_mins(1)), 20);
    let lasted = gmail[69].duration_since(gmail[0]);
    assert!(lasted < SignedDuration::from_mins(4), "{lasted:?}");
    println!("20 per 1 minute: 70 letters in {lasted:?} over 59 restarts");
}
