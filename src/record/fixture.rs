//! Runs made up by a small fluid model with noise: what figures and tables are looked at with.

use hdrhistogram::Histogram;

use crate::engine::{Span, Time, luck};
use crate::metrics::{ArrivalBin, Charges, FaultTape, RouteBin, Tape, Totals};
use crate::policy::{Health, ModelId, Pool, ProviderId, RouteId, RouteInfo, RouteView, Transition};

use super::run::StoredRun;
use super::summarise::Subject;

/// What is made up.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) providers: u32,
    pub(crate) keys: u32,
    pub(crate) seconds: u64,
    pub(crate) rps: f64,
    /// (name, start, end, provider).
    pub(crate) faults: Vec<(&'static str, f64, f64, u32)>,
    pub(crate) seed: u64,
}

const NAMES: [&str; 10] = [
    "azure",
    "openai",
    "bedrock",
    "anthropic",
    "vertex",
    "mistral",
    "groq",
    "together",
    "fireworks",
    "cohere",
];

impl Default for Scene {
    fn default() -> Self {
        Self {
            providers: 3,
            keys: 4,
            seconds: 240,
            rps: 5_000.0,
            faults: vec![("azure error burst", 90.0, 150.0, 0)],
            seed: 1,
        }
    }
}

impl Scene {
    pub(crate) fn pool(&self) -> Pool {
        let mut routes = Vec::new();
        for provider in 0..self.providers {
            for key in 1..=self.keys {
                routes.push(route(NAMES[provider as usize], provider, key));
            }
        }
        let providers = NAMES.iter().take(self.providers as usize);
        Pool {
            providers: providers.map(|name| (*name).to_owned()).collect(),
            models: vec!["chat".to_owned()],
            routes,
            ..Pool::default()
        }
    }

    pub(crate) fn run(&self) -> StoredRun {
        self.replicate(1)
    }

    pub(crate) fn replicate(&self, replications: u64) -> StoredRun {
        let tapes: Vec<Tape> = (0..replications)
            .map(|i| Self { seed: self.seed + i, ..self.clone() }.tape())
            .collect();
        let pool = self.pool();
        let subject = Subject {
            scenario: "azure-error-burst",
            policy: "bifrost-published",
            seed: self.seed,
            pool: &pool,
        };
        StoredRun::new(&tapes, &subject)
    }

    fn fault_at(&self, second: u64, route: usize) -> bool {
        let provider = route as u32 / self.keys;
        let during = |(_, start, end, on): &(&str, f64, f64, u32)| {
            *on == provider && (*start..*end).contains(&(second as f64))
        };
        self.faults.iter().any(during)
    }

    pub(crate) fn tape(&self) -> Tape {
        let count = (self.providers * self.keys) as usize;
        let mut tape = self.empty(count);
        let mut keys = vec![Key { weight: 1.0, health: Health::Healthy, since: 0 }; count];
        for second in 0..self.seconds {
            if second % 5 == 0 {
                self.tick(second, &mut keys, &mut tape);
            }
            self.second(second, &keys, &mut tape);
        }
        self.finish(&mut tape);
        tape
    }

    fn empty(&self, count: usize) -> Tape {
        let histogram = Histogram::new(3).expect("3 digits are legal");
        Tape {
            horizon: Span::from_secs(self.seconds),
            bin: Span::from_secs(1),
            measured_until: Time::from_secs(self.seconds.saturating_sub(10)),
            totals: Totals::default(),
            arrivals: Vec::new(),
            routes: vec![Vec::new(); count],
            route_totals: vec![RouteBin::default(); count],
            charges: vec![Charges::default(); count],
            unserved: vec![vec![0; self.seconds as usize]],
            faults: Vec::new(),
            views: Vec::new(),
            transitions: Vec::new(),
            stored: 0,
            prompts: None,
            tenants: Vec::new(),
            rules: Vec::new(),
            latency: histogram.clone(),
            latency_all: histogram.clone(),
            latency_bins: Vec::new(),
            ttft: histogram,
            cluster: None,
            digest: luck::mix(self.seed, 9),
            arrived: 0,
            events: 0,
            in_flight_max: 4_000,
        }
    }

    /// Every 5 s: the faulted lose weight and fail, those that work again come back in steps.
    fn tick(&self, second: u64, keys: &mut [Key], tape: &mut Tape) {
        for (r, key) in keys.iter_mut().enumerate() {
            let bad = second >= 1 && self.fault_at(second - 1, r);
            let next = match (key.health, bad) {
                (Health::Healthy, true) => Health::Degraded,
                (Health::Degraded | Health::Failed, true) => Health::Failed,
                (Health::Recovering, true) => Health::Failed,
                (Health::Failed, false) => Health::Recovering,
                (Health::Degraded, false) => Health::Healthy,
                (Health::Recovering, false) if second - key.since >= 15 => Health::Healthy,
                (same, false) => same,
            };
            if next != key.health {
                tape.transitions.push(Transition {
                    at: Time::from_secs(second),
                    route: RouteId(r as u32),
                    from: key.health,
                    to: next,
                    reason: "error rate",
                });
                (key.health, key.since) = (next, second);
            }
            key.weight = match key.health {
                Health::Healthy => 1.0 - 0.1 * luck::unit(self.draw(second, r, 0)),
                Health::Degraded => 0.4,
                Health::Failed => 0.0,
                Health::Recovering => 0.3 + 0.04 * (second - key.since) as f64,
            };
        }
        let sum: f64 = keys.iter().map(|key| key.weight).sum();
        let view = |key: &Key| RouteView {
            weight: key.weight,
            health: key.health,
            expected: key.weight / sum.max(1e-9),
            parts: [if key.weight < 0.5 { 1.0 } else { 0.01 }, 0.1, 0.5, 0.0],
        };
        tape.views.push((Time::from_secs(second), keys.iter().map(view).collect()));
    }

    fn second(&self, second: u64, keys: &[Key], tape: &mut Tape) {
        let sum: f64 = keys.iter().map(|key| key.weight).sum::<f64>().max(1e-9);
        let mut arrivals = ArrivalBin::default();
        let mut dip = 0.0f64;
        for (r, key) in keys.iter().enumerate() {
            let mean = self.rps * key.weight / sum;
            let first = (mean + self.noise(second, r) * mean.sqrt()).max(0.0).round() as u32;
            let broken = self.fault_at(second, r);
            let failed = if broken { first } else { first / 400 };
            let bad = if broken { first - first / 5 } else { failed };
            let bin = RouteBin {
                first,
                attempts: first + failed / 3,
                good: first - failed,
                failed: failed - failed / 4,
                rate_limited: failed / 4,
            };
            tape.routes[r].push(bin);
            let total = &mut tape.route_totals[r];
            total.first += bin.first;
            total.attempts += bin.attempts;
            total.good += bin.good;
            total.failed += bin.failed;
            total.rate_limited += bin.rate_limited;
            arrivals.offered += first;
            arrivals.failed += bad - bad / 6;
            arrivals.late += bad / 6 + first / 900;
            dip += f64::from(bad);
        }
        arrivals.good = arrivals.offered - arrivals.failed - arrivals.late;
        tape.arrivals.push(arrivals);
        let slow = 1.0 + 2.0 * dip / f64::from(arrivals.offered.max(1));
        let wobble = |q: usize| 1.0 + 0.06 * self.noise(second, 1_000 + q);
        let micros = |base: f64, q: usize| (base * slow * wobble(q) * 1e6) as u64;
        let quantiles = [micros(2.9, 0), micros(6.4, 1), micros(14.0, 2)];
        tape.latency_bins.push(if arrivals.offered > 0 { quantiles } else { [0; 3] });
        for (micros, part) in quantiles.into_iter().zip([2, 4, 30]) {
            let done = u64::from(arrivals.good / part);
            tape.latency.record_n(micros, done).expect("an auto-resizing histogram");
            let all = micros.min(12_000_000);
            tape.latency_all.record_n(all, done).expect("an auto-resizing histogram");
            tape.ttft.record_n(micros / 8, done).expect("an auto-resizing histogram");
        }
    }

    fn finish(&self, tape: &mut Tape) {
        let measured = tape.measured_until.0 / 1_000_000_000;
        for bin in tape.arrivals.iter().take(measured as usize) {
            tape.totals.offered += u64::from(bin.offered);
            tape.totals.good += u64::from(bin.good);
            tape.totals.late += u64::from(bin.late);
            tape.totals.failed += u64::from(bin.failed);
        }
        let attempts = tape.route_totals.iter().map(|total| u64::from(total.attempts));
        tape.totals.attempts = attempts.sum();
        let limited = tape.route_totals.iter().map(|total| u64::from(total.rate_limited));
        tape.totals.rate_limited = limited.sum();
        tape.totals.good_tokens = tape.totals.good * 180;
        tape.totals.wasted_tokens = tape.totals.late * 180;
        tape.totals.cost_nano_usd = tape.totals.attempts * 4_100_000;
        for (name, start, end, provider) in &self.faults {
            let routes: Vec<u32> = (provider * self.keys..(provider + 1) * self.keys).collect();
            let at = |second: usize, r: u32| tape.routes[r as usize][second].first;
            let seconds = 0..self.seconds as usize;
            let set = |s: usize| routes.iter().map(|r| at(s, *r)).sum::<u32>();
            let all = |s: usize| tape.arrivals[s].offered;
            let (first_per_s, base_per_s) = seconds.map(|s| (set(s), all(s))).unzip();
            tape.faults.push(FaultTape {
                name: (*name).to_owned(),
                start: Time::ZERO + Span::from_secs_f64(*start),
                end: Time::ZERO + Span::from_secs_f64(*end),
                routes,
                first_per_s,
                base_per_s,
                seen_from: None,
            });
        }
    }

    fn draw(&self, second: u64, what: usize, part: u64) -> u64 {
        luck::mix(luck::mix(self.seed, second), (what as u64) << 8 | part)
    }

    /// About standard normal: twelve uniform numbers less six.
    fn noise(&self, second: u64, what: usize) -> f64 {
        (1..=12).map(|part| luck::unit(self.draw(second, what, part))).sum::<f64>() - 6.0
    }
}

#[derive(Clone, Copy)]
struct Key {
    weight: f64,
    health: Health,
    since: u64,
}

fn route(provider: &str, index: u32, key: u32) -> RouteInfo {
    RouteInfo {
        name: format!("{provider}:chat/key-{key}"),
        provider: ProviderId(index as u16),
        model: ModelId(0),
        key: format!("key-{key}"),
        region: String::new(),
        pool: format!("{provider}/key-{key}"),
        weight: 1.0,
        tpm: None,
        rpm: None,
        price_prompt: 2_500_000_000,
        price_output: 10_000_000_000,
        about: Vec::new(),
    }
}
