//! A rate limit shared by all connections. Knows nothing of messages or relays.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

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
            // coarseness (1 ms) delays single messages but never lowers the rate.
            sleep_until(pace.take_slot(Instant::now())).await;
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
    use tokio::task::JoinSet;

    use super::*;

    fn rate(per_second: u32) -> Throttle {
        Throttle::per_second(NonZeroU32::new(per_second).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn ten_a_second_over_four_workers() {
        let throttle = rate(10);
        let start = Instant::now();
        let mut workers = JoinSet::new();
        for _ in 0..4 {
            let throttle = throttle.clone();
            workers.spawn(async move {
                for _ in 0..10 {
                    throttle.turn().await;
                }
            });
        }
        while workers.join_next().await.is_some() {}
        let took = start.elapsed();
        assert!(took >= Duration::from_millis(3_900), "{took:?}");
        assert!(took <= Duration::from_millis(3_950), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn idle_time_isn_t_saved_up_for_a_burst() {
        let throttle = rate(10);
        throttle.turn().await;
        tokio::time::advance(Duration::from_secs(60)).await;
        let start = Instant::now();
        throttle.turn().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        throttle.turn().await;
        assert!(start.elapsed() >= Duration::from_millis(100));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_nobody_waits() {
        let throttle = Throttle::unlimited();
        let start = Instant::now();
        for _ in 0..1_000 {
            throttle.turn().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
