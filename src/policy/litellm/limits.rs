//! What the configuration says of a deployment, and the checks against its limits before a call.
//!
//! The check before a call (off by default) drops a deployment that had as many attempts as its `rpm` in a
//! window of 60 s from the first of them. Strategies that count have checks of their own, always on, in
//! calendar minutes. Source: LiteLLM 1.106.2, `router.py`, `_pre_call_checks`, and `router_strategy`. Left
//! out: context windows and regions.

use crate::policy::{Pool, RouteId};

/// A deployment as the configuration has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// Weight; 0 = not set.
    pub weight: f64,
    /// Requests per minute.
    pub rpm: Option<u64>,
    /// Tokens per minute.
    pub tpm: Option<u64>,
    /// Prompt and output price added.
    pub price: u128,
}

impl Known {
    /// All deployments of a pool.
    pub fn all(pool: &Pool) -> Vec<Self> {
        let mut weights = vec![None; pool.models.len()];
        let mut differ = vec![false; pool.models.len()];
        for route in &pool.routes {
            let model = usize::from(route.model.0);
            differ[model] |= *weights[model].get_or_insert(route.weight) != route.weight;
        }
        let known = |route: &crate::policy::RouteInfo| Self {
            weight: if differ[usize::from(route.model.0)] { route.weight } else { 0.0 },
            rpm: route.rpm,
            tpm: route.tpm,
            price: u128::from(route.price_prompt) + u128::from(route.price_output),
        };
        pool.routes.iter().map(known).collect()
    }

    /// Whether the check before a call lets it through.
    pub fn may_start(&self, attempts: i64) -> bool {
        self.rpm.is_none_or(|rpm| i128::from(attempts) < i128::from(rpm))
    }

    /// Whether a strategy that counts `tokens` and `requests` of this minute still takes it. `strict` has the
    /// last request of the minute unused.
    pub fn has_room(&self, tokens: u64, requests: u64, prompt: u32, strict: bool) -> bool {
        let requests = requests.saturating_add(if strict { 2 } else { 1 });
        self.tpm.is_none_or(|tpm| tokens.saturating_add(u64::from(prompt)) <= tpm)
            && self.rpm.is_none_or(|rpm| requests <= rpm)
    }
}

/// Answers and tokens of the current calendar minute, counted when they come.
#[derive(Clone, Debug)]
pub struct Usage {
    /// (minute, tokens, requests) of each route.
    counts: Vec<(u64, u64, u64)>,
}

impl Usage {
    /// Nothing yet.
    pub fn new(routes: usize) -> Self {
        Self { counts: vec![(0, 0, 0); routes] }
    }

    /// An answer of so many tokens in this minute.
    pub fn answered(&mut self, route: RouteId, minute: u64, tokens: u64) {
        let (_, before, requests) = self.of(route, minute);
        self.counts[route.index()] = (minute, before + tokens, requests + 1);
    }

    /// The minute, tokens and requests of a route.
    pub fn of(&self, route: RouteId, minute: u64) -> (u64, u64, u64) {
        match self.counts[route.index()] {
            counts if counts.0 == minute => counts,
            _ => (minute, 0, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Known = Known { weight: 0.0, rpm: Some(10), tpm: Some(1_000), price: 0 };

    #[test]
    fn the_check_before_a_call_uses_the_whole_limit() {
        assert!(KNOWN.may_start(9) && !KNOWN.may_start(10));
        assert!(Known { rpm: None, ..KNOWN }.may_start(i64::MAX));
    }

    #[test]
    fn a_strict_count_leaves_the_last_request_unused() {
        assert!(KNOWN.has_room(0, 9, 1, false) && !KNOWN.has_room(0, 10, 1, false));
        assert!(KNOWN.has_room(0, 8, 1, true) && !KNOWN.has_room(0, 9, 1, true));
    }

    #[test]
    fn tokens_of_the_prompt_count_against_the_limit() {
        assert!(KNOWN.has_room(900, 0, 100, true) && !KNOWN.has_room(901, 0, 100, true));
    }

    #[test]
    fn usage_is_of_one_minute() {
        let mut usage = Usage::new(1);
        usage.answered(RouteId(0), 3, 40);
        usage.answered(RouteId(0), 3, 2);
        assert_eq!(usage.of(RouteId(0), 3), (3, 42, 2));
        assert_eq!(usage.of(RouteId(0), 4), (4, 0, 0));
    }
}
