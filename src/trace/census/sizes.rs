//! Quantiles of tokens and times.

use hdrhistogram::Histogram;

use crate::trace::entry::Entry;

/// Quantiles of one thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantiles {
    /// What: "prompt tokens", "time to first token (ms)", ….
    pub name: &'static str,
    /// How many rows say it.
    pub count: u64,
    /// Mean.
    pub mean: f64,
    /// Values at [`Quantiles::AT`].
    pub values: [f64; 7],
}

impl Quantiles {
    /// Which quantiles: the least and the greatest value, and between them.
    pub const AT: [f64; 7] = [0.0, 0.1, 0.5, 0.9, 0.95, 0.99, 1.0];
}

/// Tokens and milliseconds beyond this are counted as this: eleven days.
const MOST: u64 = 1_000_000_000;

/// Histograms of three digits.
#[derive(Debug)]
pub(super) struct Sizes {
    of: [Histogram<u64>; NAMES.len()],
}

const NAMES: [&str; 7] = [
    "prompt tokens",
    "output tokens",
    "max_tokens",
    "cached tokens",
    "time to first token (ms)",
    "duration (ms)",
    "output tokens/s",
];

impl Default for Sizes {
    fn default() -> Self {
        let histogram = || Histogram::new_with_bounds(1, MOST, 3).expect("the bounds are fine");
        Self { of: std::array::from_fn(|_| histogram()) }
    }
}

impl Sizes {
    pub(super) fn see(&mut self, entry: &Entry) {
        let failed = entry.status.is_error();
        let tokens = |tokens: Option<u32>| tokens.map(u64::from);
        let millis = |span: Option<crate::engine::Span>| span.map(|span| span.0 / 1_000_000);
        let answered = |value: Option<u64>| value.filter(|_| !failed);
        let rate = entry.decode_rate().map(|rate| rate.round() as u64);
        let values = [
            tokens(entry.prompt).filter(|prompt| *prompt > 0 || !failed),
            answered(tokens(entry.output)),
            tokens(entry.max_tokens),
            tokens(entry.cached),
            answered(millis(entry.ttft)),
            answered(millis(entry.duration)),
            answered(rate),
        ];
        for (histogram, value) in self.of.iter_mut().zip(values) {
            if let Some(value) = value {
                histogram.saturating_record(value);
            }
        }
    }

    pub(super) fn quantiles(&self) -> Vec<Quantiles> {
        let filled = NAMES.iter().zip(&self.of).filter(|(_, histogram)| !histogram.is_empty());
        filled
            .map(|(name, histogram)| Quantiles {
                name,
                count: histogram.len(),
                mean: histogram.mean(),
                values: Quantiles::AT.map(|at| histogram.value_at_quantile(at) as f64),
            })
            .collect()
    }
}
