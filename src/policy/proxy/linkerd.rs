//! The balancer of linkerd's proxy, without and with its breaker.
//!
//! Two different endpoints are drawn, and the one with the lower load is taken: decayed peak average of
//! response times × (attempts under way + 1). A time is taken, and an attempt is under way, until the first
//! frame of the response's body: the first token of a stream, the end of any other. A 429 or 5xx counts as a
//! penalty instead of the time that it took; the hint of a 429 or 503 replaces the penalty where it is larger.
//!
//! Source: linkerd2-proxy, `linkerd/load-biaser`, `linkerd/ewma`, `http/breaker/unified.rs`, 29637b64f, 2026;
//! defaults of the breaker: linkerd/linkerd2, policy-controller, 2026. Left out: the queue before a balancer
//! whose endpoints are all shut (here the request fails at once), gRPC codes, retries by annotation.
//! The ratio's threshold and its least number of requests have no default there; both are our choice.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::engine::{Health, Outcome, Param, Settings, Span, Time, Unit, luck};
use crate::policy::part::breaker::{Breaker, Change, Rule, Verdict};
use crate::policy::part::ewma::PeakEwma;
use crate::policy::part::{Candidates, Changes, pick};
use crate::policy::{
    Attempt, Family, Grade, Policy, PolicySpec, Pool, Process, Request, RouteId, RouteView, Sent,
    Transition,
};

const BIASER: &str = "linkerd2-proxy, linkerd/load-biaser, 29637b64f";
const PAGE: &str = "linkerd/linkerd2, policy-controller, failure accrual, 2026";
const RING: &str = "linkerd2-proxy, http/breaker/unified.rs, 29637b64f";

const LOAD: [Param; 4] = [
    Param::new(
        "load.first",
        Unit::Seconds,
        0.03,
        (0.0, 60.0),
        "Response time of an endpoint that has not answered yet.",
    )
    .from("linkerd2-proxy, outbound defaults, 29637b64f"),
    Param::new(
        "load.decay",
        Unit::Seconds,
        10.0,
        (0.001, 3600.0),
        "Time in which the peak average falls by a factor e.",
    )
    .from(BIASER),
    Param::new(
        "load.penalty",
        Unit::Seconds,
        5.0,
        (0.0, 3600.0),
        "Response time that a 429 or 5xx counts as.",
    )
    .from(BIASER),
    Param::new(
        "load.hint_max",
        Unit::Seconds,
        300.0,
        (0.0, 86_400.0),
        "Longest hint of a 429 or 503 that replaces the penalty.",
    )
    .from(BIASER),
];

static LOAD_TABLE: [Param; 4] = LOAD;

static TABLE: [Param; 12] = [
    LOAD[0],
    LOAD[1],
    LOAD[2],
    LOAD[3],
    Param::new(
        "breaker.max_failures",
        Unit::Count,
        7.0,
        (0.0, 10_000.0),
        "Failures in a row (5xx or no answer) that trip the breaker; 0 = never.",
    )
    .from(PAGE),
    Param::new(
        "breaker.success_rate",
        Unit::Ratio,
        0.95,
        (0.0, 1.0),
        "Success ratio (429 and 5xx count against it) below which the breaker trips; 0 = never.",
    ),
    Param::new(
        "breaker.min_requests",
        Unit::Count,
        20.0,
        (0.0, 1e6),
        "Answers in the window before the ratio counts.",
    ),
    Param::new(
        "breaker.window",
        Unit::Seconds,
        10.0,
        (0.01, 3600.0),
        "Window of the ratio, in ten buckets.",
    )
    .from(RING),
    Param::new(
        "breaker.backoff_first",
        Unit::Seconds,
        1.0,
        (0.001, 3600.0),
        "First wait before a probe; doubles each time.",
    )
    .from(PAGE),
    Param::new(
        "breaker.backoff_max",
        Unit::Seconds,
        60.0,
        (0.001, 86_400.0),
        "Longest wait before a probe, and longest wait for its answer.",
    )
    .from(PAGE),
    Param::new(
        "breaker.backoff_jitter",
        Unit::Ratio,
        0.5,
        (0.0, 1.0),
        "A wait is longer by chance by up to this share.",
    )
    .from(PAGE),
    Param::new(
        "breaker.hints",
        Unit::Switch,
        0.0,
        (0.0, 1.0),
        "Whether the hint of a 429 or 503 is the least wait before a probe.",
    )
    .from(RING),
];

const fn spec(
    name: &'static str,
    doc: &'static str,
    params: &'static [Param],
    build: crate::policy::registry::Build,
) -> PolicySpec {
    PolicySpec {
        name,
        product: "linkerd2-proxy, 2026",
        source: "linkerd2-proxy, linkerd/load-biaser and http/breaker, 29637b64f, 2026",
        doc,
        family: Family::Field,
        grade: Grade::Source,
        left_out: "the queue in front of a balancer whose endpoints are all shut, gRPC codes, retries by \
                   annotation",
        process: Process::ONE,
        params,
        preset: &[],
        build,
    }
}

/// The balancer without a breaker.
pub const LINKERD: PolicySpec = spec(
    "linkerd",
    "Two different draws, the lower of peak-average response time × (in flight + 1); a 429 or 5xx counts as 5 s.",
    &LOAD_TABLE,
    |settings, pool, now, _| Ok(Box::new(Linkerd::new(settings, pool, now, None))),
);

/// The same with the breaker.
pub const LINKERD_BREAKER: PolicySpec = spec(
    "linkerd-breaker",
    "As `linkerd`, with a breaker per endpoint: 7 failures in a row or a low success ratio, then one probe after \
     1, 2, 4, … s.",
    &TABLE,
    |settings, pool, now, key| {
        let breakers = Breakers::new(settings, pool.routes.len(), now, key);
        Ok(Box::new(Linkerd::new(settings, pool, now, Some(breakers))))
    },
);

/// Least load shown, in seconds.
const LEAST: f64 = 1e-9;

/// The balancer.
#[derive(Debug)]
struct Linkerd {
    /// The endpoints that are present and not shut.
    open: Candidates,
    ends: Vec<Endpoint>,
    breakers: Option<Breakers>,
    changes: Changes,
    first: f64,
    decay: f64,
    penalty: f64,
    hint_max: Span,
    /// When it was asked or told something last.
    now: Time,
}

#[derive(Clone, Copy, Debug)]
struct Endpoint {
    rtt: PeakEwma,
    pending: u32,
    present: bool,
    /// How often it was made anew; the tag of its attempts.
    life: u64,
}

/// The breakers of all endpoints.
#[derive(Debug)]
struct Breakers {
    rule: Rule,
    each: Vec<Breaker>,
    due: BinaryHeap<Reverse<(Time, RouteId)>>,
    key: u64,
}

impl Breakers {
    fn new(settings: &Settings, routes: usize, now: Time, key: u64) -> Self {
        let rule = Rule {
            max_failures: settings.get("breaker.max_failures") as u32,
            success_rate: settings.get("breaker.success_rate"),
            min_requests: settings.get("breaker.min_requests") as u32,
            window: Span::from_secs_f64(settings.get("breaker.window")),
            first: settings.get("breaker.backoff_first"),
            longest: settings.get("breaker.backoff_max"),
            jitter: settings.get("breaker.backoff_jitter"),
            hints: settings.on("breaker.hints"),
        };
        Self { rule, each: vec![Breaker::new(now); routes], due: BinaryHeap::new(), key }
    }

    /// The next breaker whose moment has come.
    fn pop_due(&mut self, now: Time) -> Option<(Time, RouteId)> {
        let Reverse((at, _)) = *self.due.peek()?;
        let Reverse(next) = (at <= now).then(|| self.due.pop()).flatten()?;
        Some(next)
    }

    fn word(&self, route: RouteId, at: Time) -> u64 {
        luck::mix(luck::mix(self.key, u64::from(route.0)), at.0)
    }
}

impl Linkerd {
    fn new(settings: &Settings, pool: &Pool, now: Time, breakers: Option<Breakers>) -> Self {
        let (first, decay) = (settings.get("load.first"), settings.get("load.decay"));
        let rtt = PeakEwma::new(now, first, decay);
        let end = Endpoint { rtt, pending: 0, present: true, life: 0 };
        Self {
            open: Candidates::new(pool),
            ends: vec![end; pool.routes.len()],
            breakers,
            changes: Changes::new(now),
            first,
            decay,
            penalty: settings.get("load.penalty"),
            hint_max: Span::from_secs_f64(settings.get("load.hint_max")),
            now,
        }
    }

    fn load(&self, now: Time, route: RouteId) -> f64 {
        let end = &self.ends[route.index()];
        end.rtt.projected(now) * f64::from(end.pending + 1)
    }

    fn health(&self, route: RouteId) -> Health {
        let breakers = self.breakers.as_ref();
        breakers.map_or(Health::Healthy, |breakers| breakers.each[route.index()].health())
    }

    /// Lets waits and probes run out.
    fn advance(&mut self, now: Time) {
        self.now = now;
        while let Some((at, route)) = self.breakers.as_mut().and_then(|b| b.pop_due(now)) {
            let from = self.health(route);
            let Some(breakers) = &mut self.breakers else { return };
            let word = breakers.word(route, at);
            let breaker = &mut breakers.each[route.index()];
            // What was put down for an earlier state is void.
            if breaker.next() == Some(at) {
                let change = breaker.due(&breakers.rule, at, word);
                self.moved(at, route, from, change);
            }
        }
    }

    /// Takes note of what may have changed at a breaker.
    fn moved(&mut self, at: Time, route: RouteId, from: Health, change: Option<Change>) {
        let Some(breakers) = &mut self.breakers else { return };
        let breaker = &breakers.each[route.index()];
        self.open.set_present(route, breaker.admits() && self.ends[route.index()].present);
        if let Some(next) = breaker.next()
            && (change.is_some() || next > at)
        {
            breakers.due.push(Reverse((next, route)));
        }
        let reason = match change {
            None => return,
            Some(Change::Shut(reason)) => reason,
            Some(Change::Probing) => "wait over",
            Some(Change::Opened) => "probe answered",
        };
        self.changes.note(at, route, from, breaker.health(), reason);
    }

    /// The response began, or the attempt ended without one.
    fn measure(&mut self, now: Time, sent: &Sent, outcome: Option<&Outcome>) {
        let secs = outcome.and_then(|outcome| self.penalty_of(outcome));
        let end = &mut self.ends[sent.route.index()];
        end.pending = end.pending.saturating_sub(1);
        let secs = secs.unwrap_or_else(|| now.since(sent.at).as_secs_f64());
        end.rtt.sample_projected(now, secs);
    }

    /// What an answer counts as, if not as the time that it took.
    fn penalty_of(&self, outcome: &Outcome) -> Option<f64> {
        match outcome {
            Outcome::RateLimited { retry_after } => {
                let hint = retry_after.unwrap_or_default().min(self.hint_max);
                Some(self.penalty.max(hint.as_secs_f64()))
            }
            Outcome::ServerError { status } if *status >= 500 => Some(self.penalty),
            _ => None,
        }
    }
}

/// What an outcome says to a breaker, if anything.
fn verdict(sent: &Sent, outcome: &Outcome) -> Option<Verdict> {
    match outcome {
        Outcome::RateLimited { .. } => Some(Verdict::Limited),
        Outcome::ServerError { status } if *status >= 500 => Some(Verdict::Failure),
        Outcome::Unreachable | Outcome::Timeout | Outcome::StreamBroken { .. } => {
            Some(Verdict::Failure)
        }
        Outcome::Cancelled => sent.heard.then_some(Verdict::Success),
        Outcome::Done { .. }
        | Outcome::ServerError { .. }
        | Outcome::KeyRefused { .. }
        | Outcome::CallerFault { .. } => Some(Verdict::Success),
    }
}

impl Policy for Linkerd {
    fn choose(
        &mut self,
        now: Time,
        request: &Request,
        avoid: &[RouteId],
        luck: u64,
    ) -> Option<Attempt> {
        self.advance(now);
        let (a, b) = pick::pair(self.open.among(request), avoid, luck)?;
        let route = if self.load(now, a) <= self.load(now, b) { a } else { b };
        let end = &mut self.ends[route.index()];
        end.pending += 1;
        let tag = end.life;
        if let Some(breakers) = &mut self.breakers {
            let breaker = &mut breakers.each[route.index()];
            breaker.sent();
            if !breaker.admits() {
                self.open.set_present(route, false);
            }
        }
        Some(Attempt { tag, ..Attempt::to(route) })
    }

    fn on_first_token(&mut self, now: Time, sent: &Sent) {
        if sent.tag == self.ends[sent.route.index()].life {
            self.measure(now, sent, None);
        }
    }

    fn on_end(&mut self, now: Time, sent: &Sent, outcome: &Outcome) {
        self.advance(now);
        let route = sent.route;
        if sent.tag != self.ends[route.index()].life {
            return;
        }
        if !sent.heard {
            self.measure(now, sent, Some(outcome));
        }
        let from = self.health(route);
        let hint = match outcome {
            Outcome::RateLimited { retry_after } => *retry_after,
            _ => None,
        };
        if let Some(breakers) = &mut self.breakers
            && let Some(verdict) = verdict(sent, outcome)
        {
            let word = luck::mix(breakers.word(route, now), sent.request);
            let breaker = &mut breakers.each[route.index()];
            let change = breaker.answered(&breakers.rule, now, verdict, hint, word);
            if change.is_some() {
                self.moved(now, route, from, change);
            }
        }
    }

    fn wants_first_token(&self) -> bool {
        true
    }

    fn next_wake(&self) -> Option<Time> {
        self.breakers.as_ref().map(|_| self.changes.next_wake())
    }

    fn on_wake(&mut self, now: Time, changed: &mut dyn FnMut(Transition)) {
        self.advance(now);
        self.changes.tell(now, changed);
    }

    fn set_present(&mut self, now: Time, route: RouteId, present: bool) {
        self.advance(now);
        let from = self.health(route);
        let end = &mut self.ends[route.index()];
        if present && !end.present {
            let rtt = PeakEwma::new(now, self.first, self.decay);
            *end = Endpoint { rtt, pending: 0, present, life: end.life + 1 };
            if let Some(breakers) = &mut self.breakers {
                breakers.each[route.index()] = Breaker::new(now);
            }
            self.changes.note(now, route, from, Health::Healthy, "put back");
        }
        end.present = present;
        let breakers = self.breakers.as_ref();
        let admits = breakers.is_none_or(|breakers| breakers.each[route.index()].admits());
        self.open.set_present(route, present && admits);
    }

    fn show(&self, views: &mut [RouteView]) {
        let now = self.now;
        for (i, view) in views.iter_mut().enumerate() {
            let route = RouteId(i as u32);
            let load = self.load(now, route);
            *view = RouteView {
                weight: 1.0 / load.max(LEAST),
                health: self.health(route),
                ..RouteView::default()
            };
        }
        for model in self.open.models() {
            let load = |route| self.load(now, route);
            pick::shares(self.open.of(model), load, |r, share| views[r.index()].expected = share);
        }
    }
}

#[cfg(test)]
#[path = "linkerd_tests.rs"]
mod tests;
