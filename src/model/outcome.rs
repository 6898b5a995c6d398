//! What became of an occasion, and why: closed sets, with the words for people beside them.

use std::fmt;

/// The state of a ledger entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Due, or soon to be; not yet decided.
    Planned,
    /// Waits for a person.
    Held,
    /// Waits for a later moment.
    Deferred,
    /// About to be handed over, or being handed over.
    Sending,
    /// The relay answered 250 after the final dot, or the file is durably in place.
    Sent,
    /// Decided against.
    Skipped,
    /// The relay refused it for good.
    Rejected,
    /// Tried, and no longer worth trying.
    Expired,
    /// The dot may have been sent and no reply was recorded.
    Unknown,
}

impl Outcome {
    /// Every outcome, in the contract's order.
    pub const ALL: [Self; 9] = [
        Self::Planned,
        Self::Held,
        Self::Deferred,
        Self::Sending,
        Self::Sent,
        Self::Skipped,
        Self::Rejected,
        Self::Expired,
        Self::Unknown,
    ];

    /// As the ledger writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Held => "held",
            Self::Deferred => "deferred",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Skipped => "skipped",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
        }
    }

    /// Reads back what [`Outcome::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
    }

    /// Whether nothing more will happen by itself.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Sent | Self::Skipped | Self::Rejected | Self::Expired | Self::Unknown => true,
            Self::Planned | Self::Held | Self::Deferred | Self::Sending => false,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an entry has its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The customer was erased.
    Erased,
    /// The source that the customer came from doesn't have them any more.
    Gone,
    /// No usable address.
    NoAddress,
    /// Unsubscribed, or the address is suppressed.
    Suppressed,
    /// They asked for a pause, and it came due before that was over.
    CustomerPaused,
    /// They want no letters of this kind.
    UnwantedKind,
    /// No consent to marketing.
    NoConsent,
    /// The rule's file is gone.
    RuleRemoved,
    /// The rule is switched off.
    RuleDisabled,
    /// Past `late`.
    TooLate,
    /// A contact came before the "we miss you" went out.
    ContactedSince,
    /// The record no longer gives this occasion.
    RecordChanged,
    /// A complaint is open.
    ComplaintOpen,
    /// `[only].where` is false.
    ConditionFalse,
    /// `[only].where` couldn't be worked out.
    ConditionFailed,
    /// In the comparison group.
    Holdout,
    /// A frequency cap is reached.
    Capped,
    /// Inside the quiet hours.
    QuietHours,
    /// Not on one of the rule's days.
    NotThisDay,
    /// `max_per_day` letters of the rule have gone out today.
    DailyLimit,
    /// More letters of one rule and day than go unasked.
    BatchTooLarge,
    /// One of the rule's first letters, which a person wants to see.
    AwaitsApproval,
    /// A person decided against it.
    Declined,
    /// A person settled it.
    SettledByHand,
    /// The letter couldn't be rendered.
    TemplateFailed,
    /// The relay couldn't be reached or asked to wait.
    RelayTrouble,
    /// As many letters as we may send to the recipient's mail domain have gone out lately.
    DomainLimit,
    /// The relay put this message off.
    TemporaryRefusal,
    /// The relay refused the address.
    BadAddress,
    /// The relay refused the message.
    Refused,
    /// The relay refused us: login, reputation, policy.
    RelayRefusesUs,
    /// The relay took it, or the file is in place.
    Accepted,
    /// The connection ended after the dot, before the reply.
    ReplyLost,
    /// We were stopped between the dot and the reply.
    StoppedWhileSending,
    /// It came due before a copy of the store was put to work, and may have gone out unseen by it.
    RestoredCopy,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 35] = [
        Self::Erased,
        Self::Gone,
        Self::NoAddress,
        Self::Suppressed,
        Self::CustomerPaused,
        Self::UnwantedKind,
        Self::NoConsent,
        Self::RuleRemoved,
        Self::RuleDisabled,
        Self::TooLate,
        Self::ContactedSince,
        Self::RecordChanged,
        Self::ComplaintOpen,
        Self::ConditionFalse,
        Self::ConditionFailed,
        Self::Holdout,
        Self::Capped,
        Self::QuietHours,
        Self::NotThisDay,
        Self::DailyLimit,
        Self::BatchTooLarge,
        Self::AwaitsApproval,
        Self::Declined,
        Self::SettledByHand,
        Self::TemplateFailed,
        Self::RelayTrouble,
        Self::DomainLimit,
        Self::TemporaryRefusal,
        Self::BadAddress,
        Self::Refused,
        Self::RelayRefusesUs,
        Self::Accepted,
        Self::ReplyLost,
        Self::StoppedWhileSending,
        Self::RestoredCopy,
    ];

    /// As the ledger writes it, and a sentence for people: true with every outcome that has this
    /// reason, whenever it is read, and for files as for mail servers.
    #[expect(clippy::too_many_lines, reason = "a table, one entry a reason")]
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Erased => ("erased", "The customer asked to be forgotten."),
            Self::Gone => ("gone", "They aren't in your records any more."),
            Self::NoAddress => ("no-address", "There is no e-mail address on record."),
            Self::Suppressed => (
                "suppressed",
                "They unsubscribed, or their address is suppressed.",
            ),
            Self::CustomerPaused => (
                "customer-paused",
                "It came due in a pause that they asked for.",
            ),
            Self::UnwantedKind => ("unwanted-kind", "They don't want letters of this kind."),
            Self::NoConsent => ("no-consent", "They haven't consented to marketing."),
            Self::RuleRemoved => ("rule-removed", "The rule's file is gone."),
            Self::RuleDisabled => ("rule-disabled", "The rule is switched off."),
            Self::TooLate => ("too-late", "It is later than the rule's `late` allows."),
            Self::ContactedSince => (
                "contacted-since",
                "They have been in touch since, so nobody needs to miss them.",
            ),
            Self::RecordChanged => (
                "record-changed",
                "The record that gave this occasion has changed since.",
            ),
            Self::ComplaintOpen => ("complaint-open", "A complaint of theirs is open."),
            Self::ConditionFalse => (
                "condition-false",
                "The rule's `where` doesn't hold for them.",
            ),
            Self::ConditionFailed => (
                "condition-failed",
                "The rule's `where` couldn't be worked out for them.",
            ),
            Self::Holdout => (
                "holdout",
                "They are in the rule's comparison group, which never gets it.",
            ),
            Self::Capped => (
                "capped",
                "They had as many messages as the frequency caps allow.",
            ),
            Self::QuietHours => ("quiet-hours", "It is within the quiet hours."),
            Self::NotThisDay => ("not-this-day", "That day isn't one of the rule's days."),
            Self::DailyLimit => (
                "daily-limit",
                "As many letters as the rule's `max_per_day` allows have gone out that day.",
            ),
            Self::BatchTooLarge => (
                "batch-too-large",
                "So many letters of one rule on one day don't go out before you approve them.",
            ),
            Self::AwaitsApproval => (
                "awaits-approval",
                "The rule's first letters wait until you approve them.",
            ),
            Self::Declined => ("declined", "A person decided that this batch isn't sent."),
            Self::SettledByHand => ("settled-by-hand", "A person said what became of it."),
            Self::TemplateFailed => ("template-failed", "The letter couldn't be written."),
            Self::RelayTrouble => (
                "relay-trouble",
                "The mail server couldn't be reached or asked us to wait, or the outbox couldn't be written.",
            ),
            Self::DomainLimit => (
                "domain-limit",
                "As many letters as `per_domain` allows have gone to this mail domain lately.",
            ),
            Self::TemporaryRefusal => {
                ("temporary-refusal", "The mail server put this message off.")
            }
            Self::BadAddress => (
                "bad-address",
                "The mail server says the address doesn't exist.",
            ),
            Self::Refused => ("refused", "The mail server refused this message for good."),
            Self::RelayRefusesUs => (
                "relay-refuses-us",
                "The mail server refuses us (login, policy or reputation), not this customer.",
            ),
            Self::Accepted => ("accepted", "It was handed over."),
            Self::ReplyLost => (
                "reply-lost",
                "The whole message was handed over, and no clear answer came.",
            ),
            Self::StoppedWhileSending => (
                "stopped-while-sending",
                "fondly was stopped after the message may have been sent, before the answer was noted.",
            ),
            Self::RestoredCopy => (
                "restored-copy",
                "It may have gone out before this copy of the store was put to work, and the copy can't know.",
            ),
        }
    }

    /// Whether it is asked before the question of the comparison group: whoever was skipped with
    /// one of these was never sorted into those who get a letter and those who are held out.
    pub const fn precedes_holdout(self) -> bool {
        matches!(
            self,
            Self::Erased
                | Self::Gone
                | Self::NoAddress
                | Self::Suppressed
                | Self::CustomerPaused
                | Self::UnwantedKind
                | Self::NoConsent
                | Self::RuleRemoved
                | Self::RuleDisabled
                | Self::TooLate
                | Self::ContactedSince
                | Self::RecordChanged
                | Self::ComplaintOpen
                | Self::ConditionFalse
                | Self::ConditionFailed
        )
    }

    /// As the ledger writes it: `too-late`.
    pub const fn as_str(self) -> &'static str {
        self.words().0
    }

    /// A sentence that a shop owner understands.
    pub const fn sentence(self) -> &'static str {
        self.words().1
    }

    /// Reads back what [`Reason::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_read_back() {
        assert!(
            Outcome::ALL
                .into_iter()
                .all(|o| Outcome::parse(o.as_str()) == Some(o))
        );
        assert!(
            Reason::ALL
                .into_iter()
                .all(|r| Reason::parse(r.as_str()) == Some(r))
        );
    }

    #[test]
    fn five_ends_are_ends() {
        use Outcome::{Expired, Rejected, Sent, Skipped, Unknown};
        let ends: Vec<Outcome> = Outcome::ALL.into_iter().filter(|o| o.is_final()).collect();
        assert_eq!(ends, [Sent, Skipped, Rejected, Expired, Unknown]);
    }

    /// Who was skipped for one of these was never sorted into the two groups that are compared.
    #[test]
    fn what_is_asked_before_the_comparison_group() {
        let before: Vec<&str> = Reason::ALL
            .into_iter()
            .filter(|reason| reason.precedes_holdout())
            .map(Reason::as_str)
            .collect();
        assert_eq!(
            before,
            [
                "erased",
                "gone",
                "no-address",
                "suppressed",
                "customer-paused",
                "unwanted-kind",
                "no-consent",
                "rule-removed",
                "rule-disabled",
                "too-late",
                "contacted-since",
                "record-changed",
                "complaint-open",
                "condition-false",
                "condition-failed",
            ]
        );
    }

    #[test]
    fn ledgers_and_people_read_the_same_words_everywhere() {
        assert_eq!(Outcome::Unknown.to_string(), "unknown");
        assert_eq!(Reason::TooLate.to_string(), "too-late");
        let words: std::collections::BTreeSet<&str> = Reason::ALL.map(Reason::as_str).into();
        assert_eq!(words.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            let sentence = reason.sentence();
            assert!(sentence.len() > 15 && sentence.ends_with('.'), "{sentence}");
        }
    }

    /// A letter that was put off can be given up at last, what waits for another day can be skipped,
    /// and all of it is read days later: a sentence promises nothing, and has no today.
    #[test]
    fn sentences_hold_whatever_became_of_the_letter() {
        for reason in Reason::ALL {
            let sentence = reason.sentence();
            for promise in ["we try", "try again", "oday", "tomorrow", " will "] {
                assert!(!sentence.contains(promise), "{reason}: {sentence}");
            }
        }
    }
}
