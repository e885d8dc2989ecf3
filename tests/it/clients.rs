//! What clients do by themselves, and what counts as good.

use std::collections::BTreeMap;

use windtunnel::engine::{Outcome, Span, Time};
use windtunnel::policy::Step;
use windtunnel::sim::fault::{Effect, Failure};
use windtunnel::sim::plain;
use windtunnel::sim::quantile::normal;
use windtunnel::sim::spec::{Arrivals, Client, Spec, Tokens};

use crate::bound;
use crate::scripted::{Entry, in_turn, random, run, script, send, send_within, watch};
use crate::still::{self, DECODE, ERROR, FIRST, NETWORK, OUTPUT, PROMPT, WHOLE, alike, fault};

fn with_client(mut spec: Spec, change: impl Fn(&mut Client)) -> Spec {
    change(&mut spec.classes[0].client);
    spec
}

fn outage(rate: f64) -> Effect {
    Effect::Errors { rate, error: Failure::Status(503), after: ERROR }
}

#[test]
fn a_client_gives_up_at_its_moment() {
    let patience = Span::from_millis(900);
    let spec = still::world(1, 1, 50.0, 30);
    let spec = with_client(spec, |client| client.gives_up = Some(patience));
    let (tape, diary) = watch(&spec, in_turn(&[0]), 1);
    assert_eq!(tape.totals.failed, tape.totals.offered);
    for entry in diary.at(0, (0, 30)) {
        assert_eq!((entry.took(), entry.outcome()), (patience, Outcome::Cancelled));
        // The stream had begun: its first token came, and was told.
        assert!(alike(entry.first.unwrap().since(entry.at), FIRST));
    }
}

#[test]
fn a_client_whose_request_waits_in_the_gateway_gives_up_at_its_moment_too() {
    // One client, no time to think: a request starts when the one before is given up.
    let patience = Span::from_secs(3);
    let spec = still::world(1, 1, 1.0, 60);
    let mut spec = with_client(spec, |client| client.gives_up = Some(patience));
    spec.classes[0].arrivals = Arrivals::Closed { clients: 1, think: Span::ZERO };
    let patient = script(|_, _, _, _, _| Step::Wait(Span::from_secs(60)));
    let (tape, diary) = watch(&spec, patient, 1);
    let gaps = diary.requests.windows(2).map(|pair| pair[1].arrived.since(pair[0].arrived));
    assert!(gaps.into_iter().all(|gap| gap == patience));
    assert_eq!((tape.totals.offered, tape.totals.failed, tape.totals.attempts), (20, 20, 0));
}

#[test]
fn sdk_retries_make_a_storm_of_an_outage() {
    let all = fault("f", &[0, 1], (20, 40), outage(1.0));
    let storm = |retries| {
        let mut spec = still::world(2, 1, 200.0, 60);
        spec.faults = vec![all.clone()];
        let spec = with_client(spec, |client| client.sdk_retries = retries);
        watch(&spec, random(&spec), 1)
    };
    let (quiet, _) = storm(0);
    assert_eq!(quiet.totals.attempts, quiet.totals.offered);
    let (tape, diary) = storm(3);
    let amplification = tape.totals.attempts as f64 / tape.totals.offered as f64;
    assert!(amplification > 1.5, "{amplification}");
    // Four attempts of 100 ms and waits of at most 0.5, 1 and 2 s end within 3.9 s.
    let doomed = Time::from_secs(20)..Time::from_secs(36);
    let mut attempts_of = BTreeMap::<u64, Vec<&Entry>>::new();
    for entry in diary.attempts.iter().filter(|e| doomed.contains(&e.request.arrived)) {
        attempts_of.entry(entry.request.id).or_default().push(entry);
    }
    for attempts in attempts_of.values() {
        assert_eq!(attempts.len(), 4);
        for (n, pair) in attempts.windows(2).enumerate() {
            assert_eq!(pair[1].number, 0, "to the gateway each of them is a new request");
            let wait = pair[1].at.since(pair[0].end.unwrap().0).as_secs_f64();
            let full = 0.5 * f64::from(1 << n);
            assert!((0.75 * full..=full).contains(&wait), "wait {n} of {wait}");
        }
    }
    // The last that come before the end are saved by their retries.
    assert!(tape.totals.failed < quiet.totals.failed, "{:?} {:?}", tape.totals, quiet.totals);
}

#[test]
fn an_sdk_does_not_ask_again_after_a_fault_of_its_own_or_a_broken_stream() {
    let cases = [
        (Effect::Errors { rate: 1.0, error: Failure::Status(422), after: ERROR }, 1),
        (Effect::Errors { rate: 1.0, error: Failure::Status(401), after: ERROR }, 1),
        (Effect::Midstream { rate: 1.0 }, 1),
        (Effect::Errors { rate: 1.0, error: Failure::Unreachable, after: ERROR }, 3),
    ];
    for (effect, attempts) in cases {
        let mut spec = still::world(1, 1, 20.0, 30);
        spec.faults = vec![fault("f", &[0], (0, 90), effect)];
        let spec = with_client(spec, |client| client.sdk_retries = 2);
        let tape = run(&spec, random(&spec), 1);
        assert_eq!(tape.totals.attempts, attempts * tape.totals.offered, "{effect:?}");
        assert_eq!(tape.totals.failed, tape.totals.offered);
    }
}

#[test]
fn the_deadline_grows_with_the_answer() {
    // An answer of n tokens takes 0.52 s + n × 12.5 ms.
    let mut spec = still::world(1, 1, 200.0, 30);
    spec.classes[0].output = Tokens::Lognormal { median: 129.0, sigma: 0.93 };
    let deadline = Span::from_millis(600);
    let good = |per_output_token| {
        let spec = with_client(spec.clone(), |client| {
            (client.deadline, client.per_output_token) = (deadline, per_output_token);
        });
        let (tape, diary) = watch(&spec, in_turn(&[0]), 1);
        let in_time = |e: &&&Entry| {
            // The run ends with the longest deadline; whoever is under way then is too late.
            let Some((end, Outcome::Done { output_tokens, .. })) = e.end else { return false };
            end.since(e.at).0 <= deadline.0 + per_output_token.0 * u64::from(output_tokens)
        };
        let all = diary.at(0, (0, 30));
        let expected = all.iter().filter(in_time).count();
        let totals = tape.totals;
        assert_eq!(totals.good, expected as u64);
        assert_eq!(totals.good + totals.late + totals.unfinished, totals.offered);
        (expected, all.len())
    };
    let below = |tokens: f64| normal::below(libm::log(tokens / 129.0) / 0.93);
    // By the fixed part alone: 80 ms in hand for tokens of 12.5 ms, so 6 of them.
    let (n, all) = good(Span::ZERO);
    bound::share(n, all, below(6.5));
    // 2.5 ms lost per token: 32 of them.
    let (n, all) = good(Span::from_millis(10));
    bound::share(n, all, below(32.5));
    let (n, all) = good(Span::from_millis(13));
    assert_eq!(n, all);
}

#[test]
fn streams_have_first_tokens_and_other_answers_come_at_once() {
    let mut spec = still::world(1, 1, 200.0, 30);
    spec.classes[0].streamed = 0.3;
    let (tape, diary) = watch(&spec, in_turn(&[0]), 1);
    let all = diary.at(0, (0, 30));
    let streams = all.iter().filter(|e| e.request.streamed).count();
    bound::share(streams, all.len(), 0.3);
    for entry in &all {
        assert!(alike(entry.took(), WHOLE));
        assert_eq!(entry.first.is_some(), entry.request.streamed);
    }
    assert_eq!(tape.ttft.len(), streams as u64);
    assert_eq!(tape.latency.len(), tape.totals.offered);
    bound::near(tape.ttft.mean() / 1e6, FIRST.as_secs_f64(), 0.001);
}

#[test]
fn timeouts_end_attempts_at_their_moment() {
    let (ttft, total) = (Some(Span::from_millis(300)), Some(Span::from_millis(900)));
    let mut spec = still::world(1, 1, 100.0, 30);
    spec.classes[0].streamed = 0.5;
    let once = |ttft, total| {
        let policy = script(move |_, _, past, _, _| match past.len() {
            0 => send_within(0, ttft, total),
            _ => Step::Stop { status: 408 },
        });
        let (tape, diary) = watch(&spec, policy, 1);
        assert_eq!(tape.totals.attempts, tape.totals.offered);
        diary.at(0, (0, 30)).into_iter().cloned().collect::<Vec<_>>()
    };
    for entry in once(ttft, None) {
        assert_eq!((entry.took(), entry.outcome()), (ttft.unwrap(), Outcome::Timeout));
    }
    for entry in once(None, total) {
        assert_eq!(entry.took(), total.unwrap());
        let Outcome::StreamBroken { prompt_tokens, output_tokens } = entry.outcome() else {
            assert!(!entry.request.streamed && entry.outcome() == Outcome::Timeout);
            continue;
        };
        // 380 ms of 1 s of tokens had come.
        assert!(entry.request.streamed && prompt_tokens == PROMPT);
        assert_eq!(output_tokens, (0.38 * f64::from(OUTPUT)) as u32);
    }
    let long = Some(Span::from_secs(5));
    assert!(once(long, long).iter().all(|e| e.done() && alike(e.took(), FIRST + DECODE)));
}

#[test]
fn a_stream_cut_by_a_total_timeout_is_not_sent_again() {
    let total = Some(Span::from_millis(900));
    let spec = still::world(2, 1, 100.0, 30);
    let again = script(move |_, _, past, _, _| send_within((past.len() % 2) as u32, None, total));
    let (tape, _) = watch(&spec, again, 1);
    assert_eq!(tape.totals.attempts, tape.totals.offered);
    assert_eq!(tape.totals.failed, tape.totals.offered);
}

#[test]
fn a_full_gateway_sheds_as_erlang_b_says() {
    // Requests that find all places taken are lost: M/G/c/c, whatever the law of the latency.
    let mut spec = plain::world(2, 1, 20.0, 600);
    spec.gateway.max_in_flight = 60;
    let latency = run(&spec, random(&spec), 1).latency.mean() / 1e6;
    let offered = 20.0 * latency;
    spec.gateway.max_in_flight = (offered * 0.9) as u32;
    let blocked = (1..=spec.gateway.max_in_flight)
        .fold(1.0, |b, k| offered * b / (f64::from(k) + offered * b));
    let shed = |seed| {
        let tape = run(&spec, random(&spec), seed);
        assert_eq!(tape.in_flight_max, spec.gateway.max_in_flight);
        assert_eq!(tape.totals.good + tape.totals.late + tape.totals.shed, tape.totals.offered);
        tape.totals.shed as f64 / tape.totals.offered as f64
    };
    bound::mean(&(1..=16).map(shed).collect::<Vec<_>>(), blocked, 0.1);
}

#[test]
fn whoever_is_shed_asks_again_if_its_sdk_does() {
    let mut spec = still::world(1, 1, 40.0, 60);
    spec.gateway.max_in_flight = 55;
    let shed = |retries| {
        let spec = with_client(spec.clone(), |client| client.sdk_retries = retries);
        run(&spec, random(&spec), 1).totals
    };
    let (without, with) = (shed(0), shed(2));
    assert!(without.shed > 300, "{without:?}");
    assert!(with.shed < without.shed && with.good > without.good, "{with:?} {without:?}");
    assert_eq!(with.good + with.late + with.shed, with.offered);
}

#[test]
fn clients_that_back_off_take_no_place_in_the_gateway() {
    // Everything fails after 100 ms and is asked again after 0.4 to 2 s: 30 a second are 12 attempts in
    // flight at most times, and some 100 open requests.
    let mut spec = still::world(1, 1, 30.0, 60);
    spec.faults = vec![fault("f", &[0], (0, 90), outage(1.0))];
    spec.gateway.max_in_flight = 60;
    let spec = with_client(spec, |client| client.sdk_retries = 3);
    let tape = run(&spec, random(&spec), 1);
    assert_eq!(tape.totals.shed, 0);
    assert!(tape.in_flight_max < 40, "{}", tape.in_flight_max);
    assert_eq!(tape.totals.attempts, 4 * tape.totals.offered);
}

#[test]
fn cost_and_tokens_are_those_of_measured_requests() {
    let spec = still::world(1, 1, 50.0, 30);
    // One request hangs, so the run goes on long after the horizon.
    let mut waits = spec.clone();
    waits.faults = vec![fault(
        "f",
        &[0],
        (10, 11),
        Effect::Errors { rate: 0.05, error: Failure::Hang, after: NETWORK },
    )];
    for spec in [spec, waits] {
        let tape = run(&spec, script(|_, _, _, _, _| send(0)), 1);
        let answered = tape.totals.good;
        let each = spec.pool.routes[0].cost_nano_usd(PROMPT, OUTPUT);
        assert_eq!(tape.totals.cost_nano_usd, answered * each);
        assert_eq!(tape.totals.good_tokens, answered * u64::from(OUTPUT));
        assert_eq!(tape.totals.attempts, tape.totals.offered);
        assert_eq!(answered + tape.totals.unfinished, tape.totals.offered);
    }
}
