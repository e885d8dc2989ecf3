//! What a decision costs on the real clock: a histogram a kind of call, on one common axis.

use super::time::{count, dashed, solid, three};
use crate::record::Bench;
use crate::report::page::{Axis, Entry, Line, Page, Panel, Plot, Stroke};
use crate::report::palette::{INK, VERMILLION};

/// The figure; `None` without a bench.
pub fn overhead(benches: &[Bench]) -> Option<Page> {
    let high = benches.iter().filter_map(|bench| bench.buckets.last()).map(|last| last.high);
    let high = high.reduce(f64::max)?;
    let last = benches.len() - 1;
    let panels = benches.iter().enumerate();
    let panels = panels.map(|(i, bench)| Panel::Plot(plot(bench, high, i == last))).collect();
    let subtitle =
        "on the real clock of one machine, call by call, the clock itself subtracted".to_owned();
    Some(Page { title: "What a decision costs".to_owned(), subtitle, panels })
}

fn plot(bench: &Bench, high: f64, lowest: bool) -> Plot {
    let samples = bench.samples.max(1) as f64;
    let boxes: Vec<_> = bench
        .buckets
        .iter()
        .filter(|bucket| bucket.count > 0)
        .map(|bucket| (bucket.low, bucket.high, bucket.count as f64 / samples))
        .collect();
    let top = boxes.iter().map(|(_, _, part)| *part).fold(0.0, f64::max);
    let mark = |name: &str, at: f64, stroke: Stroke| {
        let points = vec![(at, 0.0), (at, top)];
        Line { name: format!("{name} {}", three(at)), pieces: vec![points], stroke }
    };
    let (p50, p99) = (solid(VERMILLION, 1.5), dashed(INK, 1.25));
    let entry =
        |name: &str, value: f64, stroke| Entry { text: format!("{name} {}", three(value)), stroke };
    Plot {
        heading: format!(
            "{}: share of {} calls; the last bar holds the slowest 1 %",
            bench.name,
            count(samples)
        ),
        height: 110.0,
        x: Axis::from_zero(if lowest { &bench.unit } else { "" }, high, 8, count).of("ns"),
        y: Axis::from_zero("", top, 3, super::time::percent).of("%"),
        shades: Vec::new(),
        boxes,
        areas: Vec::new(),
        lines: vec![mark("median", bench.p50, p50), mark("p99", bench.p99, p99)],
        legend: vec![
            entry("median", bench.p50, Some(p50)),
            entry("p99", bench.p99, Some(p99)),
            entry("least", bench.min, None),
        ],
    }
}
