//! Letters: those of which nobody knows whether they arrived, many that are refused, and those that
//! can't be written.
//!
//! May not settle any.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::super::{EngineError, House, Report};
use super::{Look, Patience, seen};
use crate::model::{Matter, Outcome, Reason};

/// So far back refusals are counted.
const REFUSED_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// With fewer answers than this, one bad address is a large share.
const FEWEST: u64 = 20;
/// More than one refusal in so many answers is worth worrying about: mail providers judge a sender
/// by such shares, and good lists stay far below it.
const ONE_IN: u64 = 20;

/// What is counted over a day doesn't change from one minute to the next.
const PATIENCE: Patience = Patience {
    calm: SignedDuration::from_hours(1),
    ..Patience::NONE
};

/// A rule whose letters haven't failed for so long is well, though none has been written since.
const UNWRITTEN_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Notes how the letters did.
pub(super) async fn look(house: &House, report: &Report) -> Result<(), EngineError> {
    let unknown = match report.unknown {
        0 => Look::Well,
        count => Look::Bad {
            matter: Matter::Unknown { letters: count },
            since: None,
            again: false,
        },
    };
    seen(house, (Matter::UNKNOWN, ""), unknown, Patience::NONE).await?;
    unwritten(house, report).await?;
    let signs = house.store.signs().await?;
    let mut signs = signs.iter();
    let known = signs.any(|sign| sign.trouble.matter.kind() == Matter::REFUSALS);
    // Without a refusal in this pass, there can't be more of them than before.
    if !known && report.total(Outcome::Rejected) == 0 {
        return Ok(());
    }
    let now = house.clock.now();
    let since = now.checked_sub(REFUSED_WITHIN).unwrap_or(now);
    let (taken, refused) = house.store.answered_since(since).await?;
    let look = match are_many(taken, refused) {
        None => Look::Unseen,
        Some(false) => Look::Well,
        Some(true) => Look::Bad {
            matter: Matter::Refusals {
                answers: taken + refused,
                refused,
            },
            since: None,
            again: false,
        },
    };
    seen(house, (Matter::REFUSALS, ""), look, PATIENCE).await
}

/// Rules whose letters couldn't be written in this pass, and those of which some could be again.
async fn unwritten(house: &House, report: &Report) -> Result<(), EngineError> {
    let mut failed: BTreeMap<String, u64> = BTreeMap::new();
    let mut written = BTreeSet::new();
    for ((rule, outcome, reason), count) in &report.decided {
        match (outcome, reason) {
            (_, Reason::TemplateFailed | Reason::ConditionFailed) => {
                *failed.entry(rule.clone()).or_default() += count;
            }
            (Outcome::Sent, _) => {
                written.insert(rule.as_str());
            }
            _ => {}
        }
    }
    let now = house.clock.now();
    for sign in house.store.signs().await? {
        let Matter::Unwritten { rule, letters } = &sign.trouble.matter else {
            continue;
        };
        let is_old = now.duration_since(sign.trouble.since) >= UNWRITTEN_FOR;
        if let Some(count) = failed.get_mut(rule) {
            *count += letters;
        } else if is_old || written.contains(rule.as_str()) {
            let key = (Matter::UNWRITTEN, rule.as_str());
            seen(house, key, Look::Well, Patience::NONE).await?;
        }
    }
    for (rule, letters) in failed {
        let look = Look::Bad {
            matter: Matter::Unwritten {
                rule: rule.clone(),
                letters,
            },
            since: None,
            again: false,
        };
        seen(house, (Matter::UNWRITTEN, &rule), look, Patience::NONE).await?;
    }
    Ok(())
}

/// Whether these are many; `None` where there are too few answers to tell.
const fn are_many(taken: u64, refused: u64) -> Option<bool> {
    let answers = taken + refused;
    if answers < FEWEST {
        return None;
    }
    Some(refused * ONE_IN > answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_one_in_twenty_of_twenty_or_more_are_many() {
        for (taken, refused, wanted) in [
            (0, 19, None),
            (18, 1, None),
            (19, 1, Some(false)),
            (18, 2, Some(true)),
            (0, 20, Some(true)),
            (950, 50, Some(false)),
            (949, 51, Some(true)),
            (20, 0, Some(false)),
        ] {
            assert_eq!(are_many(taken, refused), wanted, "{taken} {refused}");
        }
    }
}
