//! Ways out: mail servers that refuse us, and those (or the folder of the files) that have been away
//! for a while.
//!
//! While the only one is away nobody can be told; when it is back they hear of both at once. May not
//! judge whether one works: its breaker does.

use jiff::SignedDuration;

use super::super::way::{bare, is_relay};
use super::super::{EngineError, House};
use super::{Look, Patience, Subject, ends, seen};
use crate::model::{Standing, State};
use crate::render::quoted;

/// What sort of trouble a mail server is that refuses us.
pub(super) const REFUSED: &str = "relay";
/// What sort of trouble a way out is that can't be reached.
pub(super) const AWAY: &str = "away";

/// How the owner reads of the one …
pub(super) const REFUSED_SUBJECT: Subject = Subject("the mail server ", " refuses us");
/// … and of the other.
pub(super) const AWAY_SUBJECT: Subject = Subject("letters can't leave by ", "");

/// A server that is started anew is back within minutes, and letters wait that long without harm.
const PATIENCE: Patience = Patience {
    times: u32::MAX,
    lasts: SignedDuration::from_mins(30),
    calm: SignedDuration::from_mins(30),
};

/// Whether somebody who wasn't told of such a trouble, since nothing could leave, is told that it
/// is over.
pub(super) fn concerns(kind: &str) -> bool {
    kind == REFUSED || kind == AWAY
}

/// Notes how the ways out stand.
pub(super) async fn look(house: &House) -> Result<(), EngineError> {
    refusing(house).await?;
    let standings = house.outbox.standings();
    let mut ways: Vec<(String, Look)> = Vec::new();
    for (via, standing) in &standings {
        let look = match standing.state {
            State::Works => Look::Well,
            // That is told by itself, and whether it could be reached nobody asks then.
            State::RefusesUs => Look::Unseen,
            State::Away => Look::Bad {
                words: words(house, via, standing),
                since: standing.since,
                again: false,
            },
        };
        ways.push((AWAY_SUBJECT.of(bare(via)), look));
    }
    // One that isn't in the settings any more is nobody's trouble.
    for sign in house.store.signs().await? {
        let subject = sign.trouble.subject;
        if sign.trouble.kind == AWAY && !ways.iter().any(|(known, _)| *known == subject) {
            ways.push((subject, Look::Well));
        }
    }
    for (subject, look) in ways {
        seen(house, (AWAY, &subject), look, PATIENCE).await?;
    }
    Ok(())
}

/// What is told of a way out that can't be reached.
fn words(house: &House, via: &str, standing: &Standing) -> String {
    let others = house.outbox.standings();
    let mut others = others.iter().filter(|(other, _)| other != via);
    let meanwhile = if others.any(|(_, other)| other.state == State::Works) {
        "Letters go by the next server meanwhile."
    } else {
        "Letters wait meanwhile, as long as their rules' `late` allows; no attempt is counted."
    };
    let look = if is_relay(via) {
        "Look whether the server is up and this machine reaches it, or ask whoever runs it."
    } else {
        "Look whether the disk is full, and whether fondly may write there."
    };
    let what = if is_relay(via) {
        "What was heard last:"
    } else {
        "What the system said:"
    };
    format!(
        "{what}\n\n{}\n\n{look} {meanwhile} Once a minute a letter asks whether it is back, \
         so you needn't start anything anew.",
        quoted(&standing.words)
    )
}

/// Notes which mail servers refuse us, and that they don't any more. What such a server says may
/// be another thing each time; the trouble is the same, and told once.
async fn refusing(house: &House) -> Result<(), EngineError> {
    let known = house.store.troubles().await?;
    let is_known = |subject: &str| {
        let mut known = known.iter();
        known.any(|trouble| trouble.kind == REFUSED && trouble.subject == subject)
    };
    let mut refusing = Vec::new();
    for (via, standing) in house.outbox.standings() {
        // One that can't be reached at the moment may still refuse us.
        let subject = REFUSED_SUBJECT.of(bare(&via));
        if standing.state == State::RefusesUs && !is_known(&subject) {
            let words = format!(
                "It said:\n\n{}\n\nThat has nothing to do with the letters: look at the login in \
                 the settings, or ask whoever runs the server. Letters wait meanwhile, as long as \
                 their rules' `late` allows, and no attempt is counted. Changed settings are \
                 tried at once, the old ones every 15 minutes.",
                quoted(&standing.words)
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
