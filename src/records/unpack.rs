//! What a workbook's file really is, and whether it may be unpacked.
//!
//! A workbook is a zip archive that may hold a thousand times its size. It is looked through once,
//! in little memory, before the library that reads it may load anything. May not know cells.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Read, Seek as _};

use zip::ZipArchive;
use zip::result::ZipError;

use super::error::{Trouble, Wrong};
use super::sniff;

/// All that a workbook may unpack to, in bytes.
const MOST_UNPACKED: u64 = 1024 * 1024 * 1024;
/// What of it is kept in memory as a whole may be as long: the texts of an xlsx, all of an ods.
const MOST_KEPT: u64 = 128 * 1024 * 1024;
/// The longest tag, or text without a tag, in bytes: a cell holds at most 32,767 characters.
const LONGEST: usize = 1024 * 1024;
/// An old workbook is kept in memory as a whole, and can't hold more than 65,536 rows.
const LONGEST_OLD: u64 = 64 * 1024 * 1024;
/// The most cells of a table that is kept in memory as a whole, empty ones among them.
const MOST_CELLS: u64 = 5_000_000;
/// The parts of an archive that are pictures and the like.
const NOT_TEXT: [&str; 9] = [
    ".bin", ".png", ".jpg", ".jpeg", ".gif", ".emf", ".wmf", ".tiff", ".ttf",
];
/// Bytes looked at to tell what a file is.
const HEAD: u64 = 1024;

/// The kinds of workbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Xlsx,
    Ods,
    Xls,
}

/// What was seen of a workbook.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) kind: Kind,
    /// Rows that are hidden, by hand or by a filter, on any sheet.
    pub(super) hidden_rows: u64,
}

/// Looks a workbook through.
pub(super) fn look(file: &mut File) -> Result<Seen, Wrong> {
    let mut head = Vec::new();
    file.by_ref().take(HEAD).read_to_end(&mut head)?;
    file.rewind()?;
    if head.starts_with(b"\xd0\xcf\x11\xe0") {
        if file.metadata()?.len() > LONGEST_OLD {
            return Err(too_big(LONGEST_OLD));
        }
        return Ok(Seen {
            kind: Kind::Xls,
            hidden_rows: 0,
        });
    }
    if !head.starts_with(b"PK") {
        return Err(no_workbook(&head));
    }
    let mut zip = ZipArchive::new(BufReader::new(&mut *file)).map_err(damaged)?;
    let kind = kind(&zip)?;
    let mut scan = Scan::default();
    let mut unpacked = 0;
    for part in 0..zip.len() {
        unpacked = read_part(&mut zip, part, kind, unpacked, &mut scan)?;
    }
    scan.end_of_table();
    if kind == Kind::Ods && scan.rows.saturating_mul(scan.widest) > MOST_CELLS {
        return Err(Wrong::new(
            Trouble::Malformed,
            format!("its tables span more than {MOST_CELLS} cells"),
            "save it as .xlsx, or export it as CSV",
        ));
    }
    Ok(Seen {
        kind,
        hidden_rows: scan.hidden_rows,
    })
}

fn kind<R: Read + std::io::Seek>(zip: &ZipArchive<R>) -> Result<Kind, Wrong> {
    let is = |name: Result<Cow<'_, str>, ZipError>, wanted: &str| {
        name.is_ok_and(|name| name.eq_ignore_ascii_case(wanted))
    };
    let has = |wanted: &str| zip.file_names().any(|name| is(name, wanted));
    if has("xl/workbook.bin") {
        return Err(Wrong::new(
            Trouble::Malformed,
            "it is a binary workbook (.xlsb), which isn't read",
            "save it as .xlsx",
        ));
    }
    if has("_rels/.rels") && has("[Content_Types].xml") {
        Ok(Kind::Xlsx)
    } else if has("content.xml") && has("mimetype") {
        Ok(Kind::Ods)
    } else {
        Err(Wrong::new(
            Trouble::Malformed,
            "it is a zip archive, but no workbook",
            "unpack it, and name the workbook or the CSV file in it",
        ))
    }
}

/// Reads one part to its end; gives what is unpacked so far.
fn read_part<R: Read + std::io::Seek>(
    zip: &mut ZipArchive<R>,
    part: usize,
    kind: Kind,
    before: u64,
    scan: &mut Scan,
) -> Result<u64, Wrong> {
    let mut part = zip.by_index(part).map_err(damaged)?;
    let name = part.name().map_err(damaged)?.to_lowercase();
    let is_text = !NOT_TEXT.iter().any(|end| name.ends_with(end));
    let is_kept = kind == Kind::Ods || !name.contains("worksheets/");
    let mut chunk = vec![0; 64 * 1024];
    let mut own = 0;
    scan.begin();
    loop {
        let read = part
            .read(&mut chunk)
            .map_err(|error| damaged(ZipError::Io(error)))?;
        if read == 0 {
            break;
        }
        own += u64::try_from(read).unwrap_or(u64::MAX);
        if before + own > MOST_UNPACKED {
            return Err(too_big(MOST_UNPACKED));
        }
        if is_text && is_kept && own > MOST_KEPT {
            return Err(too_big(MOST_KEPT));
        }
        if is_text {
            scan.pass(chunk.get(..read).unwrap_or_default())?;
        }
    }
    // Room is made for so many texts before the first is read.
    if scan.texts > own {
        return Err(damaged(ZipError::InvalidArchive(
            "more texts than bytes".into(),
        )));
    }
    Ok(before + own)
}

fn too_big(most: u64) -> Wrong {
    Wrong::new(
        Trouble::Malformed,
        format!("it unpacks to more than {} MiB", most / (1024 * 1024)),
        "split it, or export the sheet as CSV",
    )
}

fn no_workbook(head: &[u8]) -> Wrong {
    if head.is_empty() {
        return Wrong::new(Trouble::Malformed, "it is empty", "export it anew");
    }
    match sniff::another_kind(head) {
        Some(other) if other.trouble == Trouble::Malformed => Wrong {
            problem: other.problem.replace("isn't CSV", "isn't a workbook"),
            ..other
        },
        _ => Wrong::new(
            Trouble::Malformed,
            "it isn't a workbook, whatever its name ends in",
            "if it opens in an editor as lines of values, set `kind = \"csv\"`",
        ),
    }
}

/// The archive doesn't hold what it should.
fn damaged(error: ZipError) -> Wrong {
    let why = match error {
        ZipError::Io(error) => error.to_string(),
        other => other.to_string(),
    };
    Wrong::new(
        Trouble::Malformed,
        format!("it is damaged or cut off ({why})"),
        "open it in a spreadsheet, save it anew, and see that it was copied whole",
    )
}

/// Passes over XML a byte at a time and keeps only the tag at hand.
#[derive(Debug, Default)]
struct Scan {
    tag: Vec<u8>,
    in_tag: bool,
    /// Bytes since the last tag began or ended.
    run: usize,
    hidden_rows: u64,
    /// Texts that the list of texts says it has.
    texts: u64,
    /// The table's rows down to the last that holds anything, and those empty ones after it.
    rows: u64,
    empty_rows: u64,
    /// Cells of the row at hand up to the last that holds anything, and those empty ones after it.
    cells: u64,
    empty_cells: u64,
    widest: u64,
    repeated: u64,
}

impl Scan {
    fn begin(&mut self) {
        self.in_tag = false;
        self.run = 0;
        self.texts = 0;
    }

    fn pass(&mut self, bytes: &[u8]) -> Result<(), Wrong> {
        for &byte in bytes {
            self.run += 1;
            match byte {
                b'<' => {
                    self.tag.clear();
                    self.in_tag = true;
                    self.run = 0;
                }
                b'>' if self.in_tag => {
                    self.in_tag = false;
                    self.run = 0;
                    self.look_at_tag();
                }
                _ if self.in_tag => self.tag.push(byte),
                _ => {}
            }
            if self.run > LONGEST {
                return Err(damaged(ZipError::InvalidArchive(
                    "a text longer than any cell can hold".into(),
                )));
            }
        }
        Ok(())
    }

    fn look_at_tag(&mut self) {
        let tag = std::mem::take(&mut self.tag);
        let name_ends = tag
            .iter()
            .position(|b| matches!(b, b' ' | b'/' | b'\t' | b'\r' | b'\n'));
        let name = match name_ends {
            // An end tag begins with its slash.
            Some(0) | None => tag.as_slice(),
            Some(end) => tag.get(..end).unwrap_or_default(),
        };
        let local = name.rsplit(|b| *b == b':').next().unwrap_or_default();
        let number = |key: &str| attribute(&tag, key).and_then(|value| value.parse::<u64>().ok());
        match local {
            b"row" => {
                let hidden = attribute(&tag, "hidden");
                self.hidden_rows += u64::from(matches!(hidden, Some("1" | "true")));
            }
            b"sst" => self.texts = number("uniqueCount").unwrap_or(0),
            b"table-row" => {
                self.end_of_row();
                self.repeated = number("table:number-rows-repeated").unwrap_or(1);
                let visibility = attribute(&tag, "table:visibility");
                self.hidden_rows += match visibility {
                    Some("filter" | "collapse") => self.repeated,
                    _ => 0,
                };
            }
            b"table-cell" | b"covered-table-cell" => {
                let cells = number("table:number-columns-repeated").unwrap_or(1);
                self.empty_cells = self.empty_cells.saturating_add(cells);
                if attribute(&tag, "office:value-type").is_some() {
                    self.cells = self.cells.saturating_add(self.empty_cells);
                    self.empty_cells = 0;
                }
            }
            b"table" => self.end_of_table(),
            _ => {}
        }
        self.tag = tag;
    }

    fn end_of_row(&mut self) {
        if self.cells > 0 {
            let rows = self.empty_rows.saturating_add(self.repeated);
            self.rows = self.rows.saturating_add(rows);
            self.empty_rows = 0;
            self.widest = self.widest.max(self.cells);
        } else {
            self.empty_rows = self.empty_rows.saturating_add(self.repeated);
        }
        self.cells = 0;
        self.empty_cells = 0;
        self.repeated = 0;
    }

    /// Empty rows at a table's end aren't kept.
    fn end_of_table(&mut self) {
        self.end_of_row();
        self.empty_rows = 0;
    }
}

/// The value of a tag's attribute.
fn attribute<'a>(tag: &'a [u8], key: &str) -> Option<&'a str> {
    let tag = std::str::from_utf8(tag).ok()?;
    let mut rest = tag;
    while let Some((before, after)) = rest.split_once(key) {
        let stands_alone = before.is_empty() || before.ends_with([' ', '\t', '\r', '\n']);
        if let Some(value) = after.trim_start().strip_prefix('=')
            && stands_alone
        {
            let value = value.trim_start();
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            return value.strip_prefix(quote)?.split(quote).next();
        }
        rest = after;
    }
    None
}
