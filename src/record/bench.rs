//! What `bench` measured on the real clock. Never part of a deterministic file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of the format. It grows when a field changes its meaning or goes.
pub const MEASUREMENTS_VERSION: u32 = 1;

/// `bench.json`: everything that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Measurements {
    /// Version of this format.
    pub schema_version: u32,
    /// What may have disturbed them.
    pub warnings: Vec<String>,
    /// Engine calls in batches.
    pub calls: Vec<CallFigure>,
    /// Engine calls one by one.
    pub percentiles: Vec<PercentileFigure>,
    /// The simulator.
    pub simulator: Vec<SpeedFigure>,
    /// Histograms for the picture.
    pub histograms: Vec<Bench>,
}

/// One kind of call, measured in batches of 1,000, the empty loop subtracted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallFigure {
    /// What was called.
    pub call: String,
    /// Over how many routes.
    pub routes: u32,
    /// In how many threads at once.
    pub threads: u32,
    /// Nanoseconds per call: median over batches.
    pub median_ns: f64,
    /// Least batch.
    pub min_ns: f64,
    /// 99th percentile of batches.
    pub p99_ns: f64,
    /// Heap allocations per call, where the host counts them.
    pub allocations: Option<f64>,
}

/// One kind of call, timed call by call; the median of the empty call is subtracted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PercentileFigure {
    /// What was called, and how.
    pub call: String,
    /// Over how many routes.
    pub routes: u32,
    /// p50, p99, p99.9, p99.99 in nanoseconds.
    pub ns: [f64; 4],
    /// The same of the empty call, not subtracted.
    pub empty_ns: [f64; 4],
}

/// The simulator at one size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpeedFigure {
    /// Policy.
    pub policy: String,
    /// Routes.
    pub routes: u32,
    /// Gateway nodes; several share everything, and are asked 50,000 times a virtual second.
    pub nodes: u32,
    /// Virtual keys with limits; 0 = nobody is limited.
    #[serde(default)]
    pub keys: u32,
    /// Nanoseconds per simulated request, best of three runs.
    pub ns_per_request: f64,
    /// Requests per wall-clock second and core.
    pub requests_per_s: f64,
    /// Virtual seconds per wall-clock second.
    pub times_real_time: f64,
    /// Cost over that of the bare loop in the same pass.
    pub over_bare_loop: f64,
}

/// One distribution that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bench {
    /// What was measured, as the figure names it: `bifrost-published, 12 routes`.
    pub name: String,
    /// Unit of the samples, e.g. `ns/decision`.
    pub unit: String,
    /// Number of samples.
    pub samples: u64,
    /// Least sample.
    pub min: f64,
    /// Median.
    pub p50: f64,
    /// 99 % quantile.
    pub p99: f64,
    /// Samples by size, ascending, without gaps between buckets.
    pub buckets: Vec<Bucket>,
}

/// Samples in [low, high).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Samples.
    pub count: u64,
}

/// Buckets of a histogram (our choice).
const BUCKETS: usize = 60;

impl Bench {
    /// Sorts samples into 60 buckets from the least to the 99 % quantile; the last bucket takes
    /// the rest. `None` without samples, or if one is not a finite number.
    pub fn from_samples(name: &str, unit: &str, samples: &[f64]) -> Option<Self> {
        let mut sorted = samples.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let quantile = |q| crate::stats::quantile(&sorted, q);
        let (min, top) = (quantile(0.0)?, quantile(0.99)?);
        if !sorted.iter().all(|sample| sample.is_finite()) {
            return None;
        }
        let width = ((top - min) / BUCKETS as f64).max(f64::MIN_POSITIVE);
        let edge = |i: usize| min + width * i as f64;
        let mut buckets: Vec<_> =
            (0..BUCKETS).map(|i| Bucket { low: edge(i), high: edge(i + 1), count: 0 }).collect();
        for sample in &sorted {
            let at = ((sample - min) / width) as usize;
            buckets[at.min(BUCKETS - 1)].count += 1;
        }
        Some(Self {
            name: name.to_owned(),
            unit: unit.to_owned(),
            samples: sorted.len() as u64,
            min,
            p50: quantile(0.5)?,
            p99: quantile(0.99)?,
            buckets,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_in_one_bucket() {
        let samples: Vec<f64> = (0..1_000).map(|i| f64::from(i) / 10.0).collect();
        let bench = Bench::from_samples("x", "ns", &samples).unwrap();
        assert_eq!(bench.buckets.iter().map(|bucket| bucket.count).sum::<u64>(), 1_000);
        assert_eq!((bench.min, bench.p50), (0.0, 49.95));
        assert_eq!(Bench::from_samples("x", "ns", &[]), None);
        let same = Bench::from_samples("x", "ns", &[5.0; 9]).unwrap();
        assert_eq!(same.buckets.iter().map(|bucket| bucket.count).sum::<u64>(), 9);
    }
}
