//! Policies that do what a test says, and a diary of what a policy is told.

use std::sync::{Arc, Mutex};

use windtunnel::engine::{Limits, Outcome, Span, Time};
use windtunnel::metrics::Tape;
use windtunnel::policy::classic::random::Random;
use windtunnel::policy::{
    Attempt, Past, Policy, Request, RouteHistory, RouteId, Sees, Sent, Step, Transition, registry,
};
use windtunnel::sim::spec::Spec;
use windtunnel::sim::{Replication, World};

/// What a policy was told in a run.
#[derive(Clone, Debug, Default)]
pub struct Diary {
    /// Each request, once.
    pub requests: Vec<Request>,
    /// Each attempt, in order of start.
    pub attempts: Vec<Entry>,
    /// Everything, in order.
    pub facts: Vec<(Time, Fact)>,
}

/// Something that a policy was told or asked; numbers are indices into [`Diary::attempts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// What to do with a new request.
    Asked(u64),
    /// What to do next with a request.
    AskedAgain(u64),
    First(usize),
    End(usize),
    Woke,
}

/// An attempt.
#[derive(Clone, Debug)]
pub struct Entry {
    pub request: Request,
    pub route: u32,
    /// Attempts of the request at this route before, within what the policy remembered of it.
    pub visit: usize,
    pub number: u16,
    pub at: Time,
    pub first: Option<Time>,
    pub headers: Option<(Time, Limits)>,
    pub end: Option<(Time, Outcome)>,
    tag: u64,
}

impl Entry {
    /// How long it took.
    pub fn took(&self) -> Span {
        self.end.unwrap().0.since(self.at)
    }

    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        self.end.unwrap().1
    }

    pub fn done(&self) -> bool {
        self.end.is_some_and(|(_, outcome)| outcome.is_done())
    }

    /// Whether it started in [from, to) seconds.
    pub fn within(&self, (from, to): (u64, u64)) -> bool {
        self.at >= Time::from_secs(from) && self.at < Time::from_secs(to)
    }
}

impl Diary {
    /// Attempts at `route` that started in [from, to) seconds.
    pub fn at(&self, route: u32, span: (u64, u64)) -> Vec<&Entry> {
        self.attempts.iter().filter(|e| e.route == route && e.within(span)).collect()
    }
}

/// Any policy, with a diary.
struct Watched {
    inner: Box<dyn Policy>,
    diary: Arc<Mutex<Diary>>,
    hears: bool,
}

impl Watched {
    /// The attempt as the policy inside knows it.
    fn inside(&self, sent: &Sent) -> (usize, Sent) {
        let entry = sent.tag as usize;
        let mut diary = self.diary.lock().unwrap();
        let known = &mut diary.attempts[entry];
        known.number = sent.number;
        assert_eq!((known.route, known.at), (sent.route.0, sent.at), "attempt {entry}");
        assert!(known.end.is_none(), "attempt {entry} had ended");
        (entry, Sent { tag: known.tag, ..*sent })
    }
}

impl Policy for Watched {
    fn choose(&mut self, now: Time, r: &Request, avoid: &[RouteId], luck: u64) -> Option<Attempt> {
        self.inner.choose(now, r, avoid, luck)
    }

    fn set_present(&mut self, now: Time, route: RouteId, present: bool) {
        self.inner.set_present(now, route, present);
    }

    fn next(&mut self, now: Time, request: &Request, past: &[Past], waits: u32, luck: u64) -> Step {
        let step = self.inner.next(now, request, past, waits, luck);
        let mut diary = self.diary.lock().unwrap();
        if past.is_empty() && waits == 0 && now == request.arrived {
            diary.requests.push(*request);
            diary.facts.push((now, Fact::Asked(request.id)));
        } else {
            diary.facts.push((now, Fact::AskedAgain(request.id)));
        }
        let Step::Send(attempt) = step else { return step };
        let tag = diary.attempts.len() as u64;
        diary.attempts.push(Entry {
            request: *request,
            route: attempt.route.0,
            visit: past.iter().filter(|p| p.route == attempt.route).count(),
            number: 0,
            at: now,
            first: None,
            headers: None,
            end: None,
            tag: attempt.tag,
        });
        Step::Send(Attempt { tag, ..attempt })
    }

    fn on_headers(&mut self, now: Time, sent: &Sent, limits: &Limits) {
        let (entry, sent) = self.inside(sent);
        self.diary.lock().unwrap().attempts[entry].headers = Some((now, *limits));
        self.inner.on_headers(now, &sent, limits);
    }

    fn on_first_token(&mut self, now: Time, sent: &Sent) {
        let (entry, sent) = self.inside(sent);
        {
            let mut diary = self.diary.lock().unwrap();
            assert!(diary.attempts[entry].first.is_none(), "a second first token");
            diary.attempts[entry].first = Some(now);
            diary.facts.push((now, Fact::First(entry)));
        }
        if self.inner.wants_first_token() {
            self.inner.on_first_token(now, &sent);
        }
    }

    fn on_end(&mut self, now: Time, sent: &Sent, outcome: &Outcome) {
        let (entry, sent) = self.inside(sent);
        {
            let mut diary = self.diary.lock().unwrap();
            diary.attempts[entry].end = Some((now, *outcome));
            diary.facts.push((now, Fact::End(entry)));
        }
        self.inner.on_end(now, &sent, outcome);
    }

    fn wants_first_token(&self) -> bool {
        self.hears || self.inner.wants_first_token()
    }

    fn next_wake(&self) -> Option<Time> {
        self.inner.next_wake()
    }

    fn on_wake(&mut self, now: Time, changed: &mut dyn FnMut(Transition)) {
        self.diary.lock().unwrap().facts.push((now, Fact::Woke));
        self.inner.on_wake(now, changed);
    }

    fn remember(&mut self, now: Time, span: Span, history: &[RouteHistory]) {
        self.inner.remember(now, span, history);
    }

    fn sees(&self) -> Sees {
        self.inner.sees()
    }
}

/// A run under this policy.
pub fn run(spec: &Spec, policy: Box<dyn Policy>, seed: u64) -> Tape {
    World::new(spec, policy, seed, Replication { index: 0, of: 1 }).run().unwrap()
}

/// A run with a diary of what the policy is told, first tokens included.
pub fn watch(spec: &Spec, policy: Box<dyn Policy>, seed: u64) -> (Tape, Diary) {
    observe(spec, policy, seed, true)
}

/// A run with a diary; `hears` asks for first tokens.
pub fn observe(spec: &Spec, inner: Box<dyn Policy>, seed: u64, hears: bool) -> (Tape, Diary) {
    let diary = Arc::new(Mutex::new(Diary::default()));
    let watched = Watched { inner, diary: Arc::clone(&diary), hears };
    let tape = run(spec, Box::new(watched), seed);
    let diary = Arc::into_inner(diary).unwrap().into_inner().unwrap();
    (tape, diary)
}

/// A policy of the registry at its preset.
pub fn listed(name: &str, spec: &Spec) -> Box<dyn Policy> {
    let policy = registry::find(name).unwrap();
    policy.make(&policy.settings(), &spec.pool, Time::ZERO, 1).unwrap()
}

/// A uniform draw, no retries.
pub fn random(spec: &Spec) -> Box<dyn Policy> {
    Box::new(Random::new(&spec.pool))
}

struct Script<F>(F);

impl<F: FnMut(Time, &Request, &[Past], u32, u64) -> Step + Send> Policy for Script<F> {
    fn choose(&mut self, _: Time, _: &Request, _: &[RouteId], _: u64) -> Option<Attempt> {
        None
    }

    fn set_present(&mut self, _: Time, _: RouteId, _: bool) {}

    fn next(&mut self, now: Time, request: &Request, past: &[Past], waits: u32, luck: u64) -> Step {
        (self.0)(now, request, past, waits, luck)
    }
}

/// A policy that plans with a closure over (now, request, past, waits, luck).
pub fn script<F>(plan: F) -> Box<dyn Policy>
where
    F: FnMut(Time, &Request, &[Past], u32, u64) -> Step + Send + 'static,
{
    Box::new(Script(plan))
}

/// Tries these routes one after the other, at once, until an answer or the end of the list.
pub fn in_turn(routes: &'static [u32]) -> Box<dyn Policy> {
    script(move |_, _, past, _, _| match routes.get(past.len()) {
        Some(&route) => send(route),
        None => Step::Stop { status: past.last().unwrap().outcome.status() },
    })
}

/// Sends to a route, without timeouts.
pub fn send(route: u32) -> Step {
    send_within(route, None, None)
}

/// Sends to a route with timeouts for the first token and the whole answer.
pub fn send_within(route: u32, ttft: Option<Span>, total: Option<Span>) -> Step {
    let route = RouteId(route);
    Step::Send(Attempt { route, ttft_timeout: ttft, total_timeout: total, tag: 0, explored: false })
}
