//! Lowest usage: the target that has used least per weight, in tokens or in cost.
//!
//! Source: developer.konghq.com, AI load balancing (repository at bc1cd742, 2026-08-21); the cost formula is that of
//! Kong/kong at 22246ef2, `normalize-json-response.lua`. The public text does not say over what time usage is
//! counted, nor how weights enter, so that it is summed since the start and divided by the weight is our choice, as
//! are ties in configuration order. Usage is booked when a request is answered, on the target that answered.

use crate::engine::{Outcome, Time};
use crate::policy::{RouteId, RouteInfo, RouteView, Sent};

use super::level::Levels;
use super::target::{Gate, Target};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Prompt and output tokens.
    Total,
    /// Prompt tokens.
    Prompt,
    /// Output tokens.
    Completion,
    /// What they cost, in nano-dollars.
    Cost,
}

/// Over what time it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Since the start.
    Cumulative,
    /// The sum decays.
    Decayed,
    /// An average, as of latencies.
    Ewma,
}

/// How usage is counted.
#[derive(Clone, Copy, Debug)]
pub struct UsageRule {
    /// What is counted.
    pub what: What,
    /// Over what time.
    pub mode: Mode,
    /// Time constant, in seconds, where there is one.
    pub tau_s: f64,
}

/// What was used.
#[derive(Debug)]
pub struct LowestUsage {
    rule: UsageRule,
    levels: Levels,
}

impl LowestUsage {
    /// Over these targets, in configuration order.
    pub fn new(targets: &[Target], rule: UsageRule, now: Time) -> Self {
        let tau_s = if rule.mode == Mode::Cumulative { f64::INFINITY } else { rule.tau_s };
        Self { rule, levels: Levels::new(targets, tau_s, now) }
    }

    /// The least.
    pub fn select(&self, gate: &Gate<'_>) -> Option<RouteId> {
        self.levels.least(gate)
    }

    /// A request ended here.
    pub fn on_last(&mut self, now: Time, sent: &Sent, outcome: &Outcome, info: &RouteInfo) {
        let &Outcome::Done { prompt_tokens, output_tokens } = outcome else {
            return;
        };
        let used = match self.rule.what {
            What::Total => f64::from(prompt_tokens) + f64::from(output_tokens),
            What::Prompt => f64::from(prompt_tokens),
            What::Completion => f64::from(output_tokens),
            What::Cost => info.cost_nano_usd(prompt_tokens, output_tokens) as f64,
        };
        let tau_s = self.levels.tau_s;
        if let Some(level) = self.levels.get_mut(sent.route) {
            match self.rule.mode {
                Mode::Cumulative | Mode::Decayed => level.add(now, tau_s, used),
                Mode::Ewma => level.average(now, tau_s, used),
            }
        }
    }

    /// A target is configured.
    pub fn join(&mut self, now: Time, target: Target) {
        match self.rule.mode {
            Mode::Cumulative | Mode::Decayed => self.levels.join_at_par(now, target),
            Mode::Ewma => self.levels.join_at_mean(now, target),
        }
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
    use super::super::fixture::{pool, sent, targets};
    use super::*;

    const RULE: UsageRule = UsageRule { what: What::Total, mode: Mode::Cumulative, tau_s: 10.0 };

    /// The level of a target after two answers, 10 s apart.
    fn level(rule: UsageRule) -> f64 {
        let mut usage = LowestUsage::new(&targets(&[100; 2]), rule, Time::ZERO);
        let info = RouteInfo {
            price_prompt: 2_000_000,
            price_output: 3_000_000,
            ..pool(&[("a", 1.0)]).routes.remove(0)
        };
        for (secs, prompt_tokens, output_tokens) in [(10, 100, 10), (20, 200, 20)] {
            let outcome = Outcome::Done { prompt_tokens, output_tokens };
            let sent = sent(RouteId(0), Time::ZERO);
            usage.on_last(Time::from_secs(secs), &sent, &outcome, &info);
            usage.on_last(Time::from_secs(secs), &sent, &Outcome::Timeout, &info);
        }
        usage.levels.of[0].1.value
    }

    #[test]
    fn what_is_counted_is_summed_since_the_start() {
        let of = |what| level(UsageRule { what, ..RULE });
        let all = [What::Total, What::Prompt, What::Completion, What::Cost].map(of);
        assert_eq!(all, [330.0, 300.0, 30.0, 690.0]);
    }

    #[test]
    fn or_it_fades_as_a_sum_or_an_average() {
        let kept = libm::exp(-1.0);
        let decayed = level(UsageRule { mode: Mode::Decayed, ..RULE });
        assert!((decayed - (110.0 * kept + 220.0)).abs() < 1e-9);
        let average = level(UsageRule { mode: Mode::Ewma, ..RULE });
        let first = 110.0 * (1.0 - kept);
        assert!((average - (first * kept + 220.0 * (1.0 - kept))).abs() < 1e-9);
    }

    #[test]
    fn a_newcomer_starts_at_par_or_at_the_mean() {
        let joined = |mode| {
            let mut usage =
                LowestUsage::new(&targets(&[100, 50]), UsageRule { mode, ..RULE }, Time::ZERO);
            usage.levels.of[0].1.value = 300.0;
            usage.leave(RouteId(1));
            usage.join(Time::ZERO, targets(&[100, 50])[1]);
            usage.levels.of[1].1.value
        };
        assert_eq!([Mode::Cumulative, Mode::Decayed, Mode::Ewma].map(joined), [150.0; 3]);
    }
}
