//! What is known of the store's own state while it is open: whether damage was met, whether its
//! files are still the ones that were opened.
//!
//! May not repair, and may not decide what becomes of letters: whoever asks for a commit is refused.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::StoreError;
use crate::durable::beside;

/// Which file it is, whatever its name: device and inode.
type File = (u64, u64);

/// Shared by everybody who uses the store.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// The first damage that was met.
    damage: Mutex<Option<StoreError>>,
    /// The connection that writes met with an error of the disk.
    worn: AtomicBool,
    /// The files that were opened.
    files: Mutex<Vec<(Arc<Path>, File)>>,
}

impl Health {
    /// Takes note of a trouble.
    pub(super) fn note(&self, error: &StoreError) {
        match error {
            StoreError::Damaged { .. } => {
                lock(&self.damage).get_or_insert_with(|| error.clone());
            }
            StoreError::Failing { .. } => self.worn.store(true, Ordering::Release),
            StoreError::Missing { .. }
            | StoreError::Address { .. }
            | StoreError::Unreadable { .. }
            | StoreError::NotOurs { .. }
            | StoreError::Newer { .. }
            | StoreError::Older { .. }
            | StoreError::Unsafe { .. }
            | StoreError::Full { .. }
            | StoreError::ReadOnly { .. }
            | StoreError::Busy { .. }
            | StoreError::Nonsense { .. }
            | StoreError::Gone { .. }
            | StoreError::Moved { .. }
            | StoreError::Closed { .. }
            | StoreError::Other { .. } => {}
        }
    }

    /// The damage that was met and about which nobody knows better yet.
    pub(super) fn damage(&self) -> Option<StoreError> {
        lock(&self.damage).clone()
    }

    /// Somebody looked through the whole file and found it sound.
    pub(super) fn is_sound(&self) {
        *lock(&self.damage) = None;
    }

    /// Whether the connection that writes must be replaced; asked once. After a sync that failed,
    /// nobody knows what of its writes is on the disk and what the system has only forgotten.
    pub(super) fn take_worn(&self) -> bool {
        self.worn.swap(false, Ordering::AcqRel)
    }

    /// Remembers which files were opened. The log stays as long as somebody has the database open.
    pub(super) fn remember(&self, database: &Path) {
        let mut files = lock(&self.files);
        for path in [database.to_owned(), beside(database, "-wal")] {
            if let Some(file) = file_at(&path) {
                files.push((path.into(), file));
            }
        }
    }

    /// The file that isn't in its place any more, or is another one. What is written to it then
    /// nobody will find again.
    pub(super) fn moved(&self) -> Option<StoreError> {
        let files = lock(&self.files);
        let moved = files
            .iter()
            .find(|(path, file)| file_at(path) != Some(*file));
        let (path, _) = moved?;
        Some(StoreError::Moved {
            path: path.to_string_lossy().into(),
        })
    }
}

fn file_at(path: &Path) -> Option<File> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
