//! One scenario under one policy, once or several times.

use rayon::prelude::*;
use thiserror::Error;

use crate::engine::luck::{mix, name};
use crate::engine::{Settings, Span, Time};
use crate::metrics::Tape;
use crate::policy::{PolicySpec, Pool};
use crate::record::{StoreError, StoredRun, Subject};
use crate::scenario::Scenario;
use crate::sim::fleet::Fleet;
use crate::sim::{Breach, Replication, World};

use super::progress::Progress;

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct RunPlan<'a> {
    /// The world.
    pub scenario: &'a Scenario,
    /// Who routes.
    pub policy: &'static PolicySpec,
    /// With which parameters.
    pub settings: &'a Settings,
    /// Seed of the first replication.
    pub seed: u64,
    /// How often, at least 1.
    pub replications: u32,
}

/// Why a run gave no result.
#[derive(Debug, Error)]
pub enum RunError {
    /// The policy cannot be built: its parameters contradict each other.
    #[error("policy `{policy}`: {why}")]
    Policy {
        /// Its name.
        policy: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A bug in the simulator or in a policy: nothing of this run may be believed.
    #[error("{breach} (replication {replication}, seed {seed})")]
    Broken {
        /// What does not balance.
        breach: Breach,
        /// From 0.
        replication: u32,
        /// Seed of that replication.
        seed: u64,
    },
    /// What is finished could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody stopped it.
    #[error("interrupted")]
    Interrupted,
}

/// Virtual time between two looks at the watcher.
const STRIDE: Span = Span::from_secs(5);

/// The seed of a replication: the plan's own for the first, mixed from it for the others.
pub fn seed_of(seed: u64, replication: u32) -> u64 {
    match replication {
        0 => seed,
        n => mix(mix(seed, name("replication")), u64::from(n)),
    }
}

/// Runs a plan, its replications in parallel, and gives their tapes in order.
///
/// # Errors
/// [`RunError`] of the first replication that failed.
pub fn tapes(plan: &RunPlan<'_>, progress: &dyn Progress) -> Result<Vec<Tape>, RunError> {
    let results: Vec<Result<Tape, RunError>> = (0..plan.replications.max(1))
        .into_par_iter()
        .map(|replication| tape(plan, replication, progress))
        .collect();
    results.into_iter().collect()
}

/// Runs a plan and sums it up.
///
/// # Errors
/// As [`tapes`].
pub fn run(plan: &RunPlan<'_>, progress: &dyn Progress) -> Result<StoredRun, RunError> {
    Ok(stored(plan, plan.seed, &tapes(plan, progress)?))
}

fn stored(plan: &RunPlan<'_>, seed: u64, tapes: &[Tape]) -> StoredRun {
    let policy = described(plan.policy, plan.settings);
    let spec = &plan.scenario.spec;
    let subject = Subject { scenario: &spec.name, policy: &policy, seed, pool: &spec.pool };
    StoredRun::new(tapes, &subject)
}

/// Runs one replication of a plan, from 0, and sums it up.
///
/// # Errors
/// As [`tapes`].
pub fn run_only(
    plan: &RunPlan<'_>,
    index: u32,
    progress: &dyn Progress,
) -> Result<StoredRun, RunError> {
    Ok(stored(plan, seed_of(plan.seed, index), &[tape(plan, index, progress)?]))
}

/// What one replication draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// Its seed.
    pub seed: u64,
    /// Where its fault phases lie.
    pub replication: Replication,
    /// Other luck for the policy's own draws; 0 for its usual.
    pub luck_key: u64,
}

impl Draw {
    /// That of a plan's replication.
    fn of(plan: &RunPlan<'_>, index: u32) -> Self {
        let replication = Replication { index, of: plan.replications.max(1) };
        Self { seed: seed_of(plan.seed, index), replication, luck_key: 0 }
    }
}

/// One replication of a plan.
///
/// # Errors
/// [`RunError`].
pub fn tape(plan: &RunPlan<'_>, index: u32, progress: &dyn Progress) -> Result<Tape, RunError> {
    drawn(plan, Draw::of(plan, index), progress)
}

/// One replication with a draw of its own.
///
/// # Errors
/// [`RunError`].
pub fn drawn(plan: &RunPlan<'_>, draw: Draw, progress: &dyn Progress) -> Result<Tape, RunError> {
    let unfit = |why| RunError::Policy { policy: plan.policy.name, why };
    let mut world = opened(plan, draw)?;
    let Draw { seed, replication, .. } = draw;
    let mut told = Time::ZERO;
    loop {
        let goes_on = world.advance(told + STRIDE);
        if progress.interrupted() {
            return Err(RunError::Interrupted);
        }
        if let Some(why) = world.trouble() {
            return Err(unfit(why));
        }
        if !goes_on {
            break;
        }
        told = world.now();
        progress.simulated(STRIDE);
    }
    let index = replication.index;
    world.finish().map_err(|breach| RunError::Broken { breach, replication: index, seed })
}

/// The world of one replication, at time zero.
///
/// # Errors
/// [`RunError::Policy`].
pub fn world<'a>(plan: &RunPlan<'a>, index: u32) -> Result<World<'a>, RunError> {
    opened(plan, Draw::of(plan, index))
}

fn opened<'a>(plan: &RunPlan<'a>, draw: Draw) -> Result<World<'a>, RunError> {
    let spec = &plan.scenario.spec;
    let Draw { seed, replication, luck_key } = draw;
    let (settings, processes) = as_deployed(plan.policy, plan.settings, &spec.gateway.fleet);
    let rule = plan.policy;
    let make = move |pool: &Pool, now, key| {
        let key = if luck_key == 0 { key } else { mix(key, luck_key) };
        rule.make(&settings, pool, now, key)
    };
    let world = World::of_nodes(spec, Box::new(make), processes, seed, replication)
        .map_err(|why| RunError::Policy { policy: plan.policy.name, why })?;
    Ok(world.with_luck_key(luck_key))
}
/// What a policy is set to on the nodes of a gateway, and how many processes each node has: a policy that
/// counts worker processes itself is told how many they are.
pub(super) fn as_deployed(
    policy: &PolicySpec,
    settings: &Settings,
    fleet: &Fleet,
) -> (Settings, u32) {
    let mut settings = settings.clone();
    let has = |id: &str| policy.params.iter().any(|param| param.id == id);
    if let Some(share) = fleet.share
        && has("share.mode")
    {
        let mode = f64::from(share as u8);
        settings.set("share.mode", mode).expect("its three modes are these");
    }
    match fleet.workers {
        Some(workers) if has("workers") => {
            let workers = f64::from(workers.min(WORKERS_MAX));
            settings.set("workers", workers).expect("no more than the parameter allows");
            (settings, 1)
        }
        workers => (settings, workers.unwrap_or(1)),
    }
}

/// Most worker processes of a policy that counts them itself.
const WORKERS_MAX: u32 = 64;

/// A policy's name, with what differs from its preset.
pub fn described(policy: &PolicySpec, settings: &Settings) -> String {
    let preset = policy.settings();
    let changed: Vec<String> = settings
        .iter()
        .zip(preset.iter())
        .filter(|((_, now), (_, then))| now.to_bits() != then.to_bits())
        .map(|((param, now), _)| format!("{}={}", param.id, param.show(now)))
        .collect();
    if changed.is_empty() {
        policy.name.to_owned()
    } else {
        format!("{} {{ {} }}", policy.name, changed.join(", "))
    }
}
