//! The order of events where many fall on the same nanosecond: (time, sequence number), and between kinds
//! faults, then attempts, then wakes, then arrivals.

use std::sync::Arc;

use windtunnel::engine::{Outcome, Span, Time, luck};
use windtunnel::policy::{Attempt, Past, Policy, Request, RouteId, Step, Transition};
use windtunnel::sim::fault::{Effect, Failure};
use windtunnel::sim::spec::{Arrivals, Replay, Row, Rows, Spec, TraceFacts};

use crate::scripted::{Diary, Fact, send, watch};
use crate::still::{self, fault};

/// Everything happens at whole multiples of this.
const GRID: Span = Span::from_millis(10);

/// A trace of two requests at every step, and answers of a whole number of steps.
fn world() -> Spec {
    let mut spec = still::world(3, 1, 1.0, 60);
    let output = |n: u64| 1 + luck::below(luck::mix(n, 1), 40);
    let row =
        move |n: u64| Row { at: Span(n / 2 * GRID.0), prompt: 100, output: output(n), leaf: 0 };
    let rows = 12_200;
    spec.classes[0].arrivals = Arrivals::Trace(Replay {
        rows: Rows(Arc::new(move || Box::new((0..rows).map(row)))),
        facts: TraceFacts { rows, span: row(rows - 1).at, prompt_mean: 100.0, output_mean: 20.5 },
        scale: None,
        part: (Span::ZERO, None),
        spread: Span::ZERO,
        blocks: None,
    });
    for provider in &mut spec.providers {
        let latency = &mut provider.services[0].latency;
        (latency.network, latency.ttft, latency.tokens_per_s) = (GRID, Span::ZERO, 100.0);
        provider.error_rate = 0.2;
        provider.error_after = Span::from_millis(30);
    }
    spec
}

/// Sends to the routes in turn, retries once after a step, wakes at every step.
struct Stepper {
    sent: u32,
    wake: Time,
}

impl Policy for Stepper {
    fn choose(&mut self, _: Time, _: &Request, _: &[RouteId], _: u64) -> Option<Attempt> {
        unreachable!("it plans by itself")
    }

    fn set_present(&mut self, _: Time, _: RouteId, _: bool) {}

    fn next(&mut self, _: Time, _: &Request, past: &[Past], waits: u32, _: u64) -> Step {
        match (past.len(), waits) {
            (1, 0) => Step::Wait(GRID),
            (0 | 1, _) => {
                self.sent += 1;
                send(self.sent % 3)
            }
            _ => Step::Stop { status: 500 },
        }
    }

    fn next_wake(&self) -> Option<Time> {
        Some(self.wake)
    }

    fn on_wake(&mut self, now: Time, _: &mut dyn FnMut(Transition)) {
        assert_eq!(now, self.wake);
        self.wake += GRID;
    }
}

fn steps(spec: &Spec) -> Diary {
    watch(spec, Box::new(Stepper { sent: 0, wake: Time::ZERO + GRID }), 1).1
}

/// Facts by moment.
fn moments(diary: &Diary) -> Vec<&[(Time, Fact)]> {
    diary.facts.chunk_by(|a, b| a.0 == b.0).collect()
}

#[test]
fn at_one_moment_attempts_come_before_wakes_and_wakes_before_arrivals() {
    let diary = steps(&world());
    let rank = |fact: Fact| match fact {
        Fact::First(_) | Fact::End(_) | Fact::AskedAgain(_) => 0,
        Fact::Woke => 1,
        Fact::Asked(_) => 2,
    };
    let mut crowded = 0;
    for moment in moments(&diary) {
        assert_eq!(moment[0].0.0 % GRID.0, 0, "off the grid");
        assert!(moment.is_sorted_by_key(|(_, fact)| rank(*fact)), "{moment:?}");
        crowded += usize::from(moment.len() >= 5);
    }
    assert!(crowded > 2_000, "{crowded}");
    assert!(diary.facts.is_sorted_by_key(|(at, _)| *at));
}

#[test]
fn events_of_one_moment_come_in_the_order_in_which_they_were_scheduled() {
    let diary = steps(&world());
    let mut ties = 0;
    for moment in moments(&diary) {
        // Attempts are numbered as they were sent; each is told once per moment, first token before end.
        let mut told: Vec<(usize, u8)> = Vec::new();
        for (_, fact) in moment {
            match fact {
                Fact::First(entry) => told.push((*entry, 0)),
                Fact::End(entry) => told.push((*entry, 1)),
                _ => {}
            }
        }
        assert!(told.is_sorted(), "{moment:?}");
        ties += told.len().saturating_sub(1);
    }
    assert!(ties > 3_000, "{ties}");
}

#[test]
fn waits_and_attempts_that_end_together_come_in_the_order_in_which_they_began() {
    let diary = steps(&world());
    let mut mixed = 0;
    for moment in moments(&diary) {
        let (mut began, mut ended) = (Vec::new(), None);
        for (now, fact) in moment {
            match *fact {
                Fact::First(entry) => began.push((diary.attempts[entry].at, false)),
                Fact::End(entry) => {
                    began.push((diary.attempts[entry].at, false));
                    ended = Some(diary.attempts[entry].request.id);
                }
                // What is asked right at the end of an attempt is no event of its own.
                Fact::AskedAgain(request) if ended != Some(request) => {
                    began.push((now.back(GRID), true));
                }
                _ => {}
            }
        }
        assert!(began.is_sorted_by_key(|(at, _)| *at), "{moment:?}");
        mixed += began.windows(2).filter(|pair| pair[0].1 != pair[1].1).count();
    }
    assert!(mixed > 1_000, "{mixed}");
}

#[test]
fn an_arrival_at_the_onset_meets_the_fault_and_one_at_the_end_does_not() {
    let error = Failure::Status(503);
    let outage = Effect::Errors { rate: 1.0, error, after: Span::from_millis(30) };
    let mut spec = world();
    for provider in &mut spec.providers {
        provider.error_rate = 0.0;
    }
    spec.faults = vec![fault("f", &[0, 1, 2], (20, 40), outage)];
    let diary = steps(&spec);
    let first = |at: u64| {
        let at = Time::from_secs(at);
        let entry = diary.attempts.iter().find(|e| e.at == at && e.number == 0).unwrap();
        entry.outcome()
    };
    assert_eq!(first(20), Outcome::ServerError { status: 503 });
    assert!(first(40).is_done());
}
