//! Slow and silent providers through the engine's public API.

use windtunnel::engine::{Health, Need, Outcome, Past, Reason, Span, Ticket, Time, luck};

use super::engine_host::{DONE, Host, params, routes};

/// Latency of an answer: a second, ±30 %, times a factor.
fn took(n: u64, factor: f64) -> Span {
    Span::from_secs_f64((0.7 + 0.6 * luck::unit(luck::mix(3, n))) * factor)
}

/// Drives two providers of two keys for so long at 100 requests a second; those of p0 take `factor` as long.
fn serve(host: &mut Host, secs: u64, factor: f64) {
    let end = host.now + Span::from_secs(secs);
    let mut n = host.now.0;
    while host.now < end {
        host.until(host.now + Span::from_millis(10));
        let ticket = host.ask();
        n += 1;
        let factor = if host.index(ticket) < 2 { factor } else { 1.0 };
        host.engine.end(ticket, host.now + took(n, factor), DONE);
    }
}

#[test]
fn doubled_latency_degrades_the_provider_and_normal_latency_heals_it() {
    let mut host = Host::new(params("bifrost-published", &[]), routes(2, 2));
    serve(&mut host, 120, 1.0);
    assert!(host.changes.is_empty(), "{:?}", host.changes);
    let begins = host.now;
    serve(&mut host, 20, 2.5);
    for at in 0..2 {
        let change = host.changes.iter().find(|change| change.route == host.keys[at]).unwrap();
        assert_eq!((change.to, change.reason), (Health::Degraded, Reason::Latency));
        assert!(change.at.since(begins) <= Span::from_secs(15));
        assert!(host.view(at).weight < 950.05, "out of the band at the Degraded edge");
        assert!(host.view(at).probability > 0.0, "still used");
    }
    assert_eq!((host.health(2), host.health(3)), (Health::Healthy, Health::Healthy));
    host.changes.clear();
    serve(&mut host, 40, 1.0);
    assert!(host.changes.iter().all(|c| (c.to, c.reason) == (Health::Healthy, Reason::Clean)));
    assert_eq!(host.changes.len(), 2);
}

#[test]
fn a_preloaded_past_teaches_the_latency_model() {
    let mut host = Host::new(params("bifrost-published", &[]), routes(2, 2));
    let samples: Vec<_> = (0..200).map(|n| (took(n, 1.0), 300, 100)).collect();
    let past = Past { span: Span::from_secs(3600), rate: 25.0, error_rate: 0.0, samples };
    let pasts: Vec<_> = host.keys.iter().map(|key| (*key, past.clone())).collect();
    host.engine.remember(host.now, &pasts);
    assert_eq!(host.engine.report(host.now).routes[0].all.attempts, 90_000);
    serve(&mut host, 15, 2.5);
    assert_eq!((host.health(0), host.health(2)), (Health::Degraded, Health::Healthy));
}

/// Two providers at 100 requests a second; answers take two seconds, streams show a token after 0.3 s; from
/// 60 s on p0 accepts requests and says nothing. When each route was first seen in a bad state, and why.
fn hang(silence: f64) -> (Host, Option<Time>) {
    let params = params("bifrost-published", &[("silence.enabled", silence)]);
    let mut host = Host::new(params, routes(2, 2));
    let mut open: Vec<(Time, Ticket)> = Vec::new();
    let (first_token, timeout) = (Span::from_millis(300), Span::from_secs(60));
    for step in 0..9_000u64 {
        let now = Time(step * 10_000_000);
        host.until(now);
        let ticket = host.ask();
        let hangs = host.index(ticket) < 2 && now >= Time::from_secs(60);
        open.push((now + if hangs { timeout } else { first_token }, ticket));
        while open.first().is_some_and(|(at, _)| *at <= now) {
            let (_, mut ticket) = open.remove(0);
            host.engine.first_token(&mut ticket, now);
            host.engine.end(ticket, now + Span::from_secs(2), DONE);
        }
        open.sort_unstable_by_key(|(at, ticket)| (*at, ticket.at()));
    }
    let bad = host.changes.iter().find(|c| c.route == host.keys[0] || c.route == host.keys[1]);
    let at = bad.map(|change| change.at);
    (host, at)
}

#[test]
fn a_silent_hang_is_seen_long_before_its_timeout_by_the_age_of_unanswered_attempts() {
    let (host, seen) = hang(1.0);
    let after = seen.unwrap().since(Time::from_secs(60));
    assert!(after <= Span::from_secs(10), "seen after {after}, the timeout is 60 s");
    assert!(host.changes.iter().all(|c| c.route == host.keys[0] || c.route == host.keys[1]));
    assert_eq!(host.health(0), Health::Degraded);
    let (_, seen) = hang(0.0);
    assert_eq!(seen, None, "the published rules wait for outcomes");
}

#[test]
fn an_answered_stream_is_not_silent() {
    let mut host = Host::of_keys(
        params("bifrost-published", &[("silence.enabled", 1.0), ("silence.min_open", 5.0)]),
        2,
    );
    let tick = |host: &mut Host, hear: bool| {
        let need = Need { ..host.need() };
        let mut tickets: Vec<Ticket> = (0..40).map(|_| host.decide(&need).unwrap()).collect();
        host.now += Span::from_millis(4_000);
        if hear {
            tickets.iter_mut().for_each(|t| host.engine.first_token(t, host.now));
            // Twice does not count twice.
            tickets.iter_mut().for_each(|t| host.engine.first_token(t, host.now));
        }
        host.tick();
        tickets
    };
    // A baseline of silence 5 s old, then streams that are heard, open for minutes.
    for ticket in tick(&mut host, false) {
        host.engine.end(ticket, host.now, Outcome::Cancelled);
    }
    let mut open = Vec::new();
    for _ in 0..24 {
        open.extend(tick(&mut host, true));
        assert_eq!(host.view(0).parts.latency, 0.0);
    }
    let unheard = tick(&mut host, false);
    for _ in 0..3 {
        host.tick();
    }
    assert!(host.view(0).parts.latency > 0.25, "{:?}", host.view(0).parts);
    for ticket in open.into_iter().chain(unheard) {
        host.engine.end(ticket, host.now, Outcome::Cancelled);
    }
    host.tick();
    assert_eq!(host.view(0).parts.latency, 0.0, "no one is waiting any more");
}
