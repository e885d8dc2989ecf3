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

/// The reference queue: std's binary heap.
#[derive(Debug, Default)]
pub struct Queue(BinaryHeap<Reverse<Event>>);

impl Queue {
    /// Adds an event.
    #[inline]
    pub fn push(&mut self, event: Event) {
        self.0.push(Reverse(event));
    }

    /// When the next event is due; [`Time::NEVER`] if there is none.
    #[inline]
    pub fn peek(&self) -> Time {
        self.0.peek().map_or(Time::NEVER, |event| event.0.time())
    }

    /// Takes the next event.
    #[inline]
    pub fn pop(&mut self) -> Option<Event> {
        self.0.pop().map(|event| event.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_then_sequence_then_kind() {
        let mut queue = Queue::default();
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
        assert_eq!(queue.peek(), Time(5));
        for want in ordered {
            assert_eq!(queue.pop(), Some(want));
        }
        assert_eq!((queue.pop(), queue.peek()), (None, Time::NEVER));
    }

    #[test]
    fn a_packed_event_gives_back_its_parts() {
        let event = Event::new(Time(u64::MAX - 1), (1 << 38) - 1, Kind::Resume, SLOTS_MAX - 1);
        assert_eq!(event.time(), Time(u64::MAX - 1));
        assert_eq!((event.seq(), event.slot()), ((1 << 38) - 1, SLOTS_MAX - 1));
        assert_eq!(event.kind(), Kind::Resume);
    }
}
