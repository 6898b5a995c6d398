//! A look at a store's files before SQLite opens them, and the making of a new store in one step.
//!
//! SQLite takes an empty file for a new database, and passes over a write-ahead log that it can't
//! read, as a library should. We would forget by that to whom we have written, so here it is damage.
//! May not repair.

use std::fs::{self, File};
use std::io::{self, BufReader, Read as _};
use std::path::Path;
use std::sync::Arc;

use super::StoreError;
use crate::durable::beside;

/// Names of what lies beside a database.
const LOG: &str = "-wal";
const LOCK: &str = ".lock";

/// Bytes of a file that SQLite takes for an empty one, and writes a new database over: to work around
/// a fault of one file system, it writes that byte itself (its ticket 3260).
const EMPTY: u64 = 1;

/// What a new store is called until it is whole.
const DRAFT: &str = ".new";

/// Whether there is a store to open; `false`: there never was one here.
///
/// # Errors
/// When there was one and it is gone, or what is there can't be all of it.
pub(super) fn look(path: &Arc<str>, file: &Path) -> Result<bool, StoreError> {
    let damaged = |detail: String| {
        Err(StoreError::Damaged {
            path: Arc::clone(path),
            detail,
        })
    };
    let io = |error| StoreError::of_io(path, &error);
    let log = beside(file, LOG);
    let length = |path: &Path| match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(Some(found.len())),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    let logged = length(&log).map_err(io)?.unwrap_or(0);
    match length(file).map_err(io)? {
        None if file.exists() => Ok(true),
        None if logged > 0 || beside(file, LOCK).exists() => Err(StoreError::Gone {
            path: Arc::clone(path),
        }),
        None => Ok(false),
        // Of ours none is ever empty: a new one gets its name when it is whole.
        Some(0..=EMPTY) => damaged("the file is empty".to_owned()),
        Some(_) if logged > 0 => match broken(&log).map_err(io)? {
            Some(detail) => damaged(format!("its log {} {detail}", log.display())),
            None => Ok(true),
        },
        Some(_) => Ok(true),
    }
}

/// Where a new store is made.
pub(super) fn draft(file: &Path) -> std::path::PathBuf {
    beside(file, DRAFT)
}

/// An empty file that only its owner may read, for SQLite to write a copy into.
pub(super) fn make_private(draft: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(draft).map(drop)
}

/// Takes away what an earlier start left of a new store.
pub(super) fn sweep(draft: &Path) -> io::Result<()> {
    for ending in ["", "-journal", LOG, "-shm"] {
        match fs::remove_file(beside(draft, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The new store is whole: it gets its name, and keeps it through a power cut.
pub(super) fn place(draft: &Path, file: &Path) -> io::Result<()> {
    if fs::metadata(beside(draft, LOG)).is_ok_and(|log| log.len() > 0) {
        return Err(io::Error::other("its first entries couldn't be settled"));
    }
    File::open(draft)?.sync_all()?;
    crate::durable::rename(draft, file)
}

/// Bytes of the log's head, and of each frame's.
const HEAD: usize = 32;
const FRAME: usize = 24;
/// The log's first word; its last bit says how its sums are reckoned.
const MAGIC: u32 = 0x377f_0682;
/// Complete transactions behind a broken place that prove it was once whole: each is on the disk
/// before the next one begins, so a power cut leaves one at most.
const PROOF: u32 = 2;

/// What is broken in a log beyond what a power cut does, in words.
///
/// A cut leaves a head of zeros, or a tail that ends anywhere. SQLite stops reading at the first
/// frame that doesn't fit and forgets what follows; where whole transactions follow, that would
/// lose what we have confirmed.
fn broken(log: &Path) -> io::Result<Option<String>> {
    // Somebody may be writing: a log that began anew meanwhile is looked at again.
    for _ in 0..3 {
        let head = read_head(log)?;
        let found = look_through(log)?;
        if found.is_none() || read_head(log)? == head {
            return Ok(found);
        }
    }
    Ok(None)
}

fn read_head(log: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let wanted = u64::try_from(HEAD).unwrap_or(u64::MAX);
    File::open(log)?.take(wanted).read_to_end(&mut head)?;
    Ok(head)
}

fn look_through(log: &Path) -> io::Result<Option<String>> {
    let mut input = BufReader::with_capacity(1 << 20, File::open(log)?);
    let mut head = [0; HEAD];
    if !fill(&mut input, &mut head)? || head.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let (magic, size) = (word(&head, 0), word(&head, 8));
    let big = magic & 1 == 1;
    let (body, sums) = head.split_at(24);
    let mut sum = add((0, 0), body, big);
    if magic & !1 != MAGIC || !(512..=65536).contains(&size) || sum != pair(sums) {
        return Ok(Some("isn't one".to_owned()));
    }
    let salt = head.get(16..24).unwrap_or_default().to_vec();
    let mut page = vec![0; usize::try_from(size).unwrap_or(0)];
    let mut frame = [0; FRAME];
    let (mut number, mut broke, mut whole) = (0_u64, None, 0);
    while fill(&mut input, &mut frame)? && fill(&mut input, &mut page)? {
        number += 1;
        let (front, rest) = frame.split_at(8);
        let (salts, sums) = rest.split_at(8);
        let reckoned = add(add(sum, front, big), &page, big);
        sum = pair(sums);
        if salts != salt || reckoned != sum {
            broke.get_or_insert(number);
            whole = 0;
        } else if broke.is_some() && word(front, 4) != 0 {
            whole += 1;
            if whole == PROOF {
                let at = broke.unwrap_or(number);
                return Ok(Some(format!(
                    "is broken at its page {at}, before complete entries"
                )));
            }
        }
    }
    Ok(None)
}

/// Whether there was enough to fill it.
fn fill(input: &mut impl io::Read, buffer: &mut [u8]) -> io::Result<bool> {
    match input.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let bytes = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    u32::from_be_bytes(bytes.unwrap_or_default())
}

fn pair(bytes: &[u8]) -> (u32, u32) {
    (word(bytes, 0), word(bytes, 4))
}

/// SQLite's running sum, <https://sqlite.org/fileformat2.html#checksum_algorithm>.
fn add((mut one, mut two): (u32, u32), bytes: &[u8], big: bool) -> (u32, u32) {
    for eight in bytes.chunks_exact(8) {
        let (mut x, mut y) = pair(eight);
        if !big {
            (x, y) = (x.swap_bytes(), y.swap_bytes());
        }
        one = one.wrapping_add(x).wrapping_add(two);
        two = two.wrapping_add(y).wrapping_add(one);
    }
    (one, two)
}
