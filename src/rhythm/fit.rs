//! Fitting the pattern to a business's own past.
//!
//! The most likely parameters, with weak priors that keep a business of twenty customers sane.
//! Deterministic; takes no more than [`MOST`] customers, every n-th of a larger business.

use std::collections::BTreeMap;

use statrs::function::gamma::ln_gamma;

use super::cadence::gaps;
use super::change::{EVIDENCE, GAPS_A_CHANGE, likelihood};
use super::habit::{Habit, Scale};
use super::pattern::{Once, Pattern, above};
use super::search::lowest;

/// Customers with several contacts that are looked at.
const MOST: usize = 10_000;
/// Of them, to find the scale.
const FOR_SCALE: usize = 1_500;
/// Latest gaps of one customer that are looked at.
const GAPS: usize = 100;
/// Steps of a search.
const STEPS: u64 = 300;
/// The search stays this close to where it begins, so that nothing becomes zero or endless: perfectly
/// regular customers have no spread at all.
const FARTHEST: f64 = 8.0;
/// A business of which nothing is known: customers come once in so many days.
const USUAL_DAYS: f64 = 30.0;

/// What was seen of a business's customers up to some day.
#[derive(Debug, Clone)]
pub struct Sample {
    regulars: Vec<Regular>,
    /// Only every so many of those who came more than once are kept.
    stride: usize,
    seen: usize,
    /// Days to the second contact, and how many took so long.
    returned: BTreeMap<u32, u32>,
    /// Days of silence after the only contact, and how many customers.
    once: BTreeMap<u32, u32>,
}

/// A customer who came more than once.
#[derive(Debug, Clone)]
struct Regular {
    gaps: Box<[u32]>,
    silent: u32,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            regulars: Vec::new(),
            stride: 1,
            seen: 0,
            returned: BTreeMap::new(),
            once: BTreeMap::new(),
        }
    }
}

impl Sample {
    /// Takes a customer's contact days, in order and each once, as seen at the end of `today`.
    /// Contacts after it don't count.
    pub fn add(&mut self, days: &[i32], today: i32) {
        let days = days.get(..days.partition_point(|day| *day <= today));
        let Some((days, last)) = days.and_then(|days| Some((days, *days.last()?))) else {
            return;
        };
        let silent = today.saturating_sub(last).unsigned_abs();
        let Some(first) = gaps(days).next() else {
            *self.once.entry(silent).or_default() += 1;
            return;
        };
        *self.returned.entry(first).or_default() += 1;
        self.seen += 1;
        if !(self.seen - 1).is_multiple_of(self.stride) {
            return;
        }
        let start = days.len().saturating_sub(GAPS + 1);
        let gaps = gaps(days.get(start..).unwrap_or_default()).collect();
        self.regulars.push(Regular { gaps, silent });
        if self.regulars.len() == 2 * MOST {
            // Every second one goes, and from now on only half as many come in.
            let mut n = 0;
            self.regulars.retain(|_| {
                n += 1;
                n % 2 == 1
            });
            self.stride *= 2;
        }
    }

    /// Whether nobody ever came.
    pub fn is_empty(&self) -> bool {
        self.seen == 0 && self.once.is_empty()
    }

    /// The pattern that makes what was seen most likely.
    pub fn fit(&self) -> Pattern {
        let once = self.fit_once();
        let (few, all) = (self.thinned(FOR_SCALE), self.thinned(MOST));
        let mut best = None;
        for scale in Scale::ALL {
            let (at, height) = Seen::new(scale, &few).fit(None);
            if best.as_ref().is_none_or(|(_, _, lowest)| height < *lowest) {
                best = Some((scale, at, height));
            }
        }
        let (scale, start, _) = best.unwrap_or((Scale::Log, Vec::new(), 0.0));
        let seen = Seen::new(scale, &all);
        let (at, _) = seen.fit(Some(start));
        let pattern = seen.pattern(&at, once);
        Pattern {
            change: change(&pattern, &few),
            ..pattern
        }
    }

    /// Evenly spread over all.
    fn thinned(&self, most: usize) -> Vec<&Regular> {
        let step = self.regulars.len().div_ceil(most).max(1);
        self.regulars.iter().step_by(step).collect()
    }

    fn fit_once(&self) -> Once {
        let read = |at: &[f64]| Once {
            centre: at.first().copied().unwrap_or_default(),
            spread: at.get(1).map_or(0.0, |at| at.clamp(-5.0, 5.0)).exp(),
            stop: share(at.get(2).copied().unwrap_or_default()),
        };
        let height = |at: &[f64]| {
            let one = read(at);
            let prior = off(one.centre, 60_f64.ln(), 1.5)
                + off(one.spread.ln(), 0.2, 0.7)
                + off(logit(one.stop), 0.0, 1.5);
            let place = |days: u32| (f64::from(days.max(1)).ln() - one.centre) / one.spread;
            let returned = self.returned.iter().map(|(days, count)| {
                let at = place(*days);
                let density = (1.0 - one.stop).ln() - one.spread.ln() - at * at / 2.0;
                f64::from(*count) * density
            });
            let silent = self.once.iter().map(|(days, count)| {
                let still = one.stop + (1.0 - one.stop) * above(place(*days), f64::INFINITY);
                f64::from(*count) * still.ln()
            });
            prior - returned.sum::<f64>() - silent.sum::<f64>()
        };
        let (at, _) = lowest(height, &[60_f64.ln(), 0.2, 0.0], STEPS);
        read(&at)
    }
}

/// How often a rhythm changes, so that the gaps that were seen are most likely.
fn change(pattern: &Pattern, regulars: &[&Regular]) -> f64 {
    let mut best = (f64::NEG_INFINITY, 0.0);
    for gaps in GAPS_A_CHANGE {
        let change = 1.0 / gaps;
        let pattern = Pattern { change, ..*pattern };
        let each = regulars.iter().map(|one| likelihood(&pattern, &one.gaps));
        let all: f64 = each.sum();
        if all > best.0 + EVIDENCE {
            best = (all, change);
        }
    }
    best.1
}

/// Customers on a scale.
struct Seen {
    scale: Scale,
    customers: Vec<(Habit, u32)>,
    /// The middle and spread of everything, for the priors.
    middle: f64,
    spread: f64,
    /// What the change of scale does to the likelihood.
    stretch: f64,
}

impl Seen {
    fn new(scale: Scale, regulars: &[&Regular]) -> Self {
        let one = |one: &&Regular| (Habit::of(scale, one.gaps.iter().copied()), one.silent);
        let customers: Vec<(Habit, u32)> = regulars.iter().map(one).collect();
        let all = regulars.iter().flat_map(|one| one.gaps.iter().copied());
        let all = Habit::of(scale, all);
        let later = regulars.iter().flat_map(|one| one.gaps.iter().skip(1));
        let stretch: f64 = later.map(|gap| f64::from((*gap).max(1)).ln()).sum();
        let (middle, spread) = if all.gaps < 2 {
            (
                scale.of(USUAL_DAYS),
                scale.of(USUAL_DAYS * 2.0) - scale.of(USUAL_DAYS),
            )
        } else {
            let spread = (all.squares / f64::from(all.gaps - 1)).sqrt();
            (all.mean, spread.max(0.05))
        };
        Self {
            scale,
            customers,
            middle,
            spread,
            stretch: (scale.power() - 1.0) * stretch,
        }
    }

    /// In units in which every number is about 1: the search is at home there.
    fn pattern(&self, at: &[f64], once: Once) -> Pattern {
        let number = |n: usize| {
            let number = at.get(n).copied().unwrap_or_default();
            number.clamp(-FARTHEST, FARTHEST)
        };
        let shape = number(2).exp();
        let (stop, strength) = (share(number(4)), number(5).exp());
        Pattern {
            scale: self.scale,
            centre: number(0).mul_add(self.spread, self.middle),
            weight: number(1).exp(),
            shape,
            spread: shape * number(3).exp() * self.spread * self.spread,
            stopping: stop * strength,
            staying: (1.0 - stop) * strength,
            change: 0.0,
            once,
        }
    }

    fn fit(&self, start: Option<Vec<f64>>) -> (Vec<f64>, f64) {
        let start = start.filter(|start| start.len() == 6);
        let start = start.unwrap_or_else(|| vec![0.0, 0.4, 2.0, -0.5, -1.7, 0.7]);
        lowest(|at| self.height(at), &start, STEPS)
    }

    /// The negative logarithm of likelihood times priors.
    fn height(&self, at: &[f64]) -> f64 {
        let number = |n: usize| at.get(n).copied().unwrap_or_default();
        let prior = off(number(0), 0.0, 1.0)
            + off(number(1), 0.4, 1.0)
            + off(number(2), 2.0, 1.0)
            + off(number(3), -0.5, 1.0)
            + off(number(4), -1.7, 1.2)
            + off(number(5), 0.7, 1.0);
        let once = Once {
            centre: 0.0,
            spread: 1.0,
            stop: 0.5,
        };
        let pattern = self.pattern(at, once);
        let tables = Tables::new(&pattern);
        let all = self.customers.iter();
        let sum: f64 = all
            .map(|(habit, silent)| tables.likelihood(habit, *silent))
            .sum();
        prior - sum - self.stretch
    }
}

/// What depends on a customer's gaps only by their number.
struct Tables<'a> {
    pattern: &'a Pattern,
    /// Of the gaps' density.
    density: Vec<f64>,
    /// Of having come back every time.
    stayed: Vec<f64>,
}

impl<'a> Tables<'a> {
    fn new(pattern: &'a Pattern) -> Self {
        let Pattern {
            weight,
            shape,
            stopping,
            staying,
            ..
        } = *pattern;
        let both = stopping + staying;
        let mut tables = Self {
            pattern,
            density: Vec::with_capacity(GAPS + 1),
            stayed: Vec::with_capacity(GAPS + 1),
        };
        let mut stayed = 0.0;
        for gaps in 0..=GAPS {
            let gaps = u32::try_from(gaps).map_or(0.0, f64::from);
            tables.density.push(
                ln_gamma(shape + gaps / 2.0) - ln_gamma(shape)
                    + (weight / (weight + gaps)).ln() / 2.0
                    - gaps / 2.0 * std::f64::consts::TAU.ln(),
            );
            tables.stayed.push(stayed);
            if gaps >= 1.0 {
                stayed += ((staying + gaps - 1.0) / (both + gaps - 1.0)).ln();
            }
        }
        tables
    }

    /// The logarithm of how likely a customer's gaps after the first one are, that they came back
    /// each time, and their silence since.
    fn likelihood(&self, habit: &Habit, silent: u32) -> f64 {
        let gaps = usize::try_from(habit.gaps).unwrap_or(GAPS);
        let stayed = self.stayed.get(gaps).copied().unwrap_or_default();
        let later = self.density(habit) - self.density(&habit.first_only());
        let silence = if silent == 0 {
            0.0
        } else {
            let outlook = self.pattern.steady(habit);
            outlook.both(f64::from(silent)).1.ln()
        };
        stayed + later + silence
    }

    fn density(&self, habit: &Habit) -> f64 {
        let gaps = usize::try_from(habit.gaps).unwrap_or(GAPS);
        let table = self.density.get(gaps).copied().unwrap_or_default();
        let (_, shape, spread) = self.pattern.learnt(habit);
        table + self.pattern.shape * self.pattern.spread.ln() - shape * spread.ln()
    }
}

/// A normal prior's part of the height.
fn off(value: f64, middle: f64, width: f64) -> f64 {
    let off = (value - middle) / width;
    off * off / 2.0
}

fn share(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

fn logit(share: f64) -> f64 {
    (share / (1.0 - share)).ln()
}
