//! What nodes tell each other: modes, the newest report wins, silence drops a peer, and nothing echoes.

use windtunnel::engine::{Health, Outcome, Params, Reason, Refusal, Report, Span, Time};

use super::engine_host::{ERROR, Host, params};

const MODES: [(&str, f64); 3] = [("none", 0.0), ("limits", 1.0), ("full", 2.0)];

fn node(mode: f64) -> Host {
    let documented =
        [("state.window", 10.0), ("state.min_attempts", 20.0), ("state.min_errors", 2.0)];
    let values: Vec<_> = documented.into_iter().chain([("share.mode", mode)]).collect();
    Host::of_keys(params("windtunnel", &values), 2)
}

/// Both nodes at their next tick, each having heard the other's report just before.
fn exchange(a: &mut Host, b: &mut Host) {
    let (from_a, from_b) = (a.engine.report(a.now), b.engine.report(b.now));
    a.engine.hear(2, b.now, &from_b);
    b.engine.hear(1, a.now, &from_a);
    a.tick();
    b.tick();
}

#[test]
fn rate_limits_are_shared_in_limits_and_full_mode_and_end_everywhere_at_once() {
    for (name, mode) in MODES {
        let (mut a, mut b) = (node(mode), node(mode));
        a.now = Time::from_secs(2);
        b.now = a.now;
        a.attempt(0, Outcome::RateLimited { retry_after: Some(Span::from_secs(22)) });
        let report = a.engine.report(a.now);
        b.engine.hear(1, b.now, &report);
        assert_eq!(b.draw(100, &b.need())[0] == 0, mode > 0.0, "{name}: at once");
        // Back and forth: the end does not move.
        for _ in 0..4 {
            exchange(&mut a, &mut b);
        }
        b.now = Time(23_999_999_999);
        assert_eq!(b.draw(100, &b.need())[0] == 0, mode > 0.0, "{name}");
        b.now = Time::from_secs(24);
        assert!(b.draw(100, &b.need())[0] > 0, "{name}");
    }
}

#[test]
fn backoffs_for_errors_are_not_told_as_rate_limits() {
    let (mut a, mut b) = (node(1.0), node(1.0));
    a.attempts(0, 100, 100);
    a.tick();
    b.tick();
    assert_eq!(a.health(0), Health::Failed);
    exchange(&mut a, &mut b);
    assert!(b.draw(100, &b.need())[0] > 0);
}

#[test]
fn windows_are_shared_in_full_mode_only() {
    for (name, mode) in MODES {
        let (mut a, mut b) = (node(mode), node(mode));
        // Neither has enough to judge by: ten attempts of each on the failing key.
        for host in [&mut a, &mut b] {
            host.attempts(0, 12, 12);
            host.attempts(1, 100, 0);
        }
        a.tick();
        b.tick();
        assert_eq!(b.health(0), Health::Healthy);
        let report = a.engine.report(a.now);
        for _ in 0..3 {
            b.engine.hear(1, b.now, &report);
        }
        b.tick();
        let full = mode == 2.0;
        assert_eq!(b.health(0) == Health::Failed, full, "{name}");
    }
}

/// The score part of route 0 of a node that has seen 100 clean attempts and heard `reports` (peer, sent at).
fn penalty(reports: &[(u64, u64, &Report)]) -> f64 {
    let mut host = node(2.0);
    host.attempts(0, 100, 0);
    host.attempts(1, 100, 0);
    for (peer, secs, report) in reports {
        host.engine.hear(*peer, Time::from_secs(*secs), report);
    }
    host.tick();
    host.view(0).parts.error
}

#[test]
fn hearing_is_idempotent_and_the_newest_report_per_peer_counts() {
    let report = |errors| {
        let mut peer = node(2.0);
        peer.until(Time::from_secs(4));
        peer.attempts(0, 1000, errors);
        peer.tick();
        peer.engine.report(peer.now)
    };
    let (few, many) = (report(1), report(15));
    let once = penalty(&[(9, 4, &few)]);
    assert!(once > 0.0);
    assert_eq!(
        penalty(&[(9, 4, &few), (9, 4, &few), (9, 4, &many)]),
        once,
        "the first of a moment"
    );
    assert_eq!(penalty(&[(9, 4, &few), (9, 3, &many)]), once, "the newest wins, whenever it comes");
    let worse = penalty(&[(9, 4, &many)]);
    assert!(worse > once);
    assert_eq!(penalty(&[(9, 3, &few), (9, 4, &many)]), worse);
    let both = penalty(&[(9, 4, &few), (8, 4, &many)]);
    assert!(once < both && both < worse, "two peers are pooled: {once} {both} {worse}");
    assert_eq!(penalty(&[(7, 4, &Report::default())]), 0.0);
}

#[test]
fn a_peer_silent_for_three_intervals_is_dropped() {
    let mut peer = node(2.0);
    peer.attempts(0, 1000, 15);
    peer.tick();
    let report = peer.engine.report(peer.now);
    let mut host = node(2.0);
    host.engine.hear(9, Time::from_secs(5), &report);
    let heard = |host: &mut Host| {
        host.attempts(0, 10, 0);
        host.tick();
        host.view(0).parts.error > 0.0
    };
    let seen: Vec<bool> = (0..5).map(|_| heard(&mut host)).collect();
    assert_eq!(seen, [true, true, true, true, false], "at 5, 10, 15, 20 and 25 s");
}

#[test]
fn a_hold_anywhere_holds_everywhere_and_one_release_releases_everywhere() {
    for (name, mode) in MODES {
        let (mut a, mut b) = (node(mode), node(mode));
        a.attempt(0, Outcome::KeyRefused { class: Refusal::Credential });
        for host in [&mut a, &mut b] {
            host.tick();
        }
        let report = a.engine.report(a.now);
        b.engine.hear(1, b.now, &report);
        assert_eq!(b.draw(50, &b.need())[0] == 0, mode > 0.0, "{name}: at once");
        for _ in 0..3 {
            exchange(&mut a, &mut b);
        }
        assert_eq!(b.view(0).hold.is_some(), mode > 0.0, "{name}");
        // A's check is served; b hears of it and releases too, and neither takes it back from the other.
        let check = a.engine.pin(a.now, a.keys[0]).unwrap();
        assert!(check.is_check());
        a.engine.end(check, a.now, super::engine_host::DONE);
        for _ in 0..6 {
            exchange(&mut a, &mut b);
        }
        for host in [&a, &b] {
            let held = host.changes.iter().filter(|c| c.reason == Reason::Held).count();
            let released = host.changes.iter().filter(|c| c.reason == Reason::Released).count();
            assert_eq!(host.view(0).hold, None, "{name}");
            assert_eq!(held, released, "{name}");
            assert!(held <= 1, "{name}: held again by an echo");
        }
    }
}

#[test]
fn a_refusal_is_told_before_the_tick_and_comes_back_no_younger() {
    let (mut a, mut b) = (node(1.0), node(1.0));
    (a.now, b.now) = (Time::from_secs(1), Time::from_secs(1));
    a.attempt(0, Outcome::KeyRefused { class: Refusal::Credential });
    let held = |host: &Host, now| host.engine.report(now).routes.iter().find_map(|r| r.held);
    let at = Time::from_secs(2);
    assert_eq!(held(&a, at).unwrap().age, Span::from_secs(1), "since the refusal");
    b.engine.hear(1, at, &a.engine.report(at));
    assert_eq!(b.draw(50, &b.need())[0], 0);
    let later = Time::from_secs(4);
    assert_eq!(held(&b, later).unwrap().age, Span::from_secs(3), "as old as it was said to be");
}

#[test]
fn a_failed_check_raises_the_rung_everywhere() {
    let (mut a, mut b) = (node(1.0), node(1.0));
    a.attempt(0, Outcome::KeyRefused { class: Refusal::Credential });
    exchange(&mut a, &mut b);
    for _ in 0..3 {
        let check = a.engine.pin(a.now, a.keys[0]).unwrap();
        a.engine.end(check, a.now, Outcome::KeyRefused { class: Refusal::Credential });
        exchange(&mut a, &mut b);
        exchange(&mut a, &mut b);
    }
    let rung =
        |host: &Host| host.engine.report(host.now).routes.iter().find_map(|r| r.held).unwrap().rung;
    assert_eq!((rung(&a), rung(&b)), (3, 3));
}

#[test]
fn a_report_of_another_pool_changes_nothing() {
    let mut stranger = Host::new(
        Params::from_preset("windtunnel").unwrap(),
        vec![windtunnel::engine::Route::new("elsewhere", "chat", "k0")],
    );
    stranger.attempt(0, Outcome::KeyRefused { class: Refusal::Credential });
    stranger.attempt(0, ERROR);
    stranger.tick();
    let report = stranger.engine.report(stranger.now);
    let mut host = node(2.0);
    host.attempts(0, 10, 0);
    host.attempts(1, 10, 0);
    host.engine.hear(3, host.now, &report);
    assert!(host.tick().is_empty());
    assert_eq!(host.view(0).weight, 1000.0);
}
