//! What every policy of the registry keeps: legal choices, the same under the same luck, no starvation,
//! bounded memory, any number of routes, routes that come and go.

use windtunnel::engine::luck::{mix, unit};
use windtunnel::engine::{Limits, Outcome, Span, Time};
use windtunnel::policy::{
    Attempt, Deadline, ModelId, POLICIES, Past, Policy, PolicySpec, Pool, ProviderId, Report,
    Request, RouteId, RouteInfo, RouteView, Sees, Sent, SetId, Step, Truth,
};

/// Two models; `n` routes for the first and one for the second.
fn pool(n: u32) -> Pool {
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
fn sets(n: u32) -> Vec<Vec<RouteId>> {
    let those =
        |which: fn(&u32, u32) -> bool| (0..n).filter(|i| which(i, n)).map(RouteId).collect();
    vec![those(|i, _| i % 2 == 0), those(|i, _| *i == 1), those(|i, n| *i < n.div_ceil(2)), vec![]]
}

/// A node that drives a policy by hand: 100 requests a second, answers after 0.2 to 1 s.
struct Node {
    policy: Box<dyn Policy>,
    pool: Pool,
    present: Vec<bool>,
    now: Time,
    wake: Time,
    asked: u64,
    flying: Vec<(Time, Sent, Outcome, Request, Vec<Past>)>,
    told: Vec<(u64, u32)>,
    chosen: Vec<u64>,
    answer: fn(RouteId, u64) -> Outcome,
    /// What a request is confined to, from its number and how often it was tried.
    confine: fn(u64, usize) -> SetId,
    in_flight: Vec<u32>,
    /// Heap allocations that the policy made for requests, apart from its periodic work.
    allocated: u64,
}

const DONE: Outcome = Outcome::Done { prompt_tokens: 500, output_tokens: 100 };

fn well(_: RouteId, _: u64) -> Outcome {
    DONE
}

fn badly(_: RouteId, _: u64) -> Outcome {
    Outcome::ServerError { status: 503 }
}

/// Every kind of outcome; refusals are rare, because some products leave a route alone for half a minute after
/// one.
fn mixed(route: RouteId, luck: u64) -> Outcome {
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
    fn new(spec: &PolicySpec, n: u32, answer: fn(RouteId, u64) -> Outcome) -> Self {
        let pool = pool(n);
        let policy = spec.make(&spec.settings(), &pool, Time::ZERO, 7).unwrap();
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
    fn counted<T>(&mut self, act: impl FnOnce(&mut dyn Policy) -> T) -> T {
        let mut result = None;
        let policy = &mut *self.policy;
        let info = allocation_counter::measure(|| result = Some(act(policy)));
        self.allocated += info.count_total;
        result.expect("it was called")
    }

    /// Tells what policies of this kind are told before a decision.
    fn tell(&mut self) {
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

    fn plan(&mut self, request: Request, past: Vec<Past>) {
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

    fn send(&mut self, request: Request, past: Vec<Past>, attempt: Attempt) {
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

    fn settle(&mut self) {
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

    fn run(&mut self, requests: u64, model: u16) {
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

    fn views(&self) -> Vec<RouteView> {
        let mut views = vec![RouteView::default(); self.pool.routes.len()];
        self.policy.show(&mut views);
        views
    }
}

fn each(test: impl Fn(&'static PolicySpec)) {
    for spec in POLICIES {
        test(spec);
    }
}

/// Rules that send everything to one route on purpose, as long as it works.
const SINGLE: [&str; 4] =
    ["cloudflare-fallback", "cloudflare-fallback-retry", "bedrock-cris", "cost"];

/// Choices are legal, and the same under the same luck.
pub(crate) fn legal(spec: &PolicySpec) {
    let run = || {
        let mut node = Node::new(spec, 6, mixed);
        node.run(4_000, 0);
        node.run(50, 1);
        node.told
    };
    let told = run();
    let sent = told.iter().filter(|(_, route)| *route != u32::MAX).count();
    assert!(sent > 1_000, "{}: only {sent} attempts", spec.name);
    assert!(told == run(), "{}: another run chose otherwise", spec.name);
}

#[test]
fn choices_are_legal_and_the_same_under_the_same_luck() {
    each(legal);
}

/// One route or ten thousand: both work.
pub(crate) fn few_or_many(spec: &PolicySpec) {
    let mut one = Node::new(spec, 1, mixed);
    one.run(300, 0);
    assert!(one.chosen[0] > 0);
    let mut many = Node::new(spec, 10_000, mixed);
    many.run(120, 0);
    let sent: u64 = many.chosen.iter().sum();
    assert!(sent >= 100, "{}: only {sent} of 120 were sent", spec.name);
}

#[test]
fn one_route_or_ten_thousand() {
    each(few_or_many);
}

/// Where all fail it stops, and goes on when they work again.
pub(crate) fn forgives(spec: &PolicySpec) {
    let mut node = Node::new(spec, 3, badly);
    node.run(3_000, 0);
    node.answer = well;
    // Ten quiet minutes pass with a request now and then.
    for _ in 0..60 {
        node.now += Span::from_secs(10);
        node.run(1, 0);
    }
    let before: u64 = node.chosen.iter().sum();
    node.run(200, 0);
    let sent = node.chosen.iter().sum::<u64>() - before;
    assert!(sent >= 190, "{}: only {sent} of 200 are sent", spec.name);
}

#[test]
fn when_all_routes_fail_it_stops_and_when_they_work_again_it_goes_on() {
    each(forgives);
}

/// A removed route is left alone, and found again when it is back.
pub(crate) fn comes_and_goes(spec: &PolicySpec) {
    let mut node = Node::new(spec, 4, well);
    node.run(500, 0);
    for gone in [0, 2] {
        node.present[gone] = false;
        node.policy.set_present(node.now, RouteId(gone as u32), false);
    }
    node.run(500, 0);
    for gone in [1, 3] {
        node.present[gone] = false;
        node.policy.set_present(node.now, RouteId(gone as u32), false);
    }
    node.run(20, 0);
    assert!(node.told.iter().rev().take(10).all(|told| told.1 == u32::MAX), "none is left");
    node.present[2] = true;
    node.policy.set_present(node.now, RouteId(2), true);
    let before = node.chosen[2];
    for _ in 0..30 {
        node.now += Span::from_secs(10);
        node.run(3, 0);
    }
    assert!(node.chosen[2] > before + 30, "{}", spec.name);
}

#[test]
fn a_removed_route_is_left_alone_and_a_new_one_is_found() {
    each(comes_and_goes);
}

#[test]
fn nothing_that_works_is_starved_for_ever() {
    each(|spec| {
        if SINGLE.iter().any(|single| spec.name.contains(single)) {
            return;
        }
        let mut node =
            Node::new(spec, 3, |route, _| if route.0 == 0 { badly(route, 0) } else { DONE });
        node.run(3_000, 0);
        node.answer = well;
        node.run(60_000, 0);
        let least = node.chosen[1..3].iter().min().unwrap();
        assert!(*least > 0, "{}: {:?}", spec.name, node.chosen);
    });
}

#[test]
fn state_stays_finite() {
    each(|spec| {
        let mut node = Node::new(spec, 6, mixed);
        node.run(20_000, 0);
        for view in node.views() {
            let numbers = [view.weight, view.expected];
            assert!(numbers.iter().chain(&view.parts).all(|x| x.is_finite()), "{view:?}");
            assert!((0.0..=1.000_001).contains(&view.expected), "{}: {view:?}", spec.name);
        }
    });
}

/// These collect the routes that a request has tried, when it has failed.
const COLLECTING: [&str; 4] =
    ["windtunnel", "bifrost-published", "bifrost-literal", "bifrost-2026"];

#[test]
fn in_steady_state_no_request_allocates() {
    let counted = allocation_counter::measure(|| drop(std::hint::black_box(vec![1u8; 9])));
    assert_eq!(counted.count_total, 1, "the counter counts");
    each(|spec| {
        let answer = if COLLECTING.contains(&spec.name) { well } else { mixed };
        let mut node = Node::new(spec, 6, answer);
        node.run(20_000, 0);
        node.allocated = 0;
        node.run(5_000, 0);
        assert_eq!(node.allocated, 0, "{}", spec.name);
    });
}

#[test]
fn memory_does_not_grow_with_requests() {
    each(|spec| {
        let mut node = Node::new(spec, 6, mixed);
        node.run(20_000, 0);
        node.told = Vec::with_capacity(200_000);
        let grown = |node: &mut Node| {
            let info = allocation_counter::measure(|| node.run(20_000, 0));
            info.bytes_current
        };
        let bytes = grown(&mut node);
        assert!(bytes < 64 * 1024, "{}: {bytes} bytes more after 20,000 requests", spec.name);
    });
}

/// The rule alone honours what it is to avoid.
pub(crate) fn avoids(spec: &PolicySpec) {
    let mut node = Node::new(spec, 4, well);
    node.run(200, 0);
    let request = Request {
        id: 1,
        arrived: node.now,
        model: ModelId(0),
        class: 0,
        prompt_tokens: 10,
        max_tokens: 10,
        streamed: false,
        session: 5,
        topic: 0,
        set: SetId::ALL,
    };
    let all: Vec<RouteId> = (0..4).map(RouteId).collect();
    for luck in 0..200u64 {
        node.tell();
        let avoid = [RouteId((luck % 4) as u32), RouteId(((luck + 1) % 4) as u32)];
        let luck = mix(luck, 3);
        if let Some(attempt) = node.policy.choose(node.now, &request, &avoid, luck) {
            assert!(!avoid.contains(&attempt.route), "{}", spec.name);
        }
        let none = node.policy.choose(node.now, &request, &all, luck);
        assert!(none.is_none(), "{}: {none:?}", spec.name);
    }
}

#[test]
fn a_request_goes_only_where_it_may_also_when_that_changes_between_its_attempts() {
    each(|spec| {
        let mut node = Node::new(spec, 6, mixed);
        node.confine = |id, tried| SetId(((id + tried as u64) % 5) as u32);
        node.run(6_000, 0);
        // A fifth may go nowhere; of the others, some rules leave routes alone for long after a refusal.
        let sent: u64 = node.chosen.iter().sum();
        assert!(sent > 1_000, "{}: only {sent} attempts", spec.name);
        node.answer = well;
        node.confine = |_, _| SetId(2);
        for _ in 0..40 {
            node.now += Span::from_secs(10);
            node.run(3, 0);
        }
        let before = node.chosen[1];
        node.run(100, 0);
        assert!(node.chosen[1] > before + 90, "{}: {:?}", spec.name, node.chosen);
        node.present[1] = false;
        node.policy.set_present(node.now, RouteId(1), false);
        node.run(20, 0);
        assert!(node.told.iter().rev().take(10).all(|told| told.1 == u32::MAX), "{}", spec.name);
    });
}

#[test]
fn the_rule_alone_honours_what_it_is_to_avoid() {
    each(avoids);
}
