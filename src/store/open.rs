//! Opening, checking, copying and closing a store.
//!
//! May not repair: what isn't as it must be is refused with words.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::pool::PoolOptions;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::columns::hex;
use super::health::Health;
use super::{Inner, Store, StoreError, dialect, hold, intact, links, writer};
use crate::durable::{beside, make_folder};

/// Connections that read.
const READERS: u32 = 4;

/// Writers wait for each other as long as it takes: a large file is one transaction.
const WAIT_FOR_WRITER: Duration = Duration::from_hours(6);

/// Bytes of the log from which it is copied back at the end of a pass.
const LOG_KEPT: u64 = 1 << 20;

/// How a store is opened.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenOptions {
    /// Make it when there is none.
    pub create: bool,
    /// Don't wait for the disk: only for copies that nobody needs after a power cut.
    pub volatile: bool,
    /// One thing after the other: whoever records something waits until it is written, and the
    /// writer never keeps its connection in case more comes. Slower, but nothing hangs on how fast
    /// the disk is, so that a simulation can be repeated.
    pub in_step: bool,
}

impl Store {
    /// Opens the store at a path or a `sqlite:` address, brings its schema up to date, and starts
    /// its writer. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When it is missing, damaged, somebody else's, written by a newer fondly, or kept in a way
    /// that could lose what was confirmed.
    pub async fn open(path_or_url: &str, options: OpenOptions) -> Result<Self, StoreError> {
        let file = file_of(path_or_url)?;
        let path: Arc<str> = Arc::from(file.to_string_lossy());
        let connect = dialect::connect_options(&file, false);
        let (id, hash_key) = {
            let _turn = turn(&path, &file, options.create).await?;
            if !intact::look(&path, &file)? {
                if !options.create {
                    return Err(StoreError::Missing { path });
                }
                make(&path, &file).await?;
            }
            check_owner(&path, dialect::plain_options(&file, false)).await?;
            prepare(&path, &connect).await?
        };
        let health = Arc::new(Health::default());
        let name = |error| StoreError::new(&path, error);
        let writer = pool(1, options.volatile, Some(&health))
            .connect_with(dialect::writer_options(&connect, options.volatile))
            .await
            .map_err(name)?;
        let readers = pool(READERS, false, None)
            .connect_with(dialect::reader_options(&connect))
            .await
            .map_err(name)?;
        health.remember(&file);
        let (outbox, ops) = mpsc::channel(super::inbox::QUEUE);
        let tasks = TaskTracker::new();
        let witnesses = Arc::default();
        let told = (&health, &witnesses);
        let task = writer::Writer::new((Arc::clone(&path), writer.clone()), told, (hash_key, ops));
        tasks.spawn(task.keeping_its_connection(!options.in_step).run());
        Ok(Self {
            inner: Arc::new(Inner {
                path,
                writer,
                readers,
                outbox,
                tasks,
                health,
                in_step: options.in_step,
                hash_key,
                id,
                witnesses,
            }),
        })
    }

    /// Waits until everything that was handed over is durable, and closes the store for all of its
    /// clones.
    ///
    /// # Errors
    /// When something that was recorded without waiting for it got lost.
    pub async fn close(self) -> Result<(), StoreError> {
        let flushed = self.flush().await;
        self.stop_writer().await;
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
        self.inner.readers.close().await;
        self.inner.writer.close().await;
        flushed
    }

    /// Writes a consistent copy to a file that doesn't exist yet; others go on working meanwhile.
    /// It gets its name when it is whole, so that half of one is never taken for a backup.
    ///
    /// # Errors
    /// When the copy can't be written; then there is none.
    pub async fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        let name: Arc<str> = Arc::from(path.to_string_lossy());
        let io = |error| StoreError::of_io(&name, &error);
        if tokio::fs::try_exists(path).await.map_err(io)? {
            return Err(StoreError::Address {
                url: name,
                why: "there is a file already; name one that doesn't exist yet".to_owned(),
            });
        }
        let draft = intact::draft(path);
        intact::sweep(&draft).map_err(io)?;
        intact::make_private(&draft).map_err(io)?;
        let mut connection = dialect::connect_options(self.path(), false)
            .connect()
            .await
            .map_err(|error| self.trouble(error))?;
        let copied = dialect::copy(&mut connection, &draft.to_string_lossy()).await;
        let checked = match copied {
            Ok(()) => look_through(&draft, &name).await,
            Err(error) => Err(StoreError::new(&name, error)),
        };
        let placed = checked.and_then(|()| intact::place(&draft, path).map_err(io));
        if placed.is_err() {
            // The error that matters is told already.
            _ = intact::sweep(&draft);
        }
        placed
    }

    /// Copies the log back into the database once there is much in it. SQLite does so by itself, but
    /// tells nobody when that fails, and the log would grow until the disk is full.
    ///
    /// # Errors
    /// When the database can't be written. What is in the log is safe nevertheless.
    pub async fn settle_log(&self) -> Result<(), StoreError> {
        let log = tokio::fs::metadata(beside(self.path(), "-wal")).await;
        if log.map_or(0, |log| log.len()) < LOG_KEPT {
            return Ok(());
        }
        let settled = dialect::settle_log(&self.inner.writer).await;
        settled.map_err(|error| self.trouble(error))
    }

    /// Whether damage was met since the store was opened. Nothing is claimed or committed then.
    pub fn met_damage(&self) -> bool {
        self.inner.health.damage().is_some()
    }

    /// Looks through the whole file where damage was met; if none is there after all, work goes on.
    ///
    /// # Errors
    /// When there is damage, or the file can't be read.
    pub async fn check_damage(&self) -> Result<(), StoreError> {
        if let Some(detail) = self.damage().await? {
            let path = Arc::clone(&self.inner.path);
            let error = StoreError::Damaged { path, detail };
            self.inner.health.note(&error);
            return Err(error);
        }
        self.inner.health.is_sound();
        Ok(())
    }

    /// The first damage found in the whole file. Takes its time on a large store.
    ///
    /// # Errors
    /// When the file can't be read at all.
    pub async fn damage(&self) -> Result<Option<String>, StoreError> {
        let look = async { dialect::damage(&mut *self.reader().acquire().await?).await };
        look.await.map_err(|error| self.trouble(error))
    }
}

/// Reads a copy from end to end: a disk may take it and not keep it.
async fn look_through(copy: &Path, name: &Arc<str>) -> Result<(), StoreError> {
    let look = async {
        let mut connection = dialect::plain_options(copy, false).connect().await?;
        let found = dialect::damage(&mut connection).await?;
        sqlx::Connection::close(connection).await?;
        Ok(found)
    };
    match look.await {
        Ok(None) => Ok(()),
        Ok(Some(detail)) => Err(StoreError::Damaged {
            path: Arc::clone(name),
            detail,
        }),
        Err(error) => Err(StoreError::new(name, error)),
    }
}

/// The file that a path or an address names.
pub(super) fn file_of(path_or_url: &str) -> Result<PathBuf, StoreError> {
    let refuse = |why: &str| {
        Err(StoreError::Address {
            url: Arc::from(path_or_url),
            why: why.to_owned(),
        })
    };
    if path_or_url.starts_with("postgres:") || path_or_url.starts_with("postgresql:") {
        return refuse(
            "PostgreSQL isn't supported yet; use a file, such as sqlite:../var/fondly.db",
        );
    }
    let rest = path_or_url.strip_prefix("sqlite:").unwrap_or(path_or_url);
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    if rest.is_empty() || rest.contains(":memory:") {
        return refuse("a store needs a file, such as sqlite:../var/fondly.db");
    }
    if rest.contains("://") || rest.contains('?') {
        return refuse("not an address fondly knows; use a file, such as sqlite:../var/fondly.db");
    }
    Ok(PathBuf::from(rest))
}

/// A pool whose every connection is looked at before it is used.
fn pool(size: u32, volatile: bool, health: Option<&Arc<Health>>) -> PoolOptions<sqlx::Sqlite> {
    let health = health.map(Arc::clone);
    PoolOptions::new()
        .max_connections(size)
        .acquire_timeout(WAIT_FOR_WRITER)
        .max_lifetime(None)
        .idle_timeout(None)
        .test_before_acquire(false)
        .before_acquire(move |connection, _| {
            let worn = health.as_ref().is_some_and(|health| health.take_worn());
            Box::pin(async move { Ok(!worn && !dialect::left_in_transaction(connection)) })
        })
        .after_connect(move |connection, _| {
            Box::pin(async move {
                dialect::inspect(connection, volatile)
                    .await?
                    .map_err(|why| sqlx::Error::Configuration(why.into()))
            })
        })
}

/// Waits for one's turn to open it, which also nobody makes or migrates meanwhile. Where there is no
/// store, and none is to be made, there is nothing to wait for.
async fn turn(
    path: &Arc<str>,
    file: &Path,
    create: bool,
) -> Result<Option<std::fs::File>, StoreError> {
    let io = |error| StoreError::of_io(path, &error);
    if !tokio::fs::try_exists(file).await.map_err(io)? {
        if !create {
            // Whether there was one, the look tells.
            return Ok(None);
        }
        if let Some(folder) = file.parent() {
            // It holds customers' data: nobody else on the machine needs to look in.
            make_folder(folder, true).map_err(io)?;
        }
    }
    hold::migrating(file).await.map(Some).map_err(io)
}

/// Makes a new store beside its place and puts it there in one step, so that a power cut or a full
/// disk leaves a whole one or none.
async fn make(path: &Arc<str>, file: &Path) -> Result<(), StoreError> {
    let draft = intact::draft(file);
    let io = |error| StoreError::of_io(path, &error);
    intact::sweep(&draft).map_err(io)?;
    check_owner(path, dialect::plain_options(&draft, true)).await?;
    prepare(path, &dialect::connect_options(&draft, true)).await?;
    intact::place(&draft, file).map_err(io)
}

/// Checks whose file it is, before anything in it is changed.
///
/// Where nobody else has it open, closing this connection copies the log back into the database
/// and syncs it. That is wanted: after a sync that failed, the log may hold what only the system
/// still remembers, and what is copied is written anew.
async fn check_owner(path: &Arc<str>, plain: SqliteConnectOptions) -> Result<(), StoreError> {
    let look = async {
        let mut connection = plain.connect().await?;
        let ours = dialect::claim_file(&mut connection).await?;
        sqlx::Connection::close(connection).await?;
        Ok(ours)
    };
    if look.await.map_err(|error| StoreError::new(path, error))? {
        Ok(())
    } else {
        Err(StoreError::NotOurs {
            path: Arc::clone(path),
        })
    }
}

/// Migrates it, and returns its id and key.
async fn prepare(
    path: &Arc<str>,
    connect: &SqliteConnectOptions,
) -> Result<(String, [u8; 32]), StoreError> {
    let name = |error| StoreError::new(path, error);
    let mut connection = connect.connect().await.map_err(name)?;
    dialect::inspect(&mut connection, false)
        .await
        .map_err(name)?
        .map_err(|why| StoreError::Unsafe {
            path: Arc::clone(path),
            why,
        })?;
    dialect::migrator()
        .run(&mut connection)
        .await
        .map_err(|error| StoreError::of_migration(path, error))?;
    let drawn = draw().and_then(|secrets| Ok((secrets, links::draw()?)));
    let (secrets, link_key) = drawn.map_err(|why| StoreError::without_chance(path, why))?;
    let kept = keep(&mut connection, secrets).await.map_err(name)?;
    links::keep_first(&mut connection, link_key)
        .await
        .map_err(name)?;
    sqlx::Connection::close(connection).await.map_err(name)?;
    Ok(kept)
}

/// A new store's id and key.
fn draw() -> Result<(String, String), getrandom::Error> {
    let (mut id, mut key) = ([0; 8], [0; 32]);
    getrandom::fill(&mut id)?;
    getrandom::fill(&mut key)?;
    Ok((hex(&id), hex(&key)))
}

/// Keeps the drawn id and key if there are none yet, and returns those that count.
async fn keep(
    connection: &mut dialect::Connection,
    (id, key): (String, String),
) -> sqlx::Result<(String, [u8; 32])> {
    let mut kept = Vec::new();
    for (name, drawn) in [("id", id), ("hash_key", key)] {
        let known = sqlx::query_scalar("SELECT value FROM meta WHERE key = $1")
            .bind(name)
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(value) = known {
            kept.push(value);
            continue;
        }
        // Even where nothing would be written a statement that writes waits for everybody else who
        // does. Nobody else gets here meanwhile.
        sqlx::query("INSERT INTO meta (key, value) VALUES ($1, $2)")
            .bind(name)
            .bind(&drawn)
            .execute(&mut *connection)
            .await?;
        kept.push(drawn);
    }
    let key = kept.pop().unwrap_or_default();
    let id = kept.pop().unwrap_or_default();
    Ok((id, key_bytes(&key)?))
}

/// A key as it is kept, in hexadecimal digits.
pub(super) fn key_bytes(key: &str) -> sqlx::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    let digits = key.as_bytes().chunks_exact(2);
    if digits.len() != bytes.len() {
        return Err(super::columns::nonsense("the length of hash_key"));
    }
    for (byte, pair) in bytes.iter_mut().zip(digits) {
        *byte = std::str::from_utf8(pair)
            .ok()
            .and_then(|pair| u8::from_str_radix(pair, 16).ok())
            .ok_or_else(|| super::columns::nonsense("hash_key"))?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_files() {
        for (given, file) in [
            ("sqlite:../var/fondly.db", "../var/fondly.db"),
            ("sqlite:///srv/fondly.db", "/srv/fondly.db"),
            ("/srv/fondly.db", "/srv/fondly.db"),
        ] {
            assert_eq!(file_of(given).unwrap(), PathBuf::from(file), "{given}");
        }
        for bad in ["postgres://db/fondly", "sqlite::memory:", "", "mysql://x"] {
            assert!(file_of(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn what_is_not_a_store_is_refused_untouched() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
        let create = OpenOptions {
            create: true,
            volatile: false,
            in_step: false,
        };

        let missing = Store::open(&at("none.db"), OpenOptions::default()).await;
        assert!(matches!(missing, Err(StoreError::Missing { .. })));

        let noise = vec![b'x'; 5000];
        std::fs::write(at("noise.db"), &noise).unwrap();
        let damaged = Store::open(&at("noise.db"), create).await.unwrap_err();
        assert!(matches!(damaged, StoreError::Damaged { .. }), "{damaged}");
        assert_eq!(std::fs::read(at("noise.db")).unwrap(), noise);

        let mut other = SqliteConnectOptions::new()
            .filename(at("other.db"))
            .create_if_missing(true)
            .connect()
            .await
            .unwrap();
        sqlx::raw_sql("CREATE TABLE t (a)")
            .execute(&mut other)
            .await
            .unwrap();
        sqlx::Connection::close(other).await.unwrap();
        let foreign = Store::open(&at("other.db"), create).await;
        assert!(matches!(foreign, Err(StoreError::NotOurs { .. })));
    }

    #[tokio::test]
    async fn a_newer_schema_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("fondly.db").to_string_lossy().into_owned();
        let store = Store::open(
            &file,
            OpenOptions {
                create: true,
                volatile: false,
                in_step: false,
            },
        )
        .await
        .unwrap();
        sqlx::raw_sql(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (99, 'later', 1, x'00', 1)",
        )
        .execute(&store.inner.writer)
        .await
        .unwrap();
        store.close().await.unwrap();
        let newer = Store::open(&file, OpenOptions::default())
            .await
            .unwrap_err();
        assert!(
            matches!(newer, StoreError::Newer { step: 99, .. }),
            "{newer}"
        );
    }

    #[tokio::test]
    async fn two_starters_make_one_store() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir
            .path()
            .join("sub/fondly.db")
            .to_string_lossy()
            .into_owned();
        let open = || {
            Store::open(
                &file,
                OpenOptions {
                    create: true,
                    volatile: false,
                    in_step: false,
                },
            )
        };
        let (one, two) = tokio::join!(open(), open());
        let (one, two) = (one.unwrap(), two.unwrap());
        assert_eq!((one.id(), one.hash_key()), (two.id(), two.hash_key()));
        assert_ne!(one.hash_key(), &[0; 32]);
    }

    #[tokio::test]
    async fn a_copy_opens_and_is_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
        let store = Store::open(
            &at("a.db"),
            OpenOptions {
                create: true,
                volatile: false,
                in_step: false,
            },
        )
        .await
        .unwrap();
        let now = jiff::Timestamp::UNIX_EPOCH;
        store
            .suppress("ann@shop.example", "test", now)
            .await
            .unwrap();
        store.copy_to(Path::new(&at("b.db"))).await.unwrap();
        assert!(store.copy_to(Path::new(&at("b.db"))).await.is_err());
        assert_eq!(store.damage().await.unwrap(), None);
        let copy = Store::open(&at("b.db"), OpenOptions::default())
            .await
            .unwrap();
        assert_eq!(copy.id(), store.id());
        assert_eq!(copy.suppressions().await.unwrap().len(), 1);
    }
}
