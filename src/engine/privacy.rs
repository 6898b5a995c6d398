//! Forgetting somebody from end to end: the store, the copies in the outbox folder, the bytes that
//! were deleted.
//!
//! Works beside a running daemon: the store notes what is still to be done, and whoever comes first
//! does it, this command or the next pass. May not decide what is erased.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::letter::file_name;
use super::tick::settle_open;
use super::way::is_relay;
use super::{EngineError, House, specimen};
use crate::deliver::FileCourier;
use crate::settings::Transport;
use crate::store::{Entry, Forgot, HoldError, LetterCopy, Store, Whom};

/// So long a letter that is being handed over is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// A pass leaves the cleaning up to whoever asked for it, for this long.
const THEIR_TURN: SignedDuration = SignedDuration::from_secs(60);

/// What became of the copies and of the bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Copies that were taken out of outbox folders, previews among them.
    pub copies: u64,
    /// Folders from which copies can't be taken out, with why. It is tried again.
    pub trouble: Vec<String>,
    /// Nothing deleted is left in the store's files. Otherwise it is tried again.
    pub scrubbed: bool,
}

/// Forgets somebody. A letter to them that is being handed over is waited for, ten seconds at most; one
/// that a crash left on its way is settled first, if nobody else works with the store.
///
/// # Errors
/// The store's trouble.
pub async fn forget(house: &House, whom: &Whom) -> Result<Forgot, EngineError> {
    let end = house.clock.instant() + PATIENCE;
    let copied = |entry: &Entry| where_copied(house, entry);
    loop {
        let now = house.clock.now();
        let forgot = house.store.forget(whom, &copied, now).await?;
        let Forgot::Sending(_) = &forgot else {
            return Ok(forgot);
        };
        if settled_alone(house, now).await? {
            continue;
        }
        if house.clock.instant() >= end {
            return Ok(forgot);
        }
        let next = house.clock.instant() + PAUSE;
        house.clock.wait_until(next).await;
    }
}

/// What a crash left on its way is settled, where nobody else works with the store. `true`: it was.
async fn settled_alone(house: &House, now: Timestamp) -> Result<bool, EngineError> {
    match Store::hold(house.store.path(), "fondly forget", now) {
        // A daemon would look through it first.
        Ok(mut holder) if holder.after_a_crash() => {
            holder.doubt();
            Ok(false)
        }
        Ok(_holder) => {
            settle_open(house).await?;
            Ok(true)
        }
        Err(HoldError::HeldBy { .. }) => Ok(false),
        Err(error @ HoldError::Io { .. }) => Err(EngineError::Other(error.to_string())),
    }
}

/// What is said of somebody of whom nothing is left.
#[must_use]
pub fn was_forgotten(house: &House, customer: &str, at: Timestamp) -> EngineError {
    let day = house.policy().zone.to_datetime(at).date();
    EngineError::Other(format!(
        "customer {customer} was forgotten on {day}; nothing is kept of them, and nothing is sent"
    ))
}

/// Where an entry's copies may lie, if it went to a folder: there, and in the outbox folder of today,
/// which may be the same one by another name.
pub(super) fn where_copied(house: &House, entry: &Entry) -> Vec<LetterCopy> {
    let Some(went_to) = entry.via.clone().filter(|via| !is_relay(via)) else {
        return Vec::new();
    };
    let today = match &house.plans.settings.mail.transport {
        Transport::File { dir } => Some(dir.display().to_string()),
        Transport::Smtp(_) => None,
    };
    let other = today.filter(|today| *today != went_to);
    let folders = [went_to].into_iter().chain(other);
    let copy = |folder| LetterCopy {
        folder,
        name: file_name(entry),
    };
    folders.map(copy).collect()
}

/// Takes out the copies of the forgotten and everybody's previews, and every byte of theirs that was deleted.
///
/// # Errors
/// The store's trouble; that of folders is in the answer.
pub async fn clean_up(house: &House) -> Result<Cleaned, EngineError> {
    let mut cleaned = Cleaned::default();
    if let Transport::File { dir } = &house.plans.settings.mail.transport {
        match specimen::erase_all(dir).await {
            Ok(previews) => cleaned.copies += previews,
            Err(error) => cleaned.trouble.push(format!("{}: {error}", dir.display())),
        }
    }
    let mut done = Vec::new();
    for copy in house.store.copies_to_erase().await? {
        let folder = FileCourier::new(copy.folder.clone().into(), true);
        match folder.erase(&copy.name).await {
            Ok(there) => {
                cleaned.copies += u64::from(there);
                done.push(copy);
            }
            Err(error) => {
                let words = format!("{}: {error}", copy.folder);
                if !cleaned.trouble.contains(&words) {
                    cleaned.trouble.push(words);
                }
            }
        }
    }
    if !done.is_empty() {
        house.store.copies_erased(&done, house.clock.now()).await?;
    }
    cleaned.scrubbed = house.store.scrub().await?;
    Ok(cleaned)
}

/// The same at the end of a pass, where somebody was forgotten and the command didn't come to its
/// end. Nothing of this keeps a pass from being one: it is told, and tried again.
pub(super) async fn finish(house: &House) -> Result<(), EngineError> {
    if house.on_copy {
        return Ok(());
    }
    let now = house.clock.now();
    let asked = house.store.scrub_asked_at().await?;
    match asked {
        Some(asked) if now.duration_since(asked).abs() < THEIR_TURN => return Ok(()),
        // A folder may have been away.
        None if house.store.copies_to_erase().await?.is_empty() => return Ok(()),
        Some(_) | None => {}
    }
    match clean_up(house).await {
        Ok(cleaned) => {
            for trouble in &cleaned.trouble {
                tracing::warn!(
                    trouble,
                    "copies of a forgotten customer's letters can't be erased"
                );
            }
            let Cleaned {
                copies, scrubbed, ..
            } = cleaned;
            tracing::info!(copies, scrubbed, "cleaned up after somebody was forgotten");
        }
        Err(error) => tracing::warn!(
            %error,
            "what was erased may still stand in the store's files; the next pass tries again"
        ),
    }
    Ok(())
}
