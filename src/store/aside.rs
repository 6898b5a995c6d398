//! Records that can't be used are set aside whole.
//!
//! May not judge them: why they can't be used comes with them.

use super::columns::json;
use super::dialect::rows;
use super::people::Load;
use super::{Store, StoreError};
use crate::model::Refusal;

impl Store {
    /// Where this source's records in quarantine came from: the path under which the store knows it, and
    /// what people are told.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn places_in_quarantine(
        &self,
        source: &str,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let text =
            "SELECT DISTINCT path, file FROM quarantine WHERE source = $1 ORDER BY path, file";
        let found = sqlx::query_as(text).bind(source).fetch_all(self.reader());
        found.await.map_err(|error| self.trouble(error))
    }

    /// Takes out of quarantine what came from these places of a source; how many records that were.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn clear_quarantine(
        &self,
        source: &str,
        places: &[(String, String)],
    ) -> Result<u64, StoreError> {
        let clear = async {
            sqlx::query(concat!(
                "DELETE FROM quarantine WHERE source = $2 AND (path, file) IN \
                 (SELECT value->>0, value->>1 FROM ",
                rows!("$1"),
                ")"
            ))
            .bind(json(places)?)
            .bind(source)
            .execute(&self.inner.writer)
            .await
        };
        let done = clear.await.map_err(|error| self.trouble(error))?;
        Ok(done.rows_affected())
    }
}

impl Load<'_, '_> {
    /// Sets records aside that can't be used, under this path.
    pub(super) async fn write_refusals(
        &mut self,
        path: &str,
        waiting: &[Refusal],
    ) -> sqlx::Result<()> {
        let waiting: Vec<_> = waiting
            .iter()
            .map(|one| {
                let line = i64::try_from(one.line).unwrap_or(i64::MAX);
                (
                    &one.file,
                    line,
                    &one.column,
                    &one.value,
                    &one.reason,
                    &one.record,
                    &one.of.id,
                    &one.of.customer,
                )
            })
            .collect();
        self.applied.refused += waiting.len() as u64;
        sqlx::query(concat!(
            "INSERT INTO quarantine \
                 (source, path, seen_at, file, line, column_name, value, reason, record, \
                  record_id, customer_id) \
             SELECT $2, $3, $4, value->>0, CAST(value->>1 AS BIGINT), value->>2, value->>3, \
                    value->>4, value->>5, value->>6, value->>7 FROM ",
            rows!("$1")
        ))
        .bind(json(&waiting)?)
        .bind(self.meta.source)
        .bind(path)
        .bind(self.meta.now.as_millisecond())
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}
