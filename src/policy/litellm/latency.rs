//! Latency-based routing: the lowest mean of the last samples wins, ties (and what is within the buffer) at
//! random.
//!
//! A sample is the time of an answer over its output tokens; streams also leave their time to first token,
//! which streamed requests are judged by where there is any. A timeout leaves a sample of 1000 s, other
//! errors leave none. A deployment that has no samples when a pick looks is given one of 0, so it is preferred
//! until its first answer, and that 0 stays in its mean until it is pushed out. Nothing explores: who lost
//! keeps its old mean until the map expires, an hour after its first sample.
//!
//! Source: LiteLLM 1.106.2, `router_strategy/lowest_latency.py`. Left out: the percentile of times to first
//! token (off by default).

use crate::engine::{Span, Time};
use crate::policy::{ModelId, RouteId};

use super::counters::minute;
use super::dict::Dict;
use super::limits::Usage;
use super::look::{Answer, Look};

/// How samples are kept and compared.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Samples kept of each deployment.
    pub samples: usize,
    /// The life of the map.
    pub ttl: Span,
    /// A score within 1 + `buffer` times the least is as good.
    pub buffer: f64,
    /// The sample that a timeout leaves, in seconds.
    pub penalty: f64,
}

/// The samples of one worker.
#[derive(Clone, Debug)]
pub struct Latency {
    rule: Rule,
    dict: Dict,
    usage: Usage,
    whole: Rings,
    first: Rings,
}

impl Latency {
    /// No samples yet.
    pub fn new(models: usize, routes: usize, rule: Rule) -> Self {
        Self {
            rule,
            dict: Dict::new(models, routes),
            usage: Usage::new(routes),
            whole: Rings::new(routes, rule.samples),
            first: Rings::new(routes, rule.samples),
        }
    }

    /// A pick looks at candidates: those without samples are given one of 0.
    pub fn looked_at(&mut self, look: &Look<'_>) {
        if self.dict.lives(look.model, look.now) {
            for &route in look.left {
                if self.enter(look.model, route, look.now) {
                    self.whole.push(route, 0.0);
                }
            }
        }
    }

    /// An answer came.
    pub fn answered(&mut self, answer: &Answer) {
        let Answer { model, route, now, .. } = *answer;
        self.enter(model, route, now);
        self.usage.answered(route, minute(now), answer.tokens());
        self.whole.push(route, answer.took.as_secs_f64() / f64::from(answer.output.max(1)));
        if let Some(first) = answer.first {
            self.first.push(route, first.as_secs_f64());
        }
    }

    /// The gateway gave up waiting.
    pub fn timed_out(&mut self, model: ModelId, route: RouteId, now: Time) {
        self.enter(model, route, now);
        self.whole.push(route, self.rule.penalty);
    }

    /// Enters a route in the map; what it had in an earlier map is forgotten.
    fn enter(&mut self, model: ModelId, route: RouteId, now: Time) -> bool {
        let new = self.dict.enter(model, route, now, now + self.rule.ttl);
        if new {
            self.whole.clear(route);
            self.first.clear(route);
        }
        new
    }

    fn score(&self, look: &Look<'_>, route: RouteId) -> f64 {
        if self.dict.place(look.model, route, look.now).is_none() {
            return 0.0;
        }
        let first = if look.streamed { self.first.mean(route) } else { None };
        first.or_else(|| self.whole.mean(route)).unwrap_or(0.0)
    }

    /// Weighs candidates: 1 for those that may be drawn, 0 for the others.
    pub fn weigh(&self, look: &Look<'_>, weights: &mut [f64]) {
        let mut least = f64::INFINITY;
        for (&route, weight) in look.left.iter().zip(weights.iter_mut()) {
            let (_, tokens, requests) = self.usage.of(route, minute(look.now));
            *weight = 0.0;
            if look.known(route).has_room(tokens, requests, look.prompt, false) {
                *weight = 1.0;
                least = least.min(self.score(look, route));
            }
        }
        for (&route, weight) in look.left.iter().zip(weights) {
            if self.score(look, route) > least + self.rule.buffer * least {
                *weight = 0.0;
            }
        }
    }
}

/// The last samples of each route.
#[derive(Clone, Debug)]
struct Rings {
    size: usize,
    values: Vec<f64>,
    /// Samples pushed since the ring was cleared.
    pushed: Vec<u32>,
}

impl Rings {
    fn new(routes: usize, size: usize) -> Self {
        let size = size.max(1);
        Self { size, values: vec![0.0; routes * size], pushed: vec![0; routes] }
    }

    fn push(&mut self, route: RouteId, value: f64) {
        let pushed = &mut self.pushed[route.index()];
        self.values[route.index() * self.size + *pushed as usize % self.size] = value;
        // Counts on from one full ring, so that it never overflows.
        *pushed =
            if *pushed as usize == 2 * self.size - 1 { self.size as u32 } else { *pushed + 1 };
    }

    fn clear(&mut self, route: RouteId) {
        self.pushed[route.index()] = 0;
    }

    fn mean(&self, route: RouteId) -> Option<f64> {
        let kept = (self.pushed[route.index()] as usize).min(self.size);
        let from = route.index() * self.size;
        let sum: f64 = self.values[from..from + kept].iter().sum();
        (kept > 0).then(|| sum / kept as f64)
    }
}

/// Times to first token of attempts under way: an attempt carries its place here in its tag.
#[derive(Clone, Debug, Default)]
pub struct FirstTokens {
    times: Vec<Option<Span>>,
    free: Vec<u32>,
}

impl FirstTokens {
    /// A place for an attempt that starts.
    pub fn open(&mut self) -> u64 {
        let at = self.free.pop().unwrap_or_else(|| {
            self.times.push(None);
            (self.times.len() - 1) as u32
        });
        u64::from(at) + 1
    }

    /// Its first token came.
    pub fn heard(&mut self, tag: u64, after: Span) {
        if let Some(time) = (tag as usize).checked_sub(1).and_then(|at| self.times.get_mut(at)) {
            *time = Some(after);
        }
    }

    /// It ended: gives its time to first token, if it was heard.
    pub fn close(&mut self, tag: u64) -> Option<Span> {
        let at = (tag as usize).checked_sub(1)?;
        let time = self.times.get_mut(at)?.take();
        self.free.push(at as u32);
        time
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::litellm::LATENCY_BASED;
    use crate::policy::litellm::look::tests::{FREE, answer as one, weights as all};
    use crate::policy::litellm::params::Config;

    fn rule() -> Rule {
        Config::of(&LATENCY_BASED.settings()).latency
    }

    fn latency() -> Latency {
        Latency::new(1, 2, rule())
    }

    fn weights(latency: &Latency, secs: u64, streamed: bool) -> Vec<f64> {
        all(&[FREE; 2], secs, |look, to| latency.weigh(&Look { streamed, ..*look }, to))
    }

    fn looked_at(latency: &mut Latency) {
        all(&[FREE; 2], 1, |look, _| latency.looked_at(look));
    }

    fn timed_out(latency: &mut Latency, route: u32) {
        latency.timed_out(ModelId(0), RouteId(route), Time::from_secs(1));
    }

    fn answer(latency: &mut Latency, route: u32, millis: u64, tokens: u32) {
        let took = Span::from_millis(millis);
        latency.answered(&Answer { took, ..one(route, 1, tokens) });
    }

    #[test]
    fn the_sample_is_per_output_token() {
        let mut latency = latency();
        answer(&mut latency, 0, 1_000, 10);
        answer(&mut latency, 1, 2_000, 21);
        assert_eq!(weights(&latency, 2, false), [0.0, 1.0]);
        answer(&mut latency, 1, 4_000, 35);
        assert_eq!(weights(&latency, 2, false), [1.0, 0.0]);
    }

    /// The zero that an unknown route is given stays in its mean until ten samples have come.
    #[test]
    fn a_phantom_sample_of_zero_is_pushed_out_by_the_tenth() {
        let mut latency = latency();
        answer(&mut latency, 0, 950, 1);
        looked_at(&mut latency);
        for n in 1..=9 {
            answer(&mut latency, 1, 1_000, 1);
            assert_eq!(weights(&latency, 2, false), [0.0, 1.0], "the mean of {n} and a zero");
        }
        answer(&mut latency, 1, 1_000, 1);
        assert_eq!(weights(&latency, 2, false), [1.0, 0.0]);
    }

    #[test]
    fn a_pick_before_the_first_answer_leaves_nothing_behind() {
        let mut latency = latency();
        looked_at(&mut latency);
        answer(&mut latency, 0, 10, 1);
        answer(&mut latency, 1, 11, 1);
        assert_eq!(weights(&latency, 2, false), [1.0, 0.0]);
    }

    #[test]
    fn a_timeout_costs_a_thousand_seconds_for_ten_samples() {
        let mut latency = latency();
        answer(&mut latency, 0, 90_000, 1);
        timed_out(&mut latency, 1);
        for _ in 0..9 {
            answer(&mut latency, 1, 0, 1);
        }
        assert_eq!(weights(&latency, 2, false), [1.0, 0.0], "a tenth of 1000 s against 90 s");
        answer(&mut latency, 0, 110_000, 1);
        answer(&mut latency, 0, 110_000, 1);
        assert_eq!(weights(&latency, 2, false), [0.0, 1.0], "and against 103 s");
    }

    #[test]
    fn the_map_lives_an_hour_from_its_first_sample() {
        let mut latency = latency();
        answer(&mut latency, 0, 10, 1);
        answer(&mut latency, 1, 11, 1);
        assert_eq!(weights(&latency, 3_600, false), [1.0, 0.0]);
        assert_eq!(weights(&latency, 3_601, false), [1.0, 1.0]);
    }

    #[test]
    fn streams_are_judged_by_their_first_token_where_there_is_one() {
        let mut latency = latency();
        for (route, output, first) in [(0, 10, 300), (1, 11, 301)] {
            let first = Some(Span::from_millis(first));
            latency.answered(&Answer { first, ..one(route, 1, output) });
        }
        assert_eq!(weights(&latency, 2, true), [1.0, 0.0]);
        assert_eq!(weights(&latency, 2, false), [0.0, 1.0]);
    }

    #[test]
    fn the_buffer_lets_near_ones_in() {
        let mut latency = Latency::new(1, 2, Rule { buffer: 0.1, ..rule() });
        answer(&mut latency, 0, 1_000, 1);
        answer(&mut latency, 1, 1_100, 1);
        assert_eq!(weights(&latency, 2, false), [1.0, 1.0]);
        answer(&mut latency, 1, 1_104, 1);
        assert_eq!(weights(&latency, 2, false), [1.0, 0.0]);
    }

    #[test]
    fn places_for_first_tokens_are_used_again() {
        let mut first = FirstTokens::default();
        for _ in 0..5 {
            let (one, two) = (first.open(), first.open());
            first.heard(two, Span(7));
            assert_eq!((first.close(one), first.close(two)), (None, Some(Span(7))));
        }
        assert_eq!(first.times.len(), 2);
    }
}
