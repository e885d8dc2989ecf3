//! agentgateway: the better score of two draws, with eviction.
//!
//! Score = health / (1 + latency × (1 + 0.1 × attempts under way)). Health (1 for an answer, 0 for a failure) and
//! latency in seconds (of answers only) are averages by sample. Two draws with replacement, so that the worst
//! keeps 1/n² of the traffic; by weight where weights differ. A route is evicted for failures in a row, or for
//! low health, for a base time × (evictions in a row + 1); an answer ends the row. If all are evicted, the
//! evicted are used. An attempt counts until its response begins.
//!
//! Source: agentgateway, `types/loadbalancer.rs` and `http/health.rs`, 75b4e6ce6. It evicts nobody unless
//! configured; 5 in a row is our choice, and so is that a 429 counts (it has a place for its hint). Left out:
//! conditions in CEL, health checks of its own, `x-ratelimit-reset` (the hint stands for it), retries.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::engine::{Health, Outcome, Param, Settings, Span, Time, Unit};
use crate::policy::part::ewma::SampleEwma;
use crate::policy::part::{Candidates, Changes, pick};
use crate::policy::{
    Attempt, Family, Grade, Policy, PolicySpec, Pool, Process, Request, RouteId, RouteView, Sent,
    Transition,
};

const BALANCER: &str = "agentgateway, types/loadbalancer.rs, 75b4e6ce6";
const HEALTH: &str = "agentgateway, http/health.rs, 75b4e6ce6";

static TABLE: [Param; 8] = [
    Param::new(
        "score.alpha",
        Unit::Ratio,
        0.3,
        (0.0, 1.0),
        "Weight of the newest sample of health and latency.",
    )
    .from(BALANCER),
    Param::new(
        "score.pending",
        Unit::Number,
        0.1,
        (0.0, 100.0),
        "What each attempt in flight adds to latency, as a share of it.",
    )
    .from(BALANCER),
    Param::new(
        "evict.consecutive",
        Unit::Count,
        5.0,
        (0.0, 10_000.0),
        "Failures in a row that evict; 0 = not by these.",
    ),
    Param::new(
        "evict.health_below",
        Unit::Ratio,
        0.0,
        (0.0, 1.0),
        "A failure evicts if health was below this before it; 0 = not by this. With neither, any failure does.",
    )
    .from(HEALTH),
    Param::new(
        "evict.duration",
        Unit::Seconds,
        3.0,
        (0.001, 86_400.0),
        "Length of an eviction without a hint, times evictions in a row + 1.",
    )
    .from(HEALTH),
    Param::new(
        "evict.hints",
        Unit::Switch,
        1.0,
        (0.0, 1.0),
        "Whether the hint of a 429 stands in for that length.",
    )
    .from(HEALTH),
    Param::new(
        "evict.restore_health",
        Unit::Ratio,
        0.0,
        (0.0, 1.0),
        "Health of a route that comes back; 0 = as it was.",
    )
    .from(HEALTH),
    Param::new(
        "evict.limited",
        Unit::Switch,
        1.0,
        (0.0, 1.0),
        "Whether a 429 is a failure, as a 5xx is.",
    ),
];

/// Registry entry.
pub const SPEC: PolicySpec = PolicySpec {
    name: "agentgateway",
    product: "agentgateway, 75b4e6ce6",
    source: "agentgateway, types/loadbalancer.rs and http/health.rs, 75b4e6ce6",
    doc: "The better of two draws by health, latency and requests in flight; 5 failures in a row evict for 3 s × \
          evictions in a row.",
    family: Family::Field,
    grade: Grade::Source,
    left_out: "conditions in CEL, health checks of its own, x-ratelimit-reset, retries",
    process: Process::ONE,
    params: &TABLE,
    preset: &[],
    build: |settings: &Settings, pool: &Pool, now: Time, _: u64| {
        Ok(Box::new(Agentgateway::new(settings, pool, now)))
    },
};

/// The balancer.
#[derive(Debug)]
struct Agentgateway {
    present: Candidates,
    /// Those present that are not evicted.
    active: Candidates,
    ends: Vec<Endpoint>,
    weights: Vec<f64>,
    /// Whether weights differ, by model.
    differ: Vec<bool>,
    back: BinaryHeap<Reverse<(Time, RouteId)>>,
    changes: Changes,
    rule: Rule,
}

#[derive(Clone, Copy, Debug)]
struct Rule {
    alpha: f64,
    pending: f64,
    consecutive: u64,
    health_below: f64,
    duration: Span,
    hints: bool,
    restore: f64,
    limited: bool,
}

#[derive(Clone, Copy, Debug)]
struct Endpoint {
    health: SampleEwma,
    latency: SampleEwma,
    pending: u32,
    streak: u64,
    /// Evictions in a row.
    times: u64,
    evicted_until: Option<Time>,
    /// How often it was put back; the tag of its attempts.
    life: u64,
}

impl Endpoint {
    const fn new(alpha: f64, life: u64) -> Self {
        Self {
            health: SampleEwma::new(1.0, alpha),
            latency: SampleEwma::new(0.0, alpha),
            pending: 0,
            streak: 0,
            times: 0,
            evicted_until: None,
            life,
        }
    }
}

impl Agentgateway {
    fn new(settings: &Settings, pool: &Pool, now: Time) -> Self {
        let rule = Rule {
            alpha: settings.get("score.alpha"),
            pending: settings.get("score.pending"),
            consecutive: settings.get("evict.consecutive") as u64,
            health_below: settings.get("evict.health_below"),
            duration: Span::from_secs_f64(settings.get("evict.duration")),
            hints: settings.on("evict.hints"),
            restore: settings.get("evict.restore_health"),
            limited: settings.on("evict.limited"),
        };
        let present = Candidates::new(pool);
        let weights: Vec<f64> = pool.routes.iter().map(|route| route.weight).collect();
        let weight = |route: &RouteId| weights[route.index()];
        let differ = |routes: &[RouteId]| routes.iter().any(|r| weight(r) != weight(&routes[0]));
        Self {
            active: present.clone(),
            ends: vec![Endpoint::new(rule.alpha, 0); pool.routes.len()],
            differ: present.models().map(|model| differ(present.of(model))).collect(),
            present,
            weights,
            back: BinaryHeap::new(),
            changes: Changes::new(now),
            rule,
        }
    }

    fn score(&self, route: RouteId) -> f64 {
        let end = &self.ends[route.index()];
        let busy = 1.0 + self.rule.pending * f64::from(end.pending);
        end.health.value / (1.0 + end.latency.value * busy)
    }

    fn health(&self, route: RouteId) -> Health {
        let evicted = self.ends[route.index()].evicted_until.is_some();
        if evicted { Health::Failed } else { Health::Healthy }
    }

    /// Lets evictions end.
    fn advance(&mut self, now: Time) {
        while let Some(&Reverse((at, route))) = self.back.peek()
            && at <= now
        {
            self.back.pop();
            let end = &mut self.ends[route.index()];
            // What was put down for an earlier eviction is void.
            if end.evicted_until != Some(at) {
                continue;
            }
            end.evicted_until = None;
            if self.rule.restore > 0.0 {
                end.health.value = self.rule.restore;
            }
            self.active.set_present(route, self.present.has(route));
            self.changes.note(at, route, Health::Failed, Health::Healthy, "time is up");
        }
    }

    fn pair(
        &self,
        among: &Candidates,
        request: &Request,
        avoid: &[RouteId],
        word: u64,
    ) -> Option<(RouteId, RouteId)> {
        let routes = among.among(request);
        if self.differ[usize::from(request.model.0)] {
            pick::pair_by_weight(routes, avoid, word, |route| self.weights[route.index()])
        } else {
            pick::pair_with_replacement(routes, avoid, word)
        }
    }

    /// The response began well.
    fn succeeded(&mut self, now: Time, sent: &Sent) {
        let end = &mut self.ends[sent.route.index()];
        end.latency.record(now.since(sent.at).as_secs_f64());
        end.health.record(1.0);
        (end.streak, end.times) = (0, 0);
    }

    fn failed(&mut self, now: Time, route: RouteId, hint: Option<Span>) {
        let rule = self.rule;
        let end = &mut self.ends[route.index()];
        let low = rule.health_below > 0.0 && end.health.value < rule.health_below;
        let long = rule.consecutive > 0 && end.streak + 1 >= rule.consecutive;
        let any = rule.health_below == 0.0 && rule.consecutive == 0;
        end.health.record(0.0);
        end.streak += 1;
        if !(low || long || any) || end.evicted_until.is_some() {
            return;
        }
        let base = hint.filter(|_| rule.hints).unwrap_or(rule.duration);
        let until = now + Span(base.0.saturating_mul(end.times + 1));
        end.evicted_until = Some(until);
        end.times += 1;
        self.back.push(Reverse((until, route)));
        self.active.set_present(route, false);
        let reason = if long { "failures in a row" } else { "low health" };
        self.changes.note(now, route, Health::Healthy, Health::Failed, reason);
    }
}

impl Policy for Agentgateway {
    fn choose(
        &mut self,
        now: Time,
        request: &Request,
        avoid: &[RouteId],
        luck: u64,
    ) -> Option<Attempt> {
        self.advance(now);
        let pair = self.pair(&self.active, request, avoid, luck);
        let (a, b) = pair.or_else(|| self.pair(&self.present, request, avoid, luck))?;
        let route = if self.score(a) > self.score(b) { a } else { b };
        let end = &mut self.ends[route.index()];
        end.pending += 1;
        Some(Attempt { tag: end.life, ..Attempt::to(route) })
    }

    fn on_first_token(&mut self, now: Time, sent: &Sent) {
        let end = &mut self.ends[sent.route.index()];
        if sent.tag == end.life {
            end.pending = end.pending.saturating_sub(1);
            self.succeeded(now, sent);
        }
    }

    fn on_end(&mut self, now: Time, sent: &Sent, outcome: &Outcome) {
        self.advance(now);
        let end = &mut self.ends[sent.route.index()];
        if sent.tag != end.life || sent.heard {
            return;
        }
        end.pending = end.pending.saturating_sub(1);
        match outcome {
            Outcome::Cancelled => {}
            Outcome::RateLimited { retry_after } if self.rule.limited => {
                self.failed(now, sent.route, *retry_after);
            }
            Outcome::Unreachable | Outcome::Timeout => self.failed(now, sent.route, None),
            Outcome::ServerError { status } if *status >= 500 => {
                self.failed(now, sent.route, None);
            }
            _ => self.succeeded(now, sent),
        }
    }

    fn wants_first_token(&self) -> bool {
        true
    }

    fn next_wake(&self) -> Option<Time> {
        Some(self.changes.next_wake())
    }

    fn on_wake(&mut self, now: Time, changed: &mut dyn FnMut(Transition)) {
        self.advance(now);
        self.changes.tell(now, changed);
    }

    fn set_present(&mut self, now: Time, route: RouteId, present: bool) {
        self.advance(now);
        if present && !self.present.has(route) {
            let from = self.health(route);
            let end = &mut self.ends[route.index()];
            *end = Endpoint::new(self.rule.alpha, end.life + 1);
            self.changes.note(now, route, from, Health::Healthy, "put back");
        }
        self.present.set_present(route, present);
        self.active.set_present(route, present && self.health(route) == Health::Healthy);
    }

    fn show(&self, views: &mut [RouteView]) {
        for (i, view) in views.iter_mut().enumerate() {
            let route = RouteId(i as u32);
            let (weight, health) = (self.score(route), self.health(route));
            *view = RouteView { weight, health, ..RouteView::default() };
        }
        for model in self.present.models() {
            let active = self.active.of(model);
            let routes = if active.is_empty() { self.present.of(model) } else { active };
            let weight = |route: RouteId| {
                if self.differ[usize::from(model.0)] { self.weights[route.index()] } else { 1.0 }
            };
            pick::shares_with_replacement(
                routes,
                |r| -self.score(r),
                weight,
                |r, share| {
                    views[r.index()].expected = share;
                },
            );
        }
    }
}

#[cfg(test)]
#[path = "agentgateway_tests.rs"]
mod tests;
