//! How often each token may come: so many requests a minute, and as many at once.
//!
//! May not know the time: moments are parameters.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The pace of every token, by name; nobody gets here without one, so there are few.
#[derive(Debug)]
pub(super) struct Pace {
    per_minute: f64,
    left: Mutex<HashMap<String, Left>>,
}

/// What a token has left.
#[derive(Debug, Clone, Copy)]
struct Left {
    requests: f64,
    at: Instant,
}

impl Pace {
    pub(super) fn new(per_minute: u32) -> Self {
        Self {
            per_minute: f64::from(per_minute),
            left: Mutex::default(),
        }
    }

    /// Lets a request pass, or says after how long one may.
    pub(super) fn take(&self, token: &str, now: Instant) -> Result<(), Duration> {
        let mut all = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let left = all.entry(token.to_owned()).or_insert(Left {
            requests: self.per_minute,
            at: now,
        });
        let minutes = now.saturating_duration_since(left.at).as_secs_f64() / 60.0;
        let requests = (left.requests + minutes * self.per_minute).min(self.per_minute);
        *left = Left { requests, at: now };
        if requests >= 1.0 {
            left.requests -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64(
            (1.0 - requests) / self.per_minute * 60.0,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_its_own_pace_and_gets_it_back_with_time() {
        let pace = Pace::new(6);
        let start = Instant::now();
        for _ in 0..6 {
            assert_eq!(pace.take("till", start), Ok(()));
        }
        assert_eq!(pace.take("till", start), Err(Duration::from_secs(10)));
        assert_eq!(pace.take("shop", start), Ok(()));
        let later = start + Duration::from_secs(4);
        assert_eq!(pace.take("till", later), Err(Duration::from_secs(6)));
        let later = start + Duration::from_secs(10);
        assert_eq!(pace.take("till", later), Ok(()));
        assert!(pace.take("till", later).is_err());
        // A long silence isn't saved up.
        let later = later + Duration::from_hours(24);
        let passed = (0..100).filter(|_| pace.take("till", later).is_ok());
        assert_eq!(passed.count(), 6);
    }
}
