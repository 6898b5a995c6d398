//! The histories of entries: a line is added at each turn, and none is ever changed.
//!
//! May not begin or end a transaction.

use std::collections::HashMap;

use jiff::Timestamp;

use super::columns::{Columns, json};
use super::dialect::{Connection, rows};
use super::{Store, StoreError};
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

impl Store {
    /// When and why those of these entries that were ever held for a person last were, by id.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn last_held(
        &self,
        ids: &[&str],
    ) -> Result<HashMap<String, (Timestamp, Option<Reason>)>, StoreError> {
        let read = async {
            sqlx::query(concat!(
                "SELECT ledger.id, h.at, h.reason FROM ",
                rows!("$1"),
                " JOIN ledger ON ledger.id = value JOIN history h ON h.entry = ledger.number \
                 WHERE h.outcome = 'held' ORDER BY h.seq"
            ))
            .bind(json(&ids)?)
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(|row| {
                let columns = &mut Columns::of(row);
                let id = columns.text()?;
                let held = (columns.moment()?, columns.maybe_parsed(Reason::parse)?);
                Ok((id, held))
            })
            .collect::<sqlx::Result<HashMap<_, _>>>()
        };
        read.await.map_err(|error| self.trouble(error))
    }
}
