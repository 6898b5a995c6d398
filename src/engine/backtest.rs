//! How a rule for silences would have done on the business's own past.
//!
//! The rule is walked over a stretch of the past, and other thresholds with it; what customers have
//! in common is learnt from the days before the stretch only, as it could have been known then. Only
//! the silences are played: no condition, cap, consent or address is looked at. May not change
//! anything.

mod advice;
mod threshold;

use jiff::Timestamp;
use jiff::civil::Date;

pub use advice::{Advice, LEAST_AWAY, LEAST_LETTERS};
pub use threshold::Threshold;

use super::{EngineError, House, control};
use crate::decide::lapse::contact_days;
use crate::model::dates::{day_number, numbered_day};
use crate::rhythm::calibration::{Tenth, tenths};
use crate::rhythm::walk::{Stretch, Tally};
use crate::rhythm::{Pattern, Sample};
use crate::rules::{Patience, Rule, Silence, Sure, Trigger};

/// Customers looked at together.
const CHUNK: usize = 512;
/// Days that are walked unless somebody says otherwise, at most: two years, so that what is said is
/// about the business as it is now.
const LONGEST_STRETCH: i32 = 730;
/// Days, where nobody says otherwise.
const HORIZON: u32 = Sure::USUAL_HORIZON.unsigned_abs();
/// Customers from which on chances are held against what came true.
const LEAST_CALIBRATED: usize = 100;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The rule's id.
    pub rule: String,
    /// The first civil day on which letters count; without it, the day after the middle of the past.
    pub from: Option<Date>,
    /// The last one; without it, the last that can be judged.
    pub until: Option<Date>,
    /// A contact within so many days makes a letter needless; without it, the horizon of the rule's
    /// own sureness, or 90 days.
    pub horizon_days: Option<u32>,
}

impl Question {
    fn horizon(&self, silence: &Silence) -> u32 {
        self.horizon_days.unwrap_or_else(|| match silence.after {
            Patience::Sure(Sure { horizon_days, .. }) => horizon_days.unsigned_abs(),
            Patience::Days(_) | Patience::Cadences(_) => HORIZON,
        })
    }
}

/// What a walk over the past came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The rule's id.
    pub rule: String,
    /// Its title.
    pub title: String,
    /// Its trigger.
    pub silence: Silence,
    /// It has a condition, which isn't played.
    pub conditional: bool,
    /// A contact within so many days makes a letter needless.
    pub horizon_days: u32,
    /// Which part of the past was walked; `None` where nobody ever came.
    pub days: Option<Days>,
    /// Customers whose rhythm was learnt from: they came more than once before the stretch.
    pub learnt_from: u32,
    /// Letters of this very rule that were sent in that past.
    pub sent: u32,
    /// Each threshold, the rule's own among them.
    pub played: Vec<Played>,
    /// Chances given on the day before the stretch, held against what came true in the horizon;
    /// empty where too few customers were there.
    pub tenths: Vec<Tenth>,
    /// What it comes to.
    pub advice: Advice,
}

/// The days of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// The first contact of all.
    pub first: Date,
    /// The first day on which letters count; what was known is what came before.
    pub from: Date,
    /// The last one.
    pub until: Date,
    /// The last of them that can be judged; before `from` where none can.
    pub judged_until: Date,
    /// The last contact of all.
    pub seen: Date,
}

/// A threshold and what it came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Played {
    /// After which silence.
    pub threshold: Threshold,
    /// The rule's own.
    pub is_rule: bool,
    /// What became of the silences.
    pub tally: Tally,
}

/// Walks a rule over the past.
///
/// # Errors
/// There is no such rule, or it isn't for silences; the stretch ends before it begins; the store's
/// trouble.
pub async fn backtest(
    house: &House,
    question: &Question,
    now: Timestamp,
) -> Result<Report, EngineError> {
    let (rule, silence) = rule_for_silences(house, &question.rule).await?;
    let past = Past::load(house, silence, day_number(house.today(now))).await?;
    let horizon = question.horizon(silence);
    let mut report = Report {
        rule: rule.id.clone(),
        title: rule.title.clone(),
        silence: silence.clone(),
        conditional: rule.condition.is_some(),
        horizon_days: horizon,
        days: None,
        learnt_from: 0,
        sent: 0,
        played: Vec::new(),
        tenths: Vec::new(),
        advice: Advice::TooShort,
    };
    let Some((first, seen)) = past.span() else {
        return Ok(report);
    };
    let stretch = stretch((first, seen), question, horizon);
    report.days = days(first, &stretch);
    let (pattern, learnt_from) = past.learn(stretch.from.saturating_sub(1));
    report.learnt_from = learnt_from;
    report.sent = sent_within(house, &rule.id, &stretch).await?;
    let least = usize::try_from(silence.min_contacts).unwrap_or(usize::MAX);
    report.tenths = past.calibrate(&pattern, &stretch, least);
    report.played = past.walk(&pattern, &stretch, silence);
    if stretch.judged_until() >= stretch.from {
        report.advice = Advice::of(&report.played);
    }
    Ok(report)
}

/// The rule, if there is one and it has a trigger that can be walked.
async fn rule_for_silences<'a>(
    house: &'a House,
    id: &str,
) -> Result<(&'a Rule, &'a Silence), EngineError> {
    control::known_rule(house, id).await?;
    let Some(rule) = house.rule(id) else {
        return Err(EngineError::Other(format!(
            "the rule `{id}` has no file any more, so there is nothing to try out; \
             `fondly results {id}` says what its letters did"
        )));
    };
    if let Trigger::Lapsed(silence) = &rule.trigger {
        return Ok((rule, silence));
    }
    Err(EngineError::Other(format!(
        "`{id}` isn't a rule for silences ([trigger.lapsed]), and only their letters can be needless \
         because somebody comes by themselves; `fondly forecast --rule {id}` says who gets it in the \
         days to come, `fondly rehearse` plays any stretch of time, and `fondly results {id}` says \
         whether its letters helped"
    )))
}

/// Which days are walked, of a past with this first and last contact.
fn stretch((first, seen): (i32, i32), question: &Question, horizon: u32) -> Stretch {
    let last_judged = seen.saturating_sub_unsigned(horizon);
    let until = question.until.map_or(last_judged, day_number).min(seen);
    let from = question.from.map_or_else(
        || {
            let end = until.saturating_add_unsigned(horizon).min(seen);
            let middle = first + (end - first).max(0) / 2;
            let latest = until.min(last_judged).saturating_sub(LONGEST_STRETCH - 1);
            (middle + 1).max(latest)
        },
        day_number,
    );
    Stretch {
        from,
        until,
        seen,
        horizon,
    }
}

/// Messages of the rule that went out, or may have, while it was walked or judged.
async fn sent_within(house: &House, rule: &str, stretch: &Stretch) -> Result<u32, EngineError> {
    let until = stretch.until.saturating_add_unsigned(stretch.horizon);
    let start = |day: i32| {
        let midnight = numbered_day(day)?.at(0, 0, 0, 0);
        house.policy().zone.to_timestamp(midnight).ok()
    };
    let from = start(stretch.from).unwrap_or(Timestamp::MIN);
    let after = start(until.min(stretch.seen).saturating_add(1)).unwrap_or(Timestamp::MAX);
    let ever = (Date::MIN, Date::MAX);
    Ok(house.store.sent_between(rule, ever, (from, after)).await?)
}

fn days(first: i32, stretch: &Stretch) -> Option<Days> {
    Some(Days {
        first: numbered_day(first)?,
        from: numbered_day(stretch.from)?,
        until: numbered_day(stretch.until)?,
        judged_until: numbered_day(stretch.judged_until())?,
        seen: numbered_day(stretch.seen)?,
    })
}

/// Contact days of every customer, one after the other: a million small lists would be large.
#[derive(Debug, Default)]
struct Past {
    days: Vec<i32>,
    ends: Vec<usize>,
}

impl Past {
    /// What happened up to today. What is dated later hasn't.
    async fn load(house: &House, silence: &Silence, today: i32) -> Result<Self, EngineError> {
        let mut past = Self::default();
        for ids in house.store.everyone(false).await?.chunks(CHUNK) {
            for view in house.views(ids).await?.iter().filter(|view| !view.erased) {
                let contacts = contact_days(view, &silence.contact);
                let days = contacts.iter().map(|one| day_number(one.day));
                past.add(days.take_while(|day| *day <= today));
            }
        }
        Ok(past)
    }

    fn add(&mut self, days: impl Iterator<Item = i32>) {
        self.days.extend(days);
        self.ends.push(self.days.len());
    }

    fn customers(&self) -> impl Iterator<Item = &[i32]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .filter_map(|(start, end)| self.days.get(start..*end))
    }

    /// The first contact of all, and the last.
    fn span(&self) -> Option<(i32, i32)> {
        Some((*self.days.iter().min()?, *self.days.iter().max()?))
    }

    /// What customers had in common up to the end of a day, and from how many that was learnt.
    fn learn(&self, known: i32) -> (Pattern, u32) {
        let (mut sample, mut count) = (Sample::default(), 0);
        for days in self.customers() {
            sample.add(days, known);
            count += u32::from(days.get(1).is_some_and(|second| *second <= known));
        }
        (sample.fit(), count)
    }

    /// Chances as they would have been given on the eve of the stretch, and what came of them.
    fn calibrate(&self, pattern: &Pattern, stretch: &Stretch, fewest: usize) -> Vec<Tenth> {
        let known = stretch.from.saturating_sub(1);
        let end = known.saturating_add_unsigned(stretch.horizon);
        if end > stretch.seen {
            return Vec::new();
        }
        let mut seen = Vec::new();
        for days in self.customers() {
            let count = days.partition_point(|day| *day <= known);
            let Some((before, last)) = days
                .get(..count)
                .filter(|before| before.len() >= fewest)
                .and_then(|before| Some((before, *before.last()?)))
            else {
                continue;
            };
            let outlook = threshold::outlook(pattern, before);
            let chance = outlook.chance(known.abs_diff(last), stretch.horizon);
            seen.push((chance, days.get(count).is_none_or(|next| *next > end)));
        }
        if seen.len() < LEAST_CALIBRATED {
            return Vec::new();
        }
        tenths(seen)
    }

    /// Every threshold on every silence.
    fn walk(&self, pattern: &Pattern, stretch: &Stretch, silence: &Silence) -> Vec<Played> {
        let own = Threshold(silence.after);
        let all = Threshold::all(silence.after, stretch.horizon);
        let new = |threshold| Played {
            threshold,
            is_rule: threshold == own,
            tally: Tally::default(),
        };
        let mut played: Vec<Played> = all.into_iter().map(new).collect();
        let least = usize::try_from(silence.min_contacts).unwrap_or(usize::MAX);
        for days in self.customers() {
            for silence in stretch.silences(days, least) {
                let outlook = threshold::outlook(pattern, silence.days);
                for Played {
                    threshold, tally, ..
                } in &mut played
                {
                    let shortest = threshold.least();
                    // Over before any letter, whenever exactly that would have been.
                    let over = silence.length().is_some_and(|days| days <= shortest);
                    let after = if over {
                        Some(shortest)
                    } else {
                        threshold.after(silence.days, &outlook)
                    };
                    tally.add(stretch.fate(&silence, after));
                }
            }
        }
        played
    }
}

#[cfg(test)]
mod tests;
