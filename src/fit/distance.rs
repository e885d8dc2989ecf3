//! How far two distributions are apart, and quantiles of sorted numbers.

/// The Kolmogorov-Smirnov distance of two samples, both sorted.
pub(super) fn ks(a: &[f64], b: &[f64]) -> f64 {
    let (mut i, mut j, mut far) = (0, 0, 0.0f64);
    while i < a.len() && j < b.len() {
        let at = a[i].min(b[j]);
        while i < a.len() && a[i] <= at {
            i += 1;
        }
        while j < b.len() && b[j] <= at {
            j += 1;
        }
        far = far.max((i as f64 / a.len() as f64 - j as f64 / b.len() as f64).abs());
    }
    if a.is_empty() || b.is_empty() { f64::NAN } else { far }
}

/// The quantile of sorted numbers, between neighbours in proportion.
pub(super) fn quantile(sorted: &[f64], p: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = p * last as f64;
    let at = (place as usize).min(last);
    let next = (at + 1).min(last);
    sorted[at] + (sorted[next] - sorted[at]) * (place - at as f64)
}

/// Sorts numbers that are none of them NaN.
pub(super) fn sorted(mut numbers: Vec<f64>) -> Vec<f64> {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers
}

/// At most so many of them, evenly.
pub(super) fn thinned<T: Copy>(all: &[T], most: usize) -> Vec<T> {
    let step = all.len().div_ceil(most).max(1);
    all.iter().step_by(step).copied().collect()
}

/// A straight line through medians of bins (Theil and Sen): intercept and slope. `None` where x has too
/// little spread to say.
pub(super) fn line(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    const BINS: usize = 12;
    if points.len() < BINS * 8 {
        return None;
    }
    let mut points = points.to_vec();
    points.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let medians: Vec<(f64, f64)> = points
        .chunks(points.len().div_ceil(BINS))
        .map(|bin| {
            let xs = sorted(bin.iter().map(|point| point.0).collect());
            let ys = sorted(bin.iter().map(|point| point.1).collect());
            (quantile(&xs, 0.5), quantile(&ys, 0.5))
        })
        .collect();
    let mut slopes = Vec::new();
    for (at, a) in medians.iter().enumerate() {
        for b in &medians[at + 1..] {
            if b.0 > a.0 * 1.05 {
                slopes.push((b.1 - a.1) / (b.0 - a.0));
            }
        }
    }
    if slopes.len() < BINS {
        return None;
    }
    let slope = quantile(&sorted(slopes), 0.5);
    let rests = sorted(medians.iter().map(|(x, y)| y - slope * x).collect());
    Some((quantile(&rests, 0.5), slope))
}
