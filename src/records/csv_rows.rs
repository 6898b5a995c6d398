//! A CSV file -> its header and its rows.
//!
//! May not know fields: whether a row's values mean anything is for others to see.

use std::fs::File;

use csv::StringRecord;
use sha2::Sha256;

use super::error::{SourceError, Trouble, Wrong};
use super::forms::{Value, Values};
use super::raw::{Quotes, RawRecords};
use super::reader::{Next, Rows};
use super::sniff::{self, SAMPLE};
use super::text::{self, Text};
use super::{Meaning, columns};

/// The rows of one CSV file.
#[derive(Debug)]
pub(super) struct CsvRows {
    header: Vec<String>,
    records: RawRecords,
    record: StringRecord,
}

/// What a CSV file turned out to be.
pub(super) struct Opened {
    pub(super) rows: CsvRows,
    pub(super) columns: columns::Columns,
    /// What a person should know of how it is read.
    pub(super) remarks: Vec<String>,
}

impl CsvRows {
    /// `digest` goes on over the file's bytes.
    pub(super) fn open(
        file: File,
        (shown, digest): (&str, Sha256),
        (delimiter, encoding): (Option<u8>, Option<&str>),
        meaning: &Meaning,
    ) -> Result<Opened, SourceError> {
        let here = |wrong: Wrong| wrong.at(shown, None);
        if let Some(delimiter) = delimiter {
            is_usable(delimiter).map_err(here)?;
        }
        let encoding = encoding.map(text::encoding).transpose().map_err(here)?;
        let mut text =
            Text::new(file, digest, encoding.as_ref(), sniff::another_kind).map_err(here)?;
        let (sample, whole) = text
            .sample(SAMPLE)
            .map_err(|error| here(text::trouble(error)))?;
        if let Some(wrong) = sniff::another_kind(sample) {
            return Err(here(wrong));
        }
        let sniffed = sniff::delimiter(delimiter, (sample, whole), meaning).map_err(here)?;
        is_usable(sniffed.delimiter).map_err(here)?;
        let suspicion = text.suspicion();
        let mut records = RawRecords::new(text, shown.to_owned(), sniffed.delimiter);
        let mut record = StringRecord::new();
        let mut more = records.next(&mut record)?.is_some();
        if more && sniffed.line_of_its_own {
            more = records.next(&mut record)?.is_some();
        }
        if !more {
            return Err(here(Wrong::new(
                Trouble::Header,
                "it is empty",
                "its first line must name the columns",
            )));
        }
        let header: Vec<String> = record
            .iter()
            .map(|name| name.trim_start_matches('\u{feff}').trim().to_owned())
            .collect();
        let columns =
            columns::resolve(meaning, &header, Some(sniffed.delimiter)).map_err(|wrong| {
                // The settings' names aren't found in a header that was misread.
                let misread = suspicion.filter(|_| wrong.trouble == Trouble::Header);
                misread.unwrap_or(wrong).at(shown, Some(records.line()))
            })?;
        Ok(Opened {
            rows: Self {
                header,
                records,
                record,
            },
            columns,
            remarks: sniffed.said.into_iter().collect(),
        })
    }

    /// What is wrong with the record at hand as a whole.
    fn fault(&self, quotes: Quotes) -> Option<String> {
        if quotes == Quotes::Stray {
            return Some(
                "text follows a closing quote; a quote within a quoted value must be written twice"
                    .to_owned(),
            );
        }
        if self.record.as_slice().contains('\0') {
            return Some(
                "it holds NUL bytes, as files do that were damaged or cut off; export it anew"
                    .to_owned(),
            );
        }
        let (given, asked) = (self.record.len(), self.header.len());
        let beyond = self.record.iter().skip(asked);
        let lacking = self.header.iter().skip(given);
        // Spreadsheets leave separators behind empty columns, or leave them out.
        let same = beyond.clone().all(|value| value.trim().is_empty())
            && lacking.clone().all(String::is_empty);
        if !same {
            return Some(format!(
                "the row has {given} values where the header names {asked} columns; look for a \
                 missing or unquoted separator"
            ));
        }
        let is_header = given > 1
            && self
                .record
                .iter()
                .zip(&self.header)
                .all(|(value, name)| value.trim() == name);
        is_header.then(|| {
            "it is the header again, as where two files were put together; take the line out"
                .to_owned()
        })
    }
}

impl Values for CsvRows {
    fn value(&self, column: usize) -> Value<'_> {
        Value::Text(self.record.get(column).unwrap_or_default())
    }
}

impl Rows for CsvRows {
    fn next(&mut self) -> Result<Next, SourceError> {
        loop {
            let Some(quotes) = self.records.next(&mut self.record)? else {
                return Ok(Next::End);
            };
            // Spreadsheets leave rows of nothing but separators behind.
            if self.record.iter().all(|value| value.trim().is_empty()) {
                continue;
            }
            return Ok(match self.fault(quotes) {
                Some(reason) => Next::Unusable(reason),
                None => Next::Row,
            });
        }
    }

    fn line(&self, _column: Option<usize>) -> u64 {
        self.records.line()
    }

    fn column(&self, column: usize) -> String {
        self.header.get(column).cloned().unwrap_or_default()
    }

    fn written(&self, column: usize) -> String {
        self.record.get(column).unwrap_or_default().to_owned()
    }

    fn text(&self) -> String {
        self.records.text()
    }

    fn digest(&self) -> Option<Sha256> {
        Some(self.records.digest())
    }
}

fn is_usable(delimiter: u8) -> Result<(), Wrong> {
    if delimiter.is_ascii_punctuation() && delimiter != b'"' || delimiter == b'\t' {
        return Ok(());
    }
    Err(Wrong::new(
        Trouble::Settings,
        format!("`delimiter` can't be {:?}", char::from(delimiter)),
        "use a comma, a semicolon, a tab or another sign",
    ))
}
