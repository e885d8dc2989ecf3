//! Envoy's least-request balancer with slow start, outlier detection and panic mode.
//!
//! With equal weights, two draws (which may be the same host) and the one with fewer active requests, the first
//! where they tie. With different weights, or a host in slow start, turns by earliest deadline, a turn costing
//! 1 / weight, the weight divided by (active + 1)^bias. Hosts that are ejected get nothing, unless fewer than
//! half are left: then all count (panic). Source: envoyproxy.io, Supported load balancers, Slow start mode,
//! Panic threshold, Outlier detection, 2026. Left out: priorities, localities, subsets, active health checks,
//! circuit breakers by count, retries (its default is none).

mod outlier;
mod params;
mod turns;

use crate::engine::{Outcome, Settings, Time, luck};
use crate::policy::part::{Candidates, Changes, pick, uniform};
use crate::policy::{
    Attempt, Family, Grade, ModelId, Policy, PolicySpec, Pool, Process, Request, RouteId,
    RouteView, Sent, Transition,
};

use outlier::{Answer, Outlier};
use turns::Turns;

/// Registry entry.
pub const SPEC: PolicySpec = PolicySpec {
    name: "envoy",
    product: "Envoy, 2026",
    source: "envoyproxy.io, Supported load balancers and Outlier detection, 2026",
    doc: "Fewer active requests of two draws; 5 failures in a row eject for 30 s × ejections in a row, a low \
          success rate at sweeps every 10 s.",
    family: Family::Field,
    grade: Grade::Documents,
    left_out: "priorities, localities, subsets, active health checks, limits on concurrency, retries",
    process: Process::ONE,
    params: &params::TABLE,
    preset: &[],
    build: |settings: &Settings, pool: &Pool, now: Time, key: u64| {
        Ok(Box::new(Envoy::new(settings, pool, now, key)))
    },
};

/// The balancer.
#[derive(Debug)]
struct Envoy {
    present: Candidates,
    /// Those present that are not ejected.
    open: Candidates,
    active: Vec<u32>,
    /// How often each was put back; the tag of its attempts.
    life: Vec<u64>,
    turns: Turns,
    outlier: Outlier,
    changes: Changes,
    choices: u32,
    panic: f64,
    limited_fails: bool,
    now: Time,
}

impl Envoy {
    fn new(settings: &Settings, pool: &Pool, now: Time, key: u64) -> Self {
        let candidates = Candidates::new(pool);
        Self {
            present: candidates.clone(),
            open: candidates,
            active: vec![0; pool.routes.len()],
            life: vec![0; pool.routes.len()],
            turns: Turns::new(settings, pool, now),
            outlier: Outlier::new(settings, pool, now, key),
            changes: Changes::new(now),
            choices: settings.get("least_request.choices") as u32,
            panic: settings.get("panic.threshold"),
            limited_fails: settings.on("outlier.limited_is_failure"),
            now,
        }
    }

    fn advance(&mut self, now: Time) {
        self.now = now;
        let (open, present) = (&mut self.open, &self.present);
        let mut changed =
            |route: RouteId, back: bool| open.set_present(route, back && present.has(route));
        self.outlier.advance(now, &mut self.changes, &mut changed);
    }

    /// The hosts that count for a model.
    fn hosts(&self, model: ModelId) -> &[RouteId] {
        if self.panics(model) { self.present.of(model) } else { self.open.of(model) }
    }

    fn panics(&self, model: ModelId) -> bool {
        let (open, present) = (self.open.of(model).len(), self.present.of(model).len());
        (open as f64) < self.panic * present as f64
    }

    fn draw(&self, request: &Request, avoid: &[RouteId], word: u64) -> Option<RouteId> {
        let all = if self.panics(request.model) { &self.present } else { &self.open };
        let hosts = all.among(request);
        let draw = |n| uniform(hosts, avoid, luck::mix(word, n));
        let draws = (0..u64::from(self.choices)).filter_map(draw);
        draws.min_by_key(|route| self.active[route.index()])
    }

    /// What an end says of a host, if anything.
    fn answer(&self, outcome: &Outcome) -> Option<Answer> {
        match outcome {
            Outcome::Cancelled => None,
            Outcome::ServerError { status: 502..=504 }
            | Outcome::Unreachable
            | Outcome::Timeout => Some(Answer::Gateway),
            Outcome::ServerError { status } if *status >= 500 => Some(Answer::Error),
            Outcome::RateLimited { .. } if self.limited_fails => Some(Answer::Error),
            _ => Some(Answer::Good),
        }
    }
}

impl Policy for Envoy {
    fn choose(
        &mut self,
        now: Time,
        request: &Request,
        avoid: &[RouteId],
        luck: u64,
    ) -> Option<Attempt> {
        self.advance(now);
        let model = request.model;
        let route = if self.turns.apply(model, now) {
            let all = if self.panics(model) { &self.present } else { &self.open };
            self.turns.next(model, all.among(request), avoid, &self.active, now)?
        } else {
            self.draw(request, avoid, luck)?
        };
        self.active[route.index()] += 1;
        Some(Attempt { tag: self.life[route.index()], ..Attempt::to(route) })
    }

    fn on_end(&mut self, now: Time, sent: &Sent, outcome: &Outcome) {
        self.advance(now);
        let route = sent.route;
        if sent.tag != self.life[route.index()] {
            return;
        }
        let active = &mut self.active[route.index()];
        *active = active.saturating_sub(1);
        if let Some(answer) = self.answer(outcome)
            && self.outlier.answered(now, route, answer, &mut self.changes)
        {
            self.open.set_present(route, false);
        }
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
        if present == self.present.has(route) {
            return;
        }
        let from = self.outlier.health(route);
        self.outlier.set_present(route, present);
        self.changes.note(now, route, from, self.outlier.health(route), "out or put back");
        self.present.set_present(route, present);
        self.open.set_present(route, present);
        if present {
            self.life[route.index()] += 1;
            self.active[route.index()] = 0;
            self.turns.renew(now, route);
        }
    }

    fn show(&self, views: &mut [RouteView]) {
        for (i, view) in views.iter_mut().enumerate() {
            let route = RouteId(i as u32);
            let weight = self.turns.weight(route, self.active[i], self.now);
            let health = self.outlier.health(route);
            *view = RouteView { weight, health, ..RouteView::default() };
        }
        for model in self.present.models() {
            let hosts = self.hosts(model);
            if self.turns.apply(model, self.now) {
                let sum: f64 = hosts.iter().map(|route| views[route.index()].weight).sum();
                for route in hosts.iter().filter(|_| sum > 0.0) {
                    views[route.index()].expected = views[route.index()].weight / sum;
                }
            } else {
                let load = |route: RouteId| f64::from(self.active[route.index()]);
                pick::shares_with_replacement(
                    hosts,
                    load,
                    |_| 1.0,
                    |route, share| {
                        views[route.index()].expected = share;
                    },
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
