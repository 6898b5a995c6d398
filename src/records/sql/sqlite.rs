//! Reading from a file of SQLite's, which is opened read-only and never made.
//!
//! Its columns have no types of their own: each value brings its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Executor as _, Row as _,
    SqlSafeStr as _, Statement as _, TypeInfo as _, ValueRef as _,
};

use super::Stop;
use super::cell::{BINARY, Cell, Kind};
use super::job::Job;
use super::mark::Mark;
use super::session::Column;
use super::sink::Sink;
use crate::records::error::{SourceError, Trouble, Wrong};

/// Stands for `:since`.
const PARAMETER: &str = "?1";
/// Asks for the time.
const CLOCK: &str = "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";
/// Steps of SQLite's after which it looks whether it is still wanted.
const STEPS: i32 = 10_000;

/// A transaction.
pub(super) struct Session {
    connection: SqliteConnection,
    pub(super) now: Timestamp,
    pub(super) columns: Vec<Column>,
    _unwanted: Unwanted,
}

/// Ends a statement that still works when nobody waits for it any more.
struct Unwanted(Arc<AtomicBool>);

impl Drop for Unwanted {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Session {
    pub(super) async fn open(job: &Job<'_>) -> Result<Self, SourceError> {
        let file = job.source.access.folder.join(&job.address.file);
        if !file.exists() {
            return Err(job.wrong(Wrong::new(
                Trouble::Missing,
                "there is no such file",
                "mend the address (relative paths start at the folder of fondly.toml)",
            )));
        }
        let options = SqliteConnectOptions::new()
            .filename(file)
            .read_only(true)
            .create_if_missing(false)
            .busy_timeout(job.source.timeout)
            .pragma("query_only", "ON")
            .pragma("trusted_schema", "OFF")
            .thread_name(|n| format!("source-{n}"))
            .disable_statement_logging();
        let connecting = job.connecting(options.connect()).await?;
        let mut connection = connecting.map_err(|error| job.told(&error))?;
        let unwanted = Unwanted(Arc::default());
        let flag = Arc::clone(&unwanted.0);
        let begun = job
            .within(async {
                let now = sqlx::raw_sql(CLOCK).fetch_one(&mut connection).await?;
                let now: String = now.try_get_unchecked(0)?;
                sqlx::raw_sql("BEGIN").execute(&mut connection).await?;
                let mut handle = connection.lock_handle().await?;
                handle.set_progress_handler(STEPS, move || !flag.load(Ordering::Relaxed));
                drop(handle);
                let text = AssertSqlSafe(job.query.text(PARAMETER)).into_sql_str();
                let statement = (&mut connection).prepare(text).await?;
                let columns = statement.columns().iter();
                let columns = columns.map(|column| Column {
                    name: column.name().to_owned(),
                    kind: Kind::Plain,
                });
                Ok::<_, sqlx::Error>((now, columns.collect()))
            })
            .await?;
        let (now, columns) = begun.map_err(|error| job.told(&error))?;
        let now: Timestamp = now.parse().map_err(|_| {
            job.wrong(Wrong::new(
                Trouble::Away,
                "the machine's clock can't be read",
                "see that it shows the right time",
            ))
        })?;
        Ok(Self {
            connection,
            now,
            columns,
            _unwanted: unwanted,
        })
    }

    /// Runs the query from this mark on, or from the beginning.
    pub(super) async fn run(
        &mut self,
        job: &Job<'_>,
        mark: Option<Mark>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Stop> {
        let text = AssertSqlSafe(job.query.text(PARAMETER));
        let mut query = sqlx::query(text).persistent(false);
        if job.query.has_since() {
            query = match mark {
                // Smaller than every text, and than every number.
                None => query.bind(i64::MIN),
                Some(Mark::Whole(n)) => query.bind(n),
                Some(other) => query.bind(other.to_string()),
            };
        }
        let count = self.columns.len();
        let mut rows = query.fetch(&mut self.connection);
        while let Some(row) = job
            .within(rows.try_next())
            .await?
            .map_err(|error| job.told(&error))?
        {
            for index in 0..count {
                let cell = cell(&row, index).map_err(|error| job.told(&error))?;
                sink.take(&cell);
            }
            sink.end_row().await?;
        }
        sink.flush().await
    }

    pub(super) async fn close(self) {
        // Nothing was changed that could get lost.
        _ = self.connection.close().await;
    }
}

fn cell(row: &SqliteRow, index: usize) -> sqlx::Result<Cell<'_>> {
    let value = row.try_get_raw(index)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let sort = value.type_info().name().to_owned();
    if sort == "REAL" {
        let number: f64 = row.try_get_unchecked(index)?;
        return Ok(Cell::float(number));
    }
    if sort == "BLOB" {
        let bytes: &[u8] = row.try_get_unchecked(index)?;
        let text = std::str::from_utf8(bytes);
        return Ok(text.map_or(Cell::Unusable(BINARY), |text| Cell::Text(text.into())));
    }
    if sort == "INTEGER" {
        let number: i64 = row.try_get_unchecked(index)?;
        return Ok(Cell::Number(number.to_string().into()));
    }
    let text: Result<&str, _> = row.try_get_unchecked(index);
    Ok(text.map_or(Cell::Unusable(BINARY), |text| Cell::Text(text.into())))
}
