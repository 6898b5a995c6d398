//! Whether a customer's rhythm has changed, and since when.
//!
//! Adams and MacKay 2007, *Bayesian online changepoint detection* (arXiv:0710.3742), on the gaps of
//! one customer: before each gap they may have begun anew, with a middle and spread of which the
//! business's other customers say little. Of every gap that might have been the first of the present rhythm, how
//! likely that is. The closed form is theirs; unlikely beginnings are dropped on the way.

use statrs::function::gamma::ln_gamma;

use super::habit::Habit;
use super::pattern::Pattern;

/// A customer's rhythm changes before one gap in so many: what is tried, the rarest first.
pub(super) const GAPS_A_CHANGE: [f64; 5] = [1_000.0, 300.0, 100.0, 30.0, 10.0];
/// Changes that are so rare are told from none by nobody; a more frequent one has to be likelier by
/// this factor, as a logarithm.
pub(super) const EVIDENCE: f64 = 2.0;
/// Latest gaps of one customer that are looked at.
const GAPS: usize = 60;
/// What a new rhythm is like is known less well than a first one: the business's customers weigh no
/// more than so many gaps of their own …
const WEIGHT: f64 = 0.5;
/// … and are no more alike in how much their gaps spread than this.
const SHAPE: f64 = 2.0;
/// Beginnings that are less likely than this are dropped …
const UNLIKELY: f64 = 2e-3;
/// … and so are all but the likeliest ones.
pub(super) const MOST: usize = 4;

/// A habit that began with some gap, and how likely that is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spell {
    /// From 0 to 1.
    pub(super) chance: f64,
    /// The gaps since then.
    habit: Habit,
    /// It isn't their first rhythm.
    anew: bool,
}

impl Spell {
    /// Student's t of the next gap, as [`Pattern::next_gap`] has it.
    pub(super) fn next_gap(&self, pattern: &Pattern) -> (f64, f64, f64) {
        if self.anew {
            vague(pattern).next_gap(&self.habit)
        } else {
            pattern.next_gap(&self.habit)
        }
    }
}

fn vague(pattern: &Pattern) -> Pattern {
    let shape = pattern.shape.min(SHAPE);
    Pattern {
        weight: pattern.weight.min(WEIGHT),
        shape,
        spread: pattern.spread * shape / pattern.shape,
        ..*pattern
    }
}

/// Since when the present rhythm may have lasted: what it is like at the next gap. Never empty; the
/// chances add up to 1.
pub(super) fn spells(pattern: &Pattern, gaps: &[u32]) -> Vec<Spell> {
    let (mut spells, _) = walk(pattern, gaps);
    tidy(&mut spells);
    spells
}

/// The logarithm of how likely these gaps are, one after the other.
pub(super) fn likelihood(pattern: &Pattern, gaps: &[u32]) -> f64 {
    walk(pattern, gaps).1
}

fn walk(pattern: &Pattern, gaps: &[u32]) -> (Vec<Spell>, f64) {
    let latest = gaps.get(gaps.len().saturating_sub(GAPS)..);
    let spell = |chance, anew| Spell {
        chance,
        habit: Habit::default(),
        anew,
    };
    let mut spells = vec![spell(1.0, false)];
    let mut likelihood = 0.0;
    for gap in latest.unwrap_or_default() {
        let value = pattern.scale.of(f64::from((*gap).max(1)));
        let how_likely =
            |spell: &Spell| spell.chance.ln() + density(spell.next_gap(pattern), value);
        let logs: Vec<f64> = spells.iter().map(how_likely).collect();
        let highest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if highest.is_finite() {
            for (spell, log) in spells.iter_mut().zip(logs) {
                spell.chance = (log - highest).exp();
            }
            likelihood += highest;
        }
        for spell in &mut spells {
            spell.habit.add(value);
        }
        likelihood += tidy(&mut spells).ln();
        if pattern.change > 0.0 {
            for spell in &mut spells {
                spell.chance *= 1.0 - pattern.change;
            }
            spells.push(spell(pattern.change, true));
        }
    }
    (spells, likelihood)
}

/// Drops what is unlikely and has the rest add up to 1; what all of it added up to.
fn tidy(spells: &mut Vec<Spell>) -> f64 {
    let sum = |spells: &[Spell]| spells.iter().map(|spell| spell.chance).sum::<f64>();
    let all = sum(spells);
    spells.sort_by(|a, b| b.chance.total_cmp(&a.chance));
    spells.truncate(MOST);
    spells.retain(|spell| spell.chance >= UNLIKELY * all);
    let kept = sum(spells);
    for spell in spells {
        spell.chance /= kept;
    }
    all
}

/// The logarithm of Student's t density of the next gap, on the pattern's scale.
fn density((middle, width, freedom): (f64, f64, f64), value: f64) -> f64 {
    let off = (value - middle) / width;
    ln_gamma(f64::midpoint(freedom, 1.0))
        - ln_gamma(freedom / 2.0)
        - (freedom * std::f64::consts::PI).ln() / 2.0
        - width.ln()
        - f64::midpoint(freedom, 1.0) * (off * off / freedom).ln_1p()
}
