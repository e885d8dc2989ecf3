//! What a sweep found, for the terminal.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table as Grid};

use super::figure::sweep::shown;
use super::terminal::{three, value, wrap};
use crate::record::sweep::{Edge, EdgePoint, Rank, Sensitivity, Sweep};

/// Points that a table shows.
const POINTS: usize = 24;
/// Columns of a terminal.
const WIDTH: usize = 80;

/// Warnings, sensitivity, points, boundary; at most 80 columns. Ends with a line end.
pub fn text(sweep: &Sweep) -> String {
    let mut lines = Vec::new();
    for warning in &sweep.warnings {
        lines.extend(wrap(&format!("warning: {warning}")));
    }
    if sweep.axes.len() > 1 {
        lines.push(String::new());
        lines.extend(sensitivity(sweep));
    }
    lines.push(String::new());
    lines.extend(points(sweep));
    if let Some(boundary) = &sweep.boundary {
        let axis = &sweep.axes[boundary.axis].path;
        lines.push(String::new());
        lines.extend(wrap(&format!(
            "BOUNDARY: {axis} up to which users recover in at least half of the runs (share that did \
             not, with Wilson's 95 % interval)"
        )));
        lines.extend(
            boundary.edges.iter().flat_map(|edge| wrap(&edge_line(sweep, boundary.axis, edge))),
        );
    }
    let mut text = lines.iter().map(|line| format!("{}\n", line.trim_end())).collect::<String>();
    if let Some(rest) = text.strip_prefix('\n') {
        text = rest.to_owned();
    }
    text
}

fn sensitivity(sweep: &Sweep) -> Vec<String> {
    let all: Vec<&Sensitivity> = shown(sweep)
        .into_iter()
        .filter_map(|metric| sweep.sensitivity.iter().find(|found| found.metric == metric))
        .collect();
    let Some(first) = all.first() else {
        return vec!["SENSITIVITY: no metric that is shown differs from point to point".to_owned()];
    };
    let what = match first.method.as_str() {
        "variance" => "SENSITIVITY: share of the variance, alone (with interactions)",
        "sobol" => "SENSITIVITY: Sobol' indices, total [95 %] (first order)",
        "morris" => "SENSITIVITY: mean absolute effect over the range [95 %] (signed)",
        _ => "SENSITIVITY: Spearman's rank correlation",
    };
    let mut lines = vec![what.to_owned()];
    for found in all {
        let ranks: Vec<String> =
            found.ranks.iter().map(|rank| one_rank(sweep, found, rank)).collect();
        lines.extend(wrap(&format!("- {}: {}", found.metric, ranks.join(" > "))));
    }
    lines
}

fn one_rank(sweep: &Sweep, found: &Sensitivity, rank: &Rank) -> String {
    let axis = &sweep.axes[rank.axis].path;
    let interval = match (rank.low, rank.high) {
        (Some(low), Some(high)) => format!(" [{}, {}]", three(low), three(high)),
        _ => String::new(),
    };
    match found.method.as_str() {
        "variance" => {
            format!("{axis} {} % ({} %)", three(rank.first * 100.0), three(rank.total * 100.0))
        }
        "rank" => format!("{axis} {}", three(rank.first)),
        _ => format!("{axis} {}{interval} ({})", three(rank.total), three(rank.first)),
    }
}

/// A table of points: all if they are few, else the best and the worst.
fn points(sweep: &Sweep) -> Vec<String> {
    let metrics = shown(sweep);
    let metrics = if metrics.is_empty() {
        sweep.metrics.iter().take(4).map(|metric| metric.id.as_str()).collect()
    } else {
        metrics
    };
    let (order, head) = order(sweep, &metrics);
    let mut kept = metrics.len();
    loop {
        let lines = table(sweep, &order, &metrics[..kept]);
        let wide = lines.iter().map(|line| line.trim_end().chars().count()).max().unwrap_or(0);
        if wide <= WIDTH || kept <= 1 {
            return std::iter::once(head).chain(lines).collect();
        }
        kept -= 1;
    }
}

/// Which points are shown, in which order; `None` stands for those left out.
fn order(sweep: &Sweep, metrics: &[&str]) -> (Vec<Option<usize>>, String) {
    let all = sweep.points.len();
    let Some(first) = metrics.first().filter(|_| all > POINTS) else {
        return ((0..all).map(Some).collect(), "POINTS".to_owned());
    };
    let better = sweep.metrics.iter().find(|facts| facts.id == *first).map(|f| f.better.as_str());
    let number = |point: &usize| {
        let number = sweep.points[*point].metrics.get(*first).and_then(crate::record::sweep::shown);
        let number = number.unwrap_or(f64::INFINITY);
        if better == Some("higher") && number.is_finite() { -number } else { number }
    };
    let mut order: Vec<usize> = (0..all).collect();
    order.sort_by(|a, b| number(a).total_cmp(&number(b)).then(a.cmp(b)));
    let half = POINTS / 2 - 2;
    let best = order[..half].iter().copied().map(Some);
    let worst = order[all - half..].iter().copied().map(Some);
    let head = format!("POINTS, best and worst {half} of {all} by {first}");
    (best.chain([None]).chain(worst).collect(), head)
}

fn table(sweep: &Sweep, order: &[Option<usize>], metrics: &[&str]) -> Vec<String> {
    let mut grid = Grid::new();
    grid.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    let axes = sweep.axes.iter().map(|axis| tail(&axis.path));
    grid.add_row(axes.chain(metrics.iter().map(|metric| (*metric).to_owned())).collect::<Vec<_>>());
    for point in order {
        let Some(point) = point else {
            grid.add_row(vec!["…"]);
            continue;
        };
        let facts = &sweep.points[*point];
        let measured = metrics.iter().map(|metric| match facts.metrics.get(*metric) {
            Some(measured) => {
                let (scale, unit) = shown_in(sweep, metric);
                value(measured, scale, unit)
            }
            None => String::new(),
        });
        grid.add_row(facts.at.iter().cloned().chain(measured).collect::<Vec<_>>());
    }
    for column in grid.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    grid.to_string().lines().map(str::to_owned).collect()
}

fn shown_in<'a>(sweep: &'a Sweep, metric: &str) -> (f64, &'a str) {
    let unit =
        sweep.metrics.iter().find(|facts| facts.id == metric).map(|facts| facts.unit.as_str());
    match metric {
        "slo_attainment" | "regret" | "not_recovered" => (100.0, "%"),
        _ => (1.0, unit.unwrap_or_default()),
    }
}

/// The end of a dotted path, which a column has room for.
fn tail(path: &str) -> String {
    const ROOM: usize = 22;
    let mut short = path;
    while short.chars().count() > ROOM {
        let Some((_, rest)) = short.split_once('.') else { break };
        short = rest;
    }
    short.to_owned()
}

fn edge_line(sweep: &Sweep, axis: usize, edge: &Edge) -> String {
    let others =
        sweep.axes.iter().enumerate().filter(|(at, _)| *at != axis).map(|(_, axis)| &axis.path);
    let at: Vec<String> =
        others.zip(&edge.at).map(|(path, at)| format!("{} {at}", tail(path))).collect();
    let share = |point: &EdgePoint| {
        let [share, low, high] =
            [point.not_recovered, point.low, point.high].map(|share| three(share * 100.0));
        format!("{} ({share} % [{low}, {high}])", point.at)
    };
    let told = match (&edge.recovers, &edge.stuck) {
        (Some(recovers), Some(stuck)) => format!("{}; not at {}", share(recovers), share(stuck)),
        (Some(recovers), None) => format!("{}, the greatest that was tried", share(recovers)),
        (None, Some(stuck)) => format!("not even at {}", share(stuck)),
        (None, None) => "no run tells".to_owned(),
    };
    let at = if at.is_empty() { String::new() } else { format!("{}: ", at.join(", ")) };
    format!("- {at}{told}")
}
