//! Pictures of a request log: its minutes, and how long its prompts and answers are.

use std::path::{Path, PathBuf};

use super::figure::time::count;
use super::page::{Axis, Entry, Line, Page, Panel, Plot, Stroke};
use super::palette::{BLUE, GREY, ORANGE, VERMILLION};
use super::picture::{ReportError, write};

/// What pictures show of a log.
#[derive(Clone, Debug, Default)]
pub struct LogShape {
    /// What the log is called.
    pub name: String,
    /// Requests of each minute.
    pub requests: Vec<u64>,
    /// Tokens of each minute.
    pub tokens: Vec<u64>,
    /// Quantiles of tokens by name, at [`LogShape::at`].
    pub sizes: Vec<(String, Vec<f64>)>,
    /// Which quantiles.
    pub at: Vec<f64>,
}

/// Points along a time axis; more minutes are averaged.
const POINTS: usize = 400;

/// Draws a log into a folder, as `minutes` and `tokens`, SVG and PNG.
///
/// # Errors
/// [`ReportError`]; files written before are whole.
pub fn write_log(dir: &Path, shape: &LogShape) -> Result<Vec<PathBuf>, ReportError> {
    let mut files = write(dir, "minutes", &minutes(shape))?.to_vec();
    files.extend(write(dir, "tokens", &sizes(shape))?);
    Ok(files)
}

fn minutes(shape: &LogShape) -> Page {
    let panel = |heading: &str, counts: &[u64], colour| {
        let step = counts.len().div_ceil(POINTS).max(1);
        let groups = counts.chunks(step).enumerate();
        let mean = |group: &[u64]| group.iter().sum::<u64>() as f64 / group.len() as f64;
        let hours = |at: usize| (at * step) as f64 / 60.0;
        let points: Vec<_> = groups.map(|(at, group)| (hours(at), mean(group))).collect();
        let high = points.iter().fold(0.0, |high: f64, point| high.max(point.1));
        let stroke = Stroke { colour, width: 1.5, dashed: false };
        let name = if step > 1 { format!("means of {step} minutes") } else { "minutes".to_owned() };
        Panel::Plot(Plot {
            heading: heading.to_owned(),
            height: 150.0,
            x: Axis::linear("hours", 0.0, hours(counts.len().div_ceil(step)), 8, |x| {
                format!("{}", (x * 100.0).round() / 100.0)
            }),
            y: Axis::from_zero("", high, 5, count),
            shades: Vec::new(),
            boxes: Vec::new(),
            areas: Vec::new(),
            lines: vec![Line { name: name.clone(), pieces: vec![points], stroke }],
            legend: vec![Entry { text: name, stroke: Some(stroke) }],
        })
    };
    Page {
        title: "The log by minutes".to_owned(),
        subtitle: shape.name.clone(),
        panels: vec![
            panel("Requests per minute", &shape.requests, BLUE),
            panel("Tokens per minute", &shape.tokens, VERMILLION),
        ],
    }
}

fn sizes(shape: &LogShape) -> Page {
    let colours = [BLUE, VERMILLION, ORANGE, GREY];
    let mut high: f64 = 10.0;
    let mut lines = Vec::new();
    let mut legend = Vec::new();
    for ((name, values), colour) in shape.sizes.iter().zip(colours) {
        let stroke = Stroke { colour, width: 1.5, dashed: false };
        let points: Vec<_> =
            shape.at.iter().zip(values).map(|(at, value)| (at * 100.0, value.max(1.0))).collect();
        high = points.iter().fold(high, |high, point| high.max(point.1));
        lines.push(Line { name: name.clone(), pieces: vec![points], stroke });
        legend.push(Entry { text: name.clone(), stroke: Some(stroke) });
    }
    let plot = Plot {
        heading: "So many per cent of requests have at most so many".to_owned(),
        height: 200.0,
        x: Axis::linear("% of requests", 0.0, 100.0, 10, |x| format!("{x:.0}")),
        y: Axis::log("", 1.0, high, count),
        shades: Vec::new(),
        boxes: Vec::new(),
        areas: Vec::new(),
        lines,
        legend,
    };
    Page {
        title: "How long prompts and answers are".to_owned(),
        subtitle: shape.name.clone(),
        panels: vec![Panel::Plot(plot)],
    }
}
