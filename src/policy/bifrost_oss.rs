//! Bifrost, the open-source gateway: a static weighted draw among keys, with retries, key rotation and fallbacks.
//!
//! Sources: github.com/maximhq/bifrost, core/keyselectors/weightedrandom.go and core/schemas/provider.go, 2026;
//! docs.getbifrost.ai, Retries and Fallbacks, 2026-09. Nothing is remembered between requests.
//!
//! Our choices: a provider's weight is the sum of its keys' weights, as nothing else is configured here; the
//! request timeout of the product holds for the whole of an answer that is not streamed and for the first token
//! of a stream; a request's own fault goes to the fallback at once, as black-box tests of the product found.
//!
//! Left out: governance, queues per provider, plugins, the pause between chunks of a stream.

use crate::engine::{Outcome, Param, Settings, Span, Time, Unit, luck};

use super::part::{Backoff, Candidates, Growth, pick, uniform};
use super::{
    Attempt, Family, Grade, Past, Policy, PolicySpec, Pool, Process, ProviderId, Request, RouteId,
    RouteView, Step,
};

#[cfg(test)]
#[path = "bifrost_oss_tests.rs"]
mod tests;

const RETRIES: &str = "docs.getbifrost.ai, Retries and Fallbacks, 2026-09";
const SELECTOR: &str = "maximhq/bifrost, core/keyselectors/weightedrandom.go, 2026";

/// Its parameters.
pub const TABLE: [Param; 7] = [
    Param::new("retry.max", Unit::Count, 0.0, (0.0, 100.0), "Retries per provider.").from(RETRIES),
    Param::new("retry.backoff_first", Unit::Seconds, 0.5, (0.0, 60.0), "First wait before a retry.")
        .from(RETRIES),
    Param::new("retry.backoff_max", Unit::Seconds, 5.0, (0.0, 600.0), "Longest wait.")
        .from(RETRIES),
    Param::new(
        "retry.backoff_jitter",
        Unit::Ratio,
        0.2,
        (0.0, 1.0),
        "Waits vary by this share either way.",
    )
    .from(RETRIES),
    Param::new(
        "fallback.max",
        Unit::Count,
        100.0,
        (0.0, 100.0),
        "Further providers to try, the heaviest first.",
    )
    .from(RETRIES),
    Param::new(
        "timeout.request",
        Unit::Seconds,
        30.0,
        (0.0, 3600.0),
        "Longest wait for an answer, or for the first token of a stream; 0 = for ever.",
    )
    .from("maximhq/bifrost, core/schemas/provider.go, 2026"),
    Param::new(
        "weight.steps",
        Unit::Count,
        100.0,
        (1.0, 1e6),
        "A weight counts in whole steps of one part in this many; what is below one step draws nothing.",
    )
    .from(SELECTOR),
];

static PARAMS: [Param; TABLE.len()] = TABLE;

/// Registry entry.
pub const SPEC: PolicySpec = PolicySpec {
    name: "bifrost-oss",
    product: "Bifrost, open source, 2026",
    source: "github.com/maximhq/bifrost; docs.getbifrost.ai, Retries and Fallbacks, 2026-09",
    doc: "A draw by static weights, key rotation after refusals, fallback to the other providers; no memory between requests.",
    family: Family::Field,
    grade: Grade::Documents,
    left_out: "governance, queues per provider, plugins, the pause between chunks of a stream",
    process: Process::ONE,
    params: &PARAMS,
    preset: &[],
    build: |settings, pool, _, _| Ok(Box::new(Weighted::new(settings, pool))),
};

/// Weighted keys with retries and fallbacks.
#[derive(Debug)]
pub(super) struct Weighted {
    pub(super) candidates: Candidates,
    providers: Vec<ProviderId>,
    /// Weight of each route, in steps.
    pub(super) weights: Vec<f64>,
    steps: f64,
    retries: usize,
    backoff: Backoff,
    fallbacks: usize,
    timeout: Option<Span>,
    avoid: Vec<RouteId>,
}

impl Weighted {
    pub(super) fn new(settings: &Settings, pool: &Pool) -> Self {
        let timeout = settings.get("timeout.request");
        let mut weighted = Self {
            candidates: Candidates::new(pool),
            providers: pool.routes.iter().map(|route| route.provider).collect(),
            weights: vec![0.0; pool.routes.len()],
            steps: settings.get("weight.steps"),
            retries: settings.get("retry.max") as usize,
            backoff: Backoff {
                first: settings.get("retry.backoff_first"),
                max: settings.get("retry.backoff_max"),
                growth: Growth::Exponential,
                jitter: settings.get("retry.backoff_jitter"),
            },
            fallbacks: settings.get("fallback.max") as usize,
            timeout: (timeout > 0.0).then(|| Span::from_secs_f64(timeout)),
            avoid: Vec::new(),
        };
        for (i, route) in pool.routes.iter().enumerate() {
            weighted.set_weight(RouteId(i as u32), route.weight);
        }
        weighted
    }

    pub(super) fn set_weight(&mut self, route: RouteId, weight: f64) {
        self.weights[route.index()] = (weight * self.steps).floor();
    }

    fn draw(&self, routes: &[RouteId], avoid: &[RouteId], word: u64) -> Option<RouteId> {
        pick::by_weight(routes, avoid, word, |route| self.weights[route.index()])
            .or_else(|| uniform(routes, avoid, word))
    }

    fn provider(&self, route: RouteId) -> ProviderId {
        self.providers[route.index()]
    }

    /// The keys of each provider that may serve a request.
    fn groups(&self, request: &Request) -> impl Iterator<Item = &[RouteId]> {
        self.candidates
            .among(request)
            .chunk_by(|one, other| self.provider(*one) == self.provider(*other))
    }

    fn send(&self, request: &Request, route: RouteId) -> Attempt {
        if request.streamed {
            Attempt { ttft_timeout: self.timeout, ..Attempt::to(route) }
        } else {
            Attempt { total_timeout: self.timeout, ..Attempt::to(route) }
        }
    }

    /// A key of the provider of the last attempt: the same one after a transient error; after a refusal another,
    /// and after a 429 one that was used before if all have been.
    fn rotate(&mut self, request: &Request, past: &[Past], word: u64) -> Option<RouteId> {
        let last = past[past.len() - 1];
        let provider = self.provider(last.route);
        let transient = matches!(
            last.outcome,
            Outcome::ServerError { .. } | Outcome::Unreachable | Outcome::Timeout
        );
        if transient && self.candidates.may(request, last.route) {
            return Some(last.route);
        }
        let mut avoid = std::mem::take(&mut self.avoid);
        avoid.clear();
        avoid.extend(past.iter().map(|past| past.route));
        let keys = self.groups(request).find(|keys| self.provider(keys[0]) == provider);
        let route = keys.and_then(|keys| {
            self.draw(keys, &avoid, word).or_else(|| {
                let dead = |past: &&Past| matches!(past.outcome, Outcome::KeyRefused { .. });
                avoid.clear();
                avoid.extend(past.iter().filter(dead).map(|past| past.route));
                self.draw(keys, &avoid, word)
            })
        });
        self.avoid = avoid;
        route
    }

    /// A key of the heaviest provider that was not tried.
    fn fall_back(&self, request: &Request, past: &[Past], word: u64) -> Option<RouteId> {
        let tried = |provider| past.iter().any(|past| self.provider(past.route) == provider);
        let runs = past.chunk_by(|a, b| self.provider(a.route) == self.provider(b.route)).count();
        if runs > self.fallbacks {
            return None;
        }
        let mut best: Option<(&[RouteId], f64)> = None;
        for keys in self.groups(request) {
            let weight: f64 = keys.iter().map(|key| self.weights[key.index()]).sum();
            if best.is_none_or(|(_, most)| weight > most) && !tried(self.provider(keys[0])) {
                best = Some((keys, weight));
            }
        }
        best.and_then(|(keys, _)| self.draw(keys, &[], word))
    }

    /// After everything failed the client sees the error of the first provider.
    fn verdict(&self, past: &[Past]) -> u16 {
        let provider = self.provider(past[0].route);
        let primary = past.iter().take_while(|past| self.provider(past.route) == provider).last();
        primary.map_or(503, |past| past.outcome.status())
    }
}

impl Policy for Weighted {
    fn choose(
        &mut self,
        _: Time,
        request: &Request,
        avoid: &[RouteId],
        luck: u64,
    ) -> Option<Attempt> {
        let route = self.draw(self.candidates.among(request), avoid, luck)?;
        Some(self.send(request, route))
    }

    fn next(&mut self, now: Time, request: &Request, past: &[Past], waits: u32, word: u64) -> Step {
        let Some(last) = past.last() else {
            let attempt = self.choose(now, request, &[], word);
            return attempt.map_or(Step::Stop { status: 503 }, Step::Send);
        };
        let (retried, charged) = match last.outcome {
            Outcome::Done { .. } | Outcome::StreamBroken { .. } | Outcome::Cancelled => {
                return Step::Stop { status: last.outcome.status() };
            }
            Outcome::CallerFault { .. } => (false, 0),
            Outcome::KeyRefused { .. } => (true, 0),
            Outcome::RateLimited { .. }
            | Outcome::ServerError { .. }
            | Outcome::Unreachable
            | Outcome::Timeout => {
                let provider = self.provider(last.route);
                let here = past.iter().rev().take_while(|p| self.provider(p.route) == provider);
                let refused = |p: &&Past| matches!(p.outcome, Outcome::KeyRefused { .. });
                let charged = here.filter(|p| !refused(p)).count();
                (charged <= self.retries, charged)
            }
        };
        if retried && let Some(route) = self.rotate(request, past, word) {
            if waits == 0 && charged > 0 {
                let word = luck::mix(word, luck::name("backoff"));
                let wait = self.backoff.wait(charged as u32, word);
                if wait > Span::ZERO {
                    return Step::Wait(wait);
                }
            }
            return Step::Send(self.send(request, route));
        }
        match self.fall_back(request, past, word) {
            Some(route) => Step::Send(self.send(request, route)),
            None => Step::Stop { status: self.verdict(past) },
        }
    }

    fn set_present(&mut self, _: Time, route: RouteId, present: bool) {
        self.candidates.set_present(route, present);
    }

    fn show(&self, views: &mut [RouteView]) {
        for (view, weight) in views.iter_mut().zip(&self.weights) {
            *view = RouteView { weight: weight / self.steps, ..RouteView::default() };
        }
        for model in self.candidates.models() {
            let routes = self.candidates.of(model);
            let sum: f64 = routes.iter().map(|route| self.weights[route.index()]).sum();
            for route in routes {
                let even = 1.0 / routes.len() as f64;
                let share = if sum > 0.0 { self.weights[route.index()] / sum } else { even };
                views[route.index()].expected = share;
            }
        }
    }
}
