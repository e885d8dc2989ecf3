//! The real engine on the real clock, and the simulator's speed. The only results that differ from machine
//! to machine; they are stored apart from all others.

mod bare;
mod engine;
mod governance;
mod paced;
mod simulator;
mod timer;

use crate::engine::Params;
use crate::record::bench::MEASUREMENTS_VERSION;

pub use crate::record::bench::{CallFigure, Measurements, PercentileFigure, SpeedFigure};

pub use bare::bare_loop;
pub use engine::{Case, Rig, Subset};
pub use governance::Till;
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
    say("governance, 1,000 virtual keys");
    calls.extend(governance::figures(effort));
    let mut simulator = Vec::new();
    for (policy, routes, nodes, keys) in [
        ("windtunnel", 12, 1, 0),
        ("bifrost-published", 12, 1, 0),
        ("random", 12, 1, 0),
        ("windtunnel", 1_000, 1, 0),
        ("windtunnel", 10_000, 1, 0),
        ("windtunnel", 12, 16, 0),
        ("windtunnel", 12, 16, governance::KEYS),
    ] {
        say(&format!("simulator, {policy}, {routes} routes, nodes: {nodes}, virtual keys: {keys}"));
        simulator.extend(simulator::speed(policy, routes, (nodes, keys), effort));
    }
    Measurements {
        schema_version: MEASUREMENTS_VERSION,
        warnings,
        calls,
        percentiles,
        simulator,
        histograms,
    }
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
