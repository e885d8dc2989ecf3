//! How a product sets what its model calls a parameter, or that it cannot.
//!
//! A search for a product moves only what its users can move; everything else stays as the product has it.

use crate::engine::Param;

use super::registry;

/// A product that a search can be for.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its policies; the first is searched unless another is named.
    pub policies: &'static [&'static str],
    /// Where its settings are documented.
    pub source: &'static str,
    /// Every parameter of these policies.
    pub knobs: &'static [Knob],
    /// What is searched unless told otherwise.
    pub search: &'static [&'static str],
}

/// A parameter, and how the product sets it.
#[derive(Clone, Copy, Debug)]
pub struct Knob {
    /// The parameter.
    pub id: &'static str,
    /// How.
    pub by: SetBy,
}

/// How a parameter is set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SetBy {
    /// By this key of its configuration; numbers are multiplied by `scale` (seconds to milliseconds: 1,000).
    Key {
        /// Dotted; a last part after `+` is an element of a list.
        path: &'static str,
        /// What numbers are multiplied by.
        scale: f64,
    },
    /// By this variable in the environment of its process.
    Environment(&'static str),
    /// Not at all, for this reason.
    No(&'static str),
}

impl SetBy {
    /// In words, for tables.
    pub fn words(self) -> String {
        match self {
            Self::Key { path, .. } => path.replace('+', " has "),
            Self::Environment(name) => format!("environment {name}"),
            Self::No(why) => format!("cannot be set: {why}"),
        }
    }

    /// Whether users can set it.
    pub const fn is_settable(self) -> bool {
        !matches!(self, Self::No(_))
    }
}

impl Product {
    /// How a parameter is set.
    pub fn knob(&self, id: &str) -> Option<&'static Knob> {
        self.knobs.iter().find(|knob| knob.id == id)
    }

    /// The table of its policies' parameters.
    pub fn table(&self) -> &'static [Param] {
        registry::find(self.policies[0]).map_or(&[], |spec| spec.params)
    }
}

/// The products.
pub static PRODUCTS: &[Product] = &[LITELLM, KONG, BIFROST];

const fn key(id: &'static str, path: &'static str) -> Knob {
    Knob { id, by: SetBy::Key { path, scale: 1.0 } }
}

const fn millis(id: &'static str, path: &'static str) -> Knob {
    Knob { id, by: SetBy::Key { path, scale: 1_000.0 } }
}

const fn env(id: &'static str, name: &'static str) -> Knob {
    Knob { id, by: SetBy::Environment(name) }
}

const fn no(id: &'static str, why: &'static str) -> Knob {
    Knob { id, by: SetBy::No(why) }
}

const IN_CODE: &str = "a constant of its code";
const MACHINE: &str = "a property of the machine";
const OURS: &str = "a choice of the model, not of the product";

const LITELLM: Product = Product {
    name: "litellm",
    policies: &[
        "litellm-simple-shuffle",
        "litellm-docs-tuned",
        "litellm-least-busy",
        "litellm-latency-based",
        "litellm-usage-based-v1",
        "litellm-usage-based-v2",
        "litellm-cost-based",
    ],
    source: "docs.litellm.ai, router_settings of config.yaml; constants.py of LiteLLM 1.106.2",
    search: &[
        "num_retries",
        "timeout",
        "cooldown.time",
        "cooldown.failure_threshold",
        "cooldown.min_requests",
    ],
    knobs: &[
        key("strategy", "router_settings.routing_strategy"),
        no("mode", "whether the router runs in the proxy or in an application"),
        no("workers", "the number of processes, not a rule: --num_workers"),
        no("worker_rps", MACHINE),
        no("redis", "takes a Redis server: router_settings.redis_host"),
        no("redis_reread", IN_CODE),
        key("num_retries", "router_settings.num_retries"),
        key("timeout", "router_settings.timeout"),
        key("retry_after", "router_settings.retry_after"),
        env("retry.first", "INITIAL_RETRY_DELAY"),
        env("retry.max", "MAX_RETRY_DELAY"),
        env("retry.jitter", "JITTER"),
        no("retry.hint_max", IN_CODE),
        key("enable_pre_call_checks", "router_settings.enable_pre_call_checks"),
        key("disable_cooldowns", "router_settings.disable_cooldowns"),
        key("cooldown.time", "router_settings.cooldown_time"),
        key("cooldown.allowed_fails", "router_settings.allowed_fails"),
        env("cooldown.failure_threshold", "DEFAULT_FAILURE_THRESHOLD_PERCENT"),
        env("cooldown.min_requests", "DEFAULT_FAILURE_THRESHOLD_MINIMUM_REQUESTS"),
        env("cooldown.all_failed", "SINGLE_DEPLOYMENT_TRAFFIC_FAILURE_THRESHOLD"),
        no("cooldown.window", IN_CODE),
        no("cooldown.connection_errors", "follows from the client library of the provider"),
        no("cache.keys", IN_CODE),
        no("least_busy.ttl", IN_CODE),
        key("latency.samples", "router_settings.routing_strategy_args.max_latency_list_size"),
        key("latency.ttl", "router_settings.routing_strategy_args.ttl"),
        key("latency.buffer", "router_settings.routing_strategy_args.lowest_latency_buffer"),
        no("latency.penalty", IN_CODE),
    ],
};

const KONG: Product = Product {
    name: "kong",
    policies: &[
        "kong-docs-tuned",
        "kong-default",
        "kong-consistent-hashing",
        "kong-lowest-latency",
        "kong-lowest-usage",
        "kong-lowest-cost",
        "kong-semantic",
        "kong-priority",
    ],
    source: "developer.konghq.com, AI Proxy Advanced schema 3.13, config.balancer",
    search: &["retries", "timeout.read", "breaker.max_fails", "breaker.fail_timeout", "algorithm"],
    knobs: &[
        key("algorithm", "balancer.algorithm"),
        key("retries", "balancer.retries"),
        key("criteria.error", "balancer.failover_criteria+error"),
        key("criteria.timeout", "balancer.failover_criteria+timeout"),
        key("criteria.http_500", "balancer.failover_criteria+http_500"),
        key("criteria.http_502", "balancer.failover_criteria+http_502"),
        key("criteria.http_503", "balancer.failover_criteria+http_503"),
        key("criteria.http_504", "balancer.failover_criteria+http_504"),
        key("criteria.http_403", "balancer.failover_criteria+http_403"),
        key("criteria.http_404", "balancer.failover_criteria+http_404"),
        key("criteria.http_429", "balancer.failover_criteria+http_429"),
        key("criteria.non_idempotent", "balancer.failover_criteria+non_idempotent"),
        millis("timeout.read", "balancer.read_timeout"),
        key("breaker.max_fails", "balancer.max_fails"),
        millis("breaker.fail_timeout", "balancer.fail_timeout"),
        no("breaker.count_midstream", OURS),
        key("slots", "balancer.slots"),
        no("hashing.retry", OURS),
        no("round_robin.skip_tried", OURS),
        key("latency.strategy", "balancer.latency_strategy"),
        no("latency.decay", IN_CODE),
        no("latency.update_on_error", OURS),
        key("usage.what", "balancer.tokens_count_strategy"),
        no("usage.mode", OURS),
        no("usage.decay", OURS),
        no("semantic.threshold", "set with the vector database: vectordb.threshold"),
        no("semantic.embed_latency", MACHINE),
        no("semantic.pick", OURS),
        no("priority.pre_3_14_8", "the version that is installed"),
        no("workers", "the number of nginx workers, not a rule"),
    ],
};

const BIFROST: Product = Product {
    name: "bifrost",
    policies: &["bifrost-oss"],
    source: "docs.getbifrost.ai, network_config of a provider in config.json; the thresholds of the adaptive \
             engine are not user-configurable, by design",
    search: &["retry.max", "retry.backoff_first", "retry.backoff_max", "timeout.request"],
    knobs: &[
        key("retry.max", "network_config.max_retries"),
        millis("retry.backoff_first", "network_config.retry_backoff_initial"),
        millis("retry.backoff_max", "network_config.retry_backoff_max"),
        no("retry.backoff_jitter", IN_CODE),
        no("fallback.max", "follows from the fallbacks that each request names"),
        key("timeout.request", "network_config.default_request_timeout_in_seconds"),
        no("weight.steps", IN_CODE),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_of_every_product_is_settable_or_says_why_not() {
        for product in PRODUCTS {
            for policy in product.policies {
                let spec = registry::find(policy).unwrap_or_else(|| panic!("{policy}"));
                let params: Vec<&str> = spec.params.iter().map(|param| param.id).collect();
                let knobs: Vec<&str> = product.knobs.iter().map(|knob| knob.id).collect();
                assert_eq!(params, knobs, "{policy}");
            }
            for id in product.search {
                let knob = product.knob(id).unwrap_or_else(|| panic!("{id}"));
                assert!(knob.by.is_settable(), "{id}");
            }
        }
    }
}
