//! Several policies in one plot: their runs on the same luck, and their means with intervals.

use super::time::{Clock, bins_per_point, count, greatest, line, percent, solid};
use crate::record::comparison::{Cell, Point, ScenarioTable};
use crate::record::{StoredRun, significant};
use crate::report::page::{Area, Axis, Entry, Line, Page, Panel, Plot, Shade};
use crate::report::palette::{Colour, SERIES};

/// A policy's run, by the policy's name.
pub type Named<'a> = (&'a str, &'a StoredRun);

/// Names of the figures with the pages, of one scenario.
pub fn pages(
    table: &ScenarioTable,
    runs: &[Named<'_>],
    replications: u32,
) -> Vec<(&'static str, Page)> {
    [
        ("share-together", share(table, runs)),
        ("errors-together", errors(table, runs)),
        ("good-spread", spread(table, GOOD, replications)),
        ("regret-spread", spread(table, REGRET, replications)),
    ]
    .into_iter()
    .filter_map(|(name, page)| Some((name, page?)))
    .collect()
}

/// The colour of the `index`-th of the policies that are shown.
pub const fn colour(index: usize) -> Colour {
    SERIES[index % SERIES.len()]
}

/// First attempts to the routes of the first fault, over all.
fn share(table: &ScenarioTable, runs: &[Named<'_>]) -> Option<Page> {
    let (_, first) = runs.first()?;
    let fault = first.summary.faults.iter().min_by(|a, b| a.start_s.total_cmp(&b.start_s))?;
    let values = |run: &StoredRun| {
        let faulted: Vec<bool> =
            run.summary.routes.iter().map(|route| fault.routes.contains(&route.id)).collect();
        let bins = run.series.first().map_or(0, Vec::len);
        let sum = |bins: std::ops::Range<usize>, all: bool| {
            let routes = run.series.iter().zip(&faulted).filter(|(_, own)| all || **own);
            let samples =
                routes.flat_map(|(series, _)| series.get(bins.clone()).into_iter().flatten());
            samples.filter_map(|s| s.counts).map(|counts| u64::from(counts.first)).sum::<u64>()
        };
        let step = bins_per_point(bins, sum(0..bins, true));
        let clock = Clock::of(run);
        let point = |bin: usize| {
            let range = bin..(bin + step).min(bins);
            let (own, all) = (sum(range.clone(), false), sum(range, true));
            let middle = run.series[0][bin].time_s + run.summary.bin_seconds * step as f64 / 2.0;
            (clock.at(middle), (all > 0).then(|| own as f64 / all as f64))
        };
        (0..bins).step_by(step).map(point).collect::<Vec<_>>()
    };
    if runs.iter().any(|(_, run)| run.series.iter().flatten().any(|s| s.counts.is_none())) {
        return None;
    }
    let what = fault.routes.first()?.split(':').next().unwrap_or_default();
    let heading =
        format!("Share of first attempts that goes to the {} faulted routes", fault.routes.len());
    let plot = overlay(runs, &heading, &values, 210.0)?;
    Some(page(table, runs, &format!("Who notices, who comes back: {what}"), plot))
}

/// Requests that were not good, by arrival.
fn errors(table: &ScenarioTable, runs: &[Named<'_>]) -> Option<Page> {
    let values = |run: &StoredRun| {
        let events = super::time::arrived(run);
        let step = bins_per_point(run.arrivals.len(), events);
        let clock = Clock::of(run);
        let middle = run.summary.bin_seconds * step as f64 / 2.0;
        let point = |rows: &[crate::record::ArrivalRow]| {
            let sum = |of: fn(&crate::record::ArrivalRow) -> u32| -> u64 {
                rows.iter().map(|row| u64::from(of(row))).sum()
            };
            let (offered, bad) = (sum(|row| row.offered), sum(|row| row.failed + row.late));
            let part = (offered > 0).then(|| bad as f64 / offered as f64);
            (clock.at(rows[0].time_s + middle), part)
        };
        run.arrivals.chunks(step).map(point).collect::<Vec<_>>()
    };
    let plot =
        overlay(runs, "Requests that were late or failed, of those that arrived", &values, 170.0)?;
    Some(page(table, runs, "What users felt", plot))
}

type Values = Vec<(f64, Option<f64>)>;

fn overlay(
    runs: &[Named<'_>],
    heading: &str,
    values: &dyn Fn(&StoredRun) -> Values,
    height: f64,
) -> Option<Plot> {
    let (_, first) = runs.first()?;
    let clock = Clock::of(first);
    let (mut lines, mut legend): (Vec<Line>, Vec<Entry>) = (Vec::new(), Vec::new());
    for (i, (name, run)) in runs.iter().enumerate() {
        let stroke = solid(colour(i), 1.75);
        lines.push(line(name, values(run).into_iter(), stroke));
        legend.push(Entry { text: (*name).to_owned(), stroke: Some(stroke) });
    }
    let high = greatest(lines.iter());
    if high == 0.0 {
        return None;
    }
    Some(Plot {
        heading: heading.to_owned(),
        height,
        x: clock.axis(true),
        y: Axis::from_zero("", high.max(0.01), 5, percent).of("%"),
        shades: clock.shades(first, true),
        boxes: Vec::new(),
        areas: Vec::new(),
        lines,
        legend,
    })
}

fn page(table: &ScenarioTable, runs: &[Named<'_>], title: &str, plot: Plot) -> Page {
    let replication = table.shown.as_ref().map_or(0, |shown| shown.replication);
    let subtitle = format!(
        "{}, replication {replication}, the same requests and luck under {} policies",
        table.scenario,
        runs.len()
    );
    Page { title: title.to_owned(), subtitle, panels: vec![Panel::Plot(plot)] }
}

/// A quantity around the onset as a mean with its interval.
#[derive(Clone, Copy)]
struct Quantity {
    title: &'static str,
    heading: &'static str,
    /// No interval reaches below it.
    least: f64,
    of: fn(&Cell) -> &Vec<Option<Point>>,
}

const GOOD: Quantity = Quantity {
    title: "Goodput through the fault",
    heading: "Good over offered requests by arrival, mean and 95 % interval",
    least: 0.0,
    of: |cell| &cell.goodput_spread,
};

const REGRET: Quantity = Quantity {
    title: "Regret over time",
    heading: "What the oracle made good beyond the policy, of offered requests, mean and 95 % interval",
    least: -1.0,
    of: |cell| &cell.regret_spread,
};

fn spread(table: &ScenarioTable, quantity: Quantity, replications: u32) -> Option<Page> {
    let bins = &table.bins_s;
    let (first, last) = (*bins.first()?, *bins.last()?);
    let width = bins.get(1)? - first;
    let shown = table.shown.as_ref()?;
    let (mut areas, mut lines, mut legend) = (Vec::new(), Vec::new(), Vec::new());
    for (i, policy) in shown.policies.iter().enumerate() {
        let Some(cell) = table.cells.iter().find(|cell| cell.policy == policy.policy) else {
            continue;
        };
        let points = bins.iter().zip((quantity.of)(cell));
        let known: Vec<(f64, Point)> =
            points.filter_map(|(at, point)| Some((at + width / 2.0, (*point)?))).collect();
        if known.is_empty() {
            continue;
        }
        let stroke = solid(colour(i), 1.75);
        let around = known.iter().map(|(at, p)| (*at, p.low.max(quantity.least), p.high.min(1.0)));
        let name = policy.policy.clone();
        let (points, colour) = (around.collect(), colour(i));
        areas.push(Area { name: name.clone(), points, colour, faint: true });
        let means = known.iter().map(|(at, p)| (*at, Some(p.mean)));
        lines.push(line(&name, means, stroke));
        legend.push(Entry { text: name, stroke: Some(stroke) });
    }
    let ends = || areas.iter().flat_map(|area| &area.points);
    let high = ends().map(|(_, _, high)| *high).fold(0.0, f64::max);
    let low = ends().map(|(_, low, _)| *low).fold(1.0, f64::min);
    if lines.is_empty() || high == 0.0 {
        return None;
    }
    let y = if low > 0.5 && quantity.least == 0.0 {
        // Near 100 % an axis from 0 would show a flat line.
        Axis::linear("", (low - 0.1 * (1.0 - low)).max(0.0), 1.0, 5, |v| percent(significant(v)))
    } else {
        Axis::linear("", low.min(0.0), high, 5, |v| percent(significant(v)))
    };
    let end = last + width;
    let fault =
        table.fault_s.map(|to| Shade { name: "fault".to_owned(), from: 0.0, to: to.min(end) });
    let plot = Plot {
        heading: quantity.heading.to_owned(),
        height: 180.0,
        x: Axis::linear("seconds from the onset of the fault", first, end, 8, count).of("s"),
        y: y.of("%"),
        shades: fault.into_iter().collect(),
        boxes: Vec::new(),
        areas,
        lines,
        legend,
    };
    let subtitle =
        format!("{}, all {replications} replications in bins of {width} s", table.scenario);
    Some(Page { title: quantity.title.to_owned(), subtitle, panels: vec![Panel::Plot(plot)] })
}
