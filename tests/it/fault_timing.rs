//! When faults come and go: shapes, what becomes of attempts in flight, and faults without an end.

use windtunnel::engine::{Outcome, Span, Time};
use windtunnel::sim::fault::{Effect, Failure, Fault, InFlight, Shape};
use windtunnel::sim::spec::Spec;

use crate::bound;
use crate::scripted::{Entry, in_turn, random, run, watch};
use crate::still::{self, DECODE, ERROR, NETWORK, OUTPUT, TTFT, WHOLE, alike, fault};

const OUTAGE: Effect = Effect::Errors { rate: 1.0, error: Failure::Status(503), after: ERROR };

fn world(rps: f64, faults: Vec<Fault>) -> Spec {
    Spec { faults, ..still::world(2, 1, rps, 60) }
}

fn shaped(shape: Shape, effect: Effect) -> Fault {
    Fault { shape, ..fault("f", &[0], (20, 40), effect) }
}

fn failed(entries: &[&Entry]) -> usize {
    entries.iter().filter(|entry| !entry.done()).count()
}

#[test]
fn attempts_under_way_finish_unless_the_fault_cuts() {
    let onset = Time::from_secs(20);
    for (in_flight, finishes) in [(InFlight::Finish, true), (InFlight::Cut, false)] {
        let outage = Fault { in_flight, ..fault("f", &[0], (20, 40), OUTAGE) };
        let spec = world(200.0, vec![outage]);
        let (_, diary) = watch(&spec, random(&spec), 1);
        let under_way = |entry: &&Entry| entry.at < onset && entry.at + WHOLE > onset;
        let (mut streaming, mut waiting) = (0, 0);
        for entry in diary.at(0, (18, 20)).into_iter().filter(under_way) {
            if finishes {
                assert!(entry.done() && alike(entry.took(), WHOLE), "{entry:?}");
            } else if entry.first.is_some() {
                let (prompt_tokens, output_tokens) = (still::PROMPT, OUTPUT * 127 / 255);
                let broken = Outcome::StreamBroken { prompt_tokens, output_tokens };
                assert_eq!(entry.end, Some((onset, broken)));
                streaming += 1;
            } else {
                assert_eq!(entry.end, Some((onset, Outcome::ServerError { status: 503 })));
                waiting += 1;
            }
        }
        // About 100 requests a second at this route: 1 s of streams, 0.52 s before the first token.
        assert_eq!(finishes, streaming == 0 && waiting == 0);
        assert!(finishes || (streaming > 60 && waiting > 25), "{streaming}, {waiting}");
        assert!(diary.at(1, (0, 60)).iter().all(|entry| entry.done()), "the other route is fine");
    }
}

#[test]
fn what_was_cut_and_sent_again_lives_its_own_life() {
    // Cut attempts are sent to the other route in the same slot; ends of the old attempt that are still
    // queued must not end the new one.
    let outage = Fault { in_flight: InFlight::Cut, ..fault("f", &[0], (20, 40), OUTAGE) };
    let spec = world(200.0, vec![outage]);
    let (tape, diary) = watch(&spec, in_turn(&[0, 1]), 1);
    let again = diary.at(1, (0, 60));
    let at_once = again.iter().filter(|entry| entry.at == Time::from_secs(20)).count();
    assert!(at_once > 50, "{at_once}");
    for entry in again {
        assert!(entry.done() && alike(entry.took(), WHOLE) && entry.number == 1, "{entry:?}");
    }
    assert!(diary.at(0, (0, 60)).iter().all(|entry| entry.end.is_some()));
    // Only streams that had begun are lost.
    let broken = |e: &&Entry| matches!(e.outcome(), Outcome::StreamBroken { .. });
    let first = diary.at(0, (0, 60));
    assert_eq!(tape.totals.failed, first.iter().copied().filter(broken).count() as u64);
}

#[test]
fn a_cut_does_not_turn_a_refusal_on_its_way_into_a_broken_stream() {
    let hint = Some(Span::from_secs(1));
    let refused = Effect::Errors { rate: 1.0, error: Failure::RateLimited(hint), after: ERROR };
    let cut = |error| {
        let effect = Effect::Errors { rate: 1.0, error, after: ERROR };
        Fault { in_flight: InFlight::Cut, ..fault("cut", &[0], (20, 40), effect) }
    };
    for error in [Failure::Status(500), Failure::RateLimited(hint)] {
        let spec = world(200.0, vec![fault("limit", &[0], (0, 30), refused), cut(error)]);
        let (_, diary) = watch(&spec, random(&spec), 1);
        let under_way = |e: &&Entry| e.at + NETWORK + ERROR > Time::from_secs(20);
        let cut: Vec<_> = diary.at(0, (19, 20)).into_iter().filter(under_way).collect();
        assert!(cut.len() >= 5, "{}", cut.len());
        for entry in cut {
            let expected = match error {
                Failure::Status(status) => Outcome::ServerError { status },
                _ => Outcome::RateLimited { retry_after: hint },
            };
            assert_eq!(entry.end, Some((Time::from_secs(20), expected)));
        }
    }
}

#[test]
fn faults_of_one_moment_are_all_in_place_before_retries() {
    let cutting = Fault { in_flight: InFlight::Cut, ..fault("one", &[0], (20, 40), OUTAGE) };
    let other = fault("other", &[1], (20, 40), OUTAGE);
    let spec = world(200.0, vec![cutting, other]);
    let (_, diary) = watch(&spec, in_turn(&[0, 1]), 1);
    let again = diary.at(1, (20, 40));
    assert!(again.iter().filter(|entry| entry.at == Time::from_secs(20)).count() > 50);
    assert_eq!(failed(&again), again.len());
}

#[test]
fn a_ramp_is_as_strong_at_each_moment_as_its_line() {
    let (rise, fall) = (Span::from_secs(8), Span::from_secs(4));
    let slow = Effect::Slow { ttft: 5.0, decode: 3.0 };
    let spec = world(50.0, vec![shaped(Shape::Ramp { rise, fall }, slow)]);
    let (_, diary) = watch(&spec, random(&spec), 1);
    for entry in diary.at(0, (20, 40)) {
        let at = entry.at.as_secs_f64();
        let strength = ((at - 20.0) / 8.0).min((40.0 - at) / 4.0).min(1.0);
        let ttft = NETWORK + TTFT.times(1.0 + 4.0 * strength);
        assert!(alike(entry.first.unwrap().since(entry.at), ttft), "{entry:?}");
        assert!(alike(entry.took(), ttft + DECODE.times(1.0 + 2.0 * strength)), "{entry:?}");
    }
}

#[test]
fn a_slow_recovery_fails_less_and_less() {
    let spec = world(800.0, vec![shaped(Shape::Recover { fall: Span::from_secs(16) }, OUTAGE)]);
    let (_, diary) = watch(&spec, random(&spec), 1);
    let first = diary.at(0, (20, 24));
    assert_eq!(failed(&first), first.len());
    for (span, mean) in [((24, 28), 0.875), ((28, 32), 0.625), ((32, 36), 0.375), ((36, 40), 0.125)]
    {
        let all = diary.at(0, span);
        bound::share(failed(&all), all.len(), mean);
    }
    assert_eq!(failed(&diary.at(0, (40, 60))), 0);
}

#[test]
fn a_fast_flap_fails_everything_while_on_and_nothing_while_off() {
    let (on, off) = (Span::from_millis(300), Span::from_millis(500));
    let spec = world(400.0, vec![shaped(Shape::Flap { on, off }, OUTAGE)]);
    let (_, diary) = watch(&spec, random(&spec), 1);
    let all = diary.at(0, (20, 40));
    for entry in &all {
        let into = entry.at.since(Time::from_secs(20)).0 % 800_000_000;
        assert_eq!(entry.done(), into >= 300_000_000, "{entry:?}");
    }
    bound::share(failed(&all), all.len(), 0.375);
}

#[test]
fn a_fault_without_an_end_lasts_to_the_horizon_and_the_run_still_ends() {
    let endless = Fault {
        lasts: Span(u64::MAX / 2),
        in_flight: InFlight::Cut,
        ..fault("f", &[0, 1], (20, 40), OUTAGE)
    };
    let spec = world(100.0, vec![endless]);
    let (tape, diary) = watch(&spec, random(&spec), 1);
    let after: Vec<&Entry> =
        diary.attempts.iter().filter(|entry| entry.at >= Time::from_secs(20)).collect();
    assert!(after.len() > 3_800 && failed(&after) == after.len());
    assert_eq!(tape.totals.unfinished, 0);
    assert!(tape.faults[0].end > Time(spec.horizon.0));
    assert_eq!(tape.arrivals[30].failed, tape.arrivals[30].offered);
}

#[test]
fn the_tape_names_the_fault_and_counts_what_was_sent_into_it() {
    let spec = world(100.0, vec![fault("f", &[0], (20, 40), OUTAGE)]);
    let (tape, diary) = watch(&spec, random(&spec), 1);
    let [fault] = &tape.faults[..] else { panic!("one fault") };
    assert_eq!((fault.start, fault.end), (Time::from_secs(20), Time::from_secs(40)));
    for second in 0..60u64 {
        let span = (second, second + 1);
        let (first, base) = (diary.at(0, span).len(), diary.at(1, span).len());
        assert_eq!(fault.first_per_s[second as usize], first as u32);
        assert_eq!(fault.base_per_s[second as usize], (first + base) as u32);
    }
}

#[test]
fn a_fault_that_begins_after_the_horizon_changes_nothing() {
    let late = fault("f", &[0], (60, 80), OUTAGE);
    let (with, without) = (world(50.0, vec![late]), world(50.0, Vec::new()));
    let [a, b] = [&with, &without].map(|spec| run(spec, random(spec), 1));
    assert_eq!(a.totals.good, b.totals.good);
    assert_eq!(a.arrivals, b.arrivals);
    assert_eq!(a.totals.good, a.totals.offered);
}
