//! What lies ahead of one customer: each of their letters is looked at when its time comes, as if
//! those before it had gone.
//!
//! Only whose turn it is is settled here, as the sender settles it; what becomes of a letter then,
//! the same gates say. May not know other customers: what hangs on them is handed in.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::calendar::deadline;
use super::caps;
use super::gate::{Answer, Batch, Case, judge};
use crate::model::policy::{Audience, Class};
use crate::model::view::Sent;
use crate::model::{Occasion, Policy, Reason, View};
use crate::rules::Rule;

/// `fondly run` looks once a minute, so what comes due in between is looked at with the next: the
/// letters of a `spread` don't need a pass each.
const LOOKS_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// Looks at one letter before we give up: one a day for as long as a letter may be late, and some.
const MOST_LOOKS: usize = 400;

/// When what is due then is looked at.
pub(crate) fn next_look(due: Timestamp) -> Timestamp {
    let every = i64::try_from(LOOKS_EVERY.as_millis()).unwrap_or(1);
    let late = due.as_millisecond().rem_euclid(every);
    if late == 0 {
        return due;
    }
    due.checked_add(SignedDuration::from_millis(every - late))
        .unwrap_or(Timestamp::MAX)
}

/// A letter that waits, or will be planned.
#[derive(Debug, Clone)]
pub struct Letter<'a> {
    /// What the ledger calls it.
    pub id: String,
    /// Its rule's id.
    pub rule_id: String,
    /// Its rule as it stands now; `None` when its file is gone.
    pub rule: Option<&'a Rule>,
    /// The class under which it is, or was, planned.
    pub class: Class,
    /// Whom it goes to.
    pub audience: Audience,
    /// 0 to 100, higher first.
    pub priority: u8,
    /// The occasion.
    pub occasion: Occasion,
    /// The zone it is planned in.
    pub zone: jiff::tz::TimeZone,
    /// When it is to be looked at.
    pub next: Timestamp,
    /// It waits for a person.
    pub held: bool,
    /// How its batch will stand, as far as that can be known beforehand.
    pub batch: Batch,
    /// Whether it may wait for its rule's day, or for a person, because of what other customers get.
    pub crowded: bool,
}

/// Everything that the letters have in common.
pub struct Outlook<'a> {
    /// The customer.
    pub view: &'a View,
    /// The business's policy.
    pub policy: &'a Policy,
    /// From when on it is looked.
    pub now: Timestamp,
    /// What a letter's condition sees at that moment.
    pub facts: &'a dyn Fn(&Letter<'_>, Timestamp) -> minijinja::Value,
    /// Whether the letter can be written at that moment.
    pub can_write: &'a dyn Fn(&Letter<'_>, Timestamp) -> bool,
}

/// One look at a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// When.
    pub at: Timestamp,
    /// How many of [`Course::gone`] had gone before.
    pub after: usize,
    /// What the gates say then; and that it can't be written, if so.
    pub answer: Answer,
}

/// What becomes of one letter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fate {
    /// Every look at it, in order; none where it isn't looked at.
    pub looks: Vec<Look>,
    /// The place of the letter on which it hangs whose turn nobody can tell from one customer's
    /// records: itself, or one that comes before it.
    pub hangs_on: Option<usize>,
}

/// A letter to the customer that goes out, and counts for what comes after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone {
    /// Its place among the letters.
    pub letter: usize,
    /// When.
    pub at: Timestamp,
}

/// What becomes of all of them.
#[derive(Debug)]
pub struct Course {
    /// In the order of the letters.
    pub fates: Vec<Fate>,
    /// In the order in which they go.
    pub gone: Vec<Gone>,
    /// The customer as everything has gone.
    view: View,
    /// Of what was sent to them, so much was before.
    known: usize,
}

/// What it comes to in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It goes out then.
    Goes(Timestamp),
    /// It isn't sent.
    Not(Reason),
    /// It waits for a person; then it is too late. The reason is the last look's, if it was looked at.
    Held(Option<Reason>),
    /// Nobody looks at it.
    Waits,
}

impl Fate {
    /// What it comes to, for a letter that is held or isn't (`held`).
    pub fn end(&self, held: bool) -> End {
        let holds = self.looks.iter().rev().find_map(|look| match look.answer {
            Answer::Hold(_, reason) => Some(reason),
            Answer::Pass | Answer::Skip(_) | Answer::Defer(..) => None,
        });
        let waits = held || holds.is_some();
        match self.looks.last().map(|look| (look.at, look.answer)) {
            Some((at, Answer::Pass)) => End::Goes(at),
            Some((_, Answer::Skip(Reason::TooLate))) if waits => End::Held(holds),
            Some((_, Answer::Skip(reason))) => End::Not(reason),
            Some((_, Answer::Hold(_, reason))) => End::Held(Some(reason)),
            Some((_, Answer::Defer(..))) | None => End::Waits,
        }
    }
}

impl Course {
    /// The customer as they will be at this look.
    pub fn view_at(&self, look: &Look) -> View {
        let mut view = self.view.clone();
        view.sent.truncate(self.known + look.after);
        view
    }

    /// The letters that go before this look, at `view.sent`'s end in the view of [`Course::view_at`].
    pub fn gone_by(&self, look: &Look) -> &[Gone] {
        self.gone.get(..look.after).unwrap_or_default()
    }
}

/// A turn: the earliest look comes first; within one, what the sender takes first.
type Turn<'a> = (
    Timestamp,
    (Reverse<u8>, Timestamp, Timestamp),
    (&'a str, usize),
);

fn turn<'a>(
    letters: &'a [Letter<'_>],
    place: usize,
    next: Timestamp,
    now: Timestamp,
) -> Option<Turn<'a>> {
    let letter = letters.get(place)?;
    let at = if next <= now { now } else { next_look(next) };
    let first = (Reverse(letter.priority), next, letter.occasion.due_at);
    Some((at, first, (&letter.id, place)))
}

/// Looks at each of these letters as often as it takes.
pub fn course(outlook: &Outlook<'_>, letters: &[Letter<'_>]) -> Course {
    let mut all = Course {
        fates: vec![Fate::default(); letters.len()],
        gone: Vec::new(),
        view: outlook.view.clone(),
        known: outlook.view.sent.len(),
    };
    let mut turns: BTreeSet<Turn<'_>> = (0..letters.len())
        .filter_map(|place| {
            let next = letters.get(place)?.next;
            turn(letters, place, next, outlook.now)
        })
        .collect();
    // Letters whose moment isn't certain, and so neither what comes after them.
    let mut doubtful: Vec<usize> = Vec::new();
    while let Some((at, _, (_, place))) = turns.pop_first() {
        let Some(letter) = letters.get(place) else {
            continue;
        };
        let (answer, doubt) = look(outlook, (letter, at), &all.view, letters, &doubtful);
        let after = all.gone.len();
        if let Some(fate) = all.fates.get_mut(place) {
            fate.looks.push(Look { at, after, answer });
            let could_go = matches!(answer, Answer::Pass | Answer::Hold(..));
            let own = (letter.crowded && could_go).then_some(place);
            fate.hangs_on = fate.hangs_on.or(doubt).or(own);
            if fate.hangs_on.is_some() && !doubtful.contains(&place) {
                doubtful.push(place);
            }
            let again = match answer {
                Answer::Pass | Answer::Skip(_) => None,
                Answer::Defer(until, _) | Answer::Hold(until, _) => Some(until),
            };
            if let Some(until) = again.filter(|until| *until > at && fate.looks.len() < MOST_LOOKS)
            {
                turns.extend(turn(letters, place, until, at));
            }
        }
        if answer == Answer::Pass {
            all.goes(place, letter, at);
        }
    }
    all
}

impl Course {
    fn goes(&mut self, place: usize, letter: &Letter<'_>, at: Timestamp) {
        let Some(rule) = letter
            .rule
            .filter(|rule| rule.audience == Audience::Customer)
        else {
            return;
        };
        self.gone.push(Gone { letter: place, at });
        self.view.sent.push(Sent {
            rule: rule.id.clone(),
            occasion: letter.occasion.key.clone(),
            class: rule.class,
            audience: rule.audience,
            at,
        });
    }
}

/// What the gates say, and on which doubtful letter that hangs, if on one.
fn look(
    outlook: &Outlook<'_>,
    (letter, at): (&Letter<'_>, Timestamp),
    view: &View,
    letters: &[Letter<'_>],
    doubtful: &[usize],
) -> (Answer, Option<usize>) {
    let facts = || (outlook.facts)(letter, at);
    let case = case(outlook, letter, view, at, &facts);
    let mut answer = judge(&case);
    if answer == Answer::Pass && !(outlook.can_write)(letter, at) {
        answer = Answer::Skip(Reason::TemplateFailed);
    }
    // What comes before the caps in the gates' order hangs on nobody else; for whatever waits, or
    // can't wait so long, they may have a say.
    let by_caps = match answer {
        Answer::Pass | Answer::Hold(..) | Answer::Defer(..) => true,
        Answer::Skip(reason) => matches!(
            reason,
            Reason::Capped | Reason::QuietHours | Reason::NotThisDay | Reason::DailyLimit
        ),
    };
    let mut others = doubtful.iter().filter(|_| by_caps);
    let hangs_on = others.find(|place| {
        letters.get(**place).is_some_and(|other| {
            let rule = other
                .rule
                .filter(|rule| rule.audience == Audience::Customer);
            rule.is_some_and(|rule| {
                let end = deadline(rule.send.late, &other.occasion, &other.zone);
                other.id != letter.id && caps::could_count(&case, rule.class, end)
            })
        })
    });
    (answer, hangs_on.copied())
}

/// A letter as the gates look at it.
pub fn case<'a>(
    outlook: &Outlook<'a>,
    letter: &'a Letter<'_>,
    view: &'a View,
    now: Timestamp,
    facts: &'a dyn Fn() -> minijinja::Value,
) -> Case<'a> {
    Case {
        rule: letter.rule,
        class: letter.rule.map_or(letter.class, |rule| rule.class),
        audience: letter.rule.map_or(letter.audience, |rule| rule.audience),
        occasion: &letter.occasion,
        zone: &letter.zone,
        view,
        policy: outlook.policy,
        batch: letter.batch,
        now,
        facts,
    }
}

#[cfg(test)]
mod tests;
