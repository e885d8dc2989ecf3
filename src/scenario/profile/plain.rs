//! A made-up endpoint without surprises, for tests and for arithmetic by hand.

use crate::engine::Span;
use crate::sim::spec::{Latency, LimitRules, Mix};

use super::Profile;

pub(super) const PLAIN: Profile = Profile {
    name: "plain",
    latency: Latency {
        network: Span::ZERO,
        ttft: Span::from_millis(500),
        mix: Mix { s: 0.01, w: 0.0, m: 1.0, s2: 0.01 },
        per_prompt_token: Span::ZERO,
        tokens_per_s: 100.0,
        rate_sigma: 0.01,
    },
    latency_source: "our choice: half a second to the first token, 100 tokens/s, hardly any spread",
    price_prompt: 0,
    price_output: 0,
    price_source: "our choice: free of charge",
    rules: LimitRules::OpenAi,
    rpm_per_1000_tpm: None,
    rules_source: "our choice: no limit unless the scenario sets one, then continuous refill as \
        OpenAI's",
    caching: None,
    caching_source: "our choice: none unless the scenario describes one",
};
