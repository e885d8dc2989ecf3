//! Bifrost's first published rule of balancing: every half minute the weight of a key shrinks or grows by fixed
//! factors.
//!
//! Source: maximhq/bifrost documentation, Intelligent Load Balancing, 2025-08. Errors, slow answers against a
//! key's own baseline and a success rate below 95 % each have a threshold; around it stand the retries and
//! fallbacks of the open-source gateway.
//!
//! Our choices where the page is silent: a factor applies once per evaluation, to the weight of the evaluation
//! before; a key below no threshold gets the bonus; a key without attempts in the window keeps its weight and a
//! broken circuit closes; latency is the mean of whole answers; the baseline is the mean since the start, told
//! past included, as runs are shorter than the page's seven days; with all circuits open, weights go on as if none were; an evaluation
//! needs `window.min_attempts`.
//!
//! Left out: predictive scaling, the throughput rule ("weight adjustment" without a figure), gossip between
//! nodes.

use crate::engine::{Health, Outcome, Param, Settings, Span, Time, Unit};

use super::bifrost_oss::{self, Weighted};
use super::part::{Changes, Sliding};
use super::{
    Attempt, Family, Grade, Past, Policy, PolicySpec, Pool, Process, Request, RouteHistory,
    RouteId, RouteView, Sent, Step, Transition,
};

#[cfg(test)]
#[path = "bifrost_v0_tests.rs"]
mod tests;

const PAGE: &str = "Bifrost docs, Intelligent Load Balancing, 2025-08";

const OWN: [Param; 14] = [
    Param::new("evaluate.every", Unit::Seconds, 30.0, (1.0, 3600.0), "Time between evaluations.")
        .from(PAGE),
    Param::new("window.span", Unit::Seconds, 300.0, (10.0, 3600.0), "How far back they look.")
        .from(PAGE),
    Param::new("window.min_attempts", Unit::Count, 10.0, (1.0, 1e6), "Fewest attempts that count."),
    Param::new("weight.min", Unit::Number, 0.1, (0.0, 100.0), "Least weight.").from(PAGE),
    Param::new("weight.max", Unit::Number, 2.0, (0.0, 100.0), "Greatest weight.").from(PAGE),
    Param::new("weight.max_change", Unit::Number, 0.3, (0.0, 100.0), "Largest change at once.")
        .from(PAGE),
    Param::new("error.threshold", Unit::Ratio, 0.025, (0.0, 1.0), "Error rate that costs weight.")
        .from(PAGE),
    Param::new("error.factor", Unit::Ratio, 0.7, (0.0, 1.0), "What it leaves of the weight.")
        .from(PAGE),
    Param::new(
        "latency.threshold",
        Unit::Number,
        1.5,
        (1.0, 100.0),
        "Latency over its baseline that costs weight.",
    )
    .from(PAGE),
    Param::new("latency.factor", Unit::Ratio, 0.8, (0.0, 1.0), "What it leaves of the weight.")
        .from(PAGE),
    Param::new(
        "latency.remove",
        Unit::Seconds,
        5.0,
        (0.0, 3600.0),
        "Mean latency above which a key is taken out; 0 = never. An answer of some hundred tokens takes longer.",
    )
    .from(PAGE),
    Param::new("bonus.factor", Unit::Number, 1.1, (1.0, 10.0), "What a good key's weight grows by.")
        .from(PAGE),
    Param::new("breaker.open", Unit::Ratio, 0.95, (0.0, 1.0), "Success rate that opens the circuit.")
        .from(PAGE),
    Param::new("breaker.close", Unit::Ratio, 0.98, (0.0, 1.0), "Success rate that closes it.")
        .from(PAGE),
];

const LEN: usize = OWN.len() + bifrost_oss::TABLE.len();

/// The rule's parameters and those of the gateway around it.
pub static TABLE: [Param; LEN] = {
    let mut table = [OWN[0]; LEN];
    let mut i = 0;
    while i < LEN {
        table[i] = if i < OWN.len() { OWN[i] } else { bifrost_oss::TABLE[i - OWN.len()] };
        i += 1;
    }
    table
};

/// Registry entry.
pub const SPEC: PolicySpec = PolicySpec {
    name: "bifrost-v0",
    product: "Bifrost Enterprise, documentation of 2025-08",
    source: PAGE,
    doc: "The vendor's first rule: every 30 s a key's weight in 0.1 to 2 shrinks by 30 % for errors and 20 % for slowness or grows by 10 %; below 95 % success it is taken out.",
    family: Family::Field,
    grade: Grade::Documents,
    left_out: "predictive scaling, the throughput rule, gossip between nodes",
    process: Process::ONE,
    params: &TABLE,
    preset: &[],
    build: |settings, pool, now, _| Ok(Box::new(Stepwise::new(settings, pool, now)?)),
};

#[derive(Clone, Copy, Debug)]
struct Rule {
    every: Span,
    min_attempts: u64,
    weight: (f64, f64),
    max_change: f64,
    error: (f64, f64),
    latency: (f64, f64),
    remove: f64,
    bonus: f64,
    breaker: (f64, f64),
}

#[derive(Clone, Debug)]
struct Key {
    weight: f64,
    out: bool,
    /// Attempts, errors, answers, and their milliseconds.
    recent: Sliding<4>,
    /// Answers since the start, and their seconds.
    all: (u64, f64),
}

/// Weights that move in steps.
#[derive(Debug)]
struct Stepwise {
    inner: Weighted,
    rule: Rule,
    keys: Vec<Key>,
    changes: Changes,
    next_evaluation: Time,
}

impl Stepwise {
    fn new(settings: &Settings, pool: &Pool, now: Time) -> Result<Self, String> {
        let get = |id| settings.get(id);
        let rule = Rule {
            every: Span::from_secs_f64(get("evaluate.every")),
            min_attempts: get("window.min_attempts") as u64,
            weight: (get("weight.min"), get("weight.max")),
            max_change: get("weight.max_change"),
            error: (get("error.threshold"), get("error.factor")),
            latency: (get("latency.threshold"), get("latency.factor")),
            remove: get("latency.remove"),
            bonus: get("bonus.factor"),
            breaker: (get("breaker.open"), get("breaker.close")),
        };
        if rule.weight.0 > rule.weight.1 {
            return Err("`weight.min` is above `weight.max`".to_owned());
        }
        let window = Span::from_secs_f64(get("window.span"));
        let key = |route: &super::RouteInfo| Key {
            weight: route.weight.clamp(rule.weight.0, rule.weight.1),
            out: false,
            recent: Sliding::new(window, 60),
            all: (0, 0.0),
        };
        let mut policy = Self {
            inner: Weighted::new(settings, pool),
            rule,
            keys: pool.routes.iter().map(key).collect(),
            changes: Changes::new(now),
            next_evaluation: now + rule.every,
        };
        policy.publish();
        Ok(policy)
    }

    /// Gives the draw its weights. Where every circuit of a model is open, none counts.
    fn publish(&mut self) {
        for model in self.inner.candidates.models() {
            let all_out =
                self.inner.candidates.of(model).iter().all(|route| self.keys[route.index()].out);
            for at in 0..self.inner.candidates.of(model).len() {
                let route = self.inner.candidates.of(model)[at];
                let key = &self.keys[route.index()];
                let weight = if key.out && !all_out { 0.0 } else { key.weight };
                self.inner.set_weight(route, weight);
            }
        }
    }

    fn evaluate(&mut self, now: Time) {
        for (i, key) in self.keys.iter_mut().enumerate() {
            let was_out = key.out;
            let reason = key.step(now, &self.rule);
            let health = |out| if out { Health::Failed } else { Health::Healthy };
            self.changes.note(now, RouteId(i as u32), health(was_out), health(key.out), reason);
        }
        self.publish();
    }
}

impl Key {
    /// One evaluation; says why the circuit is as it is.
    fn step(&mut self, now: Time, rule: &Rule) -> &'static str {
        let [attempts, errors, answers, millis] = self.recent.sums(now);
        if attempts < rule.min_attempts {
            self.out &= attempts > 0;
            return "nothing recent";
        }
        let error = errors as f64 / attempts as f64;
        let latency = if answers > 0 { millis as f64 / 1e3 / answers as f64 } else { 0.0 };
        let baseline = if self.all.0 > 0 { self.all.1 / self.all.0 as f64 } else { latency };
        let mut factor = 1.0;
        if error > rule.error.0 {
            factor *= rule.error.1;
        }
        if latency > rule.latency.0 * baseline {
            factor *= rule.latency.1;
        }
        if factor == 1.0 {
            factor = rule.bonus;
        }
        let change = (self.weight * factor - self.weight).clamp(-rule.max_change, rule.max_change);
        self.weight = (self.weight + change).clamp(rule.weight.0, rule.weight.1);
        let bar = if self.out { rule.breaker.1 } else { rule.breaker.0 };
        let slow = rule.remove > 0.0 && latency > rule.remove;
        self.out = slow || 1.0 - error < bar;
        match (slow, self.out) {
            (true, _) => "slow answers",
            (false, true) => "success rate",
            (false, false) => "success rate again",
        }
    }
}

impl Policy for Stepwise {
    fn choose(
        &mut self,
        now: Time,
        request: &Request,
        avoid: &[RouteId],
        luck: u64,
    ) -> Option<Attempt> {
        self.inner.choose(now, request, avoid, luck)
    }

    fn next(&mut self, now: Time, request: &Request, past: &[Past], waits: u32, luck: u64) -> Step {
        self.inner.next(now, request, past, waits, luck)
    }

    fn on_end(&mut self, now: Time, sent: &Sent, outcome: &Outcome) {
        let key = &mut self.keys[sent.route.index()];
        match outcome {
            Outcome::Done { .. } => {
                let took = now.since(sent.at);
                let millis = u32::try_from(took.as_millis()).unwrap_or(u32::MAX);
                key.recent.add(now, [1, 0, 1, millis]);
                key.all = (key.all.0 + 1, key.all.1 + took.as_secs_f64());
            }
            Outcome::CallerFault { .. } | Outcome::Cancelled => {}
            _ => key.recent.add(now, [1, 1, 0, 0]),
        }
    }

    fn next_wake(&self) -> Option<Time> {
        Some(self.changes.next_wake())
    }

    fn on_wake(&mut self, now: Time, changed: &mut dyn FnMut(Transition)) {
        if now >= self.next_evaluation {
            self.evaluate(now);
            self.next_evaluation = now + self.rule.every;
        }
        self.changes.tell(now, changed);
    }

    fn set_present(&mut self, now: Time, route: RouteId, present: bool) {
        self.inner.set_present(now, route, present);
        self.publish();
    }

    fn remember(&mut self, _: Time, span: Span, history: &[RouteHistory]) {
        for past in history.iter().filter(|past| !past.samples.is_empty()) {
            let count = past.rate * span.as_secs_f64();
            let sum: f64 = past.samples.iter().map(|(took, _, _)| took.as_secs_f64()).sum();
            let mean = sum / past.samples.len() as f64;
            self.keys[past.route.index()].all = (count as u64, mean * count);
        }
    }

    fn show(&self, views: &mut [RouteView]) {
        self.inner.show(views);
        for (view, key) in views.iter_mut().zip(&self.keys) {
            view.weight = key.weight;
            view.health = if key.out { Health::Failed } else { Health::Healthy };
        }
    }
}
