//! What can go wrong with the store: which file, and what to do.
//!
//! May not repair anything.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use sqlx::migrate::MigrateError;

use crate::durable::beside;

/// Trouble with the store. Cheap to clone: one failed transaction fails everybody who waits for it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// There is no database yet.
    #[error("{path}: there is no store here yet; `fondly sync` or `fondly run` makes one")]
    Missing {
        /// The database.
        path: Arc<str>,
    },
    /// An address that this program can't open.
    #[error("{url}: {why}")]
    Address {
        /// As it was given.
        url: Arc<str>,
        /// What is wrong with it, and what would be right.
        why: String,
    },
    /// It couldn't be opened or read.
    #[error(
        "{path}: can't be opened ({detail}); check that it and its folder exist and belong to fondly's user"
    )]
    Unreadable {
        /// The database.
        path: Arc<str>,
        /// The system's words.
        detail: String,
    },
    /// The file is damaged.
    #[error(
        "{path}: the database is damaged or isn't one ({detail}); fondly never repairs it silently: keep the file and restore a backup"
    )]
    Damaged {
        /// The database.
        path: Arc<str>,
        /// SQLite's words.
        detail: String,
    },
    /// Somebody else's database.
    #[error("{path}: this is a database, but not fondly's; point [store] url at a file of its own")]
    NotOurs {
        /// The database.
        path: Arc<str>,
    },
    /// Written by a newer fondly.
    #[error(
        "{path}: was written by a newer fondly (its schema has step {step}); update this program"
    )]
    Newer {
        /// The database.
        path: Arc<str>,
        /// The migration that this program doesn't know.
        step: i64,
    },
    /// Written by an older fondly, and only to be looked at.
    #[error(
        "{path}: was written by an older fondly; the next start of this one brings it up to date, and a backup before that does no harm"
    )]
    Older {
        /// The database.
        path: Arc<str>,
    },
    /// The library or its settings aren't safe.
    #[error("{path}: {why}")]
    Unsafe {
        /// The database.
        path: Arc<str>,
        /// What isn't as it must be.
        why: String,
    },
    /// There was one, and it isn't there any more.
    #[error(
        "{path}: there was a store here, and it is gone; put it back, or restore a backup (to begin anew, remove {path}.lock and {path}-wal, too; what went out today may then go out again)"
    )]
    Gone {
        /// The database.
        path: Arc<str>,
    },
    /// It was taken away while it was open.
    #[error(
        "{path}: was moved, deleted or replaced while fondly was working on it, so nothing is written or sent any more; stop fondly, put the file back, and start again"
    )]
    Moved {
        /// The file.
        path: Arc<str>,
    },
    /// The disk doesn't do what it is asked to.
    #[error(
        "{path}: the disk fails ({detail}); look for disk errors in the system's log, and whether the disk turned read-only. Once it works again, a running fondly goes on by itself"
    )]
    Failing {
        /// The database.
        path: Arc<str>,
        /// What failed.
        detail: String,
    },
    /// No room left.
    #[error(
        "{path}: the disk is full, or a quota is used up; make room, and a running fondly goes on by itself: nothing that was confirmed is lost"
    )]
    Full {
        /// The database.
        path: Arc<str>,
    },
    /// Not ours to write.
    #[error(
        "{path}: can't be written (read-only); check the owner of the file and of its folder, and whether the disk is mounted read-only"
    )]
    ReadOnly {
        /// The database.
        path: Arc<str>,
    },
    /// Another process writes for too long.
    #[error("{path}: another program has been writing for too long; try again")]
    Busy {
        /// The database.
        path: Arc<str>,
    },
    /// A row that says something this program doesn't understand.
    #[error("{path}: a stored value makes no sense: {what}; restore a backup or report it")]
    Nonsense {
        /// The database.
        path: Arc<str>,
        /// Which value.
        what: String,
    },
    /// The store was closed before this was done.
    #[error("{path}: the store is closed")]
    Closed {
        /// The database.
        path: Arc<str>,
    },
    /// Anything else.
    #[error("{path}: {source}")]
    Other {
        /// The database.
        path: Arc<str>,
        /// As sqlx has it.
        source: Arc<sqlx::Error>,
    },
}

/// The system's number for an error of the disk.
const EIO: i32 = 5;

/// SQLite's primary result codes that have words of their own.
mod code {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const READ_ONLY: i32 = 8;
    pub(super) const IO: i32 = 10;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANT_OPEN: i32 = 14;
    pub(super) const NOT_A_DATABASE: i32 = 26;

    /// No room for the file that readers and writers share: the only error of the disk by which a
    /// full one shows.
    pub(super) const NO_SHARED_ROOM: i32 = IO | (19 << 8);

    /// What the disk wouldn't do, of the extended codes of [`IO`].
    pub(super) const fn doing(code: i32) -> &'static str {
        match code >> 8 {
            1 => "it can't be read",
            2 => "it ends too early",
            3 => "it can't be written",
            4 => "what was written isn't confirmed",
            5 => "its folder isn't confirmed",
            6 => "it can't be cut",
            18..=21 => "its shared memory can't be used",
            _ => "input or output failed",
        }
    }
}

impl StoreError {
    /// Nothing can be drawn by chance.
    pub(super) fn without_chance(path: &Arc<str>, why: getrandom::Error) -> Self {
        Self::Unsafe {
            path: Arc::clone(path),
            why: format!("the system gives no random numbers ({why})"),
        }
    }

    /// Puts sqlx's error into words.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "sqlx may add errors; those without words of ours keep sqlx's"
    )]
    pub(super) fn new(path: &Arc<str>, error: sqlx::Error) -> Self {
        let path = Arc::clone(path);
        match error {
            sqlx::Error::Database(cause) => {
                // The low byte of an extended code is the primary one.
                let primary = cause.code().and_then(|code| code.parse::<i32>().ok());
                let detail = cause.message().to_owned();
                match primary.map(|code| code & 0xff) {
                    _ if primary == Some(code::NO_SHARED_ROOM) => {
                        Self::why_not(&path).unwrap_or(Self::Full { path })
                    }
                    Some(code::BUSY | code::LOCKED) => Self::Busy { path },
                    Some(code::READ_ONLY) => Self::ReadOnly { path },
                    Some(code::FULL) => Self::Full { path },
                    Some(code::CORRUPT | code::NOT_A_DATABASE) => Self::Damaged { path, detail },
                    Some(code::IO) => Self::Failing {
                        path,
                        detail: code::doing(primary.unwrap_or(code::IO)).to_owned(),
                    },
                    Some(code::CANT_OPEN) => {
                        Self::why_not(&path).unwrap_or(Self::Unreadable { path, detail })
                    }
                    _ => Self::Other {
                        path,
                        source: Arc::new(sqlx::Error::Database(cause)),
                    },
                }
            }
            sqlx::Error::Io(cause) => Self::of_io(&path, &cause),
            sqlx::Error::Configuration(why) => Self::Unsafe {
                path,
                why: why.to_string(),
            },
            sqlx::Error::Decode(what) => Self::Nonsense {
                path,
                what: what.to_string(),
            },
            sqlx::Error::ColumnDecode { index, source } => Self::Nonsense {
                path,
                what: format!("column {index}: {source}"),
            },
            sqlx::Error::PoolClosed => Self::Closed { path },
            other => Self::Other {
                path,
                source: Arc::new(other),
            },
        }
    }

    /// SQLite doesn't say why it can't open a database or make a file beside it; the system does.
    fn why_not(path: &Arc<str>) -> Option<Self> {
        let file = Path::new(&**path);
        let probe = beside(file, ".probe");
        let try_all = || {
            File::options().read(true).write(true).open(file)?;
            let mut made = File::options().write(true).create_new(true).open(&probe)?;
            made.write_all(&[0])
        };
        let tried = try_all();
        // What is left of it disturbs nobody.
        _ = std::fs::remove_file(&probe);
        tried.err().map(|error| Self::of_io(path, &error))
    }

    /// The same for an error of the system's.
    pub(super) fn of_io(path: &Arc<str>, error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        let path = Arc::clone(path);
        let detail = error.to_string();
        let kind = error.kind();
        if matches!(kind, Kind::StorageFull | Kind::QuotaExceeded) {
            Self::Full { path }
        } else if matches!(kind, Kind::PermissionDenied | Kind::ReadOnlyFilesystem) {
            Self::ReadOnly { path }
        } else if error.raw_os_error() == Some(EIO) {
            Self::Failing { path, detail }
        } else {
            Self::Unreadable { path, detail }
        }
    }

    /// The same for a migration.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "sqlx may add errors; those without words of ours keep sqlx's"
    )]
    pub(super) fn of_migration(path: &Arc<str>, error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(step) => Self::Newer {
                path: Arc::clone(path),
                step,
            },
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                Self::new(path, error)
            }
            other => Self::Other {
                path: Arc::clone(path),
                source: Arc::new(sqlx::Error::Migrate(Box::new(other))),
            },
        }
    }

    /// Whether the store itself is in trouble, so that the next transaction would fail as well.
    pub(super) const fn is_of_the_store(&self) -> bool {
        match self {
            Self::Nonsense { .. } | Self::Other { .. } => false,
            Self::Missing { .. }
            | Self::Address { .. }
            | Self::Unreadable { .. }
            | Self::Damaged { .. }
            | Self::NotOurs { .. }
            | Self::Newer { .. }
            | Self::Older { .. }
            | Self::Unsafe { .. }
            | Self::Gone { .. }
            | Self::Moved { .. }
            | Self::Failing { .. }
            | Self::Full { .. }
            | Self::ReadOnly { .. }
            | Self::Busy { .. }
            | Self::Closed { .. } => true,
        }
    }
}

/// A file that wasn't applied; nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError<E> {
    /// Its rows couldn't be read to the end.
    #[error("{0}")]
    Rows(E),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
