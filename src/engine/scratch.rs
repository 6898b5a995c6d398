//! A copy of the store to try things on, thrown away afterwards.
//!
//! Nothing done with it touches the real store, and nobody waits for the disk.

use std::path::{Path, PathBuf};

use super::{EngineError, House, Plans};
use crate::clock::Clock;
use crate::store::{OpenOptions, Store};

/// What SQLite and we may leave beside a database.
const FILES: [&str; 5] = ["", "-wal", "-shm", ".lock", ".migrate-lock"];

/// A house on a copy.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Copies the store to `path` (whatever lies there goes) and opens a house on the copy. Where
    /// there is no store yet, the copy is empty.
    pub(super) async fn open(
        mut plans: Plans,
        path: PathBuf,
        clock: Clock,
    ) -> Result<(Self, House), EngineError> {
        let scratch = Self { path };
        scratch.remove()?;
        let real = &plans.settings.store.path;
        if real.exists() {
            let store = Store::open(&real.display().to_string(), OpenOptions::default()).await?;
            store.copy_to(&scratch.path).await?;
            store.close().await?;
        }
        plans.settings.store.path.clone_from(&scratch.path);
        let house = House::for_rehearsal(plans, clock).await?;
        Ok((scratch, house))
    }

    /// Takes the copy away.
    pub(super) fn remove(&self) -> Result<(), EngineError> {
        for ending in FILES {
            remove(&self.path, ending).map_err(|error| EngineError::File {
                what: format!("the copy {}", self.path.display()),
                error,
            })?;
        }
        Ok(())
    }
}

fn remove(path: &Path, ending: &str) -> std::io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    match std::fs::remove_file(PathBuf::from(name)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
