//! The real engine on the real clock, and the simulator's speed. The only results that differ from machine
//! to machine; they are stored apart from all others.

mod bare;
mod engine;
mod paced;
mod simulator;
mod timer;

use serde::Serialize;

use crate::engine::Params;
use crate::record::Bench;

pub use bare::bare_loop;
pub use engine::{Case, Rig, Subset};
pub use timer::Timed;

/// How much to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Batches of 1,000 calls per case.
    pub batches: u32,
    /// Calls timed one by one.
    pub calls: u32,
    /// Seconds of paced load.
    pub paced_s: u32,
    /// Virtual seconds per simulator run.
    pub virtual_s: u64,
}

impl Effort {
    /// About a minute.
    pub const FULL: Self = Self { batches: 2_000, calls: 400_000, paced_s: 10, virtual_s: 120 };
    /// About six seconds.
    pub const QUICK: Self = Self { batches: 200, calls: 40_000, paced_s: 2, virtual_s: 40 };
}

/// Everything that was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Measurements {
    /// What may have disturbed them.
    pub warnings: Vec<String>,
    /// Engine calls in batches.
    pub calls: Vec<CallFigure>,
    /// Engine calls one by one.
    pub percentiles: Vec<PercentileFigure>,
    /// The simulator.
    pub simulator: Vec<SpeedFigure>,
    /// Histograms for the picture.
    pub histograms: Vec<Bench>,
}

/// One kind of call, measured in batches of 1,000, the empty loop subtracted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallFigure {
    /// What was called.
    pub call: String,
    /// Over how many routes.
    pub routes: u32,
    /// In how many threads at once.
    pub threads: u32,
    /// Nanoseconds per call: median over batches.
    pub median_ns: f64,
    /// Least batch.
    pub min_ns: f64,
    /// 99th percentile of batches.
    pub p99_ns: f64,
    /// Heap allocations per call, where the host counts them.
    pub allocations: Option<f64>,
}

/// One kind of call, timed call by call; the median of the empty call is subtracted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PercentileFigure {
    /// What was called, and how.
    pub call: String,
    /// Over how many routes.
    pub routes: u32,
    /// p50, p99, p99.9, p99.99 in nanoseconds.
    pub ns: [f64; 4],
    /// The same of the empty call, not subtracted.
    pub empty_ns: [f64; 4],
}

/// The simulator at one size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SpeedFigure {
    /// Policy.
    pub policy: String,
    /// Routes.
    pub routes: u32,
    /// Gateway nodes; several share everything, and are asked 50,000 times a virtual second.
    pub nodes: u32,
    /// Nanoseconds per simulated request, best of three runs.
    pub ns_per_request: f64,
    /// Requests per wall-clock second and core.
    pub requests_per_s: f64,
    /// Virtual seconds per wall-clock second.
    pub times_real_time: f64,
    /// Cost over that of the bare loop in the same pass.
    pub over_bare_loop: f64,
}

/// Measures everything. `allocations` gives the allocations of the process so far, if its host counts them;
/// `say` is told what is being measured.
pub fn measure(
    effort: Effort,
    allocations: Option<fn() -> u64>,
    say: &dyn Fn(&str),
) -> Measurements {
    let warnings = disturbances();
    let mut calls = Vec::new();
    let mut percentiles = Vec::new();
    let mut histograms = Vec::new();
    for routes in [12, 100, 1_000, 10_000] {
        say(&format!("engine, {routes} routes"));
        let rig = Rig::new(routes);
        calls.extend(rig.figures(effort, allocations));
        let (figure, histogram) = rig.percentiles(effort);
        percentiles.push(figure);
        histograms.extend(histogram);
    }
    say("engine, two threads");
    calls.push(engine::two_threads(effort));
    say("engine, paced at 5,000 decisions a second");
    let (figure, histogram) = paced::paced(effort);
    percentiles.push(figure);
    histograms.extend(histogram);
    let mut simulator = Vec::new();
    for (policy, routes, nodes) in [
        ("windtunnel", 12, 1),
        ("bifrost-published", 12, 1),
        ("random", 12, 1),
        ("windtunnel", 1_000, 1),
        ("windtunnel", 10_000, 1),
        ("windtunnel", 12, 16),
    ] {
        say(&format!("simulator, {policy}, {routes} routes, nodes: {nodes}"));
        simulator.extend(simulator::speed(policy, routes, nodes, effort));
    }
    Measurements { warnings, calls, percentiles, simulator, histograms }
}

/// Single decisions of an engine with these parameters, timed one by one.
pub fn decisions(params: &Params, routes: u32, effort: Effort) -> PercentileFigure {
    Rig::with(params.clone(), routes).percentiles(effort).0
}

/// A loaded machine makes bad figures; they are given all the same, with this remark.
pub fn disturbances() -> Vec<String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: f64 = load.split(' ').next().and_then(|one| one.parse().ok()).unwrap_or(0.0);
    let mut warnings = Vec::new();
    if load > cores as f64 / 2.0 {
        warnings.push(format!(
            "load average {load} on {cores} cores: figures are too high; quote the minimum, or \
             measure on an idle machine"
        ));
    }
    if cfg!(debug_assertions) {
        warnings.push("built with debug assertions: use a release build".to_owned());
    }
    warnings
}
