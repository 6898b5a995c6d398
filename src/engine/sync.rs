//! Reads every source and hands each file to the store: whole, or not at all.
//!
//! A source that can't be read doesn't stop the others; it is reported until it can be.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::folder::{self, Folder};
use super::{EngineError, House, wiring};
use crate::records::complete::Look;
use crate::records::{self, CsvSource, FileReader, SourceError, Trouble};
use crate::settings::After;
use crate::store::{Applied, ApplyError, FileMeta, FileRow};

/// What became of one source.
#[derive(Debug)]
pub struct Synced {
    /// The source's name.
    pub source: String,
    /// The files that were read, with what was new in them.
    pub files: Vec<(String, Applied)>,
    /// Files that hadn't changed since they were read.
    pub unchanged_files: u64,
    /// Files that may still be written to, and are read once they are complete.
    pub unfinished: Vec<String>,
    /// What kept a file, or the source, from being read.
    pub trouble: Vec<String>,
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
    let unread = house.store.unread_sources().await?;
    let mut all = Vec::new();
    let settings = &house.plans.settings;
    for (source, stated) in wiring::sources(settings).into_iter().zip(&settings.sources) {
        if only.is_some_and(|name| name != source.name) {
            continue;
        }
        let folder = Folder {
            source: &source.name,
            path: &source.path,
            wait: stated.complete_after,
            moves: stated.after == After::Move,
        };
        let synced = sync_source(house, (&source, folder), now).await?;
        let well = synced.trouble.is_empty();
        if unread.contains(&source.name) == well {
            house.store.source_read(&source.name, well).await?;
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

async fn sync_source(
    house: &House,
    (source, folder): (&CsvSource, Folder<'_>),
    now: Timestamp,
) -> Result<Synced, EngineError> {
    let mut synced = Synced {
        source: source.name.clone(),
        files: Vec::new(),
        unchanged_files: 0,
        unfinished: Vec::new(),
        trouble: Vec::new(),
    };
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
            Ok(Some(applied)) => synced.files.push(applied),
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

/// The file as the settings name it, with what was new in it; `None` when it hasn't changed since
/// it was read.
async fn sync_file(
    house: &House,
    source: &CsvSource,
    path: &Path,
    now: Timestamp,
) -> Result<Result<Option<(String, Applied)>, SourceError>, EngineError> {
    let reader = match FileReader::open(source, path) {
        Ok(reader) => reader,
        Err(error) => return Ok(Err(error)),
    };
    let (shown, fingerprint) = (reader.shown().to_owned(), reader.fingerprint().to_owned());
    if house
        .store
        .file_fingerprint(&source.name, &shown)
        .await?
        .as_ref()
        == Some(&fingerprint)
    {
        return Ok(Ok(None));
    }
    let meta = FileMeta {
        source: &source.name,
        path: &shown,
        fingerprint: &fingerprint,
        now,
    };
    let rows = reader.map(|row| row.map(file_row));
    match house.store.apply_file(meta, rows).await {
        Ok(applied) => Ok(Ok(Some((shown, applied)))),
        Err(ApplyError::Rows(error)) => Ok(Err(error)),
        Err(ApplyError::Store(error)) => Err(error.into()),
    }
}

fn file_row(row: records::Row) -> FileRow {
    match row {
        records::Row::Customer(customer) => FileRow::Customer(Box::new(customer)),
        records::Row::Event(event) => FileRow::Event(Box::new(event)),
        records::Row::Refused(refusal) => FileRow::Refused(Box::new(refusal)),
    }
}
