//! The registry entries: the strategies as shipped, and the router as its documents tune it.
//!
//! `litellm-docs-tuned` takes what docs.litellm.ai says for production:
//! * simple-shuffle, 30 s timeout: Proxy - Load Balancing, 2026-10, its table of strategies and its example;
//! * Redis for whoever runs several workers: What Needs Redis, 2026-10;
//! * three retries, three allowed failures (which the router takes for "not set"), 30 s cooldown, checks
//!   before a call: Fallbacks, `proxy/reliability.md` of BerriAI/litellm 027cf20.
//!
//! No document tunes the failure threshold, the latency rules or the waits before retries. Pages differ on
//! the timeout (600 s, 30 s, 10 s) and on retries (2, 3); which of them is taken is our choice.

use crate::engine::{Settings, Time};
use crate::policy::{Family, Grade, Policy, PolicySpec, Pool, Process};

use super::Router;
use super::params::TABLE;

const LEFT_OUT: &str = "fallback groups, retry and cooldown policies per error class or deployment, order, \
                        tags, budgets, affinity, max_parallel_requests (set or derived from rpm and tpm), \
                        health-check routing, weighted failover, priorities, adaptive and model routers";

/// CPU time per request of the whole router with an instant provider, in microseconds, and what one worker
/// serves per second at that; the proxy server comes on top.
const SHUFFLE_COST: (f64, f64) = (8_200.0, 122.0);

type Preset = &'static [&'static [(&'static str, f64)]];

const fn spec(
    name: &'static str,
    source: &'static str,
    doc: &'static str,
    (family, grade): (Family, Grade),
    measured: Option<(f64, f64)>,
    preset: Preset,
) -> PolicySpec {
    PolicySpec {
        name,
        product: "LiteLLM 1.106.2 (Router and proxy)",
        source,
        doc,
        family,
        grade,
        left_out: LEFT_OUT,
        process: Process {
            cpu_us: match measured {
                Some((cpu_us, _)) => Some(cpu_us),
                None => None,
            },
            worker_rps: match measured {
                Some((_, rps)) => Some(rps),
                None => None,
            },
            shares: "success and failure counters stay in each worker; cooldowns, and the counts of \
                     strategies, go through Redis where one is configured",
        },
        params: &TABLE,
        preset,
        build,
    }
}

fn build(settings: &Settings, pool: &Pool, _: Time, _: u64) -> Result<Box<dyn Policy>, String> {
    Ok(Box::new(Router::new(settings, pool)))
}

/// The default.
pub const SIMPLE_SHUFFLE: PolicySpec = spec(
    "litellm-simple-shuffle",
    "LiteLLM 1.106.2, router.py and router_strategy/simple_shuffle.py",
    "LiteLLM as it ships: a weighted draw among the deployments that are not cooling, two retries at once.",
    (Family::Vendor, Grade::Proven),
    Some(SHUFFLE_COST),
    &[],
);

/// The fewest attempts under way.
pub const LEAST_BUSY: PolicySpec = spec(
    "litellm-least-busy",
    "LiteLLM 1.106.2, router_strategy/least_busy.py",
    "LiteLLM with least-busy: the fewest attempts under way, the first in the list among equals.",
    (Family::Field, Grade::Proven),
    None,
    &[&[("strategy", 1.0)]],
);

/// The lowest mean latency.
pub const LATENCY_BASED: PolicySpec = spec(
    "litellm-latency-based",
    "LiteLLM 1.106.2, router_strategy/lowest_latency.py",
    "LiteLLM with latency-based-routing: the lowest mean time per output token of the last ten answers, or \
     time to first token for streams.",
    (Family::Field, Grade::Proven),
    Some((10_500.0, 95.0)),
    &[&[("strategy", 2.0)]],
);

/// The fewest tokens of the minute, first version.
pub const USAGE_BASED_V1: PolicySpec = spec(
    "litellm-usage-based-v1",
    "LiteLLM 1.106.2, router_strategy/lowest_tpm_rpm.py",
    "LiteLLM with usage-based-routing: the fewest tokens answered in this minute, the first to answer among \
     equals.",
    (Family::Field, Grade::Source),
    None,
    &[&[("strategy", 3.0)]],
);

/// The fewest tokens of the minute, second version.
pub const USAGE_BASED_V2: PolicySpec = spec(
    "litellm-usage-based-v2",
    "LiteLLM 1.106.2, router_strategy/lowest_tpm_rpm_v2.py",
    "LiteLLM with usage-based-routing-v2: a draw among those with the fewest tokens of this minute, within \
     their limits.",
    (Family::Field, Grade::Proven),
    None,
    &[&[("strategy", 4.0)]],
);

/// The lowest price.
pub const COST_BASED: PolicySpec = spec(
    "litellm-cost-based",
    "LiteLLM 1.106.2, router_strategy/lowest_cost.py",
    "LiteLLM with cost-based-routing: the lowest price per token, within the limits of this minute.",
    (Family::Field, Grade::Source),
    None,
    &[&[("strategy", 5.0)]],
);

/// As its documents tune it.
pub const DOCS_TUNED: PolicySpec = spec(
    "litellm-docs-tuned",
    "docs.litellm.ai, Proxy - Load Balancing and What Needs Redis, 2026-10; proxy/reliability.md (BerriAI/litellm \
     027cf20)",
    "LiteLLM as its documents tune it: simple-shuffle, checks of rpm before a call, three retries, 30 s \
     timeout and 30 s cooldown, Redis.",
    (Family::Tuned, Grade::Source),
    Some(SHUFFLE_COST),
    &[&[
        ("redis", 1.0),
        ("num_retries", 3.0),
        ("timeout", 30.0),
        ("enable_pre_call_checks", 1.0),
        ("cooldown.allowed_fails", 3.0),
        ("cooldown.time", 30.0),
    ]],
);
