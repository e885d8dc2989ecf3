//! Least busy: the deployment with the fewest attempts under way wins, the first in the list among equals.
//!
//! A count goes up when an attempt starts and down when its success or failure is reported, never below 0; it
//! lives an hour from its first attempt. Fast failures look idle. Behind the proxy only the first failure of
//! a request is reported, so every further one leaves the count one too high until it expires.
//!
//! Source: LiteLLM 1.106.2, `router_strategy/least_busy.py`, and `BerriAI/litellm` 32574.

use crate::engine::{Span, Time};
use crate::policy::RouteId;

use super::counters::{Counters, Key, Kind};
use super::look::Look;

/// An attempt starts.
pub fn started(counters: &mut Counters, route: RouteId, now: Time, ttl: Span) {
    counters.add(Key::new(Kind::Busy, route), 1, now, ttl);
}

/// The end of an attempt was reported.
pub fn ended(counters: &mut Counters, route: RouteId, now: Time, ttl: Span) {
    let key = Key::new(Kind::Busy, route);
    if counters.add(key, -1, now, ttl) < 0 {
        counters.set(key, 0, now, ttl);
    }
}

/// Weighs candidates: 1 for the one to take, 0 for the others.
pub fn weigh(counters: &Counters, look: &Look<'_>, weights: &mut [f64]) {
    look.take_least(weights, |_, route| {
        Some(counters.get(Key::new(Kind::Busy, route), look.now).unwrap_or(0))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::litellm::LEAST_BUSY;
    use crate::policy::litellm::look::tests::{FREE, weights};
    use crate::policy::litellm::params::Config;

    const LEFT: [RouteId; 2] = [RouteId(0), RouteId(1)];

    fn hour() -> Span {
        Config::of(&LEAST_BUSY.settings()).busy_ttl
    }

    fn winner(counters: &Counters, secs: u64) -> usize {
        let weights = weights(&[FREE; 2], secs, |look, to| weigh(counters, look, to));
        assert_eq!(weights.iter().sum::<f64>(), 1.0);
        usize::from(weights[1] == 1.0)
    }

    #[test]
    fn the_fewest_under_way_win_and_ties_go_to_the_first() {
        let mut counters = Counters::new(2, 200);
        let now = Time::from_secs(1);
        assert_eq!(winner(&counters, 1), 0);
        started(&mut counters, LEFT[0], now, hour());
        assert_eq!(winner(&counters, 1), 1);
        started(&mut counters, LEFT[1], now, hour());
        assert_eq!(winner(&counters, 1), 0);
    }

    #[test]
    fn a_count_that_was_never_taken_back_stays_for_an_hour() {
        let mut counters = Counters::new(2, 200);
        started(&mut counters, LEFT[0], Time::from_secs(1), hour());
        assert_eq!((winner(&counters, 3_601), winner(&counters, 3_602)), (1, 0));
    }

    #[test]
    fn a_count_never_falls_below_nothing() {
        let mut counters = Counters::new(2, 200);
        let now = Time::from_secs(1);
        ended(&mut counters, LEFT[0], now, hour());
        started(&mut counters, LEFT[0], now, hour());
        assert_eq!(winner(&counters, 1), 1);
    }
}
