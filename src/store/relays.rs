//! How the ways out stand, across passes and restarts, and the letters that wait for them.
//!
//! May not decide which way is used, nor when.

use jiff::Timestamp;

use super::columns::Columns;
use super::{Store, StoreError};
use crate::model::{Standing, State};

/// The entries that wait for a way out. The first condition is that of the index.
macro_rules! waiting {
    () => {
        " FROM ledger WHERE outcome IN ('planned', 'deferred', 'held') AND outcome = 'deferred' \
          AND reason IN ('relay-trouble', 'relay-refuses-us') AND next_attempt_at > $1"
    };
}

impl Store {
    /// The ways out that made trouble when last heard of.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn relays(&self) -> Result<Vec<(String, Standing)>, StoreError> {
        let read = async {
            sqlx::query(
                "SELECT via, state, troubles, since, next_try, words, print FROM relay ORDER BY via",
            )
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(|row| {
                let columns = &mut Columns::of(row);
                let via = columns.text()?;
                let standing = Standing {
                    state: columns.parsed(State::parse)?,
                    troubles: columns.small()?,
                    since: Some(columns.moment()?),
                    next_try: columns.maybe_moment()?,
                    words: columns.text()?,
                    print: columns.text()?,
                };
                Ok((via, standing))
            })
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// Keeps how a way out stands that makes trouble.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep_relay(
        &self,
        via: &str,
        standing: &Standing,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let done = sqlx::query(
            "INSERT INTO relay (via, state, troubles, since, next_try, words, print) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (via) DO UPDATE SET \
             state = excluded.state, troubles = excluded.troubles, since = excluded.since, \
             next_try = excluded.next_try, words = excluded.words, print = excluded.print",
        )
        .bind(via)
        .bind(standing.state.as_str())
        .bind(i64::from(standing.troubles))
        .bind(standing.since.unwrap_or(now).as_millisecond())
        .bind(standing.next_try.map(Timestamp::as_millisecond))
        .bind(&standing.words)
        .bind(&standing.print)
        .execute(&self.inner.writer)
        .await;
        done.map(drop).map_err(|error| self.trouble(error))
    }

    /// A way out works, or isn't one any more: what was wrong with it is forgotten, and with
    /// `release` the letters that wait for a way are looked at now. How many those are.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn relay_works(
        &self,
        via: &str,
        release: bool,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let write = async {
            let mut tx = self.begin().await?;
            sqlx::query("DELETE FROM relay WHERE via = $1")
                .bind(via)
                .execute(&mut *tx)
                .await?;
            let mut released = 0;
            if release {
                let done = sqlx::query(RELEASE)
                    .bind(now.as_millisecond())
                    .execute(&mut *tx);
                released = done.await?.rows_affected();
            }
            tx.commit().await?;
            Ok(released)
        };
        write
            .await
            .map_err(|error: sqlx::Error| self.trouble(error))
    }

    /// The letters that wait for a way out are looked at now; how many those are.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn release_waiting(&self, now: Timestamp) -> Result<u64, StoreError> {
        let done = sqlx::query(RELEASE)
            .bind(now.as_millisecond())
            .execute(&self.inner.writer)
            .await;
        done.map(|done| done.rows_affected())
            .map_err(|error| self.trouble(error))
    }

    /// One letter that waits for a way out is looked at now: the one that wasn't for the longest
    /// time, so that no single letter, which may itself be the trouble, asks every time.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pick_probe(&self, now: Timestamp) -> Result<(), StoreError> {
        let done = sqlx::query(concat!(
            "UPDATE ledger SET next_attempt_at = $1 WHERE number = (SELECT number",
            waiting!(),
            " AND rule NOT IN (SELECT rule FROM paused) \
             ORDER BY decided_at, priority DESC, number LIMIT 1)"
        ))
        .bind(now.as_millisecond())
        .execute(&self.inner.writer)
        .await;
        done.map(drop).map_err(|error| self.trouble(error))
    }
}

/// Lines of history that are read at once.
const PAGE: i64 = 1_000;

/// A letter that came to the dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedOver {
    /// Which way.
    pub via: String,
    /// To whom.
    pub recipient: String,
    /// When it was about to be handed over.
    pub at: Timestamp,
}

impl Store {
    /// What was handed over since this moment, the latest first. Reads the histories from their
    /// end: they are written in order, so that no index is needed for it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn handed_over_since(&self, since: Timestamp) -> Result<Vec<HandedOver>, StoreError> {
        let read = async {
            let mut found = Vec::new();
            let mut below = i64::MAX;
            loop {
                let rows = sqlx::query(
                    "SELECT seq, at, began_at, via, recipient FROM history \
                     CROSS JOIN ledger ON ledger.number = history.entry \
                     WHERE seq < $1 ORDER BY seq DESC LIMIT $2",
                )
                .bind(below)
                .bind(PAGE)
                .fetch_all(self.reader())
                .await?;
                let mut goes_on = false;
                for row in &rows {
                    let columns = &mut Columns::of(row);
                    below = columns.number()?;
                    goes_on |= columns.moment()? >= since;
                    let (began, via) = (columns.maybe_moment()?, columns.maybe_text()?);
                    let recipient = columns.maybe_text()?;
                    if let (Some(at), Some(via), Some(recipient)) = (began, via, recipient)
                        && at >= since
                    {
                        found.push(HandedOver { via, recipient, at });
                    }
                }
                if !goes_on {
                    return Ok(found);
                }
            }
        };
        read.await.map_err(|error: sqlx::Error| self.trouble(error))
    }
}

const RELEASE: &str = concat!(
    "UPDATE ledger SET next_attempt_at = $1 WHERE number IN (SELECT number",
    waiting!(),
    ")"
);
