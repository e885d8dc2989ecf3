//! The gamma distribution: logarithms of both tails, and the quantile.
//!
//! Everything is done in the logarithm of the value, because a gamma with a coefficient of
//! variation of 13 (shape 0.006) has its median near 10⁻⁵¹. Series and continued fraction are the
//! classical ones (Abramowitz & Stegun 1964, 6.5.29 and 6.5.31).

use super::law::solve;

/// The value of a gamma variable of scale 1 that is undercut with probability `p`.
pub(super) fn lower(shape: f64, p: f64) -> f64 {
    quantile(shape, libm::log(p), |tails| (tails.lower, 1.0), libm::log(p))
}

/// The value of a gamma variable of scale 1 that is exceeded with probability `q`.
pub(super) fn upper(shape: f64, q: f64) -> f64 {
    quantile(shape, libm::log(q), |tails| (tails.upper, -1.0), libm::log1p(-q))
}

/// Logarithms of P(X ≤ x) and P(X > x), and of x · density.
struct Tails {
    lower: f64,
    upper: f64,
    density: f64,
}

fn quantile(shape: f64, target: f64, side: fn(&Tails) -> (f64, f64), log_lower: f64) -> f64 {
    let log_gamma = libm::lgamma(shape + 1.0);
    // P(X ≤ x) ≤ x^a / Γ(a + 1), so this is never too far right.
    let low = (log_lower + log_gamma) / shape;
    let gap = |log_x: f64| {
        let tails = tails(shape, log_gamma, log_x);
        let (tail, sign) = side(&tails);
        (sign * (tail - target), libm::exp(tails.density - tail))
    };
    let mut high = libm::log(shape + 1.0).max(low + 1.0);
    while gap(high).0 < 0.0 {
        high += 1.0;
    }
    libm::exp(solve(low, high, gap))
}

fn tails(shape: f64, log_gamma: f64, log_x: f64) -> Tails {
    let x = libm::exp(log_x);
    // log of x^a e^(−x) / Γ(a + 1)
    let front = shape * log_x - x - log_gamma;
    let density = front + libm::log(shape);
    if x < shape + 1.0 {
        let lower = front + libm::log(series(shape, x));
        Tails { lower, upper: libm::log1p(-libm::exp(lower).min(1.0)), density }
    } else {
        let upper = density + libm::log(fraction(shape, x));
        Tails { lower: libm::log1p(-libm::exp(upper).min(1.0)), upper, density }
    }
}

/// Σ xⁿ / ((a+1)…(a+n)) from n = 0; converges fast for x < a + 1.
fn series(shape: f64, x: f64) -> f64 {
    let (mut sum, mut term, mut n) = (1.0, 1.0, shape);
    while term > sum * 1e-17 {
        n += 1.0;
        term *= x / n;
        sum += term;
    }
    sum
}

/// Γ(a, x) eˣ x⁻ᵃ as a continued fraction (modified Lentz); converges fast for x ≥ a + 1.
fn fraction(shape: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let mut b = x + 1.0 - shape;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut value = d;
    for n in 1..10_000 {
        let n = f64::from(n);
        let a = -n * (n - shape);
        b += 2.0;
        d = 1.0 / nonzero(a * d + b, TINY);
        c = nonzero(b + a / c, TINY);
        value *= c * d;
        if (c * d - 1.0).abs() < 1e-16 {
            break;
        }
    }
    value
}

fn nonzero(value: f64, tiny: f64) -> f64 {
    if value.abs() < tiny { tiny } else { value }
}
