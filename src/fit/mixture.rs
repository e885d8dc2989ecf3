//! A lognormal body with a slow mode, found by expectation and maximisation.

use super::distance::{quantile, sorted, thinned};
use crate::sim::spec::Mix;

/// A body and a slow mode, in logarithms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Found {
    /// Median of the body.
    pub(super) median: f64,
    /// Shape around it.
    pub(super) mix: Mix,
    /// Distance of the fit from the data.
    pub(super) ks: f64,
    /// Whether there are enough slow answers to tell a mode from a tail.
    pub(super) has_slow_mode: bool,
}

/// Numbers that the search goes over.
const SAMPLE: usize = 20_000;
const ROUNDS: usize = 200;
/// Fewer slow answers than this are no mode.
const SLOW_MIN: f64 = 20.0;

/// Fits positive numbers. `None` if there are too few.
pub(super) fn fit(values: &[f64]) -> Option<Found> {
    let logs: Vec<f64> = values.iter().filter(|v| **v > 0.0).map(|v| libm::log(*v)).collect();
    if logs.len() < 50 {
        return None;
    }
    let logs = thinned(&sorted(logs), SAMPLE);
    let at = |p| quantile(&logs, p);
    // The lower half of a body is hardly touched by what is slow.
    let spread = ((at(0.5) - at(0.1)) / 1.281_551_565_544_6).max(1e-3);
    let one = Found {
        median: libm::exp(at(0.5)),
        mix: Mix { s: spread, w: 0.0, m: 1.0, s2: spread },
        ks: 0.0,
        has_slow_mode: false,
    };
    let (mut mean, mut s, mut w) = (at(0.5), spread, 0.05);
    let (mut slow, mut s2) = (at(0.5) + (3.0 * spread).max(1.0), 0.5);
    for _ in 0..ROUNDS {
        let (mut n, mut sums) = (0.0, [0.0f64; 4]);
        let before = (mean, s, w, slow, s2);
        let body = |x: f64| density(x, mean, s) * (1.0 - w);
        let tail = |x: f64| density(x, slow, s2) * w;
        let part: Vec<f64> = logs
            .iter()
            .map(|x| {
                let (a, b) = (body(*x), tail(*x));
                // Far below the body nothing is slow, whatever the tails of the densities say.
                if a + b > 0.0 && *x > mean { b / (a + b) } else { 0.0 }
            })
            .collect();
        for (x, slow_part) in logs.iter().zip(&part) {
            n += slow_part;
            sums[0] += x * (1.0 - slow_part);
            sums[1] += x * slow_part;
        }
        let all = logs.len() as f64;
        if n < 1.0 || all - n < 1.0 {
            break;
        }
        (mean, slow, w) = (sums[0] / (all - n), sums[1] / n, n / all);
        for (x, slow_part) in logs.iter().zip(&part) {
            sums[2] += (x - mean) * (x - mean) * (1.0 - slow_part);
            sums[3] += (x - slow) * (x - slow) * slow_part;
        }
        s = (sums[2] / (all - n)).sqrt().max(1e-3);
        s2 = (sums[3] / n).sqrt().clamp(0.05, 2.0);
        let moved = (before.0 - mean).abs() + (before.2 - w).abs() + (before.3 - slow).abs();
        if moved < 1e-7 {
            break;
        }
    }
    let two = Found {
        median: libm::exp(mean),
        mix: Mix { s, w, m: libm::exp(slow - mean), s2 },
        ks: 0.0,
        has_slow_mode: true,
    };
    let count = w * values.len() as f64;
    let is_mode = count >= SLOW_MIN && (0.002..0.5).contains(&w) && slow - mean > 2.0 * s;
    let found = if is_mode { two } else { one };
    Some(Found { ks: distance(&found, &logs), ..found })
}

fn density(x: f64, mean: f64, s: f64) -> f64 {
    let z = (x - mean) / s;
    libm::exp(-0.5 * z * z) / s
}

fn distance(found: &Found, logs: &[f64]) -> f64 {
    let Mix { s, w, m, s2 } = found.mix;
    let mean = libm::log(found.median);
    let below =
        |x: f64, mean: f64, s: f64| 0.5 * libm::erfc((mean - x) / s / std::f64::consts::SQRT_2);
    let n = logs.len() as f64;
    let mut far = 0.0f64;
    for (at, x) in logs.iter().enumerate() {
        let p = (1.0 - w) * below(*x, mean, s) + w * below(*x, mean + libm::log(m), s2);
        far = far.max((p - at as f64 / n).abs()).max((p - (at + 1) as f64 / n).abs());
    }
    far
}
