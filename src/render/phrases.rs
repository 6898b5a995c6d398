//! The words that fondly itself writes, by language: to customers, under letters and on the pages behind
//! their links; and to the owner, of what needs them. Three languages are built in;
//! `words/<language>.toml` beside `fondly.toml` adds more, or changes what is said.
//!
//! The English file says which words there are, and which values stand in them. May not know pages or
//! letters.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use minijinja::Value;

use super::template::{fallbacks, tag};
use crate::model::PartialDate;
use crate::model::finding::{Finding, SourceText};
use crate::model::tables::{Entry, Item, Node, decode, nearest, parse_toml};

/// The largest file that is read; a language has a few kilobytes.
const LARGEST_BYTES: usize = 64 * 1024;
/// Characters of one text.
const MOST_CHARS: usize = 1000;

const ENGLISH: &str = "en";
const BUILT_IN: [(&str, &str); 3] = [
    (ENGLISH, include_str!("phrases/en.toml")),
    ("de", include_str!("phrases/de.toml")),
    ("fr", include_str!("phrases/fr.toml")),
];
static OURS: LazyLock<Arc<Phrases>> = LazyLock::new(|| Arc::new(Phrases::shipped()));

/// Such words are for the owner: a language that lacks them says them in English.
const OWNERS: &str = "alert.";

const MONTHS: [&str; 12] = [
    "months.january",
    "months.february",
    "months.march",
    "months.april",
    "months.may",
    "months.june",
    "months.july",
    "months.august",
    "months.september",
    "months.october",
    "months.november",
    "months.december",
];

/// Every text by its name, such as `footer.unsubscribe`.
type Texts = BTreeMap<String, String>;

/// All languages.
#[derive(Debug, Clone, Default)]
pub struct Phrases(BTreeMap<String, Words>);

/// One language.
#[derive(Debug, Clone, Default)]
pub struct Words {
    /// Its tag, as the file's name has it.
    pub language: String,
    texts: Texts,
    /// The same as pages see it: `words.footer.unsubscribe`.
    tree: Value,
}

impl Phrases {
    /// What is built in.
    pub fn built_in() -> &'static Arc<Self> {
        &OURS
    }

    fn shipped() -> Self {
        let mut all = Self::default();
        for (language, text) in BUILT_IN {
            let source = Arc::new(SourceText {
                name: format!("{language}.toml"),
                text: text.to_owned(),
            });
            // A test sees to it that there is no finding.
            if let Ok(item) = parse_toml(&source, 0..text.len()) {
                all.put(language, all.read(&item, None).0);
            }
        }
        all
    }

    /// What is built in, and what a folder's files say on top of it. A folder that isn't there says
    /// nothing.
    pub fn load(dir: &Path) -> (Self, Vec<Finding>) {
        let mut all = Self::clone(&OURS);
        let mut findings = Vec::new();
        let files = Self::files(dir).unwrap_or_else(|error| {
            findings.push(unread(dir, &format!("the folder can't be read: {error}")));
            Vec::new()
        });
        for file in files {
            let name = file.file_stem().unwrap_or_default().to_string_lossy();
            all.add(&file, &name, &mut findings);
        }
        (all, findings)
    }

    /// The files of a folder of words that are read; hidden ones belong to editors. There are none in
    /// a folder that isn't there.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn files(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
        let entries = match std::fs::read_dir(dir) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut files: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
            .filter(|path| {
                let name = path.file_name().unwrap_or_default();
                !name.as_encoded_bytes().starts_with(b".")
            })
            .collect();
        // `de` before `de-AT`, which may leave to it what is the same.
        files.sort_unstable_by(|one, other| one.file_stem().cmp(&other.file_stem()));
        Ok(files)
    }

    fn add(&mut self, path: &Path, language: &str, findings: &mut Vec<Finding>) {
        let is_tag = (2..=35).contains(&language.len())
            && language.starts_with(|c: char| c.is_ascii_alphabetic())
            && language
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !is_tag {
            let finding = unread(path, "the file's name is no language");
            return findings.push(finding.with_help("name it like `it.toml` or `de-AT.toml`"));
        }
        let decoded = match std::fs::read(path) {
            Ok(bytes) if bytes.len() > LARGEST_BYTES => {
                let most = LARGEST_BYTES / 1024;
                Err(unread(path, &format!("the file is larger than {most} KB")))
            }
            Ok(bytes) => decode(path.display().to_string(), bytes),
            Err(error) => Err(unread(path, &format!("the file can't be read: {error}"))),
        };
        let source = match decoded {
            Ok(source) => source,
            Err(finding) => return findings.push(finding),
        };
        match parse_toml(&source, 0..source.text.len()) {
            Ok(item) => {
                let (texts, found) = self.read(&item, Some((&source, language)));
                findings.extend(found);
                self.put(language, texts);
            }
            Err(found) => findings.extend(found),
        }
    }

    fn put(&mut self, language: &str, texts: Texts) {
        self.0.insert(tag(language), Words::new(language, texts));
    }

    /// The texts of a file over those that its language has already, and what is wrong with it. One
    /// that is built in is the measure, and measured by nothing.
    fn read(&self, item: &Item, file: Option<(&Arc<SourceText>, &str)>) -> (Texts, Vec<Finding>) {
        let mut texts = Texts::new();
        let mut findings = Vec::new();
        let known = file.map(|(_, language)| (self.of(ENGLISH), self.known(language)));
        if let Some((_, Some(base))) = known {
            texts.clone_from(&base.texts);
        }
        for (name, entry) in flat(item) {
            let Some((english, _)) = known else {
                if let Node::Text(text) = &entry.item.node {
                    texts.insert(name, text.clone());
                }
                continue;
            };
            match english.measure(&name, entry) {
                Ok(text) => _ = texts.insert(name, text),
                Err(finding) => findings.push(*finding),
            }
        }
        if let (Some((source, _)), Some((english, _))) = (file, known) {
            let given: BTreeSet<String> = flat(item).into_iter().map(|(name, _)| name).collect();
            let missing = english.texts.iter();
            let missing = missing.filter(|(name, _)| !texts.contains_key(*name));
            let mut theirs = Vec::new();
            for (name, text) in missing.filter(|(name, _)| !given.contains(*name)) {
                if name.starts_with(OWNERS) {
                    theirs.push((name.clone(), text.clone()));
                    continue;
                }
                let message = format!("`{name}` is missing");
                let help = format!("in English it is: {text}");
                findings.push(Finding::new(source, 0..0, message).with_help(help));
            }
            texts.extend(theirs);
        }
        (texts, findings)
    }

    /// The words in this language, or the nearest there is: `de-AT`, `de`, and then English.
    pub fn of(&self, language: &str) -> &Words {
        static NONE: LazyLock<Words> = LazyLock::new(Words::default);
        let english = self.0.get(ENGLISH);
        let nearest = self.known(language).or(english);
        nearest.unwrap_or(&NONE)
    }

    /// The same, where there are any.
    pub fn known(&self, language: &str) -> Option<&Words> {
        fallbacks(language).find_map(|tag| self.0.get(&tag))
    }

    /// The language that fits this `Accept-Language` best, of equals the first; else the business's,
    /// else English.
    pub fn choose(&self, accepted: Option<&str>, business: &str) -> &Words {
        let mut best: Option<(&Words, f32)> = None;
        for wish in accepted.unwrap_or("").split(',') {
            let mut parts = wish.split(';').map(str::trim);
            let Some(words) = parts.next().and_then(|wish| self.known(wish)) else {
                continue;
            };
            let weight = parts.find_map(|part| part.strip_prefix("q="));
            let weight = weight.map_or(1.0, |q| q.parse().unwrap_or(0.0));
            if weight > 0.0 && best.is_none_or(|(_, most)| weight > most) {
                best = Some((words, weight));
            }
        }
        best.map_or_else(|| self.of(business), |(words, _)| words)
    }

    /// What this language is called in itself; its tag, where nobody says.
    pub fn name_of<'a>(&'a self, language: &'a str) -> &'a str {
        self.known(language)
            .map_or(language, |words| words.say("name"))
    }
}

impl Words {
    fn new(language: &str, texts: Texts) -> Self {
        let mut tree: BTreeMap<&str, Value> = BTreeMap::new();
        let mut sections: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
        for (name, text) in &texts {
            match name.split_once('.') {
                Some((section, key)) => {
                    sections.entry(section).or_default().insert(key, text);
                }
                None => _ = tree.insert(name, Value::from(text.as_str())),
            }
        }
        for (section, texts) in sections {
            tree.insert(section, Value::from_pairs(texts));
        }
        Self {
            language: language.to_owned(),
            tree: Value::from_pairs(tree),
            texts,
        }
    }

    /// The text of this name; nothing where there is none.
    pub fn say(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }

    /// The same with values in it.
    pub fn fill(&self, name: &str, values: &[(&str, &str)]) -> String {
        filled(self.say(name), values)
    }

    /// Whether it is written from right to left.
    pub fn is_right_to_left(&self) -> bool {
        super::words::is_right_to_left(&self.language)
    }

    /// All of them, for a page.
    pub fn tree(&self) -> Value {
        self.tree.clone()
    }

    /// The months' names, January first.
    pub fn months(&self) -> [&str; 12] {
        MONTHS.map(|name| self.say(name))
    }

    /// `2 May 2027`; without the year where it isn't known.
    pub fn date(&self, date: PartialDate) -> String {
        let at = usize::try_from(date.month() - 1).ok();
        let months = self.months();
        let month = at.and_then(|at| months.get(at)).copied().unwrap_or("");
        let day = match (self.language.as_str(), date.day()) {
            ("fr", 1) => "1er".to_owned(),
            (_, day) => day.to_string(),
        };
        let year = date.year().map(|year| year.to_string());
        let pattern = if year.is_some() { "date" } else { "day" };
        let year = year.unwrap_or_default();
        self.fill(pattern, &[("day", &day), ("month", month), ("year", &year)])
    }

    /// A file's text of this name, if it can be used: it has to be one of ours, with the same values.
    fn measure(&self, name: &str, entry: &Entry) -> Result<String, Box<Finding>> {
        let at = |place: &crate::model::tables::Place, message: String, help: String| {
            let finding = Finding::new(&place.source, place.span.clone(), message);
            Box::new(finding.with_help(help))
        };
        let Some(ours) = self.texts.get(name) else {
            let near = nearest(name, self.texts.keys().map(String::as_str));
            let help = near.map_or_else(
                || "take the line out".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(at(&entry.place, format!("there is no text `{name}`"), help));
        };
        let place = &entry.item.place;
        let Node::Text(text) = &entry.item.node else {
            let message = format!("`{name}` is no text");
            return Err(at(place, message, "write it in quotes".to_owned()));
        };
        if text.trim().is_empty() || text.chars().count() > MOST_CHARS {
            let message = format!("`{name}` is empty, or longer than {MOST_CHARS} characters");
            return Err(at(place, message, format!("in English it is: {ours}")));
        }
        if values(text) != values(ours) {
            let wanted: Vec<String> = values(ours)
                .iter()
                .map(|one| format!("`{{{one}}}`"))
                .collect();
            let help = if wanted.is_empty() {
                "write it without `{` and `}`".to_owned()
            } else {
                format!("it needs {}, each in braces", wanted.join(", "))
            };
            return Err(at(
                place,
                format!("`{name}` hasn't the values that it needs"),
                help,
            ));
        }
        Ok(text.clone())
    }
}

/// The text with these values for `{name}`.
pub fn filled(text: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            rest = after;
            break;
        };
        let value = values.iter().find(|(known, _)| *known == name);
        out.push_str(value.map_or("", |(_, value)| value));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The names in braces.
fn values(text: &str) -> BTreeSet<&str> {
    let mut parts = text.split('{');
    parts.next();
    parts
        .map(|part| part.split('}').next().unwrap_or(part))
        .collect()
}

/// Every text of a file by its name, with where it stands.
fn flat(item: &Item) -> Vec<(String, &Entry)> {
    let Node::Table(entries) = &item.node else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for entry in entries {
        match &entry.item.node {
            Node::Table(_) => {
                let below = flat(&entry.item).into_iter();
                all.extend(below.map(|(name, one)| (format!("{}.{name}", entry.key), one)));
            }
            _ => all.push((entry.key.clone(), entry)),
        }
    }
    all
}

fn unread(path: &Path, message: &str) -> Finding {
    let source = SourceText {
        name: path.display().to_string(),
        text: String::new(),
    };
    Finding::new(&Arc::new(source), 0..0, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(files: &[(&str, &str)]) -> (Phrases, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let (phrases, findings) = Phrases::load(dir.path());
        let told = |finding: &Finding| {
            let (line, _) = finding.position();
            let file = Path::new(&finding.source.name).file_name().unwrap();
            let help = finding.help.clone().unwrap_or_default();
            format!("{}:{line}: {}; {help}", file.display(), finding.message)
        };
        let findings = findings.iter().map(told).collect();
        (phrases, findings)
    }

    #[test]
    fn every_built_in_language_says_all_that_there_is_to_say() {
        let english = Phrases::built_in().of("en");
        assert!(english.texts.len() > 80);
        for (language, text) in BUILT_IN {
            // As if it were a file of a language that nobody knows.
            let (phrases, findings) = load(&[("xx.toml", text)]);
            assert_eq!(findings, Vec::<String>::new(), "{language}");
            let names = |words: &Words| words.texts.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(phrases.of("xx")), names(english));
            assert_eq!(
                Phrases::built_in().of(language).texts,
                phrases.of("xx").texts
            );
        }
        assert!(MONTHS.iter().all(|name| !english.say(name).is_empty()));
    }

    #[test]
    fn a_file_changes_what_it_says_and_nothing_else() {
        let (phrases, findings) = load(&[
            ("de.toml", "[footer]\nunsubscribe = \"Keine Post mehr\"\n"),
            ("de-AT.toml", "[months]\njanuary = \"Jänner\"\n"),
        ]);
        assert_eq!(findings, Vec::<String>::new());
        let german = phrases.of("de-CH");
        assert_eq!(german.say("footer.unsubscribe"), "Keine Post mehr");
        assert_eq!(german.say("months.january"), "Januar");
        let austrian = phrases.of("de_at");
        assert_eq!(
            austrian.date("2027-01-06".parse().unwrap()),
            "6. Jänner 2027"
        );
        assert_eq!(austrian.say("footer.unsubscribe"), "Keine Post mehr");
        assert_eq!(phrases.of("it").language, "en");
        assert_eq!(phrases.name_of("fr-CA"), "Français");
        assert_eq!(phrases.name_of("it"), "it");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_with_its_line() {
        let (_, findings) = load(&[
            ("no language.toml", ""),
            (
                "de.toml",
                "name = \"Deutsch\"\n[footer]\nunsubscrib = \"Weg\"\nbecause = \"Sie sind hier\"\n\
                 preferences = 3\ncolon = \"\"\n[page]\nlater = \"Gleich {noch} mal\"\n",
            ),
            ("pl.toml", "nonsense"),
        ]);
        let wanted = [
            "de.toml:3: there is no text `footer.unsubscrib`; did you mean `footer.unsubscribe`?",
            "de.toml:4: `footer.because` hasn't the values that it needs; it needs `{business}`, each in braces",
            "de.toml:5: `footer.preferences` is no text; write it in quotes",
            "de.toml:6: `footer.colon` is empty, or longer than 1000 characters; in English it is: : ",
            "de.toml:8: `page.later` hasn't the values that it needs; write it without `{` and `}`",
            "no language.toml:1: the file's name is no language; name it like `it.toml` or `de-AT.toml`",
        ];
        for one in wanted {
            assert!(
                findings.iter().any(|found| found == one),
                "{one}\n{findings:#?}"
            );
        }
        assert_eq!(findings.len(), wanted.len() + 1, "{findings:#?}");
        // A new language is told all that it lacks, with the words to translate.
        let (phrases, findings) = load(&[("it.toml", "name = \"Italiano\"\n")]);
        let english = phrases.of("en").texts.keys();
        let to_customers = english.filter(|name| !name.starts_with(OWNERS)).count();
        assert_eq!(findings.len(), to_customers - 1);
        let unsubscribe =
            "it.toml:1: `footer.unsubscribe` is missing; in English it is: Unsubscribe";
        assert!(
            findings.iter().any(|found| found == unsubscribe),
            "{findings:#?}"
        );
    }

    #[test]
    fn the_browser_chooses_the_language_and_else_the_business() {
        let phrases = Phrases::built_in();
        for (accepted, language) in [
            (None, "de"),
            (Some(""), "de"),
            (Some("*"), "de"),
            (Some("it, pl;q=0.5"), "de"),
            (Some("fr-CH, en;q=0.9"), "fr"),
            (Some("it, FR ; q=0.3, en; q=0.8"), "en"),
            (Some("en;q=0, fr;q=0.1"), "fr"),
            (Some("en;q=nonsense"), "de"),
        ] {
            let chosen = phrases.choose(accepted, "de-AT");
            assert_eq!(chosen.language, language, "{accepted:?}");
        }
        assert_eq!(phrases.choose(None, "it").language, "en");
    }

    #[test]
    fn values_stand_where_the_text_says() {
        assert_eq!(
            filled("a {x} b {y}{x}", &[("x", "{y}"), ("y", "2")]),
            "a {y} b 2{y}"
        );
        assert_eq!(filled("open {x", &[("x", "1")]), "open x");
    }
}
