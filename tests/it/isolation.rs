//! One letter that can't be sent is one letter: the others go in the same pass, at the same moment
//! of the virtual clock, over the only connection there is.

use std::fmt::Write as _;

use fondly::clock::Clock;
use jiff::Timestamp;

use crate::outage::{MAIL, Mood, Office, Server, at, thanks};
use crate::shop::{Entry, Shop, now};

/// Customers; one of them is in trouble.
const MANY: usize = 60;
/// Whose letter it is; they come in the middle.
const POISON: &str = "c30";

fn visitors(shop: &Shop, at: Timestamp, address: &str) {
    let mut customers = String::from("id,email\n");
    let mut events = String::from("id,customer_id,kind,at\n");
    for n in 0..MANY {
        let id = format!("c{n}");
        let name = if id == POISON { address } else { &id };
        writeln!(customers, "{id},{name}@mail.example").unwrap();
        writeln!(events, "v{n},{id},visit,{at}").unwrap();
    }
    shop.customers(&customers);
    shop.events(&events);
}

/// A shop that sends over this port, through one connection.
fn shop(port: u16, at: Timestamp, address: &str) -> Shop {
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("thanks", &thanks("7 days"));
    visitors(&shop, at, address);
    shop.settings(&format!(
        "{MAIL}[mail.smtp]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\n\
         connections = 1\nper_second = 10000\n"
    ));
    shop
}

/// The entry of the one in trouble; everybody else's is sent.
fn poisoned(ledger: &[Entry]) -> &Entry {
    assert_eq!(ledger.len(), MANY);
    let (one, others): (Vec<_>, Vec<_>) = ledger.iter().partition(|one| one.customer == POISON);
    for entry in others {
        assert!(entry.is_sent(), "{entry:?}");
    }
    one[0]
}

/// Letters that came for customers, and when; the owner hears of what can't be written.
fn to_customers(server: &Server) -> Vec<(Timestamp, String)> {
    let letters = server.noted().letters.into_iter();
    let letters = letters.map(|(came, to, _)| (came, to));
    letters.filter(|(_, to)| !to.contains("anna@")).collect()
}

/// One pass of the real program with a fault, and what became of the one it hit.
async fn with_fault(fault: &str) -> (Shop, Entry, Server) {
    let server = Server::start(&Clock::System).await;
    let shop = shop(server.port, now(), POISON);
    let pass = shop.fondly(&["tick"]).env("FONDLY_FAULT", fault).output();
    let pass = pass.unwrap();
    let words = String::from_utf8_lossy(&pass.stderr);
    assert!(pass.status.code().is_some(), "{words}");
    let entry = poisoned(&shop.ledger()).clone();
    assert_eq!(to_customers(&server).len(), MANY - 1);
    (shop, entry, server)
}

fn why(entry: &Entry) -> (&str, Option<&str>, u32) {
    let reason = entry.reason.as_deref();
    (&entry.outcome, reason, entry.attempts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_while_a_letter_is_written_ends_that_letter_only() {
    let (shop, entry, _server) = with_fault(&format!("panic-for:write:{POISON}")).await;
    assert_eq!(why(&entry), ("skipped", Some("template-failed"), 0));
    let told = shop.run(&["show", &entry.id]).is(0);
    told.says(&["fondly itself failed while writing it: the fault that a test asked for"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_while_a_letter_is_handed_over_puts_off_that_letter_only() {
    let (shop, entry, server) = with_fault(&format!("panic-for:send:{POISON}")).await;
    assert_eq!(why(&entry), ("deferred", Some("relay-trouble"), 1));
    assert!(entry.next_attempt_at.is_some());
    let told = shop.run(&["show", &entry.id]).is(0);
    told.says(&["fondly itself failed while handing it over: the fault that a test asked for"]);
    // It isn't tried again before its time, and nobody gets a second letter.
    shop.tick();
    assert_eq!(server.noted().letters.len(), 0);
}

/// Everybody's letter came at the moment at which the pass began, whatever became of the one.
async fn nobody_waits_for(template: Option<&str>, address: &str) -> Entry {
    let start = at("2027-03-01T09:00:00Z");
    let clock = Clock::manual(start);
    let server = Server::start(&clock).await;
    server.is(Mood::Open);
    let shop = shop(server.port, start, address);
    if let Some(text) = template {
        shop.write("config/templates/thank-you.en.md", text);
    }
    let office = Office::open(shop, clock.clone()).await;
    office.read_records().await;
    office.pass().await;
    let letters = to_customers(&server);
    assert_eq!(letters.len(), MANY - 1);
    for (came, to) in letters {
        let later = came.duration_since(start);
        assert!(later.as_millis() < 1000, "{to}: {later:#}");
    }
    poisoned(&office.ledger().await).clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_a_letter_that_cant_be_written() {
    let text = "+++\nsubject = \"Thank you\"\n+++\nHello {{ customer.id }}\n\
                {% if customer.id == \"c30\" %}{{ 1 // 0 }}{% endif %}\n";
    let entry = nobody_waits_for(Some(text), POISON).await;
    assert_eq!(why(&entry), ("skipped", Some("template-failed"), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_a_letter_that_is_always_refused() {
    let entry = nobody_waits_for(None, "unwelcome").await;
    assert_eq!(why(&entry), ("rejected", Some("bad-address"), 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_a_letter_that_is_always_put_off() {
    let entry = nobody_waits_for(None, "busy").await;
    assert_eq!(why(&entry), ("deferred", Some("temporary-refusal"), 1));
}
