//! The owners' weekly letter: whether one is due, what stands in it, and its way out.
//!
//! Whether one is due is a question to the store ([`due`]): one for each moment of `[schedule] digest`,
//! however often anybody asks, and one that was missed comes late, once. What it tells is gathered
//! ([`gather()`]) and put into words by `render`; that it is about to leave is written down before it
//! does, so that what may have left isn't sent twice ([`sending`]). May not hold words of its own.

pub(super) mod calendar;
pub(super) mod copies;
mod gather;
mod idle;
mod period;
mod postman;
mod sending;

use jiff::Timestamp;

use super::{EngineError, House};
use crate::render::Letter;
use crate::render::digest::digest;

pub use gather::{Scope, gather};
pub use period::Period;
pub use postman::Postman;
pub use sending::{Handed, due, send_due, send_now};

/// Days that a letter asked for tells of.
const WEEK: i64 = 7;

/// Weeks are told of from the first pass on: whoever begins one notes it, before anything else is.
///
/// # Errors
/// The store's trouble.
pub(super) async fn note_beginning(house: &House) -> Result<(), EngineError> {
    if house.plans.settings.schedule.digest.is_some() {
        house.store.digest_begins(house.clock.now()).await?;
    }
    Ok(())
}

/// What a letter asked for now would tell of: all since the last one, or the last days where there
/// was none.
///
/// # Errors
/// The store's trouble.
pub async fn until_now(house: &House, now: Timestamp) -> Result<Period, EngineError> {
    let last = house.store.last_digests(now).await?;
    let mut last = last.iter().filter(|one| one.state.is_final());
    let week_ago = now - jiff::SignedDuration::from_hours(24 * WEEK);
    let since = last.next().map_or(week_ago, |last| last.until);
    Ok(Period {
        since: since.min(now),
        until: now,
    })
}

/// The letter about a period.
///
/// # Errors
/// The store's trouble.
pub async fn letter(house: &House, period: Period) -> Result<Letter, EngineError> {
    let scope = Scope::at(period.until, house.clock.now());
    let facts = gather(house, period, scope).await?;
    Ok(digest(&facts, &house.plans.settings.business.language))
}

/// When the next letter is due; `None` where none is wanted, or none within years.
pub fn next(house: &House, now: Timestamp) -> Option<Timestamp> {
    let schedule = house.plans.settings.schedule.digest.as_deref()?;
    calendar::Calendar::new(schedule)?.next_after(now)
}
