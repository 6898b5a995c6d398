//! A file of records, whatever stands in it: every row goes in or is refused with a reason, and no
//! date is guessed.
//!
//! The first byte says how the file is read, the rest is the file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use csv::StringRecord;
use fondly::model::{Customer, PartialDate, Refusal, When};
use fondly::records::{AttrType, Feeds, FileReader, FileSource, Format, Meaning, Row, SourceError};
use jiff::tz::TimeZone;

/// The forms of dates that a source may state.
const FORMS: [Option<&str>; 4] = [None, Some("%d/%m/%Y"), Some("%m/%d/%Y"), Some("%d.%m.%Y")];

/// Reads the file, twice.
pub(crate) fn check(data: &[u8]) {
    let [first, file @ ..] = data else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    fs::write(&path, file).unwrap();
    let source = source(*first, path);
    let sign = delimiter(*first);
    let read = rows(&source);
    assert_eq!(read, rows(&source), "read again, it is another");
    let Ok(rows) = read else { return };
    let Some((last, before)) = rows.split_last() else {
        assert!(is_dressed(file) || raw(sign, file).is_some_and(|raw| raw.1.is_empty()));
        return;
    };
    assert!(
        before.iter().all(Result::is_ok),
        "it went on after an error"
    );
    let lines = 1 + file
        .iter()
        .filter(|byte| matches!(byte, b'\n' | b'\r'))
        .count();
    let mut ids = BTreeSet::new();
    for row in rows.iter().flatten() {
        match row {
            Row::Customer(customer, _) => {
                assert!(ids.insert(&customer.id) && !customer.id.is_empty());
                addresses_are_some(customer);
            }
            Row::Event(event) => {
                assert!(ids.insert(&event.id) && !event.id.is_empty());
                assert!(!event.customer_id.is_empty() && !event.kind.is_empty());
            }
            Row::Refused(refusal) => says_why(refusal, lines),
        }
    }
    if last.is_ok() && !is_dressed(file) {
        every_row_is_there((sign, &source.meaning), file, &rows);
    }
}

fn delimiter(how: u8) -> u8 {
    if how & 8 == 0 { b',' } else { b';' }
}

fn source(how: u8, path: PathBuf) -> FileSource {
    let types = [
        ("wedding", AttrType::Date),
        ("size", AttrType::Number),
        ("friend", AttrType::YesNo),
    ];
    let asked = how & 16 != 0;
    let types = types.map(|(name, kind)| (name.to_owned(), kind));
    let meaning = Meaning {
        name: "till".to_owned(),
        feeds: if how & 1 == 0 {
            Feeds::Customers
        } else {
            Feeds::Events
        },
        event: None,
        columns: BTreeMap::new(),
        types: types.into_iter().filter(|_| asked).collect(),
        dates: FORMS[usize::from(how >> 1 & 3)].map(str::to_owned),
        decimal: None,
        zone: TimeZone::get("Europe/London").unwrap(),
    };
    FileSource {
        meaning,
        path,
        shown: "people.csv".to_owned(),
        format: Format::Csv {
            delimiter: Some(delimiter(how)),
            encoding: None,
        },
    }
}

type Rows = Vec<Result<Row, SourceError>>;

fn rows(source: &FileSource) -> Result<Rows, SourceError> {
    let mut reader = FileReader::open(source, &source.path)?;
    let rows: Rows = reader.by_ref().collect();
    assert!(reader.next().is_none());
    assert_eq!(reader.fingerprint().len(), 64);
    Ok(rows)
}

fn addresses_are_some(customer: &Customer) {
    for address in [&customer.email, &customer.staff_email]
        .into_iter()
        .flatten()
    {
        assert!(address.parse::<lettre::Address>().is_ok(), "{address}");
        assert!(address.chars().all(|c| !c.is_control()), "{address:?}");
    }
}

fn says_why(refusal: &Refusal, lines: usize) {
    let line = usize::try_from(refusal.line).unwrap();
    assert!((2..=lines).contains(&line), "{refusal:?}");
    assert!(!refusal.reason.is_empty());
    assert!(refusal.value.chars().count() <= 200);
    assert!(refusal.record.chars().count() <= 2_000);
    let kept = [&refusal.value, &refusal.record];
    assert!(kept.iter().all(|text| !text.contains('\0')));
}

/// UTF-16, or a first line that only names the delimiter: the csv crate alone can't tell.
fn is_dressed(file: &[u8]) -> bool {
    let wide = file.starts_with(b"\xff\xfe") || file.starts_with(b"\xfe\xff");
    let start = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let start = start.trim_ascii_start();
    let start = start.strip_prefix(b"\"").unwrap_or(start);
    wide || start
        .get(..4)
        .is_some_and(|key| key.eq_ignore_ascii_case(b"sep="))
}

/// The header and every record that isn't blank, by the csv crate alone.
fn raw(sign: u8, file: &[u8]) -> Option<(StringRecord, Vec<StringRecord>)> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(sign)
        .from_reader(file);
    let mut records = reader.records();
    let header = records.next()?.ok()?;
    let records = records.map(|record| record.unwrap());
    let filled = records.filter(|record| record.iter().any(|value| !value.trim().is_empty()));
    Some((header, filled.collect()))
}

/// As many rows as records, in their order, and each date as it was written.
fn every_row_is_there((sign, meaning): (u8, &Meaning), file: &[u8], rows: &Rows) {
    let (header, records) = raw(sign, file).unwrap();
    assert_eq!(records.len(), rows.len(), "taken or refused, each of them");
    for (record, row) in records.iter().zip(rows.iter().flatten()) {
        let written = |field: &str| {
            let bears = |name: &str| {
                let name = name.trim_start_matches('\u{feff}').trim();
                name.eq_ignore_ascii_case(field)
            };
            let at = header.iter().position(bears);
            record.get(at.unwrap()).unwrap()
        };
        let form = meaning.dates.as_deref();
        match row {
            Row::Customer(customer, _) => {
                if let Some(date) = customer.birthday {
                    is_as_written(date, written("birthday"), form);
                }
                if let Some(date) = customer.joined_on {
                    is_as_written(date.into(), written("joined_on"), form);
                }
            }
            Row::Event(event) => {
                if let When::Day(date) = event.at {
                    is_as_written(date.into(), written("at"), form);
                }
            }
            Row::Refused(_) => {}
        }
    }
}

/// The date can be read in this one way.
fn is_as_written(date: PartialDate, text: &str, form: Option<&str>) {
    let numbers: Vec<&str> = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|number| !number.is_empty())
        .collect();
    let number = |n: usize| numbers.get(n).and_then(|n| n.parse::<i16>().ok());
    let (month, day) = (i16::from(date.month()), i16::from(date.day()));
    let day_first = form.is_some_and(|form| form.starts_with("%d"));
    let as_stated = if day_first {
        [Some(day), Some(month), date.year()]
    } else {
        [Some(month), Some(day), date.year()]
    };
    let in_order = [number(0), number(1), number(2)];
    let is_iso = numbers.first().is_some_and(|first| first.len() == 4);
    let visible = text.trim_start_matches(|c: char| c.is_whitespace() || c.is_control());
    let fits = match date.year() {
        Some(year) if is_iso => in_order == [Some(year), Some(month), Some(day)],
        Some(_) => form.is_some() && in_order == as_stated,
        None if visible.starts_with("--") => in_order[..2] == [Some(month), Some(day)],
        None if form.is_some() => in_order[..2] == as_stated[..2],
        None => in_order[..2] == [Some(month), Some(day)] && (day > 12 || day == month),
    };
    assert!(fits, "{text:?} was read as {date}");
}
