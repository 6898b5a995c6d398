//! A rate limit shared by all connections. Pure: knows nothing of messages or relays, and is told
//! the time.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lets at most so many through a second, evenly spaced, however many workers share it.
#[derive(Debug)]
pub struct Throttle {
    pace: Option<Pace>,
}

#[derive(Debug)]
struct Pace {
    gap: Duration,
    /// The moment at which the next one may go; earlier is as good as now.
    next: Mutex<Instant>,
}

impl Throttle {
    /// No limit.
    pub const fn unlimited() -> Self {
        Self { pace: None }
    }

    /// At most `rate` a second. What went out before `now`, through an earlier process, say, was
    /// at the latest a moment ago: so the first one waits for its turn as well.
    pub fn per_second(rate: NonZeroU32, now: Instant) -> Self {
        let gap = Duration::from_secs(1)
            .checked_div(rate.get())
            .unwrap_or_default();
        let next = Mutex::new(now + gap);
        Self {
            pace: Some(Pace { gap, next }),
        }
    }

    /// Takes the next turn, and says when it is. Each caller takes one at once and then waits for
    /// it, so that a timer's coarseness delays single messages but never lowers the rate. A turn
    /// that isn't used is lost, not passed on.
    pub fn turn(&self, now: Instant) -> Instant {
        let Some(pace) = &self.pace else {
            return now;
        };
        let mut next = pace.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = now.max(*next);
        *next = turn + pace.gap;
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn per_second(rate: u32, now: Instant) -> Throttle {
        Throttle::per_second(NonZeroU32::new(rate).unwrap(), now)
    }

    #[test]
    fn ten_a_second_however_many_ask_at_once() {
        let start = Instant::now();
        let throttle = per_second(10, start);
        let waits: Vec<u128> = (0..40)
            .map(|_| (throttle.turn(start) - start).as_millis())
            .collect();
        let even: Vec<u128> = (1..=40).map(|turn| turn * 100).collect();
        assert_eq!(waits, even);
    }

    #[test]
    fn idle_time_isn_t_saved_up_for_a_burst() {
        let start = Instant::now();
        let throttle = per_second(10, start);
        let later = start + Duration::from_mins(1);
        assert_eq!(throttle.turn(later), later);
        assert_eq!(throttle.turn(later), later + Duration::from_millis(100));
    }

    #[test]
    fn started_again_and_again_it_is_no_faster() {
        let start = Instant::now();
        let mut now = start;
        for _ in 0..20 {
            now = per_second(10, now).turn(now);
        }
        assert_eq!(now - start, Duration::from_secs(2));
    }

    #[test]
    fn without_a_limit_nobody_waits() {
        let start = Instant::now();
        let throttle = Throttle::unlimited();
        assert!((0..40).all(|_| throttle.turn(start) == start));
    }
}
