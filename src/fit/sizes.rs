//! Tokens as quantiles.

use crate::engine::luck::mix;
use crate::sim::spec::Tokens;
use crate::sim::tokens::TokenSampler;

use super::distance::{ks, quantile, sorted, thinned};

/// A distribution of tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct SizeFit {
    /// Points of (probability, tokens).
    pub points: Vec<(f64, f64)>,
    /// Kolmogorov-Smirnov distance of draws from the log.
    pub ks: f64,
    /// Rows that say it.
    pub rows: usize,
}

/// Which quantiles stand in a scenario.
const AT: [f64; 23] = [
    0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9,
    0.95, 0.97, 0.98, 0.99, 0.999, 1.0,
];
/// Draws compared with the log.
const DRAWS: u64 = 20_000;

/// The quantiles of counts; `None` without any.
pub(super) fn fit(counts: Vec<f64>) -> Option<SizeFit> {
    let counts = sorted(counts);
    if counts.is_empty() {
        return None;
    }
    let points: Vec<_> = AT.map(|p| (p, quantile(&counts, p).round().max(1.0))).to_vec();
    let sampler = TokenSampler::new(&Tokens::Quantiles(points.clone()));
    let draws = (0..DRAWS).map(|n| f64::from(sampler.draw(mix(n, 0x5151)))).collect();
    let distance = ks(&thinned(&counts, 200_000), &sorted(draws));
    Some(SizeFit { points, ks: distance, rows: counts.len() })
}
