//! The world against queueing theory: what must come out to within the noise of the run.

use std::f64::consts::LN_2;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use windtunnel::engine::{Outcome, Span, Time};
use windtunnel::policy::{Attempt, Past, Policy, Request, RouteId, Sent, Step, Transition};
use windtunnel::sim::plain;
use windtunnel::sim::spec::{Arrivals, Capacity, Client, Gaps, Spec, Tokens};

use crate::scripted::{in_turn, listed, observe, random, run};
use crate::{bound, still};

/// Seconds that an output token takes in a queue's world; fine enough to make any service time of them.
const TOKEN_S: f64 = 1e-6;
/// Mean service in tokens.
const MEAN: f64 = 10_000.0;
/// Mean service in seconds.
const SERVICE_S: f64 = MEAN * TOKEN_S;

/// A queue: Poisson arrivals, `servers` places, a service time of output tokens only.
fn queue(servers: u32, load: f64, output: Tokens, seconds: u64) -> Spec {
    queues(1, servers, load, output, seconds)
}

/// So many queues, each of its own, and arrivals for all of them.
fn queues(n: u16, servers: u32, load: f64, output: Tokens, seconds: u64) -> Spec {
    let rps = load * f64::from(servers) * f64::from(n) / SERVICE_S;
    let mut spec = still::world(n, 1, rps, seconds);
    for provider in &mut spec.providers {
        let service = &mut provider.services[0];
        (service.latency.network, service.latency.ttft) = (Span::ZERO, Span::ZERO);
        service.latency.tokens_per_s = 1.0 / TOKEN_S;
        service.capacity = Some(Capacity { concurrency: servers, queue: u32::MAX, slowdown: 0.0 });
    }
    spec.classes[0].output = output;
    spec.classes[0].max_tokens = u32::MAX;
    spec
}

/// Exponential token counts of mean [`MEAN`] as fine quantiles: straight lines in the logarithm between
/// 2,000 points of even probability, and 16 per octave of the upper tail.
fn exponential() -> Tokens {
    let even = (1..2_000).map(|i| f64::from(i) / 2_000.0);
    let tail = (176..640).map(|i| 1.0 - libm::exp(-f64::from(i) / 16.0 * LN_2));
    let inner = even.chain(tail).map(|p| (p, -MEAN * libm::log1p(-p)));
    let last = MEAN * 40.0 * LN_2;
    Tokens::Quantiles([(0.0, 1.0)].into_iter().chain(inner).chain([(1.0, last)]).collect())
}

/// Mean wait in units of the mean service, and the share that waited, per replication; the first tenth of
/// each is warm-up.
fn waits(spec: &Spec, replications: u64) -> (Vec<f64>, Vec<f64>) {
    let warm = Time(spec.horizon.0 / 10);
    let one = |seed| {
        let (tape, diary) = observe(spec, in_turn(&[0]), seed, false);
        assert_eq!(tape.totals.failed + tape.totals.unfinished, 0);
        let counted = diary.attempts.iter().filter(|e| e.at >= warm && e.end.is_some());
        let waits: Vec<u64> = counted.map(wait).collect();
        let (sum, n) = (waits.iter().sum::<u64>(), waits.len() as f64);
        // Rounding moves a moment by a nanosecond.
        let waited = waits.iter().filter(|&&wait| wait > 2).count();
        (sum as f64 / n / 1e9 / SERVICE_S, waited as f64 / n)
    };
    (1..=replications).map(one).unzip()
}

/// What an attempt took beyond its service.
fn wait(entry: &crate::scripted::Entry) -> u64 {
    let Outcome::Done { output_tokens, .. } = entry.outcome() else { panic!("{entry:?}") };
    let service = Span::from_secs_f64(f64::from(output_tokens) * TOKEN_S);
    entry.took().0.saturating_sub(service.0)
}

/// Probability of waiting with `servers` at `load` each (Erlang 1917).
fn erlang_c(servers: u32, load: f64) -> f64 {
    let blocked = erlang_b(servers, load * f64::from(servers));
    blocked / (1.0 - load * (1.0 - blocked))
}

/// Probability that all `servers` are busy where nobody waits, at `offered` erlangs.
fn erlang_b(servers: u32, offered: f64) -> f64 {
    (1..=servers).fold(1.0, |b, k| offered * b / (f64::from(k) + offered * b))
}

#[test]
fn erlang_s_formulas_are_those_of_the_tables() {
    // A usual entry of printed tables, and the closed forms for one and two servers.
    bound::near(erlang_b(10, 5.0), 0.018_4, 5e-5);
    bound::near(erlang_c(1, 0.7), 0.7, 1e-12);
    bound::near(erlang_c(2, 0.75), 2.0 * 0.75 * 0.75 / 1.75, 1e-12);
}

#[test]
fn one_server_with_exponential_service_waits_as_m_m_1() {
    let load = 0.8;
    let (mean, waited) = waits(&queue(1, load, exponential(), 800), 16);
    bound::mean(&mean, load / (1.0 - load), 0.04);
    bound::mean(&waited, load, 0.01);
}

#[test]
fn four_servers_wait_as_erlang_c_says() {
    let load = 0.8;
    let (mean, waited) = waits(&queue(4, load, exponential(), 250), 16);
    let p = erlang_c(4, load);
    bound::mean(&waited, p, 0.02);
    bound::mean(&mean, p / (4.0 * (1.0 - load)), 0.05);
}

#[test]
fn one_server_with_any_service_waits_as_pollaczek_and_khinchine_say() {
    let load: f64 = 0.7;
    let wait = |cv2: f64| load / (1.0 - load) * (1.0 + cv2) / 2.0;
    let (even, _) = waits(&queue(1, load, Tokens::Constant(MEAN as u32), 600), 12);
    bound::mean(&even, wait(0.0), 0.03);
    let sigma: f64 = 0.9;
    let lognormal = Tokens::Lognormal { median: MEAN * libm::exp(-0.5 * sigma * sigma), sigma };
    let (spread, waited) = waits(&queue(1, load, lognormal, 800), 16);
    bound::mean(&spread, wait(libm::expm1(sigma * sigma)), 0.05);
    bound::mean(&waited, load, 0.01);
}

/// Counts the attempts in flight every 100 ms.
struct Census {
    inner: Box<dyn Policy>,
    flying: u64,
    at: Time,
    sum: Arc<AtomicU64>,
}

impl Policy for Census {
    fn choose(&mut self, now: Time, r: &Request, avoid: &[RouteId], luck: u64) -> Option<Attempt> {
        self.inner.choose(now, r, avoid, luck)
    }

    fn set_present(&mut self, now: Time, route: RouteId, present: bool) {
        self.inner.set_present(now, route, present);
    }

    fn next(&mut self, now: Time, request: &Request, past: &[Past], waits: u32, luck: u64) -> Step {
        let step = self.inner.next(now, request, past, waits, luck);
        self.flying += u64::from(matches!(step, Step::Send(_)));
        step
    }

    fn on_end(&mut self, _: Time, _: &Sent, _: &Outcome) {
        self.flying -= 1;
    }

    fn next_wake(&self) -> Option<Time> {
        Some(self.at)
    }

    fn on_wake(&mut self, now: Time, _: &mut dyn FnMut(Transition)) {
        if (Time::from_secs(60)..Time::from_secs(260)).contains(&now) {
            self.sum.fetch_add(self.flying, Ordering::Relaxed);
        }
        self.at += Span::from_millis(100);
    }
}

#[test]
fn in_flight_is_rate_times_latency() {
    let spec = plain::world(3, 2, 100.0, 280);
    let ratio = |seed| {
        let sum = Arc::default();
        let (inner, flying) = (random(&spec), Arc::clone(&sum));
        let census = Census { inner, flying: 0, at: Time::from_secs(60), sum: flying };
        let tape = run(&spec, Box::new(census), seed);
        let in_flight = sum.load(Ordering::Relaxed) as f64 / 2_000.0;
        let arrived: u64 = tape.arrivals[60..260].iter().map(|bin| u64::from(bin.offered)).sum();
        in_flight / (arrived as f64 / 200.0 * tape.latency.mean() / 1e6)
    };
    // The histogram keeps three digits.
    bound::mean(&(1..=12).map(ratio).collect::<Vec<_>>(), 1.0, 0.01);
}

#[test]
fn a_random_split_is_even() {
    let tape = {
        let spec = still::world(4, 3, 1_000.0, 60);
        run(&spec, random(&spec), 1)
    };
    let offered = tape.totals.offered as usize;
    assert!(offered > 59_000);
    for route in &tape.route_totals {
        bound::share(route.attempts as usize, offered, 1.0 / 12.0);
    }
    // The twelve together: χ² with 11 degrees of freedom is below 31.3 but for one in a thousand.
    let expected = offered as f64 / 12.0;
    let off = |n: u32| f64::from(n) - expected;
    let square = |n: u32| off(n) * off(n) / expected;
    let chi2: f64 = tape.route_totals.iter().map(|route| square(route.attempts)).sum();
    assert!(chi2 < 31.3, "{chi2}");
}

/// `clients` that think for a second, at a queue of one server of [`SERVICE_S`].
fn closed(clients: u32, seconds: u64) -> Spec {
    let mut spec = queue(1, 0.5, exponential(), seconds);
    spec.classes[0].arrivals = Arrivals::Closed { clients, think: Span::from_secs(1) };
    spec.classes[0].client = Client { deadline: Span::from_secs(60), ..spec.classes[0].client };
    spec
}

#[test]
fn closed_loop_throughput_is_clients_over_response_and_think_time() {
    for clients in [20, 90, 150] {
        let spec = closed(clients, 240);
        let ratio = |seed| {
            let tape = run(&spec, in_turn(&[0]), seed);
            let x = tape.totals.offered as f64 / 240.0;
            x * (tape.latency.mean() / 1e6 + 1.0) / f64::from(clients)
        };
        bound::mean(&(1..=12).map(ratio).collect::<Vec<_>>(), 1.0, 0.02);
    }
}

#[test]
fn closed_loop_throughput_is_that_of_the_machine_repairman() {
    // M/M/1//N: p₀ = 1 / Σ N!/(N−k)! (s/z)^k, throughput (1 − p₀)/s.
    let clients = 90u32;
    let terms = (1..=clients).scan(1.0, |term, k| {
        *term *= f64::from(clients - k + 1) * SERVICE_S;
        Some(*term)
    });
    let idle = 1.0 / (1.0 + terms.sum::<f64>());
    let spec = closed(clients, 200);
    // Each client thinks first, so the first seconds are below the mean; they are left out.
    let rate = |seed| {
        let tape = run(&spec, in_turn(&[0]), seed);
        let offered: u64 = tape.arrivals[10..].iter().map(|bin| u64::from(bin.offered)).sum();
        offered as f64 / 190.0
    };
    bound::mean(&(1..=12).map(rate).collect::<Vec<_>>(), (1.0 - idle) / SERVICE_S, 0.01);
}

#[test]
fn open_loop_demand_ignores_a_slow_server_and_closed_loop_demand_follows_it() {
    let offered = |arrivals, slow: f64| {
        let mut spec = queue(1, 0.5, exponential(), 60);
        spec.providers[0].services[0].latency.tokens_per_s /= slow;
        spec.classes[0].arrivals = arrivals;
        run(&spec, in_turn(&[0]), 1).totals.offered
    };
    let open = || still::arrivals(Gaps::Poisson, 50.0);
    assert_eq!(offered(open(), 1.0), offered(open(), 10.0), "twice, then five times overloaded");
    let closed = || Arrivals::Closed { clients: 50, think: Span::from_secs(1) };
    // 50 requests per second at most; then 10, the server's rate.
    let (fast, slow) =
        (offered(closed(), 1.0) as f64 / 60.0, offered(closed(), 10.0) as f64 / 60.0);
    assert!(fast > 45.0, "{fast}");
    bound::near(slow, 10.0, 10.0 * 4.0 / 600f64.sqrt() + 50.0 / 60.0);
}

/// Counts, every 50 ms from 2 s on, the routes that have 1, 2, … jobs or more.
struct Depths {
    inner: Box<dyn Policy>,
    jobs: Vec<usize>,
    at: Time,
    seen: Arc<Mutex<(u64, [u64; 6])>>,
}

impl Policy for Depths {
    fn choose(&mut self, now: Time, r: &Request, avoid: &[RouteId], luck: u64) -> Option<Attempt> {
        let attempt = self.inner.choose(now, r, avoid, luck)?;
        self.jobs[attempt.route.index()] += 1;
        Some(attempt)
    }

    fn set_present(&mut self, now: Time, route: RouteId, present: bool) {
        self.inner.set_present(now, route, present);
    }

    fn on_end(&mut self, now: Time, sent: &Sent, outcome: &Outcome) {
        self.jobs[sent.route.index()] -= 1;
        self.inner.on_end(now, sent, outcome);
    }

    fn next_wake(&self) -> Option<Time> {
        Some(self.at)
    }

    fn on_wake(&mut self, now: Time, _: &mut dyn FnMut(Transition)) {
        if now >= Time::from_secs(2) {
            let mut seen = self.seen.lock().unwrap();
            seen.0 += 1;
            for jobs in &self.jobs {
                (0..(*jobs).min(6)).for_each(|i| seen.1[i] += 1);
            }
        }
        self.at += Span::from_millis(50);
    }
}

/// The supermarket model (Vvedenskaya, Dobrushin, Karpelevich 1996; Mitzenmacher 1996): with many servers and
/// the shorter of two queues, a share ρ^(2^i − 1) of them has i jobs or more; with one draw it is ρ^i.
#[test]
fn with_two_choices_queues_are_as_short_as_the_supermarket_model_says() {
    let (servers, load) = (500u16, 0.9);
    let spec = queues(servers, 1, load, exponential(), 8);
    let depths = |seed| {
        let seen = Arc::default();
        let jobs = vec![0; usize::from(servers)];
        let shared = Arc::clone(&seen);
        let inner = listed("p2c", &spec);
        run(&spec, Box::new(Depths { inner, jobs, at: Time::ZERO, seen: shared }), seed);
        let (looks, found) = *seen.lock().unwrap();
        found.map(|n| n as f64 / (looks * u64::from(servers)) as f64)
    };
    let runs: Vec<[f64; 6]> = (1..=4).map(depths).collect();
    for i in 0..6 {
        let mean = runs.iter().map(|run| run[i]).sum::<f64>() / runs.len() as f64;
        let power = f64::from((1u32 << (i + 1)) - 1);
        bound::near(mean, libm::pow(load, power), 0.01);
    }
}
