//! Adaptive client throttling: refuse locally what would be refused anyway.
//!
//! The rule of the SRE book (Google, "Handling Overload"): over the last two minutes, refuse with
//! probability max(0, (requests − K × accepts) / (requests + 1)). Our choice: what was sent is counted when it has
//! ended. Answers of language models take seconds, and counted when they are sent, requests under way would look
//! refused.

use crate::engine::{Span, Time, luck};

/// Requests and accepts over a sliding window.
#[derive(Clone, Debug)]
pub struct Throttle {
    k: f64,
    slot: Span,
    slots: Vec<[u64; 2]>,
    /// Number of the newest slot, counted from time zero.
    newest: u64,
    sum: [u64; 2],
}

const SLOTS: usize = 60;

impl Throttle {
    /// With multiplier `k` (≥ 1) over `window`.
    pub fn new(k: f64, window: Span) -> Self {
        let slot = Span((window.0 / SLOTS as u64).max(1));
        Self { k, slot, slots: vec![[0; 2]; SLOTS], newest: 0, sum: [0; 2] }
    }

    /// A request comes: whether it may go on. One that may not counts as a request without an answer.
    pub fn admit(&mut self, now: Time, word: u64) -> bool {
        self.turn(now);
        let [requests, accepts] = self.sum.map(|n| n as f64);
        let refuse = ((requests - self.k * accepts) / (requests + 1.0)).max(0.0);
        let admitted = luck::unit(word) >= refuse;
        if !admitted {
            self.count(0);
        }
        admitted
    }

    /// A request that was sent has ended, answered or not.
    pub fn ended(&mut self, now: Time, answered: bool) {
        self.turn(now);
        self.count(0);
        if answered {
            self.count(1);
        }
    }

    fn count(&mut self, what: usize) {
        self.sum[what] += 1;
        self.slots[(self.newest % SLOTS as u64) as usize][what] += 1;
    }

    fn turn(&mut self, now: Time) {
        let slot = now.0 / self.slot.0;
        let steps = slot.saturating_sub(self.newest).min(SLOTS as u64);
        for step in 1..=steps {
            let at = ((slot - steps + step) % SLOTS as u64) as usize;
            let old = std::mem::take(&mut self.slots[at]);
            self.sum = [self.sum[0] - old[0], self.sum[1] - old[1]];
        }
        self.newest = self.newest.max(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_little_is_answered_little_is_sent() {
        let mut throttle = Throttle::new(2.0, Span::from_secs(120));
        let (mut sent, mut of) = (0u32, 0u32);
        for i in 0..100_000u64 {
            let now = Time(i * 10_000_000);
            let admitted = throttle.admit(now, luck::mix(i, 1));
            if admitted {
                // One in ten is answered.
                throttle.ended(now, i % 10 == 0);
            }
            if i > 50_000 {
                of += 1;
                sent += u32::from(admitted);
            }
        }
        // A share s is sent, 0.1 s of all answered, and s = K × 0.1 s has only the solution 0: traffic shrinks to
        // what probes.
        assert!(f64::from(sent) / f64::from(of) < 0.02, "{sent} of {of}");
    }

    /// K = 2 lets half of all fail before it refuses anything.
    #[test]
    fn nothing_is_refused_up_to_a_share_of_failures() {
        for (answered, refused) in [(60, false), (40, true)] {
            let mut throttle = Throttle::new(2.0, Span::from_secs(120));
            let mut any = false;
            for i in 0..10_000u64 {
                let now = Time(i * 10_000_000);
                any |= !throttle.admit(now, luck::mix(i, 1));
                throttle.ended(now, i * 7 % 100 < answered);
                any &= i > 100 || refused;
            }
            assert_eq!(any, refused, "{answered} % answered");
        }
    }

    #[test]
    fn what_is_under_way_is_not_held_against_a_service_and_an_old_past_is_forgotten() {
        let mut throttle = Throttle::new(2.0, Span::from_secs(120));
        for i in 0..1_000u64 {
            assert!(throttle.admit(Time(i * 10_000_000), 0), "nothing has ended yet");
        }
        for i in 0..5_000u64 {
            throttle.ended(Time::from_secs(11) + Span(i * 1_000_000), false);
        }
        assert!(
            !throttle.admit(Time::from_secs(20), 0),
            "the least luck is refused under overload"
        );
        assert!(throttle.admit(Time::from_secs(200), 0), "two minutes later nothing is left");
    }
}
