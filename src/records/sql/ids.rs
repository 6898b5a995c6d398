//! Who is in a database now, told by their ids: by a query of its own, or by the source's, run as if
//! for the first time.
//!
//! An id that can't be used ends it: whoever it belongs to would seem to be gone. May not know who
//! was there before.

use tokio::sync::mpsc::Sender;

use super::job::Job;
use super::session::{Reading, Session};
use super::sink::Sink;
use super::{Part, SqlSource, Stop};
use crate::model::ids::{Ids, KnownIds};
use crate::records::error::{SourceError, Trouble, Wrong};

/// Reads the ids of everybody who is there, in eight bytes each. Whether it moves is said to `out`, and
/// nothing else.
///
/// # Errors
/// When the database can't be reached or refuses the query, or a row has no usable id; then nobody
/// knows who is there.
pub async fn ids(
    source: &SqlSource,
    out: &Sender<Result<Part, SourceError>>,
) -> Result<KnownIds, SourceError> {
    if let Some(source) = apart(source) {
        let job = Job::new(&source).and_then(of_all).map_err(named)?;
        return read(&job, Reading::of_ids, out).await.map_err(named);
    }
    read(&Job::new(source)?, Reading::new, out).await
}

/// Asks the database whether the query for ids would give any, without running it.
///
/// # Errors
/// As with [`ids`].
pub async fn look_at_ids(source: &SqlSource) -> Result<(), SourceError> {
    let Some(source) = apart(source) else {
        return Ok(());
    };
    let asked = async {
        let job = of_all(Job::new(&source)?)?;
        let session = Session::open(&job).await?;
        Reading::of_ids(&job, &session)?;
        session.close().await;
        Ok(())
    };
    asked.await.map_err(named)
}

/// The source with its query for ids in place of the other.
fn apart(source: &SqlSource) -> Option<SqlSource> {
    let query = source.ids.clone()?;
    Some(SqlSource {
        query,
        since: None,
        ..source.clone()
    })
}

/// Names the query that is meant.
fn named(error: SourceError) -> SourceError {
    SourceError {
        problem: format!("`ids`: {}", error.problem),
        mend: error.mend.replace("`query`", "`ids`"),
        ..error
    }
}

fn of_all(job: Job<'_>) -> Result<Job<'_>, SourceError> {
    if job.query.has_since() {
        return Err(job.wrong(Wrong::new(
            Trouble::Settings,
            "`:since` has no place in it",
            "let it give the ids of everybody, the oldest included",
        )));
    }
    Ok(job)
}

async fn read(
    job: &Job<'_>,
    look: impl FnOnce(&Job<'_>, &Session) -> Result<Reading, SourceError>,
    out: &Sender<Result<Part, SourceError>>,
) -> Result<KnownIds, SourceError> {
    let mut session = Session::open(job).await?;
    let reading = look(job, &session)?;
    let names = (job.source.meaning.name.as_str(), reading.header.as_slice());
    let mut sink = Sink::new(out, names, (&reading.plan, &reading.forms), None);
    sink.ids = Some(Ids::default());
    match session.run(job, None, &mut sink).await {
        Ok(()) | Err(Stop::NobodyListens) => {}
        Err(Stop::Trouble(error)) => return Err(error),
    }
    session.close().await;
    sink.into_ids().map_err(|odd| {
        job.wrong(Wrong::new(
            Trouble::Header,
            odd,
            "leave rows without an id out; nobody is taken for gone until then",
        ))
    })
}
