//! After which silence somebody is missed: as a rule says it, and as other rules might.
//!
//! May not know the past that is walked.

use std::fmt;

use crate::decide::lapse::patience;
use crate::rhythm::cadence::gaps;
use crate::rhythm::{Outlook, Pattern};
use crate::rules::{Cadences, Patience, Sure};

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

/// After which silence somebody is missed, as a rule can say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold(pub Patience);

impl Threshold {
    /// The rule's own among the usual ones, each once: fixed days, cadences, sureness.
    pub fn all(own: Patience, horizon: u32) -> Vec<Self> {
        // Each is compared within the rule's own bounds, where it has any.
        let cadences = match own {
            Patience::Cadences(own) => own,
            Patience::Days(_) | Patience::Sure(_) => USUAL,
        };
        let sure = match own {
            Patience::Sure(own) => own,
            Patience::Days(_) | Patience::Cadences(_) => Sure {
                percent: 80,
                horizon_days: i32::try_from(horizon).unwrap_or(i32::MAX),
                otherwise_days: None,
                at_least_days: USUAL.at_least_days,
                at_most_days: None,
            },
        };
        let with = |tenths| Patience::Cadences(Cadences { tenths, ..cadences });
        let so_sure = |percent| Patience::Sure(Sure { percent, ..sure });
        let mut families = [
            FIXED_DAYS.map(Patience::Days).to_vec(),
            CADENCES.map(with).to_vec(),
            PERCENT.map(so_sure).to_vec(),
        ];
        let [days, cadences, sure] = &mut families;
        let family = match own {
            Patience::Days(_) => days,
            Patience::Cadences(_) => cadences,
            Patience::Sure(_) => sure,
        };
        if !family.contains(&own) {
            family.push(own);
            family.sort_by_key(order);
        }
        families.into_iter().flatten().map(Self).collect()
    }

    /// Days of silence after these contact days, at least one; `None`: it is never long enough.
    pub(super) fn after(self, days: &[i32], outlook: &Outlook) -> Option<u32> {
        patience(self.0, days, Some(outlook)).map(i32::unsigned_abs)
    }

    /// No silence is too long for it that is shorter than these days.
    pub(super) fn least(self) -> u32 {
        let least = match self.0 {
            Patience::Days(days) => days,
            Patience::Cadences(own) => {
                let bound = own.at_most_days.max(own.at_least_days);
                own.at_least_days.min(own.otherwise_days).min(bound)
            }
            Patience::Sure(own) => {
                let otherwise = own.otherwise_days.unwrap_or(own.at_least_days);
                own.at_least_days.min(otherwise)
            }
        };
        least.unsigned_abs()
    }
}

/// What a customer may do next, who came on these days.
pub(super) fn outlook(pattern: &Pattern, days: &[i32]) -> Outlook {
    pattern.outlook(gaps(days))
}

fn order(patience: &Patience) -> i64 {
    match patience {
        Patience::Days(days) => (*days).into(),
        Patience::Cadences(own) => own.tenths.into(),
        Patience::Sure(own) => own.percent.into(),
    }
}

/// `90 days`, `1.5 cadences`, `80% sure`
impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Patience::Days(1) => f.write_str("1 day"),
            Patience::Days(days) => write!(f, "{days} days"),
            Patience::Cadences(own) => {
                let (whole, part) = (own.tenths / 10, own.tenths % 10);
                match (whole, part) {
                    (1, 0) => f.write_str("1 cadence"),
                    (_, 0) => write!(f, "{whole} cadences"),
                    _ => write!(f, "{whole}.{part} cadences"),
                }
            }
            Patience::Sure(own) => write!(f, "{}% sure", own.percent),
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
        let two = Threshold(Patience::Cadences(Cadences {
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
            Threshold(Patience::Cadences(own)).after(days, &outlook)
        };
        assert_eq!(after(&[0, 14]), Some(90), "not known yet");
        assert_eq!(after(&[0, 14, 28]), Some(28));
        assert_eq!(after(&[0, 1, 2]), Some(7));
        assert_eq!(after(&[0, 100, 200]), Some(50));
    }
}
