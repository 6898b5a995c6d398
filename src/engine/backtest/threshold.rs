//! After which silence somebody is missed: as a rule says it, and as other rules might.
//!
//! May not know the past that is walked.

use std::fmt;

use crate::rhythm::{Cadence, Habit, Outlook, Pattern, Wanted, cadence::gaps};
use crate::rules::{Cadences, Patience};

/// Fixed days that every rule is held against.
const FIXED_DAYS: [i32; 5] = [45, 60, 90, 120, 180];
/// Cadences, in tenths.
const CADENCES: [u32; 2] = [20, 30];
/// Hundredths of sureness.
const PERCENT: [u32; 4] = [60, 70, 80, 90];
/// As rules have it that don't say otherwise.
const USUAL: Cadences = Cadences {
    tenths: 20,
    otherwise_days: 90,
    at_least_days: 7,
    at_most_days: i32::MAX,
};
/// Nobody is missed sooner, however sure it is.
const LEAST_SILENCE: u32 = 7;

/// After which silence somebody is missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threshold {
    /// As a rule can say it.
    Of(Patience),
    /// As soon as the chance of no contact in the coming days is so high.
    Sure {
        /// Hundredths, from 1 to 99.
        percent: u32,
        /// The coming days.
        horizon: u32,
    },
}

impl Threshold {
    /// The rule's own among the usual ones, each once: fixed days, cadences, sureness.
    pub fn all(own: Patience, horizon: u32) -> Vec<Self> {
        // Cadences are compared within the rule's own bounds.
        let bounds = match own {
            Patience::Cadences(own) => own,
            Patience::Days(_) => USUAL,
        };
        let mut days: Vec<Patience> = FIXED_DAYS.map(Patience::Days).to_vec();
        let mut cadences: Vec<Patience> = CADENCES
            .map(|tenths| Patience::Cadences(Cadences { tenths, ..bounds }))
            .to_vec();
        let family = match own {
            Patience::Days(_) => &mut days,
            Patience::Cadences(_) => &mut cadences,
        };
        if !family.contains(&own) {
            family.push(own);
        }
        days.sort_by_key(order);
        cadences.sort_by_key(order);
        let sure = PERCENT.map(|percent| Self::Sure { percent, horizon });
        let rules = days.into_iter().chain(cadences).map(Self::Of);
        rules.chain(sure).collect()
    }

    /// Days of silence after these contact days, at least one; `None`: it is never long enough.
    pub(super) fn after(self, days: &[i32], outlook: &Outlook) -> Option<u32> {
        match self {
            Self::Of(Patience::Days(days)) => Some(days.unsigned_abs()),
            Self::Of(Patience::Cadences(own)) => {
                let latest = days.len().saturating_sub(Cadence::DAYS);
                let cadence = Cadence::of(days.get(latest..).unwrap_or_default());
                let after = cadence.map_or(own.otherwise_days, |cadence| {
                    let days = cadence.times(own.tenths);
                    days.min(own.at_most_days).max(own.at_least_days)
                });
                Some(after.unsigned_abs())
            }
            Self::Sure { percent, horizon } => {
                let wanted = Wanted {
                    chance: f64::from(percent) / 100.0,
                    horizon,
                    at_least: LEAST_SILENCE,
                };
                wanted.days(outlook)
            }
        }
    }

    /// No silence is too long for it that is shorter than these days.
    pub(super) fn least(self) -> u32 {
        match self {
            Self::Of(Patience::Days(days)) => days.unsigned_abs(),
            Self::Of(Patience::Cadences(own)) => {
                let bound = own.at_most_days.max(own.at_least_days);
                let least = own.at_least_days.min(own.otherwise_days).min(bound);
                least.unsigned_abs()
            }
            Self::Sure { .. } => LEAST_SILENCE,
        }
    }
}

/// What a customer may do next, who came on these days.
pub(super) fn outlook(pattern: &Pattern, days: &[i32]) -> Outlook {
    pattern.outlook(&Habit::of(pattern.scale, gaps(days)))
}

fn order(patience: &Patience) -> i64 {
    match patience {
        Patience::Days(days) => (*days).into(),
        Patience::Cadences(own) => own.tenths.into(),
    }
}

/// `90 days`, `1.5 cadences`, `80% sure`
impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(Patience::Days(1)) => f.write_str("1 day"),
            Self::Of(Patience::Days(days)) => write!(f, "{days} days"),
            Self::Of(Patience::Cadences(own)) => {
                let (whole, part) = (own.tenths / 10, own.tenths % 10);
                match (whole, part) {
                    (1, 0) => f.write_str("1 cadence"),
                    (_, 0) => write!(f, "{whole} cadences"),
                    _ => write!(f, "{whole}.{part} cadences"),
                }
            }
            Self::Sure { percent, .. } => write!(f, "{percent}% sure"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rhythm::Sample;

    fn names(own: Patience) -> Vec<String> {
        let all = Threshold::all(own, 90);
        all.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_rule_stands_among_the_others_in_order_and_once() {
        let usual = [
            "45 days",
            "60 days",
            "90 days",
            "120 days",
            "180 days",
            "2 cadences",
            "3 cadences",
            "60% sure",
            "70% sure",
            "80% sure",
            "90% sure",
        ];
        assert_eq!(names(Patience::Days(90)), usual);
        let own = names(Patience::Days(75));
        assert_eq!(own[1..4], ["60 days", "75 days", "90 days"]);
        let bounded = Cadences {
            tenths: 15,
            at_least_days: 21,
            ..USUAL
        };
        let all = Threshold::all(Patience::Cadences(bounded), 90);
        assert_eq!(all[5].to_string(), "1.5 cadences");
        let two = Threshold::Of(Patience::Cadences(Cadences {
            tenths: 20,
            ..bounded
        }));
        assert_eq!(all[6], two, "within the rule's own bounds");
    }

    #[test]
    fn no_silence_is_too_long_before_the_least_days() {
        let pattern = Sample::default().fit();
        for days in [vec![0], vec![0, 1], vec![0, 1, 2, 3], vec![0, 40, 90, 91]] {
            let outlook = outlook(&pattern, &days);
            for threshold in Threshold::all(Patience::Days(30), 90) {
                let after = threshold.after(&days, &outlook);
                assert!(after.is_none_or(|after| after >= threshold.least()));
            }
        }
    }

    #[test]
    fn a_cadence_waits_as_the_rule_says() {
        let outlook = outlook(&Sample::default().fit(), &[0]);
        let after = |days: &[i32]| {
            let own = Cadences {
                at_most_days: 50,
                ..USUAL
            };
            Threshold::Of(Patience::Cadences(own)).after(days, &outlook)
        };
        assert_eq!(after(&[0, 14]), Some(90), "not known yet");
        assert_eq!(after(&[0, 14, 28]), Some(28));
        assert_eq!(after(&[0, 1, 2]), Some(7));
        assert_eq!(after(&[0, 100, 200]), Some(50));
    }
}
