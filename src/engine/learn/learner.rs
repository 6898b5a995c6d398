//! Learning beside the passes of a daemon.
//!
//! May not run a pass: it hands over what was learnt, and the daemon keeps it between two of them.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{keep, learn};
use crate::engine::{EngineError, House};
use crate::model::policy::Learnt;

/// What came of learning.
pub type Lesson = Result<Vec<Learnt>, EngineError>;

/// Learns beside the passes of a daemon.
#[derive(Debug, Default)]
pub struct Learner {
    /// For whom to begin, as soon as nothing is under way.
    wanted: Option<Arc<House>>,
    under_way: JoinSet<Lesson>,
}

impl Learner {
    /// Has it learn for this house, with the next [`Learner::finished`].
    pub fn begin(&mut self, house: &Arc<House>) {
        self.wanted = Some(Arc::clone(house));
    }

    /// Learns, and waits for what comes of it; for ever where nobody wants anything. Nothing is lost
    /// when the wait is given up.
    ///
    /// # Errors
    /// The store's trouble.
    pub async fn finished(&mut self) -> Lesson {
        loop {
            if let Some(done) = self.under_way.join_next().await {
                return done.unwrap_or_else(|error| {
                    Err(EngineError::Other(format!(
                        "learning how customers come broke off: {error}"
                    )))
                });
            }
            let Some(house) = self.wanted.take() else {
                return std::future::pending().await;
            };
            let now = house.clock.now();
            self.under_way
                .spawn(async move { learn(&house, now).await });
        }
    }

    /// Keeps what came of it; a house that goes by it, or `None` where all stays as it was.
    pub async fn keep(&mut self, house: &House, lesson: Lesson) -> Option<House> {
        let fresh = match lesson {
            Ok(learnt) if learnt.is_empty() => return None,
            Ok(learnt) => keep(house, &learnt).await.inspect(|_| tell(&learnt)),
            Err(error) => Err(error),
        };
        fresh
            .inspect_err(|error| {
                tracing::error!(%error, "what is known of how customers come stays as it was");
            })
            .ok()
    }
}

fn tell(learnt: &[Learnt]) {
    for one in learnt {
        let (contact, customers) = (one.contact.join(", "), one.customers);
        tracing::info!(contact, customers, "learnt how customers come");
    }
}
