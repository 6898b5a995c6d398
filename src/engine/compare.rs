//! Two shares held against each other: how far apart they are, how sure that is, and what it would
//! take to be surer.
//!
//! Pure arithmetic. May not know rules, letters or the store.
//!
//! - A share's interval is Wilson's score interval: E. B. Wilson, "Probable inference, the law of
//!   succession, and statistical inference", J. Am. Stat. Assoc. 22 (1927), 209–212.
//! - A difference's interval is made of two of them, by method 10 of R. G. Newcombe, "Interval
//!   estimation for the difference between independent proportions: comparison of eleven methods",
//!   Statistics in Medicine 17 (1998), 873–890. It holds for small groups and for shares of 0 and 1,
//!   where the schoolbook formula claims to be certain.
//! - The size of groups is the usual one for two shares, without a correction for continuity: J. L.
//!   Fleiss, B. Levin, M. C. Paik, "Statistical Methods for Rates and Proportions", 3rd edition
//!   (2003), section 4.3.

/// The normal distribution's 97.5 % point: what lies between it and its mirror image is 95 %.
const Z_95: f64 = 1.959_963_984_540_054;
/// The 80 % point: a difference that is there is seen four times in five.
const Z_POWER: f64 = 0.841_621_233_572_914_2;
/// With fewer than this in a group, one visit more or less changes the answer.
pub const SMALLEST_GROUP: u32 = 10;

/// People, and how many of them came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Group {
    /// People.
    pub of: u32,
    /// Those who came back; never more than `of`.
    pub back: u32,
}

impl Group {
    /// Who came back, from 0 to 1; `None` of nobody.
    pub fn share(self) -> Option<f64> {
        (self.of > 0).then(|| f64::from(self.back.min(self.of)) / f64::from(self.of))
    }

    /// The share and the ends of its 95 % interval, in order.
    fn interval(self) -> Option<[f64; 3]> {
        let share = self.share()?;
        let n = f64::from(self.of);
        let z2 = Z_95 * Z_95;
        let middle = share + z2 / (2.0 * n);
        let reach = Z_95 * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
        let whole = 1.0 + z2 / n;
        // The share lies inside its interval; rounding must not put it a hair outside.
        let low = ((middle - reach) / whole).clamp(0.0, share);
        let high = ((middle + reach) / whole).clamp(share, 1.0);
        Some([low, share, high])
    }
}

/// A difference of two shares, each from -1 to 1, with the ends of its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// The lower end.
    pub low: f64,
    /// The first share less the second.
    pub found: f64,
    /// The upper end.
    pub high: f64,
}

/// The first group's share less the second's; `None` where one of them is empty.
pub fn difference(first: Group, second: Group) -> Option<Difference> {
    let [low_1, share_1, high_1] = first.interval()?;
    let [low_2, share_2, high_2] = second.interval()?;
    let found = share_1 - share_2;
    Some(Difference {
        low: (found - (share_1 - low_1).hypot(high_2 - share_2)).max(-1.0),
        found,
        high: (found + (high_1 - share_1).hypot(share_2 - low_2)).min(1.0),
    })
}

/// How many people each of two equal groups needs, so that a difference as large as this one is told
/// from chance (at 5 %, both sides) four times in five. `None` where there is no difference, an empty
/// group, or a need beyond counting.
pub fn needed(first: Group, second: Group) -> Option<u32> {
    size(first.share()?, second.share()?, Z_POWER)
}

/// The size of each group for two true shares, and the point of the normal distribution that the
/// wanted power stands for.
fn size(first: f64, second: f64, power: f64) -> Option<u32> {
    let mean = f64::midpoint(first, second);
    let if_same = Z_95 * (2.0 * mean * (1.0 - mean)).sqrt();
    let as_found = power * (first * (1.0 - first) + second * (1.0 - second)).sqrt();
    let needed = ((if_same + as_found) / (first - second)).powi(2).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number in range"
    )]
    (needed >= 1.0 && needed <= f64::from(u32::MAX)).then_some(needed as u32)
}

/// What a comparison comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing has come due.
    NoLetters,
    /// Nobody is held out, so there is nothing to compare with.
    NoHoldout,
    /// Nobody's days are over yet in at least one of the groups.
    TooEarly,
    /// Fewer than [`SMALLEST_GROUP`] in one of the groups.
    TooFew,
    /// The interval holds zero.
    Unclear,
    /// The whole interval lies above zero: more came back.
    Helps,
    /// The whole interval lies below zero: fewer came back.
    Hurts,
}

impl Verdict {
    /// Of two groups of which people are held out: those meant to get a letter, and the others.
    pub fn of(meant: Group, held_out: Group) -> Self {
        match difference(meant, held_out) {
            None => Self::TooEarly,
            Some(_) if meant.of.min(held_out.of) < SMALLEST_GROUP => Self::TooFew,
            Some(difference) if difference.low > 0.0 => Self::Helps,
            Some(difference) if difference.high < 0.0 => Self::Hurts,
            Some(_) => Self::Unclear,
        }
    }

    /// As machines get it: `no-holdout`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoLetters => "no-letters",
            Self::NoHoldout => "no-holdout",
            Self::TooEarly => "too-early",
            Self::TooFew => "too-few",
            Self::Unclear => "unclear",
            Self::Helps => "helps",
            Self::Hurts => "hurts",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn group(back: u32, of: u32) -> Group {
        Group { of, back }
    }

    /// Newcombe 1998, table II, method 10: the examples with their intervals.
    #[test]
    fn the_published_intervals_come_out() {
        for (first, second, low, high) in [
            (group(56, 70), group(48, 80), 0.0524, 0.3339),
            (group(9, 10), group(3, 10), 0.1705, 0.8090),
            (group(6, 7), group(2, 7), 0.0582, 0.8062),
            (group(5, 56), group(0, 29), -0.0381, 0.1926),
            (group(0, 10), group(0, 20), -0.1611, 0.2775),
            (group(0, 10), group(0, 10), -0.2775, 0.2775),
            (group(10, 10), group(0, 20), 0.6791, 1.0),
            (group(10, 10), group(0, 10), 0.6075, 1.0),
        ] {
            let found = difference(first, second).unwrap();
            let near = |a: f64, b: f64| (a - b).abs() < 0.000_051;
            assert!(
                near(found.low, low) && near(found.high, high),
                "{first:?} {second:?}: {found:?}"
            );
        }
    }

    /// The numbers of R's `power.prop.test`, which computes the same: n = 76.7 for shares of 0.50 and
    /// 0.75 at a power of 0.90, as its manual says.
    #[test]
    fn the_published_sizes_come_out() {
        let ninety = 1.281_551_565_544_600_4;
        assert_eq!(size(0.50, 0.75, ninety), Some(77));
        assert_eq!(size(0.75, 0.50, ninety), Some(77));
        assert_eq!(size(0.5, 0.6, Z_POWER), Some(388));
        assert_eq!(needed(group(50, 100), group(6, 10)), Some(388));
        assert_eq!(needed(group(1, 2), group(50, 100)), None);
        assert_eq!(needed(group(0, 0), group(50, 100)), None);
        let hardly = (group(2_000_000_000, 4_000_000_000), group(1, 2));
        let a_hair = group(2_000_000_001, 4_000_000_000);
        assert_eq!(needed(a_hair, hardly.1), None);
        assert_eq!(needed(hardly.0, hardly.1), None);
    }

    #[test]
    fn a_verdict_needs_people_and_a_difference_that_chance_would_not_make() {
        let verdict = |first, second| Verdict::of(first, second).as_str();
        assert_eq!(verdict(group(0, 0), group(3, 10)), "too-early");
        assert_eq!(verdict(group(3, 10), group(0, 0)), "too-early");
        assert_eq!(verdict(group(9, 9), group(0, 90)), "too-few");
        assert_eq!(verdict(group(56, 70), group(48, 80)), "helps");
        assert_eq!(verdict(group(48, 80), group(56, 70)), "hurts");
        assert_eq!(verdict(group(5, 56), group(0, 29)), "unclear");
        assert_eq!(verdict(group(0, 50), group(0, 50)), "unclear");
    }

    fn groups() -> impl Strategy<Value = Group> {
        let of = prop_oneof![1_u32..50, 1_u32..=u32::MAX];
        of.prop_flat_map(|of| (0..=of).prop_map(move |back| Group { of, back }))
    }

    proptest! {
        #[test]
        fn an_interval_is_in_order_within_bounds_and_mirrored(a in groups(), b in groups()) {
            let there = difference(a, b).unwrap();
            prop_assert!(-1.0 <= there.low && there.low <= there.found, "{there:?}");
            prop_assert!(there.found <= there.high && there.high <= 1.0, "{there:?}");
            let back = difference(b, a).unwrap();
            prop_assert!((there.low + back.high).abs() < 1e-9);
            prop_assert!((there.found + back.found).abs() < 1e-9);
            if let Some(needed) = needed(a, b) {
                prop_assert!(needed >= 1 && a.share() != b.share());
            }
        }

        #[test]
        fn more_people_with_the_same_shares_are_surer(
            (a, b) in (1_u32..1_000, 1_u32..1_000),
            (back_a, back_b) in (0.0_f64..=1.0, 0.0_f64..=1.0),
        ) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
            let part = |of: u32, share: f64| Group { of, back: (f64::from(of) * share) as u32 };
            let ten = |group: Group| Group { of: group.of * 10, back: group.back * 10 };
            let (a, b) = (part(a, back_a), part(b, back_b));
            let width = |d: Difference| d.high - d.low;
            let few = difference(a, b).unwrap();
            let many = difference(ten(a), ten(b)).unwrap();
            prop_assert!(width(many) < width(few), "{few:?} {many:?}");
        }
    }
}
