//! When to try again. Pure: attempts in, delay out; the caller adds it to its own time.

use std::time::Duration;

/// The first delay: five minutes, Postfix's `minimal_backoff_time`, and what greylisting needs.
const FIRST: Duration = Duration::from_mins(5);

/// The longest delay, in seconds as Postfix has it (`maximal_backoff_time`).
const LONGEST: Duration = Duration::from_secs(4_000);

/// The delay after so many failed attempts: 300 s, 600 s, 1200 s, 2400 s, then 4000 s each.
pub fn backoff(failed_attempts: u32) -> Duration {
    let doublings = failed_attempts.saturating_sub(1);
    let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
    FIRST.saturating_mul(factor).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_from_five_minutes_to_4000_seconds() {
        let seconds: Vec<u64> = (0..8).map(|n| backoff(n).as_secs()).collect();
        assert_eq!(seconds, [300, 300, 600, 1200, 2400, 4000, 4000, 4000]);
    }

    #[test]
    fn never_shrinks_however_often_it_failed() {
        for attempts in [31, 32, 33, 64, 1_000, u32::MAX] {
            assert_eq!(backoff(attempts), LONGEST);
        }
    }
}
