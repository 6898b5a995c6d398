//! Who works with a store: what the store itself notes of it, and what stands beside it.
//!
//! Both say how often and how far it was worked with, so that a store which isn't what it was (an
//! older copy, a second one) is noticed. Plain data: `decide::trust` judges it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Past lives that are remembered.
const MOST_PAST: usize = 8;
/// Machines that are remembered.
const MOST_MACHINES: usize = 4;

/// How often and how far a store was worked with. Both only rise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Passes.
    pub passes: i64,
    /// Letters that were about to be handed over.
    pub letters: i64,
}

impl Count {
    /// Whether this knows of something that the other doesn't.
    pub const fn exceeds(self, other: Self) -> bool {
        self.passes > other.passes || self.letters > other.letters
    }

    /// What both know together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            passes: self.passes.max(other.passes),
            letters: self.letters.max(other.letters),
        }
    }
}

/// What a machine says of itself; what it doesn't say is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machine {
    /// Another with each start of the machine.
    pub boot: Option<String>,
    /// How long it has been up, sleep included.
    pub uptime: Option<SignedDuration>,
    /// Which one it is: a fingerprint.
    pub id: Option<String>,
}

/// A moment since the machine's start at which its clock was found right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Which start.
    pub boot: String,
    /// What the clock said.
    pub at: Timestamp,
    /// How long the machine had been up, in milliseconds.
    pub uptime: i64,
    /// How far the clock may still leap ahead soon after the start, in milliseconds: for so long the
    /// machine may have been off without knowing it.
    pub may_leap: i64,
}

/// A life that ended when a person said which copy of the store goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// Its name.
    pub epoch: String,
    /// What was known of it when the person spoke.
    pub known: Count,
}

/// What the store notes of whoever works with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Drawn by chance when the store begins, and when a person says which copy of it goes on.
    pub epoch: String,
    /// Earlier ones, the latest first.
    pub past: Vec<Past>,
    /// The machines that worked with it, each with its last pass; the latest first.
    pub machines: Vec<(String, Timestamp)>,
    /// How the clock ran since this machine's start.
    pub anchor: Option<Anchor>,
    /// When a person said that the clock is right.
    pub clock_confirmed_at: Option<Timestamp>,
    /// What came due by then may have gone out, unseen by this copy.
    pub in_doubt_until: Option<Timestamp>,
    /// The folder of the second witness, as the last pass knew it.
    pub elsewhere: Option<std::path::PathBuf>,
    /// A person knows of the letters that lay in the outbox by then.
    pub outbox_known_at: Option<Timestamp>,
    /// How far it has come.
    #[serde(skip)]
    pub count: Count,
    /// The latest moment that it has seen.
    #[serde(skip)]
    pub at: Timestamp,
}

impl Presence {
    /// Of a store that begins now.
    pub const fn new(epoch: String, now: Timestamp) -> Self {
        Self {
            epoch,
            past: Vec::new(),
            machines: Vec::new(),
            anchor: None,
            clock_confirmed_at: None,
            in_doubt_until: None,
            elsewhere: None,
            outbox_known_at: None,
            count: Count {
                passes: 0,
                letters: 0,
            },
            at: now,
        }
    }

    /// Begins a new life; that much was known of earlier ones.
    pub fn begin_anew<'a>(&mut self, epoch: String, known: impl Iterator<Item = &'a Witness>) {
        let epoch = std::mem::replace(&mut self.epoch, epoch);
        self.remember(&epoch, self.count);
        for witness in known {
            self.remember(&witness.epoch, witness.count);
        }
        self.past.truncate(MOST_PAST);
    }

    fn remember(&mut self, epoch: &str, known: Count) {
        let mut past = self.past.iter_mut();
        if let Some(past) = past.find(|past| past.epoch == epoch) {
            past.known = past.known.with(known);
        } else {
            let epoch = epoch.to_owned();
            self.past.insert(0, Past { epoch, known });
        }
    }

    /// The machine that worked with it last.
    pub fn machine(&self) -> Option<&str> {
        self.machines.first().map(|(id, _)| id.as_str())
    }

    /// A pass on this machine.
    pub fn note_machine(&mut self, id: Option<&str>, now: Timestamp) {
        if let Some(id) = id {
            self.machines.retain(|(known, _)| known != id);
            self.machines.insert(0, (id.to_owned(), now));
            self.machines.truncate(MOST_MACHINES);
        }
    }
}

/// What stands beside a store: the same, as far as it was known there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Which store it belongs to.
    pub store: String,
    /// The store's life.
    pub epoch: String,
    /// How far it had come.
    pub count: Count,
    /// When it was last written.
    pub at: Timestamp,
    /// The machine that wrote it.
    pub machine: Option<String>,
    /// What tells this file from a copy of it, as it was when the file was made.
    pub place: Option<String>,
    /// Where the store stands, while its letters really leave: a fingerprint.
    pub home: Option<String>,
}
