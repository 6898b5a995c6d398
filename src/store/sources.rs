//! What came of reading the sources: which couldn't be read the last time, and up to where databases
//! were, which moves together with their rows.
//!
//! May not tell anybody, and may not read a source: its rows come from whoever does.

use jiff::Timestamp;
use tokio::sync::mpsc::Receiver;

use super::dialect::{BEGIN_WRITE, Connection, cache};
use super::gather::{Broken, Coming, NextRow};
use super::people::Load;
use super::refused::Refused;
use super::{Applied, ApplyError, FileMeta, FileRow, Store, StoreError};
use crate::points::reach;

/// Rows that are taken in before a transaction is begun: a database may take its time, and
/// letters have to be written down meanwhile.
const WAITING: usize = 5_000;

/// What stands for a database's file: the path of its rows.
pub const QUERY: &str = "query";

/// Up to where a database was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryMark {
    /// What was read how.
    pub fingerprint: String,
    /// From where on it is read the next time, where it isn't read as a whole.
    pub mark: Option<String>,
}

/// What stands for the file of a record, by its source and id.
pub type PlaceOf = fn(source: &str, id: &str) -> String;

/// One part of what a database gives.
#[derive(Debug)]
pub enum QueryPart {
    /// The first: whether everything will come, so that what was refused before no longer counts.
    Begins {
        /// Whether everything comes.
        whole: bool,
    },
    /// Nothing changed. Nothing follows.
    Unchanged,
    /// Some rows.
    Rows(Vec<FileRow>),
    /// The last.
    Ends(QueryMark),
}

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

    /// The fingerprint with which this file was last applied.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn file_fingerprint(
        &self,
        source: &str,
        path: &str,
    ) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar("SELECT fingerprint FROM source_file WHERE source = $1 AND path = $2")
            .bind(source)
            .bind(path)
            .fetch_optional(self.reader())
            .await
            .map_err(|error| self.trouble(error))
    }

    /// Up to where this database was read.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn query_mark(&self, source: &str) -> Result<Option<QueryMark>, StoreError> {
        let text = "SELECT fingerprint, mark FROM source_file WHERE source = $1 AND path = $2";
        let found: Option<(String, Option<String>)> = sqlx::query_as(text)
            .bind(source)
            .bind(QUERY)
            .fetch_optional(self.reader())
            .await
            .map_err(|error| self.trouble(error))?;
        Ok(found.map(|(fingerprint, mark)| QueryMark { fingerprint, mark }))
    }

    /// Applies what a database gives in one transaction, and moves its mark in the same one: all of
    /// it, or, when an error comes, the parts break off, or the store fails, nothing. `None` when
    /// nothing changed. Where not everything comes, what was refused before stays refused, unless
    /// a row of the same place comes.
    ///
    /// # Errors
    /// [`ApplyError::Rows`] with the reader's error, or [`ApplyError::Store`].
    pub async fn apply_query<E: Send>(
        &self,
        (source, now, place): (&str, Timestamp, PlaceOf),
        parts: &mut Receiver<Result<QueryPart, E>>,
    ) -> Result<Option<Applied>, ApplyError<E>> {
        let name = |error| ApplyError::Store(self.trouble(error));
        let mut whole = true;
        let mut rows = Vec::new();
        let mut ends = None;
        // Most readings are small: they are whole before a transaction is begun.
        while ends.is_none() && rows.len() < WAITING {
            match next(parts).await? {
                Some(QueryPart::Begins { whole: all }) => whole = all,
                Some(QueryPart::Unchanged) => return Ok(None),
                Some(QueryPart::Rows(more)) => rows.extend(more),
                Some(QueryPart::Ends(mark)) => ends = Some(mark),
                None => return Err(name(broken_off())),
            }
        }
        let meta = FileMeta {
            source,
            path: QUERY,
            fingerprint: "",
            now,
        };
        let mut connection = self.inner.writer.acquire().await.map_err(name)?;
        cache(&mut connection, true).await.map_err(name)?;
        let parts = (rows, ends, parts);
        let applied = self
            .apply_parts(&mut connection, (meta, whole, place), parts)
            .await;
        // Where this fails, what matters has failed before, or nothing has.
        _ = cache(&mut connection, false).await;
        applied.map(Some)
    }

    async fn apply_parts<E: Send>(
        &self,
        connection: &mut Connection,
        (meta, whole, place): (FileMeta<'_>, bool, PlaceOf),
        (rows, ends, parts): Begun<'_, E>,
    ) -> Result<Applied, ApplyError<E>> {
        let name = |error| ApplyError::Store(self.trouble(error));
        let source = meta.source;
        let tx = sqlx::Connection::begin_with(connection, BEGIN_WRITE).await;
        let mut load = Load::new(tx.map_err(name)?, meta);
        reach("sync-begin");
        let mut refused = Refused::default();
        if whole {
            load.start(self.hash_key()).await.map_err(name)?;
        } else {
            load.start_beside(self.hash_key()).await.map_err(name)?;
            refused = Refused::by_place(&mut load).await.map_err(name)?;
        }
        load.expect_floods(self.reader());
        let coming = FromParts {
            rows: rows.into_iter(),
            ends,
            parts,
            refused,
            place: (source, place),
        };
        // An early return drops the transaction, which rolls it back.
        let come = load.take_all(coming).await;
        let FromParts { ends, refused, .. } = come.map_err(|broken| self.broken(broken))?;
        let finish = async {
            refused.forget(&mut load).await?;
            load.settle().await?;
            if let Some(QueryMark { fingerprint, mark }) = ends {
                sqlx::query(
                    "UPDATE source_file SET fingerprint = $3, mark = $4 \
                     WHERE source = $1 AND path = $2",
                )
                .bind(source)
                .bind(QUERY)
                .bind(fingerprint)
                .bind(mark)
                .execute(&mut *load.tx)
                .await?;
            }
            load.commit().await
        };
        finish.await.map_err(name)
    }
}

async fn next<E>(
    parts: &mut Receiver<Result<QueryPart, E>>,
) -> Result<Option<QueryPart>, ApplyError<E>> {
    parts.recv().await.transpose().map_err(ApplyError::Rows)
}

/// Rows that came already, the mark if that did, and where more comes from.
type Begun<'p, E> = (
    Vec<FileRow>,
    Option<QueryMark>,
    &'p mut Receiver<Result<QueryPart, E>>,
);

/// Rows of a query.
struct FromParts<'p, E> {
    rows: std::vec::IntoIter<FileRow>,
    ends: Option<QueryMark>,
    parts: &'p mut Receiver<Result<QueryPart, E>>,
    refused: Refused,
    place: (&'p str, PlaceOf),
}

impl<E: Send> Coming for FromParts<'_, E> {
    type Error = E;

    async fn next(&mut self) -> NextRow<E> {
        loop {
            if let Some(row) = self.rows.next() {
                let (source, place) = self.place;
                if !self.refused.is_empty() {
                    match &row {
                        FileRow::Customer(one, _) => self.refused.see(&place(source, &one.id)),
                        FileRow::Event(one) => self.refused.see(&place(source, &one.id)),
                        FileRow::Refused(one) => self.refused.see(&one.file),
                    }
                }
                return Ok(Some(row));
            }
            if self.ends.is_some() {
                return Ok(None);
            }
            match self.parts.recv().await {
                Some(Ok(QueryPart::Rows(more))) => self.rows = more.into_iter(),
                Some(Ok(QueryPart::Ends(mark))) => self.ends = Some(mark),
                Some(Ok(QueryPart::Begins { .. } | QueryPart::Unchanged)) => {}
                Some(Err(error)) => return Err(Broken::Rows(error)),
                None => return Err(Broken::Store(broken_off())),
            }
        }
    }
}

/// Whoever reads has ended without a word.
fn broken_off() -> sqlx::Error {
    sqlx::Error::Protocol("what was read from a database broke off".to_owned())
}
