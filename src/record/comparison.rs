//! `comparison.json`: many policies on the same random numbers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quantity::{Measured, Quantity};

/// Version of the format. It grows when a field changes its meaning or goes.
pub const COMPARISON_VERSION: u32 = 1;

/// A comparison of policies over scenarios, under one or two layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Version of this format.
    pub schema_version: u32,
    /// Version of windtunnel that wrote it.
    pub tool_version: String,
    /// Seed of the first replication.
    pub seed: u64,
    /// Replications of each scenario under each policy.
    pub replications: u32,
    /// Digest of the events of all runs, in hexadecimal.
    pub digest: String,
    /// What to beware of in these numbers.
    pub warnings: Vec<String>,
    /// Who was compared, in the order of the registry.
    pub policies: Vec<Entrant>,
    /// The metrics of each cell: name, unit, and which way is better.
    pub metrics: Vec<MetricFacts>,
    /// One table a layer.
    pub tables: Vec<Table>,
}

/// A policy as it was compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entrant {
    /// Name, as in the tables.
    pub name: String,
    /// Where it belongs.
    pub family: String,
    /// Product and version that it models.
    pub product: String,
    /// Where its rule is written.
    pub source: String,
    /// How well the model is known to match the product.
    pub fidelity: String,
    /// What it sees: `client`, `reports`, `truth`.
    pub sees: String,
    /// What differs from its preset; empty where nothing does.
    pub changed: String,
}

/// A metric of the cells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricFacts {
    /// Name.
    pub id: String,
    /// Unit, empty for a pure number.
    pub unit: String,
    /// `lower`, `higher` or `neither`.
    pub better: String,
}

/// All scenarios under one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// `shipped`: each policy with its own retries and timeouts. `rule`: all under one common layer.
    pub layer: String,
    /// Over all scenarios, best first.
    pub standings: Vec<Standing>,
    /// Scenario by scenario.
    pub scenarios: Vec<ScenarioTable>,
}

/// One policy over all scenarios of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// Name.
    pub policy: String,
    /// Policies that share a letter cannot be told apart (paired t-tests of the mean regret over scenarios,
    /// Holm over all pairs, family-wise error 5 %).
    pub letters: String,
    /// Mean over scenarios of the regret, in shares of offered requests.
    pub regret: Measured,
    /// The greatest mean regret in a scenario.
    pub regret_worst: f64,
    /// Where that was.
    pub regret_worst_in: String,
    /// Mean over scenarios of its rank by goodput, 1 being best.
    pub rank: f64,
    /// Scenarios in which no policy had a significantly better goodput.
    pub unbeaten: u32,
    /// Mean over scenarios of attempts per request.
    pub amplification: f64,
    /// How far its place hangs on values that are our choice; absent where they were not moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub our_choices: Option<ChoiceRange>,
}

/// A policy's place while its values that are our choice are moved, one at a time. Its own are counted in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChoiceRange {
    /// Values that were tried.
    pub tried: u32,
    /// Best and worst place in the table, 1 being the best of all.
    pub place: [u32; 2],
    /// Least and greatest mean regret, in shares of offered requests.
    pub regret: [f64; 2],
    /// With which value it was least; empty for the policy as it is.
    pub least_with: String,
    /// With which value it was greatest; empty for the policy as it is.
    pub most_with: String,
}

/// All policies in one scenario under one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioTable {
    /// Scenario name.
    pub scenario: String,
    /// Requests offered, all replications.
    pub offered: u64,
    /// No policy can do better than this share of good requests (the fluid bound); absent in closed loops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<f64>,
    /// Replications start their fault this many seconds apart in its phase; absent where it is not drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase_stride_s: Option<f64>,
    /// How long the first fault lasts, in seconds; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault_s: Option<f64>,
    /// Seconds from the onset of the first fault at which the bins of [`Cell::goodput`] begin.
    pub bins_s: Vec<f64>,
    /// The policies, best mean goodput first.
    pub cells: Vec<Cell>,
    /// The runs that are stored with their series; absent where none are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Shown>,
}

/// Runs of one scenario that are stored with their series, all of one replication: the same requests, the
/// same luck, the same phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// Which replication, from 0: that of the median goodput of these policies together.
    pub replication: u32,
    /// Its seed.
    pub seed: u64,
    /// The policies, our own first, then by goodput.
    pub policies: Vec<ShownPolicy>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShownPolicy {
    /// Name, as in the tables.
    pub policy: String,
    /// Name in the registry.
    pub of: String,
    /// What `run` must be told with `--set` to get the same.
    pub sets: Vec<String>,
    /// Digest of the run's events, in hexadecimal.
    pub digest: String,
}

/// A mean over replications with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Mean.
    pub mean: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// One policy in one scenario under one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// Name.
    pub policy: String,
    /// Policies that share a letter cannot be told apart by goodput (paired t-tests, Holm over all pairs of
    /// this scenario, family-wise error 5 %). The oracle has none.
    pub letters: String,
    /// Digest of the events of its replications, in hexadecimal.
    pub digest: String,
    /// Metric by name. Metrics of faults are those of the worst fault of a run.
    pub metrics: BTreeMap<String, Measured>,
    /// Worst replication by metric, for times of recovery.
    pub worst: BTreeMap<String, Worst>,
    /// Good over offered by arrival, in bins around the onset of the first fault, over all replications.
    /// `null` where nothing arrived.
    pub goodput: Vec<Option<f64>>,
    /// The same as a mean over replications; `null` where fewer than two have arrivals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub goodput_spread: Vec<Option<Point>>,
    /// What the oracle made good beyond the policy, in the same bins and over their offered requests, as a mean
    /// of paired differences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regret_spread: Vec<Option<Point>>,
}

/// The worst replication: with drawn phases, the worst phase of the grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Worst {
    /// The value there.
    pub value: Quantity,
    /// Which replication, from 0.
    pub replication: u32,
    /// Onset of its first fault, in seconds.
    pub onset_s: f64,
}

/// A paired difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// Layer.
    pub layer: &'static str,
    /// Scenario, or `all` for the mean over scenarios.
    pub scenario: String,
    /// Metric.
    pub metric: &'static str,
    /// Left policy.
    pub left: String,
    /// Right policy.
    pub right: String,
    /// Mean of left − right.
    pub difference: f64,
    /// Ends of its 95 % interval.
    pub interval: (f64, f64),
    /// p-value, corrected by Holm within its scenario, layer and metric.
    pub p: f64,
    /// Pairs.
    pub n: usize,
}

/// Paired differences as CSV.
pub fn paired_csv(pairs: &[Pair]) -> Vec<u8> {
    let mut text = String::from("layer,scenario,metric,left,right,difference,low,high,p_holm,n\n");
    for pair in pairs {
        let Pair { layer, scenario, metric, left, right, difference, interval, p, n } = pair;
        let (low, high) = interval;
        text.push_str(&format!(
            "{layer},{scenario},{metric},{left},{right},{difference},{low},{high},{p},{n}\n"
        ));
    }
    text.into_bytes()
}

impl Standing {
    /// Its place while values that are our choice are moved, such as `2` or `2–5`; empty where none were.
    pub fn places(&self) -> String {
        self.our_choices.as_ref().map_or(String::new(), |range| match range.place {
            [best, worst] if best == worst => best.to_string(),
            [best, worst] => format!("{best}–{worst}"),
        })
    }
}

impl Table {
    /// Whether values that are our choice were moved.
    pub fn has_choices(&self) -> bool {
        self.standings.iter().any(|standing| standing.our_choices.is_some())
    }

    /// A policy over all scenarios; the oracle has no place.
    pub fn standing(&self, policy: &str) -> Option<&Standing> {
        self.standings.iter().find(|standing| standing.policy == policy)
    }
}

impl Comparison {
    /// JSON Schema of the format, as it is published.
    pub fn schema() -> String {
        let schema = schemars::schema_for!(Self);
        let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
        text.push('\n');
        text
    }

    /// Where the run of a policy is stored with its series.
    pub fn folder(dir: &Path, scenario: &str, policy: &str) -> PathBuf {
        let plain =
            |c: char| if c.is_ascii_alphanumeric() || "-_.=%".contains(c) { c } else { '_' };
        dir.join("series").join(scenario).join(policy.chars().map(plain).collect::<String>())
    }

    /// The table of a layer.
    pub fn table(&self, layer: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.layer == layer)
    }
}
