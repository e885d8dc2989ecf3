//! How much of something is needed: the value of one key at which a condition on a metric begins to hold.
//!
//! All values are tried on the same random numbers, so that the metric is a function of the key. A grid says
//! first whether it goes one way; bisection then narrows the step from "does not hold" to "holds" down. The same
//! for both ends of the metric's interval gives the interval of the answer.

use std::collections::BTreeMap;

use rayon::prelude::*;
use thiserror::Error;

use crate::metrics::{Metric, Value};
use crate::policy::oracle;
use crate::record::significant;
use crate::record::solution::{Answer, Point, SOLUTION_VERSION, Solution};
use crate::scenario::{Scenario, ScenarioError};
use crate::stats::{self, Estimate, paired};

use super::compare::Contender;
use super::measure::{measured, needs_oracle};
use super::progress::Progress;
use super::run::{RunError, RunPlan, tape};

/// What must hold.
#[derive(Clone, Copy, Debug)]
pub struct Condition {
    /// Of which metric.
    pub metric: &'static Metric,
    /// Whether it must be at least the bound; else at most.
    pub at_least: bool,
    /// The bound, in the metric's unit.
    pub bound: f64,
}

/// The scenario at a value of the key, and the value as it was written.
pub type World<'a> = dyn Fn(f64) -> Result<(Scenario, String), ScenarioError> + Sync + 'a;

/// What to solve.
#[expect(missing_debug_implementations, reason = "a closure has none")]
pub struct SolvePlan<'a> {
    /// The key, for the record.
    pub key: &'a str,
    /// The scenario at a value.
    pub world: &'a World<'a>,
    /// Least and greatest value, in the key's unit.
    pub between: (f64, f64),
    /// Whether only whole numbers make sense.
    pub whole: bool,
    /// What must hold.
    pub condition: Condition,
    /// Seed of the first replication.
    pub seed: u64,
    /// Replications, at least 2.
    pub replications: u32,
}

/// Why there is no solution.
#[derive(Debug, Error)]
pub enum SolveError {
    /// The scenario refuses a value.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A run failed.
    #[error("{error} (at {at})")]
    Run {
        /// Why.
        error: RunError,
        /// The value of the key.
        at: String,
    },
}

/// Values of the key that are tried first.
const GRID: usize = 9;
/// The answer is narrowed down to this share of itself.
const CLOSE: f64 = 0.005;
const STEPS: usize = 24;

/// The metric at one value of the key.
#[derive(Clone, Debug)]
struct Tried {
    shown: String,
    values: Vec<Value>,
    mean: Option<Estimate>,
}

/// Solves.
///
/// # Errors
/// [`SolveError`].
pub fn solve(plan: &SolvePlan<'_>, progress: &dyn Progress) -> Result<Solution, SolveError> {
    let mut solver = Solver { plan, progress, tried: BTreeMap::new() };
    let grid = grid(plan);
    solver.fill(&grid)?;
    let holds = |tried: &Tried| plan.condition.holds(tried, |estimate| estimate.point);
    let warnings = solver.doubts(&grid);
    let answer = solver.edge(&grid, &holds)?;
    // The metric's interval, end by end: what holds for its worse end surely holds.
    let end = |low: bool| {
        move |tried: &Tried| {
            plan.condition.holds(tried, |estimate| {
                let interval = estimate.interval;
                let end = |i: stats::Interval| if low { i.low } else { i.high };
                interval.map_or(estimate.point, end)
            })
        }
    };
    let ends = [solver.edge(&grid, &end(true))?, solver.edge(&grid, &end(false))?];
    let points = solver.tried.values().map(|tried| tried.point(plan.condition.metric)).collect();
    let shown = |edge: Option<f64>| edge.map(|at| solver.tried[&key(at)].shown.clone());
    let mut ends: Vec<f64> = ends.into_iter().flatten().collect();
    ends.sort_by(f64::total_cmp);
    let first = solver.tried.values().next().is_some_and(holds);
    let last = solver.tried.values().next_back().is_some_and(holds);
    Ok(Solution {
        schema_version: SOLUTION_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        key: plan.key.to_owned(),
        metric: plan.condition.metric.id.to_owned(),
        at_least: plan.condition.at_least,
        bound: significant(plan.condition.bound),
        seed: plan.seed,
        replications: plan.replications,
        answer: match (answer, first, last) {
            (None, true, _) => Answer::Everywhere,
            (None, false, _) => Answer::Nowhere,
            (Some(_), _, true) => Answer::AtLeast,
            (Some(_), true, false) => Answer::AtMost,
            (Some(_), false, false) => Answer::Between,
        },
        value: shown(answer),
        low: shown(ends.first().copied().filter(|_| ends.len() == 2)),
        high: shown(ends.get(1).copied()),
        points,
        warnings,
    })
}

impl Condition {
    fn holds(&self, tried: &Tried, of: impl Fn(&Estimate) -> f64) -> bool {
        tried.mean.as_ref().is_some_and(|estimate| {
            let value = of(estimate);
            if self.at_least { value >= self.bound } else { value <= self.bound }
        })
    }
}

impl Tried {
    fn point(&self, metric: &Metric) -> Point {
        let numbers = self.values.iter().filter_map(|value| value.ordered());
        Point {
            value: self.shown.clone(),
            metric: metric.id.to_owned(),
            mean: self.mean.map(|mean| significant(mean.point)),
            low: self.mean.and_then(|mean| mean.interval).map(|i| significant(i.low)),
            high: self.mean.and_then(|mean| mean.interval).map(|i| significant(i.high)),
            n: numbers.count() as u32,
        }
    }
}

/// Bits of a non-negative number are in its order.
fn key(at: f64) -> u64 {
    at.to_bits()
}

/// From the least to the greatest value, evenly by ratio where they are far apart.
fn grid(plan: &SolvePlan<'_>) -> Vec<f64> {
    let (low, high) = plan.between;
    let by_ratio = low > 0.0 && high / low >= 4.0;
    let at = |n: usize| {
        let part = n as f64 / (GRID - 1) as f64;
        if by_ratio { low * libm::pow(high / low, part) } else { low + (high - low) * part }
    };
    let mut grid: Vec<f64> = (0..GRID).map(|n| rounded(plan, at(n))).collect();
    grid.dedup_by(|a, b| a.to_bits() == b.to_bits());
    grid
}

/// Four digits are enough, and read well.
fn rounded(plan: &SolvePlan<'_>, at: f64) -> f64 {
    if plan.whole {
        return at.round();
    }
    format!("{at:.3e}").parse().unwrap_or(at)
}

struct Solver<'a> {
    plan: &'a SolvePlan<'a>,
    progress: &'a dyn Progress,
    tried: BTreeMap<u64, Tried>,
}

impl Solver<'_> {
    /// Tries values in parallel.
    fn fill(&mut self, at: &[f64]) -> Result<(), SolveError> {
        let missing: Vec<f64> =
            at.iter().copied().filter(|at| !self.tried.contains_key(&key(*at))).collect();
        let new: Vec<_> = missing.par_iter().map(|at| self.try_at(*at)).collect();
        for (at, tried) in missing.into_iter().zip(new) {
            self.tried.insert(key(at), tried?);
        }
        Ok(())
    }

    fn try_at(&self, at: f64) -> Result<Tried, SolveError> {
        let (scenario, shown) = (self.plan.world)(at)?;
        let metric = self.plan.condition.metric;
        let contender = &scenario.policy;
        let run = |spec, settings, replication| {
            let (seed, replications) = (self.plan.seed, self.plan.replications);
            let plan = RunPlan { scenario: &scenario, policy: spec, settings, seed, replications };
            tape(&plan, replication, self.progress)
        };
        let best = Contender::of(&oracle::SPEC);
        let values: Result<Vec<Value>, RunError> = (0..self.plan.replications)
            .into_par_iter()
            .map(|replication| {
                let tape = run(contender.spec, &contender.settings, replication)?;
                let oracle = if needs_oracle(metric) {
                    Some(run(best.spec, &best.settings, replication)?)
                } else {
                    None
                };
                Ok(measured(metric, &tape, oracle.as_ref(), &scenario.spec.pool))
            })
            .collect();
        let values = values.map_err(|error| SolveError::Run { error, at: shown.clone() })?;
        let mean = stats::restricted_mean(&values, scenario.spec.horizon.as_secs_f64());
        Ok(Tried { shown, values, mean })
    }

    /// The value nearest to the step at which `holds` begins (or ends, where more makes it worse) to hold, on
    /// the side where it holds; `None` where it does not change on the grid.
    fn edge(
        &mut self,
        grid: &[f64],
        holds: &dyn Fn(&Tried) -> bool,
    ) -> Result<Option<f64>, SolveError> {
        let held: Vec<bool> = grid.iter().map(|at| holds(&self.tried[&key(*at)])).collect();
        // Where it holds at the end, the last step up; else the first step down, or up.
        let steps = || (1..grid.len()).filter(|n| held[n - 1] != held[*n]);
        let step = if held.last() == Some(&true) { steps().next_back() } else { steps().next() };
        let Some(step) = step else { return Ok(None) };
        let (mut low, mut high) = (grid[step - 1], grid[step]);
        let rises = held[step];
        for _ in 0..STEPS {
            let middle = rounded(self.plan, low + (high - low) / 2.0);
            let is_between = middle > low && middle < high;
            if !is_between || (high - low) <= CLOSE * high.abs() {
                break;
            }
            self.fill(&[middle])?;
            if holds(&self.tried[&key(middle)]) == rises {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok(Some(if rises { high } else { low }))
    }

    /// Where the metric goes the other way than from end to end, beyond chance.
    fn doubts(&self, grid: &[f64]) -> Vec<String> {
        let tried: Vec<&Tried> = grid.iter().map(|at| &self.tried[&key(*at)]).collect();
        let mean = |tried: &Tried| tried.mean.map(|mean| mean.point);
        let (Some(first), Some(last)) =
            (tried.first().and_then(|t| mean(t)), tried.last().and_then(|t| mean(t)))
        else {
            return vec!["the metric has no value at an end of the range".to_owned()];
        };
        let mut doubts = Vec::new();
        for pair in tried.windows(2) {
            let numbers =
                |t: &Tried| -> Vec<Option<f64>> { t.values.iter().map(|v| v.known()).collect() };
            let Some(step) = paired(&numbers(pair[1]), &numbers(pair[0])) else { continue };
            if step.difference.point * (last - first) < 0.0 && step.p < 0.01 {
                doubts.push(format!(
                    "not monotone: {} goes the other way from {} to {} (by {}); the answer is one step of several",
                    self.plan.condition.metric.id,
                    pair[0].shown,
                    pair[1].shown,
                    significant(step.difference.point)
                ));
            }
        }
        doubts
    }
}
