//! The lowest point of a function of a few numbers.

use argmin::core::{CostFunction, Executor, State as _};
use argmin::solver::neldermead::NelderMead;

/// A number so large that nobody stays there.
const NOWHERE: f64 = 1e300;

struct Landscape<F>(F);

impl<F: Fn(&[f64]) -> f64> CostFunction for Landscape<F> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, at: &Self::Param) -> Result<Self::Output, argmin::core::Error> {
        let height = (self.0)(at);
        Ok(if height.is_finite() { height } else { NOWHERE })
    }
}

/// Where the function is lowest, as far as a search from here finds out, and how low: Nelder and
/// Mead's simplex with the coefficients of Gao and Han (2012) for more than two dimensions.
pub(super) fn lowest(
    function: impl Fn(&[f64]) -> f64,
    start: &[f64],
    most_steps: u64,
) -> (Vec<f64>, f64) {
    let here = (start.to_vec(), function(start));
    search(function, start, most_steps).unwrap_or(here)
}

#[expect(clippy::cast_precision_loss, reason = "a handful of dimensions")]
fn search(
    function: impl Fn(&[f64]) -> f64,
    start: &[f64],
    most_steps: u64,
) -> Option<(Vec<f64>, f64)> {
    let mut corners = vec![start.to_vec()];
    for n in 0..start.len() {
        let mut corner = start.to_vec();
        *corner.get_mut(n)? += 0.5;
        corners.push(corner);
    }
    let dimensions = start.len().max(2) as f64;
    let solver = NelderMead::new(corners)
        .with_gamma(1.0 + 2.0 / dimensions)
        .and_then(|solver| solver.with_sigma(1.0 - 1.0 / dimensions))
        .and_then(|solver| solver.with_sd_tolerance(1e-3))
        .ok()?;
    let done = Executor::new(Landscape(function), solver)
        .configure(|state| state.max_iters(most_steps))
        .run()
        .ok()?;
    let state = done.state();
    Some((state.get_best_param()?.clone(), state.get_best_cost()))
}
