//! `[gateway]`: the processes that route.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::engine::Span;
use crate::sim::spec::Gateway;

use super::at::At;
use super::error::Problem;
use super::fleet::{FleetFile, NetworkFile, NodesFile, ShareFile, SpreadFile};
use super::unit::{Count, Length};

/// The gateway: what each of its processes is like, and its nodes.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GatewayFile {
    /// The gateway's own work, added to every attempt. Default "11us".
    overhead: Option<Length>,
    /// Attempts that may be in flight at once from one process; a request beyond that is shed with a 503. Default
    /// 1,000,000.
    max_in_flight: Option<Count>,
    /// Its nodes: how many, or groups of them. Default 1.
    nodes: Option<NodesFile>,
    /// Worker processes of each node, each with counters of its own; clients meet them by chance. Default: as the
    /// policy has it, and 1 where it says nothing.
    workers: Option<Count>,
    /// How a balancer in front spreads clients over the nodes. Default "round-robin".
    spread: Option<SpreadFile>,
    /// What nodes (and workers) share. Default: what the policy ships. Without effect on a policy that has nothing to
    /// share.
    share: Option<ShareFile>,
    /// How often a node tells the others; what it learns of held keys and rate limits it tells at once. Default "1s".
    share_every: Option<Length>,
    /// The network between nodes.
    network: Option<NetworkFile>,
}

/// Bifrost, README benchmark table, 2025: 11 µs per request at 5,000 requests per second.
const OVERHEAD: Span = Span(11_000);
/// Our choice: far above what a scenario needs (5,000 rps × 60 s), far below what memory holds.
const MAX_IN_FLIGHT: u32 = 1_000_000;

impl GatewayFile {
    pub(crate) fn gateway(&self) -> Result<Gateway, Problem> {
        let Self { overhead, max_in_flight, nodes, workers, spread, share, share_every, network } =
            self;
        let in_flight = max_in_flight.map_or(u64::from(MAX_IN_FLIGHT), |count| count.0);
        let max_in_flight =
            u32::try_from(in_flight).ok().filter(|&most| most > 0).ok_or_else(|| {
                let at = At::top().key("gateway").key("max_in_flight");
                Problem::new(at, format!("`gateway.max_in_flight` cannot be {in_flight}"))
                    .expected("expected a whole number from 1 to 4_294_967_295, such as 100_000")
            })?;
        let fleet = FleetFile {
            nodes: nodes.as_ref(),
            workers: *workers,
            spread: *spread,
            share: *share,
            share_every: *share_every,
            network: network.as_ref(),
        };
        let overhead = overhead.map_or(OVERHEAD, |length| length.0);
        Ok(Gateway { overhead, max_in_flight, fleet: fleet.fleet()? })
    }
}
