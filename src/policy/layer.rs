//! Layers that go around any rule: one common way to retry, a retry budget, client throttling.
//!
//! Products differ in how often they retry as much as in how they choose. To compare rules, each is run
//! under one common layer; to see what a layer is worth, it is put around what a product ships.

use crate::engine::{
    Engine, Explanation, Limits, Outcome, Param, Settings, Span, Time, Unit, luck,
};

use super::part::{Backoff, Growth, RetryBudget, Throttle};
use super::{
    Attempt, Deadline, Past, Policy, Report, Request, RouteHistory, RouteId, RouteView, Sees, Sent,
    Share, Step, Transition, Truth,
};

/// What can be put around any policy.
pub static TABLE: [Param; 9] = [
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
];

/// Retries that a budget may save up.
const SAVINGS: u32 = 100;

/// A policy with a layer around it.
struct Layered {
    inner: Box<dyn Policy>,
    common: Option<Common>,
    budget: Option<RetryBudget>,
    throttle: Option<Throttle>,
    tried: Vec<RouteId>,
}

#[derive(Clone, Copy, Debug)]
struct Common {
    retries: usize,
    backoff: Backoff,
    ttft: Option<Span>,
    total: Option<Span>,
}

/// Puts the layer around `inner` that the settings ask for, if any.
pub fn around(inner: Box<dyn Policy>, settings: &Settings) -> Box<dyn Policy> {
    let common = settings.on("layer.retry").then(|| Common::new(settings));
    let share = settings.get("layer.budget");
    let budget = (share > 0.0).then(|| RetryBudget::new(share, SAVINGS));
    let throttle = settings.on("layer.throttle").then(|| {
        let window = Span::from_secs_f64(settings.get("layer.throttle_window"));
        Throttle::new(settings.get("layer.throttle_k"), window)
    });
    if common.is_none() && budget.is_none() && throttle.is_none() {
        return inner;
    }
    Box::new(Layered { inner, common, budget, throttle, tried: Vec::new() })
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
        let Some(common) = &self.common else {
            return self.inner.next(now, request, &[], waits, word);
        };
        match self.inner.choose(now, request, &[], word) {
            Some(attempt) => common.send(request, attempt),
            None => Step::Stop { status: 503 },
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
        if past.is_empty() {
            self.first(now, request, waits, luck)
        } else {
            self.again(now, request, past, waits, luck)
        }
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
