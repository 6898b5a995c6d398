//! What the ledger tells of an occasion.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::gates::lower_first;
use super::moment;
use crate::model::{Outcome, Reason};

/// What an entry says.
#[derive(Debug, Clone)]
pub struct Settled<'a> {
    /// What became of it.
    pub outcome: Outcome,
    /// Why.
    pub reason: Option<Reason>,
    /// When it went out, or else when that was decided.
    pub at: Option<Timestamp>,
    /// When it is looked at next.
    pub next: Option<Timestamp>,
    /// The zone it was planned in.
    pub zone: &'a TimeZone,
    /// The server's last words.
    pub reply: Option<&'a str>,
}

/// What became of it, as a sentence.
pub fn settled(what: &Settled<'_>) -> String {
    let on = |at: Option<Timestamp>| at.map_or("then".to_owned(), |at| moment(at, what.zone));
    let (at, why) = (on(what.at), because(what.reason));
    let said = match what.reply.map(str::trim) {
        Some(words) if !words.is_empty() => format!(" The last words on it: \"{words}\"."),
        Some(_) | None => String::new(),
    };
    match what.outcome {
        Outcome::Planned => format!("It is planned for {}{why}", on(what.next)),
        Outcome::Held => format!("It waits for you since {at}{why}"),
        Outcome::Deferred => format!("It waits until {}{why}", on(what.next)) + &said,
        Outcome::Sending => format!("It is being handed over, since {at}."),
        Outcome::Sent => format!("It went out on {at}.") + &said,
        Outcome::Skipped => format!("It wasn't sent, as was decided on {at}{why}") + &said,
        Outcome::Rejected => format!("It was refused for good on {at}{why}") + &said,
        Outcome::Expired => {
            format!("It was tried, and given up on {at} as no longer worth sending{why}") + &said
        }
        Outcome::Unknown => {
            format!("Nobody knows whether it went out on {at}{why}")
                + &said
                + " Look into your provider's log."
        }
    }
}

/// `: the reason.`, or a full stop.
fn because(reason: Option<Reason>) -> String {
    reason.map_or_else(
        || ".".to_owned(),
        |reason| format!(": {}", lower_first(reason.sentence())),
    )
}
