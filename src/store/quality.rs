//! All customers, some at a time, and what several of them share: for whoever judges the records.
//!
//! Each question takes little memory, however many customers there are. May not judge.

use super::columns::{Columns, json, lists, nonsense};
use super::dialect::{list_of, lists_of, rows, texts};
use super::rows::{customer_columns, read_customer};
use super::{Store, StoreError};
use crate::model::Customer;

/// Customers that are handed over at a time.
const SOME: i64 = 1_000;
/// Addresses that are looked through at a time, so that no question takes long.
const ADDRESSES: i64 = 20_000;
/// No address comes behind it.
const BEHIND_ALL: &str = "\u{10ffff}";
/// Examples of a shared thing.
const EXAMPLES: i64 = 3;

/// Things that several customers share.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SharedBy {
    /// How many things.
    pub things: u64,
    /// How many customers.
    pub customers: u64,
    /// Ids of a few of them.
    pub examples: Vec<String>,
}

impl SharedBy {
    /// Adds what another question found; a few examples are enough.
    pub fn add(&mut self, other: Self) {
        self.things += other.things;
        self.customers += other.customers;
        let room = usize::try_from(2 * EXAMPLES).unwrap_or(0);
        let free = room.saturating_sub(self.examples.len());
        self.examples.extend(other.examples.into_iter().take(free));
    }
}

/// Whether the source `$1` has told of a customer `c`.
macro_rules! of_source {
    () => {
        "(c.source = $1 OR EXISTS (SELECT 1 FROM also_told a \
          WHERE a.customer = c.number AND a.source = $1))"
    };
}

/// A question about addresses behind `$2` up to `$4` that several customers have: how many, of how
/// many customers, and two ids of each of the first `$3`.
macro_rules! shared_addresses {
    ($only:expr) => {
        concat!(
            "WITH g (n, k) AS MATERIALIZED (SELECT COUNT(*), email_key FROM customer c \
                 WHERE email_key > $2 AND email_key <= $4 ",
            $only,
            "GROUP BY email_key HAVING COUNT(*) > 1) \
             SELECT COUNT(*), COALESCE(SUM(n), 0), (SELECT ",
            lists_of!("a, b"),
            " FROM (SELECT (SELECT MIN(id) FROM customer c WHERE email_key = k ",
            $only,
            ") AS a, (SELECT MAX(id) FROM customer c WHERE email_key = k ",
            $only,
            ") AS b FROM g LIMIT $3) AS e) FROM g"
        )
    };
}

/// The beginning of a question about groups: how many, of how many customers, and two ids of each of
/// the first `$3`.
macro_rules! groups {
    ($inner:expr) => {
        concat!(
            "WITH g (n, a, b) AS MATERIALIZED (",
            $inner,
            ") SELECT COUNT(*), COALESCE(SUM(n), 0), (SELECT ",
            lists_of!("a, b"),
            " FROM (SELECT a, b FROM g LIMIT $3) AS e) FROM g"
        )
    };
}

impl Store {
    /// The next customers after this number, with the number of the last of them; none when there are
    /// no more. Only those of this source, where one is named. Who asked to be forgotten isn't there.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn some_customers(
        &self,
        source: Option<&str>,
        after: i64,
    ) -> Result<Option<(i64, Vec<Customer>)>, StoreError> {
        let read = async {
            let (last, found): (Option<i64>, String) = sqlx::query_as(concat!(
                "SELECT MAX(c.number), ",
                lists_of!(customer_columns!()),
                " FROM (SELECT c.* FROM customer c WHERE c.number > $2 AND ($1 IS NULL OR ",
                of_source!(),
                ") ORDER BY c.number LIMIT $3) c"
            ))
            .bind(source)
            .bind(after)
            .bind(SOME)
            .fetch_one(self.reader())
            .await?;
            let Some(last) = last else {
                return Ok(None);
            };
            let customers = lists(&found)?
                .into_iter()
                .map(|row| read_customer(&mut Columns::of_list(row)));
            Ok(Some((last, customers.collect::<sqlx::Result<_>>()?)))
        };
        read.await.map_err(|error| self.trouble(error))
    }

    /// Addresses that several customers have.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn shared_addresses(&self, source: Option<&str>) -> Result<SharedBy, StoreError> {
        let (mut all, mut after) = (SharedBy::default(), String::new());
        loop {
            let end: Option<String> = sqlx::query_scalar(
                "SELECT email_key FROM customer WHERE email_key > $1 \
                 ORDER BY email_key LIMIT 1 OFFSET $2",
            )
            .bind(&after)
            .bind(ADDRESSES)
            .fetch_optional(self.reader())
            .await
            .map_err(|error| self.trouble(error))?;
            let text = if source.is_some() {
                shared_addresses!(concat!("AND ", of_source!(), " "))
            } else {
                // Then the index alone tells.
                shared_addresses!("AND $1 IS NULL ")
            };
            let question = sqlx::query_as(text).bind(source).bind(after);
            let last = end.as_deref().unwrap_or(BEHIND_ALL).to_owned();
            all.add(self.shared(question.bind(EXAMPLES).bind(last)).await?);
            match end {
                Some(end) => after = end,
                None => return Ok(all),
            }
        }
    }

    /// Full names together with dates of birth that several customers have whose birthday is on this
    /// day of the year (`month * 100 + day`), but for these years.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn shared_birthdays(
        &self,
        source: Option<&str>,
        month_day: i64,
        without_years: &[i16],
    ) -> Result<SharedBy, StoreError> {
        let years = json(without_years).map_err(|error| self.trouble(error))?;
        let question = sqlx::query_as(groups!(concat!(
            "SELECT COUNT(*), MIN(c.id), MAX(c.id) FROM customer_date d CROSS JOIN customer c \
             WHERE d.field = 'birthday' AND d.month_day = $4 AND d.year IS NOT NULL \
                 AND d.year NOT IN ",
            texts!("$2"),
            " AND c.number = d.customer AND ($1 IS NULL OR ",
            of_source!(),
            ") AND c.first_name IS NOT NULL AND c.last_name IS NOT NULL \
             GROUP BY d.year, LOWER(c.first_name), LOWER(c.last_name) HAVING COUNT(*) > 1"
        )));
        let question = question.bind(source).bind(years).bind(EXAMPLES);
        self.shared(question.bind(month_day)).await
    }

    /// Which of these addresses (as compared) somebody has.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn known_addresses(&self, keys: &[String]) -> Result<Vec<String>, StoreError> {
        let read = async {
            let list: String = sqlx::query_scalar(concat!(
                "WITH found (k) AS (SELECT DISTINCT c.email_key FROM ",
                rows!("$1"),
                " CROSS JOIN customer c WHERE c.email_key = j.value) SELECT ",
                list_of!("k"),
                " FROM found"
            ))
            .bind(json(keys)?)
            .fetch_one(self.reader())
            .await?;
            serde_json::from_str(&list)
                .map_err(|error| nonsense(format!("a list of addresses: {error}")))
        };
        read.await.map_err(|error| self.trouble(error))
    }

    async fn shared(&self, question: Question<'_>) -> Result<SharedBy, StoreError> {
        let read = async {
            let (things, customers, pairs) = question.fetch_one(self.reader()).await?;
            let pairs: Vec<(String, String)> = serde_json::from_str(&pairs)
                .map_err(|error| nonsense(format!("a list of pairs: {error}")))?;
            Ok(SharedBy {
                things: things.cast_unsigned(),
                customers: customers.cast_unsigned(),
                examples: pairs.into_iter().flat_map(|(a, b)| [a, b]).collect(),
            })
        };
        read.await.map_err(|error| self.trouble(error))
    }
}

/// A question about groups: how many, of how many, and examples as text.
type Question<'q> =
    sqlx::query::QueryAs<'q, sqlx::Sqlite, (i64, i64, String), sqlx::sqlite::SqliteArguments>;
