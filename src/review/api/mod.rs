//! The way in for other programs: `POST /api/events`, `POST /api/customers`,
//! `PUT /api/customers/{id}`, and the document that describes them.
//!
//! A request is looked at from the outside in: is there such a way, whose token is it, what is it good
//! for, how often does it come, is it JSON and not too much of it; then its records are kept, and only
//! once they are durable the answer is 2xx. May not log a token, nor what is in a record.

mod answers;
mod body;
mod pace;
mod problem;
mod routes;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use self::pace::Pace;
use super::ReviewError;
use crate::engine::intake::{Fate, Intake, Read};
use crate::engine::{EngineError, House};
use crate::settings::Api;
use crate::store::Token;

pub(super) use routes::{routes, ways};

/// Requests that wait for the store at once, whether somebody still waits for the answer or not.
const MOST_WAITING: usize = 64;
/// Somebody who waits for the answer is told by then.
const PATIENCE: Duration = Duration::from_secs(15);
/// When fondly stops, what is still being written has this long.
const LAST_GRACE: Duration = Duration::from_secs(1);

/// Where records are handed in.
#[derive(Debug)]
pub(super) struct Counter {
    clerk: Mutex<Arc<Clerk>>,
    pace: Pace,
    /// What was begun is finished, whether the asker stays or not.
    tasks: TaskTracker,
    waiting: Arc<Semaphore>,
}

/// The business as it is at work now, and how it reads what is handed in. A request has the same one
/// from its beginning to its end.
#[derive(Debug)]
struct Clerk {
    house: Arc<House>,
    intake: Intake,
}

impl Clerk {
    fn new(house: &Arc<House>, api: &Api) -> Result<Self, EngineError> {
        Ok(Self {
            house: Arc::clone(house),
            intake: Intake::new(house, api)?,
        })
    }
}

/// What came of keeping records.
enum Kept {
    /// They are durable.
    Well(Vec<Fate>),
    /// The token was revoked meanwhile.
    Revoked,
    /// They aren't kept, or nobody knows yet; sending them again does no harm.
    NotYet,
}

impl Counter {
    pub(super) fn new(house: &Arc<House>, api: &Api) -> Result<Self, ReviewError> {
        Ok(Self {
            clerk: Mutex::new(Arc::new(Clerk::new(house, api)?)),
            pace: Pace::new(api.per_minute),
            tasks: TaskTracker::new(),
            waiting: Arc::new(Semaphore::new(MOST_WAITING)),
        })
    }

    fn clerk(&self) -> Arc<Clerk> {
        Arc::clone(&self.clerk.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on for this one: an edit came into force, and with it another zone, say.
    pub(super) fn in_force(&self, house: &Arc<House>) {
        let Some(api) = &house.plans.settings.api else {
            return;
        };
        if Arc::ptr_eq(&self.clerk().house, house) {
            return;
        }
        match Clerk::new(house, api) {
            Ok(fresh) => {
                let mut clerk = self.clerk.lock().unwrap_or_else(PoisonError::into_inner);
                *clerk = Arc::new(fresh);
            }
            Err(error) => tracing::error!(%error, "records are taken in as they were before"),
        }
    }

    /// Keeps what was read, in a task that nobody's hanging up can end.
    async fn keep(&self, clerk: Arc<Clerk>, token: Token, read: Read) -> Kept {
        let Ok(permit) = Arc::clone(&self.waiting).try_acquire_owned() else {
            tracing::error!("too many requests wait for the store; they have to come again");
            return Kept::NotYet;
        };
        let work = async move {
            let _permit = permit;
            let kept = clerk.intake.keep(&clerk.house, &token, read).await;
            match &kept {
                Ok(Some(fates)) => tell(&token.name, fates),
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(%error, token = token.name, "records couldn't be kept");
                }
            }
            kept
        };
        let task = self.tasks.spawn(work.in_current_span());
        match tokio::time::timeout(PATIENCE, task).await {
            Ok(Ok(Ok(Some(fates)))) => Kept::Well(fates),
            Ok(Ok(Ok(None))) => Kept::Revoked,
            Ok(_) | Err(_) => Kept::NotYet,
        }
    }

    /// Waits for what is being written.
    pub(super) async fn close(&self) {
        self.tasks.close();
        if tokio::time::timeout(LAST_GRACE, self.tasks.wait())
            .await
            .is_err()
        {
            let open = self.tasks.len();
            tracing::warn!(open, "requests weren't answered before the stop");
        }
    }
}

fn tell(token: &str, fates: &[Fate]) {
    let refused = fates
        .iter()
        .filter(|fate| !fate.mistakes.is_empty())
        .count();
    if refused > 0 {
        tracing::warn!(
            token,
            records = fates.len(),
            refused,
            "records came in, and some can't be used: `fondly quarantine` says why"
        );
    } else {
        tracing::debug!(token, records = fates.len(), "records came in");
    }
}
