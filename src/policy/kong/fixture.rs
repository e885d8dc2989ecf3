//! Made-up targets, pools and requests for the tests of this folder.

use crate::engine::{Health, Outcome, Span, Time};
use crate::policy::part::{MaxFails, MaxFailsRule};
use crate::policy::{
    ModelId, Past, Policy, PolicySpec, Pool, ProviderId, Request, RouteId, RouteInfo, RouteView,
    Sent, SetId, Step, Transition,
};

use super::Kong;
use super::target::{Gate, Target};

/// Targets with these weights, numbered from 0.
pub fn targets(weights: &[u32]) -> Vec<Target> {
    let target = |(i, weight): (usize, &u32)| Target { route: RouteId(i as u32), weight: *weight };
    weights.iter().enumerate().map(target).collect()
}

/// Breakers that never open.
pub struct Gates(Vec<MaxFails>);

impl Gates {
    pub fn new(routes: usize) -> Self {
        let rule = MaxFailsRule { max_fails: 0, fail_timeout: Span::from_secs(10) };
        Self(vec![MaxFails::new(rule); routes])
    }

    pub fn all(&self) -> Gate<'_> {
        self.but(&[])
    }

    pub fn but<'a>(&'a self, avoid: &'a [RouteId]) -> Gate<'a> {
        Gate { now: Time::ZERO, breakers: &self.0, avoid, within: None }
    }
}

/// A pool of one model with routes of these names and weights.
pub fn pool(routes: &[(&str, f64)]) -> Pool {
    let route = |&(name, weight): &(&str, f64)| RouteInfo {
        name: name.to_owned(),
        provider: ProviderId(0),
        model: ModelId(0),
        key: name.to_owned(),
        region: String::new(),
        pool: name.to_owned(),
        weight,
        tpm: None,
        rpm: None,
        price_prompt: 0,
        price_output: 0,
        about: Vec::new(),
    };
    Pool {
        providers: vec!["p".to_owned()],
        models: vec!["chat".to_owned()],
        routes: routes.iter().map(route).collect(),
        ..Pool::default()
    }
}

/// A streamed request that arrives at a moment.
pub fn request(id: u64, arrived: Time) -> Request {
    Request {
        id,
        arrived,
        model: ModelId(0),
        class: 0,
        prompt_tokens: 100,
        max_tokens: 100,
        streamed: true,
        session: id,
        topic: 0,
        set: SetId::ALL,
    }
}

/// The only attempt of a request that arrived at a moment.
pub fn sent(route: RouteId, arrived: Time) -> Sent {
    Sent {
        request: 1,
        arrived,
        model: ModelId(0),
        route,
        at: arrived,
        tag: 0,
        prompt_tokens: 100,
        streamed: true,
        heard: false,
        number: 0,
    }
}

/// A plugin under test and what is in flight to it.
pub struct Bench {
    pub kong: Kong,
    pub now: Time,
}

impl Bench {
    pub fn new(spec: &PolicySpec, set: &[(&str, f64)], pool: &Pool) -> Self {
        let mut settings = spec.settings();
        for (id, value) in set {
            settings.set(id, *value).unwrap();
        }
        Self { kong: Kong::new(&settings, pool, Time::ZERO, 7), now: Time::ZERO }
    }

    pub fn at(&mut self, secs: f64) {
        self.now = Time::ZERO + Span::from_secs_f64(secs);
    }

    pub fn end(&mut self, request: &Request, route: RouteId, number: u16, outcome: Outcome) {
        let sent = Sent {
            request: request.id,
            model: request.model,
            number,
            ..sent(route, request.arrived)
        };
        self.kong.on_end(self.now, &sent, &outcome);
    }

    /// Runs a request whose attempts all end so; gives the routes and the final status.
    pub fn run(&mut self, id: u64, outcome: Outcome) -> (String, u16) {
        let request = request(id, self.now);
        self.run_request(&request, outcome)
    }

    pub fn run_request(&mut self, request: &Request, outcome: Outcome) -> (String, u16) {
        let (mut past, mut order, mut waits) = (Vec::new(), String::new(), 0);
        loop {
            match self.kong.next(self.now, request, &past, waits, 1) {
                Step::Send(attempt) => {
                    order.push(char::from(b'a' + attempt.route.0 as u8));
                    self.end(request, attempt.route, past.len() as u16, outcome);
                    past.push(Past { route: attempt.route, outcome });
                    if outcome.is_done() {
                        return (order, 200);
                    }
                }
                Step::Wait(_) => waits += 1,
                Step::Stop { status } => return (order, status),
            }
        }
    }

    pub fn status(&mut self, outcome: Outcome) -> (usize, u16) {
        let (order, status) = self.run(1, outcome);
        (order.len(), status)
    }

    pub fn changes(&mut self) -> Vec<(u32, Health, Health)> {
        let mut changes = Vec::new();
        self.kong.on_wake(self.now, &mut |c: Transition| changes.push((c.route.0, c.from, c.to)));
        changes
    }

    pub fn expected(&self) -> Vec<f64> {
        let mut views = vec![RouteView::default(); self.kong.routes.len()];
        self.kong.show(&mut views);
        views.iter().map(|view| view.expected).collect()
    }
}
