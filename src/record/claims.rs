//! `claims.json`: what vendors say of their balancers, and what was found.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quantity::Quantity;

/// Version of the format. It grows when a field changes its meaning or goes.
pub const CLAIMS_VERSION: u32 = 1;

/// The claims of vendors, each with its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scorecard {
    /// Version of this format.
    pub schema_version: u32,
    /// Version of windtunnel that wrote it.
    pub tool_version: String,
    /// Seed of the first replication of each scenario.
    pub seed: u64,
    /// The claims, by system and file name.
    pub claims: Vec<ClaimResult>,
}

/// A claim and its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimResult {
    /// Name of its file.
    pub claim: String,
    /// Whose claim it is.
    pub system: String,
    /// What is said, in our words.
    pub says: String,
    /// Where: vendor, page, date.
    pub source: String,
    /// What was found.
    pub verdict: Verdict,
    /// How it was tested.
    pub test: TestFacts,
    /// What was measured; empty for documents.
    pub evidence: Vec<Evidence>,
    /// What to beware of in the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything that the claim leads to expect was measured.
    Holds,
    /// Something was not.
    Fails,
    /// The vendor's own documents say the opposite; counts as failed.
    Contradicted,
    /// Nobody outside can tell, or nothing could be measured.
    Untestable,
}

/// How a claim was tested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "kind")]
pub enum TestFacts {
    /// By running a scenario.
    Scenario {
        /// Who routes, with what differs from its preset.
        policy: String,
        /// The scenario's file, relative to the claim's.
        file: String,
        /// What the claim changes in it.
        sets: Vec<String>,
        /// How often it ran.
        replications: u32,
        /// Digest of the events of all replications, in hexadecimal.
        digest: String,
    },
    /// By the real clock: these figures differ from machine to machine.
    Overhead {
        /// Which engine.
        policy: String,
        /// Over how many routes it decides.
        routes: u32,
        /// Passes, each with a fresh engine.
        passes: u32,
        /// Decisions of a pass, timed one by one.
        decisions: u32,
        /// What may have disturbed them.
        warnings: Vec<String>,
    },
    /// By what the vendor writes elsewhere.
    Documents {
        /// What is written there, in our words, or why it cannot be tested.
        says: String,
        /// Where.
        source: String,
    },
}

/// One figure against its bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The metric.
    pub metric: String,
    /// Its unit, empty for a pure number.
    pub unit: String,
    /// The fault that it is measured on, where the claim names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Summary over replications (of decisions, for overheads): `mean`, `min`, `p50`, `p90`, `p95`, `p99`, `max`.
    pub stat: String,
    /// The figure. A time that a replication did not reach is later than any that was.
    pub value: Quantity,
    /// Lower end of its 95 % interval: Student's t for means, bootstrap (BCa) for quantiles; absent for extremes,
    /// below two values, and where it is without bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Replications (or passes) with a value, those that did not reach it included.
    pub n: usize,
    /// Replications that did not reach it.
    pub censored: usize,
    /// Replications in which the metric has no meaning.
    pub n_a: usize,
    /// Least value that the claim allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Greatest value that it allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// What this figure says of the claim.
    pub verdict: Verdict,
    /// Whether a bound lies within the interval: another seed may tell otherwise.
    pub close: bool,
}

impl Scorecard {
    /// JSON Schema of the format, as it is published.
    pub fn schema() -> String {
        let schema = schemars::schema_for!(Self);
        let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
        text.push('\n');
        text
    }

    /// How many claims have this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.claims.iter().filter(|claim| claim.verdict == verdict).count()
    }
}

impl Verdict {
    /// Its word in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::Contradicted => "contradicted",
            Self::Untestable => "untestable",
        }
    }

    /// Of a claim, from those of its figures: one that fails is enough.
    pub fn of(evidence: &[Evidence]) -> Self {
        let any = |verdict| evidence.iter().any(|figure| figure.verdict == verdict);
        if any(Self::Fails) {
            Self::Fails
        } else if any(Self::Untestable) || evidence.is_empty() {
            Self::Untestable
        } else {
            Self::Holds
        }
    }
}
