//! Moving averages of what attempts took.
//!
//! A *peak* average takes bad news at once and good news slowly. Two products write it differently, and both
//! ways are here: in tower (repository tower-rs/tower, 8358ee71, `load/peak_ewma`) reading counts as a sample
//! of zero, and a sample is compared with the stored value; in linkerd (linkerd2-proxy, `linkerd/ewma`,
//! 2026) reading changes nothing, and a sample is compared with the decayed value. The average *by sample*
//! is agentgateway's (75b4e6ce6, `types/loadbalancer.rs`).

use crate::engine::Time;

/// A peak average in seconds that decays towards zero.
#[derive(Clone, Copy, Debug)]
pub struct PeakEwma {
    value: f64,
    at: Time,
    tau: f64,
}

impl PeakEwma {
    /// Starts at `first` seconds and decays by a factor e every `tau` seconds.
    pub const fn new(now: Time, first: f64, tau: f64) -> Self {
        Self { value: first, at: now, tau }
    }

    /// The value now; reading it changes nothing (linkerd).
    pub fn projected(&self, now: Time) -> f64 {
        self.value * self.kept(now)
    }

    /// The value now; reading it counts as a sample of zero (tower).
    pub fn read(&mut self, now: Time) -> f64 {
        self.blend(now, 0.0);
        self.value
    }

    /// A sample that is a peak if it is above the stored value (tower).
    pub fn sample(&mut self, now: Time, secs: f64) {
        if secs > self.value {
            (self.value, self.at) = (secs, now);
        } else {
            self.blend(now, secs);
        }
    }

    /// A sample that is a peak if it is above the decayed value (linkerd).
    pub fn sample_projected(&mut self, now: Time, secs: f64) {
        if secs > self.projected(now) {
            (self.value, self.at) = (secs, now);
        } else {
            self.blend(now, secs);
        }
    }

    fn blend(&mut self, now: Time, secs: f64) {
        let kept = self.kept(now);
        self.value = self.value * kept + secs * (1.0 - kept);
        self.at = self.at.max(now);
    }

    fn kept(&self, now: Time) -> f64 {
        libm::exp(-now.since(self.at).as_secs_f64() / self.tau)
    }
}

/// An average in which each sample has the same weight, however much time lies between them. An average of
/// zero counts as unset.
#[derive(Clone, Copy, Debug)]
pub struct SampleEwma {
    /// The average.
    pub value: f64,
    alpha: f64,
}

impl SampleEwma {
    /// Starts at `first`; a new sample has weight `alpha`.
    pub const fn new(first: f64, alpha: f64) -> Self {
        Self { value: first, alpha }
    }

    /// A sample.
    pub fn record(&mut self, sample: f64) {
        self.value = if self.value == 0.0 {
            sample
        } else {
            self.alpha * sample + (1.0 - self.alpha) * self.value
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1/e.
    const E1: f64 = 0.367_879_441_171_442_33;

    fn at(secs: u64) -> Time {
        Time::from_secs(secs)
    }

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} for {expected}");
    }

    #[test]
    fn a_peak_counts_at_once_and_the_rest_by_the_time_that_passed() {
        let mut rtt = PeakEwma::new(at(0), 1.0, 10.0);
        rtt.sample(at(3), 4.0);
        near(rtt.projected(at(3)), 4.0);
        rtt.sample(at(13), 2.0);
        near(rtt.projected(at(13)), 4.0 * E1 + 2.0 * (1.0 - E1));
    }

    #[test]
    fn reading_as_tower_does_wears_a_later_sample_down() {
        let fresh = PeakEwma::new(at(0), 4.0, 10.0);
        let (mut quiet, mut watched) = (fresh, fresh);
        quiet.sample(at(10), 1.0);
        near(quiet.projected(at(10)), 4.0 * E1 + 1.0 - E1);
        near(watched.read(at(10)), 4.0 * E1);
        watched.sample(at(10), 1.0);
        near(watched.projected(at(10)), 4.0 * E1);
    }

    #[test]
    fn the_two_kinds_of_peak_differ_between_the_stored_and_the_decayed_value() {
        let fresh = PeakEwma::new(at(0), 4.0, 10.0);
        let (mut tower, mut linkerd) = (fresh, fresh);
        tower.sample(at(10), 3.0);
        near(tower.projected(at(10)), 4.0 * E1 + 3.0 * (1.0 - E1));
        linkerd.sample_projected(at(10), 3.0);
        near(linkerd.projected(at(10)), 3.0);
        linkerd.sample_projected(at(20), 1.0);
        near(linkerd.projected(at(20)), 3.0 * E1 + 1.0 - E1);
    }

    #[test]
    fn by_sample_each_counts_the_same_and_zero_is_unset() {
        let mut health = SampleEwma::new(1.0, 0.3);
        health.record(0.0);
        health.record(0.0);
        near(health.value, 0.49);
        let mut latency = SampleEwma::new(0.0, 0.3);
        latency.record(2.0);
        near(latency.value, 2.0);
    }
}
