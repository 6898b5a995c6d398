//! Did it help? Who came back after a rule's letter, held against those who were held out.
//!
//! Judged by what customers did, never by whether they opened anything. May not change anything.
//!
//! **Who is compared.** A holdout is decided late in the list of gates, but others follow it: a
//! frequency cap, a declined batch, a relay that refuses the address. They take people out of the
//! letters sent and leave the holdout as it is; to compare the two would favour or blame the letter
//! for whom it didn't reach. Worse, whoever comes back by themselves while their "we miss you" waits
//! for the end of the quiet hours is skipped as `contacted-since`, while one who is held out and
//! comes back counts. So the fair comparison is of those who were *meant* to get the letter (they
//! came as far as the question of the holdout, and were not held out), whatever became of it then:
//! by intention to treat. The letters sent are told beside it.
//!
//! **When.** For both groups the clock starts at the moment of that first decision; for the letters
//! sent, at the moment of sending. Whose days aren't over is in neither group, whether or not they
//! are back already: to count the quick ones early would be wishful.
//!
//! **Once.** A customer counts once, with the first such entry: the second thank-you of one customer
//! says nothing new of chance, and comes to them already changed by the first. And only what was due
//! on the days from the first to the last on which somebody was held out counts, so that a season in
//! which nobody was isn't compared with one in which somebody was.

pub mod words;

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::compare::{self, Difference, Group, Verdict};
use super::{EngineError, House, control};
use crate::rules::{Rule, Trigger};
use crate::store::{self, Tally};

/// What counts as a contact where no rule for silences says so.
pub(super) const CONTACTS: [&str; 2] = ["visit", "purchase"];

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Only this rule.
    pub rule: Option<String>,
    /// Days in which a return counts.
    pub within_days: u16,
    /// Due at this moment or later.
    pub since: Option<Timestamp>,
    /// Due before this moment.
    pub until: Option<Timestamp>,
}

/// What a rule's letters came to.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleResult {
    /// The rule's id.
    pub rule: String,
    /// Its title; `None` where its file is gone.
    pub title: Option<String>,
    /// Which kinds of event count as a return.
    pub contact: Vec<String>,
    /// Days in which they count.
    pub within_days: u16,
    /// The counts.
    pub tally: Tally,
    /// For whom a letter was meant.
    pub meant: Group,
    /// Who was held out.
    pub holdout: Group,
    /// Whose letter was sent.
    pub sent: Group,
    /// How much more often those came back for whom a letter was meant; `None` where one of the
    /// groups is empty.
    pub difference: Option<Difference>,
    /// People in each group with whom such a difference would be seen four times in five.
    pub needed: Option<u32>,
    /// What it comes to.
    pub verdict: Verdict,
}

/// Looks at one rule, or at each that is switched on or has had a letter to decide about, by id.
///
/// # Errors
/// There is no such rule, or the store's trouble.
pub async fn results(
    house: &House,
    question: &Question,
    now: Timestamp,
) -> Result<Vec<RuleResult>, EngineError> {
    if let Some(rule) = &question.rule {
        control::known_rule(house, rule).await?;
        return Ok(vec![of_rule(house, rule, question, now).await?]);
    }
    let states = house.store.rule_states().await?;
    let seen = states.into_iter().map(|state| state.rule);
    let there = house.plans.rules.iter().map(|rule| rule.id.clone());
    let all: BTreeSet<String> = seen.chain(there).collect();
    let mut found = Vec::new();
    for rule in all {
        let result = of_rule(house, &rule, question, now).await?;
        let on = house.rule(&rule).is_some_and(|rule| rule.enabled);
        if on || result.verdict != Verdict::NoLetters {
            found.push(result);
        }
    }
    Ok(found)
}

async fn of_rule(
    house: &House,
    id: &str,
    question: &Question,
    now: Timestamp,
) -> Result<RuleResult, EngineError> {
    let rule = house.rule(id);
    let contact = contacts(rule);
    let asked = store::Question {
        rule: id,
        kinds: &contact,
        within_days: question.within_days,
        since: question.since,
        until: question.until,
        now,
    };
    let tally = house.store.tally(&asked).await?;
    let group = |(of, back)| Group { of, back };
    let (meant, holdout, sent) = (group(tally.meant), group(tally.holdout), group(tally.sent));
    let holds_out = rule.is_some_and(|rule| rule.holdout > 0);
    Ok(RuleResult {
        rule: id.to_owned(),
        title: rule.map(|rule| rule.title.clone()),
        contact,
        within_days: question.within_days,
        difference: compare::difference(meant, holdout),
        needed: compare::needed(meant, holdout),
        verdict: verdict(&tally, holds_out),
        tally,
        meant,
        holdout,
        sent,
    })
}

/// The kinds that a `lapsed` rule names; a visit or a purchase for all others.
fn contacts(rule: Option<&Rule>) -> Vec<String> {
    match rule.map(|rule| &rule.trigger) {
        Some(Trigger::Lapsed(silence)) => silence.contact.clone(),
        _ => CONTACTS.map(str::to_owned).to_vec(),
    }
}

/// What the counts come to. A rule that holds people out and hasn't met one yet has to wait for one.
fn verdict(tally: &Tally, holds_out: bool) -> Verdict {
    let group = |(of, back)| Group { of, back };
    if (tally.meant.0, tally.holdout.0, tally.waiting) == (0, 0, 0) {
        Verdict::NoLetters
    } else if tally.days.is_none() && !holds_out {
        Verdict::NoHoldout
    } else {
        Verdict::of(group(tally.meant), group(tally.holdout))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_of_what_cannot_be_known() {
        let none = Tally::default();
        let verdict = |tally: &Tally, holds_out| super::verdict(tally, holds_out).as_str();
        assert_eq!(verdict(&none, true), "no-letters");
        let waiting = Tally {
            waiting: 3,
            ..none.clone()
        };
        assert_eq!(verdict(&waiting, false), "no-holdout");
        assert_eq!(verdict(&waiting, true), "too-early");
        let all_got_it = Tally {
            meant: (900, 300),
            ..none.clone()
        };
        assert_eq!(verdict(&all_got_it, false), "no-holdout");
        assert_eq!(verdict(&all_got_it, true), "too-early");
        let day = jiff::civil::date(2027, 5, 2);
        let compared = Tally {
            days: Some((day, day)),
            holdout: (100, 10),
            ..all_got_it
        };
        // Also when the rule holds nobody out any more.
        assert_eq!(verdict(&compared, false), "helps");
    }
}
