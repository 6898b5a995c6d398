//! Reads the trees of `tables` so that nothing is overlooked: keys are asked for by name, wrong
//! kinds of value become findings, and so does every key that nobody asked for.
//!
//! May not do I/O, nor know what any key means.

use super::tables::{Entry, Item, Node, Notes, Place, advice, nearest, shortened};

/// A table in the course of being read.
#[derive(Debug)]
pub struct Table<'a> {
    path: String,
    /// Whether it is one of a list: `[[source]]`.
    listed: bool,
    place: &'a Place,
    entries: &'a [Entry],
    asked: Vec<&'static str>,
    /// Something else stands in its place, of which people are told: what is missing is no news.
    spoilt: bool,
    notes: &'a Notes,
}

impl<'a> Table<'a> {
    /// The table of a whole file.
    pub fn root(item: &'a Item, notes: &'a Notes) -> Self {
        Self::over(item, &item.place, String::new(), notes)
    }

    fn over(item: &'a Item, place: &'a Place, path: String, notes: &'a Notes) -> Self {
        let entries: &[Entry] = match &item.node {
            Node::Table(entries) => entries,
            _ => &[],
        };
        let asked = Vec::new();
        Self {
            path,
            listed: false,
            place,
            entries,
            asked,
            spoilt: false,
            notes,
        }
    }

    fn named(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    fn value_of(&self, entry: &'a Entry) -> Value<'a> {
        Value {
            name: self.named(&entry.key),
            item: &entry.item,
            key: &entry.place,
            notes: self.notes,
        }
    }

    /// Where the table's name stands.
    pub const fn place(&self) -> &'a Place {
        self.place
    }

    /// The value of that key, where it is given.
    pub fn get(&mut self, key: &'static str) -> Option<Value<'a>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(self.value_of(entry))
    }

    /// The value of that key, or a finding with an example of what to write.
    pub fn require(&mut self, key: &'static str, example: &str) -> Option<Value<'a>> {
        let value = self.get(key);
        if value.is_none() && !self.spoilt {
            let home = match (self.path.as_str(), self.listed) {
                ("", _) => String::new(),
                (path, false) => format!(" under `[{path}]`"),
                (path, true) => format!(" under `[[{path}]]`"),
            };
            self.notes.add(
                self.place,
                format!("`{}` is missing", self.named(key)),
                Some(format!("add `{key} = {example}`{home}")),
            );
        }
        value
    }

    /// Whether that key is given; it doesn't count as asked for.
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// A finding at the table's name.
    pub fn complain(&self, message: &str, help: &str) {
        self.notes.add(self.place, message, Some(help.to_owned()));
    }

    /// The table of that key, where it is given.
    pub fn table(&mut self, key: &'static str) -> Option<Table<'a>> {
        self.get(key)?.table()
    }

    /// The same, or an empty one, where it isn't given.
    #[must_use]
    pub fn table_or_empty(&mut self, key: &'static str) -> Table<'a> {
        self.table(key).unwrap_or_else(|| Self {
            path: self.named(key),
            listed: false,
            place: self.place,
            entries: &[],
            asked: Vec::new(),
            spoilt: self.has(key),
            notes: self.notes,
        })
    }

    /// Refuses keys that are agreed on but not built yet; they are never ignored.
    pub fn not_yet(&self, keys: &[&str]) {
        for entry in self.entries {
            if keys.contains(&entry.key.as_str()) {
                self.value_of(entry).not_yet();
            }
        }
    }

    /// All entries, for tables whose keys are the user's own.
    pub fn all(self) -> impl Iterator<Item = (&'a str, Value<'a>)> {
        let entries = self.entries;
        entries
            .iter()
            .map(move |entry| (entry.key.as_str(), self.value_of(entry)))
    }

    /// Reports every key that nobody asked for, except those refused by `not_yet`.
    pub fn finish(self, refused: &[&str]) {
        self.not_yet(refused);
        for entry in self.entries {
            let key = entry.key.as_str();
            if self.asked.contains(&key) || refused.contains(&key) {
                continue;
            }
            let near = nearest(key, self.asked.iter().copied());
            let home = self.notes.homes().iter().find(|(known, _)| *known == key);
            let help = match (near, home) {
                (None, Some((_, home))) => format!("`{key}` belongs {home}"),
                _ => advice(key, self.asked.iter().copied()),
            };
            let message = format!("there is no setting `{}`", self.named(key));
            self.notes.add(&entry.place, message, Some(help));
        }
    }
}

/// A value in the course of being read.
#[derive(Debug, Clone)]
pub struct Value<'a> {
    name: String,
    item: &'a Item,
    key: &'a Place,
    notes: &'a Notes,
}

impl<'a> Value<'a> {
    /// Its full name: `mail.smtp.port`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As it was written.
    pub const fn item(&self) -> &'a Item {
        self.item
    }

    /// A finding at the value.
    pub fn complain(&self, message: impl AsRef<str>, help: Option<String>) {
        let message = format!("`{}`: {}", self.name, message.as_ref());
        self.notes.add(&self.item.place, message, help);
    }

    /// A finding at the key, in these words.
    pub fn complain_of_key(&self, message: &str, help: &str) {
        self.notes.add(self.key, message, Some(help.to_owned()));
    }

    /// A finding about a key that isn't one of these.
    pub fn unknown_key<'k>(&self, key: &str, known: impl Iterator<Item = &'k str> + Clone) {
        let message = format!("there is no setting `{}`", self.name);
        self.complain_of_key(&message, &advice(key, known));
    }

    /// Refuses what is agreed on but not built yet.
    pub fn not_yet(&self) {
        let message = format!("`{}` isn't supported yet", self.name);
        let help = "take it out for now".to_owned();
        self.notes.add(self.key, message, Some(help));
    }

    fn wrong_kind<T>(&self, wanted: &str, help: &str) -> Option<T> {
        let found = match &self.item.node {
            Node::Text(text) | Node::Loose(text) => format!("the text `{}`", shortened(text)),
            Node::Whole(n) => format!("the number `{n}`"),
            Node::Fraction(n) if n.is_finite() => format!("the number `{n}`"),
            Node::Fraction(_) => "a number out of range".to_owned(),
            Node::YesNo(yes) => format!("`{yes}`"),
            Node::Moment(moment) => format!("`{moment}` without quotes"),
            Node::List(_) => "a list".to_owned(),
            Node::Table(_) => "a table".to_owned(),
        };
        self.complain(
            format!("this must be {wanted}, but is {found}"),
            Some(help.into()),
        );
        None
    }

    /// Text that isn't blank.
    pub fn text(&self) -> Option<&'a str> {
        match &self.item.node {
            Node::Text(text) | Node::Loose(text) => self.not_blank(text),
            _ => self.wrong_kind("text in quotes", "write it as text: `\"…\"`"),
        }
    }

    fn not_blank(&self, text: &'a str) -> Option<&'a str> {
        if text.trim().is_empty() {
            self.complain("this is empty", Some("fill it in, or take it out".into()));
            return None;
        }
        Some(text)
    }

    /// Text in quotes, or a date or time without.
    pub fn moment(&self) -> Option<&'a str> {
        match &self.item.node {
            Node::Moment(text) => Some(text),
            _ => self.text(),
        }
    }

    /// A whole number from that range.
    pub fn whole(&self, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let n = match &self.item.node {
            Node::Whole(n) => Some(*n),
            Node::Loose(text) => text.parse().ok(),
            _ => None,
        };
        let fits = n.and_then(|n| u32::try_from(n).ok());
        fits.filter(|n| range.contains(n)).or_else(|| {
            let (low, high) = (range.start(), range.end());
            self.wrong_kind(
                &format!("a whole number from {low} to {high}"),
                match self.item.node {
                    Node::Whole(_) => "write a number from that range",
                    _ => "write the number alone, without quotes or a unit",
                },
            )
        })
    }

    /// `true` or `false`.
    pub fn yes_no(&self) -> Option<bool> {
        match &self.item.node {
            Node::YesNo(yes) => Some(*yes),
            Node::Loose(text) if text == "true" => Some(true),
            Node::Loose(text) if text == "false" => Some(false),
            _ => self.wrong_kind("`true` or `false`", "write one of them, without quotes"),
        }
    }

    /// The elements of a list.
    pub fn list(&self, example: &str) -> Option<Vec<Value<'a>>> {
        match &self.item.node {
            Node::List(items) => Some(
                items
                    .iter()
                    .map(|item| Value {
                        name: self.name.clone(),
                        item,
                        key: &item.place,
                        notes: self.notes,
                    })
                    .collect(),
            ),
            _ => self.wrong_kind(
                "a list",
                &format!("write it in brackets, such as `{example}`"),
            ),
        }
    }

    /// A table.
    pub fn table(&self) -> Option<Table<'a>> {
        match &self.item.node {
            Node::Table(_) => Some(Table::over(
                self.item,
                self.key,
                self.name.clone(),
                self.notes,
            )),
            _ => self.wrong_kind(
                "a table",
                &format!("start it with `[{}]`, and its settings below", self.name),
            ),
        }
    }

    /// The tables of a list of tables.
    pub fn tables(&self, header: &str) -> Option<Vec<Table<'a>>> {
        let tables = |item: &Item| matches!(item.node, Node::Table(_));
        match &self.item.node {
            Node::List(items) if items.iter().all(tables) => Some(
                items
                    .iter()
                    .map(|item| Table {
                        listed: true,
                        ..Table::over(item, &item.place, self.name.clone(), self.notes)
                    })
                    .collect(),
            ),
            _ => self.wrong_kind("a list of tables", &format!("head each with `{header}`")),
        }
    }

    /// One of these words.
    pub fn one_of<T: Copy>(&self, choices: &[(&'static str, T)]) -> Option<T> {
        let text = self.text()?;
        if let Some((_, choice)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(*choice);
        }
        self.unknown_word(text, choices.iter().map(|(word, _)| *word));
        None
    }

    /// A finding about a word that isn't one of these.
    pub fn unknown_word<'k>(&self, text: &str, known: impl Iterator<Item = &'k str> + Clone) {
        let message = format!("`{}` isn't one of the choices", shortened(text));
        self.complain(message, Some(advice(text, known)));
    }

    /// Text that `read` understands; what it says otherwise becomes the finding.
    pub fn read<T>(&self, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        self.checked(self.text()?, read)
    }

    /// The same for text, dates and times.
    pub fn read_moment<T>(&self, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        self.checked(self.moment()?, read)
    }

    fn checked<T>(&self, text: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        match read(text) {
            Ok(value) => Some(value),
            Err(message) => {
                // "What is wrong; what to write" is two things to a reader.
                let (what, help) = match message.split_once("; ") {
                    Some((what, help)) => (what, Some(help.to_owned())),
                    None => (message.as_str(), None),
                };
                self.complain(what, help);
                None
            }
        }
    }
}
