//! The latency of a deployment: time to first token with its slope over the prompt, body and slow mode,
//! and the decode rate.
//!
//! The network's part cannot be told from the rest in a log; it stays the profile's 20 ms, and is taken off
//! before the rest is fitted.

use crate::sim::spec::Mix;

use super::distance::{line, quantile, sorted, thinned};
use super::mixture;
use super::rows::Row;

/// What was found of a deployment's latency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LatencyFit {
    /// Median time to first token of an empty prompt in seconds, and the shape around it.
    pub ttft: Option<(f64, Mix)>,
    /// Whether the slow mode could be told from the body's tail.
    pub has_slow_mode: bool,
    /// Distance of the time to first token from the log.
    pub ttft_ks: f64,
    /// Seconds per prompt token.
    pub per_prompt_token: Option<f64>,
    /// Median output tokens per second, and the standard deviation of its logarithm.
    pub decode: Option<(f64, f64)>,
    /// Whether time to first token was told from durations alone.
    pub from_durations: bool,
    /// Answers that it rests on.
    pub rows: usize,
}

/// The network's part, there and back, as profiles have it.
pub(super) const NETWORK_S: f64 = 0.020;
/// Answers that are enough.
const ROWS_MAX: usize = 200_000;
/// Slopes beyond this per prompt token are of something else than reading prompts.
const SLOPE_MAX: f64 = 0.002;

/// Fits answers of one deployment.
pub(super) fn fit(answers: &[Row]) -> LatencyFit {
    let answers = thinned(answers, ROWS_MAX);
    let mut found = LatencyFit { rows: answers.len(), ..LatencyFit::default() };
    let seconds = |micros: u32| f64::from(micros) / 1e6;
    let firsts: Vec<(f64, f64)> = answers
        .iter()
        .filter(|row| row.ttft > 0)
        .map(|row| (f64::from(row.prompt), seconds(row.ttft) - NETWORK_S))
        .collect();
    if firsts.len() * 10 >= answers.len() && firsts.len() >= 100 {
        first_tokens(&firsts, &mut found);
        let rates: Vec<f64> = answers
            .iter()
            .filter(|row| row.ttft > 0 && row.duration > row.ttft && row.output >= 20)
            .map(|row| f64::from(row.output) / (seconds(row.duration) - seconds(row.ttft)))
            .collect();
        found.decode = rate(rates);
        return found;
    }
    // Without first tokens: what a longer answer takes more is decoding, the rest is waiting.
    let whole: Vec<(f64, f64)> = answers
        .iter()
        .filter(|row| row.duration > 0 && row.output > 0)
        .map(|row| (f64::from(row.output), seconds(row.duration) - NETWORK_S))
        .collect();
    if let Some((_, slope)) = line(&whole).filter(|(_, slope)| *slope > 1e-5) {
        found.decode = Some((1.0 / slope, 0.0));
        found.from_durations = true;
        let rests = whole.iter().map(|(output, s)| s - output * slope).filter(|s| *s > 0.0);
        if let Some(mix) = mixture::fit(&rests.collect::<Vec<_>>()) {
            found.ttft = Some((mix.median, mix.mix));
            found.has_slow_mode = mix.has_slow_mode;
            found.ttft_ks = mix.ks;
        }
    }
    found
}

fn first_tokens(firsts: &[(f64, f64)], found: &mut LatencyFit) {
    let slope = line(firsts).map(|(_, slope)| slope);
    let slope = slope.filter(|slope| *slope < SLOPE_MAX).map(|slope| slope.max(0.0));
    found.per_prompt_token = slope;
    let slope = slope.unwrap_or(0.0);
    let rests = firsts.iter().map(|(prompt, s)| s - prompt * slope).filter(|s| *s > 1e-4);
    if let Some(mix) = mixture::fit(&rests.collect::<Vec<_>>()) {
        found.ttft = Some((mix.median, mix.mix));
        found.has_slow_mode = mix.has_slow_mode;
        found.ttft_ks = mix.ks;
    }
}

fn rate(rates: Vec<f64>) -> Option<(f64, f64)> {
    if rates.len() < 50 {
        return None;
    }
    let logs = sorted(rates.into_iter().map(libm::log).collect());
    let spread = (quantile(&logs, 0.9) - quantile(&logs, 0.1)) / 2.563_103_131_089_2;
    Some((libm::exp(quantile(&logs, 0.5)), spread))
}
