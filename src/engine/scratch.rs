//! A copy of the store to try things on, thrown away afterwards.
//!
//! Nothing done with it touches the real store, and nobody waits for the disk. A copy holds people's
//! records, so none stays behind: not after an error, and that of a process which was killed goes
//! with the next copy of its kind.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;

use super::{EngineError, House, Plans};
use crate::clock::Clock;
use crate::settings::After;
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
        sweep(&path);
        let scratch = Self { path };
        scratch.remove()?;
        let real = &plans.settings.store.path;
        if real.exists() {
            let store = Store::open(&real.display().to_string(), OpenOptions::default()).await?;
            store.copy_to(&scratch.path).await?;
            store.close().await?;
        }
        plans.settings.store.path.clone_from(&scratch.path);
        for source in &mut plans.settings.sources {
            // What lies there now is read, under whatever clock, and stays where it is.
            if let Some(dropped) = source.place.dropped_mut() {
                dropped.complete_after = SignedDuration::ZERO;
                dropped.after = After::Keep;
            }
        }
        let mut house = House::for_rehearsal(plans, clock).await?;
        house.on_copy = true;
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

impl Drop for Scratch {
    fn drop(&mut self) {
        // Where something went wrong; whoever comes next tries again.
        _ = self.remove();
    }
}

/// Takes away copies whose name ends with the number of a process that is no more.
fn sweep(path: &Path) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let Some((kind, _)) = name
        .rsplit_once('-')
        .filter(|(_, number)| number.parse::<u32>().is_ok())
    else {
        return;
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let other = entry.file_name().to_string_lossy().into_owned();
        let rest = other
            .strip_prefix(kind)
            .and_then(|rest| rest.strip_prefix('-'));
        let number: String = rest
            .unwrap_or_default()
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        if !number.is_empty() && !Path::new("/proc").join(&number).exists() {
            // Somebody else may have been quicker.
            _ = std::fs::remove_file(entry.path());
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_processes_that_are_no_more_go() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| dir.path().join(name);
        let own = format!("fondly.db.check-{}", std::process::id());
        let gone = [
            "fondly.db.check-4294967294",
            "fondly.db.check-4294967294-wal",
        ];
        let kept = [
            "fondly.db",
            "fondly.db-wal",
            "fondly.db.check-notes",
            own.as_str(),
        ];
        for name in gone.iter().chain(&kept) {
            std::fs::write(file(name), "").unwrap();
        }
        sweep(&file(&own));
        assert!(gone.iter().all(|name| !file(name).exists()));
        assert!(kept.iter().all(|name| file(name).exists()));
        sweep(&file("no-number"));
        drop(Scratch { path: file(&own) });
        assert!(!file(&own).exists());
    }
}
