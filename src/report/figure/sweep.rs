//! The figures of a sweep: each metric along each axis, over pairs of axes, and where users stop recovering.

use super::time::{count, solid};
use crate::record::significant;
use crate::record::sweep::{AxisFacts, Edge, Response, ResponsePoint, Surface, Sweep};
use crate::report::page::{Axis, Bar, Bars, Entry, Heat, Length, Line, Page, Panel, Plot};
use crate::report::palette::{BLUE, GREEN, GREY, VERMILLION};

/// Metrics that a page shows at most.
const SHOWN: usize = 4;

/// The figures with their names.
pub fn figures(sweep: &Sweep) -> Vec<(String, Page)> {
    let mut pages = Vec::new();
    for (at, axis) in sweep.axes.iter().enumerate() {
        let panels: Vec<Panel> = shown(sweep)
            .into_iter()
            .filter_map(|metric| {
                let of = |r: &&Response| r.axis == at && r.metric == metric;
                let response = sweep.responses.iter().find(of)?;
                Some(Panel::Plot(curve(sweep, axis, response)?))
            })
            .collect();
        if !panels.is_empty() {
            let title = format!("What {} does", axis.path);
            pages.push((format!("response-{}", slug(&axis.path)), page(sweep, title, panels)));
        }
    }
    let mut pairs: Vec<(usize, usize)> = sweep.surfaces.iter().map(|s| (s.x, s.y)).collect();
    pairs.sort_unstable();
    pairs.dedup();
    for (x, y) in pairs {
        let panels: Vec<Panel> = shown(sweep)
            .into_iter()
            .filter_map(|metric| {
                let of = |s: &&Surface| (s.x, s.y) == (x, y) && s.metric == metric;
                heat(sweep, sweep.surfaces.iter().find(of)?).map(Panel::Heat)
            })
            .collect();
        if !panels.is_empty() {
            let (x, y) = (&sweep.axes[x].path, &sweep.axes[y].path);
            let name = format!("heat-{}-{}", slug(x), slug(y));
            pages.push((name, page(sweep, format!("What {x} and {y} do together"), panels)));
        }
    }
    pages.extend(boundary(sweep).map(|page| ("boundary".to_owned(), page)));
    pages
}

/// Metrics that differ anywhere, the share of runs that did not recover first.
pub(in crate::report) fn shown(sweep: &Sweep) -> Vec<&str> {
    let varies = |metric: &str| {
        let responses = sweep.responses.iter().filter(|response| response.metric == metric);
        let means: Vec<f64> =
            responses.flat_map(|r| r.points.iter().filter_map(|p| p.mean)).collect();
        means.iter().any(|mean| *mean != means[0])
    };
    let mut metrics: Vec<&str> = sweep.metrics.iter().map(|metric| metric.id.as_str()).collect();
    metrics.sort_by_key(|metric| *metric != "not_recovered");
    metrics.retain(|metric| varies(metric));
    metrics.truncate(SHOWN);
    metrics
}

fn page(sweep: &Sweep, title: String, panels: Vec<Panel>) -> Page {
    let subtitle = format!(
        "{}, {} design of {} points, {} replications each on common random numbers, seed {}",
        sweep.scenario,
        sweep.design,
        sweep.points.len(),
        sweep.replications,
        sweep.seed
    );
    Page { title, subtitle, panels }
}

/// A path as a part of a file's name.
fn slug(path: &str) -> String {
    path.replace(|c: char| !c.is_ascii_alphanumeric() && c != '_', "-")
}

/// What a metric is shown in: scale and unit.
pub(in crate::report) fn scale(sweep: &Sweep, metric: &str) -> (f64, String) {
    let unit =
        sweep.metrics.iter().find(|facts| facts.id == metric).map(|facts| facts.unit.as_str());
    match (metric, unit.unwrap_or_default()) {
        ("slo_attainment" | "regret" | "not_recovered", _) => (100.0, "%".to_owned()),
        (_, "ms") => (1e-3, "s".to_owned()),
        (_, unit) => (1.0, unit.to_owned()),
    }
}

fn heading(sweep: &Sweep, metric: &str) -> String {
    let (_, unit) = scale(sweep, metric);
    let better = sweep.metrics.iter().find(|facts| facts.id == metric).map(|f| f.better.as_str());
    let better = match better {
        Some("lower") => "; lower is better",
        Some("higher") => "; higher is better",
        _ => "",
    };
    let unit = if unit.is_empty() { String::new() } else { format!(", {unit}") };
    format!("{metric}{unit}{better}")
}

fn curve(sweep: &Sweep, axis: &AxisFacts, response: &Response) -> Option<Plot> {
    let (scale, _) = scale(sweep, &response.metric);
    let is_numeric = response.points.iter().all(|point| point.number.is_some());
    let place = |i: usize, point: &ResponsePoint| match point.number {
        Some(number) if is_numeric => number,
        _ => i as f64,
    };
    let points: Vec<(f64, &ResponsePoint)> =
        response.points.iter().enumerate().map(|(i, point)| (place(i, point), point)).collect();
    let known: Vec<(f64, f64)> =
        points.iter().filter_map(|(x, point)| Some((*x, point.mean? * scale))).collect();
    let low_x = points.iter().map(|(x, _)| *x).reduce(f64::min)?;
    let high_x = points.iter().map(|(x, _)| *x).reduce(f64::max)?;
    let interval = |point: &ResponsePoint| Some((point.low? * scale, point.high? * scale));
    let ends =
        points.iter().filter_map(|(_, point)| interval(point)).flat_map(|(low, high)| [low, high]);
    let all: Vec<f64> = ends.chain(known.iter().map(|(_, y)| *y)).collect();
    let (low_y, high_y) =
        (all.iter().copied().reduce(f64::min)?, all.iter().copied().reduce(f64::max)?);
    let y = if low_y >= 0.0 && low_y < 0.7 * high_y {
        Axis::from_zero("", high_y, 4, count_short)
    } else {
        // What does not change at all is a line in the middle.
        let extent = if high_y > low_y { high_y - low_y } else { high_y.abs() };
        let room = (extent * 0.08).max(1e-9);
        Axis::linear("", low_y - room, high_y + room, 4, count_short)
    };
    let label = match axis.unit.as_deref() {
        None | Some("") => axis.path.clone(),
        Some(unit) => format!("{}, {unit}", axis.path),
    };
    let x = if !is_numeric {
        let names = response.points.iter().enumerate().map(|(i, p)| (i as f64, p.at.clone()));
        let high = (response.points.len() - 1) as f64;
        Axis { label, low: -0.4, high: high + 0.4, ticks: names.collect(), log: false, unit: "" }
    } else if axis.log {
        Axis::log(&label, low_x, high_x, count_short)
    } else {
        let room = (high_x - low_x) * 0.02;
        Axis::linear(&label, low_x - room, high_x + room, 8, count_short)
    };
    let (line, whisker) = (solid(VERMILLION, 2.0), solid(GREY, 1.25));
    let bars = points.iter().filter_map(|(x, point)| {
        let (low, high) = interval(point)?;
        (high > low).then(|| vec![(*x, low), (*x, high)])
    });
    Some(Plot {
        heading: heading(sweep, &response.metric),
        height: 120.0,
        x,
        y,
        shades: Vec::new(),
        boxes: Vec::new(),
        areas: Vec::new(),
        lines: vec![
            Line { name: "95 % interval".to_owned(), pieces: bars.collect(), stroke: whisker },
            Line { name: "mean".to_owned(), pieces: vec![known], stroke: line },
        ],
        legend: vec![
            Entry { text: "mean".to_owned(), stroke: Some(line) },
            Entry { text: "95 % interval".to_owned(), stroke: Some(whisker) },
        ],
    })
}

fn heat(sweep: &Sweep, surface: &Surface) -> Option<Heat> {
    let (scale, _) = scale(sweep, &surface.metric);
    let all: Vec<f64> = surface.cells.iter().flatten().flatten().map(|cell| cell * scale).collect();
    let low = all.iter().copied().reduce(f64::min)?;
    let high = all.iter().copied().reduce(f64::max)?;
    let part = |value: f64| if high > low { (value - low) / (high - low) } else { 0.0 };
    // As many digits as tell the least from the greatest.
    let tells = |more: &usize| short(low, *more) != short(high, *more);
    let more = (2..5).find(tells).unwrap_or(2);
    let cell = |cell: &Option<f64>| {
        cell.map(|cell| cell * scale).map(|value| (part(value), short(value, more)))
    };
    Some(Heat {
        heading: heading(sweep, &surface.metric),
        x: sweep.axes[surface.x].path.clone(),
        y: sweep.axes[surface.y].path.clone(),
        columns: surface.columns.clone(),
        rows: surface.rows.clone(),
        cells: surface.cells.iter().map(|row| row.iter().map(cell).collect()).collect(),
    })
}

/// One significant digit and `more`.
fn short(value: f64, more: usize) -> String {
    let text = format!("{value:.more$e}");
    count(significant(text.parse().expect("what was written as a number reads as one")))
}

fn count_short(value: f64) -> String {
    count(significant(value))
}

/// Where users stop recovering, a bar a combination of the other axes.
fn boundary(sweep: &Sweep) -> Option<Page> {
    let boundary = sweep.boundary.as_ref()?;
    let axis = &sweep.axes[boundary.axis];
    let others: Vec<&str> = (sweep.axes.iter().enumerate())
        .filter(|(at, _)| *at != boundary.axis)
        .map(|(_, axis)| axis.path.rsplit('.').next().unwrap_or_default())
        .collect();
    let rows: Vec<Bar> = boundary.edges.iter().map(|edge| bar(&others, edge)).collect();
    let end =
        |edge: &Edge| edge.stuck.iter().chain(&edge.recovers).map(|p| p.number).fold(0.0, f64::max);
    let high = boundary.edges.iter().map(end).fold(0.0, f64::max);
    let x = Axis::from_zero(&axis.path, high, 6, count);
    let heading = format!(
        "greatest {} at which users recover in most of the runs; blue: at all that was tried",
        axis.path
    );
    let title = "Where users stop recovering after the fault".to_owned();
    Some(page(sweep, title, vec![Panel::Bars(Bars { heading, x, rows })]))
}

fn bar(others: &[&str], edge: &Edge) -> Bar {
    let name: Vec<String> =
        others.iter().zip(&edge.at).map(|(name, at)| format!("{name} {at}")).collect();
    let (length, interval, text, colour) = match (&edge.recovers, &edge.stuck) {
        (Some(recovers), Some(stuck)) => (
            Length::Known(recovers.number),
            Some((recovers.number, stuck.number)),
            format!("{} yes, {} no", recovers.at, stuck.at),
            VERMILLION,
        ),
        (Some(recovers), None) => {
            (Length::Open(recovers.number), None, format!("recovers up to {}", recovers.at), BLUE)
        }
        (None, Some(stuck)) => {
            (Length::None, None, format!("not even at {}", stuck.at), VERMILLION)
        }
        (None, None) => (Length::None, None, "no run tells".to_owned(), GREEN),
    };
    Bar { name: name.join(", "), length, interval, text, colour }
}
