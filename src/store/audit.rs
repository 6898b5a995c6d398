//! Who decided what and when. Rows are only added: the database itself refuses to change one or to
//! take one out.
//!
//! May not know who may do what.

use jiff::Timestamp;

use super::columns::Columns;
use super::dialect::Connection;
use super::{Store, StoreError};

/// One decision of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// Its number; they rise.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// Who: a user of the console, or by which way it came.
    pub who: String,
    /// What they did, in one word: `approve`, `sign-in` …
    pub what: String,
    /// To what: a rule and day, an entry, a user.
    pub subject: String,
}

/// What is noted together with what it does, or not at all.
#[derive(Debug, Clone, Copy)]
pub struct Decision<'a> {
    /// Who decides.
    pub who: &'a str,
    /// What they do, in one word.
    pub what: &'a str,
    /// To what.
    pub subject: &'a str,
}

/// Rows can't be changed, and an entry's id can be worked out from customer and occasion: an entry is
/// noted by its number, as `#7`, so that nothing in here names whoever is forgotten one day.
const NOTE: &str = "INSERT INTO audit (at, who, what, subject) VALUES ($1, $2, $3, \
     COALESCE((SELECT '#' || number FROM ledger WHERE id = $4), $4))";
/// Entries by the ids that they have now. Nobody else's name has a `#`.
const AUDITED: &str = "SELECT a.seq, a.at, a.who, a.what, COALESCE((SELECT l.id FROM ledger l \
         WHERE a.subject LIKE '#%' AND l.number = CAST(SUBSTR(a.subject, 2) AS BIGINT)), a.subject) \
     FROM audit a WHERE a.seq < $1 ORDER BY a.seq DESC LIMIT $2";

/// Notes a decision where it is carried out.
pub(super) async fn note_decision(
    connection: &mut Connection,
    decision: Decision<'_>,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(NOTE)
        .bind(now.as_millisecond())
        .bind(decision.who)
        .bind(decision.what)
        .bind(decision.subject)
        .execute(connection)
        .await
        .map(drop)
}

impl Store {
    /// Notes a decision.
    ///
    /// # Errors
    /// When the store fails; then it isn't noted.
    pub async fn audit(
        &self,
        who: &str,
        (what, subject): (&str, &str),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let decision = Decision { who, what, subject };
        let write = async {
            let mut writer = self.inner.writer.acquire().await?;
            note_decision(&mut writer, decision, now).await
        };
        write.await.map_err(|error| self.trouble(error))
    }

    /// At most so many decisions before the one with this number, the latest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn audited(
        &self,
        before: Option<i64>,
        limit: u16,
    ) -> Result<Vec<Audited>, StoreError> {
        let read = async {
            sqlx::query(AUDITED)
                .bind(before.unwrap_or(i64::MAX))
                .bind(i64::from(limit))
                .fetch_all(self.reader())
                .await?
                .iter()
                .map(|row| {
                    let columns = &mut Columns::of(row);
                    Ok(Audited {
                        number: columns.number()?,
                        at: columns.moment()?,
                        who: columns.text()?,
                        what: columns.text()?,
                        subject: columns.text()?,
                    })
                })
                .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }
}
