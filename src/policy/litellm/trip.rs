//! Whether a failure takes its deployment out.
//!
//! First match wins: a 429 in a group of several; nothing but failures, and 1000 of them; more than half
//! failures of at least five requests, in a group of several; a status that is not retryable. Only 401, 402,
//! 404, 408, 429 and what is not a 4xx can take a deployment out, though every failure counts. Where allowed
//! failures are set, they replace all of this: the deployment goes out when more have come within one
//! cooldown time from the first.
//!
//! Source: LiteLLM 1.106.2, `router_utils/cooldown_handlers.py`. Left out: policies per error class and per
//! deployment.

use crate::engine::{Outcome, Span};

use super::params::Trip;

/// A failure as the rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
    /// HTTP status.
    pub status: u16,
    /// Failures of the deployment in its window, this one included.
    pub fails: i64,
    /// Successes in theirs.
    pub successes: i64,
    /// Whether it is the only deployment of its group.
    pub alone: bool,
}

/// The status that an outcome has inside the router: a failed connection and a broken stream are errors of
/// the server.
pub fn status(outcome: &Outcome) -> u16 {
    match outcome {
        Outcome::Unreachable | Outcome::StreamBroken { .. } => 500,
        other => other.status(),
    }
}

/// Whether a status is worth another try.
pub fn is_retryable(status: u16) -> bool {
    matches!(status, 408 | 409 | 429) || status >= 500
}

impl Trip {
    /// For how long a failure takes its deployment out, if the rules say that it does; `None` where the
    /// outcome cannot take it out at all.
    pub fn lasts(&self, outcome: &Outcome) -> Option<Span> {
        let lasts = match outcome {
            // The header is a whole number of seconds.
            Outcome::RateLimited { retry_after: Some(hint) } => {
                Span::from_secs(hint.0.div_ceil(1_000_000_000))
            }
            _ => self.time,
        };
        let status = status(outcome);
        let eligible =
            !(400..500).contains(&status) || matches!(status, 401 | 402 | 404 | 408 | 429);
        let connected = self.connection_errors || !matches!(outcome, Outcome::Unreachable);
        (self.enabled && lasts > Span::ZERO && eligible && connected).then_some(lasts)
    }

    /// Why a failure takes its deployment out by the rule without allowed failures, if it does.
    pub fn reason(&self, failure: Failure) -> Option<&'static str> {
        let Failure { status, fails, successes, alone } = failure;
        let total = fails + successes;
        let share = fails as f64 / total.max(1) as f64;
        if alone && status == 402 {
            None
        } else if status == 429 && !alone {
            Some("429")
        } else if successes == 0 && total >= self.all_failed {
            Some("all failed")
        } else if share > self.threshold && total >= self.min_requests && !alone {
            Some("failure rate")
        } else if !is_retryable(status) {
            Some("refused")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Refusal;
    use crate::policy::litellm::SIMPLE_SHUFFLE;
    use crate::policy::litellm::params::Config;

    fn trip() -> Trip {
        Config::of(&SIMPLE_SHUFFLE.settings()).trip
    }

    fn cools(status: u16, fails: i64, successes: i64, alone: bool) -> bool {
        trip().reason(Failure { status, fails, successes, alone }).is_some()
    }

    #[test]
    fn more_than_half_of_at_least_five_must_fail() {
        assert!(!cools(500, 4, 0, false) && cools(500, 5, 0, false));
        assert!(!cools(500, 3, 1, false) && cools(500, 3, 2, false));
        assert!(!cools(500, 50, 50, false) && cools(500, 51, 50, false));
    }

    #[test]
    fn the_only_deployment_goes_out_after_a_thousand_failures_and_no_success() {
        assert!(!cools(500, 999, 0, true) && cools(500, 1_000, 0, true));
        assert!(!cools(500, 1_000, 1, true));
        assert!(!cools(429, 10, 0, true) && cools(429, 1, 100, false));
    }

    /// First cooldown of two equal deployments without retries, by status: what the real router did.
    #[test]
    fn each_status_goes_out_after_as_many_failures_as_in_the_product() {
        let out = |outcome: Outcome| {
            (1..=12).find(|fails| {
                let (status, successes) = (status(&outcome), 0);
                let failure = Failure { status, fails: *fails, successes, alone: false };
                trip().lasts(&outcome).is_some() && trip().reason(failure).is_some()
            })
        };
        let refused = |class| out(Outcome::KeyRefused { class });
        for class in [Refusal::Credential, Refusal::Quota, Refusal::ModelGone] {
            assert_eq!(refused(class), Some(1), "{class:?}");
        }
        assert_eq!(out(Outcome::RateLimited { retry_after: None }), Some(1));
        for outcome in [500, 502, 503, 504, 529].map(|status| Outcome::ServerError { status }) {
            assert_eq!(out(outcome), Some(5), "{outcome:?}");
        }
        assert_eq!((out(Outcome::Unreachable), out(Outcome::Timeout)), (Some(5), Some(5)));
        assert_eq!(refused(Refusal::ModelAccess), None);
        for outcome in [400, 409, 413, 422].map(|status| Outcome::CallerFault { status }) {
            assert_eq!(out(outcome), None, "{outcome:?}");
        }
    }

    #[test]
    fn the_only_deployment_goes_out_for_401_and_404_but_not_for_402() {
        assert!(cools(401, 1, 100, true) && cools(404, 1, 100, true));
        assert!(!cools(402, 1, 100, true) && cools(402, 1, 100, false));
    }

    #[test]
    fn a_hint_sets_how_long_and_a_hint_of_nothing_takes_nobody_out() {
        let lasts = |millis: u64| {
            let retry_after = Some(Span::from_millis(millis));
            trip().lasts(&Outcome::RateLimited { retry_after })
        };
        assert_eq!(lasts(20_000), Some(Span::from_secs(20)));
        assert_eq!(lasts(1_200), Some(Span::from_secs(2)), "the header is in whole seconds");
        assert_eq!(lasts(0), None);
        assert_eq!(trip().lasts(&Outcome::Timeout), Some(Span::from_secs(5)));
    }

    #[test]
    fn where_connections_fail_in_another_client_nobody_goes_out() {
        let other = Trip { connection_errors: false, ..trip() };
        assert_eq!(other.lasts(&Outcome::Unreachable), None);
        assert!(other.lasts(&Outcome::Timeout).is_some());
    }
}
