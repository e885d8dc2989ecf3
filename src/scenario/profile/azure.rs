//! Azure OpenAI.

use crate::engine::Span;
use crate::sim::spec::{Latency, LimitRules};

use super::{
    LARGE_PROMPT_TOKEN, NETWORK, Profile, RATE_SIGMA, SMALL_PROMPT_TOKEN, TYPICAL, caching, cents,
};

/// Requests are checked over 1 s or 10 s, says the vendor; which of them is our choice.
const RULES: LimitRules = LimitRules::Azure { rpm_window: Span::from_secs(10) };
const RULES_SOURCE: &str = "Microsoft, Azure OpenAI quota management, 2025-07-31: prompt + \
    max_tokens counted on arrival in a minute that is reset; 6 requests per 1,000 tokens for \
    gpt-4o, checked over 1 s or 10 s (10 s: our choice)";

const CACHING_SOURCE: &str = "Microsoft, Azure OpenAI prompt caching, 2026: automatic from 1,024 tokens \
    on, in steps of 128; cleared after 5 to 10 minutes without use (5: our choice), never shared between \
    subscriptions; discounted (half of the price, as OpenAI's); that cached tokens count against limits, which \
    estimate on arrival, is our choice";

pub(super) const GPT_4O: Profile = Profile {
    name: "azure/gpt-4o",
    latency: Latency {
        network: NETWORK,
        ttft: Span::from_millis(730),
        mix: TYPICAL,
        per_prompt_token: LARGE_PROMPT_TOKEN,
        tokens_per_s: 115.0,
        rate_sigma: RATE_SIGMA,
    },
    latency_source: "Artificial Analysis, GPT-4o (May 2024) by provider: 0.77 s to the first \
        token of a 1,000-token prompt, less our slope and network; 115 tokens/s",
    price_prompt: cents(250),
    price_output: cents(1_000),
    price_source: "OpenAI list price of GPT-4o, April 2026 (Azure's global standard is the same)",
    rules: RULES,
    rpm_per_1000_tpm: Some(6),
    rules_source: RULES_SOURCE,
    caching: caching(1_024, 500, 1_000, true),
    caching_source: CACHING_SOURCE,
};

pub(super) const GPT_4O_MINI: Profile = Profile {
    name: "azure/gpt-4o-mini",
    latency: Latency {
        network: NETWORK,
        ttft: Span::from_millis(625),
        mix: TYPICAL,
        per_prompt_token: SMALL_PROMPT_TOKEN,
        tokens_per_s: 105.0,
        rate_sigma: RATE_SIGMA,
    },
    latency_source: "J. Wrede, six LLM APIs for seven days, 2026: GPT-4o mini 645 ms, 105 \
        tokens/s, less our network; measured at OpenAI, taken over for Azure (our choice)",
    price_prompt: cents(15),
    price_output: cents(60),
    price_source: "OpenAI list price of GPT-4o mini, April 2026 (Azure's global standard is the \
        same)",
    rules: RULES,
    rpm_per_1000_tpm: Some(6),
    rules_source: RULES_SOURCE,
    caching: caching(1_024, 500, 1_000, true),
    caching_source: CACHING_SOURCE,
};
