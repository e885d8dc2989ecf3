//! Adaptive client throttling: refuse locally what would be refused anyway.
//!
//! The rule of the SRE book (Google, "Handling Overload"): over the last two minutes, refuse with
//! probability max(0, (requests − K × accepts) / (requests + 1)).

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

    /// A request comes: whether it may go on. Refused ones count as requests too.
    pub fn admit(&mut self, now: Time, word: u64) -> bool {
        self.turn(now);
        let [requests, accepts] = self.sum.map(|n| n as f64);
        let refuse = ((requests - self.k * accepts) / (requests + 1.0)).max(0.0);
        self.count(0);
        luck::unit(word) >= refuse
    }

    /// A request was answered.
    pub fn accepted(&mut self, now: Time) {
        self.turn(now);
        self.count(1);
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

    /// Where a share p of what is sent is answered, the share sent on settles at s with s = 1 − (1 − K p s).
    #[test]
    fn it_sends_k_times_what_is_answered() {
        let mut throttle = Throttle::new(2.0, Span::from_secs(120));
        let (mut sent, mut of) = (0u32, 0u32);
        for i in 0..100_000u64 {
            let now = Time(i * 10_000_000);
            let admitted = throttle.admit(now, luck::mix(i, 1));
            // One in ten of all requests can be served: those that come when i is a multiple of 10.
            if admitted && i % 10 == 0 {
                throttle.accepted(now);
            }
            if i > 50_000 {
                of += 1;
                sent += u32::from(admitted);
            }
        }
        // accepts = 0.1 s·n, so s = K × 0.1 × s has only the solution 0: traffic shrinks to what probes.
        assert!(f64::from(sent) / f64::from(of) < 0.02, "{sent} of {of}");
    }

    #[test]
    fn a_healthy_service_is_never_throttled_and_an_old_past_is_forgotten() {
        let mut throttle = Throttle::new(2.0, Span::from_secs(120));
        for i in 0..1_000u64 {
            let now = Time(i * 10_000_000);
            assert!(throttle.admit(now, 0));
            throttle.accepted(now);
        }
        for i in 0..5_000u64 {
            throttle.admit(Time::from_secs(11) + Span(i * 1_000_000), 0);
        }
        assert!(
            !throttle.admit(Time::from_secs(20), 0),
            "the least luck is refused under overload"
        );
        assert!(throttle.admit(Time::from_secs(200), 0), "two minutes later nothing is left");
    }
}
