//! Holds the ledger against what really arrived and against what was due.
//!
//! Reads the ledger as anybody would, with `fondly log --format json`. Knows nothing of how the
//! program works.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use serde_json::Value;

use super::business::{Business, Fate};
use super::relay::{Arrived, counted};
use super::run::Told;

/// Violations shown one by one.
pub(crate) const SHOWN: usize = 20;
/// The exit code that calls a person.
const NEEDS_A_PERSON: i32 = 3;
/// The domain of the business's own address, which Message-IDs end with.
const DOMAIN: &str = "thorn.example";

/// One line of the ledger.
#[derive(Debug)]
struct Entry {
    id: String,
    rule: String,
    customer: String,
    outcome: String,
    message_id: Option<String>,
    next_attempt_at: Option<Timestamp>,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// How many entries have which outcome, and how many of them arrived.
    outcomes: BTreeMap<String, (usize, usize)>,
    /// Letters that arrived more than once.
    pub(crate) doubled: usize,
    /// Letters that should have arrived, and are neither there nor said to be uncertain.
    pub(crate) lost: usize,
    pub(crate) violations: Vec<String>,
}

/// Looks for everything that may not be.
pub(crate) fn check(
    business: &Business,
    arrived: &[Arrived],
    told: &Told,
) -> anyhow::Result<Found> {
    let entries = ledger(business)?;
    let mut found = Found {
        violations: told.faults.clone(),
        ..Found::default()
    };
    let by_id = counted(arrived.iter().map(|letter| letter.message_id.as_str()));
    for entry in &entries {
        found.entry(entry, &by_id, told.last_began);
    }
    found.strangers(&entries, &by_id);
    found.twice(arrived);
    found.expectations(business, &entries);
    found.flagged(business, told);
    Ok(found)
}

fn ledger(business: &Business) -> anyhow::Result<Vec<Entry>> {
    let words = ["log", "--format", "json", "--limit", "10000000"];
    let mut command = business.command(&words);
    let answer = command.stdout(std::process::Stdio::piped()).output()?;
    if !answer.status.success() {
        bail!("fondly log: {}", String::from_utf8_lossy(&answer.stderr));
    }
    let text = String::from_utf8(answer.stdout)?;
    text.lines().map(entry).collect()
}

fn entry(line: &str) -> anyhow::Result<Entry> {
    let json: Value = serde_json::from_str(line)?;
    let maybe = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
    let text = |name: &str| maybe(name).with_context(|| format!("no {name} in {line}"));
    Ok(Entry {
        id: text("id")?,
        rule: text("rule")?,
        customer: text("customer")?,
        outcome: text("outcome")?,
        message_id: maybe("message_id"),
        next_attempt_at: maybe("next_attempt_at").and_then(|at| at.parse().ok()),
    })
}

impl Found {
    fn complain(&mut self, entry: &Entry, words: &str) {
        let Entry {
            id,
            rule,
            customer,
            outcome,
            ..
        } = entry;
        self.violations.push(format!(
            "{id} ({rule} for {customer}) is {outcome}, {words}"
        ));
    }

    /// What an entry says of itself must be true.
    fn entry(&mut self, entry: &Entry, by_id: &HashMap<&str, usize>, last_pass: Timestamp) {
        let message_id = format!("{}@{DOMAIN}", entry.id);
        let times = by_id.get(message_id.as_str()).copied().unwrap_or(0);
        let count = self.outcomes.entry(entry.outcome.clone()).or_default();
        count.0 += 1;
        count.1 += usize::from(times > 0);
        if entry
            .message_id
            .as_ref()
            .is_some_and(|id| *id != message_id)
        {
            self.complain(entry, "with a Message-ID that isn't derived from it");
        }
        if times > 1 {
            self.doubled += 1;
            self.complain(entry, &format!("and arrived {times} times"));
        }
        match entry.outcome.as_str() {
            "sent" if times == 0 => self.complain(entry, "but never arrived"),
            "sent" | "unknown" => {}
            "planned" | "sending" | "held" => self.complain(entry, "after the last pass"),
            other => {
                if times > 0 {
                    self.complain(entry, "but arrived");
                }
                if other == "deferred" && entry.next_attempt_at.is_none_or(|at| at < last_pass) {
                    self.complain(entry, "and was due when the last pass began");
                }
            }
        }
    }

    /// Nothing arrives that the ledger doesn't know.
    fn strangers(&mut self, entries: &[Entry], by_id: &HashMap<&str, usize>) {
        let known: HashSet<String> = entries
            .iter()
            .map(|entry| format!("{}@{DOMAIN}", entry.id))
            .collect();
        for message_id in by_id.keys().filter(|id| !known.contains(**id)) {
            self.violations
                .push(format!("{message_id} arrived, and isn't in the ledger"));
        }
    }

    /// Nobody gets two letters for one occasion, whatever their Message-IDs: here everybody has
    /// one occasion a rule.
    fn twice(&mut self, arrived: &[Arrived]) {
        let counts = counted(arrived.iter().map(|one| (&one.recipient, &one.list)));
        for ((recipient, list), times) in counts {
            if times > 1 {
                self.violations
                    .push(format!("{recipient} got {times} letters of {list}"));
            }
        }
    }

    /// Every letter that was due is in the ledger, once, with an outcome that explains it.
    fn expectations(&mut self, business: &Business, entries: &[Entry]) {
        let files = business.is_of_files();
        let mut by_occasion: HashMap<(&str, &str), Vec<&Entry>> = HashMap::new();
        for entry in entries {
            by_occasion
                .entry((&entry.rule, &entry.customer))
                .or_default()
                .push(entry);
        }
        for ((rule, customer), fate) in &business.expected {
            let [entry] = by_occasion
                .remove(&(*rule, customer.as_str()))
                .unwrap_or_default()[..]
            else {
                self.lost += 1;
                self.violations
                    .push(format!("{rule} for {customer} isn't in the ledger once"));
                continue;
            };
            let fine: &[&str] = match fate {
                Fate::NeverTried => &["skipped"],
                _ if files => &["sent"],
                Fate::Arrives => &["sent", "unknown"],
                // The second letter to a refused address isn't tried.
                Fate::NoSuchUser => &["rejected", "skipped"],
                Fate::PutOff => &["deferred"],
                Fate::Refused => &["rejected", "skipped", "unknown"],
            };
            if !fine.contains(&entry.outcome.as_str()) {
                self.lost += usize::from(*fate == Fate::Arrives);
                self.complain(entry, &format!("but should be {}", fine.join(" or ")));
            }
        }
        for entry in by_occasion.into_values().flatten() {
            self.complain(entry, "and was never due");
        }
    }

    /// Each lost answer is an unknown outcome and nothing else is; with `resend` none stays one.
    pub(crate) fn answers(&mut self, told: &Told, resend: bool) {
        let wanted = if resend { 0 } else { told.lost_answers };
        let unknown = self.unknown();
        if u64::try_from(unknown) != Ok(wanted) {
            self.violations.push(format!(
                "{unknown} unknown instead of {wanted}, with {} answers lost",
                told.lost_answers
            ));
        }
    }

    /// Entries of which nobody knows whether they arrived.
    pub(crate) fn unknown(&self) -> usize {
        self.outcomes.get("unknown").map_or(0, |count| count.0)
    }

    /// What is uncertain calls a person; a file either is there or isn't.
    fn flagged(&mut self, business: &Business, told: &Told) {
        let unknown = self.unknown();
        if business.is_of_files() && unknown > 0 {
            self.violations.push(format!(
                "{unknown} unknown, though a file is there or isn't"
            ));
        }
        let code = told.last_code;
        let wanted = if unknown > 0 { NEEDS_A_PERSON } else { 0 };
        if code != wanted {
            self.violations.push(format!(
                "the last pass ended with {code} instead of {wanted}, with {unknown} unknown"
            ));
        }
    }
}

/// The figures, for people.
pub(crate) fn figures(
    business: &Business,
    arrived: &[Arrived],
    told: &Told,
    found: &Found,
) -> String {
    let mut rows = vec![
        ("kills", told.kills.to_string()),
        ("passes that ended by themselves", told.ended.to_string()),
        ("customers", business.customers().to_string()),
        ("letters due", business.expected.len().to_string()),
        ("letters that arrived", arrived.len().to_string()),
        ("doubled", found.doubled.to_string()),
        ("lost", found.lost.to_string()),
    ];
    for (outcome, (count, there)) in &found.outcomes {
        rows.push((outcome, format!("{count} in the ledger, {there} arrived")));
    }
    if !business.is_of_files() {
        rows.push((
            "kills in the middle of sending",
            told.while_sending.to_string(),
        ));
        rows.push(("broken off before the dot", told.broken_off.to_string()));
        let unknown = found.unknown();
        let unknown = f64::from(u32::try_from(unknown).unwrap_or(u32::MAX));
        let each = unknown / f64::from(told.kills.max(1));
        rows.push(("unknown a kill", format!("{each:.2}")));
    }
    let (middle, longest) = (
        told.restarts.get(told.restarts.len() / 2),
        told.restarts.last(),
    );
    if let (Some(middle), Some(longest)) = (middle, longest) {
        let told = format!(
            "{} ms, at most {} ms",
            middle.as_millis(),
            longest.as_millis()
        );
        rows.push(("restart to the next letter", told));
    }
    rows.push(("the last pass's exit code", told.last_code.to_string()));
    rows.push(("seconds", format!("{:.1}", told.took.as_secs_f64())));
    let lines: Vec<String> = rows
        .iter()
        .map(|(name, value)| format!("{name:<34}{value}\n"))
        .collect();
    lines.concat()
}
