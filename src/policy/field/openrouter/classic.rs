//! OpenRouter as its documents had it until 2026: providers without a significant outage in the last 30 seconds,
//! drawn by the inverse square of their price; the others are fallbacks.
//!
//! Source: openrouter.ai/docs, Provider Routing (price-based load balancing), 2025.
//!
//! Our choices where the text is silent: a provider's endpoint is a route; its price is a mix of prompt and output
//! tokens; an outage is significant when half of at least five attempts failed, the caller's faults apart, and it
//! is over when the window no longer shows it; fallbacks are drawn like the first, from those with an outage once
//! there is no other.
//!
//! Left out: sorting by throughput or latency, price caps, routing between models.

use super::{elsewhere, price};
use crate::engine::{Health, Outcome, Param, Settings, Span, Time, Unit};
use crate::policy::part::{Candidates, Changes, Sliding, pick};
use crate::policy::{
    Attempt, Family, Grade, Past, Policy, PolicySpec, Pool, Process, Request, RouteId, RouteView,
    Sent, Step, Transition,
};

const PAGE: &str = "OpenRouter, Provider Routing, 2025";

/// Its parameters.
pub static TABLE: [Param; 5] = [
    Param::new("outage.window", Unit::Seconds, 30.0, (1.0, 3600.0), "How far back outages count.")
        .from(PAGE),
    Param::new(
        "outage.share",
        Unit::Ratio,
        0.5,
        (0.0, 1.0),
        "Share of failures that is an outage.",
    ),
    Param::new("outage.min_attempts", Unit::Count, 5.0, (1.0, 1e6), "Fewest attempts for that."),
    Param::new("price.power", Unit::Number, 2.0, (0.0, 10.0), "Power of the price that divides.")
        .from(PAGE),
    Param::new(
        "price.prompt_parts",
        Unit::Number,
        3.0,
        (0.0, 1_000.0),
        "Prompt tokens per output token.",
    ),
];

/// Registry entry.
pub const SPEC: PolicySpec = PolicySpec {
    name: "openrouter-classic",
    product: "OpenRouter, documents of 2025",
    source: PAGE,
    doc: "Routes without an outage in the last 30 s, drawn by the inverse square of their price; the others as fallbacks.",
    family: Family::Field,
    grade: Grade::Documents,
    left_out: "sorting, price caps, routing between models",
    process: Process::ONE,
    params: &TABLE,
    preset: &[],
    build: |settings, pool, now, _| Ok(Box::new(Classic::new(settings, pool, now))),
};

#[derive(Clone, Debug)]
struct Endpoint {
    weight: f64,
    out: bool,
    /// Attempts and failures.
    recent: Sliding<2>,
}

#[derive(Debug)]
struct Classic {
    candidates: Candidates,
    endpoints: Vec<Endpoint>,
    share: f64,
    min_attempts: u64,
    tried: Vec<RouteId>,
    changes: Changes,
}

impl Classic {
    fn new(settings: &Settings, pool: &Pool, now: Time) -> Self {
        let get = |id| settings.get(id);
        let window = Span::from_secs_f64(get("outage.window"));
        let prices = pool.routes.iter().map(|route| price(route, get("price.prompt_parts")));
        let endpoint = |price| Endpoint {
            weight: 1.0 / libm::pow(price, get("price.power")),
            out: false,
            recent: Sliding::new(window, 30),
        };
        Self {
            candidates: Candidates::new(pool),
            endpoints: prices.map(endpoint).collect(),
            share: get("outage.share"),
            min_attempts: get("outage.min_attempts") as u64,
            tried: Vec::new(),
            changes: Changes::new(now),
        }
    }

    /// Looks whether a route has an outage now.
    fn judge(&mut self, now: Time, route: RouteId) {
        let endpoint = &mut self.endpoints[route.index()];
        let [attempts, failures] = endpoint.recent.sums(now);
        let out = attempts >= self.min_attempts && failures as f64 >= self.share * attempts as f64;
        if out != endpoint.out {
            endpoint.out = out;
            let (from, to, reason) = if out {
                (Health::Healthy, Health::Failed, "outage")
            } else {
                (Health::Failed, Health::Healthy, "no outage in the window")
            };
            self.changes.note(now, route, from, to, reason);
        }
    }

    fn draw(&self, request: &Request, avoid: &[RouteId], word: u64) -> Option<RouteId> {
        let routes = self.candidates.among(request);
        let weight = |route: RouteId| self.endpoints[route.index()].weight;
        let stable =
            |route: RouteId| if self.endpoints[route.index()].out { 0.0 } else { weight(route) };
        pick::by_weight(routes, avoid, word, stable)
            .or_else(|| pick::by_weight(routes, avoid, word, weight))
    }
}

impl Policy for Classic {
    fn choose(
        &mut self,
        _: Time,
        request: &Request,
        avoid: &[RouteId],
        word: u64,
    ) -> Option<Attempt> {
        self.draw(request, avoid, word).map(Attempt::to)
    }

    fn next(&mut self, now: Time, request: &Request, past: &[Past], _: u32, word: u64) -> Step {
        let mut tried = std::mem::take(&mut self.tried);
        let step = elsewhere(self, &mut tried, (now, request, past), word);
        self.tried = tried;
        step
    }

    fn on_end(&mut self, now: Time, sent: &Sent, outcome: &Outcome) {
        let failed = match outcome {
            Outcome::CallerFault { .. } | Outcome::Cancelled => return,
            Outcome::Done { .. } => 0,
            _ => 1,
        };
        self.endpoints[sent.route.index()].recent.add(now, [1, failed]);
        self.judge(now, sent.route);
    }

    fn next_wake(&self) -> Option<Time> {
        Some(self.changes.next_wake())
    }

    fn on_wake(&mut self, now: Time, changed: &mut dyn FnMut(Transition)) {
        for route in 0..self.endpoints.len() {
            self.judge(now, RouteId(route as u32));
        }
        self.changes.tell(now, changed);
    }

    fn set_present(&mut self, _: Time, route: RouteId, present: bool) {
        self.candidates.set_present(route, present);
    }

    fn show(&self, views: &mut [RouteView]) {
        for (view, endpoint) in views.iter_mut().zip(&self.endpoints) {
            let health = if endpoint.out { Health::Failed } else { Health::Healthy };
            *view = RouteView { weight: endpoint.weight, health, ..RouteView::default() };
        }
        for model in self.candidates.models() {
            let routes = self.candidates.of(model);
            let stable = routes.iter().filter(|route| !self.endpoints[route.index()].out);
            let sum: f64 = stable.clone().map(|route| self.endpoints[route.index()].weight).sum();
            for route in stable {
                views[route.index()].expected = self.endpoints[route.index()].weight / sum;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture::{
        BROKEN, attempt, build, done, pool, request, sent, serve, shares,
    };

    fn priced() -> Pool {
        let mut pool = pool(&[1, 1, 1]);
        for (i, route) in pool.routes.iter_mut().enumerate() {
            route.price_prompt = 1_000 * (i as u64 + 1);
            route.price_output = 1_000 * (i as u64 + 1);
        }
        pool
    }

    fn end(policy: &mut dyn Policy, at: Time, route: u32, outcome: &Outcome) {
        policy.on_end(at, &sent(&request(1), &Attempt::to(RouteId(route)), at), outcome);
    }

    fn wake(policy: &mut dyn Policy, secs: u64) -> Vec<Health> {
        let mut to = Vec::new();
        policy.on_wake(Time::from_secs(secs), &mut |change| to.push(change.to));
        to
    }

    #[test]
    fn the_share_is_the_inverse_square_of_the_price() {
        // 1 : 1/4 : 1/9.
        let mut policy = build(&SPEC, &priced(), &[]);
        let seen = shares(&mut *policy, Time::ZERO, 3, 100_000);
        for (share, expected) in seen.iter().zip([36.0 / 49.0, 9.0 / 49.0, 4.0 / 49.0]) {
            assert!((share - expected).abs() < 0.005, "{seen:?}");
        }
        let mut views = [RouteView::default(); 3];
        policy.show(&mut views);
        assert!((views[1].expected - 9.0 / 49.0).abs() < 1e-12);
    }

    #[test]
    fn a_price_is_three_parts_prompt_and_one_part_output() {
        let mut pool = priced();
        pool.routes[0].price_prompt = 1_000;
        pool.routes[0].price_output = 5_000;
        assert_eq!(price(&pool.routes[0], 3.0), 2_000.0);
        let seen = shares(&mut *build(&SPEC, &pool, &[]), Time::ZERO, 3, 50_000);
        assert!((seen[0] - seen[1]).abs() < 0.01, "both 2,000: {seen:?}");
        pool.routes[0].price_prompt = 0;
        pool.routes[0].price_output = 0;
        assert!(shares(&mut *build(&SPEC, &pool, &[]), Time::ZERO, 3, 1_000)[0] > 0.99);
    }

    #[test]
    fn half_of_five_failed_is_an_outage_for_thirty_seconds() {
        let mut policy = build(&SPEC, &priced(), &[]);
        let at = Time::from_secs(1);
        for outcome in [done(1), done(1), BROKEN, BROKEN] {
            end(&mut *policy, at, 0, &outcome);
        }
        assert!(wake(&mut *policy, 1).is_empty(), "four attempts");
        end(&mut *policy, at, 0, &done(1));
        assert!(wake(&mut *policy, 1).is_empty(), "two of five");
        end(&mut *policy, at, 0, &BROKEN);
        end(&mut *policy, at, 0, &Outcome::CallerFault { status: 400 });
        assert_eq!(wake(&mut *policy, 1), [Health::Failed], "three of six");
        assert_eq!(shares(&mut *policy, at, 3, 1_000)[0], 0.0);
        assert!(wake(&mut *policy, 30).is_empty());
        assert_eq!(wake(&mut *policy, 31), [Health::Healthy]);
        assert!(shares(&mut *policy, at, 3, 1_000)[0] > 0.6);
        for _ in 0..5 {
            end(&mut *policy, Time::from_secs(40), 1, &BROKEN);
        }
        assert_eq!(wake(&mut *policy, 40), [Health::Failed], "five attempts are enough");
    }

    #[test]
    fn failures_go_on_to_every_other_route_and_those_with_outages_come_last() {
        let mut policy = build(&SPEC, &priced(), &[]);
        for _ in 0..5 {
            end(&mut *policy, Time::ZERO, 0, &BROKEN);
        }
        let past = |routes: &[u32]| -> Vec<Past> {
            routes.iter().map(|r| Past { route: RouteId(*r), outcome: BROKEN }).collect()
        };
        let mut step = |tried: &[u32]| policy.next(Time::ZERO, &request(1), &past(tried), 0, 7);
        assert_ne!(attempt(step(&[])).route, RouteId(0));
        assert_eq!(attempt(step(&[2])).route, RouteId(1));
        assert_eq!(attempt(step(&[2, 1])).route, RouteId(0));
        assert_eq!(step(&[2, 1, 0]), Step::Stop { status: 500 });
        let fault = Past { route: RouteId(1), outcome: Outcome::CallerFault { status: 400 } };
        let end = policy.next(Time::ZERO, &request(1), &[fault], 0, 7);
        assert_eq!(end, Step::Stop { status: 400 });
        assert_eq!(serve(&mut *policy, Time::ZERO, &[RouteId(0), RouteId(1)], 1.0, &BROKEN).0, 2);
    }
}
