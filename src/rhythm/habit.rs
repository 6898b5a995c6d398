//! What counts of a customer's gaps.

use serde::{Deserialize, Serialize};

/// The power of a gap that spreads evenly about its middle: Box and Cox's transformation
/// (*Journal of the Royal Statistical Society B* 26, 1964).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// The logarithm: a gap of a third is as unusual as a threefold one.
    Log,
    /// The cube root, which suits gaps made of many small waits.
    CubeRoot,
    /// The square root.
    SquareRoot,
    /// The days themselves: two days early are as unusual as two days late.
    Days,
}

impl Scale {
    pub(super) const ALL: [Self; 4] = [Self::Log, Self::CubeRoot, Self::SquareRoot, Self::Days];

    pub(super) const fn power(self) -> f64 {
        match self {
            Self::Log => 0.0,
            Self::CubeRoot => 1.0 / 3.0,
            Self::SquareRoot => 0.5,
            Self::Days => 1.0,
        }
    }

    /// So many days on this scale; no days are the lowest value there is.
    pub(super) fn of(self, days: f64) -> f64 {
        match self {
            Self::Log => days.ln(),
            Self::CubeRoot => 3.0 * (days.cbrt() - 1.0),
            Self::SquareRoot => 2.0 * (days.sqrt() - 1.0),
            Self::Days => days - 1.0,
        }
    }
}

/// What counts of one customer's gaps, on a scale.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Habit {
    /// Gaps.
    pub gaps: u32,
    /// Their mean.
    pub mean: f64,
    /// The sum of their squared distances from the mean.
    pub squares: f64,
    /// The first of them.
    pub first: f64,
}

impl Habit {
    /// Of gaps in days, each at least one.
    pub fn of(scale: Scale, gaps: impl IntoIterator<Item = u32>) -> Self {
        let mut habit = Self::default();
        for gap in gaps {
            habit.add(scale.of(f64::from(gap.max(1))));
        }
        habit
    }

    /// One more gap, on the scale.
    pub(super) fn add(&mut self, value: f64) {
        if self.gaps == 0 {
            self.first = value;
        }
        self.gaps += 1;
        // Welford's way of adding up, which doesn't lose what is small.
        let off = value - self.mean;
        self.mean += off / f64::from(self.gaps);
        self.squares += off * (value - self.mean);
    }

    /// As if there had been only the first gap.
    pub(super) const fn first_only(&self) -> Self {
        Self {
            gaps: 1,
            mean: self.first,
            squares: 0.0,
            first: self.first,
        }
    }
}
