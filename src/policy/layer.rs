//! Layers that go around any rule: one common way to retry, a retry budget, client throttling, session affinity.
//!
//! Products differ in how often they retry as much as in how they choose. To compare rules, each is run
//! under one common layer; to see what a layer is worth, it is put around what a product ships.

use std::borrow::Cow;

use crate::engine::{
    Engine, Explanation, Limits, Outcome, Param, Settings, Span, Time, Unit, luck,
};

use super::part::{Affinity, Backoff, Growth, RetryBudget, Throttle};
use super::{
    Attempt, Deadline, Past, Policy, Pool, Report, Request, RouteHistory, RouteId, RouteView, Sees,
    Sent, SetId, Share, Step, Transition, Truth,
};

/// What can be put around any policy.
pub static TABLE: [Param; 12] = [
    Param::new(
        "layer.retry",
        Unit::Choice(&["shipped", "common"]),
        0.0,
        (0.0, 1.0),
        "`shipped` keeps the policy's own retries and timeouts, `common` replaces them by this layer's.",
    ),
    Param::new(
        "layer.retries",
        Unit::Count,
        1.0,
        (0.0, 100.0),
        "Retries of the common layer, each on a route that the request has not tried.",
    ),
    Param::new(
        "layer.backoff",
        Unit::Seconds,
        0.0,
        (0.0, 60.0),
        "First wait before a retry of the common layer; doubles each time.",
    ),
    Param::new(
        "layer.ttft_timeout",
        Unit::Seconds,
        0.0,
        (0.0, 3600.0),
        "Longest wait of the common layer for the first token of a stream; 0 = for ever.",
    ),
    Param::new(
        "layer.total_timeout",
        Unit::Seconds,
        60.0,
        (0.0, 86_400.0),
        "Longest wait of the common layer for the whole answer; 0 = for ever.",
    ),
    Param::new(
        "layer.budget",
        Unit::Ratio,
        0.0,
        (0.0, 1.0),
        "Further attempts as a share of requests, over the common layer or what is shipped; 0 = no limit.",
    )
    .from("Brooker, Fixing Retries with Token Buckets and Circuit Breakers, 2022"),
    Param::new(
        "layer.throttle",
        Unit::Switch,
        0.0,
        (0.0, 1.0),
        "Whether requests are refused locally when few of them are answered.",
    )
    .from("SRE book, Handling Overload, 2016"),
    Param::new(
        "layer.throttle_k",
        Unit::Number,
        2.0,
        (1.0, 100.0),
        "Requests sent per answer before throttling begins.",
    )
    .from("SRE book, Handling Overload, 2016"),
    Param::new(
        "layer.throttle_window",
        Unit::Seconds,
        120.0,
        (1.0, 3600.0),
        "How far back throttling looks.",
    )
    .from("SRE book, Handling Overload, 2016"),
    Param::new(
        "layer.affinity",
        Unit::Switch,
        0.0,
        (0.0, 1.0),
        "Whether the route that served a session is asked first the next time, if the policy still wants it.",
    )
    .from("Bifrost, session affinity, 2026"),
    Param::new(
        "layer.affinity_ttl",
        Unit::Seconds,
        3_600.0,
        (1.0, 604_800.0),
        "How long a session stays with its route after its last request.",
    )
    .from("Bifrost, session affinity, 2026"),
    Param::new(
        "layer.affinity_sessions",
        Unit::Count,
        1_000_000.0,
        (1.0, 100_000_000.0),
        "Most sessions that are remembered, the oldest leaving first; about 100 bytes each.",
    ),
];

/// Retries that a budget may save up.
const SAVINGS: u32 = 100;

/// A policy with a layer around it.
struct Layered {
    inner: Box<dyn Policy>,
    common: Option<Common>,
    budget: Option<RetryBudget>,
    throttle: Option<Throttle>,
    sticky: Option<Sticky>,
    tried: Vec<RouteId>,
}

/// Session affinity, and the sets of one route each that it confines requests to.
struct Sticky {
    affinity: Affinity,
    /// Sets of the pool before those.
    sets: u32,
}

#[derive(Clone, Copy, Debug)]
struct Common {
    retries: usize,
    backoff: Backoff,
    ttft: Option<Span>,
    total: Option<Span>,
}

/// Puts the layer around `inner` that the settings ask for, if any. `inner` was built over what [`pool`] makes of a pool
/// with so many sets.
pub fn around(inner: Box<dyn Policy>, settings: &Settings, sets: u32) -> Box<dyn Policy> {
    let common = settings.on("layer.retry").then(|| Common::new(settings));
    let share = settings.get("layer.budget");
    let budget = (share > 0.0).then(|| RetryBudget::new(share, SAVINGS));
    let throttle = settings.on("layer.throttle").then(|| {
        let window = Span::from_secs_f64(settings.get("layer.throttle_window"));
        Throttle::new(settings.get("layer.throttle_k"), window)
    });
    let sticky = settings.on("layer.affinity").then(|| Sticky {
        affinity: Affinity::new(
            Span::from_secs_f64(settings.get("layer.affinity_ttl")),
            settings.get("layer.affinity_sessions") as usize,
        ),
        sets,
    });
    if common.is_none() && budget.is_none() && throttle.is_none() && sticky.is_none() {
        return inner;
    }
    Box::new(Layered { inner, common, budget, throttle, sticky, tried: Vec::new() })
}

/// The pool that a policy inside these layers is built over: with session affinity, requests may be confined to
/// each single route as well.
pub fn pool<'a>(pool: &'a Pool, settings: &Settings) -> Cow<'a, Pool> {
    if !settings.on("layer.affinity") {
        return Cow::Borrowed(pool);
    }
    let alone = (0..pool.routes.len() as u32).map(|route| vec![RouteId(route)]);
    let sets = pool.sets.iter().cloned().chain(alone).collect();
    Cow::Owned(Pool { sets, ..pool.clone() })
}

impl Common {
    fn new(settings: &Settings) -> Self {
        let span = |id| {
            let secs = settings.get(id);
            (secs > 0.0).then(|| Span::from_secs_f64(secs))
        };
        Self {
            retries: settings.get("layer.retries") as usize,
            backoff: Backoff {
                first: settings.get("layer.backoff"),
                max: 60.0,
                growth: Growth::Exponential,
                jitter: 0.2,
            },
            ttft: span("layer.ttft_timeout"),
            total: span("layer.total_timeout"),
        }
    }

    fn send(&self, request: &Request, attempt: Attempt) -> Step {
        let ttft_timeout = self.ttft.filter(|_| request.streamed);
        Step::Send(Attempt { ttft_timeout, total_timeout: self.total, ..attempt })
    }
}

/// Whether another route may do better.
const fn is_worth_another_try(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::RateLimited { .. }
        | Outcome::ServerError { .. }
        | Outcome::Unreachable
        | Outcome::Timeout
        | Outcome::KeyRefused { .. } => true,
        Outcome::Done { .. }
        | Outcome::StreamBroken { .. }
        | Outcome::CallerFault { .. }
        | Outcome::Cancelled => false,
    }
}

impl Layered {
    fn first(&mut self, now: Time, request: &Request, waits: u32, word: u64) -> Step {
        if waits == 0 {
            if let Some(throttle) = &mut self.throttle
                && !throttle.admit(now, luck::mix(word, luck::name("throttle")))
            {
                return Step::Stop { status: 503 };
            }
            if let Some(budget) = &mut self.budget {
                budget.deposit();
            }
        }
        if let Some(step) = self.stay(now, request, waits, word) {
            return step;
        }
        self.begin(now, request, waits, word)
    }

    /// The first attempt of a request, as the policy has it.
    fn begin(&mut self, now: Time, request: &Request, waits: u32, word: u64) -> Step {
        let Some(common) = &self.common else {
            return self.inner.next(now, request, &[], waits, word);
        };
        match self.inner.choose(now, request, &[], word) {
            Some(attempt) => common.send(request, attempt),
            None => Step::Stop { status: 503 },
        }
    }

    /// The first attempt of a request whose session is bound, if the policy wants the bound route: asked with nothing
    /// else to choose from, it sends there. One that refuses is asked again without.
    fn stay(&mut self, now: Time, request: &Request, waits: u32, word: u64) -> Option<Step> {
        let sticky = self.sticky.as_ref()?;
        let route = sticky.affinity.bound(now, request)?;
        let alone = Request { set: SetId(sticky.sets + route.0 + 1), ..*request };
        match self.begin(now, &alone, waits, word) {
            Step::Stop { .. } => {
                self.sticky.as_mut()?.affinity.drop(request);
                None
            }
            // One that waits first is asked again, the session still bound.
            step @ (Step::Send(_) | Step::Wait(_)) => Some(step),
        }
    }

    #[cold]
    fn again(
        &mut self,
        now: Time,
        request: &Request,
        past: &[Past],
        waits: u32,
        word: u64,
    ) -> Step {
        let last = past[past.len() - 1];
        let stop = Step::Stop { status: last.outcome.status() };
        if let Some(common) = &self.common
            && (past.len() > common.retries || !is_worth_another_try(&last.outcome))
        {
            return stop;
        }
        if waits == 0 && !self.budget.as_mut().is_none_or(RetryBudget::withdraw) {
            return stop;
        }
        let Some(common) = self.common else {
            let step = self.inner.next(now, request, past, waits, word);
            if matches!(step, Step::Stop { .. })
                && let Some(budget) = &mut self.budget
            {
                budget.refund();
            }
            return step;
        };
        let wait = common.backoff.wait(past.len() as u32, luck::mix(word, luck::name("backoff")));
        if waits == 0 && wait > Span::ZERO {
            return Step::Wait(wait);
        }
        self.tried.clear();
        self.tried.extend(past.iter().map(|past| past.route));
        match self.inner.choose(now, request, &self.tried, word) {
            Some(attempt) => common.send(request, attempt),
            None => stop,
        }
    }
}

impl Policy for Layered {
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
        let step = if past.is_empty() {
            self.first(now, request, waits, luck)
        } else {
            self.again(now, request, past, waits, luck)
        };
        if let (Some(sticky), Step::Send(attempt)) = (&mut self.sticky, step) {
            sticky.affinity.sent(request, attempt.route);
        }
        step
    }

    fn on_headers(&mut self, now: Time, sent: &Sent, limits: &Limits) {
        self.inner.on_headers(now, sent, limits);
    }

    fn on_first_token(&mut self, now: Time, sent: &Sent) {
        self.inner.on_first_token(now, sent);
    }

    fn on_end(&mut self, now: Time, sent: &Sent, outcome: &Outcome) {
        if let Some(throttle) = &mut self.throttle {
            throttle.ended(now, outcome.is_done());
        }
        if let Some(sticky) = &mut self.sticky {
            sticky.affinity.ended(now, sent.request, outcome.is_done());
        }
        self.inner.on_end(now, sent, outcome);
    }

    fn wants_first_token(&self) -> bool {
        self.inner.wants_first_token()
    }

    fn next_wake(&self) -> Option<Time> {
        self.inner.next_wake()
    }

    fn on_wake(&mut self, now: Time, changed: &mut dyn FnMut(Transition)) {
        self.inner.on_wake(now, changed);
    }

    fn set_present(&mut self, now: Time, route: RouteId, present: bool) {
        self.inner.set_present(now, route, present);
    }

    fn remember(&mut self, now: Time, span: Span, history: &[RouteHistory]) {
        self.inner.remember(now, span, history);
    }

    fn retune(&mut self, now: Time, values: &[(&'static str, f64)]) {
        self.inner.retune(now, values);
    }

    fn release(&mut self, now: Time, routes: &[RouteId]) {
        self.inner.release(now, routes);
    }

    fn engine(&self) -> Option<&Engine> {
        self.inner.engine()
    }

    fn note(&mut self, on: bool) -> Vec<Explanation> {
        self.inner.note(on)
    }

    fn show(&self, views: &mut [RouteView]) {
        self.inner.show(views);
    }

    fn ranks_providers(&self) -> bool {
        self.inner.ranks_providers()
    }

    fn sees(&self) -> Sees {
        self.inner.sees()
    }

    fn trouble(&self) -> Option<String> {
        self.inner.trouble()
    }

    fn on_reports(&mut self, now: Time, as_of: Time, reports: &[Report]) {
        self.inner.on_reports(now, as_of, reports);
    }

    fn shares(&self) -> Share {
        self.inner.shares()
    }

    fn report(&self, now: Time) -> crate::engine::Report {
        self.inner.report(now)
    }

    fn hear(&mut self, now: Time, peer: u64, sent_at: Time, report: &crate::engine::Report) {
        self.inner.hear(now, peer, sent_at, report);
    }

    fn on_truth(&mut self, now: Time, truth: &[Truth], deadline: Deadline) {
        self.inner.on_truth(now, truth, deadline);
    }
}

#[cfg(test)]
#[path = "layer_tests.rs"]
mod tests;
