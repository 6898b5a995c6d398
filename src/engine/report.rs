//! What a pass did, counted.

use std::collections::BTreeMap;

use super::retention::Removed;
use super::trust::Standstill;
use crate::model::{Outcome, Reason};
use crate::store::HeldBatch;

/// Counts of one pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries that got this outcome for this reason, by rule.
    pub decided: BTreeMap<(String, Outcome, Reason), u64>,
    /// Occasions planned.
    pub planned: u64,
    /// Records quarantined now, over all sources.
    pub quarantined: u64,
    /// Of sources that couldn't be read, or of which a person has to say something: what is the
    /// matter, in a sentence.
    pub failing_sources: Vec<String>,
    /// Files that may still be written to, and are read once they are complete.
    pub unfinished_files: u64,
    /// What waits for a person now, held by this pass or earlier.
    pub held: Vec<HeldBatch>,
    /// Letters of which nobody knows whether they went out, of this pass or earlier.
    pub unknown: u64,
    /// What the relay said when it stopped us.
    pub relay_trouble: Option<String>,
    /// What was kept long enough, and was taken out.
    pub removed: Removed,
    /// There was no pass, and why.
    pub standstill: Option<Standstill>,
    /// What failed after all that is counted here was done, in a sentence.
    pub broke_off: Option<String>,
}

impl Report {
    /// Of a pass that didn't take place.
    pub fn halted(standstill: Standstill) -> Self {
        Self {
            standstill: Some(standstill),
            ..Self::default()
        }
    }

    /// Counts one entry.
    pub fn count(&mut self, rule: &str, outcome: Outcome, reason: Reason) {
        *self
            .decided
            .entry((rule.to_owned(), outcome, reason))
            .or_default() += 1;
    }

    /// How many entries got this outcome.
    pub fn total(&self, outcome: Outcome) -> u64 {
        self.decided
            .iter()
            .filter(|((_, o, _), _)| *o == outcome)
            .map(|(_, n)| n)
            .sum()
    }

    /// Adds what another part of the pass counted.
    pub fn add(&mut self, other: Self) {
        for (key, n) in other.decided {
            *self.decided.entry(key).or_default() += n;
        }
        self.planned += other.planned;
        self.removed.add(other.removed);
        self.quarantined += other.quarantined;
        self.failing_sources.extend(other.failing_sources);
        self.unfinished_files += other.unfinished_files;
        // The later part knows better what is still held or unknown.
        self.held = other.held;
        self.unknown = other.unknown;
        self.relay_trouble = other.relay_trouble.or(self.relay_trouble.take());
        self.standstill = other.standstill;
        self.broke_off = other.broke_off.or(self.broke_off.take());
    }

    /// Whether it needs a person.
    pub fn needs_a_person(&self) -> bool {
        self.unknown + self.quarantined > 0
            || !self.held.is_empty()
            || !self.failing_sources.is_empty()
            || self.relay_trouble.is_some()
            || self.standstill.is_some()
    }
}
