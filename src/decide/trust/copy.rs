//! Whether a store is the one that was worked with last, by what stands beside it.
//!
//! Each witness was written after the store, so it never knows more than the store does: not after
//! a crash, nor after a power cut. One that does was written beside a later copy.

use jiff::{SignedDuration, Timestamp};

use super::Doubt;
use crate::model::presence::{Count, Presence, Witness};

/// A machine that comes back within this time takes turns with another. Containers that get a new
/// name with each start never come back.
const IN_TURNS: SignedDuration = SignedDuration::from_hours(1);

/// What a store is known by.
#[derive(Debug, Clone, Copy)]
pub struct Papers<'a> {
    /// Its id, which every copy has.
    pub store: &'a str,
    /// What it notes itself; nothing before its first pass.
    pub presence: Option<&'a Presence>,
    /// What stands beside it.
    pub beside: Option<&'a Witness>,
    /// What tells the file beside it from a copy, as it is now; nothing where there is no file.
    pub place: Option<&'a str>,
    /// What stands elsewhere on the machine.
    pub elsewhere: Option<&'a Witness>,
    /// What stands there of another store that was at work in this one's place.
    pub before: Option<&'a Witness>,
    /// This machine.
    pub machine: Option<&'a str>,
    /// Letters in the outbox of which it knows nothing.
    pub strangers: u64,
    /// Now.
    pub now: Timestamp,
}

/// Whether it is the one.
///
/// # Errors
/// Why it may not be.
pub fn copy(papers: Papers<'_>) -> Result<(), Doubt> {
    let witnesses = [papers.beside, papers.elsewhere];
    for witness in witnesses.into_iter().flatten() {
        later(papers, witness)?;
    }
    if let Some(presence) = papers.presence {
        match papers.beside {
            Some(witness) => moved(papers, presence, witness)?,
            None if papers.place.is_none() => return Err(Doubt::Alone),
            // It was made, and a power cut came before anything stood in it.
            None => {}
        }
    } else if let Some(before) = papers.before.filter(|before| before.count.letters > 0) {
        let (seen, letters) = (before.at, before.count.letters);
        return Err(Doubt::Lost { seen, letters });
    }
    match papers.strangers {
        0 => Ok(()),
        letters => Err(Doubt::OutboxAhead { letters }),
    }
}

/// Whether a witness knows of something that the store doesn't.
fn later(papers: Papers<'_>, witness: &Witness) -> Result<(), Doubt> {
    if witness.store != papers.store {
        return Err(Doubt::OtherStore);
    }
    let Some(presence) = papers.presence else {
        let (seen, letters) = (None, witness.count.letters);
        return if witness.count.exceeds(Count::default()) {
            Err(Doubt::Older { seen, letters })
        } else {
            Ok(())
        };
    };
    if witness.epoch == presence.epoch {
        if witness.count.exceeds(presence.count) {
            let letters = witness.count.letters - presence.count.letters;
            let seen = Some(presence.at);
            return Err(Doubt::Older { seen, letters });
        }
        return Ok(());
    }
    let mut past = presence.past.iter();
    match past.find(|past| past.epoch == witness.epoch) {
        Some(past) if !witness.count.exceeds(past.known) => Ok(()),
        Some(_) | None => Err(Doubt::OtherLife),
    }
}

/// Whether store and witness were copied together.
fn moved(papers: Papers<'_>, presence: &Presence, witness: &Witness) -> Result<(), Doubt> {
    let places = witness.place.as_deref().zip(papers.place);
    // A newer system may tell files apart in another way, which its first letter names.
    if places.is_some_and(|(was, is)| was != is && was.chars().next() == is.chars().next()) {
        return Err(Doubt::Copied);
    }
    let Some(machine) = papers.machine else {
        return Ok(());
    };
    if presence.machine().is_none_or(|last| last == machine) {
        return Ok(());
    }
    let mut before = presence.machines.iter().skip(1);
    let back = before.find(|(id, _)| id == machine);
    if back.is_some_and(|(_, at)| papers.now.duration_since(*at) < IN_TURNS) {
        return Err(Doubt::InTurns);
    }
    // The same file under another machine: a container, or a disk that was carried over.
    let is_the_file = places.is_some_and(|(was, is)| was == is);
    if witness.epoch == presence.epoch && is_the_file {
        Ok(())
    } else {
        Err(Doubt::Copied)
    }
}
