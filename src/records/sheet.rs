//! A sheet's rows -> its header and the rows below it.
//!
//! Titles stand above many headers, so the header is looked for. May not know how cells are stored.

use std::fs::File;
use std::sync::mpsc::Receiver;
use std::vec::IntoIter;

use sha2::Sha256;

use super::Meaning;
use super::cell::Cell;
use super::columns::{self, Columns};
use super::error::{SourceError, Trouble, Wrong};
use super::forms::{Value, Values};
use super::reader::{Next, Rows};
use super::workbook::{self, Said, SheetRow};

/// Rows among which the header is looked for, blank ones not counted.
const TITLES: usize = 50;
/// From so many named columns on, a row of one cell is a heading between rows.
const TABLE: usize = 3;

/// The rows of one sheet.
#[derive(Debug)]
pub(super) struct SheetRows {
    /// The file and the sheet, for messages.
    place: String,
    from: Receiver<Said>,
    lot: IntoIter<SheetRow>,
    row: SheetRow,
    header: Vec<String>,
}

/// What a workbook turned out to be.
pub(super) struct Opened {
    pub(super) rows: SheetRows,
    pub(super) columns: Columns,
    pub(super) place: String,
    pub(super) remarks: Vec<String>,
}

impl SheetRows {
    /// Finds the sheet, and the header on it.
    pub(super) fn open(
        file: File,
        shown: &str,
        (sheet, header_row): (Option<&str>, Option<u32>),
        meaning: &Meaning,
    ) -> Result<Opened, SourceError> {
        let here = |wrong: Wrong| wrong.at(shown, None);
        let from = workbook::open(file, sheet).map_err(here)?;
        let (sheet, mut remarks) = match from.recv() {
            Ok(Said::Sheet(sheet, remarks)) => (sheet, remarks),
            Ok(Said::Failed(wrong)) => return Err(here(wrong)),
            Ok(Said::Rows(_) | Said::End) | Err(_) => return Err(here(fell())),
        };
        let place = format!("{shown}[{sheet}]");
        let mut rows = Self {
            place: place.clone(),
            from,
            lot: Vec::new().into_iter(),
            row: SheetRow::default(),
            header: Vec::new(),
        };
        let (columns, above) = match header_row {
            Some(number) => (rows.stated(number, meaning)?, false),
            None => rows.find(meaning)?,
        };
        if above {
            remarks.push(format!(
                "the header is row {}; what stands above isn't read",
                rows.row.number
            ));
        }
        Ok(Opened {
            rows,
            columns,
            place,
            remarks,
        })
    }

    /// Takes the header from where the settings say it is.
    fn stated(&mut self, number: u32, meaning: &Meaning) -> Result<Columns, SourceError> {
        while self.row.number < number {
            if !self.advance()? {
                break;
            }
        }
        if self.row.number != number {
            let problem = format!("its row {number}, which `header_row` names, is empty");
            let wrong = Wrong::new(Trouble::Settings, problem, "name the row of the header");
            return Err(wrong.at(&self.place, Some(u64::from(number))));
        }
        self.header = names(&self.row);
        columns::resolve(meaning, &self.header, None)
            .map_err(|wrong| wrong.at(&self.place, Some(u64::from(number))))
    }

    /// Looks for the first row that names what is needed; also says whether others stand above.
    fn find(&mut self, meaning: &Meaning) -> Result<(Columns, bool), SourceError> {
        let mut likeliest: Option<(usize, SourceError)> = None;
        let mut above = false;
        for _ in 0..TITLES {
            if !self.advance()? {
                break;
            }
            self.header = names(&self.row);
            match columns::resolve(meaning, &self.header, None) {
                Ok(columns) => return Ok((columns, above)),
                Err(wrong) => {
                    let named = self.header.iter().filter(|name| !name.is_empty()).count();
                    let line = Some(u64::from(self.row.number));
                    if likeliest.as_ref().is_none_or(|(most, _)| named > *most) {
                        likeliest = Some((named, wrong.at(&self.place, line)));
                    }
                }
            }
            above = true;
        }
        Err(likeliest.map_or_else(
            || {
                let mend = "a row of it must name the columns";
                Wrong::new(Trouble::Header, "the sheet is empty", mend).at(&self.place, None)
            },
            |(_, error)| error,
        ))
    }

    /// Goes to the next row; `false` where there is none.
    fn advance(&mut self) -> Result<bool, SourceError> {
        loop {
            if let Some(row) = self.lot.next() {
                self.row = row;
                return Ok(true);
            }
            match self.from.recv() {
                Ok(Said::Rows(rows)) => self.lot = rows.into_iter(),
                Ok(Said::Sheet(..)) => {}
                Ok(Said::End) => return Ok(false),
                Ok(Said::Failed(wrong)) => return Err(wrong.at(&self.place, None)),
                Err(_) => return Err(fell().at(&self.place, None)),
            }
        }
    }

    /// What is wrong with the row at hand as a whole.
    fn fault(&self) -> Option<&'static str> {
        let filled = || self.row.cells.iter().filter(|cell| !cell.is_blank());
        let named = self.header.iter().filter(|name| !name.is_empty()).count();
        if named >= TABLE && filled().count() == 1 {
            return Some(
                "only one of its cells holds anything, as in a heading or a note; take the row out \
                 of the table",
            );
        }
        (names(&self.row) == self.header)
            .then_some("it is the header again, as where two tables were put together; take it out")
    }
}

/// The library gave up without a word.
fn fell() -> Wrong {
    workbook::unreadable("its reader failed")
}

fn names(row: &SheetRow) -> Vec<String> {
    let mut names: Vec<String> = row
        .cells
        .iter()
        .map(|cell| {
            let words: Vec<String> = cell
                .written()
                .split_whitespace()
                .map(str::to_owned)
                .collect();
            words.join(" ")
        })
        .collect();
    while names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    names
}

/// The letters of a column, from 0: A, B, …, Z, AA.
fn letters(column: usize) -> String {
    let mut left = column;
    let mut letters = Vec::new();
    loop {
        let letter = u8::try_from(left % 26).unwrap_or_default();
        letters.push(char::from(b'A' + letter));
        match (left / 26).checked_sub(1) {
            Some(rest) => left = rest,
            None => return letters.into_iter().rev().collect(),
        }
    }
}

impl Values for SheetRows {
    fn value(&self, column: usize) -> Value<'_> {
        self.row
            .cells
            .get(column)
            .map_or(Value::Text(""), Cell::value)
    }
}

impl Rows for SheetRows {
    fn next(&mut self) -> Result<Next, SourceError> {
        if !self.advance()? {
            return Ok(Next::End);
        }
        Ok(match self.fault() {
            Some(reason) => Next::Unusable(reason.to_owned()),
            None => Next::Row,
        })
    }

    fn line(&self, _column: Option<usize>) -> u64 {
        u64::from(self.row.number)
    }

    /// The name, and the cell at which to look.
    fn column(&self, column: usize) -> String {
        let name = self.header.get(column).map_or("", String::as_str);
        format!("{name} ({}{})", letters(column), self.row.number)
    }

    fn written(&self, column: usize) -> String {
        self.row
            .cells
            .get(column)
            .map(Cell::written)
            .unwrap_or_default()
    }

    fn text(&self) -> String {
        let cells = self
            .row
            .cells
            .iter()
            .enumerate()
            .filter(|(_, cell)| !cell.is_blank());
        let said: Vec<String> = cells
            .map(|(column, cell)| {
                format!("{}{}: {}", letters(column), self.row.number, cell.written())
            })
            .collect();
        said.join(" | ")
    }

    fn digest(&self) -> Option<Sha256> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_lettered_as_spreadsheets_do() {
        for (column, said) in [
            (0, "A"),
            (25, "Z"),
            (26, "AA"),
            (51, "AZ"),
            (52, "BA"),
            (701, "ZZ"),
            (702, "AAA"),
            (16_383, "XFD"),
        ] {
            assert_eq!(letters(column), said);
        }
    }
}
