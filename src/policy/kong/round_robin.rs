//! Weighted round-robin: a shuffled wheel on which each target has its weight's share of slots.
//!
//! Source: Kong/kong at 22246ef2 (2026-07-01), `round_robin.lua`. The shuffle is seeded by the policy's key. Our
//! choice: a wheel has at most a million slots; weights are halved until it fits.

use crate::engine::luck;
use crate::policy::{RouteId, RouteView};

use super::target::{Gate, Target};

/// Most slots of a wheel.
const SLOTS_MAX: u64 = 1 << 20;

/// A wheel and where it stands.
#[derive(Debug)]
pub struct RoundRobin {
    targets: Vec<Target>,
    wheel: Vec<RouteId>,
    pointer: usize,
    key: u64,
    builds: u64,
}

impl RoundRobin {
    /// Over these targets, in configuration order.
    pub fn new(targets: Vec<Target>, key: u64) -> Self {
        let mut new = Self { targets, wheel: Vec::new(), pointer: 0, key, builds: 0 };
        new.rebuild();
        new
    }

    /// Advances to the next slot whose target may be taken. The first pick is the second slot.
    pub fn select(&mut self, gate: &Gate<'_>) -> Option<RouteId> {
        for _ in 0..self.wheel.len() {
            self.pointer += 1;
            if self.pointer >= self.wheel.len() {
                self.pointer = 0;
            }
            let route = self.wheel[self.pointer];
            if gate.lets(route) {
                return Some(route);
            }
        }
        None
    }

    /// Lays the wheel out anew and shuffles it. The pointer stays.
    pub fn rebuild(&mut self) {
        let mut halvings = 0;
        while self.targets.iter().map(|t| slots(t.weight, halvings)).sum::<u64>() > SLOTS_MAX
            && halvings < 16
        {
            halvings += 1;
        }
        let divisor = self.targets.iter().fold(0, |gcd, t| common(gcd, slots(t.weight, halvings)));
        self.wheel.clear();
        for target in &self.targets {
            let count = slots(target.weight, halvings) / divisor.max(1);
            self.wheel.extend((0..count).map(|_| target.route));
        }
        let word = luck::mix(self.key, self.builds);
        for i in (1..self.wheel.len()).rev() {
            let j = luck::below(luck::mix(word, i as u64), i as u32 + 1);
            self.wheel.swap(i, j as usize);
        }
        self.builds += 1;
    }

    /// A target is configured.
    pub fn join(&mut self, target: Target) {
        if let Err(at) = self.targets.binary_search_by_key(&target.route, |t| t.route) {
            self.targets.insert(at, target);
            self.rebuild();
        }
    }

    /// A target is not configured any more.
    pub fn leave(&mut self, route: RouteId) {
        if let Ok(at) = self.targets.binary_search_by_key(&route, |target| target.route) {
            self.targets.remove(at);
            self.rebuild();
        }
    }

    /// Whether no target is configured.
    pub const fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// Adds the share of each target to what is expected; gives whether there was one to take.
    pub fn show(&self, gate: &Gate<'_>, scale: f64, views: &mut [RouteView]) -> bool {
        let open = || self.targets.iter().filter(|target| gate.lets(target.route));
        let total: f64 = open().map(|target| f64::from(target.weight)).sum();
        for target in open() {
            views[target.route.index()].expected += scale * f64::from(target.weight) / total;
        }
        total > 0.0
    }
}

/// The slots of a weight after so many halvings.
const fn slots(weight: u32, halvings: u32) -> u64 {
    let slots = (weight >> halvings) as u64;
    if slots == 0 { 1 } else { slots }
}

/// The greatest common divisor.
const fn common(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Gates, targets};
    use super::*;

    fn count(wheel: &mut RoundRobin, gate: &Gate<'_>, picks: usize) -> [usize; 3] {
        let mut counts = [0; 3];
        for _ in 0..picks {
            counts[wheel.select(gate).unwrap().index()] += 1;
        }
        counts
    }

    #[test]
    fn shares_are_exact_over_whole_turns_from_anywhere() {
        let mut wheel = RoundRobin::new(targets(&[70, 25, 5]), 7);
        let gates = Gates::new(3);
        assert_eq!(wheel.wheel.len(), 20);
        assert_eq!(count(&mut wheel, &gates.all(), 2_000), [1_400, 500, 100]);
        wheel.select(&gates.all());
        assert_eq!(count(&mut wheel, &gates.all(), 2_000), [1_400, 500, 100]);
    }

    #[test]
    fn the_first_pick_is_the_second_slot() {
        let mut wheel = RoundRobin::new(targets(&[1; 100]), 7);
        let second = wheel.wheel[1];
        let gates = Gates::new(100);
        assert_eq!(wheel.select(&gates.all()), Some(second));
    }

    #[test]
    fn turns_of_a_target_that_is_out_go_to_the_slots_behind() {
        let mut wheel = RoundRobin::new(targets(&[70, 25, 5]), 7);
        let gates = Gates::new(3);
        let avoid = [RouteId(0)];
        let [a, b, c] = count(&mut wheel, &gates.but(&avoid), 600);
        assert_eq!((a, b + c), (0, 600));
        let nobody = [RouteId(0), RouteId(1), RouteId(2)];
        assert_eq!(wheel.select(&gates.but(&nobody)), None);
    }

    #[test]
    fn the_shuffle_hangs_on_the_key_and_on_the_rebuild() {
        let mut one = RoundRobin::new(targets(&[1; 50]), 7);
        let two = RoundRobin::new(targets(&[1; 50]), 8);
        assert_ne!(one.wheel, two.wheel);
        let before = one.wheel.clone();
        one.rebuild();
        assert_ne!(one.wheel, before);
        one.wheel.sort_unstable();
        assert_eq!(one.wheel, (0..50).map(RouteId).collect::<Vec<_>>());
    }

    #[test]
    fn a_smaller_wheel_is_entered_from_its_start() {
        let mut wheel = RoundRobin::new(targets(&[1, 1, 1]), 7);
        let gates = Gates::new(3);
        wheel.select(&gates.all());
        wheel.select(&gates.all());
        wheel.leave(RouteId(1));
        wheel.leave(RouteId(0));
        assert_eq!(wheel.select(&gates.all()), Some(RouteId(2)));
        wheel.leave(RouteId(2));
        assert_eq!(wheel.select(&gates.all()), None);
        wheel.join(Target { route: RouteId(1), weight: 1 });
        assert_eq!(wheel.select(&gates.all()), Some(RouteId(1)));
    }

    #[test]
    fn huge_weights_are_halved_until_the_wheel_fits() {
        let slots = |weights: &[u32]| RoundRobin::new(targets(weights), 7).wheel.len();
        // Sums of 1,048,560 and 1,048,577: the second is one too many.
        let fits = [&[65_535; 15][..], &[65_534, 1]].concat();
        assert_eq!(slots(&fits), 1_048_560);
        assert_eq!(slots(&[&fits[..], &[17]].concat()), 15 * 32_767 + 32_767 + 1 + 8);
    }
}
