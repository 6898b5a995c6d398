//! The simulator on itself: it can be repeated, and it finds what is wrong. Its long form is
//! `cargo run --release --example simulate`. And what it has found.

#[path = "../../examples/simulate/sim/mod.rs"]
mod sim;

use fondly::clock::Clock;
use jiff::ToSpan as _;

use crate::outage::{MAIL, Mood, Office, Server, at, thanks, visitors};
use crate::shop::Shop;

use sim::{Plant, Played, Wanted, play};

/// Days of each world.
const DAYS: i64 = 150;

fn world(seed: u64, plant: Plant) -> Played {
    let wanted = Wanted {
        seed,
        days: DAYS,
        plant,
        aloud: false,
    };
    play(&wanted).unwrap()
}

#[test]
fn a_few_worlds_hold() {
    let mut letters = 0;
    let mut kills = 0;
    for seed in 1..=8 {
        let played = world(seed, Plant::Nothing);
        assert_eq!(played.violations, [""; 0], "seed {seed}");
        letters += played.letters;
        kills += played.counts.get("killed").copied().unwrap_or(0);
    }
    assert!(
        letters > 50 && kills >= 5,
        "{letters} letters, {kills} kills"
    );
}

#[test]
fn the_same_seed_plays_the_same_world_to_the_last_line() {
    let mut prints = Vec::new();
    for seed in 20..24 {
        let (one, two) = (world(seed, Plant::Nothing), world(seed, Plant::Nothing));
        assert_eq!(one, two);
        prints.push(one.print);
    }
    prints.dedup();
    assert_eq!(prints.len(), 4, "other seeds play other worlds");
}

/// A check that can't fail is none.
#[test]
fn whatever_is_wrong_on_purpose_is_found_and_found_again() {
    for (plant, words) in [
        (Plant::Liar, "is sent, and arrived 0 times"),
        (Plant::Deaf, "although they had unsubscribed"),
        (Plant::LostRow, "is no longer in the ledger"),
    ] {
        let mut worlds = (1..30).map(|seed| world(seed, plant));
        let found = worlds.find(|one| !one.violations.is_empty()).unwrap();
        let told = found.violations.join("\n");
        assert!(told.contains(words), "{plant:?}: {told}");
        assert_eq!(world(found.seed, plant), found);
    }
}

/// Found by the simulator. The relay took the letter and its answer got lost; with `resend`, it was
/// to go once more, and it was too late for that: the ledger said that it was skipped, and the
/// customer had it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_that_may_have_arrived_is_never_said_not_to_have_been_sent() {
    let start = at("2027-03-01T00:00:00Z");
    let clock = Clock::manual(start);
    let server = Server::start(&clock).await;
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("thanks", &thanks("2 hours"));
    visitors(&shop, 1, start);
    shop.settings(&format!(
        "{MAIL}[mail.smtp]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\n\
         when_unknown = \"resend\"\n",
        server.port
    ));
    let mut office = Office::open(shop, clock.clone()).await;
    office.read_records().await;
    server.is(Mood::Lost);
    office.pass().await;
    // The owner is written to as well: nobody knows whether it arrived.
    let to_customers = || {
        let letters = server.noted().letters.into_iter();
        letters
            .filter(|(_, to, _)| !to.contains("@thorn.example"))
            .count()
    };
    assert_eq!(to_customers(), 1);
    let state = |entry: &crate::shop::Entry| {
        let reason = entry.reason.clone().unwrap_or_default();
        format!("{} {reason}", entry.outcome)
    };
    assert_eq!(state(&office.ledger().await[0]), "unknown reply-lost");

    server.is(Mood::Away);
    office.restart().await;
    office.pass().await;
    clock.set(start.checked_add(3.hours()).unwrap());
    office.pass().await;
    assert_eq!(state(&office.ledger().await[0]), "unknown too-late");

    // It stays so: what is too late isn't tried again with every start.
    server.is(Mood::Open);
    office.restart().await;
    office.pass().await;
    assert_eq!(state(&office.ledger().await[0]), "unknown too-late");
    assert_eq!(to_customers(), 0);
}
