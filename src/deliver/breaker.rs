//! The breaker of a way out. Pure: how it stood and what was heard in, how it stands out.
//!
//! ```text
//!            3 troubles in a row
//!          ┌─────────────────────> away: one letter a minute asks
//!  works ──┤ <───────────────────────┤ │
//!    ^     │  one gets through         │ refused for what we are
//!    │     │                           v
//!    │     └─────────────────────> refuses us: one letter in 15 minutes asks
//!    └──────── one gets through ───────┘
//! ```
//!
//! May not touch clocks, sockets or the store; moments are parameters.

use jiff::{SignedDuration, Timestamp};

use super::Verdict;
use crate::model::{Reason, Standing, State};

/// Troubles in a row, with nothing delivered in between, after which letters are kept back.
const TROUBLES: u32 = 3;

/// While a relay is away, one letter asks so often whether it is back.
const PROBE_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// A relay that refuses us needs a person; another look now and then notices that they were there.
const REFUSED_EVERY: SignedDuration = SignedDuration::from_mins(15);

/// Letters that are kept back are judged anew after as long as the trouble has lasted, but at
/// least so often: their `where` or their customer's consent may change meanwhile.
const JUDGED_EVERY: SignedDuration = SignedDuration::from_hours(6);

/// What a verdict says about the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It does its work, whatever it thinks of the letter.
    Works,
    /// It can't be reached, or asks us to wait.
    Trouble,
    /// It doesn't like us (reputation, DNS): once may be the letter's fault, several times aren't.
    Blames,
    /// It refuses us, whatever the letter: the login.
    Refuses,
    /// Nothing to go by.
    Nothing,
}

/// Whether a letter may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum May {
    /// Like any other.
    Send,
    /// One, to ask whether the relay is back.
    Probe,
    /// Not before this moment.
    Wait(Timestamp),
}

/// What a verdict says about the relay.
pub const fn heard(verdict: &Verdict) -> Heard {
    match verdict {
        Verdict::Accepted { .. } => Heard::Works,
        Verdict::Deferred { relay: true, .. } => Heard::Trouble,
        Verdict::Deferred { reason, .. } | Verdict::Rejected { reason, .. } => {
            if matches!(reason, Reason::RelayRefusesUs) {
                Heard::Blames
            } else {
                Heard::Works
            }
        }
        Verdict::Stopped { .. } => Heard::Refuses,
        Verdict::Unknown { .. } | Verdict::Withdrawn => Heard::Nothing,
    }
}

/// Whether a letter may go now.
pub fn may(standing: &Standing, now: Timestamp) -> May {
    let Some(every) = pause(standing.state) else {
        return May::Send;
    };
    match standing.next_try {
        // A moment further ahead was noted by a clock that has been set back since.
        Some(next) if now < next && next.duration_since(now) <= every => May::Wait(next),
        Some(_) | None => May::Probe,
    }
}

/// A letter goes to ask: no other one does for a while, whatever becomes of it.
#[must_use]
pub fn probed(standing: &Standing, now: Timestamp) -> Standing {
    Standing {
        next_try: pause(standing.state).and_then(|every| later(now, every)),
        ..standing.clone()
    }
}

/// How it stands after this was heard.
#[must_use]
pub fn after(standing: &Standing, heard: Heard, words: &str, now: Timestamp) -> Standing {
    let troubles = standing.troubles.saturating_add(1);
    let state = match heard {
        Heard::Nothing => return standing.clone(),
        Heard::Works => return Standing::new(standing.print.clone()),
        Heard::Refuses => State::RefusesUs,
        // What can't be reached now may refuse us still.
        Heard::Trouble if matches!(standing.state, State::RefusesUs) => State::RefusesUs,
        Heard::Blames if troubles >= TROUBLES => State::RefusesUs,
        Heard::Trouble if troubles >= TROUBLES => State::Away,
        Heard::Blames | Heard::Trouble => standing.state,
    };
    let next_try = match (standing.state == state, standing.next_try) {
        // A probe's failure is no reason to wait longer than since it began.
        (true, Some(next)) if heard != Heard::Refuses => Some(next),
        _ => pause(state).and_then(|every| later(now, every)),
    };
    Standing {
        state,
        troubles,
        since: standing.since.or(Some(now)),
        next_try,
        words: words.to_owned(),
        print: standing.print.clone(),
    }
}

/// When a letter that is kept back is judged anew.
pub fn judged_again(standing: &Standing, now: Timestamp) -> Timestamp {
    let lasted = standing
        .since
        .map_or(PROBE_EVERY, |since| now.duration_since(since));
    later(now, lasted.clamp(PROBE_EVERY, JUDGED_EVERY)).unwrap_or(now)
}

/// How long it is left alone between two letters, unless it works.
const fn pause(state: State) -> Option<SignedDuration> {
    match state {
        State::Works => None,
        State::Away => Some(PROBE_EVERY),
        State::RefusesUs => Some(REFUSED_EVERY),
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Option<Timestamp> {
    now.checked_add(by).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    /// After so many troubles, a second apart.
    fn troubled(times: i64) -> Standing {
        (0..times).fold(Standing::new("p"), |standing, n| {
            after(&standing, Heard::Trouble, "421 later", at(n))
        })
    }

    #[test]
    fn three_troubles_in_a_row_open_it_and_a_delivery_in_between_doesn_t() {
        assert_eq!(may(&troubled(2), at(2)), May::Send);
        let open = troubled(3);
        assert_eq!((open.state, open.since), (State::Away, Some(at(0))));
        assert_eq!(may(&open, at(2)), May::Wait(at(62)));
        let eased = after(&troubled(2), Heard::Works, "", at(3));
        assert!(eased.is_fine());
        let again = after(&eased, Heard::Trouble, "", at(4));
        assert_eq!(may(&again, at(4)), May::Send);
    }

    #[test]
    fn while_it_is_open_one_letter_a_minute_asks_whatever_it_hears() {
        let mut standing = troubled(3);
        let mut probes = Vec::new();
        for second in 3..3_600 {
            if may(&standing, at(second)) == May::Probe {
                probes.push(second);
                standing = probed(&standing, at(second));
                standing = after(&standing, Heard::Trouble, "421 later", at(second + 20));
            }
        }
        assert!(probes.windows(2).all(|two| two[1] - two[0] == 60));
        assert_eq!(probes.len(), 59);
        let closed = after(&standing, Heard::Works, "", at(3_600));
        assert_eq!(closed, Standing::new("p"));
    }

    #[test]
    fn a_refused_login_stops_it_at_once_for_fifteen_minutes() {
        let stopped = after(&Standing::new("p"), Heard::Refuses, "535 no", at(0));
        assert_eq!(stopped.state, State::RefusesUs);
        assert_eq!(may(&stopped, at(1)), May::Wait(at(900)));
        assert_eq!(may(&stopped, at(900)), May::Probe);
        // Gone altogether by then: it isn't asked more often for it.
        let mut gone = probed(&stopped, at(900));
        for second in 901..905 {
            gone = after(&gone, Heard::Trouble, "connection refused", at(second));
            assert_eq!(may(&gone, at(second)), May::Wait(at(1_800)));
        }
    }

    #[test]
    fn a_login_refused_anew_waits_from_then_on() {
        let stopped = after(&Standing::new("p"), Heard::Refuses, "535 no", at(0));
        let probe = probed(&stopped, at(900));
        assert_eq!(may(&probe, at(901)), May::Wait(at(1_800)));
        let again = after(&probe, Heard::Refuses, "535 no", at(950));
        assert_eq!(may(&again, at(951)), May::Wait(at(1_850)));
    }

    #[test]
    fn blame_for_what_we_are_stops_it_when_it_is_repeated() {
        let mut standing = Standing::new("p");
        for n in 0..3 {
            assert_eq!(may(&standing, at(n)), May::Send);
            standing = after(&standing, Heard::Blames, "550 5.7.1 blocked", at(n));
        }
        assert_eq!(standing.state, State::RefusesUs);
    }

    #[test]
    fn a_clock_that_was_ahead_doesn_t_keep_it_closed() {
        let stopped = after(&Standing::new("p"), Heard::Refuses, "535 no", at(86_400));
        assert_eq!(may(&stopped, at(0)), May::Probe);
    }

    #[test]
    fn what_is_kept_back_is_judged_ever_more_rarely() {
        let open = troubled(3);
        let waits = |second: i64| judged_again(&open, at(second)).duration_since(at(second));
        assert_eq!(waits(3).as_secs(), 60);
        assert_eq!(waits(600).as_secs(), 600);
        assert_eq!(waits(80_000).as_hours(), 6);
    }
}
