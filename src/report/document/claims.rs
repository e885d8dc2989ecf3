//! The scorecard of vendors' claims.

use super::outline::{Block, Finding, Grid, Part, Section};
use super::words::list;
use crate::record::claims::{ClaimResult, Scorecard, TestFacts, Verdict};
use crate::report::claims::{bounds, figures};

pub(super) fn part(scorecard: &Scorecard) -> Part {
    let mut systems: Vec<String> = Vec::new();
    for claim in &scorecard.claims {
        if !systems.contains(&claim.system) {
            systems.push(claim.system.clone());
        }
    }
    let of = |system: &String| {
        let own: Vec<&ClaimResult> =
            scorecard.claims.iter().filter(|claim| claim.system == *system).collect();
        Section {
            id: slug(system),
            title: system.clone(),
            lead: String::new(),
            blocks: vec![Block::Grid(table(system, &own))],
            inner: Vec::new(),
        }
    };
    let note =
        |claim: &ClaimResult| claim.note.as_ref().map(|note| format!("`{}`: {note}", claim.claim));
    Part {
        title: "Vendors' claims, put to the test".to_owned(),
        lead:
            "Claims are tested on windtunnel's models of the published rules, not on the products."
                .to_owned(),
        findings: findings(scorecard, &systems),
        sections: systems.iter().map(of).collect(),
        warnings: scorecard.claims.iter().filter_map(note).collect(),
        manifest: vec![
            ("seed".to_owned(), scorecard.seed.to_string()),
            ("windtunnel".to_owned(), scorecard.tool_version.clone()),
            ("schema of the scorecard".to_owned(), scorecard.schema_version.to_string()),
        ],
        again: vec![format!("windtunnel claims --seed {}", scorecard.seed)],
    }
}

fn findings(scorecard: &Scorecard, systems: &[String]) -> Vec<Finding> {
    let count = |verdict| scorecard.count(verdict);
    let contradicted = count(Verdict::Contradicted);
    let mut findings = vec![Finding {
        sentence: format!(
            "Of {} claims {} hold, {} fail and {} cannot be tested from outside.",
            scorecard.claims.len(),
            count(Verdict::Holds),
            count(Verdict::Fails) + contradicted,
            count(Verdict::Untestable)
        ),
        evidence: format!(
            "{contradicted} of those that fail are contradicted by the vendor's own documents. Intervals are 95 %; \
             * marks a bound within one, where another seed may tell otherwise."
        ),
        shown: None,
    }];
    for system in systems {
        let fails: Vec<String> = scorecard
            .claims
            .iter()
            .filter(|claim| claim.system == *system)
            .filter(|claim| matches!(claim.verdict, Verdict::Fails | Verdict::Contradicted))
            .map(|claim| format!("“{}”", claim.says.trim_end_matches('.')))
            .collect();
        if fails.is_empty() {
            continue;
        }
        findings.push(Finding {
            sentence: format!("{system}: {} of its claims did not stand.", fails.len()),
            evidence: format!("{}.", list(&fails)),
            shown: Some(format!("claims-{}", slug(system))),
        });
    }
    findings
}

fn table(system: &str, claims: &[&ClaimResult]) -> Grid {
    let row = |claim: &&ClaimResult| {
        let (verdict, close) = (claim.verdict.name(), claim.evidence.iter().any(|e| e.close));
        let how = match &claim.test {
            TestFacts::Documents { says, source } => format!("{says} ({source})"),
            TestFacts::Scenario { policy, file, replications, .. } => {
                format!("`{file}` under `{policy}`, n = {replications}")
            }
            TestFacts::Overhead { policy, routes, .. } => {
                format!("`{policy}` on the real clock, {routes} routes")
            }
        };
        vec![
            format!("{} {verdict}{}", mark(claim.verdict), if close { " *" } else { "" }),
            claim.says.clone(),
            figures(claim),
            bounds(claim),
            how,
            claim.source.clone(),
        ]
    };
    Grid {
        id: format!("claims-{}", slug(system)),
        title: format!("What {system} says"),
        note: String::new(),
        header: ["verdict", "claim", "measured", "bound", "test", "source"]
            .map(str::to_owned)
            .to_vec(),
        texts: 6,
        rows: claims.iter().map(row).collect(),
    }
}

/// A verdict as a sign: colour is never the only one.
const fn mark(verdict: Verdict) -> char {
    match verdict {
        Verdict::Holds => '✓',
        Verdict::Fails => '✗',
        Verdict::Contradicted => '≠',
        Verdict::Untestable => '?',
    }
}

fn slug(system: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    system.chars().map(plain).collect()
}
