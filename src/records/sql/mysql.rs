//! Reading from MySQL and MariaDB, in one read-only transaction that sees one moment.
//!
//! The query is prepared by the server's own `PREPARE`, which takes a single statement, and run by
//! `EXECUTE`: that way `:since` is a parameter, and each value comes as the text that the server
//! writes for it. The session is in UTC, so that a TIMESTAMP can be read one way only.

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use jiff::civil::DateTime;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode, MySqlTypeInfo};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Executor as _, Row as _,
    SqlSafeStr as _, Statement as _, TypeInfo as _,
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

/// Stands for `:since`.
const PARAMETER: &str = "?";
/// What `:since` is, where everything is to be read: before every time, and as a number, zero.
const BEGINNING: &str = "0000-01-01 00:00:00";
/// Asks for the server's clock, before anything is seen, and what it is.
const CLOCK: &str = "SELECT CAST(UTC_TIMESTAMP(6) AS CHAR), VERSION()";
/// Begins the transaction.
const BEGIN: &str = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";

/// The usual port.
const PORT: u16 = 3306;

/// A transaction.
pub(super) struct Session {
    connection: MySqlConnection,
    pub(super) now: Timestamp,
    pub(super) columns: Vec<Column>,
}

impl Session {
    pub(super) async fn open(job: &Job<'_>) -> Result<Self, SourceError> {
        let connecting = job.connecting(options(job).connect()).await?;
        let mut connection = connecting.map_err(|error| job.told(&error))?;
        let begun = job.within(begin(&mut connection, job)).await?;
        let now = begun.map_err(|error| job.told(&error))?;
        let now = format!("{}Z", now.replace(' ', "T")).parse().map_err(|_| {
            job.wrong(Wrong::new(
                Trouble::Away,
                format!("the server's clock can't be read ({now})"),
                "see that it shows the right time",
            ))
        })?;
        let text = AssertSqlSafe(job.query.text(PARAMETER)).into_sql_str();
        let statement = job.within(connection.prepare(text)).await?;
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
        Ok(Self {
            columns: columns.collect(),
            connection,
            now,
        })
    }

    /// The mark of the server's own clock. MySQL doesn't tell what `:since` is compared with, so
    /// that it is a time without a zone, which is held back far enough for every zone.
    pub(super) const CLOCK_MARK: Mark = Mark::Local(DateTime::MAX, ' ');

    /// Runs the query from this mark on, or from the beginning.
    pub(super) async fn run(
        &mut self,
        job: &Job<'_>,
        mark: Option<Mark>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Stop> {
        let prepared = job.within(self.prepare(job, mark)).await?;
        prepared.map_err(|error| job.told(&error))?;
        let kinds: Vec<Kind> = self.columns.iter().map(|column| column.kind).collect();
        let since = vec!["@fondly_since"; job.query.count()].join(", ");
        let using = if since.is_empty() { "" } else { " USING " };
        let text = format!("EXECUTE fondly{using}{since}");
        {
            let mut rows = sqlx::raw_sql(AssertSqlSafe(text)).fetch(&mut self.connection);
            while let Some(row) = job
                .within(rows.try_next())
                .await?
                .map_err(|error| job.told(&error))?
            {
                for (index, kind) in kinds.iter().enumerate() {
                    // Whatever its type, its bytes are the text that the server wrote.
                    let value: Option<&[u8]> = row
                        .try_get_unchecked(index)
                        .map_err(|error| job.told(&error))?;
                    sink.take(
                        &value.map_or(Cell::Null, |bytes| Cell::read(*kind, bytes, job.zone())),
                    );
                }
                sink.end_row().await?;
            }
        }
        sink.flush().await
    }

    async fn prepare(&mut self, job: &Job<'_>, mark: Option<Mark>) -> sqlx::Result<()> {
        sqlx::query("SET @fondly_query = ?")
            .bind(job.query.text(PARAMETER))
            .persistent(false)
            .execute(&mut self.connection)
            .await?;
        let set = sqlx::query("SET @fondly_since = ?").persistent(false);
        let set = match mark {
            None => match self.since_column(job) {
                Some(Kind::Plain | Kind::Number | Kind::Float) => set.bind(i64::MIN),
                _ => set.bind(BEGINNING.to_owned()),
            },
            Some(Mark::Whole(n)) => set.bind(n),
            Some(Mark::Moment(at)) => {
                let at = jiff::tz::TimeZone::UTC.to_datetime(at);
                set.bind(format!("{} {}", at.date(), at.time()))
            }
            Some(other) => set.bind(other.to_string()),
        };
        set.execute(&mut self.connection).await?;
        sqlx::raw_sql("PREPARE fondly FROM @fondly_query")
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// The kind of the column that moves the mark, where one is named.
    fn since_column(&self, job: &Job<'_>) -> Option<Kind> {
        let name = job.source.since.as_deref()?;
        let mut columns = self.columns.iter();
        columns
            .find(|column| column.name.eq_ignore_ascii_case(name))
            .map(|column| column.kind)
    }

    pub(super) async fn close(self) {
        // Nothing was changed that could get lost.
        _ = self.connection.close().await;
    }
}

fn options(job: &Job<'_>) -> MySqlConnectOptions {
    let address = &job.address;
    let mode = match address.tls {
        Tls::Off => MySqlSslMode::Disabled,
        Tls::Prefer => MySqlSslMode::Preferred,
        Tls::Encrypted => MySqlSslMode::Required,
        Tls::Ca => MySqlSslMode::VerifyCa,
        Tls::Full => MySqlSslMode::VerifyIdentity,
    };
    // The driver would change what `||` means, which is the query's own business.
    let mut options = MySqlConnectOptions::new()
        .host(&address.host)
        .port(address.port.unwrap_or(PORT))
        .username(&address.user)
        .database(&address.database)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone("+00:00".to_owned())
        .statement_cache_capacity(1)
        .ssl_mode(mode)
        .disable_statement_logging();
    if let Some(socket) = &address.socket {
        options = options.socket(socket);
    }
    if let Some(password) = &address.password {
        options = options.password(password);
    }
    if let Some(file) = &job.source.access.ca_file {
        options = options.ssl_ca(file);
    }
    options
}

/// Asks for the time and begins the transaction.
async fn begin(connection: &mut MySqlConnection, job: &Job<'_>) -> sqlx::Result<String> {
    let row = sqlx::raw_sql(CLOCK).fetch_one(&mut *connection).await?;
    let now: String = row.try_get_unchecked(0)?;
    let version: String = row.try_get_unchecked(1)?;
    let timeout = job.source.timeout;
    let limit = if version.contains("MariaDB") {
        format!("max_statement_time = {}", timeout.as_secs())
    } else {
        format!("max_execution_time = {}", timeout.as_millis())
    };
    for text in [
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ".to_owned(),
        "SET SESSION TRANSACTION READ ONLY".to_owned(),
        format!(
            "SET SESSION {limit}, lock_wait_timeout = {}",
            timeout.as_secs().max(1)
        ),
        // A store that is busy may let the server wait.
        "SET SESSION net_write_timeout = 600".to_owned(),
        BEGIN.to_owned(),
    ] {
        sqlx::raw_sql(AssertSqlSafe(text))
            .execute(&mut *connection)
            .await?;
    }
    Ok(now)
}

fn kind(of: &MySqlTypeInfo) -> Kind {
    match of.name() {
        "TIMESTAMP" => Kind::Utc,
        "DATE" | "DATETIME" => Kind::ZeroDate,
        "FLOAT" | "DOUBLE" => Kind::Float,
        "JSON" => Kind::Json,
        "BIT" => Kind::Bits,
        "DECIMAL" | "YEAR" | "BOOLEAN" => Kind::Number,
        name if name.trim_end_matches(" UNSIGNED").ends_with("INT") => Kind::Number,
        _ => Kind::Plain,
    }
}
