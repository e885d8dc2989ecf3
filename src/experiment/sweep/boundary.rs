//! Where users stop recovering: along one axis of a grid, for each combination of the others, by bisection.
//!
//! A run counts as not recovered if its users are still worse off than before the fault when we stop watching,
//! although the fault is long over: the failure sustains itself. A point is stuck where that is so in at least
//! half of its runs.

use std::collections::BTreeMap;

use crate::metrics::Value;
use crate::record::journal::UnitId;
use crate::record::run_row::RunRow;
use crate::record::sweep::{Boundary, Edge, EdgePoint};
use crate::scenario::suggest;
use crate::stats::Estimate;

use super::axis::{Level, Values};
use super::design::{Design, Point};
use super::plan::{SweepError, SweepPlan};
use super::summary::share;

/// The share of runs in which users did not recover.
pub(super) const NOT_RECOVERED: &str = "not_recovered";
/// The metric that tells.
const RECOVERY: &str = "time_to_recover_user";
/// A point is stuck from this share on.
const STUCK: f64 = 0.5;

/// Where the metric that tells stands among those of a plan.
pub(super) fn has_stuck(plan: &SweepPlan) -> Option<usize> {
    plan.metrics.iter().position(|metric| metric.id == RECOVERY)
}

/// 1 if users did not recover, 0 if they did.
pub(super) const fn not_recovered(recovery: Value) -> Value {
    match recovery {
        Value::Censored { .. } => Value::Known(1.0),
        Value::Known(_) => Value::Known(0.0),
        Value::Undefined { reason } => Value::Undefined { reason },
    }
}

/// Runs what a plan has and `rows` has not.
pub type Runner<'a, E> =
    &'a mut dyn FnMut(&SweepPlan, BTreeMap<UnitId, RunRow>) -> Result<BTreeMap<UnitId, RunRow>, E>;

/// One combination of the other axes: the points between which its boundary lies.
struct Bracket {
    others: Vec<Level>,
    recovers: Option<usize>,
    stuck: Option<usize>,
}

/// Finds the boundary along an axis. `rows` has all of the plan's runs; points are added to the plan, halving each
/// interval `rounds` times, and `run` runs them.
///
/// # Errors
/// What `run` or adding points reports.
pub fn boundary<E: From<SweepError>>(
    plan: &mut SweepPlan,
    mut rows: BTreeMap<UnitId, RunRow>,
    (axis, rounds): (usize, u32),
    run: Runner<'_, E>,
) -> Result<(Boundary, BTreeMap<UnitId, RunRow>), E> {
    let mut brackets = brackets(plan, &rows, axis);
    for _ in 0..rounds {
        let open: Vec<(usize, Point)> = (brackets.iter().enumerate())
            .filter_map(|(at, bracket)| Some((at, middle(plan, bracket, axis)?)))
            .collect();
        if open.is_empty() {
            break;
        }
        let first = plan.points.len();
        plan.extend(open.iter().map(|(_, point)| point.clone()).collect())?;
        rows = run(plan, rows)?;
        for (i, (at, _)) in open.iter().enumerate() {
            let bracket = &mut brackets[*at];
            match is_stuck(plan, &rows, first + i) {
                Some(true) => bracket.stuck = Some(first + i),
                Some(false) | None => bracket.recovers = Some(first + i),
            }
        }
    }
    let side = |point: usize| {
        let level = &plan.points[point][axis];
        Some(EdgePoint::new(&level.text, level.number?, &estimate(plan, &rows, point)?))
    };
    let edge = |bracket: &Bracket| Edge {
        at: bracket.others.iter().map(|level| level.text.clone()).collect(),
        recovers: bracket.recovers.and_then(side),
        stuck: bracket.stuck.and_then(side),
    };
    let edges = brackets.iter().map(edge).collect();
    Ok((Boundary { axis, edges }, rows))
}

/// The axis of this path, if a boundary can be looked for along it.
///
/// # Errors
/// A [`SweepError`] that says what is missing.
pub fn axis_of(plan: &SweepPlan, path: &str) -> Result<usize, SweepError> {
    let refuse =
        |what: String| Err(SweepError::Unknown { what: format!("--boundary {path}: {what}") });
    let Some(axis) = plan.axes.iter().position(|axis| axis.path == path) else {
        let known: Vec<&str> = plan.axes.iter().map(|axis| axis.path.as_str()).collect();
        return refuse(format!("no --vary has this path: {}", suggest::help(path, &known)));
    };
    if plan.design != Design::Grid || !matches!(plan.axes[axis].values, Values::Range(_)) {
        return refuse(format!("it needs a grid along this axis, as in --vary '{path}=lo..hi/5'"));
    }
    if has_stuck(plan).is_none() {
        return refuse(format!("it needs the metric `{RECOVERY}` among --metrics"));
    }
    Ok(axis)
}

fn estimate(plan: &SweepPlan, rows: &BTreeMap<UnitId, RunRow>, point: usize) -> Option<Estimate> {
    let at = has_stuck(plan)?;
    let values: Vec<Value> =
        plan.ids_of(point, 0).iter().map(|id| not_recovered(rows[id].values[at])).collect();
    share(&values)
}

/// `None` if no run of the point can tell.
fn is_stuck(plan: &SweepPlan, rows: &BTreeMap<UnitId, RunRow>, point: usize) -> Option<bool> {
    estimate(plan, rows, point).map(|share| share.point >= STUCK)
}

/// For each combination of the other axes, the first step of the grid at which users stop recovering.
fn brackets(plan: &SweepPlan, rows: &BTreeMap<UnitId, RunRow>, axis: usize) -> Vec<Bracket> {
    let others = |point: &Point| -> Vec<Level> {
        let rest = point.iter().enumerate().filter(|(at, _)| *at != axis);
        rest.map(|(_, level)| level.clone()).collect()
    };
    let mut brackets: Vec<Bracket> = Vec::new();
    // Points of a grid ascend along every axis.
    for (at, point) in plan.points.iter().enumerate() {
        let Some(stuck) = is_stuck(plan, rows, at) else { continue };
        let others = others(point);
        let known = brackets.iter().position(|bracket| bracket.others == others);
        let bracket = match known {
            Some(known) => &mut brackets[known],
            None => {
                brackets.push(Bracket { others, recovers: None, stuck: None });
                brackets.last_mut().expect("just pushed")
            }
        };
        match (stuck, bracket.stuck) {
            (_, Some(_)) => {}
            (true, None) => bracket.stuck = Some(at),
            (false, None) => bracket.recovers = Some(at),
        }
    }
    brackets
}

/// The point half-way of a bracket; `None` if it is not open, or as narrow as numbers are.
fn middle(plan: &SweepPlan, bracket: &Bracket, axis: usize) -> Option<Point> {
    let (low, high) = (bracket.recovers?, bracket.stuck?);
    let Values::Range(range) = &plan.axes[axis].values else { return None };
    let number = |point: usize| plan.points[point][axis].number;
    let mut point = plan.points[low].clone();
    point[axis] = range.between(number(low)?, number(high)?)?;
    Some(point)
}
