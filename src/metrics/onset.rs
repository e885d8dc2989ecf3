//! What happens from a fault's onset f0 to its end f1: how soon the routing notices, when the
//! traffic is away, and how much of it leaked into the fault.

use super::phase::{Shares, Watch, second};
use super::tape::Tape;
use super::value::Value;

/// The share at which a fault counts as noticed, over the baseline.
const NOTICED: f64 = 0.5;
/// The share at which the set counts as drained, over the baseline.
const DRAINED: f64 = 0.05;
/// For so many seconds.
const DRAINED_FOR: u64 = 5;

/// Behavioural detection, the same for every policy: from f0 to the first second in which the share
/// of the faulted set is at most half its baseline. Censored at f1, in seconds.
pub fn time_to_detect(tape: &Tape, fault: usize) -> Value {
    first_second(tape, fault, |shares, k| {
        let low = |length| shares.ratio(k, length).is_some_and(|ratio| ratio <= NOTICED);
        low(1) && low(shares.window)
    })
}

/// From f0 to the first second from which on the share of the set stays at most 5 % of its baseline
/// for 5 s. Censored at f1, in seconds.
pub fn time_to_drain(tape: &Tape, fault: usize) -> Value {
    first_second(tape, fault, |shares, k| {
        k + DRAINED_FOR <= shares.seconds
            && (k..k + DRAINED_FOR)
                .all(|k| shares.ratio(k, shares.window).is_some_and(|ratio| ratio <= DRAINED))
    })
}

/// First attempts sent to the set in the whole seconds of [f0, f1).
pub fn leak(tape: &Tape, fault: usize) -> Value {
    leaked(tape, fault).map_or_else(|value| value, |leak| Value::Known(leak.sent as f64))
}

/// [`leak`] over what the baseline share would have sent: 1 is blind, above 1 the fault attracts
/// traffic.
pub fn leak_ratio(tape: &Tape, fault: usize) -> Value {
    leaked(tape, fault)
        .map_or_else(|value| value, |leak| Value::Known(leak.sent as f64 / leak.expected))
}

/// Longest time to which a metric of this file is observed, in seconds.
pub fn window_s(tape: &Tape, fault: usize) -> f64 {
    Watch::new(tape, fault).during_s()
}

fn first_second(tape: &Tape, fault: usize, reached: fn(&Shares<'_>, u64) -> bool) -> Value {
    let shares = match Shares::new(Watch::new(tape, fault)) {
        Ok(shares) => shares,
        Err(value) => return value,
    };
    let watch = shares.watch;
    let last = shares.seconds.min(watch.fault.end.0.div_ceil(1_000_000_000));
    match (second(watch.fault.start)..last).find(|k| reached(&shares, *k)) {
        Some(k) => Value::Known(watch.after_onset(k)),
        None => Value::Censored { at_s: watch.during_s() },
    }
}

struct Leak {
    sent: u64,
    expected: f64,
}

fn leaked(tape: &Tape, fault: usize) -> Result<Leak, Value> {
    let shares = Shares::new(Watch::new(tape, fault))?;
    let from = shares.watch.fault.start.0.div_ceil(1_000_000_000);
    let to = second(shares.watch.fault.end);
    let (sent, base) = shares.counts(from, to.saturating_sub(from));
    if base == 0 {
        return Err(Value::Undefined { reason: "no whole second of traffic within the fault" });
    }
    Ok(Leak { sent, expected: shares.baseline * base as f64 })
}

#[cfg(test)]
#[path = "onset_tests.rs"]
mod tests;
