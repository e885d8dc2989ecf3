//! The engine's calls: decide, end, tick, over full and narrowed sets of routes.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::engine::luck::mix;
use crate::engine::{
    Allowed, Engine, ModelKey, Need, Outcome, Params, Past, Route, RouteKey, Span, Ticket, Time,
};
use crate::record::Bench;

use super::timer::{self, BATCH, Timed};
use super::{CallFigure, Effort, PercentileFigure};

/// An engine in mid-life: four providers, their keys, one model, an hour of clean history.
#[derive(Debug)]
pub struct Rig {
    engine: Engine,
    params: Params,
    keys: Vec<RouteKey>,
    model: ModelKey,
    three: Allowed,
    now: Time,
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// A decision with its counters.
    Decide,
    /// The report of a success.
    End,
    /// Both.
    DecideAndEnd,
}

/// Among which routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subset {
    /// All.
    Full,
    /// All, of which 30 % have just been excluded (between two ticks): see [`Rig::exclude_some`].
    Excluded,
    /// A list of three keys.
    ThreeKeys,
}

/// Time between two decisions: 5,000 a second.
const STEP: Span = Span(200_000);
/// How long an answer takes.
const ANSWER: Span = Span::from_secs(2);

impl Rig {
    /// A rig with this many routes (at least 4).
    ///
    /// # Panics
    /// Never: its parameters are a preset.
    pub fn new(routes: u32) -> Self {
        Self::with(Params::from_preset("windtunnel").expect("a preset of this crate"), routes)
    }

    /// A rig with parameters of its own.
    ///
    /// # Panics
    /// If the parameters contradict each other.
    pub fn with(params: Params, routes: u32) -> Self {
        let now = Time::from_secs(3_600);
        let engine = Engine::new(params.clone(), now).expect("checked parameters");
        let route = |i: u32| Route::new(format!("p{}", i % 4), "chat", format!("key-{}", i / 4));
        let keys = engine.add_all((0..routes).map(route), now);
        let past = Past {
            span: Span::from_secs(3_600),
            rate: 5_000.0 / f64::from(routes),
            error_rate: 0.0005,
            samples: vec![(ANSWER, 1_000, 130); 32],
        };
        engine.remember(now, &keys.iter().map(|key| (*key, past.clone())).collect::<Vec<_>>());
        let model = engine.model("chat").expect("just added");
        let three = engine.allow(&[keys[0], keys[keys.len() / 2], keys[keys.len() - 1]], now);
        Self { engine, params, keys, model, three, now }
    }

    /// The `i`-th decision, at 5,000 a second.
    ///
    /// # Panics
    /// If nothing can be chosen, which no subset brings about.
    #[inline]
    pub fn decide(&self, subset: Subset, i: u64) -> Ticket {
        let need = Need {
            model: self.model,
            prompt_tokens: 1_000,
            max_tokens: 1_000,
            provider: None,
            allowed: (subset == Subset::ThreeKeys).then_some(self.three),
            tried: &[],
        };
        let now = Time(self.now.0 + i * STEP.0);
        self.engine.decide(now, &need, mix(i, 9)).expect("some route is always left")
    }

    /// Reports the success of an attempt after two seconds.
    #[inline]
    pub fn end(&self, ticket: Ticket) {
        let done = Outcome::Done { prompt_tokens: 1_000, output_tokens: 130 };
        self.engine.end(ticket, ticket.at() + ANSWER, done);
    }

    /// Excludes the first three of ten routes for an hour, as a 429 would.
    pub fn exclude_some(&self) {
        let hint = Some(Span::from_secs(3_600));
        for key in self.keys.iter().enumerate().filter(|(i, _)| i % 10 < 3).map(|(_, key)| *key) {
            if let Ok(ticket) = self.engine.pin(self.now, key) {
                self.engine.end(ticket, self.now, Outcome::RateLimited { retry_after: hint });
            }
        }
    }

    /// The traffic of the `n`-th interval: 25,000 attempts, so that the tick after it has work.
    pub fn interval(&self, n: u64) {
        for i in n * 25_000..(n + 1) * 25_000 {
            self.end(self.decide(Subset::Full, i));
        }
    }

    /// The tick at the end of the `n`-th interval of five seconds.
    pub fn tick(&self, n: u64) {
        black_box(self.engine.tick(self.now + Span::from_secs(5 * (n + 1))));
    }

    /// Nanoseconds per call of a batch of 1,000. What is not called but needed is done before or
    /// after: no attempt stays open. `tickets` is room for them.
    fn batch(&self, case: Case, subset: Subset, first: u64, tickets: &mut Vec<Ticket>) -> f64 {
        let calls = first..first + u64::from(BATCH);
        tickets.clear();
        match case {
            Case::Decide => {
                let ns = timer::batch(first, |i| tickets.push(self.decide(subset, i)));
                tickets.drain(..).for_each(|ticket| self.end(ticket));
                ns
            }
            Case::End => {
                tickets.extend(calls.map(|i| self.decide(subset, i)));
                timer::batch(first, |i| self.end(tickets[(i - first) as usize]))
            }
            Case::DecideAndEnd => timer::batch(first, |i| self.end(self.decide(subset, i))),
        }
    }

    pub(super) fn figures(
        &self,
        effort: Effort,
        allocations: Option<fn() -> u64>,
    ) -> Vec<CallFigure> {
        let mut figures = Vec::new();
        let cases = [
            ("decide", Case::Decide, Subset::Full),
            ("end", Case::End, Subset::Full),
            ("decide + end", Case::DecideAndEnd, Subset::Full),
            ("decide, list of 3 keys", Case::Decide, Subset::ThreeKeys),
        ];
        for (name, case, subset) in cases {
            figures.push(self.measured(name, case, subset, effort, allocations));
        }
        let ticks = u64::from(effort.batches / 100).clamp(4, 20);
        let tick = |n| {
            self.interval(n);
            timer::single(|| self.tick(n)).0
        };
        let mut ns: Vec<f64> = (0..ticks).map(tick).collect();
        ns.sort_unstable_by(f64::total_cmp);
        figures.push(self.figure("tick", &Timed { ns }, 1, None));
        // A rig of its own: the ticks above have moved the clock on.
        let rig = Self::new(self.keys.len() as u32);
        rig.exclude_some();
        let (name, case) = ("decide, 30 % just excluded", Case::Decide);
        figures.push(rig.measured(name, case, Subset::Excluded, effort, allocations));
        figures
    }

    fn measured(
        &self,
        name: &str,
        case: Case,
        subset: Subset,
        effort: Effort,
        allocations: Option<fn() -> u64>,
    ) -> CallFigure {
        let mut tickets = Vec::with_capacity(BATCH as usize);
        let before = allocations.map(|count| count());
        let subject = |first| self.batch(case, subset, first, &mut tickets);
        let timed = Timed::against(effort.batches, subject, |first| timer::batch(first, empty));
        let after = allocations.map(|count| count());
        let calls = f64::from(effort.batches) * f64::from(BATCH);
        // The two vectors of batch times are the measurement's own.
        let own = 2;
        let per_call = before
            .zip(after)
            .map(|(before, after)| (after - before).saturating_sub(own) as f64 / calls);
        self.figure(name, &timed, 1, per_call)
    }

    fn figure(
        &self,
        call: &str,
        timed: &Timed,
        threads: u32,
        allocations: Option<f64>,
    ) -> CallFigure {
        CallFigure {
            call: call.to_owned(),
            routes: self.keys.len() as u32,
            threads,
            median_ns: timed.quantile(0.5),
            min_ns: timed.quantile(0.0),
            p99_ns: timed.quantile(0.99),
            allocations,
        }
    }

    pub(super) fn percentiles(&self, effort: Effort) -> (PercentileFigure, Option<Bench>) {
        let fresh = Self::with(self.params.clone(), self.keys.len() as u32);
        let calls = 0..u64::from(effort.calls);
        let one = |i| {
            let (ns, ticket) = timer::single(|| fresh.decide(Subset::Full, black_box(i)));
            fresh.end(ticket);
            ns
        };
        let raw: Vec<f64> = calls.clone().map(one).collect();
        let clock: Vec<f64> = calls.map(|i| timer::single(|| empty(black_box(i))).0).collect();
        figure_of("decide", self.keys.len() as u32, &raw, &clock)
    }
}

pub(super) fn figure_of(
    call: &str,
    routes: u32,
    raw: &[f64],
    clock: &[f64],
) -> (PercentileFigure, Option<Bench>) {
    let empty_ns = timer::percentiles(clock);
    let net: Vec<f64> = raw.iter().map(|ns| (ns - empty_ns[0]).max(0.0)).collect();
    let figure =
        PercentileFigure { call: call.to_owned(), routes, ns: timer::percentiles(&net), empty_ns };
    let name = format!("{call}, {routes} routes");
    (figure, Bench::from_samples(&name, "ns", &net))
}

/// What every call costs that is not the engine's.
#[inline]
fn empty(i: u64) {
    black_box(mix(i, 9));
}

/// Decide and end in two threads at once on one engine of 12 routes.
pub(super) fn two_threads(effort: Effort) -> CallFigure {
    let rig = Rig::new(12);
    let stop = AtomicBool::new(false);
    let timed = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut i = 1 << 40;
            while !stop.load(Ordering::Relaxed) {
                rig.end(rig.decide(Subset::Full, i));
                i += 1;
            }
        });
        let mut none = Vec::new();
        let subject = |first| rig.batch(Case::DecideAndEnd, Subset::Full, first, &mut none);
        let timed = Timed::against(effort.batches, subject, |first| timer::batch(first, empty));
        stop.store(true, Ordering::Relaxed);
        timed
    });
    rig.figure("decide + end, 2 threads", &timed, 2, None)
}
