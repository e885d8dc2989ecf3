//! What every policy of the registry keeps: legal choices, the same under the same luck, no starvation,
//! bounded memory, any number of routes, routes that come and go.

use crate::conformance_node::{DONE, Node, badly, mixed, well};
use windtunnel::engine::Span;
use windtunnel::engine::luck::mix;
use windtunnel::policy::{ModelId, POLICIES, PolicySpec, Request, RouteId, SetId};

fn each(test: impl Fn(&'static PolicySpec)) {
    for spec in POLICIES {
        test(spec);
    }
}

/// Rules that send everything to one route on purpose, as long as it works.
const SINGLE: [&str; 4] =
    ["cloudflare-fallback", "cloudflare-fallback-retry", "bedrock-cris", "cost"];

/// Choices are legal, and the same under the same luck.
pub(crate) fn legal(spec: &PolicySpec) {
    let run = || {
        let mut node = Node::new(spec, 6, mixed);
        node.run(4_000, 0);
        node.run(50, 1);
        node.told
    };
    let told = run();
    let sent = told.iter().filter(|(_, route)| *route != u32::MAX).count();
    assert!(sent > 1_000, "{}: only {sent} attempts", spec.name);
    assert!(told == run(), "{}: another run chose otherwise", spec.name);
}

#[test]
fn choices_are_legal_and_the_same_under_the_same_luck() {
    each(legal);
}

/// One route or ten thousand: both work.
pub(crate) fn few_or_many(spec: &PolicySpec) {
    let mut one = Node::new(spec, 1, mixed);
    one.run(300, 0);
    assert!(one.chosen[0] > 0);
    let mut many = Node::new(spec, 10_000, mixed);
    many.run(120, 0);
    let sent: u64 = many.chosen.iter().sum();
    assert!(sent >= 100, "{}: only {sent} of 120 were sent", spec.name);
}

#[test]
fn one_route_or_ten_thousand() {
    each(few_or_many);
}

/// Where all fail it stops, and goes on when they work again.
pub(crate) fn forgives(spec: &PolicySpec) {
    let mut node = Node::new(spec, 3, badly);
    node.run(3_000, 0);
    node.answer = well;
    // Ten quiet minutes pass with a request now and then.
    for _ in 0..60 {
        node.now += Span::from_secs(10);
        node.run(1, 0);
    }
    let before: u64 = node.chosen.iter().sum();
    node.run(200, 0);
    let sent = node.chosen.iter().sum::<u64>() - before;
    assert!(sent >= 190, "{}: only {sent} of 200 are sent", spec.name);
}

#[test]
fn when_all_routes_fail_it_stops_and_when_they_work_again_it_goes_on() {
    each(forgives);
}

/// A removed route is left alone, and found again when it is back.
pub(crate) fn comes_and_goes(spec: &PolicySpec) {
    let mut node = Node::new(spec, 4, well);
    node.run(500, 0);
    for gone in [0, 2] {
        node.present[gone] = false;
        node.policy.set_present(node.now, RouteId(gone as u32), false);
    }
    node.run(500, 0);
    for gone in [1, 3] {
        node.present[gone] = false;
        node.policy.set_present(node.now, RouteId(gone as u32), false);
    }
    node.run(20, 0);
    assert!(node.told.iter().rev().take(10).all(|told| told.1 == u32::MAX), "none is left");
    node.present[2] = true;
    node.policy.set_present(node.now, RouteId(2), true);
    let before = node.chosen[2];
    for _ in 0..30 {
        node.now += Span::from_secs(10);
        node.run(3, 0);
    }
    assert!(node.chosen[2] > before + 30, "{}", spec.name);
}

#[test]
fn a_removed_route_is_left_alone_and_a_new_one_is_found() {
    each(comes_and_goes);
}

#[test]
fn nothing_that_works_is_starved_for_ever() {
    each(|spec| {
        if SINGLE.iter().any(|single| spec.name.contains(single)) {
            return;
        }
        let mut node =
            Node::new(spec, 3, |route, _| if route.0 == 0 { badly(route, 0) } else { DONE });
        node.run(3_000, 0);
        node.answer = well;
        node.run(60_000, 0);
        let least = node.chosen[1..3].iter().min().unwrap();
        assert!(*least > 0, "{}: {:?}", spec.name, node.chosen);
    });
}

#[test]
fn state_stays_finite() {
    each(|spec| {
        let mut node = Node::new(spec, 6, mixed);
        node.run(20_000, 0);
        for view in node.views() {
            let numbers = [view.weight, view.expected];
            assert!(numbers.iter().chain(&view.parts).all(|x| x.is_finite()), "{view:?}");
            assert!((0.0..=1.000_001).contains(&view.expected), "{}: {view:?}", spec.name);
        }
    });
}

/// These collect the routes that a request has tried, when it has failed.
const COLLECTING: [&str; 4] =
    ["windtunnel", "bifrost-published", "bifrost-literal", "bifrost-2026"];

#[test]
fn in_steady_state_no_request_allocates() {
    let counted = allocation_counter::measure(|| drop(std::hint::black_box(vec![1u8; 9])));
    assert_eq!(counted.count_total, 1, "the counter counts");
    each(|spec| {
        let answer = if COLLECTING.contains(&spec.name) { well } else { mixed };
        let mut node = Node::new(spec, 6, answer);
        node.run(20_000, 0);
        node.allocated = 0;
        node.run(5_000, 0);
        assert_eq!(node.allocated, 0, "{}", spec.name);
    });
}

#[test]
fn memory_does_not_grow_with_requests() {
    each(|spec| {
        let mut node = Node::new(spec, 6, mixed);
        node.run(20_000, 0);
        node.told = Vec::with_capacity(200_000);
        let grown = |node: &mut Node| {
            let info = allocation_counter::measure(|| node.run(20_000, 0));
            info.bytes_current
        };
        let bytes = grown(&mut node);
        assert!(bytes < 64 * 1024, "{}: {bytes} bytes more after 20,000 requests", spec.name);
    });
}

/// The rule alone honours what it is to avoid.
pub(crate) fn avoids(spec: &PolicySpec) {
    let mut node = Node::new(spec, 4, well);
    node.run(200, 0);
    let request = Request {
        id: 1,
        arrived: node.now,
        model: ModelId(0),
        class: 0,
        prompt_tokens: 10,
        max_tokens: 10,
        streamed: false,
        session: 5,
        topic: 0,
        set: SetId::ALL,
    };
    let all: Vec<RouteId> = (0..4).map(RouteId).collect();
    for luck in 0..200u64 {
        node.tell();
        let avoid = [RouteId((luck % 4) as u32), RouteId(((luck + 1) % 4) as u32)];
        let luck = mix(luck, 3);
        if let Some(attempt) = node.policy.choose(node.now, &request, &avoid, luck) {
            assert!(!avoid.contains(&attempt.route), "{}", spec.name);
        }
        let none = node.policy.choose(node.now, &request, &all, luck);
        assert!(none.is_none(), "{}: {none:?}", spec.name);
    }
}

#[test]
fn a_request_goes_only_where_it_may_also_when_that_changes_between_its_attempts() {
    each(|spec| {
        let mut node = Node::new(spec, 6, mixed);
        node.confine = |id, tried| SetId(((id + tried as u64) % 5) as u32);
        node.run(6_000, 0);
        // A fifth may go nowhere; of the others, some rules leave routes alone for long after a refusal.
        let sent: u64 = node.chosen.iter().sum();
        assert!(sent > 1_000, "{}: only {sent} attempts", spec.name);
        node.answer = well;
        node.confine = |_, _| SetId(2);
        for _ in 0..40 {
            node.now += Span::from_secs(10);
            node.run(3, 0);
        }
        let before = node.chosen[1];
        node.run(100, 0);
        assert!(node.chosen[1] > before + 90, "{}: {:?}", spec.name, node.chosen);
        node.present[1] = false;
        node.policy.set_present(node.now, RouteId(1), false);
        node.run(20, 0);
        assert!(node.told.iter().rev().take(10).all(|told| told.1 == u32::MAX), "{}", spec.name);
    });
}

/// Session affinity around a policy: choices are legal and the same under the same luck, sessions stay where they are
/// served, and everything is found again after an outage and a removal.
#[test]
fn with_session_affinity_the_contract_holds() {
    const STICKY: [(&str, f64); 1] = [("layer.affinity", 1.0)];
    each(|spec| {
        let run = || {
            let mut node = Node::with(spec, 6, mixed, &STICKY);
            node.confine = |id, tried| SetId(((id + tried as u64) % 3) as u32);
            node.run(1_500, 0);
            node.confine = |_, _| SetId::ALL;
            node.run(30, 1);
            node.told
        };
        assert!(run() == run(), "{}: another run chose otherwise", spec.name);
        let mut node = Node::with(spec, 6, well, &STICKY);
        node.run(400, 0);
        let before = node.told.len();
        node.run(97, 0);
        let (last, now) = (&node.told[before - 97..before], &node.told[before..]);
        let stay = last.iter().zip(now).filter(|(last, now)| last.1 == now.1).count();
        assert!(stay >= 90, "{}: {stay} of 97 sessions stay", spec.name);
        node.answer = badly;
        node.run(300, 0);
        node.answer = well;
        for _ in 0..60 {
            node.now += Span::from_secs(10);
            node.run(1, 0);
        }
        let gone = node.told[node.told.len() - 1].1;
        node.present[gone as usize] = false;
        node.policy.set_present(node.now, RouteId(gone), false);
        let before: u64 = node.chosen.iter().sum();
        node.run(200, 0);
        let sent = node.chosen.iter().sum::<u64>() - before;
        let single = SINGLE.contains(&spec.name);
        assert!(sent >= 190 || single, "{}: only {sent} of 200 are sent", spec.name);
    });
}

#[test]
fn the_rule_alone_honours_what_it_is_to_avoid() {
    each(avoids);
}
