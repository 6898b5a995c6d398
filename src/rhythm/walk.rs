//! A walk over the past, silence by silence: whom a rule would have written to and when, and who
//! came back by themselves.
//!
//! One letter a silence, on the day that the rule says; judged by whether a contact followed within
//! the horizon. May not know how a rule comes to its day.

use std::collections::BTreeMap;

/// Which part of the past is walked, in whole days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The first day on which a letter counts.
    pub from: i32,
    /// The last.
    pub until: i32,
    /// The last day of what was seen; contacts after it don't count.
    pub seen: i32,
    /// A contact within so many days of a letter makes it needless.
    pub horizon: u32,
}

/// A silence: the contact days up to it, and the contact that ended it.
#[derive(Debug, Clone, Copy)]
pub struct Silence<'a> {
    /// Contact days, in order and each once; never empty.
    pub days: &'a [i32],
    /// The last of them.
    pub last: i32,
    /// The next contact day; `None` while it lasts.
    pub next: Option<i32>,
}

/// What became of a silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// A letter after so many days, and no contact within the horizon.
    Right(u32),
    /// A letter after so many days to somebody who would have come without it.
    Needless(u32),
    /// A letter whose horizon isn't over at the end of what was seen.
    Unjudged,
    /// The letter's day lay before the stretch.
    Before,
    /// No letter up to the last day that can be judged, and no contact within the horizon of that
    /// day.
    Missed,
    /// No letter, and none is known to have been wanted: they came back before, or soon after.
    LeftAlone,
}

impl Stretch {
    /// The last day on which a letter counts and can be judged.
    pub fn judged_until(&self) -> i32 {
        self.until.min(before(self.seen, self.horizon))
    }

    /// The silences of one customer in which a letter could have gone out in this stretch, each
    /// once; only those after at least so many contact days. Days are in order and each once.
    pub fn silences<'a>(
        &self,
        days: &'a [i32],
        least_contacts: usize,
    ) -> impl Iterator<Item = Silence<'a>> + use<'a> {
        let stretch = *self;
        let seen = days.partition_point(|day| *day <= stretch.seen);
        let days = days.get(..seen).unwrap_or_default();
        (least_contacts.max(1)..=days.len()).filter_map(move |count| {
            let before = days.get(..count)?;
            let silence = Silence {
                days: before,
                last: *before.last()?,
                next: days.get(count).copied(),
            };
            let first = stretch.from.max(silence.last.saturating_add(1));
            let lasts = silence.lasts_beyond(first);
            (lasts && first <= stretch.until).then_some(silence)
        })
    }

    /// What becomes of a silence with a letter after so many days of it, at least one; `None`: with
    /// none at all.
    pub fn fate(&self, silence: &Silence<'_>, after: Option<u32>) -> Fate {
        let day = after.map(|days| silence.last.saturating_add_unsigned(days.max(1)));
        let judged = self.judged_until();
        match (day, after) {
            (Some(day), _) if day < self.from => Fate::Before,
            (Some(day), Some(after)) if day <= self.until && silence.lasts_beyond(day) => {
                if day > judged {
                    Fate::Unjudged
                } else if silence.lasts_beyond(day.saturating_add_unsigned(self.horizon)) {
                    Fate::Right(after)
                } else {
                    Fate::Needless(after)
                }
            }
            _ if silence.last <= judged
                && self.from <= judged
                && silence.lasts_beyond(judged.saturating_add_unsigned(self.horizon)) =>
            {
                Fate::Missed
            }
            _ => Fate::LeftAlone,
        }
    }
}

impl Silence<'_> {
    /// Whether there was no contact up to the end of this day.
    fn lasts_beyond(&self, day: i32) -> bool {
        self.next.is_none_or(|next| next > day)
    }

    /// Its length in days where it ended.
    pub fn length(&self) -> Option<u32> {
        self.next.map(|next| next.abs_diff(self.last))
    }
}

fn before(day: i32, days: u32) -> i32 {
    day.saturating_sub_unsigned(days)
}

/// What a rule would have come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Right letters.
    pub right: Silent,
    /// Letters to people who came back by themselves.
    pub needless: Silent,
    /// Letters whose horizon isn't over.
    pub unjudged: u32,
    /// Silences whose letter lay before the stretch.
    pub before: u32,
    /// Silences of those who stayed away without a letter by the end.
    pub missed: u32,
    /// All other silences.
    pub left_alone: u32,
}

impl Tally {
    /// Counts one more silence.
    pub fn add(&mut self, fate: Fate) {
        match fate {
            Fate::Right(days) => self.right.add(days),
            Fate::Needless(days) => self.needless.add(days),
            Fate::Unjudged => self.unjudged += 1,
            Fate::Before => self.before += 1,
            Fate::Missed => self.missed += 1,
            Fate::LeftAlone => self.left_alone += 1,
        }
    }

    /// All letters.
    pub fn letters(&self) -> u32 {
        self.judged() + self.unjudged
    }

    /// The letters whose horizon is over.
    pub fn judged(&self) -> u32 {
        self.right.count() + self.needless.count()
    }

    /// All silences.
    pub fn silences(&self) -> u32 {
        self.letters() + self.before + self.missed + self.left_alone
    }

    /// The share of judged letters that were needless, from 0 to 1; `None` without any.
    pub fn needless_share(&self) -> Option<f64> {
        share(self.needless.count(), self.judged())
    }

    /// The silences in which somebody stayed away, with a letter or without one.
    pub fn away(&self) -> u32 {
        self.right.count() + self.missed
    }

    /// The share caught of those who stayed away, from 0 to 1; `None` where nobody did.
    pub fn caught_share(&self) -> Option<f64> {
        share(self.right.count(), self.away())
    }

    /// The silences of all judged letters.
    pub fn silent(&self) -> Silent {
        let mut all = self.right.clone();
        for (days, count) in &self.needless.0 {
            *all.0.entry(*days).or_default() += count;
        }
        all
    }
}

fn share(part: u32, of: u32) -> Option<f64> {
    (of > 0).then(|| f64::from(part) / f64::from(of))
}

/// Days of silence, and how many silences had so many.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Silent(BTreeMap<u32, u32>);

impl Silent {
    fn add(&mut self, days: u32) {
        *self.0.entry(days).or_default() += 1;
    }

    /// How many.
    pub fn count(&self) -> u32 {
        self.0.values().sum()
    }

    /// The days that so many hundredths of them stay below; `None` where there are none.
    pub fn percentile(&self, percent: u32) -> Option<u32> {
        let below = u64::from(self.count()) * u64::from(percent.min(99)) / 100;
        let mut so_far = 0;
        self.0.iter().find_map(|(days, count)| {
            so_far += u64::from(*count);
            (so_far > below).then_some(*days)
        })
    }
}

#[cfg(test)]
mod tests;
