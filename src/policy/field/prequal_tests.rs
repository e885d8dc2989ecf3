//! Readings made up by hand, and the rule over time.

use super::*;
use crate::policy::ModelId;
use crate::policy::fixture::{build, done, pool, request, sent};

fn reading(route: u32, in_flight: u32, latency: f64) -> Reading {
    Reading { route: RouteId(route), in_flight, latency, at: Time::ZERO, uses: 9 }
}

fn readings(pool: &[Reading]) -> Readings {
    Readings { pool: pool.to_vec(), ..Readings::default() }
}

fn prequal(keys: u32, set: &[(&str, f64)]) -> Prequal {
    let mut settings = SPEC.settings();
    for (id, value) in set {
        settings.set(id, *value).unwrap();
    }
    Prequal::new(&settings, &pool(&[keys]))
}

#[test]
fn a_cold_route_with_the_least_latency_else_the_least_loaded() {
    let some = readings(&[reading(0, 9, 0.1), reading(1, 3, 0.5), reading(2, 2, 0.6)]);
    assert_eq!(some.best(4, |_| true), Some(1));
    assert_eq!(some.best(1, |_| true), Some(2));
    assert_eq!(some.best(4, |route| route != RouteId(1)), Some(2));
    assert_eq!(some.best(4, |route| route.0 > 2), None);
    let tie = readings(&[reading(0, 2, 0.5), reading(1, 1, 0.5)]);
    assert_eq!(tie.best(4, |_| true), Some(1));
}

#[test]
fn the_oldest_and_the_worst_are_removed_in_turn() {
    let mut some = readings(&[
        reading(0, 1, 0.1),
        reading(1, 9, 0.1),
        reading(2, 2, 0.9),
        reading(3, 1, 0.2),
        reading(4, 1, 0.3),
    ]);
    let left = |some: &Readings| -> Vec<u32> { some.pool.iter().map(|r| r.route.0).collect() };
    some.remove_one(5);
    assert_eq!(left(&some), [1, 2, 3, 4], "the oldest");
    some.remove_one(5);
    assert_eq!(left(&some), [2, 3, 4], "the hottest");
    some.remove_one(5);
    assert_eq!(left(&some), [3, 4]);
    some.remove_one(5);
    assert_eq!(left(&some), [3], "the slowest of the cold");
}

#[test]
fn the_reuse_budget_is_the_papers() {
    let rule = prequal(4, &[]).rule;
    // 2 / ((1 − 16/100) × 3 − 1) = 1.3158.
    assert!((rule.reuse(100) - 1.315_789).abs() < 1e-6);
    assert_eq!(rule.reuse(10), 1.0);
    let twice = (0..10_000).filter(|word| round(1.25, luck::mix(*word, 1)) == 2).count();
    assert!((2_350..2_650).contains(&twice), "{twice}");
}

#[test]
fn hot_is_above_the_84th_percentile_of_the_last_readings() {
    let rule = prequal(4, &[]).rule;
    let mut some = Readings::default();
    for in_flight in 0..1_001 {
        some.add(reading(0, in_flight, 0.1), &rule);
    }
    assert_eq!(some.pool.len(), 16);
    assert_eq!(some.in_flight.len(), 128);
    assert_eq!(some.threshold(rule.quantile), 1_000 - 127 + 106);
}

#[test]
fn three_readings_a_request_of_different_routes_and_one_removed() {
    let mut policy = prequal(100, &[]);
    policy.read(Time::ZERO, &request(1), 7);
    let pool = &policy.readings[0].pool;
    assert_eq!(pool.len(), 3);
    assert!(pool[0].route != pool[1].route && pool[1].route != pool[2].route);
    policy.read(Time(999_999_999), &request(1), 8);
    assert_eq!(policy.readings[0].pool.len(), 6);
    policy.read(Time(1_000_000_000), &request(1), 9);
    assert_eq!(policy.readings[0].pool.len(), 6, "three are a second old");
    let before = policy.readings[0].pool.len();
    policy.choose(Time(1_000_000_001), &request(1), &[], 10).unwrap();
    let after = policy.readings[0].pool.len();
    assert!(after == before + 2 || after == before + 1, "{before} {after}");
}

#[test]
fn with_one_reading_the_draw_is_uniform_and_with_two_it_is_not() {
    let chosen = |pool: &[Reading]| {
        let mut routes: Vec<u32> = (0..100)
            .map(|word| {
                let mut policy = prequal(20, &[("probe.rate", 0.0), ("pool.remove", 0.0)]);
                policy.readings[0] = readings(pool);
                let word = luck::mix(word, 1);
                policy.choose(Time::ZERO, &request(1), &[], word).unwrap().route.0
            })
            .collect();
        routes.sort_unstable();
        routes.dedup();
        routes.len()
    };
    assert!(chosen(&[reading(5, 0, 0.1)]) > 15);
    assert_eq!(chosen(&[reading(5, 0, 0.1), reading(6, 0, 0.2)]), 1);
}

#[test]
fn latency_is_the_median_per_token_of_work() {
    let mut policy = prequal(2, &[]);
    let attempt = Attempt::to(RouteId(0));
    let facts = sent(&request(1), &attempt, Time::ZERO);
    let mut feed = |secs: f64, tokens| {
        policy.on_end(Time::ZERO + Span::from_secs_f64(secs), &facts, &done(tokens));
        policy.known[0].latency
    };
    // 20 + 1,000/150 + 100 tokens of work.
    assert!((feed(10.0, 100) - 10.0 / (20.0 + 1_000.0 / 150.0 + 100.0)).abs() < 1e-9);
    for _ in 0..30 {
        feed(10.0, 100);
    }
    for _ in 0..6 {
        feed(20.0, 100);
    }
    assert!(feed(20.0, 100) < 0.1, "seven of fifteen are slow");
    assert!(feed(20.0, 100) > 0.15, "eight of fifteen");
}

#[test]
fn slow_routes_get_less_and_every_attempt_is_counted() {
    let mut policy = build(&SPEC, &pool(&[20]), &[]);
    let mut seen = [0u32; 20];
    for i in 0..4_000u64 {
        let now = Time(i * 20_000_000);
        let request = request(i);
        let attempt = policy.choose(now, &request, &[], luck::mix(i, 3)).unwrap();
        seen[attempt.route.index()] += 1;
        let secs = if attempt.route.0 < 10 { 3.0 } else { 1.0 };
        policy.on_end(now + Span::from_secs_f64(secs), &sent(&request, &attempt, now), &done(100));
    }
    let slow: u32 = seen[..10].iter().sum();
    assert!(slow < 1_000, "{seen:?}");
}

#[test]
fn absent_routes_are_not_chosen_and_one_route_is_enough() {
    let mut policy = prequal(3, &[]);
    for word in 0..50 {
        policy.choose(Time(word), &request(1), &[], luck::mix(word, 1)).unwrap();
    }
    policy.set_present(Time::ZERO, RouteId(0), false);
    policy.set_present(Time::ZERO, RouteId(2), false);
    for word in 0..50 {
        let attempt = policy.choose(Time(word), &request(1), &[], luck::mix(word, 2)).unwrap();
        assert_eq!(attempt.route, RouteId(1));
    }
    assert!(policy.choose(Time::ZERO, &request(1), &[RouteId(1)], 7).is_none());
    policy.set_present(Time::ZERO, RouteId(1), false);
    assert!(policy.choose(Time::ZERO, &request(1), &[], 7).is_none());
    assert!(policy.candidates.of(ModelId(0)).is_empty());
}
