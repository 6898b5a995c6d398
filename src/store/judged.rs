//! What was found wrong with the records when somebody last looked, source by source: looking takes long
//! where there are many, so it is kept.
//!
//! May not judge, nor look at a customer.

use jiff::Timestamp;

use super::columns::{Columns, json, nonsense};
use super::{Store, StoreError};

/// One thing found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// A word for machines, such as `birthday-spike`.
    pub kind: String,
    /// How many customers it is about …
    pub customers: u64,
    /// … of how many.
    pub of: u64,
    /// A sentence, or how it goes on after the number.
    pub words: String,
    /// The ids of a few of them.
    pub examples: Vec<String>,
}

/// What was found in one source's records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The source.
    pub source: String,
    /// When.
    pub at: Timestamp,
    /// The [`super::SourceMark::applied_at`] that the source had before somebody looked.
    pub news: Option<Timestamp>,
    /// What, in the order in which it was told.
    pub found: Vec<Found>,
}

impl Store {
    /// Keeps what was found in a source's records, instead of what was kept before.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep_judged(&self, judged: &Judged) -> Result<(), StoreError> {
        let write = async {
            let mut tx = self.begin().await?;
            sqlx::query("DELETE FROM judged WHERE source = $1")
                .bind(&judged.source)
                .execute(&mut *tx)
                .await?;
            for (place, one) in (0_i64..).zip(&judged.found) {
                sqlx::query(
                    "INSERT INTO judged (source, place, at, kind, customers, of_all, words, \
                         examples, news) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                )
                .bind(&judged.source)
                .bind(place)
                .bind(judged.at.as_millisecond())
                .bind(&one.kind)
                .bind(one.customers.cast_signed())
                .bind(one.of.cast_signed())
                .bind(&one.words)
                .bind(json(&one.examples)?)
                .bind(judged.news.map(Timestamp::as_millisecond))
                .execute(&mut *tx)
                .await?;
            }
            tx.commit().await
        };
        write
            .await
            .map_err(|error: sqlx::Error| self.trouble(error))
    }

    /// What is kept, by source.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn judged(&self) -> Result<Vec<Judged>, StoreError> {
        let read = async {
            let rows = sqlx::query(
                "SELECT source, at, news, kind, customers, of_all, words, examples FROM judged \
                 ORDER BY source, place",
            )
            .fetch_all(self.reader())
            .await?;
            let mut all: Vec<Judged> = Vec::new();
            for row in &rows {
                let columns = &mut Columns::of(row);
                let (source, at, news) =
                    (columns.text()?, columns.moment()?, columns.maybe_moment()?);
                let found = Found {
                    kind: columns.text()?,
                    customers: columns.small()?,
                    of: columns.small()?,
                    words: columns.text()?,
                    examples: serde_json::from_str(&columns.text()?)
                        .map_err(|error| nonsense(format!("a list of ids: {error}")))?,
                };
                match all.last_mut().filter(|last| last.source == source) {
                    Some(last) => last.found.push(found),
                    None => all.push(Judged {
                        source,
                        at,
                        news,
                        found: vec![found],
                    }),
                }
            }
            Ok(all)
        };
        read.await.map_err(|error: sqlx::Error| self.trouble(error))
    }
}
