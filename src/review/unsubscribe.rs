//! Noting an unsubscription, whether somebody waits for the answer or not.
//!
//! May not tell anybody whether the link was a real one.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::engine::House;

/// Unsubscriptions that wait for the store at once: a flood ends here, before memory does.
const MOST_WAITING: usize = 4096;
/// Somebody who waits for the answer is told by then.
const PATIENCE: Duration = Duration::from_secs(15);
/// Tries to note it, with the store's own patience each; another program may be writing.
const TRIES: u32 = 10;
/// Between two tries.
const PAUSE: Duration = Duration::from_secs(10);
/// When fondly stops, what is still being written has this long.
const LAST_GRACE: Duration = Duration::from_secs(1);

/// Where clicks are noted.
#[derive(Debug)]
pub(super) struct Clicks {
    house: Arc<House>,
    /// What was begun is finished, whether the asker stays or not.
    tasks: TaskTracker,
}

impl Clicks {
    pub(super) fn new(house: &Arc<House>) -> Self {
        Self {
            house: Arc::clone(house),
            tasks: TaskTracker::new(),
        }
    }

    /// Notes that whoever got this entry's letter wants no more. `false`: it isn't noted yet, so
    /// that it is worth to ask again; a second time does no harm.
    pub(super) async fn note(&self, entry: String) -> bool {
        if self.tasks.len() >= MOST_WAITING {
            tracing::error!(
                entry,
                "too many unsubscriptions wait for the store; they have to ask again"
            );
            return false;
        }
        let work = note(Arc::clone(&self.house), entry).in_current_span();
        let task = self.tasks.spawn(work);
        matches!(tokio::time::timeout(PATIENCE, task).await, Ok(Ok(true)))
    }

    /// Waits for what is being written.
    pub(super) async fn close(&self) {
        self.tasks.close();
        if tokio::time::timeout(LAST_GRACE, self.tasks.wait())
            .await
            .is_err()
        {
            let open = self.tasks.len();
            tracing::error!(open, "unsubscriptions couldn't be noted before the stop");
        }
    }
}

async fn note(house: Arc<House>, entry: String) -> bool {
    for attempt in 1..=TRIES {
        match house.store.unsubscribe(&entry, house.clock.now()).await {
            Ok(true) => {
                tracing::info!(entry, "a customer unsubscribed");
                return true;
            }
            // It was noted before, or the entry is gone.
            Ok(false) => return true,
            Err(error) => {
                tracing::error!(%error, entry, attempt, "an unsubscription couldn't be noted");
            }
        }
        if attempt < TRIES {
            tokio::time::sleep(PAUSE).await;
        }
    }
    false
}
