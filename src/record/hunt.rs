//! `hunt.json`: what hurts a policy most.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metrics::Direction;

use super::quantity::{Measured, Quantity};

/// Version of the format. It grows when a field changes its meaning or goes.
pub const HUNT_VERSION: u32 = 1;

/// What a hunt found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hunt {
    /// Version of this format.
    pub schema_version: u32,
    /// Version of windtunnel that wrote it.
    pub tool_version: String,
    /// Seed of the search and of its runs.
    pub seed: u64,
    /// The scenario whose world it was.
    pub scenario: String,
    /// The policy, with what differs from its preset.
    pub policy: String,
    /// The metric that says what hurting means.
    pub by: String,
    /// Its unit, empty for a pure number.
    pub unit: String,
    /// Schedules tried before shrinking.
    pub schedules: u32,
    /// The worst of every kind of fault, before shrinking, worst first; kinds that did no harm are not here.
    pub kinds: Vec<KindFound>,
    /// What was shrunk, worst first.
    pub found: Vec<Found>,
}

/// The worst of a kind of fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KindFound {
    /// Kind of fault, with how it fails where that is not the usual; `combined` for two faults.
    pub kind: String,
    /// The metric.
    pub worst: Quantity,
    /// The metric if the same begins elsewhere in the minute; as long as before, or until shortly before the end.
    pub phases: Vec<Phase>,
    /// What happens if it lasts five minutes; absent where the policy does not walk into it again and again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns: Option<Returns>,
}

/// A schedule that hurts, as small as it can be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// Its scenario file, beside this one.
    pub file: String,
    /// Its kind of fault, or `combined`.
    pub kind: String,
    /// The metric of the schedule that was found, before shrinking.
    pub searched: Quantity,
    /// The metric of the file.
    pub value: Quantity,
    /// Digest of the file's run, in hexadecimal.
    pub digest: String,
    /// The metric on seeds that the search never saw.
    pub fresh: Measured,
    /// The metric if the same begins elsewhere in the minute.
    pub phases: Vec<Phase>,
    /// What happens if it lasts five minutes; absent where the policy does not walk into it again and again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns: Option<Returns>,
}

/// One start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// Second of the start.
    pub start_s: u32,
    /// The metric then.
    pub value: Quantity,
}

/// Bursts of first attempts into a fault that the policy had left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Returns {
    /// How many.
    pub times: u32,
    /// Median time from one to the next, in seconds.
    pub every_s: f64,
    /// Shortest such time.
    pub least_s: f64,
    /// Longest such time.
    pub most_s: f64,
    /// Median length of one, in seconds.
    pub lasts_s: f64,
}

impl Hunt {
    /// JSON Schema of the format, as it is published.
    pub fn schema() -> String {
        let schema = schemars::schema_for!(Self);
        let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
        text.push('\n');
        text
    }
}

/// The worst and the best phase; `None` where none has a value.
pub fn extremes(phases: &[Phase], better: Direction) -> Option<(&Phase, &Phase)> {
    let harm = |phase: &Phase| {
        let number = match &phase.value {
            Quantity::Number(number) => *number,
            Quantity::Censored(_) => f64::INFINITY,
            Quantity::NotApplicable(_) => return None,
        };
        Some(if better == Direction::Higher { -number } else { number })
    };
    let known = || phases.iter().filter_map(|phase| Some((harm(phase)?, phase)));
    let worst = known().reduce(|a, b| if b.0 > a.0 { b } else { a })?;
    let best = known().reduce(|a, b| if b.0 < a.0 { b } else { a })?;
    Some((worst.1, best.1))
}
