//! Whether chances are what they say: of those of whom 80 % was said, did 80 % stay away?
//!
//! May not know how the chances came about.

/// The groups in which chance and share are compared.
const GROUPS: usize = 10;

/// Of the normal distribution, one in two hundred lies farther out than this, on either side taken
/// together.
const FIVE_PER_MILLE: f64 = 2.807;

/// A tenth of the customers, those with the lowest chances first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tenth {
    /// How many they are.
    pub customers: usize,
    /// The mean of the chances that were given, from 0 to 1.
    pub said: f64,
    /// The share of whom it came true, from 0 to 1.
    pub was: f64,
}

impl Tenth {
    /// By how much more was said than was; negative where less was.
    pub fn off(&self) -> f64 {
        self.said - self.was
    }
}

/// The customers in tenths, of the chance that was given to each and whether it came true. Those
/// with equal chances share what became of them, so that their order doesn't matter.
#[expect(clippy::cast_precision_loss, reason = "customers of one business")]
pub fn tenths(mut seen: Vec<(f64, bool)>) -> Vec<Tenth> {
    seen.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut shared = Vec::with_capacity(seen.len());
    for ties in seen.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let came_true = ties.iter().filter(|one| one.1).count();
        let share = came_true as f64 / ties.len() as f64;
        shared.extend(ties.iter().map(|one| (one.0, share)));
    }
    let mean = |of: &[(f64, f64)], field: fn(&(f64, f64)) -> f64| {
        of.iter().map(field).sum::<f64>() / of.len() as f64
    };
    let cut = |group: usize| shared.len() * group / GROUPS;
    let groups = (0..GROUPS).filter_map(|group| shared.get(cut(group)..cut(group + 1)));
    let groups = groups.filter(|tenth| !tenth.is_empty()).map(|tenth| Tenth {
        customers: tenth.len(),
        said: mean(tenth, |one| one.0),
        was: mean(tenth, |one| one.1),
    });
    groups.collect()
}

/// How far apart chance alone puts them, nineteen times in twenty at most, where every chance is
/// right: Bonferroni's bound of ten normal approximations.
#[expect(clippy::cast_precision_loss, reason = "customers of one business")]
pub fn by_chance(tenths: &[Tenth]) -> f64 {
    tenths.iter().fold(0.0, |most, one| {
        let spread = (one.said * (1.0 - one.said) / one.customers.max(1) as f64).sqrt();
        most.max(FIVE_PER_MILLE * spread)
    })
}

/// The largest difference between what was said and what was, from 0 to 1.
pub fn farthest(tenths: &[Tenth]) -> f64 {
    tenths
        .iter()
        .fold(0.0, |most, one| most.max(one.off().abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_held_against_what_was() {
        assert_eq!(tenths(Vec::new()), []);
        assert!(farthest(&[]).abs() < 1e-12);
        // Of a hundred with rising chances, the upper half stays away.
        let seen = |n: u32| (f64::from(n) / 100.0, n >= 50);
        let rising = tenths((0..100).map(seen).collect());
        assert_eq!(rising.len(), 10);
        assert!((rising[0].said - 0.045).abs() < 1e-12 && rising[0].was < 1e-12);
        assert!((rising[9].said - 0.945).abs() < 1e-12 && rising[9].was > 1.0 - 1e-12);
        assert!((farthest(&rising) - 0.455).abs() < 1e-12);
        assert!((by_chance(&rising[..1]) - 2.807 * 0.065_55).abs() < 1e-3);
        let backwards = tenths((0..100).rev().map(seen).collect());
        assert_eq!(rising, backwards);
    }

    #[test]
    fn equal_chances_share_what_became_of_them() {
        let seen = |n: u32| (0.7, n < 70);
        let equal = tenths((0..100).map(seen).collect());
        assert!(equal.iter().all(|one| (one.was - 0.7).abs() < 1e-12));
        assert!(farthest(&equal) < 1e-12);
        assert_eq!(
            tenths(vec![(0.2, true)]).len(),
            1,
            "one customer is one group"
        );
        let sizes = |count: u32| {
            let found = tenths((0..count).map(seen).collect());
            found.iter().map(|one| one.customers).collect::<Vec<_>>()
        };
        assert_eq!(sizes(101), [10, 10, 10, 10, 10, 10, 10, 10, 10, 11]);
    }
}
