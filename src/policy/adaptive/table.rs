//! The parameters of the engine and of the retry layer around it, and the presets.

use crate::engine::{PARAMS, PRESETS, Param, Unit};
use crate::policy::{Family, Grade, PolicySpec, Process};

use super::Adaptive;

const V: &str = "vendor, Retries and Fallbacks, 2026-09";

const fn param(id: &'static str, unit: Unit, default: f64, max: f64, doc: &'static str) -> Param {
    Param::new(id, unit, default, (0.0, max), doc)
}

const RETRY: [Param; 9] = [
    Param {
        source: V,
        ..param(
            "retry.max",
            Unit::Count,
            0.0,
            100.0,
            "Retries per provider after the first attempt.",
        )
    },
    Param {
        source: V,
        ..param(
            "retry.backoff_first",
            Unit::Seconds,
            0.5,
            60.0,
            "First wait before a charged retry.",
        )
    },
    Param {
        source: V,
        ..param(
            "retry.backoff_max",
            Unit::Seconds,
            5.0,
            600.0,
            "Longest wait; it doubles until there.",
        )
    },
    Param {
        source: V,
        ..param(
            "retry.backoff_jitter",
            Unit::Ratio,
            0.2,
            1.0,
            "Waits vary by this share either way.",
        )
    },
    Param {
        source: V,
        ..param(
            "retry.same_key",
            Unit::Switch,
            1.0,
            1.0,
            "Whether a transient error is retried on the same key.",
        )
    },
    param(
        "retry.budget",
        Unit::Ratio,
        0.0,
        1.0,
        "Retries and fallbacks as a share of requests; 0 = no limit.",
    ),
    Param {
        source: "vendor, Provider Routing, 2026",
        ..param("fallback.max", Unit::Count, 100.0, 100.0, "Further providers to try, best first.")
    },
    param(
        "timeout.ttft",
        Unit::Seconds,
        0.0,
        3600.0,
        "Longest wait for the first token of a stream; 0 = for ever.",
    ),
    param(
        "timeout.total",
        Unit::Seconds,
        60.0,
        86_400.0,
        "Longest wait for the whole answer; 0 = for ever.",
    ),
];

const TABLE_LEN: usize = PARAMS.len() + RETRY.len();

/// The engine's parameters and those of the retry layer.
pub static TABLE: [Param; TABLE_LEN] = {
    let mut table = [RETRY[0]; TABLE_LEN];
    let mut i = 0;
    while i < TABLE_LEN {
        table[i] = if i < PARAMS.len() { PARAMS[i] } else { RETRY[i - PARAMS.len()] };
        i += 1;
    }
    table
};

const DOCS: &str = "docs.getbifrost.ai, Adaptive Load Balancing";

const fn spec(
    at: usize,
    product: &'static str,
    family: Family,
    preset: &'static [&'static [(&'static str, f64)]],
) -> PolicySpec {
    PolicySpec {
        name: PRESETS[at].name,
        product,
        source: DOCS,
        doc: PRESETS[at].doc,
        family,
        grade: if at == 0 { Grade::Own } else { Grade::Documents },
        left_out: "queues per provider, breakers driven by headers, plugins",
        process: Process::ONE,
        params: &TABLE,
        preset,
        build: |settings, pool, now, _| Ok(Box::new(Adaptive::new(settings, pool, now)?)),
    }
}

type Values = &'static [&'static [(&'static str, f64)]];
const OURS_VALUES: Values = &[
    PRESETS[0].values,
    &[("retry.same_key", 0.0), ("retry.budget", 0.5), ("fallback.max", 2.0), ("timeout.ttft", 8.0)],
];
const PUBLISHED_VALUES: Values = &[PRESETS[1].values];
const LITERAL_VALUES: Values = &[PRESETS[2].values];
const VALUES_2026: Values = &[PRESETS[3].values];
const PRODUCT_2025: &str = "Bifrost Enterprise, documentation of 2025-12";

/// Our own engine with the settings we would ship.
pub const WINDTUNNEL: PolicySpec = spec(0, "windtunnel", Family::Own, OURS_VALUES);
/// What the vendor published in 2025.
pub const BIFROST_PUBLISHED: PolicySpec = spec(1, PRODUCT_2025, Family::Vendor, PUBLISHED_VALUES);
/// The same, to the letter.
pub const BIFROST_LITERAL: PolicySpec = spec(2, PRODUCT_2025, Family::Field, LITERAL_VALUES);
/// What the vendor's text of 2026 says.
pub const BIFROST_2026: PolicySpec =
    spec(3, "Bifrost Enterprise, documentation of 2026-09", Family::Tuned, VALUES_2026);
