//! Whatever the world and the policy do, requests and attempts are conserved: worlds made at random.

use windtunnel::engine::{Refusal, Span, Time, luck};
use windtunnel::policy::{Policy, Step};
use windtunnel::sim::fault::{Effect, Failure, Fault, InFlight, Shape};
use windtunnel::sim::spec::{Arrivals, Capacity, Gaps, Limit, LimitRules, Place, Rate, Spec};
use windtunnel::sim::{Heap, Replication, Wheel, World, plain};

use crate::scripted::{script, send_within, watch};
use crate::still::fault;

/// Draws of one random world.
struct Dice(u64);

impl Dice {
    fn word(&mut self) -> u64 {
        self.0 = luck::mix(self.0, 1);
        self.0
    }

    /// In [from, to).
    fn real(&mut self, from: f64, to: f64) -> f64 {
        from + luck::unit(self.word()) * (to - from)
    }

    /// In [0, n).
    fn below(&mut self, n: u32) -> u32 {
        luck::below(self.word(), n)
    }

    fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(2) == 0).then(|| value(self))
    }

    fn span(&mut self, from: f64, to: f64) -> Span {
        Span::from_secs_f64(self.real(from, to))
    }

    fn failure(&mut self) -> Failure {
        match self.below(7) {
            0 => Failure::Status(500),
            1 => Failure::Status(408),
            2 => Failure::RateLimited(self.maybe(|d| d.span(0.0, 3.0))),
            3 => Failure::Refused(Refusal::Quota),
            4 => Failure::Hang,
            5 => Failure::Unreachable,
            _ => Failure::Status(422),
        }
    }

    fn effect(&mut self) -> Effect {
        let rate = self.real(0.0, 1.0);
        match self.below(8) {
            0 | 1 => Effect::Errors { rate, error: self.failure(), after: self.span(0.0, 0.5) },
            2 => Effect::Stall { rate, extra: self.span(0.0, 9.0), cancelled: self.real(0.0, 1.0) },
            3 => Effect::Slow { ttft: self.real(1.0, 4.0), decode: self.real(1.0, 9.0) },
            4 => Effect::LimitCut { factor: self.real(0.1, 1.0) },
            5 => Effect::Acceleration { above: self.real(1.0, 1.5) },
            6 => Effect::Overload { rate, limited: 0.5 },
            _ => Effect::Midstream { rate },
        }
    }

    fn fault(&mut self, name: &str, routes: u32) -> Fault {
        let all: Vec<u32> = (0..routes).collect();
        let first = self.below(routes) as usize;
        let last = first + self.below(routes - first as u32) as usize;
        let from = u64::from(self.below(20));
        let span = (from, from + 1 + u64::from(self.below(25)));
        let shape = match self.below(4) {
            0 => Shape::Block,
            1 => Shape::Recover { fall: self.span(0.0, 1.0) },
            2 => Shape::Ramp { rise: self.span(0.0, 1.0), fall: Span::ZERO },
            _ => Shape::Flap { on: self.span(0.1, 2.0), off: self.span(0.0, 2.0) },
        };
        let in_flight = if self.below(2) == 0 { InFlight::Finish } else { InFlight::Cut };
        let effect = self.effect();
        Fault { shape, in_flight, ..fault(name, &all[first..=last], span, effect) }
    }

    fn rules(&mut self) -> LimitRules {
        match self.below(5) {
            0 => LimitRules::OpenAi,
            1 => LimitRules::Azure { rpm_window: Span::from_secs(10) },
            2 => LimitRules::Anthropic { output_tpm: 300_000, reserve: self.below(2) == 0 },
            3 => LimitRules::Bedrock { burndown: 5.0 },
            _ => LimitRules::Vertex { pool_load: self.real(0.0, 1.0) },
        }
    }

    fn world(&mut self) -> Spec {
        let (providers, keys) = (1 + self.below(3), 1 + self.below(3));
        let rps = self.real(10.0, 120.0);
        let mut spec = plain::world(providers as u16, keys, rps, 20);
        let routes = providers * keys;
        spec.faults = (0..self.below(4)).map(|n| self.fault(&format!("f{n}"), routes)).collect();
        let limit = |dice: &mut Self| Limit {
            name: "limit".to_owned(),
            rules: dice.rules(),
            tpm: dice.maybe(|d| 100_000 + u64::from(d.below(3_000_000))),
            rpm: dice.maybe(|d| 100 + u64::from(d.below(3_000))),
        };
        spec.limits = vec![limit(self), limit(self)];
        for place in &mut spec.places {
            let limit = self.maybe(|d| d.below(2));
            let more = if limit == Some(0) { self.below(2) as u8 } else { 0 };
            *place = Place { limit, more, service: 0 };
        }
        for provider in &mut spec.providers {
            provider.error_rate = self.real(0.0, 0.1);
            provider.hang_rate = self.real(0.0, 0.02);
            provider.services[0].capacity = self.maybe(|d| Capacity {
                concurrency: 1 + d.below(200),
                queue: d.below(50),
                slowdown: d.real(0.0, 1.0),
            });
        }
        if self.below(3) == 0 {
            let (clients, think) = (1 + self.below(150), self.span(0.1, 2.0));
            spec.classes[0].arrivals = Arrivals::Closed { clients, think };
        } else {
            let rate = Rate(vec![(Span::ZERO, rps), (Span::from_secs(10), 2.0 * rps)]);
            spec.classes[0].arrivals = Arrivals::Open { gaps: Gaps::Gamma { cv: 2.0 }, rate };
        }
        spec.classes[0].streamed = self.real(0.0, 1.0);
        let client = &mut spec.classes[0].client;
        client.gives_up = self.maybe(|d| d.span(0.2, 20.0));
        client.sdk_retries = self.below(4);
        spec.gateway.max_in_flight = self.maybe(|d| 5 + d.below(200)).unwrap_or(u32::MAX);
        spec
    }

    /// A policy that sends, waits and stops at random, with timeouts at random.
    fn policy(&mut self, routes: u32) -> Box<dyn Policy> {
        let own = self.word();
        script(move |_, _, past, waits, word| {
            let mut dice = Self(luck::mix(word, own));
            match dice.below(8) {
                0 if waits < 3 => Step::Wait(dice.span(0.0, 1.5)),
                1 if !past.is_empty() => Step::Stop { status: 503 },
                _ if past.len() > 5 => Step::Stop { status: 429 },
                _ => send_within(
                    dice.below(routes),
                    dice.maybe(|d| d.span(0.1, 3.0)),
                    dice.maybe(|d| d.span(0.1, 9.0)),
                ),
            }
        })
    }
}

#[test]
fn requests_and_attempts_are_conserved_in_worlds_made_at_random() {
    let mut results = [0u64; 5];
    for number in 0..150 {
        let mut dice = Dice(luck::mix(0x5eed, number));
        let spec = dice.world();
        let policy = dice.policy(spec.places.len() as u32);
        // The run checks its own books (`Breach`), the diary that each attempt ends at most once.
        let (tape, diary) = watch(&spec, policy, number);
        let totals = tape.totals;
        let all = [totals.good, totals.late, totals.failed, totals.shed, totals.unfinished];
        assert_eq!(all.iter().sum::<u64>(), totals.offered, "world {number}");
        for (sum, n) in results.iter_mut().zip(all) {
            *sum += n;
        }
        assert_measured_attempts_agree(&tape, &diary, number);
        assert_ends_follow_starts(&diary, number);
    }
    assert!(results.iter().all(|&n| n > 400), "some result never comes: {results:?}");
}

#[test]
fn the_heap_and_the_wheel_give_the_same_events_in_worlds_made_at_random() {
    for number in 0..60 {
        let world = || {
            let mut dice = Dice(luck::mix(0x5eed, number));
            let spec = dice.world();
            let policy = dice.policy(spec.places.len() as u32);
            (spec, policy)
        };
        let one = Replication { index: 0, of: 1 };
        let (spec, policy) = world();
        let heap = World::<Heap>::with_queue(&spec, policy, number, one).run().unwrap();
        let (spec, policy) = world();
        let wheel = World::<Wheel>::with_queue(&spec, policy, number, one).run().unwrap();
        assert_eq!((heap.digest, heap.events), (wheel.digest, wheel.events), "world {number}");
    }
}

fn assert_measured_attempts_agree(
    tape: &windtunnel::metrics::Tape,
    diary: &crate::scripted::Diary,
    number: u64,
) {
    let horizon = Time(tape.horizon.0);
    let measured = diary.attempts.iter().filter(|e| e.request.arrived < horizon);
    assert_eq!(tape.totals.attempts, measured.count() as u64, "world {number}");
    for (route, total) in tape.route_totals.iter().enumerate() {
        let here = diary.attempts.iter().filter(|e| e.route == route as u32 && e.at < horizon);
        let (mut sent, mut ended) = (0, 0);
        for entry in here {
            sent += 1;
            ended += u32::from(entry.end.is_some());
        }
        assert_eq!(total.attempts, sent, "world {number}, route {route}");
        assert_eq!(total.good + total.failed + total.rate_limited, ended, "world {number}");
    }
}

fn assert_ends_follow_starts(diary: &crate::scripted::Diary, number: u64) {
    let mut last_end = std::collections::BTreeMap::new();
    for entry in &diary.attempts {
        let end = entry.end.map_or(Time::NEVER, |end| end.0);
        assert!(end >= entry.at, "world {number}: {entry:?}");
        assert!(entry.first.is_none_or(|first| first >= entry.at && first <= end), "{entry:?}");
        // One attempt of a request at a time.
        let before = last_end.insert(entry.request.id, end).unwrap_or_default();
        assert!(before <= entry.at, "world {number}: {entry:?}");
    }
}
