//! HOW CUSTOMERS COME: the rhythm of one customer, and what it says about a silence.
//!
//! Pure arithmetic over whole days: no I/O, no clock, no randomness, no zones. The same numbers in
//! give the same numbers out. May use nothing of the house.
//!
//! # The model
//! A customer's gaps between contact days, on a [`Scale`] on which they spread evenly (Box and Cox
//! 1964: their logarithm for irregular shoppers, the days themselves for clockwork patients), are
//! normal about a middle and a spread of the customer's own. What middles and spreads a business's
//! customers have is a normal–inverse-gamma distribution, so a customer with few gaps is judged
//! mostly by the others and one with many by their own, and what their next gap may be is a Student
//! t distribution in closed form (Murphy 2007, *Conjugate Bayesian analysis of the Gaussian
//! distribution*, eq. 85–110).
//!
//! Rhythms change: whoever came every week for years and now comes every month isn't to be missed
//! every month. Before each gap a customer's rhythm may have begun anew, and the next gap is a
//! mixture over the gaps at which the present one may have begun, weighed by how well each explains
//! what came since (Adams and MacKay 2007, *Bayesian online changepoint detection*,
//! arXiv:0710.3742). How often rhythms change is learnt from the business's customers.
//!
//! After each contact a customer may stop, with a chance that sinks with every time they came back:
//! beta-geometric, as in BG/NBD (Fader, Hardie and Lee 2005, *Marketing Science* 24, eq. 3), here
//! from the second contact on and with a chance of its own after the first, as most first-time
//! customers never return (Batislam, Denizel and Filiztekin 2007). Those who stopped aren't dead:
//! they come back rarely, at a rate that doesn't change.
//!
//! With `F` the chance that an active customer's gap is longer than so many days, `p` that they
//! stopped, and `r` the rate of return, the chance that a silence lasts longer than `t` days is
//!
//! ```text
//! S(t) = p · exp(-r·t) + (1 - p) · F(t)
//! ```
//!
//! and the chance of no contact in the coming `h` days after `t` silent ones is `S(t+h) / S(t)`.

pub mod alarm;
pub mod cadence;
pub mod calibration;
mod change;
pub mod fit;
pub mod habit;
pub mod pattern;
mod search;
pub mod walk;

pub use alarm::Wanted;
pub use cadence::Cadence;
pub use fit::Sample;
pub use habit::{Habit, Scale};
pub use pattern::{Outlook, Pattern};

#[cfg(test)]
mod tests;
