//! Helicone's gateway: two choices by peak average, and a monitor that takes providers out and puts them in.
//!
//! Two different draws and the lower load, as tower has it. Every 5 s a provider with at least 20 requests of
//! which more than 10 % failed is taken out; one that is out and does not meet that any more is put in. The
//! counts are of 60 s, but they add up only what falls into the *current* 60 s since the start: at each whole
//! minute they begin at nothing, fewer than 20 requests are healthy, and a dead provider is back for one check.
//! A provider that answers 429 is taken out for the hint (30 s without one) and 30 s more. Whoever is put in is
//! new: its average starts over, and attempts from before say nothing. The two ways out know nothing of each
//! other: the first to put a provider in does so.
//!
//! Source: Helicone/ai-gateway, 42d2998: `discover/monitor`, `metrics/rolling_counter.rs`, `dispatcher`.
//! A request counts when it is sent, a failure (5xx, or a broken stream) when it ends. The ten buckets of its
//! counts make no difference, since whole minutes expire. Left out: its other strategy (weights), its retries,
//! and the queue when all are out (here the request fails at once). Several keys of a provider are several
//! draws here, with one health.

use crate::engine::{Health, Outcome, Param, Settings, Span, Time, Unit};
use crate::policy::part::{Candidates, Changes, PeakLoads, pick};
use crate::policy::{
    Attempt, Family, Grade, Policy, PolicySpec, Pool, Process, Request, RouteId, RouteView, Sent,
    Transition,
};

const BALANCE: &str = "Helicone/ai-gateway, discover, 42d2998";
const MONITOR: &str = "Helicone/ai-gateway, discover/monitor/health, 42d2998";
const COUNTER: &str = "Helicone/ai-gateway, metrics/rolling_counter.rs, 42d2998";
const LIMITS: &str = "Helicone/ai-gateway, discover/monitor/rate_limit, 42d2998";

static TABLE: [Param; 8] = [
    Param::new(
        "load.first",
        Unit::Seconds,
        0.25,
        (0.0, 60.0),
        "Response time of a route that has not answered yet.",
    )
    .from(BALANCE),
    Param::new(
        "load.decay",
        Unit::Seconds,
        30.0,
        (0.001, 3600.0),
        "Time in which the peak average falls by a factor e.",
    )
    .from(BALANCE),
    Param::new(
        "monitor.interval",
        Unit::Seconds,
        5.0,
        (0.001, 3600.0),
        "Time between two checks of all providers.",
    )
    .from(MONITOR),
    Param::new(
        "monitor.min_requests",
        Unit::Count,
        20.0,
        (0.0, 1e6),
        "With fewer requests in the window a provider is healthy.",
    )
    .from(MONITOR),
    Param::new(
        "monitor.error_ratio",
        Unit::Ratio,
        0.1,
        (0.0, 1.0),
        "With a larger share of failures in the window a provider is not healthy.",
    )
    .from(MONITOR),
    Param::new(
        "monitor.window",
        Unit::Seconds,
        60.0,
        (0.01, 86_400.0),
        "Length of the window, which begins anew when it is over.",
    )
    .from(COUNTER),
    Param::new(
        "limited.wait",
        Unit::Seconds,
        30.0,
        (0.0, 86_400.0),
        "Time that a 429 without a hint takes a provider out.",
    )
    .from(LIMITS),
    Param::new(
        "limited.more",
        Unit::Seconds,
        30.0,
        (0.0, 86_400.0),
        "Added to that time, and to a hint.",
    )
    .from(LIMITS),
];

/// Registry entry.
pub const SPEC: PolicySpec = PolicySpec {
    name: "helicone",
    product: "Helicone AI Gateway, 42d2998",
    source: "Helicone/ai-gateway, 42d2998",
    doc: "Two different draws by peak-average response time × (in flight + 1); a monitor takes out providers with \
          more than 10 % failures, and forgets each whole minute.",
    family: Family::Field,
    grade: Grade::Source,
    left_out: "its weighted strategy, retries, the queue when all providers are out",
    process: Process::ONE,
    params: &TABLE,
    preset: &[],
    build: |settings: &Settings, pool: &Pool, now: Time, _: u64| {
        Ok(Box::new(Helicone::new(settings, pool, now)))
    },
};

/// Least load shown, in seconds.
const LEAST: f64 = 1e-9;

/// The balancer and its monitors.
#[derive(Debug)]
struct Helicone {
    /// Routes that are present and whose provider is in.
    open: Candidates,
    loads: PeakLoads,
    present: Vec<bool>,
    provider_of: Vec<usize>,
    providers: Vec<Provider>,
    routes_of: Vec<Vec<RouteId>>,
    rule: Rule,
    start: Time,
    next_check: Time,
    /// When the next limit is over.
    next_limit: Time,
    now: Time,
    changes: Changes,
}

#[derive(Clone, Copy, Debug)]
struct Rule {
    interval: Span,
    min_requests: u64,
    error_ratio: f64,
    window: Span,
    wait: Span,
    more: Span,
}

#[derive(Clone, Copy, Debug)]
struct Provider {
    requests: Lap,
    errors: Lap,
    is_in: bool,
    unhealthy: bool,
    limited_until: Option<Time>,
}

/// A count that begins anew with each window.
#[derive(Clone, Copy, Debug, Default)]
struct Lap {
    lap: u64,
    count: u64,
}

impl Lap {
    fn add(&mut self, lap: u64) {
        if self.lap != lap {
            *self = Self { lap, count: 0 };
        }
        self.count += 1;
    }

    const fn total(&self, lap: u64) -> u64 {
        if self.lap == lap { self.count } else { 0 }
    }
}

impl Helicone {
    fn new(settings: &Settings, pool: &Pool, now: Time) -> Self {
        let span = |id| Span::from_secs_f64(settings.get(id));
        let (first, decay) = (settings.get("load.first"), settings.get("load.decay"));
        let provider_of: Vec<usize> =
            pool.routes.iter().map(|route| usize::from(route.provider.0)).collect();
        let mut routes_of = vec![Vec::new(); pool.providers.len()];
        for (i, provider) in provider_of.iter().enumerate() {
            routes_of[*provider].push(RouteId(i as u32));
        }
        let provider = Provider {
            requests: Lap::default(),
            errors: Lap::default(),
            is_in: true,
            unhealthy: false,
            limited_until: None,
        };
        let rule = Rule {
            interval: span("monitor.interval"),
            min_requests: settings.get("monitor.min_requests") as u64,
            error_ratio: settings.get("monitor.error_ratio"),
            window: span("monitor.window"),
            wait: span("limited.wait"),
            more: span("limited.more"),
        };
        Self {
            open: Candidates::new(pool),
            loads: PeakLoads::new(now, provider_of.len(), first, decay),
            present: vec![true; provider_of.len()],
            provider_of,
            providers: vec![provider; routes_of.len()],
            routes_of,
            rule,
            start: now,
            next_check: now,
            next_limit: Time::NEVER,
            now,
            changes: Changes::new(now),
        }
    }

    fn lap(&self, now: Time) -> u64 {
        now.since(self.start).0 / self.rule.window.0
    }

    /// Does what monitors have to do by `now`, in order of time.
    fn advance(&mut self, now: Time) {
        self.now = now;
        while self.next_check.min(self.next_limit) <= now {
            if self.next_limit <= self.next_check {
                self.lift_limits(self.next_limit);
            } else {
                let at = self.next_check;
                self.next_check += self.rule.interval;
                self.check(at);
            }
        }
    }

    /// Puts in all whose limit is over at `at`.
    fn lift_limits(&mut self, at: Time) {
        self.next_limit = Time::NEVER;
        for i in 0..self.providers.len() {
            let Some(until) = self.providers[i].limited_until else { continue };
            if until <= at {
                self.providers[i].limited_until = None;
                self.put_in(at, i, "limit over");
            } else {
                self.next_limit = self.next_limit.min(until);
            }
        }
    }

    fn check(&mut self, at: Time) {
        let lap = self.lap(at);
        for i in 0..self.providers.len() {
            let provider = &mut self.providers[i];
            let requests = provider.requests.total(lap);
            let errors = provider.errors.total(lap) as f64;
            let healthy = requests < self.rule.min_requests
                || errors <= self.rule.error_ratio * requests as f64;
            let was = std::mem::replace(&mut provider.unhealthy, !healthy);
            if !healthy && !was {
                self.take_out(at, i, "failures");
            } else if healthy && was {
                self.put_in(at, i, "checked");
            }
        }
    }

    fn take_out(&mut self, at: Time, provider: usize, reason: &'static str) {
        let was = std::mem::replace(&mut self.providers[provider].is_in, false);
        for &route in &self.routes_of[provider] {
            self.open.set_present(route, false);
            self.changes.note(at, route, health(was), Health::Failed, reason);
        }
    }

    /// Puts a provider in, made anew, also if it is in already.
    fn put_in(&mut self, at: Time, provider: usize, reason: &'static str) {
        let was = std::mem::replace(&mut self.providers[provider].is_in, true);
        for &route in &self.routes_of[provider] {
            self.loads.renew(at, route);
            self.open.set_present(route, self.present[route.index()]);
            self.changes.note(at, route, health(was), Health::Healthy, reason);
        }
    }

    fn is_failure(sent: &Sent, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::ServerError { status } => *status >= 500,
            Outcome::StreamBroken { .. } => true,
            Outcome::Unreachable | Outcome::Timeout => sent.streamed,
            _ => false,
        }
    }
}

const fn health(is_in: bool) -> Health {
    if is_in { Health::Healthy } else { Health::Failed }
}

impl Policy for Helicone {
    fn choose(
        &mut self,
        now: Time,
        request: &Request,
        avoid: &[RouteId],
        luck: u64,
    ) -> Option<Attempt> {
        self.advance(now);
        let (a, b) = pick::pair(self.open.among(request), avoid, luck)?;
        let route = if self.loads.read(now, a) <= self.loads.read(now, b) { a } else { b };
        let lap = self.lap(now);
        self.providers[self.provider_of[route.index()]].requests.add(lap);
        Some(Attempt { tag: self.loads.sent(route), ..Attempt::to(route) })
    }

    fn on_first_token(&mut self, now: Time, sent: &Sent) {
        self.loads.answered(now, sent);
    }

    fn on_end(&mut self, now: Time, sent: &Sent, outcome: &Outcome) {
        self.advance(now);
        if !sent.heard {
            self.loads.answered(now, sent);
        }
        let lap = self.lap(now);
        let index = self.provider_of[sent.route.index()];
        let provider = &mut self.providers[index];
        if Self::is_failure(sent, outcome) {
            provider.errors.add(lap);
        }
        if let Outcome::RateLimited { retry_after } = outcome
            && provider.limited_until.is_none()
        {
            let wait = retry_after.unwrap_or(self.rule.wait) + self.rule.more;
            provider.limited_until = Some(now + wait);
            self.next_limit = self.next_limit.min(now + wait);
            self.take_out(now, index, "limited");
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
        let was = std::mem::replace(&mut self.present[route.index()], present);
        if present && !was {
            self.loads.renew(now, route);
        }
        let provider = &self.providers[self.provider_of[route.index()]];
        self.open.set_present(route, present && provider.is_in);
    }

    fn show(&self, views: &mut [RouteView]) {
        let load = |route: RouteId| self.loads.stored(route, self.now);
        for (i, view) in views.iter_mut().enumerate() {
            let weight = 1.0 / load(RouteId(i as u32)).max(LEAST);
            let health = health(self.providers[self.provider_of[i]].is_in);
            *view = RouteView { weight, health, ..RouteView::default() };
        }
        for model in self.open.models() {
            let routes = self.open.of(model);
            pick::shares(routes, load, |r, share| views[r.index()].expected = share);
        }
    }
}

#[cfg(test)]
#[path = "helicone_tests.rs"]
mod tests;
