//! Who doesn't come any more: the ranking, and whether the chances are what they say.

use fondly::rhythm::Pattern;
use fondly::rhythm::cadence::gaps;
use fondly::rhythm::calibration::{Tenth, farthest, tenths};

use super::known;

/// Largest difference between chance and share in a tenth of the customers.
const GOAL_OFF: f64 = 0.04;
/// The share of pairs in the right order.
const GOAL_ORDER: f64 = 0.73;

pub(crate) fn print(pattern: &Pattern, customers: &[Vec<i32>], (today, until): (i32, i32)) {
    for horizon in [90, (until - today).unsigned_abs()] {
        let mut seen = seen(pattern, customers, today, horizon);
        seen.sort_by(|a, b| a.0.total_cmp(&b.0));
        let order = ordered(&seen);
        println!(
            "no contact in {horizon} days, {} customers with two contact days or more: pairs in the right order {order:.4} (goal {GOAL_ORDER})",
            seen.len()
        );
        let truths = seen.iter().map(|(chance, away)| (*chance, *away > 0.5));
        let tenths = tenths(truths.collect());
        for tenth in &tenths {
            let Tenth { said, was, .. } = tenth;
            println!("  said {said:.3}  was {was:.3}  {:+.3}", tenth.off());
        }
        let most = farthest(&tenths);
        println!("  at most {most:.3} off (goal {GOAL_OFF})\n");
    }
}

/// The chance that was given, and whether it came so (1) or not (0).
fn seen(pattern: &Pattern, customers: &[Vec<i32>], today: i32, horizon: u32) -> Vec<(f64, f64)> {
    let end = today.saturating_add_unsigned(horizon);
    let mut found = Vec::new();
    for all in customers {
        let days = known(all, today);
        let Some(last) = days.last().filter(|_| days.len() >= 2) else {
            continue;
        };
        let silent = (today - last).unsigned_abs();
        let chance = pattern.outlook(gaps(days)).chance(silent, horizon);
        let away = !all.iter().any(|day| *day > today && *day <= end);
        found.push((chance, f64::from(u8::from(away))));
    }
    found
}

/// The share of pairs of one who stayed away and one who came, in which the first had the higher
/// chance; ties count half (the area under the ROC curve).
fn ordered(sorted: &[(f64, f64)]) -> f64 {
    let (mut below, mut pairs, mut right) = (0.0, 0.0, 0.0);
    let away: f64 = sorted.iter().map(|one| one.1).sum();
    for ties in sorted.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let stayed_away: f64 = ties.iter().map(|one| one.1).sum();
        let came: f64 = ties.iter().map(|one| 1.0 - one.1).sum();
        right += stayed_away * (below + came / 2.0);
        pairs += came * away;
        below += came;
    }
    right / pairs
}
