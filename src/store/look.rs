//! Opening a store to look only: nothing is made, migrated, settled or tidied away.
//!
//! Whoever opens a database to write and is the last to close it copies its log back. So where a log
//! holds something, it is opened without the right to write, which leaves the log as it is. Where
//! there is none, that would leave empty files behind; then it is opened like any other, and every
//! statement that would write is refused. May not repair.

use std::path::Path;
use std::sync::Arc;

use sqlx::ConnectOptions as _;
use sqlx::pool::PoolOptions;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::dialect::{self, Connection};
use super::health::Health;
use super::open::{file_of, key_bytes};
use super::{Inner, Store, StoreError, intact};
use crate::durable::beside;

/// Connections at once. Of two that close at the same moment each may take the other for one that
/// stays, and then neither tidies the log away.
const READERS: u32 = 1;

impl Store {
    /// Opens the store at a path or a `sqlite:` address to look at it: whatever would change
    /// something in it fails. Close it by [`Store::leave_as_it_was`].
    ///
    /// # Errors
    /// As [`Store::open`]; and when it was written by an older fondly, since it stays as it is.
    pub async fn look_at(path_or_url: &str) -> Result<Self, StoreError> {
        let file = file_of(path_or_url)?;
        let path: Arc<str> = Arc::from(file.to_string_lossy());
        if !intact::look(&path, &file)? {
            return Err(StoreError::Missing { path });
        }
        let logged = std::fs::metadata(beside(&file, "-wal")).is_ok_and(|log| log.len() > 0);
        let options = dialect::look_options(&file, logged);
        let name = |error| StoreError::new(&path, error);
        let mut connection = options.connect().await.map_err(name)?;
        let known = recognise(&path, &mut connection).await;
        sqlx::Connection::close(connection).await.map_err(name)?;
        let (id, hash_key) = known?;
        let readers = PoolOptions::new()
            .max_connections(READERS)
            .connect_with(options.clone())
            .await
            .map_err(name)?;
        // Nobody writes; whoever tries to is refused by the database.
        let writer = PoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(options);
        let (outbox, _) = mpsc::channel(1);
        Ok(Self {
            inner: Arc::new(Inner {
                path,
                writer,
                readers,
                outbox,
                tasks: TaskTracker::new(),
                health: Arc::new(Health::default()),
                in_step: false,
                hash_key,
                id,
                witnesses: Arc::default(),
            }),
        })
    }

    /// Closes what was opened by [`Store::look_at`].
    pub async fn leave_as_it_was(self) {
        self.inner.readers.close().await;
        self.inner.writer.close().await;
    }

    /// Bytes that the database takes on the disk, with its log.
    pub fn bytes(database: &Path) -> u64 {
        let length = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        length(database) + length(&beside(database, "-wal"))
    }
}

/// Whether it is ours and of this program's age; its id and key.
async fn recognise(
    path: &Arc<str>,
    connection: &mut Connection,
) -> Result<(String, [u8; 32]), StoreError> {
    let name = |error| StoreError::new(path, error);
    if !dialect::is_ours(connection).await.map_err(name)? {
        let path = Arc::clone(path);
        return Err(StoreError::NotOurs { path });
    }
    let steps = sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success");
    let steps: Vec<i64> = steps.fetch_all(&mut *connection).await.map_err(name)?;
    let known: Vec<i64> = dialect::migrator()
        .iter()
        .map(|step| step.version)
        .collect();
    if let Some(step) = steps.iter().copied().find(|step| !known.contains(step)) {
        let path = Arc::clone(path);
        return Err(StoreError::Newer { path, step });
    }
    if known.iter().any(|step| !steps.contains(step)) {
        let path = Arc::clone(path);
        return Err(StoreError::Older { path });
    }
    let mut kept = Vec::new();
    for key in ["id", "hash_key"] {
        let value = sqlx::query_scalar("SELECT value FROM meta WHERE key = $1").bind(key);
        let value: String = value.fetch_one(&mut *connection).await.map_err(name)?;
        kept.push(value);
    }
    let key = kept.pop().unwrap_or_default();
    let id = kept.pop().unwrap_or_default();
    Ok((id, key_bytes(&key).map_err(name)?))
}
