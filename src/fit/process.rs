//! A process of gaps, found by maximum likelihood.
//!
//! Bursty processes have gaps far below what any clock tells apart: of Gamma arrivals with a coefficient of variation
//! of 4, at two a second, one in five is shorter than a nanosecond. Such gaps are counted as short and not measured (censored).

use crate::engine::Span;
use crate::sim::spec::{Gaps, Rate};
use crate::sim::workload::open::Open;

use super::distance::{ks, sorted, thinned};

/// A process of gaps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Burst {
    /// Poisson.
    Poisson,
    /// Gamma with this coefficient of variation.
    Gamma(f64),
    /// Weibull with this coefficient of variation.
    Weibull(f64),
    /// Bursts and pauses of these mean lengths in seconds.
    OnOff(f64, f64),
}

impl Burst {
    /// As the simulator takes it.
    pub fn gaps(self) -> Gaps {
        match self {
            Self::Poisson => Gaps::Poisson,
            Self::Gamma(cv) => Gaps::Gamma { cv },
            Self::Weibull(cv) => Gaps::Weibull { cv },
            Self::OnOff(on, off) => {
                Gaps::OnOff { on: Span::from_secs_f64(on), off: Span::from_secs_f64(off) }
            }
        }
    }

    /// Variance over mean of counts in long windows.
    pub(super) fn noise(self) -> f64 {
        match self {
            Self::Poisson => 1.0,
            Self::Gamma(cv) | Self::Weibull(cv) => cv * cv,
            Self::OnOff(..) => 1.0,
        }
    }
}

/// Gaps that are compared, and arrivals that are made for it.
const SAMPLE: usize = 100_000;
/// Gaps that a likelihood is summed over.
const WEIGHED: usize = 20_000;

/// The process whose gaps are nearest, of sorted gaps with a mean of 1. Those below `floor` are only known to be short.
pub(super) fn nearest(gaps: &[f64], floor: f64, rps: f64) -> Burst {
    if gaps.len() < 50 {
        return Burst::Poisson;
    }
    let weighed = thinned(gaps, WEIGHED);
    let short = weighed.partition_point(|gap| *gap < floor);
    let seen = Seen { short: short as f64, floor, long: &weighed[short..] };
    let candidates =
        [seen.gamma(), seen.weibull()].map(|burst| (far(gaps, burst, floor, rps), burst));
    let best = if candidates[0].0 <= candidates[1].0 { candidates[0] } else { candidates[1] };
    if far(gaps, Burst::Poisson, floor, rps) <= best.0 + 0.005 { Burst::Poisson } else { best.1 }
}

/// Distance of sorted gaps at mean 1 from a process.
pub(super) fn far(gaps: &[f64], burst: Burst, floor: f64, rps: f64) -> f64 {
    let gaps = thinned(gaps, SAMPLE);
    let short = |gap: &f64| if *gap < floor { 0.0 } else { *gap };
    let ours: Vec<f64> = gaps.iter().map(short).collect();
    let theirs: Vec<f64> = made(burst, gaps.len(), rps).iter().map(short).collect();
    ks(&ours, &theirs)
}

/// Gaps with a mean of 1, some of them too short to be measured.
struct Seen<'a> {
    /// How many are shorter than `floor`.
    short: f64,
    /// Above 0.
    floor: f64,
    long: &'a [f64],
}

impl Seen<'_> {
    /// The likeliest gamma process.
    fn gamma(&self) -> Burst {
        let n = self.long.len() as f64;
        let sum: f64 = self.long.iter().sum();
        let logs: f64 = self.long.iter().map(|gap| libm::log(*gap)).sum();
        let likelihood = |shape: f64| {
            let below = log_gamma_below(shape, shape * self.floor);
            let density = shape * libm::log(shape) - libm::lgamma(shape);
            self.short * below + n * density + (shape - 1.0) * logs - shape * sum
        };
        let shape = likeliest(1e-4, 400.0, likelihood);
        Burst::Gamma((1.0 / shape).sqrt().clamp(0.05, 100.0))
    }

    /// The likeliest Weibull process.
    fn weibull(&self) -> Burst {
        let n = self.long.len() as f64;
        let logs: Vec<f64> = self.long.iter().map(|gap| libm::log(*gap)).collect();
        let all: f64 = logs.iter().sum();
        let likelihood = |shape: f64| {
            // Of a scale with a mean of 1.
            let scale = -libm::lgamma(1.0 + 1.0 / shape);
            let risen = |log: f64| libm::exp(shape * (log - scale));
            let below = -libm::expm1(-risen(libm::log(self.floor)));
            // Where it is too small for a number, so is the likelihood.
            let short = self.short * libm::log(below.max(f64::MIN_POSITIVE));
            let risen: f64 = logs.iter().map(|log| risen(*log)).sum();
            short + n * (libm::log(shape) - shape * scale) + (shape - 1.0) * all - risen
        };
        Burst::Weibull(weibull_cv(likeliest(0.05, 50.0, likelihood)))
    }
}

/// Logarithm of the probability that a gamma variable of this shape and scale 1 is below `x` > 0: the series of the
/// lower incomplete gamma function.
fn log_gamma_below(shape: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0, 1.0, shape);
    while term > 1e-12 * sum {
        n += 1.0;
        term *= x / n;
        sum += term;
    }
    (shape * libm::log(x) - x - libm::lgamma(shape + 1.0) + libm::log(sum)).min(0.0)
}

/// Where a function with one peak is greatest, to a thousandth (golden section, over logarithms).
fn likeliest(low: f64, high: f64, of: impl Fn(f64) -> f64) -> f64 {
    const PART: f64 = 0.618_033_988_749_894_8;
    let (mut low, mut high) = (libm::log(low), libm::log(high));
    while high - low > 1e-3 {
        let (a, b) = (high - PART * (high - low), low + PART * (high - low));
        if of(libm::exp(a)) < of(libm::exp(b)) { low = a } else { high = b }
    }
    libm::exp((low + high) / 2.0)
}

fn weibull_cv(shape: f64) -> f64 {
    let shape = shape.clamp(0.05, 50.0);
    let (one, two) = (libm::lgamma(1.0 + 1.0 / shape), libm::lgamma(1.0 + 2.0 / shape));
    (libm::exp(two - 2.0 * one) - 1.0).max(0.0).sqrt().clamp(0.05, 100.0)
}

/// Gaps of a process at mean 1, sorted.
fn made(burst: Burst, like: usize, rps: f64) -> Vec<f64> {
    // Bursts and pauses have lengths in time, so the rate matters.
    let rate = Rate(vec![(Span::ZERO, rps)]);
    let mut open = Open::new(burst.gaps(), &rate, 0x6a75, 0);
    let mut last = open.peek();
    let mut gaps = Vec::new();
    for _ in 0..like.clamp(1_000, 40_000) {
        open.pop();
        gaps.push((open.peek() - last).as_secs_f64() * rps);
        last = open.peek();
    }
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    sorted(gaps.into_iter().map(|gap| gap / mean).collect())
}

/// Bursts and pauses: a pause is a gap much longer than most.
pub(super) fn bursts(times: &[u64]) -> Option<Burst> {
    let gaps = sorted(times.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / 1e9).collect());
    let usual = super::distance::quantile(&gaps, 0.75).max(0.05);
    let pauses: Vec<f64> = gaps.iter().copied().filter(|gap| *gap > 10.0 * usual).collect();
    if pauses.len() < 10 {
        return None;
    }
    let off = pauses.iter().sum::<f64>() / pauses.len() as f64;
    let all = gaps.iter().sum::<f64>();
    let on = (all - off * pauses.len() as f64) / pauses.len() as f64;
    (on > 0.01).then_some(Burst::OnOff(on, off))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probability_below_is_known_where_it_has_a_closed_form() {
        for x in [1e-9, 0.1, 1.0, 5.0, 30.0] {
            let exponential = libm::log(-libm::expm1(-x));
            assert!((log_gamma_below(1.0, x) - exponential).abs() < 1e-9, "{x}");
            let of_two = libm::log(-libm::expm1(-x) - x * libm::exp(-x));
            assert!(x < 0.01 || (log_gamma_below(2.0, x) - of_two).abs() < 1e-9, "{x}");
        }
        assert!(log_gamma_below(400.0, 1e6) == 0.0);
    }
}
