//! gRPC's `weighted_round_robin`: weights from what servers report, a static stride over them.
//!
//! Source: grpc/grpc-go, balancer/weightedroundrobin (balancer.go, scheduler.go), 4793ad047. A weight is
//! requests per second ÷ (utilization + error rate × penalty); it counts after a blackout and until it expires,
//! and a server without one gets the mean of the others. An empty report (no utilization, or no requests) is not
//! heeded.
//!
//! Our choices: a server is a route; rates are differences between reports; a route that has to be avoided is
//! passed over in the sequence, and after 64 steps the heaviest that is left is taken.

use crate::engine::{Param, Settings, Span, Time, Unit, luck};
use crate::policy::part::Candidates;
use crate::policy::{
    Attempt, Family, Grade, ModelId, Policy, PolicySpec, Pool, Process, Report, Request, RouteId,
    RouteView, Sees, SetId,
};

const CODE: &str = "grpc/grpc-go, balancer/weightedroundrobin, 4793ad047";

/// Its parameters.
pub static TABLE: [Param; 5] = [
    Param::new(
        "weights.period",
        Unit::Seconds,
        1.0,
        (0.1, 60.0),
        "Time between reports and weights.",
    )
    .from(CODE),
    Param::new("weights.delay", Unit::Seconds, 0.0, (0.0, 60.0), "Age of a report when it comes."),
    Param::new(
        "weights.blackout",
        Unit::Seconds,
        10.0,
        (0.0, 600.0),
        "Time after its first report before a route's weight counts.",
    )
    .from(CODE),
    Param::new(
        "weights.expiry",
        Unit::Seconds,
        180.0,
        (1.0, 3600.0),
        "Time after its last report when a weight counts no more.",
    )
    .from(CODE),
    Param::new(
        "weights.error_penalty",
        Unit::Number,
        1.0,
        (0.0, 100.0),
        "Utilization per error rate.",
    )
    .from(CODE),
];

/// Registry entry.
pub const SPEC: PolicySpec = PolicySpec {
    name: "grpc-wrr",
    product: "gRPC-Go, weighted_round_robin, 2026",
    source: CODE,
    doc: "Weights from the requests, errors and utilization that servers report, served by a static stride.",
    family: Family::Field,
    grade: Grade::Source,
    left_out: "outlier detection, which gRPC configures apart; reports that ride on answers",
    process: Process::ONE,
    params: &TABLE,
    preset: &[],
    build: |settings, pool, _, key| Ok(Box::new(Wrr::new(settings, pool, key))),
};

/// Greatest weight of the stride.
const FULL: u64 = u16::MAX as u64;
/// Steps to make for the sake of routes to avoid.
const STEPS: u64 = 64;

#[derive(Clone, Copy, Debug, Default)]
struct Server {
    last: Option<(Time, Report)>,
    weight: f64,
    since: Option<Time>,
    updated: Option<Time>,
}

/// A sequence of one model.
#[derive(Clone, Debug, Default)]
struct Stride {
    /// Weight of each present route, at most [`FULL`].
    weights: Vec<u64>,
    next: u64,
}

#[derive(Debug)]
struct Wrr {
    candidates: Candidates,
    servers: Vec<Server>,
    strides: Vec<Stride>,
    period: Span,
    delay: Span,
    blackout: Span,
    expiry: Span,
    penalty: f64,
}

impl Server {
    /// Takes in a report: whether there was anything in it.
    fn report(&mut self, as_of: Time, report: &Report, penalty: f64) -> bool {
        let Some((before, old)) = self.last.replace((as_of, *report)) else { return false };
        let secs = as_of.since(before).as_secs_f64();
        let failed = report.failed.saturating_sub(old.failed) as f64;
        let ended = report.done.saturating_sub(old.done) as f64 + failed;
        let fresh = secs > 0.0 && ended > 0.0 && report.utilization > 0.0;
        if fresh {
            self.weight = ended / secs / (report.utilization + failed / ended * penalty);
        }
        fresh
    }

    /// Its weight, 0 where it does not count.
    fn current(&mut self, now: Time, blackout: Span, expiry: Span) -> f64 {
        let (Some(updated), Some(since)) = (self.updated, self.since) else { return 0.0 };
        if now.since(updated) >= expiry {
            self.since = None;
            return 0.0;
        }
        if now.since(since) < blackout { 0.0 } else { self.weight }
    }
}

impl Stride {
    /// The index after `avoided` ones are passed over.
    fn pick(&mut self, avoided: impl Fn(usize) -> bool) -> Option<usize> {
        let n = self.weights.len() as u64;
        let mut passed = 0;
        while n > 0 && passed < STEPS {
            let (index, generation) = (self.next % n, self.next / n);
            self.next = self.next.wrapping_add(1) & u64::from(u32::MAX);
            let weight = self.weights[index as usize];
            let phase = (weight * generation + index * (FULL / 2)) % FULL;
            if phase >= FULL - weight {
                if !avoided(index as usize) {
                    return Some(index as usize);
                }
                passed += 1;
            }
        }
        let left = (0..self.weights.len()).rev().filter(|index| !avoided(*index));
        left.max_by_key(|index| self.weights[*index])
    }
}

impl Wrr {
    fn new(settings: &Settings, pool: &Pool, key: u64) -> Self {
        let span = |id| Span::from_secs_f64(settings.get(id));
        let stride = |model: usize| Stride {
            weights: Vec::new(),
            next: luck::mix(key, model as u64) & u64::from(u32::MAX),
        };
        let mut wrr = Self {
            candidates: Candidates::new(pool),
            servers: vec![Server::default(); pool.routes.len()],
            strides: (0..pool.models.len()).map(stride).collect(),
            period: span("weights.period"),
            delay: span("weights.delay"),
            blackout: span("weights.blackout"),
            expiry: span("weights.expiry"),
            penalty: settings.get("weights.error_penalty"),
        };
        for model in 0..pool.models.len() {
            wrr.renew(Time::ZERO, ModelId(model as u16));
        }
        wrr
    }

    /// Scales the weights of a model to the stride; all alike if fewer than two routes have one.
    fn renew(&mut self, now: Time, model: ModelId) {
        let routes = self.candidates.of(model);
        let (mut sum, mut max, mut known) = (0.0, 0.0f64, 0usize);
        for route in routes {
            let weight = self.servers[route.index()].current(now, self.blackout, self.expiry);
            sum += weight;
            max = max.max(weight);
            known += usize::from(weight > 0.0);
        }
        let weights = &mut self.strides[usize::from(model.0)].weights;
        weights.clear();
        if known < 2 {
            weights.resize(routes.len(), FULL);
            return;
        }
        let scale = FULL as f64 / max;
        let mean = (scale * sum / known as f64).round() as u64;
        for route in routes {
            let weight = self.servers[route.index()].current(now, self.blackout, self.expiry);
            weights.push(if weight > 0.0 { (scale * weight).round() as u64 } else { mean });
        }
    }
}

impl Policy for Wrr {
    fn choose(&mut self, _: Time, request: &Request, avoid: &[RouteId], _: u64) -> Option<Attempt> {
        let routes = self.candidates.of(request.model);
        let stride = &mut self.strides[usize::from(request.model.0)];
        let may = |route| request.set == SetId::ALL || self.candidates.may(request, route);
        let index = stride.pick(|index| avoid.contains(&routes[index]) || !may(routes[index]))?;
        Some(Attempt::to(routes[index]))
    }

    fn set_present(&mut self, now: Time, route: RouteId, present: bool) {
        self.candidates.set_present(route, present);
        self.servers[route.index()] = Server::default();
        self.renew(now, self.candidates.model(route));
    }

    fn show(&self, views: &mut [RouteView]) {
        for (model, stride) in self.strides.iter().enumerate() {
            let sum: u64 = stride.weights.iter().sum();
            let routes = self.candidates.of(ModelId(model as u16));
            for (route, weight) in routes.iter().zip(&stride.weights) {
                views[route.index()].weight = *weight as f64;
                views[route.index()].expected = *weight as f64 / sum as f64;
            }
        }
    }

    fn sees(&self) -> Sees {
        Sees::Reports { every: self.period, delay: self.delay }
    }

    fn on_reports(&mut self, now: Time, as_of: Time, reports: &[Report]) {
        for (server, report) in self.servers.iter_mut().zip(reports) {
            if server.report(as_of, report, self.penalty) {
                server.updated = Some(now);
                server.since = server.since.or(Some(now));
            }
        }
        for model in 0..self.strides.len() {
            self.renew(now, ModelId(model as u16));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture::{build, pool, request, shares};

    /// One report a second from `from` to `to`: 100 requests a second, a tenth of them failed at route 1.
    fn feed(policy: &mut dyn Policy, from: u64, to: u64) {
        for second in from..=to {
            let report = |utilization, failed| Report {
                done: (100 - failed) * second,
                failed: failed * second,
                utilization,
                ..Report::default()
            };
            let reports = [report(0.2, 0), report(0.2, 10), report(0.6, 0), Report::default()];
            let now = Time::from_secs(second);
            policy.on_reports(now, now, &reports);
        }
    }

    fn near(seen: &[f64], expected: [f64; 4]) {
        let close = seen.iter().zip(expected).all(|(share, want)| (share - want).abs() < 0.002);
        assert!(close, "{seen:?}, not {expected:?}");
    }

    #[test]
    fn weights_are_throughput_over_utilization_and_errors_and_the_unknown_get_the_mean() {
        let mut policy = build(&SPEC, &pool(&[4]), &[]);
        feed(&mut *policy, 0, 11);
        // 500, 333.3 and 166.7 requests per second of utilization; the mean of them is 333.3.
        let third = 1.0 / 4.0;
        let now = Time::from_secs(11);
        near(&shares(&mut *policy, now, 4, 40_000), [0.375, third, 0.125, third]);
        let mut views = [RouteView::default(); 4];
        policy.show(&mut views);
        assert!((views[0].expected - 0.375).abs() < 0.001);
    }

    #[test]
    fn a_weight_counts_ten_seconds_after_the_first_report_and_three_minutes_after_the_last() {
        let even = [0.25; 4];
        let mut policy = build(&SPEC, &pool(&[4]), &[]);
        feed(&mut *policy, 0, 10);
        near(&shares(&mut *policy, Time::ZERO, 4, 4_000), even);
        feed(&mut *policy, 11, 11);
        assert!(shares(&mut *policy, Time::ZERO, 4, 4_000)[0] > 0.3);
        let silent = |policy: &mut dyn Policy, second| {
            let now = Time::from_secs(second);
            policy.on_reports(now, now, &[Report::default(); 4]);
        };
        silent(&mut *policy, 190);
        assert!(shares(&mut *policy, Time::ZERO, 4, 4_000)[0] > 0.3);
        silent(&mut *policy, 191);
        near(&shares(&mut *policy, Time::ZERO, 4, 4_000), even);
    }

    #[test]
    fn with_one_weight_only_the_routes_take_turns() {
        let mut policy = build(&SPEC, &pool(&[3]), &[]);
        let turn = |policy: &mut dyn Policy, avoid: &[RouteId]| {
            policy.choose(Time::ZERO, &request(1), avoid, 7).unwrap().route.0
        };
        let first: Vec<u32> = (0..3).map(|_| turn(&mut *policy, &[])).collect();
        let second: Vec<u32> = (0..3).map(|_| turn(&mut *policy, &[])).collect();
        assert_eq!(first, second);
        assert_eq!(first.iter().sum::<u32>(), 3);
        for _ in 0..10 {
            assert_eq!(turn(&mut *policy, &[RouteId(0), RouteId(2)]), 1);
        }
        let all = [RouteId(0), RouteId(1), RouteId(2)];
        assert!(policy.choose(Time::ZERO, &request(1), &all, 7).is_none());
    }

    #[test]
    fn reports_come_every_second() {
        let policy = build(&SPEC, &pool(&[1]), &[]);
        assert_eq!(policy.sees(), Sees::Reports { every: Span::from_secs(1), delay: Span::ZERO });
    }

    #[test]
    fn a_route_that_comes_back_begins_without_a_weight() {
        let mut policy = build(&SPEC, &pool(&[4]), &[]);
        feed(&mut *policy, 0, 20);
        policy.set_present(Time::from_secs(20), RouteId(0), false);
        assert_eq!(shares(&mut *policy, Time::from_secs(20), 4, 100)[0], 0.0);
        policy.set_present(Time::from_secs(20), RouteId(0), true);
        // The mean of 333.3 and 166.7 for two of four.
        let seen = shares(&mut *policy, Time::from_secs(20), 4, 40_000);
        near(&seen, [0.25, 1.0 / 3.0, 1.0 / 6.0, 0.25]);
    }
}
