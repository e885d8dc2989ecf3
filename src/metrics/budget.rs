//! The error budget: how fast a run burns it, which alert would have rung, and what a fault spent.
//!
//! Burn rate, windows and alerts are those of Google's Site Reliability Workbook (2018), chapter 5,
//! "Alerting on SLOs", multiwindow alerts for 99.9 % over 30 days. A run is shorter than most of
//! these windows: what lies before time zero counts as traffic at the run's mean rate of which
//! nothing was bad (our choice, in keeping with the clean past that policies are told of).

use crate::engine::Span;

use super::phase::{Arrivals, NO_BASELINE, UNDER_WAY, UNSEEN, Watch};
use super::tape::Tape;
use super::value::Value;

/// Part of requests that may be bad.
const ALLOWED: f64 = 0.001;
/// Over so long.
const PERIOD_S: f64 = 30.0 * 86_400.0;
/// The window of [`burn_rate`], the shortest of the workbook's.
const SHORTEST: Span = Span::from_secs(300);
/// (Burn rate, long window, short window), the most urgent first: 2 % of the budget in an hour, 5 %
/// in six hours, 10 % in three days.
const ALERTS: [(f64, Span, Span); 3] = [
    (14.4, Span::from_secs(3_600), SHORTEST),
    (6.0, Span::from_secs(6 * 3_600), Span::from_secs(1_800)),
    (1.0, Span::from_secs(3 * 86_400), Span::from_secs(6 * 3_600)),
];

/// The greatest part of bad requests in any five minutes, over the 0.1 % that may be bad.
pub fn burn_rate(tape: &Tape) -> Value {
    match Burn::new(tape) {
        Ok(burn) => {
            Value::Known((1..=burn.bins()).map(|b| burn.rate(b, SHORTEST)).fold(0.0, f64::max))
        }
        Err(value) => value,
    }
}

/// The most urgent alert that rings: its burn rate (14.4, 6 or 1), or 0 for none. It rings when both
/// of its windows burn at least that fast at one moment.
pub fn alert(tape: &Tape) -> Value {
    let burn = match Burn::new(tape) {
        Ok(burn) => burn,
        Err(value) => return value,
    };
    let rings = |(rate, long, short): &(f64, Span, Span)| {
        (1..=burn.bins()).any(|b| burn.rate(b, *long) >= *rate && burn.rate(b, *short) >= *rate)
    };
    Value::Known(ALERTS.iter().find(|alert| rings(alert)).map_or(0.0, |(rate, ..)| *rate))
}

/// Part of the 30 days' error budget that the fault spent: bad arrivals from 10 s before f0 (the
/// fault meets them under way) until we stop watching, beyond the baseline's part of bad ones.
/// Negative where chance favoured the fault.
pub fn spent(tape: &Tape, fault: usize) -> Value {
    let watch = Watch::new(tape, fault);
    if watch.fault.start >= watch.until {
        return Value::Undefined { reason: UNSEEN };
    }
    let Some(before) = Arrivals::before(&watch) else {
        return Value::Undefined { reason: NO_BASELINE };
    };
    let during = Arrivals::within(tape, watch.fault.start.back(UNDER_WAY), watch.until);
    let expected = during.offered as f64 * (1.0 - before.good_share());
    let bad = (during.offered - during.good) as f64 - expected;
    let per_second = before.offered as f64 / before.length.as_secs_f64();
    Value::Known(bad / (ALLOWED * per_second * PERIOD_S))
}

/// Bad and offered arrivals up to each bin.
struct Burn {
    bin: Span,
    /// Sums over the first `b` bins: (bad, offered).
    upto: Vec<(u64, u64)>,
    /// Mean arrivals per bin.
    mean: f64,
}

impl Burn {
    fn new(tape: &Tape) -> Result<Self, Value> {
        let measured = (tape.measured_until.0 / tape.bin.0.max(1)) as usize;
        let mut upto = vec![(0, 0)];
        let (mut bad, mut offered) = (0, 0);
        for bin in tape.arrivals.iter().take(measured) {
            bad += u64::from(bin.offered - bin.good);
            offered += u64::from(bin.offered);
            upto.push((bad, offered));
        }
        if offered == 0 {
            return Err(Value::Undefined { reason: "no requests" });
        }
        let mean = offered as f64 / (upto.len() - 1) as f64;
        Ok(Self { bin: tape.bin, upto, mean })
    }

    fn bins(&self) -> usize {
        self.upto.len() - 1
    }

    /// Burn rate of the window that ends with the first `end` bins.
    fn rate(&self, end: usize, window: Span) -> f64 {
        let length = window.0.div_ceil(self.bin.0) as usize;
        let (until, from) = (self.upto[end], self.upto[end.saturating_sub(length)]);
        let before = length.saturating_sub(end) as f64 * self.mean;
        (until.0 - from.0) as f64 / ((until.1 - from.1) as f64 + before) / ALLOWED
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{add_fault, calm, spoil};
    use super::*;

    fn near(value: Value, expected: f64) -> bool {
        value.known().is_some_and(|value| (value - expected).abs() < 1e-9 * expected.abs())
    }

    #[test]
    fn the_burn_rate_is_that_of_the_worst_five_minutes() {
        // A third of 30 s is bad: 10 of 300 s, 33 times what may be.
        let mut tape = calm(1_200, 3, 100);
        spoil(&mut tape, 600, 630, 2.0 / 3.0);
        assert!(near(burn_rate(&tape), 10.0 / 300.0 / 0.001));
        // An hour's part of 10 s in 3,600 is 2.8, six hours' 0.5.
        assert_eq!(alert(&tape), Value::Known(0.0));
        spoil(&mut tape, 600, 800, 2.0 / 3.0);
        assert_eq!(alert(&tape), Value::Known(14.4));
    }

    #[test]
    fn a_slow_burn_rings_a_slow_alert() {
        let mut tape = calm(7_200, 1, 1_000);
        spoil(&mut tape, 0, 7_200, 0.991);
        // 9 times what may be: never 14.4, but 3.0 of six hours until then.
        assert!(near(burn_rate(&tape), 9.0));
        assert_eq!(alert(&tape), Value::Known(0.0));
        let mut tape = calm(7_200, 1, 1_000);
        spoil(&mut tape, 0, 7_200, 0.986);
        assert_eq!(alert(&tape), Value::Known(0.0), "14 over two of six hours are 4.7");
        spoil(&mut tape, 0, 7_200, 0.98);
        assert_eq!(alert(&tape), Value::Known(14.4), "20 over an hour");
    }

    #[test]
    fn time_before_the_run_counts_as_well_spent() {
        let mut tape = calm(60, 3, 100);
        spoil(&mut tape, 0, 60, 0.0);
        assert!(near(burn_rate(&tape), 60.0 / 300.0 / 0.001));
        assert!(matches!(burn_rate(&calm(60, 3, 0)), Value::Undefined { .. }));
    }

    #[test]
    fn a_fault_spends_what_was_bad_beyond_the_usual() {
        let mut tape = calm(300, 10, 100);
        add_fault(&mut tape, (90.0, 150.0), &[0], 1_000, |_| 0.1);
        spoil(&mut tape, 0, 300, 0.99);
        spoil(&mut tape, 85, 145, 0.59);
        // 60 s at 40 % more: 24,000 requests, of 0.1 % of 1,000/s over 30 days.
        assert!(near(spent(&tape, 0), 24_000.0 / (1_000.0 * 30.0 * 86_400.0 * 0.001)));
    }
}
