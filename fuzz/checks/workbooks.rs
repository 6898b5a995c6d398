//! A workbook, whatever stands in one of its parts: every row goes in or is refused with a reason.
//!
//! The first byte says which part the rest is: the table, the texts, the styles, the list of sheets,
//! or the whole file. The other parts are sound, so that the reader gets as far as this one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Cursor, Write as _};

use fondly::records::{Feeds, FileReader, FileSource, Format, Meaning, Row, SourceError};
use jiff::tz::TimeZone;
use zip::write::SimpleFileOptions;

/// The rows of a sheet; there are no more.
const LAST_ROW: u64 = 1_048_576;
const RELATED: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const TABLE: &[u8] = b"<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c>\
    <c r=\"B1\" t=\"s\"><v>1</v></c></row><row r=\"2\"><c r=\"A2\"><v>7</v></c>\
    <c r=\"B2\" s=\"1\"><v>33111</v></c></row></sheetData></worksheet>";
const TEXTS: &[u8] = b"<sst uniqueCount=\"2\"><si><t>id</t></si><si><t>birthday</t></si></sst>";
const STYLES: &[u8] =
    b"<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>";

/// Reads the workbook, twice.
pub(crate) fn check(data: &[u8]) {
    let [which, part @ ..] = data else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.xlsx");
    fs::write(&path, workbook(*which, part)).unwrap();
    let source = FileSource {
        meaning: Meaning {
            name: "office".to_owned(),
            feeds: Feeds::Customers,
            event: None,
            columns: BTreeMap::new(),
            types: BTreeMap::new(),
            dates: (which & 8 != 0).then(|| "excel".to_owned()),
            decimal: None,
            zone: TimeZone::UTC,
        },
        path,
        shown: "people.xlsx".to_owned(),
        format: Format::Sheet {
            sheet: None,
            header_row: None,
        },
    };
    let read = rows(&source);
    assert_eq!(read, rows(&source), "read again, it is another");
    let Ok(rows) = read else { return };
    let mut ids = BTreeSet::new();
    for row in rows.iter().flatten() {
        match row {
            Row::Customer(customer, _) => {
                assert!(ids.insert(&customer.id) && !customer.id.is_empty());
                let year = customer.birthday.and_then(fondly::model::PartialDate::year);
                assert!(year.is_none_or(|year| (1900..=9999).contains(&year)));
            }
            Row::Event(event) => panic!("customers gave {event:?}"),
            Row::Refused(refusal) => {
                assert!((2..=LAST_ROW).contains(&refusal.line), "{refusal:?}");
                assert!(!refusal.reason.is_empty() && refusal.file.ends_with(']'));
            }
        }
    }
}

fn rows(source: &FileSource) -> Result<Vec<Result<Row, SourceError>>, SourceError> {
    Ok(FileReader::open(source, &source.path)?.collect())
}

fn workbook(which: u8, part: &[u8]) -> Vec<u8> {
    let or = |number: u8, sound: &[u8]| {
        let given = which & 7 == number;
        if given { part.to_vec() } else { sound.to_vec() }
    };
    if which & 7 == 4 {
        return part.to_vec();
    }
    let relation = |id: &str, kind: &str, target: &str| {
        format!(
            "<Relationships><Relationship Id=\"{id}\" Type=\"{RELATED}/{kind}\" \
             Target=\"{target}\"/></Relationships>"
        )
        .into_bytes()
    };
    let listed = format!(
        "<workbook xmlns:r=\"{RELATED}\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/>\
         </sheets></workbook>"
    );
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [
        ("[Content_Types].xml", b"<Types/>".to_vec()),
        (
            "_rels/.rels",
            relation("r1", "officeDocument", "xl/workbook.xml"),
        ),
        ("xl/workbook.xml", or(3, listed.as_bytes())),
        (
            "xl/_rels/workbook.xml.rels",
            relation("r1", "worksheet", "worksheets/sheet1.xml"),
        ),
        ("xl/styles.xml", or(2, STYLES)),
        ("xl/sharedStrings.xml", or(1, TEXTS)),
        ("xl/worksheets/sheet1.xml", or(0, TABLE)),
    ] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(&bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
