//! A check for its readers: the terminal, a pull request, a CI server, the lines of a diff.

mod annotation;
mod junit;
mod markdown;
mod text;

#[cfg(test)]
mod tests;

pub use annotation::annotations;
pub use junit::junit;
pub use markdown::markdown;
pub use text::text;

use super::claims::{bound, measured, with_unit};
use super::terminal::three;
use crate::record::check::{CheckReport, Checked, GateResult, Reference, Verdict};
use crate::record::claims::Evidence;

/// One line of a check: what was looked at, what was found, and how it is judged.
pub(super) struct Line<'a> {
    pub(super) subject: &'a Checked,
    /// The metric, and its fault.
    pub(super) what: String,
    pub(super) found: String,
    pub(super) verdict: Verdict,
    pub(super) is_gate: bool,
}

/// All lines of a subject.
pub(super) fn lines(subject: &Checked) -> Vec<Line<'_>> {
    let expectation = |figure: &Evidence| Line {
        subject,
        what: named(&figure.metric, figure.fault.as_deref()),
        found: format!("{}, expected {}", measured(figure), bound(figure)),
        verdict: Verdict::of(figure.verdict),
        is_gate: false,
    };
    let gate = |gate: &GateResult| Line {
        subject,
        what: named(&gate.metric, gate.fault.as_deref()),
        found: compared(subject, gate),
        verdict: gate.outcome.verdict,
        is_gate: true,
    };
    let expectations = subject.expectations.iter().map(expectation);
    expectations.chain(subject.gates.iter().map(gate)).collect()
}

fn named(metric: &str, fault: Option<&str>) -> String {
    fault.map_or_else(|| metric.to_owned(), |fault| format!("{metric} of {fault}"))
}

/// `time_to_drain 12.2 s, was 7.1 s: +5.1 s (4.9 to 5.3), p = 1e-6 of 20 pairs; smallest visible +0.8 s`.
fn compared(subject: &Checked, gate: &GateResult) -> String {
    let GateResult { unit, outcome, slack, .. } = gate;
    let what = named(&gate.metric, gate.fault.as_deref());
    let (Some(own), Some(reference)) = (outcome.mean, outcome.reference_mean) else {
        return format!("{what}: no pair of replications has a value on both sides");
    };
    let value = |value: f64| with_unit(value, unit);
    if subject.is_identical() {
        return format!("{what} {}: the same events as the reference", value(own));
    }
    let signed =
        |value: f64| format!("{}{}", if value < 0.0 { "−" } else { "+" }, three(value.abs()));
    let mut text = format!("{what} {}, was {}", value(own), value(reference));
    if let (Some(difference), Some(low), Some(high)) =
        (outcome.difference, outcome.low, outcome.high)
    {
        text += &format!(": {} ({} to {})", signed(difference), signed(low), signed(high));
    }
    if *slack > 0.0 {
        text += &format!(", fine up to {}", value(*slack));
    }
    let p = if outcome.p < 0.001 { format!("{:.0e}", outcome.p) } else { three(outcome.p) };
    text += &format!("; p = {p} of {} pairs", outcome.pairs);
    let missing = outcome.replications as usize - outcome.pairs;
    if missing > 0 {
        text += &format!(", {missing} n/a");
    }
    match outcome.smallest_effect {
        Some(effect) => text += &format!("; could see {} {}", three(effect), worse(gate)),
        None => text += "; no scatter",
    }
    text
}

/// The direction in which a gate gets worse.
pub(super) fn worse(gate: &GateResult) -> &'static str {
    if gate.better == "higher" { "less" } else { "more" }
}

/// `33 scenarios: 30 pass, 2 fail …`.
pub(super) fn counts(report: &CheckReport) -> String {
    let all = [
        Verdict::Pass,
        Verdict::Failed,
        Verdict::Regression,
        Verdict::Undecided,
        Verdict::NotApplicable,
        Verdict::NotRun,
    ];
    let counted = all.map(|verdict| (report.count(verdict), verdict));
    let counted = counted.iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> =
        counted.map(|(count, verdict)| format!("{count} {}", verdict.name())).collect();
    let n = report.subjects.len();
    let noun = if n == 1 { "scenario" } else { "scenarios" };
    let words = if words.is_empty() { "nothing checked".to_owned() } else { words.join(", ") };
    format!("{n} {noun} under a policy: {words}")
}

/// How the check was made.
pub(super) fn how(report: &CheckReport) -> String {
    let plan = &report.plan;
    let mut text = format!("Seed {}, {} replications", plan.seed, plan.replications);
    let Some(reference) = &plan.reference else { return text + "." };
    if plan.replications_max > plan.replications {
        text += &format!(", up to {} where it is suspicious", plan.replications_max);
    }
    let gates = plan.gates;
    let noun = if gates == 1 { "gate" } else { "gates" };
    let beside = match reference {
        Reference::Baseline { file, tool_version } => {
            format!("the baseline {file} (windtunnel {tool_version})")
        }
        Reference::Policy { policy } => format!("the policy {policy}"),
    };
    text + &format!(
        ". {gates} {noun} against {beside}, pair by pair on the same random numbers: sign-flip tests, \
             Holm's correction, at most {} % false alarms a check.",
        three(plan.alpha * 100.0)
    )
}

/// Red lines, the worst first: expectations, then regressions by their p-values.
fn reds(report: &CheckReport) -> Vec<Line<'_>> {
    let all = report.subjects.iter().flat_map(lines);
    let mut red: Vec<Line<'_>> = all.filter(|line| line.verdict.is_red()).collect();
    red.sort_by_key(|line| std::cmp::Reverse(line.verdict));
    red
}
