//! A router, a clock and requests for tests.

use crate::engine::{Outcome, Span, Time};
use crate::policy::{
    Attempt, ModelId, Past, Policy, PolicySpec, Pool, ProviderId, Request, RouteId, RouteInfo,
    Sent, SetId, Step, Transition,
};

use super::Router;

pub const DONE: Outcome = Outcome::Done { prompt_tokens: 10, output_tokens: 10 };
pub const DOWN: Outcome = Outcome::ServerError { status: 500 };

/// Routes of one model, nothing set.
pub fn pool(routes: u32) -> Pool {
    let route = |i: u32| RouteInfo {
        name: format!("p:chat/k{i}"),
        provider: ProviderId(0),
        model: ModelId(0),
        key: format!("k{i}"),
        region: String::new(),
        pool: format!("p/k{i}"),
        weight: 1.0,
        tpm: None,
        rpm: None,
        price_prompt: 0,
        price_output: 0,
        about: Vec::new(),
    };
    Pool {
        providers: vec!["p".to_owned()],
        models: vec!["chat".to_owned()],
        routes: (0..routes).map(route).collect(),
        ..Pool::default()
    }
}

/// A router over so many routes, with these settings on top of its preset.
pub fn router(spec: &PolicySpec, pool: &Pool, values: &[(&str, f64)]) -> Bench {
    let mut settings = spec.settings();
    for (id, value) in values {
        settings.set(id, *value).unwrap();
    }
    Bench { router: Router::new(&settings, pool), requests: 0 }
}

/// A router on a bench.
pub struct Bench {
    pub router: Router,
    requests: u64,
}

pub fn at(secs: f64) -> Time {
    Time::ZERO + Span::from_secs_f64(secs)
}

pub fn request(id: u64, now: Time) -> Request {
    Request {
        id,
        arrived: now,
        model: ModelId(0),
        class: 0,
        prompt_tokens: 10,
        max_tokens: 10,
        streamed: false,
        session: id,
        topic: 0,
        set: SetId::ALL,
    }
}

impl Bench {
    /// Asks what a new request's first step is.
    pub fn asks(&mut self, secs: f64) -> (Request, Step) {
        self.requests += 1;
        let request = request(self.requests, at(secs));
        let step = self.router.next(at(secs), &request, &[], 0, luck(self.requests, 0));
        (request, step)
    }

    /// Starts a new request, which must be sent.
    pub fn starts(&mut self, secs: f64) -> (Request, Attempt) {
        match self.asks(secs) {
            (request, Step::Send(attempt)) => (request, attempt),
            other => panic!("{other:?}"),
        }
    }

    /// The `number`-th attempt of a request ends.
    pub fn ends(&mut self, of: &Request, attempt: &Attempt, number: u16, secs: f64, how: Outcome) {
        let sent = Sent {
            request: of.id,
            arrived: of.arrived,
            model: of.model,
            route: attempt.route,
            at: of.arrived,
            tag: attempt.tag,
            prompt_tokens: of.prompt_tokens,
            streamed: of.streamed,
            heard: false,
            number,
        };
        self.router.on_end(at(secs), &sent, &how);
    }

    /// One request at this moment that ends as `how` says of its route, at once and without a retry. Gives
    /// the route, if it was sent.
    pub fn serves(&mut self, secs: f64, how: impl FnOnce(RouteId) -> Outcome) -> Option<RouteId> {
        let (request, step) = self.asks(secs);
        let Step::Send(attempt) = step else { return None };
        self.ends(&request, &attempt, 0, secs, how(attempt.route));
        Some(attempt.route)
    }

    /// Has the route fail so often that it goes out, and be asked for nothing else.
    pub fn fails(&mut self, route: u32, secs: f64, how: Outcome) {
        self.requests += 1;
        let request = request(self.requests, at(secs));
        self.ends(&request, &Attempt::to(RouteId(route)), 0, secs, how);
    }

    /// What to do after these ends of a request.
    pub fn next(&mut self, of: &Request, secs: f64, past: &[(u32, Outcome)], waits: u32) -> Step {
        let past: Vec<Past> = past
            .iter()
            .map(|(route, outcome)| Past { route: RouteId(*route), outcome: *outcome })
            .collect();
        self.router.next(at(secs), of, &past, waits, luck(of.id, past.len()))
    }

    /// Whether a route is never picked at this moment.
    pub fn is_out(&self, route: u32, secs: f64) -> bool {
        (0..200).all(|n| {
            let mut copy = self.router.clone();
            let picked = copy.choose(at(secs), &request(1, at(secs)), &[], luck(n, 99));
            picked.is_none_or(|attempt| attempt.route != RouteId(route))
        })
    }

    /// The changes of health told at a wake: (milliseconds, route, word).
    pub fn told(&mut self, secs: f64) -> Vec<(u64, u32, String)> {
        let mut told = Vec::new();
        self.router.on_wake(at(secs), &mut |change: Transition| {
            told.push((change.at.0 / 1_000_000, change.route.0, format!("{:?}", change.to)));
        });
        told
    }
}

fn luck(id: u64, call: usize) -> u64 {
    crate::engine::luck::mix(id, call as u64 + 1)
}
