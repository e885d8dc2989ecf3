//! What clients got, by the second in which they asked.

use super::time::{Clock, arrived, bins_per_point, count, greatest, line, page, percent, solid};
use crate::record::{ArrivalRow, StoredRun};
use crate::report::page::{Axis, Entry, Line, Page, Panel, Plot, Stroke};
use crate::report::palette::{BLUE, GREY, ORANGE, VERMILLION};

/// The figure; `None` for a run without arrivals.
pub fn goodput(run: &StoredRun) -> Option<Page> {
    if run.arrivals.iter().all(|row| row.offered == 0) {
        return None;
    }
    let seconds = run.summary.bin_seconds;
    let per_second = |rows: &[ArrivalRow], of: fn(&ArrivalRow) -> u32| {
        Some(sum(rows, of) / (seconds * rows.len() as f64))
    };
    let rates = plot(
        run,
        "Requests per second, by arrival",
        &[
            ("offered", solid(GREY, 1.0), &|rows| per_second(rows, |row| row.offered)),
            ("good", solid(BLUE, 1.75), &|rows| per_second(rows, |row| row.good)),
        ],
        |high| Axis::from_zero("", high, 5, count).of("/s"),
        false,
    );
    let part = |rows: &[ArrivalRow], of: fn(&ArrivalRow) -> u32| {
        let offered = sum(rows, |row| row.offered);
        (offered > 0.0).then(|| sum(rows, of) / offered)
    };
    let errors = plot(
        run,
        "Requests that were not good, of those that arrived",
        &[
            ("failed", solid(VERMILLION, 1.75), &|rows| part(rows, |row| row.failed)),
            ("late", solid(ORANGE, 1.25), &|rows| part(rows, |row| row.late)),
        ],
        |high| Axis::from_zero("", high.max(0.01), 5, percent).of("%"),
        true,
    );
    Some(page(run, "What clients got", vec![Panel::Plot(rates), Panel::Plot(errors)]))
}

type Of<'a> = &'a dyn Fn(&[ArrivalRow]) -> Option<f64>;

fn plot(
    run: &StoredRun,
    heading: &str,
    series: &[(&str, Stroke, Of<'_>)],
    axis: fn(f64) -> Axis,
    lowest: bool,
) -> Plot {
    let clock = Clock::of(run);
    let step = bins_per_point(run.arrivals.len(), arrived(run));
    let middle = run.summary.bin_seconds * step as f64 / 2.0;
    let mut lines: Vec<Line> = Vec::new();
    let mut legend = Vec::new();
    for (name, stroke, of) in series {
        let groups = run.arrivals.chunks(step);
        let values = groups.map(|rows| (clock.at(rows[0].time_s + middle), of(rows)));
        lines.push(line(name, values, *stroke));
        legend.push(Entry { text: (*name).to_owned(), stroke: Some(*stroke) });
    }
    Plot {
        heading: heading.to_owned(),
        height: if lowest { 130.0 } else { 190.0 },
        x: clock.axis(lowest),
        y: axis(greatest(lines.iter())),
        shades: clock.shades(run, !lowest),
        boxes: Vec::new(),
        areas: Vec::new(),
        lines,
        legend,
    }
}

fn sum(rows: &[ArrivalRow], of: fn(&ArrivalRow) -> u32) -> f64 {
    rows.iter().map(|row| f64::from(of(row))).sum()
}
