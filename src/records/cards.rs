//! An address book -> rows, with a column for each property that its cards bear.
//!
//! May not know how lines are folded, nor what customers are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::card_dates::{self, Read};
use super::columns::{self, Columns};
use super::content::{Card, Cards, Property, properties};
use super::error::{SourceError, Trouble, Wrong};
use super::forms::{Value, Values};
use super::reader::{Next, Rows};
use super::sniff;
use super::text::{self, Text};
use super::{Feeds, Meaning};
use crate::model::PartialDate;

/// The fields that need no mapping.
const USUAL: [(&str, &str); 9] = [
    ("id", "UID"),
    ("email", "EMAIL"),
    ("first_name", "N.given"),
    ("last_name", "N.family"),
    ("salutation", "N.prefix"),
    ("language", "LANG"),
    ("timezone", "TZ"),
    ("birthday", "BDAY"),
    ("tags", "CATEGORIES"),
];
/// The parts of `N`, in their order.
const NAMES: [&str; 5] = [
    "N.family",
    "N.given",
    "N.additional",
    "N.prefix",
    "N.suffix",
];
/// Properties of which a card may have several, of which the preferred one counts, or the first.
const SEVERAL: [&str; 12] = [
    "EMAIL", "N", "FN", "NICKNAME", "LANG", "TZ", "TEL", "ORG", "TITLE", "ROLE", "NOTE", "URL",
];
/// Properties that nobody misses.
const PLUMBING: [&str; 7] = [
    "FN",
    "N.additional",
    "N.suffix",
    "PRODID",
    "REV",
    "PHOTO",
    "X-ABUID",
];

/// The rows of one address book.
#[derive(Debug)]
pub(super) struct CardRows {
    cards: Cards,
    header: Vec<String>,
    card: Card,
    /// By column.
    held: BTreeMap<usize, Held>,
}

/// What an address book turned out to be.
pub(super) struct Opened {
    pub(super) rows: CardRows,
    pub(super) columns: Columns,
}

/// A column's value on the card at hand.
#[derive(Debug)]
struct Held {
    line: u64,
    written: String,
    what: What,
}

#[derive(Debug)]
enum What {
    Text,
    Date(PartialDate),
    Unusable(&'static str),
}

impl CardRows {
    /// Reads the file once for the properties that its cards bear, and stands ready to read it
    /// again. `digest` goes on over the file's bytes.
    pub(super) fn open(
        (file, path): (File, &Path),
        (shown, digest): (&str, Sha256),
        encoding: Option<&str>,
        meaning: &Meaning,
    ) -> Result<Opened, SourceError> {
        let here = |wrong: Wrong| wrong.at(shown, None);
        if meaning.feeds == Feeds::Events {
            return Err(here(Wrong::new(
                Trouble::Settings,
                "an address book holds no events",
                "set `feeds = \"customers\"`",
            )));
        }
        let encoding = encoding.map(text::encoding).transpose().map_err(here)?;
        let decoded =
            |file, digest| Text::new(file, digest, encoding.as_ref(), another_kind).map_err(here);
        let mut first = decoded(file, Sha256::new())?;
        let (sample, _) = first
            .sample(sniff::SAMPLE)
            .map_err(|error| here(text::trouble(error)))?;
        if let Some(wrong) = another_kind(sample) {
            return Err(here(wrong));
        }
        let header = header(Cards::new(first, shown.to_owned())).map_err(|error| match error {
            Ok(wrong) => here(wrong),
            Err(error) => error,
        })?;
        let columns = resolve(meaning, &header).map_err(here)?;
        let again = File::open(path).map_err(|error| here(error.into()))?;
        Ok(Opened {
            rows: Self {
                cards: Cards::new(decoded(again, digest)?, shown.to_owned()),
                header,
                card: Card::default(),
                held: BTreeMap::new(),
            },
            columns,
        })
    }

    /// Sorts the card's properties into columns, or says why it can't be used.
    fn sort(&mut self) -> Result<(), String> {
        self.held.clear();
        if let Some(fault) = self.card.fault {
            return Err(fault.to_owned());
        }
        let all =
            properties(&self.card).map_err(|(line, reason)| format!("line {line}: {reason}"))?;
        let is_group = |property: &Property| {
            property.name.ends_with("KIND") && property.text().trim().eq_ignore_ascii_case("group")
        };
        if all.iter().any(is_group) {
            return Err("it is a list of people, and no person".to_owned());
        }
        for (column, name) in self.header.iter().enumerate() {
            let part = NAMES.iter().position(|known| known == name);
            let wanted = if part.is_some() { "N" } else { name.as_str() };
            let found: Vec<&Property> = all.iter().filter(|it| it.name == wanted).collect();
            if let Some(held) = held(&found, part) {
                self.held.insert(column, held);
            }
        }
        Ok(())
    }
}

/// An address book that is something else altogether.
fn another_kind(sample: &[u8]) -> Option<Wrong> {
    let sample = sample
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(sample)
        .trim_ascii_start();
    let begins = sample
        .get(..11)
        .is_some_and(|b| b.eq_ignore_ascii_case(b"BEGIN:VCARD"));
    if begins {
        return None;
    }
    sniff::another_kind(sample).map(|wrong| Wrong {
        problem: wrong.problem.replace("isn't CSV", "isn't an address book"),
        ..wrong
    })
}

/// The properties that the cards bear, each once.
fn header(mut cards: Cards) -> Result<Vec<String>, Result<Wrong, SourceError>> {
    let mut names = BTreeSet::new();
    let mut any = false;
    while let Some(card) = cards.next().map_err(Err)? {
        if card.fault.is_some() {
            continue;
        }
        any = true;
        for property in properties(&card).unwrap_or_default() {
            names.insert(property.name);
        }
    }
    if !any {
        return Err(Ok(Wrong::new(
            Trouble::Malformed,
            "there is no whole card in it",
            "export the address book as vCard, and name that file",
        )));
    }
    for not in ["BEGIN", "END", "VERSION"] {
        names.remove(not);
    }
    let structured = names.remove("N");
    let parts = NAMES.into_iter().filter(|_| structured).map(str::to_owned);
    Ok(parts.chain(names).collect())
}

fn resolve(meaning: &Meaning, header: &[String]) -> Result<Columns, Wrong> {
    let mut meaning = meaning.clone();
    for (field, property) in USUAL {
        if header.iter().any(|name| name == property) {
            let column = || property.to_owned();
            meaning
                .columns
                .entry(field.to_owned())
                .or_insert_with(column);
        }
    }
    let mut columns = columns::resolve(&meaning, header, None)?;
    columns
        .ignored
        .retain(|name| !PLUMBING.contains(&name.as_str()));
    Ok(columns)
}

/// The value that counts of all the properties of one name.
fn held(found: &[&Property], part: Option<usize>) -> Option<Held> {
    let first = *found.iter().min_by_key(|property| property.rank())?;
    let written = match part {
        Some(part) => first.part(part),
        None if first.name == "CATEGORIES" => {
            let tags: Vec<&str> = found.iter().flat_map(|property| property.list()).collect();
            tags.join(";")
        }
        None => first.text(),
    };
    let several = SEVERAL.contains(&first.name.as_str()) || first.name == "CATEGORIES";
    let differ = found.iter().any(|property| property.text() != first.text());
    let what = if let Some(fault) = found.iter().find_map(|property| property.fault) {
        What::Unusable(fault)
    } else if differ && !several {
        What::Unusable("the card has several, and they differ; leave one")
    } else if first.is_date() {
        match card_dates::read(first) {
            Read::Date(date) => What::Date(date),
            Read::Text => What::Text,
            Read::Unusable(why) => What::Unusable(why),
        }
    } else {
        What::Text
    };
    Some(Held {
        line: first.line,
        written,
        what,
    })
}

impl Values for CardRows {
    fn value(&self, column: usize) -> Value<'_> {
        match self.held.get(&column) {
            None => Value::Text(""),
            Some(held) if held.written.trim().is_empty() => Value::Text(""),
            Some(held) => match &held.what {
                What::Text => Value::Text(&held.written),
                What::Date(date) => Value::Partial(*date),
                What::Unusable(why) => Value::Unusable(why),
            },
        }
    }
}

impl Rows for CardRows {
    fn next(&mut self) -> Result<Next, SourceError> {
        let Some(card) = self.cards.next()? else {
            return Ok(Next::End);
        };
        self.card = card;
        Ok(match self.sort() {
            Ok(()) => Next::Row,
            Err(reason) => Next::Unusable(reason),
        })
    }

    fn line(&self, column: Option<usize>) -> u64 {
        let held = column.and_then(|column| self.held.get(&column));
        held.map_or(self.card.line, |held| held.line)
    }

    fn column(&self, column: usize) -> String {
        self.header.get(column).cloned().unwrap_or_default()
    }

    fn written(&self, column: usize) -> String {
        self.held
            .get(&column)
            .map(|held| held.written.clone())
            .unwrap_or_default()
    }

    fn text(&self) -> String {
        self.card.text.trim_end().to_owned()
    }

    fn digest(&self) -> Option<Sha256> {
        Some(self.cards.digest())
    }
}
