//! Made-up regular customers: a visit every 14 days or so, and after every tenth visit the last.

use super::walk::{median, share, sure, tally};
use super::{Customers, fitted};

/// Days of the business; the first half is known.
const DAYS: i32 = 500;
const KNOWN: i32 = 250;

pub(crate) fn print() {
    println!("regular customers, gaps 14 ± 3 days");
    for (name, customers) in [
        (
            "one visit in ten is the last",
            made_up(1_000, Ends::AnyVisit),
        ),
        ("one customer in ten stops", made_up(1_000, Ends::OneInTen)),
    ] {
        let pattern = fitted(&customers, KNOWN);
        println!("  {name}: scale {:?}", pattern.scale);
        for percent in [50, 60, 70, 80, 90] {
            let found = tally(&customers, (KNOWN, DAYS), sure(&pattern, percent));
            println!(
                "    {percent}% sure: {} right, needless {:.3}, after {} days",
                found.right.count(),
                share(&found),
                median(&found)
            );
        }
        let fixed = tally(&customers, (KNOWN, DAYS), |_| Some(60));
        println!(
            "    60 days: {} right, needless {:.3}, after {} days\n",
            fixed.right.count(),
            share(&fixed),
            median(&fixed)
        );
    }
    let customers: Customers = made_up(1_000, Ends::Never)
        .into_iter()
        .enumerate()
        .map(|(n, days)| if n % 5 == 0 { slowed(&days) } else { days })
        .collect();
    let pattern = fitted(&customers, KNOWN);
    println!(
        "  nobody stops, 200 of 1000 come three times as rarely from day {KNOWN} on: scale {:?}",
        pattern.scale
    );
    for percent in [70, 80, 90] {
        let found = tally(&customers, (KNOWN, DAYS), sure(&pattern, percent));
        println!("    {percent}% sure: {} letters", found.letters());
    }
    println!();
}

/// From the middle on they come every third time only.
fn slowed(days: &[i32]) -> Vec<i32> {
    let (before, after): (Vec<i32>, Vec<i32>) = days.iter().partition(|day| **day < KNOWN);
    before
        .into_iter()
        .chain(after.into_iter().skip(2).step_by(3))
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    AnyVisit,
    OneInTen,
    Never,
}

fn made_up(count: u32, ends: Ends) -> Customers {
    let mut dice = Dice(7);
    let mut customers = Vec::new();
    for _ in 0..count {
        let mut day = dice.below(14);
        let mut days = vec![day];
        let stops = ends == Ends::OneInTen && dice.below(10) == 0;
        let last = if stops { 60 + dice.below(400) } else { DAYS };
        loop {
            if ends == Ends::AnyVisit && days.len() > 1 && dice.below(10) == 0 {
                break;
            }
            day += dice.gap();
            if day >= last.min(DAYS) {
                break;
            }
            days.push(day);
        }
        customers.push(days);
    }
    customers
}

/// A small generator with a seed of its own, so that every run sees the same customers (Steele, Lea
/// and Flood 2014).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, sides: u32) -> i32 {
        let one = self.next() % u64::from(sides.max(1));
        i32::try_from(one).unwrap_or_default()
    }

    /// 14 ± 3 days, normal: the sum of twelve even draws, rounded.
    fn gap(&mut self) -> i32 {
        let sum: i32 = (0..12).map(|_| self.below(1_000)).sum();
        (14_000 + 3 * (sum - 5_994) + 500).div_euclid(1_000).max(1)
    }
}
