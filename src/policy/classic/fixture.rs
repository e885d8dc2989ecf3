//! A stand that asks a policy and tells it what became of attempts, for tests.

use crate::engine::{Health, Outcome, Span, Time, luck};
use crate::policy::{
    ModelId, Policy, PolicySpec, Pool, ProviderId, Request, RouteId, RouteInfo, RouteView, Sent,
    SetId, Transition,
};

/// A whole answer.
pub const DONE: Outcome = Outcome::Done { prompt_tokens: 10, output_tokens: 10 };
/// An error of the server.
pub const FAILED: Outcome = Outcome::ServerError { status: 500 };
/// A refusal without a hint.
pub const LIMITED: Outcome = Outcome::RateLimited { retry_after: None };

/// A refusal with a hint of so many seconds.
pub fn limited_for(secs: f64) -> Outcome {
    Outcome::RateLimited { retry_after: Some(Span::from_secs_f64(secs)) }
}

/// So many seconds after the start.
pub fn at(secs: f64) -> Time {
    Time::ZERO + Span::from_secs_f64(secs)
}

/// One route per weight, each a provider of its own, all serving one model.
pub fn pool(weights: &[f64]) -> Pool {
    let route = |(i, weight): (usize, &f64)| RouteInfo {
        name: format!("p{i}:chat/key"),
        provider: ProviderId(i as u16),
        model: ModelId(0),
        key: "key".to_owned(),
        region: String::new(),
        pool: format!("p{i}/key"),
        weight: *weight,
        tpm: None,
        rpm: None,
        price_prompt: 0,
        price_output: 0,
        about: Vec::new(),
    };
    Pool {
        providers: (0..weights.len()).map(|i| format!("p{i}")).collect(),
        models: vec!["chat".to_owned()],
        routes: weights.iter().enumerate().map(route).collect(),
        sets: [].into(),
        topics: Vec::new(),
        offered_rps: 100.0,
    }
}

/// A policy under test.
pub struct Stand {
    /// The policy.
    pub policy: Box<dyn Policy>,
    routes: u32,
    requests: u64,
}

impl Stand {
    /// Over so many routes of weight 1.
    pub fn new(spec: &PolicySpec, routes: usize, sets: &[(&str, f64)]) -> Self {
        Self::weighted(spec, &vec![1.0; routes], sets)
    }

    /// Over routes with these weights.
    pub fn weighted(spec: &PolicySpec, weights: &[f64], sets: &[(&str, f64)]) -> Self {
        let mut settings = spec.settings();
        for (id, value) in sets {
            settings.set(id, *value).unwrap();
        }
        let policy = spec.make(&settings, &pool(weights), Time::ZERO, 11).unwrap();
        Self { policy, routes: weights.len() as u32, requests: 0 }
    }

    /// A request at `secs` that must not go to `avoid`, as it was sent.
    pub fn ask(&mut self, secs: f64, avoid: &[u32]) -> Option<Sent> {
        self.requests += 1;
        let request = Request {
            id: self.requests,
            arrived: at(secs),
            model: ModelId(0),
            class: 0,
            prompt_tokens: 10,
            max_tokens: 100,
            streamed: true,
            session: self.requests,
            topic: 0,
            set: SetId::ALL,
        };
        let avoid: Vec<RouteId> = avoid.iter().copied().map(RouteId).collect();
        let word = luck::mix(self.requests, luck::name("stand"));
        let attempt = self.policy.choose(at(secs), &request, &avoid, word)?;
        assert!(!avoid.contains(&attempt.route), "{attempt:?} was to be avoided");
        Some(Sent {
            request: request.id,
            arrived: request.arrived,
            model: request.model,
            route: attempt.route,
            at: at(secs),
            tag: attempt.tag,
            prompt_tokens: 10,
            streamed: true,
            heard: false,
            number: 0,
        })
    }

    /// Where a request at `secs` goes.
    pub fn goes(&mut self, secs: f64) -> Option<u32> {
        self.ask(secs, &[]).map(|sent| sent.route.0)
    }

    /// A request that can only go to `route`; `None` if the policy does not send it there.
    pub fn to(&mut self, secs: f64, route: u32) -> Option<Sent> {
        let others: Vec<u32> = (0..self.routes).filter(|other| *other != route).collect();
        self.ask(secs, &others)
    }

    /// Whether a request could go to `route`; it is cancelled at once.
    pub fn open(&mut self, secs: f64, route: u32) -> bool {
        let sent = self.to(secs, route);
        if let Some(sent) = &sent {
            self.policy.on_end(at(secs), sent, &Outcome::Cancelled);
        }
        sent.is_some()
    }

    /// An attempt ends.
    pub fn end(&mut self, secs: f64, sent: &Sent, outcome: Outcome) {
        self.policy.on_end(at(secs), sent, &outcome);
    }

    /// `n` attempts at `route`, one after the other, sent at `secs` and ended at once.
    pub fn serve(&mut self, secs: f64, route: u32, n: u32, outcome: Outcome) {
        for _ in 0..n {
            let sent = self.to(secs, route).unwrap();
            self.end(secs, &sent, outcome);
        }
    }

    /// What the policy shows.
    pub fn views(&self) -> Vec<RouteView> {
        let mut views = vec![RouteView::default(); self.routes as usize];
        self.policy.show(&mut views);
        views
    }

    /// The share that it expects each route to get.
    pub fn expected(&self) -> Vec<f64> {
        self.views().iter().map(|view| view.expected).collect()
    }

    /// The health of a route.
    pub fn health(&self, route: u32) -> Health {
        self.views()[route as usize].health
    }

    /// Wakes the policy and gives (route, state, cause) of what changed since.
    pub fn wake(&mut self, secs: f64) -> Vec<(u32, Health, &'static str)> {
        let mut told = Vec::new();
        let mut hear = |t: Transition| told.push((t.route.0, t.to, t.reason));
        self.policy.on_wake(at(secs), &mut hear);
        told
    }

    /// Takes a route out, or puts it in.
    pub fn present(&mut self, secs: f64, route: u32, present: bool) {
        self.policy.set_present(at(secs), RouteId(route), present);
    }

    /// How many of `n` requests go to each route; each is cancelled at once.
    pub fn counts(&mut self, secs: f64, n: u32) -> Vec<u32> {
        let mut counts = vec![0; self.routes as usize];
        for _ in 0..n {
            if let Some(sent) = self.ask(secs, &[]) {
                counts[sent.route.index()] += 1;
                self.end(secs, &sent, Outcome::Cancelled);
            }
        }
        counts
    }
}

/// Asserts that numbers are within `tolerance` of what they should be.
#[track_caller]
pub fn near(found: &[f64], expected: &[f64], tolerance: f64) {
    let fits = |(one, other): (&f64, &f64)| (one - other).abs() <= tolerance;
    let all = found.len() == expected.len() && found.iter().zip(expected).all(fits);
    assert!(all, "{found:?} for {expected:?} ± {tolerance}");
}

/// What holds of every rule: it avoids what it must, serves no route that is out, takes routes back, and
/// stands facts of attempts at routes that are gone.
pub fn keeps_the_contract(spec: &PolicySpec) {
    let mut stand = Stand::new(spec, 4, &[]);
    for n in 0..200 {
        let secs = f64::from(n) * 0.01;
        assert!([1, 3].contains(&stand.ask(secs, &[0, 2, 0]).unwrap().route.0));
        assert!(stand.ask(secs, &[0, 1, 2, 3]).is_none());
    }
    let flying = stand.to(3.0, 2).unwrap();
    stand.present(3.1, 2, false);
    stand.present(3.1, 2, false);
    assert!((0..200).all(|_| stand.goes(3.2) != Some(2)));
    assert!(stand.to(3.2, 2).is_none());
    stand.end(3.3, &flying, DONE);
    stand.present(3.4, 2, true);
    stand.present(3.4, 2, true);
    stand.end(3.5, &flying, FAILED);
    assert!(stand.to(3.6, 2).is_some());
    let sum: f64 = stand.expected().iter().sum();
    near(&[sum], &[1.0], 1e-9);
    (0..4).for_each(|route| stand.present(4.0, route, false));
    assert!(stand.goes(4.0).is_none());
    stand.wake(5.0);
    let mut alone = Stand::new(spec, 1, &[]);
    assert!((0..50).all(|n| alone.goes(f64::from(n)) == Some(0)));
    assert_eq!(alone.expected(), [1.0]);
    stands_anything(spec);
}

/// Whatever happens, in whatever order, a rule neither breaks nor sends where it must not.
fn stands_anything(spec: &PolicySpec) {
    let outcomes = [
        DONE,
        FAILED,
        LIMITED,
        limited_for(40.0),
        Outcome::Unreachable,
        Outcome::Timeout,
        Outcome::StreamBroken { prompt_tokens: 1, output_tokens: 1 },
        Outcome::Cancelled,
        Outcome::CallerFault { status: 400 },
        Outcome::ServerError { status: 503 },
    ];
    for weights in [vec![1.0], vec![0.0; 5], vec![3.0, 1.0, 0.0, 2.0, 1.0], vec![1.0; 300]] {
        let mut stand = Stand::weighted(spec, &weights, &[]);
        let mut present = vec![true; weights.len()];
        let mut flying: Vec<Sent> = Vec::new();
        let mut secs = 0.0;
        for n in 0..4_000 {
            let draw = |what, below| luck::below(luck::mix(luck::mix(n, 77), what), below) as usize;
            secs += if n % 900 == 899 { 1e5 } else { draw(0, 100) as f64 / 500.0 };
            let route = draw(1, weights.len() as u32);
            match draw(2, 10) {
                0 => {
                    present[route] = !present[route];
                    stand.present(secs, route as u32, present[route]);
                }
                1 => drop(stand.wake(secs)),
                2..6 => {
                    let sent = stand.ask(secs, &[route as u32]);
                    assert!(sent.is_none_or(|sent| present[sent.route.index()]), "{sent:?} is out");
                    flying.extend(sent);
                }
                _ if flying.is_empty() => {}
                _ => {
                    let mut sent = flying.swap_remove(draw(3, flying.len() as u32));
                    if draw(4, 2) == 0 && stand.policy.wants_first_token() {
                        stand.policy.on_first_token(at(secs), &sent);
                        sent.heard = true;
                    }
                    stand.end(secs, &sent, outcomes[draw(5, 10)]);
                }
            }
            if n % 100 == 0 {
                let views = stand.views();
                assert!(views.iter().all(|v| v.weight.is_finite() && v.expected >= 0.0));
                assert!(views.iter().map(|view| view.expected).sum::<f64>() < 1.0 + 1e-9);
            }
        }
    }
}
