//! Opinions, as events of the kind `feedback`: page by page, and how many there are of which.
//!
//! May not know what an opinion means.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::columns::{Columns, day_number};
use super::rows::{event_columns, read_event};
use super::{Store, StoreError};
use crate::model::Event;

/// The kind of event that an opinion is.
pub const FEEDBACK: &str = "feedback";

/// A place between two opinions, by which pages go on: day, moment, source and id of the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark(i64, i64, String, String);

impl Mark {
    /// Reads back what it is written as.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(self).unwrap_or_default())
    }
}

/// Some opinions, the latest first.
#[derive(Debug, Clone, PartialEq)]
pub struct OpinionPage {
    /// As events, each with its source.
    pub events: Vec<(Event, String)>,
    /// Where it goes on, if it does.
    pub next: Option<Mark>,
}

/// How often letters of a rule were given a rating.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RatingCount {
    /// The rule, where the opinion names one.
    pub rule: Option<String>,
    /// The rating, rounded.
    pub rating: i64,
    /// How many.
    pub opinions: u64,
}

pub(super) const FEEDBACK_PAGE: &str = concat!(
    "SELECT source, COALESCE(at, -1), day, ",
    event_columns!(),
    " FROM event WHERE kind = 'feedback' AND day <= $1 \
       AND (day, COALESCE(at, -1), source, id) < ($1, $2, $3, $4) \
      ORDER BY day DESC, COALESCE(at, -1) DESC, source DESC, id DESC LIMIT $5"
);

pub(super) const RATINGS: &str = "SELECT attrs->'rule'->>'value' AS rule, \
    CAST(ROUND(attrs->'rating'->>'value') AS BIGINT) AS rating, COUNT(*) FROM event \
    WHERE kind = 'feedback' AND day >= $1 AND attrs->'rating'->>'type' = 'number' \
    GROUP BY 1, 2 ORDER BY 1, 2";

impl Store {
    /// At most so many opinions behind this place, the latest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn opinions(
        &self,
        from: Option<&Mark>,
        limit: u16,
    ) -> Result<OpinionPage, StoreError> {
        let read = async {
            let first = Mark(i64::MAX, i64::MAX, String::new(), String::new());
            let Mark(day, at, source, id) = from.unwrap_or(&first);
            let rows = sqlx::query(FEEDBACK_PAGE)
                .bind(day)
                .bind(at)
                .bind(source)
                .bind(id)
                .bind(i64::from(limit) + 1)
                .fetch_all(self.reader())
                .await?;
            let mut events = Vec::new();
            let mut last = None;
            for row in rows.iter().take(usize::from(limit)) {
                let columns = &mut Columns::of(row);
                let (source, at, day) = (columns.text()?, columns.number()?, columns.number()?);
                let event = read_event(columns)?;
                last = Some(Mark(day, at, source.clone(), event.id.clone()));
                events.push((event, source));
            }
            Ok(OpinionPage {
                events,
                next: last.filter(|_| rows.len() > usize::from(limit)),
            })
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// How many opinions there are from this civil day on, by rule and rating.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ratings(&self, from: Date) -> Result<Vec<RatingCount>, StoreError> {
        let read = async {
            sqlx::query(RATINGS)
                .bind(day_number(from))
                .fetch_all(self.reader())
                .await?
                .iter()
                .map(|row| {
                    let columns = &mut Columns::of(row);
                    Ok(RatingCount {
                        rule: columns.maybe_text()?,
                        rating: columns.number()?,
                        opinions: columns.small()?,
                    })
                })
                .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }
}
