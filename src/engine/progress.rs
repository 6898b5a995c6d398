//! Whether long work still moves: steps that were done, and waits for others that end by themselves.
//!
//! Who waits for somebody else's database or mail server hangs no more than that one's limit lasts, and is
//! alive until then; who is past it, or waits for anything else, isn't. May not know what is done.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How far the work of a house has come.
#[derive(Debug, Default)]
pub struct Progress {
    steps: AtomicU64,
    /// Until when each may last.
    waits: Mutex<HashMap<u64, Instant>>,
}

impl Progress {
    /// Something was done: a letter got its outcome, some customers were planned for, some rows were
    /// read.
    pub fn moves(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// How much was done so far.
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// From now on until the answer is dropped, somebody is waited for whom another limit gives no more
    /// time than this.
    #[must_use = "the wait ends where this is dropped"]
    pub fn waits(&self, at_most: Duration) -> Waiting<'_> {
        let number = self.steps.fetch_add(1, Ordering::Relaxed);
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.insert(number, Instant::now() + at_most);
        Waiting {
            progress: self,
            number,
        }
    }

    /// Whether it still moves: there were steps since `seen`, which is set to all of them, or a wait
    /// lasts that may.
    pub fn is_alive(&self, seen: &mut u64) -> bool {
        let steps = self.steps();
        if std::mem::replace(seen, steps) != steps {
            return true;
        }
        let waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        waits.values().any(|until| now < *until)
    }
}

/// A wait that lasts.
#[derive(Debug)]
pub struct Waiting<'a> {
    progress: &'a Progress,
    number: u64,
}

impl Waiting<'_> {
    /// It is over, with this.
    pub fn over<T>(self, with: T) -> T {
        drop(self);
        with
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // However it ended, it did.
        self.progress.moves();
        let waits = &self.progress.waits;
        let mut waits = waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);
    const MINUTE: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn who_does_nothing_is_not_alive_and_who_waits_is_until_the_wait_is_over() {
        let progress = Progress::default();
        let seen = &mut progress.steps();
        assert!(!progress.is_alive(seen));
        progress.moves();
        assert!(progress.is_alive(seen));
        assert!(!progress.is_alive(seen), "that was before");
        let waits = progress.waits(DAY + MINUTE);
        assert!(progress.is_alive(seen), "a wait begins");
        tokio::time::advance(DAY).await;
        assert!(progress.is_alive(seen), "it may last so long");
        tokio::time::advance(MINUTE).await;
        assert!(!progress.is_alive(seen), "it should have ended");
        drop(waits);
        assert!(progress.is_alive(seen), "it ended");
        assert!(!progress.is_alive(seen));
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_of_several_waits_counts() {
        let progress = Progress::default();
        let (long, short) = (progress.waits(DAY), progress.waits(MINUTE));
        let seen = &mut progress.steps();
        tokio::time::advance(MINUTE).await;
        assert!(progress.is_alive(seen));
        drop(long);
        assert!(progress.is_alive(seen), "it ended");
        assert!(!progress.is_alive(seen), "the other should have");
        drop(short);
    }
}
