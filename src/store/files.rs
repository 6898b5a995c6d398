//! Taking in what a file holds, or a database gives: whole or not at all.
//!
//! May not read it: rows come from whoever does. While the store writes some rows, the next are made
//! ready.

use super::dialect::{BEGIN_WRITE, Connection, cache};
use super::gather::{Broken, Coming, Gathering, OneByOne, Packing};
use super::people::{Applied, FileMeta, FileRow, Load};
use super::refused::Refused;
use super::{ApplyError, Store};
use crate::points::reach;

impl Store {
    /// Applies a file's rows in one transaction: all of them, or, when the rows end in an error or
    /// the store fails, none. Its quarantined records replace those of its last reading. The later
    /// of two rows with one id counts. While the store writes some rows, the next are read.
    ///
    /// # Errors
    /// [`ApplyError::Rows`] with the iterator's error, or [`ApplyError::Store`].
    pub async fn apply_file<E: Send>(
        &self,
        meta: FileMeta<'_>,
        rows: impl Iterator<Item = Result<FileRow, E>> + Send,
    ) -> Result<Applied, ApplyError<E>> {
        let name = |error| ApplyError::Store(self.trouble(error));
        let mut connection = self.inner.writer.acquire().await.map_err(name)?;
        cache(&mut connection, true).await.map_err(name)?;
        let applied = self.apply_with(&mut connection, meta, rows).await;
        // Where this fails, what matters has failed before, or nothing has.
        _ = cache(&mut connection, false).await;
        applied
    }

    async fn apply_with<E: Send>(
        &self,
        connection: &mut Connection,
        meta: FileMeta<'_>,
        rows: impl Iterator<Item = Result<FileRow, E>> + Send,
    ) -> Result<Applied, ApplyError<E>> {
        let name = |error| ApplyError::Store(self.trouble(error));
        let tx = sqlx::Connection::begin_with(connection, BEGIN_WRITE).await;
        let mut load = Load::new(tx.map_err(name)?, meta);
        reach("sync-begin");
        load.start(self.hash_key()).await.map_err(name)?;
        load.expect_floods(self.reader());
        // An early return drops the transaction, which rolls it back.
        let refused = Refused::elsewhere(&mut load).await.map_err(name)?;
        let taken = load.take_all(OneByOne { rows, refused }).await;
        let OneByOne { refused, .. } = taken.map_err(|broken| self.broken(broken))?;
        refused.forget(&mut load).await.map_err(name)?;
        load.settle().await.map_err(name)?;
        load.commit().await.map_err(name)
    }

    pub(super) fn broken<E>(&self, broken: Broken<E>) -> ApplyError<E> {
        match broken {
            Broken::Rows(error) => ApplyError::Rows(error),
            Broken::Store(error) => ApplyError::Store(self.trouble(error)),
        }
    }
}

impl Load<'_, '_> {
    /// Takes all rows in, and hands back where they came from.
    pub(super) async fn take_all<C: Coming>(&mut self, rows: C) -> Result<C, Broken<C::Error>> {
        let packing = std::mem::replace(&mut self.packing, Packing::new(self.meta));
        let mut gathering = Gathering::new(rows, packing);
        let mut batch = gathering.next().await?;
        let mut spent = Vec::new();
        while !batch.last {
            gathering.packing.expect_new = self.intake.expects_new();
            let (written, next) = tokio::join!(self.write(batch), async {
                drop(spent);
                gathering.next().await
            });
            spent = written.map_err(Broken::Store)?;
            batch = next?;
        }
        self.write(batch).await.map_err(Broken::Store)?;
        Ok(gathering.rows)
    }
}
