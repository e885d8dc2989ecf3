//! Anthropic.

use crate::engine::Span;
use crate::sim::spec::{Latency, LimitRules};

use super::{
    LARGE_PROMPT_TOKEN, NETWORK, Profile, RATE_SIGMA, SMALL_PROMPT_TOKEN, VARIABLE, caching, cents,
};

/// The entry tier: 2M prompt tokens and 400K output tokens, so output is a fifth of `tpm`.
const RULES: LimitRules = LimitRules::Anthropic { output_tpm: 400_000, reserve: false };
const RULES_SOURCE: &str = "Anthropic, API rate limits, October 2026: token buckets with \
    continuous refill for requests, prompt and output tokens; output counts as it is produced \
    (until 2025: reserved by max_tokens); output limit a fifth of the prompt limit, as in the \
    entry and top tiers";

const CACHING_SOURCE: &str = "Anthropic, prompt caching and rate limits, 2026: from 1,024 tokens on \
    (Sonnet 4 and 4.5; Haiku 4.5 4,096), kept for 5 minutes after the last use; written at 1.25 and read at 0.1 of the \
    price; reads do not count against input limits; there from the moment that the answer which wrote it begins. \
    Explicit: the client marks the end of every prompt (our choice)";

pub(super) const SONNET: Profile = Profile {
    name: "anthropic/sonnet",
    latency: Latency {
        network: NETWORK,
        ttft: Span::from_millis(921),
        mix: VARIABLE,
        per_prompt_token: LARGE_PROMPT_TOKEN,
        tokens_per_s: 44.0,
        rate_sigma: RATE_SIGMA,
    },
    latency_source: "modelstats.ai, 24 h every 5 minutes, 2026: Sonnet 4.6 941 ms, less our \
        network; 44 tokens/s from J. Wrede, hourly probes, 2026",
    price_prompt: cents(300),
    price_output: cents(1_500),
    price_source: "Anthropic pricing page, Sonnet 4 (docs copy of 2025; Sonnet 4.6 the same, \
        April 2026)",
    rules: RULES,
    rpm_per_1000_tpm: None,
    rules_source: RULES_SOURCE,
    caching: caching(1_024, 100, 1_250, false),
    caching_source: CACHING_SOURCE,
};

pub(super) const HAIKU: Profile = Profile {
    name: "anthropic/haiku",
    latency: Latency {
        network: NETWORK,
        ttft: Span::from_millis(521),
        mix: VARIABLE,
        per_prompt_token: SMALL_PROMPT_TOKEN,
        tokens_per_s: 58.0,
        rate_sigma: RATE_SIGMA,
    },
    latency_source: "modelstats.ai, 24 h every 5 minutes, 2026: Haiku 4.5 541 ms, less our \
        network; 58 tokens/s from J. Wrede, six LLM APIs for seven days, 2026 (Haiku 3.5)",
    price_prompt: cents(100),
    price_output: cents(500),
    price_source: "Anthropic pricing page, Haiku 4.5, April 2026",
    rules: RULES,
    rpm_per_1000_tpm: None,
    rules_source: RULES_SOURCE,
    caching: caching(4_096, 100, 1_250, false),
    caching_source: CACHING_SOURCE,
};
