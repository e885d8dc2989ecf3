//! `manifest.json`: how a folder of results is made again.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::store::{StoreError, read_json};

/// Name of the file.
pub const MANIFEST: &str = "manifest.json";
/// Version of the format.
pub const MANIFEST_VERSION: u32 = 1;

/// What a run was made from. It alone is enough to run it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format.
    pub schema_version: u32,
    /// Version of windtunnel that wrote it.
    pub tool_version: String,
    /// Where the scenario was read from; traces are looked for beside it.
    pub scenario: String,
    /// Its text, with every override (the policy among them) in it.
    pub source: String,
    /// Seed of the first replication.
    pub seed: u64,
    /// Number of replications.
    pub replications: u32,
}

impl Manifest {
    /// Reads the manifest of a folder.
    ///
    /// # Errors
    /// [`StoreError::Read`] or [`StoreError::Json`].
    pub fn read(dir: &Path) -> Result<Self, StoreError> {
        read_json(&dir.join(MANIFEST))
    }
}
