//! Troubles that outlast a pass: what the owner is told of once, and again when it is over; and
//! signs of such that may still pass by themselves.
//!
//! Whoever tells one claims it first, so that two who would tell at once make one letter; a claim
//! that is left behind by a crash lapses, since an alert twice does less harm than none. May not tell
//! anybody, nor decide when a sign has become a trouble.

use jiff::{SignedDuration, Timestamp};

use super::columns::{Columns, json};
use super::dialect::Row;
use super::{Store, StoreError};
use crate::model::Matter;

/// So long a claim holds: well over what a letter to the owners may take to leave.
pub const CLAIM_LASTS: SignedDuration = SignedDuration::from_mins(2);

/// Something that needs a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What it is about; its kind and name tell it from others.
    pub matter: Matter,
    /// Since when.
    pub since: Timestamp,
    /// When the owner was told.
    pub told_at: Option<Timestamp>,
}

/// A trouble, or what may become one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    /// What it is.
    pub trouble: Trouble,
    /// How often in a row it was seen.
    pub times: u32,
    /// It has lasted, and people are told.
    pub ripe: bool,
    /// Since when it seems to be over.
    pub well_since: Option<Timestamp>,
}

/// A trouble that one teller, and no other, is to tell of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// What it is.
    pub trouble: Trouble,
    /// It is over.
    pub is_over: bool,
    /// A teller who didn't come to an end may have told that it began.
    pub may_be_told: bool,
    /// Messages of it that came to an end already, by their ids: not every owner is told at once.
    pub heard: Vec<String>,
    /// When it was claimed.
    at: Timestamp,
    /// Its facts as they were then.
    facts: String,
}

impl Store {
    /// Notes a trouble; one that is known keeps its beginning. Other facts than before are news, of
    /// which the owner isn't told yet. `true`: it is new, or news.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn trouble_begins(
        &self,
        matter: &Matter,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let write = async {
            let done = sqlx::query(BEGINS)
                .bind(matter.kind())
                .bind(matter.name())
                .bind(json(matter)?)
                .bind(now.as_millisecond())
                .execute(&self.inner.writer);
            Ok(done.await?.rows_affected() > 0)
        };
        let done: sqlx::Result<_> = write.await;
        done.map_err(|error| self.trouble(error))
    }

    /// Keeps a sign as it is, new or known; but whether the owner was told is a teller's to say.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep_sign(&self, sign: &Sign) -> Result<(), StoreError> {
        let trouble = &sign.trouble;
        let write = async {
            sqlx::query(
                "INSERT INTO trouble (kind, name, facts, since, times, ripe, well_since) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (kind, name) DO UPDATE SET \
                 facts = excluded.facts, since = excluded.since, times = excluded.times, \
                 ripe = excluded.ripe, well_since = excluded.well_since, over_at = NULL, \
                 told_at = CASE WHEN trouble.over_at IS NULL THEN trouble.told_at END, \
                 claimed_at = CASE WHEN trouble.over_at IS NULL THEN trouble.claimed_at END",
            )
            .bind(trouble.matter.kind())
            .bind(trouble.matter.name())
            .bind(json(&trouble.matter)?)
            .bind(trouble.since.as_millisecond())
            .bind(i64::from(sign.times))
            .bind(i64::from(sign.ripe))
            .bind(sign.well_since.map(Timestamp::as_millisecond))
            .execute(&self.inner.writer)
            .await
            .map(drop)
        };
        write.await.map_err(|error| self.trouble(error))
    }

    /// Notes that a trouble is over, of which the owner isn't told yet. `false`: there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn trouble_over(
        &self,
        (kind, name): (&str, &str),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE trouble SET over_at = $3 WHERE kind = $1 AND name = $2 AND over_at IS NULL",
        )
        .bind(kind)
        .bind(name)
        .bind(now.as_millisecond())
        .execute(&self.inner.writer)
        .await;
        let done = done.map_err(|error| self.trouble(error))?;
        Ok(done.rows_affected() > 0)
    }

    /// The oldest trouble of which the owner has to be told, that it is there or that it is over, for
    /// one teller alone: whoever asks next gets another, until [`Store::told`] or
    /// [`Store::not_told`] says what came of it, or the claim lapses.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn claim_untold(&self, now: Timestamp) -> Result<Option<Claimed>, StoreError> {
        let lapsed = now.checked_sub(CLAIM_LASTS).unwrap_or(Timestamp::MIN);
        let write = async {
            let mut tx = self.begin().await?;
            // A moment ahead was noted by a clock that has been set back since.
            let row = sqlx::query(
                "SELECT kind, name, facts, since, told_at, over_at, claimed_at, heard FROM trouble \
                 WHERE (over_at IS NOT NULL OR (ripe = 1 AND told_at IS NULL AND well_since IS NULL)) \
                     AND (claimed_at IS NULL OR claimed_at <= $2 OR claimed_at > $1) \
                 ORDER BY since, kind, name LIMIT 1",
            )
            .bind(now.as_millisecond())
            .bind(lapsed.as_millisecond())
            .fetch_optional(&mut *tx)
            .await?;
            let Some(row) = row else {
                return Ok(None);
            };
            let columns = &mut Columns::of(&row);
            let (trouble, facts) = trouble(columns)?;
            let is_over = columns.maybe_moment()?.is_some();
            let may_be_told = columns.maybe_moment()?.is_some();
            let heard = columns.parsed(|text| serde_json::from_str(text).ok())?;
            sqlx::query("UPDATE trouble SET claimed_at = $3 WHERE kind = $1 AND name = $2")
                .bind(trouble.matter.kind())
                .bind(trouble.matter.name())
                .bind(now.as_millisecond())
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(Some(Claimed {
                trouble,
                is_over,
                may_be_told,
                heard,
                at: now,
                facts,
            }))
        };
        let claimed: sqlx::Result<_> = write.await;
        claimed.map_err(|error| self.trouble(error))
    }

    /// Notes that the owner was told of what was claimed: one that is over goes. What became news
    /// meanwhile, or began again, is still to be told.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn told(&self, claimed: &Claimed, now: Timestamp) -> Result<(), StoreError> {
        let matter = &claimed.trouble.matter;
        let over = "DELETE FROM trouble \
                    WHERE kind = $1 AND name = $2 AND facts = $3 AND over_at IS NOT NULL";
        let begun = "UPDATE trouble SET told_at = $4, heard = '[]' \
                     WHERE kind = $1 AND name = $2 AND facts = $3";
        let mut done = sqlx::query(if claimed.is_over { over } else { begun })
            .bind(matter.kind())
            .bind(matter.name())
            .bind(&claimed.facts);
        if !claimed.is_over {
            done = done.bind(now.as_millisecond());
        }
        let done = done.execute(&self.inner.writer).await;
        done.map_err(|error| self.trouble(error))?;
        self.give_back(claimed).await
    }

    /// Gives back what was claimed, and keeps which of its messages came to an end; who is still to
    /// be told is told later.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn not_told(&self, claimed: &Claimed, heard: &[String]) -> Result<(), StoreError> {
        let matter = &claimed.trouble.matter;
        let write = async {
            sqlx::query("UPDATE trouble SET heard = $3 WHERE kind = $1 AND name = $2")
                .bind(matter.kind())
                .bind(matter.name())
                .bind(json(&heard)?)
                .execute(&self.inner.writer)
                .await
        };
        write.await.map_err(|error| self.trouble(error))?;
        self.give_back(claimed).await
    }

    /// Gives back what was claimed.
    ///
    /// # Errors
    /// When the store fails.
    async fn give_back(&self, claimed: &Claimed) -> Result<(), StoreError> {
        let matter = &claimed.trouble.matter;
        let done = sqlx::query(
            "UPDATE trouble SET claimed_at = NULL \
             WHERE kind = $1 AND name = $2 AND claimed_at = $3",
        )
        .bind(matter.kind())
        .bind(matter.name())
        .bind(claimed.at.as_millisecond())
        .execute(&self.inner.writer)
        .await;
        done.map(drop).map_err(|error| self.trouble(error))
    }

    /// Takes a trouble out, which nobody has to hear of any more.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn trouble_ends(&self, (kind, name): (&str, &str)) -> Result<(), StoreError> {
        let done = sqlx::query("DELETE FROM trouble WHERE kind = $1 AND name = $2")
            .bind(kind)
            .bind(name)
            .execute(&self.inner.writer)
            .await;
        done.map(drop).map_err(|error| self.trouble(error))
    }

    /// Every trouble that isn't over, the oldest first; signs that may still pass are none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn troubles(&self) -> Result<Vec<Trouble>, StoreError> {
        let signs = self.signs().await?.into_iter();
        Ok(signs
            .filter(|sign| sign.ripe)
            .map(|sign| sign.trouble)
            .collect())
    }

    /// Every trouble that isn't over and every sign of one, the oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn signs(&self) -> Result<Vec<Sign>, StoreError> {
        let read = async {
            sqlx::query(
                "SELECT kind, name, facts, since, told_at, times, ripe, well_since \
                 FROM trouble WHERE over_at IS NULL ORDER BY since, kind, name",
            )
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(sign)
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }
}

/// Notes that a trouble is there, with its facts: the kind, the name, the facts, and when.
pub(super) const BEGINS: &str = "INSERT INTO trouble (kind, name, facts, since) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (kind, name) DO UPDATE SET facts = excluded.facts, \
     told_at = NULL, ripe = 1, well_since = NULL, over_at = NULL, \
     since = CASE WHEN trouble.over_at IS NULL THEN trouble.since ELSE excluded.since END \
     WHERE trouble.facts <> excluded.facts OR trouble.ripe = 0 OR trouble.over_at IS NOT NULL";

/// What these facts are about; what another version has noted keeps its kind and name.
pub(super) fn matter(kind: String, name: String, facts: &str) -> Matter {
    let read = serde_json::from_str::<Matter>(facts).ok();
    let read = read.filter(|matter| matter.is((&kind, &name)));
    read.unwrap_or(Matter::Other { kind, name })
}

fn trouble(columns: &mut Columns<'_>) -> sqlx::Result<(Trouble, String)> {
    let (kind, name, facts) = (columns.text()?, columns.text()?, columns.text()?);
    let trouble = Trouble {
        matter: matter(kind, name, &facts),
        since: columns.moment()?,
        told_at: columns.maybe_moment()?,
    };
    Ok((trouble, facts))
}

fn sign(row: &Row) -> sqlx::Result<Sign> {
    let columns = &mut Columns::of(row);
    Ok(Sign {
        trouble: trouble(columns)?.0,
        times: columns.small()?,
        ripe: columns.flag()?,
        well_since: columns.maybe_moment()?,
    })
}
