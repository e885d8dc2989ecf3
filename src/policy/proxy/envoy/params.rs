//! What Envoy's balancer may be given. Defaults are those of its API unless the source is our choice.

use crate::engine::{Param, Unit};

const LB: &str = "envoyproxy.io, Supported load balancers, 2026";
const SLOW: &str = "envoyproxy.io, Slow start mode, 2026";
const PANIC: &str = "envoyproxy.io, Panic threshold, 2026";
const OUTLIER: &str = "envoyproxy.io, config.cluster.v3.OutlierDetection, 2026";

const fn count(id: &'static str, default: f64, doc: &'static str) -> Param {
    Param::new(id, Unit::Count, default, (0.0, 1e6), doc).from(OUTLIER)
}

const fn ratio(id: &'static str, default: f64, doc: &'static str) -> Param {
    Param::new(id, Unit::Ratio, default, (0.0, 1.0), doc).from(OUTLIER)
}

const fn seconds(id: &'static str, default: f64, doc: &'static str) -> Param {
    Param::new(id, Unit::Seconds, default, (0.001, 86_400.0), doc).from(OUTLIER)
}

/// All of them.
pub(super) static TABLE: [Param; 24] = [
    Param::new(
        "least_request.choices",
        Unit::Count,
        2.0,
        (1.0, 100.0),
        "Draws, with replacement, of which the one with the fewest active requests is taken.",
    )
    .from(LB),
    Param::new(
        "least_request.bias",
        Unit::Number,
        1.0,
        (0.0, 10.0),
        "Where weights differ, turns go by weight / (active + 1) to this power.",
    )
    .from(LB),
    Param::new(
        "slow_start.window",
        Unit::Seconds,
        0.0,
        (0.0, 86_400.0),
        "Time in which a new host's weight grows to its full value; 0 = at once.",
    )
    .from(SLOW),
    Param::new(
        "slow_start.aggression",
        Unit::Number,
        1.0,
        (0.01, 100.0),
        "The weight grows with the time in the window to the power of 1 / this.",
    )
    .from(SLOW),
    Param::new(
        "slow_start.min_weight",
        Unit::Ratio,
        0.1,
        (0.0, 1.0),
        "Least share of its weight that a new host has.",
    )
    .from(SLOW),
    Param::new(
        "panic.threshold",
        Unit::Ratio,
        0.5,
        (0.0, 1.0),
        "With fewer hosts than this share not ejected, ejections are ignored.",
    )
    .from(PANIC),
    seconds("outlier.interval", 10.0, "Time between two sweeps, which eject and let back."),
    seconds("outlier.ejection_time", 30.0, "An ejection lasts this long × ejections in a row."),
    seconds("outlier.ejection_time_max", 300.0, "Longest ejection."),
    ratio("outlier.ejected_max", 0.1, "With this share of hosts ejected, no other is."),
    Param::new(
        "outlier.always_one",
        Unit::Switch,
        1.0,
        (0.0, 1.0),
        "Whether one host may be ejected whatever share it is.",
    )
    .from("envoyproxy.io, Outlier detection, 2026"),
    count("outlier.consecutive_5xx", 5.0, "Answers of 5xx in a row, or none at all, that eject."),
    ratio("outlier.enforcing_consecutive_5xx", 1.0, "Chance that they do."),
    count(
        "outlier.consecutive_gateway",
        5.0,
        "502, 503, 504 in a row, or none at all, that eject.",
    ),
    ratio("outlier.enforcing_consecutive_gateway", 0.0, "Chance that they do."),
    count(
        "outlier.success_rate_hosts",
        5.0,
        "Hosts with enough answers before success rates count.",
    ),
    count("outlier.success_rate_volume", 100.0, "Answers in an interval that are enough."),
    Param::new(
        "outlier.success_rate_stdev",
        Unit::Number,
        1.9,
        (0.0, 100.0),
        "A success rate this many standard deviations below the mean ejects.",
    )
    .from(OUTLIER),
    ratio("outlier.enforcing_success_rate", 1.0, "Chance that it does."),
    ratio("outlier.failure_percentage", 0.85, "Share of failures in an interval that ejects."),
    count("outlier.failure_percentage_hosts", 5.0, "Hosts with enough answers before it counts."),
    count("outlier.failure_percentage_volume", 50.0, "Answers in an interval that are enough."),
    ratio("outlier.enforcing_failure_percentage", 0.0, "Chance that it ejects."),
    Param::new(
        "outlier.limited_is_failure",
        Unit::Switch,
        0.0,
        (0.0, 1.0),
        "Whether a 429 counts as a 5xx.",
    ),
];
