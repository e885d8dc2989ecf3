//! Model checks of the real engine: every interleaving (up to the preemption bound) and every value that the
//! memory orders allow.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --test loom --no-default-features --release`
#![cfg(loom)]
#![expect(clippy::unwrap_used, reason = "a test may")]

use std::sync::Arc;

use loom::thread;
use windtunnel::engine::{
    Engine, Health, Need, Outcome, Params, Refusal, Route, RouteKey, Span, Ticket, Time, View,
};

const DONE: Outcome = Outcome::Done { prompt_tokens: 3, output_tokens: 1 };
const ERROR: Outcome = Outcome::ServerError { status: 503 };
const LIMITED: Outcome = Outcome::RateLimited { retry_after: Some(Span::from_secs(60)) };
const REFUSED: Outcome = Outcome::KeyRefused { class: Refusal::Credential };

/// The vendor's thresholds: models are made for these, whatever the preset has been tuned to.
const DOCUMENTED: [(&str, f64); 15] = [
    ("state.window", 10.0),
    ("state.degraded", 0.02),
    ("state.failed", 0.05),
    ("state.latency", 0.25),
    ("state.min_attempts", 20.0),
    ("state.min_errors", 2.0),
    ("backoff.first", 5.0),
    ("backoff.factor", 2.0),
    ("backoff.cap", 120.0),
    ("recovering.ramp", 2.0),
    ("selection.explore", 0.25),
    ("latency.smoothing", 0.3),
    ("latency.min_samples", 10.0),
    ("silence.margin", 2.0),
    ("silence.min_open", 10.0),
];

/// An engine with this many keys of one provider, ticked once at 5 s.
#[derive(Clone)]
struct Model {
    engine: Arc<Engine>,
    keys: Vec<RouteKey>,
}

impl Model {
    fn new(count: usize, values: &[(&str, f64)]) -> Self {
        let mut params = Params::from_preset("windtunnel").unwrap();
        for (id, value) in DOCUMENTED.iter().chain(values) {
            params.set(id, *value).unwrap();
        }
        let engine = Engine::with_shards(params, Time::ZERO, 1).unwrap();
        let routes = (0..count).map(|n| Route::new("p", "chat", format!("k{n}")));
        let keys = engine.add_all(routes, Time::ZERO);
        let model = Self { engine: Arc::new(engine), keys };
        model.engine.tick(at(5));
        model
    }

    fn open(&self, n: usize, now: Time) -> Ticket {
        self.engine.pin(now, self.keys[n]).unwrap()
    }

    fn decide(&self, now: Time, luck: u64) -> Option<Ticket> {
        let model = self.engine.model("chat").unwrap();
        let need = Need {
            model,
            prompt_tokens: 3,
            max_tokens: 1,
            provider: None,
            allowed: None,
            tried: &[],
        };
        self.engine.decide(now, &need, luck).ok()
    }

    /// Whether decisions of many lucks avoid route `n`.
    fn avoids(&self, n: usize, now: Time) -> bool {
        (0..8u64).all(|luck| {
            let ticket = self.decide(now, luck << 61 | luck << 29).unwrap();
            self.engine.end(ticket, now, Outcome::Cancelled);
            ticket.route() != self.keys[n]
        })
    }

    fn view(&self, n: usize) -> View {
        let mut found = None;
        self.engine.show(|key, view| {
            if key == self.keys[n] {
                found = Some(*view);
            }
        });
        found.unwrap()
    }

    /// Attempts and errors that ticks have counted.
    fn counted(&self, now: Time) -> (u64, u64) {
        let report = self.engine.report(now);
        let all = report.routes.iter().map(|route| route.all);
        all.fold((0, 0), |sum, all| (sum.0 + all.attempts, sum.1 + all.errors))
    }
}

const fn at(secs: u64) -> Time {
    Time::from_secs(secs)
}

/// Checks a model under a bound on preemptions: two suffice to find most races (Musuvathi, Qadeer 2007).
fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 50_000;
    builder.check(model);
}

#[test]
fn two_threads_record_and_no_count_is_lost() {
    for outcome in [DONE, ERROR] {
        check(4, move || {
            let model = Model::new(1, &[]);
            let record = move |model: &Model| {
                let ticket = model.open(0, at(6));
                model.engine.end(ticket, at(6), outcome);
            };
            let other = model.clone();
            let thread = thread::spawn(move || record(&other));
            record(&model);
            thread.join().unwrap();
            model.engine.tick(at(10));
            assert_eq!(model.counted(at(10)), (2, if outcome == DONE { 0 } else { 2 }));
        });
    }
}

#[test]
fn the_longer_of_two_rate_limits_counts() {
    check(4, || {
        let model = Model::new(2, &[]);
        let (short, long) = (model.open(0, at(6)), model.open(0, at(6)));
        let other = model.clone();
        let thread = thread::spawn(move || other.engine.end(long, at(6), LIMITED));
        let hint = Outcome::RateLimited { retry_after: Some(Span::from_secs(20)) };
        model.engine.end(short, at(6), hint);
        thread.join().unwrap();
        assert!(model.avoids(0, at(65)));
    });
}

#[test]
fn an_outcome_is_counted_in_exactly_one_tick() {
    check(3, || {
        let model = Model::new(1, &[]);
        let other = model.clone();
        let thread = thread::spawn(move || {
            for outcome in [DONE, ERROR] {
                let ticket = other.open(0, at(6));
                other.engine.end(ticket, at(6), outcome);
            }
        });
        model.engine.tick(at(10));
        let first = model.counted(at(10));
        assert!(first.0 <= 2 && first.1 <= 1 && first.1 <= first.0, "{first:?}");
        thread.join().unwrap();
        model.engine.tick(at(15));
        assert_eq!(model.counted(at(15)), (2, 1));
    });
}

#[test]
fn decisions_after_an_exclusion_heed_it() {
    for outcome in [LIMITED, REFUSED] {
        check(3, move || {
            let model = Model::new(2, &[]);
            let ticket = model.open(0, at(6));
            let other = model.clone();
            let thread = thread::spawn(move || {
                other.engine.end(ticket, at(6), outcome);
                assert!(other.avoids(0, at(6)), "the thread that reported it");
            });
            let decided = model.decide(at(6), 0).unwrap();
            model.engine.end(decided, at(6), DONE);
            thread.join().unwrap();
            assert!(model.avoids(0, at(6)), "and then every other");
        });
    }
}

/// What the tick does with route 0 while the refusal comes in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Tick {
    /// Nothing.
    Leaves,
    /// It fails the route by its error rate, for 5 s.
    Fails,
    /// It lets the route back, as its backoff is over.
    LetsBack,
}

#[test]
fn an_exclusion_survives_a_tick_that_runs_meanwhile() {
    for (tick, outcome) in [
        (Tick::Leaves, LIMITED),
        (Tick::Fails, LIMITED),
        (Tick::LetsBack, LIMITED),
        (Tick::Leaves, REFUSED),
        (Tick::LetsBack, REFUSED),
    ] {
        check(3, move || {
            let model = Model::new(2, &[("state.min_attempts", 1.0), ("state.min_errors", 1.0)]);
            if tick != Tick::Leaves {
                let ticket = model.open(0, at(6));
                model.engine.end(ticket, at(6), ERROR);
            }
            if tick != Tick::Fails {
                model.engine.tick(at(10));
            }
            let ticket = model.open(0, at(11));
            let other = model.clone();
            let thread = thread::spawn(move || other.engine.end(ticket, at(11), outcome));
            model.engine.tick(at(16));
            thread.join().unwrap();
            assert!(model.avoids(0, at(25)), "{tick:?}: past the backoff of errors");
            for secs in [21, 26] {
                model.engine.tick(at(secs));
                assert_eq!(model.view(0).health, Health::Failed, "{tick:?} at {secs} s");
                assert!(model.avoids(0, at(secs)));
            }
        });
    }
}

#[test]
fn a_refusal_during_a_release_leaves_the_route_either_free_or_held_never_between() {
    check(3, || {
        let model = Model::new(2, &[]);
        let (first, late) = (model.open(0, at(6)), model.open(0, at(6)));
        model.engine.end(first, at(6), REFUSED);
        model.engine.tick(at(10));
        let check = model.open(0, at(11));
        assert!(check.is_check());
        model.engine.end(check, at(11), DONE);
        let other = model.clone();
        let thread = thread::spawn(move || other.engine.end(late, at(12), REFUSED));
        model.engine.tick(at(15));
        thread.join().unwrap();
        let barred = model.avoids(0, at(15));
        model.engine.tick(at(20));
        assert_eq!(model.view(0).hold.is_some(), barred, "what bars a route is known to the tick");
        assert!(model.view(0).hold.is_none() || model.avoids(0, at(20)));
    });
}

#[test]
fn a_due_check_is_sent_once() {
    check(3, || {
        let model = Model::new(2, &[]);
        let ticket = model.open(0, at(6));
        model.engine.end(ticket, at(6), REFUSED);
        model.engine.tick(at(10));
        let other = model.clone();
        let thread = thread::spawn(move || other.decide(at(60), 0).unwrap().is_check());
        let mine = model.decide(at(60), 0).unwrap().is_check();
        let theirs = thread.join().unwrap();
        assert!(mine != theirs, "exactly one");
    });
}

#[test]
fn a_check_that_ends_during_a_tick_is_heard_once_and_none_is_sent_early() {
    check(3, || {
        let model = Model::new(2, &[("hold.jitter", 0.0)]);
        let ticket = model.open(0, at(6));
        model.engine.end(ticket, at(6), REFUSED);
        model.engine.tick(at(10));
        let check = model.decide(at(40), 0).unwrap();
        assert!(check.is_check());
        let other = model.clone();
        let thread = thread::spawn(move || {
            other.engine.end(check, at(41), REFUSED);
            other.decide(at(41), 0).unwrap().is_check()
        });
        model.engine.tick(at(45));
        assert!(!thread.join().unwrap(), "the next is due a minute later");
        model.engine.tick(at(50));
        let due = model.view(0).hold.unwrap().due;
        assert!(due == at(105) || due == at(110), "one rung up, once: {due}");
    });
}

#[test]
fn deciding_while_routes_come_and_go_gives_a_route_of_one_of_the_pictures() {
    check(3, || {
        let model = Model::new(2, &[]);
        let other = model.clone();
        let thread = thread::spawn(move || {
            other.engine.remove(other.keys[0], at(6));
            other.engine.add(Route::new("p", "chat", "new"), at(6))
        });
        let ticket = model.decide(at(6), 0).unwrap();
        model.engine.end(ticket, at(7), ERROR);
        let new = thread.join().unwrap();
        assert!([model.keys[0], model.keys[1], new].contains(&ticket.route()));
        assert!(model.avoids(0, at(7)));
        model.engine.add(Route::new("p", "chat", "k0"), at(7));
        model.engine.tick(at(10));
        assert_eq!(model.counted(at(10)), (1, 1), "whoever served it, it counts");
    });
}

#[test]
fn first_tokens_and_ends_never_make_a_route_look_silent() {
    check(3, || {
        // A machine up for years, so that half of a sum would be a silence of years.
        let start = 100_000_000;
        let model = Model::new(1, &[("silence.min_open", 1.0)]);
        model.engine.tick(at(start));
        let open = model.open(0, at(start));
        model.engine.tick(at(start + 5));
        model.engine.end(open, at(start + 5), DONE);
        let (mut streamed, answered) = (model.open(0, at(start + 5)), model.open(0, at(start + 5)));
        let other = model.clone();
        let thread = thread::spawn(move || {
            other.engine.first_token(&mut streamed, at(start + 6));
            other.engine.end(streamed, at(start + 7), DONE);
        });
        let third = model.clone();
        let second = thread::spawn(move || third.engine.end(answered, at(start + 6), DONE));
        model.engine.tick(at(start + 10));
        assert_eq!(model.view(0).parts.latency, 0.0, "both waited as long as is usual");
        thread.join().unwrap();
        second.join().unwrap();
        model.engine.tick(at(start + 15));
        assert_eq!(model.counted(at(start + 15)), (3, 0));
    });
}
