//! Files in another encoding than their settings say, and letters that were garbled on their way: nobody
//! is called `JÃ¼rgen`, and nobody is kept out for a name that only looks odd.

use std::io::{Cursor, Write as _};

use fondly::model::Customer;
use fondly::records::{Feeds, FileReader, FileSource, Format, Meaning, Row};
use jiff::tz::TimeZone;
use serde_json::json;
use sqlx::{Connection as _, Executor as _};
use zip::write::SimpleFileOptions;

use crate::api::{Program, counted, shop as with_api};
use crate::shop::Shop;
use crate::sql_sources::books;

const NAMES: &str = "SELECT id || '|' || COALESCE(first_name, '-') || '|' || unsubscribed FROM customer \
    ORDER BY id";

/// A source of customers whose file is told to be in this encoding.
fn till(encoding: &str) -> String {
    let encoding = match encoding {
        "" => String::new(),
        name => format!("encoding = \"{name}\"\n"),
    };
    format!(
        "[[source]]\nname = \"till\"\nkind = \"csv\"\npath = \"../data/till.csv\"\n\
         feeds = \"customers\"\n{encoding}"
    )
}

fn wide(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(order).collect()
}

/// As a program garbles it that takes UTF-8 for windows-1252.
fn garbled(text: &str) -> String {
    let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(text.as_bytes());
    text.into_owned()
}

#[tokio::test]
async fn a_file_of_utf_8_that_is_said_to_be_something_else_is_refused_with_the_place() {
    let shop = Shop::new();
    shop.settings(&till("windows-1252"));
    let rows: Vec<String> = (0..20_000).map(|n| format!("a{n},Ann\n")).collect();
    let long = "id,first_name\n".to_owned() + &rows.concat();
    for (file, place) in [
        ("id,first_name\n1,Ann\n2,Jürgen\n", "3:4"),
        (&(long + "j,Jürgen\n"), "20002:4"),
    ] {
        shop.write("data/till.csv", file);
        let words = format!(
            "data/till.csv:{place}: it is UTF-8, where the settings say `encoding = \
             \"windows-1252\"`: its \"ü\" would be read as \"Ã¼\"; take `encoding` out of the \
             source's settings, since UTF-8 needs none"
        );
        let checked = shop.fondly(&["check"]).output().unwrap();
        let told = [checked.stdout, checked.stderr].concat();
        let told = String::from_utf8(told).unwrap();
        assert!(told.contains(&words), "{told}");
        shop.run(&["sync"]).is(3).says(&[&words]);
        assert_eq!(books(&shop, NAMES).await, [""; 0], "nothing half applied");
    }
    shop.settings(&till(""));
    shop.run(&["sync"]).is(0).says(&["20001 new"]);
    shop.write("data/till.csv", b"id,first_name\n1,J\xfcrgen\n");
    shop.settings(&till("latin1"));
    shop.run(&["sync"]).is(0).says(&["1 new"]);
}

/// Otherwise the owner would look for a column that is there.
#[test]
fn a_header_that_was_misread_is_told_as_what_it_is() {
    let shop = Shop::new();
    let settings = till("windows-1252") + "columns = { first_name = \"Vorname (für Briefe)\" }\n";
    shop.settings(&settings);
    let file = "id,Vorname (für Briefe)\n".to_owned() + &"1,Ann\n".repeat(20_000);
    shop.write("data/till.csv", file);
    let told = shop.run(&["sync"]).is(3);
    told.says(&["data/till.csv:1:14: it is UTF-8, where the settings say"]);
}

#[test]
fn what_is_utf_16_or_japanese_is_told_rather_than_read_wrongly() {
    let shop = Shop::new();
    let russian = "id;Имя;Фамилия\n1;Иван;Петров\n2;Мария;Ёлкина\n";
    let (japanese, ..) = encoding_rs::SHIFT_JIS.encode("id,first_name\n1,小林\n2,マリア\n");
    let little = wide(russian, u16::to_le_bytes);
    let (utf16, sjis) = (
        "it looks like UTF-16 without the mark",
        "which has no sign for the byte",
    );
    for (encoding, file, words) in [
        ("", little.clone(), utf16),
        ("windows-1252", little.clone(), utf16),
        (
            "",
            wide(russian, u16::to_be_bytes),
            "`encoding = \"utf-16be\"`",
        ),
        ("utf-16be", little, "it looks like UTF-16LE"),
        ("utf-16", russian.into(), "it has no zero bytes"),
        ("windows-1252", japanese.to_vec(), sjis),
        ("windows-1250", japanese.to_vec(), sjis),
        ("", japanese.to_vec(), "it isn't UTF-8 at byte 16"),
    ] {
        shop.settings(&till(encoding));
        shop.write("data/till.csv", &file);
        shop.run(&["sync"])
            .is(3)
            .says(&["till: data/till.csv", words]);
    }
    shop.settings(&till("shift_jis"));
    shop.write("data/till.csv", &japanese);
    shop.run(&["sync"]).is(0).says(&["2 new"]);
}

/// A name that was garbled before it came here goes into no letter; whoever wants none is heard all the
/// same.
#[tokio::test]
async fn garbled_names_are_set_aside_and_nobody_who_wants_no_letters_is_missed() {
    let shop = Shop::new();
    let of = |name: &str| garbled(name);
    shop.write(
        "data/till.csv",
        format!(
            "id,first_name,last_name,unsubscribed,consent,attr.pet,staff_name\n\
             a,Jürgen,Strauß,no,yes,,\n\
             b,{},Müller,no,yes,,\n\
             c,{},Müller,yes,yes,,\n\
             d,{},Müller,no,no,,\n\
             e,Ann,Lee,no,yes,{},\n\
             f,Ann,O\u{92}Neill,no,yes,,\n\
             g,Bo,Lee,no,yes,,{}\n\
             h,Ângela,SÃO JOÃO,no,yes,MÄKELÄ–VIRTANEN,Ño\n",
            of("Jürgen"),
            of("Käthe"),
            of("Zoë"),
            of("Möhrchen"),
            of("José"),
        ),
    );
    shop.settings(&till(""));
    shop.run(&["sync"])
        .is(3)
        .says(&["5 new, 0 changed, 0 unchanged, 3 refused"]);
    let taken = books(&shop, NAMES).await;
    assert_eq!(
        taken,
        [
            "a|Jürgen|0",
            "c|KÃ¤the|1",
            "d|ZoÃ«|0",
            "e|Ann|0",
            "h|Ângela|0"
        ]
    );
    shop.run(&["quarantine"]).is(3).says(&[
        "data/till.csv  3     first_name  JÃ¼rgen  its letters were garbled before they came here (`Ã¼` was `ü`)",
        "data/till.csv  7     last_name",
        "it holds a control sign where a letter got lost",
        "data/till.csv  8     staff_name",
    ]);
    let told = shop.run(&["sync", "--report", "--format", "json"]).is(3);
    let found = told.out.lines().find(|line| line.contains("\"garbled\""));
    let found: serde_json::Value = serde_json::from_str(found.unwrap()).unwrap();
    assert_eq!(found["customers"], 3);
    assert_eq!(found["examples"], json!(["c", "d", "e"]));
    let words = found["words"].as_str().unwrap();
    assert!(words.contains("(`Ã¤` was `ä`)"), "{words}");
}

fn one(source: &FileSource) -> Result<Customer, String> {
    let mut reader = FileReader::open(source, &source.path).map_err(|error| error.to_string())?;
    match reader.next().unwrap().map_err(|error| error.to_string())? {
        Row::Customer(customer, _) => Ok(customer),
        Row::Refused(refusal) => Err(format!("{}: {}", refusal.column, refusal.reason)),
        Row::Event(event) => panic!("{event:?}"),
    }
}

fn source(shop: &Shop, file: &str, format: Format) -> FileSource {
    FileSource {
        meaning: Meaning {
            name: "people".to_owned(),
            feeds: Feeds::Customers,
            event: None,
            columns: std::iter::once(("id".to_owned(), "UID".to_owned()))
                .filter(|_| !file.ends_with("xlsx"))
                .collect(),
            types: std::collections::BTreeMap::new(),
            dates: None,
            decimal: None,
            zone: TimeZone::UTC,
        },
        path: shop.path(file),
        shown: file.to_owned(),
        format,
    }
}

#[test]
fn an_address_book_says_its_own_encoding_wrongly() {
    let shop = Shop::new();
    let cards = |encoding: Option<&str>| Format::Cards {
        encoding: encoding.map(str::to_owned),
    };
    let read = |name: &str, encoding: Option<&str>| {
        let card = format!("BEGIN:VCARD\r\nVERSION:2.1\r\nUID:1\r\n{name}\r\nEND:VCARD\r\n");
        shop.write("data/people.vcf", card);
        one(&source(&shop, "data/people.vcf", cards(encoding)))
    };
    let packed =
        |charset: &str| format!("N;CHARSET={charset};ENCODING=QUOTED-PRINTABLE:Lee;J=C3=BCrgen");
    let well = read(&packed("UTF-8"), None).unwrap();
    assert_eq!(well.first_name.as_deref(), Some("Jürgen"));
    let error = read(&packed("ISO-8859-1"), None).unwrap_err();
    assert!(
        error.contains("N.given: its letters were garbled"),
        "{error}"
    );
    let error = read("N:Lee;Jürgen", Some("windows-1252")).unwrap_err();
    assert!(
        error.contains("data/people.vcf:4:8: it is UTF-8"),
        "{error}"
    );
    let error = read(&format!("N:Lee;{}", garbled("Jürgen")), None).unwrap_err();
    assert!(error.contains("`Ã¼` was `ü`"), "{error}");
}

/// A workbook whose only sheet has these cells, as text.
pub(crate) fn workbook(rows: &[&[&str]]) -> Vec<u8> {
    let rows: Vec<String> = (1..)
        .zip(rows)
        .map(|(number, cells)| {
            let cells: Vec<String> = ('A'..='Z')
                .zip(*cells)
                .map(|(column, text)| {
                    format!("<c r=\"{column}{number}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
                })
                .collect();
            format!("<row r=\"{number}\">{}</row>", cells.concat())
        })
        .collect();
    let parts = [
        (
            "[Content_Types].xml",
            "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>".to_owned(),
        ),
        (
            "_rels/.rels",
            "<Relationships><Relationship Id=\"r\" Type=\"http://schemas.openxmlformats.org/\
             officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/>\
             </Relationships>"
                .to_owned(),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            "<Relationships><Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/\
             officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/>\
             </Relationships>"
                .to_owned(),
        ),
        (
            "xl/workbook.xml",
            "<workbook><sheets><sheet name=\"People\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
                .to_owned(),
        ),
        (
            "xl/worksheets/sheet1.xml",
            format!(
                "<worksheet><sheetData>{}</sheetData></worksheet>",
                rows.concat()
            ),
        ),
    ];
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_workbook_can_hold_names_that_were_garbled_before() {
    let shop = Shop::new();
    let sheet = || Format::Sheet {
        sheet: None,
        header_row: None,
    };
    let read = |name: &str| {
        shop.write(
            "data/people.xlsx",
            workbook(&[&["id", "last_name"], &["1", name]]),
        );
        one(&source(&shop, "data/people.xlsx", sheet()))
    };
    assert_eq!(read("Strauß").unwrap().last_name.as_deref(), Some("Strauß"));
    let error = read(&garbled("Strauß")).unwrap_err();
    assert!(
        error.contains("last_name (B2): its letters were garbled"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_garbled_name_is_set_aside_from_a_database_and_told_of_where_a_program_sends_it() {
    let shop = with_api("");
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(shop.path("data/till.db"))
        .create_if_missing(true);
    let mut till = sqlx::SqliteConnection::connect_with(&options)
        .await
        .unwrap();
    till.execute("CREATE TABLE person (id, name); INSERT INTO person VALUES ('a', 'Jürgen'), ('b', 'JÃ¼rgen')")
        .await
        .unwrap();
    till.close().await.unwrap();
    let settings = std::fs::read_to_string(shop.path("config/local.toml")).unwrap();
    shop.settings(&format!(
        "{settings}\n[[source]]\nname = \"people\"\nkind = \"sql\"\nurl = \"sqlite:../data/till.db\"\n\
         feeds = \"customers\"\nquery = \"select id, name as first_name from person\"\n"
    ));
    shop.run(&["sync"])
        .is(3)
        .says(&["people: query: 1 new", "1 refused"]);
    let program = Program::start(&shop).await;
    let sent = json!([
        {"id": "c", "first_name": "Käthe"},
        {"id": "d", "first_name": "KÃ¤the"},
        {"id": "e", "first_name": "KÃ¤the", "unsubscribed": true},
    ]);
    let answer = program.sends("POST /api/customers", &sent);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        counted(&shop, "SELECT count(*) FROM customer WHERE unsubscribed").await,
        1
    );
    assert_eq!(
        counted(&shop, "SELECT count(*) FROM customer WHERE id = 'b'").await,
        0
    );
}
