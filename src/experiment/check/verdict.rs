//! From values to verdicts. Everything is computed from what a report stores, so that parts of a check that
//! were run apart are judged together as if they had not been.

use crate::engine::luck::{mix, name};
use crate::record::check::{CheckReport, Checked, GateOutcome, GateResult, Verdict};
use crate::record::{Quantity, significant};
use crate::stats::{Finding, Looks, Standing, mean, paired};

/// Fills in what came of every gate, and the verdicts above them. Replications beyond what the looks needed
/// are dropped.
pub(super) fn judge(report: &mut CheckReport) {
    let plan = &report.plan;
    let looks = Looks::new(plan.replications, plan.replications_max, plan.alpha, plan.gates);
    let pairs: Vec<Vec<Option<f64>>> =
        report.subjects.iter().flat_map(|subject| subject.gates.iter().map(worsenings)).collect();
    let seed = mix(plan.seed, name("gate"));
    let mut standings = looks.stand(&pairs, seed).into_iter();
    for subject in &mut report.subjects {
        let standings: Vec<Standing> = standings.by_ref().take(subject.gates.len()).collect();
        settle(subject, &standings, &looks);
    }
    let worst = report.subjects.iter().map(|subject| subject.verdict).max();
    report.verdict = worst.unwrap_or(Verdict::NotApplicable);
}

/// The verdicts of one subject.
fn settle(subject: &mut Checked, standings: &[Standing], looks: &Looks) {
    if subject.verdict == Verdict::NotRun {
        return;
    }
    let size = |look: usize| looks.looks()[look].replications;
    if let Some(last) = standings.iter().map(|standing| size(standing.look)).max() {
        subject.replications = subject.replications.min(last);
    }
    let kept = subject.replications as usize;
    for (gate, standing) in subject.gates.iter_mut().zip(standings) {
        gate.values.truncate(kept);
        gate.reference.truncate(kept);
        gate.outcome = outcome(gate, standing, looks);
    }
    let expectations = subject.expectations.iter().map(|figure| Verdict::of(figure.verdict));
    let gates = subject.gates.iter().map(|gate| gate.outcome.verdict);
    subject.verdict = expectations.chain(gates).max().unwrap_or(Verdict::NotApplicable);
}

fn outcome(gate: &GateResult, standing: &Standing, looks: &Looks) -> GateOutcome {
    let look = looks.looks()[standing.look];
    let size = look.replications as usize;
    let side = |values: &[Quantity]| -> Vec<Option<f64>> {
        values.iter().take(size).map(number).collect()
    };
    let (own, reference) = (side(&gate.values), side(&gate.reference));
    let both: Vec<(f64, f64)> =
        own.iter().zip(&reference).filter_map(|(own, reference)| own.zip(*reference)).collect();
    let of = |pick: fn(&(f64, f64)) -> f64| {
        let values: Vec<f64> = both.iter().map(pick).collect();
        mean(&values).map(|mean| significant(mean.point))
    };
    let difference = paired(&own, &reference).map(|paired| paired.difference);
    let interval = difference.and_then(|difference| difference.interval);
    let scatter: Vec<f64> = worsenings(gate).into_iter().take(size).flatten().collect();
    let smallest = looks.smallest_effect(&scatter);
    GateOutcome {
        verdict: match standing.finding {
            // Too few pairs to say anything.
            _ if both.len() < 2 => Verdict::NotApplicable,
            Finding::Worse => Verdict::Regression,
            Finding::Fine => Verdict::Pass,
            Finding::Open => Verdict::Undecided,
        },
        replications: look.replications,
        pairs: both.len(),
        mean: of(|pair| pair.0),
        reference_mean: of(|pair| pair.1),
        difference: difference.map(|difference| significant(difference.point)),
        low: interval.map(|interval| significant(interval.low)),
        high: interval.map(|interval| significant(interval.high)),
        p: significant(standing.p),
        p_corrected: significant(standing.p_corrected),
        level: significant(look.level),
        smallest_effect: smallest.map(|effect| significant(effect + gate.slack)),
    }
}

/// By how much each pair is worse than its reference, less what is fine.
fn worsenings(gate: &GateResult) -> Vec<Option<f64>> {
    let sign = if gate.better == "higher" { -1.0 } else { 1.0 };
    let pairs = gate.values.iter().zip(&gate.reference);
    pairs
        .map(|(own, reference)| Some(sign * (number(own)? - number(reference)?) - gate.slack))
        .collect()
}

/// A time that was not reached counts as the end of the watch, which is the same on both sides.
const fn number(value: &Quantity) -> Option<f64> {
    match value {
        Quantity::Number(number) => Some(*number),
        Quantity::Censored(at) => Some(at.censored_at_s),
        Quantity::NotApplicable(_) => None,
    }
}
