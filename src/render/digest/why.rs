//! Why letters weren't sent, in as few kinds as an owner wants to hear of.
//!
//! May not count.

use crate::model::{Outcome, Reason};

/// What kept a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// It couldn't be written, or its rule's condition couldn't be worked out: a mistake to mend.
    Unwritten,
    /// The mail server refused it, or never took it in time.
    Undelivered,
    /// There is no address that works.
    NoAddress,
    /// They don't want letters, or never said that they do.
    Unwanted,
    /// They came by themselves.
    CameAnyway,
    /// A complaint of theirs is open.
    Complaint,
    /// They had enough letters.
    Enough,
    /// The rule's condition leaves them out.
    LeftOut,
    /// They are in the group that never gets it, for comparison.
    Compared,
    /// It was too late.
    TooLate,
    /// The rule or the record has changed.
    Changed,
    /// A person decided so.
    Decided,
}

impl Why {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 12] = [
        Self::Unwritten,
        Self::Undelivered,
        Self::NoAddress,
        Self::Unwanted,
        Self::CameAnyway,
        Self::Complaint,
        Self::Enough,
        Self::LeftOut,
        Self::Compared,
        Self::TooLate,
        Self::Changed,
        Self::Decided,
    ];
}

/// What kept a letter that ended like this; `None` where it was sent, still waits, or nobody knows.
pub const fn why(outcome: Outcome, reason: Option<Reason>) -> Option<Why> {
    match outcome {
        Outcome::Sent
        | Outcome::Planned
        | Outcome::Held
        | Outcome::Deferred
        | Outcome::Sending
        | Outcome::Unknown => return None,
        Outcome::Skipped | Outcome::Rejected | Outcome::Expired => {}
    }
    let Some(reason) = reason else {
        return Some(Why::Changed);
    };
    Some(match reason {
        Reason::TemplateFailed | Reason::ConditionFailed => Why::Unwritten,
        Reason::NoAddress | Reason::BadAddress => Why::NoAddress,
        Reason::Suppressed
        | Reason::CustomerPaused
        | Reason::UnwantedKind
        | Reason::NoConsent
        | Reason::Erased => Why::Unwanted,
        Reason::ContactedSince => Why::CameAnyway,
        Reason::ComplaintOpen => Why::Complaint,
        Reason::Capped => Why::Enough,
        Reason::ConditionFalse => Why::LeftOut,
        Reason::Holdout => Why::Compared,
        Reason::RuleRemoved | Reason::RuleDisabled | Reason::RecordChanged | Reason::Gone => {
            Why::Changed
        }
        Reason::Declined | Reason::SettledByHand => Why::Decided,
        Reason::TooLate
        | Reason::QuietHours
        | Reason::NotThisDay
        | Reason::DailyLimit
        | Reason::BatchTooLarge
        | Reason::AwaitsApproval => Why::TooLate,
        Reason::RelayTrouble
        | Reason::DomainLimit
        | Reason::TemporaryRefusal
        | Reason::Refused
        | Reason::RelayRefusesUs
        | Reason::Accepted
        | Reason::ReplyLost
        | Reason::StoppedWhileSending
        | Reason::RestoredCopy => Why::Undelivered,
    })
}
