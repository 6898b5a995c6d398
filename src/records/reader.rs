//! One file -> its rows, one after the other, and the fingerprint by which it is known again.
//!
//! May not know the store; who applies the rows must apply nothing when any of them is an error.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Read as _;
use std::path::Path;

use csv::StringRecord;
use sha2::{Digest as _, Sha256};

use super::dates::Dates;
use super::error::{SourceError, Trouble, Wrong};
use super::raw::{Quotes, RawRecords};
use super::rows::{self, Fault, Plan};
use super::{CsvSource, Row, columns, shown};
use crate::model::Refusal;

/// Changes when the same file and settings are to be read in another way than before, so that
/// files are then read again.
const READING: &str = "fondly records 1";
/// Characters kept of a value that can't be used.
const VALUE_KEPT: usize = 200;
/// Characters kept of a row that can't be used.
const RECORD_KEPT: usize = 2000;
/// Bytes read at a time for the fingerprint.
const CHUNK: usize = 64 * 1024;

/// Reads one file of a source, row by row.
///
/// An iterator of rows. After an `Err` it ends, and nothing of the file may be applied.
#[derive(Debug)]
pub struct FileReader {
    shown: String,
    fingerprint: String,
    header: Vec<String>,
    ignored: Vec<String>,
    plan: Plan,
    dates: Dates,
    records: RawRecords,
    record: StringRecord,
    /// The ids of the rows that went in, as hashes, and their lines.
    seen: HashMap<u64, u64>,
    done: bool,
}

impl FileReader {
    /// Opens a file, reckons its fingerprint, and matches its header with the settings.
    ///
    /// # Errors
    /// When the file can't be read, or its header doesn't give what the settings ask for.
    pub fn open(source: &CsvSource, path: &Path) -> Result<Self, SourceError> {
        let shown = shown(source, path);
        let meaning = &source.meaning;
        let settings = |wrong: Wrong| wrong.at(&shown, None);
        delimiter_is_usable(source.delimiter).map_err(settings)?;
        let dates = Dates::new(meaning.dates.as_deref(), meaning.zone.clone()).map_err(settings)?;
        let fingerprint = fingerprint(source, path).map_err(|error| settings(error.into()))?;
        let file = File::open(path).map_err(|error| settings(error.into()))?;
        let digest = digest_of_settings(source);
        let mut records = RawRecords::new(file, shown.clone(), source.delimiter, digest);
        let mut record = StringRecord::new();
        if records.next(&mut record)?.is_none() {
            return Err(settings(Wrong::new(
                Trouble::Header,
                "it is empty",
                "its first line must name the columns",
            )));
        }
        let header: Vec<String> = record
            .iter()
            .map(|name| name.trim_start_matches('\u{feff}').trim().to_owned())
            .collect();
        let columns = columns::resolve(meaning, &header, Some(source.delimiter))
            .map_err(|wrong| wrong.at(&shown, Some(records.line())))?;
        Ok(Self {
            plan: Plan::new(meaning, &columns),
            ignored: columns.ignored,
            shown,
            fingerprint,
            header,
            dates,
            records,
            record,
            seen: HashMap::new(),
            done: false,
        })
    }

    /// The same for the same bytes read with the same settings; 64 hexadecimal digits.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The file as the settings name it.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The names of the columns that feed nothing.
    pub fn ignored_columns(&self) -> &[String] {
        &self.ignored
    }

    fn read(&mut self) -> Result<Option<Row>, SourceError> {
        loop {
            let Some(quotes) = self.records.next(&mut self.record)? else {
                return self.unchanged().map(|()| None);
            };
            // Spreadsheets leave rows of nothing but separators behind.
            if self.record.iter().all(|value| value.trim().is_empty()) {
                continue;
            }
            return Ok(Some(match self.row(quotes) {
                Ok(row) => row,
                Err(fault) => Row::Refused(self.refusal(fault)),
            }));
        }
    }

    fn row(&mut self, quotes: Quotes) -> Result<Row, Fault> {
        let whole_row = |reason: String| Fault {
            column: None,
            reason,
        };
        if quotes == Quotes::Stray {
            return Err(whole_row(
                "text follows a closing quote; a quote within a quoted value must be written twice"
                    .to_owned(),
            ));
        }
        let (given, asked) = (self.record.len(), self.header.len());
        if given != asked {
            return Err(whole_row(format!(
                "the row has {given} values where the header names {asked} columns; look for a \
                 missing or unquoted separator"
            )));
        }
        match &self.plan {
            Plan::Customers(plan) => {
                let customer = rows::customer(plan, &self.record, &self.dates)?;
                self.is_new(&customer.id)?;
                Ok(Row::Customer(customer))
            }
            Plan::Events(plan) => {
                let event = rows::event(plan, &self.record, &self.dates)?;
                self.is_new(&event.id)?;
                Ok(Row::Event(event))
            }
        }
    }

    /// Of rows with the same id the first goes in; the rest would silently overwrite it.
    fn is_new(&mut self, id: &str) -> Result<(), Fault> {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        match self.seen.entry(hasher.finish()) {
            Entry::Vacant(free) => {
                free.insert(self.records.line());
                Ok(())
            }
            Entry::Occupied(first) => Err(Fault {
                column: self.plan.id_column(),
                reason: format!(
                    "line {} has the same id, which must be unique; the first row went in",
                    first.get()
                ),
            }),
        }
    }

    fn refusal(&self, fault: Fault) -> Refusal {
        let at = |index: usize| self.header.get(index).cloned();
        let value = fault.column.and_then(|index| self.record.get(index));
        Refusal {
            file: self.shown.clone(),
            line: self.records.line(),
            column: fault.column.and_then(at).unwrap_or_default(),
            value: kept(value.unwrap_or_default(), VALUE_KEPT),
            reason: fault.reason,
            record: kept(&self.records.text(), RECORD_KEPT),
        }
    }

    /// What was read must be what the fingerprint says.
    fn unchanged(&self) -> Result<(), SourceError> {
        if hex(self.records.digest()) == self.fingerprint {
            return Ok(());
        }
        Err(Wrong::new(
            Trouble::Changed,
            "it was written to while it was read",
            "nothing was taken from it; it is read again the next time",
        )
        .at(&self.shown, None))
    }
}

impl Iterator for FileReader {
    type Item = Result<Row, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let row = self.read().transpose();
        self.done = !matches!(row, Some(Ok(_)));
        row
    }
}

fn delimiter_is_usable(delimiter: u8) -> Result<(), Wrong> {
    if delimiter.is_ascii_punctuation() && delimiter != b'"' || delimiter == b'\t' {
        return Ok(());
    }
    Err(Wrong::new(
        Trouble::Settings,
        format!("`delimiter` can't be {:?}", char::from(delimiter)),
        "use a comma, a semicolon, a tab or another sign",
    ))
}

/// The beginning of a value, without what databases can't hold.
fn kept(text: &str, longest: usize) -> String {
    let kept = text.chars().take(longest);
    kept.map(|c| if c == '\0' { '\u{fffd}' } else { c })
        .collect()
}

fn fingerprint(source: &CsvSource, path: &Path) -> std::io::Result<String> {
    let mut digest = digest_of_settings(source);
    let mut file = File::open(path)?;
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok(hex(digest));
        }
        digest.update(chunk.get(..read).unwrap_or_default());
    }
}

/// A digest that has taken in all settings that decide how bytes become rows.
fn digest_of_settings(source: &CsvSource) -> Sha256 {
    let meaning = &source.meaning;
    let settings = format!(
        "{READING}\n{:?}\n{:?}\n{:?}\n{:?}\n{}\n{:?}\n",
        meaning.feeds,
        meaning.columns,
        meaning.types,
        meaning.dates,
        source.delimiter,
        meaning.zone.iana_name(),
    );
    Sha256::new_with_prefix(settings)
}

fn hex(digest: Sha256) -> String {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(64);
    for byte in digest.finalize() {
        // Writing to a string can't fail.
        _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use super::super::examples::{rows, source};
    use super::super::{Feeds, files};
    use super::*;

    fn written(text: &str) -> (tempfile::TempDir, CsvSource) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.csv");
        fs::write(&path, text).unwrap();
        let source = source(path, Feeds::Customers);
        (folder, source)
    }

    fn print_of(source: &CsvSource) -> String {
        let reader = FileReader::open(source, &source.path).unwrap();
        reader.fingerprint().to_owned()
    }

    #[test]
    fn the_fingerprint_tells_bytes_and_settings_apart() {
        let (_folder, mut source) = written("id,name,No\n1,Ann,2\n");
        let first = print_of(&source);
        assert_eq!(first.len(), 64);
        assert_eq!(print_of(&source), first);
        source
            .meaning
            .columns
            .insert("id".to_owned(), "No".to_owned());
        let mapped = print_of(&source);
        assert_ne!(mapped, first);
        fs::write(&source.path, "id,name,No\n1,Ann,3\n").unwrap();
        assert_ne!(print_of(&source), mapped);
    }

    #[test]
    fn a_file_written_to_while_it_is_read_is_an_error() {
        let (_folder, source) = written("id\n1\n");
        let reader = FileReader::open(&source, &source.path).unwrap();
        // Longer than what was read ahead with the header.
        let more = "2\n".repeat(CHUNK);
        let file = fs::OpenOptions::new().append(true).open(&source.path);
        file.unwrap().write_all(more.as_bytes()).unwrap();
        let last = reader.last().unwrap().unwrap_err();
        assert_eq!(last.trouble, Trouble::Changed);
    }

    #[test]
    fn a_long_file_is_read_in_little_memory() {
        use std::fmt::Write as _;
        let mut text = "id,first_name\n".to_owned();
        for n in 0..20_000 {
            writeln!(text, "C{n:07},\"Ann \"\"the {n}th\"\" Lee\"").unwrap();
        }
        text.push_str("C0000007,Bob\n");
        let (_folder, source) = written(&text);
        let rows = rows(&source).unwrap();
        assert_eq!(rows.len(), 20_001);
        let Some(Row::Refused(last)) = rows.last() else {
            panic!("the last is a duplicate")
        };
        assert_eq!((last.line, last.column.as_str()), (20_002, "id"));
        assert_eq!(last.record, "C0000007,Bob");
        assert!(last.reason.contains("line 9 "), "{}", last.reason);
    }

    #[test]
    fn a_record_without_end_is_stopped() {
        let (_folder, source) = written(&format!("id,name\n1,Ann\n2,\"{}", "x\n".repeat(900_000)));
        let error = rows(&source).unwrap_err();
        assert_eq!((error.trouble, error.line), (Trouble::Malformed, Some(3)));
    }

    #[test]
    fn what_is_kept_of_a_refused_row_is_cut() {
        let (_folder, source) = written(&format!("id,email\n1,{}\n", "é".repeat(5_000)));
        let rows = rows(&source).unwrap();
        let [Row::Refused(refusal)] = rows.as_slice() else {
            panic!("one refusal, not {rows:?}")
        };
        assert_eq!(refusal.value.chars().count(), VALUE_KEPT);
        assert_eq!(refusal.record.chars().count(), RECORD_KEPT);
    }

    #[test]
    fn a_folder_gives_its_finished_files_in_order() {
        let (folder, mut source) = written("id\n1\n");
        for name in ["b.CSV", "a.csv", ".hidden.csv", "c.csv.part", "notes.txt"] {
            fs::write(folder.path().join(name), "id\n1\n").unwrap();
        }
        fs::create_dir(folder.path().join("old.csv")).unwrap();
        source.path = folder.path().to_owned();
        source.shown = "../data/".to_owned();
        let found = files(&source).unwrap();
        let shown: Vec<String> = found
            .iter()
            .map(|file| FileReader::open(&source, file).unwrap().shown().to_owned())
            .collect();
        assert_eq!(
            shown,
            ["../data/a.csv", "../data/b.CSV", "../data/people.csv"]
        );
    }

    #[test]
    fn what_is_not_there_is_named_as_the_settings_name_it() {
        let (_folder, mut source) = written("id\n1\n");
        fs::remove_file(&source.path).unwrap();
        source.shown = "../data/people.csv".to_owned();
        let error = files(&source).unwrap_err();
        assert_eq!(error.trouble, Trouble::Missing);
        assert!(
            error
                .to_string()
                .starts_with("../data/people.csv: there is no such file")
        );
        assert_eq!(FileReader::open(&source, &source.path).unwrap_err(), error);
    }

    #[test]
    fn columns_that_feed_nothing_are_told() {
        let (_folder, source) = written("id,Notes,first_name,Fax\n1,x,Ann,y\n");
        let reader = FileReader::open(&source, &source.path).unwrap();
        assert_eq!(reader.ignored_columns(), ["Notes", "Fax"]);
    }

    #[test]
    fn a_delimiter_must_be_a_sign() {
        let (_folder, mut source) = written("id;first_name\n1;Ann\n");
        source.delimiter = b';';
        assert_eq!(rows(&source).unwrap().len(), 1);
        for bad in [b'"', b'\n', b'a', 0, 200] {
            source.delimiter = bad;
            let error = FileReader::open(&source, &source.path).unwrap_err();
            assert_eq!(error.trouble, Trouble::Settings, "{bad}");
        }
    }
}
