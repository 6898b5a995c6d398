//! Whether a pass may go at all: whether the clock can be right, and whether this is the store that
//! was worked with last.
//!
//! Where either is in doubt nothing is planned, sent or ended: what is late can still go, what went
//! out wrongly never comes back. May not look at customers or letters.

mod copy;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};

pub use copy::{Papers, copy};

pub use crate::model::Doubt;
use crate::model::presence::{Anchor, Machine, Presence};

/// A clock may be off by this much: more than a wrong time zone comes to, and less than would take
/// a letter to another day than the next.
pub const SLACK: SignedDuration = SignedDuration::from_hours(24);
/// A machine that is started again may have been off for so long.
pub const LONGEST_ABSENCE: SignedDuration = SignedDuration::from_hours(90 * 24);
/// So soon after its start, a machine may learn that it was off: some have no clock of their own,
/// and ask for the time once the network is there.
const SETTLES_WITHIN: SignedDuration = SignedDuration::from_hours(1);
/// What the clock leapt is forgotten after so long, by the machine's own count: a machine that is
/// halted every night leaps every morning.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(8);
/// Nobody runs a program for longer than this without a newer one: 20 years.
const LONGEST_USE: SignedDuration = SignedDuration::from_hours(20 * 8766);

/// What a clock is held against.
#[derive(Debug, Clone, Copy)]
pub struct Times<'a> {
    /// What it says.
    pub now: Timestamp,
    /// When the program was built.
    pub built: Timestamp,
    /// The machine's own count of the time.
    pub machine: &'a Machine,
}

/// Whether the clock can be right, held against what the store has seen, if it has seen anything.
///
/// Steps of up to [`SLACK`] don't matter. Within a few hours they add up, so many small ones are a
/// large one.
///
/// # Errors
/// Why it can't.
pub fn clock(times: Times<'_>, last: Option<&Presence>) -> Result<(), Doubt> {
    let Times { now, built, .. } = times;
    let confirmed = last.and_then(|last| last.clock_confirmed_at);
    if confirmed.is_none_or(|said| now < minus(said, SLACK)) {
        if now < minus(built, SLACK) {
            return Err(Doubt::BeforeBuild { built });
        }
        if now.duration_since(built) > LONGEST_USE {
            return Err(Doubt::FarAhead { built });
        }
    }
    let Some(last) = last else {
        return Ok(());
    };
    let seen = last.at;
    if now < minus(seen, SLACK) {
        return Err(Doubt::Behind { seen });
    }
    let most = match since_anchor(times.machine, last) {
        Some((anchor, elapsed)) => plus(anchor.at, elapsed + SLACK + leap(anchor, times.machine)),
        None => plus(seen, LONGEST_ABSENCE),
    };
    if now > most {
        return Err(Doubt::Ahead { seen });
    }
    Ok(())
}

/// What to keep of how the clock runs, once it is found right.
pub fn anchor(times: Times<'_>, last: Option<&Presence>) -> Option<Anchor> {
    let Times { now, machine, .. } = times;
    let (boot, uptime) = (machine.boot.clone()?, machine.uptime?);
    let begins = |may_leap: SignedDuration| Anchor {
        boot,
        at: now,
        uptime: millis(uptime),
        may_leap: millis(may_leap),
    };
    let Some(last) = last else {
        return Some(begins(LONGEST_ABSENCE));
    };
    let Some((anchor, elapsed)) = since_anchor(machine, last) else {
        let absent = now.duration_since(last.at).max(SignedDuration::ZERO);
        return Some(begins(LONGEST_ABSENCE.saturating_sub(absent)));
    };
    let leapt = now.duration_since(plus(anchor.at, elapsed));
    if leapt > SLACK {
        // It has just learnt that it was off.
        return Some(begins(leap(anchor, machine).saturating_sub(leapt)));
    }
    if elapsed >= FORGOTTEN_AFTER {
        return Some(begins(leap(anchor, machine)));
    }
    Some(anchor.clone())
}

/// The time as it must be, roughly, where the clock can't be right.
pub fn likely(times: Times<'_>, last: Option<&Presence>) -> Timestamp {
    let Some(last) = last else {
        return times.built;
    };
    let counted = since_anchor(times.machine, last);
    let counted = counted.map(|(anchor, elapsed)| plus(anchor.at, elapsed));
    counted.map_or(last.at, |counted| counted.max(last.at))
}

/// The anchor of this start of the machine, and how long ago it was by the machine's own count.
fn since_anchor<'a>(machine: &Machine, last: &'a Presence) -> Option<(&'a Anchor, SignedDuration)> {
    let anchor = last.anchor.as_ref()?;
    let elapsed = machine.uptime? - SignedDuration::from_millis(anchor.uptime);
    // A container's count may begin anew though its machine's doesn't.
    let same = machine.boot.as_ref() == Some(&anchor.boot) && !elapsed.is_negative();
    same.then_some((anchor, elapsed))
}

/// How far the clock may leap, because the machine may learn just now that it was off.
fn leap(anchor: &Anchor, machine: &Machine) -> SignedDuration {
    if machine
        .uptime
        .is_some_and(|uptime| uptime <= SETTLES_WITHIN)
    {
        SignedDuration::from_millis(anchor.may_leap)
    } else {
        SignedDuration::ZERO
    }
}

fn millis(span: SignedDuration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn plus(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}

fn minus(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_sub(span).unwrap_or(Timestamp::MIN)
}
