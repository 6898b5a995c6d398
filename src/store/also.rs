//! What each source said of a customer last, so that a record is compared with its own source's.
//!
//! A source that says the same as ever must not overwrite what another one has said since. The hash of
//! the source that told of a customer first stands in the customer's row, which is all that most
//! businesses need; those of the others stand in a table of their own. May not know how a customer
//! becomes a row.

use std::collections::HashMap;

use super::columns::{json, listed};
use super::customers::TOGETHER;
use super::dialect::{Arguments, Connection, hex_of, insert_many, lists_of, rows, texts, values};
use super::rows::CustomerRow;

/// Columns of a hash beside its source.
const COLUMNS: usize = 2;

/// What the source `$2` said last of a customer `c`, and whether it told of them first.
macro_rules! said_last {
    () => {
        concat!(
            "CASE WHEN c.source = $2 THEN ",
            hex_of!("c.row_hash"),
            " ELSE (SELECT ",
            hex_of!("a.row_hash"),
            " FROM also_told a WHERE a.customer = c.number AND a.source = $2) END, c.source = $2"
        )
    };
}

/// Whether the source `$1` has a customer `c`, as far as it is known.
macro_rules! has_told {
    () => {
        "(c.source = $1 AND c.row_hash IS NOT NULL OR EXISTS (SELECT 1 FROM also_told a \
          WHERE a.customer = c.number AND a.source = $1))"
    };
}
pub(super) use has_told;

/// What is known of a customer who was looked up.
pub(super) struct Known {
    pub(super) number: i64,
    /// What the source said of them last, in hexadecimal digits.
    pub(super) hash: Option<String>,
    /// Whether it is another source that told of them first.
    pub(super) elsewhere: bool,
}

/// What is known of these customers, by their place, and what this source said of them last.
pub(super) async fn look_up(
    tx: &mut Connection,
    source: &str,
    batch: &[CustomerRow],
) -> sqlx::Result<HashMap<usize, Known>> {
    let ids: Vec<&str> = batch.iter().map(|row| &*row.id).collect();
    let list: String = sqlx::query_scalar(concat!(
        "SELECT ",
        lists_of!(concat!("j.key, c.number, ", said_last!())),
        " FROM ",
        rows!("$1"),
        " CROSS JOIN customer c WHERE c.id = j.value"
    ))
    .bind(json(&ids)?)
    .bind(source)
    .fetch_one(tx)
    .await?;
    let found: Vec<(usize, i64, Option<String>, u8)> = listed(&list)?;
    let known = found.into_iter().map(|(place, number, hash, first)| {
        let elsewhere = first == 0;
        let known = Known {
            number,
            hash,
            elsewhere,
        };
        (place, known)
    });
    Ok(known.collect())
}

/// What this source said last of the customers with these numbers.
pub(super) async fn hashes_of(
    tx: &mut Connection,
    source: &str,
    numbers: &[i64],
) -> sqlx::Result<HashMap<i64, Option<String>>> {
    let list: String = sqlx::query_scalar(concat!(
        "SELECT ",
        lists_of!(concat!("c.number, ", said_last!())),
        " FROM customer c WHERE c.number IN ",
        texts!("$1")
    ))
    .bind(json(numbers)?)
    .bind(source)
    .fetch_one(tx)
    .await?;
    let hashes: Vec<(i64, Option<String>, u8)> = listed(&list)?;
    let hashes = hashes.into_iter().map(|(number, hash, _)| (number, hash));
    Ok(hashes.collect())
}

/// Notes what a source that wasn't the first said of customers.
pub(super) async fn note(
    tx: &mut Connection,
    source: &str,
    some: &[CustomerRow],
) -> sqlx::Result<()> {
    use sqlx::Arguments as _;
    let theirs: Vec<&CustomerRow> = some.iter().filter(|row| row.elsewhere).collect();
    if theirs.is_empty() {
        return Ok(());
    }
    let text = format!(
        "{} (source, customer, row_hash) SELECT ?, v.* FROM {} WHERE true \
         ON CONFLICT (customer, source) DO UPDATE SET row_hash = excluded.row_hash",
        insert_many!("also_told"),
        values(std::iter::repeat_n(false, COLUMNS), theirs.len())
    );
    let mut arguments = Arguments::default();
    let bound = arguments.add(source.to_owned()).and_then(|()| {
        theirs.iter().try_for_each(|row| {
            arguments.add(row.number)?;
            arguments.add(row.hash.clone())
        })
    });
    bound.map_err(sqlx::Error::Encode)?;
    sqlx::query_with(sqlx::AssertSqlSafe(text), arguments)
        .persistent(theirs.len() == TOGETHER)
        .execute(tx)
        .await?;
    Ok(())
}
