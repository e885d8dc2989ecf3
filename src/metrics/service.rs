//! What clients got and what it took: goodput, attainment, latency, amplification, waste, cost.

use hdrhistogram::Histogram;

use super::tape::Tape;
use super::value::Value;

const NOBODY: &str = "no requests";

/// Good requests per second of measured arrivals.
pub fn goodput(tape: &Tape) -> Value {
    per_second(tape, tape.totals.good)
}

/// Output tokens of good requests per second of measured arrivals.
pub fn goodput_tokens(tape: &Tape) -> Value {
    per_second(tape, tape.totals.good_tokens)
}

/// Good over offered; what was shed counts as bad.
pub fn attainment(tape: &Tape) -> Value {
    Value::ratio(tape.totals.good, tape.totals.offered, NOBODY)
}

/// Attempts over offered requests.
pub fn amplification(tape: &Tape) -> Value {
    Value::ratio(tape.totals.attempts, tape.totals.offered, NOBODY)
}

/// Attempts refused with a 429, over all attempts.
pub fn rate_limited(tape: &Tape) -> Value {
    Value::ratio(tape.totals.rate_limited, tape.totals.attempts, "no attempts")
}

/// Output tokens of attempts whose request did not become good, over all output tokens.
pub fn wasted_tokens(tape: &Tape) -> Value {
    let wasted = tape.totals.wasted_tokens;
    Value::ratio(wasted, wasted + tape.totals.good_tokens, "no output tokens")
}

/// What all attempts cost, in dollars.
pub fn cost(tape: &Tape) -> Value {
    Value::Known(tape.totals.cost_nano_usd as f64 / 1e9)
}

/// What a good request cost, all attempts together, in dollars.
pub fn cost_per_good(tape: &Tape) -> Value {
    match cost(tape) {
        Value::Known(usd) if tape.totals.good > 0 => Value::Known(usd / tape.totals.good as f64),
        _ => Value::Undefined { reason: "no good requests" },
    }
}

/// Quantile `q` in [0, 1] of the latency from intended arrival, in milliseconds, of requests that
/// were done.
pub fn latency_ms(tape: &Tape, q: f64) -> Value {
    quantile_ms(&tape.latency, q, "no request was done")
}

/// Quantile `q` in [0, 1] of min(latency, deadline) from intended arrival, in milliseconds, of all
/// requests: what failed, was shed or is unfinished counts as its deadline.
pub fn latency_all_ms(tape: &Tape, q: f64) -> Value {
    quantile_ms(&tape.latency_all, q, NOBODY)
}

/// Attempts whose route was taken to learn about it, over all attempts. Undefined where the policy
/// reported none.
pub fn explored(tape: &Tape) -> Value {
    exploring(tape, Value::ratio(tape.totals.explored, tape.totals.attempts, "no attempts"))
}

/// Requests with such an attempt that did not become good, over offered.
pub fn exploration_cost(tape: &Tape) -> Value {
    exploring(tape, Value::ratio(tape.totals.explored_bad, tape.totals.offered, NOBODY))
}

/// Quantile `q` in [0, 1] of the time to first token from intended arrival, in milliseconds, of
/// streamed requests that were done.
pub fn ttft_ms(tape: &Tape, q: f64) -> Value {
    quantile_ms(&tape.ttft, q, "no streamed request was done")
}

/// What the best possible routing would have served and this one did not, over offered. Negative
/// where chance favoured the policy. Both tapes are runs of one scenario with one seed.
pub fn regret(policy: &Tape, oracle: &Tape) -> Value {
    if policy.totals.offered == 0 {
        return Value::Undefined { reason: NOBODY };
    }
    let lost = oracle.totals.good as f64 - policy.totals.good as f64;
    Value::Known(lost / policy.totals.offered as f64)
}

fn exploring(tape: &Tape, value: Value) -> Value {
    if tape.totals.explored == 0 {
        return Value::Undefined { reason: "the policy reported no exploration" };
    }
    value
}

fn per_second(tape: &Tape, count: u64) -> Value {
    let seconds = tape.measured_until.as_secs_f64();
    if seconds > 0.0 {
        Value::Known(count as f64 / seconds)
    } else {
        Value::Undefined { reason: "nothing is measured: the deadline is longer than the run" }
    }
}

fn quantile_ms(histogram: &Histogram<u64>, q: f64, reason: &'static str) -> Value {
    if histogram.is_empty() {
        return Value::Undefined { reason };
    }
    Value::Known(histogram.value_at_quantile(q) as f64 / 1e3)
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
