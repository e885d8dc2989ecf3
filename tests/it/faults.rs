//! Each effect of a fault through whole runs, in a world where everything else is arithmetic.

use windtunnel::engine::{Outcome, Refusal, Span, Time};
use windtunnel::policy::Step;
use windtunnel::sim::fault::{Effect, Failure, Fault};
use windtunnel::sim::spec::{Arrivals, Gaps, Limit, LimitRules, Place, Rate, Spec};

use crate::bound;
use crate::scripted::{Diary, Entry, in_turn, random, script, send, send_within, watch};
use crate::still::{self, DECODE, ERROR, FIRST, NETWORK, OUTPUT, TTFT, WHOLE, alike, fault};

/// When the fault is on.
const ON: (u64, u64) = (20, 40);
/// Before and after it.
const OFF: [(u64, u64); 2] = [(0, 20), (40, 60)];

/// A minute of two providers with a key each, asked at random; faults as given.
fn world(rps: f64, faults: Vec<Fault>) -> Spec {
    Spec { faults, ..still::world(2, 1, rps, 60) }
}

fn under(rps: f64, effect: Effect) -> Diary {
    let spec = world(rps, vec![fault("f", &[0], ON, effect)]);
    watch(&spec, random(&spec), 1).1
}

/// Asserts that attempts outside the fault, and those on the other route, take their normal course.
fn assert_clean_elsewhere(diary: &Diary) {
    let outside = OFF.iter().flat_map(|&span| diary.at(0, span));
    let other = diary.at(1, (0, 60));
    for entry in outside.chain(other) {
        assert!(entry.done() && alike(entry.took(), WHOLE), "{entry:?}");
        assert!(alike(entry.first.unwrap().since(entry.at), FIRST), "{entry:?}");
    }
}

fn count(entries: &[&Entry], test: impl Fn(&Entry) -> bool) -> usize {
    entries.iter().filter(|entry| test(entry)).count()
}

#[test]
fn errors_hit_their_share_of_the_faulted_route_during_the_fault() {
    let error = Failure::Status(503);
    let after = Span::from_millis(200);
    let diary = under(200.0, Effect::Errors { rate: 0.3, error, after });
    assert_clean_elsewhere(&diary);
    let hit = diary.at(0, ON);
    let failed: Vec<&Entry> = hit.iter().copied().filter(|entry| !entry.done()).collect();
    bound::share(failed.len(), hit.len(), 0.3);
    for entry in failed {
        assert_eq!(entry.outcome(), Outcome::ServerError { status: 503 });
        assert_eq!(entry.took(), NETWORK + after);
    }
}

#[test]
fn every_failure_ends_as_its_own_outcome() {
    let hint = Some(Span::from_secs(2));
    let cases = [
        (Failure::Status(500), Outcome::ServerError { status: 500 }),
        (Failure::Status(529), Outcome::ServerError { status: 529 }),
        (Failure::Status(408), Outcome::ServerError { status: 408 }),
        (Failure::Status(429), Outcome::RateLimited { retry_after: None }),
        (Failure::Status(401), Outcome::KeyRefused { class: Refusal::Credential }),
        (Failure::Status(422), Outcome::CallerFault { status: 422 }),
        (Failure::RateLimited(hint), Outcome::RateLimited { retry_after: hint }),
        (Failure::Refused(Refusal::Quota), Outcome::KeyRefused { class: Refusal::Quota }),
        (Failure::Unreachable, Outcome::Unreachable),
        (Failure::Hang, Outcome::Timeout),
    ];
    for (error, outcome) in cases {
        let effect = Effect::Errors { rate: 1.0, error, after: ERROR };
        let spec = world(20.0, vec![fault("f", &[0], ON, effect)]);
        let patience = Span::from_secs(5);
        let policy = script(move |_, _, past, _, _| match past.len() {
            0 => send_within(0, Some(patience), None),
            _ => Step::Stop { status: 0 },
        });
        let (_, diary) = watch(&spec, policy, 1);
        for entry in diary.at(0, ON) {
            assert_eq!(entry.outcome(), outcome, "{error:?}");
            let took = if error == Failure::Hang { patience } else { NETWORK + ERROR };
            assert_eq!(entry.took(), took, "{error:?}");
        }
    }
}

#[test]
fn whoever_hangs_without_a_timeout_hangs_for_ever_and_is_counted() {
    let effect = Effect::Errors { rate: 1.0, error: Failure::Hang, after: ERROR };
    let spec = world(20.0, vec![fault("f", &[0], ON, effect)]);
    let (tape, diary) = watch(&spec, random(&spec), 1);
    let hung = diary.at(0, ON).len() as u64;
    assert!(hung > 100 && diary.at(0, ON).iter().all(|entry| entry.end.is_none()));
    assert_eq!(tape.totals.unfinished, hung);
    assert_eq!(tape.totals.good + hung, tape.totals.offered);
}

#[test]
fn a_stall_holds_its_share_back_and_some_of_those_clients_leave_with_it() {
    let extra = Span::from_secs(5);
    let diary = under(200.0, Effect::Stall { rate: 0.5, extra, cancelled: 0.45 });
    assert_clean_elsewhere(&diary);
    let all = diary.at(0, ON);
    let stalled: Vec<&Entry> =
        all.iter().copied().filter(|e| !alike(e.took(), WHOLE) || !e.done()).collect();
    bound::share(stalled.len(), all.len(), 0.5);
    let left = count(&stalled, |entry| entry.outcome() == Outcome::Cancelled);
    bound::share(left, stalled.len(), 0.45);
    for entry in stalled {
        if entry.done() {
            assert!(alike(entry.first.unwrap().since(entry.at), FIRST + extra));
            assert!(alike(entry.took(), WHOLE + extra));
        } else {
            assert!(entry.first.is_none() && alike(entry.took(), FIRST + extra), "{entry:?}");
        }
    }
}

#[test]
fn slow_factors_are_those_measured_on_first_tokens_and_decoding() {
    let diary = under(50.0, Effect::Slow { ttft: 3.0, decode: 10.0 });
    assert_clean_elsewhere(&diary);
    for entry in diary.at(0, ON) {
        let first = entry.first.unwrap();
        assert!(alike(first.since(entry.at), NETWORK + TTFT.times(3.0)), "{entry:?}");
        assert!(alike(entry.end.unwrap().0.since(first), DECODE.times(10.0)), "{entry:?}");
    }
}

/// One limited route at `load` times its tokens per minute, by OpenAI's rules.
fn limited(load: f64, faults: Vec<Fault>) -> Spec {
    let mut spec = still::world(1, 1, 50.0, 300);
    let charge = f64::from(spec.classes[0].max_tokens);
    let tpm = (50.0 * 60.0 * charge / load) as u64;
    let name = "key-0".to_owned();
    spec.limits = vec![Limit { name, rules: LimitRules::OpenAi, tpm: Some(tpm), rpm: None }];
    spec.places[0] = Place { limit: Some(0), more: 0, service: 0 };
    Spec { faults, ..spec }
}

#[test]
fn a_limit_cut_shows_in_headers_and_refuses_what_is_over_it() {
    let cut = fault("cut", &[0], (60, 240), Effect::LimitCut { factor: 0.5 });
    let spec = limited(0.8, vec![cut]);
    let tpm = spec.limits[0].tpm.unwrap();
    let (_, diary) = watch(&spec, in_turn(&[0]), 1);
    let refused = |span| {
        let all = diary.at(0, span);
        let is = |e: &Entry| matches!(e.outcome(), Outcome::RateLimited { .. });
        (count(&all, is), all.len())
    };
    assert_eq!((refused((0, 60)).0, refused((240, 300)).0), (0, 0));
    // 0.5 of the limit is left for 0.8 of demand: the bucket of half a minute's limit fills in 100 s.
    assert_eq!(refused((60, 140)).0, 0);
    let (n, all) = refused((180, 240));
    let admitted = (all - n) as f64 * 1_024.0;
    bound::near(admitted / (tpm as f64 * 0.5), 1.0, 2.0 * 1_024.0 / (tpm as f64 * 0.5));
    for entry in &diary.attempts {
        let Some((told, limits)) = entry.headers else { continue };
        let cut = (60..240).contains(&(told.0 / 1_000_000_000));
        let limit = if cut { (tpm as f64 * 0.5 + 0.5) as u64 } else { tpm };
        assert_eq!(limits.tokens_limit, Some(limit), "at {told}");
    }
}

/// A rate that steps from `low` to `high` at `at` seconds.
fn step(low: f64, high: f64, at: u64) -> Arrivals {
    let at = Span::from_secs(at);
    let rate = Rate(vec![(Span::ZERO, low), (at, low), (at, high)]);
    Arrivals::Open { gaps: Gaps::Poisson, rate }
}

#[test]
fn overload_refuses_in_proportion_to_load_half_of_it_as_429s_without_a_hint() {
    let mut spec =
        world(400.0, vec![fault("f", &[0], ON, Effect::Overload { rate: 0.2, limited: 0.5 })]);
    spec.classes[0].arrivals = step(400.0, 800.0, 30);
    let (_, diary) = watch(&spec, random(&spec), 1);
    assert_clean_elsewhere(&diary);
    for (span, rate) in [((20, 30), 0.2), ((33, 40), 0.4)] {
        let all = diary.at(0, span);
        let failed: Vec<&Entry> = all.iter().copied().filter(|entry| !entry.done()).collect();
        // The load is itself an estimate: over 10 s before the fault, 2 s now.
        let slack = rate * 4.0 * (1.0 / (200.0f64 * 10.0) + 1.0 / all.len() as f64).sqrt();
        let bound = 4.0 * (rate * (1.0 - rate) / all.len() as f64).sqrt() + slack;
        bound::near(failed.len() as f64 / all.len() as f64, rate, bound);
        let limited = Outcome::RateLimited { retry_after: None };
        bound::share(count(&failed, |entry| entry.outcome() == limited), failed.len(), 0.5);
        let known = [limited, Outcome::ServerError { status: 529 }];
        assert!(failed.iter().all(|entry| known.contains(&entry.outcome())));
    }
}

#[test]
fn acceleration_refuses_what_grows_beyond_the_mean() {
    let effect = Effect::Acceleration { above: 1.5 };
    let mut spec = still::world(1, 1, 100.0, 220);
    spec.faults = vec![fault("f", &[0], (0, 220), effect)];
    spec.classes[0].arrivals = step(100.0, 300.0, 200);
    let (_, diary) = watch(&spec, in_turn(&[0]), 1);
    let share = |span| {
        let all = diary.at(0, span);
        (count(&all, |entry| !entry.done()) as f64 / all.len() as f64, all.len())
    };
    let (before, _) = share((20, 200));
    // A Poisson second of 100 is over 150 once in a million seconds.
    assert!(before < 1e-3, "{before}");
    // 1 − 1.5 × mean / 300; the mean creeps from 100 to 118.
    let (after, n) = share((202, 220));
    let expected = 1.0 - 1.5 * 109.0 / 300.0;
    // Each second's own rate is an estimate too: the error of 18 of them adds to that of the draws.
    let slack = 4.0 * (1.0 - expected) / (300.0f64 * 18.0).sqrt();
    bound::near(after, expected, 4.0 * (0.25 / n as f64).sqrt() + slack);
}

#[test]
fn a_stream_that_breaks_is_never_sent_again_and_an_unstreamed_answer_does_not_break() {
    let mut spec = world(200.0, vec![fault("f", &[0, 1], ON, Effect::Midstream { rate: 0.2 })]);
    spec.classes[0].streamed = 0.5;
    let always = script(|_, _, past, _, _| send((past.len() % 2) as u32));
    let (tape, diary) = watch(&spec, always, 1);
    let streams: Vec<&Entry> = diary.at(0, ON).into_iter().filter(|e| e.request.streamed).collect();
    let broken: Vec<&Entry> = streams.iter().copied().filter(|e| !e.done()).collect();
    bound::share(broken.len(), streams.len(), 0.2);
    for entry in &broken {
        let Outcome::StreamBroken { output_tokens, .. } = entry.outcome() else {
            panic!("{entry:?}")
        };
        let first = entry.first.unwrap();
        let part = entry.end.unwrap().0.since(first).as_secs_f64() / DECODE.as_secs_f64();
        // Parts are kept in 255ths and tokens are whole.
        let tokens = part * f64::from(OUTPUT);
        assert!(tokens - f64::from(output_tokens) < 1.0 + tokens / 255.0 + 0.32, "{entry:?}");
        assert!(f64::from(output_tokens) <= tokens + 1e-3, "{entry:?}");
    }
    assert_eq!(tape.totals.failed, broken.len() as u64);
    assert_eq!(tape.totals.attempts, tape.totals.offered, "none was sent twice");
    let whole = |entry: &Entry| !entry.request.streamed && entry.within((0, 60));
    assert!(diary.attempts.iter().filter(|e| whole(e)).all(Entry::done));
}

#[test]
fn the_first_requests_after_a_pause_are_cold() {
    let effect = Effect::ColdStart { mu: 0.64, sigma: 1.05, requests: 3, idle: Span::from_secs(5) };
    let mut spec = world(2.0, vec![fault("f", &[0], (10, 4_000), effect)]);
    spec.horizon = Span::from_secs(4_000);
    let (_, diary) = watch(&spec, random(&spec), 1);
    let (mut last, mut left) = (Time::ZERO, 3u32);
    let mut cold = Vec::new();
    for entry in diary.at(0, (0, 4_000)) {
        if entry.at.since(last) >= Span::from_secs(5) {
            left = 3;
        }
        let first = entry.first.unwrap().since(entry.at);
        let is_cold = left > 0 && entry.at >= Time::from_secs(10);
        assert_eq!(!alike(first, FIRST), is_cold, "{entry:?}");
        if is_cold {
            cold.push(Span(first.0 - NETWORK.0).as_secs_f64());
        }
        (last, left) = (entry.at, left.saturating_sub(1));
    }
    // Half of them are above the median e^0.64.
    let slow = cold.iter().filter(|&&seconds| seconds > libm::exp(0.64)).count();
    bound::share(slow, cold.len(), 0.5);
}

#[test]
fn two_faults_at_once_both_act() {
    let error =
        |status, rate| Effect::Errors { rate, error: Failure::Status(status), after: ERROR };
    let slow = Effect::Slow { ttft: 2.0, decode: 3.0 };
    let spec = world(
        300.0,
        vec![
            fault("first", &[0], (20, 35), error(500, 0.3)),
            fault("second", &[0, 1], (25, 40), error(503, 0.5)),
            fault("slow", &[1], (25, 40), slow),
            fault("slower", &[1], (25, 40), slow),
        ],
    );
    let (_, diary) = watch(&spec, random(&spec), 1);
    let both = diary.at(0, (25, 35));
    let with = |status| move |e: &Entry| e.outcome() == Outcome::ServerError { status };
    // Independent; where both strike, the first in the list has its way.
    bound::share(count(&both, with(500)), both.len(), 0.3);
    bound::share(count(&both, with(503)), both.len(), 0.7 * 0.5);
    let one = diary.at(0, (20, 25));
    bound::share(count(&one, with(500)), one.len(), 0.3);
    for entry in diary.at(1, (25, 40)).iter().filter(|entry| entry.done()) {
        assert!(alike(entry.took(), NETWORK + TTFT.times(4.0) + DECODE.times(9.0)), "{entry:?}");
    }
}

#[test]
fn two_cuts_of_one_limit_multiply() {
    let cut = |name, factor| fault(name, &[0], (60, 240), Effect::LimitCut { factor });
    let spec = limited(0.5, vec![cut("half", 0.5), cut("quarter", 0.5)]);
    let tpm = spec.limits[0].tpm.unwrap() as f64;
    let (_, diary) = watch(&spec, in_turn(&[0]), 1);
    // A quarter of the limit for half of demand: its bucket is full after 60 s.
    let all = diary.at(0, (150, 240));
    let admitted = count(&all, Entry::done) as f64 * 1_024.0;
    bound::near(admitted / (1.5 * tpm * 0.25), 1.0, 2.0 * 1_024.0 / (1.5 * tpm * 0.25));
}
