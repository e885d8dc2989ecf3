//! The gates of a check: each mean beside its reference, by metric.

use super::time::count;
use crate::record::check::{CheckReport, Checked, GateResult, Verdict};
use crate::report::claims::with_unit;
use crate::report::page::{Axis, Bar, Bars, Length, Page, Panel};
use crate::report::palette::{BLUE, Colour, GREY, ORANGE, VERMILLION};

/// The figure; `None` where nothing was compared.
pub fn gates(report: &CheckReport) -> Option<Page> {
    let all = || {
        let of = |subject| {
            let subject: &Checked = subject;
            subject.gates.iter().map(move |gate| (subject, gate))
        };
        report.subjects.iter().flat_map(of).filter(|(_, gate)| gate.outcome.mean.is_some())
    };
    let mut metrics: Vec<&str> = Vec::new();
    for (_, gate) in all() {
        if !metrics.contains(&gate.metric.as_str()) {
            metrics.push(&gate.metric);
        }
    }
    let panel = |metric: &&str| {
        let own: Vec<_> = all().filter(|(_, gate)| gate.metric == *metric).collect();
        let unit = own.first().map_or("", |(_, gate)| gate.unit.as_str());
        let end = |gate: &GateResult| {
            let outcome = &gate.outcome;
            let reach =
                outcome.reference_mean.zip(outcome.high).map_or(0.0, |(was, high)| was + high);
            outcome.mean.unwrap_or(0.0).max(reach)
        };
        let high = own.iter().map(|(_, gate)| end(gate)).fold(0.0, f64::max);
        let heading =
            if unit.is_empty() { (*metric).to_owned() } else { format!("{metric}, {unit}") };
        Panel::Bars(Bars {
            heading,
            x: Axis::from_zero("", high, 6, count),
            rows: own.iter().map(|(subject, gate)| bar(subject, gate)).collect(),
        })
    };
    let panels: Vec<Panel> = metrics.iter().map(panel).collect();
    (!panels.is_empty()).then(|| Page {
        title: "Now and before".to_owned(),
        subtitle: format!("seed {}, pair by pair on the same random numbers", report.plan.seed),
        panels,
    })
}

fn bar(subject: &Checked, gate: &GateResult) -> Bar {
    let outcome = &gate.outcome;
    let was = outcome.reference_mean.unwrap_or(0.0);
    let ends = outcome.low.zip(outcome.high).filter(|(low, high)| low < high);
    let seen = outcome
        .smallest_effect
        .map_or(String::new(), |effect| format!(", could see {}", with_unit(effect, &gate.unit)));
    Bar {
        name: format!("{} · {}", subject.scenario, subject.policy),
        length: outcome.mean.map_or(Length::None, Length::Known),
        interval: ends.map(|(low, high)| ((was + low).max(0.0), was + high)),
        text: format!("was {}: {}{seen}", with_unit(was, &gate.unit), outcome.verdict.name()),
        colour: colour(outcome.verdict),
    }
}

const fn colour(verdict: Verdict) -> Colour {
    match verdict {
        Verdict::Pass => BLUE,
        Verdict::Undecided => ORANGE,
        Verdict::Regression | Verdict::Failed => VERMILLION,
        Verdict::NotApplicable | Verdict::NotRun => GREY,
    }
}
