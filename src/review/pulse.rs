//! Whether the daemon is well, by what it tells of itself: passes that begin, move, end, fail, and
//! are awaited. When a pass last ended says little: a big batch takes hours, and a slow schedule may
//! be days from the next one.
//!
//! May not touch the store or the clock.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// So much later than it should be, or after a failure, it is worth to look.
const LATE: SignedDuration = SignedDuration::from_mins(5);
/// A pass that did nothing for so long, and waits for nobody who has a limit of their own, hangs.
/// systemd's watchdog has the same patience.
const HANGS: SignedDuration = SignedDuration::from_mins(15);

/// What the daemon tells of itself while it runs.
#[derive(Debug)]
pub struct Pulse(Mutex<State>);

#[derive(Debug)]
struct State {
    now: Doing,
    /// Since the first of the latest passes that failed.
    failing: Option<Timestamp>,
    /// Why no pass takes place, where the last one that was looked for wasn't let in.
    halted: Option<&'static str>,
}

#[derive(Debug, Clone, Copy)]
enum Doing {
    /// The next pass is to begin then.
    Waiting(Timestamp),
    /// A pass, which moved then.
    Pass(Timestamp),
}

impl Pulse {
    /// Of a daemon that starts now.
    pub const fn new(now: Timestamp) -> Self {
        Self(Mutex::new(State {
            now: Doing::Waiting(now),
            failing: None,
            halted: None,
        }))
    }

    /// The next pass begins after this long at the latest.
    pub fn waits(&self, now: Timestamp, at_most: Duration) {
        let next = now.checked_add(at_most).unwrap_or(Timestamp::MAX);
        self.state().now = Doing::Waiting(next);
    }

    /// A pass begins, or moves, or waits for somebody who has a limit of their own.
    pub fn pass_moves(&self, now: Timestamp) {
        self.state().now = Doing::Pass(now);
    }

    /// The pass ended, well or not.
    pub fn pass_ended(&self, now: Timestamp, well: bool) {
        let mut state = self.state();
        state.now = Doing::Waiting(now);
        state.failing = (!well).then(|| state.failing.unwrap_or(now));
    }

    /// A pass was let in, or wasn't, for this reason.
    pub fn let_in(&self, halted: Option<&'static str>) {
        self.state().halted = halted;
    }

    /// What is wrong, if anything.
    pub(super) fn trouble(&self, now: Timestamp) -> Option<String> {
        let state = self.state();
        let minutes = |since: Timestamp| now.duration_since(since).as_mins();
        if let Some(since) = state.failing
            && now.duration_since(since) > LATE
        {
            return Some(format!(
                "passes have been failing for {} minutes",
                minutes(since)
            ));
        }
        if let Some(why) = state.halted {
            return Some(why.to_owned());
        }
        match state.now {
            Doing::Waiting(next) if now.duration_since(next) > LATE => {
                Some(format!("the next pass is {} minutes late", minutes(next)))
            }
            Doing::Pass(moved) if now.duration_since(moved) > HANGS => Some(format!(
                "a pass hasn't moved for {} minutes",
                minutes(moved)
            )),
            Doing::Waiting(_) | Doing::Pass(_) => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(1_000_000 + minutes)
    }

    #[test]
    fn a_slow_schedule_is_no_trouble_and_a_missed_pass_is() {
        let pulse = Pulse::new(at(0));
        assert_eq!(pulse.trouble(at(4)), None);
        pulse.waits(at(4), DAY);
        assert_eq!(pulse.trouble(at(1440)), None);
        assert_eq!(
            pulse.trouble(at(1450)).as_deref(),
            Some("the next pass is 6 minutes late")
        );
        pulse.waits(at(4), Duration::MAX);
        assert_eq!(pulse.trouble(at(1450)), None);
    }

    #[test]
    fn a_long_pass_is_no_trouble_and_one_that_hangs_is() {
        let pulse = Pulse::new(at(0));
        for minute in (1..180).step_by(10) {
            pulse.pass_moves(at(minute));
            assert_eq!(pulse.trouble(at(minute + 10)), None);
        }
        assert_eq!(
            pulse.trouble(at(187)).as_deref(),
            Some("a pass hasn't moved for 16 minutes")
        );
        pulse.pass_ended(at(188), true);
        assert_eq!(pulse.trouble(at(188)), None);
    }

    #[test]
    fn a_standstill_is_told_as_long_as_it_lasts() {
        let pulse = Pulse::new(at(0));
        pulse.let_in(Some("the clock is in doubt"));
        pulse.pass_ended(at(1), true);
        assert_eq!(
            pulse.trouble(at(1)).as_deref(),
            Some("the clock is in doubt")
        );
        pulse.pass_moves(at(2));
        assert!(pulse.trouble(at(2)).is_some());
        pulse.let_in(None);
        pulse.pass_ended(at(2), true);
        assert_eq!(pulse.trouble(at(2)), None);
    }

    #[test]
    fn passes_that_keep_failing_are_told_until_one_ends_well() {
        let pulse = Pulse::new(at(0));
        for minute in 1..8 {
            assert_eq!(pulse.trouble(at(minute)).is_some(), minute > 6);
            pulse.pass_moves(at(minute));
            pulse.pass_ended(at(minute), false);
        }
        assert_eq!(
            pulse.trouble(at(7)).as_deref(),
            Some("passes have been failing for 6 minutes")
        );
        pulse.pass_ended(at(8), true);
        assert_eq!(pulse.trouble(at(8)), None);
    }
}
