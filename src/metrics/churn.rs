//! How much of the traffic changes its route from one moment to the next while nothing is wrong.

use crate::engine::{Span, Time};

use super::tape::Tape;
use super::value::Value;

/// The window that is compared with the next: as long as balancers usually leave their weights alone (Bifrost's
/// documentation, 2025: 5 s).
const WINDOW: Span = Span::from_secs(5);
/// How long after a fault its recovery may move traffic (our choice).
const AFTER: Span = Span::from_secs(120);

/// Half the sum over routes of how much their share of first attempts changes from a window to the next, on average
/// over pairs of windows without a fault.
pub fn churn(tape: &Tape) -> Value {
    let width = (WINDOW.0 / tape.bin.0).max(1) as usize;
    let bins = tape.routes.first().map_or(0, Vec::len);
    let shares = |window: usize| -> Option<Vec<f64>> {
        let of = |route: usize| {
            let bins = &tape.routes[route][window * width..(window + 1) * width];
            bins.iter().map(|bin| u64::from(bin.first)).sum::<u64>()
        };
        let counts: Vec<u64> = (0..tape.routes.len()).map(of).collect();
        let all: u64 = counts.iter().sum();
        (all > 0).then(|| counts.iter().map(|count| *count as f64 / all as f64).collect())
    };
    let (mut moved, mut pairs) = (0.0, 0u32);
    for window in 1..bins / width {
        let from = Time(tape.bin.0 * ((window - 1) * width) as u64);
        let to = Time(tape.bin.0 * ((window + 1) * width) as u64);
        if tape.faults.iter().any(|fault| fault.start < to && from < fault.end + AFTER) {
            continue;
        }
        if let (Some(before), Some(now)) = (shares(window - 1), shares(window)) {
            moved += before.iter().zip(&now).map(|(a, b)| (a - b).abs()).sum::<f64>() / 2.0;
            pairs += 1;
        }
    }
    if pairs == 0 {
        return Value::Undefined { reason: "no two windows in a row without a fault" };
    }
    Value::Known(moved / f64::from(pairs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::fixture::{add_fault, calm};

    /// Two routes; in each window of five seconds the first one gets this part of eight.
    fn turns(parts: &[u32]) -> Tape {
        let mut tape = calm(5 * parts.len() as u64, 2, 4);
        for (second, part) in parts.iter().flat_map(|part| [*part; 5]).enumerate() {
            (tape.routes[0][second].first, tape.routes[1][second].first) = (part, 8 - part);
        }
        tape
    }

    #[test]
    fn it_is_the_part_of_the_traffic_that_moves() {
        assert_eq!(churn(&calm(60, 4, 10)), Value::Known(0.0));
        assert_eq!(churn(&turns(&[0, 8, 0, 8])), Value::Known(1.0));
        assert_eq!(churn(&turns(&[2, 4, 4])), Value::Known(0.125));
    }

    #[test]
    fn what_moves_because_of_a_fault_does_not_count() {
        let mut tape = turns(&[[4; 12].as_slice(), &[0, 8], &[4; 30]].concat());
        assert!(churn(&tape) != Value::Known(0.0));
        add_fault(&mut tape, (61.0, 64.0), &[0], 8, |_| 0.5);
        assert_eq!(churn(&tape), Value::Known(0.0));
        add_fault(&mut tape, (0.0, 220.0), &[0], 8, |_| 0.5);
        assert!(matches!(churn(&tape), Value::Undefined { .. }));
    }

    #[test]
    fn a_run_that_keeps_no_series_does_not_say() {
        let mut tape = calm(60, 2, 4);
        tape.routes.iter_mut().for_each(Vec::clear);
        assert!(matches!(churn(&tape), Value::Undefined { .. }));
    }
}
