//! What `windtunnel explain` says of one request: how it went, and why.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decision::{Decision, PartsRow};

/// Version of the format.
pub const EXPLAINED_VERSION: u32 = 1;

/// One request of a run, explained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Explained {
    /// Version of this format.
    pub schema_version: u32,
    /// Version of windtunnel that wrote it.
    pub tool_version: String,
    /// Scenario, or the flight record.
    pub scenario: String,
    /// Policy name, with what differs from its preset.
    pub policy: String,
    /// Seed.
    pub seed: u64,
    /// Replication, from 0.
    pub replication: u32,
    /// Set where other thresholds are applied to a record of what happened: it tells what would have been chosen,
    /// not what would have come of it.
    pub counterfactual: bool,
    /// The request.
    pub request: RequestRow,
    /// Faults that were on when it arrived.
    pub faults: Vec<FaultRow>,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// `good`, `late`, `failed`, `shed`; none where it had not ended.
    pub result: Option<String>,
    /// Seconds from arrival to the result.
    pub took_s: Option<f64>,
    /// Changes of health of the routes of its model, up to its arrival, in order.
    pub changes: Vec<ChangeRow>,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestRow {
    /// Its number, from 1, in order of arrival.
    pub number: u64,
    /// When it arrived, in seconds.
    pub at_s: f64,
    /// The model asked for.
    pub model: String,
    /// Client class.
    pub class: Option<String>,
    /// Prompt tokens.
    pub prompt_tokens: u32,
    /// The caller's cap on output tokens.
    pub max_tokens: u32,
    /// Output tokens that its answer has.
    pub output_tokens: Option<u32>,
    /// Whether the answer is streamed.
    pub streamed: Option<bool>,
    /// How long its answer may take.
    pub deadline_s: Option<f64>,
}

/// A fault that is on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultRow {
    /// Its name.
    pub name: String,
    /// Since when.
    pub since_s: f64,
    /// Routes concerned.
    pub routes: Vec<String>,
}

/// A change of health.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRow {
    /// When.
    pub at_s: f64,
    /// Which route.
    pub route: String,
    /// State before.
    pub from: String,
    /// State after.
    pub to: String,
    /// Why.
    pub reason: String,
}

/// One step of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// When, in seconds.
    pub at_s: f64,
    /// `send`, `wait` or `stop`.
    pub does: String,
    /// Where it was sent.
    pub route: Option<String>,
    /// How long it waits.
    pub wait_s: Option<f64>,
    /// What the client was answered.
    pub status: Option<u16>,
    /// Whether the policy sent it there to learn.
    pub explored: bool,
    /// The random word of the step, in hexadecimal.
    pub luck: String,
    /// How the engine decided; empty for policies that cannot say.
    pub decisions: Vec<Decision>,
    /// What the policy showed of the routes of the model.
    pub shown: Vec<Shown>,
    /// Where the oracle would have sent it.
    pub oracle: Option<String>,
    /// How the attempt ended.
    pub outcome: Option<OutcomeRow>,
}

/// A route as the policy showed it, beside how it stood in truth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// Its name.
    pub route: String,
    /// Weight in the policy's own unit.
    pub weight: f64,
    /// State.
    pub state: String,
    /// Probability of a first attempt, where the policy knows it.
    pub probability: f64,
    /// Parts of its score.
    pub parts: PartsRow,
    /// Chance that an attempt is answered, limits apart.
    pub works: f64,
    /// Tokens that its limit would still admit; none where it has no limit.
    pub tokens_left: Option<f64>,
    /// Mean time of an answer to this request there, in seconds.
    pub mean_s: f64,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutcomeRow {
    /// When, in seconds.
    pub at_s: f64,
    /// How long it took.
    pub took_s: f64,
    /// From its start to the first token.
    pub ttft_s: Option<f64>,
    /// In words.
    pub how: String,
    /// HTTP status; 0 without an answer.
    pub status: u16,
}

/// Where two policies part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parting {
    /// Version of this format.
    pub schema_version: u32,
    /// Requests whose first choices were compared.
    pub requests: u64,
    /// Of those, how many differ.
    pub differ: u64,
    /// Number of the first that differs.
    pub first: Option<u64>,
    /// Per bin of arrivals: second at which it begins, requests, those that differ.
    pub over_time: Vec<[f64; 3]>,
    /// That request under the one policy and under the other.
    pub explained: Vec<Explained>,
}

/// What a flight record came to when it was replayed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replayed {
    /// Version of this format.
    pub schema_version: u32,
    /// Version of windtunnel that wrote it.
    pub tool_version: String,
    /// Whether other thresholds were applied than were in force.
    pub counterfactual: bool,
    /// Those thresholds.
    pub thresholds: Vec<String>,
    /// Seconds from the first call to the last.
    pub seconds: f64,
    /// Decisions.
    pub decisions: u64,
    /// Of those, how many give another route than the record says.
    pub differ: u64,
    /// The first that does.
    pub first: Option<Differs>,
    /// Changes of health.
    pub changes: Vec<ChangeRow>,
    /// Whether the record ends within a call.
    pub cut_off: bool,
}

/// A decision that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Differs {
    /// Its number, from 1.
    pub number: u64,
    /// When, in seconds.
    pub at_s: f64,
    /// The route of the record; none where there was none.
    pub recorded: Option<String>,
    /// The route now.
    pub now: Option<String>,
}
