//! The engine under real threads: nothing is lost, nothing is counted twice.

use std::sync::atomic::{AtomicBool, Ordering};

use windtunnel::engine::{Engine, Need, Outcome, Params, Refusal, Route, Span, Time, luck};

use super::engine_host::{DONE, ERROR, routes};

const REQUESTS: u64 = 200_000;
const THREADS: u64 = 2;

/// What thread `of` reports for its n-th request.
fn outcome(of: u64, n: u64) -> Outcome {
    match luck::mix(of, n) % 100 {
        0..3 => ERROR,
        3 => Outcome::RateLimited { retry_after: None },
        4 => Outcome::Cancelled,
        5 if n.is_multiple_of(1_000) => Outcome::KeyRefused { class: Refusal::Quota },
        _ => DONE,
    }
}

#[test]
fn two_threads_decide_and_report_while_a_third_ticks_and_every_outcome_is_counted_once() {
    let engine = Engine::new(Params::from_preset("windtunnel").unwrap(), Time::ZERO).unwrap();
    let keys = engine.add_all(routes(3, 4), Time::ZERO);
    let chat = engine.model("chat").unwrap();
    let finished = AtomicBool::new(false);
    let mut ticks = 0u64;
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|of| {
                let (engine, keys) = (&engine, &keys);
                scope.spawn(move || {
                    for n in 0..REQUESTS {
                        // A millisecond of virtual time a request, the same on both threads.
                        let now = Time(n * 1_000_000);
                        let tried = [keys[(n % 12) as usize]];
                        let need = Need {
                            model: chat,
                            prompt_tokens: 300,
                            max_tokens: 500,
                            provider: None,
                            allowed: None,
                            tried: &tried,
                        };
                        let mut ticket = engine.decide(now, &need, luck::mix(of + 10, n)).unwrap();
                        assert_ne!(ticket.route(), tried[0]);
                        if n % 3 == 0 {
                            engine.first_token(&mut ticket, now);
                        }
                        engine.end(ticket, now + Span::from_millis(200), outcome(of, n));
                    }
                })
            })
            .collect();
        let (engine, finished) = (&engine, &finished);
        let ticker = scope.spawn(move || {
            let mut ticks = 0;
            while !finished.load(Ordering::Acquire) {
                ticks += 1;
                engine.tick(Time::from_secs(5 * ticks));
                if ticks % 16 == 0 {
                    let now = Time::from_secs(5 * ticks);
                    let guest = engine.add(Route::new("guest", "chat", "g"), now);
                    engine.remove(guest, now);
                }
            }
            ticks
        });
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        finished.store(true, Ordering::Release);
        ticks = ticker.join().unwrap();
    });
    let now = Time::from_secs(5 * (ticks + 1));
    let guest = engine.add(Route::new("guest", "chat", "g"), now);
    engine.tick(now);
    let (mut attempts, mut errors) = (0, 0);
    for route in &engine.report(now).routes {
        attempts += route.all.attempts;
        errors += route.all.errors;
    }
    let all = || (0..THREADS).flat_map(|of| (0..REQUESTS).map(move |n| outcome(of, n)));
    let void = all().filter(|outcome| *outcome == Outcome::Cancelled).count() as u64;
    let done = all().filter(|outcome| *outcome == DONE).count() as u64;
    assert_eq!(attempts, THREADS * REQUESTS - void);
    assert_eq!(errors, THREADS * REQUESTS - void - done);
    assert!(ticks > 1, "the ticker had its turns");
    engine.remove(guest, now);
}
