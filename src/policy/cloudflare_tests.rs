//! Requests that fail everywhere, and what the gateway then does.

use super::super::fixture::{BROKEN, attempt, build, pool, request, shares};
use super::*;

fn past(routes: &[u32]) -> Vec<Past> {
    routes.iter().map(|&route| Past { route: RouteId(route), outcome: BROKEN }).collect()
}

/// A route, and the longest wait for the first token there, in seconds.
type Attempted = (u32, Option<f64>);

/// The steps of a request whose every attempt fails with `outcome`, and how it ends.
fn life(policy: &mut dyn Policy, outcome: Outcome) -> (Vec<Attempted>, Vec<f64>, u16) {
    let (mut sent, mut waited) = (Vec::new(), Vec::new());
    let (mut past, mut waits) = (Vec::new(), 0);
    loop {
        match policy.next(Time::ZERO, &request(1), &past, waits, 7) {
            Step::Send(attempt) => {
                sent.push((attempt.route.0, attempt.ttft_timeout.map(Span::as_secs_f64)));
                past.push(Past { route: attempt.route, outcome });
                waits = 0;
            }
            Step::Wait(span) => {
                waited.push(span.as_secs_f64());
                waits += 1;
            }
            Step::Stop { status } => return (sent, waited, status),
        }
    }
}

#[test]
fn as_shipped_each_target_is_tried_once_in_order_without_a_timeout() {
    let mut policy = build(&FALLBACK, &pool(&[2, 1]), &[]);
    let (sent, waited, status) = life(&mut *policy, BROKEN);
    assert_eq!(sent, [(0, None), (1, None), (2, None)]);
    assert!(waited.is_empty());
    assert_eq!(status, 500);
}

#[test]
fn as_shipped_every_request_begins_with_the_first_target_and_no_limit_is_kept() {
    let mut pool = pool(&[2, 1]);
    pool.routes[0].rpm = Some(1);
    for spec in [FALLBACK, FALLBACK_RETRY] {
        let seen = shares(&mut *build(&spec, &pool, &[]), Time::ZERO, 3, 100);
        assert!((seen[0] - 1.0).abs() < 1e-9, "{}: {seen:?}", spec.name);
    }
    let seen = shares(&mut *build(&SPLIT_EVEN, &pool, &[]), Time::ZERO, 3, 3_000);
    assert!((seen[0] - 1.0 / 3.0).abs() < 0.03, "{seen:?}");
}

#[test]
fn a_limit_is_all_that_tells_the_two_splits_apart() {
    let (plain, limited) = (SPLIT_EVEN.settings(), SPLIT_LIMITED.settings());
    for ((param, one), (_, other)) in plain.iter().zip(limited.iter()) {
        assert_eq!(one == other, param.id != "limit.enabled", "{}", param.id);
    }
}

#[test]
fn the_last_attempt_on_a_target_waits_for_ever() {
    let mut policy = build(&FALLBACK_RETRY, &pool(&[1, 1]), &[]);
    let (sent, waited, _) = life(&mut *policy, Outcome::Timeout);
    assert_eq!(sent, [(0, Some(5.0)), (0, None), (1, Some(5.0)), (1, None)]);
    assert_eq!(waited, [1.0, 1.0]);
}

#[test]
fn waits_grow_by_their_rule_and_begin_anew_on_the_next_target() {
    let waits = |backoff| {
        let set = [("retry.attempts", 4.0), ("retry.backoff", backoff)];
        let mut policy = build(&FALLBACK, &pool(&[1, 1]), &set);
        life(&mut *policy, BROKEN).1
    };
    assert_eq!(waits(0.0), [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    assert_eq!(waits(1.0), [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
    assert_eq!(waits(2.0), [1.0, 2.0, 4.0, 1.0, 2.0, 4.0]);
}

#[test]
fn a_model_node_is_retried_four_times_and_never_waited_for_beyond_a_minute() {
    let mut policy = build(&SPLIT_EVEN, &pool(&[1]), &[]);
    let (sent, waited, _) = life(&mut *policy, BROKEN);
    assert_eq!(sent, [(0, Some(60.0)); 5]);
    assert_eq!(waited, [1.0; 4]);
}

#[test]
fn what_cannot_be_cured_elsewhere_stops_only_if_told_so() {
    let fault = Outcome::CallerFault { status: 400 };
    let sent = |spec, set: &[(&str, f64)]| life(&mut *build(spec, &pool(&[3]), set), fault).0.len();
    assert_eq!(sent(&FALLBACK, &[]), 3);
    assert_eq!(sent(&FALLBACK_RETRY, &[]), 6);
    assert_eq!(sent(&SPLIT_EVEN, &[]), 15);
    assert_eq!(sent(&FALLBACK, &[("fallback.on", 1.0)]), 1);
}

#[test]
fn answers_that_are_not_streamed_have_their_first_byte_at_the_end() {
    let mut policy = build(&FALLBACK_RETRY, &pool(&[1]), &[]);
    let whole = Request { streamed: false, ..request(1) };
    let sent = attempt(policy.next(Time::ZERO, &whole, &[], 0, 7));
    assert_eq!((sent.ttft_timeout, sent.total_timeout), (None, Some(Span::from_secs(5))));
}

#[test]
fn six_routes_have_a_branch_each_and_seven_one_per_provider() {
    let mut six = build(&SPLIT_EVEN, &pool(&[4, 2]), &[]);
    let seen = shares(&mut *six, Time::ZERO, 6, 60_000);
    assert!(seen.iter().all(|share| (share - 1.0 / 6.0).abs() < 0.006), "{seen:?}");
    let mut seven = build(&SPLIT_EVEN, &pool(&[4, 3]), &[]);
    let seen = shares(&mut *seven, Time::ZERO, 7, 20_000);
    assert!((seen[0] - 0.5).abs() < 0.02 && (seen[4] - 0.5).abs() < 0.02, "{seen:?}");
}

#[test]
fn a_split_falls_back_round_the_pool_to_where_it_began() {
    let mut policy = build(&SPLIT_EVEN, &pool(&[3]), &[("retry.attempts", 1.0)]);
    let next = |policy: &mut dyn Policy, tried: &[u32]| {
        policy.next(Time::ZERO, &request(1), &past(tried), 0, 7)
    };
    assert_eq!(attempt(next(&mut *policy, &[1])).route, RouteId(2));
    assert_eq!(attempt(next(&mut *policy, &[1, 2])).route, RouteId(0));
    assert_eq!(next(&mut *policy, &[1, 2, 0]), Step::Stop { status: 500 });
    policy.set_present(Time::ZERO, RouteId(2), false);
    assert_eq!(attempt(next(&mut *policy, &[2])).route, RouteId(0));
    assert_eq!(attempt(next(&mut *policy, &[2, 0])).route, RouteId(1));
    assert_eq!(next(&mut *policy, &[2, 0, 1]), Step::Stop { status: 500 });
}

#[test]
fn what_is_over_a_limit_goes_to_the_next_until_the_window_has_moved() {
    let mut pool = pool(&[2]);
    pool.routes[0].rpm = Some(3);
    pool.routes[1].tpm = Some(5_000);
    let set = [("mode", 0.0)];
    let mut policy = build(&SPLIT_LIMITED, &pool, &set);
    let mut routes = Vec::new();
    let mut last = Step::Wait(Span::ZERO);
    for id in 0..9 {
        last = policy.next(Time::from_secs(1), &request(id), &[], 0, id);
        if let Step::Send(attempt) = last {
            routes.push(attempt.route.0);
        }
    }
    assert_eq!(routes, [0, 0, 0, 1, 1, 1, 1, 1]);
    assert_eq!(last, Step::Stop { status: 429 });
    assert!(policy.choose(Time::from_secs(60), &request(9), &[], 7).is_none());
    assert!(policy.choose(Time::from_secs(61), &request(9), &[], 7).is_some());
}

#[test]
fn nothing_left_is_none() {
    let mut policy = build(&FALLBACK, &pool(&[2]), &[]);
    assert!(policy.choose(Time::ZERO, &request(1), &[RouteId(0), RouteId(1)], 7).is_none());
    let second = policy.choose(Time::ZERO, &request(1), &[RouteId(0)], 7).unwrap();
    assert_eq!(second.route, RouteId(1));
    policy.set_present(Time::ZERO, RouteId(0), false);
    policy.set_present(Time::ZERO, RouteId(1), false);
    assert_eq!(policy.next(Time::ZERO, &request(1), &[], 0, 7), Step::Stop { status: 503 });
    policy.set_present(Time::ZERO, RouteId(1), true);
    let mut views = [RouteView::default(); 2];
    policy.show(&mut views);
    assert_eq!((views[0].expected, views[1].expected), (0.0, 1.0));
}
