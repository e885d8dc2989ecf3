//! Many policies through the same scenarios, on the same random numbers.

use std::collections::BTreeMap;
use std::sync::Mutex;

use rayon::prelude::*;

use crate::engine::luck::{mix, name};
use crate::engine::{Settings, Span, Time};
use crate::metrics::{Metric, Tape, catalog};
use crate::policy::PolicySpec;
use crate::record::journal::{RunKey, RunRow};
use crate::scenario::Scenario;
use crate::sim::{Replication, bound};

use super::measure::worst;
use super::progress::Progress;
use super::run::{RunError, RunPlan, described, seed_of, tape};

/// What around each policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Its own retries and timeouts.
    Shipped,
    /// One common layer: one retry on another route, at most 10 % retries, 60 s in all.
    Rule,
}

impl Layer {
    /// Its word in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shipped => "shipped",
            Self::Rule => "rule",
        }
    }

    /// The settings of a policy under this layer.
    fn settings(self, settings: &Settings) -> Settings {
        let mut settings = settings.clone();
        if self == Self::Rule {
            for (id, value) in [("layer.retry", 1.0), ("layer.retries", 1.0), ("layer.budget", 0.1)]
            {
                settings.set(id, value).expect("the table of layers has it");
            }
        }
        settings
    }
}

/// A policy with its parameters.
#[derive(Clone, Debug)]
pub struct Contender {
    /// Its name in this comparison.
    pub label: String,
    /// The policy.
    pub spec: &'static PolicySpec,
    /// Its parameters.
    pub settings: Settings,
}

/// What to compare.
#[derive(Clone, Copy, Debug)]
pub struct ComparePlan<'a> {
    /// The worlds.
    pub scenarios: &'a [Scenario],
    /// Who routes; the oracle is one of them.
    pub contenders: &'a [Contender],
    /// Under which layers.
    pub layers: &'a [Layer],
    /// Seed of the first replication.
    pub seed: u64,
    /// How often, at least 1.
    pub replications: u32,
}

/// Metrics of a comparison, in the order of their columns.
pub const METRICS: &[&str] = &[
    "slo_attainment",
    "time_to_recover_user",
    "time_to_detect",
    "time_to_drain",
    "leak_ratio",
    "time_to_recover_share",
    "overshoot",
    "flaps",
    "latency_all_p50",
    "latency_all_p99",
    "amplification",
    "rate_limited",
    "wasted_capacity",
    "exploration_cost",
    "cost_per_good",
    "jain",
];

/// The catalogue's entries of [`METRICS`].
pub fn metrics() -> Vec<&'static Metric> {
    METRICS.iter().map(|id| catalog::find(id).expect("the catalogue has it")).collect()
}

/// Bins of the goodput curve: from 30 s before the onset of the first fault to 150 s after it, 5 s each.
pub const BIN_S: u64 = 5;
/// Bins before the onset.
pub const BINS_BEFORE: u64 = 6;
/// Bins from the onset on.
pub const BINS_AFTER: u64 = 30;

impl ComparePlan<'_> {
    /// All runs, in the order of the plan.
    pub fn keys(&self) -> Vec<RunKey> {
        let mut keys = Vec::new();
        for scenario in 0..self.scenarios.len() as u32 {
            for layer in 0..self.layers.len() as u32 {
                for policy in 0..self.contenders.len() as u32 {
                    for replication in 0..self.replications {
                        keys.push(RunKey { scenario, layer, policy, replication });
                    }
                }
            }
        }
        keys
    }

    /// A digest of all that decides the result, this version of the program included.
    pub fn digest(&self) -> u64 {
        let mut digest = name(env!("CARGO_PKG_VERSION"));
        let mut add = |text: &str| digest = mix(digest, name(text));
        for scenario in self.scenarios {
            add(&format!("{:?}", scenario.spec));
        }
        for contender in self.contenders {
            add(&contender.label);
            add(contender.spec.name);
            for (param, value) in contender.settings.iter() {
                add(&format!("{}={:x}", param.id, value.to_bits()));
            }
        }
        add(&format!("{:?} {:?} {} {}", self.layers, METRICS, self.seed, self.replications));
        digest
    }

    /// Virtual time of all runs.
    pub fn virtual_time(&self) -> Span {
        let each =
            (self.contenders.len() * self.layers.len()) as u64 * u64::from(self.replications);
        Span(self.scenarios.iter().map(|scenario| scenario.spec.horizon.0 * each).sum())
    }

    /// Requests of all runs, about; what a closed loop offers is not known before.
    pub fn requests(&self) -> f64 {
        let each =
            (self.contenders.len() * self.layers.len()) as f64 * f64::from(self.replications);
        let of = |scenario: &Scenario| {
            scenario.spec.pool.offered_rps * scenario.spec.horizon.as_secs_f64()
        };
        self.scenarios.iter().map(of).sum::<f64>() * each
    }
}

/// Runs what is missing in `done`, in parallel; each finished run goes to `keep` (in any order), and all come
/// back.
///
/// # Errors
/// A [`RunError`]; what was not begun by then is not run.
pub fn runs(
    plan: &ComparePlan<'_>,
    done: BTreeMap<RunKey, RunRow>,
    keep: &(dyn Fn(&RunKey, &RunRow) + Sync),
    progress: &dyn Progress,
) -> Result<BTreeMap<RunKey, RunRow>, RunError> {
    let mut missing: Vec<RunKey> = plan.keys();
    missing.retain(|key| !done.contains_key(key));
    let all = Mutex::new(done);
    // Small pieces, so that no thread is left with a long tail.
    missing.par_iter().with_max_len(1).try_for_each(|key| {
        let row = one(plan, key, progress)?;
        keep(key, &row);
        all.lock().expect("nobody panics with it").insert(*key, row);
        Ok(())
    })?;
    Ok(all.into_inner().expect("nobody panics with it"))
}

fn one(plan: &ComparePlan<'_>, key: &RunKey, progress: &dyn Progress) -> Result<RunRow, RunError> {
    let scenario = &plan.scenarios[key.scenario as usize];
    let contender = &plan.contenders[key.policy as usize];
    let layer = plan.layers[key.layer as usize];
    let settings = layer.settings(&contender.settings);
    let run = RunPlan {
        scenario,
        policy: contender.spec,
        settings: &settings,
        seed: plan.seed,
        replications: plan.replications,
    };
    let tape = tape(&run, key.replication, progress)?;
    let replication = Replication { index: key.replication, of: plan.replications };
    // The bound belongs to the world, not to the policy: it is computed once, beside the first of them.
    let bound = (key.policy == 0 && key.layer == 0)
        .then(|| bound::good(&scenario.spec, seed_of(plan.seed, key.replication), replication))
        .flatten();
    let pool = &scenario.spec.pool;
    let values = metrics().into_iter().map(|metric| worst(metric, &metric.values(&tape, pool)));
    let onset = tape.faults.iter().map(|fault| fault.start).min();
    Ok(RunRow {
        digest: tape.digest,
        onset_s: onset.map_or(0.0, Time::as_secs_f64),
        offered: tape.totals.offered,
        good: tape.totals.good,
        bound,
        values: values.collect(),
        curve: curve(&tape),
    }
    .rounded())
}

/// (offered, good) by arrival, in bins around the onset of the first fault.
fn curve(tape: &Tape) -> Vec<(u32, u32)> {
    let Some(onset) = tape.faults.iter().map(|fault| fault.start).min() else { return Vec::new() };
    let bin = Span::from_secs(BIN_S).0;
    let mut curve = vec![(0, 0); (BINS_BEFORE + BINS_AFTER) as usize];
    for (index, arrivals) in tape.arrivals.iter().enumerate() {
        let at = index as u64 * tape.bin.0 + BINS_BEFORE * bin;
        let Some(since) = at.checked_sub(onset.0) else { continue };
        if let Some(slot) = curve.get_mut((since / bin) as usize) {
            slot.0 += arrivals.offered;
            slot.1 += arrivals.good;
        }
    }
    curve
}

impl Contender {
    /// A policy at its preset, under its own name.
    pub fn of(spec: &'static PolicySpec) -> Self {
        Self { label: spec.name.to_owned(), spec, settings: spec.settings() }
    }

    /// What differs from its preset, for the record.
    pub fn changed(&self) -> String {
        let text = described(self.spec, &self.settings);
        text.strip_prefix(self.spec.name).unwrap_or_default().trim().to_owned()
    }
}
