//! The ledger page by page, for people who leaf through it: however long it is, a page costs about
//! the same.
//!
//! Pages go by key, never by `OFFSET`. Where an index leads to just what is wanted, a page reads its own
//! entries and no more; a page that looks for something rare along an index looks through a few at
//! first, then through more ([`SPANS`]), and then gives up and says where to go on. Nothing is counted as a whole. May not change anything.

use jiff::Timestamp;
use jiff::civil::Date;

use super::columns::{Columns, day_number, json};
use super::dialect::{Connection, Row};
use super::glances::{QUEUED, at_most};
use super::ledger::entry_of;
use super::page_ways::{Way, bounds, way};
use super::{Entry, Store, StoreError};
use crate::model::Outcome;

/// Entries that one page looks through, where no index leads to what is wanted: mostly the first few hold
/// enough of it, and a page that finds none is answered soon nevertheless.
const SPANS: [i64; 2] = [500, 1_500];
/// As long as no more than this wait, a page of them looks at each; when more do, it soon meets some
/// on its way through all that was due.
const FEW_WAIT: i64 = 5_000;

/// Which outcomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Which {
    /// All there are.
    #[default]
    Any,
    /// Only this one.
    One(Outcome),
    /// What goes on by itself: planned, deferred or on its way.
    Waiting,
    /// What failed for good: refused or given up.
    Failed,
}

impl Which {
    /// Those of [`Which::Waiting`].
    pub const WAITING: &'static [Outcome] =
        &[Outcome::Planned, Outcome::Deferred, Outcome::Sending];
    /// Those of [`Which::Failed`].
    pub const FAILED: &'static [Outcome] = &[Outcome::Rejected, Outcome::Expired];

    /// The outcomes' words as a list; nothing for all.
    fn words(self) -> sqlx::Result<Option<String>> {
        let some = match &self {
            Self::Any => return Ok(None),
            Self::One(one) => std::slice::from_ref(one),
            Self::Waiting => Self::WAITING,
            Self::Failed => Self::FAILED,
        };
        let words: Vec<&str> = some.iter().map(|one| one.as_str()).collect();
        json(&words).map(Some)
    }
}

/// Which entries; all where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of this customer.
    pub customer: Option<String>,
    /// Of this rule.
    pub rule: Option<String>,
    /// With one of these outcomes.
    pub which: Which,
    /// Due on this civil day where they are due.
    pub day: Option<Date>,
    /// Decided from this moment on, and before that one.
    pub decided: Option<(Timestamp, Timestamp)>,
}

/// A place between two entries of a listing; good only for the same [`Wanted`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    key: i64,
    number: i64,
}

impl Place {
    /// Before everything.
    const START: Self = Self {
        key: i64::MAX,
        number: i64::MAX,
    };

    /// Before what was due at this moment: good where neither a rule nor a customer is wanted.
    pub fn at(moment: Timestamp) -> Self {
        Self {
            key: moment.as_millisecond(),
            number: i64::MAX,
        }
    }

    /// Reads back what it is written as.
    pub fn parse(text: &str) -> Option<Self> {
        let (key, number) = text.split_once('.')?;
        Some(Self {
            key: key.parse().ok()?,
            number: number.parse().ok()?,
        })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.key, self.number)
    }
}

/// Some entries, the latest due first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Where it goes on, if it may. The next page may be empty.
    pub next: Option<Place>,
}

impl Wanted {
    /// Whether the index of its way leads to just what is wanted.
    fn is_found_by(&self, way: Way) -> bool {
        let Self {
            customer,
            rule,
            which,
            day,
            decided,
        } = self;
        let all = customer.is_none() && *which == Which::Any && decided.is_none();
        match way {
            Way::Straight(_) => true,
            Way::Along(_, _, true) => all,
            Way::Along(_, _, false) => all && rule.is_none() && day.is_none(),
        }
    }
}

impl Store {
    /// At most so many entries from this place on, the latest due first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ledger_page(
        &self,
        wanted: &Wanted,
        from: Option<Place>,
        limit: u16,
    ) -> Result<Page, StoreError> {
        self.read_page(wanted, from, i64::from(limit.max(1)))
            .await
            .map_err(|error| self.trouble(error))
    }

    async fn read_page(
        &self,
        wanted: &Wanted,
        from: Option<Place>,
        limit: i64,
    ) -> sqlx::Result<Page> {
        let mut tx = self.reader().begin().await?;
        let few_wait = match wanted.which {
            Which::Waiting | Which::One(Outcome::Planned | Outcome::Deferred) => {
                at_most(&mut tx, QUEUED, FEW_WAIT + 1).await? <= FEW_WAIT
            }
            Which::Any | Which::Failed | Which::One(_) => false,
        };
        let way = way(wanted, few_wait);
        let (least, most) = bounds(way, wanted.day);
        let mut from = from.unwrap_or(Place::START);
        if from.key > most {
            from = Place {
                key: most,
                number: i64::MAX,
            };
        }
        let limit = usize::try_from(limit).unwrap_or(1);
        let (text, bottom) = match way {
            Way::Straight(text) => (text, None),
            Way::Along(text, bottom, _) => (text, Some(bottom)),
        };
        let Some(bottom) = bottom.filter(|_| !wanted.is_found_by(way)) else {
            let span = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
            let asked = (from, least, span, limit + 1);
            let mut found = entries(&mut tx, (text, way), wanted, asked).await?;
            let more = found.len() > limit;
            found.truncate(limit);
            return Ok(Page::of(found, more));
        };
        let mut found = Vec::new();
        for span in SPANS {
            let end = bottom_of(&mut tx, bottom, (from, least, span), wanted).await?;
            let Some(end) = end else { break };
            let asked = (from, least, span, limit + 1 - found.len());
            found.extend(entries(&mut tx, (text, way), wanted, asked).await?);
            if found.len() > limit {
                found.truncate(limit);
                return Ok(Page::of(found, true));
            }
            from = end;
        }
        // Not enough by here; whether there is anything behind it, nobody has looked at yet.
        let beyond = bottom_of(&mut tx, bottom, (from, least, 1), wanted).await?;
        Ok(Page {
            next: beyond.map(|_| from),
            ..Page::of(found, false)
        })
    }
}

impl Page {
    fn of(found: Vec<(Entry, Place)>, more: bool) -> Self {
        Self {
            next: found.last().filter(|_| more).map(|(_, place)| *place),
            entries: found.into_iter().map(|(entry, _)| entry).collect(),
        }
    }
}

/// At most so many entries after a place, down to a key, of so many that are looked through.
async fn entries(
    tx: &mut Connection,
    (text, way): (&'static str, Way),
    wanted: &Wanted,
    (from, least, span, most): (Place, i64, i64, usize),
) -> sqlx::Result<Vec<(Entry, Place)>> {
    let rows = sqlx::query(text)
        .bind(from.key)
        .bind(from.number)
        .bind(least)
        .bind(span)
        .bind(&wanted.rule)
        .bind(&wanted.customer)
        .bind(wanted.which.words()?)
        .bind(wanted.day.map(day_number))
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .bind(wanted.decided.map(|(from, _)| from.as_millisecond()))
        .bind(wanted.decided.map(|(_, until)| until.as_millisecond()))
        .fetch_all(tx)
        .await?;
    let by_day = matches!(way, Way::Along(_, _, true));
    rows.iter().map(|row| placed(row, by_day)).collect()
}

/// The last of so many entries from a place on.
async fn bottom_of(
    tx: &mut Connection,
    text: &'static str,
    (from, least, span): (Place, i64, i64),
    wanted: &Wanted,
) -> sqlx::Result<Option<Place>> {
    let row = sqlx::query(text)
        .bind(from.key)
        .bind(from.number)
        .bind(least)
        .bind(span)
        .bind(&wanted.rule)
        .fetch_optional(tx)
        .await?;
    let place = |row: &Row| {
        let columns = &mut Columns::of(row);
        Ok(Place {
            key: columns.number()?,
            number: columns.number()?,
        })
    };
    row.as_ref().map(place).transpose()
}

fn placed(row: &Row, by_day: bool) -> sqlx::Result<(Entry, Place)> {
    let columns = &mut Columns::of(row);
    let entry = entry_of(columns)?;
    let key = if by_day {
        day_number(entry.occasion.day)
    } else {
        entry.occasion.due_at.as_millisecond()
    };
    let number = columns.number()?;
    Ok((entry, Place { key, number }))
}
