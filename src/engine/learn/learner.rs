//! Learning beside the passes of a daemon.
//!
//! May not run a pass: it hands over what was learnt, and the daemon keeps it between two of them.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::{keep, learn};
use crate::engine::{EngineError, House};
use crate::store::Lesson;

/// How long it rests after a first trouble; after each further one twice as long …
const REST: Duration = Duration::from_mins(15);
/// … but no longer than this.
const LONGEST_REST: Duration = Duration::from_hours(24);

/// What came of learning.
pub type Done = Result<Vec<Lesson>, EngineError>;

/// Learns beside the passes of a daemon.
#[derive(Debug, Default)]
pub struct Learner {
    /// For whom to begin, as soon as nothing is under way.
    wanted: Option<Arc<House>>,
    under_way: JoinSet<Done>,
    /// Since the last trouble, until something goes well.
    rest: Option<Rest>,
}

/// A pause after trouble, which may well last: a full disk, say.
#[derive(Debug, Clone, Copy)]
struct Rest {
    length: Duration,
    until: Instant,
}

impl Rest {
    fn after(last: Option<Self>, now: Instant) -> Self {
        let length = last.map_or(REST, |last| LONGEST_REST.min(last.length * 2));
        Self {
            length,
            until: now + length,
        }
    }
}

impl Learner {
    /// Has it learn for this house, with the next [`Learner::finished`].
    pub fn begin(&mut self, house: &Arc<House>) {
        self.wanted = Some(Arc::clone(house));
    }

    /// Learns, and waits for what comes of it; for ever where nobody wants anything. After trouble it
    /// rests first. Nothing is lost when the wait is given up.
    ///
    /// # Errors
    /// The store's trouble.
    pub async fn finished(&mut self) -> Done {
        loop {
            if let Some(done) = self.under_way.join_next().await {
                return done.unwrap_or_else(|error| {
                    Err(EngineError::Other(format!(
                        "learning how customers come broke off: {error}"
                    )))
                });
            }
            if self.wanted.is_none() {
                return std::future::pending().await;
            }
            if let Some(rest) = self.rest {
                sleep_until(rest.until).await;
            }
            let Some(house) = self.wanted.take() else {
                continue;
            };
            let now = house.clock.now();
            self.under_way
                .spawn(async move { learn(&house, now).await });
        }
    }

    /// Keeps what came of it; a house that goes by it, or `None` where all stays as it was.
    pub async fn keep(&mut self, house: &Arc<House>, done: Done) -> Option<House> {
        let fresh = match done {
            Ok(lessons) if lessons.is_empty() => Ok(None),
            Ok(lessons) => keep(house, &lessons).await.map(|fresh| {
                tell(&lessons);
                Some(fresh)
            }),
            Err(error) => Err(error),
        };
        match fresh {
            Ok(fresh) => {
                self.rest = None;
                fresh
            }
            Err(error) => {
                let rest = Rest::after(self.rest, Instant::now());
                let minutes = rest.length.as_secs() / 60;
                tracing::error!(
                    %error, again_in_minutes = minutes,
                    "what is known of how customers come stays as it was"
                );
                self.rest = Some(rest);
                self.begin(house);
                None
            }
        }
    }
}

fn tell(lessons: &[Lesson]) {
    for Lesson { learnt: one, .. } in lessons {
        let (contact, customers) = (one.contact.join(", "), one.customers);
        tracing::info!(contact, customers, "learnt how customers come");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_trouble_it_rests_ever_longer_up_to_a_day() {
        let now = Instant::now();
        let rests: Vec<Rest> = std::iter::successors(Some(Rest::after(None, now)), |last| {
            Some(Rest::after(Some(*last), now))
        })
        .take(9)
        .collect();
        let minutes = rests.iter().map(|rest| rest.length.as_secs() / 60);
        assert_eq!(
            minutes.collect::<Vec<_>>(),
            [15, 30, 60, 120, 240, 480, 960, 1440, 1440]
        );
        assert!(rests.iter().all(|rest| rest.until == now + rest.length));
    }
}
