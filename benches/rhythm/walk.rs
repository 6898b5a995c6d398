//! A walk day by day: whom a rule would have written to, and who came back by themselves.
//!
//! One letter a silence, for customers with at least three contact days; right if no contact
//! follows within 90 days.

use fondly::rhythm::cadence::gaps;
use fondly::rhythm::{Cadence, Habit, Pattern, Wanted};

/// Contact days from which on somebody is missed.
const LEAST_CONTACTS: usize = 3;
/// A contact within so many days makes a letter needless.
const JUDGED: i32 = 90;
/// Right letters of fixed days, and the needless share that is wanted with as many.
const GOALS: &[(f64, f64)] = &[
    (2912.0, 0.42),
    (2698.0, 0.39),
    (2427.0, 0.36),
    (2125.0, 0.34),
    (1724.0, 0.25),
];

/// What came of a rule.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) right: u32,
    pub(crate) needless: u32,
    silences: Vec<u32>,
}

impl Tally {
    pub(crate) fn share(&self) -> f64 {
        f64::from(self.needless) / f64::from((self.right + self.needless).max(1))
    }

    /// The median silence of the right letters and the needless ones.
    pub(crate) fn median(&self) -> u32 {
        let mut all = self.silences.clone();
        all.sort_unstable();
        all.get(all.len() / 2).copied().unwrap_or_default()
    }

    fn print(&self, name: &str) {
        println!(
            "{name:>16} {:>8} {:>10.3} {:>8}",
            self.right,
            self.share(),
            self.median()
        );
    }
}

/// Letters from the day after `known` to the last day that can be judged; `after` says after how
/// many silent days, of contact days up to the last one.
pub(crate) fn tally(
    customers: &[Vec<i32>],
    (known, until): (i32, i32),
    after: impl Fn(&[i32]) -> Option<i32>,
) -> Tally {
    let mut tally = Tally::default();
    for all in customers {
        for count in LEAST_CONTACTS..=all.len() {
            let Some((days, next)) = all.get(..count).map(|days| (days, all.get(count))) else {
                continue;
            };
            let Some(last) = days.last() else { continue };
            if next.is_some_and(|next| *next <= known) || *last > until - JUDGED {
                continue;
            }
            let Some(silent) = after(days) else { continue };
            let day = last.saturating_add(silent);
            let too_late = next.is_some_and(|next| *next <= day);
            if day <= known || day > until - JUDGED || too_late {
                continue;
            }
            tally.silences.push(silent.unsigned_abs());
            if next.is_some_and(|next| *next <= day + JUDGED) {
                tally.needless += 1;
            } else {
                tally.right += 1;
            }
        }
    }
    tally
}

/// `so many percent sure`
pub(crate) fn sure(pattern: &Pattern, percent: u32) -> impl Fn(&[i32]) -> Option<i32> {
    let wanted = Wanted {
        chance: f64::from(percent) / 100.0,
        horizon: JUDGED.unsigned_abs(),
        at_least: 7,
    };
    let pattern = *pattern;
    move |days| {
        let outlook = pattern.outlook(&Habit::of(pattern.scale, gaps(days)));
        wanted.days(&outlook).and_then(|days| days.try_into().ok())
    }
}

pub(crate) fn print(pattern: &Pattern, customers: &[Vec<i32>], span: (i32, i32)) {
    println!(
        "{:>16} {:>8} {:>10} {:>8}",
        "rule", "right", "needless", "silence"
    );
    for days in [45, 60, 90, 120, 180] {
        tally(customers, span, |_| Some(days)).print(&format!("{days} days"));
    }
    for cadences in [2, 3] {
        let after = |days: &[i32]| Some(Cadence::of(days)?.times(cadences * 10).max(7));
        tally(customers, span, after).print(&format!("{cadences} cadences"));
    }
    let mut frontier = Vec::new();
    for percent in (40..=95).rev().step_by(2) {
        let found = tally(customers, span, sure(pattern, percent));
        if percent % 10 == 5 {
            found.print(&format!("{percent}% sure"));
        }
        frontier.push((f64::from(found.right), found.share()));
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
