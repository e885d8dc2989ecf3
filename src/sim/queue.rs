//! The event queue, and the one place where the order of events is decided.
//!
//! Events come out by (time, sequence number); the number is given when an attempt is scheduled, so ties are
//! first come, first served. A first token comes before the end of the same attempt. Between sources, at one
//! moment: faults begin and end first, then attempts, then policies wake, then requests arrive.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::engine::Time;

/// What a queued event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The first token of an attempt.
    First,
    /// The end of an attempt.
    End,
    /// The end of a wait (backoff, or a client's own).
    Resume,
}

/// A queued event, packed so that comparing the word compares (time, sequence, kind).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event(u128);

/// Slots of requests under way are numbered below this.
pub const SLOTS_MAX: u32 = 1 << 24;

impl Event {
    /// An event at `time` with the sequence number `seq` (38 bits) about the request in `slot`.
    #[inline]
    pub const fn new(time: Time, seq: u64, kind: Kind, slot: u32) -> Self {
        Self((time.0 as u128) << 64 | (seq << 26 | (kind as u64) << 24 | slot as u64) as u128)
    }

    /// When.
    #[inline]
    pub const fn time(self) -> Time {
        Time((self.0 >> 64) as u64)
    }

    /// Its sequence number.
    #[inline]
    pub const fn seq(self) -> u64 {
        self.0 as u64 >> 26
    }

    /// What happens.
    #[inline]
    pub const fn kind(self) -> Kind {
        match (self.0 >> 24) & 3 {
            0 => Kind::First,
            1 => Kind::End,
            _ => Kind::Resume,
        }
    }

    /// Whose slot.
    #[inline]
    pub const fn slot(self) -> u32 {
        self.0 as u32 & (SLOTS_MAX - 1)
    }
}

/// A queue of events. Both of them give the same events in the same order; a test compares them.
pub trait EventQueue: Default + std::fmt::Debug {
    /// Adds an event, not earlier than the last bound asked for.
    fn push(&mut self, event: Event);

    /// Takes the next event if it is due at `bound` or before. A queue may prepare itself for events up to
    /// `bound`, never beyond: something earlier may yet be added. It may name events that come soon, so that what is
    /// known of their requests is fetched from memory all at once.
    fn pop_until(&mut self, bound: Time, soon: impl FnMut(Event)) -> Option<Event>;
}

/// The reference queue: std's binary heap.
#[derive(Debug, Default)]
pub struct Heap(BinaryHeap<Reverse<Event>>);

impl EventQueue for Heap {
    fn push(&mut self, event: Event) {
        self.0.push(Reverse(event));
    }

    fn pop_until(&mut self, bound: Time, _: impl FnMut(Event)) -> Option<Event> {
        if self.0.peek()?.0.time() > bound { None } else { self.0.pop().map(|event| event.0) }
    }
}

/// Events of one slot of the fine wheel lie within 2¹⁷ ns (131 µs): a few at 5,000 requests per second.
const FINE: u32 = 17;
/// Slots of each wheel.
const SLOTS: usize = 1 << 11;
/// A slot of the coarse wheel spans the whole fine wheel: 268 ms; all its slots 550 s.
const COARSE: u32 = FINE + 11;

/// How many slots ahead events come soon.
const AHEAD: u64 = 2;

/// A two-level timing wheel with sorted slots (after Varghese and Lauck 1987). What lies beyond the coarse
/// wheel waits in a heap.
#[derive(Debug)]
pub struct Wheel {
    fine: Vec<Vec<Event>>,
    coarse: Vec<Vec<Event>>,
    far: BinaryHeap<Reverse<Event>>,
    /// Number of the fine slot in use, counted from time zero; the slots before it are empty.
    at: u64,
    /// Whether the slot in use is sorted (the next event last).
    sorted: bool,
    /// Events in the fine wheel, in the coarse one.
    counts: [usize; 2],
    /// Emptied slots' memory, for slots that fill.
    spare: Vec<Vec<Event>>,
}

impl Default for Wheel {
    fn default() -> Self {
        Self {
            fine: vec![Vec::new(); SLOTS],
            coarse: vec![Vec::new(); SLOTS],
            far: BinaryHeap::new(),
            at: 0,
            sorted: false,
            counts: [0; 2],
            spare: Vec::new(),
        }
    }
}

impl EventQueue for Wheel {
    #[inline]
    fn push(&mut self, event: Event) {
        let fine = event.time().0 >> FINE;
        let coarse = event.time().0 >> COARSE;
        let here = self.at >> (COARSE - FINE);
        if coarse == here {
            debug_assert!(fine >= self.at, "an event behind the wheel");
            self.counts[0] += 1;
            let slot = &mut self.fine[fine as usize % SLOTS];
            if fine == self.at && self.sorted {
                let place = slot.partition_point(|other| *other > event);
                slot.insert(place, event);
            } else {
                slot.push(event);
            }
        } else if coarse - here < SLOTS as u64 {
            self.counts[1] += 1;
            let slot = &mut self.coarse[coarse as usize % SLOTS];
            if slot.capacity() == 0 {
                *slot = self.spare.pop().unwrap_or_default();
            }
            slot.push(event);
        } else {
            self.far.push(Reverse(event));
        }
    }

    #[inline]
    fn pop_until(&mut self, bound: Time, mut soon: impl FnMut(Event)) -> Option<Event> {
        let bound = if planted!(TimeOrder) { Time(bound.0 + 1_000_000) } else { bound };
        loop {
            let slot = &mut self.fine[self.at as usize % SLOTS];
            if !slot.is_empty() {
                if !self.sorted {
                    slot.sort_unstable_by(|a, b| b.cmp(a));
                    self.sorted = true;
                }
                if slot.last().is_some_and(|event| event.time() > bound) {
                    return None;
                }
                self.counts[0] -= 1;
                return slot.pop();
            }
            if !self.turn(bound.0 >> FINE) {
                return None;
            }
            let ahead = &self.fine[(self.at + AHEAD) as usize % SLOTS];
            ahead.iter().copied().for_each(&mut soon);
        }
    }
}

impl Wheel {
    /// Moves to the next slot that holds something, not beyond slot `last`. Gives false if there is none.
    fn turn(&mut self, last: u64) -> bool {
        if self.at >= last {
            return false;
        }
        self.sorted = false;
        if self.counts[0] == 0 {
            // Nothing more in this turn of the fine wheel.
            let mut next = (self.at | (SLOTS as u64 - 1)) + 1;
            if self.counts[1] == 0 {
                // Nothing in the next turns either: on to the one that the heap has something for.
                next = next.max(
                    self.far
                        .peek()
                        .map_or(u64::MAX, |event| (event.0.time().0 >> COARSE) << (COARSE - FINE)),
                );
            }
            if next > last {
                self.at = last;
                return true;
            }
            self.at = next;
            self.refill();
            return true;
        }
        self.at += 1;
        true
    }

    /// A turn of the fine wheel begins: takes what the coarse wheel and the heap have for it.
    fn refill(&mut self) {
        let coarse = self.at >> (COARSE - FINE);
        let horizon = coarse + SLOTS as u64;
        while self.far.peek().is_some_and(|event| event.0.time().0 >> COARSE < horizon) {
            if let Some(Reverse(event)) = self.far.pop() {
                self.push(event);
            }
        }
        let mut slot = std::mem::take(&mut self.coarse[coarse as usize % SLOTS]);
        self.counts[1] -= slot.len();
        self.counts[0] += slot.len();
        for event in slot.drain(..) {
            self.fine[(event.time().0 >> FINE) as usize % SLOTS].push(event);
        }
        if slot.capacity() > 0 {
            self.spare.push(slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::luck::mix;

    fn orders<Q: EventQueue>() {
        let mut queue = Q::default();
        let event = |time, seq, kind| Event::new(Time(time), seq, kind, 7);
        let ordered = [
            event(5, 9, Kind::End),
            event(6, 1, Kind::First),
            event(6, 1, Kind::End),
            event(6, 2, Kind::Resume),
            event(7, 0, Kind::End),
        ];
        for i in [3, 0, 4, 2, 1] {
            queue.push(ordered[i]);
        }
        assert_eq!(queue.pop_until(Time(4), |_| ()), None);
        for want in ordered {
            assert_eq!(queue.pop_until(Time(7), |_| ()), Some(want));
        }
        assert_eq!(queue.pop_until(Time(u64::MAX - 1), |_| ()), None);
    }

    #[test]
    fn events_come_by_time_then_sequence_then_kind() {
        orders::<Heap>();
        orders::<Wheel>();
    }

    #[test]
    fn the_wheel_gives_what_the_heap_gives() {
        let (mut heap, mut wheel) = (Heap::default(), Wheel::default());
        let (mut now, mut seq, mut popped) = (0u64, 0u64, 0u32);
        for step in 0..100_000u64 {
            let word = mix(11, step);
            // An arrival some time ahead; due events up to it come first, in the same order.
            now += match word % 10_000 {
                0 => 400_000_000_000,
                1..10 => 900_000_000,
                n => n % 100 * 3_000,
            };
            while let Some(event) = heap.pop_until(Time(now), |_| ()) {
                assert_eq!(wheel.pop_until(Time(now), |_| ()), Some(event));
                popped += 1;
            }
            assert_eq!(wheel.pop_until(Time(now), |_| ()), None);
            for i in 0..word >> 62 {
                seq += 1;
                let far = mix(word, i);
                let span = match far % 50 {
                    0 => 0,
                    1 => far % 2_000_000_000_000,
                    2..10 => (far % 64) * 131_072,
                    _ => far % 5_000_000_000,
                };
                let event = Event::new(Time(now + span), seq, Kind::End, (far >> 40) as u32);
                heap.push(event);
                wheel.push(event);
            }
        }
        assert!(popped > 50_000, "{popped}");
    }

    #[test]
    fn a_packed_event_gives_back_its_parts() {
        let event = Event::new(Time(u64::MAX - 1), (1 << 38) - 1, Kind::Resume, SLOTS_MAX - 1);
        assert_eq!(event.time(), Time(u64::MAX - 1));
        assert_eq!((event.seq(), event.slot()), ((1 << 38) - 1, SLOTS_MAX - 1));
        assert_eq!(event.kind(), Kind::Resume);
    }
}
