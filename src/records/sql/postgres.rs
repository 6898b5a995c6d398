//! Reading from PostgreSQL, in one read-only transaction that sees one moment.
//!
//! The query goes into a cursor: that way the server itself refuses whatever isn't a query, its
//! rows come a few thousand at a time, and each value comes as the text that PostgreSQL writes for
//! it, whatever its type. `:since` is a bound parameter, cast to the type that the server says it
//! is compared with.

use std::path::Path;

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use sqlx::postgres::types::Oid;
use sqlx::postgres::{
    PgConnectOptions, PgConnection, PgSslMode, PgStatement, PgTypeInfo, PgTypeKind,
};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Either, Executor as _,
    Row as _, SqlSafeStr as _, Statement as _, TypeInfo as _, ValueRef as _,
};

use super::Stop;
use super::address::Tls;
use super::cell::{Cell, Kind};
use super::job::Job;
use super::mark::Mark;
use super::session::Column;
use super::sink::Sink;
use super::told::Sent;
use crate::records::error::{SourceError, Trouble, Wrong};

/// Rows fetched together.
const TOGETHER: u64 = 5_000;
/// The statement that fetches them.
const FETCH: &str = "FETCH FORWARD 5000 FROM fondly";
/// Stands before the query in the statement that opens the cursor.
const DECLARE: &str = "DECLARE fondly NO SCROLL CURSOR FOR ";
/// Stands for `:since` while the server is asked for its type.
const PARAMETER: &str = "$1";
/// The database's clock at the start of the transaction; on a copy that follows another server,
/// the last moment that it has heard of.
const CLOCK: &str = "SELECT CASE WHEN pg_is_in_recovery() \
     THEN least(now(), coalesce(pg_last_xact_replay_timestamp(), now())) ELSE now() END::text";
/// Begins the transaction, and has every value written in the same way everywhere. A plan for all
/// rows rather than the first ones; and a store that is busy may let the server wait.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
     SET LOCAL DateStyle = 'ISO'; SET LOCAL bytea_output = 'hex'; \
     SET LOCAL extra_float_digits = 1; SET LOCAL cursor_tuple_fraction = 1; \
     SET LOCAL idle_in_transaction_session_timeout = 0";

/// The usual port.
const PORT: u16 = 5432;

/// A transaction.
pub(super) struct Session {
    connection: PgConnection,
    pub(super) now: Timestamp,
    pub(super) columns: Vec<Column>,
    /// The type of `:since`.
    parameter: Option<String>,
}

impl Session {
    pub(super) async fn open(job: &Job<'_>) -> Result<Self, SourceError> {
        let connecting = job.connecting(options(job).connect()).await?;
        let mut connection = connecting.map_err(|error| job.told(&error))?;
        let begun = job.within(begin(&mut connection, job)).await?;
        let now = begun.map_err(|error| job.told(&error))?;
        let now = now.parse().map_err(|_| {
            job.wrong(Wrong::new(
                Trouble::Away,
                format!("the server's clock can't be read ({now})"),
                "see that it shows the right time",
            ))
        })?;
        let statement = job.within(prepared(&mut connection, job)).await?;
        let sent = Sent {
            before: "",
            mark: PARAMETER,
        };
        let statement = statement.map_err(|error| job.told_of(&error, Some(sent)))?;
        let columns = statement.columns().iter();
        let columns = columns.map(|column| Column {
            name: column.name().to_owned(),
            kind: kind(column.type_info()),
        });
        let parameter = match statement.parameters() {
            Some(Either::Left([one, ..])) => Some(one.name().to_ascii_uppercase()),
            _ => None,
        };
        Ok(Self {
            columns: columns.collect(),
            parameter,
            connection,
            now,
        })
    }

    /// The mark of the database's own clock, where `:since` is a time.
    pub(super) fn clock_mark(&self, job: &Job<'_>) -> Result<Mark, SourceError> {
        match self.parameter.as_deref() {
            Some("TIMESTAMPTZ") => Ok(Mark::Moment(self.now)),
            // It is held back to what clocks on the wall can show.
            Some("TIMESTAMP") => Ok(Mark::Local(DateTime::MAX, ' ')),
            Some("DATE") => Ok(Mark::Day(Date::MAX)),
            other => Err(job.wrong(Wrong::new(
                Trouble::Settings,
                format!(
                    "`:since` is compared with a {}, which the database's clock can't tell",
                    other.unwrap_or("value").to_ascii_lowercase()
                ),
                "select the column that it is compared with, and name it with `since = \"…\"`",
            ))),
        }
    }

    /// Runs the query from this mark on, or from the beginning.
    pub(super) async fn run(
        &mut self,
        job: &Job<'_>,
        mark: Option<Mark>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Stop> {
        let cast = self.parameter.as_deref().unwrap_or_default();
        // As text it can be bound whatever it is compared with.
        let parameter = format!("(CAST({PARAMETER} AS text)::{cast})");
        let text = format!("{DECLARE}{}", job.query.text(&parameter));
        let sent = Sent {
            before: DECLARE,
            mark: &parameter,
        };
        let mut declare = sqlx::query(AssertSqlSafe(text)).persistent(false);
        if job.query.has_since() {
            let from = mark.map_or_else(|| beginning(cast), |mark| Ok(mark.to_string()));
            let from = from.map_err(|wrong| job.wrong(wrong))?;
            declare = declare.bind(from);
        }
        let declared = job.within(declare.execute(&mut self.connection)).await?;
        declared.map_err(|error| job.told_of(&error, Some(sent)))?;
        let kinds: Vec<Kind> = self.columns.iter().map(|column| column.kind).collect();
        loop {
            let mut count = 0;
            let mut rows = sqlx::raw_sql(FETCH).fetch(&mut self.connection);
            while let Some(row) = job
                .within(rows.try_next())
                .await?
                .map_err(|error| job.told_of(&error, None))?
            {
                count += 1;
                for (index, kind) in kinds.iter().enumerate() {
                    let value = row.try_get_raw(index).map_err(|error| job.told(&error))?;
                    if value.is_null() {
                        sink.take(&Cell::Null);
                        continue;
                    }
                    let bytes = value.as_bytes().unwrap_or_default();
                    sink.take(&Cell::read(*kind, bytes, job.zone()));
                }
                sink.end_row().await?;
            }
            if count < TOGETHER {
                break;
            }
        }
        let close = sqlx::raw_sql("CLOSE fondly").execute(&mut self.connection);
        job.within(close).await?.map_err(|error| job.told(&error))?;
        sink.flush().await
    }

    pub(super) async fn close(self) {
        // Nothing was changed that could get lost.
        _ = self.connection.close().await;
    }
}

fn options(job: &Job<'_>) -> PgConnectOptions {
    let address = &job.address;
    let mode = match address.tls {
        Tls::Off => PgSslMode::Disable,
        Tls::Prefer => PgSslMode::Prefer,
        Tls::Encrypted => PgSslMode::Require,
        Tls::Ca => PgSslMode::VerifyCa,
        Tls::Full => PgSslMode::VerifyFull,
    };
    let mut options = PgConnectOptions::new_without_pgpass()
        .host(&address.host)
        .port(address.port.unwrap_or(PORT))
        .username(&address.user)
        .database(&address.database)
        .application_name("fondly")
        .statement_cache_capacity(0)
        .ssl_mode(mode)
        .disable_statement_logging();
    if let Some(socket) = &address.socket {
        options = options.socket(Path::new(socket));
    }
    if let Some(password) = &address.password {
        options = options.password(password);
    }
    if let Some(file) = &job.source.access.ca_file {
        options = options.ssl_root_cert(file);
    }
    options
}

/// Begins the transaction and asks for the time.
async fn begin(connection: &mut PgConnection, job: &Job<'_>) -> sqlx::Result<String> {
    let milliseconds = job.source.timeout.as_millis();
    let text = format!(
        "{BEGIN}; SET LOCAL statement_timeout = {milliseconds}; \
         SET LOCAL lock_timeout = {milliseconds}; SAVEPOINT zone"
    );
    sqlx::raw_sql(AssertSqlSafe(text))
        .execute(&mut *connection)
        .await?;
    // Days and times in the query are the business's. A server that doesn't know the zone goes on
    // in UTC.
    if let Some(zone) = job.zone().iana_name() {
        let set = sqlx::query("SELECT set_config('TimeZone', $1, true)")
            .bind(zone)
            .persistent(false)
            .execute(&mut *connection)
            .await;
        if matches!(set, Err(sqlx::Error::Database(_))) {
            sqlx::raw_sql("ROLLBACK TO zone")
                .execute(&mut *connection)
                .await?;
        } else {
            set?;
        }
    }
    let row = sqlx::raw_sql(CLOCK).fetch_one(connection).await?;
    row.try_get_unchecked(0)
}

async fn prepared(connection: &mut PgConnection, job: &Job<'_>) -> sqlx::Result<PgStatement> {
    let text = job.query.text(PARAMETER);
    connection.prepare(AssertSqlSafe(text).into_sql_str()).await
}

/// What `:since` is, where everything is to be read.
fn beginning(kind: &str) -> Result<String, Wrong> {
    let text = match kind {
        "TIMESTAMPTZ" | "TIMESTAMP" | "DATE" => "-infinity",
        "INT2" => "-32768",
        "INT4" => "-2147483648",
        "INT8" => "-9223372036854775808",
        "NUMERIC" | "FLOAT4" | "FLOAT8" => "-1e30",
        "TEXT" | "VARCHAR" => "",
        other => {
            let kind = other.to_ascii_lowercase();
            return Err(Wrong::new(
                Trouble::Settings,
                format!("`:since` is compared with a value of type {kind}, which can't be kept"),
                "compare it with a time or a number",
            ));
        }
    };
    Ok(text.to_owned())
}

fn kind(of: &PgTypeInfo) -> Kind {
    /// PostgreSQL's numbers for its own types, which never change.
    const BYTEA: Oid = Oid(17);
    match of.kind() {
        PgTypeKind::Array(_) => return Kind::Array,
        PgTypeKind::Domain(inner) => return kind(inner),
        _ => {}
    }
    if of.oid() == Some(BYTEA) {
        return Kind::Hex;
    }
    match of.name() {
        "BOOL" => Kind::Truth,
        "TIMESTAMPTZ" => Kind::Moment,
        "FLOAT4" | "FLOAT8" => Kind::Float,
        "JSON" | "JSONB" => Kind::Json,
        "BYTEA" => Kind::Hex,
        "INT2" | "INT4" | "INT8" | "OID" | "NUMERIC" => Kind::Number,
        _ => Kind::Plain,
    }
}
