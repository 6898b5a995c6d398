//! The store and the clock: whether it can be opened, whether the whole file is sound, whether it is
//! the one that was worked with last, and whether the clock can be right.

use super::disk::size;
use super::{Check, clock};
use crate::engine::trust::{self, Standstill};
use crate::engine::{EngineError, House};
use crate::store::{Store, StoreError};

const NAME: &str = "store";

/// A store that isn't there yet is no fault; any other that can't be opened keeps fondly from
/// working.
pub(super) fn cant_open(error: &EngineError) -> Check {
    let found = error.to_string();
    match error {
        EngineError::Store(StoreError::Missing { .. }) => {
            let advice = "`fondly tick` makes it and does one pass; `fondly run` goes on doing so.";
            Check::look(NAME, &found, advice)
        }
        EngineError::Store(StoreError::Older { .. }) => {
            Check::look(NAME, &found, "Start fondly, and look again.")
        }
        _ => Check::wrong(
            NAME,
            &found,
            "Nothing is planned or sent until it can be opened.",
        )
        .fatal(),
    }
}

/// The store's line, then the clock's.
pub(super) async fn look(house: &House) -> Vec<Check> {
    let whole = house.store.damage().await;
    let damaged = match whole {
        Ok(None) => None,
        Ok(Some(detail)) => Some(StoreError::Damaged {
            path: house.store.path().display().to_string().into(),
            detail,
        }),
        Err(error) => Some(error),
    };
    if let Some(error) = damaged {
        return vec![cant_open(&error.into()), clock::alone(&house.clock)];
    }
    match trust::look(house).await {
        Ok(found) => vec![
            sound(house, found.copy.as_ref()),
            clock::told(house, &found),
        ],
        Err(error) => vec![cant_open(&error), clock::alone(&house.clock)],
    }
}

fn sound(house: &House, doubt: Option<&Standstill>) -> Check {
    let path = house.store.path();
    if let Some(halt) = doubt {
        let found = format!("{}: {} Nothing is sent.", path.display(), halt.because);
        return Check::wrong(NAME, &found, halt.advice());
    }
    let bytes = size(Store::bytes(path));
    Check::ok(
        NAME,
        &format!(
            "{} ({bytes}) was looked through, and is whole",
            path.display()
        ),
    )
}
