//! Ways out: mail servers that refuse us, and those (or the folder of the files) that have been away
//! for a while.
//!
//! While the only one is away nobody can be told; when it is back they hear of both at once. May not
//! judge whether one works: its breaker does.

use jiff::SignedDuration;

use super::super::way::{bare, is_relay};
use super::super::{EngineError, House};
use super::{Look, Patience, ends, in_english, seen};
use crate::model::{Matter, Standing, State};

/// A server that is started anew is back within minutes, and letters wait that long without harm.
const PATIENCE: Patience = Patience {
    times: u32::MAX,
    lasts: SignedDuration::from_mins(30),
    calm: SignedDuration::from_mins(30),
};

/// Whether somebody who wasn't told of such a trouble, since nothing could leave, is told that it
/// is over.
pub(super) fn concerns(kind: &str) -> bool {
    kind == Matter::REFUSES_US || kind == Matter::AWAY
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
                matter: away(&standings, via, standing),
                since: standing.since,
                again: false,
            },
        };
        ways.push((bare(via).to_owned(), look));
    }
    // One that isn't in the settings any more is nobody's trouble.
    for sign in house.store.signs().await? {
        let (kind, name) = (sign.trouble.matter.kind(), sign.trouble.matter.name());
        if kind == Matter::AWAY && !ways.iter().any(|(known, _)| *known == name) {
            ways.push((name, Look::Well));
        }
    }
    for (name, look) in ways {
        seen(house, (Matter::AWAY, &name), look, PATIENCE).await?;
    }
    Ok(())
}

/// What is told of a way out that can't be reached.
fn away(standings: &[(String, Standing)], via: &str, standing: &Standing) -> Matter {
    let mut others = standings.iter().filter(|(other, _)| other != via);
    Matter::Away {
        name: bare(via).to_owned(),
        is_relay: is_relay(via),
        others_work: others.any(|(_, other)| other.state == State::Works),
        said: standing.words.clone(),
    }
}

/// Notes which mail servers refuse us, and that they don't any more. What such a server says may
/// be another thing each time; the trouble is the same, and told once.
async fn refusing(house: &House) -> Result<(), EngineError> {
    let known: Vec<String> = house
        .store
        .troubles()
        .await?
        .iter()
        .filter(|trouble| trouble.matter.kind() == Matter::REFUSES_US)
        .map(|trouble| trouble.matter.name())
        .collect();
    let mut refusing = Vec::new();
    for (via, standing) in house.outbox.standings() {
        // One that can't be reached at the moment may still refuse us.
        let name = bare(&via).to_owned();
        if standing.state == State::RefusesUs && !known.contains(&name) {
            let matter = Matter::RefusesUs {
                name: name.clone(),
                said: standing.words.clone(),
            };
            house
                .store
                .trouble_begins(&matter, house.clock.now())
                .await?;
            let (what, _) = in_english(house, &matter);
            tracing::error!(relay = via, reply = standing.words, "{what}");
        }
        if standing.state != State::Works {
            refusing.push(name);
        }
    }
    for name in known.iter().filter(|name| !refusing.contains(name)) {
        ends(house, (Matter::REFUSES_US, name)).await?;
    }
    Ok(())
}
