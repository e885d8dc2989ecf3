//! The plugin at its boundary: what is retried and where, what the client is told, health, and shares.

use std::collections::VecDeque;

use crate::engine::Refusal;
use crate::policy::{ModelId, PolicySpec};

use super::fixture::{Bench, pool, request};
use super::presets::*;
use super::*;

const DONE: Outcome = Outcome::Done { prompt_tokens: 100, output_tokens: 100 };
const LIMITED: Outcome = Outcome::RateLimited { retry_after: None };

const fn error(status: u16) -> Outcome {
    Outcome::ServerError { status }
}

fn three() -> Pool {
    pool(&[("a", 1.0), ("b", 1.0), ("c", 1.0)])
}

#[test]
fn by_default_a_post_is_retried_only_where_it_was_never_sent() {
    let mut bench = Bench::new(&DEFAULT, &[], &three());
    assert_eq!(bench.status(Outcome::Unreachable), (6, 502));
    assert_eq!(bench.status(Outcome::Timeout), (1, 504));
    assert_eq!(bench.status(LIMITED), (1, 429));
    for status in [500, 502, 503, 504, 529, 408] {
        assert_eq!(bench.status(error(status)), (1, status));
    }
    assert_eq!(bench.status(Outcome::CallerFault { status: 400 }), (1, 400));
    let refused = Outcome::KeyRefused { class: Refusal::Credential };
    assert_eq!(bench.status(refused), (1, 401));
    let mut deaf = Bench::new(&DEFAULT, &[("criteria.error", 0.0)], &three());
    assert_eq!(deaf.status(Outcome::Unreachable), (1, 502));
}

#[test]
fn a_listed_status_is_retried_only_with_non_idempotent() {
    let mut alone = Bench::new(&DEFAULT, &[("criteria.http_429", 1.0)], &three());
    assert_eq!(alone.status(LIMITED), (1, 429));
    let both = [("criteria.http_429", 1.0), ("criteria.non_idempotent", 1.0)];
    let mut both = Bench::new(&DEFAULT, &both, &three());
    assert_eq!(both.status(LIMITED), (6, 429));
    assert_eq!(both.status(Outcome::Timeout), (6, 504));
    assert_eq!(both.status(error(503)), (1, 503));
    let all = Outcome::KeyRefused { class: Refusal::ModelAccess };
    let mut tuned = Bench::new(&DOCS_TUNED, &[("breaker.max_fails", 0.0)], &three());
    for status in [500, 502, 503, 504] {
        assert_eq!(tuned.status(error(status)), (4, status));
    }
    assert_eq!(tuned.status(error(529)), (1, 529));
    assert_eq!(tuned.status(LIMITED), (4, 429));
    assert_eq!(tuned.status(all), (1, 403));
}

#[test]
fn a_listed_403_is_retried_and_never_counted() {
    let set = [("criteria.http_403", 1.0), ("criteria.http_404", 1.0), ("retries", 7.0)];
    let mut bench = Bench::new(&DOCS_TUNED, &set, &three());
    for class in [Refusal::ModelAccess, Refusal::ModelGone] {
        let outcome = Outcome::KeyRefused { class };
        assert_eq!(bench.status(outcome), (8, outcome.status()));
    }
    assert!(bench.changes().is_empty());
}

#[test]
fn streams_wait_for_their_first_token_and_other_answers_for_all() {
    let mut bench = Bench::new(&DEFAULT, &[], &three());
    let mut timeouts = |streamed| {
        let request = Request { streamed, ..request(1, Time::ZERO) };
        match bench.kong.next(Time::ZERO, &request, &[], 0, 1) {
            Step::Send(attempt) => (attempt.ttft_timeout, attempt.total_timeout),
            other => panic!("{other:?}"),
        }
    };
    let minute = Some(Span::from_secs(60));
    assert_eq!((timeouts(true), timeouts(false)), ((minute, None), (None, minute)));
}

#[test]
fn round_robin_passes_over_what_was_tried_and_begins_again() {
    let mut bench = Bench::new(&DEFAULT, &[], &three());
    for id in 0..20 {
        let (order, _) = bench.run(id, Outcome::Unreachable);
        for half in [&order[..3], &order[3..]] {
            assert!(["a", "b", "c"].iter().all(|name| half.contains(name)), "{order}");
        }
    }
    // Retries that follow a turn of others': with no memory the wheel may come back to the same target.
    let mut bench = Bench::new(&DEFAULT, &[("round_robin.skip_tried", 0.0)], &three());
    let (one, past) = (request(1, Time::ZERO), Outcome::Unreachable);
    let first = bench.kong.choose(Time::ZERO, &one, &[], 1).unwrap().route;
    bench.run(2, DONE);
    bench.run(3, DONE);
    let step = bench.kong.next(Time::ZERO, &one, &[Past { route: first, outcome: past }], 0, 1);
    assert!(matches!(step, Step::Send(attempt) if attempt.route == first));
}

#[test]
fn least_connections_clears_what_was_tried_and_goes_on() {
    let set = [("retries", 6.0), ("breaker.max_fails", 0.0)];
    let mut bench = Bench::new(&DOCS_TUNED, &set, &three());
    let order: String = (0..7).map(|id| bench.run(id, DONE).0).collect();
    assert_eq!(order, "abababa");
    assert_eq!(bench.run(7, error(500)), ("bacabcb".to_owned(), 500));
}

#[test]
fn hashing_retries_walk_on_or_stay() {
    let pool = pool(&[("a", 1.0), ("b", 1.0), ("c", 1.0), ("d", 1.0)]);
    let mut walks = Bench::new(&CONSISTENT_HASHING, &[], &pool);
    let mut stays = Bench::new(&CONSISTENT_HASHING, &[("hashing.retry", 1.0)], &pool);
    for session in 0..50 {
        let (order, status) = walks.run(session, Outcome::Unreachable);
        assert_eq!((order.len(), status), (4, 500));
        let again = walks.run(session, Outcome::Unreachable);
        assert_eq!(again.0, order);
        let (same, status) = stays.run(session, Outcome::Unreachable);
        assert_eq!((same, status), (order[..1].repeat(6), 502));
    }
}

#[test]
fn latency_and_usage_try_each_once_and_a_pool_of_one_again() {
    let one = pool(&[("a", 1.0)]);
    let mut bench = Bench::new(&LOWEST_LATENCY, &[], &three());
    let (order, status) = bench.run(1, Outcome::Unreachable);
    assert_eq!((order.len(), status), (3, 500));
    let mut bench = Bench::new(&LOWEST_LATENCY, &[], &one);
    assert_eq!(bench.run(1, Outcome::Unreachable), ("aaaaaa".to_owned(), 502));
    let mut bench = Bench::new(&LOWEST_USAGE, &[], &one);
    assert_eq!(bench.run(1, Outcome::Unreachable), ("a".to_owned(), 500));
}

#[test]
fn priority_stops_when_all_were_tried_and_once_stayed_on_the_last() {
    let pool = pool(&[("a", 0.25), ("b", 0.7), ("c", 0.7)]);
    let mut bench = Bench::new(&PRIORITY, &[], &pool);
    let (order, status) = bench.run(1, Outcome::Unreachable);
    assert_eq!((&order[2..], order.len(), status), ("a", 3, 500));
    let mut bench = Bench::new(&PRIORITY, &[("priority.pre_3_14_8", 1.0)], &pool);
    let (order, status) = bench.run(1, Outcome::Unreachable);
    assert_eq!((&order[2..], status), ("aaaa", 502));
}

#[test]
fn three_failures_in_all_put_a_target_out_and_one_probe_brings_it_back() {
    let mut bench = Bench::new(&DOCS_TUNED, &[("retries", 0.0)], &pool(&[("a", 1.0)]));
    for (secs, outcome) in [(0.1, error(500)), (0.3, LIMITED), (0.5, DONE)] {
        bench.at(secs);
        bench.run(1, outcome);
    }
    assert!(bench.changes().is_empty());
    bench.at(0.7);
    assert_eq!(bench.run(1, Outcome::Timeout).1, 504);
    assert_eq!(bench.changes(), [(0, Health::Healthy, Health::Failed)]);
    bench.at(10.7);
    assert_eq!(bench.run(1, DONE), (String::new(), 500), "all are out");
    bench.at(10.701);
    assert_eq!(bench.run(1, error(503)).1, 503);
    bench.at(20.701);
    assert_eq!(bench.run(1, DONE).1, 500);
    bench.at(20.702);
    assert_eq!(bench.run(1, DONE).1, 200);
    let (failed, recovering, healthy) = (Health::Failed, Health::Recovering, Health::Healthy);
    let probes = [(failed, recovering), (recovering, failed), (failed, recovering)];
    let probes = probes.into_iter().chain([(recovering, healthy)]);
    assert_eq!(bench.changes(), probes.map(|(from, to)| (0, from, to)).collect::<Vec<_>>());
}

#[test]
fn statuses_count_only_if_listed_and_broken_streams_only_if_asked() {
    let broken = Outcome::StreamBroken { prompt_tokens: 100, output_tokens: 5 };
    let one = pool(&[("a", 1.0)]);
    let trips = |set: &[(&str, f64)], outcome| {
        let mut bench = Bench::new(&DEFAULT, &[&[("breaker.max_fails", 3.0)], set].concat(), &one);
        for id in 0..3 {
            let attempt = bench.kong.choose(bench.now, &request(id, bench.now), &[], 1).unwrap();
            bench.end(&request(id, bench.now), attempt.route, 0, outcome);
        }
        !bench.changes().is_empty()
    };
    assert!(
        trips(&[], Outcome::Unreachable) && trips(&[("criteria.error", 0.0)], Outcome::Timeout)
    );
    assert!(!trips(&[], error(500)) && trips(&[("criteria.http_500", 1.0)], error(500)));
    assert!(!trips(&[], LIMITED) && trips(&[("criteria.http_429", 1.0)], LIMITED));
    assert!(!trips(&[], broken) && trips(&[("breaker.count_midstream", 1.0)], broken));
    assert!(!trips(&[], Outcome::Cancelled) && !trips(&[], DONE));
}

#[test]
fn an_open_target_is_passed_over_and_a_new_one_has_no_past() {
    let mut bench = Bench::new(&DOCS_TUNED, &[], &three());
    let a = RouteId(0);
    for id in 0..3 {
        let request = request(id, Time::ZERO);
        bench.end(&request, a, 0, error(500));
    }
    assert_eq!(bench.changes(), [(0, Health::Healthy, Health::Failed)]);
    assert!((0..50).all(|id| !bench.run(id, DONE).0.contains('a')));
    bench.kong.set_present(bench.now, a, false);
    bench.kong.set_present(bench.now, a, true);
    assert_eq!(bench.changes(), [(0, Health::Failed, Health::Healthy)]);
    assert!((0..50).any(|id| bench.run(id, DONE).0.contains('a')));
}

/// Answers of these latencies, with a request every `gap_ms`; the targets' shares, and most in flight to each.
fn shares(latencies_ms: &[u64], gap_ms: u64, count: u64) -> (Vec<f64>, Vec<usize>) {
    let routes: Vec<(&str, f64)> = ["a", "b", "c"].into_iter().map(|name| (name, 1.0)).collect();
    let pool = pool(&routes[..latencies_ms.len()]);
    let mut bench = Bench::new(&LOWEST_LATENCY, &[("latency.strategy", 1.0)], &pool);
    let mut flying: Vec<VecDeque<Request>> = vec![VecDeque::new(); latencies_ms.len()];
    let (mut counts, mut most) = (vec![0.0; latencies_ms.len()], vec![0; latencies_ms.len()]);
    for id in 0..count {
        let now = Time(id * gap_ms * 1_000_000);
        loop {
            let due = |(route, queue): (usize, &VecDeque<Request>)| {
                let end = queue.front()?.arrived + Span::from_millis(latencies_ms[route]);
                (end <= now).then_some((end, route))
            };
            let Some((end, route)) = flying.iter().enumerate().filter_map(due).min() else {
                break;
            };
            let request = flying[route].pop_front().unwrap();
            bench.now = end;
            bench.end(&request, RouteId(route as u32), 0, DONE);
        }
        let request = request(id, now);
        let route = bench.kong.choose(now, &request, &[], 1).unwrap().route.index();
        flying[route].push_back(request);
        counts[route] += 100.0 / count as f64;
        most[route] = most[route].max(flying[route].len());
    }
    (counts, most)
}

#[test]
fn lowest_latency_gives_the_known_shares() {
    for (latencies, known) in [
        (&[20, 40, 80][..], &[98.0, 1.1, 1.0][..]),
        (&[100, 200, 400], &[93.2, 3.4, 3.4]),
        (&[1_000, 2_000, 4_000], &[62.0, 19.0, 19.0]),
        (&[1_000, 10_000], &[77.0, 23.0]),
    ] {
        // Five minutes at 30 a second; the known shares hardly hang on the rate.
        let (found, _) = shares(latencies, 33, 9_090);
        for (found, known) in found.iter().zip(known) {
            assert!((found - known).abs() < 0.5, "{latencies:?}: {found} {known}");
        }
    }
}

#[test]
fn lowest_latency_sends_everything_to_one_target_at_a_time() {
    let (_, most) = shares(&[1_000, 10_000], 100, 20_000);
    assert_eq!(most, [10, 100]);
}

#[test]
fn usage_follows_tokens_or_cost_and_failures_book_nothing() {
    let mut pool = pool(&[("dear", 1.0), ("cheap", 1.0)]);
    for (route, price) in pool.routes.iter_mut().zip([10_000_000_000, 1_000_000_000]) {
        (route.price_prompt, route.price_output) = (price, price);
    }
    let count = |spec: &PolicySpec, name: char| {
        let mut bench = Bench::new(spec, &[], &pool);
        (0..1_100).filter(|&id| bench.run(id, DONE).0.contains(name)).count()
    };
    assert_eq!(count(&LOWEST_USAGE, 'a'), 550);
    assert_eq!(count(&LOWEST_COST, 'a'), 100, "spending is evened out, not prices");
    let mut bench = Bench::new(&LOWEST_USAGE, &[], &pool);
    bench.run(0, DONE);
    assert!((1..50).all(|id| bench.run(id, error(500)) == ("b".to_owned(), 500)));
}

#[test]
fn semantic_requests_wait_for_their_embedding_once_and_stay_in_their_group() {
    let mut pool = pool(&[("big", 0.75), ("small", 0.25), ("rest", 1.0)]);
    pool.routes[0].about = vec![1.0, 0.0];
    pool.routes[1].about = vec![1.0, 0.0];
    pool.topics = vec![vec![1.0, 0.0], vec![0.0, 1.0]];
    let mut bench = Bench::new(&SEMANTIC, &[], &pool);
    let code = request(1, Time::ZERO);
    let first = bench.kong.next(Time::ZERO, &code, &[], 0, 1);
    assert_eq!(first, Step::Wait(Span::from_millis(100)));
    assert_eq!(bench.run_request(&code, Outcome::Unreachable), ("ab".to_owned(), 500));
    let other = Request { topic: 1, ..code };
    assert_eq!(bench.run_request(&other, Outcome::Unreachable), ("c".to_owned(), 500));
    assert_eq!(bench.expected(), [0.5, 0.0, 0.5]);
    bench.kong.set_present(Time::ZERO, RouteId(2), false);
    assert_eq!(bench.run_request(&other, DONE), (String::new(), 500));
}

#[test]
fn workers_know_nothing_of_each_other() {
    let pool = pool(&[("a", 1.0)]);
    let set = [("workers", 4.0), ("retries", 0.0), ("breaker.max_fails", 1.0)];
    let mut bench = Bench::new(&DOCS_TUNED, &set, &pool);
    assert_eq!(bench.run(1, error(500)), ("a".to_owned(), 500));
    assert_eq!(bench.changes(), [(0, Health::Healthy, Health::Failed)]);
    let served = (0..1_000).filter(|&id| bench.run(id, DONE).1 == 200).count();
    assert!((700..800).contains(&served), "{served}");
}

#[test]
fn expected_shares_sum_to_one_and_name_the_next() {
    let pool = pool(&[("a", 0.7), ("b", 0.25), ("c", 0.05)]);
    let bench = |spec| Bench::new(spec, &[("workers", 2.0)], &pool);
    for (near, seen) in [0.7, 0.25, 0.05].into_iter().zip(bench(&DEFAULT).expected()) {
        assert!((near - seen).abs() < 1e-9);
    }
    for spec in [&DOCS_TUNED, &LOWEST_LATENCY, &LOWEST_USAGE, &PRIORITY] {
        assert_eq!(bench(spec).expected(), [1.0, 0.0, 0.0], "{}", spec.name);
    }
    assert!((bench(&CONSISTENT_HASHING).expected().iter().sum::<f64>() - 1.0).abs() < 1e-9);
}

#[test]
fn sums_and_averages_of_use_fade_within_ten_seconds() {
    // a has 200 tokens from the start, b gets 100 at the end: a is less once 200 e^(-t/10) < 100.
    let next = |secs| {
        let pool = pool(&[("a", 1.0), ("b", 1.0)]);
        let mut bench = Bench::new(&LOWEST_USAGE, &[("usage.mode", 1.0)], &pool);
        bench.end(&request(1, Time::ZERO), RouteId(0), 0, DONE);
        bench.at(secs);
        let half = Outcome::Done { prompt_tokens: 50, output_tokens: 50 };
        bench.end(&request(2, Time::ZERO), RouteId(1), 0, half);
        bench.kong.choose(bench.now, &request(3, Time::ZERO), &[], 1).unwrap().route.0
    };
    assert_eq!((next(6.8), next(7.1)), (1, 0));
}

#[test]
fn averages_of_latency_fade_within_ten_seconds() {
    // a took 2 s, b 1 s; later b takes 1 s again, and a is less once its share of 2 has faded below.
    let next = |secs| {
        let pool = pool(&[("a", 1.0), ("b", 1.0)]);
        let mut bench = Bench::new(&LOWEST_LATENCY, &[("latency.strategy", 1.0)], &pool);
        let past = |route, secs| RouteHistory {
            route: RouteId(route),
            rate: 1.0,
            error_rate: 0.0,
            samples: vec![(Span::from_secs(secs), 1, 1)],
        };
        bench.kong.remember(Time::ZERO, Span::from_secs(60), &[past(0, 2), past(1, 1)]);
        bench.at(secs);
        let arrived = bench.now.back(Span::from_secs(1));
        bench.end(&request(2, arrived), RouteId(1), 0, DONE);
        bench.kong.choose(bench.now, &request(3, Time::ZERO), &[], 1).unwrap().route.0
    };
    assert_eq!((next(6.8), next(7.1)), (1, 0));
}

#[test]
fn health_is_told_every_second() {
    let mut bench = Bench::new(&DEFAULT, &[], &three());
    assert_eq!(bench.kong.next_wake(), Some(Time::from_secs(1)));
    bench.at(1.0);
    bench.changes();
    assert_eq!(bench.kong.next_wake(), Some(Time::from_secs(2)));
}

#[test]
fn a_weight_of_one_is_a_hundred_within_the_bounds() {
    let pool = pool(&[("a", 1.0), ("b", 0.0), ("c", 1e9), ("d", f64::NAN), ("e", 0.257)]);
    let bench = Bench::new(&DEFAULT, &[], &pool);
    let mut views = [RouteView::default(); 5];
    bench.kong.show(&mut views);
    assert_eq!(views.map(|view| view.weight), [100.0, 1.0, 65_535.0, 1.0, 26.0]);
}

/// The schema's defaults, in the table's order.
#[test]
fn defaults_are_those_of_the_schema() {
    let values: Vec<f64> = DEFAULT.settings().iter().map(|(_, value)| value).take(17).collect();
    let criteria = [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let rest = [60.0, 0.0, 10.0, 0.0, 10_000.0];
    assert_eq!(values, [&[0.0, 5.0][..], &criteria, &rest].concat());
    assert_eq!(DEFAULT.settings().get("semantic.threshold"), 0.7);
}

#[test]
fn a_breaker_that_opens_and_closes_has_the_wheel_laid_out_anew() {
    let names: Vec<String> = ('a'..='l').map(String::from).collect();
    let routes: Vec<(&str, f64)> = names.iter().map(|name| (&name[..], 1.0)).collect();
    let turn = |trips: bool| {
        let mut bench = Bench::new(&DEFAULT, &[("breaker.max_fails", 1.0)], &pool(&routes));
        if trips {
            bench.end(&request(0, Time::ZERO), RouteId(3), 0, Outcome::Unreachable);
            bench.at(11.0);
            (0..12).for_each(|id| drop(bench.run(id, DONE)));
            assert_eq!(bench.changes().len(), 3);
        }
        (0..12).map(|id| bench.run(id, DONE).0).collect::<String>()
    };
    let untouched = turn(false).repeat(2);
    assert!(!untouched.contains(&turn(true)));
}

#[test]
fn an_error_is_a_sample_only_where_the_request_ended() {
    let pool = pool(&[("a", 1.0), ("b", 1.0)]);
    let set = [("latency.update_on_error", 1.0), ("latency.strategy", 1.0), ("retries", 1.0)];
    let mut bench = Bench::new(&LOWEST_LATENCY, &set, &pool);
    let request = request(1, Time::ZERO);
    bench.at(5.0);
    bench.end(&request, RouteId(1), 0, Outcome::Unreachable);
    bench.end(&request, RouteId(0), 1, Outcome::Unreachable);
    assert_eq!(bench.expected(), [0.0, 1.0]);
}

#[test]
fn whatever_happens_a_choice_is_present_of_the_model_and_not_avoided() {
    let names: Vec<String> = (0..12).map(|n| format!("r{n}")).collect();
    let routes: Vec<(&str, f64)> =
        names.iter().enumerate().map(|(n, name)| (&name[..], (n % 3) as f64)).collect();
    let mut pool = pool(&routes);
    pool.models.extend(["small".to_owned(), "none".to_owned()]);
    for (n, route) in pool.routes.iter_mut().enumerate() {
        route.model = ModelId(u16::from(n >= 8));
        route.about = [vec![], vec![1.0, 0.0], vec![0.0, 1.0]][n % 3].clone();
    }
    pool.topics = vec![vec![1.0, 0.1], vec![0.1, 1.0], vec![0.0, 0.0]];
    let outcomes = [DONE, LIMITED, error(500), Outcome::Unreachable, Outcome::Cancelled];
    let specs = super::super::POLICIES.iter().filter(|spec| spec.name.starts_with("kong-"));
    for (spec, pre) in specs.flat_map(|spec| [(spec, 0.0), (spec, 1.0)]) {
        let set =
            [("breaker.max_fails", 2.0), ("semantic.pick", pre), ("priority.pre_3_14_8", pre)];
        let mut bench = Bench::new(spec, &set, &pool);
        let mut present = [true; 12];
        for id in 0..4_000 {
            let draw =
                |purpose, n| luck::below(luck::mix(luck::mix(id, 3), luck::name(purpose)), n);
            bench.now = Time(id * 50_000_000);
            if draw("flip?", 10) == 0 {
                let route = draw("flip", 12);
                present[route as usize] ^= true;
                bench.kong.set_present(bench.now, RouteId(route), present[route as usize]);
            }
            let (model, topic) = (ModelId(draw("model", 4) as u16), draw("topic", 5) as u16);
            let request = Request { model, topic, ..request(id, bench.now) };
            let avoid: Vec<RouteId> = (0..draw("avoid", 12)).map(RouteId).collect();
            if let Some(attempt) = bench.kong.choose(bench.now, &request, &avoid, id) {
                let route = attempt.route;
                assert!(present[route.index()] && !avoid.contains(&route), "{}", spec.name);
                assert_eq!(pool.routes[route.index()].model, model, "{}", spec.name);
                bench.end(&request, route, 0, outcomes[draw("outcome", 5) as usize]);
            }
            bench.run_request(&request, outcomes[draw("again", 5) as usize]);
            let sum: f64 = bench.expected().iter().sum();
            assert!(sum < 2.000_001, "{}: {sum}", spec.name);
            if id % 20 == 0 {
                bench.changes();
            }
        }
    }
}

/// The fields of the schema, and where it is silent, our choices.
#[test]
fn what_is_not_said_is_as_the_schema_has_it() {
    let shown = |id: &str| {
        let settings = DEFAULT.settings();
        settings.param(id).unwrap().show(settings.get(id))
    };
    for (id, value) in [
        ("latency.strategy", "tpot"),
        ("latency.update_on_error", "false"),
        ("round_robin.skip_tried", "true"),
        ("usage.what", "total_tokens"),
        ("usage.mode", "cumulative"),
    ] {
        assert_eq!(shown(id), value, "{id}");
    }
}
