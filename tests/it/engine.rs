//! The engine's scores and states through its public API: detection, thresholds, the tick step by step,
//! backoff, promotion, momentum.

use windtunnel::engine::{Health, Reason, Span, Time};

use super::engine_host::{DONE, ERROR, Host, params, routes};

use Health::{Degraded, Failed, Healthy, Recovering};

fn published(keys: usize) -> Host {
    Host::of_keys(params("bifrost-published", &[]), keys)
}

// Vendor, Adaptive Load Balancing, 2025-12: 5 s recomputation, Failed above 5 % over 10 s. At steady load half
// a second of total failure fills 5 % of the window; the next tick shows it: uniform over 5 s, 3 s on average.
#[test]
fn total_failure_is_seen_at_the_first_tick_after_half_a_second_at_every_phase() {
    const PHASES: u64 = 50;
    let gap = Span::from_millis(5);
    let mut sum = Span::ZERO;
    for phase in 0..PHASES {
        let mut host = published(1);
        let begins = Time::from_secs(30) + Span(Span::from_secs(5).0 * phase / PHASES);
        host.drive(begins, gap, |_, _| DONE);
        host.drive(begins + Span::from_secs(10), gap, |_, _| ERROR);
        let failed = host.changes.iter().find(|change| change.to == Failed).unwrap();
        // 101 of 2,000 requests are more than 5 %: the last comes 500 ms after the first.
        let seen = begins + Span::from_millis(500);
        let tick = Time(seen.0 / 5_000_000_000 * 5_000_000_000 + 5_000_000_000);
        assert_eq!((failed.at, failed.reason), (tick, Reason::ErrorRate), "phase {phase}");
        assert!(failed.at.since(begins) <= Span::from_millis(5_500));
        sum = sum + failed.at.since(begins);
    }
    let mean = sum.as_secs_f64() / PHASES as f64;
    assert!((mean - 3.0).abs() < 0.06, "mean {mean} s");
}

#[test]
fn among_many_keys_the_failing_one_is_failed_within_five_and_a_half_seconds() {
    for phase in 0..25 {
        let mut host = Host::new(params("bifrost-published", &[]), routes(3, 4));
        let begins = Time::from_secs(60) + Span::from_millis(200 * phase);
        let gap = Span::from_millis(1);
        host.drive(begins, gap, |_, _| DONE);
        host.drive(begins + Span::from_secs(7), gap, |at, _| if at == 5 { ERROR } else { DONE });
        let failed = host.changes.iter().find(|change| change.to == Failed).unwrap();
        assert_eq!(failed.route, host.keys[5]);
        // The key's own traffic is random: 0.1 s for that.
        assert!(failed.at.since(begins) <= Span::from_millis(5_600), "phase {phase}");
        assert_eq!(host.changes.iter().filter(|change| change.to == Failed).count(), 1);
    }
}

#[test]
fn error_rates_exactly_on_a_threshold_do_not_cross_it() {
    for (errors, health) in [(20, Healthy), (21, Degraded), (50, Degraded), (51, Failed)] {
        let mut host = published(1);
        host.attempts(0, 400, 0);
        host.tick();
        host.attempts(0, 600, errors);
        host.tick();
        assert_eq!(host.health(0), health, "{errors} errors of 1,000 in the window");
    }
    // And on the way back: exactly 2 % stays Degraded.
    for (errors, health) in [(20, Degraded), (19, Healthy)] {
        let mut host = published(1);
        host.attempts(0, 1000, 30);
        host.tick();
        assert_eq!(host.health(0), Degraded);
        host.tick();
        host.attempts(0, 1000, errors);
        host.tick();
        assert_eq!(host.health(0), health, "{errors} errors of 1,000 in the window");
    }
}

/// Two keys, the first Recovering with a quarter of the traffic to expect (it is outside the band, alone).
fn one_recovering() -> Host {
    let mut host = published(2);
    host.attempts(0, 1000, 500);
    host.attempts(1, 1000, 0);
    host.tick();
    assert_eq!(host.health(0), Failed);
    host.attempts(1, 1000, 0);
    host.tick();
    assert_eq!((host.health(0), host.view(0).probability), (Recovering, 0.25));
    host
}

#[test]
fn promotion_takes_exactly_half_of_the_expected_traffic() {
    for (served, health) in [(49, Recovering), (50, Healthy)] {
        let mut host = one_recovering();
        host.attempts(0, served, 0);
        host.attempts(1, 400 - served, 0);
        host.tick();
        assert_eq!(host.health(0), health, "{served} of 100 expected");
    }
    // Half of nothing is not enough: five attempts at least.
    for (served, health) in [(4, Recovering), (5, Healthy)] {
        let mut host = one_recovering();
        host.attempts(0, served, 0);
        host.tick();
        assert_eq!(host.health(0), health, "{served} attempts");
    }
}

#[test]
fn expected_traffic_may_be_the_fair_share_instead() {
    // Half of 1/2 of 400 is 100.
    for (served, health) in [(99, Recovering), (100, Healthy)] {
        let mut host = one_recovering();
        host.engine.set_params(params("bifrost-literal", &[]), host.now).unwrap();
        host.attempts(0, served, 0);
        host.attempts(1, 400 - served, 0);
        host.tick();
        assert_eq!(host.health(0), health, "{served} of 200 expected");
    }
}

#[test]
fn a_recovering_route_is_promoted_below_two_percent_and_fails_above_five() {
    for (errors, health) in [(19, Healthy), (20, Recovering), (50, Recovering), (51, Failed)] {
        let mut host = one_recovering();
        host.attempts(0, 1000, errors);
        host.tick();
        assert_eq!(host.health(0), health, "{errors} errors of 1,000 since it came back");
    }
}

#[test]
fn few_samples_move_nothing_unless_the_text_is_taken_literally() {
    let mut host = published(1);
    host.attempts(0, 19, 19);
    host.tick();
    assert_eq!(host.health(0), Healthy);
    let mut host = Host::of_keys(params("bifrost-literal", &[]), 1);
    host.attempts(0, 19, 1);
    host.tick();
    assert_eq!(host.health(0), Failed);
}

/// Ticks of a lone route: attempts, errors, their age at the tick in ms, then the state and weight that follow.
/// Computed apart from the engine, from the published formulas and our choices (backoff 5 s doubling, ramp 2).
const STEPS: [(u64, u64, u64, Health, f64); 24] = [
    (100, 4, 1_000, Healthy, 883.726_611), // 2 % of the window: not more
    (100, 1, 2_000, Degraded, 883.895_123), // 2.5 %
    (100, 9, 500, Degraded, 805.784_202),  // 5 %: not more
    (100, 0, 0, Degraded, 869.164_950),    // 4.5 %; the penalty decays
    (100, 60, 0, Failed, 307.764_617),     // half of 615.5
    (0, 0, 0, Recovering, 615.529_234),    // frozen, 5 s over, doubled at most
    (100, 50, 0, Failed, 260.836_278),     // half of 521.7
    (0, 0, 0, Failed, 260.836_278),        // frozen: 10 s this time
    (0, 0, 0, Recovering, 521.672_555),    // doubled
    (100, 0, 0, Healthy, 842.044_231),     // promoted: the formula, unchanged
    (100, 1, 3_000, Healthy, 701.620_500), // with the bonus from here
    (100, 0, 0, Healthy, 829.924_267),
    (100, 0, 0, Healthy, 918.265_475),
    (100, 0, 0, Healthy, 976.571_378),
    (100, 0, 0, Healthy, 1000.0),
    (100, 0, 0, Healthy, 1000.0),
    (100, 0, 0, Healthy, 1000.0),
    (100, 0, 0, Healthy, 1000.0),
    (100, 0, 0, Healthy, 1000.0),
    (100, 0, 0, Healthy, 1000.0),
    (100, 0, 0, Healthy, 1000.0),
    (100, 0, 0, Healthy, 996.920_338), // 60 s after the promotion the bonus ends
    (100, 0, 0, Healthy, 997.438_912),
    (100, 0, 0, Healthy, 997.512_055),
];

#[test]
fn a_lone_route_follows_the_published_tick_step_by_step() {
    let mut host = published(1);
    for _ in 0..12 {
        host.attempts(0, 100, 0);
        host.tick();
        assert_eq!(host.view(0).weight, 1000.0);
    }
    for (step, (attempts, errors, age, health, weight)) in STEPS.into_iter().enumerate() {
        host.until(host.next_tick.back(Span::from_millis(age.max(1))));
        if age == 0 {
            host.now = host.next_tick;
        }
        host.attempts(0, attempts, errors);
        host.tick();
        let view = host.view(0);
        assert_eq!(view.health, health, "step {step}");
        assert!((view.weight - weight).abs() < 1e-5, "step {step}: {} not {weight}", view.weight);
    }
}

/// Fails route 0 as soon as it is used again; how long each exclusion lasted, in seconds.
fn exclusions(host: &mut Host, n: usize) -> Vec<u64> {
    let mut spans = Vec::new();
    while spans.len() < n {
        host.attempts(0, 100, 100);
        host.tick();
        assert_eq!(host.health(0), Failed);
        let from = host.now;
        while host.health(0) == Failed {
            host.attempts(1, 100, 0);
            host.tick();
        }
        spans.push(host.now.since(from).0 / 1_000_000_000);
    }
    spans
}

#[test]
fn exclusions_double_to_two_minutes_and_start_again_after_a_healthy_minute() {
    let mut host = published(2);
    assert_eq!(exclusions(&mut host, 7), [5, 10, 20, 40, 80, 120, 120]);
    let serve = |host: &mut Host, ticks: usize| {
        for _ in 0..ticks {
            host.attempts(0, 100, 0);
            host.tick();
        }
        assert_eq!(host.health(0), Healthy);
    };
    // Promoted, then 55 s Healthy: the ladder goes on.
    serve(&mut host, 11);
    assert_eq!(exclusions(&mut host, 1), [120]);
    // 60 s Healthy: it starts again, even if the route was Degraded in between.
    serve(&mut host, 13);
    host.attempts(0, 100, 8);
    host.tick();
    assert_eq!(host.health(0), Degraded);
    assert_eq!(exclusions(&mut host, 2), [5, 10]);
}

#[test]
fn exclusions_vary_by_a_tenth_so_that_routes_do_not_return_together() {
    let mut host =
        Host::new(params("bifrost-published", &[("backoff.jitter", 0.1)]), routes(1, 64));
    host.engine
        .set_params(
            params(
                "bifrost-published",
                &[("backoff.jitter", 0.1), ("interval", 0.1), ("backoff.first", 50.0)],
            ),
            host.now,
        )
        .unwrap();
    host.next_tick = host.now + Span::from_millis(100);
    for at in 0..64 {
        host.attempts(at, 100, 100);
    }
    host.until(Time::from_secs(60));
    let back: Vec<f64> = host
        .changes
        .iter()
        .filter(|change| change.to == Recovering)
        .map(|change| change.at.as_secs_f64() - 0.1)
        .collect();
    assert_eq!(back.len(), 64);
    assert!(back.iter().all(|s| (45.0..=55.1).contains(s)), "{back:?}");
    let (first, last) = (back[0], back[63]);
    assert!(last - first > 8.0, "from {first} to {last} s");
}

#[test]
fn the_bonus_is_given_only_while_recovering_and_for_a_minute_after() {
    let mut host = published(2);
    let bonus = |host: &mut Host| {
        host.attempts(0, 100, 0);
        host.attempts(1, 100, 0);
        host.tick();
        host.view(0).parts.momentum
    };
    for _ in 0..10 {
        assert_eq!(bonus(&mut host), 0.0, "Healthy");
    }
    host.attempts(0, 18, 18);
    host.attempts(0, 100, 0);
    assert_eq!(bonus(&mut host), 0.0, "Failed");
    assert_eq!(host.health(0), Failed);
    assert_eq!(bonus(&mut host), 0.0, "the tick that lets it back");
    assert_eq!(host.health(0), Recovering);
    // The success rate of the last 20 s is over 97 % by now.
    let mut with_bonus = 0;
    for _ in 0..24 {
        with_bonus += u32::from(bonus(&mut host) > 0.0);
        assert_eq!(host.view(1).parts.momentum, 0.0, "the key that never failed");
    }
    // Its one tick as Recovering, then eleven more before the minute is over.
    assert_eq!(with_bonus, 12);
    assert_eq!(bonus(&mut host), 0.0);
}

#[test]
fn caller_faults_and_cancellations_say_nothing_about_a_route() {
    use windtunnel::engine::Outcome::{CallerFault, Cancelled};
    let mut host = published(1);
    host.attempts(0, 100, 0);
    for _ in 0..100 {
        host.attempt(0, Cancelled);
        host.attempt(0, CallerFault { status: 400 });
    }
    assert!(host.tick().is_empty());
    assert_eq!(host.view(0).weight, 1000.0);
    let report = host.engine.report(host.now);
    assert_eq!((report.routes[0].all.attempts, report.routes[0].all.errors), (100, 0));
}
