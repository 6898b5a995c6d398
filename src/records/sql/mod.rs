//! A query of the user's in a database of theirs -> records or refusals, and up to where it was
//! read.
//!
//! Only ever reads: in a read-only transaction, through a user who should be allowed nothing else.
//! Rows come as they are fetched, in constant memory but for the ids seen so far. May not read a
//! clock other than the database's, and may not know the store: whoever applies the rows must apply
//! nothing when an error comes, and keeps the mark together with the rows.

mod address;
mod cell;
mod ids;
mod job;
mod mark;
mod mysql;
mod postgres;
mod query;
mod session;
mod sink;
mod sqlite;
mod told;

use std::path::PathBuf;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc::Sender;

pub use self::address::{Address, Engine};
pub use self::ids::{ids, look_at_ids};
pub use self::mark::Overlap;
pub use self::sink::place_of;

use self::job::Job;
use self::mark::Mark;
use self::session::{Reading, Session};
use self::sink::Sink;
use super::error::SourceError;
use super::{Meaning, Row};

/// Changes when the same rows are to be read in another way than before, so that everything is
/// read anew then.
const READING: &str = "fondly sql 2";

/// A query and the database that it is for.
#[derive(Debug, Clone)]
pub struct SqlSource {
    /// What its columns mean.
    pub meaning: Meaning,
    /// How the database is reached.
    pub access: Access,
    /// The query, as the user wrote it.
    pub query: String,
    /// The column whose values move the mark; without one, the database's clock does.
    pub since: Option<String>,
    /// How far each reading goes back behind the mark.
    pub overlap: Option<Overlap>,
    /// The longest that a statement may take.
    pub timeout: Duration,
    /// Whether somebody stated the zone of times without one.
    pub zone_is_stated: bool,
    /// A query that gives the ids of everybody who is there, where `query` isn't to be run for that.
    pub ids: Option<String>,
}

impl SqlSource {
    /// Whether its query has `:since`, so that a row that was read comes again only once it changes.
    pub fn reads_only_news(&self) -> bool {
        // Where `:since` may stand is the same in all databases but for odd ways to quote.
        query::Query::parse(&self.query, address::Engine::Postgres)
            .is_ok_and(|query| query.has_since())
    }

    /// The longest until the next part comes, or the reading has failed: a connection, and a few
    /// statements, or rows, each within the limit.
    pub fn longest_wait(&self) -> Duration {
        job::CONNECTING + (self.timeout + job::GRACE) * 4
    }
}

/// How a database is reached. Files of secrets are read for each reading, so that a new password
/// needs no restart.
#[derive(Debug, Clone)]
pub struct Access {
    /// The address itself, without a password, or the file that holds it.
    pub url: Url,
    /// The file of the password, where the address has none.
    pub password_file: Option<PathBuf>,
    /// Certificates that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Where relative paths of SQLite's files start.
    pub folder: PathBuf,
}

/// Where the address stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Url {
    /// In the settings.
    Text(String),
    /// In a file.
    File(PathBuf),
}

/// Up to where a source was read, as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What was read how.
    pub fingerprint: String,
    /// The mark.
    pub mark: Option<String>,
}

/// What comes of a reading, part by part.
#[derive(Debug)]
pub enum Part {
    /// Comes first. `whole` says that everything there is will come, so that what was refused
    /// before no longer counts.
    Begins {
        /// Whether everything comes.
        whole: bool,
    },
    /// Nothing changed since the last time. Nothing follows.
    Unchanged,
    /// More rows have come, whether any of them are handed on or not. Says nothing else.
    Moves,
    /// Some rows.
    Rows(Vec<Row>),
    /// Comes last, to be kept together with the rows.
    Ends(Held),
}

/// What a query gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The fields, in the order of the contract, with their columns.
    pub fields: Vec<(String, String)>,
    /// The columns that feed nothing.
    pub ignored: Vec<String>,
}

/// Why a reading ends early.
#[derive(Debug)]
enum Stop {
    Trouble(SourceError),
    NobodyListens,
}

impl From<SourceError> for Stop {
    fn from(error: SourceError) -> Self {
        Self::Trouble(error)
    }
}

/// Asks the database what the query would give, without running it.
///
/// # Errors
/// When the database can't be reached, refuses the query, or the columns aren't those that the
/// settings ask for.
pub async fn look(source: &SqlSource) -> Result<Look, SourceError> {
    let job = Job::new(source)?;
    let session = Session::open(&job).await?;
    let reading = Reading::new(&job, &session)?;
    session.close().await;
    Ok(Look {
        fields: reading.fields,
        ignored: reading.ignored,
    })
}

/// Reads what is new since `held`, or everything, and sends it part by part. After an error nothing
/// of it may be applied.
pub async fn read(source: SqlSource, held: Option<Held>, out: Sender<Result<Part, SourceError>>) {
    let last = match read_parts(&source, held, &out).await {
        Ok(part) => Ok(part),
        Err(Stop::Trouble(error)) => Err(error),
        Err(Stop::NobodyListens) => return,
    };
    // Whoever has gone needs no answer.
    _ = out.send(last).await;
}

async fn read_parts(
    source: &SqlSource,
    held: Option<Held>,
    out: &Sender<Result<Part, SourceError>>,
) -> Result<Part, Stop> {
    let job = Job::new(source)?;
    let mut session = Session::open(&job).await?;
    let reading = Reading::new(&job, &session)?;
    let settings = fingerprint(source, job.address.engine());
    // What was read in another way counts for nothing.
    let held = held.filter(|held| held.fingerprint.starts_with(&settings));
    let sink = || {
        let names = (source.meaning.name.as_str(), reading.header.as_slice());
        Sink::new(out, names, (&reading.plan, &reading.forms), reading.since)
    };
    let mut all = sink();
    let ends = if job.query.has_since() {
        let before = held.and_then(|held| held.mark);
        let before = before.and_then(|mark| Mark::parse(&mark));
        begins(out, before.is_none()).await?;
        session.run(&job, before, &mut all).await?;
        let mark = session.next_mark(&job, &all, before)?;
        Held {
            fingerprint: settings,
            mark: mark.map(|mark| mark.to_string()),
        }
    } else {
        if let Some(held) = held {
            // The rows are looked at first: most of the time nothing changed, and then the store
            // needn't be written at all.
            let mut look = sink();
            look.only_looks = true;
            session.run(&job, None, &mut look).await?;
            if held.fingerprint == format!("{settings}:{}", look.digest()) {
                session.close().await;
                return Ok(Part::Unchanged);
            }
        }
        begins(out, true).await?;
        session.run(&job, None, &mut all).await?;
        Held {
            fingerprint: format!("{settings}:{}", all.digest()),
            mark: None,
        }
    };
    session.close().await;
    Ok(Part::Ends(ends))
}

async fn begins(out: &Sender<Result<Part, SourceError>>, whole: bool) -> Result<(), Stop> {
    let sent = out.send(Ok(Part::Begins { whole })).await;
    sent.map_err(|_| Stop::NobodyListens)
}

/// The same for the same query read with the same settings.
fn fingerprint(source: &SqlSource, engine: Engine) -> String {
    let SqlSource {
        meaning,
        access,
        query,
        since,
        ..
    } = source;
    let text = format!(
        "{READING}\n{engine:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{query:?}\n{since:?}\n{:?}",
        meaning.feeds,
        meaning.event,
        meaning.columns,
        meaning.types,
        meaning.dates,
        meaning.decimal,
        meaning.zone.iana_name(),
        access.url,
    );
    format!("{:x}", Sha256::digest(text))
}
