//! An alert as a message: to every owner, once.
//!
//! May not decide what is a trouble.

use std::future::ready;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::SignedDuration;
use lettre::message::Mailbox;

use super::super::House;
use super::super::post::{self, Message};
use crate::deliver::Verdict;
use crate::model::occasion::short_hash;
use crate::render::alert::{Stage, Voice, alert};
use crate::store::Trouble;

/// What alerts bear where letters bear their rule's name.
const RULE: &str = "alert";

/// Of what is older than this, people are told when it began.
const A_WHILE: SignedDuration = SignedDuration::from_mins(5);

/// Whether the store takes part in an alert.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) enum Through {
    /// It says which way is open, and is told how that went.
    Store,
    /// It is the trouble.
    Nothing,
}

/// Who has been told so far.
#[derive(Debug, Default)]
pub(in crate::engine) struct Readers {
    /// Messages that came to an end, by their ids: they left, may have, or never will.
    pub(in crate::engine) ended: Vec<String>,
    /// Owners who can't be reached just now, by their addresses.
    away: Vec<String>,
}

impl Readers {
    /// Whether no owner can be reached just now.
    pub(in crate::engine) fn nobody_is_left(&self, house: &House) -> bool {
        let mut owners = house.plans.settings.business.owner.iter();
        owners.all(|owner| self.is_away(owner))
    }

    /// Tries those again who couldn't be reached.
    pub(in crate::engine) fn begin_anew(&mut self) {
        self.away.clear();
    }

    fn is_away(&self, owner: &Mailbox) -> bool {
        let address: &str = owner.email.as_ref();
        self.away.iter().any(|away| away == address)
    }
}

/// Writes to every owner who wasn't told yet and isn't away; whether none has to be told any more.
pub(in crate::engine) async fn mailed(
    house: &House,
    trouble: &Trouble,
    (over, through): (bool, Through),
    readers: &mut Readers,
) -> bool {
    let lasted = house.clock.now().duration_since(trouble.since);
    let stage = match (over, trouble.told_at) {
        (true, Some(_)) => Stage::Over,
        (true, None) => Stage::WasThere(trouble.since),
        (false, _) if lasted >= A_WHILE => Stage::BeganAt(trouble.since),
        (false, _) => Stage::Begins,
    };
    let title = |rule: &str| house.title(rule).to_owned();
    let voice = Voice {
        words: house
            .plans
            .phrases
            .of(&house.plans.settings.business.language),
        zone: &house.policy().zone,
        title: &title,
    };
    let letter = alert(&trouble.matter, stage, voice);
    let mut all = true;
    for owner in &house.plans.settings.business.owner {
        let id = id_of(trouble, over, owner.email.as_ref());
        if readers.ended.contains(&id) {
            continue;
        }
        if readers.is_away(owner) {
            all = false;
            continue;
        }
        let name = format!("{RULE}_{}_{id}", trouble.matter.kind());
        let ended = match Message::new(house, &letter, (RULE, &id, name), owner) {
            Some(message) => is_ended(house, &message, through).await,
            // It never can be, which the log has.
            None => true,
        };
        if ended {
            readers.ended.push(id);
        } else {
            readers.away.push(owner.email.to_string());
            all = false;
        }
    }
    all
}

/// Hands it over, and says whether that has come to an end: what may have left isn't sent twice, and
/// what was refused for good isn't tried again.
async fn is_ended(house: &House, message: &Message, through: Through) -> bool {
    let gone = AtomicBool::new(false);
    let going = || gone.store(true, Ordering::Relaxed);
    let handing = async {
        match through {
            Through::Store => {
                let going = |_| {
                    going();
                    ready(Ok(()))
                };
                post::hand_over(house, message, going).await
            }
            Through::Nothing => post::hand_over_apart(house, message, going).await,
        }
    };
    match post::in_time(handing, || gone.load(Ordering::Relaxed)).await {
        Ok(Some(Verdict::Accepted { .. } | Verdict::Unknown { .. })) => true,
        Ok(Some(verdict)) => {
            tracing::warn!(reply = verdict.reply(), "an alert couldn't leave");
            matches!(verdict, Verdict::Rejected { .. })
        }
        Ok(None) => {
            tracing::debug!("an alert waits for a way out");
            false
        }
        Err(error) => {
            tracing::warn!(%error, "an alert couldn't leave");
            false
        }
    }
}

/// The same on every attempt and in every language, another for each trouble and reader.
fn id_of(trouble: &Trouble, over: bool, reader: &str) -> String {
    let Trouble { matter, since, .. } = trouble;
    // It can't fail for such facts; without them, the rest would still tell one trouble from another.
    let facts = serde_json::to_string(matter).unwrap_or_default();
    let over = if over { "over" } else { &facts };
    let since = since.to_string();
    short_hash(&[RULE, matter.kind(), &matter.name(), &since, over, reader])
}
