//! The exact binomial bound that tells a dip from bad luck.

/// Probability that chance alone crosses the bound on one side: 0.1 %.
const TAIL: f64 = 0.001;

/// Whether `hits` of `trials` is so few that a share of `share` gives it with probability below 0.1
/// %.
pub(super) fn too_few(hits: u64, trials: u64, share: f64) -> bool {
    if share >= 1.0 {
        return hits < trials;
    }
    share > 0.0 && (hits as f64) < share * trials as f64 && at_most(hits, trials, share) < TAIL
}

/// Whether `hits` of `trials` is so many that a share of `share` gives it with probability below
/// 0.1 %.
pub(super) fn too_many(hits: u64, trials: u64, share: f64) -> bool {
    hits <= trials && too_few(trials - hits, trials, 1.0 - share)
}

/// P(X ≤ hits) for X binomial with `hits` below the mean: the largest term, then its geometric-like
/// tail.
fn at_most(hits: u64, trials: u64, share: f64) -> f64 {
    let (n, k) = (trials as f64, hits as f64);
    let choose = libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0);
    let mut term = libm::exp(choose + k * libm::log(share) + (n - k) * libm::log1p(-share));
    let odds = (1.0 - share) / share;
    let mut sum = term;
    for i in (1..=hits).rev() {
        term *= i as f64 / (n - i as f64 + 1.0) * odds;
        sum += term;
        if term < sum * 1e-12 {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_the_exact_binomial_tail() {
        // P(X ≤ 2), n = 10, p = 0.5 is 56/1024; P(X = 0), n = 50, p = 0.1 is 0.9^50.
        assert!((at_most(2, 10, 0.5) - 56.0 / 1024.0).abs() < 1e-12);
        assert!((at_most(0, 50, 0.1) - 0.005_153_775_207_320_113).abs() < 1e-12);
        // n = 1,000, p = 0.5: P(X ≤ 451) = 0.001069, P(X ≤ 450) = 0.000865 (exact sums).
        assert!(!too_few(451, 1_000, 0.5));
        assert!(too_few(450, 1_000, 0.5));
        assert!(too_many(550, 1_000, 0.5));
        assert!(!too_many(549, 1_000, 0.5));
    }

    #[test]
    fn certainty_allows_no_miss_and_nothing_is_never_noise() {
        assert!(too_few(99, 100, 1.0));
        assert!(!too_few(100, 100, 1.0));
        assert!(!too_few(0, 0, 0.99));
        assert!(!too_few(0, 100, 0.0));
    }
}
