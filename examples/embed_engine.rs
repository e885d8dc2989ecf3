//! The engine in a gateway of your own: `cargo run --example embed_engine --no-default-features [THRESHOLDS]`.
//! Four keys, sixteen workers, one ticker; from second 2 to 4 one key answers 503. At the end it prints what a scraper
//! would get.
#![expect(
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "a host reads the clock and prints"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use windtunnel::engine::{Config, Engine, ModelKey, Need, Outcome, Route, RouteKey, Time, luck};

const DONE: Outcome = Outcome::Done { prompt_tokens: 300, output_tokens: 100 };
const DOWN: Outcome = Outcome::ServerError { status: 503 };
/// Thresholds as `windtunnel tune` writes them. Ten times as fast as in production, for impatient readers.
const THRESHOLDS: &str = r#"
policy = "windtunnel"
interval = "500ms"
state.window = "1s"
backoff.first = "500ms"
"#;
type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let started = Instant::now();
    let clock: Clock = Arc::new(move || Time(started.elapsed().as_nanos() as u64));
    let text = match std::env::args().nth(1) {
        Some(file) => std::fs::read_to_string(file)?,
        None => THRESHOLDS.to_owned(),
    };
    let (params, rest) = Config::parse(&text)?.params()?;
    for entry in rest {
        println!(
            "{} = {} is for the host, which retries; the engine does not",
            entry.id, entry.value
        );
    }
    let engine = Arc::new(Engine::new(params, clock())?);
    let route = |provider: &str, key: &str| Route::new(provider, "chat", key);
    let sick = engine.add(route("azure", "key-1"), clock());
    let others = [route("azure", "key-2"), route("openai", "key-1"), route("openai", "key-2")];
    engine.add_all(others, clock());
    let model = engine.model("chat").ok_or("no route serves chat")?;
    for number in 0..16 {
        tokio::spawn(worker(Arc::clone(&engine), Arc::clone(&clock), model, number, sick));
    }
    let mut ticker = tokio::time::interval(Duration::from_millis(500));
    while started.elapsed() < Duration::from_secs(8) {
        ticker.tick().await;
        for change in engine.tick(clock()) {
            let name = if change.route == sick { "azure:chat/key-1" } else { "another route" };
            let (from, to, why) = (change.from.name(), change.to.name(), change.reason.text());
            println!("{:4.1} s  {name}: {from} -> {to} ({why})", change.at.as_secs_f64());
        }
    }
    println!("{}", engine.openmetrics(clock()));
    Ok(())
}

async fn worker(engine: Arc<Engine>, clock: Clock, model: ModelKey, number: u64, sick: RouteKey) {
    let (provider, allowed, prompt_tokens, max_tokens) = (None, None, 300, 500);
    let need = Need { model, prompt_tokens, max_tokens, provider, allowed, tried: &[] };
    for n in 0.. {
        let Ok(ticket) = engine.decide(clock(), &need, luck::mix(number, n)) else { return };
        tokio::time::sleep(Duration::from_millis(20)).await; // the call
        let ill = (2.0..4.0).contains(&ticket.at().as_secs_f64()) && ticket.route() == sick;
        engine.end(ticket, clock(), if ill { DOWN } else { DONE });
    }
}
