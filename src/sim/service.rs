//! What shares latency and capacity: one model in one region of one provider.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::engine::{Span, Time};

use super::spec::Capacity;

/// Load of a service. A request that its gateway gave up on goes on being worked on, as a provider would: its
/// place frees when the answer would have been done.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// When each busy place frees; at most `concurrency` of them.
    places: BinaryHeap<Reverse<u64>>,
    /// Starts that lie ahead: requests waiting in the queue.
    waiting: BinaryHeap<Reverse<u64>>,
}

impl Load {
    /// Asks for a place. Gives the moment at which work begins, or `None` if the queue is full.
    pub(super) fn enter(&mut self, now: Time, capacity: &Capacity) -> Option<Time> {
        self.look(now);
        if self.places.len() < capacity.concurrency as usize {
            return Some(now);
        }
        if self.waiting.len() >= capacity.queue as usize {
            return None;
        }
        let start = self.places.pop()?.0;
        self.waiting.push(Reverse(start));
        Some(Time(start))
    }

    /// Forgets who has left his place, and who waits no more.
    pub(super) fn look(&mut self, now: Time) {
        while self.waiting.peek().is_some_and(|start| start.0 <= now.0) {
            self.waiting.pop();
        }
        while self.places.peek().is_some_and(|end| end.0 <= now.0) {
            self.places.pop();
        }
    }

    /// Takes the place until `end`.
    pub(super) fn occupy(&mut self, end: Time) {
        self.places.push(Reverse(end.0));
    }

    /// Busy places over all of them, and more where requests wait.
    pub(super) fn busy(&self, now: Time, capacity: &Capacity) -> f64 {
        let (busy, waiting) = self.taken(now);
        (busy + waiting) as f64 / f64::from(capacity.concurrency.max(1))
    }

    /// Free places, those in the queue included.
    pub(super) fn left(&self, now: Time, capacity: &Capacity) -> f64 {
        let (busy, waiting) = self.taken(now);
        f64::from(capacity.concurrency) + f64::from(capacity.queue) - (busy + waiting) as f64
    }

    /// Seconds that a request which came now would wait for a place.
    pub(super) fn wait_s(&self, now: Time, capacity: &Capacity) -> f64 {
        if self.taken(now).0 < capacity.concurrency as usize {
            return 0.0;
        }
        self.places.peek().map_or(0.0, |end| Time(end.0).since(now).as_secs_f64())
    }

    /// Places that are busy, and requests that wait for one. Who waits has its place's next turn.
    fn taken(&self, now: Time) -> (usize, usize) {
        let held = |heap: &BinaryHeap<Reverse<u64>>| match heap.peek() {
            Some(first) if first.0 <= now.0 => heap.iter().filter(|end| end.0 > now.0).count(),
            _ => heap.len(),
        };
        (held(&self.places), held(&self.waiting))
    }

    /// By how much decoding is slower at this load.
    pub(super) fn slowdown(&self, now: Time, capacity: &Capacity) -> f64 {
        if capacity.slowdown == 0.0 {
            return 1.0;
        }
        let load = self.taken(now).0 as f64 / f64::from(capacity.concurrency.max(1));
        libm::pow(1.0 - load.min(0.95), -capacity.slowdown)
    }
}

/// Longest span that is scheduled; beyond it an attempt never ends by itself.
pub(super) const FOR_EVER: Span = Span(u64::MAX / 4);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_in_order_and_the_queue_is_bounded() {
        let capacity = Capacity { concurrency: 2, queue: 1, slowdown: 0.0 };
        let mut load = Load::default();
        for end in [10, 20] {
            assert_eq!(load.enter(Time(1), &capacity), Some(Time(1)));
            load.occupy(Time(end));
        }
        assert_eq!(load.enter(Time(2), &capacity), Some(Time(10)), "the first place to free");
        load.occupy(Time(15));
        assert_eq!(load.enter(Time(3), &capacity), None, "one may wait");
        assert_eq!(load.enter(Time(11), &capacity), Some(Time(15)), "it has begun, another waits");
    }
}
