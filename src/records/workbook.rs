//! A workbook's cells, row by row, read by calamine on a thread of its own.
//!
//! The thread holds the workbook open while rows are taken from it, at most a few ahead, and keeps
//! to itself whatever becomes of the library. May not know headers or fields.

use std::fs::File;
use std::io::BufReader;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::cell::{Cell, of_data, of_xlsx};
use super::error::{Trouble, Wrong};
use super::serial::System;
use super::unpack::{self, Kind};
use calamine::{
    Data, DataRef, Ods, OdsError, Range, Reader as _, Sheet, SheetType, SheetVisible, Xls,
    XlsError, Xlsx, XlsxError,
};

/// Rows handed over together.
const BATCH: usize = 256;
/// Such lots that may wait to be taken.
const AHEAD: usize = 4;
/// The columns of a sheet, A to XFD.
pub(super) const MOST_COLUMNS: u32 = 16_384;
/// The rows of a sheet.
const MOST_ROWS: u32 = 1_048_576;

/// One row of a sheet.
#[derive(Debug, Default)]
pub(super) struct SheetRow {
    /// Its number, from 1.
    pub(super) number: u32,
    /// Its cells from column A on, empty texts among them.
    pub(super) cells: Vec<Cell>,
}

/// What the thread says.
pub(super) enum Said {
    /// The sheet that was found, and what a person should know.
    Sheet(String, Vec<String>),
    Rows(Vec<SheetRow>),
    Failed(Wrong),
    End,
}

/// Opens a workbook and reads the rows of one sheet: the one of this name, or else the only one.
pub(super) fn open(file: File, sheet: Option<&str>) -> Result<Receiver<Said>, Wrong> {
    let (to, from) = sync_channel(AHEAD);
    let sheet = sheet.map(str::to_owned);
    let work = move || {
        let said = match read(file, sheet.as_deref(), &to) {
            Ok(()) => Said::End,
            Err(wrong) => Said::Failed(wrong),
        };
        // Nobody listens any more when the reading was given up.
        _ = to.send(said);
    };
    thread::Builder::new()
        .name("workbook".to_owned())
        .spawn(work)?;
    Ok(from)
}

/// The library's own trouble.
pub(super) fn unreadable(why: &str) -> Wrong {
    Wrong::new(
        Trouble::Malformed,
        format!("it can't be read as a workbook ({why})"),
        "open it in a spreadsheet and save it anew",
    )
}

fn locked() -> Wrong {
    Wrong::new(
        Trouble::Malformed,
        "it is locked with a password",
        "save it without one, and keep others out by the rights of the file",
    )
}

fn read(mut file: File, wanted: Option<&str>, to: &SyncSender<Said>) -> Result<(), Wrong> {
    let seen = unpack::look(&mut file)?;
    let file = BufReader::new(file);
    let mut remarks = Vec::new();
    if seen.hidden_rows > 0 {
        let n = seen.hidden_rows;
        remarks.push(format!(
            "hidden rows are read like all others; the workbook has {n}"
        ));
    }
    match seen.kind {
        Kind::Xlsx => {
            let mut book = Xlsx::new(file).map_err(xlsx_trouble)?;
            let sheets = book.sheets_metadata().to_vec();
            let mut holds_any = |name: &str| holds_any(&mut book, name);
            let sheet = choose(&sheets, wanted, &mut holds_any, &mut remarks)?;
            let system = if book.has_1904_epoch() {
                System::From1904
            } else {
                System::From1900
            };
            _ = to.send(Said::Sheet(sheet.clone(), remarks));
            stream(&mut book, &sheet, system, to)
        }
        Kind::Ods => {
            let mut book = Ods::new(file).map_err(|error| match error {
                OdsError::Password => locked(),
                other => unreadable(&other.to_string()),
            })?;
            whole(&mut book, wanted, System::From1900, remarks, to)
        }
        Kind::Xls => {
            let mut file = file;
            // A locked xlsx has the coat of an old workbook.
            if matches!(Xlsx::new(&mut file), Err(XlsxError::Password)) {
                return Err(locked());
            }
            std::io::Seek::rewind(&mut file)?;
            let mut book = Xls::new(file).map_err(|error| match error {
                XlsError::Password => locked(),
                other => unreadable(&other.to_string()),
            })?;
            let system = if book.has_1904_epoch() {
                System::From1904
            } else {
                System::From1900
            };
            whole(&mut book, wanted, system, remarks, to)
        }
    }
}

fn xlsx_trouble(error: XlsxError) -> Wrong {
    match error {
        XlsxError::Password => locked(),
        other => unreadable(&other.to_string()),
    }
}

/// The sheet to read. Hidden ones count only where they are named, empty ones never.
fn choose(
    sheets: &[Sheet],
    wanted: Option<&str>,
    holds_any: &mut dyn FnMut(&str) -> bool,
    remarks: &mut Vec<String>,
) -> Result<String, Wrong> {
    let tables = || {
        sheets
            .iter()
            .filter(|sheet| sheet.typ == SheetType::WorkSheet)
    };
    let listed = || {
        let names: Vec<String> = tables().map(|sheet| format!("`{}`", sheet.name)).collect();
        names.join(", ")
    };
    if let Some(wanted) = wanted {
        let is_it = |sheet: &&Sheet| sheet.name == wanted;
        let alike =
            |sheet: &&Sheet| sheet.name.trim().to_lowercase() == wanted.trim().to_lowercase();
        let found = tables().find(is_it).or_else(|| tables().find(alike));
        let found = found.ok_or_else(|| {
            let mend = format!("its sheets are {}", listed());
            Wrong::new(
                Trouble::Settings,
                format!("it has no sheet `{wanted}`"),
                mend,
            )
        })?;
        if found.visible != SheetVisible::Visible {
            remarks.push(format!(
                "the sheet `{}` is hidden, and is read all the same",
                found.name
            ));
        }
        return Ok(found.name.clone());
    }
    let filled: Vec<&Sheet> = tables().filter(|sheet| holds_any(&sheet.name)).collect();
    let (shown, hidden): (Vec<&Sheet>, Vec<&Sheet>) = filled
        .into_iter()
        .partition(|sheet| sheet.visible == SheetVisible::Visible);
    match shown.as_slice() {
        [only] => {
            let others = hidden.iter();
            remarks.extend(others.map(|it| format!("the hidden sheet `{}` isn't read", it.name)));
            Ok(only.name.clone())
        }
        [] => Err(Wrong::new(
            Trouble::Header,
            "none of its visible sheets holds anything",
            format!("name one with `sheet`; its sheets are {}", listed()),
        )),
        [first, ..] => Err(Wrong::new(
            Trouble::Settings,
            format!("it has several sheets: {}", listed()),
            format!("say which to read, such as `sheet = {:?}`", first.name),
        )),
    }
}

fn holds_any(book: &mut Xlsx<BufReader<File>>, name: &str) -> bool {
    let Ok(mut cells) = book.worksheet_cells_reader(name) else {
        return false;
    };
    loop {
        match cells.next_cell() {
            Ok(Some(cell)) if matches!(cell.get_value(), DataRef::Empty) => {}
            // Its trouble is told when it is read.
            Ok(Some(_)) | Err(_) => return true,
            Ok(None) => return false,
        }
    }
}

/// Reads an xlsx cell by cell.
fn stream(
    book: &mut Xlsx<BufReader<File>>,
    sheet: &str,
    system: System,
    to: &SyncSender<Said>,
) -> Result<(), Wrong> {
    let mut cells = book.worksheet_cells_reader(sheet).map_err(xlsx_trouble)?;
    let mut batch = Vec::new();
    let mut row = SheetRow::default();
    while let Some(cell) = cells
        .next_cell_with_formula_metadata()
        .map_err(xlsx_trouble)?
    {
        let (at, column) = cell.pos;
        if at >= MOST_ROWS || column >= MOST_COLUMNS || at + 1 < row.number {
            return Err(unreadable("its cells aren't in their order"));
        }
        if at + 1 != row.number {
            let done = std::mem::take(&mut row);
            if !hand_over(done, &mut batch, to) {
                return Ok(());
            }
            row.number = at + 1;
        }
        let value = match (&cell.value, &cell.formula) {
            (DataRef::Empty, Some(_)) => Cell::Wrong(
                String::new(),
                "its formula was never reckoned; open the file in a spreadsheet and save it"
                    .to_owned(),
            ),
            (DataRef::Empty, None) => continue,
            _ => of_xlsx(cell.value, system),
        };
        put(&mut row.cells, column, value)?;
    }
    hand_over(row, &mut batch, to);
    _ = to.send(Said::Rows(batch));
    Ok(())
}

/// Puts a cell into its column; a column has one cell.
fn put(cells: &mut Vec<Cell>, column: u32, cell: Cell) -> Result<(), Wrong> {
    let column = usize::try_from(column).unwrap_or(usize::MAX);
    if column < cells.len() {
        return Err(unreadable("its cells aren't in their order"));
    }
    cells.resize(column, Cell::Text(String::new()));
    cells.push(cell);
    Ok(())
}

/// Adds a row to the lot, which goes out when it is full; `false` when nobody wants more.
fn hand_over(row: SheetRow, batch: &mut Vec<SheetRow>, to: &SyncSender<Said>) -> bool {
    if !row.cells.iter().all(Cell::is_blank) {
        batch.push(row);
    }
    batch.len() < BATCH || to.send(Said::Rows(std::mem::take(batch))).is_ok()
}

/// Reads a workbook that the library keeps in memory as a whole.
fn whole<B: calamine::Reader<BufReader<File>>>(
    book: &mut B,
    wanted: Option<&str>,
    system: System,
    mut remarks: Vec<String>,
    to: &SyncSender<Said>,
) -> Result<(), Wrong>
where
    B::Error: std::fmt::Display,
{
    let sheets = book.sheets_metadata().to_vec();
    let mut holds_any = |name: &str| {
        book.worksheet_range(name)
            .map_or(true, |range| !range.is_empty())
    };
    let sheet = choose(&sheets, wanted, &mut holds_any, &mut remarks)?;
    let range: Range<Data> = book
        .worksheet_range(&sheet)
        .map_err(|error| unreadable(&error.to_string()))?;
    _ = to.send(Said::Sheet(sheet, remarks));
    let (first_row, first_column) = range.start().unwrap_or_default();
    let mut batch = Vec::new();
    for (number, values) in (first_row..).zip(range.rows()) {
        let mut row = SheetRow {
            number: number.saturating_add(1),
            cells: Vec::new(),
        };
        for (column, value) in (first_column..).zip(values) {
            if let Some(cell) = of_data(value, system) {
                put(&mut row.cells, column, cell)?;
            }
        }
        if !hand_over(row, &mut batch, to) {
            return Ok(());
        }
    }
    _ = to.send(Said::Rows(batch));
    Ok(())
}
