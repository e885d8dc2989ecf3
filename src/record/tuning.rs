//! `tuning.json`: a search over the parameters of a policy, its Pareto front, and the proof on what it never saw.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of the format. It grows when a field changes its meaning or goes.
pub const TUNING_VERSION: u32 = 1;

/// A finished search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tuning {
    /// Version of this format.
    pub schema_version: u32,
    /// Version of windtunnel that wrote it.
    pub tool_version: String,
    /// Seed of the search and of its runs.
    pub seed: u64,
    /// The policy that was tuned, with what its start differs from its preset.
    pub policy: String,
    /// The product whose settings were searched; absent where every parameter was open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Scenarios of the search.
    pub scenarios: Vec<String>,
    /// Replications of each of them.
    pub replications: u32,
    /// What was kept away from the search.
    pub held_out: HeldOut,
    /// What was to get better.
    pub objectives: Vec<Objective>,
    /// What was searched.
    pub parameters: Vec<Searched>,
    /// Every candidate in order; number 0 is the start, which is the documented defaults unless told otherwise.
    pub trials: Vec<Trial>,
    /// Number of the candidate that is recommended.
    pub knee: u32,
    /// Why it is that one.
    pub knee_because: String,
    /// The recommended candidate against the start, objective by objective.
    pub proof: Vec<Proof>,
    /// The policy that the recommendation was to be no worse than; absent where that was the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    /// Digest of the events of all runs, in hexadecimal.
    pub digest: String,
    /// What to beware of.
    pub warnings: Vec<String>,
}

/// Scenarios and seeds that the search never saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeldOut {
    /// Their names; those of the search where only seeds are held out.
    pub scenarios: Vec<String>,
    /// Families (kinds of fault) that were kept away; empty where only seeds are.
    pub families: Vec<String>,
    /// Seed of their first replication.
    pub seed: u64,
    /// Replications of each.
    pub replications: u32,
    /// Hash of all of that, scenario texts included, in hexadecimal; written before the first candidate ran.
    pub hash: String,
}

/// An objective.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Objective {
    /// Metric.
    pub id: String,
    /// Unit, empty for a pure number.
    pub unit: String,
    /// `lower` or `higher`.
    pub better: String,
}

/// A parameter that was searched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Searched {
    /// Name.
    pub id: String,
    /// Least value tried, in its unit.
    pub low: String,
    /// Greatest value tried.
    pub high: String,
    /// Value at the start.
    pub start: String,
    /// Value recommended.
    pub recommended: String,
    /// Who says so of the start's value.
    pub source: String,
    /// How the product sets it; absent where no product was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_by: Option<String>,
}

/// A policy that the recommendation was to be no worse than, in any objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The policy.
    pub policy: String,
    /// Its objectives in the search.
    pub objectives: Vec<Option<f64>>,
    /// The recommended candidate against it, objective by objective; its means stand where the start's do.
    pub proof: Vec<Proof>,
}

/// A candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Number, from 0.
    pub number: u32,
    /// Its parameters, in their units.
    pub parameters: BTreeMap<String, String>,
    /// Its objectives, means over scenarios and replications; `null` where no run had a value. Of a candidate
    /// that was stopped early: over the runs it had.
    pub objectives: Vec<Option<f64>>,
    /// Runs that it had.
    pub runs: u32,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// On the Pareto front: none is as good in everything and better in something.
    Front,
    /// Another is at least as good in everything and better in something.
    Dominated,
    /// Stopped early: clearly worse than one of the front in every objective.
    Stopped,
    /// Its parameters contradict each other; nothing was run.
    Refused,
}

/// One objective of the recommended candidate against the start, or the reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Metric.
    pub objective: String,
    /// In the scenarios and seeds of the search, which chose it: too good by that choice.
    pub search: Gain,
    /// In the scenarios and seeds held out.
    pub held_out: Gain,
    /// Gain in the search over gain held out; absent where the latter is 0 or there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search_over_held_out: Option<f64>,
    /// What that says.
    pub verdict: Verdict,
}

/// A paired difference on common random numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gain {
    /// Mean of the start, or of the reference.
    pub start: Option<f64>,
    /// Mean of the candidate.
    pub candidate: Option<f64>,
    /// Mean of candidate − start (or reference), over pairs of runs.
    pub difference: Option<f64>,
    /// Lower end of its 95 % interval, over replications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Pairs of runs that have a value.
    pub pairs: u32,
}

/// What a held-out difference says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The interval is on the better side of 0.
    Better,
    /// The interval includes 0.
    Undecided,
    /// The interval is on the worse side of 0.
    Worse,
    /// All pairs are equal.
    Same,
    /// Nothing to compare.
    Unknown,
}

impl Tuning {
    /// JSON Schema of the format, as it is published.
    pub fn schema() -> String {
        let schema = schemars::schema_for!(Self);
        let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
        text.push('\n');
        text
    }

    /// The candidate of this number.
    pub fn trial(&self, number: u32) -> Option<&Trial> {
        self.trials.iter().find(|trial| trial.number == number)
    }
}
