//! Limits through the engine's public API: 429s between ticks, remaining-capacity headers, and what happens
//! when every route is excluded.

use windtunnel::engine::{Health, Limits, NoRoute, Outcome, Reason, Span, Time};

use super::engine_host::{DONE, ERROR, Host, params};

fn limited(secs: Option<u64>) -> Outcome {
    Outcome::RateLimited { retry_after: secs.map(Span::from_secs) }
}

/// At 7.1 s of life, between the ticks at 5 s and 10 s, route 0 of two answers 429.
fn hit(hint: Option<u64>) -> Host {
    let mut host = Host::of_keys(params("bifrost-published", &[]), 2);
    host.until(Time(7_100_000_000));
    host.attempt(0, limited(hint));
    host
}

// Waits: hint if there is one, at least 10 s, else 30 s (vendor, Adaptive Load Balancing, 2026-09).
#[test]
fn a_429_excludes_its_route_at_once_for_the_hint_the_floor_or_the_default() {
    for (hint, secs) in [(Some(22), 22), (Some(3), 10), (None, 30)] {
        let mut host = hit(hint);
        let ends = host.now + Span::from_secs(secs);
        assert_eq!(host.health(0), Health::Healthy, "the state waits for the tick");
        assert_eq!(host.draw(200, &host.need())[0], 0, "selection does not");
        host.until(Time(ends.0 - 1));
        assert_eq!((host.health(0), host.draw(200, &host.need())[0]), (Health::Failed, 0));
        let failed = host.changes[0].clone();
        assert_eq!((failed.at, failed.reason), (Time::from_secs(10), Reason::RateLimited));
        assert!(host.view(0).weight <= 500.0, "halved");
        host.until(Time(ends.0.div_ceil(5_000_000_000) * 5_000_000_000));
        assert_eq!(host.health(0), Health::Recovering, "at the first tick after it");
        assert!(host.draw(200, &host.need())[0] > 0);
    }
}

#[test]
fn a_second_429_while_excluded_lengthens_the_exclusion() {
    let mut host = hit(Some(10));
    host.until(Time::from_secs(12));
    host.attempt(0, limited(Some(40)));
    host.until(Time::from_secs(50));
    assert_eq!(host.health(0), Health::Failed);
    assert_eq!(host.draw(100, &host.need())[0], 0);
    host.until(Time::from_secs(55));
    assert_eq!(host.health(0), Health::Recovering);
}

#[test]
fn rate_limits_do_not_climb_the_ladder_of_failures() {
    let mut host = Host::of_keys(params("bifrost-published", &[]), 2);
    for _ in 0..4 {
        host.attempt(0, limited(Some(10)));
        for _ in 0..3 {
            host.tick();
        }
    }
    assert_eq!(host.health(0), Health::Recovering);
    host.attempts(0, 100, 100);
    host.tick();
    let failed = host.now;
    host.tick();
    assert_eq!((host.health(0), host.now.since(failed)), (Health::Recovering, Span::from_secs(5)));
}

fn headers(remaining: u64, reset: Option<u64>) -> Limits {
    Limits {
        tokens_remaining: Some(remaining),
        tokens_limit: Some(1_000_000),
        reset: reset.map(Span::from_millis),
        ..Limits::default()
    }
}

#[test]
fn headers_of_a_success_that_show_little_headroom_pass_the_route_over_for_a_moment() {
    let mut host = Host::of_keys(params("windtunnel", &[]), 2);
    let tell = |host: &mut Host, limits: &Limits| {
        let ticket = host.engine.pin(host.now, host.keys[0]).unwrap();
        host.engine.headers(ticket, host.now, limits);
        host.engine.end(ticket, host.now, DONE);
        host.draw(100, &host.need())[0]
    };
    assert!(tell(&mut host, &headers(50_000, None)) > 0, "5 % is enough");
    assert_eq!(tell(&mut host, &headers(49_999, None)), 0, "less is not");
    host.now += Span::from_millis(999);
    assert_eq!(host.draw(100, &host.need())[0], 0);
    host.now += Span::from_millis(1);
    assert!(host.draw(100, &host.need())[0] > 0, "a second later");
    assert_eq!(tell(&mut host, &headers(0, Some(200))), 0);
    host.now += Span::from_millis(200);
    assert!(host.draw(100, &host.need())[0] > 0, "the window is full again");
    let requests =
        Limits { requests_remaining: Some(1), requests_limit: Some(100), ..Limits::default() };
    assert_eq!(tell(&mut host, &requests), 0);
    assert_eq!(host.health(0), Health::Healthy, "a moment's pause is no failure");
}

#[test]
fn published_presets_ignore_headers() {
    let mut host = Host::of_keys(params("bifrost-published", &[]), 2);
    let ticket = host.engine.pin(host.now, host.keys[0]).unwrap();
    host.engine.headers(ticket, host.now, &headers(0, None));
    assert!(host.draw(100, &host.need())[0] > 0);
}

#[test]
fn with_all_excluded_the_engine_fails_open_to_the_one_that_returns_first() {
    let mut host = Host::of_keys(params("bifrost-published", &[]), 3);
    for (at, secs) in [(0, 60), (1, 25), (2, 40)] {
        host.attempt(at, limited(Some(secs)));
    }
    // Between ticks, by the 429s alone, and as Failed routes after one.
    assert_eq!(host.draw(50, &host.need()), [0, 50, 0]);
    host.tick();
    assert_eq!(host.health(1), Health::Failed);
    assert_eq!(host.draw(50, &host.need()), [0, 50, 0]);
    let tried = [host.keys[1]];
    let need = windtunnel::engine::Need { tried: &tried, ..host.need() };
    assert_eq!(host.draw(50, &need), [0, 0, 50]);
    let all = host.keys.clone();
    let need = windtunnel::engine::Need { tried: &all, ..host.need() };
    assert_eq!(host.decide(&need), Err(NoRoute { retry_at: None }), "all were tried");
}

#[test]
fn without_failing_open_the_engine_says_when_to_come_back() {
    let mut host = Host::of_keys(params("bifrost-published", &[("fail_open", 0.0)]), 2);
    host.attempt(0, limited(Some(60)));
    host.attempt(1, limited(Some(25)));
    let need = host.need();
    for _ in 0..2 {
        assert_eq!(host.decide(&need), Err(NoRoute { retry_at: Some(Time::from_secs(25)) }));
        host.tick();
    }
    host.until(Time(24_999_999_999));
    assert!(host.decide(&need).is_err());
    host.now = Time::from_secs(25);
    let ticket = host.decide(&need).unwrap();
    assert_eq!(host.index(ticket), 1, "when it said so, though no tick has come yet");
}

#[test]
fn an_error_backoff_is_kept_when_a_shorter_429_comes_on_top() {
    let mut host = Host::of_keys(params("bifrost-published", &[("backoff.first", 40.0)]), 2);
    host.attempts(0, 100, 100);
    host.tick();
    host.attempt(0, Outcome::RateLimited { retry_after: Some(Span::from_secs(10)) });
    host.until(Time::from_secs(44));
    assert_eq!((host.health(0), host.draw(100, &host.need())[0]), (Health::Failed, 0));
    host.until(Time::from_secs(45));
    assert_eq!(host.health(0), Health::Recovering);
    host.attempt(0, ERROR);
}
