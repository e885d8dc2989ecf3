//! What a check found: verdicts, what got better or worse with intervals, and what it could have seen.

use super::outline::{Block, Figure, Finding, Grid, Part, Section};
use super::words::{code, three};
use crate::record::check::{CheckReport, Checked, GateResult, Reference, Verdict};
use crate::record::claims::Evidence;
use crate::report::check::{counts, how, lines, worse};
use crate::report::claims::{bound, measured, with_unit};
use crate::report::figure::gates::gates;

/// Findings that are not red, at most.
const CALM_MOST: usize = 3;

pub(super) fn part(report: &CheckReport) -> Part {
    let figure = gates(report).map(|page| {
        Block::Figure(Figure {
            id: "gates".to_owned(),
            page,
            caption: "Bars: the mean now. Whiskers: where it would lie, by the reference and the 95 % interval of the \
                      paired differences. The words say was, verdict and the smallest worsening that could be seen."
                .to_owned(),
            commands: Vec::new(),
        })
    });
    let mut blocks = vec![Block::Grid(subjects(report))];
    blocks.extend(figure);
    blocks.extend(compared(report).map(Block::Grid));
    blocks.extend(expectations(report).map(Block::Grid));
    let mut facts = vec![
        ("seed".to_owned(), report.plan.seed.to_string()),
        ("digest of the plan".to_owned(), report.plan.digest.clone()),
        ("windtunnel".to_owned(), report.tool_version.clone()),
        ("schema of the check".to_owned(), report.schema_version.to_string()),
    ];
    facts.extend(report.plan.reference.iter().map(|reference| match reference {
        Reference::Baseline { file, tool_version } => {
            ("baseline".to_owned(), format!("{file}, of windtunnel {tool_version}"))
        }
        Reference::Policy { policy } => ("beside".to_owned(), policy.clone()),
    }));
    let red = report.subjects.iter().filter(|subject| subject.verdict.is_red());
    let mut again: Vec<String> = red.map(|subject| subject.reproduce.clone()).collect();
    if again.is_empty() {
        again.extend(report.subjects.iter().take(1).map(|subject| subject.reproduce.clone()));
    }
    let mut warnings = report.notes.clone();
    warnings.extend(report.shard.map(|shard| {
        format!(
            "This is part {} of {}; `windtunnel check --merge` judges the whole.",
            shard.index, shard.of
        )
    }));
    Part {
        title: format!("Check: {}", report.verdict.name()),
        lead: how(report),
        findings: findings(report),
        sections: vec![Section {
            id: "check".to_owned(),
            title: "The check".to_owned(),
            lead: format!("{}.", counts(report)),
            blocks,
            inner: Vec::new(),
        }],
        warnings,
        manifest: facts,
        again,
    }
}

/// Red lines first, the worst of all; of the others those that moved most, by their p-values.
fn findings(report: &CheckReport) -> Vec<Finding> {
    let mut all: Vec<_> = report.subjects.iter().flat_map(lines).collect();
    all.sort_by_key(|line| std::cmp::Reverse(line.verdict));
    let red = all.iter().filter(|line| line.verdict.is_red());
    let calm = all.iter().filter(|line| !line.verdict.is_red() && line.is_gate).take(CALM_MOST);
    red.chain(calm)
        .map(|line| Finding {
            sentence: format!(
                "{} under {}: {} is {}.",
                code(&line.subject.scenario),
                code(&line.subject.policy),
                code(&line.what),
                match line.verdict {
                    Verdict::Pass => "no worse",
                    Verdict::Failed => "not what is expected",
                    Verdict::Regression => "worse than it was",
                    Verdict::Undecided => "perhaps worse",
                    Verdict::NotApplicable => "not to be compared",
                    Verdict::NotRun => "not run",
                }
            ),
            evidence: line.found.clone(),
            shown: Some(if line.is_gate { "compared" } else { "expectations" }.to_owned()),
        })
        .collect()
}

/// A verdict with a sign, so that colour is not needed.
fn signed(verdict: Verdict) -> String {
    let sign = match verdict {
        Verdict::Pass => "✓",
        Verdict::Failed | Verdict::Regression => "✗",
        Verdict::Undecided => "?",
        Verdict::NotApplicable | Verdict::NotRun => "–",
    };
    format!("{sign} {}", verdict.name())
}

fn subjects(report: &CheckReport) -> Grid {
    let row = |subject: &Checked| {
        vec![
            code(&subject.scenario),
            code(&subject.policy),
            signed(subject.verdict),
            subject.replications.to_string(),
            subject.gates.len().to_string(),
            subject.expectations.len().to_string(),
        ]
    };
    let header = ["scenario", "policy", "verdict", "replications", "gates", "expectations"];
    Grid {
        id: "verdicts".to_owned(),
        title: "Verdicts".to_owned(),
        note: String::new(),
        header: header.map(str::to_owned).to_vec(),
        texts: 3,
        rows: report.subjects.iter().map(row).collect(),
    }
}

/// All gates; `None` where there are none.
fn compared(report: &CheckReport) -> Option<Grid> {
    let row = |subject: &Checked, gate: &GateResult| {
        let outcome = &gate.outcome;
        let value =
            |value: Option<f64>| value.map_or("–".to_owned(), |v| with_unit(v, &gate.unit));
        let ends = outcome.low.zip(outcome.high);
        let difference = match (outcome.difference, ends) {
            _ if subject.is_identical() => "the same events".to_owned(),
            (Some(difference), Some((low, high))) => {
                format!("{} [{}, {}]", three(difference), three(low), three(high))
            }
            (Some(difference), None) => three(difference),
            (None, _) => "–".to_owned(),
        };
        vec![
            code(&subject.scenario),
            code(&gate.metric),
            signed(outcome.verdict),
            value(outcome.mean),
            value(outcome.reference_mean),
            difference,
            outcome.smallest_effect.map_or("–".to_owned(), |effect| {
                format!("{} {}", with_unit(effect, &gate.unit), worse(gate))
            }),
            value(Some(gate.slack)),
            three(outcome.p_corrected),
            outcome.pairs.to_string(),
        ]
    };
    let header = [
        "scenario",
        "metric",
        "verdict",
        "mean",
        "was",
        "difference",
        "could see",
        "slack",
        "p, corrected",
        "pairs",
    ];
    let rows: Vec<Vec<String>> = report
        .subjects
        .iter()
        .flat_map(|subject| subject.gates.iter().map(move |gate| row(subject, gate)))
        .collect();
    (!rows.is_empty()).then(|| Grid {
        id: "compared".to_owned(),
        title: "Compared with the reference".to_owned(),
        note: "Differences are paired, with 95 % intervals. \"Could see\" is the smallest worsening, slack included, that \
               would have been found with a probability of about 80 %; where it is more than you care about, a pass says \
               little."
            .to_owned(),
        header: header.map(str::to_owned).to_vec(),
        texts: 3,
        rows,
    })
}

/// All expectations; `None` where there are none.
fn expectations(report: &CheckReport) -> Option<Grid> {
    let row = |subject: &Checked, figure: &Evidence| {
        vec![
            code(&subject.scenario),
            code(&subject.policy),
            code(&figure.metric),
            signed(Verdict::of(figure.verdict)),
            measured(figure),
            bound(figure),
        ]
    };
    let header = ["scenario", "policy", "metric", "verdict", "measured", "expected"];
    let rows: Vec<Vec<String>> = report
        .subjects
        .iter()
        .flat_map(|subject| subject.expectations.iter().map(move |figure| row(subject, figure)))
        .collect();
    (!rows.is_empty()).then(|| Grid {
        id: "expectations".to_owned(),
        title: "Expectations".to_owned(),
        note: "Held against the figure measured over the first look; 95 % intervals.".to_owned(),
        header: header.map(str::to_owned).to_vec(),
        texts: 6,
        rows,
    })
}
