//! Google Vertex AI.

use crate::engine::Span;
use crate::sim::spec::{Latency, LimitRules};

use super::{NETWORK, Profile, RATE_SIGMA, SMALL_PROMPT_TOKEN, STEADY, caching, cents};

pub(super) const GEMINI_FLASH: Profile = Profile {
    name: "vertex/gemini-flash",
    latency: Latency {
        network: NETWORK,
        ttft: Span::from_millis(457),
        mix: STEADY,
        per_prompt_token: SMALL_PROMPT_TOKEN,
        tokens_per_s: 236.0,
        rate_sigma: RATE_SIGMA,
    },
    latency_source: "modelstats.ai, 24 h every 5 minutes, 2026: Gemini 2.5 Flash 477 ms, less our \
        network; 236 tokens/s from J. Wrede, hourly probes, 2026",
    price_prompt: cents(30),
    price_output: cents(250),
    price_source: "Google list price of Gemini 2.5 Flash, April 2026",
    rules: LimitRules::Vertex { pool_load: 0.7 },
    rpm_per_1000_tpm: None,
    rules_source: "Google, Vertex AI dynamic shared quota and standard pay-as-you-go, 2026: a \
        floor of tokens per minute is guaranteed, above it a shared pool decides; the pool's \
        load of 0.7 is our choice",
    caching: caching(2_048, 100, 1_000, true),
    caching_source: "Google, Vertex AI context caching and Gemini API context caching, 2026: implicit from 2,048 tokens \
        on for Gemini 2.5 Flash, written for free, read at a tenth of the price; how long it is kept (5 minutes) and \
        that it counts against the guaranteed rate are our choice",
};
