//! Presence: who works with the store, and how far it has come; kept in the store, and beside it.
//!
//! The store is written first and the witnesses after it, so that they never know more. May not
//! judge whether they agree.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::columns::{Columns, hex, json, nonsense};
use super::dialect::rows;
use super::marks::forgotten_entry;
use super::witness::{self, Found, WitnessFile};
use super::{Store, StoreError};
use crate::model::presence::{Count, Presence, Witness};

/// The witnesses of the process that works with the store.
#[derive(Debug, Default)]
pub(super) struct Witnesses(Mutex<Option<Open>>);

#[derive(Debug)]
struct Open {
    files: Vec<WitnessFile>,
    says: Witness,
}

/// What stands beside a store and elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standby {
    /// Beside the database.
    pub beside: Found,
    /// In another folder of the machine.
    pub elsewhere: Option<Witness>,
    /// There, of another store that was at work in the place of this one.
    pub before: Option<Witness>,
}

/// Where else than beside the store something is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Around {
    /// The folder of the second witness, where there is one.
    pub elsewhere: Option<PathBuf>,
    /// Where the store stands, while its letters really leave: a fingerprint without blanks.
    pub home: Option<String>,
    /// What tells every file from its copies, instead of what the system says: for tests that lay
    /// out files anew and mean the same ones.
    pub place: Option<String>,
}

/// What waits of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The rule's id.
    pub rule: String,
    /// Its letters.
    pub letters: u64,
}

impl Witnesses {
    /// So many letters are about to be handed over, and the store knows it durably.
    pub(super) fn count(&self, letters: usize) {
        let mut open = self.lock();
        if let Some(witnesses) = open.as_mut() {
            witnesses.says.count.letters += i64::try_from(letters).unwrap_or(0);
            if let Err(error) = witnesses.write() {
                tracing::warn!(%error, "what stands beside the store can't be written any more");
                *open = None;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn write(&mut self) -> std::io::Result<()> {
        let Self { files, says } = self;
        files.iter_mut().try_for_each(|file| file.write(says))
    }
}

impl Store {
    /// What it notes of whoever works with it; nothing before the first pass.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn presence(&self) -> Result<Option<Presence>, StoreError> {
        let read = async {
            let row = sqlx::query("SELECT facts, at, passes, letters FROM presence")
                .fetch_optional(self.reader())
                .await?;
            let Some(row) = row else { return Ok(None) };
            let columns = &mut Columns::of(&row);
            let mut presence: Presence = columns.parsed(|text| serde_json::from_str(text).ok())?;
            presence.at = columns.moment()?;
            presence.count = Count {
                passes: columns.number()?,
                letters: columns.number()?,
            };
            Ok(Some(presence))
        };
        read.await.map_err(|error: sqlx::Error| self.trouble(error))
    }

    /// A name for a life of the store, drawn by chance.
    ///
    /// # Errors
    /// When the system has no chance to give.
    pub fn draw_epoch(&self) -> Result<String, StoreError> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes)
            .map_err(|why| StoreError::without_chance(&self.inner.path, why))?;
        Ok(hex(&bytes))
    }

    /// What stands beside it, and in that folder.
    ///
    /// # Errors
    /// When the file beside it can't be read.
    pub fn standby(&self, around: &Around) -> Result<Standby, StoreError> {
        let mut beside =
            witness::read(&witness::beside(self.path())).map_err(|error| self.io(error))?;
        if beside.place.is_some() && around.place.is_some() {
            beside.place.clone_from(&around.place);
        }
        let folder = around.elsewhere.as_deref();
        // Who started us may not be let in there; it is the second of two.
        let elsewhere = folder.and_then(|dir| witness::read(&dir.join(self.id())).ok()?.witness);
        let home = folder.zip(around.home.as_deref());
        let before = home.and_then(|(dir, home)| witness::of_home(dir, home, self.id()));
        Ok(Standby {
            beside,
            elsewhere,
            before,
        })
    }

    /// Begins a pass: notes it in the store, and then beside it and in that folder. The counts of
    /// `presence` don't matter; returned is how far the store has come now.
    ///
    /// # Errors
    /// When the store fails, or nothing can be written beside it.
    pub async fn begin_pass(
        &self,
        presence: &Presence,
        around: &Around,
    ) -> Result<Count, StoreError> {
        let mut files = vec![
            // There durably before the store says that it is.
            WitnessFile::open(&witness::beside(self.path()), Some(self.path()))
                .map_err(|error| self.io(error))?,
        ];
        let folder = around.elsewhere.as_deref();
        files.extend(folder.and_then(|folder| self.open_elsewhere(folder)));
        // Not a statement by itself: one that gives a row back ends unheard, and so would its failure.
        let write = async {
            let mut tx = self.begin().await?;
            let row = sqlx::query(
                "INSERT INTO presence (one, facts, at, passes, letters) VALUES (1, $1, $2, 1, 0) \
                 ON CONFLICT (one) DO UPDATE SET facts = excluded.facts, at = excluded.at, \
                 passes = presence.passes + 1 RETURNING passes, letters",
            )
            .bind(json(presence)?)
            .bind(presence.at.as_millisecond())
            .fetch_one(&mut *tx)
            .await?;
            tx.commit().await?;
            let columns = &mut Columns::of(&row);
            Ok(Count {
                passes: columns.number()?,
                letters: columns.number()?,
            })
        };
        let count = write
            .await
            .map_err(|error: sqlx::Error| self.trouble(error))?;
        let mut open = Open {
            files,
            says: Witness {
                store: self.id().to_owned(),
                epoch: presence.epoch.clone(),
                count,
                at: presence.at,
                machine: presence.machine().map(str::to_owned),
                place: around.place.clone(),
                home: around.home.clone(),
            },
        };
        open.write().map_err(|error| self.io(error))?;
        *self.inner.witnesses.lock() = Some(open);
        Ok(count)
    }

    /// The same where a person said that this copy goes on: nothing in it was worked with before,
    /// and the word is durable everywhere.
    ///
    /// # Errors
    /// As [`Store::begin_pass`].
    pub async fn adopt(&self, presence: &Presence, around: &Around) -> Result<(), StoreError> {
        self.begin_pass(presence, around).await?;
        let open = self.inner.witnesses.lock().take();
        let files = open.map(|open| open.files).unwrap_or_default();
        files
            .iter()
            .try_for_each(WitnessFile::sync)
            .map_err(|error| self.io(error))
    }

    /// How far this process has brought it; nothing before its first pass.
    pub fn brought_to(&self) -> Option<Count> {
        self.inner
            .witnesses
            .lock()
            .as_ref()
            .map(|open| open.says.count)
    }

    /// Forgets how far it was brought: somebody else goes on.
    pub fn leave(&self) {
        *self.inner.witnesses.lock() = None;
    }

    fn open_elsewhere(&self, folder: &Path) -> Option<WitnessFile> {
        let path: PathBuf = folder.join(self.id());
        let open = std::fs::create_dir_all(folder)
            .and_then(|()| WitnessFile::open(&path, Some(self.path())));
        open.inspect_err(|error| {
            tracing::debug!(path = %path.display(), %error, "no second witness is kept");
        })
        .ok()
    }

    fn io(&self, error: std::io::Error) -> StoreError {
        let path = witness::beside(self.path());
        let path = std::sync::Arc::from(path.to_string_lossy());
        StoreError::new(&path, sqlx::Error::Io(error))
    }

    /// What waits and was due by then, by rule.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn waiting_by(&self, moment: Timestamp) -> Result<Vec<Waiting>, StoreError> {
        let read = async {
            sqlx::query(
                "SELECT rule, COUNT(*) FROM ledger \
                 WHERE outcome IN ('planned', 'deferred', 'held') AND due_at <= $1 \
                 GROUP BY rule ORDER BY rule",
            )
            .bind(moment.as_millisecond())
            .fetch_all(self.reader())
            .await?
            .iter()
            .map(|row| {
                let columns = &mut Columns::of(row);
                let (rule, letters) = (columns.text()?, columns.number()?);
                let letters = u64::try_from(letters).map_err(|_| nonsense("a count"))?;
                Ok(Waiting { rule, letters })
            })
            .collect()
        };
        let found: sqlx::Result<_> = read.await;
        found.map_err(|error| self.trouble(error))
    }

    /// Of these ids of letters, those of which it doesn't know that they were sent.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn strangers(&self, ids: &[String]) -> Result<Vec<String>, StoreError> {
        // Entries of the forgotten have other ids; their letters may still lie where nobody could
        // take them out.
        let ids = ids
            .iter()
            .map(|id| (id, forgotten_entry(self.hash_key(), id)));
        let ids: Vec<_> = ids.collect();
        let read = async {
            sqlx::query_scalar(concat!(
                "SELECT value->>0 FROM ",
                rows!("$1"),
                " WHERE NOT EXISTS (SELECT 1 FROM ledger \
                 WHERE ledger.id IN (value->>0, value->>1) AND (ledger.attempts > 0 \
                 OR ledger.outcome NOT IN ('planned', 'deferred', 'held')))",
            ))
            .bind(json(&ids)?)
            .fetch_all(self.reader())
            .await
        };
        read.await.map_err(|error| self.trouble(error))
    }
}
