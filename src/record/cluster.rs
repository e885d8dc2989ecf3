//! What a summary says of a gateway of several processes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quantity::Measured;

/// What is between the processes of a gateway; `docs/metrics.md` defines each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterSummary {
    /// Nodes times the worker processes of each.
    pub processes: u32,
    /// From the first lasting refusal of a key until all know, in seconds.
    pub convergence_holds_s: Measured,
    /// Mean distance between processes.
    pub disagreement: Measured,
    /// Greatest distance between any two.
    pub disagreement_max: Measured,
    /// Gossip packets per second, of all together.
    pub gossip_packets_per_s: Measured,
    /// Bytes in them per second.
    pub gossip_bytes_per_s: Measured,
    /// Attempts at faulted routes that were made to learn.
    pub probes: Measured,
    /// Share of them soon after another process's.
    pub duplicated_probes: Measured,
}
