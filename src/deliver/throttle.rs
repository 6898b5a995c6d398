//! A rate limit shared by all connections. Knows nothing of messages or relays.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The timer can't wait for less. A slot that is nearer is taken at once: waiting for it would
/// cost more time than there is between two messages.
const COARSENESS: Duration = Duration::from_millis(1);

/// Lets at most so many through a second, evenly spaced, however many workers share it.
///
/// Clones share the limit.
#[derive(Debug, Clone)]
pub struct Throttle {
    pace: Option<Arc<Pace>>,
}

#[derive(Debug)]
struct Pace {
    gap: Duration,
    /// The moment at which the next one may go; earlier is as good as now.
    next: Mutex<Option<Instant>>,
}

impl Throttle {
    /// No limit.
    pub const fn unlimited() -> Self {
        Self { pace: None }
    }

    /// At most `rate` a second.
    pub fn per_second(rate: NonZeroU32) -> Self {
        let gap = Duration::from_secs(1)
            .checked_div(rate.get())
            .unwrap_or_default();
        Self {
            pace: Some(Arc::new(Pace {
                gap,
                next: Mutex::new(None),
            })),
        }
    }

    /// Waits for a turn. A turn that is cancelled while waiting is lost, not passed on.
    pub async fn turn(&self) {
        if let Some(pace) = &self.pace {
            // Each caller takes a slot at once and then waits for it, so the timer's own
            // coarseness delays single messages but never lowers the rate.
            let now = Instant::now();
            let slot = pace.take_slot(now);
            if slot.saturating_duration_since(now) >= COARSENESS {
                sleep_until(slot).await;
            }
        }
    }
}

impl Pace {
    fn take_slot(&self, now: Instant) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = next.map_or(now, |next| next.max(now));
        *next = Some(slot + self.gap);
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(per_second: u32) -> Arc<Pace> {
        let rate = NonZeroU32::new(per_second).unwrap();
        Throttle::per_second(rate).pace.unwrap()
    }

    #[test]
    fn ten_a_second_however_many_ask_at_once() {
        let pace = pace(10);
        let start = Instant::now();
        let waits: Vec<u128> = (0..40)
            .map(|_| (pace.take_slot(start) - start).as_millis())
            .collect();
        let even: Vec<u128> = (0..40).map(|turn| turn * 100).collect();
        assert_eq!(waits, even);
    }

    #[test]
    fn idle_time_isn_t_saved_up_for_a_burst() {
        let pace = pace(10);
        let start = Instant::now();
        assert_eq!(pace.take_slot(start), start);
        let later = start + Duration::from_mins(1);
        assert_eq!(pace.take_slot(later), later);
        assert_eq!(pace.take_slot(later), later + Duration::from_millis(100));
    }

    #[tokio::test]
    async fn clones_share_one_limit_and_workers_wait_for_it() {
        let throttle = Throttle::per_second(NonZeroU32::new(1_000).unwrap());
        let start = Instant::now();
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let throttle = throttle.clone();
            workers.spawn(async move {
                for _ in 0..5 {
                    throttle.turn().await;
                }
            });
        }
        assert_eq!(workers.join_all().await.len(), 4);
        // Twenty turns, the first of which is free; the last may come up to a millisecond early.
        assert!(start.elapsed() >= Duration::from_millis(18));
    }

    #[tokio::test]
    async fn without_a_limit_nobody_waits() {
        let throttle = Throttle::unlimited();
        let mut turn = Box::pin(throttle.turn());
        let waker = std::task::Waker::noop();
        let mut context = std::task::Context::from_waker(waker);
        assert!(turn.as_mut().poll(&mut context).is_ready());
    }
}
