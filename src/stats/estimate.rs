//! Point estimates and their 95 % intervals.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::metrics::Value;

/// The 97.5 % quantile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// An estimate from a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimate itself.
    pub point: f64,
    /// Its 95 % interval; `None` where the sample is too small to have one.
    pub interval: Option<Interval>,
    /// Size of the sample.
    pub n: usize,
}

/// A closed interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Mean with Student's t interval; `None` for an empty sample. Summed in the sample's order.
pub fn mean(sample: &[f64]) -> Option<Estimate> {
    let n = sample.len();
    if n == 0 {
        return None;
    }
    let point = sample.iter().sum::<f64>() / n as f64;
    let squares: f64 = sample.iter().map(|x| (x - point) * (x - point)).sum();
    let interval = (n > 1).then(|| {
        let error = (squares / (n as f64 - 1.0) / n as f64).sqrt();
        let half = student(n as f64 - 1.0) * error;
        Interval { low: point - half, high: point + half }
    });
    Some(Estimate { point, interval, n })
}

/// Mean of times of which some were never reached, each taken as at most `tau` seconds: the
/// restricted mean. Two policies are comparable only at one `tau`. Undefined values are left out,
/// and a value censored before `tau` counts as its own end of watch. `None` if none is defined.
pub fn restricted_mean(values: &[Value], tau: f64) -> Option<Estimate> {
    let times: Vec<f64> = values
        .iter()
        .filter_map(|value| match value {
            Value::Known(time) | Value::Censored { at_s: time } => Some(time.min(tau)),
            Value::Undefined { .. } => None,
        })
        .collect();
    mean(&times)
}

/// Median of times, one never reached being later than all others: censored at `tau` if the median
/// itself was not reached. Undefined values are left out; undefined (as the first of them) if all
/// are.
pub fn median_of(values: &[Value], tau: f64) -> Value {
    let mut times: Vec<f64> = values.iter().filter_map(|value| value.ordered()).collect();
    times.sort_unstable_by(f64::total_cmp);
    match (quantile(&times, 0.5), values.first()) {
        (Some(median), _) if median.is_finite() => Value::Known(median),
        (Some(_), _) => Value::Censored { at_s: tau },
        (None, Some(first)) => *first,
        (None, None) => Value::Undefined { reason: "no replications" },
    }
}

/// Quantile `q` in [0, 1] of an ascending sample, by linear interpolation between order statistics
/// (Hyndman and Fan 1996, type 7). `None` if empty. Next to an infinite value it is infinite.
pub fn quantile(ascending: &[f64], q: f64) -> Option<f64> {
    let at = q * ascending.len().checked_sub(1)? as f64;
    let below = ascending[at.floor() as usize];
    let above = ascending[at.ceil() as usize];
    let part = at.fract();
    Some(if part == 0.0 { below } else { below + (above - below) * part })
}

/// Share of `hits` in `n` trials with Wilson's interval (JASA 1927); `None` for no trials.
pub fn wilson(hits: u64, n: u64) -> Option<Estimate> {
    if n == 0 {
        return None;
    }
    let (size, point) = (n as f64, hits as f64 / n as f64);
    let centre = point + Z * Z / (2.0 * size);
    let half = Z * (point * (1.0 - point) / size + Z * Z / (4.0 * size * size)).sqrt();
    let scale = 1.0 + Z * Z / size;
    let low = ((centre - half) / scale).max(0.0);
    let high = ((centre + half) / scale).min(1.0);
    Some(Estimate { point, interval: Some(Interval { low, high }), n: n as usize })
}

/// The 97.5 % quantile of Student's t.
fn student(freedom: f64) -> f64 {
    let t = StudentsT::new(0.0, 1.0, freedom).expect("one degree of freedom at least");
    t.inverse_cdf(0.975)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(left: f64, right: f64) {
        assert!((left - right).abs() < 1e-6, "{left} is not {right}");
    }

    #[test]
    fn the_t_interval_matches_the_tables() {
        let sample: Vec<f64> = (1..=10).map(f64::from).collect();
        let estimate = mean(&sample).unwrap();
        let interval = estimate.interval.unwrap();
        near(estimate.point, 5.5);
        // t(0.975, 9) = 2.262157; standard error 0.957427.
        near(interval.high - 5.5, 2.262_157_163 * 0.957_427_108);
        near(5.5 - interval.low, interval.high - 5.5);
        assert_eq!(mean(&[3.0]).unwrap().interval, None);
        assert_eq!(mean(&[]), None);
    }

    #[test]
    fn wilson_matches_the_published_example() {
        // 8 of 10: [0.4902, 0.9433].
        let interval = wilson(8, 10).unwrap().interval.unwrap();
        near(interval.low, 0.490_162_5);
        near(interval.high, 0.943_317_8);
        let none = wilson(0, 30).unwrap().interval.unwrap();
        near(none.low, 0.0);
        near(none.high, 0.113_513_4);
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    fn a_censored_time_counts_as_the_watch_in_the_mean_and_as_never_in_the_median() {
        let never = Value::Censored { at_s: 90.0 };
        let undefined = Value::Undefined { reason: "no baseline" };
        let values = [Value::Known(10.0), never, Value::Known(20.0), undefined, never];
        let mean = restricted_mean(&values, 80.0).unwrap();
        near(mean.point, (10.0 + 20.0 + 80.0 + 80.0) / 4.0);
        assert_eq!(mean.n, 4);
        assert_eq!(median_of(&values, 80.0), Value::Censored { at_s: 80.0 });
        assert_eq!(median_of(&values[..3], 80.0), Value::Known(20.0));
        assert_eq!(median_of(&[undefined], 80.0), undefined);
    }

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 10.0], 0.5), Some(2.5));
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 10.0], 1.0), Some(10.0));
        assert_eq!(quantile(&[1.0, f64::INFINITY], 0.5), Some(f64::INFINITY));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
