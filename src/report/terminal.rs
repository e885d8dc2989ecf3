//! The result of a run as plain text of at most 80 columns, readable without colour.

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};

use super::document::Document;
use super::figure::time::{count, percent, tenths};
use super::spark::{marks, shares, spark};
use crate::record::{FaultSummary, Measured, Quantiles, Quantity, StoredRun, Summary, significant};

/// Columns of a terminal that everyone has.
pub(super) const WIDTH: u16 = 80;
/// A blank that does not break a line; written as a plain one.
const TIE: char = '\u{a0}';
/// Faults beside each other.
const FAULTS_BESIDE: usize = 3;
/// Up to so many faults are shown; a run with drawn incidents can have hundreds.
const FAULTS_MOST: usize = 6;

/// The summary that `run` prints. Ends with a line end.
pub fn summary(run: &StoredRun) -> String {
    let summary = &run.summary;
    let mut text = head(summary);
    for warning in &summary.warnings {
        for line in wrap(&format!("warning: {warning}")) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    let mut tables = vec![requests(summary), service(summary), latency(summary)];
    tables.extend(prompt_cache(summary));
    tables.extend(learning(summary));
    tables.extend(super::cluster::cluster(summary));
    tables.extend(faults(summary));
    tables.push(providers(run));
    tables.extend(tenants(summary));
    tables.extend(rules(summary));
    for table in tables {
        text.push('\n');
        for line in table.lines() {
            text.push_str(line.replace(TIE, " ").trim_end());
            text.push('\n');
        }
    }
    if summary.faults.len() > FAULTS_MOST {
        let rest = summary.faults.len() - FAULTS_MOST;
        text.push_str(&format!("\n{rest} more faults are in summary.json\n"));
    }
    text
}

/// The findings of a report, with what they stand on. Ends with a line end.
pub fn findings(document: &Document) -> String {
    let mut text = format!("{}\n", document.title);
    for (i, finding) in document.findings.iter().enumerate() {
        let number = format!("{}.", i + 1);
        let (first, rest) = (format!("\n{number:<4}"), "\n    ");
        for (text_of, first) in [(&finding.sentence, first.as_str()), (&finding.evidence, rest)] {
            for (i, line) in
                wrap_to(&text_of.replace('`', ""), usize::from(WIDTH) - 4).iter().enumerate()
            {
                text.push_str(if i == 0 { first } else { rest });
                text.push_str(line);
            }
        }
        text.push('\n');
    }
    text
}

fn head(summary: &Summary) -> String {
    let runs = match summary.replications {
        1 => String::new(),
        several => format!(", {several} replications"),
    };
    let what = format!("{} under {}", summary.scenario, summary.policy);
    let how = format!(
        "{} s of virtual time, seed {}{runs}, digest {}",
        summary.virtual_seconds, summary.seed, summary.digest
    );
    let lines: Vec<_> = wrap(&what).into_iter().chain(wrap(&how)).collect();
    lines.join("\n") + "\n"
}

fn requests(summary: &Summary) -> Table {
    let requests = &summary.requests;
    let counts = [
        requests.offered,
        requests.good,
        requests.late,
        requests.failed,
        requests.shed,
        requests.unfinished,
    ];
    let part = |of: u64| {
        let part = of as f64 / requests.offered.max(1) as f64;
        percent((part * 1e4).round() / 1e4)
    };
    let mut table = table(&["requests", "offered", "good", "late", "failed", "shed", "unfinished"]);
    table.add_row(row("", counts.map(|of| count(of as f64))));
    if requests.offered > 0 {
        table.add_row(row("", counts.map(part)));
    }
    table
}

fn service(summary: &Summary) -> Table {
    let mut table =
        table(&["good/s", "attempts/request", "429s", "tokens wasted", "cost, USD", "fairness"]);
    table.add_row(cells([
        value(&summary.goodput_rps, 1.0, ""),
        value(&summary.amplification, 1.0, ""),
        value(&summary.rate_limited_share, 100.0, "%"),
        value(&summary.wasted_tokens_share, 100.0, "%"),
        value(&summary.cost_usd, 1.0, ""),
        value(&summary.jain, 1.0, ""),
    ]));
    table
}

fn latency(summary: &Summary) -> Table {
    let mut table = table(&["latency", "p50", "p90", "p99", "p99.9"]);
    let quantiles = |quantiles: &Quantiles| {
        let each = [&quantiles.p50, &quantiles.p90, &quantiles.p99, &quantiles.p999];
        each.map(|quantile| value(quantile, 1e-3, "s"))
    };
    table.add_row(row("first token", quantiles(&summary.ttft_ms)));
    table.add_row(row("whole answer", quantiles(&summary.latency_ms)));
    table.add_row(row("all requests, failed = deadline", quantiles(&summary.latency_all_ms)));
    table
}

/// What providers' prompt caches did, where prompts have something in common.
fn prompt_cache(summary: &Summary) -> Option<Table> {
    let cache = summary.prompt_cache.as_ref()?;
    let mut table = table(&["prompt tokens from caches", "written to caches", "saved, USD"]);
    let written = cache.written_tokens as f64 / cache.prompt_tokens.max(1) as f64;
    table.add_row(cells([
        value(&cache.hit_ratio, 100.0, "%"),
        percent((written * 1e4).round() / 1e4),
        value(&cache.saved_usd, 1.0, ""),
    ]));
    Some(table)
}

/// What was spent on learning, left idle, and burnt of the error budget; only what there is.
fn learning(summary: &Summary) -> Option<Table> {
    let all = [
        ("exploring attempts", &summary.exploration, 100.0, "%"),
        ("explored in vain", &summary.exploration_cost, 100.0, "%"),
        ("refused needlessly", &summary.wasted_capacity, 100.0, "%"),
        ("budget burn, 5 min", &summary.burn_rate, 1.0, "×"),
    ];
    let known = all
        .into_iter()
        .filter(|(_, measured, ..)| measured.number().is_some_and(|number| number != 0.0));
    let (names, values): (Vec<&str>, Vec<String>) =
        known.map(|(name, measured, scale, unit)| (name, value(measured, scale, unit))).unzip();
    if names.is_empty() {
        return None;
    }
    let mut table = table(&names);
    table.add_row(values);
    Some(table)
}

/// A row about a fault: its name, what it shows, the scale and the unit. One that shows nothing is the
/// heading of those that follow.
type Effect = (&'static str, Option<fn(&FaultSummary) -> &Measured>, f64, &'static str);

/// Names are short enough for three faults beside each other.
const EFFECTS: [Effect; 13] = [
    ("from its onset until", None, 0.0, ""),
    ("  users are served again", Some(|fault| &fault.time_to_recover_user_s), 1.0, "s"),
    ("  its traffic has halved", Some(|fault| &fault.time_to_detect_s), 1.0, "s"),
    ("  its traffic is gone", Some(|fault| &fault.time_to_drain_s), 1.0, "s"),
    ("  its weights have fallen", Some(|fault| &fault.time_to_weight_s), 1.0, "s"),
    ("from its end until", None, 0.0, ""),
    ("  its traffic is back", Some(|fault| &fault.time_to_recover_share_s), 1.0, "s"),
    ("  its traffic has settled", Some(|fault| &fault.settling_s), 1.0, "s"),
    ("leaked, of usual traffic", Some(|fault| &fault.leak_ratio), 100.0, "%"),
    ("overshoot afterwards", Some(|fault| &fault.overshoot), 100.0, "%"),
    ("turns afterwards", Some(|fault| &fault.reversals), 1.0, ""),
    ("failed again in a minute", Some(|fault| &fault.flaps), 1.0, "×"),
    ("of 30 days' error budget", Some(|fault| &fault.budget_spent), 100.0, "%"),
];

/// Faults side by side, a few to a table, a row an effect.
fn faults(summary: &Summary) -> Vec<Table> {
    let shown = &summary.faults[..summary.faults.len().min(FAULTS_MOST)];
    let tables = shown.chunks(FAULTS_BESIDE).map(|faults| {
        let mut names = vec!["fault"];
        names.extend(faults.iter().map(|fault| fault.name.as_str()));
        let mut table = table(&names);
        let when = |fault: &FaultSummary| {
            format!("{}–{}{TIE}s", tenths(fault.start_s), tenths(fault.end_s))
        };
        table.add_row(cells_after("onset and end", faults.iter().map(when)));
        for (name, of, scale, unit) in EFFECTS {
            let value = |fault| of.map_or(String::new(), |of| effect(of(fault), scale, unit));
            let name = name.replace("  ", &format!("{TIE}{TIE}"));
            table.add_row(cells_after(&name, faults.iter().map(value)));
        }
        table
    });
    tables.collect()
}

/// Times are known to a tenth of a second at best.
fn effect(measured: &Measured, scale: f64, unit: &str) -> String {
    if unit == "s" { written(measured, scale, unit, tenths) } else { value(measured, scale, unit) }
}

/// One row a provider, in the order of the routes.
fn providers(run: &StoredRun) -> Table {
    let mut table =
        table(&["provider", "share", "over time", "attempts", "failed", "429s", "changes"]);
    let all: u64 = run.summary.routes.iter().map(|route| route.first).sum();
    let mut names: Vec<&str> = Vec::new();
    for route in &run.summary.routes {
        if !names.contains(&route.provider.as_str()) {
            names.push(&route.provider);
        }
    }
    let routes = run.summary.routes.iter().enumerate();
    let of = |provider: &&str| {
        let own = routes.clone().filter(|(_, route)| route.provider == *provider);
        own.map(|(r, _)| r).collect::<Vec<usize>>()
    };
    let groups: Vec<Vec<usize>> = names.iter().map(of).collect();
    let shares = shares(&run.series, &groups);
    let full = shares.iter().flatten().flatten().copied().fold(0.0, f64::max);
    for ((provider, indices), over_time) in names.iter().zip(&groups).zip(&shares) {
        let sum = |of: fn(&crate::record::RouteSummary) -> u64| {
            indices.iter().map(|r| of(&run.summary.routes[*r])).sum::<u64>()
        };
        let share = sum(|route| route.first) as f64 / all.max(1) as f64;
        table.add_row(row(
            provider,
            [
                short_percent(share),
                spark(over_time, full),
                count(sum(|route| route.attempts) as f64),
                count(sum(|route| route.failed) as f64),
                count(sum(|route| route.rate_limited) as f64),
                count(sum(|route| route.transitions) as f64),
            ],
        ));
    }
    let while_faults = marks(&run.series, &run.summary.faults);
    if !while_faults.is_empty() {
        table.add_row(vec![Cell::new("faults"), Cell::new(""), Cell::new(while_faults)]);
    }
    table
}

/// One row a tenant; none without tenants.
fn tenants(summary: &Summary) -> Option<Table> {
    if summary.tenants.is_empty() {
        return None;
    }
    let mut table = table(&[
        "tenant",
        "offered",
        "good",
        "denied",
        "cost",
        "budget",
        "beyond",
        "lost to others",
    ]);
    for tenant in &summary.tenants {
        let usd = |of: &Quantity| value(&Measured::One(of.clone()), 1.0, "USD");
        table.add_row(row(
            &tenant.id,
            [
                count(tenant.offered as f64),
                value(&Measured::One(tenant.slo_attainment.clone()), 100.0, "%"),
                count(tenant.denied.values().sum::<u64>() as f64),
                usd(&tenant.cost_usd),
                usd(&tenant.budget_usd),
                usd(&tenant.overshoot_usd),
                value(&Measured::One(tenant.lost_to_others.clone()), 100.0, "%"),
            ],
        ));
    }
    Some(table)
}

/// One row a routing rule; none without rules.
fn rules(summary: &Summary) -> Option<Table> {
    if summary.rules.is_empty() {
        return None;
    }
    let mut table = table(&["rule", "matched", "of offered", "fell back", "good"]);
    for rule in &summary.rules {
        let share = rule.matched as f64 / summary.requests.offered.max(1) as f64;
        table.add_row(row(
            &rule.id,
            [
                count(rule.matched as f64),
                format!("{:.1} %", 100.0 * share),
                count(rule.fell_back as f64),
                count(rule.good as f64),
            ],
        ));
    }
    Some(table)
}

pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    let left = |i: usize, name: &str| i == 0 || name == "over time";
    table.set_header(header.iter().map(Cell::new));
    for (i, name) in header.iter().enumerate() {
        let alignment = if left(i, name) { CellAlignment::Left } else { CellAlignment::Right };
        let column = table.column_mut(i).expect("the header made the column");
        column.set_cell_alignment(alignment);
    }
    table
}

fn row<const N: usize>(first: &str, rest: [String; N]) -> Vec<Cell> {
    std::iter::once(Cell::new(first)).chain(rest.into_iter().map(Cell::new)).collect()
}

fn cells_after(first: &str, rest: impl Iterator<Item = String>) -> Vec<Cell> {
    std::iter::once(Cell::new(first)).chain(rest.map(Cell::new)).collect()
}

fn cells<const N: usize>(all: [String; N]) -> Vec<Cell> {
    all.into_iter().map(Cell::new).collect()
}

/// `12 s`, `12 ±3 s`, `> 60 s` where it was not reached, `n/a`; the number times `scale`.
pub(super) fn value(measured: &Measured, scale: f64, unit: &str) -> String {
    written(measured, scale, unit, three)
}

fn written(measured: &Measured, scale: f64, unit: &str, show: fn(f64) -> String) -> String {
    let number = match measured {
        Measured::One(Quantity::Number(number)) => show(number * scale),
        Measured::One(Quantity::Censored(censored)) => {
            format!(">{TIE}{}", show(censored.censored_at_s * scale))
        }
        Measured::One(Quantity::NotApplicable(_)) => return "n/a".to_owned(),
        Measured::Many(spread) => {
            let beyond = if spread.censored > 0 { "≥" } else { "" };
            let half = spread.low.zip(spread.high).map(|(low, high)| (high - low) / 2.0 * scale);
            let mean = show(spread.mean * scale);
            match half.filter(|half| *half > 0.0) {
                Some(half) => format!("{beyond}{mean} ±{}", digits(half, 1)),
                None => format!("{beyond}{mean}"),
            }
        }
    };
    if unit.is_empty() { number } else { format!("{number}{TIE}{unit}") }
}

pub(super) fn short_percent(part: f64) -> String {
    format!("{}{TIE}%", three(part * 100.0))
}

/// Three significant digits, thousands apart.
pub(super) fn three(value: f64) -> String {
    if value.abs() >= 100.0 {
        return count(value.round());
    }
    digits(value, 2)
}

/// One significant digit and `more`.
fn digits(value: f64, more: usize) -> String {
    let text = format!("{value:.more$e}");
    significant(text.parse().expect("what was written as a number reads as one")).to_string()
}

/// Words into lines of at most 80 columns; a longer word has a line of its own.
pub(super) fn wrap(text: &str) -> Vec<String> {
    wrap_to(text, usize::from(WIDTH))
}

fn wrap_to(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always a line under way");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
#[path = "terminal_tests.rs"]
mod tests;
