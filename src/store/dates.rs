//! The dates of customers by which anniversaries are found.
//!
//! May not know which of them a rule asks for.

use super::columns::json;
use super::customers::TOGETHER;
use super::dialect::{Arguments, Connection, insert_many, texts, values};
use super::rows::CustomerRow;
use crate::model::Told;

/// Columns of a date beside its field.
const DATE_COLUMNS: usize = 3;

/// A date as it is written: whose, the year, the day of the year.
pub(super) type DateRow = (i64, Option<i16>, i64);

/// Removes the dates that these rows speak of; what they say of them is written anew.
pub(super) async fn forget_dates(
    tx: &mut Connection,
    some: &[CustomerRow],
    told: &Told,
) -> sqlx::Result<()> {
    let numbers: Vec<i64> = some.iter().map(|row| row.number).collect();
    let own = told.attrs().unwrap_or_default();
    let own = own.iter().map(|name| format!("attr.{name}"));
    let named = ["birthday", "joined_on"]
        .into_iter()
        .filter(|field| told.tells(field));
    let fields: Vec<String> = named.map(str::to_owned).chain(own).collect();
    sqlx::query(concat!(
        "DELETE FROM customer_date WHERE customer IN ",
        texts!("$1"),
        " AND ($3 OR field IN ",
        texts!("$2"),
        ")"
    ))
    .bind(json(&numbers)?)
    .bind(json(&fields)?)
    .bind(told.attrs().is_none())
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn write_dates_of(
    tx: &mut Connection,
    field: &str,
    some: &[DateRow],
) -> sqlx::Result<()> {
    let columns = std::iter::repeat_n(false, DATE_COLUMNS);
    let text = format!(
        "{} (field, customer, year, month_day) SELECT ?, v.* FROM {}",
        insert_many!("customer_date"),
        values(columns, some.len())
    );
    let mut arguments = Arguments::default();
    bind(&mut arguments, field.to_owned())?;
    for &(number, year, day) in some {
        bind(&mut arguments, number)?;
        bind(&mut arguments, year)?;
        bind(&mut arguments, day)?;
    }
    sqlx::query_with(sqlx::AssertSqlSafe(text), arguments)
        .persistent(some.len() == TOGETHER)
        .execute(tx)
        .await?;
    Ok(())
}

fn bind<'t, T>(to: &mut Arguments, value: T) -> sqlx::Result<()>
where
    T: sqlx::Encode<'t, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    sqlx::Arguments::add(to, value).map_err(sqlx::Error::Encode)
}
