//! Many policies through the same scenarios, on the same random numbers.

use std::collections::BTreeMap;

use crate::engine::{Settings, Span};
use crate::metrics::{Metric, catalog};
use crate::policy::PolicySpec;
use crate::record::journal::UnitId;
use crate::record::run_row::{RunKey, RunRow};
use crate::scenario::Scenario;
use crate::sim::Replication;

use super::progress::Progress;
use super::run::{RunError, described};
use super::unit::{Keep, Keeper, Unit, Units, complete};

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
    pub(super) fn settings(self, settings: &Settings) -> Settings {
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

    /// The run at a place of the plan.
    fn key(&self, index: usize) -> RunKey {
        let (replications, policies) = (self.replications as usize, self.contenders.len());
        let block = index / replications;
        RunKey {
            scenario: (block / policies / self.layers.len()) as u32,
            layer: (block / policies % self.layers.len()) as u32,
            policy: (block % policies) as u32,
            replication: (index % replications) as u32,
        }
    }

    /// Names of scenario, layer and policy of a run.
    pub fn names(&self, key: &RunKey) -> [String; 3] {
        [
            self.scenarios[key.scenario as usize].spec.name.clone(),
            self.layers[key.layer as usize].name().to_owned(),
            self.contenders[key.policy as usize].label.clone(),
        ]
    }

    /// Gives `with` the unit of a run.
    fn unit<T>(
        &self,
        key: &RunKey,
        metrics: &[&'static Metric],
        with: impl FnOnce(&Unit<'_>) -> T,
    ) -> T {
        let contender = &self.contenders[key.policy as usize];
        let settings = self.layers[key.layer as usize].settings(&contender.settings);
        with(&Unit {
            scenario: &self.scenarios[key.scenario as usize],
            policy: contender.spec,
            settings: &settings,
            seed: self.seed,
            replication: Replication { index: key.replication, of: self.replications },
            // The bound belongs to the world, not to the policy: it is computed once, beside the first of them.
            keep: Keep { metrics, bound: key.policy == 0 && key.layer == 0, curve: true },
        })
    }

    /// The rows of all runs by their place in the plan; `None` if one is missing.
    pub fn table(&self, rows: &BTreeMap<UnitId, RunRow>) -> Option<BTreeMap<RunKey, RunRow>> {
        let keyed = self.keys().into_iter().zip(self.ids());
        keyed.map(|(key, id)| Some((key, rows.get(&id)?.clone()))).collect()
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
    done: BTreeMap<UnitId, RunRow>,
    keep: Keeper<'_>,
    progress: &dyn Progress,
) -> Result<BTreeMap<RunKey, RunRow>, RunError> {
    let all: Vec<usize> = (0..plan.keys().len()).collect();
    let rows = complete(plan, &all, done, keep, progress)?;
    Ok(plan.table(&rows).expect("all of them were run"))
}

impl Units for ComparePlan<'_> {
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method's own lifetime is too short for it"
    )]
    fn ids(&self) -> Vec<UnitId> {
        let metrics = metrics();
        self.keys().iter().map(|key| self.unit(key, &metrics, |unit| unit.id())).collect()
    }

    fn what(&self, index: usize) -> String {
        let key = self.key(index);
        let [scenario, layer, policy] = self.names(&key);
        format!("{scenario} {layer} {policy} {}/{}", key.replication + 1, self.replications)
    }

    fn length(&self, index: usize) -> Span {
        self.scenarios[self.key(index).scenario as usize].spec.horizon
    }

    fn run(&self, index: usize, progress: &dyn Progress) -> Result<RunRow, RunError> {
        self.unit(&self.key(index), &metrics(), |unit| unit.run(progress))
    }
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
