//! Least connections: the target with the least (in flight + 1) / weight, from a binary heap.
//!
//! Source: Kong/kong at 22246ef2 (2026-07-01), `least_connections.lua`, and Tieske/binaryheap.lua. Who wins a tie is
//! decided by the heap's layout, so the heap moves as theirs does: up only past a greater parent, down to the left
//! child unless the right one is strictly less. A heap is made anew, in configuration order, when a target comes or
//! goes. Our choice: targets whose breaker is open are put aside like those tried, and what is in flight to a target
//! that left still counts if it returns.

use crate::policy::{RouteId, RouteView};

use super::target::{Gate, Target};

/// In-flight counts and the heap over them.
#[derive(Debug)]
pub struct LeastConnections {
    /// In configuration order.
    lines: Vec<Line>,
    /// Indices of lines.
    heap: Vec<usize>,
    aside: Vec<usize>,
}

#[derive(Debug)]
struct Line {
    target: Target,
    in_flight: u32,
    is_present: bool,
    /// Its position in the heap.
    place: usize,
}

impl Line {
    fn key(&self) -> f64 {
        (f64::from(self.in_flight) + 1.0) / f64::from(self.target.weight)
    }
}

impl LeastConnections {
    /// Over these targets, in configuration order.
    pub fn new(targets: &[Target]) -> Self {
        let line = |&target| Line { target, in_flight: 0, is_present: true, place: 0 };
        let lines = targets.iter().map(line).collect();
        let room = Vec::with_capacity;
        let mut new = Self { lines, heap: room(targets.len()), aside: room(targets.len()) };
        new.rebuild();
        new
    }

    /// Takes the top, past what may not be taken, and counts it in.
    pub fn select(&mut self, gate: &Gate<'_>) -> Option<RouteId> {
        self.aside.clear();
        while let Some(&top) = self.heap.first()
            && !gate.lets(self.lines[top].target.route)
        {
            self.pop();
            self.aside.push(top);
        }
        let top = self.heap.first().copied();
        for i in 0..self.aside.len() {
            self.insert(self.aside[i]);
        }
        let line = &mut self.lines[top?];
        line.in_flight = line.in_flight.saturating_add(1);
        let (place, route) = (line.place, line.target.route);
        self.update(place);
        Some(route)
    }

    /// An attempt ended.
    pub fn release(&mut self, route: RouteId) {
        let Some(at) = self.find(route) else {
            return;
        };
        let line = &mut self.lines[at];
        line.in_flight = line.in_flight.saturating_sub(1);
        if line.is_present {
            let place = line.place;
            self.update(place);
        }
    }

    /// A target comes or goes.
    pub fn set_present(&mut self, route: RouteId, present: bool) {
        if let Some(at) = self.find(route) {
            self.lines[at].is_present = present;
            self.rebuild();
        }
    }

    /// The next pick is certain; of several with the least key it is the first of the heap.
    pub fn show(&self, gate: &Gate<'_>, scale: f64, views: &mut [RouteView]) {
        let open = self.heap.iter().map(|&at| &self.lines[at]);
        let open = open.filter(|line| gate.lets(line.target.route));
        let scored = open.map(|line| (line.target.route, line.key()));
        if let Some(route) = crate::policy::part::least(scored) {
            views[route.index()].expected += scale;
        }
    }

    fn find(&self, route: RouteId) -> Option<usize> {
        self.lines.binary_search_by_key(&route, |line| line.target.route).ok()
    }

    fn rebuild(&mut self) {
        self.heap.clear();
        for at in 0..self.lines.len() {
            if self.lines[at].is_present {
                self.insert(at);
            }
        }
    }

    fn insert(&mut self, at: usize) {
        let place = self.heap.len();
        self.heap.push(at);
        self.lines[at].place = place;
        self.rise(place);
    }

    fn pop(&mut self) {
        let last = self.heap.len() - 1;
        self.swap(0, last);
        self.heap.truncate(last);
        self.sink(0);
    }

    /// The key at a place has changed.
    fn update(&mut self, place: usize) {
        self.rise(place);
        self.sink(place);
    }

    fn rise(&mut self, mut place: usize) {
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.key(place) >= self.key(parent) {
                break;
            }
            self.swap(place, parent);
            place = parent;
        }
    }

    fn sink(&mut self, mut place: usize) {
        loop {
            let mut least = place;
            for child in [2 * place + 1, 2 * place + 2] {
                if child < self.heap.len() && self.key(child) < self.key(least) {
                    least = child;
                }
            }
            if least == place {
                break;
            }
            self.swap(place, least);
            place = least;
        }
    }

    fn key(&self, place: usize) -> f64 {
        self.lines[self.heap[place]].key()
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.heap.swap(one, other);
        self.lines[self.heap[one]].place = one;
        self.lines[self.heap[other]].place = other;
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Gates, targets};
    use super::*;

    const NAMES: [&str; 3] = ["a", "b", "c"];

    fn pick(balancer: &mut LeastConnections, avoid: &[RouteId]) -> Option<&'static str> {
        let gates = Gates::new(3);
        balancer.select(&gates.but(avoid)).map(|route| NAMES[route.index()])
    }

    fn picks(balancer: &mut LeastConnections, count: usize) -> String {
        (0..count).filter_map(|_| pick(balancer, &[])).collect()
    }

    fn in_flight(balancer: &LeastConnections) -> [u32; 3] {
        [0, 1, 2].map(|n| balancer.lines[n].in_flight)
    }

    #[test]
    fn twelve_picks_follow_the_weights_and_a_release_counts() {
        let mut balancer = LeastConnections::new(&targets(&[100, 50, 50]));
        assert_eq!(picks(&mut balancer, 12), "aabcaacbaabc");
        balancer.release(RouteId(0));
        balancer.release(RouteId(0));
        assert_eq!(picks(&mut balancer, 1), "a");
    }

    #[test]
    fn idle_traffic_never_reaches_the_third_of_three_equals() {
        let mut balancer = LeastConnections::new(&targets(&[100; 3]));
        let mut order = String::new();
        for _ in 0..7 {
            let name = pick(&mut balancer, &[]).unwrap();
            order.push_str(name);
            balancer.release(RouteId(NAMES.iter().position(|n| *n == name).unwrap() as u32));
        }
        assert_eq!(order, "abababa");
    }

    #[test]
    fn what_may_not_be_taken_is_put_aside() {
        let mut balancer = LeastConnections::new(&targets(&[100, 50, 50]));
        assert_eq!(pick(&mut balancer, &[RouteId(0)]), Some("c"), "the last of the heap moves up");
        assert_eq!(pick(&mut balancer, &[RouteId(0)]), Some("b"));
        assert_eq!(pick(&mut balancer, &[RouteId(0), RouteId(1), RouteId(2)]), None);
        assert_eq!(in_flight(&balancer), [0, 1, 1]);
        assert_eq!(picks(&mut balancer, 1), "a");
    }

    #[test]
    fn targets_leave_and_return_with_what_is_in_flight() {
        let mut balancer = LeastConnections::new(&targets(&[100; 3]));
        assert_eq!(picks(&mut balancer, 3), "abc");
        balancer.set_present(RouteId(0), false);
        balancer.set_present(RouteId(1), false);
        assert_eq!(picks(&mut balancer, 2), "cc");
        balancer.release(RouteId(1));
        balancer.set_present(RouteId(1), true);
        balancer.set_present(RouteId(0), true);
        assert_eq!(picks(&mut balancer, 2), "bb");
        assert_eq!(in_flight(&balancer), [1, 2, 3]);
    }
}
