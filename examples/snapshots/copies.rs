//! Copies of a store's files: taken, put in place of the later ones, and undone again.
//!
//! Knows the names of the files and nothing of what is in them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The database with what SQLite keeps beside it.
const DATABASE: [&str; 3] = ["fondly.db", "fondly.db-wal", "fondly.db-shm"];
/// What fondly keeps beside it.
const WITNESS: &str = "fondly.db.witness";

/// The files of a moment, as they lay on the disk.
#[derive(Debug, Default)]
pub(crate) struct Copy {
    database: Vec<(&'static str, Vec<u8>)>,
    witness: Option<Vec<u8>>,
    /// Those of the second witness's folder.
    state: Vec<(PathBuf, Vec<u8>)>,
}

impl Copy {
    /// Takes one of the store in `folder`. Nobody may be writing meanwhile.
    pub(crate) fn take(folder: &Path) -> io::Result<Self> {
        let mut copy = Self::default();
        // What is shared between processes is nothing that a backup would have.
        for name in DATABASE.into_iter().filter(|name| !name.ends_with("-shm")) {
            if let Some(bytes) = read(&folder.join(name))? {
                copy.database.push((name, bytes));
            }
        }
        copy.witness = read(&folder.join(WITNESS))?;
        let state = folder.join("state/fondly");
        if state.exists() {
            for file in fs::read_dir(state)? {
                let path = file?.path();
                copy.state.push((path.clone(), fs::read(path)?));
            }
        }
        Ok(copy)
    }

    /// Lays the database into a folder, in place of the one there.
    pub(crate) fn lay_database(&self, folder: &Path) -> io::Result<()> {
        for name in DATABASE {
            match fs::remove_file(folder.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        for (name, bytes) in &self.database {
            fs::write(folder.join(name), bytes)?;
        }
        Ok(())
    }

    /// Writes the witness over the one that is there, which stays the same file.
    pub(crate) fn lay_witness(&self, folder: &Path) -> io::Result<()> {
        match &self.witness {
            Some(bytes) => fs::write(folder.join(WITNESS), bytes),
            None => Ok(()),
        }
    }

    /// The same for the second one.
    pub(crate) fn lay_state(&self) -> io::Result<()> {
        for (path, bytes) in &self.state {
            fs::write(path, bytes)?;
        }
        Ok(())
    }
}

/// Copies what isn't the store's: settings and records.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        let target = to.join(file.file_name());
        if file.file_type()?.is_dir() {
            copy_folder(&file.path(), &target)?;
        } else {
            fs::copy(file.path(), target)?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
