//! The day on which a silence says enough.

use super::pattern::Outlook;

/// Days looked at one by one; after that, week by week.
const DAYS: u32 = 180;
/// The longest silence that is looked at: three years.
const LONGEST: u32 = 1_095;
/// Waiting is worth it while it saves more than one needless letter in a hundred.
const WORTH_WAITING: f64 = 0.01;
/// By how much less than the wanted share a letter's worth is reckoned when it is asked whether
/// waiting pays.
const PATIENCE: f64 = 0.15;

/// How sure one wants to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wanted {
    /// The chance of no contact, from 0 to 1.
    pub chance: f64,
    /// In so many coming days.
    pub horizon: u32,
    /// Not before so many days of silence, at least 1.
    pub at_least: u32,
}

impl Wanted {
    /// In whole percent and days, as rules have it.
    pub fn percent(percent: u32, horizon: u32, at_least: u32) -> Self {
        Self {
            chance: f64::from(percent) / 100.0,
            horizon,
            at_least,
        }
    }

    /// Days of silence after which the chance of no contact in the coming days is as high as
    /// wanted, and waiting longer would tell little more. `None` if it never gets there.
    ///
    /// A letter is right if the customer doesn't come by themselves within the horizon. With `S`
    /// as in [`super`], a letter planned for day `t` of a silence will be right with chance
    /// `S(t+h)` and needless with `S(t) - S(t+h)`; if one needless letter weighs as much as
    /// `(1-q)/q` right ones, its worth is `S(t+h) - q·S(t)`, which is positive as soon as the chance
    /// passes `q`, and still rises while waiting spares more needless letters than it loses right
    /// ones. So the day is the first with the wanted chance on which no later day is worth
    /// noticeably more. Those who stopped for good stay silent, and aren't lost by waiting: for
    /// this comparison nobody comes back who stopped.
    pub fn days(&self, outlook: &Outlook) -> Option<u32> {
        let price = (self.chance - PATIENCE).max(0.0);
        let horizon = f64::from(self.horizon);
        let mut best = f64::NEG_INFINITY;
        let mut found = None;
        let mut day = LONGEST.max(self.at_least);
        while day >= self.at_least.max(1) {
            let silent = f64::from(day);
            let (now, gone_now) = outlook.both(silent);
            let (then, gone_then) = outlook.both(silent + horizon);
            let worth = gone_then - price * gone_now;
            best = best.max(worth);
            // Where everything has become zero, the comparison says nothing.
            if then >= self.chance * now && best - worth <= WORTH_WAITING * gone_now {
                found = Some(day);
            }
            day -= if day > DAYS { 7.min(day - DAYS) } else { 1 };
        }
        found
    }
}
