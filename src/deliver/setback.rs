//! What a conversation by SMTP may come to: why a step wasn't passed, and what a connection is good for
//! once a letter is through.
//!
//! May not hold a connection, and may not decide what a refusal means ([`super::reply::judge`] does).

use super::Verdict;
use super::reply::{Phase, Reply, judge, relay_trouble};
use super::wire::Break;

/// Why a step wasn't passed.
#[derive(Debug)]
pub(super) enum Setback {
    /// The relay said no.
    Refused {
        phase: Phase,
        reply: Reply,
        /// Every command has been answered, so that one may still take leave.
        in_sync: bool,
    },
    /// The conversation broke off before the dot.
    Broken { phase: Phase, cause: Break },
    /// This relay can't take this message, or can't be used; nothing was said.
    Unfit(Verdict),
}

impl Setback {
    /// What it means for the attempt. `peer` names the relay.
    pub(super) fn verdict(self, peer: &str) -> Verdict {
        match self {
            Self::Refused { phase, reply, .. } => judge(phase, &reply),
            Self::Broken { phase, cause } => relay_trouble(format!("{peer}, {phase}: {cause}")),
            Self::Unfit(verdict) => verdict,
        }
    }

    /// Whether a kept connection has simply ended of old age: nothing was answered since its last
    /// message, so a new connection may say it all again. That goes for one that spoke before its
    /// turn as well: what it meant is nobody's guess, but it wasn't this message.
    pub(super) const fn is_old_age(&self) -> bool {
        match self {
            Self::Refused { phase, reply, .. } => matches!(phase, Phase::Mail) && reply.code == 421,
            Self::Broken { phase, cause } => {
                matches!(phase, Phase::Mail)
                    && matches!(cause, Break::Closed | Break::Network(_) | Break::OutOfTurn)
            }
            Self::Unfit(_) => false,
        }
    }
}

/// What a connection is good for once a letter is through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// For another letter: the last word was a clean 250.
    Open,
    /// For a QUIT, and nothing else: the letter was refused after the dot. That may have been said in
    /// the middle of the body, and only have been on its way; then the server takes what we said since
    /// for commands, and its answers to them would be taken for those to the next letter.
    Leaving,
    /// For nothing: it is in doubt, or the server waits for the rest of a body.
    Nothing,
}
