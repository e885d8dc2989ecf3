//! What a sweep found: which of the numbers matter, how the metrics answer, and where users stop recovering.

use super::outline::{Block, Figure, Finding, Grid, Part, Section};
use super::words::{cell, code, three};
use crate::record::sweep::{Edge, EdgePoint, PointFacts, Rank, Response, Sensitivity, Sweep};
use crate::report::figure::sweep::{figures, scale, shown};

/// Points that the page lists; all are in `sweep.json`.
const POINTS_MOST: usize = 200;

pub(super) fn part(sweep: &Sweep) -> Part {
    let figure = |(id, page): (String, _)| {
        let caption = match id.split('-').next() {
            Some("response") => "All other axes averaged out; whiskers are 95 % intervals.",
            Some("heat") => "The greater the darker; the number stands in each cell.",
            _ => "",
        };
        Block::Figure(Figure { id, page, caption: caption.to_owned(), commands: Vec::new() })
    };
    let mut blocks: Vec<Block> = figures(sweep).into_iter().map(figure).collect();
    if sweep.axes.len() > 1 {
        blocks.push(Block::Grid(sensitivity(sweep)));
    }
    blocks.push(Block::Grid(points(sweep)));
    let axes: Vec<String> = sweep.axes.iter().map(|axis| code(&axis.path)).collect();
    let facts = [
        ("seed", sweep.seed.to_string()),
        ("replications", sweep.replications.to_string()),
        ("design", format!("{}, {} points", sweep.design, sweep.points.len())),
        ("digest of all runs", sweep.digest.clone()),
        ("windtunnel", sweep.tool_version.clone()),
        ("schema of the sweep", sweep.schema_version.to_string()),
    ];
    Part {
        title: format!("{} swept", sweep.scenario),
        lead: format!(
            "{} at {} points over {}, {} replications each: all points met the same requests, the same luck and the \
             same phases.",
            code(&sweep.scenario),
            sweep.points.len(),
            axes.join(", "),
            sweep.replications
        ),
        findings: findings(sweep),
        sections: vec![Section {
            id: "sweep".to_owned(),
            title: "What it does".to_owned(),
            lead: String::new(),
            blocks,
            inner: Vec::new(),
        }],
        warnings: sweep.warnings.clone(),
        manifest: facts.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        again: Vec::new(),
    }
}

fn findings(sweep: &Sweep) -> Vec<Finding> {
    let edges = sweep.boundary.iter().flat_map(|boundary| &boundary.edges);
    let mut findings: Vec<Finding> = edges.map(|edge| edge_finding(sweep, edge)).collect();
    for metric in shown(sweep) {
        let decided = sweep.sensitivity.iter().find(|found| found.metric == metric);
        if let Some(found) = decided.filter(|_| sweep.axes.len() > 1) {
            findings.extend(decides(sweep, found));
        } else if let Some(response) = sweep.responses.iter().find(|r| r.metric == metric) {
            findings.extend(answers(sweep, response));
        }
    }
    findings
}

/// Which axis a metric hangs on.
fn decides(sweep: &Sweep, found: &Sensitivity) -> Option<Finding> {
    let first = found.ranks.first()?;
    let (axis, metric) = (code(&sweep.axes[first.axis].path), code(&found.metric));
    let percent = |part: f64| format!("{} %", three(part * 100.0));
    let sentence = match found.method.as_str() {
        "variance" => format!(
            "{axis} decides {} of the variance of {metric} alone, {} with its interactions.",
            percent(first.first),
            percent(first.total)
        ),
        "sobol" => {
            format!("{axis} decides {metric} most: total Sobol' index {}.", three(first.total))
        }
        "morris" => format!(
            "Over its range {axis} moves {metric} most: by {} on average.",
            three(first.total)
        ),
        _ => format!("{metric} goes with {axis} most: rank correlation {}.", three(first.first)),
    };
    let others = found.ranks.iter().map(|rank| one(sweep, rank)).collect::<Vec<_>>();
    Some(Finding {
        sentence,
        evidence: format!("{}; {} points.", others.join(", "), sweep.points.len()),
        shown: Some("sensitivity".to_owned()),
    })
}

/// An axis and its index, with its interval where it has one.
fn one(sweep: &Sweep, rank: &Rank) -> String {
    let ends = rank.low.zip(rank.high);
    let interval =
        ends.map_or(String::new(), |(low, high)| format!(" [{}, {}]", three(low), three(high)));
    format!("{} {}{interval}", code(&sweep.axes[rank.axis].path), three(rank.total))
}

/// Where along its only axis a metric is best, and where worst.
fn answers(sweep: &Sweep, response: &Response) -> Option<Finding> {
    let facts = sweep.metrics.iter().find(|facts| facts.id == response.metric)?;
    let (factor, unit) = scale(sweep, &response.metric);
    let mut points: Vec<(f64, &crate::record::sweep::ResponsePoint)> =
        response.points.iter().filter_map(|point| Some((point.mean?, point))).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    if facts.better == "higher" {
        points.reverse();
    }
    let (first, last) = (points.first()?, points.last()?);
    let word = |(mean, point): &(f64, &crate::record::sweep::ResponsePoint)| {
        let ends = point.low.zip(point.high).filter(|(low, high)| low < high);
        let interval = ends.map_or(String::new(), |(low, high)| {
            format!(" [{}, {}]", three(low * factor), three(high * factor))
        });
        let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
        format!("{}{unit}{interval} at {}", three(mean * factor), point.at)
    };
    let (best, worst) =
        if facts.better == "neither" { ("least", "greatest") } else { ("best", "worst") };
    let path = &sweep.axes[response.axis].path;
    Some(Finding {
        sentence: format!(
            "Along {} {} is {best} with {} and {worst} with {}.",
            code(path),
            code(&response.metric),
            word(first),
            word(last)
        ),
        evidence: format!("{} replications a point, 95 % intervals.", sweep.replications),
        shown: None,
    })
}

fn edge_finding(sweep: &Sweep, edge: &Edge) -> Finding {
    let axis = sweep.boundary.as_ref().map_or(0, |boundary| boundary.axis);
    let name = code(&sweep.axes[axis].path);
    let others = sweep.axes.iter().enumerate().filter(|(at, _)| *at != axis);
    let at: Vec<String> =
        others.zip(&edge.at).map(|((_, axis), at)| format!("{} {at}", code(&axis.path))).collect();
    let at = if at.is_empty() { String::new() } else { format!("With {} ", at.join(", ")) };
    let users = if at.is_empty() { "Users" } else { "users" };
    let told = match (&edge.recovers, &edge.stuck) {
        (Some(up), Some(stuck)) => {
            format!("recover after the fault up to {name} {}, and no longer at {}", up.at, stuck.at)
        }
        (Some(up), None) => format!("recover at all that was tried, up to {name} {}", up.at),
        (None, Some(stuck)) => format!("do not even recover at {name} {}", stuck.at),
        (None, None) => "have no run that tells".to_owned(),
    };
    let share = |point: &EdgePoint| {
        let [share, low, high] =
            [point.not_recovered, point.low, point.high].map(|share| three(share * 100.0));
        format!("{share} % [{low}, {high}] of the runs did not at {}", point.at)
    };
    let evidence: Vec<String> = edge.recovers.iter().chain(&edge.stuck).map(share).collect();
    Finding {
        sentence: format!("{at}{users} {told}."),
        evidence: evidence.join("; "),
        shown: Some("boundary".to_owned()),
    }
}

fn sensitivity(sweep: &Sweep) -> Grid {
    let rows = sweep.sensitivity.iter().flat_map(|found| {
        found.ranks.iter().map(move |rank| {
            let ends = rank.low.zip(rank.high);
            vec![
                code(&found.metric),
                code(&sweep.axes[rank.axis].path),
                found.method.clone(),
                three(rank.total),
                ends.map_or("–".to_owned(), |(low, high)| {
                    format!("{} to {}", three(low), three(high))
                }),
                three(rank.first),
            ]
        })
    });
    let header = ["metric", "axis", "method", "with interactions", "95 % interval", "alone"];
    Grid {
        id: "sensitivity".to_owned(),
        title: "Which of the numbers matter".to_owned(),
        note: "`variance`: shares of the variance over a grid. `sobol`: total and first-order indices. `morris`: mean \
               absolute and signed effect over the whole range, in the metric's unit. `rank`: Spearman's correlation."
            .to_owned(),
        header: header.map(str::to_owned).to_vec(),
        texts: 3,
        rows: rows.collect(),
    }
}

fn points(sweep: &Sweep) -> Grid {
    let metrics = shown(sweep);
    let mut header: Vec<String> = sweep.axes.iter().map(|axis| axis.path.clone()).collect();
    header.extend(metrics.iter().map(|metric| {
        let (_, unit) = scale(sweep, metric);
        if unit.is_empty() { (*metric).to_owned() } else { format!("{metric}, {unit}") }
    }));
    let row = |point: &PointFacts| {
        let measured = metrics.iter().map(|metric| {
            let (factor, _) = scale(sweep, metric);
            point.metrics.get(*metric).map_or("–".to_owned(), |found| cell(found, (factor, "")))
        });
        point.at.iter().cloned().chain(measured).collect()
    };
    let note = if sweep.points.len() > POINTS_MOST {
        format!(" The first {POINTS_MOST} of {}; all are in `sweep.json`.", sweep.points.len())
    } else {
        String::new()
    };
    Grid {
        id: "points".to_owned(),
        title: "Points".to_owned(),
        note: format!("Means over replications ± half of their 95 % intervals.{note}"),
        header,
        texts: 0,
        rows: sweep.points.iter().take(POINTS_MOST).map(row).collect(),
    }
}
