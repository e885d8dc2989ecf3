//! The gateway's nodes as plain data.

use crate::engine::{Span, Time};
use crate::policy::Share;

/// Most processes (nodes × workers) of one gateway: their number has eight bits in a request under way.
pub const PROCESSES_MAX: usize = 256;
/// Most regions that nodes are in: a fault keeps those that it is seen from as bits, and one bit is nobody's.
pub const NODE_REGIONS_MAX: usize = 63;

/// The nodes of a gateway and what is between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Fleet {
    /// At least one.
    pub nodes: Vec<NodeSpec>,
    /// Names of the regions that nodes are in.
    pub regions: Vec<String>,
    /// Worker processes of each node, each with a policy of its own; `None` = as the policy has it.
    pub workers: Option<u32>,
    /// How the front balancer spreads clients.
    pub spread: Spread,
    /// What nodes share, if it is not what the policy ships.
    pub share: Option<Share>,
    /// How often a node tells the others what it knows.
    pub share_every: Span,
    /// What is between nodes.
    pub network: Network,
    /// What happens to nodes, ascending by time.
    pub events: Vec<NodeEvent>,
}

/// The network between nodes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    /// Within a region.
    pub near: Delay,
    /// Between regions.
    pub far: Delay,
    /// Share of messages that get lost, in [0, 1].
    pub loss: f64,
    /// Share of messages that arrive twice, in [0, 1].
    pub duplicate: f64,
    /// When which nodes do not reach each other.
    pub partitions: Vec<Partition>,
}

/// A one-way delay, lognormal.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Delay {
    /// Median.
    pub median: Span,
    /// Standard deviation of the logarithm.
    pub sigma: f64,
}

/// Nodes that do not reach each other for a while. Nodes are bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// From then on.
    pub start: Time,
    /// Until then.
    pub end: Time,
    /// One side.
    pub on: u64,
    /// The other side.
    pub to: u64,
    /// Messages from `on` to `to` get lost.
    pub out: bool,
    /// Messages from `to` to `on` get lost.
    pub into: bool,
}

/// One gateway node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeSpec {
    /// Its name.
    pub name: String,
    /// Index into [`Fleet::regions`].
    pub region: u8,
    /// Its part of the traffic, in proportion to the others', > 0.
    pub weight: f64,
}

/// How clients are spread over nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// One after the other, in proportion to their weights.
    RoundRobin,
    /// By session (closed loop: by client); only when its node is gone does a session move.
    Sticky,
}

/// Something happens to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeEvent {
    /// When.
    pub at: Time,
    /// Which node.
    pub node: usize,
    /// What.
    pub what: NodeChange,
}

/// What happens to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeChange {
    /// The front balancer sends nothing there any more.
    Closes,
    /// It is gone, with all that it knew and all that is under way in it.
    Dies,
    /// It starts anew, and the front balancer sends to it.
    Starts {
        /// It begins with the holds that its cluster last stored.
        with_holds: bool,
    },
}

impl Fleet {
    /// One node.
    pub fn single() -> Self {
        Self {
            nodes: vec![NodeSpec { name: "node-1".to_owned(), region: 0, weight: 1.0 }],
            regions: vec![String::new()],
            workers: None,
            spread: Spread::RoundRobin,
            share: None,
            share_every: Span::from_secs(1),
            network: Network::default(),
            events: Vec::new(),
        }
    }

    /// Each node's share of the traffic.
    pub fn shares(&self) -> Vec<f64> {
        let sum: f64 = self.nodes.iter().map(|node| node.weight).sum();
        self.nodes.iter().map(|node| node.weight / sum).collect()
    }
}
