//! How late an outage is noticed depends on the phase of the counting window in which it begins.

use super::SIMPLE_SHUFFLE;
use super::fixture::{DONE, DOWN, pool, router};
use crate::policy::RouteId;

/// Balanced traffic of 6 requests per second over four deployments, of which one goes down `phase` seconds into
/// its window of successes. Gives the seconds until it is first taken out, mean of several runs.
fn delay(phase: f64) -> f64 {
    let runs = 12;
    let one = |run: u64| {
        let mut bench = router(&SIMPLE_SHUFFLE, &pool(4), &[("mode", 0.0)]);
        // Other luck for every run.
        for _ in 0..run {
            bench.asks(0.0);
        }
        let mut first_success = None;
        let mut now = 0.0;
        loop {
            now += 1.0 / 6.0;
            let down = first_success.is_some_and(|first| now >= first + phase);
            bench.serves(now, |route| {
                if route != RouteId(0) {
                    return DONE;
                }
                if !down {
                    first_success.get_or_insert(now);
                    return DONE;
                }
                DOWN
            });
            if down && !bench.told(now).is_empty() {
                return now - first_success.unwrap_or(0.0) - phase;
            }
        }
    };
    (0..runs).map(one).sum::<f64>() / runs as f64
}

/// With balanced traffic, failures outnumber the successes before them after as long again as those took, and
/// the window of successes ends after 60 s: the delay is min(s, 60 − s), but never less than five failures
/// take.
#[test]
fn the_delay_is_the_lesser_distance_to_an_edge_of_the_window() {
    for phase in [10.0f64, 20.0, 30.0, 40.0, 50.0] {
        let expected = phase.min(60.0 - phase);
        let delay = delay(phase);
        assert!((delay - expected).abs() < 3.0, "{phase}: {delay}");
    }
    // Five failures at 1.5 per second, wherever the edge is.
    for phase in [1.0, 59.5] {
        let delay = delay(phase);
        assert!((1.5..5.5).contains(&delay), "{phase}: {delay}");
    }
}
