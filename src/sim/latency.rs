//! Latency of an unloaded service: time to first token, and decoding.
//!
//! Time to first token = median × a lognormal body with a slow mode + prompt tokens × slope; the
//! output comes at a rate drawn once per answer. The shape of the mixture is our fit to the public
//! percentiles of 2026 (modelstats.ai, GPT-4o-class endpoints; jonathanwrede.de, seven days of
//! probes).

use std::sync::Arc;

use super::quantile::{Law, Table};
use super::spec::{Latency, Mix};

/// Draws latencies of one service.
#[derive(Clone, Debug)]
pub struct Sampler {
    ttft_s: f64,
    per_prompt_token_s: f64,
    token_s: f64,
    mix: Arc<Table>,
    pace: Arc<Table>,
    shape: (Mix, f64),
}

impl Sampler {
    /// A sampler of its own; [`Sampler::all`] shares tables between services of the same shape.
    pub fn new(latency: &Latency) -> Self {
        Self {
            ttft_s: latency.ttft.as_secs_f64(),
            per_prompt_token_s: latency.per_prompt_token.as_secs_f64(),
            token_s: 1.0 / latency.tokens_per_s,
            mix: Arc::new(Table::new(Law::Mix(latency.mix))),
            pace: Arc::new(Table::new(pace(latency.rate_sigma))),
            shape: (latency.mix, latency.rate_sigma),
        }
    }

    /// One sampler per service. Tables are 8 KB each and cost up to a millisecond to build, so
    /// services with the same shape share them.
    pub fn all<'a>(latencies: impl IntoIterator<Item = &'a Latency>) -> Vec<Self> {
        let mut samplers: Vec<Self> = Vec::new();
        for latency in latencies {
            let shape = (latency.mix, latency.rate_sigma);
            let sampler = match samplers.iter().find(|known| known.shape == shape) {
                Some(known) => Self {
                    ttft_s: latency.ttft.as_secs_f64(),
                    per_prompt_token_s: latency.per_prompt_token.as_secs_f64(),
                    token_s: 1.0 / latency.tokens_per_s,
                    ..known.clone()
                },
                None => Self::new(latency),
            };
            samplers.push(sampler);
        }
        samplers
    }

    /// Seconds until the first token, without the network.
    #[inline]
    pub fn ttft_s(&self, luck: u64, prompt_tokens: u32) -> f64 {
        self.ttft_s * self.mix.at(luck) + f64::from(prompt_tokens) * self.per_prompt_token_s
    }

    /// Seconds from the first token to the last.
    #[inline]
    pub fn decode_s(&self, luck: u64, output_tokens: u32) -> f64 {
        f64::from(output_tokens) * self.token_s * self.pace.at(luck)
    }

    /// Mean seconds until the first token of an empty prompt, without the network.
    pub fn mean_ttft_s(&self) -> f64 {
        let Mix { s, w, m, s2 } = self.shape.0;
        self.ttft_s * ((1.0 - w) * lognormal_mean(s) + w * m * lognormal_mean(s2))
    }

    /// Seconds added per prompt token.
    pub const fn prompt_s(&self) -> f64 {
        self.per_prompt_token_s
    }

    /// Mean seconds per output token.
    pub fn mean_token_s(&self) -> f64 {
        self.token_s * lognormal_mean(self.shape.1)
    }
}

/// Mean of a lognormal of median 1.
fn lognormal_mean(sigma: f64) -> f64 {
    libm::exp(0.5 * sigma * sigma)
}

/// Time per token over its median: a lognormal rate has a lognormal inverse.
fn pace(sigma: f64) -> Law {
    Law::Lognormal { median: 1.0, sigma }
}

/// Mean seconds of a whole answer, network included.
pub fn mean_s(latency: &Latency, prompt_tokens: f64, output_tokens: f64) -> f64 {
    let Mix { s, w, m, s2 } = latency.mix;
    latency.network.as_secs_f64()
        + latency.ttft.as_secs_f64() * ((1.0 - w) * lognormal_mean(s) + w * m * lognormal_mean(s2))
        + prompt_tokens * latency.per_prompt_token.as_secs_f64()
        + output_tokens / latency.tokens_per_s * lognormal_mean(latency.rate_sigma)
}

#[cfg(test)]
mod tests {
    use super::super::quantile::luck_at;
    use super::*;
    use crate::engine::Span;
    use crate::engine::luck;

    fn latency(mix: Mix) -> Latency {
        Latency {
            network: Span::from_millis(20),
            ttft: Span::from_millis(500),
            mix,
            per_prompt_token: Span(50_000),
            tokens_per_s: 80.0,
            rate_sigma: 0.15,
        }
    }

    #[test]
    fn each_fitted_profile_has_the_tail_ratios_it_was_fitted_to() {
        let profiles = [
            (Mix { s: 0.22, w: 0.01, m: 3.0, s2: 0.4 }, [1.46, 1.9, 5.0]),
            (Mix { s: 0.28, w: 0.04, m: 4.0, s2: 0.5 }, [1.84, 5.5, 10.5]),
            (Mix { s: 0.45, w: 0.06, m: 4.0, s2: 0.5 }, [2.89, 6.3, 11.2]),
        ];
        for (mix, ratios) in profiles {
            let sampler = Sampler::new(&latency(mix));
            let at = |p| sampler.ttft_s(luck_at(p), 0);
            for (p, ratio) in [0.95, 0.99, 0.999].into_iter().zip(ratios) {
                let found = at(p) / at(0.5);
                // The fit is printed with two or three digits.
                assert!((found / ratio - 1.0).abs() < 0.03, "p{p}: {found} for {ratio}");
            }
        }
    }

    #[test]
    fn the_mean_of_draws_is_the_mean_in_closed_form() {
        let latency = latency(Mix { s: 0.28, w: 0.04, m: 4.0, s2: 0.5 });
        let sampler = Sampler::new(&latency);
        let draws = 200_000;
        let sum: f64 = (0..draws)
            .map(|n| sampler.ttft_s(luck::mix(n, 1), 1000) + sampler.decode_s(luck::mix(n, 2), 200))
            .sum();
        let mean = sum / draws as f64 + latency.network.as_secs_f64();
        let expected = mean_s(&latency, 1000.0, 200.0);
        assert!((mean / expected - 1.0).abs() < 0.003, "{mean} for {expected}");
    }

    #[test]
    fn services_of_one_shape_share_their_tables_and_keep_their_own_medians() {
        let slow = latency(Mix { s: 0.22, w: 0.01, m: 3.0, s2: 0.4 });
        let fast = Latency { ttft: Span::from_millis(100), tokens_per_s: 160.0, ..slow };
        let both = Sampler::all([&slow, &fast]);
        assert!(Arc::ptr_eq(&both[0].mix, &both[1].mix));
        let alone = Sampler::new(&fast);
        for n in 0..100 {
            assert_eq!(both[1].ttft_s(luck::mix(n, 3), 10), alone.ttft_s(luck::mix(n, 3), 10));
            assert_eq!(both[1].decode_s(luck::mix(n, 4), 10), alone.decode_s(luck::mix(n, 4), 10));
        }
    }

    #[test]
    fn a_service_without_any_spread_always_takes_its_median() {
        let even = Latency { rate_sigma: 0.0, ..latency(Mix { s: 0.0, w: 0.0, m: 1.0, s2: 0.0 }) };
        let sampler = Sampler::new(&even);
        for n in 0..100 {
            assert!((sampler.ttft_s(luck::mix(n, 5), 0) - 0.5).abs() < 1e-7);
            assert!((sampler.decode_s(luck::mix(n, 6), 80) - 1.0).abs() < 1e-12);
        }
    }
}
