//! Consistent hashing: targets own points of a ring, a request walks down from the point of its hash value.
//!
//! Source: Kong/kong at 22246ef2 (2026-07-01), `consistent_hashing.lua`; changes of availability never rebuild
//! the ring. Our choices: a target's points hang on its name (targets may share a host), the hash value is the
//! session, building ends when the ring is full, and a target that got no point is taken only if no other is left.

use crate::policy::{RouteId, RouteView};

use super::target::{Gate, Target};
use super::xxh32::xxh32;

/// Points of a target of mean weight.
const POINTS_EACH: f64 = 160.0;
/// Least points of a ring.
const POINTS_MIN: usize = 1_000;

/// A ring.
#[derive(Debug)]
pub struct Ring {
    /// In order of their names.
    targets: Vec<(String, Target)>,
    points: Vec<Option<RouteId>>,
}

impl Ring {
    /// A ring with so many slots over named targets.
    pub fn new(mut targets: Vec<(String, Target)>, slots: usize) -> Self {
        targets.sort_by(|one, other| one.0.cmp(&other.0));
        let mut ring = Self { targets, points: vec![None; slots.max(POINTS_MIN)] };
        ring.rebuild();
        ring
    }

    /// The owner of the first point at or below the value's whose target may be taken.
    pub fn select(&self, value: u64, gate: &Gate<'_>) -> Option<RouteId> {
        let mut digits = [0; 20];
        self.walk(decimal(value, &mut digits), gate)
    }

    /// A target is configured.
    pub fn join(&mut self, name: &str, target: Target) {
        let sought = (name, target.route);
        let place = |(name, target): &(String, Target)| (name.as_str(), target.route).cmp(&sought);
        if let Err(at) = self.targets.binary_search_by(place) {
            self.targets.insert(at, (name.to_owned(), target));
            self.rebuild();
        }
    }

    /// A target is not configured any more.
    pub fn leave(&mut self, route: RouteId) {
        self.targets.retain(|(_, target)| target.route != route);
        self.rebuild();
    }

    /// Adds each target's part of the ring to what is expected.
    pub fn show(&self, gate: &Gate<'_>, scale: f64, views: &mut [RouteView]) {
        let open = |point: &Option<RouteId>| point.filter(|&route| gate.lets(route));
        let Some(mut owner) = self.points.iter().rev().find_map(open) else {
            return;
        };
        let part = scale / self.points.len() as f64;
        for point in &self.points {
            owner = open(point).unwrap_or(owner);
            views[owner.index()].expected += part;
        }
    }

    fn walk(&self, value: &[u8], gate: &Gate<'_>) -> Option<RouteId> {
        let start = xxh32(value) as usize % self.points.len();
        let down = (0..=start).rev().chain((start + 1..self.points.len()).rev());
        down.filter_map(|at| self.points[at]).find(|&route| gate.lets(route)).or_else(|| {
            self.targets.iter().map(|(_, target)| target.route).find(|&route| gate.lets(route))
        })
    }

    fn rebuild(&mut self) {
        self.points.fill(None);
        let mut free = self.points.len();
        let total: f64 = self.targets.iter().map(|(_, target)| f64::from(target.weight)).sum();
        let count = self.targets.len() as f64;
        let mut text = Vec::new();
        for (name, target) in &self.targets {
            // In this order: 70/25/5 gives 335, not 336.
            let wanted = (f64::from(target.weight) / total * count * POINTS_EACH) as usize;
            let mut left = wanted.max(1);
            let mut k = 0;
            while left > 0 && free > 0 {
                k += 1;
                text.clear();
                text.extend_from_slice(name.as_bytes());
                text.extend_from_slice(b": ");
                text.extend_from_slice(decimal(k, &mut [0; 20]));
                let at = xxh32(&text) as usize % self.points.len();
                if self.points[at].is_none() {
                    self.points[at] = Some(target.route);
                    left -= 1;
                    free -= 1;
                }
            }
        }
    }
}

/// A number in decimal digits.
fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Gates, targets};
    use super::*;

    fn ring(weights: &[u32], slots: usize) -> Ring {
        let names = ["a", "b", "c", "d"].map(str::to_owned);
        Ring::new(names.into_iter().zip(targets(weights)).collect(), slots)
    }

    fn owned(ring: &Ring) -> [usize; 4] {
        let of = |n| ring.points.iter().filter(|point| **point == Some(RouteId(n))).count();
        [of(0), of(1), of(2), of(3)]
    }

    fn shares(ring: &Ring) -> [usize; 4] {
        let gates = Gates::new(4);
        let mut counts = [0; 4];
        for n in 1..=100_000 {
            let route = ring.walk(format!("user-{n}").as_bytes(), &gates.all()).unwrap();
            counts[route.index()] += 1;
        }
        counts
    }

    fn order(ring: &Ring, value: &str) -> String {
        let gates = Gates::new(4);
        let mut tried = Vec::new();
        while let Some(route) = ring.walk(value.as_bytes(), &gates.but(&tried)) {
            tried.push(route);
        }
        tried.iter().map(|route| ["a", "b", "c", "d"][route.index()]).collect()
    }

    #[test]
    fn even_weights_have_160_points_each_and_the_known_shares() {
        let ring = ring(&[100; 4], 10_000);
        assert_eq!(owned(&ring), [160; 4]);
        assert_eq!(shares(&ring), [25_339, 24_749, 26_031, 23_881]);
    }

    #[test]
    fn points_follow_the_weights() {
        let ring = ring(&[70, 25, 5], 10_000);
        assert_eq!(owned(&ring), [335, 120, 24, 0]);
        assert_eq!(shares(&ring), [73_938, 21_217, 4_845, 0]);
        let first = ["user-3", "user-8", ""].map(|value| order(&ring, value)[..1].to_owned());
        assert_eq!(first, ["c", "b", "a"]);
    }

    #[test]
    fn walks_go_down_the_ring_to_the_next_untried_target() {
        let ring = ring(&[100; 4], 10_000);
        assert_eq!(
            ["user-1", "user-2", "user-3"].map(|v| order(&ring, v)),
            ["dbac", "cdab", "cbad"]
        );
        let first = ["user-4", "user-8", ""].map(|value| order(&ring, value)[..1].to_owned());
        assert_eq!(first, ["d", "b", "d"]);
        let point = |value: &str| xxh32(value.as_bytes()) % 10_000 + 1;
        let users = ["user-1", "user-2", "user-3", "user-4", "user-8", ""].map(point);
        assert_eq!(users, [8_958, 1_226, 4_968, 9_253, 4_567, 7_590]);
    }

    #[test]
    fn sessions_are_hashed_as_decimal_text() {
        let ring = ring(&[100; 4], 10_000);
        let gates = Gates::new(4);
        for session in [0, 7, 1_234_567_890, u64::MAX] {
            let text = session.to_string();
            assert_eq!(
                ring.select(session, &gates.all()),
                ring.walk(text.as_bytes(), &gates.all())
            );
        }
    }

    #[test]
    fn a_ring_has_at_least_a_thousand_points_and_a_full_one_still_reaches_all() {
        let names = (0..40).map(|n| format!("t{n:02}"));
        let ring = Ring::new(names.zip(targets(&[100; 40])).collect(), 10);
        assert_eq!(ring.points.iter().flatten().count(), 1_000);
        let gates = Gates::new(40);
        let others: Vec<RouteId> = (0..39).map(RouteId).collect();
        assert_eq!(ring.select(1, &gates.but(&others)), Some(RouteId(39)));
    }

    #[test]
    fn what_is_expected_is_what_happens() {
        let ring = ring(&[70, 25, 5], 10_000);
        let mut views = [RouteView::default(); 3];
        ring.show(&Gates::new(3).all(), 1.0, &mut views);
        let sum: f64 = views.iter().map(|view| view.expected).sum();
        assert!((sum - 1.0).abs() < 1e-9);
        assert!((views[0].expected - 0.739).abs() < 0.01, "{}", views[0].expected);
    }

    #[test]
    fn the_ring_does_not_hang_on_the_order_of_configuration() {
        let mut grown = ring(&[100], 10_000);
        let all = targets(&[100; 4]);
        for (name, n) in [("d", 3), ("b", 1), ("c", 2)] {
            grown.join(name, all[n]);
        }
        assert_eq!(grown.points, ring(&[100; 4], 10_000).points);
        grown.leave(RouteId(3));
        assert_eq!(grown.points, ring(&[100; 3], 10_000).points);
    }
}
