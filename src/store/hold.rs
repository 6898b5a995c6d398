//! Who works on a store: `run` and `tick` exclude each other, and two starters never migrate at
//! once.
//!
//! The lock is the operating system's, so it ends with its process, however that ends; the file's
//! text is only for people.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::Store;

/// The exclusive right to plan and to send; given back when dropped.
#[derive(Debug)]
pub struct Holder {
    _file: File,
}

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

/// A file beside the database.
fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
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
    /// Takes the store for this process. `command` is for the text that others see.
    ///
    /// # Errors
    /// [`HoldError::HeldBy`] when another process, or another holder in this one, has it.
    pub fn hold(database: &Path, command: &str, now: Timestamp) -> Result<Holder, HoldError> {
        let path = beside(database, ".lock");
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
                let read = file.read_to_string(&mut text).unwrap_or(0);
                return Err(HoldError::HeldBy {
                    path,
                    text: if read == 0 {
                        "held by another process".to_owned()
                    } else {
                        text.trim().to_owned()
                    },
                });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let text = format!(
            "held by pid {}, `{command}`, on {}, since {now:.0}\n",
            std::process::id(),
            if host.trim().is_empty() {
                "this machine"
            } else {
                host.trim()
            },
        );
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(text.as_bytes()))
            .map_err(io)?;
        Ok(Holder { _file: file })
    }
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
        drop(first);
        Store::hold(&db, "fondly tick", now).unwrap();
    }
}
