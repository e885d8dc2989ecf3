//! What is explained is what is decided, over random pasts, needs and luck.

use super::*;
use crate::engine::{
    Allowed, Health, Limits, Outcome, Params, Refusal, Route, RouteKey, Span, Ticket, luck,
};

/// A random word by number.
struct Dice(u64);

impl Dice {
    fn word(&mut self) -> u64 {
        self.0 += 1;
        mix(0xd1ce, self.0)
    }

    fn below(&mut self, n: u32) -> u32 {
        luck::below(self.word(), n)
    }
}

struct Host {
    engine: Engine,
    keys: Vec<RouteKey>,
    lists: Vec<Allowed>,
    open: Vec<Ticket>,
    now: Time,
}

fn host(preset: &str, routes: u32) -> Host {
    let mut params = Params::from_preset(preset).unwrap();
    params.set("hold.floor", 2.0).unwrap();
    let engine = Engine::with_shards(params, Time::ZERO, 1).unwrap();
    let route = |n: u32| Route::new(format!("p{}", n % 3), "chat", format!("k{n}"));
    let keys = engine.add_all((0..routes).map(route), Time::ZERO);
    engine.add(Route::new("p0", "other", "k0"), Time::ZERO);
    let lists = vec![
        engine.allow(&keys[1..], Time::ZERO),
        engine.allow(&keys[..keys.len().div_ceil(2)], Time::ZERO),
    ];
    Host { engine, keys, lists, open: Vec::new(), now: Time::from_secs(1) }
}

const OUTCOMES: [Outcome; 8] = [
    Outcome::Done { prompt_tokens: 300, output_tokens: 100 },
    Outcome::RateLimited { retry_after: None },
    Outcome::RateLimited { retry_after: Some(Span::from_secs(3)) },
    Outcome::ServerError { status: 503 },
    Outcome::Timeout,
    Outcome::KeyRefused { class: Refusal::Credential },
    Outcome::KeyRefused { class: Refusal::ModelAccess },
    Outcome::Cancelled,
];

impl Host {
    /// Ends an open attempt: mostly well, but never on routes that are having a bad time.
    fn end_one(&mut self, dice: &mut Dice) {
        let at = dice.below(self.open.len() as u32) as usize;
        let ticket = self.open.swap_remove(at);
        let period = self.now.0 / 20_000_000_000;
        let bad = mix(period, ticket.route().to_word()).is_multiple_of(4);
        let outcome = OUTCOMES[if bad { dice.below(8) as usize } else { 0 }];
        self.engine.headers(ticket, self.now, &Limits::default());
        self.engine.end(ticket, self.now, outcome);
    }

    /// One random need explained, then decided.
    fn step(&mut self, dice: &mut Dice, seen: &mut [u32; 6]) {
        self.now += Span::from_millis(u64::from(dice.below(60)));
        self.engine.tick(self.now);
        let tried: Vec<RouteKey> = (0..[0, 0, 0, 1, 3][dice.below(5) as usize])
            .map(|_| self.keys[dice.below(self.keys.len() as u32) as usize])
            .collect();
        let need = Need {
            model: self.engine.model("chat").unwrap(),
            prompt_tokens: 300,
            max_tokens: 500,
            provider: [None, None, self.engine.provider("p1")][dice.below(3) as usize],
            allowed: [None, None, Some(self.lists[0]), Some(self.lists[1])][dice.below(4) as usize],
            tried: &tried,
        };
        let word = dice.word();
        let explained = self.engine.explain(self.now, &need, word);
        assert_eq!(explained.inputs.choose(), explained.choice, "inputs alone give the choice");
        let decided = self.engine.decide(self.now, &need, word);
        match (decided, &explained.choice) {
            (Ok(ticket), Ok(chosen)) => {
                let route = &explained.inputs.routes[chosen.route];
                assert_eq!((ticket.route(), ticket.explores()), (route.key, chosen.explores));
                assert!(!ticket.is_check() || chosen.how == How::Check || route.refused);
                seen[match chosen.how {
                    How::Check => 0,
                    How::Drawn { redraws: 0 } => 1,
                    How::Drawn { .. } => 2,
                    How::Scanned => 3,
                    How::FailedOpen => 4,
                }] += 1;
                if let Some(last) = explained.drawings.last() {
                    assert!(last.route == chosen.route || chosen.how == How::FailedOpen);
                }
                self.open.push(ticket);
            }
            (Err(none), Err(expected)) => {
                assert_eq!(none, *expected);
                seen[5] += 1;
            }
            other => panic!("{other:?}"),
        }
        if self.open.len() > 20 {
            self.end_one(dice);
        }
    }
}

#[test]
fn what_is_explained_is_what_is_decided() {
    let mut seen = [0; 6];
    for (seed, (preset, routes)) in [
        ("windtunnel", 12),
        ("bifrost-published", 9),
        ("bifrost-2026", 12),
        ("bifrost-literal", 4),
        ("windtunnel", 3),
    ]
    .into_iter()
    .enumerate()
    {
        let mut dice = Dice((seed as u64) << 32);
        let mut host = host(preset, routes);
        for n in 0..4_000 {
            if n == 2_000 {
                let mut params = host.engine.params();
                params.set("switch.route_selection", f64::from(seed as u32 & 1)).unwrap();
                host.engine.set_params(params, host.now).unwrap();
                host.engine.remove(host.keys[1], host.now);
            }
            host.step(&mut dice, &mut seen);
        }
    }
    assert!(seen.iter().all(|&n| n > 10), "every way to decide was met: {seen:?}");
}

#[test]
fn published_probabilities_are_the_engines_own() {
    let mut dice = Dice(7);
    let mut host = host("windtunnel", 12);
    for _ in 0..3_000 {
        host.step(&mut dice, &mut [0; 6]);
    }
    let need = Need {
        model: host.engine.model("chat").unwrap(),
        prompt_tokens: 1,
        max_tokens: 1,
        provider: None,
        allowed: None,
        tried: &[],
    };
    let explained = host.engine.explain(host.now, &need, 5);
    let mut met = 0;
    host.engine.show(|key, view| {
        if let Some(i) = explained.inputs.routes.iter().position(|route| route.key == key) {
            assert!((explained.published[i] - view.probability).abs() < 1e-12);
            met += 1;
        }
    });
    assert_eq!(met, 12);
    assert!((explained.published.iter().sum::<f64>() - 1.0).abs() < 1e-9);
}

#[test]
fn a_flip_flips_and_a_little_less_does_not() {
    let mut dice = Dice(99);
    let mut host = host("windtunnel", 12);
    let mut found = [0; 5];
    for n in 0..2_000 {
        host.step(&mut dice, &mut [0; 6]);
        if n % 40 != 0 {
            continue;
        }
        let need = Need {
            model: host.engine.model("chat").unwrap(),
            prompt_tokens: 1,
            max_tokens: 1,
            provider: None,
            allowed: None,
            tried: &[],
        };
        let explained = host.engine.explain(host.now, &need, dice.word());
        let was = explained.choice.ok().map(|chosen| chosen.route);
        let flips = explained.inputs.flips(explained.choice);
        assert!(flips.is_sorted_by(|a, b| a.size <= b.size));
        for flip in flips {
            assert_ne!(flip.gives, was);
            let (kind, less) = match flip.lever {
                Lever::Draw => (0, None),
                Lever::Provider(_) => (1, Some(0.999)),
                Lever::Weight(_) => (2, Some(0.999)),
                Lever::Part(..) => (3, Some(0.999)),
                Lever::State(..) => (4, None),
            };
            found[kind] += 1;
            let chosen = |to: f64| {
                let changed = explained.inputs.with(flip.lever, to)?;
                Some(changed.choose().ok().map(|chosen| chosen.route))
            };
            if let Some(after) = chosen(flip.to) {
                assert_eq!(after, flip.gives, "{flip:?}");
            }
            if let Some(less) = less
                && flip.size > 0.002
            {
                let short = flip.from + (flip.to - flip.from) * less;
                assert_eq!(chosen(short), Some(was), "{flip:?}");
            }
        }
    }
    assert!(found[..4].iter().all(|&n| n > 3), "{found:?}");
}

#[test]
fn a_state_is_explained_by_what_moved_it() {
    let engine = Engine::with_shards(Params::default(), Time::ZERO, 1).unwrap();
    let keys =
        engine.add_all([Route::new("a", "chat", "k1"), Route::new("b", "chat", "k1")], Time::ZERO);
    for n in 0..100 {
        let ticket = engine.pin(Time(n), keys[0]).unwrap();
        engine.end(ticket, Time(n), Outcome::ServerError { status: 503 });
    }
    engine.tick(Time::from_secs(5));
    let need = Need {
        model: engine.model("chat").unwrap(),
        prompt_tokens: 1,
        max_tokens: 1,
        provider: None,
        allowed: None,
        tried: &[],
    };
    let explained = engine.explain(Time::from_secs(6), &need, 3);
    let route = &explained.inputs.routes[0];
    assert_eq!(route.health, Health::Failed);
    assert_eq!(route.since, Time::from_secs(5));
    assert_eq!(route.why.map(crate::engine::Reason::text), Some("error rate"));
    assert_eq!((route.seen.state.attempts, route.seen.state.errors), (100, 100));
    assert!(route.excluded_until > Time::from_secs(6) && route.parts.error > 0.5);
    assert_eq!(explained.choice.unwrap().route, 1);
    assert_eq!(engine.params().values().count(), crate::engine::PARAMS.len());
}
