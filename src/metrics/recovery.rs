//! When a fault is over: for the users, and for the routes that it hit.

use crate::engine::{Span, Time};

use super::noise;
use super::phase::{Arrivals, NO_BASELINE, Shares, TO_THE_END, UNSEEN, Watch, second};
use super::tape::Tape;
use super::value::Value;

/// Users are well again at this part of the good share that they had before.
const WELL: f64 = 0.99;
/// Sliding window over arrivals.
const WINDOW: Span = Span::from_secs(5);
/// A route is back at this part of its baseline share.
const BACK: f64 = 0.9;
/// Held for so many seconds.
const BACK_FOR: u64 = 10;

/// Recovery as the user sees it: from f0 to the end of the last 5 s window of arrivals whose good
/// share is below 0.99 of its baseline beyond the 99.9 % binomial bound; 0 only if none is. It may
/// precede f1. Censored if the last watched window is still low, in seconds.
pub fn time_to_recover_user(tape: &Tape, fault: usize) -> Value {
    let watch = Watch::new(tape, fault);
    if watch.fault.start >= watch.until {
        return Value::Undefined { reason: UNSEEN };
    }
    let Some(baseline) = Arrivals::before(&watch) else {
        return Value::Undefined { reason: NO_BASELINE };
    };
    let bin = tape.bin.0;
    let length = WINDOW.0.div_ceil(bin) as usize;
    let first = (watch.fault.start.0 / bin) as usize;
    let last = ((watch.until.0 / bin) as usize).min(tape.arrivals.len());
    let Some(count) = last.checked_sub(first + length).map(|spare| spare + 1) else {
        return Value::Undefined { reason: "less than one window of arrivals after onset" };
    };
    let low = |start: &usize| is_low(tape, *start, length, WELL * baseline.good_share());
    match (first..first + count).rev().find(low) {
        None => Value::Known(0.0),
        Some(start) if start + length == last => Value::Censored { at_s: watch.window_s() },
        Some(start) => {
            let end = Time((start + length) as u64 * bin);
            Value::Known(end.since(watch.fault.start).as_secs_f64())
        }
    }
}

/// From f1 to the first second from which on the set has 90 % of its baseline share: over the next
/// 10 s, and in none of them below it beyond the 99.9 % binomial bound. Censored when we stop
/// watching, in seconds.
pub fn time_to_recover_share(tape: &Tape, fault: usize) -> Value {
    let watch = Watch::new(tape, fault);
    if watch.fault.end >= watch.until {
        return Value::Undefined { reason: TO_THE_END };
    }
    let shares = match Shares::new(watch) {
        Ok(shares) => shares,
        Err(value) => return value,
    };
    let end = watch.fault.end;
    let last = shares.seconds.saturating_sub(BACK_FOR - 1);
    match (second(end)..last).find(|k| is_back(&shares, *k)) {
        Some(k) => Value::Known(Time::from_secs(k).since(end).as_secs_f64()),
        None => Value::Censored { at_s: watch.after_s() },
    }
}

/// Longest time to which [`time_to_recover_user`] is observed, in seconds.
pub fn user_window_s(tape: &Tape, fault: usize) -> f64 {
    Watch::new(tape, fault).window_s()
}

/// Longest time to which metrics that count from f1 are observed, in seconds.
pub fn after_window_s(tape: &Tape, fault: usize) -> f64 {
    Watch::new(tape, fault).after_s()
}

fn is_low(tape: &Tape, start: usize, length: usize, share: f64) -> bool {
    let bins = &tape.arrivals[start..start + length];
    let good = bins.iter().map(|bin| u64::from(bin.good)).sum();
    let offered = bins.iter().map(|bin| u64::from(bin.offered)).sum();
    noise::too_few(good, offered, share)
}

fn is_back(shares: &Shares<'_>, from: u64) -> bool {
    let whole = shares.ratio(from, BACK_FOR).is_some_and(|ratio| ratio >= BACK);
    whole
        && (from..from + BACK_FOR).all(|k| {
            let (first, base) = shares.counts(k, 1);
            !noise::too_few(first, base, BACK * shares.baseline)
        })
}

#[cfg(test)]
#[path = "recovery_tests.rs"]
mod tests;
