//! What the processes of a gateway tell each other of what their tenants have used: each of them everybody else, in
//! turn, over the simulated network.
//!
//! The published gateway sends such things from node to node, apart from the gossip about members (docs.getbifrost.ai,
//! Clustering, 2026); how often is our choice. A message that is lost is made up for by the next.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::luck::{mix, name};
use crate::engine::{Span, Time};
use crate::governance::Usage;
use crate::sim::digest::{Digest, Mark};
use crate::sim::spec::Spec;
use crate::sim::tenancy::Desk;

use super::network::Wire;
use super::node::Node;

const USAGE: u64 = name("usage of tenants");

/// The rounds of all processes; idle where there is one, or each counts for itself.
#[derive(Debug)]
pub(in crate::sim) struct Rounds {
    /// When something happens here next.
    pub(in crate::sim) next: Time,
    parts: Option<Box<Parts>>,
}

#[derive(Debug)]
struct Parts {
    every: Span,
    processes: usize,
    wire: Wire,
    /// In order of time, then of scheduling.
    due: BTreeMap<(Time, u64), Due>,
    scheduled: u64,
}

#[derive(Debug)]
enum Due {
    Turn(usize),
    Arrive { from: usize, to: usize, usage: Arc<Usage> },
}

impl Rounds {
    pub(in crate::sim) fn new(spec: &Spec, processes: usize, seed: u64) -> Self {
        let every = spec.tenancy.as_ref().and_then(|tenancy| tenancy.sync);
        let Some(every) = every.filter(|_| processes > 1) else {
            return Self { next: Time::NEVER, parts: None };
        };
        let fleet = &spec.gateway.fleet;
        let wire = Wire::new(fleet, processes / fleet.nodes.len(), mix(seed, USAGE));
        let mut parts = Parts { every, processes, wire, due: BTreeMap::new(), scheduled: 0 };
        for at in 0..processes {
            let phase = every.times((at + 1) as f64 / processes as f64);
            parts.at(Time::ZERO + phase, Due::Turn(at));
        }
        Self { next: parts.next(), parts: Some(Box::new(parts)) }
    }

    /// What is due now.
    pub(in crate::sim) fn on_time(
        &mut self,
        now: Time,
        nodes: &[Node],
        desk: &mut Desk<'_>,
        digest: &mut Digest,
    ) {
        let Some(parts) = &mut self.parts else { return };
        while let Some(entry) = parts.due.first_entry()
            && entry.key().0 <= now
        {
            match entry.remove() {
                Due::Turn(at) => {
                    if nodes[at].up {
                        parts.tell(now, at, desk);
                    }
                    parts.at(now + parts.every, Due::Turn(at));
                }
                Due::Arrive { from, to, usage } => {
                    digest.add(now, Mark::Gossip, usage.counts.len() as u64, to as u32, 1);
                    if nodes[to].up {
                        desk.hear(now, to, from, &usage);
                    }
                }
            }
        }
        self.next = parts.next();
    }
}

impl Parts {
    fn at(&mut self, at: Time, due: Due) {
        self.due.insert((at, self.scheduled), due);
        self.scheduled += 1;
    }

    fn next(&self) -> Time {
        self.due.first_key_value().map_or(Time::NEVER, |((at, _), _)| *at)
    }

    /// One process tells all others.
    fn tell(&mut self, now: Time, from: usize, desk: &mut Desk<'_>) {
        let usage = Arc::new(desk.tell(now, from));
        for to in (0..self.processes).filter(|to| *to != from) {
            for arrival in self.wire.send(now, from, to).into_iter().flatten() {
                self.at(arrival, Due::Arrive { from, to, usage: Arc::clone(&usage) });
            }
        }
    }
}
