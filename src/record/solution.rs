//! What `solve` answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of the format.
pub const SOLUTION_VERSION: u32 = 1;

/// How much of a key it takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Solution {
    /// Version of this format.
    pub schema_version: u32,
    /// Version of windtunnel that wrote it.
    pub tool_version: String,
    /// The key of the scenario.
    pub key: String,
    /// The metric that must reach the bound.
    pub metric: String,
    /// Whether it must be at least the bound; else at most.
    pub at_least: bool,
    /// The bound, in the metric's unit.
    pub bound: f64,
    /// Seed of the first replication.
    pub seed: u64,
    /// Replications at each value.
    pub replications: u32,
    /// What kind of answer it is.
    pub answer: Answer,
    /// The value of the key nearest to the step at which the condition holds, in the key's unit.
    pub value: Option<String>,
    /// Where the better end of the metric's 95 % interval meets the bound, or its worse end: the lesser value.
    pub low: Option<String>,
    /// The greater value of the two.
    pub high: Option<String>,
    /// All values tried, ascending.
    pub points: Vec<Point>,
    /// What to beware of.
    pub warnings: Vec<String>,
}

/// Kind of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// From this value on it holds.
    AtLeast,
    /// Up to this value it holds.
    AtMost,
    /// It holds from this value on, and not any more at the greatest value tried.
    Between,
    /// It holds at every value tried.
    Everywhere,
    /// It holds at none.
    Nowhere,
}

/// One value tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Value of the key.
    pub value: String,
    /// The metric.
    pub metric: String,
    /// Its mean over replications; times not reached count as the length of the run.
    pub mean: Option<f64>,
    /// Lower end of the mean's 95 % interval.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Replications with a value.
    pub n: u32,
}

impl Solution {
    /// JSON Schema of the format, as it is published.
    pub fn schema() -> String {
        let schema = schemars::schema_for!(Self);
        let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
        text.push('\n');
        text
    }
}
