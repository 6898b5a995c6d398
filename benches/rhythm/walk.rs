//! A walk day by day: whom a rule would have written to, and who came back by themselves.
//!
//! The walk itself is the program's own, that of `fondly backtest`: one letter a silence, here for
//! customers with at least three contact days; right if no contact follows within 90 days.

use fondly::rhythm::cadence::gaps;
use fondly::rhythm::walk::{Stretch, Tally};
use fondly::rhythm::{Cadence, Pattern, Wanted};

/// Contact days from which on somebody is missed.
const LEAST_CONTACTS: usize = 3;
/// A contact within so many days makes a letter needless.
const JUDGED: u32 = 90;
/// Right letters of fixed days, and the needless share that is wanted with as many.
const GOALS: &[(f64, f64)] = &[
    (2912.0, 0.42),
    (2698.0, 0.39),
    (2427.0, 0.36),
    (2125.0, 0.34),
    (1724.0, 0.25),
];

/// Letters from the day after `known` to the last day that can be judged; `after` says after how
/// many silent days, of contact days up to the last one.
pub(crate) fn tally(
    customers: &[Vec<i32>],
    (known, until): (i32, i32),
    after: impl Fn(&[i32]) -> Option<u32>,
) -> Tally {
    let stretch = Stretch {
        from: known + 1,
        until: until - JUDGED.cast_signed(),
        seen: until,
        horizon: JUDGED,
    };
    let mut tally = Tally::default();
    for days in customers {
        for silence in stretch.silences(days, LEAST_CONTACTS) {
            tally.add(stretch.fate(&silence, after(silence.days)));
        }
    }
    tally
}

/// The share of the letters that were needless.
pub(crate) fn share(tally: &Tally) -> f64 {
    tally.needless_share().unwrap_or_default()
}

/// The median silence of the right letters and the needless ones.
pub(crate) fn median(tally: &Tally) -> u32 {
    tally.silent().percentile(50).unwrap_or_default()
}

fn row(name: &str, tally: &Tally) {
    println!(
        "{name:>16} {:>8} {:>10.3} {:>8}",
        tally.right.count(),
        share(tally),
        median(tally)
    );
}

/// `so many percent sure`
pub(crate) fn sure(pattern: &Pattern, percent: u32) -> impl Fn(&[i32]) -> Option<u32> {
    let wanted = Wanted {
        chance: f64::from(percent) / 100.0,
        horizon: JUDGED,
        at_least: 7,
    };
    let pattern = *pattern;
    move |days| {
        let outlook = pattern.outlook(gaps(days));
        wanted.days(&outlook)
    }
}

pub(crate) fn print(pattern: &Pattern, customers: &[Vec<i32>], span: (i32, i32)) {
    println!(
        "{:>16} {:>8} {:>10} {:>8}",
        "rule", "right", "needless", "silence"
    );
    for days in [45, 60, 90, 120, 180] {
        row(
            &format!("{days} days"),
            &tally(customers, span, |_| Some(days)),
        );
    }
    for cadences in [2, 3] {
        let after = |days: &[i32]| {
            let days = Cadence::of(days)?.times(cadences * 10).max(7);
            Some(days.unsigned_abs())
        };
        row(
            &format!("{cadences} cadences"),
            &tally(customers, span, after),
        );
    }
    let mut frontier = Vec::new();
    for percent in (40..=95).rev().step_by(2) {
        let found = tally(customers, span, sure(pattern, percent));
        if percent % 10 == 5 {
            row(&format!("{percent}% sure"), &found);
        }
        frontier.push((f64::from(found.right.count()), share(&found)));
    }
    println!("at as many right letters as fixed days:");
    for (right, goal) in GOALS {
        match between(&frontier, *right) {
            Some(share) => println!("  {right:>6} right: needless {share:.3} (goal {goal})"),
            None => println!("  {right:>6} right: not reached (goal {goal})"),
        }
    }
    println!();
}

/// The share at so many right letters, between the two neighbours; the fewest right come first.
fn between(frontier: &[(f64, f64)], right: f64) -> Option<f64> {
    frontier.windows(2).find_map(|pair| match pair {
        [(few, low), (many, high)] if (*few..=*many).contains(&right) => {
            let part = (right - few) / (many - few).max(1.0);
            Some(low + part * (high - low))
        }
        _ => None,
    })
}
