//! How long answers took, by the second in which they were asked for.

use super::time::{Clock, arrived, bins_per_point, count, line, page, solid};
use crate::record::{ArrivalRow, StoredRun};
use crate::report::page::{Axis, Entry, Line, Page, Panel, Plot};
use crate::report::palette::{BLUE, Colour, GREEN, VERMILLION};

const QUANTILES: [(&str, Colour); 3] = [("p99", VERMILLION), ("p90", GREEN), ("p50", BLUE)];

/// The figure; `None` where no request was done.
pub fn latency(run: &StoredRun) -> Option<Page> {
    let known = || run.arrivals.iter().filter_map(|row| row.latency_ms);
    let low = known().map(|[p50, ..]| p50).reduce(f64::min)?;
    let high = known().map(|[.., p99]| p99).reduce(f64::max)?;
    let clock = Clock::of(run);
    let step = bins_per_point(run.arrivals.len(), arrived(run));
    let middle = run.summary.bin_seconds * step as f64 / 2.0;
    let (mut lines, mut legend): (Vec<Line>, Vec<Entry>) = (Vec::new(), Vec::new());
    for (i, (name, colour)) in QUANTILES.into_iter().enumerate() {
        let quantile = |rows: &[ArrivalRow]| {
            let bins: Vec<f64> =
                rows.iter().filter_map(|row| Some(row.latency_ms?[2 - i] / 1e3)).collect();
            // Over several bins: the mean of the bins' quantiles.
            let mean = bins.iter().sum::<f64>() / bins.len() as f64;
            (clock.at(rows[0].time_s + middle), (!bins.is_empty()).then_some(mean))
        };
        let stroke = solid(colour, 1.5);
        lines.push(line(name, run.arrivals.chunks(step).map(quantile), stroke));
        legend.push(Entry { text: name.to_owned(), stroke: Some(stroke) });
    }
    let plot = Plot {
        heading: "Latency from intended arrival, s (logarithmic), of requests that were done"
            .to_owned(),
        height: 230.0,
        x: clock.axis(true),
        y: Axis::log("", low.max(1e-3) / 1e3, high.max(2e-3) / 1e3, count).of("s"),
        shades: clock.shades(run, true),
        boxes: Vec::new(),
        areas: Vec::new(),
        lines,
        legend,
    };
    Some(page(run, "How long answers took", vec![Panel::Plot(plot)]))
}
