//! Connections that look and leave no trace.
//!
//! May not change a file.

use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

use super::{APPLICATION_ID, Connection, mark, plain_options};

/// How connections of whoever only looks are made: nothing is changed, not even how it is journaled. `logged`: its log
/// holds something, which has to stay there.
pub(in crate::store) fn look_options(path: &std::path::Path, logged: bool) -> SqliteConnectOptions {
    plain_options(path, false)
        .read_only(logged)
        .pragma("query_only", "ON")
        .pragma("trusted_schema", "OFF")
        .pragma("temp_store", "MEMORY")
        .thread_name(|n| format!("look-{n}"))
        .disable_statement_logging() // A look through a large file takes its time, which is no news.
}

/// Whether the file carries our mark.
pub(in crate::store) async fn is_ours(connection: &mut Connection) -> sqlx::Result<bool> {
    Ok(mark(connection).await? == APPLICATION_ID)
}
