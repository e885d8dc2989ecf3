//! Vendors' claims put to the test.

use crate::engine::luck::{mix, name};
use crate::engine::{Params, Span};
use crate::metrics::{Metric, Tape, Value, catalog};
use crate::policy::Pool;
use crate::record::claims::{CLAIMS_VERSION, ClaimResult, Evidence, Scorecard, TestFacts, Verdict};
use crate::record::{Quantity, significant};
use crate::scenario::claim::{Claim, Finding, Test};
use crate::scenario::{Expect, Stat};
use crate::stats::{self, Estimate};

use super::bench::{self, Effort};
use super::progress::Progress;
use super::run::{RunError, RunPlan, described, tapes};

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;

/// Virtual time of all runs of some claims.
pub fn virtual_time(claims: &[Claim]) -> Span {
    let of = |claim: &Claim| match &claim.test {
        Test::Scenario { scenario, replications, .. } => {
            scenario.spec.horizon.0 * u64::from(*replications)
        }
        Test::Overhead { .. } | Test::Documents { .. } => 0,
    };
    Span(claims.iter().map(of).sum())
}

/// Puts all claims to the test, by system and name. Overheads come first, while nothing else runs.
///
/// # Errors
/// The first [`RunError`].
pub fn scorecard(
    claims: &[Claim],
    seed: u64,
    progress: &dyn Progress,
) -> Result<Scorecard, RunError> {
    let mut order: Vec<&Claim> = claims.iter().collect();
    order.sort_by_key(|claim| !matches!(claim.test, Test::Overhead { .. }));
    let mut results = Vec::with_capacity(order.len());
    for claim in order {
        let tested = test(claim, seed, progress)?;
        let Claim { name, system, says, source, note, .. } = claim.clone();
        let Tested { verdict, facts, evidence } = tested;
        let system_name = system.name().to_owned();
        let result = ClaimResult {
            claim: name,
            system: system_name,
            says,
            source,
            verdict,
            test: facts,
            evidence,
            note,
        };
        results.push((system, result));
    }
    results.sort_by(|left, right| (left.0, &left.1.claim).cmp(&(right.0, &right.1.claim)));
    Ok(Scorecard {
        schema_version: CLAIMS_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        seed,
        claims: results.into_iter().map(|(_, result)| result).collect(),
    })
}

/// What a test gave.
struct Tested {
    verdict: Verdict,
    facts: TestFacts,
    evidence: Vec<Evidence>,
}

fn test(claim: &Claim, seed: u64, progress: &dyn Progress) -> Result<Tested, RunError> {
    Ok(match &claim.test {
        Test::Scenario { scenario, file, sets, policy, replications } => {
            let (spec, settings) = (policy.spec, &policy.settings);
            let replications = *replications;
            let plan = RunPlan { scenario, policy: spec, settings, seed, replications };
            let tapes = tapes(&plan, progress)?;
            let pool = &scenario.spec.pool;
            let of = |expect: &Expect| measured(expect, &tapes, pool, seed);
            let evidence: Vec<_> = claim.expects.iter().map(of).collect();
            let digest = tapes.iter().fold(0, |digest, tape| mix(digest, tape.digest));
            let facts = TestFacts::Scenario {
                policy: described(spec, settings),
                file: file.clone(),
                sets: sets.clone(),
                replications,
                digest: format!("{digest:016x}"),
            };
            Tested { verdict: Verdict::of(&evidence), facts, evidence }
        }
        Test::Overhead { policy, routes } => {
            let params = Params::from_settings(&policy.settings).map_err(|error| {
                RunError::Policy { policy: policy.spec.name, why: error.to_string() }
            })?;
            let evidence = clocked(&claim.expects, &params, *routes, seed);
            let facts = TestFacts::Overhead {
                policy: described(policy.spec, &policy.settings),
                routes: *routes,
                passes: PASSES,
                decisions: Effort::QUICK.calls,
                warnings: bench::disturbances(),
            };
            Tested { verdict: Verdict::of(&evidence), facts, evidence }
        }
        Test::Documents { finding, says, source } => Tested {
            verdict: match finding {
                Finding::Contradicted => Verdict::Contradicted,
                Finding::Untestable => Verdict::Untestable,
            },
            facts: TestFacts::Documents { says: says.clone(), source: source.clone() },
            evidence: Vec::new(),
        },
    })
}

/// A metric over the replications.
fn measured(expect: &Expect, tapes: &[Tape], pool: &Pool, seed: u64) -> Evidence {
    let metric = catalog::find(&expect.metric).expect("claims are read with the catalogue");
    let values: Vec<Value> =
        tapes.iter().map(|tape| value(metric, expect.fault.as_deref(), tape, pool)).collect();
    judged(expect, metric.unit, &values, expect.stat, seed)
}

/// The metric of one replication, on its fault or else the first.
fn value(metric: &Metric, fault: Option<&str>, tape: &Tape, pool: &Pool) -> Value {
    let index = match fault.filter(|_| metric.is_per_fault()) {
        None => Some(0),
        Some(name) => tape.faults.iter().position(|fault| fault.name == name),
    };
    let missing = Value::Undefined { reason: "the fault is not part of this replication" };
    index.and_then(|index| metric.values(tape, pool).get(index).copied()).unwrap_or(missing)
}

/// Passes over a fresh engine each (our choice).
const PASSES: u32 = 5;

/// Quantiles of single decisions on the real clock; the figure is their mean over the passes.
fn clocked(expects: &[Expect], params: &Params, routes: u32, seed: u64) -> Vec<Evidence> {
    let passes: Vec<[f64; 4]> =
        (0..PASSES).map(|_| bench::decisions(params, routes, Effort::QUICK).ns).collect();
    let figure = |expect: &Expect| {
        let [p50, p99] = [0, 1];
        let place = if expect.stat == Stat::P50 { p50 } else { p99 };
        let values: Vec<_> = passes.iter().map(|pass| Value::Known(pass[place])).collect();
        // Bounds are written as lengths of time, which are seconds; figures are in nanoseconds.
        let bound = |bound: Option<f64>| bound.map(|seconds| seconds * 1e9);
        let expect = Expect { min: bound(expect.min), max: bound(expect.max), ..expect.clone() };
        judged(&expect, "ns", &values, Stat::Mean, seed)
    };
    expects.iter().map(figure).collect()
}

/// A figure against its bounds.
fn judged(expect: &Expect, unit: &str, values: &[Value], stat: Stat, seed: u64) -> Evidence {
    let sample: Vec<f64> = values.iter().filter_map(|value| value.ordered()).collect();
    let estimate = estimate(&sample, stat, mix(seed, name(&expect.metric)));
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
fn estimate(sample: &[f64], stat: Stat, seed: u64) -> Option<Estimate> {
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
    match stat {
        Stat::Mean => mean(),
        Stat::Min => extreme(f64::min),
        Stat::Max => extreme(f64::max),
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
