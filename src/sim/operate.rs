//! What people do to a gateway while it runs: configuration, thresholds, releases, nodes.

use crate::engine::Time;
use crate::policy::RouteId;

use super::queue::EventQueue;
use super::spec::Act;
use super::world::World;

impl<Q: EventQueue> World<'_, Q> {
    /// An operator's change, a command, or what happens to a node, counted on.
    pub(super) fn operate(&mut self, at: Time, index: usize) {
        let (changes, commands) = (&self.spec.changes, &self.spec.commands);
        if let Some(change) = changes.get(index) {
            let of = if planted!(RemovedRoute) { 1 } else { self.nodes.len() };
            for node in &mut self.nodes[..of] {
                for &route in &change.routes {
                    node.policy.set_present(at, RouteId(route), change.present);
                }
            }
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
}
