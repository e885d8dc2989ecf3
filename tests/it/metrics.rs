//! Metrics that need a whole run: what the world and the policy tell the recorder.

use windtunnel::engine::{Span, Time};
use windtunnel::metrics::Tape;
use windtunnel::policy::registry;
use windtunnel::sim::fault::{Effect, Failure, Fault, InFlight, Shape, Start};
use windtunnel::sim::spec::{Limit, LimitRules, Spec};
use windtunnel::sim::{Replication, World, plain};

fn run(spec: &Spec, policy: &str) -> Tape {
    let policy = registry::find(policy).unwrap();
    let policy = policy.make(&policy.settings(), &spec.pool, Time::ZERO, 1).unwrap();
    World::new(spec, policy, 1, Replication { index: 0, of: 1 }).run().unwrap()
}

fn outage(routes: &[u32]) -> Fault {
    Fault {
        name: "outage".to_owned(),
        routes: routes.to_vec(),
        start: Start::At(Time::from_secs(60)),
        lasts: Span::from_secs(30),
        shape: Shape::Block,
        effect: Effect::Errors {
            rate: 1.0,
            error: Failure::Status(503),
            after: Span::from_millis(80),
        },
        in_flight: InFlight::Finish,
        seen_from: None,
    }
}

#[test]
fn the_published_band_explores_a_quarter_where_one_provider_is_outside() {
    let mut spec = plain::world(3, 2, 500.0, 120);
    // A slow provider has a lower weight for good: 25 % of decisions go there.
    spec.providers[0].services[0].latency.ttft = Span::from_secs(4);
    let tape = run(&spec, "bifrost-published");
    let share = tape.totals.explored as f64 / tape.totals.attempts as f64;
    assert!((0.15..0.5).contains(&share), "{share}");
    assert!(tape.totals.explored_bad <= tape.totals.explored);
    assert_eq!(run(&spec, "random").totals.explored, 0);
}

#[test]
fn every_measured_request_has_a_latency_within_its_deadline() {
    let mut spec = plain::world(3, 2, 500.0, 120);
    spec.faults.push(outage(&[0, 1]));
    let tape = run(&spec, "random");
    assert_eq!(tape.latency_all.len(), tape.totals.offered);
    let longest = spec.longest_deadline().0 / 1_000;
    assert!(tape.latency_all.max() <= longest + longest / 500, "three digits");
    assert!(tape.totals.failed > 4_000);
    assert!(tape.latency_all.value_at_quantile(0.99) > tape.latency.value_at_quantile(0.9));
}

#[test]
fn a_limit_charges_what_its_rules_say() {
    let mut spec = plain::world(1, 1, 50.0, 60);
    let (name, rules) = ("p0".to_owned(), LimitRules::OpenAi);
    spec.limits.push(Limit { name, rules, tpm: Some(1_000_000_000), rpm: None });
    spec.places[0].limit = Some(0);
    let charges = run(&spec, "random").charges[0];
    let mean = charges.tokens as f64 / charges.attempts as f64;
    // max(prompt, 1,024): more than either, less than both together.
    assert!((1_300.0..2_000.0).contains(&mean), "{mean}");
}
