//! A host that keeps a flight record of its engine, and makes its decisions again from it:
//! `cargo run --example flight_recorder --no-default-features [FILE]`, then `windtunnel replay FILE`.
//!
//! One lock around engine and recorder gives the record the order in which the engine saw the calls.
#![expect(clippy::print_stdout, reason = "a host prints")]

use std::error::Error;

use windtunnel::engine::{
    Engine, FlightRecorder, Need, Outcome, Params, Replay, Replayed, Route, Span, Time, luck,
};

const DONE: Outcome = Outcome::Done { prompt_tokens: 300, output_tokens: 100 };
const DOWN: Outcome = Outcome::ServerError { status: 503 };

fn main() -> Result<(), Box<dyn Error>> {
    let record = record()?;
    let mut replay = Replay::new(&record, None)?;
    let (mut decisions, mut same) = (0, 0);
    while let Some(call) = replay.step()? {
        if let Replayed::Decided(decided) = call {
            decisions += 1;
            same += u64::from(decided.is_same());
        }
    }
    println!("{} bytes, {decisions} decisions, {same} of them the same again", record.len());
    if let Some(file) = std::env::args().nth(1) {
        std::fs::write(&file, &record)?;
        println!("windtunnel explain {file} --request 1300");
    }
    Ok(())
}

/// Half a minute of a small gateway, one of whose keys answers 503 from second 8 to 12.
fn record() -> Result<Vec<u8>, Box<dyn Error>> {
    let mut bytes = Vec::new();
    // A real host appends to a ring of files instead.
    let mut sink = |part: &[u8]| bytes.extend_from_slice(part);
    let mut recorder = FlightRecorder::default();
    let params = Params::from_preset("windtunnel")?;
    let engine = Engine::new(params.clone(), Time::ZERO)?;
    recorder.start(&params, Time::ZERO, &mut sink);
    for (provider, key) in [("azure", "key-1"), ("azure", "key-2"), ("openai", "key-1")] {
        let route = Route::new(provider, "chat", key);
        let added = engine.add(route.clone(), Time::ZERO);
        recorder.add(&route, added, Time::ZERO, &mut sink);
    }
    let model = engine.model("chat").ok_or("no route serves chat")?;
    for n in 0..3_000 {
        let now = Time::ZERO + Span::from_millis(10 * n);
        recorder.tick(now, &mut sink);
        engine.tick(now);
        let (provider, allowed, prompt_tokens, max_tokens) = (None, None, 300, 500);
        let need = Need { model, prompt_tokens, max_tokens, provider, allowed, tried: &[] };
        let given = engine.decide(now, &need, luck::mix(n, 3));
        recorder.decide(now, &need, luck::mix(n, 3), &given, &mut sink);
        let ticket = given?;
        let ill = (8.0..12.0).contains(&now.as_secs_f64()) && ticket.route().to_word() == 0;
        let (end, outcome) = (now + Span::from_millis(9), if ill { DOWN } else { DONE });
        engine.end(ticket, end, outcome);
        recorder.end(ticket, end, outcome, &mut sink);
    }
    Ok(bytes)
}
