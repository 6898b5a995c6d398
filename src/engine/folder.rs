//! Folders into which other programs drop files: which of the files are complete, and where those go
//! that were read.
//!
//! May not read a file.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::{EngineError, House};
use crate::durable;
use crate::records::complete::{Earlier, Look, is_complete, left_alone_since};
use crate::store::Unfinished;

/// The folder below a source's own into which files go that were read.
const DONE: &str = "done";
/// Files of one name that may lie there; nobody gets as far.
const MOST_OF_A_NAME: u32 = 1_000_000;

/// A folder of files.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folder<'a> {
    pub(super) source: &'a str,
    pub(super) path: &'a Path,
    /// For how long a file must have been left alone.
    pub(super) wait: SignedDuration,
    /// Whether files that were read are moved away.
    pub(super) moves: bool,
}

/// The files of a folder.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// Those that can be read, as they were seen.
    pub(super) complete: Vec<(PathBuf, Option<Look>)>,
    /// Those that may still be written to.
    pub(super) unfinished: Vec<PathBuf>,
}

/// Tells the files that are complete from those that aren't yet. What is gone again isn't there.
///
/// # Errors
/// The store's trouble.
pub(super) async fn sort(
    house: &House,
    folder: Folder<'_>,
    files: Vec<PathBuf>,
    now: Timestamp,
) -> Result<Sorted, EngineError> {
    let before = house.store.unfinished(folder.source).await?;
    let known: BTreeMap<&str, Earlier> = before
        .iter()
        .map(|one| (one.file.as_str(), earlier(one)))
        .collect();
    let (mut sorted, mut notes) = (Sorted::default(), Vec::new());
    for path in files {
        let look = match Look::at(&path) {
            Ok(look) => look,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            // Why it can't be read, who reads it will say.
            Err(_) => {
                sorted.complete.push((path, None));
                continue;
            }
        };
        let file = name(&path);
        let earlier = known.get(file.as_str()).copied();
        if is_complete(look, earlier, now, folder.wait) {
            sorted.complete.push((path, Some(look)));
            continue;
        }
        notes.push(Unfinished {
            file,
            look: (look.inode, look.size, look.changed),
            since: left_alone_since(look, earlier, now),
        });
        sorted.unfinished.push(path);
    }
    notes.sort_by(|one, other| one.file.cmp(&other.file));
    if notes != before {
        house.store.note_unfinished(folder.source, &notes).await?;
    }
    Ok(sorted)
}

fn earlier(one: &Unfinished) -> Earlier {
    let (inode, size, changed) = one.look;
    Earlier {
        look: Look {
            inode,
            size,
            changed,
        },
        since: one.since,
    }
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// Moves a file that was read into `done/`, beside whatever lies there. One that was changed, or
/// that somebody else moved meanwhile, is left.
///
/// # Errors
/// In words, when it can't be moved.
pub(super) fn put_away(folder: Folder<'_>, path: &Path, read: Look) -> Result<(), String> {
    let moved = try_to_put_away(folder.path, path, read);
    moved.map_err(|error| {
        format!(
            "{} was read, but can't be moved to `{DONE}`: {error}; let fondly write there, or leave \
             out `after = \"move\"`",
            name(path)
        )
    })
}

fn try_to_put_away(folder: &Path, path: &Path, read: Look) -> io::Result<()> {
    // One that was written anew in its place, at the same length, is another to read.
    if !Look::at(path).is_ok_and(|look| look == read) {
        return Ok(());
    }
    let done = folder.join(DONE);
    durable::make_folder(&done, true)?;
    let place = free_place(&done, path)?;
    if let Err(error) = durable::rename(path, &place) {
        // The place was kept by an empty file of ours.
        _ = fs::remove_file(&place);
        let gone = error.kind() == io::ErrorKind::NotFound;
        return if gone { Ok(()) } else { Err(error) };
    }
    if !Look::at(&place).is_ok_and(|look| is_what_was_read(look, read)) {
        // In the last moment another came under this name, which nobody has read.
        let back = free_place(folder, path)?;
        return durable::rename(&place, &back);
    }
    durable::sync_name(path)
}

/// Moving it changes when it was last touched, and nothing else.
const fn is_what_was_read(look: Look, read: Look) -> bool {
    look.inode == read.inode && look.size == read.size
}

/// A name that nobody has in this folder, kept by an empty file: what is moved there overwrites
/// nothing of anybody's.
fn free_place(folder: &Path, path: &Path) -> io::Result<PathBuf> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    for n in 1..MOST_OF_A_NAME {
        let name = match n {
            1 => path.file_name().unwrap_or_default().into(),
            _ => std::ffi::OsString::from(format!("{stem}-{n}.{ending}")),
        };
        let place = folder.join(name);
        match OpenOptions::new().write(true).create_new(true).open(&place) {
            Ok(_) => return Ok(place),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("there are too many files of this name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(path: &Path) -> Folder<'_> {
        Folder {
            source: "till",
            path,
            wait: SignedDuration::ZERO,
            moves: true,
        }
    }

    #[test]
    fn what_lies_there_already_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["first", "second", "third"] {
            let path = dir.path().join("a.csv");
            fs::write(&path, text).unwrap();
            put_away(folder(dir.path()), &path, Look::at(&path).unwrap()).unwrap();
            assert!(!path.exists());
        }
        let read = |name| fs::read_to_string(dir.path().join("done").join(name)).unwrap();
        assert_eq!(
            [read("a.csv"), read("a-2.csv"), read("a-3.csv")],
            ["first", "second", "third"]
        );
    }

    #[test]
    fn what_was_not_read_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        fs::write(&path, "short").unwrap();
        let read = Look::at(&path).unwrap();
        fs::write(&path, "much longer").unwrap();
        put_away(folder(dir.path()), &path, read).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "much longer");
        assert!(!dir.path().join("done/a.csv").exists());
        fs::remove_file(&path).unwrap();
        put_away(folder(dir.path()), &path, read).unwrap();
    }

    #[test]
    fn what_was_written_anew_in_its_place_at_the_same_length_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        fs::write(&path, "monday").unwrap();
        let read = Look::at(&path).unwrap();
        // Not the millisecond in which it was written first.
        let later = std::time::UNIX_EPOCH + std::time::Duration::from_secs(4_000_000_000);
        let mut file = OpenOptions::new().write(true).open(&path).unwrap();
        io::Write::write_all(&mut file, b"friday").unwrap();
        file.set_modified(later).unwrap();
        put_away(folder(dir.path()), &path, read).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "friday");
        let read = Look::at(&path).unwrap();
        put_away(folder(dir.path()), &path, read).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        fs::write(&path, "x").unwrap();
        fs::write(dir.path().join("done"), "no folder").unwrap();
        let told = put_away(folder(dir.path()), &path, Look::at(&path).unwrap()).unwrap_err();
        assert!(
            told.starts_with("a.csv was read, but can't be moved"),
            "{told}"
        );
        assert!(path.exists());
    }
}
