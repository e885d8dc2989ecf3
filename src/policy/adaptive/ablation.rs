//! What the parts of the engine are worth: the same engine with one of them off.

/// A part, and the values that switch it off.
pub type Part = (&'static str, &'static [(&'static str, f64)]);

/// The parts, each with what switches it off.
pub const PARTS: [Part; 8] = [
    ("error", &[("score.error", 0.0)]),
    ("latency", &[("score.latency", 0.0), ("state.latency", 1.0)]),
    ("utilization", &[("score.utilization", 0.0)]),
    ("momentum", &[("momentum.cap", 0.0)]),
    ("decay", &[("error.tau_fast", 3_600.0), ("error.tau_slow", 86_400.0)]),
    ("exploration", &[("selection.explore", 0.0)]),
    ("provider-level", &[("switch.direction_selection", 0.0)]),
    ("key-level", &[("switch.route_selection", 0.0)]),
];
