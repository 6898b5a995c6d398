//! Noting what customers say by the public pages, whether somebody waits for the answer or not.
//!
//! May not tell anybody whether the link was a real one.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::engine::opinion::{self, Opinion};
use crate::engine::{EngineError, House};
use crate::model::PartialDate;
use crate::store::Choice;

/// What waits for the store at once: a flood ends here, before memory does.
const MOST_WAITING: usize = 4096;
/// Somebody who waits for the answer is told by then.
const PATIENCE: Duration = Duration::from_secs(15);
/// Tries to note it, with the store's own patience each; another program may be writing.
const TRIES: u32 = 10;
/// Between two tries.
const PAUSE: Duration = Duration::from_secs(10);
/// When fondly stops, what is still being written has this long.
const LAST_GRACE: Duration = Duration::from_secs(1);

/// What a customer says, by the link of a letter.
#[derive(Debug, Clone)]
pub(super) enum Word {
    /// No more letters.
    Stop,
    /// Letters again.
    Again,
    /// Which letters.
    Choose(Choice),
    /// Their birthday.
    Birthday(PartialDate),
    /// What they think of us.
    Opinion(Opinion),
}

impl Word {
    /// What is told in the log; nothing of what they said.
    const fn told(&self) -> &'static str {
        match self {
            Self::Stop => "a customer unsubscribed",
            Self::Again => "a customer asked for letters again",
            Self::Choose(_) => "a customer chose which letters they want",
            Self::Birthday(_) => "a customer told their birthday",
            Self::Opinion(_) => "a customer's opinion was taken",
        }
    }

    /// Keeps it. `false`: it was so before, or the entry is gone.
    async fn keep(&self, house: &House, entry: &str) -> Result<bool, EngineError> {
        let (store, now) = (&house.store, house.clock.now());
        Ok(match self {
            Self::Stop => store.unsubscribe(entry, now).await?,
            Self::Again => store.come_back(entry, now).await?,
            Self::Choose(choice) => store.choose(entry, choice, now).await?,
            Self::Birthday(day) => store.tell_birthday(entry, *day, now).await?,
            Self::Opinion(opinion) => {
                opinion::keep(house, entry, opinion).await?;
                true
            }
        })
    }
}

/// Where words are noted.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// What was begun is finished, whether the asker stays or not.
    tasks: TaskTracker,
}

impl Notes {
    /// Notes what whoever got this entry's letter says. `false`: it isn't noted yet, so that it is
    /// worth to ask again; a second time does no harm.
    pub(super) async fn note(&self, house: Arc<House>, entry: String, word: Word) -> bool {
        if self.tasks.len() >= MOST_WAITING {
            tracing::error!(
                entry,
                "too much waits for the store; what customers said has to be said again"
            );
            return false;
        }
        let told = matches!(&word, Word::Opinion(opinion) if opinion.is_bad());
        let noting = note(Arc::clone(&house), entry, word).in_current_span();
        let task = self.tasks.spawn(noting);
        let noted = matches!(tokio::time::timeout(PATIENCE, task).await, Ok(Ok(true)));
        if noted && told {
            // At once, but nobody waits for the owner's mail; what doesn't leave does with the next
            // pass.
            let telling = async move {
                if let Err(error) = opinion::tell(&house).await {
                    tracing::error!(%error, "the owner couldn't be told of a complaint");
                }
            };
            self.tasks.spawn(telling.in_current_span());
        }
        noted
    }

    /// Waits for what is being written.
    pub(super) async fn close(&self) {
        self.tasks.close();
        if tokio::time::timeout(LAST_GRACE, self.tasks.wait())
            .await
            .is_err()
        {
            let open = self.tasks.len();
            tracing::error!(
                open,
                "what customers said couldn't all be noted before the stop"
            );
        }
    }
}

async fn note(house: Arc<House>, entry: String, word: Word) -> bool {
    for attempt in 1..=TRIES {
        match word.keep(&house, &entry).await {
            Ok(true) => {
                tracing::info!(entry, "{}", word.told());
                return true;
            }
            // It was noted before, or the entry is gone.
            Ok(false) => return true,
            Err(error) => {
                tracing::error!(%error, entry, attempt, "what a customer said couldn't be noted");
            }
        }
        if attempt < TRIES {
            tokio::time::sleep(PAUSE).await;
        }
    }
    false
}
