//! `summary.json`: what a run, or the replications of one, came to.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cluster::ClusterSummary;
use super::quantity::{Measured, Quantity};

/// Version of the format. It grows when a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// Result of one scenario under one policy. Counts are sums over the replications; every other
/// number is of one run, or an estimate over the replications.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Version of this format.
    pub schema_version: u32,
    /// Version of windtunnel that wrote it.
    pub tool_version: String,
    /// Scenario name.
    pub scenario: String,
    /// Policy name, with what differs from its preset.
    pub policy: String,
    /// Seed of the first replication.
    pub seed: u64,
    /// Number of replications.
    pub replications: u32,
    /// Digest of the events of all replications, in hexadecimal.
    pub digest: String,
    /// Length of one replication in virtual seconds.
    pub virtual_seconds: f64,
    /// Requests are measured if they arrive before this second.
    pub measured_seconds: f64,
    /// Length of a bin of the series, in seconds.
    pub bin_seconds: f64,
    /// What to beware of in these numbers.
    pub warnings: Vec<String>,
    /// Measured requests by result.
    pub requests: Requests,
    /// Attempts of measured requests.
    pub attempts: u64,
    /// Attempts refused with a 429.
    pub rate_limited: u64,
    /// Output tokens.
    pub tokens: Tokens,
    /// Good requests per second.
    pub goodput_rps: Measured,
    /// Output tokens of good requests per second.
    pub goodput_tokens_per_s: Measured,
    /// Good over offered requests.
    pub slo_attainment: Measured,
    /// Attempts over offered requests.
    pub amplification: Measured,
    /// Attempts refused with a 429 over attempts.
    pub rate_limited_share: Measured,
    /// Output tokens that became no good answer over all output tokens.
    pub wasted_tokens_share: Measured,
    /// Requests that were refused while a healthy limit had room, over offered.
    pub wasted_capacity: Measured,
    /// Attempts that the policy made to learn, over attempts.
    pub exploration: Measured,
    /// Requests with such an attempt that did not become good, over offered.
    pub exploration_cost: Measured,
    /// Bad requests of the worst five minutes over the 0.1 % that may be bad.
    pub burn_rate: Measured,
    /// The most urgent burn-rate alert that rings: 14.4, 6, 1 or 0.
    pub alert: Measured,
    /// min(latency, deadline) from intended arrival of all requests, failed ones at their deadline,
    /// in milliseconds.
    pub latency_all_ms: Quantiles,
    /// Latency from intended arrival of requests that were done, in milliseconds.
    pub latency_ms: Quantiles,
    /// Time to first token from intended arrival of streamed requests that were done, in
    /// milliseconds.
    pub ttft_ms: Quantiles,
    /// What all attempts of one run cost, in US dollars.
    pub cost_usd: Measured,
    /// Cost over good requests, in US dollars.
    pub cost_per_good_usd: Measured,
    /// Jain's fairness index over routes without a fault.
    pub jain: Measured,
    /// Changes of health per route and hour.
    pub transitions_per_route_hour: Measured,
    /// Alarms on routes without a fault, per hour of such a route.
    pub false_alarms_per_route_hour: Measured,
    /// What is between the processes of the gateway, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterSummary>,
    /// One entry a fault, in order of onset in the first replication.
    pub faults: Vec<FaultSummary>,
    /// One entry a route, in the pool's order.
    pub routes: Vec<RouteSummary>,
    /// Requests that were answered from what the gateway had stored; absent without a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<u64>,
    /// What providers' prompt caches did; absent unless the scenario says what prompts have in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_cache: Option<PromptCacheSummary>,
    /// One entry a tenant, in the order of the scenario; absent without tenants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<TenantSummary>,
    /// One entry a routing rule, in the order of the scenario; absent without rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleSummary>,
}

/// What prompt caches did for answered attempts of measured requests. Tokens are sums over the replications.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PromptCacheSummary {
    /// Prompt tokens.
    pub prompt_tokens: u64,
    /// Of those, read from a cache.
    pub cached_tokens: u64,
    /// Of those, written to a cache.
    pub written_tokens: u64,
    /// Read over all prompt tokens.
    pub hit_ratio: Measured,
    /// What caches saved in one run, in US dollars.
    pub saved_usd: Measured,
}

/// Measured requests by result; `offered` is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requests {
    /// Requests that arrived.
    pub offered: u64,
    /// Done within the deadline.
    pub good: u64,
    /// Done after it.
    pub late: u64,
    /// Ended with an error, a broken stream or a client that went away.
    pub failed: u64,
    /// Refused by the gateway itself.
    pub shed: u64,
    /// Still under way at the end of the run.
    pub unfinished: u64,
}

/// Output tokens by use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Of good requests.
    pub good: u64,
    /// Of attempts whose request did not become good.
    pub wasted: u64,
}

/// Quantiles of one distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quantiles {
    /// Median.
    pub p50: Measured,
    /// 90 % quantile.
    pub p90: Measured,
    /// 99 % quantile.
    pub p99: Measured,
    /// 99.9 % quantile.
    pub p999: Measured,
}

/// What one fault did. Times are in seconds; `docs/metrics.md` defines each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultSummary {
    /// Its name.
    pub name: String,
    /// Onset in the first replication, whose series are stored.
    pub start_s: f64,
    /// End in the first replication.
    pub end_s: f64,
    /// Faulted routes.
    pub routes: Vec<String>,
    /// Until the routes' share is at most half its baseline.
    pub time_to_detect_s: Measured,
    /// Until a faulted route is Degraded or Failed by the policy's own word.
    pub time_to_state_s: Measured,
    /// Until the routes' weights have lost a tenth of their sum.
    pub time_to_weight_s: Measured,
    /// Until the routes' share stays at most 5 % of its baseline.
    pub time_to_drain_s: Measured,
    /// Until the good share of arrivals is back at 0.99 of its baseline, from onset.
    pub time_to_recover_user_s: Measured,
    /// Until the routes have 90 % of their baseline share again, from the end.
    pub time_to_recover_share_s: Measured,
    /// Until the share stays within 5 % of its baseline, from the end.
    pub settling_s: Measured,
    /// First attempts that went into the fault.
    pub leak: Measured,
    /// The same over what blind routing would have sent.
    pub leak_ratio: Measured,
    /// Greatest excess of the share over its baseline after the end.
    pub overshoot: Measured,
    /// Turns of the share after the end.
    pub reversals: Measured,
    /// Period of its swings.
    pub oscillation_period_s: Measured,
    /// Each swing over the one before; from 1 on they do not die out.
    pub damping: Measured,
    /// Entries into Failed within 60 s of leaving it.
    pub flaps: Measured,
    /// Part of 30 days' error budget (0.1 %) that it took.
    pub budget_spent: Measured,
    /// From its onset until the processes of the gateway agree; only where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub convergence_weights_s: Option<Measured>,
}

/// One route over the whole of all replications.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteSummary {
    /// Its name.
    pub id: String,
    /// Its provider.
    pub provider: String,
    /// Its model.
    pub model: String,
    /// Its part of the first attempts for its model.
    pub share: Quantity,
    /// First attempts.
    pub first: u64,
    /// Attempts.
    pub attempts: u64,
    /// Attempts that were done.
    pub good: u64,
    /// Attempts that failed, 429s apart.
    pub failed: u64,
    /// Attempts refused with a 429.
    pub rate_limited: u64,
    /// Changes of health.
    pub transitions: u64,
}

/// One tenant over the whole of all replications.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantSummary {
    /// Its name.
    pub id: String,
    /// Measured requests.
    pub offered: u64,
    /// Of those, done within the deadline.
    pub good: u64,
    /// Good requests per second.
    pub goodput_rps: Quantity,
    /// Good over offered requests.
    pub slo_attainment: Quantity,
    /// Refusals by the gateway's own limits, by reason; those that never came are left out.
    pub denied: BTreeMap<String, u64>,
    /// Tokens, prompt and output, of all attempts.
    pub tokens: u64,
    /// What they cost, in US dollars.
    pub cost_usd: Quantity,
    /// Its budgets, its keys' and its team's, each for one window; none if it has none.
    pub budget_usd: Quantity,
    /// What was used of them in their last windows.
    pub used_usd: Quantity,
    /// What was used beyond them in their worst windows, in US dollars.
    pub overshoot_usd: Quantity,
    /// Tokens used beyond token limits in their worst windows.
    pub overshoot_tokens: u64,
    /// How much smaller its good share is while another tenant asks for more than twice its median.
    pub lost_to_others: Quantity,
}

/// One routing rule over the whole of all replications. Counts are of measured requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSummary {
    /// Its name.
    pub id: String,
    /// How often it matched; a client that asks again counts again.
    pub matched: u64,
    /// How often a request that it led went on to one of its fallbacks.
    pub fell_back: u64,
    /// Requests that it led last and that were good.
    pub good: u64,
}

impl Summary {
    /// JSON Schema of the format, as it is published.
    pub fn schema() -> String {
        let schema = schemars::schema_for!(Self);
        let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
        text.push('\n');
        text
    }
}
