//! The JSON Schema of a scenario, from the same types that read it.

use super::file::ScenarioFile;

/// The JSON Schema (draft 2020-12) of a scenario file, for editors and for checks in CI.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(ScenarioFile).to_value()
}
