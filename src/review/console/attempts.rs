//! How often somebody may try to sign in: so often an account, so often from one place.
//!
//! Only failures count. In memory: a restart forgives. May not know the time or any password.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Failures that an account may have from one place within [`WITHIN`].
const OF_BOTH: u32 = 5;
/// Failures from one place, whatever the account.
const OF_PLACE: u32 = 20;
/// Failures of an account from everywhere; higher, so that a stranger can hardly keep its owner out.
const OF_ACCOUNT: u32 = 50;
/// For so long a failure counts.
const WITHIN: Duration = Duration::from_mins(15);
/// More than this isn't remembered; the oldest go.
const MOST: usize = 20_000;

/// Who failed how often.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<HashMap<String, (u32, Instant)>>);

impl Attempts {
    /// Counts a try as failed until [`Attempts::forgive`] says otherwise, so that many at once can't
    /// get past. `Err`: too many have; wait so long.
    pub(super) fn begin(&self, account: &str, place: &str, now: Instant) -> Result<(), Duration> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (_, since)| now.duration_since(*since) < WITHIN);
        let limits = limits(account, place);
        let over = limits.iter().filter_map(|(key, most)| {
            let (count, since) = all.get(key)?;
            (count >= most).then(|| WITHIN.saturating_sub(now.duration_since(*since)))
        });
        if let Some(wait) = over.max() {
            return Err(wait);
        }
        if all.len() + limits.len() > MOST
            && let Some(oldest) = all.iter().min_by_key(|(_, (_, since))| *since)
        {
            let oldest = oldest.0.clone();
            all.remove(&oldest);
        }
        for (key, _) in limits {
            all.entry(key).or_insert((0, now)).0 += 1;
        }
        Ok(())
    }

    /// The try was none: it was the right password.
    pub(super) fn forgive(&self, account: &str, place: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, _) in limits(account, place) {
            if let Some((count, _)) = all.get_mut(&key) {
                *count = count.saturating_sub(1);
            }
        }
    }
}

fn limits(account: &str, place: &str) -> [(String, u32); 3] {
    [
        (format!("b {place} {account}"), OF_BOTH),
        (format!("p {place}"), OF_PLACE),
        (format!("a {account}"), OF_ACCOUNT),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_so_many_tries_from_a_place_and_gets_them_back_with_time() {
        let attempts = Attempts::default();
        let start = Instant::now();
        for _ in 0..OF_BOTH {
            assert_eq!(attempts.begin("anna", "::1", start), Ok(()));
        }
        let later = start + Duration::from_mins(5);
        let wait = attempts.begin("anna", "::1", later);
        assert_eq!(wait, Err(Duration::from_mins(10)));
        // Neither somebody else from there, nor she from elsewhere.
        assert_eq!(attempts.begin("ben", "::1", later), Ok(()));
        assert_eq!(attempts.begin("anna", "::2", later), Ok(()));
        assert_eq!(attempts.begin("anna", "::1", start + WITHIN), Ok(()));
    }

    #[test]
    fn a_place_tries_no_endless_row_of_accounts_and_the_right_password_counts_for_nothing() {
        let attempts = Attempts::default();
        let now = Instant::now();
        for n in 0..OF_PLACE {
            let account = format!("user{n}");
            assert_eq!(attempts.begin(&account, "::1", now), Ok(()));
            attempts.forgive(&account, "::1");
        }
        let passed = (0..100).filter(|n| attempts.begin(&format!("{n}"), "::1", now).is_ok());
        assert_eq!(passed.count(), OF_PLACE as usize);
    }
}
