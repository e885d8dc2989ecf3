//! OpenRouter as its documents have it since 2026: shares by what a good answer costs and how fast it comes,
//! within a competitive edge; a little exploration for everyone; a breaker against peers; a cap learned from 429s.
//!
//! Source: openrouter.ai/docs, How OpenRouter Routes Traffic Between Providers, 2026. The page names the inputs and
//! their effects, and no figures: every formula and value below is ours.
//!
//! - Adjusted price = list price ÷ share of good answers × (1 + `price.limited` × share of 429s) × (1 + time to
//!   first token ÷ `price.ttft`); an endpoint's cost is that ÷ its speed relative to the median, to the power
//!   `price.speed`. Without data the list price stands.
//! - Inside `edge.width` × the least cost a share goes with the inverse square of the cost; outside it is
//!   `edge.explore`.
//! - The breaker pauses an endpoint whose share of failures, or of 429s, is over `breaker.times` what is usual among
//!   its peers, and over `breaker.least`, for `breaker.pause`, and then judges it anew.
//! - A spike of 429s sets the cap to what was answered per second lately; a small rate holds it; none raises it.
//!
//! Left out: quality of answers, prompt caches, models as fallbacks.

use super::endpoint::{Endpoint, Rule};
use super::{elsewhere, price};
use crate::engine::{Health, Outcome, Param, Settings, Time, Unit};
use crate::policy::part::{Candidates, Changes, pick};
use crate::policy::{
    Attempt, Family, Grade, ModelId, Past, Policy, PolicySpec, Pool, Process, Request, RouteId,
    RouteView, Sent, Step, Transition,
};

#[cfg(test)]
#[path = "traffic_tests.rs"]
mod tests;

const PAGE: &str = "OpenRouter, How OpenRouter Routes Traffic Between Providers, 2026";

/// Its parameters.
pub static TABLE: [Param; 16] = [
    Param::new(
        "window.span",
        Unit::Seconds,
        120.0,
        (1.0, 3600.0),
        "How far back costs are measured.",
    ),
    Param::new("window.min_attempts", Unit::Count, 20.0, (1.0, 1e6), "Fewest attempts that count."),
    Param::new(
        "price.prompt_parts",
        Unit::Number,
        3.0,
        (0.0, 1_000.0),
        "Prompt tokens per output token.",
    ),
    Param::new("price.limited", Unit::Number, 1.0, (0.0, 100.0), "Price of a 429, in answers."),
    Param::new(
        "price.ttft",
        Unit::Seconds,
        5.0,
        (0.01, 600.0),
        "Time to first token that doubles the price.",
    ),
    Param::new("price.speed", Unit::Number, 0.5, (0.0, 10.0), "Power of the relative speed."),
    Param::new(
        "average.alpha",
        Unit::Ratio,
        0.1,
        (0.001, 1.0),
        "Weight of a new answer in an average.",
    ),
    Param::new(
        "edge.width",
        Unit::Number,
        1.25,
        (1.0, 100.0),
        "Cost over the least that is competitive.",
    ),
    Param::new(
        "edge.explore",
        Unit::Ratio,
        0.01,
        (0.0, 0.5),
        "Share of an endpoint past the edge.",
    ),
    Param::new(
        "breaker.times",
        Unit::Number,
        5.0,
        (1.0, 1e6),
        "Failures over those of the peers that trip.",
    ),
    Param::new(
        "breaker.least",
        Unit::Ratio,
        0.1,
        (0.0, 1.0),
        "Share of failures below which nothing trips.",
    ),
    Param::new(
        "breaker.pause",
        Unit::Seconds,
        30.0,
        (0.0, 3600.0),
        "How long it pauses an endpoint.",
    ),
    Param::new(
        "cap.window",
        Unit::Seconds,
        10.0,
        (1.0, 600.0),
        "How far back 429s count for the cap.",
    ),
    Param::new("cap.spike", Unit::Ratio, 0.1, (0.0, 1.0), "Share of 429s that sets the cap."),
    Param::new("cap.hold", Unit::Ratio, 0.01, (0.0, 1.0), "Share of 429s at which the cap holds."),
    Param::new(
        "cap.growth",
        Unit::Ratio,
        0.02,
        (0.0, 10.0),
        "What a cap gains a second without that.",
    ),
];

/// Registry entry.
pub const SPEC: PolicySpec = PolicySpec {
    name: "openrouter-2026",
    product: "OpenRouter, documents of 2026",
    source: PAGE,
    doc: "Shares by adjusted price and speed within a competitive edge, exploration for all, a breaker against peers, a traffic cap learned from 429s.",
    family: Family::Field,
    grade: Grade::Documents,
    left_out: "quality of answers, prompt caches, models as fallbacks",
    process: Process::ONE,
    params: &TABLE,
    preset: &[],
    build: |settings, pool, now, _| Ok(Box::new(Traffic::new(settings, pool, now))),
};

#[derive(Debug)]
struct Traffic {
    candidates: Candidates,
    rule: Rule,
    endpoints: Vec<Endpoint>,
    tried: Vec<RouteId>,
    sorted: Vec<f64>,
    changes: Changes,
}

/// The middle one of some numbers.
fn median(numbers: &mut [f64]) -> Option<f64> {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied()
}

/// The lower middle one of some rates; 0 where there are no two to compare.
fn usual(rates: &mut [f64]) -> f64 {
    rates.sort_unstable_by(f64::total_cmp);
    if rates.len() < 2 { 0.0 } else { rates[(rates.len() - 1) / 2] }
}

impl Traffic {
    fn new(settings: &Settings, pool: &Pool, now: Time) -> Self {
        let rule = Rule::new(settings);
        let parts = settings.get("price.prompt_parts");
        let endpoints =
            pool.routes.iter().map(|route| Endpoint::new(price(route, parts), &rule)).collect();
        let mut traffic = Self {
            candidates: Candidates::new(pool),
            rule,
            endpoints,
            tried: Vec::new(),
            sorted: Vec::new(),
            changes: Changes::new(now),
        };
        for model in 0..pool.models.len() {
            traffic.renew(now, ModelId(model as u16));
        }
        traffic
    }

    fn change(&mut self, at: Time, route: RouteId, to: Health, reason: &'static str) {
        let from = if to == Health::Failed { Health::Healthy } else { Health::Failed };
        self.changes.note(at, route, from, to, reason);
    }

    /// Pauses what fails far more than its peers, and ends pauses.
    fn judge(&mut self, now: Time, model: ModelId) {
        let mut rates = std::mem::take(&mut self.sorted);
        rates.clear();
        for route in self.candidates.of(model) {
            rates.extend(self.endpoints[route.index()].worst(now, &self.rule));
        }
        let peers = usual(&mut rates);
        self.sorted = rates;
        let alone = self.candidates.of(model).len() < 2;
        let bar = (self.rule.times * peers).max(self.rule.least);
        for at in 0..self.candidates.of(model).len() {
            let route = self.candidates.of(model)[at];
            let endpoint = &mut self.endpoints[route.index()];
            if let Some(until) = endpoint.paused {
                if now >= until {
                    endpoint.begin_anew(&self.rule);
                    self.change(now, route, Health::Healthy, "pause over");
                }
            } else if !alone && endpoint.worst(now, &self.rule).is_some_and(|worst| worst > bar) {
                endpoint.paused = Some(now + self.rule.pause);
                self.change(now, route, Health::Failed, "far worse than its peers");
            }
        }
    }

    /// Computes the shares of a model.
    fn renew(&mut self, now: Time, model: ModelId) {
        let routes = self.candidates.of(model);
        self.sorted.clear();
        self.sorted.extend(routes.iter().filter_map(|route| self.endpoints[route.index()].speed));
        let usual = median(&mut self.sorted);
        let mut least = f64::INFINITY;
        for route in routes {
            let endpoint = &mut self.endpoints[route.index()];
            endpoint.renew_cost(now, usual, &self.rule);
            if endpoint.paused.is_none() {
                least = least.min(endpoint.cost);
            }
        }
        let (edge, mut inside, mut outside) = (least * self.rule.edge, 0.0, 0usize);
        for route in routes {
            let endpoint = &self.endpoints[route.index()];
            if endpoint.paused.is_none() {
                if endpoint.cost <= edge {
                    inside += (least / endpoint.cost) * (least / endpoint.cost);
                } else {
                    outside += 1;
                }
            }
        }
        // However many explore, at least half is left to the best.
        let explore = self.rule.explore.min(0.5 / outside.max(1) as f64);
        let rest = 1.0 - explore * outside as f64;
        for route in routes {
            let endpoint = &mut self.endpoints[route.index()];
            endpoint.share = if endpoint.paused.is_some() {
                0.0
            } else if endpoint.cost <= edge {
                rest * (least / endpoint.cost) * (least / endpoint.cost) / inside
            } else {
                explore
            };
        }
    }
}

impl Policy for Traffic {
    fn choose(
        &mut self,
        now: Time,
        request: &Request,
        avoid: &[RouteId],
        word: u64,
    ) -> Option<Attempt> {
        let routes = self.candidates.among(request);
        let endpoints = &self.endpoints;
        let share = |route: RouteId| endpoints[route.index()].share;
        let under_cap = |route: RouteId| {
            if endpoints[route.index()].has_room(now) { share(route) } else { 0.0 }
        };
        let route = pick::by_weight(routes, avoid, word, under_cap)
            .or_else(|| pick::by_weight(routes, avoid, word, share))
            .or_else(|| self.candidates.draw(request, avoid, word))?;
        self.endpoints[route.index()].take(now);
        Some(Attempt::to(route))
    }

    fn next(&mut self, now: Time, request: &Request, past: &[Past], _: u32, word: u64) -> Step {
        let mut tried = std::mem::take(&mut self.tried);
        let step = elsewhere(self, &mut tried, (now, request, past), word);
        self.tried = tried;
        step
    }

    fn on_first_token(&mut self, now: Time, sent: &Sent) {
        let secs = now.since(sent.at).as_secs_f64();
        self.endpoints[sent.route.index()].heard(secs, &self.rule);
    }

    fn on_end(&mut self, now: Time, sent: &Sent, outcome: &Outcome) {
        self.endpoints[sent.route.index()].ended(now, sent, outcome, &self.rule);
    }

    fn wants_first_token(&self) -> bool {
        true
    }

    fn next_wake(&self) -> Option<Time> {
        Some(self.changes.next_wake())
    }

    fn on_wake(&mut self, now: Time, changed: &mut dyn FnMut(Transition)) {
        for endpoint in &mut self.endpoints {
            endpoint.move_cap(now, &self.rule);
        }
        for model in self.candidates.models() {
            self.judge(now, model);
            self.renew(now, model);
        }
        self.changes.tell(now, changed);
    }

    fn set_present(&mut self, now: Time, route: RouteId, present: bool) {
        self.candidates.set_present(route, present);
        self.renew(now, self.candidates.model(route));
    }

    fn show(&self, views: &mut [RouteView]) {
        for (i, (view, endpoint)) in views.iter_mut().zip(&self.endpoints).enumerate() {
            let health = if endpoint.paused.is_some() { Health::Failed } else { Health::Healthy };
            let present = self.candidates.has(RouteId(i as u32));
            let expected = if present { endpoint.share } else { 0.0 };
            *view = RouteView { weight: endpoint.share, health, expected, ..RouteView::default() };
        }
    }
}
