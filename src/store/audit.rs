//! Who decided what and when. Rows are only added: the database itself refuses to change one or to
//! take one out.
//!
//! May not know who may do what.

use jiff::Timestamp;

use super::columns::Columns;
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
        let done =
            sqlx::query("INSERT INTO audit (at, who, what, subject) VALUES ($1, $2, $3, $4)")
                .bind(now.as_millisecond())
                .bind(who)
                .bind(what)
                .bind(subject)
                .execute(&self.inner.writer)
                .await;
        done.map(drop).map_err(|error| self.trouble(error))
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
            sqlx::query(
                "SELECT seq, at, who, what, subject FROM audit WHERE seq < $1 \
                 ORDER BY seq DESC LIMIT $2",
            )
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
