//! What kind of file it really is, and what stands between its values.
//!
//! Looks at the first bytes only. What can't be told for sure is asked for, not guessed.

use csv::StringRecord;

use super::error::{Trouble, Wrong};
use super::{Meaning, columns, mistaken};

/// Bytes looked at.
pub(super) const SAMPLE: usize = 64 * 1024;
/// Records looked at.
const RECORDS: usize = 200;
/// What may stand between values, and how it is called.
const DELIMITERS: [(u8, &str); 4] = [
    (b',', "commas"),
    (b';', "semicolons"),
    (b'\t', "tabs"),
    (b'|', "bars"),
];
/// How files of other kinds begin.
const SIGNATURES: &[(&[u8], &str, &str)] = &[
    (
        b"PK\x03\x04",
        "a workbook or a zip archive",
        "for a workbook set `kind = \"xlsx\"`, or export it as CSV; unpack an archive first",
    ),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old or a locked workbook",
        "set `kind = \"xlsx\"`, or export it as CSV",
    ),
    (b"%PDF", "a PDF", "export the records as CSV"),
    (b"\x1f\x8b", "packed with gzip", "unpack it"),
    (
        b"SQLite format 3\0",
        "an SQLite database",
        "set `kind = \"sql\"`",
    ),
    (
        b"BEGIN:VCARD",
        "an address book (vCard)",
        "set `kind = \"vcard\"`",
    ),
];

/// What stands between the values.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sniffed {
    pub(super) delimiter: u8,
    /// Whether the first line names the delimiter and no columns, as Excel writes it: `sep=;`.
    pub(super) line_of_its_own: bool,
    /// What a person should know of it.
    pub(super) said: Option<String>,
}

/// What kind of file this is, if it is none of text at all. `head` are its first bytes as they are.
pub(super) fn another_kind(head: &[u8]) -> Option<Wrong> {
    let visible = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let known = SIGNATURES
        .iter()
        .find(|(start, ..)| visible.starts_with(start));
    if let Some((_, what, mend)) = known {
        return Some(Wrong::new(
            Trouble::Malformed,
            format!("it isn't CSV, but {what}"),
            *mend,
        ));
    }
    let beginning: String = String::from_utf8_lossy(visible.get(..1000).unwrap_or(visible))
        .trim_start()
        .to_lowercase();
    let markup = [
        "<html",
        "<!doctype",
        "<table",
        "<head",
        "<body",
        "<?xml",
        "<div",
        "<script",
    ];
    if markup.iter().any(|tag| beginning.starts_with(tag)) {
        return Some(Wrong::new(
            Trouble::Malformed,
            "it isn't CSV, but a web page or XML, perhaps an error message that was saved in its place",
            "open it in a browser to see what it says, and export it anew",
        ));
    }
    let name = mistaken::utf16(visible)?.name().to_lowercase();
    Some(Wrong::new(
        Trouble::Encoding,
        "it looks like UTF-16 without the mark that says so",
        format!("set `encoding = \"{name}\"`, or save it as UTF-8"),
    ))
}

/// Finds what stands between the values: what the settings state, what the file itself says, or
/// else the one sign under which the header names what is needed.
pub(super) fn delimiter(
    stated: Option<u8>,
    (sample, whole): (&[u8], bool),
    meaning: &Meaning,
) -> Result<Sniffed, Wrong> {
    let text = String::from_utf8_lossy(sample);
    let text = text.trim_start_matches('\u{feff}');
    let own = own_line(text);
    let sniffed = |delimiter| Sniffed {
        delimiter,
        line_of_its_own: own.is_some(),
        said: None,
    };
    if let Some(delimiter) = stated.or(own) {
        return Ok(sniffed(delimiter));
    }
    let looked: Vec<Looked> = DELIMITERS
        .iter()
        .map(|(delimiter, name)| look(text, whole, (*delimiter, name), meaning))
        .collect();
    let mut likely: Vec<&Looked> = looked
        .iter()
        .filter(|it| it.resolves && it.width > 1)
        .collect();
    if likely.is_empty() {
        // The header will be told to lack something, under the likeliest sign.
        let widest = looked.iter().rev().max_by_key(|it| (it.width, it.fitting));
        return Ok(sniffed(widest.map_or(b',', |it| it.delimiter)));
    }
    likely.sort_by_key(|it| std::cmp::Reverse(it.fitting));
    match likely.as_slice() {
        [first, second, ..] if second.fitting * 2 >= first.fitting => Err(Wrong::new(
            Trouble::Header,
            format!(
                "its values can be parted in two ways, by {} or by {}",
                first.name, second.name
            ),
            format!(
                "say which it is, such as `delimiter = {:?}`",
                char::from(first.delimiter).to_string()
            ),
        )),
        [first, ..] if first.delimiter != b',' => Ok(Sniffed {
            said: Some(format!(
                "{} stand between its values; `delimiter = {:?}` says so for good",
                first.name,
                char::from(first.delimiter).to_string()
            )),
            ..sniffed(first.delimiter)
        }),
        _ => Ok(sniffed(b',')),
    }
}

/// The sign that the file's first line names, as Excel has it.
fn own_line(text: &str) -> Option<u8> {
    let line = text.lines().next()?.trim_matches('"');
    let (key, sign) = line.split_at_checked(4)?;
    match sign.as_bytes() {
        [sign] if key.eq_ignore_ascii_case("sep=") && sign.is_ascii() => Some(*sign),
        _ => None,
    }
}

struct Looked {
    delimiter: u8,
    name: &'static str,
    /// Names in the header.
    width: usize,
    /// Whether the header names what is needed.
    resolves: bool,
    /// Records of as many values as the header has names.
    fitting: usize,
}

fn look(
    text: &str,
    whole: bool,
    (delimiter, name): (u8, &'static str),
    meaning: &Meaning,
) -> Looked {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut records: Vec<StringRecord> = reader
        .records()
        .map_while(Result::ok)
        .take(RECORDS)
        .collect();
    if !whole && records.len() < RECORDS {
        // The sample's end tears a record.
        records.pop();
    }
    let mut records = records.into_iter();
    let header: Vec<String> = records
        .next()
        .map(|header| header.iter().map(|name| name.trim().to_owned()).collect())
        .unwrap_or_default();
    Looked {
        delimiter,
        name,
        width: header.len(),
        resolves: columns::resolve(meaning, &header, None).is_ok(),
        fitting: records
            .filter(|record| record.len() == header.len())
            .count(),
    }
}
