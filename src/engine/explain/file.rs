//! What there is to tell of one customer and one rule, and its sentences.
//!
//! May not read anything, nor foresee.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

use super::ahead::{Foresight, Told};
use super::books::Books;
use super::{AHEAD, Question, Said};
use crate::decide;
use crate::decide::explain::{self, Settled};
use crate::decide::gate::Answer;
use crate::engine::{plan, scribe};
use crate::model::occasion::entry_id;
use crate::model::{Occasion, Outcome, Period, Reason};
use crate::rules::Rule;
use crate::store::Entry;

/// Settled entries of a rule that are told: the latest.
const TOLD: usize = 3;

/// What is known of one customer and one rule.
#[derive(Debug)]
pub(super) struct File<'a> {
    books: &'a Books<'a>,
    id: &'a str,
    /// `None`: its file is gone.
    rule: Option<&'a Rule>,
    entries: Vec<&'a Entry>,
    points: Vec<Point<'a>>,
}

/// One thing to tell.
#[derive(Debug)]
enum Point<'a> {
    /// The rule is switched off, and there is nothing to tell of before.
    Off,
    /// What the ledger has.
    Entry(&'a Entry),
    /// What it hasn't; where nothing is due on the day that was asked for, what comes instead.
    Ahead(Occasion, Option<Date>),
    /// Nothing lies ahead, likewise.
    Nothing(String, Option<Date>),
}

impl<'a> File<'a> {
    pub(super) fn of(books: &'a Books<'a>, id: &'a str) -> Self {
        Self {
            books,
            id,
            rule: books.house.rule(id),
            entries: books.entries.iter().filter(|one| one.rule == id).collect(),
            points: Vec::new(),
        }
    }

    /// Finds what there is to tell.
    pub(super) fn look(&mut self, question: &Question) {
        let is_off = self.entries.is_empty() && self.rule.is_some_and(|rule| !rule.enabled);
        self.points = match question.on {
            Some(day) => self.on(day),
            None if is_off && question.rule.is_none() => vec![Point::Off],
            None => self.was_and_will_be(),
        };
    }

    /// The occasions whose fate isn't settled, each with the days that it may be late.
    pub(super) fn ahead(&self) -> impl Iterator<Item = (Occasion, i32)> {
        let late = self.rule.map_or(0, |rule| rule.send.late.days_at_most());
        let points = self.points.iter().filter_map(|point| match point {
            Point::Entry(entry) => waits(entry).then(|| entry.occasion.clone()),
            Point::Ahead(occasion, _) => Some(occasion.clone()),
            Point::Off | Point::Nothing(..) => None,
        });
        points.map(move |occasion| (occasion, late))
    }

    /// The latest that was settled, whatever waits, and what comes next.
    fn was_and_will_be(&self) -> Vec<Point<'a>> {
        let entries = self.entries.iter().copied();
        let (over, open): (Vec<&Entry>, Vec<&Entry>) =
            entries.partition(|entry| entry.outcome.is_final());
        let latest = over.len().saturating_sub(TOLD);
        let next = open.is_empty().then(|| self.next(self.books.today(), None));
        let told = over.into_iter().skip(latest).chain(open);
        told.map(Point::Entry).chain(next.flatten()).collect()
    }

    /// What there was or will be on this day.
    fn on(&self, day: Date) -> Vec<Point<'a>> {
        let here = |entry: &&Entry| {
            let zone = self.books.house.zone(&entry.occasion.zone);
            let on =
                |at: Option<Timestamp>| at.is_some_and(|at| zone.to_datetime(at).date() == day);
            entry.occasion.day == day || on(entry.sent_at) || on(entry.decided_at)
        };
        let entries = self.entries.iter().copied().filter(here);
        let mut points: Vec<Point<'a>> = entries.map(Point::Entry).collect();
        let Some(rule) = self.rule else {
            return points;
        };
        let ahead = self.unknown_to_the_ledger(rule, day, day).into_iter();
        points.extend(ahead.map(|occasion| Point::Ahead(occasion, None)));
        if points.is_empty() {
            points.extend(self.next(day, Some(day)));
        }
        points
    }

    /// The next occasion from this day on, or why there is none.
    fn next(&self, from: Date, instead_of: Option<Date>) -> Option<Point<'a>> {
        let rule = self.rule?;
        let until = Period::Days(AHEAD).from_date(from).unwrap_or(from);
        let mut found = self.unknown_to_the_ledger(rule, from, until);
        // A day that began earlier somewhere is today as well.
        Some(if found.is_empty() {
            let policy = self.books.house.policy();
            let words = explain::nothing(rule, &self.books.view, policy, from);
            Point::Nothing(words, instead_of)
        } else {
            Point::Ahead(found.swap_remove(0), instead_of)
        })
    }

    /// What the rule gives them on these days, but for what the ledger holds.
    fn unknown_to_the_ledger(&self, rule: &Rule, from: Date, until: Date) -> Vec<Occasion> {
        let policy = self.books.house.policy();
        let mut found = decide::occasions(rule, &self.books.view, policy, from, until);
        found.retain(|one| {
            let mut entries = self.entries.iter();
            !entries.any(|entry| entry.occasion.key == one.key)
        });
        found
    }

    /// Everything that was found, in sentences.
    pub(super) fn said(&self, question: &Question, foresights: &[Foresight<'_>]) -> Vec<Said> {
        let mut said: Vec<Said> = Vec::new();
        // What goes on the day that was asked for counts, whenever it is due, and what the next pass
        // plans anew for it; what was due and isn't in the ledger yet comes with the next pass.
        let today = self.books.today();
        let all = foresights.iter().flat_map(|one| match question.on {
            Some(day) => one.of_day(self.id, day),
            None => one.overdue(self.id, today),
        });
        let more = all.collect();
        let more = self.news(more);
        for point in more.iter().chain(&self.points) {
            if let Point::Ahead(_, Some(_)) | Point::Nothing(_, Some(_)) = point
                && !more.is_empty()
            {
                continue;
            }
            said.push(self.told(point, foresights));
        }
        said
    }

    /// Those of these that aren't told of anyway.
    fn news(&self, occasions: Vec<Occasion>) -> Vec<Point<'a>> {
        let is_told = |key: &str| {
            self.points.iter().any(|point| match point {
                Point::Entry(entry) => entry.occasion.key == key,
                Point::Ahead(occasion, None) => occasion.key == key,
                Point::Ahead(_, Some(_)) | Point::Off | Point::Nothing(..) => false,
            })
        };
        let news = occasions.into_iter().filter(|one| !is_told(&one.key));
        news.map(|occasion| {
            let mut entries = self.entries.iter();
            match entries.find(|entry| entry.occasion.key == occasion.key) {
                Some(entry) => Point::Entry(entry),
                None => Point::Ahead(occasion, None),
            }
        })
        .collect()
    }

    fn told(&self, point: &Point<'_>, foresights: &[Foresight<'_>]) -> Said {
        let (said, instead_of) = match point {
            Point::Off => {
                let reason = Reason::RuleDisabled;
                let said = self.bare(reason.sentence().to_owned());
                return Said {
                    reason: Some(reason),
                    ..said
                };
            }
            Point::Entry(entry) => return self.entry(entry, foresights),
            Point::Ahead(occasion, instead_of) => match self.rule {
                Some(rule) => (self.to_come(rule, occasion, foresights), instead_of),
                None => (self.bare(String::new()), instead_of),
            },
            Point::Nothing(words, instead_of) => (self.bare(words.clone()), instead_of),
        };
        match instead_of {
            Some(day) => Said {
                words: format!("Nothing is due on {}. {}", explain::date(*day), said.words),
                ..said
            },
            None => said,
        }
    }

    /// What the ledger tells of an entry, how it came about, and what will come of it.
    fn entry(&self, entry: &Entry, foresights: &[Foresight<'_>]) -> Said {
        let (occasion, house) = (&entry.occasion, self.books.house);
        let zone = house.zone(&occasion.zone);
        let settled = explain::settled(&Settled {
            outcome: entry.outcome,
            reason: entry.reason,
            at: entry.sent_at.or(entry.decided_at),
            next: entry.next_attempt_at,
            zone: &zone,
            reply: entry.reply.as_deref(),
        });
        let mut words = match self.rule {
            // An edited rule would tell another story than the one by which it was decided.
            Some(rule) if rule.version == entry.rule_version => {
                explain::arises(rule, &self.books.view, house.policy(), occasion)
            }
            Some(_) | None => {
                let due = explain::moment(occasion.due_at, &zone);
                format!("Due on {due}, by the rule as it was then.")
            }
        };
        words = format!("{words} {settled}");
        let told = waits(entry).then(|| foretold(foresights, &entry.id, Some(entry)));
        if let Some(told) = &told {
            let ahead = told
                .as_ref()
                .map_or(explain::TAKEN_BACK, |told| &told.words);
            if let Some(at) = told.as_ref().and_then(|told| told.anew) {
                words = format!("{words} {}", explain::planned_anew(at, &zone));
            }
            words = format!("{words} {ahead}");
        }
        let said = Said {
            entry: Some(entry.id.clone()),
            outcome: Some(entry.outcome),
            reason: entry.reason,
            ..self.about(occasion, words)
        };
        match told.flatten() {
            Some(told) => Said {
                comes_to: told.comes_to,
                goes_at: told.goes_at,
                because_of: told.because_of,
                ..said
            },
            None => said,
        }
    }

    /// What an occasion that isn't in the ledger will come to.
    fn to_come(&self, rule: &Rule, occasion: &Occasion, foresights: &[Foresight<'_>]) -> Said {
        let (house, view) = (self.books.house, &self.books.view);
        let words = explain::arises(rule, view, house.policy(), occasion);
        let id = entry_id(self.id, &view.customer.id, &occasion.key);
        if let Some(told) = foretold(foresights, &id, None) {
            return Said {
                outcome: Some(told.outcome),
                reason: told.reason,
                comes_to: told.comes_to,
                goes_at: told.goes_at,
                because_of: told.because_of,
                ..self.about(occasion, format!("{words} {}", told.words))
            };
        }
        if let Some(why) = self.no_part_of_it(rule, occasion) {
            return self.about(occasion, format!("{words} {why}"));
        }
        // It won't be planned: the gates say why, or the planner has a reason of its own.
        let at = occasion.due_at.max(self.books.now);
        let kind = (rule.class, rule.audience);
        let batch = self.books.said_of(self.id, occasion.day);
        let (answer, why) =
            scribe::judged_in_words(house, Some(rule), (view, occasion, kind), (batch, at));
        let (outcome, reason, why) = match answer {
            Answer::Skip(reason) => (Some(Outcome::Skipped), Some(reason), why),
            Answer::Pass | Answer::Defer(..) | Answer::Hold(..) => {
                (None, None, explain::NOT_PLANNED.to_owned())
            }
        };
        Said {
            outcome,
            reason,
            ..self.about(occasion, format!("{words} {why}"))
        }
    }

    /// Why an occasion doesn't exist for the rule: it lies before its start, or in the past and
    /// nobody noted it.
    fn no_part_of_it(&self, rule: &Rule, occasion: &Occasion) -> Option<String> {
        let (house, state) = (self.books.house, self.books.state(self.id));
        let first_day = state.map_or(self.books.today(), |state| state.first_day);
        let start = plan::start_of(house, rule, first_day);
        if occasion.day < start {
            let live = house.policy().live_from.filter(|live| *live == start);
            let since = match (live, state) {
                (Some(_), _) => "nothing before `live_from` counts",
                (None, Some(_)) => "the rule wasn't in force before",
                (None, None) => "the rule isn't in force yet",
            };
            let start = explain::date(start);
            return Some(format!(
                "It isn't sent: the rule counts from {start}, since {since}."
            ));
        }
        let long_ago = self.books.now.checked_sub(48.hours()).ok()?;
        (occasion.due_at < long_ago).then(|| {
            "The ledger has no entry for it: the record or the rule was another then.".to_owned()
        })
    }

    fn about(&self, occasion: &Occasion, words: String) -> Said {
        Said {
            occasion: Some(occasion.key.clone()),
            day: Some(occasion.day),
            zone: Some(occasion.zone.clone()),
            ..self.bare(words)
        }
    }

    fn bare(&self, words: String) -> Said {
        Said {
            rule: self.id.to_owned(),
            entry: None,
            occasion: None,
            day: None,
            outcome: None,
            reason: None,
            comes_to: None,
            goes_at: None,
            because_of: Vec::new(),
            zone: None,
            words,
        }
    }
}

/// Whether something is still to come of an entry.
fn waits(entry: &Entry) -> bool {
    !entry.outcome.is_final() && entry.outcome != Outcome::Sending
}

fn foretold(foresights: &[Foresight<'_>], id: &str, entry: Option<&Entry>) -> Option<Told> {
    foresights.iter().find_map(|one| one.told(id, entry))
}
