//! A weekly letter's way to its readers, written down step by step.
//!
//! That a letter is about to leave is durable before the dot. Whoever finds it like that after a
//! crash looks into the folder, where it was a file; of a mail server nobody knows, and it isn't
//! sent again. May not decide what stands in it.

use std::collections::HashMap;
use std::sync::OnceLock;

use jiff::Timestamp;
use lettre::message::Mailbox;

use super::super::post::{self, Message};
use super::super::tick::is_in_place;
use super::super::way::is_relay;
use super::super::{EngineError, House};
use super::calendar::Calendar;
use super::period::{self, Due, Period};
use crate::deliver::Verdict;
use crate::model::occasion::short_hash;
use crate::store::{Digest, DigestState};

/// What the letter bears where others bear their rule's name.
const RULE: &str = "digest";

/// What became of a letter that was to be handed over now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handed {
    /// Nobody is named who could get it.
    Nobody,
    /// It was taken, for so many readers; of so many nobody knows, and so many were refused.
    Over {
        /// Readers who have it.
        sent: usize,
        /// Readers who may have it.
        unknown: usize,
        /// Readers who won't get it, with the last words of the server.
        refused: Vec<String>,
    },
    /// There is no way out now.
    NoWay,
}

/// The period of the letter that is due now, if one is. What a crash left in the middle is settled
/// first. Only the holder of the store may call it.
///
/// # Errors
/// The store's trouble, or an outbox that can't be read.
pub async fn due(house: &House) -> Result<Option<Period>, EngineError> {
    let settings = &house.plans.settings;
    let schedule = settings.schedule.digest.as_deref().and_then(Calendar::new);
    let Some(schedule) = schedule.filter(|_| !settings.business.owner.is_empty()) else {
        return Ok(None);
    };
    let now = house.clock.now();
    let begins = house.store.digest_begins(now).await?;
    let Some(scheduled) = schedule.last_by(now) else {
        return Ok(None);
    };
    let known = known(house, now).await?;
    // Told of are whole days.
    let zone = &house.policy().zone;
    let day = zone.to_timestamp(house.today(begins).at(0, 0, 0, 0));
    let begins = (begins, day.unwrap_or(begins));
    Ok(match period::due((scheduled, now), &known, begins) {
        Due::Nothing => None,
        Due::New(period) | Due::Rest(period) => Some(period),
    })
}

/// The latest letters, of which none is left in the middle any more.
async fn known(house: &House, now: Timestamp) -> Result<Vec<Digest>, EngineError> {
    let mut known = house.store.last_digests(now).await?;
    for one in &mut known {
        if one.state != DigestState::Going {
            continue;
        }
        one.state = match (&one.via, &one.name) {
            (Some(folder), Some(name)) if is_in_place(folder, name)? => DigestState::Sent,
            // It never came to the rename, and goes again as the same file.
            (Some(folder), _) if !is_relay(folder) => DigestState::Waits,
            _ => DigestState::Unknown,
        };
        tracing::warn!(state = ?one.state, "settled where the weekly letter was when a stop came");
        house.store.keep_digest(one).await?;
    }
    Ok(known)
}

/// Writes the letter of a period that is due and hands it over to whoever hasn't got it. What can't
/// leave now is tried again later.
///
/// # Errors
/// The store's trouble.
pub async fn send_due(house: &House, period: Period) -> Result<(), EngineError> {
    let now = house.clock.now();
    let known = house.store.last_digests(now).await?;
    let known: HashMap<&str, &Digest> = known
        .iter()
        .filter(|one| one.until == period.until)
        .map(|one| (one.reader.as_str(), one))
        .collect();
    let begun = !known.is_empty();
    let mut to = Vec::new();
    for owner in &house.plans.settings.business.owner {
        let waiting = waiting(owner, period, (false, now));
        match known.get(waiting.reader.as_str()) {
            // Whoever was named since gets the next one.
            None if begun => continue,
            Some(one) if one.state.is_final() => continue,
            None | Some(_) => {}
        }
        // Before anything that may fail: it rests then, like one that can't leave.
        house.store.keep_digest(&waiting).await?;
        to.push((owner.clone(), waiting));
    }
    if to.is_empty() {
        return Ok(());
    }
    match hand_over(house, period, to).await? {
        Handed::Over { sent, unknown, .. } => {
            tracing::info!(sent, unknown, "the weekly letter went to the owner");
        }
        Handed::NoWay => tracing::info!("the weekly letter waits for a way out"),
        Handed::Nobody => {}
    }
    Ok(())
}

/// Writes the letter of a period and hands it over now, beside those of the schedule.
///
/// # Errors
/// The store's trouble.
pub async fn send_now(house: &House, period: Period) -> Result<Handed, EngineError> {
    let now = house.clock.now();
    // What the daemon knows of the ways out.
    house.outbox.recall(house).await?;
    let mut to = Vec::new();
    for owner in &house.plans.settings.business.owner {
        to.push((owner.clone(), waiting(owner, period, (true, now))));
    }
    hand_over(house, period, to).await
}

fn waiting(owner: &Mailbox, period: Period, (asked, now): (bool, Timestamp)) -> Digest {
    Digest {
        until: period.until,
        asked,
        reader: short_hash(&[RULE, owner.email.as_ref()]),
        since: period.since,
        state: DigestState::Waits,
        at: now,
        via: None,
        name: None,
    }
}

async fn hand_over(
    house: &House,
    period: Period,
    to: Vec<(Mailbox, Digest)>,
) -> Result<Handed, EngineError> {
    if to.is_empty() {
        return Ok(Handed::Nobody);
    }
    let letter = Box::pin(super::letter(house, period)).await?;
    let (mut sent, mut unknown, mut refused) = (0, 0, Vec::new());
    for (owner, mut digest) in to {
        let until = period.until.to_string();
        let asked = if digest.asked { "asked" } else { "" };
        let id = short_hash(&[RULE, &until, asked, &digest.reader]);
        let name = format!("{RULE}_{}_{id}", house.today(period.until));
        let Some(message) = Message::new(house, &letter, (RULE, &id, name), &owner) else {
            refused.push("it couldn't be written".to_owned());
            ended(house, &mut digest, DigestState::Refused).await?;
            continue;
        };
        let state = match one(house, &message, &mut digest).await? {
            Some(Verdict::Accepted { .. }) => {
                sent += 1;
                DigestState::Sent
            }
            Some(Verdict::Unknown { .. }) => {
                unknown += 1;
                DigestState::Unknown
            }
            Some(Verdict::Rejected { reply, .. }) => {
                tracing::warn!(reply, "the weekly letter was refused");
                refused.push(reply);
                DigestState::Refused
            }
            Some(Verdict::Deferred { .. } | Verdict::Stopped { .. } | Verdict::Withdrawn)
            | None => DigestState::Waits,
        };
        if state == DigestState::Waits && digest.asked {
            continue;
        }
        ended(house, &mut digest, state).await?;
    }
    if sent + unknown + refused.len() == 0 {
        return Ok(Handed::NoWay);
    }
    Ok(Handed::Over {
        sent,
        unknown,
        refused,
    })
}

/// Hands it over to one reader. A server that hangs holds nothing up; whether it has the letter then
/// depends on how far it came.
async fn one(
    house: &House,
    message: &Message,
    digest: &mut Digest,
) -> Result<Option<Verdict>, EngineError> {
    let going = OnceLock::new();
    let handing = post::hand_over(house, message, |via| {
        let now = house.clock.now();
        let gone = going.get_or_init(|| Digest {
            state: DigestState::Going,
            at: now,
            name: (!is_relay(&via)).then(|| message.name.clone()),
            via: Some(via),
            ..digest.clone()
        });
        async { Ok(house.store.keep_digest(gone).await?) }
    });
    let handed = post::in_time(handing, || going.get().is_some()).await;
    if let Some(gone) = going.into_inner() {
        *digest = gone;
    }
    handed
}

/// Writes down what became of it.
async fn ended(house: &House, digest: &mut Digest, state: DigestState) -> Result<(), EngineError> {
    digest.state = state;
    digest.at = house.clock.now();
    if state == DigestState::Waits {
        digest.via = None;
    }
    if state != DigestState::Sent {
        digest.name = None;
    }
    Ok(house.store.keep_digest(digest).await?)
}
