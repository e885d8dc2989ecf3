//! The digest of a run: integer events only (time, kind, request, route, status), never floats or recorders.

use crate::engine::Time;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A request arrived.
    Arrival = 1,
    /// An attempt was sent.
    Send,
    /// An attempt ended.
    End,
    /// A request got its result.
    Result,
    /// A fault began or ended.
    Edge,
    /// A route changed its health.
    State,
    /// A packet between gateway processes arrived.
    Gossip,
}

/// A running hash: multiply and rotate per word (as FxHash), finished by a mixer.
#[derive(Clone, Copy, Debug)]
pub struct Digest {
    hash: u64,
    events: u64,
}

impl Default for Digest {
    fn default() -> Self {
        Self { hash: 0x7769_6e64_7475_6e6e, events: 0 }
    }
}

const FACTOR: u64 = 0x517c_c1b7_2722_0a95;

impl Digest {
    /// Adds an event.
    #[inline]
    pub fn add(&mut self, time: Time, mark: Mark, subject: u64, route: u32, status: u16) {
        self.events += 1;
        let what = (mark as u64) << 48 | u64::from(status) << 32 | u64::from(route);
        self.word(time.0 ^ what.rotate_left(20));
        self.word(subject);
    }

    #[inline]
    fn word(&mut self, word: u64) {
        self.hash = (self.hash.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    }

    /// Events so far.
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// The digest so far.
    pub const fn value(&self) -> u64 {
        crate::engine::luck::mix(self.hash, self.events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_and_the_order_count() {
        let digest = |events: &[(u64, Mark, u64, u32, u16)]| {
            let mut digest = Digest::default();
            for &(time, mark, subject, route, status) in events {
                digest.add(Time(time), mark, subject, route, status);
            }
            digest.value()
        };
        let base = (5, Mark::Send, 7, 3, 200);
        let others = [
            (6, Mark::Send, 7, 3, 200),
            (5, Mark::End, 7, 3, 200),
            (5, Mark::Send, 8, 3, 200),
            (5, Mark::Send, 7, 4, 200),
            (5, Mark::Send, 7, 3, 201),
        ];
        for other in others {
            assert_ne!(digest(&[base]), digest(&[other]));
            assert_ne!(digest(&[base, other]), digest(&[other, base]));
        }
    }
}
