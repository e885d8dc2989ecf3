//! Waits between attempts: constant, linear or exponential, with a cap and jitter.

use crate::engine::{Span, luck};

/// How a wait grows with the number of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// Always the same.
    Constant,
    /// n times the first.
    Linear,
    /// Doubled each time.
    Exponential,
}

/// A rule for waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The first wait, in seconds.
    pub first: f64,
    /// The longest, in seconds.
    pub max: f64,
    /// How it grows.
    pub growth: Growth,
    /// Waits vary by this share either way, in [0, 1], and stay below the longest.
    pub jitter: f64,
}

impl Backoff {
    /// The wait after the `failures`-th failure (from 1).
    pub fn wait(&self, failures: u32, word: u64) -> Span {
        let n = failures.saturating_sub(1);
        let factor = match self.growth {
            Growth::Constant => 1.0,
            Growth::Linear => f64::from(n + 1),
            Growth::Exponential => f64::from(1u32 << n.min(30)),
        };
        let full = (self.first * factor).min(self.max);
        let varied = full * (1.0 + self.jitter * (2.0 * luck::unit(word) - 1.0));
        Span::from_secs_f64(varied.min(self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_as_named_and_stop_at_the_cap() {
        let of = |growth| {
            let backoff = Backoff { first: 0.5, max: 3.0, growth, jitter: 0.0 };
            [1, 2, 3, 4].map(|n| backoff.wait(n, 7).as_secs_f64())
        };
        assert_eq!(of(Growth::Constant), [0.5, 0.5, 0.5, 0.5]);
        assert_eq!(of(Growth::Linear), [0.5, 1.0, 1.5, 2.0]);
        assert_eq!(of(Growth::Exponential), [0.5, 1.0, 2.0, 3.0]);
    }

    #[test]
    fn jitter_goes_both_ways_and_not_beyond_the_cap() {
        let backoff = Backoff { first: 1.0, max: 1.1, growth: Growth::Constant, jitter: 0.2 };
        let waits: Vec<f64> =
            (0..1_000u64).map(|l| backoff.wait(1, luck::mix(l, 1)).as_secs_f64()).collect();
        assert!(waits.iter().all(|wait| (0.8..=1.1).contains(wait)));
        assert!(waits.iter().any(|w| *w < 0.85) && waits.iter().any(|w| *w > 1.09));
    }
}
