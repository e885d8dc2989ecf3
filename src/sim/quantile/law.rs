//! The laws that values are drawn from, by their inverse distribution functions.

use crate::sim::spec::Mix;

use super::{gamma, normal};

/// A distribution on the positive numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Law {
    /// Exponential of mean 1.
    Exponential,
    /// Lognormal.
    Lognormal {
        /// Median, > 0.
        median: f64,
        /// Standard deviation of the logarithm, ≥ 0.
        sigma: f64,
    },
    /// Gamma.
    Gamma {
        /// Shape, > 0.
        shape: f64,
        /// Scale, > 0.
        scale: f64,
    },
    /// Weibull.
    Weibull {
        /// Shape, > 0.
        shape: f64,
        /// Scale, > 0.
        scale: f64,
    },
    /// The latency mixture; the median of its body is 1.
    Mix(Mix),
    /// Straight lines in the logarithm between (probability, value) points, from probability 0 to
    /// 1.
    Points(Vec<(f64, f64)>),
}

impl Law {
    /// The gamma law of mean 1 with this coefficient of variation (> 0).
    pub fn gamma_of_cv(cv: f64) -> Self {
        Self::Gamma { shape: 1.0 / (cv * cv), scale: cv * cv }
    }

    /// The Weibull law of mean 1 with this coefficient of variation (0.01 to 400; beyond, the
    /// nearest).
    pub fn weibull_of_cv(cv: f64) -> Self {
        // cv² + 1 = Γ(1 + 2/k) / Γ(1 + 1/k)², falling in k.
        let target = libm::log1p(cv * cv);
        let (mut low, mut high) = (0.1, 200.0);
        for _ in 0..80 {
            let k = 0.5 * (low + high);
            let here = libm::lgamma(1.0 + 2.0 / k) - 2.0 * libm::lgamma(1.0 + 1.0 / k);
            if here > target { low = k } else { high = k }
        }
        let shape = 0.5 * (low + high);
        Self::Weibull { shape, scale: libm::exp(-libm::lgamma(1.0 + 1.0 / shape)) }
    }

    /// The value at probability `luck` / 2⁶⁴, exactly; a [`super::Table`] is ten times as fast.
    pub fn at(&self, luck: u64) -> f64 {
        const UNIT: f64 = 1.0 / ((1u64 << 63) as f64 * 2.0);
        if luck >> 63 == 0 {
            self.lower((luck as f64 + 0.5) * UNIT)
        } else {
            self.upper((!luck as f64 + 0.5) * UNIT)
        }
    }

    /// The value that is undercut with probability `p` in (0, ½].
    pub fn lower(&self, p: f64) -> f64 {
        match self {
            Self::Exponential => -libm::log1p(-p),
            Self::Lognormal { median, sigma } => {
                median * libm::exp(-sigma * normal::upper_quantile(p))
            }
            Self::Gamma { shape, scale } => scale * gamma::lower(*shape, p),
            Self::Weibull { shape, scale } => scale * libm::pow(-libm::log1p(-p), 1.0 / shape),
            Self::Mix(mix) => mixture(mix, p, -normal::upper_quantile(p), -1.0),
            Self::Points(points) => between(points, p),
        }
    }

    /// The value that is exceeded with probability `q` in (0, ½].
    pub fn upper(&self, q: f64) -> f64 {
        match self {
            Self::Exponential => -libm::log(q),
            Self::Lognormal { median, sigma } => {
                median * libm::exp(sigma * normal::upper_quantile(q))
            }
            Self::Gamma { shape, scale } => scale * gamma::upper(*shape, q),
            Self::Weibull { shape, scale } => scale * libm::pow(-libm::log(q), 1.0 / shape),
            Self::Mix(mix) => mixture(mix, q, normal::upper_quantile(q), 1.0),
            Self::Points(points) => between(points, 1.0 - q),
        }
    }
}

/// The value whose tail (`side` 1: upper, −1: lower) is `tail`; `z` is the normal quantile for it.
/// The quantile of a mixture lies between those of its parts.
fn mixture(mix: &Mix, tail: f64, z: f64, side: f64) -> f64 {
    let (s, s2, shift) = (mix.s.max(1e-9), mix.s2.max(1e-9), libm::log(mix.m));
    let (body, slow) = (s * z, shift + s2 * z);
    let (low, high) = if body < slow { (body, slow) } else { (slow, body) };
    let log_tail = libm::log(tail);
    let log_value = solve(low, high, |y| {
        let (a, b) = (y / s, (y - shift) / s2);
        let here = (1.0 - mix.w) * normal::above(side * a) + mix.w * normal::above(side * b);
        let density = (1.0 - mix.w) * normal::density(a) / s + mix.w * normal::density(b) / s2;
        (-side * (libm::log(here) - log_tail), density / here)
    });
    libm::exp(log_value)
}

/// The log-linear interpolation at probability `p`.
fn between(points: &[(f64, f64)], p: f64) -> f64 {
    let next = points.partition_point(|point| point.0 <= p).clamp(1, points.len() - 1);
    let ((p0, v0), (p1, v1)) = (points[next - 1], points[next]);
    let part = if p1 > p0 { ((p - p0) / (p1 - p0)).clamp(0.0, 1.0) } else { 1.0 };
    v0 * libm::exp(part * libm::log(v1 / v0))
}

/// The root of a rising function in [low, high] by Newton steps that fall back to halving. `gap`
/// gives the function and its slope; it is close to a straight line where it is the logarithm of a
/// tail.
pub(super) fn solve(mut low: f64, mut high: f64, gap: impl Fn(f64) -> (f64, f64)) -> f64 {
    let mut at = 0.5 * (low + high);
    for _ in 0..200 {
        let (value, slope) = gap(at);
        if value == 0.0 {
            return at;
        }
        if value < 0.0 {
            low = at;
        } else {
            high = at;
        }
        let newton = at - value / slope;
        let next = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
        if (next - at).abs() <= 1e-14 * at.abs().max(1.0) {
            return next;
        }
        at = next;
    }
    at
}
