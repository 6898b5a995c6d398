//! Reads what `tests/shim/disk.c` wrote: every change to files, in the order in which they happened.

use std::path::{Path, PathBuf};

use anyhow::bail;

/// The bytes of a record before its path.
const HEAD: usize = 24;

/// One change.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Where its record ends in the journal: what arrived at a later place came after it.
    pub(crate) end: u64,
    pub(crate) path: PathBuf,
    /// Tells a file from another that has or had the same name.
    pub(crate) inode: u64,
    pub(crate) change: Change,
}

/// What was done.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Created,
    /// A file that was there was opened for writing.
    Opened,
    Written {
        at: u64,
        data: Vec<u8>,
    },
    Cut(u64),
    Synced,
    Removed,
    Renamed(PathBuf),
    Folder,
}

/// Every change in a journal.
pub(crate) fn read(journal: &Path) -> anyhow::Result<Vec<Step>> {
    let bytes = std::fs::read(journal)?;
    let mut rest = bytes.as_slice();
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (head, after) = parts(rest, HEAD)?;
        let (path, after) = parts(after, number(head, 2, 2))?;
        let (data, after) = parts(after, number(head, 4, 4))?;
        let offset = u64::try_from(number(head, 16, 8))?;
        let change = match head.first().copied().unwrap_or_default() {
            b'C' => Change::Created,
            b'O' => Change::Opened,
            b'W' => Change::Written {
                at: offset,
                data: data.to_vec(),
            },
            b'T' => Change::Cut(offset),
            b'S' => Change::Synced,
            b'U' => Change::Removed,
            b'R' => Change::Renamed(named(data)?),
            b'D' => Change::Folder,
            other => bail!("the journal has a record of the kind {other}"),
        };
        steps.push(Step {
            end: u64::try_from(bytes.len() - after.len())?,
            path: named(path)?,
            inode: u64::try_from(number(head, 8, 8))?,
            change,
        });
        rest = after;
    }
    Ok(steps)
}

fn parts(bytes: &[u8], length: usize) -> anyhow::Result<(&[u8], &[u8])> {
    match bytes.split_at_checked(length) {
        Some(parts) => Ok(parts),
        None => bail!("the journal ends within a record"),
    }
}

fn named(bytes: &[u8]) -> anyhow::Result<PathBuf> {
    Ok(PathBuf::from(std::str::from_utf8(bytes)?))
}

/// A number of so many bytes, the lowest first.
fn number(head: &[u8], at: usize, length: usize) -> usize {
    let bytes = head.get(at..at + length).unwrap_or_default();
    let bytes = bytes.iter().rev();
    bytes.fold(0, |sum, byte| (sum << 8) | usize::from(*byte))
}
