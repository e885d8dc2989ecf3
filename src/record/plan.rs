//! `plan.json`: a campaign, to be run in parts by anybody.
//!
//! It holds all that its units need but traces: a machine that has the same build of windtunnel and this file makes
//! the same list of units from it, and says so if it cannot.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::journal::UnitId;
use crate::engine::luck;

/// Version of the format. It grows when a field changes its meaning or goes.
pub const PLAN_VERSION: u32 = 1;

/// A campaign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Version of this format.
    pub schema_version: u32,
    /// Version of windtunnel that wrote it.
    pub tool_version: String,
    /// Digest of a few seconds under every policy: a build that gives another one computes something else.
    pub probe: String,
    /// What the units are parts of.
    pub work: Work,
    /// The units, in the order of their results.
    pub units: Vec<PlannedUnit>,
}

/// A unit of a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedUnit {
    /// Hash of all that decides its result, in hexadecimal.
    pub id: String,
    /// Which it is, for people.
    pub what: String,
}

/// What the units of a campaign are parts of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Work {
    /// `windtunnel compare`.
    Compare(CompareWork),
    /// `windtunnel sweep`.
    Sweep(SweepWork),
}

/// A file of scenarios or of thresholds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileText {
    /// Where it was: its stem is its name, and a scenario's traces are looked for in its folder.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// What `windtunnel compare` was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareWork {
    /// The command on one machine.
    pub command: String,
    /// The worlds.
    pub scenarios: Vec<FileText>,
    /// Overrides of every scenario.
    pub sets: Vec<String>,
    /// `--policies`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<String>,
    /// `--config`, file by file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub configs: Vec<FileText>,
    /// `--ablate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ablate: Option<String>,
    /// `--our-choices`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub our_choices: bool,
    /// Which layers.
    pub layers: Vec<String>,
    /// Seed of the first replication.
    pub seed: u64,
    /// Replications.
    pub replications: u32,
}

/// What `windtunnel sweep` was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepWork {
    /// The command on one machine.
    pub command: String,
    /// The world.
    pub scenario: FileText,
    /// Overrides of every point.
    pub sets: Vec<String>,
    /// `--vary`, axis by axis.
    pub vary: Vec<String>,
    /// `--metrics`; empty for the usual ones.
    pub metrics: Vec<String>,
    /// `--design`.
    pub design: String,
    /// `--points`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<u32>,
    /// Seed of the first replication, and of the design.
    pub seed: u64,
    /// Replications.
    pub replications: u32,
}

impl Plan {
    /// The JSON Schema of this format.
    pub fn schema() -> String {
        let schema = schemars::schema_for!(Self);
        let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain data");
        text.push('\n');
        text
    }

    /// A hash of the whole plan.
    pub fn digest(&self) -> u64 {
        luck::name(&super::to_json(self))
    }
}

/// A part of a campaign: the `index`-th of `of`, from 1. A unit belongs to one by its id, so that adding units moves
/// none of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 1.
    pub index: u32,
    /// Of how many.
    pub of: u32,
}

/// All units.
pub const WHOLE: Shard = Shard { index: 1, of: 1 };

impl Shard {
    /// Reads `I/N`.
    ///
    /// # Errors
    /// A sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let shard = text.split_once('/').and_then(|(index, of)| {
            Some(Self { index: index.trim().parse().ok()?, of: of.trim().parse().ok()? })
        });
        match shard {
            Some(shard) if shard.index >= 1 && shard.index <= shard.of => Ok(shard),
            Some(shard) => Err(format!(
                "shard {} of {} does not exist: they count from 1",
                shard.index, shard.of
            )),
            None => Err("expected I/N, such as 3/10 for the third of ten".to_owned()),
        }
    }

    /// Whether a unit belongs to it.
    pub const fn has(self, id: UnitId) -> bool {
        id.0 % self.of as u64 == self.index as u64 - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_belongs_to_one_shard() {
        let shards: Vec<Shard> = (1..=7).map(|index| Shard { index, of: 7 }).collect();
        for id in (0..1_000).map(|n| UnitId(luck::mix(1, n))) {
            assert_eq!(shards.iter().filter(|shard| shard.has(id)).count(), 1);
        }
        assert_eq!(Shard::parse("3/10"), Ok(Shard { index: 3, of: 10 }));
        for wrong in ["0/3", "4/3", "1", "a/b", "1/0", "-1/2"] {
            assert!(Shard::parse(wrong).is_err(), "{wrong}");
        }
    }
}
