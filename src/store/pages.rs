//! The ledger page by page, for people who leaf through it: however long it is, a page costs about
//! the same.
//!
//! Pages go by key, never by `OFFSET`. Where an index leads to just what is wanted, a page reads its own
//! entries and no more; a page that looks for something rare along an index looks through a few at
//! first, then through more ([`SPANS`]), and then gives up and says where to go on. Nothing is counted as a whole. May not change anything.

use jiff::civil::Date;

use super::columns::{Columns, day_number};
use super::dialect::{Connection, Row};
use super::ledger::{entry_columns, entry_of};
use super::{Entry, Store, StoreError};
use crate::model::Outcome;

/// Entries that one page looks through, where no index leads to what is wanted: mostly the first few hold
/// enough of it, and a page that finds none is answered soon nevertheless.
const SPANS: [i64; 2] = [500, 1_500];
const DAY_MILLISECONDS: i64 = 24 * 60 * 60 * 1000;

/// Which entries; all where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of this customer.
    pub customer: Option<String>,
    /// Of this rule.
    pub rule: Option<String>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// Due on this civil day where they are due.
    pub day: Option<Date>,
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
    pub fn at(moment: jiff::Timestamp) -> Self {
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

/// Those of an index that leads to few.
macro_rules! page {
    ($key:literal, $found:literal) => {
        concat!(
            "SELECT ",
            entry_columns!(),
            ", number FROM ledger WHERE ",
            $found,
            " AND ",
            $key,
            " <= $1 AND (",
            $key,
            " < $1 OR number < $2) AND ",
            $key,
            " >= $3 AND CAST($4 AS BIGINT) IS NOT NULL \
              AND (CAST($5 AS TEXT) IS NULL OR rule = $5) \
              AND (CAST($6 AS TEXT) IS NULL OR customer = $6) \
              AND (CAST($7 AS TEXT) IS NULL OR outcome = $7) \
              AND (CAST($8 AS BIGINT) IS NULL OR due_day = $8) ORDER BY ",
            $key,
            " DESC, number DESC LIMIT $9"
        )
    };
}

/// So many entries from a place on, from the index alone. What is due at the same moment may be a
/// hundred thousand letters: their numbers are a part of the search, not a condition that each is
/// tried by.
macro_rules! span {
    ($key:literal, $found:literal) => {
        concat!(
            "SELECT number, key FROM (\
             SELECT number, ",
            $key,
            " AS key FROM ledger WHERE ",
            $found,
            " AND ",
            $key,
            " = $1 AND number < $2 UNION ALL SELECT number, ",
            $key,
            " AS key FROM ledger WHERE ",
            $found,
            " AND ",
            $key,
            " < $1 AND ",
            $key,
            " >= $3 ORDER BY key DESC, number DESC LIMIT $4) AS span"
        )
    };
}

/// Those of a span that are wanted.
macro_rules! along {
    ($key:literal, $found:literal) => {
        concat!(
            "SELECT ",
            entry_columns!(),
            ", number FROM ledger WHERE number IN (SELECT number FROM (",
            span!($key, $found),
            ") AS numbers) \
              AND (CAST($5 AS TEXT) IS NULL OR rule = $5) \
              AND (CAST($6 AS TEXT) IS NULL OR customer = $6) \
              AND (CAST($7 AS TEXT) IS NULL OR outcome = $7) \
              AND (CAST($8 AS BIGINT) IS NULL OR due_day = $8) ORDER BY ",
            $key,
            " DESC, number DESC LIMIT $9"
        )
    };
}

/// The last entry of a span.
macro_rules! bottom {
    ($key:literal, $found:literal) => {
        concat!(
            "SELECT key, number FROM (",
            span!($key, $found),
            ") AS whole ORDER BY key, number LIMIT 1"
        )
    };
}

/// Of one customer: few. A plus keeps the database from another index.
pub(super) const BY_CUSTOMER: &str = page!("+due_at", "customer = $6");
/// What needs somebody: few.
pub(super) const BY_OPEN: &str = page!(
    "+due_at",
    "outcome = $7 AND outcome IN ('sending', 'held', 'unknown')"
);
/// What failed, which is rare.
pub(super) const BY_FAILED: &str = page!(
    "due_at",
    "outcome = $7 AND outcome IN ('rejected', 'expired')"
);
pub(super) const BY_RULE: &str = along!("due_day", "rule = $5");
pub(super) const RULE_BOTTOM: &str = bottom!("due_day", "rule = $5");
pub(super) const BY_DUE: &str = along!("due_at", "1 = 1");
pub(super) const DUE_BOTTOM: &str = bottom!("due_at", "1 = 1");

/// By which way the entries are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// One index leads to all of them, and to no others.
    Straight(&'static str),
    /// Along an index, looking at each; with the query for the span's end, and whether its key is a
    /// day's number.
    Along(&'static str, &'static str, bool),
}

fn way(wanted: &Wanted) -> Way {
    match wanted {
        Wanted {
            customer: Some(_), ..
        } => Way::Straight(BY_CUSTOMER),
        Wanted { rule: Some(_), .. } => Way::Along(BY_RULE, RULE_BOTTOM, true),
        Wanted {
            outcome: Some(Outcome::Held | Outcome::Unknown | Outcome::Sending),
            ..
        } => Way::Straight(BY_OPEN),
        Wanted {
            outcome: Some(Outcome::Rejected | Outcome::Expired),
            ..
        } => Way::Straight(BY_FAILED),
        Wanted { .. } => Way::Along(BY_DUE, DUE_BOTTOM, false),
    }
}

impl Wanted {
    /// Whether the index of its way leads to just what is wanted.
    fn is_found_by(&self, way: Way) -> bool {
        let Self {
            customer,
            rule,
            outcome,
            day,
        } = self;
        match way {
            Way::Straight(_) => true,
            Way::Along(_, _, true) => customer.is_none() && outcome.is_none(),
            Way::Along(_, _, false) => {
                customer.is_none() && rule.is_none() && outcome.is_none() && day.is_none()
            }
        }
    }
}

/// The keys between which a day's entries lie.
fn bounds(way: Way, day: Option<Date>) -> (i64, i64) {
    let Some(day) = day.map(day_number) else {
        return (i64::MIN, i64::MAX);
    };
    match way {
        Way::Along(_, _, true) => (day, day),
        // Somewhere it is that day; and a letter without an hour may be due on it anywhere.
        Way::Along(_, _, false) | Way::Straight(_) => {
            ((day - 2) * DAY_MILLISECONDS, (day + 3) * DAY_MILLISECONDS)
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
        let way = way(wanted);
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
        .bind(wanted.outcome.map(Outcome::as_str))
        .bind(wanted.day.map(day_number))
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
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
