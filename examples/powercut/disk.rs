//! A disk that forgets: what may be left of files after a power cut.
//!
//! Whatever was synced is there. What was written since may be there or not: all of it, none, or any
//! part, a write torn at sectors of 512 bytes; so may a file's length. A name (new, moved or
//! removed) is certain only once its folder was synced. The order in which changes were made means
//! nothing to what is left of them.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use super::journal::{Change, Step};
use super::luck::Luck;

/// What a disk writes whole or not at all, in bytes.
const SECTOR: usize = 512;

/// How much of what wasn't synced is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// Nothing.
    Nothing,
    /// All of it.
    All,
    /// Whole writes and names, any of them.
    Some,
    /// Any sectors, any names.
    Torn,
}

impl Left {
    /// One of them.
    pub(crate) const fn drawn(luck: &mut Luck) -> Self {
        match luck.below(6) {
            0 => Self::Nothing,
            1 => Self::All,
            2 | 3 => Self::Some,
            _ => Self::Torn,
        }
    }
}

/// A file's content: what is safe, and what was done since.
#[derive(Debug, Clone, Default)]
struct Content {
    safe: Vec<u8>,
    since: Vec<Change>,
}

/// A change of names in a folder.
#[derive(Debug, Clone)]
enum Named {
    /// This name leads to this file.
    Now(PathBuf, usize),
    Gone(PathBuf),
    Moved(PathBuf, PathBuf, usize),
    Folder(PathBuf),
}

/// Files as they were at a moment, safe and not yet safe.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    files: Vec<Content>,
    by_inode: HashMap<u64, usize>,
    /// Names as the running system sees them.
    seen: BTreeMap<PathBuf, usize>,
    safe: BTreeMap<PathBuf, usize>,
    folders: Vec<PathBuf>,
    since: Vec<Named>,
}

impl Disk {
    /// Does what was done.
    pub(crate) fn step(&mut self, step: &Step) {
        let path = &step.path;
        match &step.change {
            Change::Created => {
                let file = self.files.len();
                self.files.push(Content::default());
                self.by_inode.insert(step.inode, file);
                self.seen.insert(path.clone(), file);
                self.since.push(Named::Now(path.clone(), file));
            }
            Change::Opened => {}
            change @ (Change::Written { .. } | Change::Cut(_)) => {
                if let Some(file) = self.file(step.inode) {
                    file.since.push(change.clone());
                }
            }
            Change::Synced => self.synced(step),
            Change::Removed => {
                self.seen.remove(path);
                self.since.push(Named::Gone(path.clone()));
            }
            Change::Renamed(to) => {
                if let Some(file) = self.seen.remove(path) {
                    self.seen.insert(to.clone(), file);
                    self.since
                        .push(Named::Moved(path.clone(), to.clone(), file));
                }
            }
            Change::Folder => self.since.push(Named::Folder(path.clone())),
        }
    }

    fn file(&mut self, inode: u64) -> Option<&mut Content> {
        let file = self.by_inode.get(&inode)?;
        self.files.get_mut(*file)
    }

    /// A file's content is safe, or the names in a folder are.
    fn synced(&mut self, step: &Step) {
        if let Some(file) = self.file(step.inode) {
            for change in std::mem::take(&mut file.since) {
                apply(&mut file.safe, &change, |_| true);
            }
            return;
        }
        let (there, elsewhere) = std::mem::take(&mut self.since)
            .into_iter()
            .partition(|named| named.folder() == Some(step.path.as_path()));
        self.since = elsewhere;
        let there: Vec<Named> = there;
        for named in &there {
            named.apply(&mut self.safe, &mut self.folders);
        }
    }

    /// Lays out what may be left after a cut at this moment. `root` is where the files were, `to`
    /// where they go; `to` holds whatever was there before the first step.
    pub(crate) fn after_a_cut(
        &self,
        (root, to): (&Path, &Path),
        left: Left,
        luck: &mut Luck,
    ) -> anyhow::Result<()> {
        let mut keeps = || match left {
            Left::Nothing => false,
            Left::All => true,
            Left::Some | Left::Torn => luck.once_in(2),
        };
        let (mut names, mut folders) = (self.safe.clone(), self.folders.clone());
        for named in &self.since {
            if keeps() {
                named.apply(&mut names, &mut folders);
            }
        }
        let place = |path: &Path| Some(to.join(path.strip_prefix(root).ok()?));
        for folder in folders.iter().filter_map(|folder| place(folder)) {
            // One in a folder that didn't last is gone with it.
            if folder.parent().is_some_and(Path::exists) && !folder.exists() {
                fs::create_dir(folder)?;
            }
        }
        for (path, file) in &names {
            let Some((place, content)) = place(path).zip(self.files.get(*file)) else {
                continue;
            };
            if !place.parent().is_some_and(Path::exists) {
                continue;
            }
            // What several processes share in memory means nothing after a start; whatever is left
            // of it is noise.
            let mut bytes = content.safe.clone();
            for change in &content.since {
                match left {
                    Left::Nothing => {}
                    Left::All => apply(&mut bytes, change, |_| true),
                    Left::Some => {
                        let whole = luck.once_in(2);
                        if whole {
                            apply(&mut bytes, change, |_| true);
                        }
                    }
                    Left::Torn => apply(&mut bytes, change, |_| luck.once_in(2)),
                }
            }
            fs::write(place, bytes)?;
        }
        Ok(())
    }
}

impl Named {
    /// The folder whose sync makes it certain.
    fn folder(&self) -> Option<&Path> {
        match self {
            Self::Now(path, _)
            | Self::Gone(path)
            | Self::Folder(path)
            | Self::Moved(_, path, _) => path.parent(),
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>, folders: &mut Vec<PathBuf>) {
        match self {
            Self::Now(path, file) => {
                names.insert(path.clone(), *file);
            }
            Self::Gone(path) => {
                names.remove(path);
            }
            Self::Moved(from, to, file) => {
                if names.get(from) == Some(file) {
                    names.remove(from);
                }
                names.insert(to.clone(), *file);
            }
            Self::Folder(path) => folders.push(path.clone()),
        }
    }
}

/// Does a change to a content, of a write the sectors that are kept; a cut is one of them.
fn apply(bytes: &mut Vec<u8>, change: &Change, mut keeps: impl FnMut(usize) -> bool) {
    match change {
        Change::Written { at, data } => {
            let Ok(mut at) = usize::try_from(*at) else {
                return;
            };
            let mut rest = data.as_slice();
            while !rest.is_empty() {
                // To the end of the sector in which it begins.
                let (part, more) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
                if keeps(at) {
                    if bytes.len() < at + part.len() {
                        bytes.resize(at + part.len(), 0);
                    }
                    if let Some(place) = bytes.get_mut(at..at + part.len()) {
                        place.copy_from_slice(part);
                    }
                }
                at += part.len();
                rest = more;
            }
        }
        Change::Cut(length) if keeps(0) => {
            bytes.resize(usize::try_from(*length).unwrap_or(0), 0);
        }
        _ => {}
    }
}
