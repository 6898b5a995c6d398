//! What came of comparing, in words that claim no more than the numbers do.
//!
//! May not count.

use super::RuleResult;
use crate::engine::compare::{SMALLEST_GROUP, Verdict};

/// What was counted, and when.
pub fn counted(result: &RuleResult) -> String {
    let kinds = &result.contact;
    let kinds = match kinds.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    };
    let within = some(u32::from(result.within_days), "day");
    let when = match result.tally.days {
        Some((first, last)) if first == last => format!(" Due on {first}."),
        Some((first, last)) => format!(" Due from {first} to {last}."),
        None => String::new(),
    };
    format!("Back means: {kinds} within {within}.{when}")
}

/// What may be said of it, and no more.
pub fn verdict(result: &RuleResult) -> String {
    match result.verdict {
        Verdict::NoLetters => "No letter has come due.".to_owned(),
        Verdict::NoHoldout => "Without a holdout nobody can say what the letters did; add \
                               `holdout = \"10%\"` under [limits]."
            .to_owned(),
        Verdict::TooEarly => too_early(result),
        Verdict::TooFew => format!(
            "Too few to tell: below {SMALLEST_GROUP} in a group, a single return changes the answer.{}",
            more(result)
        ),
        Verdict::Unclear => format!("That can't be told from chance yet.{}", more(result)),
        Verdict::Helps => "It helps: more came back than chance would explain.".to_owned(),
        Verdict::Hurts => "It does harm: fewer came back than chance would explain.".to_owned(),
    }
}

fn too_early(result: &RuleResult) -> String {
    let within = some(u32::from(result.within_days), "day");
    let who = match (result.meant.of, result.holdout.of) {
        (0, 0) => "anybody",
        (0, _) => "those meant to get it",
        (_, _) => "those held out",
    };
    let are = if result.within_days == 1 { "is" } else { "are" };
    format!("Too early to tell: the {within} {are}n't over for {who} yet.")
}

/// How many it would take.
fn more(result: &RuleResult) -> String {
    let (meant, holdout) = (result.meant, result.holdout);
    match result.needed {
        Some(needed) => format!(
            " About {needed} in each group would be needed to see a difference of this size; there \
             are {} and {}.",
            meant.of, holdout.of
        ),
        None => " There is hardly any difference to see.".to_owned(),
    }
}

fn some(count: u32, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}
