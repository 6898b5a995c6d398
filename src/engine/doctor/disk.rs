//! The disk below the store and the outbox: room, room for files, and whether fondly may write there.
//!
//! Nothing is written to find out: the system is asked.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD};

use super::{Check, State};
use crate::durable::beside;
use crate::settings::{Settings, Transport};
use crate::store::Store;

const NAME: &str = "disk";

/// Bytes below which a pass may fail at any moment …
const TOO_LITTLE: u64 = 50 << 20;
/// … and below which it is time to make room.
const LITTLE: u64 = 500 << 20;
/// Files that can still be made, below which letters as files or the store's log may fail …
const TOO_FEW: u64 = 100;
/// … and below which it is time to make room.
const FEW: u64 = 10_000;

/// What the system says of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Room {
    /// Bytes that we may still write.
    free: u64,
    /// Files that we may still make; nothing where the file system doesn't count them.
    files: Option<u64>,
    /// Why we may not write there.
    shut: Option<String>,
}

/// The disk of the store; and that of the outbox, where it is another one.
pub(super) async fn look(settings: &Settings) -> Vec<Check> {
    let store = settings.store.path.clone();
    let outbox = match &settings.mail.transport {
        Transport::File { dir } => Some(dir.clone()),
        Transport::Smtp(_) => None,
    };
    // A disk that is far away takes its time.
    let looked = tokio::task::spawn_blocking(move || {
        let mut checks = vec![of_store(&store)];
        let device = |path: &Path| std::fs::metadata(path).ok().map(|there| there.dev());
        let other = outbox.map(|dir| there(&dir)).filter(|dir| {
            let below = store.parent().map(there);
            device(dir) != below.as_deref().and_then(device)
        });
        checks.extend(other.map(|dir| judge(&dir, &room(&dir), None)));
        checks
    });
    looked.await.unwrap_or_default()
}

fn of_store(store: &Path) -> Check {
    let folder = there(store.parent().unwrap_or(Path::new(".")));
    let check = judge(&folder, &room(&folder), Some(Store::bytes(store)));
    if check.state == State::Wrong {
        return check;
    }
    let closer = foreign(store).or_else(|| open_to_all(store));
    closer.unwrap_or(check)
}

/// The folder, or the one above it in which it will be made.
pub(super) fn there(folder: &Path) -> PathBuf {
    let mut above = folder.ancestors().filter(|one| !one.as_os_str().is_empty());
    above
        .find(|one| one.exists())
        .unwrap_or(Path::new("."))
        .to_owned()
}

/// Why we may not make files in a folder.
pub(super) fn shut(folder: &Path) -> Option<String> {
    let asked = Access::WRITE_OK | Access::EXEC_OK;
    let may = rustix::fs::accessat(CWD, folder, asked, AtFlags::EACCESS);
    may.err()
        .map(|error| std::io::Error::from(error).to_string())
}

fn room(folder: &Path) -> Result<Room, String> {
    let said = rustix::fs::statvfs(folder);
    let said = said.map_err(|error| std::io::Error::from(error).to_string())?;
    Ok(Room {
        free: said.f_bavail.saturating_mul(said.f_frsize),
        files: (said.f_files > 0).then_some(said.f_favail),
        shut: shut(folder),
    })
}

/// What is to be said of a folder; `store` is how large the store in it is.
fn judge(folder: &Path, room: &Result<Room, String>, store: Option<u64>) -> Check {
    let folder = folder.display();
    let Room { free, files, shut } = match room {
        Ok(room) => room,
        Err(why) => {
            let found = format!("{folder} can't be looked at: {why}");
            return Check::look(NAME, &found, "See that it is there, and may be read.");
        }
    };
    if let Some(why) = shut {
        let found = format!("{folder} can't be written: {why}");
        let advice = "Check the owner of the folder, and whether the disk is mounted read-only; \
                      run this as fondly's own user, such as `sudo -u fondly fondly doctor`.";
        return Check::wrong(NAME, &found, advice);
    }
    let mut found = format!("{} free below {folder}", size(*free));
    if let Some(files) = files.filter(|files| *files < FEW) {
        found = format!("{found}, for {files} more files");
    }
    let files = files.unwrap_or(u64::MAX);
    let limits = format!(
        "Make room: below {} or {TOO_FEW} files passes may fail; nothing is lost then, and it goes \
         on by itself once there is room.",
        size(TOO_LITTLE)
    );
    if *free < TOO_LITTLE || files < TOO_FEW {
        return Check::wrong(NAME, &found, &limits);
    }
    if *free < LITTLE || files < FEW {
        return Check::look(NAME, &found, &limits);
    }
    match store {
        Some(bytes) if bytes > *free => {
            let found = format!("{found}; the store takes {}", size(bytes));
            let advice = "Make room: `fondly forget` and `fondly backup` need as much as the store \
                          takes.";
            Check::look(NAME, &found, advice)
        }
        _ => Check::ok(NAME, &found),
    }
}

/// A file beside the store that belongs to somebody else: a command that root ran once makes such.
fn foreign(store: &Path) -> Option<Check> {
    let owner = |path: &Path| std::fs::metadata(path).ok().map(|there| there.uid());
    let ours = owner(store)?;
    let endings = ["-wal", "-shm", ".lock", ".migrate-lock", ".witness"];
    let mut files = endings.into_iter().map(|ending| beside(store, ending));
    let other = files.find(|path| owner(path).is_some_and(|uid| uid != ours))?;
    let found = format!(
        "{} belongs to another user than {}",
        other.display(),
        store.display()
    );
    let advice = format!(
        "Give it back, and run commands as fondly's own user: `chown --reference={} {}`.",
        store.display(),
        other.display()
    );
    Some(Check::wrong(NAME, &found, &advice))
}

/// Everybody on the machine may read the store, which holds what customers told.
fn open_to_all(store: &Path) -> Option<Check> {
    let lets = |path: &Path, right: u32| {
        let found = std::fs::metadata(path);
        found.is_ok_and(|there| there.mode() & right != 0)
    };
    // One folder that is shut keeps everybody out of all below it.
    let mut above = store.ancestors().skip(1);
    if !lets(store, 0o004) || !above.all(|folder| lets(folder, 0o001)) {
        return None;
    }
    let folder = store.parent()?.display();
    let found = format!("Everybody on this machine may read {}", store.display());
    let advice = format!("Keep it to fondly's own user: `chmod 700 {folder}`.");
    Some(Check::look(NAME, &found, &advice))
}

/// Bytes as people read them.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    let mut rest = bytes;
    let mut shown = format!("{bytes} bytes");
    for unit in UNITS {
        let (whole, part) = (rest / 1_000, rest % 1_000 / 100);
        if whole == 0 {
            break;
        }
        shown = match whole {
            0..10 => format!("{whole}.{part} {unit}"),
            _ => format!("{whole} {unit}"),
        };
        rest = whole;
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(free: u64, files: Option<u64>, store: u64) -> (State, String, String) {
        let shut = None;
        let room = Ok(Room { free, files, shut });
        let check = judge(Path::new("/srv/var"), &room, Some(store));
        (check.state, check.found, check.advice)
    }

    #[test]
    fn room_is_told_and_too_little_of_it_is_wrong() {
        const GB: u64 = 1_000_000_000;
        let (state, found, advice) = judged(5 * GB, Some(1_000_000), GB);
        assert_eq!(
            (state, found.as_str()),
            (State::Ok, "5.0 GB free below /srv/var")
        );
        assert_eq!(advice, "");
        // A file system that doesn't count files.
        assert_eq!(judged(5 * GB, None, GB).0, State::Ok);
        for (free, files, store, wanted, words) in [
            (
                TOO_LITTLE - 1,
                Some(1_000_000),
                0,
                State::Wrong,
                "52 MB free",
            ),
            (TOO_LITTLE, Some(1_000_000), 0, State::Look, "52 MB free"),
            (LITTLE - 1, None, 0, State::Look, "524 MB free"),
            (LITTLE, None, 0, State::Ok, "524 MB free"),
            (5 * GB, Some(99), 0, State::Wrong, "for 99 more files"),
            (5 * GB, Some(FEW - 1), 0, State::Look, "for 9999 more files"),
            (5 * GB, None, 6 * GB, State::Look, "the store takes 6.0 GB"),
        ] {
            let (state, found, advice) = judged(free, files, store);
            assert_eq!(state, wanted, "{found}");
            assert!(found.contains(words), "{found}");
            assert_eq!(advice.is_empty(), state == State::Ok, "{advice}");
        }
    }

    #[test]
    fn a_folder_that_can_t_be_written_is_wrong() {
        let shut = Some("Read-only file system".to_owned());
        let room = Ok(Room {
            free: u64::MAX,
            files: None,
            shut,
        });
        let check = judge(Path::new("/srv/var"), &room, None);
        assert_eq!(check.state, State::Wrong);
        assert!(
            check.found.contains("Read-only file system"),
            "{}",
            check.found
        );
        assert!(check.advice.contains("owner"), "{}", check.advice);
        let unseen = judge(Path::new("/srv/var"), &Err("gone".to_owned()), None);
        assert_eq!(unseen.state, State::Look);
    }

    #[test]
    fn the_folder_that_will_be_made_is_looked_for_above() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(there(&dir.path().join("a/b")), dir.path());
        assert_eq!(there(dir.path()), dir.path());
        assert_eq!(shut(dir.path()), None);
        assert!(shut(&dir.path().join("a")).is_some());
        assert!(room(dir.path()).unwrap().free > 0);
    }

    #[test]
    fn sizes_are_read_at_a_glance() {
        for (bytes, shown) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1_000, "1.0 KB"),
            (12_345, "12 KB"),
            (9_990_000, "9.9 MB"),
            (52_428_800, "52 MB"),
            (1_500_000_000, "1.5 GB"),
            (12_000_000_000_000, "12 TB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(size(bytes), shown);
        }
    }
}
