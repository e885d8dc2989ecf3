//! The same bytes every time, on any number of threads; and the same luck for everybody.

use std::collections::BTreeMap;

use rayon::prelude::*;
use windtunnel::engine::{Outcome, Span, luck};
use windtunnel::metrics::Tape;
use windtunnel::policy::{Request, Step};
use windtunnel::sim::fault::{Effect, Failure, Fault, InFlight};
use windtunnel::sim::plain;
use windtunnel::sim::spec::{Limit, LimitRules, Place, Spec};

use crate::scripted::{Diary, in_turn, listed, random, run, script, send, watch};
use crate::still::fault;

/// A world with a bit of everything: limits, background errors, capacity, two faults, clients that retry.
fn busy() -> Spec {
    let mut spec = plain::world(3, 2, 300.0, 40);
    let error = Failure::Status(503);
    let burst = Effect::Errors { rate: 0.7, error, after: Span::from_millis(80) };
    spec.faults = vec![
        Fault { in_flight: InFlight::Cut, ..fault("burst", &[0, 1], (15, 25), burst) },
        fault("slow", &[2], (10, 30), Effect::Slow { ttft: 2.0, decode: 4.0 }),
    ];
    spec.limits = vec![Limit {
        name: "pool".to_owned(),
        rules: LimitRules::Vertex { pool_load: 0.6 },
        tpm: Some(6_000_000),
        rpm: None,
    }];
    spec.places[4] = Place { limit: Some(0), more: 0, service: 0 };
    spec.places[5] = Place { limit: Some(0), more: 0, service: 0 };
    for provider in &mut spec.providers {
        (provider.error_rate, provider.hang_rate) = (0.01, 0.001);
    }
    let client = &mut spec.classes[0].client;
    (client.gives_up, client.sdk_retries) = (Some(Span::from_secs(30)), 1);
    spec
}

/// Everything on a tape that must be the same.
fn bytes(tape: &Tape) -> String {
    let numbers = (&tape.totals, &tape.arrivals, &tape.routes, &tape.latency_bins, &tape.faults);
    let histograms: Vec<(u64, u64)> = [&tape.latency, &tape.ttft]
        .iter()
        .flat_map(|h| {
            h.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value()))
        })
        .collect();
    let seen = (&tape.views, &tape.transitions, tape.digest, tape.events, tape.in_flight_max);
    format!("{numbers:?} {histograms:?} {seen:?}")
}

#[test]
fn a_run_gives_the_same_tape_twice_and_another_with_another_seed() {
    let spec = busy();
    for policy in ["random", "bifrost-published"] {
        let tape = |seed| run(&spec, listed(policy, &spec), seed);
        let (one, again, other) = (tape(1), tape(1), tape(2));
        assert_eq!(bytes(&one), bytes(&again), "{policy}");
        assert_ne!(one.digest, other.digest, "{policy}");
    }
}

#[test]
fn the_digest_of_a_known_run_is_known() {
    // Changes with every change of what happens in the world; then look at what changed, and why.
    let spec = busy();
    let tape = run(&spec, random(&spec), 1);
    assert_eq!(format!("{:016x}", tape.digest), KNOWN);
    let spec = plain::world(2, 1, 100.0, 20);
    assert_eq!(format!("{:016x}", run(&spec, random(&spec), 7).digest), KNOWN_PLAIN);
}

const KNOWN: &str = "2113b78c9367ab0c";
const KNOWN_PLAIN: &str = "a62bf5c26c3768bd";

#[test]
fn any_number_of_threads_gives_the_same_results_in_the_order_of_the_plan() {
    let spec = busy();
    let plan: Vec<(&str, u64)> =
        (1..=4).flat_map(|seed| [("random", seed), ("bifrost-published", seed)]).collect();
    let results = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let one = |&(policy, seed): &(&str, u64)| bytes(&run(&spec, listed(policy, &spec), seed));
        pool.install(|| plan.par_iter().map(one).collect::<Vec<_>>())
    };
    let (one, two, four) = (results(1), results(2), results(4));
    assert!(one == two && one == four);
    let alone = bytes(&run(&spec, listed(plan[5].0, &spec), plan[5].1));
    assert_eq!(one[5], alone);
}

/// Attempts by (request, route, visit): how long each took and how it ended.
fn luck_of(diary: &Diary) -> BTreeMap<(u64, u32, usize), (Span, Outcome)> {
    let ended = diary.attempts.iter().filter(|e| e.end.is_some());
    ended.map(|e| ((e.request.id, e.route, e.visit), (e.took(), e.outcome()))).collect()
}

fn requests(diary: &Diary, seconds: u64) -> Vec<Request> {
    let within = |r: &&Request| r.arrived.0 < seconds * 1_000_000_000;
    diary.requests.iter().filter(within).copied().collect()
}

/// What both have, which must be `at_least` so much, must be alike.
fn assert_same_luck(one: &Diary, other: &Diary, at_least: usize) {
    let (one, other) = (luck_of(one), luck_of(other));
    let both: Vec<_> = one.iter().filter_map(|(k, v)| Some((k, v, other.get(k)?))).collect();
    assert!(both.len() >= at_least, "{} of {at_least}", both.len());
    for (key, value, same) in both {
        assert_eq!(value, same, "{key:?}");
    }
}

/// A world whose answers depend on luck alone: spread, background errors, faults that last throughout.
fn lucky() -> Spec {
    let mut spec = plain::world(2, 2, 200.0, 30);
    let break_some = Effect::Midstream { rate: 0.1 };
    let stall = Effect::Stall { rate: 0.2, extra: Span::from_secs(2), cancelled: 0.3 };
    spec.faults = vec![
        fault("breaks", &[0, 3], (0, 1_000), break_some),
        fault("stalls", &[1], (0, 1_000), stall),
    ];
    spec.providers[0].error_rate = 0.2;
    spec.providers[1].error_rate = 0.3;
    spec
}

#[test]
fn policies_meet_the_same_requests() {
    let spec = lucky();
    let (_, one) = watch(&spec, random(&spec), 1);
    let (_, other) = watch(&spec, listed("bifrost-published", &spec), 1);
    assert_eq!(requests(&one, 30), requests(&other, 30));
    assert!(one.requests.len() > 5_500);
    assert_same_luck(&one, &other, 1_000);
}

/// Tries routes in an order of its own until an answer, up to six times.
fn stubborn(order: &'static [u32]) -> Box<dyn windtunnel::policy::Policy> {
    script(move |_, request, past, _, _| match past.len() {
        n if n < 6 => send(order[(n + request.id as usize % 2) % order.len()]),
        _ => Step::Stop { status: 500 },
    })
}

#[test]
fn the_nth_visit_to_a_route_is_the_same_event_in_whatever_order_routes_are_tried() {
    let spec = lucky();
    let (_, one) = watch(&spec, stubborn(&[0, 1, 2, 3, 0, 1, 2, 3]), 1);
    let (_, other) = watch(&spec, stubborn(&[3, 3, 0, 0, 1, 1]), 1);
    assert_same_luck(&one, &other, 500);
    let second = luck_of(&one).into_iter().filter(|(key, _)| key.2 > 0).count();
    assert!(second > 0, "no second visits");
    // A second visit is not the first one over again.
    let all = luck_of(&other);
    let differ = |(&(request, route, visit), value): (&(u64, u32, usize), &(Span, Outcome))| {
        visit == 1 && all.get(&(request, route, 0)).is_some_and(|first| first != value)
    };
    assert!(all.iter().filter(|&(key, value)| differ((key, value))).count() > 100);
}

#[test]
fn two_routes_give_one_request_two_lucks() {
    // Keys of the same name at two providers alike.
    let spec = plain::world(2, 1, 200.0, 30);
    let [one, other] = [&[0], &[1]].map(|route| luck_of(&watch(&spec, in_turn(route), 1).1));
    let took = |map: &BTreeMap<(u64, u32, usize), (Span, Outcome)>, request, route| {
        map.get(&(request, route, 0)).map(|end| end.0)
    };
    let pairs: Vec<(Span, Span)> = (one.keys())
        .filter_map(|key| Some((took(&one, key.0, 0)?, took(&other, key.0, 1)?)))
        .collect();
    let alike = pairs.iter().filter(|(one, other)| one == other).count();
    assert!(pairs.len() > 5_500 && alike < 10, "{alike} of {}", pairs.len());
}

#[test]
fn another_key_changes_nothing_for_the_others() {
    let few = lucky();
    let mut more = few.clone();
    // In the middle, so that every later route gets another index.
    let mut route = more.pool.routes[1].clone();
    (route.name, route.key) = ("p0:chat/key-new".to_owned(), "key-new".to_owned());
    more.pool.routes.insert(2, route);
    more.places.insert(2, more.places[1]);
    more.faults[0].routes = vec![0, 4];
    let (_, one) = watch(&few, random(&few), 1);
    let (_, mut other) = watch(&more, random(&more), 1);
    assert_eq!(requests(&one, 30), requests(&other, 30));
    other.attempts.retain(|entry| entry.route != 2);
    for entry in &mut other.attempts {
        entry.route -= u32::from(entry.route > 2);
    }
    assert_same_luck(&one, &other, 1_000);
}

#[test]
fn a_policy_that_draws_more_luck_changes_no_other_draw() {
    let spec = lucky();
    let choose = |word: u64| send(luck::below(word, 4));
    let plain = script(move |_, _, past, _, word| match past.len() {
        0 => choose(word),
        _ => Step::Stop { status: 500 },
    });
    // Waits twice for no time at all, which asks for luck two times more, and picks with the last of it.
    let greedy = script(move |_, _, past, waits, word| match (past.len(), waits) {
        (0, 0 | 1) => Step::Wait(Span::ZERO),
        (0, _) => choose(luck::mix(word, 17)),
        _ => Step::Stop { status: 500 },
    });
    let (_, one) = watch(&spec, plain, 1);
    let (_, other) = watch(&spec, greedy, 1);
    assert_eq!(requests(&one, 30), requests(&other, 30));
    assert_same_luck(&one, &other, 1_000);
}

#[test]
fn each_call_of_a_policy_has_fresh_luck() {
    let spec = lucky();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let words = std::sync::Arc::clone(&seen);
    let policy = script(move |_, _, past, waits, word| {
        words.lock().unwrap().push(word);
        match (past.len(), waits) {
            (0..4, 0) => Step::Wait(Span::from_millis(10)),
            (n @ 0..4, _) => send(n as u32),
            _ => Step::Stop { status: 500 },
        }
    });
    run(&spec, policy, 1);
    let mut words = seen.lock().unwrap().clone();
    let calls = words.len();
    words.sort_unstable();
    words.dedup();
    assert!(calls > 12_000 && words.len() == calls, "{} of {calls}", words.len());
}
