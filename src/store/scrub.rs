//! Scrubbing: after somebody was forgotten, no byte of them stays in the store's files.
//!
//! A database keeps what was deleted in the unused parts of its pages, and in its log. So the file
//! is written anew from what is in use, and the log is emptied. That takes as long as copying the
//! file, and as much room on the disk; others may read meanwhile, and whoever writes waits. It is
//! asked for in the transaction that forgets, and goes on being asked for until it is done. May not
//! know what was forgotten.

use jiff::Timestamp;
use sqlx::ConnectOptions as _;

use super::columns::moment_of;
use super::dialect::{self, Connection};
use super::privacy::LetterCopy;
use super::{Store, StoreError};

/// Times that the log is asked to be emptied; each waits for readers as long as any statement does.
const TRIES: u32 = 4;

/// Notes that it has to be done.
pub(super) async fn ask(tx: &mut Connection, now: Timestamp) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO meta (key, value) VALUES ('scrub', CAST($1 AS TEXT)) \
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )
    .bind(now.as_millisecond())
    .execute(tx)
    .await?;
    Ok(())
}

impl Store {
    /// When it was asked for, if it is still to be done: somebody was forgotten whose bytes may still
    /// stand in the store's files.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn scrub_asked_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let read = async {
            let asked: Option<i64> =
                sqlx::query_scalar("SELECT CAST(value AS BIGINT) FROM meta WHERE key = 'scrub'")
                    .fetch_optional(self.reader())
                    .await?;
            asked.map(moment_of).transpose()
        };
        read.await.map_err(|error| self.trouble(error))
    }

    /// Writes the database anew without what was deleted, and empties its log. Works beside a
    /// running daemon. `false`: somebody went on reading the log all the while, so that it isn't
    /// emptied, and it has to be done again.
    ///
    /// # Errors
    /// When the store fails, or the disk has no room for another copy; what is in the store is
    /// safe, and it has to be done again.
    pub async fn scrub(&self) -> Result<bool, StoreError> {
        let Some(asked) = self.scrub_asked_at().await? else {
            return Ok(true);
        };
        let write = async {
            // The writer's connection stays free for letters until the file is being written.
            let options = dialect::connect_options(self.path(), false);
            let mut connection = dialect::scrub_options(&options).connect().await?;
            dialect::rewrite(&mut connection).await?;
            let mut emptied = false;
            for _ in 0..TRIES {
                emptied = dialect::empty_log(&mut connection).await?;
                if emptied {
                    break;
                }
            }
            if emptied {
                // Whoever was forgotten meanwhile has asked anew.
                sqlx::query("DELETE FROM meta WHERE key = 'scrub' AND value = CAST($1 AS TEXT)")
                    .bind(asked.as_millisecond())
                    .execute(&mut connection)
                    .await?;
            }
            sqlx::Connection::close(connection).await?;
            Ok(emptied)
        };
        write
            .await
            .map_err(|error: sqlx::Error| self.trouble(error))
    }

    /// Copies of the forgotten's letters that are still to be taken out of their folders.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn copies_to_erase(&self) -> Result<Vec<LetterCopy>, StoreError> {
        let copies: Vec<(String, String)> =
            sqlx::query_as("SELECT folder, name FROM erasing ORDER BY folder, name")
                .fetch_all(self.reader())
                .await
                .map_err(|error| self.trouble(error))?;
        let copies = copies.into_iter();
        Ok(copies
            .map(|(folder, name)| LetterCopy { folder, name })
            .collect())
    }

    /// Notes that these are out. Their names may tell something, so the files are scrubbed again.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn copies_erased(
        &self,
        copies: &[LetterCopy],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let write = async {
            let mut tx = self.begin().await?;
            for copy in copies {
                sqlx::query("DELETE FROM erasing WHERE folder = $1 AND name = $2")
                    .bind(&copy.folder)
                    .bind(&copy.name)
                    .execute(&mut *tx)
                    .await?;
            }
            ask(&mut tx, now).await?;
            tx.commit().await
        };
        write.await.map_err(|error| self.trouble(error))
    }
}
