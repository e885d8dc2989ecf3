//! From a seed to what is wrong with its world, and many of them.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use rayon::prelude::*;

use crate::engine::Span;
use crate::experiment::progress::{Progress, Silent};
use crate::experiment::run::{Draw, RunPlan, as_deployed, drawn};
use crate::metrics::Tape;
use crate::policy::Pool;
use crate::scenario::fault::FAULTS;
use crate::scenario::{Scenario, ScenarioError, parse};
use crate::sim::watch::{Fact, Look as Watched};
use crate::sim::{Replication, Watch, World};

use super::checker::CHECKERS;
use super::coverage::Coverage;
use super::draft::Draft;
use super::evidence::{Evidence, Look};
use super::feature::FEATURES;
use super::spy::Log;

/// Which worlds.
#[derive(Clone, Copy, Debug)]
pub struct SwarmPlan {
    /// The seed of the first; the next has the next number.
    pub seed: u64,
    /// How many.
    pub worlds: u64,
    /// Stop soon after the first in which something is wrong.
    pub fail_fast: bool,
}

/// What a swarm found.
#[derive(Clone, Debug)]
pub struct SwarmReport {
    /// What was in the worlds that ran.
    pub coverage: Coverage,
    /// What is wrong, by seed.
    pub findings: Vec<Finding>,
    /// Requests over all worlds.
    pub requests: u64,
    /// Sum of the digests of all runs in which nothing is wrong: the same for any number of threads.
    pub digest: u64,
    /// Somebody stopped it.
    pub interrupted: bool,
}

/// Something that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The world.
    pub seed: u64,
    /// Which checker found it.
    pub checker: &'static str,
    /// What is wrong.
    pub what: String,
}

thread_local! {
    static CURRENT: Cell<Option<u64>> = const { Cell::new(None) };
}

/// The world that this thread is in: for whoever reports a panic.
pub fn current() -> Option<u64> {
    CURRENT.get()
}

/// The text of a world: an ordinary scenario.
pub fn text(seed: u64) -> String {
    let faults: Vec<&'static str> = FAULTS.iter().map(|fault| fault.name).collect();
    let mut draft = Draft::new(seed, &faults);
    for feature in FEATURES {
        feature(&mut draft);
    }
    draft.text()
}

/// A world.
///
/// # Errors
/// If the generator wrote something that is no scenario: a bug in it.
pub fn world(seed: u64) -> Result<Scenario, ScenarioError> {
    parse(&format!("swarm-{seed}.toml"), &text(seed), Path::new(""), &[])
}

/// Runs worlds in parallel and holds them against all checkers.
pub fn swarm(plan: &SwarmPlan, progress: &dyn Progress) -> SwarmReport {
    let found = std::sync::atomic::AtomicBool::new(false);
    let stops = || {
        progress.interrupted()
            || (plan.fail_fast && found.load(std::sync::atomic::Ordering::Relaxed))
    };
    let empty = || SwarmReport {
        coverage: Coverage::none(),
        findings: Vec::new(),
        requests: 0,
        digest: 0,
        interrupted: false,
    };
    let one = |mut report: SwarmReport, n: u64| {
        if stops() {
            return report;
        }
        let seed = plan.seed.wrapping_add(n);
        match examine(seed) {
            Ok(Examined { scenario, tape }) => {
                report.coverage.add(&scenario);
                report.requests += tape.arrived;
                report.digest = report.digest.wrapping_add(tape.digest);
            }
            Err(finding) => {
                found.store(true, std::sync::atomic::Ordering::Relaxed);
                if let Ok(scenario) = world(seed) {
                    report.coverage.add(&scenario);
                }
                report.findings.push(finding);
            }
        }
        // A bar counts virtual seconds; here it counts worlds.
        progress.simulated(Span::from_secs(1));
        report
    };
    let join = |mut all: SwarmReport, part: SwarmReport| {
        all.coverage.join(&part.coverage);
        all.findings.extend(part.findings);
        all.requests += part.requests;
        all.digest = all.digest.wrapping_add(part.digest);
        all
    };
    let mut report = (0..plan.worlds).into_par_iter().fold(empty, one).reduce(empty, join);
    report.findings.sort_by_key(|finding| finding.seed.wrapping_sub(plan.seed));
    report.interrupted = progress.interrupted();
    report
}

/// A world in which nothing is wrong.
struct Examined {
    scenario: Scenario,
    tape: Tape,
}

/// Makes a world, runs it and holds it against all checkers; gives the first thing that is wrong, if anything is.
fn examine(seed: u64) -> Result<Examined, Finding> {
    CURRENT.set(Some(seed));
    let examined = catch_unwind(AssertUnwindSafe(|| checked(seed)));
    CURRENT.set(None);
    let finding = |(checker, what)| Finding { seed, checker, what };
    match examined {
        Ok(result) => result.map_err(finding),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(finding(("panic", text.unwrap_or("a panic without words").to_owned())))
        }
    }
}

type Wrong = (&'static str, String);

fn checked(seed: u64) -> Result<Examined, Wrong> {
    let scenario = world(seed).map_err(|error| {
        let help = error.help().unwrap_or_default().to_owned();
        ("generator", format!("not a scenario: {} {help}", error.message()))
    })?;
    let evidence = evidence(scenario)?;
    for checker in CHECKERS {
        (checker.check)(&evidence).map_err(|what| (checker.name, what))?;
    }
    let Evidence { scenario, tape, .. } = evidence;
    Ok(Examined { scenario, tape })
}

/// How often limits of tenants are looked at.
const STRIDE: Span = Span::from_secs(1);

/// Runs a scenario with everybody watching, and again with nobody.
fn evidence(scenario: Scenario) -> Result<Evidence, Wrong> {
    let (choice, spec) = (&scenario.policy, &scenario.spec);
    let (seed, replication) = (scenario.seed_default, Replication { index: 0, of: 1 });
    let log = Log::default();
    let (settings, workers) = as_deployed(choice.spec, &choice.settings, &spec.gateway.fleet);
    let routes = spec.pool.routes.len();
    let make = |pool: &Pool, now, key| {
        Ok(log.spy(now, choice.spec.make(&settings, pool, now, key)?, routes))
    };
    let mut world = World::of_nodes(spec, Box::new(make), workers, seed, replication)
        .map_err(|why| ("generator", format!("no policy: {why}")))?;
    let processes = log.made();
    world.follow(Watch::new(Watched::Lives(0..u64::MAX)));
    let mut looks = Vec::new();
    loop {
        let next = world.now() + STRIDE;
        let goes_on = world.advance(next);
        let facts = world.watch().map_or(0, |watch| watch.facts.len());
        if let Some((readings, open)) = world.standing() {
            looks.push(Look { at: world.now(), facts, readings, open });
        }
        if !goes_on {
            break;
        }
    }
    let facts = world.unfollow().map(|watch| watch.facts).unwrap_or_default();
    let mut keys = BTreeMap::new();
    for (_, fact) in &facts {
        if let Fact::Arrived { request, .. } = fact
            && let Some(key) = world.key_of(request)
        {
            keys.insert(request.id, key);
        }
    }
    // What cannot be in a single life is said first: it says more than that the books do not balance.
    let lives = Evidence::lives(&facts).map_err(|what| ("lives", what))?;
    let tape = world.finish().map_err(|breach| ("books", breach.what))?;
    let plan = RunPlan {
        scenario: &scenario,
        policy: choice.spec,
        settings: &choice.settings,
        seed,
        replications: 1,
    };
    let draw = Draw { seed, replication, luck_key: 0 };
    let again = drawn(&plan, draw, &Silent).map_err(|error| ("same", error.to_string()))?;
    let notes = log.notes();
    Ok(Evidence { scenario, processes, facts, notes, looks, keys, tape, again, lives })
}

/// The first world of these in which something is wrong.
#[cfg(test)]
pub(super) fn first(seeds: std::ops::Range<u64>) -> Option<Finding> {
    seeds.into_iter().find_map(|seed| examine(seed).err())
}
