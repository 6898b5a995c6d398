//! Workbooks, written here part by part: what spreadsheets do to a table, and what people do to it.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use fondly::model::{Consent, Customer};
use fondly::records::{Feeds, Format};
use jiff::civil::{Date, date};
use zip::write::SimpleFileOptions;

use super::csv::person;
use super::{Case, Chance, Expected, Fate, mapped, meaning};

/// A cell as the file has it.
#[derive(Clone)]
enum Cell {
    None,
    Text(String),
    Number(f64),
    /// A number with the format of a date, of a date and time, or of a length of time.
    Dated(f64, u8),
    Bool(bool),
    Error(&'static str),
    /// A formula, with what it came to.
    Formula(&'static str, Option<f64>),
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

#[derive(Default)]
struct Sheet {
    name: String,
    state: &'static str,
    rows: Vec<(u32, Vec<Cell>)>,
    hidden: Vec<u32>,
}

#[derive(Default)]
struct Book {
    sheets: Vec<Sheet>,
    from_1904: bool,
    shared: bool,
    /// Leave the cells' own names out, as some programs do.
    bare: bool,
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn letters(column: usize) -> char {
    char::from(b'A' + u8::try_from(column).unwrap())
}

impl Book {
    fn sheet_xml(&self, sheet: &Sheet, texts: &mut Vec<String>) -> String {
        let mut xml = String::from("<worksheet><sheetData>");
        for (number, cells) in &sheet.rows {
            let hidden = if sheet.hidden.contains(number) {
                " hidden=\"1\""
            } else {
                ""
            };
            write!(xml, "<row r=\"{number}\"{hidden}>").unwrap();
            for (column, cell) in cells.iter().enumerate() {
                let name = if self.bare {
                    String::new()
                } else {
                    format!(" r=\"{}{number}\"", letters(column))
                };
                match cell {
                    Cell::None if self.bare => write!(xml, "<c/>"),
                    Cell::None => Ok(()),
                    Cell::Text(text) if self.shared => {
                        texts.push(text.clone());
                        write!(xml, "<c{name} t=\"s\"><v>{}</v></c>", texts.len() - 1)
                    }
                    Cell::Text(text) => write!(
                        xml,
                        "<c{name} t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>",
                        escaped(text)
                    ),
                    Cell::Number(number) => write!(xml, "<c{name}><v>{number}</v></c>"),
                    Cell::Dated(number, style) => {
                        write!(xml, "<c{name} s=\"{style}\"><v>{number}</v></c>")
                    }
                    Cell::Bool(yes) => {
                        write!(xml, "<c{name} t=\"b\"><v>{}</v></c>", u8::from(*yes))
                    }
                    Cell::Error(error) => write!(xml, "<c{name} t=\"e\"><v>{error}</v></c>"),
                    Cell::Formula(formula, Some(value)) => {
                        write!(xml, "<c{name} s=\"1\"><f>{formula}</f><v>{value}</v></c>")
                    }
                    Cell::Formula(formula, None) => {
                        write!(xml, "<c{name}><f>{formula}</f><v></v></c>")
                    }
                }
                .unwrap();
            }
            xml += "</row>";
        }
        xml + "</sheetData></worksheet>"
    }

    fn bytes(&self) -> Vec<u8> {
        let mut texts = Vec::new();
        let (mut listed, mut related, mut parts) = (String::new(), String::new(), Vec::new());
        for (number, sheet) in (1..).zip(&self.sheets) {
            let state = match sheet.state {
                "" => String::new(),
                state => format!(" state=\"{state}\""),
            };
            write!(
                listed,
                "<sheet name=\"{}\" sheetId=\"{number}\"{state} r:id=\"rId{number}\"/>",
                escaped(&sheet.name)
            )
            .unwrap();
            write!(related, "<Relationship Id=\"rId{number}\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet{number}.xml\"/>").unwrap();
            parts.push((
                format!("xl/worksheets/sheet{number}.xml"),
                self.sheet_xml(sheet, &mut texts),
            ));
        }
        let epoch = if self.from_1904 {
            "<workbookPr date1904=\"1\"/>"
        } else {
            ""
        };
        let strings = texts.iter().fold(String::new(), |mut all, text| {
            let text = escaped(text);
            write!(all, "<si><t xml:space=\"preserve\">{text}</t></si>").unwrap();
            all
        });
        parts.extend([
            ("[Content_Types].xml".to_owned(), "<Types/>".to_owned()),
            ("_rels/.rels".to_owned(), "<Relationships><Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>".to_owned()),
            ("xl/workbook.xml".to_owned(), format!("<workbook xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\">{epoch}<sheets>{listed}</sheets></workbook>")),
            ("xl/_rels/workbook.xml.rels".to_owned(), format!("<Relationships>{related}</Relationships>")),
            ("xl/styles.xml".to_owned(), "<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"22\"/><xf numFmtId=\"46\"/></cellXfs></styleSheet>".to_owned()),
            ("xl/sharedStrings.xml".to_owned(), format!("<sst uniqueCount=\"{}\">{strings}</sst>", texts.len())),
        ]);
        let parts: Vec<(String, Vec<u8>)> = parts
            .into_iter()
            .map(|(name, xml)| (name, xml.into_bytes()))
            .collect();
        zipped(&parts)
    }
}

fn zipped(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(name.as_str(), SimpleFileOptions::default())
            .unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const NAMES: [&str; 6] = [
    "id",
    "first_name",
    "last_name",
    "email",
    "birthday",
    "consent",
];

/// The day as the workbook counts it.
fn serial(day: Date, from_1904: bool) -> f64 {
    let start = if from_1904 {
        date(1904, 1, 1)
    } else {
        date(1899, 12, 30)
    };
    f64::from((day - start).get_days())
}

/// The dirt of a row: why it is refused, and in which column.
#[expect(
    clippy::too_many_lines,
    reason = "a list, one kind of dirt after the other"
)]
fn soil(
    chance: &mut Chance,
    cells: &mut Vec<Cell>,
    from_1904: bool,
) -> Option<(&'static str, usize)> {
    const NONE: usize = usize::MAX;
    let mut put = |column: usize, cell: Cell| cells[column] = cell;
    Some(match chance.below(18) {
        0 => {
            put(3, Cell::Error("#N/A"));
            ("holds an error", 3)
        }
        1 => {
            put(4, Cell::Error("#VALUE!"));
            ("holds an error", 4)
        }
        2 => {
            put(3, Cell::Formula("A1&amp;\"@home.example\"", None));
            ("never reckoned", 3)
        }
        3 => {
            put(4, text("23/04/87"));
            ("two digits", 4)
        }
        4 if !from_1904 => {
            put(4, Cell::Dated(chance.one_of(&[1.0, 31.0, 59.0, 60.0]), 1));
            ("disagree", 4)
        }
        5 => {
            put(4, Cell::Dated(1.5, 3));
            ("length of time", 4)
        }
        6 => {
            put(3, Cell::Bool(true));
            ("e-mail address", 3)
        }
        7 => {
            put(0, Cell::Number(4711.5));
            ("as text", 0)
        }
        8 => {
            put(0, Cell::Dated(45_000.0, 1));
            ("holds a date", 0)
        }
        9 => {
            put(1, Cell::Dated(45_000.0, 1));
            ("holds a date", 1)
        }
        10 => {
            *cells = vec![text("Customers from the north")];
            ("only one of its cells", NONE)
        }
        11 => {
            *cells = NAMES.iter().map(|name| text(name)).collect();
            ("header again", NONE)
        }
        12 => {
            put(4, Cell::Number(33_111.0));
            ("bare number", 4)
        }
        13 if !from_1904 => {
            put(4, Cell::Dated(0.5, 2));
            ("time of day", 4)
        }
        14 => {
            put(0, Cell::None);
            ("is empty", 0)
        }
        15 => {
            put(0, Cell::Number(1e15));
            ("as text", 0)
        }
        16 => {
            put(4, Cell::Dated(-1.0, 1));
            ("no day", 4)
        }
        17 => {
            put(4, text("31/11/1990"));
            ("no such day", 4)
        }
        _ => return None,
    })
}

/// A customer's cells, in one of the ways that spreadsheets keep them.
fn cells(chance: &mut Chance, person: &mut Customer, from_1904: bool) -> Vec<Cell> {
    let id = match chance.below(3) {
        // A number in a cell has no zeros in front.
        0 => {
            person.id = person.id.trim_start_matches('0').to_owned();
            Cell::Number(person.id.parse().unwrap())
        }
        _ => text(&person.id),
    };
    let born = match person.birthday {
        None => Cell::None,
        Some(day) => match day.full() {
            Some(day) => match chance.below(4) {
                0 => text(&day.to_string()),
                1 => text(&day.strftime("%d/%m/%Y").to_string()),
                2 => Cell::Formula("TODAY()", Some(serial(day, from_1904))),
                _ => Cell::Dated(serial(day, from_1904), 1),
            },
            None => text(&format!("{:02}/{:02}", day.day(), day.month())),
        },
    };
    let consent = match (person.consent, chance.in_ten(5)) {
        (Consent::Unknown, _) => Cell::None,
        (Consent::Yes, true) => Cell::Bool(true),
        (Consent::No, true) => Cell::Bool(false),
        (Consent::Yes, false) => text("yes"),
        (Consent::No, false) => text("no"),
    };
    let of = |value: &Option<String>| text(value.as_deref().unwrap());
    vec![
        id,
        of(&person.first_name),
        of(&person.last_name),
        of(&person.email),
        born,
        consent,
    ]
}

/// Sheets that nobody means.
fn others(chance: &mut Chance, book: &mut Book) {
    if chance.in_ten(5) {
        book.sheets.push(Sheet {
            name: "Sheet2".to_owned(),
            ..Sheet::default()
        });
    }
    if chance.in_ten(5) {
        book.sheets.push(Sheet {
            name: "Notes".to_owned(),
            state: "hidden",
            rows: vec![(1, vec![text("id")]), (2, vec![text("hidden")])],
            ..Sheet::default()
        });
    }
}

fn table(chance: &mut Chance, number: usize, dirty: bool) -> Case {
    let mut book = Book {
        from_1904: chance.in_ten(3),
        shared: chance.in_ten(5),
        bare: chance.in_ten(2),
        ..Book::default()
    };
    let mut sheet = Sheet {
        name: (chance.one_of(&["Kunden", "Sheet1", "A & B"])).to_owned(),
        ..Sheet::default()
    };
    let titles = u32::try_from(chance.below(3)).unwrap();
    for row in 1..=titles {
        sheet.rows.push((
            row,
            vec![text("Our customers"), Cell::None, Cell::Dated(45_000.0, 1)],
        ));
    }
    let gap = u32::try_from(chance.below(2)).unwrap();
    let header = titles + gap + 1;
    sheet
        .rows
        .push((header, NAMES.iter().map(|name| text(name)).collect()));
    let mut fates = Vec::new();
    let mut at = header;
    for n in 0..=chance.below(24) + 3 {
        at += 1 + u32::from(chance.in_ten(1));
        let mut person = person(chance, number * 100 + n);
        let mut cells = cells(chance, &mut person, book.from_1904);
        let dirt = if dirty && chance.in_ten(4) {
            soil(chance, &mut cells, book.from_1904)
        } else {
            None
        };
        if chance.in_ten(1) {
            sheet.hidden.push(at);
        }
        sheet.rows.push((at, cells));
        fates.push(match dirt {
            Some((says, column)) => {
                Fate::Refused(says, NAMES.get(column).copied().unwrap_or_default())
            }
            None => Fate::Customer(Box::new(person)),
        });
    }
    let named = chance.in_ten(4);
    let format = Format::Sheet {
        sheet: named.then(|| sheet.name.clone()),
        header_row: chance.in_ten(3).then_some(header),
    };
    book.sheets.push(sheet);
    others(chance, &mut book);
    let mut meaning = meaning(Feeds::Customers);
    meaning.dates = Some("%d/%m/%Y".to_owned());
    let kind = if dirty { "dirty" } else { "clean" };
    Case {
        name: format!("workbook-{kind}-{number:03}"),
        ending: "xlsx",
        bytes: book.bytes(),
        meaning,
        format,
        expected: Expected::Rows(fates),
    }
}

fn plain(rows: Vec<(u32, Vec<Cell>)>) -> Book {
    let sheet = Sheet {
        name: "S".to_owned(),
        rows,
        ..Sheet::default()
    };
    Book {
        sheets: vec![sheet],
        ..Book::default()
    }
}

fn small() -> Book {
    plain(vec![(1, vec![text("id")]), (2, vec![text("1")])])
}

/// Workbooks that mustn't be taken in part.
#[expect(
    clippy::too_many_lines,
    reason = "a list, one kind of dirt after the other"
)]
fn hopeless() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let of = |names: &[&str]| {
        let parts: Vec<(String, Vec<u8>)> = names
            .iter()
            .map(|name| ((*name).to_owned(), b"<x/>".to_vec()))
            .collect();
        zipped(&parts)
    };
    let mut two = small();
    two.sheets.extend(small().sheets);
    "T".clone_into(&mut two.sheets[1].name);
    let mut hidden = small();
    hidden.sheets[0].state = "hidden";
    let cut = small().bytes();
    let cut = cut[..cut.len() / 2].to_vec();
    let bomb = |name: &str, bytes: Vec<u8>| {
        let named = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
        zipped(&[
            named("[Content_Types].xml", b"<x/>"),
            named("_rels/.rels", b"<x/>"),
            (name.to_owned(), bytes),
        ])
    };
    let mut blanks = vec![b' '; 1_000_000];
    blanks.extend_from_slice(b"<a/>");
    vec![
        (
            "several-sheets",
            two.bytes(),
            "it has several sheets: `S`, `T`",
        ),
        ("all-hidden", hidden.bytes(), "none of its visible sheets"),
        (
            "empty-sheet",
            plain(Vec::new()).bytes(),
            "none of its visible sheets",
        ),
        (
            "no-id",
            plain(vec![(1, vec![text("number"), text("first_name")])]).bytes(),
            "no column for `id`",
        ),
        ("cut-off", cut, "damaged or cut off"),
        (
            "csv-inside",
            b"id,first_name\n1,Ann\n".to_vec(),
            "it isn't a workbook",
        ),
        (
            "web-page-inside",
            b"<html><table><tr><td>id".to_vec(),
            "isn't a workbook, but a web page",
        ),
        ("nothing", Vec::new(), "it is empty"),
        (
            "another-archive",
            of(&["photo.jpg"]),
            "zip archive, but no workbook",
        ),
        (
            "binary-workbook",
            of(&["xl/workbook.bin", "_rels/.rels", "[Content_Types].xml"]),
            "binary workbook (.xlsb)",
        ),
        (
            "no-parts",
            of(&["_rels/.rels", "[Content_Types].xml"]),
            "can't be read as a workbook",
        ),
        (
            "old-and-broken",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00\x00\x00".to_vec(),
            "can't be read as a workbook",
        ),
        (
            "backwards",
            plain(vec![(3, vec![text("id")]), (2, vec![text("1")])]).bytes(),
            "aren't in their order",
        ),
        (
            "beyond-the-last-row",
            plain(vec![(1, vec![text("id")]), (2_000_000, vec![text("1")])]).bytes(),
            "can't be read",
        ),
        (
            "texts-without-number",
            bomb(
                "xl/sharedStrings.xml",
                b"<sst uniqueCount=\"999999999999999\"></sst>".to_vec(),
            ),
            "damaged",
        ),
        (
            "a-text-without-end",
            bomb("xl/worksheets/sheet1.xml", vec![b' '; 2_000_000]),
            "longer than any cell",
        ),
        (
            "unpacks-too-far",
            bomb("xl/sharedStrings.xml", blanks.repeat(140)),
            "unpacks to more than 128 MiB",
        ),
    ]
}

/// An ods of a few bytes that spans the whole sheet.
fn wide_ods() -> Vec<u8> {
    let content = b"<office:document-content><office:body><office:spreadsheet><table:table table:name=\"S\">\
        <table:table-row table:number-rows-repeated=\"1000000\"><table:table-cell table:number-columns-repeated=\"1000\" \
        office:value-type=\"string\"><text:p>id</text:p></table:table-cell></table:table-row></table:table>\
        </office:spreadsheet></office:body></office:document-content>";
    zipped(&[
        (
            "mimetype".to_owned(),
            b"application/vnd.oasis.opendocument.spreadsheet".to_vec(),
        ),
        ("content.xml".to_owned(), content.to_vec()),
    ])
}

pub(super) fn cases() -> Vec<Case> {
    let mut chance = Chance(2);
    let mut cases = Vec::new();
    cases.extend((0..25).map(|n| table(&mut chance, n, false)));
    cases.extend((25..75).map(|n| table(&mut chance, n, true)));
    let mut whole = hopeless();
    whole.push(("spans-too-far", wide_ods(), "span more than"));
    cases.extend(whole.into_iter().map(|(name, bytes, says)| Case {
        name: format!("workbook-hopeless-{name}"),
        ending: "xlsx",
        bytes,
        meaning: meaning(Feeds::Customers),
        format: Format::Sheet {
            sheet: None,
            header_row: None,
        },
        expected: Expected::Nothing(says),
    }));
    let wrong = [
        (
            "no-such-sheet",
            Some("Kunden"),
            None,
            "it has no sheet `Kunden`",
        ),
        (
            "header-row-empty",
            None,
            Some(7),
            "its row 7, which `header_row` names, is empty",
        ),
        ("header-row-wrong", None, Some(2), "no column for `id`"),
    ];
    cases.extend(
        wrong
            .into_iter()
            .map(|(name, sheet, header_row, says)| Case {
                name: format!("workbook-hopeless-{name}"),
                ending: "xlsx",
                bytes: small().bytes(),
                meaning: mapped(meaning(Feeds::Customers), &[]),
                format: Format::Sheet {
                    sheet: sheet.map(str::to_owned),
                    header_row,
                },
                expected: Expected::Nothing(says),
            }),
    );
    cases
}
