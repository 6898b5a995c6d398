//! CSV files: in every dress that programs give them, and with the dirt that people leave.

use fondly::model::{Amount, Consent, Customer, Event, PartialDate, When};
use fondly::records::{Decimal, Feeds, Format};
use jiff::civil::{Date, date};

use super::{Case, Chance, Expected, Fate, mapped, meaning};

const FIRST: [&str; 9] = [
    "Zoë",
    "Ann",
    "Jörg",
    "María José",
    "Quote \"Q\" Lee",
    "Anne-Marie",
    "Jean, Paul",
    "Tab\tTab",
    "Two\nLines",
];
const LAST: [&str; 8] = [
    "O'Neill",
    "Müller",
    "Semi; Colon",
    "Pipe|Pipe",
    "Weiß",
    "von der Höhe",
    "Lee, Jr",
    "Ångström",
];
const ENCODINGS: [&str; 6] = [
    "utf-8",
    "mark",
    "utf-16le",
    "utf-16be",
    "windows-1252",
    "utf-8",
];
/// How dates look: as the settings state them, and with and without a year.
const STYLES: [(Option<&str>, &str, &str); 6] = [
    (None, "%Y-%m-%d", "--%m-%d"),
    (Some("%d/%m/%Y"), "%d/%m/%Y", "%d/%m"),
    (Some("%m/%d/%Y"), "%m/%d/%Y", "%m/%d"),
    (Some("%d.%m.%Y"), "%d.%m.%Y", "%d.%m."),
    (Some("%d %B %Y"), "%d %B %Y", "%d %B"),
    (Some("excel"), "serial", "--%m-%d"),
];

/// How a file is dressed.
struct Dress {
    delimiter: char,
    encoding: &'static str,
    line_end: &'static str,
    quote_all: bool,
    own_line: bool,
    style: usize,
    mapped: bool,
}

impl Dress {
    fn new(chance: &mut Chance) -> Self {
        Self {
            delimiter: chance.one_of(&[',', ';', '\t', '|']),
            encoding: chance.one_of(&ENCODINGS),
            line_end: chance.one_of(&["\n", "\r\n"]),
            quote_all: chance.in_ten(3),
            own_line: chance.in_ten(1),
            style: chance.below(STYLES.len()),
            mapped: chance.in_ten(4),
        }
    }

    fn field(&self, text: &str) -> String {
        let must = text.contains([self.delimiter, '"', '\n', '\r']);
        if must || self.quote_all {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_owned()
        }
    }

    fn line(&self, fields: &[String]) -> String {
        let fields: Vec<String> = fields.iter().map(|field| self.field(field)).collect();
        fields.join(&self.delimiter.to_string()) + self.line_end
    }

    fn date(&self, day: PartialDate) -> String {
        let (_, full, yearless) = STYLES[self.style];
        let written = |form: &str, day: Date| day.strftime(form).to_string();
        match day.full() {
            Some(day) if full == "serial" => (day - date(1899, 12, 30)).get_days().to_string(),
            Some(day) => written(full, day),
            None => written(yearless, date(2000, day.month(), day.day())),
        }
    }

    fn bytes(&self, text: &str) -> Vec<u8> {
        let wide = |order: fn(u16) -> [u8; 2]| {
            let marked = format!("\u{feff}{text}");
            marked.encode_utf16().flat_map(order).collect()
        };
        match self.encoding {
            "mark" => format!("\u{feff}{text}").into_bytes(),
            "utf-16le" => wide(u16::to_le_bytes),
            "utf-16be" => wide(u16::to_be_bytes),
            "windows-1252" => {
                let one = |c| u8::try_from(u32::from(c)).unwrap();
                text.chars().map(one).collect()
            }
            _ => text.as_bytes().to_vec(),
        }
    }

    fn format(&self) -> Format {
        Format::Csv {
            delimiter: None,
            encoding: (self.encoding == "windows-1252").then(|| self.encoding.to_owned()),
        }
    }
}

pub(super) fn person(chance: &mut Chance, number: usize) -> Customer {
    let plain = |text: &str| Some(text.replace(['\t', '\n'], " "));
    let day =
        date(1930, 1, 1) + jiff::Span::new().days(i64::try_from(chance.below(29_000)).unwrap());
    let year = if chance.in_ten(8) {
        Some(day.year())
    } else {
        None
    };
    Customer {
        id: format!("{number:05}"),
        email: Some(format!("person{number}@home.example")),
        first_name: plain(chance.one_of(&FIRST)),
        last_name: plain(chance.one_of(&LAST)),
        birthday: if chance.in_ten(9) {
            PartialDate::new(year, day.month(), day.day())
        } else {
            None
        },
        consent: chance.one_of(&[Consent::Yes, Consent::No, Consent::Unknown]),
        ..Customer::default()
    }
}

const NAMES: [&str; 6] = [
    "id",
    "first_name",
    "last_name",
    "email",
    "birthday",
    "consent",
];
const OTHER_NAMES: [&str; 6] = ["Kunden-Nr.", "Vorname", "Name", "E-Mail", "geb.", "News"];

/// The dirt of a row: the fields as they are after it, why that is refused, and in which column.
#[expect(
    clippy::too_many_lines,
    reason = "a list, one kind of dirt after the other"
)]
fn soil(
    chance: &mut Chance,
    dress: &Dress,
    fields: &mut Vec<String>,
    (header, taken): (&[String], &[String]),
) -> Option<(&'static str, usize)> {
    const NONE: usize = usize::MAX;
    let (form, ..) = STYLES[dress.style];
    let day_first = form.is_some_and(|form| form.starts_with("%d/") || form.starts_with("%d."));
    let kind = chance.below(20);
    let mut put = |column: usize, text: &str| text.clone_into(&mut fields[column]);
    let narrow = dress.encoding == "windows-1252";
    Some(match kind {
        0 if form == Some("excel") => {
            put(4, "1990");
            ("two ways", 4)
        }
        0 if form.is_none() => {
            put(
                4,
                chance.one_of(&["03/04/1990", "3.4.1990", "03-04-1990", "11/12"]),
            );
            ("two ways", 4)
        }
        0 | 1 if form == Some("%d/%m/%Y") => {
            put(4, "23/04/87");
            ("two digits", 4)
        }
        1 if form == Some("%d.%m.%Y") => {
            put(4, "23.04.87");
            ("two digits", 4)
        }
        2 => {
            put(4, "1990-02-31");
            ("no such day", 4)
        }
        3 if day_first => {
            put(4, "12/25/1990");
            ("isn't of the form", 4)
        }
        3 => {
            put(4, "25/12/1990");
            match form {
                None => ("state the source's form", 4),
                Some("excel") => ("neither a day's number", 4),
                Some(_) => ("isn't of the form", 4),
            }
        }
        4 => {
            put(
                4,
                chance.one_of(&["0001-01-01", "1066-10-14", "1899-12-31"]),
            );
            (
                if fields[4].starts_with("0001") {
                    "two digits"
                } else {
                    "before 1900"
                },
                4,
            )
        }
        5 => {
            put(
                3,
                chance.one_of(&[
                    "ann",
                    "ann at home",
                    "@home.example",
                    "Ann <a@b.example>",
                    "a@b..example",
                ]),
            );
            ("e-mail address", 3)
        }
        6 => {
            put(3, "a@home.example / b@home.example");
            ("e-mail address", 3)
        }
        7 => {
            put(3, "a@home.example;b@home.example");
            ("only one", 3)
        }
        8 => {
            put(0, chance.one_of(&["", " ", "\u{a0}"]));
            ("is empty", 0)
        }
        9 => {
            put(0, taken.last()?);
            ("same id", 0)
        }
        10 => {
            fields.pop();
            ("values where", NONE)
        }
        11 => {
            fields.push("a remark".to_owned());
            ("values where", NONE)
        }
        12 => {
            put(1, "An\0n");
            ("NUL", NONE)
        }
        13 => {
            header.clone_into(fields);
            ("header again", NONE)
        }
        14 if !narrow => {
            put(2, "M\u{fffd}ller");
            ("letters which got lost", 2)
        }
        15 => {
            put(5, chance.one_of(&["maybe", "1", "x", "2026-11-01"]));
            ("neither yes", 5)
        }
        16 => {
            put(0, &"9".repeat(201));
            ("longer than 200", 0)
        }
        17 => {
            put(2, &"x".repeat(10_001));
            ("longer than 10000", 2)
        }
        19 => {
            put(2, chance.one_of(&["#N/A", "#REF!", "#NV"]));
            ("spreadsheet's error", 2)
        }
        18 if form == Some("excel") => {
            put(
                4,
                chance.one_of(&["60", "10.1", "0.5", "19900423", "230490"]),
            );
            match fields[4].as_str() {
                "0.5" => ("neither", 4),
                _ => ("no likely day", 4),
            }
        }
        18 => {
            put(4, "33111");
            match form {
                None => ("state the source's form", 4),
                Some(_) => ("isn't of the form", 4),
            }
        }
        _ => return None,
    })
}

/// A customer in the order of `NAMES`.
fn fields(person: &Customer, dress: &Dress) -> Vec<String> {
    let consent = match person.consent {
        Consent::Yes => "yes",
        Consent::No => "No",
        Consent::Unknown => "",
    };
    let born = person.birthday.map(|day| dress.date(day));
    vec![
        person.id.clone(),
        person.first_name.clone().unwrap(),
        person.last_name.clone().unwrap(),
        person.email.clone().unwrap(),
        born.unwrap_or_default(),
        consent.to_owned(),
    ]
}

fn customers(chance: &mut Chance, number: usize, dirty: bool) -> Case {
    let dress = Dress::new(chance);
    let names = if dress.mapped { OTHER_NAMES } else { NAMES };
    let header: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut text = String::new();
    if dress.own_line {
        text.extend(["sep=", &dress.delimiter.to_string(), dress.line_end]);
    }
    text += &dress.line(&header);
    let (mut fates, mut taken) = (Vec::new(), Vec::new());
    for n in 0..=chance.below(24) + 3 {
        let person = person(chance, number * 100 + n);
        let mut fields = fields(&person, &dress);
        // The signs that need quotes, where cleaning makes blanks of them.
        if chance.in_ten(1) {
            fields[1] = fields[1].replacen(' ', "\n", 1);
        }
        let dirt = if dirty && chance.in_ten(4) {
            soil(chance, &dress, &mut fields, (&header, &taken))
        } else {
            None
        };
        text += &dress.line(&fields);
        fates.push(if let Some((says, column)) = dirt {
            Fate::Refused(says, names.get(column).copied().unwrap_or_default())
        } else {
            taken.push(person.id.clone());
            Fate::Customer(Box::new(person))
        });
        if chance.in_ten(1) {
            text += dress.line_end;
        }
        if chance.in_ten(1) {
            text += &dress.delimiter.to_string().repeat(5);
            text += dress.line_end;
        }
    }
    if chance.in_ten(3) {
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
    }
    let mut meaning = meaning(Feeds::Customers);
    if dress.mapped {
        let columns: Vec<(&str, &str)> = NAMES.into_iter().zip(OTHER_NAMES).collect();
        meaning = mapped(meaning, &columns);
    }
    meaning.dates = STYLES[dress.style].0.map(str::to_owned);
    let kind = if dirty { "dirty" } else { "clean" };
    let sign = match dress.delimiter {
        '\t' => "tabs",
        ';' => "semicolons",
        '|' => "bars",
        _ => "commas",
    };
    Case {
        name: format!("customers-{kind}-{number:03}-{sign}-{}", dress.encoding),
        ending: "csv",
        bytes: dress.bytes(&text),
        meaning,
        format: dress.format(),
        expected: Expected::Rows(fates),
    }
}

/// How numbers are written: what the settings say, a number, and what it is.
const NUMBERS: &[(Option<Decimal>, &str, Result<&str, &str>)] = &[
    (None, "12.5", Ok("12.50")),
    (None, "0.125", Ok("0.125")),
    (None, "1234.5", Ok("1234.50")),
    (None, "1.234", Err("two ways")),
    (None, "12,50", Err("a comma can mean")),
    (None, "1,234.56", Err("a comma can mean")),
    (None, "€ 12", Err("plain number")),
    (None, "1.23456", Err("four decimals")),
    (Some(Decimal::Comma), "12,5", Ok("12.50")),
    (Some(Decimal::Comma), "1.234,56", Ok("1234.56")),
    (Some(Decimal::Comma), "1.234", Ok("1234.00")),
    (Some(Decimal::Comma), "1 234 567,8", Ok("1234567.80")),
    (Some(Decimal::Comma), "1,234.56", Err("`decimal` states")),
    (Some(Decimal::Comma), "12.50", Err("`decimal` states")),
    (Some(Decimal::Comma), "-0,99", Ok("-0.99")),
    (Some(Decimal::Point), "1,234.56", Ok("1234.56")),
    (Some(Decimal::Point), "1.234", Ok("1.234")),
    (Some(Decimal::Point), "1.234,56", Err("`decimal` states")),
    (Some(Decimal::Point), "1'234.50", Ok("1234.50")),
    (Some(Decimal::Point), "12,50", Err("`decimal` states")),
];

fn events(chance: &mut Chance, number: usize) -> Case {
    let dress = Dress::new(chance);
    let stated = chance.one_of(&[None, Some(Decimal::Comma), Some(Decimal::Point)]);
    let numbers: Vec<_> = NUMBERS.iter().filter(|(of, ..)| *of == stated).collect();
    let form = Some("%d/%m/%Y");
    let names = ["id", "customer_id", "kind", "at", "amount", "currency"];
    let header: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut text = dress.line(&header);
    let mut fates = Vec::new();
    for n in 0..=chance.below(20) + 3 {
        let (_, amount, is) = *chance.one_of(&numbers);
        let amount = if dress.encoding == "windows-1252" {
            amount.replace('€', "$")
        } else {
            amount.to_owned()
        };
        let day =
            date(2020, 1, 1) + jiff::Span::new().days(i64::try_from(chance.below(2_000)).unwrap());
        let id = format!("E{number}-{n}");
        let mut fields = vec![
            id.clone(),
            "00001".to_owned(),
            (chance.one_of(&["purchase", "Purchase", "PURCHASE"])).to_owned(),
            day.strftime("%d/%m/%Y").to_string(),
            amount,
            "EUR".to_owned(),
        ];
        let lacking = if chance.in_ten(1) {
            1 + chance.below(3)
        } else {
            0
        };
        if lacking > 0 {
            fields[lacking] = String::new();
        }
        text += &dress.line(&fields);
        fates.push(match is {
            _ if lacking > 0 => Fate::Refused("is empty", names[lacking]),
            Err(says) => Fate::Refused(says, "amount"),
            Ok(amount) => Fate::Event(Box::new(Event {
                id,
                customer_id: "00001".to_owned(),
                kind: "purchase".to_owned(),
                at: When::Day(day),
                amount: Amount::parse(amount),
                currency: Some("EUR".to_owned()),
                quantity: None,
                attrs: std::collections::BTreeMap::new(),
            })),
        });
    }
    let mut meaning = meaning(Feeds::Events);
    meaning.dates = form.map(str::to_owned);
    meaning.decimal = stated;
    Case {
        name: format!("events-{number:03}-{}-{stated:?}", dress.encoding),
        ending: "csv",
        bytes: dress.bytes(&text),
        meaning,
        format: dress.format(),
        expected: Expected::Rows(fates),
    }
}

/// Files that mustn't be taken in part.
const HOPELESS: &[(&str, &[u8], &str)] = &[
    (
        "web-page",
        b"<!DOCTYPE html>\n<html><body>Please log in</body></html>",
        "web page",
    ),
    (
        "web-page-after-blanks",
        b"\n\n  <html lang=\"de\"><head>",
        "web page",
    ),
    (
        "table-in-html",
        b"<table><tr><td>id</td></tr></table>",
        "web page",
    ),
    (
        "xml",
        b"<?xml version=\"1.0\"?><Workbook/>",
        "web page or XML",
    ),
    (
        "workbook",
        b"PK\x03\x04\x14\x00\x06\x00",
        "workbook or a zip",
    ),
    (
        "old-workbook",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00\x00",
        "old or a locked workbook",
    ),
    ("pdf", b"%PDF-1.7\n", "a PDF"),
    ("gzip", b"\x1f\x8b\x08\x00\x00", "gzip"),
    ("database", b"SQLite format 3\x00\x10", "SQLite"),
    ("vcard", b"BEGIN:VCARD\nVERSION:3.0\nEND:VCARD\n", "vcard"),
    ("nothing", b"", "it is empty"),
    ("only-blank-lines", b"\n\r\n\n", "it is empty"),
    ("only-a-mark", b"\xef\xbb\xbf", "it is empty"),
    ("only-its-own-line", b"sep=;\n", "it is empty"),
    (
        "latin-1-unsaid",
        b"id,first_name\n1,J\xf6rg\n",
        "isn't UTF-8 at byte 17",
    ),
    (
        "utf-16-unmarked",
        b"i\0d\0,\0n\0\n\x001\0,\0A\0\n\0",
        "utf-16le",
    ),
    (
        "utf-16-unmarked-big",
        b"\0i\0d\0,\0n\0\n\x001\0,\0A\0\n",
        "utf-16be",
    ),
    (
        "utf-16-cut-off",
        b"\xff\xfei\0d\0\n\x001",
        "UTF-16LE at byte",
    ),
    ("no-id", b"number,first_name\n1,Ann\n", "no column for `id`"),
    (
        "no-header",
        b"1,Ann,ann@home.example\n2,Bob,bob@home.example\n",
        "no column for `id`",
    ),
    (
        "titles-above",
        b"Customers\n\nid,first_name\n1,Ann\n",
        "no column for `id`",
    ),
    (
        "id-twice",
        b"id,ID,first_name\n1,2,Ann\n",
        "more than one column",
    ),
    (
        "quote-never-closed",
        b"id,first_name\n1,\"Ann\n2,Bob\n",
        "never closed",
    ),
    (
        "quote-over-rows",
        b"id,first_name\n1,\"Ann\n2,Bob\n3,\"Cy\"\n",
        "text follows a closing quote",
    ),
    ("two-ways", b"id;x,id\n1;2,3\n4;5,6\n", "parted in two ways"),
    ("two-ways-header-only", b"id|a;id\n", "parted in two ways"),
    (
        "json",
        b"[{\"id\": 1, \"first_name\": \"Ann\"}]\n",
        "no column for `id`",
    ),
    (
        "words",
        b"Dear all, please find attached the list.\n",
        "no column for `id`",
    ),
];

pub(super) fn cases() -> Vec<Case> {
    let mut chance = Chance(1);
    let mut cases = Vec::new();
    cases.extend((0..60).map(|n| customers(&mut chance, n, false)));
    cases.extend((60..160).map(|n| customers(&mut chance, n, true)));
    cases.extend((0..40).map(|n| events(&mut chance, n)));
    cases.extend(HOPELESS.iter().map(|(name, bytes, says)| Case {
        name: format!("hopeless-{name}"),
        ending: "csv",
        bytes: bytes.to_vec(),
        meaning: meaning(Feeds::Customers),
        format: Format::Csv {
            delimiter: None,
            encoding: None,
        },
        expected: Expected::Nothing(says),
    }));
    cases
}
