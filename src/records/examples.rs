//! The example files of `tests/data`: what each dirty file gives, and a whole small shop.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::model::{Consent, When};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// A source as the settings would give it, with no mapping.
pub(super) fn source(path: PathBuf, feeds: Feeds) -> FileSource {
    FileSource {
        meaning: Meaning {
            name: "till".to_owned(),
            feeds,
            event: None,
            columns: BTreeMap::new(),
            types: BTreeMap::new(),
            dates: None,
            decimal: None,
            zone: TimeZone::get("Europe/London").unwrap(),
        },
        shown: path.file_name().unwrap().to_string_lossy().into_owned(),
        path,
        format: Format::Csv {
            delimiter: None,
            encoding: None,
        },
    }
}

fn mapped(mut source: FileSource, columns: &[(&str, &str)]) -> FileSource {
    for (field, column) in columns {
        source
            .meaning
            .columns
            .insert((*field).to_owned(), (*column).to_owned());
    }
    source
}

/// The rows of the source's one file.
pub(super) fn rows(source: &FileSource) -> Result<Vec<Row>, SourceError> {
    FileReader::open(source, &source.path)?.collect()
}

fn cdnow() -> (Vec<Customer>, Vec<Event>) {
    let mut customers = mapped(
        source(data().join("cdnow/customers.csv"), Feeds::Customers),
        &[
            ("id", "CustomerNo"),
            ("email", "E-Mail"),
            ("first_name", "First name"),
            ("last_name", "Last name"),
            ("birthday", "DOB"),
            ("joined_on", "Customer since"),
        ],
    );
    customers.meaning.dates = Some("%d/%m/%Y".to_owned());
    let events = mapped(
        source(data().join("cdnow/events.csv"), Feeds::Events),
        &[
            ("id", "Order"),
            ("customer_id", "CustomerNo"),
            ("at", "Date"),
        ],
    );
    let customers = rows(&customers).unwrap().into_iter().map(|row| match row {
        Row::Customer(customer, _) => customer,
        other => panic!("{other:?}"),
    });
    let events = rows(&events).unwrap().into_iter().map(|row| match row {
        Row::Event(event) => event,
        other => panic!("{other:?}"),
    });
    (customers.collect(), events.collect())
}

#[test]
fn a_real_shop_goes_in_whole() {
    let (customers, events) = cdnow();
    assert_eq!((customers.len(), events.len()), (300, 892));
    let leap = customers
        .iter()
        .filter_map(|c| c.birthday)
        .filter(|b| b.is_leap_day());
    assert_eq!(leap.count(), 23);
    let without_year = customers
        .iter()
        .filter_map(|c| c.birthday)
        .filter(|b| b.year().is_none());
    assert_eq!(without_year.count(), 20);
    let amanda = customers.iter().find(|c| c.id == "00018").unwrap();
    assert_eq!(amanda.birthday.unwrap().to_string(), "1960-02-29");
    assert_eq!(amanda.joined_on.unwrap().to_string(), "1997-01-04");
    assert_eq!(amanda.consent, Consent::Yes);
    assert!(events.iter().all(|event| matches!(event.at, When::Day(_))));
    assert!(events.iter().all(|event| event.kind == "purchase"));
    let ours = |event: &Event| customers.iter().any(|c| c.id == event.customer_id);
    assert!(events.iter().all(ours));
}

/// What a person would be told about a file.
fn told(source: &FileSource) -> String {
    let mut told = String::new();
    match rows(source) {
        Err(error) => writeln!(told, "not applied: {error}").unwrap(),
        Ok(rows) => {
            for row in rows {
                match row {
                    Row::Customer(customer, _) => writeln!(told, "in: {}", spoken(&customer)),
                    Row::Event(event) => writeln!(told, "in: {} {:?}", event.id, event.at),
                    Row::Refused(no) => writeln!(
                        told,
                        "refused: {}:{} column {:?} value {:?}\n    {}\n    {:?}",
                        no.file, no.line, no.column, no.value, no.reason, no.record
                    ),
                }
                .unwrap();
            }
        }
    }
    told
}

fn spoken(customer: &Customer) -> String {
    let mut said = customer.id.clone();
    for value in [&customer.first_name, &customer.last_name, &customer.email]
        .into_iter()
        .flatten()
    {
        write!(said, " {value:?}").unwrap();
    }
    if let Some(birthday) = customer.birthday {
        write!(said, " born {birthday}").unwrap();
    }
    if !customer.attrs.is_empty() {
        write!(said, " {:?}", customer.attrs).unwrap();
    }
    said
}

#[test]
fn every_dirty_file_says_what_is_wrong_with_it() {
    let folder = data().join("dirty");
    let all = source(folder.clone(), Feeds::Customers);
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(&folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for path in files(&all).unwrap() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let feeds = if name.starts_with("events") {
            Feeds::Events
        } else {
            Feeds::Customers
        };
        let mut source = source(path, feeds);
        if name.ends_with("impossible") || name.ends_with("attributes") {
            source.meaning.dates = Some("%d/%m/%Y".to_owned());
        }
        if name.ends_with("attributes") {
            source.meaning.types = BTreeMap::from([
                ("shoe".to_owned(), AttrType::Number),
                ("renewal".to_owned(), AttrType::Date),
                ("member".to_owned(), AttrType::YesNo),
            ]);
        }
        settings.bind(|| insta::assert_snapshot!(name, told(&source)));
    }
}

/// Reads these bytes as a file.
fn read(bytes: &[u8], feeds: Feeds, dates: Option<&str>) -> Result<Vec<Row>, SourceError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.csv");
    fs::write(&path, bytes).unwrap();
    let mut source = source(path, feeds);
    source.meaning.dates = dates.map(str::to_owned);
    rows(&source)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a file holds: no panic, and an answer for every row.
    #[test]
    fn any_bytes_give_records_refusals_or_one_error(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        header in any::<bool>(),
    ) {
        let head: &[u8] = if header { b"id,email,birthday,consent\n" } else { b"" };
        if let Err(error) = read(&[head, &bytes].concat(), Feeds::Customers, Some("%d/%m/%Y")) {
            prop_assert!(error.to_string().starts_with("some.csv"), "{}", error);
        }
    }

    /// The signs that matter to CSV and to dates, in any order.
    #[test]
    fn any_row_is_a_record_or_a_refusal_with_its_line(
        lines in proptest::collection::vec("[a1/:T.é -]{0,9}(,[0-9/:T.+-]{0,12}){0,4}", 1..30),
    ) {
        let text = format!("id,customer_id,kind,at\n{}\n", lines.join("\n"));
        let rows = read(text.as_bytes(), Feeds::Events, None).unwrap();
        let empty = |line: &str| line.split(',').all(|value| value.trim().is_empty());
        prop_assert_eq!(rows.len(), lines.iter().filter(|line| !empty(line)).count());
        for row in rows {
            if let Row::Refused(no) = row {
                let line = usize::try_from(no.line).unwrap();
                prop_assert_eq!(Some(no.record.as_str()), text.lines().nth(line - 1));
                prop_assert!(!no.reason.is_empty());
            }
        }
    }

    /// Any text at all can be looked at as a date, under any form of dates.
    #[test]
    fn no_text_and_no_form_can_break_the_reading_of_dates(
        form in "(%[dmYyFDTHMSjbBAzQ]|[/. T:-]){0,8}|%d/%m/%Y|.{0,6}",
        text in "[0-9/:. T+-]{0,24}|.{0,12}",
    ) {
        for form in [Some(form.as_str()), None] {
            let Ok(dates) = dates::Dates::new(form, TimeZone::UTC) else { continue };
            let text = forms::Value::Text(&text);
            let (date, when) = (dates.date(&text), dates.when(&text));
            prop_assert_eq!(date.is_ok(), when.is_ok());
            prop_assert_eq!(when.is_ok(), dates.moment(&text).is_ok());
            prop_assert!(date.is_err() || dates.partial(&text).is_ok());
        }
    }

    /// A day and a month in either order, however they are written, with any year or none: without
    /// a stated form they are refused, and with one they are read in its order or refused.
    #[test]
    fn a_date_whose_reading_depends_on_the_order_is_never_guessed(
        (first, second) in (1i8..=31, 1i8..=31),
        year in prop_oneof![Just(String::new()), (1900i16..2100).prop_map(|y| y.to_string()), (0i16..100).prop_map(|y| format!("{y:02}"))],
        sign in prop_oneof![Just("/"), Just("."), Just("-"), Just(" ")],
        padded in any::<bool>(),
    ) {
        let number = |n: i8| if padded { format!("{n:02}") } else { n.to_string() };
        let mut text = [number(first), number(second)].join(sign);
        if !year.is_empty() {
            text = [text, year.clone()].join(sign);
        }
        let value = forms::Value::Text(&text);
        for stated in [None, Some("excel"), Some("excel-1904")] {
            let untold = dates::Dates::new(stated, TimeZone::UTC).unwrap();
            if let Ok(read) = untold.partial(&value) {
                // `04-23` and `04-04` are the same in either order.
                prop_assert!(year.is_empty() && sign == "-" && stated.is_none(), "{}", text);
                prop_assert!(second > 12 || first == second, "{}", text);
                prop_assert_eq!((read.year(), read.month(), read.day()), (None, first, second));
            }
        }
        for (form, day_first) in [("%d/%m/%Y", true), ("%d.%m.%Y", true), ("%m/%d/%Y", false), ("%m-%d-%Y", false)] {
            let told = dates::Dates::new(Some(form), TimeZone::UTC).unwrap();
            if let Ok(read) = told.partial(&value) {
                let (day, month) = if day_first { (first, second) } else { (second, first) };
                prop_assert_eq!((read.month(), read.day()), (month, day), "{} {}", form, text);
                prop_assert_eq!(read.year().map(|y| y.to_string()).unwrap_or_default(), year.clone());
            }
        }
    }
}
