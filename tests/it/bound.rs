//! Bounds that tests state: four standard errors. A true statement misses one by chance with probability
//! 6·10⁻⁵ (a normal estimate) or 10⁻³ (a mean of 16 replications); seeds are fixed, so a test that passes
//! once passes always, until something changes.

/// Standard errors that an estimate may be off.
const ERRORS: f64 = 4.0;

/// Asserts that `hits` of `trials` fit independent events of probability `p`.
#[track_caller]
pub fn share(hits: usize, trials: usize, p: f64) {
    let (hits, n) = (hits as f64, trials as f64);
    let bound = ERRORS * (n * p * (1.0 - p)).sqrt();
    assert!(n * p.max(1.0 - p) > 0.0 && bound < 0.25 * n, "{trials} trials prove nothing");
    assert!((hits - n * p).abs() <= bound, "{hits} of {n}, expected {} ± {bound}", n * p);
}

/// Asserts that the mean over independent replications fits `expected`, and that they are enough to see a
/// deviation of `resolution` (relative).
#[track_caller]
pub fn mean(replications: &[f64], expected: f64, resolution: f64) {
    let n = replications.len() as f64;
    let mean = replications.iter().sum::<f64>() / n;
    let variance = replications.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
    let bound = ERRORS * (variance / n).sqrt();
    assert!(bound <= resolution * expected, "{replications:?} are too few: ± {bound}");
    assert!((mean - expected).abs() <= bound, "{mean}, expected {expected} ± {bound}");
}

/// Asserts that two numbers are within `tolerance` of each other.
#[track_caller]
pub fn near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found}, expected {expected} ± {tolerance}");
}
