//! How long a fit takes, and a day of silence.

use std::time::Instant;

use fondly::rhythm::cadence::gaps;
use fondly::rhythm::{Sample, Wanted};

use super::regular::Dice;

pub(crate) fn print(customers: u32) {
    for count in [23_570, customers] {
        let (begun, mut sample, mut dice) = (Instant::now(), Sample::default(), Dice(3));
        let mut days = Vec::new();
        for _ in 0..count {
            one(&mut dice, &mut days);
            sample.add(&days, 540);
        }
        let read = begun.elapsed();
        let begun = Instant::now();
        let pattern = sample.fit();
        println!(
            "{count} customers: read in {:.2} s, fitted in {:.2} s",
            read.as_secs_f64(),
            begun.elapsed().as_secs_f64()
        );
        let (begun, wanted) = (
            Instant::now(),
            Wanted {
                chance: 0.8,
                horizon: 90,
                at_least: 7,
            },
        );
        let mut found = 0_u32;
        for _ in 0..10_000 {
            one(&mut dice, &mut days);
            let outlook = pattern.outlook(gaps(&days));
            found += u32::from(wanted.days(&outlook).is_some());
        }
        println!(
            "  the day of one customer's letter: {:.1} µs ({found} of 10,000 have one)",
            begun.elapsed().as_secs_f64() * 1e6 / 10_000.0
        );
    }
}

/// An irregular customer of a year and a half; half of them came once.
fn one(dice: &mut Dice, days: &mut Vec<i32>) {
    days.clear();
    let mut day = dice.below(90);
    let rest = 5 + dice.below(60);
    while day <= 540 {
        days.push(day);
        if dice.below(if days.len() == 1 { 2 } else { 7 }) == 0 {
            break;
        }
        day += 1 + dice.below(2 * rest.unsigned_abs());
    }
}
