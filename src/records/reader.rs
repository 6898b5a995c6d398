//! One file -> its rows, one after the other, and the fingerprint by which it is known again.
//!
//! May not know the store; who applies the rows must apply nothing when any of them is an error.

use std::fmt::Debug;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::cards::CardRows;
use super::csv_rows::CsvRows;
use super::error::{SourceError, Trouble, Wrong};
use super::forms::Values;
use super::intake::Intake;
use super::rows::Fault;
use super::sheet::SheetRows;
use super::text::CHUNK;
use super::{FileSource, Format, Row, shown};
use crate::model::Refusal;
use crate::model::refusal::Claims;

/// Changes when the same file and settings are to be read in another way than before, so that
/// files are then read again.
const READING: &str = "fondly records 3";
/// Characters kept of a value that can't be used.
const VALUE_KEPT: usize = 200;
/// Characters kept of a row that can't be used.
const RECORD_KEPT: usize = 2000;

/// One row of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Its values can be looked at.
    Row,
    /// It can't be used as a whole; this is why.
    Unusable(String),
    /// There are no more.
    End,
}

/// The rows of one file, whatever its format. The values are those of the row at hand.
pub(super) trait Rows: Values + Debug + Send {
    /// Goes to the next row that isn't blank.
    fn next(&mut self) -> Result<Next, SourceError>;
    /// The line of the row at hand, or of its value in this column.
    fn line(&self, column: Option<usize>) -> u64;
    /// The column's name, or what else shows a person where to look.
    fn column(&self, column: usize) -> String;
    /// The value as it stands in the file.
    fn written(&self, column: usize) -> String;
    /// The whole row as it stands in the file.
    fn text(&self) -> String;
    /// The digest over all bytes that the rows were read from, if they were read on the way.
    fn digest(&self) -> Option<Sha256>;
}

/// By what a file is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Print {
    /// The file as the settings name it.
    pub shown: String,
    /// The same for the same bytes read with the same settings; 64 hexadecimal digits.
    pub fingerprint: String,
}

/// Takes a file's fingerprint, without looking at what is in it: a workbook is dear to open.
///
/// # Errors
/// When the file can't be read.
pub fn print(source: &FileSource, path: &Path) -> Result<Print, SourceError> {
    let shown = shown(source, path);
    match fingerprint(source, path) {
        Ok(fingerprint) => Ok(Print { shown, fingerprint }),
        Err(error) => Err(Wrong::from(error).at(&shown, None)),
    }
}

/// Reads one file of a source, row by row.
///
/// An iterator of rows. After an `Err` it ends, and nothing of the file may be applied.
#[derive(Debug)]
pub struct FileReader {
    source: FileSource,
    path: std::path::PathBuf,
    shown: String,
    /// The file and, in a workbook, the sheet.
    place: String,
    fingerprint: String,
    fields: Vec<String>,
    ignored: Vec<String>,
    remarks: Vec<String>,
    intake: Intake,
    rows: Box<dyn Rows>,
    done: bool,
}

impl FileReader {
    /// Opens a file, reckons its fingerprint, and matches its header with the settings.
    ///
    /// # Errors
    /// When the file can't be read, or its header doesn't give what the settings ask for.
    pub fn open(source: &FileSource, path: &Path) -> Result<Self, SourceError> {
        Self::open_printed(source, path, print(source, path)?)
    }

    /// The same for a file whose fingerprint has just been taken.
    ///
    /// # Errors
    /// As with [`FileReader::open`].
    pub fn open_printed(
        source: &FileSource,
        path: &Path,
        print: Print,
    ) -> Result<Self, SourceError> {
        let Print { shown, fingerprint } = print;
        let meaning = &source.meaning;
        let here = |wrong: Wrong| wrong.at(&shown, None);
        let file = File::open(path).map_err(|error| here(error.into()))?;
        let digest = (shown.as_str(), digest_of_settings(source));
        let mut place = shown.clone();
        let (rows, columns, remarks): (Box<dyn Rows>, _, _) = match &source.format {
            Format::Csv {
                delimiter,
                encoding,
            } => {
                let how = (*delimiter, encoding.as_deref());
                let opened = CsvRows::open(file, digest, how, meaning)?;
                (Box::new(opened.rows), opened.columns, opened.remarks)
            }
            Format::Sheet { sheet, header_row } => {
                let opened =
                    SheetRows::open(file, &shown, (sheet.as_deref(), *header_row), meaning)?;
                place = opened.place;
                (Box::new(opened.rows), opened.columns, opened.remarks)
            }
            Format::Cards { encoding } => {
                let opened = CardRows::open((file, path), digest, encoding.as_deref(), meaning)?;
                (Box::new(opened.rows), opened.columns, Vec::new())
            }
        };
        let intake = Intake::new(meaning, &columns).map_err(here)?;
        Ok(Self {
            source: source.clone(),
            path: path.to_owned(),
            shown,
            place,
            fingerprint,
            fields: columns.picks.into_iter().map(|(field, _)| field).collect(),
            ignored: columns.ignored,
            remarks,
            intake,
            rows,
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

    /// What a person should know of how the file is read, such as what was found to stand between
    /// its values.
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// The fields that have a column, `attr.` before the business's own.
    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    /// The names of the columns that feed nothing.
    pub fn ignored_columns(&self) -> &[String] {
        &self.ignored
    }

    fn read(&mut self) -> Result<Option<Row>, SourceError> {
        let row = match self.rows.next()? {
            Next::End => return self.unchanged().map(|()| None),
            Next::Unusable(reason) => {
                let fault = Fault {
                    column: None,
                    reason,
                };
                return Ok(Some(Row::Refused(self.refusal(fault, Claims::default()))));
            }
            Next::Row => self.intake.row(self.rows.as_ref(), self.rows.line(None)),
        };
        Ok(Some(row.unwrap_or_else(|fault| {
            let claims = self.intake.claims(self.rows.as_ref());
            Row::Refused(self.refusal(fault, claims))
        })))
    }

    fn refusal(&self, fault: Fault, of: Claims) -> Refusal {
        let rows = &self.rows;
        let value = fault.column.map(|column| rows.written(column));
        Refusal {
            file: self.place.clone(),
            line: rows.line(fault.column),
            column: fault
                .column
                .map(|column| rows.column(column))
                .unwrap_or_default(),
            value: kept(&value.unwrap_or_default(), VALUE_KEPT),
            reason: fault.reason,
            record: kept(&rows.text(), RECORD_KEPT),
            of,
        }
    }

    /// What was read must be what the fingerprint says.
    fn unchanged(&self) -> Result<(), SourceError> {
        let now = match self.rows.digest() {
            Some(digest) => hex(digest),
            None => fingerprint(&self.source, &self.path)
                .map_err(|error| Wrong::from(error).at(&self.shown, None))?,
        };
        if now == self.fingerprint {
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

/// The beginning of a value, without what databases can't hold.
fn kept(text: &str, longest: usize) -> String {
    let kept = text.chars().take(longest);
    kept.map(|c| if c == '\0' { '\u{fffd}' } else { c })
        .collect()
}

fn fingerprint(source: &FileSource, path: &Path) -> std::io::Result<String> {
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
fn digest_of_settings(source: &FileSource) -> Sha256 {
    let meaning = &source.meaning;
    let settings = format!(
        "{READING}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n",
        meaning.feeds,
        meaning.event,
        meaning.columns,
        meaning.types,
        meaning.dates,
        meaning.decimal,
        source.format,
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

    fn written(text: &str) -> (tempfile::TempDir, FileSource) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.csv");
        fs::write(&path, text).unwrap();
        let source = source(path, Feeds::Customers);
        (folder, source)
    }

    fn print_of(source: &FileSource) -> String {
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
        // Longer than what is read ahead with the header.
        let (_folder, source) = written(&format!("id\n1\n{}", "\n".repeat(4 * CHUNK)));
        let reader = FileReader::open(&source, &source.path).unwrap();
        let more = "2\n";
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
        let csv = |delimiter| Format::Csv {
            delimiter: Some(delimiter),
            encoding: None,
        };
        source.format = csv(b';');
        assert_eq!(rows(&source).unwrap().len(), 1);
        for bad in [b'"', b'\n', b'a', 0, 200] {
            source.format = csv(bad);
            let error = FileReader::open(&source, &source.path).unwrap_err();
            assert_eq!(error.trouble, Trouble::Settings, "{bad}");
        }
    }
}
