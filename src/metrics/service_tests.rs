//! Service metrics on tapes whose answer is known.

use super::super::fixture::calm;
use super::*;
use crate::engine::Time;

#[test]
fn rates_are_over_the_measured_time() {
    let mut tape = calm(100, 4, 250);
    tape.measured_until = Time::from_secs(80);
    tape.totals.offered = 80_000;
    tape.totals.good = 60_000;
    tape.totals.attempts = 100_000;
    tape.totals.rate_limited = 5_000;
    tape.totals.good_tokens = 900;
    tape.totals.wasted_tokens = 100;
    tape.totals.cost_nano_usd = 3_000_000_000;
    assert_eq!(goodput(&tape), Value::Known(750.0));
    assert_eq!(attainment(&tape), Value::Known(0.75));
    assert_eq!(amplification(&tape), Value::Known(1.25));
    assert_eq!(rate_limited(&tape), Value::Known(0.05));
    assert_eq!(wasted_tokens(&tape), Value::Known(0.1));
    assert_eq!(cost(&tape), Value::Known(3.0));
    assert_eq!(cost_per_good(&tape), Value::Known(5e-5));
}

#[test]
fn latency_is_within_three_digits() {
    let ms = latency_ms(&calm(10, 1, 100), 0.99).known().unwrap();
    assert!((ms / 800.0 - 1.0).abs() < 1e-3, "{ms}");
}

#[test]
fn no_traffic_is_undefined_and_not_zero() {
    let tape = calm(10, 4, 0);
    for value in
        [attainment(&tape), amplification(&tape), rate_limited(&tape), cost_per_good(&tape)]
    {
        assert!(matches!(value, Value::Undefined { .. }), "{value:?}");
    }
    assert!(matches!(latency_ms(&tape, 0.5), Value::Undefined { .. }));
    assert_eq!(goodput(&tape), Value::Known(0.0));
}

#[test]
fn regret_is_what_the_oracle_serves_beyond_the_policy() {
    let (mut policy, oracle) = (calm(10, 4, 100), calm(10, 4, 100));
    policy.totals.good = 3_000;
    assert_eq!(regret(&policy, &oracle), Value::Known(0.25));
    assert_eq!(regret(&oracle, &oracle), Value::Known(0.0));
}

#[test]
fn exploration_is_counted_where_a_policy_reports_it() {
    let mut tape = calm(100, 4, 250);
    assert!(matches!(explored(&tape), Value::Undefined { .. }));
    assert!(matches!(exploration_cost(&tape), Value::Undefined { .. }));
    (tape.totals.explored, tape.totals.explored_bad) = (25_000, 500);
    assert_eq!(explored(&tape), Value::Known(0.25));
    assert_eq!(exploration_cost(&tape), Value::Known(0.005));
}
