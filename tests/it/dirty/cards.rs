//! Address books: in every dress that programs give them, and with the dirt that people leave.

use std::fmt::Write as _;

use fondly::model::{Consent, Customer};
use fondly::records::{Feeds, Format};

use super::csv::person;
use super::{Case, Chance, Expected, Fate, mapped, meaning};

/// How a file is dressed.
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
struct Dress {
    version: &'static str,
    line_end: &'static str,
    folded: bool,
    grouped: bool,
    lower: bool,
    windows: bool,
}

impl Dress {
    fn escaped(&self, text: &str) -> String {
        let text = text.replace(';', "\\;");
        if self.version == "2.1" {
            return text;
        }
        text.replace(',', "\\,")
    }

    fn bytes(&self, text: &str) -> Vec<u8> {
        if !self.windows {
            return text.as_bytes().to_vec();
        }
        let one = |c| u8::try_from(u32::from(c)).unwrap();
        text.chars().map(one).collect()
    }

    /// One property, folded where it is long.
    fn put(&self, out: &mut String, name: &str, value: &str) {
        let name = if self.lower && !name.contains('=') {
            name.to_lowercase()
        } else {
            name.to_owned()
        };
        let group = if self.grouped && name.to_uppercase().starts_with("EMAIL") {
            "item1."
        } else {
            ""
        };
        let line: Vec<char> = format!("{group}{name}:{value}").chars().collect();
        let width = if self.folded { 30 } else { usize::MAX };
        for (n, part) in line.chunks(width.min(line.len())).enumerate() {
            if n > 0 {
                out.push_str(self.line_end);
                out.push(' ');
            }
            out.extend(part);
        }
        out.push_str(self.line_end);
    }
}

/// A birthday in one of the forms that the standard has.
fn born(chance: &mut Chance, dress: &Dress, person: &Customer) -> Option<(String, String)> {
    let day = person.birthday?;
    let (month, date) = (day.month(), day.day());
    let plain = || "BDAY".to_owned();
    Some(match day.year() {
        Some(year) => match chance.below(5) {
            0 => (plain(), format!("{year}{month:02}{date:02}")),
            1 => (plain(), format!("{year}-{month:02}-{date:02}T23:30:00Z")),
            2 => (
                "BDAY;VALUE=date".to_owned(),
                format!("{year}-{month:02}-{date:02}"),
            ),
            3 => (plain(), format!("{year}{month:02}{date:02}T000000")),
            _ => (plain(), format!("{year}-{month:02}-{date:02}")),
        },
        None if dress.version == "3.0" && chance.in_ten(5) => (
            "BDAY;X-APPLE-OMIT-YEAR=1604".to_owned(),
            format!("1604-{month:02}-{date:02}"),
        ),
        None if chance.in_ten(5) => (plain(), format!("--{month:02}-{date:02}")),
        None => (plain(), format!("--{month:02}{date:02}")),
    })
}

/// The dirt of a card: lines instead of those of the same name, why it is refused, and in which column.
const DIRT: &[(&str, &str, &str, &str)] = &[
    ("UID", "", "is empty", "UID"),
    ("BDAY", "BDAY:03/04/1990", "two ways", "BDAY"),
    ("BDAY", "BDAY:23.04.87", "state the source's form", "BDAY"),
    ("BDAY", "BDAY:1990-02-31", "no such day", "BDAY"),
    ("BDAY", "BDAY:--0230", "no such day", "BDAY"),
    ("BDAY", "BDAY:19890229", "no such day", "BDAY"),
    ("BDAY", "BDAY;VALUE=text:circa 1960", "in words", "BDAY"),
    ("BDAY", "BDAY:1990-04", "the day and the month", "BDAY"),
    ("BDAY", "BDAY:---23", "the day and the month", "BDAY"),
    ("BDAY", "BDAY:1990", "the day and the month", "BDAY"),
    ("BDAY", "BDAY:1604-04-23", "before 1900", "BDAY"),
    (
        "BDAY",
        "BDAY;CALSCALE=hebrew:5756-04-15",
        "another calendar",
        "BDAY",
    ),
    (
        "BDAY",
        "BDAY:1990-04-23\nBDAY:1991-04-23",
        "they differ",
        "BDAY",
    ),
    ("EMAIL", "EMAIL:ann at home", "e-mail address", "EMAIL"),
    ("VERSION", "VERSION:5.0", "its version is `5.0`", ""),
    ("NOTE", "KIND:group", "list of people", ""),
    ("NOTE", "this line is no property", "no colon", ""),
    (
        "NOTE",
        "AGENT:\nBEGIN:VCARD\nVERSION:2.1\nUID:inner\nEND:VCARD",
        "a card within it",
        "",
    ),
    (
        "N",
        "N;ENCODING=QUOTED-PRINTABLE;CHARSET=x-unknown:M=FCller;A",
        "quoted-printable",
        "N.given",
    ),
    (
        "N",
        "N;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:M=FCller;A",
        "quoted-printable",
        "N.given",
    ),
    ("END", "", "no END:VCARD", ""),
];

/// A card's lines: the kind of each, its name with parameters, and its value.
fn lines(
    chance: &mut Chance,
    dress: &Dress,
    person: &Customer,
) -> Vec<(&'static str, String, String)> {
    let mut lines = vec![
        ("VERSION", "VERSION".to_owned(), dress.version.to_owned()),
        ("UID", "UID".to_owned(), person.id.clone()),
        (
            "NOTE",
            "NOTE".to_owned(),
            "nothing that is read, but long enough to be folded".to_owned(),
        ),
    ];
    let of = |value: &Option<String>| dress.escaped(value.as_deref().unwrap());
    let (last, first) = (of(&person.last_name), of(&person.first_name));
    if chance.in_ten(2) && !dress.windows {
        let packed = |text: &str| {
            let bytes = text.bytes();
            bytes.fold(String::new(), |mut packed, byte| {
                write!(packed, "={byte:02X}").unwrap();
                packed
            })
        };
        let real = |value: &Option<String>| packed(value.as_deref().unwrap());
        let value = format!(
            "{};{};;;",
            real(&person.last_name),
            real(&person.first_name)
        );
        let name = "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE";
        lines.push(("N", name.to_owned(), value));
    } else {
        lines.push(("N", "N".to_owned(), format!("{last};{first};;;")));
    }
    let email = person.email.clone().unwrap();
    match dress.version {
        "4.0" => {
            lines.push((
                "EMAIL",
                "EMAIL;PREF=50".to_owned(),
                format!("second.{email}"),
            ));
            lines.push(("EMAIL", "EMAIL;PREF=1;TYPE=home".to_owned(), email));
        }
        "3.0" => {
            lines.push((
                "EMAIL",
                "EMAIL;TYPE=INTERNET".to_owned(),
                format!("second.{email}"),
            ));
            lines.push(("EMAIL", "EMAIL;TYPE=INTERNET,pref".to_owned(), email));
        }
        _ => {
            lines.push((
                "EMAIL",
                "EMAIL;INTERNET".to_owned(),
                format!("second.{email}"),
            ));
            lines.push(("EMAIL", "EMAIL;INTERNET;PREF".to_owned(), email));
        }
    }
    if let Some((name, value)) = born(chance, dress, person) {
        lines.push(("BDAY", name, value));
    }
    lines.push((
        "CATEGORIES",
        "CATEGORIES".to_owned(),
        "vip,wholesale".to_owned(),
    ));
    lines
}

fn book(chance: &mut Chance, number: usize, dirty: bool) -> Case {
    let dress = Dress {
        version: chance.one_of(&["2.1", "3.0", "4.0"]),
        line_end: chance.one_of(&["\n", "\r\n"]),
        folded: chance.in_ten(4),
        grouped: chance.in_ten(3),
        lower: chance.in_ten(2),
        windows: chance.in_ten(2),
    };
    let (mut out, mut fates) = (String::new(), Vec::new());
    let many = chance.below(15) + 3;
    for n in 0..=many {
        let mut person = person(chance, number * 100 + n);
        person.consent = Consent::Unknown;
        person.tags = vec!["vip".to_owned(), "wholesale".to_owned()];
        let dirt = (dirty && chance.in_ten(4)).then(|| chance.one_of(DIRT));
        // The last card must end, or the file is cut off.
        let dirt = dirt.filter(|(name, ..)| *name != "END" || n < many);
        let lines = lines(chance, &dress, &person);
        let begin = if dress.lower {
            "begin:vcard"
        } else {
            "BEGIN:VCARD"
        };
        out += begin;
        out += dress.line_end;
        for (kind, name, value) in &lines {
            if dirt.is_none_or(|(other, ..)| other != *kind) {
                dress.put(&mut out, name, value);
            }
        }
        let ends = match dirt {
            Some((_, instead, ..)) => {
                out += &instead.replace('\n', dress.line_end);
                if !instead.is_empty() {
                    out += dress.line_end;
                }
                dirt.is_some_and(|(name, ..)| name != "END")
            }
            None => true,
        };
        if ends {
            out += "END:VCARD";
            out += dress.line_end;
        }
        fates.push(match dirt {
            Some((_, _, says, column)) => Fate::Refused(says, column),
            None => Fate::Customer(Box::new(person)),
        });
        if chance.in_ten(1) && ends {
            out += "what is this?";
            out += dress.line_end;
            fates.push(Fate::Refused("outside of any card", ""));
            if n == many {
                continue;
            }
        }
        out += if ends { dress.line_end } else { "" };
    }
    let kind = if dirty { "dirty" } else { "clean" };
    Case {
        name: format!("cards-{kind}-{number:03}-{}", dress.version),
        ending: "vcf",
        bytes: dress.bytes(&out),
        meaning: mapped(meaning(Feeds::Customers), &[]),
        format: Format::Cards {
            encoding: dress.windows.then(|| "windows-1252".to_owned()),
        },
        expected: Expected::Rows(fates),
    }
}

/// Address books that mustn't be taken in part.
const HOPELESS: &[(&str, &[u8], &str)] = &[
    ("nothing", b"", "no whole card"),
    (
        "words",
        b"Dear all, the list is attached.\n",
        "no whole card",
    ),
    ("csv", b"id,first_name\n1,Ann\n", "no whole card"),
    (
        "web-page",
        b"<html><body>Log in</body></html>",
        "isn't an address book, but a web page",
    ),
    (
        "workbook",
        b"PK\x03\x04",
        "isn't an address book, but a workbook",
    ),
    (
        "cut-off",
        b"BEGIN:VCARD\nVERSION:3.0\nUID:1\n",
        "ends within a card",
    ),
    (
        "cut-off-later",
        b"BEGIN:VCARD\nVERSION:3.0\nUID:1\nEND:VCARD\nBEGIN:VCARD\nUI",
        "ends within a card",
    ),
    (
        "no-uid",
        b"BEGIN:VCARD\nVERSION:3.0\nFN:Ann\nEND:VCARD\n",
        "no column for `id`",
    ),
    (
        "latin-1-unsaid",
        b"BEGIN:VCARD\nVERSION:3.0\nUID:1\nN:M\xfcller;A\nEND:VCARD\n",
        "isn't UTF-8 at byte 33",
    ),
    (
        "old-mac-lines",
        b"BEGIN:VCARD\rVERSION:3.0\rUID:1\rEND:VCARD\r",
        "no whole card",
    ),
];

pub(super) fn cases() -> Vec<Case> {
    let mut chance = Chance(3);
    let mut cases = Vec::new();
    cases.extend((0..20).map(|n| book(&mut chance, n, false)));
    cases.extend((20..70).map(|n| book(&mut chance, n, true)));
    let format = || Format::Cards { encoding: None };
    cases.extend(HOPELESS.iter().map(|(name, bytes, says)| Case {
        name: format!("cards-hopeless-{name}"),
        ending: "vcf",
        bytes: bytes.to_vec(),
        meaning: meaning(Feeds::Customers),
        format: format(),
        expected: Expected::Nothing(says),
    }));
    cases.push(Case {
        name: "cards-hopeless-events".to_owned(),
        ending: "vcf",
        bytes: b"BEGIN:VCARD\nVERSION:3.0\nUID:1\nEND:VCARD\n".to_vec(),
        meaning: meaning(Feeds::Events),
        format: format(),
        expected: Expected::Nothing("holds no events"),
    });
    cases
}
