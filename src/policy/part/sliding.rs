//! Counts over a sliding window.

use crate::engine::{Span, Time};

/// Sums of `N` counts over the last `span`, to the slot.
#[derive(Clone, Debug)]
pub struct Sliding<const N: usize> {
    slot: Span,
    slots: Vec<[u32; N]>,
    /// Number of the newest slot, counted from time zero.
    newest: u64,
    sum: [u64; N],
}

impl<const N: usize> Sliding<N> {
    /// Over `span`, in this many slots (at least one).
    pub fn new(span: Span, slots: usize) -> Self {
        let slots = slots.max(1);
        let slot = Span((span.0 / slots as u64).max(1));
        Self { slot, slots: vec![[0; N]; slots], newest: 0, sum: [0; N] }
    }

    /// Adds to the counts.
    pub fn add(&mut self, now: Time, counts: [u32; N]) {
        self.turn(now);
        let at = (self.newest % self.slots.len() as u64) as usize;
        for ((slot, sum), count) in self.slots[at].iter_mut().zip(&mut self.sum).zip(counts) {
            *slot = slot.saturating_add(count);
            *sum += u64::from(count);
        }
    }

    /// The sums at `now`.
    pub fn sums(&mut self, now: Time) -> [u64; N] {
        self.turn(now);
        self.sum
    }

    fn turn(&mut self, now: Time) {
        let len = self.slots.len() as u64;
        let slot = now.0 / self.slot.0;
        let steps = slot.saturating_sub(self.newest).min(len);
        for step in 1..=steps {
            let old =
                std::mem::replace(&mut self.slots[((slot - steps + step) % len) as usize], [0; N]);
            for (sum, old) in self.sum.iter_mut().zip(old) {
                *sum = sum.saturating_sub(u64::from(old));
            }
        }
        self.newest = self.newest.max(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_the_window_is_forgotten() {
        let mut window = Sliding::<2>::new(Span::from_secs(60), 60);
        window.add(Time::from_secs(1), [1, 0]);
        window.add(Time::from_secs(30), [2, 5]);
        assert_eq!(window.sums(Time::from_secs(60)), [3, 5]);
        assert_eq!(window.sums(Time::from_secs(61)), [2, 5]);
        assert_eq!(window.sums(Time::from_secs(89)), [2, 5]);
        assert_eq!(window.sums(Time::from_secs(90)), [0, 0]);
        window.add(Time::from_secs(10_000), [7, 0]);
        assert_eq!(window.sums(Time::from_secs(10_000)), [7, 0]);
    }
}
