//! Events that come up here, in no source: an opinion that a customer gave by a letter's link, the
//! complaint that a bad one opens, and a complaint that a person closed.
//!
//! They go the way of a file's rows. May not know what follows from them.

use jiff::Timestamp;

use super::people::{FileRow, Load};
use super::{FileMeta, Store, StoreError};
use crate::model::Event;

/// The source that such events bear. No source of the settings can have such a name.
const SOURCE: &str = "fondly:here";

/// What sort of trouble an open complaint is of which the owner is told.
pub const COMPLAINT: &str = "complaint";

/// Stands before the customer's id in such a trouble's subject.
const COMPLAINT_OF: &str = "a complaint of customer ";

/// The subject of such a trouble.
pub fn complaint_of(customer: &str) -> String {
    format!("{COMPLAINT_OF}{customer}")
}

/// Whose complaint this subject is about.
pub fn complains(subject: &str) -> Option<&str> {
    subject.strip_prefix(COMPLAINT_OF)
}

impl Store {
    /// Takes these events in, one of the same id is replaced; in the same transaction what the owner
    /// has to be told of it: the customer, and the words. `false`: the customer asked to be forgotten,
    /// and nothing was taken.
    ///
    /// # Errors
    /// When the store fails; then nothing is taken.
    pub async fn happened(
        &self,
        events: &[Event],
        complaint: Option<(&str, &str)>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let write = async {
            let meta = FileMeta {
                source: SOURCE,
                path: "",
                fingerprint: "",
                now,
            };
            let mut load = Load::new(self.begin().await?, meta);
            load.know_who_is_who(self.hash_key()).await?;
            for event in events {
                load.take(FileRow::Event(Box::new(event.clone()))).await?;
            }
            load.write_waiting().await?;
            if load.applied.forgotten > 0 {
                return Ok(false);
            }
            if let Some((customer, words)) = complaint {
                sqlx::query(
                    "INSERT INTO trouble (kind, subject, words, since) VALUES ($1, $2, $3, $4) \
                     ON CONFLICT (kind, subject) DO UPDATE SET words = excluded.words, \
                         told_at = NULL WHERE trouble.words <> excluded.words",
                )
                .bind(COMPLAINT)
                .bind(complaint_of(customer))
                .bind(words)
                .bind(now.as_millisecond())
                .execute(&mut *load.tx)
                .await?;
            }
            load.conclude().await?;
            Ok(true)
        };
        write
            .await
            .map_err(|error: sqlx::Error| self.trouble(error))
    }
}
