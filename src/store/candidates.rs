//! Candidates: whom a rule may concern, found by an index.
//!
//! May return too many, never too few: the decision about each is made elsewhere, from the view.
//! Every answer is in the order of ids.
//!
//! Of `news`, who was touched, joins are CROSS JOINs: SQLite then begins with the few who were touched. Left to
//! itself, it walked through everybody on every pass.

use jiff::civil::Date;

use super::columns::{day_number, json, nonsense};
use super::dialect::{list_of, texts, unindexed};
use super::rows::month_day;
use super::{Store, StoreError};

/// Events are found by their UTC day, which is at most one day off from the civil day anywhere.
const ZONE_SLACK: i64 = 1;

/// A window of this many days holds every day of the year.
const WHOLE_YEAR: i32 = 366;

/// A range of days of the year that nothing lies in.
const NONE: (i64, i64) = (1, 0);

impl Store {
    /// Everybody.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn everyone(&self, only_touched: bool) -> Result<Vec<String>, StoreError> {
        let text = if only_touched {
            "SELECT c.id FROM news t CROSS JOIN customer c \
             WHERE c.number = t.customer ORDER BY c.id"
        } else {
            "SELECT id FROM customer ORDER BY id"
        };
        self.ids(sqlx::query_scalar(in_one_row(text))).await
    }

    /// Customers for whom this field's day of the year lies in the window, in whatever year:
    /// `birthday`, `joined_on` or `attr.<name>`. Those of 29 February come with 28 February and
    /// with 1 March. Birthdays are those of the records and those that customers told.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn with_anniversary(
        &self,
        field: &str,
        (from_day, to_day): (Date, Date),
        only_touched: bool,
    ) -> Result<Vec<String>, StoreError> {
        let text = if only_touched {
            // By customer, not by day: few are touched.
            concat!(
                "SELECT c.id FROM news t CROSS JOIN customer_date d CROSS JOIN customer c \
                 WHERE d.customer = t.customer AND c.number = d.customer AND d.field = $1 AND (",
                unindexed!("d.month_day"),
                " BETWEEN $2 AND $3 OR ",
                unindexed!("d.month_day"),
                " BETWEEN $4 AND $5 OR ",
                unindexed!("d.month_day"),
                " BETWEEN $6 AND $7) \
                 UNION SELECT c.id FROM news t CROSS JOIN customer c CROSS JOIN preference w \
                 WHERE $1 = 'birthday' AND c.number = t.customer AND w.customer_id = c.id \
                   AND w.birthday IS NOT NULL ORDER BY 1"
            )
        } else {
            "SELECT c.id FROM (SELECT customer FROM customer_date \
                 WHERE field = $1 AND month_day BETWEEN $2 AND $3 \
             UNION SELECT customer FROM customer_date \
                 WHERE field = $1 AND month_day BETWEEN $4 AND $5 \
             UNION SELECT customer FROM customer_date \
                 WHERE field = $1 AND month_day BETWEEN $6 AND $7) AS d \
             CROSS JOIN customer c WHERE c.number = d.customer \
             UNION SELECT customer_id FROM preference WHERE $1 = 'birthday' AND \
                 (birthday BETWEEN $2 AND $3 OR birthday BETWEEN $4 AND $5 \
                  OR birthday BETWEEN $6 AND $7) ORDER BY 1"
        };
        let mut query = sqlx::query_scalar(in_one_row(text)).bind(field);
        for (first, last) in days_of_year(from_day, to_day) {
            query = query.bind(first).bind(last);
        }
        self.ids(query).await
    }

    /// Customers for whom this field lies in the window, year and all.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn with_date(
        &self,
        field: &str,
        (from_day, to_day): (Date, Date),
        only_touched: bool,
    ) -> Result<Vec<String>, StoreError> {
        let text = if only_touched {
            "SELECT c.id FROM news t CROSS JOIN customer_date d CROSS JOIN customer c \
             WHERE d.customer = t.customer AND c.number = d.customer AND d.field = $1 \
               AND d.year * 10000 + d.month_day BETWEEN $2 AND $3 \
             UNION SELECT c.id FROM news t CROSS JOIN customer c CROSS JOIN preference w \
             WHERE $1 = 'birthday' AND c.number = t.customer AND w.customer_id = c.id \
               AND w.birthday IS NOT NULL ORDER BY 1"
        } else {
            // By the day of the year, for which there is an index, and of those the right year.
            "SELECT c.id FROM (SELECT customer FROM customer_date WHERE field = $1 \
                 AND month_day BETWEEN $4 AND $5 AND year * 10000 + month_day BETWEEN $2 AND $3 \
             UNION SELECT customer FROM customer_date WHERE field = $1 \
                 AND month_day BETWEEN $6 AND $7 AND year * 10000 + month_day BETWEEN $2 AND $3) \
             AS d CROSS JOIN customer c WHERE c.number = d.customer \
             UNION SELECT customer_id FROM preference WHERE $1 = 'birthday' AND \
                 (birthday BETWEEN $4 AND $5 OR birthday BETWEEN $6 AND $7) ORDER BY 1"
        };
        let number = |day: Date| i64::from(day.year()) * 10_000 + month_day(day.month(), day.day());
        let mut query = sqlx::query_scalar(in_one_row(text))
            .bind(field)
            .bind(number(from_day))
            .bind(number(to_day));
        let [early, late, _] = days_of_year(from_day, to_day);
        if !only_touched {
            for (first, last) in [early, late] {
                query = query.bind(first).bind(last);
            }
        }
        self.ids(query).await
    }

    /// Everybody who can be written to.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn with_address(&self, only_touched: bool) -> Result<Vec<String>, StoreError> {
        let text = if only_touched {
            "SELECT c.id FROM news t CROSS JOIN customer c \
             WHERE c.number = t.customer AND c.email IS NOT NULL ORDER BY c.id"
        } else {
            "SELECT id FROM customer WHERE email IS NOT NULL ORDER BY id"
        };
        self.ids(sqlx::query_scalar(in_one_row(text))).await
    }

    /// Customers to whom something of these kinds happened on a day of the window.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn with_event(
        &self,
        kinds: &[String],
        (from_day, to_day): (Date, Date),
        only_touched: bool,
    ) -> Result<Vec<String>, StoreError> {
        let text = if only_touched {
            concat!(
                "SELECT DISTINCT e.customer_id FROM news t CROSS JOIN customer c \
                 CROSS JOIN event e \
                 WHERE c.number = t.customer AND e.customer_id = c.id AND e.day BETWEEN $2 AND $3 AND ",
                unindexed!("e.kind"),
                " IN ",
                texts!("$1"),
                " ORDER BY 1"
            )
        } else {
            concat!(
                "SELECT DISTINCT customer_id FROM event WHERE day BETWEEN $2 AND $3 AND kind IN ",
                texts!("$1"),
                " ORDER BY 1"
            )
        };
        let query = sqlx::query_scalar(in_one_row(text))
            .bind(json(kinds).map_err(|error| self.trouble(error))?)
            .bind(day_number(from_day) - ZONE_SLACK)
            .bind(day_number(to_day) + ZONE_SLACK);
        self.ids(query).await
    }

    /// Customers who were in touch (events of these kinds) on a day of the window and then not
    /// again for about `gap_days`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn silent_since(
        &self,
        kinds: &[String],
        (from_day, to_day): (Date, Date),
        gap_days: i32,
        only_touched: bool,
    ) -> Result<Vec<String>, StoreError> {
        let text = if only_touched {
            concat!(
                "SELECT DISTINCT e.customer_id FROM news t CROSS JOIN customer c \
                 CROSS JOIN event e \
                 WHERE c.number = t.customer AND e.customer_id = c.id AND e.day BETWEEN $2 AND $3 AND ",
                unindexed!("e.kind"),
                " IN ",
                texts!("$1"),
                " AND NOT EXISTS (SELECT 1 FROM event later \
                      WHERE later.customer_id = e.customer_id \
                        AND later.day > e.day AND later.day <= e.day + $4 AND ",
                unindexed!("later.kind"),
                " IN ",
                texts!("$1"),
                ") ORDER BY 1"
            )
        } else {
            concat!(
                "SELECT DISTINCT e.customer_id FROM event e \
                 WHERE e.day BETWEEN $2 AND $3 AND e.kind IN ",
                texts!("$1"),
                " AND NOT EXISTS (SELECT 1 FROM event later \
                      WHERE later.customer_id = e.customer_id \
                        AND later.day > e.day AND later.day <= e.day + $4 AND ",
                unindexed!("later.kind"),
                " IN ",
                texts!("$1"),
                ") ORDER BY 1"
            )
        };
        // A contact on the last day of the gap may come after the occasion, and in UTC days the
        // distance of two civil days of one zone may be one off.
        let gap = (i64::from(gap_days) - 1 - ZONE_SLACK).max(0);
        let query = sqlx::query_scalar(in_one_row(text))
            .bind(json(kinds).map_err(|error| self.trouble(error))?)
            .bind(day_number(from_day) - ZONE_SLACK)
            .bind(day_number(to_day) + ZONE_SLACK)
            .bind(gap);
        self.ids(query).await
    }

    /// Whether something changed about this customer since the planner last looked.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn has_news(&self, customer: &str) -> Result<bool, StoreError> {
        let found: sqlx::Result<Option<bool>> = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM touched t WHERE t.customer = c.number) \
                 OR EXISTS (SELECT 1 FROM arrived a WHERE c.number BETWEEN a.first AND a.last) \
             FROM customer c WHERE c.id = $1",
        )
        .bind(customer)
        .fetch_optional(self.reader())
        .await;
        Ok(found.map_err(|error| self.trouble(error))?.unwrap_or(false))
    }

    /// Customers whom this rule awaits until the day, that day included.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn awaited(&self, rule: &str, until: Date) -> Result<Vec<String>, StoreError> {
        let text = "SELECT customer_id FROM awaited WHERE rule = $1 AND day <= $2 ORDER BY 1";
        let query = sqlx::query_scalar(in_one_row(text))
            .bind(rule)
            .bind(day_number(until));
        self.ids(query).await
    }

    async fn ids(
        &self,
        query: sqlx::query::QueryScalar<'_, sqlx::Sqlite, String, sqlx::sqlite::SqliteArguments>,
    ) -> Result<Vec<String>, StoreError> {
        let read = async {
            let list = query.fetch_one(self.reader()).await?;
            let mut ids: Vec<String> = serde_json::from_str(&list)
                .map_err(|error| nonsense(format!("a list of ids: {error}")))?;
            ids.sort_unstable();
            Ok(ids)
        };
        read.await.map_err(|error| self.trouble(error))
    }
}

/// The statement with all its ids in one row: the driver hands over row by row, which with many
/// takes longer than finding them.
fn in_one_row(text: &'static str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!(
        "WITH found (id) AS ({text}) SELECT {} FROM found",
        list_of!("id")
    ))
}

/// The window as up to three ranges of days of the year: across New Year it is two, and 29
/// February belongs to its neighbours.
fn days_of_year(from_day: Date, to_day: Date) -> [(i64, i64); 3] {
    if from_day > to_day {
        return [NONE; 3];
    }
    let days = day_number(to_day) - day_number(from_day) + 1;
    let (whole, leap) = ((month_day(1, 1), month_day(12, 31)), month_day(2, 29));
    if days >= i64::from(WHOLE_YEAR) {
        return [whole, NONE, NONE];
    }
    let first = month_day(from_day.month(), from_day.day());
    let last = month_day(to_day.month(), to_day.day());
    let [early, late] = if from_day.year() == to_day.year() {
        [(first, last), NONE]
    } else {
        [(first, whole.1), (whole.0, last)]
    };
    let holds = |day| [early, late].iter().any(|(a, b)| (*a..=*b).contains(&day));
    let leap = if holds(month_day(2, 28)) || holds(month_day(3, 1)) {
        (leap, leap)
    } else {
        NONE
    };
    [early, late, leap]
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn windows_of_the_year() {
        let of = |a, b| days_of_year(a, b);
        assert_eq!(
            of(date(2027, 12, 30), date(2028, 1, 2)),
            [(1230, 1231), (101, 102), NONE]
        );
        assert_eq!(
            of(date(2027, 2, 28), date(2027, 2, 28)),
            [(228, 228), NONE, (229, 229)]
        );
        assert_eq!(
            of(date(2027, 3, 1), date(2027, 3, 1)),
            [(301, 301), NONE, (229, 229)]
        );
        assert_eq!(of(date(2027, 5, 2), date(2027, 5, 1)), [NONE; 3]);
        assert_eq!(
            of(date(2027, 1, 1), date(2028, 1, 1)),
            [(101, 1231), NONE, NONE]
        );
    }

    proptest! {
        /// Every day that lies in the window is found, whatever the window.
        #[test]
        fn no_day_is_missed(start in 0_i32..20_000, length in 0_i32..800, at in 0_i32..800) {
            let from = date(1990, 1, 1).checked_add(start.days()).unwrap();
            let to = from.checked_add(length.days()).unwrap();
            let day = from.checked_add((at % (length + 1)).days()).unwrap();
            let found = days_of_year(from, to)
                .iter()
                .any(|(a, b)| (*a..=*b).contains(&month_day(day.month(), day.day())));
            prop_assert!(found, "{day} in {from}..={to}");
        }
    }
}
