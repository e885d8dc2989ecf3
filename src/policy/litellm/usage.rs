//! Usage-based routing, both versions: the fewest tokens of this calendar minute win.
//!
//! Version 2 counts requests when they start and tokens when they are answered, in the shared cache, and
//! draws among those that tie. Version 1 counts both when they are answered; ties go to the one that entered
//! the minute's map first. Both leave the last request of a limit unused. Tokens of failures never count, so
//! a deployment that fails draws traffic.
//!
//! Source: LiteLLM 1.106.2, `router_strategy/lowest_tpm_rpm_v2.py`, `lowest_tpm_rpm.py`. Minutes are UTC in
//! version 2 and local in version 1; here both begin with time zero.

use crate::engine::{Span, Time};
use crate::policy::RouteId;

use super::counters::{Counters, Key, Kind, minute};
use super::dict::Dict;
use super::limits::{Known, Usage};
use super::look::{Answer, Look};

/// How long a minute's counters are kept.
const KEPT: Span = Span::from_secs(60);

/// Version 2: an attempt starts.
pub fn started(counters: &mut Counters, route: RouteId, now: Time) {
    counters.add(Key::of_minute(Kind::MinuteRequests, route, now), 1, now, KEPT);
}

/// Version 2: an answer of so many tokens.
pub fn answered(counters: &mut Counters, route: RouteId, now: Time, tokens: u64) {
    let tokens = i64::try_from(tokens).unwrap_or(i64::MAX);
    counters.add(Key::of_minute(Kind::MinuteTokens, route, now), tokens, now, KEPT);
}

/// Version 2: weighs candidates, 1 for each with the fewest tokens and room left, 0 for the others.
pub fn weigh_v2(counters: &Counters, look: &Look<'_>, weights: &mut [f64]) {
    let count = |kind, route| counters.get(Key::of_minute(kind, route, look.now), look.now);
    let tokens = |route| count(Kind::MinuteTokens, route).unwrap_or(0).unsigned_abs();
    let mut least = u64::MAX;
    for (&route, weight) in look.left.iter().zip(weights.iter_mut()) {
        let requests = count(Kind::MinuteRequests, route).map(i64::unsigned_abs);
        let room = has_room(look, route, tokens(route), requests);
        *weight = f64::from(u8::from(room));
        if room {
            least = least.min(tokens(route));
        }
    }
    for (&route, weight) in look.left.iter().zip(weights) {
        if tokens(route) > least {
            *weight = 0.0;
        }
    }
}

/// Whether a deployment is within its limits. One without a count passes, however few requests it may take.
fn has_room(look: &Look<'_>, route: RouteId, tokens: u64, requests: Option<u64>) -> bool {
    let known = look.known(route);
    match requests {
        Some(requests) => known.has_room(tokens, requests, look.prompt, true),
        None => Known { rpm: None, ..*known }.has_room(tokens, 0, look.prompt, true),
    }
}

/// The counts of version 1.
#[derive(Clone, Debug)]
pub struct FirstVersion {
    usage: Usage,
    dict: Dict,
}

impl FirstVersion {
    /// Nothing counted.
    pub fn new(models: usize, routes: usize) -> Self {
        Self { usage: Usage::new(routes), dict: Dict::new(models, routes) }
    }

    /// An answer came.
    pub fn answered(&mut self, answer: &Answer) {
        let Answer { model, route, now, .. } = *answer;
        self.usage.answered(route, minute(now), answer.tokens());
        self.dict.enter(model, route, now, end_of_minute(now));
    }

    /// A pick looks at candidates.
    pub fn looked_at(&mut self, look: &Look<'_>) {
        if self.dict.lives(look.model, look.now) {
            for &route in look.left {
                self.dict.enter(look.model, route, look.now, end_of_minute(look.now));
            }
        }
    }

    /// Weighs candidates: 1 for the one to take, 0 for the others.
    pub fn weigh(&self, look: &Look<'_>, weights: &mut [f64]) {
        look.take_least(weights, |at, route| {
            let (_, tokens, requests) = self.usage.of(route, minute(look.now));
            let place = self.dict.place(look.model, route, look.now).unwrap_or(at as u32);
            let room = has_room(look, route, tokens, (requests > 0).then_some(requests));
            room.then_some((tokens, place))
        });
    }
}

fn end_of_minute(now: Time) -> Time {
    Time((minute(now) + 1) * KEPT.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::litellm::look::tests::{FREE, answer, weights};

    const TEN: Known = Known { rpm: Some(10), ..FREE };
    const R: RouteId = RouteId(0);

    fn v2(counters: &Counters, known: Known, secs: u64) -> Vec<f64> {
        weights(&[known; 3], secs, |look, to| weigh_v2(counters, look, to))
    }

    fn v1(first: &FirstVersion, known: Known, secs: u64) -> Vec<f64> {
        weights(&[known; 3], secs, |look, to| first.weigh(look, to))
    }

    #[test]
    fn v2_draws_among_the_fewest_tokens_of_the_minute() {
        let mut counters = Counters::new(3, 200);
        answered(&mut counters, RouteId(1), Time::from_secs(5), 100);
        assert_eq!(v2(&counters, FREE, 59), [1.0, 0.0, 1.0]);
        assert_eq!(v2(&counters, FREE, 60), [1.0, 1.0, 1.0]);
    }

    #[test]
    fn v2_starts_nine_of_ten_requests() {
        let mut counters = Counters::new(3, 200);
        for n in 1..=9 {
            assert_eq!(v2(&counters, TEN, 5)[0], 1.0, "{n}");
            started(&mut counters, R, Time::from_secs(5));
        }
        assert_eq!(v2(&counters, TEN, 5), [0.0, 1.0, 1.0]);
        let one = Known { rpm: Some(1), ..FREE };
        assert_eq!(v2(&counters, one, 5), [0.0, 1.0, 1.0], "the first is never checked");
    }

    #[test]
    fn v2_leaves_out_whom_the_prompt_would_take_over_its_tokens() {
        let mut counters = Counters::new(3, 200);
        let hundred = Known { tpm: Some(100), ..FREE };
        answered(&mut counters, R, Time::from_secs(5), 92);
        for route in [RouteId(1), RouteId(2)] {
            answered(&mut counters, route, Time::from_secs(5), 93);
        }
        assert_eq!(v2(&counters, hundred, 6), [1.0, 0.0, 0.0]);
        answered(&mut counters, R, Time::from_secs(6), 1);
        assert_eq!(v2(&counters, hundred, 6), [0.0; 3]);
    }

    #[test]
    fn v1_counts_answers_and_takes_the_first_of_the_map() {
        let mut first = FirstVersion::new(1, 3);
        assert_eq!(v1(&first, FREE, 5), [1.0, 0.0, 0.0], "in the order of the list");
        first.answered(&answer(2, 5, 92));
        weights(&[FREE; 3], 5, |look, _| first.looked_at(look));
        for route in [0, 1] {
            first.answered(&answer(route, 6, 92));
        }
        assert_eq!(v1(&first, FREE, 7), [0.0, 0.0, 1.0], "the last of the list answered first");
        assert_eq!(v1(&first, FREE, 60), [1.0, 0.0, 0.0]);
    }

    #[test]
    fn v1_leaves_the_last_request_of_a_limit_unused() {
        let mut first = FirstVersion::new(1, 3);
        for _ in 0..3 {
            first.answered(&answer(1, 5, 1_000));
            first.answered(&answer(2, 5, 1_000));
        }
        for _ in 0..8 {
            first.answered(&answer(0, 5, 1));
        }
        assert_eq!(v1(&first, TEN, 5), [1.0, 0.0, 0.0]);
        first.answered(&answer(0, 5, 1));
        assert_eq!(v1(&first, TEN, 5), [0.0, 1.0, 0.0]);
    }
}
