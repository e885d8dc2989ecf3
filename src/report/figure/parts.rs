//! What lowers a weight: the penalties of the score over time, stacked, and the bonus that is taken off.

use super::groups::{self, Group};
use super::time::{Clock, bins_per_point, dashed, greatest, line, page, solid, three};
use crate::record::StoredRun;
use crate::report::page::{Area, Axis, Entry, Line, Page, Panel, Plot};
use crate::report::palette::{Colour, INK, ORANGE, SKY, VERMILLION};

/// Providers with a panel of their own: those with a fault first.
const PROVIDERS_MOST: usize = 3;

/// Penalties in the order in which they are stacked; the bonus comes after them.
const PENALTIES: [(&str, Colour); 3] =
    [("errors", VERMILLION), ("latency", ORANGE), ("utilization", SKY)];
const MOMENTUM: usize = 3;

/// The figure; `None` for a policy without a score.
pub fn parts(run: &StoredRun) -> Option<Page> {
    let scored = |group: &&Group| {
        let samples = group.routes.iter().filter_map(|r| run.series.get(*r)).flatten();
        samples.into_iter().any(|sample| sample.view.parts.iter().any(|part| *part != 0.0))
    };
    if run.series.iter().flatten().any(|sample| sample.counts.is_none()) {
        return None;
    }
    let all = groups::providers(run);
    let mut providers: Vec<&Group> = all.iter().filter(scored).collect();
    let faulted = |group: &Group| {
        let routes = || group.routes.iter().map(|r| &run.summary.routes[*r].id);
        run.summary.faults.iter().any(|fault| routes().any(|id| fault.routes.contains(id)))
    };
    providers.sort_by_key(|group| !faulted(group));
    providers.truncate(PROVIDERS_MOST);
    let last = providers.len().checked_sub(1)?;
    let panels = providers.iter().enumerate();
    let panels = panels.map(|(i, group)| Panel::Plot(plot(run, group, (i == 0, i == last))));
    Some(page(run, "What lowers the weights", panels.collect()))
}

fn plot(run: &StoredRun, group: &Group, (first, last): (bool, bool)) -> Plot {
    let clock = Clock::of(run);
    let bins = run.series[group.routes[0]].len();
    let step = bins_per_point(bins, u64::MAX);
    let points: Vec<(f64, [f64; 4])> = (0..bins)
        .step_by(step)
        .map(|bin| {
            let at = clock.at(run.series[group.routes[0]][bin].time_s);
            let mean = |part: usize| {
                let routes = group.routes.iter().map(|r| run.series[*r][bin].view.parts[part]);
                routes.sum::<f64>() / group.routes.len() as f64
            };
            (at, [mean(0), mean(1), mean(2), mean(3)])
        })
        .collect();
    let (mut areas, mut legend) = (Vec::new(), Vec::new());
    for (i, (name, colour)) in PENALTIES.into_iter().enumerate() {
        let stacked = points.iter().map(|(at, parts)| {
            let below: f64 = parts[..i].iter().sum();
            (*at, below, below + parts[i])
        });
        let points = stacked.collect();
        areas.push(Area { name: name.to_owned(), points, colour, faint: false });
        legend.push(Entry { text: name.to_owned(), stroke: Some(solid(colour, 6.0)) });
    }
    let mut lines: Vec<Line> = Vec::new();
    let bonus = dashed(INK, 1.25);
    let momentum = points.iter().map(|(at, parts)| (*at, Some(parts[MOMENTUM])));
    let momentum = line("momentum", momentum, bonus);
    if greatest(std::iter::once(&momentum)) > 0.0 {
        lines.push(momentum);
        legend.push(Entry { text: "momentum".to_owned(), stroke: Some(bonus) });
    }
    let height =
        |(_, parts): &(f64, [f64; 4])| parts[..MOMENTUM].iter().sum::<f64>().max(parts[MOMENTUM]);
    let high = points.iter().map(height).fold(0.0, f64::max);
    Plot {
        heading: format!("{}: penalties before weighting, mean of its routes", group.name),
        height: 110.0,
        x: clock.axis(last),
        y: Axis::from_zero("", high, 4, three),
        shades: clock.shades(run, first),
        boxes: Vec::new(),
        areas,
        lines,
        legend,
    }
}
