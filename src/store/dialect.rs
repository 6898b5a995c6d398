//! Everything that is SQLite's own: types, pragmas, lists by JSON, how to begin a transaction.
//!
//! The other files of this room write text that PostgreSQL runs as well; where it can't, they use
//! a name from here. May not know what the tables mean.

mod loads;
mod looking;
mod merging;

use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Row as _, SqlSafeStr as _};

pub(super) use loads::{cache, calm, put_aside};
pub(super) use looking::{is_ours, look_options};
pub(super) use merging::{merged, quoted};

/// The pool of connections.
pub(super) type Pool = sqlx::SqlitePool;
/// One connection of the pool.
pub(super) type PoolConnection = sqlx::pool::PoolConnection<sqlx::Sqlite>;
/// One connection.
pub(super) type Connection = sqlx::SqliteConnection;
/// One transaction.
pub(super) type Transaction = sqlx::Transaction<'static, sqlx::Sqlite>;
/// One row of an answer.
pub(super) type Row = sqlx::sqlite::SqliteRow;
/// One query with its parameters.
pub(super) type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

/// The parameters of a statement.
pub(super) type Arguments = sqlx::sqlite::SqliteArguments;

/// The text of [`BEGIN_WRITE`], for `together!`.
macro_rules! begin_write {
    () => {
        "BEGIN IMMEDIATE"
    };
}

/// Takes the write lock at once: a read followed by a write inside a deferred transaction can fail
/// as busy however long the busy timeout is.
pub(super) const BEGIN_WRITE: &str = begin_write!();

/// How long a statement waits for another process's transaction.
const BUSY: Duration = Duration::from_secs(30);

/// Kibibytes of page cache of the writer. Negative by SQLite's convention.
const WRITER_CACHE: &str = "-8192";

/// Pages of the write-ahead log after which it is copied back: the same few pages change with every
/// message, so ten times the default saves most of the copying.
const CHECKPOINT_PAGES: &str = "10000";

/// The write-ahead log is cut back to this many bytes after a large load.
const JOURNAL_LIMIT: &str = "67108864";

/// `fndl`: marks a file as ours.
const APPLICATION_ID: i64 = 0x666e_646c;

/// A list of texts, given as one parameter that holds a JSON array: `id IN texts!("$1")`.
macro_rules! texts {
    ($parameter:literal) => {
        concat!("(SELECT value FROM json_each(", $parameter, "))")
    };
}

/// Rows, given as one parameter that holds a JSON array of arrays; `value->>0` is a row's first
/// column, as text unless cast.
macro_rules! rows {
    ($parameter:literal) => {
        concat!("json_each(", $parameter, ") AS j")
    };
}

/// The values of many rows as one text that holds a JSON array.
macro_rules! list_of {
    ($column:literal) => {
        concat!("json_group_array(", $column, ")")
    };
}

/// Many rows with all their columns as one text that holds a JSON array of arrays. The driver hands
/// over row by row, and each row changes threads; with hundreds of them that costs more than the
/// query itself.
macro_rules! lists_of {
    ($columns:expr) => {
        concat!("json_group_array(json_array(", $columns, "))")
    };
}

/// The order in which rows without a number of their own came in; a change keeps its place.
macro_rules! came_in {
    () => {
        "rowid"
    };
}

/// Bytes as lower-case hexadecimal digits.
macro_rules! hex_of {
    ($column:literal) => {
        concat!("LOWER(HEX(", $column, "))")
    };
}

/// Begins a statement that inserts many rows, whose transaction is undone as a whole should it fail.
/// By itself SQLite copies every page before such a statement changes it, so as to undo the statement
/// alone.
macro_rules! insert_many {
    ($into:literal) => {
        concat!("INSERT OR FAIL INTO ", $into)
    };
}

/// Statements that run one after the other, handed over in one go, with one numbering of their
/// parameters.
macro_rules! together {
    ($first:expr, $($next:expr),+ $(,)?) => {
        concat!($first, $("; ", $next),+)
    };
}

/// A column that no index is to be used for: without statistics, SQLite takes any index for a good
/// one.
macro_rules! unindexed {
    ($column:literal) => {
        concat!("+", $column)
    };
}

pub(super) use {
    begin_write, came_in, hex_of, insert_many, list_of, lists_of, rows, texts, together, unindexed,
};

/// The migrations, the oldest first.
pub(super) fn migrator() -> Migrator {
    Migrator::with_migrations(vec![Migration::new(
        1,
        "first".into(),
        MigrationType::Simple,
        include_str!("../../migrations/sqlite/0001_first.sql").into_sql_str(),
        false,
    )])
}

/// For the very first look at a file: changes nothing, not even how it is journaled.
pub(super) fn plain_options(path: &std::path::Path, create: bool) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(create)
        .busy_timeout(BUSY)
}

/// How connections are made: nothing is left to a default.
pub(super) fn connect_options(path: &std::path::Path, create: bool) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(create)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .pragma("trusted_schema", "OFF")
        .pragma("journal_size_limit", JOURNAL_LIMIT)
        .pragma("temp_store", "MEMORY")
        .thread_name(|n| format!("store-{n}"))
}

/// The same for the one connection that writes.
pub(super) fn writer_options(
    options: &SqliteConnectOptions,
    volatile: bool,
) -> SqliteConnectOptions {
    let options = options
        .clone()
        .pragma("cache_size", WRITER_CACHE)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .disable_statement_logging(); // A large file takes its time, which is no news.
    if volatile {
        options.synchronous(SqliteSynchronous::Off)
    } else {
        options
    }
}

/// The same for connections that must not write.
pub(super) fn reader_options(options: &SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .clone()
        .create_if_missing(false)
        .pragma("query_only", "ON")
}

/// Reads the library's version and the settings back. `Err` in the inner result says, in words,
/// what isn't as it must be.
pub(super) async fn inspect(
    connection: &mut Connection,
    volatile: bool,
) -> sqlx::Result<Result<(), String>> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(&mut *connection)
        .await?;
    if !keeps_commits(&version) {
        return Ok(Err(format!(
            "SQLite {version} can lose committed transactions; \
             fondly needs 3.51.3 or later (or 3.50.7, or 3.44.6)"
        )));
    }
    for (text, name, wanted) in [
        ("PRAGMA journal_mode", "journal_mode", "wal"),
        (
            "PRAGMA synchronous",
            "synchronous",
            if volatile { "0" } else { "2" },
        ),
        ("PRAGMA foreign_keys", "foreign_keys", "1"),
        ("PRAGMA trusted_schema", "trusted_schema", "0"),
        ("PRAGMA busy_timeout", "busy_timeout", "30000"),
    ] {
        let row = sqlx::query(text).fetch_one(&mut *connection).await?;
        let found = match row.try_get::<i64, _>(0) {
            Ok(number) => number.to_string(),
            Err(_) => row.try_get::<String, _>(0)?,
        };
        if found != wanted {
            return Ok(Err(format!(
                "SQLite kept {name} = {found} where fondly needs {wanted}; \
                 is the database on a network drive or a read-only disk?"
            )));
        }
    }
    Ok(Ok(()))
}

/// Whether this version has the fix for commits that were lost when the write-ahead log restarted.
fn keeps_commits(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0_u32));
    let mut next = || parts.next().unwrap_or(0);
    match (next(), next(), next()) {
        (3, 44, patch) => patch >= 6,
        (3, 50, patch) => patch >= 7,
        (3, 51, patch) => patch >= 3,
        (3, minor, _) => minor > 51,
        (major, ..) => major > 3,
    }
}

async fn mark(connection: &mut Connection) -> sqlx::Result<i64> {
    sqlx::query_scalar("PRAGMA application_id")
        .fetch_one(connection)
        .await
}

/// Whether the file is empty or carries our mark; an empty one gets it.
pub(super) async fn claim_file(connection: &mut Connection) -> sqlx::Result<bool> {
    let id = mark(connection).await?;
    if id == APPLICATION_ID {
        return Ok(true);
    }
    let objects: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_schema")
        .fetch_one(&mut *connection)
        .await?;
    if id != 0 || objects != 0 {
        return Ok(false);
    }
    // A pragma takes no parameters.
    sqlx::raw_sql("PRAGMA application_id = 0x666e646c")
        .execute(connection)
        .await?;
    Ok(true)
}

/// Whether sqlx believes that this connection, which nobody uses, is inside a transaction. On a
/// full disk SQLite rolls back by itself, the driver's own rollback then fails, and every later
/// transaction of the connection would be refused: such a connection must be replaced.
pub(super) fn left_in_transaction(connection: &Connection) -> bool {
    sqlx::Connection::is_in_transaction(connection)
}

/// The first damage that a look through the whole file finds.
pub(super) async fn damage(connection: &mut Connection) -> sqlx::Result<Option<String>> {
    let found: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(connection)
        .await?;
    Ok((found != "ok").then_some(found))
}

/// Copies what the log holds back into the database, as far as nobody reads it there, and syncs both.
pub(super) async fn settle_log(pool: &Pool) -> sqlx::Result<()> {
    sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
        .execute(pool)
        .await?;
    Ok(())
}

/// The same for the connection that writes the file anew: what it sorts meanwhile would be as large
/// as the database, and goes to a file without a name instead of into memory.
pub(super) fn scrub_options(options: &SqliteConnectOptions) -> SqliteConnectOptions {
    options.clone().pragma("temp_store", "FILE")
}

/// Whether what this connection deletes is overwritten with zeros.
pub(super) async fn overwrite(connection: &mut Connection, yes: bool) -> sqlx::Result<()> {
    let text = if yes {
        "PRAGMA secure_delete = ON"
    } else {
        "PRAGMA secure_delete = OFF"
    };
    sqlx::query(text).fetch_optional(connection).await?;
    Ok(())
}

/// Writes the whole file anew from what is in use.
pub(super) async fn rewrite(connection: &mut Connection) -> sqlx::Result<()> {
    sqlx::query("VACUUM")
        .persistent(false)
        .execute(connection)
        .await?;
    Ok(())
}

/// Copies the whole log back and empties its file. `false`: somebody still reads from it.
pub(super) async fn empty_log(connection: &mut Connection) -> sqlx::Result<bool> {
    let busy: i64 = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)")
        .fetch_one(connection)
        .await?;
    Ok(busy == 0)
}

/// Writes a consistent copy.
pub(super) async fn copy(connection: &mut Connection, to: &str) -> sqlx::Result<()> {
    sqlx::query("VACUUM INTO $1")
        .bind(to)
        .persistent(false)
        .execute(connection)
        .await?;
    Ok(())
}

/// Many rows as a table `v` of parameters. A column of which no row has a value takes no parameter:
/// each that is bound costs, and most records leave most fields empty.
pub(super) fn values(empty: impl Iterator<Item = bool>, rows: usize) -> String {
    let row: Vec<&str> = empty
        .map(|empty| if empty { "NULL" } else { "?" })
        .collect();
    let row = format!("({})", row.join(","));
    format!("(VALUES {}) AS v", vec![row.as_str(); rows].join(","))
}

/// A statement that inserts many rows at once.
pub(super) struct Bulk {
    head: &'static str,
    columns: usize,
    tail: &'static str,
    full: Arc<str>,
}

impl Bulk {
    /// Rows a statement takes: beyond a hundred the gain is gone.
    pub(super) const ROWS: usize = 100;

    /// Up to so many rows a statement stays prepared; the driver keeps a hundred.
    const KEPT: usize = 32;

    /// Every row has so many columns.
    pub(super) fn new(head: &'static str, columns: usize, tail: &'static str) -> Self {
        let mut bulk = Self {
            head,
            columns,
            tail,
            full: Arc::from(""),
        };
        bulk.full = bulk.text(Self::ROWS);
        bulk
    }

    /// The statement for so many rows. The full one is kept prepared, and so are those of a usual
    /// batch of letters.
    pub(super) fn query(&self, rows: usize) -> Query<'static> {
        if rows == Self::ROWS {
            sqlx::query(sqlx::AssertSqlSafe(Arc::clone(&self.full)))
        } else {
            let keep = rows <= Self::KEPT;
            sqlx::query(sqlx::AssertSqlSafe(self.text(rows))).persistent(keep)
        }
    }

    /// Parameters have no names: SQLite keeps names in a list that it walks from the start for
    /// every one the driver binds, which made two thousand of them take ten times as long as the
    /// rest of the statement.
    fn text(&self, rows: usize) -> Arc<str> {
        let row = format!("({})", vec!["?"; self.columns].join(","));
        let rows = vec![row.as_str(); rows].join(",");
        Arc::from(format!("{} VALUES {rows} {}", self.head, self.tail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_versions_that_keep_commits_pass() {
        for good in ["3.44.6", "3.50.7", "3.51.3", "3.52.0", "3.60", "4.0.0"] {
            assert!(keeps_commits(good), "{good}");
        }
        for bad in ["3.44.5", "3.46.0", "3.50.6", "3.51.2", "2.9", "", "x"] {
            assert!(!keeps_commits(bad), "{bad}");
        }
    }

    #[test]
    fn columns_without_a_value_take_no_parameter() {
        let empty = [false, true, false];
        assert_eq!(
            values(empty.into_iter(), 2),
            "(VALUES (?,NULL,?),(?,NULL,?)) AS v"
        );
    }

    #[test]
    fn bulk_text_has_a_place_for_every_value() {
        let bulk = Bulk::new("INSERT INTO t", 3, "RETURNING 1");
        assert_eq!(
            &*bulk.text(2),
            "INSERT INTO t VALUES (?,?,?),(?,?,?) RETURNING 1"
        );
    }
}
