//! The tables of a comparison: over all scenarios, of one scenario, and who was compared.

use super::outline::Grid;
use super::words::{In, MILLIS, NUMBER, PERCENT, SECONDS, cell, code, three};
use crate::record::comparison::{Cell, Comparison, ScenarioTable, Standing, Table};
use crate::record::{Measured, Quantity};

/// What a layer is, at the head of a table.
pub(super) fn layer(table: &Table) -> &'static str {
    if table.layer == "rule" { "rule only" } else { "as shipped" }
}

/// How far each place hangs on values that are our choice; `None` where they were not moved.
pub(super) fn choices(table: &Table) -> Option<Grid> {
    let header = ["policy", "place", "regret", "values tried", "least with", "most with"];
    let row = |standing: &Standing| {
        let range = standing.our_choices.as_ref()?;
        let [least, most] = range.regret.map(|regret| three(regret * 100.0));
        let with = |what: &str| if what.is_empty() { "as it is".to_owned() } else { code(what) };
        Some(vec![
            code(&standing.policy),
            standing.places(),
            if least == most { format!("{least} %") } else { format!("{least} to {most} %") },
            range.tried.to_string(),
            with(&range.least_with),
            with(&range.most_with),
        ])
    };
    table.has_choices().then(|| Grid {
        id: format!("choices-{}", table.layer),
        title: format!("Values that are our choice, {}", layer(table)),
        note: "Where the public text is silent a model's value is our choice. Each was moved alone, to half and twice \
               a number or to the other words, on the same requests and the same luck: from the best to the worst place \
               by regret that the policy takes among the others as they are."
            .to_owned(),
        header: header.map(str::to_owned).to_vec(),
        texts: 1,
        rows: table.standings.iter().filter_map(row).collect(),
    })
}

const LETTERS: &str = "Policies that share a letter cannot be told apart (paired t-tests on common random numbers, \
                       Holm over all pairs, family-wise error 5 %).";

/// All policies over all scenarios.
pub(super) fn overall(table: &Table) -> Grid {
    let header =
        ["policy", "", "regret", "worst", "in", "mean rank", "unbeaten in", "attempts/request"];
    let row = |standing: &Standing| {
        vec![
            code(&standing.policy),
            standing.letters.clone(),
            cell(&standing.regret, PERCENT),
            format!("{} %", three(standing.regret_worst * 100.0)),
            standing.regret_worst_in.clone(),
            format!("{:.1}", standing.rank),
            standing.unbeaten.to_string(),
            format!("{:.3}", standing.amplification),
        ]
    };
    Grid {
        id: format!("standings-{}", table.layer),
        title: format!("All scenarios, {}", layer(table)),
        note: format!(
            "Regret: good requests that the oracle made beyond the policy, of those offered, mean ± half of its \
             95 % interval. {LETTERS}"
        ),
        header: header.map(str::to_owned).to_vec(),
        texts: 2,
        rows: table.standings.iter().map(row).collect(),
    }
}

/// A column of a scenario's table: heading, metric, unit.
const COLUMNS: [(&str, &str, In); 13] = [
    ("good", "slo_attainment", PERCENT),
    ("regret", "regret", PERCENT),
    ("users back", "time_to_recover_user", SECONDS),
    ("detected", "time_to_detect", SECONDS),
    ("drained", "time_to_drain", SECONDS),
    ("leak", "leak_ratio", PERCENT),
    ("traffic back", "time_to_recover_share", SECONDS),
    ("overshoot", "overshoot", PERCENT),
    ("relapses", "flaps", NUMBER),
    ("p50", "latency_all_p50", MILLIS),
    ("p99", "latency_all_p99", MILLIS),
    ("attempts", "amplification", NUMBER),
    ("USD/1,000 good", "cost_per_good", (1_000.0, "")),
];

/// All policies in one scenario.
pub(super) fn scenario(table: &Table, scenario: &ScenarioTable, replications: u32) -> Grid {
    let known = |metric: &str| scenario.cells.iter().any(|cell| has_number(cell, metric));
    let columns: Vec<_> = COLUMNS.iter().filter(|column| known(column.1)).collect();
    let mut header = vec!["policy".to_owned(), String::new()];
    header.extend(columns.iter().map(|column| column.0.to_owned()));
    let row = |of: &Cell| {
        let mut row = vec![code(&of.policy), of.letters.clone()];
        row.extend(columns.iter().map(|(_, metric, unit)| {
            of.metrics.get(*metric).map_or_else(|| "–".to_owned(), |measured| cell(measured, *unit))
        }));
        row
    };
    let how = match replications {
        1 => "One replication.".to_owned(),
        n => format!("Means of {n} replications ± half of their 95 % intervals. {LETTERS}"),
    };
    let bound = scenario.bound.map_or(String::new(), |bound| {
        format!(" No way to route could make more than {} % good.", three(bound * 100.0))
    });
    Grid {
        id: format!("table-{}-{}", scenario.scenario, table.layer),
        title: format!("{}, {}", scenario.scenario, layer(table)),
        note: format!(
            "{how}{bound} –: no value; ≥: in some replications not reached while watched."
        ),
        header,
        texts: 2,
        rows: scenario.cells.iter().map(row).collect(),
    }
}

fn has_number(cell: &Cell, metric: &str) -> bool {
    let measured = cell.metrics.get(metric);
    measured.is_some_and(|m| !matches!(m, Measured::One(Quantity::NotApplicable(_))))
}

/// Who was compared, and how well each is known.
pub(super) fn policies(comparison: &Comparison) -> Grid {
    let header = ["policy", "models", "fidelity", "family", "sees", "source"];
    let row = |policy: &crate::record::comparison::Entrant| {
        let name = match policy.changed.is_empty() || policy.name.ends_with('}') {
            true => code(&policy.name),
            false => format!("{} {}", code(&policy.name), policy.changed),
        };
        vec![
            name,
            policy.product.clone(),
            policy.fidelity.clone(),
            policy.family.clone(),
            policy.sees.clone(),
            policy.source.clone(),
        ]
    };
    Grid {
        id: "policies".to_owned(),
        title: "Who was compared".to_owned(),
        note: "Fidelity says how well the model is known to match the product.".to_owned(),
        header: header.map(str::to_owned).to_vec(),
        texts: 6,
        rows: comparison.policies.iter().map(row).collect(),
    }
}
