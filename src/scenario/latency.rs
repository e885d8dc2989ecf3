//! `latency` of a provider: what was measured of it, in place of what its profile says.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::engine::Span;
use crate::sim::spec::Latency;

use super::at::At;
use super::error::Problem;
use super::unit::{Length, Number, Share};

/// Latency without load, key by key in place of the profile's: a lognormal body, and a slow mode.
/// `windtunnel trace fit` finds these figures in a log.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LatencyFile {
    /// Added to everything: the network there and back.
    network: Option<Length>,
    /// Median time to first token of an empty prompt, of the body.
    ttft: Option<Length>,
    /// Standard deviation of the logarithm of the body.
    sigma: Option<Number>,
    /// Share of answers in the slow mode.
    slow_share: Option<Share>,
    /// Median of the slow mode over that of the body.
    slow_factor: Option<Number>,
    /// Standard deviation of the logarithm of the slow mode.
    slow_sigma: Option<Number>,
    /// Added per prompt token.
    per_prompt_token: Option<Length>,
    /// Median decode rate in output tokens per second.
    tokens_per_s: Option<Number>,
    /// Standard deviation of the logarithm of the decode rate.
    rate_sigma: Option<Number>,
}

/// Wider than this, a median says nothing.
const SIGMA_MAX: f64 = 5.0;

impl LatencyFile {
    /// The profile's latency with these figures in it.
    pub(crate) fn over(&self, profile: &Latency, at: &At) -> Result<Latency, Problem> {
        let Self {
            network,
            ttft,
            sigma,
            slow_share,
            slow_factor,
            slow_sigma,
            per_prompt_token,
            tokens_per_s,
            rate_sigma,
        } = self;
        let number = |given: &Option<Number>, key: &str, own: f64, low: f64, high: f64| {
            let value = given.map_or(own, |number| number.0);
            if (low..=high).contains(&value) {
                return Ok(value);
            }
            let message = format!("`{}` cannot be {value}", at.key(key));
            Err(Problem::new(at.key(key), message)
                .expected(format!("expected a number from {low} to {high}")))
        };
        let mut latency = *profile;
        let mix = &mut latency.mix;
        mix.s = number(sigma, "sigma", mix.s, 0.0, SIGMA_MAX)?;
        mix.s2 = number(slow_sigma, "slow_sigma", mix.s2, 0.0, SIGMA_MAX)?;
        mix.m = number(slow_factor, "slow_factor", mix.m, 1.0, 1e4)?;
        mix.w = number(&slow_share.map(|share| Number(share.0)), "slow_share", mix.w, 0.0, 1.0)?;
        latency.rate_sigma = number(rate_sigma, "rate_sigma", latency.rate_sigma, 0.0, SIGMA_MAX)?;
        latency.tokens_per_s =
            number(tokens_per_s, "tokens_per_s", latency.tokens_per_s, 1e-3, 1e6)?;
        latency.network = network.map_or(latency.network, |length| length.0);
        latency.ttft = ttft.map_or(latency.ttft, |length| length.0);
        latency.per_prompt_token =
            per_prompt_token.map_or(latency.per_prompt_token, |length| length.0);
        for (key, length) in [
            ("network", latency.network),
            ("ttft", latency.ttft),
            ("per_prompt_token", latency.per_prompt_token),
        ] {
            if length > Span::from_secs(3_600) {
                return Err(Problem::new(
                    at.key(key),
                    format!("`{}` cannot be {length}", at.key(key)),
                )
                .expected("expected at most an hour, such as \"500ms\""));
            }
        }
        Ok(latency)
    }
}
