//! Kong AI Gateway: the load balancing of the plugin AI Proxy Advanced, Kong Gateway 3.13 and later.
//!
//! Sources: the plugin's documents and configuration schema (github.com/Kong/developer.konghq.com at bc1cd742,
//! 2026-08-21); its code is closed, and is said to reuse the open balancers of the same names
//! (github.com/Kong/kong at 22246ef2, 2026-07-01), so their code is what the algorithms follow; retries and breaker are
//! nginx's (github.com/nginx/nginx at 3f6f7824). Each file names what it follows and what is our choice.
//!
//! Left out: active health checks (the plugin has none), the judge's score as a measure of usage, the context
//! and cache tiers of its newer cost formula, malformed headers, timeouts to connect and to write and between chunks
//! of a stream (the world has no such ends).

pub mod balancer;
pub mod failover;
#[cfg(test)]
mod fixture;
pub mod hashing;
pub mod least_connections;
pub mod level;
pub mod lowest_latency;
pub mod lowest_usage;
pub mod presets;
pub mod priority;
pub mod round_robin;
pub mod semantic;
pub mod table;
pub mod target;
#[cfg(test)]
mod tests;
pub mod worker;
pub mod xxh32;

use std::sync::Arc;

use crate::engine::{Health, Outcome, Settings, Span, Time, luck};

use super::part::Changes;
use super::{
    Attempt, Past, Policy, Pool, Request, RouteHistory, RouteId, RouteInfo, RouteView, Sent, Step,
    Transition,
};
use balancer::Algorithm;
use failover::Failover;
use target::Target;
use worker::Worker;

const WORKER: u64 = luck::name("kong worker");

/// The status of a request for which there is no target.
const NO_TARGET: u16 = 500;

/// The plugin behind the contract.
#[derive(Debug)]
pub struct Kong {
    failover: Failover,
    read_timeout: Span,
    /// The embedding of the prompt, before a request's first target is chosen.
    embeds: Span,
    skips_tried: bool,
    then: Exhausted,
    workers: Vec<Worker>,
    routes: Vec<RouteInfo>,
    is_present: Vec<bool>,
    sets: Arc<[Vec<RouteId>]>,
    health: Vec<Health>,
    changes: Changes,
    tried: Vec<RouteId>,
    seen: Time,
}

/// What a retry does when every target was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exhausted {
    /// Begins again with all.
    Again,
    /// Stops, unless one target is all there is.
    StopUnlessAlone,
    /// Stops.
    Stop,
    /// Takes the last one again.
    Last,
}

impl Kong {
    /// Over the routes of a pool.
    pub fn new(settings: &Settings, pool: &Pool, now: Time, key: u64) -> Self {
        let algorithm = Algorithm::new(settings);
        let skips_tried = match algorithm {
            Algorithm::RoundRobin => settings.on("round_robin.skip_tried"),
            Algorithm::ConsistentHashing => !settings.on("hashing.retry"),
            _ => true,
        };
        let then = match algorithm {
            Algorithm::RoundRobin | Algorithm::LeastConnections => Exhausted::Again,
            Algorithm::LowestLatency => Exhausted::StopUnlessAlone,
            Algorithm::Priority if settings.on("priority.pre_3_14_8") => Exhausted::Last,
            _ => Exhausted::Stop,
        };
        let embeds = match algorithm {
            Algorithm::Semantic => Span::from_secs_f64(settings.get("semantic.embed_latency")),
            _ => Span::ZERO,
        };
        let workers = settings.get("workers") as u64;
        Self {
            failover: Failover::new(settings),
            read_timeout: Span::from_secs_f64(settings.get("timeout.read")),
            embeds,
            skips_tried,
            then,
            workers: (0..workers).map(|n| Worker::new(settings, pool, now, key, n)).collect(),
            routes: pool.routes.clone(),
            is_present: vec![true; pool.routes.len()],
            sets: Arc::clone(&pool.sets),
            health: vec![Health::Healthy; pool.routes.len()],
            changes: Changes::new(now),
            tried: Vec::with_capacity(settings.get("retries").min(64.0) as usize),
            seen: now,
        }
    }

    /// The worker that a request is with.
    fn worker(&self, request: u64) -> usize {
        luck::below(luck::mix(request, WORKER), self.workers.len() as u32) as usize
    }

    /// A timeout between reads: a stream's wait for its first token, another answer's for all of it.
    fn send(&self, request: &Request, attempt: Option<Attempt>) -> Step {
        let (first, all) = if request.streamed {
            (Some(self.read_timeout), None)
        } else {
            (None, Some(self.read_timeout))
        };
        attempt.map_or(Step::Stop { status: NO_TARGET }, |attempt| {
            Step::Send(Attempt { ttft_timeout: first, total_timeout: all, ..attempt })
        })
    }

    #[cold]
    fn again(&mut self, now: Time, request: &Request, past: &[Past], word: u64) -> Step {
        let last = past[past.len() - 1];
        if !self.failover.retries(&last.outcome, past.len()) {
            return Step::Stop { status: Failover::status(&last.outcome) };
        }
        let mut tried = std::mem::take(&mut self.tried);
        tried.clear();
        if self.skips_tried {
            for past in past {
                // A route comes twice only where everything had been tried before.
                if self.then == Exhausted::Again && tried.contains(&past.route) {
                    tried.clear();
                }
                tried.push(past.route);
            }
        }
        let chosen = self
            .choose(now, request, &tried, word)
            .or_else(|| self.when_all_are_tried(now, request, last.route, word));
        self.tried = tried;
        self.send(request, chosen)
    }

    fn when_all_are_tried(
        &mut self,
        now: Time,
        request: &Request,
        last: RouteId,
        word: u64,
    ) -> Option<Attempt> {
        let worker = self.worker(request.id);
        match self.then {
            Exhausted::Again => self.choose(now, request, &[], word),
            Exhausted::StopUnlessAlone => {
                let within = request.set.index().map(|set| &self.sets[set][..]);
                let is_alone = self.workers[worker].is_alone(now, request.model, within);
                if is_alone { self.choose(now, request, &[], word) } else { None }
            }
            Exhausted::Last if self.may_reuse(request, last) => {
                self.workers[worker].reuse(now, last);
                self.look_at(now, last, "probe");
                Some(Attempt::to(last))
            }
            Exhausted::Last | Exhausted::Stop => None,
        }
    }

    /// Whether the last target may be taken again.
    fn may_reuse(&self, request: &Request, last: RouteId) -> bool {
        let within = request.set.index().map(|set| &self.sets[set]);
        let may = within.is_none_or(|within| within.binary_search(&last).is_ok());
        self.is_present[last.index()] && may
    }

    /// Notes a change of a route's health, which is the worst that any worker sees.
    fn look_at(&mut self, at: Time, route: RouteId, reason: &'static str) {
        let seen = self.workers.iter().map(|worker| worker.health(route));
        let to = if seen.clone().any(|health| health == Health::Failed) {
            Health::Failed
        } else {
            seen.max().unwrap_or_default()
        };
        let from = std::mem::replace(&mut self.health[route.index()], to);
        self.changes.note(at, route, from, to, reason);
    }
}

impl Policy for Kong {
    fn choose(
        &mut self,
        now: Time,
        request: &Request,
        avoid: &[RouteId],
        _: u64,
    ) -> Option<Attempt> {
        self.seen = now;
        let worker = self.worker(request.id);
        let within = request.set.index().map(|set| &self.sets[set][..]);
        let route = self.workers[worker].select(now, request, avoid, within)?;
        self.look_at(now, route, "probe");
        Some(Attempt::to(route))
    }

    fn next(&mut self, now: Time, request: &Request, past: &[Past], waits: u32, luck: u64) -> Step {
        if !past.is_empty() {
            return self.again(now, request, past, luck);
        }
        if waits == 0 && self.embeds > Span::ZERO {
            return Step::Wait(self.embeds);
        }
        let chosen = self.choose(now, request, &[], luck);
        self.send(request, chosen)
    }

    fn on_end(&mut self, now: Time, sent: &Sent, outcome: &Outcome) {
        self.seen = now;
        let counts = self.failover.counts(outcome);
        let is_last = !self.failover.retries(outcome, usize::from(sent.number) + 1);
        let worker = self.worker(sent.request);
        let info = &self.routes[sent.route.index()];
        self.workers[worker].on_end(now, sent, outcome, counts, is_last, info);
        self.look_at(now, sent.route, if counts { "failures" } else { "answer" });
    }

    fn next_wake(&self) -> Option<Time> {
        Some(self.changes.next_wake())
    }

    fn on_wake(&mut self, now: Time, changed: &mut dyn FnMut(Transition)) {
        self.seen = now;
        self.changes.tell(now, changed);
    }

    fn set_present(&mut self, now: Time, route: RouteId, present: bool) {
        self.seen = now;
        let was_present = std::mem::replace(&mut self.is_present[route.index()], present);
        if was_present == present {
            return;
        }
        let info = &self.routes[route.index()];
        for worker in &mut self.workers {
            worker.set_present(now, Target::new(route, info), info, present);
        }
        self.look_at(now, route, "configuration");
    }

    fn remember(&mut self, now: Time, _: Span, history: &[RouteHistory]) {
        for past in history {
            let model = self.routes[past.route.index()].model;
            for worker in &mut self.workers {
                worker.remember(now, model, past);
            }
        }
    }

    fn show(&self, views: &mut [RouteView]) {
        for (i, view) in views.iter_mut().enumerate() {
            let target = Target::new(RouteId(i as u32), &self.routes[i]);
            let (weight, health) = (f64::from(target.weight), self.health[i]);
            *view = RouteView { weight, health, ..RouteView::default() };
        }
        for worker in &self.workers {
            worker.show(self.seen, 1.0 / self.workers.len() as f64, views);
        }
    }
}
