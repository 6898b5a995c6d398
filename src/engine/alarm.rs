//! Alarms: passes that keep failing are told to the owner by mail, though the store, which notes
//! every other trouble, may be what fails. Known only as long as the process lives.
//!
//! May not use the store.

use jiff::Timestamp;

use super::House;
use super::alert::{self, Readers, Through};
use crate::model::Matter;
use crate::store::Trouble;

/// Passes in a row that fail before somebody is told: one that is well again a minute later is
/// worth a line in the log and no more.
const TOLD_AFTER: u32 = 2;

/// Passes that fail, and whether the owner knows.
#[derive(Debug, Default)]
pub struct Alarm {
    failed: u32,
    since: Option<Timestamp>,
    told: Option<Trouble>,
    /// Who has been told so far, where not everybody could be.
    readers: Readers,
}

impl Alarm {
    /// A pass failed, for this reason. Tells the owner once; tried again after every pass until it
    /// has left.
    pub async fn failed(&mut self, house: &House, why: &str) {
        let since = *self.since.get_or_insert_with(|| house.clock.now());
        self.failed = self.failed.saturating_add(1);
        if self.failed < TOLD_AFTER || self.told.is_some() {
            return;
        }
        let trouble = Trouble {
            matter: Matter::PassesFail {
                why: why.to_owned(),
            },
            since,
            told_at: Some(since),
        };
        if self.mailed(house, &trouble, false).await {
            tracing::warn!("the owner was told that passes fail");
            self.told = Some(trouble);
        }
    }

    /// A pass went well: who was told of trouble hears that it is over.
    pub async fn well(&mut self, house: &House) {
        (self.failed, self.since) = (0, None);
        if let Some(trouble) = self.told.take()
            && !self.mailed(house, &trouble, true).await
        {
            tracing::warn!("the owner couldn't be told that passes go well again");
        }
        self.readers = Readers::default();
    }

    async fn mailed(&mut self, house: &House, trouble: &Trouble, over: bool) -> bool {
        let how = (over, Through::Nothing);
        let all = alert::mailed(house, trouble, how, &mut self.readers).await;
        self.readers.begin_anew();
        all
    }
}
