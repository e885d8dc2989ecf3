//! Laws that hold whatever happens in whatever order: random hosts, against a simple model of what they did.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use windtunnel::engine::{
    Health, Need, Outcome, Reason, Refusal, Route, RouteKey, Span, Ticket, Time,
};

use super::engine_host::{DONE, ERROR, Host, params, routes};

/// One thing a host does.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Asks for a route, having tried those whose bits are set, for any provider or one.
    Ask {
        tried: u8,
        provider: Option<usize>,
    },
    /// Ends one of the open attempts.
    End {
        which: usize,
        how: usize,
    },
    /// Sends and ends many attempts at once, by one fault.
    Burst {
        n: u64,
        how: usize,
    },
    /// Lets time pass, then ticks.
    Tick {
        millis: u64,
    },
    /// Removes or adds a route.
    Remove(usize),
    Add(usize),
}

const HOWS: [Outcome; 8] = [
    DONE,
    DONE,
    DONE,
    ERROR,
    Outcome::RateLimited { retry_after: Some(Span::from_secs(17)) },
    Outcome::KeyRefused { class: Refusal::Credential },
    Outcome::KeyRefused { class: Refusal::ModelAccess },
    Outcome::Cancelled,
];

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (any::<u8>(), prop::option::of(0..2usize))
            .prop_map(|(tried, provider)| Act::Ask { tried, provider }),
        5 => (any::<usize>(), 0..HOWS.len()).prop_map(|(which, how)| Act::End { which, how }),
        2 => (1..60u64, 0..HOWS.len()).prop_map(|(n, how)| Act::Burst { n, how }),
        4 => (1..30_000u64).prop_map(|millis| Act::Tick { millis }),
        1 => (0..6usize).prop_map(Act::Remove),
        1 => (0..6usize).prop_map(Act::Add),
    ]
}

/// The host and what the model knows: per route whether it is there, its 429s, what was counted.
struct World {
    host: Host,
    there: [bool; 6],
    limited: [Time; 6],
    refused: [bool; 6],
    counted: [(u64, u64); 6],
    health: [Health; 6],
    open: Vec<Ticket>,
}

impl World {
    fn new(preset: &str) -> Self {
        Self {
            host: Host::new(params(preset, &[]), routes(2, 3)),
            there: [true; 6],
            limited: [Time::ZERO; 6],
            refused: [false; 6],
            counted: [(0, 0); 6],
            health: [Health::Healthy; 6],
            open: Vec::new(),
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Ask { tried, provider } => {
                self.ask(tried, provider);
            }
            Act::End { which, how } if !self.open.is_empty() => {
                let ticket = self.open.swap_remove(which % self.open.len());
                self.end(ticket, HOWS[how]);
            }
            Act::End { .. } => {}
            Act::Burst { n, how } => {
                for i in 0..n {
                    self.ask(0, None);
                    if let Some(ticket) = self.open.pop() {
                        self.end(ticket, if i % 2 == 0 { HOWS[how] } else { DONE });
                    }
                }
            }
            Act::Tick { millis } => self.tick(Span::from_millis(millis)),
            Act::Remove(at) => {
                self.host.engine.remove(self.host.keys[at], self.host.now);
                self.there[at] = false;
            }
            Act::Add(at) => {
                let route = Route::new(format!("p{}", at / 3), "chat", format!("k{}", at % 3));
                let key = self.host.engine.add(route, self.host.now);
                assert_eq!(key, self.host.keys[at], "the same identity, the same key");
                self.there[at] = true;
            }
        }
        self.check_views();
    }

    fn ask(&mut self, tried: u8, provider: Option<usize>) {
        let tried: Vec<usize> = (0..6).filter(|at| tried >> at & 1 == 1).collect();
        let keys: Vec<RouteKey> = tried.iter().map(|at| self.host.keys[*at]).collect();
        let pinned = provider.map(|p| self.host.engine.provider(&format!("p{p}")).unwrap());
        let need = Need { provider: pinned, tried: &keys, ..self.host.need() };
        let candidates: Vec<usize> = (0..6)
            .filter(|at| self.there[*at] && !tried.contains(at))
            .filter(|at| provider.is_none_or(|p| at / 3 == p))
            .collect();
        let Ok(ticket) = self.host.decide(&need) else {
            assert!(candidates.is_empty(), "refused, though {candidates:?} are left");
            return;
        };
        let at = self.host.index(ticket);
        assert!(candidates.contains(&at), "{at} is none of {candidates:?}");
        let now = self.host.now;
        let free = |at: usize| {
            self.limited[at] <= now && !self.refused[at] && self.host.health(at) != Health::Failed
        };
        if candidates.iter().any(|at| free(*at)) && !ticket.is_check() {
            assert!(free(at), "excluded, refused or Failed, though another is free");
        }
        self.open.push(ticket);
    }

    fn end(&mut self, ticket: Ticket, outcome: Outcome) {
        let (now, at) = (self.host.now, self.host.index(ticket));
        self.host.engine.end(ticket, now, outcome);
        let failed = u64::from(!outcome.is_done());
        if outcome != Outcome::Cancelled {
            self.counted[at].0 += 1;
            self.counted[at].1 += failed;
        }
        let params = self.host.engine.params();
        let holds = params.hold_enabled != 0.0;
        match outcome {
            Outcome::RateLimited { retry_after: Some(wait) } if params.hold_limited == 0.0 => {
                self.limited[at] = self.limited[at].max(now + wait);
            }
            Outcome::RateLimited { .. } => self.refused[at] = true,
            Outcome::KeyRefused { .. } if holds => self.refused[at] = true,
            _ => {}
        }
    }

    fn tick(&mut self, passed: Span) {
        self.host.now += passed;
        for change in self.host.engine.tick(self.host.now) {
            let at = self.host.keys.iter().position(|key| *key == change.route).unwrap();
            assert_eq!(change.from, self.health[at], "changes are a chain");
            use Health::{Degraded, Failed, Healthy, Recovering};
            let legal = matches!(
                (change.from, change.to),
                (Healthy, Degraded | Failed)
                    | (Degraded, Healthy | Failed)
                    | (Failed, Recovering)
                    | (Recovering, Healthy | Failed)
            );
            assert!(legal, "{change:?}");
            self.health[at] = change.to;
            self.refused[at] &= change.reason != Reason::Released;
        }
    }

    /// Probabilities sum to one or to nothing, weights are in range, Failed and held routes get nothing.
    fn check_views(&self) {
        let mut sum = 0.0;
        let mut usable = 0;
        self.host.engine.show(|_, view| {
            sum += view.probability;
            usable += usize::from(view.health != Health::Failed);
            assert!((1.0..=1000.0).contains(&view.weight), "{view:?}");
            assert_eq!(view.probability > 0.0, view.health != Health::Failed, "{view:?}");
            assert!(view.hold.is_none() || view.health == Health::Failed, "{view:?}");
        });
        assert!(if usable == 0 { sum == 0.0 } else { (sum - 1.0).abs() < 1e-9 }, "{sum}");
    }

    /// At last everything ends, and every outcome was counted once.
    fn finish(mut self) {
        for at in 0..6 {
            self.act(Act::Add(at));
        }
        while let Some(ticket) = self.open.pop() {
            self.end(ticket, DONE);
        }
        self.tick(Span::from_secs(5));
        let report = self.host.engine.report(self.host.now);
        let mut got: Vec<_> =
            report.routes.iter().map(|r| (r.all.attempts, r.all.errors)).collect();
        let mut expected = self.counted.to_vec();
        got.sort_unstable();
        expected.sort_unstable();
        assert_eq!(got, expected);
    }
}

fn obey(preset: &'static str) {
    let config = Config { cases: 300, failure_persistence: None, ..Config::default() };
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let lives = prop::collection::vec(act(), 1..150);
    TestRunner::new_with_rng(config, seed)
        .run(&lives, |acts| {
            let mut world = World::new(preset);
            acts.into_iter().for_each(|act| world.act(act));
            world.finish();
            Ok(())
        })
        .unwrap();
}

#[test]
fn our_engine_obeys_its_laws() {
    obey("windtunnel");
}

#[test]
fn the_published_rules_obey_the_same_laws() {
    obey("bifrost-published");
    obey("bifrost-literal");
}

#[test]
fn smooth_selection_obeys_them_too() {
    obey("bifrost-2026");
}
