//! An address book, whatever stands in it: every card goes in or is refused with a reason, and a
//! birthday is a day that stands there.
//!
//! The first byte says how the file is read, the rest is the file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use fondly::records::{Feeds, FileReader, FileSource, Format, Meaning, Row, SourceError};
use jiff::tz::TimeZone;

/// Reads the file, twice.
pub(crate) fn check(data: &[u8]) {
    let [how, file @ ..] = data else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.vcf");
    fs::write(&path, file).unwrap();
    let source = source(*how, path);
    let read = rows(&source);
    assert_eq!(read, rows(&source), "read again, it is another");
    let Ok(rows) = read else { return };
    let mut ids = BTreeSet::new();
    let lines = file.split(|b| *b == b'\n').count();
    for row in rows.iter().flatten() {
        match row {
            Row::Customer(customer, _) => {
                assert!(ids.insert(&customer.id) && !customer.id.is_empty());
                if let Some(day) = customer.birthday {
                    let (month, day) = (day.month(), day.day());
                    stands_there(
                        file,
                        &format!("{month:02}{day:02}"),
                        source.meaning.dates.is_some(),
                    );
                }
            }
            Row::Event(event) => panic!("an address book gave {event:?}"),
            Row::Refused(refusal) => {
                let line = usize::try_from(refusal.line).unwrap();
                assert!((1..=lines).contains(&line), "{refusal:?}");
                assert!(!refusal.reason.is_empty());
            }
        }
    }
}

fn source(how: u8, path: PathBuf) -> FileSource {
    let mapped = how & 2 != 0;
    let shoe = ("attr.shoe".to_owned(), "X-SHOE".to_owned());
    FileSource {
        meaning: Meaning {
            name: "phone".to_owned(),
            feeds: Feeds::Customers,
            event: None,
            columns: BTreeMap::from_iter(mapped.then_some(shoe)),
            types: BTreeMap::new(),
            dates: (how & 1 != 0).then(|| "%d/%m/%Y".to_owned()),
            decimal: None,
            zone: TimeZone::UTC,
        },
        path,
        shown: "people.vcf".to_owned(),
        format: Format::Cards {
            encoding: (how & 4 != 0).then(|| "windows-1252".to_owned()),
        },
    }
}

fn rows(source: &FileSource) -> Result<Vec<Result<Row, SourceError>>, SourceError> {
    Ok(FileReader::open(source, &source.path)?.collect())
}

/// Month and day are written in the file, one after the other, but for what may part them.
fn stands_there(file: &[u8], digits: &str, stated: bool) {
    // Quoted-printable and UTF-16 write digits in other ways, and a stated form in another order.
    let upper = file.to_ascii_uppercase();
    let packed = upper.windows(6).any(|part| part == b"QUOTED") || upper.contains(&0);
    if packed || stated {
        return;
    }
    let only: Vec<u8> = file.iter().copied().filter(u8::is_ascii_digit).collect();
    let there = only.windows(4).any(|part| part == digits.as_bytes());
    assert!(there, "{digits} was read, and stands nowhere");
}
