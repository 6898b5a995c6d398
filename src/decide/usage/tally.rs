//! What a customer's events add up to on any of their days, and how that compares.
//!
//! Sums are made once, in ten-thousandths and in the order of days; a day is then a few look-ups.
//! Days are numbers in here: a calendar's arithmetic for each would take most of the time.
//! What is reached and what is told stands in [`super`].

use jiff::civil::Date;

use crate::model::amount::same_currency;
use crate::model::dates::{day_number, numbered_day};
use crate::model::{Amount, Event, Period, View};
use crate::rules::{Measure, Usage};

/// Days back to the same season: 52 weeks.
pub(crate) const SEASON_DAYS: i32 = 364;
/// Ten-thousandths in one event.
const ONE: i64 = 10_000;
/// Hundredths of a percent in the whole.
const WHOLE: i128 = 10_000;

/// How a customer stands on one of their days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::decide) enum Standing {
    /// Nothing that counts has happened by then.
    Nothing,
    /// It hasn't gone on for long enough; it has from this day on.
    TooShort(Date),
    /// In several currencies.
    Mixed,
    /// What is usual is nothing, or less than `min_base`.
    TooLittle(Sums),
    /// To be told or not, as `reaches` and the season say.
    Compared {
        /// This year's.
        now: Sums,
        /// The same season's a year earlier, where there is anything to compare with.
        last_year: Option<Sums>,
    },
}

/// What window and base add up to, in ten-thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::decide) struct Sums {
    pub(in crate::decide) used: i128,
    pub(in crate::decide) base: i128,
}

impl Sums {
    /// Whether the window lies as far from usual as is asked for.
    pub(in crate::decide) fn reach(self, trigger: &Usage) -> bool {
        let (window, versus) = lengths(trigger);
        let used = product(&[self.used, versus, WHOLE]);
        let wanted = product(&[self.base, window, WHOLE + i128::from(trigger.change)]);
        far_enough(trigger, used, wanted)
    }

    /// Whether it does so against the same season of last year, too.
    pub(in crate::decide) fn beyond(self, last_year: Self, trigger: &Usage) -> bool {
        if trigger.change < 0 && last_year.used <= 0 {
            return false;
        }
        let used = product(&[self.used, last_year.base, WHOLE]);
        let factor = WHOLE + i128::from(trigger.change);
        let wanted = product(&[self.base, last_year.used, factor]);
        far_enough(trigger, used, wanted)
    }

    /// Whether what is usual is worth a comparison.
    fn large_enough(self, trigger: &Usage) -> bool {
        let (window, versus) = lengths(trigger);
        let least = i128::from(trigger.min_base.ten_thousandths());
        let enough = product(&[self.base, window]) >= product(&[least, versus]);
        self.base > 0 && enough
    }

    /// The base, scaled to the window's length and rounded; `None` where it can't be shown.
    pub(in crate::decide) fn usual(self, trigger: &Usage) -> Option<Amount> {
        let (window, versus) = lengths(trigger);
        let scaled = product(&[self.base, window])?;
        amount((scaled + versus / 2).div_euclid(versus))
    }

    /// The change in hundredths of a percent, towards nothing, negative for less; `None` without a
    /// base.
    pub(in crate::decide) fn hundredths(self, trigger: &Usage) -> Option<i128> {
        let (window, versus) = lengths(trigger);
        let (used, base) = (
            product(&[self.used, versus])?,
            product(&[self.base, window])?,
        );
        (base > 0).then(|| product(&[used - base, WHOLE]).map(|parts| parts / base))?
    }
}

/// More than can be counted is never far enough.
fn far_enough(trigger: &Usage, used: Option<i128>, wanted: Option<i128>) -> bool {
    match (used, wanted) {
        (Some(used), Some(wanted)) if trigger.change < 0 => used <= wanted,
        (Some(used), Some(wanted)) => used >= wanted,
        _ => false,
    }
}

fn product(factors: &[i128]) -> Option<i128> {
    factors.iter().try_fold(1_i128, |a, b| a.checked_mul(*b))
}

fn lengths(trigger: &Usage) -> (i128, i128) {
    (trigger.window_days.into(), trigger.versus_days.into())
}

pub(in crate::decide) fn amount(ten_thousandths: i128) -> Option<Amount> {
    i64::try_from(ten_thousandths)
        .ok()
        .map(Amount::from_ten_thousandths)
}

/// So many days before; after, where negative.
pub(in crate::decide) fn back(day: Date, days: i32) -> Option<Date> {
    Period::Days(-days).from_date(day)
}

/// A customer's events that count, ready for any sum.
#[derive(Debug)]
pub(in crate::decide) struct Tally<'a> {
    /// In the order of days.
    counted: Vec<Counted<'a>>,
    /// It has gone on for longer than is kept: what was taken out lies farther back than anything
    /// that is compared.
    longer: bool,
}

#[derive(Debug)]
struct Counted<'a> {
    day: i32,
    /// All up to and including this one.
    total: i128,
    /// How often the currency was another than just before, up to and including this one.
    switches: usize,
    currency: Option<&'a str>,
}

impl<'a> Tally<'a> {
    pub(in crate::decide) fn new(view: &'a View, trigger: &Usage) -> Self {
        let of_kind = view.events.iter();
        let mut items: Vec<(i32, Option<&str>, i64)> = of_kind
            .filter(|event| trigger.kinds.contains(&event.kind))
            .filter_map(|event| {
                let (number, currency) = measured(event, trigger.measure)?;
                Some((day_number(event.at.civil_day(&view.zone)), currency, number))
            })
            .collect();
        items.sort_by_cached_key(|(day, currency, number)| {
            (*day, currency.map(str::to_ascii_uppercase), *number)
        });
        let (mut total, mut switches) = (0, 0);
        let mut before: Option<Option<&str>> = None;
        let counted = items.into_iter().map(|(day, currency, number)| {
            total += i128::from(number);
            switches += usize::from(before.is_some_and(|before| !same_currency(before, currency)));
            before = Some(currency);
            Counted {
                day,
                total,
                switches,
                currency,
            }
        });
        let past = view.past.iter();
        let mut past = past.filter(|past| trigger.kinds.contains(&past.kind));
        Self {
            counted: counted.collect(),
            longer: past.any(|past| match trigger.measure {
                Measure::Count => past.number > 0,
                Measure::Amount => past.amounts > 0,
                Measure::Quantity => past.quantities > 0,
            }),
        }
    }

    /// The customer's days on which the change is told, in order.
    pub(super) fn told_days(&self, trigger: &Usage) -> Vec<Date> {
        let mut told: Vec<i32> = Vec::new();
        let mut before = false;
        for (day, reached) in self.course(trigger) {
            let apart = told
                .last()
                .is_none_or(|last| last.saturating_add(trigger.window_days) <= day);
            if reached && !before && apart {
                told.push(day);
            }
            before = reached;
        }
        told.into_iter().filter_map(numbered_day).collect()
    }

    /// The first day from which on it is reached without a break until this day, where it is.
    pub(in crate::decide) fn reached_since(&self, trigger: &Usage, day: Date) -> Option<Date> {
        let mut since = None;
        for (turn, reached) in self.course(trigger) {
            if turn > day_number(day) {
                break;
            }
            since = match (reached, since) {
                (true, since) => since.or(Some(turn)),
                (false, _) => None,
            };
        }
        numbered_day(since?)
    }

    /// Every turning day, with whether the change is reached from there to the next.
    fn course(&self, trigger: &Usage) -> Vec<(i32, bool)> {
        let mut explained = false;
        let turns = self.turning_days(trigger).into_iter();
        turns
            .map(|day| {
                let Standing::Compared { now, last_year } = self.at(trigger, day) else {
                    explained = false;
                    return (day, false);
                };
                let far = now.reach(trigger);
                let news = match last_year {
                    Some(then) => now.beyond(then, trigger),
                    None => !explained,
                };
                explained = far && !news;
                (day, far && news)
            })
            .collect()
    }

    /// The only days on which anything can become otherwise: when an event enters the window,
    /// leaves it for the base, or leaves the base, this year or in the comparison of a year later;
    /// and when there is history enough.
    fn turning_days(&self, trigger: &Usage) -> Vec<i32> {
        let (window, reach) = (trigger.window_days, reach(trigger));
        let mut days = Vec::new();
        let mut add = |day: i32, later: i32| {
            let turn = day.saturating_add(later);
            days.extend([turn, turn.saturating_add(SEASON_DAYS)]);
        };
        if let Some(first) = self.counted.first() {
            add(first.day, reach);
        }
        let mut last = None;
        for counted in &self.counted {
            if last.replace(counted.day) != Some(counted.day) {
                for later in [1, window + 1, reach + 1] {
                    add(counted.day, later);
                }
            }
        }
        days.sort_unstable();
        days.dedup();
        days
    }

    /// Whether the change is reached on this day, as far as the day alone tells.
    pub(super) fn reached(&self, trigger: &Usage, day: Date) -> bool {
        match self.standing(trigger, day) {
            Standing::Compared { now, last_year } => {
                now.reach(trigger) && last_year.is_none_or(|then| now.beyond(then, trigger))
            }
            Standing::Nothing
            | Standing::TooShort(_)
            | Standing::Mixed
            | Standing::TooLittle(_) => false,
        }
    }

    /// How they stand on this day of theirs.
    pub(in crate::decide) fn standing(&self, trigger: &Usage, day: Date) -> Standing {
        self.at(trigger, day_number(day))
    }

    fn at(&self, trigger: &Usage, day: i32) -> Standing {
        let known = self.counted.first().filter(|first| first.day < day);
        let Some(first) = known else {
            return Standing::Nothing;
        };
        let enough = if self.longer {
            i32::MIN
        } else {
            first.day.saturating_add(reach(trigger))
        };
        if day < enough {
            return numbered_day(enough).map_or(Standing::Nothing, Standing::TooShort);
        }
        let Some(now) = self.sums(trigger, day) else {
            return Standing::Mixed;
        };
        if !now.large_enough(trigger) {
            return Standing::TooLittle(now);
        }
        let last_year = Some(day.saturating_sub(SEASON_DAYS))
            .filter(|then| enough <= *then)
            .and_then(|then| self.sums(trigger, then))
            .filter(|then| then.large_enough(trigger));
        Standing::Compared { now, last_year }
    }

    /// Window and base before this day; `None` in several currencies.
    fn sums(&self, trigger: &Usage, day: i32) -> Option<Sums> {
        let first = self.before(day.saturating_sub(reach(trigger)));
        let middle = self.before(day.saturating_sub(trigger.window_days));
        let end = self.before(day);
        let switches = |at: Option<usize>| self.counted.get(at?).map(|one| one.switches);
        let of_one = first >= end || switches(Some(first)) == switches(end.checked_sub(1));
        of_one.then(|| Sums {
            used: self.total(end) - self.total(middle),
            base: self.total(middle) - self.total(first),
        })
    }

    /// The currency of the latest before this day.
    pub(in crate::decide) fn currency(&self, day: Date) -> Option<&'a str> {
        let last = self.before(day_number(day)).checked_sub(1)?;
        self.counted.get(last)?.currency
    }

    /// How many happened before this day.
    fn before(&self, day: i32) -> usize {
        self.counted.partition_point(|counted| counted.day < day)
    }

    /// What the first so many add up to.
    fn total(&self, count: usize) -> i128 {
        count
            .checked_sub(1)
            .and_then(|last| self.counted.get(last))
            .map_or(0, |counted| counted.total)
    }
}

/// Days from the base's first day to the day on which it is looked at.
pub(in crate::decide) fn reach(trigger: &Usage) -> i32 {
    trigger.window_days.saturating_add(trigger.versus_days)
}

/// What an event adds, with its currency; `None` where it doesn't count.
fn measured(event: &Event, measure: Measure) -> Option<(i64, Option<&str>)> {
    match measure {
        Measure::Count => Some((ONE, None)),
        Measure::Amount => Some((event.amount?.ten_thousandths(), event.currency.as_deref())),
        Measure::Quantity => Some((event.quantity?.ten_thousandths(), None)),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::decide::tests::event;
    use crate::model::{Customer, When};

    /// Ten days against twenty, three tenths fewer.
    fn visits() -> Usage {
        Usage {
            measure: Measure::Count,
            kinds: vec!["visit".to_owned()],
            window_days: 10,
            versus_days: 20,
            change: -3_000,
            min_base: Amount::default(),
        }
    }

    #[test]
    fn what_is_usual_is_rounded_and_without_a_base_there_is_no_change() {
        let sums = |used, base| Sums { used, base };
        let long = Usage {
            versus_days: 30,
            ..visits()
        };
        // A third of two ten-thousandths is nearer to one than to none.
        assert_eq!(sums(0, 2).usual(&long), amount(1));
        assert_eq!(sums(0, 1).usual(&long), amount(0));
        assert_eq!(sums(1, 0).hundredths(&visits()), None);
        assert_eq!(sums(7, 20).hundredths(&visits()), Some(-3_000));
    }

    #[test]
    fn a_change_is_known_from_its_first_day_on() {
        let mut view = View::new(Customer::default(), TimeZone::UTC, "UTC");
        let mut day = date(2027, 1, 1);
        while day <= date(2027, 2, 15) {
            let id = day.to_string();
            view.events.push(event(&id, "visit", When::Day(day)));
            day = day.tomorrow().unwrap();
        }
        let tally = Tally::new(&view, &visits());
        let since = |day| tally.reached_since(&visits(), date(2027, 2, day));
        let first = Some(date(2027, 2, 19));
        assert_eq!([since(18), since(19), since(25)], [None, first, first]);
    }
}
