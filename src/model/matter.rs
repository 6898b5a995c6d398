//! What a trouble is about, and what a person should know of it: facts, which are put into words when
//! somebody is told, in whatever language that is then.
//!
//! Kind and name tell one trouble from another; they stay the same whatever else becomes known, and in
//! every language. May not hold words for people, but for what others said.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::doubt::Doubt;

/// Why a batch waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wait {
    /// It is larger than goes unasked.
    TooMany,
    /// It is of the rule's first letters.
    First,
}

/// What a trouble is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "kebab-case")]
pub enum Matter {
    /// A batch of letters waits.
    Held {
        /// The rule's id.
        rule: String,
        /// The civil day on which they are due.
        day: Date,
        /// Why, where it is known.
        why: Option<Wait>,
    },
    /// An edit of the configuration can't be used.
    Edit {
        /// What is wrong with it, a line each.
        findings: String,
    },
    /// Nobody knows whether these letters arrived.
    Unknown {
        /// How many.
        letters: u64,
    },
    /// Many letters are refused.
    Refusals {
        /// Letters that mail servers answered for within a day.
        answers: u64,
        /// Those of them that they refused for good.
        refused: u64,
    },
    /// Letters of this rule can't be written, and end unsent.
    Unwritten {
        /// The rule's id.
        rule: String,
        /// How many ended so.
        letters: u64,
    },
    /// Nothing is sent, since the clock or the store is in doubt.
    Standstill {
        /// Why.
        doubt: Doubt,
    },
    /// This mail server, or folder, can't be reached.
    Away {
        /// Which.
        name: String,
        /// Whether it is a mail server; otherwise it is a folder.
        is_relay: bool,
        /// Letters go by another one meanwhile.
        others_work: bool,
        /// What was heard of it last.
        said: String,
    },
    /// This mail server refuses us.
    RefusesUs {
        /// Which.
        name: String,
        /// What it said.
        said: String,
    },
    /// This source can't be read.
    Source {
        /// Which.
        name: String,
        /// What it said, where that is known.
        said: Option<String>,
    },
    /// Most of what this source gave can't be used.
    Unusable {
        /// Which.
        name: String,
        /// When it came.
        at: Timestamp,
        /// How many records came then, …
        records: u64,
        /// … and how many of them can't be used.
        refused: u64,
    },
    /// So many customers of this source seem to be gone that nobody is taken for gone.
    ManyGone {
        /// Which.
        name: String,
        /// Who isn't there any more.
        gone: u64,
        /// Of so many who came from it.
        of: u64,
    },
    /// A customer is unhappy with us.
    Complaint {
        /// The customer's id.
        customer: String,
        /// Their name, where it is known.
        who: Option<String>,
        /// The face that they chose, from 1, very bad, …
        face: u8,
        /// … to this.
        faces: u8,
        /// When.
        at: Timestamp,
        /// The rule of the letter by whose link they said it.
        rule: String,
        /// Their own words, if any.
        text: String,
    },
    /// Passes fail, one after the other.
    PassesFail {
        /// With what.
        why: String,
    },
    /// Something that another version of the program has noted.
    Other {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
    },
}

impl Matter {
    /// What sort of trouble a held batch is.
    pub const HELD: &str = "held";
    /// What sort of trouble an edit is that can't be used.
    pub const EDIT: &str = "edit";
    /// What sort of trouble letters are of which nobody knows whether they arrived.
    pub const UNKNOWN: &str = "unknown";
    /// What sort of trouble many refusals are.
    pub const REFUSALS: &str = "refusals";
    /// What sort of trouble letters are that can't be written.
    pub const UNWRITTEN: &str = "unwritten";
    /// What sort of trouble a clock or a store is that can't be trusted.
    pub const STANDSTILL: &str = "standstill";
    /// What sort of trouble a way out is that can't be reached.
    pub const AWAY: &str = "away";
    /// What sort of trouble a mail server is that refuses us.
    pub const REFUSES_US: &str = "relay";
    /// What sort of trouble a source is that can't be read.
    pub const SOURCE: &str = "source";
    /// What sort of trouble a source is whose records can't be used.
    pub const UNUSABLE: &str = "quarantine";
    /// What sort of trouble a source is of whose customers many seem to be gone.
    pub const MANY_GONE: &str = "gone";
    /// What sort of trouble an open complaint is of which the owner is told.
    pub const COMPLAINT: &str = "complaint";
    /// What sort of trouble passes are that fail.
    pub const PASSES_FAIL: &str = "failing";

    /// The name of a standstill where the clock is in doubt …
    pub const CLOCK: &str = "clock";
    /// … and where the store is.
    pub const COPY: &str = "copy";

    /// What sort of trouble it is.
    pub fn kind(&self) -> &str {
        match self {
            Self::Held { .. } => Self::HELD,
            Self::Edit { .. } => Self::EDIT,
            Self::Unknown { .. } => Self::UNKNOWN,
            Self::Refusals { .. } => Self::REFUSALS,
            Self::Unwritten { .. } => Self::UNWRITTEN,
            Self::Standstill { .. } => Self::STANDSTILL,
            Self::Away { .. } => Self::AWAY,
            Self::RefusesUs { .. } => Self::REFUSES_US,
            Self::Source { .. } => Self::SOURCE,
            Self::Unusable { .. } => Self::UNUSABLE,
            Self::ManyGone { .. } => Self::MANY_GONE,
            Self::Complaint { .. } => Self::COMPLAINT,
            Self::PassesFail { .. } => Self::PASSES_FAIL,
            Self::Other { kind, .. } => kind,
        }
    }

    /// Which one of its kind it is; nothing where there is only one.
    pub fn name(&self) -> String {
        match self {
            Self::Held { rule, day, .. } => format!("{rule}/{day}"),
            Self::Standstill { doubt } if doubt.is_of_the_clock() => Self::CLOCK.to_owned(),
            Self::Standstill { .. } => Self::COPY.to_owned(),
            Self::Away { name, .. }
            | Self::RefusesUs { name, .. }
            | Self::Source { name, .. }
            | Self::Unusable { name, .. }
            | Self::ManyGone { name, .. }
            | Self::Other { name, .. } => name.clone(),
            Self::Complaint { customer, .. } => customer.clone(),
            Self::Unwritten { rule, .. } => rule.clone(),
            Self::Edit { .. }
            | Self::Unknown { .. }
            | Self::Refusals { .. }
            | Self::PassesFail { .. } => String::new(),
        }
    }

    /// Whether it is the one of this kind and name.
    pub fn is(&self, (kind, name): (&str, &str)) -> bool {
        self.kind() == kind && self.name() == name
    }
}
