//! Looks from time to time whether everybody whom a database once gave is still there.
//!
//! Nobody is taken for gone because a database was away, and many at once only when a person says so.
//! May not decide what becomes of who is gone: that is a gate's.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use super::{EngineError, House, sync};
use crate::records::SourceError;
use crate::records::sql::{self, SqlSource};
use crate::store::TooMany;

/// What came of a look; `None` where there was none, and nothing is left of the one before.
pub(super) type Looked = Option<Result<u64, TooMany>>;

/// Looks where it is time for that, or where a person has said that it is right so (`is_right`).
pub(super) async fn look(
    house: &House,
    (source, every): (&SqlSource, Duration),
    is_right: bool,
    now: Timestamp,
) -> Result<Result<Looked, SourceError>, EngineError> {
    let name = &source.meaning.name;
    let last = house.store.looked_through(name).await?;
    let every = SignedDuration::try_from(every).unwrap_or(SignedDuration::MAX);
    if let Some(last) = last
        && !is_right
        // A clock that went back doesn't put it off.
        && now.duration_since(last.at).abs() < every
    {
        return Ok(Ok(last.too_many.map(Err)));
    }
    let (out, mut parts) = mpsc::channel(1);
    let reading = async move { sql::ids(source, &out).await };
    let moving = async { while sync::next(house, source, &mut parts).await.is_some() {} };
    let here = match tokio::join!(reading, moving).0 {
        Ok(here) => here,
        Err(error) => return Ok(Err(error)),
    };
    let marked = house.store.mark_gone(name, &here, is_right, now).await?;
    Ok(Ok(Some(marked).filter(|marked| *marked != Ok(0))))
}

/// What is said of those who seem to be gone.
pub(super) fn too_many(source: &str, TooMany { gone, of }: TooMany) -> String {
    format!(
        "{gone} of {of} customers aren't there any more, which is more than goes unasked, so that all \
         are kept as they were; if it is right so, say `fondly sync {source} --accept-gone`"
    )
}
