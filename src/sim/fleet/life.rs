//! Processes start, die and start again.

use crate::engine::luck::{mix, name};
use crate::engine::{Span, Time};
use crate::metrics::recorder::Verdict;
use crate::policy::{Policy, Pool, RouteHistory, RouteId};
use crate::sim::flight::{Ending, FLYING, NONE, OPEN, STREAMED};
use crate::sim::queue::EventQueue;
use crate::sim::spec::{Act, Spec, What};
use crate::sim::world::World;

use super::node::{BAD_GATEWAY, Gone, Maker, Node};
use super::spec::{NodeChange, NodeEvent};

const PROCESS: u64 = name("gateway process");

/// The processes of all nodes at time zero, with their part of the past.
pub(in crate::sim) fn start(
    spec: &Spec,
    maker: &Maker<'_>,
    processes: u32,
    seed: u64,
) -> Result<Vec<Node>, String> {
    let fleet = &spec.gateway.fleet;
    let past = (spec.history > Span::ZERO).then(|| crate::sim::history::clean_past(spec, seed));
    let of = fleet.nodes.len() * processes as usize;
    let mut nodes = Vec::with_capacity(of);
    for at in 0..of {
        let share = share(spec, at, processes);
        let mut policy = maker(&pool(spec, share), Time::ZERO, key(seed, at))?;
        leave_out(spec, policy.as_mut(), Time::ZERO);
        if let Some(past) = &past {
            let own =
                |route: &RouteHistory| RouteHistory { rate: route.rate * share, ..route.clone() };
            let past: Vec<_> = past.iter().map(own).collect();
            policy.remember(Time::ZERO, spec.history, &past);
        }
        let region = fleet.nodes[at / processes as usize].region;
        nodes.push(Node::new(policy, region, Time::ZERO).out_of_phase(Time::ZERO, at, of));
    }
    Ok(nodes)
}

/// Tells a policy that starts which routes are not there yet: those of keys that will take the place of others.
pub(in crate::sim) fn leave_out(spec: &Spec, policy: &mut dyn Policy, now: Time) {
    for change in &spec.changes {
        if let What::Key { new, .. } = &change.what {
            new.iter().for_each(|&route| policy.set_present(now, RouteId(route), false));
        }
    }
}

/// Tells a policy of a change of its routes.
pub(in crate::sim) fn configure(policy: &mut dyn Policy, now: Time, what: &What) {
    let mut set = |routes: &[u32], present| {
        routes.iter().for_each(|&route| policy.set_present(now, RouteId(route), present));
    };
    match what {
        What::Routes { routes, present } => set(routes, *present),
        What::Key { old, new } => {
            set(new, true);
            set(old, false);
        }
        What::Quota { .. } | What::Limits(_) | What::Reload => {}
    }
}

/// When the next policy wakes.
pub(in crate::sim) fn next_wake(nodes: &[Node]) -> Time {
    nodes.iter().map(|node| node.wake).min().unwrap_or(Time::NEVER)
}

/// A process's share of all traffic.
fn share(spec: &Spec, at: usize, processes: u32) -> f64 {
    spec.gateway.fleet.shares()[at / processes as usize] / f64::from(processes)
}

/// What a process with this share of the traffic is sized for.
fn pool(spec: &Spec, share: f64) -> Pool {
    Pool { offered_rps: spec.pool.offered_rps * share, ..spec.pool.clone() }
}

/// The first process has the seed of the run, as it has where it is the only one.
fn key(seed: u64, at: usize) -> u64 {
    if at == 0 { seed } else { mix(mix(seed, PROCESS), at as u64) }
}

impl<Q: EventQueue> World<'_, Q> {
    /// Something happens to a node: to each of its processes.
    #[cold]
    pub(in crate::sim) fn on_node_event(&mut self, event: NodeEvent) {
        let processes = self.nodes.len() / self.spec.gateway.fleet.nodes.len();
        let own = event.node * processes..(event.node + 1) * processes;
        match event.what {
            NodeChange::Closes => {
                self.front.open(event.node, false);
                for at in own {
                    self.mesh.leaves(self.now, at);
                }
            }
            NodeChange::Dies => {
                for at in own {
                    self.die(at);
                }
            }
            NodeChange::Starts { with_holds } => {
                for at in own {
                    // Where two events overlap it may be running: then it goes on, attempts and all.
                    let anew = !self.nodes[at].up;
                    if anew {
                        self.start(at);
                    }
                    self.mesh.started(self.now, at, &mut self.nodes[at], with_holds && anew);
                }
                self.front.open(event.node, true);
            }
        }
        self.wake = next_wake(&self.nodes);
    }

    /// A process is gone: its attempts are cut off, in slot order, and its clients lose their connections.
    fn die(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        if !node.up {
            return;
        }
        node.policy = Box::new(Gone);
        (node.up, node.wake) = (false, Time::NEVER);
        self.mesh.died(at);
        let hit: Vec<u32> = (self.flights.all().iter().enumerate())
            .filter(|(_, flight)| flight.flags & OPEN != 0 && usize::from(flight.node) == at)
            .map(|(slot, _)| slot as u32)
            .collect();
        for slot in hit {
            let now = self.now;
            let flight = self.flights.get_mut(slot);
            if flight.flags & FLYING == 0 {
                // A client that is about to ask again is led elsewhere; one that waits inside is lost.
                if self.flights.trail(slot).is_some_and(|trail| trail.waits > 0) {
                    self.lost(slot, false);
                }
                continue;
            }
            if planted!(ForgottenOnCrash) && flight.first_us == NONE {
                continue;
            }
            let since = now.since(flight.sent).0 / 1_000;
            let streaming = flight.flags & STREAMED != 0
                && flight.first_us != NONE
                && flight.ending != Ending::RateLimited
                && since >= u64::from(flight.first_us);
            flight.ending = if streaming { Ending::Broken(127) } else { Ending::Cancelled };
            self.attempt_ended(slot);
        }
    }

    /// The process that a request was in is gone: a client that has seen part of the answer has a broken
    /// stream, any other a 502, and may ask again.
    #[cold]
    pub(in crate::sim) fn lost(&mut self, slot: u32, answered: bool) {
        if answered {
            return self.conclude(slot, Verdict::Failed, None);
        }
        self.refused(slot, BAD_GATEWAY, Verdict::Failed);
    }

    /// A process starts knowing nothing but its configuration.
    fn start(&mut self, at: usize) {
        let region = self.nodes[at].region;
        self.nodes[at] = Node::new(self.fresh(at), region, self.now);
    }

    /// A policy for a process that knows nothing but its configuration.
    pub(in crate::sim) fn fresh(&self, at: usize) -> Box<dyn Policy> {
        let maker = self.maker.as_ref().expect("such worlds have a maker");
        let processes = (self.nodes.len() / self.spec.gateway.fleet.nodes.len()) as u32;
        let pool = pool(self.spec, share(self.spec, at, processes));
        // Another key than before: what it draws by itself is new.
        let key = mix(key(self.seed, at), self.now.0);
        let mut policy = maker(&pool, self.now, key).expect("the same settings were good before");
        leave_out(self.spec, policy.as_mut(), self.now);
        for change in self.spec.changes.iter().filter(|change| change.at <= self.now) {
            configure(policy.as_mut(), self.now, &change.what);
        }
        // Values that somebody has set since are part of the configuration by now.
        for command in self.spec.commands.iter().filter(|command| command.at <= self.now) {
            if let Act::Set(values) = &command.act {
                policy.retune(self.now, values);
            }
        }
        policy
    }
}
