//! When requests come: a rate curve, and a process of gaps around it.
//!
//! Counts of a window vary by chance even where the rate does not, so each window's rate is drawn towards
//! the mean by as much as chance explains (empirical Bayes): what is burstiness is not also a curve. How much
//! chance explains depends on the process, so that is fitted first, as if there were no curve: a curve that is
//! there stands out from it all the same, and one that is not there is never begun with.

use crate::engine::Span;
use crate::engine::luck::mix;
use crate::sim::spec::{Rate, Row as Arrived};
use crate::sim::workload::open::Open;
use crate::trace::{Dispersion, dispersion};

use super::distance::sorted;
use super::process::{Burst, bursts, far, nearest};

/// When the requests of a client come.
#[derive(Clone, Debug, PartialEq)]
pub struct ArrivalFit {
    /// Mean requests per second.
    pub rps: f64,
    /// From each time on, this multiple of the mean; empty = always the mean.
    pub steps: Vec<(Span, f64)>,
    /// The process.
    pub burst: Burst,
    /// Kolmogorov-Smirnov distance of gaps, at the rate of their time, from the process; `None` where stamps are too
    /// coarse to measure half of them.
    pub ks: Option<f64>,
    /// Variance over mean of requests in 1, 10 and 60 s, in the log.
    pub log: [f64; 3],
    /// The same of the fitted arrivals.
    pub fitted: [f64; 3],
    /// Whether the process was chosen so that 10 s are as dispersed as in the log, because gaps alone
    /// do not tell.
    pub by_dispersion: bool,
}

const SECOND: u64 = 1_000_000_000;
/// Stamps in coarser steps than this many nanoseconds are spread over them.
pub(super) const FINE: u64 = 1_000;
/// Arrivals made to measure dispersion.
const MADE_MAX: f64 = 300_000.0;
/// A curve that explains less than this share of the windows' variance is no curve.
const CURVE_MIN: f64 = 0.2;
/// And one that chance explains by its variance's own standard deviation times this (our choice).
const CURVE_SIGMAS: f64 = 3.0;
/// Dispersion of 10 s is met within this factor, or the process is chosen by it.
const NEAR: f64 = 1.3;

/// The windows of a rate curve.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    /// Width in nanoseconds.
    width: u64,
    /// How many; the last one may be cut off by the end.
    count: usize,
    /// Start of the first one, in the log's time.
    start: u64,
    end: u64,
    /// After so many windows they begin anew: days on top of each other.
    fold: Option<usize>,
}

impl Windows {
    /// Windows for a log from `start` on, `span` long. `day` = its stamps are dates.
    pub(super) fn new(start: u64, span: u64, day: bool) -> Self {
        let hour = 3_600 * SECOND;
        if day && span >= 36 * hour {
            let width = hour / 2;
            let midnight = start / (24 * hour) * (24 * hour);
            let count = ((start + span - midnight) / width + 1) as usize;
            return Self { width, count, start: midnight, end: start + span, fold: Some(48) };
        }
        let width = match span {
            _ if span <= 2 * hour => 60 * SECOND,
            _ if span <= 12 * hour => 300 * SECOND,
            _ => hour / 2,
        };
        let count = (span / width + 1) as usize;
        Self { width, count, start, end: start + span + 1, fold: None }
    }

    /// Length of the scenario: a day of several, or all of it.
    pub(super) fn length(&self) -> Span {
        match self.fold {
            Some(count) => Span(self.width * count as u64),
            None => Span((self.end - self.start).max(SECOND)),
        }
    }

    /// Time zero of the scenario, in the log's time.
    pub(super) const fn zero(&self) -> u64 {
        self.start
    }

    fn of(&self, at: u64) -> usize {
        let window = ((at - self.start) / self.width) as usize;
        self.fold.map_or(window, |count| window % count)
    }

    /// Seconds of the log in each window.
    fn exposures(&self, first: u64) -> Vec<f64> {
        let mut seconds = vec![0.0; self.fold.unwrap_or(self.count)];
        for window in 0..self.count as u64 {
            let from = (self.start + window * self.width).max(first);
            let to = (self.start + (window + 1) * self.width).min(self.end);
            if to > from {
                seconds[self.of(self.start + window * self.width)] += (to - from) as f64 / 1e9;
            }
        }
        seconds
    }
}

/// Fits arrivals at these times, ascending; `step` nanoseconds is how coarse stamps are, `first` the log's
/// first stamp.
pub(super) fn fit(times: &[u64], windows: &Windows, first: u64, step: u64) -> ArrivalFit {
    let times: Vec<u64> = if step > FINE {
        // Stamps in steps would make bursts of their own.
        let mut spread: Vec<u64> =
            times.iter().zip(0u64..).map(|(at, n)| at + mix(n, 0x57e9) % step).collect();
        spread.sort_unstable();
        spread
    } else {
        times.to_vec()
    };
    let exposures = windows.exposures(first);
    let mut counts = vec![0.0; exposures.len()];
    for at in &times {
        counts[windows.of((*at).min(windows.end - 1))] += 1.0;
    }
    let all: f64 = exposures.iter().sum::<f64>().max(1e-9);
    let rps = times.len() as f64 / all;
    let flat = vec![1.0; exposures.len()];
    let mut multiples = flat.clone();
    let mut burst = Burst::Poisson;
    // Gaps this short are too close to the step of stamps to say how short they are.
    let floor = 3.0 * step.max(1) as f64 / 1e9 * rps;
    let mut gaps = Vec::new();
    for _ in 0..4 {
        gaps = sorted(scaled(&times, windows, &multiples, rps));
        burst = nearest(&gaps, floor, rps);
        multiples = shrunk(&counts, &exposures, rps, burst.noise());
    }
    let log = measured(times.iter().copied(), first, windows.end);
    let mut found = Candidate { burst, rps, multiples: &multiples, windows };
    let mut fitted = found.dispersion();
    let by_dispersion = !is_near(&log, &fitted);
    // Bursts make windows differ by themselves, so each is tried without the curve too.
    if by_dispersion {
        let bursts = bursts(&times);
        let curved = [&multiples, &flat].map(|multiples| Candidate { multiples, ..found });
        let gammas = curved.map(|candidate| candidate.calibrated(log[1]));
        let on_offs = curved
            .iter()
            .filter_map(|candidate| bursts.map(|burst| Candidate { burst, ..*candidate }));
        let far = |candidate: &Candidate<'_>| apart(&log, &candidate.dispersion());
        let all = std::iter::once(found).chain(gammas).chain(on_offs);
        found = all.min_by(|a, b| far(a).total_cmp(&far(b))).unwrap_or(found);
        fitted = found.dispersion();
    }
    let long = gaps.len() - gaps.partition_point(|gap| *gap < floor);
    let ks = (2 * long >= gaps.len()).then(|| far(&gaps, found.burst, floor, rps));
    let is_flat = found.multiples.iter().all(|multiple| *multiple == 1.0);
    let steps = if is_flat { Vec::new() } else { found.steps() };
    ArrivalFit { rps, steps, burst: found.burst, ks, log, fitted, by_dispersion }
}

/// Each window's rate over the mean, drawn towards it by as much as chance explains.
fn shrunk(counts: &[f64], exposures: &[f64], rps: f64, noise: f64) -> Vec<f64> {
    let filled = || counts.iter().zip(exposures).filter(|(_, seconds)| **seconds > 1.0);
    let windows = filled().count() as f64;
    if windows < 4.0 {
        return vec![1.0; counts.len()];
    }
    // Of multiples: variance between windows, and what chance makes of it.
    let between: f64 = filled()
        .map(|(count, seconds)| {
            let apart = count / (rps * seconds) - 1.0;
            apart * apart
        })
        .sum::<f64>()
        / windows;
    let chance = filled().map(|(_, seconds)| noise / (rps * seconds)).sum::<f64>() / windows;
    let real = 1.0 - chance / between;
    // The variance of few windows is not well known itself.
    let luck = 1.0 + CURVE_SIGMAS * (2.0 / windows).sqrt();
    if real.is_nan() || real < CURVE_MIN.max(1.0 - 1.0 / luck) {
        return vec![1.0; counts.len()];
    }
    let multiple = |(count, seconds): (&f64, &f64)| {
        if *seconds <= 1.0 { 1.0 } else { (1.0 + real * (count / (rps * seconds) - 1.0)).max(0.0) }
    };
    let multiples: Vec<f64> = counts.iter().zip(exposures).map(multiple).collect();
    let mean = multiples.iter().zip(exposures).map(|(m, s)| m * s).sum::<f64>()
        / exposures.iter().sum::<f64>();
    multiples.iter().map(|multiple| multiple / mean).collect()
}

/// Gaps at the rate of their time: mean 1 where the rate is right.
fn scaled(times: &[u64], windows: &Windows, multiples: &[f64], rps: f64) -> Vec<f64> {
    let mut gaps = Vec::with_capacity(times.len());
    for pair in times.windows(2) {
        let (a, b) = (windows.of(pair[0]), windows.of(pair[1].min(windows.end - 1)));
        // A gap over several windows counts with the mean of the two at its ends.
        let multiple = (multiples[a] + multiples[b]) / 2.0;
        gaps.push((pair[1] - pair[0]) as f64 / 1e9 * rps * multiple);
    }
    let mean = gaps.iter().sum::<f64>() / gaps.len().max(1) as f64;
    for gap in &mut gaps {
        *gap /= mean;
    }
    gaps
}

/// Arrivals that might be the log's.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    burst: Burst,
    rps: f64,
    multiples: &'a [f64],
    windows: &'a Windows,
}

impl Candidate<'_> {
    fn steps(&self) -> Vec<(Span, f64)> {
        let width = self.windows.width;
        let steps = self.multiples.iter().zip(0u64..);
        steps.map(|(multiple, n)| (Span(n * width), *multiple)).collect()
    }

    /// Variance over mean of as many arrivals as the log has, or enough of them.
    fn dispersion(&self) -> [f64; 3] {
        let mut knots = Vec::new();
        let mut level = 1.0;
        for (at, multiple) in self.steps() {
            if at > Span::ZERO {
                knots.push((at, level * self.rps));
            }
            knots.push((at, multiple * self.rps));
            level = multiple;
        }
        let length = self.windows.length().0.min((MADE_MAX / self.rps * 1e9) as u64);
        let mut open = Open::new(self.burst.gaps(), &Rate(knots), 0xd15b, 0);
        let times = std::iter::from_fn(|| {
            let at = open.peek().0;
            (at < length).then(|| {
                open.pop();
                at
            })
        });
        measured(times, 0, length)
    }

    /// The gamma process that is as dispersed over 10 s.
    fn calibrated(&self, goal: f64) -> Self {
        let (mut low, mut high) = (0.1f64, 60.0f64);
        for _ in 0..12 {
            let cv = (low * high).sqrt();
            let candidate = Self { burst: Burst::Gamma(cv), ..*self };
            if candidate.dispersion()[1] < goal { low = cv } else { high = cv }
        }
        Self { burst: Burst::Gamma((low * high).sqrt()), ..*self }
    }
}

fn measured(times: impl Iterator<Item = u64>, start: u64, end: u64) -> [f64; 3] {
    let rows = times.map(|at| Arrived {
        at: Span(at.saturating_sub(start)),
        prompt: 0,
        output: 0,
        leaf: 0,
    });
    let Dispersion { requests, .. } = dispersion(rows, Span(end - start));
    requests.index
}

fn is_near(log: &[f64; 3], fitted: &[f64; 3]) -> bool {
    let ratio = fitted[1] / log[1];
    ratio.is_nan() || (1.0 / NEAR..=NEAR).contains(&ratio)
}

/// How far two dispersions are apart, in logarithms over all widths.
fn apart(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    let far = |(a, b): (&f64, &f64)| {
        let ratio = libm::log(a / b).abs();
        if ratio.is_finite() { ratio } else { 0.0 }
    };
    a.iter().zip(b).map(far).sum()
}
