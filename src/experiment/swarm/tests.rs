//! Worlds are legal and have everything in them; clean code passes; planted bugs are found.

use rayon::prelude::*;

use super::run::{Finding, first};
use super::*;
use crate::experiment::Silent;
use crate::planted::{Bug, PLANTED};

#[test]
fn every_world_is_a_scenario_and_together_they_have_everything() {
    let count = |seed: u64| {
        let mut coverage = Coverage::none();
        match world(seed) {
            Ok(scenario) => coverage.add(&scenario),
            Err(error) => panic!("world {seed}: {error} {:?}\n{}", error.help(), text(seed)),
        }
        coverage
    };
    let join = |mut all: Coverage, part: Coverage| {
        all.join(&part);
        all
    };
    let coverage = (1..1_001).into_par_iter().map(count).reduce(Coverage::none, join);
    let missing: Vec<String> = coverage
        .missing()
        .map(|row| format!("{} {}: {}", row.kind, row.name, row.worlds))
        .collect();
    assert!(missing.is_empty(), "in less than 2 % of 1,000 worlds: {missing:#?}");
    assert!(coverage.rows.iter().all(|row| row.worlds > 0), "{coverage:#?}");
}

#[test]
fn nothing_is_wrong_in_some_hundred_worlds() {
    let plan = SwarmPlan { seed: 1, worlds: 300, fail_fast: false };
    let report = swarm(&plan, &Silent);
    assert_eq!(report.coverage.worlds, plan.worlds);
    assert!(report.requests > 300 * plan.worlds, "{} requests", report.requests);
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
}

/// The first world of 500 in which this bug is seen.
fn found(bug: Bug) -> Option<Finding> {
    PLANTED.set(Some(bug));
    let found = first(1..501);
    PLANTED.set(None);
    found
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "which checker finds a bug, and where, is what one wants to read"
)]
fn each_planted_bug_is_found_within_500_worlds() {
    let all: Vec<_> = Bug::ALL.into_par_iter().map(|bug| (bug, found(bug))).collect();
    for (bug, found) in &all {
        let found = found.as_ref().map(|found| (found.seed, found.checker, found.what.as_str()));
        println!("{bug:?}: {found:?}");
    }
    let missed: Vec<_> = all.iter().filter(|(_, found)| found.is_none()).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

#[test]
fn any_number_of_threads_makes_the_same_worlds() {
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let plan = SwarmPlan { seed: 5_000, worlds: 24, fail_fast: false };
        pool.install(|| swarm(&plan, &Silent))
    };
    let (one, three) = (with(1), with(3));
    assert_eq!(one.digest, three.digest);
    assert_eq!((one.requests, one.findings), (three.requests, three.findings));
}
