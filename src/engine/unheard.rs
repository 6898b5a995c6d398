//! Rules that ask for an attribute or a kind of event of which nobody has heard: most likely a slip of
//! the pen, by which a rule is silent for ever. `fondly check` warns of it; it is no mistake, since
//! records may come later.
//!
//! Pure: it is told what there is.

use std::collections::BTreeSet;

use crate::model::View;
use crate::model::event::KNOWN_KINDS;
use crate::model::tables::nearest;
use crate::rules::{DateField, Rule, Trigger};
use crate::settings::Settings;

/// How attributes of the business's own begin.
const ATTR: &str = "attr.";

/// So many names are told where none is near.
const NAMED: usize = 8;

/// What there is.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Attributes, with `attr.`, that a customer or a source's column has.
    attributes: BTreeSet<String>,
    /// Kinds of event on record.
    kinds: BTreeSet<String>,
    /// Some customer is on record.
    customers: bool,
}

impl Heard {
    /// What the settings speak of.
    pub(super) fn of(settings: &Settings) -> Self {
        let mut heard = Self::default();
        for source in &settings.sources {
            heard.fields(source.columns.keys());
        }
        let sent = settings.api.iter().flat_map(|api| api.types.keys());
        let sent = sent.map(|name| format!("{ATTR}{name}"));
        heard.attributes.extend(sent);
        heard
    }

    /// Fields that a source has columns for.
    pub(super) fn fields<'f>(&mut self, fields: impl IntoIterator<Item = &'f String>) {
        let own = fields.into_iter().filter(|field| field.starts_with(ATTR));
        self.attributes.extend(own.cloned());
    }

    /// What a customer has.
    pub(super) fn customer(&mut self, view: &View) {
        self.customers = true;
        for name in view.customer.attrs.keys() {
            let name = format!("{ATTR}{name}");
            self.attributes.insert(name);
        }
        let past = view.past.iter().map(|past| &past.kind);
        for kind in view.events.iter().map(|event| &event.kind).chain(past) {
            if !self.kinds.contains(kind) {
                self.kinds.insert(kind.clone());
            }
        }
    }

    /// What this rule asks for in vain, a sentence each.
    pub(super) fn missing_for(&self, rule: &Rule) -> Vec<String> {
        let file = format!("rules/{}.toml", rule.id);
        let kinds: &[String] = match &rule.trigger {
            Trigger::Anniversary(yearly) => return self.attribute(&file, &yearly.field),
            Trigger::Date(once) => return self.attribute(&file, &once.field),
            Trigger::Event(event) => std::slice::from_ref(&event.kind),
            Trigger::Lapsed(silence) => &silence.contact,
            Trigger::Usage(usage) => &usage.kinds,
            Trigger::Holiday(_) | Trigger::Fixed(_) => &[],
        };
        let is_known = |kind: &str| self.kinds.contains(kind) || KNOWN_KINDS.contains(&kind);
        let unknown = kinds.iter().filter(|kind| !is_known(kind));
        let there = self.kinds.iter().map(String::as_str);
        let meant: BTreeSet<&str> = there.chain(KNOWN_KINDS.iter().copied()).collect();
        unknown
            .map(|kind| {
                let help = instead(kind, &meant);
                format!("{file}: no event of the kind `{kind}` is on record; {help}")
            })
            .collect()
    }

    fn attribute(&self, file: &str, field: &DateField) -> Vec<String> {
        let DateField::Attr(_) = field else {
            return Vec::new();
        };
        let name = field.name();
        // Before the first records nothing can be told from their silence.
        let nothing_yet = !self.customers && self.attributes.is_empty();
        if nothing_yet || self.attributes.contains(&name) {
            return Vec::new();
        }
        let known = self.attributes.iter().map(String::as_str).collect();
        let help = instead(&name, &known);
        vec![format!(
            "{file}: no customer on record has `{name}`, nor has any source a column for it; {help}"
        )]
    }
}

/// What was meant, or what there is.
fn instead(word: &str, known: &BTreeSet<&str>) -> String {
    let bare = |name: &str| name.trim_start_matches(ATTR).to_owned();
    let own: Vec<(String, &str)> = known.iter().map(|full| (bare(full), *full)).collect();
    let near = nearest(&bare(word), own.iter().map(|(bare, _)| bare.as_str()));
    if let Some((_, full)) = near.and_then(|near| own.iter().find(|(bare, _)| bare == near)) {
        return format!("did you mean `{full}`?");
    }
    let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    match (names.as_slice(), names.split_at_checked(NAMED)) {
        ([], _) => "there is no attribute of the business's own yet".to_owned(),
        ([only], _) => format!("there is only {only}"),
        (_, Some((first, rest))) if !rest.is_empty() => {
            format!("there are {} and {} more", first.join(", "), rest.len())
        }
        _ => format!("there are {}", names.join(", ")),
    }
}
