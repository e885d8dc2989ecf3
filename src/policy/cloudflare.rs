//! Cloudflare AI Gateway: an array of targets tried in order, or a percentage split with fallbacks. Nothing is
//! remembered between requests but the counts of an optional rate limit.
//!
//! Sources: developers.cloudflare.com/ai-gateway, pages Universal Endpoint, Fallbacks, Request handling,
//! Dynamic routing (JSON configuration) and Rate limiting, as stored in 2026.
//!
//! Our choices where the pages are silent:
//! - one element of the array per route, in the order of the pool;
//! - a split is even. Up to `split.branches` routes (five percentages and `else`) each have a branch. With more
//!   there is a branch per provider, entered at its first route, with percentage nodes one behind the other if
//!   there are many providers. The fallback of each model node is the next route of the pool, round to where the
//!   request began; a route passed over at its limit on the way in may come at the end of that round;
//! - a limit is counted to the second, and a target without a request limit has its token limit divided by
//!   `limit.tokens_per_request`;
//! - linear waits are n × delay, exponential ones double, without jitter; `Retry-After` is not heeded;
//! - an answer that is not streamed has its first byte at its end.
//!
//! Left out: conditions, spend limits, caching, and the Auto Router (2026), which chooses between models.

use crate::engine::{Outcome, Param, Settings, Span, Time, Unit, luck};

use super::part::{Backoff, Candidates, Growth, Sliding};
use super::{
    Attempt, Family, Grade, ModelId, Past, Policy, PolicySpec, Pool, Process, ProviderId, Request,
    RouteId, RouteView, SetId, Step,
};

#[cfg(test)]
#[path = "cloudflare_tests.rs"]
mod tests;

const HANDLING: &str = "Cloudflare, AI Gateway: Request handling, 2026";
const ROUTES: &str = "Cloudflare, AI Gateway: Dynamic routing, JSON configuration, 2026";

/// The parameters of all four.
pub static TABLE: [Param; 11] = [
    Param::new(
        "mode",
        Unit::Choice(&["ordered", "split"]),
        0.0,
        (0.0, 1.0),
        "`ordered` begins with the first target of the array, `split` with one drawn by a percentage node.",
    )
    .from("Cloudflare, AI Gateway: Universal Endpoint, Dynamic routing, 2026"),
    Param::new("retry.attempts", Unit::Count, 1.0, (1.0, 5.0), "Attempts on one target in all.")
        .from(HANDLING),
    Param::new("retry.delay", Unit::Seconds, 1.0, (0.0, 5.0), "First wait before a retry.")
        .from(HANDLING),
    Param::new(
        "retry.backoff",
        Unit::Choice(&["constant", "linear", "exponential"]),
        0.0,
        (0.0, 2.0),
        "How the wait grows.",
    )
    .from(HANDLING),
    Param::new(
        "timeout.first_byte",
        Unit::Seconds,
        0.0,
        (0.0, 3600.0),
        "Longest wait for the first byte of an answer; 0 = for ever, as shipped.",
    )
    .from(HANDLING),
    Param::new(
        "timeout.final_waits",
        Unit::Switch,
        1.0,
        (0.0, 1.0),
        "Whether the last of several attempts on a target is waited for however long it takes.",
    )
    .from(HANDLING),
    Param::new(
        "fallback.on",
        Unit::Choice(&["any", "retryable"]),
        0.0,
        (0.0, 1.0),
        "Which failures lead to a retry or to the next target: `any`, or only 408, 429, 5xx and lost connections.",
    ),
    Param::new(
        "split.branches",
        Unit::Count,
        6.0,
        (1.0, 10_000.0),
        "Most routes that have a branch each; above it a branch is a provider.",
    )
    .from(ROUTES),
    Param::new(
        "limit.enabled",
        Unit::Switch,
        0.0,
        (0.0, 1.0),
        "Whether a rate limit node stands before each model node, sized to the limit of its route.",
    ),
    Param::new("limit.window", Unit::Seconds, 60.0, (1.0, 86_400.0), "Its sliding interval."),
    Param::new(
        "limit.tokens_per_request",
        Unit::Number,
        1_000.0,
        (1.0, 1e6),
        "Tokens that a request is taken to cost where only a token limit is known.",
    ),
];

const fn spec(
    name: &'static str,
    family: Family,
    doc: &'static str,
    preset: &'static [&'static [(&'static str, f64)]],
) -> PolicySpec {
    PolicySpec {
        name,
        product: "Cloudflare AI Gateway, documentation of 2026",
        source: "developers.cloudflare.com/ai-gateway",
        doc,
        family,
        grade: Grade::Documents,
        left_out: "conditions, spend limits, caching, the Auto Router",
        process: Process::ONE,
        params: &TABLE,
        preset,
        build: |settings, pool, _, _| Ok(Box::new(Sequential::new(settings, pool))),
    }
}

const SPLIT: &[(&str, f64)] = &[
    ("mode", 1.0),
    ("retry.attempts", 5.0),
    ("timeout.first_byte", 60.0),
    ("timeout.final_waits", 0.0),
];

/// The universal endpoint as shipped.
pub const FALLBACK: PolicySpec = spec(
    "cloudflare-fallback",
    Family::Vendor,
    "Every request begins with the first target and goes down the array until one answers; no timeout, no retry, no memory.",
    &[],
);
/// The same with the retries and timeout of the documents' examples.
pub const FALLBACK_RETRY: PolicySpec = spec(
    "cloudflare-fallback-retry",
    Family::Tuned,
    "The array with the example values of the page Request handling: 2 attempts a target, 1 s apart, 5 s to the first byte, for ever on the last.",
    &[&[("retry.attempts", 2.0), ("timeout.first_byte", 5.0)]],
);
/// A dynamic route with a percentage node.
pub const SPLIT_EVEN: PolicySpec = spec(
    "cloudflare-dynamic-split",
    Family::Field,
    "An even percentage split over model nodes with the example values of the documents: 4 retries, 60 s to the first byte; each falls back to the next.",
    &[SPLIT],
);
/// The same with a rate limit node before each model node.
pub const SPLIT_LIMITED: PolicySpec = spec(
    "cloudflare-dynamic-split-rl",
    Family::Field,
    "The even split with a sliding rate limit before each model node, sized to its route; what is over goes to the next.",
    &[SPLIT, &[("limit.enabled", 1.0)]],
);

/// Targets in a row.
#[derive(Debug)]
struct Sequential {
    candidates: Candidates,
    providers: Vec<ProviderId>,
    rule: Rule,
    /// By model: where a split may begin.
    heads: Vec<Vec<RouteId>>,
    /// By route; empty where no limits are set.
    limits: Vec<Option<Limit>>,
}

#[derive(Clone, Copy, Debug)]
struct Rule {
    splits: bool,
    attempts: usize,
    backoff: Backoff,
    first_byte: Option<Span>,
    final_waits: bool,
    retryable_only: bool,
    branches: usize,
}

#[derive(Clone, Debug)]
struct Limit {
    most: u64,
    sent: Sliding<1>,
}

impl Limit {
    fn admits(&mut self, now: Time) -> bool {
        let admits = self.sent.sums(now)[0] < self.most;
        if admits {
            self.sent.add(now, [1]);
        }
        admits
    }
}

impl Sequential {
    fn new(settings: &Settings, pool: &Pool) -> Self {
        let timeout = settings.get("timeout.first_byte");
        let growth = match settings.get("retry.backoff") as u8 {
            0 => Growth::Constant,
            1 => Growth::Linear,
            _ => Growth::Exponential,
        };
        let rule = Rule {
            splits: settings.on("mode"),
            attempts: settings.get("retry.attempts") as usize,
            backoff: Backoff {
                first: settings.get("retry.delay"),
                max: f64::INFINITY,
                growth,
                jitter: 0.0,
            },
            first_byte: (timeout > 0.0).then(|| Span::from_secs_f64(timeout)),
            final_waits: settings.on("timeout.final_waits"),
            retryable_only: settings.on("fallback.on"),
            branches: settings.get("split.branches") as usize,
        };
        let mut policy = Self {
            candidates: Candidates::new(pool),
            providers: pool.routes.iter().map(|route| route.provider).collect(),
            rule,
            heads: vec![Vec::new(); pool.models.len()],
            limits: if settings.on("limit.enabled") { limits(settings, pool) } else { Vec::new() },
        };
        for model in 0..pool.models.len() {
            policy.renew_heads(ModelId(model as u16));
        }
        policy
    }

    fn renew_heads(&mut self, model: ModelId) {
        let routes = self.candidates.of(model);
        let heads = &mut self.heads[usize::from(model.0)];
        heads.clear();
        heads.extend_from_slice(routes);
        if heads.len() > self.rule.branches {
            heads.dedup_by_key(|route| self.providers[route.index()]);
        }
    }

    /// The first of `count` targets from the `from`-th on, round the list, that is not in `avoid` and under its
    /// limit.
    fn walk(
        &mut self,
        now: Time,
        request: &Request,
        (from, count): (usize, usize),
        avoid: &[RouteId],
    ) -> Option<RouteId> {
        let routes = self.candidates.among(request);
        let (tail, head) = (&routes[from..], &routes[..from]);
        let limits = &mut self.limits;
        tail.iter().chain(head).take(count).copied().find(|route| {
            let limit = limits.get_mut(route.index()).and_then(Option::as_mut);
            !avoid.contains(route) && limit.is_none_or(|limit| limit.admits(now))
        })
    }

    /// Where a request begins.
    fn begin(
        &mut self,
        now: Time,
        request: &Request,
        avoid: &[RouteId],
        word: u64,
    ) -> Option<RouteId> {
        let routes = self.candidates.among(request);
        let count = routes.len();
        let from = if self.rule.splits {
            let heads = &self.heads[usize::from(request.model.0)];
            let may = |head: &&RouteId| request.set == SetId::ALL || routes.contains(head);
            let left = heads.iter().filter(may).count() as u32;
            let head = heads.iter().filter(may).nth(luck::below(word, left) as usize);
            // None of the heads may serve it: it begins with the first that may.
            head.map_or(0, |head| routes.partition_point(|route| route < head))
        } else {
            0
        };
        self.walk(now, request, (from, count), avoid)
    }

    /// The target after the last one, if it is not the end of the array or of the round.
    fn fall_back(&mut self, now: Time, request: &Request, past: &[Past]) -> Option<RouteId> {
        let (first, last) = (past[0].route, past[past.len() - 1].route);
        let routes = self.candidates.among(request);
        let from = routes.partition_point(|route| *route <= last);
        let count = if !self.rule.splits {
            routes.len() - from
        } else if first == last {
            routes.len() - usize::from(self.candidates.may(request, last))
        } else {
            let start = routes.partition_point(|route| *route < first);
            if start >= from { start - from } else { routes.len() - from + start }
        };
        self.walk(now, request, (from, count), &[])
    }

    /// The `nth` attempt on a target, from 1.
    fn attempt(&self, request: &Request, route: RouteId, nth: usize) -> Attempt {
        let last_of_several = self.rule.attempts > 1 && nth >= self.rule.attempts;
        let waits = self.rule.final_waits && last_of_several;
        let timeout = self.rule.first_byte.filter(|_| !waits);
        if request.streamed {
            Attempt { ttft_timeout: timeout, ..Attempt::to(route) }
        } else {
            Attempt { total_timeout: timeout, ..Attempt::to(route) }
        }
    }

    fn goes_on(&self, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::RateLimited { .. }
            | Outcome::ServerError { .. }
            | Outcome::Unreachable
            | Outcome::Timeout => true,
            Outcome::KeyRefused { .. } | Outcome::CallerFault { .. } => !self.rule.retryable_only,
            Outcome::Done { .. } | Outcome::StreamBroken { .. } | Outcome::Cancelled => false,
        }
    }
}

/// A limit for each route that has one, per `limit.window`.
fn limits(settings: &Settings, pool: &Pool) -> Vec<Option<Limit>> {
    let secs = settings.get("limit.window");
    let tokens = settings.get("limit.tokens_per_request");
    let limit = |route: &super::RouteInfo| {
        let a_minute = match (route.rpm, route.tpm) {
            (Some(rpm), _) => rpm as f64,
            (None, Some(tpm)) => tpm as f64 / tokens,
            (None, None) => return None,
        };
        let most = (a_minute * secs / 60.0) as u64;
        Some(Limit { most, sent: Sliding::new(Span::from_secs_f64(secs), secs.min(60.0) as usize) })
    };
    pool.routes.iter().map(limit).collect()
}

impl Policy for Sequential {
    fn choose(
        &mut self,
        now: Time,
        request: &Request,
        avoid: &[RouteId],
        luck: u64,
    ) -> Option<Attempt> {
        let route = self.begin(now, request, avoid, luck)?;
        Some(self.attempt(request, route, 1))
    }

    fn next(&mut self, now: Time, request: &Request, past: &[Past], waits: u32, word: u64) -> Step {
        let Some(last) = past.last() else {
            let attempt = self.choose(now, request, &[], word);
            let none_there = self.candidates.among(request).is_empty();
            return attempt
                .map_or(Step::Stop { status: if none_there { 503 } else { 429 } }, Step::Send);
        };
        let stop = Step::Stop { status: last.outcome.status() };
        if !self.goes_on(&last.outcome) {
            return stop;
        }
        let here = past.iter().rev().take_while(|past| past.route == last.route).count();
        if here < self.rule.attempts && self.candidates.may(request, last.route) {
            let wait = self.rule.backoff.wait(here as u32, word);
            if waits == 0 && wait > Span::ZERO {
                return Step::Wait(wait);
            }
            return Step::Send(self.attempt(request, last.route, here + 1));
        }
        match self.fall_back(now, request, past) {
            Some(route) => Step::Send(self.attempt(request, route, 1)),
            None => stop,
        }
    }

    fn set_present(&mut self, _: Time, route: RouteId, present: bool) {
        self.candidates.set_present(route, present);
        self.renew_heads(self.candidates.model(route));
    }

    fn show(&self, views: &mut [RouteView]) {
        views.fill(RouteView { weight: 1.0, ..RouteView::default() });
        for (model, heads) in self.heads.iter().enumerate() {
            if self.rule.splits {
                for head in heads {
                    views[head.index()].expected = 1.0 / heads.len() as f64;
                }
            } else if let Some(first) = self.candidates.of(ModelId(model as u16)).first() {
                views[first.index()].expected = 1.0;
            }
        }
    }
}
