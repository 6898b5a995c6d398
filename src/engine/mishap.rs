//! A panic stays with the one letter it happened for: nobody else has to wait, and nobody is
//! forgotten.
//!
//! There should be none, so this is about faults of our own. What panicked while it was written is
//! skipped; what panicked while it was handed over is tried again later, unless it may have come to
//! the dot already, and then nobody knows. May not hide one: each is logged and in the ledger.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;

use jiff::SignedDuration;

use super::EngineError;
use super::scribe::no_later;
use super::send::Shared;
use crate::deliver::backoff;
use crate::model::{Outcome, Reason};
use crate::points::Death;
use crate::store::{Entry, Record};

/// Does it; `Err` has the words of a panic. A simulated death is none, and goes on.
pub(super) fn contain<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // What it was at is dropped, or is behind locks that are whole before and after each change.
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        if panic.is::<Death>() {
            resume_unwind(panic)
        }
        words(panic)
    })
}

/// The same for what takes its time. After a panic it is dropped where it stood.
pub(super) async fn contained<F: Future>(work: F) -> Result<F::Output, String> {
    let mut work = pin!(work);
    poll_fn(|context| {
        contain(|| work.as_mut().poll(context)).map_or_else(
            |panic| std::task::Poll::Ready(Err(panic)),
            |poll| poll.map(Ok),
        )
    })
    .await
}

/// What a panic said.
pub(crate) fn words(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(words) => *words,
        Err(panic) => panic
            .downcast::<&str>()
            .map_or_else(|_| String::new(), |words| (*words).to_owned()),
    }
}

/// Sets an entry aside whose handing over panicked.
///
/// # Errors
/// The store's trouble.
pub(super) async fn set_aside(
    shared: &Shared,
    entry: &Entry,
    panic: &str,
) -> Result<(), EngineError> {
    let house = &shared.house;
    let now = house.clock.now();
    tracing::error!(
        entry = entry.id,
        rule = entry.rule,
        panic,
        "handing over a letter panicked, which is a fault of fondly's own; the others go on"
    );
    // Holds only where it had been committed to: the dot may be out.
    let lost = Record::new(&entry.id, Outcome::Unknown, Some(Reason::ReplyLost), now);
    house.store.record(lost).await?;
    // And this only where it hadn't.
    let (outcome, reason) = (Outcome::Deferred, Reason::RelayTrouble);
    let mut later = Record::new(&entry.id, outcome, Some(reason), now);
    let wait = SignedDuration::try_from(backoff(entry.attempts + 1)).unwrap_or_default();
    let again = now.checked_add(wait).unwrap_or(now);
    let again = no_later(house, entry, house.rule(&entry.rule), again);
    later.next_attempt_at = Some(again);
    later.attempted = true;
    later.reply = Some(format!(
        "fondly itself failed while handing it over: {panic}"
    ));
    shared.count(&entry.rule, outcome, reason);
    Ok(house.store.record(later).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_words() {
        let more_than = |than: u8, number: u8| assert!(number > than, "{number} isn't more");
        assert_eq!(contain(|| more_than(6, 7)), Ok(()));
        let panic = contain(|| more_than(8, 7));
        assert_eq!(panic, Err("7 isn't more".to_owned()));
    }

    #[tokio::test]
    async fn so_does_one_after_a_while() {
        let work = async |number: u8| {
            tokio::task::yield_now().await;
            assert!(number > 8, "not more than eight");
            number
        };
        assert_eq!(contained(work(9)).await, Ok(9));
        assert_eq!(contained(work(7)).await, Err("not more than eight".into()));
    }
}
