//! Folders and names that outlast a power cut: a file may be synced as often as it likes, it is
//! gone when the folder that names it isn't. May use nothing of the house.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::path::{Path, PathBuf};

/// Makes a folder and those above it, where they are missing, so that they are there after a power
/// cut. With `private`, nobody else on the machine may look into the new ones.
///
/// # Errors
/// When one of them can't be made or synced.
pub fn make_folder(folder: &Path, private: bool) -> io::Result<()> {
    let missing = folder.ancestors().filter(|one| !one.as_os_str().is_empty());
    let missing: Vec<&Path> = missing.take_while(|one| !one.exists()).collect();
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    if private {
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    }
    builder.create(folder)?;
    missing.into_iter().try_for_each(sync_name)
}

/// Puts a file in another's place, or in a free one, so that the new name outlasts a power cut.
///
/// # Errors
/// When it can't be renamed; or when it was, and the folder can't be synced.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_name(to)
}

/// Makes the name of a file or folder outlast a power cut.
///
/// # Errors
/// When its folder can't be opened or synced.
pub fn sync_name(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|one| !one.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// A file beside another: its name with something after it.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_with_those_above_them() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b/c");
        make_folder(&deep, true).unwrap();
        make_folder(&deep, false).unwrap();
        assert!(deep.is_dir());
        fs::write(deep.join("one"), "x").unwrap();
        rename(&deep.join("one"), &deep.join("two")).unwrap();
        assert_eq!(fs::read(deep.join("two")).unwrap(), b"x");
        assert!(make_folder(&deep.join("two/d"), false).is_err());
    }
}
