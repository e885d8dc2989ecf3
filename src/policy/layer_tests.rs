//! Session affinity around policies of the registry.

use super::super::fixture::{attempt, build, pool, request};
use super::super::{POLICIES, PolicySpec};
use super::*;

const STICKY: (&str, f64) = ("layer.affinity", 1.0);

fn spec(name: &str) -> &'static PolicySpec {
    POLICIES.iter().find(|spec| spec.name == name).expect("it is listed")
}

/// Request `id` of session `id % 20`, and what became of it on the route that it was sent to.
fn ask(policy: &mut dyn Policy, id: u64, answer: impl Fn(RouteId) -> Outcome) -> Attempt {
    let now = Time::from_secs(id);
    let request = Request { id, session: id % 20, arrived: now, ..request(id) };
    let luck = luck::mix(id, 5);
    let sent = attempt(policy.next(now, &request, &[], 0, luck));
    let fact = Sent {
        request: id,
        arrived: now,
        model: request.model,
        route: sent.route,
        at: now,
        tag: sent.tag,
        prompt_tokens: request.prompt_tokens,
        streamed: true,
        heard: false,
        number: 0,
    };
    policy.on_end(now + Span::from_millis(500), &fact, &answer(sent.route));
    sent
}

const DONE: Outcome = Outcome::Done { prompt_tokens: 1_000, output_tokens: 100 };

#[test]
fn a_session_stays_and_sessions_are_spread() {
    for name in ["random", "round-robin", "windtunnel", "least-outstanding", "bifrost-oss"] {
        for common in [0.0, 1.0] {
            let set = [STICKY, ("layer.retry", common)];
            let mut policy = build(spec(name), &pool(&[4, 4]), &set);
            let routes: Vec<RouteId> =
                (0..400).map(|id| ask(&mut *policy, id, |_| DONE).route).collect();
            for (id, route) in routes.iter().enumerate().skip(20) {
                assert_eq!(*route, routes[id % 20], "{name}: request {id}");
            }
            let mut own = routes[..20].to_vec();
            own.sort_unstable();
            own.dedup();
            assert!(own.len() > 3, "{name}: {own:?}");
        }
    }
}

#[test]
fn a_route_that_fails_is_left_and_one_that_the_policy_does_not_want_is_not_asked() {
    let mut policy = build(spec("windtunnel"), &pool(&[4, 4]), &[STICKY]);
    let before: Vec<RouteId> = (0..200).map(|id| ask(&mut *policy, id, |_| DONE).route).collect();
    let bad = before[199];
    // It refuses: whoever meets that once goes elsewhere, and everybody else stays.
    let answer = |route| match route == bad {
        true => Outcome::KeyRefused { class: crate::engine::Refusal::Credential },
        false => DONE,
    };
    let after: Vec<RouteId> = (200..240).map(|id| ask(&mut *policy, id, answer).route).collect();
    for n in 0..20 {
        let (own, first, second) = (before[180 + n], after[n], after[20 + n]);
        if own == bad {
            assert_ne!((first, second), (bad, bad), "session {n}");
        } else {
            assert_eq!((first, second), (own, own), "session {n}");
        }
    }
    // It is taken out: nobody is sent there, and nobody has to fail to find out.
    let gone = after[39];
    policy.set_present(Time::from_secs(240), gone, false);
    for id in 240..280 {
        assert_ne!(ask(&mut *policy, id, answer).route, gone);
    }
}

#[test]
fn a_session_never_goes_where_its_request_may_not() {
    let mut pool = pool(&[4]);
    pool.sets = vec![vec![RouteId(0), RouteId(1)], vec![RouteId(2)]].into();
    let mut policy = build(spec("random"), &pool, &[STICKY]);
    for id in 0..300u64 {
        let set = SetId(id as u32 % 3);
        let now = Time::from_secs(id);
        let request = Request { id, session: 1, set, ..request(id) };
        let sent = attempt(policy.next(now, &request, &[], 0, luck::mix(id, 5)));
        assert!(set.index().is_none_or(|set| pool.sets[set].contains(&sent.route)), "{set:?}");
    }
}
