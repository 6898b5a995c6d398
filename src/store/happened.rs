//! Events that come up here, in no source: an opinion that a customer gave by a letter's link, the
//! complaint that a bad one opens, and a complaint that a person closed.
//!
//! They go the way of a file's rows. May not know what follows from them.

use jiff::Timestamp;

use super::columns::json;
use super::people::{FileRow, Load};
use super::trouble::BEGINS;
use super::{FileMeta, Store, StoreError};
use crate::model::{Event, Matter};

/// The source that such events bear. No source of the settings can have such a name.
pub const HERE: &str = "fondly:here";

impl Store {
    /// Takes these events in, one of the same id is replaced; in the same transaction what the owner
    /// has to be told of it. `false`: the customer asked to be forgotten,
    /// and nothing was taken.
    ///
    /// # Errors
    /// When the store fails; then nothing is taken.
    pub async fn happened(
        &self,
        events: &[Event],
        complaint: Option<&Matter>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let write = async {
            let meta = FileMeta {
                source: HERE,
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
            if let Some(matter) = complaint {
                sqlx::query(BEGINS)
                    .bind(matter.kind())
                    .bind(matter.name())
                    .bind(json(matter)?)
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
