//! What people do to a gateway while it runs: configuration, thresholds, releases, nodes.

use crate::engine::Time;
use crate::policy::{RouteId, RouteView, Transition};

use super::fault::Active;
use super::fleet;
use super::queue::EventQueue;
use super::spec::{Act, Spec, What};
use super::world::World;

/// Moments at which faults begin or end, or somebody does something, ascending: (moment, which one, begins).
pub(super) fn edges(spec: &Spec, faults: &[Active]) -> Vec<(Time, usize, bool)> {
    let mut edges: Vec<(Time, usize, bool)> = (faults.iter().enumerate())
        .flat_map(|(i, f)| [(f.start, i, true), (f.end, i, false)])
        .collect();
    // An operator's changes come after the faults of the same moment.
    edges
        .extend(spec.changes.iter().enumerate().map(|(i, c)| (c.at, faults.len() + i, c.begins())));
    let others = faults.len() + spec.changes.len();
    edges.extend(spec.commands.iter().enumerate().map(|(i, c)| (c.at, others + i, true)));
    let events = &spec.gateway.fleet.events;
    let others = others + spec.commands.len();
    edges.extend(events.iter().enumerate().map(|(i, event)| (event.at, others + i, true)));
    edges.sort_unstable();
    edges
}

impl<Q: EventQueue> World<'_, Q> {
    /// An operator's change, a command, or what happens to a node, counted on.
    pub(super) fn operate(&mut self, at: Time, index: usize) {
        let (changes, commands) = (&self.spec.changes, &self.spec.commands);
        if let Some(change) = changes.get(index) {
            self.change(at, &change.what);
        } else if let Some(command) = commands.get(index - changes.len()) {
            for node in &mut self.nodes {
                match &command.act {
                    Act::Set(values) => node.policy.retune(at, values),
                    Act::Release(routes) => {
                        let routes: Vec<RouteId> = routes.iter().copied().map(RouteId).collect();
                        node.policy.release(at, &routes);
                    }
                }
            }
        } else {
            let events = &self.spec.gateway.fleet.events;
            self.on_node_event(events[index - changes.len() - commands.len()]);
        }
    }

    fn change(&mut self, at: Time, what: &What) {
        match what {
            What::Routes { .. } | What::Key { .. } => {
                let of = if planted!(RemovedRoute) { 1 } else { self.nodes.len() };
                for node in &mut self.nodes[..of] {
                    fleet::configure(node.policy.as_mut(), at, what);
                }
            }
            What::Quota { routes, factor } => self.stage.set_quota(routes, *factor),
            What::Limits(limits) => {
                if let Some(desk) = &mut self.desk {
                    desk.set_limits(limits);
                }
            }
            What::Reload => self.reload(),
        }
    }

    /// Every process that runs gets a policy that knows nothing but its configuration. Attempts under way go on, but the
    /// new policy is not told of what it has not sent.
    #[cold]
    fn reload(&mut self) {
        let processes = self.nodes.len();
        let mut before = vec![RouteView::default(); self.spec.pool.routes.len()];
        self.nodes[0].policy.show(&mut before);
        for at in 0..processes {
            if self.nodes[at].up {
                let policy = self.fresh(at);
                self.nodes[at].begin(policy, self.now, at, processes);
            }
        }
        self.wake = fleet::next_wake(&self.nodes);
        // A policy says what it changes, not what it starts with.
        let mut after = vec![RouteView::default(); before.len()];
        self.nodes[0].policy.show(&mut after);
        for (route, (old, new)) in before.iter().zip(&after).enumerate() {
            if old.health != new.health {
                self.recorder.changed(Transition {
                    at: self.now,
                    route: RouteId(route as u32),
                    from: old.health,
                    to: new.health,
                    reason: "configuration reload",
                });
            }
        }
        self.look();
    }
}
