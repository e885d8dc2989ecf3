//! Prequal without probes: a pool of recent readings, hot and cold routes told apart by requests in flight.
//!
//! Source: B. Wydrowski et al., Load is not what you should balance: Introducing Prequal, NSDI 2024. Each query
//! adds readings of some random replicas to a pool; a replica is hot above a quantile of the readings' requests in
//! flight (RIF); the cold one with the least latency is taken, or, if all are hot, the one with the least RIF.
//! Readings age, wear out, and the oldest and the worst are removed in turn.
//!
//! An API provider answers no probes. Our adaptation: a reading is what the gateway itself knows of a route at
//! that moment, its own attempts in flight and the median time of its last answers per token of work. Further
//! choices of ours: a route that never answered is taken for the fastest; of readings that tie in latency the one
//! with fewer in flight; a negative reuse budget counts as one use. The paper's remedies against replicas that
//! fail fast are not published, and none is here.

use crate::engine::{Outcome, Param, Settings, Span, Time, Unit, luck};
use crate::policy::part::Candidates;
use crate::policy::{
    Attempt, Family, Grade, Policy, PolicySpec, Pool, Process, Request, RouteId, Sent, SetId,
};

#[cfg(test)]
#[path = "prequal_tests.rs"]
mod tests;

const PAPER: &str = "Wydrowski et al., Prequal, NSDI 2024";

/// Its parameters.
pub static TABLE: [Param; 11] = [
    Param::new("pool.size", Unit::Count, 16.0, (2.0, 1_000.0), "Readings kept per model.")
        .from(PAPER),
    Param::new(
        "pool.age",
        Unit::Seconds,
        1.0,
        (0.001, 600.0),
        "Age at which a reading is dropped.",
    )
    .from(PAPER),
    Param::new(
        "pool.least",
        Unit::Count,
        2.0,
        (1.0, 100.0),
        "With fewer readings the draw is uniform.",
    )
    .from(PAPER),
    Param::new("pool.remove", Unit::Number, 1.0, (0.0, 100.0), "Readings removed per request.")
        .from(PAPER),
    Param::new("probe.rate", Unit::Number, 3.0, (0.0, 100.0), "Readings taken per request.")
        .from(PAPER),
    Param::new(
        "probe.delta",
        Unit::Number,
        1.0,
        (0.0, 100.0),
        "The paper's δ of the reuse budget.",
    )
    .from(PAPER),
    Param::new(
        "hot.quantile",
        Unit::Ratio,
        0.84,
        (0.0, 1.0),
        "RIF quantile above which a route is hot.",
    )
    .from(PAPER),
    Param::new(
        "hot.readings",
        Unit::Count,
        128.0,
        (1.0, 10_000.0),
        "Readings that the quantile is of.",
    ),
    Param::new(
        "latency.answers",
        Unit::Count,
        15.0,
        (1.0, 1_000.0),
        "Answers that the median is of.",
    ),
    Param::new(
        "latency.base_tokens",
        Unit::Number,
        20.0,
        (0.0, 10_000.0),
        "Work of an answer before its tokens, in output tokens.",
    ),
    Param::new(
        "latency.prompt_tokens",
        Unit::Number,
        150.0,
        (1.0, 100_000.0),
        "Prompt tokens that are as much work as one output token.",
    ),
];

/// Registry entry.
pub const SPEC: PolicySpec = PolicySpec {
    name: "prequal",
    product: "Prequal, NSDI 2024, without probes",
    source: PAPER,
    doc: "Readings of own in-flight counts and token-normalised latency in a pool; the cold route with the least latency, or the least loaded of hot ones.",
    family: Family::Field,
    grade: Grade::Documents,
    left_out: "probes, which no API provider answers; latency at the current load; remedies against fast failures",
    process: Process::ONE,
    params: &TABLE,
    preset: &[],
    build: |settings, pool, _, _| Ok(Box::new(Prequal::new(settings, pool))),
};

#[derive(Clone, Copy, Debug)]
struct Reading {
    route: RouteId,
    in_flight: u32,
    latency: f64,
    at: Time,
    uses: u32,
}

/// What the gateway knows of a route.
#[derive(Clone, Debug)]
struct Known {
    in_flight: u32,
    /// Seconds per token of work of the last answers.
    answers: Vec<f64>,
    oldest: usize,
    latency: f64,
}

/// The readings of a model.
#[derive(Clone, Debug, Default)]
struct Readings {
    pool: Vec<Reading>,
    in_flight: Vec<u32>,
    oldest: usize,
    sorted: Vec<u32>,
    worst_is_next: bool,
}

#[derive(Clone, Copy, Debug)]
struct Rule {
    size: usize,
    age: Span,
    least: usize,
    remove: f64,
    rate: f64,
    delta: f64,
    quantile: f64,
    readings: usize,
    answers: usize,
    base: f64,
    prompt: f64,
}

#[derive(Debug)]
struct Prequal {
    candidates: Candidates,
    rule: Rule,
    known: Vec<Known>,
    readings: Vec<Readings>,
    sorted: Vec<f64>,
}

/// A number rounded up or down at random, so that its mean is kept.
fn round(number: f64, word: u64) -> u32 {
    let whole = number.floor();
    whole as u32 + u32::from(luck::unit(word) < number - whole)
}

impl Rule {
    /// How often a reading may be used.
    fn reuse(&self, routes: usize) -> f64 {
        let supply = (1.0 - self.size as f64 / routes as f64) * self.rate - self.remove;
        if supply > 0.0 { ((1.0 + self.delta) / supply).clamp(1.0, 1e6) } else { 1.0 }
    }
}

impl Readings {
    /// Keeps a reading, in place of the oldest if the pool is full.
    fn add(&mut self, reading: Reading, rule: &Rule) {
        if self.pool.len() >= rule.size {
            self.pool.remove(0);
        }
        self.pool.push(reading);
        if self.in_flight.len() < rule.readings {
            self.in_flight.push(reading.in_flight);
        } else {
            self.in_flight[self.oldest] = reading.in_flight;
            self.oldest = (self.oldest + 1) % rule.readings;
        }
    }

    /// The RIF above which a route is hot.
    fn threshold(&mut self, quantile: f64) -> u32 {
        self.sorted.clear();
        self.sorted.extend_from_slice(&self.in_flight);
        self.sorted.sort_unstable();
        let at = quantile * self.sorted.len().saturating_sub(1) as f64;
        self.sorted.get(at as usize).copied().unwrap_or(0)
    }

    /// The index of the reading to use.
    fn best(&self, hot_above: u32, may: impl Fn(RouteId) -> bool) -> Option<usize> {
        let left = || self.pool.iter().enumerate().filter(|(_, reading)| may(reading.route));
        let cold = left().filter(|(_, reading)| reading.in_flight <= hot_above);
        let fastest = cold.min_by(|(_, one), (_, other)| {
            one.latency.total_cmp(&other.latency).then(one.in_flight.cmp(&other.in_flight))
        });
        fastest
            .or_else(|| left().min_by_key(|(_, reading)| reading.in_flight))
            .map(|(index, _)| index)
    }

    /// Removes the oldest reading and the worst one in turn.
    fn remove_one(&mut self, hot_above: u32) {
        self.worst_is_next = !self.worst_is_next;
        if self.pool.is_empty() {
            return;
        }
        let mut at = 0;
        if !self.worst_is_next {
            let worse = |one: &Reading, other: &Reading| {
                let hot = (one.in_flight > hot_above, other.in_flight > hot_above);
                match hot {
                    (true, true) => one.in_flight > other.in_flight,
                    (false, false) => one.latency > other.latency,
                    (is_hot, _) => is_hot,
                }
            };
            for index in 1..self.pool.len() {
                if worse(&self.pool[index], &self.pool[at]) {
                    at = index;
                }
            }
        }
        self.pool.remove(at);
    }
}

impl Prequal {
    fn new(settings: &Settings, pool: &Pool) -> Self {
        let get = |id| settings.get(id);
        let known = Known { in_flight: 0, answers: Vec::new(), oldest: 0, latency: 0.0 };
        Self {
            candidates: Candidates::new(pool),
            rule: Rule {
                size: get("pool.size") as usize,
                age: Span::from_secs_f64(get("pool.age")),
                least: get("pool.least") as usize,
                remove: get("pool.remove"),
                rate: get("probe.rate"),
                delta: get("probe.delta"),
                quantile: get("hot.quantile"),
                readings: get("hot.readings") as usize,
                answers: get("latency.answers") as usize,
                base: get("latency.base_tokens"),
                prompt: get("latency.prompt_tokens"),
            },
            known: vec![known; pool.routes.len()],
            readings: vec![Readings::default(); pool.models.len()],
            sorted: Vec::new(),
        }
    }

    /// Takes readings of routes drawn without replacement.
    fn read(&mut self, now: Time, request: &Request, word: u64) {
        let routes = self.candidates.of(request.model);
        let readings = &mut self.readings[usize::from(request.model.0)];
        readings.pool.retain(|reading| {
            now.since(reading.at) < self.rule.age && routes.binary_search(&reading.route).is_ok()
        });
        let reuse = self.rule.reuse(routes.len());
        let wanted = round(self.rule.rate, luck::mix(word, luck::name("rate")));
        let wanted = (wanted as usize).min(routes.len());
        let mut drawn = 0;
        for draw in 0..4 * wanted as u64 {
            let word = luck::mix(luck::mix(word, luck::name("probe")), draw);
            let route = routes[luck::below(word, routes.len() as u32) as usize];
            let recent = &readings.pool[readings.pool.len().saturating_sub(drawn)..];
            if drawn < wanted && !recent.iter().any(|reading| reading.route == route) {
                let Known { in_flight, latency, .. } = self.known[route.index()];
                let uses = round(reuse, luck::mix(word, luck::name("reuse")));
                readings.add(Reading { route, in_flight, latency, at: now, uses }, &self.rule);
                drawn += 1;
            }
        }
    }
}

impl Policy for Prequal {
    fn choose(
        &mut self,
        now: Time,
        request: &Request,
        avoid: &[RouteId],
        word: u64,
    ) -> Option<Attempt> {
        self.read(now, request, word);
        let rule = self.rule;
        let readings = &mut self.readings[usize::from(request.model.0)];
        let hot_above = readings.threshold(rule.quantile);
        let may = |route| {
            !avoid.contains(&route)
                && (request.set == SetId::ALL || self.candidates.may(request, route))
        };
        let best =
            if readings.pool.len() < rule.least { None } else { readings.best(hot_above, may) };
        let route = match best {
            Some(index) => {
                let reading = &mut readings.pool[index];
                let route = reading.route;
                reading.uses = reading.uses.saturating_sub(1);
                if reading.uses == 0 {
                    readings.pool.remove(index);
                }
                route
            }
            None => self.candidates.draw(request, avoid, word)?,
        };
        for reading in &mut readings.pool {
            reading.in_flight += u32::from(reading.route == route);
        }
        for _ in 0..round(rule.remove, luck::mix(word, luck::name("remove"))) {
            readings.remove_one(hot_above);
        }
        self.known[route.index()].in_flight += 1;
        Some(Attempt::to(route))
    }

    fn on_end(&mut self, now: Time, sent: &Sent, outcome: &Outcome) {
        let known = &mut self.known[sent.route.index()];
        known.in_flight = known.in_flight.saturating_sub(1);
        let Outcome::Done { prompt_tokens, output_tokens } = *outcome else { return };
        let work =
            self.rule.base + f64::from(prompt_tokens) / self.rule.prompt + f64::from(output_tokens);
        let pace = now.since(sent.at).as_secs_f64() / work.max(1.0);
        if known.answers.len() < self.rule.answers {
            known.answers.push(pace);
        } else {
            known.answers[known.oldest] = pace;
            known.oldest = (known.oldest + 1) % self.rule.answers;
        }
        self.sorted.clear();
        self.sorted.extend_from_slice(&known.answers);
        self.sorted.sort_unstable_by(f64::total_cmp);
        known.latency = self.sorted[self.sorted.len() / 2];
    }

    fn set_present(&mut self, _: Time, route: RouteId, present: bool) {
        self.candidates.set_present(route, present);
    }
}
