//! What people say to fondly by hand: this batch may go, that one mustn't; this unknown letter has
//! arrived.
//!
//! Works beside a running daemon: what is said is kept in the store, and the next pass acts on it.
//! May not send.

use jiff::Timestamp;
use jiff::civil::Date;

use super::{EngineError, House};
use crate::model::tables::{nearest, plain_name};
use crate::model::{Outcome, Reason};
use crate::store::{Approval, Decision, Resettle};

/// Who decides by a command: whoever may run it.
pub const BY_COMMAND: &str = "command line";

/// What a person says became of an unknown letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It arrived.
    Sent,
    /// It didn't, and shall not any more.
    NotSent,
    /// It didn't, and is to be sent again.
    Resend,
}

/// Whether this is a rule: one that there is, or one that the ledger still knows.
///
/// # Errors
/// There is no such rule (with the nearest that there is), or the store's trouble.
pub async fn known_rule(house: &House, rule: &str) -> Result<(), EngineError> {
    if house.rule(rule).is_some() {
        return Ok(());
    }
    let states = house.store.rule_states().await?;
    if states.iter().any(|state| state.rule == rule) || is_written(house, rule) {
        return Ok(());
    }
    let known: Vec<&str> = house.plans.rules.iter().map(|rule| &*rule.id).collect();
    let help = match (nearest(rule, known.iter().copied()), known.is_empty()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, true) if house.plans.broken.rules.is_empty() => {
            "there is none yet in rules/".to_owned()
        }
        (None, true) => "none of those in rules/ can be read just now".to_owned(),
        (None, false) => format!("there are: {}", known.join(", ")),
    };
    Err(EngineError::Other(format!(
        "there is no rule `{rule}`; {help}"
    )))
}

/// Whether there is a file of that name, though it can't be read just now.
fn is_written(house: &House, rule: &str) -> bool {
    let file = house
        .plans
        .settings
        .rules_dir()
        .join(format!("{rule}.toml"));
    plain_name(rule).is_ok() && file.is_file()
}

/// Keeps what a person says of a rule's batch of a day, also ahead of it, and lets go or ends what
/// is held of it; that they did is noted together with it, unless it changes nothing. Returns how
/// many letters were held.
///
/// # Errors
/// The store's trouble.
pub async fn decide(
    house: &House,
    who: &str,
    (rule, day): (&str, Date),
    approved: bool,
    now: Timestamp,
) -> Result<u64, EngineError> {
    let what = if approved { "approve" } else { "decline" };
    let subject = format!("{rule} {day}");
    let decision = Decision {
        who,
        what,
        subject: &subject,
    };
    let approval = Approval {
        rule: rule.to_owned(),
        day,
        approved,
        at: now,
    };
    let reason = (!approved).then_some(Reason::Declined);
    let kept = house.store.approve_noted(&approval, reason, Some(decision));
    Ok(kept.await?)
}

/// Settles an unknown letter as a person says, and notes who said so. `false`: it isn't unknown, and
/// nothing is done or noted.
///
/// # Errors
/// The store's trouble.
pub async fn resolve(
    house: &House,
    who: &str,
    entry: &str,
    word: Word,
    now: Timestamp,
) -> Result<bool, EngineError> {
    let what = match word {
        Word::Sent => "resolve-sent",
        Word::NotSent => "resolve-not-sent",
        Word::Resend => "resolve-resend",
    };
    let outcome = match word {
        Word::Sent => Outcome::Sent,
        Word::NotSent => Outcome::Skipped,
        Word::Resend => Outcome::Planned,
    };
    // Where it may have arrived, the server may notice the second one.
    let known = house.store.entries(&[entry.to_owned()]).await?.pop();
    let via = known.and_then(|entry| entry.via);
    let how = Resettle {
        only_via: via.filter(|via| word == Word::Resend && house.outbox.has(via)),
        id: entry.to_owned(),
        from: Outcome::Unknown,
        outcome,
        reason: Some(Reason::SettledByHand),
        now,
    };
    let decision = Decision {
        who,
        what,
        subject: entry,
    };
    Ok(house.store.resettle_noted(&how, Some(decision)).await?)
}
