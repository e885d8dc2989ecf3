//! Gateways of several nodes in the tunnel: one node is what it was, many are the same bytes for any number of
//! threads, and what happens to nodes and their network shows.

use windtunnel::engine::{Refusal, Span, Time};
use windtunnel::experiment::{RunPlan, Silent, run};
use windtunnel::metrics::cluster::ClusterTape;
use windtunnel::metrics::{Tape, catalog};
use windtunnel::policy::{Share, registry};
use windtunnel::scenario::{self, Scenario};
use windtunnel::sim::fault::{Effect, Failure};
use windtunnel::sim::fleet::{Fleet, NodeChange, NodeEvent, Partition, Spread};
use windtunnel::sim::spec::{Arrivals, Gaps, Rate, Spec};
use windtunnel::sim::{Replication, World, plain};

use crate::still::fault;

const SECONDS: u64 = 60;

/// Three providers with two keys each, asked 300 times a second through so many nodes.
fn world(nodes: u32, share: Share) -> Spec {
    let mut spec = plain::world(3, 2, 300.0, SECONDS);
    spec.gateway.fleet = Fleet { share: Some(share), ..plain::fleet(nodes) };
    spec.gateway.fleet.network.loss = 0.02;
    spec
}

fn scenario_of(spec: Spec) -> Scenario {
    let text = "rps = 1\nduration = \"1s\"\npolicy = \"bifrost-2026\"\n\
                [provider]\np = { profile = \"openai/gpt-4o\" }\n";
    let mut scenario = scenario::parse("plain", text, std::path::Path::new(""), &[]).unwrap();
    scenario.spec = spec;
    scenario
}

fn tapes(spec: &Spec, policy: &str, seed: u64, replications: u32) -> Vec<Tape> {
    let policy = registry::find(policy).unwrap();
    let settings = policy.settings();
    let scenario = scenario_of(spec.clone());
    let plan = RunPlan { scenario: &scenario, policy, settings: &settings, seed, replications };
    windtunnel::experiment::tapes(&plan, &Silent).unwrap()
}

fn tape(spec: &Spec, policy: &str) -> Tape {
    tapes(spec, policy, 1, 1).remove(0)
}

fn cluster(tape: &Tape) -> &ClusterTape {
    tape.cluster.as_deref().unwrap()
}

fn revoked() -> windtunnel::sim::fault::Fault {
    let error = Failure::Refused(Refusal::Credential);
    fault("revoked", &[0], (10, 50), Effect::Errors { rate: 1.0, error, after: Span::ZERO })
}

#[test]
fn one_node_is_the_world_as_it_was() {
    let spec = plain::world(3, 2, 300.0, 20);
    for name in ["windtunnel", "litellm-simple-shuffle"] {
        let policy = registry::find(name).unwrap();
        let built = policy.make(&policy.settings(), &spec.pool, Time::ZERO, 1).unwrap();
        let alone = World::new(&spec, built, 1, Replication { index: 0, of: 1 }).run().unwrap();
        let one = tape(&spec, name);
        assert_eq!((alone.digest, alone.events), (one.digest, one.events), "{name}");
        assert!(one.cluster.is_none());
    }
}

#[test]
fn many_nodes_are_the_same_bytes_for_any_number_of_threads() {
    let mut spec = world(5, Share::Everything);
    spec.faults = vec![revoked()];
    spec.gateway.fleet.events = vec![
        NodeEvent { at: Time::from_secs(20), node: 1, what: NodeChange::Dies },
        NodeEvent { at: Time::from_secs(22), node: 1, what: NodeChange::Closes },
        NodeEvent {
            at: Time::from_secs(35),
            node: 1,
            what: NodeChange::Starts { with_holds: true },
        },
    ];
    let bytes = |tapes: Vec<Tape>| -> Vec<String> {
        let of = |tape: Tape| format!("{} {:?} {:?}", tape.digest, tape.totals, tape.cluster);
        tapes.into_iter().map(of).collect()
    };
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let one = pool(1).install(|| bytes(tapes(&spec, "bifrost-2026", 3, 3)));
    let three = pool(3).install(|| bytes(tapes(&spec, "bifrost-2026", 3, 3)));
    assert_eq!(one, three);
    assert_ne!(one[0], one[1], "seeds differ");
}

#[test]
fn a_revoked_key_is_known_everywhere_at_once_where_holds_are_shared() {
    let known = |share| {
        let mut spec = world(8, share);
        spec.faults = vec![revoked()];
        let tape = tape(&spec, "bifrost-2026");
        let refused: u64 = tape.routes[0][10..].iter().map(|bin| u64::from(bin.failed)).sum();
        let hold = cluster(&tape).holds[0];
        (refused, hold.last.unwrap().since(hold.first).as_secs_f64())
    };
    let ((alone, apart), (shared, together)) =
        (known(Share::Nothing), known(Share::LimitsInRegion));
    // Each of eight nodes is refused by itself; with holds shared, hardly more than one.
    assert!(alone >= 8 && shared < alone, "{shared} of {alone}");
    assert!(together < 0.8 && together < apart, "{together} s against {apart} s");
}

#[test]
fn a_partition_keeps_news_on_its_side_until_it_heals() {
    let known = |partitions: Vec<Partition>| {
        let mut spec = world(4, Share::LimitsInRegion);
        spec.gateway.fleet.network.partitions = partitions;
        // Clients come to the first node only, so that nobody else finds out by himself.
        for node in &mut spec.gateway.fleet.nodes[1..] {
            node.weight = 1e-9;
        }
        spec.faults = vec![revoked()];
        let tape = tape(&spec, "bifrost-2026");
        cluster(&tape).holds[0].last.map(Time::as_secs_f64)
    };
    let cut = |out, into| {
        let (start, end) = (Time::from_secs(5), Time::from_secs(30));
        vec![Partition { start, end, on: 0b0001, to: 0b1110, out, into }]
    };
    assert!(known(Vec::new()).unwrap() < 12.0);
    let healed = known(cut(true, true)).unwrap();
    assert!((30.0..45.0).contains(&healed), "{healed}");
    let one_way = known(cut(true, false)).unwrap();
    assert!((30.0..45.0).contains(&one_way), "{one_way}");
    assert!(known(cut(false, true)).unwrap() < 12.0, "what it hears does not matter");
}

#[test]
fn a_crash_costs_what_is_under_way_and_a_drained_restart_nothing() {
    let happens = |events: Vec<NodeEvent>| {
        let mut spec = world(3, Share::Nothing);
        spec.gateway.fleet.events = events;
        let tape = tape(&spec, "windtunnel");
        let of_second = |second: usize| f64::from(tape.arrivals[second].good);
        let good: f64 = (30..40).map(of_second).sum::<f64>() / 10.0;
        (tape.totals.offered - tape.totals.good, good)
    };
    let event = |seconds, what| NodeEvent { at: Time::from_secs(seconds), node: 0, what };
    let start = NodeChange::Starts { with_holds: false };
    let (none, _) = happens(Vec::new());
    let crash = vec![event(20, NodeChange::Dies), event(22, NodeChange::Closes), event(50, start)];
    let (crashed, good) = happens(crash);
    // What a third of the clients had under way for some seconds, and asked for two more.
    assert!((crashed - none) > 250 && (crashed - none) < 900, "{crashed} against {none}");
    assert!((good - 300.0).abs() < 25.0, "two nodes carry all: {good}");
    let drain = vec![event(10, NodeChange::Closes), event(40, NodeChange::Dies), event(50, start)];
    let (drained, _) = happens(drain);
    assert!(drained <= none + 5, "{drained} against {none}");
}

#[test]
fn stored_holds_come_back_with_a_node() {
    let refused = |with_holds| {
        let mut spec = world(2, Share::LimitsInRegion);
        // Nobody else is left to tell: the second node has no clients and does not reach the first.
        spec.gateway.fleet.nodes[1].weight = 1e-9;
        spec.gateway.fleet.network.loss = 1.0;
        spec.faults = vec![revoked()];
        let event = |seconds, what| NodeEvent { at: Time::from_secs(seconds), node: 0, what };
        spec.gateway.fleet.events =
            vec![event(32, NodeChange::Dies), event(33, NodeChange::Starts { with_holds })];
        let tape = tape(&spec, "bifrost-2026");
        tape.routes[0][33..36].iter().map(|bin| bin.failed).sum::<u32>()
    };
    let (cold, warm) = (refused(false), refused(true));
    assert!(cold >= 1 && warm == 0, "{cold} and {warm}");
}

#[test]
fn a_fault_seen_from_one_region_spares_the_others() {
    let mut spec = world(4, Share::Nothing);
    let fleet = &mut spec.gateway.fleet;
    fleet.regions = vec!["eu".to_owned(), "us".to_owned()];
    fleet.nodes[2].region = 1;
    fleet.nodes[3].region = 1;
    let error = Failure::Status(503);
    let outage = Effect::Errors { rate: 1.0, error, after: Span::ZERO };
    let mut regional = fault("regional", &[0, 1], (20, 40), outage);
    regional.seen_from = Some(0b01);
    spec.faults = vec![regional];
    let tape = tape(&spec, "random");
    let routes = &tape.routes[0][20..40];
    let (failed, all) =
        routes.iter().fold((0, 0), |(failed, all), bin| (failed + bin.failed, all + bin.attempts));
    let share = f64::from(failed) / f64::from(all);
    assert!((share - 0.5).abs() < 0.06, "{share}");
    // A share of the traffic of that region only.
    let of = &tape.faults[0];
    let (first, base): (u32, u32) =
        (of.first_per_s[25..35].iter().sum(), of.base_per_s[25..35].iter().sum());
    assert!((f64::from(base) / 1_500.0 - 1.0).abs() < 0.1, "{base}");
    assert!((f64::from(first) / f64::from(base) - 1.0 / 3.0).abs() < 0.04);
}

#[test]
fn workers_are_processes_and_a_policy_that_counts_its_own_is_told_how_many() {
    let mut spec = world(2, Share::Nothing);
    spec.gateway.fleet.workers = Some(3);
    assert_eq!(cluster(&tape(&spec, "bifrost-2026")).processes, 6);
    assert_eq!(cluster(&tape(&spec, "litellm-simple-shuffle")).processes, 2);
}

#[test]
fn sticky_sessions_meet_one_node() {
    let mut spec = world(4, Share::Nothing);
    spec.gateway.fleet.spread = Spread::Sticky;
    spec.classes[0].sessions = 1;
    spec.faults = vec![revoked()];
    // One session, one node: nobody else finds out.
    let tape = tape(&spec, "bifrost-2026");
    assert!(cluster(&tape).holds.iter().all(|hold| hold.last.is_none()));
    assert!(!cluster(&tape).holds.is_empty());
}

#[test]
fn nodes_that_share_counters_see_together_what_none_of_them_sees_and_pay_in_bytes() {
    let of = |share| {
        let mut spec = world(6, share);
        // Each node sees a route 17 times in ten seconds, and needs 20 to judge it.
        spec.classes[0].arrivals =
            Arrivals::Open { gaps: Gaps::Poisson, rate: Rate(vec![(Span::ZERO, 60.0)]) };
        let error = Failure::Status(503);
        let burst = Effect::Errors { rate: 0.4, error, after: Span::ZERO };
        spec.faults = vec![fault("burst", &[0, 1], (15, 55), burst)];
        let tape = tape(&spec, "bifrost-published");
        let value = |id: &str| catalog::find(id).unwrap().values(&tape, &spec.pool)[0];
        let detected = value("time_to_detect").ordered().unwrap();
        (detected, value("gossip_bytes").known())
    };
    let ((alone, silence), (together, bytes)) = (of(Share::Nothing), of(Share::Everything));
    assert!(together < 12.0 && alone > 2.0 * together, "{together} s against {alone} s");
    assert_eq!(silence, None);
    // Six nodes, six routes of about 30 bytes, once a second, to a few others each.
    assert!((2_000.0..200_000.0).contains(&bytes.unwrap()), "{bytes:?}");
}

#[test]
fn metrics_of_clusters_are_undefined_for_one_node() {
    let text = "rps = 20\nduration = \"5s\"\npolicy = \"windtunnel\"\n\
                [provider]\np = { profile = \"openai/gpt-4o\" }\n";
    let scenario = scenario::parse("one", text, std::path::Path::new(""), &[]).unwrap();
    let (policy, settings) = (scenario.policy.spec, scenario.policy.settings.clone());
    let plan =
        RunPlan { scenario: &scenario, policy, settings: &settings, seed: 1, replications: 1 };
    assert!(run(&plan, &Silent).is_ok());
    let tape = windtunnel::experiment::tapes(&plan, &Silent).unwrap().remove(0);
    for id in ["disagreement", "gossip_bytes", "convergence_holds", "duplicated_probes"] {
        let value = catalog::find(id).unwrap().values(&tape, &scenario.spec.pool)[0];
        assert_eq!(value.known(), None, "{id}");
    }
}

#[test]
fn a_node_that_runs_is_not_started_again_by_another_event() {
    let mut spec = world(3, Share::Nothing);
    let event = |secs, what| NodeEvent { at: Time::from_secs(secs), node: 1, what };
    let starts = NodeChange::Starts { with_holds: false };
    spec.gateway.fleet.events = vec![event(10, NodeChange::Dies), event(15, starts)];
    let once = tape(&spec, "bifrost-2026");
    spec.gateway.fleet.events.push(event(25, starts));
    let twice = tape(&spec, "bifrost-2026");
    // What is under way goes on, and the node has room afterwards.
    assert_eq!(once.totals, twice.totals);
}
