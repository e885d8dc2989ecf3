//! What a provider is: services, limits and prompt caches.

use crate::engine::Span;

/// Who answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Provider {
    /// Name.
    pub name: String,
    /// Name of the profile it was made from, for the record.
    pub profile: String,
    /// One per model and region.
    pub services: Vec<Service>,
    /// Share of attempts that fail by themselves with a 500.
    pub error_rate: f64,
    /// Share of attempts that never answer.
    pub hang_rate: f64,
    /// How long a refusal or an error takes.
    pub error_after: Span,
    /// What it does with prompts that begin alike; has no effect unless some class says what they have in common.
    pub caching: Option<Caching>,
}

/// The documented semantics of a prompt cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caching {
    /// Shortest beginning that is cached, in tokens.
    pub min: u32,
    /// A beginning that nobody reads for this long is forgotten.
    pub ttl: Span,
    /// Price of a token read from the cache, in thousandths of a prompt token's.
    pub read: u32,
    /// Price of a token written to the cache, likewise.
    pub write: u32,
    /// Whether tokens read from the cache count against token limits.
    pub counts: bool,
    /// Most tokens kept for one account and model; 0 turns the cache off.
    pub capacity: u64,
}

/// One model in one region of one provider: what shares latency and capacity.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Time to first token and decoding.
    pub latency: Latency,
    /// Slowdown under load and queueing, if any.
    pub capacity: Option<Capacity>,
}

/// Latency of an unloaded service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latency {
    /// Added to everything: the network there and back.
    pub network: Span,
    /// Median time to first token of an empty prompt.
    pub ttft: Span,
    /// Shape around it.
    pub mix: Mix,
    /// Added per prompt token.
    pub per_prompt_token: Span,
    /// Median decode rate in output tokens per second.
    pub tokens_per_s: f64,
    /// Standard deviation of the logarithm of the decode rate.
    pub rate_sigma: f64,
}

/// A lognormal body with a slow mode: with probability `w` the median is `m` times as long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mix {
    /// Standard deviation of the logarithm of the body.
    pub s: f64,
    /// Probability of the slow mode.
    pub w: f64,
    /// Median of the slow mode over that of the body.
    pub m: f64,
    /// Standard deviation of the logarithm of the slow mode.
    pub s2: f64,
}

/// What load does to a service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capacity {
    /// Requests served at once.
    pub concurrency: u32,
    /// Requests that may wait; one more is refused with a 503.
    pub queue: u32,
    /// Decoding at load ρ = in flight / concurrency takes 1/(1 − min(ρ, 0.95))^k times as long; 0 = no slowdown.
    pub slowdown: f64,
}

/// A limit bucket, and what it counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// Its name (pool or provider/key, and model), for messages.
    pub name: String,
    /// Whose rules it follows.
    pub rules: LimitRules,
    /// Tokens per minute; `None` = not limited.
    pub tpm: Option<u64>,
    /// Requests per minute; `None` = not limited.
    pub rpm: Option<u64>,
}

/// The documented semantics of limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LimitRules {
    /// Continuous refill; charged max(max_tokens, prompt) on arrival; no refund.
    OpenAi,
    /// Tokens in a fixed minute, requests over `rpm_window`; charged prompt + max_tokens; no refund.
    Azure {
        /// 1 s or 10 s.
        rpm_window: Span,
    },
    /// Three buckets with continuous refill: requests, prompt tokens (`tpm`), output tokens (`output_tpm`).
    Anthropic {
        /// Output tokens per minute.
        output_tpm: u64,
        /// Whether output is reserved by max_tokens (2025) or counted as it is produced (2026).
        reserve: bool,
    },
    /// Fixed minute; prompt + max_tokens reserved, settled at prompt + burndown × output.
    Bedrock {
        /// What one output token costs: 5 or 1.
        burndown: f64,
    },
    /// A shared pool above a guaranteed rate: refusals depend on how full the pool is.
    Vertex {
        /// Mean load of the pool, in [0, 1].
        pool_load: f64,
    },
}
