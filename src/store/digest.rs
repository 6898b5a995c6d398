//! The owners' weekly letters: which left and for which time, and what a week came to.
//!
//! May not decide when one is due, nor what stands in it.

use jiff::Timestamp;
use jiff::civil::Date;

use super::columns::{Columns, day_number, json};
use super::dialect::{Connection, Row, texts, unindexed};
use super::warnings::{SLACK, line_before};
use super::{Store, StoreError};
use crate::model::{Outcome, Reason};

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// How far a letter has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestState {
    /// It waits for a way out.
    Waits,
    /// It is being handed over, or was when somebody last wrote it down.
    Going,
    /// It was taken.
    Sent,
    /// It may have arrived.
    Unknown,
    /// It was refused for good.
    Refused,
}

impl DigestState {
    const ALL: [Self; 5] = [
        Self::Waits,
        Self::Going,
        Self::Sent,
        Self::Unknown,
        Self::Refused,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Waits => "waits",
            Self::Going => "going",
            Self::Sent => "sent",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether nothing more is to be done.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Sent | Self::Unknown | Self::Refused)
    }
}

/// One letter to one reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// When the time ended that it tells of.
    pub until: Timestamp,
    /// A person wanted it now; it isn't the one of its week.
    pub asked: bool,
    /// The hash of the reader's address.
    pub reader: String,
    /// When that time began.
    pub since: Timestamp,
    /// How far it has come.
    pub state: DigestState,
    /// When it came to that.
    pub at: Timestamp,
    /// Where it was going.
    pub via: Option<String>,
    /// The name of its file, where that is a folder.
    pub name: Option<String>,
}

/// How many entries of a rule ended like this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The rule's id.
    pub rule: String,
    /// The audience's word, as the ledger has it.
    pub audience: String,
    /// The class's word.
    pub class: String,
    /// What became of them.
    pub outcome: Outcome,
    /// Why.
    pub reason: Option<Reason>,
    /// How many.
    pub entries: u64,
}

/// Who came back, as it is asked.
#[derive(Debug, Clone, Copy)]
pub struct Returns<'a> {
    /// After this rule's letter.
    pub rule: &'a str,
    /// With an event of one of these kinds.
    pub kinds: &'a [String],
    /// Within so many days of it.
    pub within_days: u16,
    /// Between these moments, the second not included, …
    pub between: (Timestamp, Timestamp),
    /// … which are in these civil days; an event without a time belongs to its day, and the last
    /// day isn't over yet.
    pub days: (Date, Date),
}

/// What of the ledger ended between two moments and stayed so, by rule. Goes by the histories, which
/// know when: what was due before and waited is told when it left.
pub(super) const ENDED: &str = concat!(
    "SELECT l.rule, l.audience, l.class, l.outcome, l.reason, COUNT(*) FROM \
     (SELECT DISTINCT ",
    unindexed!("h.entry"),
    " AS entry, h.outcome FROM history h WHERE h.seq > ",
    line_before!("$3"),
    " AND h.at >= $1 AND h.at < $2 \
       AND h.outcome IN ('sent', 'skipped', 'rejected', 'expired', 'unknown')) AS step \
     CROSS JOIN ledger l WHERE l.number = step.entry AND l.outcome = step.outcome \
     GROUP BY l.rule, l.audience, l.class, l.outcome, l.reason"
);

/// Whose letter was followed by a first contact in the time asked about. Letters that are older than
/// a contact may be late aren't looked at.
pub(super) const BACK: &str = concat!(
    "SELECT DISTINCT l.customer FROM ledger l WHERE l.rule = $1 AND l.due_day >= $5 \
       AND l.outcome = 'sent' AND l.sent_at < $4 \
       AND EXISTS (SELECT 1 FROM event v WHERE v.customer_id = l.customer AND ",
    unindexed!("v.kind"),
    " IN ",
    texts!("$2"),
    " AND ((v.at IS NOT NULL AND v.at >= $3 AND v.at < $4 AND v.at > l.sent_at \
             AND v.at <= l.sent_at + $6 * $7) \
           OR (v.at IS NULL AND v.day >= $8 AND v.day < $9 AND v.day > l.sent_at / $7 \
             AND v.day <= l.sent_at / $7 + $6))) \
       AND NOT EXISTS (SELECT 1 FROM event w WHERE w.customer_id = l.customer AND ",
    unindexed!("w.kind"),
    " IN ",
    texts!("$2"),
    " AND ((w.at IS NOT NULL AND w.at > l.sent_at AND w.at < $3) \
           OR (w.at IS NULL AND w.day > l.sent_at / $7 AND w.day < $8))) \
     ORDER BY l.customer"
);

impl Store {
    /// The last letters of a week that ended by this moment, one a reader; none where there were
    /// none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn last_digests(&self, by: Timestamp) -> Result<Vec<Digest>, StoreError> {
        self.digests(
            "SELECT until, asked, reader, since, state, at, via, name FROM digest \
             WHERE asked = 0 AND until = (SELECT MAX(until) FROM digest \
                 WHERE asked = 0 AND until <= $1) ORDER BY reader",
            by,
        )
        .await
    }

    /// The letter that was handed over last, asked for or not.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn last_digest_handed_over(&self) -> Result<Option<Digest>, StoreError> {
        let found = self.digests(
            "SELECT until, asked, reader, since, state, at, via, name FROM digest \
             WHERE state IN ('sent', 'unknown') AND at <= $1 ORDER BY at DESC LIMIT 1",
            Timestamp::MAX,
        );
        Ok(found.await?.pop())
    }

    /// The letters of before this moment of which a copy may be kept in a folder.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn digest_copies(&self, before: Timestamp) -> Result<Vec<Digest>, StoreError> {
        self.digests(
            "SELECT until, asked, reader, since, state, at, via, name FROM digest \
             WHERE name IS NOT NULL AND at < $1 ORDER BY until, asked, reader",
            before,
        )
        .await
    }

    async fn digests(&self, text: &'static str, by: Timestamp) -> Result<Vec<Digest>, StoreError> {
        let read = async {
            sqlx::query(text)
                .bind(by.as_millisecond())
                .fetch_all(self.reader())
                .await?
                .iter()
                .map(digest)
                .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// Keeps how far a letter has come.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep_digest(&self, digest: &Digest) -> Result<(), StoreError> {
        let done = sqlx::query(
            "INSERT INTO digest (until, asked, reader, since, state, at, via, name) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (until, asked, reader) DO UPDATE \
             SET state = excluded.state, at = excluded.at, via = excluded.via, name = excluded.name",
        )
        .bind(digest.until.as_millisecond())
        .bind(i64::from(digest.asked))
        .bind(&digest.reader)
        .bind(digest.since.as_millisecond())
        .bind(digest.state.as_str())
        .bind(digest.at.as_millisecond())
        .bind(&digest.via)
        .bind(&digest.name)
        .execute(&self.inner.writer)
        .await;
        done.map(drop).map_err(|error| self.trouble(error))
    }

    /// Since when weeks are told of: the moment at which this was first asked, which is now where
    /// it never was.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn digest_begins(&self, now: Timestamp) -> Result<Timestamp, StoreError> {
        let read = "SELECT CAST(value AS BIGINT) FROM meta WHERE key = 'digest-begins'";
        let known: Result<Option<i64>, _> =
            sqlx::query_scalar(read).fetch_optional(self.reader()).await;
        let known = known.map_err(|error| self.trouble(error))?;
        if let Some(known) = known {
            return super::columns::moment_of(known).map_err(|error| self.trouble(error));
        }
        let done = sqlx::query(
            "INSERT INTO meta (key, value) VALUES ('digest-begins', CAST($1 AS TEXT)) \
             ON CONFLICT (key) DO NOTHING",
        )
        .bind(now.as_millisecond())
        .execute(&self.inner.writer)
        .await;
        done.map_err(|error| self.trouble(error))?;
        Ok(now)
    }

    /// What ended between two moments, the second not included.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ended_between(
        &self,
        (since, until): (Timestamp, Timestamp),
    ) -> Result<Vec<Ended>, StoreError> {
        let since = since.as_millisecond();
        let read = async {
            sqlx::query(ENDED)
                .bind(since)
                .bind(until.as_millisecond())
                .bind(since.saturating_sub(SLACK))
                .fetch_all(self.reader())
                .await?
                .iter()
                .map(|row| {
                    let columns = &mut Columns::of(row);
                    Ok(Ended {
                        rule: columns.text()?,
                        audience: columns.text()?,
                        class: columns.text()?,
                        outcome: columns.parsed(Outcome::parse)?,
                        reason: columns.maybe_parsed(Reason::parse)?,
                        entries: columns.small()?,
                    })
                })
                .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// The customers who came back after a rule's letter: those whose first contact after it fell
    /// between two moments.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn came_back(&self, asked: &Returns<'_>) -> Result<Vec<String>, StoreError> {
        let (since, until) = asked.between;
        let (first, last) = asked.days;
        // Letters may leave a while after they were due; a month covers what `late` allows at most
        // for what is worth telling.
        let oldest = day_number(first) - i64::from(asked.within_days) - 31;
        let read = async {
            sqlx::query_scalar(BACK)
                .bind(asked.rule)
                .bind(json(asked.kinds)?)
                .bind(since.as_millisecond())
                .bind(until.as_millisecond())
                .bind(oldest)
                .bind(i64::from(asked.within_days))
                .bind(DAY)
                .bind(day_number(first))
                .bind(day_number(last))
                .fetch_all(self.reader())
                .await
        };
        read.await.map_err(|error: sqlx::Error| self.trouble(error))
    }
}

/// Copies of weekly letters may name whoever is forgotten, so all that are kept go, too; how many.
pub(super) async fn queue_copies(tx: &mut Connection) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "INSERT INTO erasing (folder, name) SELECT via, name FROM digest \
         WHERE name IS NOT NULL AND via IS NOT NULL ON CONFLICT (folder, name) DO NOTHING",
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query("UPDATE digest SET name = NULL WHERE name IS NOT NULL")
        .execute(tx)
        .await?;
    Ok(done.rows_affected())
}

fn digest(row: &Row) -> sqlx::Result<Digest> {
    let columns = &mut Columns::of(row);
    Ok(Digest {
        until: columns.moment()?,
        asked: columns.flag()?,
        reader: columns.text()?,
        since: columns.moment()?,
        state: columns.parsed(DigestState::parse)?,
        at: columns.moment()?,
        via: columns.maybe_text()?,
        name: columns.maybe_text()?,
    })
}
