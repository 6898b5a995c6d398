//! An alert as a message: to every owner, once.
//!
//! May not decide what is a trouble.

use std::future::ready;

use jiff::SignedDuration;

use super::super::House;
use super::super::post::{self, Message, PATIENCE};
use crate::decide::explain;
use crate::deliver::Verdict;
use crate::render::notice;
use crate::store::Trouble;

/// What alerts bear where letters bear their rule's name.
const RULE: &str = "alert";

/// What is said of a trouble that is over.
const OVER: &str = "This is in order again. You needn't do anything.";

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
    let subject = if over {
        format!("Settled: {}", trouble.subject)
    } else {
        format!("fondly needs you: {}", trouble.subject)
    };
    let began = || {
        let since = explain::moment(trouble.since, &house.policy().zone);
        format!("It began on {since}. {}", trouble.words)
    };
    let lasted = house.clock.now().duration_since(trouble.since);
    let text = match (over, trouble.told_at) {
        (true, Some(_)) => OVER.to_owned(),
        (true, None) => format!("{}\n\n{OVER}", began()),
        (false, _) if lasted >= A_WHILE => began(),
        (false, _) => trouble.words.clone(),
    };
    let letter = notice(&subject, &text);
    let owners = &house.plans.settings.business.owner;
    let mut waits = !owners.is_empty();
    for owner in owners {
        let id = id_of(trouble, over, owner.email.as_ref());
        let name = format!("{RULE}_{}_{id}", trouble.kind);
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

/// The same on every attempt, another for each trouble and reader.
fn id_of(trouble: &Trouble, over: bool, reader: &str) -> String {
    let since = trouble.since.to_string();
    let over = if over { "over" } else { &trouble.words };
    post::id_of(&[RULE, &trouble.kind, &trouble.subject, &since, over, reader])
}
