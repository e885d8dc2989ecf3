//! OpenAI.

use crate::engine::Span;
use crate::sim::spec::{Latency, LimitRules};

use super::{
    LARGE_PROMPT_TOKEN, NETWORK, Profile, RATE_SIGMA, SMALL_PROMPT_TOKEN, STEADY, TYPICAL, caching,
    cents,
};

const RULES_SOURCE: &str = "OpenAI help centre and rate-limit guide, 2025: the larger of \
    max_tokens and the prompt counts on arrival, per organisation and model; continuous refill \
    follows from the arithmetic of published 429 messages";

const CACHING_SOURCE: &str = "OpenAI, prompt caching guide and cookbook, 2026: automatic from 1,024 tokens on, in steps of \
    128; kept for 5 to 10 minutes without use (5: our choice), never shared between organisations; counts \
    against token limits; written for free, read at half of the price. That more than about 15 requests a \
    minute with one beginning spill to other machines is left out";
const CACHING_SOURCE_4_1: &str = "OpenAI, prompt caching guide and cookbook, 2026: automatic from 1,024 tokens on, in steps of \
    128; kept for 5 to 10 minutes without use (5: our choice), never shared between organisations; counts \
    against token limits; written for free, read at a quarter of the price (GPT-4.1). That more than about 15 requests a \
    minute with one beginning spill to other machines is left out";

pub(super) const GPT_4O: Profile = Profile {
    name: "openai/gpt-4o",
    latency: Latency {
        network: NETWORK,
        ttft: Span::from_millis(350),
        mix: TYPICAL,
        per_prompt_token: LARGE_PROMPT_TOKEN,
        tokens_per_s: 81.0,
        rate_sigma: RATE_SIGMA,
    },
    latency_source: "Artificial Analysis, GPT-4o (May 2024) by provider: 0.39 s to the first \
        token of a 1,000-token prompt, less our slope and network; 81 tokens/s",
    price_prompt: cents(250),
    price_output: cents(1_000),
    price_source: "OpenAI list price of GPT-4o, April 2026",
    rules: LimitRules::OpenAi,
    rpm_per_1000_tpm: None,
    rules_source: RULES_SOURCE,
    caching: caching(1_024, 500, 1_000, true),
    caching_source: CACHING_SOURCE,
};

pub(super) const GPT_4O_MINI: Profile = Profile {
    name: "openai/gpt-4o-mini",
    latency: Latency {
        network: NETWORK,
        ttft: Span::from_millis(625),
        mix: TYPICAL,
        per_prompt_token: SMALL_PROMPT_TOKEN,
        tokens_per_s: 105.0,
        rate_sigma: RATE_SIGMA,
    },
    latency_source: "J. Wrede, six LLM APIs for seven days, 2026: GPT-4o mini 645 ms, 105 \
        tokens/s, less our network",
    price_prompt: cents(15),
    price_output: cents(60),
    price_source: "OpenAI list price of GPT-4o mini, April 2026",
    rules: LimitRules::OpenAi,
    rpm_per_1000_tpm: None,
    rules_source: RULES_SOURCE,
    caching: caching(1_024, 500, 1_000, true),
    caching_source: CACHING_SOURCE,
};

pub(super) const GPT_4_1: Profile = Profile {
    name: "openai/gpt-4.1",
    latency: Latency {
        network: NETWORK,
        ttft: Span::from_millis(706),
        mix: STEADY,
        per_prompt_token: LARGE_PROMPT_TOKEN,
        tokens_per_s: 55.0,
        rate_sigma: RATE_SIGMA,
    },
    latency_source: "modelstats.ai, 24 h every 5 minutes, 2026: GPT-4.1 726 ms, less our network; \
        55 tokens/s from DeployBase, OpenAI pricing, March 2026",
    price_prompt: cents(200),
    price_output: cents(800),
    price_source: "OpenAI list price of GPT-4.1, April 2026",
    rules: LimitRules::OpenAi,
    rpm_per_1000_tpm: None,
    rules_source: RULES_SOURCE,
    caching: caching(1_024, 250, 1_000, true),
    caching_source: CACHING_SOURCE_4_1,
};
