//! Lowest latency: the target with the least decayed average per weight, of those that may be taken.
//!
//! Source: Kong/kong at 22246ef2 (2026-07-01), `latency.lua` for the average and the full scan (its comment speaks
//! of two samples, its code looks at all) and `kong/llm/plugin/observability.lua` for what is measured. Time starts
//! when the request arrived, so what failed attempts took is charged to the last target. Our choices: ties go in
//! configuration order, a stream ends with its last byte, the average is kept while a breaker is open, and a policy
//! that starts in mid-life starts at the mean of each target's past.

use crate::engine::{Outcome, Span, Time};
use crate::policy::{RouteHistory, RouteId, RouteView, Sent};

use super::level::{Level, Levels};
use super::target::{Gate, Target};

/// What is averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Milliseconds per output token, the first token's wait included.
    PerToken,
    /// Milliseconds of the whole request.
    EndToEnd,
}

/// How latencies are averaged.
#[derive(Clone, Copy, Debug)]
pub struct LatencyRule {
    /// What is averaged.
    pub metric: Metric,
    /// Time constant, in seconds.
    pub tau_s: f64,
    /// Whether a request that failed counts too.
    pub update_on_error: bool,
}

/// The averages.
#[derive(Debug)]
pub struct LowestLatency {
    rule: LatencyRule,
    levels: Levels,
}

impl LowestLatency {
    /// Over these targets, in configuration order.
    pub fn new(targets: &[Target], rule: LatencyRule, now: Time) -> Self {
        Self { rule, levels: Levels::new(targets, rule.tau_s, now) }
    }

    /// The least.
    pub fn select(&self, gate: &Gate<'_>) -> Option<RouteId> {
        self.levels.least(gate)
    }

    /// How many may be taken.
    pub fn open(&self, gate: &Gate<'_>) -> usize {
        self.levels.of.iter().filter(|(target, _)| gate.lets(target.route)).count()
    }

    /// A request ended here.
    pub fn on_last(&mut self, now: Time, sent: &Sent, outcome: &Outcome) {
        let elapsed_ms = now.since(sent.arrived).as_millis() as f64;
        let sample = match (outcome, self.rule.metric) {
            (Outcome::Done { .. }, Metric::EndToEnd) => elapsed_ms,
            (&Outcome::Done { output_tokens: tokens @ 1.., .. }, Metric::PerToken) => {
                elapsed_ms / f64::from(tokens)
            }
            _ if !self.rule.update_on_error => return,
            (_, Metric::EndToEnd) => elapsed_ms,
            (_, Metric::PerToken) => 0.0,
        };
        if let Some(level) = self.levels.get_mut(sent.route) {
            level.average(now, self.rule.tau_s, sample);
        }
    }

    /// A past of such answers: the average is their mean.
    pub fn remember(&mut self, now: Time, past: &RouteHistory) {
        let sample = |&(latency, _, tokens): &(Span, u32, u32)| match self.rule.metric {
            Metric::EndToEnd => Some(latency.as_millis() as f64),
            Metric::PerToken => {
                (tokens > 0).then(|| latency.as_millis() as f64 / f64::from(tokens))
            }
        };
        let (mut sum, mut count) = (0.0, 0.0);
        for sample in past.samples.iter().filter_map(sample) {
            sum += sample;
            count += 1.0;
        }
        if count > 0.0
            && let Some(level) = self.levels.get_mut(past.route)
        {
            *level = Level { value: sum / count, last: now };
        }
    }

    /// A target is configured.
    pub fn join(&mut self, now: Time, target: Target) {
        self.levels.join_at_mean(now, target);
    }

    /// A target is not configured any more.
    pub fn leave(&mut self, route: RouteId) {
        self.levels.leave(route);
    }

    /// Adds to what is expected.
    pub fn show(&self, gate: &Gate<'_>, scale: f64, views: &mut [RouteView]) {
        self.levels.show(gate, scale, views);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{sent, targets};
    use super::*;

    /// Levels of three targets after an outcome each, 10.0009 s after arrival.
    fn levels(rule: LatencyRule, outcomes: [Outcome; 3]) -> [f64; 3] {
        let mut latency = LowestLatency::new(&targets(&[100; 3]), rule, Time::ZERO);
        let now = Time(10_000_900_000);
        for (n, outcome) in outcomes.iter().enumerate() {
            latency.on_last(now, &sent(RouteId(n as u32), Time::ZERO), outcome);
        }
        [0, 1, 2].map(|n| latency.levels.of[n].1.value)
    }

    fn near(found: [f64; 3], samples: [f64; 3]) {
        // After about one time constant a level has moved 1 - 1/e of the way.
        let part = 1.0 - libm::exp(-1.000_09);
        for (level, sample) in found.into_iter().zip(samples) {
            assert!((level - sample * part).abs() < 1e-9, "{level} {sample}");
        }
    }

    const RULE: LatencyRule =
        LatencyRule { metric: Metric::PerToken, tau_s: 10.0, update_on_error: false };

    const fn done(output_tokens: u32) -> Outcome {
        Outcome::Done { prompt_tokens: 9, output_tokens }
    }

    #[test]
    fn samples_are_whole_milliseconds_since_arrival_per_output_token() {
        let outcomes = [done(20), done(0), Outcome::Timeout];
        near(levels(RULE, outcomes), [500.0, 0.0, 0.0]);
        let whole = LatencyRule { metric: Metric::EndToEnd, ..RULE };
        near(levels(whole, outcomes), [10_000.0, 10_000.0, 0.0]);
    }

    #[test]
    fn errors_count_if_asked_and_then_attract() {
        let eager = LatencyRule { update_on_error: true, ..RULE };
        let whole = LatencyRule { metric: Metric::EndToEnd, ..eager };
        near(levels(whole, [done(1), Outcome::Timeout, done(0)]), [10_000.0; 3]);
        let mut latency = LowestLatency::new(&targets(&[100]), eager, Time::ZERO);
        let mut end = |secs, outcome| {
            let now = Time::from_secs(secs);
            latency.on_last(now, &sent(RouteId(0), Time::ZERO), &outcome);
            latency.levels.of[0].1.value
        };
        let before = end(10, done(20));
        assert!((end(20, Outcome::Timeout) - before * libm::exp(-1.0)).abs() < 1e-9);
    }

    #[test]
    fn the_least_per_weight_is_taken_and_fades_when_idle() {
        let gates = super::super::fixture::Gates::new(3);
        let mut latency = LowestLatency::new(&targets(&[100, 100, 50]), RULE, Time::ZERO);
        assert_eq!(latency.select(&gates.all()), Some(RouteId(0)), "ties go in order");
        let values = [(0, 3.0, 0), (1, 1.9, 0), (2, 1.0, 0)];
        for (n, value, last) in values {
            latency.levels.of[n].1 = Level { value, last: Time(last) };
        }
        assert_eq!(latency.select(&gates.all()), Some(RouteId(1)), "1.9 / 100 < 1 / 50");
        latency.levels.of[0].1.last = Time::ZERO;
        latency.levels.of[1].1.last = Time::from_secs(5);
        latency.levels.of[2].1.last = Time::from_secs(5);
        let gate = Gate { now: Time::from_secs(5), ..gates.all() };
        assert_eq!(latency.select(&gate), Some(RouteId(0)), "3 / sqrt(e) < 1.9");
        assert_eq!(latency.open(&gate), 3);
    }

    #[test]
    fn a_past_is_its_mean() {
        let samples =
            vec![(Span::from_secs(1), 9, 10), (Span::from_secs(3), 9, 10), (Span(5), 9, 0)];
        let past = RouteHistory { route: RouteId(0), rate: 1.0, error_rate: 0.0, samples };
        let level = |metric| {
            let rule = LatencyRule { metric, ..RULE };
            let mut latency = LowestLatency::new(&targets(&[100]), rule, Time::ZERO);
            latency.remember(Time::ZERO, &past);
            latency.levels.of[0].1.value
        };
        assert_eq!(level(Metric::PerToken), 200.0);
        assert_eq!(level(Metric::EndToEnd), 4_000.0 / 3.0);
    }

    #[test]
    fn a_retry_chain_takes_each_once() {
        let gates = super::super::fixture::Gates::new(3);
        let latency = LowestLatency::new(&targets(&[100; 3]), RULE, Time::ZERO);
        let mut tried = Vec::new();
        while let Some(route) = latency.select(&gates.but(&tried)) {
            tried.push(route);
        }
        assert_eq!(tried, [0, 1, 2].map(RouteId));
    }
}
