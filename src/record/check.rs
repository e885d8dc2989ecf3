//! `check.json`: what was expected, what a baseline had, and what was found. A part of a check that was
//! divided among machines is the same format.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::claims::{Evidence, Verdict as Holds};
use super::quantity::Quantity;

/// Version of the format. It grows when a field changes its meaning or goes.
pub const CHECK_VERSION: u32 = 1;

/// A check, or a part of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckReport {
    /// Version of this format.
    pub schema_version: u32,
    /// Version of windtunnel that wrote it.
    pub tool_version: String,
    /// What was to be checked.
    pub plan: CheckFacts,
    /// Which part of it this is; absent for all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// The worst verdict of all subjects.
    pub verdict: Verdict,
    /// What the reader should know, such as what could not be compared.
    pub notes: Vec<String>,
    /// Scenario by scenario and policy by policy.
    pub subjects: Vec<Checked>,
}

/// What was to be checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckFacts {
    /// Digest of all that decides the result, in hexadecimal: parts of one check have the same.
    pub digest: String,
    /// Seed of the first replication.
    pub seed: u64,
    /// Replications of the first look.
    pub replications: u32,
    /// Replications of the last look.
    pub replications_max: u32,
    /// Probability that a check says `regression` of anything although nothing is worse, at most.
    pub alpha: f64,
    /// Gates of all scenarios together: the family that `alpha` is shared among.
    pub gates: usize,
    /// Scenarios and policies of all parts together.
    pub subjects: usize,
    /// What gates are compared with; absent if there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
}

/// What gates are compared with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "kind")]
pub enum Reference {
    /// A stored run.
    Baseline {
        /// Its file.
        file: String,
        /// Version of windtunnel that wrote it.
        tool_version: String,
    },
    /// Another policy, run beside.
    Policy {
        /// Which.
        policy: String,
    },
}

/// A part of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// From 1.
    pub index: u32,
    /// How many there are.
    pub of: u32,
}

/// What a check came to; the later, the worse.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing of it could be measured or compared.
    NotApplicable,
    /// As it should be.
    Pass,
    /// Not run, because something failed before.
    NotRun,
    /// Suspicious, and all replications that were allowed do not tell.
    Undecided,
    /// Worse than the reference, beyond what luck does.
    Regression,
    /// An expectation does not hold.
    Failed,
}

/// A scenario under a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Checked {
    /// Its place in the whole check, from 0.
    pub place: usize,
    /// Name of the scenario.
    pub scenario: String,
    /// Its file.
    pub file: String,
    /// Overrides that it was run with.
    pub sets: Vec<String>,
    /// Who routes, with what differs from its preset.
    pub policy: String,
    /// Digest of the scenario's values, in hexadecimal.
    pub scenario_digest: String,
    /// Digest of the events of the first look's replications, in hexadecimal; absent if it was not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The same of what it is compared with; equal digests mean equal behaviour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_digest: Option<String>,
    /// How often it ran, all looks together.
    pub replications: u32,
    /// The worst verdict below.
    pub verdict: Verdict,
    /// Expectations, measured over the first look.
    pub expectations: Vec<Evidence>,
    /// Gates.
    pub gates: Vec<GateResult>,
    /// The command that does it again.
    pub reproduce: String,
}

/// A gate: the mean of a metric against its reference's, pair by pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateResult {
    /// The metric.
    pub metric: String,
    /// Its unit, empty for a pure number.
    pub unit: String,
    /// The fault that it is measured on, where the scenario names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Which way is better: `lower` or `higher`.
    pub better: String,
    /// A worsening of the mean up to this is fine.
    pub slack: f64,
    /// One value a replication.
    pub values: Vec<Quantity>,
    /// The reference's, on the same random numbers.
    pub reference: Vec<Quantity>,
    /// What came of it.
    pub outcome: GateOutcome,
}

/// What came of a gate, computed from its values; all zero before that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateOutcome {
    /// The verdict.
    pub verdict: Verdict,
    /// Replications at which it was reached.
    pub replications: u32,
    /// Pairs with a value on both sides.
    pub pairs: usize,
    /// Mean over the pairs, a time that was not reached counting as the end of the watch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// The reference's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_mean: Option<f64>,
    /// Mean of the paired differences, this less the reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<f64>,
    /// Lower end of its 95 % interval (Student's t), by itself: without correction for the family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// One-sided p-value of "no worse than the slack" by sign flips, by itself.
    pub p: f64,
    /// The same after Holm's correction over all gates of the check.
    pub p_corrected: f64,
    /// What the look may spend of `alpha`: `regression` if the corrected p-value is at most this.
    pub level: f64,
    /// The smallest worsening, slack included, that the check would have found with a probability of about 80 %;
    /// absent where the pairs do not scatter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smallest_effect: Option<f64>,
}

impl CheckReport {
    /// JSON Schema of the format, as it is published.
    pub fn schema() -> String {
        let schema = schemars::schema_for!(Self);
        let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
        text.push('\n');
        text
    }

    /// How many subjects have this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.subjects.iter().filter(|subject| subject.verdict == verdict).count()
    }
}

impl Verdict {
    /// Its words in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotApplicable => "not applicable",
            Self::Pass => "pass",
            Self::NotRun => "not run",
            Self::Undecided => "undecided",
            Self::Regression => "regression",
            Self::Failed => "failed",
        }
    }

    /// Of an expectation.
    pub const fn of(holds: Holds) -> Self {
        match holds {
            Holds::Holds => Self::Pass,
            Holds::Fails | Holds::Contradicted => Self::Failed,
            Holds::Untestable => Self::NotApplicable,
        }
    }

    /// Whether a build should be red.
    pub const fn is_red(self) -> bool {
        matches!(self, Self::Regression | Self::Failed)
    }
}

impl Checked {
    /// Whether it did what its reference did, event by event.
    pub fn is_identical(&self) -> bool {
        self.digest.is_some() && self.digest == self.reference_digest
    }
}

impl GateOutcome {
    /// Of a gate that has not been judged.
    pub const fn none() -> Self {
        Self {
            verdict: Verdict::NotApplicable,
            replications: 0,
            pairs: 0,
            mean: None,
            reference_mean: None,
            difference: None,
            low: None,
            high: None,
            p: 1.0,
            p_corrected: 1.0,
            level: 0.0,
            smallest_effect: None,
        }
    }
}
