//! A gateway's node that drives a policy by hand, for the conformance suite.

use windtunnel::engine::luck::{mix, unit};
use windtunnel::engine::{Limits, Outcome, Span, Time};
use windtunnel::policy::{
    Attempt, Deadline, ModelId, Past, Policy, PolicySpec, Pool, ProviderId, Report, Request,
    RouteId, RouteInfo, RouteView, Sees, Sent, SetId, Step, Truth,
};

/// Two models; `n` routes for the first and one for the second.
pub(crate) fn pool(n: u32) -> Pool {
    let route = |i: u32| {
        let (provider, model) = (ProviderId((i % 3) as u16), ModelId(u16::from(i == n)));
        RouteInfo {
            name: format!("p{}:m{}/k{i}", provider.0, model.0),
            provider,
            model,
            key: format!("k{i}"),
            region: String::new(),
            pool: format!("p{}/k{i}", provider.0),
            weight: 1.0,
            tpm: Some(10_000_000),
            rpm: Some(60_000),
            price_prompt: 2_500_000_000,
            price_output: 10_000_000_000,
            about: vec![1.0, 0.0],
        }
    };
    Pool {
        providers: ["a", "b", "c"].map(str::to_owned).to_vec(),
        models: vec!["chat".to_owned(), "small".to_owned()],
        routes: (0..=n).map(route).collect(),
        sets: sets(n).into(),
        topics: vec![vec![1.0, 0.0]],
        offered_rps: 100.0,
    }
}

/// What requests may be confined to: the even routes, one alone, the first half, and nothing.
pub(crate) fn sets(n: u32) -> Vec<Vec<RouteId>> {
    let those =
        |which: fn(&u32, u32) -> bool| (0..n).filter(|i| which(i, n)).map(RouteId).collect();
    vec![those(|i, _| i % 2 == 0), those(|i, _| *i == 1), those(|i, n| *i < n.div_ceil(2)), vec![]]
}

/// A node that drives a policy by hand: 100 requests a second, answers after 0.2 to 1 s.
pub(crate) struct Node {
    pub(crate) policy: Box<dyn Policy>,
    pub(crate) pool: Pool,
    pub(crate) present: Vec<bool>,
    pub(crate) now: Time,
    pub(crate) wake: Time,
    pub(crate) asked: u64,
    pub(crate) flying: Vec<(Time, Sent, Outcome, Request, Vec<Past>)>,
    pub(crate) told: Vec<(u64, u32)>,
    pub(crate) chosen: Vec<u64>,
    pub(crate) answer: fn(RouteId, u64) -> Outcome,
    /// What a request is confined to, from its number and how often it was tried.
    pub(crate) confine: fn(u64, usize) -> SetId,
    pub(crate) in_flight: Vec<u32>,
    /// Heap allocations that the policy made for requests, apart from its periodic work.
    pub(crate) allocated: u64,
}

pub(crate) const DONE: Outcome = Outcome::Done { prompt_tokens: 500, output_tokens: 100 };

pub(crate) fn well(_: RouteId, _: u64) -> Outcome {
    DONE
}

pub(crate) fn badly(_: RouteId, _: u64) -> Outcome {
    Outcome::ServerError { status: 503 }
}

/// Every kind of outcome; refusals are rare, because some products leave a route alone for half a minute after
/// one.
pub(crate) fn mixed(route: RouteId, luck: u64) -> Outcome {
    match (unit(luck) * 400.0) as u32 {
        0 if unit(mix(luck, 1)) < 0.3 => {
            Outcome::RateLimited { retry_after: Some(Span::from_secs(2)) }
        }
        1 if unit(mix(luck, 1)) < 0.3 => Outcome::RateLimited { retry_after: None },
        2..10 => Outcome::ServerError { status: 500 },
        10..15 => Outcome::Timeout,
        15..20 => Outcome::Unreachable,
        20..30 => Outcome::StreamBroken { prompt_tokens: 500, output_tokens: 3 },
        30..40 => Outcome::Cancelled,
        40..50 => Outcome::CallerFault { status: 400 },
        _ if route.0 % 7 == 5 => Outcome::ServerError { status: 502 },
        _ => DONE,
    }
}

impl Node {
    pub(crate) fn new(spec: &PolicySpec, n: u32, answer: fn(RouteId, u64) -> Outcome) -> Self {
        Self::with(spec, n, answer, &[])
    }

    /// With some settings changed.
    pub(crate) fn with(
        spec: &PolicySpec,
        n: u32,
        answer: fn(RouteId, u64) -> Outcome,
        set: &[(&str, f64)],
    ) -> Self {
        let pool = pool(n);
        let mut settings = spec.settings();
        set.iter().for_each(|(id, value)| settings.set(id, *value).unwrap());
        let policy = spec.make(&settings, &pool, Time::ZERO, 7).unwrap();
        let routes = pool.routes.len();
        Self {
            wake: policy.next_wake().unwrap_or(Time::NEVER),
            policy,
            pool,
            present: vec![true; routes],
            now: Time::ZERO,
            asked: 0,
            flying: Vec::new(),
            told: Vec::new(),
            chosen: vec![0; routes],
            answer,
            confine: |_, _| SetId::ALL,
            in_flight: vec![0; routes],
            allocated: 0,
        }
    }

    /// Asks the policy, or tells it something, and counts what that allocates.
    pub(crate) fn counted<T>(&mut self, act: impl FnOnce(&mut dyn Policy) -> T) -> T {
        let mut result = None;
        let policy = &mut *self.policy;
        let info = allocation_counter::measure(|| result = Some(act(policy)));
        self.allocated += info.count_total;
        result.expect("it was called")
    }

    /// Tells what policies of this kind are told before a decision.
    pub(crate) fn tell(&mut self) {
        let routes = self.pool.routes.len();
        match self.policy.sees() {
            Sees::Client => {}
            Sees::Reports { .. } => {
                let report = |i: usize| Report {
                    in_flight: self.in_flight[i],
                    done: self.chosen[i],
                    tokens_left: 1e7,
                    requests_left: 1e4,
                    busy_s: 0.5 * self.chosen[i] as f64,
                    ..Report::default()
                };
                let reports: Vec<Report> = (0..routes).map(report).collect();
                self.policy.on_reports(self.now, self.now, &reports);
            }
            Sees::Truth => {
                let truth = Truth {
                    works: 1.0,
                    tokens_left: f64::INFINITY,
                    requests_left: f64::INFINITY,
                    places_left: f64::INFINITY,
                    ttft_s: 0.5,
                    prompt_s: 0.0,
                    decode_s: 0.01,
                };
                let deadline = Deadline { base_s: 10.0, per_token_s: 0.04 };
                self.policy.on_truth(self.now, &vec![truth; routes], deadline);
            }
        }
    }

    pub(crate) fn plan(&mut self, request: Request, past: Vec<Past>) {
        let mut waits = 0;
        let request = Request { set: (self.confine)(request.id, past.len()), ..request };
        loop {
            self.tell();
            let luck = mix(request.id, past.len() as u64 * 64 + u64::from(waits));
            let now = self.now;
            match self.counted(|policy| policy.next(now, &request, &past, waits, luck)) {
                Step::Send(attempt) => return self.send(request, past, attempt),
                Step::Stop { status } => {
                    assert!(status == 0 || (100..600).contains(&status), "status {status}");
                    self.told.push((request.id, u32::MAX));
                    return;
                }
                Step::Wait(span) => {
                    assert!(span <= Span::from_secs(3_600), "waits for {span}");
                    waits += 1;
                    assert!(waits < 50, "waits for ever");
                }
            }
        }
    }

    pub(crate) fn send(&mut self, request: Request, past: Vec<Past>, attempt: Attempt) {
        let route = attempt.route;
        assert!(route.index() < self.pool.routes.len(), "{route:?} does not exist");
        assert!(self.present[route.index()], "{route:?} was removed");
        assert_eq!(self.pool.routes[route.index()].model, request.model, "another model");
        if let Some(set) = request.set.index() {
            assert!(self.pool.sets[set].contains(&route), "{route:?} is not in {:?}", request.set);
        }
        assert!(past.len() < 500, "retries for ever");
        self.told.push((request.id, route.0));
        self.chosen[route.index()] += 1;
        self.in_flight[route.index()] += 1;
        let sent = Sent {
            request: request.id,
            arrived: request.arrived,
            model: request.model,
            route,
            at: self.now,
            tag: attempt.tag,
            prompt_tokens: request.prompt_tokens,
            streamed: request.streamed,
            heard: false,
            number: past.len() as u16,
        };
        let luck = mix(mix(request.id, u64::from(route.0)), past.len() as u64);
        let took = Span::from_millis(200 + luck % 800);
        self.flying.push((self.now + took, sent, (self.answer)(route, luck), request, past));
    }

    pub(crate) fn settle(&mut self) {
        self.flying.sort_by_key(|flight| (flight.0, flight.1.request));
        while self.flying.first().is_some_and(|flight| flight.0 <= self.now) {
            let (_, mut sent, outcome, request, mut past) = self.flying.remove(0);
            self.in_flight[sent.route.index()] -= 1;
            let now = self.now;
            if outcome.is_done() {
                if self.policy.wants_first_token() {
                    self.counted(|policy| policy.on_first_token(now, &sent));
                    sent.heard = true;
                }
                let left = Some(1_000_000);
                let limits = Limits { tokens_remaining: left, ..Limits::default() };
                self.counted(|policy| policy.on_headers(now, &sent, &limits));
            }
            self.counted(|policy| policy.on_end(now, &sent, &outcome));
            let over = matches!(outcome, Outcome::StreamBroken { .. } | Outcome::Cancelled);
            if !outcome.is_done() && !over {
                past.push(Past { route: sent.route, outcome });
                self.plan(request, past);
            }
        }
    }

    pub(crate) fn run(&mut self, requests: u64, model: u16) {
        for _ in 0..requests {
            self.now += Span::from_millis(10);
            self.settle();
            while self.wake <= self.now {
                self.policy.on_wake(self.wake, &mut |_| {});
                let next = self.policy.next_wake().unwrap_or(Time::NEVER);
                assert!(next > self.wake, "it wakes without end");
                self.wake = next;
            }
            self.asked += 1;
            let request = Request {
                id: mix(self.asked, 11),
                arrived: self.now,
                model: ModelId(model),
                class: 0,
                prompt_tokens: 500,
                max_tokens: 1_000,
                streamed: self.asked.is_multiple_of(2),
                session: self.asked % 97,
                topic: 0,
                set: SetId::ALL,
            };
            self.plan(request, Vec::new());
        }
    }

    pub(crate) fn views(&self) -> Vec<RouteView> {
        let mut views = vec![RouteView::default(); self.pool.routes.len()];
        self.policy.show(&mut views);
        views
    }
}
