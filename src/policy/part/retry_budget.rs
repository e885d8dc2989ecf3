//! A retry budget: retries may be a share of requests, no more, so that a fault cannot turn into a storm.
//!
//! The token bucket of M. Brooker's simulator ("Fixing retries with token buckets and circuit breakers",
//! 2022): each request puts in `share`, a retry takes 1.

/// A token bucket in millionths of a retry.
#[derive(Clone, Debug)]
pub struct RetryBudget {
    share: u64,
    tokens: u64,
    size: u64,
}

const ONE: u64 = 1_000_000;

impl RetryBudget {
    /// A budget of `share` retries per request, in [0, 1], that saves up `size` of them at most; it starts
    /// full.
    pub fn new(share: f64, size: u32) -> Self {
        let size = u64::from(size) * ONE;
        Self { share: (share.clamp(0.0, 1.0) * ONE as f64) as u64, tokens: size, size }
    }

    /// A request came.
    pub fn deposit(&mut self) {
        self.tokens = (self.tokens + self.share).min(self.size);
    }

    /// Takes one retry, if there is one.
    pub fn withdraw(&mut self) -> bool {
        let enough = self.tokens >= ONE;
        if enough {
            self.tokens -= ONE;
        }
        enough
    }

    /// Gives back a retry that was not made.
    pub fn refund(&mut self) {
        self.tokens = (self.tokens + ONE).min(self.size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_are_at_most_their_share_of_requests() {
        let mut budget = RetryBudget::new(0.1, 10);
        let taken = (0..10_000)
            .filter(|_| {
                budget.deposit();
                budget.withdraw()
            })
            .count();
        assert_eq!(taken, 1_009, "the savings of 10, and a tenth of 10,000 less the fraction left");
    }
}
