//! When a request is tried again, and how long the router sleeps before.
//!
//! Retries avoid nobody but who is cooling. Where the group has several deployments and one of them is not
//! cooling, they follow at once. The only deployment of a group is tried again after a wait, and after its last
//! failure the router sleeps once more before it gives up.
//!
//! Source: LiteLLM 1.106.2, `router.py`, `async_function_with_retries`, `should_retry_this_error`,
//! `_time_to_sleep_before_retry`; `utils.py`. Left out: retry policies per error class, fallback groups.

use crate::engine::{Outcome, Span, luck};

use super::params::Retry;
use super::trip;

const JITTER: u64 = luck::name("litellm retry jitter");

impl Retry {
    /// Whether a failure in a group of so many deployments is tried again, if any retries are left.
    pub fn helps(&self, outcome: &Outcome, group: usize) -> bool {
        match trip::status(outcome) {
            401 | 403 => group > 1,
            status => trip::is_retryable(status),
        }
    }

    /// How long to sleep after the `failures`-th failure (from 1).
    pub fn pause(&self, outcome: &Outcome, group: usize, failures: usize, word: u64) -> Span {
        if group > 1 {
            return Span::ZERO;
        }
        let hint = match outcome {
            Outcome::RateLimited { retry_after: Some(hint) } => hint.as_secs_f64().ceil(),
            _ => 0.0,
        };
        let doubled = self.first * f64::from(1u32 << failures.saturating_sub(1).min(30));
        let wait = if hint > 0.0 && hint <= self.hint_max {
            hint
        } else {
            doubled.max(self.shortest).min(self.longest)
        };
        Span::from_secs_f64(wait + self.jitter * luck::unit(luck::mix(word, JITTER)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Refusal;
    use crate::policy::litellm::SIMPLE_SHUFFLE;
    use crate::policy::litellm::params::Config;

    const DOWN: Outcome = Outcome::ServerError { status: 500 };

    fn retry() -> Retry {
        Config::of(&SIMPLE_SHUFFLE.settings()).retry
    }

    /// Shortest and longest of many waits, in seconds.
    fn waits(outcome: Outcome, failures: usize) -> (f64, f64) {
        let of = |word| retry().pause(&outcome, 1, failures, luck::mix(word, 1)).as_secs_f64();
        let all: Vec<f64> = (0..2_000).map(of).collect();
        (all.iter().copied().fold(f64::MAX, f64::min), all.iter().copied().fold(0.0, f64::max))
    }

    #[test]
    fn waits_double_up_to_eight_seconds_and_vary_by_three_quarters_of_one() {
        for (failures, least) in [(1, 0.5), (2, 1.0), (3, 2.0), (5, 8.0), (9, 8.0)] {
            let (shortest, longest) = waits(DOWN, failures);
            assert!((least..least + 0.01).contains(&shortest), "{failures}: {shortest}");
            assert!((least + 0.74..least + 0.75).contains(&longest), "{failures}: {longest}");
        }
        assert_eq!(
            retry().pause(&DOWN, 2, 1, 7),
            Span::ZERO,
            "another deployment is tried at once"
        );
    }

    #[test]
    fn a_hint_is_followed_up_to_a_minute() {
        let hinted = |secs| Outcome::RateLimited { retry_after: Some(Span::from_secs(secs)) };
        assert!(waits(hinted(60), 1).0 >= 60.0);
        assert!(waits(hinted(61), 1).1 < 1.25);
        assert!(waits(hinted(0), 1).1 < 1.25);
    }

    #[test]
    fn what_the_caller_or_the_key_is_to_blame_for_is_not_tried_again() {
        let helps = |outcome, group| retry().helps(&outcome, group);
        for outcome in [DOWN, Outcome::Timeout, Outcome::Unreachable] {
            assert!(helps(outcome, 1));
        }
        assert!(helps(Outcome::RateLimited { retry_after: None }, 1));
        assert!(!helps(Outcome::CallerFault { status: 400 }, 9));
        assert!(helps(Outcome::CallerFault { status: 409 }, 1));
        let refused = |class, group| helps(Outcome::KeyRefused { class }, group);
        assert!(refused(Refusal::Credential, 2) && !refused(Refusal::Credential, 1));
        assert!(refused(Refusal::ModelAccess, 2) && !refused(Refusal::ModelAccess, 1));
        assert!(!refused(Refusal::Quota, 9) && !refused(Refusal::ModelGone, 9));
    }
}
