//! Records that were refused before, and go from quarantine once they come again.
//!
//! A file's own are replaced with each of its readings. But a file may be moved away once it was read, or
//! the next come under another name: then the mended record comes from elsewhere. May not judge a record.

use std::collections::HashMap;

use super::columns::json;
use super::dialect::texts;
use super::people::Load;

/// What was refused in earlier readings.
#[derive(Default)]
pub(super) struct Refused {
    /// Numbers in quarantine, by what they are known again by.
    before: HashMap<String, Vec<i64>>,
    /// Those whose records have come again.
    seen: Vec<i64>,
}

impl Refused {
    /// What was refused under the load's own path, by the place that stands for its file.
    pub(super) async fn by_place(load: &mut Load<'_, '_>) -> sqlx::Result<Self> {
        Self::read(
            load,
            "SELECT id, file FROM quarantine WHERE source = $1 AND path = $2",
        )
        .await
    }

    /// What was refused in other files of the source, by the record's own id.
    pub(super) async fn elsewhere(load: &mut Load<'_, '_>) -> sqlx::Result<Self> {
        Self::read(
            load,
            "SELECT id, record_id FROM quarantine \
             WHERE source = $1 AND path <> $2 AND record_id IS NOT NULL",
        )
        .await
    }

    async fn read(load: &mut Load<'_, '_>, text: &'static str) -> sqlx::Result<Self> {
        let rows: Vec<(i64, String)> = sqlx::query_as(text)
            .bind(load.meta.source)
            .bind(load.meta.path)
            .fetch_all(&mut *load.tx)
            .await?;
        let mut refused = Self::default();
        for (number, name) in rows {
            refused.before.entry(name).or_default().push(number);
        }
        Ok(refused)
    }

    /// Whether nothing is waited for.
    pub(super) fn is_empty(&self) -> bool {
        self.before.is_empty()
    }

    /// A record of this name came, whatever it is now.
    pub(super) fn see(&mut self, name: &str) {
        self.seen
            .extend(self.before.remove(name).into_iter().flatten());
    }

    /// Takes out what came again.
    pub(super) async fn forget(&self, load: &mut Load<'_, '_>) -> sqlx::Result<()> {
        if self.seen.is_empty() {
            return Ok(());
        }
        let text = concat!("DELETE FROM quarantine WHERE id IN ", texts!("$1"));
        sqlx::query(text)
            .bind(json(&self.seen)?)
            .execute(&mut *load.tx)
            .await?;
        Ok(())
    }
}
