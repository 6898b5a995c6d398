//! Records that can't be used are set aside whole.
//!
//! May not judge them: why they can't be used comes with them.

use super::columns::json;
use super::dialect::rows;
use super::people::Load;
use crate::model::Refusal;

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
