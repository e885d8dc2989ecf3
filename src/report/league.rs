//! The tables of a comparison, for the terminal and as Markdown.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table as Grid};

use super::terminal::{WIDTH, short_percent, value, wrap};
use crate::record::comparison::{Cell, Comparison, ScenarioTable, Standing, Table};
use crate::record::{Measured, Quantity};

/// The tables that `compare` prints: over all scenarios, or of the one there is. Ends with a line end.
pub fn text(comparison: &Comparison) -> String {
    let mut text = String::new();
    let mut add = |line: &str| {
        text.push_str(line.trim_end());
        text.push('\n');
    };
    for warning in &comparison.warnings {
        wrap(&format!("warning: {warning}")).iter().for_each(|line| add(line));
    }
    for table in &comparison.tables {
        add("");
        wrap(heading(&table.layer)).iter().for_each(|line| add(line));
        let rows = match &table.scenarios[..] {
            [one] => scenario_rows(one),
            _ => standing_rows(&table.standings),
        };
        let rows = with_places(rows, table);
        let (lines, left_out) = narrow(rows);
        lines.iter().for_each(|line| add(line));
        if !left_out.is_empty() {
            let note = format!("also in README.md of the folder: {}", left_out.join(", "));
            wrap(&note).iter().for_each(|line| add(line));
        }
        if let [one] = &table.scenarios[..] {
            footnotes(one).iter().flat_map(|note| wrap(note)).for_each(|line| add(&line));
        }
    }
    add("");
    wrap(LEGEND).iter().for_each(|line| add(line));
    if comparison.tables.iter().any(Table::has_choices) {
        wrap(PLACES).iter().for_each(|line| add(line));
    }
    text
}

/// What the column of places is.
const PLACES: &str = "Place: by regret, from best to worst while the policy's values that are our choice are moved, one at a \
                      time.";

/// The rows with a column of places behind the letters, where values that are our choice were moved.
fn with_places(mut rows: Rows, table: &Table) -> Rows {
    if table.has_choices() {
        for (i, row) in rows.iter_mut().enumerate() {
            let places = table.standing(&row[0]).map_or(String::new(), Standing::places);
            row.insert(2, if i == 0 { "place".to_owned() } else { places });
        }
    }
    rows
}

const LEGEND: &str = "Policies that share a letter cannot be told apart (paired t-tests on common random \
                      numbers, Holm over all pairs of a table, family-wise error 5 %). Regret: good \
                      requests that the oracle made beyond the policy, over offered. Means with 95 % \
                      intervals.";

fn heading(layer: &str) -> &'static str {
    if layer == "rule" {
        "RULE ONLY: every rule under one common layer (one retry on another route, 10 % budget)"
    } else {
        "AS SHIPPED: every policy with its own retries and timeouts"
    }
}

/// A header, then rows.
type Rows = Vec<Vec<String>>;

/// The lines of a table of at most 80 columns, and the names of columns that found no room.
fn narrow(mut rows: Rows) -> (Vec<String>, Vec<String>) {
    let mut left_out = Vec::new();
    loop {
        let lines: Vec<String> =
            grid(&rows).lines().map(|line| line.trim_end().to_owned()).collect();
        let columns = rows.first().map_or(0, Vec::len);
        if columns <= 3 || lines.iter().all(|line| line.chars().count() <= usize::from(WIDTH)) {
            left_out.reverse();
            return (lines, left_out);
        }
        for (i, row) in rows.iter_mut().enumerate() {
            let cell = row.pop();
            left_out.extend(cell.filter(|_| i == 0));
        }
    }
}

fn grid(rows: &Rows) -> String {
    let mut grid = Grid::new();
    grid.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    for row in rows {
        grid.add_row(row);
    }
    for column in grid.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    grid.to_string()
}

fn standing_rows(standings: &[Standing]) -> Rows {
    let header = ["policy", "", "regret", "worst", "in", "rank", "unbeaten", "attempts/request"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for standing in standings {
        rows.push(vec![
            standing.policy.clone(),
            standing.letters.clone(),
            value(&standing.regret, 100.0, "%"),
            short_percent(standing.regret_worst),
            standing.regret_worst_in.clone(),
            format!("{:.1}", standing.rank),
            standing.unbeaten.to_string(),
            format!("{:.3}", standing.amplification),
        ]);
    }
    rows
}

/// A column of a scenario's table: heading, metric, scale, unit.
type Column = (&'static str, &'static str, f64, &'static str);

const COLUMNS: [Column; 8] = [
    ("good", "slo_attainment", 100.0, "%"),
    ("regret", "regret", 100.0, "%"),
    ("users back", "time_to_recover_user", 1.0, "s"),
    ("detected", "time_to_detect", 1.0, "s"),
    ("leak", "leak_ratio", 1.0, ""),
    ("p99", "latency_all_p99", 1e-3, "s"),
    ("attempts", "amplification", 1.0, ""),
    ("USD/1,000", "cost_per_good", 1e3, ""),
];

fn scenario_rows(table: &ScenarioTable) -> Rows {
    let known = |metric: &str| {
        table.cells.iter().any(|cell| cell.metrics.get(metric).is_some_and(has_number))
    };
    let columns: Vec<Column> = COLUMNS.into_iter().filter(|column| known(column.1)).collect();
    let mut header = vec!["policy".to_owned(), String::new()];
    header.extend(columns.iter().map(|column| column.0.to_owned()));
    let mut rows = vec![header];
    for cell in &table.cells {
        let mut row = vec![cell.policy.clone(), cell.letters.clone()];
        for (_, metric, scale, unit) in &columns {
            let measured = cell.metrics.get(*metric);
            row.push(measured.map_or(String::new(), |measured| match *metric {
                "slo_attainment" => share(measured),
                _ => short(measured, *scale, unit),
            }));
        }
        rows.push(row);
    }
    rows
}

fn has_number(measured: &Measured) -> bool {
    !matches!(measured, Measured::One(Quantity::NotApplicable(_)))
}

/// A share near 100 % in two decimals: three digits would make all of them 100 %.
fn share(measured: &Measured) -> String {
    measured.number().map_or_else(|| "n/a".to_owned(), |share| format!("{:.2} %", share * 100.0))
}

/// The mean alone, with `≥` where some of the times were not reached.
fn short(measured: &Measured, scale: f64, unit: &str) -> String {
    let Measured::Many(spread) = measured else { return value(measured, scale, unit) };
    let mut point = spread.clone();
    (point.low, point.high, point.n_a) = (None, None, 0);
    value(&Measured::Many(point), scale, unit)
}

fn footnotes(table: &ScenarioTable) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(bound) = table.bound {
        notes.push(format!("no way to route could make more than {} good", short_percent(bound)));
    }
    if let (Some(stride), Some(worst)) = (table.phase_stride_s, worst(table)) {
        notes.push(format!(
            "worst phase of the onset ({stride} s apart) until users are back: {worst}"
        ));
    }
    notes
}

/// The worst phase of each policy whose users felt any.
fn worst(table: &ScenarioTable) -> Option<String> {
    let one = |cell: &Cell| {
        let worst = cell.worst.get("time_to_recover_user")?;
        Some(match &worst.value {
            Quantity::Number(0.0) => return None,
            Quantity::Number(seconds) => format!("{} {seconds:.0} s", cell.policy),
            Quantity::Censored(at) => format!("{} > {:.0} s", cell.policy, at.censored_at_s),
            Quantity::NotApplicable(_) => return None,
        })
    };
    let all: Vec<String> = table.cells.iter().filter_map(one).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// The whole comparison as a Markdown page.
pub fn markdown(comparison: &Comparison) -> String {
    let scenarios = comparison.tables.first().map_or(0, |table| table.scenarios.len());
    let mut page = format!(
        "# Comparison\n\n{} policies, {scenarios} scenarios, {} replications each, seed {}, digest \
         `{}`, windtunnel {}.\n\n{LEGEND}\n",
        comparison.policies.len(),
        comparison.replications,
        comparison.seed,
        comparison.digest,
        comparison.tool_version
    );
    if !comparison.warnings.is_empty() {
        page.push_str("\n## Warnings\n\n");
        for warning in &comparison.warnings {
            page.push_str(&format!("- {warning}\n"));
        }
    }
    for table in &comparison.tables {
        page.push_str(&section(table));
    }
    page.push_str("\n## Policies\n\n");
    let header = ["policy", "models", "family", "fidelity", "sees", "source"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for policy in &comparison.policies {
        rows.push(vec![
            // A policy with parameters of its own is called by them.
            if policy.name.ends_with('}') {
                format!("`{}`", policy.name)
            } else {
                format!("`{}` {}", policy.name, policy.changed).trim().to_owned()
            },
            policy.product.clone(),
            policy.family.clone(),
            policy.fidelity.clone(),
            policy.sees.clone(),
            policy.source.clone(),
        ]);
    }
    page.push_str(&pipes(&rows));
    page
}

fn section(table: &Table) -> String {
    let mut text = format!("\n## {}\n\n", heading(&table.layer));
    if table.scenarios.len() > 1 {
        text.push_str(&pipes(&with_places(standing_rows(&table.standings), table)));
        text.push_str(&format!("\n![Regret by policy](regret-{}.png)\n", table.layer));
    }
    if table.has_choices() {
        text.push_str(&choices(table));
    }
    for scenario in &table.scenarios {
        text.push_str(&format!("\n### {}\n\n", scenario.scenario));
        text.push_str(&pipes(&scenario_rows(scenario)));
        for note in footnotes(scenario) {
            text.push_str(&format!("\n{note}\n"));
        }
    }
    text
}

/// How far each place hangs on values that are our choice.
fn choices(table: &Table) -> String {
    let header = ["policy", "values tried", "place", "regret", "least with", "most with"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for standing in &table.standings {
        let Some(range) = &standing.our_choices else { continue };
        let with =
            |what: &str| if what.is_empty() { "as it is".to_owned() } else { format!("`{what}`") };
        let [least, most] = range.regret.map(short_percent);
        rows.push(vec![
            standing.policy.clone(),
            range.tried.to_string(),
            standing.places(),
            format!("{least} to {most}"),
            with(&range.least_with),
            with(&range.most_with),
        ]);
    }
    format!("\n### Values that are our choice\n\n{PLACES}\n\n{}", pipes(&rows))
}

fn pipes(rows: &Rows) -> String {
    let line = |row: &Vec<String>| format!("| {} |\n", row.join(" | "));
    let mut text = String::new();
    for (i, row) in rows.iter().enumerate() {
        text.push_str(&line(row));
        if i == 0 {
            text.push_str(&line(&vec!["---".to_owned(); row.len()]));
        }
    }
    text
}
