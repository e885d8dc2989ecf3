//! Kong as it ships, as its examples tune it, and each of its other algorithms.

use crate::policy::{Family, Grade, PolicySpec, Process};

use super::Kong;
use super::table::TABLE;

type Values = &'static [&'static [(&'static str, f64)]];

const fn spec(
    name: &'static str,
    family: Family,
    preset: Values,
    source: &'static str,
    doc: &'static str,
) -> PolicySpec {
    PolicySpec {
        name,
        product: "Kong AI Gateway, AI Proxy Advanced 3.13",
        source,
        doc,
        family,
        grade: Grade::Documents,
        left_out: "judge scores, cost tiers, malformed headers, timeouts to connect, to write and inside a stream",
        process: Process::ONE,
        params: &TABLE,
        preset,
        build: |settings, pool, now, key| Ok(Box::new(Kong::new(settings, pool, now, key))),
    }
}

const PAGE: &str =
    "developer.konghq.com, AI load balancing, at bc1cd742, 2026-08-21; Kong/kong at 22246ef2";
const EXAMPLES: &str = "developer.konghq.com, AI Proxy Advanced, examples least-connections, \
     semantic-with-fallback and circuit-breaker, at bc1cd742, 2026-08-21";

/// The schema's defaults.
pub const DEFAULT: PolicySpec = spec(
    "kong-default",
    Family::Vendor,
    &[],
    "Kong, AI Proxy Advanced schema 3.13, developer.konghq.com at bc1cd742, 2026-08-21",
    "Weighted round-robin with the schema's defaults: the breaker is off, and since chat is POST a request is \
     retried only where no connection was made.",
);

/// What the examples set, together.
pub const DOCS_TUNED: PolicySpec = spec(
    "kong-docs-tuned",
    Family::Tuned,
    &[
        // Example least-connections.
        &[
            ("algorithm", 2.0),
            ("retries", 3.0),
            ("criteria.error", 1.0),
            ("criteria.timeout", 1.0),
            ("criteria.http_429", 1.0),
            ("criteria.non_idempotent", 1.0),
        ],
        // Example semantic-with-fallback.
        &[("criteria.http_503", 1.0)],
        // Example circuit-breaker.
        &[
            ("criteria.http_500", 1.0),
            ("criteria.http_502", 1.0),
            ("criteria.http_504", 1.0),
            ("breaker.max_fails", 3.0),
            ("breaker.fail_timeout", 10.0),
        ],
    ],
    EXAMPLES,
    "Least connections with failover on 429 and 5xx and a breaker of 3 failures, as the plugin's examples set them.",
);

/// The session's place on a ring.
pub const CONSISTENT_HASHING: PolicySpec = spec(
    "kong-consistent-hashing",
    Family::Field,
    &[&[("algorithm", 1.0)]],
    PAGE,
    "A session stays with the target that owns its place on a hash ring.",
);

/// Least time per token.
pub const LOWEST_LATENCY: PolicySpec = spec(
    "kong-lowest-latency",
    Family::Field,
    &[&[("algorithm", 3.0)]],
    PAGE,
    "The target with the least decayed average of time per output token, over all targets.",
);

/// Least tokens.
pub const LOWEST_USAGE: PolicySpec = spec(
    "kong-lowest-usage",
    Family::Field,
    &[&[("algorithm", 4.0)]],
    PAGE,
    "The target that has used the fewest tokens per weight since the start.",
);

/// Least cost.
pub const LOWEST_COST: PolicySpec = spec(
    "kong-lowest-cost",
    Family::Field,
    &[&[("algorithm", 4.0), ("usage.what", 3.0)]],
    PAGE,
    "The target that has cost least per weight since the start.",
);

/// Nearest description.
pub const SEMANTIC: PolicySpec = spec(
    "kong-semantic",
    Family::Field,
    &[&[("algorithm", 5.0)]],
    PAGE,
    "The target whose description is nearest to the prompt, after a call to embed the prompt.",
);

/// Heaviest first.
pub const PRIORITY: PolicySpec = spec(
    "kong-priority",
    Family::Field,
    &[&[("algorithm", 6.0)]],
    PAGE,
    "The heaviest group of targets of one weight, and the next group only when all of it is out or was tried.",
);
