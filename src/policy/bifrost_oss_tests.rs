//! Draws by weight, and what follows each kind of failure.

use super::super::fixture::{BROKEN, LIMITED, attempt, build, pool, request, shares};
use super::*;
use crate::engine::Refusal;

const REFUSED: Outcome = Outcome::KeyRefused { class: Refusal::Credential };

fn past(attempts: &[(u32, Outcome)]) -> Vec<Past> {
    attempts.iter().map(|&(route, outcome)| Past { route: RouteId(route), outcome }).collect()
}

#[test]
fn draws_follow_weights_and_less_than_a_hundredth_is_nothing() {
    let mut pool = pool(&[2, 3]);
    for (route, weight) in pool.routes.iter_mut().zip([0.05, 0.009, 0.15, 0.19, 0.011]) {
        route.weight = weight;
    }
    let mut policy = build(&SPEC, &pool, &[]);
    let seen = shares(&mut *policy, Time::ZERO, 5, 40_000);
    assert_eq!(seen[1], 0.0);
    for (share, expected) in seen.iter().zip([0.125, 0.0, 0.375, 0.475, 0.025]) {
        assert!((share - expected).abs() < 0.01, "{seen:?}");
    }
    let mut views = [RouteView::default(); 5];
    policy.show(&mut views);
    assert_eq!(views.map(|view| view.expected), [0.125, 0.0, 0.375, 0.475, 0.025]);
    pool.routes.iter_mut().for_each(|route| route.weight = 0.001);
    let seen = shares(&mut *build(&SPEC, &pool, &[]), Time::ZERO, 5, 40_000);
    assert!(seen.iter().all(|share| (share - 0.2).abs() < 0.01), "{seen:?}");
}

#[test]
fn as_shipped_a_failure_goes_to_the_heaviest_other_provider_without_a_wait() {
    let mut pool = pool(&[1, 1, 1]);
    pool.routes[2].weight = 3.0;
    let mut policy = build(&SPEC, &pool, &[]);
    let second = attempt(policy.next(Time::ZERO, &request(1), &past(&[(0, BROKEN)]), 0, 7));
    assert_eq!(second.route, RouteId(2));
    assert_eq!(second.ttft_timeout, Some(Span::from_secs(30)));
    let tried = past(&[(0, BROKEN), (2, LIMITED)]);
    assert_eq!(attempt(policy.next(Time::ZERO, &request(1), &tried, 0, 7)).route, RouteId(1));
    let all = past(&[(0, BROKEN), (2, LIMITED), (1, LIMITED)]);
    let end = policy.next(Time::ZERO, &request(1), &all, 0, 7);
    assert_eq!(end, Step::Stop { status: 500 }, "the first provider's error");
}

#[test]
fn a_hundred_fallbacks_are_tried_and_no_more() {
    let mut policy = build(&SPEC, &pool(&[1; 102]), &[]);
    let tried: Vec<(u32, Outcome)> = (0..101).map(|route| (route, BROKEN)).collect();
    let step = policy.next(Time::ZERO, &request(1), &past(&tried[..100]), 0, 7);
    assert_eq!(attempt(step).route, RouteId(100));
    let end = policy.next(Time::ZERO, &request(1), &past(&tried), 0, 7);
    assert_eq!(end, Step::Stop { status: 500 });
}

#[test]
fn retries_wait_half_a_second_doubling_to_five_with_a_fifth_of_jitter() {
    let mut policy = build(&SPEC, &pool(&[1]), &[("retry.max", 9.0)]);
    let mut range = |failures: usize| {
        let past = past(&vec![(0, BROKEN); failures]);
        let waits = (0..2_000).map(|id| {
            match policy.next(Time::ZERO, &request(1), &past, 0, luck::mix(id, 2)) {
                Step::Wait(span) => span.as_secs_f64(),
                other => panic!("{other:?}"),
            }
        });
        waits.fold((f64::MAX, 0.0f64), |(low, high), wait| (low.min(wait), high.max(wait)))
    };
    let near = |(low, high): (f64, f64), a: f64, b: f64| {
        assert!((low - a).abs() < 0.01 * a && (high - b).abs() < 0.01 * b, "{low} {high}");
    };
    near(range(1), 0.4, 0.6);
    near(range(2), 0.8, 1.2);
    near(range(6), 4.0, 5.0);
    let same = attempt(policy.next(Time::ZERO, &request(1), &past(&[(0, BROKEN)]), 1, 7));
    assert_eq!(same.route, RouteId(0));
}

#[test]
fn a_refused_key_is_replaced_at_once_and_free_of_charge() {
    let mut policy = build(&SPEC, &pool(&[3, 1]), &[]);
    let tried = past(&[(0, REFUSED), (2, REFUSED)]);
    assert_eq!(attempt(policy.next(Time::ZERO, &request(1), &tried, 0, 7)).route, RouteId(1));
    let dead = past(&[(0, REFUSED), (2, REFUSED), (1, REFUSED)]);
    assert_eq!(attempt(policy.next(Time::ZERO, &request(1), &dead, 0, 7)).route, RouteId(3));
}

#[test]
fn after_a_429_another_key_is_used_and_after_all_of_them_one_again() {
    let mut policy = build(&SPEC, &pool(&[2]), &[("retry.max", 5.0)]);
    let step = |policy: &mut dyn Policy, past: &[Past]| {
        attempt(policy.next(Time::ZERO, &request(1), past, 1, 7)).route.0
    };
    assert_eq!(step(&mut *policy, &past(&[(1, LIMITED)])), 0);
    let cycle = past(&[(1, REFUSED), (0, LIMITED)]);
    assert_eq!(step(&mut *policy, &cycle), 0, "the other is dead");
}

#[test]
fn a_request_at_fault_is_not_retried_but_falls_back() {
    let mut policy = build(&SPEC, &pool(&[2, 1]), &[("retry.max", 5.0)]);
    let fault = Outcome::CallerFault { status: 400 };
    let second = attempt(policy.next(Time::ZERO, &request(1), &past(&[(0, fault)]), 0, 7));
    assert_eq!(second.route, RouteId(2));
    let mut none = build(&SPEC, &pool(&[2, 1]), &[("fallback.max", 0.0)]);
    let end = none.next(Time::ZERO, &request(1), &past(&[(0, fault)]), 0, 7);
    assert_eq!(end, Step::Stop { status: 400 });
}
