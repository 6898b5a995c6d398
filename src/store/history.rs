//! The histories of entries: a line is added at each turn, and none is ever changed.
//!
//! May not begin or end a transaction.

use jiff::Timestamp;

use super::columns::json;
use super::dialect::{Connection, rows};
use crate::model::{Outcome, Reason};

/// One line of an entry's history.
pub(super) type Step<'a> = (&'a str, Timestamp, Outcome, Option<Reason>, Option<&'a str>);

/// Appends to the entries' histories.
pub(super) async fn note(
    tx: &mut Connection,
    steps: impl Iterator<Item = Step<'_>>,
) -> sqlx::Result<()> {
    let list: Vec<_> = steps
        .map(|(id, at, outcome, reason, reply)| {
            let reason = reason.map(Reason::as_str);
            (id, at.as_millisecond(), outcome.as_str(), reason, reply)
        })
        .collect();
    if list.is_empty() {
        return Ok(());
    }
    sqlx::query(concat!(
        "INSERT INTO history (entry, at, outcome, reason, reply) \
         SELECT ledger.number, CAST(value->>1 AS BIGINT), value->>2, value->>3, value->>4 FROM ",
        rows!("$1"),
        " CROSS JOIN ledger WHERE ledger.id = value->>0"
    ))
    .bind(json(&list)?)
    .execute(&mut *tx)
    .await?;
    Ok(())
}
