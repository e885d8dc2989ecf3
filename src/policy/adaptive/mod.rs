//! The adaptive engine as a gateway policy: the engine chooses, and around it stand what the vendor's gateway
//! puts around its own: key rotation by error class, backoff with jitter, fallbacks each with its own retry
//! budget, timeouts. A stream that broke after output is never retried.
//!
//! Source of the retry rules: docs.getbifrost.ai, Retries and Fallbacks, 2026-09. Left out: queues per
//! provider, header-driven circuit breakers, plugins.

pub mod ablation;
mod table;

use std::cell::RefCell;
use std::sync::Arc;

use crate::engine::{
    Allowed, Engine, Explanation, Limits, Need, Outcome, Params, ProviderKey, Report, Route,
    RouteKey, Settings, Span, Ticket, Time, luck,
};

pub use table::{BIFROST_2026, BIFROST_LITERAL, BIFROST_PUBLISHED, TABLE, WINDTUNNEL};

use super::part::{Backoff, Growth, RetryBudget};
use super::{
    Attempt, Past, Policy, Pool, Request, RouteHistory, RouteId, RouteView, Sent, Share, Step,
    Transition,
};

/// Longest list of tried routes that is handed to the engine.
const TRIED: usize = 16;

/// The engine behind the contract.
#[derive(Debug)]
pub struct Adaptive {
    engine: Engine,
    retry: Retry,
    keys: Vec<RouteKey>,
    routes: Vec<Route>,
    models: Vec<Option<crate::engine::ModelKey>>,
    /// Provider of each route, as the engine names it.
    providers: Vec<ProviderKey>,
    budget: Option<RetryBudget>,
    ranked: Vec<ProviderKey>,
    next_tick: Time,
    interval: Span,
    /// What is noted of decisions, while somebody wants to know.
    notes: RefCell<Option<Vec<Explanation>>>,
    shares: Share,
    sets: Arc<[Vec<RouteId>]>,
    /// What requests are confined to, as the engine names it, once it was needed.
    allowed: Vec<Option<Allowed>>,
}

#[derive(Clone, Copy, Debug)]
struct Retry {
    max: u32,
    backoff: Backoff,
    same_key: bool,
    fallbacks: usize,
    ttft: Option<Span>,
    total: Option<Span>,
    hears_first_token: bool,
}

impl Adaptive {
    /// An engine over the routes of a pool.
    ///
    /// # Errors
    /// A sentence, if the settings contradict each other.
    pub fn new(settings: &Settings, pool: &Pool, now: Time) -> Result<Self, String> {
        let params = Params::from_settings(settings).map_err(|error| error.to_string())?;
        let interval = Span::from_secs_f64(params.interval);
        let shares = match params.share_mode as u8 {
            0 => Share::Nothing,
            1 => Share::LimitsInRegion,
            _ => Share::Everything,
        };
        let timeout = |id| {
            let secs = settings.get(id);
            (secs > 0.0).then(|| Span::from_secs_f64(secs))
        };
        let share = settings.get("retry.budget");
        let retry = Retry {
            max: settings.get("retry.max") as u32,
            backoff: Backoff {
                first: settings.get("retry.backoff_first"),
                max: settings.get("retry.backoff_max"),
                growth: Growth::Exponential,
                jitter: settings.get("retry.backoff_jitter"),
            },
            same_key: settings.on("retry.same_key"),
            fallbacks: settings.get("fallback.max") as usize,
            ttft: timeout("timeout.ttft"),
            total: timeout("timeout.total"),
            hears_first_token: params.silence_enabled != 0.0,
        };
        let engine = Engine::with_shards(params, now, 1).map_err(|error| error.to_string())?;
        let named = |route: &super::RouteInfo| {
            Route::new(
                &pool.providers[usize::from(route.provider.0)],
                &pool.models[usize::from(route.model.0)],
                &route.key,
            )
            .region(&route.region)
            .pool(&route.pool)
            .weight(route.weight)
        };
        let routes: Vec<Route> = pool.routes.iter().map(named).collect();
        let keys = engine.add_all(routes.iter().cloned(), now);
        let provider = |route: &super::RouteInfo| {
            engine.provider(&pool.providers[usize::from(route.provider.0)]).expect("just added")
        };
        Ok(Self {
            providers: pool.routes.iter().map(provider).collect(),
            models: pool.models.iter().map(|model| engine.model(model)).collect(),
            engine,
            retry,
            keys,
            routes,
            budget: (share > 0.0).then(|| RetryBudget::new(share, 100)),
            ranked: Vec::new(),
            next_tick: now + interval,
            interval,
            notes: RefCell::new(None),
            shares,
            sets: Arc::clone(&pool.sets),
            allowed: vec![None; pool.sets.len()],
        })
    }

    /// The engine.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// An answer that is not streamed has its first byte at its end: only the total timeout fits it.
    fn attempt(&self, request: &Request, ticket: Ticket) -> Attempt {
        let (tag, _) = ticket.to_words();
        Attempt {
            route: RouteId((tag >> 32) as u32),
            ttft_timeout: self.retry.ttft.filter(|_| request.streamed),
            total_timeout: self.retry.total,
            tag,
            explored: ticket.explores() || ticket.is_check(),
        }
    }

    fn send(&self, request: &Request, ticket: Ticket) -> Step {
        Step::Send(self.attempt(request, ticket))
    }

    /// What to do after a failure.
    #[cold]
    fn again(
        &mut self,
        now: Time,
        request: &Request,
        past: &[Past],
        waits: u32,
        word: u64,
    ) -> Step {
        self.compile(now, request);
        let (first, last) = (past[0], past[past.len() - 1]);
        let stop = Step::Stop { status: first.outcome.status() };
        if matches!(
            last.outcome,
            Outcome::Done { .. }
                | Outcome::StreamBroken { .. }
                | Outcome::CallerFault { .. }
                | Outcome::Cancelled
        ) {
            return Step::Stop { status: last.outcome.status() };
        }
        let provider = self.providers[last.route.index()];
        let here = past.iter().rev().take_while(|p| self.providers[p.route.index()] == provider);
        let charged =
            here.filter(|p| !matches!(p.outcome, Outcome::KeyRefused { .. })).count() as u32;
        let rotates_free = matches!(last.outcome, Outcome::KeyRefused { .. });
        let stays = rotates_free || charged <= self.retry.max;
        if waits == 0 {
            if !self.budget.as_mut().is_none_or(RetryBudget::withdraw) {
                return stop;
            }
            if stays && !rotates_free {
                return Step::Wait(self.backoff(charged - 1, word));
            }
        }
        if stays && let Some(step) = self.same_provider(now, request, past, provider, word) {
            return step;
        }
        self.fall_back(now, request, past, word).unwrap_or(stop)
    }

    /// Another key of the provider, or the same one after a transient error.
    fn same_provider(
        &self,
        now: Time,
        request: &Request,
        past: &[Past],
        provider: ProviderKey,
        word: u64,
    ) -> Option<Step> {
        let last = past[past.len() - 1];
        let transient = matches!(
            last.outcome,
            Outcome::ServerError { .. } | Outcome::Unreachable | Outcome::Timeout
        );
        let may = || {
            let set = request.set.index().map(|set| &self.sets[set]);
            set.is_none_or(|set| set.binary_search(&last.route).is_ok())
        };
        if transient && self.retry.same_key && may() {
            let ticket = self.engine.pin(now, self.keys[last.route.index()]).ok()?;
            return Some(self.send(request, ticket));
        }
        let ticket = self.decide(now, request, &routes(past), Some(provider), word)?;
        Some(self.send(request, ticket))
    }

    /// The best provider that this request has not tried.
    fn fall_back(
        &mut self,
        now: Time,
        request: &Request,
        past: &[Past],
        word: u64,
    ) -> Option<Step> {
        let model = self.models[usize::from(request.model.0)]?;
        let mut ranked = std::mem::take(&mut self.ranked);
        self.engine.fallbacks(model, None, &[], &mut ranked);
        let tried = |p: ProviderKey| past.iter().any(|a| self.providers[a.route.index()] == p);
        let mut used = 0;
        for (i, attempt) in past.iter().enumerate() {
            let p = self.providers[attempt.route.index()];
            used += usize::from(!past[..i].iter().any(|a| self.providers[a.route.index()] == p));
        }
        let ticket = (used <= self.retry.fallbacks)
            .then(|| ranked.iter().copied().filter(|&p| !tried(p)))
            .and_then(|mut rest| {
                rest.find_map(|p| self.decide(now, request, &routes(past), Some(p), word))
            });
        self.ranked = ranked;
        ticket.map(|ticket| self.send(request, ticket))
    }

    /// Tells the engine of what a request is confined to, the first time.
    #[inline]
    fn compile(&mut self, now: Time, request: &Request) {
        if let Some(set) = request.set.index()
            && self.allowed[set].is_none()
        {
            let keys: Vec<_> =
                self.sets[set].iter().map(|route| self.keys[route.index()]).collect();
            self.allowed[set] = Some(self.engine.allow(&keys, now));
        }
    }

    fn decide(
        &self,
        now: Time,
        request: &Request,
        avoid: &[RouteId],
        provider: Option<ProviderKey>,
        word: u64,
    ) -> Option<Ticket> {
        let model = self.models[usize::from(request.model.0)]?;
        let mut tried = [RouteKey::default(); TRIED];
        let count = avoid.len().min(TRIED);
        for (slot, route) in tried.iter_mut().zip(avoid) {
            *slot = self.keys[route.index()];
        }
        let need = Need {
            model,
            prompt_tokens: request.prompt_tokens,
            max_tokens: request.max_tokens,
            provider,
            allowed: request.set.index().and_then(|set| self.allowed[set]),
            tried: &tried[..count],
        };
        if let Some(notes) = self.notes.borrow_mut().as_mut() {
            notes.push(self.engine.explain(now, &need, word));
        }
        self.engine.decide(now, &need, word).ok()
    }

    /// `min(first × 2^n, max)`, ± the jitter, clamped to the maximum again (as the vendor's table has it).
    fn backoff(&self, n: u32, word: u64) -> Span {
        self.retry.backoff.wait(n + 1, luck::mix(word, 77))
    }
}

/// The routes of these attempts, oldest first.
fn routes(past: &[Past]) -> Vec<RouteId> {
    past.iter().map(|past| past.route).collect()
}

impl Policy for Adaptive {
    fn choose(
        &mut self,
        now: Time,
        request: &Request,
        avoid: &[RouteId],
        luck: u64,
    ) -> Option<Attempt> {
        self.compile(now, request);
        let ticket = self.decide(now, request, avoid, None, luck)?;
        Some(self.attempt(request, ticket))
    }

    fn next(&mut self, now: Time, request: &Request, past: &[Past], waits: u32, word: u64) -> Step {
        if !past.is_empty() {
            return self.again(now, request, past, waits, word);
        }
        if let Some(budget) = &mut self.budget {
            budget.deposit();
        }
        self.choose(now, request, &[], word).map_or(Step::Stop { status: 503 }, Step::Send)
    }

    fn on_headers(&mut self, now: Time, sent: &Sent, limits: &Limits) {
        self.engine.headers(Ticket::from_words(sent.tag, sent.at), now, limits);
    }

    fn on_first_token(&mut self, now: Time, sent: &Sent) {
        self.engine.first_token(&mut Ticket::from_words(sent.tag, sent.at), now);
    }

    fn on_end(&mut self, now: Time, sent: &Sent, outcome: &Outcome) {
        let ticket = Ticket::from_words(sent.tag | u64::from(sent.heard), sent.at);
        self.engine.end(ticket, now, *outcome);
    }

    fn wants_first_token(&self) -> bool {
        self.retry.hears_first_token
    }

    fn next_wake(&self) -> Option<Time> {
        Some(self.next_tick)
    }

    fn on_wake(&mut self, now: Time, changed: &mut dyn FnMut(Transition)) {
        for change in self.engine.tick(now) {
            let route = RouteId(change.route.to_word() as u32);
            let reason = change.reason.text();
            changed(Transition { at: change.at, route, from: change.from, to: change.to, reason });
        }
        self.next_tick = now + self.interval;
    }

    fn set_present(&mut self, now: Time, route: RouteId, present: bool) {
        if present {
            // The engine knows it by its identity: same slot, same key, its history.
            self.engine.add(self.routes[route.index()].clone(), now);
        } else {
            self.engine.remove(self.keys[route.index()], now);
        }
    }

    fn remember(&mut self, now: Time, span: Span, history: &[RouteHistory]) {
        let pasts: Vec<_> = history
            .iter()
            .map(|past| {
                let key = self.keys[past.route.index()];
                let samples = past.samples.clone();
                let (rate, error_rate) = (past.rate, past.error_rate);
                (key, crate::engine::Past { span, rate, error_rate, samples })
            })
            .collect();
        self.engine.remember(now, &pasts);
    }

    fn retune(&mut self, now: Time, values: &[(&'static str, f64)]) {
        let mut params = self.engine.params();
        for (id, value) in values {
            // Retries, fallbacks and timeouts are not the engine's.
            let _ = params.set(id, *value);
        }
        self.interval = Span::from_secs_f64(params.interval);
        // Values that contradict each other change nothing, as in a gateway.
        let _ = self.engine.set_params(params, now);
    }

    fn release(&mut self, now: Time, routes: &[RouteId]) {
        for route in routes {
            self.engine.release(self.keys[route.index()], now);
        }
    }

    fn engine(&self) -> Option<&Engine> {
        Some(&self.engine)
    }

    fn note(&mut self, on: bool) -> Vec<Explanation> {
        self.notes.replace(on.then(Vec::new)).unwrap_or_default()
    }

    fn shares(&self) -> Share {
        self.shares
    }

    fn report(&self, now: Time) -> Report {
        self.engine.report(now)
    }

    fn hear(&mut self, _: Time, peer: u64, sent_at: Time, report: &Report) {
        self.engine.hear(peer, sent_at, report);
    }

    fn ranks_providers(&self) -> bool {
        true
    }

    fn show(&self, views: &mut [RouteView]) {
        self.engine.show(|key, view| {
            let parts = view.parts;
            views[key.to_word() as u32 as usize] = RouteView {
                weight: view.weight,
                health: view.health,
                expected: view.probability,
                parts: [parts.error, parts.latency, parts.utilization, parts.momentum],
            };
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture::{pool, request};

    #[test]
    fn only_streams_have_a_timeout_to_the_first_token() {
        let mut policy = Adaptive::new(&WINDTUNNEL.settings(), &pool(&[1]), Time::ZERO).unwrap();
        let mut timeout = |streamed| {
            let request = Request { streamed, ..request(1) };
            match policy.next(Time::ZERO, &request, &[], 0, 7) {
                Step::Send(attempt) => attempt.ttft_timeout,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((timeout(true), timeout(false)), (Some(Span::from_secs(8)), None));
    }
}
