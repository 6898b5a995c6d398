//! Alerts: a trouble is written to the owner once, and once more when it is over.
//!
//! An alert that can't leave is tried again with the next pass. May not decide what is a trouble.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::outbox::Route;
use super::way::bare;
use super::{EngineError, House, Report};
use crate::decide::explain;
use crate::deliver::{Envelope, Parcel, Verdict};
use crate::model::policy::Class;
use crate::model::{Reason, State};
use crate::render::mail::{self, Mail};
use crate::render::notice;
use crate::store::Trouble;

/// What alerts bear where letters bear their rule's name.
const RULE: &str = "alert";

/// What is said of a trouble that is over.
const OVER: &str = "This is in order again. You needn't do anything.";

/// Whether the store takes part in an alert.
#[derive(Debug, Clone, Copy)]
pub(super) enum Through {
    /// It says which way is open, and is told how that went.
    Store,
    /// It is the trouble.
    Nothing,
}

/// How long one alert may take to leave.
const PATIENCE: Duration = Duration::from_secs(30);

/// What sort of trouble a mail server is that refuses us.
const REFUSED: &str = "relay";

/// What sort of trouble a held batch is.
pub const HELD: &str = "held";

/// Notes what a pass left for a person to do, and tells the owner of what they don't know yet.
/// A batch about which somebody has spoken, or whose time is over, is no trouble any more; who
/// spoke needn't be told.
///
/// # Errors
/// The store's trouble.
pub async fn after_pass(house: &House, report: &Report) -> Result<(), EngineError> {
    let (mut held, mut subjects) = (Vec::new(), Vec::new());
    for batch in &report.held {
        let (rule, day) = (&batch.rule, batch.day);
        // Some of a batch may wait for another reason than the rest.
        if held.iter().any(|(known, of)| *known == rule && *of == day) {
            continue;
        }
        held.push((rule, day));
        let title = house.rule(rule).map_or(rule.as_str(), |rule| &rule.title);
        let subject = format!("{title} ({rule}) of {day} is held");
        let sentence = batch.reason.map_or("", Reason::sentence);
        let words = format!(
            "{sentence} Look at who would get it with `fondly log --rule {rule} --outcome held`, \
             and at the letter with `fondly preview {rule} CUSTOMER`.\n\n\
             - `fondly approve {rule} --on {day}` lets them go.\n\
             - `fondly decline {rule} --on {day}` ends them.\n\n\
             Until then they wait, as long as the rule's `late` allows."
        );
        let now = house.clock.now();
        let of = (HELD, subject.as_str());
        if house.store.trouble_begins(of, &words, now).await? {
            let entries = batch.entries;
            tracing::warn!(
                rule,
                %day,
                entries,
                "held: {sentence} `fondly approve {rule} --on {day}` lets them go, \
                 `fondly decline {rule} --on {day}` ends them"
            );
        }
        subjects.push(subject);
    }
    for trouble in house.store.troubles().await? {
        if trouble.kind == HELD && !subjects.contains(&trouble.subject) {
            house.store.trouble_ends((HELD, &trouble.subject)).await?;
        }
    }
    relays(house).await?;
    tell(house).await
}

/// Notes which mail servers refuse us, and that they don't any more. What such a server says may
/// be another thing each time; the trouble is the same, and told once.
async fn relays(house: &House) -> Result<(), EngineError> {
    let known = house.store.troubles().await?;
    let is_known = |subject: &str| {
        let mut known = known.iter();
        known.any(|trouble| trouble.kind == REFUSED && trouble.subject == subject)
    };
    let mut refusing = Vec::new();
    for (via, standing) in house.outbox.standings() {
        // One that can't be reached at the moment may still refuse us.
        let subject = format!("the mail server {} refuses us", bare(&via));
        if standing.state == State::RefusesUs && !is_known(&subject) {
            let words = format!(
                "It said: {}\n\nThat has nothing to do with the letters: look at the login in the \
                 settings, or ask whoever runs the server. Letters wait meanwhile, as long as \
                 their rules' `late` allows, and no attempt is counted. Changed settings are \
                 tried at once, the old ones every 15 minutes.",
                standing.words
            );
            let now = house.clock.now();
            let of = (REFUSED, subject.as_str());
            house.store.trouble_begins(of, &words, now).await?;
            tracing::error!(relay = via, reply = standing.words, "{subject}");
        }
        if standing.state != State::Works {
            refusing.push(subject);
        }
    }
    for trouble in known {
        if trouble.kind == REFUSED && !refusing.contains(&trouble.subject) {
            ends(house, (REFUSED, &trouble.subject)).await?;
        }
    }
    Ok(())
}

/// Notes a trouble and tells the owner, unless it is known.
///
/// # Errors
/// The store's trouble; an alert that couldn't leave isn't one.
pub async fn begins(house: &House, trouble: (&str, &str), words: &str) -> Result<(), EngineError> {
    let now = house.clock.now();
    house.store.trouble_begins(trouble, words, now).await?;
    tell(house).await
}

/// Notes that a trouble is over, and tells the owner, who knows of it.
///
/// # Errors
/// The store's trouble.
pub async fn ends(house: &House, (kind, subject): (&str, &str)) -> Result<(), EngineError> {
    let troubles = house.store.troubles().await?;
    let Some(trouble) = troubles
        .iter()
        .find(|trouble| trouble.kind == kind && trouble.subject == subject)
    else {
        return Ok(());
    };
    // Of a mail server's refusal the owner couldn't be told before; others nobody needs to hear
    // of any more.
    let worth_it = trouble.told_at.is_some() || kind == REFUSED;
    if worth_it && !mailed(house, trouble, (true, Through::Store)).await {
        tracing::warn!(trouble = subject, "nobody could be told that it is over");
    }
    Ok(house.store.trouble_ends((kind, subject)).await?)
}

/// Tells the owner of every trouble they don't know of yet.
///
/// # Errors
/// The store's trouble.
pub(super) async fn tell(house: &House) -> Result<(), EngineError> {
    for trouble in house.store.troubles().await? {
        if trouble.told_at.is_none() {
            if !mailed(house, &trouble, (false, Through::Store)).await {
                // The others wait for the next pass, too.
                break;
            }
            let of = (trouble.kind.as_str(), trouble.subject.as_str());
            house.store.trouble_told(of, house.clock.now()).await?;
        }
    }
    Ok(())
}

/// The same within [`PATIENCE`]: a relay that hangs must hold nothing up.
pub(super) async fn mailed(house: &House, trouble: &Trouble, how: (bool, Through)) -> bool {
    let mailing = tokio::time::timeout(PATIENCE, mail_all(house, trouble, how));
    mailing.await.unwrap_or(false)
}

/// Writes to every owner; whether somebody has it, or nobody ever will.
async fn mail_all(house: &House, trouble: &Trouble, (over, through): (bool, Through)) -> bool {
    let settings = &house.plans.settings;
    let subject = if over {
        format!("Settled: {}", trouble.subject)
    } else {
        format!("fondly needs you: {}", trouble.subject)
    };
    let text = match (over, trouble.told_at) {
        (true, Some(_)) => OVER.to_owned(),
        (true, None) => {
            let since = explain::moment(trouble.since, &house.policy().zone);
            format!("It began on {since}. {}\n\n{OVER}", trouble.words)
        }
        (false, _) => trouble.words.clone(),
    };
    let letter = notice(&subject, &text);
    let mut waits = !settings.business.owner.is_empty();
    for owner in &settings.business.owner {
        let id = id_of(trouble, over, owner.email.as_ref());
        let composed = mail::compose(
            &letter,
            &Mail {
                entry_id: &id,
                rule: RULE,
                class: Class::Service,
                from: &settings.business.from,
                reply_to: None,
                to: &owner.email,
                to_name: owner.name.as_deref(),
                footer: None,
                now: house.clock.now(),
            },
        );
        let message = match composed {
            Ok(composed) => composed.bytes,
            Err(error) => {
                tracing::error!(%error, "an alert can't be written");
                continue;
            }
        };
        let envelope = Envelope {
            from: settings.business.from.email.clone(),
            to: owner.email.clone(),
        };
        let name = format!("{RULE}_{}_{id}", trouble.kind);
        let parcel = Parcel {
            name: &name,
            envelope: &envelope,
            message: &message,
        };
        let handed_over = match through {
            Through::Store => hand_over(house, parcel).await,
            Through::Nothing => hand_over_apart(house, parcel).await,
        };
        match handed_over {
            // What may have left isn't sent twice.
            Ok(Some(Verdict::Accepted { .. } | Verdict::Unknown { .. })) => waits = false,
            Ok(None) => tracing::debug!("an alert waits for a way out"),
            Ok(Some(verdict)) => {
                tracing::warn!(reply = verdict.reply(), "an alert couldn't leave");
                // Trying again won't help, and the log has it.
                if matches!(verdict, Verdict::Rejected { .. }) {
                    waits = false;
                }
            }
            Err(error) => tracing::warn!(%error, "an alert couldn't leave"),
        }
    }
    !waits
}

/// Asks for a way out like any letter, so that a relay that is away isn't asked more often for an
/// alert. `None`: there is none now.
async fn hand_over(house: &House, parcel: Parcel<'_>) -> Result<Option<Verdict>, EngineError> {
    let outbox = &house.outbox;
    let never = CancellationToken::new();
    let Route::Go(mut turn) = outbox.route(house, (None, &[]), &never).await? else {
        return Ok(None);
    };
    outbox.pace(&mut turn, &house.clock).await;
    let mut courier = turn.courier();
    let go = std::future::ready(Ok::<bool, EngineError>(true));
    let verdict = courier.deliver(parcel, go).await?;
    courier.quit().await;
    if let Some(change) = turn.heard(house, &verdict) {
        outbox.keep(house, change).await?;
    }
    Ok(Some(verdict))
}

/// The same when the store can't be asked: by the first way that was open when last heard of.
async fn hand_over_apart(
    house: &House,
    parcel: Parcel<'_>,
) -> Result<Option<Verdict>, EngineError> {
    let Some(mut courier) = house.outbox.courier_apart() else {
        return Ok(None);
    };
    let go = std::future::ready(Ok::<bool, EngineError>(true));
    let verdict = courier.deliver(parcel, go).await?;
    courier.quit().await;
    Ok(Some(verdict))
}

/// The same on every attempt, another for each trouble and reader.
fn id_of(trouble: &Trouble, over: bool, reader: &str) -> String {
    let mut hash = Sha256::new();
    let since = trouble.since.to_string();
    let over = if over { "over" } else { &trouble.words };
    for part in [RULE, &trouble.kind, &trouble.subject, &since, over, reader] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    let digest = format!("{:x}", hash.finalize());
    digest.chars().take(16).collect()
}
