//! What was seen of files that may still be written to. May not look at a file.

use jiff::Timestamp;

use super::columns::{Columns, json, moment_of};
use super::dialect::rows;
use super::{Store, StoreError};

/// A file that may still be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Its name in its folder.
    pub file: String,
    /// Which file it is, how large, and when it was changed: see `records::Look`.
    pub look: (u64, u64, i64),
    /// Since when, by our own clock, it has been like that.
    pub since: Timestamp,
}

impl Store {
    /// The files of this source that may still have been written to at the last look.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn unfinished(&self, source: &str) -> Result<Vec<Unfinished>, StoreError> {
        let read = async {
            let found = sqlx::query(
                "SELECT file, inode, size, changed, since FROM unfinished \
                 WHERE source = $1 ORDER BY file",
            )
            .bind(source)
            .fetch_all(self.reader())
            .await?;
            let one = |row| {
                let mut columns = Columns::of(row);
                Ok(Unfinished {
                    file: columns.text()?,
                    look: (
                        columns.number()?.cast_unsigned(),
                        columns.number()?.cast_unsigned(),
                        columns.number()?,
                    ),
                    since: moment_of(columns.number()?)?,
                })
            };
            found.iter().map(one).collect::<sqlx::Result<Vec<_>>>()
        };
        read.await.map_err(|error| self.trouble(error))
    }

    /// Notes which files of this source may still be written to; those noted before are forgotten.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn note_unfinished(
        &self,
        source: &str,
        files: &[Unfinished],
    ) -> Result<(), StoreError> {
        let write = async {
            let values: Vec<_> = files
                .iter()
                .map(|one| {
                    let (inode, size, changed) = one.look;
                    let since = one.since.as_millisecond();
                    let (inode, size) = (inode.cast_signed(), size.cast_signed());
                    (one.file.as_str(), inode, size, changed, since)
                })
                .collect();
            let mut tx = self.begin().await?;
            sqlx::query("DELETE FROM unfinished WHERE source = $1")
                .bind(source)
                .execute(&mut *tx)
                .await?;
            sqlx::query(concat!(
                "INSERT INTO unfinished (source, file, inode, size, changed, since) \
                 SELECT $2, value->>0, CAST(value->>1 AS BIGINT), CAST(value->>2 AS BIGINT), \
                        CAST(value->>3 AS BIGINT), CAST(value->>4 AS BIGINT) FROM ",
                rows!("$1")
            ))
            .bind(json(&values)?)
            .bind(source)
            .execute(&mut *tx)
            .await?;
            tx.commit().await
        };
        write
            .await
            .map_err(|error: sqlx::Error| self.trouble(error))
    }
}
