//! A baseline: the gates of an earlier version, value by value, that later ones are compared with.

use std::fs;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::quantity::Quantity;

/// Version of the format. It grows when a field changes its meaning or goes.
pub const BASELINE_VERSION: u32 = 1;

/// A baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Version of this format.
    pub schema_version: u32,
    /// Version of windtunnel that wrote it.
    pub tool_version: String,
    /// Seed of the first replication.
    pub seed: u64,
    /// Replications of the first look.
    pub replications: u32,
    /// Replications in all.
    pub replications_max: u32,
    /// Scenario by scenario and policy by policy.
    pub subjects: Vec<BaselineSubject>,
}

/// A scenario under a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineSubject {
    /// Name of the scenario.
    pub scenario: String,
    /// Digest of the scenario's values, in hexadecimal.
    pub scenario_digest: String,
    /// The values themselves, `path = value`, so that it can be said what is different.
    pub scenario_values: Vec<String>,
    /// Who routes, with what differs from its preset.
    pub policy: String,
    /// Digest of the events of the first look's replications, in hexadecimal.
    pub digest: String,
    /// Its gates.
    pub gates: Vec<BaselineGate>,
}

/// The values of a gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineGate {
    /// The metric.
    pub metric: String,
    /// The fault that it is measured on, where the scenario names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// One value a replication.
    pub values: Vec<Quantity>,
}

/// Why a baseline cannot be used.
#[derive(Debug, Error)]
pub enum BaselineError {
    /// It cannot be read.
    #[error("cannot read the baseline {}: {source}; `--update` writes one", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// It is no baseline.
    #[error("{} is no baseline: {source}; `--update` writes one", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: serde_json::Error,
    },
    /// It is of another version of the format.
    #[error(
        "the baseline {} has schema version {found}, and this program reads version \
         {BASELINE_VERSION}: what its values mean may have changed; `--update` writes it anew",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version, as it says.
        found: String,
    },
}

impl Baseline {
    /// Reads one.
    ///
    /// # Errors
    /// [`BaselineError`].
    pub fn read(path: &Path) -> Result<Self, BaselineError> {
        let failed = |source| BaselineError::Read { path: path.to_owned(), source };
        let bytes = fs::read(path).map_err(failed)?;
        let failed = |source| BaselineError::Json { path: path.to_owned(), source };
        let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(failed)?;
        match value.get("schema_version") {
            Some(found) if *found != BASELINE_VERSION => {
                Err(BaselineError::Version { path: path.to_owned(), found: found.to_string() })
            }
            _ => serde_json::from_slice(&bytes).map_err(failed),
        }
    }

    /// The entry of a scenario under a policy.
    pub fn find(&self, scenario: &str, policy: &str) -> Option<&BaselineSubject> {
        let is_it =
            |subject: &&BaselineSubject| subject.scenario == scenario && subject.policy == policy;
        self.subjects.iter().find(is_it)
    }

    /// As it is written: a line a scenario, so that the file is small and a change is a short diff.
    pub fn to_text(&self) -> String {
        let Self { schema_version, tool_version, seed, replications, replications_max, subjects } =
            self;
        let line = |subject| serde_json::to_string(subject).expect("records are plain data");
        let subjects: Vec<String> = subjects.iter().map(line).collect();
        let tool_version = serde_json::Value::from(tool_version.as_str());
        format!(
            "{{\n\"schema_version\": {schema_version},\n\"tool_version\": {tool_version},\n\
             \"seed\": {seed},\n\"replications\": {replications},\n\
             \"replications_max\": {replications_max},\n\"subjects\": [\n{}\n]\n}}\n",
            subjects.join(",\n")
        )
    }

    /// JSON Schema of the format, as it is published.
    pub fn schema() -> String {
        let schema = schemars::schema_for!(Self);
        let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
        text.push('\n');
        text
    }
}
