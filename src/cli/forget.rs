//! `fondly forget`: erases everything about a customer, and keeps them from coming back.

use std::path::Path;

use serde_json::json;

use super::export::{Who, nobody};
use super::summary::counted;
use super::{Done, Failure, Outcome, house_at_hand, output};
use crate::engine::House;
use crate::engine::privacy::{self, Cleaned};
use crate::store::{Erased, Forgot, Whom};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "It asks nothing, works beside a running daemon, and can't be undone. What is \
    left are keyed hashes of the id and of the addresses, by which later files are passed over, and of \
    the ledger that and when something was sent, of nobody in particular. Then the database is written \
    anew, which takes as much room on the disk as it has itself; where that can't be done now, the next \
    pass does it, and `fondly forget` of the same customer tries again."
)]
pub(super) struct Args {
    #[command(flatten)]
    who: Who,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Table,
    /// One object.
    Json,
}

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let whom = args.who.whom()?;
    let house = house_at_hand(config).await?;
    let done = Box::pin(forget(&house, &whom, args.format)).await;
    house.store.clone().close().await?;
    done
}

async fn forget(house: &House, whom: &Whom, format: Format) -> Outcome {
    let forgot = privacy::forget(house, whom).await?;
    let erased = match forgot {
        Forgot::Done(erased) => *erased,
        Forgot::Sending(entries) => return Err(on_its_way(&entries)),
        Forgot::Nobody => return Err(nobody(house, whom).await),
        // It may not have come to its end.
        Forgot::Before(_) => Erased::default(),
    };
    let before = erased == Erased::default();
    let cleaned = match privacy::clean_up(house).await {
        Ok(cleaned) => cleaned,
        Err(error) => Cleaned {
            trouble: vec![error.to_string()],
            ..Cleaned::default()
        },
    };
    if format == Format::Json {
        output::say(as_json(house, whom, &erased, &cleaned).to_string())?;
    } else {
        for line in told(house, whom, (&erased, before), &cleaned) {
            output::say(line)?;
        }
    }
    let open = !cleaned.trouble.is_empty() || !cleaned.scrubbed || erased.unknown > 0;
    Ok(if open { Done::NeedsAPerson } else { Done::Well })
}

fn on_its_way(entries: &[String]) -> Failure {
    let entries = entries.join(", ");
    Failure::Trouble(anyhow::anyhow!(
        "a letter to them is being handed over at this very moment ({entries}), so nothing was \
         erased; try again in a minute. If fondly isn't running, `fondly tick` settles what a crash \
         left on its way"
    ))
}

fn who(whom: &Whom) -> String {
    match whom {
        Whom::Customer(id) => format!("Customer {id}"),
        Whom::Address(address) => address.clone(),
    }
}

fn told(
    house: &House,
    whom: &Whom,
    (erased, before): (&Erased, bool),
    cleaned: &Cleaned,
) -> Vec<String> {
    let mut lines = Vec::new();
    let who = who(whom);
    if before {
        lines.push(format!(
            "{who} was forgotten before, and nothing was here of them now."
        ));
    } else {
        lines.push(format!(
            "{who} is forgotten. Erased: {}.",
            what(erased, cleaned)
        ));
        let addresses = several(erased.addresses, "address", "addresses");
        lines.push(format!(
            "What is left is a keyed hash of the id and of {addresses}, so that no file brings them \
             back, and that and when something was sent, of nobody in particular."
        ));
    }
    if erased.unknown > 0 {
        let letters = counted(erased.unknown, "letter");
        lines.push(format!(
            "Of {letters} that waited to be sent once more, nobody knows whether they arrived: \
             `fondly log --outcome unknown` lists them."
        ));
    }
    if !erased.others.is_empty() {
        let others = erased.others.join(", ");
        lines.push(format!(
            "The same address is on record for: {others}. They stay there and get nothing more; \
             `fondly forget` each of them if it is the same person."
        ));
    }
    if !erased.had_it.is_empty() {
        let had = erased.had_it.join(", ");
        lines.push(format!(
            "Letters went to this address for: {had}, who have another one on record now. What was \
             written there is gone; `fondly forget` each of them if it is the same person."
        ));
    }
    for trouble in &cleaned.trouble {
        lines.push(format!(
            "Not done yet: {trouble}; the next pass tries again."
        ));
    }
    if !cleaned.scrubbed && cleaned.trouble.is_empty() {
        lines.push(
            "Somebody kept reading the store, so its log still holds what was deleted; the next \
             pass tries again, and so does this command."
                .to_owned(),
        );
    }
    lines.push(out_of_reach(house));
    lines
}

fn what(erased: &Erased, cleaned: &Cleaned) -> String {
    let counts = [
        (erased.customers, "record", "records"),
        (erased.events, "event", "events"),
        (erased.entries, "letter", "letters"),
        (
            erased.texts,
            "letter of somebody who has another address now",
            "letters of customers who have another address now",
        ),
        (
            erased.quarantined,
            "quarantined record",
            "quarantined records",
        ),
        (
            erased.suppressed,
            "suppressed address",
            "suppressed addresses",
        ),
        (
            erased.words,
            "server reply that named them",
            "server replies that named them",
        ),
        (
            cleaned.copies,
            "copy in the outbox folder",
            "copies in the outbox folder",
        ),
    ];
    let there = counts.into_iter().filter(|(count, ..)| *count > 0);
    let mut said: Vec<String> = there
        .map(|(count, one, many)| several(count, one, many))
        .collect();
    if erased.ended > 0 {
        let ended = erased.ended;
        let waited = if ended == 1 {
            "letter that"
        } else {
            "letters that"
        };
        said.push(format!("and ended: {ended} {waited} still waited"));
    }
    if said.is_empty() {
        return "what rules noted of them".to_owned();
    }
    said.join(", ")
}

fn several(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// What nobody but the user can do.
fn out_of_reach(house: &House) -> String {
    let sources = house.plans.settings.sources.iter();
    let sources: Vec<&str> = sources.map(|source| source.name.as_str()).collect();
    let sources = if sources.is_empty() {
        String::new()
    } else {
        format!("your sources ({}), ", sources.join(", "))
    };
    format!(
        "Out of fondly's reach, and yours to look through: {sources}backups, snapshots and rehearsals \
         of the store, the mail server's log and queue, and mailboxes; also yours, where an alert of a \
         complaint names its customer (as files they are `alert_complaint_…` in the outbox folder)."
    )
}

fn as_json(house: &House, whom: &Whom, erased: &Erased, cleaned: &Cleaned) -> serde_json::Value {
    let (customer, address) = match whom {
        Whom::Customer(id) => (Some(id), None),
        Whom::Address(address) => (None, Some(address)),
    };
    json!({
        "customer": customer,
        "address": address,
        "records": erased.customers,
        "events": erased.events,
        "letters": erased.entries,
        "ended": erased.ended,
        "unknown": erased.unknown,
        "quarantined": erased.quarantined,
        "suppressed": erased.suppressed,
        "words": erased.words,
        "copies": cleaned.copies,
        "others": erased.others,
        "letters_of_others": erased.texts,
        "had_the_address": erased.had_it,
        "not_done": cleaned.trouble,
        "scrubbed": cleaned.scrubbed,
        "out_of_reach": out_of_reach(house),
    })
}
