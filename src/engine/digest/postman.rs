//! Weekly letters beside the passes of a daemon: gathering what stands in one may take a while with
//! many customers, and no letter to a customer waits for it.
//!
//! May not run a pass.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::sending::{due, send_due};
use crate::engine::{EngineError, House, mishap};

/// Sends what is due, one letter at a time.
#[derive(Debug, Default)]
pub struct Postman {
    under_way: JoinSet<Result<(), EngineError>>,
    stop: CancellationToken,
}

async fn look(house: &House) -> Result<(), EngineError> {
    match due(house).await? {
        Some(period) => send_due(house, period).await,
        None => Ok(()),
    }
}

impl Postman {
    /// Looks whether a letter is due, and has it written and sent beside everything else. Whether
    /// one is due is asked again after every pass, so that what goes wrong is tried again.
    pub fn look(&mut self, house: &Arc<House>) {
        while let Some(ended) = self.under_way.try_join_next() {
            match ended {
                Ok(Err(error)) => tracing::error!(%error, "the weekly letter can't be sent yet"),
                Err(error) if error.is_panic() => {
                    let words = mishap::words(error.into_panic());
                    tracing::error!(
                        words,
                        "writing the weekly letter panicked; it is tried again"
                    );
                }
                Ok(Ok(())) | Err(_) => {}
            }
        }
        if !self.under_way.is_empty() {
            return;
        }
        let (house, stop) = (Arc::clone(house), self.stop.clone());
        let here = Handle::current();
        // What lies ahead is played through, which keeps a thread busy for as long as it takes.
        self.under_way.spawn_blocking(move || {
            here.block_on(async {
                tokio::select! {
                    sent = Box::pin(look(&house)) => sent,
                    () = stop.cancelled() => Ok(()),
                }
            })
        });
    }

    /// Breaks off what is under way; what had come to the dot is settled with the next start.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.under_way.join_next().await.is_some() {}
    }
}
