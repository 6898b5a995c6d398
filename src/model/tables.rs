//! The user's own tables (settings, rules, front matter) as trees in which every key and value
//! knows where it stands. `table_reader` makes typed values of them.
//!
//! May not do I/O, nor know what any key means.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Time;
use toml::de::{DeTable, DeValue};

use super::finding::{Finding, SourceText};
pub use super::table_reader::{Table, Value};

/// Where something stands.
#[derive(Debug, Clone)]
pub struct Place {
    /// The file, or the environment variable.
    pub source: Arc<SourceText>,
    /// The bytes.
    pub span: Range<usize>,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub struct Item {
    /// The value.
    pub node: Node,
    /// Where it stands.
    pub place: Place,
}

/// A value as it was written.
#[derive(Debug, Clone)]
pub enum Node {
    /// Text in quotes.
    Text(String),
    /// A bare word from the environment, which may stand for any single value.
    Loose(String),
    /// A whole number.
    Whole(i64),
    /// A number with a fraction.
    Fraction(f64),
    /// `true` or `false`.
    YesNo(bool),
    /// A date or time without quotes, as written.
    Moment(String),
    /// A list.
    List(Vec<Item>),
    /// A table, inline or with its own header.
    Table(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub place: Place,
    /// Its value.
    pub item: Item,
}

impl Item {
    /// The entry of that name, where this is a table.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.node {
            Node::Table(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }
}

/// Takes a file's bytes for text.
///
/// # Errors
/// A finding at the first byte that isn't UTF-8.
pub fn decode(name: String, bytes: Vec<u8>) -> Result<Arc<SourceText>, Finding> {
    String::from_utf8(bytes)
        .map_err(|error| {
            let start = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let name = name.clone();
            let end = start + char::REPLACEMENT_CHARACTER.len_utf8();
            let source = Arc::new(SourceText { name, text });
            Finding::new(&source, start..end, "this file isn't UTF-8 text")
                .with_help("save it again with the encoding UTF-8")
        })
        .map(|text| Arc::new(SourceText { name, text }))
}

/// Reads the TOML that stands in `range` of the text.
///
/// # Errors
/// What isn't TOML, a finding a line.
pub fn parse_toml(source: &Arc<SourceText>, range: Range<usize>) -> Result<Item, Vec<Finding>> {
    let from = range.start;
    let text = source.text.get(range).unwrap_or("");
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        let whole = Place {
            source: Arc::clone(source),
            span: from..from,
        };
        let node = Node::Table(entries_of(table.get_ref(), &whole));
        return Ok(Item { node, place: whole });
    }
    let mut findings: Vec<Finding> = Vec::new();
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let words = error.message().replace('\n', "; ");
        let finding = Finding::new(
            source,
            from + span.start..from + span.end,
            format!("this isn't TOML: {words}"),
        )
        .with_help(if words.contains("duplicate key") {
            "keep one of the two"
        } else {
            "look for a bracket, comma or quote amiss; text stands in quotes"
        });
        // One slip makes the parser stumble several times over the same line.
        let line = finding.position().0;
        if findings.iter().all(|known| known.position().0 != line) {
            findings.push(finding);
        }
    }
    Err(findings)
}

/// `from` is where the TOML begins in its file.
fn entries_of(table: &DeTable<'_>, from: &Place) -> Vec<Entry> {
    table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            place: shifted(from, &key.span()),
            item: Item {
                node: node_of(value.get_ref(), from),
                place: shifted(from, &value.span()),
            },
        })
        .collect()
}

fn node_of(value: &DeValue<'_>, from: &Place) -> Node {
    match value {
        DeValue::String(text) => Node::Text(text.to_string()),
        DeValue::Integer(n) => match i64::from_str_radix(n.as_str(), n.radix()) {
            Ok(n) => Node::Whole(n),
            Err(_) => Node::Fraction(f64::INFINITY),
        },
        DeValue::Float(n) => Node::Fraction(n.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(yes) => Node::YesNo(*yes),
        DeValue::Datetime(moment) => Node::Moment(moment.to_string()),
        DeValue::Array(items) => Node::List(
            items
                .iter()
                .map(|item| Item {
                    node: node_of(item.get_ref(), from),
                    place: shifted(from, &item.span()),
                })
                .collect(),
        ),
        DeValue::Table(table) => Node::Table(entries_of(table, from)),
    }
}

fn shifted(from: &Place, span: &Range<usize>) -> Place {
    Place {
        source: Arc::clone(&from.source),
        span: from.span.start + span.start..from.span.start + span.end,
    }
}

/// The known word that was most likely meant.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let word = plain(word);
    known
        .into_iter()
        .map(|candidate| {
            let candidate_plain = plain(candidate);
            // `monday` for `mon`, `optin-only` for `optin`.
            if candidate.len() >= 3 && word.starts_with(&candidate_plain) {
                return (0, candidate);
            }
            (
                strsim::damerau_levenshtein(&word, &candidate_plain),
                candidate,
            )
        })
        .filter(|(distance, candidate)| {
            // A third of the word may be wrong, but never all of it.
            let length = word.chars().count().max(candidate.chars().count());
            *distance <= length.div_ceil(3) && *distance < length
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Did you mean …? Else, what there is.
pub fn advice<'k>(word: &str, known: impl IntoIterator<Item = &'k str> + Clone) -> String {
    if let Some(near) = nearest(word, known.clone()) {
        return format!("did you mean `{near}`?");
    }
    let all: Vec<String> = known.into_iter().map(|key| format!("`{key}`")).collect();
    match all.as_slice() {
        [] => "take it out".to_owned(),
        [only] => format!("the only one is {only}"),
        _ => format!("choose from {}", all.join(", ")),
    }
}

/// Keys with the table they belong into, for help with keys that stand in a wrong one.
pub type Homes = &'static [(&'static str, &'static str)];

/// The findings of one reading.
#[derive(Debug)]
pub struct Notes {
    found: RefCell<Vec<Finding>>,
    homes: Homes,
}

impl Notes {
    /// An empty list.
    pub const fn new(homes: Homes) -> Self {
        Self {
            found: RefCell::new(Vec::new()),
            homes,
        }
    }

    pub(super) const fn homes(&self) -> Homes {
        self.homes
    }

    /// Adds a finding.
    pub fn add(&self, place: &Place, message: impl Into<String>, help: Option<String>) {
        let mut finding = Finding::new(&place.source, place.span.clone(), message);
        finding.help = help;
        self.found.borrow_mut().push(finding);
    }

    /// All of them, in the order in which they stand in their files.
    pub fn into_findings(self) -> Vec<Finding> {
        let mut found = self.found.into_inner();
        found.sort_by(|a, b| {
            (&a.source.name, a.span.start, &a.message).cmp(&(
                &b.source.name,
                b.span.start,
                &b.message,
            ))
        });
        found
    }
}

/// A long text is cut, so that a finding stays one line.
pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    let line = text.lines().next().unwrap_or("");
    if line.chars().count() <= LONGEST && line.len() == text.len() {
        return line.to_owned();
    }
    line.chars().take(LONGEST).chain(['…']).collect()
}

/// A name that is also a file's stem: letters, digits, `-` and `_`.
///
/// # Errors
/// A sentence that says what is accepted.
pub fn plain_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !text.is_empty() && text.chars().all(fits) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "`{}` is no plain name; use only letters from a to z, digits, `-` and `_`",
        shortened(text)
    ))
}

/// `9:00` or `09:00`; a TOML time has seconds as well.
///
/// # Errors
/// A sentence that says what is accepted.
pub fn clock_time(text: &str) -> Result<Time, String> {
    let wanted = || format!("`{text}` is no time of day; write hours and minutes such as `09:00`");
    let (hour, rest) = text.split_once(':').ok_or_else(wanted)?;
    let minute = rest.strip_suffix(":00").unwrap_or(rest);
    let digits = |part: &str, lengths: &[usize]| {
        lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
    };
    if !digits(hour, &[1, 2]) || !digits(minute, &[2]) {
        return Err(wanted());
    }
    let (hour, minute) = (hour.parse(), minute.parse());
    let (Ok(hour), Ok(minute)) = (hour, minute) else {
        return Err(wanted());
    };
    Time::new(hour, minute, 0, 0).map_err(|_| wanted())
}

/// `10%` or `2.5%`, in hundredths of a percent.
pub fn percent(text: &str) -> Option<u32> {
    let number = text.strip_suffix('%')?.trim_end();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let plain = |part: &str, longest| {
        (1..=longest).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
    };
    if !plain(whole, 3) || !plain(fraction, 2) {
        return None;
    }
    format!("{whole}{fraction:0<2}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Arc<SourceText> {
        Arc::new(SourceText {
            name: "x".to_owned(),
            text: text.to_owned(),
        })
    }

    #[test]
    fn a_slip_of_the_pen_is_recognised_and_a_stranger_is_not() {
        let keys = ["priority", "template", "late_template", "at", "mon"];
        for (word, meant) in [
            ("priorty", Some("priority")),
            ("Priority", Some("priority")),
            ("tempalte", Some("template")),
            ("late-template", Some("late_template")),
            ("monday", Some("mon")),
            ("zz", None),
            ("colour", None),
        ] {
            assert_eq!(nearest(word, keys), meant, "{word}");
        }
    }

    #[test]
    fn findings_in_front_matter_point_into_the_whole_file() {
        let source = source("+++\nsubjekt = \"Hello\"\n+++\nDear friend");
        let item = parse_toml(&source, 4..22).unwrap();
        let notes = Notes::new(&[]);
        let mut table = Table::root(&item, &notes);
        assert!(table.require("subject", "\"Hello\"").is_none());
        table.finish(&[]);
        let findings = notes.into_findings();
        let spans: Vec<&str> = findings
            .iter()
            .map(|finding| source.text.get(finding.span.clone()).unwrap())
            .collect();
        assert_eq!(spans, ["", "subjekt"]);
        assert_eq!(findings[1].position(), (2, 1));
        assert_eq!(findings[1].help.as_deref(), Some("did you mean `subject`?"));
    }

    #[test]
    fn a_byte_order_mark_is_no_obstacle() {
        let source = source("\u{feff}title = 1");
        let item = parse_toml(&source, 0..source.text.len()).unwrap();
        let place = &item.entry("title").unwrap().place;
        assert_eq!(source.text.get(place.span.clone()), Some("title"));
    }

    #[test]
    fn clocks_are_read_as_people_write_them() {
        for (text, time) in [
            ("09:00", "09:00:00"),
            ("9:05", "09:05:00"),
            ("23:59:00", "23:59:00"),
        ] {
            assert_eq!(clock_time(text).unwrap().to_string(), time);
        }
        for bad in [
            "",
            ":",
            "9",
            "9am",
            "24:00",
            "09:60",
            "-1:00",
            "+9:00",
            "9:5",
            "09:00:30",
            "٠٩:٠٠",
        ] {
            assert!(clock_time(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_strange(text in "\\PC{0,80}") {
            let source = source(&text);
            if let Err(findings) = parse_toml(&source, 0..text.len()) {
                for finding in findings {
                    assert!(text.get(finding.span.clone()).is_some());
                }
            }
        }
    }
}
