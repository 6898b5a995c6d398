//! How a business's customers come, and what that says about one of them.

use serde::{Deserialize, Serialize};
use statrs::function::beta::beta_reg;
use statrs::function::erf::erfc;

use super::change::{MOST, spells};
use super::habit::{Habit, Scale};

/// Those who stopped come back once in so many days.
const RETURN_DAYS: f64 = 2_500.0;
/// The more often somebody came, the sooner they come back: gaps to this power …
const RETURN_POWER: f64 = 0.7;
/// … counting this many of them.
const RETURN_GAPS: u32 = 4;

/// What a business's customers have in common; see [`super`] for the model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pattern {
    /// The scale of everything here.
    pub scale: Scale,
    /// The middle of the customers' middles.
    pub centre: f64,
    /// How many gaps of a customer's own weigh as much as what the others do.
    pub weight: f64,
    /// How alike the customers' spreads are; the larger, the more.
    pub shape: f64,
    /// With `shape`, how large they are: spread squared is about `spread / shape`.
    pub spread: f64,
    /// Chances of stopping, from the second contact on: beta's `a` …
    pub stopping: f64,
    /// … and its `b`.
    pub staying: f64,
    /// The chance that a customer's rhythm changes, before each gap.
    #[serde(default)]
    pub change: f64,
    /// After the first contact.
    pub once: Once,
}

/// What follows a first contact, on the scale of logarithms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Once {
    /// The middle.
    pub centre: f64,
    /// The spread.
    pub spread: f64,
    /// The chance that there is no second one.
    pub stop: f64,
}

impl Pattern {
    /// What may come next for a customer with these gaps behind them, in days and in order.
    pub fn outlook(&self, gaps: impl IntoIterator<Item = u32>) -> Outlook {
        let gaps: Vec<u32> = gaps.into_iter().collect();
        if gaps.is_empty() {
            let Once {
                centre,
                spread,
                stop,
            } = self.once;
            let next = (1.0, (centre, spread, f64::INFINITY));
            return Outlook::new(Scale::Log, stop, [next], 1);
        }
        let spells = spells(self, &gaps);
        let next = spells
            .iter()
            .map(|spell| (spell.chance, spell.next_gap(self)));
        let count = u32::try_from(gaps.len()).unwrap_or(u32::MAX);
        Outlook::new(self.scale, self.stop(count), next, count)
    }

    /// The same for somebody whose rhythm never changed.
    pub(super) fn steady(&self, habit: &Habit) -> Outlook {
        let next = (1.0, self.next_gap(habit));
        Outlook::new(self.scale, self.stop(habit.gaps), [next], habit.gaps)
    }

    /// The chance of stopping after so many gaps, at least one.
    fn stop(&self, gaps: u32) -> f64 {
        self.stopping / (self.stopping + self.staying + f64::from(gaps) - 1.0)
    }

    /// The middle, width and degrees of freedom of Student's t for the next gap.
    pub(super) fn next_gap(&self, habit: &Habit) -> (f64, f64, f64) {
        let (weight, shape, spread) = self.learnt(habit);
        let gaps = f64::from(habit.gaps);
        let middle = (self.weight * self.centre + gaps * habit.mean) / weight;
        let width = (spread * (weight + 1.0) / (shape * weight)).sqrt();
        (middle, width, 2.0 * shape)
    }

    /// Weight, shape and spread after these gaps.
    pub(super) fn learnt(&self, habit: &Habit) -> (f64, f64, f64) {
        let gaps = f64::from(habit.gaps);
        let weight = self.weight + gaps;
        let off = habit.mean - self.centre;
        let between = self.weight * gaps * off * off / weight;
        (
            weight,
            self.shape + gaps / 2.0,
            self.spread + f64::midpoint(habit.squares, between),
        )
    }
}

/// What may come next for one customer, by days of silence.
#[derive(Debug, Clone, Copy)]
pub struct Outlook {
    scale: Scale,
    stop: f64,
    /// What the next gap may be like; those with a chance of 0 are none.
    next: [Next; MOST],
    return_rate: f64,
}

/// Student's t of the next gap, if the present rhythm is this one.
#[derive(Debug, Clone, Copy, Default)]
struct Next {
    /// How likely it is this one, …
    chance: f64,
    middle: f64,
    width: f64,
    freedom: f64,
    /// … and the chance that a gap is longer than no days at all: the scale may reach below.
    any: f64,
}

impl Next {
    /// The chance that a gap is longer than so many days, given on the scale.
    fn longer(&self, days: f64) -> f64 {
        let off = (days - self.middle) / self.width;
        let share = above(off, self.freedom) / self.any;
        if share > 1.0 { 1.0 } else { share }
    }
}

impl Outlook {
    fn new(
        scale: Scale,
        stop: f64,
        next: impl IntoIterator<Item = (f64, (f64, f64, f64))>,
        gaps: u32,
    ) -> Self {
        let often = f64::from(gaps.clamp(1, RETURN_GAPS)).powf(RETURN_POWER);
        let mut outlook = Self {
            scale,
            stop,
            next: [Next::default(); MOST],
            return_rate: often / RETURN_DAYS,
        };
        for (kept, (chance, (middle, width, freedom))) in outlook.next.iter_mut().zip(next) {
            *kept = Next {
                chance,
                middle,
                width,
                freedom,
                any: 1.0,
            };
            kept.any = kept.longer(scale.of(0.0)).max(f64::MIN_POSITIVE);
        }
        outlook
    }

    /// The chance that an active customer's gap is longer than so many days.
    fn longer(&self, days: f64) -> f64 {
        let days = self.scale.of(days);
        let next = self.next.iter().take_while(|next| next.chance > 0.0);
        next.map(|next| next.chance * next.longer(days)).sum()
    }

    /// The chance that a silence lasts longer than so many days.
    pub fn silence(&self, days: f64) -> f64 {
        self.both(days).0
    }

    /// The same, and the same if nobody who stopped came back.
    pub(super) fn both(&self, days: f64) -> (f64, f64) {
        let active = (1.0 - self.stop) * self.longer(days);
        let back = (-days * self.return_rate).exp();
        (self.stop * back + active, self.stop + active)
    }

    /// The chance of no contact in the coming `horizon` days after `silent` ones, from 0 to 1.
    pub fn chance(&self, silent: u32, horizon: u32) -> f64 {
        let (silent, horizon) = (f64::from(silent), f64::from(horizon));
        let now = self.silence(silent);
        if now <= 0.0 {
            // So long that nobody's gap reaches it: they stopped.
            return (-horizon * self.return_rate).exp();
        }
        (self.silence(silent + horizon) / now).clamp(0.0, 1.0)
    }

    /// Of a hundred customers like this one, so many have no contact in the coming `horizon` days
    /// after `silent` ones.
    pub fn of_hundred(&self, silent: u32, horizon: u32) -> u32 {
        let share = self.chance(silent, horizon) * 100.0;
        (0..=100)
            .rev()
            .find(|n| f64::from(*n) <= share + 0.5)
            .unwrap_or(0)
    }
}

/// From so many degrees of freedom on, [`above`] is computed the fast way.
const MANY: f64 = 15.0;

/// The chance that Student's t, with so many degrees of freedom, lies above: Abramowitz and Stegun
/// 26.5.27, and with many degrees of freedom the normal distribution after Wallace (1959, *Annals
/// of Mathematical Statistics* 30), which is within one in ten thousand of it and five times as
/// fast.
pub(super) fn above(t: f64, freedom: f64) -> f64 {
    if t.is_nan() || freedom.is_nan() {
        // A search that came to the edge of what can be computed steps back from here.
        return f64::NAN;
    }
    if t == f64::NEG_INFINITY {
        return 1.0;
    }
    if freedom > MANY {
        let normal = if freedom.is_finite() {
            let bend = (8.0 * freedom + 1.0) / (8.0 * freedom + 3.0);
            t.signum() * bend * (freedom * (t * t / freedom).ln_1p()).sqrt()
        } else {
            t
        };
        return 0.5 * erfc(normal * std::f64::consts::FRAC_1_SQRT_2);
    }
    let share = freedom / t.mul_add(t, freedom);
    let tail = 0.5 * beta_reg(freedom / 2.0, 0.5, share);
    if t >= 0.0 { tail } else { 1.0 - tail }
}
