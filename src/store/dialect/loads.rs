//! What of SQLite's is set otherwise while a large file is taken in.
//!
//! May not know what the tables mean.

use super::Connection;

/// Kibibytes of page cache, negative by SQLite's convention, while a file is taken in: what doesn't
/// fit is written to the log, read back and written again, and indexes of many customers are large.
const LOAD_CACHE: &str = "PRAGMA cache_size = -32768";

/// The same while indexes are put aside: what is written then is written from front to back, and as
/// much memory is taken again to sort an index.
const CALM_CACHE: &str = "PRAGMA cache_size = -8192";

/// What is sorted, and whatever else is only for the moment, stays in memory.
const SORT_IN_MEMORY: &str = "PRAGMA temp_store = MEMORY";

/// Beyond as much as the cache holds it goes to a file without a name.
const SORT_IN_A_FILE: &str = "PRAGMA temp_store = FILE";

/// What the writer has otherwise.
const USUAL_CACHE: &str = "PRAGMA cache_size = -8192";

/// Gives the writer more memory for a large file, or takes it away again, and whatever [`calm`] has
/// set.
pub(in crate::store) async fn cache(connection: &mut Connection, large: bool) -> sqlx::Result<()> {
    let texts = if large {
        [LOAD_CACHE, SORT_IN_MEMORY]
    } else {
        [USUAL_CACHE, SORT_IN_MEMORY]
    };
    for text in texts {
        sqlx::query(text).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Takes memory away that isn't needed while indexes are put aside. Only what is to be sorted from now
/// on goes to a file: copies of pages, which a transaction keeps so that a statement can be undone,
/// stay in memory, as it began.
pub(in crate::store) async fn calm(connection: &mut Connection) -> sqlx::Result<()> {
    for text in [CALM_CACHE, SORT_IN_A_FILE] {
        sqlx::query(text).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Takes a table's indexes away; the texts that make them again.
pub(in crate::store) async fn put_aside(
    connection: &mut Connection,
    table: &str,
) -> sqlx::Result<Vec<String>> {
    let text = "SELECT name, sql FROM sqlite_schema \
                WHERE type = 'index' AND tbl_name = $1 AND sql IS NOT NULL ORDER BY name";
    let found: Vec<(String, String)> = sqlx::query_as(text)
        .bind(table)
        .fetch_all(&mut *connection)
        .await?;
    let mut texts = Vec::with_capacity(found.len());
    for (name, text) in found {
        sqlx::query(sqlx::AssertSqlSafe(format!("DROP INDEX {name}")))
            .persistent(false)
            .execute(&mut *connection)
            .await?;
        texts.push(text);
    }
    Ok(texts)
}
