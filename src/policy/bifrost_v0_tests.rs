//! Weights and circuits after evaluations of made-up pasts.

use super::super::fixture::{BROKEN, build, done, pool, request, sent};
use super::*;

/// Ends this many attempts on a route: `errors` of them failed, the others took `secs`.
fn feed(policy: &mut dyn Policy, now: Time, route: u32, of: u32, errors: u32, secs: f64) {
    for i in 0..of {
        let start = now.back(Span::from_secs_f64(secs));
        let facts = sent(&request(1), &Attempt::to(RouteId(route)), start);
        let outcome = if i < errors { BROKEN } else { done(100) };
        policy.on_end(now, &facts, &outcome);
    }
}

fn wake(policy: &mut dyn Policy, secs: u64) -> Vec<Transition> {
    let mut changes = Vec::new();
    policy.on_wake(Time::from_secs(secs), &mut |change| changes.push(change));
    changes
}

fn weights(policy: &dyn Policy) -> Vec<f64> {
    let mut views = [RouteView::default(); 2];
    policy.show(&mut views);
    views.iter().map(|view| (view.weight * 1e6).round() / 1e6).collect()
}

#[test]
fn a_good_key_gains_a_tenth_every_half_minute_up_to_two() {
    let mut policy = build(&SPEC, &pool(&[2]), &[]);
    let mut seen = Vec::new();
    for i in 1..=9u64 {
        feed(&mut *policy, Time::from_secs(30 * i - 1), 0, 10, 0, 1.0);
        let before = weights(&*policy);
        wake(&mut *policy, 30 * i - 1);
        assert_eq!(weights(&*policy), before, "not yet");
        wake(&mut *policy, 30 * i);
        seen.push(weights(&*policy)[0]);
    }
    assert_eq!(&seen[..3], [1.1, 1.21, 1.331]);
    assert_eq!(seen[8], 2.0);
    assert_eq!(weights(&*policy)[1], 1.0, "without attempts nothing moves");
}

#[test]
fn too_few_attempts_do_not_count_and_old_ones_are_forgotten() {
    let mut policy = build(&SPEC, &pool(&[2]), &[]);
    feed(&mut *policy, Time::from_secs(1), 0, 9, 9, 1.0);
    wake(&mut *policy, 30);
    assert_eq!(weights(&*policy)[0], 1.0);
    feed(&mut *policy, Time::from_secs(31), 0, 1, 0, 1.0);
    wake(&mut *policy, 60);
    assert_eq!(weights(&*policy)[0], 0.7);
    let mut late = build(&SPEC, &pool(&[2]), &[]);
    feed(&mut *late, Time::from_secs(1), 0, 20, 20, 1.0);
    wake(&mut *late, 296);
    assert_eq!(weights(&*late)[0], 0.7, "within five minutes");
    wake(&mut *late, 326);
    assert_eq!(weights(&*late)[0], 0.7, "five minutes later there is nothing");
}

#[test]
fn errors_and_slowness_cost_their_factors_within_the_largest_change() {
    let mut at_edge = build(&SPEC, &pool(&[2]), &[]);
    feed(&mut *at_edge, Time::from_secs(1), 0, 1_000, 25, 1.0);
    feed(&mut *at_edge, Time::from_secs(1), 1, 1_000, 26, 1.0);
    wake(&mut *at_edge, 30);
    assert_eq!(weights(&*at_edge), [1.1, 0.7]);

    let mut slow = build(&SPEC, &pool(&[2]), &[]);
    feed(&mut *slow, Time::from_secs(1), 0, 900, 0, 1.0);
    feed(&mut *slow, Time::from_secs(1), 1, 900, 0, 1.0);
    wake(&mut *slow, 30);
    assert_eq!(weights(&*slow), [1.1, 1.1]);
    // Five minutes later, against a baseline of (900 × 1 + 100 × L) / 1,000.
    feed(&mut *slow, Time::from_secs(400), 0, 100, 0, 1.55);
    feed(&mut *slow, Time::from_secs(400), 1, 100, 0, 1.65);
    wake(&mut *slow, 401);
    assert_eq!(weights(&*slow), [1.21, 0.88]);

    let mut light = pool(&[2]);
    light.routes[0].weight = 0.5;
    let mut policy = build(&SPEC, &light, &[]);
    feed(&mut *policy, Time::from_secs(1), 0, 100, 4, 1.0);
    wake(&mut *policy, 30);
    assert_eq!(weights(&*policy)[0], 0.35);

    let mut heavy = pool(&[2]);
    heavy.routes[0].weight = 2.0;
    heavy.routes[1].weight = 0.12;
    let mut policy = build(&SPEC, &heavy, &[]);
    feed(&mut *policy, Time::from_secs(1), 0, 100, 4, 1.0);
    feed(&mut *policy, Time::from_secs(1), 1, 100, 4, 1.0);
    wake(&mut *policy, 30);
    assert_eq!(weights(&*policy), [1.7, 0.1], "at most 0.3 at once, at least 0.1");
}

#[test]
fn a_told_past_is_the_baseline() {
    let mut policy = build(&SPEC, &pool(&[2]), &[]);
    let samples = vec![(Span::from_secs(1), 10, 10), (Span::from_secs(3), 10, 10)];
    let past = RouteHistory { route: RouteId(0), rate: 100.0, error_rate: 0.0, samples };
    policy.remember(Time::ZERO, Span::from_secs(100_000), &[past]);
    feed(&mut *policy, Time::from_secs(1), 0, 100, 0, 2.95);
    wake(&mut *policy, 30);
    assert_eq!(weights(&*policy)[0], 1.1, "not yet half as much again as 2 s");
    feed(&mut *policy, Time::from_secs(301), 0, 100, 0, 3.1);
    wake(&mut *policy, 330);
    assert_eq!(weights(&*policy)[0], 0.88);
}

#[test]
fn around_it_stands_the_open_source_gateway() {
    let around = bifrost_oss::SPEC.settings();
    let own = SPEC.settings();
    for param in bifrost_oss::SPEC.params {
        assert_eq!(own.get(param.id), around.get(param.id), "{}", param.id);
    }
}

#[test]
fn below_95_percent_a_key_is_out_until_98() {
    let mut policy = build(&SPEC, &pool(&[2]), &[]);
    feed(&mut *policy, Time::from_secs(1), 0, 100, 6, 1.0);
    feed(&mut *policy, Time::from_secs(1), 1, 100, 5, 1.0);
    let changes = wake(&mut *policy, 30);
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].route, changes[0].to), (RouteId(0), Health::Failed));
    for id in 0..100 {
        let attempt = policy.choose(Time::from_secs(30), &request(id), &[], id << 56).unwrap();
        assert_eq!(attempt.route, RouteId(1));
    }
    feed(&mut *policy, Time::from_secs(31), 0, 180, 0, 1.0);
    assert!(wake(&mut *policy, 60).is_empty(), "97.9 %");
    feed(&mut *policy, Time::from_secs(61), 0, 21, 0, 1.0);
    assert_eq!(wake(&mut *policy, 90)[0].to, Health::Healthy);
}

#[test]
fn answers_of_more_than_five_seconds_take_a_key_out_but_never_the_last() {
    let mut policy = build(&SPEC, &pool(&[2]), &[]);
    let at = Time::from_secs(20);
    feed(&mut *policy, at, 0, 20, 0, 5.1);
    feed(&mut *policy, at, 1, 20, 0, 4.9);
    assert_eq!(wake(&mut *policy, 30).len(), 1);
    let mut views = [RouteView::default(); 2];
    policy.show(&mut views);
    assert_eq!(views.map(|view| view.expected), [0.0, 1.0]);
    policy.set_present(at, RouteId(1), false);
    assert!(policy.choose(at, &request(1), &[], 7).is_some(), "all out: as if none were");
}
