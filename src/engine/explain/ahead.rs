//! What comes of one customer's letters, those that wait and those that will be planned, up to a day:
//! each as the others leave room for it.
//!
//! The order and the gates are [`crate::decide::ahead`]'s and [`crate::decide::gate`]'s; here is only
//! gathered what they need. What [`crate::engine::forecast`] plays through for everybody comes to the
//! same for this one, but where it hangs on others: then that is said. May not decide or write.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use jiff::civil::Date;

use super::books::Books;
use super::crowd::{Crowd, Crowds};
use super::letters::{letters, with_outlook};
use crate::decide;
use crate::decide::ahead::{Course, End, Fate, Letter, Look, case, course};
use crate::decide::explain::{self, Before};
use crate::decide::gate::Answer;
use crate::engine::{EngineError, letter};
use crate::model::{Occasion, Outcome, Reason};
use crate::store::Entry;

/// Looks at one letter that are told one by one.
const TOLD: usize = 4;

/// A customer's letters up to a day, with what becomes of each.
#[derive(Debug)]
pub(super) struct Foresight<'a> {
    books: &'a Books<'a>,
    /// What is paused isn't looked at, and stands in nobody's way.
    as_it_is: World<'a>,
    /// What would be if nothing were paused; nothing where nothing is.
    unpaused: Option<World<'a>>,
    crowds: Crowds,
}

/// What is looked at besides what the records give on the days in question.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    /// What waits in the ledger.
    pub(super) open: bool,
    /// How large the batches are, which takes a look at other customers.
    pub(super) crowds: bool,
}

impl Scope {
    /// From now on.
    pub(super) const NEAR: Self = Self {
        open: true,
        crowds: true,
    };
    /// So far ahead that nothing waits so long, and nobody knows who will be there.
    pub(super) const FAR: Self = Self {
        open: false,
        crowds: false,
    };
}

#[derive(Debug)]
struct World<'a> {
    letters: Vec<Letter<'a>>,
    course: Course,
}

/// What is told of one letter ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// What the first look at it comes to: `planned` where nothing stands in its way.
    pub(super) outcome: Outcome,
    pub(super) reason: Option<Reason>,
    /// What it comes to in the end, as the forecast calls it; nothing where that hangs on others.
    pub(super) comes_to: Option<(Outcome, Option<Reason>)>,
    /// When it goes out, if it does.
    pub(super) goes_at: Option<Timestamp>,
    /// The letters that go before and stand in its way: rule and occasion.
    pub(super) because_of: Vec<String>,
    /// When it will be due, where the next pass plans it anew for another moment.
    pub(super) anew: Option<Timestamp>,
    pub(super) words: String,
}

impl<'a> Foresight<'a> {
    /// Looks at everything that is due on these days.
    pub(super) async fn of(
        books: &'a Books<'a>,
        days: (Date, Date),
        scope: Scope,
    ) -> Result<Self, EngineError> {
        let letters = letters(books, days, scope.open).await?;
        let mut crowds = HashMap::new();
        let is_free = |one: &Letter<'_>| books.paused_since(&one.rule_id).is_none();
        let free = letters.iter().filter(|one| is_free(one)).cloned().collect();
        let paused = letters.len() > letters.iter().filter(|one| is_free(one)).count();
        Ok(Self {
            as_it_is: World::of(books, free, (scope, &mut crowds)).await?,
            unpaused: if paused {
                Some(World::of(books, letters, (scope, &mut crowds)).await?)
            } else {
                None
            },
            books,
            crowds,
        })
    }

    /// This rule's letters that are due or go out on this civil day where they are sent.
    pub(super) fn of_day(&self, rule: &str, day: Date) -> Vec<Occasion> {
        let world = self.unpaused.as_ref().unwrap_or(&self.as_it_is);
        let due = world.letters.iter().filter(|one| one.occasion.day == day);
        let (letters, fates) = (&self.as_it_is.letters, &self.as_it_is.course.fates);
        let goes = letters
            .iter()
            .zip(fates)
            .filter(|(one, fate)| match fate.end(one.held) {
                End::Goes(at) => one.zone.to_datetime(at).date() == day,
                End::Not(_) | End::Held(_) | End::Waits => false,
            });
        let goes = goes
            .map(|(one, _)| one)
            .filter(|one| one.occasion.day != day);
        let of_rule = due.chain(goes).filter(|one| one.rule_id == rule);
        of_rule.map(|one| one.occasion.clone()).collect()
    }

    /// This rule's letters that were due before this day, and will be planned with the next pass.
    pub(super) fn overdue(&self, rule: &str, day: Date) -> Vec<Occasion> {
        let world = self.unpaused.as_ref().unwrap_or(&self.as_it_is);
        let of_rule = world.letters.iter().filter(|one| one.rule_id == rule);
        let overdue = of_rule.filter(|one| {
            let mut entries = self.books.entries.iter();
            one.occasion.day < day && entries.all(|entry| entry.id != one.id)
        });
        overdue.map(|one| one.occasion.clone()).collect()
    }

    /// When the letter with this id goes out, if it does; were it not paused, if it is.
    pub(super) fn goes_at(&self, id: &str) -> Option<Timestamp> {
        let world = self.unpaused.as_ref().unwrap_or(&self.as_it_is);
        let place = world.place(id)?;
        let held = world.letters.get(place)?.held;
        match world.course.fates.get(place)?.end(held) {
            End::Goes(at) => Some(at),
            End::Not(_) | End::Held(_) | End::Waits => None,
        }
    }

    /// What becomes of the letter with this id, and of its entry where it has one; `None` where
    /// there will be none.
    pub(super) fn told(&self, id: &str, entry: Option<&Entry>) -> Option<Told> {
        let free = self.as_it_is.place(id).map(|place| (&self.as_it_is, place));
        let world = self.unpaused.as_ref();
        let (world, place) = free.or_else(|| Some((world?, world?.place(id)?)))?;
        let (one, fate) = (world.letters.get(place)?, world.course.fates.get(place)?);
        let mut words = self.words(world, (one, fate));
        let first = fate.looks.first().map_or(Answer::Pass, |look| look.answer);
        let due_at = one.occasion.due_at;
        let anew = entry.is_some_and(|entry| entry.occasion.due_at != due_at);
        let anew = anew.then_some(due_at);
        if let Some(since) = self.books.paused_since(&one.rule_id) {
            words = explain::while_paused(since, &self.books.house.policy().zone, (first, &words));
            let stands = entry.map(|entry| (entry.outcome, entry.reason));
            let (outcome, reason) = stands.unwrap_or((Outcome::Planned, None));
            return Some(Told {
                outcome,
                reason,
                comes_to: Some((outcome, reason)),
                goes_at: None,
                because_of: Vec::new(),
                anew,
                words,
            });
        }
        let (outcome, reason) = stands(first);
        let end = fate.end(one.held);
        let sure = fate.hangs_on.is_none();
        let because_of = self.in_the_way(world, (one, fate));
        if let Some(why) = fate
            .hangs_on
            .and_then(|other| self.doubt(world, (place, other)))
        {
            words = format!("{words} {why}");
        }
        Some(Told {
            outcome,
            reason,
            comes_to: sure.then(|| comes_to(end, entry)),
            goes_at: match end {
                End::Goes(at) if sure => Some(at),
                End::Goes(_) | End::Not(_) | End::Held(_) | End::Waits => None,
            },
            because_of,
            anew,
            words,
        })
    }

    /// Look after look, in sentences.
    fn words(&self, world: &World<'_>, (one, fate): (&Letter<'_>, &Fate)) -> String {
        let mut words: Vec<String> = Vec::new();
        let was_held = |place: usize| {
            let before = fate.looks.get(..place).unwrap_or_default();
            one.held
                || before
                    .iter()
                    .any(|look| matches!(look.answer, Answer::Hold(..)))
        };
        let more = fate.looks.len().saturating_sub(TOLD);
        for (place, look) in fate.looks.iter().enumerate() {
            // That it ends by itself is told with the waiting.
            if look.answer == Answer::Skip(Reason::TooLate) && was_held(place) {
                if place == 0 {
                    words.push(explain::undecided(look.at, &one.zone));
                }
                break;
            }
            if more > 1 && place >= TOLD - 1 && place + 1 < fate.looks.len() {
                if place == TOLD - 1 {
                    words.push(format!("Then it waits {more} times more."));
                }
                continue;
            }
            words.push(self.judged(world, one, look, |case, before| {
                if place == 0 {
                    explain::verdict(case, look.answer, before)
                } else {
                    explain::next_verdict(case, look.answer, before)
                }
            }));
            if look.answer == Answer::Skip(Reason::TemplateFailed) {
                words.extend(self.why_no_letter(one, look.at));
            }
        }
        words.join(" ")
    }

    fn why_no_letter(&self, one: &Letter<'_>, at: Timestamp) -> Option<String> {
        let (house, view) = (self.books.house, &self.books.view);
        let written = letter::write(house, one.rule?, view, &one.occasion, at);
        written.err().map(|error| error.to_string())
    }

    fn in_the_way(&self, world: &World<'_>, (one, fate): (&Letter<'_>, &Fate)) -> Vec<String> {
        let mut all = Vec::new();
        for look in &fate.looks {
            let places = self.judged(world, one, look, |case, before| {
                let found = explain::in_the_way(case, look.answer, before);
                found.iter().map(|one| one.place).collect::<Vec<_>>()
            });
            for place in places {
                let other = world.course.gone.get(place);
                let other = other.and_then(|gone| world.letters.get(gone.letter));
                let name = other.map(|one| format!("{} {}", one.rule_id, one.occasion.key));
                all.extend(name.filter(|name| !all.contains(name)));
            }
        }
        all
    }

    /// Asks about one look, as everything stands then.
    fn judged<T>(
        &self,
        world: &World<'_>,
        one: &Letter<'_>,
        look: &Look,
        ask: impl Fn(&decide::gate::Case<'_>, &[Before<'_>]) -> T,
    ) -> T {
        let view = world.course.view_at(look);
        let gone = world.course.gone_by(look).iter().enumerate();
        let before = gone.filter_map(|(place, gone)| {
            let other = world.letters.get(gone.letter)?;
            Some(Before {
                place,
                rule: &other.rule_id,
                at: gone.at,
                priorities: (other.priority, one.priority),
            })
        });
        let before: Vec<Before<'_>> = before.collect();
        with_outlook(self.books, |outlook| {
            let facts = || (outlook.facts)(one, look.at);
            ask(&case(outlook, one, &view, look.at, &facts), &before)
        })
    }

    /// Why nobody can say for sure what becomes of a letter.
    fn doubt(&self, world: &World<'_>, (place, on): (usize, usize)) -> Option<String> {
        let mut on = world.letters.get(on)?;
        // What hangs on a letter that itself hangs on another hangs on the first of them.
        let mut seen = HashSet::new();
        let crowd = loop {
            let key = (on.rule_id.clone(), on.occasion.day);
            let crowd = self.crowds.get(&key).and_then(|crowd| crowd.hangs_on);
            if crowd.is_some() || !seen.insert(key) {
                break crowd;
            }
            let next = world.place(&on.id);
            let next = next.and_then(|place| world.course.fates.get(place)?.hangs_on);
            on = world.letters.get(next?)?;
        };
        let own = world.letters.get(place).is_some_and(|one| one.id == on.id);
        let customer = &self.books.view.customer.id;
        let other = (!own).then_some(on.rule_id.as_str());
        Some(explain::hangs_on_others(other, crowd?, customer))
    }
}

impl<'a> World<'a> {
    /// Looks at these letters; at the batches of those that would go, too, until nobody's answer
    /// hangs on one that wasn't looked at.
    async fn of(
        books: &Books<'a>,
        mut letters: Vec<Letter<'a>>,
        (scope, crowds): (Scope, &mut Crowds),
    ) -> Result<Self, EngineError> {
        loop {
            let course = with_outlook(books, |outlook| course(outlook, &letters));
            if !scope.crowds {
                return Ok(Self { letters, course });
            }
            let mut asked = false;
            let goes = |fate: &Fate| fate.looks.iter().any(|look| look.answer == Answer::Pass);
            let places = letters.iter().enumerate().zip(&course.fates);
            let mut going: Vec<(Date, usize)> = places
                .filter(|((_, one), fate)| one.rule.is_some() && goes(fate))
                .map(|((place, one), _)| (one.occasion.day, place))
                .collect();
            // The earlier day says what there will be room for on the later.
            going.sort_unstable();
            for (day, place) in going {
                let Some((one, rule)) = letters.get_mut(place).and_then(|one| {
                    let rule = one.rule?;
                    Some((one, rule))
                }) else {
                    continue;
                };
                let key = (rule.id.clone(), day);
                let crowd = match crowds.get(&key) {
                    Some(crowd) => *crowd,
                    None => Crowd::of(books, rule, day).await?,
                };
                crowds.insert(key, crowd);
                let crowded = crowd.hangs_on.is_some();
                asked |= one.batch != crowd.batch || one.crowded != crowded;
                (one.batch, one.crowded) = (crowd.batch, crowded);
            }
            if !asked {
                return Ok(Self { letters, course });
            }
        }
    }

    fn place(&self, id: &str) -> Option<usize> {
        self.letters.iter().position(|one| one.id == id)
    }
}

/// What a look at it comes to.
fn stands(answer: Answer) -> (Outcome, Option<Reason>) {
    match answer {
        Answer::Pass => (Outcome::Planned, None),
        Answer::Skip(reason) => (Outcome::Skipped, Some(reason)),
        Answer::Defer(_, reason) => (Outcome::Deferred, Some(reason)),
        Answer::Hold(_, reason) => (Outcome::Held, Some(reason)),
    }
}

/// What the ledger will say.
fn comes_to(end: End, entry: Option<&Entry>) -> (Outcome, Option<Reason>) {
    let tried = entry.is_some_and(|entry| entry.attempts > 0);
    let amounts_to = |outcome| entry.map_or(outcome, |entry| entry.amounts_to(outcome));
    match end {
        End::Goes(_) => (Outcome::Sent, None),
        End::Not(Reason::TooLate) if tried => (amounts_to(Outcome::Expired), Some(Reason::TooLate)),
        End::Not(reason) => (amounts_to(Outcome::Skipped), Some(reason)),
        End::Held(reason) => {
            let known = entry.and_then(|entry| entry.reason);
            (Outcome::Held, reason.or(known))
        }
        End::Waits => (
            entry.map_or(Outcome::Deferred, |entry| entry.outcome),
            entry.and_then(|entry| entry.reason),
        ),
    }
}
