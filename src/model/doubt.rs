//! Why nothing may be planned, sent or ended: what makes somebody doubt the clock or the store.
//!
//! May not judge whether there is a doubt, nor hold words for people.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Why nothing may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// The clock is earlier than the program.
    BeforeBuild {
        /// When the program was built.
        built: Timestamp,
    },
    /// The clock is generations later than the program.
    FarAhead {
        /// When the program was built.
        built: Timestamp,
    },
    /// The clock is behind what the store has seen.
    Behind {
        /// The latest moment that the store has seen.
        seen: Timestamp,
    },
    /// The clock is further ahead of what the store has seen than time can have gone by.
    Ahead {
        /// The latest moment that the store has seen.
        seen: Timestamp,
    },
    /// It is an older copy: what stands beside it knows of more.
    Older {
        /// The latest moment that the copy has seen, if it was ever worked with.
        seen: Option<Timestamp>,
        /// Letters that left since, as far as anybody knows.
        letters: i64,
    },
    /// What stands beside it is of another life of the same store.
    OtherLife,
    /// What stands beside it belongs to another store.
    OtherStore,
    /// It is new, and another was at work in its place, of which nothing is left.
    Lost {
        /// When that was last at work.
        seen: Timestamp,
        /// Letters that it had sent.
        letters: i64,
    },
    /// Nothing stands beside it: it was taken from where it was.
    Alone,
    /// What stands beside it is a copy, too.
    Copied,
    /// Two machines work with it in turns.
    InTurns,
    /// The outbox holds letters of which it knows nothing.
    OutboxAhead {
        /// So many.
        letters: u64,
    },
}

impl Doubt {
    /// Whether it is about the clock; otherwise it is about the store.
    pub const fn is_of_the_clock(self) -> bool {
        matches!(
            self,
            Self::BeforeBuild { .. }
                | Self::FarAhead { .. }
                | Self::Behind { .. }
                | Self::Ahead { .. }
        )
    }
}
