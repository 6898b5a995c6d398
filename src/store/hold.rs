//! Who works on a store: `run` and `tick` exclude each other, and two starters never migrate at
//! once.
//!
//! The lock is the operating system's, so it ends with its process, however that ends; the file's
//! text is only for people.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::Store;
use crate::durable::beside;

/// The exclusive right to plan and to send; given back when dropped.
#[derive(Debug)]
pub struct Holder {
    file: File,
    /// Whoever had it before didn't end in peace, and the machine may have gone down with them.
    after_a_crash: bool,
    doubtful: bool,
}

impl Holder {
    /// Whether the store should be looked through before it is trusted: whoever held it last was
    /// cut off together with the machine (a process that is killed can't damage it), or met damage.
    pub const fn after_a_crash(&self) -> bool {
        self.after_a_crash
    }

    /// The next holder shall look through the store, however this one ends.
    pub const fn doubt(&mut self) {
        self.doubtful = true;
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // Who ends in peace leaves no text. Where that fails, the next one looks once too often.
        if !self.doubtful {
            _ = self.file.set_len(0);
        } else if self.file.seek(SeekFrom::End(0)).is_ok() {
            _ = self.file.write_all(DOUBT.as_bytes());
        }
    }
}

/// The line of a holder who met damage.
const DOUBT: &str = "it met damage\n";

/// How the line begins that says which start of the machine it was.
const BOOT: &str = "boot ";

/// Why the store can't be held.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// Somebody else has it.
    #[error("{path}: {text}; only one `fondly run` or `fondly tick` can work on a store at a time")]
    HeldBy {
        /// The lock file.
        path: PathBuf,
        /// "held by pid 123, `fondly run`, on shop, since 2027-05-02T09:00:00Z"
        text: String,
    },
    /// The lock file can't be made.
    #[error("{path}: can't be locked ({source}); check that the folder belongs to fondly's user")]
    Io {
        /// The lock file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
}

fn open(path: &Path) -> std::io::Result<File> {
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

impl Store {
    /// The file by which this database is held; it stays where it is while anybody may hold it.
    pub fn lock_of(database: &Path) -> PathBuf {
        beside(database, ".lock")
    }

    /// Takes the store for this process. `command` is for the text that others see.
    ///
    /// # Errors
    /// [`HoldError::HeldBy`] when another process, or another holder in this one, has it.
    pub fn hold(database: &Path, command: &str, now: Timestamp) -> Result<Holder, HoldError> {
        let path = Self::lock_of(database);
        let io = |source| HoldError::Io {
            path: path.clone(),
            source,
        };
        let mut file = open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // The text is a courtesy: without it the refusal still stands.
                _ = file.read_to_string(&mut text);
                let text = text.lines().next().unwrap_or("held by another process");
                return Err(HoldError::HeldBy {
                    path,
                    text: text.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        let mut before = String::new();
        _ = file.read_to_string(&mut before);
        let boot = system_says("random/boot_id");
        let host = system_says("hostname");
        let text = format!(
            "held by pid {}, `{command}`, on {}, since {now:.0}\n{BOOT}{}\n",
            std::process::id(),
            host.as_deref().unwrap_or("this machine"),
            boot.as_deref().unwrap_or_default(),
        );
        // On a full disk the lock holds all the same. Synced, so that it tells of a power cut.
        let written = file
            .set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(text.as_bytes()))
            .and_then(|()| file.sync_all());
        if let Err(error) = written {
            tracing::warn!(file = %path.display(), %error, "who holds the store can't be noted");
        }
        Ok(Holder {
            file,
            after_a_crash: tells_of_a_crash(&before, boot.as_deref()),
            doubtful: false,
        })
    }
}

/// The system's list of the locks that are held.
const LOCKS: &str = "/proc/locks";

impl Store {
    /// Who has the store now, in words for people, as far as the system lets us see. Nobody asks for
    /// the lock itself: whoever starts at that moment would find it taken.
    pub fn held_by(database: &Path) -> Option<String> {
        let path = beside(database, ".lock");
        let number = std::fs::metadata(&path).ok()?.ino();
        if !is_locked(&std::fs::read_to_string(LOCKS).ok()?, number) {
            return None;
        }
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let words = text.lines().next().filter(|line| !line.is_empty());
        Some(words.unwrap_or("held by another process").to_owned())
    }
}

/// Whether the system's list has a lock of ours on the file with this number. A line is such as
/// `2: FLOCK  ADVISORY  WRITE 1184 fe:00:5423 0 EOF`.
fn is_locked(locks: &str, number: u64) -> bool {
    let number = number.to_string();
    locks.lines().any(|line| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let file = words.get(5).and_then(|file| file.rsplit(':').next());
        words.get(1) == Some(&"FLOCK")
            && words.get(3) == Some(&"WRITE")
            && file == Some(number.as_str())
    })
}

/// Whether a holder that left this text was cut off together with the machine, or met damage.
fn tells_of_a_crash(left: &str, boot: Option<&str>) -> bool {
    let then = left.lines().find_map(|line| line.strip_prefix(BOOT));
    let same = boot.is_some() && then == boot;
    !left.is_empty() && (!same || left.ends_with(DOUBT))
}

/// A word of the kernel's about this machine; where it doesn't let us ask, none.
fn system_says(name: &str) -> Option<String> {
    let text = std::fs::read_to_string(Path::new("/proc/sys/kernel").join(name)).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Waits until nobody else is opening this database for the first time.
pub(super) async fn migrating(database: &Path) -> std::io::Result<File> {
    let path = beside(database, ".migrate-lock");
    tokio::task::spawn_blocking(move || {
        let file = open(&path)?;
        file.lock()?;
        Ok(file)
    })
    .await
    .map_err(std::io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_cannot_hold_one_store() {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("fondly.db");
        let now: Timestamp = "2027-05-02T09:00:00Z".parse().unwrap();
        let first = Store::hold(&db, "fondly run", now).unwrap();
        let refusal = Store::hold(&db, "fondly tick", now).unwrap_err();
        let text = refusal.to_string();
        assert!(text.contains("`fondly run`"), "{text}");
        assert!(
            text.contains(&format!("pid {}", std::process::id())),
            "{text}"
        );
        assert!(text.contains("since 2027-05-02T09:00:00Z"), "{text}");
        assert!(!first.after_a_crash());
        drop(first);
        let mut second = Store::hold(&db, "fondly tick", now).unwrap();
        assert!(!second.after_a_crash());
        second.doubt();
        drop(second);
        let third = Store::hold(&db, "fondly tick", now).unwrap();
        assert!(third.after_a_crash());
    }

    #[test]
    fn who_holds_a_store_is_seen_without_asking_for_it() {
        let locks = "1: POSIX  ADVISORY  WRITE 7 fe:00:41 0 EOF\n\
            2: FLOCK  ADVISORY  WRITE 1184 fe:00:5423 0 EOF\n\
            2: -> FLOCK  ADVISORY  WRITE 1190 fe:00:99 0 EOF\n\
            3: FLOCK  ADVISORY  READ 1184 fe:00:77 0 EOF\n\n";
        assert!(is_locked(locks, 5423));
        for other in [41, 99, 77, 423, 0] {
            assert!(!is_locked(locks, other), "{other}");
        }
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("fondly.db");
        assert_eq!(Store::held_by(&db), None);
        let now: Timestamp = "2027-05-02T09:00:00Z".parse().unwrap();
        let holder = Store::hold(&db, "fondly run", now).unwrap();
        if Path::new(LOCKS).exists() {
            let words = Store::held_by(&db).unwrap();
            assert!(words.contains("`fondly run`"), "{words}");
        }
        drop(holder);
        assert_eq!(Store::held_by(&db), None);
    }

    #[test]
    fn a_crash_of_the_machine_is_told_from_that_of_a_process() {
        let left = "held by pid 7, `fondly run`, on shop, since 2027-05-02T09:00:00Z\nboot one\n";
        assert!(!tells_of_a_crash("", Some("one")));
        assert!(!tells_of_a_crash(left, Some("one")));
        assert!(tells_of_a_crash(left, Some("two")));
        // Where the system hides which start it is, better once too often.
        assert!(tells_of_a_crash(left, None));
        assert!(tells_of_a_crash("held by an older fondly\n", Some("one")));
        assert!(tells_of_a_crash(&format!("{left}{DOUBT}"), Some("one")));
    }
}
