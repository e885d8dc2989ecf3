//! Does the traffic swing after a fault, how fast, and do the swings die out?
//!
//! Looked at is the share of the faulted set from f1 on, over its baseline, in bins of one to five
//! seconds. A turn counts once the share has come back from it by the dead band: 10 % of the
//! baseline, or where traffic is thin what chance moves between two bins with probability 0.1 % (by
//! the normal approximation).

use super::phase::{Shares, TO_THE_END, Watch, second};
use super::tape::Tape;
use super::value::Value;

/// Least swing that counts, over the baseline.
const DEAD_BAND: f64 = 0.1;
/// Chance moves a difference of two bins by more than this many standard deviations of one bin with
/// probability 0.1 %: 3.09 × √2.
const CHANCE: f64 = 4.37;
/// First attempts to the set that a bin should hold (our choice).
const BIN_HOLDS: f64 = 2_000.0;
/// Longest bin in seconds (our choice: half the shortest period that then can be seen).
const BIN_MOST: u64 = 5;

const STEADY: &str = "the share does not swing";

/// How often the share turns after f1.
pub fn reversals(tape: &Tape, fault: usize) -> Value {
    swings(tape, fault).map_or_else(|value| value, |s| Value::Known(s.turns.len() as f64))
}

/// Lag of the first peak of the share's autocorrelation after it has been negative, in seconds.
pub fn period(tape: &Tape, fault: usize) -> Value {
    let swings = match swings(tape, fault) {
        Ok(swings) => swings,
        Err(value) => return value,
    };
    if swings.turns.len() < 2 {
        return Value::Undefined { reason: STEADY };
    }
    match first_peak(&swings.shares) {
        Some(lag) => Value::Known((lag as u64 * swings.bin) as f64),
        None => Value::Undefined { reason: "the swings have no common period" },
    }
}

/// Each swing over the one before, as a geometric mean: below 1 they die out, from 1 on they do not.
/// Undefined below three turns.
pub fn damping(tape: &Tape, fault: usize) -> Value {
    let swings = match swings(tape, fault) {
        Ok(swings) => swings,
        Err(value) => return value,
    };
    let sizes: Vec<f64> = swings.turns.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    match (sizes.first(), sizes.last()) {
        (Some(first), Some(last)) if sizes.len() > 1 => {
            Value::Known(libm::pow(last / first, 1.0 / (sizes.len() - 1) as f64))
        }
        _ => Value::Undefined { reason: STEADY },
    }
}

struct Swings {
    /// Length of a bin in seconds.
    bin: u64,
    /// Share over baseline, bin by bin.
    shares: Vec<f64>,
    /// Its values where it turned.
    turns: Vec<f64>,
}

fn swings(tape: &Tape, fault: usize) -> Result<Swings, Value> {
    let watch = Watch::new(tape, fault);
    if watch.fault.end >= watch.until {
        return Err(Value::Undefined { reason: TO_THE_END });
    }
    let shares = Shares::new(watch)?;
    let bin = ((BIN_HOLDS / shares.per_second).ceil() as u64).clamp(1, BIN_MOST);
    let holds = shares.per_second * bin as f64;
    let chance = CHANCE * ((1.0 - shares.baseline) / holds).sqrt();
    let start = watch.fault.end.0.div_ceil(1_000_000_000);
    let series: Vec<f64> = (start..)
        .step_by(bin as usize)
        .take_while(|from| from + bin <= second(watch.until))
        .map_while(|from| shares.ratio(from, bin))
        .collect();
    let turns = turns(&series, chance.max(DEAD_BAND));
    Ok(Swings { bin, shares: series, turns })
}

/// The extremes of a series from which it came back by at least `band`, in order.
fn turns(series: &[f64], band: f64) -> Vec<f64> {
    let mut turns = Vec::new();
    let Some(&first) = series.first() else { return turns };
    let (mut low, mut high) = (first, first);
    // Up, down, or not known yet.
    let mut rising = None;
    for &value in series {
        (low, high) = (low.min(value), high.max(value));
        match rising {
            Some(true) if value <= high - band => {
                turns.push(high);
                (rising, low) = (Some(false), value);
            }
            Some(false) if value >= low + band => {
                turns.push(low);
                (rising, high) = (Some(true), value);
            }
            None if value >= low + band => (rising, high) = (Some(true), value),
            None if value <= high - band => (rising, low) = (Some(false), value),
            _ => {}
        }
    }
    turns
}

/// The lag of the first positive peak of the autocorrelation behind its first negative value, up to
/// half the series.
fn first_peak(series: &[f64]) -> Option<usize> {
    let mean = series.iter().sum::<f64>() / series.len() as f64;
    let at = |lag: usize| -> f64 {
        let pairs = series.iter().zip(&series[lag..]);
        pairs.map(|(a, b)| (a - mean) * (b - mean)).sum()
    };
    let correlation: Vec<f64> = (0..=series.len() / 2).map(at).collect();
    let negative = correlation.iter().position(|value| *value < 0.0)?;
    let peak = |lag: &usize| {
        let value = correlation[*lag];
        let after = correlation.get(lag + 1).copied().unwrap_or(f64::NEG_INFINITY);
        value > 0.0 && value >= correlation[lag - 1] && value > after
    };
    (negative + 1..correlation.len() - 1).find(peak)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{add_fault, calm};
    use super::*;

    /// A third at rest; from 150 s on it swings by `size` around it, up and down every `half` seconds.
    fn swinging(half: u64, size: impl Fn(u64) -> f64) -> Tape {
        let mut tape = calm(270, 3, 2_000);
        add_fault(&mut tape, (90.0, 150.0), &[0], 6_000, |t| {
            let swing = |n: u64| if n.is_multiple_of(2) { size(n) } else { -size(n) };
            let relative = if t < 150 { 1.0 } else { 1.0 + swing((t - 150) / half) };
            relative / 3.0
        });
        tape
    }

    #[test]
    fn a_steady_swing_has_its_period_and_does_not_die_out() {
        let tape = swinging(6, |_| 0.3);
        // Twenty half periods: the first value and the last are no turns.
        assert_eq!(reversals(&tape, 0), Value::Known(18.0));
        assert_eq!(period(&tape, 0), Value::Known(12.0));
        assert!((damping(&tape, 0).known().unwrap() - 1.0).abs() < 1e-3);
    }

    #[test]
    fn a_dying_swing_is_damped_by_its_ratio() {
        let tape = swinging(5, |n| (0..n).fold(0.6, |size, _| 0.7 * size));
        assert!((damping(&tape, 0).known().unwrap() - 0.7).abs() < 0.02);
    }

    #[test]
    fn what_stays_within_the_dead_band_is_no_swing() {
        let tape = swinging(6, |_| 0.045);
        assert_eq!(reversals(&tape, 0), Value::Known(0.0));
        assert!(matches!(period(&tape, 0), Value::Undefined { reason: STEADY }));
        assert!(matches!(damping(&tape, 0), Value::Undefined { reason: STEADY }));
    }

    #[test]
    fn thin_traffic_needs_a_wider_swing() {
        let mut tape = calm(270, 3, 10);
        let share = |t: u64| if t < 150 || (t / 10).is_multiple_of(2) { 0.34 } else { 0.27 };
        add_fault(&mut tape, (90.0, 150.0), &[0], 30, share);
        // 20 % of 51 a bin is chance.
        assert_eq!(reversals(&tape, 0), Value::Known(0.0));
    }

    #[test]
    fn turns_are_extremes_that_were_left_by_the_band() {
        assert_eq!(turns(&[0.0, 0.5, 1.2, 1.15, 0.9, 0.95, 1.1], 0.15), [1.2, 0.9]);
        assert_eq!(turns(&[1.0, 0.95, 1.05, 0.97], 0.15), [] as [f64; 0]);
        assert_eq!(turns(&[], 0.1), [] as [f64; 0]);
    }
}
