//! Selection through the engine's public API: band and exploration, tried routes, allowed lists, pinned
//! providers, the five switches.

use windtunnel::engine::{Health, Need, NoRoute, ProviderKey, Route, RouteKey};

use super::engine_host::{Host, assert_fits, params, routes};

/// Keys of one provider with so many errors per thousand each, in the published band rule.
fn with_errors(errors: &[u64]) -> Host {
    let mut host = Host::of_keys(params("bifrost-published", &[]), errors.len());
    for (at, errors) in errors.iter().enumerate() {
        host.attempts(at, 1000, *errors);
    }
    host.tick();
    host
}

fn odds(host: &Host) -> Vec<f64> {
    (0..host.keys.len()).map(|at| host.view(at).probability).collect()
}

// Vendor, Adaptive Load Balancing, 2025-12: 5 % band, 25 % exploration.
#[test]
fn three_quarters_go_to_the_band_by_weight_and_a_quarter_explores_evenly() {
    let mut host = with_errors(&[0, 15, 0, 2, 18]);
    let p = odds(&host);
    assert_eq!((p[0], p[2]), (0.375, 0.375), "the two within 5 % of the best");
    for at in [1, 3, 4] {
        assert!((p[at] - 0.25 / 3.0).abs() < 1e-12, "outside: {p:?}");
    }
    let seen = host.draw(40_000, &host.need());
    assert_fits(&seen, &p);
}

#[test]
fn within_the_band_the_draw_is_by_weight_and_exactly_five_percent_below_is_inside() {
    let mut host = Host::of_keys(params("bifrost-published", &[]), 2);
    // An error penalty of exactly 0.1 costs 5 % of a range that starts at 0.
    for (id, value) in [("weight.min", 0.0), ("error.cap", 0.1), ("error.tau_fast", 3600.0)] {
        let mut params = host.engine.params();
        params.set(id, value).unwrap();
        host.engine.set_params(params, host.now).unwrap();
    }
    host.now = host.next_tick;
    host.attempts(0, 1000, 20);
    host.attempts(1, 1000, 0);
    host.tick();
    assert_eq!((host.view(0).weight, host.view(1).weight), (950.0, 1000.0));
    let p = odds(&host);
    assert_eq!(p, [950.0 / 1950.0, 1000.0 / 1950.0]);
    let seen = host.draw(40_000, &host.need());
    assert_fits(&seen, &p);
}

#[test]
fn two_levels_multiply() {
    let mut host = Host::new(params("bifrost-published", &[]), routes(3, 2));
    for at in 0..6 {
        host.attempts(at, 1000, if at < 2 { 10 } else { 0 });
    }
    host.tick();
    // Provider p0 is outside the band of providers; its two keys are equal.
    let p = odds(&host);
    assert_eq!(p, [0.125, 0.125, 0.1875, 0.1875, 0.1875, 0.1875]);
    let seen = host.draw(40_000, &host.need());
    assert_fits(&seen, &p);
}

/// Probabilities without the tried routes.
fn left(host: &Host, tried: &[usize]) -> Vec<f64> {
    let p = odds(host);
    (0..p.len()).map(|at| if tried.contains(&at) { 0.0 } else { p[at] }).collect()
}

#[test]
fn without_the_tried_routes_the_snapshot_is_renormalised_by_redraws_and_by_the_scan() {
    let mut host = with_errors(&[0, 15, 0, 2, 18, 0, 1, 3]);
    // A little tried: redraws find the rest. Nearly everything: 8 redraws miss, the exact scan decides.
    for tried in [vec![1], vec![0, 2, 5], vec![0, 2, 3, 4, 5, 6]] {
        let keys: Vec<RouteKey> = tried.iter().map(|at| host.keys[*at]).collect();
        let need = Need { tried: &keys, ..host.need() };
        let seen = host.draw(20_000, &need);
        assert_fits(&seen, &left(&host, &tried));
    }
}

#[test]
fn no_route_is_tried_twice_while_another_is_left() {
    let mut host = Host::new(params("windtunnel", &[]), routes(3, 4));
    host.attempts(3, 100, 100);
    host.tick();
    assert_eq!(host.health(3), Health::Failed);
    for _ in 0..500 {
        let mut tried: Vec<RouteKey> = Vec::new();
        for n in 0..12 {
            let need = Need { tried: &tried, ..host.need() };
            let ticket = host.decide(&need).unwrap();
            assert!(!tried.contains(&ticket.route()));
            assert_eq!(host.index(ticket) == 3, n == 11, "the Failed one comes last");
            tried.push(ticket.route());
        }
        let need = Need { tried: &tried, ..host.need() };
        assert_eq!(host.decide(&need), Err(NoRoute { retry_at: None }));
    }
}

#[test]
fn an_allowed_list_is_kept_to_with_the_snapshots_probabilities() {
    let mut host = with_errors(&[0, 15, 0, 2, 18, 0]);
    let list = [host.keys[1], host.keys[2], host.keys[4]];
    let allowed = host.engine.allow(&list, host.now);
    let need = Need { allowed: Some(allowed), ..host.need() };
    let seen = host.draw(20_000, &need);
    assert_fits(&seen, &left(&host, &[0, 3, 5]));
    // Excluded members are skipped, and tried ones, down to the last.
    host.attempts(2, 1000, 1000);
    host.tick();
    assert_eq!(host.draw(1_000, &need)[2], 0);
    let tried = [host.keys[1], host.keys[4]];
    let need = Need { tried: &tried, ..need };
    assert_eq!(host.draw(10, &need)[2], 10, "failing open stays within the list");
    let nothing = host.engine.allow(&[], host.now);
    let need = Need { allowed: Some(nothing), ..host.need() };
    assert_eq!(host.decide(&need), Err(NoRoute { retry_at: None }));
}

#[test]
fn a_pinned_provider_is_kept_to_with_and_without_an_allowed_list() {
    let mut host = Host::new(params("bifrost-published", &[]), routes(3, 3));
    let pinned = host.engine.provider("p1").unwrap();
    let need = Need { provider: Some(pinned), ..host.need() };
    let seen = host.draw(9_000, &need);
    assert_fits(&seen, &[0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
    let list = [host.keys[0], host.keys[3], host.keys[5], host.keys[8]];
    let allowed = host.engine.allow(&list, host.now);
    let seen = host.draw(9_000, &Need { allowed: Some(allowed), ..need });
    assert_fits(&seen, &[0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn models_are_served_by_their_own_routes_only() {
    let mut pool = routes(2, 2);
    pool.push(Route::new("p0", "small", "k0"));
    let mut host = Host::new(params("bifrost-published", &[]), pool);
    let small = host.engine.model("small").unwrap();
    assert_eq!(host.draw(100, &Need { model: small, ..host.need() }), [0, 0, 0, 0, 100]);
    let pinned = host.engine.provider("p1");
    let need = Need { model: small, provider: pinned, ..host.need() };
    assert_eq!(host.decide(&need), Err(NoRoute { retry_at: None }), "p1 does not serve it");
    assert_eq!((host.engine.model("huge"), host.engine.provider("p9")), (None, None));
}

fn switched(id: &str, value: f64) -> Host {
    let mut pool = routes(3, 2);
    pool.truncate(5);
    Host::new(params("bifrost-published", &[(id, value)]), pool)
}

#[test]
fn with_direction_selection_off_providers_share_evenly() {
    for (value, share) in [(1.0, 0.25), (0.0, 1.0 / 3.0)] {
        let mut host = switched("switch.direction_selection", value);
        for at in 0..5 {
            host.attempts(at, 1000, if at < 2 { 10 } else { 0 });
        }
        host.tick();
        let p = odds(&host);
        assert!((p[0] + p[1] - share).abs() < 1e-12, "{p:?}");
    }
}

#[test]
fn with_route_selection_off_keys_go_by_static_weight_and_only_holds_are_heeded() {
    use windtunnel::engine::{Outcome, Refusal};
    let mut params = params("windtunnel", &[("switch.route_selection", 0.0)]);
    params.set("hold.enabled", 1.0).unwrap();
    let pool = [3.0, 1.0, 0.0, 1.0].iter().enumerate();
    let pool = pool.map(|(k, w)| Route::new("p", "chat", format!("k{k}")).weight(*w)).collect();
    let mut host = Host::new(params, pool);
    assert_fits(&host.draw(10_000, &host.need()), &[0.6, 0.2, 0.0, 0.2]);
    host.attempts(0, 1000, 1000);
    host.attempt(0, Outcome::RateLimited { retry_after: None });
    host.tick();
    assert_eq!(host.health(0), Health::Failed, "metrics go on");
    assert_fits(&host.draw(10_000, &host.need()), &[0.6, 0.2, 0.0, 0.2]);
    host.attempt(1, Outcome::KeyRefused { class: Refusal::Credential });
    for _ in 0..2 {
        assert_fits(&host.draw(10_000, &host.need()), &[0.75, 0.0, 0.0, 0.25]);
        host.tick();
    }
}

/// Three providers, the first Failed; fallbacks as the engine lists them.
fn lists(ids: &[(&str, f64)], pinned: Option<usize>, configured: &[usize]) -> Vec<usize> {
    let mut host = Host::new(params("bifrost-published", ids), routes(3, 1));
    host.attempts(0, 1000, 1000);
    host.attempts(1, 1000, 10);
    host.attempts(2, 1000, 0);
    host.tick();
    let keys: Vec<ProviderKey> =
        (0..3).map(|p| host.engine.provider(&format!("p{p}")).unwrap()).collect();
    let configured: Vec<ProviderKey> = configured.iter().map(|p| keys[*p]).collect();
    let mut out = Vec::new();
    host.engine.fallbacks(host.chat, pinned.map(|p| keys[p]), &configured, &mut out);
    out.iter().map(|p| keys.iter().position(|key| key == p).unwrap()).collect()
}

#[test]
fn the_three_fallback_switches_append_reroute_and_prune() {
    const APPEND: (&str, f64) = ("switch.append_fallbacks_to_pinned", 1.0);
    const REROUTE: (&str, f64) = ("switch.reroute_failed_directions", 1.0);
    const PRUNE: (&str, f64) = ("switch.prune_failed_fallbacks", 1.0);
    assert_eq!(lists(&[], None, &[]), [2, 1], "healthy ones, best first");
    assert_eq!(lists(&[], None, &[1, 0]), [1, 0, 2], "configured ones first");
    assert_eq!(lists(&[PRUNE], None, &[1, 0]), [1, 2]);
    assert_eq!(lists(&[], Some(0), &[]), [0], "a pinned request is left alone");
    assert_eq!(lists(&[APPEND], Some(0), &[]), [0, 2, 1]);
    assert_eq!(lists(&[REROUTE], Some(0), &[]), [2]);
    assert_eq!(lists(&[REROUTE], Some(1), &[]), [1], "it is not Failed");
    assert_eq!(lists(&[], Some(1), &[0, 1]), [1, 0], "never twice");
    assert_eq!(lists(&[PRUNE, APPEND], Some(1), &[0]), [1, 2]);
}

#[test]
fn a_provider_is_failed_only_when_all_its_keys_are() {
    let mut host = Host::new(params("bifrost-published", &[("backoff.first", 60.0)]), routes(2, 2));
    let mut out = Vec::new();
    let p0 = host.engine.provider("p0").unwrap();
    for (failed, listed) in [(1, true), (2, false)] {
        for at in 0..failed {
            host.attempts(at, 1000, 1000);
        }
        host.tick();
        host.engine.fallbacks(host.chat, None, &[], &mut out);
        assert_eq!(out.contains(&p0), listed, "{failed} of 2 keys Failed");
    }
}
