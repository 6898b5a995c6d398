//! What can go wrong with the store: which file, and what to do.
//!
//! May not repair anything.

use std::sync::Arc;

use sqlx::migrate::MigrateError;

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
    /// The library or its settings aren't safe.
    #[error("{path}: {why}")]
    Unsafe {
        /// The database.
        path: Arc<str>,
        /// What isn't as it must be.
        why: String,
    },
    /// No room left.
    #[error(
        "{path}: the disk is full; make room, then start again: nothing that was confirmed is lost"
    )]
    Full {
        /// The database.
        path: Arc<str>,
    },
    /// Not ours to write.
    #[error("{path}: can't be written (read-only); check the owner of the file and of its folder")]
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
}

impl StoreError {
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
                    Some(code::BUSY | code::LOCKED) => Self::Busy { path },
                    Some(code::READ_ONLY) => Self::ReadOnly { path },
                    Some(code::FULL) => Self::Full { path },
                    Some(code::CORRUPT | code::NOT_A_DATABASE) => Self::Damaged { path, detail },
                    Some(code::IO | code::CANT_OPEN) => Self::Unreadable { path, detail },
                    _ => Self::Other {
                        path,
                        source: Arc::new(sqlx::Error::Database(cause)),
                    },
                }
            }
            sqlx::Error::Io(cause) => Self::Unreadable {
                path,
                detail: cause.to_string(),
            },
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
            | Self::Unsafe { .. }
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
