//! Profiles: what is publicly known of a provider's endpoint, as data. Latency, price, and how its
//! limits count; each with its source.
//!
//! Latencies are medians of small public probes of one vantage point: good for ratios between
//! endpoints, weak as absolute numbers. Shapes (`STEADY`, `TYPICAL`, `VARIABLE`) are our fits to
//! published p50/p95/p99. The slope per prompt token, the network's 20 ms and the spread of the
//! decode rate are our choice within published ranges (0.01–0.2 ms per token; log-sd 0.1–0.2).

mod anthropic;
mod azure;
mod bedrock;
mod mistral;
mod openai;
mod plain;
mod vertex;

use crate::engine::Span;
use crate::sim::spec::{Caching, Latency, LimitRules, Mix};

/// One endpoint as it is publicly known.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// Name in scenarios.
    pub name: &'static str,
    /// Latency without load.
    pub latency: Latency,
    /// Source of the latency.
    pub latency_source: &'static str,
    /// Price of a million prompt tokens, in nano-dollars.
    pub price_prompt: u64,
    /// Price of a million output tokens, in nano-dollars.
    pub price_output: u64,
    /// Source of the prices.
    pub price_source: &'static str,
    /// How its limits count. Amounts inside are per bucket at the published tier and are scaled
    /// with `tpm`.
    pub rules: LimitRules,
    /// Requests per minute that come with every 1,000 tokens per minute, if the vendor ties them
    /// together.
    pub rpm_per_1000_tpm: Option<u64>,
    /// Source of the rules.
    pub rules_source: &'static str,
    /// How its prompt cache works, if it is known to have one.
    pub caching: Option<Caching>,
    /// Source of that.
    pub caching_source: &'static str,
}

/// All profiles, in the order in which they are listed.
pub static PROFILES: &[Profile] = &[
    azure::GPT_4O,
    azure::GPT_4O_MINI,
    openai::GPT_4O,
    openai::GPT_4O_MINI,
    openai::GPT_4_1,
    anthropic::SONNET,
    anthropic::HAIKU,
    bedrock::SONNET,
    vertex::GEMINI_FLASH,
    mistral::SMALL,
    plain::PLAIN,
];

/// The profile of this name.
pub fn find(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.name == name)
}

/// p95 = 1.46 × and p99 = 1.9 × the median: GPT-4.1, Gemini 2.5 Flash (our fit).
const STEADY: Mix = Mix { s: 0.22, w: 0.01, m: 3.0, s2: 0.4 };
/// p95 = 1.84 × and p99 = 5.5 × the median: GPT-4o, GPT-4o mini (our fit).
const TYPICAL: Mix = Mix { s: 0.28, w: 0.04, m: 4.0, s2: 0.5 };
/// p95 = 2.89 × and p99 = 6.3 × the median: Claude Sonnet and Haiku, open models (our fit).
const VARIABLE: Mix = Mix { s: 0.45, w: 0.06, m: 4.0, s2: 0.5 };

/// There and back within a region's continent.
const NETWORK: Span = Span::from_millis(20);
/// Large models read a prompt token in this time.
const LARGE_PROMPT_TOKEN: Span = Span(20_000);
/// Small models read a prompt token in this time.
const SMALL_PROMPT_TOKEN: Span = Span(10_000);
/// Spread of the decode rate between requests.
const RATE_SIGMA: f64 = 0.15;

/// Most prompt tokens that a cache keeps for one account and model. No vendor says it: our choice, so that memory is
/// bounded (5 MB).
const CACHED_MAX: u64 = 10_000_000;

/// A cache whose beginnings are forgotten five minutes after their last use; prices of reading and writing in
/// thousandths of a prompt token's.
const fn caching(min: u32, read: u32, write: u32, counts: bool) -> Option<Caching> {
    let ttl = Span::from_secs(300);
    Some(Caching { min, ttl, read, write, counts, capacity: CACHED_MAX })
}

/// Dollars as nano-dollars, from cents.
const fn cents(cents: u64) -> u64 {
    cents * 10_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_figure_has_a_source() {
        for (index, profile) in PROFILES.iter().enumerate() {
            assert!(PROFILES[..index].iter().all(|other| other.name != profile.name));
            let Profile { latency_source, price_source, rules_source, caching_source, .. } =
                profile;
            for source in [latency_source, price_source, rules_source, caching_source] {
                assert!(source.len() > 10, "{}: `{source}`", profile.name);
            }
            assert!(profile.latency.tokens_per_s > 0.0 && profile.latency.ttft > Span::ZERO);
            assert!(profile.price_output >= profile.price_prompt);
        }
    }
}
