//! Every policy of the registry, driven through odd pools and odd histories: what it sends is legal, it comes to
//! an end, and the same twice gives the same twice.

use super::fixture::{pool, request};
use super::{Attempt, POLICIES, Past, Policy, PolicySpec, Report, RouteId, RouteView, Sent, Step};
use crate::engine::{Limits, Outcome, Refusal, Span, Time, luck};

/// Outcomes by luck.
fn outcome(word: u64) -> Outcome {
    match luck::below(word, 10) {
        0 => Outcome::RateLimited { retry_after: Some(Span::from_secs(3)) },
        1 => Outcome::RateLimited { retry_after: None },
        2 => Outcome::ServerError { status: 503 },
        3 => Outcome::Unreachable,
        4 => Outcome::Timeout,
        5 => Outcome::KeyRefused { class: Refusal::Quota },
        6 => Outcome::CallerFault { status: 400 },
        _ => Outcome::Done { prompt_tokens: 1_000, output_tokens: (word >> 40) as u32 % 800 },
    }
}

struct Drive<'a> {
    policy: &'a mut dyn Policy,
    present: Vec<bool>,
    now: Time,
    wake: Option<Time>,
    name: &'static str,
    /// A digest of all that was sent.
    digest: u64,
}

impl Drive<'_> {
    /// Lets time pass, with the wakes that are due.
    fn pass(&mut self, span: Span) {
        self.now += span;
        while let Some(at) = self.wake.filter(|at| *at <= self.now) {
            let name = self.name;
            self.policy.on_wake(at, &mut |change| assert!(change.at <= at, "{name}: too early"));
            self.wake = self.policy.next_wake();
            assert!(self.wake.is_none_or(|next| next > at), "{name}: wakes at once again");
        }
    }

    fn legal(&mut self, attempt: &Attempt, avoid: &[RouteId]) {
        let name = self.name;
        assert!(self.present[attempt.route.index()], "{name}: an absent route");
        assert!(!avoid.contains(&attempt.route), "{name}: a route to avoid");
        self.digest = luck::mix(self.digest, u64::from(attempt.route.0));
    }

    fn end(&mut self, id: u64, attempt: &Attempt, word: u64, dead: bool) -> Outcome {
        let request = request(id);
        let at = self.now;
        self.pass(Span(luck::mix(word, 1) % 30_000_000));
        let mut sent = Sent {
            request: id,
            arrived: at,
            model: request.model,
            route: attempt.route,
            at,
            tag: attempt.tag,
            prompt_tokens: request.prompt_tokens,
            streamed: true,
            heard: false,
            number: 0,
        };
        let outcome = if dead { Outcome::Unreachable } else { outcome(word) };
        if outcome.is_done() {
            self.policy.on_headers(self.now, &sent, &Limits::default());
            if self.policy.wants_first_token() {
                self.policy.on_first_token(self.now, &sent);
                sent.heard = true;
            }
        }
        self.policy.on_end(self.now, &sent, &outcome);
        outcome
    }
}

/// Some thousand requests through a policy.
fn drive(spec: &PolicySpec, keys: &[u32], requests: u64) -> u64 {
    let pool = pool(keys);
    let routes = pool.routes.len();
    let mut policy = spec.make(&spec.settings(), &pool, Time::ZERO, 9).unwrap();
    let wake = policy.next_wake();
    let mut drive = Drive {
        policy: &mut *policy,
        present: vec![true; routes],
        now: Time::ZERO,
        wake,
        name: spec.name,
        digest: 0,
    };
    for id in 0..requests {
        let word = luck::mix(id, 77);
        if id % 50 == 0 {
            let report = Report {
                in_flight: (id % 7) as u32,
                done: id,
                utilization: (id % 3) as f64 / 2.0,
                tokens_left: (id % 5_000) as f64,
                requests_left: 9.0,
                ..Report::default()
            };
            drive.policy.on_reports(drive.now, drive.now, &vec![report; routes]);
        }
        if id % 97 == 0 {
            let route = luck::below(luck::mix(word, 3), routes as u32);
            let there = &mut drive.present[route as usize];
            *there = !*there;
            let there = *there;
            drive.policy.set_present(drive.now, RouteId(route), there);
        }
        // Some hundred requests for which everything is dead.
        let dead = (2_000..2_300).contains(&id);
        if id % 3 == 0 {
            let avoid = [RouteId(luck::below(word, routes as u32))];
            if let Some(attempt) = drive.policy.choose(drive.now, &request(id), &avoid, word) {
                drive.legal(&attempt, &avoid);
                drive.end(id, &attempt, word, dead);
            }
            continue;
        }
        let (mut past, mut waits) = (Vec::new(), 0);
        for step in 0..10_000u64 {
            let word = luck::mix(word, step);
            match drive.policy.next(drive.now, &request(id), &past, waits, word) {
                Step::Send(attempt) => {
                    drive.legal(&attempt, &[]);
                    let outcome = drive.end(id, &attempt, word, dead);
                    past.push(Past { route: attempt.route, outcome });
                    waits = 0;
                }
                Step::Wait(span) => {
                    drive.pass(span);
                    waits += 1;
                }
                Step::Stop { .. } => break,
            }
            assert!(step < 9_999, "{}: no end", spec.name);
        }
    }
    let mut views = vec![RouteView::default(); routes];
    drive.policy.show(&mut views);
    for view in views {
        assert!(view.weight.is_finite() && (0.0..=1.000_001).contains(&view.expected));
    }
    drive.digest
}

#[test]
fn every_policy_is_legal_ends_and_repeats_itself() {
    for spec in POLICIES {
        for keys in [&[1][..], &[2, 1], &[3, 3, 3], &[1; 12]] {
            let (once, twice) = (drive(spec, keys, 4_000), drive(spec, keys, 4_000));
            assert_eq!(once, twice, "{}", spec.name);
        }
    }
}

#[test]
fn every_policy_stands_a_thousand_routes() {
    for spec in POLICIES {
        drive(spec, &[100; 10], 300);
    }
}

/// These collect the routes that a request has tried, when it has failed.
const COLLECTING: [&str; 4] =
    ["windtunnel", "bifrost-published", "bifrost-literal", "bifrost-2026"];

#[test]
fn in_steady_state_no_policy_allocates_for_a_request() {
    let counted = allocation_counter::measure(|| drop(std::hint::black_box(vec![1u8; 9])));
    assert_eq!(counted.count_total, 1, "the counter counts");
    for spec in POLICIES.iter().filter(|spec| !COLLECTING.contains(&spec.name)) {
        let pool = pool(&[3, 3]);
        let mut policy = spec.make(&spec.settings(), &pool, Time::ZERO, 9).unwrap();
        let present = vec![true; 6];
        let wake = policy.next_wake();
        let mut drive = Drive {
            policy: &mut *policy,
            present,
            now: Time::ZERO,
            wake,
            name: spec.name,
            digest: 0,
        };
        let mut past = Vec::with_capacity(1_000);
        let mut run = |from: u64, to: u64| {
            for id in from..to {
                past.clear();
                let mut waits = 0;
                for step in 0..200 {
                    let word = luck::mix(luck::mix(id, 5), step);
                    match drive.policy.next(drive.now, &request(id), &past, waits, word) {
                        Step::Send(attempt) => {
                            let outcome = drive.end(id, &attempt, word, false);
                            past.push(Past { route: attempt.route, outcome });
                            waits = 0;
                        }
                        Step::Wait(span) => {
                            drive.pass(span);
                            waits += 1;
                        }
                        Step::Stop { .. } => break,
                    }
                }
            }
        };
        run(0, 20_000);
        let info = allocation_counter::measure(|| run(20_000, 25_000));
        assert_eq!(info.count_total, 0, "{}", spec.name);
    }
}
