//! The parameters that all of Kong's presets share.

use crate::engine::{Param, Unit};

const SCHEMA: &str =
    "Kong, AI Proxy Advanced schema 3.13, developer.konghq.com at bc1cd742, 2026-08-21";
const CODE: &str = "Kong/kong at 22246ef2, 2026-07-01, latency.lua";
const CHANGES: &str =
    "Kong, AI Proxy Advanced changelog, developer.konghq.com at bc1cd742, 2026-08-21";

const ALGORITHMS: &[&str] = &[
    "round_robin",
    "consistent_hashing",
    "least_connections",
    "lowest_latency",
    "lowest_usage",
    "semantic",
    "priority",
];

const fn listed(id: &'static str, default: f64, doc: &'static str) -> Param {
    Param::new(id, Unit::Switch, default, (0.0, 1.0), doc).from(SCHEMA)
}

/// The table.
pub static TABLE: [Param; 30] = [
    Param::new(
        "algorithm",
        Unit::Choice(ALGORITHMS),
        0.0,
        (0.0, 6.0),
        "How a target is chosen among those whose breaker is closed.",
    )
    .from(SCHEMA),
    Param::new(
        "retries",
        Unit::Count,
        5.0,
        (0.0, 32_767.0),
        "Retries of a request, each at once after the failure.",
    )
    .from(SCHEMA),
    listed("criteria.error", 1.0, "Whether a connection that was not made is retried."),
    listed("criteria.timeout", 1.0, "Whether a timeout is retried, if POST is."),
    listed("criteria.http_500", 0.0, "Whether a 500 is retried, if POST is, and counts as failure."),
    listed("criteria.http_502", 0.0, "Whether a 502 is retried, if POST is, and counts as failure."),
    listed("criteria.http_503", 0.0, "Whether a 503 is retried, if POST is, and counts as failure."),
    listed("criteria.http_504", 0.0, "Whether a 504 is retried, if POST is, and counts as failure."),
    listed("criteria.http_403", 0.0, "Whether a 403 is retried, if POST is; it never counts."),
    listed("criteria.http_404", 0.0, "Whether a 404 is retried, if POST is; it never counts."),
    listed("criteria.http_429", 0.0, "Whether a 429 is retried, if POST is, and counts as failure."),
    listed("criteria.non_idempotent", 0.0, "Whether a POST that was sent may be retried at all."),
    Param::new(
        "timeout.read",
        Unit::Seconds,
        60.0,
        (0.001, 2_147_483.646),
        "Longest wait for the first token of a stream, or for the whole of another answer.",
    )
    .from(SCHEMA),
    Param::new(
        "breaker.max_fails",
        Unit::Count,
        0.0,
        (0.0, 32_767.0),
        "Failures in all, not in a row, that put a target out; 0 = never.",
    )
    .from(SCHEMA),
    Param::new(
        "breaker.fail_timeout",
        Unit::Seconds,
        10.0,
        (0.001, 2_147_483.646),
        "How long a target is out before one request probes it.",
    )
    .from(SCHEMA),
    Param::new(
        "breaker.count_midstream",
        Unit::Switch,
        0.0,
        (0.0, 1.0),
        "Whether a stream that breaks after it began counts as a failure.",
    ),
    Param::new(
        "slots",
        Unit::Count,
        10_000.0,
        (10.0, 65_536.0),
        "Points of the hash ring; fewer than 1,000 mean 1,000.",
    )
    .from(SCHEMA),
    Param::new(
        "hashing.retry",
        Unit::Choice(&["next", "same"]),
        0.0,
        (0.0, 1.0),
        "Where a retry goes: on along the ring to each target once, or to the same target.",
    ),
    Param::new(
        "round_robin.skip_tried",
        Unit::Switch,
        1.0,
        (0.0, 1.0),
        "Whether a retry passes over targets that were tried, until all were.",
    )
    .from(CHANGES),
    Param::new(
        "latency.strategy",
        Unit::Choice(&["tpot", "e2e"]),
        0.0,
        (0.0, 1.0),
        "What is averaged: the request's time per output token, or all of it.",
    )
    .from(SCHEMA),
    Param::new(
        "latency.decay",
        Unit::Seconds,
        10.0,
        (0.001, 86_400.0),
        "Time constant with which averages of latencies fade.",
    )
    .from(CODE),
    Param::new(
        "latency.update_on_error",
        Unit::Switch,
        0.0,
        (0.0, 1.0),
        "Whether a request that ends in an error is a sample, of 0 where time per token is averaged.",
    ),
    Param::new(
        "usage.what",
        Unit::Choice(&["total_tokens", "prompt_tokens", "completion_tokens", "cost"]),
        0.0,
        (0.0, 3.0),
        "What use is counted in.",
    )
    .from(SCHEMA),
    Param::new(
        "usage.mode",
        Unit::Choice(&["cumulative", "decayed", "ewma"]),
        0.0,
        (0.0, 2.0),
        "Over what time use is counted: since the start, as a sum that fades, or as an average.",
    ),
    Param::new(
        "usage.decay",
        Unit::Seconds,
        10.0,
        (0.001, 86_400.0),
        "Time constant with which sums and averages of use fade.",
    ),
    Param::new(
        "semantic.threshold",
        Unit::Number,
        0.7,
        (0.0, 2.0),
        "Greatest cosine distance between a prompt and a description that match.",
    )
    .from(
        "Kong, AI Proxy Advanced example semantic-with-fallback, developer.konghq.com at bc1cd742, 2026-08-21",
    ),
    Param::new(
        "semantic.embed_latency",
        Unit::Seconds,
        0.1,
        (0.0, 60.0),
        "What the embedding of the prompt takes before a target is chosen.",
    ),
    Param::new(
        "semantic.pick",
        Unit::Choice(&["primary", "weighted_rr"]),
        0.0,
        (0.0, 1.0),
        "Among targets of one description: the heaviest first, or turns by weight.",
    ),
    Param::new(
        "priority.pre_3_14_8",
        Unit::Switch,
        0.0,
        (0.0, 1.0),
        "Whether retries stay on the last target once all were tried, as before the fix of 3.14.0.8.",
    )
    .from(CHANGES),
    Param::new(
        "workers",
        Unit::Count,
        1.0,
        (1.0, 256.0),
        "Workers of a node, each with a state of its own; a request is with one of them by its number.",
    ),
];
