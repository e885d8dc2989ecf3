//! Token counts of prompts and outputs.

use super::quantile::{Law, Table, normal};
use super::spec::Tokens;

/// Draws token counts.
#[derive(Clone, Debug)]
pub struct TokenSampler {
    source: Source,
    tokens: Tokens,
}

#[derive(Clone, Debug)]
enum Source {
    Constant(u32),
    Table(Table),
}

impl TokenSampler {
    /// A sampler for this distribution.
    pub fn new(tokens: &Tokens) -> Self {
        let source = match tokens {
            Tokens::Constant(count) => Source::Constant((*count).max(1)),
            Tokens::Lognormal { median, sigma } => {
                Source::Table(Table::new(Law::Lognormal { median: *median, sigma: *sigma }))
            }
            Tokens::Quantiles(points) => {
                let at_least_one = points.iter().map(|&(p, count)| (p, count.max(1.0)));
                Source::Table(Table::new(Law::Points(at_least_one.collect())))
            }
        };
        Self { source, tokens: tokens.clone() }
    }

    /// A count ≥ 1, rounded to the nearest whole number.
    #[inline]
    pub fn draw(&self, luck: u64) -> u32 {
        match &self.source {
            Source::Constant(count) => *count,
            Source::Table(table) => ((table.at(luck) + 0.5) as u32).max(1),
        }
    }

    /// Mean of the draws (without the effect of rounding, which is below half a token).
    pub fn mean(&self) -> f64 {
        self.capped_mean(u32::MAX)
    }

    /// Mean of the draws where each is cut to `cap`: what an output costs under `max_tokens`.
    pub fn capped_mean(&self, cap: u32) -> f64 {
        let cap = f64::from(cap);
        match &self.tokens {
            Tokens::Constant(count) => f64::from((*count).max(1)).min(cap),
            Tokens::Lognormal { median, sigma } => lognormal_mean(*median, *sigma, cap).max(1.0),
            Tokens::Quantiles(points) => points
                .windows(2)
                .map(|pair| (pair[1].0 - pair[0].0) * stretch_mean(pair[0].1, pair[1].1, cap))
                .sum(),
        }
    }
}

/// E[min(X, cap)] of a lognormal variable.
fn lognormal_mean(median: f64, sigma: f64, cap: f64) -> f64 {
    let mean = median * libm::exp(0.5 * sigma * sigma);
    if sigma <= 0.0 {
        return mean.min(cap);
    }
    let z = libm::log(cap / median) / sigma;
    mean * normal::below(z - sigma) + cap * normal::below(-z)
}

/// Mean of min(value, cap) over a stretch that is straight in the logarithm from `low` to `high`.
fn stretch_mean(low: f64, high: f64, cap: f64) -> f64 {
    let (low, high) = (low.max(1.0), high.max(1.0));
    if high <= cap {
        log_mean(low, high)
    } else if low >= cap {
        cap
    } else {
        let part = libm::log(cap / low) / libm::log(high / low);
        part * log_mean(low, cap) + (1.0 - part) * cap
    }
}

/// The logarithmic mean: the mean of a value that grows from `low` to `high` at a constant rate.
fn log_mean(low: f64, high: f64) -> f64 {
    let ratio = high / low;
    if ratio - 1.0 < 1e-9 { low } else { (high - low) / libm::log(ratio) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::luck;

    fn empirical(sampler: &TokenSampler, cap: u32) -> f64 {
        let sum: u64 =
            (0..400_000).map(|n| u64::from(sampler.draw(luck::mix(n, 1)).min(cap))).sum();
        sum as f64 / 400_000.0
    }

    #[test]
    fn means_in_closed_form_are_the_means_of_the_draws() {
        let laws = [
            Tokens::Constant(300),
            Tokens::Lognormal { median: 1020.0, sigma: 0.77 },
            Tokens::Quantiles(vec![
                (0.0, 3.0),
                (0.5, 129.0),
                (0.9, 424.0),
                (0.99, 601.0),
                (1.0, 1000.0),
            ]),
        ];
        for law in laws {
            let sampler = TokenSampler::new(&law);
            for cap in [u32::MAX, 1024, 200] {
                let (found, mean) = (empirical(&sampler, cap), sampler.capped_mean(cap));
                assert!((found / mean - 1.0).abs() < 0.005, "{law:?} to {cap}: {found} for {mean}");
            }
            assert_eq!(sampler.mean(), sampler.capped_mean(u32::MAX));
        }
    }

    #[test]
    fn quantiles_come_out_where_they_were_put() {
        let sampler =
            TokenSampler::new(&Tokens::Quantiles(vec![(0.0, 1.0), (0.5, 100.0), (1.0, 10_000.0)]));
        let at = |p| sampler.draw(super::super::quantile::luck_at(p));
        assert_eq!([at(0.25), at(0.5), at(0.75)], [10, 100, 1000]);
    }

    #[test]
    fn a_draw_is_at_least_one_token() {
        let tiny = TokenSampler::new(&Tokens::Lognormal { median: 0.2, sigma: 1.0 });
        assert!((0..1000).all(|n| tiny.draw(luck::mix(n, 2)) >= 1));
        assert_eq!(TokenSampler::new(&Tokens::Constant(0)).draw(0), 1);
    }
}
