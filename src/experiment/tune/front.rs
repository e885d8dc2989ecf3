//! Which candidates are worth having.

use crate::metrics::Metric;
use crate::metrics::Value;
use crate::metrics::metric::Direction;
use crate::stats;

/// One run of one candidate: a value an objective.
pub(super) type Row = Vec<Value>;

/// The mean of an objective over runs, less being better; a time not reached counts as the time watched. `None`
/// where no run has a value.
pub(super) fn mean(metric: &Metric, rows: &[&Row], objective: usize) -> Option<f64> {
    let numbers: Vec<f64> = rows.iter().filter_map(|row| number(metric, row[objective])).collect();
    stats::mean(&numbers).map(|mean| mean.point)
}

/// A value as a number of which less is better.
pub(super) fn number(metric: &Metric, value: Value) -> Option<f64> {
    let number = match value {
        Value::Known(number) | Value::Censored { at_s: number } => number,
        Value::Undefined { .. } => return None,
    };
    Some(if metric.better == Direction::Higher { -number } else { number })
}

/// Whether `one` is at least as good in everything.
pub(super) fn is_no_worse(one: &[f64], other: &[f64]) -> bool {
    one.iter().zip(other).all(|(one, other)| one <= other)
}

/// Whether `one` is at least as good in everything and better in something. What has no value is no better.
pub(super) fn dominates(one: &[f64], other: &[f64]) -> bool {
    is_no_worse(one, other) && one.iter().zip(other).any(|(one, other)| one < other)
}

/// Which points no other dominates; of equal ones the first.
pub(super) fn front(points: &[Vec<f64>]) -> Vec<usize> {
    (0..points.len())
        .filter(|at| {
            let beaten = |other: usize| {
                dominates(&points[other], &points[*at])
                    || (other < *at && points[other] == points[*at])
            };
            !(0..points.len()).any(beaten)
        })
        .collect()
}

/// Whether a candidate is hopeless after some of its runs: no better than another in anything on the same runs,
/// and in something worse by more than two standard errors of the difference.
pub(super) fn is_hopeless(metrics: &[&Metric], candidate: &[&Row], other: &[&Row]) -> bool {
    let mut clearly = false;
    for (objective, metric) in metrics.iter().enumerate() {
        let numbers = |rows: &[&Row]| -> Vec<Option<f64>> {
            rows.iter().map(|row| number(metric, row[objective])).collect()
        };
        let pairs: Vec<f64> = numbers(candidate)
            .into_iter()
            .zip(numbers(other))
            .filter_map(|(one, other)| Some(one? - other?))
            .collect();
        let Some(difference) = stats::mean(&pairs) else { continue };
        if difference.point < 0.0 {
            return false;
        }
        let squares: f64 =
            pairs.iter().map(|d| (d - difference.point) * (d - difference.point)).sum();
        let n = pairs.len() as f64;
        let error = if n > 1.0 { (squares / (n - 1.0) / n).sqrt() } else { f64::INFINITY };
        clearly |= difference.point > 2.0 * error && difference.point > 0.0;
    }
    clearly
}

/// The knee of a front: among the points that are no worse than the bar (the start, or the reference) in anything
/// and better in something (all points, where there is no such point) the one nearest to the best of every
/// objective, each measured by its spread on the front. Gives its place in `points`, and whether it is no worse
/// than the bar.
pub(super) fn knee(points: &[Vec<f64>], front: &[usize], bar: &[f64]) -> (usize, bool) {
    let ends = |objective: usize| {
        let values =
            || front.iter().map(move |at| points[*at][objective]).filter(|v| v.is_finite());
        let least = values().fold(f64::INFINITY, f64::min);
        (least, values().fold(f64::NEG_INFINITY, f64::max) - least)
    };
    let distance = |at: usize| -> f64 {
        (0..bar.len())
            .map(|objective| {
                let (least, spread) = ends(objective);
                let part =
                    if spread > 0.0 { (points[at][objective] - least) / spread } else { 0.0 };
                let part = if part.is_finite() { part } else { 1.0 };
                part * part
            })
            .sum()
    };
    let nearest = |from: &[usize]| {
        from.iter().copied().min_by(|a, b| distance(*a).total_cmp(&distance(*b)).then(a.cmp(b)))
    };
    let no_worse: Vec<usize> =
        front.iter().copied().filter(|at| dominates(&points[*at], bar)).collect();
    match nearest(&no_worse) {
        Some(knee) => (knee, true),
        None => (nearest(front).unwrap_or(0), false),
    }
}
