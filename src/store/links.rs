//! The keys that sign links in letters: drawn by chance, the newest signs, and the older ones open
//! what they signed until somebody ends them.
//!
//! May not know what a link looks like, or opens.

use jiff::Timestamp;
use sqlx::Row as _;

use super::columns::{Columns, nonsense};
use super::dialect::{Connection, Row};
use super::{Store, StoreError};

/// A key that signs links.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkKey {
    /// Rises from 1.
    pub number: u32,
    /// The secret.
    pub secret: [u8; 32],
    /// When it was made; `None`: with the store.
    pub made_at: Option<Timestamp>,
    /// Since when its links open nothing any more.
    pub ended_at: Option<Timestamp>,
}

impl std::fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkKey")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Every key, the newest first; never none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn link_keys(&self) -> Result<Vec<LinkKey>, StoreError> {
        let read = async {
            sqlx::query(
                "SELECT number, made_at, ended_at, secret FROM link_key ORDER BY number DESC",
            )
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(key_of)
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// Makes a new key, which signs from now on; returns its number.
    ///
    /// # Errors
    /// When the store fails, or the system gives no random numbers.
    pub async fn add_link_key(&self, now: Timestamp) -> Result<u32, StoreError> {
        let secret = draw().map_err(|why| StoreError::without_chance(&self.inner.path, why))?;
        let added = sqlx::query_scalar(
            "INSERT INTO link_key (number, secret, made_at) \
             SELECT MAX(number) + 1, $1, $2 FROM link_key RETURNING number",
        )
        .bind(secret.to_vec())
        .bind(now.as_millisecond())
        .fetch_one(&self.inner.writer)
        .await;
        added.map_err(|error| self.trouble(error))
    }

    /// From now on links of this key open nothing. `false`: it had ended, it is the newest, or
    /// there is no such key.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_link_key(&self, number: u32, now: Timestamp) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE link_key SET ended_at = $2 WHERE number = $1 AND ended_at IS NULL \
             AND number < (SELECT MAX(number) FROM link_key)",
        )
        .bind(number)
        .bind(now.as_millisecond())
        .execute(&self.inner.writer)
        .await;
        Ok(done.map_err(|error| self.trouble(error))?.rows_affected() > 0)
    }
}

/// A secret by chance.
pub(super) fn draw() -> Result<[u8; 32], getrandom::Error> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)?;
    Ok(secret)
}

/// Keeps this one if there is none yet.
pub(super) async fn keep_first(connection: &mut Connection, secret: [u8; 32]) -> sqlx::Result<()> {
    let there: Option<i64> = sqlx::query_scalar("SELECT MAX(number) FROM link_key")
        .fetch_one(&mut *connection)
        .await?;
    if there.is_some() {
        // A statement that writes would wait for everybody else who does.
        return Ok(());
    }
    sqlx::query("INSERT INTO link_key (number, secret) VALUES (1, $1)")
        .bind(secret.to_vec())
        .execute(connection)
        .await
        .map(|_| ())
}

fn key_of(row: &Row) -> sqlx::Result<LinkKey> {
    let columns = &mut Columns::of(row);
    let secret: Vec<u8> = row.try_get("secret")?;
    Ok(LinkKey {
        number: columns.small()?,
        made_at: columns.maybe_moment()?,
        ended_at: columns.maybe_moment()?,
        secret: secret
            .try_into()
            .map_err(|_| nonsense("the length of a link's key"))?,
    })
}
