//! Which threshold suits a business better, or that nobody can tell.
//!
//! Another threshold is only better if it gives up nothing: as many caught with clearly fewer letters
//! in vain, or clearly more caught with no more in vain. What trades one for the other is the
//! business's own choice, and is told as one.
//!
//! Caught is a share of those who stayed away, never a number of letters: a slow threshold finds in
//! the stretch also those whom a quick one had found before it. May not know how it is put into words.

use super::Played;
use crate::engine::compare::{Group, difference};
use crate::rhythm::walk::Tally;

/// Letters of the rule that have to be judged before anything is said of them.
pub const LEAST_LETTERS: u32 = 30;
/// People who stayed away, caught or missed, likewise.
pub const LEAST_AWAY: u32 = 20;
/// As many caught: this share of the rule's. Whose letter comes a few days later isn't lost.
const AS_MANY: f64 = 0.98;
/// More caught: at least this multiple of the rule's share, however sure the difference is.
const MORE: f64 = 1.05;
/// Fewer in vain: at least this share of the letters, however sure the difference is.
const FEWER: f64 = 0.02;
/// No more in vain: the share may be this much larger.
const NO_MORE: f64 = 0.005;

/// What the walk comes to. Numbers are places in the list of thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// There isn't a day on which a letter could be judged.
    TooShort,
    /// Too few of the rule's letters could be judged, or too few people stayed away.
    TooFew,
    /// Nothing here is better without giving something up.
    Fine {
        /// Fewer letters in vain, but fewer caught: the one that catches the most.
        careful: Option<usize>,
        /// More caught, but more letters in vain: the one with the fewest.
        eager: Option<usize>,
    },
    /// This one is better.
    Better(usize),
}

impl Advice {
    /// Of all thresholds, of which one is the rule's.
    pub fn of(played: &[Played]) -> Self {
        let Some(rule) = played.iter().find(|one| one.is_rule) else {
            return Self::TooFew;
        };
        let own = &rule.tally;
        if own.judged() < LEAST_LETTERS || own.away() < LEAST_AWAY {
            return Self::TooFew;
        }
        let others = || {
            let all = played.iter().enumerate().filter(|(_, one)| !one.is_rule);
            all.map(|(place, one)| (place, &one.tally))
        };
        let better = others().filter(|(_, other)| is_better(other, own));
        // Of several, the one that catches most for what it sends in vain.
        let best = better.reduce(|best, one| {
            if worth(one.1) > worth(best.1) {
                one
            } else {
                best
            }
        });
        if let Some((place, _)) = best {
            return Self::Better(place);
        }
        let careful = others().filter(|(_, other)| fewer_in_vain(other, own));
        let careful = careful.reduce(|most, one| {
            if caught(one.1) > caught(most.1) {
                one
            } else {
                most
            }
        });
        let eager = others().filter(|(_, other)| catches_more(other, own));
        let eager = eager.reduce(|least, one| {
            if vain(one.1) < vain(least.1) {
                one
            } else {
                least
            }
        });
        Self::Fine {
            careful: careful.map(|(place, _)| place),
            eager: eager.map(|(place, _)| place),
        }
    }

    /// As machines get it: `too-few`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooShort => "too-short",
            Self::TooFew => "too-few",
            Self::Fine { .. } => "fine",
            Self::Better(_) => "better",
        }
    }
}

fn is_better(other: &Tally, own: &Tally) -> bool {
    let as_many = caught(other) >= AS_MANY * caught(own);
    let no_more_in_vain = vain(other) <= vain(own) + NO_MORE;
    (as_many && fewer_in_vain(other, own)) || (no_more_in_vain && catches_more(other, own))
}

/// A clearly smaller share of needless letters. The two lists of letters go to much the same people,
/// so that the interval, made for different ones, is rather too wide.
fn fewer_in_vain(other: &Tally, own: &Tally) -> bool {
    let group = |tally: &Tally| Group {
        of: tally.judged(),
        back: tally.needless.count(),
    };
    difference(group(own), group(other)).is_some_and(|less| less.low > 0.0 && less.found >= FEWER)
}

/// A clearly larger share of those who stayed away.
fn catches_more(other: &Tally, own: &Tally) -> bool {
    let group = |tally: &Tally| Group {
        of: tally.away(),
        back: tally.right.count(),
    };
    let beyond_chance = difference(group(other), group(own)).is_some_and(|more| more.low > 0.0);
    beyond_chance && caught(other) >= MORE * caught(own)
}

fn caught(tally: &Tally) -> f64 {
    tally.caught_share().unwrap_or(0.0)
}

fn vain(tally: &Tally) -> f64 {
    tally.needless_share().unwrap_or(1.0)
}

fn worth(tally: &Tally) -> f64 {
    caught(tally) - vain(tally)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::backtest::Threshold;
    use crate::rhythm::walk::Fate;
    use crate::rules::Patience;

    /// Right, needless, missed; the first is the rule's.
    type Counts = (u32, u32, u32);

    fn played(counts: &[Counts]) -> Vec<Played> {
        let of = |(place, &(right, needless, missed)): (usize, &Counts)| {
            let mut tally = Tally::default();
            (0..right).for_each(|_| tally.add(Fate::Right(60)));
            (0..needless).for_each(|_| tally.add(Fate::Needless(60)));
            (0..missed).for_each(|_| tally.add(Fate::Missed));
            Played {
                threshold: Threshold(Patience::Days(i32::try_from(place).unwrap())),
                is_rule: place == 0,
                tally,
            }
        };
        counts.iter().enumerate().map(of).collect()
    }

    fn advice(counts: &[Counts]) -> Advice {
        Advice::of(&played(counts))
    }

    fn fine(careful: Option<usize>, eager: Option<usize>) -> Advice {
        Advice::Fine { careful, eager }
    }

    #[test]
    fn only_what_gives_nothing_up_is_better() {
        // As many caught, a third of the letters in vain instead of a half.
        let own = (500, 500, 500);
        assert_eq!(advice(&[own, (495, 250, 505)]), Advice::Better(1));
        // More caught, no more in vain.
        assert_eq!(advice(&[own, (600, 590, 400)]), Advice::Better(1));
        // Of two, the one that is worth more.
        assert_eq!(
            advice(&[own, (500, 400, 500), (510, 300, 490)]),
            Advice::Better(2)
        );
        assert_eq!(advice(&[own, (400, 250, 600)]), fine(Some(1), None));
        assert_eq!(advice(&[own, (600, 700, 400)]), fine(None, Some(1)));
        // By chance, or hardly worth an edit.
        assert_eq!(advice(&[(50, 50, 50), (50, 40, 50)]), fine(None, None));
        assert_eq!(
            advice(&[(50_000, 50_000, 50_000), (50_000, 48_000, 50_000)]),
            fine(None, None)
        );
        assert_eq!(advice(&[own, (3, 0, 997)]), fine(None, None));
        // The best one needn't write often: those who come rarely and regularly come back.
        let often = (20, 400, 2);
        assert_eq!(advice(&[often, (20, 1, 2)]), Advice::Better(1));
    }

    /// A slow threshold's letters go to many for whom a quick one had written before the stretch.
    #[test]
    fn more_letters_are_not_more_caught() {
        let quick = (3700, 1600, 2000);
        let slow = (3800, 900, 4200);
        assert_eq!(advice(&[quick, slow]), fine(Some(1), None));
        assert_eq!(advice(&[slow, quick]), fine(None, Some(1)));
    }

    #[test]
    fn of_few_nothing_is_said() {
        assert_eq!(advice(&[]), Advice::TooFew);
        assert_eq!(advice(&[(20, 9, 9), (500, 3, 9)]), Advice::TooFew);
        assert_eq!(advice(&[(10, 100, 9), (500, 3, 9)]), Advice::TooFew);
    }

    proptest! {
        #[test]
        fn the_order_of_the_others_is_none(
            counts in proptest::collection::vec((0_u32..300, 0_u32..300, 0_u32..300), 2..6),
        ) {
            let forwards = played(&counts);
            let mut backwards = forwards.clone();
            backwards.reverse();
            let pick = |played: &[Played], advice| match advice {
                Advice::Better(place) => {
                    assert!(!played[place].is_rule);
                    Some(worth(&played[place].tally))
                }
                Advice::TooShort | Advice::TooFew | Advice::Fine { .. } => None,
            };
            prop_assert_eq!(
                pick(&forwards, Advice::of(&forwards)),
                pick(&backwards, Advice::of(&backwards))
            );
        }
    }
}
