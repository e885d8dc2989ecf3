//! Vendors' claims put to the test.

use crate::engine::luck::mix;
use crate::engine::{Params, Span};
use crate::metrics::Value;
use crate::record::claims::{CLAIMS_VERSION, ClaimResult, Evidence, Scorecard, TestFacts, Verdict};
use crate::scenario::claim::{Claim, Finding, Test};
use crate::scenario::{Expect, Stat};

use super::bench::{self, Effort};
use super::judge;
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
            let of = |expect: &Expect| judge::measured(expect, &tapes, pool, seed);
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
        judge::judged(&expect, "ns", &values, Stat::Mean, seed)
    };
    expects.iter().map(figure).collect()
}
