//! Files as people and programs leave them: each row goes in as it was meant, or is refused for the
//! right reason; what can't be trusted as a whole is refused whole. No date is guessed.
//!
//! More than 300 files are made up by the modules below from a seed, each together with what must
//! become of its rows; `tests/snapshots/dirty.snap` lists them. The others were written by the
//! programs that `tests/data/sheets/make.py` and `tests/data/cards/make.sh` name.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use fondly::model::{Customer, Event};
use fondly::records::{
    AttrType, Decimal, Feeds, FileReader, FileSource, Format, Meaning, Row, SourceError,
};
use jiff::tz::TimeZone;

use crate::shop::{Runs as _, Shop};

mod cards;
mod csv;
mod sheets;

/// The same numbers on each run.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(most).unwrap()).unwrap()
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn in_ten(&mut self, times: usize) -> bool {
        self.below(10) < times
    }
}

/// A file, how it is read, and what must become of it.
struct Case {
    name: String,
    /// How the file's name ends.
    ending: &'static str,
    bytes: Vec<u8>,
    meaning: Meaning,
    format: Format,
    expected: Expected,
}

enum Expected {
    /// Nothing of it is taken, and this is said.
    Nothing(&'static str),
    /// A row each, in their order.
    Rows(Vec<Fate>),
}

enum Fate {
    Customer(Box<Customer>),
    Event(Box<Event>),
    /// Refused with this in the reason, in the column of this name.
    Refused(&'static str, &'static str),
}

fn meaning(feeds: Feeds) -> Meaning {
    Meaning {
        name: "till".to_owned(),
        feeds,
        event: None,
        columns: BTreeMap::new(),
        types: BTreeMap::new(),
        dates: None,
        decimal: None,
        zone: TimeZone::get("Europe/Berlin").unwrap(),
    }
}

fn mapped(mut meaning: Meaning, columns: &[(&str, &str)]) -> Meaning {
    let owned = |(field, column): &(&str, &str)| ((*field).to_owned(), (*column).to_owned());
    meaning.columns.extend(columns.iter().map(owned));
    meaning
}

fn rows(source: &FileSource) -> Result<Vec<Row>, SourceError> {
    FileReader::open(source, &source.path)?.collect()
}

/// Reads the case's file in this folder.
fn read(case: &Case, folder: &Path) -> Result<Vec<Row>, SourceError> {
    let path = folder.join(format!("{}.{}", case.name, case.ending));
    fs::write(&path, &case.bytes).unwrap();
    rows(&FileSource {
        meaning: case.meaning.clone(),
        shown: format!("{}.{}", case.name, case.ending),
        path,
        format: case.format.clone(),
    })
}

/// What is wrong with how the case was read, and a line for the list.
fn judged(case: &Case, read: Result<Vec<Row>, SourceError>) -> (Vec<String>, String) {
    let mut wrong = Vec::new();
    let name = &case.name;
    let line = match (&case.expected, read) {
        (Expected::Nothing(says), Err(error)) => {
            if !error.to_string().contains(says) {
                wrong.push(format!("{name}: should say {says:?}: {error}"));
            }
            format!("{name}: nothing is taken: {}", error.problem)
        }
        (Expected::Nothing(says), Ok(rows)) => {
            wrong.push(format!(
                "{name}: {} rows, where {says:?} was due",
                rows.len()
            ));
            String::new()
        }
        (Expected::Rows(_), Err(error)) => {
            wrong.push(format!("{name}: {error}"));
            String::new()
        }
        (Expected::Rows(fates), Ok(rows)) => {
            if rows.len() != fates.len() {
                wrong.push(format!("{name}: {} rows of {}", rows.len(), fates.len()));
            }
            let mut refused: BTreeMap<String, usize> = BTreeMap::new();
            let mut taken = 0;
            for (number, (fate, row)) in fates.iter().zip(&rows).enumerate() {
                let as_due = match (fate, row) {
                    (Fate::Customer(due), Row::Customer(read, _)) => **due == *read,
                    (Fate::Event(due), Row::Event(read)) => **due == *read,
                    (Fate::Refused(says, column), Row::Refused(no)) => {
                        no.reason.contains(says)
                            && no.column.split(" (").next() == Some(column)
                            && no.line > 0
                    }
                    _ => false,
                };
                if !as_due {
                    let due = match fate {
                        Fate::Customer(due) => format!("{due:?}"),
                        Fate::Event(due) => format!("{due:?}"),
                        Fate::Refused(says, column) => format!("{column}: {says}"),
                    };
                    wrong.push(format!("{name}, row {number}: due {due}, read {row:?}"));
                }
                match fate {
                    Fate::Refused(says, _) => *refused.entry((*says).to_owned()).or_default() += 1,
                    _ => taken += 1,
                }
            }
            let mut line = format!("{name}: {taken} taken");
            for (says, times) in refused {
                write!(line, "; {times} refused, {says:?}").unwrap();
            }
            line
        }
    };
    (wrong, line)
}

fn all_cases() -> Vec<Case> {
    let mut cases = csv::cases();
    cases.extend(sheets::cases());
    cases.extend(cards::cases());
    cases
}

#[test]
fn every_row_of_every_dirty_file_goes_in_as_meant_or_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let cases = all_cases();
    assert!(cases.len() >= 300, "only {} files", cases.len());
    let (mut wrong, mut list) = (Vec::new(), String::new());
    for case in &cases {
        let (faults, line) = judged(case, read(case, folder.path()));
        wrong.extend(faults);
        writeln!(list, "{line}").unwrap();
    }
    assert!(
        wrong.is_empty(),
        "{} wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    insta::with_settings!({snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("dirty", list);
    });
}

/// Cut off anywhere, or with any byte changed, a file is read or refused; nothing breaks.
#[test]
fn files_that_are_cut_off_or_damaged_break_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut chance = Chance(11);
    let mut tried = 0;
    for mut case in all_cases()
        .into_iter()
        .filter(|case| case.bytes.len() < 20_000)
        .step_by(3)
    {
        let whole = std::mem::take(&mut case.bytes);
        if whole.is_empty() {
            continue;
        }
        for _ in 0..3 {
            case.bytes = whole.clone();
            if chance.in_ten(5) {
                case.bytes.truncate(chance.below(whole.len()));
            } else {
                let at = chance.below(whole.len());
                case.bytes[at] = u8::try_from(chance.below(256)).unwrap();
            }
            // A panic fails the test; an error says which file.
            if let Err(error) = read(&case, folder.path()) {
                assert!(error.file.starts_with(&case.name), "{error}");
            }
            tried += 1;
        }
    }
    assert!(tried >= 250, "only {tried}");
}

/// What a person would be told of a file that a program wrote.
fn told(name: &str, meaning: Meaning, format: Format) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let path: PathBuf = folder.join(name);
    let source = FileSource {
        meaning,
        shown: path.file_name().unwrap().to_string_lossy().into_owned(),
        path,
        format,
    };
    let mut told = format!("# {name}\n");
    let mut reader = match FileReader::open(&source, &source.path) {
        Ok(reader) => reader,
        Err(error) => return format!("{told}not applied: {error}\n\n"),
    };
    for remark in reader.remarks() {
        writeln!(told, "remark: {remark}").unwrap();
    }
    writeln!(told, "not used: {}", reader.ignored_columns().join(", ")).unwrap();
    for row in reader.by_ref() {
        match row {
            Ok(Row::Customer(customer, _)) => {
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                write!(told, "in: {}", customer.id).unwrap();
                for value in [&customer.first_name, &customer.last_name, &customer.email] {
                    write!(told, " | {}", text(value)).unwrap();
                }
                let born = customer.birthday.map(|day| day.to_string());
                let joined = customer.joined_on.map(|day| day.to_string());
                let dates = [born, joined].map(Option::unwrap_or_default).join(" | ");
                write!(told, " | {dates} | {:?}", customer.consent).unwrap();
                writeln!(told, " | {:?} {:?}", customer.tags, customer.attrs).unwrap();
            }
            Ok(Row::Event(event)) => writeln!(told, "in: {event:?}").unwrap(),
            Ok(Row::Refused(no)) => writeln!(
                told,
                "refused: {}:{} {:?} {:?}\n    {}",
                no.file, no.line, no.column, no.value, no.reason
            )
            .unwrap(),
            Err(error) => writeln!(told, "not applied: {error}").unwrap(),
        }
    }
    told + "\n"
}

fn shop(dates: Option<&str>) -> Meaning {
    let mut shop = mapped(
        meaning(Feeds::Customers),
        &[
            ("id", "CustomerNo"),
            ("first_name", "First name"),
            ("last_name", "Surname"),
            ("email", "E-Mail"),
            ("birthday", "Birthday"),
            ("joined_on", "Joined"),
            ("consent", "News"),
            ("attr.spent", "Spent"),
        ],
    );
    shop.types.insert("spent".to_owned(), AttrType::Number);
    shop.dates = dates.map(str::to_owned);
    shop
}

fn german() -> Meaning {
    let mut german = mapped(
        meaning(Feeds::Customers),
        &[
            ("id", "Kundennr"),
            ("first_name", "Vorname"),
            ("last_name", "Nachname"),
            ("email", "E-Mail"),
            ("birthday", "Geburtstag"),
            ("attr.umsatz", "Umsatz"),
            ("attr.size", "Größe"),
        ],
    );
    german.dates = Some("%d.%m.%Y".to_owned());
    german.decimal = Some(Decimal::Comma);
    for name in ["umsatz", "size"] {
        german.types.insert(name.to_owned(), AttrType::Number);
    }
    german
}

fn sheet(sheet: Option<&str>) -> Format {
    Format::Sheet {
        sheet: sheet.map(str::to_owned),
        header_row: None,
    }
}

#[test]
fn what_real_programs_write_is_read_as_it_was_meant() {
    let dmy = Some("%d/%m/%Y");
    let mut report = String::new();
    for name in [
        "sheets/openpyxl-shop.xlsx",
        "sheets/libreoffice-shop.xlsx",
        "sheets/libreoffice-shop.ods",
        "sheets/libreoffice-shop.xls",
        "sheets/xlwt-shop.xls",
    ] {
        report += &told(name, shop(dmy), sheet(None));
    }
    let plain = || meaning(Feeds::Customers);
    for name in [
        "openpyxl-1904.xlsx",
        "libreoffice-1904.xlsx",
        "openpyxl-early-days.xlsx",
    ] {
        report += &told(&format!("sheets/{name}"), plain(), sheet(None));
    }
    let two = "sheets/openpyxl-two-sheets.xlsx";
    report += &told(two, plain(), sheet(None));
    report += &told(two, plain(), sheet(Some("south")));
    report += &told(two, plain(), sheet(Some("West")));
    report += &told("sheets/locked.xlsx", plain(), sheet(None));
    let german = german();
    for (name, encoding) in [
        ("excel-german.csv", Some("windows-1252")),
        ("excel-german.csv", None),
        ("excel-german-sep.csv", Some("windows-1252")),
        ("excel-unicode.csv", None),
    ] {
        let format = Format::Csv {
            delimiter: None,
            encoding: encoding.map(str::to_owned),
        };
        report += &told(&format!("sheets/{name}"), german.clone(), format);
    }
    for name in [
        "vobject.vcf",
        "text-vcard.vcf",
        "evolution-3.vcf",
        "evolution-2.1.vcf",
        "vcards-js-3.0.vcf",
        "vcards-js-4.0.vcf",
    ] {
        let shoe = mapped(plain(), &[("attr.shoe", "X-SHOE")]);
        let meaning = if name == "vobject.vcf" { shoe } else { plain() };
        report += &told(
            &format!("cards/{name}"),
            meaning,
            Format::Cards { encoding: None },
        );
    }
    insta::with_settings!({snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("programs", report);
    });
}

/// The settings of a business that has a bit of everything.
const EVERYTHING: &str = r#"
[[source]]
name = "office"
kind = "xlsx"
path = "../data/shop.xlsx"
feeds = "customers"
columns = { id = "CustomerNo", first_name = "First name", last_name = "Surname", email = "E-Mail", birthday = "Birthday" }
dates = "%d/%m/%Y"
[[source]]
name = "phone"
kind = "vcard"
path = "../data/phone"
complete_after = "0 seconds"
feeds = "customers"
[[source]]
name = "till"
kind = "csv"
path = "../data/till.csv"
encoding = "windows-1252"
feeds = "customers"
columns = { id = "Kundennr", first_name = "Vorname", last_name = "Nachname", birthday = "Geburtstag", "attr.spent" = "Umsatz" }
types = { "attr.spent" = "number" }
dates = "%d.%m.%Y"
decimal = ","
"#;

#[test]
fn a_business_reads_its_workbook_its_address_book_and_its_till_and_is_told_how() {
    let shop = Shop::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let copied = |from: &str| fs::read(data.join(from)).unwrap();
    shop.write("data/shop.xlsx", copied("sheets/libreoffice-shop.xlsx"));
    shop.write("data/phone/vobject.vcf", copied("cards/vobject.vcf"));
    shop.write("data/phone/evolution.vcf", copied("cards/evolution-3.vcf"));
    shop.write("data/phone/notes.txt", "not an address book");
    shop.write("data/till.csv", copied("sheets/excel-german.csv"));
    fs::write(shop.path("config/local.toml"), EVERYTHING).unwrap();

    let checked = shop.fondly(&["check"]).ran();
    let told = checked.out + &checked.err;
    for part in [
        "source office: data/shop.xlsx: the header is row 4; what stands above isn't read",
        "source office: data/shop.xlsx: the hidden sheet `Notes` isn't read",
        "source till: data/till.csv: semicolons stand between its values",
        "data/shop.xlsx[Kunden]:9: Birthday (E9) `23/04/87`: the year 87 has two digits",
        "data/phone/vobject.vcf:33: BDAY `03/04/1979`: it can be read two ways",
        "data/till.csv:4: Geburtstag `31.11.1990`: there is no such day",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }

    let synced = shop.fondly(&["sync"]).ran();
    assert_eq!(synced.code, Some(3), "{synced:?}");
    for part in [
        "office: data/shop.xlsx: 6 new, 0 changed, 0 unchanged, 3 refused",
        "phone: data/phone/vobject.vcf: 3 new, 0 changed, 0 unchanged, 1 refused",
        "phone: data/phone/evolution.vcf: 2 new, 0 changed, 0 unchanged, 0 refused",
        // Number 007 is the office's 007.
        "till: data/till.csv: 2 new, 1 changed, 0 unchanged, 2 refused",
    ] {
        assert!(synced.out.contains(part), "{part}\n{synced:?}");
    }
    let said = "till: data/till.csv: semicolons stand between its values; `delimiter = \";\"` says";
    assert!(synced.err.contains(said), "{synced:?}");
    let again = shop.fondly(&["sync"]).ran();
    assert!(
        again.out.contains("phone: 2 files haven't changed"),
        "{again:?}"
    );
    assert!(
        again.out.contains("office: 1 file hasn't changed"),
        "{again:?}"
    );

    let kept = shop.fondly(&["quarantine", "--format", "json"]).ran();
    assert_eq!(kept.out.lines().count(), 6, "{kept:?}");
    let error = kept
        .out
        .lines()
        .find(|line| line.contains("Birthday (E13)"));
    let error: serde_json::Value = serde_json::from_str(error.unwrap()).unwrap();
    assert_eq!(error["line"], 13);
    assert_eq!(error["file"], "data/shop.xlsx[Kunden]");
    let whole = error["record"].as_str().unwrap();
    assert!(whole.starts_with("A13: 4716 | B13: Gus"), "{whole}");

    // The till's owner changes nothing but the settings, and the file is read again.
    let settings = EVERYTHING.replace("decimal = \",\"\n", "");
    fs::write(shop.path("config/local.toml"), settings).unwrap();
    let synced = shop.fondly(&["sync", "till"]).ran();
    let part = "till: data/till.csv: 0 new, 0 changed, 1 unchanged, 4 refused";
    assert!(synced.out.contains(part), "{synced:?}");
}
