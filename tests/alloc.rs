//! Deciding, reporting and recording allocate nothing, whatever happens: a counting allocator watches this thread.
#![expect(clippy::unwrap_used, reason = "a test may")]

use windtunnel::engine::{
    Allowed, Engine, FlightRecorder, Limits, Need, Outcome, Params, Refusal, Route, RouteKey, Span,
    Ticket, Time, luck,
};

const OUTCOMES: [Outcome; 12] = [
    Outcome::Done { prompt_tokens: 300, output_tokens: 100 },
    Outcome::RateLimited { retry_after: Some(Span::from_secs(20)) },
    Outcome::RateLimited { retry_after: None },
    Outcome::ServerError { status: 503 },
    Outcome::Unreachable,
    Outcome::Timeout,
    Outcome::StreamBroken { prompt_tokens: 300, output_tokens: 20 },
    Outcome::KeyRefused { class: Refusal::Credential },
    Outcome::KeyRefused { class: Refusal::ModelAccess },
    Outcome::CallerFault { status: 400 },
    Outcome::Cancelled,
    Outcome::Done { prompt_tokens: 9_000, output_tokens: 2_000 },
];

struct Gateway {
    engine: Engine,
    keys: Vec<RouteKey>,
    tried: Vec<RouteKey>,
    allowed: Allowed,
    now: Time,
}

impl Gateway {
    /// So many routes over ten providers, three in ten of them excluded.
    fn new(preset: &str, count: usize) -> Self {
        let engine = Engine::new(Params::from_preset(preset).unwrap(), Time::ZERO).unwrap();
        let routes =
            (0..count).map(|n| Route::new(format!("p{}", n % 10), "chat", format!("k{n}")));
        let keys = engine.add_all(routes, Time::ZERO);
        let second_half = |(n, key): (usize, &RouteKey)| (n % 10 >= 5).then_some(*key);
        let listed: Vec<RouteKey> = keys.iter().enumerate().filter_map(second_half).collect();
        let allowed = engine.allow(&listed, Time::ZERO);
        let tried = keys.iter().copied().step_by(5).take(8).collect();
        let gateway = Self { engine, keys, tried, allowed, now: Time::from_secs(4) };
        for (n, key) in gateway.keys.iter().enumerate().filter(|(n, _)| n % 10 < 3) {
            // One third by refusals that are due for a check by now, one by 429s, one by errors.
            let outcome = OUTCOMES[[8, 2, 3][n % 3]];
            for _ in 0..30 {
                let ticket = gateway.engine.pin(gateway.now, *key).unwrap();
                gateway.engine.end(ticket, gateway.now, outcome);
            }
        }
        gateway.engine.tick(Time::from_secs(5));
        Self { now: Time::from_secs(6), ..gateway }
    }

    /// Needs of every kind.
    fn needs(&self) -> [Need<'_>; 4] {
        let model = self.engine.model("chat").unwrap();
        let provider = self.engine.provider("p7");
        let (prompt_tokens, max_tokens, allowed, tried) = (300, 500, None, &[][..]);
        let plain = Need { model, prompt_tokens, max_tokens, provider: None, allowed, tried };
        let allowed = Some(self.allowed);
        [
            plain,
            Need { tried: &self.tried, ..plain },
            Need { tried: &self.tried, allowed, ..plain },
            Need { allowed, provider, ..plain },
        ]
    }
}

/// One request: every call a host makes.
fn serve(
    engine: &Engine,
    now: Time,
    need: &Need<'_>,
    luck: u64,
    outcome: Outcome,
) -> Option<Ticket> {
    let limits = Limits {
        tokens_remaining: Some(10),
        tokens_limit: Some(1_000),
        reset: Some(Span::from_millis(5)),
        ..Limits::default()
    };
    let mut ticket = engine.decide(now, need, luck).ok()?;
    engine.headers(ticket, now, &limits);
    engine.first_token(&mut ticket, now);
    engine.end(ticket, now + Span::from_millis(300), outcome);
    Some(ticket)
}

fn assert_no_allocation(preset: &str, count: usize) {
    let gateway = Gateway::new(preset, count);
    let needs = gateway.needs();
    // The first load of a snapshot on a thread registers it.
    serve(&gateway.engine, gateway.now, &needs[0], 0, OUTCOMES[0]);
    let mut served = 0;
    let mut checks = 0;
    let info = allocation_counter::measure(|| {
        for n in 0..20_000u64 {
            let need = &needs[(n % 4) as usize];
            // Mostly done, or too soon no route is left to choose.
            let outcome = if n % 40 < 28 { OUTCOMES[0] } else { OUTCOMES[(n % 12) as usize] };
            let now = gateway.now + Span::from_millis(n * 2);
            if let Some(ticket) = serve(&gateway.engine, now, need, luck::mix(5, n), outcome) {
                served += 1;
                checks += u32::from(ticket.is_check());
            }
        }
        let pinned = gateway.engine.pin(gateway.now, gateway.keys[0]).unwrap();
        gateway.engine.end(pinned, gateway.now, OUTCOMES[0]);
    });
    assert_eq!(info.count_total, 0, "{preset} with {count} routes");
    assert!(served > 19_000, "{served}");
    assert!(preset != "windtunnel" || checks > 0, "checks are on the path, too");
}

#[test]
fn twelve_routes_allocate_nothing() {
    assert_no_allocation("windtunnel", 12);
    assert_no_allocation("bifrost-2026", 12);
}

#[test]
fn ten_thousand_routes_allocate_nothing() {
    assert_no_allocation("windtunnel", 10_000);
    assert_no_allocation("bifrost-published", 10_000);
}

#[test]
fn recording_a_request_allocates_nothing() {
    let gateway = Gateway::new("windtunnel", 12);
    let engine = &gateway.engine;
    let needs = gateway.needs();
    serve(engine, gateway.now, &needs[0], 0, OUTCOMES[0]);
    let limits = Limits { tokens_remaining: Some(10), ..Limits::default() };
    let (mut recorder, mut bytes, mut refused) = (FlightRecorder::default(), 0, 0);
    let mut sink = |part: &[u8]| bytes += part.len();
    let info = allocation_counter::measure(|| {
        for n in 0..20_000u64 {
            let (now, luck) = (gateway.now + Span::from_millis(n * 2), luck::mix(5, n));
            let (need, outcome) = (&needs[(n % 4) as usize], OUTCOMES[(n % 12) as usize]);
            let given = engine.decide(now, need, luck);
            recorder.decide(now, need, luck, &given, &mut sink);
            let Ok(mut ticket) = given else {
                refused += 1;
                continue;
            };
            recorder.headers(ticket, now, &limits, &mut sink);
            engine.first_token(&mut ticket, now);
            recorder.first_token(ticket, now, &mut sink);
            engine.end(ticket, now, outcome);
            recorder.end(ticket, now, outcome, &mut sink);
            recorder.tick(now, &mut sink);
        }
    });
    assert_eq!(info.count_total, 0);
    assert!(bytes > 20_000 * 20 && refused < 20_000, "{bytes} bytes, {refused} refused");
}

#[test]
fn the_counter_counts() {
    let info = allocation_counter::measure(|| drop(std::hint::black_box(vec![1u8; 64])));
    assert_eq!(info.count_total, 1);
}
