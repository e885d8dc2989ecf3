//! A figure against what is expected of it: the same for vendors' claims and for checks.

use crate::engine::luck::{mix, name};
use crate::metrics::metric::Direction;
use crate::metrics::{Metric, Tape, Value, catalog};
use crate::policy::Pool;
use crate::record::claims::{Evidence, Verdict};
use crate::record::{Quantity, significant};
use crate::scenario::{Expect, Stat};
use crate::stats::{self, Estimate};

use super::measure::{self, needs_oracle};

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;

/// A metric over the replications.
pub(super) fn measured(expect: &Expect, tapes: &[Tape], pool: &Pool, seed: u64) -> Evidence {
    let metric = catalog::find(&expect.metric).expect("expectations are read with the catalogue");
    let values: Vec<Value> =
        tapes.iter().map(|tape| value(metric, expect.fault.as_deref(), tape, None, pool)).collect();
    judged(expect, metric.unit, &values, expect.stat, seed)
}

/// The metric of one replication, on its fault or else the first. `oracle` is its run beside this one, for metrics
/// that need it.
pub(super) fn value(
    metric: &Metric,
    fault: Option<&str>,
    tape: &Tape,
    oracle: Option<&Tape>,
    pool: &Pool,
) -> Value {
    if needs_oracle(metric) {
        return measure::measured(metric, tape, oracle, pool);
    }
    let index = match fault.filter(|_| metric.is_per_fault()) {
        None => Some(0),
        Some(name) => tape.faults.iter().position(|fault| fault.name == name),
    };
    let missing = Value::Undefined { reason: "the fault is not part of this replication" };
    index.and_then(|index| metric.values(tape, pool).get(index).copied()).unwrap_or(missing)
}

/// A figure against its bounds.
pub(super) fn judged(
    expect: &Expect,
    unit: &str,
    values: &[Value],
    stat: Stat,
    seed: u64,
) -> Evidence {
    let sample: Vec<f64> = values.iter().filter_map(|value| value.ordered()).collect();
    let better = catalog::find(&expect.metric).map_or(Direction::Lower, |metric| metric.better);
    let estimate = estimate(&sample, stat, better, mix(seed, name(&expect.metric)));
    let (min, max) = (expect.min, expect.max);
    let fits =
        |value: f64| min.is_none_or(|min| value >= min) && max.is_none_or(|max| value <= max);
    let interval = estimate.and_then(|estimate| estimate.interval);
    let within = |bound: Option<f64>| {
        bound
            .zip(interval)
            .is_some_and(|(bound, interval)| interval.low < bound && bound < interval.high)
    };
    let finite = |end: f64| end.is_finite().then(|| significant(end));
    Evidence {
        metric: expect.metric.clone(),
        unit: unit.to_owned(),
        fault: expect.fault.clone(),
        stat: expect.stat.name().to_owned(),
        value: quantity(estimate, values),
        low: interval.and_then(|interval| finite(interval.low)),
        high: interval.and_then(|interval| finite(interval.high)),
        n: sample.len(),
        censored: sample.iter().filter(|value| value.is_infinite()).count(),
        n_a: values.len() - sample.len(),
        min: min.map(significant),
        max: max.map(significant),
        verdict: match estimate {
            None => Verdict::Untestable,
            Some(estimate) if fits(estimate.point) => Verdict::Holds,
            Some(_) => Verdict::Fails,
        },
        close: within(min) || within(max),
    }
}

/// A summary with its interval; a time that was not reached is infinite. `None` for no values.
fn estimate(sample: &[f64], stat: Stat, better: Direction, seed: u64) -> Option<Estimate> {
    let quantile = |q: f64| {
        let of = |sample: &[f64]| stats::quantile(sample, q).unwrap_or(f64::INFINITY);
        stats::bca(sample, of, seed)
    };
    let extreme = |pick: fn(f64, f64) -> f64| {
        let point = sample.iter().copied().reduce(pick)?;
        Some(Estimate { point, interval: None, n: sample.len() })
    };
    let mean = || {
        let estimate = stats::mean(sample)?;
        let interval = estimate.interval.filter(|_| estimate.point.is_finite());
        Some(Estimate { interval, ..estimate })
    };
    // An end of an interval is a figure of its own; below two values there is none.
    let end = |pick: fn(stats::Interval) -> f64| {
        let estimate = stats::mean(sample)?;
        let point = match estimate.interval {
            Some(interval) if estimate.point.is_finite() => pick(interval),
            Some(_) => f64::INFINITY,
            None => return None,
        };
        Some(Estimate { point, interval: None, n: sample.len() })
    };
    match stat {
        Stat::Mean => mean(),
        Stat::MeanLow => end(|interval| interval.low),
        Stat::MeanHigh => end(|interval| interval.high),
        Stat::Min => extreme(f64::min),
        Stat::Max => extreme(f64::max),
        Stat::WorstPhase if better == Direction::Higher => extreme(f64::min),
        Stat::WorstPhase => extreme(f64::max),
        Stat::P50 => quantile(0.5),
        Stat::P90 => quantile(0.9),
        Stat::P95 => quantile(0.95),
        Stat::P99 => quantile(0.99),
    }
}

/// As it is stored: an infinite figure was not reached while the shortest watch lasted.
fn quantity(estimate: Option<Estimate>, values: &[Value]) -> Quantity {
    let watch = |value: &Value| match value {
        Value::Censored { at_s } => Some(*at_s),
        Value::Known(_) | Value::Undefined { .. } => None,
    };
    let watch = values.iter().filter_map(watch).reduce(f64::min);
    let first = values.first().copied();
    Quantity::from(match (estimate, watch, first) {
        (Some(estimate), _, _) if estimate.point.is_finite() => Value::Known(estimate.point),
        (Some(_), Some(at_s), _) => Value::Censored { at_s },
        (None, _, Some(undefined)) => undefined,
        _ => Value::Undefined { reason: "no replications" },
    })
}
