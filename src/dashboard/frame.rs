//! What the page is told: once what does not change, and then a frame whenever there is a newer one.

use serde::Serialize;

use crate::engine::{HoldClass, Time};
use crate::policy::{RouteView, Transition};
use crate::sim::World;

/// What does not change while a session lasts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Setup {
    /// Scenario name.
    pub scenario: String,
    /// Length of the run.
    pub horizon_s: f64,
    /// Policies, in the order of [`Frame::sides`].
    pub policies: Vec<String>,
    /// Provider names.
    pub providers: Vec<String>,
    /// Model names.
    pub models: Vec<String>,
    /// Routes: name, provider, model.
    pub routes: Vec<(String, u16, u16)>,
    /// Parameters that may be changed while it runs: name, value as text, meaning.
    pub params: Vec<(String, String, String)>,
    /// Faults that can be injected: name, meaning.
    pub faults: Vec<(String, String)>,
}

/// How things stand at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Frame {
    /// Virtual time.
    pub at_s: f64,
    /// Whether it goes on by itself.
    pub plays: bool,
    /// Virtual seconds per second; none as fast as it can.
    pub speed: Option<f64>,
    /// Whether the run is over.
    pub over: bool,
    /// While a run is made again: up to this moment.
    pub catching_up_to_s: Option<f64>,
    /// What was done in this session so far.
    pub done: Vec<String>,
    /// What went wrong with the last order.
    pub message: Option<String>,
    /// Faults: name, begins, ends, routes.
    pub faults: Vec<(String, f64, f64, Vec<u32>)>,
    /// One per policy.
    pub sides: Vec<Side>,
}

/// One policy's run. Lists have one entry per route.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Side {
    /// Digest of a run that is over.
    pub digest: Option<String>,
    /// Measured requests so far: offered, good, late, failed or shed.
    pub totals: [u64; 4],
    /// Attempts per second since the last frame.
    pub attempts_per_s: f64,
    /// Share of attempts since the last frame that failed or were refused.
    pub failing: f64,
    /// Seconds between two points of `history`.
    pub step_s: f64,
    /// Per provider (the first eight) and step from the start: its thousandths of all first attempts; -1 where
    /// there were none. Empty where a run has too many routes to count them by time.
    pub history: Vec<Vec<i16>>,
    /// Weights.
    pub weights: Vec<f64>,
    /// States, as the index of healthy, degraded, failed, recovering.
    pub states: Vec<u8>,
    /// Probability that the next request for its model goes there.
    pub expected: Vec<f64>,
    /// Share of the first attempts for its model that went there since the last frame.
    pub actual: Vec<f64>,
    /// Attempts since the last frame.
    pub attempts: Vec<u32>,
    /// Those that failed or were refused.
    pub failed: Vec<u32>,
    /// Parts of the score: error, latency, utilization, momentum.
    pub parts: Vec<[f64; 4]>,
    /// Held keys: route, why, since, when a check is due.
    pub holds: Vec<(u32, &'static str, f64, f64)>,
    /// The newest changes of health: when, route, from, to, why.
    pub changes: Vec<(f64, u32, &'static str, &'static str, &'static str)>,
    /// Per route the reason of its newest change.
    pub reasons: Vec<(u32, &'static str)>,
}

/// Changes of health that a frame has.
const CHANGES: usize = 60;
/// Providers whose share is drawn over time: as many as there are hues that can be told apart.
const PROVIDERS: usize = 8;
/// Points of a line.
const POINTS: usize = 600;

/// What was counted when the last frame was made.
#[derive(Clone, Debug, Default)]
pub(super) struct Before {
    at: Time,
    /// First attempts by bin and provider.
    bins: Vec<[u32; PROVIDERS]>,
    /// The frame itself: it is shown again while time stands still.
    side: Option<Side>,
    first: Vec<u32>,
    attempts: Vec<u32>,
    failed: Vec<u32>,
}

impl Before {
    /// The frame of one run, and remembers what it counted. Shares are of the time since the last one.
    pub(super) fn side(&mut self, world: &World<'_>) -> Side {
        if let Some(side) = self.side.as_ref().filter(|_| self.at == world.now()) {
            return side.clone();
        }
        let tape = world.tape();
        let pool = world.pool();
        let routes = pool.routes.len();
        let mut views = vec![RouteView::default(); routes];
        world.policy().show(&mut views);
        let mut bins = std::mem::take(&mut self.bins);
        if self.at > world.now() {
            bins.clear();
        }
        count(&mut bins, world);
        let now = Self {
            at: world.now(),
            bins: Vec::new(),
            side: None,
            first: tape.route_totals.iter().map(|total| total.first).collect(),
            attempts: tape.route_totals.iter().map(|total| total.attempts).collect(),
            failed: tape.route_totals.iter().map(|t| t.failed + t.rate_limited).collect(),
        };
        if self.first.len() != routes || self.at > now.at {
            *self = Self {
                at: Time::ZERO,
                bins: Vec::new(),
                side: None,
                first: vec![0; routes],
                attempts: vec![0; routes],
                failed: vec![0; routes],
            };
        }
        let since = |now: &[u32], before: &[u32]| -> Vec<u32> {
            now.iter().zip(before).map(|(now, before)| now.saturating_sub(*before)).collect()
        };
        let first = since(&now.first, &self.first);
        let attempts = since(&now.attempts, &self.attempts);
        let failed = since(&now.failed, &self.failed);
        let mut of_model = vec![0u64; pool.models.len()];
        for (route, first) in pool.routes.iter().zip(&first) {
            of_model[usize::from(route.model.0)] += u64::from(*first);
        }
        let share = |(route, first): (&crate::policy::RouteInfo, &u32)| {
            round(f64::from(*first) / of_model[usize::from(route.model.0)].max(1) as f64)
        };
        let sum = |counts: &[u32]| counts.iter().map(|n| u64::from(*n)).sum::<u64>() as f64;
        let seconds = now.at.since(self.at).as_secs_f64();
        let totals = &tape.totals;
        let (step_s, history) = history(&bins, tape.bin.as_secs_f64(), pool.providers.len());
        let side = Side {
            digest: None,
            step_s,
            history,
            totals: [totals.offered, totals.good, totals.late, totals.failed + totals.shed],
            attempts_per_s: if seconds > 0.0 { (sum(&attempts) / seconds).round() } else { 0.0 },
            failing: round(sum(&failed) / sum(&attempts).max(1.0)),
            weights: views.iter().map(|view| round(view.weight)).collect(),
            states: views.iter().map(|view| view.health as u8).collect(),
            expected: views.iter().map(|view| round(view.expected)).collect(),
            actual: pool.routes.iter().zip(&first).map(share).collect(),
            attempts,
            failed,
            parts: views.iter().map(|view| view.parts.map(round)).collect(),
            holds: holds(world),
            changes: newest(&tape.transitions),
            reasons: reasons(&tape.transitions, routes),
        };
        *self = Self { side: Some(side.clone()), bins, ..now };
        side
    }
}

/// Brings the counts of first attempts up to now; the last bins may have grown since.
fn count(bins: &mut Vec<[u32; PROVIDERS]>, world: &World<'_>) {
    let tape = world.tape();
    let past = (world.now().0 / tape.bin.0.max(1)) as usize;
    bins.truncate(bins.len().saturating_sub(2));
    for bin in bins.len()..past {
        let mut sums = [0; PROVIDERS];
        for (route, counts) in world.pool().routes.iter().zip(&tape.routes) {
            let sum = sums.get_mut(usize::from(route.provider.0));
            if let (Some(sum), Some(counted)) = (sum, counts.get(bin)) {
                *sum += counted.first;
            }
        }
        bins.push(sums);
    }
}

/// Shares by provider in at most [`POINTS`] steps.
fn history(bins: &[[u32; PROVIDERS]], bin_s: f64, providers: usize) -> (f64, Vec<Vec<i16>>) {
    let stride = bins.len().div_ceil(POINTS).max(1);
    let of = |provider: usize| {
        let steps = bins.chunks(stride).map(|bins| {
            let all: u64 = bins.iter().flatten().map(|n| u64::from(*n)).sum();
            let own: u64 = bins.iter().map(|bin| u64::from(bin[provider])).sum();
            (own * 1_000).checked_div(all).map_or(-1, |share| share as i16)
        });
        steps.collect()
    };
    (bin_s * stride as f64, (0..providers.min(PROVIDERS)).map(of).collect())
}

fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

fn holds(world: &World<'_>) -> Vec<(u32, &'static str, f64, f64)> {
    let mut holds = Vec::new();
    if let Some(engine) = world.policy().engine() {
        engine.show(|key, view| {
            if let Some(hold) = view.hold {
                let why: HoldClass = hold.class;
                let (since, due) = (hold.since.as_secs_f64(), hold.due.as_secs_f64());
                holds.push((key.to_word() as u32, why.text(), since, due));
            }
        });
    }
    holds
}

fn newest(transitions: &[Transition]) -> Vec<(f64, u32, &'static str, &'static str, &'static str)> {
    let newest = transitions.iter().rev().take(CHANGES);
    newest
        .map(|change| {
            let (from, to) = (change.from.name(), change.to.name());
            (change.at.as_secs_f64(), change.route.0, from, to, change.reason)
        })
        .collect()
}

fn reasons(transitions: &[Transition], routes: usize) -> Vec<(u32, &'static str)> {
    let mut last: Vec<Option<&'static str>> = vec![None; routes];
    for change in transitions {
        last[change.route.index()] = Some(change.reason);
    }
    let known = last.iter().enumerate();
    known.filter_map(|(route, why)| Some((route as u32, (*why)?))).collect()
}
