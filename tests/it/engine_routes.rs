//! Routes that come and go, parameters that change, ticks that come late or twice, and ten thousand routes.

use windtunnel::engine::{
    Engine, Health, Need, NoRoute, Outcome, PRESETS, ParamError, Params, Refusal, Route, Span, Time,
};

use super::engine_host::{DONE, ERROR, Host, params, routes};

#[test]
fn an_added_route_is_used_at_once_at_full_weight_and_a_removed_one_never_again() {
    let mut host = Host::of_keys(params("windtunnel", &[]), 2);
    host.until(Time::from_secs(7));
    host.keys.push(host.engine.add(Route::new("p0", "chat", "new"), host.now));
    assert_eq!(host.view(2).weight, 1000.0);
    assert!(host.draw(300, &host.need()).iter().all(|seen| *seen > 50));
    host.engine.remove(host.keys[0], host.now);
    let seen = host.draw(300, &host.need());
    assert_eq!(seen[0], 0);
    let allowed = host.engine.allow(&host.keys[..1], host.now);
    let need = Need { allowed: Some(allowed), ..host.need() };
    assert_eq!(host.decide(&need), Err(NoRoute { retry_at: None }));
    host.engine.remove(host.keys[1], host.now);
    host.engine.remove(host.keys[2], host.now);
    let need = host.need();
    assert_eq!(host.decide(&need), Err(NoRoute { retry_at: None }));
    assert!(host.tick().is_empty());
}

#[test]
fn the_same_identity_finds_its_history_its_state_and_its_hold_again() {
    let mut host = Host::of_keys(params("windtunnel", &[("backoff.first", 60.0)]), 3);
    host.attempts(0, 100, 100);
    host.attempt(1, Outcome::KeyRefused { class: Refusal::Credential });
    host.tick();
    for at in [0, 1] {
        host.engine.remove(host.keys[at], host.now);
    }
    host.tick();
    for at in [0, 1] {
        let again = host.engine.add(Route::new("p0", "chat", format!("k{at}")), host.now);
        assert_eq!(again, host.keys[at]);
    }
    assert_eq!((host.health(0), host.view(0).hold), (Health::Failed, None));
    assert!(host.view(1).hold.is_some());
    assert_eq!(host.draw(50, &host.need()), [0, 0, 50]);
    assert_eq!(host.engine.report(host.now).routes.len(), 3);
    // A new key of the same provider is nobody's heir.
    host.keys.push(host.engine.add(Route::new("p0", "chat", "k9"), host.now));
    assert_eq!(host.health(3), Health::Healthy);
    host.engine.remove(host.keys[3], host.now);
    host.engine.add(Route::new("p0", "chat", "k9").region("eu"), host.now);
    assert_eq!(host.engine.report(host.now).routes.len(), 4);
}

/// Rotates so many keys through an engine with one lasting route.
fn rotated(count: u64) -> Host {
    let mut host = Host::of_keys(params("windtunnel", &[]), 1);
    for n in 0..count {
        host.now += Span::from_millis(1);
        let key = host.engine.add(Route::new("p0", "chat", format!("rotated-{n}")), host.now);
        host.keys.push(key);
        host.engine.remove(key, host.now);
    }
    host
}

#[test]
fn slots_are_reused_oldest_first_once_a_thousand_keys_have_been_rotated_out() {
    let host = rotated(1_024);
    let newest = *host.keys.last().unwrap();
    let key = host.engine.add(Route::new("p0", "chat", "fresh"), host.now);
    assert_eq!(key.to_word() as u32, host.keys[1].to_word() as u32, "the oldest's slot");
    assert_ne!(key, host.keys[1]);
    let again = host.engine.add(Route::new("p0", "chat", "rotated-1023"), host.now);
    assert_eq!(again, newest, "the newest keeps its history");
    assert!(host.engine.pin(host.now, host.keys[1]).is_err(), "its old key is no one's");
}

#[test]
fn a_reused_slot_inherits_nothing() {
    let mut host = Host::of_keys(params("windtunnel", &[]), 1);
    let doomed = host.engine.add(Route::new("p0", "chat", "doomed"), host.now);
    let allowed = host.engine.allow(&[doomed], host.now);
    for outcome in [
        Outcome::RateLimited { retry_after: Some(Span::from_secs(600)) },
        Outcome::KeyRefused { class: Refusal::Credential },
        ERROR,
    ] {
        let ticket = host.engine.pin(host.now, doomed).unwrap();
        host.engine.end(ticket, host.now, outcome);
    }
    host.tick();
    host.engine.remove(doomed, host.now);
    for n in 0..1_023 {
        host.now += Span::from_millis(1);
        let key = host.engine.add(Route::new("p0", "chat", format!("rotated-{n}")), host.now);
        host.engine.remove(key, host.now);
    }
    let fresh = host.engine.add(Route::new("p0", "chat", "fresh"), host.now);
    host.keys.push(fresh);
    assert_eq!(fresh.to_word() as u32, doomed.to_word() as u32);
    for _ in 0..3 {
        assert_eq!((host.health(1), host.view(1).hold), (Health::Healthy, None));
        assert_eq!(host.view(1).parts.error, 0.0);
        assert!(host.draw(100, &host.need())[1] > 20);
        host.tick();
    }
    let need = Need { allowed: Some(allowed), ..host.need() };
    assert!(host.decide(&need).is_err(), "what allowed the old key does not allow the new one");
}

#[test]
fn a_slot_with_an_open_attempt_is_not_reused_and_stale_tickets_are_harmless() {
    let mut host = Host::of_keys(params("windtunnel", &[]), 1);
    let old = host.engine.add(Route::new("p0", "chat", "old"), host.now);
    let mut ticket = host.engine.pin(host.now, old).unwrap();
    host.engine.first_token(&mut ticket, host.now);
    host.engine.remove(old, host.now);
    for n in 0..1_100 {
        host.now += Span::from_millis(1);
        let key = host.engine.add(Route::new("p0", "chat", format!("rotated-{n}")), host.now);
        assert_ne!(key.to_word() as u32, old.to_word() as u32, "a stream is open on it");
        host.engine.remove(key, host.now);
    }
    host.engine.end(ticket, host.now, DONE);
    let next = host.engine.add(Route::new("p0", "chat", "next"), host.now);
    assert_eq!(next.to_word() as u32, old.to_word() as u32);
    // The host ends it again, and more than once: the slot's new owner does not notice.
    for outcome in [ERROR, DONE, Outcome::RateLimited { retry_after: None }] {
        host.engine.end(ticket, host.now, outcome);
        host.engine.first_token(&mut ticket, host.now);
        host.engine.headers(ticket, host.now, &windtunnel::engine::Limits::default());
    }
    host.keys = vec![host.keys[0], next];
    assert!(host.draw(100, &host.need())[1] > 20);
    host.tick();
    assert_eq!(host.health(1), Health::Healthy);
}

#[test]
fn parameters_change_while_running_all_or_nothing() {
    let mut host = Host::of_keys(params("bifrost-published", &[]), 2);
    host.attempts(0, 1000, 30);
    host.attempts(1, 1000, 0);
    host.tick();
    assert_eq!(host.health(0), Health::Degraded);
    // Nothing of a bad set is taken over: not a contradiction, not a value out of its range, not NaN.
    let good = host.engine.params();
    for bad in [
        Params { selection_explore: 0.5, state_window: 12.0, ..good.clone() },
        Params { selection_explore: 0.5, state_failed: 0.01, ..good.clone() },
        Params { selection_explore: 0.5, interval: 0.0, ..good.clone() },
        Params { selection_explore: 0.5, interval: f64::NAN, ..good.clone() },
        Params { selection_explore: -0.5, ..good.clone() },
    ] {
        assert!(host.engine.set_params(bad.clone(), host.now).is_err());
        assert_eq!(host.engine.params(), good);
        assert_eq!(host.view(0).probability, 0.25);
        assert!(Engine::new(bad, host.now).is_err());
    }
    // Selection heeds a good one at once, states at the next tick.
    let new = Params { selection_explore: 0.5, state_failed: 0.025, ..good };
    host.engine.set_params(new.clone(), host.now).unwrap();
    assert_eq!((host.engine.params(), host.view(0).probability), (new, 0.5));
    host.attempts(1, 100, 0);
    host.tick();
    assert_eq!(host.health(0), Health::Failed, "3 % is over 2.5 %");
}

#[test]
fn limits_heed_new_parameters_at_once() {
    let mut host = Host::of_keys(params("bifrost-published", &[]), 2);
    let refused = Outcome::KeyRefused { class: Refusal::Credential };
    host.attempt(0, refused);
    assert!(host.draw(50, &host.need())[0] > 0);
    host.engine.set_params(params("windtunnel", &[]), host.now).unwrap();
    host.attempt(0, refused);
    assert_eq!(host.draw(50, &host.need())[0], 0);
}

#[test]
fn a_late_tick_folds_the_span_that_passed_and_a_second_ticker_finds_nothing() {
    let mut host = Host::of_keys(params("bifrost-published", &[]), 1);
    host.attempts(0, 1000, 40);
    host.tick();
    assert_eq!(host.health(0), Health::Degraded);
    let before = host.view(0);
    for early in [0, 1_000, 4_400] {
        let at = host.now + Span::from_millis(early);
        assert!(host.engine.tick(at).is_empty());
        assert_eq!(host.view(0), before, "{early} ms after a tick is too early");
    }
    assert!(host.engine.tick(host.now.back(Span::from_secs(3))).is_empty(), "nor earlier");
    // Forty seconds late: the ten-second window holds nothing of what was before, the minute still does.
    host.now += Span::from_secs(45);
    host.attempts(0, 1000, 0);
    let changes = host.engine.tick(host.now);
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].to, host.health(0)), (Health::Healthy, Health::Healthy));
    let report = host.engine.report(host.now).routes[0];
    assert_eq!((report.sums[0].attempts, report.sums[0].errors), (1000, 0));
    assert_eq!((report.sums[2].attempts, report.sums[2].errors), (2000, 40));
    // A day's sleep empties every window, and costs no more than a minute's.
    host.now += Span::from_secs(86_400);
    host.engine.tick(host.now);
    let report = host.engine.report(host.now).routes[0];
    assert!(report.sums.iter().all(|sum| sum.attempts == 0));
    assert_eq!(report.all.attempts, 2000);
}

#[test]
fn every_preset_runs_through_an_outage_and_comes_back() {
    for preset in PRESETS {
        let mut host = Host::new(params(preset.name, &[]), routes(3, 2));
        let gap = Span::from_millis(4);
        host.drive(Time::from_secs(60), gap, |_, _| DONE);
        let sick = |at: usize| if at < 2 { ERROR } else { DONE };
        host.drive(Time::from_secs(90), gap, |at, _| sick(at));
        let failed = |host: &Host| (0..6).filter(|at| host.health(*at) == Health::Failed).count();
        assert!(host.changes.iter().any(|change| change.to == Health::Failed), "{}", preset.name);
        assert!(failed(&host) <= 2, "{}", preset.name);
        host.drive(Time::from_secs(330), gap, |_, _| DONE);
        for at in 0..6 {
            assert_eq!(host.health(at), Health::Healthy, "{} route {at}", preset.name);
        }
        let p: f64 = (0..6).map(|at| host.view(at).probability).sum();
        assert!((p - 1.0).abs() < 1e-9, "{}: {p}", preset.name);
    }
    assert!(matches!(Params::from_preset("bifrost"), Err(ParamError::Unknown { .. })));
}

#[test]
fn ten_thousand_routes_fail_and_return_each_for_itself() {
    let mut host = Host::new(params("windtunnel", &[]), routes(100, 100));
    for at in 0..10_000 {
        host.attempts(at, 20, if at % 7 == 3 { 20 } else { 0 });
    }
    let changes = host.tick();
    assert_eq!(changes.len(), (0..10_000).filter(|at| at % 7 == 3).count());
    let mut sum = 0.0;
    let mut failed = 0;
    host.engine.show(|key, view| {
        sum += view.probability;
        failed += usize::from(view.health == Health::Failed);
        let sick = (key.to_word() as u32) % 7 == 3;
        assert_eq!((view.probability == 0.0, view.health == Health::Failed), (sick, sick));
    });
    assert_eq!(failed, changes.len());
    assert!((sum - 1.0).abs() < 1e-9);
    for _ in 0..20_000 {
        let ticket = host.ask();
        assert_ne!((ticket.route().to_word() as u32) % 7, 3);
        host.engine.end(ticket, host.now, DONE);
    }
    host.tick();
    assert_eq!(host.changes.iter().filter(|c| c.to == Health::Recovering).count(), failed);
}
