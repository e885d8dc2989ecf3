//! The age of unanswered attempts, against its own slow baseline: a silent hang shows long before its timeout.
//!
//! Our own addition (`silence.enabled`); the vendor's published text waits for outcomes.

use super::cell::Totals;
use super::health::Health;
use super::params::Params;

/// One route's silence.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Silence {
    baseline_ln: f64,
    /// Ticks that made the baseline.
    ticks: u64,
    penalty: f64,
}

impl Silence {
    /// A latency penalty in [0, 1].
    pub(super) const fn penalty(&self) -> f64 {
        self.penalty
    }

    /// Compares the mean age of unanswered attempts with its baseline, which moves slowly and not at all
    /// while the route is suspect.
    pub(super) fn tick(&mut self, totals: &Totals, params: &Params, health: Health) {
        let age = totals.silent_age.as_secs_f64();
        let few = (totals.silent as f64) < params.silence_min_open;
        if params.silence_enabled == 0.0 || few || age <= 0.0 {
            self.penalty = 0.0;
            return;
        }
        let ln_age = libm::log(age);
        let margin = libm::log(params.silence_margin);
        let exceed = ln_age - self.baseline_ln - margin;
        self.penalty = if self.ticks > 0 && exceed > 0.0 {
            1.0 - libm::exp(-params.latency_k * exceed / margin)
        } else {
            0.0
        };
        if health == Health::Healthy && self.penalty == 0.0 {
            self.ticks += 1;
            let slow = 1.0 - libm::exp(-params.interval / params.latency_baseline);
            let rate = slow.max(1.0 / self.ticks as f64);
            self.baseline_ln += rate * (ln_age - self.baseline_ln);
        }
    }
}
