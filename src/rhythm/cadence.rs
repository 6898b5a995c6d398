//! The cadence: the median gap between a customer's contact days.
//!
//! May not know what a contact is: it gets days, in order, each once.

use std::fmt;

/// Gaps that are looked at: the latest.
const GAPS: usize = 12;
/// Gaps from which a cadence is known: three contact days.
const KNOWN_FROM: usize = 2;

/// The median gap, in half days: of an even number of gaps it is the middle of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cadence {
    half_days: u32,
    /// The second smallest and second largest of many gaps, the smallest and largest of few.
    usual: (u32, u32),
}

impl Cadence {
    /// The latest contact days that count.
    pub const DAYS: usize = GAPS + 1;

    /// Of contact days, as whole days since some day, in order and each once. `None` with fewer
    /// than three.
    pub fn of(days: &[i32]) -> Option<Self> {
        let mut gaps: Vec<u32> = gaps(days).collect();
        let skip = gaps.len().saturating_sub(GAPS);
        let mut gaps = gaps.split_off(skip);
        if gaps.len() < KNOWN_FROM {
            return None;
        }
        gaps.sort_unstable();
        let (below, above) = (gaps.get((gaps.len() - 1) / 2)?, gaps.get(gaps.len() / 2)?);
        let outer = usize::from(gaps.len() >= 6);
        let usual = (*gaps.get(outer)?, *gaps.get(gaps.len() - 1 - outer)?);
        Some(Self {
            half_days: below.saturating_add(*above),
            usual,
        })
    }

    /// Whole days of so many tenths of a cadence, rounded up.
    pub fn times(self, tenths: u32) -> i32 {
        let days = (u64::from(self.half_days) * u64::from(tenths)).div_ceil(20);
        i32::try_from(days).unwrap_or(i32::MAX)
    }

    /// In days.
    pub fn days(self) -> f64 {
        f64::from(self.half_days) / 2.0
    }

    /// Between which their gaps usually lie, in days.
    pub const fn usual(self) -> (u32, u32) {
        self.usual
    }
}

/// `31`, `31.5`
impl fmt::Display for Cadence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.half_days / 2)?;
        if self.half_days % 2 == 1 {
            f.write_str(".5")?;
        }
        Ok(())
    }
}

/// Days from one contact day to the next.
pub fn gaps(days: &[i32]) -> impl Iterator<Item = u32> {
    days.iter()
        .zip(days.iter().skip(1))
        .map(|(one, next)| next.saturating_sub(*one).unsigned_abs())
}
