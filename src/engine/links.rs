//! Which keys sign the links in letters, as the store has them, and when one may end.
//!
//! May not make or open links.

use jiff::{SignedDuration, Timestamp};

use super::{EngineError, House};
use crate::render::links::{Key, Keys};
use crate::store::{LinkKey, Store, StoreError};

/// A key's links should work for so long after the last letter was signed by it: whoever wants no
/// more letters may look for the link in an old one.
pub const GRACE_DAYS: i64 = 60;

/// The keys that count.
///
/// # Errors
/// The store's trouble.
pub(super) async fn keys(store: &Store) -> Result<Keys, EngineError> {
    let all = store.link_keys().await?;
    let counts = |key: &LinkKey| key.ended_at.is_none();
    let mut keys = all.into_iter().filter(counts).map(|key| Key {
        number: key.number,
        secret: key.secret,
    });
    // The newest can't be ended.
    let newest = keys.next().ok_or_else(|| StoreError::Unsafe {
        path: store.path().display().to_string().into(),
        why: "it has no key for the links in letters".to_owned(),
    })?;
    Ok(Keys {
        newest,
        older: keys.collect(),
    })
}

/// Another program may have made a new key, or ended one.
///
/// # Errors
/// The store's trouble.
pub async fn refresh(house: &House) -> Result<(), EngineError> {
    house.links.turn(keys(&house.store).await?);
    Ok(())
}

/// Whether a key, replaced at this time, has signed no letter within [`GRACE_DAYS`].
pub fn may_end(replaced_at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(replaced_at) >= SignedDuration::from_hours(GRACE_DAYS * 24)
}
