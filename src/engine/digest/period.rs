//! For which time a letter is due, if one is.
//!
//! Pure. May not ask the store or the clock.

use jiff::{SignedDuration, Timestamp};

use crate::store::Digest;

/// A store that is younger than this when the moment comes has nothing to tell yet.
const YOUNGEST: SignedDuration = SignedDuration::from_hours(24);

/// How long a letter that couldn't leave, or couldn't be written, rests before it is tried again.
pub(super) const REST: SignedDuration = SignedDuration::from_mins(15);

/// The time that a letter tells of, its end not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Its first moment.
    pub since: Timestamp,
    /// The moment at which it ends.
    pub until: Timestamp,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing now.
    Nothing,
    /// A letter for a time that has none yet.
    New(Period),
    /// The letters of a time that were begun and haven't all left.
    Rest(Period),
}

/// What is due now. `scheduled` is the last moment for which one is wanted, `known` the latest
/// letters by now, one a reader, and `begins` when the store was first asked, and when that day
/// began.
///
/// A letter that was missed comes once, for all the time since the one before it. The first tells
/// of the days since the beginning, if that is a day at least.
pub(super) fn due(
    (scheduled, now): (Timestamp, Timestamp),
    known: &[Digest],
    (begins, day): (Timestamp, Timestamp),
) -> Due {
    let Some(last) = known.first() else {
        let old_enough = scheduled.duration_since(begins) >= YOUNGEST;
        return if old_enough {
            Due::New(Period {
                since: day,
                until: scheduled,
            })
        } else {
            Due::Nothing
        };
    };
    if last.until < scheduled {
        // Where nobody got it, it is told now.
        let nobody = known.iter().all(|one| !one.state.is_final());
        let since = if nobody { last.since } else { last.until };
        return Due::New(Period {
            since,
            until: scheduled,
        });
    }
    let rests = |one: &&Digest| {
        let rested = now.duration_since(one.at);
        !one.state.is_final() && (rested >= REST || rested.is_negative())
    };
    match known.iter().find(rests) {
        Some(one) => Due::Rest(Period {
            since: one.since,
            until: one.until,
        }),
        None => Due::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::DigestState;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn digest(since: &str, until: &str, state: DigestState) -> Digest {
        Digest {
            until: at(until),
            asked: false,
            reader: "anna".to_owned(),
            since: at(since),
            state,
            at: at(until),
            via: None,
            name: None,
        }
    }

    fn period(since: &str, until: &str) -> Period {
        Period {
            since: at(since),
            until: at(until),
        }
    }

    const MONDAY: &str = "2026-11-30T07:00:00Z";
    const BEFORE: &str = "2026-11-23T07:00:00Z";

    #[test]
    fn the_first_letter_tells_of_the_first_days() {
        let day = at("2026-11-27T00:00:00Z");
        let first = |begins| due((at(MONDAY), at(MONDAY)), &[], (at(begins), day));
        assert_eq!(first("2026-11-30T06:59:00Z"), Due::Nothing);
        assert_eq!(first("2026-11-30T09:00:00Z"), Due::Nothing);
        let friday = "2026-11-27T12:00:00Z";
        let told = Due::New(period("2026-11-27T00:00:00Z", MONDAY));
        assert_eq!(first(friday), told);
    }

    #[test]
    fn weeks_that_were_missed_come_once_and_together() {
        let last = [digest(
            "2026-11-02T07:00:00Z",
            "2026-11-09T07:00:00Z",
            DigestState::Sent,
        )];
        let wednesday = at("2026-12-02T10:00:00Z");
        let told = due((at(MONDAY), wednesday), &last, (at(BEFORE), at(BEFORE)));
        assert_eq!(told, Due::New(period("2026-11-09T07:00:00Z", MONDAY)));
        let now = [digest("2026-11-09T07:00:00Z", MONDAY, DigestState::Sent)];
        assert_eq!(
            due((at(MONDAY), wednesday), &now, (at(BEFORE), at(BEFORE))),
            Due::Nothing
        );
    }

    #[test]
    fn what_nobody_got_is_told_with_the_next() {
        let waits = [digest(BEFORE, MONDAY, DigestState::Waits)];
        let next = "2026-12-07T07:00:00Z";
        let told = due((at(next), at(next)), &waits, (at(BEFORE), at(BEFORE)));
        assert_eq!(told, Due::New(period(BEFORE, next)));
        let one = [
            digest(BEFORE, MONDAY, DigestState::Waits),
            digest(BEFORE, MONDAY, DigestState::Sent),
        ];
        let told = due((at(next), at(next)), &one, (at(BEFORE), at(BEFORE)));
        assert_eq!(told, Due::New(period(MONDAY, next)));
    }

    #[test]
    fn what_couldn_t_leave_rests_a_while() {
        let waits = [digest(BEFORE, MONDAY, DigestState::Going)];
        let soon = |now| due((at(MONDAY), at(now)), &waits, (at(BEFORE), at(BEFORE)));
        assert_eq!(soon("2026-11-30T07:14:59Z"), Due::Nothing);
        let rest = Due::Rest(period(BEFORE, MONDAY));
        assert_eq!(soon("2026-11-30T07:15:00Z"), rest);
        // By a clock that was ahead.
        assert_eq!(soon("2026-11-30T06:00:00Z"), rest);
    }
}
