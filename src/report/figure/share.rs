//! Who gets the traffic: first attempts per provider and per route, against what the policy meant
//! to send.

use super::groups::{self, Group};
use super::time::{Clock, bins_per_point, dashed, greatest, line, page, percent, solid};
use crate::record::{Sample, Series, StoredRun};
use crate::report::page::{Axis, Entry, Line, Page, Panel, Plot};
use crate::report::palette::INK;

const BY_PROVIDER: &str = "by provider";

/// The figure; `None` where no series per route were kept, or nothing was routed.
pub fn share(run: &StoredRun) -> Option<Page> {
    let total = totals(&run.series)?;
    let providers = groups::providers(run);
    let routes = groups::routes(run);
    let mut panels = vec![panel(run, BY_PROVIDER, &providers, &total, routes.is_none())];
    if let Some(routes) = &routes {
        panels.push(panel(run, "by route", routes, &total, true));
    }
    Some(page(run, "Who gets the traffic", panels.into_iter().map(Panel::Plot).collect()))
}

/// First attempts per bin, at all routes.
fn totals(series: &Series) -> Option<Vec<u64>> {
    let bins = series.first()?.len();
    let first = |sample: &Sample| Some(u64::from(sample.counts?.first));
    let mut totals = vec![0; bins];
    for route in series {
        for (total, sample) in totals.iter_mut().zip(route) {
            *total += first(sample)?;
        }
    }
    totals.iter().any(|total| *total > 0).then_some(totals)
}

fn panel(run: &StoredRun, by: &str, groups: &[Group], total: &[u64], lowest: bool) -> Plot {
    let clock = Clock::of(run);
    let width = if by == BY_PROVIDER { 1.75 } else { 1.0 };
    let mut expected = Vec::new();
    let mut actual = Vec::new();
    let mut legend = Vec::new();
    for group in groups {
        let stroke = solid(group.colour, width);
        actual.push(points(run, group, total, clock, first).with(&group.name, stroke));
        let (name, stroke) =
            (format!("{}, expected", group.name), dashed(group.colour.darker(0.5), 1.0));
        expected.push(points(run, group, total, clock, meant).with(&name, stroke));
        legend.push(Entry { text: group.name.clone(), stroke: Some(solid(group.colour, width)) });
    }
    // A policy that says nothing of its intentions has a flat zero here: no line at all, then.
    expected.retain(|line: &Line| greatest(std::iter::once(line)) > 0.0);
    if !expected.is_empty() {
        let text = "expected share".to_owned();
        legend.push(Entry { text, stroke: Some(dashed(INK, 1.0)) });
    }
    let lines: Vec<Line> = actual.into_iter().chain(expected).collect();
    let high = greatest(lines.iter()).min(1.0);
    Plot {
        heading: format!("Share of first attempts {by}"),
        height: 190.0,
        x: clock.axis(lowest),
        y: Axis::from_zero("", high, 5, percent).of("%"),
        shades: clock.shades(run, by == BY_PROVIDER),
        boxes: Vec::new(),
        areas: Vec::new(),
        lines,
        legend,
    }
}

/// Points of a line that has no look yet.
struct Points(Vec<(f64, Option<f64>)>);

impl Points {
    fn with(self, name: &str, stroke: crate::report::page::Stroke) -> Line {
        line(name, self.0.into_iter(), stroke)
    }
}

/// A quantity of the group's samples, summed, over all first attempts.
fn points(
    run: &StoredRun,
    group: &Group,
    total: &[u64],
    clock: Clock,
    of: fn(&Sample) -> f64,
) -> Points {
    let step = bins_per_point(total.len(), total.iter().sum());
    let at = |b: usize| {
        let bins = b..(b + step).min(total.len());
        let all: u64 = total[bins.clone()].iter().sum();
        let samples = group.routes.iter().flat_map(|r| &run.series[*r][bins.clone()]);
        let sum: f64 = samples.map(of).sum();
        let middle = run.series[0][b].time_s + run.summary.bin_seconds * step as f64 / 2.0;
        (clock.at(middle), (all > 0).then(|| sum / all as f64))
    };
    Points((0..total.len()).step_by(step).map(at).collect())
}

fn first(sample: &Sample) -> f64 {
    sample.counts.map_or(0.0, |counts| f64::from(counts.first))
}

fn meant(sample: &Sample) -> f64 {
    sample.counts.map_or(0.0, |counts| sample.view.expected * f64::from(counts.offered))
}
