//! nginx's smooth weighted round robin, with its passive health check.
//!
//! At each pick every usable route gains its effective weight, the one with the most is taken and pays the sum
//! of all. A failure costs weight / max_fails of effective weight; each pick gives 1 back. A route that failed
//! max_fails times within fail_timeout is out for as long; then it is tried again, and one answer clears it.
//!
//! Source: nginx, `http/ngx_http_upstream_round_robin.c`, 3f6f7824d. It counts time in whole seconds, and so do
//! we. Left out: backup servers, `max_conns`, `slow_start`, shared zones. Which answers are failures is
//! `proxy_next_upstream`: errors and timeouts always, here also 5xx unless switched off (our choice: nobody
//! would run a gateway without it).

use crate::engine::{Health, Outcome, Param, Settings, Time, Unit};
use crate::policy::part::{Candidates, Changes};
use crate::policy::{
    Attempt, Family, Grade, Policy, PolicySpec, Pool, Process, Request, RouteId, RouteView, Sent,
    Transition,
};

const SOURCE: &str = "nginx, ngx_http_upstream_module, 3f6f7824d";

static TABLE: [Param; 4] = [
    Param::new(
        "fail.max",
        Unit::Count,
        1.0,
        (0.0, 1000.0),
        "Failures within `fail.timeout` that take a route out; 0 = never.",
    )
    .from(SOURCE),
    Param::new(
        "fail.timeout",
        Unit::Seconds,
        10.0,
        (0.0, 86_400.0),
        "Whole seconds in which failures add up, and that a route is out.",
    )
    .from(SOURCE),
    Param::new("fail.http_5xx", Unit::Switch, 1.0, (0.0, 1.0), "Whether a 5xx is a failure."),
    Param::new("fail.http_429", Unit::Switch, 0.0, (0.0, 1.0), "Whether a 429 is a failure."),
];

/// Registry entry.
pub const SPEC: PolicySpec = PolicySpec {
    name: "smooth-weighted-round-robin",
    product: "nginx, 3f6f7824d",
    source: "nginx, http/ngx_http_upstream_round_robin.c, 3f6f7824d",
    doc: "Weighted turns as even as can be; a failure lowers a weight and takes the route out for 10 s.",
    family: Family::Classic,
    grade: Grade::Source,
    left_out: "backup servers, max_conns, slow_start, shared zones",
    process: Process::ONE,
    params: &TABLE,
    preset: &[],
    build: |settings: &Settings, pool: &Pool, now: Time, _: u64| {
        Ok(Box::new(Smooth::new(settings, pool, now)))
    },
};

/// Weighted turns.
#[derive(Debug)]
struct Smooth {
    candidates: Candidates,
    peers: Vec<Peer>,
    max_fails: u32,
    fail_timeout: u64,
    http_5xx: bool,
    http_429: bool,
    changes: Changes,
}

/// A route as nginx sees it; times in whole seconds.
#[derive(Clone, Copy, Debug)]
struct Peer {
    weight: f64,
    effective: f64,
    current: f64,
    fails: u32,
    accessed: u64,
    checked: u64,
    health: Health,
    /// How often it was put back; the tag of its attempts.
    life: u64,
}

impl Smooth {
    fn new(settings: &Settings, pool: &Pool, now: Time) -> Self {
        let peer = |weight| Peer {
            weight,
            effective: weight,
            current: 0.0,
            fails: 0,
            accessed: 0,
            checked: 0,
            health: Health::Healthy,
            life: 0,
        };
        Self {
            candidates: Candidates::new(pool),
            peers: pool.routes.iter().map(|route| peer(route.weight)).collect(),
            max_fails: settings.get("fail.max") as u32,
            fail_timeout: settings.get("fail.timeout") as u64,
            http_5xx: settings.on("fail.http_5xx"),
            http_429: settings.on("fail.http_429"),
            changes: Changes::new(now),
        }
    }

    fn is_out(&self, peer: &Peer, second: u64) -> bool {
        self.max_fails > 0
            && peer.fails >= self.max_fails
            && second.saturating_sub(peer.checked) <= self.fail_timeout
    }

    /// Whether an attempt failed; `None` if its end says nothing.
    fn failed(&self, outcome: &Outcome) -> Option<bool> {
        match outcome {
            Outcome::Cancelled => None,
            Outcome::Unreachable | Outcome::Timeout => Some(true),
            Outcome::ServerError { status } => Some(self.http_5xx && *status >= 500),
            Outcome::RateLimited { .. } => Some(self.http_429),
            Outcome::Done { .. }
            | Outcome::StreamBroken { .. }
            | Outcome::KeyRefused { .. }
            | Outcome::CallerFault { .. } => Some(false),
        }
    }

    fn moved(&mut self, now: Time, route: RouteId, to: Health, reason: &'static str) {
        let from = std::mem::replace(&mut self.peers[route.index()].health, to);
        self.changes.note(now, route, from, to, reason);
    }
}

impl Policy for Smooth {
    fn choose(
        &mut self,
        now: Time,
        request: &Request,
        avoid: &[RouteId],
        _: u64,
    ) -> Option<Attempt> {
        let second = now.0 / 1_000_000_000;
        let mut best: Option<RouteId> = None;
        let mut total = 0.0;
        for &route in self.candidates.among(request) {
            let peer = self.peers[route.index()];
            if avoid.contains(&route) || peer.weight <= 0.0 || self.is_out(&peer, second) {
                continue;
            }
            let peer = &mut self.peers[route.index()];
            peer.current += peer.effective;
            total += peer.effective;
            peer.effective = (peer.effective + 1.0).min(peer.weight);
            let current = peer.current;
            if best.is_none_or(|best| current > self.peers[best.index()].current) {
                best = Some(route);
            }
        }
        let route = best?;
        let (out, timeout) = (self.max_fails, self.fail_timeout);
        let peer = &mut self.peers[route.index()];
        peer.current -= total;
        if second.saturating_sub(peer.checked) > timeout {
            peer.checked = second;
        }
        let tag = peer.life;
        if out > 0 && peer.fails >= out {
            self.moved(now, route, Health::Recovering, "time is up");
        }
        Some(Attempt { tag, ..Attempt::to(route) })
    }

    fn on_end(&mut self, now: Time, sent: &Sent, outcome: &Outcome) {
        // A model with one route has nowhere else to go; nginx keeps no accounts then.
        if self.candidates.of(sent.model).len() <= 1 {
            return;
        }
        let second = now.0 / 1_000_000_000;
        let max_fails = self.max_fails;
        let Some(failed) = self.failed(outcome) else { return };
        let peer = &mut self.peers[sent.route.index()];
        if sent.tag != peer.life {
            return;
        }
        if failed {
            peer.fails = peer.fails.saturating_add(1);
            (peer.accessed, peer.checked) = (second, second);
            if max_fails > 0 {
                let cost = peer.weight / f64::from(max_fails);
                peer.effective = (peer.effective - cost).max(0.0);
                if peer.fails >= max_fails {
                    self.moved(now, sent.route, Health::Failed, "failures");
                }
            }
        } else if peer.accessed < peer.checked {
            peer.fails = 0;
            self.moved(now, sent.route, Health::Healthy, "answered");
        }
    }

    fn next_wake(&self) -> Option<Time> {
        Some(self.changes.next_wake())
    }

    fn on_wake(&mut self, now: Time, changed: &mut dyn FnMut(Transition)) {
        self.changes.tell(now, changed);
    }

    fn set_present(&mut self, now: Time, route: RouteId, present: bool) {
        if present && !self.candidates.has(route) {
            let peer = &mut self.peers[route.index()];
            (peer.effective, peer.current, peer.fails) = (peer.weight, 0.0, 0);
            peer.life += 1;
            self.moved(now, route, Health::Healthy, "put back");
        }
        self.candidates.set_present(route, present);
    }

    fn show(&self, views: &mut [RouteView]) {
        for (view, peer) in views.iter_mut().zip(&self.peers) {
            let (weight, health) = (peer.effective, peer.health);
            *view = RouteView { weight, health, ..RouteView::default() };
        }
        for model in self.candidates.models() {
            let routes = self.candidates.of(model);
            let weight = |route: &RouteId| {
                let peer = &self.peers[route.index()];
                if peer.health == Health::Failed { 0.0 } else { peer.weight }
            };
            let sum: f64 = routes.iter().map(weight).sum();
            for route in routes.iter().filter(|_| sum > 0.0) {
                views[route.index()].expected = weight(route) / sum;
            }
        }
    }
}

#[cfg(test)]
#[path = "smooth_weighted_tests.rs"]
mod tests;
