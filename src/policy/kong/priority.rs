//! Priority: targets of the same weight are a group, the heaviest group serves, the others wait behind it.
//!
//! Source: developer.konghq.com, AI load balancing, and the plugin's changelog for 3.14.0.8 (repository at
//! bc1cd742, 2026-08-21). Inside a group weights are equal, so turns are; that they go round a wheel is our choice.

use crate::engine::luck;
use crate::policy::{RouteId, RouteView};

use super::round_robin::RoundRobin;
use super::target::{Gate, Target};

/// Groups by weight, heaviest first.
#[derive(Debug)]
pub struct Priority {
    groups: Vec<(u32, RoundRobin)>,
    key: u64,
}

impl Priority {
    /// Over these targets, in configuration order.
    pub fn new(targets: Vec<Target>, key: u64) -> Self {
        let mut new = Self { groups: Vec::new(), key };
        for target in targets {
            new.join(target);
        }
        new
    }

    /// The next of the heaviest group that has one to take.
    pub fn select(&mut self, gate: &Gate<'_>) -> Option<RouteId> {
        self.groups.iter_mut().find_map(|(_, group)| group.select(gate))
    }

    /// A target's availability changed.
    pub fn rebuild(&mut self) {
        for (_, group) in &mut self.groups {
            group.rebuild();
        }
    }

    /// A target is configured.
    pub fn join(&mut self, target: Target) {
        let even = Target { weight: 1, ..target };
        match self.groups.binary_search_by(|(weight, _)| target.weight.cmp(weight)) {
            Ok(at) => self.groups[at].1.join(even),
            Err(at) => {
                let key = luck::mix(self.key, u64::from(target.weight));
                self.groups.insert(at, (target.weight, RoundRobin::new(vec![even], key)));
            }
        }
    }

    /// A target is not configured any more.
    pub fn leave(&mut self, route: RouteId) {
        for (_, group) in &mut self.groups {
            group.leave(route);
        }
    }

    /// Whether no target is configured.
    pub fn is_empty(&self) -> bool {
        self.groups.iter().all(|(_, group)| group.is_empty())
    }

    /// Adds the share of each target to what is expected.
    pub fn show(&self, gate: &Gate<'_>, scale: f64, views: &mut [RouteView]) {
        self.groups.iter().any(|(_, group)| group.show(gate, scale, views));
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Gates, targets};
    use super::*;

    #[test]
    fn the_heaviest_group_serves_in_even_turns_and_the_next_waits() {
        let mut priority = Priority::new(targets(&[25, 70, 70]), 7);
        let gates = Gates::new(3);
        let mut counts = [0; 3];
        for _ in 0..100 {
            counts[priority.select(&gates.all()).unwrap().index()] += 1;
        }
        assert_eq!(counts, [0, 50, 50]);
        let one = [RouteId(1)];
        assert_eq!(priority.select(&gates.but(&one)), Some(RouteId(2)));
        let both = [RouteId(1), RouteId(2)];
        assert_eq!(priority.select(&gates.but(&both)), Some(RouteId(0)));
        let all = [RouteId(0), RouteId(1), RouteId(2)];
        assert_eq!(priority.select(&gates.but(&all)), None);
    }

    #[test]
    fn a_heavier_target_that_comes_takes_over_at_once() {
        let mut priority = Priority::new(targets(&[25]), 7);
        let gates = Gates::new(2);
        assert_eq!(priority.select(&gates.all()), Some(RouteId(0)));
        priority.join(Target { route: RouteId(1), weight: 26 });
        assert_eq!(priority.select(&gates.all()), Some(RouteId(1)));
        priority.leave(RouteId(1));
        assert_eq!(priority.select(&gates.all()), Some(RouteId(0)));
        priority.leave(RouteId(0));
        assert!(priority.is_empty());
    }
}
