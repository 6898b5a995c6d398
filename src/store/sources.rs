//! Which sources couldn't be read the last time.
//!
//! May not tell anybody.

use super::{Store, StoreError};

impl Store {
    /// Notes whether all of this source could be read.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn source_read(&self, source: &str, well: bool) -> Result<(), StoreError> {
        let text = if well {
            "DELETE FROM meta WHERE key = $1"
        } else {
            "INSERT INTO meta (key, value) VALUES ($1, '') ON CONFLICT DO NOTHING"
        };
        let done = sqlx::query(text)
            .bind(format!("unread:{source}"))
            .execute(&self.inner.writer)
            .await;
        done.map(drop).map_err(|error| self.trouble(error))
    }

    /// The sources of which not all could be read the last time.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn unread_sources(&self) -> Result<Vec<String>, StoreError> {
        let text = "SELECT SUBSTR(key, 8) FROM meta WHERE key LIKE 'unread:%' ORDER BY key";
        let found = sqlx::query_scalar(text).fetch_all(self.reader()).await;
        found.map_err(|error| self.trouble(error))
    }
}
