//! An address book -> its cards, and a card -> its properties.
//!
//! The vcard crate reads the lines (folded, escaped, quoted-printable); here stands what it leaves
//! open: where a card begins and ends in a file, and what can't be trusted. May not know fields.

use std::borrow::Cow;
use std::io::{BufRead as _, BufReader};

use encoding_rs::{Encoding, UTF_8};
use vcard::tree::codec::mode::VcardEscaper;
use vcard::tree::line::VcardLine;

use super::error::{SourceError, Trouble, Wrong};
use super::text::{self, Text};

/// Longest card, in bytes; photographs stand in them.
const LONGEST_CARD: usize = 16 * 1024 * 1024;
/// The properties that are dates by their nature.
const DATES: [&str; 6] = [
    "BDAY",
    "ANNIVERSARY",
    "DEATHDATE",
    "X-ANNIVERSARY",
    "X-EVOLUTION-ANNIVERSARY",
    "X-ABDATE",
];

/// One card as it stands.
#[derive(Debug, Default)]
pub(super) struct Card {
    /// The line on which it begins, from 1.
    pub(super) line: u64,
    pub(super) text: String,
    /// Why it is none.
    pub(super) fault: Option<&'static str>,
}

/// The cards of one open file.
#[derive(Debug)]
pub(super) struct Cards {
    text: BufReader<Text>,
    shown: String,
    /// Lines and bytes read.
    lines: u64,
    bytes: u64,
    /// The first line of the next card, where it was read already.
    begun: bool,
}

impl Cards {
    pub(super) fn new(text: Text, shown: String) -> Self {
        Self {
            text: BufReader::new(text),
            shown,
            lines: 0,
            bytes: 0,
            begun: false,
        }
    }

    /// The digest over the bytes read so far.
    pub(super) fn digest(&self) -> sha2::Sha256 {
        self.text.get_ref().digest()
    }

    /// The next card; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Card>, SourceError> {
        let mut bytes = Vec::new();
        let mut fault = None;
        let mut depth = usize::from(std::mem::take(&mut self.begun));
        let mut line = self.lines;
        if depth > 0 {
            bytes.extend_from_slice(b"BEGIN:VCARD\n");
        }
        let mut agent = false;
        loop {
            let start = bytes.len();
            if !self.line(&mut bytes)? {
                break;
            }
            let new = bytes.get(start..).unwrap_or_default();
            let new = new
                .strip_prefix(b"\xef\xbb\xbf")
                .unwrap_or(new)
                .trim_ascii();
            let begins = new.eq_ignore_ascii_case(b"BEGIN:VCARD");
            let ends = new.eq_ignore_ascii_case(b"END:VCARD");
            let blank = new.is_empty();
            let names_agent = new
                .get(..5)
                .is_some_and(|name| name.eq_ignore_ascii_case(b"AGENT"));
            if blank && depth == 0 && start == 0 {
                bytes.clear();
            } else if depth == 0 && begins && start > 0 {
                return self.cut(bytes, start, line, "it stands outside of any card");
            } else if depth == 0 {
                if start == 0 {
                    line = self.lines;
                }
                depth = usize::from(begins);
                fault = (!begins).then_some("it stands outside of any card");
            } else if begins && !agent {
                return self.cut(bytes, start, line, "the card has no END:VCARD");
            } else if begins {
                // A card within a card, as vCard 2.1 has secretaries.
                depth += 1;
                fault = Some("there is a card within it; take the inner one out");
            } else if ends {
                depth -= 1;
                if depth == 0 {
                    return self.card(bytes, line, fault).map(Some);
                }
            }
            agent = names_agent;
        }
        if depth > 0 {
            return Err(Wrong::new(
                Trouble::Malformed,
                "it ends within a card",
                "if the file is still being written, wait for its end; else export it anew",
            )
            .at(&self.shown, Some(line)));
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        self.card(bytes, line, fault).map(Some)
    }

    /// Reads one line; `false` at the end of the file.
    fn line(&mut self, bytes: &mut Vec<u8>) -> Result<bool, SourceError> {
        let before = bytes.len();
        // A line without end is stopped a little after the longest card.
        let room = LONGEST_CARD.saturating_sub(before).saturating_add(1);
        let room = u64::try_from(room).unwrap_or(u64::MAX);
        let mut limited = std::io::Read::take(&mut self.text, room);
        let read = limited
            .read_until(b'\n', bytes)
            .map_err(|error| text::trouble(error).at(&self.shown, None))?;
        if bytes.len() > LONGEST_CARD {
            return Err(Wrong::new(
                Trouble::Malformed,
                format!("this card is longer than {LONGEST_CARD} bytes"),
                "look for a card without END:VCARD, or take the pictures out",
            )
            .at(&self.shown, Some(self.lines)));
        }
        self.bytes += u64::try_from(read).unwrap_or_default();
        self.lines += u64::from(read > 0);
        Ok(read > 0)
    }

    /// What stands before the card that begins here.
    fn cut(
        &mut self,
        mut bytes: Vec<u8>,
        start: usize,
        line: u64,
        fault: &'static str,
    ) -> Result<Option<Card>, SourceError> {
        bytes.truncate(start);
        self.begun = true;
        self.card(bytes, line, Some(fault)).map(Some)
    }

    fn card(
        &self,
        bytes: Vec<u8>,
        line: u64,
        fault: Option<&'static str>,
    ) -> Result<Card, SourceError> {
        let length = u64::try_from(bytes.len()).unwrap_or_default();
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = u64::try_from(error.utf8_error().valid_up_to()).unwrap_or_default();
            let at = self.bytes.saturating_sub(length).saturating_add(good);
            text::not_utf8(at).at(&self.shown, Some(line))
        })?;
        Ok(Card { line, text, fault })
    }
}

/// One property of a card.
#[derive(Debug)]
pub(super) struct Property {
    /// In capitals and without its group.
    pub(super) name: String,
    /// Name in capitals, and values.
    params: Vec<(String, Vec<String>)>,
    /// The parts between semicolons, each a list of parts between commas.
    parts: Vec<Vec<String>>,
    /// Why its value can't be trusted.
    pub(super) fault: Option<&'static str>,
    /// The line on which it begins.
    pub(super) line: u64,
}

/// Reads a card's properties, or says what is wrong with which line.
pub(super) fn properties(card: &Card) -> Result<Vec<Property>, (u64, String)> {
    let mut lines = Vec::new();
    let mut rest = card.text.trim_start_matches('\u{feff}').as_bytes();
    let mut at = card.line;
    let mut version = String::from("3.0");
    loop {
        let blank = rest
            .iter()
            .take_while(|b| matches!(b, b'\r' | b'\n'))
            .count();
        at += line_ends(rest.get(..blank).unwrap_or_default());
        rest = rest.get(blank..).unwrap_or_default();
        if rest.trim_ascii().is_empty() {
            break;
        }
        let (line, tail) = VcardLine::take(rest).map_err(|_| {
            (
                at,
                "a line of it has no colon, and is no property".to_owned(),
            )
        })?;
        if line.name.get().eq_ignore_ascii_case("VERSION") {
            line.raw_value_str().trim().clone_into(&mut version);
        }
        let taken = rest.len() - tail.len();
        lines.push((at, line));
        at += line_ends(rest.get(..taken).unwrap_or_default());
        rest = tail;
    }
    if !["2.1", "3.0", "4.0"].contains(&version.as_str()) {
        let reason = format!("its version is `{version}`, where 2.1, 3.0 and 4.0 are read");
        return Err((card.line, reason));
    }
    let escaper = VcardEscaper::for_version_str(&version);
    let properties = lines.into_iter().map(|(at, mut line)| {
        line.value.escaper = escaper;
        property(&line, at)
    });
    Ok(properties.collect())
}

fn line_ends(bytes: &[u8]) -> u64 {
    bytes.split(|b| *b == b'\n').skip(1).map(|_| 1).sum()
}

fn property(line: &VcardLine<'_>, at: u64) -> Property {
    let name = line.bare_name().trim().to_uppercase();
    let mut quotes = 0;
    let mut params = Vec::new();
    for param in &line.params {
        let values = param.values.iter().map(|value| {
            quotes += value.get().matches('"').count();
            value.get().trim_matches('"').to_owned()
        });
        let values: Vec<String> = values.collect();
        params.push((param.name.get().to_uppercase(), values));
    }
    let mut parts = Vec::new();
    for part in 0..line.value.component_count() {
        // In vCard 2.1 a comma parts nothing.
        let list = if line.value.escaper == VcardEscaper::V2_1 {
            vec![line.value.decode_component(part)]
        } else {
            line.value.decode_component_list(part)
        };
        parts.push(list.into_iter().map(Cow::into_owned).collect());
    }
    let mut property = Property {
        name,
        params,
        parts,
        // Where its parameters end, and its value begins, is uncertain.
        fault: (quotes % 2 == 1).then_some("a quote in its parameters is never closed"),
        line: at,
    };
    property.unpack();
    property
}

impl Property {
    /// The values of a parameter; a bare word, as vCard 2.1 has them, is a value of its own name.
    pub(super) fn param(&self, name: &str) -> impl Iterator<Item = &str> {
        let of_it = self.params.iter().filter(move |(known, _)| known == name);
        of_it.flat_map(|(_, values)| values.iter().map(String::as_str))
    }

    fn has(&self, name: &str, word: &str) -> bool {
        let bare = self
            .params
            .iter()
            .any(|(known, values)| values.is_empty() && known == word);
        bare || self
            .param(name)
            .any(|value| value.eq_ignore_ascii_case(word))
    }

    /// Undoes the encodings that a property can bear by itself.
    fn unpack(&mut self) {
        if self.has("ENCODING", "BASE64") || self.has("ENCODING", "B") {
            self.fault = Some("it is binary, and no text");
            return;
        }
        if !self.has("ENCODING", "QUOTED-PRINTABLE") {
            return;
        }
        let charset = self.param("CHARSET").next().map(str::to_owned);
        let encoding = match charset {
            Some(label) => Encoding::for_label(label.as_bytes()),
            None => Some(UTF_8),
        };
        for value in self.parts.iter_mut().flatten() {
            let bytes = quoted_printable::decode(&*value, quoted_printable::ParseMode::Robust);
            let text = bytes.ok().zip(encoding).and_then(|(bytes, encoding)| {
                let text = encoding.decode_without_bom_handling_and_without_replacement(&bytes);
                text.map(Cow::into_owned)
            });
            match text {
                Some(text) => *value = text,
                None => self.fault = Some("its quoted-printable text can't be read"),
            }
        }
    }

    /// The whole value.
    pub(super) fn text(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(|list| list.join(",")).collect();
        parts.join(";")
    }

    /// One part of a value that has several, such as the family name of `N`.
    pub(super) fn part(&self, part: usize) -> String {
        self.parts
            .get(part)
            .map(|list| list.join(" "))
            .unwrap_or_default()
    }

    /// Every part by itself.
    pub(super) fn list(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flatten().map(String::as_str)
    }

    /// Smaller is preferred: `PREF=1` of vCard 4, `TYPE=pref` of vCard 3, `PREF` of 2.1.
    pub(super) fn rank(&self) -> u8 {
        let stated = self.param("PREF").find_map(|value| value.parse().ok());
        let loose = self.has("TYPE", "PREF");
        stated.unwrap_or(if loose { 0 } else { u8::MAX })
    }

    /// Whether it is a date, by its name or as it says.
    pub(super) fn is_date(&self) -> bool {
        let says = self
            .param("VALUE")
            .any(|value| value.to_lowercase().starts_with("date"));
        says || DATES.contains(&self.name.as_str())
    }
}
