//! The router as a whole: what it remembers, when it takes deployments out, how it tries again.

use super::fixture::{Bench, DONE, DOWN, at, pool, request, router};
use super::*;
use crate::policy::PolicySpec;

const LIMITED: Outcome = Outcome::RateLimited { retry_after: None };

fn shuffle(routes: u32, values: &[(&str, f64)]) -> Bench {
    router(&SIMPLE_SHUFFLE, &pool(routes), values)
}

fn status(step: Step) -> Option<u16> {
    if let Step::Stop { status } = step { Some(status) } else { None }
}

#[test]
fn a_deployment_goes_out_at_its_fifth_failure_for_five_seconds() {
    let mut bench = shuffle(2, &[]);
    for n in 0..5 {
        assert!(!bench.is_out(0, 10.0), "after {n}");
        bench.fails(0, 10.0, DOWN);
    }
    assert!(bench.is_out(0, 10.0) && bench.is_out(0, 14.99) && !bench.is_out(0, 15.01));
    let told = bench.told(16.0);
    let word = |word: &str| word.to_owned();
    assert_eq!(told, [(10_000, 0, word("Failed")), (15_000, 0, word("Healthy"))]);
}

#[test]
fn counters_are_not_cleared_so_one_failure_after_the_cooldown_takes_it_out_again() {
    let mut bench = shuffle(2, &[]);
    (0..5).for_each(|_| bench.fails(0, 10.0, DOWN));
    bench.fails(0, 15.5, DOWN);
    assert!(bench.is_out(0, 20.4) && !bench.is_out(0, 20.6));
    // The window of failures ends 60 s after the first of them, whatever came since.
    bench.fails(0, 69.9, DOWN);
    assert!(bench.is_out(0, 70.0));
    bench.fails(0, 75.5, DOWN);
    assert!(!bench.is_out(0, 75.5), "the first of a new window");
}

#[test]
fn windows_of_failures_and_successes_begin_independently() {
    let fails_at_65 = |first_success: f64| {
        let mut bench = shuffle(2, &[]);
        (0..5).for_each(|_| bench.fails(0, first_success, DONE));
        (0..5).for_each(|_| bench.fails(0, 65.0, DOWN));
        bench.is_out(0, 65.0)
    };
    assert!(fails_at_65(4.9), "successes are 60 s old and forgotten");
    assert!(!fails_at_65(5.1), "five of ten is not more than half");
}

#[test]
fn a_429_takes_a_deployment_of_several_out_at_once_but_never_the_only_one() {
    let mut bench = shuffle(2, &[]);
    bench.fails(1, 10.0, LIMITED);
    assert!(bench.is_out(1, 14.9) && !bench.is_out(1, 15.1));
    let mut alone = shuffle(1, &[]);
    (0..999).for_each(|_| alone.fails(0, 10.0, LIMITED));
    assert!(!alone.is_out(0, 10.0));
    alone.fails(0, 10.0, LIMITED);
    assert!(alone.is_out(0, 10.0), "a thousand failures and nothing else");
}

#[test]
fn a_hint_sets_the_cooldown_and_a_later_failure_without_one_shortens_it() {
    let mut bench = shuffle(2, &[]);
    let hint = Outcome::RateLimited { retry_after: Some(Span::from_secs(20)) };
    bench.fails(0, 40.1, hint);
    assert!(bench.is_out(0, 60.0) && !bench.is_out(0, 60.2));
    let mut bench = shuffle(2, &[]);
    bench.fails(0, 40.1, hint);
    bench.fails(0, 41.0, LIMITED);
    assert!(bench.is_out(0, 45.9) && !bench.is_out(0, 46.1));
}

#[test]
fn faults_of_the_caller_count_but_take_nobody_out() {
    let mut bench = shuffle(2, &[]);
    (0..12).for_each(|_| bench.fails(0, 10.0, Outcome::CallerFault { status: 400 }));
    assert!(!bench.is_out(0, 10.0));
    bench.fails(0, 10.0, DOWN);
    assert!(bench.is_out(0, 10.0), "the thirteenth is the first that may");
}

#[test]
fn allowed_fails_replace_all_other_rules() {
    let mut bench = shuffle(2, &[("cooldown.allowed_fails", 1.0), ("cooldown.time", 20.0)]);
    bench.fails(0, 10.0, LIMITED);
    assert!(!bench.is_out(0, 10.0));
    bench.fails(0, 30.5, LIMITED);
    assert!(!bench.is_out(0, 30.5), "counted for one cooldown time only");
    bench.fails(0, 50.0, LIMITED);
    assert!(bench.is_out(0, 69.9) && !bench.is_out(0, 70.1));
    let mut three = shuffle(2, &[("cooldown.allowed_fails", 3.0)]);
    three.fails(0, 10.0, LIMITED);
    assert!(three.is_out(0, 10.0), "three means not set");
}

#[test]
fn behind_the_proxy_only_the_first_failure_of_a_request_counts() {
    let sdk = [("mode", 0.0)];
    for (mode, out) in [(&sdk[..], true), (&[], false)] {
        let mut bench = shuffle(2, mode);
        let of = request(7, at(10.0));
        for number in 0..5 {
            bench.ends(&of, &Attempt::to(RouteId(0)), number, 10.0, DOWN);
        }
        assert_eq!(bench.is_out(0, 10.0), out, "{mode:?}");
    }
}

#[test]
fn the_count_of_least_busy_leaks_behind_the_proxy() {
    for (mode, first) in [(0.0, 0), (1.0, 1)] {
        let mut bench = router(&LEAST_BUSY, &pool(2), &[("mode", mode)]);
        let (of, one) = bench.starts(1.0);
        assert_eq!(one.route, RouteId(0));
        bench.ends(&of, &one, 0, 1.0, DOWN);
        let Step::Send(two) = bench.next(&of, 1.0, &[(0, DOWN)], 0) else { panic!() };
        assert_eq!(two.route, RouteId(0), "it does not avoid what has just failed");
        bench.ends(&of, &two, 1, 1.0, DOWN);
        assert_eq!(bench.starts(2.0).1.route, RouteId(first), "mode {mode}");
    }
}

#[test]
fn two_retries_at_once_and_then_the_error_of_the_last() {
    let mut bench = shuffle(2, &[]);
    let (of, one) = bench.starts(1.0);
    assert_eq!((one.total_timeout, one.ttft_timeout), (Some(Span::from_secs(600)), None));
    let mut past = Vec::new();
    for _ in 0..2 {
        past.push((0, DOWN));
        assert!(matches!(bench.next(&of, 1.0, &past, 0), Step::Send(_)), "{past:?}");
    }
    past.push((0, Outcome::Timeout));
    assert_eq!(status(bench.next(&of, 1.0, &past, 0)), Some(408));
}

#[test]
fn with_nobody_left_a_request_fails_at_once() {
    let mut bench = shuffle(2, &[]);
    let (of, _) = bench.starts(10.0);
    bench.fails(0, 10.0, LIMITED);
    bench.fails(1, 10.0, LIMITED);
    assert_eq!(status(bench.asks(10.0).1), Some(429));
    let past = [(1, Outcome::ServerError { status: 503 })];
    assert_eq!(status(bench.next(&of, 10.0, &past, 0)), Some(503), "the error of its last attempt");
    assert!(bench.serves(15.1, |_| DONE).is_some());
}

#[test]
fn the_only_deployment_is_tried_again_after_a_wait_and_slept_over_at_the_end() {
    let mut bench = shuffle(1, &[]);
    let (of, _) = bench.starts(1.0);
    let mut past = Vec::new();
    for least in [0.5, 1.0, 2.0] {
        past.push((0, DOWN));
        let Step::Wait(wait) = bench.next(&of, 1.0, &past, 0) else { panic!("{past:?}") };
        assert!((least..least + 0.75).contains(&wait.as_secs_f64()), "{wait}");
        let after = bench.next(&of, 1.0, &past, 1);
        assert_eq!(matches!(after, Step::Send(_)), past.len() < 3);
        assert_eq!(status(after), (past.len() == 3).then_some(500));
    }
    let mut none = shuffle(1, &[("num_retries", 0.0)]);
    assert_eq!(
        status(none.next(&of, 1.0, &past[..1], 0)),
        Some(500),
        "no wait where none is retried"
    );
}

#[test]
fn the_check_before_a_call_counts_attempts_of_a_minute_from_the_first() {
    let mut limited = pool(2);
    (limited.routes[0].rpm, limited.routes[1].rpm) = (Some(10), Some(20));
    let serve = |checked: f64| {
        let mut bench = router(&SIMPLE_SHUFFLE, &limited, &[("enable_pre_call_checks", checked)]);
        let taken = (0..60).filter_map(|n| bench.serves(30.0 + f64::from(n), |_| DONE)).count();
        (taken, bench.asks(89.0).1, bench.asks(91.0).1)
    };
    assert_eq!(serve(0.0).0, 60);
    let (taken, before, after) = serve(1.0);
    assert_eq!((taken, status(before)), (30, Some(429)));
    assert!(matches!(after, Step::Send(_)));
}

#[test]
fn a_limit_of_usage_v2_answers_429_without_cooling_anybody() {
    let mut limited = pool(1);
    limited.routes[0].rpm = Some(10);
    let mut bench = router(&USAGE_BASED_V2, &limited, &[]);
    let taken = (0..30).filter_map(|_| bench.serves(10.0, |_| DONE)).count();
    assert_eq!((taken, status(bench.asks(59.9).1)), (9, Some(429)));
    assert!(bench.told(59.9).is_empty());
    assert!(matches!(bench.asks(60.0).1, Step::Send(_)));
}

#[test]
fn tuned_as_its_documents_say() {
    let mut limited = pool(2);
    (limited.routes[0].rpm, limited.routes[1].rpm) = (Some(2), Some(1_000));
    let mut bench = router(&DOCS_TUNED, &limited, &[]);
    let (of, attempt) = bench.starts(1.0);
    assert_eq!(attempt.total_timeout, Some(Span::from_secs(30)));
    let past = [(0, DOWN); 4];
    assert!(matches!(bench.next(&of, 1.0, &past[..3], 0), Step::Send(_)), "three retries");
    assert_eq!(status(bench.next(&of, 1.0, &past, 0)), Some(500));
    bench.fails(1, 2.0, LIMITED);
    assert!(bench.is_out(1, 31.9) && !bench.is_out(1, 32.1));
    let taken = (0..100).filter(|_| bench.serves(40.0, |_| DONE) == Some(RouteId(0))).count();
    assert!(taken <= 2, "the first may have two requests a minute: {taken}");
}

#[test]
fn weights_are_drawn_as_set() {
    let mut weighted = pool(3);
    for (route, weight) in weighted.routes.iter_mut().zip([1.0, 0.0, 3.0]) {
        route.weight = weight;
    }
    let mut bench = router(&SIMPLE_SHUFFLE, &weighted, &[]);
    let mut taken = [0u32; 3];
    for _ in 0..8_000 {
        taken[bench.starts(1.0).1.route.index()] += 1;
    }
    assert!((1_880..2_120).contains(&taken[0]) && taken[1] == 0, "{taken:?}");
    let mut views = [RouteView::default(); 3];
    bench.router.show(&mut views);
    assert_eq!(
        views.map(|view| (view.weight, view.expected)),
        [(1.0, 0.25), (0.0, 0.0), (3.0, 0.75)]
    );
}

#[test]
fn latency_based_sends_to_the_unknown_first_and_then_to_the_fastest() {
    let mut bench = router(&LATENCY_BASED, &pool(3), &[]);
    let mut taken = Vec::new();
    for n in 0..40 {
        let now = f64::from(n);
        let (of, attempt) = bench.starts(now);
        taken.push(attempt.route.0);
        bench.ends(&of, &attempt, 0, now + 0.2 + 0.2 * f64::from(attempt.route.0), DONE);
    }
    let mut early = taken[..3].to_vec();
    early.sort_unstable();
    assert_eq!(early, [0, 1, 2]);
    // Zeros of the two that were unknown hold their means down until ten samples have come.
    assert!(taken[25..].iter().all(|route| *route == 0), "{taken:?}");
}

#[test]
fn workers_count_apart_and_share_cooldowns_through_redis() {
    let out = |redis: f64, secs: f64| {
        let mut bench = shuffle(2, &[("workers", 4.0), ("redis", redis)]);
        (0..64).for_each(|id| {
            bench.router.choose(at(9.5), &request(id, at(9.5)), &[], id);
        });
        let of = request(1, at(10.0));
        bench.ends(&of, &Attempt::to(RouteId(0)), 0, 10.0, LIMITED);
        (0..64)
            .filter(|id| {
                (0..20).all(|word| {
                    let mut copy = bench.router.clone();
                    let word = luck::mix(word, 3);
                    let picked = copy.choose(at(secs), &request(*id, at(secs)), &[], word);
                    picked.is_some_and(|attempt| attempt.route == RouteId(1))
                })
            })
            .count()
    };
    let alone = out(0.0, 10.4);
    assert!((8..=24).contains(&alone), "a quarter of the requests: {alone}");
    assert_eq!(out(1.0, 10.4), alone, "others have read half a second before");
    assert_eq!(out(1.0, 10.6), 64);
    assert_eq!(out(1.0, 15.1), 0);
}

#[test]
fn every_strategy_honours_avoid_and_presence_and_survives_an_empty_pool() {
    let all: [PolicySpec; 7] = [
        SIMPLE_SHUFFLE,
        LEAST_BUSY,
        LATENCY_BASED,
        USAGE_BASED_V1,
        USAGE_BASED_V2,
        COST_BASED,
        DOCS_TUNED,
    ];
    for spec in &all {
        let mut bench = router(spec, &pool(4), &[]);
        bench.router.set_present(Time::ZERO, RouteId(2), false);
        for id in 0..200 {
            let now = at(f64::from(id as u32) * 0.1);
            let of = request(id, now);
            let avoid = [RouteId(0), RouteId(3)];
            let picked = bench.router.choose(now, &of, &avoid, luck::mix(id, 1)).unwrap();
            assert_eq!(picked.route, RouteId(1), "{}", spec.name);
            bench.ends(&of, &picked, 0, 0.1 * id as f64, DONE);
        }
        bench.router.set_present(Time::ZERO, RouteId(2), true);
        let avoid = [0, 1, 3].map(RouteId);
        let of = request(1, at(21.0));
        let picked = bench.router.choose(at(21.0), &of, &avoid, 5).unwrap();
        assert_eq!(picked.route, RouteId(2), "{}", spec.name);
        (0..4).for_each(|r| bench.router.set_present(Time::ZERO, RouteId(r), false));
        assert_eq!(status(bench.asks(22.0).1), Some(429), "{}", spec.name);
    }
}

#[test]
fn as_many_workers_as_the_load_needs() {
    let workers = |rps: f64| {
        let pool = Pool { offered_rps: rps, ..Pool::default() };
        let mut settings = SIMPLE_SHUFFLE.settings();
        settings.set("workers", 0.0).unwrap();
        Router::new(&settings, &pool).workers.len()
    };
    assert_eq!([0.0, 122.0, 123.0, 1_000.0].map(workers), [1, 1, 2, 9]);
}

#[test]
fn one_worker_alone_without_checks_or_forced_waits_unless_told() {
    let settings = SIMPLE_SHUFFLE.settings();
    assert_eq!(settings.get("workers"), 1.0);
    assert_eq!(settings.get("retry_after"), 0.0);
    assert!(!settings.on("redis") && !settings.on("enable_pre_call_checks"));
}
