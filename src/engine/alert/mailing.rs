//! An alert as a message: to every owner, once.
//!
//! May not decide what is a trouble.

use std::future::ready;

use jiff::SignedDuration;

use super::super::House;
use super::super::post::{self, Message, PATIENCE};
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

/// Writes to every owner within [`PATIENCE`], since a relay that hangs must hold nothing up;
/// whether somebody has it, or nobody ever will.
pub(in crate::engine) async fn mailed(
    house: &House,
    trouble: &Trouble,
    how: (bool, Through),
) -> bool {
    let mailing = tokio::time::timeout(PATIENCE, mail_all(house, trouble, how));
    mailing.await.unwrap_or(false)
}

async fn mail_all(house: &House, trouble: &Trouble, (over, through): (bool, Through)) -> bool {
    let lasted = house.clock.now().duration_since(trouble.since);
    let stage = match (over, trouble.told_at) {
        (true, Some(_)) => Stage::Over,
        (true, None) => Stage::WasThere(trouble.since),
        (false, _) if lasted >= A_WHILE => Stage::BeganAt(trouble.since),
        (false, _) => Stage::Begins,
    };
    let title = |rule: &str| super::title(house, rule);
    let voice = Voice {
        words: house
            .plans
            .phrases
            .of(&house.plans.settings.business.language),
        zone: &house.policy().zone,
        title: &title,
    };
    let letter = alert(&trouble.matter, stage, voice);
    let owners = &house.plans.settings.business.owner;
    let mut waits = !owners.is_empty();
    for owner in owners {
        let id = id_of(trouble, over, owner.email.as_ref());
        let name = format!("{RULE}_{}_{id}", trouble.matter.kind());
        let Some(message) = Message::new(house, &letter, (RULE, &id, name), owner) else {
            continue;
        };
        let handed_over = match through {
            // An alert that is told twice does less harm than one that isn't.
            Through::Store => post::hand_over(house, &message, |_| ready(Ok(()))).await,
            Through::Nothing => post::hand_over_apart(house, &message).await,
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

/// The same on every attempt and in every language, another for each trouble and reader.
fn id_of(trouble: &Trouble, over: bool, reader: &str) -> String {
    let Trouble { matter, since, .. } = trouble;
    // It can't fail for such facts; without them, the rest would still tell one trouble from another.
    let facts = serde_json::to_string(matter).unwrap_or_default();
    let over = if over { "over" } else { &facts };
    let since = since.to_string();
    short_hash(&[RULE, matter.kind(), &matter.name(), &since, over, reader])
}
