//! A record gives the decisions that it was made from, and says where it is damaged.

use super::*;
use crate::engine::{Engine, Limits, Refusal, Span, luck};

/// Drives an engine with random calls and records them; gives the record and the routes decided.
fn flight(calls: u64) -> (Vec<u8>, Vec<Result<RouteKey, NoRoute>>) {
    let mut bytes = Vec::new();
    let mut sink = |part: &[u8]| bytes.extend_from_slice(part);
    let mut recorder = FlightRecorder::default();
    let mut now = Time::from_secs(1_000);
    let params = Params::from_preset("windtunnel").unwrap();
    let engine = Engine::with_shards(params.clone(), now, 4).unwrap();
    recorder.start(&params, now, &mut sink);
    let mut keys = Vec::new();
    for n in 0..9 {
        let route = Route::new(format!("p{}", n % 3), "chat", format!("k{n}")).region("eu");
        let key = engine.add(route.clone(), now);
        recorder.add(&route, key, now, &mut sink);
        keys.push(key);
    }
    let past = Past {
        span: Span::from_secs(3_600),
        rate: 3.0,
        error_rate: 0.001,
        samples: vec![(Span::from_millis(900), 300, 100); 30],
    };
    let pasts: Vec<_> = keys.iter().map(|key| (*key, past.clone())).collect();
    engine.remember(now, &pasts);
    recorder.remember(now, &pasts, &mut sink);
    let list = engine.allow(&keys[2..], now);
    recorder.allow(&keys[2..], now, &mut sink);
    let model = engine.model("chat").unwrap();
    let (mut open, mut given) = (Vec::new(), Vec::new());
    for n in 0..calls {
        let word = luck::mix(n, 77);
        now += Span::from_millis(word % 40);
        recorder.tick(now, &mut sink);
        engine.tick(now);
        if n == calls / 2 {
            engine.remove(keys[0], now);
            recorder.remove(keys[0], now, &mut sink);
            let mut params = params.clone();
            params.set("state.failed", 0.2).unwrap();
            engine.set_params(params.clone(), now).unwrap();
            recorder.set_params(&params, now, &mut sink);
        }
        let tried = [keys[(word % 9) as usize]];
        let need = Need {
            model,
            prompt_tokens: (word % 4_000) as u32,
            max_tokens: 500,
            provider: engine.provider("p1").filter(|_| word.is_multiple_of(5)),
            allowed: (word.is_multiple_of(7)).then_some(list),
            tried: if word.is_multiple_of(3) { &tried } else { &[] },
        };
        let ticket = engine.decide(now, &need, word);
        recorder.decide(now, &need, word, &ticket, &mut sink);
        given.push(ticket.map(Ticket::route));
        open.extend(ticket.ok());
        if n.is_multiple_of(50) {
            let pinned = engine.pin(now, keys[3]);
            recorder.pin(now, keys[3], &pinned, &mut sink);
            open.extend(pinned.ok());
        }
        if open.len() > 15 {
            let mut ticket = open.swap_remove((word >> 32) as usize % open.len());
            if word & 64 != 0 {
                recorder.first_token(ticket, now, &mut sink);
                engine.first_token(&mut ticket, now);
            }
            let limits = Limits {
                tokens_remaining: Some(word % 1_000),
                tokens_limit: Some(1_000),
                reset: Some(Span::from_secs(5)),
                ..Limits::default()
            };
            recorder.headers(ticket, now, &limits, &mut sink);
            engine.headers(ticket, now, &limits);
            let sick = luck::mix(now.0 >> 34, ticket.route().to_word()).is_multiple_of(4);
            let outcome = match (sick, word % 97) {
                (true, 0) => Outcome::RateLimited { retry_after: Some(Span::from_secs(7)) },
                (true, 1) => Outcome::RateLimited { retry_after: None },
                (true, 2) => Outcome::KeyRefused { class: Refusal::ModelGone },
                (true, 3) => Outcome::StreamBroken { prompt_tokens: 3, output_tokens: 70_000 },
                (true, 4) => Outcome::CallerFault { status: 400 },
                (true, 5) => Outcome::Timeout,
                (true, _) => Outcome::ServerError { status: 503 },
                (false, 0..10) => Outcome::Cancelled,
                (false, _) => Outcome::Done { prompt_tokens: 200, output_tokens: 90 },
            };
            engine.end(ticket, now, outcome);
            recorder.end(ticket, now, outcome, &mut sink);
        }
    }
    (bytes, given)
}

fn decisions(mut replay: Replay<'_>) -> Result<Vec<Decided>, Damage> {
    let mut all = Vec::new();
    while let Some(done) = replay.step()? {
        if let Replayed::Decided(decided) = done {
            all.push(decided);
        }
    }
    Ok(all)
}

#[test]
fn a_record_gives_the_same_decisions() {
    let (bytes, given) = flight(5_000);
    let again = decisions(Replay::new(&bytes, None).unwrap()).unwrap();
    assert_eq!(again.len(), given.len());
    assert!(again.iter().all(Decided::is_same));
    assert!(again.iter().zip(&given).all(|(decided, given)| decided.route == *given));
    assert!(bytes.len() / given.len() < 90, "{} bytes a request", bytes.len() / given.len());
}

#[test]
fn an_incident_is_explained_from_its_record() {
    let (bytes, given) = flight(2_000);
    for number in [1, 700, 2_000] {
        let mut replay = Replay::new(&bytes, None).unwrap();
        let (explanation, decided) = replay.explain(number).unwrap().unwrap();
        assert!(decided.is_same() && decided.number == number);
        let chosen = explanation.choice.map(|chosen| explanation.inputs.routes[chosen.route].key);
        assert_eq!(chosen, given[number as usize - 1]);
        if let Ok(key) = chosen {
            assert!(replay.name(key).starts_with('p'));
        }
    }
    assert_eq!(Replay::new(&bytes, None).unwrap().explain(2_001), Ok(None));
}

#[test]
fn other_thresholds_on_a_record_are_asked_and_change_nothing_that_happened() {
    let (bytes, given) = flight(4_000);
    let same = |_: &mut Params| {};
    let untouched = decisions(Replay::new(&bytes, Some(&same)).unwrap()).unwrap();
    assert!(untouched.iter().all(Decided::is_same), "the same thresholds choose the same");
    let lenient = |params: &mut Params| {
        params.set("state.failed", 1.0).unwrap();
        params.set("state.degraded", 1.0).unwrap();
    };
    let leniently = decisions(Replay::new(&bytes, Some(&lenient)).unwrap()).unwrap();
    let differ = leniently.iter().filter(|decided| !decided.is_same()).count();
    assert!(differ > 20 && differ < given.len(), "{differ}");
}

#[test]
fn damage_is_found_and_never_panics() {
    let (bytes, _) = flight(60);
    assert_eq!(Replay::new(b"nothing of it", None).unwrap_err(), Damage::NotARecord);
    let mut other = bytes.clone();
    other[8] = 9;
    assert_eq!(Replay::new(&other, None).unwrap_err(), Damage::Version(9));
    let cut = decisions(Replay::new(&bytes[..bytes.len() - 3], None).unwrap());
    assert!(matches!(cut, Err(Damage::CutOff(_))), "{cut:?}");
    let read = |bytes: &[u8]| Replay::new(bytes, None).and_then(decisions).map(|all| all.len());
    let mut wrong = 0;
    for n in (9..bytes.len()).step_by(23) {
        let mut broken = bytes.clone();
        broken[n] ^= 1 << (n % 8);
        wrong += usize::from(read(&broken).is_err());
    }
    assert!(wrong > 10, "{wrong} of the flips were noticed");
}
