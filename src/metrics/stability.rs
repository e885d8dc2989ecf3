//! After a fault: does the traffic come back in a straight line, or does it swing?
//!
//! Both metrics look at the share of the faulted set in 5 s bins from f1 on, and at nothing that
//! chance alone explains (99.9 % binomial bound).

use crate::engine::Time;

use super::noise;
use super::phase::{Shares, TO_THE_END, Watch, second};
use super::tape::Tape;
use super::value::Value;

/// Length of a bin in seconds.
const BIN: u64 = 5;
/// How long after the fault an overshoot is its doing, in seconds.
const OVERSHOOT_WITHIN: u64 = 300;
/// Settled: within this part of the baseline share.
const SETTLED: f64 = 0.05;

/// The greatest excess of the set's share over its baseline in (f1, f1 + 300 s], as a part of the
/// baseline; 0 if no bin exceeds it by more than chance.
pub fn overshoot(tape: &Tape, fault: usize) -> Value {
    let bins = match bins_after(tape, fault) {
        Ok(bins) => bins,
        Err(value) => return value,
    };
    let excess = bins.iter().take((OVERSHOOT_WITHIN / BIN) as usize).map(|bin| bin.above);
    Value::Known(excess.fold(0.0, f64::max))
}

/// From f1 to the end of the last bin whose share is more than 5 % off its baseline and beyond
/// chance; 0 if none is. Censored if the last watched bin is, in seconds.
pub fn settling(tape: &Tape, fault: usize) -> Value {
    let bins = match bins_after(tape, fault) {
        Ok(bins) => bins,
        Err(value) => return value,
    };
    match bins.iter().rposition(|bin| bin.off > SETTLED) {
        None => Value::Known(0.0),
        Some(i) if i + 1 == bins.len() => {
            Value::Censored { at_s: Watch::new(tape, fault).after_s() }
        }
        Some(i) => Value::Known(bins[i].end.since(tape.faults[fault].end).as_secs_f64()),
    }
}

/// One bin against the baseline; both are zero where chance explains the difference.
struct Bin {
    end: Time,
    /// Excess over the baseline, as a part of it.
    above: f64,
    /// Distance from the baseline, as a part of it.
    off: f64,
}

fn bins_after(tape: &Tape, fault: usize) -> Result<Vec<Bin>, Value> {
    let watch = Watch::new(tape, fault);
    if watch.fault.end >= watch.until {
        return Err(Value::Undefined { reason: TO_THE_END });
    }
    let shares = Shares::new(watch)?;
    let start = watch.fault.end.0.div_ceil(1_000_000_000);
    let bins: Vec<_> = (start..)
        .step_by(BIN as usize)
        .take_while(|from| from + BIN <= second(watch.until))
        .map(|from| judge(&shares, from))
        .collect();
    if bins.is_empty() { Err(Value::Undefined { reason: TO_THE_END }) } else { Ok(bins) }
}

fn judge(shares: &Shares<'_>, from: u64) -> Bin {
    let (first, base) = shares.counts(from, BIN);
    let by = shares.ratio(from, BIN).map_or(0.0, |ratio| ratio - 1.0);
    let above = if noise::too_many(first, base, shares.baseline) { by } else { 0.0 };
    let below = if noise::too_few(first, base, shares.baseline) { -by } else { 0.0 };
    Bin { end: Time::from_secs(from + BIN), above, off: above.max(below) }
}

#[cfg(test)]
#[path = "stability_tests.rs"]
mod tests;
