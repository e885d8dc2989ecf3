//! The score: four named parts and how they become a weight. Pure functions of windows and parameters.

use super::params::Params;
use super::time::Span;
use super::window::{Tally, WINDOWS};

/// The parts of a score, before weighting. Penalties are in [0, `error.cap`] or [0, 1]; the bonus in
/// [0, `momentum.cap`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Parts {
    /// Error penalty.
    pub error: f64,
    /// Latency penalty.
    pub latency: f64,
    /// Utilization penalty.
    pub utilization: f64,
    /// Momentum bonus.
    pub momentum: f64,
}

impl Parts {
    /// The weighted sum, clamped to [0, 1] (the clamp is our choice: else momentum would lift a weight over
    /// its maximum).
    pub fn score(&self, params: &Params) -> f64 {
        let penalty = params.score_error * self.error
            + params.score_latency * self.latency
            + params.score_utilization * self.utilization;
        (penalty - self.momentum).clamp(0.0, 1.0)
    }

    /// The weight that follows.
    pub fn weight(&self, params: &Params) -> f64 {
        let range = params.weight_max - params.weight_min;
        params.weight_min + (1.0 - self.score(params)) * range
    }
}

/// The blended error ratio R over short window, long window and the whole past. A window without attempts is
/// left out and the others count in proportion; with no attempts at all R is 0, so a new key starts at full
/// weight.
pub fn blended_error(sums: &[Tally; WINDOWS], all: Tally, params: &Params) -> f64 {
    let (mut blend, mut weight) = (0.0, 0.0);
    for (tally, share) in [
        (sums[2], params.error_mix_short),
        (sums[3], params.error_mix_long),
        (all, params.error_mix_all),
    ] {
        if let Some(rate) = tally.rate() {
            blend += share * rate;
            weight += share;
        }
    }
    if weight > 0.0 { blend / weight } else { 0.0 }
}

/// The error penalty `min(cap, factor × R^exponent)`, decayed by the time since the last error.
pub fn error_penalty(blend: f64, since_error: Option<Span>, params: &Params) -> f64 {
    let (Some(since), true) = (since_error, blend > 0.0) else { return 0.0 };
    let full =
        (params.error_factor * libm::pow(blend, params.error_exponent)).min(params.error_cap);
    full * decay(since.as_secs_f64(), params)
}

/// `exp(-t/tau)`: fast up to the knee, slow after it, continuous there.
fn decay(since_s: f64, params: &Params) -> f64 {
    let fast = since_s.min(params.error_knee) / params.error_tau_fast;
    let slow = (since_s - params.error_knee).max(0.0) / params.error_tau_slow;
    libm::exp(-(fast + slow))
}

/// The utilization penalty of a route that carries `share` of its direction's traffic among `healthy` routes.
pub fn utilization_penalty(share: f64, healthy: usize, params: &Params) -> f64 {
    let excess = share * healthy as f64 - 1.0;
    if excess > 0.0 { libm::pow(excess, params.utilization_exponent).min(1.0) } else { 0.0 }
}

/// The momentum bonus for a success rate over the momentum window.
pub fn momentum(window: Tally, params: &Params) -> f64 {
    let Some(rate) = window.rate() else { return 0.0 };
    if params.momentum_cap == 0.0 || (window.attempts as f64) < params.momentum_min_attempts {
        return 0.0;
    }
    let x = params.momentum_gamma * (1.0 - rate - params.momentum_pivot);
    (params.momentum_lambda / (1.0 + libm::exp(-x))).min(params.momentum_cap)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published() -> Params {
        Params::from_preset("bifrost-published").unwrap()
    }

    fn weight_of_error(rate: f64, since_s: f64) -> f64 {
        let params = published();
        let error = error_penalty(rate, Some(Span::from_secs_f64(since_s)), &params);
        Parts { error, ..Parts::default() }.weight(&params)
    }

    fn close(got: f64, want: f64, bound: f64) {
        assert!((got - want).abs() <= bound, "got {got}, want {want}");
    }

    // The worked vectors of the published formulas (computed by hand from them).
    #[test]
    fn error_ratios_give_the_published_weights() {
        for (rate, weight) in [
            (0.0, 1000.0),
            (0.0001, 968.6),
            (0.001, 921.2),
            (0.005, 850.0),
            (0.01, 802.1),
            (0.02, 738.9),
            (0.05, 623.2),
            (0.10, 502.9),
            (0.1012, 500.5),
            (1.0, 500.5),
        ] {
            close(weight_of_error(rate, 0.0), weight, 0.06);
        }
    }

    #[test]
    fn the_penalty_decays_to_a_tenth_in_thirty_seconds() {
        for (since, weight) in [(5.0, 659.7), (10.0, 768.2), (20.0, 892.4), (30.0, 950.0)] {
            close(weight_of_error(1.0, since), weight, 0.06);
        }
        for (since, weight) in [(5.0, 743.3), (10.0, 825.1), (20.0, 918.8), (30.0, 962.3)] {
            close(weight_of_error(0.05, since), weight, 0.06);
        }
        let params = published();
        let at = |s| error_penalty(1.0, Some(Span::from_secs_f64(s)), &params);
        close(at(59.999_999), at(60.000_001), 1e-8);
    }

    #[test]
    fn latency_and_utilization_give_the_published_weights() {
        let params = published();
        for (latency, weight) in [(0.10, 980.0), (0.25, 950.05), (0.5, 900.1), (1.0, 800.2)] {
            close(Parts { latency, ..Parts::default() }.weight(&params), weight, 0.06);
        }
        for (share, penalty, weight) in
            [(0.6, 0.089, 995.5), (0.75, 0.354, 982.3), (1.0, 1.0, 950.05)]
        {
            let utilization = utilization_penalty(share, 2, &params);
            close(utilization, penalty, 0.0006);
            close(Parts { utilization, ..Parts::default() }.weight(&params), weight, 0.06);
        }
        assert_eq!(utilization_penalty(1.0, 1, &params), 0.0);
    }

    #[test]
    fn short_outages_give_the_published_blend_and_penalty() {
        let params = published();
        for (outage_s, blend, penalty) in [
            (1u64, 0.009, 0.39),
            (2, 0.019, 0.51),
            (5, 0.047, 0.73),
            (10, 0.094, 0.97),
            (30, 0.282, 1.0),
        ] {
            let errors = outage_s * 100;
            let tally = |window_s: u64| Tally { attempts: window_s * 100, errors };
            let got = blended_error(
                &[Tally::default(), Tally::default(), tally(60), tally(300)],
                tally(3600),
                &params,
            );
            close(got, blend, 0.0015);
            close(error_penalty(got, Some(Span::ZERO), &params), penalty, 0.01);
        }
    }

    #[test]
    fn an_empty_window_leaves_the_others_in_proportion() {
        let params = published();
        let all = Tally { attempts: 100, errors: 10 };
        let none = [Tally::default(); WINDOWS];
        close(blended_error(&none, all, &params), 0.1, 1e-12);
        assert_eq!(blended_error(&none, Tally::default(), &params), 0.0);
    }

    #[test]
    fn momentum_is_half_at_the_pivot_and_nothing_below_it() {
        let params = published();
        let bonus = |errors| momentum(Tally { attempts: 1000, errors }, &params);
        close(bonus(30), 0.05, 1e-9);
        close(bonus(50), 0.10 * 0.047, 0.0002);
        close(bonus(0), 0.10 * 0.989, 0.0002);
        assert_eq!(momentum(Tally { attempts: 4, errors: 0 }, &params), 0.0);
    }

    /// How long after an outage with error rate `p` begins the blend crosses `threshold`, given an hour of
    /// clean history at a steady rate (100 attempts per second here).
    fn crossing(p: f64, threshold: f64) -> Option<f64> {
        let params = published();
        (1..6000u64).map(|tenth| tenth as f64 / 10.0).find(|t| {
            let tally = |window: f64| Tally {
                attempts: (window * 100_000.0) as u64,
                errors: (t.min(window) * p * 100_000.0) as u64,
            };
            let sums = [Tally::default(), Tally::default(), tally(60.0), tally(300.0)];
            let all = Tally {
                attempts: ((3600.0 + t) * 100_000.0) as u64,
                errors: (t * p * 100_000.0) as u64,
            };
            blended_error(&sums, all, &params) > threshold
        })
    }

    // An independent simulation of the published blend gave these; they are its detection law.
    #[test]
    fn the_blend_alone_crosses_two_and_five_percent_when_the_reference_says() {
        let law = [
            (1.0, 2.1, Some(5.3)),
            (0.5, 4.3, Some(10.7)),
            (0.2, 10.7, Some(26.6)),
            (0.1, 21.3, Some(53.3)),
            (0.05, 42.6, None),
        ];
        for (p, two, five) in law {
            close(crossing(p, 0.02).unwrap(), two, 0.21);
            match five {
                Some(five) => close(crossing(p, 0.05).unwrap(), five, 0.21),
                None => {
                    assert_eq!(crossing(p, 0.05), None, "5 % errors never fail a route by rate");
                }
            }
        }
    }
}
