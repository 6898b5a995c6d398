//! What a restored or copied store can't know: whether letters that were due before went out.
//!
//! May not decide how far back that is.

use jiff::Timestamp;

use super::columns::{Columns, json};
use super::dialect::texts;
use super::history::note;
use super::ledger::{Entry, entry_columns, read_entry};
use super::{Store, StoreError};
use crate::model::{Outcome, Reason};

/// What of the ledger came due by a moment (`$1`) and isn't settled, by a person neither.
macro_rules! in_doubt {
    () => {
        "outcome IN ('planned', 'deferred', 'held') AND due_at <= $1 \
         AND (decided_at IS NULL OR decided_at <= $1)"
    };
}

impl Store {
    /// What came due by `until` and may have gone out unseen by this copy. What a person settled since
    /// isn't in doubt.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn doubtful(&self, until: Timestamp) -> Result<Vec<Entry>, StoreError> {
        let read = async {
            sqlx::query(concat!(
                "SELECT ",
                entry_columns!(),
                " FROM ledger WHERE ",
                in_doubt!()
            ))
            .bind(until.as_millisecond())
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(read_entry)
            .collect()
        };
        let found: sqlx::Result<Vec<Entry>> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// Ends what is [`Store::doubtful`]: those of these ids were found in their place, so they are
    /// sent; of the others nobody knows. The rule of each with what became of it.
    ///
    /// # Errors
    /// When the store fails; then nothing is ended.
    pub async fn doubt(
        &self,
        until: Timestamp,
        in_place: &[String],
        now: Timestamp,
    ) -> Result<Vec<(String, Outcome, Reason)>, StoreError> {
        let write = async {
            let mut tx = self.begin().await?;
            let found = sqlx::query(concat!(
                "UPDATE ledger SET outcome = 'sent', reason = $2, decided_at = $3, \
                     next_attempt_at = NULL, sent_at = COALESCE(sent_at, $3), only_via = NULL \
                 WHERE ",
                in_doubt!(),
                " AND id IN ",
                texts!("$4"),
                " RETURNING id, rule"
            ))
            .bind(until.as_millisecond())
            .bind(Reason::Accepted.as_str())
            .bind(now.as_millisecond())
            .bind(json(in_place)?)
            .fetch_all(&mut *tx)
            .await?;
            // What was sent to the customer is part of their view.
            sqlx::query(concat!(
                "UPDATE customer SET revision = revision + 1 WHERE id IN \
                 (SELECT customer FROM ledger WHERE outcome = 'sent' AND id IN ",
                texts!("$1"),
                ")"
            ))
            .bind(json(in_place)?)
            .execute(&mut *tx)
            .await?;
            let lost = sqlx::query(concat!(
                "UPDATE ledger SET outcome = 'unknown', reason = $2, decided_at = $3, \
                     next_attempt_at = NULL WHERE ",
                in_doubt!(),
                " RETURNING id, rule"
            ))
            .bind(until.as_millisecond())
            .bind(Reason::RestoredCopy.as_str())
            .bind(now.as_millisecond())
            .fetch_all(&mut *tx)
            .await?;
            let mut ended = Vec::new();
            for (rows, outcome, reason) in [
                (found, Outcome::Sent, Reason::Accepted),
                (lost, Outcome::Unknown, Reason::RestoredCopy),
            ] {
                for row in &rows {
                    let columns = &mut Columns::of(row);
                    ended.push((columns.text()?, columns.text()?, outcome, reason));
                }
            }
            let steps = ended.iter();
            let steps = steps.map(|(id, _, end, why)| (id.as_str(), now, *end, Some(*why), None));
            note(&mut tx, steps).await?;
            tx.commit().await?;
            let ended = ended.into_iter();
            Ok(ended.map(|(_, rule, end, why)| (rule, end, why)).collect())
        };
        write
            .await
            .map_err(|error: sqlx::Error| self.trouble(error))
    }
}
