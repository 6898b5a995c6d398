//! The clock: the only reader of the wall clock.
//!
//! Everything else is handed a clock, or better the time itself.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

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
