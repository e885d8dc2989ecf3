//! The engine's calls: decide, end, tick, over full and narrowed sets of routes.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::engine::luck::mix;
use crate::engine::{
    Allowed, Engine, ModelKey, Need, Outcome, Params, Past, Route, RouteKey, Span, Time,
};
use crate::record::Bench;

use super::timer::{self, Timed};
use super::{CallFigure, Effort, PercentileFigure};

/// An engine in mid-life: four providers, their keys, one model, an hour of clean history.
#[derive(Debug)]
pub struct Rig {
    engine: Engine,
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
    /// A decision and the report of its success.
    DecideAndEnd,
}

/// Among which routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subset {
    /// All.
    Full,
    /// All, of which 30 % have just been excluded (between two ticks).
    Excluded,
    /// A list of three keys.
    ThreeKeys,
}

impl Rig {
    /// A rig with this many routes (at least 4).
    ///
    /// # Panics
    /// Never: its parameters are a preset.
    pub fn new(routes: u32) -> Self {
        let now = Time::from_secs(3_600);
        let params = Params::from_preset("windtunnel").expect("a preset of this crate");
        let engine = Engine::new(params, now).expect("presets are legal");
        let route = |i: u32| Route::new(format!("p{}", i % 4), "chat", format!("key-{}", i / 4));
        let keys = engine.add_all((0..routes).map(route), now);
        let past = Past {
            span: Span::from_secs(3_600),
            rate: 5_000.0 / f64::from(routes),
            error_rate: 0.0005,
            samples: vec![(Span::from_millis(2_000), 1_000, 130); 32],
        };
        engine.remember(now, &keys.iter().map(|key| (*key, past.clone())).collect::<Vec<_>>());
        let model = engine.model("chat").expect("just added");
        let three = engine.allow(&[keys[0], keys[keys.len() / 2], keys[keys.len() - 1]], now);
        Self { engine, keys, model, three, now }
    }

    /// One call of a case. `i` seeds its luck and moves its clock by 10 µs.
    #[inline]
    pub fn call(&self, case: Case, subset: Subset, i: u64) {
        let now = Time(self.now.0 + i * 10_000);
        let allowed = (subset == Subset::ThreeKeys).then_some(self.three);
        let need = Need {
            model: self.model,
            prompt_tokens: 1_000,
            max_tokens: 1_000,
            provider: None,
            allowed,
            tried: &[],
        };
        let ticket = black_box(self.engine.decide(now, &need, mix(i, 9)));
        if let (Case::DecideAndEnd, Ok(ticket)) = (case, ticket) {
            let done = Outcome::Done { prompt_tokens: 1_000, output_tokens: 130 };
            self.engine.end(ticket, Time(now.0 + 2_000_000_000), done);
        }
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

    /// Ticks, as if an interval had passed since the last one.
    pub fn tick(&self, i: u64) {
        black_box(self.engine.tick(Time(self.now.0 + (i + 1) * 5_000_000_000)));
    }

    pub(super) fn figures(
        &self,
        effort: Effort,
        allocations: Option<fn() -> u64>,
    ) -> Vec<CallFigure> {
        let mut figures = Vec::new();
        let cases = [
            ("decide", Case::Decide, Subset::Full),
            ("decide + end", Case::DecideAndEnd, Subset::Full),
            ("decide, list of 3 keys", Case::Decide, Subset::ThreeKeys),
            ("decide, 30 % just excluded", Case::Decide, Subset::Excluded),
        ];
        for (name, case, subset) in cases {
            if subset == Subset::Excluded {
                self.exclude_some();
            }
            let before = allocations.map(|count| count());
            let timed = Timed::against(effort.batches, |i| self.call(case, subset, i), empty);
            let after = allocations.map(|count| count());
            let calls = f64::from(effort.batches) * f64::from(timer::BATCH);
            // The two vectors of batch times are the measurement's own.
            let own = 2.0;
            let per_call = before
                .zip(after)
                .map(|(before, after)| ((after - before) as f64 - own).max(0.0) / calls);
            figures.push(self.figure(name, &timed, 1, per_call));
        }
        let ticks = (effort.batches / 100).clamp(4, 20);
        let mut ns = timer::one_by_one(ticks, |i| self.tick(i));
        ns.sort_unstable_by(f64::total_cmp);
        figures.push(self.figure("tick", &Timed { ns }, 1, None));
        figures
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
        let fresh = Self::new(self.keys.len() as u32);
        let raw = timer::one_by_one(effort.calls, |i| fresh.call(Case::Decide, Subset::Full, i));
        let clock = timer::one_by_one(effort.calls, empty);
        figure_of("decide, call by call", self.keys.len() as u32, &raw, &clock)
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
pub(super) fn empty(i: u64) {
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
                rig.call(Case::DecideAndEnd, Subset::Full, i);
                i += 1;
            }
        });
        let call = |i| rig.call(Case::DecideAndEnd, Subset::Full, i);
        let timed = Timed::against(effort.batches, call, empty);
        stop.store(true, Ordering::Relaxed);
        timed
    });
    rig.figure("decide + end, another thread doing the same", &timed, 2, None)
}
