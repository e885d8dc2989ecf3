//! Series over time: per route, per bin of arrivals, and changes of health.

use crate::engine::Time;
use crate::metrics::Tape;
use crate::policy::{Health, Pool, RouteView};

use super::quantity::significant;

/// Samples of all routes: `series[r]` ascends in time, `r` as in the summary's routes.
pub type Series = Vec<Vec<Sample>>;

/// One route in one bin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Start of the bin, in seconds.
    pub time_s: f64,
    /// Attempts that began in the bin. Runs with more than 1,000 routes keep none.
    pub counts: Option<Counts>,
    /// What the policy showed last, its numbers rounded to 6 significant digits.
    pub view: RouteView,
}

/// Attempts of one route in one bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// First attempts for the route's model, at whatever route.
    pub offered: u32,
    /// First attempts here.
    pub first: u32,
    /// Attempts.
    pub attempts: u32,
    /// Attempts that were done.
    pub good: u32,
    /// Attempts that failed, 429s apart.
    pub failed: u32,
    /// Attempts refused with a 429.
    pub rate_limited: u32,
}

/// Requests that arrived in one bin, and how long they took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArrivalRow {
    /// Start of the bin, in seconds.
    pub time_s: f64,
    /// Requests that arrived.
    pub offered: u32,
    /// Of those, good.
    pub good: u32,
    /// Of those, late.
    pub late: u32,
    /// Of those, failed or shed.
    pub failed: u32,
    /// p50, p90 and p99 of latency in milliseconds, of those that were done; `None` where none was.
    pub latency_ms: Option<[f64; 3]>,
}

/// A change of health.
#[derive(Clone, Debug, PartialEq)]
pub struct TransitionRow {
    /// When, in seconds.
    pub time_s: f64,
    /// Index of the route in the summary.
    pub route: u32,
    /// State before.
    pub from: Health,
    /// State after.
    pub to: Health,
    /// Short cause.
    pub reason: String,
}

impl Counts {
    /// First attempts here over those for the model; `None` where nobody asked for it.
    pub fn share(&self) -> Option<f64> {
        (self.offered > 0).then(|| f64::from(self.first) / f64::from(self.offered))
    }
}

/// The series of a tape: a row a bin and route or, where a tape keeps no bins of routes, a row a
/// route wherever the policy's view of it changed.
pub fn series(tape: &Tape, pool: &Pool) -> Series {
    let rounded: Vec<(Time, Vec<RouteView>)> =
        tape.views.iter().map(|(at, views)| (*at, views.iter().map(round).collect())).collect();
    let offered = offered(tape, pool);
    let routes = tape.routes.iter().enumerate();
    routes
        .map(|(r, bins)| {
            if bins.is_empty() {
                return changes(&rounded, r);
            }
            let mut views = rounded.iter().peekable();
            let mut view = RouteView::default();
            let sample = |(b, bin): (usize, &crate::metrics::RouteBin)| {
                let start = Time(b as u64 * tape.bin.0);
                while let Some((_, shown)) = views.next_if(|(at, _)| *at <= start) {
                    view = shown[r];
                }
                let counts = Counts {
                    offered: offered[usize::from(pool.routes[r].model.0)][b],
                    first: bin.first,
                    attempts: bin.attempts,
                    good: bin.good,
                    failed: bin.failed,
                    rate_limited: bin.rate_limited,
                };
                Sample { time_s: significant(start.as_secs_f64()), counts: Some(counts), view }
            };
            bins.iter().enumerate().map(sample).collect()
        })
        .collect()
}

/// First attempts per model and bin.
fn offered(tape: &Tape, pool: &Pool) -> Vec<Vec<u32>> {
    let bins = tape.routes.iter().map(Vec::len).max().unwrap_or(0);
    let mut offered = vec![vec![0; bins]; pool.models.len()];
    for (route, bins) in pool.routes.iter().zip(&tape.routes) {
        for (sum, bin) in offered[usize::from(route.model.0)].iter_mut().zip(bins) {
            *sum += bin.first;
        }
    }
    offered
}

fn changes(views: &[(Time, Vec<RouteView>)], route: usize) -> Vec<Sample> {
    let samples = views.iter().map(|(at, views)| Sample {
        time_s: significant(at.as_secs_f64()),
        counts: None,
        view: views[route],
    });
    let mut changes: Vec<Sample> = samples.collect();
    changes.dedup_by(|later, earlier| later.view == earlier.view);
    changes
}

fn round(view: &RouteView) -> RouteView {
    RouteView {
        weight: significant(view.weight),
        health: view.health,
        expected: significant(view.expected),
        parts: view.parts.map(significant),
    }
}

/// Arrivals of a tape, a row a bin.
pub fn arrivals(tape: &Tape) -> Vec<ArrivalRow> {
    let bins = tape.arrivals.iter().enumerate();
    bins.map(|(b, bin)| {
        let latency = tape.latency_bins.get(b).filter(|quantiles| quantiles[2] > 0);
        ArrivalRow {
            time_s: significant(Time(b as u64 * tape.bin.0).as_secs_f64()),
            offered: bin.offered,
            good: bin.good,
            late: bin.late,
            failed: bin.failed,
            latency_ms: latency.map(|micros| micros.map(|us| significant(us as f64 / 1e3))),
        }
    })
    .collect()
}

/// Changes of health of a tape, in order of time.
pub fn transitions(tape: &Tape) -> Vec<TransitionRow> {
    let changes = tape.transitions.iter();
    changes
        .map(|change| TransitionRow {
            time_s: significant(change.at.as_secs_f64()),
            route: change.route.0,
            from: change.from,
            to: change.to,
            reason: change.reason.to_owned(),
        })
        .collect()
}
