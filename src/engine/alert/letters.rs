//! Letters: those of which nobody knows whether they arrived, and many that are refused.
//!
//! May not settle any.

use jiff::SignedDuration;

use super::super::{EngineError, House, Report};
use super::{Look, Patience, seen};
use crate::model::Outcome;

/// What sort of trouble letters are of which nobody knows whether they arrived.
pub(super) const UNKNOWN: &str = "unknown";
/// What sort of trouble many refusals are.
pub(super) const REFUSALS: &str = "refusals";

/// How the owner reads of the one …
const UNKNOWN_SUBJECT: &str = "nobody knows whether some letters arrived";
/// … and of the other.
const REFUSALS_SUBJECT: &str = "many letters are refused";

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

/// Notes how the letters did.
pub(super) async fn look(house: &House, report: &Report) -> Result<(), EngineError> {
    let unknown = match report.unknown {
        0 => Look::Well,
        count => Look::Bad {
            words: unknown(count),
            since: None,
            again: false,
        },
    };
    seen(house, (UNKNOWN, UNKNOWN_SUBJECT), unknown, Patience::NONE).await?;
    let signs = house.store.signs().await?;
    let mut signs = signs.iter();
    let known = signs.any(|sign| sign.trouble.kind == REFUSALS);
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
            words: refusals(taken + refused, refused),
            since: None,
            again: false,
        },
    };
    seen(house, (REFUSALS, REFUSALS_SUBJECT), look, PATIENCE).await
}

/// Whether these are many; `None` where there are too few answers to tell.
const fn are_many(taken: u64, refused: u64) -> Option<bool> {
    let answers = taken + refused;
    if answers < FEWEST {
        return None;
    }
    Some(refused * ONE_IN > answers)
}

fn unknown(count: u64) -> String {
    let (of, they) = if count == 1 {
        ("1 letter".to_owned(), "it")
    } else {
        (format!("{count} letters"), "they")
    };
    format!(
        "The connection broke, or fondly was stopped, after {of} may have been handed over and \
         before the answer came. Nobody is written to twice for it: {they} won't be sent again \
         unless you say so.\n\n\
         - `fondly log --outcome unknown` lists what it is about.\n\
         - Look for each in the mail server's log, or ask the customer.\n\
         - `fondly resolve ENTRY --sent` says that it arrived, `--not-sent` that it didn't and shan't \
         any more, `--resend` sends it again."
    )
}

fn refusals(answers: u64, refused: u64) -> String {
    format!(
        "Of {answers} letters within a day, mail servers refused {refused} for good. So many mostly \
         mean that a list of addresses is old or was read wrongly, or that somebody's mail server \
         takes us for a nuisance; whoever goes on then ends as spam.\n\n\
         - `fondly log --outcome rejected` lists them, `fondly show ENTRY` says what the server said.\n\
         - `fondly pause` stops everything until you know more, `fondly resume` goes on.\n\n\
         An address that doesn't exist isn't written to again anyway."
    )
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
