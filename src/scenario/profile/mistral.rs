//! Mistral.

use crate::engine::Span;
use crate::sim::spec::{Latency, LimitRules};

use super::{NETWORK, Profile, RATE_SIGMA, SMALL_PROMPT_TOKEN, VARIABLE, cents};

pub(super) const SMALL: Profile = Profile {
    name: "mistral/small",
    latency: Latency {
        network: NETWORK,
        ttft: Span::from_millis(2_715),
        mix: VARIABLE,
        per_prompt_token: SMALL_PROMPT_TOKEN,
        tokens_per_s: 192.0,
        rate_sigma: RATE_SIGMA,
    },
    latency_source: "J. Wrede, six LLM APIs for seven days, 2026: Mistral Small 2,735 ms (p95 \
        10,852), 192 tokens/s, less our network",
    price_prompt: cents(15),
    price_output: cents(60),
    price_source: "list price of Mistral Small 4 as of aicost.click, April 2026",
    rules: LimitRules::OpenAi,
    rpm_per_1000_tpm: None,
    rules_source: "our choice: continuous refill as OpenAI's; Mistral's own counting is not \
        documented",
    caching: None,
    caching_source: "our choice: none, for nothing is documented of prices and lifetimes",
};
