//! Amazon Bedrock.

use crate::engine::Span;
use crate::sim::spec::{Latency, LimitRules};

use super::{LARGE_PROMPT_TOKEN, NETWORK, Profile, RATE_SIGMA, VARIABLE, caching, cents};

pub(super) const SONNET: Profile = Profile {
    name: "bedrock/sonnet",
    latency: Latency {
        network: NETWORK,
        ttft: Span::from_millis(921),
        mix: VARIABLE,
        per_prompt_token: LARGE_PROMPT_TOKEN,
        tokens_per_s: 44.0,
        rate_sigma: RATE_SIGMA,
    },
    latency_source: "as anthropic/sonnet: nothing solid is public for Bedrock itself (our choice)",
    price_prompt: cents(300),
    price_output: cents(1_500),
    price_source: "Anthropic pricing page, Sonnet 4, 2025; Bedrock's list price is the same (our \
        choice)",
    rules: LimitRules::Bedrock { burndown: 5.0 },
    rpm_per_1000_tpm: None,
    rules_source: "AWS, Bedrock user guide, token burndown, 2026: prompt + max_tokens reserved, \
        settled at prompt + 5 × output for Claude 4, per account, model and region; no request \
        limits since 2026-05-27; the fixed minute is our choice",
    caching: caching(1_024, 100, 1_250, false),
    caching_source: "AWS, Bedrock user guide, prompt caching and token burndown, 2026: from 1,024 tokens on for \
        Claude Sonnet, kept for 5 minutes after the last use; reads count against no quota; prices as \
        Anthropic's; one cache whatever region answers, and a mark at the end of every prompt, are our choice",
};
