//! Held keys through the engine's public API (vendor, Adaptive Load Balancing, 2026-09): what is held, for how
//! long, and how exactly one check at a time ends it.

use windtunnel::engine::{
    Health, HoldClass, Need, Outcome, Reason, Refusal, Route, Span, Ticket, Time,
};

use super::engine_host::{DONE, ERROR, Host, params};

const REFUSALS: [Refusal; 5] = [
    Refusal::Credential,
    Refusal::Quota,
    Refusal::ModelAccess,
    Refusal::ModelGone,
    Refusal::RegionBlocked,
];

fn refused(class: Refusal) -> Outcome {
    Outcome::KeyRefused { class }
}

fn limited(secs: Option<u64>) -> Outcome {
    Outcome::RateLimited { retry_after: secs.map(Span::from_secs) }
}

/// `count` keys of one provider, each serving `chat` and `small`: the chat routes first.
fn host(preset: &str, count: usize) -> Host {
    let of = |model: &'static str| (0..count).map(move |k| Route::new("p", model, format!("k{k}")));
    Host::new(params(preset, &[]), of("chat").chain(of("small")).collect())
}

/// Asks until the answer is a check, at most 200 times; what is no check is done.
fn check(host: &mut Host) -> Option<Ticket> {
    for _ in 0..200 {
        let ticket = host.ask();
        if ticket.is_check() {
            return Some(ticket);
        }
        host.engine.end(ticket, host.now, DONE);
    }
    None
}

/// Whether the route is held, by what selection does.
fn skipped(host: &mut Host, at: usize, model: &str) -> bool {
    let need = Need { model: host.engine.model(model).unwrap(), ..host.need() };
    host.draw(200, &need)[at] == 0
}

#[test]
fn every_lasting_refusal_holds_at_once_the_whole_key_or_only_the_model() {
    for class in REFUSALS {
        let mut host = host("windtunnel", 3);
        host.until(Time::from_secs(6));
        host.attempt(1, refused(class));
        let whole = matches!(class, Refusal::Credential | Refusal::Quota);
        for _ in 0..2 {
            // Before the tick, and after it.
            assert!(skipped(&mut host, 1, "chat"), "{class:?}");
            assert_eq!(skipped(&mut host, 4, "small"), whole, "{class:?}");
            assert!(!skipped(&mut host, 0, "chat") && !skipped(&mut host, 3, "small"), "{class:?}");
            host.tick();
        }
        let hold = host.view(1).hold.unwrap();
        assert_eq!((hold.class, host.health(1)), (HoldClass::Refused(class), Health::Failed));
        assert_eq!(host.view(4).hold.is_some(), whole);
        let held = host.changes.iter().filter(|change| change.reason == Reason::Held).count();
        assert_eq!(held, if whole { 2 } else { 1 });
    }
}

#[test]
fn nothing_else_holds_and_published_presets_never_do() {
    let mut ours = host("windtunnel", 2);
    let passing = [
        ERROR,
        Outcome::Unreachable,
        Outcome::Timeout,
        Outcome::CallerFault { status: 404 },
        Outcome::Cancelled,
        limited(None),
    ];
    for outcome in passing {
        ours.attempt(0, outcome);
    }
    ours.tick();
    assert_eq!(ours.view(0).hold, None);
    let mut published = host("bifrost-published", 2);
    published.attempt(0, refused(Refusal::Credential));
    published.tick();
    assert_eq!((published.view(0).hold, published.health(0)), (None, Health::Healthy));
}

#[test]
fn the_2026_preset_holds_rate_limits_too_by_hint_or_ladder() {
    for (hint, secs) in [(Some(45), 45), (Some(2), 10), (None, 30)] {
        let mut host = host("bifrost-2026", 2);
        host.attempt(0, limited(hint));
        host.tick();
        let hold = host.view(0).hold.unwrap();
        assert_eq!(
            (hold.class, hold.due.since(host.now)),
            (HoldClass::Limited, Span::from_secs(secs))
        );
        assert_eq!(host.view(2).hold, None, "the model only");
    }
}

/// Fails every check with `outcome`; the waits between due moments, in seconds.
fn ladder(host: &mut Host, outcome: Outcome, n: usize) -> Vec<u64> {
    let mut waits = Vec::new();
    for _ in 0..n {
        let due = host.view(0).hold.unwrap().due;
        waits.push(due.since(host.now).0 / 1_000_000_000);
        host.until(Time(due.0 - 1));
        assert_eq!(check(host), None, "not yet due");
        host.until(due);
        let ticket = check(host).expect("due");
        assert_eq!(host.index(ticket), 0);
        assert_eq!(check(host), None, "exactly one");
        host.now += Span::from_millis(50);
        host.engine.end(ticket, host.now, outcome);
        assert_eq!(check(host), None, "its verdict waits for the tick");
        host.tick();
    }
    waits
}

#[test]
fn failed_checks_climb_the_ladder_of_each_class_to_its_cap() {
    for (class, waits) in [
        (Refusal::Credential, vec![30, 60, 120, 240, 480, 900, 900]),
        (Refusal::Quota, vec![30, 60, 120, 240, 300, 300]),
        (Refusal::ModelAccess, vec![30, 60, 120, 240, 300, 300]),
        (Refusal::ModelGone, vec![30, 60, 120, 240, 480, 960, 1800, 1800]),
        (Refusal::RegionBlocked, vec![30, 60, 120, 240, 480, 900]),
    ] {
        let mut host = host("windtunnel", 2);
        host.attempt(0, refused(class));
        host.tick();
        assert_eq!(ladder(&mut host, refused(class), waits.len()), waits, "{class:?}");
    }
    let mut host = host("bifrost-2026", 2);
    host.attempt(0, limited(None));
    host.tick();
    assert_eq!(ladder(&mut host, limited(None), 4), [30, 60, 120, 120]);
    // A failed check with a hint waits for the hint.
    assert_eq!(ladder(&mut host, limited(Some(33)), 2), [120, 33]);
}

#[test]
fn checks_that_prove_nothing_stay_on_their_rung() {
    let mut host = host("windtunnel", 2);
    host.attempt(0, refused(Refusal::Credential));
    host.tick();
    assert_eq!(ladder(&mut host, refused(Refusal::Credential), 1), [30]);
    assert_eq!(ladder(&mut host, ERROR, 2), [60, 60]);
    assert_eq!(ladder(&mut host, Outcome::Timeout, 1), [60]);
}

/// Ends the hold by a served check.
fn serve(host: &mut Host) {
    host.until(host.view(0).hold.unwrap().due);
    let ticket = check(host).unwrap();
    host.engine.end(ticket, host.now, DONE);
    let changes = host.tick();
    assert_eq!((changes[0].to, changes[0].reason), (Health::Recovering, Reason::Released));
    assert!(!skipped(host, 0, "chat"));
}

#[test]
fn a_served_check_releases_and_held_again_within_ten_minutes_a_key_resumes_its_rung() {
    for (minutes, wait) in [(9, 120), (10, 30)] {
        let mut host = host("windtunnel", 2);
        host.attempt(0, refused(Refusal::Credential));
        host.tick();
        ladder(&mut host, refused(Refusal::Credential), 2);
        serve(&mut host);
        // The tick, five seconds later, counts.
        host.until(host.now + Span::from_secs(60 * minutes - 5));
        host.attempt(0, refused(Refusal::Credential));
        host.tick();
        let hold = host.view(0).hold.unwrap();
        assert_eq!(hold.due.since(host.now), Span::from_secs(wait), "after {minutes} min");
    }
}

#[test]
fn the_ladder_of_failures_is_not_climbed_by_holds() {
    let mut host = host("windtunnel", 2);
    host.attempt(0, refused(Refusal::Quota));
    host.tick();
    serve(&mut host);
    host.attempts(0, 100, 100);
    host.tick();
    let failed = host.now;
    assert_eq!(host.health(0), Health::Failed);
    host.tick();
    assert_eq!((host.health(0), host.now.since(failed)), (Health::Recovering, Span::from_secs(5)));
}

#[test]
fn a_failed_route_that_is_refused_is_held_without_losing_weight_twice() {
    let mut host = host("windtunnel", 2);
    host.attempts(0, 100, 100);
    host.tick();
    let weight = host.view(0).weight;
    host.attempt(0, refused(Refusal::Credential));
    host.tick();
    assert_eq!((host.view(0).weight, host.health(0)), (weight, Health::Failed));
    host.until(host.now + Span::from_secs(20));
    assert_eq!(host.health(0), Health::Failed, "the timer of failures does not end a hold");
}

#[test]
fn refusals_in_flight_do_not_lengthen_a_hold() {
    let mut host = host("windtunnel", 2);
    host.attempt(0, refused(Refusal::Credential));
    host.tick();
    let due = host.view(0).hold.unwrap().due;
    let in_flight: Vec<Ticket> =
        (0..10).map(|_| host.engine.pin(host.now, host.keys[2]).unwrap()).collect();
    host.now += Span::from_secs(3);
    for ticket in in_flight {
        if !ticket.is_check() {
            host.engine.end(ticket, host.now, refused(Refusal::Quota));
        }
    }
    host.tick();
    assert_eq!(host.view(0).hold.unwrap().due, due);
}

#[test]
fn a_check_that_never_reports_frees_its_place_after_five_minutes() {
    let mut host = host("windtunnel", 2);
    host.attempt(0, refused(Refusal::Credential));
    host.tick();
    let due = host.view(0).hold.unwrap().due;
    host.until(due);
    let lost = check(&mut host).unwrap();
    host.until(due + Span::from_secs(299));
    assert_eq!(check(&mut host), None);
    host.until(due + Span::from_secs(310));
    let next = check(&mut host).unwrap();
    // The lost one turns up after all: nobody waits for it any more.
    host.engine.end(lost, host.now, DONE);
    host.tick();
    assert!(host.view(0).hold.is_some());
    host.engine.end(next, host.now, DONE);
    host.tick();
    assert_eq!(host.view(0).hold, None);
}

#[test]
fn an_answer_that_settles_the_point_releases_the_key_and_counts_for_itself() {
    let mut host = host("windtunnel", 2);
    host.attempt(0, refused(Refusal::Credential));
    host.tick();
    host.until(host.view(0).hold.unwrap().due);
    let ticket = check(&mut host).unwrap();
    host.engine.end(ticket, host.now, limited(Some(42)));
    let limited_at = host.now;
    host.tick();
    assert_eq!(host.view(0).hold, None, "the credential is good");
    assert!(skipped(&mut host, 0, "chat"), "the limit is not lost on the way");
    host.until(Time(limited_at.0 + 41_999_999_999));
    assert!(skipped(&mut host, 0, "chat"));
    host.until(limited_at + Span::from_secs(47));
    assert!(!skipped(&mut host, 0, "chat"));
    // Where rate limits hold, it is a new hold.
    let mut host = self::host("bifrost-2026", 2);
    host.attempt(0, refused(Refusal::Credential));
    host.tick();
    host.until(host.view(0).hold.unwrap().due);
    let ticket = check(&mut host).unwrap();
    host.engine.end(ticket, host.now, limited(None));
    host.tick();
    let hold = host.view(0).hold.unwrap();
    assert_eq!((hold.class, hold.due.since(host.now)), (HoldClass::Limited, Span::from_secs(30)));
}

#[test]
fn a_pinned_request_on_a_held_key_settles_it_before_its_check_is_due() {
    let mut host = host("windtunnel", 2);
    host.attempt(0, refused(Refusal::ModelAccess));
    host.tick();
    let first = host.engine.pin(host.now, host.keys[0]).unwrap();
    let second = host.engine.pin(host.now, host.keys[0]).unwrap();
    assert!(first.is_check() && !second.is_check());
    host.engine.end(second, host.now, DONE);
    host.engine.end(first, host.now, DONE);
    host.tick();
    assert_eq!((host.view(0).hold, host.health(0)), (None, Health::Recovering));
}

#[test]
fn with_every_key_held_a_request_is_sent_anyway_and_counts_as_a_check() {
    let mut host = host("windtunnel", 2);
    for at in 0..2 {
        host.attempt(at, refused(Refusal::Credential));
    }
    host.tick();
    let ticket = host.ask();
    assert!(ticket.is_check());
    let at = host.index(ticket);
    assert!(!host.ask().is_check(), "one check of a key at a time");
    host.engine.end(ticket, host.now, DONE);
    host.tick();
    assert_eq!((host.health(at), host.health(1 - at)), (Health::Recovering, Health::Failed));
}

#[test]
fn an_excluded_key_is_a_better_last_resort_than_a_held_one() {
    let mut host = host("windtunnel", 2);
    host.attempt(0, refused(Refusal::Credential));
    host.attempt(1, limited(Some(100)));
    for _ in 0..2 {
        assert_eq!(host.draw(20, &host.need())[..2], [0, 20]);
        host.tick();
    }
}

#[test]
fn waits_of_the_ladder_vary_by_a_tenth_and_hinted_ones_do_not() {
    let mut params = params("bifrost-2026", &[]);
    params.set("hold.jitter", 0.1).unwrap();
    let mut host = Host::new(params, super::engine_host::routes(1, 40));
    for at in 0..40 {
        host.attempt(at, limited((at % 2 == 0).then_some(Span::from_secs(50).0 / 1_000_000_000)));
    }
    host.tick();
    let waits: Vec<f64> =
        (0..40).map(|at| host.view(at).hold.unwrap().due.since(host.now).as_secs_f64()).collect();
    assert!(waits.iter().step_by(2).all(|wait| *wait == 50.0));
    let ladder: Vec<f64> = waits.iter().copied().skip(1).step_by(2).collect();
    assert!(ladder.iter().all(|wait| (27.0..=33.0).contains(wait)), "{ladder:?}");
    assert!(ladder.iter().any(|w| *w < 29.0) && ladder.iter().any(|w| *w > 31.0), "{ladder:?}");
}
