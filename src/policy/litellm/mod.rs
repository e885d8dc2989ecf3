//! LiteLLM's Router, version 1.106.2, as library and behind its proxy.
//!
//! Source of every rule: the package `litellm` 1.106.2 on PyPI; each file here names its file there. The rules
//! of the simple-shuffle, least-busy, latency-based and usage-based-v2 strategies, of cooldowns and of retries
//! were compared with runs of the real router. Usage-based version 1, cost-based, the check before a call,
//! several workers and Redis are from its source only.
//!
//! A pick: the deployments of the model, less those that are cooling, less those over their `rpm` if that is
//! checked, and among the rest what the strategy draws. With none left the request fails at once (429 at the
//! proxy): nothing waits for a cooldown, and there is no panic mode. Every failure counts before the retry
//! picks again.
//!
//! Our choices: minutes, local and UTC, begin with time zero; a stream that breaks counts as a 500; a request
//! whose client leaves counts neither way and is taken off the count of attempts under way; the timeout holds
//! for the whole answer, of a stream only for its first token (the product hands it to the HTTP client, which
//! waits so long for each read); several workers share least-busy and usage-v2 counts at once where Redis is
//! on. What is left out is in the registry.

mod cooldown;
mod cost;
mod counters;
mod dict;
mod latency;
mod least_busy;
mod limits;
mod look;
mod params;
mod retry;
mod shuffle;
mod specs;
mod trip;
mod usage;
mod watch;

pub use params::TABLE;
pub use specs::{
    COST_BASED, DOCS_TUNED, LATENCY_BASED, LEAST_BUSY, SIMPLE_SHUFFLE, USAGE_BASED_V1,
    USAGE_BASED_V2,
};

use crate::engine::{Outcome, Settings, Span, Time, luck};
use crate::policy::part::Candidates;
use crate::policy::{
    Attempt, Past, Policy, Pool, Request, RouteId, RouteView, Sent, Step, Transition,
};

use cooldown::{Board, Cooldowns};
use cost::Cost;
use counters::{Counters, Key, Kind};
use latency::{FirstTokens, Latency};
use limits::Known;
use look::{Answer, Look};
use params::{Config, Strategy};
use trip::Failure;
use usage::FirstVersion;
use watch::Watch;

const WORKER: u64 = luck::name("litellm worker");
const PICK: u64 = luck::name("litellm pick");
/// What the proxy answers when no deployment is left.
const NONE_LEFT: u16 = 429;
/// How long attempts are counted for the check before a call.
const ATTEMPTS_KEPT: Span = Span::from_secs(60);

/// The router, all its workers.
#[derive(Clone, Debug)]
pub struct Router {
    config: Config,
    known: Vec<Known>,
    candidates: Candidates,
    workers: Vec<Worker>,
    /// Cooldowns by worker.
    cooling: Vec<Cooldowns>,
    board: Board,
    watch: Watch,
    first_tokens: FirstTokens,
    now: Time,
    left: Vec<RouteId>,
    weights: Vec<f64>,
    read: Vec<RouteId>,
}

/// What one worker process counts.
#[derive(Clone, Debug)]
struct Worker {
    counters: Counters,
    /// Failures against those allowed, in a cache of their own.
    allowed: Counters,
    memory: Memory,
}

/// What a strategy keeps beside the shared counters.
#[derive(Clone, Debug)]
enum Memory {
    None,
    Latency(Latency),
    UsageV1(FirstVersion),
    Cost(Cost),
}

impl Router {
    /// A router over the routes of a pool.
    pub fn new(settings: &Settings, pool: &Pool) -> Self {
        let mut config = Config::of(settings);
        if config.workers == 0 {
            let needed = (pool.offered_rps / config.worker_rps).ceil();
            config.workers = needed.clamp(1.0, 64.0) as u32;
        }
        let (models, routes) = (pool.models.len(), pool.routes.len());
        let memory = match config.strategy {
            Strategy::SimpleShuffle | Strategy::LeastBusy | Strategy::UsageV2 => Memory::None,
            Strategy::Latency => Memory::Latency(Latency::new(models, routes, config.latency)),
            Strategy::UsageV1 => Memory::UsageV1(FirstVersion::new(models, routes)),
            Strategy::Cost => Memory::Cost(Cost::new(models, routes)),
        };
        let worker = Worker {
            counters: Counters::new(routes, config.keys),
            allowed: Counters::new(routes, config.keys),
            memory,
        };
        Self {
            known: Known::all(pool),
            candidates: Candidates::new(pool),
            workers: vec![worker; config.workers as usize],
            cooling: vec![Cooldowns::new(routes, config.keys); config.workers as usize],
            board: Board::default(),
            watch: Watch::new(config.workers as u16, routes),
            first_tokens: FirstTokens::default(),
            now: Time::ZERO,
            left: Vec::new(),
            weights: Vec::new(),
            read: Vec::new(),
            config,
        }
    }

    /// The worker that serves a request.
    fn worker(&self, request: u64) -> usize {
        luck::below(luck::mix(request, WORKER), self.config.workers) as usize
    }

    /// The worker whose strategy counts a request's worker goes by.
    const fn counting(&self, worker: usize) -> usize {
        if self.config.redis { 0 } else { worker }
    }

    /// Collects the routes for a request that are neither cooling nor avoided.
    fn collect(&mut self, now: Time, worker: usize, request: &Request, avoid: &[RouteId]) {
        if self.config.redis {
            let mut read = std::mem::take(&mut self.read);
            self.cooling[worker].read(&self.board, now, self.config.reread, &mut read);
            for route in read.drain(..) {
                self.watch.went_out(now, worker, route, &self.cooling, "out at another worker");
            }
            self.read = read;
        }
        self.left.clear();
        let cooling = &mut self.cooling[worker];
        for &route in self.candidates.among(request) {
            if !cooling.cooling(route, now) && !avoid.contains(&route) {
                self.left.push(route);
            }
        }
    }

    /// Picks among what was collected, and counts the attempt as started.
    fn pick(&mut self, now: Time, request: &Request, word: u64) -> Option<Attempt> {
        let worker = self.worker(request.id);
        if self.config.pre_call_checks && self.config.strategy != Strategy::UsageV2 {
            let counters = &self.workers[worker].counters;
            let attempts = |route| counters.get(Key::new(Kind::Attempts, route), now).unwrap_or(0);
            self.left.retain(|route| self.known[route.index()].may_start(attempts(*route)));
        }
        let mut weights = std::mem::take(&mut self.weights);
        let look = Look {
            now,
            model: request.model,
            left: &self.left,
            known: &self.known,
            prompt: request.prompt_tokens,
            streamed: request.streamed,
        };
        self.workers[worker].memory.looked_at(&look);
        self.weigh(worker, &look, &mut weights);
        let drawn = draw(&weights, luck::unit(luck::mix(word, PICK)));
        self.weights = weights;
        let route = self.left[drawn?];
        self.start(now, worker, route);
        let total = Some(self.config.timeout);
        let hears = request.streamed && self.wants_first_token();
        Some(Attempt {
            ttft_timeout: if request.streamed { total } else { None },
            total_timeout: if request.streamed { None } else { total },
            tag: if hears { self.first_tokens.open() } else { 0 },
            ..Attempt::to(route)
        })
    }

    /// The weights that the strategy gives to candidates.
    fn weigh(&self, worker: usize, look: &Look<'_>, weights: &mut Vec<f64>) {
        weights.clear();
        weights.resize(look.left.len(), 1.0);
        let counters = &self.workers[self.counting(worker)].counters;
        match &self.workers[worker].memory {
            Memory::Latency(latency) => latency.weigh(look, weights),
            Memory::UsageV1(usage) => usage.weigh(look, weights),
            Memory::Cost(cost) => cost.weigh(look, weights),
            Memory::None => match self.config.strategy {
                Strategy::LeastBusy => least_busy::weigh(counters, look, weights),
                Strategy::UsageV2 => usage::weigh_v2(counters, look, weights),
                _ => shuffle::weigh(look, weights),
            },
        }
    }

    fn start(&mut self, now: Time, worker: usize, route: RouteId) {
        let key = Key::new(Kind::Attempts, route);
        self.workers[worker].counters.add(key, 1, now, ATTEMPTS_KEPT);
        let at = self.counting(worker);
        let counters = &mut self.workers[at].counters;
        match self.config.strategy {
            Strategy::LeastBusy => least_busy::started(counters, route, now, self.config.busy_ttl),
            Strategy::UsageV2 => usage::started(counters, route, now),
            _ => {}
        }
    }

    /// An attempt is no longer under way.
    fn left_off(&mut self, now: Time, worker: usize, route: RouteId) {
        if self.config.strategy == Strategy::LeastBusy {
            let at = self.counting(worker);
            least_busy::ended(&mut self.workers[at].counters, route, now, self.config.busy_ttl);
        }
    }

    fn succeeded(&mut self, worker: usize, answer: &Answer) {
        let Answer { now, route, .. } = *answer;
        self.left_off(now, worker, route);
        if self.config.strategy == Strategy::UsageV2 {
            let at = self.counting(worker);
            usage::answered(&mut self.workers[at].counters, route, now, answer.tokens());
        }
        let Worker { counters, memory, .. } = &mut self.workers[worker];
        memory.answered(answer);
        counters.add(Key::new(Kind::Successes, route), 1, now, self.config.trip.window);
    }

    fn failed(&mut self, now: Time, worker: usize, sent: &Sent, outcome: &Outcome) {
        let (route, trip) = (sent.route, self.config.trip);
        let Worker { counters, allowed, memory } = &mut self.workers[worker];
        let fails = counters.add(Key::new(Kind::Fails, route), 1, now, trip.window);
        let successes = counters.get(Key::new(Kind::Successes, route), now).unwrap_or(0);
        let status = trip::status(outcome);
        if let Some(lasts) = trip.lasts(outcome) {
            let reason = match trip.allowed_fails {
                Some(most) => {
                    let key = Key::new(Kind::Fails, route);
                    (allowed.add(key, 1, now, trip.time) > most).then_some("allowed fails")
                }
                None => {
                    let alone = self.candidates.of(sent.model).len() == 1;
                    trip.reason(Failure { status, fails, successes, alone })
                }
            };
            if let Some(reason) = reason {
                self.cooling[worker].add(route, now, lasts);
                if self.config.redis {
                    self.board.write(route, now, lasts);
                }
                self.watch.went_out(now, worker, route, &self.cooling, reason);
            }
        }
        if let (Memory::Latency(latency), 408 | 504) = (memory, status) {
            latency.timed_out(sent.model, route, now);
        }
        self.left_off(now, worker, route);
    }
}

impl Memory {
    fn looked_at(&mut self, look: &Look<'_>) {
        match self {
            Self::None => {}
            Self::Latency(latency) => latency.looked_at(look),
            Self::UsageV1(usage) => usage.looked_at(look),
            Self::Cost(cost) => cost.looked_at(look),
        }
    }

    fn answered(&mut self, answer: &Answer) {
        match self {
            Self::None => {}
            Self::Latency(latency) => latency.answered(answer),
            Self::UsageV1(usage) => usage.answered(answer),
            Self::Cost(cost) => cost.answered(answer),
        }
    }
}

/// Draws an index with these weights; `None` if all are 0.
fn draw(weights: &[f64], unit: f64) -> Option<usize> {
    let total: f64 = weights.iter().sum();
    let mut rest = unit * total;
    let mut last = None;
    for (at, &weight) in weights.iter().enumerate() {
        if weight > 0.0 {
            last = Some(at);
            rest -= weight;
            if rest < 0.0 {
                break;
            }
        }
    }
    last
}

impl Policy for Router {
    fn choose(
        &mut self,
        now: Time,
        request: &Request,
        avoid: &[RouteId],
        luck: u64,
    ) -> Option<Attempt> {
        self.collect(now, self.worker(request.id), request, avoid);
        self.pick(now, request, luck)
    }

    fn next(&mut self, now: Time, request: &Request, past: &[Past], waits: u32, luck: u64) -> Step {
        let none_left = Step::Stop { status: NONE_LEFT };
        let Some(last) = past.last() else {
            return self.choose(now, request, &[], luck).map_or(none_left, Step::Send);
        };
        let retry = self.config.retry;
        self.collect(now, self.worker(request.id), request, &[]);
        let stop = Step::Stop { status: trip::status(&last.outcome) };
        let group = self.candidates.among(request).len();
        if waits == 0 {
            if self.left.is_empty() || retry.max == 0 || !retry.helps(&last.outcome, group) {
                return stop;
            }
            let pause = retry.pause(&last.outcome, group, past.len(), luck);
            if pause > Span::ZERO {
                return Step::Wait(pause);
            }
        }
        if past.len() > retry.max {
            return stop;
        }
        self.pick(now, request, luck).map_or(none_left, Step::Send)
    }

    fn on_first_token(&mut self, now: Time, sent: &Sent) {
        self.first_tokens.heard(sent.tag, now.since(sent.at));
    }

    fn on_end(&mut self, now: Time, sent: &Sent, outcome: &Outcome) {
        let worker = self.worker(sent.request);
        let first = self.first_tokens.close(sent.tag);
        match *outcome {
            Outcome::Done { prompt_tokens: prompt, output_tokens: output } => {
                let (model, route, took) = (sent.model, sent.route, now.since(sent.at));
                let answer = Answer { now, model, route, took, prompt, output, first };
                self.succeeded(worker, &answer);
            }
            Outcome::Cancelled => self.left_off(now, worker, sent.route),
            // One request has one log: it reports its first failure only.
            _ if self.config.proxy && sent.number > 0 => {}
            _ => self.failed(now, worker, sent, outcome),
        }
    }

    fn wants_first_token(&self) -> bool {
        self.config.strategy == Strategy::Latency
    }

    fn next_wake(&self) -> Option<Time> {
        Some(self.watch.next_wake())
    }

    fn on_wake(&mut self, now: Time, changed: &mut dyn FnMut(Transition)) {
        self.now = now;
        self.watch.settle(now, &self.cooling);
        self.watch.tell(now, changed);
    }

    fn set_present(&mut self, _: Time, route: RouteId, present: bool) {
        self.candidates.set_present(route, present);
    }

    fn show(&self, views: &mut [RouteView]) {
        for (i, view) in views.iter_mut().enumerate() {
            let health = self.watch.health(RouteId(i as u32));
            *view = RouteView { health, ..RouteView::default() };
        }
        let (mut left, mut weights) = (Vec::new(), Vec::new());
        let part = 1.0 / f64::from(self.config.workers);
        for model in self.candidates.models() {
            for (worker, cooling) in self.cooling.iter().enumerate() {
                let out = |route| cooling.until(route).is_some_and(|until| until > self.now);
                left.clear();
                left.extend(self.candidates.of(model).iter().copied().filter(|r| !out(*r)));
                let known = &self.known;
                let (now, left) = (self.now, &left);
                let look = Look { now, model, left, known, prompt: 0, streamed: true };
                self.weigh(worker, &look, &mut weights);
                let total: f64 = weights.iter().sum();
                for (route, weight) in left.iter().zip(&weights) {
                    let view = &mut views[route.index()];
                    view.weight += weight * part;
                    view.expected += if total > 0.0 { weight / total * part } else { 0.0 };
                }
            }
        }
    }
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod phase_tests;
#[cfg(test)]
mod tests;
