//! Bytes -> raw records, each with its line and its text as it stood.
//!
//! The csv crate splits the fields. This file keeps beside it what a quarantined record needs (the
//! untouched text, the true line) and what the crate forgives but we can't: quotes that swallow
//! other records, and records without end. May not know fields or columns.

use std::io::{self, Read};

use csv::StringRecord;
use sha2::Sha256;

use super::error::{SourceError, Trouble, Wrong};
use super::text::{self, CHUNK, Text};

/// Longest record: more is a quote that was never closed.
const LONGEST_RECORD: usize = 1024 * 1024;

/// The records of one open file.
#[derive(Debug)]
pub(super) struct RawRecords {
    csv: csv::Reader<Tee>,
    shown: String,
    delimiter: u8,
    /// Where the record at hand begins.
    start: u64,
    /// The line on which the record at hand begins, from 1.
    line: u64,
    lines: Lines,
}

/// What is to be said of a record's quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    Fine,
    /// Text follows a closing quote, on the record's only line.
    Stray,
}

impl RawRecords {
    pub(super) fn new(text: Text, shown: String, delimiter: u8) -> Self {
        let tee = Tee {
            file: text,
            kept: Vec::new(),
            kept_from: 0,
            needed_from: 0,
            too_long: false,
        };
        let csv = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .buffer_capacity(CHUNK)
            .from_reader(tee);
        Self {
            csv,
            shown,
            delimiter,
            start: 0,
            line: 1,
            lines: Lines::default(),
        }
    }

    /// Reads the next record that isn't blank; `None` at the end of the file.
    pub(super) fn next(
        &mut self,
        record: &mut StringRecord,
    ) -> Result<Option<Quotes>, SourceError> {
        self.start = self.csv.position().byte();
        self.csv.get_mut().needed_from = self.start;
        self.line = self.lines.at;
        let more = match self.csv.read_record(record) {
            Ok(more) => more,
            Err(error) => return Err(self.trouble(error)),
        };
        let raw = self
            .csv
            .get_ref()
            .raw(self.start, self.csv.position().byte());
        let blank = raw.len() - without_blank_lines(raw).len();
        let (before, own) = raw.split_at_checked(blank).unwrap_or((raw, &[]));
        self.lines.pass(before);
        self.line = self.lines.at;
        self.lines.pass(own);
        if !more {
            return Ok(None);
        }
        // Most records bear no quotes at all, and needn't be looked at twice.
        if !own.contains(&b'"') {
            return Ok(Some(Quotes::Fine));
        }
        match look_at_quotes(own, self.delimiter) {
            Looked::Fine => Ok(Some(Quotes::Fine)),
            Looked::Stray => Ok(Some(Quotes::Stray)),
            Looked::Torn { line } => Err(self.malformed(
                line,
                "text follows a closing quote, so that it is uncertain where records begin",
                "a quote within a quoted value must be written twice",
            )),
            Looked::Unclosed { line } => Err(self.malformed(
                line,
                "a quote is opened here and never closed",
                "close it, or take it away; if the file is still being written, wait for its end",
            )),
        }
    }

    /// The line on which the record at hand begins, from 1.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// The record at hand as it stood, without its line end.
    pub(super) fn text(&self) -> String {
        let raw = self
            .csv
            .get_ref()
            .raw(self.start, self.csv.position().byte());
        let text = String::from_utf8_lossy(without_blank_lines(raw));
        text.trim_end_matches(['\r', '\n']).to_owned()
    }

    /// The digest over the bytes read so far.
    pub(super) fn digest(&self) -> Sha256 {
        self.csv.get_ref().file.digest()
    }

    fn trouble(&self, error: csv::Error) -> SourceError {
        let tee = self.csv.get_ref();
        if tee.too_long {
            return self.malformed(
                0,
                &format!("this record is longer than {LONGEST_RECORD} bytes"),
                "look for a quote that is opened and never closed",
            );
        }
        let raw = tee.raw(self.start, self.csv.position().byte());
        if let csv::ErrorKind::Utf8 { .. } = error.kind() {
            let good = std::str::from_utf8(raw).map_or_else(|e| e.valid_up_to(), str::len);
            let mut lines = self.lines;
            lines.pass(raw.get(..good).unwrap_or(raw));
            let offset = self
                .start
                .saturating_add(good.try_into().unwrap_or(u64::MAX));
            return text::not_utf8(offset).at(&self.shown, Some(lines.at));
        }
        match error.into_kind() {
            csv::ErrorKind::Io(error) => text::trouble(error).at(&self.shown, None),
            other => Wrong::new(
                Trouble::Malformed,
                format!("it can't be read as CSV ({other:?})"),
                "export it anew as CSV",
            )
            .at(&self.shown, Some(self.line)),
        }
    }

    /// Trouble so many lines below the record's first.
    fn malformed(&self, below: u64, problem: &str, mend: &str) -> SourceError {
        let line = self.line.saturating_add(below);
        Wrong::new(Trouble::Malformed, problem, mend).at(&self.shown, Some(line))
    }
}

/// Without the line ends (and the byte order mark) in front, which belong to nothing.
fn without_blank_lines(raw: &[u8]) -> &[u8] {
    let raw = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw);
    let blank = raw
        .iter()
        .take_while(|b| matches!(b, b'\r' | b'\n'))
        .count();
    raw.get(blank..).unwrap_or_default()
}

/// Counts lines, however they end: LF, CR LF or CR.
#[derive(Debug, Clone, Copy)]
struct Lines {
    at: u64,
    after_cr: bool,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            at: 1,
            after_cr: false,
        }
    }
}

impl Lines {
    fn pass(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\r' || (byte == b'\n' && !self.after_cr) {
                self.at += 1;
            }
            self.after_cr = byte == b'\r';
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Looked {
    Fine,
    /// Text after a quote that was opened and closed on one line.
    Stray,
    /// Text after a quote that was opened on this line (from 0) and closed on another.
    Torn {
        line: u64,
    },
    /// The quote on this line (from 0) is never closed.
    Unclosed {
        line: u64,
    },
}

/// Follows the quotes the way the csv crate does, but notices what it forgives.
fn look_at_quotes(record: &[u8], delimiter: u8) -> Looked {
    #[derive(Clone, Copy)]
    enum State {
        Start,
        Plain,
        Quoted,
        Closed,
    }
    let mut state = State::Start;
    let mut lines = Lines {
        at: 0,
        after_cr: false,
    };
    let mut opened = 0;
    let mut stray = false;
    for &byte in record {
        state = match (state, byte) {
            (State::Quoted, b'"') => State::Closed,
            (State::Closed, b'"') | (State::Quoted, _) => State::Quoted,
            (State::Start, b'"') => {
                opened = lines.at;
                State::Quoted
            }
            (_, b'\r' | b'\n') => State::Start,
            (_, byte) if byte == delimiter => State::Start,
            (State::Closed, _) => {
                if lines.at > opened {
                    return Looked::Torn { line: opened };
                }
                stray = true;
                State::Plain
            }
            (State::Start | State::Plain, _) => State::Plain,
        };
        lines.pass(&[byte]);
    }
    match state {
        State::Quoted => Looked::Unclosed { line: opened },
        _ if stray => Looked::Stray,
        _ => Looked::Fine,
    }
}

/// A file that keeps the text of the record at hand.
#[derive(Debug)]
struct Tee {
    file: Text,
    kept: Vec<u8>,
    /// Where in the file `kept` begins.
    kept_from: u64,
    /// Nothing before is needed any more.
    needed_from: u64,
    too_long: bool,
}

impl Tee {
    fn raw(&self, from: u64, to: u64) -> &[u8] {
        let place = |at: u64| usize::try_from(at.saturating_sub(self.kept_from)).ok();
        match (place(from), place(to)) {
            (Some(from), Some(to)) => self.kept.get(from..to).unwrap_or_default(),
            _ => &[],
        }
    }
}

impl Read for Tee {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let done = self.needed_from.saturating_sub(self.kept_from);
        let done = usize::try_from(done)
            .unwrap_or(usize::MAX)
            .min(self.kept.len());
        self.kept.drain(..done);
        self.kept_from = self.kept_from.max(self.needed_from);
        if self.kept.len() > LONGEST_RECORD {
            self.too_long = true;
            return Err(io::Error::other("a record without end"));
        }
        let read = self.file.read(buffer)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        self.kept.extend_from_slice(bytes);
        Ok(read)
    }
}
