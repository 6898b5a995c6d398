//! What edited rules would change: two forecasts, one with the rules in force and one with the
//! files as they are, held against each other.
//!
//! Settings, letters and records are those of now on both sides. May not change anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::forecast::{Forecast, Question, forecast};
use super::walk::Stretch;
use super::{EngineError, Plans};
use crate::model::{Outcome, Reason};
use crate::rules::{Rule, Written};
use crate::store::{Entry, OpenOptions, Store};

/// What becomes of an occasion on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// The civil day on which it goes out, or else on which it is due, in its zone.
    pub day: Date,
    /// The moment of it.
    pub at: Timestamp,
    /// The IANA name of its zone.
    pub zone: String,
    /// What becomes of it.
    pub outcome: Outcome,
    /// Why.
    pub reason: Option<Reason>,
}

/// How an occasion differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It goes out, and wouldn't have.
    More,
    /// It doesn't go out any more.
    Fewer,
    /// It goes out at another time.
    Moved,
    /// It didn't go out and won't, in another way.
    Otherwise,
}

impl Change {
    /// As JSON has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::More => "more",
            Self::Fewer => "fewer",
            Self::Moved => "moved",
            Self::Otherwise => "otherwise",
        }
    }
}

/// One occasion that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The rule's id.
    pub rule: String,
    /// The customer's id.
    pub customer: String,
    /// The occasion key.
    pub occasion: String,
    /// How.
    pub change: Change,
    /// With the rules in force.
    pub before: Option<Fate>,
    /// With the rules as edited.
    pub after: Option<Fate>,
}

/// What became of a rule's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// It is new, or is switched on for the first time.
    New,
    /// It is gone.
    Removed,
    /// The rule is switched on.
    SwitchedOn,
    /// The rule is switched off.
    SwitchedOff,
    /// Its words are others.
    Edited,
    /// Nothing; it feels the other rules.
    Untouched,
}

/// What the edited rules would change.
#[derive(Debug)]
pub struct Diff {
    /// Every rule of either side with its title and what became of its file, by id.
    pub rules: BTreeMap<String, (String, Edit)>,
    /// Every occasion that differs, by rule, change, moment and customer.
    pub differences: Vec<Difference>,
    /// What a person should know of the comparison.
    pub remarks: Vec<String>,
    /// Sources that couldn't be read.
    pub trouble: Vec<String>,
    names: Forecast,
    old_names: Forecast,
}

impl Diff {
    /// The customer's name with their id, where a name is known; else the id.
    pub fn named(&self, customer: &str) -> String {
        let name = self.names.named(customer);
        if name == customer {
            self.old_names.named(customer)
        } else {
            name
        }
    }

    /// Whether any rule's file differs from what is in force.
    pub fn any_edit(&self) -> bool {
        let mut rules = self.rules.values();
        rules.any(|(_, edit)| *edit != Edit::Untouched)
    }
}

/// Compares the rules in force with those of the files.
///
/// # Errors
/// The store's trouble.
pub async fn diff(
    plans: Plans,
    stretch: &Stretch,
    progress: impl Fn(Timestamp),
) -> Result<Diff, EngineError> {
    let mut remarks = Vec::new();
    let in_force = in_force(&plans.settings.store.path, &mut remarks).await?;
    let mut before = plans.clone();
    before.rules.clone_from(&in_force);
    for rule in &mut before.rules {
        keep_writing(rule, &plans, &mut remarks);
    }
    let rules = edits(&in_force, &plans.rules);
    let all = Question::default();
    let old = forecast(before, stretch, &all, &progress).await?;
    let new = forecast(plans, stretch, &all, &progress).await?;
    Ok(Diff {
        rules,
        differences: differences(&old.entries, &new.entries),
        remarks,
        trouble: new.trouble.clone(),
        names: new,
        old_names: old,
    })
}

/// The rules that the last pass went by.
async fn in_force(store: &Path, remarks: &mut Vec<String>) -> Result<Vec<Rule>, EngineError> {
    let mut rules = Vec::new();
    let mut states = Vec::new();
    if store.exists() {
        let store = Store::open(&store.display().to_string(), OpenOptions::default()).await?;
        states = store.rule_states().await?;
        store.close().await?;
    }
    if states.is_empty() {
        remarks.push(
            "no rule is in force yet: the first `fondly tick` or `fondly run` puts them in force"
                .to_owned(),
        );
    }
    for state in states {
        let Some(written) = state.written else {
            continue;
        };
        match Written::rule(&written, &state.rule) {
            Some(rule) => rules.push(rule),
            None => remarks.push(format!(
                "rule {} as it is in force can't be read by this version, and counts as new",
                state.rule
            )),
        }
    }
    Ok(rules)
}

/// This is about who and when, not about the words: where a rule in force names a letter that is
/// gone from the folder, that of the edited rule stands in.
fn keep_writing(rule: &mut Rule, plans: &Plans, remarks: &mut Vec<String>) {
    let language = &plans.settings.business.language;
    let gone = |name: &str| plans.letters.check(name, language).is_err();
    let late_gone = rule.send.late_template.as_deref().is_some_and(gone);
    if !gone(&rule.template) && !late_gone {
        return;
    }
    if let Some(edited) = plans.rules.iter().find(|edited| edited.id == rule.id) {
        rule.template.clone_from(&edited.template);
        rule.send
            .late_template
            .clone_from(&edited.send.late_template);
    } else {
        remarks.push(format!(
            "rule {} and its letter `{}` are gone; put the letter back to see who loses it",
            rule.id, rule.template
        ));
    }
}

fn edits(old: &[Rule], new: &[Rule]) -> BTreeMap<String, (String, Edit)> {
    let find = |rules: &[Rule], id: &str| rules.iter().find(|rule| rule.id == id).cloned();
    let ids: BTreeSet<&str> = old.iter().chain(new).map(|rule| rule.id.as_str()).collect();
    let edit = |id: &str| match (find(old, id), find(new, id)) {
        // A rule that is off and never was on changes nothing.
        (None, Some(new)) if !new.enabled => Some((new.title, Edit::Untouched)),
        (None, Some(new)) => Some((new.title, Edit::New)),
        (Some(old), None) => Some((old.title, Edit::Removed)),
        (Some(old), Some(new)) => {
            let edit = match (old.enabled, new.enabled) {
                (false, true) => Edit::SwitchedOn,
                (true, false) => Edit::SwitchedOff,
                _ if old.version != new.version => Edit::Edited,
                _ => Edit::Untouched,
            };
            Some((new.title, edit))
        }
        (None, None) => None,
    };
    ids.into_iter()
        .filter_map(|id| Some((id.to_owned(), edit(id)?)))
        .collect()
}

/// Rule, customer and occasion.
type Key<'a> = (&'a str, &'a str, &'a str);

fn fates(entries: &[Entry]) -> BTreeMap<Key<'_>, Fate> {
    let fate = |entry: &Entry| {
        let zone = TimeZone::get(&entry.occasion.zone).unwrap_or(TimeZone::UTC);
        let at = entry.sent_at.unwrap_or(entry.occasion.due_at);
        Fate {
            day: zone.to_datetime(at).date(),
            at,
            zone: entry.occasion.zone.clone(),
            outcome: entry.outcome,
            reason: entry.reason,
        }
    };
    entries
        .iter()
        .map(|entry| {
            let key = (
                entry.rule.as_str(),
                entry.customer.as_str(),
                entry.occasion.key.as_str(),
            );
            (key, fate(entry))
        })
        .collect()
}

/// Every occasion that isn't the same on both sides.
pub fn differences(before: &[Entry], after: &[Entry]) -> Vec<Difference> {
    let (old, new) = (fates(before), fates(after));
    let keys: BTreeSet<&Key<'_>> = old.keys().chain(new.keys()).collect();
    let mut found: Vec<Difference> = keys
        .into_iter()
        .filter_map(|key| {
            let (before, after) = (old.get(key), new.get(key));
            let change = change(before, after)?;
            let (rule, customer, occasion) = key;
            Some(Difference {
                rule: (*rule).to_owned(),
                customer: (*customer).to_owned(),
                occasion: (*occasion).to_owned(),
                change,
                before: before.cloned(),
                after: after.cloned(),
            })
        })
        .collect();
    let at = |one: &Difference| {
        one.after
            .as_ref()
            .or(one.before.as_ref())
            .map(|fate| fate.at)
    };
    found.sort_by(|a, b| {
        (&a.rule, a.change, at(a), &a.customer, &a.occasion).cmp(&(
            &b.rule,
            b.change,
            at(b),
            &b.customer,
            &b.occasion,
        ))
    });
    found
}

fn change(before: Option<&Fate>, after: Option<&Fate>) -> Option<Change> {
    let goes = |fate: Option<&Fate>| fate.is_some_and(|fate| fate.outcome == Outcome::Sent);
    match (goes(before), goes(after)) {
        (false, true) => Some(Change::More),
        (true, false) => Some(Change::Fewer),
        (true, true) => (before != after).then_some(Change::Moved),
        (false, false) => (before != after).then_some(Change::Otherwise),
    }
}
