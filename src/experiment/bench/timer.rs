//! Timing in batches and call by call.
#![expect(clippy::disallowed_types, reason = "the real clock")]

use std::hint::black_box;
use std::time::Instant;

/// Calls in a batch.
pub(super) const BATCH: u32 = 1_000;

/// Batch times in nanoseconds per call.
#[derive(Clone, Debug)]
pub struct Timed {
    /// Ascending.
    pub ns: Vec<f64>,
}

impl Timed {
    /// Runs `subject` and `control` in turn, batch by batch, and gives the subject's times with the
    /// control's median subtracted. Both get the number of their first call and give `batch`'s time.
    pub fn against(
        batches: u32,
        mut subject: impl FnMut(u64) -> f64,
        mut control: impl FnMut(u64) -> f64,
    ) -> Self {
        let mut ns = Vec::with_capacity(batches as usize);
        let mut empty = Vec::with_capacity(batches as usize);
        for number in 0..u64::from(batches) {
            let first = number * u64::from(BATCH);
            empty.push(control(first));
            ns.push(subject(first));
        }
        let floor = median(&mut empty);
        ns.iter_mut().for_each(|ns| *ns = (*ns - floor).max(0.0));
        ns.sort_unstable_by(f64::total_cmp);
        Self { ns }
    }

    /// The q-quantile.
    pub fn quantile(&self, q: f64) -> f64 {
        self.ns.get(((self.ns.len() - 1) as f64 * q).round() as usize).copied().unwrap_or(0.0)
    }
}

/// Nanoseconds per call of 1,000 calls, which get their numbers from `first` on.
pub(super) fn batch(first: u64, mut call: impl FnMut(u64)) -> f64 {
    let start = Instant::now();
    for i in first..first + u64::from(BATCH) {
        call(black_box(i));
    }
    start.elapsed().as_nanos() as f64 / f64::from(BATCH)
}

/// Nanoseconds of one call, the clock included, and what it gave.
#[inline]
pub(super) fn single<T>(call: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let result = call();
    (start.elapsed().as_nanos() as f64, result)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// p50, p99, p99.9 and p99.99.
pub(super) fn percentiles(values: &[f64]) -> [f64; 4] {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    [0.5, 0.99, 0.999, 0.9999].map(|q| sorted[(((sorted.len() - 1) as f64) * q).round() as usize])
}
