//! A witness: a small file that says how far a store has come, outside of the store.
//!
//! It is written after the store, in place, and without waiting for the disk: a power cut may set it
//! back, and never ahead. Two lines are written in turns, each with a checksum, so that one is always
//! whole. May not judge what it says.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::columns::hex;
use crate::model::presence::{Count, Witness};

/// What its name ends with, beside a database.
const ENDING: &str = ".witness";
/// Bytes of one of its two lines; far more than a line takes.
const LINE: usize = 512;
/// What a line begins with; another form would get another number.
const FORM: &str = "fondly-witness-1";
/// What stands for nothing.
const NONE: &str = "-";

/// A witness's file, open for writing.
#[derive(Debug)]
pub(super) struct WitnessFile {
    file: File,
    /// Times that it was written; every second one is the second line.
    turn: u64,
    /// See [`Witness::place`].
    place: Option<String>,
}

/// What was found where a witness may be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// What it says; nothing where there is none, or none that can be read.
    pub witness: Option<Witness>,
    /// What tells the file from a copy of it.
    pub place: Option<String>,
}

/// Of all in a folder that stand for stores in this place, but for the store of this id: the one that
/// was written last. What can't be read doesn't count.
pub(super) fn of_home(folder: &Path, home: &str, but: &str) -> Option<Witness> {
    let files = std::fs::read_dir(folder).ok()?.flatten();
    let witnesses = files.filter_map(|file| read(&file.path()).ok()?.witness);
    witnesses
        .filter(|witness| witness.home.as_deref() == Some(home) && witness.store != but)
        .max_by_key(|witness| witness.at)
}

/// Beside a database.
pub(super) fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ENDING);
    PathBuf::from(name)
}

/// Reads it.
pub(super) fn read(path: &Path) -> io::Result<Found> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::default()),
        Err(error) => return Err(error),
    };
    let witness = latest(&file)?.map(|(_, witness)| witness);
    let place = place(&file)?;
    Ok(Found { witness, place })
}

impl WitnessFile {
    /// Opens it, and makes it durably where there is none; then it belongs to whom `like` belongs,
    /// as far as we may give it away: root runs a command for a service of another name.
    pub(super) fn open(path: &Path, like: Option<&Path>) -> io::Result<Self> {
        let mut options = File::options();
        options.read(true).write(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = match options.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let file = options.create(true).truncate(false).open(path)?;
                if let Some(owner) = like.and_then(|like| std::fs::metadata(like).ok()) {
                    _ = std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()));
                }
                file.set_len(2 * LINE as u64)?;
                file.sync_all()?;
                if let Some(folder) = path.parent().filter(|path| !path.as_os_str().is_empty()) {
                    File::open(folder)?.sync_all()?;
                }
                file
            }
            other => other?,
        };
        let turn = latest(&file)?.map_or(0, |(turn, _)| turn);
        let place = place(&file)?;
        Ok(Self { file, turn, place })
    }

    /// Writes what is known now; the first time, durably. Its place is the file's own, unless the
    /// witness names one.
    pub(super) fn write(&mut self, witness: &Witness) -> io::Result<()> {
        let turn = self.turn + 1;
        let place = witness.place.as_deref().or(self.place.as_deref());
        let line = format(turn, witness, place);
        self.file.write_all_at(&line, start(turn))?;
        self.turn = turn;
        if turn == 1 { self.sync() } else { Ok(()) }
    }

    /// Waits until it is durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// What tells the file from a copy: when it was made, which nobody can set; where the file system
/// doesn't keep that, its number.
fn place(file: &File) -> io::Result<Option<String>> {
    let metadata = file.metadata()?;
    let born = metadata.created().ok();
    let born = born.and_then(|born| born.duration_since(UNIX_EPOCH).ok());
    Ok(Some(born.map_or_else(
        || format!("i{}", metadata.ino()),
        |born| format!("b{}", born.as_nanos()),
    )))
}

/// The line that was written last, with its turn; one that isn't whole doesn't count.
fn latest(file: &File) -> io::Result<Option<(u64, Witness)>> {
    let mut known: Option<(u64, Witness)> = None;
    for turn in 0..2 {
        let mut bytes = [0; LINE];
        match file.read_exact_at(&mut bytes, start(turn)) {
            Ok(()) => {
                let lines = known.into_iter().chain(parse(&bytes));
                known = lines.max_by_key(|(turn, _)| *turn);
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(error),
        }
    }
    Ok(known)
}

/// Where the line of this turn begins.
const fn start(turn: u64) -> u64 {
    turn % 2 * LINE as u64
}

fn format(turn: u64, witness: &Witness, place: Option<&str>) -> Vec<u8> {
    let Witness {
        store,
        epoch,
        count: Count { passes, letters },
        at,
        machine,
        place: _,
        home,
    } = witness;
    let machine = machine.as_deref().unwrap_or(NONE);
    let place = place.unwrap_or(NONE);
    let home = home.as_deref().unwrap_or(NONE);
    let at = at.as_millisecond();
    let words =
        format!("{FORM} {turn} {store} {epoch} {passes} {letters} {at} {machine} {place} {home}");
    let mut line = format!("{words} {}", sum(&words)).into_bytes();
    line.resize(LINE - 1, b' ');
    line.push(b'\n');
    line
}

/// A line, with its turn.
fn parse(line: &[u8]) -> Option<(u64, Witness)> {
    let line = std::str::from_utf8(line).ok()?.trim_end();
    let (words, check) = line.rsplit_once(' ')?;
    if sum(words) != check {
        return None;
    }
    let mut words = words.split(' ');
    if words.next()? != FORM {
        return None;
    }
    let mut text = || words.next().map(str::to_owned);
    let turn = text()?.parse().ok()?;
    let (store, epoch) = (text()?, text()?);
    let count = Count {
        passes: text()?.parse().ok()?,
        letters: text()?.parse().ok()?,
    };
    let at = Timestamp::from_millisecond(text()?.parse().ok()?).ok()?;
    let (machine, place, home) = (text()?, text()?, text()?);
    let said = |text: String| Some(text).filter(|text| text != NONE);
    let witness = Witness {
        store,
        epoch,
        count,
        at,
        machine: said(machine),
        place: said(place),
        home: said(home),
    };
    Some((turn, witness))
}

fn sum(words: &str) -> String {
    let digest = hex(&Sha256::digest(words));
    digest.chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn witness(letters: i64) -> Witness {
        Witness {
            store: "0123456789abcdef".to_owned(),
            epoch: "e".repeat(16),
            count: Count { passes: 3, letters },
            at: "2027-05-02T09:00:00Z".parse().unwrap(),
            machine: None,
            place: None,
            home: None,
        }
    }

    #[test]
    fn who_was_in_a_place_before_is_found_by_the_place() {
        let dir = tempfile::tempdir().unwrap();
        let write = |store: &str, home: Option<&str>, minute: i64| {
            let mut file = WitnessFile::open(&dir.path().join(store), None).unwrap();
            let mut witness = witness(7);
            witness.store = store.to_owned();
            witness.home = home.map(str::to_owned);
            witness.at += jiff::SignedDuration::from_mins(minute);
            file.write(&witness).unwrap();
        };
        write("first", Some("h"), 1);
        write("second", Some("h"), 2);
        write("elsewhere", Some("g"), 3);
        write("nowhere", None, 4);
        std::fs::write(dir.path().join("other"), "no witness").unwrap();
        let found = |home: &str, but: &str| of_home(dir.path(), home, but).map(|one| one.store);
        assert_eq!(found("h", "third").as_deref(), Some("second"));
        assert_eq!(found("h", "second").as_deref(), Some("first"));
        assert_eq!(found("i", "third"), None);
        assert_eq!(of_home(&dir.path().join("none"), "h", "third"), None);
    }

    #[test]
    fn the_last_word_counts_and_a_torn_line_takes_nothing_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = beside(&dir.path().join("fondly.db"));
        assert_eq!(read(&path).unwrap(), Found::default());
        let mut file = WitnessFile::open(&path, None).unwrap();
        assert_eq!(read(&path).unwrap().witness, None);
        for letters in 0..5 {
            file.write(&witness(letters)).unwrap();
            let found = read(&path).unwrap();
            assert_eq!(found.witness.as_ref().unwrap().count.letters, letters);
            assert_eq!(found.witness.unwrap().place, found.place);
        }
        // Opened again, the last line stays whole while the next is written.
        let mut file = WitnessFile::open(&path, None).unwrap();
        file.write(&witness(5)).unwrap();
        file.file.write_all_at(b"torn", start(file.turn)).unwrap();
        assert_eq!(read(&path).unwrap().witness.unwrap().count.letters, 4);
    }

    #[test]
    fn a_copy_is_told_from_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let (path, copy) = (dir.path().join("a"), dir.path().join("b"));
        let mut file = WitnessFile::open(&path, None).unwrap();
        file.write(&witness(1)).unwrap();
        std::fs::copy(&path, &copy).unwrap();
        let found = read(&copy).unwrap();
        assert_ne!(found.witness.unwrap().place, found.place);
        // Carried to another name it is the same one.
        std::fs::rename(&path, dir.path().join("c")).unwrap();
        let found = read(&dir.path().join("c")).unwrap();
        assert_eq!(found.witness.unwrap().place, found.place);
    }
}
