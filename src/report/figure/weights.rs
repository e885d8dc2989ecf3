//! What the policy thinks: weights, and the health states that it gave its routes.

use super::groups;
use super::health;
use super::time::{Clock, bins_per_point, greatest, page, solid, steps};
use crate::record::{StoredRun, significant};
use crate::report::page::{Axis, Entry, Page, Panel, Plot};

/// The figure; `None` for a policy that has neither weights nor states, and where a run has too
/// many routes for series.
pub fn weights(run: &StoredRun) -> Option<Page> {
    if run.series.iter().flatten().any(|sample| sample.counts.is_none()) {
        return None;
    }
    let strips = health::strips(run);
    let mut panels = Vec::new();
    if let Some(plot) = plot(run, strips.is_none()) {
        panels.push(Panel::Plot(plot));
    }
    panels.extend(strips.map(Panel::Strips));
    (!panels.is_empty()).then(|| page(run, "Weights and health", panels))
}

fn plot(run: &StoredRun, lowest: bool) -> Option<Plot> {
    let weighted = run.series.iter().flatten().any(|sample| sample.view.weight != 0.0);
    if !weighted {
        return None;
    }
    let clock = Clock::of(run);
    let routes = groups::routes(run);
    let few = routes.is_some();
    let groups = routes.unwrap_or_else(|| groups::providers(run));
    let alone = groups.iter().all(|group| group.routes.len() == 1);
    let step = bins_per_point(run.series[0].len(), u64::MAX);
    let (mut lines, mut legend) = (Vec::new(), Vec::new());
    for group in &groups {
        let mean = |b: usize| {
            let weights = group.routes.iter().map(|r| run.series[*r][b].view.weight);
            let x = clock.at(run.series[group.routes[0]][b].time_s);
            (x, weights.sum::<f64>() / group.routes.len() as f64)
        };
        let stroke = solid(group.colour, if few { 1.25 } else { 1.75 });
        let bins = run.series[group.routes[0]].len();
        lines.push(steps(&group.name, (0..bins).step_by(step).map(mean), stroke));
        legend.push(Entry { text: group.name.clone(), stroke: Some(stroke) });
    }
    let high = greatest(lines.iter());
    let what = if alone { "by route" } else { "mean of a provider's routes" };
    Some(Plot {
        heading: format!("Weight, {what} (the policy's own unit)"),
        height: 190.0,
        x: clock.axis(lowest),
        y: Axis::from_zero("", high, 5, |value| significant(value).to_string()),
        shades: clock.shades(run, true),
        boxes: Vec::new(),
        areas: Vec::new(),
        lines,
        legend,
    })
}
