//! Reads every source and hands each file, and what is new in each database, to the store: whole,
//! or not at all.
//!
//! A source that can't be read doesn't stop the others; it is reported until it can be.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::folder::{self, Folder};
use super::gone::{self, Looked};
use super::wiring::{self, Input};
use super::{EngineError, House};
use crate::records::complete::Look;
use crate::records::sql::{self, Held, Part, SqlSource};
use crate::records::{self, FileReader, FileSource, Print, SourceError, Trouble};
use crate::settings::After;
use crate::store::{Applied, ApplyError, FileMeta, FileRow, PlaceOf, QueryMark, QueryPart};

/// Parts of a database's answer that wait to be stored.
const PARTS: usize = 8;

/// What became of one source.
#[derive(Debug)]
pub struct Synced {
    /// The source's name.
    pub source: String,
    /// The files that were read, with what was new in them.
    pub files: Vec<(String, Applied)>,
    /// What a person should know of how a file was read, with the file's name.
    pub remarks: Vec<String>,
    /// Files that hadn't changed since they were read.
    pub unchanged_files: u64,
    /// Files that may still be written to, and are read once they are complete.
    pub unfinished: Vec<String>,
    /// Whether it is a database in which nothing had changed.
    pub unchanged_query: bool,
    /// How many customers were found to be gone from a database.
    pub gone: u64,
    /// What a person has to say something to: so many seem to be gone that it may be a slip.
    pub doubt: Option<String>,
    /// What kept a file, or the source, from being read.
    pub trouble: Vec<String>,
}

impl Synced {
    fn of(source: &str) -> Self {
        Self {
            source: source.to_owned(),
            files: Vec::new(),
            remarks: Vec::new(),
            unchanged_files: 0,
            unfinished: Vec::new(),
            unchanged_query: false,
            gone: 0,
            doubt: None,
            trouble: Vec::new(),
        }
    }

    fn add(&mut self, looked: Result<Looked, SourceError>) {
        match looked {
            Ok(None) => {}
            Ok(Some(Ok(gone))) => self.gone = gone,
            Ok(Some(Err(many))) => self.doubt = Some(gone::too_many(&self.source, many)),
            Err(error) => self.trouble.push(error.to_string()),
        }
    }
}

/// Reads all sources, or only the one with this name.
///
/// # Errors
/// The store's trouble; that of a source is part of the answer.
pub async fn sync(
    house: &House,
    only: Option<&str>,
    now: Timestamp,
) -> Result<Vec<Synced>, EngineError> {
    sync_with(house, only, false, now).await
}

/// Reads this source, and takes whoever isn't in its database any more for gone, however many.
///
/// # Errors
/// As with [`sync`].
pub async fn accept_gone(
    house: &House,
    source: &str,
    now: Timestamp,
) -> Result<Vec<Synced>, EngineError> {
    sync_with(house, Some(source), true, now).await
}

async fn sync_with(
    house: &House,
    only: Option<&str>,
    accept_gone: bool,
    now: Timestamp,
) -> Result<Vec<Synced>, EngineError> {
    let unread = house.store.unread_sources().await?;
    let mut all = Vec::new();
    for source in wiring::sources(&house.plans.settings) {
        if only.is_some_and(|name| name != source.name()) {
            continue;
        }
        let synced = match &source {
            Input::Files(source, dropped) => {
                let folder = Folder {
                    source: &source.meaning.name,
                    path: &source.path,
                    wait: dropped.complete_after,
                    moves: dropped.after == After::Move,
                };
                Box::pin(sync_files(house, (source, folder), now)).await?
            }
            Input::Query(source, every) => {
                let mut synced = Box::pin(sync_query(house, source, now)).await?;
                // Whoever can't be read may have come as well as gone.
                if let Some(every) = every
                    && synced.trouble.is_empty()
                {
                    let looked = gone::look(house, (source, *every), accept_gone, now).await?;
                    synced.add(looked);
                }
                synced
            }
        };
        let well = synced.trouble.is_empty();
        if unread.contains(&synced.source) == well {
            house.store.source_read(&synced.source, well).await?;
        }
        all.push(synced);
    }
    Ok(all)
}

/// Whether all that the sources held could be read, the last time that somebody did.
///
/// # Errors
/// The store's trouble.
pub async fn is_complete(house: &House) -> Result<bool, EngineError> {
    let unread = house.store.unread_sources().await?;
    let mut sources = house.plans.settings.sources.iter();
    Ok(!sources.any(|source| unread.contains(&source.name)))
}

/// What kept files or sources from being read, each with its source's name.
pub fn troubles(synced: Vec<Synced>) -> Vec<String> {
    let of_one = |one: Synced| {
        let source = one.source;
        let named = move |trouble| format!("{source}: {trouble}");
        one.trouble.into_iter().map(named)
    };
    synced.into_iter().flat_map(of_one).collect()
}

async fn sync_files(
    house: &House,
    (source, folder): (&FileSource, Folder<'_>),
    now: Timestamp,
) -> Result<Synced, EngineError> {
    let mut synced = Synced::of(&source.meaning.name);
    let files = match records::files(source) {
        Ok(files) => files,
        Err(error) => {
            synced.trouble.push(error.to_string());
            return Ok(synced);
        }
    };
    let is_a_folder = source.path.is_dir();
    let files = if is_a_folder {
        let sorted = folder::sort(house, folder, files, now).await?;
        let shown = |path: &PathBuf| records::shown(source, path);
        synced.unfinished = sorted.unfinished.iter().map(shown).collect();
        sorted.complete
    } else {
        files.into_iter().map(|path| (path, None)).collect()
    };
    for (path, look) in files {
        match sync_file(house, source, &path, now).await? {
            Ok(Some((applied, remarks))) => {
                let name = &applied.0;
                let remarks = remarks
                    .into_iter()
                    .map(|remark| format!("{name}: {remark}"));
                synced.remarks.extend(remarks);
                synced.files.push(applied);
            }
            Ok(None) => synced.unchanged_files += 1,
            // Whoever took it away between the look and the reading has a use for it.
            Err(error) if is_a_folder && error.trouble == Trouble::Missing => continue,
            Err(error) => {
                synced.trouble.push(error.to_string());
                continue;
            }
        }
        synced.trouble.extend(put_away(folder, &path, look));
    }
    Ok(synced)
}

/// Moves a file that was read, where that is wanted; what kept it.
fn put_away(folder: Folder<'_>, path: &Path, look: Option<Look>) -> Option<String> {
    let look = look.filter(|_| folder.moves)?;
    folder::put_away(folder, path, look).err()
}
/// A file with what was new in it, and what to say of how it was read.
type FileApplied = ((String, Applied), Vec<String>);

/// The file as the settings name it, with what was new in it; `None` when it hasn't changed since
/// it was read.
async fn sync_file(
    house: &House,
    source: &FileSource,
    path: &Path,
    now: Timestamp,
) -> Result<Result<Option<FileApplied>, SourceError>, EngineError> {
    let print = match records::print(source, path) {
        Ok(print) => print,
        Err(error) => return Ok(Err(error)),
    };
    let Print { shown, fingerprint } = print.clone();
    let name = &source.meaning.name;
    let known = house.store.file_fingerprint(name, &shown).await?;
    if known.as_ref() == Some(&fingerprint) {
        return Ok(Ok(None));
    }
    let reader = match FileReader::open_printed(source, path, print) {
        Ok(reader) => reader,
        Err(error) => return Ok(Err(error)),
    };
    let meta = FileMeta {
        source: &source.meaning.name,
        path: &shown,
        fingerprint: &fingerprint,
        now,
    };
    let remarks = reader.remarks().to_vec();
    let rows = reader.map(|row| {
        house.progress.moves();
        row.map(file_row)
    });
    match house.store.apply_file(meta, rows).await {
        Ok(applied) => Ok(Ok(Some(((shown, applied), remarks)))),
        Err(ApplyError::Rows(error)) => Ok(Err(error)),
        Err(ApplyError::Store(error)) => Err(error.into()),
    }
}

/// What is new in a database. It is read by a task of its own, so that fetching and storing go on
/// at the same time.
async fn sync_query(
    house: &House,
    source: &SqlSource,
    now: Timestamp,
) -> Result<Synced, EngineError> {
    let name = source.meaning.name.clone();
    let held = house.store.query_mark(&name).await?;
    let held = held.map(|QueryMark { fingerprint, mark }| Held { fingerprint, mark });
    let (to_us, mut read) = mpsc::channel(PARTS);
    let (to_store, mut parts) = mpsc::channel(PARTS);
    let mut reading = JoinSet::new();
    reading.spawn(sql::read(source.clone(), held, to_us));
    let broken_off = SourceError {
        file: "query".to_owned(),
        line: None,
        column: None,
        trouble: Trouble::Away,
        problem: "reading it broke off".to_owned(),
        mend: "nothing was taken from it; it is read again the next time".to_owned(),
    };
    let handing_on = async move {
        let mut last = false;
        while let Some(part) = next(house, source, &mut read).await {
            if matches!(part, Ok(Part::Moves)) {
                continue;
            }
            last = matches!(part, Ok(Part::Ends(_) | Part::Unchanged) | Err(_));
            if to_store.send(part.map(query_part)).await.is_err() {
                return;
            }
        }
        if !last {
            // Whoever has gone needs no answer.
            _ = to_store.send(Err(broken_off)).await;
        }
    };
    let to = (name.as_str(), now, sql::place_of as PlaceOf);
    let (applied, ()) = tokio::join!(
        async {
            let applied = house.store.apply_query(to, &mut parts).await;
            // Nobody hands anything on that isn't wanted any more.
            drop(parts);
            applied
        },
        handing_on
    );
    // Whatever ended it early is told by now.
    while reading.join_next().await.is_some() {}
    let mut synced = Synced::of(&name);
    match applied {
        Ok(Some(applied)) => synced.files.push(("query".to_owned(), applied)),
        Ok(None) => synced.unchanged_query = true,
        Err(ApplyError::Rows(error)) => synced.trouble.push(SourceError::to_string(&error)),
        Err(ApplyError::Store(error)) => return Err(error.into()),
    }
    Ok(synced)
}

/// The next part. The database has its own time for it, and somebody who waits for it meanwhile is
/// alive; who can't hand on what came isn't.
pub(super) async fn next(
    house: &House,
    source: &SqlSource,
    parts: &mut mpsc::Receiver<Result<Part, SourceError>>,
) -> Option<Result<Part, SourceError>> {
    let _waits = house.progress.waits(source.longest_wait());
    parts.recv().await
}

fn query_part(part: Part) -> QueryPart {
    match part {
        Part::Moves => QueryPart::Rows(Vec::new()),
        Part::Begins { whole } => QueryPart::Begins { whole },
        Part::Unchanged => QueryPart::Unchanged,
        Part::Rows(rows) => QueryPart::Rows(rows.into_iter().map(file_row).collect()),
        Part::Ends(Held { fingerprint, mark }) => QueryPart::Ends(QueryMark { fingerprint, mark }),
    }
}

fn file_row(row: records::Row) -> FileRow {
    match row {
        records::Row::Customer(customer, told) => FileRow::Customer(Box::new(customer), told),
        records::Row::Event(event) => FileRow::Event(Box::new(event)),
        records::Row::Refused(refusal) => FileRow::Refused(Box::new(refusal)),
    }
}
