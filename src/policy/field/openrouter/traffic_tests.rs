//! Shares, pauses and caps of made-up endpoints.

use super::*;
use crate::policy::fixture::{BROKEN, LIMITED, build, done, pool, request, sent, shares};

fn priced(prices: &[u64]) -> Pool {
    let mut pool = pool(&vec![1; prices.len()]);
    for (route, price) in pool.routes.iter_mut().zip(prices) {
        route.price_prompt = *price;
        route.price_output = *price;
    }
    pool
}

fn feed(policy: &mut dyn Policy, secs: u64, route: u32, outcome: &Outcome, times: u32) {
    let (start, end) = (Time::from_secs(secs), Time::from_secs(secs + 1));
    for _ in 0..times {
        policy.on_end(end, &sent(&request(1), &Attempt::to(RouteId(route)), start), outcome);
    }
}

fn wake(policy: &mut dyn Policy, secs: u64) -> Vec<(u32, Health)> {
    let mut seen = Vec::new();
    policy.on_wake(Time::from_secs(secs), &mut |change| seen.push((change.route.0, change.to)));
    seen
}

fn expected(policy: &dyn Policy, routes: usize) -> Vec<f64> {
    let mut views = vec![RouteView::default(); routes];
    policy.show(&mut views);
    views.iter().map(|view| (view.expected * 1e4).round() / 1e4).collect()
}

#[test]
fn inside_the_edge_shares_go_by_the_inverse_square_and_outside_it_is_a_hundredth() {
    let mut policy = build(&SPEC, &priced(&[1_000, 1_249, 1_251]), &[]);
    // 1 : 0.641 of what the third leaves.
    assert_eq!(expected(&*policy, 3), [0.6033, 0.3867, 0.01]);
    let seen = shares(&mut *policy, Time::ZERO, 3, 50_000);
    assert!((seen[0] - 0.6033).abs() < 0.01 && (seen[2] - 0.01).abs() < 0.002, "{seen:?}");
}

#[test]
fn many_explorers_leave_half_to_the_best() {
    let mut prices = vec![9_000; 101];
    prices[0] = 1_000;
    let policy = build(&SPEC, &priced(&prices), &[]);
    assert_eq!(expected(&*policy, 101)[..2], [0.5, 0.005]);
}

#[test]
fn a_price_is_three_parts_prompt() {
    let mut pool = priced(&[1_000, 1_000]);
    pool.routes[0].price_output = 2_000;
    // 1,250 against 1,000: on the edge, 0.64 to 1.
    assert_eq!(expected(&*build(&SPEC, &pool, &[]), 2), [0.3902, 0.6098]);
}

#[test]
fn far_worse_than_its_peers_is_paused_for_half_a_minute() {
    let mut policy = build(&SPEC, &priced(&[1_000; 3]), &[]);
    for route in 0..3 {
        feed(&mut *policy, 1, route, &done(100), 89);
    }
    feed(&mut *policy, 1, 0, &BROKEN, 9);
    assert!(wake(&mut *policy, 2).is_empty(), "under a tenth");
    feed(&mut *policy, 1, 0, &BROKEN, 2);
    assert_eq!(wake(&mut *policy, 3), [(0, Health::Failed)]);
    assert_eq!(expected(&*policy, 3), [0.0, 0.5, 0.5]);
    assert!(wake(&mut *policy, 32).is_empty());
    assert_eq!(wake(&mut *policy, 33), [(0, Health::Healthy)]);
    assert!(expected(&*policy, 3)[0] > 0.3);
}

#[test]
fn of_two_the_worse_is_paused_and_one_alone_is_not() {
    let mut two = build(&SPEC, &priced(&[1_000; 2]), &[]);
    feed(&mut *two, 1, 0, &BROKEN, 20);
    assert_eq!(wake(&mut *two, 2), [(0, Health::Failed)], "the other is not known");
    let mut alike = build(&SPEC, &priced(&[1_000; 2]), &[]);
    feed(&mut *alike, 1, 0, &BROKEN, 20);
    feed(&mut *alike, 1, 1, &BROKEN, 20);
    assert_eq!(wake(&mut *alike, 2), []);
    let mut one = build(&SPEC, &priced(&[1_000]), &[]);
    feed(&mut *one, 1, 0, &BROKEN, 20);
    assert_eq!(wake(&mut *one, 2), []);
}

#[test]
fn what_is_wrong_everywhere_is_no_reason_to_pause() {
    let trips = |own: u32| {
        let mut policy = build(&SPEC, &priced(&[1_000; 3]), &[]);
        for route in 0..3 {
            let failed = if route == 0 { own } else { 4 };
            feed(&mut *policy, 1, route, &done(100), 100 - failed);
            feed(&mut *policy, 1, route, &LIMITED, failed);
        }
        wake(&mut *policy, 2).len()
    };
    // Five times the 4 % of the others.
    assert_eq!((trips(20), trips(21)), (0, 1));
}

#[test]
fn over_its_cap_an_endpoint_gets_nothing_while_another_has_room() {
    let mut policy = build(&SPEC, &priced(&[1_000, 1_100]), &[("breaker.least", 1.0)]);
    feed(&mut *policy, 9, 0, &done(100), 40);
    feed(&mut *policy, 9, 0, &LIMITED, 10);
    wake(&mut *policy, 10);
    let seen = shares(&mut *policy, Time::from_secs(11), 2, 1_000);
    assert!((seen[0] - 0.004).abs() < 1e-9, "four a second: {seen:?}");
    let alone = policy.choose(Time::from_secs(11), &request(1), &[RouteId(1)], 7);
    assert_eq!(alone.unwrap().route, RouteId(0), "rather over the cap than not at all");
}

#[test]
fn retries_go_to_the_endpoints_that_are_left() {
    let mut policy = build(&SPEC, &priced(&[1_000, 9_000]), &[]);
    let past = [Past { route: RouteId(0), outcome: LIMITED }];
    let step = policy.next(Time::ZERO, &request(1), &past, 0, 7);
    assert_eq!(crate::policy::fixture::attempt(step).route, RouteId(1));
    let both = [past[0], Past { route: RouteId(1), outcome: LIMITED }];
    let end = policy.next(Time::ZERO, &request(1), &both, 0, 7);
    assert_eq!(end, Step::Stop { status: 429 });
    policy.set_present(Time::ZERO, RouteId(0), false);
    assert_eq!(expected(&*policy, 2), [0.0, 1.0]);
    policy.set_present(Time::ZERO, RouteId(1), false);
    assert_eq!(policy.next(Time::ZERO, &request(1), &[], 0, 7), Step::Stop { status: 503 });
}
