//! `made.json`: which command made a folder.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::store::{self, StoreError};

/// Name of the file.
pub const MADE: &str = "made.json";

/// Version of the format. It grows when a field changes its meaning or goes.
pub const MADE_VERSION: u32 = 1;

/// How a folder of results was made. Nothing in it depends on the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// Version of this format.
    pub schema_version: u32,
    /// Version of windtunnel that wrote it.
    pub tool_version: String,
    /// The command that makes the folder again.
    pub command: String,
    /// Digest of the events of all runs, in hexadecimal; empty where there is none.
    pub digest: String,
    /// What the command read.
    pub inputs: Vec<Input>,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The file as the command named it.
    pub file: String,
    /// Digest of its text, in hexadecimal.
    pub digest: String,
}

impl Made {
    /// Of a command, by this version.
    pub fn new(command: String, digest: &str, inputs: Vec<Input>) -> Self {
        Self {
            schema_version: MADE_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            command,
            digest: digest.to_owned(),
            inputs,
        }
    }

    /// Writes it into a folder.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn write(&self, dir: &Path) -> Result<(), StoreError> {
        store::write_whole(&dir.join(MADE), &store::json(self))
    }

    /// That of a folder, if it has one.
    ///
    /// # Errors
    /// [`StoreError`] for one that cannot be read.
    pub fn read(dir: &Path) -> Result<Option<Self>, StoreError> {
        let path = dir.join(MADE);
        if path.exists() { store::read_versioned(&path, MADE_VERSION).map(Some) } else { Ok(None) }
    }
}

impl Input {
    /// A file with this text.
    pub fn of(file: &Path, text: &[u8]) -> Self {
        let name = file.to_string_lossy().replace('\\', "/");
        let digest = crate::engine::luck::name(&String::from_utf8_lossy(text));
        Self { file: name, digest: format!("{digest:016x}") }
    }
}
