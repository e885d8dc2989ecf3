//! A gateway in virtual time around the real engine: what the engine's tests drive.

use windtunnel::engine::{
    Change, Engine, Health, ModelKey, Need, NoRoute, Outcome, Params, Route, RouteKey, Span,
    Ticket, Time, View, luck,
};

/// An answer of 300 prompt and 100 output tokens.
pub const DONE: Outcome = Outcome::Done { prompt_tokens: 300, output_tokens: 100 };
/// A 503.
pub const ERROR: Outcome = Outcome::ServerError { status: 503 };
/// How long a done answer takes.
pub const LATENCY: Span = Span::from_millis(400);

/// Parameters of a preset with some values changed, without jitter.
pub fn params(preset: &str, values: &[(&str, f64)]) -> Params {
    let mut params = Params::from_preset(preset).unwrap();
    for (id, value) in [("backoff.jitter", 0.0), ("hold.jitter", 0.0)].iter().chain(values) {
        params.set(id, *value).unwrap();
    }
    params
}

/// Routes `p0:chat/k0`, `p0:chat/k1`, … of so many providers with so many keys each.
pub fn routes(providers: usize, keys: usize) -> Vec<Route> {
    let names = (0..providers).flat_map(|p| (0..keys).map(move |k| (p, k)));
    names.map(|(p, k)| Route::new(format!("p{p}"), "chat", format!("k{k}"))).collect()
}

/// The gateway.
pub struct Host {
    pub engine: Engine,
    pub keys: Vec<RouteKey>,
    pub chat: ModelKey,
    pub now: Time,
    /// The next tick is due.
    pub next_tick: Time,
    pub changes: Vec<Change>,
    asked: u64,
}

impl Host {
    /// A gateway at time zero.
    pub fn new(params: Params, routes: Vec<Route>) -> Self {
        let interval = Span::from_secs_f64(params.interval);
        let engine = Engine::with_shards(params, Time::ZERO, 1).unwrap();
        let keys = engine.add_all(routes, Time::ZERO);
        let chat = engine.model("chat").unwrap();
        let next_tick = Time::ZERO + interval;
        Self { engine, keys, chat, now: Time::ZERO, next_tick, changes: Vec::new(), asked: 0 }
    }

    /// A gateway with `keys` keys of one provider.
    pub fn of_keys(params: Params, keys: usize) -> Self {
        Self::new(params, routes(1, keys))
    }

    /// What a request for the one model needs.
    pub fn need(&self) -> Need<'static> {
        let chat = self.chat;
        Need {
            model: chat,
            prompt_tokens: 300,
            max_tokens: 500,
            provider: None,
            allowed: None,
            tried: &[],
        }
    }

    /// A fresh word of luck.
    pub fn luck(&mut self) -> u64 {
        self.asked += 1;
        luck::mix(7, self.asked)
    }

    /// Decides now.
    pub fn decide(&mut self, need: &Need<'_>) -> Result<Ticket, NoRoute> {
        let luck = self.luck();
        self.engine.decide(self.now, need, luck)
    }

    /// Decides now, for a request without wishes.
    pub fn ask(&mut self) -> Ticket {
        self.decide(&self.need()).unwrap()
    }

    /// Index of a ticket's route.
    pub fn index(&self, ticket: Ticket) -> usize {
        self.keys.iter().position(|key| *key == ticket.route()).unwrap()
    }

    /// How often each route is chosen by `n` requests, all done at once.
    pub fn draw(&mut self, n: u64, need: &Need<'_>) -> Vec<u64> {
        let mut seen = vec![0; self.keys.len()];
        for _ in 0..n {
            let ticket = self.decide(need).unwrap();
            seen[self.index(ticket)] += 1;
            self.engine.end(ticket, self.now + LATENCY, DONE);
        }
        seen
    }

    /// An attempt on route `at` that ends at once, at this moment.
    pub fn attempt(&mut self, at: usize, outcome: Outcome) {
        let ticket = self.engine.pin(self.now, self.keys[at]).unwrap();
        let took = if outcome.is_done() { LATENCY } else { Span::ZERO };
        self.engine.end(ticket, self.now + took, outcome);
    }

    /// So many attempts on route `at`, the last `errors` of them failing.
    pub fn attempts(&mut self, at: usize, n: u64, errors: u64) {
        for i in 0..n {
            self.attempt(at, if i + errors < n { DONE } else { ERROR });
        }
    }

    /// Moves to the next tick and ticks; what changed.
    pub fn tick(&mut self) -> Vec<Change> {
        self.now = self.next_tick;
        self.next_tick = self.now + Span::from_secs_f64(self.engine.params().interval);
        let changes = self.engine.tick(self.now);
        self.changes.extend_from_slice(&changes);
        changes
    }

    /// Moves to `at`, ticking on the way.
    pub fn until(&mut self, at: Time) {
        while self.next_tick <= at {
            self.tick();
        }
        self.now = at;
    }

    /// Evenly spaced requests, one every `gap` from now to `end`, ticking on the way.
    pub fn drive(&mut self, end: Time, gap: Span, mut answer: impl FnMut(usize, Time) -> Outcome) {
        let mut at = self.now;
        while at < end {
            self.until(at);
            let ticket = self.ask();
            let outcome = answer(self.index(ticket), at);
            let took = if outcome.is_done() { LATENCY } else { Span::ZERO };
            self.engine.end(ticket, at + took, outcome);
            at += gap;
        }
        self.until(end);
    }

    /// Route `at` as last computed.
    pub fn view(&self, at: usize) -> View {
        let mut found = None;
        self.engine.show(|key, view| {
            if key == self.keys[at] {
                found = Some(*view);
            }
        });
        found.unwrap()
    }

    pub fn health(&self, at: usize) -> Health {
        self.view(at).health
    }
}

/// Asserts that counts fit probabilities: chi-squared below its 99.99 % point (bounds for up to 11 degrees of
/// freedom; the seeds are fixed, so a pass stays a pass).
pub fn assert_fits(seen: &[u64], odds: &[f64]) {
    const BOUNDS: [f64; 12] =
        [0.0, 15.1, 18.4, 21.1, 23.5, 25.7, 27.9, 29.9, 31.8, 33.7, 35.6, 37.4];
    let (n, total) = (seen.iter().sum::<u64>() as f64, odds.iter().sum::<f64>());
    let mut chi2 = 0.0;
    for (&seen, p) in seen.iter().zip(odds) {
        let expected = n * p / total;
        if *p == 0.0 {
            assert_eq!(seen, 0, "an impossible route was chosen");
        } else {
            assert!(expected > 5.0, "too few draws for the test");
            chi2 += (seen as f64 - expected) * (seen as f64 - expected) / expected;
        }
    }
    let freedom = odds.iter().filter(|p| **p > 0.0).count() - 1;
    assert!(chi2 <= BOUNDS[freedom], "chi2 {chi2} over {freedom}: {seen:?} for {odds:?}");
}
