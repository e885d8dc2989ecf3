//! `[check]`: how `windtunnel check` runs a scenario.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::At;
use super::error::Problem;

/// How `windtunnel check` runs this scenario.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckFile {
    /// Overrides for a check, as `--set` has them, such as ["rps=500"]: expectations are measured with them.
    #[serde(default)]
    set: Vec<String>,
}

impl CheckFile {
    /// The overrides.
    pub(crate) fn sets(self) -> Result<Vec<String>, Problem> {
        // Whether they fit is found out when they are applied; that they do not change what they stand in is
        // found out here.
        let own = |set: &String| set.trim_start().starts_with("check") || set.starts_with("expect");
        match self.set.iter().position(own) {
            None => Ok(self.set),
            Some(index) => {
                let at = At::top().key("check").key("set").item(index);
                Err(Problem::new(at, "a check cannot change what it checks")
                    .expected("expected a key of the world, such as \"rps=500\""))
            }
        }
    }
}
