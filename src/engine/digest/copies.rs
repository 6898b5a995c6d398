//! Copies of weekly letters in the outbox folder: they name customers, and go when letters do.
//!
//! May not decide how long anything is kept.

use jiff::Timestamp;

use crate::deliver::FileCourier;
use crate::engine::{EngineError, House};

/// Takes out the copies that are older than this; how many were there.
///
/// # Errors
/// The store's trouble; that of a folder is logged, and tried again.
pub(in crate::engine) async fn let_go(
    house: &House,
    before: Timestamp,
) -> Result<u64, EngineError> {
    let mut gone = 0;
    for mut one in house.store.digest_copies(before).await? {
        let (Some(folder), Some(name)) = (one.via.clone(), one.name.take()) else {
            continue;
        };
        match FileCourier::new(folder.clone().into(), true)
            .erase(&name)
            .await
        {
            Ok(there) => gone += u64::from(there),
            Err(error) => {
                tracing::warn!(folder, %error, "a weekly letter that was kept long enough can't be taken out");
                continue;
            }
        }
        house.store.keep_digest(&one).await?;
    }
    Ok(gone)
}
