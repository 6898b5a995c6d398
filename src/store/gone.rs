//! Customers who aren't in their source any more: they are marked, and get nothing, until they come
//! again.
//!
//! A mark is all: their record, what happened to them and whether they unsubscribed stay as they were.
//! May not read a source: who is still there comes from whoever does.

use jiff::Timestamp;

use super::also::has_told;
use super::columns::{json, listed, moment_of, nonsense};
use super::dialect::{BEGIN_WRITE, Connection, lists_of, texts};
use super::people::{next_touch, touch_numbers};
use super::{Store, StoreError};
use crate::model::ids::KnownIds;
use crate::points::reach;

/// Customers looked at together.
const TOGETHER: i64 = 2_000;

/// Up to so many may be gone at once without a question, however few there are.
const FEW: u64 = 5;
/// Or one in so many.
const ONE_IN: u64 = 20;

/// When a source was last looked through for who is gone, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookedThrough {
    /// When.
    pub at: Timestamp,
    /// They seemed too many, and nobody was marked.
    pub too_many: Option<TooMany>,
}

/// So many seem to be gone that it may be a slip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// Who isn't there any more.
    pub gone: u64,
    /// Of so many who came from the source.
    pub of: u64,
}

impl TooMany {
    /// `Some` if these are more than may go unasked: all, more than half, or more than a few and
    /// more than one in twenty.
    const fn of(gone: u64, of: u64) -> Option<Self> {
        let most = gone * 2 > of;
        let many = gone > FEW && gone * ONE_IN > of;
        if gone > 0 && (most || many) {
            Some(Self { gone, of })
        } else {
            None
        }
    }
}

impl Store {
    /// When this source was last looked through.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn looked_through(&self, source: &str) -> Result<Option<LookedThrough>, StoreError> {
        let read = async {
            let kept: Option<String> = sqlx::query_scalar("SELECT value FROM meta WHERE key = $1")
                .bind(key(source))
                .fetch_optional(self.reader())
                .await?;
            kept.map(|kept| parse(&kept)).transpose()
        };
        let read: sqlx::Result<_> = read.await;
        read.map_err(|error| self.trouble(error))
    }

    /// Marks everybody as gone of whom this source has told and who isn't `here`, unless they are too
    /// many and nobody said that it is right so. How many were marked, or that they are too many.
    /// What other sources have said of them, and say again, brings nobody back.
    ///
    /// # Errors
    /// When the store fails; then nobody is marked.
    pub async fn mark_gone(
        &self,
        source: &str,
        here: &KnownIds,
        is_right: bool,
        now: Timestamp,
    ) -> Result<Result<u64, TooMany>, StoreError> {
        let mark = async {
            let mut tx = self.inner.writer.begin_with(BEGIN_WRITE).await?;
            reach("sync-begin");
            let (gone, of) = missing(&mut tx, source, here).await?;
            let many = gone.len() as u64;
            let too_many = TooMany::of(many, of).filter(|_| !is_right);
            if too_many.is_none() && !gone.is_empty() {
                mark(&mut tx, source, &gone, now).await?;
            }
            let kept = json(&(
                now.as_millisecond(),
                too_many.map(|TooMany { gone, of }| (gone, of)),
            ))?;
            sqlx::query(
                "INSERT INTO meta (key, value) VALUES ($1, $2) \
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )
            .bind(key(source))
            .bind(kept)
            .execute(&mut *tx)
            .await?;
            reach("sync-commit");
            tx.commit().await?;
            reach("sync-durable");
            Ok(too_many.map_or(Ok(many), Err))
        };
        let marked: sqlx::Result<_> = mark.await;
        marked.map_err(|error| self.trouble(error))
    }
}

fn key(source: &str) -> String {
    format!("looked-through:{source}")
}

fn parse(kept: &str) -> sqlx::Result<LookedThrough> {
    let (at, too_many): (i64, Option<(u64, u64)>) =
        serde_json::from_str(kept).map_err(|error| nonsense(format!("{kept}: {error}")))?;
    Ok(LookedThrough {
        at: moment_of(at)?,
        too_many: too_many.map(|(gone, of)| TooMany { gone, of }),
    })
}

/// The numbers of those who aren't here, and of how many the source has told at all, but for those
/// who are known to be gone.
async fn missing(
    tx: &mut Connection,
    source: &str,
    here: &KnownIds,
) -> sqlx::Result<(Vec<i64>, u64)> {
    let (mut gone, mut of, mut last) = (Vec::new(), 0, i64::MIN);
    loop {
        let found: String = sqlx::query_scalar(concat!(
            "SELECT ",
            lists_of!("number, id"),
            " FROM (SELECT c.number, CASE WHEN c.gone_at IS NULL AND ",
            has_told!(),
            " THEN c.id END AS id FROM customer c \
             WHERE c.number > $2 ORDER BY c.number LIMIT $3) AS some"
        ))
        .bind(source)
        .bind(last)
        .bind(TOGETHER)
        .fetch_one(&mut *tx)
        .await?;
        let some: Vec<(i64, Option<String>)> = listed(&found)?;
        let Some(number) = some.iter().map(|(number, _)| *number).max() else {
            return Ok((gone, of));
        };
        last = number;
        for (number, id) in some {
            let Some(id) = id else { continue };
            of += 1;
            if !here.contains(&id) {
                gone.push(number);
            }
        }
    }
}

/// Whoever comes again from this source differs from a record without a hash, and is written anew.
async fn mark(tx: &mut Connection, source: &str, gone: &[i64], now: Timestamp) -> sqlx::Result<()> {
    let seq = next_touch(&mut *tx).await?;
    for some in gone.chunks(usize::try_from(TOGETHER).unwrap_or(1)) {
        let some = json(some)?;
        sqlx::query(concat!(
            "UPDATE customer SET gone_at = $2, revision = revision + 1, \
                 row_hash = CASE WHEN source = $3 THEN NULL ELSE row_hash END \
             WHERE number IN ",
            texts!("$1")
        ))
        .bind(&some)
        .bind(now.as_millisecond())
        .bind(source)
        .execute(&mut *tx)
        .await?;
        sqlx::query(concat!(
            "DELETE FROM also_told WHERE source = $2 AND customer IN ",
            texts!("$1")
        ))
        .bind(&some)
        .bind(source)
        .execute(&mut *tx)
        .await?;
        touch_numbers(&mut *tx, &some, seq).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_may_be_gone_unasked_and_never_most() {
        for (gone, of) in [(0, 0), (0, 9), (1, 2), (5, 10), (5, 1_000), (50, 1_000)] {
            assert_eq!(TooMany::of(gone, of), None, "{gone} of {of}");
        }
        for (gone, of) in [
            (1, 1),
            (2, 3),
            (6, 11),
            (6, 119),
            (51, 1_000),
            (1_000, 1_000),
        ] {
            assert_eq!(TooMany::of(gone, of), Some(TooMany { gone, of }));
        }
    }
}
