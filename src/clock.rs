//! The clock: the only reader of the wall clock.
//!
//! Everything else is handed a clock, or better the time itself.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

/// The timer can't wait for less: waiting for a nearer moment takes longer than there is.
const COARSENESS: Duration = Duration::from_millis(1);

/// Where a manual clock's spans are measured from: instants have no beginning of their own.
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Tells the time.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands until it is set: for rehearsals and tests.
    Manual(Arc<Mutex<Timestamp>>),
}

impl Clock {
    /// A clock that stands at `now`.
    pub fn manual(now: Timestamp) -> Self {
        Self::Manual(Arc::new(Mutex::new(now)))
    }

    /// The time, in whole milliseconds, as the store keeps it.
    pub fn now(&self) -> Timestamp {
        let now = match self {
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the one reader of the clock"
            )]
            Self::System => Timestamp::now(),
            Self::Manual(time) => *time.lock().unwrap_or_else(PoisonError::into_inner),
        };
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// For measuring spans: the machine's isn't moved when somebody sets its clock.
    pub fn instant(&self) -> Instant {
        match self {
            Self::System => Instant::now(),
            Self::Manual(_) => {
                let since = u64::try_from(self.now().as_millisecond()).unwrap_or(0);
                *BEGINNING + Duration::from_millis(since)
            }
        }
    }

    /// Waits for this moment. A manual clock doesn't wait: it is set to it.
    pub async fn wait_until(&self, moment: Instant) {
        let left = moment.saturating_duration_since(self.instant());
        if left < COARSENESS {
            return;
        }
        match self {
            Self::System => tokio::time::sleep(left).await,
            Self::Manual(time) => {
                let mut time = time.lock().unwrap_or_else(PoisonError::into_inner);
                *time = time.checked_add(left).unwrap_or(*time);
            }
        }
    }

    /// How long ago a file's time was; nothing for one that lies ahead. Files bear the machine's
    /// time, so a clock that stands still says that it was long ago.
    pub fn since(&self, time: SystemTime) -> Option<Duration> {
        match self {
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the one reader of the clock"
            )]
            Self::System => SystemTime::now().duration_since(time).ok(),
            Self::Manual(_) => Some(Duration::MAX),
        }
    }

    /// Sets a manual clock; the machine's own can't be set.
    pub fn set(&self, now: Timestamp) {
        if let Self::Manual(time) = self {
            *time.lock().unwrap_or_else(PoisonError::into_inner) = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_is_set_instead_of_waiting() {
        let clock = Clock::manual("2027-01-01T00:00:00Z".parse().unwrap());
        let start = clock.instant();
        clock.wait_until(start + Duration::from_hours(72)).await;
        assert_eq!(clock.now().to_string(), "2027-01-04T00:00:00Z");
        assert_eq!(clock.instant() - start, Duration::from_hours(72));
        // What is over isn't waited for, and the clock isn't set back.
        clock.wait_until(start).await;
        assert_eq!(clock.now().to_string(), "2027-01-04T00:00:00Z");
    }
}
