//! Digests of twenty virtual seconds of every scenario, under its own policy and under `windtunnel`, and of
//! one scenario under every policy: the same on every machine, build profile and day.
//!
//! After an intended change of the model or of a policy, write them again:
//! `cargo test --test it golden::renew -- --ignored`, and say in the CHANGELOG under MODEL what moved.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use windtunnel::engine::{Span, Time};
use windtunnel::experiment::{RunPlan, Silent, run};
use windtunnel::policy::{POLICIES, registry};
use windtunnel::scenario::{self, Scenario};
use windtunnel::sim::fault::{Shape, Start};

const HORIZON: Span = Span::from_secs(20);
const ONSET: Time = Time::from_secs(5);
const LASTS: Span = Span::from_secs(10);

/// Digests by scenario and policy.
type Digests = BTreeMap<(String, String), String>;

/// Every scenario, cut to the horizon with its faults moved to where they show.
fn variants() -> Vec<Scenario> {
    let entries = fs::read_dir(root().join("scenarios")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    files.sort();
    let load = |path: &PathBuf| {
        let scenario = scenario::load(path, &[]);
        shortened(scenario.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    };
    files.iter().map(load).collect()
}

fn shortened(mut scenario: Scenario) -> Scenario {
    let full = scenario.spec.horizon;
    scenario.spec.horizon = HORIZON;
    for fault in &mut scenario.spec.faults {
        let length = fault.lasts.min(LASTS);
        // Edges keep their part of the fault; flapping keeps its period.
        let shrink = |edge: Span| {
            Span((u128::from(edge.0) * u128::from(length.0) / u128::from(fault.lasts.0)) as u64)
        };
        fault.shape = match fault.shape {
            Shape::Recover { fall } => Shape::Recover { fall: shrink(fall) },
            Shape::Ramp { rise, fall } => Shape::Ramp { rise: shrink(rise), fall: shrink(fall) },
            same @ (Shape::Block | Shape::Flap { .. }) => same,
        };
        fault.lasts = length;
        fault.start = Start::At(ONSET);
    }
    // What happens to nodes happens as much sooner as the run is shorter.
    let sooner = HORIZON.as_secs_f64() / full.as_secs_f64();
    let fleet = &mut scenario.spec.gateway.fleet;
    for event in &mut fleet.events {
        event.at = Time::ZERO + Span(event.at.0).times(sooner);
    }
    for partition in &mut fleet.network.partitions {
        partition.start = Time::ZERO + Span(partition.start.0).times(sooner);
        partition.end = Time::ZERO + Span(partition.end.0).times(sooner);
    }
    scenario
}

fn digests() -> Digests {
    let mut digests = Digests::new();
    let ours = registry::find("windtunnel").unwrap();
    for scenario in variants() {
        let mut policies =
            vec![(scenario.policy.spec, scenario.policy.settings.clone()), (ours, ours.settings())];
        // One world for all the others: enough to notice that a rule has moved.
        if scenario.spec.name == "error-burst" {
            policies.extend(POLICIES.iter().map(|policy| (policy, policy.settings())));
        }
        for (policy, settings) in policies {
            let plan = RunPlan {
                scenario: &scenario,
                policy,
                settings: &settings,
                seed: 1,
                replications: 1,
            };
            let done = run(&plan, &Silent).unwrap_or_else(|error| panic!("{error}"));
            let key = (scenario.spec.name.clone(), policy.name.to_owned());
            digests.insert(key, done.summary.digest);
        }
    }
    digests
}

fn written(digests: &Digests) -> String {
    let head = "# scenario, policy, digest of its first 20 s; see tests/it/golden.rs\n";
    let row = |((scenario, policy), digest): (&(String, String), &String)| {
        format!("{scenario} {policy} {digest}\n")
    };
    std::iter::once(head.to_owned()).chain(digests.iter().map(row)).collect()
}

#[test]
fn every_scenario_has_its_committed_digest() {
    let committed = fs::read_to_string(path()).unwrap_or_default();
    let now = written(&digests());
    let moved: Vec<&str> =
        now.lines().filter(|line| !committed.lines().any(|other| other == *line)).collect();
    let gone: Vec<&str> =
        committed.lines().filter(|line| !now.lines().any(|other| other == *line)).collect();
    assert!(
        moved.is_empty() && gone.is_empty(),
        "digests changed. Every stored result, baseline and report of these scenarios is now of \
         another model:\nnow  {}\nwere {}\nIf nothing was meant to change, this is a bug: look for \
         iteration order, float functions of the platform, or a draw that moved. If it was, write \
         `MODEL:` in the CHANGELOG, saying what moved and why, and run\n\
         cargo test --test it golden::renew -- --ignored",
        moved.join("\n     "),
        gone.join("\n     "),
    );
}

#[test]
#[ignore = "writes tests/golden/; run it when the model is meant to change"]
fn renew() {
    fs::create_dir_all(path().parent().unwrap()).unwrap();
    fs::write(path(), written(&digests())).unwrap();
}

fn path() -> PathBuf {
    root().join("tests/golden/digests.txt")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
